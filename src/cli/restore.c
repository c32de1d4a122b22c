/* See restore.h. */
#include "cli/restore.h"

#include <string.h>

#include "runtime/secret.h"
#include "services/anomaly_aggregator/anomaly_aggregator.h"
#include "services/api_server/sink.h"
#include "services/pipeline/rows.h"

struct state_bytes {
    struct tt_buf buf;
    struct tt_buf *alerts;
    bool found;
};

static bool on_state(void *ctx, const struct tt_state_entry *entry)
{
    struct state_bytes *bytes = ctx;
    if (tt_str_equal(entry->key, TT_STR(TT_TRAINER_ENTRY))) {
        bytes->found = tt_buf_append_str(&bytes->buf, entry->bytes) == TT_OK;
    } else if (tt_str_equal(entry->key, TT_STR(TT_ALERTS_ENTRY))) {
        (void)tt_buf_append_str(bytes->alerts, entry->bytes); /* the buffer remembers a failure */
    }
    return true;
}

/* The bundle of the trainer's last closed epoch, from the store. */
static enum tt_status load_bundle(struct tt_restore *restore, const struct tt_settings *settings,
                                  struct tt_hash128 hash, struct tt_error *err)
{
    struct tt_buf bytes;
    tt_buf_init(&bytes, settings->alloc, TT_BUNDLE_SIZE_MAX);
    enum tt_status status = restore->store->ops->get_bundle(restore->store, hash, &bytes, err);
    if (status == TT_OK) {
        status = tt_bundle_decode(settings->alloc, tt_buf_str(&bytes), settings->engine->setup,
                                  &restore->bundle, err);
    }
    tt_buf_deinit(&bytes);
    return status;
}

struct mark {
    bool found;
    struct tt_row_epoch row;
};

static bool on_mark(void *ctx, const struct tt_row_transaction *transaction,
                    const struct tt_row_label *label, const struct tt_row_epoch *epoch)
{
    (void)transaction;
    (void)label;
    struct mark *mark = ctx;
    if (epoch != NULL) {
        mark->found = true;
        mark->row = *epoch;
    }
    return false; /* the state's position is a mark's: the first row is it */
}

static enum tt_status load_trainer(struct tt_restore *restore, const struct tt_settings *settings,
                                   struct tt_str bytes, struct tt_error *err)
{
    struct mark mark = {0};
    enum tt_status status =
        restore->store->ops->scan(restore->store, restore->position, on_mark, &mark, err);
    if (status != TT_OK) {
        return status;
    }
    if (!mark.found) {
        return tt_fail(err, TT_E_CORRUPT,
                       "the trainer's state names position %llu, which holds no "
                       "epoch mark",
                       (unsigned long long)restore->position);
    }
    status =
        tt_trainer_load(settings->alloc, bytes, settings->engine->setup, &restore->trainer, err);
    if (status == TT_OK) {
        status = load_bundle(restore, settings, mark.row.bundle, err);
        if (status != TT_OK) {
            tt_trainer_free(restore->trainer);
            restore->trainer = NULL;
        }
    }
    return status;
}

enum tt_status tt_restore_load(struct tt_restore *restore, const struct tt_settings *settings,
                               struct tt_error *err)
{
    struct tt_state *state = restore->state;
    struct state_bytes bytes = {.alerts = &restore->alerts};
    tt_buf_init(&bytes.buf, settings->alloc, TT_TRAINER_SIZE_MAX);
    tt_buf_init(&restore->alerts, settings->alloc, TT_BUNDLE_SIZE_MAX);
    uint64_t nonce = 0;
    tt_secret_random(&nonce, sizeof nonce);
    enum tt_status status = state->ops->claim(state, TT_STR(TT_TRAINER_OWNER), nonce,
                                              &restore->token, &restore->position, err);
    if (status == TT_OK) {
        status = state->ops->load(state, TT_STR(TT_TRAINER_OWNER), on_state, &bytes, err);
    }
    if (status == TT_OK && restore->alerts.status != TT_OK) {
        status = tt_fail(err, restore->alerts.status, "no memory for the alert state");
    }
    restore->alerts_position = restore->alerts.size > 0 ? restore->position : 0;
    if (status == TT_OK && bytes.found) {
        status = load_trainer(restore, settings, tt_buf_str(&bytes.buf), err);
        restore->relearn = status == TT_E_CONFLICT;
        if (restore->relearn) {
            tt_log(restore->log, TT_LOG_WARN, "setup_changed",
                   "features, rules or detectors differ from the last start: learning again from "
                   "what is stored");
        }
    }
    tt_buf_deinit(&bytes.buf);
    if (status == TT_E_CONFLICT || (status == TT_OK && !bytes.found)) {
        restore->position = 0;
        return tt_assembly_start_learning(settings, &restore->trainer, &restore->bundle, err);
    }
    return status;
}

