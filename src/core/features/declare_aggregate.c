/*
 * The keys of a feature that aggregates: which it needs, which it takes, and what they may say.
 */
#include "core/features/plan_internal.h"

static const struct {
    const char *name;
    uint32_t needs;
} AGGREGATES[] = {
    {NULL, 0},
    {"expression", 0},
#define TT_AGGREGATE(id, name, needs, help) {name, needs},
#include "core/features/aggregates.def"
#undef TT_AGGREGATE
};

static const struct {
    const char *name;
    double ms;
} UNITS[] = {{"seconds", 1e3}, {"minutes", 60e3}, {"hours", 3600e3}, {"days", 86400e3}};

const char *tt_aggregate_name(uint8_t aggregate)
{
    TT_ASSERT(aggregate > 0 && aggregate < TT_AGGREGATE_END);
    return AGGREGATES[aggregate].name;
}

static enum tt_status find_aggregate(const struct tt_tree *node, uint8_t *ret, struct tt_error *err)
{
    const struct tt_tree *child = tt_tree_get(node, "aggregate");
    if (child == NULL) {
        return tt_fail_at(err, TT_E_INVALID, node->line, node->column, 0,
                          "a feature needs an aggregate or an expression");
    }
    const char *names[TT_AGGREGATE_END];
    size_t count = 0;
    struct tt_str text = {0};
    enum tt_status status = tt_tree_text(child, &text, err);
    if (status != TT_OK) {
        return status;
    }
    for (uint8_t i = TT_AGGREGATE_EXPRESSION + 1; i < TT_AGGREGATE_END; i++) {
        names[count++] = AGGREGATES[i].name;
        if (tt_str_equal_text(text, AGGREGATES[i].name)) {
            *ret = i;
            return TT_OK;
        }
    }
    return tt_declare_fail(err, TT_E_UNKNOWN, child, "unknown aggregate", text, names, count);
}

static enum tt_status find_entity(const struct tt_plan *plan, const struct tt_tree *node,
                                  struct tt_feature *feature, struct tt_error *err)
{
    const char *names[TT_STEPS_MAX];
    const struct tt_tree *child = tt_tree_get(node, "entity");
    if (child == NULL) {
        return tt_fail_at(err, TT_E_INVALID, node->line, node->column, 0,
                          "an aggregate needs an entity");
    }
    struct tt_str text = {0};
    enum tt_status status = tt_tree_text(child, &text, err);
    if (status != TT_OK) {
        return status;
    }
    for (uint32_t i = 0; i < plan->step_count; i++) {
        names[i] = plan->steps[i]->name.data;
        if (tt_str_equal(text, plan->steps[i]->name)) {
            feature->step = (uint8_t)i;
            feature->entity = plan->steps[i]->name;
            return TT_OK;
        }
    }
    return tt_declare_fail(err, TT_E_UNKNOWN, child, "unknown entity", text, names,
                           plan->step_count);
}

/* Resolves a field's word to its kind and source; false when it is none of the wanted kind. */
static bool match_field(const struct tt_plan *plan, struct tt_str text, bool number,
                        struct plan_draft *draft)
{
    if (number && (tt_str_equal_text(text, "amount") || tt_str_equal_text(text, "log_amount"))) {
        draft->field_kind = text.size == 6 ? FIELD_AMOUNT : FIELD_LOG_AMOUNT;
        return true;
    }
    if (number && plan->rates.base != 0 && tt_str_equal_text(text, "amount_base")) {
        draft->field_kind = FIELD_AMOUNT_BASE;
        return true;
    }
    for (uint16_t i = 0; !number && i < TT_TEXT_COUNT; i++) {
        if (tt_str_equal_text(text, tt_txn_text_name((enum tt_txn_text)i))) {
            draft->field_kind = FIELD_TEXT;
            draft->field_source = i;
            return true;
        }
    }
    for (uint16_t i = 0; i < plan->attribute_count; i++) {
        bool is_text = plan->attributes[i].type == TT_ATTRIBUTE_STRING;
        if (tt_str_equal(text, plan->attributes[i].name) && is_text != number) {
            draft->field_kind = number ? FIELD_NUMBER : FIELD_TEXT;
            draft->field_source = i;
            draft->field_attribute = true;
            return true;
        }
    }
    return false;
}

