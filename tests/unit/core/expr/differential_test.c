/* The machine against a plain tree walker over random well-typed expressions, missing values
 * included. The walker shares the parser and the checker, nothing of folding, code or functions. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/rng.h"
#include "core/expr/ast.h"

#define EXPRESSIONS 6000
#define ROUNDS 6
#define DEPTH 5
#define NANOS INT64_C(1000000000)

/* --- names: three of each type, of which any may be missing --- */

static const enum tt_type types[] = {TT_TYPE_BOOL,    TT_TYPE_INT,    TT_TYPE_UINT,
                                     TT_TYPE_DOUBLE,  TT_TYPE_STRING, TT_TYPE_TIMESTAMP,
                                     TT_TYPE_DURATION};
#define TYPES TT_ARRAY_SIZE(types)
#define NAMES (3 * TYPES + 1)

struct world {
    struct tt_rng rng;
    struct tt_expr_env *env;
    struct tt_value slots[NAMES];
    struct tt_expr_scratch scratch;
    struct tt_arena arena;        /* of the walker's texts and lists */
    struct tt_value locals[1024]; /* of macros, by number */
    uint64_t compiled, refused, errors;
};

static uint64_t below(struct world *world, uint64_t bound)
{
    return tt_rng_below(&world->rng, bound);
}

static struct tt_value random_value(struct world *world, enum tt_type type)
{
    static const int64_t ints[] = {0, 1, -1, 2, 3, 7, 100, INT64_MAX, INT64_MIN, INT64_C(1) << 53};
    static const double doubles[] = {
        0.0, -0.0, 1.0, 0.5, -2.5, 3.0, 100.0, 1e300, 9007199254740993.0, 9223372036854775808.0};
    static const char *const texts[] = {"", "a", "ab", "online", "pos", "h\u00e9"};
    struct tt_value value = {.type = (uint8_t)type};
    switch (type) {
    case TT_TYPE_BOOL:
        value.boolean = below(world, 2) == 1;
        break;
    case TT_TYPE_INT:
        value.integer = ints[below(world, TT_ARRAY_SIZE(ints))];
        break;
    case TT_TYPE_UINT:
        value.uinteger = (uint64_t)ints[below(world, TT_ARRAY_SIZE(ints))];
        break;
    case TT_TYPE_DOUBLE:
        value.number = doubles[below(world, TT_ARRAY_SIZE(doubles))];
        break;
    case TT_TYPE_STRING:
        value.text = tt_str_from(texts[below(world, TT_ARRAY_SIZE(texts))]);
        break;
    case TT_TYPE_TIMESTAMP:
        value.moment =
            (struct tt_moment){(int64_t)below(world, 4000000000) - 1000000000, 500000000};
        break;
    default:
        value.moment = (struct tt_moment){(int64_t)below(world, 200000) - 100000,
                                          (int32_t)below(world, 2) * 250000000};
        break;
    }
    return value;
}

static void draw_slots(struct world *world)
{
    for (size_t i = 0; i < NAMES; i++) {
        enum tt_type type = i < 3 * TYPES ? types[i / 3] : TT_TYPE_INT;
        world->slots[i] =
            below(world, 5) == 0 ? tt_value_none(TT_VALUE_MISSING) : random_value(world, type);
    }
}

/* --- random texts --- */

static void gen(struct world *world, enum tt_type type, int depth, struct tt_buf *buf);

static void gen_name(struct world *world, enum tt_type type, struct tt_buf *buf)
{
    tt_buf_append_format(buf, "%s_%d", tt_type_name(type), (int)below(world, 3));
}

static void gen_leaf(struct world *world, enum tt_type type, struct tt_buf *buf)
{
    static const char *const literals[TT_TYPE_COUNT][4] = {
        [TT_TYPE_BOOL] = {"true", "false", "true", "false"},
        [TT_TYPE_INT] = {"0", "1", "-3", "9223372036854775807"},
        [TT_TYPE_UINT] = {"0u", "1u", "7u", "18446744073709551615u"},
        [TT_TYPE_DOUBLE] = {"0.0", "1.5", "-2.0", "100.0"},
        [TT_TYPE_STRING] = {"''", "'a'", "'online'", "'h\u00e9'"},
        [TT_TYPE_TIMESTAMP] = {"timestamp('1970-01-01T00:00:00Z')",
                               "timestamp('2026-03-01T12:30:05.5Z')", "timestamp(7)",
                               "timestamp('1960-02-29T23:59:59Z')"},
        [TT_TYPE_DURATION] = {"duration('1h')", "duration('-1.25s')", "duration('0s')",
                              "duration('36h30m')"},
    };
    if (below(world, 10) < 7) {
        gen_name(world, type, buf);
    } else {
        tt_buf_append_text(buf, literals[type][below(world, 4)]);
    }
}

