/* Panes item by item, in the order of the plan; a pane without events is not worth a record. */
#include "core/features/snapshot_panes.h"

#include <string.h>

#define RANK_MAX 54

static uint32_t live_panes(const struct tt_series *series)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < series->count; i++) {
        count += series->panes[i]->events > 0 ? 1 : 0;
    }
    return count;
}

static void put_words(struct tt_buf *buf, const void *at, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        uint64_t word = 0;
        memcpy(&word, (const char *)at + i * sizeof(word), sizeof(word));
        tt_wire_put_u64(buf, word);
    }
}

static void get_words(struct tt_wire *wire, void *at, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        uint64_t word = tt_wire_u64(wire);
        memcpy((char *)at + i * sizeof(word), &word, sizeof(word));
    }
}

static void put_tally(struct tt_buf *buf, const struct tt_tally *tally)
{
    tt_wire_put_u32(buf, tally->count);
    for (uint32_t i = 0; i < tally->count; i++) {
        tt_wire_put_u32(buf, (uint32_t)tally->entries[i].key);
        tt_wire_put_u32(buf, tally->entries[i].count);
    }
}

static enum tt_status get_tally(struct tt_entity_store *store, struct tt_wire *wire,
                                struct tt_tally *tally)
{
    uint32_t count = tt_wire_u32(wire);
    int64_t last = INT64_MIN;
    for (uint32_t i = 0; i < count && !wire->bad; i++) {
        int32_t key = (int32_t)tt_wire_u32(wire);
        uint32_t many = tt_wire_u32(wire);
        if (wire->bad || key <= last || key < -TT_TALLY_KEY_MAX || key > TT_TALLY_KEY_MAX ||
            many == 0) {
            return TT_E_CORRUPT;
        }
        last = key;
        if (tt_tally_reserve(tally, store->alloc, &store->bytes) != TT_OK) {
            return TT_E_NOMEM;
        }
        tt_tally_add(tally, key);
        tally->entries[tally->count - 1].count = many;
    }
    return wire->bad ? TT_E_CORRUPT : TT_OK;
}

static bool is_set(const struct tt_distinct *distinct)
{
    return distinct->values != NULL || distinct->registers == NULL;
}

static void put_distinct(struct tt_buf *buf, const struct tt_distinct *distinct)
{
    tt_wire_put_u8(buf, is_set(distinct) ? (uint8_t)distinct->count : UINT8_MAX);
    if (is_set(distinct)) {
        put_words(buf, distinct->values, distinct->count);
    } else {
        tt_buf_append(buf, (const char *)distinct->registers, TT_DISTINCT_REGISTERS);
    }
}

static enum tt_status get_registers(struct tt_entity_store *store, struct tt_wire *wire,
                                    struct tt_distinct *distinct)
{
    distinct->registers = tt_new_array(store->alloc, TT_DISTINCT_REGISTERS, 1);
    if (distinct->registers == NULL) {
        return TT_E_NOMEM;
    }
    store->bytes += TT_DISTINCT_REGISTERS;
    for (uint32_t i = 0; i < TT_DISTINCT_REGISTERS; i++) {
        distinct->registers[i] = tt_wire_u8(wire);
        wire->bad |= distinct->registers[i] > RANK_MAX;
    }
    return wire->bad ? TT_E_CORRUPT : TT_OK;
}

static enum tt_status get_distinct(struct tt_entity_store *store, struct tt_wire *wire,
                                   struct tt_distinct *distinct)
{
    uint8_t count = tt_wire_u8(wire);
    if (count == UINT8_MAX) {
        return get_registers(store, wire, distinct);
    }
    if (count > TT_DISTINCT_SET) {
        return TT_E_CORRUPT;
    }
    for (uint32_t i = 0; i < count && !wire->bad; i++) {
        if (tt_distinct_reserve(distinct, store->alloc, &store->bytes) != TT_OK) {
            return TT_E_NOMEM;
        }
        tt_distinct_add(distinct, store->alloc, (int64_t)tt_wire_u64(wire), &store->bytes);
    }
    return wire->bad || distinct->count != count ? TT_E_CORRUPT : TT_OK;
}

static void put_item(const struct tt_entity_store *store, const struct plan_item *item,
                     const void *at, struct tt_buf *buf)
{
    int64_t there = 0;
    switch (item->kind) {
    case ITEM_COUNT:
        put_words(buf, at, 1);
        break;
    case ITEM_SUM:
    case ITEM_SQUARES:
        put_words(buf, at, 2);
        break;
    case ITEM_TALLY:
        put_tally(buf, at);
        break;
    case ITEM_DISTINCT:
        put_distinct(buf, at);
        break;
    default:
        memcpy(&there, at, sizeof(there));
        tt_wire_put_u8(buf, (uint8_t)there);
        put_words(buf, (const char *)at + sizeof(there), there != 0 ? store->plan->row_words : 0);
        break;
    }
}

