/* See rows.h. */
#include "services/pipeline/rows.h"

#include <string.h>

#include "core/detect/codec.h"
#include "core/features/vector.h"

#define ROW_SIZE_MAX (1u << 20)
#define EVENT_TEXT_BLOCK 4096
#define EVENT_TEXT_MAX (1u << 20)

void tt_row_writer_init(struct tt_row_writer *writer, const struct tt_engine *engine,
                        const struct tt_alloc *alloc, struct tt_arena *arena)
{
    writer->engine = engine;
    writer->arena = arena;
    tt_buf_init(&writer->buf, alloc, ROW_SIZE_MAX);
}

void tt_row_writer_deinit(struct tt_row_writer *writer)
{
    tt_buf_deinit(&writer->buf);
}

/* Moves what was packed into the arena; the buffer is empty again. */
static enum tt_status keep(struct tt_row_writer *writer, struct tt_str *ret)
{
    if (writer->buf.status != TT_OK) {
        return writer->buf.status;
    }
    char *copy = tt_arena_copy(writer->arena, writer->buf.data, writer->buf.size);
    if (copy == NULL) {
        return TT_E_NOMEM;
    }
    *ret = (struct tt_str){copy, writer->buf.size};
    tt_buf_clear(&writer->buf);
    return TT_OK;
}

static enum tt_status keep_record(struct tt_row_writer *writer, const struct tt_txn *txn,
                                  struct tt_str *ret)
{
    struct tt_json_writer json;
    tt_json_writer_init(&json, &writer->buf);
    tt_record_write_txn(&json, txn);
    return keep(writer, ret);
}

static enum tt_status keep_parts(struct tt_row_writer *writer, const struct tt_event *event,
                                 struct tt_row_transaction *row)
{
    enum tt_status status = keep_record(writer, &event->txn, &row->json);
    if (status == TT_OK && tt_vector_pack(&event->vector, &writer->buf) == TT_OK) {
        status = keep(writer, &row->vector);
    }
    uint32_t detectors = writer->engine->setup->detector_count;
    if (status == TT_OK && tt_detections_pack(event, detectors, &writer->buf) == TT_OK) {
        status = keep(writer, &row->detections);
    }
    if (status == TT_OK && tt_decision_pack(event, &writer->buf) == TT_OK) {
        status = keep(writer, &row->decision);
    }
    uint32_t steps = tt_plan_step_count(writer->engine->plan);
    if (status == TT_OK && tt_buf_append(&writer->buf, event->positions,
                                         steps * sizeof event->positions[0]) == TT_OK) {
        status = keep(writer, &row->positions);
    }
    return status == TT_OK ? writer->buf.status : status;
}

enum tt_status tt_row_from_event(struct tt_row_writer *writer, const struct tt_event *event,
                                 struct tt_row_transaction *ret)
{
    struct tt_row_transaction row = {
        .seq = event->seq,
        .event_ms = event->txn.timestamp_ms,
        .user_id = event->txn.text[TT_TEXT_USER_ID],
        .transaction_id = event->txn.text[TT_TEXT_TRANSACTION_ID],
        .content = event->content,
        .epoch = event->epoch,
        .bundle = event->bundle,
        .absorbed = event->step_absorbed,
        .anomalous = event->decision.anomalous,
    };
    tt_buf_clear(&writer->buf);
    enum tt_status status = keep_parts(writer, event, &row);
    if (status == TT_OK) {
        *ret = row;
    }
    return status;
}

/* "zscore,rules": those that fired. */
static void append_fired(struct tt_row_writer *writer, const struct tt_event *event)
{
    for (uint32_t i = 0; i < writer->engine->setup->detector_count; i++) {
        if (event->detections[i].fired) {
            if (writer->buf.size > 0) {
                tt_buf_append_char(&writer->buf, ',');
            }
            tt_buf_append_text(&writer->buf, writer->engine->detector_names[i]);
        }
    }
    if (writer->buf.size == 0) {
        tt_buf_append_text(&writer->buf, "");
    }
}

