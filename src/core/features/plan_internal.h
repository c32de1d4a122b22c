/*
 * What a plan looks like inside: the layout that the compiler makes and the step executes.
 *
 * What:    per entity: columns of a row, spans (windows), running values, filters, reads and the
 *          expressions due.
 * Why:     everything a step does per event is a walk over these small arrays; names, texts and
 *          YAML are gone by then.
 * Owner:   all of it lives in the plan's arena.
 * Threads: immutable after tt_plan_compile.
 * Units:   words are 8 bytes; offsets into a block are bytes.
 * Limits:  PLAN_SPANS_MAX windows, PLAN_COLUMNS_MAX columns, PLAN_VALUES_MAX running values an
 *          entity.
 */
#ifndef TT_CORE_FEATURES_PLAN_INTERNAL_H
#define TT_CORE_FEATURES_PLAN_INTERNAL_H

#include "core/features/plan.h"

#define PLAN_SPANS_MAX 64
#define PLAN_PERIODS_MAX 64
#define PLAN_RUNS_MAX 64
#define PLAN_COLUMNS_MAX 32
#define PLAN_VALUES_MAX 512
#define PLAN_ITEMS_MAX (PLAN_VALUES_MAX + TT_FEATURES_MAX)
#define PLAN_PANES_MAX 256 /* of a window and a currency; and one or two at the edges */
#define PLAN_PANES_WINDOW 60
#define PLAN_FOLDS_MAX 4

/* What an aggregate takes (aggregates.def). */
enum {
    NEED_WINDOW = 1,     /* window, and delay unless NEED_PREVIOUS */
    NEED_NUMBER = 2,     /* a number as field */
    NEED_TEXT = 4,       /* a text as field */
    NEED_QUANTILE = 8,   /* key quantile */
    NEED_FILTER = 16,    /* a filter is not optional */
    NEED_UNIT = 32,      /* unit scales the value */
    NEED_PREVIOUS = 64,  /* looks at earlier events only; window is optional */
    MAY_FIELD = 128,     /* a field of either kind is optional */
    NEED_LABELS = 256,   /* looks at labels */
    MAY_KNOWN = 512,     /* may go by the time at which labels became known */
    NEED_BASELINE = 1024 /* reads a fold: baseline, no filter */
};

/* What a running value or a read takes from a row. */
enum field_kind {
    FIELD_NONE = 0,
    FIELD_AMOUNT,      /* minor units; per currency */
    FIELD_LOG_AMOUNT,  /* natural log of the major amount, fixed point; per currency */
    FIELD_AMOUNT_BASE, /* minor units of the base currency */
    FIELD_NUMBER,      /* a declared attribute, fixed point */
    FIELD_TEXT,        /* hash of a text */
    FIELD_POSITION,
    FIELD_FOLD /* what a fold keeps beside the row (fold.h) */
};

/* A fold over an entity's rows (fold.h): each row is judged by the values of the span before it. */
struct plan_fold {
    int64_t window_ms; /* length of a block of the two-state filter; 0: nobody reads it */
    uint8_t field;     /* enum field_kind of what is judged */
    uint8_t word;      /* of the row, that field's */
    uint8_t kept;      /* of the row, what the fold keeps */
    uint8_t span;      /* the baseline */
    uint16_t bag;      /* the baseline's values */
    uint16_t bit;      /* of a row's filter bits: it is a surprise */
};

/* A word of a row beyond time and tag. */
struct plan_column {
    uint8_t kind; /* enum field_kind; FIELD_LOG_AMOUNT has none, it is made from the amount */
    bool attribute;
    uint16_t source; /* enum tt_txn_text, or index of the declared attribute */
};

/* What a list of panes keeps (panes.h): items[begin, end) of the step. */
struct plan_panes {
    uint16_t begin, end;
    uint32_t pane_size;   /* bytes of a pane's items */
    uint32_t window_size; /* bytes of a window's */
};

/* A window (t - delay - window, t - delay]. Its running values are values[begin, end), and those an
 * edge moves are groups[group_begin, group_end) as well. */
struct plan_span {
    int64_t window_ms, delay_ms;
    uint16_t begin, end;
    uint16_t group_begin, group_end;
    bool has_bag;
    int64_t pane_ms;            /* length of a pane */
    int64_t keep_ms;            /* window, delay and allowed lateness */
    struct plan_panes panes[2]; /* what is not by currency, what is */
};

/* A window over known frauds, by the time of their events or by when they became known: then of
 * events not older than window and delay together. It needs no edges. */
struct plan_period {
    int64_t window_ms, delay_ms;
    bool known;
};

