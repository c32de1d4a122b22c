/*
 * Arithmetic: int and uint with overflow as an error, double as IEEE 754 has it (a division by zero
 * is infinite, as the CEL specification says).
 */
#include "base/math.h"
#include "core/expr/funcs/impl.h"

IMPL(tt_fn_add_int)
{
    int64_t result = 0;
    bool overflow = __builtin_add_overflow(args[0]->integer, args[1]->integer, &result);
    *ret = overflow ? tt_value_none(TT_VALUE_OVERFLOW) : tt_value_int(result);
}

IMPL(tt_fn_subtract_int)
{
    int64_t result = 0;
    bool overflow = __builtin_sub_overflow(args[0]->integer, args[1]->integer, &result);
    *ret = overflow ? tt_value_none(TT_VALUE_OVERFLOW) : tt_value_int(result);
}

IMPL(tt_fn_multiply_int)
{
    int64_t result = 0;
    bool overflow = __builtin_mul_overflow(args[0]->integer, args[1]->integer, &result);
    *ret = overflow ? tt_value_none(TT_VALUE_OVERFLOW) : tt_value_int(result);
}

IMPL(tt_fn_divide_int)
{
    if (args[1]->integer == 0) {
        *ret = tt_value_none(TT_VALUE_DIVIDE_BY_ZERO);
    } else if (args[0]->integer == INT64_MIN && args[1]->integer == -1) {
        *ret = tt_value_none(TT_VALUE_OVERFLOW);
    } else {
        *ret = tt_value_int(args[0]->integer / args[1]->integer);
    }
}

IMPL(tt_fn_modulo_int)
{
    if (args[1]->integer == 0) {
        *ret = tt_value_none(TT_VALUE_DIVIDE_BY_ZERO);
    } else if (args[0]->integer == INT64_MIN && args[1]->integer == -1) {
        *ret = tt_value_none(TT_VALUE_OVERFLOW);
    } else {
        *ret = tt_value_int(args[0]->integer % args[1]->integer);
    }
}

IMPL(tt_fn_add_uint)
{
    uint64_t result = 0;
    bool overflow = __builtin_add_overflow(args[0]->uinteger, args[1]->uinteger, &result);
    *ret = overflow ? tt_value_none(TT_VALUE_OVERFLOW) : tt_value_uint(result);
}

IMPL(tt_fn_subtract_uint)
{
    uint64_t result = 0;
    bool overflow = __builtin_sub_overflow(args[0]->uinteger, args[1]->uinteger, &result);
    *ret = overflow ? tt_value_none(TT_VALUE_OVERFLOW) : tt_value_uint(result);
}

IMPL(tt_fn_multiply_uint)
{
    uint64_t result = 0;
    bool overflow = __builtin_mul_overflow(args[0]->uinteger, args[1]->uinteger, &result);
    *ret = overflow ? tt_value_none(TT_VALUE_OVERFLOW) : tt_value_uint(result);
}

IMPL(tt_fn_divide_uint)
{
    if (args[1]->uinteger == 0) {
        *ret = tt_value_none(TT_VALUE_DIVIDE_BY_ZERO);
    } else {
        *ret = tt_value_uint(args[0]->uinteger / args[1]->uinteger);
    }
}

IMPL(tt_fn_modulo_uint)
{
    if (args[1]->uinteger == 0) {
        *ret = tt_value_none(TT_VALUE_DIVIDE_BY_ZERO);
    } else {
        *ret = tt_value_uint(args[0]->uinteger % args[1]->uinteger);
    }
}

IMPL(tt_fn_add_double)
{
    *ret = tt_value_double(args[0]->number + args[1]->number);
}

IMPL(tt_fn_subtract_double)
{
    *ret = tt_value_double(args[0]->number - args[1]->number);
}

IMPL(tt_fn_multiply_double)
{
    *ret = tt_value_double(args[0]->number * args[1]->number);
}

IMPL(tt_fn_divide_double)
{
    *ret = tt_value_double(args[0]->number / args[1]->number);
}

IMPL(tt_fn_negate_int)
{
    *ret = args[0]->integer == INT64_MIN ? tt_value_none(TT_VALUE_OVERFLOW)
                                         : tt_value_int(-args[0]->integer);
}

IMPL(tt_fn_negate_double)
{
    *ret = tt_value_double(-args[0]->number);
}

IMPL(tt_fn_abs_int)
{
    if (args[0]->integer < 0) {
        tt_fn_negate_int(call, args, ret);
    } else {
        *ret = *args[0];
    }
}

IMPL(tt_fn_abs_double)
{
    *ret = tt_value_double(__builtin_fabs(args[0]->number));
}

/* The argument whose order against the other is `sign`; a NaN wins. */
static void pick(const struct tt_value *const *args, int sign, struct tt_value *ret)
{
    int order = 0;
    bool ordered = tt_value_compare(args[0], args[1], &order);
    TT_ASSERT(ordered);
    if (order == 2) {
        bool first_is_nan = __builtin_isnan(args[0]->number) != 0;
        *ret = *args[first_is_nan ? 0 : 1];
    } else {
        *ret = *args[order == -sign ? 1 : 0];
    }
}

IMPL(tt_fn_min)
{
    pick(args, -1, ret);
}

IMPL(tt_fn_max)
{
    pick(args, 1, ret);
}

IMPL(tt_fn_log)
{
    double x = args[0]->number;
    *ret = x > 0.0 ? tt_value_double(tt_log(x)) : tt_value_none(TT_VALUE_RANGE);
}

IMPL(tt_fn_distance_km)
{
    *ret = tt_value_double(
        tt_distance_km(args[0]->number, args[1]->number, args[2]->number, args[3]->number));
}
