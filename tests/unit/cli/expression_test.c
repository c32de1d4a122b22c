/* What `telltale expr` writes for an expression. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "cli/expression.h"

/* The object for a text with the values "a=1|b=2". */
static void expect(const char *text, const char *lets, const char *wanted)
{
    struct tt_expression expression = {.text = tt_str_from(text)};
    struct tt_str rest = tt_str_from(lets);
    struct tt_json_writer writer;
    struct tt_error err = {0};
    struct tt_buf buf;
    while (rest.data != NULL && rest.size > 0) {
        assert_true(tt_expression_add_let(&expression, tt_str_split(&rest, '|')));
    }
    tt_buf_init(&buf, &tt_alloc_libc, 1 << 20);
    tt_json_writer_init(&writer, &buf);
    tt_json_object_begin(&writer);
    bool good = tt_expression_write(&expression, &writer, &err);
    tt_json_object_end(&writer);
    assert_string_equal(buf.data, wanted);
    assert_true(good == (strstr(wanted, "\"error\"") == NULL));
    tt_buf_deinit(&buf);
}

static void values_are_json_where_json_has_them(void **state)
{
    (void)state;
    expect("1 + 1", "", "{\"type\":\"int\",\"value\":2}");
    expect("true", "", "{\"type\":\"bool\",\"value\":true}");
    expect("'a\\n'", "", "{\"type\":\"string\",\"value\":\"a\\n\"}");
    expect("null", "", "{\"type\":\"null\",\"value\":null}");
    expect("1.5", "", "{\"type\":\"double\",\"value\":1.5}");
    expect("[1, 'a', {1: [2u]}]", "", "{\"type\":\"list\",\"value\":[1,\"a\",{\"1\":[2]}]}");
    expect("{'a': true, false: null}", "",
           "{\"type\":\"map\",\"value\":{\"a\":true,\"false\":null}}");
}

static void other_values_are_text_of_the_language(void **state)
{
    (void)state;
    expect("9007199254740992", "", "{\"type\":\"int\",\"value\":9007199254740992}");
    expect("9007199254740993", "", "{\"type\":\"int\",\"value\":\"9007199254740993\"}");
    expect("-9007199254740993", "", "{\"type\":\"int\",\"value\":\"-9007199254740993\"}");
    expect("9007199254740993u", "", "{\"type\":\"uint\",\"value\":\"9007199254740993u\"}");
    expect("b'\\xff'", "", "{\"type\":\"bytes\",\"value\":\"b\\\"\\\\xff\\\"\"}");
    expect("0.0 / 0.0", "", "{\"type\":\"double\",\"value\":\"NaN\"}");
    expect("-1.0 / 0.0", "", "{\"type\":\"double\",\"value\":\"-Infinity\"}");
    expect("duration('90s')", "", "{\"type\":\"duration\",\"value\":\"duration(\\\"90s\\\")\"}");
    expect("timestamp(0)", "",
           "{\"type\":\"timestamp\",\"value\":\"timestamp(\\\"1970-01-01T00:00:00Z\\\")\"}");
    expect("type(1)", "", "{\"type\":\"type\",\"value\":\"int\"}");
}

static void lets_are_constant_expressions(void **state)
{
    (void)state;
    expect("x + y", "x=1|y = 2 * 3", "{\"type\":\"int\",\"value\":7}");
    expect("x[0] == 'a=b'", "x=['a=b']", "{\"type\":\"bool\",\"value\":true}");
    expect("true", "true=false", "{\"type\":\"bool\",\"value\":true}");
    expect("x", "x=1/0",
           "{\"error\":{\"code\":\"divide_by_zero\",\"message\":\"let x: division by "
           "zero\",\"offset\":1}}");
    expect("x", "x=1|x=2",
           "{\"error\":{\"code\":\"conflict\",\"message\":\"the name 'x' is "
           "taken\",\"offset\":0}}");
}

static void checking_is_gradual_and_errors_have_a_place(void **state)
{
    (void)state;
    expect("true || x > 1", "", "{\"type\":\"bool\",\"value\":true}");
    expect("1 == 'a'", "", "{\"type\":\"bool\",\"value\":false}");
    expect("false && 1", "", "{\"type\":\"bool\",\"value\":false}");
    expect("[1, 'a'][1]", "", "{\"type\":\"string\",\"value\":\"a\"}");
    expect("1 > 0 && x", "",
           "{\"error\":{\"code\":\"unknown_name\",\"message\":\"unknown name (undeclared "
           "reference)\",\"offset\":9}}");
    expect("1 + 2.0", "",
           "{\"error\":{\"code\":\"type\",\"message\":\"no such overload: not for these "
           "types\",\"offset\":2}}");
    expect("1 +", "",
           "{\"error\":{\"code\":\"syntax\",\"message\":\"a value is missing, the expression ends "
           "here\",\"offset\":3}}");
}

static void lists_deeper_than_json_goes_are_text(void **state)
{
    (void)state;
    struct tt_buf text;
    struct tt_buf wanted;
    tt_buf_init(&text, &tt_alloc_libc, 1 << 16);
    tt_buf_init(&wanted, &tt_alloc_libc, 1 << 16);
    tt_buf_append_text(&wanted, "{\"type\":\"list\",\"value\":");
    for (int i = 0; i < 30; i++) {
        tt_buf_append_char(&text, '[');
        tt_buf_append_text(&wanted, i < 24 ? "[" : i == 24 ? "\"[" : "[");
    }
    for (int i = 0; i < 30; i++) {
        tt_buf_append_char(&text, ']');
        tt_buf_append_text(&wanted, i == 5 ? "]\"" : "]");
    }
    tt_buf_append_char(&wanted, '}');
    expect(text.data, "", wanted.data);
    tt_buf_deinit(&text);
    tt_buf_deinit(&wanted);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_are_json_where_json_has_them),
        cmocka_unit_test(other_values_are_text_of_the_language),
        cmocka_unit_test(lets_are_constant_expressions),
        cmocka_unit_test(checking_is_gradual_and_errors_have_a_place),
        cmocka_unit_test(lists_deeper_than_json_goes_are_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
