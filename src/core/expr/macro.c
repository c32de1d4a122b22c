/*
 * Macros: a variable's name, one or two of them, and expressions in which it is in scope.
 *
 * A macro is a node of its own and no rewriting into smaller parts: the emitter makes a loop of
 * it. One- and two-variable forms are told apart by a name followed by a comma.
 */
#include "core/expr/parse.h"

struct macro {
    const char *name;
    uint8_t loop;
    uint8_t variables_min, variables_max;
    uint8_t parts_max; /* expressions: [condition,] body */
};

static const struct macro macros[] = {
    {"all", TT_LOOP_ALL, 1, 2, 1},
    {"exists", TT_LOOP_EXISTS, 1, 2, 1},
    {"exists_one", TT_LOOP_EXISTS_ONE, 1, 2, 1},
    {"existsOne", TT_LOOP_EXISTS_ONE, 1, 2, 1},
    {"filter", TT_LOOP_FILTER, 1, 1, 1},
    {"map", TT_LOOP_LIST, 1, 1, 2},
    {"transformList", TT_LOOP_LIST, 2, 2, 2},
    {"transformMap", TT_LOOP_MAP, 2, 2, 2},
    {"transformMapEntry", TT_LOOP_ENTRIES, 2, 2, 2},
    {"optMap", TT_LOOP_OPTIONAL, 1, 1, 1},
    {"optFlatMap", TT_LOOP_FLAT, 1, 1, 1},
    {"sortBy", TT_LOOP_LIST, 1, 1, 1}, /* of the keys */
};

static const struct macro *find_macro(struct tt_str name)
{
    for (size_t i = 0; i < TT_ARRAY_SIZE(macros); i++) {
        if (tt_str_equal_text(name, macros[i].name)) {
            return &macros[i];
        }
    }
    return NULL;
}

const struct tt_local *tt_local_find(const struct tt_compile *compile, struct tt_str name)
{
    const struct tt_local *local = compile->locals;
    while (local != NULL && !tt_str_equal(local->name, name)) {
        local = local->outer;
    }
    return local;
}

/* A variable's name and the comma behind it; not in scope yet. */
static struct tt_local *parse_variable(struct tt_lexer *lexer)
{
    struct tt_compile *compile = lexer->compile;
    struct tt_str name = {compile->text.data + lexer->token.offset, lexer->token.size};
    if (lexer->token.kind != TT_TOKEN_IDENT || !tt_lexer_is_name(name)) {
        return tt_compile_fail(compile, TT_E_SYNTAX, lexer->token.offset,
                               "a variable's name is expected here");
    }
    struct tt_local *local = tt_arena_new_array(compile->arena, 1, sizeof(*local));
    if (local == NULL) {
        return tt_compile_fail(compile, TT_E_NOMEM, lexer->token.offset, "out of memory");
    }
    local->name = name;
    local->type = TT_TYPE_DYN;
    local->number = compile->local_count++;
    tt_lexer_next(lexer);
    return tt_parse_expect(lexer, TT_TOKEN_COMMA, "',' behind the variable") ? local : NULL;
}

static void bring_in(struct tt_compile *compile, struct tt_local *local)
{
    local->outer = compile->locals;
    compile->locals = local;
}

/* Whether a second variable stands here: a name with a comma behind. */
static bool is_second(const struct tt_lexer *lexer, const struct macro *macro)
{
    struct tt_lexer ahead = *lexer;
    if (macro->variables_max < 2 || lexer->token.kind != TT_TOKEN_IDENT) {
        return false;
    }
    tt_lexer_next(&ahead);
    return macro->variables_min == 2 || ahead.token.kind == TT_TOKEN_COMMA;
}

/* The expressions up to the closing bracket. */
static bool parse_parts(struct tt_lexer *lexer, const struct macro *macro, struct tt_node *node)
{
    for (uint8_t i = 0; i < macro->parts_max; i++) {
        struct tt_node *part = tt_parse_expression(lexer);
        if (part == NULL || !tt_node_add(lexer->compile, node, part)) {
            return false;
        }
        if (lexer->token.kind != TT_TOKEN_COMMA || i + 1 == macro->parts_max) {
            break;
        }
        tt_lexer_next(lexer);
    }
    return tt_parse_expect(lexer, TT_TOKEN_RPAREN, "')'");
}

