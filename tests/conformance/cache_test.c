/* The suite every adapter of the cache port passes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "adapters/memory/cache.h"
#include "support/fake_clock.h"
#include "support/torture.h"

#define NOW INT64_C(1700000000123)

struct subject {
    struct tt_fake_clock clock;
    struct tt_cache *cache;
    struct tt_buf buf;
};

static int setup(void **state)
{
    struct subject *subject = calloc(1, sizeof *subject);
    tt_fake_clock_init(&subject->clock, NOW);
    struct tt_memory_cache_options options = {.alloc = &tt_alloc_libc,
                                              .clock = &subject->clock.clock,
                                              .entries_max = 3,
                                              .bytes_max = 200000};
    assert_int_equal(tt_memory_cache_open(&options, &subject->cache, NULL), TT_OK);
    tt_buf_init(&subject->buf, &tt_alloc_libc, 100000);
    *state = subject;
    return 0;
}

static int teardown(void **state)
{
    struct subject *subject = *state;
    subject->cache->ops->close(subject->cache);
    tt_buf_deinit(&subject->buf);
    free(subject);
    return 0;
}

static void put(struct subject *subject, const char *key, const char *value)
{
    assert_int_equal(
        subject->cache->ops->put(subject->cache, tt_str_from(key), tt_str_from(value), 1000, NULL),
        TT_OK);
}

/* NULL = not there. */
static void assert_value(struct subject *subject, const char *key, const char *value)
{
    tt_buf_clear(&subject->buf);
    enum tt_status status =
        subject->cache->ops->get(subject->cache, tt_str_from(key), &subject->buf, NULL);
    assert_int_equal(status, value != NULL ? TT_OK : TT_E_NOT_FOUND);
    if (value != NULL) {
        assert_true(tt_str_equal_text(tt_buf_str(&subject->buf), value));
    }
}

static void a_value_lives_for_its_time(void **state)
{
    struct subject *subject = *state;
    assert_value(subject, "k", NULL);
    put(subject, "k", "v1");
    put(subject, "k", "v2");
    tt_fake_clock_advance(&subject->clock, 999);
    assert_value(subject, "k", "v2");
    tt_fake_clock_advance(&subject->clock, 1);
    assert_value(subject, "k", NULL);
}

static void exactly_one_takes_a_value(void **state)
{
    struct subject *subject = *state;
    put(subject, "k", "v");
    tt_buf_clear(&subject->buf);
    const struct tt_cache_ops *ops = subject->cache->ops;
    assert_int_equal(ops->take(subject->cache, TT_STR("k"), &subject->buf, NULL), TT_OK);
    assert_int_equal(ops->take(subject->cache, TT_STR("k"), &subject->buf, NULL), TT_E_NOT_FOUND);
    assert_true(tt_str_equal_text(tt_buf_str(&subject->buf), "v"));
}

static void the_least_recently_used_goes_first(void **state)
{
    struct subject *subject = *state;
    put(subject, "a", "1");
    put(subject, "b", "2");
    put(subject, "c", "3");
    assert_value(subject, "a", "1");
    put(subject, "d", "4");
    assert_value(subject, "b", NULL);
    assert_value(subject, "a", "1");
    assert_value(subject, "c", "3");
    assert_value(subject, "d", "4");
}

static void bytes_are_bounded(void **state)
{
    struct subject *subject = *state;
    char *big = malloc(65537);
    memset(big, 'x', 65537);
    const struct tt_cache_ops *ops = subject->cache->ops;
    assert_int_equal(ops->put(subject->cache, TT_STR("k"), (struct tt_str){big, 65537}, 1000, NULL),
                     TT_E_LIMIT);
    for (int i = 0; i < 20; i++) {
        char key[8];
        (void)snprintf(key, sizeof key, "k%d", i);
        assert_int_equal(
            ops->put(subject->cache, tt_str_from(key), (struct tt_str){big, 65536}, 1000, NULL),
            TT_OK);
    }
    assert_value(subject, "k0", NULL);
    free(big);
}

