/* See data_ingestor.h. One pull makes at most one batch for the log and one for the dead letters. */
#include "services/data_ingestor/data_ingestor.h"

#include <string.h>

#include "format/record/pan.h"
#include "services/pipeline/rule_book.h"
#include "services/pipeline/topics.h"

/* Free events that a pull leaves alone, for epoch marks. */
#define BATCH_MAX (TT_BATCH_MAX / 2)
/* Requests come one by one from as many connections: after some, a short rest lets the next gather, so that
 * neither side wakes the other for each of them. */
#define GATHER_NS INT64_C(200000)
/* Bytes of a refused record that are kept; what is masked goes a card number further than the cut. */
#define REJECT_BYTES_MAX 4096
#define REJECT_BYTES_SEEN (REJECT_BYTES_MAX + 128)
/* Names of unknown fields that are logged, each once. */
#define UNKNOWN_NAMES_MAX 256

enum { OUT_LOG = 0, OUT_REJECTS };

struct ingestor {
    struct tt_stage stage;
    struct tt_data_ingestor_options options;
    const struct tt_context *context;
    uint64_t seq;
    int64_t watermark_ms, last_close_ms;
    uint32_t epoch;  /* the epoch new events belong to */
    bool stopped;    /* atomic */
    bool feed_ended; /* atomic */
    /* The batch being made. */
    struct tt_event *log[TT_BATCH_MAX], *rejects[TT_BATCH_MAX];
    size_t log_count, reject_count;
    uint64_t unknown_names[UNKNOWN_NAMES_MAX]; /* hashes of those logged already */
    uint32_t unknown_count;
};

/* The arena outlives the caller's bytes: keep a masked copy of a refused record's beginning. */
static void reject(struct ingestor *ingestor, struct tt_event *event, const char *reason,
                   uint16_t http_status, struct tt_str source, struct tt_str detail,
                   struct tt_str bytes)
{
    event->kind = TT_EVENT_REJECT;
    size_t size = bytes.size < REJECT_BYTES_SEEN ? bytes.size : REJECT_BYTES_SEEN;
    char *copy = tt_arena_copy(&event->text, bytes.data != NULL ? bytes.data : "", size);
    char *text = tt_arena_copy(&event->text, detail.data, detail.size);
    if (copy != NULL) {
        (void)tt_pan_mask(copy, size);
        size = size < REJECT_BYTES_MAX ? size : REJECT_BYTES_MAX;
    }
    event->rejection = (struct tt_rejection){
        .reason = reason,
        .http_status = http_status,
        .source = source,
        .detail = {text != NULL ? text : "", text != NULL ? detail.size : 0},
        .bytes = {copy != NULL ? copy : "", copy != NULL ? size : 0},
    };
    if (ingestor->context->metrics != NULL) {
        tt_metrics_add_label(ingestor->context->metrics, TT_METRIC_REJECTED, reason, 1);
    }
    ingestor->rejects[ingestor->reject_count++] = event;
}

static void reject_verdict(struct ingestor *ingestor, struct tt_event *event,
                           const struct tt_verdict *verdict, struct tt_str source,
                           struct tt_str bytes)
{
    char text[288];
    struct tt_error place;
    if (verdict->line != 0 && verdict->reason == TT_REJECT_JSON_SYNTAX) {
        (void)tt_fail(&place, TT_E_INVALID, "%s (byte %llu)", verdict->detail,
                      (unsigned long long)verdict->offset);
    } else if (verdict->field[0] != '\0') {
        (void)tt_fail(&place, TT_E_INVALID, "%s: %s", verdict->field, verdict->detail);
    } else {
        (void)tt_fail(&place, TT_E_INVALID, "%s", verdict->detail);
    }
    memcpy(text, place.message, sizeof place.message);
    reject(ingestor, event, tt_reject_code(verdict->reason), tt_reject_http_status(verdict->reason),
           source, tt_str_from(text), bytes);
}

/* Gives the event the next position and puts it in the batch. */
static void append(struct ingestor *ingestor, struct tt_event *event)
{
    if (!ingestor->options.feed_is_recorded) {
        event->seq = ++ingestor->seq;
    }
    ingestor->log[ingestor->log_count++] = event;
}

