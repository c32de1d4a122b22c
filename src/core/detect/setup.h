/*
 * A setup: everything a decision depends on that a person wrote, compiled and hashed.
 *
 * What:    the feature list, the rule set, and the detectors' configuration
 *          (config/detectors.yaml): which detectors run, on which features, how they are fused,
 *          which p-value is which severity, what policy follows, and when an epoch closes.
 * Why:     what people write (setup) and what the trainer learns (bundle.h) change at different
 *          times; a bundle belongs to exactly one setup and carries its hash.
 * Owner:   tt_setup_new from alloc, reference-counted; rules and names are borrowed and must
 *          outlive the last reference; feature names are copied.
 * Threads: immutable once made; ref and unref from any thread.
 * Limits:  TT_DETECTORS_MAX detectors, TT_JUDGED_MAX judged features a detector,
 *          TT_FOREST_FEATURES_MAX features of a forest, TT_WORDS_SIZE_MAX bytes a feature's words.
 * Fails:   TT_E_UNKNOWN a key or feature that is not known (the nearest is named), TT_E_TYPE,
 *          TT_E_INVALID a value out of range, TT_E_LIMIT too many; each with line and column.
 *          TT_E_NOMEM.
 */
#ifndef TT_CORE_DETECT_SETUP_H
#define TT_CORE_DETECT_SETUP_H

#include "base/hash.h"
#include "base/tree.h"
#include "core/event/event.h"

#define TT_JUDGED_MAX 16
#define TT_FOREST_FEATURES_MAX 16
#define TT_WORDS_SIZE_MAX 64

struct tt_rules;
struct tt_names;
struct tt_detector_ops;

/* Code path of the vectorised loops; all give the same bits. */
enum tt_cpu { TT_CPU_AUTO = 0, TT_CPU_SCALAR, TT_CPU_AVX2, TT_CPU_AVX512 };

/* Which side of the usual is unusual. */
enum tt_tail { TT_TAIL_HIGH = 1, TT_TAIL_LOW, TT_TAIL_BOTH };
/* How the spread of a feature goes with its centre: not at all, in proportion to it (spending), or
 * it is a logarithm already (then it is shown to people as its exponential). */
enum tt_scale { TT_SCALE_LINEAR = 1, TT_SCALE_RELATIVE, TT_SCALE_LOG };
/* How people read a feature's numbers. */
enum tt_unit {
    TT_UNIT_NONE = 1,
    TT_UNIT_AMOUNT, /* major units of the transaction's currency */
    TT_UNIT_COUNT,
    TT_UNIT_SECONDS,
    TT_UNIT_DAYS,
    TT_UNIT_KM,
    TT_UNIT_KMH,
    TT_UNIT_RATIO,
    TT_UNIT_SHARE,
};

/* What a feature is compared with: the entity's own history, which is features too, or all of its
 * peers. */
enum tt_against { TT_AGAINST_OWN = 1, TT_AGAINST_PEERS };

/* One judged feature. */
struct tt_judged {
    uint16_t feature; /* the value that is judged */
    uint16_t count;   /* how many the history holds; UINT16_MAX against peers, like the others */
    uint16_t center;  /* mean (zscore) or median (iqr) of the history */
    uint16_t spread;  /* standard deviation (zscore) or lower quartile (iqr) */
    uint16_t upper;   /* upper quartile (iqr), else UINT16_MAX */
    uint8_t tail, scale, against;
    double prior_count;        /* observations the peers' centre is worth */
    double prior_spread_count; /* and the peers' spread */
};

/* One row of `detectors`, in the order of detectors.def; its index is the slot in events. */
struct tt_detector {
    const struct tt_detector_ops *ops;
    bool enabled;     /* false: never present; the slot stays */
    double weight;    /* in the fusion; 0 = shadow: scored and stored, never decides */
    double threshold; /* p-value at or below which it has fired */
    uint32_t judged_count;
    struct tt_judged judged[TT_JUDGED_MAX]; /* zscore, iqr */
    uint32_t feature_count;
    uint16_t features[TT_FOREST_FEATURES_MAX]; /* isolation_forest */
    uint32_t trees, sample;                    /* isolation_forest */
};

/* What people call a feature ("payments in an hour"), whose habit it is ("this customer"), and
 * which feature it is another form of: their reasons are told as one. */
struct tt_words {
    uint16_t same_as; /* a feature; itself when nothing is said */
    uint8_t unit;     /* enum tt_unit; 0 = the feature has no entry */
    uint8_t text_size, whose_size, since_size;
    char text[TT_WORDS_SIZE_MAX];
    char whose[TT_WORDS_SIZE_MAX];
    char since[TT_WORDS_SIZE_MAX]; /* how far back the habit goes: "the last month" */
};

