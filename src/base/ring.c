/*
 * The single-producer single-consumer ring.
 *
 * head and tail only grow; the slot is the index modulo the capacity. Each side keeps its last look
 * at the other's index and looks again only when the ring seems full or empty, so that a long run
 * moves no cache line between the cores but those of the slots.
 */
#include "base/ring.h"

#define CAPACITY_MAX ((size_t)1 << 32)

enum tt_status tt_ring_init(struct tt_ring *ring, const struct tt_alloc *alloc, size_t capacity)
{
    if (capacity == 0 || capacity > CAPACITY_MAX) {
        return TT_E_LIMIT;
    }
    size_t rounded = 1;
    while (rounded < capacity) {
        rounded *= 2;
    }
    void **slots = tt_new_array(alloc, rounded, sizeof *slots);
    if (slots == NULL) {
        return TT_E_NOMEM;
    }
    *ring = (struct tt_ring){.alloc = alloc, .slots = slots, .mask = rounded - 1};
    return TT_OK;
}

void tt_ring_deinit(struct tt_ring *ring)
{
    tt_delete(ring->alloc, ring->slots, (size_t)(ring->mask + 1) * sizeof *ring->slots);
    ring->slots = NULL;
}

bool tt_ring_push(struct tt_ring *ring, void *item)
{
    TT_ASSERT(item != NULL); /* NULL is how pop says empty */
    uint64_t head = ring->head;
    if (head - ring->tail_seen > ring->mask) {
        ring->tail_seen = __atomic_load_n(&ring->tail, __ATOMIC_ACQUIRE);
        if (head - ring->tail_seen > ring->mask) {
            return false;
        }
    }
    ring->slots[head & ring->mask] = item;
    __atomic_store_n(&ring->head, head + 1, __ATOMIC_RELEASE);
    return true;
}

/* How many items the consumer may take, looking at head again when it knows of none. */
static uint64_t available(struct tt_ring *ring)
{
    if (ring->head_seen == ring->tail) {
        ring->head_seen = __atomic_load_n(&ring->head, __ATOMIC_ACQUIRE);
    }
    return ring->head_seen - ring->tail;
}

void *tt_ring_peek(struct tt_ring *ring)
{
    return available(ring) != 0 ? ring->slots[ring->tail & ring->mask] : NULL;
}

void *tt_ring_pop(struct tt_ring *ring)
{
    void *item = NULL;
    return tt_ring_pop_many(ring, &item, 1) == 1 ? item : NULL;
}

size_t tt_ring_pop_many(struct tt_ring *ring, void **ret_items, size_t count)
{
    uint64_t ready = available(ring);
    size_t taken = ready < count ? (size_t)ready : count;
    for (size_t i = 0; i < taken; i++) {
        ret_items[i] = ring->slots[(ring->tail + i) & ring->mask];
    }
    __atomic_store_n(&ring->tail, ring->tail + taken, __ATOMIC_RELEASE);
    return taken;
}

size_t tt_ring_count(const struct tt_ring *ring)
{
    /* tail first: read the other way round, a pop in between could make the count negative. */
    uint64_t tail = __atomic_load_n(&ring->tail, __ATOMIC_ACQUIRE);
    uint64_t head = __atomic_load_n(&ring->head, __ATOMIC_ACQUIRE);
    uint64_t count = head - tail;
    return (size_t)(count <= ring->mask ? count : ring->mask + 1);
}
