/* See feature_engineer.h. */
#include "services/feature_engineer/feature_engineer.h"

#include <stdio.h>

#include "services/pipeline/topics.h"

#define STATS_EVERY_NS 1000000000

struct engineer {
    struct tt_stage stage;
    const struct tt_context *context;
    uint32_t step_index;
    bool last;
    struct tt_step *step;
    struct tt_gate_table gate; /* of step 0 */
    char input[96], output[96];
    int64_t stats_ns;
};

static enum tt_status pass_gate(struct engineer *engineer, struct tt_event *const *events,
                                size_t count, struct tt_error *err)
{
    struct tt_hash128 keys[TT_BATCH_MAX];
    tt_gate_keys(&engineer->gate, events, count, keys);
    for (size_t i = 0; i < count; i++) {
        if (events[i]->kind != TT_EVENT_TRANSACTION) {
            continue;
        }
        enum tt_status status = tt_gate_pass_key(&engineer->gate, events[i], keys[i], err);
        if (status != TT_OK) {
            return status;
        }
    }
    return TT_OK;
}

/* The position this step read the event at (one partition in one process), and the decision epoch; an
 * event of a recorded log keeps the one it was decided with. */
static void stamp(struct engineer *engineer, struct tt_event *const *events, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        events[i]->positions[engineer->step_index] = events[i]->seq;
    }
    if (!engineer->last) {
        return;
    }
    struct tt_bundle *bundle = tt_bundles_current(engineer->context->bundles);
    int64_t now_ns = tt_context_now_ns(engineer->context);
    for (size_t i = 0; i < count; i++) {
        events[i]->time_ns[TT_TIME_FEATURES] = now_ns;
        bool recorded = (events[i]->bundle.high | events[i]->bundle.low) != 0;
        if (events[i]->kind == TT_EVENT_TRANSACTION && !recorded) {
            events[i]->epoch = bundle->epoch;
            events[i]->bundle = bundle->hash;
        }
    }
    tt_bundle_unref(bundle);
}

static enum tt_status on_batch(struct tt_stage *stage, struct tt_event *const *events, size_t count,
                               struct tt_error *err)
{
    struct engineer *engineer = (struct engineer *)stage;
    enum tt_status status = TT_OK;
    if (engineer->step_index == 0) {
        status = pass_gate(engineer, events, count, err);
        if (status != TT_OK) {
            return status;
        }
    }
    status = tt_step_run(engineer->step, events, count, err);
    if (status != TT_OK && status != TT_E_NOMEM) {
        return status;
    }
    stamp(engineer, events, count);
    return tt_stage_emit(stage, 0, events, count, err);
}

static enum tt_status on_tick(struct tt_stage *stage, int64_t now_ns, struct tt_error *err)
{
    (void)err;
    struct engineer *engineer = (struct engineer *)stage;
    struct tt_metrics *metrics = engineer->context->metrics;
    if (metrics == NULL || now_ns - engineer->stats_ns < STATS_EVERY_NS) {
        return TT_OK;
    }
    engineer->stats_ns = now_ns;
    struct tt_step_stats stats = tt_step_stats(engineer->step);
    const char *name = tt_plan_step_name(engineer->context->engine->plan, engineer->step_index);
    tt_metrics_set_label(metrics, TT_METRIC_ENTITIES, name, (double)stats.entities);
    tt_metrics_set_label(metrics, TT_METRIC_ENTITY_BYTES, name, (double)stats.bytes);
    int64_t watermark_ms = tt_step_watermark(engineer->step);
    if (watermark_ms != TT_TIME_NONE) {
        tt_metrics_set(metrics, TT_METRIC_WATERMARK, (double)watermark_ms / 1000.0);
    }
    return TT_OK;
}

static void free_stage(struct tt_stage *stage)
{
    struct engineer *engineer = (struct engineer *)stage;
    tt_step_free(engineer->step);
    tt_gate_deinit(&engineer->gate);
    tt_delete(engineer->context->alloc, engineer, sizeof *engineer);
}

static const struct tt_stage_ops ops = {
    .name = "feature-engineer",
    .on_batch = on_batch,
    .on_tick = on_tick,
    .free = free_stage,
};

/* transactions → transactions.<entity of step 1> → … → features. */
static void name_topics(struct engineer *engineer, const struct tt_plan *plan)
{
    uint32_t step = engineer->step_index;
    if (step == 0) {
        (void)snprintf(engineer->input, sizeof engineer->input, "%s", TT_TOPIC_TRANSACTIONS);
    } else {
        (void)snprintf(engineer->input, sizeof engineer->input, "%s%s", TT_TOPIC_TRANSACTIONS_OF,
                       tt_plan_step_name(plan, step));
    }
    if (engineer->last) {
        (void)snprintf(engineer->output, sizeof engineer->output, "%s", TT_TOPIC_FEATURES);
    } else {
        (void)snprintf(engineer->output, sizeof engineer->output, "%s%s", TT_TOPIC_TRANSACTIONS_OF,
                       tt_plan_step_name(plan, step + 1));
    }
    engineer->stage.inputs[0] = engineer->input;
    engineer->stage.outputs[0] = engineer->output;
}

enum tt_status tt_feature_engineer_new(const struct tt_feature_engineer_options *options,
                                       struct tt_stage **ret, struct tt_error *err)
{
    const struct tt_context *context = options->context;
    const struct tt_plan *plan = context->engine->plan;
    struct engineer *engineer = tt_new_array(context->alloc, 1, sizeof *engineer);
    if (engineer == NULL) {
        return tt_fail(err, TT_E_NOMEM, "no memory for a feature step");
    }
    engineer->stage.ops = &ops;
    engineer->context = context;
    engineer->step_index = options->step;
    engineer->last = options->step + 1 == tt_plan_step_count(plan);
    name_topics(engineer, plan);
    tt_gate_init(&engineer->gate, context->alloc, options->limits.key, options->dedupe_horizon_ms,
                 options->dedupe_max, options->lookup, options->lookup_ctx);
    engineer->gate.durable_seq = context->durable_seq;
    enum tt_status status =
        tt_step_new(context->alloc, plan, options->step, &options->limits, &engineer->step, err);
    if (status != TT_OK) {
        tt_delete(context->alloc, engineer, sizeof *engineer);
        return status;
    }
    *ret = &engineer->stage;
    return TT_OK;
}

enum tt_status tt_feature_engineer_replay(struct tt_stage *stage, struct tt_event *event,
                                          struct tt_error *err)
{
    struct engineer *engineer = (struct engineer *)stage;
    if (engineer->step_index == 0 && event->kind == TT_EVENT_TRANSACTION) {
        enum tt_status status = tt_gate_pass(&engineer->gate, event, err);
        if (status != TT_OK) {
            return status;
        }
        /* stored rows are first occurrences, whatever a shortened horizon says */
        event->gate = TT_GATE_FRESH;
    }
    return tt_step_absorb_only(engineer->step, &event, 1, err);
}