/* A template: %b %i %u %d %s %t %p are parts of that type. */
static void gen_template(struct world *world, const char *form, int depth, struct tt_buf *buf)
{
    for (; *form != '\0'; form++) {
        if (*form != '%') {
            tt_buf_append_char(buf, *form);
            continue;
        }
        form++;
        switch (*form) {
        case 'b':
            gen(world, TT_TYPE_BOOL, depth, buf);
            break;
        case 'i':
            gen(world, TT_TYPE_INT, depth, buf);
            break;
        case 'u':
            gen(world, TT_TYPE_UINT, depth, buf);
            break;
        case 'd':
            gen(world, TT_TYPE_DOUBLE, depth, buf);
            break;
        case 's':
            gen(world, TT_TYPE_STRING, depth, buf);
            break;
        case 't':
            gen(world, TT_TYPE_TIMESTAMP, depth, buf);
            break;
        case 'p':
            gen(world, TT_TYPE_DURATION, depth, buf);
            break;
        default:
            tt_buf_append_char(buf, *form);
            break;
        }
    }
}

struct templates {
    const char *const *forms;
    size_t count;
};
#define FORMS(...)                                                                                 \
    {(const char *const[]){__VA_ARGS__},                                                           \
     sizeof((const char *const[]){__VA_ARGS__}) / sizeof(const char *)}

static const struct templates templates[TT_TYPE_COUNT] = {
    [TT_TYPE_BOOL] = FORMS(
        "(%b && %b)", "(%b || %b)", "(%b && %b && %b)", "(%b || %b || %b)", "!%b", "(%d < %d)",
        "(%d <= %d)", "(%d > %d)", "(%d >= %d)", "(%d == %d)", "(%d != %d)", "(%i < %d)",
        "(%d > %u)", "(%u == %i)", "(%i >= %i)", "(%u <= %u)", "(%s == %s)", "(%s != %s)",
        "(%s < %s)", "(%t < %t)", "(%p >= %p)", "(%t == %t)", "(%i in [%i, %i, 3])",
        "(%s in ['a', 'online'])", "(%d in [1, 1.5, 100])", "%s.startsWith(%s)", "%s.endsWith(%s)",
        "%s.contains(%s)", "is_missing(%d)", "has(%i)", "is_missing(%b)", "(%b ? %b : %b)",
        "(%b == %b)", "([%i, %i] == [%d, %u])", "(int_dyn + %i > 2)", "(int_dyn == %d)",
        "[%i, %i, %i].all(x, x > %i || %b)", "[%d, %d].exists(x, x < %d && %b)",
        "[%i, %u, %i].exists_one(x, x == %d)", "[%s, %s].exists(i, v, i > 0 && v == %s)",
        "[%i, %i].all(i, v, v / (i + %i) > 1)", "cel.bind(x, %i, x > %i && x < %d)",
        "(%i in {1: %b, %i: %b})", "(math.greatest(%i, %u, %i) >= %i)",
        "([%s, %s].slice(%i, %i) == [%s])", "([%i, %i].filter(x, x > %i) == [%i])",
        "({%i: 1, 2: %i} == {2: %d, %i: 1})", "[%i, 2, %i].map(x, x > 1, x * %i).exists(y, y == 2)",
        "{'a': %i, 'b': %i}.transformMap(k, v, v > 1, v + %i).all(k, k == 'a')"),
    [TT_TYPE_INT] =
        FORMS("(%i + %i)", "(%i - %i)", "(%i * %i)", "(%i / %i)", "(%i %% %i)", "-(%i)",
              "(%b ? %i : %i)", "int(%d)", "int(%u)", "size(%s)", "abs(%i)", "min(%i, %i)",
              "max(%i, %i)", "hour_of_day(%t)", "[%i, %i][%i]", "[1, 2, 3][%u]",
              "[%i, %i].map(x, [x, %i].map(y, y + x)[0])[1]", "cel.bind(x, %i, x - %i)",
              "%s.indexOf(%s)", "math.bitXor(%i, %i)", "([%i] + [%i, %i])[%i]",
              "[%i, %i, 3].slice(%i, 2)[0]", "%p.getMinutes()", "%t.getSeconds()"),
    [TT_TYPE_UINT] = FORMS("(%u + %u)", "(%u - %u)", "(%u * %u)", "(%u / %u)", "(%u %% %u)",
                           "(%b ? %u : %u)", "uint(%i)", "uint(%d)"),
    [TT_TYPE_DOUBLE] =
        FORMS("(%d + %d)", "(%d - %d)", "(%d * %d)", "(%d / %d)", "-(%d)", "(%b ? %d : %d)",
              "double(%i)", "double(%u)", "abs(%d)", "min(%d, %d)", "max(%d, %d)"),
    [TT_TYPE_STRING] = FORMS("(%s + %s)", "(%b ? %s : %s)", "%s.lowerAscii()", "string(%i)"),
    [TT_TYPE_TIMESTAMP] = FORMS("(%t + %p)", "(%t - %p)", "(%b ? %t : %t)", "timestamp(%i)"),
    [TT_TYPE_DURATION] = FORMS("(%p + %p)", "(%p - %p)", "(%t - %t)", "(%b ? %p : %p)"),
};

