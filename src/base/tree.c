/* Reading a document tree: look-up, typed scalars and errors that name a place. */
#include "base/tree.h"

#include "base/number.h"
#include "base/timetext.h"

const struct tt_tree *tt_tree_get(const struct tt_tree *node, const char *key)
{
    if (node == NULL || node->kind != TT_TREE_MAPPING) {
        return NULL;
    }
    struct tt_str wanted = tt_str_from(key);
    for (const struct tt_tree *entry = node->children; entry != NULL; entry = entry->next) {
        if (tt_str_equal(entry->key, wanted)) {
            return entry;
        }
    }
    return NULL;
}

const char *tt_tree_kind_name(const struct tt_tree *node)
{
    if (node == NULL) {
        return "nothing";
    }
    switch (node->kind) {
    case TT_TREE_SCALAR:
        return "text";
    case TT_TREE_SEQUENCE:
        return "sequence";
    case TT_TREE_MAPPING:
        return "mapping";
    case TT_TREE_NULL:
        break;
    }
    return "null";
}

/* "wants a X, not a Y", or with the scalar's own text where there is one. */
static enum tt_status fail_type(const struct tt_tree *node, const char *wanted,
                                struct tt_error *err)
{
    if (node == NULL) {
        return tt_fail(err, TT_E_TYPE, "%s is missing", wanted);
    }
    if (node->kind == TT_TREE_SCALAR) {
        int shown = node->text.size < 60 ? (int)node->text.size : 60;
        return tt_fail_at(err, TT_E_TYPE, node->line, node->column, 0, "expected %s, not %s%.*s%s",
                          wanted, node->plain ? "" : "\"", shown,
                          node->text.data != NULL ? node->text.data : "", node->plain ? "" : "\"");
    }
    return tt_fail_at(err, TT_E_TYPE, node->line, node->column, 0, "expected %s, not a %s", wanted,
                      tt_tree_kind_name(node));
}

enum tt_status tt_tree_check_keys(const struct tt_tree *node, const char *const *keys, size_t count,
                                  struct tt_error *err)
{
    if (node == NULL || node->kind != TT_TREE_MAPPING) {
        return fail_type(node, "a mapping", err);
    }
    for (const struct tt_tree *entry = node->children; entry != NULL; entry = entry->next) {
        size_t i = 0;
        while (i < count && !tt_str_equal_text(entry->key, keys[i])) {
            i++;
        }
        if (i < count) {
            continue;
        }
        const char *nearest = tt_str_nearest(entry->key, keys, count);
        int shown = entry->key.size < 100 ? (int)entry->key.size : 100;
        return tt_fail_at(err, TT_E_UNKNOWN, entry->key_line, entry->key_column, 0,
                          "unknown key \"%.*s\"%s%s%s", shown,
                          entry->key.data != NULL ? entry->key.data : "",
                          nearest != NULL ? "; did you mean \"" : "",
                          nearest != NULL ? nearest : "", nearest != NULL ? "\"?" : "");
    }
    return TT_OK;
}

static bool is_plain_scalar(const struct tt_tree *node)
{
    return node != NULL && node->kind == TT_TREE_SCALAR && node->plain;
}

enum tt_status tt_tree_bool(const struct tt_tree *node, bool *ret, struct tt_error *err)
{
    if (is_plain_scalar(node)) {
        if (tt_str_equal_text(node->text, "true")) {
            *ret = true;
            return TT_OK;
        }
        if (tt_str_equal_text(node->text, "false")) {
            *ret = false;
            return TT_OK;
        }
    }
    return fail_type(node, "true or false", err);
}

enum tt_status tt_tree_int64(const struct tt_tree *node, int64_t *ret, struct tt_error *err)
{
    if (is_plain_scalar(node) && tt_int64_parse(node->text, ret)) {
        return TT_OK;
    }
    return fail_type(node, "an integer", err);
}

