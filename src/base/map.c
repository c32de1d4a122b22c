/*
 * Open addressing with linear probing.
 *
 * A probe runs until an empty slot; deletion shifts later slots of the run back instead of leaving
 * tombstones, so look-ups never slow down with age. Given up: growing is a pause that touches every
 * slot; a caller that must not pause makes its map with the final size by putting early.
 */
#include "base/map.h"

#define CAPACITY_MIN ((size_t)16)

void tt_map_init(struct tt_map *map, const struct tt_alloc *alloc, tt_map_equal *equal,
                 size_t count_max)
{
    *map = (struct tt_map){.alloc = alloc, .equal = equal, .count_max = count_max};
}

void tt_map_deinit(struct tt_map *map)
{
    tt_delete(map->alloc, map->slots, map->capacity * sizeof *map->slots);
    map->slots = NULL;
    map->capacity = 0;
    map->count = 0;
}

/* The slot that holds key, or NULL. There is always an empty slot to stop at: load ≤ 3/4. */
static struct tt_map_slot *find(const struct tt_map *map, uint64_t hash, const void *key)
{
    if (map->count == 0) {
        return NULL;
    }
    size_t mask = map->capacity - 1;
    for (size_t i = (size_t)hash & mask;; i = (i + 1) & mask) {
        struct tt_map_slot *slot = &map->slots[i];
        if (slot->item == NULL) {
            return NULL;
        }
        if (slot->hash == hash && map->equal(slot->item, key)) {
            return slot;
        }
    }
}

void *tt_map_get(const struct tt_map *map, uint64_t hash, const void *key)
{
    const struct tt_map_slot *slot = find(map, hash, key);
    return slot != NULL ? slot->item : NULL;
}

static void insert(struct tt_map_slot *slots, size_t mask, uint64_t hash, void *item)
{
    size_t i = (size_t)hash & mask;
    while (slots[i].item != NULL) {
        i = (i + 1) & mask;
    }
    slots[i] = (struct tt_map_slot){hash, item};
}

static enum tt_status grow(struct tt_map *map)
{
    if (map->capacity > SIZE_MAX / (2 * sizeof *map->slots)) {
        return TT_E_LIMIT;
    }
    size_t capacity = map->capacity != 0 ? map->capacity * 2 : CAPACITY_MIN;
    struct tt_map_slot *slots = tt_new_array(map->alloc, capacity, sizeof *slots);
    if (slots == NULL) {
        return TT_E_NOMEM;
    }
    for (size_t i = 0; i < map->capacity; i++) {
        if (map->slots[i].item != NULL) {
            insert(slots, capacity - 1, map->slots[i].hash, map->slots[i].item);
        }
    }
    tt_delete(map->alloc, map->slots, map->capacity * sizeof *map->slots);
    map->slots = slots;
    map->capacity = capacity;
    return TT_OK;
}

enum tt_status tt_map_put(struct tt_map *map, uint64_t hash, void *item)
{
    TT_ASSERT(item != NULL);
    if (map->count >= map->count_max) {
        return TT_E_LIMIT;
    }
    if (map->count >= map->capacity / 4 * 3) {
        enum tt_status status = grow(map);
        if (status != TT_OK) {
            return status;
        }
    }
    insert(map->slots, map->capacity - 1, hash, item);
    map->count++;
    return TT_OK;
}

/* Empties slot `hole` and moves back what a probe could no longer reach across the gap. */
static void close_gap(struct tt_map *map, size_t hole)
{
    size_t mask = map->capacity - 1;
    for (size_t i = (hole + 1) & mask; map->slots[i].item != NULL; i = (i + 1) & mask) {
        size_t home = (size_t)map->slots[i].hash & mask;
        if (((i - home) & mask) >= ((i - hole) & mask)) {
            map->slots[hole] = map->slots[i];
            hole = i;
        }
    }
    map->slots[hole] = (struct tt_map_slot){0, NULL};
}

void *tt_map_take(struct tt_map *map, uint64_t hash, const void *key)
{
    struct tt_map_slot *slot = find(map, hash, key);
    if (slot == NULL) {
        return NULL;
    }
    void *item = slot->item;
    close_gap(map, (size_t)(slot - map->slots));
    map->count--;
    return item;
}

const void *tt_map_guess(const struct tt_map *map, uint64_t hash)
{
    for (size_t i = (size_t)hash; map->capacity != 0; i++) {
        const struct tt_map_slot *slot = &map->slots[i & (map->capacity - 1)];
        if (slot->item == NULL || slot->hash == hash) {
            return slot->item;
        }
    }
    return NULL;
}

void tt_map_prefetch(const struct tt_map *map, uint64_t hash)
{
    if (map->capacity != 0) {
        __builtin_prefetch(&map->slots[(size_t)hash & (map->capacity - 1)]);
    }
}

void *tt_map_next(const struct tt_map *map, size_t *cursor)
{
    while (*cursor < map->capacity) {
        void *item = map->slots[(*cursor)++].item;
        if (item != NULL) {
            return item;
        }
    }
    return NULL;
}
