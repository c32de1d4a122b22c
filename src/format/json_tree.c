/* JSON documents as trees with places (json_read.h): the same shape YAML documents become. */
#include "format/json_read.h"

#define NODES_MAX 1000000u

/* One open container and where its next child goes. */
struct level {
    struct tt_tree *node;
    struct tt_tree **link;
};

/* Lines are counted once, from where the last token stood. */
struct place {
    struct tt_str text;
    size_t offset, line_start;
    uint32_t line;
};

static void move_place(struct place *place, size_t offset, uint32_t *ret_line, uint32_t *ret_column)
{
    for (; place->offset < offset; place->offset++) {
        if (place->text.data[place->offset] == '\n') {
            place->line++;
            place->line_start = place->offset + 1;
        }
    }
    *ret_line = place->line;
    *ret_column = (uint32_t)(offset - place->line_start) + 1;
}

/* A NUL-terminated copy; text that is empty stays present. */
static bool copy_text(struct tt_arena *arena, struct tt_str from, struct tt_str *ret)
{
    char *copy = tt_arena_copy(arena, from.data != NULL ? from.data : "", from.size);
    *ret = (struct tt_str){copy, from.size};
    return copy != NULL;
}

static struct tt_tree *make_node(struct tt_arena *arena, const struct tt_json_token *token,
                                 struct place *place)
{
    struct tt_tree *node = tt_arena_new_array(arena, 1, sizeof *node);
    if (node == NULL) {
        return NULL;
    }
    if (token->key.data != NULL) {
        move_place(place, token->key_offset, &node->key_line, &node->key_column);
        if (!copy_text(arena, token->key, &node->key)) {
            return NULL;
        }
    }
    move_place(place, token->offset, &node->line, &node->column);
    struct tt_str text = token->text;
    switch (token->kind) {
    case TT_JSON_OBJECT:
        node->kind = TT_TREE_MAPPING;
        return node;
    case TT_JSON_ARRAY:
        node->kind = TT_TREE_SEQUENCE;
        return node;
    case TT_JSON_NULL:
        node->kind = TT_TREE_NULL;
        return node;
    case TT_JSON_BOOL:
        text = token->boolean ? TT_STR("true") : TT_STR("false");
        break;
    case TT_JSON_NUMBER:
    case TT_JSON_STRING:
    case TT_JSON_OBJECT_END:
    case TT_JSON_ARRAY_END:
    case TT_JSON_END:
        break;
    }
    node->kind = TT_TREE_SCALAR;
    node->plain = token->kind != TT_JSON_STRING;
    return copy_text(arena, text, &node->text) ? node : NULL;
}

enum tt_status tt_json_parse_tree(struct tt_arena *arena, struct tt_str text, struct tt_tree **ret,
                                  struct tt_error *err)
{
    struct level levels[TT_JSON_DEPTH_MAX + 1];
    struct tt_tree *root = NULL;
    struct place place = {text, 0, 0, 1};
    struct tt_json_reader reader;
    struct tt_json_token token;
    uint32_t depth = 0, nodes = 0;
    levels[0] = (struct level){NULL, &root};
    tt_json_reader_init(&reader, text, arena);
    for (;;) {
        enum tt_status status = tt_json_next(&reader, &token, err);
        if (status != TT_OK) {
            return status;
        }
        if (token.kind == TT_JSON_END) {
            *ret = root;
            return TT_OK;
        }
        if (token.kind == TT_JSON_OBJECT_END || token.kind == TT_JSON_ARRAY_END) {
            depth--;
            continue;
        }
        struct tt_tree *node = nodes++ < NODES_MAX ? make_node(arena, &token, &place) : NULL;
        if (node == NULL) {
            enum tt_status why = nodes > NODES_MAX ? TT_E_LIMIT : TT_E_NOMEM;
            return tt_fail(err, why, why == TT_E_LIMIT ? "too many values" : "out of memory");
        }
        *levels[depth].link = node;
        levels[depth].link = &node->next;
        if (levels[depth].node != NULL) {
            levels[depth].node->child_count++;
        }
        if (token.kind == TT_JSON_OBJECT || token.kind == TT_JSON_ARRAY) {
            levels[++depth] = (struct level){node, &node->children};
        }
    }
}
