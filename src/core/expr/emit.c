/*
 * Tree to bytecode.
 *
 * Names and literals cost no instruction: they become operands. A node that computes writes the
 * register it is told and uses higher ones for its parts, so that a register is free again when its
 * value was read.
 */
#include <string.h>

#include "core/expr/code.h"
#include "core/expr/env.h"
#include "core/expr/funcs/func.h"
#include "core/expr/made.h"

struct emitter {
    struct tt_compile *compile;
    struct tt_insn *code; /* in the compilation's arena, moved to the expression's at the end */
    struct tt_value *constants;
    uint32_t code_count, code_max;
    uint32_t constant_count, constant_max;
    uint32_t *places;
    uint32_t place; /* offset + 1 of the node that is emitted */
    uint64_t *uses;
    struct tt_expr *expr;
    uint32_t *operands;
    uint32_t operand_count, operand_max;
    bool failed;
};

static uint16_t emit(struct emitter *emitter, const struct tt_node *node, uint32_t reg);

static void fail(struct emitter *emitter, enum tt_status status, const struct tt_node *node,
                 const char *message)
{
    emitter->failed = true;
    (void)tt_compile_fail(emitter->compile, status, node->offset, "%s", message);
}

/* The capacity to come: twice, from 64. */
static void *grow(struct emitter *emitter, void *old, uint32_t count, uint32_t *max, size_t size)
{
    uint32_t new_max = *max == 0 ? 64 : *max * 2;
    void *memory = tt_arena_new_array(emitter->compile->arena, new_max, size);
    if (memory == NULL) {
        emitter->failed = true;
        (void)tt_compile_fail(emitter->compile, TT_E_NOMEM, 0, "out of memory");
        return NULL;
    }
    if (count > 0) {
        memcpy(memory, old, count * size);
    }
    *max = new_max;
    return memory;
}

/* Appends an instruction; returns its number. */
static uint32_t put(struct emitter *emitter, struct tt_insn insn)
{
    if (!emitter->failed && emitter->code_count == emitter->code_max) {
        uint32_t places_max = emitter->code_max;
        void *places =
            grow(emitter, emitter->places, emitter->code_count, &places_max, sizeof(uint32_t));
        emitter->places = places == NULL ? emitter->places : places;
        void *code = grow(emitter, emitter->code, emitter->code_count, &emitter->code_max,
                          sizeof(struct tt_insn));
        emitter->code = code == NULL ? emitter->code : code;
    }
    if (emitter->failed) {
        return 0;
    }
    emitter->code[emitter->code_count] = insn;
    emitter->places[emitter->code_count] = emitter->place;
    return emitter->code_count++;
}

static uint16_t reg_operand(struct emitter *emitter, const struct tt_node *node, uint32_t reg)
{
    if (reg >= TT_EXPR_REGISTERS_MAX) {
        fail(emitter, TT_E_LIMIT, node, "too many values are needed at once; make it simpler");
        return 0;
    }
    return TT_OPERAND(TT_IN_REGISTERS, reg);
}

/* The same constant as before, for short searches: rules repeat few. */
static bool same_constant(const struct tt_value *a, const struct tt_value *b)
{
    if (a->type != b->type) {
        return false;
    }
    if (a->type == TT_TYPE_DOUBLE) { /* -0.0 is not 0.0, NaN is NaN */
        return memcmp(&a->number, &b->number, sizeof(double)) == 0;
    }
    if (a->type == TT_TYPE_NONE) {
        return a->error == b->error && a->place == b->place;
    }
    bool nested = a->type == TT_TYPE_LIST || a->type == TT_TYPE_MAP || a->type == TT_TYPE_OPTIONAL;
    return nested ? a->list == b->list : tt_value_equal(a, b);
}