static enum tt_status unknown_field(const struct tt_plan *plan, const struct tt_tree *node,
                                    struct tt_str text, bool number, struct tt_error *err)
{
    const char *names[3 + TT_TEXT_COUNT + TT_ATTRIBUTES_MAX];
    struct plan_draft other = {0};
    size_t count = 0;
    if (tt_str_equal_text(text, "amount_base") && plan->rates.base == 0) {
        return tt_fail_at(err, TT_E_UNSUPPORTED, node->line, node->column, 0,
                          "amount_base needs money.base_currency and exchange rates in the "
                          "configuration");
    }
    if (match_field(plan, text, !number, &other)) {
        return tt_declare_fail(err, TT_E_TYPE, node,
                               number ? "this aggregate needs a number, not the text"
                                      : "this aggregate needs a text, not the number",
                               text, NULL, 0);
    }
    if (number) {
        names[count++] = "amount";
        names[count++] = "log_amount";
        if (plan->rates.base != 0) {
            names[count++] = "amount_base";
        }
    }
    for (uint16_t i = 0; !number && i < TT_TEXT_COUNT; i++) {
        names[count++] = tt_txn_text_name((enum tt_txn_text)i);
    }
    for (uint16_t i = 0; i < plan->attribute_count; i++) {
        if ((plan->attributes[i].type == TT_ATTRIBUTE_STRING) != number) {
            names[count++] = plan->attributes[i].name.data;
        }
    }
    return tt_declare_fail(err, TT_E_UNKNOWN, node, "unknown field", text, names, count);
}

static enum tt_status read_field(struct tt_plan *plan, struct plan_draft *draft,
                                 struct tt_error *err)
{
    const struct tt_tree *node = draft->node, *child = tt_tree_get(node, "field");
    bool number = (draft->needs & NEED_NUMBER) != 0, may = (draft->needs & MAY_FIELD) != 0;
    if (!number && (draft->needs & NEED_TEXT) == 0 && (!may || child == NULL)) {
        return child == NULL
                   ? TT_OK
                   : tt_fail_at(err, TT_E_INVALID, child->key_line, child->key_column, 0,
                                "%s takes no field", tt_aggregate_name(draft->feature->aggregate));
    }
    if (child == NULL) {
        return tt_fail_at(err, TT_E_INVALID, node->line, node->column, 0, "%s needs a field",
                          tt_aggregate_name(draft->feature->aggregate));
    }
    enum tt_status status = tt_declare_text(plan, node, "field", &draft->feature->field, err);
    if (status == TT_OK && may) {
        number = !match_field(plan, draft->feature->field, false, draft);
    }
    if (status == TT_OK && !match_field(plan, draft->feature->field, number, draft)) {
        return unknown_field(plan, child, draft->feature->field, number, err);
    }
    return status;
}

/* Whether the window is one of event times or of the times at which labels became known. */
static enum tt_status read_time(struct plan_draft *draft, struct tt_error *err)
{
    static const char *const TIMES[] = {"event", "known"};
    const struct tt_tree *node = tt_tree_get(draft->node, "time");
    struct tt_str text = {0};
    enum tt_status status = node == NULL ? TT_OK : tt_tree_text(node, &text, err);
    if (node == NULL || status != TT_OK) {
        return status;
    }
    if ((draft->needs & MAY_KNOWN) == 0) {
        return tt_fail_at(err, TT_E_INVALID, node->key_line, node->key_column, 0,
                          "%s takes no time: its window is one of event times",
                          tt_aggregate_name(draft->feature->aggregate));
    }
    draft->feature->known_time = tt_str_equal_text(text, "known");
    return draft->feature->known_time || tt_str_equal_text(text, "event")
               ? TT_OK
               : tt_declare_fail(err, TT_E_UNKNOWN, node, "unknown time", text, TIMES,
                                 TT_ARRAY_SIZE(TIMES));
}