/* A run of known frauds: what was read last is kept in the entity, behind its running values. */
struct plan_run {
    uint8_t span;
    uint16_t filter_mask;
    uint32_t offset; /* bytes into the entity's values */
};

enum value_kind {
    VALUE_COUNT = 1, /* int64_t */
    VALUE_SUM,       /* 128-bit sum */
    VALUE_SQUARES,   /* 128-bit sum of squares */
    VALUE_BAG,       /* struct tt_bag: sorted multiset */
    VALUE_FRAUDS     /* struct tt_frauds: when frauds count */
};

/* A running value over the rows of a span that pass a filter. */
struct plan_value {
    uint8_t kind;         /* enum value_kind */
    uint8_t field;        /* enum field_kind */
    uint8_t word;         /* of the row */
    uint8_t span;         /* of VALUE_FRAUDS: its period */
    bool by_currency;     /* stands in the block of the row's currency */
    uint16_t filter_mask; /* bits a row must have */
    uint16_t item;        /* what panes keep for it, or PLAN_NONE */
    uint32_t offset;      /* bytes into its block */
};

enum item_kind {
    ITEM_COUNT = 1, /* int64_t */
    ITEM_SUM,       /* 128-bit sum */
    ITEM_SQUARES,   /* 128-bit sum of squares */
    ITEM_TALLY,     /* struct tt_tally; of a window struct tt_tally_sum */
    ITEM_DISTINCT,  /* struct tt_distinct; of a window struct tt_distinct_window */
    ITEM_FIRST,     /* the first row; windows have none */
    ITEM_LAST       /* the last row; windows have none */
};

/* What a pane keeps of the rows that pass a filter. */
struct plan_item {
    uint8_t kind; /* enum item_kind */
    uint8_t field, word, span;
    bool by_currency;
    uint16_t filter_mask;
    uint32_t offset, window_offset; /* bytes into the items of a pane, of a window */
};

/* The running values of a span that take the same from a row: what moving an edge over a row has to
 * do, without asking each value what it is. Offsets into the block, PLAN_GROUP_NONE where there is
 * no such value. */
#define PLAN_GROUP_NONE UINT32_MAX
struct plan_group {
    uint8_t field; /* enum field_kind */
    uint8_t word;
    bool by_currency;
    bool is_plain; /* counts and sums of a number as it stands in the row */
    uint16_t filter_mask;
    uint16_t item; /* of the bag */
    uint32_t count, sum, squares, bag;
};

/* How a feature is read: indices into values, PLAN_NONE where it needs none. A count or total of
 * whatever the window holds is none: it is the distance of the edges. */
#define PLAN_NONE UINT16_MAX
struct plan_read {
    uint16_t feature;
    uint8_t aggregate;
    uint8_t field;
    uint8_t word;
    uint8_t span;   /* where rows or what is kept of them is looked at */
    uint8_t period; /* of those that look at known frauds */
    uint8_t run;    /* of those that look at runs of them */
    uint16_t filter_mask;
    uint16_t count, total, sum, squares, bag, frauds;
    uint16_t look; /* the item that panes keep for what looks at rows, or PLAN_NONE */
    uint16_t fold;
    bool exclude_current;
    double quantile;
    double divisor; /* ms per unit */
};

struct plan_expression {
    uint16_t feature;
    struct tt_expr *expr;
};

/* A feature's slot that expressions of a step read. */
struct plan_input {
    uint16_t feature;
    uint32_t slot;
};

struct plan_filter {
    struct tt_str text; /* canonical */
    struct tt_expr *expr;
};

