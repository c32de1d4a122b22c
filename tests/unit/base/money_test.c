/* Exact money: every text is exact or refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/money.h"
#include "base/rng.h"

static void amounts_are_exact_or_refused(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint8_t exponent;
        enum tt_status status;
        int64_t minor;
    } cases[] = {
        {"412.50", 2, TT_OK, 41250},
        {"412.5", 2, TT_OK, 41250},
        {"412", 2, TT_OK, 41200},
        {"0", 2, TT_OK, 0},
        {"-0.00", 2, TT_OK, 0},
        {"-1.05", 2, TT_OK, -105},
        {"+1", 2, TT_OK, 100},
        {"007.10", 2, TT_OK, 710},
        {"0.10000000000000000000000000000000", 2, TT_OK, 10},
        {"0.1", 1, TT_OK, 1},
        {"1.5e2", 2, TT_OK, 15000},
        {"1.5E+2", 0, TT_OK, 150},
        {"15000e-2", 0, TT_OK, 150},
        {"123e-2", 2, TT_OK, 123},
        {"0e999999999999999999999", 2, TT_OK, 0},
        {"0.000e-5", 0, TT_OK, 0},
        {"1.234", 3, TT_OK, 1234},
        {"1.230", 2, TT_OK, 123},
        {"10000000000000.00", 2, TT_OK, TT_AMOUNT_MINOR_MAX},
        {"1000000000000000", 0, TT_OK, TT_AMOUNT_MINOR_MAX},
        {"-1000000000000000", 0, TT_OK, -TT_AMOUNT_MINOR_MAX},
        {"00000000000000000000000000000000000001", 2, TT_OK, 100},
        {"0.3", 2, TT_OK, 30},
        {"1.239", 2, TT_E_INVALID, 0},
        {"1.5", 0, TT_E_INVALID, 0},
        {"1e-3", 2, TT_E_INVALID, 0},
        {"1e-99999999999999999999", 2, TT_E_INVALID, 0},
        {"0.00000000000000000000000000000001", 2, TT_E_INVALID, 0},
        {"1.00000000000000000000000000000001", 2, TT_E_INVALID, 0},
        {"1000000000000001", 0, TT_E_LIMIT, 0},
        {"10000000000000.01", 2, TT_E_LIMIT, 0},
        {"9999999999999999", 0, TT_E_LIMIT, 0},
        {"99999999999999999999999999", 2, TT_E_LIMIT, 0},
        {"1e15", 2, TT_E_LIMIT, 0},
        {"1e99999999999999999999", 2, TT_E_LIMIT, 0},
        {"18446744073709551616", 2, TT_E_LIMIT, 0}, /* 2^64 */
        {"", 2, TT_E_SYNTAX, 0},
        {"-", 2, TT_E_SYNTAX, 0},
        {"--1", 2, TT_E_SYNTAX, 0},
        {".5", 2, TT_E_SYNTAX, 0},
        {"5.", 2, TT_E_SYNTAX, 0},
        {"1e", 2, TT_E_SYNTAX, 0},
        {"1e+", 2, TT_E_SYNTAX, 0},
        {"1,50", 2, TT_E_SYNTAX, 0},
        {"1 ", 2, TT_E_SYNTAX, 0},
        {" 1", 2, TT_E_SYNTAX, 0},
        {"1.5.2", 2, TT_E_SYNTAX, 0},
        {"1e1.5", 2, TT_E_SYNTAX, 0},
        {"NaN", 2, TT_E_SYNTAX, 0},
        {"Infinity", 2, TT_E_SYNTAX, 0},
        {"0x10", 2, TT_E_SYNTAX, 0},
        {"\xd9\xa1", 2, TT_E_SYNTAX, 0}, /* an Arabic digit */
    };
    for (size_t i = 0; i < TT_ARRAY_SIZE(cases); i++) {
        int64_t minor = 77;
        enum tt_status status =
            tt_money_parse(tt_str_from(cases[i].text), cases[i].exponent, &minor);
        if (status != cases[i].status) {
            fail_msg("%s: %s", cases[i].text, tt_status_name(status));
        }
        assert_int_equal(minor, status == TT_OK ? cases[i].minor : 77);
    }
    int64_t minor = 77;
    assert_int_equal(tt_money_parse((struct tt_str){NULL, 0}, 2, &minor), TT_E_SYNTAX);
}

