/*
 * A transaction from the project's own JSON (record_json.h): one pass of the pull reader over a
 * copy in the arena, then the checks that all records share.
 *
 * A field's fault is kept while the rest is read, because a text that is not JSON at all must say
 * so first.
 */
#include "format/record/record_json.h"

#include "base/number.h"
#include "format/json_read.h"
#include "format/record/check.h"
#include "format/record/json_record.h"
#include "format/record/pan.h"

struct pass {
    const struct tt_record_schema *schema;
    struct tt_arena *arena;
    struct tt_json_reader reader;
    struct tt_record_raw raw;
    struct tt_record_notes *notes;
    struct tt_verdict *verdict;
};

static struct tt_record_scalar scalar_of(const struct tt_json_token *token)
{
    struct tt_record_scalar scalar = {.text = token->text, .offset = token->offset};
    scalar.kind = token->kind == TT_JSON_BOOL     ? TT_ATTRIBUTE_BOOL
                  : token->kind == TT_JSON_NUMBER ? TT_ATTRIBUTE_DOUBLE
                                                  : TT_ATTRIBUTE_STRING;
    scalar.boolean = token->boolean;
    return scalar;
}

static bool is_container(const struct tt_json_token *token)
{
    return token->kind == TT_JSON_OBJECT || token->kind == TT_JSON_ARRAY;
}

static enum tt_status refuse(struct pass *pass, enum tt_reject reason,
                             const struct tt_json_token *token, const char *text)
{
    return tt_verdict_set(pass->verdict, reason, token->key, token->offset, "%s", text);
}

/* A field nobody declared, at the top or among the attributes: by the named policy. */
static enum tt_status take_unknown(struct pass *pass, const struct tt_json_token *token)
{
    switch (pass->schema->unknown) {
    case TT_UNKNOWN_REJECT:
        return refuse(pass, TT_REJECT_UNKNOWN_FIELD, token, "the field is not known");
    case TT_UNKNOWN_ATTRIBUTE:
        if (is_container(token)) {
            return refuse(pass, TT_REJECT_BAD_ATTRIBUTE, token,
                          "an attribute must be text, a number, true or false");
        }
        if (token->kind != TT_JSON_NULL) {
            struct tt_record_scalar value = scalar_of(token);
            return tt_record_add_attribute(pass->schema, &pass->raw, token->key, value.kind, &value,
                                           pass->arena, pass->verdict);
        }
        return TT_OK;
    case TT_UNKNOWN_DROP:
        break;
    }
    if (pass->notes->unknown_count < TT_RECORD_NOTE_NAMES_MAX) {
        /* Names get logged, and somebody may have used a card number as one. */
        size_t at = 0, size = 0;
        bool pan = tt_pan_find(token->key, &at, &size);
        pass->notes->unknown[pass->notes->unknown_count] = pan ? TT_STR("(masked)") : token->key;
    }
    pass->notes->unknown_count++;
    return TT_OK;
}

static const struct tt_attribute_spec *find_spec(const struct tt_record_schema *schema,
                                                 struct tt_str name)
{
    for (uint32_t i = 0; i < schema->attribute_count; i++) {
        if (tt_str_equal(schema->attributes[i].name, name)) {
            return &schema->attributes[i];
        }
    }
    return NULL;
}

static enum tt_status take_attribute(struct pass *pass, const struct tt_json_token *token)
{
    const struct tt_attribute_spec *spec = find_spec(pass->schema, token->key);
    if (spec == NULL) {
        return take_unknown(pass, token);
    }
    if (token->kind == TT_JSON_NULL) {
        return TT_OK;
    }
    if (is_container(token)) {
        return refuse(pass, TT_REJECT_BAD_ATTRIBUTE, token,
                      "an attribute must be text, a number, true or false");
    }
    struct tt_record_scalar value = scalar_of(token);
    return tt_record_add_attribute(pass->schema, &pass->raw, token->key, spec->type, &value,
                                   pass->arena, pass->verdict);
}

/* The members of "attributes"; the first fault is returned after the object's end. */
static enum tt_status take_attributes(struct pass *pass, const struct tt_json_token *token)
{
    struct tt_json_token member;
    enum tt_status fault = TT_OK;
    if (token->kind != TT_JSON_OBJECT) {
        return refuse(pass, TT_REJECT_JSON_TYPE, token, "attributes must be an object");
    }
    for (;;) {
        enum tt_status status = tt_json_next(&pass->reader, &member, NULL);
        if (status != TT_OK || member.kind == TT_JSON_OBJECT_END) {
            return status != TT_OK ? status : fault;
        }
        if (fault == TT_OK) {
            fault = take_attribute(pass, &member);
        }
        status = tt_json_skip(&pass->reader, &member, NULL);
        if (status != TT_OK) {
            return status;
        }
    }
}

