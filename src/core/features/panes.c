/*
 * Panes of an entity: rows in, windows over them moved, old ones out.
 *
 * What a window holds is the sum over the panes whose numbers are in its range, whatever was added
 * or moved in which order. Sums, counts and tallies are added to and taken from it; distinct counts
 * cannot be taken out, so when a pane leaves they are made again from those that stay.
 */
#include "core/features/panes.h"

#include <string.h>

typedef __int128 wide;

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0 ? 1 : 0);
}

static size_t series_size(const struct plan_panes *plan)
{
    return sizeof(struct tt_series) + plan->window_size;
}

static size_t pane_size(const struct plan_panes *plan)
{
    return sizeof(struct tt_pane) + plan->pane_size;
}

static size_t panes_size(const struct plan_step *plan)
{
    return sizeof(struct tt_panes) + (plan->span_count + 1) * sizeof(struct tt_panes_span);
}

static bool in_window(const struct tt_panes_span *span, const struct tt_pane *pane)
{
    return pane->number >= span->from && pane->number < span->to;
}

static void free_pane(struct tt_entity_store *store, const struct plan_panes *plan,
                      struct tt_pane *pane)
{
    for (uint32_t i = plan->begin; i < plan->end; i++) {
        const struct plan_item *item = &store->plan->items[i];
        if (item->kind == ITEM_TALLY) {
            tt_tally_deinit(tt_pane_item(pane, item), store->alloc, &store->bytes);
        } else if (item->kind == ITEM_DISTINCT) {
            tt_distinct_deinit(tt_pane_item(pane, item), store->alloc, &store->bytes);
        }
    }
    tt_delete(store->alloc, pane, pane_size(plan));
    store->bytes -= pane_size(plan);
}

static void free_series(struct tt_entity_store *store, struct tt_series *series)
{
    for (uint32_t i = 0; i < series->count; i++) {
        free_pane(store, series->plan, series->panes[i]);
    }
    tt_delete(store->alloc, series->panes, series->capacity * sizeof(*series->panes));
    store->bytes -= series->capacity * sizeof(*series->panes) + series_size(series->plan);
    tt_delete(store->alloc, series, series_size(series->plan));
}

void tt_panes_free(struct tt_entity_store *store, struct tt_entity *entity)
{
    if (entity->panes == NULL) {
        return;
    }
    for (uint32_t s = 0; s <= store->plan->span_count; s++) {
        for (struct tt_series *series = entity->panes->spans[s].series, *next; series != NULL;
             series = next) {
            next = series->next;
            free_series(store, series);
        }
    }
    tt_delete(store->alloc, entity->panes, panes_size(store->plan));
    store->bytes -= panes_size(store->plan);
    entity->panes = NULL;
}

/* A value of a bag raises its register. */
static void raise_ring(uint8_t *ring, int64_t number)
{
    uint8_t *at = &ring[tt_distinct_register(number)], rank = tt_distinct_rank(number);
    *at = rank > *at ? rank : *at;
}

/* The registers of what the ring's window holds already. */
static void fill_rings(struct tt_entity_store *store, const struct tt_entity *entity,
                       struct tt_series *series, uint32_t span)
{
    const struct plan_step *plan = store->plan;
    for (uint32_t v = plan->spans[span].begin; v < plan->spans[span].end; v++) {
        const struct plan_value *value = &plan->values[v];
        if (value->item == PLAN_NONE || plan->items[value->item].kind != ITEM_DISTINCT) {
            continue;
        }
        const struct tt_bag *bag = tt_entity_value(store, entity, NULL, value);
        struct tt_distinct_window *window = tt_series_item(series, &plan->items[value->item]);
        for (uint32_t i = 0; i < bag->count; i++) {
            raise_ring(window->ring, bag->values[i]);
        }
    }
}

