/* JSON documents as lines, byte for byte. See json_lines.h. */
#include "format/json_lines.h"

/* A byte inside a string: only its end matters. */
static void take_string(struct tt_json_lines *lines, char c)
{
    if (lines->escaped) {
        lines->escaped = false;
    } else if (c == '\\') {
        lines->escaped = true;
    } else if (c == '"') {
        lines->string = false;
    }
}

static bool is_space(char c)
{
    return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

/* A byte between two records. */
static char take_between(struct tt_json_lines *lines, char c)
{
    if (c == '[' && !lines->array) {
        lines->array = true;
        return '\n';
    }
    if (c == ']' && lines->array) {
        lines->array = false;
        return '\n';
    }
    if (is_space(c) || (c == ',' && lines->array)) {
        return '\n';
    }
    lines->depth += c == '{' || c == '[' ? 1 : 0;
    return c;
}

static char take_byte(struct tt_json_lines *lines, char c)
{
    if (lines->string) {
        take_string(lines, c);
        return c;
    }
    if (c == '"') {
        lines->string = true;
        return c;
    }
    if (lines->depth == 0) {
        return take_between(lines, c);
    }
    if (c == '{' || c == '[') {
        lines->depth++;
    } else if (c == '}' || c == ']') {
        lines->depth--;
    }
    return is_space(c) ? ' ' : c;
}

static enum tt_status lines_read(void *ctx, char *data, size_t capacity, size_t *ret_size,
                                 struct tt_error *err)
{
    struct tt_json_lines *lines = ctx;
    enum tt_status status = lines->inner.read(lines->inner.ctx, data, capacity, ret_size, err);
    if (status != TT_OK) {
        return status;
    }
    if (*ret_size == 0 && (lines->depth > 0 || lines->string || lines->array)) {
        return tt_fail_at(err, TT_E_SYNTAX, 0, 0, lines->offset,
                          "the JSON document ends in the middle, at byte %llu: %s is not closed",
                          (unsigned long long)lines->offset,
                          lines->depth > 0 || lines->string ? "a record" : "the array");
    }
    for (size_t i = 0; i < *ret_size; i++) {
        data[i] = take_byte(lines, data[i]);
    }
    lines->offset += *ret_size;
    return TT_OK;
}

struct tt_source tt_json_lines_init(struct tt_json_lines *lines, struct tt_source inner)
{
    *lines = (struct tt_json_lines){.inner = inner};
    return (struct tt_source){lines_read, lines};
}
