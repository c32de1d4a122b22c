/*
 * Labels by the key of their transaction. Private to core/backtest.
 *
 * What:    an open-addressing table from a 64-bit key to a kind, made to say "no" quickly: most
 *          transactions have no label.
 * Owner:   the table's memory, from its allocator.
 * Threads: confined to one thread while it is filled.
 * Limits:  TT_BACKTEST_LABELS_MAX; TT_E_LIMIT past it, TT_E_NOMEM.
 */
#ifndef TT_CORE_BACKTEST_LABELS_H
#define TT_CORE_BACKTEST_LABELS_H

#include "base/alloc.h"
#include "base/status.h"

struct tt_label_slot {
    int64_t key;
    uint8_t kind; /* 0 = empty */
};
struct tt_label_table {
    const struct tt_alloc *alloc;
    struct tt_label_slot *slots;
    size_t capacity; /* a power of two, or 0 */
    size_t count;
};

/* Puts or replaces. */
enum tt_status tt_label_table_put(struct tt_label_table *table, int64_t key,
                                  uint8_t kind) TT_MUST_USE;
/* The kind, or 0. */
uint8_t tt_label_table_get(const struct tt_label_table *table, int64_t key);
void tt_label_table_deinit(struct tt_label_table *table);

#endif
