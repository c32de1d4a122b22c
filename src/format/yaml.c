/*
 * YAML by libyaml's events (yaml.h): an explicit stack of open containers, no recursion.
 *
 * libyaml allocates with malloc and knows no limit on size or depth; so the text's size is checked
 * first, UTF-8 too (libyaml would also read UTF-16), and depth and nodes while events come.
 */
#include "format/yaml.h"

#include <string.h>

#include <yaml.h>

#define DIRECTIVES_MAX 64

struct level {
    struct tt_tree *node;
    struct tt_tree **link;
    struct tt_tree *pending; /* in a mapping: the entry whose key was read */
};

struct builder {
    struct tt_arena *arena;
    struct tt_error *err;
    struct tt_tree *root;
    uint32_t nodes;
    uint32_t depth;
    struct tt_str text; /* the document, */
    size_t line_start;  /* and in it the start of a line not behind the current event's */
    size_t line;        /* from 0 */
    struct level levels[TT_YAML_DEPTH_MAX + 1];
};

static enum tt_status fail_at_mark(struct tt_error *err, enum tt_status status, yaml_mark_t mark,
                                   const char *text)
{
    return tt_fail_at(err, status, (uint32_t)mark.line + 1, (uint32_t)mark.column + 1, mark.index,
                      "%s", text);
}

static enum tt_status fail_nomem(struct tt_error *err)
{
    return tt_fail(err, TT_E_NOMEM, "out of memory");
}

static bool copy_text(struct tt_arena *arena, const yaml_event_t *event, struct tt_str *ret)
{
    size_t size = event->data.scalar.length;
    char *copy = tt_arena_copy(arena, (const char *)event->data.scalar.value, size);
    *ret = (struct tt_str){copy, size};
    return copy != NULL;
}

/* Plain text that YAML 1.2's core schema reads as null. */
static bool is_null(struct tt_str text)
{
    return text.size == 0 || tt_str_equal_text(text, "~") || tt_str_equal_text(text, "null") ||
           tt_str_equal_text(text, "Null") || tt_str_equal_text(text, "NULL");
}

/* The anchor or tag of an event, when it has one: what this reader leaves out. */
static const char *unsupported(const yaml_event_t *event)
{
    const yaml_char_t *anchor = NULL, *tag = NULL;
    switch (event->type) {
    case YAML_ALIAS_EVENT:
        return "aliases (*name) are not supported: write the value out";
    case YAML_SCALAR_EVENT:
        anchor = event->data.scalar.anchor;
        tag = event->data.scalar.tag;
        break;
    case YAML_SEQUENCE_START_EVENT:
        anchor = event->data.sequence_start.anchor;
        tag = event->data.sequence_start.tag;
        break;
    case YAML_MAPPING_START_EVENT:
        anchor = event->data.mapping_start.anchor;
        tag = event->data.mapping_start.tag;
        break;
    default:
        break;
    }
    if (anchor != NULL) {
        return "anchors (&name) are not supported";
    }
    return tag != NULL ? "tags (!name) are not supported: types follow from the key" : NULL;
}

static bool key_is_taken(const struct tt_tree *mapping, struct tt_str key)
{
    for (const struct tt_tree *child = mapping->children; child != NULL; child = child->next) {
        if (tt_str_equal(child->key, key)) {
            return true;
        }
    }
    return false;
}

/* A mapping's key was read: makes its entry, which waits for the value. */
static enum tt_status take_key(struct builder *builder, const yaml_event_t *event)
{
    struct level *level = &builder->levels[builder->depth];
    yaml_mark_t mark = event->start_mark;
    struct tt_str key = {0};
    if (event->type != YAML_SCALAR_EVENT) {
        return fail_at_mark(builder->err, TT_E_UNSUPPORTED, mark, "a key must be text");
    }
    if (builder->nodes++ == TT_YAML_NODES_MAX) {
        return fail_at_mark(builder->err, TT_E_LIMIT, mark, "too many values");
    }
    struct tt_tree *node = tt_arena_new_array(builder->arena, 1, sizeof *node);
    if (node == NULL || !copy_text(builder->arena, event, &key)) {
        return fail_nomem(builder->err);
    }
    bool plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
    if (plain && tt_str_equal_text(key, "<<")) {
        return fail_at_mark(builder->err, TT_E_UNSUPPORTED, mark,
                            "merge keys (<<) are not supported: write the entries out");
    }
    if (level->node->child_count >= TT_YAML_KEYS_MAX) {
        return fail_at_mark(builder->err, TT_E_LIMIT, mark, "too many keys in one mapping");
    }
    if (key_is_taken(level->node, key)) {
        return tt_fail_at(builder->err, TT_E_CONFLICT, (uint32_t)mark.line + 1,
                          (uint32_t)mark.column + 1, mark.index, "the key \"%.*s\" is there twice",
                          key.size < 100 ? (int)key.size : 100, key.data);
    }
    node->key = key;
    node->key_line = (uint32_t)mark.line + 1;
    node->key_column = (uint32_t)mark.column + 1;
    level->pending = node;
    return TT_OK;
}

