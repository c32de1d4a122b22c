/*
 * The checker: names become slots, calls become overloads, every node gets its type.
 *
 * Strict where types are known; a dyn operand is accepted everywhere and decided while evaluating.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core/expr/env.h"
#include "core/expr/funcs/func.h"

static bool check_node(struct tt_compile *compile, struct tt_node *node);

static bool is_dyn(tt_type_code code)
{
    return TT_CODE_KIND(code) == TT_TYPE_DYN;
}

const char *tt_code_name(tt_type_code code, char ret_text[48])
{
    size_t depth = 0;
    size_t size = 0;
    ret_text[0] = '\0';
    while (TT_CODE_KIND(code) == TT_TYPE_LIST && code >> 4 != 0 && depth < 4) {
        size += (size_t)snprintf(ret_text + size, 48 - size, "list(");
        code = tt_code_item(code);
        depth++;
    }
    size += (size_t)snprintf(ret_text + size, 48 - size, "%s", tt_type_name(TT_CODE_KIND(code)));
    for (; depth > 0; depth--) {
        size += (size_t)snprintf(ret_text + size, 48 - size, ")");
    }
    return ret_text;
}

static const char *relation_text(uint8_t relation)
{
    static const char *const texts[] = {
        [TT_LT] = "<",  [TT_LE] = "<=", [TT_GT] = ">", [TT_GE] = ">=",
        [TT_EQ] = "==", [TT_NE] = "!=", [TT_IN] = "in"};
    return texts[relation];
}

static tt_type_code value_code(const struct tt_value *value)
{
    if (value->type == TT_TYPE_LIST) {
        return tt_code_list(value->list->item_type);
    }
    return value->type;
}

static bool check_args(struct tt_compile *compile, struct tt_node *node)
{
    for (struct tt_node *arg = node->args; arg != NULL; arg = arg->next) {
        if (!check_node(compile, arg)) {
            return false;
        }
    }
    return true;
}

/* Where checking is gradual, the node becomes the error it is when evaluated. */
static bool fails_later(struct tt_compile *compile, struct tt_node *node, enum tt_value_error error)
{
    if (!compile->options->gradual) {
        return false;
    }
    node->kind = TT_NODE_LITERAL;
    node->args = NULL;
    node->arg_count = 0;
    node->value = tt_value_none(error);
    node->value.place = node->offset + 1;
    node->type = TT_TYPE_DYN;
    return true;
}

static bool fail_unknown_name(struct tt_compile *compile, const struct tt_node *node)
{
    const char *nearest = tt_expr_env_nearest(compile->env, node->name);
    const struct tt_func *func = tt_func_find(node->name);
    if (func != NULL) {
        (void)tt_compile_fail(compile, TT_E_UNKNOWN, node->offset,
                              "'%.*s' is a function; write %s(…)", TT_STR_ARG(node->name),
                              func->name);
    } else if (nearest != NULL) {
        (void)tt_compile_fail(compile, TT_E_UNKNOWN, node->offset,
                              "unknown name '%.*s'; did you mean '%s'?", TT_STR_ARG(node->name),
                              nearest);
    } else {
        (void)tt_compile_fail(compile, TT_E_UNKNOWN, node->offset, "unknown name '%.*s'",
                              TT_STR_ARG(node->name));
    }
    return false;
}

static bool check_name(struct tt_compile *compile, struct tt_node *node)
{
    const struct tt_env_name *entry = tt_env_find(compile->env, node->name);
    if (entry != NULL && entry->kind == TT_ENV_VALUE) {
        node->kind = TT_NODE_LITERAL;
        node->value = entry->value;
        node->type = value_code(&node->value);
        return true;
    }
    if (entry != NULL) {
        node->slot = entry->slot;
        node->type = entry->type;
        return true;
    }
    enum tt_type type = tt_type_from_text(node->name);
    if (type != TT_TYPE_NONE) {
        node->kind = TT_NODE_LITERAL;
        node->value = (struct tt_value){.type = TT_TYPE_TYPE, .kind = type};
        node->type = TT_TYPE_TYPE;
        return true;
    }
    return fails_later(compile, node, TT_VALUE_UNKNOWN) || fail_unknown_name(compile, node);
}

/* An argument where only a bool makes sense. */
static bool expect_bool(struct tt_compile *compile, const struct tt_node *arg, const char *where)
{
    char name[48];
    if (TT_CODE_KIND(arg->type) == TT_TYPE_BOOL || is_dyn(arg->type) || compile->options->gradual) {
        return true;
    }
    (void)tt_compile_fail(compile, TT_E_TYPE, arg->start, "%s needs a bool, this is %s", where,
                          tt_code_name(arg->type, name));
    return false;
}

