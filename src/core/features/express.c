/*
 * Filters and expressions: compiled, shared, put in an order in which every input is there, and
 * given to the first step at which it is.
 */
#include <string.h>

#include "core/features/plan_internal.h"

static bool is_word(char c)
{
    char lower = (char)(c | 0x20);
    return c == '_' || (c >= '0' && c <= '9') || (lower >= 'a' && lower <= 'z');
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f';
}

/* Copies a quoted literal as it stands; returns the position behind it. */
static size_t copy_quoted(struct tt_str text, size_t at, char *bytes, size_t *size)
{
    char quote = text.data[at];
    bytes[(*size)++] = text.data[at++];
    while (at < text.size) {
        char c = text.data[at++];
        bytes[(*size)++] = c;
        if (c == '\\' && at < text.size) {
            bytes[(*size)++] = text.data[at++];
        } else if (c == quote) {
            break;
        }
    }
    return at;
}

enum tt_status tt_plan_canonical(struct tt_arena *arena, struct tt_str text, struct tt_str *ret)
{
    char *bytes = tt_arena_new(arena, text.size + 1);
    size_t size = 0;
    bool gap = false;
    if (bytes == NULL) {
        return TT_E_NOMEM;
    }
    for (size_t at = 0; at < text.size;) {
        char c = text.data[at];
        if (is_blank(c)) {
            gap = true;
            at++;
        } else if (c == '/' && at + 1 < text.size && text.data[at + 1] == '/') {
            while (at < text.size && text.data[at] != '\n') {
                at++;
            }
        } else {
            if (gap && size > 0 && is_word(bytes[size - 1]) && (is_word(c) || c == '.')) {
                bytes[size++] = ' ';
            }
            gap = false;
            if (c == '"' || c == '\'') {
                at = copy_quoted(text, at, bytes, &size);
            } else {
                bytes[size++] = c;
                at++;
            }
        }
    }
    bytes[size] = '\0';
    *ret = (struct tt_str){bytes, size};
    return TT_OK;
}

/* Compiles the text of node's entry `key`; the plan owns the result. */
static enum tt_status compile(struct tt_plan *plan, const struct plan_draft *draft, const char *key,
                              enum tt_type want, struct tt_expr **ret, struct tt_error *err)
{
    const struct tt_tree *node = tt_tree_get(draft->node, key);
    struct tt_expr_options options = {.text = node->text, .want = want};
    enum tt_status status =
        tt_expr_compile(plan->alloc, tt_names_env(plan->names), &options, ret, err);
    if (status != TT_OK && status != TT_E_NOMEM && err != NULL) {
        tt_tree_text_place(node, (size_t)err->offset, &err->line, &err->column);
    }
    if (status == TT_OK) {
        TT_ASSERT(plan->expr_count < TT_ARRAY_SIZE(plan->exprs));
        plan->exprs[plan->expr_count++] = *ret;
    }
    return status;
}

static enum tt_status add_filter(struct tt_plan *plan, struct plan_draft *draft,
                                 struct tt_error *err)
{
    struct plan_step *step = plan->steps[draft->feature->step];
    struct tt_str text = {0};
    if (tt_plan_canonical(&plan->arena, draft->feature->filter, &text) != TT_OK) {
        return tt_fail(err, TT_E_NOMEM, "no memory for the feature plan");
    }
    for (uint16_t i = 0; i < step->filter_count; i++) {
        if (tt_str_equal(step->filters[i].text, text)) {
            draft->filter = i;
            return TT_OK;
        }
    }
    if (step->filter_count == TT_PLAN_FILTERS_MAX) {
        return tt_fail_at(err, TT_E_LIMIT, draft->node->line, draft->node->column, 0,
                          "more than %d different filters for entity \"%.*s\"", TT_PLAN_FILTERS_MAX,
                          TT_STR_ARG(step->name));
    }
    struct tt_expr *expr = NULL;
    enum tt_status status = compile(plan, draft, "filter", TT_TYPE_BOOL, &expr, err);
    if (status == TT_OK) {
        draft->filter = (uint16_t)step->filter_count;
        step->filters[step->filter_count++] = (struct plan_filter){text, expr};
    }
    return status;
}

