/*
 * Running a set over one transaction's slots, and what a set says about itself.
 */
#include "core/rules/set.h"

/* Runs the rules of one order that are in force. */
static void run(const struct tt_rules *set, const uint32_t *order, uint32_t count,
                const struct tt_value *slots, int64_t event_ms, struct tt_expr_scratch *scratch,
                struct tt_rule_hits *hits)
{
    struct tt_value value;
    *hits = (struct tt_rule_hits){0};
    for (uint32_t i = 0; i < count; i++) {
        const struct tt_rule *rule = &set->rules[order[i]];
        if (event_ms < rule->info.valid_from_ms || event_ms >= rule->info.valid_until_ms) {
            continue;
        }
        tt_expr_eval(rule->expr, slots, scratch, &value);
        if (value.type != TT_TYPE_BOOL) {
            hits->errors++;
        } else if (value.boolean && hits->count < TT_RULE_HITS_MAX) {
            hits->rules[hits->count++] = (uint16_t)order[i];
        } else if (value.boolean) {
            hits->overflow++;
        }
    }
}

void tt_rules_eval(const struct tt_rules *set, const struct tt_value *slots, int64_t event_ms,
                   struct tt_expr_scratch *scratch, struct tt_rule_hits *ret_hits,
                   struct tt_shadow_hits *ret_shadow)
{
    run(set, set->live, set->live_count, slots, event_ms, scratch, ret_hits);
    run(set, set->shadow, set->shadow_count, slots, event_ms, scratch, &ret_shadow->hits);
}

void tt_rules_outcome(const struct tt_rules *set, const struct tt_rule_hits *hits,
                      struct tt_rule_outcome *ret)
{
    *ret = (struct tt_rule_outcome){.severity = TT_SEVERITY_NONE, .verdict = TT_ALLOW};
    for (uint32_t i = 0; i < hits->count; i++) {
        TT_ASSERT(hits->rules[i] < set->count);
        const struct tt_rule_info *info = &set->rules[hits->rules[i]].info;
        ret->score = info->score > ret->score ? info->score : ret->score;
        ret->severity = info->severity > ret->severity ? info->severity : ret->severity;
        ret->verdict = info->verdict > ret->verdict ? info->verdict : ret->verdict;
    }
}

uint32_t tt_rules_count(const struct tt_rules *set)
{
    return set->count;
}

void tt_rules_info(const struct tt_rules *set, uint32_t index, struct tt_rule_info *ret)
{
    TT_ASSERT(index < set->count);
    *ret = set->rules[index].info;
}

uint32_t tt_rules_find(const struct tt_rules *set, struct tt_str id)
{
    const struct tt_rule *rule = tt_map_get(&set->by_id, tt_rule_id_hash(id), &id);
    return rule == NULL ? UINT32_MAX : (uint32_t)(rule - set->rules);
}

struct tt_hash128 tt_rules_hash(const struct tt_rules *set)
{
    return set->hash;
}
