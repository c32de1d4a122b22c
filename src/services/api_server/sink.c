/* See sink.h. Events wait in `pending` until their group is committed; a group closes when nothing
 * more has come in, or when it is full. */
#include "services/api_server/sink.h"

#include <string.h>

#include "services/anomaly_aggregator/anomaly_aggregator.h"
#include "services/api_server/answer.h"
#include "services/pipeline/rows.h"
#include "services/pipeline/topics.h"

#define SINK_GROUP_MAX 2048
/* A commit costs the same for one row as for ten: not more of them than one in this time. */
#define COMMIT_INTERVAL_NS INT64_C(1000000)
#define SAVE_INTERVAL_NS INT64_C(5000000)
#define ARENA_BLOCK_SIZE (4u << 20)
#define ARENA_SIZE_MAX (1u << 30)

enum { IN_DECISIONS = 0, IN_REJECTS };

/* Rows of the group being built, in arrays of SINK_GROUP_MAX. */
struct rows {
    struct tt_row_transaction transactions[SINK_GROUP_MAX];
    struct tt_row_anomaly anomalies[SINK_GROUP_MAX];
    struct tt_row_label labels[SINK_GROUP_MAX];
    struct tt_row_dead_letter dead_letters[SINK_GROUP_MAX];
    struct tt_row_epoch epochs[SINK_GROUP_MAX];
};

struct sink {
    struct tt_stage stage;
    struct tt_sink_options options;
    const struct tt_context *context;
    struct tt_event **pending; /* as many as there are events */
    size_t pending_count;
    struct rows *rows;
    struct tt_arena arena;
    struct tt_row_writer writer;
    struct tt_answerer answerer;
    int64_t committed_ns; /* monotonic: when the last commit began */
    int64_t saved_ns;     /* monotonic: when a snapshot was last worked on */
};

static enum tt_status on_batch(struct tt_stage *stage, struct tt_event *const *events, size_t count,
                               struct tt_error *err)
{
    (void)err;
    struct sink *sink = (struct sink *)stage;
    memcpy(sink->pending + sink->pending_count, events, count * sizeof(struct tt_event *));
    sink->pending_count += count;
    return TT_OK;
}

static enum tt_status add_transaction(struct sink *sink, struct tt_group *group,
                                      const struct tt_event *event)
{
    enum tt_status status = tt_row_from_event(&sink->writer, event,
                                              &sink->rows->transactions[group->transaction_count]);
    if (status != TT_OK) {
        return status;
    }
    group->transaction_count++;
    if (event->decision.anomalous) {
        status = tt_row_anomaly_from_event(&sink->writer, event,
                                           &sink->rows->anomalies[group->anomaly_count]);
        group->anomaly_count += status == TT_OK ? 1 : 0;
    }
    return status;
}

static enum tt_status add_event(struct sink *sink, struct tt_group *group, struct tt_event *event)
{
    switch (event->kind) {
    case TT_EVENT_TRANSACTION:
        if (event->gate != TT_GATE_FRESH || event->unstored) {
            return TT_OK;
        }
        return add_transaction(sink, group, event);
    case TT_EVENT_LABEL: {
        enum tt_status status =
            tt_row_label_from_event(&sink->writer, event, &sink->rows->labels[group->label_count]);
        group->label_count += status == TT_OK ? 1 : 0;
        return status;
    }
    case TT_EVENT_EPOCH:
        sink->rows->epochs[group->epoch_count++] =
            (struct tt_row_epoch){event->seq, event->epoch, event->bundle, event->rules_version};
        return TT_OK;
    case TT_EVENT_SNAPSHOT:
        return TT_OK;
    default:
        sink->rows->dead_letters[group->dead_letter_count++] = (struct tt_row_dead_letter){
            .received_ms = tt_clock_now_ms(sink->context->clock),
            .source = event->rejection.source,
            .reason = tt_str_from(event->rejection.reason),
            .detail = event->rejection.detail,
            .bytes = event->rejection.bytes,
        };
        return TT_OK;
    }
}

static enum tt_status build_group(struct sink *sink, size_t count, struct tt_group *group,
                                  struct tt_error *err)
{
    *group = (struct tt_group){
        .transactions = sink->rows->transactions,
        .anomalies = sink->rows->anomalies,
        .labels = sink->rows->labels,
        .dead_letters = sink->rows->dead_letters,
        .epochs = sink->rows->epochs,
    };
    tt_arena_reset(&sink->arena);
    for (size_t i = 0; i < count; i++) {
        enum tt_status status = add_event(sink, group, sink->pending[i]);
        if (status != TT_OK) {
            return tt_fail(err, status, "an event cannot be packed into a row: %s",
                           tt_status_name(status));
        }
    }
    return TT_OK;
}

