/* detectors.yaml compiled: every mistake has its place, and the hash knows what matters. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "detect_support.h"
#include "support/tree_text.h"

struct mistake {
    const char *text;
    enum tt_status status;
    uint32_t line, column;
    const char *says; /* part of the message */
};

static void every_mistake_has_its_place(void **state)
{
    (void)state;
    static const struct mistake mistakes[] = {
        {"[a]", TT_E_TYPE, 1, 1, "mapping"},
        {"{detector: {}}", TT_E_UNKNOWN, 1, 2, "detectors"},
        {"{detectors: [a]}", TT_E_TYPE, 1, 13, "mapping"},
        {"{detectors:\n {zscor: {}}}", TT_E_UNKNOWN, 2, 3, "zscore"},
        {"{detectors: {zscore: {weigth: 1}}}", TT_E_UNKNOWN, 1, 23, "weight"},
        {"{detectors: {zscore: {}}}", TT_E_TYPE, 1, 22, "features"},
        {"{detectors: {zscore: {features: []}}}", TT_E_TYPE, 1, 33, "features"},
        {"{detectors: {zscore: {features: [user_amount]}}}", TT_E_TYPE, 1, 34, "mapping"},
        {"{detectors: {zscore: {features: [{against: peers}]}}}", TT_E_INVALID, 1, 34, "feature"},
        {"{detectors: {zscore: {features: [{feature: user_amont, against: peers}]}}}", TT_E_UNKNOWN,
         1, 44, "user_amount"},
        {"{detectors: {zscore: {features: [{feature: user_amount}]}}}", TT_E_INVALID, 1, 34,
         "count is missing"},
        {"{detectors: {zscore: {features: [{feature: user_amount, against: peer}]}}}", TT_E_UNKNOWN,
         1, 66, "peers"},
        {"{detectors: {zscore: {features: [{feature: user_amount, against: peers, q25: a}]}}}",
         TT_E_UNKNOWN, 1, 73, "q25"},
        {"{detectors: {iqr: {features: [{feature: user_amount, against: peers, tail: up}]}}}",
         TT_E_UNKNOWN, 1, 76, "high"},
        {"{detectors: {iqr: {features: [{feature: user_amount, against: peers, prior_count: 0}]}}}",
         TT_E_INVALID, 1, 83, "between"},
        {"{detectors: {isolation_forest: {features: [nothing]}}}", TT_E_UNKNOWN, 1, 44, "nothing"},
        {"{detectors: {isolation_forest: {trees: 0, features: [user_amount]}}}", TT_E_INVALID, 1,
         40, "between"},
        {"{detectors: {isolation_forest: {sample: 512, features: [user_amount]}}}", TT_E_INVALID, 1,
         41, "between"},
        {"{detectors: {isolation_forest: {trees: many, features: [user_amount]}}}", TT_E_TYPE, 1,
         40, ""},
        {"{detectors: {rules: {threshold: 1}}}", TT_E_UNKNOWN, 1, 22, "threshold"},
        {"{detectors: {rules: {weight: -1}}}", TT_E_INVALID, 1, 30, "between"},
        {"{severity: {low: 0.001, medium: 0.002}}", TT_E_INVALID, 1, 12, "medium"},
        {"{severity: {lo: 0.001}}", TT_E_UNKNOWN, 1, 13, "low"},
        {"{severity: {low: 2}}", TT_E_INVALID, 1, 18, "between"},
        {"{policy: {low: alow}}", TT_E_UNKNOWN, 1, 16, "allow"},
        {"{half_life: 1m}", TT_E_INVALID, 1, 13, "half_life"},
        {"{half_life: soon}", TT_E_TYPE, 1, 13, ""},
        {"{epoch: {length: 1s}}", TT_E_INVALID, 1, 18, "1m"},
        {"{epoch: {early: 5}}", TT_E_TYPE, 1, 17, "list"},
        {"{epoch: {early: [5, 5]}}", TT_E_INVALID, 1, 21, "between"},
        {"{epoch: {early: [1,2,3,4,5,6,7,8,9]}}", TT_E_LIMIT, 1, 17, "8"},
        {"{words: {user_amont: {unit: amount}}}", TT_E_UNKNOWN, 1, 10, "user_amount"},
        {"{words: {user_amount: {unit: euro}}}", TT_E_UNKNOWN, 1, 30, ""},
        {"{words: {user_amount: {text: \"\"}}}", TT_E_LIMIT, 1, 30, "bytes"},
        {"{words: {user_amount: {same_as: user}}}", TT_E_UNKNOWN, 1, 33, "user"},
    };
    for (size_t i = 0; i < TT_ARRAY_SIZE(mistakes); i++) {
        struct tt_world world;
        enum tt_status status =
            tt_world_init(&world, &tt_alloc_libc, mistakes[i].text, NULL, TT_CPU_AUTO);
        if (status != mistakes[i].status || world.err.line != mistakes[i].line ||
            world.err.column != mistakes[i].column ||
            strstr(world.err.message, mistakes[i].says) == NULL) {
            fail_msg("%s: %s at %u:%u: %s", mistakes[i].text, tt_status_name(status),
                     world.err.line, world.err.column, world.err.message);
        }
    }
}

