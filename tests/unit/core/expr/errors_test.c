/* Every error code of compiling, with its offset, line, column and what it says. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "core/expr/expr.h"

static struct tt_expr_env *new_env(void)
{
    static const struct {
        const char *name;
        enum tt_type type;
    } names[] = {{"amount", TT_TYPE_DOUBLE},          {"count", TT_TYPE_INT},
                 {"channel", TT_TYPE_STRING},         {"flag", TT_TYPE_BOOL},
                 {"at", TT_TYPE_TIMESTAMP},           {"u", TT_TYPE_UINT},
                 {"user_tx_count_1h", TT_TYPE_DOUBLE}};
    struct tt_expr_env *env = NULL;
    struct tt_error err;
    uint32_t slot = 0;
    assert_int_equal(tt_expr_env_new(&tt_alloc_libc, NULL, &env, &err), TT_OK);
    for (size_t i = 0; i < TT_ARRAY_SIZE(names); i++) {
        assert_int_equal(
            tt_expr_env_add(env, tt_str_from(names[i].name), names[i].type, &slot, &err), TT_OK);
        assert_int_equal(slot, i);
    }
    return env;
}

struct row {
    const char *text;
    enum tt_status status;
    uint32_t offset;
    const char *says; /* a part of the message */
};

static void expect_all(const struct row *rows, size_t count)
{
    struct tt_expr_env *env = new_env();
    for (size_t i = 0; i < count; i++) {
        struct tt_expr_options options = {.text = tt_str_from(rows[i].text)};
        struct tt_error err = {0};
        struct tt_expr *expr = NULL;
        enum tt_status status = tt_expr_compile(&tt_alloc_libc, env, &options, &expr, &err);
        if (status != rows[i].status || err.status != status || err.offset != rows[i].offset ||
            strstr(err.message, rows[i].says) == NULL) {
            fail_msg("%s\n  gives %s at %u: %s", rows[i].text, tt_status_name(status),
                     (unsigned)err.offset, err.message);
        }
        assert_null(expr);
    }
    tt_expr_env_free(env);
}
#define EXPECT_ALL(...)                                                                            \
    static const struct row rows[] = {__VA_ARGS__};                                                \
    (void)state;                                                                                   \
    expect_all(rows, TT_ARRAY_SIZE(rows))

static void what_is_not_of_the_grammar_is_a_syntax_error(void **state)
{
    EXPECT_ALL(
        {"", TT_E_SYNTAX, 0, "an expression is missing"},
        {"  // only a comment", TT_E_SYNTAX, 19, "an expression is missing"},
        {"amount >", TT_E_SYNTAX, 8, "a value is missing"},
        {"amount 5", TT_E_SYNTAX, 7, "expected an operator instead of '5'"},
        {"(amount", TT_E_SYNTAX, 7, "expected ')'"},
        {"amount)", TT_E_SYNTAX, 6, "expected an operator instead of ')'"},
        {"amount > > 5", TT_E_SYNTAX, 9, "expected a value instead of '>'"},
        {"amount = 5.0", TT_E_SYNTAX, 7, "write =="},
        {"flag & flag", TT_E_SYNTAX, 5, "write && or ||"},
        {"flag and flag", TT_E_SYNTAX, 5, "instead of 'and'"},
        {"flag ? 1", TT_E_SYNTAX, 8, "expected ':'"},
        {"[1, 2", TT_E_SYNTAX, 5, "expected ']' or ','"},
        {"[1, , 2]", TT_E_SYNTAX, 4, "instead of ','"},
        {"abs(1,)", TT_E_SYNTAX, 6, "an argument is missing"},
        {"channel.5", TT_E_SYNTAX, 7, "instead of '.5'"},
        {"channel.", TT_E_SYNTAX, 8, "the name of a field or method"},
        {"'abc", TT_E_SYNTAX, 0, "no closing quote"},
        {"amount > 1 && 'a\nb' == channel", TT_E_SYNTAX, 14, "no closing quote"},
        {"'''abc''", TT_E_SYNTAX, 0, "no closing quote"},
        {"'abc\\'", TT_E_SYNTAX, 0, "no closing quote"},
        {"'a\\qb'", TT_E_SYNTAX, 2, "no such escape"}, {"'\\x4'", TT_E_SYNTAX, 1, "no such escape"},
        {"'\\ud800'", TT_E_SYNTAX, 1, "no such escape"},
        {"'\\U00110000'", TT_E_SYNTAX, 1, "no such escape"},
        {"'\\400'", TT_E_SYNTAX, 1, "no such escape"},
        {"amount # 5", TT_E_SYNTAX, 7, "unexpected character"},
        {"amount > 5x", TT_E_SYNTAX, 10, "instead of 'x'"},
        {"1e", TT_E_SYNTAX, 1, "instead of 'e'"}, {"0x", TT_E_SYNTAX, 1, "instead of 'x'"},
        {"for > 1", TT_E_SYNTAX, 0, "reserved word"},
        {"amount > \xff", TT_E_SYNTAX, 9, "not UTF-8"}, {"'\xc0\xaf'", TT_E_SYNTAX, 1, "not UTF-8"},
        {"known_\xc3\xa9 > 1", TT_E_SYNTAX, 6, "unexpected character"});
}

