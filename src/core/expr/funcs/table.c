/*
 * The table of functions, looking rows up, and calling one.
 */
#include "core/expr/code.h"
#include "core/expr/funcs/func.h"

#define TT_TYPE_ITEM TT_TYPE_NONE
#define TT_TYPE_ITEMS TT_RESULT_FIRST
#define ARGS0()                                                                                    \
    0,                                                                                             \
    {                                                                                              \
        TT_TYPE_NONE                                                                               \
    }
#define ARGS1(a)                                                                                   \
    1,                                                                                             \
    {                                                                                              \
        TT_TYPE_##a                                                                                \
    }
#define ARGS2(a, b)                                                                                \
    2,                                                                                             \
    {                                                                                              \
        TT_TYPE_##a, TT_TYPE_##b                                                                   \
    }
#define ARGS3(a, b, c)                                                                             \
    3,                                                                                             \
    {                                                                                              \
        TT_TYPE_##a, TT_TYPE_##b, TT_TYPE_##c                                                      \
    }
#define ARGS4(a, b, c, d)                                                                          \
    4,                                                                                             \
    {                                                                                              \
        TT_TYPE_##a, TT_TYPE_##b, TT_TYPE_##c, TT_TYPE_##d                                         \
    }
#define TT_FUNC(name, styles, result, args, cost, impl, opcode, doc)                               \
    {name, TT_FUNC_##styles, TT_TYPE_##result, args, cost, TT_OP_##opcode, tt_fn_##impl, doc},
const struct tt_func tt_funcs[] = {
#include "core/expr/funcs/funcs.def"
};
#undef TT_FUNC

const uint32_t tt_func_count = TT_ARRAY_SIZE(tt_funcs);

const struct tt_func *tt_func_find(struct tt_str name)
{
    for (uint32_t i = 0; i < tt_func_count; i++) {
        if (name.size > 0 && tt_funcs[i].name[0] == name.data[0] &&
            tt_str_equal_text(name, tt_funcs[i].name)) {
            return &tt_funcs[i];
        }
    }
    return NULL;
}

const struct tt_func *tt_func_next(const struct tt_func *func)
{
    const struct tt_func *next = func + 1;
    bool same =
        next < tt_funcs + tt_func_count && tt_str_equal_text(tt_str_from(func->name), next->name);
    return same ? next : NULL;
}

const char *tt_func_nearest(struct tt_str name)
{
    const char *names[TT_ARRAY_SIZE(tt_funcs)];
    size_t count = 0;
    for (uint32_t i = 0; i < tt_func_count; i++) {
        if ((tt_funcs[i].styles & TT_FUNC_OPERATOR) == 0) {
            names[count++] = tt_funcs[i].name;
        }
    }
    return name.size > TT_EXPR_NAME_SIZE_MAX ? NULL : tt_str_nearest(name, names, count);
}

void *tt_call_reserve(struct tt_call *call, size_t size)
{
    size_t rounded = (size + 15) & ~(size_t)15;
    if (size > TT_EXPR_HEAP_SIZE || rounded > TT_EXPR_HEAP_SIZE - call->scratch->heap_used) {
        return NULL;
    }
    void *memory = call->scratch->heap + call->scratch->heap_used;
    call->scratch->heap_used += rounded;
    return memory;
}

static bool accepts(const struct tt_func *func, const struct tt_value *const *args,
                    uint32_t arg_count)
{
    if (func->arg_count != arg_count) {
        return false;
    }
    for (uint32_t i = 0; i < arg_count; i++) {
        if (func->args[i] != TT_TYPE_DYN && func->args[i] != args[i]->type) {
            return false;
        }
    }
    return true;
}

void tt_func_call(const struct tt_func *func, const struct tt_func *first, struct tt_call *call,
                  const struct tt_value *const *args, uint32_t arg_count, struct tt_value *ret)
{
    bool sees_errors = (first->styles & TT_FUNC_ERRORS) != 0;
    for (uint32_t i = 0; i < arg_count && !sees_errors; i++) {
        if (args[i]->type == TT_TYPE_NONE) {
            *ret = *args[i];
            return;
        }
    }
    if (func == NULL) {
        func = first;
        while (func != NULL && !accepts(func, args, arg_count)) {
            func = tt_func_next(func);
        }
    } else if (!accepts(func, args, arg_count)) {
        func = NULL;
    }
    if (func == NULL) {
        bool fails = arg_count > 0 && args[0]->type == TT_TYPE_NONE;
        *ret = fails ? *args[0] : tt_value_none(TT_VALUE_TYPE);
        return;
    }
    call->cost += func->cost;
    func->impl(call, args, ret);
}
