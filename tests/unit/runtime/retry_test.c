/* Back-off: its bounds, its deadline, its jitter. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "runtime/retry.h"

static void waits_grow_up_to_the_longest(void **state)
{
    (void)state;
    int64_t longest_seen[12] = {0};
    for (uint64_t seed = 0; seed < 400; seed++) {
        struct tt_retry retry;
        tt_retry_init(&retry, 100, 5000, INT64_MAX, seed);
        for (unsigned i = 0; i < 12; i++) {
            int64_t bound_ms = i < 6 ? 100 << i : 5000;
            int64_t wait_ms = tt_retry_next_ms(&retry, 1000);
            assert_in_range(wait_ms, 1, bound_ms);
            longest_seen[i] = wait_ms > longest_seen[i] ? wait_ms : longest_seen[i];
        }
    }
    for (unsigned i = 0; i < 12; i++) {
        int64_t bound_ms = i < 6 ? 100 << i : 5000;
        assert_true(longest_seen[i] > bound_ms * 9 / 10);
    }
}

static void the_last_attempt_is_at_the_deadline(void **state)
{
    (void)state;
    struct tt_retry retry;
    tt_retry_init(&retry, 1000, 1000000, 10000, 7);
    int64_t now_ms = -3;
    int64_t wait_ms;
    while ((wait_ms = tt_retry_next_ms(&retry, now_ms)) >= 0) {
        now_ms += wait_ms;
    }
    assert_int_equal(now_ms, 9997);
    assert_int_equal(tt_retry_next_ms(&retry, now_ms + 5), -1);
}

static void a_deadline_of_zero_gives_up_at_once(void **state)
{
    (void)state;
    struct tt_retry retry;
    tt_retry_init(&retry, 1, 1, 0, 7);
    assert_int_equal(tt_retry_next_ms(&retry, 0), -1);
}

static void a_success_starts_anew(void **state)
{
    (void)state;
    struct tt_retry retry;
    tt_retry_init(&retry, 10, 100000, 1000, 7);
    for (int i = 0; i < 5; i++) {
        assert_true(tt_retry_next_ms(&retry, 0) > 0);
    }
    assert_int_equal(tt_retry_next_ms(&retry, 1000), -1);
    tt_retry_reset(&retry);
    assert_in_range(tt_retry_next_ms(&retry, 5000), 1, 10);
}

static void one_seed_gives_one_sequence(void **state)
{
    (void)state;
    struct tt_retry a;
    struct tt_retry b;
    tt_retry_init(&a, 100, INT64_MAX, INT64_MAX, 3);
    tt_retry_init(&b, 100, INT64_MAX, INT64_MAX, 3);
    for (int i = 0; i < 100; i++) {
        assert_int_equal(tt_retry_next_ms(&a, 0), tt_retry_next_ms(&b, 0));
    }
}

static void only_what_may_pass_is_tried_again(void **state)
{
    (void)state;
    for (unsigned i = 0; i < TT_STATUS_COUNT; i++) {
        bool expected = i == TT_E_NOMEM || i == TT_E_FULL || i == TT_E_IO || i == TT_E_TIMEOUT ||
                        i == TT_E_AGAIN;
        assert_int_equal(tt_retry_is_transient((enum tt_status)i), expected);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(waits_grow_up_to_the_longest),
        cmocka_unit_test(the_last_attempt_is_at_the_deadline),
        cmocka_unit_test(a_deadline_of_zero_gives_up_at_once),
        cmocka_unit_test(a_success_starts_anew),
        cmocka_unit_test(one_seed_gives_one_sequence),
        cmocka_unit_test(only_what_may_pass_is_tried_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
