/*
 * A notifier that writes one line: the alert route that needs no receiver.
 *
 * What:    hands each notification to a callback (the process' log, or the terminal).
 * Owner:   the callback's context is the caller's.
 * Threads: one thread a notifier.
 * Fails:   with whatever the callback says.
 */
#ifndef TT_ADAPTERS_SYSTEM_LOG_NOTIFIER_H
#define TT_ADAPTERS_SYSTEM_LOG_NOTIFIER_H

#include "base/alloc.h"
#include "ports/notify.h"

struct tt_log_notifier_options {
    const struct tt_alloc *alloc;
    /* TT_OK once the line is written; the views live for the call. */
    enum tt_status (*write)(void *ctx, const struct tt_notification *notification,
                            struct tt_error *err);
    void *ctx;
};

/* On failure *ret is untouched. */
enum tt_status tt_log_notifier_open(const struct tt_log_notifier_options *options,
                                    struct tt_notifier **ret, struct tt_error *err) TT_MUST_USE;

#endif
