/*
 * The state of one entity: its rows in (event time, id) order and the running values over them.
 *
 * What:    rows of 8-byte words (time, tag, then the plan's columns); per window two edges into
 *          them; running values that are moved by the rows an edge passes, forwards or backwards.
 * Why:     every running value can take out what it took in, exactly. So "as of time t" is a matter
 *          of moving the edges to t, whichever way: an event that comes late is handled like any
 *          other, and what is in the values is only ever a function of the rows and t.
 * Owner:   tt_entity_new from store->alloc, tt_entity_free.
 * Threads: confined to the step's thread.
 * Units:   event time, ms.
 * Limits:  the step's events_max rows; older events go to panes.
 * Fails:   TT_E_NOMEM, entity as before.
 */
#ifndef TT_CORE_FEATURES_ENTITY_H
#define TT_CORE_FEATURES_ENTITY_H

#include "core/features/bag.h"
#include "core/features/frauds.h"
#include "core/features/labels.h"
#include "core/features/plan_internal.h"
#include "core/features/runs.h"

/* A word of a row that holds no value. */
#define TT_ROW_MISSING INT64_MIN
/* Words before the plan's columns: the time, and the tag made by tt_row_tag. */
#define TT_ROW_TIME 0
#define TT_ROW_TAG 1
#define TT_ROW_WORDS_MAX (2 + PLAN_COLUMNS_MAX)
/* Fixed point of logarithms and of number attributes. */
#define TT_LOG_SCALE 4294967296.0
#define TT_NUMBER_SCALE 1048576.0

/* [low, high) of a window in rows. */
struct tt_edges {
    uint32_t low, high;
};

/* The running values of one currency; the first is part of the entity. */
struct tt_money {
    struct tt_money *next;
    int64_t currency; /* 0: not in use yet */
};

struct tt_panes;
struct tt_entity {
    struct tt_hash128 key;
    int64_t newest_ms; /* of the absorbed events */
    int64_t edges_ms;  /* the time the edges stand at */
    int64_t lost_ms;   /* the newest event that a limit has, or may have, taken away */
    int64_t *rows;
    uint32_t begin, end, capacity; /* in rows */
    uint32_t slot;                 /* the step's */
    uint32_t folded;               /* rows before it hold what the folds keep (fold.h) */
    uint32_t folded_before;        /* the same, before the row last inserted */
    struct tt_labels labels;
    struct tt_panes *panes; /* what does not fit the rows (panes.h); NULL: all does */
    /* then: edges per span, running values, the first struct tt_money with its values */
};

/* What the entities of a step have in common. */
struct tt_entity_store {
    const struct tt_alloc *alloc;
    const struct plan_step *plan;
    size_t entity_size;
    uint64_t bytes; /* of all entities */
};

void tt_entity_store_init(struct tt_entity_store *store, const struct tt_alloc *alloc,
                          const struct plan_step *plan);
/* An entity without rows, or NULL. */
struct tt_entity *tt_entity_new(struct tt_entity_store *store,
                                const struct tt_hash128 *key) TT_MUST_USE;
void tt_entity_free(struct tt_entity_store *store, struct tt_entity *entity);

/* Moves every window's edges to time t. */
enum tt_status tt_entity_seek(struct tt_entity_store *store, struct tt_entity *entity,
                              int64_t t_ms) TT_MUST_USE;
/* Moves one window's edges to time t; those of the others stay. */
enum tt_status tt_entity_seek_span(struct tt_entity_store *store, struct tt_entity *entity,
                                   uint32_t span, int64_t t_ms) TT_MUST_USE;
/* Changes the filter bits of a row, in whatever windows it is. */
void tt_entity_set_bits(const struct tt_entity_store *store, struct tt_entity *entity, uint32_t at,
                        uint16_t bits);
/* Puts a row at its place; its time is the one last sought. */
enum tt_status tt_entity_insert(struct tt_entity_store *store, struct tt_entity *entity,
                                const int64_t *row, uint32_t *ret_at) TT_MUST_USE;
/* Puts a row behind all others without moving edges, which are still at the start: for reading a
 * saved state. TT_E_CORRUPT when it does not belong there. */
enum tt_status tt_entity_append(struct tt_entity_store *store, struct tt_entity *entity,
                                const int64_t *row) TT_MUST_USE;
