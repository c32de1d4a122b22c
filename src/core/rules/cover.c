/*
 * Which ways through a rule's condition its tests take.
 *
 * The condition is compiled once more, with notes; the program that decides is not the one that is
 * covered, which keeps notes out of it.
 */
#include <string.h>

#include "core/rules/set.h"

struct bench {
    struct tt_expr_scratch scratch;
    struct tt_value slots[TT_EXPR_SLOTS_MAX];
    uint8_t seen[TT_EXPR_NODES_MAX];
};

static enum tt_status compile(const struct tt_rules *set, uint32_t rule, struct tt_expr **ret,
                              struct tt_error *err)
{
    struct tt_expr_options options = {
        .want = TT_TYPE_BOOL, .text = set->rules[rule].info.when, .cover = true};
    return tt_expr_compile(set->alloc, set->env, &options, ret, err);
}

static void run_tests(const struct tt_rules *set, uint32_t rule, const struct tt_expr *expr,
                      struct bench *bench)
{
    struct tt_value value;
    memset(bench->seen, 0, sizeof(bench->seen));
    for (uint32_t i = 0; i < set->rules[rule].info.test_count; i++) {
        tt_rules_test_slots(set, rule, i, bench->slots);
        tt_expr_eval_covered(expr, bench->slots, &bench->scratch, bench->seen, &value);
    }
}

/* Tells a rule's gaps; false stops. */
static bool tell(uint32_t rule, const struct tt_expr *expr, const struct bench *bench,
                 tt_on_rule_gap *on_gap, void *ctx, uint32_t *ret_seen)
{
    bool more = true;
    for (uint32_t i = 0; i < tt_expr_operand_count(expr) && more; i++) {
        uint8_t seen = bench->seen[i];
        *ret_seen += (uint32_t)__builtin_popcount(seen);
        if (seen != TT_SEEN_BOTH && on_gap != NULL) {
            struct tt_rule_gap gap = {rule, tt_expr_operand_place(expr, i), seen};
            more = on_gap(ctx, &gap);
        }
    }
    return more;
}

enum tt_status tt_rules_cover(const struct tt_rules *set, tt_on_rule_gap *on_gap, void *ctx,
                              uint32_t *ret_seen, uint32_t *ret_total, struct tt_error *err)
{
    struct bench *bench = tt_new(set->alloc, sizeof(*bench));
    uint32_t seen = 0;
    uint32_t total = 0;
    bool more = true;
    if (bench == NULL) {
        return tt_rules_nomem(err);
    }
    enum tt_status status = TT_OK;
    for (uint32_t i = 0; i < set->count && more && status == TT_OK; i++) {
        struct tt_expr *expr = NULL;
        status = compile(set, i, &expr, err);
        if (status == TT_OK) {
            run_tests(set, i, expr, bench);
            more = tell(i, expr, bench, on_gap, ctx, &seen);
            total += 2 * tt_expr_operand_count(expr);
        }
        tt_expr_free(expr);
    }
    tt_delete(set->alloc, bench, sizeof(*bench));
    if (status == TT_OK) {
        *ret_seen = seen;
        *ret_total = total;
    }
    return status;
}
