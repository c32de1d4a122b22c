/*
 * Equality, order and text of values.
 *
 * Numbers compare across types by their mathematical value, without rounding: an int and a double
 * are compared by the double's integer part first, then by what it has beyond it.
 */
#include "core/expr/value.h"

#include "base/number.h"
#include "base/timetext.h"
#include "core/expr/moment.h"

#define UNORDERED 2
#define TWO_POW_63 9223372036854775808.0
#define TWO_POW_64 18446744073709551616.0

const char *tt_type_name(enum tt_type type)
{
    static const char *const names[TT_TYPE_COUNT] = {
        [TT_TYPE_NONE] = "error",        [TT_TYPE_DYN] = "dyn",
        [TT_TYPE_BOOL] = "bool",         [TT_TYPE_INT] = "int",
        [TT_TYPE_UINT] = "uint",         [TT_TYPE_DOUBLE] = "double",
        [TT_TYPE_STRING] = "string",     [TT_TYPE_BYTES] = "bytes",
        [TT_TYPE_NULL] = "null",         [TT_TYPE_TIMESTAMP] = "timestamp",
        [TT_TYPE_DURATION] = "duration", [TT_TYPE_LIST] = "list",
        [TT_TYPE_MAP] = "map",           [TT_TYPE_TYPE] = "type",
        [TT_TYPE_OPTIONAL] = "optional",
    };
    TT_ASSERT(type < TT_TYPE_COUNT);
    return names[type];
}

const char *tt_type_text(enum tt_type type)
{
    switch (type) {
    case TT_TYPE_NULL:
        return "null_type";
    case TT_TYPE_TIMESTAMP:
        return "google.protobuf.Timestamp";
    case TT_TYPE_DURATION:
        return "google.protobuf.Duration";
    case TT_TYPE_OPTIONAL:
        return "optional_type";
    default:
        return tt_type_name(type);
    }
}

enum tt_type tt_type_from_text(struct tt_str text)
{
    for (int type = TT_TYPE_BOOL; type < TT_TYPE_COUNT; type++) {
        if (tt_str_equal_text(text, tt_type_text((enum tt_type)type))) {
            return (enum tt_type)type;
        }
    }
    return TT_TYPE_NONE;
}

const char *tt_value_error_name(uint8_t error)
{
    static const char *const names[TT_VALUE_ERROR_COUNT] = {
        [0] = "none",
        [TT_VALUE_MISSING] = "missing",
        [TT_VALUE_OVERFLOW] = "overflow",
        [TT_VALUE_DIVIDE_BY_ZERO] = "divide_by_zero",
        [TT_VALUE_RANGE] = "range",
        [TT_VALUE_TYPE] = "type",
        [TT_VALUE_COST] = "cost",
        [TT_VALUE_SPACE] = "space",
        [TT_VALUE_KEY] = "no_such_key",
        [TT_VALUE_DUPLICATE] = "duplicate_key",
        [TT_VALUE_UNKNOWN] = "unknown_name",
        [TT_VALUE_ZONE] = "zone",
        [TT_VALUE_PATTERN] = "pattern",
    };
    TT_ASSERT(error < TT_VALUE_ERROR_COUNT);
    return names[error];
}

struct tt_value tt_value_timestamp_ms(int64_t ms)
{
    return (struct tt_value){.type = TT_TYPE_TIMESTAMP, .moment = tt_moment_from_ms(ms)};
}

static int order_int(int64_t a, int64_t b)
{
    return (a > b) - (a < b);
}

static int order_uint(uint64_t a, uint64_t b)
{
    return (a > b) - (a < b);
}

static int order_double(double a, double b)
{
    if (a < b) {
        return -1;
    }
    if (a > b) {
        return 1;
    }
    return a <= b ? 0 : UNORDERED;
}

static int order_int_double(int64_t a, double b)
{
    if (b >= TWO_POW_63) {
        return -1;
    }
    if (b < -TWO_POW_63) {
        return 1;
    }
    if (!(b <= TWO_POW_63)) {
        return UNORDERED;
    }
    int64_t whole = (int64_t)b;
    int order = order_int(a, whole);
    return order != 0 ? order : order_double(0.0, b - (double)whole);
}

static int order_uint_double(uint64_t a, double b)
{
    if (b >= TWO_POW_64) {
        return -1;
    }
    if (b < 0.0) {
        return 1;
    }
    if (!(b <= TWO_POW_64)) {
        return UNORDERED;
    }
    uint64_t whole = (uint64_t)b;
    int order = order_uint(a, whole);
    return order != 0 ? order : order_double(0.0, b - (double)whole);
}

static int order_int_uint(int64_t a, uint64_t b)
{
    return a < 0 ? -1 : order_uint((uint64_t)a, b);
}