/* What to say when a field's JSON type is wrong. */
static enum tt_status refuse_type(struct pass *pass, enum tt_field field,
                                  const struct tt_json_token *token)
{
    switch (field) {
    case TT_FIELD_AMOUNT:
        return refuse(pass, TT_REJECT_BAD_AMOUNT, token, "an amount must be a number or text");
    case TT_FIELD_TIMESTAMP:
        return refuse(pass, TT_REJECT_BAD_TIMESTAMP, token,
                      "a timestamp must be RFC 3339 text or integer epoch milliseconds");
    case TT_FIELD_LATITUDE:
    case TT_FIELD_LONGITUDE:
        return refuse(pass, TT_REJECT_BAD_POSITION, token, "degrees must be a number");
    default:
        return refuse(pass, TT_REJECT_JSON_TYPE, token, "the field must be text");
    }
}

/* Which JSON types a field may have. */
static bool type_fits(enum tt_field field, enum tt_json_kind kind)
{
    switch (field) {
    case TT_FIELD_AMOUNT:
    case TT_FIELD_TIMESTAMP:
        return kind == TT_JSON_STRING || kind == TT_JSON_NUMBER;
    case TT_FIELD_LATITUDE:
    case TT_FIELD_LONGITUDE:
        return kind == TT_JSON_NUMBER;
    default:
        return kind == TT_JSON_STRING;
    }
}

static enum tt_status take_member(struct pass *pass, const struct tt_json_token *token)
{
    enum tt_field field = tt_record_field_find(token->key);
    if (field == TT_FIELD_NONE) {
        return find_spec(pass->schema, token->key) != NULL ? take_attribute(pass, token)
                                                           : take_unknown(pass, token);
    }
    if (token->kind == TT_JSON_NULL) {
        return TT_OK;
    }
    uint32_t bit = UINT32_C(1) << field;
    if ((pass->raw.seen & bit) != 0) {
        return refuse(pass, TT_REJECT_DUPLICATE_KEY, token, "the field is given under two names");
    }
    if (field == TT_FIELD_ATTRIBUTES) {
        return take_attributes(pass, token);
    }
    if (!type_fits(field, token->kind)) {
        return refuse_type(pass, field, token);
    }
    pass->raw.seen |= bit;
    pass->raw.values[field] = (struct tt_record_value){token->text, token->offset};
    if (field == TT_FIELD_TIMESTAMP &&
        !tt_record_parse_time(token->text, token->kind == TT_JSON_NUMBER,
                              &pass->raw.timestamp_ms)) {
        return tt_record_refuse(pass->verdict, TT_REJECT_BAD_TIMESTAMP, token->key,
                                &pass->raw.values[field],
                                "is neither an RFC 3339 time nor integer epoch milliseconds");
    }
    return TT_OK;
}

enum tt_status tt_json_record_fault(const struct tt_json_reader *reader, struct tt_verdict *verdict)
{
    enum tt_reject reason = TT_REJECT_JSON_SYNTAX;
    struct tt_error err;
    struct tt_json_token token;
    struct tt_json_reader again = *reader;
    switch (reader->fault) {
    case TT_JSON_FAULT_NOMEM:
        return TT_E_NOMEM;
    case TT_JSON_FAULT_UTF8:
        reason = TT_REJECT_BAD_UTF8;
        break;
    case TT_JSON_FAULT_DUPLICATE_KEY:
        reason = TT_REJECT_DUPLICATE_KEY;
        break;
    case TT_JSON_FAULT_DEPTH:
        reason = TT_REJECT_TOO_DEEP;
        break;
    case TT_JSON_FAULT_SIZE:
        reason = TT_REJECT_RECORD_SIZE;
        break;
    case TT_JSON_FAULT_NONE:
    case TT_JSON_FAULT_SYNTAX:
    case TT_JSON_FAULT_END:
    case TT_JSON_FAULT_TRAILING:
    case TT_JSON_FAULT_SURROGATE:
        break;
    }
    /* A failed reader reports its fault again: the message comes from one place. */
    enum tt_status status = tt_json_next(&again, &token, &err);
    TT_ASSERT(status != TT_OK);
    status = tt_verdict_set(verdict, reason, (struct tt_str){0}, reader->fault_offset,
                            "%s, at line %u column %u", err.message, err.line, err.column);
    verdict->line = err.line;
    verdict->column = err.column;
    return status;
}

