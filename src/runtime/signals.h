/*
 * Signals: SIGTERM and SIGINT ask to stop, a second one insists; SIGHUP asks to reload.
 *
 * What:    the three signals as values, fetched where the main thread wants them.
 * Why:     no handler: nothing is ever interrupted in the middle.
 * Threads: init before any thread is started (it blocks the signals in all of them); wait from the
 *          main thread.
 * Limits:  two signals of one kind before a wait count as one, as the kernel does.
 */
#ifndef TT_RUNTIME_SIGNALS_H
#define TT_RUNTIME_SIGNALS_H

#include <stdint.h>

enum tt_signal { TT_SIGNAL_NONE = 0, TT_SIGNAL_STOP, TT_SIGNAL_RELOAD, TT_SIGNAL_INTERRUPT };

/* Blocks the signals and ignores SIGPIPE and SIGXFSZ: what cannot be written is a failed write. */
void tt_signals_init(void);
/* The next signal, or NONE after timeout_ms (< 0 = for ever; at most some 290 years). INTERRUPT is
 * SIGINT, STOP SIGTERM. */
enum tt_signal tt_signals_wait(int64_t timeout_ms);

#endif
