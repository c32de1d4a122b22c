/*
 * Notify port: one alert to one outside channel.
 *
 * What:    deliver once, report what came of it; the alerter service owns retries.
 * Why:     at least once with an idempotency key: the same id on every attempt.
 * Threads: one thread a notifier; deliver may block up to its own timeout.
 * Fails:   TT_E_IO or TT_E_TIMEOUT: try again later; TT_E_AGAIN: the receiver asks to wait (retry_after_ms set);
 *          TT_E_DENIED, TT_E_INVALID: will never work, do not retry.
 */
#ifndef TT_PORTS_NOTIFY_H
#define TT_PORTS_NOTIFY_H

#include "base/str.h"

struct tt_notification {
    struct tt_str id;   /* idempotency key, stable over attempts */
    struct tt_str type; /* "anomaly.created" */
    int64_t timestamp_ms;
    struct tt_str body; /* JSON */
};

struct tt_notifier;
struct tt_notifier_ops {
    const char *name;
    enum tt_status (*deliver)(struct tt_notifier *notifier,
                              const struct tt_notification *notification,
                              int64_t *ret_retry_after_ms, struct tt_error *err);
    void (*close)(struct tt_notifier *notifier);
};
/* Adapters embed this as their first member. */
struct tt_notifier {
    const struct tt_notifier_ops *ops;
};

#endif
