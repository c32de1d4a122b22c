/*
 * Reading features.yaml: which keys there are, which words they take, and where a mistake stands.
 *
 * One pass over the tree fills struct tt_feature and a draft that remembers the node, so that later
 * passes can still name line and column. Nothing is laid out here.
 */
#include <string.h>

#include "core/features/plan_internal.h"

static const char *const ROOT_KEYS[] = {"description", "allowed_lateness", "label_horizon",
                                        "amount_sign", "entities",         "features"};
static const char *const ENTITY_KEYS[] = {"key", "events_max", "description"};
static const char *const FEATURE_KEYS[] = {
    "name",     "entity",          "aggregate",   "field",      "window",
    "delay",    "exclude_current", "filter",      "expression", "unit",
    "quantile", "default",         "description", "time",       "baseline",
};
#define LATENESS_DEFAULT_MS TT_MS_PER_HOUR
#define HORIZON_DEFAULT_MS (INT64_C(7) * TT_MS_PER_DAY)
#define WINDOW_DEFAULT_MS (INT64_C(30) * TT_MS_PER_DAY)

/* The known word a reader most likely meant: one that goes on as this one does, else the nearest by
 * edits up to about half of it; NULL when nothing is like it. */
static const char *nearest(struct tt_str word, const char *const *known, size_t count)
{
    size_t best = word.size / 2 + 2;
    const char *found = NULL;
    for (size_t i = 0; i < count; i++) {
        struct tt_str candidate = tt_str_from(known[i]);
        if (word.size > 0 && tt_str_starts_with(candidate, word)) {
            return known[i];
        }
        size_t distance = tt_str_distance(word, candidate, best);
        if (distance < best) {
            best = distance;
            found = known[i];
        }
    }
    return found;
}

enum tt_status tt_declare_fail(struct tt_error *err, enum tt_status status,
                               const struct tt_tree *node, const char *what, struct tt_str word,
                               const char *const *known, size_t count)
{
    const char *near = nearest(word, known, count);
    if (near != NULL) {
        return tt_fail_at(err, status, node->line, node->column, 0,
                          "%s \"%.*s\"; did you mean \"%s\"?", what, TT_STR_ARG(word), near);
    }
    return tt_fail_at(err, status, node->line, node->column, 0, "%s \"%.*s\"", what,
                      TT_STR_ARG(word));
}

static enum tt_status copy(struct tt_plan *plan, struct tt_str text, struct tt_str *ret)
{
    char *bytes = tt_arena_copy(&plan->arena, text.data, text.size);
    if (bytes == NULL) {
        return TT_E_NOMEM;
    }
    *ret = (struct tt_str){bytes, text.size};
    return TT_OK;
}

/* An identifier of CEL, so that rules can name it: [a-z_][a-z0-9_]*, any case, bounded. */
static bool is_name(struct tt_str text)
{
    if (text.size == 0 || text.size > TT_EXPR_NAME_SIZE_MAX) {
        return false;
    }
    for (size_t i = 0; i < text.size; i++) {
        char c = text.data[i], lower = (char)(c | 0x20);
        bool letter = c == '_' || (lower >= 'a' && lower <= 'z');
        if (!letter && (i == 0 || c < '0' || c > '9')) {
            return false;
        }
    }
    return true;
}

/* A text of a mapping's entry, copied; absent when the entry is not there. */
enum tt_status tt_declare_text(struct tt_plan *plan, const struct tt_tree *node, const char *key,
                               struct tt_str *ret, struct tt_error *err)
{
    const struct tt_tree *child = tt_tree_get(node, key);
    if (child == NULL) {
        return TT_OK;
    }
    struct tt_str text = {0};
    enum tt_status status = tt_tree_text(child, &text, err);
    if (status != TT_OK) {
        return status;
    }
    status = copy(plan, text, ret);
    return status == TT_OK ? TT_OK : tt_fail(err, status, "no memory for the feature plan");
}

static enum tt_status read_name(struct tt_plan *plan, const struct tt_tree *node,
                                struct tt_str *ret, struct tt_error *err)
{
    const struct tt_tree *child = tt_tree_get(node, "name");
    if (child == NULL) {
        return tt_fail_at(err, TT_E_INVALID, node->line, node->column, 0, "a feature needs a name");
    }
    enum tt_status status = tt_declare_text(plan, node, "name", ret, err);
    if (status == TT_OK && !is_name(*ret)) {
        return tt_declare_fail(err, TT_E_INVALID, child,
                               "not a name (letters, digits, _; 64 at most):", *ret, NULL, 0);
    }
    return status;
}