/* A bundle is there before the first row that was decided with it. */
static enum tt_status put_bundles(struct sink *sink, size_t count, struct tt_error *err)
{
    for (size_t i = 0; i < count; i++) {
        const struct tt_closing *closing = sink->pending[i]->closing;
        if (closing == NULL) {
            continue;
        }
        enum tt_status status = sink->options.store->ops->put_bundle(
            sink->options.store, closing->bundle->hash, tt_buf_str(&closing->bundle_bytes), err);
        if (status != TT_OK) {
            return status;
        }
    }
    return TT_OK;
}

enum tt_status tt_sink_save_learned(struct tt_state *state, struct tt_state_token token,
                                    uint64_t position, const struct tt_closing *closing,
                                    struct tt_error *err)
{
    char hash[33];
    tt_hash128_hex(closing->bundle->hash, hash);
    struct tt_state_entry entries[] = {
        {TT_STR(TT_TRAINER_ENTRY), tt_buf_str(&closing->trainer_state)},
        {TT_STR(TT_ALERTS_ENTRY), tt_buf_str(&closing->alert_state)},
        {TT_STR(TT_BUNDLE_ENTRY), tt_str_from(hash)},
    };
    return state->ops->save(state, TT_STR(TT_TRAINER_OWNER), token, position, entries,
                            TT_ARRAY_SIZE(entries), err);
}

/* Outputs before state: rows up to the mark are durable, so the trainer's state may name the mark. */
static enum tt_status save_trainer(struct sink *sink, size_t count, struct tt_error *err)
{
    for (size_t i = count; i-- > 0;) {
        struct tt_event *event = sink->pending[i];
        const struct tt_closing *closing = event->closing;
        if (closing == NULL) {
            continue;
        }
        return tt_sink_save_learned(sink->options.state, sink->options.trainer_token, event->seq,
                                    closing, err);
    }
    return TT_OK;
}

/* A snapshot may be sealed once the log is durable up to its position. */
static void note_snapshot(const struct sink *sink, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (sink->pending[i]->kind == TT_EVENT_SNAPSHOT) {
            tt_snapshots_reached(sink->context->snapshots);
        }
    }
}

/* The first step may now forget the ids up to here: they are found in the store. */
static void note_durable(const struct sink *sink, size_t count)
{
    for (size_t i = count; i-- > 0;) {
        if (sink->pending[i]->kind != TT_EVENT_REJECT) {
            __atomic_store_n(sink->context->durable_seq, sink->pending[i]->seq, __ATOMIC_RELEASE);
            return;
        }
    }
}

static enum tt_status commit(struct sink *sink, size_t count, struct tt_error *err)
{
    struct tt_group group;
    enum tt_status status = build_group(sink, count, &group, err);
    if (status != TT_OK) {
        return status;
    }
    int64_t start_ns = tt_clock_monotonic_ns(sink->context->clock);
    status = put_bundles(sink, count, err);
    if (status == TT_OK &&
        group.transaction_count + group.label_count + group.dead_letter_count + group.epoch_count >
            0) {
        status = sink->options.store->ops->append(sink->options.store, &group, err);
    }
    if (status == TT_OK) {
        note_durable(sink, count);
    }
    if (status == TT_OK && sink->context->metrics != NULL) {
        tt_metrics_observe(sink->context->metrics, TT_METRIC_STORE_COMMIT,
                           tt_clock_monotonic_ns(sink->context->clock) - start_ns);
        tt_metrics_add(sink->context->metrics, TT_METRIC_STORE_ROWS, group.transaction_count);
    }
    return status;
}

/* What the epoch marks among them taught. It comes after the commit: when it cannot be saved the rows are
 * durable all the same, and are answered. */
static enum tt_status save_learned(struct sink *sink, size_t count, struct tt_error *err)
{
    enum tt_status status = save_trainer(sink, count, err);
    note_snapshot(sink, count);
    return status;
}

/* After the commit: answers, alerts, and the events go home. */
static enum tt_status finish(struct sink *sink, size_t count, struct tt_error *err)
{
    struct tt_event *alerted[TT_BATCH_MAX];
    size_t alerted_count = 0;
    int64_t now_ns = tt_clock_monotonic_ns(sink->context->clock);
    for (size_t i = 0; i < count; i++) {
        struct tt_event *event = sink->pending[i];
        if (event->reply != NULL) {
            tt_answer(&sink->answerer, event);
        }
        if (event->kind == TT_EVENT_TRANSACTION && event->time_ns[TT_TIME_RECEIVED] != 0 &&
            sink->context->metrics != NULL && !event->unstored) {
            tt_metrics_observe(sink->context->metrics, TT_METRIC_LATENCY,
                               now_ns - event->time_ns[TT_TIME_RECEIVED]);
        }
        tt_closing_free(event->closing);
        event->closing = NULL;
        if (event->kind != TT_EVENT_TRANSACTION || !event->decision.alerted || event->unstored) {
            tt_event_release(event);
            continue;
        }
        alerted[alerted_count++] = event;
        if (alerted_count == TT_BATCH_MAX) {
            enum tt_status status = tt_stage_emit(&sink->stage, 0, alerted, alerted_count, err);
            if (status != TT_OK) {
                return status;
            }
            alerted_count = 0;
        }
    }
    sink->pending_count -= count;
    memmove(sink->pending, sink->pending + count, sink->pending_count * sizeof *sink->pending);
    return alerted_count > 0 ? tt_stage_emit(&sink->stage, 0, alerted, alerted_count, err) : TT_OK;
}