enum tt_status tt_row_anomaly_from_event(struct tt_row_writer *writer, const struct tt_event *event,
                                         struct tt_row_anomaly *ret)
{
    struct tt_row_anomaly row = {
        .seq = event->seq,
        .event_ms = event->txn.timestamp_ms,
        .score = event->decision.score,
        .p_value = event->decision.p_value,
        .severity = event->decision.severity,
        .verdict = event->decision.verdict,
        .alerted = event->decision.alerted,
        .status = TT_STR("open"),
        .user_id = event->txn.text[TT_TEXT_USER_ID],
        .merchant_id = event->txn.text[TT_TEXT_MERCHANT_ID],
    };
    char id[TT_ANOMALY_ID_SIZE];
    tt_anomaly_id(&event->txn, id);
    tt_buf_clear(&writer->buf);
    tt_buf_append_text(&writer->buf, id);
    enum tt_status status = keep(writer, &row.anomaly_id);
    if (status == TT_OK) {
        append_fired(writer, event);
        status = keep(writer, &row.detectors);
    }
    if (status == TT_OK) {
        struct tt_json_writer json;
        tt_json_writer_init(&json, &writer->buf);
        tt_record_write_anomaly(&json, event, &writer->engine->record_names, "open");
        status = keep(writer, &row.json);
    }
    if (status == TT_OK) {
        *ret = row;
    }
    return status;
}

enum tt_status tt_row_label_from_event(struct tt_row_writer *writer, const struct tt_event *event,
                                       struct tt_row_label *ret)
{
    struct tt_row_label row = {
        .seq = event->seq,
        .user_id = event->txn.text[TT_TEXT_USER_ID],
        .transaction_id = event->txn.text[TT_TEXT_TRANSACTION_ID],
        .kind = event->label.kind,
        .source = event->label.source,
        .known_at_ms = event->label.known_at_ms,
        .recorded_at_ms = event->label.recorded_at_ms,
        .selection_probability = event->label.selection_probability,
    };
    tt_buf_clear(&writer->buf);
    enum tt_status status = keep_record(writer, &event->txn, &row.json);
    if (status == TT_OK) {
        *ret = row;
    }
    return status;
}

enum tt_status tt_row_read_record(struct tt_str json, const struct tt_record_schema *schema,
                                  struct tt_event *event, struct tt_error *err)
{
    struct tt_verdict verdict;
    enum tt_status status =
        tt_record_json_txn(schema, json, TT_TIME_NONE, &event->text, &event->txn, NULL, &verdict);
    if (status == TT_E_INVALID) {
        return tt_fail(err, TT_E_CORRUPT, "a stored record is refused: %s: %s", verdict.field,
                       verdict.detail);
    }
    return status == TT_OK ? TT_OK : tt_fail(err, status, "no memory to read a stored record");
}

enum tt_status tt_row_to_event(const struct tt_row_transaction *row, const struct tt_engine *engine,
                               const struct tt_record_schema *schema, struct tt_event *event,
                               struct tt_error *err)
{
    enum tt_status status = tt_row_read_record(row->json, schema, event, err);
    if (status != TT_OK) {
        return status;
    }
    event->kind = TT_EVENT_TRANSACTION;
    event->gate = TT_GATE_FRESH;
    event->seq = row->seq;
    event->epoch = row->epoch;
    event->bundle = row->bundle;
    event->content = row->content;
    event->step_absorbed = (uint8_t)row->absorbed;
    event->late = (row->absorbed & 1) == 0;
    if (row->positions.size <= sizeof event->positions && row->positions.data != NULL) {
        memcpy(event->positions, row->positions.data, row->positions.size);
    }
    status = tt_vector_unpack(row->vector, &event->vector, err);
    if (status == TT_OK) {
        status = tt_detections_unpack(row->detections, engine->setup->detector_count, event);
        if (status == TT_OK) {
            status = tt_decision_unpack(row->decision, event);
        }
        if (status != TT_OK) {
            return tt_fail(err, status, "the stored decision at position %llu cannot be read",
                           (unsigned long long)row->seq);
        }
    }
    return status;
}

enum tt_status tt_row_label_to_event(const struct tt_row_label *row,
                                     const struct tt_record_schema *schema, struct tt_event *event,
                                     struct tt_error *err)
{
    event->kind = TT_EVENT_LABEL;
    event->gate = TT_GATE_FRESH;
    event->seq = row->seq;
    event->label = (struct tt_label){
        .kind = row->kind,
        .source = row->source,
        .known_at_ms = row->known_at_ms,
        .recorded_at_ms = row->recorded_at_ms,
        .selection_probability = row->selection_probability,
    };
    return tt_row_read_record(row->json, schema, event, err);
}

void tt_loose_event_init(struct tt_loose_event *loose, const struct tt_alloc *alloc)
{
    memset(loose, 0, sizeof *loose);
    tt_arena_init(&loose->event.text, alloc, EVENT_TEXT_BLOCK, EVENT_TEXT_MAX);
}

void tt_loose_event_deinit(struct tt_loose_event *loose)
{
    tt_arena_deinit(&loose->event.text);
}

struct tt_event *tt_loose_event_reset(struct tt_loose_event *loose)
{
    struct tt_event *event = &loose->event;
    tt_event_clear(event);
    return event;
}