/* A duration in [least, most]. */
enum tt_status tt_declare_duration(const struct tt_tree *node, int64_t least_ms, int64_t most_ms,
                                   int64_t *ret_ms, struct tt_error *err)
{
    int64_t ms = 0;
    enum tt_status status = tt_tree_duration(node, &ms, err);
    if (status != TT_OK) {
        return status;
    }
    if (ms < least_ms || ms > most_ms) {
        char low[TT_TIME_TEXT_SIZE], high[TT_TIME_TEXT_SIZE];
        size_t low_size = tt_duration_format(least_ms, low);
        size_t high_size = tt_duration_format(most_ms, high);
        return tt_fail_at(err, TT_E_LIMIT, node->line, node->column, 0,
                          "%.*s is \"%.*s\"; it must be from %.*s to %.*s", TT_STR_ARG(node->key),
                          TT_STR_ARG(node->text), (int)low_size, low, (int)high_size, high);
    }
    *ret_ms = ms;
    return TT_OK;
}

static enum tt_status read_key(const struct tt_tree *entity, enum tt_txn_text *ret,
                               struct tt_error *err)
{
    const char *names[TT_TEXT_COUNT];
    const struct tt_tree *key = tt_tree_get(entity, "key");
    if (key == NULL) {
        return tt_declare_fail(err, TT_E_INVALID, entity, "an entity needs a key:", entity->key,
                               NULL, 0);
    }
    struct tt_str text = {0};
    enum tt_status status = tt_tree_text(key, &text, err);
    if (status != TT_OK) {
        return status;
    }
    for (size_t i = 0; i < TT_TEXT_COUNT; i++) {
        names[i] = tt_txn_text_name((enum tt_txn_text)i);
        if (tt_str_equal_text(text, names[i])) {
            *ret = (enum tt_txn_text)i;
            return TT_OK;
        }
    }
    return tt_declare_fail(err, TT_E_UNKNOWN, key, "unknown field", text, names, TT_TEXT_COUNT);
}

static enum tt_status read_events_max(const struct tt_tree *entity, uint32_t *ret,
                                      struct tt_error *err)
{
    const struct tt_tree *node = tt_tree_get(entity, "events_max");
    int64_t value = TT_PLAN_EVENTS_DEFAULT;
    enum tt_status status = node == NULL ? TT_OK : tt_tree_int64(node, &value, err);
    if (status == TT_OK && (value < 1 || value > TT_PLAN_EVENTS_MAX)) {
        return tt_fail_at(err, TT_E_LIMIT, node->line, node->column, 0,
                          "events_max must be from 1 to %u", TT_PLAN_EVENTS_MAX);
    }
    *ret = (uint32_t)value;
    return status;
}

static enum tt_status add_step(struct tt_plan *plan, struct tt_str name, struct plan_step **ret,
                               struct tt_error *err)
{
    struct plan_step *step = tt_arena_new_array(&plan->arena, 1, sizeof(*step));
    if (step == NULL || copy(plan, name, &step->name) != TT_OK) {
        return tt_fail(err, TT_E_NOMEM, "no memory for the feature plan");
    }
    step->key = TT_TEXT_USER_ID;
    step->events_max = TT_PLAN_EVENTS_DEFAULT;
    plan->steps[plan->step_count++] = step;
    *ret = step;
    return TT_OK;
}

static enum tt_status declare_entity(struct tt_plan *plan, const struct tt_tree *node,
                                     struct tt_error *err)
{
    bool is_user = tt_str_equal_text(node->key, "user");
    if (!is_name(node->key)) {
        return tt_declare_fail(err, TT_E_INVALID, node, "not a name:", node->key, NULL, 0);
    }
    if (node->kind != TT_TREE_MAPPING) {
        return tt_declare_fail(err, TT_E_TYPE, node, "a mapping with a key is needed for entity",
                               node->key, NULL, 0);
    }
    enum tt_status status = tt_tree_check_keys(node, ENTITY_KEYS, TT_ARRAY_SIZE(ENTITY_KEYS), err);
    struct plan_step *step = plan->steps[0];
    if (status == TT_OK && !is_user && plan->step_count == TT_STEPS_MAX) {
        return tt_fail_at(err, TT_E_LIMIT, node->line, node->column, 0, "more than %d entities",
                          TT_STEPS_MAX);
    }
    if (status == TT_OK && !is_user) {
        status = add_step(plan, node->key, &step, err);
    }
    if (status == TT_OK) {
        status = read_key(node, &step->key, err);
    }
    return status == TT_OK ? read_events_max(node, &step->events_max, err) : status;
}