static void gen(struct world *world, enum tt_type type, int depth, struct tt_buf *buf)
{
    const struct templates *choice = &templates[type];
    if (depth == 0 || below(world, 6) == 0) {
        gen_leaf(world, type, buf);
        return;
    }
    gen_template(world, choice->forms[below(world, choice->count)], depth - 1, buf);
}

/* --- the walker --- */

static struct tt_value walk(struct world *world, const struct tt_node *node);

static bool is_error(struct tt_value value)
{
    return value.type == TT_TYPE_NONE;
}

static bool is_number(struct tt_value value)
{
    return value.type == TT_TYPE_INT || value.type == TT_TYPE_UINT || value.type == TT_TYPE_DOUBLE;
}

/* Exact for all three types: 64 bits of mantissa. */
static long double number_of(struct tt_value value)
{
    return value.type == TT_TYPE_INT    ? (long double)value.integer
           : value.type == TT_TYPE_UINT ? (long double)value.uinteger
                                        : (long double)value.number;
}

static __int128 nanos_of(struct tt_moment moment)
{
    return (__int128)moment.seconds * NANOS + moment.nanos;
}

static bool same(struct tt_value a, struct tt_value b)
{
    if (is_number(a) && is_number(b)) {
        return number_of(a) >= number_of(b) && number_of(a) <= number_of(b);
    }
    if (a.type != b.type) {
        return false;
    }
    if (a.type == TT_TYPE_MAP) {
        bool equal = a.list->count == b.list->count;
        for (uint32_t i = 0; equal && i < a.list->count; i += 2) {
            bool found = false;
            for (uint32_t j = 0; j < b.list->count; j += 2) {
                found = found || (same(a.list->items[i], b.list->items[j]) &&
                                  same(a.list->items[i + 1], b.list->items[j + 1]));
            }
            equal = found;
        }
        return equal;
    }
    if (a.type == TT_TYPE_LIST) {
        bool equal = a.list->count == b.list->count;
        for (uint32_t i = 0; equal && i < a.list->count; i++) {
            equal = same(a.list->items[i], b.list->items[i]);
        }
        return equal;
    }
    if (a.type == TT_TYPE_STRING) {
        return a.text.size == b.text.size && memcmp(a.text.data, b.text.data, a.text.size) == 0;
    }
    if (a.type == TT_TYPE_BOOL) {
        return a.boolean == b.boolean;
    }
    return nanos_of(a.moment) == nanos_of(b.moment);
}

/* a < b of values of one kind. */
static bool less(struct tt_value a, struct tt_value b)
{
    if (is_number(a)) {
        return number_of(a) < number_of(b);
    }
    if (a.type == TT_TYPE_STRING) {
        size_t size = a.text.size < b.text.size ? a.text.size : b.text.size;
        int order = memcmp(a.text.data, b.text.data, size);
        return order != 0 ? order < 0 : a.text.size < b.text.size;
    }
    if (a.type == TT_TYPE_BOOL) {
        return !a.boolean && b.boolean;
    }
    return nanos_of(a.moment) < nanos_of(b.moment);
}

static struct tt_value walk_compare(struct world *world, const struct tt_node *node)
{
    struct tt_value a = walk(world, node->args);
    struct tt_value b = walk(world, node->args->next);
    bool found = false;
    if (is_error(a) || is_error(b)) {
        return is_error(a) ? a : b;
    }
    switch ((enum tt_relation)node->relation) {
    case TT_LT:
        return tt_value_bool(less(a, b));
    case TT_LE:
        return tt_value_bool(less(a, b) || same(a, b));
    case TT_GT:
        return tt_value_bool(less(b, a));
    case TT_GE:
        return tt_value_bool(less(b, a) || same(a, b));
    case TT_EQ:
        return tt_value_bool(same(a, b));
    case TT_NE:
        return tt_value_bool(!same(a, b));
    case TT_IN:
        break;
    }
    for (uint32_t i = 0; i < b.list->count; i += b.type == TT_TYPE_MAP ? 2 : 1) {
        found = found || same(a, b.list->items[i]);
    }
    return tt_value_bool(found);
}

