/* See assembly.h. */
#include "cli/assembly.h"

#include <string.h>

#include "adapters/memory/bus.h"
#include "cli/outside.h"
#include "runtime/secret.h"
#include "services/anomaly_aggregator/anomaly_aggregator.h"
#include "services/ml_detector/ml_detector.h"
#include "services/rule_engine/rule_engine.h"
#include "services/stat_detector/stat_detector.h"

/* With no store to look older ids up in, as in a file, all of them are kept, up to ingest.dedupe_max. */
#define DEDUPE_HORIZON_UNBACKED_MS (INT64_C(36500) * TT_MS_PER_DAY)

#define EVENT_TEXT_MAX (512u << 10)

enum tt_status tt_assembly_start_learning(const struct tt_settings *settings,
                                          struct tt_setup *setup, struct tt_trainer **ret_trainer,
                                          struct tt_bundle **ret_bundle, struct tt_error *err)
{
    enum tt_status status =
        tt_trainer_new(settings->alloc, setup, (uint64_t)settings->config.seed, ret_trainer, err);
    if (status != TT_OK) {
        return status;
    }
    status = tt_bundle_initial(settings->alloc, setup, ret_bundle, err);
    if (status != TT_OK) {
        tt_trainer_free(*ret_trainer);
        *ret_trainer = NULL;
    }
    return status;
}

static enum tt_status open_plumbing(struct tt_assembly *assembly,
                                    const struct tt_assembly_options *options, struct tt_error *err)
{
    struct tt_wake none = {NULL, NULL};
    enum tt_status status = tt_event_pool_init(&assembly->pool, assembly->alloc,
                                               options->events_max, EVENT_TEXT_MAX, none, err);
    if (status == TT_OK) {
        status = tt_memory_bus_open(assembly->alloc, options->events_max, &assembly->bus, err);
    }
    if (status != TT_OK) {
        return status;
    }
    struct tt_runner_options runner_options = {
        .bus = assembly->bus,
        .pool = &assembly->pool,
        .clock = options->clock,
        .on_failure = options->on_failure,
        .ctx = options->ctx,
    };
    status = tt_runner_new(assembly->alloc, &runner_options, &assembly->runner, err);
    if (status == TT_OK) {
        assembly->pool.wake = tt_runner_wake(assembly->runner, 0);
    }
    return status;
}

static enum tt_status open_steps(struct tt_assembly *assembly,
                                 const struct tt_assembly_options *options, struct tt_error *err)
{
    const struct tt_config *config = &options->settings->config;
    struct tt_feature_engineer_options step_options = {
        .context = &assembly->context,
        .limits = {.entities_max = (uint32_t)config->entities_max,
                   .memory_bytes_max = (size_t)config->memory_max,
                   .key = assembly->key},
        .dedupe_horizon_ms =
            options->lookup != NULL ? config->dedupe_horizon : DEDUPE_HORIZON_UNBACKED_MS,
        .dedupe_max = (uint32_t)config->dedupe_max,
        .lookup = options->lookup,
        .lookup_ctx = options->lookup_ctx,
    };
    uint32_t count = tt_plan_step_count(assembly->context.engine->plan);
    for (uint32_t i = 0; i < count; i++) {
        step_options.step = i;
        enum tt_status status = tt_feature_engineer_new(&step_options, &assembly->steps[i], err);
        if (status != TT_OK) {
            return status;
        }
        assembly->step_count++;
    }
    return TT_OK;
}

static enum tt_status open_stages(struct tt_assembly *assembly,
                                  const struct tt_assembly_options *options, struct tt_error *err)
{
    const struct tt_config *config = &options->settings->config;
    static const char *const policies[] = {
        [TT_BUDGET_HOLD] = "hold_budget",
        [TT_BUDGET_EXCEED] = "exceed_to_cap",
        [TT_BUDGET_PAGE] = "page",
    };
    struct tt_anomaly_aggregator_options aggregator_options = {
        .context = &assembly->context,
        .trainer = options->trainer,
        .stateless = options->stateless,
        .alert_severity = tt_severity_find(config->alert_severity),
        .alert_dedupe_ms = config->alert_dedupe,
        .review_share = (double)config->review_per_million / 1e6,
        .review_key = {tt_hash_mix((uint64_t)config->seed), UINT64_C(0x726576696577)},
        .budget = {.per_day = (uint32_t)config->alert_budget},
        .key = assembly->key,
    };
    for (uint8_t i = TT_BUDGET_HOLD; i < TT_ARRAY_SIZE(policies); i++) {
        if (tt_str_equal_text(config->alert_policy, policies[i])) {
            aggregator_options.budget.policy = i;
        }
    }
    enum tt_status status = tt_zone_parse(&tt_outside, config->alert_zone, &assembly->zone, err);
    if (status != TT_OK) {
        tt_trainer_free(options->trainer);
        return tt_fail(err, status, "alerts.time_zone: %.200s", err != NULL ? err->message : "");
    }
    aggregator_options.zone = &assembly->zone;
    status = tt_anomaly_aggregator_new(&aggregator_options, &assembly->aggregator, err);
    return status == TT_OK ? open_steps(assembly, options, err) : status;
}