static void formatted_amounts_read_back(void **state)
{
    (void)state;
    char text[32];
    assert_int_equal(tt_money_format(41250, 2, text), 6);
    assert_string_equal(text, "412.50");
    tt_money_format(-5, 2, text);
    assert_string_equal(text, "-0.05");
    tt_money_format(0, 0, text);
    assert_string_equal(text, "0");
    tt_money_format(0, 3, text);
    assert_string_equal(text, "0.000");
    tt_money_format(INT64_MIN, 4, text);
    assert_string_equal(text, "-922337203685477.5808");
    tt_money_format(INT64_MAX, 18, text);
    assert_string_equal(text, "9.223372036854775807");
    struct tt_rng rng;
    tt_rng_init(&rng, 3);
    for (int i = 0; i < 100000; i++) {
        uint8_t exponent = (uint8_t)tt_rng_below(&rng, 5);
        int64_t minor = (int64_t)(tt_rng_next(&rng) >> (15 + tt_rng_below(&rng, 48)));
        minor = minor % (TT_AMOUNT_MINOR_MAX + 1);
        minor = (i & 1) != 0 ? -minor : minor;
        size_t size = tt_money_format(minor, exponent, text);
        int64_t read = 1;
        assert_int_equal(tt_money_parse((struct tt_str){text, size}, exponent, &read), TT_OK);
        assert_int_equal(read, minor);
        /* The nearest double is what the C library reads from the text. */
        double major = tt_money_major(minor, exponent);
        double expected = strtod(text, NULL);
        assert_false(major < expected || major > expected);
    }
}

static void currencies_are_found_by_their_code(void **state)
{
    (void)state;
    static const struct {
        const char *code;
        int exponent; /* -1 = not a currency */
    } cases[] = {
        {"EUR", 2}, {"USD", 2},   {"GBP", 2},  {"JPY", 0},  {"KRW", 0},  {"CLP", 0},
        {"ISK", 0}, {"VND", 0},   {"KWD", 3},  {"BHD", 3},  {"TND", 3},  {"OMR", 3},
        {"CLF", 4}, {"UYW", 4},   {"AED", 2},  {"ZWL", 2},  {"XOF", 0},  {"XCG", 2},
        {"MRU", 2}, {"HUF", 2},   {"XXX", -1}, {"XTS", -1}, {"XAU", -1}, {"eur", -1},
        {"EU", -1}, {"EURO", -1}, {"", -1},    {"ABC", -1}, {"DEM", -1}, {"\xff\xff\xff", -1},
    };
    for (size_t i = 0; i < TT_ARRAY_SIZE(cases); i++) {
        tt_currency currency = tt_currency_find(tt_str_from(cases[i].code));
        if (cases[i].exponent < 0) {
            assert_int_equal(currency, 0);
        } else {
            assert_int_not_equal(currency, 0);
            assert_string_equal(tt_currency_code(currency), cases[i].code);
            assert_int_equal(tt_currency_exponent(currency), cases[i].exponent);
        }
    }
    assert_int_equal(tt_currency_find((struct tt_str){NULL, 0}), 0);
}

static void every_row_of_the_table_can_be_found(void **state)
{
    (void)state;
    static const char *const codes[] = {
#define X(code, exponent) #code,
#include "base/currencies.def"
#undef X
    };
    for (size_t i = 0; i < TT_ARRAY_SIZE(codes); i++) {
        assert_int_equal(tt_currency_find(tt_str_from(codes[i])), i + 1);
        assert_true(i == 0 || strcmp(codes[i - 1], codes[i]) < 0);
    }
    assert_in_range(TT_ARRAY_SIZE(codes), 160, 190);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(amounts_are_exact_or_refused),
        cmocka_unit_test(formatted_amounts_read_back),
        cmocka_unit_test(currencies_are_found_by_their_code),
        cmocka_unit_test(every_row_of_the_table_can_be_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
