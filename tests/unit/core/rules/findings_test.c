/* What is found about rules without running them, what their tests cover, and what they compiled to. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "core/rules/rules.h"
#include "format/yaml.h"
#include "support/torture.h"

static const struct tt_str features[] = {
    {"f", 1}, {"g", 1}, {"user_amount_sum_24h", 19}, {"fee_cents", 9}, {"night_share", 11}};

struct told {
    struct tt_rules *set;
    char text[2048];
};

static enum tt_status compile(const struct tt_alloc *alloc, const char *yaml,
                              struct tt_names **ret_names, struct tt_rules **ret)
{
    struct tt_arena arena;
    struct tt_tree *tree = NULL;
    struct tt_error err = {0};
    *ret = NULL;
    assert_int_equal(
        tt_names_new(&tt_alloc_libc, NULL, 0, features, TT_ARRAY_SIZE(features), ret_names, &err),
        TT_OK);
    tt_arena_init(&arena, &tt_alloc_libc, 1 << 16, 1 << 24);
    assert_int_equal(tt_yaml_parse(&arena, tt_str_from(yaml), &tree, &err), TT_OK);
    enum tt_status status = tt_rules_compile(alloc, tree, *ret_names, ret, &err);
    tt_arena_deinit(&arena);
    if (status != TT_OK && status != TT_E_NOMEM) {
        fail_msg("%u:%u: %s", err.line, err.column, err.message);
    }
    return status;
}

static bool on_finding(void *ctx, const struct tt_rule_finding *finding)
{
    struct told *told = ctx;
    struct tt_rule_info info;
    size_t used = strlen(told->text);
    tt_rules_info(told->set, finding->rule, &info);
    (void)snprintf(told->text + used, sizeof(told->text) - used, "%.*s %s", TT_STR_ARG(info.id),
                   tt_rule_finding_name(finding->kind));
    if (finding->other != UINT32_MAX) {
        used = strlen(told->text);
        tt_rules_info(told->set, finding->other, &info);
        (void)snprintf(told->text + used, sizeof(told->text) - used, " %.*s", TT_STR_ARG(info.id));
    }
    (void)strcat(told->text, "; ");
    return true;
}

/* Two conditions a and b; what is found. The first is severe, the second is not. */
static void expect(const char *a, const char *b, const char *wanted)
{
    char yaml[1024];
    struct told told = {.text = ""};
    struct tt_names *names = NULL;
    struct tt_error err = {0};
    (void)snprintf(
        yaml, sizeof(yaml),
        "lists: {l: [x, y]}\nrules:\n  - {id: a, when: \"%s\", severity: high, decision: "
        "block, score: 0.9}\n  - {id: b, when: \"%s\", severity: low}\n",
        a, b);
    assert_int_equal(compile(&tt_alloc_libc, yaml, &names, &told.set), TT_OK);
    assert_int_equal(tt_rules_find_suspicious(told.set, on_finding, &told, &err), TT_OK);
    if (strcmp(told.text, wanted) != 0) {
        fail_msg("%s with %s: '%s' instead of '%s'", a, b, told.text, wanted);
    }
    tt_rules_free(told.set);
    tt_names_free(names);
}

static void what_can_never_or_always_be_true_is_found(void **state)
{
    (void)state;
    expect("f > 5 && f < 3", "g > 1", "a never-true; ");
    expect("f > 5 && f <= 5", "g > 1", "a never-true; ");
    expect("f >= 5 && f <= 5", "g > 1", "");
    expect("f == 5 && f != 5", "g > 1", "a never-true; ");
    expect("channel == 'x' && channel == 'y'", "g > 1", "a never-true; ");
    expect("channel == 'z' && channel in l", "g > 1", "a never-true; ");
    expect("channel == 'x' && channel in l", "g > 1", "");
    expect("is_missing(f) && f > 1", "g > 1", "a never-true; ");
    expect("is_missing(f) && has(f)", "g > 1", "a never-true; ");
    expect("1 > 2", "g > 1", "a never-true; ");
    expect("f > 5 && f < 3 || g > 7 && g < 7.0", "g > 1", "a never-true; ");
    expect("f > 5 && f < 3 || g > 7", "f > 1", "");
    expect("f > 5 && f < 3 || f + g > 7.0", "channel == 'x'", "");
    expect("f > 5 || f <= 5", "g > 1", "a always-true; ");
    expect("has(f) || is_missing(f)", "g > 1", "a always-true; ");
    expect("!(f > 5 && f < 3)", "g > 1", "a always-true; ");
    expect("f > 5 || f < 3", "g > 1 // a comment", "");
}

static void a_rule_that_adds_nothing_is_found(void **state)
{
    (void)state;
    expect("f > 5", "f > 7", "b unreachable a; ");
    expect("f > 7", "f > 5", "");
    expect("f > 5", "f > 7 && g < 1", "b unreachable a; ");
    expect("f >= 5", "f > 5", "b unreachable a; ");
    expect("f > 5", "f >= 5", "");
    expect("f > 5", "5 < f", "b same-condition a; ");
    expect("f > 5 || g > 5", "g > 6 && channel == 'x'", "b unreachable a; ");
    expect("channel in l", "channel == 'x'", "b unreachable a; ");
    expect("channel != 'z'", "channel == 'x'", "b unreachable a; ");
    expect("has(f)", "f > 5", "b unreachable a; ");
    expect("f > 5 && f + g > 1.0", "f > 7", "");
    expect("f > 5", "f > 7 && f + g > 1.0", "b unreachable a; ");
    expect("!(f < 5)", "f > 6", "b unreachable a; ");
    expect("f > 4", "!(f < 5)", "b overlap a; "); /* NaN is in the second alone */
}