enum tt_status tt_panes_series(struct tt_entity_store *store, struct tt_entity *entity,
                               uint32_t span, tt_currency currency, struct tt_series **ret)
{
    struct tt_panes *panes = entity->panes;
    const struct plan_panes *plan = &store->plan->spans[span].panes[currency != 0 ? 1 : 0];
    *ret = tt_panes_find(panes, span, currency);
    if (*ret != NULL) {
        return TT_OK;
    }
    struct tt_series *series = tt_new_array(store->alloc, 1, series_size(plan));
    if (series == NULL) {
        return TT_E_NOMEM;
    }
    store->bytes += series_size(plan);
    series->plan = plan;
    series->currency = currency;
    if (currency == 0) { /* texts are not by currency */
        fill_rings(store, entity, series, span);
    }
    struct tt_series **link = &panes->spans[span].series;
    while (*link != NULL && (*link)->currency < currency) {
        link = &(*link)->next;
    }
    series->next = *link;
    *link = series;
    *ret = series;
    return TT_OK;
}

enum tt_status tt_panes_make(struct tt_entity_store *store, struct tt_entity *entity)
{
    TT_ASSERT(entity->panes == NULL);
    entity->panes = tt_new_array(store->alloc, 1, panes_size(store->plan));
    if (entity->panes == NULL) {
        return TT_E_NOMEM;
    }
    store->bytes += panes_size(store->plan);
    entity->panes->span_count = store->plan->span_count;
    for (uint32_t s = 0; s <= store->plan->span_count; s++) {
        struct tt_series *series = NULL;
        if (tt_panes_series(store, entity, s, 0, &series) != TT_OK) {
            tt_panes_free(store, entity);
            return TT_E_NOMEM;
        }
    }
    if (entity->edges_ms != TT_TIME_NONE) {
        tt_panes_seek(store, entity, entity->edges_ms);
    }
    return TT_OK;
}

/* The position of a pane in its list, or where it belongs; mostly it is the newest. */
static uint32_t find_pane(const struct tt_series *series, int64_t number)
{
    uint32_t at = series->count;
    while (at > 0 && series->panes[at - 1]->number >= number) {
        at--;
    }
    return at;
}

enum tt_status tt_panes_pane(struct tt_entity_store *store, struct tt_series *series,
                             int64_t number, struct tt_pane **ret)
{
    uint32_t at = find_pane(series, number);
    if (at < series->count && series->panes[at]->number == number) {
        *ret = series->panes[at];
        return TT_OK;
    }
    if (series->count == series->capacity) {
        uint32_t capacity = series->capacity == 0 ? 4 : series->capacity * 2;
        size_t old_size = series->capacity * sizeof(*series->panes);
        size_t size = capacity * sizeof(*series->panes);
        struct tt_pane **panes = series->panes == NULL
                                     ? tt_new(store->alloc, size)
                                     : tt_resize(store->alloc, series->panes, old_size, size);
        if (panes == NULL) {
            return TT_E_NOMEM;
        }
        series->panes = panes;
        series->capacity = capacity;
        store->bytes += size - old_size;
    }
    struct tt_pane *pane = tt_new_array(store->alloc, 1, pane_size(series->plan));
    if (pane == NULL) {
        return TT_E_NOMEM;
    }
    store->bytes += pane_size(series->plan);
    pane->number = number;
    memmove(series->panes + at + 1, series->panes + at,
            (series->count - at) * sizeof(*series->panes));
    series->panes[at] = pane;
    series->count++;
    *ret = pane;
    return TT_OK;
}

static void add_wide(void *at, wide more)
{
    wide sum = 0;
    memcpy(&sum, at, sizeof(sum));
    sum += more;
    memcpy(at, &sum, sizeof(sum));
}

static wide read_wide(const void *at)
{
    wide sum = 0;
    memcpy(&sum, at, sizeof(sum));
    return sum;
}

