/*
 * The tests beside a rule: given values typed against the dictionary, and running them.
 */
#include <string.h>

#include "base/timetext.h"
#include "core/rules/set.h"

/* A given value, of the type its name has. */
static enum tt_status read_value(struct tt_rules *set, const struct tt_tree *node,
                                 enum tt_type type, struct tt_value *ret, struct tt_error *err)
{
    bool boolean = false;
    double number = 0.0;
    struct tt_str text = {0};
    int64_t ms = 0;
    enum tt_status status = TT_OK;
    *ret = tt_value_none(TT_VALUE_MISSING);
    if (node->kind == TT_TREE_NULL) {
        return TT_OK;
    }
    switch (type) {
    case TT_TYPE_BOOL:
        status = tt_tree_bool(node, &boolean, err);
        *ret = tt_value_bool(boolean);
        return status;
    case TT_TYPE_DOUBLE:
        status = tt_tree_double(node, &number, err);
        *ret = tt_value_double(number);
        return status;
    case TT_TYPE_TIMESTAMP:
        status = tt_tree_text(node, &text, err);
        if (status == TT_OK && tt_time_parse_rfc3339(text, &ms) != TT_OK) {
            status = tt_fail_at(err, TT_E_SYNTAX, node->line, node->column, 0,
                                "expected a time as 2026-03-01T12:30:00Z");
        }
        *ret = tt_value_timestamp_ms(ms);
        return status;
    default:
        break;
    }
    status = tt_tree_text(node, &text, err);
    if (status == TT_OK) {
        text.data = tt_arena_copy(&set->arena, text.data, text.size);
        status = text.data == NULL ? tt_rules_nomem(err) : TT_OK;
    }
    *ret = tt_value_text(text);
    return status;
}

static enum tt_status read_given(struct tt_rules *set, const struct tt_tree *node,
                                 struct tt_rule_test *test, struct tt_error *err)
{
    if (node == NULL || node->kind == TT_TREE_NULL) {
        return TT_OK;
    }
    if (node->kind != TT_TREE_MAPPING) {
        return tt_fail_at(err, TT_E_TYPE, node->line, node->column, 0,
                          "given: expected a mapping, not %s", tt_tree_kind_name(node));
    }
    test->given = tt_arena_new_array(&set->arena, node->child_count + 1u, sizeof(*test->given));
    if (test->given == NULL) {
        return tt_rules_nomem(err);
    }
    for (const struct tt_tree *entry = node->children; entry != NULL; entry = entry->next) {
        struct tt_given *given = &test->given[test->given_count];
        enum tt_type type = TT_TYPE_NONE;
        if (!tt_expr_env_find(set->env, entry->key, &given->slot, &type)) {
            const char *nearest = tt_expr_env_nearest(set->env, entry->key);
            int shown = entry->key.size < 64 ? (int)entry->key.size : 64;
            return tt_fail_at(err, TT_E_UNKNOWN, entry->key_line, entry->key_column, 0,
                              "unknown name '%.*s'%s%s%s", shown, entry->key.data,
                              nearest != NULL ? "; did you mean '" : "",
                              nearest != NULL ? nearest : "", nearest != NULL ? "'?" : "");
        }
        enum tt_status status = read_value(set, entry, type, &given->value, err);
        if (status != TT_OK) {
            return status;
        }
        test->given_count++;
    }
    return TT_OK;
}

static enum tt_status read_expect(const struct tt_tree *test, uint8_t *ret, struct tt_error *err)
{
    const struct tt_tree *node = tt_tree_get(test, "expect");
    struct tt_str text = {0};
    if (node == NULL) {
        return tt_fail_at(err, TT_E_INVALID, test->line, test->column, 0,
                          "a test needs \"expect\"");
    }
    enum tt_status status = tt_tree_text(node, &text, err);
    if (status != TT_OK) {
        return status;
    }
    *ret = tt_str_equal_text(text, "fire")    ? TT_RULE_FIRE
           : tt_str_equal_text(text, "pass")  ? TT_RULE_PASS
           : tt_str_equal_text(text, "error") ? TT_RULE_ERROR
                                              : 0;
    return *ret != 0 ? TT_OK
                     : tt_fail_at(err, TT_E_INVALID, node->line, node->column, 0,
                                  "expect is fire, pass or error (cannot be evaluated)");
}

