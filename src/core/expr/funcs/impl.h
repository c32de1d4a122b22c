/*
 * The head of an implementation, and its usual endings. Private to core/expr/funcs.
 */
#ifndef TT_CORE_EXPR_FUNCS_IMPL_H
#define TT_CORE_EXPR_FUNCS_IMPL_H

#include "core/expr/funcs/func.h"

/* IMPL(tt_fn_name) { … } with call, args and ret in reach. */
#define IMPL(function)                                                                             \
    void function(struct tt_call *call __attribute__((unused)),                                    \
                  const struct tt_value *const *args, struct tt_value *ret)

static inline struct tt_value tt_value_timestamp(struct tt_moment moment)
{
    return (struct tt_value){.type = TT_TYPE_TIMESTAMP, .moment = moment};
}
static inline struct tt_value tt_value_duration(struct tt_moment moment)
{
    return (struct tt_value){.type = TT_TYPE_DURATION, .moment = moment};
}

#endif