static struct tt_hash128 hash_of(const char *text)
{
    struct tt_world world;
    assert_int_equal(tt_world_init(&world, &tt_alloc_libc, text, NULL, TT_CPU_SCALAR), TT_OK);
    struct tt_hash128 hash = world.setup->hash;
    tt_world_deinit(&world);
    return hash;
}

static bool same_hash(const char *a, const char *b)
{
    struct tt_hash128 x = hash_of(a);
    struct tt_hash128 y = hash_of(b);
    return x.high == y.high && x.low == y.low;
}

static void the_hash_knows_what_matters_and_nothing_else(void **state)
{
    (void)state;
    assert_true(same_hash("{half_life: 14d, epoch: {length: 1d}}",
                          "{epoch: {length: 24h},\n half_life: 2w}"));
    assert_true(same_hash("{}", "{half_life: 14d}"));
    assert_false(same_hash("{}", "{half_life: 13d}"));
    assert_false(same_hash("{}", "{policy: {low: review}}"));
    assert_false(same_hash("{}", "{severity: {low: 0.006}}"));
    assert_false(same_hash("{}", "{epoch: {early: [100]}}"));
    assert_false(same_hash("{}", "{words: {user_amount: {unit: amount}}}"));
    assert_false(same_hash("{}", "{detectors: {rules: {weight: 2}}}"));
}

static void without_a_configuration_only_the_rules_are_on(void **state)
{
    (void)state;
    struct tt_world world;
    assert_int_equal(tt_world_init(&world, &tt_alloc_libc, NULL, NULL, TT_CPU_AUTO), TT_OK);
    for (uint32_t i = 0; i < world.setup->detector_count; i++) {
        assert_int_equal(world.setup->detectors[i].enabled, i == world.setup->rules_slot);
    }
    tt_world_deinit(&world);
}

static void detectors_and_code_paths_are_found_by_name(void **state)
{
    (void)state;
    struct tt_world world;
    enum tt_cpu cpu = TT_CPU_AUTO;
    assert_int_equal(tt_world_init(&world, &tt_alloc_libc, tt_world_detectors, NULL, TT_CPU_AUTO),
                     TT_OK);
    assert_true(world.setup->cpu != TT_CPU_AUTO);
    for (uint32_t i = 0; i < world.setup->detector_count; i++) {
        const char *name = tt_setup_detector_name(world.setup, i);
        assert_int_equal(tt_setup_detector_find(world.setup, tt_str_from(name)), i);
    }
    assert_int_equal(tt_setup_detector_find(world.setup, TT_STR("none")), UINT32_MAX);
    assert_true(tt_cpu_find(TT_STR("avx2"), &cpu) && cpu == TT_CPU_AVX2);
    assert_false(tt_cpu_find(TT_STR("mmx"), &cpu));
    assert_string_equal(tt_cpu_name(TT_CPU_AVX512), "avx512");
    tt_world_deinit(&world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_mistake_has_its_place),
        cmocka_unit_test(the_hash_knows_what_matters_and_nothing_else),
        cmocka_unit_test(without_a_configuration_only_the_rules_are_on),
        cmocka_unit_test(detectors_and_code_paths_are_found_by_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
