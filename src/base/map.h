/*
 * A hash map from a 64-bit keyed hash to an item pointer; keys live in the items.
 *
 * What:    open addressing, linear probing, power-of-two capacity, load ≤ 3/4, backward-shift
 * delete. Why:     keys stay in the caller's item: one pointer and the hash a slot, 16 bytes; the
 * caller hashes once with tt_hash64 and a secret key, so that chosen ids cannot collide on purpose.
 * Owner:   the map owns its table, never the items.
 * Threads: confined to one thread. Iteration order depends on the hash key: never let a result
 *          depend on it.
 * Limits:  count_max; tt_map_put then fails with TT_E_LIMIT.
 */
#ifndef TT_BASE_MAP_H
#define TT_BASE_MAP_H

#include "base/hash.h"

struct tt_map_slot {
    uint64_t hash;
    void *item; /* NULL = empty */
};
/* True when item has this key; key is whatever the caller passed to get. */
typedef bool tt_map_equal(const void *item, const void *key);

struct tt_map {
    const struct tt_alloc *alloc;
    tt_map_equal *equal;
    struct tt_map_slot *slots; /* NULL until the first put */
    size_t capacity;           /* power of two, or 0 */
    size_t count;
    size_t count_max;
};

void tt_map_init(struct tt_map *map, const struct tt_alloc *alloc, tt_map_equal *equal,
                 size_t count_max);
void tt_map_deinit(struct tt_map *map);
/* The item with that key, or NULL. */
void *tt_map_get(const struct tt_map *map, uint64_t hash, const void *key);
/* Adds an item whose key is not there yet (the caller looked). TT_E_NOMEM, TT_E_LIMIT: map as
 * before. */
enum tt_status tt_map_put(struct tt_map *map, uint64_t hash, void *item) TT_MUST_USE;
/* Takes the item out and returns it, or NULL. */
void *tt_map_take(struct tt_map *map, uint64_t hash, const void *key);
/* An item whose hash this is, without looking at its key, or NULL: a guess, good for prefetching what
 * tt_map_get will look at. */
const void *tt_map_guess(const struct tt_map *map, uint64_t hash);
/* Brings the slot of hash towards the cache. */
void tt_map_prefetch(const struct tt_map *map, uint64_t hash);
/* Visits every item: start with *cursor = 0; NULL at the end. No put or take in between. */
void *tt_map_next(const struct tt_map *map, size_t *cursor);

#endif
