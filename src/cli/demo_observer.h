/*
 * What a demo tells: anomalies as they come, and the numbers at the end.
 *
 * What:    a stage over `decisions` beside the sink: prints each live anomaly, and counts what was caught and
 *          missed by kind of fraud, which only the generator knows.
 * Owner:   the stage is freed by its runner; the summary is the caller's.
 * Threads: the sink's; the summary is read after the runner has stopped, but for `history_count`,
 *          which is atomic.
 */
#ifndef TT_CLI_DEMO_OBSERVER_H
#define TT_CLI_DEMO_OBSERVER_H

#include "core/sim/sim.h"
#include "runtime/stage.h"
#include "services/pipeline/context.h"

struct tt_demo_kind {
    uint64_t rows, anomalous, alerted;
};

struct tt_demo_summary {
    uint64_t history_count; /* atomic */
    uint64_t transactions, anomalies, alerts, explained;
    uint64_t frauds, anomalous_frauds;
    struct tt_demo_kind kinds[TT_SIM_KIND_COUNT];
    int64_t first_anomaly_ns; /* monotonic; 0 = none yet */
};

struct tt_demo_observer_options {
    const struct tt_context *const *context; /* filled in once the server is open */
    const struct tt_alloc *alloc;
    const struct tt_clock *clock;
    struct tt_demo_summary *summary;
    /* Called once, before anything of the first live transaction is printed. */
    void (*on_live)(void *ctx);
    void *ctx;
    bool json;  /* JSON lines on standard output */
    bool quiet; /* prints nothing */
    bool colour;
};

enum tt_status tt_demo_observer_new(const struct tt_demo_observer_options *options,
                                    struct tt_stage **ret, struct tt_error *err) TT_MUST_USE;

#endif
