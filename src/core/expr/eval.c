/*
 * The machine: one switch over instructions, operands read where they stand.
 *
 * Typed instructions check the tag of what they read: anything but the type they were compiled for
 * is an error value (missing, or one made before), which is what keeps a wrong slot from being
 * more than a wrong answer. The cost of the straight code is known when it is compiled; calls and
 * searches add theirs.
 */
#include "core/expr/code.h"
#include "core/expr/funcs/func.h"
#include "core/expr/made.h"

#define ITEMS_PER_COST 8

struct tt_value tt_compare_values(uint32_t relation, const struct tt_value *a,
                                  const struct tt_value *b)
{
    int order = 0;
    if (a->type == TT_TYPE_NONE || b->type == TT_TYPE_NONE) {
        return a->type == TT_TYPE_NONE ? *a : *b;
    }
    if (relation == TT_IN) {
        if (b->type == TT_TYPE_MAP) {
            return tt_value_bool(tt_map_find(b->list, a) != NULL);
        }
        return b->type == TT_TYPE_LIST ? tt_value_bool(tt_list_contains(b->list, a))
                                       : tt_value_none(TT_VALUE_TYPE);
    }
    if (relation == TT_EQ || relation == TT_NE) {
        return tt_value_bool(tt_value_equal(a, b) == (relation == TT_EQ));
    }
    if (!tt_value_compare(a, b, &order)) {
        return tt_value_none(TT_VALUE_TYPE);
    }
    switch ((enum tt_relation)relation) {
    case TT_LT:
        return tt_value_bool(order == -1);
    case TT_LE:
        return tt_value_bool(order == -1 || order == 0);
    case TT_GT:
        return tt_value_bool(order == 1);
    default:
        return tt_value_bool(order == 1 || order == 0);
    }
}

struct machine {
    const struct tt_value *spaces[TT_SPACE_COUNT];
    struct tt_call call;
};

static inline const struct tt_value *read(const struct machine *machine, uint16_t operand)
{
    return &machine->spaces[TT_OPERAND_SPACE(operand)][TT_OPERAND_INDEX(operand)];
}

/* Values are written and copied field by field: a wide copy right behind narrow writes waits for
 * them to leave the store buffer. */
static inline void set_bool(struct tt_value *dst, bool boolean)
{
    dst->type = TT_TYPE_BOOL;
    dst->error = 0;
    dst->boolean = boolean;
}

static inline void set_double(struct tt_value *dst, double number)
{
    dst->type = TT_TYPE_DOUBLE;
    dst->error = 0;
    dst->number = number;
}

static inline void copy(struct tt_value *dst, const struct tt_value *value)
{
    uint8_t type = value->type;
    dst->type = type;
    dst->error = value->error;
    if (type == TT_TYPE_BOOL) {
        dst->boolean = value->boolean;
    } else if (type == TT_TYPE_DOUBLE) {
        dst->number = value->number;
    } else if (type != TT_TYPE_NONE) {
        dst->text = value->text; /* as wide as any */
    } else {
        dst->place = value->place;
    }
}

/* The error that stands in one of two operands, or a type error; its place is here when it has none
 * yet. */
static __attribute__((cold, noinline)) void
set_error(struct tt_value *dst, const struct tt_value *a, const struct tt_value *b, uint32_t place)
{
    const struct tt_value *error = a->type == TT_TYPE_NONE ? a : b;
    bool is_old = error->type == TT_TYPE_NONE;
    uint8_t kind = is_old ? error->error : (uint8_t)TT_VALUE_TYPE;
    place = is_old && error->place != 0 ? error->place : place;
    dst->type = TT_TYPE_NONE;
    dst->error = kind;
    dst->place = place;
}

/* A chain remembers its first error. */
static inline void keep_error(struct tt_value *chain, const struct tt_value *a,
                              const struct tt_value *b, uint32_t place)
{
    if (chain->type != TT_TYPE_NONE) {
        set_error(chain, a, b, place);
    }
}

