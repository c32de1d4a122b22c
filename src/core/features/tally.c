/* Buckets by the leading bits of a number; sums in blocks, so that a rank is found in a few looks. */
#include "core/features/tally.h"

#include <string.h>

#define BITS 6 /* of a number below its leading one */
#define PER_DOUBLING (1 << BITS)
#define LOGARITHM_SHIFT 26 /* of 2^32 to the unit: buckets of 1/64 */

int32_t tt_tally_key(enum tt_tally_scale scale, int64_t number)
{
    if (scale == TT_TALLY_LOGARITHM) {
        int64_t key = number >> LOGARITHM_SHIFT;
        TT_ASSERT(key >= -TT_TALLY_KEY_MAX && key <= TT_TALLY_KEY_MAX);
        return (int32_t)key;
    }
    uint64_t size = number < 0 ? (uint64_t)-number : (uint64_t)number;
    TT_ASSERT(size < UINT64_C(1) << 53);
    int shift = size < 2 * PER_DOUBLING ? 0 : 63 - BITS - __builtin_clzll(size);
    int32_t key = (int32_t)(size >> shift) + shift * PER_DOUBLING;
    return number < 0 ? -key : key;
}

/* The smallest size of a bucket of sizes, and how many there are in it. */
static int64_t least_size(int32_t key, int64_t *ret_width)
{
    int shift = key < 2 * PER_DOUBLING ? 0 : key / PER_DOUBLING - 1;
    *ret_width = INT64_C(1) << shift;
    return (int64_t)(key - shift * PER_DOUBLING) << shift;
}

int64_t tt_tally_least(enum tt_tally_scale scale, int32_t key)
{
    int64_t width = 0;
    if (scale == TT_TALLY_LOGARITHM) {
        return (int64_t)key * (INT64_C(1) << LOGARITHM_SHIFT);
    }
    if (key >= 0) {
        return least_size(key, &width);
    }
    int64_t least = least_size(-key, &width);
    return -(least + width - 1);
}

double tt_tally_middle(enum tt_tally_scale scale, int32_t key)
{
    int64_t width = INT64_C(1) << LOGARITHM_SHIFT;
    if (scale == TT_TALLY_RELATIVE) {
        (void)least_size(key < 0 ? -key : key, &width);
    }
    return (double)tt_tally_least(scale, key) + (double)(width - 1) / 2.0;
}

/* The position of key, or where it belongs. */
static uint32_t find(const struct tt_tally *tally, int32_t key)
{
    uint32_t low = 0, high = tally->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (tally->entries[middle].key < key) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

enum tt_status tt_tally_reserve(struct tt_tally *tally, const struct tt_alloc *alloc,
                                uint64_t *bytes)
{
    if (tally->count < tally->capacity) {
        return TT_OK;
    }
    uint32_t capacity = tally->capacity + (tally->capacity < 16 ? 4 : tally->capacity / 4);
    size_t old_size = tally->capacity * sizeof(*tally->entries);
    size_t size = capacity * sizeof(*tally->entries);
    struct tt_tally_entry *entries = tally->entries == NULL
                                         ? tt_new(alloc, size)
                                         : tt_resize(alloc, tally->entries, old_size, size);
    if (entries == NULL) {
        return TT_E_NOMEM;
    }
    tally->entries = entries;
    tally->capacity = capacity;
    *bytes += size - old_size;
    return TT_OK;
}

void tt_tally_add(struct tt_tally *tally, int32_t key)
{
    uint32_t at = find(tally, key);
    if (at < tally->count && tally->entries[at].key == key) {
        tally->entries[at].count++;
        return;
    }
    TT_ASSERT(tally->count < tally->capacity);
    memmove(tally->entries + at + 1, tally->entries + at,
            (tally->count - at) * sizeof(*tally->entries));
    tally->entries[at] = (struct tt_tally_entry){key, 1};
    tally->count++;
}

void tt_tally_deinit(struct tt_tally *tally, const struct tt_alloc *alloc, uint64_t *bytes)
{
    tt_delete(alloc, tally->entries, tally->capacity * sizeof(*tally->entries));
    *bytes -= tally->capacity * sizeof(*tally->entries);
    *tally = (struct tt_tally){0};
}

static uint32_t place(int32_t key)
{
    TT_ASSERT(key >= -TT_TALLY_KEY_MAX && key <= TT_TALLY_KEY_MAX);
    return (uint32_t)(key + TT_TALLY_KEY_MAX);
}

void tt_tally_sum_add(struct tt_tally_sum *sum, const struct tt_tally *tally)
{
    for (uint32_t i = 0; i < tally->count; i++) {
        uint32_t at = place(tally->entries[i].key), count = tally->entries[i].count;
        sum->counts[at] += count;
        sum->blocks[at / TT_TALLY_BLOCK] += count;
        sum->total += count;
    }
}

void tt_tally_sum_remove(struct tt_tally_sum *sum, const struct tt_tally *tally)
{
    for (uint32_t i = 0; i < tally->count; i++) {
        uint32_t at = place(tally->entries[i].key), count = tally->entries[i].count;
        TT_ASSERT(sum->counts[at] >= count);
        sum->counts[at] -= count;
        sum->blocks[at / TT_TALLY_BLOCK] -= count;
        sum->total -= count;
    }
}

void tt_tally_sum_count(struct tt_tally_sum *sum, int32_t key)
{
    uint32_t at = place(key);
    sum->counts[at]++;
    sum->blocks[at / TT_TALLY_BLOCK]++;
    sum->total++;
}

uint64_t tt_tally_sum_up_to(const struct tt_tally_sum *sum, int32_t key)
{
    uint64_t count = 0;
    uint32_t end = place(key) + 1, block = end / TT_TALLY_BLOCK;
    for (uint32_t i = 0; i < block; i++) {
        count += sum->blocks[i];
    }
    for (uint32_t i = block * TT_TALLY_BLOCK; i < end; i++) {
        count += sum->counts[i];
    }
    return count;
}