static void an_unknown_name_says_the_nearest(void **state)
{
    EXPECT_ALL({"amout > 1", TT_E_UNKNOWN, 0, "'amout'; did you mean 'amount'?"},
               {"flag && user_tx_count_2h > 1", TT_E_UNKNOWN, 8, "'user_tx_count_1h'?"},
               {"xyzzy > 1", TT_E_UNKNOWN, 0, "unknown name 'xyzzy'"},
               {"channel.startWith('a')", TT_E_UNKNOWN, 8, "'startsWith'?"},
               {"isMissing(amount)", TT_E_UNKNOWN, 0, "'is_missing'?"},
               {"frobnicate(amount)", TT_E_UNKNOWN, 0, "unknown function"},
               {"size > 1", TT_E_UNKNOWN, 0, "'size' is a function"});
}

static void a_wrong_type_says_what_to_write(void **state)
{
    EXPECT_ALL({"amount + 2", TT_E_TYPE, 9, "write 2.0"}, {"3 * amount", TT_E_TYPE, 0, "write 3.0"},
               {"amount * count", TT_E_TYPE, 7, "double(…)"}, {"count + u", TT_E_TYPE, 6, "int(…)"},
               {"amount + 'a'", TT_E_TYPE, 7, "no operator + for double, string"},
               {"-channel", TT_E_TYPE, 0, "no operator - for string"},
               {"-u", TT_E_TYPE, 0, "no operator - for uint"},
               {"amount % 2.0", TT_E_TYPE, 7, "no operator %"},
               {"amount && flag", TT_E_TYPE, 0, "&& needs a bool, this is double"},
               {"flag || count", TT_E_TYPE, 8, "|| needs a bool, this is int"},
               {"flag && (amount + 1.0)", TT_E_TYPE, 8, "this is double"},
               {"!amount", TT_E_TYPE, 1, "! needs a bool"},
               {"count ? 1 : 2", TT_E_TYPE, 0, "the condition of ?:"},
               {"flag ? 1 : 2.0", TT_E_TYPE, 7, "write 1.0"},
               {"flag ? 'a' : 2", TT_E_TYPE, 5, "different types, string and int"},
               {"channel > 5", TT_E_TYPE, 8, "'>' cannot compare string with int"},
               {"channel == 5", TT_E_TYPE, 8, "'==' cannot compare string with int"},
               {"amount == null", TT_E_TYPE, 7, "is_missing(x)"},
               {"at > 5", TT_E_TYPE, 3, "timestamp with int"},
               {"1 < 2 < 3", TT_E_TYPE, 6, "bool with int"},
               {"[1] < [2]", TT_E_TYPE, 4, "list(int) with list(int)"},
               {"amount in ['a']", TT_E_TYPE, 7, "double is never in a list(string)"},
               {"channel in channel", TT_E_TYPE, 11, "needs a list or map on its right"},
               {"channel.startsWith(5)", TT_E_TYPE, 8, "there is string.startsWith(string)"},
               {"startsWith(channel, 'a')", TT_E_TYPE, 0, "there is string.startsWith(string)"},
               {"abs()", TT_E_TYPE, 0, "there is abs(int) or abs(double)"},
               {"distance_km(1.0, 2.0, 3.0)", TT_E_TYPE, 0, "distance_km(double, double, double"},
               {"channel[0]", TT_E_TYPE, 7, "no operator [] for string, int"},
               {"duration('1h') * 2", TT_E_TYPE, 15, "no operator *"},
               {"at + at", TT_E_TYPE, 3, "no operator + for timestamp, timestamp"});
}

