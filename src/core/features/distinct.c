/* Sets that become registers, and the estimate from how many registers have which rank. */
#include "core/features/distinct.h"

#include <string.h>

#include "base/math.h"

#define INDEX_BITS 11
#define RANK_MAX (64 - INDEX_BITS + 1)
#define ALPHA 0.72134752044448170368 /* 1 / (2 ln 2) */

/* By the signed order of values, in which a bag keeps them: a register's values are neighbours. */
uint32_t tt_distinct_register(int64_t value)
{
    return (uint32_t)(((uint64_t)value ^ UINT64_C(1) << 63) >> (64 - INDEX_BITS));
}

uint8_t tt_distinct_rank(int64_t value)
{
    uint64_t rest = (uint64_t)value << INDEX_BITS;
    return rest == 0 ? RANK_MAX : (uint8_t)(__builtin_clzll(rest) + 1);
}

static void raise(uint8_t *registers, int64_t value)
{
    uint8_t *at = &registers[tt_distinct_register(value)], rank = tt_distinct_rank(value);
    *at = rank > *at ? rank : *at;
}

/* Where a value stands among `count` ascending ones, or belongs. */
static uint32_t find(const int64_t *values, uint32_t count, int64_t value)
{
    uint32_t low = 0, high = count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (values[middle] < value) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static bool has(const int64_t *values, uint32_t count, int64_t value)
{
    uint32_t at = find(values, count, value);
    return at < count && values[at] == value;
}

static void put(int64_t *values, uint32_t count, int64_t value)
{
    uint32_t at = find(values, count, value);
    memmove(values + at + 1, values + at, (count - at) * sizeof(*values));
    values[at] = value;
}

enum tt_status tt_distinct_reserve(struct tt_distinct *distinct, const struct tt_alloc *alloc,
                                   uint64_t *bytes)
{
    if (distinct->count < distinct->capacity || distinct->registers != NULL) {
        return TT_OK;
    }
    if (distinct->capacity == TT_DISTINCT_SET) {
        distinct->registers = tt_new_array(alloc, TT_DISTINCT_REGISTERS, 1);
        *bytes += distinct->registers == NULL ? 0 : TT_DISTINCT_REGISTERS;
        return distinct->registers == NULL ? TT_E_NOMEM : TT_OK;
    }
    uint32_t capacity = distinct->capacity == 0 ? 4 : distinct->capacity * 2;
    size_t old_size = distinct->capacity * sizeof(int64_t), size = capacity * sizeof(int64_t);
    int64_t *values = distinct->values == NULL ? tt_new(alloc, size)
                                               : tt_resize(alloc, distinct->values, old_size, size);
    if (values == NULL) {
        return TT_E_NOMEM;
    }
    distinct->values = values;
    distinct->capacity = capacity;
    *bytes += size - old_size;
    return TT_OK;
}

static void drop_values(struct tt_distinct *distinct, const struct tt_alloc *alloc, uint64_t *bytes)
{
    tt_delete(alloc, distinct->values, distinct->capacity * sizeof(int64_t));
    *bytes -= distinct->capacity * sizeof(int64_t);
    distinct->values = NULL;
    distinct->count = distinct->capacity = 0;
}

void tt_distinct_add(struct tt_distinct *distinct, const struct tt_alloc *alloc, int64_t value,
                     uint64_t *bytes)
{
    if (distinct->values != NULL || distinct->registers == NULL) {
        if (has(distinct->values, distinct->count, value)) {
            return;
        }
        if (distinct->count < TT_DISTINCT_SET) {
            TT_ASSERT(distinct->count < distinct->capacity);
            put(distinct->values, distinct->count++, value);
            return;
        }
        for (uint32_t i = 0; i < distinct->count; i++) {
            raise(distinct->registers, distinct->values[i]);
        }
        drop_values(distinct, alloc, bytes);
    }
    raise(distinct->registers, value);
}

void tt_distinct_deinit(struct tt_distinct *distinct, const struct tt_alloc *alloc, uint64_t *bytes)
{
    drop_values(distinct, alloc, bytes);
    if (distinct->registers != NULL) {
        tt_delete(alloc, distinct->registers, TT_DISTINCT_REGISTERS);
        *bytes -= TT_DISTINCT_REGISTERS;
    }
    *distinct = (struct tt_distinct){0};
}

void tt_distinct_sum_clear(struct tt_distinct_sum *sum)
{
    memset(sum, 0, sizeof(*sum));
}

void tt_distinct_sum_add(struct tt_distinct_sum *sum, int64_t value)
{
    if (!sum->many) {
        if (has(sum->values, sum->count, value)) {
            return;
        }
        if (sum->count < TT_DISTINCT_SET) {
            put(sum->values, sum->count++, value);
            return;
        }
        for (uint32_t i = 0; i < sum->count; i++) {
            raise(sum->registers, sum->values[i]);
        }
        sum->many = true;
    }
    raise(sum->registers, value);
}

void tt_distinct_sum_merge(struct tt_distinct_sum *sum, const struct tt_distinct *distinct)
{
    if (distinct->values != NULL || distinct->registers == NULL) {
        for (uint32_t i = 0; i < distinct->count; i++) {
            tt_distinct_sum_add(sum, distinct->values[i]);
        }
        return;
    }
    for (uint32_t i = 0; i < sum->count && !sum->many; i++) {
        raise(sum->registers, sum->values[i]);
    }
    sum->many = true;
    for (uint32_t i = 0; i < TT_DISTINCT_REGISTERS; i++) {
        uint8_t other = distinct->registers[i];
        sum->registers[i] = other > sum->registers[i] ? other : sum->registers[i];
    }
}

/* Sums of Ertl's algorithms 5 and 6; each stops when a term changes nothing any more. */
static double sigma(double x)
{
    double y = 1.0, z = x, before = -1.0;
    while (z > before) {
        x *= x;
        before = z;
        z += x * y;
        y += y;
    }
    return z;
}

static double tau(double x)
{
    double y = 1.0, z = 1.0 - x, before = 2.0;
    if (x <= 0.0 || x >= 1.0) {
        return 0.0;
    }
    while (z < before) {
        x = tt_sqrt(x);
        before = z;
        y *= 0.5;
        z -= (1.0 - x) * (1.0 - x) * y;
    }
    return z / 3.0;
}

double tt_distinct_estimate(const uint8_t *a, const uint8_t *b)
{
    const double m = TT_DISTINCT_REGISTERS;
    uint32_t ranks[RANK_MAX + 1] = {0};
    for (uint32_t i = 0; i < TT_DISTINCT_REGISTERS; i++) {
        ranks[a[i] > b[i] ? a[i] : b[i]]++;
    }
    if (ranks[0] == TT_DISTINCT_REGISTERS) {
        return 0.0;
    }
    double z = m * tau(1.0 - (double)ranks[RANK_MAX] / m);
    for (uint32_t k = RANK_MAX - 1; k > 0; k--) {
        z = 0.5 * (z + (double)ranks[k]);
    }
    z += m * sigma((double)ranks[0] / m);
    return ALPHA * m * m / z;
}
