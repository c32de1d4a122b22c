/*
 * A sorted array that is trimmed from the front: items of one size, in the order the caller keeps.
 *
 * What:    room, insertion at a place, removal at a place, dropping the first so many.
 * Why:     what an entity keeps about its events goes with the oldest of them. Dropping moves a
 *          mark, and the room in front is used again when the end is reached, so a long-lived
 *          entity pays a constant per item, however many it holds.
 * Owner:   the strip owns its array; zeroed memory is an empty strip.
 * Threads: confined to one thread.
 * Limits:  insertion needs room reserved before: only tt_strip_reserve can fail.
 */
#ifndef TT_CORE_FEATURES_STRIP_H
#define TT_CORE_FEATURES_STRIP_H

#include "base/alloc.h"

struct tt_strip {
    char *bytes;
    uint32_t begin, count, capacity; /* in items */
};

/* Room for `more` items more; *bytes grows with the memory. TT_E_NOMEM: strip as before. */
enum tt_status tt_strip_reserve(struct tt_strip *strip, const struct tt_alloc *alloc, size_t size,
                                uint32_t more, uint64_t *bytes) TT_MUST_USE;
void tt_strip_deinit(struct tt_strip *strip, const struct tt_alloc *alloc, size_t size,
                     uint64_t *bytes);
/* A new item before item `at` (at ≤ count), to be filled; there is room. */
void *tt_strip_insert(struct tt_strip *strip, size_t size, uint32_t at);
/* at < count. */
void tt_strip_remove(struct tt_strip *strip, size_t size, uint32_t at);
/* Takes the first `count` out. */
void tt_strip_drop(struct tt_strip *strip, uint32_t count);

static inline void *tt_strip_item(const struct tt_strip *strip, size_t size, uint32_t at)
{
    return strip->bytes + (strip->begin + (size_t)at) * size;
}

#endif
