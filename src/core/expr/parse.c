/*
 * The parser: recursive descent over CEL's grammar, precedence climbing for the binary operators.
 *
 * Every recursion counts its nesting, so a text of ten thousand brackets is an error and no
 * overflow. && and || become one node of many arguments; an alias is parsed in its name's place.
 */
#include <string.h>

#include "core/expr/env.h"
#include "core/expr/funcs/func.h"
#include "core/expr/parse.h"

struct binary {
    uint8_t token, level; /* level: higher binds tighter */
    uint8_t kind;         /* enum tt_node_kind */
    uint8_t relation;
    const char *name; /* of a call */
};

static const struct binary binaries[] = {
    {TT_TOKEN_OR, 1, TT_NODE_OR, 0, NULL},          {TT_TOKEN_AND, 2, TT_NODE_AND, 0, NULL},
    {TT_TOKEN_LT, 3, TT_NODE_COMPARE, TT_LT, NULL}, {TT_TOKEN_LE, 3, TT_NODE_COMPARE, TT_LE, NULL},
    {TT_TOKEN_GT, 3, TT_NODE_COMPARE, TT_GT, NULL}, {TT_TOKEN_GE, 3, TT_NODE_COMPARE, TT_GE, NULL},
    {TT_TOKEN_EQ, 3, TT_NODE_COMPARE, TT_EQ, NULL}, {TT_TOKEN_NE, 3, TT_NODE_COMPARE, TT_NE, NULL},
    {TT_TOKEN_IN, 3, TT_NODE_COMPARE, TT_IN, NULL}, {TT_TOKEN_PLUS, 4, TT_NODE_CALL, 0, "_+_"},
    {TT_TOKEN_MINUS, 4, TT_NODE_CALL, 0, "_-_"},    {TT_TOKEN_STAR, 5, TT_NODE_CALL, 0, "_*_"},
    {TT_TOKEN_SLASH, 5, TT_NODE_CALL, 0, "_/_"},    {TT_TOKEN_PERCENT, 5, TT_NODE_CALL, 0, "_%_"},
};

static struct tt_node *parse_unary(struct tt_lexer *lexer);

static struct tt_node *fail_syntax(struct tt_lexer *lexer, const char *message)
{
    return tt_compile_fail(lexer->compile, TT_E_SYNTAX, lexer->token.offset, "%s", message);
}

static struct tt_str token_text(const struct tt_lexer *lexer)
{
    return (struct tt_str){lexer->compile->text.data + lexer->token.offset, lexer->token.size};
}

static bool enter(struct tt_lexer *lexer)
{
    if (lexer->compile->nesting < TT_EXPR_DEPTH_MAX) {
        lexer->compile->nesting++;
        return true;
    }
    (void)tt_compile_fail(lexer->compile, TT_E_LIMIT, lexer->token.offset,
                          "nested more than %d levels deep", TT_EXPR_DEPTH_MAX);
    return false;
}

static void leave(struct tt_lexer *lexer)
{
    lexer->compile->nesting--;
}

bool tt_parse_expect(struct tt_lexer *lexer, enum tt_token_kind kind, const char *what)
{
    if (lexer->token.kind == kind) {
        tt_lexer_next(lexer);
        return true;
    }
    if (lexer->token.kind == TT_TOKEN_END) {
        (void)tt_compile_fail(lexer->compile, TT_E_SYNTAX, lexer->token.offset,
                              "expected %s, the expression ends here", what);
    } else {
        (void)tt_compile_fail(
            lexer->compile, TT_E_SYNTAX, lexer->token.offset, "expected %s instead of '%.*s'", what,
            (int)(lexer->token.size < 40 ? lexer->token.size : 40), token_text(lexer).data);
    }
    return false;
}

/* Expressions up to the closing bracket as arguments of node, which becomes the result. A list
 * literal may end in a comma. */