struct replay {
    struct tt_restore *restore;
    const struct tt_settings *settings;
    struct tt_assembly *assembly;
    struct tt_loose_event *loose;
    struct tt_hash128 plan;
    uint64_t learned;
    uint32_t epoch_last; /* the highest in the log */
    enum tt_status status;
    struct tt_error *err;
};

/* A stored event through the steps; learning begins behind the trainer's position. */
static enum tt_status replay_event(struct replay *replay, struct tt_event *event)
{
    struct tt_restore *restore = replay->restore;
    struct tt_assembly *assembly = replay->assembly;
    for (uint32_t i = 0; i < assembly->step_count; i++) {
        enum tt_status status = tt_feature_engineer_replay(assembly->steps[i], event, replay->err);
        if (status != TT_OK && status != TT_E_NOMEM) {
            return status;
        }
    }
    restore->seq_last = event->seq > restore->seq_last ? event->seq : restore->seq_last;
    replay->epoch_last = event->epoch > replay->epoch_last ? event->epoch : replay->epoch_last;
    if (event->kind == TT_EVENT_TRANSACTION) {
        if (event->txn.timestamp_ms > restore->watermark_ms) {
            restore->watermark_ms = event->txn.timestamp_ms;
        }
        restore->replayed++;
        tt_anomaly_aggregator_note(assembly->aggregator, event,
                                   event->seq > restore->alerts_position);
    }
    bool same_plan =
        event->kind != TT_EVENT_TRANSACTION || (event->vector.plan.high == replay->plan.high &&
                                                event->vector.plan.low == replay->plan.low);
    if (event->seq <= restore->position || !same_plan ||
        (restore->relearn && event->kind == TT_EVENT_EPOCH)) {
        return TT_OK;
    }
    replay->learned += event->kind == TT_EVENT_TRANSACTION ? 1 : 0;
    enum tt_status status = tt_anomaly_aggregator_replay(assembly->aggregator, event, replay->err);
    tt_closing_free(event->closing);
    event->closing = NULL;
    return status;
}

static enum tt_status read_row(struct replay *replay, const struct tt_row_transaction *transaction,
                               const struct tt_row_label *label, const struct tt_row_epoch *epoch,
                               struct tt_event *event)
{
    const struct tt_settings *settings = replay->settings;
    if (transaction != NULL) {
        return tt_row_to_event(transaction, settings->engine, &settings->schema, event,
                               replay->err);
    }
    if (label != NULL) {
        return tt_row_label_to_event(label, &settings->schema, event, replay->err);
    }
    event->kind = TT_EVENT_EPOCH;
    event->seq = epoch->seq;
    event->epoch = epoch->epoch;
    event->txn.timestamp_ms = replay->restore->watermark_ms;
    return TT_OK;
}

static bool on_row(void *ctx, const struct tt_row_transaction *transaction,
                   const struct tt_row_label *label, const struct tt_row_epoch *epoch)
{
    struct replay *replay = ctx;
    struct tt_event *event = tt_loose_event_reset(replay->loose);
    replay->status = read_row(replay, transaction, label, epoch, event);
    if (replay->status == TT_OK) {
        replay->status = replay_event(replay, event);
    }
    return replay->status == TT_OK;
}

/* The mark goes into the log before anything is decided by its bundle, as that of a running server does. */
static enum tt_status store_mark(struct replay *replay, const struct tt_event *mark)
{
    struct tt_restore *restore = replay->restore;
    const struct tt_closing *closing = mark->closing;
    struct tt_row_epoch row = {mark->seq, mark->epoch, mark->bundle};
    struct tt_group group = {.epochs = &row, .epoch_count = 1};
    enum tt_status status = restore->store->ops->put_bundle(
        restore->store, mark->bundle, tt_buf_str(&closing->bundle_bytes), replay->err);
    if (status == TT_OK) {
        status = restore->store->ops->append(restore->store, &group, replay->err);
    }
    if (status == TT_OK) {
        struct tt_state_entry entries[] = {
            {TT_STR(TT_TRAINER_ENTRY), tt_buf_str(&closing->trainer_state)},
            {TT_STR(TT_ALERTS_ENTRY), tt_buf_str(&closing->alert_state)},
        };
        status = restore->state->ops->save(restore->state, TT_STR(TT_TRAINER_OWNER), restore->token,
                                           mark->seq, entries, TT_ARRAY_SIZE(entries), replay->err);
    }
    return status;
}

