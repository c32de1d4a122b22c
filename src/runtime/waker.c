/* See waker.h. The flag pair is Dekker's: the signaller stores `signalled` then reads `sleeping`,
 * the sleeper stores `sleeping` then reads `signalled`, both sequentially consistent, so that one
 * of them sees the other. */
#include "runtime/waker.h"

#include <time.h>

void tt_waker_init(struct tt_waker *waker)
{
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_mutex_init(&waker->lock, NULL);
    pthread_cond_init(&waker->wake, &attributes);
    pthread_condattr_destroy(&attributes);
    waker->signalled = false;
    waker->sleeping = false;
}

void tt_waker_deinit(struct tt_waker *waker)
{
    pthread_cond_destroy(&waker->wake);
    pthread_mutex_destroy(&waker->lock);
}

void tt_waker_signal(struct tt_waker *waker)
{
    __atomic_store_n(&waker->signalled, true, __ATOMIC_SEQ_CST);
    if (__atomic_load_n(&waker->sleeping, __ATOMIC_SEQ_CST)) {
        pthread_mutex_lock(&waker->lock);
        pthread_cond_signal(&waker->wake);
        pthread_mutex_unlock(&waker->lock);
    }
}

static void signal_callback(void *ctx)
{
    tt_waker_signal(ctx);
}

struct tt_wake tt_waker_callback(struct tt_waker *waker)
{
    return (struct tt_wake){signal_callback, waker};
}

void tt_waker_wait(struct tt_waker *waker, int64_t timeout_ms)
{
    struct timespec until;
    (void)clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += timeout_ms / 1000;
    until.tv_nsec += timeout_ms % 1000 * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    pthread_mutex_lock(&waker->lock);
    __atomic_store_n(&waker->sleeping, true, __ATOMIC_SEQ_CST);
    int result = 0;
    while (result == 0 && !__atomic_load_n(&waker->signalled, __ATOMIC_SEQ_CST)) {
        result = pthread_cond_timedwait(&waker->wake, &waker->lock, &until);
    }
    __atomic_store_n(&waker->sleeping, false, __ATOMIC_SEQ_CST);
    pthread_mutex_unlock(&waker->lock);
    /* an exchange and no store: what a signaller did before the cleared signal is seen after it */
    (void)__atomic_exchange_n(&waker->signalled, false, __ATOMIC_SEQ_CST);
}
