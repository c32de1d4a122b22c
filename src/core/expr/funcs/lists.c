/*
 * The extension library of lists. Made lists live in the scratch, so their number of items is
 * bounded by it and quadratic work stays small; it is added to the cost.
 *
 * Source: the published definition of CEL's lists extension.
 */
#include "core/expr/funcs/impl.h"
#include "core/expr/made.h"

static void copy_range(struct tt_call *call, const struct tt_list *list, uint32_t from, uint32_t to,
                       struct tt_value *ret)
{
    *ret = tt_made_new(call, TT_TYPE_LIST, to - from);
    call->cost += (to - from) / 8;
    for (uint32_t i = from; i < to && ret->type != TT_TYPE_NONE; i++) {
        tt_made_add(ret, &list->items[i]);
    }
}

IMPL(tt_fn_slice)
{
    const struct tt_list *list = args[0]->list;
    int64_t from = args[1]->integer;
    int64_t to = args[2]->integer;
    if (from < 0 || to < from || to > (int64_t)list->count) {
        *ret = tt_value_none(TT_VALUE_RANGE);
    } else {
        copy_range(call, list, (uint32_t)from, (uint32_t)to, ret);
    }
}

/* Items of lists through `depth` levels; with made NULL only counts them, up to what fits. */
static size_t flatten_into(const struct tt_list *list, int64_t depth, struct tt_value *made)
{
    size_t count = 0;
    for (uint32_t i = 0; i < list->count && count < TT_EXPR_HEAP_SIZE; i++) {
        if (list->items[i].type == TT_TYPE_LIST && depth > 0) {
            count += flatten_into(list->items[i].list, depth - 1, made);
            continue;
        }
        if (made != NULL) {
            tt_made_add(made, &list->items[i]);
        }
        count++;
    }
    return count;
}

static void flatten(struct tt_call *call, const struct tt_list *list, int64_t depth,
                    struct tt_value *ret)
{
    if (depth < 0) {
        *ret = tt_value_none(TT_VALUE_RANGE);
        return;
    }
    call->cost += list->weight / 8;
    *ret = tt_made_new(call, TT_TYPE_LIST, flatten_into(list, depth, NULL));
    if (ret->type != TT_TYPE_NONE) {
        (void)flatten_into(list, depth, ret);
    }
}

IMPL(tt_fn_flatten)
{
    flatten(call, args[0]->list, 1, ret);
}

IMPL(tt_fn_flatten_depth)
{
    flatten(call, args[0]->list, args[1]->integer, ret);
}

IMPL(tt_fn_distinct)
{
    const struct tt_list *list = args[0]->list;
    *ret = tt_made_new(call, TT_TYPE_LIST, list->count);
    call->cost += (uint64_t)list->count * list->weight / 8;
    if (call->cost > TT_EXPR_COST_DEFAULT && ret->type != TT_TYPE_NONE) {
        *ret = tt_value_none(TT_VALUE_COST);
    }
    for (uint32_t i = 0; i < list->count && ret->type != TT_TYPE_NONE; i++) {
        if (!tt_list_contains(ret->list, &list->items[i])) {
            tt_made_add(ret, &list->items[i]);
        }
    }
}

/* True when all keys have an order among them. */
static bool is_sortable(const struct tt_list *keys)
{
    for (uint32_t i = 0; i < keys->count; i++) {
        int order = 0;
        if (!tt_value_compare(&keys->items[0], &keys->items[i], &order)) {
            return false;
        }
    }
    return true;
}

/* Merges two sorted runs of positions. */
static void merge(const struct tt_value *keys, const uint32_t *from, uint32_t *to, uint32_t middle,
                  uint32_t end)
{
    uint32_t left = 0;
    uint32_t right = middle;
    for (uint32_t i = 0; i < end; i++) {
        int order = 0;
        bool take_right = left == middle;
        if (left < middle && right < end) {
            (void)tt_value_compare(&keys[from[right]], &keys[from[left]], &order);
            take_right = order == -1;
        }
        to[i] = take_right ? from[right++] : from[left++];
    }
}

/* Positions in the order of the keys, stable; two arrays of count, the result is returned. */
static uint32_t *sort_positions(const struct tt_list *keys, uint32_t *first, uint32_t *second)
{
    uint32_t count = keys->count;
    for (uint32_t i = 0; i < count; i++) {
        first[i] = i;
    }
    for (uint32_t width = 1; width < count; width *= 2) {
        for (uint32_t at = 0; at < count; at += 2 * width) {
            uint32_t middle = count - at < width ? count - at : width;
            uint32_t end = count - at < 2 * width ? count - at : 2 * width;
            merge(keys->items, first + at, second + at, middle, end);
        }
        uint32_t *sorted = second;
        second = first;
        first = sorted;
    }
    return first;
}

/* The items in the order of the keys. */
static void sort_by(struct tt_call *call, const struct tt_list *items, const struct tt_list *keys,
                    struct tt_value *ret)
{
    *ret = tt_made_new(call, TT_TYPE_LIST, items->count);
    if (ret->type == TT_TYPE_NONE) {
        return;
    }
    if (items->count != keys->count || !is_sortable(keys)) {
        *ret = tt_value_none(TT_VALUE_TYPE);
        return;
    }
    uint32_t *positions = tt_call_reserve(call, 2 * sizeof(uint32_t) * (items->count + 1));
    if (positions == NULL) {
        *ret = tt_value_none(TT_VALUE_SPACE);
        return;
    }
    call->cost += items->count;
    const uint32_t *order = sort_positions(keys, positions, positions + items->count);
    for (uint32_t i = 0; i < items->count && ret->type != TT_TYPE_NONE; i++) {
        tt_made_add(ret, &items->items[order[i]]);
    }
}

IMPL(tt_fn_sort)
{
    sort_by(call, args[0]->list, args[0]->list, ret);
}

IMPL(tt_fn_sort_by)
{
    sort_by(call, args[0]->list, args[1]->list, ret);
}

IMPL(tt_fn_range)
{
    int64_t count = args[0]->integer;
    *ret = tt_made_new(call, TT_TYPE_LIST, count < 0 ? 0 : (size_t)count);
    call->cost += count > 0 ? (uint64_t)count / 8 : 0;
    for (int64_t i = 0; i < count && ret->type != TT_TYPE_NONE; i++) {
        struct tt_value item = tt_value_int(i);
        tt_made_add(ret, &item);
    }
}

static void end_of(struct tt_call *call, const struct tt_list *list, bool last,
                   struct tt_value *ret)
{
    *ret = tt_made_new(call, TT_TYPE_OPTIONAL, 1);
    if (ret->type != TT_TYPE_NONE && list->count > 0) {
        tt_made_add(ret, &list->items[last ? list->count - 1 : 0]);
    }
}

IMPL(tt_fn_first)
{
    end_of(call, args[0]->list, false, ret);
}

IMPL(tt_fn_last)
{
    end_of(call, args[0]->list, true, ret);
}

IMPL(tt_fn_reverse_list)
{
    const struct tt_list *list = args[0]->list;
    *ret = tt_made_new(call, TT_TYPE_LIST, list->count);
    call->cost += list->count / 8;
    for (uint32_t i = list->count; i > 0 && ret->type != TT_TYPE_NONE; i--) {
        tt_made_add(ret, &list->items[i - 1]);
    }
}
