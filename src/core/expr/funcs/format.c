/*
 * text.format(list): %s %d %f %e %x %X %o %b and %%, with a precision for %f and %e.
 *
 * The result grows in what is left of the scratch and is taken when it is whole.
 * Source: the published definition of CEL's strings extension.
 */
#include <stdio.h>
#include <string.h>

#include "base/number.h"
#include "core/expr/funcs/impl.h"
#include "core/expr/moment.h"

#define PRECISION_MAX 100
#define NUMBER_SIZE 512
#define SORTED_MAX 256 /* entries of a map that is written */

struct output {
    char *data;
    size_t size, capacity;
    enum tt_value_error error; /* 0 = none */
};

static void write_value(struct output *out, const struct tt_value *value);

static void put(struct output *out, const char *data, size_t size)
{
    if (out->error != 0 || size > out->capacity - out->size) {
        out->error = out->error != 0 ? out->error : TT_VALUE_SPACE;
        return;
    }
    if (size > 0) {
        memcpy(out->data + out->size, data, size);
    }
    out->size += size;
}

static void put_text(struct output *out, const char *text)
{
    put(out, text, strlen(text));
}

static bool put_special(struct output *out, double number)
{
    if (__builtin_isfinite(number) != 0) {
        return false;
    }
    put_text(out, number > 0.0 ? "Infinity" : number < 0.0 ? "-Infinity" : "NaN");
    return true;
}

static void write_number(struct output *out, const struct tt_value *value)
{
    char text[NUMBER_SIZE];
    if (value->type == TT_TYPE_UINT) {
        int size = snprintf(text, sizeof(text), "%llu", (unsigned long long)value->uinteger);
        put(out, text, (size_t)size);
    } else if (value->type == TT_TYPE_INT) {
        put(out, text, tt_int64_format(value->integer, text));
    } else if (!put_special(out, value->number)) {
        put(out, text, tt_double_format(value->number, text));
    }
}

static void write_list(struct output *out, const struct tt_list *list)
{
    put_text(out, "[");
    for (uint32_t i = 0; i < list->count && out->error == 0; i++) {
        put_text(out, i == 0 ? "" : ", ");
        write_value(out, &list->items[i]);
    }
    put_text(out, "]");
}

/* The text of a key, for sorting. */
static struct tt_str key_text(const struct tt_value *key, char text[NUMBER_SIZE])
{
    struct output out = {.data = text, .capacity = NUMBER_SIZE};
    if (key->type == TT_TYPE_STRING) {
        return key->text;
    }
    write_value(&out, key);
    return (struct tt_str){text, out.size};
}

static bool key_less(const struct tt_value *a, const struct tt_value *b)
{
    char a_text[NUMBER_SIZE];
    char b_text[NUMBER_SIZE];
    return tt_str_compare(key_text(a, a_text), key_text(b, b_text)) < 0;
}

/* Entries in the order of their keys' texts. */
static void write_map(struct output *out, const struct tt_list *map)
{
    uint16_t order[SORTED_MAX];
    uint32_t count = map->count / 2;
    if (count > SORTED_MAX) {
        out->error = TT_VALUE_SPACE;
        return;
    }
    for (uint16_t i = 0; i < count; i++) {
        uint32_t at = i;
        while (at > 0 && key_less(&map->items[2 * i], &map->items[2 * order[at - 1]])) {
            order[at] = order[at - 1];
            at--;
        }
        order[at] = i;
    }
    put_text(out, "{");
    for (uint32_t i = 0; i < count && out->error == 0; i++) {
        put_text(out, i == 0 ? "" : ", ");
        write_value(out, &map->items[2 * order[i]]);
        put_text(out, ": ");
        write_value(out, &map->items[2 * order[i] + 1]);
    }
    put_text(out, "}");
}

static void write_value(struct output *out, const struct tt_value *value)
{
    char text[TT_MOMENT_TEXT_SIZE];
    switch (value->type) {
    case TT_TYPE_BOOL:
        put_text(out, value->boolean ? "true" : "false");
        break;
    case TT_TYPE_INT:
    case TT_TYPE_UINT:
    case TT_TYPE_DOUBLE:
        write_number(out, value);
        break;
    case TT_TYPE_BYTES:
        if (tt_str_utf8_check(value->text) < value->text.size) {
            out->error = TT_VALUE_RANGE;
            break;
        }
        put(out, value->text.data, value->text.size);
        break;
    case TT_TYPE_STRING:
        put(out, value->text.data, value->text.size);
        break;
    case TT_TYPE_NULL:
        put_text(out, "null");
        break;
    case TT_TYPE_TIMESTAMP:
        put(out, text, tt_timestamp_format(value->moment, text));
        break;
    case TT_TYPE_DURATION:
        put(out, text, tt_span_format(value->moment, text));
        break;
    case TT_TYPE_LIST:
        write_list(out, value->list);
        break;
    case TT_TYPE_MAP:
        write_map(out, value->list);
        break;
    case TT_TYPE_TYPE:
        put_text(out, tt_type_text((enum tt_type)value->kind));
        break;
    default:
        out->error = TT_VALUE_TYPE;
        break;
    }
}

