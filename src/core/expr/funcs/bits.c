/*
 * The extension library of mathematics: greatest and least of any numbers, rounding, signs, bits.
 *
 * Source: the published definition of CEL's math extension.
 */
#include "base/math.h"
#include "core/expr/funcs/impl.h"

#define INT_BITS 64

/* The number of a list whose order against all others is `sign`; the first of equal ones. */
static void pick_from(struct tt_call *call, const struct tt_list *list, int sign,
                      struct tt_value *ret)
{
    *ret = tt_value_none(TT_VALUE_RANGE);
    call->cost += list->count / 8;
    for (uint32_t i = 0; i < list->count; i++) {
        const struct tt_value *item = &list->items[i];
        int order = 0;
        if (item->type != TT_TYPE_INT && item->type != TT_TYPE_UINT &&
            item->type != TT_TYPE_DOUBLE) {
            *ret = tt_value_none(TT_VALUE_TYPE);
            return;
        }
        if (i == 0 || (tt_value_compare(item, ret, &order) && order == sign)) {
            *ret = *item;
        }
    }
}

IMPL(tt_fn_greatest)
{
    pick_from(call, args[0]->list, 1, ret);
}

IMPL(tt_fn_least)
{
    pick_from(call, args[0]->list, -1, ret);
}

IMPL(tt_fn_ceil)
{
    *ret = tt_value_double(__builtin_ceil(args[0]->number));
}

IMPL(tt_fn_floor)
{
    *ret = tt_value_double(__builtin_floor(args[0]->number));
}

IMPL(tt_fn_trunc)
{
    *ret = tt_value_double(__builtin_trunc(args[0]->number));
}

/* Halves away from 0. */
IMPL(tt_fn_round)
{
    double whole = __builtin_trunc(args[0]->number);
    double rest = __builtin_fabs(args[0]->number - whole);
    double step = args[0]->number < 0.0 ? -1.0 : 1.0;
    *ret = tt_value_double(rest >= 0.5 ? whole + step : whole);
}

IMPL(tt_fn_sign_int)
{
    *ret = tt_value_int((args[0]->integer > 0) - (args[0]->integer < 0));
}

IMPL(tt_fn_sign_uint)
{
    *ret = tt_value_uint(args[0]->uinteger > 0 ? 1 : 0);
}

IMPL(tt_fn_sign_double)
{
    double number = args[0]->number;
    double sign = number > 0.0 ? 1.0 : number < 0.0 ? -1.0 : number;
    *ret = tt_value_double(sign);
}

IMPL(tt_fn_is_nan)
{
    *ret = tt_value_bool(__builtin_isnan(args[0]->number) != 0);
}

IMPL(tt_fn_is_inf)
{
    *ret = tt_value_bool(__builtin_isinf(args[0]->number) != 0);
}

IMPL(tt_fn_is_finite)
{
    *ret = tt_value_bool(__builtin_isfinite(args[0]->number) != 0);
}

static double square_root(double number)
{
    return number >= 0.0 ? tt_sqrt(number) : __builtin_nan("");
}

IMPL(tt_fn_sqrt_int)
{
    *ret = tt_value_double(square_root((double)args[0]->integer));
}

IMPL(tt_fn_sqrt_uint)
{
    *ret = tt_value_double(square_root((double)args[0]->uinteger));
}

IMPL(tt_fn_sqrt_double)
{
    *ret = tt_value_double(square_root(args[0]->number));
}

/* The bits of an int or uint. */
static uint64_t bits_of(const struct tt_value *value)
{
    return value->type == TT_TYPE_INT ? (uint64_t)value->integer : value->uinteger;
}

static struct tt_value from_bits(uint64_t bits, uint8_t type)
{
    return type == TT_TYPE_INT ? tt_value_int((int64_t)bits) : tt_value_uint(bits);
}

IMPL(tt_fn_bit_and)
{
    *ret = from_bits(bits_of(args[0]) & bits_of(args[1]), args[0]->type);
}

IMPL(tt_fn_bit_or)
{
    *ret = from_bits(bits_of(args[0]) | bits_of(args[1]), args[0]->type);
}

IMPL(tt_fn_bit_xor)
{
    *ret = from_bits(bits_of(args[0]) ^ bits_of(args[1]), args[0]->type);
}

IMPL(tt_fn_bit_not)
{
    *ret = from_bits(~bits_of(args[0]), args[0]->type);
}

IMPL(tt_fn_shift_left)
{
    int64_t places = args[1]->integer;
    if (places < 0) {
        *ret = tt_value_none(TT_VALUE_RANGE);
    } else {
        *ret = from_bits(places < INT_BITS ? bits_of(args[0]) << places : 0, args[0]->type);
    }
}

/* An int keeps its sign. */
IMPL(tt_fn_shift_right)
{
    int64_t places = args[1]->integer;
    bool negative = args[0]->type == TT_TYPE_INT && args[0]->integer < 0;
    uint64_t bits = negative ? ~bits_of(args[0]) : bits_of(args[0]);
    if (places < 0) {
        *ret = tt_value_none(TT_VALUE_RANGE);
        return;
    }
    bits = places < INT_BITS ? bits >> places : 0;
    *ret = from_bits(negative ? ~bits : bits, args[0]->type);
}