static void rules_that_decide_differently_on_the_same_names_are_found(void **state)
{
    (void)state;
    expect("f > 5 && g < 9", "f < 7 && g > 2", "b overlap a; ");
    expect("f > 5 && g < 9", "f < 4 && g > 2", "");
    expect("f > 5", "f < 7 && g > 2", "");
}

static void a_constant_of_another_unit_is_found(void **state)
{
    (void)state;
    expect("fee_cents > 500", "g > 1", "a unit; ");
    expect("fee_cents > 50000", "g > 1", "");
    expect("amount > 50000", "g > 1", "a unit; ");
    expect("amount > 500", "g > 1", "");
    expect("user_amount_sum_24h > 200000", "g > 1", "a unit; ");
    expect("night_share > 50", "g > 1", "a unit; ");
}

static bool on_gap(void *ctx, const struct tt_rule_gap *gap)
{
    struct told *told = ctx;
    size_t used = strlen(told->text);
    (void)snprintf(told->text + used, sizeof(told->text) - used, "%u:%u ", gap->offset, gap->seen);
    return true;
}

static void expect_cover(const char *when, const char *tests, const char *gaps,
                         uint32_t wanted_seen, uint32_t wanted_total)
{
    char yaml[1024];
    struct told told = {.text = ""};
    struct tt_names *names = NULL;
    struct tt_error err = {0};
    uint32_t seen = 0;
    uint32_t total = 0;
    (void)snprintf(yaml, sizeof(yaml), "rules:\n  - {id: a, when: \"%s\", tests: [%s]}\n", when,
                   tests);
    assert_int_equal(compile(&tt_alloc_libc, yaml, &names, &told.set), TT_OK);
    assert_int_equal(tt_rules_cover(told.set, on_gap, &told, &seen, &total, &err), TT_OK);
    assert_string_equal(told.text, gaps);
    assert_int_equal(seen, wanted_seen);
    assert_int_equal(total, wanted_total);
    tt_rules_free(told.set);
    tt_names_free(names);
}

static void branches_that_no_test_takes_are_told(void **state)
{
    (void)state;
    expect_cover("f > 1", "", "0:0 ", 0, 2);
    expect_cover("f > 1", "{given: {f: 2}, expect: fire}", "0:1 ", 1, 2);
    expect_cover("f > 1", "{given: {f: 2}, expect: fire}, {given: {f: 0}, expect: pass}", "", 2, 2);
    /* the second operand is not reached when the first decides */
    expect_cover("f > 1 && g > 1", "{given: {f: 0, g: 2}, expect: pass}", "0:2 9:0 0:2 ", 2, 6);
    expect_cover("f > 1 || g > 1", "{given: {g: 2}, expect: fire}", "0:0 9:1 0:1 ", 2, 6);
    expect_cover("f > 1 ? g > 1 : true", "{given: {f: 2, g: 2}, expect: fire}", "0:1 0:1 ", 2, 4);
    expect_cover("!(f > 1 && g > 1)", "{given: {f: 2, g: 2}, expect: pass}", "2:1 11:1 0:2 ", 3, 6);
}

static void a_rule_shows_what_it_compiled_to(void **state)
{
    (void)state;
    struct tt_names *names = NULL;
    struct tt_rules *set = NULL;
    struct tt_buf buf;
    assert_int_equal(
        compile(&tt_alloc_libc,
                "lists: {l: [x, y]}\nrules:\n  - {id: a, when: \"f > 1 && (channel in l || "
                "is_missing(g)) && f + g > 2.0\"}\n  - {id: n, when: \"false\"}\n",
                &names, &set),
        TT_OK);
    tt_buf_init(&buf, &tt_alloc_libc, 1 << 16);
    assert_int_equal(tt_rules_explain(set, 0, &buf), TT_OK);
    assert_non_null(strstr(buf.data, "f > 1.0, channel in a list of 2: runs the program"));
    assert_non_null(strstr(buf.data, "f > 1.0, g missing: runs the program"));
    assert_non_null(strstr(buf.data, "ADD_DOUBLE"));
    tt_buf_clear(&buf);
    assert_int_equal(tt_rules_explain(set, 1, &buf), TT_OK);
    assert_non_null(strstr(buf.data, "never true"));
    tt_buf_deinit(&buf);
    tt_rules_free(set);
    tt_names_free(names);
}

static enum tt_status find_all(const struct tt_alloc *alloc, void *ctx)
{
    struct told told = {.text = ""};
    struct tt_names *names = NULL;
    struct tt_error err = {0};
    uint32_t seen = 0;
    uint32_t total = 0;
    (void)ctx;
    enum tt_status status = compile(
        alloc, "rules: [{id: a, when: f > 1 && g > 2, tests: [{given: {f: 1}, expect: pass}]}]\n",
        &names, &told.set);
    if (status == TT_OK) {
        status = tt_rules_find_suspicious(told.set, on_finding, &told, &err);
    }
    if (status == TT_OK) {
        status = tt_rules_cover(told.set, on_gap, &told, &seen, &total, &err);
    }
    tt_rules_free(told.set);
    tt_names_free(names);
    return status;
}

static void a_failed_allocation_anywhere_leaks_nothing(void **state)
{
    tt_torture_run(find_all, *state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_can_never_or_always_be_true_is_found),
        cmocka_unit_test(a_rule_that_adds_nothing_is_found),
        cmocka_unit_test(rules_that_decide_differently_on_the_same_names_are_found),
        cmocka_unit_test(a_constant_of_another_unit_is_found),
        cmocka_unit_test(branches_that_no_test_takes_are_told),
        cmocka_unit_test(a_rule_shows_what_it_compiled_to),
        cmocka_unit_test(a_failed_allocation_anywhere_leaks_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