static struct tt_value walk_chain(struct world *world, const struct tt_node *node)
{
    bool ends = node->kind == TT_NODE_OR;
    struct tt_value error = {0};
    bool failed = false;
    for (const struct tt_node *arg = node->args; arg != NULL; arg = arg->next) {
        struct tt_value value = walk(world, arg);
        if (is_error(value)) {
            error = failed ? error : value;
            failed = true;
        } else if (value.boolean == ends) {
            return value;
        }
    }
    return failed ? error : tt_value_bool(!ends);
}

/* An integer result, or overflow outside the range of its type. */
static struct tt_value whole(__int128 result, uint8_t type)
{
    __int128 low = type == TT_TYPE_INT ? INT64_MIN : 0;
    __int128 high = type == TT_TYPE_INT ? (__int128)INT64_MAX : (__int128)UINT64_MAX;
    if (result < low || result > high) {
        return tt_value_none(TT_VALUE_OVERFLOW);
    }
    return type == TT_TYPE_INT ? tt_value_int((int64_t)result)
                               : (struct tt_value){.type = type, .uinteger = (uint64_t)result};
}

static struct tt_value moment(__int128 nanos, uint8_t type)
{
    int64_t seconds = (int64_t)(nanos / NANOS);
    int64_t rest = (int64_t)(nanos % NANOS);
    if (rest < 0) {
        rest += NANOS;
        seconds--;
    }
    if (type == TT_TYPE_TIMESTAMP && (seconds < -62135596800 || seconds > 253402300799)) {
        return tt_value_none(TT_VALUE_OVERFLOW);
    }
    return (struct tt_value){.type = type, .moment = {seconds, (int32_t)rest}};
}

static struct tt_value arithmetic(char operator, struct tt_value a, struct tt_value b)
{
    if (a.type == TT_TYPE_DOUBLE) {
        double result = operator== '+'   ? a.number + b.number
                        : operator== '-' ? a.number - b.number
                        : operator== '*' ? a.number * b.number
                                         : a.number / b.number;
        return tt_value_double(result);
    }
    if (a.type == TT_TYPE_TIMESTAMP || a.type == TT_TYPE_DURATION) {
        bool both = a.type == TT_TYPE_TIMESTAMP && b.type == TT_TYPE_TIMESTAMP;
        uint8_t type = both ? (uint8_t)TT_TYPE_DURATION : a.type;
        __int128 right = nanos_of(b.moment);
        return moment(nanos_of(a.moment) + (operator== '+' ? right : - right), type);
    }
    __int128 left = a.type == TT_TYPE_INT ? (__int128)a.integer : (__int128)a.uinteger;
    __int128 right = a.type == TT_TYPE_INT ? (__int128)b.integer : (__int128)b.uinteger;
    if ((operator== '/' || operator== '%') && right == 0) {
        return tt_value_none(TT_VALUE_DIVIDE_BY_ZERO);
    }
    if (operator== '%' && left == INT64_MIN && right == - 1) {
        return tt_value_none(TT_VALUE_OVERFLOW);
    }
    __int128 product = 0;
    if (operator== '*' && __builtin_mul_overflow(left, right, &product)) {
        return tt_value_none(TT_VALUE_OVERFLOW);
    }
    return whole(operator== '+'   ? left + right
                 : operator== '-' ? left - right
                 : operator== '*' ? product
                 : operator== '/' ? left / right
                                  : left % right,
                 a.type);
}

static struct tt_value joined(struct world *world, struct tt_str a, struct tt_str b)
{
    char *text = tt_arena_new(&world->arena, a.size + b.size + 1);
    assert_non_null(text);
    memcpy(text, a.data, a.size);
    memcpy(text + a.size, b.data, b.size);
    return tt_value_text((struct tt_str){text, a.size + b.size});
}

static bool contains(struct tt_str text, struct tt_str part)
{
    for (size_t i = 0; i + part.size <= text.size; i++) {
        if (memcmp(text.data + i, part.data, part.size) == 0) {
            return true;
        }
    }
    return false;
}

static struct tt_value lower(struct world *world, struct tt_str text)
{
    struct tt_value copy = joined(world, text, TT_STR(""));
    for (size_t i = 0; i < text.size; i++) {
        char *c = (char *)(uintptr_t)copy.text.data + i;
        *c = (char)(*c >= 'A' && *c <= 'Z' ? *c + 32 : *c);
    }
    return copy;
}

static struct tt_value to_whole(struct tt_value value, uint8_t type)
{
    if (value.type == TT_TYPE_DOUBLE) {
        long double number = number_of(value);
        bool fits = type == TT_TYPE_INT
                        ? number > -9223372036854775808.0L && number < 9223372036854775808.0L
                        : number >= 0.0L && number < 18446744073709551616.0L;
        return fits ? whole((__int128)number, type) : tt_value_none(TT_VALUE_OVERFLOW);
    }
    return whole(value.type == TT_TYPE_INT ? (__int128)value.integer : (__int128)value.uinteger,
                 type);
}

