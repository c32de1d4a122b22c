/*
 * Looking up names while compiling. Private to core/expr.
 *
 * What:    the entries behind struct tt_expr_env.
 * Owner:   entries belong to their environment.
 */
#ifndef TT_CORE_EXPR_ENV_H
#define TT_CORE_EXPR_ENV_H

#include "core/expr/expr.h"

enum tt_env_kind { TT_ENV_SLOT = 1, TT_ENV_VALUE, TT_ENV_ALIAS };

struct tt_env_name {
    uint8_t kind; /* enum tt_env_kind */
    uint8_t type; /* of a slot, enum tt_type */
    uint32_t slot;
    struct tt_str name;    /* NUL-terminated too */
    struct tt_value value; /* of a constant */
    struct tt_str alias;   /* the text of an alias */
};

/* The entry of a name, in env or a parent, or NULL. */
const struct tt_env_name *tt_env_find(const struct tt_expr_env *env, struct tt_str name);
/* The host of env or of its nearest parent that has one, or NULL. */
const struct tt_expr_host *tt_env_host(const struct tt_expr_env *env);

#endif
