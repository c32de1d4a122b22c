/* What expressions are worth: literals, operators, functions, errors as values, limits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "core/expr/expr.h"
#include "support/torture.h"

struct world {
    struct tt_expr_env *env;
    struct tt_value slots[16];
    struct tt_list *list;
    struct tt_expr_scratch scratch;
};

static uint32_t declare(struct world *world, const char *name, enum tt_type type)
{
    uint32_t slot = 0;
    struct tt_error err;
    assert_int_equal(tt_expr_env_add(world->env, tt_str_from(name), type, &slot, &err), TT_OK);
    return slot;
}

static int set_up(void **state)
{
    static struct world world;
    struct tt_error err;
    struct tt_value items[20];
    assert_int_equal(tt_expr_env_new(&tt_alloc_libc, NULL, &world.env, &err), TT_OK);
    world.slots[declare(&world, "amount", TT_TYPE_DOUBLE)] = tt_value_double(150.5);
    world.slots[declare(&world, "count", TT_TYPE_INT)] = tt_value_int(7);
    world.slots[declare(&world, "channel", TT_TYPE_STRING)] = tt_value_text(TT_STR("online"));
    world.slots[declare(&world, "gone", TT_TYPE_DOUBLE)] = tt_value_none(TT_VALUE_MISSING);
    world.slots[declare(&world, "gone_text", TT_TYPE_STRING)] = tt_value_none(TT_VALUE_MISSING);
    world.slots[declare(&world, "flag", TT_TYPE_BOOL)] = tt_value_bool(true);
    /* 2026-03-01T12:30:05.123Z, a Sunday */
    world.slots[declare(&world, "at", TT_TYPE_TIMESTAMP)] =
        tt_value_timestamp_ms(INT64_C(1772368205123));
    world.slots[declare(&world, "any", TT_TYPE_DYN)] = tt_value_int(3);
    world.slots[declare(&world, "big", TT_TYPE_INT)] = tt_value_int(INT64_MAX);
    world.slots[declare(&world, "small", TT_TYPE_INT)] = tt_value_int(INT64_MIN);
    world.slots[declare(&world, "zero", TT_TYPE_INT)] = tt_value_int(0);
    world.slots[declare(&world, "gone_flag", TT_TYPE_BOOL)] = tt_value_none(TT_VALUE_MISSING);
    world.slots[declare(&world, "u", TT_TYPE_UINT)] =
        (struct tt_value){.type = TT_TYPE_UINT, .uinteger = 5};
    for (size_t i = 0; i < TT_ARRAY_SIZE(items); i++) {
        static const char texts[] = "abcdefghijklmnopqrstuvwxyz";
        items[i] = tt_value_text((struct tt_str){texts + i, 3});
    }
    assert_int_equal(tt_list_new(&tt_alloc_libc, items, TT_ARRAY_SIZE(items), &world.list, &err),
                     TT_OK);
    struct tt_value list = {.type = TT_TYPE_LIST, .list = world.list};
    assert_int_equal(tt_expr_env_add_value(world.env, TT_STR("known"), &list, &err), TT_OK);
    assert_int_equal(
        tt_expr_env_add_alias(world.env, TT_STR("large"), TT_STR("amount > 100.0 || flag"), &err),
        TT_OK);
    *state = &world;
    return 0;
}

static int tear_down(void **state)
{
    struct world *world = *state;
    tt_expr_env_free(world->env);
    tt_list_free(&tt_alloc_libc, world->list);
    return 0;
}

/* The value of a text, printed. */
static void print(struct world *world, const char *text, struct tt_buf *buf)
{
    struct tt_expr_options options = {.text = tt_str_from(text)};
    struct tt_error err = {0};
    struct tt_expr *expr = NULL;
    struct tt_value value;
    if (tt_expr_compile(&tt_alloc_libc, world->env, &options, &expr, &err) != TT_OK) {
        tt_buf_append_format(buf, "%s", err.message);
        return;
    }
    memset(&world->scratch, 0xA5, sizeof(world->scratch)); /* needs no initialising */
    tt_expr_eval(expr, world->slots, &world->scratch, &value);
    assert_int_equal(tt_value_print(&value, buf), TT_OK);
    if (value.type != TT_TYPE_NONE && tt_expr_type(expr) != TT_TYPE_DYN) {
        assert_int_equal(value.type, tt_expr_type(expr));
    }
    tt_expr_free(expr);
}

static void expect(struct world *world, const char *text, const char *wanted)
{
    struct tt_buf buf;
    tt_buf_init(&buf, &tt_alloc_libc, 1 << 16);
    print(world, text, &buf);
    if (buf.data == NULL || strcmp(buf.data, wanted) != 0) {
        print_message("%s gives %s, not %s\n", text, buf.data, wanted);
        fail();
    }
    tt_buf_deinit(&buf);
}

struct row {
    const char *text, *value;
};
static void expect_all(void **state, const struct row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        expect(*state, rows[i].text, rows[i].value);
    }
}
#define EXPECT_ALL(...)                                                                            \
    static const struct row rows[] = {__VA_ARGS__};                                                \
    expect_all(state, rows, TT_ARRAY_SIZE(rows))

