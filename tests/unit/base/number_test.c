/* Numbers as text. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/number.h"
#include "base/rng.h"

static uint64_t bits_of(double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    return bits;
}

static void doubles_have_their_shortest_text(void **state)
{
    (void)state;
    static const struct {
        double value;
        const char *text;
    } cases[] = {
        {0.0, "0"},
        {-0.0, "-0"},
        {0.1, "0.1"},
        {-2.5, "-2.5"},
        {3.0, "3"},
        {100000.0, "100000"},
        {1e20, "100000000000000000000"},
        {1e21, "1e+21"},
        {1e30, "1e+30"},
        {1e-6, "0.000001"},
        {9.5e-7, "9.5e-07"},
        {5e-324, "5e-324"},
        {1.7976931348623157e308, "1.7976931348623157e+308"},
        {-1.2345678901234567e-6, "-0.0000012345678901234567"},
        {(double)INFINITY, "inf"},
        {-(double)INFINITY, "-inf"},
        {(double)NAN, "nan"},
    };
    for (size_t i = 0; i < TT_ARRAY_SIZE(cases); i++) {
        char text[TT_NUMBER_TEXT_SIZE];
        size_t size = tt_double_format(cases[i].value, text);
        assert_int_equal(size, strlen(cases[i].text));
        assert_memory_equal(text, cases[i].text, size);
    }
}

static void any_double_reads_back_as_the_same_bits(void **state)
{
    (void)state;
    struct tt_rng rng;
    tt_rng_init(&rng, 11);
    for (int i = 0; i < 200000; i++) {
        uint64_t bits = tt_rng_next(&rng);
        if ((i & 1) != 0) {
            /* ordinary magnitudes, where the plain notation is used */
            bits = bits_of((tt_rng_double(&rng) - 0.5) * (double)(1 + (bits >> (i % 64))));
        }
        double value;
        memcpy(&value, &bits, sizeof value);
        if (!isfinite(value)) {
            continue;
        }
        char text[TT_NUMBER_TEXT_SIZE];
        size_t size = tt_double_format(value, text);
        double read = 0;
        assert_true(size <= sizeof text);
        assert_true(tt_double_parse((struct tt_str){text, size}, &read));
        assert_true(bits_of(read) == bits_of(value));
    }
}

static void only_whole_decimal_numbers_are_doubles(void **state)
{
    (void)state;
    static const char *const bad[] = {"",     " 1",     "1 ",    "inf",      "-inf", "nan", "NaN",
                                      "0x10", "+",      "-",     "--1",      "+-1",  "-+1", "++1",
                                      "e5",   "1e",     "1e+",   "1e400",    ".",    "-.",  "1.2.3",
                                      "1,5",  "1e-400", "1_000", "infinity", "-nan"};
    double value = 42.0;
    for (size_t i = 0; i < TT_ARRAY_SIZE(bad); i++) {
        assert_false(tt_double_parse(tt_str_from(bad[i]), &value));
        assert_true(bits_of(value) == bits_of(42.0));
    }
    assert_false(tt_double_parse((struct tt_str){NULL, 0}, &value));
    assert_false(tt_double_parse((struct tt_str){"1\0", 2}, &value));
    assert_true(tt_double_parse(TT_STR("+1.5e3"), &value));
    assert_true(bits_of(value) == bits_of(1500.0));
    assert_true(tt_double_parse(TT_STR("-0.0"), &value));
    assert_true(bits_of(value) == bits_of(-0.0));
    assert_true(tt_double_parse((struct tt_str){"12345", 2}, &value));
    assert_true(bits_of(value) == bits_of(12.0));
}

static void integers_have_the_range_of_64_bits(void **state)
{
    (void)state;
    int64_t value = 7;
    static const char *const bad[] = {"",
                                      "+",
                                      "-",
                                      "1.0",
                                      "1e3",
                                      " 1",
                                      "1 ",
                                      "0x1",
                                      "+-1",
                                      "--1",
                                      "9223372036854775808",
                                      "-9223372036854775809"};
    for (size_t i = 0; i < TT_ARRAY_SIZE(bad); i++) {
        assert_false(tt_int64_parse(tt_str_from(bad[i]), &value));
        assert_int_equal(value, 7);
    }
    static const int64_t good[] = {0, -1, 42, INT64_MAX, INT64_MIN};
    for (size_t i = 0; i < TT_ARRAY_SIZE(good); i++) {
        char text[TT_NUMBER_TEXT_SIZE];
        size_t size = tt_int64_format(good[i], text);
        assert_true(tt_int64_parse((struct tt_str){text, size}, &value));
        assert_int_equal(value, good[i]);
    }
    assert_true(tt_int64_parse(TT_STR("+17"), &value));
    assert_int_equal(value, 17);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(doubles_have_their_shortest_text),
        cmocka_unit_test(any_double_reads_back_as_the_same_bits),
        cmocka_unit_test(only_whole_decimal_numbers_are_doubles),
        cmocka_unit_test(integers_have_the_range_of_64_bits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
