/* The pool of events and the waker, between threads. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <pthread.h>

#include "base/ring.h"
#include "runtime/event_pool.h"
#include "runtime/waker.h"
#include "support/torture.h"

static struct tt_event_pool pool;
static const struct tt_wake no_wake = {NULL, NULL};

static void an_event_comes_back_with_its_last_reference(void **state)
{
    (void)state;
    assert_int_equal(tt_event_pool_init(&pool, &tt_alloc_libc, 1, 4096, no_wake, NULL), TT_OK);
    struct tt_event *event = tt_event_pool_get(&pool);
    assert_non_null(event);
    assert_int_equal(tt_event_pool_used(&pool), 1);
    assert_null(tt_event_pool_get(&pool));
    tt_event_retain(event, 2);
    tt_event_release(event);
    tt_event_release(event);
    assert_null(tt_event_pool_get(&pool));
    tt_event_release(event);
    assert_int_equal(tt_event_pool_used(&pool), 0);
    assert_ptr_equal(tt_event_pool_get(&pool), event);
    tt_event_release(event);
    tt_event_pool_deinit(&pool);
}

static void an_event_is_empty_each_time(void **state)
{
    (void)state;
    assert_int_equal(tt_event_pool_init(&pool, &tt_alloc_libc, 1, 4096, no_wake, NULL), TT_OK);
    for (int i = 0; i < 3; i++) {
        struct tt_event *event = tt_event_pool_get(&pool);
        assert_int_equal(event->kind, 0);
        assert_int_equal(event->seq, 0);
        assert_int_equal(event->vector.count, 0);
        assert_null(event->txn.text[0].data);
        assert_null(event->reply);
        assert_int_equal(event->source_line, 0);
        event->kind = TT_EVENT_LABEL;
        event->seq = 5;
        event->vector.count = 3;
        event->txn.text[0] = TT_STR("t");
        event->reply = event;
        event->source_line = 8;
        assert_non_null(tt_arena_new(&event->text, 3000));
        assert_null(tt_arena_new(&event->text, 3000)); /* its text has a maximum */
        tt_event_release(event);
    }
    tt_event_pool_deinit(&pool);
}

static void count_call(void *ctx)
{
    ++*(int *)ctx;
}

static void whoever_waits_is_woken_when_one_comes_back(void **state)
{
    (void)state;
    int calls = 0;
    struct tt_wake wake = {count_call, &calls};
    assert_int_equal(tt_event_pool_init(&pool, &tt_alloc_libc, 2, 4096, wake, NULL), TT_OK);
    struct tt_event *first = tt_event_pool_get(&pool);
    struct tt_event *second = tt_event_pool_get(&pool);
    tt_event_release(first);
    assert_int_equal(calls, 0); /* nobody waits */
    first = tt_event_pool_get(&pool);
    assert_null(tt_event_pool_get(&pool));
    tt_event_release(first);
    assert_int_equal(calls, 1);
    assert_ptr_equal(tt_event_pool_get(&pool), first);
    tt_event_release(second);
    assert_int_equal(calls, 1);
    tt_event_release(first);
    tt_event_pool_deinit(&pool);
}

static enum tt_status make_pool(const struct tt_alloc *alloc, void *ctx)
{
    (void)ctx;
    struct tt_event_pool made;
    enum tt_status status = tt_event_pool_init(&made, alloc, 3, 4096, no_wake, NULL);
    if (status != TT_OK) {
        return status;
    }
    struct tt_event *event = tt_event_pool_get(&made);
    status = tt_arena_new(&event->text, 100) != NULL ? TT_OK : TT_E_NOMEM;
    tt_event_release(event);
    tt_event_pool_deinit(&made);
    return status;
}

static void every_allocation_may_fail(void **state)
{
    (void)state;
    tt_torture_run(make_pool, NULL);
}

/* Threads that release what one getter takes; events travel by one ring a thread. */
enum { RELEASERS = 3, EVENTS = 64, ROUNDS = 60000 };
struct releaser {
    struct tt_ring ring;
    struct tt_waker waker;
    pthread_t thread;
    uint64_t sum;
};

static void *release_all(void *argument)
{
    struct releaser *releaser = argument;
    for (;;) {
        struct tt_event *event = tt_ring_pop(&releaser->ring);
        if (event == NULL) {
            tt_waker_wait(&releaser->waker, 1000);
            continue;
        }
        if (event->kind == TT_EVENT_EPOCH) {
            tt_event_release(event);
            return NULL;
        }
        releaser->sum += event->seq;
        tt_event_release(event);
    }
}

