/*
 * A notifier that posts to a webhook, by the Standard Webhooks convention.
 *
 * What:    POST with webhook-id, webhook-timestamp and webhook-signature "v1,base64(HMAC-SHA-256(
 *          id.timestamp.body))"; one attempt a call.
 * Why:     the receiver can tell us from others and sees each key once. The address is checked
 *          after its name was resolved, on the very socket that is connected: a name that points
 *          inside (or begins to, later) is refused. Source: standardwebhooks.com, specification
 *          1.0.
 * Owner:   options are copied.
 * Threads: one thread a notifier. The first open in a process must not race with others.
 * Limits:  URL 2048 bytes; body 1 MiB; the answer is read up to 64 KiB and not kept.
 * Fails:   open: TT_E_INVALID (URL, secret), TT_E_NOMEM. deliver: 2xx is TT_OK; 429, and 503 with
 *          Retry-After, TT_E_AGAIN; 408 and a passed timeout TT_E_TIMEOUT; other 3xx and 4xx
 *          TT_E_DENIED; other 5xx, a refused connection, TLS TT_E_IO; an inside address
 *          TT_E_DENIED.
 */
#ifndef TT_ADAPTERS_CURL_WEBHOOK_H
#define TT_ADAPTERS_CURL_WEBHOOK_H

#include "base/alloc.h"
#include "ports/clock.h"
#include "ports/notify.h"

struct tt_webhook_options {
    const struct tt_alloc *alloc;
    const struct tt_clock *clock;       /* for webhook-timestamp: the time of the attempt */
    const char *url;                    /* https://…; http:// only to a host in allowed_private */
    const char *secret;                 /* "whsec_" and base64 of 24 to 64 bytes */
    uint32_t timeout_ms;                /* of the whole attempt; 0 = 10 s */
    const char *const *allowed_private; /* "host:port" as in the URL, that may lie inside */
    size_t allowed_private_count;
    const char *ca_file; /* PEM; NULL = the system's */
};

/* On failure *ret is untouched. Connects to nothing yet. */
enum tt_status tt_webhook_open(const struct tt_webhook_options *options, struct tt_notifier **ret,
                               struct tt_error *err) TT_MUST_USE;

#endif
