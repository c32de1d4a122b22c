/* A plan from the document to its getters: the passes in order, and the identity of the result. */
#include "core/features/plan.h"

#include <string.h>

#include "core/features/plan_internal.h"

#define PLAN_BYTES_MAX (16U << 20)
#define PLAN_CANONICAL_BYTES_MAX (4U << 20)
/* The plan's version: raised when the same file begins to mean other numbers. */
#define PLAN_VERSION 2

static enum tt_status copy_attributes(struct tt_plan *plan, const struct tt_plan_options *options,
                                      struct tt_error *err)
{
    size_t count = options == NULL ? 0 : options->attribute_count;
    if (count > TT_ATTRIBUTES_MAX) {
        return tt_fail(err, TT_E_LIMIT, "more than %d attributes", TT_ATTRIBUTES_MAX);
    }
    plan->attribute_count = (uint32_t)count;
    if (count == 0) {
        return TT_OK;
    }
    plan->attributes = tt_arena_new_array(&plan->arena, count, sizeof(*plan->attributes));
    for (size_t i = 0; i < count && plan->attributes != NULL; i++) {
        struct tt_str name = options->attributes[i].name;
        char *bytes = tt_arena_copy(&plan->arena, name.data, name.size);
        if (bytes == NULL) {
            return tt_fail(err, TT_E_NOMEM, "no memory for the feature plan");
        }
        plan->attributes[i].name = (struct tt_str){bytes, name.size};
        plan->attributes[i].type = options->attributes[i].type;
    }
    return plan->attributes != NULL ? TT_OK
                                    : tt_fail(err, TT_E_NOMEM, "no memory for the feature plan");
}

static void describe_text(struct tt_buf *buf, struct tt_str text)
{
    tt_buf_append_format(buf, "%zu:", text.size);
    tt_buf_append_str(buf, text);
}

static void describe_feature(struct tt_plan *plan, const struct tt_feature *feature,
                             const struct plan_draft *draft, struct tt_buf *buf)
{
    struct tt_str filter = {0}, expression = {0};
    enum tt_status status = TT_OK;
    if (feature->filter.data != NULL) {
        status = tt_plan_canonical(&plan->arena, feature->filter, &filter);
    }
    if (feature->expression.data != NULL && status == TT_OK) {
        status = tt_plan_canonical(&plan->arena, feature->expression, &expression);
    }
    if (status != TT_OK && buf->status == TT_OK) {
        buf->status = status;
    }
    uint64_t bits[3] = {0};
    double divisor = draft->divisor, fallback = feature->default_value;
    memcpy(&bits[0], &feature->quantile, 8);
    memcpy(&bits[1], &divisor, 8);
    memcpy(&bits[2], &fallback, 8);
    tt_buf_append_text(buf, "feature ");
    describe_text(buf, feature->name);
    describe_text(buf, feature->entity);
    describe_text(buf, feature->field);
    describe_text(buf, filter);
    describe_text(buf, expression);
    if (feature->known_time) {
        tt_buf_append_text(buf, " known");
    }
    if (feature->baseline_ms > 0) {
        tt_buf_append_format(buf, " baseline %lld", (long long)feature->baseline_ms);
    }
    tt_buf_append_format(buf, " %s %lld %lld %d %d %016llx %016llx %016llx\n",
                         tt_aggregate_name(feature->aggregate), (long long)feature->window_ms,
                         (long long)feature->delay_ms, feature->exclude_current,
                         feature->has_default, (unsigned long long)bits[0],
                         (unsigned long long)bits[1], (unsigned long long)bits[2]);
}

/* Whether any feature asks what is presumed. */
static bool needs_horizon(const struct tt_plan *plan)
{
    bool needs = false;
    for (uint32_t i = 0; i < plan->feature_count; i++) {
        uint8_t aggregate = plan->features[i].aggregate;
        needs |= aggregate == TT_AGGREGATE_FRAUD_RUN_LENGTH ||
                 aggregate == TT_AGGREGATE_FRAUD_RUN_AGE ||
                 aggregate == TT_AGGREGATE_SINCE_LAST_GENUINE;
    }
    return needs;
}

/* Signs and rates where there are any: rules read amount_base too, so a table counts whether or not
 * a feature does. */
