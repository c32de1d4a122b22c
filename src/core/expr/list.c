/*
 * Constant lists: one block holds the list, its items, the index and the texts.
 *
 * The index is a hash table of positions at most half full. Numbers that are equal across types
 * must meet in it, so a number is hashed as the double nearest to it.
 */
#include <string.h>

#include "base/hash.h"
#include "core/expr/value.h"

#define INDEX_FROM_COUNT 8 /* shorter lists are scanned */

/* Items come from files of the operator: a fixed key will do. */
static const struct tt_hash_key item_key = {0x6c69737473206f66, 0x636f6e7374616e74};

static uint64_t hash_number(double number)
{
    uint64_t bits = 0;
    number += 0.0; /* -0.0 becomes 0.0 */
    memcpy(&bits, &number, sizeof(bits));
    return tt_hash_mix(bits);
}

static uint64_t hash_value(const struct tt_value *value)
{
    switch (value->type) {
    case TT_TYPE_INT:
        return hash_number((double)value->integer);
    case TT_TYPE_UINT:
        return hash_number((double)value->uinteger);
    case TT_TYPE_DOUBLE:
        return hash_number(value->number);
    case TT_TYPE_STRING:
    case TT_TYPE_BYTES:
        return tt_hash64(&item_key, value->text.data, value->text.size);
    case TT_TYPE_TIMESTAMP:
    case TT_TYPE_DURATION:
        return tt_hash_mix((uint64_t)value->moment.seconds * 1000000007u +
                           (uint64_t)value->moment.nanos);
    case TT_TYPE_BOOL:
        return value->boolean ? 1 : 2;
    default:
        return 0; /* lists in lists: one chain */
    }
}

static bool has_text(const struct tt_value *value)
{
    return value->type == TT_TYPE_STRING || value->type == TT_TYPE_BYTES;
}

static size_t index_capacity(size_t count)
{
    size_t capacity = 16;
    if (count < INDEX_FROM_COUNT) {
        return 0;
    }
    while (capacity < count * 2) {
        capacity *= 2;
    }
    return capacity;
}

static size_t text_size(const struct tt_value *items, size_t count)
{
    size_t size = 0;
    for (size_t i = 0; i < count; i++) {
        size += has_text(&items[i]) ? items[i].text.size : 0;
    }
    return size;
}

static size_t block_size(const struct tt_value *items, size_t count)
{
    return sizeof(struct tt_list) + count * sizeof(struct tt_value) +
           index_capacity(count) * sizeof(uint32_t) + text_size(items, count) + 1;
}

static void fill_index(struct tt_list *list, uint32_t *index)
{
    for (uint32_t i = 0; i < list->count; i++) {
        uint64_t at = hash_value(&list->items[i]) & list->index_mask;
        while (index[at] != 0 && !tt_value_equal(&list->items[index[at] - 1], &list->items[i])) {
            at = (at + 1) & list->index_mask;
        }
        if (index[at] == 0) {
            index[at] = i + 1;
        }
    }
}

static uint8_t common_type(const struct tt_value *items, size_t count)
{
    uint8_t type = count == 0 ? (uint8_t)TT_TYPE_DYN : items[0].type;
    for (size_t i = 1; i < count; i++) {
        type = items[i].type == type ? type : (uint8_t)TT_TYPE_DYN;
    }
    return type;
}

static uint32_t total_weight(const struct tt_value *items, size_t count)
{
    uint64_t weight = 0;
    for (size_t i = 0; i < count; i++) {
        weight += tt_value_weight(&items[i]);
    }
    return weight < UINT32_MAX / 2 ? (uint32_t)weight : UINT32_MAX / 2;
}

enum tt_status tt_list_new(const struct tt_alloc *alloc, const struct tt_value *items, size_t count,
                           struct tt_list **ret, struct tt_error *err)
{
    if (count > TT_LIST_COUNT_MAX) {
        return tt_fail(err, TT_E_LIMIT, "a list of more than %d entries", TT_LIST_COUNT_MAX);
    }
    size_t capacity = index_capacity(count);
    struct tt_list *list = tt_new(alloc, block_size(items, count));
    if (list == NULL) {
        return tt_fail(err, TT_E_NOMEM, "out of memory");
    }
    struct tt_value *copies = (struct tt_value *)(list + 1);
    uint32_t *index = (uint32_t *)(copies + count);
    char *text = (char *)(index + capacity);
    for (size_t i = 0; i < count; i++) {
        copies[i] = items[i];
        if (has_text(&items[i])) {
            copies[i].text.data = memcpy(text, items[i].text.data, items[i].text.size);
            text += items[i].text.size;
        }
    }
    *list = (struct tt_list){.count = (uint32_t)count,
                             .index_mask = capacity == 0 ? 0 : (uint32_t)capacity - 1,
                             .weight = total_weight(items, count),
                             .items = copies,
                             .index = index,
                             .item_type = common_type(items, count)};
    if (capacity != 0) {
        memset(index, 0, capacity * sizeof(uint32_t));
        fill_index(list, index);
    }
    *ret = list;
    return TT_OK;
}

void tt_list_free(const struct tt_alloc *alloc, struct tt_list *list)
{
    if (list != NULL) {
        tt_delete(alloc, list, block_size(list->items, list->count));
    }
}

bool tt_list_contains(const struct tt_list *list, const struct tt_value *value)
{
    if (list->index_mask == 0) {
        for (uint32_t i = 0; i < list->count; i++) {
            if (tt_value_equal(&list->items[i], value)) {
                return true;
            }
        }
        return false;
    }
    uint64_t at = hash_value(value) & list->index_mask;
    while (list->index[at] != 0) {
        if (tt_value_equal(&list->items[list->index[at] - 1], value)) {
            return true;
        }
        at = (at + 1) & list->index_mask;
    }
    return false;
}
