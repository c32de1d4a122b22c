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
    const struct tt_entity *entity;
    const struct tt_money *money; /* of the event's currency; NULL: no such row yet */
    const int64_t *row;
    int64_t t_ms;
};

/* False when the value is missing (*ret untouched). */
bool tt_read_feature(const struct tt_reading *reading, const struct plan_read *read, double *ret);

#endif
