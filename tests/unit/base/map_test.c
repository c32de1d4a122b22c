/* The map against an array that is searched from end to end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/map.h"
#include "base/rng.h"
#include "support/torture.h"

#define KEYS 500

struct item {
    uint64_t key;
};

static bool item_equal(const void *item, const void *key)
{
    return ((const struct item *)item)->key == *(const uint64_t *)key;
}

/* bits = how many bits of hash there are: few make long runs that wrap around. */
static uint64_t hash_of(uint64_t key, unsigned bits)
{
    return tt_hash_mix(key) >> (64 - bits) << 2;
}

static void random_run(uint64_t seed, unsigned bits)
{
    struct tt_torture torture;
    tt_torture_init(&torture, 0);
    struct tt_rng rng;
    tt_rng_init(&rng, seed);
    struct tt_map map;
    tt_map_init(&map, &torture.alloc, item_equal, KEYS);
    static struct item items[KEYS];
    bool present[KEYS] = {false};
    size_t count = 0;
    for (int step = 0; step < 20000; step++) {
        uint64_t key = tt_rng_below(&rng, KEYS);
        uint64_t hash = hash_of(key, bits);
        items[key].key = key;
        struct item *found = tt_map_get(&map, hash, &key);
        assert_ptr_equal(found, present[key] ? &items[key] : NULL);
        bool growing = (step / 4000) % 2 == 0;
        if (tt_rng_below(&rng, 10) < (growing ? 7u : 3u)) {
            if (!present[key]) {
                assert_int_equal(tt_map_put(&map, hash, &items[key]), TT_OK);
                count++;
            }
            present[key] = true;
        } else {
            found = tt_map_take(&map, hash, &key);
            assert_ptr_equal(found, present[key] ? &items[key] : NULL);
            count -= present[key];
            present[key] = false;
        }
        assert_int_equal(map.count, count);
    }
    size_t cursor = 0;
    size_t seen = 0;
    for (struct item *item; (item = tt_map_next(&map, &cursor)) != NULL; seen++) {
        assert_true(present[item->key]);
        present[item->key] = false;
    }
    assert_int_equal(seen, count);
    tt_map_deinit(&map);
    tt_torture_check(&torture);
}

static void map_agrees_with_a_slow_one(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 3; seed++) {
        random_run(seed, 1);
        random_run(seed, 5);
        random_run(seed, 62);
    }
}

static void an_empty_map_has_nothing(void **state)
{
    (void)state;
    struct tt_map map;
    tt_map_init(&map, &tt_alloc_libc, item_equal, 10);
    uint64_t key = 3;
    size_t cursor = 0;
    assert_null(tt_map_get(&map, 3, &key));
    assert_null(tt_map_take(&map, 3, &key));
    assert_null(tt_map_next(&map, &cursor));
    tt_map_prefetch(&map, 3);
    assert_null(tt_map_guess(&map, 3));
    tt_map_deinit(&map);
}

static void map_refuses_more_than_its_maximum(void **state)
{
    (void)state;
    struct tt_map map;
    struct item items[3] = {{1}, {2}, {3}};
    tt_map_init(&map, &tt_alloc_libc, item_equal, 2);
    assert_int_equal(tt_map_put(&map, 1, &items[0]), TT_OK);
    assert_int_equal(tt_map_put(&map, 2, &items[1]), TT_OK);
    assert_int_equal(tt_map_put(&map, 3, &items[2]), TT_E_LIMIT);
    assert_int_equal(map.count, 2);
    assert_ptr_equal(tt_map_get(&map, 2, &items[1].key), &items[1]);
    assert_ptr_equal(tt_map_guess(&map, 2), &items[1]);
    tt_map_deinit(&map);
}

static enum tt_status fill_map(const struct tt_alloc *alloc, void *ctx)
{
    struct item *items = ctx;
    struct tt_map map;
    enum tt_status status = TT_OK;
    tt_map_init(&map, alloc, item_equal, KEYS);
    for (uint64_t i = 0; i < KEYS && status == TT_OK; i++) {
        items[i].key = i;
        status = tt_map_put(&map, tt_hash_mix(i), &items[i]);
        uint64_t before = i;
        if (status != TT_OK) {
            assert_int_equal(map.count, i);
            while (before-- > 0) {
                assert_ptr_equal(tt_map_get(&map, tt_hash_mix(before), &before), &items[before]);
            }
        }
    }
    tt_map_deinit(&map);
    return status;
}

static void a_failed_put_leaves_the_map_as_it_was(void **state)
{
    (void)state;
    static struct item items[KEYS];
    tt_torture_run(fill_map, items);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(map_agrees_with_a_slow_one),
        cmocka_unit_test(an_empty_map_has_nothing),
        cmocka_unit_test(map_refuses_more_than_its_maximum),
        cmocka_unit_test(a_failed_put_leaves_the_map_as_it_was),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
