/* See signals.h. Signals are blocked and fetched: no handler runs in the middle of anything. */
#include "runtime/signals.h"

#include <errno.h>
#include <signal.h>
#include <time.h>

#include "base/status.h"

static sigset_t watched(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGHUP);
    return set;
}

void tt_signals_init(void)
{
    sigset_t set = watched();
    int result = pthread_sigmask(SIG_BLOCK, &set, NULL);
    TT_ASSERT(result == 0);
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    result = sigaction(SIGPIPE, &ignore, NULL);
    TT_ASSERT(result == 0);
    result = sigaction(SIGXFSZ, &ignore, NULL);
    TT_ASSERT(result == 0);
}

static int64_t monotonic_ns(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static enum tt_signal meaning(int number)
{
    switch (number) {
    case SIGTERM:
        return TT_SIGNAL_STOP;
    case SIGINT:
        return TT_SIGNAL_INTERRUPT;
    case SIGHUP:
        return TT_SIGNAL_RELOAD;
    default:
        return TT_SIGNAL_NONE;
    }
}

enum tt_signal tt_signals_wait(int64_t timeout_ms)
{
    sigset_t set = watched();
    int64_t until_ns = timeout_ms < 0 ? 0 : monotonic_ns() + timeout_ms * 1000000;
    for (;;) {
        int number;
        if (timeout_ms < 0) {
            number = sigwaitinfo(&set, NULL);
        } else {
            int64_t left_ns = until_ns - monotonic_ns();
            left_ns = left_ns > 0 ? left_ns : 0;
            struct timespec left = {(time_t)(left_ns / 1000000000), (long)(left_ns % 1000000000)};
            number = sigtimedwait(&set, NULL, &left);
        }
        if (number > 0) {
            return meaning(number);
        }
        if (errno != EINTR) { /* EINTR: a debugger, or a stop and continue */
            return TT_SIGNAL_NONE;
        }
    }
}