static int64_t floor_mod(int64_t a, int64_t b)
{
    return ((a % b) + b) % b;
}

/* Lists of up to 200 items in the walker's memory. */
static struct tt_value listed(struct world *world, enum tt_type type, const struct tt_value *items,
                              uint32_t count)
{
    struct tt_list *list = tt_arena_new_array(&world->arena, 1, sizeof(*list));
    struct tt_value *copies = tt_arena_new_array(&world->arena, count + 1, sizeof(*copies));
    assert_true(list != NULL && copies != NULL);
    if (count > 0) {
        memcpy(copies, items, count * sizeof(*items));
    }
    list->items = copies;
    list->count = count;
    return (struct tt_value){.type = (uint8_t)type, .list = list};
}

static struct tt_value walk_function(struct world *world, struct tt_str name,
                                     const struct tt_value *a)
{
    char digits[32];
    if (tt_str_equal_text(name, "startsWith")) {
        return tt_value_bool(a[0].text.size >= a[1].text.size &&
                             memcmp(a[0].text.data, a[1].text.data, a[1].text.size) == 0);
    }
    if (tt_str_equal_text(name, "endsWith")) {
        return tt_value_bool(a[0].text.size >= a[1].text.size &&
                             memcmp(a[0].text.data + a[0].text.size - a[1].text.size,
                                    a[1].text.data, a[1].text.size) == 0);
    }
    if (tt_str_equal_text(name, "contains")) {
        return tt_value_bool(contains(a[0].text, a[1].text));
    }
    if (tt_str_equal_text(name, "lowerAscii")) {
        return lower(world, a[0].text);
    }
    if (tt_str_equal_text(name, "size")) {
        int64_t count = 0;
        for (size_t i = 0; i < a[0].text.size; i++) {
            count += (a[0].text.data[i] & 0xC0) != 0x80;
        }
        return tt_value_int(count);
    }
    if (tt_str_equal_text(name, "indexOf")) {
        int64_t points = 0;
        for (size_t at = 0; at + a[1].text.size <= a[0].text.size; at++) {
            bool starts = at == a[0].text.size || (a[0].text.data[at] & 0xC0) != 0x80;
            if (starts && memcmp(a[0].text.data + at, a[1].text.data, a[1].text.size) == 0) {
                return tt_value_int(points);
            }
            points += (at + 1 < a[0].text.size && (a[0].text.data[at + 1] & 0xC0) == 0x80) ? 0 : 1;
        }
        return tt_value_int(-1);
    }
    if (tt_str_equal_text(name, "slice")) {
        int64_t count = a[0].list->count;
        bool inside = a[1].integer >= 0 && a[1].integer <= a[2].integer && a[2].integer <= count;
        return inside ? listed(world, TT_TYPE_LIST, a[0].list->items + a[1].integer,
                               (uint32_t)(a[2].integer - a[1].integer))
                      : tt_value_none(TT_VALUE_RANGE);
    }
    if (tt_str_equal_text(name, "math.greatest")) {
        struct tt_value best = a[0].list->items[0];
        for (uint32_t i = 1; i < a[0].list->count; i++) {
            best = less(best, a[0].list->items[i]) ? a[0].list->items[i] : best;
        }
        return best;
    }
    if (tt_str_equal_text(name, "math.bitXor")) {
        return tt_value_int(a[0].integer ^ a[1].integer);
    }
    if (tt_str_equal_text(name, "abs") && a[0].type == TT_TYPE_INT) {
        return whole(a[0].integer < 0 ? -(__int128)a[0].integer : a[0].integer, TT_TYPE_INT);
    }
    if (tt_str_equal_text(name, "abs")) {
        return tt_value_double(__builtin_fabs(a[0].number));
    }
    if (tt_str_equal_text(name, "min") || tt_str_equal_text(name, "max")) {
        if (a[0].type == TT_TYPE_DOUBLE &&
            (__builtin_isnan(a[0].number) || __builtin_isnan(a[1].number))) {
            return tt_value_double(__builtin_nan(""));
        }
        bool first = name.data[1] == 'i' ? !less(a[1], a[0]) : !less(a[0], a[1]);
        return first ? a[0] : a[1];
    }
    if (tt_str_equal_text(name, "int") || tt_str_equal_text(name, "uint")) {
        return to_whole(a[0], name.size == 3 ? TT_TYPE_INT : TT_TYPE_UINT);
    }
    if (tt_str_equal_text(name, "double")) {
        return tt_value_double((double)number_of(a[0]));
    }
    if (tt_str_equal_text(name, "string")) {
        int size = snprintf(digits, sizeof(digits), "%lld", (long long)a[0].integer);
        return joined(world, (struct tt_str){digits, (size_t)size}, TT_STR(""));
    }
    if (tt_str_equal_text(name, "hour_of_day")) {
        return tt_value_int(floor_mod(a[0].moment.seconds, 86400) / 3600);
    }
    if (tt_str_equal_text(name, "getSeconds")) {
        return tt_value_int(floor_mod(a[0].moment.seconds, 60));
    }
    if (tt_str_equal_text(name, "getMinutes")) {
        return tt_value_int((int64_t)(nanos_of(a[0].moment) / NANOS / 60));
    }
    if (tt_str_equal_text(name, "timestamp") && a[0].type == TT_TYPE_INT) {
        return moment((__int128)a[0].integer * NANOS, TT_TYPE_TIMESTAMP);
    }
    /* timestamp("…") and duration("…") occur as literals of the templates only */
    static const struct {
        const char *text;
        struct tt_value value;
    } constants[] = {
        {"1970-01-01T00:00:00Z", {.type = TT_TYPE_TIMESTAMP, .moment = {0, 0}}},
        {"2026-03-01T12:30:05.5Z", {.type = TT_TYPE_TIMESTAMP, .moment = {1772368205, 500000000}}},
        {"1960-02-29T23:59:59Z", {.type = TT_TYPE_TIMESTAMP, .moment = {-310435201, 0}}},
        {"1h", {.type = TT_TYPE_DURATION, .moment = {3600, 0}}},
        {"-1.25s", {.type = TT_TYPE_DURATION, .moment = {-2, 750000000}}},
        {"0s", {.type = TT_TYPE_DURATION, .moment = {0, 0}}},
        {"36h30m", {.type = TT_TYPE_DURATION, .moment = {131400, 0}}},
    };
    for (size_t i = 0; i < TT_ARRAY_SIZE(constants); i++) {
        if (tt_str_equal_text(a[0].text, constants[i].text)) {
            return constants[i].value;
        }
    }
    fail_msg("the walker does not know %.*s", TT_STR_ARG(name));
    return a[0];
}

