/* Regular expressions, by the host's engine, whose time is linear in the text. */
#include "core/expr/funcs/impl.h"

#define BYTES_PER_COST 16
#define MAKING_COST 200 /* of a pattern that is no constant, and as much again for every 16 bytes */

IMPL(tt_fn_matches)
{
    void *made = NULL;
    call->cost += args[0]->text.size / BYTES_PER_COST;
    if (call->handle != NULL) {
        *ret = tt_value_bool(call->host->pattern_matches(call->handle, args[0]->text));
        return;
    }
    call->cost += MAKING_COST * (1 + args[1]->text.size / BYTES_PER_COST);
    if (call->host == NULL || call->host->pattern_new(args[1]->text, &made, NULL) != TT_OK) {
        *ret = tt_value_none(TT_VALUE_PATTERN);
        return;
    }
    *ret = tt_value_bool(call->host->pattern_matches(made, args[0]->text));
    call->host->pattern_free(made);
}