static uint16_t constant(struct emitter *emitter, const struct tt_node *node)
{
    struct tt_value value = node->value;
    uint32_t from = emitter->constant_count > 16 ? emitter->constant_count - 16 : 0;
    for (uint32_t i = from; i < emitter->constant_count; i++) {
        if (same_constant(&emitter->constants[i], &value)) {
            return TT_OPERAND(TT_IN_CONSTANTS, i);
        }
    }
    if (emitter->constant_count >= TT_CONSTANTS_MAX) {
        fail(emitter, TT_E_LIMIT, node, "too many constants");
        return 0;
    }
    if (value.type == TT_TYPE_STRING || value.type == TT_TYPE_BYTES) {
        value.text.data = tt_arena_copy(emitter->compile->keep, value.text.data, value.text.size);
        if (value.text.data == NULL) {
            fail(emitter, TT_E_NOMEM, node, "out of memory");
            return 0;
        }
    }
    if (emitter->constant_count == emitter->constant_max) {
        void *constants = grow(emitter, emitter->constants, emitter->constant_count,
                               &emitter->constant_max, sizeof(struct tt_value));
        if (constants == NULL) {
            return 0;
        }
        emitter->constants = constants;
    }
    emitter->constants[emitter->constant_count] = value;
    return TT_OPERAND(TT_IN_CONSTANTS, emitter->constant_count++);
}

/* In an expression that is covered: notes what an operand was. */
static void put_mark(struct emitter *emitter, const struct tt_node *node, uint16_t operand)
{
    if (!emitter->compile->options->cover || emitter->failed) {
        return;
    }
    if (emitter->operand_count == emitter->operand_max) {
        uint32_t *operands = grow(emitter, emitter->operands, emitter->operand_count,
                                  &emitter->operand_max, sizeof(uint32_t));
        if (operands == NULL) {
            return;
        }
        emitter->operands = operands;
    }
    emitter->operands[emitter->operand_count] = node->start;
    (void)put(emitter, (struct tt_insn){.opcode = TT_OP_MARK,
                                        .a = operand,
                                        .b = operand,
                                        .count = emitter->operand_count++});
}

/* Emits node so that its value stands in that register. */
static void emit_into(struct emitter *emitter, const struct tt_node *node, uint32_t reg)
{
    uint16_t dst = reg_operand(emitter, node, reg);
    uint16_t operand = emit(emitter, node, reg);
    if (operand != dst) {
        (void)put(emitter, (struct tt_insn){.opcode = TT_OP_MOVE, .dst = dst, .a = operand});
    }
}

/* Both sides of a binary node; the right one goes one register higher when the left took reg. */
static void emit_sides(struct emitter *emitter, const struct tt_node *node, uint32_t reg,
                       uint16_t *ret_a, uint16_t *ret_b)
{
    *ret_a = emit(emitter, node->args, reg);
    bool taken = TT_OPERAND_SPACE(*ret_a) == TT_IN_REGISTERS;
    *ret_b = emit(emitter, node->args->next, taken ? reg + 1 : reg);
}

static bool both(const struct tt_node *node, enum tt_type kind)
{
    return TT_CODE_KIND(node->args->type) == kind && TT_CODE_KIND(node->args->next->type) == kind;
}

/* A comparison, typed where both sides are doubles. */
static struct tt_insn comparison(const struct tt_node *node, uint16_t a, uint16_t b)
{
    static const uint16_t opcodes[] = {
        [TT_LT] = TT_OP_LT_DOUBLE, [TT_LE] = TT_OP_LE_DOUBLE, [TT_GT] = TT_OP_GT_DOUBLE,
        [TT_GE] = TT_OP_GE_DOUBLE, [TT_EQ] = TT_OP_EQ_DOUBLE, [TT_NE] = TT_OP_NE_DOUBLE};
    struct tt_insn insn = {.opcode = TT_OP_COMPARE, .a = a, .b = b};
    insn.relation = node->relation;
    if (node->relation == TT_IN) {
        insn.opcode = TT_OP_IN;
    } else if (both(node, TT_TYPE_DOUBLE)) {
        insn.opcode = opcodes[node->relation];
    }
    return insn;
}

static uint16_t emit_compare(struct emitter *emitter, const struct tt_node *node, uint32_t reg)
{
    uint16_t a = 0;
    uint16_t b = 0;
    emit_sides(emitter, node, reg, &a, &b);
    struct tt_insn insn = comparison(node, a, b);
    insn.dst = reg_operand(emitter, node, reg);
    (void)put(emitter, insn);
    return insn.dst;
}