static void describe_money(const struct tt_plan *plan, struct tt_buf *buf)
{
    for (uint8_t type = TT_TXN_PURCHASE; type <= TT_TXN_REVERSAL; type++) {
        if (plan->amount_sign[type] < 0) {
            tt_buf_append_format(buf, "negative %s\n", tt_txn_type_name(type));
        }
    }
    if (plan->rates.base == 0) {
        return;
    }
    tt_buf_append_format(buf, "base %s\n", tt_currency_code(plan->rates.base));
    for (tt_currency currency = 1; currency <= tt_currency_count(); currency++) {
        if (plan->rates.rates[currency] != 0) {
            tt_buf_append_format(buf, "rate %s %lld\n", tt_currency_code(currency),
                                 (long long)plan->rates.rates[currency]);
        }
    }
}

/* The identity is the hash of a text with everything that changes a number, and nothing else. */
static enum tt_status identify(struct tt_plan *plan, const struct plan_draft *drafts,
                               struct tt_error *err)
{
    static const struct tt_hash_key KEY = {UINT64_C(0x74656c6c74616c65),
                                           UINT64_C(0x66656174757265)};
    struct tt_buf buf;
    tt_buf_init(&buf, plan->alloc, PLAN_CANONICAL_BYTES_MAX);
    tt_buf_append_format(&buf, "plan %d %lld\n", PLAN_VERSION, (long long)plan->lateness_ms);
    if (needs_horizon(plan)) {
        tt_buf_append_format(&buf, "horizon %lld\n", (long long)plan->horizon_ms);
    }
    size_t money = buf.size;
    describe_money(plan, &buf);
    if (buf.status == TT_OK) {
        plan->money = tt_hash128(&KEY, buf.data + money, buf.size - money);
    }
    for (uint32_t i = 0; i < plan->step_count; i++) {
        describe_text(&buf, plan->steps[i]->name);
        tt_buf_append_format(&buf, " %s %u\n", tt_txn_text_name(plan->steps[i]->key),
                             plan->steps[i]->events_max);
    }
    for (uint32_t i = 0; i < plan->feature_count; i++) {
        describe_feature(plan, &plan->features[i], &drafts[i], &buf);
    }
    enum tt_status status = buf.status;
    if (status == TT_OK) {
        plan->hash = tt_hash128(&KEY, buf.data, buf.size);
    }
    tt_buf_deinit(&buf);
    return status == TT_OK ? TT_OK : tt_fail(err, status, "no memory for the feature plan");
}

/* Steps no feature needs are left out, so that no hop is made for them; step 0 stays. */
static void drop_idle_steps(struct tt_plan *plan)
{
    uint8_t places[TT_STEPS_MAX] = {0};
    uint32_t count = 0;
    for (uint32_t s = 0; s < plan->step_count; s++) {
        bool used = s == 0;
        for (uint32_t i = 0; i < plan->feature_count; i++) {
            used |= plan->features[i].entity.data != NULL && plan->features[i].step == s;
        }
        if (used) {
            places[s] = (uint8_t)count;
            plan->steps[count++] = plan->steps[s];
        }
    }
    plan->step_count = count;
    for (uint32_t i = 0; i < plan->feature_count; i++) {
        plan->features[i].step = places[plan->features[i].step];
    }
}

/* The same of one step: everything that its states are made by. What filters read of features may come from
 * anywhere in the plan. */
static enum tt_status identify_step(struct tt_plan *plan, const struct plan_draft *drafts,
                                    uint32_t index, struct tt_error *err)
{
    static const struct tt_hash_key KEY = {UINT64_C(0x74656c6c74616c65), UINT64_C(0x73746570)};
    struct plan_step *step = plan->steps[index];
    struct tt_buf buf;
    tt_buf_init(&buf, plan->alloc, PLAN_CANONICAL_BYTES_MAX);
    tt_buf_append_format(&buf, "step %d %lld %lld %s %u\n", PLAN_VERSION,
                         (long long)plan->lateness_ms, (long long)plan->horizon_ms,
                         tt_txn_text_name(step->key), step->events_max);
    describe_money(plan, &buf);
    if (step->filter_input_count > 0) {
        char hash[33];
        tt_hash128_hex(plan->hash, hash);
        tt_buf_append_format(&buf, "%s\n", hash);
    }
    for (uint32_t i = 0; i < plan->feature_count; i++) {
        if (plan->features[i].step == index && plan->features[i].expression.data == NULL) {
            describe_feature(plan, &plan->features[i], &drafts[i], &buf);
        }
    }
    enum tt_status status = buf.status;
    if (status == TT_OK) {
        step->identity = tt_hash128(&KEY, buf.data, buf.size);
    }
    tt_buf_deinit(&buf);
    return status == TT_OK ? TT_OK : tt_fail(err, status, "no memory for the feature plan");
}

