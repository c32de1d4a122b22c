/* The configuration that ships: features, rules and detectors fit together. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/detect/bundle.h"
#include "core/event/names.h"
#include "core/features/plan.h"
#include "core/rules/rules.h"
#include "format/yaml.h"

static struct tt_arena arena;
static struct tt_error err;

static const struct tt_tree *load(const char *path)
{
    char name[512];
    char *bytes = tt_arena_new(&arena, 1u << 18);
    struct tt_tree *tree;
    assert_non_null(bytes);
    (void)snprintf(name, sizeof name, "%s/%s", TT_CONFIG_FOLDER, path);
    FILE *file = fopen(name, "rb");
    assert_non_null(file);
    size_t size = fread(bytes, 1, 1u << 18, file);
    (void)fclose(file);
    assert_int_equal(tt_yaml_parse(&arena, (struct tt_str){bytes, size}, &tree, &err), TT_OK);
    return tree;
}

static void the_shipped_files_fit_together(void **state)
{
    (void)state;
    struct tt_plan_options plan_options = {0};
    struct tt_plan *plan;
    struct tt_names *names;
    struct tt_rules *rules;
    struct tt_setup *setup;
    struct tt_bundle *bundle;
    struct tt_str features[TT_FEATURES_MAX];
    tt_arena_init(&arena, &tt_alloc_libc, 1u << 19, 1u << 23);
    assert_int_equal(
        tt_plan_compile(&tt_alloc_libc, load("features.yaml"), &plan_options, &plan, &err), TT_OK);
    uint32_t count = tt_plan_feature_count(plan);
    for (uint32_t i = 0; i < count; i++) {
        features[i] = tt_plan_feature(plan, i)->name;
    }
    assert_int_equal(tt_names_new(&tt_alloc_libc, NULL, 0, features, count, &names, &err), TT_OK);
    assert_int_equal(tt_rules_compile(&tt_alloc_libc, load("rules/card.yaml"), names, &rules, &err),
                     TT_OK);
    struct tt_setup_options options = {
        .plan = tt_plan_hash(plan),
        .features = features,
        .feature_count = count,
        .rules = rules,
        .names = names,
        .detectors = load("detectors.yaml"),
    };
    if (tt_setup_new(&tt_alloc_libc, &options, &setup, &err) != TT_OK) {
        fail_msg("detectors.yaml:%u:%u: %s", err.line, err.column, err.message);
    }
    for (uint32_t i = 0; i < setup->detector_count; i++) {
        bool is_off = tt_str_equal(tt_str_from(tt_setup_detector_name(setup, i)),
                                   TT_STR("autoencoder")); /* the one that ships off */
        assert_int_equal(setup->detectors[i].enabled, !is_off);
        for (uint32_t k = 0; k < setup->detectors[i].judged_count; k++) {
            assert_true(setup->words[setup->detectors[i].judged[k].feature].unit != 0);
        }
        for (uint32_t k = 0; k < setup->detectors[i].feature_count; k++) {
            assert_true(setup->words[setup->detectors[i].features[k]].unit != 0);
        }
    }
    assert_int_equal(tt_bundle_initial(&tt_alloc_libc, setup, &bundle, &err), TT_OK);
    tt_bundle_unref(bundle);
    tt_setup_unref(setup);
    tt_rules_free(rules);
    tt_names_free(names);
    tt_plan_free(plan);
    tt_arena_deinit(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_shipped_files_fit_together),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
