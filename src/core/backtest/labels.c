/* See labels.h. Keys are hashes already; the mixer only keeps their low bits from meaning anything. */
#include "core/backtest/labels.h"

#include "base/hash.h"
#include "core/backtest/backtest.h"

static struct tt_label_slot *find(const struct tt_label_table *table, int64_t key)
{
    size_t mask = table->capacity - 1;
    size_t at = (size_t)tt_hash_mix((uint64_t)key) & mask;
    while (table->slots[at].kind != 0 && table->slots[at].key != key) {
        at = (at + 1) & mask;
    }
    return &table->slots[at];
}

static enum tt_status grow(struct tt_label_table *table)
{
    struct tt_label_table grown = *table;
    grown.capacity = table->capacity == 0 ? 1024 : 2 * table->capacity;
    grown.slots = tt_new_array(table->alloc, grown.capacity, sizeof *grown.slots);
    if (grown.slots == NULL) {
        return TT_E_NOMEM;
    }
    for (size_t i = 0; i < table->capacity; i++) {
        if (table->slots[i].kind != 0) {
            *find(&grown, table->slots[i].key) = table->slots[i];
        }
    }
    tt_label_table_deinit(table);
    *table = grown;
    return TT_OK;
}

enum tt_status tt_label_table_put(struct tt_label_table *table, int64_t key, uint8_t kind)
{
    if (table->count >= TT_BACKTEST_LABELS_MAX) {
        return TT_E_LIMIT;
    }
    if (2 * (table->count + 1) > table->capacity && grow(table) != TT_OK) {
        return TT_E_NOMEM;
    }
    struct tt_label_slot *slot = find(table, key);
    table->count += slot->kind == 0 ? 1 : 0;
    *slot = (struct tt_label_slot){key, kind};
    return TT_OK;
}

uint8_t tt_label_table_get(const struct tt_label_table *table, int64_t key)
{
    return table->count == 0 ? 0 : find(table, key)->kind;
}

void tt_label_table_deinit(struct tt_label_table *table)
{
    tt_delete(table->alloc, table->slots, table->capacity * sizeof *table->slots);
    table->slots = NULL;
    table->capacity = 0;
}
