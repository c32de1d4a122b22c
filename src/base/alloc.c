/*
 * The libc allocator and the arena.
 *
 * An arena is a chain of blocks with a bump pointer in the newest. A new block is at least twice
 * the one before, so a batch that once spilled over fits into one block after the next spill, and
 * from then on a reset and the next batch ask the allocator for nothing. Under AddressSanitizer
 * what is not handed out is poisoned, so that a view used after a reset is found.
 */
#include "base/alloc.h"

#include <stdlib.h>
#include <string.h>

/* gcc says it by a macro, clang by a feature test. */
#if defined(__SANITIZE_ADDRESS__)
#define WATCHED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define WATCHED 1
#endif
#endif
#ifdef WATCHED
#include <sanitizer/asan_interface.h>
#define HIDE(pointer, size) ASAN_POISON_MEMORY_REGION(pointer, size)
#define SHOW(pointer, size) ASAN_UNPOISON_MEMORY_REGION(pointer, size)
#else
#define HIDE(pointer, size) ((void)(pointer), (void)(size))
#define SHOW(pointer, size) ((void)(pointer), (void)(size))
#endif

#define ALIGNMENT ((size_t)16)

static void *libc_resize(void *ctx, void *pointer, size_t old_size, size_t new_size)
{
    (void)ctx;
    (void)old_size;
    if (new_size == 0) {
        free(pointer);
        return NULL;
    }
    return realloc(pointer, new_size);
}

const struct tt_alloc tt_alloc_libc = {libc_resize, NULL};

void *tt_new(const struct tt_alloc *alloc, size_t size)
{
    return alloc->resize(alloc->ctx, NULL, 0, size != 0 ? size : 1);
}

void *tt_new_array(const struct tt_alloc *alloc, size_t count, size_t size)
{
    size_t total = 0;
    if (__builtin_mul_overflow(count, size, &total)) {
        return NULL;
    }
    void *pointer = tt_new(alloc, total);
    if (pointer != NULL) {
        memset(pointer, 0, total);
    }
    return pointer;
}

void *tt_resize(const struct tt_alloc *alloc, void *pointer, size_t old_size, size_t new_size)
{
    TT_ASSERT(new_size > 0);
    return alloc->resize(alloc->ctx, pointer, old_size, new_size);
}

void tt_delete(const struct tt_alloc *alloc, void *pointer, size_t size)
{
    if (pointer != NULL) {
        /* tt_new asked for 1 byte where the caller said 0. */
        alloc->resize(alloc->ctx, pointer, size != 0 ? size : 1, 0);
    }
}

struct tt_arena_block {
    struct tt_arena_block *older;
    size_t size; /* bytes behind this header */
    size_t used;
    size_t reserved; /* keeps the header a multiple of 16 */
};

static size_t round_up(size_t size)
{
    return (size + ALIGNMENT - 1) & ~(ALIGNMENT - 1);
}

static char *block_bytes(struct tt_arena_block *block)
{
    return (char *)(block + 1);
}

void tt_arena_init(struct tt_arena *arena, const struct tt_alloc *alloc, size_t block_size,
                   size_t size_max)
{
    *arena = (struct tt_arena){.alloc = alloc, .block_size = block_size, .size_max = size_max};
}

static void free_block(struct tt_arena *arena, struct tt_arena_block *block)
{
    arena->size_total -= block->size;
    SHOW(block_bytes(block), block->size);
    tt_delete(arena->alloc, block, sizeof *block + block->size);
}

void tt_arena_deinit(struct tt_arena *arena)
{
    struct tt_arena_block *block = arena->block;
    while (block != NULL) {
        struct tt_arena_block *older = block->older;
        free_block(arena, block);
        block = older;
    }
    arena->block = NULL;
}

/* The size of the next block: doubled, as much as the maximum leaves, at least `size`; 0 = none. */
static size_t next_block_size(const struct tt_arena *arena, size_t size)
{
    size_t room = (arena->size_max - arena->size_total) & ~(ALIGNMENT - 1);
    if (size > room) {
        return 0;
    }
    size_t wanted = arena->block_size;
    if (arena->block != NULL && arena->block->size > wanted / 2) {
        wanted = arena->block->size <= SIZE_MAX / 2 ? arena->block->size * 2 : SIZE_MAX;
    }
    wanted = wanted > size ? wanted : size;
    wanted = wanted < room ? wanted : room;
    return wanted & ~(ALIGNMENT - 1);
}

