/* Plans: what is accepted, where each mistake stands, what the identity depends on. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "features_support.h"
#include "support/torture.h"

#define HEAD "entities: {user: {key: user_id}, merchant: {key: merchant_id}}\nfeatures:\n"
#define COUNT(name) "- {name: " name ", entity: user, aggregate: count, window: 1h}\n"

struct mistake {
    const char *yaml;
    enum tt_status status;
    uint32_t line, column;
    const char *says;
};

static const struct mistake MISTAKES[] = {
    {"- a\n", TT_E_TYPE, 1, 1, "mapping"},
    {"features: []\n", TT_E_INVALID, 1, 11, "list of features"},
    {"entities: {}\n", TT_E_INVALID, 1, 1, "list of features"},
    {"entitys: {}\n", TT_E_UNKNOWN, 1, 1, "entities"},
    {"allowed_lateness: 31d\n" HEAD COUNT("a"), TT_E_LIMIT, 1, 19, "30d"},
    {"allowed_lateness: soon\n" HEAD COUNT("a"), TT_E_TYPE, 1, 19, ""},
    {"amount_sign: [refund]\n" HEAD COUNT("a"), TT_E_TYPE, 1, 14, "mapping"},
    {"amount_sign: {refunds: -1}\n" HEAD COUNT("a"), TT_E_UNKNOWN, 1, 15, "refund"},
    {"amount_sign: {refund: 0}\n" HEAD COUNT("a"), TT_E_INVALID, 1, 23, "1 or -1"},
    {HEAD "- {name: a, entity: user, aggregate: sum, field: amount_base, window: 1h}\n",
     TT_E_UNSUPPORTED, 3, 50, "money.base_currency"},
    {"entities: {user: {key: user}}\nfeatures:\n" COUNT("a"), TT_E_UNKNOWN, 1, 24, "user_id"},
    {"entities: {user: {}}\nfeatures:\n" COUNT("a"), TT_E_INVALID, 1, 18, "needs a key"},
    {"entities: {user: user_id}\nfeatures:\n" COUNT("a"), TT_E_TYPE, 1, 18, "user"},
    {"entities: {user: {key: user_id, evnts_max: 3}}\nfeatures:\n" COUNT("a"), TT_E_UNKNOWN, 1, 33,
     "events_max"},
    {"entities: {user: {key: user_id, events_max: 0}}\nfeatures:\n" COUNT("a"), TT_E_LIMIT, 1, 45,
     "1 to"},
    {HEAD "- 7\n", TT_E_TYPE, 3, 3, "mapping"},
    {HEAD "- {entity: user, aggregate: count, window: 1h}\n", TT_E_INVALID, 3, 3, "name"},
    {HEAD "- {name: 1st, entity: user, aggregate: count, window: 1h}\n", TT_E_INVALID, 3, 10,
     "1st"},
    {HEAD "- {name: in, entity: user, aggregate: count, window: 1h}\n", TT_E_INVALID, 3, 10, "in"},
    {HEAD "- {name: a, entity: user, aggregate: cuont, window: 1h}\n", TT_E_UNKNOWN, 3, 38,
     "\"count\""},
    {HEAD "- {name: a, entity: usr, aggregate: count, window: 1h}\n", TT_E_UNKNOWN, 3, 21,
     "\"user\""},
    {HEAD "- {name: a, aggregate: count, window: 1h}\n", TT_E_INVALID, 3, 3, "entity"},
    {HEAD "- {name: a, entity: user, window: 1h}\n", TT_E_INVALID, 3, 3, "aggregate"},
    {HEAD "- {name: a, entity: user, aggregate: count}\n", TT_E_INVALID, 3, 3, "window"},
    {HEAD "- {name: a, entity: user, aggregate: count, windw: 1h}\n", TT_E_UNKNOWN, 3, 45,
     "window"},
    {HEAD "- {name: a, entity: user, aggregate: count, window: 1x}\n", TT_E_TYPE, 3, 53, ""},
    {HEAD "- {name: a, entity: user, aggregate: count, window: 0s}\n", TT_E_LIMIT, 3, 53, "window"},
    {HEAD "- {name: a, entity: user, aggregate: count, window: 401d}\n", TT_E_LIMIT, 3, 53, "400d"},
    {HEAD "- {name: a, entity: user, aggregate: count, window: 300d, delay: 101d}\n", TT_E_LIMIT, 3,
     66, "100d"},
    {HEAD "- {name: a, entity: user, aggregate: first_seen, delay: 1d}\n", TT_E_INVALID, 3, 50,
     "delay"},
    {HEAD "- {name: a, entity: user, aggregate: first_seen, unit: weeks}\n", TT_E_UNKNOWN, 3, 56,
     "weeks"},
    {HEAD "- {name: a, entity: user, aggregate: mean, window: 1h}\n", TT_E_INVALID, 3, 3, "field"},
    {HEAD "- {name: a, entity: user, aggregate: mean, field: amont, window: 1h}\n", TT_E_UNKNOWN, 3,
     51, "\"amount\""},
    {HEAD "- {name: a, entity: user, aggregate: mean, field: user_id, window: 1h}\n", TT_E_TYPE, 3,
     51, "number"},
    {HEAD "- {name: a, entity: user, aggregate: count_distinct, field: amount, window: 1h}\n",
     TT_E_TYPE, 3, 61, "text"},
    {HEAD "- {name: a, entity: user, aggregate: count_distinct, field: merchant, window: 1h}\n",
     TT_E_UNKNOWN, 3, 61, "merchant_id"},
    {HEAD "- {name: a, entity: user, aggregate: seconds_since_last, field: amount}\n", TT_E_INVALID,
     3, 58, "no field"},
    {HEAD "- {name: a, entity: user, aggregate: quantile, field: amount, window: 1h}\n",
     TT_E_INVALID, 3, 3, "quantile"},
    {HEAD
     "- {name: a, entity: user, aggregate: quantile, field: amount, window: 1h, quantile: 1.5}\n",
     TT_E_INVALID, 3, 85, "0 to 1"},
    {HEAD
     "- {name: a, entity: user, aggregate: median, field: amount, window: 1h, quantile: 0.5}\n",
     TT_E_INVALID, 3, 73, "no quantile"},
    {HEAD "- {name: a, entity: user, aggregate: share, window: 1h}\n", TT_E_INVALID, 3, 3,
     "filter"},
    {HEAD "- {name: a, entity: user, aggregate: seconds_since_last, exclude_current: false}\n",
     TT_E_INVALID, 3, 75, "earlier"},
    {HEAD "- {name: a, entity: user, aggregate: count, window: 1h, exclude_current: no}\n",
     TT_E_TYPE, 3, 74, ""},
    {HEAD "- {name: a, entity: user, aggregate: count, window: 1h, default: much}\n", TT_E_TYPE, 3,
     66, ""},
    {HEAD COUNT("a") COUNT("b") COUNT("a"), TT_E_CONFLICT, 5, 10, "line 3"},
    {HEAD "- {name: a, entity: user, aggregate: count, window: 1h, filter: 'amunt > 1.0'}\n",
     TT_E_UNKNOWN, 3, 66, "amount"},
    {HEAD "- {name: a, entity: user, aggregate: count, window: 1h, filter: 'amount + 1.0'}\n",
     TT_E_TYPE, 3, 0, ""},
    {HEAD "- {name: a, entity: user, aggregate: count, window: 1h, filter: 'amount >'}\n",
     TT_E_SYNTAX, 3, 0, ""},
    {HEAD COUNT("b") "- {name: a, entity: user, aggregate: count, window: 1h, filter: 'b > 1.0'}\n",
     TT_E_INVALID, 4, 65, "\"b\" counts it"},
    {HEAD COUNT("b") "- {name: c, expression: 'b / 2.0'}\n- {name: a, entity: user, aggregate: "
                     "count, window: 1h, filter: 'c > 1.0'}\n",
     TT_E_INVALID, 5, 65, "exclude_current"},
    {HEAD "- {name: b, entity: merchant, aggregate: count, window: 1h, exclude_current: true}\n"
          "- {name: a, entity: user, aggregate: count, window: 1h, filter: 'b > 1.0'}\n",
     TT_E_INVALID, 4, 65, "of \"merchant\" is computed"},
    {HEAD "- {name: a, entity: user, aggregate: count, window: 1h, exclude_current: true, "
          "filter: 'b > 1.0'}\n- {name: b, expression: 'a * 2.0'}\n",
     TT_E_INVALID, 3, 88, "a -> b -> a"},
    {HEAD "- {name: a, entity: user, aggregate: fraud_count, window: 1h, time: knwon}\n",
     TT_E_UNKNOWN, 3, 69, "\"known\""},
    {HEAD "- {name: a, entity: user, aggregate: fraud_share, window: 1h, time: known}\n",
     TT_E_INVALID, 3, 63, "takes no time"},
    {HEAD "- {name: a, expression: 'amount', time: known}\n", TT_E_INVALID, 3, 35, "time"},
    {"label_horizon: 0s\n" HEAD COUNT("a"), TT_E_LIMIT, 1, 16, "label_horizon"},
    {HEAD "- {name: a, expression: 'amount', window: 1h}\n", TT_E_INVALID, 3, 35, "window"},
    {HEAD "- {name: a, expression: 'user_id'}\n", TT_E_TYPE, 3, 25, "string"},
    {HEAD "- {name: a, expression: 'amount / usr_count'}\n" COUNT("user_count"), TT_E_UNKNOWN, 3,
     35, "user_count"},
    {HEAD "- {name: a, expression: 'a + 1.0'}\n", TT_E_INVALID, 3, 25, "a -> a"},
    {HEAD "- {name: a, expression: 'b + 1.0'}\n- {name: b, expression: 'c * 2.0'}\n"
          "- {name: c, expression: '-a'}\n",
     TT_E_INVALID, 3, 25, "a -> b -> c -> a"},
    {HEAD "- {name: a, entity: user, aggregate: takeover, field: amount, window: 7d}\n",
     TT_E_INVALID, 3, 3, "takeover needs a baseline"},
    {HEAD "- {name: a, entity: user, aggregate: surprise, field: amount, window: 7d}\n",
     TT_E_INVALID, 3, 63, "surprise takes a baseline, no window"},
    {HEAD "- {name: a, entity: user, aggregate: count, window: 7d, baseline: 1d}\n", TT_E_INVALID,
     3, 57, "count takes no baseline"},
    {HEAD "- {name: a, entity: user, aggregate: takeover, field: amount, window: 7d, baseline: 1d, "
          "filter: 'amount > 1.0'}\n",
     TT_E_INVALID, 3, 89, "takeover takes no filter"},
    {HEAD "- {name: a, entity: user, aggregate: takeover, field: amount, window: 7d, baseline: 1d, "
          "delay: 1d}\n",
     TT_E_INVALID, 3, 3, "takeover takes no delay"},
    {HEAD "- {name: a, entity: user, aggregate: surprise, field: amount, baseline: 1d, "
          "exclude_current: true}\n",
     TT_E_INVALID, 3, 3, "about the event itself"},
    {HEAD "- {name: a, entity: user, aggregate: takeover, field: amount, window: 200d, baseline: "
          "1d}\n",
     TT_E_LIMIT, 3, 3, "no room for a baseline"},
    {HEAD COUNT("amount"), TT_E_CONFLICT, 3, 10, "amount"},
};

static void every_mistake_is_told_with_its_place(void **state)
{
    (void)state;
    size_t wrong = 0;
    for (size_t i = 0; i < TT_ARRAY_SIZE(MISTAKES); i++) {
        const struct mistake *mistake = &MISTAKES[i];
        struct tt_plan *plan = NULL;
        struct tt_error err = {0};
        enum tt_status status = plan_from(&tt_alloc_libc, mistake->yaml, NULL, &plan, &err);
        bool placed =
            err.line == mistake->line && (mistake->column == 0 || err.column == mistake->column);
        if (status != mistake->status || !placed || strstr(err.message, mistake->says) == NULL) {
            wrong++;
            print_error("%s\ngives %s at %u:%u: %s\nnot %s at %u:%u: %s\n", mistake->yaml,
                        tt_status_name(status), err.line, err.column, err.message,
                        tt_status_name(mistake->status), mistake->line, mistake->column,
                        mistake->says);
        }
        assert_null(plan);
    }
    assert_int_equal(wrong, 0);
}

/* A list of count features; filters different where wanted. */
static void many(char *text, size_t size, int count, bool filters)
{
    int at = snprintf(text, size, "%s", HEAD);
    for (int i = 0; i < count; i++) {
        at += snprintf(text + at, size - (size_t)at,
                       filters ? "- {name: f%d, entity: user, aggregate: count, window: 1h, "
                                 "filter: 'amount > %d.0'}\n"
                               : "- {name: f%d, entity: user, aggregate: count, window: %dh}\n",
                       i, i + 1);
    }
}