static void literals_are_those_of_the_specification(void **state)
{
    EXPECT_ALL({"1", "1"}, {"-1", "-1"}, {"0x1F", "31"}, {"-0xa", "-10"}, {"5u", "5u"},
               {"0xFFu", "255u"}, {"9223372036854775807", "9223372036854775807"},
               {"-9223372036854775808", "-9223372036854775808"},
               {"18446744073709551615u", "18446744073709551615u"}, {"1.5", "1.5"}, {".5", "0.5"},
               {"1e3", "1000.0"}, {"1.5E-3", "0.0015"}, {"-2.0", "-2.0"}, {"true", "true"},
               {"false", "false"}, {"null", "null"}, {"\"a\"", "\"a\""}, {"'a\"b'", "\"a\\\"b\""},
               {"'\\n\\t\\\\\\x41\\101\\u00e9\\U0001F600'", "\"\\n\\t\\\\AA\u00e9\U0001F600\""},
               {"r'\\n'", "\"\\\\n\""}, {"'''a\n'b'''", "\"a\\n'b\""},
               {"\"\"\"x\"y\"\"\"", "\"x\\\"y\""}, {"r\"\"\"\\\"\"\"", "\"\\\\\""}, {"''", "\"\""},
               {"[1, 2,]", "[1, 2]"}, {"[]", "[]"}, {"1 // a comment\n + 2", "3"},
               {" \t\r\n\f1", "1"});
}

static void operators_bind_as_the_specification_says(void **state)
{
    EXPECT_ALL({"1 + 2 * 3", "7"}, {"(1 + 2) * 3", "9"}, {"10 - 2 - 3", "5"}, {"7 / 2", "3"},
               {"-7 / 2", "-3"}, {"-7 % 3", "-1"}, {"7u % 4u", "3u"}, {"2.0 * 3.5", "7.0"},
               {"1 + 2 < 4 && !false", "true"}, {"true || false && false", "true"},
               {"1 < 2 == true", "true"}, {"true ? 1 : false ? 2 : 3", "1"},
               {"false ? 1 : false ? 2 : 3", "3"}, {"- -3", "3"}, {"--count", "7"},
               {"-count", "-7"}, {"!!flag", "true"}, {"'a' + 'b' + channel", "\"abonline\""},
               {"[1, 2, 3][1]", "2"}, {"[[1], [2]][1][0]", "2"}, {"count - 1", "6"},
               {"count -1", "6"}, {"amount - 0.5", "150.0"}, {".amount", "150.5"});
}

static void numbers_compare_across_types_exactly(void **state)
{
    EXPECT_ALL({"1 == 1.0", "true"}, {"1u == 1", "true"}, {"-1 < 0u", "true"},
               {"amount > 5", "true"}, {"big == 9223372036854775808.0", "false"},
               {"big < 9223372036854775808.0", "true"}, {"small == -9223372036854775808.0", "true"},
               {"9007199254740993 == 9007199254740992.0", "false"},
               {"9007199254740993 > 9007199254740992.0", "true"}, {"1 < 1.5", "true"},
               {"2 > 1.5", "true"}, {"-1 > -1.5", "true"},
               {"18446744073709551615u < 18446744073709551616.0", "true"},
               {"big < 18446744073709551615u", "true"}, {"0.0 / 0.0 == 0.0 / 0.0", "false"},
               {"0.0 / 0.0 != 0.0 / 0.0", "true"}, {"0.0/0.0 < 1", "false"},
               {"0.0/0.0 >= 1", "false"}, {"count < 0.0/0.0", "false"}, {"-0.0 == 0.0", "true"},
               {"u == 5", "true"}, {"count in [1.0, 7.0]", "true"}, {"count == 7.0", "true"},
               {"amount != 150.5", "false"}, {"amount <= 150.5 && amount >= 150.5", "true"});
}

static void texts_times_and_lists_compare(void **state)
{
    EXPECT_ALL({"'a' < 'b'", "true"}, {"'a' < 'ab'", "true"}, {"channel == 'online'", "true"},
               {"channel != 'online'", "false"}, {"channel in ['pos', 'online']", "true"},
               {"channel in []", "false"}, {"'abc' in known", "true"}, {"'abd' in known", "false"},
               {"'tuv' in known", "true"}, {"!(channel in known)", "true"},
               {"[1, 2] == [1.0, 2u]", "true"}, {"[1] == [1, 2]", "false"},
               {"false < true", "true"}, {"flag == true", "true"},
               {"at == timestamp('2026-03-01T12:30:05.123Z')", "true"},
               {"at - timestamp('2026-03-01T12:00:00Z')", "duration(\"1805.123s\")"},
               {"at + duration('1h') > at", "true"}, {"duration('1h') + at > at", "true"},
               {"at - duration('24h') < timestamp('2026-03-01T00:00:00Z')", "true"},
               {"duration('90m') == duration('1h30m')", "true"},
               {"duration('-1.5s')", "duration(\"-1.5s\")"},
               {"duration('1ms') < duration('1s')", "true"}, {"duration('0')", "duration(\"0s\")"},
               {"timestamp('2026-03-01T13:30:05+01:00')", "timestamp(\"2026-03-01T12:30:05Z\")"},
               {"timestamp('1969-12-31T23:59:59.999999999Z')",
                "timestamp(\"1969-12-31T23:59:59.999999999Z\")"},
               {"timestamp(0)", "timestamp(\"1970-01-01T00:00:00Z\")"});
}

static void errors_are_values_and_say_their_kind(void **state)
{
    EXPECT_ALL({"gone", "error(\"missing\")"}, {"gone + 1.0", "error(\"missing\")"},
               {"gone > 1", "error(\"missing\")"}, {"big + 1", "error(\"overflow\")"},
               {"small - 1", "error(\"overflow\")"}, {"-small", "error(\"overflow\")"},
               {"big * 2", "error(\"overflow\")"}, {"small / -1", "error(\"overflow\")"},
               {"small % -1", "error(\"overflow\")"}, {"abs(small)", "error(\"overflow\")"},
               {"1 / zero", "error(\"divide_by_zero\")"}, {"1 % zero", "error(\"divide_by_zero\")"},
               {"1.0 / 0.0 > 1e308", "true"}, {"u - 6u", "error(\"overflow\")"},
               {"[1, 2][count]", "error(\"range\")"}, {"[1][-count]", "error(\"range\")"},
               {"int(channel)", "error(\"range\")"}, {"timestamp(channel)", "error(\"range\")"},
               {"int(amount * 1e300)", "error(\"overflow\")"},
               {"uint(-count)", "error(\"overflow\")"},
               {"at + duration('87600000h')", "error(\"overflow\")"},
               {"any + 'x'", "error(\"type\")"}, {"any && true", "error(\"type\")"},
               {"any < 'x'", "error(\"type\")"}, {"[gone]", "error(\"missing\")"});
}

