/* See answer.h. */
#include "services/api_server/answer.h"

#include "services/api_server/problem.h"
#include "services/data_ingestor/intake.h"

#define ANSWER_SIZE_MAX (256u << 10)

void tt_answerer_init(struct tt_answerer *answerer, const struct tt_context *context,
                      struct tt_store *store, const struct tt_record_schema *schema)
{
    answerer->context = context;
    answerer->store = store;
    answerer->schema = schema;
    tt_buf_init(&answerer->buf, context->alloc, ANSWER_SIZE_MAX);
    tt_loose_event_init(&answerer->stored, context->alloc);
}

void tt_answerer_deinit(struct tt_answerer *answerer)
{
    tt_loose_event_deinit(&answerer->stored);
    tt_buf_deinit(&answerer->buf);
}

static void write_decision(struct tt_answerer *answerer, const struct tt_event *event)
{
    struct tt_json_writer json;
    tt_json_writer_init(&json, &answerer->buf);
    tt_record_write_decision(&json, event, &answerer->context->engine->record_names);
}

struct first {
    struct tt_answerer *answerer;
    struct tt_error err;
    bool found;
};

static bool on_first(void *ctx, const struct tt_row_transaction *row,
                     const struct tt_row_label *label, const struct tt_row_epoch *epoch)
{
    (void)label;
    (void)epoch;
    struct first *first = ctx;
    struct tt_event *stored = tt_loose_event_reset(&first->answerer->stored);
    first->found = tt_row_to_event(row, first->answerer->context->engine, first->answerer->schema,
                                   stored, &first->err) == TT_OK;
    return false;
}

/* The first answer again, from the store. */
static uint16_t write_first(struct tt_answerer *answerer, const struct tt_event *event)
{
    struct first first = {.answerer = answerer};
    enum tt_status status = answerer->store->ops->find(
        answerer->store, event->txn.text[TT_TEXT_USER_ID], event->txn.text[TT_TEXT_TRANSACTION_ID],
        event->txn.timestamp_ms, on_first, &first, &first.err);
    if (status == TT_OK && first.found) {
        write_decision(answerer, &answerer->stored.event);
        return 200;
    }
    tt_problem_write(&answerer->buf, 503, "store_failed",
                     first.err.message[0] != '\0' ? tt_str_from(first.err.message)
                                                  : TT_STR("the first answer cannot be read"));
    return 503;
}

static void write_label(struct tt_answerer *answerer, const struct tt_event *event)
{
    struct tt_json_writer json;
    tt_json_writer_init(&json, &answerer->buf);
    tt_json_object_begin(&json);
    tt_json_member_string(&json, "transaction_id", event->txn.text[TT_TEXT_TRANSACTION_ID]);
    tt_json_member_string(&json, "user_id", event->txn.text[TT_TEXT_USER_ID]);
    tt_json_member_text(&json, "label", tt_label_kind_name(event->label.kind));
    tt_json_key(&json, "known_at");
    tt_json_time(&json, event->label.known_at_ms);
    tt_json_object_end(&json);
}

static uint16_t write_answer(struct tt_answerer *answerer, const struct tt_event *event)
{
    if (event->kind == TT_EVENT_REJECT) {
        tt_problem_write(&answerer->buf, event->rejection.http_status, event->rejection.reason,
                         event->rejection.detail);
        return event->rejection.http_status;
    }
    if (event->kind == TT_EVENT_LABEL) {
        write_label(answerer, event);
        return 200;
    }
    if (event->gate == TT_GATE_DUPLICATE) {
        return write_first(answerer, event);
    }
    if (event->gate == TT_GATE_CONFLICT) {
        tt_problem_write(&answerer->buf, 409, "id_conflict",
                         TT_STR("this transaction_id of this user_id was sent before with other "
                                "content"));
        return 409;
    }
    write_decision(answerer, event);
    return 200;
}

void tt_answer(struct tt_answerer *answerer, const struct tt_event *event)
{
    tt_buf_clear(&answerer->buf);
    uint16_t status = write_answer(answerer, event);
    tt_submission_answer(event->reply, event->reply_index, status, status != 200,
                         tt_buf_str(&answerer->buf));
}
