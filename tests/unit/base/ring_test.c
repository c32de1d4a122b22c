/* The ring alone and between two threads. */
#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/ring.h"
#include "support/torture.h"

static void ring_is_first_in_first_out_and_bounded(void **state)
{
    (void)state;
    struct tt_torture torture;
    tt_torture_init(&torture, 0);
    struct tt_ring ring;
    assert_int_equal(tt_ring_init(&ring, &torture.alloc, 3), TT_OK); /* rounded up to 4 */
    int items[5];
    assert_null(tt_ring_peek(&ring));
    assert_null(tt_ring_pop(&ring));
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < 4; i++) {
            assert_true(tt_ring_push(&ring, &items[i]));
        }
        assert_false(tt_ring_push(&ring, &items[4]));
        assert_int_equal(tt_ring_count(&ring), 4);
        assert_ptr_equal(tt_ring_peek(&ring), &items[0]);
        assert_ptr_equal(tt_ring_pop(&ring), &items[0]);
        assert_true(tt_ring_push(&ring, &items[4]));
        void *taken[8];
        size_t count = 0;
        while (count < 4) {
            size_t got = tt_ring_pop_many(&ring, taken + count, 8 - count);
            assert_true(got > 0);
            count += got;
        }
        for (int i = 0; i < 4; i++) {
            assert_ptr_equal(taken[i], &items[i + 1]);
        }
        assert_int_equal(tt_ring_count(&ring), 0);
    }
    tt_ring_deinit(&ring);
    tt_torture_check(&torture);
}

static void ring_refuses_an_impossible_capacity(void **state)
{
    (void)state;
    struct tt_ring ring;
    assert_int_equal(tt_ring_init(&ring, &tt_alloc_libc, 0), TT_E_LIMIT);
    assert_int_equal(tt_ring_init(&ring, &tt_alloc_libc, SIZE_MAX), TT_E_LIMIT);
    struct tt_torture torture;
    tt_torture_init(&torture, 1);
    assert_int_equal(tt_ring_init(&ring, &torture.alloc, 8), TT_E_NOMEM);
    tt_torture_check(&torture);
}

#define ITEMS 200000
static uint64_t values[ITEMS];

static void *produce(void *ctx)
{
    struct tt_ring *ring = ctx;
    for (uint64_t i = 0; i < ITEMS; i++) {
        values[i] = i + 1; /* seen by the consumer because push releases it */
        while (!tt_ring_push(ring, &values[i])) {
            sched_yield();
        }
    }
    return NULL;
}

static void two_threads_pass_everything_in_order(void **state)
{
    (void)state;
    struct tt_ring ring;
    assert_int_equal(tt_ring_init(&ring, &tt_alloc_libc, 64), TT_OK);
    pthread_t producer;
    assert_int_equal(pthread_create(&producer, NULL, produce, &ring), 0);
    uint64_t expected = 1;
    while (expected <= ITEMS) {
        void *items[17];
        size_t count = tt_ring_pop_many(&ring, items, TT_ARRAY_SIZE(items));
        for (size_t i = 0; i < count; i++) {
            assert_int_equal(*(uint64_t *)items[i], expected);
            expected++;
        }
        assert_in_range(tt_ring_count(&ring), 0, 64);
        if (count == 0) {
            sched_yield();
        }
    }
    assert_int_equal(pthread_join(producer, NULL), 0);
    assert_null(tt_ring_pop(&ring));
    tt_ring_deinit(&ring);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ring_is_first_in_first_out_and_bounded),
        cmocka_unit_test(ring_refuses_an_impossible_capacity),
        cmocka_unit_test(two_threads_pass_everything_in_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
