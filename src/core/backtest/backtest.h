/*
 * Backtest: what a rule set would have done on history, and what that is worth.
 *
 * What:    blocks of stored columns (core/segment) and labels go in; rules run over them as they run
 *          live, beside the set they would replace; a report comes out: hits, precision with its
 *          interval, recall, alerts a day, money, what is gained and lost with examples, for each
 *          rule and in total.
 * Why:     a label is missing for most transactions, and missing for a reason: it has not had the
 *          time to come, or the payment was blocked and nobody could complain. So hits are split
 *          into labelled, unlabelled and blocked before, and precision is taken only over those
 *          whose label had the time to come: a fraud known early next to genuine ones not known yet
 *          would flatter every rule. Interval: Wilson, "Probable inference, the law of succession,
 *          and statistical inference", 1927, at 95 %.
 * Owner:   from alloc; sets and names are borrowed and must outlive it. The report lives until the
 *          backtest is freed.
 * Threads: confined to one thread.
 * Units:   times are event time in ms; amounts are minor units of the one currency there is;
 *          several make every amount unstated.
 * Limits:  TT_BACKTEST_LABELS_MAX labels, TT_BACKTEST_EXAMPLES_MAX examples of each kind. Limits of
 *          hits (`limit` of a rule) are not applied: every hit counts.
 * Fails:   TT_E_NOMEM, TT_E_LIMIT, and what reading a block says.
 */
#ifndef TT_CORE_BACKTEST_BACKTEST_H
#define TT_CORE_BACKTEST_BACKTEST_H

#include "core/event/names.h"
#include "core/rules/rules.h"
#include "core/segment/segment.h"

#define TT_BACKTEST_LABELS_MAX 50000000u
#define TT_BACKTEST_EXAMPLES_MAX 20u

/* Columns of a block beside the dictionary's names. */
#define TT_BACKTEST_COLUMN_KEY "#key"     /* int: tt_backtest_key */
#define TT_BACKTEST_COLUMN_MINOR "#minor" /* int: amount in minor units */
#define TT_BACKTEST_COLUMN_FACTS "#facts" /* int: the bits below */
#define TT_BACKTEST_FACT_BLOCKED 1        /* blocked or declined then */
#define TT_BACKTEST_FACT_KNOWN 2          /* the input itself says fraud or genuine */
#define TT_BACKTEST_FACT_FRAUD 4
#define TT_BACKTEST_FACT_PLAN 8 /* its features were computed by this feature set */
#define TT_BACKTEST_SPECS_MAX TT_SEGMENT_COLUMNS_MAX

/* The columns of blocks over this dictionary, the ones above first; returns how many. */
uint32_t tt_backtest_specs(const struct tt_names *names,
                           struct tt_column_spec ret[TT_BACKTEST_SPECS_MAX]);
/* The values of a transaction for those columns. slots: filled by names.h; missing features where
 * the vector is another plan's. */
void tt_backtest_values(const struct tt_names *names, const struct tt_event *event,
                        const struct tt_value *slots, bool plan_fits, struct tt_value *ret);
/* What labels and rows are joined by. */
int64_t tt_backtest_key(struct tt_str user_id, struct tt_str transaction_id);

struct tt_backtest_options {
    const struct tt_names *names;   /* both sets were compiled with */
    const struct tt_rules *rules;   /* what is tried */
    const struct tt_rules *against; /* what is live; NULL: nothing */
    int64_t from_ms, to_ms;         /* from inclusive, to exclusive; TT_TIME_NONE = open */
    int64_t as_of_ms;   /* the latest event time there is; TT_TIME_NONE: tt_backtest_as_of says */
    int64_t horizon_ms; /* a label had the time to come after so long */
};

/* Counts over a rule's hits, or over all transactions with a hit of a live rule. */
struct tt_backtest_counts {
    uint64_t hits;
    uint64_t before;       /* hits of the same rule, or of any, in the set it is compared with */
    uint64_t gained, lost; /* hits the other set does not have, and the other way round */
    uint64_t labelled_fraud, labelled_genuine, unlabelled, blocked; /* sum: hits */
    uint64_t matured, matured_fraud;                                /* of precision */
    uint64_t errors;                                                /* could not be evaluated */
    int64_t caught_minor; /* of frauds that were not let pass */
    int64_t wrong_minor;  /* of matured genuine ones that were not let pass */
    /* After finish; NaN where nothing can be said. */
    double precision, precision_low, precision_high; /* over matured, with the 95 % interval */
    double recall;                                   /* of all known frauds */
    double daily;                                    /* hits a day */
};

struct tt_backtest_rule {
    struct tt_rule_info info;
    bool is_new; /* the other set has no rule of this id */
    struct tt_backtest_counts counts;
};
/* A transaction one set alerts and the other does not. */
struct tt_backtest_example {
    uint64_t order; /* by which the sample was drawn */
    int64_t event_ms, amount_minor;
    tt_currency currency;
    uint8_t label; /* enum tt_label_kind, 0 = none */
    bool blocked;
    uint32_t rule; /* the gravest rule of the set that alerts */
    char user[TT_ID_SIZE_MAX + 1], transaction[TT_ID_SIZE_MAX + 1];
};
struct tt_backtest_day {
    int64_t day;
    uint64_t rows, alerts, alerts_before, frauds, caught;
};

struct tt_backtest_report {
    struct tt_backtest_options options;
    uint64_t rows, frauds, labelled, blocked; /* of the range */
    uint64_t other_plan; /* rows whose features were computed by another feature set */
    int64_t fraud_minor;
    tt_currency currency; /* 0: several, or none */
    int64_t first_ms, last_ms;
    struct tt_backtest_counts total, total_before;
    const struct tt_backtest_rule *rules; /* as in the file */
    uint32_t rule_count;
    const struct tt_backtest_day *days; /* ascending */
    size_t day_count;
    struct tt_backtest_example gained[TT_BACKTEST_EXAMPLES_MAX], lost[TT_BACKTEST_EXAMPLES_MAX];
    uint32_t gained_count, lost_count; /* by time */
};

struct tt_backtest;
enum tt_status tt_backtest_new(const struct tt_alloc *alloc,
                               const struct tt_backtest_options *options, struct tt_backtest **ret,
                               struct tt_error *err) TT_MUST_USE;
void tt_backtest_free(struct tt_backtest *backtest);
/* A label; the last one of a transaction holds, a withdrawn one is none. All before the blocks. */
enum tt_status tt_backtest_label(struct tt_backtest *backtest, struct tt_str user_id,
                                 struct tt_str transaction_id, uint8_t kind,
                                 struct tt_error *err) TT_MUST_USE;
/* The rows of a block that are in the range. */
enum tt_status tt_backtest_add(struct tt_backtest *backtest, const struct tt_segment_block *block,
                               struct tt_error *err) TT_MUST_USE;
/* The latest event time there is, when it was not known before. */
void tt_backtest_as_of(struct tt_backtest *backtest, int64_t as_of_ms);
/* Rows looked at so far, in the range or not. */
uint64_t tt_backtest_rows(const struct tt_backtest *backtest);
/* The report of what was added; call it once, after the last block. */
const struct tt_backtest_report *tt_backtest_finish(struct tt_backtest *backtest);

/* The 95 % interval of Wilson of hits among n > 0. */
void tt_wilson(uint64_t hits, uint64_t n, double *ret_low, double *ret_high);

#endif