/* A delay that is not written: none, but by known time as long as labels may take. */
static void default_delay(const struct tt_plan *plan, struct tt_feature *feature)
{
    int64_t most_ms = TT_PLAN_WINDOW_MAX_MS - feature->window_ms;
    if (feature->known_time) {
        feature->delay_ms = plan->horizon_ms < most_ms ? plan->horizon_ms : most_ms;
    }
}

static enum tt_status read_window(const struct tt_plan *plan, struct plan_draft *draft,
                                  struct tt_error *err)
{
    const struct tt_tree *window = tt_tree_get(draft->node, "window");
    const struct tt_tree *delay = tt_tree_get(draft->node, "delay");
    struct tt_feature *feature = draft->feature;
    enum tt_status status = TT_OK;
    if (window != NULL && feature->aggregate == TT_AGGREGATE_SURPRISE) {
        return tt_fail_at(err, TT_E_INVALID, window->key_line, window->key_column, 0,
                          "%s takes a baseline, no window", tt_aggregate_name(feature->aggregate));
    }
    if (window != NULL) {
        status = tt_declare_duration(window, 1, TT_PLAN_WINDOW_MAX_MS, &feature->window_ms, err);
    } else if ((draft->needs & NEED_WINDOW) != 0) {
        return tt_fail_at(err, TT_E_INVALID, draft->node->line, draft->node->column, 0,
                          "%s needs a window", tt_aggregate_name(feature->aggregate));
    }
    if (status != TT_OK || delay == NULL) {
        default_delay(plan, feature);
        return status;
    }
    if ((draft->needs & NEED_WINDOW) == 0) {
        return tt_fail_at(err, TT_E_INVALID, delay->key_line, delay->key_column, 0,
                          "%s takes no delay", tt_aggregate_name(feature->aggregate));
    }
    return tt_declare_duration(delay, 0, TT_PLAN_WINDOW_MAX_MS - feature->window_ms,
                               &feature->delay_ms, err);
}

static enum tt_status read_unit(struct plan_draft *draft, struct tt_error *err)
{
    const char *names[TT_ARRAY_SIZE(UNITS)];
    struct tt_str unit = draft->feature->unit;
    draft->divisor = UNITS[TT_ARRAY_SIZE(UNITS) - 1].ms;
    if ((draft->needs & NEED_UNIT) == 0) {
        return TT_OK;
    }
    if (unit.data == NULL) {
        draft->feature->unit = TT_STR("days");
        return TT_OK;
    }
    for (size_t i = 0; i < TT_ARRAY_SIZE(UNITS); i++) {
        names[i] = UNITS[i].name;
        if (tt_str_equal_text(unit, UNITS[i].name)) {
            draft->divisor = UNITS[i].ms;
            return TT_OK;
        }
    }
    return tt_declare_fail(err, TT_E_UNKNOWN, tt_tree_get(draft->node, "unit"), "unknown unit",
                           unit, names, TT_ARRAY_SIZE(UNITS));
}

static enum tt_status read_quantile(struct plan_draft *draft, struct tt_error *err)
{
    const struct tt_tree *node = tt_tree_get(draft->node, "quantile");
    struct tt_feature *feature = draft->feature;
    feature->quantile = 0.5;
    if ((draft->needs & NEED_QUANTILE) == 0) {
        return node == NULL
                   ? TT_OK
                   : tt_fail_at(err, TT_E_INVALID, node->key_line, node->key_column, 0,
                                "%s takes no quantile", tt_aggregate_name(feature->aggregate));
    }
    if (node == NULL) {
        return tt_fail_at(err, TT_E_INVALID, draft->node->line, draft->node->column, 0,
                          "quantile needs the key quantile, from 0 to 1");
    }
    enum tt_status status = tt_tree_double(node, &feature->quantile, err);
    if (status == TT_OK && !(feature->quantile >= 0.0 && feature->quantile <= 1.0)) {
        return tt_fail_at(err, TT_E_INVALID, node->line, node->column, 0,
                          "quantile must be from 0 to 1");
    }
    return status;
}