/* The opcode that is comparison and link of a chain in one, or 0. */
static uint16_t fused(const struct tt_node *chain, const struct tt_node *term,
                      const struct tt_insn *insn)
{
    bool is_and = chain->kind == TT_NODE_AND;
    if (insn->opcode >= TT_OP_LT_DOUBLE && insn->opcode <= TT_OP_NE_DOUBLE) {
        uint16_t first = is_and ? TT_OP_AND_LT_DOUBLE : TT_OP_OR_LT_DOUBLE;
        return (uint16_t)(first + (insn->opcode - TT_OP_LT_DOUBLE)); /* rows in the same order */
    }
    if (insn->opcode != TT_OP_COMPARE || !both(term, TT_TYPE_STRING)) {
        return 0;
    }
    if (term->relation == TT_EQ) {
        return is_and ? TT_OP_AND_EQ_STRING : TT_OP_OR_EQ_STRING;
    }
    if (term->relation == TT_NE) {
        return is_and ? TT_OP_AND_NE_STRING : TT_OP_OR_NE_STRING;
    }
    return 0;
}

/* One term of a chain whose value gathers in reg. */
static void emit_term(struct emitter *emitter, const struct tt_node *chain,
                      const struct tt_node *term, uint32_t reg)
{
    struct tt_insn insn = {.opcode = chain->kind == TT_NODE_AND ? TT_OP_AND : TT_OP_OR};
    if (term->kind == TT_NODE_COMPARE && !emitter->compile->options->cover) {
        uint16_t a = 0;
        uint16_t b = 0;
        emit_sides(emitter, term, reg + 1, &a, &b);
        struct tt_insn compare = comparison(term, a, b);
        uint16_t opcode = fused(chain, term, &compare);
        if (opcode != 0) {
            insn.opcode = opcode;
            insn.a = compare.a;
            insn.b = compare.b;
        } else {
            compare.dst = reg_operand(emitter, term, reg + 1);
            (void)put(emitter, compare);
            insn.a = insn.b = compare.dst;
        }
    } else {
        insn.a = insn.b = emit(emitter, term, reg + 1);
        put_mark(emitter, term, insn.a);
    }
    insn.dst = reg_operand(emitter, term, reg);
    insn.target = UINT32_MAX; /* the end of the chain, when it is known */
    (void)put(emitter, insn);
}

static bool links_to_end(const struct tt_insn *insn)
{
    return insn->opcode >= TT_OP_AND_LT_DOUBLE && insn->opcode <= TT_OP_OR &&
           insn->target == UINT32_MAX;
}

static uint16_t emit_chain(struct emitter *emitter, const struct tt_node *node, uint32_t reg)
{
    uint16_t dst = reg_operand(emitter, node, reg);
    uint16_t opcode = node->kind == TT_NODE_AND ? TT_OP_TRUE : TT_OP_FALSE;
    uint32_t start = put(emitter, (struct tt_insn){.opcode = opcode, .dst = dst});
    for (const struct tt_node *term = node->args; term != NULL; term = term->next) {
        emit_term(emitter, node, term, reg);
    }
    for (uint32_t i = start; !emitter->failed && i < emitter->code_count; i++) {
        if (links_to_end(&emitter->code[i])) { /* chains inside have theirs already */
            emitter->code[i].target = emitter->code_count;
        }
    }
    return dst;
}

static uint16_t emit_choice(struct emitter *emitter, const struct tt_node *node, uint32_t reg)
{
    uint16_t dst = reg_operand(emitter, node, reg);
    uint16_t condition = emit(emitter, node->args, reg);
    put_mark(emitter, node->args, condition);
    uint32_t branch =
        put(emitter, (struct tt_insn){.opcode = TT_OP_BRANCH, .dst = dst, .a = condition});
    emit_into(emitter, tt_node_arg(node, 1), reg);
    uint32_t jump = put(emitter, (struct tt_insn){.opcode = TT_OP_JUMP});
    uint32_t otherwise = emitter->code_count;
    emit_into(emitter, tt_node_arg(node, 2), reg);
    if (!emitter->failed) {
        emitter->code[branch].otherwise = otherwise;
        emitter->code[branch].target = emitter->code_count;
        emitter->code[jump].target = emitter->code_count;
    }
    return dst;
}

