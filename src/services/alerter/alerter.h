/*
 * alerter: alerted anomalies go to the notifiers, at least once, with an idempotency key.
 *
 * What:    each route delivers what the store's outbox holds for it, oldest first; a failed delivery waits
 *          and is tried again; what can never work is settled as given up.
 * Why:     the outbox is written in the same commit as the decision, so an alert is neither lost in a
 *          crash nor sent for something that was not kept. The key is the anomaly's id, the same on every
 *          attempt (Standard Webhooks).
 * Owner:   the stage is freed by its runner; notifiers and store stay the caller's.
 * Threads: one; a delivery may block for as long as the notifier's timeout.
 * Limits:  TT_ROUTES_MAX routes; one delivery at a time.
 * Fails:   never by a receiver; a store that cannot be read is asked again later.
 */
#ifndef TT_SERVICES_ALERTER_ALERTER_H
#define TT_SERVICES_ALERTER_ALERTER_H

#include "ports/notify.h"
#include "ports/store.h"
#include "runtime/stage.h"
#include "services/pipeline/context.h"

#define TT_ROUTES_MAX 4

struct tt_route {
    const char *name; /* in the outbox: "webhook", "log" */
    struct tt_notifier *notifier;
};

struct tt_alerter_options {
    const struct tt_context *context;
    struct tt_store *store;
    struct tt_route routes[TT_ROUTES_MAX];
    uint32_t route_count;
    int64_t retry_for_ms; /* after the anomaly's first attempt in this process */
};

enum tt_status tt_alerter_new(const struct tt_alerter_options *options, struct tt_stage **ret,
                              struct tt_error *err) TT_MUST_USE;

#endif
