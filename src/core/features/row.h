/*
 * A transaction as a row of a step.
 *
 * What:    the words an entity remembers of an event: time, id, filter bits, currency, the plan's
 *          columns.
 * Why:     fixed words, so that rows can be moved, searched and taken out again exactly.
 * Threads: pure functions.
 */
#ifndef TT_CORE_FEATURES_ROW_H
#define TT_CORE_FEATURES_ROW_H

#include "core/features/entity.h"

/* Fills row[0, row_words) without filter bits. */
void tt_row_fill(const struct plan_step *plan, const struct tt_plan *owner,
                 const struct tt_txn *txn, int64_t *row);
/* The 32 bits that order events of one instant; the same in every process. */
uint32_t tt_row_id_of(const struct tt_txn *txn);

#endif
