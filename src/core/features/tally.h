/*
 * Numbers by the bucket they fall into: order statistics with a stated error, in little memory.
 *
 * What:    a fixed map from integers to buckets; struct tt_tally, the buckets of a pane (sparse);
 *          struct tt_tally_sum, those of a window (dense), into and out of which panes are added.
 * Why:     a bucket holds a count and nothing else, so tallies add up and can be taken out of a sum
 *          again, exactly and in any order. Source: DDSketch (Masson, Rim, Lee 2019) with a fixed
 *          range and its mapping by the bits of the number: 64 buckets to each doubling. A value
 *          taken for its bucket's middle is wrong by TT_TALLY_ERROR of itself at most; below
 *          128 units it is exact. Logarithms have buckets of one width, 1/64 (the error is 1/128 in
 *          units of the logarithm): their amounts are then as exact as amounts are.
 * Owner:   zeroed memory is an empty tally; the arrays are the tally's.
 * Threads: confined to one thread.
 * Limits:  |number| < 2^53.
 * Fails:   only tt_tally_reserve, with TT_E_NOMEM, the tally as before.
 */
#ifndef TT_CORE_FEATURES_TALLY_H
#define TT_CORE_FEATURES_TALLY_H

#include "base/alloc.h"

#define TT_TALLY_ERROR 0.0078125 /* 2^-7 */
#define TT_TALLY_KEY_MAX 3200    /* buckets are -TT_TALLY_KEY_MAX to TT_TALLY_KEY_MAX */
#define TT_TALLY_BLOCK 64        /* buckets with a common sum */

/* How numbers fall into buckets. */
enum tt_tally_scale { TT_TALLY_RELATIVE = 0, TT_TALLY_LOGARITHM };

struct tt_tally_entry {
    int32_t key;
    uint32_t count; /* > 0 */
};
struct tt_tally {
    struct tt_tally_entry *entries; /* by key, ascending */
    uint32_t count, capacity;
};
struct tt_tally_sum {
    uint64_t total;
    uint64_t blocks[2 * TT_TALLY_KEY_MAX / TT_TALLY_BLOCK + 1];
    uint32_t counts[2 * TT_TALLY_KEY_MAX + 1];
};

/* The bucket of a number. */
int32_t tt_tally_key(enum tt_tally_scale scale, int64_t number);
/* The smallest number of a bucket, and the one that stands for all of its numbers. */
int64_t tt_tally_least(enum tt_tally_scale scale, int32_t key);
double tt_tally_middle(enum tt_tally_scale scale, int32_t key);

/* Room for one more bucket. */
enum tt_status tt_tally_reserve(struct tt_tally *tally, const struct tt_alloc *alloc,
                                uint64_t *bytes) TT_MUST_USE;
/* Counts a number in bucket key; room is reserved. */
void tt_tally_add(struct tt_tally *tally, int32_t key);
void tt_tally_deinit(struct tt_tally *tally, const struct tt_alloc *alloc, uint64_t *bytes);

void tt_tally_sum_add(struct tt_tally_sum *sum, const struct tt_tally *tally);
/* The tally is in it. */
void tt_tally_sum_remove(struct tt_tally_sum *sum, const struct tt_tally *tally);
void tt_tally_sum_count(struct tt_tally_sum *sum, int32_t key);
/* How many of its numbers fall into buckets up to key. */
uint64_t tt_tally_sum_up_to(const struct tt_tally_sum *sum, int32_t key);

#endif
