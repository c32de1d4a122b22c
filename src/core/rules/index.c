/*
 * Asking the index: a row an axis, and the masks joined.
 */
#include "core/rules/index.h"

#include <string.h>

#include "base/hash.h"
#include "core/rules/index_text.h"

/* How many bounds are below x: a search without branches on what is found. */
static uint32_t rank_of(const double *bounds, uint32_t count, double x)
{
    const double *base = bounds;
    uint32_t left = count;
    if (count == 0) {
        return 0;
    }
    while (left > 1) {
        uint32_t half = left / 2;
        base += base[half - 1] < x ? half : 0;
        left -= half;
    }
    return (uint32_t)(base - bounds) + (*base < x ? 1 : 0);
}

static uint32_t time_rank(const int64_t *times, uint32_t count, int64_t at)
{
    uint32_t rank = 0;
    while (rank < count && times[rank] <= at) {
        rank++;
    }
    return rank;
}

/* The row of a value that has the axis' type. */
static uint32_t find_row(const struct tt_axis *axis, const struct tt_value *value)
{
    switch ((enum tt_axis_kind)axis->kind) {
    case TT_AXIS_NUMBER:
        return TT_UNLIKELY(__builtin_isnan(value->number))
                   ? axis->key_count + 1
                   : rank_of(axis->bounds, axis->key_count, value->number);
    case TT_AXIS_TEXT:
        return tt_axis_text_find(axis->texts, axis->table, axis->table_mask, value->text);
    case TT_AXIS_BOOL:
        return value->boolean ? 1 : 0;
    case TT_AXIS_LIST:
        break;
    }
    return tt_list_contains(axis->list, value) ? 1 : 0;
}

static inline void join(uint64_t *to, const uint64_t *from, uint32_t words)
{
    for (uint32_t i = 0; i < words; i++) {
        to[i] |= from[i];
    }
}

bool tt_rule_index_ask(const struct tt_index_block *block, const struct tt_value *slots,
                       int64_t event_ms, struct tt_index_answer *ret)
{
    const uint32_t words = block->words;
    uint64_t closed[TT_LANE_WORDS];
    memset(closed, 0, words * sizeof(closed[0]));
    memset(ret->failed, 0, words * sizeof(ret->failed[0]));
    if (block->time_count > 0) {
        uint32_t rank = time_rank(block->times, block->time_count, event_ms);
        join(closed, block->time_rows + (size_t)rank * words, words);
    }
    for (uint32_t i = 0; i < block->axis_count; i++) {
        const struct tt_axis *axis = &block->axes[i];
        const struct tt_value *value = &slots[axis->slot];
        if (TT_LIKELY(value->type == axis->type)) {
            join(closed, axis->rows + (size_t)find_row(axis, value) * words, words);
        } else if (value->type == TT_TYPE_NONE && value->error == TT_VALUE_MISSING) {
            join(closed, axis->missing, words);
            join(ret->failed, axis->missing + words, words);
        } else {
            return false;
        }
    }
    for (uint32_t i = 0; i < words; i++) {
        ret->open[i] = block->all[i] & ~closed[i];
        ret->failed[i] &= ret->open[i];
    }
    return true;
}