static bool check_logic(struct tt_compile *compile, struct tt_node *node)
{
    const char *where = node->kind == TT_NODE_AND ? "&&" : node->kind == TT_NODE_OR ? "||" : "!";
    node->type = TT_TYPE_BOOL;
    for (struct tt_node *arg = node->args; arg != NULL; arg = arg->next) {
        if (!check_node(compile, arg) || !expect_bool(compile, arg, where)) {
            return false;
        }
    }
    return true;
}

/* The number with ".0" where an int literal stands against a double; else how to convert. */
static bool fail_mixed(struct tt_compile *compile, const struct tt_node *node, const char *operator,
                       const struct tt_node * left, const struct tt_node *right)
{
    const struct tt_node *other = TT_CODE_KIND(left->type) == TT_TYPE_DOUBLE ? right : left;
    char left_name[48];
    char right_name[48];
    (void)tt_code_name(left->type, left_name);
    (void)tt_code_name(right->type, right_name);
    bool with_double =
        TT_CODE_KIND(left->type) == TT_TYPE_DOUBLE || TT_CODE_KIND(right->type) == TT_TYPE_DOUBLE;
    if (with_double && other->kind == TT_NODE_LITERAL && other->value.type == TT_TYPE_INT) {
        (void)tt_compile_fail(compile, TT_E_TYPE, other->start,
                              "%s of %s and %s: write %lld.0", operator, left_name, right_name,
                              (long long)other->value.integer);
    } else {
        const char *to = with_double ? "double" : "int";
        (void)tt_compile_fail(compile, TT_E_TYPE, node->offset,
                              "%s of %s and %s: convert one side, %s(…)", operator, left_name,
                              right_name, to);
    }
    return false;
}

static bool check_choice(struct tt_compile *compile, struct tt_node *node)
{
    struct tt_node *then = tt_node_arg(node, 1);
    struct tt_node *otherwise = tt_node_arg(node, 2);
    char then_name[48];
    char else_name[48];
    if (!check_args(compile, node) || !expect_bool(compile, node->args, "the condition of ?:")) {
        return false;
    }
    if (then->type == otherwise->type) {
        node->type = then->type;
        return true;
    }
    if (is_dyn(then->type) || is_dyn(otherwise->type) || compile->options->gradual) {
        node->type = TT_TYPE_DYN;
        return true;
    }
    if (TT_CODE_KIND(then->type) == TT_TYPE_LIST && TT_CODE_KIND(otherwise->type) == TT_TYPE_LIST) {
        node->type = tt_code_list(TT_TYPE_DYN);
        return true;
    }
    if (tt_code_numeric(then->type) && tt_code_numeric(otherwise->type)) {
        return fail_mixed(compile, node, "the choice ?:", then, otherwise);
    }
    (void)tt_compile_fail(
        compile, TT_E_TYPE, node->offset, "the two sides of ?: are of different types, %s and %s",
        tt_code_name(then->type, then_name), tt_code_name(otherwise->type, else_name));
    return false;
}

/* What is written with a question mark. */
static bool expect_optional(struct tt_compile *compile, const struct tt_node *arg)
{
    char name[48];
    enum tt_type kind = TT_CODE_KIND(arg->type);
    if (!arg->optional || kind == TT_TYPE_OPTIONAL || kind == TT_TYPE_DYN ||
        compile->options->gradual) {
        return true;
    }
    (void)tt_compile_fail(compile, TT_E_TYPE, arg->start, "'?' needs an optional, this is %s",
                          tt_code_name(arg->type, name));
    return false;
}

static bool check_list(struct tt_compile *compile, struct tt_node *node)
{
    if (!check_args(compile, node)) {
        return false;
    }
    tt_type_code item = node->args == NULL ? (tt_type_code)TT_TYPE_DYN : node->args->type;
    for (struct tt_node *arg = node->args; arg != NULL; arg = arg->next) {
        item = arg->type == item && !arg->optional ? item : (tt_type_code)TT_TYPE_DYN;
        if (!expect_optional(compile, arg)) {
            return false;
        }
    }
    node->type = tt_code_list(item);
    return true;
}

