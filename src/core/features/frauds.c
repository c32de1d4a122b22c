/* Labels in event order and the two sorted arrays a label window is answered from. */
#include "core/features/frauds.h"

#include <string.h>

static uint32_t grown(uint32_t count)
{
    uint32_t capacity = 4;
    while (capacity < count) {
        capacity *= 2;
    }
    return capacity;
}

enum tt_status tt_frauds_reserve(struct tt_frauds *frauds, const struct tt_alloc *alloc,
                                 uint32_t count, uint64_t *bytes)
{
    if (count <= frauds->capacity) {
        return TT_OK;
    }
    uint32_t capacity = grown(count);
    int64_t *times = tt_new(alloc, 2 * capacity * sizeof(int64_t));
    if (times == NULL) {
        return TT_E_NOMEM;
    }
    if (frauds->count > 0) {
        memcpy(times, frauds->times, frauds->count * sizeof(int64_t));
        memcpy(times + capacity, frauds->times + frauds->capacity, frauds->count * sizeof(int64_t));
    }
    tt_delete(alloc, frauds->times, 2 * frauds->capacity * sizeof(int64_t));
    *bytes += 2 * (capacity - frauds->capacity) * sizeof(int64_t);
    frauds->times = times;
    frauds->capacity = capacity;
    return TT_OK;
}

void tt_frauds_deinit(struct tt_frauds *frauds, const struct tt_alloc *alloc, uint64_t *bytes)
{
    tt_delete(alloc, frauds->times, 2 * frauds->capacity * sizeof(int64_t));
    *bytes -= 2 * frauds->capacity * sizeof(int64_t);
    *frauds = (struct tt_frauds){0};
}

/* How many of the ascending times are ≤ t. */
static uint32_t up_to(const int64_t *times, uint32_t count, int64_t t_ms)
{
    uint32_t low = 0, high = count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (times[middle] <= t_ms) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static void put(int64_t *times, uint32_t count, int64_t value)
{
    uint32_t at = up_to(times, count, value);
    memmove(times + at + 1, times + at, (count - at) * sizeof(*times));
    times[at] = value;
}

static void take(int64_t *times, uint32_t count, int64_t value)
{
    uint32_t at = up_to(times, count, value);
    TT_ASSERT(at > 0 && times[at - 1] == value);
    memmove(times + at - 1, times + at, (count - at) * sizeof(*times));
}

void tt_frauds_add(struct tt_frauds *frauds, int64_t start_ms, int64_t end_ms)
{
    TT_ASSERT(frauds->count < frauds->capacity);
    put(frauds->times, frauds->count, start_ms);
    put(frauds->times + frauds->capacity, frauds->count, end_ms);
    frauds->count++;
}

void tt_frauds_remove(struct tt_frauds *frauds, int64_t start_ms, int64_t end_ms)
{
    take(frauds->times, frauds->count, start_ms);
    take(frauds->times + frauds->capacity, frauds->count, end_ms);
    frauds->count--;
}

uint32_t tt_frauds_at(const struct tt_frauds *frauds, int64_t t_ms)
{
    if (frauds->count == 0) {
        return 0;
    }
    return up_to(frauds->times, frauds->count, t_ms) -
           up_to(frauds->times + frauds->capacity, frauds->count, t_ms);
}

enum tt_status tt_labels_reserve(struct tt_labels *labels, const struct tt_alloc *alloc,
                                 uint32_t count, uint64_t *bytes)
{
    if (count <= labels->capacity) {
        return TT_OK;
    }
    uint32_t capacity = grown(count);
    size_t old_size = labels->capacity * sizeof(*labels->rows);
    size_t size = capacity * sizeof(*labels->rows);
    struct tt_label_row *rows =
        labels->rows == NULL ? tt_new(alloc, size) : tt_resize(alloc, labels->rows, old_size, size);
    if (rows == NULL) {
        return TT_E_NOMEM;
    }
    labels->rows = rows;
    labels->capacity = capacity;
    *bytes += size - old_size;
    return TT_OK;
}

void tt_labels_deinit(struct tt_labels *labels, const struct tt_alloc *alloc, uint64_t *bytes)
{
    tt_delete(alloc, labels->rows, labels->capacity * sizeof(*labels->rows));
    *bytes -= labels->capacity * sizeof(*labels->rows);
    *labels = (struct tt_labels){0};
}

/* <0, 0, >0 by event time and id. */
static int compare_event(const struct tt_label_row *row, int64_t time_ms, uint32_t id)
{
    if (row->time_ms != time_ms) {
        return row->time_ms < time_ms ? -1 : 1;
    }
    return (row->id > id) - (row->id < id);
}

void tt_labels_find(const struct tt_labels *labels, int64_t time_ms, uint32_t id,
                    uint32_t *ret_begin, uint32_t *ret_end)
{
    uint32_t low = 0, high = labels->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (compare_event(&labels->rows[middle], time_ms, id) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    *ret_begin = low;
    while (low < labels->count && compare_event(&labels->rows[low], time_ms, id) == 0) {
        low++;
    }
    *ret_end = low;
}

bool tt_labels_add(struct tt_labels *labels, const struct tt_label_row *row)
{
    uint32_t at = 0, end = 0;
    TT_ASSERT(labels->count < labels->capacity);
    tt_labels_find(labels, row->time_ms, row->id, &at, &end);
    for (; at < end; at++) {
        const struct tt_label_row *other = &labels->rows[at];
        if (other->effective_ms == row->effective_ms && other->kind == row->kind) {
            return false;
        }
        if (other->effective_ms > row->effective_ms ||
            (other->effective_ms == row->effective_ms && other->kind > row->kind)) {
            break;
        }
    }
    memmove(labels->rows + at + 1, labels->rows + at, (labels->count - at) * sizeof(*row));
    labels->rows[at] = *row;
    labels->count++;
    return true;
}

void tt_labels_drop(struct tt_labels *labels, uint32_t count)
{
    TT_ASSERT(count <= labels->count);
    labels->count -= count;
    memmove(labels->rows, labels->rows + count, labels->count * sizeof(*labels->rows));
}

bool tt_labels_interval(const struct tt_labels *labels, uint32_t index, uint32_t end,
                        int64_t window_ms, int64_t delay_ms, int64_t *ret_start_ms,
                        int64_t *ret_end_ms)
{
    const struct tt_label_row *row = &labels->rows[index];
    int64_t enters_ms = row->time_ms + delay_ms, leaves_ms = enters_ms + window_ms;
    if (row->kind != TT_LABEL_FRAUD) {
        return false;
    }
    *ret_start_ms = row->effective_ms > enters_ms ? row->effective_ms : enters_ms;
    *ret_end_ms = leaves_ms;
    if (index + 1 < end && labels->rows[index + 1].effective_ms < leaves_ms) {
        *ret_end_ms = labels->rows[index + 1].effective_ms;
    }
    return *ret_start_ms < *ret_end_ms;
}
