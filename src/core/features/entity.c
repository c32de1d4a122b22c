/*
 * Rows, edges and running values of an entity.
 *
 * Rows are one linear array with room at both ends: taking the oldest out moves `begin`, a new one
 * goes to the end or, late, is moved in; when the end is reached the rows move back to the start or
 * the array grows. All that can fail is done before anything changes.
 */
#include "core/features/entity.h"

#include "core/features/fold.h"

#include <string.h>

#include "base/math.h"
#include "core/features/panes.h"

typedef __int128 wide;

static struct tt_edges *edges_of(struct tt_entity *entity)
{
    return (struct tt_edges *)(void *)(entity + 1);
}

static struct tt_money *money_of(const struct tt_entity_store *store, struct tt_entity *entity)
{
    return (struct tt_money *)(void *)(tt_entity_values(store, entity) + store->plan->state_size);
}

void tt_entity_store_init(struct tt_entity_store *store, const struct tt_alloc *alloc,
                          const struct plan_step *plan)
{
    store->alloc = alloc;
    store->plan = plan;
    store->bytes = 0;
    store->entity_size = sizeof(struct tt_entity) + plan->span_count * sizeof(struct tt_edges) +
                         plan->state_size + sizeof(struct tt_money) + plan->money_size;
}

struct tt_entity *tt_entity_new(struct tt_entity_store *store, const struct tt_hash128 *key)
{
    struct tt_entity *entity = tt_new_array(store->alloc, 1, store->entity_size);
    if (entity != NULL) {
        entity->key = *key;
        entity->newest_ms = TT_TIME_NONE;
        entity->edges_ms = TT_TIME_NONE;
        entity->lost_ms = TT_TIME_NONE;
        store->bytes += store->entity_size;
    }
    return entity;
}

static void free_values(struct tt_entity_store *store, char *block, bool by_currency)
{
    for (uint32_t i = 0; i < store->plan->value_count; i++) {
        const struct plan_value *value = &store->plan->values[i];
        void *at = block + value->offset;
        if (value->by_currency == by_currency && value->kind == VALUE_BAG) {
            tt_bag_deinit(at, store->alloc, &store->bytes);
        } else if (value->by_currency == by_currency && value->kind == VALUE_FRAUDS) {
            tt_frauds_deinit(at, store->alloc, &store->bytes);
        }
    }
}

void tt_entity_free(struct tt_entity_store *store, struct tt_entity *entity)
{
    if (entity == NULL) {
        return;
    }
    size_t money_size = sizeof(struct tt_money) + store->plan->money_size;
    struct tt_money *first = money_of(store, entity);
    free_values(store, tt_entity_values(store, entity), false);
    for (struct tt_money *money = first, *next; money != NULL; money = next) {
        next = money->next;
        free_values(store, (char *)(money + 1), true);
        if (money != first) {
            tt_delete(store->alloc, money, money_size);
            store->bytes -= money_size;
        }
    }
    size_t row_size = store->plan->row_words * sizeof(int64_t);
    tt_panes_free(store, entity);
    tt_labels_deinit(&entity->labels, store->alloc, &store->bytes);
    tt_delete(store->alloc, entity->rows, entity->capacity * row_size);
    store->bytes -= entity->capacity * row_size + store->entity_size;
    tt_delete(store->alloc, entity, store->entity_size);
}

const struct tt_money *tt_entity_money(const struct tt_entity_store *store,
                                       const struct tt_entity *entity, int64_t currency)
{
    const char *values = (const char *)(tt_entity_edges(entity) + store->plan->span_count);
    const struct tt_money *money = (const void *)(values + store->plan->state_size);
    while (money != NULL && money->currency != currency) {
        money = money->next;
    }
    return money;
}

const void *tt_entity_value(const struct tt_entity_store *store, const struct tt_entity *entity,
                            const struct tt_money *money, const struct plan_value *value)
{
    const char *block = value->by_currency
                            ? (const char *)(money + 1)
                            : (const char *)(tt_entity_edges(entity) + store->plan->span_count);
    return block + value->offset;
}