/* After a changed setup: one epoch from everything that is stored and still fits. */
static enum tt_status close_relearned(struct replay *replay)
{
    struct tt_restore *restore = replay->restore;
    if (!restore->relearn || replay->learned == 0) {
        return TT_OK;
    }
    struct tt_event *mark = tt_loose_event_reset(replay->loose);
    mark->kind = TT_EVENT_EPOCH;
    mark->seq = restore->seq_last + 1;
    mark->epoch = replay->epoch_last + 1;
    mark->txn.timestamp_ms = restore->watermark_ms;
    enum tt_status status =
        tt_anomaly_aggregator_replay(replay->assembly->aggregator, mark, replay->err);
    if (status == TT_OK) {
        status = store_mark(replay, mark);
        restore->seq_last = mark->seq;
    }
    tt_closing_free(mark->closing);
    mark->closing = NULL;
    return status;
}

/* Where the replay begins: far enough back for windows, ids and alerts, and at the latest where learning
 * goes on. Before the first epoch has closed everything is still to be learned. */
static enum tt_status find_start(struct replay *replay, uint64_t *ret)
{
    struct tt_restore *restore = replay->restore;
    const struct tt_config *config = &replay->settings->config;
    int64_t back_ms = tt_plan_retention_ms(replay->settings->engine->plan);
    back_ms = config->dedupe_horizon > back_ms ? config->dedupe_horizon : back_ms;
    back_ms = config->alert_dedupe > back_ms ? config->alert_dedupe : back_ms;
    *ret = 0;
    if ((restore->position == 0 && !restore->relearn) ||
        restore->counts.day_last_ms == TT_TIME_NONE) {
        return TT_OK;
    }
    enum tt_status status = restore->store->ops->seq_at(
        restore->store, restore->counts.day_last_ms - back_ms, ret, replay->err);
    if (status == TT_OK && restore->position != 0 && restore->position < *ret) {
        *ret = restore->position;
    }
    if (status == TT_OK && restore->alerts_position != 0 && restore->alerts_position < *ret) {
        *ret = restore->alerts_position;
    }
    return status;
}

static enum tt_status scan(struct replay *replay)
{
    struct tt_store *store = replay->restore->store;
    uint64_t from = 0;
    enum tt_status status = find_start(replay, &from);
    if (status == TT_OK) {
        status = store->ops->scan(store, from, on_row, replay, replay->err);
    }
    return status == TT_OK ? replay->status : status;
}

enum tt_status tt_restore_replay(struct tt_restore *restore, const struct tt_settings *settings,
                                 struct tt_assembly *assembly, struct tt_error *err)
{
    restore->watermark_ms = TT_TIME_NONE;
    restore->last_close_ms = TT_TIME_NONE;
    enum tt_status status = TT_OK;
    if (restore->alerts_position != 0) {
        status =
            tt_anomaly_aggregator_load(assembly->aggregator, tt_buf_str(&restore->alerts), err);
    }
    tt_buf_deinit(&restore->alerts);
    if (status == TT_OK) {
        status = restore->store->ops->counts(restore->store, &restore->counts, err);
    }
    if (status != TT_OK || restore->counts.seq_last == 0) {
        return status;
    }
    restore->seq_last = restore->counts.seq_last;
    struct replay replay = {
        .restore = restore,
        .settings = settings,
        .assembly = assembly,
        .loose = tt_new(settings->alloc, sizeof *replay.loose),
        .plan = tt_plan_hash(settings->engine->plan),
        .err = err,
    };
    if (replay.loose == NULL) {
        return tt_fail(err, TT_E_NOMEM, "no memory to replay the log");
    }
    tt_loose_event_init(replay.loose, settings->alloc);
    status = scan(&replay);
    if (status == TT_OK) {
        status = close_relearned(&replay);
    }
    tt_loose_event_deinit(replay.loose);
    tt_delete(settings->alloc, replay.loose, sizeof *replay.loose);
    struct tt_bundle *bundle = tt_bundles_current(&assembly->bundles);
    restore->last_close_ms = bundle->closed_ms;
    tt_bundle_unref(bundle);
    return status;
}