static void run_call(struct machine *machine, const struct tt_expr *expr,
                     const struct tt_insn *insn, struct tt_value *dst)
{
    uint32_t count = insn->count & ((1u << TT_HANDLE_SHIFT) - 1);
    uint32_t handle = insn->count >> TT_HANDLE_SHIFT;
    const struct tt_value *args[TT_CALL_ARGS_MAX];
    struct tt_value result;
    if (count > 2) {
        for (uint32_t i = 0; i < count; i++) {
            args[i] = read(machine, (uint16_t)(insn->a + i));
        }
    } else {
        args[0] = read(machine, insn->a);
        args[1] = read(machine, insn->b);
    }
    machine->call.handle = handle == 0 ? NULL : expr->handles[handle - 1].made;
    tt_func_call(insn->func == 0 ? NULL : &tt_funcs[insn->func - 1], &tt_funcs[insn->first],
                 &machine->call, args, count, &result);
    *dst = result;
}

/* Searching what has no index, and comparing all of what lists hold. */
static void add_search_cost(struct machine *machine, const struct tt_value *item,
                            const struct tt_value *list)
{
    bool is_scanned = list->type == TT_TYPE_MAP || list->type == TT_TYPE_LIST;
    if (!is_scanned || list->list->index_mask != 0) {
        return;
    }
    uint64_t steps = list->list->weight;
    if (TT_UNLIKELY(item->type >= TT_TYPE_LIST)) {
        steps *= (uint64_t)tt_value_weight(item) * tt_value_weight(item);
    }
    machine->call.cost += steps / ITEMS_PER_COST;
}

static void add_compare_cost(struct machine *machine, const struct tt_value *a,
                             const struct tt_value *b)
{
    uint64_t weight = (uint64_t)tt_value_weight(a) * tt_value_weight(b);
    machine->call.cost += weight / (ITEMS_PER_COST * ITEMS_PER_COST);
}

static void unwrap(const struct tt_value *optional, struct tt_value *dst)
{
    if (optional->type != TT_TYPE_OPTIONAL) {
        *dst = optional->type == TT_TYPE_NONE ? *optional : tt_value_none(TT_VALUE_TYPE);
    } else if (optional->list->count == 0) {
        *dst = (struct tt_value){.type = TT_TYPE_NULL, .error = TT_ITEM_LEFT_OUT};
    } else {
        *dst = optional->list->items[0];
    }
}

#define PLACE (expr->places[insn - code])
#define BOTH(tag) (a->type == (tag) && b->type == (tag))

/* dst = the result of two doubles. */
#define DOUBLE_CASE(opcode, set, result)                                                           \
    case opcode:                                                                                   \
        if (TT_LIKELY(BOTH(TT_TYPE_DOUBLE))) {                                                     \
            set(dst, result);                                                                      \
        } else {                                                                                   \
            set_error(dst, a, b, PLACE);                                                           \
        }                                                                                          \
        break;

/* A term of a chain that ends when the comparison gives `ends`. */
#define TERM_CASE(opcode, tag, comparison, ends)                                                   \
    case opcode:                                                                                   \
        if (TT_UNLIKELY(!BOTH(tag))) {                                                             \
            keep_error(dst, a, b, PLACE);                                                          \
        } else if ((comparison) == (ends)) {                                                       \
            set_bool(dst, ends);                                                                   \
            insn = code + insn->target;                                                            \
            continue;                                                                              \
        }                                                                                          \
        break;

