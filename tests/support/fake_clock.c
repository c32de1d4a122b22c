/* See fake_clock.h. */
#include "support/fake_clock.h"

static int64_t now_ms(void *ctx)
{
    const struct tt_fake_clock *fake = ctx;
    return __atomic_load_n(&fake->now_ms, __ATOMIC_RELAXED);
}

static int64_t monotonic_ns(void *ctx)
{
    const struct tt_fake_clock *fake = ctx;
    return __atomic_load_n(&fake->monotonic_ns, __ATOMIC_RELAXED);
}

static const struct tt_clock_ops ops = {now_ms, monotonic_ns};

void tt_fake_clock_init(struct tt_fake_clock *fake, int64_t now)
{
    *fake = (struct tt_fake_clock){.clock = {&ops, fake}, .now_ms = now};
}

void tt_fake_clock_advance(struct tt_fake_clock *fake, int64_t by_ms)
{
    __atomic_add_fetch(&fake->now_ms, by_ms, __ATOMIC_RELAXED);
    __atomic_add_fetch(&fake->monotonic_ns, by_ms * 1000000, __ATOMIC_RELAXED);
}