static void logic_absorbs_errors_on_either_side(void **state)
{
    EXPECT_ALL(
        {"gone > 1 && false", "false"}, {"false && gone > 1", "false"},
        {"gone > 1 || true", "true"}, {"true || gone > 1", "true"},
        {"gone > 1 && true", "error(\"missing\")"}, {"flag && gone > 1", "error(\"missing\")"},
        {"gone > 1 || amount < 1", "error(\"missing\")"}, {"gone > 1 && amount < 1", "false"},
        {"gone > 1 || amount > 1", "true"}, {"gone_text == 'x' || flag", "true"},
        {"gone_text != 'x' && !flag", "false"}, {"gone_flag || flag", "true"},
        {"gone_flag && flag", "error(\"missing\")"}, {"!gone_flag", "error(\"missing\")"},
        {"1 / zero > 0 && gone > 1", "error(\"divide_by_zero\")"},
        {"(gone > 1 && amount < 1) || flag", "true"}, {"gone_flag ? 1 : 2", "error(\"missing\")"},
        {"flag ? 1 : 1 / zero", "1"}, {"!flag ? 1 / zero : 2", "2"},
        {"any == 3 && (gone > 1 || flag)", "true"}, {"gone_text in ['a']", "error(\"missing\")"},
        {"large && flag", "true"}, {"!large || flag", "true"});
}

static void missing_can_be_asked_for(void **state)
{
    EXPECT_ALL({"is_missing(gone)", "true"}, {"is_missing(amount)", "false"},
               {"has(gone)", "false"}, {"has(channel)", "true"}, {"is_missing(gone + 1.0)", "true"},
               {"is_missing(1 / zero)", "error(\"divide_by_zero\")"}, {"is_missing(any)", "false"},
               {"has(gone) && gone > 1", "false"}, {"is_missing(gone) ? 0.0 : gone", "0.0"});
}

static void functions_do_what_their_rows_say(void **state)
{
    EXPECT_ALL(
        {"channel.startsWith('on')", "true"}, {"channel.endsWith('x')", "false"},
        {"channel.contains('lin')", "true"}, {"channel.contains('')", "true"},
        {"size(channel)", "6"}, {"'h\u00e9'.size()", "2"}, {"size([1, 2])", "2"},
        {"known.size()", "20"}, {"'AbC'.lowerAscii()", "\"abc\""},
        {"'AbC\u00e9'.upperAscii()", "\"ABC\u00e9\""}, {"int(2.9)", "2"}, {"int(-2.9)", "-2"},
        {"int('42')", "42"}, {"int(5u)", "5"}, {"int(at)", "1772368205"}, {"uint(5)", "5u"},
        {"uint('7')", "7u"}, {"double(2)", "2.0"}, {"double('1.5')", "1.5"},
        {"string(12u)", "\"12\""}, {"string(true)", "\"true\""}, {"string(1.5)", "\"1.5\""},
        {"string(duration('90s'))", "\"90s\""}, {"string(at)", "\"2026-03-01T12:30:05.123Z\""},
        {"bool('true')", "true"}, {"abs(-2.5)", "2.5"}, {"abs(-2)", "2"}, {"min(1, 2)", "1"},
        {"max(1.5, amount)", "150.5"}, {"min(3u, u)", "3u"}, {"log(1.0)", "0.0"},
        {"log(amount - amount)", "error(\"range\")"}, {"log(-amount)", "error(\"range\")"},
        {"distance_km(52.0, 13.0, 52.0, 13.0)", "0.0"},
        {"distance_km(0.0, 0.0, 0.0, 180.0) > 20015.0", "true"}, {"hour_of_day(at)", "12"},
        {"day_of_week(at)", "0"}, {"at.getFullYear()", "2026"}, {"at.getMonth()", "2"},
        {"at.getDate()", "1"}, {"at.getDayOfMonth()", "0"}, {"at.getDayOfYear()", "59"},
        {"at.getMinutes()", "30"}, {"at.getSeconds()", "5"}, {"at.getMilliseconds()", "123"},
        {"duration('-90m').getHours()", "-1"}, {"duration('1.5s').getMilliseconds()", "500"},
        {"duration('-1.5s').getSeconds()", "-1"}, {"duration('2h').getMinutes()", "120"},
        {"dyn(1) == 1", "true"}, {"any + 1", "4"}, {"any * 2 > 5", "true"},
        {"dyn('x') + 'y'", "\"xy\""}, {"timestamp('1969-12-31T12:00:00Z').getHours()", "12"},
        {"timestamp('1969-12-31T12:00:00Z').getDayOfWeek()", "3"});
}