static struct tt_node *parse_arguments(struct tt_lexer *lexer, struct tt_node *node,
                                       enum tt_token_kind close, const char *what)
{
    while (node != NULL && lexer->token.kind != close) {
        bool optional = node->kind == TT_NODE_LIST && lexer->token.kind == TT_TOKEN_QUESTION;
        if (optional) {
            tt_lexer_next(lexer);
        }
        struct tt_node *arg = tt_parse_expression(lexer);
        if (arg == NULL || !tt_node_add(lexer->compile, node, arg)) {
            return NULL;
        }
        arg->optional = optional;
        if (lexer->token.kind != TT_TOKEN_COMMA) {
            break;
        }
        tt_lexer_next(lexer);
        if (node->kind == TT_NODE_CALL && lexer->token.kind == close) {
            return fail_syntax(lexer, "an argument is missing after the comma");
        }
    }
    return node != NULL && tt_parse_expect(lexer, close, what) ? node : NULL;
}

/* A literal that is not in the text, e.g. the name of a field. */
static struct tt_node *new_literal(struct tt_compile *compile, struct tt_value value,
                                   uint32_t offset)
{
    struct tt_node *node = tt_node_new(compile, TT_NODE_LITERAL, offset);
    if (node != NULL) {
        node->value = value;
    }
    return node;
}

/* A call of an operator whose first argument is there. */
static struct tt_node *new_operator(struct tt_compile *compile, const char *name, uint32_t offset,
                                    struct tt_node *first)
{
    struct tt_node *call = tt_node_new(compile, TT_NODE_CALL, offset);
    if (call == NULL || !tt_node_add(compile, call, first)) {
        return NULL;
    }
    call->name = tt_str_from(name);
    call->start = first->start;
    return call;
}

/* map.name, behind the name. */
static struct tt_node *make_select(struct tt_compile *compile, struct tt_node *map,
                                   struct tt_str name, uint32_t offset, bool optional)
{
    struct tt_node *call = new_operator(compile, optional ? "_[?_]" : "_[_]", offset, map);
    struct tt_node *key = new_literal(compile, tt_value_text(name), offset);
    if (call == NULL || key == NULL || !tt_node_add(compile, call, key)) {
        return NULL;
    }
    call->select = true;
    return call;
}

/* "math.least" of a receiver that is a name nobody declared and a function there; else absent. */
static struct tt_str qualified(struct tt_compile *compile, const struct tt_node *receiver,
                               struct tt_str name)
{
    char text[TT_EXPR_NAME_SIZE_MAX * 2];
    struct tt_str none = {0};
    if (receiver->kind != TT_NODE_NAME || tt_env_find(compile->env, receiver->name) != NULL ||
        receiver->name.size + name.size + 1 > sizeof(text)) {
        return none;
    }
    memcpy(text, receiver->name.data, receiver->name.size);
    text[receiver->name.size] = '.';
    memcpy(text + receiver->name.size + 1, name.data, name.size);
    struct tt_str whole = {text, receiver->name.size + 1 + name.size};
    const struct tt_func *func = tt_func_find(whole);
    return func == NULL ? none : tt_str_from(func->name);
}

/* math.greatest(a, b, …) is math.greatest([a, b, …]). */
static struct tt_node *gather_arguments(struct tt_compile *compile, struct tt_node *call)
{
    bool any_count = tt_str_equal_text(call->name, "math.greatest") ||
                     tt_str_equal_text(call->name, "math.least");
    if (!any_count || call->arg_count < 2) {
        return call;
    }
    struct tt_node *list = tt_node_new(compile, TT_NODE_LIST, call->offset);
    struct tt_node *gathered = tt_node_new(compile, TT_NODE_CALL, call->offset);
    if (list == NULL || gathered == NULL) {
        return NULL;
    }
    list->args = call->args;
    list->last_arg = call->last_arg;
    list->arg_count = call->arg_count;
    list->depth = call->depth;
    gathered->name = call->name;
    gathered->start = call->start;
    return tt_node_add(compile, gathered, list) ? gathered : NULL;
}