static struct tt_value walk_call(struct world *world, const struct tt_node *node)
{
    struct tt_value args[4];
    uint32_t count = 0;
    for (const struct tt_node *arg = node->args; arg != NULL; arg = arg->next) {
        args[count++] = walk(world, arg);
    }
    bool asks = tt_str_equal_text(node->name, "is_missing") || tt_str_equal_text(node->name, "has");
    if (asks && (!is_error(args[0]) || args[0].error == TT_VALUE_MISSING)) {
        return tt_value_bool(is_error(args[0]) == (node->name.data[0] == 'i'));
    }
    for (uint32_t i = 0; i < count; i++) {
        if (is_error(args[i])) {
            return args[i];
        }
    }
    if (tt_str_equal_text(node->name, "-_")) {
        return args[0].type == TT_TYPE_INT ? whole(-(__int128)args[0].integer, TT_TYPE_INT)
                                           : tt_value_double(-args[0].number);
    }
    if (tt_str_equal_text(node->name, "_[_]")) {
        __int128 at =
            args[1].type == TT_TYPE_INT ? (__int128)args[1].integer : (__int128)args[1].uinteger;
        bool inside = at >= 0 && at < args[0].list->count;
        return inside ? args[0].list->items[(size_t)at] : tt_value_none(TT_VALUE_RANGE);
    }
    if (node->name.data[0] != '_') {
        return walk_function(world, node->name, args);
    }
    if (args[0].type == TT_TYPE_LIST) {
        struct tt_value items[200];
        uint32_t left = args[0].list->count;
        for (uint32_t i = 0; i < left + args[1].list->count; i++) {
            items[i] = i < left ? args[0].list->items[i] : args[1].list->items[i - left];
        }
        return listed(world, TT_TYPE_LIST, items, left + args[1].list->count);
    }
    if (args[0].type == TT_TYPE_STRING) {
        return joined(world, args[0].text, args[1].text);
    }
    return arithmetic(node->name.data[1], args[0], args[1]);
}

static struct tt_value walk_list(struct world *world, const struct tt_node *node)
{
    struct tt_list *list = tt_arena_new_array(&world->arena, 1, sizeof(*list));
    struct tt_value *items = tt_arena_new_array(&world->arena, node->arg_count + 1, sizeof(*items));
    assert_true(list != NULL && items != NULL);
    list->items = items;
    for (const struct tt_node *arg = node->args; arg != NULL; arg = arg->next) {
        items[list->count++] = walk(world, arg);
    }
    for (uint32_t i = 0; i < list->count; i++) {
        if (is_error(items[i])) {
            return items[i];
        }
    }
    return (struct tt_value){.type = TT_TYPE_LIST, .list = list};
}