/* A block now and then, so that commits hardly wait for them. */
static enum tt_status save_snapshot(struct sink *sink, int64_t now_ns, struct tt_error *err)
{
    struct tt_snapshots *snapshots = sink->context->snapshots;
    if (snapshots == NULL || now_ns - sink->saved_ns < SAVE_INTERVAL_NS) {
        return TT_OK;
    }
    sink->saved_ns = now_ns;
    bool busy = false;
    enum tt_status status = tt_snapshots_save(snapshots, &busy, err);
    if (busy && sink->stage.rest_ns == 0) {
        sink->stage.rest_ns = COMMIT_INTERVAL_NS;
    }
    return status;
}

static enum tt_status on_tick(struct tt_stage *stage, int64_t now_ns, struct tt_error *err)
{
    struct sink *sink = (struct sink *)stage;
    enum tt_status saved = save_snapshot(sink, now_ns, err);
    if (saved != TT_OK) {
        return saved;
    }
    while (sink->pending_count > 0) {
        if (sink->pending_count < SINK_GROUP_MAX &&
            stage->bus->ops->lag(stage->consumers[IN_DECISIONS]) > 0) {
            return TT_OK; /* more is there already: one commit for all */
        }
        int64_t since_ns = now_ns - sink->committed_ns;
        if (sink->pending_count < SINK_GROUP_MAX && since_ns < COMMIT_INTERVAL_NS) {
            stage->rest_ns = COMMIT_INTERVAL_NS - since_ns;
            return TT_OK;
        }
        sink->committed_ns = now_ns;
        size_t count = sink->pending_count < SINK_GROUP_MAX ? sink->pending_count : SINK_GROUP_MAX;
        enum tt_status status = commit(sink, count, err);
        if (status != TT_OK) {
            return status;
        }
        enum tt_status learned = save_learned(sink, count, err);
        status = finish(sink, count, learned == TT_OK ? err : NULL);
        if (learned != TT_OK || status != TT_OK) {
            return learned != TT_OK ? learned : status;
        }
    }
    return TT_OK;
}

static void free_stage(struct tt_stage *stage)
{
    struct sink *sink = (struct sink *)stage;
    const struct tt_alloc *alloc = sink->context->alloc;
    for (size_t i = 0; i < sink->pending_count; i++) {
        tt_closing_free(sink->pending[i]->closing);
        tt_event_release(sink->pending[i]);
    }
    tt_answerer_deinit(&sink->answerer);
    tt_row_writer_deinit(&sink->writer);
    tt_arena_deinit(&sink->arena);
    tt_delete(alloc, sink->rows, sizeof *sink->rows);
    tt_delete(alloc, sink->pending, sink->context->pool->count * sizeof *sink->pending);
    tt_delete(alloc, sink, sizeof *sink);
}

static const struct tt_stage_ops ops = {
    .name = "api-server",
    .on_batch = on_batch,
    .on_tick = on_tick,
    .free = free_stage,
};

enum tt_status tt_sink_new(const struct tt_sink_options *options, struct tt_stage **ret,
                           struct tt_error *err)
{
    const struct tt_context *context = options->context;
    struct sink *sink = tt_new_array(context->alloc, 1, sizeof *sink);
    if (sink == NULL) {
        return tt_fail(err, TT_E_NOMEM, "no memory for the sink");
    }
    sink->stage.ops = &ops;
    sink->stage.inputs[IN_DECISIONS] = TT_TOPIC_DECISIONS;
    sink->stage.inputs[IN_REJECTS] = TT_TOPIC_REJECTS;
    sink->stage.outputs[0] = TT_TOPIC_ANOMALIES;
    sink->options = *options;
    sink->context = context;
    tt_arena_init(&sink->arena, context->alloc, ARENA_BLOCK_SIZE, ARENA_SIZE_MAX);
    tt_row_writer_init(&sink->writer, context->engine, context->alloc, &sink->arena);
    tt_answerer_init(&sink->answerer, context, options->store, options->schema);
    sink->rows = tt_new(context->alloc, sizeof *sink->rows);
    sink->pending = tt_new_array(context->alloc, context->pool->count, sizeof *sink->pending);
    if (sink->rows == NULL || sink->pending == NULL) {
        free_stage(&sink->stage);
        return tt_fail(err, TT_E_NOMEM, "no memory for the sink");
    }
    *ret = &sink->stage;
    return TT_OK;
}
