/*
 * A condition as ways of simple terms: what an index over many conditions can ask without running
 * any of them.
 *
 * What:    the condition is true when one of its ways is; a way is true when all its terms are. A
 *          term asks one name: compared with a constant, in a constant list, true, missing.
 * Why:     truth, falsehood and error are three values ordered false < error < true, && and || their
 *          minimum and maximum and ! turns the order round, as CEL absorbs errors; so a condition
 *          may be multiplied out without changing what it gives. What is no such term (arithmetic,
 *          calls, ?:) is left out of its way, which is then not exact: it can only say that the
 *          condition is false. Source: Kleene's strong three-valued logic.
 * Owner:   the expression's; constants are views of it or of the environment's constants.
 * Threads: immutable.
 * Limits:  TT_WAYS_MAX ways, TT_WAY_TERMS_MAX terms a way, TT_TERMS_MAX in all; what is past them
 *          is left out.
 */
#ifndef TT_CORE_EXPR_TERMS_H
#define TT_CORE_EXPR_TERMS_H

#include "core/expr/expr.h"

#define TT_WAYS_MAX 8
#define TT_WAY_TERMS_MAX 16
#define TT_TERMS_MAX 32

enum tt_relation { TT_LT = 1, TT_LE, TT_GT, TT_GE, TT_EQ, TT_NE, TT_IN };

enum tt_term_kind {
    TT_TERM_COMPARE = 1, /* the name, a relation (not TT_IN), a constant of the name's type */
    TT_TERM_IN,          /* the name in a constant list */
    TT_TERM_TRUE,        /* a bool name by itself */
    TT_TERM_MISSING,     /* is_missing(name); has(name) is its negation */
};

struct tt_term {
    uint8_t kind;
    uint8_t relation; /* enum tt_relation of a comparison */
    uint8_t type;     /* of the name: bool, double or string */
    bool negated;
    uint32_t slot;
    struct tt_value constant; /* of a comparison; the list of TT_TERM_IN */
};

/* A conjunction. */
struct tt_way {
    uint32_t term_count;
    bool exact; /* the terms are all of it */
    struct tt_term *terms;
};

struct tt_ways {
    uint32_t count; /* 0: never true, and never an error */
    struct tt_way ways[TT_WAYS_MAX];
};

/* The ways of an expression compiled with the option `ways`, else NULL. */
const struct tt_ways *tt_expr_ways(const struct tt_expr *expr);
/* Whether a term is true of a value that has the type of its name (not of a missing one, and not
 * for TT_TERM_MISSING, which is false of every value). */
bool tt_term_holds(const struct tt_term *term, const struct tt_value *value);

#endif
