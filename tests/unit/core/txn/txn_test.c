/* Names and identities of transactions. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/txn/txn.h"

static const struct tt_hash_key key = {1, 2};

static struct tt_txn sample(void)
{
    struct tt_txn txn = {
        .timestamp_ms = INT64_C(1772368205123),
        .amount_minor = 41250,
        .currency = tt_currency_find(TT_STR("EUR")),
        .type = TT_TXN_PURCHASE,
    };
    txn.text[TT_TEXT_TRANSACTION_ID] = TT_STR("t-1");
    txn.text[TT_TEXT_USER_ID] = TT_STR("u-1");
    return txn;
}

static bool same(struct tt_hash128 a, struct tt_hash128 b)
{
    return a.high == b.high && a.low == b.low;
}

static bool same_content(const struct tt_txn *a, const struct tt_txn *b)
{
    return same(tt_txn_content_hash(a), tt_txn_content_hash(b));
}

static void names_and_values_belong_together(void **state)
{
    (void)state;
    for (uint8_t type = TT_TXN_PURCHASE; type <= TT_TXN_REVERSAL; type++) {
        assert_int_equal(tt_txn_type_find(tt_str_from(tt_txn_type_name(type))), type);
    }
    for (uint8_t value = TT_AUTH_APPROVED; value <= TT_AUTH_DECLINED; value++) {
        assert_int_equal(tt_authorization_find(tt_str_from(tt_authorization_name(value))), value);
    }
    assert_string_equal(tt_txn_type_name(0), "");
    assert_string_equal(tt_txn_type_name(200), "");
    assert_string_equal(tt_authorization_name(TT_AUTH_NONE), "");
    assert_int_equal(tt_txn_type_find(TT_STR("")), 0);
    assert_int_equal(tt_txn_type_find(TT_STR("Purchase")), 0);
    assert_int_equal(tt_authorization_find((struct tt_str){NULL, 0}), 0);
    assert_string_equal(tt_txn_text_name(TT_TEXT_MERCHANT_ID), "merchant_id");
    for (int i = 0; i < TT_TEXT_COUNT; i++) {
        assert_non_null(tt_txn_text_name((enum tt_txn_text)i));
    }
}

static void amount_is_in_major_units(void **state)
{
    (void)state;
    struct tt_txn txn = sample();
    assert_true(tt_txn_amount(&txn) >= 412.5 && tt_txn_amount(&txn) <= 412.5);
    txn.currency = tt_currency_find(TT_STR("JPY"));
    assert_true(tt_txn_amount(&txn) >= 41250.0 && tt_txn_amount(&txn) <= 41250.0);
}

static void key_keeps_user_and_transaction_apart(void **state)
{
    (void)state;
    struct tt_txn a = sample();
    struct tt_txn b = sample();
    b.amount_minor = 1;
    assert_true(same(tt_txn_key_hash(&key, &a), tt_txn_key_hash(&key, &b)));
    a.text[TT_TEXT_USER_ID] = TT_STR("ab");
    a.text[TT_TEXT_TRANSACTION_ID] = TT_STR("c");
    b.text[TT_TEXT_USER_ID] = TT_STR("a");
    b.text[TT_TEXT_TRANSACTION_ID] = TT_STR("bc");
    assert_false(same(tt_txn_key_hash(&key, &a), tt_txn_key_hash(&key, &b)));
    const struct tt_hash_key other = {1, 3};
    assert_false(same(tt_txn_key_hash(&key, &a), tt_txn_key_hash(&other, &a)));
}

static void every_field_counts_towards_the_content(void **state)
{
    (void)state;
    struct tt_txn a = sample();
    struct tt_txn b = sample();
    assert_true(same_content(&a, &b));
    b.timestamp_ms++;
    assert_false(same_content(&a, &b));
    b = a;
    b.amount_minor++;
    assert_false(same_content(&a, &b));
    b = a;
    b.currency = tt_currency_find(TT_STR("USD"));
    assert_false(same_content(&a, &b));
    b = a;
    b.type = TT_TXN_REFUND;
    assert_false(same_content(&a, &b));
    b = a;
    b.authorization = TT_AUTH_DECLINED;
    assert_false(same_content(&a, &b));
    b = a;
    b.has_position = true;
    assert_false(same_content(&a, &b));
    for (size_t i = 0; i < TT_TEXT_COUNT; i++) {
        b = a;
        b.text[i] = TT_STR("other");
        assert_false(same_content(&a, &b));
        b.text[i] = TT_STR("");
        assert_false(same_content(&a, &b));
    }
}

static void position_counts_only_when_there_is_one(void **state)
{
    (void)state;
    struct tt_txn a = sample();
    struct tt_txn b = sample();
    b.latitude = 5.0;
    assert_true(same_content(&a, &b));
    a.has_position = true;
    b.has_position = true;
    assert_false(same_content(&a, &b));
    a.latitude = 0.0;
    b.latitude = -0.0;
    assert_true(same_content(&a, &b));
}

static void a_value_in_another_field_is_other_content(void **state)
{
    (void)state;
    struct tt_txn a = sample();
    struct tt_txn b = sample();
    a.text[TT_TEXT_CARD_ID] = TT_STR("x");
    b.text[TT_TEXT_DEVICE_ID] = TT_STR("x");
    assert_false(same_content(&a, &b));
}

static void the_order_of_attributes_does_not_matter(void **state)
{
    (void)state;
    const struct tt_attribute up[] = {
        {TT_STR("basket"), TT_ATTRIBUTE_DOUBLE, 3.0, {NULL, 0}},
        {TT_STR("is_3ds"), TT_ATTRIBUTE_BOOL, 1.0, {NULL, 0}},
        {TT_STR("shop"), TT_ATTRIBUTE_STRING, 0.0, TT_STR("s")},
    };
    const struct tt_attribute down[] = {up[2], up[0], up[1]};
    struct tt_txn a = sample();
    struct tt_txn b = sample();
    a.attributes = up;
    a.attribute_count = 3;
    b.attributes = down;
    b.attribute_count = 3;
    assert_true(same_content(&a, &b));
    b.attribute_count = 2;
    assert_false(same_content(&a, &b));
    struct tt_attribute changed[] = {up[0], up[1], up[2]};
    b.attributes = changed;
    b.attribute_count = 3;
    changed[0].number = 4.0;
    assert_false(same_content(&a, &b));
    changed[0] = up[0];
    changed[1].type = TT_ATTRIBUTE_DOUBLE;
    assert_false(same_content(&a, &b));
    changed[1] = up[1];
    changed[2].text = TT_STR("t");
    assert_false(same_content(&a, &b));
}

static void the_largest_record_fits(void **state)
{
    (void)state;
    static char text[TT_ID_SIZE_MAX];
    memset(text, 'm', sizeof text);
    struct tt_attribute attributes[TT_ATTRIBUTES_MAX];
    struct tt_txn txn = sample();
    txn.has_position = true;
    for (size_t i = 0; i < TT_TEXT_COUNT; i++) {
        txn.text[i] = (struct tt_str){text, sizeof text};
    }
    for (size_t i = 0; i < TT_ATTRIBUTES_MAX; i++) {
        attributes[i] = (struct tt_attribute){
            .name = {text, sizeof text - i},
            .type = TT_ATTRIBUTE_STRING,
            .text = {text, sizeof text},
        };
    }
    txn.attributes = attributes;
    txn.attribute_count = TT_ATTRIBUTES_MAX;
    struct tt_hash128 hash = tt_txn_content_hash(&txn);
    assert_true((hash.high | hash.low) != 0);
}

static void stored_content_hashes_stay_valid(void **state)
{
    (void)state;
    struct tt_txn txn = sample();
    char text[33];
    tt_hash128_hex(tt_txn_content_hash(&txn), text);
    assert_string_equal(text, "5cfb8a474ddc880b879a636d3603bc3f");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_and_values_belong_together),
        cmocka_unit_test(amount_is_in_major_units),
        cmocka_unit_test(key_keeps_user_and_transaction_apart),
        cmocka_unit_test(every_field_counts_towards_the_content),
        cmocka_unit_test(position_counts_only_when_there_is_one),
        cmocka_unit_test(a_value_in_another_field_is_other_content),
        cmocka_unit_test(the_order_of_attributes_does_not_matter),
        cmocka_unit_test(the_largest_record_fits),
        cmocka_unit_test(stored_content_hashes_stay_valid),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
