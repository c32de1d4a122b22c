/*
 * Retry: the only place that waits and tries again.
 *
 * What:    exponential back-off with full jitter, within a deadline.
 *          Source: Brooker, "Exponential backoff and jitter", 2015.
 * Threads: a value; confined to one thread.
 * Units:   ms on the monotonic clock.
 */
#ifndef TT_RUNTIME_RETRY_H
#define TT_RUNTIME_RETRY_H

#include "base/rng.h"
#include "base/status.h"

struct tt_retry {
    int64_t first_ms, most_ms; /* of one wait */
    int64_t deadline_ms;       /* after the first attempt */
    int64_t started_ms;        /* 0 = no attempt failed yet */
    uint32_t attempts;
    struct tt_rng rng;
};

void tt_retry_init(struct tt_retry *retry, int64_t first_ms, int64_t most_ms, int64_t deadline_ms,
                   uint64_t seed);
/* Whether a failure of that status may pass by itself (not enough memory or space, I/O, time-out, busy). */
bool tt_retry_is_transient(enum tt_status status);
/* After a failed attempt at now_ms: how long to wait before the next, or -1 when the deadline has passed. */
int64_t tt_retry_next_ms(struct tt_retry *retry, int64_t now_ms);
/* After a success. */
void tt_retry_reset(struct tt_retry *retry);

#endif
