/*
 * Alert cases: which users were alerted lately.
 *
 * What:    one alert a user within the dedupe time; later anomalies belong to the same case and do not
 *          alert again, unless they are more severe than everything the case alerted before.
 * Why:     an analyst works on a customer, not on each of a burst of payments. A case lasts by the event time
 *          the log has reached, not by the anomaly's own: so what comes late finds the same cases however
 *          often closed ones were swept, and a replay alerts as the first time.
 * Owner:   the caller owns the struct; the map comes from alloc.
 * Threads: confined to one thread.
 * Units:   event time; it only moves on.
 * Limits:  cases_max users; past it the alert goes out, undeduplicated.
 */
#ifndef TT_SERVICES_ANOMALY_AGGREGATOR_CASES_H
#define TT_SERVICES_ANOMALY_AGGREGATOR_CASES_H

#include "base/map.h"
#include "base/wire.h"
#include "core/event/event.h"

struct tt_cases {
    const struct tt_alloc *alloc;
    struct tt_hash_key key;
    struct tt_map map;
    int64_t dedupe_ms;
    int64_t now_ms;   /* event time reached, or TT_TIME_NONE */
    int64_t swept_ms; /* of the last sweep */
};

void tt_cases_init(struct tt_cases *cases, const struct tt_alloc *alloc, struct tt_hash_key key,
                   int64_t dedupe_ms, size_t cases_max);
void tt_cases_deinit(struct tt_cases *cases);
/* Moves time on to a transaction's; for every one of the log, before _holds or _note of it. */
void tt_cases_reach(struct tt_cases *cases, int64_t event_ms);
/* Whether its user has an open case that alerted at least as severe: then it belongs to that case. */
bool tt_cases_holds(struct tt_cases *cases, const struct tt_event *event);
/* Remembers an alert: it opens a case, or makes the open one more severe. */
void tt_cases_note(struct tt_cases *cases, const struct tt_event *event);
/* Appends all of it. */
void tt_cases_encode(const struct tt_cases *cases, struct tt_buf *buf);
/* Into cases without any: TT_E_CORRUPT or TT_E_NOMEM leave some, to be forgotten. */
enum tt_status tt_cases_decode(struct tt_cases *cases, struct tt_wire *wire) TT_MUST_USE;
void tt_cases_forget(struct tt_cases *cases);

#endif