static bool check_map(struct tt_compile *compile, struct tt_node *node)
{
    char name[48];
    node->type = TT_TYPE_MAP;
    if (!check_args(compile, node)) {
        return false;
    }
    for (struct tt_node *key = node->args; key != NULL; key = key->next->next) {
        enum tt_type kind = TT_CODE_KIND(key->type);
        bool fits = kind == TT_TYPE_INT || kind == TT_TYPE_UINT || kind == TT_TYPE_BOOL ||
                    kind == TT_TYPE_STRING || kind == TT_TYPE_DYN;
        if (!fits && !compile->options->gradual) {
            (void)tt_compile_fail(compile, TT_E_TYPE, key->start,
                                  "the key of a map is int, uint, bool or string, not %s",
                                  tt_code_name(key->type, name));
            return false;
        }
        if (!expect_optional(compile, key->next)) {
            return false;
        }
    }
    return true;
}

static bool is_range(const struct tt_node *node, const struct tt_node *range)
{
    enum tt_type kind = TT_CODE_KIND(range->type);
    if (node->loop == TT_LOOP_OPTIONAL || node->loop == TT_LOOP_FLAT) {
        return kind == TT_TYPE_OPTIONAL || kind == TT_TYPE_DYN;
    }
    return kind == TT_TYPE_LIST || kind == TT_TYPE_MAP || kind == TT_TYPE_DYN;
}

static void give_types(struct tt_node *node)
{
    bool is_list = TT_CODE_KIND(node->args->type) == TT_TYPE_LIST;
    tt_type_code item = is_list ? tt_code_item(node->args->type) : (tt_type_code)TT_TYPE_DYN;
    node->local->type = item;
    if (node->second != NULL) {
        node->local->type = is_list ? TT_TYPE_INT : TT_TYPE_DYN;
        node->second->type = item;
    }
}

static tt_type_code loop_type(const struct tt_node *node)
{
    switch ((enum tt_loop)node->loop) {
    case TT_LOOP_ALL:
    case TT_LOOP_EXISTS:
    case TT_LOOP_EXISTS_ONE:
        return TT_TYPE_BOOL;
    case TT_LOOP_FILTER:
        return tt_code_list(node->local->type);
    case TT_LOOP_LIST:
        return tt_code_list(node->last_arg->type);
    case TT_LOOP_MAP:
    case TT_LOOP_ENTRIES:
        return TT_TYPE_MAP;
    case TT_LOOP_OPTIONAL:
    case TT_LOOP_FLAT:
        break;
    }
    return TT_TYPE_OPTIONAL;
}

static bool check_loop(struct tt_compile *compile, struct tt_node *node)
{
    struct tt_node *range = node->args;
    char name[48];
    if (!check_node(compile, range)) {
        return false;
    }
    if (!is_range(node, range) && !compile->options->gradual) {
        (void)tt_compile_fail(compile, TT_E_TYPE, node->offset, "this macro does not go over a %s",
                              tt_code_name(range->type, name));
        return false;
    }
    give_types(node);
    for (struct tt_node *part = range->next; part != NULL; part = part->next) {
        bool asks = node->loop <= TT_LOOP_FILTER || part->next != NULL;
        if (!check_node(compile, part) ||
            (asks && !expect_bool(compile, part, "this part of the macro"))) {
            return false;
        }
    }
    node->type = loop_type(node);
    return true;
}

static bool check_bind(struct tt_compile *compile, struct tt_node *node)
{
    if (!check_node(compile, node->args)) {
        return false;
    }
    node->local->type = node->args->type;
    if (!check_node(compile, node->args->next)) {
        return false;
    }
    node->type = node->args->next->type;
    return true;
}

/* Whether == of these types can ever be true. */
static bool comparable(tt_type_code a, tt_type_code b)
{
    while (TT_CODE_KIND(a) == TT_TYPE_LIST && TT_CODE_KIND(b) == TT_TYPE_LIST) {
        a = tt_code_item(a);
        b = tt_code_item(b);
    }
    return is_dyn(a) || is_dyn(b) || (tt_code_numeric(a) && tt_code_numeric(b)) ||
           TT_CODE_KIND(a) == TT_CODE_KIND(b);
}

static bool has_order(tt_type_code code)
{
    enum tt_type kind = TT_CODE_KIND(code);
    return kind != TT_TYPE_NULL && kind < TT_TYPE_LIST;
}

static bool check_in(struct tt_compile *compile, struct tt_node *node)
{
    const struct tt_node *list = tt_node_arg(node, 1);
    char item_name[48];
    char list_name[48];
    if (is_dyn(list->type) || TT_CODE_KIND(list->type) == TT_TYPE_MAP ||
        compile->options->gradual) {
        return true;
    }
    (void)tt_code_name(list->type, list_name);
    if (TT_CODE_KIND(list->type) != TT_TYPE_LIST) {
        (void)tt_compile_fail(compile, TT_E_TYPE, list->start,
                              "'in' needs a list or map on its right, this is %s", list_name);
        return false;
    }
    if (!comparable(node->args->type, tt_code_item(list->type))) {
        bool is_text = TT_CODE_KIND(node->args->type) == TT_TYPE_STRING;
        (void)tt_compile_fail(compile, TT_E_TYPE, node->offset, "%s is never in a %s%s",
                              tt_code_name(node->args->type, item_name), list_name,
                              is_text ? "; texts are written in quotes" : "");
        return false;
    }
    return true;
}