/* Every argument into a register of its own, from reg on. */
static void emit_registers(struct emitter *emitter, const struct tt_node *node, uint32_t reg)
{
    for (const struct tt_node *arg = node->args; arg != NULL && !emitter->failed; arg = arg->next) {
        emit_into(emitter, arg, reg);
        if (arg->optional) {
            uint16_t dst = reg_operand(emitter, arg, reg);
            (void)put(emitter, (struct tt_insn){.opcode = TT_OP_UNWRAP, .dst = dst, .a = dst});
        }
        reg++;
    }
}

/* What the host makes of a constant pattern or zone goes with the expression: its number + 1, or 0
 * where it is made while evaluating. */
static uint32_t emit_handle(struct emitter *emitter, const struct tt_node *node,
                            const struct tt_func *first)
{
    const struct tt_node *arg = node->arg_count == 2 ? node->args->next : NULL;
    bool is_zone = (first->styles & TT_FUNC_ZONE) != 0 ||
                   (node->func != NULL && (node->func->styles & TT_FUNC_ZONE) != 0);
    bool is_pattern = (first->styles & TT_FUNC_PATTERN) != 0;
    bool gradual = emitter->compile->options->gradual;
    if (arg == NULL || (!is_zone && !is_pattern)) {
        return 0;
    }
    bool constant = arg->kind == TT_NODE_LITERAL && arg->value.type == TT_TYPE_STRING;
    if (!constant && is_pattern && !gradual) {
        fail(emitter, TT_E_TYPE, arg, "the pattern of matches must be a constant text");
    }
    if (!constant || (is_zone && tt_zone_is_offset(arg->value.text))) {
        return 0;
    }
    return tt_expr_keep_handle(emitter->compile, emitter->expr, arg, is_zone, gradual);
}

static uint16_t emit_call(struct emitter *emitter, const struct tt_node *node, uint32_t reg)
{
    const struct tt_func *first = tt_func_find(node->name);
    struct tt_insn insn = {.opcode = TT_OP_CALL};
    uint32_t handle = emit_handle(emitter, node, first);
    insn.first = (uint16_t)(first - tt_funcs);
    insn.func = node->func == NULL ? 0 : (uint16_t)(node->func - tt_funcs + 1);
    insn.count = node->arg_count | handle << TT_HANDLE_SHIFT;
    if (node->arg_count > 2) {
        emit_registers(emitter, node, reg);
        insn.a = TT_OPERAND(TT_IN_REGISTERS, reg);
    } else if (node->arg_count == 2) {
        emit_sides(emitter, node, reg, &insn.a, &insn.b);
    } else if (node->arg_count == 1) {
        insn.a = insn.b = emit(emitter, node->args, reg);
    }
    if (node->func != NULL && node->func->opcode != 0) {
        insn.opcode = node->func->opcode;
    }
    insn.dst = reg_operand(emitter, node, reg);
    (void)put(emitter, insn);
    return insn.dst;
}

static uint16_t emit_list(struct emitter *emitter, const struct tt_node *node, uint32_t reg)
{
    struct tt_insn insn = {.opcode = node->kind == TT_NODE_MAP ? TT_OP_MAP : TT_OP_LIST};
    emit_registers(emitter, node, reg);
    insn.dst = insn.a = reg_operand(emitter, node, reg);
    insn.count = node->arg_count;
    (void)put(emitter, insn);
    return insn.dst;
}

/* Whether the first part behind the range decides if a round counts. */
static bool has_condition(const struct tt_node *node)
{
    return node->loop == TT_LOOP_EXISTS_ONE || node->loop == TT_LOOP_FILTER || node->arg_count == 3;
}

