/*
 * A rule file's tree to a set: lists, then conditions, then rules, then the orders to run them in.
 */
#include <stdlib.h>
#include <string.h>

#include "core/rules/set.h"

#define ARENA_BLOCK_SIZE 16384
#define ARENA_SIZE_MAX ((size_t)256 << 20)

/* Ids and names come from files of the operator: fixed keys will do. */
static const struct tt_hash_key id_key = {0x72756c6573206279, 0x6964656e74697479};

uint64_t tt_rule_id_hash(struct tt_str id)
{
    return tt_hash64(&id_key, id.data, id.size);
}

enum tt_status tt_rules_nomem(struct tt_error *err)
{
    return tt_fail(err, TT_E_NOMEM, "out of memory");
}

void tt_rules_mix(struct tt_rules *set, const void *data, size_t size)
{
    struct tt_hash_key key = {set->hash.high ^ size, set->hash.low};
    set->hash = tt_hash128(&key, data, size);
}

enum tt_status tt_rules_fail_in(const struct tt_tree *node, uint64_t offset, enum tt_status status,
                                const char *message, struct tt_error *err)
{
    uint32_t line = 0;
    uint32_t column = 0;
    tt_tree_text_place(node, (size_t)offset, &line, &column);
    return tt_fail_at(err, status, line, column, offset, "%s", message);
}

static bool id_equal(const void *item, const void *key)
{
    const struct tt_rule *rule = item;
    const struct tt_str *id = key;
    return tt_str_equal(rule->info.id, *id);
}

static enum tt_status fail_kind(const struct tt_tree *node, const char *what, const char *kind,
                                struct tt_error *err)
{
    return tt_fail_at(err, TT_E_TYPE, node->line, node->column, 0, "%s: expected a %s, not %s",
                      what, kind, tt_tree_kind_name(node));
}

/* A program for a condition's text, at its place in the file. */
static enum tt_status compile_condition(struct tt_rules *set, const struct tt_tree *node,
                                        struct tt_expr **ret, struct tt_error *err)
{
    struct tt_expr_options options = {.want = TT_TYPE_BOOL, .text = node->text, .ways = true};
    struct tt_error inner = {0};
    enum tt_status status = tt_expr_compile(set->alloc, set->env, &options, ret, &inner);
    if (status == TT_OK || status == TT_E_NOMEM) {
        return status == TT_OK ? TT_OK : tt_rules_nomem(err);
    }
    return tt_rules_fail_in(node, inner.offset, status, inner.message, err);
}

static enum tt_status read_condition(struct tt_rules *set, const struct tt_tree *entry,
                                     struct tt_error *err)
{
    struct tt_expr *expr = NULL;
    struct tt_error name_err = {0};
    if (entry->kind != TT_TREE_SCALAR) {
        return fail_kind(entry, "a condition", "text", err);
    }
    enum tt_status status = compile_condition(set, entry, &expr, err);
    if (status != TT_OK) {
        return status;
    }
    tt_expr_free(expr);
    status = tt_expr_env_add_alias(set->env, entry->key, entry->text, &name_err);
    if (status != TT_OK) {
        return tt_fail_at(err, status, entry->key_line, entry->key_column, 0, "%s",
                          name_err.message);
    }
    tt_rules_mix(set, entry->key.data, entry->key.size);
    tt_rules_mix(set, entry->text.data, entry->text.size);
    return TT_OK;
}

enum tt_status tt_rules_read_conditions(struct tt_rules *set, const struct tt_tree *conditions,
                                        struct tt_error *err)
{
    if (conditions == NULL || conditions->kind == TT_TREE_NULL) {
        return TT_OK;
    }
    if (conditions->kind != TT_TREE_MAPPING) {
        return fail_kind(conditions, "conditions", "mapping", err);
    }
    if (conditions->child_count > TT_RULE_CONDITIONS_MAX) {
        return tt_fail_at(err, TT_E_LIMIT, conditions->line, conditions->column, 0,
                          "more than %d conditions", TT_RULE_CONDITIONS_MAX);
    }
    for (const struct tt_tree *entry = conditions->children; entry != NULL; entry = entry->next) {
        enum tt_status status = read_condition(set, entry, err);
        if (status != TT_OK) {
            return status;
        }
    }
    return TT_OK;
}

