/*
 * A bounded single-producer single-consumer ring of pointers.
 *
 * What:    lock-free FIFO between two threads; push and pop in runs.
 * Why:     the memory bus has one ring per (producer, partition), so no ring ever has two writers.
 *          Source: Lamport, "Proving the correctness of multiprocess programs", 1977; cached remote
 *          indices after Lee et al., "MCRingBuffer", 2010.
 * Owner:   the ring owns its slots, not what they point to.
 * Threads: one thread pushes, one thread pops; release/acquire orders what the pointers lead to.
 * Limits:  capacity is fixed at init (rounded up to a power of two).
 */
#ifndef TT_BASE_RING_H
#define TT_BASE_RING_H

#include "base/alloc.h"

struct tt_ring {
    const struct tt_alloc *alloc;
    void **slots;
    uint64_t mask;
    char padding_before_head[64]; /* padding, not alignment: allocators promise 16 bytes only */
    uint64_t head;                /* written by the producer (atomic) */
    uint64_t tail_seen;           /* producer's last look at tail */
    char padding_before_tail[64];
    uint64_t tail;      /* written by the consumer (atomic) */
    uint64_t head_seen; /* consumer's last look at head */
    char padding_after[64];
};

/* capacity ≥ 1. TT_E_LIMIT when it is 0 or past 2^32, TT_E_NOMEM: *ring is untouched. */

enum tt_status tt_ring_init(struct tt_ring *ring, const struct tt_alloc *alloc,
                            size_t capacity) TT_MUST_USE;
void tt_ring_deinit(struct tt_ring *ring);
/* Producer: false when full. item is not NULL. */
bool tt_ring_push(struct tt_ring *ring, void *item);
/* Consumer: the oldest item left in place, or NULL when empty. */
void *tt_ring_peek(struct tt_ring *ring);
/* Consumer: takes the oldest item, or NULL when empty. */
void *tt_ring_pop(struct tt_ring *ring);
/* Consumer: takes up to count items in order; returns how many. */
size_t tt_ring_pop_many(struct tt_ring *ring, void **ret_items, size_t count);
/* Either side: how many are in it, at least / at most by the time it is read. */
size_t tt_ring_count(const struct tt_ring *ring);

#endif