/* Takes the row just inserted out again. */
void tt_entity_remove(struct tt_entity_store *store, struct tt_entity *entity, uint32_t at);
/* Forgets what is of oldest_ms and before; rows beyond events_max go to panes. Says how many did;
 * without memory they stay rows until the next time. */
uint32_t tt_entity_trim(struct tt_entity_store *store, struct tt_entity *entity, int64_t oldest_ms);
/* Applies a label; false when its event is not held or has too many. Its bits count where its event
 * is in a pane; a row has its own. */
enum tt_status tt_entity_label(struct tt_entity_store *store, struct tt_entity *entity,
                               const struct tt_label_row *label, bool *ret_applied) TT_MUST_USE;
/* The same of a label that was saved: its event is held. */
enum tt_status tt_entity_label_again(struct tt_entity_store *store, struct tt_entity *entity,
                                     const struct tt_label_row *label,
                                     bool *ret_applied) TT_MUST_USE;
/* Labels of events that are held no more go with them; there are labels. */
void tt_entity_trim_labels(struct tt_entity_store *store, struct tt_entity *entity,
                           int64_t oldest_ms);
/* The run of window and filter number `index` at t, where the edges stand. */
struct tt_run tt_entity_run(const struct tt_entity_store *store, struct tt_entity *entity,
                            uint32_t index, int64_t t_ms);
/* An event of that time has come, got a label or gone (events up to it have): what was read of runs
 * that it may be part of is forgotten. */
void tt_entity_forget_runs(const struct tt_entity_store *store, struct tt_entity *entity,
                           int64_t time_ms, bool gone);
/* For which times [*ret_start_ms, *ret_end_ms) a fraud counts in a period; false when it never does.
 */
bool tt_period_interval(const struct plan_period *period, const struct tt_fraud_row *fraud,
                        int64_t *ret_start_ms, int64_t *ret_end_ms);
/* The value block of a currency, or NULL when no row had it. */
const struct tt_money *tt_entity_money(const struct tt_entity_store *store,
                                       const struct tt_entity *entity, int64_t currency);

static inline int64_t tt_row_tag(uint32_t id, uint16_t bits, tt_currency currency)
{
    return (int64_t)((uint64_t)id << 32 | (uint64_t)bits << 16 | currency);
}
static inline uint32_t tt_row_id(const int64_t *row)
{
    return (uint32_t)((uint64_t)row[TT_ROW_TAG] >> 32);
}
static inline uint16_t tt_row_bits(const int64_t *row)
{
    return (uint16_t)((uint64_t)row[TT_ROW_TAG] >> 16);
}
static inline tt_currency tt_row_currency(const int64_t *row)
{
    return (tt_currency)row[TT_ROW_TAG];
}
/* True when row a comes before (time, id) of row b. */
static inline bool tt_row_before(const int64_t *a, const int64_t *b)
{
    return a[TT_ROW_TIME] < b[TT_ROW_TIME] ||
           (a[TT_ROW_TIME] == b[TT_ROW_TIME] && tt_row_id(a) < tt_row_id(b));
}
static inline const struct tt_edges *tt_entity_edges(const struct tt_entity *entity)
{
    return (const struct tt_edges *)(const void *)(entity + 1);
}
static inline const int64_t *tt_entity_row(const struct tt_entity_store *store,
                                           const struct tt_entity *entity, uint32_t index)
{
    return entity->rows + (size_t)index * store->plan->row_words;
}
/* The running values that are not by currency. */
static inline char *tt_entity_values(const struct tt_entity_store *store, struct tt_entity *entity)
{
    return (char *)(entity + 1) + store->plan->span_count * sizeof(struct tt_edges);
}
/* The bytes of a running value; money is NULL for those not by currency. */
const void *tt_entity_value(const struct tt_entity_store *store, const struct tt_entity *entity,
                            const struct tt_money *money, const struct plan_value *value);
/* The sorted values of a window that a row of that currency would be in, or NULL when none had it. */
struct tt_bag *tt_entity_bag(const struct tt_entity_store *store, struct tt_entity *entity,
                             int64_t currency, const struct plan_value *value);
/* The value of a field in a row as an integer; false when it is missing. */
bool tt_row_value(const int64_t *row, uint8_t field, uint8_t word, int64_t *ret);

#endif