static enum tt_status compile_expression(struct tt_plan *plan, struct plan_draft *draft,
                                         struct tt_error *err)
{
    const struct tt_tree *node = tt_tree_get(draft->node, "expression");
    enum tt_status status = compile(plan, draft, "expression", TT_TYPE_NONE, &draft->expr, err);
    if (status != TT_OK) {
        return status;
    }
    enum tt_type type = tt_expr_type(draft->expr);
    if (type != TT_TYPE_DOUBLE && type != TT_TYPE_INT && type != TT_TYPE_BOOL &&
        type != TT_TYPE_UINT && type != TT_TYPE_DYN) {
        return tt_fail_at(err, TT_E_TYPE, node->line, node->column, 0,
                          "a feature is a number or bool, this expression is a %s",
                          tt_type_name(type));
    }
    return TT_OK;
}

/* The expression or filter of a feature, whose inputs have to be there before; NULL when it has
 * neither. */
static const struct tt_expr *expr_of(const struct tt_plan *plan, const struct plan_draft *draft)
{
    if (draft->filter != PLAN_NONE) {
        return plan->steps[draft->feature->step]->filters[draft->filter].expr;
    }
    return draft->expr;
}

static const struct tt_tree *node_of(const struct plan_draft *draft)
{
    return tt_tree_get(draft->node, draft->filter != PLAN_NONE ? "filter" : "expression");
}

static bool uses(const struct tt_plan *plan, const struct tt_expr *expr, uint16_t feature)
{
    return expr != NULL && tt_expr_uses(expr, tt_names_feature_slot(plan->names, feature));
}

/* Depth-first over the inputs; white, grey and black in marks as 0, 1, 2. */
struct order {
    struct tt_plan *plan;
    const struct plan_draft *drafts;
    uint8_t marks[TT_FEATURES_MAX];
    uint16_t path[TT_FEATURES_MAX]; /* the features being visited */
    uint32_t depth;
};

static enum tt_status fail_cycle(const struct order *order, uint16_t feature, struct tt_error *err)
{
    const struct tt_tree *node = node_of(&order->drafts[feature]);
    char text[160];
    size_t size = 0;
    uint32_t start = 0;
    while (order->path[start] != feature) {
        start++;
    }
    for (uint32_t i = start; i <= order->depth; i++) {
        uint16_t at = i < order->depth ? order->path[i] : feature;
        struct tt_str name = order->plan->features[at].name;
        if (size + name.size + 5 > sizeof(text)) {
            break;
        }
        memcpy(text + size, " -> ", 4);
        size_t gap = size == 0 ? 0 : 4;
        memcpy(text + size + gap, name.data, name.size);
        size += gap + name.size;
    }
    return tt_fail_at(err, TT_E_INVALID, node->line, node->column, 0, "features in a circle: %.*s",
                      (int)size, text);
}

static void place(struct order *order, uint16_t feature)
{
    struct tt_plan *plan = order->plan;
    const struct plan_draft *draft = &order->drafts[feature];
    const struct tt_expr *expr = expr_of(plan, draft);
    uint8_t last = 0;
    for (uint16_t i = 0; i < plan->feature_count; i++) {
        if (uses(plan, expr, i)) {
            last = plan->features[i].step > last ? plan->features[i].step : last;
            plan->features[feature].uses_labels |= plan->features[i].uses_labels;
        }
    }
    if (draft->expr == NULL) {
        return; /* an aggregate is computed where its entity is */
    }
    struct plan_step *step = plan->steps[last];
    plan->features[feature].step = last;
    step->expressions[step->expression_count++] = (struct plan_expression){feature, draft->expr};
}

static enum tt_status visit(struct order *order, uint16_t feature, struct tt_error *err)
{
    const struct tt_plan *plan = order->plan;
    const struct tt_expr *expr = expr_of(plan, &order->drafts[feature]);
    if (expr == NULL || order->marks[feature] == 2) {
        return TT_OK;
    }
    if (order->marks[feature] == 1) {
        return fail_cycle(order, feature, err);
    }
    order->marks[feature] = 1;
    order->path[order->depth++] = feature;
    for (uint16_t i = 0; i < plan->feature_count; i++) {
        if (uses(plan, expr, i)) {
            enum tt_status status = visit(order, i, err);
            if (status != TT_OK) {
                return status;
            }
        }
    }
    order->depth--;
    order->marks[feature] = 2;
    place(order, feature);
    return TT_OK;
}

