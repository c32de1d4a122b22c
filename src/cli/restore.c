/* See restore.h. */
#include "cli/restore.h"

#include <string.h>

#include "cli/restore_snapshot.h"
#include "runtime/secret.h"
#include "services/anomaly_aggregator/anomaly_aggregator.h"
#include "services/api_server/sink.h"
#include "services/pipeline/rows.h"
#include "services/pipeline/rule_book.h"

#define ALERTS_SIZE_MAX (256u << 20)

struct state_bytes {
    struct tt_buf buf;
    struct tt_buf *alerts;
    bool found;
    struct tt_hash128 bundle;
    bool has_bundle;
};

static bool on_state(void *ctx, const struct tt_state_entry *entry)
{
    struct state_bytes *bytes = ctx;
    if (tt_str_equal(entry->key, TT_STR(TT_TRAINER_ENTRY))) {
        bytes->found = tt_buf_append_str(&bytes->buf, entry->bytes) == TT_OK;
    } else if (tt_str_equal(entry->key, TT_STR(TT_ALERTS_ENTRY))) {
        (void)tt_buf_append_str(bytes->alerts, entry->bytes); /* the buffer remembers a failure */
    } else if (tt_str_equal(entry->key, TT_STR(TT_BUNDLE_ENTRY))) {
        bytes->has_bundle = tt_hash128_parse(entry->bytes, &bytes->bundle);
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
        status = tt_bundle_decode(settings->alloc, tt_buf_str(&bytes), restore->setup,
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

/* The bundle in force at the position: saved beside the state, or the mark's that stands there. */
static enum tt_status find_bundle(struct tt_restore *restore, const struct state_bytes *bytes,
                                  struct tt_hash128 *ret, struct tt_error *err)
{
    if (bytes->has_bundle) {
        *ret = bytes->bundle;
        return TT_OK;
    }
    struct mark mark = {0};
    enum tt_status status =
        restore->store->ops->scan(restore->store, restore->position, on_mark, &mark, err);
    if (status == TT_OK && !mark.found) {
        return tt_fail(err, TT_E_CORRUPT,
                       "the trainer's state names position %llu, which holds no epoch mark",
                       (unsigned long long)restore->position);
    }
    *ret = mark.row.bundle;
    return status;
}

static enum tt_status load_trainer(struct tt_restore *restore, const struct tt_settings *settings,
                                   const struct state_bytes *bytes, struct tt_error *err)
{
    struct tt_hash128 bundle = {0, 0};
    enum tt_status status = find_bundle(restore, bytes, &bundle, err);
    if (status != TT_OK) {
        return status;
    }
    status = tt_trainer_load(settings->alloc, tt_buf_str(&bytes->buf), restore->setup,
                             &restore->trainer, err);
    if (status == TT_OK) {
        status = load_bundle(restore, settings, bundle, err);
        status = status == TT_E_NOT_FOUND ? TT_E_CORRUPT : status; /* the message says which */
        if (status != TT_OK) {
            tt_trainer_free(restore->trainer);
            restore->trainer = NULL;
        }
    }
    return status;
}

/* A state that does not fit, or is damaged, is made again from what is stored. */
static bool relearns(struct tt_restore *restore, enum tt_status status, const struct tt_error *err)
{
    if (status == TT_E_CONFLICT) {
        tt_log(restore->log, TT_LOG_WARN, "setup_changed",
               "features or detectors differ from the last start: learning again from "
               "what is stored");
    } else if (status == TT_E_UNSUPPORTED) {
        tt_log(restore->log, TT_LOG_WARN, "learned_unused",
               "what was learned was saved by another version: learning again from what is stored",
               TT_LOG_TEXT("why", err->message));
    } else if (status == TT_E_CORRUPT) {
        tt_log(restore->log, TT_LOG_WARN, "learned_damaged",
               "what was learned is damaged: learning again from what is stored",
               TT_LOG_TEXT("why", err->message));
    }
    return status == TT_E_CONFLICT || status == TT_E_CORRUPT || status == TT_E_UNSUPPORTED;
}

/* The rules that decided at the trainer's position; the configured ones when those mean nothing to
 * this feature set. */
static enum tt_status find_setup(struct tt_restore *restore, const struct tt_settings *settings,
                                 bool *ret_conflict, struct tt_error *err)
{
    uint64_t version = 0;
    enum tt_status status = tt_rules_setup_at(settings->engine, restore->store, restore->position,
                                              &restore->setup, &version, err);
    *ret_conflict = status == TT_E_CONFLICT;
    if (*ret_conflict && !restore->database) {
        restore->setup = tt_setup_ref(settings->engine->setup);
        return TT_OK;
    }
    return status;
}

/* Learning begins anew; with the rules of the store when it is the master of them. */
static enum tt_status start_learning(struct tt_restore *restore, const struct tt_settings *settings,
                                     struct tt_error *err)
{
    if (restore->relearn && !restore->database) {
        tt_setup_unref(restore->setup);
        restore->setup = tt_setup_ref(settings->engine->setup);
    }
    restore->position = 0;
    return tt_assembly_start_learning(settings, restore->setup, &restore->trainer, &restore->bundle,
                                      err);
}

enum tt_status tt_restore_load(struct tt_restore *restore, const struct tt_settings *settings,
                               struct tt_error *err)
{
    struct tt_state *state = restore->state;
    struct state_bytes bytes = {.alerts = &restore->alerts};
    tt_buf_init(&bytes.buf, settings->alloc, TT_TRAINER_SIZE_MAX);
    tt_buf_init(&restore->alerts, settings->alloc, ALERTS_SIZE_MAX);
    uint64_t nonce = 0;
    tt_secret_random(&nonce, sizeof nonce);
    enum tt_status status = state->ops->claim(state, TT_STR(TT_TRAINER_OWNER), nonce,
                                              &restore->token, &restore->position, err);
    if (status == TT_OK) {
        status = state->ops->load(state, TT_STR(TT_TRAINER_OWNER), on_state, &bytes, err);
    }
    restore->seq_last = restore->position;
    if (status == TT_OK) {
        status = bytes.buf.status == TT_OK ? restore->alerts.status : bytes.buf.status;
    }
    restore->alerts_position = restore->alerts.size > 0 ? restore->position : 0;
    bool conflict = false;
    if (status == TT_OK) {
        status = find_setup(restore, settings, &conflict, err);
    }
    if (status == TT_OK && bytes.found) {
        struct tt_error why = {0};
        status = conflict ? TT_E_CONFLICT : load_trainer(restore, settings, &bytes, &why);
        restore->relearn = relearns(restore, status, &why);
        if (status != TT_OK && !restore->relearn && err != NULL) {
            *err = why;
        }
    }
    tt_buf_deinit(&bytes.buf);
    if (restore->relearn || (status == TT_OK && !bytes.found)) {
        return start_learning(restore, settings, err);
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

/* A mark may have brought other rules. */
static enum tt_status find_rules(struct replay *replay, struct tt_event *mark)
{
    struct tt_restore *restore = replay->restore;
    struct tt_setup *setup = NULL;
    uint64_t version = 0;
    enum tt_status status = tt_rules_setup_at(replay->settings->engine, restore->store, mark->seq,
                                              &setup, &version, replay->err);
    if (status != TT_OK) {
        return status;
    }
    if (setup->hash.high == restore->setup->hash.high &&
        setup->hash.low == restore->setup->hash.low) {
        tt_setup_unref(setup);
        return TT_OK;
    }
    tt_setup_unref(restore->setup);
    restore->setup = tt_setup_ref(setup);
    mark->setup = setup;
    return TT_OK;
}

/* A stored event through the steps; learning begins behind the trainer's position. */
static enum tt_status replay_event(struct replay *replay, struct tt_event *event)
{
    struct tt_restore *restore = replay->restore;
    struct tt_assembly *assembly = replay->assembly;
    enum tt_status status = TT_OK;
    bool same_plan =
        event->kind != TT_EVENT_TRANSACTION || (event->vector.plan.high == replay->plan.high &&
                                                event->vector.plan.low == replay->plan.low);
    if (!same_plan) {
        /* Its steps were others. All of them take an event in or none does, by the time the log has reached. */
        event->step_absorbed = (event->step_absorbed & 1) != 0 ? UINT8_MAX : 0;
    }
    if (event->seq > restore->gate_position) {
        status = tt_feature_engineer_replay_gate(assembly->steps[0], event, replay->err);
    }
    for (uint32_t i = 0; i < assembly->step_count && status == TT_OK; i++) {
        if (event->seq > restore->step_positions[i]) {
            status = tt_feature_engineer_replay(assembly->steps[i], event, replay->err);
            status = status == TT_E_NOMEM ? TT_OK : status;
        }
    }
    if (status != TT_OK) {
        return status;
    }
    restore->seq_last = event->seq > restore->seq_last ? event->seq : restore->seq_last;
    replay->epoch_last = event->epoch > replay->epoch_last ? event->epoch : replay->epoch_last;
    if (event->kind == TT_EVENT_TRANSACTION) {
        if (event->txn.timestamp_ms > restore->watermark_ms) {
            restore->watermark_ms = event->txn.timestamp_ms;
        }
        restore->replayed++;
        if (event->seq > restore->alerts_position) {
            tt_anomaly_aggregator_note(assembly->aggregator, event);
        }
    }
    if (event->seq <= restore->position || !same_plan ||
        (restore->relearn && event->kind == TT_EVENT_EPOCH)) {
        return TT_OK;
    }
    replay->learned += event->kind == TT_EVENT_TRANSACTION ? 1 : 0;
    status = event->kind == TT_EVENT_EPOCH ? find_rules(replay, event) : TT_OK;
    if (status != TT_OK) {
        return status;
    }
    status = tt_anomaly_aggregator_replay(assembly->aggregator, event, replay->err);
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
    struct tt_row_epoch row = {mark->seq, mark->epoch, mark->bundle, 0};
    struct tt_group group = {.epochs = &row, .epoch_count = 1};
    enum tt_status status = restore->store->ops->put_bundle(
        restore->store, mark->bundle, tt_buf_str(&closing->bundle_bytes), replay->err);
    if (status == TT_OK) {
        status = restore->store->ops->append(restore->store, &group, replay->err);
    }
    if (status == TT_OK) {
        status =
            tt_sink_save_learned(restore->state, restore->token, mark->seq, closing, replay->err);
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

/* Moves *from back to where somebody who holds everything up to position, and nothing when that is 0, has to
 * begin: with 0, at what is back_ms before the newest day. */
static enum tt_status reach_back(struct replay *replay, uint64_t position, int64_t back_ms,
                                 uint64_t *from)
{
    struct tt_restore *restore = replay->restore;
    uint64_t first = position + 1;
    enum tt_status status = TT_OK;
    if (position == 0) {
        status = restore->store->ops->seq_at(restore->store, restore->counts.day_last_ms - back_ms,
                                             &first, replay->err);
    }
    *from = first < *from ? first : *from;
    return status;
}

/* Where the replay begins: as far back as the first of them needs. Before the first epoch has closed everything
 * is still to be learned. */
static enum tt_status find_start(struct replay *replay, uint64_t *ret)
{
    struct tt_restore *restore = replay->restore;
    const struct tt_config *config = &replay->settings->config;
    int64_t windows_ms = tt_plan_retention_ms(replay->settings->engine->plan);
    *ret = 0;
    if ((restore->position == 0 && !restore->relearn) ||
        restore->counts.day_last_ms == TT_TIME_NONE) {
        return TT_OK;
    }
    *ret = UINT64_MAX;
    enum tt_status status = reach_back(replay, restore->position, windows_ms, ret);
    if (status == TT_OK) {
        status = reach_back(replay, restore->gate_position, config->dedupe_horizon, ret);
    }
    if (status == TT_OK) {
        status = reach_back(replay, restore->alerts_position, config->alert_dedupe, ret);
    }
    const struct tt_plan *plan = replay->settings->engine->plan;
    for (uint32_t i = 0; i < replay->assembly->step_count && status == TT_OK; i++) {
        int64_t back_ms =
            tt_plan_filters_read_features(plan) ? windows_ms : tt_plan_step_retention_ms(plan, i);
        status = reach_back(replay, restore->step_positions[i], back_ms, ret);
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

/* Alert budget and open cases; damaged, they are made again from what is stored. */
static enum tt_status take_alerts(struct tt_restore *restore, struct tt_assembly *assembly,
                                  struct tt_error *err)
{
    struct tt_error why = {0};
    enum tt_status status = TT_OK;
    if (restore->alerts_position != 0) {
        status =
            tt_anomaly_aggregator_load(assembly->aggregator, tt_buf_str(&restore->alerts), &why);
    }
    tt_restore_deinit(restore);
    if (status == TT_OK || status == TT_E_NOMEM) {
        return status == TT_OK ? TT_OK : tt_fail(err, status, "%s", why.message);
    }
    restore->alerts_position = 0;
    tt_log(restore->log, TT_LOG_WARN, "learned_damaged", why.message);
    return TT_OK;
}

void tt_restore_deinit(struct tt_restore *restore)
{
    if (restore->alerts.alloc != NULL) {
        tt_buf_deinit(&restore->alerts);
    }
}

/* What was saved: of the state port's positions some may be behind the last row, as a duplicate has one
 * and is not stored. */
static enum tt_status take_saved(struct tt_restore *restore, struct tt_snapshots *snapshots,
                                 struct tt_assembly *assembly, struct tt_error *err)
{
    enum tt_status status = restore->store->ops->counts(restore->store, &restore->counts, err);
    if (status == TT_OK) {
        status = take_alerts(restore, assembly, err);
    }
    if (restore->counts.seq_last > restore->seq_last) {
        restore->seq_last = restore->counts.seq_last;
    }
    if (status != TT_OK || snapshots == NULL) {
        return status;
    }
    if (snapshots->claimed_position > restore->seq_last) {
        restore->seq_last = snapshots->claimed_position;
    }
    return tt_restore_snapshot(restore, snapshots, assembly, err);
}

enum tt_status tt_restore_replay(struct tt_restore *restore, const struct tt_settings *settings,
                                 struct tt_snapshots *snapshots, struct tt_assembly *assembly,
                                 struct tt_error *err)
{
    restore->watermark_ms = TT_TIME_NONE;
    restore->last_close_ms = TT_TIME_NONE;
    enum tt_status status = take_saved(restore, snapshots, assembly, err);
    if (status != TT_OK || restore->seq_last == 0) {
        return status;
    }
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
