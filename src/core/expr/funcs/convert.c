/*
 * Conversions between types, and the questions about missing values.
 */
#include <string.h>

#include "base/number.h"
#include "core/expr/funcs/impl.h"
#include "core/expr/moment.h"

#define TWO_POW_63 9223372036854775808.0
#define TWO_POW_64 18446744073709551616.0
#define TEXT_SIZE_MAX 64

IMPL(tt_fn_same)
{
    *ret = *args[0];
}

static bool is_error(const struct tt_value *value)
{
    return value->type == TT_TYPE_NONE;
}

static bool is_missing(const struct tt_value *value)
{
    return is_error(value) && value->error == TT_VALUE_MISSING;
}

IMPL(tt_fn_is_missing)
{
    bool other_error = is_error(args[0]) && !is_missing(args[0]);
    *ret = other_error ? *args[0] : tt_value_bool(is_missing(args[0]));
}

IMPL(tt_fn_has)
{
    bool other_error = is_error(args[0]) && !is_missing(args[0]);
    *ret = other_error ? *args[0] : tt_value_bool(!is_missing(args[0]));
}

static bool one_of(struct tt_str text, const char *const *words, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (tt_str_equal_text(text, words[i])) {
            return true;
        }
    }
    return false;
}

IMPL(tt_fn_bool_string)
{
    static const char *const yes[] = {"true", "True", "TRUE", "t", "1"};
    static const char *const no[] = {"false", "False", "FALSE", "f", "0"};
    if (one_of(args[0]->text, yes, TT_ARRAY_SIZE(yes))) {
        *ret = tt_value_bool(true);
    } else if (one_of(args[0]->text, no, TT_ARRAY_SIZE(no))) {
        *ret = tt_value_bool(false);
    } else {
        *ret = tt_value_none(TT_VALUE_RANGE);
    }
}

IMPL(tt_fn_int_uint)
{
    *ret = args[0]->uinteger > (uint64_t)INT64_MAX ? tt_value_none(TT_VALUE_OVERFLOW)
                                                   : tt_value_int((int64_t)args[0]->uinteger);
}

IMPL(tt_fn_int_double)
{
    double number = args[0]->number;
    bool fits = number > -TWO_POW_63 && number < TWO_POW_63;
    *ret = fits ? tt_value_int((int64_t)number) : tt_value_none(TT_VALUE_OVERFLOW);
}

IMPL(tt_fn_int_string)
{
    int64_t integer = 0;
    struct tt_str text = args[0]->text;
    bool fits = text.size <= TEXT_SIZE_MAX && tt_int64_parse(text, &integer);
    *ret = fits ? tt_value_int(integer) : tt_value_none(TT_VALUE_RANGE);
}

IMPL(tt_fn_int_timestamp)
{
    *ret = tt_value_int(args[0]->moment.seconds);
}

IMPL(tt_fn_uint_int)
{
    *ret = args[0]->integer < 0 ? tt_value_none(TT_VALUE_OVERFLOW)
                                : tt_value_uint((uint64_t)args[0]->integer);
}

IMPL(tt_fn_uint_double)
{
    double number = args[0]->number;
    bool fits = number >= 0.0 && number < TWO_POW_64;
    *ret = fits ? tt_value_uint((uint64_t)number) : tt_value_none(TT_VALUE_OVERFLOW);
}

IMPL(tt_fn_uint_string)
{
    struct tt_str text = args[0]->text;
    uint64_t number = 0;
    bool fits = text.size > 0;
    for (size_t i = 0; i < text.size && fits; i++) {
        char c = text.data[i];
        fits = c >= '0' && c <= '9' && !__builtin_mul_overflow(number, (uint64_t)10, &number) &&
               !__builtin_add_overflow(number, (uint64_t)(c - '0'), &number);
    }
    *ret = fits ? tt_value_uint(number) : tt_value_none(TT_VALUE_RANGE);
}

IMPL(tt_fn_double_int)
{
    *ret = tt_value_double((double)args[0]->integer);
}

IMPL(tt_fn_double_uint)
{
    *ret = tt_value_double((double)args[0]->uinteger);
}