struct plan_step {
    struct tt_str name;
    struct tt_hash128 identity; /* of everything the states are made by */
    enum tt_txn_text key;
    uint32_t events_max;
    int64_t longest_ms;        /* longest window + delay */
    int64_t keep_ms;           /* longest_ms + allowed lateness */
    int64_t horizon_ms;        /* the plan's label_horizon */
    tt_currency base_currency; /* of amount_base */
    uint32_t row_words;
    uint32_t state_size; /* bytes of the running values that are not per currency */
    uint32_t money_size; /* bytes of those that are */
    uint32_t column_count, span_count, period_count, run_count, value_count, group_count,
        filter_count, fold_count;
    uint32_t frauds_begin; /* values from here on are VALUE_FRAUDS */
    uint32_t before_count, after_count, expression_count, input_count, item_count;
    uint32_t early_count, early_input_count; /* expressions that filters read stand first */
    uint32_t filter_input_count;
    bool has_labels;
    bool reads_txn, filters_read_txn;             /* filters and expressions here; filters alone */
    struct plan_column columns[PLAN_COLUMNS_MAX]; /* column i is word 2 + i */
    struct plan_span spans[PLAN_SPANS_MAX + 1];   /* one more has panes: of all the step keeps */
    struct plan_period periods[PLAN_PERIODS_MAX];
    struct plan_fold folds[PLAN_FOLDS_MAX];
    struct plan_run runs[PLAN_RUNS_MAX];
    struct plan_value values[PLAN_VALUES_MAX];
    struct plan_group groups[PLAN_VALUES_MAX];
    struct plan_item items[PLAN_ITEMS_MAX];
    struct plan_filter filters[TT_PLAN_FILTERS_MAX];
    struct plan_read before[TT_FEATURES_MAX];            /* without the event itself */
    struct plan_read after[TT_FEATURES_MAX];             /* with it */
    struct plan_expression expressions[TT_FEATURES_MAX]; /* in the order to evaluate */
    struct plan_input inputs[TT_FEATURES_MAX];           /* of all expressions */
    struct plan_input early_inputs[TT_FEATURES_MAX];     /* of the first early_count of them */
    struct plan_input filter_inputs[TT_FEATURES_MAX];    /* features that filters read */
};

struct tt_plan {
    struct tt_hash128 money; /* of signs and rates: what amounts in rows are made by */
    const struct tt_alloc *alloc;
    struct tt_arena arena;
    struct tt_hash128 hash;
    int64_t lateness_ms;
    int64_t horizon_ms;
    int64_t retention_ms;
    struct tt_rates rates;                   /* base 0: none */
    int8_t amount_sign[TT_TXN_REVERSAL + 1]; /* by type: what amounts count as, 1 or -1 */
    uint32_t step_count, feature_count, attribute_count;
    bool filters_read_features;
    struct tt_attribute_decl *attributes;
    struct tt_feature *features;
    struct tt_names *names;
    struct plan_step *steps[TT_STEPS_MAX];
    uint32_t expr_count; /* owned: every compiled filter and expression */
    struct tt_expr *exprs[TT_FEATURES_MAX + TT_STEPS_MAX * TT_PLAN_FILTERS_MAX];
};

/* A feature with where its keys stand, while compiling. */
struct plan_draft {
    struct tt_feature *feature;
    const struct tt_tree *node;
    uint32_t needs;
    uint8_t field_kind;
    bool field_attribute;
    uint16_t field_source;
    uint16_t filter; /* into the step's filters, or PLAN_NONE */
    double divisor;
    struct tt_expr *expr; /* of the expression; the plan owns it */
};

/* compile.c's parts, each failing as tt_plan_compile does. */

/* Reads entities and features into the plan and the drafts (plan->feature_count of them). */
enum tt_status tt_plan_declare(struct tt_plan *plan, const struct tt_tree *root,
                               struct plan_draft **ret_drafts, struct tt_error *err);
/* Fails at the node with `what "word"`, and the known word that was most likely meant (known may be
 * NULL). */
enum tt_status tt_declare_fail(struct tt_error *err, enum tt_status status,
                               const struct tt_tree *node, const char *what, struct tt_str word,
                               const char *const *known, size_t count);
/* The text of a mapping's entry, copied; *ret is left alone when the entry is not there. */
enum tt_status tt_declare_text(struct tt_plan *plan, const struct tt_tree *node, const char *key,
                               struct tt_str *ret, struct tt_error *err);
/* A duration in [least_ms, most_ms]. */
enum tt_status tt_declare_duration(const struct tt_tree *node, int64_t least_ms, int64_t most_ms,
                                   int64_t *ret_ms, struct tt_error *err);
/* All of a feature but what expressions have too. */
enum tt_status tt_declare_aggregate(struct tt_plan *plan, struct plan_draft *draft,
                                    struct tt_error *err);
/* Compiles filters and expressions, orders the expressions and gives each its step. */
enum tt_status tt_plan_express(struct tt_plan *plan, struct plan_draft *drafts,
                               struct tt_error *err);
/* Lays out columns, spans, values and reads. */
enum tt_status tt_plan_layout(struct tt_plan *plan, const struct plan_draft *drafts,
                              struct tt_error *err);
/* Lays out what panes keep, once windows and values stand. */
void tt_plan_layout_panes(struct plan_step *step, int64_t lateness_ms);
/* The text of an expression without comments and without blanks that mean nothing. */
enum tt_status tt_plan_canonical(struct tt_arena *arena, struct tt_str text, struct tt_str *ret);

#endif
