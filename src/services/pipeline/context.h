/*
 * What every service of a process shares.
 *
 * Owner:   the composition root (cli) owns all of it and outlives the services.
 * Threads: each part says so itself.
 */
#ifndef TT_SERVICES_PIPELINE_CONTEXT_H
#define TT_SERVICES_PIPELINE_CONTEXT_H

#include "ports/clock.h"
#include "runtime/event_pool.h"
#include "runtime/log.h"
#include "runtime/metrics.h"
#include "services/pipeline/bundles.h"
#include "services/pipeline/engine.h"
#include "services/pipeline/snapshot.h"

struct tt_context {
    const struct tt_alloc *alloc;
    const struct tt_clock *clock;
    const struct tt_engine *engine;
    struct tt_bundles *bundles;
    struct tt_event_pool *pool;
    uint64_t *durable_seq;          /* atomic: the log is in the store up to here */
    struct tt_snapshots *snapshots; /* NULL: none are made */
    int64_t *warm_from_ms;      /* atomic, by step: the oldest event absorbed, or TT_TIME_NONE */
    struct tt_log *log;         /* NULL: no log */
    struct tt_metrics *metrics; /* NULL: no metrics */
    bool timed;                 /* stamp event->time_ns */
};

/* The monotonic time for a batch's stamps, or 0 when events are not timed. */
static inline int64_t tt_context_now_ns(const struct tt_context *context)
{
    return context->timed ? tt_clock_monotonic_ns(context->clock) : 0;
}

static inline void tt_context_count(const struct tt_context *context, enum tt_metric metric,
                                    uint64_t value)
{
    if (context->metrics != NULL && value != 0) {
        tt_metrics_add(context->metrics, metric, value);
    }
}

#endif