/* A pane enters (+1) or leaves (-1) the window. */
static void move_pane(const struct tt_entity_store *store, struct tt_series *series,
                      struct tt_pane *pane, int sign)
{
    series->events += sign > 0 ? pane->events : -pane->events;
    for (uint32_t i = series->plan->begin; i < series->plan->end; i++) {
        const struct plan_item *item = &store->plan->items[i];
        void *from = tt_pane_item(pane, item), *to = tt_series_item(series, item);
        switch (item->kind) {
        case ITEM_COUNT:
            *(int64_t *)to += sign * *(int64_t *)from;
            break;
        case ITEM_SUM:
        case ITEM_SQUARES:
            add_wide(to, sign * read_wide(from));
            break;
        case ITEM_TALLY:
            if (sign > 0) {
                tt_tally_sum_add(to, from);
            } else {
                tt_tally_sum_remove(to, from);
            }
            break;
        case ITEM_DISTINCT:
            if (sign > 0) {
                tt_distinct_sum_merge(&((struct tt_distinct_window *)to)->panes, from);
            } else {
                series->stale = true;
            }
            break;
        default: /* looked up when they are asked for */
            break;
        }
    }
}

/* Makes distinct sums again when something has left them. */
static void refresh(const struct tt_entity_store *store, struct tt_series *series,
                    const struct tt_panes_span *span)
{
    for (uint32_t i = series->plan->begin; series->stale && i < series->plan->end; i++) {
        const struct plan_item *item = &store->plan->items[i];
        if (item->kind != ITEM_DISTINCT) {
            continue;
        }
        struct tt_distinct_window *window = tt_series_item(series, item);
        tt_distinct_sum_clear(&window->panes);
        for (uint32_t k = 0; k < series->count; k++) {
            if (in_window(span, series->panes[k])) {
                tt_distinct_sum_merge(&window->panes, tt_pane_item(series->panes[k], item));
            }
        }
    }
    series->stale = false;
}

static void move_window(const struct tt_entity_store *store, struct tt_panes_span *span,
                        int64_t from, int64_t to)
{
    struct tt_panes_span next = {span->series, from, to};
    for (struct tt_series *series = span->series; series != NULL; series = series->next) {
        for (uint32_t i = 0; i < series->count; i++) {
            bool was = in_window(span, series->panes[i]), is = in_window(&next, series->panes[i]);
            if (was != is) {
                move_pane(store, series, series->panes[i], is ? 1 : -1);
            }
        }
        refresh(store, series, &next);
    }
    *span = next;
}

/* The panes that lie whole in a window: none of it when the window begins in the ring; all but
 * those that are too old when it ends there, since no row of the ring comes before one of a pane. */
void tt_panes_seek(struct tt_entity_store *store, struct tt_entity *entity, int64_t t_ms)
{
    int64_t first_ms = entity->begin < entity->end
                           ? tt_entity_row(store, entity, entity->begin)[TT_ROW_TIME]
                           : INT64_MAX;
    for (uint32_t s = 0; s < store->plan->span_count; s++) {
        const struct plan_span *plan = &store->plan->spans[s];
        struct tt_panes_span *span = &entity->panes->spans[s];
        int64_t high_ms = t_ms - plan->delay_ms, low_ms = high_ms - plan->window_ms;
        int64_t from = floor_div(low_ms, plan->pane_ms) + 1;
        int64_t to = high_ms >= first_ms ? INT64_MAX : floor_div(high_ms + 1, plan->pane_ms);
        if (low_ms >= first_ms) {
            from = to;
        }
        if (from != span->from || to != span->to) {
            move_window(store, span, from, to);
        }
    }
}

static enum tt_tally_scale scale_of(const struct plan_item *item)
{
    return item->field == FIELD_LOG_AMOUNT ? TT_TALLY_LOGARITHM : TT_TALLY_RELATIVE;
}

static enum tt_status reserve_pane(struct tt_entity_store *store, const struct plan_panes *plan,
                                   struct tt_pane *pane)
{
    enum tt_status status = TT_OK;
    for (uint32_t i = plan->begin; i < plan->end && status == TT_OK; i++) {
        const struct plan_item *item = &store->plan->items[i];
        if (item->kind == ITEM_TALLY) {
            status = tt_tally_reserve(tt_pane_item(pane, item), store->alloc, &store->bytes);
        } else if (item->kind == ITEM_DISTINCT) {
            status = tt_distinct_reserve(tt_pane_item(pane, item), store->alloc, &store->bytes);
        }
    }
    return status;
}