/* receiver.name(…), at the bracket. */
static struct tt_node *parse_method(struct tt_lexer *lexer, struct tt_node *receiver,
                                    struct tt_str name, uint32_t offset)
{
    struct tt_compile *compile = lexer->compile;
    struct tt_node *call = NULL;
    struct tt_str function = qualified(compile, receiver, name);
    if (receiver->kind == TT_NODE_NAME && tt_str_equal_text(receiver->name, "cel") &&
        tt_str_equal_text(name, "bind")) {
        return tt_parse_bind(lexer, receiver->start, offset);
    }
    if (tt_parse_macro(lexer, receiver, name, offset, &call)) {
        return call;
    }
    if (function.data == NULL) {
        call = new_operator(compile, "", offset, receiver);
    } else {
        call = tt_node_new(compile, TT_NODE_CALL, offset);
    }
    if (call == NULL) {
        return NULL;
    }
    call->method = function.data == NULL;
    call->name = function.data == NULL ? name : function;
    call->start = receiver->start;
    tt_lexer_next(lexer);
    call = parse_arguments(lexer, call, TT_TOKEN_RPAREN, "')' or ','");
    return call == NULL ? NULL : gather_arguments(compile, call);
}

/* receiver.name, receiver.?name and receiver.name(…), at the dot. */
static struct tt_node *parse_member(struct tt_lexer *lexer, struct tt_node *receiver)
{
    struct tt_compile *compile = lexer->compile;
    tt_lexer_next(lexer);
    bool optional = lexer->token.kind == TT_TOKEN_QUESTION;
    if (optional) {
        tt_lexer_next(lexer);
    }
    if (lexer->token.kind != TT_TOKEN_IDENT) {
        return fail_syntax(lexer, "expected the name of a field or method after the dot");
    }
    uint32_t offset = lexer->token.offset;
    struct tt_str name = token_text(lexer);
    tt_lexer_next(lexer);
    if (lexer->token.kind != TT_TOKEN_LPAREN || optional) {
        return make_select(compile, receiver, name, offset, optional);
    }
    return parse_method(lexer, receiver, name, offset);
}

/* list[index] and list[?index], at the bracket. */
static struct tt_node *parse_index(struct tt_lexer *lexer, struct tt_node *list)
{
    uint32_t offset = lexer->token.offset;
    tt_lexer_next(lexer);
    bool optional = lexer->token.kind == TT_TOKEN_QUESTION;
    if (optional) {
        tt_lexer_next(lexer);
    }
    struct tt_node *call = new_operator(lexer->compile, optional ? "_[?_]" : "_[_]", offset, list);
    struct tt_node *index = call == NULL ? NULL : tt_parse_expression(lexer);
    if (index == NULL || !tt_node_add(lexer->compile, call, index)) {
        return NULL;
    }
    return tt_parse_expect(lexer, TT_TOKEN_RBRACKET, "']'") ? call : NULL;
}

static struct tt_node *parse_postfix(struct tt_lexer *lexer, struct tt_node *node)
{
    while (node != NULL) {
        if (lexer->token.kind == TT_TOKEN_DOT) {
            node = parse_member(lexer, node);
        } else if (lexer->token.kind == TT_TOKEN_LBRACKET) {
            node = parse_index(lexer, node);
        } else if (lexer->token.kind == TT_TOKEN_LBRACE &&
                   (node->kind == TT_NODE_NAME || node->select)) {
            return tt_compile_fail(lexer->compile, TT_E_UNSUPPORTED, node->start,
                                   "messages are not supported");
        } else {
            break;
        }
    }
    return node;
}

/* The text of an alias in the place of its name; its nodes get the name's place. */
static struct tt_node *parse_alias(struct tt_lexer *outer, struct tt_str alias, uint32_t offset)
{
    struct tt_compile *compile = outer->compile;
    struct tt_compile saved = *compile;
    struct tt_lexer lexer;
    if (!enter(outer)) {
        return NULL;
    }
    if (!compile->in_alias) {
        compile->alias_offset = offset;
    }
    compile->in_alias = true;
    compile->text = alias;
    compile->locals = NULL;
    tt_lexer_init(&lexer, compile);
    struct tt_node *node = tt_parse_expression(&lexer);
    if (node != NULL && !tt_parse_expect(&lexer, TT_TOKEN_END, "an operator")) {
        node = NULL;
    }
    compile->text = saved.text;
    compile->locals = saved.locals;
    compile->in_alias = saved.in_alias;
    compile->alias_offset = saved.alias_offset;
    leave(outer);
    return node;
}

