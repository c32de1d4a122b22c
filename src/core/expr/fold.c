/*
 * Constant folding, bottom up.
 *
 * A constant part that can only fail is refused here, where its place is known. An int that is
 * compared with a double becomes a double when that is exact, which is what the fast opcodes take.
 */
#include <string.h>

#include "core/expr/env.h"
#include "core/expr/funcs/func.h"

static bool is_literal(const struct tt_node *node)
{
    return node->kind == TT_NODE_LITERAL;
}

/* Errors that wait for their evaluation are none. */
static bool all_literal(const struct tt_node *node)
{
    for (const struct tt_node *arg = node->args; arg != NULL; arg = arg->next) {
        if (!is_literal(arg) || arg->optional || arg->value.type == TT_TYPE_NONE) {
            return false;
        }
    }
    return true;
}

/* Makes node a literal of that value; its checked type stays. */
static struct tt_node *become(struct tt_node *node, struct tt_value value)
{
    node->kind = TT_NODE_LITERAL;
    node->value = value;
    node->args = NULL;
    node->arg_count = 0;
    return node;
}

static void *fail_nomem(struct tt_compile *compile)
{
    return tt_compile_fail(compile, TT_E_NOMEM, 0, "out of memory");
}

static struct tt_node *fold_call(struct tt_compile *compile, struct tt_node *node)
{
    const struct tt_value *args[TT_CALL_ARGS_MAX];
    struct tt_value value;
    uint32_t count = 0;
    if (!all_literal(node)) {
        return node;
    }
    if (compile->scratch == NULL) {
        compile->scratch = tt_arena_new(compile->arena, sizeof(*compile->scratch));
    }
    if (compile->scratch == NULL) {
        return fail_nomem(compile);
    }
    struct tt_call call = {.scratch = compile->scratch, .host = tt_env_host(compile->env)};
    for (const struct tt_node *arg = node->args; arg != NULL; arg = arg->next) {
        args[count++] = &arg->value;
    }
    const struct tt_func *first = tt_func_find(node->name);
    compile->scratch->heap_used = 0;
    tt_func_call(node->func, first, &call, args, count, &value);
    bool in_scratch =
        value.type == TT_TYPE_LIST || value.type == TT_TYPE_MAP || value.type == TT_TYPE_OPTIONAL;
    bool waits =
        value.type == TT_TYPE_NONE && (value.error == TT_VALUE_SPACE || compile->options->gradual);
    if (in_scratch || waits) {
        return node;
    }
    if (value.type == TT_TYPE_NONE) {
        bool named = (first->styles & TT_FUNC_OPERATOR) == 0;
        return tt_compile_fail(compile, TT_E_INVALID, node->offset,
                               "this constant part can only fail (%s)%s%s",
                               tt_value_error_name(value.error), named ? ": " : "",
                               named ? (node->func != NULL ? node->func : first)->doc : "");
    }
    if (value.type == TT_TYPE_STRING || value.type == TT_TYPE_BYTES) {
        value.text.data = tt_arena_copy(compile->arena, value.text.data, value.text.size);
        if (value.text.data == NULL) {
            return fail_nomem(compile);
        }
    }
    return become(node, value);
}

/* A list of the literals among the arguments, kept with the expression; NULL on failure. */
static struct tt_list *keep_items(struct tt_compile *compile, const struct tt_node *node)
{
    struct tt_alloc keep = tt_arena_alloc(compile->keep);
    struct tt_value *items =
        tt_arena_new_array(compile->arena, node->arg_count + 1, sizeof(struct tt_value));
    struct tt_list *list = NULL;
    uint32_t count = 0;
    for (const struct tt_node *arg = node->args; items != NULL && arg != NULL; arg = arg->next) {
        items[count++] = arg->value;
    }
    if (items == NULL || tt_list_new(&keep, items, count, &list, NULL) != TT_OK) {
        return fail_nomem(compile);
    }
    return list;
}

static struct tt_node *fold_list(struct tt_compile *compile, struct tt_node *node)
{
    if (!all_literal(node)) {
        return node;
    }
    struct tt_list *list = keep_items(compile, node);
    return list == NULL ? NULL
                        : become(node, (struct tt_value){.type = TT_TYPE_LIST, .list = list});
}