static void maps_bytes_and_types_are_values(void **state)
{
    EXPECT_ALL(
        {"{'a': 1, 2: 'b'}", "{\"a\": 1, 2: \"b\"}"}, {"{}", "{}"}, {"{'a': 1}['a']", "1"},
        {"{'a': 1}.a", "1"}, {"{'a': 1}[channel]", "error(\"no_such_key\")"},
        {"{'a': {'b': 2}}.a.b", "2"}, {"{1: 'x'}[1u]", "\"x\""}, {"{1: 'x'}[1.0]", "\"x\""},
        {"'a' in {'a': 1}", "true"}, {"count in {7.0 == 7: 1}", "false"},
        {"{'a': 1, 'b': 2} == {'b': 2.0, 'a': 1u}", "true"}, {"{'a': 1} == {'a': 2}", "false"},
        {"{count: 1, 7u: 2}", "error(\"duplicate_key\")"}, {"size({'a': 1})", "1"},
        {"has({'a': 1}.a)", "true"}, {"has({'a': 1}.b)", "false"}, {"{any: 1}", "{3: 1}"},
        {"[1.5].map(x, {dyn(x): 1})", "error(\"type\")"}, {"b'ab'", "b\"ab\""},
        {"b'\\xff\\377'", "b\"\\xff\\xff\""}, {"b'\u00e9'.size()", "2"}, {"rb'\\x'", "b\"\\\\x\""},
        {"b'a' + b'b' == b'ab'", "true"}, {"b'a' < b'b'", "true"}, {"bytes('h\u00e9').size()", "3"},
        {"string(b'abc')", "\"abc\""}, {"string(bytes(channel)) == channel", "true"},
        {"type(1) == int", "true"}, {"type(1.0)", "double"}, {"type(type(1)) == type", "true"},
        {"type(null)", "null_type"}, {"type(at) == google.protobuf.Timestamp", "true"},
        {"type([]) == list && type({}) == map", "true"}, {"type(any) == uint", "false"},
        {"[1, 2] + [3]", "[1, 2, 3]"}, {"[count] + [gone]", "error(\"missing\")"},
        {"[7, 8][1.0]", "8"}, {"[7, 8][amount] == count", "error(\"range\")"},
        {"double('NaN')", "double(\"NaN\")"}, {"double('-Infinity')", "double(\"-Infinity\")"},
        {"timestamp('2026-03-01T23:30:00Z').getDate('+01:00')", "2"},
        {"timestamp('2026-03-01T00:30:00Z').getDayOfYear('-05:30')", "58"},
        {"timestamp('2026-03-01T00:30:00Z').getHours('UTC')", "0"},
        {"at.getHours(channel)", "error(\"zone\")"});
}

static void macros_go_over_lists_and_maps(void **state)
{
    EXPECT_ALL(
        {"[1, 2].all(x, x > 0)", "true"}, {"[1, 2].all(x, x > 1)", "false"},
        {"[].all(x, x > 1)", "true"}, {"[1, 2].exists(x, x == 2)", "true"},
        {"[].exists(x, true)", "false"}, {"[1, 2, 2].exists_one(x, x == 2)", "false"},
        {"[1, 2].existsOne(x, x == 2)", "true"}, {"[1, 2].map(x, x * count)", "[7, 14]"},
        {"[1, 2, 3].map(x, x > 1, x + 1)", "[3, 4]"}, {"[1, 2, 3].filter(x, x != 2)", "[1, 3]"},
        {"{'a': 1, 'b': 2}.map(k, k)", "[\"a\", \"b\"]"},
        {"{'a': 1}.exists(k, v, k == 'a' && v == 1)", "true"},
        {"[5, 6].transformList(i, v, i > 0, v + i)", "[7]"},
        {"{'a': 1, 'b': 2}.transformMap(k, v, v > 1, v * 2)", "{\"b\": 4}"},
        {"['x', 'y'].transformMapEntry(i, v, {v: i})", "{\"x\": 0, \"y\": 1}"},
        {"[1, 1].transformMapEntry(i, v, {v: i})", "error(\"duplicate_key\")"},
        {"[0, 1].all(x, 1 / x > 0)", "error(\"divide_by_zero\")"},
        {"[0, 1, 2].all(x, 1 / x > 0)", "false"}, {"[0, 1].exists(x, 1 / x > 0)", "true"},
        {"[0, 1].exists_one(x, 1 / x > 0)", "error(\"divide_by_zero\")"},
        {"[0, 1].map(x, 1 / x)", "error(\"divide_by_zero\")"},
        {"[0].filter(x, any)", "error(\"type\")"}, {"dyn(1).all(x, true)", "error(\"type\")"},
        {"[[1, 2], [3]].map(l, l.map(x, x + l[0]))", "[[2, 3], [6]]"},
        {"[1, 2].all(channel, channel < 3)", "true"}, {"[1].all(large, large == 1)", "true"},
        {"[1].exists(amount, .amount > 100.0)", "true"},
        {"[1, 2].exists(x, x > 1) && flag ? [count].map(x, x) : []", "[7]"},
        {"cel.bind(x, count + 1, x * x)", "64"}, {"cel.bind(x, 1 / zero, 5)", "5"},
        {"cel.bind(x, 1 / zero, x)", "error(\"divide_by_zero\")"},
        {"1 + cel.bind(x, count, cel.bind(y, x, x + y)) + 1", "16"});
}

static void optionals_hold_a_value_or_none(void **state)
{
    EXPECT_ALL({"optional.of(1)", "optional.of(1)"}, {"optional.none()", "optional.none()"},
               {"optional.of(1).hasValue()", "true"},
               {"optional.ofNonZeroValue('').hasValue()", "false"}, {"{'a': 1}.?a.value()", "1"},
               {"{'a': 1}.?b.orValue(count)", "7"}, {"{'a': {'b': 1}}.?a.b", "optional.of(1)"},
               {"{}.?a.b.c.orValue(2)", "2"}, {"[1][?0]", "optional.of(1)"},
               {"[1][?1]", "optional.none()"}, {"[?optional.of(1), ?optional.none(), 2]", "[1, 2]"},
               {"{?'a': optional.of(1), ?'b': optional.none()}", "{\"a\": 1}"},
               {"optional.of(1).or(optional.of(1 / zero))", "optional.of(1)"},
               {"optional.none().or(optional.of(2)).value()", "2"},
               {"optional.none().value()", "error(\"missing\")"},
               {"optional.of(20).optMap(x, x + 1)", "optional.of(21)"},
               {"optional.none().optMap(x, x + 1)", "optional.none()"},
               {"{'a': {'b': 1}}.?a.optFlatMap(x, x.?c)", "optional.none()"},
               {"optional.of(1) == optional.of(1.0)", "true"},
               {"has({'x': {'y': 1}}.?x.y)", "true"},
               {"optional.unwrap([optional.of(1), optional.none()])", "[1]"},
               {"type(optional.none()) == optional_type", "true"});
}