enum tt_status tt_plan_compile(const struct tt_alloc *alloc, const struct tt_tree *root,
                               const struct tt_plan_options *options, struct tt_plan **ret,
                               struct tt_error *err)
{
    struct tt_plan *plan = tt_new_array(alloc, 1, sizeof(*plan));
    struct plan_draft *drafts = NULL;
    if (plan == NULL) {
        return tt_fail(err, TT_E_NOMEM, "no memory for the feature plan");
    }
    plan->alloc = alloc;
    if (options != NULL && options->rates != NULL) {
        plan->rates = *options->rates;
    }
    tt_arena_init(&plan->arena, alloc, 64U << 10, PLAN_BYTES_MAX);
    enum tt_status status = copy_attributes(plan, options, err);
    status = status == TT_OK ? tt_plan_declare(plan, root, &drafts, err) : status;
    if (status == TT_OK) {
        drop_idle_steps(plan);
        status = tt_plan_express(plan, drafts, err);
    }
    status = status == TT_OK ? tt_plan_layout(plan, drafts, err) : status;
    status = status == TT_OK ? identify(plan, drafts, err) : status;
    for (uint32_t i = 0; i < plan->step_count && status == TT_OK; i++) {
        status = identify_step(plan, drafts, i, err);
    }
    if (status != TT_OK) {
        tt_plan_free(plan);
        return status;
    }
    *ret = plan;
    return TT_OK;
}

void tt_plan_free(struct tt_plan *plan)
{
    if (plan == NULL) {
        return;
    }
    for (uint32_t i = 0; i < plan->expr_count; i++) {
        tt_expr_free(plan->exprs[i]);
    }
    tt_names_free(plan->names);
    tt_arena_deinit(&plan->arena);
    tt_delete(plan->alloc, plan, sizeof(*plan));
}

struct tt_hash128 tt_plan_hash(const struct tt_plan *plan)
{
    return plan->hash;
}

uint32_t tt_plan_feature_count(const struct tt_plan *plan)
{
    return plan->feature_count;
}

const struct tt_feature *tt_plan_feature(const struct tt_plan *plan, uint32_t index)
{
    TT_ASSERT(index < plan->feature_count);
    return &plan->features[index];
}

uint32_t tt_plan_find(const struct tt_plan *plan, struct tt_str name)
{
    for (uint32_t i = 0; i < plan->feature_count; i++) {
        if (tt_str_equal(plan->features[i].name, name)) {
            return i;
        }
    }
    return UINT32_MAX;
}

uint32_t tt_plan_step_count(const struct tt_plan *plan)
{
    return plan->step_count;
}

const char *tt_plan_step_name(const struct tt_plan *plan, uint32_t step)
{
    TT_ASSERT(step < plan->step_count);
    return plan->steps[step]->name.data;
}

enum tt_txn_text tt_plan_step_key(const struct tt_plan *plan, uint32_t step)
{
    TT_ASSERT(step < plan->step_count);
    return plan->steps[step]->key;
}

int64_t tt_plan_step_retention_ms(const struct tt_plan *plan, uint32_t step)
{
    TT_ASSERT(step < plan->step_count);
    return plan->steps[step]->keep_ms;
}

bool tt_plan_filters_read_features(const struct tt_plan *plan)
{
    return plan->filters_read_features;
}

int64_t tt_plan_retention_ms(const struct tt_plan *plan)
{
    return plan->retention_ms;
}

int64_t tt_plan_label_horizon_ms(const struct tt_plan *plan)
{
    return plan->horizon_ms;
}

int64_t tt_plan_lateness_ms(const struct tt_plan *plan)
{
    return plan->lateness_ms;
}
