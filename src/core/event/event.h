/*
 * An event: the record that grows as a transaction passes the stages.
 *
 * What:    the transaction (or label, or epoch mark), its position in the log, the feature vector,
 *          one detection per detector and the decision. Each stage fills its own part; a topic's codec says
 *          which parts cross a wire.
 * Why:     in one process a message is a pointer to its event: no copy, no look-up and no allocation
 *          between stages; between processes the same parts travel as Protocol Buffers.
 * Owner:   events come from a fixed pool (runtime/event_pool.h) and go back when the last consumer has let go.
 * Threads: a part is written by the stage that owns it before the event is emitted, and only read
 *          by later stages; detectors write only their own slot.
 * Limits:  TT_FEATURES_MAX features, TT_DETECTORS_MAX detectors, TT_STEPS_MAX feature steps.
 */
#ifndef TT_CORE_EVENT_EVENT_H
#define TT_CORE_EVENT_EVENT_H

#include "core/txn/txn.h"

#define TT_FEATURES_MAX 128
#define TT_DETECTORS_MAX 8
#define TT_STEPS_MAX 8
#define TT_REASONS_MAX 8
#define TT_RULE_HITS_MAX 16

enum tt_event_kind {
    TT_EVENT_TRANSACTION = 1,
    TT_EVENT_LABEL,    /* txn is the labelled transaction's record */
    TT_EVENT_EPOCH,    /* everything before it in the log closes epoch `epoch` - 1 */
    TT_EVENT_REJECT,   /* a refused record on its way to the dead letters; has no position */
    TT_EVENT_SNAPSHOT, /* not in the log: what the stages hold is saved as of seq, the event before */
};

/* Why a record was refused, and its bytes with card numbers masked; views into the event's text. */
struct tt_rejection {
    const char *reason; /* code of format/record/rejects.def, static */
    uint16_t http_status;
    struct tt_str source; /* "http", a file's name … */
    struct tt_str detail;
    struct tt_str bytes;
};

/* What a labelled file or a generator knows about a transaction. For reports alone: no stage that
 * decides may read it. */
struct tt_truth {
    bool known;
    bool fraud;
    struct tt_str kind; /* absent = none */
};

/* What the gate on (user_id, transaction_id) said. */
enum tt_gate { TT_GATE_FRESH = 1, TT_GATE_DUPLICATE, TT_GATE_CONFLICT };

enum tt_severity {
    TT_SEVERITY_NONE = 0,
    TT_SEVERITY_LOW,
    TT_SEVERITY_MEDIUM,
    TT_SEVERITY_HIGH,
    TT_SEVERITY_CRITICAL,
};
enum tt_verdict_kind { TT_ALLOW = 1, TT_REVIEW, TT_BLOCK };
/* What became of a payment as an alert; depends on counters and so is recorded, not made again. */
enum tt_alert {
    TT_ALERT_NONE = 0, /* nothing to tell */
    TT_ALERT_OPENED,   /* alerted: opens a case, or makes one more severe */
    TT_ALERT_RULE,     /* alerted: a rule decided so */
    TT_ALERT_PAGED,    /* alerted: the first that the spent budget would have held back */
    TT_ALERT_ATTACHED, /* belongs to a case that was alerted */
    TT_ALERT_HELD,     /* an anomaly; the budget goes to others */
    TT_ALERT_SAMPLED,  /* alerted: drawn at random, whatever its rank */
};
#define TT_ALERT_LAST TT_ALERT_SAMPLED

/* Moments in an event's way through the stages. */
enum tt_event_time {
    TT_TIME_RECEIVED,
    TT_TIME_FEATURES,
    TT_TIME_DETECTED,
    TT_TIME_DECIDED,
    TT_EVENT_TIME_COUNT
};

/* Features in the order of the plan; a missing one has its bit set and the value 0. */
struct tt_vector {
    struct tt_hash128 plan; /* the plan they were computed by */
    uint32_t count;
    uint64_t missing[TT_FEATURES_MAX / 64];
    double values[TT_FEATURES_MAX];
};

/* One detector's answer; every detector answers for every transaction. */
struct tt_detection {
    double score;     /* raw: higher is more unusual; meaning is the detector's */
    double p_value;   /* calibrated, in (0, 1) */
    uint16_t feature; /* index of the feature that weighed most, or UINT16_MAX */
    bool present;     /* false: no model yet, or nothing to judge by (see degraded) */
    bool fired;       /* p_value at or below the detector's own threshold, or a rule hit */
};

/* The rules that fired, by index into the bundle's rule set, most severe first; what does not fit
 * is counted. */
struct tt_rule_hits {
    uint16_t count;    /* entries of rules */
    uint16_t overflow; /* hits that did not fit */
    uint16_t errors;   /* rules that could not be evaluated, e.g. for a missing value */
    uint16_t rules[TT_RULE_HITS_MAX];
};
/* What rules in shadow mode said: a type of its own, so that no decision can be made from it. */
struct tt_shadow_hits {
    struct tt_rule_hits hits;
};

/* What a reason compares with. */
enum tt_baseline { TT_BASELINE_NONE = 0, TT_BASELINE_OWN, TT_BASELINE_PEERS };

/* The detector of the reason `other`: what no single feature accounts for. */
#define TT_REASON_OTHER UINT8_MAX
/* The detector of a reason that labels have taught. */
#define TT_REASON_TAUGHT (UINT8_MAX - 1)