static enum tt_status read_exclude(struct plan_draft *draft, struct tt_error *err)
{
    const struct tt_tree *node = tt_tree_get(draft->node, "exclude_current");
    bool previous = (draft->needs & NEED_PREVIOUS) != 0;
    draft->feature->exclude_current = previous;
    if (node == NULL) {
        return TT_OK;
    }
    enum tt_status status = tt_tree_bool(node, &draft->feature->exclude_current, err);
    if (status == TT_OK && previous && !draft->feature->exclude_current) {
        return tt_fail_at(err, TT_E_INVALID, node->line, node->column, 0,
                          "%s looks at earlier events only",
                          tt_aggregate_name(draft->feature->aggregate));
    }
    return status;
}

/* What an event is judged by goes back this far. */
static enum tt_status read_baseline(struct plan_draft *draft, struct tt_error *err)
{
    const struct tt_tree *node = tt_tree_get(draft->node, "baseline");
    struct tt_feature *feature = draft->feature;
    const char *name = tt_aggregate_name(feature->aggregate);
    if ((draft->needs & NEED_BASELINE) == 0) {
        return node == NULL ? TT_OK
                            : tt_fail_at(err, TT_E_INVALID, node->key_line, node->key_column, 0,
                                         "%s takes no baseline", name);
    }
    if (node == NULL) {
        return tt_fail_at(err, TT_E_INVALID, draft->node->line, draft->node->column, 0,
                          "%s needs a baseline", name);
    }
    const struct tt_tree *filter = tt_tree_get(draft->node, "filter");
    if (filter != NULL) {
        return tt_fail_at(err, TT_E_INVALID, filter->key_line, filter->key_column, 0,
                          "%s takes no filter", name);
    }
    if (feature->aggregate == TT_AGGREGATE_SURPRISE && feature->exclude_current) {
        return tt_fail_at(err, TT_E_INVALID, draft->node->line, draft->node->column, 0,
                          "%s is about the event itself: it takes no exclude_current", name);
    }
    if (feature->aggregate != TT_AGGREGATE_SURPRISE_COUNT && feature->delay_ms > 0) {
        return tt_fail_at(err, TT_E_INVALID, draft->node->line, draft->node->column, 0,
                          "%s takes no delay", name);
    }
    int64_t used_ms = feature->window_ms + feature->delay_ms;
    used_ms = feature->aggregate == TT_AGGREGATE_TAKEOVER ? 2 * used_ms : used_ms;
    if (used_ms >= TT_PLAN_WINDOW_MAX_MS) {
        return tt_fail_at(err, TT_E_LIMIT, draft->node->line, draft->node->column, 0,
                          "the window leaves no room for a baseline");
    }
    return tt_declare_duration(node, 1, TT_PLAN_WINDOW_MAX_MS - used_ms, &feature->baseline_ms,
                               err);
}

enum tt_status tt_declare_aggregate(struct tt_plan *plan, struct plan_draft *draft,
                                    struct tt_error *err)
{
    struct tt_feature *feature = draft->feature;
    enum tt_status status = find_aggregate(draft->node, &feature->aggregate, err);
    if (status == TT_OK) {
        draft->needs = AGGREGATES[feature->aggregate].needs;
        feature->uses_labels = (draft->needs & NEED_LABELS) != 0;
        status = find_entity(plan, draft->node, feature, err);
    }
    status = status == TT_OK ? read_time(draft, err) : status;
    status = status == TT_OK ? read_window(plan, draft, err) : status;
    enum tt_status (*const steps[])(struct plan_draft *, struct tt_error *) = {
        read_unit, read_quantile, read_exclude, read_baseline};
    for (size_t i = 0; i < TT_ARRAY_SIZE(steps) && status == TT_OK; i++) {
        status = steps[i](draft, err);
    }
    status = status == TT_OK ? read_field(plan, draft, err) : status;
    status = status == TT_OK ? tt_declare_text(plan, draft->node, "filter", &feature->filter, err)
                             : status;
    if (status == TT_OK && (draft->needs & NEED_FILTER) != 0 && feature->filter.data == NULL) {
        return tt_fail_at(err, TT_E_INVALID, draft->node->line, draft->node->column, 0,
                          "%s needs a filter", tt_aggregate_name(feature->aggregate));
    }
    return status;
}
