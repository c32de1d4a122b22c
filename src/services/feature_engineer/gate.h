/*
 * The gate: has this (user_id, transaction_id) been seen?
 *
 * What:    remembers identity → content and position of everything within the horizon of event time;
 *          asks the store about what is older.
 * Why:     a client that sends again gets the first answer and changes nothing (DELIVERY §4). Most
 *          traffic is recent, so the store is hardly ever asked.
 * Owner:   the caller owns the struct; the table comes from alloc at init and grows by doubling.
 * Threads: confined to one thread.
 * Limits:  entries_max; the oldest arrivals make room, and what is not newer than they were is then
 *          looked up in the store as if it were beyond the horizon.
 * Fails:   TT_E_NOMEM; whatever the look-up fails with.
 */
#ifndef TT_SERVICES_FEATURE_ENGINEER_GATE_H
#define TT_SERVICES_FEATURE_ENGINEER_GATE_H

#include "base/hash.h"
#include "base/str.h"
#include "core/event/event.h"

/* Asks the store: true with content and position of the stored one. */
typedef enum tt_status tt_gate_lookup(void *ctx, const struct tt_txn *txn, bool *ret_found,
                                      struct tt_hash128 *ret_content, uint64_t *ret_seq,
                                      struct tt_error *err);

struct tt_gate_entry {
    struct tt_hash128 key;
    struct tt_hash128 content;
    int64_t event_ms;
    uint64_t seq;
    uint32_t next; /* in its bucket; UINT32_MAX = end */
};

struct tt_gate_table {
    const struct tt_alloc *alloc;
    struct tt_hash_key hash_key;
    struct tt_gate_entry *entries; /* a ring in order of arrival */
    uint32_t *buckets;
    uint32_t capacity; /* of both; power of two; 0 at first */
    uint32_t head, count;
    uint32_t entries_max;
    int64_t horizon_ms;
    int64_t watermark_ms;
    int64_t floor_ms; /* event times up to here may have been forgotten */
    /* Atomic: what lies behind it in the log is not in the store yet, where it would be looked up, and so is
     * not forgotten. NULL: all is there. */
    const uint64_t *durable_seq;
    tt_gate_lookup *lookup; /* NULL: what is forgotten is fresh */
    void *ctx;
    /* The copy that is being made (gate_copy.h): entries still to be packed, from the oldest on. */
    struct tt_buf *copy; /* NULL: none */
    uint32_t copy_at;    /* places behind head of the next one */
    uint32_t copy_left;
    uint64_t copy_records;
};

void tt_gate_init(struct tt_gate_table *gate, const struct tt_alloc *alloc, struct tt_hash_key key,
                  int64_t horizon_ms, uint32_t entries_max, tt_gate_lookup *lookup, void *ctx);
void tt_gate_deinit(struct tt_gate_table *gate);
/* The keys of a batch (of events that are no transactions: left as they are); what looking them up will touch
 * is fetched meanwhile, because in a table of millions each look-up waits for memory. */
void tt_gate_keys(const struct tt_gate_table *gate, struct tt_event *const *events, size_t count,
                  struct tt_hash128 *ret_keys);
/* tt_gate_pass with the key known. */
enum tt_status tt_gate_pass_key(struct tt_gate_table *gate, struct tt_event *event,
                                struct tt_hash128 key, struct tt_error *err) TT_MUST_USE;
/* Says fresh, duplicate or conflict in event->gate (and first_seq), and remembers a fresh one. */
enum tt_status tt_gate_pass(struct tt_gate_table *gate, struct tt_event *event,
                            struct tt_error *err) TT_MUST_USE;

#endif