/* has(map.name) asks for the key; has(name) is a function. */
static struct tt_node *make_has(struct tt_node *call)
{
    struct tt_node *arg = call->args;
    bool is_has = tt_str_equal_text(call->name, "has") && call->arg_count == 1;
    if (!is_has || !arg->select) {
        return call;
    }
    arg->name = TT_STR("@has");
    arg->start = call->start;
    arg->offset = call->offset;
    return arg;
}

/* name(…), at the bracket. */
static struct tt_node *parse_call(struct tt_lexer *lexer, struct tt_str name, uint32_t offset)
{
    struct tt_node *call = tt_node_new(lexer->compile, TT_NODE_CALL, offset);
    if (call != NULL) {
        call->name = name;
    }
    tt_lexer_next(lexer);
    call = parse_arguments(lexer, call, TT_TOKEN_RPAREN, "')' or ','");
    return call == NULL ? NULL : make_has(call);
}

/* google.protobuf.Timestamp and …Duration as types, at the token behind `google`; NULL when it is
 * something else. */
static struct tt_node *parse_message_type(struct tt_lexer *lexer, uint32_t offset)
{
    static const enum tt_type types[] = {TT_TYPE_TIMESTAMP, TT_TYPE_DURATION};
    struct tt_compile *compile = lexer->compile;
    struct tt_str rest = {compile->text.data + offset, compile->text.size - offset};
    for (size_t i = 0; i < TT_ARRAY_SIZE(types); i++) {
        struct tt_str text = tt_str_from(tt_type_text(types[i]));
        if (tt_str_starts_with(rest, text)) {
            struct tt_value value = {.type = TT_TYPE_TYPE, .kind = types[i]};
            lexer->offset = offset + (uint32_t)text.size;
            tt_lexer_next(lexer);
            return new_literal(compile, value, offset);
        }
    }
    return NULL;
}

static struct tt_node *name_node(struct tt_compile *compile, struct tt_str name, uint32_t offset)
{
    const struct tt_local *local = tt_local_find(compile, name);
    struct tt_node *node =
        tt_node_new(compile, local == NULL ? TT_NODE_NAME : TT_NODE_LOCAL, offset);
    if (node != NULL) {
        node->name = name;
        node->variable = local;
    }
    return node;
}

static struct tt_node *parse_name(struct tt_lexer *lexer)
{
    struct tt_compile *compile = lexer->compile;
    uint32_t offset = lexer->token.offset;
    struct tt_str name = token_text(lexer);
    tt_lexer_next(lexer);
    if (lexer->token.kind == TT_TOKEN_LPAREN) {
        return parse_call(lexer, name, offset);
    }
    if (!tt_lexer_is_name(name)) {
        return tt_compile_fail(compile, TT_E_SYNTAX, offset,
                               name.size > TT_EXPR_NAME_SIZE_MAX ? "this name is too long"
                                                                 : "'%.*s' is a reserved word",
                               TT_STR_ARG(name));
    }
    if (tt_str_equal_text(name, "google") && lexer->token.kind == TT_TOKEN_DOT) {
        struct tt_node *type = parse_message_type(lexer, offset);
        if (type != NULL || compile->status != TT_OK) {
            return type;
        }
    }
    const struct tt_env_name *entry = tt_env_find(compile->env, name);
    if (entry != NULL && entry->kind == TT_ENV_ALIAS && tt_local_find(compile, name) == NULL) {
        return parse_alias(lexer, entry->alias, offset);
    }
    return name_node(compile, name, offset);
}

/* .name, of the root: no variable of a macro. */
static struct tt_node *parse_root_name(struct tt_lexer *lexer)
{
    const struct tt_local *locals = lexer->compile->locals;
    tt_lexer_next(lexer);
    if (lexer->token.kind != TT_TOKEN_IDENT) {
        return fail_syntax(lexer, "expected a name after the dot");
    }
    lexer->compile->locals = NULL;
    struct tt_node *node = parse_name(lexer);
    lexer->compile->locals = locals;
    return node;
}

