/*
 * Clock port: the only source of wall and monotonic time.
 *
 * Why:     tests move a fake clock (tests/support/fake_clock.h); core never sees one.
 * Threads: both calls are safe anywhere.
 */
#ifndef TT_PORTS_CLOCK_H
#define TT_PORTS_CLOCK_H

#include <stdint.h>

struct tt_clock_ops {
    int64_t (*now_ms)(void *ctx);       /* wall clock, ms since the Unix epoch */
    int64_t (*monotonic_ns)(void *ctx); /* never goes back; arbitrary origin */
};
struct tt_clock {
    const struct tt_clock_ops *ops;
    void *ctx;
};

static inline int64_t tt_clock_now_ms(const struct tt_clock *clock)
{
    return clock->ops->now_ms(clock->ctx);
}
static inline int64_t tt_clock_monotonic_ns(const struct tt_clock *clock)
{
    return clock->ops->monotonic_ns(clock->ctx);
}

#endif
