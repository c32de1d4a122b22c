/* The dictionary: which names there are, and what their slots hold. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "core/event/names.h"
#include "support/torture.h"

static const struct tt_attribute_decl attributes[] = {
    {{"is_3ds", 6}, TT_ATTRIBUTE_BOOL},
    {{"basket", 6}, TT_ATTRIBUTE_DOUBLE},
    {{"segment", 7}, TT_ATTRIBUTE_STRING},
};
static const struct tt_str features[] = {{"user_tx_count_1h", 16}, {"user_speed_kmh", 14}};

static enum tt_status new_names(const struct tt_alloc *alloc, struct tt_names **ret)
{
    struct tt_error err;
    return tt_names_new(alloc, attributes, TT_ARRAY_SIZE(attributes), features,
                        TT_ARRAY_SIZE(features), ret, &err);
}

static struct tt_txn payment(void)
{
    struct tt_txn txn = {.timestamp_ms = INT64_C(1772368205123), .amount_minor = 41250};
    txn.currency = tt_currency_find(TT_STR("EUR"));
    txn.type = TT_TXN_PURCHASE;
    txn.text[TT_TEXT_TRANSACTION_ID] = TT_STR("t-1");
    txn.text[TT_TEXT_USER_ID] = TT_STR("u-1");
    txn.text[TT_TEXT_CHANNEL] = TT_STR("online");
    return txn;
}

/* What an expression is worth for the transaction and vector, printed into text. */
static void expect(const struct tt_txn *txn, const struct tt_vector *vector, const char *expression,
                   const char *wanted)
{
    static struct tt_expr_scratch scratch;
    struct tt_value slots[TT_EXPR_SLOTS_MAX];
    struct tt_names *names = NULL;
    struct tt_expr *expr = NULL;
    struct tt_error err = {0};
    struct tt_value value;
    struct tt_buf buf;
    struct tt_expr_options options = {.text = tt_str_from(expression)};
    assert_int_equal(new_names(&tt_alloc_libc, &names), TT_OK);
    assert_int_equal(tt_expr_compile(&tt_alloc_libc, tt_names_env(names), &options, &expr, &err),
                     TT_OK);
    tt_names_clear(names, slots);
    tt_names_fill_txn(names, txn, slots);
    if (vector != NULL) {
        tt_names_fill_vector(names, vector, slots);
    }
    tt_expr_eval(expr, slots, &scratch, &value);
    tt_buf_init(&buf, &tt_alloc_libc, 4096);
    assert_int_equal(tt_value_print(&value, &buf), TT_OK);
    assert_string_equal(buf.data, wanted);
    tt_buf_deinit(&buf);
    tt_expr_free(expr);
    tt_names_free(names);
}

/* Filling only some slots: those of the list get what they always get, the others stay. */
static void some_slots_are_filled_alone(void **state)
{
    (void)state;
    static const struct tt_vector empty = {.count = 0};
    struct tt_txn txn = payment();
    struct tt_names *names = NULL;
    struct tt_value all[TT_EXPR_SLOTS_MAX];
    struct tt_value some[TT_EXPR_SLOTS_MAX];
    assert_int_equal(new_names(&tt_alloc_libc, &names), TT_OK);
    uint32_t count = tt_names_slot_count(names);
    tt_names_fill_txn(names, &txn, all);
    tt_names_fill_vector(names, &empty, all);
    for (uint32_t slot = 0; slot < count; slot++) {
        for (uint32_t i = 0; i < count; i++) {
            some[i] = tt_value_none(TT_VALUE_KEY);
        }
        tt_names_fill_some(names, &txn, &empty, &slot, 1, some);
        bool both_none = all[slot].type == TT_TYPE_NONE && some[slot].type == TT_TYPE_NONE &&
                         some[slot].error == all[slot].error;
        assert_true(both_none || tt_value_equal(&all[slot], &some[slot]));
        for (uint32_t i = 0; i < count; i++) {
            assert_true(i == slot || some[i].error == TT_VALUE_KEY);
        }
    }
    tt_names_free(names);
}

static void fields_have_the_values_people_say(void **state)
{
    (void)state;
    struct tt_txn txn = payment();
    expect(&txn, NULL, "amount", "412.5");
    expect(&txn, NULL, "currency", "\"EUR\"");
    expect(&txn, NULL, "type", "\"purchase\"");
    expect(&txn, NULL, "timestamp", "timestamp(\"2026-03-01T12:30:05.123Z\")");
    expect(&txn, NULL, "user_id + channel", "\"u-1online\"");
}

