/* See restore_snapshot.h. */
#include "cli/restore_snapshot.h"

#include "core/features/snapshot.h"
#include "services/anomaly_aggregator/anomaly_aggregator.h"
#include "services/api_server/sink.h"

/* What becomes of a step of the plan. */
enum fate { FATE_REBUILD = 0, FATE_READING, FATE_KEPT };

struct reader {
    struct tt_restore *restore;
    struct tt_assembly *assembly;
    bool same_plan;
    uint8_t fates[TT_STEPS_MAX];           /* by step */
    uint32_t steps[TT_SNAPSHOT_PARTS_MAX]; /* the step a part is for, or NO_STEP */
    bool has_head[TT_SNAPSHOT_PARTS_MAX];
};
#define NO_STEP UINT32_MAX

/* A step of a changed plan that the saved rows are not enough for is made again from what is stored. */
static enum tt_status give_step_up(struct reader *reader, uint32_t part, const struct tt_error *why,
                                   struct tt_error *err)
{
    struct tt_assembly *assembly = reader->assembly;
    uint32_t step = reader->steps[part];
    reader->fates[step] = FATE_REBUILD;
    reader->steps[part] = NO_STEP;
    tt_log(reader->restore->log, TT_LOG_INFO, "features_rebuilt",
           "a changed feature set needs more than was saved: read again from the stored "
           "transactions",
           TT_LOG_TEXT("entity", tt_plan_step_name(assembly->context.engine->plan, step)),
           TT_LOG_TEXT("why", why->message));
    return tt_feature_engineer_empty_step(assembly->steps[step], err);
}

/* Finds the step a part is for: that of the same key, whatever it is called now. */
static void find_step(struct reader *reader, uint32_t part, struct tt_str head)
{
    const struct tt_plan *plan = reader->assembly->context.engine->plan;
    struct tt_str key;
    reader->steps[part] = NO_STEP;
    for (uint32_t i = 0; tt_step_head_key(head, &key) && i < reader->assembly->step_count; i++) {
        const char *name = tt_txn_text_name(tt_plan_step_key(plan, i));
        if (tt_str_equal_text(key, name) && reader->fates[i] == FATE_REBUILD) {
            reader->steps[part] = i;
            reader->fates[i] = FATE_READING;
            return;
        }
    }
}

static enum tt_status on_record(void *ctx, uint32_t part, struct tt_str record,
                                struct tt_error *err)
{
    struct reader *reader = ctx;
    struct tt_assembly *assembly = reader->assembly;
    if (part == 0) {
        return tt_feature_engineer_read_gate(assembly->steps[0], record, err);
    }
    bool is_head = !reader->has_head[part];
    reader->has_head[part] = true;
    if (is_head) {
        find_step(reader, part, record);
    }
    if (reader->steps[part] == NO_STEP) {
        return TT_OK; /* nobody looks at these entities any more */
    }
    struct tt_error why = {0};
    enum tt_status status =
        tt_feature_engineer_read_step(assembly->steps[reader->steps[part]], record, is_head, &why);
    if (status == TT_E_CONFLICT && !reader->same_plan) {
        return give_step_up(reader, part, &why, err);
    }
    return status == TT_OK ? TT_OK : tt_fail(err, status, "%s", why.message);
}

/* Where filters read features, a step is rebuilt from what all steps say of each event: then all are. */
static enum tt_status settle(struct reader *reader, struct tt_error *err)
{
    struct tt_assembly *assembly = reader->assembly;
    bool all = true;
    for (uint32_t i = 0; i < assembly->step_count; i++) {
        reader->fates[i] = reader->fates[i] == FATE_READING ? FATE_KEPT : FATE_REBUILD;
        all = all && reader->fates[i] == FATE_KEPT;
    }
    enum tt_status status = TT_OK;
    bool together = tt_plan_filters_read_features(assembly->context.engine->plan) && !all;
    for (uint32_t i = 0; together && i < assembly->step_count && status == TT_OK; i++) {
        reader->fates[i] = FATE_REBUILD;
        status = tt_feature_engineer_empty_step(assembly->steps[i], err);
    }
    return status;
}

static enum tt_status empty(struct tt_assembly *assembly, struct tt_error *err)
{
    enum tt_status status = TT_OK;
    tt_feature_engineer_empty_gate(assembly->steps[0]);
    for (uint32_t i = 0; i < assembly->step_count && status == TT_OK; i++) {
        status = tt_feature_engineer_empty_step(assembly->steps[i], err);
    }
    return status;
}