/* Ascending slots of the names the condition reads. */
static enum tt_status read_slots(struct tt_rules *set, struct tt_rule *rule, struct tt_error *err)
{
    uint32_t slot_count = tt_expr_env_slot_count(set->env);
    uint32_t count = 0;
    for (uint32_t slot = 0; slot < slot_count; slot++) {
        count += tt_expr_uses(rule->expr, slot) ? 1 : 0;
    }
    uint32_t *slots = tt_arena_new_array(&set->arena, count + 1, sizeof(*slots));
    if (slots == NULL) {
        return tt_rules_nomem(err);
    }
    for (uint32_t slot = 0; slot < slot_count; slot++) {
        if (tt_expr_uses(rule->expr, slot)) {
            slots[rule->info.slot_count++] = slot;
        }
    }
    rule->info.slots = slots;
    return TT_OK;
}

/* What decides what the rule does goes into the set's identity. */
static void mix_rule(struct tt_rules *set, const struct tt_rule *rule)
{
    const struct tt_rule_info *info = &rule->info;
    const uint8_t small[] = {info->mode, info->severity, info->verdict};
    const int64_t validity[] = {info->valid_from_ms, info->valid_until_ms};
    tt_rules_mix(set, info->id.data, info->id.size);
    tt_rules_mix(set, info->when.data, info->when.size);
    tt_rules_mix(set, small, sizeof(small));
    tt_rules_mix(set, &info->score, sizeof(info->score));
    tt_rules_mix(set, validity, sizeof(validity));
}

static enum tt_status add_rule(struct tt_rules *set, const struct tt_tree *node,
                               struct tt_error *err)
{
    struct tt_rule *rule = &set->rules[set->count];
    enum tt_status status = tt_rules_read_rule(set, node, rule, err);
    if (status != TT_OK) {
        return status;
    }
    uint64_t hash = tt_rule_id_hash(rule->info.id);
    const struct tt_rule *other = tt_map_get(&set->by_id, hash, &rule->info.id);
    if (other != NULL) {
        const struct tt_tree *id = tt_tree_get(node, "id");
        return tt_fail_at(err, TT_E_CONFLICT, id->line, id->column, 0,
                          "two rules have the id \"%.*s\"; the other is in line %u",
                          TT_STR_ARG(rule->info.id), other->info.line);
    }
    const struct tt_tree *when = tt_tree_get(node, "when");
    status = compile_condition(set, when, &rule->expr, err);
    set->count += status == TT_OK ? 1 : 0; /* from here on its program is freed with the set */
    if (status == TT_OK) {
        status = read_slots(set, rule, err);
    }
    if (status == TT_OK && tt_map_put(&set->by_id, hash, rule) != TT_OK) {
        status = tt_rules_nomem(err);
    }
    if (status == TT_OK) {
        mix_rule(set, rule);
    }
    return status;
}

static enum tt_status read_rules(struct tt_rules *set, const struct tt_tree *rules,
                                 struct tt_error *err)
{
    if (rules == NULL || rules->kind == TT_TREE_NULL) {
        return TT_OK;
    }
    if (rules->kind != TT_TREE_SEQUENCE) {
        return fail_kind(rules, "rules", "sequence", err);
    }
    if (rules->child_count > TT_RULES_MAX) {
        return tt_fail_at(err, TT_E_LIMIT, rules->line, rules->column, 0, "more than %d rules",
                          TT_RULES_MAX);
    }
    set->rules = tt_arena_new_array(&set->arena, rules->child_count + 1u, sizeof(struct tt_rule));
    if (set->rules == NULL) {
        return tt_rules_nomem(err);
    }
    for (const struct tt_tree *node = rules->children; node != NULL; node = node->next) {
        enum tt_status status = add_rule(set, node, err);
        if (status != TT_OK) {
            return status;
        }
    }
    return TT_OK;
}

static int order_rules(const void *left, const void *right)
{
    const struct tt_rule *const *a = left;
    const struct tt_rule *const *b = right;
    if ((*a)->info.severity != (*b)->info.severity) {
        return (*a)->info.severity > (*b)->info.severity ? -1 : 1;
    }
    if ((*a)->info.score > (*b)->info.score || (*a)->info.score < (*b)->info.score) {
        return (*a)->info.score > (*b)->info.score ? -1 : 1;
    }
    return *a < *b ? -1 : *a > *b;
}

