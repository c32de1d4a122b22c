/*
 * The head of an implementation, and its usual endings. Private to core/expr/funcs.
 *
 * Threads: what an implementation touches is its call's.
 */
#ifndef TT_CORE_EXPR_FUNCS_IMPL_H
#define TT_CORE_EXPR_FUNCS_IMPL_H

#include "core/expr/funcs/func.h"

/* IMPL(tt_fn_name) { … } with call, args and ret in reach. */
#define IMPL(function)                                                                             \
    void function(struct tt_call *call __attribute__((unused)),                                    \
                  const struct tt_value *const *args, struct tt_value *ret)

/* Room for a text of that size, which *ret becomes; NULL with TT_VALUE_SPACE in *ret. */
static inline char *tt_call_text(struct tt_call *call, size_t size, struct tt_value *ret)
{
    char *text = size >= TT_EXPR_HEAP_SIZE ? NULL : tt_call_reserve(call, size + 1);
    *ret =
        text == NULL ? tt_value_none(TT_VALUE_SPACE) : tt_value_text((struct tt_str){text, size});
    return text;
}
static inline struct tt_value tt_value_timestamp(struct tt_moment moment)
{
    return (struct tt_value){.type = TT_TYPE_TIMESTAMP, .moment = moment};
}
static inline struct tt_value tt_value_duration(struct tt_moment moment)
{
    return (struct tt_value){.type = TT_TYPE_DURATION, .moment = moment};
}

#endif
