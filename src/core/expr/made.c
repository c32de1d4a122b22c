/*
 * Values made while evaluating.
 *
 * The weight of what is made stays below TT_LIST_COUNT_MAX: parts are shared, so few bytes may
 * hold many values, and whatever walks them later must end.
 */
#include "core/expr/made.h"

struct tt_value tt_made_new(struct tt_call *call, enum tt_type type, size_t capacity)
{
    size_t size = sizeof(struct tt_list) + capacity * sizeof(struct tt_value);
    struct tt_list *list =
        capacity > TT_EXPR_HEAP_SIZE / sizeof(struct tt_value) ? NULL : tt_call_reserve(call, size);
    if (list == NULL) {
        return tt_value_none(TT_VALUE_SPACE);
    }
    *list = (struct tt_list){.items = (struct tt_value *)(list + 1), .item_type = TT_TYPE_DYN};
    return (struct tt_value){.type = (uint8_t)type, .made = list};
}

void tt_made_add(struct tt_value *made, const struct tt_value *item)
{
    if (made->type == TT_TYPE_NONE) {
        return;
    }
    if (item->type == TT_TYPE_NONE) {
        *made = *item;
        return;
    }
    struct tt_list *list = made->made;
    uint32_t weight = list->weight + tt_value_weight(item);
    if (weight > TT_LIST_COUNT_MAX) {
        *made = tt_value_none(TT_VALUE_SPACE);
        return;
    }
    struct tt_value *items = (struct tt_value *)(list + 1);
    items[list->count++] = *item;
    list->weight = weight;
}

static bool is_key(const struct tt_value *key)
{
    return key->type == TT_TYPE_INT || key->type == TT_TYPE_UINT || key->type == TT_TYPE_BOOL ||
           key->type == TT_TYPE_STRING;
}

void tt_made_put(struct tt_value *map, const struct tt_value *key, const struct tt_value *value)
{
    if (map->type == TT_TYPE_NONE) {
        return;
    }
    if (key->type != TT_TYPE_NONE && value->type != TT_TYPE_NONE) {
        if (!is_key(key)) {
            *map = tt_value_none(TT_VALUE_TYPE);
            return;
        }
        if (tt_map_find(map->list, key) != NULL) {
            *map = tt_value_none(TT_VALUE_DUPLICATE);
            return;
        }
    }
    tt_made_add(map, key);
    tt_made_add(map, value);
}

struct tt_value tt_made_from(struct tt_call *call, enum tt_type type, const struct tt_value *items,
                             uint32_t count)
{
    struct tt_value made = tt_made_new(call, type, count);
    bool is_map = type == TT_TYPE_MAP;
    for (uint32_t i = 0; i < count; i += is_map ? 2 : 1) {
        const struct tt_value *value = &items[i + (is_map ? 1 : 0)];
        if (is_map && value->type != TT_TYPE_NONE && value->error == TT_ITEM_LEFT_OUT) {
            continue;
        }
        if (is_map) {
            tt_made_put(&made, &items[i], value);
        } else if (value->type == TT_TYPE_NONE || value->error != TT_ITEM_LEFT_OUT) {
            tt_made_add(&made, value);
        }
    }
    return made;
}

/* What the loop makes before its first round. */
static struct tt_value initial(struct tt_call *call, enum tt_loop kind,
                               const struct tt_value *range)
{
    size_t count = range->list->count;
    size_t entries = range->type == TT_TYPE_MAP ? count / 2 : count;
    switch (kind) {
    case TT_LOOP_ALL:
    case TT_LOOP_EXISTS:
        return tt_value_bool(kind == TT_LOOP_ALL);
    case TT_LOOP_EXISTS_ONE:
        return tt_value_int(0);
    case TT_LOOP_FILTER:
    case TT_LOOP_LIST:
        return tt_made_new(call, TT_TYPE_LIST, entries);
    case TT_LOOP_MAP:
        return tt_made_new(call, TT_TYPE_MAP, entries * 2);
    case TT_LOOP_ENTRIES:
        return tt_made_new(call, TT_TYPE_MAP, 0);
    case TT_LOOP_OPTIONAL:
    case TT_LOOP_FLAT:
        break;
    }
    return tt_made_new(call, TT_TYPE_OPTIONAL, 1);
}

bool tt_loop_begin(struct tt_call *call, enum tt_loop kind, const struct tt_value *range,
                   struct tt_value *dst)
{
    bool of_optional = kind == TT_LOOP_OPTIONAL || kind == TT_LOOP_FLAT;
    bool fits = of_optional ? range->type == TT_TYPE_OPTIONAL
                            : range->type == TT_TYPE_LIST || range->type == TT_TYPE_MAP;
    if (!fits) {
        *dst = range->type == TT_TYPE_NONE ? *range : tt_value_none(TT_VALUE_TYPE);
        return false;
    }
    dst[TT_LOOP_RANGE] = *range; /* before dst: the range may stand there */
    dst[TT_LOOP_COUNTER] = tt_value_int(0);
    *dst = initial(call, kind, &dst[TT_LOOP_RANGE]);
    return dst->type != TT_TYPE_NONE;
}

bool tt_loop_next(bool two, struct tt_value *dst)
{
    const struct tt_value *range = &dst[TT_LOOP_RANGE];
    bool is_map = range->type == TT_TYPE_MAP;
    int64_t round = dst[TT_LOOP_COUNTER].integer++;
    uint32_t at = (uint32_t)round * (is_map ? 2 : 1);
    if (at >= range->list->count) {
        return false;
    }
    const struct tt_value *items = range->list->items;
    dst[TT_LOOP_FIRST] = two && !is_map ? tt_value_int(round) : items[at];
    dst[TT_LOOP_SECOND] = items[is_map ? at + 1 : at];
    return true;
}

void tt_loop_add_entries(struct tt_call *call, const struct tt_value *entries, struct tt_value *dst)
{
    if (entries->type != TT_TYPE_MAP) {
        *dst = entries->type == TT_TYPE_NONE ? *entries : tt_value_none(TT_VALUE_TYPE);
        return;
    }
    const struct tt_list *old = dst->list;
    const struct tt_list *more = entries->list;
    struct tt_value whole = tt_made_new(call, TT_TYPE_MAP, (size_t)old->count + more->count);
    for (uint32_t i = 0; i < old->count; i++) {
        tt_made_add(&whole, &old->items[i]);
    }
    for (uint32_t i = 0; i + 1 < more->count; i += 2) {
        tt_made_put(&whole, &more->items[i], &more->items[i + 1]);
    }
    call->cost += (uint64_t)old->count * more->count / 8;
    *dst = whole;
}