static enum tt_status compile_many(int count, bool filters)
{
    static char text[32768];
    struct tt_plan *plan = NULL;
    many(text, sizeof(text), count, filters);
    enum tt_status status = plan_from(&tt_alloc_libc, text, NULL, &plan, NULL);
    tt_plan_free(plan);
    return status;
}

static void limits_hold_at_their_edge(void **state)
{
    (void)state;
    assert_int_equal(compile_many(64, false), TT_OK);
    assert_int_equal(compile_many(65, false), TT_E_LIMIT); /* different windows */
    assert_int_equal(compile_many(TT_PLAN_FILTERS_MAX, true), TT_OK);
    assert_int_equal(compile_many(TT_PLAN_FILTERS_MAX + 1, true), TT_E_LIMIT);
    assert_int_equal(compile_many(TT_FEATURES_MAX + 1, false), TT_E_LIMIT);
}

static void equal_plans(const char *a, const char *b, bool equal)
{
    struct tt_plan *plans[2] = {plan_of(a), plan_of(b)};
    struct tt_hash128 x = tt_plan_hash(plans[0]), y = tt_plan_hash(plans[1]);
    if ((x.high == y.high && x.low == y.low) != equal) {
        fail_msg("%s\n%s\nshould %s", a, b, equal ? "be one plan" : "be two plans");
    }
    tt_plan_free(plans[0]);
    tt_plan_free(plans[1]);
}