static void what_is_absent_is_missing(void **state)
{
    (void)state;
    struct tt_txn txn = payment();
    expect(&txn, NULL, "authorization", "error(\"missing\")");
    expect(&txn, NULL, "latitude", "error(\"missing\")");
    expect(&txn, NULL, "merchant_id", "error(\"missing\")");
    expect(&txn, NULL, "is_3ds", "error(\"missing\")");
    expect(&txn, NULL, "user_tx_count_1h", "error(\"missing\")");
    txn.has_position = true;
    txn.latitude = 52.5;
    txn.authorization = TT_AUTH_DECLINED;
    txn.text[TT_TEXT_MERCHANT_ID] = TT_STR("");
    expect(&txn, NULL, "authorization", "\"declined\"");
    expect(&txn, NULL, "latitude", "52.5");
    expect(&txn, NULL, "merchant_id", "\"\"");
}

static void attributes_are_found_by_name_and_type(void **state)
{
    (void)state;
    struct tt_txn txn = payment();
    const struct tt_attribute given[] = {
        {TT_STR("segment"), TT_ATTRIBUTE_DOUBLE, 1.0, {NULL, 0}},
        {TT_STR("basket"), TT_ATTRIBUTE_DOUBLE, 3.0, {NULL, 0}},
        {TT_STR("is_3ds"), TT_ATTRIBUTE_BOOL, 1.0, {NULL, 0}},
    };
    txn.attributes = given;
    txn.attribute_count = 3;
    expect(&txn, NULL, "is_3ds && basket > 2", "true");
    expect(&txn, NULL, "segment", "error(\"missing\")");
}

static void features_are_read_from_the_vector(void **state)
{
    (void)state;
    struct tt_txn txn = payment();
    struct tt_vector vector = {.count = 2};
    tt_vector_set(&vector, 0, 7.0);
    tt_vector_set_missing(&vector, 1);
    expect(&txn, &vector, "user_tx_count_1h", "7.0");
    expect(&txn, &vector, "user_speed_kmh", "error(\"missing\")");
    vector.count = 0;
    expect(&txn, &vector, "user_tx_count_1h", "error(\"missing\")");
}

static void slots_and_features_map_to_each_other(void **state)
{
    (void)state;
    struct tt_names *names = NULL;
    uint32_t slot = 0;
    enum tt_type type = TT_TYPE_NONE;
    assert_int_equal(new_names(&tt_alloc_libc, &names), TT_OK);
    assert_true(tt_expr_env_find(tt_names_env(names), features[1], &slot, &type));
    assert_int_equal(slot, tt_names_feature_slot(names, 1));
    assert_int_equal(type, TT_TYPE_DOUBLE);
    assert_int_equal(tt_names_slot_feature(names, slot), 1);
    assert_int_equal(tt_names_slot_feature(names, 0), UINT16_MAX);
    assert_int_equal(tt_names_slot_feature(names, slot + 1), UINT16_MAX);
    assert_int_equal(tt_names_slot_count(names), slot + 1);
    tt_names_free(names);
}

static void a_name_that_is_taken_is_refused(void **state)
{
    (void)state;
    struct tt_names *names = NULL;
    struct tt_error err;
    const struct tt_attribute_decl amount = {TT_STR("amount"), TT_ATTRIBUTE_DOUBLE};
    const struct tt_str twice[] = {TT_STR("a"), TT_STR("a")};
    const struct tt_str field[] = {TT_STR("channel")};
    const struct tt_str bad[] = {TT_STR("no-name")};
    struct tt_str many[TT_FEATURES_MAX + 1] = {{0}};
    assert_int_equal(tt_names_new(&tt_alloc_libc, &amount, 1, NULL, 0, &names, &err),
                     TT_E_CONFLICT);
    assert_string_equal(err.message, "the name 'amount' is taken");
    assert_int_equal(tt_names_new(&tt_alloc_libc, NULL, 0, twice, 2, &names, &err), TT_E_CONFLICT);
    assert_int_equal(tt_names_new(&tt_alloc_libc, NULL, 0, field, 1, &names, &err), TT_E_CONFLICT);
    assert_int_equal(tt_names_new(&tt_alloc_libc, NULL, 0, bad, 1, &names, &err), TT_E_INVALID);
    assert_int_equal(tt_names_new(&tt_alloc_libc, NULL, 0, many, TT_ARRAY_SIZE(many), &names, &err),
                     TT_E_LIMIT);
    assert_null(names);
}

static enum tt_status make_and_free(const struct tt_alloc *alloc, void *ctx)
{
    (void)ctx;
    struct tt_names *names = NULL;
    enum tt_status status = new_names(alloc, &names);
    tt_names_free(names);
    return status;
}

static void a_failed_allocation_anywhere_leaks_nothing(void **state)
{
    (void)state;
    tt_torture_run(make_and_free, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fields_have_the_values_people_say),
        cmocka_unit_test(what_is_absent_is_missing),
        cmocka_unit_test(some_slots_are_filled_alone),
        cmocka_unit_test(attributes_are_found_by_name_and_type),
        cmocka_unit_test(features_are_read_from_the_vector),
        cmocka_unit_test(slots_and_features_map_to_each_other),
        cmocka_unit_test(a_name_that_is_taken_is_refused),
        cmocka_unit_test(a_failed_allocation_anywhere_leaks_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