static void texts_have_the_extension_library(void **state)
{
    EXPECT_ALL(
        {"'tacocat'.charAt(3)", "\"o\""}, {"'tacocat'.charAt(7)", "\"\""},
        {"channel.charAt(count)", "error(\"range\")"},
        {"channel.charAt(-count)", "error(\"range\")"},
        {"'ta\u00a9o\u00a9\u03b1T'.indexOf('\u00a9', 3)", "4"}, {"'abc'.indexOf('x')", "-1"},
        {"'abc'.indexOf('')", "0"}, {"'abc'.indexOf('', 3)", "3"},
        {"channel.indexOf('n', count)", "error(\"range\")"},
        {"'ta\u00a9o\u00a9\u03b1T'.lastIndexOf('\u00a9', 3)", "2"}, {"''.lastIndexOf('@@')", "-1"},
        {"'tacocat'.lastIndexOf('')", "7"}, {"'bananananana'.lastIndexOf('nana', 7)", "6"},
        {"['a', 'b'].join()", "\"ab\""}, {"['a', 'b', 'c'].join('--')", "\"a--b--c\""},
        {"[].join('-')", "\"\""}, {"['a', count == 7 ? 'b' : ''].join('')", "\"ab\""},
        {"[dyn('a'), any].join()", "error(\"type\")"},
        {"'a b a'.replace('a', 'xy')", "\"xy b xy\""}, {"'aaa'.replace('a', 'b', 2)", "\"bba\""},
        {"'h\u00e9'.replace('', '-')", "\"-h-\u00e9-\""}, {"'aaa'.replace('a', '', -1)", "\"\""},
        {"'abc'.replace('x', 'y')", "\"abc\""}, {"'a,b,c'.split(',')", "[\"a\", \"b\", \"c\"]"},
        {"'a,b,c'.split(',', 2)", "[\"a\", \"b,c\"]"}, {"'a,'.split(',')", "[\"a\", \"\"]"},
        {"''.split(',')", "[\"\"]"}, {"'a,b'.split(',', 0)", "[]"},
        {"'h\u00e9'.split('')", "[\"h\", \"\u00e9\"]"}, {"'tacocat'.substring(4)", "\"cat\""},
        {"'tacocat'.substring(0, 4)", "\"taco\""}, {"channel.substring(count)", "error(\"range\")"},
        {"channel.substring(3, 2 + zero)", "error(\"range\")"},
        {"' \\f\\n\\u2003a b\\u3000 '.trim()", "\"a b\""},
        {"'\\u200ba'.trim() == '\\u200ba'", "true"}, {"'h\u00e9l'.reverse()", "\"l\u00e9h\""},
        {"strings.quote('a\"b\\n')", "\"\\\"a\\\\\\\"b\\\\n\\\"\""},
        {"'%s and %d, %.2f%%'.format(['x', 5u, 1.005])", "\"x and 5, 1.00%\""},
        {"'%b %o %x %X'.format([5, 8, -30, 'Az'])", "\"101 10 -1e 417A\""},
        {"'%.3f'.format([1.2345])", "\"1.234\""}, {"'%e'.format([2.71828])", "\"2.718280e+00\""},
        {"'%s'.format([[1.0, null, {'b': b'x', 'a': type(1)}]])", "\"[1, null, {a: int, b: x}]\""},
        {"'%s %d'.format([double('NaN'), double('-Infinity')])", "\"NaN -Infinity\""},
        {"'%d %d'.format([count])", "error(\"range\")"},
        {"'%a'.format([count])", "error(\"range\")"}, {"'%d'.format([channel])", "error(\"type\")"},
        {"'%'.format([count])", "error(\"range\")"},
        {"'%.999f'.format([amount])", "error(\"range\")"},
        {"'%s'.format([duration('90s')])", "\"90s\""});
}

