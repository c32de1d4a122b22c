/*
 * A waker: how one thread tells another that there is something to do.
 *
 * What:    signal() is remembered until the sleeper has seen it; wait() sleeps until then or a
 *          deadline.
 * Why:     between busy threads a signal is one load: the lock is taken only when the other
 *          sleeps.
 * Owner:   the sleeping thread owns it; it must outlive everybody who may signal.
 * Threads: signal from any thread; wait from one.
 */
#ifndef TT_RUNTIME_WAKER_H
#define TT_RUNTIME_WAKER_H

#include <pthread.h>

#include "ports/bus.h"

struct tt_waker {
    pthread_mutex_t lock;
    pthread_cond_t wake;
    bool signalled; /* atomic */
    bool sleeping;  /* atomic */
};

void tt_waker_init(struct tt_waker *waker);
void tt_waker_deinit(struct tt_waker *waker);
/* Wakes the sleeper, or keeps it from falling asleep. */
void tt_waker_signal(struct tt_waker *waker);
/* The same as a callback for a bus. */
struct tt_wake tt_waker_callback(struct tt_waker *waker);
/* Sleeps until signalled or until timeout_ms have passed; clears the signal. */
void tt_waker_wait(struct tt_waker *waker, int64_t timeout_ms);

#endif