static void counters_begin_anew_with_each_window(void **state)
{
    struct subject *subject = *state;
    const struct tt_cache_ops *ops = subject->cache->ops;
    uint64_t value = 0;
    int64_t reset = 0;
    assert_int_equal(ops->count(subject->cache, TT_STR("k"), 2, 1000, &value, &reset, NULL), TT_OK);
    assert_int_equal(value, 2);
    assert_int_equal(reset, NOW / 1000 * 1000 + 1000);
    assert_int_equal(ops->count(subject->cache, TT_STR("k"), 3, 1000, &value, &reset, NULL), TT_OK);
    assert_int_equal(value, 5);
    assert_int_equal(ops->count(subject->cache, TT_STR("k"), 1, 60000, &value, &reset, NULL),
                     TT_OK);
    assert_int_equal(value, 1);       /* another window length is another counter */
    assert_value(subject, "k", NULL); /* and no value */
    tt_fake_clock_advance(&subject->clock, reset - NOW - 1);
    assert_int_equal(ops->count(subject->cache, TT_STR("k"), 1, 60000, &value, &reset, NULL),
                     TT_OK);
    assert_int_equal(value, 2);
    tt_fake_clock_advance(&subject->clock, 1);
    assert_int_equal(
        ops->count(subject->cache, TT_STR("k"), UINT64_MAX, 60000, &value, &reset, NULL), TT_OK);
    assert_int_equal(ops->count(subject->cache, TT_STR("k"), 9, 60000, &value, &reset, NULL),
                     TT_OK);
    assert_true(value == UINT64_MAX);
}

static void what_is_not_positive_is_refused(void **state)
{
    struct subject *subject = *state;
    const struct tt_cache_ops *ops = subject->cache->ops;
    uint64_t value = 0;
    int64_t reset = 0;
    assert_int_equal(ops->put(subject->cache, TT_STR("k"), TT_STR("v"), 0, NULL), TT_E_INVALID);
    assert_int_equal(ops->count(subject->cache, TT_STR("k"), 1, -5, &value, &reset, NULL),
                     TT_E_INVALID);
    assert_int_equal(ops->put(subject->cache, TT_STR(""), TT_STR(""), INT64_MAX, NULL), TT_OK);
    assert_value(subject, "", "");
}

static enum tt_status torture_memory(const struct tt_alloc *alloc, void *ctx)
{
    struct tt_fake_clock *clock = ctx;
    struct tt_memory_cache_options options = {.alloc = alloc, .clock = &clock->clock};
    struct tt_cache *cache = NULL;
    struct tt_error err;
    enum tt_status status = tt_memory_cache_open(&options, &cache, &err);
    if (status != TT_OK) {
        return status;
    }
    for (int i = 0; i < 40 && status == TT_OK; i++) {
        char key[8];
        uint64_t value;
        int64_t reset;
        (void)snprintf(key, sizeof key, "k%d", i);
        status = cache->ops->put(cache, tt_str_from(key), TT_STR("v"), 5, &err);
        if (status == TT_OK) {
            status = cache->ops->count(cache, tt_str_from(key), 1, 5, &value, &reset, &err);
        }
    }
    cache->ops->close(cache);
    return status;
}

static void memory_cache_survives_failing_allocations(void **state)
{
    struct subject *subject = *state;
    tt_torture_run(torture_memory, &subject->clock);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        CASE(a_value_lives_for_its_time),
        CASE(exactly_one_takes_a_value),
        CASE(the_least_recently_used_goes_first),
        CASE(bytes_are_bounded),
        CASE(counters_begin_anew_with_each_window),
        CASE(what_is_not_positive_is_refused),
        CASE(memory_cache_survives_failing_allocations),
    };
    return cmocka_run_group_tests_name("cache/memory", tests, NULL, NULL);
}
