/*
 * Laying out a step: what a row holds, which windows there are, which running values, who reads
 * them.
 *
 * Everything is shared by equality: a window by (window, delay), a value by (kind, field, window,
 * filter), a column by its source. Values are then sorted by window and by what they take from a
 * row, so that moving a window's edge over a row looks at each field once.
 */
#include <string.h>

#include "core/features/bag.h"
#include "core/features/frauds.h"
#include "core/features/plan_internal.h"
#include "core/features/runs.h"

static enum tt_status fail_limit(const struct plan_draft *draft, const char *what, int max,
                                 struct tt_error *err)
{
    return tt_fail_at(err, TT_E_LIMIT, draft->node->line, draft->node->column, 0,
                      "more than %d %s for one entity", max, what);
}

static enum tt_status add_column(struct plan_step *step, const struct plan_draft *draft,
                                 struct plan_column column, uint8_t *ret_word, struct tt_error *err)
{
    for (uint32_t i = 0; i < step->column_count; i++) {
        const struct plan_column *other = &step->columns[i];
        if (other->kind == column.kind && other->source == column.source &&
            other->attribute == column.attribute) {
            *ret_word = (uint8_t)(2 + i);
            return TT_OK;
        }
    }
    if (step->column_count == PLAN_COLUMNS_MAX) {
        return fail_limit(draft, "fields", PLAN_COLUMNS_MAX, err);
    }
    *ret_word = (uint8_t)(2 + step->column_count);
    step->columns[step->column_count++] = column;
    return TT_OK;
}

static enum tt_status add_span(struct plan_step *step, const struct plan_draft *draft,
                               int64_t window_ms, int64_t delay_ms, uint8_t *ret_span,
                               struct tt_error *err)
{
    for (uint32_t i = 0; i < step->span_count; i++) {
        if (step->spans[i].window_ms == window_ms && step->spans[i].delay_ms == delay_ms) {
            *ret_span = (uint8_t)i;
            return TT_OK;
        }
    }
    if (step->span_count == PLAN_SPANS_MAX) {
        return fail_limit(draft, "different windows", PLAN_SPANS_MAX, err);
    }
    *ret_span = (uint8_t)step->span_count;
    step->spans[step->span_count++] =
        (struct plan_span){.window_ms = window_ms, .delay_ms = delay_ms};
    return TT_OK;
}

static enum tt_status add_period(struct plan_step *step, const struct plan_draft *draft,
                                 uint8_t *ret_period, struct tt_error *err)
{
    const struct tt_feature *feature = draft->feature;
    struct plan_period period = {feature->window_ms, feature->delay_ms, feature->known_time};
    for (uint32_t i = 0; i < step->period_count; i++) {
        const struct plan_period *other = &step->periods[i];
        if (other->window_ms == period.window_ms && other->delay_ms == period.delay_ms &&
            other->known == period.known) {
            *ret_period = (uint8_t)i;
            return TT_OK;
        }
    }
    if (step->period_count == PLAN_PERIODS_MAX) {
        return fail_limit(draft, "different windows of labels", PLAN_PERIODS_MAX, err);
    }
    *ret_period = (uint8_t)step->period_count;
    step->periods[step->period_count++] = period;
    return TT_OK;
}

/* The index of the running value; it is added when no feature has asked for it before. */
static uint16_t add_value(struct plan_step *step, const struct plan_read *read, uint8_t kind,
                          uint8_t field, uint16_t filter_mask)
{
    bool money = field == FIELD_AMOUNT || field == FIELD_LOG_AMOUNT;
    struct plan_value value = {
        .kind = kind,
        .field = field,
        .word = field == FIELD_NONE ? 0 : read->word,
        .span = kind == VALUE_FRAUDS ? read->period : read->span,
        .by_currency = money,
        .filter_mask = filter_mask,
    };
    for (uint32_t i = 0; i < step->value_count; i++) {
        const struct plan_value *other = &step->values[i];
        if (other->kind == kind && other->field == field && other->word == value.word &&
            other->span == value.span && other->filter_mask == filter_mask) {
            return (uint16_t)i;
        }
    }
    TT_ASSERT(step->value_count < PLAN_VALUES_MAX);
    step->values[step->value_count] = value;
    return (uint16_t)step->value_count++;
}