static bool room(const struct ingestor *ingestor)
{
    bool current = ingestor->options.feed_is_recorded ||
                   ingestor->epoch == tt_bundles_epoch(ingestor->context->bundles);
    return current && ingestor->log_count < BATCH_MAX && ingestor->reject_count < BATCH_MAX;
}

static void append_mark(struct ingestor *ingestor, struct tt_event *mark)
{
    mark->kind = TT_EVENT_EPOCH;
    mark->gate = TT_GATE_FRESH;
    mark->epoch = ++ingestor->epoch;
    mark->txn.timestamp_ms = ingestor->watermark_ms;
    ingestor->last_close_ms = ingestor->watermark_ms;
    append(ingestor, mark);
}

/* Everything before the mark closes the epoch; nothing is taken in until the next one is in force. */
static void mark_epoch(struct ingestor *ingestor)
{
    const struct tt_setup *setup = ingestor->context->engine->setup;
    if (ingestor->options.feed_is_recorded ||
        !tt_epoch_due(setup, ingestor->epoch, ingestor->seq, ingestor->watermark_ms,
                      ingestor->last_close_ms)) {
        return;
    }
    struct tt_event *mark = tt_event_pool_get(ingestor->context->pool);
    if (mark == NULL) {
        return; /* asked again after the next transaction */
    }
    append_mark(ingestor, mark);
}

/* Other rules come into force behind a mark of their own. */
static void mark_rules(struct ingestor *ingestor)
{
    struct tt_rule_book *book = ingestor->options.book;
    uint64_t version = 0;
    struct tt_setup *setup =
        book != NULL && room(ingestor) ? tt_rule_book_take(book, &version) : NULL;
    if (setup == NULL) {
        return;
    }
    struct tt_event *mark = tt_event_pool_get(ingestor->context->pool);
    if (mark == NULL) {
        tt_rule_book_offer_setup(book, setup, version); /* asked again at the next pull */
        return;
    }
    mark->setup = setup;
    mark->rules_version = version;
    append_mark(ingestor, mark);
}

static void accept(struct ingestor *ingestor, struct tt_event *event)
{
    event->gate = TT_GATE_FRESH;
    if (event->kind == TT_EVENT_TRANSACTION) {
        event->content = tt_txn_content_hash(&event->txn);
        if (event->txn.timestamp_ms > ingestor->watermark_ms) {
            ingestor->watermark_ms = event->txn.timestamp_ms;
        }
        tt_context_count(ingestor->context, TT_METRIC_ACCEPTED, 1);
    } else {
        tt_context_count(ingestor->context, TT_METRIC_LABELS, 1);
    }
    append(ingestor, event);
    mark_epoch(ingestor);
}

/* A field the schema does not know is counted each time, and logged once a name. */
static void note_unknown(struct ingestor *ingestor, const struct tt_record_notes *notes)
{
    tt_context_count(ingestor->context, TT_METRIC_UNKNOWN_FIELDS, notes->unknown_count);
    static const struct tt_hash_key key = {0x756e6b6e6f776e, 0};
    for (uint32_t i = 0; i < notes->unknown_count && i < TT_RECORD_NOTE_NAMES_MAX; i++) {
        struct tt_str name = notes->unknown[i];
        uint64_t hash = tt_hash64(&key, name.data, name.size);
        bool known = ingestor->unknown_count == UNKNOWN_NAMES_MAX;
        for (uint32_t k = 0; k < ingestor->unknown_count; k++) {
            known = known || ingestor->unknown_names[k] == hash;
        }
        if (!known) {
            ingestor->unknown_names[ingestor->unknown_count++] = hash;
            tt_log(ingestor->context->log, TT_LOG_WARN, "unknown_field",
                   "a field that the schema does not know was left out; see "
                   "ingest.on_unknown_field",
                   TT_LOG_STR("field", name));
        }
    }
}