static bool check_compare(struct tt_compile *compile, struct tt_node *node)
{
    const struct tt_node *left = node->args;
    const struct tt_node *right = node->args->next;
    char left_name[48];
    char right_name[48];
    node->type = TT_TYPE_BOOL;
    if (!check_args(compile, node)) {
        return false;
    }
    if (node->relation == TT_IN) {
        return check_in(compile, node);
    }
    bool is_equality = node->relation == TT_EQ || node->relation == TT_NE;
    if (compile->options->gradual) {
        return true;
    }
    if (comparable(left->type, right->type) &&
        (is_equality || (has_order(left->type) && has_order(right->type)))) {
        return true;
    }
    bool is_null =
        TT_CODE_KIND(left->type) == TT_TYPE_NULL || TT_CODE_KIND(right->type) == TT_TYPE_NULL;
    (void)tt_compile_fail(compile, TT_E_TYPE, node->offset, "'%s' cannot compare %s with %s%s",
                          relation_text(node->relation), tt_code_name(left->type, left_name),
                          tt_code_name(right->type, right_name),
                          is_null ? "; is_missing(x) asks whether there is a value" : "");
    return false;
}

static tt_type_code result_type(const struct tt_func *func, const struct tt_node *node)
{
    if (func->result == TT_RESULT_FIRST) {
        return node->args->type;
    }
    if (func->result != TT_TYPE_NONE) {
        return func->result;
    }
    return TT_CODE_KIND(node->args->type) == TT_TYPE_LIST ? tt_code_item(node->args->type)
                                                          : (tt_type_code)TT_TYPE_DYN;
}

/* The rows of a name that could take the arguments: *ret_func is the only one left when all types
 * are known, NULL when that is decided later. */
static uint32_t count_matches(const struct tt_func *first, const struct tt_node *node,
                              const struct tt_func **ret_func, tt_type_code *ret_type)
{
    uint32_t count = 0;
    for (const struct tt_func *func = first; func != NULL; func = tt_func_next(func)) {
        const struct tt_node *arg = node->args;
        bool matches = func->arg_count == node->arg_count &&
                       (func->styles &
                        (node->method ? TT_FUNC_METHOD : TT_FUNC_GLOBAL | TT_FUNC_OPERATOR)) != 0;
        for (uint32_t i = 0; matches && i < node->arg_count; i++, arg = arg->next) {
            matches = func->args[i] == TT_TYPE_DYN || is_dyn(arg->type) ||
                      func->args[i] == (uint8_t)TT_CODE_KIND(arg->type);
        }
        if (!matches) {
            continue;
        }
        tt_type_code result = result_type(func, node);
        *ret_type = count == 0 || *ret_type == result ? result : (tt_type_code)TT_TYPE_DYN;
        *ret_func = func;
        count++;
    }
    return count;
}

/* "string, int" of the arguments into text. */
static void list_types(const struct tt_node *node, char *text, size_t size)
{
    size_t used = 0;
    char name[48];
    text[0] = '\0';
    for (const struct tt_node *arg = node->args; arg != NULL && used < size; arg = arg->next) {
        used += (size_t)snprintf(text + used, size - used, "%s%s", arg == node->args ? "" : ", ",
                                 tt_code_name(arg->type, name));
    }
}

/* "size(string), string.size(), …" of the rows of a name, for a message. */
static void list_rows(const struct tt_func *first, char *text, size_t size)
{
    size_t used = 0;
    text[0] = '\0';
    for (const struct tt_func *func = first; func != NULL && used < size;
         func = tt_func_next(func)) {
        bool method = (func->styles & TT_FUNC_METHOD) != 0;
        used += (size_t)snprintf(text + used, size - used, "%s%s%s%s(", func == first ? "" : " or ",
                                 method ? tt_type_name((enum tt_type)func->args[0]) : "",
                                 method ? "." : "", func->name);
        for (uint32_t i = method ? 1 : 0; i < func->arg_count && used < size; i++) {
            const char *comma = i == (method ? 1u : 0u) ? "" : ", ";
            used += (size_t)snprintf(text + used, size - used, "%s%s", comma,
                                     tt_type_name((enum tt_type)func->args[i]));
        }
        if (used < size) {
            used += (size_t)snprintf(text + used, size - used, ")");
        }
    }
}

