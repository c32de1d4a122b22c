/*
 * rules: the rule engine's hits as one more detection.
 *
 * The score is the highest severity that fired, 0 to 4. Until labels give rules a weight, a hit is
 * as unusual as it is rare: its p-value is the share of transactions with a hit of that severity
 * or higher, shrunk towards the p-value that stands for the severity. Where no rule fired, the
 * detector says nothing for or against.
 */
#include <string.h>

#include "core/detect/detector.h"
#include "core/rules/rules.h"

#define PRIOR_COUNT 200.0
#define SEVERITIES (TT_SEVERITY_CRITICAL + 1)

struct rules_model {
    double total;
    double hits[SEVERITIES]; /* with that severity or a higher one */
};

struct rules_learner {
    uint32_t slot;
    uint64_t total;            /* in 1/TT_HISTOGRAM_ONE */
    uint64_t hits[SEVERITIES]; /* with exactly that severity */
};

void tt_rules_judge(const struct tt_setup *setup, const void *model_void, struct tt_event *event)
{
    static const struct rules_model nothing = {0};
    const struct rules_model *model = model_void != NULL ? model_void : &nothing;
    struct tt_rule_outcome outcome = {0};
    tt_rules_outcome(setup->rules, &event->rule_hits, &outcome);
    uint8_t severity = outcome.severity < SEVERITIES ? outcome.severity : TT_SEVERITY_CRITICAL;
    double expected = severity == TT_SEVERITY_NONE ? 1.0 : setup->severity_p[severity];
    double seen = severity == TT_SEVERITY_NONE ? model->total : model->hits[severity];
    struct tt_detection *detection = &event->detections[setup->rules_slot];
    *detection = (struct tt_detection){
        .score = severity,
        .p_value = (seen + PRIOR_COUNT * expected) / (model->total + PRIOR_COUNT + 1.0),
        .feature = UINT16_MAX,
        .present = true,
        .fired = event->rule_hits.count > 0,
    };
}

static double rules_prior(const void *ctx, double score)
{
    (void)ctx;
    return score > 0.0 ? 0.01 : 1.0;
}

static enum tt_status rules_parse(const struct tt_setup *setup, struct tt_detector *detector,
                                  const struct tt_tree *tree, struct tt_error *err)
{
    (void)setup;
    (void)detector;
    (void)tree;
    (void)err;
    return TT_OK;
}

static enum tt_status rules_initial(const struct tt_alloc *alloc,
                                    const struct tt_detector *detector, void **ret_model,
                                    struct tt_error *err)
{
    (void)detector;
    *ret_model = tt_new_array(alloc, 1, sizeof(struct rules_model));
    return *ret_model != NULL ? TT_OK : tt_fail(err, TT_E_NOMEM, "out of memory for a model");
}

/* tt_detect_rules fills the slot: there is nothing to score from a vector alone. */
static void rules_score(const struct tt_scoring *scoring, struct tt_event *const *events, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        tt_rules_judge(scoring->setup, scoring->model, events[i]);
    }
}

/* Reasons of rules are made from the hits (core/decide), not from features. */
static void rules_explain(const struct tt_scoring *scoring, const struct tt_event *event,
                          double threshold_score, struct tt_explanation *ret)
{
    (void)scoring;
    (void)event;
    (void)threshold_score;
    ret->count = 0;
}

static void rules_encode(const struct tt_detector *detector, const void *model_void,
                         struct tt_buf *buf)
{
    const struct rules_model *model = model_void;
    (void)detector;
    tt_wire_put_double(buf, model->total);
    for (uint32_t i = 0; i < SEVERITIES; i++) {
        tt_wire_put_double(buf, model->hits[i]);
    }
}