static int reverse(int order)
{
    return order == UNORDERED ? UNORDERED : -order;
}

static bool is_numeric(uint8_t type)
{
    return type == TT_TYPE_INT || type == TT_TYPE_UINT || type == TT_TYPE_DOUBLE;
}

static int order_numbers(const struct tt_value *a, const struct tt_value *b)
{
    if (a->type == TT_TYPE_INT) {
        return b->type == TT_TYPE_INT    ? order_int(a->integer, b->integer)
               : b->type == TT_TYPE_UINT ? order_int_uint(a->integer, b->uinteger)
                                         : order_int_double(a->integer, b->number);
    }
    if (a->type == TT_TYPE_UINT) {
        return b->type == TT_TYPE_UINT  ? order_uint(a->uinteger, b->uinteger)
               : b->type == TT_TYPE_INT ? reverse(order_int_uint(b->integer, a->uinteger))
                                        : order_uint_double(a->uinteger, b->number);
    }
    return b->type == TT_TYPE_DOUBLE ? order_double(a->number, b->number)
           : b->type == TT_TYPE_INT  ? reverse(order_int_double(b->integer, a->number))
                                     : reverse(order_uint_double(b->uinteger, a->number));
}

bool tt_value_compare(const struct tt_value *a, const struct tt_value *b, int *ret)
{
    if (is_numeric(a->type) && is_numeric(b->type)) {
        *ret = order_numbers(a, b);
        return true;
    }
    if (a->type != b->type) {
        return false;
    }
    switch (a->type) {
    case TT_TYPE_BOOL:
        *ret = (int)a->boolean - (int)b->boolean;
        return true;
    case TT_TYPE_STRING:
    case TT_TYPE_BYTES: {
        int order = tt_str_compare(a->text, b->text);
        *ret = (order > 0) - (order < 0);
        return true;
    }
    case TT_TYPE_TIMESTAMP:
    case TT_TYPE_DURATION:
        *ret = tt_moment_compare(a->moment, b->moment);
        return true;
    default:
        return false;
    }
}

static bool equal_lists(const struct tt_list *a, const struct tt_list *b)
{
    if (a->count != b->count) {
        return false;
    }
    for (uint32_t i = 0; i < a->count; i++) {
        if (!tt_value_equal(&a->items[i], &b->items[i])) {
            return false;
        }
    }
    return true;
}

const struct tt_value *tt_map_find(const struct tt_list *map, const struct tt_value *key)
{
    for (uint32_t i = 0; i + 1 < map->count; i += 2) {
        if (tt_value_equal(&map->items[i], key)) {
            return &map->items[i + 1];
        }
    }
    return NULL;
}

uint8_t tt_map_check(const struct tt_list *map)
{
    for (uint32_t i = 0; i + 1 < map->count; i += 2) {
        uint8_t type = map->items[i].type;
        struct tt_list before = {.count = i, .items = map->items};
        if (type != TT_TYPE_INT && type != TT_TYPE_UINT && type != TT_TYPE_BOOL &&
            type != TT_TYPE_STRING) {
            return TT_VALUE_TYPE;
        }
        if (tt_map_find(&before, &map->items[i]) != NULL) {
            return TT_VALUE_DUPLICATE;
        }
    }
    return 0;
}

static bool equal_maps(const struct tt_list *a, const struct tt_list *b)
{
    if (a->count != b->count) {
        return false;
    }
    for (uint32_t i = 0; i + 1 < a->count; i += 2) {
        const struct tt_value *other = tt_map_find(b, &a->items[i]);
        if (other == NULL || !tt_value_equal(&a->items[i + 1], other)) {
            return false;
        }
    }
    return true;
}

bool tt_value_equal(const struct tt_value *a, const struct tt_value *b)
{
    int order = 0;
    if (a->type == TT_TYPE_STRING && b->type == TT_TYPE_STRING) {
        return tt_str_equal(a->text, b->text);
    }
    if (a->type != b->type) {
        return tt_value_compare(a, b, &order) && order == 0;
    }
    switch (a->type) {
    case TT_TYPE_LIST:
    case TT_TYPE_OPTIONAL:
        return equal_lists(a->list, b->list);
    case TT_TYPE_MAP:
        return equal_maps(a->list, b->list);
    case TT_TYPE_NULL:
        return true;
    case TT_TYPE_TYPE:
        return a->kind == b->kind;
    default:
        return tt_value_compare(a, b, &order) && order == 0;
    }
}

/* A byte of a text that needs no escape; bytes escape all that is not ASCII. */
static bool is_plain(char c, bool is_bytes)
{
    unsigned char byte = (unsigned char)c;
    return byte >= 0x20 && byte != 0x7F && (!is_bytes || byte < 0x7F);
}

