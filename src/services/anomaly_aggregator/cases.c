/* See cases.h. */
#include "services/anomaly_aggregator/cases.h"

#include <string.h>

/* Swept when so much event time has passed, so that closed cases do not pile up. */
#define SWEEP_MS TT_MS_PER_HOUR

struct open_case {
    int64_t alerted_ms;
    uint8_t severity;
    uint8_t user_size;
    char user_id[TT_ID_SIZE_MAX];
};

static bool case_is_of(const void *item, const void *key)
{
    const struct open_case *entry = item;
    const struct tt_str *user = key;
    return entry->user_size == user->size && memcmp(entry->user_id, user->data, user->size) == 0;
}

void tt_cases_init(struct tt_cases *cases, const struct tt_alloc *alloc, struct tt_hash_key key,
                   int64_t dedupe_ms, size_t cases_max)
{
    *cases = (struct tt_cases){.alloc = alloc, .key = key, .dedupe_ms = dedupe_ms};
    cases->now_ms = TT_TIME_NONE;
    cases->swept_ms = TT_TIME_NONE;
    tt_map_init(&cases->map, alloc, case_is_of, cases_max);
}

void tt_cases_deinit(struct tt_cases *cases)
{
    size_t cursor = 0;
    for (void *item; (item = tt_map_next(&cases->map, &cursor)) != NULL;) {
        tt_delete(cases->alloc, item, sizeof(struct open_case));
    }
    tt_map_deinit(&cases->map);
}

static uint64_t hash_user(const struct tt_cases *cases, struct tt_str user)
{
    return tt_hash64(&cases->key, user.data, user.size);
}

static void sweep(struct tt_cases *cases)
{
    int64_t now_ms = cases->now_ms;
    if (cases->swept_ms != TT_TIME_NONE && now_ms < cases->swept_ms + SWEEP_MS) {
        return;
    }
    cases->swept_ms = now_ms;
    struct tt_map old = cases->map;
    tt_map_init(&cases->map, cases->alloc, case_is_of, old.count_max);
    size_t cursor = 0;
    for (struct open_case *entry; (entry = tt_map_next(&old, &cursor)) != NULL;) {
        struct tt_str user = {entry->user_id, entry->user_size};
        if (entry->alerted_ms + cases->dedupe_ms <= now_ms ||
            tt_map_put(&cases->map, hash_user(cases, user), entry) != TT_OK) {
            tt_delete(cases->alloc, entry, sizeof *entry);
        }
    }
    tt_map_deinit(&old);
}

static void open_case(struct tt_cases *cases, const struct tt_event *event)
{
    struct tt_str user = event->txn.text[TT_TEXT_USER_ID];
    struct open_case *entry = tt_new(cases->alloc, sizeof *entry);
    if (entry == NULL) {
        return; /* one alert too many is better than none */
    }
    entry->alerted_ms = cases->now_ms;
    entry->severity = event->decision.severity;
    entry->user_size = (uint8_t)user.size;
    memcpy(entry->user_id, user.data, user.size);
    if (tt_map_put(&cases->map, hash_user(cases, user), entry) != TT_OK) {
        tt_delete(cases->alloc, entry, sizeof *entry);
    }
}

void tt_cases_reach(struct tt_cases *cases, int64_t event_ms)
{
    if (cases->now_ms == TT_TIME_NONE || event_ms > cases->now_ms) {
        cases->now_ms = event_ms;
    }
}

/* A case that is not over by the event time reached, or NULL. */
static struct open_case *find_case(struct tt_cases *cases, const struct tt_event *event)
{
    struct tt_str user = event->txn.text[TT_TEXT_USER_ID];
    struct open_case *entry = tt_map_get(&cases->map, hash_user(cases, user), &user);
    return entry != NULL && cases->now_ms < entry->alerted_ms + cases->dedupe_ms ? entry : NULL;
}

bool tt_cases_holds(struct tt_cases *cases, const struct tt_event *event)
{
    const struct open_case *entry = find_case(cases, event);
    return entry != NULL && event->decision.severity <= entry->severity;
}

void tt_cases_note(struct tt_cases *cases, const struct tt_event *event)
{
    struct tt_str user = event->txn.text[TT_TEXT_USER_ID];
    sweep(cases);
    struct open_case *entry = tt_map_get(&cases->map, hash_user(cases, user), &user);
    if (entry == NULL) {
        open_case(cases, event);
        return;
    }
    bool over = cases->now_ms >= entry->alerted_ms + cases->dedupe_ms;
    entry->alerted_ms = over ? cases->now_ms : entry->alerted_ms;
    entry->severity = event->decision.severity;
}

void tt_cases_encode(const struct tt_cases *cases, struct tt_buf *buf)
{
    size_t cursor = 0;
    tt_wire_put_u64(buf, (uint64_t)cases->now_ms);
    tt_wire_put_u64(buf, (uint64_t)cases->swept_ms);
    tt_wire_put_varint(buf, cases->map.count);
    for (const struct open_case *entry; (entry = tt_map_next(&cases->map, &cursor)) != NULL;) {
        tt_wire_put_bytes(buf, (struct tt_str){entry->user_id, entry->user_size});
        tt_wire_put_u64(buf, (uint64_t)entry->alerted_ms);
        tt_wire_put_u8(buf, entry->severity);
    }
}

static enum tt_status read_case(struct tt_cases *cases, struct tt_wire *wire)
{
    struct tt_str user = tt_wire_bytes(wire);
    int64_t alerted_ms = (int64_t)tt_wire_u64(wire);
    uint8_t severity = tt_wire_u8(wire);
    if (wire->bad || user.size > TT_ID_SIZE_MAX) {
        return TT_E_CORRUPT;
    }
    struct open_case *entry = tt_new(cases->alloc, sizeof *entry);
    if (entry == NULL) {
        return TT_E_NOMEM;
    }
    entry->alerted_ms = alerted_ms;
    entry->severity = severity;
    entry->user_size = (uint8_t)user.size;
    memcpy(entry->user_id, user.data, user.size);
    enum tt_status status = tt_map_put(&cases->map, hash_user(cases, user), entry);
    if (status != TT_OK) {
        tt_delete(cases->alloc, entry, sizeof *entry);
    }
    return status;
}

void tt_cases_forget(struct tt_cases *cases)
{
    struct tt_cases old = *cases;
    tt_cases_deinit(&old);
    tt_cases_init(cases, old.alloc, old.key, old.dedupe_ms, old.map.count_max);
}

enum tt_status tt_cases_decode(struct tt_cases *cases, struct tt_wire *wire)
{
    cases->now_ms = (int64_t)tt_wire_u64(wire);
    cases->swept_ms = (int64_t)tt_wire_u64(wire);
    uint64_t count = tt_wire_varint(wire);
    enum tt_status status = wire->bad ? TT_E_CORRUPT : TT_OK;
    for (uint64_t i = 0; i < count && status == TT_OK; i++) {
        status = read_case(cases, wire);
    }
    return status;
}