enum tt_status tt_json_record_begin(const struct tt_record_schema *schema, struct tt_str json,
                                    struct tt_arena *arena, struct tt_json_reader *reader,
                                    struct tt_verdict *verdict)
{
    struct tt_json_token token;
    if (json.size > schema->record_size_max) {
        return tt_verdict_set(verdict, TT_REJECT_RECORD_SIZE, (struct tt_str){0}, 0,
                              "%zu bytes, allowed are %u", json.size, schema->record_size_max);
    }
    const char *copy = tt_arena_copy(arena, json.data != NULL ? json.data : "", json.size);
    if (copy == NULL) {
        return TT_E_NOMEM;
    }
    tt_json_reader_init(reader, (struct tt_str){copy, json.size}, arena);
    if (tt_json_next(reader, &token, NULL) != TT_OK) {
        return tt_json_record_fault(reader, verdict);
    }
    if (token.kind == TT_JSON_OBJECT) {
        return TT_OK;
    }
    /* A whole value of another type, if it is JSON at all. */
    if (tt_json_skip(reader, &token, NULL) != TT_OK ||
        tt_json_next(reader, &token, NULL) != TT_OK) {
        return tt_json_record_fault(reader, verdict);
    }
    return tt_verdict_set(verdict, TT_REJECT_JSON_TYPE, (struct tt_str){0}, 0,
                          "a record must be an object");
}

enum tt_status tt_json_record_walk(struct tt_json_reader *reader, tt_json_on_member *on_member,
                                   void *ctx, struct tt_verdict *verdict)
{
    struct tt_json_token token;
    enum tt_status fault = TT_OK;
    for (;;) {
        if (tt_json_next(reader, &token, NULL) != TT_OK) {
            return tt_json_record_fault(reader, verdict);
        }
        if (token.kind == TT_JSON_END) {
            break;
        }
        if (token.kind == TT_JSON_OBJECT_END) {
            continue;
        }
        uint32_t depth = reader->depth;
        if (fault == TT_OK) {
            fault = on_member(ctx, &token);
        }
        /* A member that was not read by on_member is read here. */
        bool open = is_container(&token) && reader->depth == depth;
        if (reader->fault != TT_JSON_FAULT_NONE ||
            (open && tt_json_skip(reader, &token, NULL) != TT_OK)) {
            return tt_json_record_fault(reader, verdict);
        }
    }
    if (fault == TT_E_INVALID) {
        struct tt_str text = {reader->begin, (size_t)(reader->end - reader->begin)};
        tt_json_place(text, (size_t)verdict->offset, &verdict->line, &verdict->column);
    }
    return fault;
}

static enum tt_status on_member(void *ctx, const struct tt_json_token *token)
{
    return take_member(ctx, token);
}

enum tt_status tt_record_json_txn(const struct tt_record_schema *schema, struct tt_str json,
                                  int64_t now_ms, struct tt_arena *arena, struct tt_txn *ret_txn,
                                  struct tt_record_notes *ret_notes, struct tt_verdict *ret_verdict)
{
    struct tt_record_notes notes;
    struct pass pass;
    pass.schema = schema;
    pass.arena = arena;
    pass.notes = ret_notes != NULL ? ret_notes : &notes;
    pass.verdict = ret_verdict;
    pass.notes->unknown_count = 0;
    pass.raw.seen = 0;
    pass.raw.attribute_count = 0;
    pass.raw.pan_count = 0;
    enum tt_status status = tt_json_record_begin(schema, json, arena, &pass.reader, ret_verdict);
    if (status == TT_OK) {
        status = tt_json_record_walk(&pass.reader, on_member, &pass, ret_verdict);
    }
    if (status == TT_OK) {
        status = tt_record_check(schema, &pass.raw, now_ms, arena, ret_txn, ret_verdict);
        if (status == TT_E_INVALID) {
            tt_json_place(json, (size_t)ret_verdict->offset, &ret_verdict->line,
                          &ret_verdict->column);
        }
    }
    pass.notes->pan_count = pass.raw.pan_count;
    return status;
}
