/* The configuration in force as text: YAML that can be read back, and JSON. */
#include <string.h>

#include "base/timetext.h"
#include "format/json_write.h"
#include "runtime/config_rows.h"

/* Characters of several bytes that YAML does not take as they are, or takes for a line break. */
static bool is_special(struct tt_str text, size_t *ret_size, unsigned *ret_code)
{
    const unsigned char *byte = (const unsigned char *)text.data;
    if (text.size >= 2 && byte[0] == 0xc2u && byte[1] < 0xa0u) { /* U+0080 … U+009F */
        *ret_size = 2;
        *ret_code = byte[1];
        return true;
    }
    if (text.size < 3 || byte[0] < 0xe0u || byte[0] > 0xefu) {
        return false;
    }
    *ret_size = 3;
    *ret_code = (byte[0] & 0x0fu) << 12 | (byte[1] & 0x3fu) << 6 | (byte[2] & 0x3fu);
    return *ret_code == 0x2028u || *ret_code == 0x2029u || *ret_code == 0xfeffu ||
           *ret_code >= 0xfffeu;
}

/* A scalar in double quotes that reads back as the same bytes, "${" included. What is not UTF-8 (a
 * file's name may be so) is readable at least. */
static void write_quoted(struct tt_buf *buf, struct tt_str text)
{
    bool utf8 = tt_str_utf8_check(text) == text.size;
    (void)tt_buf_append_char(buf, '"');
    for (size_t i = 0; i < text.size; i++) {
        struct tt_str rest = {text.data + i, text.size - i};
        unsigned char byte = (unsigned char)text.data[i];
        size_t size;
        unsigned code;
        if (byte == '"' || byte == '\\') {
            (void)tt_buf_append_format(buf, "\\%c", byte);
        } else if (byte < 0x20u || byte == 0x7fu || (byte >= 0x80u && !utf8)) {
            (void)tt_buf_append_format(buf, "\\x%02x", byte);
        } else if (utf8 && is_special(rest, &size, &code)) {
            (void)tt_buf_append_format(buf, "\\u%04x", code);
            i += size - 1;
        } else {
            (void)tt_buf_append_text(buf, tt_str_starts_with(rest, TT_STR("${")) ? "$" : "");
            (void)tt_buf_append_char(buf, text.data[i]);
        }
    }
    (void)tt_buf_append_char(buf, '"');
}

static const void *field_of(const struct tt_config *config, const struct tt_option_row *row)
{
    return (const char *)config + row->offset;
}

static void write_tree(struct tt_buf *buf, const struct tt_tree *node);

static void write_children(struct tt_buf *buf, const struct tt_tree *node, bool keyed)
{
    for (const struct tt_tree *child = node->children; child != NULL; child = child->next) {
        if (keyed) {
            write_quoted(buf, child->key);
            (void)tt_buf_append_text(buf, ": ");
        }
        write_tree(buf, child);
        if (child->next != NULL) {
            (void)tt_buf_append_text(buf, ", ");
        }
    }
}