static void read_transaction(struct ingestor *ingestor, const struct tt_intake_record *record,
                             struct tt_event *event)
{
    struct tt_record_notes notes;
    struct tt_verdict verdict;
    int64_t now_ms = tt_clock_now_ms(ingestor->context->clock);
    enum tt_status status = tt_record_json_txn(ingestor->options.schema, record->bytes, now_ms,
                                               &event->text, &event->txn, &notes, &verdict);
    if (status == TT_OK) {
        event->kind = TT_EVENT_TRANSACTION;
        note_unknown(ingestor, &notes);
        accept(ingestor, event);
    } else if (status == TT_E_INVALID) {
        reject_verdict(ingestor, event, &verdict, TT_STR("http"), record->bytes);
    } else {
        reject(ingestor, event, "record_size", 422, TT_STR("http"),
               TT_STR("the record needs more memory than one may have"), record->bytes);
    }
}

static void read_label(struct ingestor *ingestor, const struct tt_intake_record *record,
                       struct tt_event *event)
{
    struct tt_record_label label;
    struct tt_verdict verdict;
    int64_t now_ms = tt_clock_now_ms(ingestor->context->clock);
    enum tt_status status = tt_record_json_label(ingestor->options.schema, record->bytes, now_ms,
                                                 &event->text, &label, &verdict);
    if (status == TT_E_INVALID) {
        reject_verdict(ingestor, event, &verdict, TT_STR("http"), record->bytes);
        return;
    }
    struct tt_error err = {0};
    if (status == TT_OK) {
        status = ingestor->options.find(ingestor->options.find_ctx, label.user_id,
                                        label.transaction_id, event, &err);
    }
    if (status == TT_OK) {
        event->kind = TT_EVENT_LABEL;
        event->label = label.label;
        accept(ingestor, event);
    } else if (status == TT_E_NOT_FOUND) {
        reject(ingestor, event, "unknown_transaction", 404, TT_STR("http"),
               TT_STR("no stored transaction has this id"), record->bytes);
    } else if (status == TT_E_CONFLICT) {
        reject(ingestor, event, "ambiguous_id", 409, TT_STR("http"),
               TT_STR("several users have a transaction of this id: add user_id"), record->bytes);
    } else {
        reject(ingestor, event, "store_failed", 503, TT_STR("http"), tt_str_from(err.message),
               record->bytes);
    }
}

static struct tt_event *take_event(struct ingestor *ingestor, int64_t now_ns)
{
    struct tt_event *event = tt_event_pool_get(ingestor->context->pool);
    if (event != NULL) {
        event->time_ns[TT_TIME_RECEIVED] = now_ns;
    }
    return event;
}

static void pull_intake(struct ingestor *ingestor, int64_t now_ns)
{
    struct tt_intake_record record;
    while (room(ingestor) && tt_intake_bytes(ingestor->options.intake) > 0) {
        struct tt_event *event = take_event(ingestor, now_ns);
        if (event == NULL) {
            return;
        }
        if (!tt_intake_take(ingestor->options.intake, &record)) {
            tt_event_release(event);
            return;
        }
        event->reply = record.submission;
        event->reply_index = record.index;
        if (record.kind == TT_INTAKE_TRANSACTIONS) {
            read_transaction(ingestor, &record, event);
        } else {
            read_label(ingestor, &record, event);
        }
    }
}

static enum tt_status pull_feed(struct ingestor *ingestor, int64_t now_ns, struct tt_error *err)
{
    struct tt_feed *feed = ingestor->options.feed;
    while (room(ingestor)) {
        struct tt_event *event = take_event(ingestor, now_ns);
        if (event == NULL) {
            return TT_OK;
        }
        enum tt_status status = feed->ops->next(feed, event, err);
        if (status != TT_OK) {
            tt_event_release(event);
            if (status == TT_E_CLOSED) {
                __atomic_store_n(&ingestor->feed_ended, true, __ATOMIC_RELEASE);
                return TT_OK;
            }
            return status == TT_E_AGAIN ? TT_OK : status;
        }
        if (event->kind == TT_EVENT_REJECT) {
            ingestor->rejects[ingestor->reject_count++] = event;
        } else {
            accept(ingestor, event);
        }
    }
    return TT_OK;
}