/* Step 0 is the user's whether or not it is declared: the gate for duplicates stands there. */
static enum tt_status declare_entities(struct tt_plan *plan, const struct tt_tree *root,
                                       struct tt_error *err)
{
    struct plan_step *user = NULL;
    const struct tt_tree *entities = tt_tree_get(root, "entities");
    enum tt_status status = add_step(plan, TT_STR("user"), &user, err);
    if (status != TT_OK || entities == NULL) {
        return status;
    }
    if (entities->kind != TT_TREE_MAPPING) {
        return tt_fail_at(err, TT_E_TYPE, entities->line, entities->column, 0,
                          "entities must be a mapping, not %s", tt_tree_kind_name(entities));
    }
    for (const struct tt_tree *node = entities->children; node != NULL && status == TT_OK;
         node = node->next) {
        status = declare_entity(plan, node, err);
    }
    return status;
}

/* An expression takes name, expression, unit, default, description. */
static enum tt_status check_expression_keys(const struct tt_tree *node, struct tt_error *err)
{
    static const char *const OTHERS[] = {"entity", "aggregate", "field",           "window",
                                         "delay",  "filter",    "exclude_current", "quantile",
                                         "time",   "baseline"};
    for (size_t i = 0; i < TT_ARRAY_SIZE(OTHERS); i++) {
        const struct tt_tree *child = tt_tree_get(node, OTHERS[i]);
        if (child != NULL) {
            return tt_fail_at(err, TT_E_INVALID, child->key_line, child->key_column, 0,
                              "an expression takes no %s", OTHERS[i]);
        }
    }
    return TT_OK;
}

static enum tt_status declare_feature(struct tt_plan *plan, struct plan_draft *draft,
                                      struct tt_error *err)
{
    const struct tt_tree *node = draft->node, *fallback = tt_tree_get(node, "default");
    struct tt_feature *feature = draft->feature;
    if (node->kind != TT_TREE_MAPPING) {
        return tt_fail_at(err, TT_E_TYPE, node->line, node->column, 0,
                          "a feature must be a mapping, not %s", tt_tree_kind_name(node));
    }
    enum tt_status status =
        tt_tree_check_keys(node, FEATURE_KEYS, TT_ARRAY_SIZE(FEATURE_KEYS), err);
    status = status == TT_OK ? read_name(plan, node, &feature->name, err) : status;
    status = status == TT_OK ? tt_declare_text(plan, node, "unit", &feature->unit, err) : status;
    status = status == TT_OK
                 ? tt_declare_text(plan, node, "description", &feature->description, err)
                 : status;
    if (status == TT_OK && fallback != NULL) {
        feature->has_default = true;
        status = tt_tree_double(fallback, &feature->default_value, err);
    }
    if (status != TT_OK) {
        return status;
    }
    feature->line = node->line;
    draft->filter = PLAN_NONE;
    if (tt_tree_get(node, "expression") == NULL) {
        return tt_declare_aggregate(plan, draft, err);
    }
    feature->aggregate = TT_AGGREGATE_EXPRESSION;
    status = check_expression_keys(node, err);
    return status == TT_OK ? tt_declare_text(plan, node, "expression", &feature->expression, err)
                           : status;
}

static enum tt_status check_twice(const struct tt_plan *plan, const struct plan_draft *drafts,
                                  uint32_t index, struct tt_error *err)
{
    for (uint32_t i = 0; i < index; i++) {
        if (tt_str_equal(plan->features[i].name, plan->features[index].name)) {
            const struct tt_tree *name = tt_tree_get(drafts[index].node, "name");
            return tt_fail_at(err, TT_E_CONFLICT, name->line, name->column, 0,
                              "feature \"%.*s\" is there already, on line %u",
                              TT_STR_ARG(plan->features[i].name), plan->features[i].line);
        }
    }
    return TT_OK;
}

/* Where no window is written, earlier events are looked for in the entity's longest one. */
static void default_windows(struct tt_plan *plan)
{
    for (uint32_t step = 0; step < plan->step_count; step++) {
        int64_t longest_ms = 0;
        for (uint32_t i = 0; i < plan->feature_count; i++) {
            const struct tt_feature *feature = &plan->features[i];
            if (feature->aggregate != TT_AGGREGATE_EXPRESSION && feature->step == step &&
                feature->window_ms > longest_ms) {
                longest_ms = feature->window_ms;
            }
        }
        for (uint32_t i = 0; i < plan->feature_count; i++) {
            struct tt_feature *feature = &plan->features[i];
            if (feature->aggregate != TT_AGGREGATE_EXPRESSION && feature->step == step &&
                feature->window_ms == 0) {
                feature->window_ms = longest_ms > 0 ? longest_ms : WINDOW_DEFAULT_MS;
            }
        }
    }
}