enum tt_status tt_assembly_open(struct tt_assembly *assembly,
                                const struct tt_assembly_options *options, struct tt_error *err)
{
    memset(assembly, 0, sizeof *assembly);
    assembly->alloc = options->settings->alloc;
    assembly->settings = options->settings;
    tt_bundles_init(&assembly->bundles, options->bundle);
    assembly->bundles_open = true;
    if (options->key != NULL) {
        assembly->key = *options->key;
    } else {
        tt_secret_random(&assembly->key, sizeof assembly->key);
    }
    assembly->durable_seq = UINT64_MAX; /* what is replayed is, and a file has no store */
    for (uint32_t i = 0; i < TT_STEPS_MAX; i++) {
        assembly->warm_from_ms[i] = TT_TIME_NONE;
    }
    assembly->context = (struct tt_context){
        .alloc = assembly->alloc,
        .clock = options->clock,
        .engine = options->settings->engine,
        .bundles = &assembly->bundles,
        .pool = &assembly->pool,
        .durable_seq = &assembly->durable_seq,
        .snapshots = options->snapshots,
        .warm_from_ms = assembly->warm_from_ms,
        .log = options->log,
        .metrics = options->metrics,
        .timed = options->timed,
    };
    enum tt_status status = open_stages(assembly, options, err);
    if (status == TT_OK) {
        status = open_plumbing(assembly, options, err);
    }
    if (status != TT_OK) {
        tt_assembly_close(assembly);
    }
    return status;
}

static enum tt_status add_detectors(struct tt_assembly *assembly, struct tt_error *err)
{
    static enum tt_status (*const makers[])(const struct tt_context *, struct tt_stage **,
                                            struct tt_error *) = {
        tt_stat_detector_new, tt_ml_detector_new, tt_rule_engine_new};
    for (size_t i = 0; i < TT_ARRAY_SIZE(makers); i++) {
        struct tt_stage *stage = NULL;
        enum tt_status status = makers[i](&assembly->context, &stage, err);
        if (status == TT_OK) {
            status = tt_runner_add(assembly->runner, 0, stage, err);
        }
        if (status != TT_OK) {
            return status;
        }
    }
    return TT_OK;
}

enum tt_status tt_assembly_ingest(struct tt_assembly *assembly,
                                  const struct tt_data_ingestor_options *options,
                                  struct tt_error *err)
{
    struct tt_data_ingestor_options ingest = *options;
    ingest.context = &assembly->context;
    enum tt_status status = tt_data_ingestor_new(&ingest, &assembly->ingestor, err);
    if (status == TT_OK) {
        status = tt_runner_add(assembly->runner, 0, assembly->ingestor, err);
    }
    for (uint32_t i = 0; status == TT_OK && i < assembly->step_count; i++) {
        status = tt_runner_add(assembly->runner, 0, assembly->steps[i], err);
        assembly->steps_given = i + 1;
    }
    if (status == TT_OK) {
        status = add_detectors(assembly, err);
    }
    if (status == TT_OK) {
        status = tt_runner_add(assembly->runner, 0, assembly->aggregator, err);
        assembly->aggregator_given = true;
    }
    return status;
}

void tt_assembly_close(struct tt_assembly *assembly)
{
    tt_runner_free(assembly->runner);
    for (uint32_t i = assembly->steps_given; i < TT_STEPS_MAX; i++) {
        if (assembly->steps[i] != NULL) {
            assembly->steps[i]->ops->free(assembly->steps[i]);
        }
    }
    if (assembly->aggregator != NULL && !assembly->aggregator_given) {
        assembly->aggregator->ops->free(assembly->aggregator);
    }
    if (assembly->bus != NULL) {
        assembly->bus->ops->close(assembly->bus);
    }
    tt_event_pool_deinit(&assembly->pool);
    if (assembly->bundles_open) {
        tt_bundles_deinit(&assembly->bundles);
    }
    tt_zone_deinit(&assembly->zone);
    memset(assembly, 0, sizeof *assembly);
}
