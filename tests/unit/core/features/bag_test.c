/* The sorted multiset against a plain array. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/rng.h"
#include "core/features/bag.h"
#include "support/torture.h"

static int by_value(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static double slow_quantile(const int64_t *sorted, size_t count, double q)
{
    double rank = (double)(count - 1) * q, low = floor(rank);
    double a = (double)sorted[(size_t)low];
    double b = (double)sorted[(size_t)low + 1 < count ? (size_t)low + 1 : count - 1];
    return a + (b - a) * (rank - low);
}

static void compare(const struct tt_bag *bag, const int64_t *values, size_t count)
{
    int64_t sorted[512], deviations[512];
    size_t distinct = 0;
    memcpy(sorted, values, count * sizeof(*values));
    qsort(sorted, count, sizeof(*sorted), by_value);
    assert_int_equal(bag->count, count);
    assert_memory_equal(bag->values, sorted, count * sizeof(*sorted));
    for (size_t i = 0; i < count; i++) {
        distinct += i == 0 || sorted[i] != sorted[i - 1] ? 1 : 0;
    }
    assert_int_equal(bag->distinct, distinct);
    for (double q = 0.0; q <= 1.0; q += 0.125) {
        assert_true(fabs(tt_bag_quantile(bag, q) - slow_quantile(sorted, count, q)) <= 0.0);
    }
    double median = slow_quantile(sorted, count, 0.5);
    for (size_t i = 0; i < count; i++) {
        deviations[i] = (int64_t)fabs(2.0 * ((double)sorted[i] - median));
    }
    qsort(deviations, count, sizeof(*deviations), by_value);
    assert_true(fabs(tt_bag_mad(bag) - slow_quantile(deviations, count, 0.5) / 2.0) <= 0.0);
}

static void a_bag_agrees_with_a_sorted_array(void **state)
{
    (void)state;
    struct tt_bag bag = {0};
    struct tt_rng rng;
    int64_t values[512];
    size_t count = 0;
    uint64_t bytes = 0;
    tt_rng_init(&rng, 5);
    for (int i = 0; i < 20000; i++) {
        bool grow = tt_rng_below(&rng, 1000) < (i / 4000 % 2 == 0 ? 550 : 450);
        if ((grow && count < 500) || count == 0) {
            int64_t value = (int64_t)tt_rng_below(&rng, 100) - 50;
            assert_int_equal(tt_bag_reserve(&bag, &tt_alloc_libc, bag.count + 1, &bytes), TT_OK);
            tt_bag_add(&bag, value);
            values[count++] = value;
        } else {
            size_t at = tt_rng_below(&rng, count);
            tt_bag_remove(&bag, values[at]);
            values[at] = values[--count];
            tt_bag_trim(&bag, &tt_alloc_libc, &bytes);
        }
        assert_int_equal(bytes, bag.capacity * sizeof(int64_t));
        if (count > 0 && i % 10 == 0) {
            compare(&bag, values, count);
            size_t same = 0;
            for (size_t k = 0; k < count; k++) {
                same += values[k] == values[0] ? 1 : 0;
            }
            assert_int_equal(tt_bag_count_of(&bag, values[0]), same);
            assert_int_equal(tt_bag_count_of(&bag, 1000), 0);
        }
    }
    tt_bag_deinit(&bag, &tt_alloc_libc, &bytes);
    assert_int_equal(bytes, 0);
}

static void extremes_are_values_like_others(void **state)
{
    (void)state;
    struct tt_bag bag = {0};
    uint64_t bytes = 0;
    assert_int_equal(tt_bag_count_of(&bag, INT64_MAX), 0);
    assert_int_equal(tt_bag_reserve(&bag, &tt_alloc_libc, 3, &bytes), TT_OK);
    tt_bag_add(&bag, INT64_MAX);
    tt_bag_add(&bag, INT64_MIN);
    tt_bag_add(&bag, INT64_MAX);
    assert_int_equal(tt_bag_count_of(&bag, INT64_MAX), 2);
    assert_int_equal(tt_bag_count_of(&bag, INT64_MIN), 1);
    assert_int_equal(bag.distinct, 2);
    tt_bag_deinit(&bag, &tt_alloc_libc, &bytes);
}

static enum tt_status fill(const struct tt_alloc *alloc, void *ctx)
{
    (void)ctx;
    struct tt_bag bag = {0};
    uint64_t bytes = 0;
    enum tt_status status = TT_OK;
    for (int64_t i = 0; i < 100 && status == TT_OK; i++) {
        status = tt_bag_reserve(&bag, alloc, bag.count + 1, &bytes);
        if (status == TT_OK) {
            tt_bag_add(&bag, i);
        } else {
            assert_int_equal(bag.count, i);
            assert_int_equal(tt_bag_count_of(&bag, i / 2), i > 0 ? 1 : 0);
        }
    }
    tt_bag_deinit(&bag, alloc, &bytes);
    return status;
}

static void a_failed_reserve_leaves_the_bag_as_it_was(void **state)
{
    (void)state;
    tt_torture_run(fill, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_bag_agrees_with_a_sorted_array),
        cmocka_unit_test(extremes_are_values_like_others),
        cmocka_unit_test(a_failed_reserve_leaves_the_bag_as_it_was),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
