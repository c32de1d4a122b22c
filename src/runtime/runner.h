/*
 * The stage runner: stages in threads, fed by a bus, until told to stop.
 *
 * What:    connects stages to topics, runs each group of stages in one thread, drains and stops.
 * Why:     within a thread the latest stage is served first, so that what is under way gets done
 *          before new work is taken in.
 * Owner:   the runner frees the stages it was given; bus and pool stay the caller's.
 * Threads: add and start from one thread; drain, stop and failed from any.
 * Limits:  TT_RUNNER_THREADS_MAX threads of TT_RUNNER_STAGES_MAX stages.
 * Fails:   the first failure of a stage is kept; all threads then stop and tt_runner_wait returns
 *          it.
 */
#ifndef TT_RUNTIME_RUNNER_H
#define TT_RUNTIME_RUNNER_H

#include "ports/clock.h"
#include "runtime/event_pool.h"
#include "runtime/stage.h"
#include "runtime/waker.h"

#define TT_RUNNER_THREADS_MAX 8
#define TT_RUNNER_STAGES_MAX 16

struct tt_runner;

struct tt_runner_options {
    struct tt_bus *bus;
    struct tt_event_pool *pool; /* drained = none of its events is under way */
    const struct tt_clock *clock;
    /* Called once, from the failing thread, when a stage failed; may be NULL. */
    void (*on_failure)(void *ctx, const char *stage, const struct tt_error *err);
    void *ctx;
};

enum tt_status tt_runner_new(const struct tt_alloc *alloc, const struct tt_runner_options *options,
                             struct tt_runner **ret, struct tt_error *err) TT_MUST_USE;
/* Adds a stage to thread `thread` (0 …), behind the ones added before; takes it over also on
 * failure. */
enum tt_status tt_runner_add(struct tt_runner *runner, unsigned thread, struct tt_stage *stage,
                             struct tt_error *err) TT_MUST_USE;
/* Wakes the thread, from any thread: its sources have work. */
struct tt_wake tt_runner_wake(struct tt_runner *runner, unsigned thread);
/* Starts the threads. */
enum tt_status tt_runner_start(struct tt_runner *runner, struct tt_error *err) TT_MUST_USE;
/* Runs all stages of thread 0 in the calling thread until its sources are exhausted and nothing is
 * under way; for files. on_round (may be NULL) is called after every round. Returns the first
 * failure. */
enum tt_status tt_runner_run_inline(struct tt_runner *runner,
                                    void (*on_round)(void *ctx, int64_t monotonic_ns), void *ctx,
                                    struct tt_error *err) TT_MUST_USE;
/* Sources stop; what is under way is finished. Returns at once. */
void tt_runner_drain(struct tt_runner *runner);
/* Waits until everything is drained or a stage failed, at most timeout_ms (< 0 = for ever): TT_OK,
 * TT_E_TIMEOUT, or the failure. */
enum tt_status tt_runner_wait(struct tt_runner *runner, int64_t timeout_ms,
                              struct tt_error *err) TT_MUST_USE;
/* Stops the threads after their current batch, whatever is under way. */
void tt_runner_stop(struct tt_runner *runner);
/* Whether a stage has failed. */
bool tt_runner_failed(const struct tt_runner *runner);
/* Stops, and frees runner and stages. Events still in topics are released when the bus closes. */
void tt_runner_free(struct tt_runner *runner);
/* Visits every stage, for status and metrics. */
void tt_runner_each(struct tt_runner *runner,
                    void (*visit)(void *ctx, const struct tt_stage *stage), void *ctx);

#endif