static struct tt_node *parse_loop(struct tt_lexer *lexer, const struct macro *macro,
                                  struct tt_node *node)
{
    struct tt_compile *compile = lexer->compile;
    const struct tt_local *outer = compile->locals;
    tt_lexer_next(lexer);
    node->loop = macro->loop;
    node->second = NULL;
    node->local = parse_variable(lexer);
    if (node->local != NULL && is_second(lexer, macro)) {
        node->second = parse_variable(lexer);
    }
    if (compile->status != TT_OK) {
        return NULL;
    }
    if (node->second == NULL && macro->variables_min == 2) {
        return tt_compile_fail(compile, TT_E_SYNTAX, lexer->token.offset,
                               "'%s' needs two variables", macro->name);
    }
    bring_in(compile, node->local);
    if (node->second != NULL) {
        bring_in(compile, node->second);
    }
    bool whole = parse_parts(lexer, macro, node);
    compile->locals = outer;
    return whole ? node : NULL;
}

/* The whole list in a variable, of which there may be no name. */
static struct tt_node *whole_list(struct tt_compile *compile, const struct tt_local *local,
                                  uint32_t offset)
{
    struct tt_node *node = tt_node_new(compile, TT_NODE_LOCAL, offset);
    if (node != NULL) {
        node->variable = local;
    }
    return node;
}

/* list.sortBy(x, key) is cel.bind(list, …, @sortBy(list, list.map(x, key))). */
static struct tt_node *parse_sort(struct tt_lexer *lexer, const struct macro *macro,
                                  struct tt_node *receiver, uint32_t offset)
{
    struct tt_compile *compile = lexer->compile;
    struct tt_node *bind = tt_node_new(compile, TT_NODE_BIND, offset);
    struct tt_node *loop = tt_node_new(compile, TT_NODE_LOOP, offset);
    struct tt_node *call = tt_node_new(compile, TT_NODE_CALL, offset);
    struct tt_local *local = tt_arena_new_array(compile->arena, 1, sizeof(*local));
    if (bind == NULL || loop == NULL || call == NULL || local == NULL) {
        return tt_compile_fail(compile, TT_E_NOMEM, offset, "out of memory");
    }
    local->number = compile->local_count++;
    bind->local = local;
    bind->start = call->start = loop->start = receiver->start;
    call->name = TT_STR("@sortBy");
    struct tt_node *range = whole_list(compile, local, offset);
    struct tt_node *list = whole_list(compile, local, offset);
    if (range == NULL || list == NULL || !tt_node_add(compile, loop, range) ||
        parse_loop(lexer, macro, loop) == NULL || !tt_node_add(compile, call, list) ||
        !tt_node_add(compile, call, loop) || !tt_node_add(compile, bind, receiver) ||
        !tt_node_add(compile, bind, call)) {
        return NULL;
    }
    return bind;
}

bool tt_parse_macro(struct tt_lexer *lexer, struct tt_node *receiver, struct tt_str name,
                    uint32_t offset, struct tt_node **ret)
{
    const struct macro *macro = find_macro(name);
    if (macro == NULL) {
        return false;
    }
    if (tt_str_equal_text(name, "sortBy")) {
        *ret = parse_sort(lexer, macro, receiver, offset);
        return true;
    }
    struct tt_node *node = tt_node_new(lexer->compile, TT_NODE_LOOP, offset);
    *ret = NULL;
    if (node != NULL && tt_node_add(lexer->compile, node, receiver)) {
        node->start = receiver->start;
        *ret = parse_loop(lexer, macro, node);
    }
    return true;
}

struct tt_node *tt_parse_bind(struct tt_lexer *lexer, uint32_t start, uint32_t offset)
{
    struct tt_compile *compile = lexer->compile;
    const struct tt_local *outer = compile->locals;
    struct tt_node *node = tt_node_new(compile, TT_NODE_BIND, offset);
    if (node == NULL) {
        return NULL;
    }
    node->start = start;
    tt_lexer_next(lexer);
    node->local = parse_variable(lexer);
    struct tt_node *value = node->local == NULL ? NULL : tt_parse_expression(lexer);
    if (value == NULL || !tt_node_add(compile, node, value) ||
        !tt_parse_expect(lexer, TT_TOKEN_COMMA, "',' behind the variable's value")) {
        return NULL;
    }
    bring_in(compile, node->local);
    struct tt_node *result = tt_parse_expression(lexer);
    compile->locals = outer;
    if (result == NULL || !tt_node_add(compile, node, result)) {
        return NULL;
    }
    return tt_parse_expect(lexer, TT_TOKEN_RPAREN, "')'") ? node : NULL;
}
