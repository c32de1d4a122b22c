/*
 * Reading features where a window reaches back into panes.
 *
 * What:    order statistics and distinct counts over the ring's rows and the panes together; the
 *          first and last row of the panes.
 * Why:     apart from read.c, so that what most entities need stays in sight there.
 * Threads: reads one entity.
 */
#ifndef TT_CORE_FEATURES_READ_PANES_H
#define TT_CORE_FEATURES_READ_PANES_H

#include "core/features/panes.h"

/* Values as they are, by rank, from a bag (NULL: empty) and a sum of tallies that is not empty:
 * each is taken for the middle of its bucket. `what` is an order statistic of aggregates.def. */
double tt_tally_order(const struct tt_bag *bag, const struct tt_tally_sum *sum,
                      enum tt_tally_scale scale, uint8_t what, double quantile);
/* Different values of a window. */
double tt_panes_distinct(const struct tt_bag *bag, const struct tt_distinct_window *window);
/* The item of the first (or last) row in the window's panes, or NULL. */
const int64_t *tt_panes_row(const struct tt_panes_span *span, const struct tt_series *series,
                            const struct plan_item *item);

#endif
