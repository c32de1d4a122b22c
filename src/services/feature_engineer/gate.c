/* See gate.h. Entries form a ring in order of arrival, so forgetting the oldest is one step; buckets
 * chain entries by index. */
#include "services/feature_engineer/gate.h"

#include "services/feature_engineer/gate_copy.h"

#define CAPACITY_FIRST 1024u
#define NONE UINT32_MAX

void tt_gate_init(struct tt_gate_table *gate, const struct tt_alloc *alloc, struct tt_hash_key key,
                  int64_t horizon_ms, uint32_t entries_max, tt_gate_lookup *lookup, void *ctx)
{
    *gate = (struct tt_gate_table){
        .alloc = alloc,
        .hash_key = key,
        .entries_max = entries_max,
        .horizon_ms = horizon_ms,
        .watermark_ms = INT64_MIN,
        .floor_ms = INT64_MIN,
        .lookup = lookup,
        .ctx = ctx,
    };
}

void tt_gate_deinit(struct tt_gate_table *gate)
{
    tt_delete(gate->alloc, gate->entries, gate->capacity * sizeof *gate->entries);
    tt_delete(gate->alloc, gate->buckets, gate->capacity * sizeof *gate->buckets);
    gate->entries = NULL;
    gate->buckets = NULL;
    gate->capacity = 0;
}

static uint32_t bucket_of(const struct tt_gate_table *gate, struct tt_hash128 key)
{
    return (uint32_t)key.low & (gate->capacity - 1);
}

static void link_entry(struct tt_gate_table *gate, uint32_t index)
{
    uint32_t *bucket = &gate->buckets[bucket_of(gate, gate->entries[index].key)];
    gate->entries[index].next = *bucket;
    *bucket = index;
}

static enum tt_status grow(struct tt_gate_table *gate, struct tt_error *err)
{
    uint32_t capacity = gate->capacity == 0 ? CAPACITY_FIRST : gate->capacity * 2;
    struct tt_gate_entry *entries = tt_new(gate->alloc, capacity * sizeof *entries);
    uint32_t *buckets = tt_new(gate->alloc, capacity * sizeof *buckets);
    if (entries == NULL || buckets == NULL) {
        tt_delete(gate->alloc, entries, capacity * sizeof *entries);
        tt_delete(gate->alloc, buckets, capacity * sizeof *buckets);
        return tt_fail(err, TT_E_NOMEM, "no memory for %u transaction ids", capacity);
    }
    for (uint32_t i = 0; i < gate->count; i++) {
        entries[i] = gate->entries[(gate->head + i) & (gate->capacity - 1)];
    }
    for (uint32_t i = 0; i < capacity; i++) {
        buckets[i] = NONE;
    }
    uint32_t count = gate->count;
    tt_gate_deinit(gate);
    gate->entries = entries;
    gate->buckets = buckets;
    gate->capacity = capacity;
    gate->head = 0;
    for (uint32_t i = 0; i < count; i++) {
        link_entry(gate, i);
    }
    return TT_OK;
}

static void forget_oldest(struct tt_gate_table *gate)
{
    uint32_t index = gate->head;
    if (gate->copy != NULL) {
        tt_gate_copy_forget(gate);
    }
    const struct tt_gate_entry *entry = &gate->entries[index];
    uint32_t *at = &gate->buckets[bucket_of(gate, entry->key)];
    while (*at != index) {
        at = &gate->entries[*at].next;
    }
    *at = entry->next;
    if (entry->event_ms > gate->floor_ms) {
        gate->floor_ms = entry->event_ms;
    }
    gate->head = (gate->head + 1) & (gate->capacity - 1);
    gate->count--;
}

static const struct tt_gate_entry *find(const struct tt_gate_table *gate, struct tt_hash128 key)
{
    if (gate->capacity == 0) {
        return NULL;
    }
    for (uint32_t i = gate->buckets[bucket_of(gate, key)]; i != NONE; i = gate->entries[i].next) {
        const struct tt_gate_entry *entry = &gate->entries[i];
        if (entry->key.high == key.high && entry->key.low == key.low) {
            return entry;
        }
    }
    return NULL;
}

