/*
 * The fixed pool of events: what may be under way at once.
 *
 * What:    get takes a fresh event; it comes back by itself when its last reference is released.
 * Why:     the pool is the credit of the whole pipeline: a source that finds it empty takes nothing
 *          from outside, so every ring behind it has room and back-pressure needs no other rule.
 * Owner:   the pool owns all events and their text arenas.
 * Threads: get from one thread (the source's); events come back from any thread.
 * Limits:  `count` events; text_size_max bytes of text each.
 * Fails:   init with TT_E_NOMEM; get returns NULL when all are under way.
 */
#ifndef TT_RUNTIME_EVENT_POOL_H
#define TT_RUNTIME_EVENT_POOL_H

#include "ports/bus.h"

struct tt_event_pool {
    struct tt_event_home home; /* first member */
    const struct tt_alloc *alloc;
    struct tt_event *events;
    size_t count;
    struct tt_event *local;    /* the getter's own free list */
    struct tt_event *returned; /* atomic: pushed by any thread, taken whole by the getter */
    uint64_t taken;            /* by the getter */
    uint64_t given_back;       /* atomic */
    struct tt_wake wake;       /* called when an event came back while the getter waits */
    bool waiting;              /* atomic */
};

/* count events whose text may grow to text_size_max bytes each. */
enum tt_status tt_event_pool_init(struct tt_event_pool *pool, const struct tt_alloc *alloc,
                                  size_t count, size_t text_size_max, struct tt_wake wake,
                                  struct tt_error *err) TT_MUST_USE;
/* Nobody may use an event any more, whether it came back or not. */
void tt_event_pool_deinit(struct tt_event_pool *pool);
/* An event with one reference, empty but for its text arena; or NULL. */
struct tt_event *tt_event_pool_get(struct tt_event_pool *pool);
/* Nobody is woken any more: who would be is about to go. While no other thread releases events. */
void tt_event_pool_silence(struct tt_event_pool *pool);
/* How many are under way; exact only in the getter's thread while nothing is released. */
size_t tt_event_pool_used(const struct tt_event_pool *pool);

#endif
