/*
 * The feature plan: features.yaml compiled to what a feature step executes.
 *
 * What:    entities, features, windows, filters and expressions, checked, named and laid out; one
 * step per entity (user first, the others in file order). Equal windows, filters and running values
 *          are shared. Immutable and hashed: the hash names the layout of a vector.
 * Why:     declaring features costs a line of YAML and no code; what two features share is kept
 * once. Owner:   tt_plan_compile makes it from alloc, tt_plan_free gives it back; everything it
 * hands out lives as long as the plan. Threads: safe for any number of readers. Units:   times and
 * windows are ms; amounts in features are major units. Limits:  TT_FEATURES_MAX features,
 * TT_STEPS_MAX entities, TT_PLAN_FILTERS_MAX filters an entity, TT_PLAN_WINDOW_MAX_MS of window
 * plus delay, TT_PLAN_EVENTS_MAX events an entity. Fails:   tt_plan_compile with a place:
 * TT_E_UNKNOWN (names the nearest known word), TT_E_TYPE, TT_E_INVALID, TT_E_CONFLICT (a name
 * twice), TT_E_LIMIT, TT_E_SYNTAX (an expression).
 */
#ifndef TT_CORE_FEATURES_PLAN_H
#define TT_CORE_FEATURES_PLAN_H

#include "base/tree.h"
#include "core/event/names.h"

#define TT_PLAN_FILTERS_MAX 16
#define TT_PLAN_WINDOW_MAX_MS (INT64_C(400) * TT_MS_PER_DAY)
#define TT_PLAN_LATENESS_MAX_MS (INT64_C(30) * TT_MS_PER_DAY)
#define TT_PLAN_EVENTS_MAX (UINT32_C(1) << 20)
#define TT_PLAN_EVENTS_DEFAULT (UINT32_C(1) << 13)

/* What a feature does with the events of its window; rows in aggregates.def. */
enum tt_aggregate {
    TT_AGGREGATE_EXPRESSION = 1, /* none: computed from other features and the transaction */
#define TT_AGGREGATE(id, name, needs, help) TT_AGGREGATE_##id,
#include "core/features/aggregates.def"
#undef TT_AGGREGATE
    TT_AGGREGATE_END
};

/* What the world outside the file decides. */
struct tt_plan_options {
    const struct tt_attribute_decl *attributes; /* declared in the configuration */
    size_t attribute_count;
    const struct tt_rates *rates; /* NULL: there is no amount_base; copied */
};

/* One feature as declared. Texts are NUL-terminated too, absent where nothing was written. */
struct tt_feature {
    struct tt_str name;
    struct tt_str identifier; /* what the dictionary is to call it: its name, but where it only
                               * repeats a field of the transaction, whose name that is */
    struct tt_str entity;     /* absent for an expression */
    struct tt_str unit;       /* "days", or what the aggregate implies */
    struct tt_str description;
    struct tt_str expression; /* absent for an aggregate */
    struct tt_str filter;     /* its text as written */
    struct tt_str field;      /* "amount", "merchant_id" … */
    uint8_t aggregate;        /* enum tt_aggregate */
    uint8_t step;             /* the step that writes it */
    bool exclude_current;
    bool uses_labels; /* looks at labels, or is an expression over such */
    bool known_time;  /* its window is one of the times at which labels became known */
    bool has_default;
    double default_value; /* served where the value would be missing */
    double quantile;      /* of quantile and median */
    int64_t window_ms, delay_ms;
    int64_t baseline_ms; /* how far back goes what an event is judged by */
    uint32_t line;
};

struct tt_plan;

/* Compiles a document of `entities` and `features`. Untouched *ret on failure. */
enum tt_status tt_plan_compile(const struct tt_alloc *alloc, const struct tt_tree *root,
                               const struct tt_plan_options *options, struct tt_plan **ret,
                               struct tt_error *err) TT_MUST_USE;
/* NULL is fine. No step may still use it. */
void tt_plan_free(struct tt_plan *plan);

/* Identity of the canonical form: comments, spelling of durations and order of keys do not matter.
 */
struct tt_hash128 tt_plan_hash(const struct tt_plan *plan);
uint32_t tt_plan_feature_count(const struct tt_plan *plan);
/* index < tt_plan_feature_count; the order is the file's and the vector's. */
const struct tt_feature *tt_plan_feature(const struct tt_plan *plan, uint32_t index);
/* The index of a feature, or UINT32_MAX. */
uint32_t tt_plan_find(const struct tt_plan *plan, struct tt_str name);
/* Steps, at least 1. */
uint32_t tt_plan_step_count(const struct tt_plan *plan);
/* The entity a step is for ("user"), NUL-terminated. */
const char *tt_plan_step_name(const struct tt_plan *plan, uint32_t step);
/* The transaction's text field that holds the entity's key (the key of transactions.<entity>). */
enum tt_txn_text tt_plan_step_key(const struct tt_plan *plan, uint32_t step);
/* How far back a replay must go to rebuild every state: the longest window + delay + allowed
 * lateness. */
int64_t tt_plan_retention_ms(const struct tt_plan *plan);
/* The same for the states of one step. */
int64_t tt_plan_step_retention_ms(const struct tt_plan *plan, uint32_t step);
/* Whether a step cannot be rebuilt alone: it needs what other steps say of each event. */
bool tt_plan_filters_read_features(const struct tt_plan *plan);
/* How much an event may be older than the newest and still be absorbed. */
int64_t tt_plan_lateness_ms(const struct tt_plan *plan);
/* The age at which an event nobody has labelled is presumed genuine. */
int64_t tt_plan_label_horizon_ms(const struct tt_plan *plan);
/* A printout for people: steps, shared windows, running values, bytes per entity and event. */
enum tt_status tt_plan_explain(const struct tt_plan *plan, struct tt_buf *buf) TT_MUST_USE;
/* "count", "mean" …; "expression" for an expression. */
const char *tt_aggregate_name(uint8_t aggregate);

#endif
