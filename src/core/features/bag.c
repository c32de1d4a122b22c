/* The sorted multiset: binary search, then one move. */
#include "core/features/bag.h"

#include <string.h>

/* 2, 4, 6, 8, then steps of an eighth: what an entity does not use is a large part of what it
 * costs. */
static uint32_t grown(uint32_t count)
{
    uint32_t capacity = 2;
    while (capacity < count) {
        capacity += capacity < 16 ? 2 : capacity / 8 / 2 * 2;
    }
    return capacity;
}

static enum tt_status resize(struct tt_bag *bag, const struct tt_alloc *alloc, uint32_t capacity,
                             uint64_t *bytes)
{
    size_t old_size = bag->capacity * sizeof(int64_t), size = capacity * sizeof(int64_t);
    int64_t *values =
        bag->values == NULL ? tt_new(alloc, size) : tt_resize(alloc, bag->values, old_size, size);
    if (values == NULL) {
        return TT_E_NOMEM;
    }
    bag->values = values;
    bag->capacity = capacity;
    *bytes += size - old_size;
    return TT_OK;
}

enum tt_status tt_bag_reserve(struct tt_bag *bag, const struct tt_alloc *alloc, uint32_t count,
                              uint64_t *bytes)
{
    return count <= bag->capacity ? TT_OK : resize(bag, alloc, grown(count), bytes);
}

void tt_bag_trim(struct tt_bag *bag, const struct tt_alloc *alloc, uint64_t *bytes)
{
    uint32_t capacity = grown(bag->count + bag->count / 8 + 1);
    if (bag->capacity - bag->capacity / 6 > capacity) {
        /* Failing to shrink is no failure: the memory stays in use. */
        enum tt_status status = resize(bag, alloc, capacity, bytes);
        (void)status;
    }
}

void tt_bag_deinit(struct tt_bag *bag, const struct tt_alloc *alloc, uint64_t *bytes)
{
    tt_delete(alloc, bag->values, bag->capacity * sizeof(int64_t));
    *bytes -= bag->capacity * sizeof(int64_t);
    *bag = (struct tt_bag){0};
}

/* The first position whose value is not below; the loop has no branch to mispredict. */
static uint32_t lower_bound(const struct tt_bag *bag, int64_t value)
{
    const int64_t *base = bag->values;
    uint32_t count = bag->count;
    if (count == 0) {
        return 0;
    }
    while (count > 1) {
        uint32_t half = count / 2;
        base +=
            half & -(size_t)(base[half - 1] < value); /* a mask: compilers make a branch of ?: */
        count -= half;
    }
    return (uint32_t)(base - bag->values) + (*base < value ? 1 : 0);
}

void tt_bag_add(struct tt_bag *bag, int64_t value)
{
    TT_ASSERT(bag->count < bag->capacity);
    uint32_t at = lower_bound(bag, value);
    bag->distinct += at == bag->count || bag->values[at] != value ? 1 : 0;
    memmove(bag->values + at + 1, bag->values + at, (bag->count - at) * sizeof(int64_t));
    bag->values[at] = value;
    bag->count++;
}

void tt_bag_remove(struct tt_bag *bag, int64_t value)
{
    uint32_t at = lower_bound(bag, value);
    TT_ASSERT(at < bag->count && bag->values[at] == value);
    bag->count--;
    memmove(bag->values + at, bag->values + at + 1, (bag->count - at) * sizeof(int64_t));
    bag->distinct -= at == bag->count || bag->values[at] != value ? 1 : 0;
}

uint32_t tt_bag_below(const struct tt_bag *bag, int64_t value)
{
    return lower_bound(bag, value);
}

uint32_t tt_bag_count_of(const struct tt_bag *bag, int64_t value)
{
    uint32_t at = lower_bound(bag, value), end = at;
    if (at < bag->count && value != INT64_MAX) {
        end = lower_bound(bag, value + 1);
    } else {
        end = bag->count;
    }
    return end - at;
}

double tt_bag_quantile(const struct tt_bag *bag, double q)
{
    TT_ASSERT(bag->count > 0 && q >= 0.0 && q <= 1.0);
    double rank = (double)(bag->count - 1) * q;
    uint32_t below = (uint32_t)rank;
    double low = (double)bag->values[below];
    if (below + 1 >= bag->count) {
        return low;
    }
    return low + ((double)bag->values[below + 1] - low) * (rank - (double)below);
}

/* |2 x - twice_median| of the nearest member left of `left` or right of `right`, which moves on. */
static int64_t nearest(const struct tt_bag *bag, int64_t twice_median, uint32_t *left,
                       uint32_t *right)
{
    bool has_left = *left > 0, has_right = *right < bag->count;
    int64_t below = has_left ? twice_median - 2 * bag->values[*left - 1] : INT64_MAX;
    int64_t above = has_right ? 2 * bag->values[*right] - twice_median : INT64_MAX;
    if (below <= above) {
        --*left;
        return below;
    }
    ++*right;
    return above;
}

double tt_bag_mad(const struct tt_bag *bag)
{
    TT_ASSERT(bag->count > 0);
    uint32_t n = bag->count;
    int64_t twice_median = bag->values[(n - 1) / 2] + bag->values[n / 2];
    /* Deviations grow outwards from the middle on both sides: merge the two runs up to it. */
    uint32_t left = (n + 1) / 2, right = left;
    int64_t previous = 0, deviation = 0;
    for (uint32_t i = 0; i <= n / 2; i++) {
        previous = deviation;
        deviation = nearest(bag, twice_median, &left, &right);
    }
    double twice = n % 2 != 0 ? (double)deviation : ((double)previous + (double)deviation) / 2.0;
    return twice / 2.0;
}