static enum tt_status get_item(struct tt_entity_store *store, const struct plan_item *item,
                               void *at, struct tt_wire *wire)
{
    int64_t there = 0;
    switch (item->kind) {
    case ITEM_COUNT:
        get_words(wire, at, 1);
        break;
    case ITEM_SUM:
    case ITEM_SQUARES:
        get_words(wire, at, 2);
        break;
    case ITEM_TALLY:
        return get_tally(store, wire, at);
    case ITEM_DISTINCT:
        return get_distinct(store, wire, at);
    default:
        there = tt_wire_u8(wire);
        memcpy(at, &there, sizeof(there));
        get_words(wire, (char *)at + sizeof(there), there != 0 ? store->plan->row_words : 0);
        return there > 1 ? TT_E_CORRUPT : TT_OK;
    }
    return TT_OK;
}

static void put_pane(const struct tt_entity_store *store, const struct tt_series *series,
                     struct tt_pane *pane, struct tt_buf *buf)
{
    if (pane->events == 0) {
        return;
    }
    tt_wire_put_u64(buf, (uint64_t)pane->number);
    tt_wire_put_u64(buf, pane->events);
    for (uint32_t i = series->plan->begin; i < series->plan->end; i++) {
        const struct plan_item *item = &store->plan->items[i];
        put_item(store, item, tt_pane_item(pane, item), buf);
    }
}

void tt_panes_pack(const struct tt_entity_store *store, const struct tt_entity *entity,
                   struct tt_buf *buf)
{
    uint32_t count = 0, spans = entity->panes == NULL ? 0 : store->plan->span_count + 1;
    for (uint32_t pass = 0; pass < 2; pass++) {
        if (pass == 1) {
            tt_wire_put_u32(buf, count);
        }
        for (uint32_t s = 0; s < spans; s++) {
            for (struct tt_series *series = entity->panes->spans[s].series; series != NULL;
                 series = series->next) {
                uint32_t live = live_panes(series);
                count += live > 0 && pass == 0 ? 1 : 0;
                if (live == 0 || pass == 0) {
                    continue;
                }
                tt_wire_put_u8(buf, (uint8_t)s);
                tt_wire_put_u16(buf, series->currency);
                tt_wire_put_u32(buf, live);
                for (uint32_t i = 0; i < series->count; i++) {
                    put_pane(store, series, series->panes[i], buf);
                }
            }
        }
    }
}

static enum tt_status get_panes(struct tt_entity_store *store, struct tt_series *series,
                                uint32_t count, struct tt_wire *wire)
{
    enum tt_status status = TT_OK;
    for (uint32_t i = 0; i < count && status == TT_OK; i++) {
        int64_t number = (int64_t)tt_wire_u64(wire);
        uint64_t events = tt_wire_u64(wire);
        struct tt_pane *pane = NULL;
        if (wire->bad || events == 0 ||
            (series->count > 0 && series->panes[series->count - 1]->number >= number)) {
            return TT_E_CORRUPT;
        }
        status = tt_panes_pane(store, series, number, &pane);
        if (status == TT_OK) {
            pane->events = events;
        }
        for (uint32_t k = series->plan->begin; k < series->plan->end && status == TT_OK; k++) {
            const struct plan_item *item = &store->plan->items[k];
            status = get_item(store, item, tt_pane_item(pane, item), wire);
        }
    }
    return status;
}

enum tt_status tt_panes_unpack(struct tt_entity_store *store, struct tt_entity *entity,
                               struct tt_wire *wire)
{
    uint32_t count = tt_wire_u32(wire);
    enum tt_status status = count > 0 && !wire->bad ? tt_panes_make(store, entity) : TT_OK;
    for (uint32_t i = 0; i < count && status == TT_OK; i++) {
        uint32_t span = tt_wire_u8(wire), currency = tt_wire_u16(wire), panes = tt_wire_u32(wire);
        struct tt_series *series = NULL;
        bool money = currency != 0;
        if (wire->bad || span > store->plan->span_count || currency > tt_currency_count() ||
            (money &&
             store->plan->spans[span].panes[1].begin == store->plan->spans[span].panes[1].end)) {
            return TT_E_CORRUPT;
        }
        status = tt_panes_series(store, entity, span, (tt_currency)currency, &series);
        status = status == TT_OK && series->count > 0 ? TT_E_CORRUPT : status;
        status = status == TT_OK ? get_panes(store, series, panes, wire) : status;
    }
    return status == TT_OK && wire->bad ? TT_E_CORRUPT : status;
}
