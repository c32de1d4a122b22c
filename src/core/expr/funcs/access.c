/*
 * Items of lists and maps, and optional values.
 *
 * An index into an optional goes into what it holds and gives an optional again; with a question
 * mark what is not there is none instead of an error.
 */
#include "core/expr/funcs/impl.h"
#include "core/expr/made.h"

static struct tt_value optional_of(struct tt_call *call, const struct tt_value *value)
{
    struct tt_value optional = tt_made_new(call, TT_TYPE_OPTIONAL, value == NULL ? 0 : 1);
    if (value != NULL) {
        tt_made_add(&optional, value);
    }
    return optional;
}

/* The place of a number in a list, or false: it is none, or outside. */
static bool position(const struct tt_value *index, uint32_t count, uint32_t *ret)
{
    struct tt_value whole = {.type = TT_TYPE_UINT};
    if (index->type == TT_TYPE_DOUBLE) {
        bool fits = index->number >= 0.0 && index->number < (double)count;
        whole.uinteger = fits ? (uint64_t)index->number : count;
    } else if (index->type == TT_TYPE_INT) {
        whole.uinteger = index->integer >= 0 ? (uint64_t)index->integer : count;
    } else {
        whole.uinteger = index->uinteger;
    }
    *ret = (uint32_t)(whole.uinteger < count ? whole.uinteger : count);
    return whole.uinteger < count && tt_value_equal(&whole, index);
}

static bool is_number(const struct tt_value *value)
{
    return value->type == TT_TYPE_INT || value->type == TT_TYPE_UINT ||
           value->type == TT_TYPE_DOUBLE;
}

/* The item of a list or map; NULL with the reason in *ret_error. */
static const struct tt_value *find_item(struct tt_call *call, const struct tt_value *whole,
                                        const struct tt_value *key, enum tt_value_error *ret_error)
{
    uint32_t at = 0;
    *ret_error = TT_VALUE_TYPE;
    if (whole->type == TT_TYPE_LIST && is_number(key)) {
        *ret_error = TT_VALUE_RANGE;
        return position(key, whole->list->count, &at) ? &whole->list->items[at] : NULL;
    }
    if (whole->type == TT_TYPE_MAP &&
        (is_number(key) || key->type == TT_TYPE_STRING || key->type == TT_TYPE_BOOL)) {
        *ret_error = TT_VALUE_KEY;
        call->cost += whole->list->count / 16;
        return tt_map_find(whole->list, key);
    }
    return NULL;
}

IMPL(tt_fn_index)
{
    enum tt_value_error error = TT_VALUE_TYPE;
    const struct tt_value *item = find_item(call, args[0], args[1], &error);
    *ret = item != NULL ? *item : tt_value_none(error);
}

/* The key in the whole as an optional; not there is none, no list or map an error. */
static void find_optional(struct tt_call *call, const struct tt_value *whole,
                          const struct tt_value *key, struct tt_value *ret)
{
    enum tt_value_error error = TT_VALUE_TYPE;
    const struct tt_value *item = find_item(call, whole, key, &error);
    *ret = item == NULL && error == TT_VALUE_TYPE ? tt_value_none(TT_VALUE_TYPE)
                                                  : optional_of(call, item);
}

IMPL(tt_fn_find)
{
    find_optional(call, args[0], args[1], ret);
}

IMPL(tt_fn_find_in_optional)
{
    if (args[0]->list->count == 0) {
        *ret = *args[0];
    } else {
        find_optional(call, &args[0]->list->items[0], args[1], ret);
    }
}

IMPL(tt_fn_has_key)
{
    *ret = tt_value_bool(tt_map_find(args[0]->list, args[1]) != NULL);
}

IMPL(tt_fn_has_key_in_optional)
{
    tt_fn_find_in_optional(call, args, ret);
    if (ret->type == TT_TYPE_OPTIONAL) {
        *ret = tt_value_bool(ret->list->count > 0);
    }
}

IMPL(tt_fn_size_map)
{
    *ret = tt_value_int(args[0]->list->count / 2);
}

IMPL(tt_fn_add_list)
{
    const struct tt_list *left = args[0]->list;
    const struct tt_list *right = args[1]->list;
    *ret = tt_made_new(call, TT_TYPE_LIST, (size_t)left->count + right->count);
    for (uint32_t i = 0; i < left->count && ret->type != TT_TYPE_NONE; i++) {
        tt_made_add(ret, &left->items[i]);
    }
    for (uint32_t i = 0; i < right->count && ret->type != TT_TYPE_NONE; i++) {
        tt_made_add(ret, &right->items[i]);
    }
    call->cost += ((uint64_t)left->count + right->count) / 8;
}

IMPL(tt_fn_optional_none)
{
    *ret = optional_of(call, NULL);
    (void)args;
}

IMPL(tt_fn_optional_of)
{
    *ret = optional_of(call, args[0]);
}

/* 0, "", [], {}, false, null, the epoch: what a type has when nothing is said. */
static bool is_zero(const struct tt_value *value)
{
    switch (value->type) {
    case TT_TYPE_BOOL:
        return !value->boolean;
    case TT_TYPE_INT:
        return value->integer == 0;
    case TT_TYPE_UINT:
        return value->uinteger == 0;
    case TT_TYPE_DOUBLE:
        return value->number >= 0.0 && value->number <= 0.0;
    case TT_TYPE_STRING:
    case TT_TYPE_BYTES:
        return value->text.size == 0;
    case TT_TYPE_TIMESTAMP:
    case TT_TYPE_DURATION:
        return value->moment.seconds == 0 && value->moment.nanos == 0;
    case TT_TYPE_LIST:
    case TT_TYPE_MAP:
    case TT_TYPE_OPTIONAL:
        return value->list->count == 0;
    default:
        return value->type == TT_TYPE_NULL;
    }
}

IMPL(tt_fn_optional_of_non_zero)
{
    *ret = optional_of(call, is_zero(args[0]) ? NULL : args[0]);
}

IMPL(tt_fn_has_value)
{
    *ret = tt_value_bool(args[0]->list->count > 0);
}

IMPL(tt_fn_value)
{
    *ret = args[0]->list->count > 0 ? args[0]->list->items[0] : tt_value_none(TT_VALUE_MISSING);
}

/* The other side may be an error where it is not asked. */
IMPL(tt_fn_or)
{
    *ret = args[0]->list->count > 0 ? *args[0] : *args[1];
    if (ret->type != TT_TYPE_NONE && ret->type != TT_TYPE_OPTIONAL) {
        *ret = tt_value_none(TT_VALUE_TYPE);
    }
}

IMPL(tt_fn_or_value)
{
    *ret = args[0]->list->count > 0 ? args[0]->list->items[0] : *args[1];
}

IMPL(tt_fn_unwrap_list)
{
    const struct tt_list *list = args[0]->list;
    *ret = tt_made_new(call, TT_TYPE_LIST, list->count);
    for (uint32_t i = 0; i < list->count && ret->type != TT_TYPE_NONE; i++) {
        if (list->items[i].type != TT_TYPE_OPTIONAL) {
            *ret = tt_value_none(TT_VALUE_TYPE);
        } else if (list->items[i].list->count > 0) {
            tt_made_add(ret, &list->items[i].list->items[0]);
        }
    }
}

IMPL(tt_fn_type)
{
    *ret = (struct tt_value){.type = TT_TYPE_TYPE, .kind = args[0]->type};
}