/* {key: value, ?key: optional, …}, at the bracket. */
static struct tt_node *parse_map(struct tt_lexer *lexer)
{
    struct tt_compile *compile = lexer->compile;
    struct tt_node *map = tt_node_new(compile, TT_NODE_MAP, lexer->token.offset);
    tt_lexer_next(lexer);
    while (map != NULL && lexer->token.kind != TT_TOKEN_RBRACE) {
        bool optional = lexer->token.kind == TT_TOKEN_QUESTION;
        if (optional) {
            tt_lexer_next(lexer);
        }
        struct tt_node *key = tt_parse_expression(lexer);
        if (key == NULL || !tt_node_add(compile, map, key) ||
            !tt_parse_expect(lexer, TT_TOKEN_COLON, "':' behind the key")) {
            return NULL;
        }
        struct tt_node *value = tt_parse_expression(lexer);
        if (value == NULL || !tt_node_add(compile, map, value)) {
            return NULL;
        }
        value->optional = optional;
        if (lexer->token.kind != TT_TOKEN_COMMA) {
            break;
        }
        tt_lexer_next(lexer);
    }
    return map != NULL && tt_parse_expect(lexer, TT_TOKEN_RBRACE, "'}' or ','") ? map : NULL;
}

static struct tt_node *parse_literal(struct tt_lexer *lexer, bool negative, uint32_t offset)
{
    struct tt_node *node = tt_node_new(lexer->compile, TT_NODE_LITERAL, offset);
    struct tt_value value = lexer->token.value;
    if (node == NULL) {
        return NULL;
    }
    if (lexer->token.min_int && !negative) {
        return tt_compile_fail(lexer->compile, TT_E_LIMIT, lexer->token.offset,
                               "number is past the range of int; write it as a double (1e19)");
    }
    if (negative && value.type == TT_TYPE_DOUBLE) {
        value.number = -value.number;
    } else if (negative && !lexer->token.min_int) {
        value.integer = -value.integer;
    }
    node->value = value;
    tt_lexer_next(lexer);
    return node;
}

static struct tt_node *parse_parentheses(struct tt_lexer *lexer)
{
    uint32_t start = lexer->token.offset;
    tt_lexer_next(lexer);
    struct tt_node *node = tt_parse_expression(lexer);
    if (node == NULL || !tt_parse_expect(lexer, TT_TOKEN_RPAREN, "')'")) {
        return NULL;
    }
    node->start = start;
    return node;
}

static struct tt_node *parse_primary(struct tt_lexer *lexer)
{
    struct tt_compile *compile = lexer->compile;
    switch (lexer->token.kind) {
    case TT_TOKEN_LITERAL:
        return parse_literal(lexer, false, lexer->token.offset);
    case TT_TOKEN_IDENT:
        return parse_name(lexer);
    case TT_TOKEN_DOT: /* a name of the root, which is all there is */
        return parse_root_name(lexer);
    case TT_TOKEN_LPAREN:
        return parse_parentheses(lexer);
    case TT_TOKEN_LBRACKET: {
        struct tt_node *list = tt_node_new(compile, TT_NODE_LIST, lexer->token.offset);
        tt_lexer_next(lexer);
        return parse_arguments(lexer, list, TT_TOKEN_RBRACKET, "']' or ','");
    }
    case TT_TOKEN_LBRACE:
        return parse_map(lexer);
    case TT_TOKEN_END:
        return fail_syntax(lexer, "a value is missing, the expression ends here");
    case TT_TOKEN_ERROR:
        return NULL;
    default:
        return tt_compile_fail(compile, TT_E_SYNTAX, lexer->token.offset,
                               "expected a value instead of '%.*s'", TT_STR_ARG(token_text(lexer)));
    }
}

static struct tt_node *parse_prefix(struct tt_lexer *lexer, uint8_t operator)
{
    struct tt_compile *compile = lexer->compile;
    uint32_t offset = lexer->token.offset;
    tt_lexer_next(lexer);
    uint8_t type = lexer->token.kind == TT_TOKEN_LITERAL ? lexer->token.value.type : 0;
    if (operator== TT_TOKEN_MINUS &&(type == TT_TYPE_INT || type == TT_TYPE_DOUBLE)) {
        return parse_postfix(lexer, parse_literal(lexer, true, offset));
    }
    struct tt_node *arg = parse_unary(lexer);
    struct tt_node *node =
        arg == NULL
            ? NULL
            : tt_node_new(compile, operator== TT_TOKEN_NOT ? TT_NODE_NOT : TT_NODE_CALL, offset);
    if (node == NULL || !tt_node_add(compile, node, arg)) {
        return NULL;
    }
    node->name = TT_STR("-_");
    return node;
}

