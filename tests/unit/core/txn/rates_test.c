/* Rates: read with places, converted exactly, rounded once. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "core/txn/rates.h"
#include "format/yaml.h"

static tt_currency code(const char *text)
{
    return tt_currency_find(tt_str_from(text));
}

static enum tt_status read_text(const char *yaml, const char *base, struct tt_rates *ret,
                                struct tt_error *err)
{
    struct tt_arena arena;
    struct tt_tree *root = NULL;
    tt_arena_init(&arena, &tt_alloc_libc, 4096, 1U << 20);
    assert_int_equal(tt_yaml_parse(&arena, tt_str_from(yaml), &root, err), TT_OK);
    enum tt_status status = tt_rates_read(root, code(base), ret, err);
    tt_arena_deinit(&arena);
    return status;
}

static void expect(const struct tt_rates *rates, const char *currency, int64_t minor, int64_t base)
{
    int64_t converted = -1;
    assert_true(tt_rates_convert(rates, code(currency), minor, &converted));
    assert_int_equal(converted, base);
}

static void amounts_are_converted_to_the_minor_unit(void **state)
{
    (void)state;
    struct tt_rates rates;
    struct tt_error err = {0};
    assert_int_equal(
        read_text("{USD: 0.9, JPY: '0.0061', KWD: 3, VND: 0.000036512}", "EUR", &rates, &err),
        TT_OK);
    expect(&rates, "EUR", 12345, 12345);
    expect(&rates, "USD", 12345, 11111); /* 111.105: half away from zero */
    expect(&rates, "USD", -12345, -11111);
    expect(&rates, "USD", 1, 1); /* 0.9 cents */
    expect(&rates, "JPY", 1000, 610);
    expect(&rates, "JPY", 0, 0);
    expect(&rates, "KWD", 1500, 450); /* three decimals */
    expect(&rates, "KWD", 1, 0);      /* 0.003 */
    expect(&rates, "KWD", 2, 1);      /* 0.006 */
    expect(&rates, "VND", 1000000, 3651);
    expect(&rates, "USD", TT_AMOUNT_MINOR_MAX, TT_AMOUNT_MINOR_MAX / 10 * 9);
}

static void what_is_not_in_the_table_has_no_amount(void **state)
{
    (void)state;
    struct tt_rates rates;
    struct tt_error err = {0};
    int64_t converted = 7;
    assert_int_equal(read_text("{KWD: 1000000}", "JPY", &rates, &err), TT_OK);
    assert_false(tt_rates_convert(&rates, code("USD"), 100, &converted));
    assert_false(tt_rates_convert(&rates, 0, 100, &converted));
    assert_false(tt_rates_convert(&rates, code("KWD"), TT_AMOUNT_MINOR_MAX, &converted));
    assert_int_equal(converted, 7);
    expect(&rates, "KWD", 1000000000, TT_AMOUNT_MINOR_MAX / 1000);
}

static void mistakes_have_their_place(void **state)
{
    static const struct {
        const char *yaml;
        enum tt_status status;
        uint32_t line, column;
    } CASES[] = {
        {"USD: 0.9\nXXQ: 1", TT_E_UNKNOWN, 2, 1},
        {"USD: 0", TT_E_INVALID, 1, 6},
        {"USD: -0.9", TT_E_INVALID, 1, 6},
        {"USD: dear", TT_E_INVALID, 1, 6},
        {"USD: 0.0000000001", TT_E_INVALID, 1, 6},
        {"USD: 1000000.1", TT_E_INVALID, 1, 6},
        {"USD: 99999999999999999999", TT_E_INVALID, 1, 6},
        {"EUR: 1.1", TT_E_CONFLICT, 1, 6},
        {"USD: [1]", TT_E_TYPE, 1, 6},
        {"[USD]", TT_E_TYPE, 1, 1},
    };
    (void)state;
    for (size_t i = 0; i < TT_ARRAY_SIZE(CASES); i++) {
        struct tt_rates rates = {.base = 7};
        struct tt_error err = {0};
        assert_int_equal(read_text(CASES[i].yaml, "EUR", &rates, &err), CASES[i].status);
        assert_int_equal(err.line, CASES[i].line);
        assert_int_equal(err.column, CASES[i].column);
        assert_int_equal(rates.base, 7);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(amounts_are_converted_to_the_minor_unit),
        cmocka_unit_test(what_is_not_in_the_table_has_no_amount),
        cmocka_unit_test(mistakes_have_their_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