/* <0, 0, >0 by (time, id), then by all words: of two alike either may stay. */
static int compare_rows(const int64_t *a, const int64_t *b, uint32_t words)
{
    if (tt_row_before(a, b) || tt_row_before(b, a)) {
        return tt_row_before(a, b) ? -1 : 1;
    }
    return memcmp(a, b, words * sizeof(*a));
}

/* Keeps the earlier (want < 0) or the later row; the first word says whether there is one. */
static void keep_row(int64_t *at, const int64_t *row, uint32_t words, int want)
{
    int order = at[0] == 0 ? want : compare_rows(row, at + 1, words);
    if ((order < 0 && want < 0) || (order > 0 && want > 0)) {
        at[0] = 1;
        memcpy(at + 1, row, words * sizeof(*row));
    }
}

/* Counts a row in an item of a pane and, when it is in the window, of the window. */
static void add_to_item(struct tt_entity_store *store, struct tt_series *series,
                        const struct plan_item *item, struct tt_pane *pane, const int64_t *row,
                        bool inside)
{
    void *at = tt_pane_item(pane, item), *window = tt_series_item(series, item);
    int64_t number = 0;
    if ((tt_row_bits(row) & item->filter_mask) != item->filter_mask ||
        !tt_row_value(row, item->field, item->word, &number)) {
        return;
    }
    int32_t key = item->kind == ITEM_TALLY ? tt_tally_key(scale_of(item), number) : 0;
    switch (item->kind) {
    case ITEM_COUNT:
        ++*(int64_t *)at;
        *(int64_t *)window += inside ? 1 : 0;
        break;
    case ITEM_SUM:
        add_wide(at, number);
        add_wide(window, inside ? number : 0);
        break;
    case ITEM_SQUARES:
        add_wide(at, (wide)number * number);
        add_wide(window, inside ? (wide)number * number : 0);
        break;
    case ITEM_TALLY:
        tt_tally_add(at, key);
        if (inside) {
            tt_tally_sum_count(window, key);
        }
        break;
    case ITEM_DISTINCT:
        tt_distinct_add(at, store->alloc, number, &store->bytes);
        if (inside) {
            tt_distinct_sum_add(&((struct tt_distinct_window *)window)->panes, number);
        }
        break;
    default:
        keep_row(at, row, store->plan->row_words, item->kind == ITEM_FIRST ? -1 : 1);
        break;
    }
}

enum tt_status tt_panes_add(struct tt_entity_store *store, struct tt_entity *entity,
                            const int64_t *row)
{
    const struct plan_step *plan = store->plan;
    struct tt_pane *panes[PLAN_SPANS_MAX + 1][2];
    struct tt_series *lists[PLAN_SPANS_MAX + 1][2];
    enum tt_status status = entity->panes == NULL ? tt_panes_make(store, entity) : TT_OK;
    for (uint32_t s = 0; s <= plan->span_count; s++) {
        int64_t number = floor_div(row[TT_ROW_TIME], plan->spans[s].pane_ms);
        for (uint32_t m = 0; m < 2 && status == TT_OK; m++) {
            const struct plan_panes *kept = &plan->spans[s].panes[m];
            lists[s][m] = NULL;
            if (m == 1 && kept->begin == kept->end) {
                continue;
            }
            tt_currency currency = m == 0 ? 0 : tt_row_currency(row);
            status = tt_panes_series(store, entity, s, currency, &lists[s][m]);
            status =
                status == TT_OK ? tt_panes_pane(store, lists[s][m], number, &panes[s][m]) : status;
            status = status == TT_OK ? reserve_pane(store, kept, panes[s][m]) : status;
        }
    }
    for (uint32_t s = 0; s <= plan->span_count && status == TT_OK; s++) {
        for (uint32_t m = 0; m < 2; m++) {
            struct tt_series *series = lists[s][m];
            if (series == NULL) {
                continue;
            }
            bool inside = in_window(&entity->panes->spans[s], panes[s][m]);
            panes[s][m]->events++;
            series->events += inside ? 1 : 0;
            for (uint32_t i = series->plan->begin; i < series->plan->end; i++) {
                add_to_item(store, series, &plan->items[i], panes[s][m], row, inside);
            }
        }
    }
    return status;
}

