/* ${env:NAME} and ${file:path} in the scalars of the start-up file; "$${" stands for "${".
 * What came from outside is never repeated in a message: it may be a secret. */
#include <stdlib.h>
#include <string.h>

#include "runtime/config_rows.h"
#include "runtime/files.h"

#define FILE_SIZE_MAX ((size_t)65536)
#define TEXT_SIZE_MAX ((size_t)1 << 20)
#define DEPTH_MAX 64
#define NAME_SIZE_MAX ((size_t)4096)

static bool has_reference(struct tt_str text)
{
    for (size_t i = 0; i + 1 < text.size; i++) {
        if (text.data[i] == '$' && text.data[i + 1] == '{') {
            return true;
        }
    }
    return false;
}

static enum tt_status fail_here(const struct tt_tree *node, enum tt_status status, const char *what,
                                const char *name, struct tt_error *err)
{
    return tt_fail_at(err, status, node->line, node->column, 0, "%s: %s", what, name);
}

/* A NUL or half a character would turn up much later, far from here. */
static enum tt_status check_outside(const struct tt_tree *node, struct tt_str text,
                                    const char *name, struct tt_error *err)
{
    if (text.size > 0 && memchr(text.data, 0, text.size) != NULL) {
        return fail_here(node, TT_E_INVALID, "a NUL byte in what stands for", name, err);
    }
    if (tt_str_utf8_check(text) != text.size) {
        return fail_here(node, TT_E_INVALID, "not UTF-8: what stands for", name, err);
    }
    return TT_OK;
}

static enum tt_status append_variable(const struct tt_tree *node, const char *name,
                                      struct tt_buf *buf, struct tt_error *err)
{
    const char *value = getenv(name);
    if (value == NULL) {
        return fail_here(node, TT_E_NOT_FOUND, "the environment has no variable", name, err);
    }
    enum tt_status status = check_outside(node, tt_str_from(value), name, err);
    return status == TT_OK ? tt_buf_append_text(buf, value) : status;
}

/* The whole file without one line end at its end. */
static enum tt_status append_file(const struct tt_tree *node, const char *path, struct tt_buf *buf,
                                  struct tt_error *err)
{
    struct tt_buf content;
    tt_buf_init(&content, buf->alloc, FILE_SIZE_MAX);
    struct tt_error reason = {0};
    enum tt_status status = tt_file_read(path, &content, &reason);
    if (status != TT_OK) {
        status = tt_fail_at(err, status, node->line, node->column, 0, "%s", reason.message);
    } else {
        struct tt_str text = tt_buf_str(&content);
        if (tt_str_ends_with(text, TT_STR("\n"))) {
            text.size -= tt_str_ends_with(text, TT_STR("\r\n")) ? 2 : 1;
        }
        status = check_outside(node, text, path, err);
        if (status == TT_OK) {
            status = tt_buf_append_str(buf, text);
        }
    }
    tt_buf_deinit(&content);
    return status;
}

/* inside: what stands between the braces. */
static enum tt_status append_reference(const struct tt_tree *node, struct tt_str inside,
                                       struct tt_buf *buf, struct tt_error *err)
{
    struct tt_str name = inside;
    struct tt_str scheme = tt_str_split(&name, ':');
    char text[NAME_SIZE_MAX];
    bool usable = name.data != NULL && name.size > 0 && name.size < sizeof text &&
                  memchr(name.data, 0, name.size) == NULL;
    if (usable) {
        memcpy(text, name.data, name.size);
        text[name.size] = '\0';
        if (tt_str_equal_text(scheme, "env")) {
            return append_variable(node, text, buf, err);
        }
        if (tt_str_equal_text(scheme, "file") && strcmp(text, "-") != 0) { /* not standard input */
            return append_file(node, text, buf, err);
        }
    }
    return tt_fail_at(err, TT_E_SYNTAX, node->line, node->column, 0,
                      "expected ${env:NAME} or ${file:path}, not ${%.*s}",
                      TT_STR_ARG(tt_option_shown(inside, 60)));
}

