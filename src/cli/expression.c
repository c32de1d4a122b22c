/*
 * See expression.h.
 *
 * Every let is an expression of its own with scratch of its own, because its value may point into
 * both; they live until the whole was written.
 */
#include "cli/expression.h"

#include <stdio.h>
#include <string.h>

#include "cli/outside.h"
#include "core/expr/expr.h"
#include "format/json_read.h"

#define JSON_LEVELS 24 /* of lists in lists; deeper ones are text */
#define SAFE_INTEGER (INT64_C(1) << 53)
#define VALUE_TEXT_MAX (16u << 20)

struct held {
    struct tt_expr *expr;
    struct tt_expr_scratch *scratch;
};

struct session {
    struct tt_expr_env *env;
    struct tt_value slots[TT_EXPRESSION_LETS_MAX];
    struct held held[TT_EXPRESSION_LETS_MAX];
    size_t held_count;
    struct held whole;
    const char *code; /* of the failure */
};

bool tt_expression_add_let(struct tt_expression *expression, struct tt_str assignment)
{
    struct tt_str rest = assignment;
    struct tt_str name = tt_str_trim(tt_str_split(&rest, '='));
    if (rest.data == NULL || expression->let_count == TT_EXPRESSION_LETS_MAX) {
        return false;
    }
    expression->lets[expression->let_count++] = (struct tt_expression_let){name, rest};
    return true;
}

void tt_expression_write_error(struct tt_json_writer *writer, const char *code, const char *message,
                               uint64_t offset)
{
    tt_json_key(writer, "error");
    tt_json_object_begin(writer);
    tt_json_member_text(writer, "code", code);
    tt_json_member_text(writer, "message", message);
    tt_json_member_int64(writer, "offset", (int64_t)offset);
    tt_json_object_end(writer);
}

/* What an evaluation error means, for a reader who sees only the expression. */
static const char *explain_error(uint8_t error)
{
    static const char *const messages[TT_VALUE_ERROR_COUNT] = {
        [TT_VALUE_MISSING] = "there is no value",
        [TT_VALUE_OVERFLOW] = "past the range of its type",
        [TT_VALUE_DIVIDE_BY_ZERO] = "division by zero",
        [TT_VALUE_RANGE] = "an argument or index out of its range",
        [TT_VALUE_TYPE] = "no such overload: not for these types",
        [TT_VALUE_COST] = "the evaluation costs more than the limit",
        [TT_VALUE_SPACE] = "the evaluation makes more than the space for texts and lists",
        [TT_VALUE_KEY] = "no such key",
        [TT_VALUE_DUPLICATE] = "a key is there twice",
        [TT_VALUE_UNKNOWN] = "unknown name (undeclared reference)",
        [TT_VALUE_ZONE] = "unknown time zone; they are \"Europe/Berlin\", \"+02:00\" or \"UTC\"",
        [TT_VALUE_PATTERN] = "no regular expression",
    };
    return messages[error];
}

static bool fail_value(struct session *session, const struct tt_value *value, struct tt_str text,
                       struct tt_error *err)
{
    uint32_t line = 1;
    uint32_t column = 1;
    uint64_t offset = value->place == 0 ? 0 : value->place - 1;
    session->code = tt_value_error_name(value->error);
    tt_json_place(text, offset < text.size ? (size_t)offset : text.size, &line, &column);
    (void)tt_fail_at(err, TT_E_INVALID, line, column, offset, "%s", explain_error(value->error));
    return false;
}

static bool fail_status(struct session *session, const struct tt_error *err)
{
    session->code = tt_status_name(err->status);
    return false;
}

/* Compiles and evaluates one text; false with code and error set. */
static bool evaluate(struct session *session, struct tt_str text, struct held *held,
                     struct tt_value *ret, struct tt_error *err)
{
    struct tt_expr_options options = {.text = text, .gradual = true};
    held->scratch = tt_new(&tt_alloc_libc, sizeof(*held->scratch));
    if (held->scratch == NULL) {
        (void)tt_fail(err, TT_E_NOMEM, "out of memory");
        return fail_status(session, err);
    }
    if (tt_expr_compile(&tt_alloc_libc, session->env, &options, &held->expr, err) != TT_OK) {
        return fail_status(session, err);
    }
    tt_expr_eval(held->expr, session->slots, held->scratch, ret);
    return ret->type != TT_TYPE_NONE || fail_value(session, ret, text, err);
}

/* A name that is a literal: its let has nobody to speak to. */
static bool is_literal(struct tt_str name)
{
    return tt_str_equal_text(name, "true") || tt_str_equal_text(name, "false") ||
           tt_str_equal_text(name, "null");
}

static bool add_let(struct session *session, const struct tt_expression_let *let,
                    struct tt_error *err)
{
    struct tt_value value = tt_value_none(TT_VALUE_MISSING);
    uint32_t slot = 0;
    if (!evaluate(session, let->text, &session->held[session->held_count++], &value, err)) {
        struct tt_error inner = *err;
        (void)tt_fail_at(err, inner.status, inner.line, inner.column, inner.offset, "let %.*s: %s",
                         (int)(let->name.size < 64 ? let->name.size : 64), let->name.data,
                         inner.message);
        return false;
    }
    if (is_literal(let->name)) {
        return true;
    }
    if (tt_expr_env_add(session->env, let->name, TT_TYPE_DYN, &slot, err) != TT_OK) {
        return fail_status(session, err);
    }
    session->slots[slot] = value;
    return true;
}