/* Digits of a number to a base of 2, 8 or 16; a negative one with a minus. */
static void write_digits(struct output *out, uint64_t number, bool negative, unsigned bits,
                         const char *digits)
{
    char text[66];
    size_t at = sizeof(text);
    do {
        text[--at] = digits[number & ((1u << bits) - 1)];
        number >>= bits;
    } while (number > 0);
    if (negative) {
        text[--at] = '-';
    }
    put(out, text + at, sizeof(text) - at);
}

static void write_hex(struct output *out, struct tt_str bytes, const char *digits)
{
    for (size_t i = 0; i < bytes.size; i++) {
        unsigned char byte = (unsigned char)bytes.data[i];
        char pair[2] = {digits[byte >> 4], digits[byte & 15]};
        put(out, pair, 2);
    }
}

static void write_based(struct output *out, const struct tt_value *value, char clause)
{
    const char *digits = clause == 'X' ? "0123456789ABCDEF" : "0123456789abcdef";
    unsigned bits = clause == 'b' ? 1 : clause == 'o' ? 3 : 4;
    if (value->type == TT_TYPE_INT) {
        bool negative = value->integer < 0;
        uint64_t size = negative ? 0 - (uint64_t)value->integer : (uint64_t)value->integer;
        write_digits(out, size, negative, bits, digits);
    } else if (value->type == TT_TYPE_UINT) {
        write_digits(out, value->uinteger, false, bits, digits);
    } else if (value->type == TT_TYPE_BOOL && clause == 'b') {
        put_text(out, value->boolean ? "1" : "0");
    } else if ((value->type == TT_TYPE_STRING || value->type == TT_TYPE_BYTES) && bits == 4) {
        write_hex(out, value->text, digits);
    } else {
        out->error = TT_VALUE_TYPE;
    }
}

static void write_decimal(struct output *out, const struct tt_value *value)
{
    bool is_special = value->type == TT_TYPE_DOUBLE && __builtin_isfinite(value->number) == 0;
    if (value->type == TT_TYPE_INT || value->type == TT_TYPE_UINT || is_special) {
        write_number(out, value);
    } else {
        out->error = TT_VALUE_TYPE;
    }
}

static void write_fixed(struct output *out, const struct tt_value *value, char clause,
                        int precision)
{
    char text[NUMBER_SIZE];
    double number = value->type == TT_TYPE_INT    ? (double)value->integer
                    : value->type == TT_TYPE_UINT ? (double)value->uinteger
                                                  : value->number;
    if (value->type != TT_TYPE_INT && value->type != TT_TYPE_UINT &&
        value->type != TT_TYPE_DOUBLE) {
        out->error = TT_VALUE_TYPE;
    } else if (!put_special(out, number)) {
        int size = clause == 'f' ? snprintf(text, sizeof(text), "%.*f", precision, number)
                                 : snprintf(text, sizeof(text), "%.*e", precision, number);
        put(out, text, (size_t)size);
    }
}

static void write_clause(struct output *out, const struct tt_value *value, char clause,
                         int precision)
{
    switch (clause) {
    case 's':
        write_value(out, value);
        break;
    case 'd':
        write_decimal(out, value);
        break;
    case 'f':
    case 'e':
        write_fixed(out, value, clause, precision);
        break;
    case 'x':
    case 'X':
    case 'o':
    case 'b':
        write_based(out, value, clause);
        break;
    default:
        out->error = TT_VALUE_RANGE;
        break;
    }
}

/* ".3" at *at; 6 when there is none. */
static int read_precision(struct tt_str form, size_t *at, struct output *out)
{
    int precision = 0;
    if (*at >= form.size || form.data[*at] != '.') {
        return 6;
    }
    for ((*at)++; *at < form.size && form.data[*at] >= '0' && form.data[*at] <= '9'; (*at)++) {
        precision = precision * 10 + (form.data[*at] - '0');
        if (precision > PRECISION_MAX) {
            out->error = TT_VALUE_RANGE;
            return 0;
        }
    }
    return precision;
}

static void write_form(struct output *out, struct tt_str form, const struct tt_list *list)
{
    uint32_t next = 0;
    for (size_t at = 0; at < form.size && out->error == 0; at++) {
        if (form.data[at] != '%') {
            put(out, form.data + at, 1);
            continue;
        }
        at++;
        if (at < form.size && form.data[at] == '%') {
            put_text(out, "%");
            continue;
        }
        int precision = read_precision(form, &at, out);
        if (at >= form.size || next >= list->count) {
            out->error = TT_VALUE_RANGE;
            return;
        }
        write_clause(out, &list->items[next++], form.data[at], precision);
    }
}

IMPL(tt_fn_format)
{
    struct tt_expr_scratch *scratch = call->scratch;
    struct output out = {.data = (char *)scratch->heap + scratch->heap_used,
                         .capacity = TT_EXPR_HEAP_SIZE - scratch->heap_used};
    write_form(&out, args[0]->text, args[1]->list);
    call->cost += out.size / 8;
    if (out.error != 0 || tt_call_reserve(call, out.size) == NULL) {
        *ret = tt_value_none(out.error != 0 ? out.error : TT_VALUE_SPACE);
        return;
    }
    *ret = tt_value_text((struct tt_str){out.data, out.size});
}