static char *new_in_new_block(struct tt_arena *arena, size_t size)
{
    size_t block_size = next_block_size(arena, size);
    if (block_size == 0 || block_size > SIZE_MAX - sizeof(struct tt_arena_block)) {
        return NULL;
    }
    struct tt_arena_block *block = tt_new(arena->alloc, sizeof *block + block_size);
    if (block == NULL) {
        return NULL;
    }
    *block = (struct tt_arena_block){.older = arena->block, .size = block_size, .used = size};
    arena->block = block;
    arena->size_total += block_size;
    HIDE(block_bytes(block), block_size);
    return block_bytes(block);
}

void *tt_arena_new(struct tt_arena *arena, size_t size)
{
    if (TT_UNLIKELY(size > SIZE_MAX - ALIGNMENT)) {
        return NULL;
    }
    size_t rounded = size != 0 ? round_up(size) : ALIGNMENT;
    struct tt_arena_block *block = arena->block;
    char *pointer;
    if (TT_LIKELY(block != NULL && rounded <= block->size - block->used)) {
        pointer = block_bytes(block) + block->used;
        block->used += rounded;
    } else {
        pointer = new_in_new_block(arena, rounded);
        if (pointer == NULL) {
            return NULL;
        }
    }
    SHOW(pointer, size);
    return pointer;
}

void *tt_arena_new_array(struct tt_arena *arena, size_t count, size_t size)
{
    size_t total = 0;
    if (__builtin_mul_overflow(count, size, &total)) {
        return NULL;
    }
    void *pointer = tt_arena_new(arena, total);
    if (pointer != NULL) {
        memset(pointer, 0, total);
    }
    return pointer;
}

char *tt_arena_copy(struct tt_arena *arena, const char *data, size_t size)
{
    char *copy = size < SIZE_MAX ? tt_arena_new(arena, size + 1) : NULL;
    if (copy == NULL) {
        return NULL;
    }
    if (size > 0) {
        memcpy(copy, data, size);
    }
    copy[size] = '\0';
    return copy;
}

void tt_arena_reset(struct tt_arena *arena)
{
    struct tt_arena_block *largest = arena->block;
    for (struct tt_arena_block *block = largest; block != NULL; block = block->older) {
        if (block->size > largest->size) {
            largest = block;
        }
    }
    struct tt_arena_block *block = arena->block;
    while (block != NULL) {
        struct tt_arena_block *older = block->older;
        if (block != largest) {
            free_block(arena, block);
        }
        block = older;
    }
    if (largest != NULL) {
        largest->older = NULL;
        largest->used = 0;
        HIDE(block_bytes(largest), largest->size);
    }
    arena->block = largest;
}

/* Grows the newest allocation where it stands; false when it is not the newest or does not fit. */
static bool grow_in_place(struct tt_arena *arena, char *pointer, size_t old_size, size_t new_size)
{
    struct tt_arena_block *block = arena->block;
    size_t old_rounded = round_up(old_size);
    if (block == NULL || old_rounded > block->used ||
        pointer != block_bytes(block) + block->used - old_rounded) {
        return false;
    }
    size_t room = block->size - (block->used - old_rounded);
    if (new_size > room) {
        return false;
    }
    /* Block sizes are multiples of the alignment, so rounding up stays inside. */
    block->used += round_up(new_size) - old_rounded;
    SHOW(pointer, new_size);
    return true;
}

static void *arena_resize(void *ctx, void *pointer, size_t old_size, size_t new_size)
{
    struct tt_arena *arena = ctx;
    if (new_size == 0) {
        return NULL;
    }
    if (pointer == NULL) {
        return tt_arena_new(arena, new_size);
    }
    if (new_size <= old_size || grow_in_place(arena, pointer, old_size, new_size)) {
        return pointer;
    }
    void *moved = tt_arena_new(arena, new_size);
    if (moved != NULL) {
        memcpy(moved, pointer, old_size);
    }
    return moved;
}

struct tt_alloc tt_arena_alloc(struct tt_arena *arena)
{
    return (struct tt_alloc){arena_resize, arena};
}