/* Behind everything that was taken in so far: the stages save what they hold as of here. */
static void mark_snapshot(struct ingestor *ingestor)
{
    struct tt_snapshots *snapshots = ingestor->context->snapshots;
    if (snapshots == NULL || __atomic_load_n(&ingestor->stopped, __ATOMIC_ACQUIRE) ||
        !tt_snapshots_due(snapshots, tt_clock_monotonic_ns(ingestor->context->clock),
                          ingestor->seq)) {
        return;
    }
    struct tt_event *mark = tt_event_pool_get(ingestor->context->pool);
    if (mark == NULL) {
        return; /* asked again at the next pull */
    }
    mark->kind = TT_EVENT_SNAPSHOT;
    mark->gate = TT_GATE_FRESH;
    mark->seq = ingestor->seq;
    mark->epoch = ingestor->epoch;
    mark->txn.timestamp_ms = ingestor->watermark_ms;
    tt_snapshots_begin(snapshots, ingestor->seq, ingestor->watermark_ms);
    ingestor->log[ingestor->log_count++] = mark;
}

static enum tt_status on_pull(struct tt_stage *stage, bool *ret_busy, struct tt_error *err)
{
    struct ingestor *ingestor = (struct ingestor *)stage;
    if (!room(ingestor)) {
        return TT_OK;
    }
    mark_snapshot(ingestor);
    int64_t now_ns = tt_context_now_ns(ingestor->context);
    enum tt_status status = TT_OK;
    mark_rules(ingestor);
    if (ingestor->options.intake != NULL) {
        pull_intake(ingestor, now_ns);
    }
    if (ingestor->options.feed != NULL && !ingestor->feed_ended &&
        !__atomic_load_n(&ingestor->stopped, __ATOMIC_ACQUIRE)) {
        status = pull_feed(ingestor, now_ns, err);
    }
    if (ingestor->options.intake != NULL && ingestor->log_count + ingestor->reject_count > 0) {
        stage->rest_ns = GATHER_NS;
    }
    size_t log_count = ingestor->log_count;
    size_t reject_count = ingestor->reject_count;
    ingestor->log_count = 0;
    ingestor->reject_count = 0;
    *ret_busy = *ret_busy || log_count + reject_count > 0;
    if (reject_count > 0 && status == TT_OK) {
        status = tt_stage_emit(stage, OUT_REJECTS, ingestor->rejects, reject_count, err);
    }
    if (log_count > 0 && status == TT_OK) {
        status = tt_stage_emit(stage, OUT_LOG, ingestor->log, log_count, err);
    }
    return status;
}

static void stop(struct tt_stage *stage)
{
    struct ingestor *ingestor = (struct ingestor *)stage;
    __atomic_store_n(&ingestor->stopped, true, __ATOMIC_RELEASE);
    if (ingestor->options.intake != NULL) {
        tt_intake_close(ingestor->options.intake);
    }
}

static void free_stage(struct tt_stage *stage)
{
    struct ingestor *ingestor = (struct ingestor *)stage;
    tt_delete(ingestor->context->alloc, ingestor, sizeof *ingestor);
}

static const struct tt_stage_ops ops = {
    .name = "data-ingestor",
    .on_pull = on_pull,
    .stop = stop,
    .free = free_stage,
};

enum tt_status tt_data_ingestor_new(const struct tt_data_ingestor_options *options,
                                    struct tt_stage **ret, struct tt_error *err)
{
    const struct tt_context *context = options->context;
    struct ingestor *ingestor = tt_new_array(context->alloc, 1, sizeof *ingestor);
    if (ingestor == NULL) {
        return tt_fail(err, TT_E_NOMEM, "no memory for the data-ingestor");
    }
    ingestor->stage.ops = &ops;
    ingestor->stage.outputs[OUT_LOG] = TT_TOPIC_TRANSACTIONS;
    ingestor->stage.outputs[OUT_REJECTS] = TT_TOPIC_REJECTS;
    ingestor->stage.tick_ms = options->feed != NULL ? 5 : 0;
    ingestor->options = *options;
    ingestor->context = context;
    ingestor->seq = options->seq_last;
    ingestor->watermark_ms = options->watermark_ms;
    ingestor->last_close_ms = options->last_close_ms;
    ingestor->epoch = tt_bundles_epoch(context->bundles);
    *ret = &ingestor->stage;
    return TT_OK;
}

bool tt_data_ingestor_feed_ended(const struct tt_stage *stage)
{
    const struct ingestor *ingestor = (const struct ingestor *)stage;
    return __atomic_load_n(&ingestor->feed_ended, __ATOMIC_ACQUIRE);
}