enum tt_status tt_rules_read_tests(struct tt_rules *set, const struct tt_tree *node,
                                   struct tt_rule *rule, struct tt_error *err)
{
    static const char *const keys[] = {"given", "expect"};
    if (node == NULL || node->kind == TT_TREE_NULL) {
        return TT_OK;
    }
    if (node->kind != TT_TREE_SEQUENCE) {
        return tt_fail_at(err, TT_E_TYPE, node->line, node->column, 0,
                          "tests: expected a sequence, not %s", tt_tree_kind_name(node));
    }
    if (node->child_count > TT_RULE_TESTS_MAX) {
        return tt_fail_at(err, TT_E_LIMIT, node->line, node->column, 0,
                          "more than %d tests of a rule", TT_RULE_TESTS_MAX);
    }
    rule->tests = tt_arena_new_array(&set->arena, node->child_count + 1u, sizeof(*rule->tests));
    if (rule->tests == NULL) {
        return tt_rules_nomem(err);
    }
    for (const struct tt_tree *entry = node->children; entry != NULL; entry = entry->next) {
        struct tt_rule_test *test = &rule->tests[rule->info.test_count];
        test->line = entry->line;
        enum tt_status status = tt_tree_check_keys(entry, keys, TT_ARRAY_SIZE(keys), err);
        if (status == TT_OK) {
            status = read_given(set, tt_tree_get(entry, "given"), test, err);
        }
        if (status == TT_OK) {
            status = read_expect(entry, &test->expect, err);
        }
        if (status != TT_OK) {
            return status;
        }
        rule->info.test_count++;
    }
    return TT_OK;
}

/* What the tests work in. */
struct bench {
    struct tt_expr_scratch scratch;
    struct tt_value slots[TT_EXPR_SLOTS_MAX];
};

void tt_rules_test_slots(const struct tt_rules *set, uint32_t rule, uint32_t test,
                         struct tt_value *ret_slots)
{
    TT_ASSERT(rule < set->count && test < set->rules[rule].info.test_count);
    const struct tt_rule_test *given = &set->rules[rule].tests[test];
    tt_names_clear(set->names, ret_slots);
    for (uint32_t i = 0; i < given->given_count; i++) {
        ret_slots[given->given[i].slot] = given->given[i].value;
    }
}

static struct tt_rule_test_result run(const struct tt_rules *set, uint32_t rule, uint32_t number,
                                      struct bench *bench)
{
    const struct tt_rule_test *test = &set->rules[rule].tests[number];
    struct tt_rule_test_result result = {
        .rule = rule, .test = number, .line = test->line, .expect = test->expect};
    struct tt_value value;
    tt_rules_test_slots(set, rule, number, bench->slots);
    tt_expr_eval(set->rules[rule].expr, bench->slots, &bench->scratch, &value);
    if (value.type == TT_TYPE_BOOL) {
        result.got = value.boolean ? TT_RULE_FIRE : TT_RULE_PASS;
    } else {
        result.got = TT_RULE_ERROR;
        result.error = value.type == TT_TYPE_NONE ? value.error : (uint8_t)TT_VALUE_TYPE;
    }
    /* a missing value keeps a rule from firing: that passes too */
    result.passed = result.got == result.expect ||
                    (result.expect == TT_RULE_PASS && result.got == TT_RULE_ERROR);
    return result;
}

enum tt_status tt_rules_test(const struct tt_rules *set, tt_on_rule_test *on_test, void *ctx,
                             uint32_t *ret_passed, uint32_t *ret_failed, struct tt_error *err)
{
    struct bench *bench = tt_new(set->alloc, sizeof(*bench));
    uint32_t passed = 0;
    uint32_t failed = 0;
    bool more = true;
    if (bench == NULL) {
        return tt_rules_nomem(err);
    }
    for (uint32_t i = 0; i < set->count && more; i++) {
        for (uint32_t j = 0; j < set->rules[i].info.test_count && more; j++) {
            struct tt_rule_test_result result = run(set, i, j, bench);
            passed += result.passed ? 1 : 0;
            failed += result.passed ? 0 : 1;
            more = on_test == NULL || on_test(ctx, &result);
        }
    }
    tt_delete(set->alloc, bench, sizeof(*bench));
    *ret_passed = passed;
    *ret_failed = failed;
    return TT_OK;
}