static struct tt_event *get_or_wait(struct tt_waker *waker)
{
    struct tt_event *event;
    while ((event = tt_event_pool_get(&pool)) == NULL) {
        tt_waker_wait(waker, 1000);
    }
    return event;
}

static void events_come_home_from_any_thread(void **state)
{
    (void)state;
    struct tt_waker waker;
    tt_waker_init(&waker);
    assert_int_equal(
        tt_event_pool_init(&pool, &tt_alloc_libc, EVENTS, 4096, tt_waker_callback(&waker), NULL),
        TT_OK);
    static struct releaser releasers[RELEASERS];
    for (size_t i = 0; i < RELEASERS; i++) {
        memset(&releasers[i], 0, sizeof releasers[i]);
        assert_int_equal(tt_ring_init(&releasers[i].ring, &tt_alloc_libc, EVENTS), TT_OK);
        tt_waker_init(&releasers[i].waker);
        assert_int_equal(pthread_create(&releasers[i].thread, NULL, release_all, &releasers[i]), 0);
    }
    uint64_t sum = 0;
    for (uint64_t n = 1; n <= ROUNDS + RELEASERS; n++) {
        struct tt_event *event = get_or_wait(&waker);
        assert_int_equal(event->seq, 0);
        event->seq = n;
        event->kind = n > ROUNDS ? TT_EVENT_EPOCH : TT_EVENT_TRANSACTION;
        sum += n > ROUNDS ? 0 : n;
        struct releaser *releaser = &releasers[n % RELEASERS];
        assert_true(tt_ring_push(&releaser->ring, event));
        tt_waker_signal(&releaser->waker);
    }
    uint64_t seen = 0;
    for (size_t i = 0; i < RELEASERS; i++) {
        assert_int_equal(pthread_join(releasers[i].thread, NULL), 0);
        seen += releasers[i].sum;
        tt_ring_deinit(&releasers[i].ring);
        tt_waker_deinit(&releasers[i].waker);
    }
    assert_int_equal(seen, sum);
    assert_int_equal(tt_event_pool_used(&pool), 0);
    tt_event_pool_deinit(&pool);
    tt_waker_deinit(&waker);
}

static void a_signal_before_the_wait_is_not_lost(void **state)
{
    (void)state;
    struct tt_waker waker;
    tt_waker_init(&waker);
    tt_waker_signal(&waker);
    tt_waker_signal(&waker);
    tt_waker_wait(&waker, INT64_C(3600000)); /* returns at once, or the test runs into its limit */
    assert_false(waker.signalled);
    tt_waker_wait(&waker, 0);
    tt_waker_wait(&waker, 1);
    struct tt_wake wake = tt_waker_callback(&waker);
    wake.signal(wake.ctx);
    tt_waker_wait(&waker, INT64_C(3600000));
    tt_waker_deinit(&waker);
}

struct ping {
    struct tt_waker here, there;
    int turn; /* atomic */
};

static void *answer(void *argument)
{
    struct ping *ping = argument;
    for (int i = 0; i < 5000; i++) {
        while (__atomic_load_n(&ping->turn, __ATOMIC_ACQUIRE) != 2 * i + 1) {
            tt_waker_wait(&ping->there, INT64_C(3600000));
        }
        __atomic_store_n(&ping->turn, 2 * i + 2, __ATOMIC_RELEASE);
        tt_waker_signal(&ping->here);
    }
    return NULL;
}

static void no_wake_up_is_lost_between_two_threads(void **state)
{
    (void)state;
    static struct ping ping;
    tt_waker_init(&ping.here);
    tt_waker_init(&ping.there);
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, answer, &ping), 0);
    for (int i = 0; i < 5000; i++) {
        __atomic_store_n(&ping.turn, 2 * i + 1, __ATOMIC_RELEASE);
        tt_waker_signal(&ping.there);
        while (__atomic_load_n(&ping.turn, __ATOMIC_ACQUIRE) != 2 * i + 2) {
            tt_waker_wait(&ping.here, INT64_C(3600000));
        }
    }
    assert_int_equal(pthread_join(thread, NULL), 0);
    tt_waker_deinit(&ping.here);
    tt_waker_deinit(&ping.there);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_event_comes_back_with_its_last_reference),
        cmocka_unit_test(an_event_is_empty_each_time),
        cmocka_unit_test(whoever_waits_is_woken_when_one_comes_back),
        cmocka_unit_test(every_allocation_may_fail),
        cmocka_unit_test(events_come_home_from_any_thread),
        cmocka_unit_test(a_signal_before_the_wait_is_not_lost),
        cmocka_unit_test(no_wake_up_is_lost_between_two_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