/* Counts of whatever a window holds need no value. */
static uint16_t add_count(struct plan_step *step, const struct plan_read *read, uint8_t field,
                          uint16_t filter_mask)
{
    return field == FIELD_NONE && filter_mask == 0
               ? PLAN_NONE
               : add_value(step, read, VALUE_COUNT, field, filter_mask);
}

static void add_values(struct plan_step *step, struct plan_read *read)
{
    uint8_t field = read->field;
    uint16_t mask = read->filter_mask;
    switch (read->aggregate) {
    case TT_AGGREGATE_COUNT:
        read->count = add_count(step, read, field, mask);
        break;
    case TT_AGGREGATE_SUM:
        read->sum = add_value(step, read, VALUE_SUM, field, mask);
        break;
    case TT_AGGREGATE_STD:
        read->squares = add_value(step, read, VALUE_SQUARES, field, mask);
        __attribute__((fallthrough));
    case TT_AGGREGATE_MEAN:
    case TT_AGGREGATE_RATIO_TO_MEAN:
        read->sum = add_value(step, read, VALUE_SUM, field, mask);
        read->count = add_value(step, read, VALUE_COUNT, field, mask);
        break;
    case TT_AGGREGATE_MIN:
    case TT_AGGREGATE_MAX:
    case TT_AGGREGATE_MEDIAN:
    case TT_AGGREGATE_QUANTILE:
    case TT_AGGREGATE_MAD:
    case TT_AGGREGATE_COUNT_DISTINCT:
    case TT_AGGREGATE_SHARE_OF_VALUE:
        read->bag = add_value(step, read, VALUE_BAG, field, mask);
        break;
    case TT_AGGREGATE_SHARE:
        read->count = add_count(step, read, FIELD_NONE, mask);
        read->total = add_count(step, read, FIELD_NONE, 0);
        break;
    case TT_AGGREGATE_FRAUD_SHARE:
        read->frauds = add_value(step, read, VALUE_FRAUDS, FIELD_NONE, mask);
        read->total = add_count(step, read, FIELD_NONE, mask);
        break;
    case TT_AGGREGATE_FRAUD_COUNT:
        read->frauds = add_value(step, read, VALUE_FRAUDS, FIELD_NONE, mask);
        break;
    default: /* looks at rows, keeps nothing */
        break;
    }
}

static enum tt_status read_columns(struct plan_step *step, const struct plan_draft *draft,
                                   struct plan_read *read, struct tt_error *err)
{
    struct plan_column column = {.kind = draft->field_kind,
                                 .attribute = draft->field_attribute,
                                 .source = draft->field_source};
    if (read->aggregate == TT_AGGREGATE_DISTANCE_KM_FROM_LAST ||
        read->aggregate == TT_AGGREGATE_SPEED_KMH_FROM_LAST) {
        column.kind = read->field = FIELD_POSITION;
    }
    if (column.kind == FIELD_NONE) {
        return TT_OK;
    }
    /* The logarithm is made from the amount when it is needed: 8 bytes an event saved. */
    if (column.kind == FIELD_LOG_AMOUNT) {
        column.kind = FIELD_AMOUNT;
    }
    return add_column(step, draft, column, &read->word, err);
}

static enum tt_status add_run(struct plan_step *step, const struct plan_draft *draft,
                              struct plan_read *read, struct tt_error *err)
{
    for (uint32_t i = 0; i < step->run_count; i++) {
        if (step->runs[i].span == read->span && step->runs[i].filter_mask == read->filter_mask) {
            read->run = (uint8_t)i;
            return TT_OK;
        }
    }
    if (step->run_count == PLAN_RUNS_MAX) {
        return fail_limit(draft, "different runs of frauds", PLAN_RUNS_MAX, err);
    }
    read->run = (uint8_t)step->run_count;
    step->runs[step->run_count++] =
        (struct plan_run){.span = read->span, .filter_mask = read->filter_mask};
    return TT_OK;
}