#define FEATURE "- {name: a, entity: user, aggregate: mean, field: amount, window: 1d"

static void identity_is_what_the_numbers_depend_on(void **state)
{
    (void)state;
    const char *base = HEAD FEATURE "}\n";
    equal_plans(base,
                "# why\nfeatures:\n- window: 24h\n  field: amount\n  aggregate: mean\n"
                "  entity: user\n  name: a\n  description: other\nentities:\n"
                "  user: {key: user_id}\n",
                true);
    equal_plans(base, "allowed_lateness: 60m\n" HEAD FEATURE "}\n", true);
    equal_plans(base, "amount_sign: {refund: 1}\n" HEAD FEATURE "}\n", true);
    equal_plans(base, "amount_sign: {refund: -1}\n" HEAD FEATURE "}\n", false);
    equal_plans(base, "allowed_lateness: 2h\n" HEAD FEATURE "}\n", false);
    equal_plans(base, HEAD FEATURE ", exclude_current: true}\n", false);
    equal_plans(base, HEAD FEATURE ", delay: 1d}\n", false);
    equal_plans(base, HEAD FEATURE ", default: 0}\n", false);
    equal_plans(base, HEAD FEATURE ", filter: 'amount > 5.0'}\n", false);
    equal_plans(HEAD FEATURE ", filter: 'amount > 5.0'}\n",
                HEAD FEATURE ", filter: ' amount>5.0 // small ones'}\n", true);
    equal_plans(HEAD FEATURE ", filter: 'channel == \"a b\"'}\n",
                HEAD FEATURE ", filter: 'channel == \"ab\"'}\n", false);
    equal_plans(base, "entities: {user: {key: card_id}}\nfeatures:\n" FEATURE "}\n", false);
    equal_plans(base, "entities: {user: {key: user_id, events_max: 7}}\nfeatures:\n" FEATURE "}\n",
                false);
}