/* What becomes of a round's value; `dst` is the loop's first register. */
static struct tt_insn round_end(struct emitter *emitter, const struct tt_node *node, uint16_t dst)
{
    static const uint16_t opcodes[] = {[TT_LOOP_ALL] = TT_OP_AND,
                                       [TT_LOOP_EXISTS] = TT_OP_OR,
                                       [TT_LOOP_EXISTS_ONE] = TT_OP_COUNT_ONE,
                                       [TT_LOOP_FILTER] = TT_OP_KEEP,
                                       [TT_LOOP_LIST] = TT_OP_KEEP,
                                       [TT_LOOP_MAP] = TT_OP_KEEP_ENTRY,
                                       [TT_LOOP_ENTRIES] = TT_OP_KEEP_MAP,
                                       [TT_LOOP_OPTIONAL] = TT_OP_KEEP,
                                       [TT_LOOP_FLAT] = TT_OP_FLATTEN};
    struct tt_insn insn = {.opcode = opcodes[node->loop], .dst = dst, .a = dst, .b = dst};
    uint16_t first = (uint16_t)(dst + TT_LOOP_FIRST);
    if (node->loop == TT_LOOP_FILTER) {
        insn.a = insn.b = first;
    } else if (node->loop != TT_LOOP_EXISTS_ONE) {
        insn.a = insn.b = emit(emitter, node->last_arg, dst + TT_LOOP_BODY);
    }
    if (node->loop == TT_LOOP_MAP) {
        insn.b = insn.a;
        insn.a = first;
    }
    return insn;
}

/* begin; next; [skip]; body; keep; jump to next; end. */
static uint16_t emit_loop(struct emitter *emitter, const struct tt_node *node, uint32_t reg)
{
    uint16_t dst = reg_operand(emitter, node, reg);
    (void)reg_operand(emitter, node, reg + TT_LOOP_BODY);
    uint16_t range = emit(emitter, node->args, reg);
    uint32_t begin = put(emitter, (struct tt_insn){.opcode = TT_OP_BEGIN, .dst = dst, .a = range});
    uint32_t next = put(emitter, (struct tt_insn){.opcode = TT_OP_NEXT, .dst = dst});
    uint32_t skip = 0;
    node->local->reg = reg + TT_LOOP_FIRST;
    if (node->second != NULL) {
        node->second->reg = reg + TT_LOOP_SECOND;
    }
    if (has_condition(node)) {
        struct tt_insn insn = {.opcode = TT_OP_SKIP, .dst = dst};
        insn.a = insn.b = emit(emitter, node->args->next, reg + TT_LOOP_BODY);
        skip = put(emitter, insn);
    }
    uint32_t keep = put(emitter, round_end(emitter, node, dst));
    (void)put(emitter, (struct tt_insn){.opcode = TT_OP_JUMP, .target = next});
    uint32_t end = emitter->code_count;
    if (node->loop == TT_LOOP_EXISTS_ONE) {
        (void)put(emitter, (struct tt_insn){.opcode = TT_OP_ONE, .dst = dst});
    }
    if (!emitter->failed) {
        struct tt_insn *code = emitter->code;
        code[begin].end = code[next].end = end;
        code[begin].kind = node->loop;
        code[next].two = node->second != NULL;
        code[next].body = (uint16_t)(end - next < UINT16_MAX ? end - next : UINT16_MAX);
        code[keep].target = end;
        if (skip != 0) {
            code[skip].target = end;
            code[skip].otherwise = next;
        }
    }
    return dst;
}

/* The value one register higher than the result, which must end in reg. */
static uint16_t emit_bind(struct emitter *emitter, const struct tt_node *node, uint32_t reg)
{
    node->local->reg = reg + 1;
    emit_into(emitter, node->args, reg + 1);
    uint16_t result = emit(emitter, node->args->next, reg + 2);
    uint16_t dst = reg_operand(emitter, node, reg);
    (void)put(emitter, (struct tt_insn){.opcode = TT_OP_MOVE, .dst = dst, .a = result});
    return dst;
}

