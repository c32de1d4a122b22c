/* What a rule compiled to, as text. */
#include "core/rules/set.h"

static void append_term(const struct tt_rules *set, const struct tt_term *term, struct tt_buf *buf)
{
    static const char *const relations[] = {"", "<", "<=", ">", ">=", "==", "!=", "in"};
    struct tt_str name = tt_expr_env_slot_name(set->env, term->slot);
    tt_buf_append_text(buf, term->negated ? "not " : "");
    tt_buf_append_str(buf, name);
    switch ((enum tt_term_kind)term->kind) {
    case TT_TERM_COMPARE:
        tt_buf_append_format(buf, " %s ", relations[term->relation]);
        (void)tt_value_print(&term->constant, buf);
        break;
    case TT_TERM_IN:
        tt_buf_append_format(buf, " in a list of %u", term->constant.list->count);
        break;
    case TT_TERM_TRUE:
        break;
    case TT_TERM_MISSING:
        tt_buf_append_text(buf, " missing");
        break;
    }
}

static void append_way(const struct tt_rules *set, const struct tt_way *way, struct tt_buf *buf)
{
    tt_buf_append_text(buf, "    ");
    for (uint32_t i = 0; i < way->term_count; i++) {
        tt_buf_append_text(buf, i == 0 ? "" : ", ");
        append_term(set, &way->terms[i], buf);
    }
    if (way->term_count == 0) {
        tt_buf_append_text(buf, "any transaction");
    }
    tt_buf_append_text(buf, way->exact ? ": fires\n" : ": runs the program\n");
}

enum tt_status tt_rules_explain(const struct tt_rules *set, uint32_t index, struct tt_buf *buf)
{
    TT_ASSERT(index < set->count);
    const struct tt_rule *rule = &set->rules[index];
    const struct tt_ways *ways = tt_expr_ways(rule->expr);
    tt_buf_append_format(buf, "rule %.*s\n  when %.*s\n  index\n", TT_STR_ARG(rule->info.id),
                         TT_STR_ARG(rule->info.when));
    if (ways->count == 0) {
        tt_buf_append_text(buf, "    never true\n");
    }
    for (uint32_t i = 0; i < ways->count; i++) {
        append_way(set, &ways->ways[i], buf);
    }
    tt_buf_append_text(buf, "  program\n");
    return tt_expr_explain(rule->expr, buf);
}