static enum tt_status expand(const struct tt_tree *node, struct tt_buf *buf, struct tt_error *err)
{
    struct tt_str text = node->text;
    size_t i = 0;
    while (i < text.size) {
        struct tt_str rest = {text.data + i, text.size - i};
        if (tt_str_starts_with(rest, TT_STR("$${"))) {
            (void)tt_buf_append_text(buf, "${");
            i += 3;
        } else if (tt_str_starts_with(rest, TT_STR("${"))) {
            const char *end = memchr(rest.data, '}', rest.size);
            if (end == NULL) {
                return tt_fail_at(err, TT_E_SYNTAX, node->line, node->column, 0,
                                  "${ without its }; write $${ for the two characters");
            }
            struct tt_str inside = {rest.data + 2, (size_t)(end - rest.data) - 2};
            enum tt_status status = append_reference(node, inside, buf, err);
            if (status != TT_OK) {
                return status;
            }
            i += inside.size + 3;
        } else {
            (void)tt_buf_append_char(buf, text.data[i++]);
        }
    }
    return buf->status;
}

/* A reference that is the whole scalar may give a number even in quotes, which a flow mapping
 * ({port: "${env:PORT}"}) cannot do without. */
static bool is_one_reference(struct tt_str text)
{
    const char *end = text.size > 0 ? memchr(text.data, '}', text.size) : NULL;
    return tt_str_starts_with(text, TT_STR("${")) && end == text.data + text.size - 1;
}

static enum tt_status resolve_scalar(struct tt_arena *arena, struct tt_tree *node,
                                     struct tt_error *err)
{
    struct tt_alloc alloc = tt_arena_alloc(arena);
    struct tt_buf buf;
    tt_buf_init(&buf, &alloc, TEXT_SIZE_MAX);
    struct tt_error reason = {0};
    enum tt_status status = expand(node, &buf, &reason);
    if (status == TT_OK) {
        status = tt_buf_append(&buf, "", 0); /* an empty one has its NUL too */
    }
    if (status != TT_OK) {
        if (reason.status == TT_OK) {
            return tt_fail_at(err, status, node->line, node->column, 0,
                              "the text is too long or memory is short");
        }
        if (err != NULL) {
            *err = reason;
        }
        return status;
    }
    node->plain = node->plain || is_one_reference(node->text);
    node->text = tt_buf_str(&buf);
    return TT_OK;
}

static bool tree_has_reference(const struct tt_tree *node, unsigned depth)
{
    if (node->kind == TT_TREE_SCALAR && has_reference(node->text)) {
        return true;
    }
    for (const struct tt_tree *child = node->children; depth > 0 && child != NULL;
         child = child->next) {
        if (tree_has_reference(child, depth - 1)) {
            return true;
        }
    }
    return false;
}

static enum tt_status copy_tree(struct tt_arena *arena, const struct tt_tree *node, unsigned depth,
                                struct tt_tree **ret, struct tt_error *err)
{
    struct tt_tree *copy = tt_arena_new(arena, sizeof *copy);
    if (copy == NULL) {
        return tt_fail(err, TT_E_NOMEM, "no memory for the configuration");
    }
    if (depth == 0) {
        return tt_fail_at(err, TT_E_LIMIT, node->line, node->column, 0, "nested too deep");
    }
    *copy = *node;
    copy->next = NULL;
    copy->children = NULL;
    enum tt_status status = TT_OK;
    if (node->kind == TT_TREE_SCALAR && has_reference(node->text)) {
        status = resolve_scalar(arena, copy, err);
    }
    struct tt_tree **end = &copy->children;
    for (const struct tt_tree *child = node->children; status == TT_OK && child != NULL;
         child = child->next) {
        status = copy_tree(arena, child, depth - 1, end, err);
        if (status == TT_OK) {
            end = &(*end)->next;
        }
    }
    if (status == TT_OK) {
        *ret = copy;
    }
    return status;
}

enum tt_status tt_reference_resolve(struct tt_arena *arena, const struct tt_tree *node,
                                    const struct tt_tree **ret, bool *ret_hidden,
                                    struct tt_error *err)
{
    if (!tree_has_reference(node, DEPTH_MAX)) {
        *ret = node;
        *ret_hidden = false;
        return TT_OK;
    }
    struct tt_tree *copy = NULL;
    enum tt_status status = copy_tree(arena, node, DEPTH_MAX, &copy, err);
    if (status == TT_OK) {
        *ret = copy;
        *ret_hidden = true;
    }
    return status;
}
