/* See parts.h. */
#include "core/backtest/parts.h"

#include <string.h>

struct tt_backtest_day *tt_backtest_day_at(struct tt_backtest_days *days, int64_t day)
{
    if (days->last < days->count && days->days[days->last].day == day) {
        return &days->days[days->last];
    }
    size_t low = 0, high = days->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (days->days[middle].day < day) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    if (low == days->count || days->days[low].day != day) {
        if (days->count == days->capacity) {
            size_t capacity = days->capacity == 0 ? 64 : 2 * days->capacity;
            struct tt_backtest_day *grown = tt_resize(
                days->alloc, days->days, days->capacity * sizeof *grown, capacity * sizeof *grown);
            if (grown == NULL) {
                return NULL;
            }
            days->days = grown;
            days->capacity = capacity;
        }
        memmove(&days->days[low + 1], &days->days[low], (days->count - low) * sizeof *days->days);
        days->days[low] = (struct tt_backtest_day){.day = day};
        days->count++;
    }
    days->last = low;
    return &days->days[low];
}

void tt_backtest_days_deinit(struct tt_backtest_days *days)
{
    tt_delete(days->alloc, days->days, days->capacity * sizeof *days->days);
}

static void add_currency(struct tt_backtest_currency *currency, tt_currency found)
{
    currency->several = currency->several || (currency->one != 0 && currency->one != found);
    currency->one = found;
}

void tt_backtest_currencies(const struct tt_column *column, struct tt_backtest_currency *currency)
{
    for (uint32_t i = 0; i < column->text_count; i++) {
        tt_currency found = tt_currency_find(column->texts[i]);
        if (found != 0) {
            add_currency(currency, found);
        }
    }
}

struct tt_backtest_example *tt_backtest_example_place(struct tt_backtest_example *list,
                                                      uint32_t *count, uint64_t order)
{
    struct tt_backtest_example *place = NULL;
    if (*count < TT_BACKTEST_EXAMPLES_MAX) {
        place = &list[(*count)++];
    } else {
        place = &list[0];
        for (uint32_t i = 1; i < *count; i++) {
            place = list[i].order > place->order ? &list[i] : place;
        }
        if (order >= place->order) {
            return NULL;
        }
    }
    *place = (struct tt_backtest_example){.order = order};
    return place;
}

static void copy_id(char ret[TT_ID_SIZE_MAX + 1], struct tt_str id)
{
    size_t size = id.size < TT_ID_SIZE_MAX ? id.size : TT_ID_SIZE_MAX;
    if (size > 0) {
        memcpy(ret, id.data, size);
    }
    ret[size] = '\0';
}

void tt_backtest_example_ids(struct tt_backtest_example *example, struct tt_str user,
                             struct tt_str transaction)
{
    copy_id(example->user, user);
    copy_id(example->transaction, transaction);
}

static bool later(const struct tt_backtest_example *a, const struct tt_backtest_example *b)
{
    return a->event_ms > b->event_ms || (a->event_ms == b->event_ms && a->order > b->order);
}

void tt_backtest_examples_sort(struct tt_backtest_example *list, uint32_t count)
{
    for (uint32_t i = 1; i < count; i++) {
        struct tt_backtest_example moved = list[i];
        uint32_t at = i;
        for (; at > 0 && later(&list[at - 1], &moved); at--) {
            list[at] = list[at - 1];
        }
        list[at] = moved;
    }
}
