/* See retry.h. Full jitter: each wait is uniform in (0, first × 2^n], so that callers that failed
 * together do not come back together. */
#include "runtime/retry.h"

void tt_retry_init(struct tt_retry *retry, int64_t first_ms, int64_t most_ms, int64_t deadline_ms,
                   uint64_t seed)
{
    TT_ASSERT(first_ms > 0 && most_ms >= first_ms && deadline_ms >= 0);
    *retry =
        (struct tt_retry){.first_ms = first_ms, .most_ms = most_ms, .deadline_ms = deadline_ms};
    tt_rng_init(&retry->rng, seed);
}

bool tt_retry_is_transient(enum tt_status status)
{
    return status == TT_E_NOMEM || status == TT_E_FULL || status == TT_E_IO ||
           status == TT_E_TIMEOUT || status == TT_E_AGAIN;
}

static int64_t longest_wait_ms(const struct tt_retry *retry)
{
    int64_t wait_ms = retry->first_ms;
    for (uint32_t i = 0; i < retry->attempts && wait_ms < retry->most_ms; i++) {
        wait_ms = wait_ms > retry->most_ms / 2 ? retry->most_ms : wait_ms * 2;
    }
    return wait_ms;
}

int64_t tt_retry_next_ms(struct tt_retry *retry, int64_t now_ms)
{
    if (retry->attempts == 0) {
        retry->started_ms = now_ms;
    }
    int64_t elapsed_ms = now_ms - retry->started_ms;
    if (elapsed_ms >= retry->deadline_ms) {
        return -1;
    }
    int64_t longest_ms = longest_wait_ms(retry);
    int64_t left_ms = retry->deadline_ms - elapsed_ms;
    if (retry->attempts < UINT32_MAX) {
        retry->attempts++;
    }
    int64_t wait_ms = 1 + (int64_t)tt_rng_below(&retry->rng, (uint64_t)longest_ms);
    return wait_ms < left_ms ? wait_ms : left_ms; /* the last attempt is made at the deadline */
}

void tt_retry_reset(struct tt_retry *retry)
{
    retry->attempts = 0;
    retry->started_ms = 0;
}