static void user_comes_first_and_idle_entities_get_no_step(void **state)
{
    (void)state;
    struct tt_plan *plan = plan_of(
        "entities: {device: {key: device_id}, merchant: {key: merchant_id}, user: {key: card_id}}\n"
        "features:\n"
        "- {name: a, entity: merchant, aggregate: count, window: 1h}\n"
        "- {name: b, expression: 'a + c'}\n"
        "- {name: c, entity: user, aggregate: count, window: 2h, delay: 3h}\n"
        "- {name: d, expression: 'c * 2.0'}\n"
        "- {name: e, expression: 'amount'}\n");
    assert_int_equal(tt_plan_step_count(plan), 2);
    assert_string_equal(tt_plan_step_name(plan, 0), "user");
    assert_string_equal(tt_plan_step_name(plan, 1), "merchant");
    assert_int_equal(tt_plan_step_key(plan, 0), TT_TEXT_CARD_ID);
    assert_int_equal(tt_plan_feature(plan, 0)->step, 1);
    assert_int_equal(tt_plan_feature(plan, 1)->step, 1);
    assert_int_equal(tt_plan_feature(plan, 3)->step, 0);
    assert_int_equal(tt_plan_feature(plan, 4)->step, 0);
    assert_int_equal(tt_plan_find(plan, TT_STR("d")), 3);
    assert_int_equal(tt_plan_find(plan, TT_STR("x")), UINT32_MAX);
    assert_int_equal(tt_plan_retention_ms(plan), 6 * TT_MS_PER_HOUR);
    tt_plan_free(plan);
}