/* The first error in order; a key that is there already is one too. */
static struct tt_value walk_map(struct world *world, const struct tt_node *node)
{
    struct tt_value items[200];
    uint32_t count = 0;
    for (const struct tt_node *key = node->args; key != NULL; key = key->next->next) {
        items[count] = walk(world, key);
        items[count + 1] = walk(world, key->next);
        count += 2;
    }
    for (uint32_t i = 0; i < count; i += 2) {
        if (is_error(items[i]) || is_error(items[i + 1])) {
            return is_error(items[i]) ? items[i] : items[i + 1];
        }
        for (uint32_t j = 0; j < i; j += 2) {
            if (same(items[j], items[i])) {
                return tt_value_none(TT_VALUE_DUPLICATE);
            }
        }
    }
    return listed(world, TT_TYPE_MAP, items, count);
}

struct walked_loop {
    struct tt_value items[200], first_error;
    uint32_t count, kept;
    bool failed, decided;
};

/* One round: false ends the loop. */
static bool walk_round(struct world *world, const struct tt_node *node, struct walked_loop *loop)
{
    const struct tt_node *part = node->args->next;
    bool asks =
        node->loop == TT_LOOP_EXISTS_ONE || node->loop == TT_LOOP_FILTER || node->arg_count == 3;
    struct tt_value value = walk(world, part);
    if (node->loop == TT_LOOP_ALL || node->loop == TT_LOOP_EXISTS) {
        if (is_error(value)) {
            loop->first_error = loop->failed ? loop->first_error : value;
            loop->failed = true;
            return true;
        }
        loop->decided = value.boolean == (node->loop == TT_LOOP_EXISTS);
        return !loop->decided;
    }
    if (asks && (is_error(value) || !value.boolean)) {
        loop->failed = is_error(value);
        loop->first_error = value;
        return !loop->failed;
    }
    loop->kept++;
    if (node->loop != TT_LOOP_EXISTS_ONE) {
        value = node->loop == TT_LOOP_FILTER ? world->locals[node->local->number]
                : asks                       ? walk(world, part->next)
                                             : value;
        loop->failed = is_error(value);
        loop->first_error = value;
        if (node->loop == TT_LOOP_MAP) {
            loop->items[loop->count++] = world->locals[node->local->number];
        }
        loop->items[loop->count++] = value;
    }
    return !loop->failed;
}

static struct tt_value walk_loop(struct world *world, const struct tt_node *node)
{
    struct tt_value range = walk(world, node->args);
    struct walked_loop loop = {.count = 0};
    if (is_error(range)) {
        return range;
    }
    bool is_map = range.type == TT_TYPE_MAP;
    bool goes_on = true;
    for (uint32_t i = 0; goes_on && i < range.list->count; i += is_map ? 2 : 1) {
        struct tt_value item = range.list->items[i];
        world->locals[node->local->number] =
            node->second != NULL && !is_map ? tt_value_int((int64_t)i) : item;
        if (node->second != NULL) {
            world->locals[node->second->number] = is_map ? range.list->items[i + 1] : item;
        }
        goes_on = walk_round(world, node, &loop);
    }
    if (node->loop == TT_LOOP_ALL || node->loop == TT_LOOP_EXISTS) {
        bool ends = node->loop == TT_LOOP_EXISTS;
        return loop.decided  ? tt_value_bool(ends)
               : loop.failed ? loop.first_error
                             : tt_value_bool(!ends);
    }
    if (loop.failed) {
        return loop.first_error;
    }
    return node->loop == TT_LOOP_EXISTS_ONE
               ? tt_value_bool(loop.kept == 1)
               : listed(world, node->loop == TT_LOOP_MAP ? TT_TYPE_MAP : TT_TYPE_LIST, loop.items,
                        loop.count);
}

static struct tt_value walk(struct world *world, const struct tt_node *node)
{
    struct tt_value value;
    switch ((enum tt_node_kind)node->kind) {
    case TT_NODE_LITERAL:
        return node->value;
    case TT_NODE_NAME:
        return world->slots[node->slot];
    case TT_NODE_CALL:
        return walk_call(world, node);
    case TT_NODE_COMPARE:
        return walk_compare(world, node);
    case TT_NODE_LIST:
        return walk_list(world, node);
    case TT_NODE_AND:
    case TT_NODE_OR:
        return walk_chain(world, node);
    case TT_NODE_NOT:
        value = walk(world, node->args);
        return is_error(value) ? value : tt_value_bool(!value.boolean);
    case TT_NODE_LOCAL:
        return world->locals[node->variable->number];
    case TT_NODE_MAP:
        return walk_map(world, node);
    case TT_NODE_LOOP:
        return walk_loop(world, node);
    case TT_NODE_BIND:
        world->locals[node->local->number] = walk(world, node->args);
        return walk(world, node->args->next);
    case TT_NODE_IF:
        value = walk(world, node->args);
        return is_error(value)
                   ? value
                   : walk(world, value.boolean ? node->args->next : node->args->next->next);
    }
    fail();
    return tt_value_none(TT_VALUE_TYPE);
}