/* The block of a row's currency, which was made when the row came. */
static struct tt_money *find_money(const struct tt_entity_store *store, struct tt_entity *entity,
                                   int64_t currency)
{
    struct tt_money *money = money_of(store, entity);
    while (money->currency != currency) {
        money = money->next;
        TT_ASSERT(money != NULL);
    }
    return money;
}

struct tt_bag *tt_entity_bag(const struct tt_entity_store *store, struct tt_entity *entity,
                             int64_t currency, const struct plan_value *value)
{
    if (!value->by_currency) {
        return (void *)(tt_entity_values(store, entity) + value->offset);
    }
    struct tt_money *money = money_of(store, entity);
    while (money != NULL && money->currency != currency) {
        money = money->next;
    }
    return money == NULL ? NULL : (void *)((char *)(money + 1) + value->offset);
}

static enum tt_status make_money(struct tt_entity_store *store, struct tt_entity *entity,
                                 int64_t currency)
{
    struct tt_money *first = money_of(store, entity);
    size_t size = sizeof(struct tt_money) + store->plan->money_size;
    if (store->plan->money_size == 0 || tt_entity_money(store, entity, currency) != NULL) {
        return TT_OK;
    }
    if (first->currency == 0) {
        first->currency = currency;
        return TT_OK;
    }
    struct tt_money *money = tt_new_array(store->alloc, 1, size);
    if (money == NULL) {
        return TT_E_NOMEM;
    }
    money->currency = currency;
    money->next = first->next;
    first->next = money;
    store->bytes += size;
    return TT_OK;
}

bool tt_row_value(const int64_t *row, uint8_t field, uint8_t word, int64_t *ret)
{
    int64_t value = row[word];
    if (field == FIELD_NONE) {
        *ret = 0;
        return true;
    }
    if (field == FIELD_LOG_AMOUNT) {
        if (value <= 0) {
            return false; /* zero has no logarithm */
        }
        double major = tt_money_major(value, tt_currency_exponent(tt_row_currency(row)));
        double scaled = tt_log(major) * TT_LOG_SCALE;
        *ret = (int64_t)(scaled + (scaled < 0.0 ? -0.5 : 0.5));
        return true;
    }
    *ret = value;
    return value != TT_ROW_MISSING;
}

static inline void add_wide(char *at, wide number)
{
    wide sum = 0;
    memcpy(&sum, at, sizeof(sum));
    sum += number;
    memcpy(at, &sum, sizeof(sum));
}

/* What a group's values gain by some rows. */
struct gain {
    int64_t count;
    wide sum, squares;
};

static inline void add_gain(const struct plan_group *group, char *block, const struct gain *gain,
                            int sign)
{
    if (group->count != PLAN_GROUP_NONE) {
        *(int64_t *)(void *)(block + group->count) += sign * gain->count;
    }
    if (group->sum != PLAN_GROUP_NONE) {
        add_wide(block + group->sum, sign > 0 ? gain->sum : -gain->sum);
    }
    if (group->squares != PLAN_GROUP_NONE) {
        add_wide(block + group->squares, sign > 0 ? gain->squares : -gain->squares);
    }
}

/* One row, whatever the group keeps. */
static void apply_row(const struct tt_entity_store *store, struct tt_entity *entity,
                      const struct plan_group *group, const int64_t *row, int sign)
{
    int64_t number = 0;
    if ((tt_row_bits(row) & group->filter_mask) != group->filter_mask ||
        !tt_row_value(row, group->field, group->word, &number)) {
        return;
    }
    char *block = group->by_currency ? (char *)(find_money(store, entity, tt_row_currency(row)) + 1)
                                     : tt_entity_values(store, entity);
    struct gain gain = {1, number, (wide)number * number};
    add_gain(group, block, &gain, sign);
    if (group->bag != PLAN_GROUP_NONE && sign > 0) {
        tt_bag_add((void *)(block + group->bag), number);
    } else if (group->bag != PLAN_GROUP_NONE) {
        tt_bag_remove((void *)(block + group->bag), number);
    }
    if (entity->panes != NULL && group->bag != PLAN_GROUP_NONE && group->field == FIELD_TEXT) {
        tt_panes_ring_changed(&store->plan->items[group->item], entity,
                              (void *)(block + group->bag), number, sign);
    }
}

