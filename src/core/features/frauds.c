/* The two sorted arrays a label window is answered from. */
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