static struct tt_node *fold_map(struct tt_compile *compile, struct tt_node *node)
{
    if (!all_literal(node)) {
        return node;
    }
    struct tt_list *list = keep_items(compile, node);
    uint8_t error = list == NULL ? 0 : tt_map_check(list);
    if (list == NULL || (error != 0 && compile->options->gradual)) {
        return list == NULL ? NULL : node;
    }
    if (error != 0) {
        return tt_compile_fail(compile, TT_E_INVALID, node->offset, "this map can only fail (%s)",
                               tt_value_error_name(error));
    }
    return become(node, (struct tt_value){.type = TT_TYPE_MAP, .list = list});
}

/* An int or uint literal against a double becomes one, when no bit is lost. */
static void align_number(struct tt_node *literal, const struct tt_node *other)
{
    if (!is_literal(literal) || TT_CODE_KIND(other->type) != TT_TYPE_DOUBLE) {
        return;
    }
    struct tt_value as_double = {.type = TT_TYPE_DOUBLE};
    if (literal->value.type == TT_TYPE_INT) {
        as_double.number = (double)literal->value.integer;
    } else if (literal->value.type == TT_TYPE_UINT) {
        as_double.number = (double)literal->value.uinteger;
    } else {
        return;
    }
    if (tt_value_equal(&as_double, &literal->value)) {
        literal->value = as_double;
        literal->type = TT_TYPE_DOUBLE;
    }
}

static struct tt_node *fold_compare(struct tt_compile *compile, struct tt_node *node)
{
    struct tt_node *left = node->args;
    struct tt_node *right = left->next;
    if (is_literal(left) && is_literal(right)) {
        struct tt_value value = tt_compare_values(node->relation, &left->value, &right->value);
        if (value.type == TT_TYPE_NONE && compile->options->gradual) {
            return node;
        }
        if (value.type == TT_TYPE_NONE) {
            return tt_compile_fail(compile, TT_E_INVALID, node->offset,
                                   "this constant part can only fail (%s)",
                                   tt_value_error_name(value.error));
        }
        return become(node, value);
    }
    if (node->relation != TT_IN) {
        align_number(left, right);
        align_number(right, left);
    }
    return node;
}

/* Takes the terms out that change nothing; one that decides everything becomes the value. */
static struct tt_node *fold_chain(struct tt_node *node)
{
    bool neutral = node->kind == TT_NODE_AND;
    struct tt_node **link = &node->args;
    while (*link != NULL) {
        struct tt_node *arg = *link;
        if (!is_literal(arg) || arg->value.type != TT_TYPE_BOOL) {
            link = &arg->next;
        } else if (arg->value.boolean != neutral) {
            return become(node, tt_value_bool(!neutral));
        } else {
            *link = arg->next;
            node->arg_count--;
        }
    }
    if (node->arg_count == 0) {
        return become(node, tt_value_bool(neutral));
    }
    bool single = node->arg_count == 1 && TT_CODE_KIND(node->args->type) == TT_TYPE_BOOL;
    return single ? node->args : node;
}

static struct tt_node *fold_node(struct tt_compile *compile, struct tt_node *node)
{
    for (struct tt_node **link = &node->args; *link != NULL; link = &(*link)->next) {
        struct tt_node *next = (*link)->next;
        bool optional = (*link)->optional;
        struct tt_node *folded = fold_node(compile, *link);
        if (folded == NULL) {
            return NULL;
        }
        folded->next = next;
        folded->optional = optional;
        *link = folded;
    }
    switch ((enum tt_node_kind)node->kind) {
    case TT_NODE_CALL:
        return fold_call(compile, node);
    case TT_NODE_LIST:
        return fold_list(compile, node);
    case TT_NODE_MAP:
        return fold_map(compile, node);
    case TT_NODE_COMPARE:
        return fold_compare(compile, node);
    case TT_NODE_AND:
    case TT_NODE_OR:
        return fold_chain(node);
    case TT_NODE_NOT:
        if (is_literal(node->args) && node->args->value.type == TT_TYPE_BOOL) {
            return become(node, tt_value_bool(!node->args->value.boolean));
        }
        return node;
    case TT_NODE_IF:
        if (is_literal(node->args) && node->args->value.type == TT_TYPE_BOOL) {
            return tt_node_arg(node, node->args->value.boolean ? 1 : 2);
        }
        return node;
    case TT_NODE_LITERAL:
    case TT_NODE_NAME:
    case TT_NODE_LOCAL:
    case TT_NODE_LOOP:
    case TT_NODE_BIND:
        break;
    }
    return node;
}

struct tt_node *tt_expr_fold(struct tt_compile *compile, struct tt_node *root)
{
    return fold_node(compile, root);
}