/* NaN and the infinities. */
static bool parse_special(struct tt_str text, double *ret)
{
    static const char *const infinite[] = {"Infinity", "+Infinity", "Inf", "+Inf", "inf", "+inf"};
    static const char *const negative[] = {"-Infinity", "-Inf", "-inf"};
    if (one_of(text, infinite, TT_ARRAY_SIZE(infinite))) {
        *ret = __builtin_inf();
    } else if (one_of(text, negative, TT_ARRAY_SIZE(negative))) {
        *ret = -__builtin_inf();
    } else if (tt_str_equal_text(text, "NaN") || tt_str_equal_text(text, "nan")) {
        *ret = __builtin_nan("");
    } else {
        return false;
    }
    return true;
}

IMPL(tt_fn_double_string)
{
    double number = 0.0;
    struct tt_str text = args[0]->text;
    bool fits = (text.size <= TEXT_SIZE_MAX && tt_double_parse(text, &number)) ||
                parse_special(text, &number);
    *ret = fits ? tt_value_double(number) : tt_value_none(TT_VALUE_RANGE);
}

static size_t format_double(double number, char *out)
{
    if (__builtin_isfinite(number) != 0) {
        return tt_double_format(number, out);
    }
    struct tt_str word = number > 0.0   ? TT_STR("Infinity")
                         : number < 0.0 ? TT_STR("-Infinity")
                                        : TT_STR("NaN");
    memcpy(out, word.data, word.size);
    return word.size;
}

/* The value as text into out (TEXT_SIZE_MAX bytes); returns its length. */
static size_t format(const struct tt_value *value, char *out)
{
    switch (value->type) {
    case TT_TYPE_BOOL: {
        struct tt_str word = value->boolean ? TT_STR("true") : TT_STR("false");
        memcpy(out, word.data, word.size);
        return word.size;
    }
    case TT_TYPE_INT:
        return tt_int64_format(value->integer, out);
    case TT_TYPE_UINT: {
        uint64_t number = value->uinteger;
        size_t at = TEXT_SIZE_MAX;
        do {
            out[--at] = (char)('0' + number % 10);
            number /= 10;
        } while (number > 0);
        memmove(out, out + at, TEXT_SIZE_MAX - at);
        return TEXT_SIZE_MAX - at;
    }
    case TT_TYPE_DOUBLE:
        return format_double(value->number, out);
    case TT_TYPE_TIMESTAMP:
        return tt_timestamp_format(value->moment, out);
    default:
        return tt_span_format(value->moment, out);
    }
}

IMPL(tt_fn_string_any)
{
    char *text = tt_call_reserve(call, TEXT_SIZE_MAX);
    if (text == NULL) {
        *ret = tt_value_none(TT_VALUE_SPACE);
        return;
    }
    *ret = tt_value_text((struct tt_str){text, format(args[0], text)});
}

IMPL(tt_fn_string_bytes)
{
    struct tt_str text = args[0]->text;
    call->cost += text.size / 16;
    *ret =
        tt_str_utf8_check(text) == text.size ? tt_value_text(text) : tt_value_none(TT_VALUE_RANGE);
}

IMPL(tt_fn_bytes_string)
{
    *ret = (struct tt_value){.type = TT_TYPE_BYTES, .text = args[0]->text};
}

IMPL(tt_fn_timestamp_string)
{
    struct tt_moment moment = {0, 0};
    *ret = tt_timestamp_parse(args[0]->text, &moment) ? tt_value_timestamp(moment)
                                                      : tt_value_none(TT_VALUE_RANGE);
}

IMPL(tt_fn_timestamp_int)
{
    struct tt_moment moment = {args[0]->integer, 0};
    *ret =
        tt_timestamp_valid(moment) ? tt_value_timestamp(moment) : tt_value_none(TT_VALUE_OVERFLOW);
}

IMPL(tt_fn_duration_string)
{
    struct tt_moment span = {0, 0};
    *ret = tt_span_parse(args[0]->text, &span) ? tt_value_duration(span)
                                               : tt_value_none(TT_VALUE_RANGE);
}
