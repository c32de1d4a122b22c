/*
 * Retry: the only place that waits and tries again.
 *
 * What:    exponential back-off with full jitter, within a deadline.
 *          Source: Brooker, "Exponential backoff and jitter", 2015.
 * Owner:   the caller's value; nothing to give back.
 * Threads: confined to one thread.
 * Units:   ms on the monotonic clock.
 */
#ifndef TT_RUNTIME_RETRY_H
#define TT_RUNTIME_RETRY_H

#include "base/rng.h"
#include "base/status.h"

struct tt_retry {
    int64_t first_ms, most_ms; /* of one wait */
    int64_t deadline_ms;       /* after the first failure; 0 = never try again */
    int64_t started_ms;        /* of the first failure, when attempts > 0 */
    uint32_t attempts;         /* that failed since the last success */
    struct tt_rng rng;
};

/* 0 < first_ms ≤ most_ms: the longest first wait and the longest of all. */
void tt_retry_init(struct tt_retry *retry, int64_t first_ms, int64_t most_ms, int64_t deadline_ms,
                   uint64_t seed);
/* Whether a failure of that status may pass by itself (not enough memory or space, I/O, time-out,
 * busy). */
bool tt_retry_is_transient(enum tt_status status);
/* After a failed attempt at now_ms: how long (≥ 1 ms) to wait before the next, or -1 when the
 * deadline has passed. */
int64_t tt_retry_next_ms(struct tt_retry *retry, int64_t now_ms);
/* After a success. */
void tt_retry_reset(struct tt_retry *retry);

#endif
