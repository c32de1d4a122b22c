/*
 * A stage: one service's work on a stream, whichever process and thread it runs in.
 *
 * What:    a stage takes batches of events from its input topics and emits them to its output
 *          topics.
 * Why:     the same nine services run in one thread, several threads or several processes; which,
 *          is configuration. Batches are whatever is there (at most TT_BATCH_MAX), never waited
 *          for.
 * Owner:   on_batch gets one reference for each event; it emits it (the bus takes it over) or
 *          releases it.
 * Threads: a stage runs in exactly one thread of its runner.
 * Fails:   a status other than TT_OK from any call stops the whole runner: what was not committed
 *          is worked on again after a restart.
 */
#ifndef TT_RUNTIME_STAGE_H
#define TT_RUNTIME_STAGE_H

#include "ports/bus.h"

#define TT_BATCH_MAX 256
#define TT_STAGE_TOPICS_MAX 4

struct tt_stage;

struct tt_stage_ops {
    const char *name; /* of the service: "feature-engineer" */
    /* Events of one input in order; every reference is the stage's to emit or release. */
    enum tt_status (*on_batch)(struct tt_stage *stage, struct tt_event *const *events, size_t count,
                               struct tt_error *err);
    /* Sources only: takes work from outside, at most a batch; sets *ret_busy when it did some. */
    enum tt_status (*on_pull)(struct tt_stage *stage, bool *ret_busy, struct tt_error *err);
    /* After every round of the thread, and at least every tick_ms; may be NULL. */
    enum tt_status (*on_tick)(struct tt_stage *stage, int64_t monotonic_ns, struct tt_error *err);
    /* Sources only: takes nothing more from outside. */
    void (*stop)(struct tt_stage *stage);
    /* Gives back everything; NULL when the stage's memory is the caller's. */
    void (*free)(struct tt_stage *stage);
};

/* Services embed this as their first member and fill ops, inputs and outputs. */
struct tt_stage {
    const struct tt_stage_ops *ops;
    const char *inputs[TT_STAGE_TOPICS_MAX];  /* topics, up to the first NULL */
    const char *outputs[TT_STAGE_TOPICS_MAX]; /* the same */
    uint32_t tick_ms;                         /* 0 = no on_tick while idle */
    /* Set by the stage: once nothing is left to do, the thread rests so long before it looks again,
     * whatever comes meanwhile. */
    int64_t rest_ns;
    /* Filled by the runner: */
    const struct tt_bus *bus;
    struct tt_consumer *consumers[TT_STAGE_TOPICS_MAX];
    struct tt_producer *producers[TT_STAGE_TOPICS_MAX];
    uint64_t event_count; /* that came in; written by its thread, read with relaxed loads */
    uint64_t batch_count;
};

/* Appends events to output topic `output` and gives their references away. */
static inline enum tt_status tt_stage_emit(struct tt_stage *stage, unsigned output,
                                           struct tt_event *const *events, size_t count,
                                           struct tt_error *err)
{
    return stage->bus->ops->send(stage->producers[output], events, count, err);
}

#endif