/* Adds what a row gives to a plain group: a number as it stands there. */
static inline void gain_row(const struct plan_group *group, const int64_t *row, struct gain *gain)
{
    int64_t number = row[group->word];
    if ((tt_row_bits(row) & group->filter_mask) == group->filter_mask && number != TT_ROW_MISSING) {
        gain->count++;
        gain->sum += number;
        if (group->squares != PLAN_GROUP_NONE) {
            gain->squares += (wide)number * number;
        }
    }
}

/* The block a plain group's values are in, where all rows of the entity have one currency or it does
 * not matter; otherwise NULL. */
static inline char *plain_block(const struct tt_entity_store *store, struct tt_entity *entity,
                                const struct plan_group *group)
{
    struct tt_money *money = money_of(store, entity);
    if (!group->is_plain || (group->by_currency && money->next != NULL)) {
        return NULL;
    }
    return group->by_currency ? (char *)(money + 1) : tt_entity_values(store, entity);
}

/* Rows [from, to) enter (+1) or leave (-1) a span. */
static inline void apply(const struct tt_entity_store *store, struct tt_entity *entity,
                         const struct plan_span *span, uint32_t from, uint32_t to, int sign)
{
    if (from >= to) {
        return;
    }
    size_t words = store->plan->row_words;
    const int64_t *begin = entity->rows + from * words, *end = entity->rows + to * words;
    for (uint32_t i = span->group_begin; i < span->group_end; i++) {
        const struct plan_group *group = &store->plan->groups[i];
        char *block = plain_block(store, entity, group);
        struct gain gain = {0, 0, 0};
        for (const int64_t *row = begin; row < end; row += words) {
            if (block != NULL) {
                gain_row(group, row, &gain);
            } else {
                apply_row(store, entity, group, row, sign);
            }
        }
        if (block != NULL) {
            add_gain(group, block, &gain, sign);
        }
    }
}

/* Where the edges of a span belong at time t. */
static inline struct tt_edges target(const struct tt_entity_store *store,
                                     const struct tt_entity *entity, const struct plan_span *span,
                                     struct tt_edges edges, int64_t t_ms)
{
    size_t words = store->plan->row_words;
    int64_t high_ms = t_ms - span->delay_ms, low_ms = high_ms - span->window_ms;
    const int64_t *rows = entity->rows;
    while (edges.high < entity->end && rows[edges.high * words] <= high_ms) {
        edges.high++;
    }
    while (edges.high > entity->begin && rows[(edges.high - 1) * words] > high_ms) {
        edges.high--;
    }
    while (edges.low < entity->end && rows[edges.low * words] <= low_ms) {
        edges.low++;
    }
    while (edges.low > entity->begin && rows[(edges.low - 1) * words] > low_ms) {
        edges.low--;
    }
    return edges;
}

/* Room in every bag of the span, whatever the currency, for `least` values and for `more` than it
 * has. */
static enum tt_status reserve_bags(struct tt_entity_store *store, struct tt_entity *entity,
                                   const struct plan_span *span, uint32_t least, uint32_t more)
{
    for (uint32_t i = span->begin; i < span->end; i++) {
        const struct plan_value *value = &store->plan->values[i];
        if (value->kind != VALUE_BAG) {
            continue;
        }
        struct tt_money *money = value->by_currency ? money_of(store, entity) : NULL;
        do {
            char *block = money == NULL ? tt_entity_values(store, entity) : (char *)(money + 1);
            struct tt_bag *bag = (void *)(block + value->offset);
            uint32_t count = bag->count + more > least ? bag->count + more : least;
            enum tt_status status = tt_bag_reserve(bag, store->alloc, count, &store->bytes);
            if (status != TT_OK) {
                return status;
            }
            money = money == NULL ? NULL : money->next;
        } while (money != NULL);
    }
    return TT_OK;
}