/* "+" of "_+_". */
static struct tt_str operator_text(struct tt_str name)
{
    if (tt_str_equal_text(name, "_[_]") || tt_str_equal_text(name, "_[?_]")) {
        return TT_STR("[]");
    }
    bool binary = name.data[0] == '_';
    return (struct tt_str){name.data + (binary ? 1 : 0), 1};
}

static bool fail_overload(struct tt_compile *compile, const struct tt_node *node,
                          const struct tt_func *first)
{
    char types[96]; /* as large as a type's name at least */
    char rows[128];
    list_types(node, types, sizeof(types));
    if ((first->styles & TT_FUNC_OPERATOR) == 0) {
        list_rows(first, rows, sizeof(rows));
        (void)tt_compile_fail(compile, TT_E_TYPE, node->offset, "no %.*s for (%s); there is %s",
                              TT_STR_ARG(node->name), types, rows);
        return false;
    }
    if (node->select) {
        (void)tt_compile_fail(
            compile, TT_E_TYPE, node->offset, "'.%.*s' selects from a map, this is %s",
            TT_STR_ARG(node->args->next->value.text), tt_code_name(node->args->type, types));
        return false;
    }
    struct tt_str symbol = operator_text(node->name);
    const struct tt_node *left = node->args;
    const struct tt_node *right = left->next;
    if (right != NULL && tt_code_numeric(left->type) && tt_code_numeric(right->type) &&
        left->type != right->type) {
        char text[4] = {symbol.data[0], '\0'};
        return fail_mixed(compile, node, text, left, right);
    }
    (void)tt_compile_fail(compile, TT_E_TYPE, node->offset, "no operator %.*s for %s",
                          TT_STR_ARG(symbol), types);
    return false;
}

static bool fail_unknown_call(struct tt_compile *compile, const struct tt_node *node)
{
    const char *nearest = tt_func_nearest(node->name);
    int size =
        node->name.size < TT_EXPR_NAME_SIZE_MAX ? (int)node->name.size : TT_EXPR_NAME_SIZE_MAX;
    (void)tt_compile_fail(compile, TT_E_UNKNOWN, node->offset,
                          nearest == NULL ? "unknown function '%.*s'"
                                          : "unknown function '%.*s'; did you mean '%s'?",
                          size, node->name.data, nearest);
    return false;
}

static bool check_call(struct tt_compile *compile, struct tt_node *node)
{
    const struct tt_func *first = tt_func_find(node->name);
    if (first == NULL || (node->name.data[0] == '_' && (first->styles & TT_FUNC_OPERATOR) == 0)) {
        return fail_unknown_call(compile, node);
    }
    if (!check_args(compile, node)) {
        return false;
    }
    bool any_dyn = false;
    for (const struct tt_node *arg = node->args; arg != NULL; arg = arg->next) {
        any_dyn = any_dyn || is_dyn(arg->type);
    }
    uint32_t count = count_matches(first, node, &node->func, &node->type);
    if (count == 0) {
        return fails_later(compile, node, TT_VALUE_TYPE) || fail_overload(compile, node, first);
    }
    if (any_dyn && (node->func->styles & TT_FUNC_ERRORS) == 0) {
        node->func = NULL;
    }
    return true;
}

static bool check_node(struct tt_compile *compile, struct tt_node *node)
{
    switch ((enum tt_node_kind)node->kind) {
    case TT_NODE_LITERAL:
        node->type = value_code(&node->value);
        return true;
    case TT_NODE_NAME:
        return check_name(compile, node);
    case TT_NODE_CALL:
        return check_call(compile, node);
    case TT_NODE_COMPARE:
        return check_compare(compile, node);
    case TT_NODE_LOCAL:
        node->type = node->variable->type;
        return true;
    case TT_NODE_LIST:
        return check_list(compile, node);
    case TT_NODE_MAP:
        return check_map(compile, node);
    case TT_NODE_LOOP:
        return check_loop(compile, node);
    case TT_NODE_BIND:
        return check_bind(compile, node);
    case TT_NODE_AND:
    case TT_NODE_OR:
    case TT_NODE_NOT:
        return check_logic(compile, node);
    case TT_NODE_IF:
        return check_choice(compile, node);
    }
    return false;
}

bool tt_expr_check(struct tt_compile *compile, struct tt_node *root)
{
    return check_node(compile, root);
}
