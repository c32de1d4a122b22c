/*
 * A feature's value out of an entity's state.
 *
 * What:    one function per aggregate over edges, running values and rows.
 * Why:     integers become doubles here and only here, in one fixed way, so equal states give equal
 *          bits.
 * Threads: reads one entity.
 * Units:   amounts leave as major units, times as the feature's unit.
 */
#ifndef TT_CORE_FEATURES_READ_H
#define TT_CORE_FEATURES_READ_H

#include "core/features/entity.h"

/* The entity with its edges at t_ms, and the event that is scored as a row. */
struct tt_reading {
    const struct tt_entity_store *store;
    struct tt_entity *entity;     /* only what it remembers of runs is changed */
    const struct tt_money *money; /* of the event's currency; NULL: no such row yet */
    const int64_t *row;
    int64_t t_ms;
    bool is_folded; /* rows up to t_ms hold what folds keep, and row is one of them after it came */
    struct tt_run run; /* the last one read: features of one window share it */
    uint8_t run_index;
};

/* False when the value is missing (*ret untouched). */
bool tt_read_feature(struct tt_reading *reading, const struct plan_read *read, double *ret);

/* How many rows of the window pass the filter and have the field: the running value `index`, or, with
 * PLAN_NONE, whatever stands between the edges. */
int64_t tt_read_count(const struct tt_reading *reading, const struct plan_read *read,
                      uint16_t index);
/* The same as tt_read_feature for an aggregate that looks at labels. */
bool tt_read_labels(struct tt_reading *reading, const struct plan_read *read, double *ret);

#endif