/* Whether a plain scalar keeps its meaning between commas and braces. */
static bool is_simple(struct tt_str text)
{
    for (size_t i = 0; i < text.size; i++) {
        char c = text.data[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (!letter && !(c >= '0' && c <= '9') && c != '.' && c != '+' && c != '-' && c != '_') {
            return false;
        }
    }
    return text.size > 0 && text.data[0] != '-' && text.data[0] != '.';
}

/* In flow style, on one line. */
static void write_tree(struct tt_buf *buf, const struct tt_tree *node)
{
    switch (node->kind) {
    case TT_TREE_NULL:
        (void)tt_buf_append_text(buf, "null");
        break;
    case TT_TREE_SCALAR:
        if (node->plain && is_simple(node->text)) {
            (void)tt_buf_append_str(buf, node->text);
        } else {
            write_quoted(buf, node->text);
        }
        break;
    case TT_TREE_SEQUENCE:
        (void)tt_buf_append_char(buf, '[');
        write_children(buf, node, false);
        (void)tt_buf_append_char(buf, ']');
        break;
    case TT_TREE_MAPPING:
        (void)tt_buf_append_char(buf, '{');
        write_children(buf, node, true);
        (void)tt_buf_append_char(buf, '}');
        break;
    }
}

static void write_list(struct tt_buf *buf, const struct tt_str_list *list)
{
    (void)tt_buf_append_char(buf, '[');
    for (size_t i = 0; i < list->count; i++) {
        if (i > 0) {
            (void)tt_buf_append_text(buf, ", ");
        }
        write_quoted(buf, list->items[i]);
    }
    (void)tt_buf_append_char(buf, ']');
}

static void write_text(struct tt_buf *buf, const struct tt_str *text)
{
    if (text->data == NULL) {
        (void)tt_buf_append_text(buf, "null");
    } else {
        write_quoted(buf, *text);
    }
}

static void write_secret(struct tt_buf *buf, const struct tt_str *text)
{
    (void)tt_buf_append_text(buf, text->data == NULL ? "null" : "\"" TT_SECRET_SHOWN "\"");
}

static void write_duration(struct tt_buf *buf, int64_t ms)
{
    char text[TT_TIME_TEXT_SIZE];
    size_t size = tt_duration_format(ms, text);
    (void)tt_buf_append(buf, text, size);
}

static void write_value(struct tt_buf *buf, const struct tt_config *config,
                        const struct tt_option_row *row)
{
    const void *field = field_of(config, row);
    const struct tt_tree *const *tree = field;
    switch (row->kind) {
    case TT_OPTION_KIND_BOOL:
        (void)tt_buf_append_text(buf, *(const bool *)field ? "true" : "false");
        break;
    case TT_OPTION_KIND_INT:
        (void)tt_buf_append_format(buf, "%lld", (long long)*(const int64_t *)field);
        break;
    case TT_OPTION_KIND_SIZE:
        tt_size_write(buf, *(const int64_t *)field);
        break;
    case TT_OPTION_KIND_DURATION:
        write_duration(buf, *(const int64_t *)field);
        break;
    case TT_OPTION_KIND_TEXT:
        write_text(buf, field);
        break;
    case TT_OPTION_KIND_CHOICE:
        (void)tt_buf_append_str(buf, *(const struct tt_str *)field);
        break;
    case TT_OPTION_KIND_SECRET:
        write_secret(buf, field);
        break;
    case TT_OPTION_KIND_LIST:
        write_list(buf, field);
        break;
    case TT_OPTION_KIND_TREE:
        if (*tree == NULL) {
            (void)tt_buf_append_text(buf, "null");
        } else {
            write_tree(buf, *tree);
        }
        break;
    }
}

/* Whether an earlier row lies below the same prefix. */
static bool is_seen(size_t index, struct tt_str prefix)
{
    for (size_t i = 0; i < index; i++) {
        if (tt_str_starts_with(tt_str_from(tt_option_rows[i].path), prefix)) {
            return true;
        }
    }
    return false;
}

struct tt_option_entry tt_option_entry_below(size_t index, struct tt_str prefix)
{
    struct tt_str path = tt_str_from(tt_option_rows[index].path);
    struct tt_option_entry entry = {{NULL, 0}, {NULL, 0}};
    if (!tt_str_starts_with(path, prefix)) {
        return entry;
    }
    struct tt_str rest = {path.data + prefix.size, path.size - prefix.size};
    struct tt_str name = tt_str_split(&rest, '.');
    if (rest.data == NULL) {
        entry.name = name;
        return entry;
    }
    struct tt_str below = {path.data, (size_t)(rest.data - path.data)};
    if (!is_seen(index, below)) {
        entry.name = name;
        entry.group = below;
    }
    return entry;
}

/* All rows below prefix ("" or "store."), each group where its first row stands. */
static void write_group(struct tt_buf *buf, const struct tt_config *config, struct tt_str prefix,
                        int indent)
{
    for (size_t i = 0; i < tt_option_count; i++) {
        struct tt_option_entry entry = tt_option_entry_below(i, prefix);
        if (entry.name.data == NULL) {
            continue;
        }
        (void)tt_buf_append_format(buf, "%*s%.*s:", indent, "", TT_STR_ARG(entry.name));
        (void)tt_buf_append_char(buf, entry.group.data != NULL ? '\n' : ' ');
        if (entry.group.data != NULL) {
            write_group(buf, config, entry.group, indent + 2);
        } else {
            write_value(buf, config, &tt_option_rows[i]);
            (void)tt_buf_append_char(buf, '\n');
        }
    }
}

enum tt_status tt_config_show(const struct tt_config *config, struct tt_buf *buf)
{
    if (config->file.data == NULL) {
        (void)tt_buf_append_text(buf, "# built-in defaults; no file was read\n");
    } else {
        (void)tt_buf_append_text(buf, "# read from ");
        write_quoted(buf, config->file);
        (void)tt_buf_append_char(buf, '\n');
    }
    write_group(buf, config, TT_STR(""), 0);
    return buf->status;
}

static void json_tree(struct tt_json_writer *writer, const struct tt_tree *node)
{
    switch (node->kind) {
    case TT_TREE_NULL:
        tt_json_null(writer);
        break;
    case TT_TREE_SCALAR:
        tt_json_string(writer, node->text);
        break;
    case TT_TREE_SEQUENCE:
        tt_json_array_begin(writer);
        for (const struct tt_tree *child = node->children; child != NULL; child = child->next) {
            json_tree(writer, child);
        }
        tt_json_array_end(writer);
        break;
    case TT_TREE_MAPPING:
        tt_json_object_begin(writer);
        for (const struct tt_tree *child = node->children; child != NULL; child = child->next) {
            tt_json_key_str(writer, child->key);
            json_tree(writer, child);
        }
        tt_json_object_end(writer);
        break;
    }
}

static void json_value(struct tt_json_writer *writer, const struct tt_config *config,
                       const struct tt_option_row *row)
{
    const void *field = field_of(config, row);
    const struct tt_str *text = field;
    const struct tt_str_list *list = field;
    const struct tt_tree *const *tree = field;
    switch (row->kind) {
    case TT_OPTION_KIND_BOOL:
        tt_json_bool(writer, *(const bool *)field);
        break;
    case TT_OPTION_KIND_INT:
    case TT_OPTION_KIND_SIZE:
    case TT_OPTION_KIND_DURATION:
        tt_json_int64(writer, *(const int64_t *)field);
        break;
    case TT_OPTION_KIND_TEXT:
    case TT_OPTION_KIND_CHOICE:
        tt_json_string(writer, *text);
        break;
    case TT_OPTION_KIND_SECRET:
        tt_json_text(writer, text->data != NULL ? TT_SECRET_SHOWN : NULL);
        break;
    case TT_OPTION_KIND_LIST:
        tt_json_array_begin(writer);
        for (size_t i = 0; i < list->count; i++) {
            tt_json_string(writer, list->items[i]);
        }
        tt_json_array_end(writer);
        break;
    case TT_OPTION_KIND_TREE:
        if (*tree == NULL) {
            tt_json_null(writer);
        } else {
            json_tree(writer, *tree);
        }
        break;
    }
}

enum tt_status tt_config_show_json(const struct tt_config *config, struct tt_buf *buf)
{
    struct tt_json_writer writer;
    tt_json_writer_init(&writer, buf);
    tt_json_object_begin(&writer);
    for (size_t i = 0; i < tt_option_count; i++) {
        tt_json_key(&writer, tt_option_rows[i].path);
        json_value(&writer, config, &tt_option_rows[i]);
    }
    tt_json_object_end(&writer);
    return buf->status;
}
