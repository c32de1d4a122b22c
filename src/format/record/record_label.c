/* A label from the project's own JSON. See record_json.h. */
#include <string.h>

#include "base/number.h"
#include "format/record/check.h"
#include "format/record/json_record.h"
#include "format/record/record_json.h"

#define NOTE_SIZE_MAX 1000

enum label_field {
    FIELD_TRANSACTION_ID,
    FIELD_USER_ID,
    FIELD_LABEL,
    FIELD_KNOWN_AT,
    FIELD_SOURCE,
    FIELD_PROBABILITY,
    FIELD_NOTE,
    FIELD_RECORDED_AT, /* we write it ourselves; read back, it is left out */
    FIELD_COUNT,
};

static const char *const names[FIELD_COUNT] = {
    "transaction_id",        "user_id", "label",       "known_at", "source",
    "selection_probability", "note",    "recorded_at",
};

struct pass {
    const struct tt_record_schema *schema;
    struct tt_arena *arena;
    int64_t now_ms;
    struct tt_json_reader reader;
    struct tt_record_label label;
    uint32_t seen;
    struct tt_verdict *verdict;
};

static enum tt_status refuse(struct pass *pass, enum tt_reject reason,
                             const struct tt_json_token *token, const char *text)
{
    return tt_verdict_set(pass->verdict, reason, token->key, token->offset, "%s", text);
}

static enum tt_status take_id(struct pass *pass, const struct tt_json_token *token,
                              struct tt_str *ret)
{
    uint32_t pan_count = 0;
    struct tt_record_value value = {token->text, token->offset};
    if (token->text.size == 0 || token->text.size > TT_ID_SIZE_MAX) {
        return tt_verdict_set(pass->verdict, TT_REJECT_ID_SIZE, token->key, token->offset,
                              "%zu bytes, allowed are 1 to %d", token->text.size, TT_ID_SIZE_MAX);
    }
    if (tt_record_has_control(token->text)) {
        return refuse(pass, TT_REJECT_CONTROL_CHARACTER, token, "has a control character");
    }
    enum tt_status status = tt_record_replace_pan(pass->schema, token->key, true, &value,
                                                  pass->arena, &pan_count, pass->verdict);
    *ret = value.text;
    return status;
}

static enum tt_status take_known_at(struct pass *pass, const struct tt_json_token *token)
{
    int64_t ms = 0;
    if (!tt_record_parse_time(token->text, token->kind == TT_JSON_NUMBER, &ms)) {
        return refuse(pass, TT_REJECT_BAD_TIMESTAMP, token,
                      "neither an RFC 3339 time nor integer epoch milliseconds");
    }
    pass->label.label.known_at_ms = ms;
    return tt_record_check_time(pass->schema, token->key, token->offset, ms, pass->now_ms,
                                pass->verdict);
}

static enum tt_status take_note(struct pass *pass, const struct tt_json_token *token)
{
    uint32_t pan_count = 0;
    struct tt_record_value value = {token->text, token->offset};
    if (token->text.size > NOTE_SIZE_MAX) {
        return tt_verdict_set(pass->verdict, TT_REJECT_TEXT_SIZE, token->key, token->offset,
                              "%zu bytes, allowed are %d", token->text.size, NOTE_SIZE_MAX);
    }
    enum tt_status status = tt_record_replace_pan(pass->schema, token->key, false, &value,
                                                  pass->arena, &pan_count, pass->verdict);
    pass->label.note = value.text;
    return status;
}