/* --- the comparison --- */

static bool identical(struct tt_value a, struct tt_value b)
{
    if (is_error(a) || is_error(b)) {
        return a.type == b.type && a.error == b.error;
    }
    bool both_nan = a.type == TT_TYPE_DOUBLE && b.type == TT_TYPE_DOUBLE &&
                    __builtin_isnan(a.number) && __builtin_isnan(b.number);
    return a.type == b.type && (both_nan || same(a, b));
}

static void compare_once(struct world *world, const struct tt_expr *expr,
                         const struct tt_node *tree, const char *text)
{
    struct tt_value got;
    draw_slots(world);
    struct tt_value wanted = walk(world, tree);
    tt_expr_eval(expr, world->slots, &world->scratch, &got);
    world->errors += is_error(wanted) ? 1 : 0;
    if (!identical(got, wanted)) {
        struct tt_buf buf;
        tt_buf_init(&buf, &tt_alloc_libc, 1 << 20);
        (void)tt_value_print(&got, &buf);
        tt_buf_append_text(&buf, " instead of ");
        (void)tt_value_print(&wanted, &buf);
        print_message("%s\ngives %s\n", text, buf.data);
        for (size_t i = 0; i < NAMES; i++) {
            tt_buf_clear(&buf);
            (void)tt_value_print(&world->slots[i], &buf);
            print_message("  %.*s = %s\n",
                          TT_STR_ARG(tt_expr_env_slot_name(world->env, (uint32_t)i)), buf.data);
        }
        fail();
    }
}

/* Compiles the text and walks its tree with the same slots. */
static void compare(struct world *world, const struct tt_buf *text)
{
    struct tt_expr_options options = {.text = tt_buf_str(text)};
    struct tt_error err = {0};
    struct tt_expr *expr = NULL;
    enum tt_status status = tt_expr_compile(&tt_alloc_libc, world->env, &options, &expr, &err);
    if (status == TT_E_INVALID) { /* a constant part that can only fail */
        world->refused++;
        return;
    }
    if (status != TT_OK) {
        fail_msg("%s: %u: %s", text->data, err.column, err.message);
    }
    struct tt_compile compile = {.arena = &world->arena,
                                 .env = world->env,
                                 .options = &options,
                                 .err = &err,
                                 .text = options.text};
    struct tt_node *tree = tt_expr_parse(&compile);
    assert_true(tree != NULL && tt_expr_check(&compile, tree));
    for (int i = 0; i < ROUNDS; i++) {
        compare_once(world, expr, tree, text->data);
    }
    world->compiled++;
    tt_expr_free(expr);
}

static void the_machine_agrees_with_a_tree_walker(void **state)
{
    (void)state;
    static struct world world;
    struct tt_error err;
    struct tt_buf text;
    const char *seed_text = getenv("TELLTALE_TEST_SEED");
    uint64_t seed = seed_text == NULL ? 20260301 : strtoull(seed_text, NULL, 10);
    uint32_t slot = 0;
    print_message("seed %llu\n", (unsigned long long)seed);
    tt_rng_init(&world.rng, seed);
    tt_buf_init(&text, &tt_alloc_libc, 1 << 20);
    tt_arena_init(&world.arena, &tt_alloc_libc, 1 << 16, (size_t)64 << 20);
    assert_int_equal(tt_expr_env_new(&tt_alloc_libc, NULL, &world.env, &err), TT_OK);
    for (size_t i = 0; i < 3 * TYPES; i++) {
        char name[32];
        int size = snprintf(name, sizeof(name), "%s_%d", tt_type_name(types[i / 3]), (int)(i % 3));
        assert_int_equal(tt_expr_env_add(world.env, (struct tt_str){name, (size_t)size},
                                         types[i / 3], &slot, &err),
                         TT_OK);
    }
    assert_int_equal(tt_expr_env_add(world.env, TT_STR("int_dyn"), TT_TYPE_DYN, &slot, &err),
                     TT_OK);
    for (int i = 0; i < EXPRESSIONS; i++) {
        enum tt_type type = i % 2 == 0 ? TT_TYPE_BOOL : types[below(&world, TYPES)];
        tt_buf_clear(&text);
        gen(&world, type, DEPTH, &text);
        compare(&world, &text);
        tt_arena_reset(&world.arena);
    }
    print_message("%llu compared, %llu refused, %llu of the values errors\n",
                  (unsigned long long)world.compiled, (unsigned long long)world.refused,
                  (unsigned long long)world.errors);
    assert_true(world.compiled > EXPRESSIONS / 2);
    tt_expr_env_free(world.env);
    tt_arena_deinit(&world.arena);
    tt_buf_deinit(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(the_machine_agrees_with_a_tree_walker)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