/* Features whose slots are filled before expressions [0, count) run. */
static uint32_t collect_inputs(const struct tt_plan *plan, const struct plan_step *step,
                               uint32_t count, struct plan_input *ret)
{
    uint32_t found = 0;
    for (uint16_t i = 0; i < plan->feature_count; i++) {
        bool used = false;
        for (uint32_t e = 0; e < count; e++) {
            used |= uses(plan, step->expressions[e].expr, i);
        }
        if (used) {
            ret[found++] = (struct plan_input){i, tt_names_feature_slot(plan->names, i)};
        }
    }
    return found;
}

/* A filter is evaluated when the event is about to be absorbed: with what earlier steps have given
 * and what this one says of the entity without the event. The features of this step that a filter
 * needs, itself or through others, are marked. */
struct need {
    const struct tt_plan *plan;
    const struct plan_draft *drafts;
    const struct plan_draft *draft; /* whose filter it is */
    bool marks[TT_FEATURES_MAX];
};

static enum tt_status need_inputs(struct need *need, const struct tt_expr *expr,
                                  struct tt_error *err);

static enum tt_status need_feature(struct need *need, uint16_t index, struct tt_error *err)
{
    const struct tt_plan *plan = need->plan;
    const struct tt_feature *feature = &plan->features[index];
    const struct tt_tree *node = tt_tree_get(need->draft->node, "filter");
    uint8_t step = need->draft->feature->step;
    bool is_aggregate = feature->aggregate != TT_AGGREGATE_EXPRESSION;
    if (need->marks[index] || feature->step < step) {
        return TT_OK;
    }
    if (feature->step > step) {
        return tt_fail_at(err, TT_E_INVALID, node->line, node->column, 0,
                          "a filter of \"%.*s\" is asked before the feature \"%.*s\" of \"%.*s\" "
                          "is computed: entities take their turns in the order of the file",
                          TT_STR_ARG(plan->steps[step]->name), TT_STR_ARG(feature->name),
                          TT_STR_ARG(plan->steps[feature->step]->name));
    }
    if (is_aggregate && !feature->exclude_current) {
        return tt_fail_at(err, TT_E_INVALID, node->line, node->column, 0,
                          "a filter is asked before its event is counted, and the feature \"%.*s\" "
                          "counts it: give that one exclude_current",
                          TT_STR_ARG(feature->name));
    }
    need->marks[index] = true;
    return is_aggregate ? TT_OK : need_inputs(need, need->drafts[index].expr, err);
}

static enum tt_status need_inputs(struct need *need, const struct tt_expr *expr,
                                  struct tt_error *err)
{
    enum tt_status status = TT_OK;
    for (uint16_t i = 0; i < need->plan->feature_count && status == TT_OK; i++) {
        status = uses(need->plan, expr, i) ? need_feature(need, i, err) : TT_OK;
    }
    return status;
}

/* Moves the expressions that are marked to the front; both parts keep their order. */
static void put_first(struct plan_step *step, const bool *marks)
{
    for (uint32_t i = 0; i < step->expression_count; i++) {
        struct plan_expression expression = step->expressions[i];
        if (marks[expression.feature]) {
            memmove(&step->expressions[step->early_count + 1],
                    &step->expressions[step->early_count],
                    (i - step->early_count) * sizeof(expression));
            step->expressions[step->early_count++] = expression;
        }
    }
}

/* Whether an expression reads more than features. */
static bool reads_txn(const struct tt_plan *plan, const struct tt_expr *expr)
{
    bool reads = false;
    for (uint32_t slot = 0; slot < tt_names_slot_count(plan->names) && !reads; slot++) {
        reads = tt_names_slot_feature(plan->names, slot) == UINT16_MAX && tt_expr_uses(expr, slot);
    }
    return reads;
}

static void find_readers(const struct tt_plan *plan, struct plan_step *step)
{
    for (uint32_t f = 0; f < step->filter_count; f++) {
        step->filters_read_txn |= reads_txn(plan, step->filters[f].expr);
    }
    step->reads_txn = step->filters_read_txn;
    for (uint32_t e = 0; e < step->expression_count; e++) {
        step->reads_txn |= reads_txn(plan, step->expressions[e].expr);
    }
}

