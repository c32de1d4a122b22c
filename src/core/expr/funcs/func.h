/*
 * Functions and operators of the expression language: one row of funcs.def each overload.
 * Private to core/expr and its tests.
 *
 * What:    the row as a record, and what an implementation is given.
 * Why:     the checker picks rows by static types, the machine by the types it meets where they are
 *          dyn, the reference page prints them: one table for all three.
 * Owner:   a made text or list lives in the scratch.
 * Threads: pure but for the scratch.
 */
#ifndef TT_CORE_EXPR_FUNCS_FUNC_H
#define TT_CORE_EXPR_FUNCS_FUNC_H

#include "core/expr/ast.h"

#define TT_FUNC_ARGS_MAX 4
#define TT_RESULT_FIRST TT_TYPE_COUNT

enum tt_func_style {
    TT_FUNC_GLOBAL = 1,   /* name(a, b) */
    TT_FUNC_METHOD = 2,   /* a.name(b) */
    TT_FUNC_OPERATOR = 4, /* a + b */
    TT_FUNC_PATTERN = 16, /* the second argument is a pattern of the host */
    TT_FUNC_ZONE = 32,    /* the second argument is a time zone */
    TT_FUNC_ERRORS = 8,   /* sees errors in its arguments instead of failing with them */
    TT_FUNC_BOTH = TT_FUNC_GLOBAL | TT_FUNC_METHOD,
    TT_FUNC_ASKS = TT_FUNC_GLOBAL | TT_FUNC_ERRORS,
    TT_FUNC_MATCHES = TT_FUNC_BOTH | TT_FUNC_PATTERN,
    TT_FUNC_ZONED = TT_FUNC_METHOD | TT_FUNC_ZONE,
    TT_FUNC_ELSE = TT_FUNC_METHOD | TT_FUNC_ERRORS,
};

struct tt_call {
    struct tt_expr_scratch *scratch;
    const struct tt_expr_host *host; /* or NULL */
    const void *handle;              /* what the host made of the second argument, or NULL */
    uint64_t cost;                   /* to which an implementation adds what depends on sizes */
};
/* Arguments have the types of the row. */
typedef void tt_func_impl(struct tt_call *call, const struct tt_value *const *args,
                          struct tt_value *ret);

struct tt_func {
    const char *name;
    uint8_t styles; /* of enum tt_func_style */
    uint8_t result; /* enum tt_type; TT_TYPE_NONE = the item type of the first argument,
                       TT_RESULT_FIRST = its type */
    uint8_t arg_count;
    uint8_t args[TT_FUNC_ARGS_MAX]; /* enum tt_type; dyn takes anything */
    uint16_t cost;
    uint8_t opcode; /* does the same on typed operands; 0 = called */
    tt_func_impl *impl;
    const char *doc;
};

/* The rows; those of one name stand together. */
extern const struct tt_func tt_funcs[];
extern const uint32_t tt_func_count;

/* The first row of a name, or NULL. */
const struct tt_func *tt_func_find(struct tt_str name);
/* The row behind, when it has the same name, else NULL. */
const struct tt_func *tt_func_next(const struct tt_func *func);
/* The name nearest to this one that can be called by name, or NULL. */
const char *tt_func_nearest(struct tt_str name);
/* Calls the row; or, where it is NULL, the row of the name of `first` that the types ask for. An
 * error among the arguments is the result (the first one). */
void tt_func_call(const struct tt_func *func, const struct tt_func *first, struct tt_call *call,
                  const struct tt_value *const *args, uint32_t arg_count, struct tt_value *ret);
/* Room for made texts and lists in the scratch, aligned to 16, or NULL. */
void *tt_call_reserve(struct tt_call *call, size_t size);

#define TT_FUNC(name, styles, result, args, cost, impl, opcode, doc) tt_func_impl tt_fn_##impl;
#include "core/expr/funcs/funcs.def"
#undef TT_FUNC

#endif