static void the_shipped_files_compile(void **state)
{
    (void)state;
    struct tt_plan *plan = NULL;
    struct tt_error err = {0};
    if (plan_from_file(&tt_alloc_libc, "config/features.yaml", &plan, &err) != TT_OK) {
        fail_msg("%u:%u: %s", err.line, err.column, err.message);
    }
    assert_int_not_equal(tt_plan_find(plan, TT_STR("user_amount_log_std_30d")), UINT32_MAX);
    assert_int_not_equal(tt_plan_find(plan, TT_STR("is_weekend")), UINT32_MAX);
    assert_int_equal(tt_plan_step_count(plan), 3);
    assert_true(tt_plan_retention_ms(plan) == 44 * TT_MS_PER_DAY + TT_MS_PER_HOUR);
    tt_plan_free(plan);
    if (plan_from_file(&tt_alloc_libc, "config/features/handbook.yaml", &plan, &err) != TT_OK) {
        fail_msg("%u:%u: %s", err.line, err.column, err.message);
    }
    assert_int_equal(tt_plan_feature_count(plan), 15);
    assert_int_equal(tt_plan_find(plan, TT_STR("amount")), 0);
    assert_string_equal(tt_plan_feature(plan, 0)->identifier.data, "__feature_amount");
    tt_plan_free(plan);
}

static void explain_says_what_is_kept_and_shared(void **state)
{
    (void)state;
    struct tt_plan *plan =
        plan_of(HEAD "- {name: a, entity: user, aggregate: mean, field: amount, window: 1d}\n"
                     "- {name: b, entity: user, aggregate: std, field: amount, window: 24h}\n"
                     "- {name: c, expression: 'a / b', unit: times}\n");
    struct tt_buf buf;
    tt_buf_init(&buf, &tt_alloc_libc, 1U << 20);
    assert_int_equal(tt_plan_explain(plan, &buf), TT_OK);
    assert_non_null(strstr(buf.data, "step 0: user by user_id"));
    assert_non_null(strstr(buf.data, "squares of amount, per currency"));
    assert_non_null(strstr(buf.data, "c: a / b, after step user [times]"));
    char *first = strstr(buf.data, "    sum of amount");
    assert_non_null(first);
    assert_null(strstr(first + 1, "    sum of amount"));
    tt_buf_deinit(&buf);
    tt_plan_free(plan);
}

static void a_step_that_keeps_nothing_is_explained(void **state)
{
    (void)state;
    struct tt_plan *plan = plan_of("allowed_lateness: 0s\n" HEAD
                                   "- {name: a, entity: merchant, aggregate: count, window: 1d}\n");
    struct tt_buf buf;
    tt_buf_init(&buf, &tt_alloc_libc, 1U << 20);
    assert_int_equal(tt_plan_explain(plan, &buf), TT_OK);
    assert_non_null(strstr(buf.data, "step 0: user by user_id"));
    tt_buf_deinit(&buf);
    tt_plan_free(plan);
}

