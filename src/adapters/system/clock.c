/* See clock.h. */
#include "adapters/system/clock.h"

#include <stddef.h>
#include <time.h>

static int64_t now_ms(void *ctx)
{
    (void)ctx;
    struct timespec now;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static int64_t monotonic_ns(void *ctx)
{
    (void)ctx;
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static const struct tt_clock_ops ops = {now_ms, monotonic_ns};
const struct tt_clock tt_clock_system = {&ops, NULL};
