/*
 * Running a set over one transaction's slots, and what a set says about itself.
 */
#include "core/rules/set.h"

struct run {
    const struct tt_rules *set;
    const struct tt_value *slots;
    int64_t event_ms;
    struct tt_expr_scratch *scratch;
    uint64_t *failures; /* a count a rule, or NULL */
};

static void add_failure(const struct run *run, struct tt_rule_hits *hits, uint32_t rule)
{
    hits->errors++;
    if (run->failures != NULL) {
        run->failures[rule]++;
    }
}

static void add_hit(struct tt_rule_hits *hits, uint32_t rule)
{
    if (hits->count < TT_RULE_HITS_MAX) {
        hits->rules[hits->count++] = (uint16_t)rule;
    } else {
        hits->overflow++;
    }
}

/* Runs a rule's program. */
static void run_rule(const struct run *run, uint32_t index, struct tt_rule_hits *hits)
{
    const struct tt_rule *rule = &run->set->rules[index];
    struct tt_value value;
    tt_expr_eval(rule->expr, run->slots, run->scratch, &value);
    if (value.type != TT_TYPE_BOOL) {
        add_failure(run, hits, index);
    } else if (value.boolean) {
        add_hit(hits, index);
    }
}

/* Every rule of a block by itself: some slot holds what the index does not know. */
static void run_block(const struct run *run, const struct tt_index_block *block,
                      struct tt_rule_hits *live, struct tt_rule_hits *shadow)
{
    for (uint32_t lane = 0; lane < block->lane_count; lane += block->lanes[lane].count) {
        const struct tt_rule_info *info = &run->set->rules[block->lanes[lane].rule].info;
        if (run->event_ms >= info->valid_from_ms && run->event_ms < info->valid_until_ms) {
            run_rule(run, block->lanes[lane].rule, info->mode == TT_RULE_LIVE ? live : shadow);
        }
    }
}

static bool has_bit(const uint64_t *mask, uint32_t bit)
{
    return (mask[bit / 64] >> (bit % 64) & 1) != 0;
}

/* A rule some of whose lanes are open: one that is true decides; one that is not exact asks for the
 * program; what is left are errors. */
static void judge(const struct run *run, const struct tt_index_block *block,
                  const struct tt_index_answer *answer, const struct tt_lane *lane,
                  struct tt_rule_hits *hits)
{
    bool unsure = false;
    for (uint32_t i = lane->first; i < (uint32_t)lane->first + lane->count; i++) {
        if (!has_bit(answer->open, i)) {
            continue;
        }
        if (block->lanes[i].exact && !has_bit(answer->failed, i)) {
            add_hit(hits, lane->rule);
            return;
        }
        unsure = unsure || !block->lanes[i].exact;
    }
    if (unsure) {
        run_rule(run, lane->rule, hits);
    } else {
        add_failure(run, hits, lane->rule);
    }
}

static void note_failures(const struct run *run, const struct tt_index_block *block, uint32_t word,
                          uint64_t failed)
{
    for (; failed != 0; failed &= failed - 1) {
        run->failures[block->lanes[word * 64 + (uint32_t)__builtin_ctzll(failed)].rule]++;
    }
}

static void judge_block(const struct run *run, const struct tt_index_block *block,
                        const struct tt_index_answer *answer, struct tt_rule_hits *live,
                        struct tt_rule_hits *shadow)
{
    uint32_t judged = UINT32_MAX; /* the rule whose lanes are behind us */
    for (uint32_t word = 0; word < block->words; word++) {
        uint64_t failed = answer->failed[word] & block->decided[word];
        uint64_t open = answer->open[word] & ~failed;
        live->errors = (uint16_t)(live->errors + __builtin_popcountll(failed & block->live[word]));
        shadow->errors =
            (uint16_t)(shadow->errors + __builtin_popcountll(failed & ~block->live[word]));
        if (run->failures != NULL) {
            note_failures(run, block, word, failed);
        }
        for (; open != 0; open &= open - 1) {
            uint32_t bit = word * 64 + (uint32_t)__builtin_ctzll(open);
            const struct tt_lane *lane = &block->lanes[bit];
            if (lane->rule != judged) {
                judged = lane->rule;
                judge(run, block, answer, lane, has_bit(block->live, bit) ? live : shadow);
            }
        }
    }
}

void tt_rules_eval(const struct tt_rules *set, const struct tt_value *slots, int64_t event_ms,
                   struct tt_expr_scratch *scratch, struct tt_rule_hits *ret_hits,
                   struct tt_shadow_hits *ret_shadow)
{
    tt_rules_tally(set, slots, event_ms, scratch, NULL, ret_hits, ret_shadow);
}

void tt_rules_tally(const struct tt_rules *set, const struct tt_value *slots, int64_t event_ms,
                    struct tt_expr_scratch *scratch, uint64_t *failures,
                    struct tt_rule_hits *ret_hits, struct tt_shadow_hits *ret_shadow)
{
    struct run run = {set, slots, event_ms, scratch, failures};
    struct tt_index_answer answer;
    struct tt_rule_hits *shadow = &ret_shadow->hits;
    *ret_hits = (struct tt_rule_hits){0};
    *shadow = (struct tt_rule_hits){0};
    for (uint32_t i = 0; i < set->index.block_count; i++) {
        const struct tt_index_block *block = &set->index.blocks[i];
        if (TT_LIKELY(tt_rule_index_ask(block, slots, event_ms, &answer))) {
            judge_block(&run, block, &answer, ret_hits, shadow);
        } else {
            run_block(&run, block, ret_hits, shadow);
        }
    }
}

bool tt_rules_fires(const struct tt_rules *set, uint32_t index, const struct tt_value *slots,
                    int64_t event_ms, struct tt_expr_scratch *scratch)
{
    TT_ASSERT(index < set->count);
    const struct tt_rule *rule = &set->rules[index];
    if (event_ms < rule->info.valid_from_ms || event_ms >= rule->info.valid_until_ms) {
        return false;
    }
    struct tt_value value;
    tt_expr_eval(rule->expr, slots, scratch, &value);
    return value.type == TT_TYPE_BOOL && value.boolean;
}

const uint32_t *tt_rules_slots(const struct tt_rules *set, uint32_t *ret_count)
{
    *ret_count = set->slot_count;
    return set->slots;
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

struct tt_str tt_rules_slot_name(const struct tt_rules *set, uint32_t slot)
{
    return tt_expr_env_slot_name(set->env, slot);
}

void tt_rules_run_alone(const struct tt_rules *set, uint32_t rule, const struct tt_value *slots,
                        struct tt_expr_scratch *scratch, struct tt_value *ret)
{
    TT_ASSERT(rule < set->count);
    tt_expr_eval(set->rules[rule].expr, slots, scratch, ret);
}
