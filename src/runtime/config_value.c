/* Values of options: one reader a kind; defaults go through the same. */
#include <stdio.h>
#include <string.h>

#include "base/number.h"
#include "base/timetext.h"
#include "runtime/config_rows.h"

#define SHOWN_MAX 60
#define LIST_ITEMS_MAX 10000
#define TREE_DEPTH_MAX 8u

static const struct {
    const char *name;
    int64_t bytes;
} size_units[] = {
    {"TiB", INT64_C(1) << 40},
    {"GiB", INT64_C(1) << 30},
    {"MiB", INT64_C(1) << 20},
    {"KiB", INT64_C(1) << 10},
    {"B", 1},
};

enum tt_status tt_size_parse(struct tt_str text, int64_t *ret_bytes)
{
    size_t digits = 0;
    while (digits < text.size && text.data[digits] >= '0' && text.data[digits] <= '9') {
        digits++;
    }
    if (digits == 0) {
        return TT_E_SYNTAX;
    }
    int64_t unit = 0;
    struct tt_str name = tt_str_trim((struct tt_str){text.data + digits, text.size - digits});
    for (size_t i = 0; i < TT_ARRAY_SIZE(size_units); i++) {
        if (tt_str_equal_text(name, size_units[i].name)) {
            unit = size_units[i].bytes;
        }
    }
    if (unit == 0 && name.size > 0) {
        return TT_E_SYNTAX;
    }
    int64_t count;
    int64_t bytes;
    if (!tt_int64_parse((struct tt_str){text.data, digits}, &count) ||
        __builtin_mul_overflow(count, unit == 0 ? 1 : unit, &bytes)) {
        return TT_E_LIMIT;
    }
    *ret_bytes = bytes;
    return TT_OK;
}

void tt_size_write(struct tt_buf *buf, int64_t bytes)
{
    for (size_t i = 0; i < TT_ARRAY_SIZE(size_units); i++) {
        if (size_units[i].bytes > 1 && bytes > 0 && bytes % size_units[i].bytes == 0) {
            (void)tt_buf_append_format(buf, "%lld%s", (long long)(bytes / size_units[i].bytes),
                                       size_units[i].name);
            return;
        }
    }
    (void)tt_buf_append_format(buf, "%lld", (long long)bytes);
}

struct tt_str tt_option_shown(struct tt_str text, size_t size_max)
{
    if (text.size > size_max) {
        text.size = size_max;
    }
    text.size = tt_str_utf8_check(text);
    return text;
}

bool tt_choice_next(struct tt_str *rest, struct tt_str *ret)
{
    if (rest->data == NULL || rest->size == 0) {
        return false;
    }
    *ret = tt_str_split(rest, '|');
    return true;
}

/* "http.port: expected …, not 70000", without the value where it must not be repeated. */
static enum tt_status fail_value(const struct tt_option_row *row, const struct tt_tree *node,
                                 bool hidden, enum tt_status status, const char *expected,
                                 struct tt_error *err)
{
    char shown[SHOWN_MAX + 16] = "";
    if (node->kind != TT_TREE_SCALAR) {
        (void)snprintf(shown, sizeof shown, ", not a %s", tt_tree_kind_name(node));
    } else if (!hidden && row->kind != TT_OPTION_KIND_SECRET) {
        (void)snprintf(shown, sizeof shown, ", not \"%.*s\"",
                       TT_STR_ARG(tt_option_shown(node->text, SHOWN_MAX)));
    }
    return tt_fail_at(err, status, node->line, node->column, 0, "%s: expected %s%s", row->path,
                      expected, shown);
}

static enum tt_status parse_number(const struct tt_option_row *row, struct tt_str text,
                                   int64_t *ret)
{
    switch (row->kind) {
    case TT_OPTION_KIND_SIZE:
        return tt_size_parse(text, ret);
    case TT_OPTION_KIND_DURATION:
        return tt_duration_parse(text, ret);
    default:
        return tt_int64_parse(text, ret) ? TT_OK : TT_E_SYNTAX;
    }
}

static bool is_in_range(const struct tt_option_row *row, int64_t value)
{
    int64_t bound = 0;
    if (row->min[0] != '\0') {
        enum tt_status status = parse_number(row, tt_str_from(row->min), &bound);
        TT_ASSERT(status == TT_OK);
        if (value < bound) {
            return false;
        }
    }
    if (row->max[0] != '\0') {
        enum tt_status status = parse_number(row, tt_str_from(row->max), &bound);
        TT_ASSERT(status == TT_OK);
        return value <= bound;
    }
    return true;
}