/* The node a value goes to: the waiting entry of a mapping, or a fresh one. NULL: no memory. */
static struct tt_tree *place_node(struct builder *builder)
{
    struct level *level = &builder->levels[builder->depth];
    struct tt_tree *node = level->pending;
    level->pending = NULL;
    if (node == NULL) {
        node = tt_arena_new_array(builder->arena, 1, sizeof *node);
    }
    if (node != NULL) {
        *level->link = node;
        level->link = &node->next;
        if (level->node != NULL) {
            level->node->child_count++;
        }
    }
    return node;
}

static enum tt_status open_container(struct builder *builder, struct tt_tree *node,
                                     enum tt_tree_kind kind, yaml_mark_t mark)
{
    if (builder->depth == TT_YAML_DEPTH_MAX) {
        return fail_at_mark(builder->err, TT_E_LIMIT, mark, "nested too deeply");
    }
    node->kind = kind;
    builder->levels[++builder->depth] = (struct level){node, &node->children, NULL};
    return TT_OK;
}

/* The byte at a mark; marks only go forward. */
static size_t byte_at(struct builder *builder, yaml_mark_t mark)
{
    struct tt_str text = builder->text;
    while (builder->line < mark.line && builder->line_start < text.size) {
        builder->line += text.data[builder->line_start] == '\n' ? 1 : 0;
        builder->line_start++;
    }
    size_t at = builder->line_start;
    for (size_t i = 0; i < mark.column && at < text.size; i++) {
        do {
            at++;
        } while (at < text.size && ((unsigned char)text.data[at] & 0xC0) == 0x80);
    }
    return at;
}

/* From the head of a block scalar to its first line that has text. */
static size_t skip_block_head(struct tt_str text, size_t at, struct tt_tree *node)
{
    size_t line_start = at;
    while (at < text.size && text.data[at] != '\n') {
        at++;
    }
    while (at < text.size && (text.data[at] == '\n' || text.data[at] == ' ')) {
        if (text.data[at] == '\n') {
            node->source_line++;
            line_start = at + 1;
        }
        at++;
    }
    node->source_column = (uint32_t)(at - line_start) + 1;
    return at;
}

/* Where the content of a scalar stands in the document, for errors inside of it. */
static void note_source(struct builder *builder, const yaml_event_t *event, struct tt_tree *node)
{
    size_t at = byte_at(builder, event->start_mark);
    yaml_scalar_style_t style = event->data.scalar.style;
    node->source_line = node->line;
    node->source_column = node->column;
    if (at >= builder->text.size) {
        return;
    }
    if (style != YAML_PLAIN_SCALAR_STYLE) {
        node->source_quote = builder->text.data[at];
    }
    if (style == YAML_LITERAL_SCALAR_STYLE || style == YAML_FOLDED_SCALAR_STYLE) {
        at = skip_block_head(builder->text, at, node);
    } else if (style != YAML_PLAIN_SCALAR_STYLE) {
        at++;
        node->source_column++;
    }
    node->source = (struct tt_str){builder->text.data + at, builder->text.size - at};
}

static enum tt_status take_value(struct builder *builder, const yaml_event_t *event)
{
    yaml_mark_t mark = event->start_mark;
    if (builder->nodes++ == TT_YAML_NODES_MAX) {
        return fail_at_mark(builder->err, TT_E_LIMIT, mark, "too many values");
    }
    struct tt_tree *node = place_node(builder);
    if (node == NULL) {
        return fail_nomem(builder->err);
    }
    node->line = (uint32_t)mark.line + 1;
    node->column = (uint32_t)mark.column + 1;
    if (event->type == YAML_MAPPING_START_EVENT) {
        return open_container(builder, node, TT_TREE_MAPPING, mark);
    }
    if (event->type == YAML_SEQUENCE_START_EVENT) {
        return open_container(builder, node, TT_TREE_SEQUENCE, mark);
    }
    struct tt_str text = {0};
    if (!copy_text(builder->arena, event, &text)) {
        return fail_nomem(builder->err);
    }
    node->plain = event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
    if (node->plain && is_null(text)) {
        node->kind = TT_TREE_NULL;
        return TT_OK;
    }
    node->kind = TT_TREE_SCALAR;
    node->text = text;
    note_source(builder, event, node);
    return TT_OK;
}

static enum tt_status take_node(struct builder *builder, const yaml_event_t *event)
{
    const struct level *level = &builder->levels[builder->depth];
    const char *left_out = unsupported(event);
    if (left_out != NULL) {
        return fail_at_mark(builder->err, TT_E_UNSUPPORTED, event->start_mark, left_out);
    }
    bool key_due =
        level->node != NULL && level->node->kind == TT_TREE_MAPPING && level->pending == NULL;
    return key_due ? take_key(builder, event) : take_value(builder, event);
}

