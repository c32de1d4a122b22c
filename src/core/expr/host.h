/*
 * What expressions need of the outside: regular expressions and the rules of time zones.
 *
 * What:    functions the caller of the core hands in with an environment. A pattern or zone that is a
 *          constant is made once, when the expression is compiled.
 * Why:     the core has neither a regular expression engine nor files. The engine must take time
 *          linear in the text for every pattern (core/expr refuses no pattern by its looks).
 * Owner:   the host outlives every environment and expression it was given to; what a `_new` makes
 *          goes back by its `_free`.
 * Threads: all functions from any thread; what was made is immutable.
 * Units:   seconds since the Unix epoch; offsets are seconds east of UTC.
 * Limits:  the engine's own, on the size of a pattern.
 * Fails:   `_new`: TT_E_INVALID with a message for a pattern that is none or too large, TT_E_UNKNOWN
 *          for a zone nobody knows, TT_E_NOMEM; *ret is then untouched.
 */
#ifndef TT_CORE_EXPR_HOST_H
#define TT_CORE_EXPR_HOST_H

#include "base/str.h"

struct tt_expr_host {
    /* RE2 syntax, over UTF-8. */
    enum tt_status (*pattern_new)(struct tt_str pattern, void **ret, struct tt_error *err);
    void (*pattern_free)(void *pattern);
    /* Whether the pattern matches some part of the text. */
    bool (*pattern_matches)(const void *pattern, struct tt_str text);
    /* "Europe/Berlin" and the like. */
    enum tt_status (*zone_new)(struct tt_str name, void **ret, struct tt_error *err);
    void (*zone_free)(void *zone);
    /* The zone's offset at a moment. */
    int64_t (*zone_offset)(const void *zone, int64_t at);
};

#endif