/* Running in the order of the hits makes the hits come out in order. */
static enum tt_status order_set(struct tt_rules *set, struct tt_error *err)
{
    const struct tt_rule **order = tt_arena_new_array(&set->arena, set->count + 1u, sizeof(*order));
    set->live = tt_arena_new_array(&set->arena, set->count + 1u, sizeof(uint32_t));
    set->shadow = tt_arena_new_array(&set->arena, set->count + 1u, sizeof(uint32_t));
    if (order == NULL || set->live == NULL || set->shadow == NULL) {
        return tt_rules_nomem(err);
    }
    for (uint32_t i = 0; i < set->count; i++) {
        order[i] = &set->rules[i];
    }
    qsort(order, set->count, sizeof(*order), order_rules);
    for (uint32_t i = 0; i < set->count; i++) {
        uint32_t index = (uint32_t)(order[i] - set->rules);
        if (order[i]->info.mode == TT_RULE_LIVE) {
            set->live[set->live_count++] = index;
        } else if (order[i]->info.mode == TT_RULE_SHADOW) {
            set->shadow[set->shadow_count++] = index;
        }
    }
    return TT_OK;
}

static bool reads(const struct tt_rules *set, uint32_t slot)
{
    for (uint32_t i = 0; i < set->count; i++) {
        if (set->rules[i].info.mode != TT_RULE_OFF && tt_expr_uses(set->rules[i].expr, slot)) {
            return true;
        }
    }
    return false;
}

/* The slots that must be filled for the set to be evaluated. */
static enum tt_status gather_slots(struct tt_rules *set, struct tt_error *err)
{
    uint32_t slot_count = tt_names_slot_count(set->names);
    set->slots = tt_arena_new_array(&set->arena, slot_count + 1u, sizeof(uint32_t));
    if (set->slots == NULL) {
        return tt_rules_nomem(err);
    }
    for (uint32_t slot = 0; slot < slot_count; slot++) {
        if (reads(set, slot)) {
            set->slots[set->slot_count++] = slot;
        }
    }
    return TT_OK;
}

static enum tt_status finish_set(struct tt_rules *set, struct tt_error *err)
{
    enum tt_status status = order_set(set, err);
    if (status == TT_OK) {
        status = gather_slots(set, err);
    }
    return status == TT_OK ? tt_rule_index_build(set, err) : status;
}

static enum tt_status read_file(struct tt_rules *set, const struct tt_tree *tree,
                                struct tt_error *err)
{
    static const char *const keys[] = {"rules", "lists", "conditions"};
    enum tt_status status = tt_expr_env_new(set->alloc, tt_names_env(set->names), &set->env, err);
    if (status == TT_OK && tree->kind == TT_TREE_NULL) {
        return TT_OK; /* an empty file has no rules */
    }
    if (status == TT_OK) {
        status = tt_tree_check_keys(tree, keys, TT_ARRAY_SIZE(keys), err);
    }
    if (status == TT_OK) {
        status = tt_rules_read_lists(set, tt_tree_get(tree, "lists"), err);
    }
    if (status == TT_OK) {
        status = tt_rules_read_conditions(set, tt_tree_get(tree, "conditions"), err);
    }
    if (status == TT_OK) {
        status = read_rules(set, tt_tree_get(tree, "rules"), err);
    }
    return status == TT_OK ? finish_set(set, err) : status;
}

enum tt_status tt_rules_compile(const struct tt_alloc *alloc, const struct tt_tree *tree,
                                const struct tt_names *names, struct tt_rules **ret,
                                struct tt_error *err)
{
    return tt_rules_compile_with(alloc, tree, names, NULL, ret, err);
}

enum tt_status tt_rules_compile_with(const struct tt_alloc *alloc, const struct tt_tree *tree,
                                     const struct tt_names *names,
                                     const struct tt_rule_files *files, struct tt_rules **ret,
                                     struct tt_error *err)
{
    struct tt_rules *set = tt_new_array(alloc, 1, sizeof(*set));
    if (set == NULL) {
        return tt_rules_nomem(err);
    }
    set->alloc = alloc;
    set->names = names;
    set->files = files;
    tt_arena_init(&set->arena, alloc, ARENA_BLOCK_SIZE, ARENA_SIZE_MAX);
    tt_map_init(&set->by_id, alloc, id_equal, TT_RULES_MAX);
    enum tt_status status = read_file(set, tree, err);
    if (status != TT_OK) {
        tt_rules_free(set);
        return status;
    }
    set->files = NULL;
    *ret = set;
    return TT_OK;
}

void tt_rules_free(struct tt_rules *set)
{
    if (set == NULL) {
        return;
    }
    for (uint32_t i = 0; i < set->count; i++) {
        tt_expr_free(set->rules[i].expr);
    }
    for (uint32_t i = 0; i < set->list_count; i++) {
        tt_list_free(set->alloc, set->lists[i]);
    }
    tt_map_deinit(&set->by_id);
    tt_expr_env_free(set->env);
    tt_arena_deinit(&set->arena);
    tt_delete(set->alloc, set, sizeof(*set));
}
