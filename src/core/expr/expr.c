/*
 * One compilation from text to expression: parse, check, fold, emit; and the expression's life.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "core/expr/code.h"
#include "core/expr/env.h"

#define TREE_BLOCK_SIZE 8192
#define TREE_SIZE_MAX ((size_t)16 << 20)
#define KEEP_BLOCK_SIZE 512
#define KEEP_SIZE_MAX ((size_t)16 << 20)

/* Line and column of an offset: in the file when the text's own place was given. */
static void locate(const struct tt_compile *compile, uint32_t offset, uint32_t *ret_line,
                   uint32_t *ret_column)
{
    const struct tt_expr_options *options = compile->options;
    uint32_t line = options->line == 0 ? 1 : options->line;
    uint32_t column = options->column == 0 ? 1 : options->column;
    for (uint32_t i = 0; i < offset && i < options->text.size; i++) {
        bool newline = options->text.data[i] == '\n';
        line += newline ? 1 : 0;
        column = newline ? 1 : column + 1;
    }
    *ret_line = line;
    *ret_column = column;
}

void *tt_compile_fail(struct tt_compile *compile, enum tt_status status, uint32_t offset,
                      const char *format, ...)
{
    char message[sizeof(((struct tt_error *)NULL)->message)];
    uint32_t line = 0;
    uint32_t column = 0;
    va_list args;
    if (compile->status != TT_OK) {
        return NULL;
    }
    compile->status = status;
    if (status == TT_E_NOMEM) {
        (void)tt_fail(compile->err, status, "out of memory");
        return NULL;
    }
    va_start(args, format);
    (void)vsnprintf(message, sizeof(message), format, args);
    va_end(args);
    offset = compile->in_alias ? compile->alias_offset : offset;
    locate(compile, offset, &line, &column);
    (void)tt_fail_at(compile->err, status, line, column, offset, "%s", message);
    return NULL;
}

struct tt_node *tt_node_new(struct tt_compile *compile, enum tt_node_kind kind, uint32_t offset)
{
    if (++compile->node_count > TT_EXPR_NODES_MAX) {
        return tt_compile_fail(compile, TT_E_LIMIT, offset, "the expression has more than %d parts",
                               TT_EXPR_NODES_MAX);
    }
    struct tt_node *node = tt_arena_new(compile->arena, sizeof(*node));
    if (node == NULL) {
        return tt_compile_fail(compile, TT_E_NOMEM, offset, "out of memory");
    }
    offset = compile->in_alias ? compile->alias_offset : offset;
    *node = (struct tt_node){.kind = (uint8_t)kind, .depth = 1, .offset = offset, .start = offset};
    return node;
}

bool tt_node_add(struct tt_compile *compile, struct tt_node *node, struct tt_node *arg)
{
    if (arg->depth >= TT_NODE_DEPTH_MAX) {
        (void)tt_compile_fail(compile, TT_E_LIMIT, node->offset,
                              "more than %d operations in a row; use parentheses",
                              TT_NODE_DEPTH_MAX);
        return false;
    }
    if (node->kind == TT_NODE_CALL && node->arg_count >= TT_CALL_ARGS_MAX) {
        (void)tt_compile_fail(compile, TT_E_LIMIT, arg->start, "more than %d arguments",
                              TT_CALL_ARGS_MAX);
        return false;
    }
    node->depth = node->depth > arg->depth ? node->depth : (uint16_t)(arg->depth + 1);
    if (node->last_arg == NULL) {
        node->args = arg;
    } else {
        node->last_arg->next = arg;
    }
    node->last_arg = arg;
    node->arg_count++;
    return true;
}

struct tt_node *tt_node_arg(const struct tt_node *node, uint32_t index)
{
    struct tt_node *arg = node->args;
    TT_ASSERT(index < node->arg_count);
    while (index-- > 0) {
        arg = arg->next;
    }
    return arg;
}

/* The type asked for, with an int constant as a double where that is asked for. */
static bool check_want(struct tt_compile *compile, struct tt_node *root)
{
    enum tt_type want = compile->options->want;
    enum tt_type have = TT_CODE_KIND(root->type);
    char name[48];
    if (want == TT_TYPE_NONE || want == TT_TYPE_DYN || have == want || have == TT_TYPE_DYN) {
        return true;
    }
    if (want == TT_TYPE_DOUBLE && root->kind == TT_NODE_LITERAL && have == TT_TYPE_INT) {
        root->value = tt_value_double((double)root->value.integer);
        root->type = TT_TYPE_DOUBLE;
        return true;
    }
    (void)tt_compile_fail(compile, TT_E_TYPE, root->start, "a %s is needed here, this is %s",
                          tt_type_name(want), tt_code_name(root->type, name));
    return false;
}

