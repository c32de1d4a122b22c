/*
 * The engine's stages put together in one process.
 *
 * What:    bus, pool, bundles and runner, and the stages from the data-ingestor to the anomaly-aggregator
 *          in thread 0. Sinks are added by whoever needs them.
 * Why:     run, demo, score and evaluate differ in where records come from and where decisions go, not in
 *          between.
 * Owner:   the caller owns the struct; tt_assembly_close frees runner, stages, bus, pool and bundles, in
 *          that order.
 * Threads: the main thread, before the runner starts.
 * Fails:   TT_E_NOMEM; what the parts say.
 */
#ifndef TT_CLI_ASSEMBLY_H
#define TT_CLI_ASSEMBLY_H

#include "cli/settings.h"
#include "core/detect/trainer.h"
#include "runtime/runner.h"
#include "runtime/zone.h"
#include "services/data_ingestor/data_ingestor.h"
#include "services/feature_engineer/feature_engineer.h"
#include "services/pipeline/context.h"

struct tt_assembly {
    const struct tt_alloc *alloc;
    const struct tt_settings *settings;
    struct tt_context context;
    struct tt_bundles bundles;
    bool bundles_open;
    struct tt_event_pool pool;
    struct tt_bus *bus;
    struct tt_runner *runner;
    uint64_t durable_seq;               /* atomic; see struct tt_context */
    int64_t warm_from_ms[TT_STEPS_MAX]; /* atomic; see struct tt_context */
    struct tt_hash_key key;             /* spreads entity keys; never changes a result */
    struct tt_zone zone;                /* of the alert budget's days */
    struct tt_stage *ingestor;
    struct tt_stage *steps[TT_STEPS_MAX];
    uint32_t step_count;
    struct tt_stage *aggregator;
    uint32_t steps_given;  /* the runner's, which frees them */
    bool aggregator_given; /* the same */
};

struct tt_assembly_options {
    const struct tt_settings *settings; /* with its engine */
    const struct tt_clock *clock;
    struct tt_log *log;         /* or NULL */
    struct tt_metrics *metrics; /* or NULL */
    size_t events_max;
    bool timed;
    struct tt_bundle *bundle;   /* taken over: the one in force */
    struct tt_trainer *trainer; /* taken over; NULL: bundles come with the feed */
    bool stateless;             /* nothing goes on from the trainer's state */
    const struct tt_hash_key
        *key; /* spreads entity keys and is proof of a snapshot; NULL: random */
    struct tt_snapshots *snapshots; /* or NULL */
    tt_gate_lookup *lookup;         /* of ids beyond the horizon; may be NULL */
    void *lookup_ctx;
    void (*on_failure)(void *ctx, const char *stage, const struct tt_error *err);
    void *ctx;
};

/* Everything but the data-ingestor, so that a replay can come first. On failure nothing is left. */
enum tt_status tt_assembly_open(struct tt_assembly *assembly,
                                const struct tt_assembly_options *options,
                                struct tt_error *err) TT_MUST_USE;
/* Adds the data-ingestor and gives all engine stages to thread 0; context is filled in. */
enum tt_status tt_assembly_ingest(struct tt_assembly *assembly,
                                  const struct tt_data_ingestor_options *options,
                                  struct tt_error *err) TT_MUST_USE;
void tt_assembly_close(struct tt_assembly *assembly);

/* A trainer and bundle of epoch 0 for a setup. */
enum tt_status tt_assembly_start_learning(const struct tt_settings *settings,
                                          struct tt_setup *setup, struct tt_trainer **ret_trainer,
                                          struct tt_bundle **ret_bundle,
                                          struct tt_error *err) TT_MUST_USE;

#endif