static enum tt_status express_filters(struct tt_plan *plan, const struct plan_draft *drafts,
                                      uint32_t index, struct tt_error *err)
{
    struct plan_step *step = plan->steps[index];
    struct need need = {.plan = plan, .drafts = drafts};
    enum tt_status status = TT_OK;
    for (uint32_t i = 0; i < plan->feature_count && status == TT_OK; i++) {
        if (drafts[i].filter != PLAN_NONE && drafts[i].feature->step == index) {
            need.draft = &drafts[i];
            status = need_inputs(&need, expr_of(plan, &drafts[i]), err);
        }
    }
    for (uint16_t i = 0; i < plan->feature_count && status == TT_OK; i++) {
        bool used = false;
        for (uint32_t f = 0; f < step->filter_count; f++) {
            used |= uses(plan, step->filters[f].expr, i);
        }
        if (used) {
            step->filter_inputs[step->filter_input_count++] =
                (struct plan_input){i, tt_names_feature_slot(plan->names, i)};
        }
    }
    put_first(step, need.marks);
    plan->filters_read_features |= step->filter_input_count > 0;
    return status;
}

/* `{name: amount, expression: amount}`: a field of the transaction as a feature of the same name.
 * The name means the field; the feature's slot gets a name nobody writes. */
static bool is_identity(const struct tt_feature *feature)
{
    return feature->expression.data != NULL && tt_str_equal(feature->expression, feature->name);
}

static enum tt_status slot_name(struct tt_arena *arena, struct tt_str name, struct tt_str *ret)
{
    static const char PREFIX[] = "__feature_";
    size_t size = sizeof(PREFIX) - 1 + name.size;
    char *bytes = tt_arena_new(arena, size + 1);
    if (bytes == NULL) {
        return TT_E_NOMEM;
    }
    memcpy(bytes, PREFIX, sizeof(PREFIX) - 1);
    memcpy(bytes + sizeof(PREFIX) - 1, name.data, name.size);
    bytes[size] = '\0';
    *ret = (struct tt_str){bytes, size};
    return TT_OK;
}

static enum tt_status make_names(struct tt_plan *plan, const struct plan_draft *drafts,
                                 struct tt_error *err)
{
    struct tt_str names[TT_FEATURES_MAX];
    for (uint32_t i = 0; i < plan->feature_count; i++) {
        struct tt_feature *feature = &plan->features[i];
        feature->identifier = feature->name;
        if (is_identity(feature) &&
            slot_name(&plan->arena, feature->name, &feature->identifier) != TT_OK) {
            return tt_fail(err, TT_E_NOMEM, "no memory for the feature plan");
        }
        names[i] = feature->identifier;
    }
    struct tt_error why = {0};
    enum tt_status status =
        tt_names_new_priced(plan->alloc, &plan->rates, plan->attributes, plan->attribute_count,
                            names, plan->feature_count, &plan->names, &why);
    if (status == TT_OK || status == TT_E_NOMEM) {
        return status == TT_OK ? TT_OK : tt_fail(err, status, "%s", why.message);
    }
    /* Which one it was: the first name that does not go in without the others. */
    for (uint32_t i = 0; i < plan->feature_count; i++) {
        const struct tt_tree *node = tt_tree_get(drafts[i].node, "name");
        struct tt_names *single = NULL;
        enum tt_status one =
            tt_names_new_priced(plan->alloc, &plan->rates, plan->attributes, plan->attribute_count,
                                &names[i], 1, &single, &why);
        tt_names_free(single);
        if (one != TT_OK) {
            return tt_fail_at(err, one, node->line, node->column, 0, "%s", why.message);
        }
    }
    return tt_fail(err, status, "%s", why.message);
}

enum tt_status tt_plan_express(struct tt_plan *plan, struct plan_draft *drafts,
                               struct tt_error *err)
{
    struct order order = {.plan = plan, .drafts = drafts};
    enum tt_status status = make_names(plan, drafts, err);
    for (uint16_t i = 0; i < plan->feature_count && status == TT_OK; i++) {
        if (plan->features[i].expression.data != NULL) {
            status = compile_expression(plan, &drafts[i], err);
        } else if (plan->features[i].filter.data != NULL) {
            status = add_filter(plan, &drafts[i], err);
        }
    }
    for (uint16_t i = 0; i < plan->feature_count && status == TT_OK; i++) {
        status = visit(&order, i, err);
    }
    for (uint32_t s = 0; s < plan->step_count && status == TT_OK; s++) {
        struct plan_step *step = plan->steps[s];
        status = express_filters(plan, drafts, s, err);
        find_readers(plan, step);
        step->input_count = collect_inputs(plan, step, step->expression_count, step->inputs);
        step->early_input_count = collect_inputs(plan, step, step->early_count, step->early_inputs);
    }
    return status;
}