#define DOUBLE_TERMS(name, comparison)                                                             \
    TERM_CASE(TT_OP_AND_##name, TT_TYPE_DOUBLE, comparison, false)                                 \
    TERM_CASE(TT_OP_OR_##name, TT_TYPE_DOUBLE, comparison, true)

#define STRING_TERMS(name, wanted)                                                                 \
    TERM_CASE(TT_OP_AND_##name, TT_TYPE_STRING, tt_str_equal(a->text, b->text) == (wanted), false) \
    TERM_CASE(TT_OP_OR_##name, TT_TYPE_STRING, tt_str_equal(a->text, b->text) == (wanted), true)

/* Of two doubles, neither NaN. */
static inline bool equal(double a, double b)
{
    return a <= b && a >= b;
}

static void add_int(const struct tt_value *a, const struct tt_value *b, bool subtract,
                    struct tt_value *dst, uint32_t place)
{
    int64_t result = 0;
    if (!BOTH(TT_TYPE_INT)) {
        set_error(dst, a, b, place);
        return;
    }
    bool overflow = subtract ? __builtin_sub_overflow(a->integer, b->integer, &result)
                             : __builtin_add_overflow(a->integer, b->integer, &result);
    *dst = overflow ? tt_value_none(TT_VALUE_OVERFLOW) : tt_value_int(result);
    if (overflow) {
        dst->place = place;
    }
}

static void run(const struct tt_expr *expr, const struct tt_value *slots,
                struct tt_expr_scratch *scratch, uint8_t *seen, struct tt_value *ret)
{
    struct machine machine = {
        .spaces = {scratch->registers, slots, expr->constants},
        .call = {.scratch = scratch, .host = expr->host, .cost = expr->code_count}};
    const struct tt_insn *code = expr->code;
    const struct tt_insn *insn = code;
    scratch->heap_used = 0;
    for (;;) {
        struct tt_value *dst = &scratch->registers[insn->dst];
        const struct tt_value *a = read(&machine, insn->a);
        const struct tt_value *b = read(&machine, insn->b);
        switch ((enum tt_opcode)insn->opcode) {
        case TT_OP_RETURN:
            copy(ret, a);
            return;
        case TT_OP_MOVE:
            copy(dst, a);
            break;
        case TT_OP_TRUE:
            set_bool(dst, true);
            break;
        case TT_OP_FALSE:
            set_bool(dst, false);
            break;
        case TT_OP_ADD_INT:
            add_int(a, b, false, dst, PLACE);
            break;
        case TT_OP_SUBTRACT_INT:
            add_int(a, b, true, dst, PLACE);
            break;
            DOUBLE_CASE(TT_OP_ADD_DOUBLE, set_double, a->number + b->number)
            DOUBLE_CASE(TT_OP_SUBTRACT_DOUBLE, set_double, a->number - b->number)
            DOUBLE_CASE(TT_OP_MULTIPLY_DOUBLE, set_double, a->number * b->number)
            DOUBLE_CASE(TT_OP_DIVIDE_DOUBLE, set_double, a->number / b->number)
            DOUBLE_CASE(TT_OP_LT_DOUBLE, set_bool, a->number < b->number)
            DOUBLE_CASE(TT_OP_LE_DOUBLE, set_bool, a->number <= b->number)
            DOUBLE_CASE(TT_OP_GT_DOUBLE, set_bool, a->number > b->number)
            DOUBLE_CASE(TT_OP_GE_DOUBLE, set_bool, a->number >= b->number)
            DOUBLE_CASE(TT_OP_EQ_DOUBLE, set_bool, equal(a->number, b->number))
            DOUBLE_CASE(TT_OP_NE_DOUBLE, set_bool, !equal(a->number, b->number))
        case TT_OP_COMPARE:
            if (TT_UNLIKELY(a->type >= TT_TYPE_LIST && b->type >= TT_TYPE_LIST)) {
                add_compare_cost(&machine, a, b);
            }
            if (machine.call.cost <= expr->cost_max) {
                *dst = tt_compare_values(insn->relation, a, b);
            }
            goto check_cost;
        case TT_OP_IN:
            add_search_cost(&machine, a, b);
            if (TT_UNLIKELY(machine.call.cost > expr->cost_max)) {
                goto check_cost;
            }
            if (TT_LIKELY(a->type != TT_TYPE_NONE && b->type == TT_TYPE_LIST)) {
                set_bool(dst, tt_list_contains(b->list, a));
                break;
            }
            *dst = tt_compare_values(TT_IN, a, b);
            goto check_cost;
        case TT_OP_NOT:
            if (a->type == TT_TYPE_BOOL) {
                set_bool(dst, !a->boolean);
            } else {
                set_error(dst, a, a, PLACE);
            }
            break;
            DOUBLE_TERMS(LT_DOUBLE, a->number < b->number)
            DOUBLE_TERMS(LE_DOUBLE, a->number <= b->number)
            DOUBLE_TERMS(GT_DOUBLE, a->number > b->number)
            DOUBLE_TERMS(GE_DOUBLE, a->number >= b->number)
            DOUBLE_TERMS(EQ_DOUBLE, equal(a->number, b->number))
            DOUBLE_TERMS(NE_DOUBLE, !equal(a->number, b->number))
            STRING_TERMS(EQ_STRING, true)
            STRING_TERMS(NE_STRING, false)
            TERM_CASE(TT_OP_AND, TT_TYPE_BOOL, a->boolean, false)
            TERM_CASE(TT_OP_OR, TT_TYPE_BOOL, a->boolean, true)
        case TT_OP_BRANCH:
        case TT_OP_SKIP: /* of a loop's step rather than of a ternary */
            if (a->type != TT_TYPE_BOOL) {
                set_error(dst, a, a, PLACE);
                insn = code + insn->target;
                continue;
            }
            if (!a->boolean) {
                insn = code + insn->otherwise;
                continue;
            }
            break;
        case TT_OP_MARK:
            if (seen != NULL && a->type == TT_TYPE_BOOL) {
                seen[insn->count] |= a->boolean ? TT_SEEN_TRUE : TT_SEEN_FALSE;
            }
            break;
        case TT_OP_JUMP:
            insn = code + insn->target;
            continue;
        case TT_OP_CALL:
            run_call(&machine, expr, insn, dst);
            goto check_cost;
        case TT_OP_LIST:
        case TT_OP_MAP:
            *dst =
                tt_made_from(&machine.call, insn->opcode == TT_OP_LIST ? TT_TYPE_LIST : TT_TYPE_MAP,
                             a, insn->count);
            goto check_cost;
        case TT_OP_UNWRAP:
            unwrap(a, dst);
            goto check_cost;
        case TT_OP_BEGIN:
            if (!tt_loop_begin(&machine.call, (enum tt_loop)insn->kind, a, dst)) {
                set_error(dst, dst, dst, PLACE);
                insn = code + insn->end;
                continue;
            }
            break;
        case TT_OP_NEXT:
            if (!tt_loop_next(insn->two != 0, dst)) {
                insn = code + insn->end;
                continue;
            }
            machine.call.cost += insn->body;
            goto check_cost;
        case TT_OP_KEEP:
            tt_made_add(dst, a);
            goto check_loop;
        case TT_OP_KEEP_ENTRY:
            tt_made_put(dst, a, b);
            machine.call.cost += dst->type == TT_TYPE_MAP ? dst->list->count / ITEMS_PER_COST : 0;
            goto check_loop;
        case TT_OP_KEEP_MAP:
            tt_loop_add_entries(&machine.call, a, dst);
            goto check_loop;
        case TT_OP_FLATTEN:
            if (a->type != TT_TYPE_OPTIONAL) {
                set_error(dst, a, a, PLACE);
            } else {
                copy(dst, a);
            }
            goto check_loop;
        case TT_OP_COUNT_ONE:
            dst->integer++;
            break;
        case TT_OP_ONE:
            if (dst->type == TT_TYPE_INT) {
                set_bool(dst, dst->integer == 1);
            }
            break;
        case TT_OP_NONE:
        case TT_OP_COUNT:
            TT_ASSERT(false); /* never emitted */
        }
        insn++;
        continue;
    check_loop:
        if (TT_UNLIKELY(dst->type == TT_TYPE_NONE)) {
            set_error(dst, dst, dst, PLACE);
            insn = code + insn->target;
            continue;
        }
    check_cost:
        if (TT_UNLIKELY(machine.call.cost > expr->cost_max)) {
            *ret = tt_value_none(TT_VALUE_COST);
            ret->place = PLACE;
            return;
        }
        if (TT_UNLIKELY(dst->type == TT_TYPE_NONE)) {
            set_error(dst, dst, dst, PLACE);
        }
        insn++;
    }
}

void tt_expr_eval(const struct tt_expr *expr, const struct tt_value *slots,
                  struct tt_expr_scratch *scratch, struct tt_value *ret)
{
    run(expr, slots, scratch, NULL, ret);
}

void tt_expr_eval_covered(const struct tt_expr *expr, const struct tt_value *slots,
                          struct tt_expr_scratch *scratch, uint8_t *seen, struct tt_value *ret)
{
    run(expr, slots, scratch, seen, ret);
}