static void exchange_rates_give_a_field_a_name_and_another_identity(void **state)
{
    (void)state;
    struct tt_rates rates = {.base = tt_currency_find(TT_STR("EUR"))};
    struct tt_plan_options options = {.rates = &rates};
    struct tt_plan *plans[3] = {NULL};
    struct tt_error err = {0};
    static const char YAML[] =
        HEAD "- {name: a, entity: user, aggregate: sum, field: amount_base, window: 1d, filter: "
             "'amount_base > 5.0'}\n- {name: b, expression: 'amount_base / a'}\n";
    rates.rates[rates.base] = TT_RATE_ONE;
    for (size_t i = 0; i < 3; i++) {
        rates.rates[tt_currency_find(TT_STR("USD"))] = i == 2 ? TT_RATE_ONE / 2 : TT_RATE_ONE;
        assert_int_equal(plan_from(&tt_alloc_libc, YAML, &options, &plans[i], &err), TT_OK);
    }
    assert_true(tt_plan_hash(plans[0]).low == tt_plan_hash(plans[1]).low);
    assert_true(tt_plan_hash(plans[0]).low != tt_plan_hash(plans[2]).low);
    for (size_t i = 0; i < 3; i++) {
        tt_plan_free(plans[i]);
    }
}

static enum tt_status compile_all(const struct tt_alloc *alloc, void *ctx)
{
    struct tt_plan *plan = NULL;
    struct tt_error err = {0};
    enum tt_status status = plan_from(alloc, ctx, NULL, &plan, &err);
    tt_plan_free(plan);
    return status;
}

static void a_failed_allocation_leaves_nothing_behind(void **state)
{
    (void)state;
    char text[] = HEAD FEATURE ", filter: 'amount > 5.0'}\n- {name: b, expression: 'a * 2.0'}\n"
                               "- {name: amount, expression: 'amount'}\n";
    tt_torture_run(compile_all, text);
}

static void attributes_are_fields_of_their_type(void **state)
{
    (void)state;
    static const struct tt_attribute_decl DECLARED[] = {
        {{"basket", 6}, TT_ATTRIBUTE_DOUBLE},
        {{"shop", 4}, TT_ATTRIBUTE_STRING},
    };
    struct tt_plan_options options = {.attributes = DECLARED, .attribute_count = 2};
    struct tt_plan *plan = NULL;
    struct tt_error err = {0};
    const char *fine =
        HEAD "- {name: a, entity: user, aggregate: mean, field: basket, window: 1d}\n"
             "- {name: b, entity: user, aggregate: count_distinct, field: shop, window: 1d}\n";
    const char *wrong =
        HEAD "- {name: a, entity: user, aggregate: mean, field: shop, window: 1d}\n";
    const char *near = HEAD "- {name: a, entity: user, aggregate: sum, field: baskt, window: 1d}\n";
    assert_int_equal(plan_from(&tt_alloc_libc, fine, &options, &plan, &err), TT_OK);
    tt_plan_free(plan);
    assert_int_equal(plan_from(&tt_alloc_libc, wrong, &options, &plan, &err), TT_E_TYPE);
    assert_int_equal(plan_from(&tt_alloc_libc, near, &options, &plan, &err), TT_E_UNKNOWN);
    assert_non_null(strstr(err.message, "basket"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_mistake_is_told_with_its_place),
        cmocka_unit_test(limits_hold_at_their_edge),
        cmocka_unit_test(identity_is_what_the_numbers_depend_on),
        cmocka_unit_test(user_comes_first_and_idle_entities_get_no_step),
        cmocka_unit_test(the_shipped_files_compile),
        cmocka_unit_test(exchange_rates_give_a_field_a_name_and_another_identity),
        cmocka_unit_test(explain_says_what_is_kept_and_shared),
        cmocka_unit_test(a_step_that_keeps_nothing_is_explained),
        cmocka_unit_test(a_failed_allocation_leaves_nothing_behind),
        cmocka_unit_test(attributes_are_fields_of_their_type),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