static uint16_t emit_not(struct emitter *emitter, const struct tt_node *node, uint32_t reg)
{
    struct tt_insn insn = {.opcode = TT_OP_NOT};
    insn.a = insn.b = emit(emitter, node->args, reg);
    insn.dst = reg_operand(emitter, node, reg);
    (void)put(emitter, insn);
    return insn.dst;
}

static uint16_t emit_kind(struct emitter *emitter, const struct tt_node *node, uint32_t reg)
{
    switch ((enum tt_node_kind)node->kind) {
    case TT_NODE_LITERAL:
        return constant(emitter, node);
    case TT_NODE_NAME:
        emitter->uses[node->slot / 64] |= UINT64_C(1) << (node->slot % 64);
        return TT_OPERAND(TT_IN_SLOTS, node->slot);
    case TT_NODE_LOCAL:
        return reg_operand(emitter, node, node->variable->reg);
    case TT_NODE_CALL:
        return emit_call(emitter, node, reg);
    case TT_NODE_COMPARE:
        return emit_compare(emitter, node, reg);
    case TT_NODE_LIST:
    case TT_NODE_MAP:
        return emit_list(emitter, node, reg);
    case TT_NODE_LOOP:
        return emit_loop(emitter, node, reg);
    case TT_NODE_BIND:
        return emit_bind(emitter, node, reg);
    case TT_NODE_AND:
    case TT_NODE_OR:
        return emit_chain(emitter, node, reg);
    case TT_NODE_NOT:
        return emit_not(emitter, node, reg);
    case TT_NODE_IF:
        return emit_choice(emitter, node, reg);
    }
    return 0;
}

/* Emits what computes the node, if anything does, and returns where its value then stands: reg, a
 * variable's register, a slot or a constant. */
static uint16_t emit(struct emitter *emitter, const struct tt_node *node, uint32_t reg)
{
    uint32_t outer = emitter->place;
    if (emitter->failed) {
        return 0;
    }
    emitter->place = node->offset + 1;
    uint16_t operand = emit_kind(emitter, node, reg);
    emitter->place = outer;
    return operand;
}

/* Exact copies of code and constants into the expression's arena. */
static bool keep(struct emitter *emitter, struct tt_expr *expr)
{
    size_t code_size = emitter->code_count * sizeof(struct tt_insn);
    size_t constants_size = emitter->constant_count * sizeof(struct tt_value);
    expr->code = tt_arena_new(emitter->compile->keep, code_size);
    expr->constants = tt_arena_new(emitter->compile->keep, constants_size + 1);
    size_t places_size = emitter->code_count * sizeof(uint32_t);
    expr->places = tt_arena_new(emitter->compile->keep, places_size);
    size_t operands_size = emitter->operand_count * sizeof(uint32_t);
    expr->operands = tt_arena_new(emitter->compile->keep, operands_size + 1);
    if (expr->code == NULL || expr->constants == NULL || expr->places == NULL ||
        expr->operands == NULL) {
        (void)tt_compile_fail(emitter->compile, TT_E_NOMEM, 0, "out of memory");
        return false;
    }
    memcpy(expr->code, emitter->code, code_size);
    memcpy(expr->places, emitter->places, places_size);
    if (constants_size > 0) {
        memcpy(expr->constants, emitter->constants, constants_size);
    }
    if (operands_size > 0) {
        memcpy(expr->operands, emitter->operands, operands_size);
    }
    expr->operand_count = emitter->operand_count;
    expr->code_count = emitter->code_count;
    expr->constant_count = emitter->constant_count;
    return true;
}

bool tt_expr_emit(struct tt_compile *compile, const struct tt_node *root, struct tt_expr *expr)
{
    struct emitter emitter = {.compile = compile, .uses = expr->uses, .expr = expr};
    uint16_t value = emit(&emitter, root, 0);
    put_mark(&emitter, root, value);
    (void)put(&emitter, (struct tt_insn){.opcode = TT_OP_RETURN, .a = value});
    return !emitter.failed && compile->status == TT_OK && keep(&emitter, expr);
}