static enum tt_status declare_features(struct tt_plan *plan, const struct tt_tree *list,
                                       struct plan_draft **ret_drafts, struct tt_error *err)
{
    if (list->child_count > TT_FEATURES_MAX) {
        return tt_fail_at(err, TT_E_LIMIT, list->line, list->column, 0, "more than %d features",
                          TT_FEATURES_MAX);
    }
    uint32_t count = list->child_count;
    plan->features = tt_arena_new_array(&plan->arena, count, sizeof(*plan->features));
    struct plan_draft *drafts = tt_arena_new_array(&plan->arena, count, sizeof(*drafts));
    if (plan->features == NULL || drafts == NULL) {
        return tt_fail(err, TT_E_NOMEM, "no memory for the feature plan");
    }
    *ret_drafts = drafts;
    enum tt_status status = TT_OK;
    const struct tt_tree *node = list->children;
    for (uint32_t i = 0; i < count && status == TT_OK; i++, node = node->next) {
        drafts[i].feature = &plan->features[i];
        drafts[i].node = node;
        status = declare_feature(plan, &drafts[i], err);
        status = status == TT_OK ? check_twice(plan, drafts, i, err) : status;
        plan->feature_count = i + 1;
    }
    if (status == TT_OK) {
        default_windows(plan);
    }
    return status;
}

/* Whether the amounts of a type are added (1) or taken off (-1); 1 unless declared. */
static enum tt_status declare_signs(struct tt_plan *plan, const struct tt_tree *signs,
                                    struct tt_error *err)
{
    const char *names[TT_TXN_REVERSAL];
    for (uint8_t type = 0; type <= TT_TXN_REVERSAL; type++) {
        plan->amount_sign[type] = 1;
        if (type > 0) {
            names[type - 1] = tt_txn_type_name(type);
        }
    }
    if (signs == NULL) {
        return TT_OK;
    }
    if (signs->kind != TT_TREE_MAPPING) {
        return tt_fail_at(err, TT_E_TYPE, signs->line, signs->column, 0,
                          "amount_sign must be a mapping of types to 1 or -1, not %s",
                          tt_tree_kind_name(signs));
    }
    enum tt_status status = tt_tree_check_keys(signs, names, TT_ARRAY_SIZE(names), err);
    for (uint8_t type = 1; type <= TT_TXN_REVERSAL && status == TT_OK; type++) {
        const struct tt_tree *node = tt_tree_get(signs, names[type - 1]);
        int64_t sign = 1;
        status = node == NULL ? TT_OK : tt_tree_int64(node, &sign, err);
        if (status == TT_OK && sign != 1 && sign != -1) {
            return tt_fail_at(err, TT_E_INVALID, node->line, node->column, 0,
                              "the sign of a %s is 1 or -1", names[type - 1]);
        }
        plan->amount_sign[type] = (int8_t)sign;
    }
    return status;
}

enum tt_status tt_plan_declare(struct tt_plan *plan, const struct tt_tree *root,
                               struct plan_draft **ret_drafts, struct tt_error *err)
{
    if (root == NULL || root->kind != TT_TREE_MAPPING) {
        return tt_fail_at(err, TT_E_TYPE, root == NULL ? 1 : root->line,
                          root == NULL ? 1 : root->column, 0,
                          "a feature file is a mapping with entities and features");
    }
    enum tt_status status = tt_tree_check_keys(root, ROOT_KEYS, TT_ARRAY_SIZE(ROOT_KEYS), err);
    const struct tt_tree *lateness = tt_tree_get(root, "allowed_lateness");
    const struct tt_tree *features = tt_tree_get(root, "features");
    plan->lateness_ms = LATENESS_DEFAULT_MS;
    if (status == TT_OK && lateness != NULL) {
        status = tt_declare_duration(lateness, 0, TT_PLAN_LATENESS_MAX_MS, &plan->lateness_ms, err);
    }
    const struct tt_tree *horizon = tt_tree_get(root, "label_horizon");
    plan->horizon_ms = HORIZON_DEFAULT_MS;
    if (status == TT_OK && horizon != NULL) {
        status = tt_declare_duration(horizon, 1, TT_PLAN_WINDOW_MAX_MS, &plan->horizon_ms, err);
    }
    status = status == TT_OK ? declare_signs(plan, tt_tree_get(root, "amount_sign"), err) : status;
    status = status == TT_OK ? declare_entities(plan, root, err) : status;
    if (status != TT_OK) {
        return status;
    }
    if (features == NULL || features->kind != TT_TREE_SEQUENCE || features->child_count == 0) {
        const struct tt_tree *at = features == NULL ? root : features;
        return tt_fail_at(err, TT_E_INVALID, at->line, at->column, 0,
                          "a list of features is needed");
    }
    return declare_features(plan, features, ret_drafts, err);
}