/* The oldest may go when it is in the store, for lack of room or for its age. */
static bool oldest_may_go(const struct tt_gate_table *gate)
{
    const struct tt_gate_entry *oldest = &gate->entries[gate->head];
    bool durable = gate->durable_seq == NULL ||
                   oldest->seq <= __atomic_load_n(gate->durable_seq, __ATOMIC_ACQUIRE);
    return durable && (gate->count >= gate->entries_max ||
                       oldest->event_ms < gate->watermark_ms - gate->horizon_ms);
}

static enum tt_status append(struct tt_gate_table *gate, const struct tt_gate_entry *entry,
                             struct tt_error *err)
{
    if (gate->count == gate->capacity) {
        enum tt_status status = grow(gate, err);
        if (status != TT_OK) {
            return status;
        }
    }
    uint32_t index = (gate->head + gate->count) & (gate->capacity - 1);
    gate->entries[index] = *entry;
    link_entry(gate, index);
    gate->count++;
    return TT_OK;
}

static enum tt_status remember(struct tt_gate_table *gate, const struct tt_event *event,
                               struct tt_hash128 key, struct tt_error *err)
{
    int64_t event_ms = event->txn.timestamp_ms;
    if (event_ms > gate->watermark_ms) {
        gate->watermark_ms = event_ms;
    }
    while (gate->count > 0 && oldest_may_go(gate)) {
        forget_oldest(gate);
    }
    struct tt_gate_entry entry = {key, event->content, event_ms, event->seq, NONE};
    return append(gate, &entry, err);
}

enum tt_status tt_gate_put(struct tt_gate_table *gate, const struct tt_gate_entry *entry,
                           struct tt_error *err)
{
    if (find(gate, entry->key) != NULL) {
        return tt_fail(err, TT_E_CORRUPT, "a saved id twice");
    }
    return append(gate, entry, err);
}

/* Older than the horizon (seen before a restart, perhaps), or than something that had to make room. */
static bool may_be_forgotten(const struct tt_gate_table *gate, int64_t event_ms)
{
    return event_ms <= gate->floor_ms ||
           (gate->watermark_ms != INT64_MIN && event_ms < gate->watermark_ms - gate->horizon_ms);
}

static bool same(struct tt_hash128 a, struct tt_hash128 b)
{
    return a.high == b.high && a.low == b.low;
}

void tt_gate_keys(const struct tt_gate_table *gate, struct tt_event *const *events, size_t count,
                  struct tt_hash128 *ret_keys)
{
    for (size_t i = 0; i < count; i++) {
        if (events[i]->kind == TT_EVENT_TRANSACTION) {
            ret_keys[i] = tt_txn_key_hash(&gate->hash_key, &events[i]->txn);
            if (gate->capacity > 0) {
                __builtin_prefetch(&gate->buckets[bucket_of(gate, ret_keys[i])]);
            }
        }
    }
    for (size_t i = 0; i < count && gate->capacity > 0; i++) {
        if (events[i]->kind == TT_EVENT_TRANSACTION) {
            uint32_t entry = gate->buckets[bucket_of(gate, ret_keys[i])];
            __builtin_prefetch(&gate->entries[entry != NONE ? entry : gate->head]);
        }
    }
}

enum tt_status tt_gate_pass(struct tt_gate_table *gate, struct tt_event *event,
                            struct tt_error *err)
{
    return tt_gate_pass_key(gate, event, tt_txn_key_hash(&gate->hash_key, &event->txn), err);
}

enum tt_status tt_gate_pass_key(struct tt_gate_table *gate, struct tt_event *event,
                                struct tt_hash128 key, struct tt_error *err)
{
    const struct tt_gate_entry *entry = find(gate, key);
    if (entry != NULL) {
        event->first_seq = entry->seq;
        event->gate = same(entry->content, event->content) ? TT_GATE_DUPLICATE : TT_GATE_CONFLICT;
        return TT_OK;
    }
    if (gate->lookup != NULL && may_be_forgotten(gate, event->txn.timestamp_ms)) {
        bool found = false;
        struct tt_hash128 content = {0};
        enum tt_status status =
            gate->lookup(gate->ctx, &event->txn, &found, &content, &event->first_seq, err);
        if (status != TT_OK) {
            return status;
        }
        if (found) {
            event->gate = same(content, event->content) ? TT_GATE_DUPLICATE : TT_GATE_CONFLICT;
            return TT_OK;
        }
    }
    event->gate = TT_GATE_FRESH;
    return remember(gate, event, key, err);
}
