/*
 * Events held back: transactions and labels whose turn comes later.
 *
 * What:    a priority queue by (time, order of arrival) of deep copies.
 * Owner:   the caller owns the struct; each entry owns its text.
 * Threads: confined to one thread.
 * Fails:   push with TT_E_NOMEM.
 */
#ifndef TT_SERVICES_DATA_INGESTOR_HELD_H
#define TT_SERVICES_DATA_INGESTOR_HELD_H

#include "core/event/event.h"

struct tt_held_entry;
struct tt_held {
    const struct tt_alloc *alloc;
    struct tt_held_entry **heap;
    size_t count, capacity;
    uint64_t pushed;
};

void tt_held_init(struct tt_held *held, const struct tt_alloc *alloc);
void tt_held_deinit(struct tt_held *held);
/* Holds a copy of kind, txn, label, truth and source_line until at_ms. */
enum tt_status tt_held_push(struct tt_held *held, const struct tt_event *event,
                            int64_t at_ms) TT_MUST_USE;
/* The earliest time held, or INT64_MAX. */
int64_t tt_held_next_ms(const struct tt_held *held);
/* Moves the earliest into an empty event; there must be one. TT_E_NOMEM keeps it. */
enum tt_status tt_held_pop(struct tt_held *held, struct tt_event *event) TT_MUST_USE;

#endif