enum tt_status tt_tree_double(const struct tt_tree *node, double *ret, struct tt_error *err)
{
    if (is_plain_scalar(node) && tt_double_parse(node->text, ret)) {
        return TT_OK;
    }
    return fail_type(node, "a number", err);
}

enum tt_status tt_tree_text(const struct tt_tree *node, struct tt_str *ret, struct tt_error *err)
{
    if (node == NULL || node->kind != TT_TREE_SCALAR) {
        return fail_type(node, "a text", err);
    }
    *ret = node->text;
    return TT_OK;
}

enum tt_status tt_tree_duration(const struct tt_tree *node, int64_t *ret_ms, struct tt_error *err)
{
    if (node != NULL && node->kind == TT_TREE_SCALAR &&
        tt_duration_parse(node->text, ret_ms) == TT_OK) {
        return TT_OK;
    }
    return fail_type(node, "a duration such as 30d, 12h or 250ms", err);
}

/* Walking a scalar's source beside its text. */
struct walk {
    struct tt_str source;
    size_t at; /* in the source */
    uint32_t line, column;
};

static char source_char(const struct walk *walk, size_t ahead)
{
    return walk->at + ahead < walk->source.size ? walk->source.data[walk->at + ahead] : '\0';
}

static void step(struct walk *walk, size_t count)
{
    walk->at += count;
    walk->column += (uint32_t)count;
}

/* Over a line break and the indentation behind it: of a block scalar the one its first line has,
 * else all of it. */
static void step_line(struct walk *walk, uint32_t indent)
{
    walk->at++;
    walk->line++;
    walk->column = 1;
    while (source_char(walk, 0) == ' ' && (indent == 0 || walk->column < indent)) {
        step(walk, 1);
    }
}

/* How many blanks stand before the end of this line, which a flow scalar drops. */
static size_t trailing_blanks(const struct walk *walk)
{
    size_t count = 0;
    while (source_char(walk, count) == ' ' || source_char(walk, count) == '\t') {
        count++;
    }
    char next = source_char(walk, count);
    return next == '\n' || next == '\r' ? count : 0;
}

/* How many bytes of the source make the next byte of the text. */
static size_t source_width(const struct walk *walk, char quote)
{
    char c = source_char(walk, 0);
    bool escape = (quote == '"' && c == '\\') || (quote == '\'' && c == '\'');
    return escape ? 2 : 1;
}

void tt_tree_text_place(const struct tt_tree *node, size_t offset, uint32_t *ret_line,
                        uint32_t *ret_column)
{
    bool is_block = node->source_quote == '|' || node->source_quote == '>';
    struct walk walk = {node->source, 0, node->source_line, node->source_column};
    size_t done = 0; /* of the text */
    if (node->source.data == NULL) {
        *ret_line = node->line;
        *ret_column = node->column + (uint32_t)offset + (node->plain ? 0 : 1);
        return;
    }
    while (is_block && done < offset && node->text.data[done] == '\n') {
        done++; /* blank lines before the content, which starts at its first text */
    }
    while (done < offset && done < node->text.size && walk.at < walk.source.size) {
        step(&walk, is_block ? 0 : trailing_blanks(&walk));
        if (source_char(&walk, 0) == '\r') {
            walk.at++;
        } else if (source_char(&walk, 0) == '\n') {
            /* a break is a byte of the text, a space where it is folded; of several one less */
            bool counts = node->text.data[done] == ' ' || node->text.data[done] == '\n';
            done += counts ? 1 : 0;
            step_line(&walk, is_block ? node->source_column : 0);
        } else {
            step(&walk, source_width(&walk, node->source_quote));
            done++;
        }
    }
    /* further breaks of the same fold, when a byte behind them is asked for */
    bool behind = done < node->text.size && node->text.data[done] != '\n';
    while (behind && source_char(&walk, trailing_blanks(&walk)) == '\n') {
        step(&walk, trailing_blanks(&walk));
        step_line(&walk, is_block ? node->source_column : 0);
    }
    *ret_line = walk.line;
    *ret_column = walk.column;
}