static enum tt_status rules_decode(const struct tt_alloc *alloc, const struct tt_detector *detector,
                                   struct tt_wire *wire, void **ret_model, struct tt_error *err)
{
    (void)detector;
    struct rules_model model;
    model.total = tt_wire_double(wire);
    wire->bad |= !(model.total >= 0.0 && model.total < 1e300);
    for (uint32_t i = 0; i < SEVERITIES; i++) {
        model.hits[i] = tt_wire_double(wire);
        wire->bad |= !(model.hits[i] >= 0.0 && model.hits[i] <= model.total);
    }
    if (wire->bad) {
        return tt_fail(err, TT_E_CORRUPT, "damaged hit counts of rules");
    }
    struct rules_model *copy = tt_new(alloc, sizeof *copy);
    if (copy == NULL) {
        return tt_fail(err, TT_E_NOMEM, "out of memory for a model");
    }
    *copy = model;
    *ret_model = copy;
    return TT_OK;
}

static void rules_model_free(const struct tt_alloc *alloc, void *model)
{
    tt_delete(alloc, model, sizeof(struct rules_model));
}

static enum tt_status rules_learner_new(const struct tt_alloc *alloc,
                                        const struct tt_learner_options *options,
                                        void **ret_learner, struct tt_error *err)
{
    struct rules_learner *learner = tt_new_array(alloc, 1, sizeof *learner);
    if (learner == NULL) {
        return tt_fail(err, TT_E_NOMEM, "out of memory for a learner");
    }
    learner->slot = options->slot;
    *ret_learner = learner;
    return TT_OK;
}

static void rules_learner_free(const struct tt_alloc *alloc, void *learner)
{
    tt_delete(alloc, learner, sizeof(struct rules_learner));
}

static uint32_t severity_of(const struct rules_learner *learner, const struct tt_event *event)
{
    double score = event->detections[learner->slot].score;
    return score >= TT_SEVERITY_CRITICAL ? TT_SEVERITY_CRITICAL
           : score >= 0.0                ? (uint32_t)score
                                         : 0;
}

static void rules_absorb(void *learner_void, const struct tt_event *event)
{
    struct rules_learner *learner = learner_void;
    if (event->detections[learner->slot].present) {
        learner->hits[severity_of(learner, event)] += TT_HISTOGRAM_ONE;
        learner->total += TT_HISTOGRAM_ONE;
    }
}

static enum tt_status rules_train(const void *learner_void, const struct tt_alloc *alloc,
                                  void **ret_model, struct tt_error *err)
{
    const struct rules_learner *learner = learner_void;
    struct rules_model *model = tt_new(alloc, sizeof *model);
    if (model == NULL) {
        return tt_fail(err, TT_E_NOMEM, "out of memory for a model");
    }
    uint64_t above = 0;
    for (uint32_t i = SEVERITIES; i-- > 0;) {
        above += learner->hits[i];
        model->hits[i] = (double)above / (double)TT_HISTOGRAM_ONE;
    }
    model->total = model->hits[0];
    *ret_model = model;
    return TT_OK;
}

static void rules_advance(void *learner_void, const void *model, uint64_t factor)
{
    struct rules_learner *learner = learner_void;
    (void)model;
    learner->total = 0;
    for (uint32_t i = 0; i < SEVERITIES; i++) {
        learner->hits[i] = tt_decay(learner->hits[i], factor);
        learner->total += learner->hits[i];
    }
}

static void rules_save(const void *learner_void, struct tt_buf *buf)
{
    const struct rules_learner *learner = learner_void;
    for (uint32_t i = 0; i < SEVERITIES; i++) {
        tt_wire_put_u64(buf, learner->hits[i]);
    }
}

static void rules_load(void *learner_void, struct tt_wire *wire)
{
    struct rules_learner *learner = learner_void;
    for (uint32_t i = 0; i < SEVERITIES; i++) {
        learner->hits[i] = tt_wire_u64(wire);
        wire->bad |= learner->hits[i] > UINT64_C(1) << 58;
        learner->total += learner->hits[i];
    }
}

const struct tt_detector_ops tt_detector_rules = {
    .name = "rules",
    .axis = {0.0, 16.0},
    .prior = rules_prior,
    .parse = rules_parse,
    .initial = rules_initial,
    .score = rules_score,
    .explain = rules_explain,
    .encode = rules_encode,
    .decode = rules_decode,
    .model_free = rules_model_free,
    .learner_new = rules_learner_new,
    .learner_free = rules_learner_free,
    .absorb = rules_absorb,
    .train = rules_train,
    .advance = rules_advance,
    .save = rules_save,
    .load = rules_load,
};