/* One reason an anomaly is one, on the scale of the final score's logit. */
struct tt_reason {
    uint8_t detector;                     /* index into the detectors, or one of the two above */
    uint16_t feature;                     /* index into the plan, or UINT16_MAX */
    double observed, expected, threshold; /* NaN = not stated */
    double contribution;                  /* signed */
    uint8_t baseline;                     /* enum tt_baseline: whose habit `expected` is */
    double history;                       /* how many of its own stand behind it; NaN = none */
    struct tt_str message;                /* in the event's text */
};

/* How the label-free evidence and what labels have taught were joined; evidence is a logit. */
struct tt_blend {
    bool learned;    /* labels have taught something: the rest is there */
    double free;     /* label-free evidence */
    double log_odds; /* of fraud, as learned */
    double taught;   /* the evidence in them, once calibrated */
    double weight;   /* of it; the label-free evidence has the rest of 1 */
    double evidence; /* of both, before the last calibration */
};

struct tt_decision {
    double score;     /* in [0, 1): 1 - p_value */
    double p_value;   /* in (0, 1) */
    uint8_t severity; /* enum tt_severity */
    uint8_t verdict;  /* enum tt_verdict_kind */
    bool anomalous;   /* severity is not none */
    bool alerted;
    uint8_t alert;                /* enum tt_alert: why it is, or is not */
    double selection_probability; /* of being drawn, when sampled; else 0 */
    uint32_t
        degraded; /* bits: detector i was absent; feature step i - TT_DETECTORS_MAX was short */
    uint32_t reason_count;
    struct tt_reason reasons[TT_REASONS_MAX];
};

/* Outcomes of the log that is replayed: they stand, whatever the counters would say now. */
struct tt_outcomes {
    bool known;
    uint8_t alert; /* enum tt_alert */
    double selection_probability;
};

struct tt_event_home;
struct tt_setup;
struct tt_event {
    /* The pool's; kept from use to use. */
    struct tt_event_home *home; /* where it goes when nobody refers to it */
    struct tt_event *next_free;
    int32_t references;   /* atomic; ports/event_ref.h */
    struct tt_arena text; /* bytes of all views below */

    /* Zeroed for each use, from `kind` up to `vector`. */
    uint8_t kind;          /* enum tt_event_kind */
    uint8_t gate;          /* enum tt_gate */
    uint8_t step_absorbed; /* bit s: feature step s absorbed it */
    uint8_t step_degraded; /* bit s: a limit has taken what step s's windows reach back to */
    uint8_t arrived;       /* detectors whose answer has come in (anomaly-aggregator) */
    bool late;
    uint32_t epoch;     /* decision epoch, stamped by the last feature step */
    uint64_t seq;       /* position in the log, from 1 */
    uint64_t first_seq; /* of a duplicate or conflict: the position of the first occurrence */
    uint64_t positions[TT_STEPS_MAX]; /* per feature step: position in its log */
    struct tt_hash128 bundle;
    struct tt_hash128 content;
    struct tt_txn txn;
    struct tt_label label;
    struct tt_rejection rejection; /* of kind TT_EVENT_REJECT */
    struct tt_rule_hits rule_hits;
    struct tt_shadow_hits shadow_hits;
    struct tt_detection detections[TT_DETECTORS_MAX];
    struct tt_outcomes outcomes; /* of a recorded log */
    struct tt_blend blend;
    struct tt_decision decision;
    int64_t time_ns[TT_EVENT_TIME_COUNT]; /* monotonic; 0 = not timed */
    void *reply;            /* who waits for the answer, or NULL (services/data_ingestor) */
    uint32_t reply_index;   /* which record of that request */
    struct tt_setup *setup; /* of an epoch mark that brings other rules: theirs, a reference
                               that the aggregator takes */
    uint64_t rules_version; /* of such a mark; else 0 */
    void *closing; /* of an epoch mark: what closing it made (services/anomaly_aggregator) */
    bool unstored; /* history that only warms up: absorbed, not kept */
    struct tt_truth truth;
    uint64_t source_line; /* of a file: line or row, from 1; 0 = not from a file */

    /* Written by the first feature step before anybody reads it. */
    struct tt_vector vector;
};

/* Empties an event for its next use: everything but the pool's part. */
void tt_event_clear(struct tt_event *event);

/* A feature's value, NaN-free: false when it is missing. */
static inline bool tt_vector_get(const struct tt_vector *vector, uint32_t index, double *ret)
{
    if (index >= vector->count || ((vector->missing[index / 64] >> (index % 64)) & 1) != 0) {
        return false;
    }
    *ret = vector->values[index];
    return true;
}

static inline void tt_vector_set(struct tt_vector *vector, uint32_t index, double value)
{
    vector->values[index] = value;
    vector->missing[index / 64] &= ~(UINT64_C(1) << (index % 64));
}

static inline void tt_vector_set_missing(struct tt_vector *vector, uint32_t index)
{
    vector->values[index] = 0.0;
    vector->missing[index / 64] |= UINT64_C(1) << (index % 64);
}

/* "none" "opened" "rule" "paged" "attached" "held" "sampled". */
const char *tt_alert_name(uint8_t alert);
bool tt_alert_find(struct tt_str name, uint8_t *ret); /* false when unknown */
/* Whether that outcome goes out. */
static inline bool tt_alert_goes_out(uint8_t alert)
{
    return alert == TT_ALERT_OPENED || alert == TT_ALERT_RULE || alert == TT_ALERT_PAGED ||
           alert == TT_ALERT_SAMPLED;
}
/* "none" "low" "medium" "high" "critical"; "allow" "review" "block". */
const char *tt_severity_name(uint8_t severity);
const char *tt_verdict_name(uint8_t verdict);
uint8_t tt_severity_find(struct tt_str name); /* TT_SEVERITY_NONE when unknown */
uint8_t tt_verdict_find(struct tt_str name);  /* 0 when unknown */

#endif
