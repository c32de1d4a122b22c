/* See event_pool.h. Returned events are pushed on a shared stack; the getter takes the stack whole,
 * so that nobody ever pops a single element and the ABA problem cannot arise. */
#include "runtime/event_pool.h"

/* The first block of an event's text: a usual transaction fits. */
#define TEXT_BLOCK_SIZE 1024

static void give_back(struct tt_event_home *home, struct tt_event *event)
{
    struct tt_event_pool *pool = (struct tt_event_pool *)home;
    struct tt_event *head = __atomic_load_n(&pool->returned, __ATOMIC_RELAXED);
    do {
        event->next_free = head;
    } while (!__atomic_compare_exchange_n(&pool->returned, &head, event, true, __ATOMIC_RELEASE,
                                          __ATOMIC_RELAXED));
    __atomic_add_fetch(&pool->given_back, 1, __ATOMIC_SEQ_CST);
    if (__atomic_load_n(&pool->waiting, __ATOMIC_SEQ_CST) && pool->wake.signal != NULL) {
        pool->wake.signal(pool->wake.ctx);
    }
}

enum tt_status tt_event_pool_init(struct tt_event_pool *pool, const struct tt_alloc *alloc,
                                  size_t count, size_t text_size_max, struct tt_wake wake,
                                  struct tt_error *err)
{
    *pool = (struct tt_event_pool){.home = {give_back}, .alloc = alloc, .count = count};
    pool->wake = wake;
    pool->events = tt_new_array(alloc, count, sizeof *pool->events);
    if (pool->events == NULL) {
        return tt_fail(err, TT_E_NOMEM, "no memory for %zu events", count);
    }
    for (size_t i = count; i-- > 0;) {
        struct tt_event *event = &pool->events[i];
        tt_arena_init(&event->text, alloc, TEXT_BLOCK_SIZE, text_size_max);
        event->home = &pool->home;
        event->next_free = pool->local;
        pool->local = event;
    }
    return TT_OK;
}

void tt_event_pool_deinit(struct tt_event_pool *pool)
{
    if (pool->events == NULL) {
        return;
    }
    for (size_t i = 0; i < pool->count; i++) {
        tt_arena_deinit(&pool->events[i].text);
    }
    tt_delete(pool->alloc, pool->events, pool->count * sizeof *pool->events);
    pool->events = NULL;
}

struct tt_event *tt_event_pool_get(struct tt_event_pool *pool)
{
    if (pool->local == NULL) {
        pool->local = __atomic_exchange_n(&pool->returned, NULL, __ATOMIC_ACQUIRE);
    }
    if (pool->local == NULL) {
        /* announce the wait first, then look again: a release in between is seen either way */
        __atomic_store_n(&pool->waiting, true, __ATOMIC_SEQ_CST);
        pool->local = __atomic_exchange_n(&pool->returned, NULL, __ATOMIC_SEQ_CST);
        if (pool->local == NULL) {
            return NULL;
        }
    }
    __atomic_store_n(&pool->waiting, false, __ATOMIC_RELAXED);
    struct tt_event *event = pool->local;
    pool->local = event->next_free;
    pool->taken++;
    tt_event_clear(event);
    event->references = 1;
    return event;
}

void tt_event_pool_silence(struct tt_event_pool *pool)
{
    pool->wake = (struct tt_wake){NULL, NULL};
}

size_t tt_event_pool_used(const struct tt_event_pool *pool)
{
    return (size_t)(pool->taken - __atomic_load_n(&pool->given_back, __ATOMIC_SEQ_CST));
}