/* The layer that learns from labels (learned.h). */
#define TT_LEARNED_INPUTS_MAX (TT_FEATURES_MAX + TT_DETECTORS_MAX)
struct tt_learned {
    bool enabled;
    uint32_t input_count;
    /* A feature, or TT_FEATURES_MAX + slot for a detector's p-value; ascending. */
    uint16_t inputs[TT_LEARNED_INPUTS_MAX];
    double frauds_half;       /* known frauds at which it weighs as much as what needs no labels */
    double unlabelled_weight; /* of a payment that is presumed genuine */
    int64_t horizon_ms;       /* after which it is */
    uint32_t memory_mib;      /* for held payments */
};

struct tt_setup {
    int32_t references; /* atomic */
    enum tt_cpu cpu;    /* resolved, never AUTO; not part of the hash */
    const struct tt_alloc *alloc;
    const struct tt_rules *rules; /* may be NULL: no rules */
    const struct tt_names *names; /* may be NULL when rules is */
    struct tt_hash128 plan;       /* the vectors' plan */
    struct tt_hash128 hash;       /* of plan, rules and the configuration below */
    struct tt_hash128 base;       /* the same without the rules */
    struct tt_rules *owned;       /* rules that go with the setup, or NULL */
    uint64_t *hits;               /* atomic, a count a rule: since this setup was made, live or
                                     shadow, whatever its mode says; NULL without rules */
    uint32_t feature_count;
    struct tt_str *features; /* names in the order of the plan, NUL-terminated */
    uint32_t detector_count;
    uint32_t rules_slot; /* index of the detector `rules` */
    struct tt_detector detectors[TT_DETECTORS_MAX];
    struct tt_learned learned;
    double half_life_ms;                         /* of calibration and samples */
    double severity_p[TT_SEVERITY_CRITICAL + 1]; /* [low] > [medium] > [high] > [critical] */
    uint8_t policy[TT_SEVERITY_CRITICAL + 1];    /* enum tt_verdict_kind per severity */
    int64_t epoch_length_ms;
    uint32_t epoch_early_count;
    uint64_t epoch_early[8]; /* events since the start at which early epochs close, ascending */
    struct tt_words *words;  /* feature_count */
};

struct tt_setup_options {
    struct tt_hash128 plan;        /* tt_plan_hash */
    const struct tt_str *features; /* names in the order of the plan; copied */
    uint32_t feature_count;
    const struct tt_rules *rules;    /* or NULL */
    const struct tt_names *names;    /* the dictionary the rules were compiled with, or NULL */
    const struct tt_tree *detectors; /* root of detectors.yaml; read during the call */
    enum tt_cpu cpu;
};

/* Compiles; *ret is untouched on failure. A path of `cpu` that this machine lacks is
 * TT_E_UNSUPPORTED. */
enum tt_status tt_setup_new(const struct tt_alloc *alloc, const struct tt_setup_options *options,
                            struct tt_setup **ret_setup, struct tt_error *err) TT_MUST_USE;
/* The same setup with other rules over the same names, which it takes over, also on failure. What
 * has learned for one of two setups of the same base may go on with the other. */
enum tt_status tt_setup_with_rules(const struct tt_setup *setup, struct tt_rules *rules,
                                   struct tt_setup **ret_setup, struct tt_error *err) TT_MUST_USE;
/* Counts the hits of a decided transaction. */
void tt_setup_count_hits(const struct tt_setup *setup, const struct tt_event *event);
struct tt_setup *tt_setup_ref(struct tt_setup *setup);
/* setup may be NULL. */
void tt_setup_unref(struct tt_setup *setup);
/* "zscore" …; detector < detector_count. The names also stand in a row of detectors.def. */
const char *tt_setup_detector_name(const struct tt_setup *setup, uint32_t detector);
/* The slot of that name, or UINT32_MAX. */
uint32_t tt_setup_detector_find(const struct tt_setup *setup, struct tt_str name);
/* "auto" "scalar" "avx2" "avx512" → value; false for another name. */
bool tt_cpu_find(struct tt_str name, enum tt_cpu *ret);
const char *tt_cpu_name(enum tt_cpu cpu);

/* Whether the epoch numbered `epoch` (0 is the first) closes now: a function of the log alone.
 * count is the number of absorbed events since the log began, watermark_ms the event time reached,
 * last_close_ms that of the previous close (TT_TIME_NONE: none yet). */
bool tt_epoch_due(const struct tt_setup *setup, uint32_t epoch, uint64_t count,
                  int64_t watermark_ms, int64_t last_close_ms);

#endif
