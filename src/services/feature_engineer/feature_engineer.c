/* See feature_engineer.h. */
#include "services/feature_engineer/feature_engineer.h"

#include <stdio.h>

#include "core/features/copy.h"
#include "core/features/snapshot.h"
#include "services/feature_engineer/gate_copy.h"
#include "services/pipeline/topics.h"

#define STATS_EVERY_NS 1000000000
/* Packed for a snapshot in one round: a fraction of a millisecond. */
#define PACK_SIZE (128u << 10)
/* With nothing else to do, the next round comes after this. */
#define PACK_REST_NS INT64_C(200000)
#define COPY_SIZE_MAX (512u << 20)

struct engineer {
    struct tt_stage stage;
    const struct tt_context *context;
    struct tt_feature_engineer_options options;
    uint32_t step_index;
    bool last;
    struct tt_step *step;
    struct tt_gate_table gate; /* of step 0 */
    char input[96], output[96];
    int64_t stats_ns;
    uint64_t unpriced; /* as of stats_ns */
    /* The copy under way (snapshot.h): the gate's first, then the step's. */
    bool copying, copying_gate;
    struct tt_buf gate_copy, step_copy;
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

static enum tt_status pass_events(struct engineer *engineer, struct tt_event *const *events,
                                  size_t count, struct tt_error *err)
{
    enum tt_status status = TT_OK;
    if (engineer->step_index == 0) {
        status = pass_gate(engineer, events, count, err);
        if (status != TT_OK) {
            return status;
        }
    }
    status = tt_step_run(engineer->step, events, count, err);
    return status == TT_E_NOMEM ? TT_OK : status;
}

static enum tt_status on_batch(struct tt_stage *stage, struct tt_event *const *events, size_t count,
                               struct tt_error *err)
{
    struct engineer *engineer = (struct engineer *)stage;
    for (size_t at = 0; at < count;) {
        size_t end = at;
        while (end < count && events[end]->kind != TT_EVENT_SNAPSHOT) {
            end++;
        }
        enum tt_status status = pass_events(engineer, events + at, end - at, err);
        if (status != TT_OK) {
            return status;
        }
        if (end < count) {
            tt_feature_engineer_copy(stage);
        }
        at = end + 1;
    }
    stamp(engineer, events, count);
    return tt_stage_emit(stage, 0, events, count, err);
}

static void end_copy(struct engineer *engineer)
{
    tt_gate_copy_end(&engineer->gate);
    tt_step_copy_end(engineer->step);
    tt_buf_clear(&engineer->gate_copy);
    tt_buf_clear(&engineer->step_copy);
    engineer->copying = engineer->copying_gate = false;
}

static void fail_copy(struct engineer *engineer, enum tt_status status)
{
    struct tt_snapshots *snapshots = engineer->context->snapshots;
    tt_snapshots_give_up(snapshots, status == TT_E_NOMEM ? "no memory for a snapshot"
                                                         : "the state is too large for a snapshot");
    if (engineer->copying_gate) {
        tt_snapshots_part_done(snapshots, 0, 0);
    }
    tt_snapshots_part_done(snapshots, engineer->step_index + 1, 0);
    end_copy(engineer);
}

void tt_feature_engineer_give_up(struct tt_stage *stage)
{
    end_copy((struct engineer *)stage);
}

int64_t tt_feature_engineer_watermark(const struct tt_stage *stage)
{
    return tt_step_watermark(((const struct engineer *)stage)->step);
}

void tt_feature_engineer_copy(struct tt_stage *stage)
{
    struct engineer *engineer = (struct engineer *)stage;
    engineer->copying = true;
    engineer->copying_gate = engineer->step_index == 0;
    enum tt_status status = TT_OK;
    if (engineer->copying_gate) {
        status = tt_gate_copy_begin(&engineer->gate, &engineer->gate_copy);
    }
    if (status == TT_OK) {
        status = tt_step_copy_begin(engineer->step, &engineer->step_copy);
    }
    if (status != TT_OK) {
        fail_copy(engineer, status);
    }
}

/* A full buffer, or at the end the rest, becomes a block. */
static void pass_on(struct engineer *engineer, uint32_t part, struct tt_buf *buf, bool last)
{
    if (last || buf->size >= TT_SNAPSHOT_BLOCK_SIZE - PACK_SIZE) {
        tt_snapshots_put(engineer->context->snapshots, part, buf);
    }
}

/* Packs a little of the gate, then of the step; both are copied on write meanwhile. */
static enum tt_status pack_some(struct engineer *engineer, bool *ret_done)
{
    struct tt_snapshots *snapshots = engineer->context->snapshots;
    uint32_t part = engineer->step_index + 1;
    *ret_done = false;
    if (engineer->copying_gate) {
        enum tt_status status = tt_gate_copy_some(&engineer->gate, PACK_SIZE);
        bool last = status == TT_E_CLOSED;
        if (status != TT_OK && !last) {
            return status;
        }
        pass_on(engineer, 0, &engineer->gate_copy, last);
        pass_on(engineer, part, &engineer->step_copy, false);
        if (last) {
            tt_snapshots_part_done(snapshots, 0, tt_gate_copy_records(&engineer->gate));
            tt_gate_copy_end(&engineer->gate);
            engineer->copying_gate = false;
        }
        return TT_OK;
    }
    enum tt_status status = tt_step_copy_some(engineer->step, PACK_SIZE);
    bool last = status == TT_E_CLOSED;
    if (status != TT_OK && !last) {
        return status;
    }
    pass_on(engineer, part, &engineer->step_copy, last);
    if (last) {
        tt_snapshots_part_done(snapshots, part, tt_step_copy_records(engineer->step));
        end_copy(engineer);
        *ret_done = true;
    }
    return TT_OK;
}

bool tt_feature_engineer_pack(struct tt_stage *stage)
{
    struct engineer *engineer = (struct engineer *)stage;
    struct tt_snapshots *snapshots = engineer->context->snapshots;
    if (!engineer->copying) {
        return false;
    }
    if (tt_snapshots_failed(snapshots)) {
        fail_copy(engineer, TT_E_NOMEM);
        return false;
    }
    if (!tt_snapshots_wants(snapshots)) {
        return true;
    }
    int64_t start_ns = tt_clock_monotonic_ns(engineer->context->clock);
    bool done = false;
    enum tt_status status = pack_some(engineer, &done);
    if (engineer->context->metrics != NULL) {
        tt_metrics_observe(engineer->context->metrics, TT_METRIC_SNAPSHOT_PACK,
                           tt_clock_monotonic_ns(engineer->context->clock) - start_ns);
    }
    if (status != TT_OK) {
        fail_copy(engineer, status);
    }
    return engineer->copying;
}

static enum tt_status on_tick(struct tt_stage *stage, int64_t now_ns, struct tt_error *err)
{
    (void)err;
    struct engineer *engineer = (struct engineer *)stage;
    struct tt_metrics *metrics = engineer->context->metrics;
    if (tt_feature_engineer_pack(stage)) {
        stage->rest_ns = PACK_REST_NS;
    }
    if (metrics == NULL || now_ns - engineer->stats_ns < STATS_EVERY_NS) {
        return TT_OK;
    }
    engineer->stats_ns = now_ns;
    int64_t warm_ms = tt_step_warm_from(engineer->step);
    __atomic_store_n(&engineer->context->warm_from_ms[engineer->step_index], warm_ms,
                     __ATOMIC_RELAXED);
    struct tt_step_stats stats = tt_step_stats(engineer->step);
    const char *name = tt_plan_step_name(engineer->context->engine->plan, engineer->step_index);
    tt_metrics_set_label(metrics, TT_METRIC_ENTITIES, name, (double)stats.entities);
    tt_metrics_set_label(metrics, TT_METRIC_ENTITY_BYTES, name, (double)stats.bytes);
    tt_metrics_add(metrics, TT_METRIC_UNPRICED, stats.unpriced - engineer->unpriced);
    engineer->unpriced = stats.unpriced;
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
    tt_buf_deinit(&engineer->gate_copy);
    tt_buf_deinit(&engineer->step_copy);
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

static void make_gate(struct engineer *engineer)
{
    const struct tt_feature_engineer_options *options = &engineer->options;
    tt_gate_init(&engineer->gate, engineer->context->alloc, options->limits.key,
                 options->dedupe_horizon_ms, options->dedupe_max, options->lookup,
                 options->lookup_ctx);
    engineer->gate.durable_seq = engineer->context->durable_seq;
}

static enum tt_status make_step(struct engineer *engineer, struct tt_error *err)
{
    return tt_step_new(engineer->context->alloc, engineer->context->engine->plan,
                       engineer->step_index, &engineer->options.limits, &engineer->step, err);
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
    engineer->options = *options;
    tt_buf_init(&engineer->gate_copy, context->alloc, COPY_SIZE_MAX);
    tt_buf_init(&engineer->step_copy, context->alloc, COPY_SIZE_MAX);
    make_gate(engineer);
    enum tt_status status = make_step(engineer, err);
    if (status != TT_OK) {
        tt_delete(context->alloc, engineer, sizeof *engineer);
        return status;
    }
    *ret = &engineer->stage;
    return TT_OK;
}

enum tt_status tt_feature_engineer_empty_step(struct tt_stage *stage, struct tt_error *err)
{
    struct engineer *engineer = (struct engineer *)stage;
    end_copy(engineer);
    tt_step_free(engineer->step);
    engineer->step = NULL;
    return make_step(engineer, err);
}

void tt_feature_engineer_empty_gate(struct tt_stage *stage)
{
    struct engineer *engineer = (struct engineer *)stage;
    end_copy(engineer);
    tt_gate_deinit(&engineer->gate);
    make_gate(engineer);
}

enum tt_status tt_feature_engineer_read_gate(struct tt_stage *stage, struct tt_str record,
                                             struct tt_error *err)
{
    struct engineer *engineer = (struct engineer *)stage;
    return tt_gate_read(&engineer->gate, record, err);
}

enum tt_status tt_feature_engineer_read_step(struct tt_stage *stage, struct tt_str record,
                                             bool is_head, struct tt_error *err)
{
    struct engineer *engineer = (struct engineer *)stage;
    return is_head ? tt_step_unpack_head(engineer->step, record, err)
                   : tt_step_unpack_entity(engineer->step, record, err);
}

enum tt_status tt_feature_engineer_replay_gate(struct tt_stage *stage, struct tt_event *event,
                                               struct tt_error *err)
{
    struct engineer *engineer = (struct engineer *)stage;
    if (event->kind == TT_EVENT_TRANSACTION) {
        enum tt_status status = tt_gate_pass(&engineer->gate, event, err);
        if (status != TT_OK) {
            return status;
        }
        /* stored rows are first occurrences, whatever a shortened horizon says */
        event->gate = TT_GATE_FRESH;
    }
    return TT_OK;
}

enum tt_status tt_feature_engineer_replay(struct tt_stage *stage, struct tt_event *event,
                                          struct tt_error *err)
{
    struct engineer *engineer = (struct engineer *)stage;
    return tt_step_absorb_only(engineer->step, &event, 1, err);
}