/* Takes the first count panes of a list away. */
static void drop_panes(struct tt_entity_store *store, struct tt_series *series,
                       const struct tt_panes_span *span, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        if (in_window(span, series->panes[i])) {
            move_pane(store, series, series->panes[i], -1);
        }
        free_pane(store, series->plan, series->panes[i]);
    }
    series->count -= count;
    memmove(series->panes, series->panes + count, series->count * sizeof(*series->panes));
    refresh(store, series, span);
}

void tt_panes_expire(struct tt_entity_store *store, struct tt_entity *entity, int64_t oldest_ms)
{
    const struct plan_step *plan = store->plan;
    bool empty = true;
    for (uint32_t s = 0; s <= plan->span_count; s++) {
        struct tt_panes_span *span = &entity->panes->spans[s];
        int64_t last =
            floor_div(oldest_ms + plan->keep_ms - plan->spans[s].keep_ms, plan->spans[s].pane_ms);
        struct tt_series **link = &span->series;
        while (*link != NULL) {
            struct tt_series *series = *link;
            uint32_t count = 0;
            while (count < series->count && series->panes[count]->number <= last) {
                count++;
            }
            if (count > 0) {
                drop_panes(store, series, span, count);
            }
            empty &= series->count == 0;
            if (series->count == 0 && series->currency != 0) {
                *link = series->next;
                free_series(store, series);
            } else {
                link = &series->next;
            }
        }
    }
    if (empty) {
        tt_panes_free(store, entity);
    }
}

/* The greatest rank among the values of a register: neighbours in the bag. */
static uint8_t bag_rank(const struct tt_bag *bag, int64_t number)
{
    uint32_t index = tt_distinct_register(number), at = tt_bag_below(bag, number);
    uint8_t rank = 0;
    for (uint32_t i = at; i > 0 && tt_distinct_register(bag->values[i - 1]) == index;
         i = tt_bag_below(bag, bag->values[i - 1])) {
        uint8_t other = tt_distinct_rank(bag->values[i - 1]);
        rank = other > rank ? other : rank;
    }
    while (at < bag->count && tt_distinct_register(bag->values[at]) == index) {
        uint8_t other = tt_distinct_rank(bag->values[at]);
        rank = other > rank ? other : rank;
        at += tt_bag_count_of(bag, bag->values[at]);
    }
    return rank;
}

void tt_panes_ring_changed(const struct plan_item *item, struct tt_entity *entity,
                           const struct tt_bag *bag, int64_t number, int sign)
{
    struct tt_distinct_window *window =
        tt_series_item(entity->panes->spans[item->span].series, item);
    uint32_t index = tt_distinct_register(number);
    if (sign > 0) {
        raise_ring(window->ring, number);
    } else if (window->ring[index] == tt_distinct_rank(number) &&
               tt_bag_count_of(bag, number) == 0) {
        window->ring[index] = bag_rank(bag, number);
    }
}

bool tt_panes_cover(const struct tt_entity_store *store, const struct tt_entity *entity,
                    int64_t t_ms)
{
    uint32_t whole = store->plan->span_count;
    const struct tt_series *series = entity->panes->spans[whole].series;
    int64_t number = floor_div(t_ms, store->plan->spans[whole].pane_ms);
    uint32_t at = find_pane(series, number);
    return at < series->count && series->panes[at]->number == number &&
           series->panes[at]->events > 0;
}
