/* See tree_text.h: a recursive reader of one character at a time. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "support/tree_text.h"

struct reader {
    struct tt_arena *arena;
    const char *next;
    uint32_t line, column;
};

static char take(struct reader *reader)
{
    char c = *reader->next;
    assert_true(c != '\0');
    reader->next++;
    reader->column++;
    if (c == '\n') {
        reader->line++;
        reader->column = 1;
    }
    return c;
}

static void skip_space(struct reader *reader)
{
    while (*reader->next == ' ' || *reader->next == '\n') {
        (void)take(reader);
    }
}

static struct tt_str scalar(struct reader *reader, bool *ret_plain)
{
    *ret_plain = *reader->next != '"';
    if (!*ret_plain) {
        (void)take(reader);
    }
    const char *begin = reader->next;
    const char *stop = *ret_plain ? ",:{}[]\n" : "\"";
    while (*reader->next != '\0' && strchr(stop, *reader->next) == NULL) {
        (void)take(reader);
    }
    size_t size = (size_t)(reader->next - begin);
    while (*ret_plain && size > 0 && begin[size - 1] == ' ') {
        size--;
    }
    if (!*ret_plain) {
        (void)take(reader);
    }
    char *copy = tt_arena_copy(reader->arena, begin, size);
    assert_non_null(copy);
    return (struct tt_str){copy, size};
}

static struct tt_tree *value(struct reader *reader)
{
    struct tt_tree *node = tt_arena_new_array(reader->arena, 1, sizeof *node);
    assert_non_null(node);
    skip_space(reader);
    node->line = reader->line;
    node->column = reader->column;
    if (*reader->next != '{' && *reader->next != '[') {
        node->kind = TT_TREE_SCALAR;
        node->text = scalar(reader, &node->plain);
        return node;
    }
    bool mapping = take(reader) == '{';
    char close = mapping ? '}' : ']';
    node->kind = mapping ? TT_TREE_MAPPING : TT_TREE_SEQUENCE;
    struct tt_tree **end = &node->children;
    for (skip_space(reader); *reader->next != close; skip_space(reader)) {
        struct tt_str key = {NULL, 0};
        uint32_t line = reader->line;
        uint32_t column = reader->column;
        bool plain;
        if (mapping) {
            key = scalar(reader, &plain);
            assert_true(take(reader) == ':');
        }
        struct tt_tree *child = value(reader);
        child->key = key;
        child->key_line = line;
        child->key_column = column;
        *end = child;
        end = &child->next;
        node->child_count++;
        skip_space(reader);
        if (*reader->next == ',') {
            (void)take(reader);
        }
    }
    (void)take(reader);
    return node;
}

const struct tt_tree *tt_tree_text_parse(struct tt_arena *arena, const char *text)
{
    struct reader reader = {arena, text, 1, 1};
    const struct tt_tree *root = value(&reader);
    skip_space(&reader);
    assert_true(*reader.next == '\0');
    return root;
}