/* One that cannot be used is said so, and what it has filled is emptied again. */
static enum tt_status pass_over(struct tt_restore *restore, struct tt_assembly *assembly,
                                const struct tt_error *why, uint64_t position, struct tt_error *err)
{
    bool other = why->status == TT_E_CONFLICT || why->status == TT_E_UNSUPPORTED;
    tt_log(restore->log, TT_LOG_WARN, other ? "snapshot_unused" : "snapshot_damaged", why->message,
           TT_LOG_INT("seq", position));
    if (!other && assembly->context.metrics != NULL) {
        tt_metrics_add(assembly->context.metrics, TT_METRIC_SNAPSHOTS_FAILED, 1);
    }
    return empty(assembly, err);
}

static void take(struct tt_restore *restore, struct tt_assembly *assembly,
                 const struct reader *reader, const struct tt_manifest *manifest)
{
    restore->gate_position = manifest->position;
    for (uint32_t i = 0; i < assembly->step_count; i++) {
        restore->step_positions[i] = reader->fates[i] == FATE_KEPT ? manifest->position : 0;
    }
    restore->watermark_ms = manifest->watermark_ms;
    struct tt_metrics *metrics = assembly->context.metrics;
    if (metrics != NULL) {
        tt_metrics_set(metrics, TT_METRIC_SNAPSHOT_BYTES, (double)manifest->bytes);
        tt_metrics_set(metrics, TT_METRIC_SNAPSHOT_TIME, (double)manifest->made_ms / 1000.0);
    }
}

enum tt_status tt_restore_snapshot(struct tt_restore *restore, struct tt_snapshots *snapshots,
                                   struct tt_assembly *assembly, struct tt_error *err)
{
    for (uint32_t rank = 0; rank < TT_SNAPSHOT_SLOTS; rank++) {
        const struct tt_manifest *manifest = tt_snapshots_manifest(snapshots, rank);
        if (manifest == NULL) {
            return TT_OK;
        }
        struct tt_hash128 plan = tt_plan_hash(assembly->context.engine->plan);
        struct reader reader = {
            .restore = restore,
            .assembly = assembly,
            .same_plan = plan.high == manifest->plan.high && plan.low == manifest->plan.low,
        };
        struct tt_error why = {0};
        enum tt_status status = tt_snapshots_read(snapshots, rank, on_record, &reader, &why);
        if (status == TT_OK) {
            status = settle(&reader, err);
            take(restore, assembly, &reader, manifest);
            return status;
        }
        if (status != TT_E_CORRUPT && status != TT_E_CONFLICT && status != TT_E_UNSUPPORTED) {
            return tt_fail(err, status, "%s", why.message);
        }
        status = pass_over(restore, assembly, &why, manifest->position, err);
        if (status != TT_OK) {
            return status;
        }
    }
    return TT_OK;
}

static enum tt_status save_learned(struct tt_restore *restore, struct tt_assembly *assembly,
                                   uint64_t position, struct tt_error *err)
{
    struct tt_closing *closing = NULL;
    enum tt_status status = tt_anomaly_aggregator_save(assembly->aggregator, &closing, err);
    if (status == TT_OK) {
        status = restore->store->ops->put_bundle(restore->store, closing->bundle->hash,
                                                 tt_buf_str(&closing->bundle_bytes), err);
    }
    if (status == TT_OK) {
        status = tt_sink_save_learned(restore->state, restore->token, position, closing, err);
    }
    tt_closing_free(closing);
    return status;
}

enum tt_status tt_save_snapshot(struct tt_restore *restore, struct tt_snapshots *snapshots,
                                struct tt_assembly *assembly, uint64_t position,
                                struct tt_error *err)
{
    for (uint32_t i = 0; i < assembly->step_count; i++) {
        tt_feature_engineer_give_up(assembly->steps[i]);
    }
    tt_snapshots_abandon(snapshots);
    enum tt_status status = save_learned(restore, assembly, position, err);
    if (status != TT_OK) {
        return status;
    }
    tt_snapshots_begin(snapshots, position, tt_feature_engineer_watermark(assembly->steps[0]));
    tt_snapshots_reached(snapshots);
    for (uint32_t i = 0; i < assembly->step_count; i++) {
        tt_feature_engineer_copy(assembly->steps[i]);
    }
    bool busy = true;
    while (busy && status == TT_OK) {
        for (uint32_t i = 0; i < assembly->step_count; i++) {
            (void)tt_feature_engineer_pack(assembly->steps[i]);
        }
        status = tt_snapshots_save(snapshots, &busy, err);
    }
    return status;
}