/* Frauds that are only counted or dated need no edges; what looks at other events, too, does. */
static enum tt_status add_window(struct plan_step *step, const struct plan_draft *draft,
                                 struct plan_read *read, struct tt_error *err)
{
    bool counts = read->aggregate == TT_AGGREGATE_FRAUD_COUNT ||
                  read->aggregate == TT_AGGREGATE_SINCE_LAST_FRAUD ||
                  read->aggregate == TT_AGGREGATE_SINCE_FIRST_FRAUD;
    enum tt_status status = TT_OK;
    if (counts || read->aggregate == TT_AGGREGATE_FRAUD_SHARE) {
        status = add_period(step, draft, &read->period, err);
    }
    if (status != TT_OK || counts) {
        return status;
    }
    const struct tt_feature *feature = draft->feature;
    bool baseline =
        read->aggregate == TT_AGGREGATE_SURPRISE || read->aggregate == TT_AGGREGATE_TAKEOVER;
    bool runs = read->aggregate == TT_AGGREGATE_FRAUD_RUN_LENGTH ||
                read->aggregate == TT_AGGREGATE_FRAUD_RUN_AGE ||
                read->aggregate == TT_AGGREGATE_SINCE_LAST_GENUINE;
    status = baseline
                 ? add_span(step, draft, feature->baseline_ms, 0, &read->span, err)
                 : add_span(step, draft, feature->window_ms, feature->delay_ms, &read->span, err);
    return status == TT_OK && runs ? add_run(step, draft, read, err) : status;
}

/* The fold of that field and baseline whose filter, where one is read, has these blocks. */
static struct plan_fold *find_fold(struct plan_step *step, const struct plan_fold *wanted)
{
    for (uint32_t i = 0; i < step->fold_count; i++) {
        struct plan_fold *fold = &step->folds[i];
        if (fold->field == wanted->field && fold->word == wanted->word &&
            fold->span == wanted->span &&
            (fold->window_ms == 0 || wanted->window_ms == 0 ||
             fold->window_ms == wanted->window_ms)) {
            return fold;
        }
    }
    return NULL;
}

static enum tt_status add_fold(struct plan_step *step, const struct plan_draft *draft,
                               struct plan_read *read, struct tt_error *err)
{
    struct plan_read baseline = *read;
    struct plan_fold wanted = {.field = read->field, .word = read->word};
    wanted.window_ms = read->aggregate == TT_AGGREGATE_TAKEOVER ? draft->feature->window_ms : 0;
    enum tt_status status =
        add_span(step, draft, draft->feature->baseline_ms, 0, &baseline.span, err);
    wanted.span = baseline.span;
    struct plan_fold *fold = find_fold(step, &wanted);
    if (status == TT_OK && fold == NULL) {
        struct plan_column column = {.kind = FIELD_FOLD, .source = (uint16_t)step->fold_count};
        uint32_t bit = step->filter_count + step->fold_count;
        if (step->fold_count == PLAN_FOLDS_MAX) {
            return fail_limit(draft, "different baselines", PLAN_FOLDS_MAX, err);
        }
        if (bit >= TT_PLAN_FILTERS_MAX) {
            return fail_limit(draft, "filters and baselines", TT_PLAN_FILTERS_MAX, err);
        }
        wanted.bit = (uint16_t)(1U << bit);
        wanted.bag = add_value(step, &baseline, VALUE_BAG, read->field, 0);
        status = add_column(step, draft, column, &wanted.kept, err);
        fold = &step->folds[step->fold_count];
        *fold = wanted;
        step->fold_count += status == TT_OK ? 1 : 0;
    }
    if (status == TT_OK) {
        fold->window_ms = fold->window_ms == 0 ? wanted.window_ms : fold->window_ms;
        read->fold = (uint16_t)(fold - step->folds);
    }
    if (status == TT_OK && read->aggregate == TT_AGGREGATE_SURPRISE_COUNT) {
        read->count = add_value(step, read, VALUE_COUNT, FIELD_NONE, fold->bit);
    }
    return status;
}

