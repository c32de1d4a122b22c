/*
 * The two orders of the records.
 *
 * Scores become integers that sort the same way; eight stable passes by bytes, those that would
 * change nothing skipped. The order by day is a stable sort of the first one by the day's
 * number. Ties keep the order of arrival, so a report does not depend on how a library sorts.
 */
#include "core/evaluate/records.h"

#include <string.h>

#define BYTE_VALUES 256u

struct key {
    uint64_t value;
    uint32_t index;
};

/* Bits of a double so that unsigned order is falling order. No NaN; -0 was made +0. */
static uint64_t falling_bits(double score)
{
    uint64_t bits;
    memcpy(&bits, &score, sizeof bits);
    uint64_t rising = (bits >> 63) != 0 ? ~bits : bits | (UINT64_C(1) << 63);
    return ~rising;
}

static uint64_t rising_day(int32_t day)
{
    return (uint64_t)((int64_t)day - INT32_MIN);
}

/* Stable sort by value; the result may stand in either array and is returned. */
static struct key *keys_sort(struct key *keys, struct key *spare, size_t count)
{
    for (unsigned shift = 0; shift < 64; shift += 8) {
        size_t starts[BYTE_VALUES] = {0};
        for (size_t i = 0; i < count; i++) {
            starts[(keys[i].value >> shift) & 255]++;
        }
        if (count == 0 || starts[(keys[0].value >> shift) & 255] == count) {
            continue; /* all the same here */
        }
        size_t sum = 0;
        for (size_t b = 0; b < BYTE_VALUES; b++) {
            size_t here = starts[b];
            starts[b] = sum;
            sum += here;
        }
        for (size_t i = 0; i < count; i++) {
            spare[starts[(keys[i].value >> shift) & 255]++] = keys[i];
        }
        struct key *swap = keys;
        keys = spare;
        spare = swap;
    }
    return keys;
}

static void indices_copy(uint32_t *ret, const struct key *keys, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        ret[i] = keys[i].index;
    }
}

/* Counts the days in rising order; with ranges, also writes them. */
static size_t ranges_make(const struct key *keys, size_t count, struct tt_day_range *ranges)
{
    size_t days = 0, first = 0;
    for (size_t i = 0; i < count; i++) {
        if (i + 1 < count && keys[i + 1].value == keys[i].value) {
            continue;
        }
        if (ranges != NULL) {
            ranges[days].day = (int32_t)((int64_t)keys[i].value + INT32_MIN);
            ranges[days].first = (uint32_t)first;
            ranges[days].count = (uint32_t)(i + 1 - first);
        }
        days++;
        first = i + 1;
    }
    return days;
}

/* Fills the orders, whose index arrays are there; keys and spare are scratch. */
static enum tt_status orders_fill(const struct tt_evaluation *evaluation, struct tt_orders *orders,
                                  struct key *keys, struct key *spare)
{
    size_t count = orders->count;
    for (uint32_t i = 0; i < count; i++) {
        keys[i] = (struct key){falling_bits(tt_record_at(evaluation, i)->score), i};
    }
    struct key *sorted = keys_sort(keys, spare, count);
    indices_copy(orders->by_score, sorted, count);
    for (size_t i = 0; i < count; i++) {
        sorted[i].value = rising_day(tt_record_at(evaluation, sorted[i].index)->day);
    }
    sorted = keys_sort(sorted, sorted == keys ? spare : keys, count);
    indices_copy(orders->by_day, sorted, count);
    orders->day_count = ranges_make(sorted, count, NULL);
    orders->days = tt_new_array(&evaluation->alloc, orders->day_count + 1, sizeof *orders->days);
    if (orders->days == NULL) {
        return TT_E_NOMEM;
    }
    (void)ranges_make(sorted, count, orders->days);
    return TT_OK;
}

enum tt_status tt_orders_new(const struct tt_evaluation *evaluation, struct tt_orders *ret)
{
    const struct tt_alloc *alloc = &evaluation->alloc;
    struct tt_orders orders = {.count = evaluation->count};
    size_t room = (size_t)orders.count + 1; /* so that no rows are no special case */
    struct key *keys = tt_new_array(alloc, room, sizeof *keys);
    struct key *spare = tt_new_array(alloc, room, sizeof *spare);
    orders.by_score = tt_new_array(alloc, room, sizeof *orders.by_score);
    orders.by_day = tt_new_array(alloc, room, sizeof *orders.by_day);
    enum tt_status status = TT_E_NOMEM;
    if (keys != NULL && spare != NULL && orders.by_score != NULL && orders.by_day != NULL) {
        status = orders_fill(evaluation, &orders, keys, spare);
    }
    tt_delete(alloc, keys, room * sizeof *keys);
    tt_delete(alloc, spare, room * sizeof *spare);
    if (status != TT_OK) {
        tt_orders_free(evaluation, &orders);
        return status;
    }
    *ret = orders;
    return TT_OK;
}

void tt_orders_free(const struct tt_evaluation *evaluation, struct tt_orders *orders)
{
    const struct tt_alloc *alloc = &evaluation->alloc;
    size_t room = (size_t)orders->count + 1;
    tt_delete(alloc, orders->by_score, room * sizeof *orders->by_score);
    tt_delete(alloc, orders->by_day, room * sizeof *orders->by_day);
    tt_delete(alloc, orders->days, (orders->day_count + 1) * sizeof *orders->days);
    *orders = (struct tt_orders){0};
}
