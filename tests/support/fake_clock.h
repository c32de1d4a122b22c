/*
 * A clock that moves only when a test says so.
 *
 * Threads: set from one thread, read anywhere.
 */
#ifndef TT_TESTS_SUPPORT_FAKE_CLOCK_H
#define TT_TESTS_SUPPORT_FAKE_CLOCK_H

#include "ports/clock.h"

struct tt_fake_clock {
    struct tt_clock clock; /* pass &fake.clock */
    int64_t now_ms;
    int64_t monotonic_ns;
};

/* Starts at now_ms, monotonic 0. */
void tt_fake_clock_init(struct tt_fake_clock *fake, int64_t now_ms);
/* Moves both by the same. */
void tt_fake_clock_advance(struct tt_fake_clock *fake, int64_t by_ms);

#endif