static void addresses_are_in_networks(void **state)
{
    static const struct row rows[] = {
        {"ip_in_cidr('10.1.2.3', '10.0.0.0/8')", "true"},
        {"ip_in_cidr('11.1.2.3', '10.0.0.0/8')", "false"},
        {"ip_in_cidr('10.1.2.3', '10.1.2.0/23')", "true"},
        {"ip_in_cidr('10.1.4.3', '10.1.2.0/23')", "false"},
        {"ip_in_cidr('1.2.3.4', '0.0.0.0/0')", "true"},
        {"ip_in_cidr('1.2.3.4', '1.2.3.4')", "true"},
        {"ip_in_cidr('1.2.3.4', '::/0')", "false"},
        {"ip_in_cidr('::1', '0.0.0.0/0')", "false"},
        {"ip_in_cidr('::1', '::/0')", "true"},
        {"ip_in_cidr('2001:db8::7', '2001:0DB8:0:0::/32')", "true"},
        {"ip_in_cidr('2001:db9::7', '2001:db8::/32')", "false"},
        {"ip_in_cidr('::ffff:10.0.0.1', '10.0.0.0/8')", "true"},
        {"ip_in_cidr('1:2:3:4:5:6:7:8', '1:2:3:4:5:6:7:8/128')", "true"},
        {"ip_in_cidr('fe80::1:2', 'fe80::/10')", "true"},
        {"list_contains([1, 2u, 3.0], 2)", "true"},
        {"list_contains(['a'], 'b')", "false"},
    };
    static const char *const bad[] = {
        "10.1.2",  "10.1.2.3.4",    "10.1.2.256",        "01.2.3.4",  "",   "1.2.3.4 ",
        "::1::",   "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9", ":1",        "1:", "1:2:3:4:5:6:7::8:9",
        "12345::", "g::",           "::1.2.3",           "1.2.3.4::", "a"};
    static const char *const networks[] = {"10.0.0.0/33",  "10.0.0.0/", "10.0.0.0/-1", "::/129",
                                           "10.0.0.0/8/8", "/8",        "10/8"};
    char text[128];
    expect_all(state, rows, TT_ARRAY_SIZE(rows));
    for (size_t i = 0; i < TT_ARRAY_SIZE(bad); i++) {
        (void)snprintf(text, sizeof(text), "ip_in_cidr('%s' + channel.substring(0, 0), '::/0')",
                       bad[i]);
        expect(*state, text, "error(\"range\")");
    }
    for (size_t i = 0; i < TT_ARRAY_SIZE(networks); i++) {
        (void)snprintf(text, sizeof(text), "ip_in_cidr('1.2.3.4' + channel.substring(0, 0), '%s')",
                       networks[i]);
        expect(*state, text, "error(\"range\")");
    }
}

static void numbers_and_lists_have_their_extension_libraries(void **state)
{
    EXPECT_ALL(
        {"math.greatest(1, 2.5, 2u)", "2.5"}, {"math.least(1, 2)", "1"},
        {"math.greatest(-3)", "-3"}, {"math.least([5.4, 10, 3u, -5.0])", "-5.0"},
        {"math.greatest([count, 'a'])", "error(\"type\")"}, {"math.ceil(1.2)", "2.0"},
        {"math.floor(-1.2)", "-2.0"}, {"math.round(-1.5)", "-2.0"},
        {"math.round(0.49999999999999994)", "0.0"}, {"math.trunc(-1.9)", "-1.0"},
        {"math.isNaN(math.round(0.0 / 0.0))", "true"}, {"math.abs(-11)", "11"},
        {"math.abs(1u)", "1u"}, {"math.abs(small)", "error(\"overflow\")"},
        {"math.sign(-32.0)", "-1.0"}, {"math.sign(0u)", "0u"}, {"math.sign(100)", "1"},
        {"math.isInf(1.0 / 0.0) && !math.isFinite(0.0 / 0.0)", "true"}, {"math.sqrt(16)", "4.0"},
        {"math.isNaN(math.sqrt(-1.0))", "true"}, {"math.bitAnd(1, -1)", "1"},
        {"math.bitOr(4, -2)", "-2"}, {"math.bitXor(4, -2)", "-6"},
        {"math.bitNot(0u)", "18446744073709551615u"}, {"math.bitShiftLeft(1, 200)", "0"},
        {"math.bitShiftRight(-1024, 3)", "-128"}, {"math.bitShiftRight(-1024, 64)", "-1"},
        {"math.bitShiftLeft(1u, -count)", "error(\"range\")"},
        {"[1, 2, 3, 4].slice(1, 3)", "[2, 3]"}, {"[1].slice(0, count)", "error(\"range\")"},
        {"[1, [2, [3]]].flatten()", "[1, 2, [3]]"}, {"[1, [2, [3]]].flatten(2)", "[1, 2, 3]"},
        {"[1, 1.0, 2u, 2].distinct()", "[1, 2u]"}, {"[3, 1, 2, 1].sort()", "[1, 1, 2, 3]"},
        {"['b', 'a'].sort()", "[\"a\", \"b\"]"}, {"[dyn(count), 'a'].sort()", "error(\"type\")"},
        {"[].sort()", "[]"}, {"[3, -5, 1, -2, 4].sortBy(x, math.abs(x))", "[1, -2, 3, 4, -5]"},
        {"[1, 2].sortBy(x, 1 / (x - 1))", "error(\"divide_by_zero\")"},
        {"lists.range(4)", "[0, 1, 2, 3]"}, {"lists.range(-count)", "[]"},
        {"lists.range(100000)", "error(\"space\")"}, {"[1, 2].first()", "optional.of(1)"},
        {"[1, 2].last().value()", "2"}, {"[].last()", "optional.none()"},
        {"[1, 2].reverse()", "[2, 1]"});
}

static void sharing_cannot_make_more_than_the_limits(void **state)
{
    struct world *world = *state;
    struct tt_buf buf;
    tt_buf_init(&buf, &tt_alloc_libc, 1 << 20);
    tt_buf_append_text(&buf, "cel.bind(a0, [count, count], ");
    for (int i = 1; i < 30; i++) {
        tt_buf_append_format(&buf, "cel.bind(a%d, [a%d, a%d], ", i, i - 1, i - 1);
    }
    tt_buf_append_text(&buf, "a29 == a29");
    for (int i = 0; i < 30; i++) {
        tt_buf_append_char(&buf, ')');
    }
    expect(world, buf.data, "error(\"space\")");
    expect(world,
           "[1,2,3,4,5,6,7,8,9,10].all(a, [1,2,3,4,5,6,7,8,9,10].all(b, "
           "[1,2,3,4,5,6,7,8,9,10].all(c, [1,2,3,4,5,6,7,8,9,10].all(d, "
           "[1,2,3,4,5,6,7,8,9,10].all(e, a + b + c + d + e > 0)))))",
           "error(\"cost\")");
    tt_buf_deinit(&buf);
}