/* Rows that leave go first, so that bags need no more room than was reserved. */
static inline void move_edges(const struct tt_entity_store *store, struct tt_entity *entity,
                              const struct plan_span *span, struct tt_edges *edges,
                              struct tt_edges to)
{
    struct tt_edges from = *edges;
    if (to.low >= from.high || to.high <= from.low) {
        apply(store, entity, span, from.low, from.high, -1);
        apply(store, entity, span, to.low, to.high, 1);
    } else {
        apply(store, entity, span, from.low, to.low, -1);
        apply(store, entity, span, to.high, from.high, -1);
        apply(store, entity, span, to.low, from.low, 1);
        apply(store, entity, span, from.high, to.high, 1);
    }
    *edges = to;
}

/* Room for a window's bags to move. */
static enum tt_status reserve_move(struct tt_entity_store *store, struct tt_entity *entity,
                                   const struct plan_span *span, struct tt_edges from,
                                   struct tt_edges to)
{
    bool grows = to.high > from.high || to.low < from.low;
    return span->has_bag && grows ? reserve_bags(store, entity, span, to.high - to.low, 0) : TT_OK;
}

enum tt_status tt_entity_seek(struct tt_entity_store *store, struct tt_entity *entity, int64_t t_ms)
{
    struct tt_edges *edges = edges_of(entity);
    const struct plan_step *plan = store->plan;
    for (uint32_t i = 0; i < plan->span_count; i++) {
        if (!plan->spans[i].has_bag) {
            continue;
        }
        struct tt_edges to = target(store, entity, &plan->spans[i], edges[i], t_ms);
        if (reserve_move(store, entity, &plan->spans[i], edges[i], to) != TT_OK) {
            return TT_E_NOMEM;
        }
    }
    for (uint32_t i = 0; i < plan->span_count; i++) {
        struct tt_edges to = target(store, entity, &plan->spans[i], edges[i], t_ms);
        if (to.low != edges[i].low || to.high != edges[i].high) {
            move_edges(store, entity, &plan->spans[i], &edges[i], to);
        }
    }
    if (entity->panes != NULL) {
        tt_panes_seek(store, entity, t_ms);
    }
    entity->edges_ms = t_ms;
    return TT_OK;
}

enum tt_status tt_entity_seek_span(struct tt_entity_store *store, struct tt_entity *entity,
                                   uint32_t span, int64_t t_ms)
{
    const struct plan_span *plan = &store->plan->spans[span];
    struct tt_edges *edges = &edges_of(entity)[span];
    struct tt_edges to = target(store, entity, plan, *edges, t_ms);
    if (reserve_move(store, entity, plan, *edges, to) != TT_OK) {
        return TT_E_NOMEM;
    }
    move_edges(store, entity, plan, edges, to);
    return TT_OK;
}

void tt_entity_set_bits(const struct tt_entity_store *store, struct tt_entity *entity, uint32_t at,
                        uint16_t bits)
{
    const struct tt_edges *edges = edges_of(entity);
    int64_t *row = entity->rows + (size_t)at * store->plan->row_words;
    int64_t changed = tt_row_tag(tt_row_id(row), bits, tt_row_currency(row));
    for (uint32_t i = 0; i < store->plan->span_count; i++) {
        if (edges[i].low <= at && at < edges[i].high) {
            apply(store, entity, &store->plan->spans[i], at, at + 1, -1);
        }
    }
    row[TT_ROW_TAG] = changed;
    for (uint32_t i = 0; i < store->plan->span_count; i++) {
        if (edges[i].low <= at && at < edges[i].high) {
            apply(store, entity, &store->plan->spans[i], at, at + 1, 1);
        }
    }
}

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

static enum tt_status resize_rows(struct tt_entity_store *store, struct tt_entity *entity,
                                  uint32_t capacity)
{
    size_t row_size = store->plan->row_words * sizeof(int64_t);
    size_t old_size = entity->capacity * row_size, size = capacity * row_size;
    int64_t *rows = entity->rows == NULL ? tt_new(store->alloc, size)
                                         : tt_resize(store->alloc, entity->rows, old_size, size);
    if (rows == NULL) {
        return TT_E_NOMEM;
    }
    entity->rows = rows;
    entity->capacity = capacity;
    store->bytes += size - old_size;
    return TT_OK;
}