/* How far back an event's value depends on others. A row that is looked at was judged by its own
 * baseline, and the filter remembers up to two windows. */
static int64_t reach_of(const struct tt_feature *feature)
{
    int64_t windows = feature->aggregate == TT_AGGREGATE_TAKEOVER ? 2 : 1;
    return windows * feature->window_ms + feature->delay_ms + feature->baseline_ms;
}

static enum tt_status add_read(struct tt_plan *plan, const struct plan_draft *draft, uint16_t index,
                               struct tt_error *err)
{
    const struct tt_feature *feature = draft->feature;
    struct plan_step *step = plan->steps[feature->step];
    struct plan_read read = {
        .feature = index,
        .aggregate = feature->aggregate,
        .field = draft->field_kind,
        .count = PLAN_NONE,
        .total = PLAN_NONE,
        .sum = PLAN_NONE,
        .squares = PLAN_NONE,
        .bag = PLAN_NONE,
        .frauds = PLAN_NONE,
        .look = PLAN_NONE,
        .fold = PLAN_NONE,
        .exclude_current = feature->exclude_current,
        .quantile = feature->quantile,
        .divisor = draft->divisor,
    };
    if (draft->filter != PLAN_NONE) {
        read.filter_mask = (uint16_t)(1U << draft->filter);
    }
    enum tt_status status = read_columns(step, draft, &read, err);
    status = status == TT_OK ? add_window(step, draft, &read, err) : status;
    if (status == TT_OK && feature->baseline_ms > 0) {
        status = add_fold(step, draft, &read, err);
    }
    if (status != TT_OK) {
        return status;
    }
    add_values(step, &read);
    step->has_labels |= feature->uses_labels;
    int64_t reach_ms = reach_of(feature);
    step->longest_ms = reach_ms > step->longest_ms ? reach_ms : step->longest_ms;
    if (feature->exclude_current) {
        step->before[step->before_count++] = read;
    } else {
        step->after[step->after_count++] = read;
    }
    return TT_OK;
}

/* By window; inside one by block, field and filter, so that equal ones are neighbours. Frauds, which
 * no window moves, stand behind all others. */
static uint64_t sort_key(const struct plan_value *value)
{
    uint64_t last = value->kind == VALUE_FRAUDS ? 1 : 0;
    return last << 56 | (uint64_t)value->span << 48 | (uint64_t)value->by_currency << 40 |
           (uint64_t)value->field << 32 | (uint64_t)value->word << 24 |
           (uint64_t)value->filter_mask << 8 | value->kind;
}

static void renumber(uint16_t *index, const uint16_t *places)
{
    *index = *index == PLAN_NONE ? PLAN_NONE : places[*index];
}

static void sort_values(struct plan_step *step)
{
    uint16_t order[PLAN_VALUES_MAX], places[PLAN_VALUES_MAX];
    struct plan_value sorted[PLAN_VALUES_MAX];
    for (uint16_t i = 0; i < step->value_count; i++) {
        uint16_t at = i;
        while (at > 0 && sort_key(&step->values[order[at - 1]]) > sort_key(&step->values[i])) {
            order[at] = order[at - 1];
            at--;
        }
        order[at] = i;
    }
    for (uint16_t i = 0; i < step->value_count; i++) {
        sorted[i] = step->values[order[i]];
        places[order[i]] = i;
    }
    memcpy(step->values, sorted, step->value_count * sizeof(sorted[0]));
    for (uint32_t i = 0; i < step->before_count + step->after_count; i++) {
        struct plan_read *read =
            i < step->before_count ? &step->before[i] : &step->after[i - step->before_count];
        uint16_t *indices[] = {&read->count,   &read->total, &read->sum,
                               &read->squares, &read->bag,   &read->frauds};
        for (size_t k = 0; k < TT_ARRAY_SIZE(indices); k++) {
            renumber(indices[k], places);
        }
    }
    for (uint32_t i = 0; i < step->fold_count; i++) {
        renumber(&step->folds[i].bag, places);
    }
}