/* The pieces of an expression that repeats. */
static struct tt_str repeated(struct tt_buf *buf, const char *first, const char *part, size_t count,
                              const char *last)
{
    tt_buf_clear(buf);
    tt_buf_append_text(buf, first);
    for (size_t i = 0; i < count; i++) {
        tt_buf_append_text(buf, part);
    }
    tt_buf_append_text(buf, last);
    return tt_buf_str(buf);
}

static enum tt_status compile_status(struct world *world, struct tt_str text, struct tt_error *err)
{
    struct tt_expr_options options = {.text = text};
    struct tt_expr *expr = NULL;
    enum tt_status status = tt_expr_compile(&tt_alloc_libc, world->env, &options, &expr, err);
    assert_true((status == TT_OK) == (expr != NULL));
    tt_expr_free(expr);
    return status;
}

static void deep_long_and_large_expressions_are_refused(void **state)
{
    struct world *world = *state;
    struct tt_error err = {0};
    struct tt_buf buf;
    tt_buf_init(&buf, &tt_alloc_libc, 4 << 20);
    assert_int_equal(compile_status(world, repeated(&buf, "", "(", 10000, "1"), &err), TT_E_LIMIT);
    assert_int_equal(err.offset, TT_EXPR_DEPTH_MAX);
    assert_int_equal(compile_status(world, repeated(&buf, "", "[", 10000, "1"), &err), TT_E_LIMIT);
    assert_int_equal(compile_status(world, repeated(&buf, "", "!", 10000, "flag"), &err),
                     TT_E_LIMIT);
    assert_int_equal(compile_status(world, repeated(&buf, "", "-", 10000, "1"), &err), TT_E_LIMIT);
    assert_int_equal(compile_status(world, repeated(&buf, "", "abs(", 10000, "1"), &err),
                     TT_E_LIMIT);
    assert_int_equal(compile_status(world, repeated(&buf, "1", "+1", 10000, ""), &err), TT_E_LIMIT);
    assert_int_equal(compile_status(world, repeated(&buf, "known", "[0]", 10000, ""), &err),
                     TT_E_LIMIT);
    assert_int_equal(compile_status(world, repeated(&buf, "", "flag ? 1 : ", 5000, "1"), &err),
                     TT_E_LIMIT);
    assert_int_equal(compile_status(world, repeated(&buf, "flag", " || flag", 5000, ""), &err),
                     TT_OK);
    assert_int_equal(compile_status(world, repeated(&buf, "amount", " + amount", 900, ""), &err),
                     TT_OK);
    assert_int_equal(compile_status(world, repeated(&buf, "[1", ",1", 16000, "]"), &err), TT_OK);
    assert_int_equal(compile_status(world, repeated(&buf, "[1", ",1", 17000, "]"), &err),
                     TT_E_LIMIT);
    assert_int_equal(compile_status(world, repeated(&buf, "[count", ",count", 200, "]"), &err),
                     TT_E_LIMIT);
    assert_int_equal(compile_status(world, repeated(&buf, "", " ", 1 << 20, "1"), &err),
                     TT_E_LIMIT);
    assert_int_equal(compile_status(world, repeated(&buf, "'", "x", 65534, "'"), &err), TT_OK);
    assert_int_equal(compile_status(world, repeated(&buf, "", "", 0, ""), &err), TT_E_SYNTAX);
    tt_buf_deinit(&buf);
}

static void nesting_up_to_the_limit_evaluates(void **state)
{
    struct tt_buf buf;
    tt_buf_init(&buf, &tt_alloc_libc, 1 << 20);
    tt_buf_append_text(&buf, "count");
    for (int i = 0; i < 90; i++) {
        struct tt_buf next;
        tt_buf_init(&next, &tt_alloc_libc, 1 << 20);
        tt_buf_append_format(&next, "1 + (%s)", buf.data);
        tt_buf_deinit(&buf);
        buf = next;
    }
    expect(*state, buf.data, "97");
    tt_buf_deinit(&buf);
}

static void made_texts_past_the_scratch_are_an_error_value(void **state)
{
    struct world *world = *state;
    struct tt_buf buf;
    tt_buf_init(&buf, &tt_alloc_libc, 1 << 20);
    repeated(&buf, "(channel", " + channel", 40, ").size()");
    expect(world, buf.data, "246");
    repeated(&buf, "(channel", " + channel", 400, ").size()");
    expect(world, buf.data, "error(\"space\")");
    tt_buf_deinit(&buf);
}

static void an_evaluation_past_its_cost_stops(void **state)
{
    struct world *world = *state;
    struct tt_expr_options options = {.text = TT_STR("distance_km(amount, amount, 1.0, 1.0) > 1.0"),
                                      .cost_max = 20};
    struct tt_expr *expr = NULL;
    struct tt_value value;
    struct tt_error err;
    assert_int_equal(tt_expr_compile(&tt_alloc_libc, world->env, &options, &expr, &err), TT_OK);
    tt_expr_eval(expr, world->slots, &world->scratch, &value);
    assert_int_equal(value.type, TT_TYPE_NONE);
    assert_int_equal(value.error, TT_VALUE_COST);
    tt_expr_free(expr);
    options.cost_max = 3;
    assert_int_equal(tt_expr_compile(&tt_alloc_libc, world->env, &options, &expr, &err),
                     TT_E_LIMIT);
}

