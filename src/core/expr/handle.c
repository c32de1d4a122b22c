/* Constant patterns and time zones of an expression; see host.h. */
#include "core/expr/code.h"

/* The host's word, or why there is none. */
static enum tt_status make(const struct tt_expr_host *host, struct tt_str text, bool is_zone,
                           void **ret, struct tt_error *err)
{
    if (host == NULL) {
        return tt_fail(err, TT_E_UNSUPPORTED, "%s cannot be used here",
                       is_zone ? "named time zones" : "regular expressions");
    }
    return is_zone ? host->zone_new(text, ret, err) : host->pattern_new(text, ret, err);
}

uint32_t tt_expr_keep_handle(struct tt_compile *compile, struct tt_expr *expr,
                             const struct tt_node *arg, bool is_zone, bool waits)
{
    struct tt_error err = {0};
    void *made = NULL;
    if (expr->handle_count >= TT_EXPR_HANDLES_MAX) {
        (void)tt_compile_fail(compile, TT_E_LIMIT, arg->start,
                              "more than %d patterns and time zones", TT_EXPR_HANDLES_MAX);
        return 0;
    }
    if (expr->handles == NULL) {
        expr->handles =
            tt_arena_new_array(compile->keep, TT_EXPR_HANDLES_MAX, sizeof(struct tt_handle));
    }
    enum tt_status status = expr->handles == NULL
                                ? TT_E_NOMEM
                                : make(expr->host, arg->value.text, is_zone, &made, &err);
    if (status != TT_OK) {
        if (status == TT_E_NOMEM || !waits) {
            (void)tt_compile_fail(compile, status, arg->start, "%s", err.message);
        }
        return 0;
    }
    expr->handles[expr->handle_count++] = (struct tt_handle){made, is_zone};
    return expr->handle_count;
}