static enum tt_status read_number(const struct tt_option_row *row, const struct tt_tree *node,
                                  bool hidden, int64_t *ret, struct tt_error *err)
{
    static const char *const nouns[] = {
        [TT_OPTION_KIND_INT] = "an integer",
        [TT_OPTION_KIND_SIZE] = "a size such as 64KiB or 1GiB",
        [TT_OPTION_KIND_DURATION] = "a duration such as 250ms, 30s or 7d",
    };
    char expected[160];
    bool bounded = row->min[0] != '\0' && row->max[0] != '\0';
    (void)snprintf(expected, sizeof expected, "%s%s%s%s%s", nouns[row->kind],
                   bounded ? " from " : "", bounded ? row->min : "", bounded ? " to " : "",
                   bounded ? row->max : "");
    int64_t value = 0;
    /* an integer in quotes is text; sizes and durations are texts anyway */
    bool typed = node->kind == TT_TREE_SCALAR && (node->plain || row->kind != TT_OPTION_KIND_INT);
    enum tt_status status = typed ? parse_number(row, node->text, &value) : TT_E_TYPE;
    if (status != TT_OK) {
        status = status == TT_E_LIMIT ? TT_E_INVALID : TT_E_TYPE;
    } else if (!is_in_range(row, value)) {
        status = TT_E_INVALID;
    }
    if (status != TT_OK) {
        return fail_value(row, node, hidden, status, expected, err);
    }
    *ret = value;
    return TT_OK;
}

static enum tt_status read_bool(const struct tt_option_row *row, const struct tt_tree *node,
                                bool hidden, bool *ret, struct tt_error *err)
{
    if (tt_tree_bool(node, ret, NULL) != TT_OK) {
        return fail_value(row, node, hidden, TT_E_TYPE, "true or false", err);
    }
    return TT_OK;
}

static enum tt_status copy_text(struct tt_arena *arena, struct tt_str text, struct tt_str *ret,
                                struct tt_error *err)
{
    char *copy = tt_arena_copy(arena, text.data, text.size);
    if (copy == NULL) {
        return tt_fail(err, TT_E_NOMEM, "no memory for the configuration");
    }
    *ret = (struct tt_str){copy, text.size};
    return TT_OK;
}

/* An empty text is a mistake nearly always (an empty variable): not set is written null. */
static enum tt_status read_text(struct tt_arena *arena, const struct tt_option_row *row,
                                const struct tt_tree *node, bool hidden, struct tt_str *ret,
                                struct tt_error *err)
{
    if (node->kind != TT_TREE_SCALAR) {
        return fail_value(row, node, hidden, TT_E_TYPE, "a text", err);
    }
    bool fine = node->text.size > 0 && memchr(node->text.data, 0, node->text.size) == NULL &&
                tt_str_utf8_check(node->text) == node->text.size;
    if (!fine) {
        return fail_value(row, node, hidden, TT_E_INVALID, "a non-empty UTF-8 text without NUL",
                          err);
    }
    return copy_text(arena, node->text, ret, err);
}

/* Whether the text is one of the row's choices; else fails with the nearest or all of them. */
static enum tt_status check_choice(const struct tt_option_row *row, const struct tt_tree *node,
                                   bool hidden, struct tt_error *err)
{
    char expected[200] = "one of ";
    size_t size = strlen(expected);
    struct tt_str rest = tt_str_from(row->min);
    struct tt_str name;
    while (tt_choice_next(&rest, &name)) {
        if (node->kind == TT_TREE_SCALAR && tt_str_equal(name, node->text)) {
            return TT_OK;
        }
        int length = snprintf(expected + size, sizeof expected - size, "%.*s%s", TT_STR_ARG(name),
                              rest.data != NULL ? ", " : "");
        size += length > 0 && (size_t)length < sizeof expected - size ? (size_t)length : 0;
    }
    enum tt_status status = node->kind == TT_TREE_SCALAR ? TT_E_INVALID : TT_E_TYPE;
    return fail_value(row, node, hidden, status, expected, err);
}

static enum tt_status read_item(struct tt_arena *arena, const struct tt_option_row *row,
                                const struct tt_tree *node, bool hidden, struct tt_str *ret,
                                struct tt_error *err)
{
    if (row->min[0] != '\0') {
        enum tt_status status = check_choice(row, node, hidden, err);
        if (status != TT_OK) {
            return status;
        }
    }
    return read_text(arena, row, node, hidden, ret, err);
}