static struct tt_node *parse_unary(struct tt_lexer *lexer)
{
    uint8_t kind = lexer->token.kind;
    if (kind != TT_TOKEN_NOT && kind != TT_TOKEN_MINUS) {
        return parse_postfix(lexer, parse_primary(lexer));
    }
    if (!enter(lexer)) {
        return NULL;
    }
    struct tt_node *node = parse_prefix(lexer, kind);
    leave(lexer);
    return node;
}

static const struct binary *find_binary(uint8_t token)
{
    for (size_t i = 0; i < TT_ARRAY_SIZE(binaries); i++) {
        if (binaries[i].token == token) {
            return &binaries[i];
        }
    }
    return NULL;
}

/* left OP right; a chain of && or || grows its node instead of nesting. */
static struct tt_node *join(struct tt_compile *compile, const struct binary *binary,
                            uint32_t offset, struct tt_node *left, struct tt_node *right)
{
    struct tt_node *node = left;
    bool is_logic = binary->kind == TT_NODE_AND || binary->kind == TT_NODE_OR;
    if (!is_logic || left->kind != binary->kind) {
        node = tt_node_new(compile, binary->kind, offset);
        if (node == NULL || !tt_node_add(compile, node, left)) {
            return NULL;
        }
        node->start = left->start;
        node->relation = binary->relation;
        node->name = tt_str_from(binary->name);
    }
    return tt_node_add(compile, node, right) ? node : NULL;
}

static struct tt_node *parse_binary(struct tt_lexer *lexer, uint8_t level_min)
{
    struct tt_node *left = parse_unary(lexer);
    while (left != NULL) {
        const struct binary *binary = find_binary(lexer->token.kind);
        if (binary == NULL || binary->level < level_min) {
            break;
        }
        uint32_t offset = lexer->token.offset;
        tt_lexer_next(lexer);
        struct tt_node *right = parse_binary(lexer, (uint8_t)(binary->level + 1));
        left = right == NULL ? NULL : join(lexer->compile, binary, offset, left, right);
    }
    return left;
}

/* condition ? then : else, at the question mark. */
static struct tt_node *parse_choice(struct tt_lexer *lexer, struct tt_node *condition)
{
    struct tt_compile *compile = lexer->compile;
    struct tt_node *node = tt_node_new(compile, TT_NODE_IF, lexer->token.offset);
    if (node == NULL || !tt_node_add(compile, node, condition)) {
        return NULL;
    }
    node->start = condition->start;
    tt_lexer_next(lexer);
    struct tt_node *then = parse_binary(lexer, 1);
    if (then == NULL || !tt_node_add(compile, node, then) ||
        !tt_parse_expect(lexer, TT_TOKEN_COLON, "':' of the choice")) {
        return NULL;
    }
    struct tt_node *otherwise = tt_parse_expression(lexer);
    return otherwise != NULL && tt_node_add(compile, node, otherwise) ? node : NULL;
}

struct tt_node *tt_parse_expression(struct tt_lexer *lexer)
{
    if (!enter(lexer)) {
        return NULL;
    }
    struct tt_node *node = parse_binary(lexer, 1);
    if (node != NULL && lexer->token.kind == TT_TOKEN_QUESTION) {
        node = parse_choice(lexer, node);
    }
    leave(lexer);
    return node;
}

struct tt_node *tt_expr_parse(struct tt_compile *compile)
{
    struct tt_lexer lexer;
    size_t valid = tt_str_utf8_check(compile->text);
    if (valid < compile->text.size) {
        return tt_compile_fail(compile, TT_E_SYNTAX, (uint32_t)valid, "this is not UTF-8");
    }
    tt_lexer_init(&lexer, compile);
    if (lexer.token.kind == TT_TOKEN_END) {
        return fail_syntax(&lexer, "an expression is missing");
    }
    struct tt_node *node = tt_parse_expression(&lexer);
    if (node != NULL && !tt_parse_expect(&lexer, TT_TOKEN_END, "an operator")) {
        return NULL;
    }
    return node;
}