static enum tt_status take_value(struct pass *pass, enum label_field field,
                                 const struct tt_json_token *token)
{
    struct tt_label *label = &pass->label.label;
    switch (field) {
    case FIELD_TRANSACTION_ID:
        return take_id(pass, token, &pass->label.transaction_id);
    case FIELD_USER_ID:
        return take_id(pass, token, &pass->label.user_id);
    case FIELD_LABEL:
        label->kind = tt_label_kind_find(token->text);
        return label->kind != 0 ? TT_OK
                                : refuse(pass, TT_REJECT_BAD_LABEL, token,
                                         "must be fraud, genuine or withdrawn");
    case FIELD_KNOWN_AT:
        return take_known_at(pass, token);
    case FIELD_SOURCE:
        label->source = tt_label_source_find(token->text);
        return label->source != 0
                   ? TT_OK
                   : refuse(pass, TT_REJECT_BAD_LABEL_SOURCE, token,
                            "must be chargeback, alert_verdict, sample_verdict or import");
    case FIELD_PROBABILITY:
        return tt_double_parse(token->text, &label->selection_probability) &&
                       label->selection_probability > 0.0 && label->selection_probability <= 1.0
                   ? TT_OK
                   : refuse(pass, TT_REJECT_BAD_PROBABILITY, token,
                            "must be above 0 and at most 1");
    case FIELD_NOTE:
        return take_note(pass, token);
    case FIELD_RECORDED_AT:
    case FIELD_COUNT:
        break;
    }
    return TT_OK;
}

static bool type_fits(enum label_field field, enum tt_json_kind kind)
{
    bool number =
        field == FIELD_PROBABILITY || field == FIELD_KNOWN_AT || field == FIELD_RECORDED_AT;
    bool text = field != FIELD_PROBABILITY;
    return (number && kind == TT_JSON_NUMBER) || (text && kind == TT_JSON_STRING);
}

static enum tt_status on_member(void *ctx, const struct tt_json_token *token)
{
    struct pass *pass = ctx;
    enum label_field field = 0;
    while (field < FIELD_COUNT && !tt_str_equal_text(token->key, names[field])) {
        field++;
    }
    if (field == FIELD_COUNT) {
        return pass->schema->unknown == TT_UNKNOWN_REJECT
                   ? refuse(pass, TT_REJECT_UNKNOWN_FIELD, token, "the field is not known")
                   : TT_OK;
    }
    if (token->kind == TT_JSON_NULL) {
        return TT_OK;
    }
    if (!type_fits(field, token->kind)) {
        return refuse(pass, TT_REJECT_JSON_TYPE, token, "the value has the wrong JSON type");
    }
    pass->seen |= UINT32_C(1) << field;
    return take_value(pass, field, token);
}

static enum tt_status check_required(const struct pass *pass)
{
    static const enum label_field required[] = {FIELD_TRANSACTION_ID, FIELD_LABEL};
    for (size_t i = 0; i < TT_ARRAY_SIZE(required); i++) {
        if ((pass->seen & (UINT32_C(1) << required[i])) == 0) {
            const char *name = names[required[i]];
            return tt_verdict_set(pass->verdict, TT_REJECT_MISSING_FIELD, tt_str_from(name), 0,
                                  "%s is required", name);
        }
    }
    if ((pass->seen & (UINT32_C(1) << FIELD_KNOWN_AT)) == 0 && pass->now_ms == TT_TIME_NONE) {
        return tt_verdict_set(pass->verdict, TT_REJECT_MISSING_FIELD, TT_STR("known_at"), 0,
                              "known_at is required where there is no clock");
    }
    return TT_OK;
}

enum tt_status tt_record_json_label(const struct tt_record_schema *schema, struct tt_str json,
                                    int64_t now_ms, struct tt_arena *arena,
                                    struct tt_record_label *ret_label,
                                    struct tt_verdict *ret_verdict)
{
    struct pass pass;
    pass.schema = schema;
    pass.arena = arena;
    pass.now_ms = now_ms;
    pass.seen = 0;
    pass.verdict = ret_verdict;
    pass.label =
        (struct tt_record_label){.label = {.source = TT_LABEL_IMPORT,
                                           .known_at_ms = now_ms,
                                           .recorded_at_ms = now_ms != TT_TIME_NONE ? now_ms : 0,
                                           .selection_probability = 1.0}};
    enum tt_status status = tt_json_record_begin(schema, json, arena, &pass.reader, ret_verdict);
    if (status == TT_OK) {
        status = tt_json_record_walk(&pass.reader, on_member, &pass, ret_verdict);
    }
    if (status == TT_OK) {
        status = check_required(&pass);
    }
    if (status == TT_OK) {
        *ret_label = pass.label;
    }
    return status;
}