static void trim_bags(struct tt_entity_store *store, struct tt_entity *entity)
{
    for (uint32_t i = 0; i < store->plan->value_count; i++) {
        const struct plan_value *value = &store->plan->values[i];
        if (value->kind == VALUE_BAG && !value->by_currency) {
            tt_bag_trim((void *)(tt_entity_values(store, entity) + value->offset), store->alloc,
                        &store->bytes);
        } else if (value->kind == VALUE_BAG) {
            for (struct tt_money *money = money_of(store, entity); money != NULL;
                 money = money->next) {
                tt_bag_trim((void *)((char *)(money + 1) + value->offset), store->alloc,
                            &store->bytes);
            }
        }
    }
}

/* Moves the rows to the start of their array; gives back what a past peak left. */
static void compact(struct tt_entity_store *store, struct tt_entity *entity)
{
    size_t words = store->plan->row_words;
    uint32_t shift = entity->begin, live = entity->end - entity->begin;
    struct tt_edges *edges = edges_of(entity);
    memmove(entity->rows, entity->rows + shift * words, live * words * sizeof(int64_t));
    for (uint32_t i = 0; i < store->plan->span_count; i++) {
        edges[i].low -= shift;
        edges[i].high -= shift;
    }
    entity->begin = 0;
    entity->end = live;
    entity->folded -= shift;
    uint32_t want = grown(live + live / 8 + 1);
    if (entity->capacity - entity->capacity / 6 > want) {
        /* Failing to shrink is no failure: the memory stays in use. */
        enum tt_status status = resize_rows(store, entity, want);
        (void)status;
    }
    trim_bags(store, entity);
}

static enum tt_status make_room(struct tt_entity_store *store, struct tt_entity *entity)
{
    if (entity->end < entity->capacity) {
        return TT_OK;
    }
    if (entity->begin > 0 && entity->begin >= entity->capacity / 8) {
        compact(store, entity);
        return TT_OK;
    }
    return resize_rows(store, entity, grown(entity->capacity + 1));
}

static enum tt_status reserve_insert(struct tt_entity_store *store, struct tt_entity *entity,
                                     const int64_t *row)
{
    const struct plan_step *plan = store->plan;
    enum tt_status status = make_room(store, entity);
    if (status == TT_OK) {
        status = make_money(store, entity, tt_row_currency(row));
    }
    for (uint32_t i = 0; i < plan->span_count && status == TT_OK; i++) {
        if (plan->spans[i].has_bag && plan->spans[i].delay_ms == 0) {
            status = reserve_bags(store, entity, &plan->spans[i], 0, 1);
        }
    }
    return status;
}

enum tt_status tt_entity_insert(struct tt_entity_store *store, struct tt_entity *entity,
                                const int64_t *row, uint32_t *ret_at)
{
    const struct plan_step *plan = store->plan;
    struct tt_edges *edges = edges_of(entity);
    size_t words = plan->row_words;
    TT_ASSERT(entity->edges_ms == row[TT_ROW_TIME]);
    enum tt_status status = reserve_insert(store, entity, row);
    if (status != TT_OK) {
        return status;
    }
    uint32_t at = entity->end;
    while (at > entity->begin && tt_row_before(row, entity->rows + (at - 1) * words)) {
        at--;
    }
    if (at < entity->end) {
        tt_entity_forget_runs(store, entity, row[TT_ROW_TIME], false);
    }
    int64_t *place = entity->rows + at * words;
    memmove(place + words, place, (entity->end - at) * words * sizeof(int64_t));
    memcpy(place, row, words * sizeof(int64_t));
    entity->end++;
    entity->folded_before = entity->folded;
    bool is_ahead = at + 1 == entity->end && entity->folded == at && plan->fold_count > 0 &&
                    !tt_fold_is_open(plan, row);
    entity->folded = is_ahead ? at + 1 : entity->folded < at ? entity->folded : at;
    for (uint32_t i = 0; i < plan->span_count; i++) {
        /* A window with a delay ends before now: the row is behind its edges. */
        if (plan->spans[i].delay_ms == 0) {
            edges[i].high++;
            apply(store, entity, &plan->spans[i], at, at + 1, 1);
        }
    }
    *ret_at = at;
    return TT_OK;
}