static enum tt_status take_event(struct builder *builder, const yaml_event_t *event)
{
    switch (event->type) {
    case YAML_DOCUMENT_START_EVENT:
        if (builder->root != NULL) {
            return fail_at_mark(builder->err, TT_E_UNSUPPORTED, event->start_mark,
                                "only one document is allowed");
        }
        if (event->data.document_start.version_directive != NULL ||
            event->data.document_start.tag_directives.start !=
                event->data.document_start.tag_directives.end) {
            return fail_at_mark(builder->err, TT_E_UNSUPPORTED, event->start_mark,
                                "directives (%) are not supported");
        }
        return TT_OK;
    case YAML_ALIAS_EVENT:
    case YAML_SCALAR_EVENT:
    case YAML_SEQUENCE_START_EVENT:
    case YAML_MAPPING_START_EVENT:
        return take_node(builder, event);
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT:
        builder->depth--;
        return TT_OK;
    default:
        return TT_OK;
    }
}

/* Fails at a byte of the text, for what has no mark. */
static enum tt_status fail_at_byte(struct tt_error *err, enum tt_status status, struct tt_str text,
                                   size_t offset, const char *message)
{
    uint32_t line = 1;
    size_t start = 0;
    for (size_t i = 0; i < offset && i < text.size; i++) {
        if (text.data[i] == '\n') {
            line++;
            start = i + 1;
        }
    }
    return tt_fail_at(err, status, line, (uint32_t)(offset - start) + 1, offset, "%s", message);
}

static enum tt_status fail_parser(const yaml_parser_t *parser, struct tt_str text,
                                  struct tt_error *err)
{
    const char *problem = parser->problem != NULL ? parser->problem : "not YAML";
    if (parser->error == YAML_MEMORY_ERROR) {
        return fail_nomem(err);
    }
    if (parser->error == YAML_READER_ERROR) {
        return fail_at_byte(err, TT_E_SYNTAX, text, parser->problem_offset, problem);
    }
    if (parser->context != NULL) {
        return tt_fail_at(err, TT_E_SYNTAX, (uint32_t)parser->problem_mark.line + 1,
                          (uint32_t)parser->problem_mark.column + 1, parser->problem_mark.index,
                          "%s, %s", problem, parser->context);
    }
    return fail_at_mark(err, TT_E_SYNTAX, parser->problem_mark, problem);
}

static enum tt_status run(struct builder *builder, yaml_parser_t *parser, struct tt_str text)
{
    for (bool done = false; !done;) {
        yaml_event_t event;
        if (yaml_parser_parse(parser, &event) == 0) {
            return fail_parser(parser, text, builder->err);
        }
        done = event.type == YAML_STREAM_END_EVENT;
        enum tt_status status = take_event(builder, &event);
        yaml_event_delete(&event);
        if (status != TT_OK) {
            return status;
        }
    }
    return TT_OK;
}

/* libyaml compares every %TAG with all before it before it says a word: many of them would take hours.
 * A few are let through, to be refused at their place. */
static size_t find_directive_flood(struct tt_str text)
{
    size_t at = 0;
    for (unsigned count = 0; at < text.size; count++, at += 4) {
        const char *found = memmem(text.data + at, text.size - at, "%TAG", 4);
        if (found == NULL) {
            break;
        }
        at = (size_t)(found - text.data);
        if (count == DIRECTIVES_MAX) {
            return at;
        }
    }
    return text.size;
}

/* What libyaml would read in its own way: too much, and encodings other than UTF-8. */
static enum tt_status check_text(struct tt_str text, struct tt_error *err)
{
    if (text.size > TT_YAML_SIZE_MAX) {
        return tt_fail(err, TT_E_LIMIT, "the document has %zu bytes, more than %u", text.size,
                       TT_YAML_SIZE_MAX);
    }
    size_t bad = tt_str_utf8_check(text);
    if (bad != text.size) {
        return fail_at_byte(err, TT_E_SYNTAX, text, bad, "invalid UTF-8");
    }
    bad = find_directive_flood(text);
    return bad == text.size
               ? TT_OK
               : fail_at_byte(err, TT_E_LIMIT, text, bad, "directives (%TAG) are not supported");
}

enum tt_status tt_yaml_parse(struct tt_arena *arena, struct tt_str text, struct tt_tree **ret,
                             struct tt_error *err)
{
    struct builder builder = {.arena = arena, .err = err, .text = text};
    yaml_parser_t parser;
    enum tt_status status = check_text(text, err);
    if (status != TT_OK) {
        return status;
    }
    builder.levels[0].link = &builder.root;
    if (yaml_parser_initialize(&parser) == 0) {
        return fail_nomem(err);
    }
    yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(
        &parser, (const unsigned char *)(text.data != NULL ? text.data : ""), text.size);
    status = run(&builder, &parser, text);
    yaml_parser_delete(&parser);
    if (status == TT_OK && builder.root == NULL) {
        builder.root = tt_arena_new_array(arena, 1, sizeof *builder.root);
        if (builder.root == NULL) {
            return fail_nomem(err);
        }
        *builder.root = (struct tt_tree){.kind = TT_TREE_NULL, .line = 1, .column = 1};
    }
    if (status == TT_OK) {
        *ret = builder.root;
    }
    return status;
}