static uint32_t value_size(uint8_t kind)
{
    switch (kind) {
    case VALUE_COUNT:
        return sizeof(int64_t);
    case VALUE_BAG:
        return sizeof(struct tt_bag);
    case VALUE_FRAUDS:
        return sizeof(struct tt_frauds);
    default:
        return 2 * sizeof(int64_t);
    }
}

static void assign_offsets(struct plan_step *step)
{
    for (uint16_t i = 0; i < step->value_count; i++) {
        struct plan_value *value = &step->values[i];
        struct plan_span *span = &step->spans[value->span];
        uint32_t *size = value->by_currency ? &step->money_size : &step->state_size;
        value->offset = *size;
        *size += value_size(value->kind);
        if (value->kind == VALUE_FRAUDS) {
            continue;
        }
        step->frauds_begin = i + 1U;
        span->begin = span->end == 0 ? i : span->begin;
        span->end = (uint16_t)(i + 1);
        span->has_bag |= value->kind == VALUE_BAG;
    }
    for (uint32_t i = 0; i < step->run_count; i++) {
        step->runs[i].offset = step->state_size;
        step->state_size += sizeof(struct tt_run);
    }
    step->row_words = 2 + step->column_count;
}

static bool same_source(const struct plan_group *group, const struct plan_value *value)
{
    return group->field == value->field && group->word == value->word &&
           group->by_currency == value->by_currency && group->filter_mask == value->filter_mask;
}

/* Values of a span that take the same from a row are neighbours by now. */
static void group_values(struct plan_step *step)
{
    for (uint32_t s = 0; s < step->span_count; s++) {
        struct plan_span *span = &step->spans[s];
        struct plan_group *group = NULL;
        span->group_begin = (uint16_t)step->group_count;
        for (uint32_t i = span->begin; i < span->end; i++) {
            const struct plan_value *value = &step->values[i];
            if (group == NULL || !same_source(group, value)) {
                group = &step->groups[step->group_count++];
                *group = (struct plan_group){.field = value->field,
                                             .word = value->word,
                                             .by_currency = value->by_currency,
                                             .filter_mask = value->filter_mask,
                                             .count = PLAN_GROUP_NONE,
                                             .sum = PLAN_GROUP_NONE,
                                             .squares = PLAN_GROUP_NONE,
                                             .bag = PLAN_GROUP_NONE};
            }
            uint32_t *offset = value->kind == VALUE_COUNT     ? &group->count
                               : value->kind == VALUE_SUM     ? &group->sum
                               : value->kind == VALUE_SQUARES ? &group->squares
                                                              : &group->bag;
            *offset = value->offset;
            group->item = value->kind == VALUE_BAG ? value->item : group->item;
            group->is_plain = group->bag == PLAN_GROUP_NONE && value->field != FIELD_LOG_AMOUNT;
        }
        span->group_end = (uint16_t)step->group_count;
    }
}

enum tt_status tt_plan_layout(struct tt_plan *plan, const struct plan_draft *drafts,
                              struct tt_error *err)
{
    enum tt_status status = TT_OK;
    for (uint16_t i = 0; i < plan->feature_count && status == TT_OK; i++) {
        if (plan->features[i].aggregate != TT_AGGREGATE_EXPRESSION) {
            status = add_read(plan, &drafts[i], i, err);
        }
    }
    for (uint32_t s = 0; s < plan->step_count && status == TT_OK; s++) {
        struct plan_step *step = plan->steps[s];
        sort_values(step);
        assign_offsets(step);
        tt_plan_layout_panes(step, plan->lateness_ms);
        group_values(step);
        step->base_currency = plan->rates.base;
        step->keep_ms = step->longest_ms + plan->lateness_ms;
        step->horizon_ms = plan->horizon_ms;
        plan->retention_ms =
            step->keep_ms > plan->retention_ms ? step->keep_ms : plan->retention_ms;
    }
    return status;
}