static void a_constant_part_that_can_only_fail_is_refused(void **state)
{
    EXPECT_ALL({"1 / 0 > amount", TT_E_INVALID, 2, "divide_by_zero"},
               {"9223372036854775807 + 1 > 0", TT_E_INVALID, 20, "overflow"},
               {"-(-9223372036854775808)", TT_E_INVALID, 0, "overflow"},
               {"2u - 3u", TT_E_INVALID, 3, "overflow"}, {"[1, 2][2]", TT_E_INVALID, 6, "range"},
               {"at > timestamp('yesterday')", TT_E_INVALID, 5, "RFC 3339"},
               {"at > timestamp('2026-02-30T00:00:00Z')", TT_E_INVALID, 5, "RFC 3339"},
               {"at - at > duration('1d')", TT_E_INVALID, 10, "units h m s"},
               {"duration('') > duration('1h')", TT_E_INVALID, 0, "units"},
               {"duration('1') > duration('1h')", TT_E_INVALID, 0, "units"},
               {"duration('9999999999h') > at - at", TT_E_INVALID, 0, "units"},
               {"int('12x') > 1", TT_E_INVALID, 0, "range"},
               {"bool('maybe')", TT_E_INVALID, 0, "range"});
}

static void numbers_past_their_range_are_refused(void **state)
{
    EXPECT_ALL({"count > 9223372036854775808", TT_E_LIMIT, 8, "past the range of int"},
               {"count > -9223372036854775809", TT_E_LIMIT, 9, "past the range of int"},
               {"u > 18446744073709551616u", TT_E_LIMIT, 4, "past the range of uint"},
               {"amount > 1e400", TT_E_LIMIT, 9, "past the range of double"},
               {"0x1FFFFFFFFFFFFFFFF > 1", TT_E_LIMIT, 0, "past the range of int"});
}

static void what_is_not_supported_says_so(void **state)
{
    EXPECT_ALL({"flag && Money{units: 1} == 2", TT_E_UNSUPPORTED, 8, "messages"},
               {"a.b.C{}", TT_E_UNSUPPORTED, 0, "messages"});
}

static void macros_and_maps_say_where_they_are_wrong(void **state)
{
    EXPECT_ALL({"channel.name == 'a'", TT_E_TYPE, 8, "'.name' selects from a map"},
               {"[1].all(1, true)", TT_E_SYNTAX, 8, "a variable's name"},
               {"[1].all(x)", TT_E_SYNTAX, 9, "',' behind the variable"},
               {"[1].map(x, y, z, 1)", TT_E_SYNTAX, 15, "expected ')'"},
               {"[1].transformList(x, 1)", TT_E_SYNTAX, 21, "needs two variables"},
               {"[1].all(x, x > 0) && x", TT_E_UNKNOWN, 21, "unknown name 'x'"},
               {"[1].all(x, y)", TT_E_UNKNOWN, 11, "unknown name 'y'"},
               {"[1].all(x, x)", TT_E_TYPE, 11, "needs a bool, this is int"},
               {"channel.all(x, true)", TT_E_TYPE, 8, "does not go over a string"},
               {"{1.5: 2}", TT_E_TYPE, 1, "the key of a map"},
               {"{1: 2, 1u: 3}", TT_E_INVALID, 0, "duplicate_key"},
               {"{1 2}", TT_E_SYNTAX, 3, "':' behind the key"},
               {"[?1]", TT_E_TYPE, 2, "'?' needs an optional"},
               {"cel.bind(1, 2, 3)", TT_E_SYNTAX, 9, "a variable's name"},
               {"b'\\u0041'", TT_E_SYNTAX, 2, "no such escape"});
}

static void more_than_a_limit_is_refused(void **state)
{
    EXPECT_ALL({"abs(1, 2, 3, 4, 5, 6, 7, 8, 9)", TT_E_LIMIT, 28, "more than 8 arguments"});
}

static void places_are_those_of_the_file(void **state)
{
    (void)state;
    struct tt_expr_env *env = new_env();
    struct tt_expr_options options = {
        .text = TT_STR("flag &&\n amout > 1"), .line = 10, .column = 20};
    struct tt_expr *expr = NULL;
    struct tt_error err;
    assert_int_equal(tt_expr_compile(&tt_alloc_libc, env, &options, &expr, &err), TT_E_UNKNOWN);
    assert_int_equal(err.line, 11);
    assert_int_equal(err.column, 2);
    assert_int_equal(err.offset, 9);
    options.text = TT_STR("flag && amout > 1");
    assert_int_equal(tt_expr_compile(&tt_alloc_libc, env, &options, &expr, &err), TT_E_UNKNOWN);
    assert_int_equal(err.line, 10);
    assert_int_equal(err.column, 28);
    options.line = options.column = 0;
    assert_int_equal(tt_expr_compile(&tt_alloc_libc, env, &options, &expr, &err), TT_E_UNKNOWN);
    assert_int_equal(err.line, 1);
    assert_int_equal(err.column, 9);
    assert_int_equal(tt_expr_compile(&tt_alloc_libc, env, &options, &expr, NULL), TT_E_UNKNOWN);
    tt_expr_env_free(env);
}