static void print_text(struct tt_str text, bool is_bytes, struct tt_buf *buf)
{
    static const char special[] = "\n\r\t\"\\";
    static const char letters[] = "nrt\"\\";
    tt_buf_append_char(buf, '"');
    for (size_t i = 0; i < text.size; i++) {
        char c = text.data[i];
        size_t at = 0;
        while (special[at] != '\0' && special[at] != c) {
            at++;
        }
        if (special[at] != '\0') {
            tt_buf_append_char(buf, '\\');
            tt_buf_append_char(buf, letters[at]);
        } else if (!is_plain(c, is_bytes)) {
            tt_buf_append_format(buf, "\\x%02x", (unsigned)(unsigned char)c);
        } else {
            tt_buf_append_char(buf, c);
        }
    }
    tt_buf_append_char(buf, '"');
}

/* A double that looks like an int gets ".0", so that it reads back as a double. */
static void print_double(double number, struct tt_buf *buf)
{
    char text[TT_NUMBER_TEXT_SIZE];
    if (__builtin_isfinite(number) == 0) {
        const char *word = number > 0.0 ? "Infinity" : number < 0.0 ? "-Infinity" : "NaN";
        tt_buf_append_format(buf, "double(\"%s\")", word);
        return;
    }
    size_t size = tt_double_format(number, text);
    bool plain = true;
    for (size_t i = 0; i < size; i++) {
        plain = plain && ((text[i] >= '0' && text[i] <= '9') || text[i] == '-');
    }
    tt_buf_append(buf, text, size);
    if (plain) {
        tt_buf_append_text(buf, ".0");
    }
}

static void print_moment(const struct tt_value *value, struct tt_buf *buf)
{
    char text[TT_MOMENT_TEXT_SIZE];
    size_t size = value->type == TT_TYPE_TIMESTAMP ? tt_timestamp_format(value->moment, text)
                                                   : tt_span_format(value->moment, text);
    tt_buf_append_format(buf, "%s(\"%.*s\")", tt_type_name((enum tt_type)value->type), (int)size,
                         text);
}

static void print_value(const struct tt_value *value, struct tt_buf *buf);

/* Items with `odd` behind every other one. */
static void print_items(const struct tt_list *list, const char *open, const char *odd,
                        const char *close, struct tt_buf *buf)
{
    tt_buf_append_text(buf, open);
    for (uint32_t i = 0; i < list->count && buf->status == TT_OK; i++) {
        tt_buf_append_text(buf, i == 0 ? "" : i % 2 == 1 ? odd : ", ");
        print_value(&list->items[i], buf);
    }
    tt_buf_append_text(buf, close);
}

/* Lists hold no lists deeper than the nesting a text may have. */
static void print_value(const struct tt_value *value, struct tt_buf *buf)
{
    switch (value->type) {
    case TT_TYPE_NONE:
        tt_buf_append_format(buf, "error(\"%s\")", tt_value_error_name(value->error));
        break;
    case TT_TYPE_BOOL:
        tt_buf_append_text(buf, value->boolean ? "true" : "false");
        break;
    case TT_TYPE_INT:
        tt_buf_append_format(buf, "%lld", (long long)value->integer);
        break;
    case TT_TYPE_UINT:
        tt_buf_append_format(buf, "%lluu", (unsigned long long)value->uinteger);
        break;
    case TT_TYPE_DOUBLE:
        print_double(value->number, buf);
        break;
    case TT_TYPE_BYTES:
        tt_buf_append_char(buf, 'b');
        print_text(value->text, value->type == TT_TYPE_BYTES, buf);
        break;
    case TT_TYPE_STRING:
        print_text(value->text, value->type == TT_TYPE_BYTES, buf);
        break;
    case TT_TYPE_TIMESTAMP:
    case TT_TYPE_DURATION:
        print_moment(value, buf);
        break;
    case TT_TYPE_LIST:
        print_items(value->list, "[", ", ", "]", buf);
        break;
    case TT_TYPE_MAP:
        print_items(value->list, "{", ": ", "}", buf);
        break;
    case TT_TYPE_OPTIONAL:
        print_items(value->list, value->list->count == 0 ? "optional.none(" : "optional.of(", "",
                    ")", buf);
        break;
    case TT_TYPE_TYPE:
        tt_buf_append_text(buf, tt_type_text((enum tt_type)value->kind));
        break;
    default:
        tt_buf_append_text(buf, "null");
        break;
    }
}

enum tt_status tt_value_print(const struct tt_value *value, struct tt_buf *buf)
{
    print_value(value, buf);
    return buf->status;
}