/* The names of the slots that are read, for explain. */
static bool keep_names(struct tt_compile *compile, struct tt_expr *expr)
{
    uint32_t count = 0;
    for (size_t i = 0; i < TT_ARRAY_SIZE(expr->uses); i++) {
        count += (uint32_t)__builtin_popcountll(expr->uses[i]);
    }
    expr->names = tt_arena_new_array(compile->keep, count + 1, sizeof(struct tt_slot_name));
    for (uint32_t slot = 0; expr->names != NULL && expr->name_count < count; slot++) {
        if (!tt_expr_uses(expr, slot)) {
            continue;
        }
        struct tt_str name = tt_expr_env_slot_name(compile->env, slot);
        name.data = tt_arena_copy(compile->keep, name.data, name.size);
        if (name.data == NULL) {
            break;
        }
        expr->names[expr->name_count++] = (struct tt_slot_name){slot, name};
    }
    if (expr->names == NULL || expr->name_count < count) {
        (void)tt_compile_fail(compile, TT_E_NOMEM, 0, "out of memory");
        return false;
    }
    return true;
}

static bool check_cost(struct tt_compile *compile, const struct tt_expr *expr)
{
    if (expr->code_count <= expr->cost_max) {
        return true;
    }
    (void)tt_compile_fail(compile, TT_E_LIMIT, 0, "costs %u, more than the limit of %llu",
                          expr->code_count, (unsigned long long)expr->cost_max);
    return false;
}

static void run_passes(struct tt_compile *compile, struct tt_expr *expr)
{
    struct tt_node *root = tt_expr_parse(compile);
    if (root == NULL || !tt_expr_check(compile, root)) {
        return;
    }
    root = tt_expr_fold(compile, root);
    if (root == NULL || !check_want(compile, root)) {
        return;
    }
    enum tt_type want = compile->options->want;
    expr->type = want == TT_TYPE_NONE || want == TT_TYPE_DYN ? TT_CODE_KIND(root->type) : want;
    if (tt_expr_emit(compile, root, expr) && check_cost(compile, expr) &&
        keep_names(compile, expr) && compile->options->ways) {
        (void)tt_expr_gather(compile, root, expr);
    }
}

enum tt_status tt_expr_compile(const struct tt_alloc *alloc, const struct tt_expr_env *env,
                               const struct tt_expr_options *options, struct tt_expr **ret,
                               struct tt_error *err)
{
    struct tt_arena tree;
    struct tt_compile compile = {
        .arena = &tree, .env = env, .options = options, .err = err, .text = options->text};
    if (options->text.size > TT_EXPR_TEXT_SIZE_MAX) {
        return tt_fail_at(err, TT_E_LIMIT, options->line == 0 ? 1 : options->line,
                          options->column == 0 ? 1 : options->column, 0,
                          "an expression of %zu bytes; at most %d are allowed", options->text.size,
                          TT_EXPR_TEXT_SIZE_MAX);
    }
    struct tt_expr *expr = tt_new_array(alloc, 1, sizeof(*expr));
    if (expr == NULL) {
        return tt_fail(err, TT_E_NOMEM, "out of memory");
    }
    expr->alloc = alloc;
    expr->host = tt_env_host(env);
    expr->cost_max = options->cost_max == 0 ? TT_EXPR_COST_DEFAULT : options->cost_max;
    tt_arena_init(&expr->arena, alloc, KEEP_BLOCK_SIZE, KEEP_SIZE_MAX);
    tt_arena_init(&tree, alloc, TREE_BLOCK_SIZE, TREE_SIZE_MAX);
    compile.keep = &expr->arena;
    run_passes(&compile, expr);
    tt_arena_deinit(&tree);
    if (compile.status != TT_OK) {
        tt_expr_free(expr);
        return compile.status;
    }
    *ret = expr;
    return TT_OK;
}

void tt_expr_free(struct tt_expr *expr)
{
    if (expr != NULL) {
        for (uint32_t i = 0; i < expr->handle_count; i++) {
            (expr->handles[i].is_zone ? expr->host->zone_free
                                      : expr->host->pattern_free)(expr->handles[i].made);
        }
        tt_arena_deinit(&expr->arena);
        tt_delete(expr->alloc, expr, sizeof(*expr));
    }
}

enum tt_type tt_expr_type(const struct tt_expr *expr)
{
    return expr->type;
}

bool tt_expr_uses(const struct tt_expr *expr, uint32_t slot)
{
    return slot < TT_EXPR_SLOTS_MAX && ((expr->uses[slot / 64] >> (slot % 64)) & 1) != 0;
}

uint32_t tt_expr_operand_count(const struct tt_expr *expr)
{
    return expr->operand_count;
}

uint32_t tt_expr_operand_place(const struct tt_expr *expr, uint32_t index)
{
    TT_ASSERT(index < expr->operand_count);
    return expr->operands[index];
}
