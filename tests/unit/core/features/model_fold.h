/*
 * The slow, obvious sequential aggregates: everything is folded again for every event.
 *
 * What:    surprises and the two-state filter from a set of transactions alone.
 * Why:     shares no ring, edge, word beside a row or block's predecessor with the engine.
 * Owner:   nothing is allocated.
 * Threads: one thread.
 */
#ifndef TT_TESTS_FEATURES_MODEL_FOLD_H
#define TT_TESTS_FEATURES_MODEL_FOLD_H

#include "core/features/plan.h"

/* The value of a feature with a baseline for `now` among the entity's transactions before it, in any
 * order; false when it is missing. */
bool model_fold(const struct tt_feature *feature, const struct tt_txn *now,
                const struct tt_txn *const *before, size_t count, double *ret);

#endif
