/* See restore_snapshot.h. */
#include "cli/restore_snapshot.h"

#include "services/anomaly_aggregator/anomaly_aggregator.h"
#include "services/api_server/sink.h"

struct reader {
    struct tt_assembly *assembly;
    bool has_head[TT_STEPS_MAX];
};

static enum tt_status on_record(void *ctx, uint32_t part, struct tt_str record,
                                struct tt_error *err)
{
    struct reader *reader = ctx;
    if (part == 0) {
        return tt_feature_engineer_read_gate(reader->assembly->steps[0], record, err);
    }
    uint32_t step = part - 1;
    if (step >= reader->assembly->step_count) {
        return tt_fail(err, TT_E_CONFLICT, "a snapshot of other feature steps");
    }
    bool is_head = !reader->has_head[step];
    reader->has_head[step] = true;
    return tt_feature_engineer_read_step(reader->assembly->steps[step], record, is_head, err);
}

static enum tt_status empty(struct tt_assembly *assembly, struct tt_error *err)
{
    enum tt_status status = TT_OK;
    for (uint32_t i = 0; i < assembly->step_count && status == TT_OK; i++) {
        status = tt_feature_engineer_empty(assembly->steps[i], err);
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
                 const struct tt_manifest *manifest)
{
    restore->gate_position = manifest->position;
    for (uint32_t i = 0; i < assembly->step_count; i++) {
        restore->step_positions[i] = manifest->position;
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
        struct reader reader = {.assembly = assembly};
        struct tt_error why = {0};
        enum tt_status status = tt_snapshots_read(snapshots, rank, on_record, &reader, &why);
        if (status == TT_OK) {
            take(restore, assembly, manifest);
            return TT_OK;
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