static void the_whole_must_have_the_type_asked_for(void **state)
{
    (void)state;
    struct tt_expr_env *env = new_env();
    struct tt_expr_options options = {.text = TT_STR("amount + 1.0"), .want = TT_TYPE_BOOL};
    struct tt_expr *expr = NULL;
    struct tt_error err;
    assert_int_equal(tt_expr_compile(&tt_alloc_libc, env, &options, &expr, &err), TT_E_TYPE);
    assert_string_equal(err.message, "a bool is needed here, this is double");
    options = (struct tt_expr_options){.text = TT_STR("count"), .want = TT_TYPE_DOUBLE};
    assert_int_equal(tt_expr_compile(&tt_alloc_libc, env, &options, &expr, &err), TT_E_TYPE);
    assert_null(expr);
    tt_expr_env_free(env);
}

static void names_are_declared_once_and_are_identifiers(void **state)
{
    (void)state;
    struct tt_expr_env *env = new_env();
    struct tt_expr_env *child = NULL;
    struct tt_error err;
    uint32_t slot = 99;
    char name[TT_EXPR_NAME_SIZE_MAX + 1];
    static const char *const bad[] = {"", "1a", "a-b", "a b", "in", "true", "while", "a\xc3\xa9"};
    assert_int_equal(tt_expr_env_new(&tt_alloc_libc, env, &child, &err), TT_OK);
    for (size_t i = 0; i < TT_ARRAY_SIZE(bad); i++) {
        assert_int_equal(tt_expr_env_add(child, tt_str_from(bad[i]), TT_TYPE_INT, &slot, &err),
                         TT_E_INVALID);
    }
    assert_int_equal(tt_expr_env_add(child, TT_STR("amount"), TT_TYPE_INT, &slot, &err),
                     TT_E_CONFLICT);
    memset(name, 'x', sizeof(name));
    struct tt_str whole = {name, sizeof(name)};
    assert_int_equal(tt_expr_env_add(child, whole, TT_TYPE_INT, &slot, &err), TT_E_INVALID);
    whole.size--;
    assert_int_equal(slot, 99);
    assert_int_equal(tt_expr_env_add(child, whole, TT_TYPE_INT, &slot, &err), TT_OK);
    assert_int_equal(slot, 7);
    assert_int_equal(tt_expr_env_slot_count(child), 8);
    assert_int_equal(tt_expr_env_slot_count(env), 7);
    tt_expr_env_free(child);
    tt_expr_env_free(env);
}

static void an_alias_of_itself_is_refused(void **state)
{
    (void)state;
    struct tt_expr_env *env = new_env();
    struct tt_expr *expr = NULL;
    struct tt_error err;
    struct tt_expr_options options = {.text = TT_STR("flag || loopy")};
    assert_int_equal(tt_expr_env_add_alias(env, TT_STR("loopy"), TT_STR("flag && loopy"), &err),
                     TT_OK);
    assert_int_equal(tt_expr_compile(&tt_alloc_libc, env, &options, &expr, &err), TT_E_LIMIT);
    assert_int_equal(err.offset, 8);
    tt_expr_env_free(env);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_not_of_the_grammar_is_a_syntax_error),
        cmocka_unit_test(an_unknown_name_says_the_nearest),
        cmocka_unit_test(a_wrong_type_says_what_to_write),
        cmocka_unit_test(a_constant_part_that_can_only_fail_is_refused),
        cmocka_unit_test(numbers_past_their_range_are_refused),
        cmocka_unit_test(what_is_not_supported_says_so),
        cmocka_unit_test(macros_and_maps_say_where_they_are_wrong),
        cmocka_unit_test(more_than_a_limit_is_refused),
        cmocka_unit_test(places_are_those_of_the_file),
        cmocka_unit_test(the_whole_must_have_the_type_asked_for),
        cmocka_unit_test(names_are_declared_once_and_are_identifiers),
        cmocka_unit_test(an_alias_of_itself_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
