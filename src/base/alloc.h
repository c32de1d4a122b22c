/*
 * The allocator that is passed as an argument, and the arena built on it.
 *
 * What:    struct tt_alloc is one function and its context; struct tt_arena hands out memory that
 *          is given back all at once.
 * Why:     with the allocator as an argument, tests fail the n-th allocation for every n
 *          (tests/support/torture.h), and core stays free of malloc.
 * Owner:   whoever allocates names the allocator and gives memory back to the same one.
 * Threads: tt_alloc_libc is safe anywhere; an arena is confined to one thread.
 * Limits:  an arena has a maximum; past it, allocations return NULL (TT_E_LIMIT to the caller).
 * Fails:   every allocation may return NULL.
 */
#ifndef TT_BASE_ALLOC_H
#define TT_BASE_ALLOC_H

#include "base/status.h"

/* resize(ctx, NULL, 0, n) allocates, resize(ctx, p, old, n) moves, resize(ctx, p, old, 0) frees and
 * returns NULL. On failure NULL is returned and p stays valid. Alignment: 16. */
struct tt_alloc {
    void *(*resize)(void *ctx, void *pointer, size_t old_size, size_t new_size);
    void *ctx;
};

/* malloc and free. */
extern const struct tt_alloc tt_alloc_libc;

/* size bytes, uninitialised, or NULL. size 0 is asked for as 1. */
void *tt_new(const struct tt_alloc *alloc, size_t size) TT_MUST_USE;
/* count × size bytes, zeroed, or NULL (also when the product overflows). */
void *tt_new_array(const struct tt_alloc *alloc, size_t count, size_t size) TT_MUST_USE;
/* Moves to new_size bytes (> 0), or NULL with pointer untouched. */
void *tt_resize(const struct tt_alloc *alloc, void *pointer, size_t old_size,
                size_t new_size) TT_MUST_USE;
/* Gives back; pointer may be NULL. */
void tt_delete(const struct tt_alloc *alloc, void *pointer, size_t size);

struct tt_arena_block;
/* Grows in blocks; reset keeps the largest block, so that a steady batch allocates nothing. */
struct tt_arena {
    const struct tt_alloc *alloc;
    struct tt_arena_block *block; /* the current one, linked to older ones */
    size_t block_size;            /* size of a new block */
    size_t size_max;              /* of all blocks together */
    size_t size_total;
};

/* block_size: of the first block (taken at first use), later ones double; size_max: of all blocks
 * together, their headers not counted. */
void tt_arena_init(struct tt_arena *arena, const struct tt_alloc *alloc, size_t block_size,
                   size_t size_max);
void tt_arena_deinit(struct tt_arena *arena);
/* size bytes aligned to 16, uninitialised, valid until reset; NULL when out of memory or past
 * size_max. */
void *tt_arena_new(struct tt_arena *arena, size_t size) TT_MUST_USE;
/* The same, zeroed, count × size with overflow check. */
void *tt_arena_new_array(struct tt_arena *arena, size_t count, size_t size) TT_MUST_USE;
/* A NUL-terminated copy of size bytes, or NULL. */
char *tt_arena_copy(struct tt_arena *arena, const char *data, size_t size) TT_MUST_USE;
/* Everything handed out becomes invalid. */
void tt_arena_reset(struct tt_arena *arena);
/* The arena as an allocator (free is a no-op; resize copies). */
struct tt_alloc tt_arena_alloc(struct tt_arena *arena);

#endif