static void an_int_constant_is_a_double_where_one_is_wanted(void **state)
{
    struct world *world = *state;
    struct tt_expr_options options = {.text = TT_STR("1 + 1"), .want = TT_TYPE_DOUBLE};
    struct tt_expr *expr = NULL;
    struct tt_value value;
    struct tt_error err;
    assert_int_equal(tt_expr_compile(&tt_alloc_libc, world->env, &options, &expr, &err), TT_OK);
    tt_expr_eval(expr, world->slots, &world->scratch, &value);
    assert_int_equal(value.type, TT_TYPE_DOUBLE);
    assert_true(value.number > 1.9 && value.number < 2.1);
    tt_expr_free(expr);
}

static void only_names_that_are_read_count_as_used(void **state)
{
    struct world *world = *state;
    struct tt_expr_options options = {.text = TT_STR("false && gone > 1 || amount > 1 && flag")};
    struct tt_expr *expr = NULL;
    struct tt_error err;
    uint32_t slot = 0;
    assert_int_equal(tt_expr_compile(&tt_alloc_libc, world->env, &options, &expr, &err), TT_OK);
    assert_true(tt_expr_env_find(world->env, TT_STR("amount"), &slot, NULL));
    assert_true(tt_expr_uses(expr, slot));
    assert_true(tt_expr_env_find(world->env, TT_STR("gone"), &slot, NULL));
    assert_false(tt_expr_uses(expr, slot));
    assert_false(tt_expr_uses(expr, UINT32_MAX));
    assert_false(tt_expr_env_find(world->env, TT_STR("known"), &slot, NULL));
    tt_expr_free(expr);
}

static void explain_shows_what_runs(void **state)
{
    struct world *world = *state;
    struct tt_expr_options options = {
        .text = TT_STR("amount > 1 && channel == 'x' && size(channel) == 2 || channel in known")};
    struct tt_expr *expr = NULL;
    struct tt_error err;
    struct tt_buf buf;
    tt_buf_init(&buf, &tt_alloc_libc, 1 << 16);
    assert_int_equal(tt_expr_compile(&tt_alloc_libc, world->env, &options, &expr, &err), TT_OK);
    assert_int_equal(tt_expr_explain(expr, &buf), TT_OK);
    assert_string_equal(buf.data, "   0  FALSE           r0\n"
                                  "   1  TRUE            r1\n"
                                  "   2  AND_GT_DOUBLE   r1, amount, 1.0, to 7\n"
                                  "   3  AND_EQ_STRING   r1, channel, \"x\", to 7\n"
                                  "   4  CALL            r2, channel, size\n"
                                  "   5  COMPARE         r2, r2, 2, ==\n"
                                  "   6  AND             r1, r2, to 7\n"
                                  "   7  OR              r0, r1, to 10\n"
                                  "   8  IN              r1, channel, list of 20\n"
                                  "   9  OR              r0, r1, to 10\n"
                                  "  10  RETURN          r0\n");
    tt_buf_deinit(&buf);
    tt_expr_free(expr);
}

static enum tt_status compile_with(const struct tt_alloc *alloc, void *ctx)
{
    static const char text[] = "[1, count][0] + 1 > 2 && 'a' + \"\\n\" != channel && (channel in "
                               "['a', 'b'] ? amount : 2.0) > 1 && large && 'abc' in known && "
                               "[1].map(i, i) == [2] && {'a': b'b', 'c': count}.all(k, v, v != k)";
    struct tt_expr_env *env = NULL;
    struct tt_expr *expr = NULL;
    struct tt_error err;
    uint32_t slot = 0;
    struct world *world = ctx;
    struct tt_value flag = tt_value_bool(true);
    struct tt_expr_options options = {.text = TT_STR(text)};
    enum tt_status status = tt_expr_env_new(alloc, world->env, &env, &err);
    if (status == TT_OK) {
        status = tt_expr_env_add(env, TT_STR("own"), TT_TYPE_DOUBLE, &slot, &err);
    }
    if (status == TT_OK) {
        status = tt_expr_env_add_value(env, TT_STR("yes"), &flag, &err);
    }
    if (status == TT_OK) {
        status = tt_expr_compile(alloc, env, &options, &expr, &err);
    }
    tt_expr_free(expr);
    tt_expr_env_free(env);
    return status;
}

static void a_failed_allocation_anywhere_leaks_nothing(void **state)
{
    tt_torture_run(compile_with, *state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(literals_are_those_of_the_specification),
        cmocka_unit_test(operators_bind_as_the_specification_says),
        cmocka_unit_test(numbers_compare_across_types_exactly),
        cmocka_unit_test(texts_times_and_lists_compare),
        cmocka_unit_test(errors_are_values_and_say_their_kind),
        cmocka_unit_test(logic_absorbs_errors_on_either_side),
        cmocka_unit_test(missing_can_be_asked_for),
        cmocka_unit_test(functions_do_what_their_rows_say),
        cmocka_unit_test(maps_bytes_and_types_are_values),
        cmocka_unit_test(macros_go_over_lists_and_maps),
        cmocka_unit_test(optionals_hold_a_value_or_none),
        cmocka_unit_test(texts_have_the_extension_library),
        cmocka_unit_test(addresses_are_in_networks),
        cmocka_unit_test(numbers_and_lists_have_their_extension_libraries),
        cmocka_unit_test(sharing_cannot_make_more_than_the_limits),
        cmocka_unit_test(deep_long_and_large_expressions_are_refused),
        cmocka_unit_test(nesting_up_to_the_limit_evaluates),
        cmocka_unit_test(made_texts_past_the_scratch_are_an_error_value),
        cmocka_unit_test(an_evaluation_past_its_cost_stops),
        cmocka_unit_test(an_int_constant_is_a_double_where_one_is_wanted),
        cmocka_unit_test(only_names_that_are_read_count_as_used),
        cmocka_unit_test(explain_shows_what_runs),
        cmocka_unit_test(a_failed_allocation_anywhere_leaks_nothing),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