/* A sequence of texts, or one text for a list of one. */
static enum tt_status read_list(struct tt_arena *arena, const struct tt_option_row *row,
                                const struct tt_tree *node, bool hidden, struct tt_str_list *ret,
                                struct tt_error *err)
{
    if (node->kind != TT_TREE_SEQUENCE && node->kind != TT_TREE_SCALAR) {
        return fail_value(row, node, hidden, TT_E_TYPE, "a list of texts", err);
    }
    bool single = node->kind == TT_TREE_SCALAR;
    size_t count = 0;
    for (const struct tt_tree *item = node->children; !single && item != NULL; item = item->next) {
        count++;
    }
    count = single ? 1 : count;
    if (count > LIST_ITEMS_MAX) {
        return fail_value(row, node, hidden, TT_E_LIMIT, "at most 10000 texts", err);
    }
    struct tt_str_list list = {NULL, count};
    if (count > 0) {
        list.items = tt_arena_new_array(arena, count, sizeof *list.items);
        if (list.items == NULL) {
            return tt_fail(err, TT_E_NOMEM, "no memory for the configuration");
        }
    }
    const struct tt_tree *item = single ? node : node->children;
    for (size_t i = 0; i < count; i++, item = item->next) {
        enum tt_status status = read_item(arena, row, item, hidden, &list.items[i], err);
        if (status != TT_OK) {
            return status;
        }
    }
    *ret = list;
    return TT_OK;
}

static bool is_deeper(const struct tt_tree *node, unsigned depth)
{
    for (const struct tt_tree *child = node->children; child != NULL; child = child->next) {
        if (depth == 0 || is_deeper(child, depth - 1)) {
            return true;
        }
    }
    return false;
}

static enum tt_status read_tree(const struct tt_option_row *row, const struct tt_tree *node,
                                bool hidden, const struct tt_tree **ret, struct tt_error *err)
{
    if (node->kind != TT_TREE_MAPPING) {
        return fail_value(row, node, hidden, TT_E_TYPE, "a mapping", err);
    }
    if (is_deeper(node, TREE_DEPTH_MAX)) {
        return tt_fail_at(err, TT_E_LIMIT, node->line, node->column, 0,
                          "%s: nested deeper than %u levels", row->path, TREE_DEPTH_MAX);
    }
    *ret = node;
    return TT_OK;
}

/* null: not set, where the default is that. */
static enum tt_status unset(struct tt_config *config, const struct tt_option_row *row,
                            const struct tt_tree *node, struct tt_error *err)
{
    if (row->initial != NULL) {
        return tt_fail_at(err, TT_E_TYPE, node->line, node->column, 0,
                          "%s: expected a value; leave the key out for the default %s", row->path,
                          row->initial);
    }
    char *field = (char *)config + row->offset;
    switch (row->kind) {
    case TT_OPTION_KIND_LIST:
        *(struct tt_str_list *)(void *)field = (struct tt_str_list){NULL, 0};
        break;
    case TT_OPTION_KIND_TREE:
        *(const struct tt_tree **)(void *)field = NULL;
        break;
    default:
        *(struct tt_str *)(void *)field = (struct tt_str){NULL, 0};
        break;
    }
    return TT_OK;
}

enum tt_status tt_option_read(struct tt_config *config, const struct tt_option_row *row,
                              const struct tt_tree *node, bool hidden, struct tt_error *err)
{
    if (node->kind == TT_TREE_NULL) {
        return unset(config, row, node, err);
    }
    void *field = (char *)config + row->offset;
    enum tt_status status = TT_OK;
    switch (row->kind) {
    case TT_OPTION_KIND_BOOL:
        return read_bool(row, node, hidden, field, err);
    case TT_OPTION_KIND_INT:
    case TT_OPTION_KIND_SIZE:
    case TT_OPTION_KIND_DURATION:
        return read_number(row, node, hidden, field, err);
    case TT_OPTION_KIND_CHOICE:
        status = check_choice(row, node, hidden, err);
        return status == TT_OK ? copy_text(config->arena, node->text, field, err) : status;
    case TT_OPTION_KIND_TEXT:
    case TT_OPTION_KIND_SECRET:
        return read_text(config->arena, row, node, hidden, field, err);
    case TT_OPTION_KIND_LIST:
        return read_list(config->arena, row, node, hidden, field, err);
    case TT_OPTION_KIND_TREE:
        return read_tree(row, node, hidden, field, err);
    }
    return TT_OK;
}