static void write_value(struct tt_json_writer *writer, const struct tt_value *value, int level);

/* CEL text as a JSON string. */
static void write_text(struct tt_json_writer *writer, const struct tt_value *value)
{
    struct tt_buf buf;
    tt_buf_init(&buf, &tt_alloc_libc, VALUE_TEXT_MAX);
    if (tt_value_print(value, &buf) != TT_OK) {
        writer->buf->status = buf.status;
    }
    tt_json_string(writer, buf.data == NULL ? TT_STR("") : tt_buf_str(&buf));
    tt_buf_deinit(&buf);
}

static void write_double(struct tt_json_writer *writer, double number)
{
    if (__builtin_isfinite(number) != 0) {
        tt_json_double(writer, number);
    } else {
        tt_json_text(writer, number > 0.0 ? "Infinity" : number < 0.0 ? "-Infinity" : "NaN");
    }
}

/* The key of a map as a member's name: a text as it is, the others as CEL text without suffix. */
static void write_key(struct tt_json_writer *writer, const struct tt_value *key)
{
    char text[32];
    switch (key->type) {
    case TT_TYPE_STRING:
        tt_json_key_str(writer, key->text);
        return;
    case TT_TYPE_INT:
        (void)snprintf(text, sizeof(text), "%lld", (long long)key->integer);
        break;
    case TT_TYPE_UINT:
        (void)snprintf(text, sizeof(text), "%llu", (unsigned long long)key->uinteger);
        break;
    default:
        (void)snprintf(text, sizeof(text), "%s", key->boolean ? "true" : "false");
        break;
    }
    tt_json_key(writer, text);
}

static void write_items(struct tt_json_writer *writer, const struct tt_value *value, int level)
{
    const struct tt_list *list = value->list;
    if (level >= JSON_LEVELS) {
        write_text(writer, value);
        return;
    }
    if (value->type == TT_TYPE_MAP) {
        tt_json_object_begin(writer);
        for (uint32_t i = 0; i + 1 < list->count; i += 2) {
            write_key(writer, &list->items[i]);
            write_value(writer, &list->items[i + 1], level + 1);
        }
        tt_json_object_end(writer);
        return;
    }
    tt_json_array_begin(writer);
    for (uint32_t i = 0; i < list->count; i++) {
        write_value(writer, &list->items[i], level + 1);
    }
    tt_json_array_end(writer);
}

static void write_value(struct tt_json_writer *writer, const struct tt_value *value, int level)
{
    switch (value->type) {
    case TT_TYPE_BOOL:
        tt_json_bool(writer, value->boolean);
        break;
    case TT_TYPE_NULL:
        tt_json_null(writer);
        break;
    case TT_TYPE_STRING:
        tt_json_string(writer, value->text);
        break;
    case TT_TYPE_DOUBLE:
        write_double(writer, value->number);
        break;
    case TT_TYPE_LIST:
    case TT_TYPE_MAP:
        write_items(writer, value, level);
        break;
    case TT_TYPE_INT:
        if (value->integer <= SAFE_INTEGER && value->integer >= -SAFE_INTEGER) {
            tt_json_int64(writer, value->integer);
            break;
        }
        write_text(writer, value);
        break;
    case TT_TYPE_UINT:
        if (value->uinteger <= (uint64_t)SAFE_INTEGER) {
            tt_json_uint64(writer, value->uinteger);
            break;
        }
        write_text(writer, value);
        break;
    default:
        write_text(writer, value);
        break;
    }
}

static void end_session(struct session *session)
{
    for (size_t i = 0; i < session->held_count; i++) {
        tt_expr_free(session->held[i].expr);
        tt_delete(&tt_alloc_libc, session->held[i].scratch, sizeof(struct tt_expr_scratch));
    }
    tt_expr_free(session->whole.expr);
    tt_delete(&tt_alloc_libc, session->whole.scratch, sizeof(struct tt_expr_scratch));
    tt_expr_env_free(session->env);
}

bool tt_expression_write(const struct tt_expression *expression, struct tt_json_writer *writer,
                         struct tt_error *err)
{
    struct session session = {.env = NULL};
    struct tt_value value = tt_value_none(TT_VALUE_MISSING);
    bool good = tt_expr_env_new(&tt_alloc_libc, NULL, &session.env, err) == TT_OK ||
                fail_status(&session, err);
    if (good) {
        tt_expr_env_set_host(session.env, &tt_outside);
    }
    for (size_t i = 0; good && i < expression->let_count; i++) {
        good = add_let(&session, &expression->lets[i], err);
    }
    good = good && evaluate(&session, expression->text, &session.whole, &value, err);
    if (good) {
        tt_json_member_text(writer, "type", tt_type_name((enum tt_type)value.type));
        tt_json_key(writer, "value");
        write_value(writer, &value, 0);
    } else {
        tt_expression_write_error(writer, session.code, err->message, err->offset);
    }
    end_session(&session);
    return good;
}