enum tt_status tt_entity_append(struct tt_entity_store *store, struct tt_entity *entity,
                                const int64_t *row)
{
    TT_ASSERT(entity->begin == 0 && entity->edges_ms == TT_TIME_NONE);
    if (entity->end > 0 && tt_row_before(row, tt_entity_row(store, entity, entity->end - 1))) {
        return TT_E_CORRUPT;
    }
    enum tt_status status = make_room(store, entity);
    if (status == TT_OK) {
        status = make_money(store, entity, tt_row_currency(row));
    }
    if (status == TT_OK) {
        size_t words = store->plan->row_words;
        memcpy(entity->rows + entity->end * words, row, words * sizeof(int64_t));
        entity->folded += entity->folded == entity->end && !tt_fold_is_open(store->plan, row);
        entity->end++;
    }
    return status;
}

void tt_entity_remove(struct tt_entity_store *store, struct tt_entity *entity, uint32_t at)
{
    const struct plan_step *plan = store->plan;
    struct tt_edges *edges = edges_of(entity);
    size_t words = plan->row_words;
    int64_t *place = entity->rows + at * words;
    for (uint32_t i = 0; i < plan->span_count; i++) {
        if (plan->spans[i].delay_ms == 0) {
            edges[i].high--;
            apply(store, entity, &plan->spans[i], at, at + 1, -1);
        }
    }
    entity->end--;
    /* What was folded behind it did not see it; what is folded since then is before it. */
    entity->folded = entity->folded_before > at ? entity->folded_before
                     : entity->folded > at      ? at
                                                : entity->folded;
    memmove(place, place + words, (entity->end - at) * words * sizeof(int64_t));
    if (entity->begin == entity->end) {
        /* Whatever currency comes next may have the block that is there: it holds nothing. */
        money_of(store, entity)->currency = 0;
    }
}

static void forget_oldest(struct tt_entity_store *store, struct tt_entity *entity)
{
    struct tt_edges *edges = edges_of(entity);
    for (uint32_t i = 0; i < store->plan->span_count; i++) {
        if (edges[i].low > entity->begin) {
            continue;
        }
        if (edges[i].high > edges[i].low) {
            apply(store, entity, &store->plan->spans[i], entity->begin, entity->begin + 1, -1);
        } else {
            edges[i].high++;
        }
        edges[i].low++;
    }
    entity->begin++;
    entity->folded = entity->folded < entity->begin ? entity->begin : entity->folded;
}

/* The oldest row becomes a part of its panes. */
static enum tt_status demote_oldest(struct tt_entity_store *store, struct tt_entity *entity)
{
    const int64_t *row = tt_entity_row(store, entity, entity->begin);
    enum tt_status status = tt_panes_add(store, entity, row);
    if (status == TT_OK) {
        forget_oldest(store, entity);
    }
    return status;
}

uint32_t tt_entity_trim(struct tt_entity_store *store, struct tt_entity *entity, int64_t oldest_ms)
{
    const struct plan_step *plan = store->plan;
    uint32_t begin = entity->begin, demoted = 0;
    int64_t gone_ms = TT_TIME_NONE;
    while (entity->begin < entity->end &&
           tt_entity_row(store, entity, entity->begin)[TT_ROW_TIME] <= oldest_ms) {
        gone_ms = oldest_ms;
        forget_oldest(store, entity);
    }
    while (entity->end - entity->begin > plan->events_max) {
        int64_t time_ms = tt_entity_row(store, entity, entity->begin)[TT_ROW_TIME];
        if (demote_oldest(store, entity) != TT_OK) {
            break;
        }
        gone_ms = time_ms;
        demoted++;
    }
    if (gone_ms != TT_TIME_NONE) {
        tt_entity_forget_runs(store, entity, gone_ms, true);
    }
    if (entity->panes != NULL) {
        tt_panes_expire(store, entity, oldest_ms);
    }
    if (entity->begin != begin && entity->labels.rows.count > 0) {
        tt_entity_trim_labels(store, entity, oldest_ms);
    }
    return demoted;
}
