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
