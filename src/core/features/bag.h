/*
 * A sorted multiset of integers: order statistics and distinct counts of a window.
 *
 * What:    add, remove, rank; equal values may come many times.
 * Why:     exact, order-independent, and able to take any member out again, which a heap, a
 *          monotonic queue or a sketch cannot; windows hold tens of events, so a sorted array beats
 *          a tree: one move of a few hundred bytes.
 * Owner:   the bag owns its array; zeroed memory is an empty bag.
 * Threads: confined to one thread.
 * Limits:  adding needs room reserved before: only tt_bag_reserve can fail.
 */
#ifndef TT_CORE_FEATURES_BAG_H
#define TT_CORE_FEATURES_BAG_H

#include "base/alloc.h"

struct tt_bag {
    int64_t *values; /* ascending */
    uint32_t count, capacity;
    uint64_t distinct; /* different values */
};

/* Room for `count` values in all. *bytes grows with the memory. TT_E_NOMEM: bag as before. */
enum tt_status tt_bag_reserve(struct tt_bag *bag, const struct tt_alloc *alloc, uint32_t count,
                              uint64_t *bytes) TT_MUST_USE;
/* Gives back memory that a past peak left. */
void tt_bag_trim(struct tt_bag *bag, const struct tt_alloc *alloc, uint64_t *bytes);
void tt_bag_deinit(struct tt_bag *bag, const struct tt_alloc *alloc, uint64_t *bytes);
/* There is room (reserved). */
void tt_bag_add(struct tt_bag *bag, int64_t value);
/* The value is in it. */
void tt_bag_remove(struct tt_bag *bag, int64_t value);
/* How often the value is in it. */
uint32_t tt_bag_count_of(const struct tt_bag *bag, int64_t value);
/* How many of its values are smaller. */
uint32_t tt_bag_below(const struct tt_bag *bag, int64_t value);
/* Quantile for q in [0, 1], linear between order statistics (Hyndman, Fan 1996, type 7); the bag is
 * not empty. */
double tt_bag_quantile(const struct tt_bag *bag, double q);
/* Median absolute deviation from the median; the bag is not empty. Values below 2^61. */
double tt_bag_mad(const struct tt_bag *bag);

#endif
