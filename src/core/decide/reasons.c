/*
 * Evidence split to reasons; see reasons.h and decide.h.
 *
 * The fused sum is additive in the detectors' terms, so a detector's part of the logit is its part
 * of that sum; a detector splits its part to features by its own explanation. The same feature from
 * several detectors becomes one reason, told by the one that weighs most.
 *
 * How much the main reasons weigh together is not assumed but tried: their features are set to what
 * was expected of them, the detectors run once more, and the fall of the logit is what they share;
 * reasons are added until little is left. So a single cause weighs exactly what the score loses without it, and
 * `other` is what would be said of the payment then, mostly negative. Causes that would each do alone
 * share their fall by their parts: taking only one of them away would lower the score by less.
 */
#include "core/decide/reasons.h"

#include "base/math.h"
#include "core/decide/words.h"
#include "core/detect/detector.h"
#include "core/detect/logistic.h"
#include "core/event/names.h"
#include "core/rules/rules.h"

#define CANDIDATES_MAX                                                                             \
    (2 * TT_EXPLAINED_MAX * TT_DETECTORS_MAX + TT_RULE_HITS_MAX + TT_LEARNED_INPUTS_MAX)
#define TAUGHT_MIN 0.1 /* log-odds over the usual, below which nothing in particular was taught */
#define CAUSES_MAX (TT_REASONS_MAX - 1)
#define REST_SHARE 0.25 /* of the evidence: with less left, the causes are found */
#define HIGHEST 1e300
#define SHARE_MIN 0.01 /* of the evidence; less is told as `other` */
#define MESSAGE_SIZE_MAX 1024
#define SLOTS_MAX (TT_FEATURES_MAX + TT_ATTRIBUTES_MAX + TT_TEXT_COUNT + 16)

/* A reason in the making. */
struct candidate {
    struct tt_explained explained;
    double contribution; /* of all detectors that named the feature */
    double told;         /* of the one whose numbers are told */
    double lowest;       /* of the amounts: the least that any detector would fire at */
    uint8_t detector;
    uint16_t rule; /* UINT16_MAX: a feature's */
};

struct candidates {
    uint32_t count;
    struct candidate items[CANDIDATES_MAX];
    /* Every value that an explanation compared, the weightiest comparison of each feature. */
    uint32_t value_count;
    struct {
        uint16_t feature;
        double expected, weight;
    } values[TT_FEATURES_MAX];
};

/* People see amounts, not their logarithms. */
static double shown(const struct tt_explained *explained, double value)
{
    return explained->scale == TT_SCALE_LOG ? tt_exp(value) : value;
}

/* What an amount would have to stay below for this comparison; HIGHEST for anything else. */
static double lowest_amount(const struct tt_setup *setup, const struct tt_explained *explained)
{
    double threshold = shown(explained, explained->threshold);
    bool amount = setup->words[explained->feature].unit == TT_UNIT_AMOUNT &&
                  explained->threshold > explained->expected;
    return amount && threshold < HIGHEST ? threshold : HIGHEST;
}

static void add_value(struct candidates *list, const struct tt_explained *explained,
                      double contribution)
{
    uint32_t i = 0;
    while (i < list->value_count && list->values[i].feature != explained->feature) {
        i++;
    }
    if (i == list->value_count) {
        list->values[list->value_count++].feature = explained->feature;
    } else if (contribution <= list->values[i].weight) {
        return;
    }
    list->values[i].expected = explained->expected;
    list->values[i].weight = contribution;
}

static void add_feature(struct candidates *list, const struct tt_setup *setup, uint8_t detector,
                        const struct tt_explained *explained, double contribution)
{
    uint16_t topic = setup->words[explained->feature].same_as;
    for (uint32_t i = 0; i < list->count; i++) {
        struct candidate *known = &list->items[i];
        if (known->rule != UINT16_MAX || setup->words[known->explained.feature].same_as != topic) {
            continue;
        }
        known->contribution += contribution;
        double lowest = lowest_amount(setup, explained);
        known->lowest = known->lowest > lowest ? lowest : known->lowest;
        if (contribution > known->told) {
            known->told = contribution;
            known->detector = detector;
            known->explained = *explained;
        }
        return;
    }
    list->items[list->count++] = (struct candidate){
        .explained = *explained,
        .contribution = contribution,
        .told = contribution,
        .lowest = lowest_amount(setup, explained),
        .detector = detector,
        .rule = UINT16_MAX,
    };
}

static void add_rules(struct candidates *list, const struct tt_setup *setup,
                      const struct tt_event *event, double evidence)
{
    uint32_t count =
        event->rule_hits.count < TT_RULE_HITS_MAX ? event->rule_hits.count : TT_RULE_HITS_MAX;
    for (uint32_t i = 0; i < count; i++) {
        list->items[list->count++] = (struct candidate){
            .explained = {.feature = UINT16_MAX},
            .contribution = evidence / count,
            .detector = (uint8_t)setup->rules_slot,
            .rule = event->rule_hits.rules[i],
        };
    }
}

static void add_detector(struct candidates *list, const struct tt_setup *setup,
                         const struct tt_bundle *bundle, uint32_t slot,
                         const struct tt_event *event, double evidence)
{
    const struct tt_detector *detector = &setup->detectors[slot];
    struct tt_scoring scoring = {setup, detector, bundle->models[slot], slot, NULL};
    struct tt_explanation explanation;
    explanation.count = 0;
    double threshold = tt_calibration_score_at(bundle->calibrations[slot], detector->threshold);
    if (scoring.model == NULL) {
        return;
    }
    detector->ops->explain(&scoring, event, threshold, &explanation);
    for (uint32_t i = 0; i < explanation.count; i++) {
        double contribution = evidence * explanation.items[i].share;
        add_value(list, &explanation.items[i], contribution);
        add_feature(list, setup, (uint8_t)slot, &explanation.items[i], contribution);
    }
}

/* How the numbers of a feature are shown is said where it is judged. */
static uint8_t scale_of(const struct tt_setup *setup, uint16_t feature)
{
    for (uint32_t i = 0; i < setup->detector_count; i++) {
        for (uint32_t k = 0; k < setup->detectors[i].judged_count; k++) {
            if (setup->detectors[i].judged[k].feature == feature) {
                return setup->detectors[i].judged[k].scale;
            }
        }
    }
    return TT_SCALE_LINEAR;
}

/* What labels taught, split by how far each input moved the log-odds off their usual; a detector's
 * p-value that did so hands its part on to what the detector saw. */
static void add_taught(struct candidates *list, const struct tt_setup *setup,
                       const struct tt_bundle *bundle, const struct tt_event *event,
                       double evidence)
{
    float inputs[TT_LEARNED_INPUTS_MAX];
    double moved[TT_LEARNED_INPUTS_MAX];
    tt_learned_inputs(setup, event, inputs);
    double total = tt_logistic_contributions(bundle->taught, inputs, moved);
    for (uint32_t i = 0; i < setup->learned.input_count && total > TAUGHT_MIN; i++) {
        double part = evidence * moved[i] / total;
        uint16_t input = setup->learned.inputs[i];
        if (input >= TT_FEATURES_MAX) {
            add_detector(list, setup, bundle, input - TT_FEATURES_MAX, event, part);
            continue;
        }
        double nothing = __builtin_nan("");
        struct tt_explained explained = {
            .feature = input,
            .scale = scale_of(setup, input),
            .observed = nothing,
            .expected = nothing,
            .threshold = nothing,
        };
        (void)tt_vector_get(&event->vector, input, &explained.observed);
        add_feature(list, setup, TT_REASON_TAUGHT, &explained, part);
    }
}

/* Greatest contribution first; rules before features, then by number, so that the order is fixed */
static bool comes_before(const struct candidate *a, const struct candidate *b)
{
    if (a->contribution > b->contribution || a->contribution < b->contribution) {
        return a->contribution > b->contribution;
    }
    if (a->rule != b->rule) {
        return a->rule < b->rule;
    }
    return a->explained.feature < b->explained.feature;
}

static void sort(struct candidates *list)
{
    for (uint32_t i = 1; i < list->count; i++) {
        struct candidate item = list->items[i];
        uint32_t k = i;
        for (; k > 0 && comes_before(&item, &list->items[k - 1]); k--) {
            list->items[k] = list->items[k - 1];
        }
        list->items[k] = item;
    }
}

/* Sets what the first `count` reasons are about to what was expected of it. */
static void take_away(const struct candidates *list, uint32_t count, const struct tt_setup *setup,
                      struct tt_event *event)
{
    for (uint32_t i = 0; i < count; i++) {
        const struct candidate *item = &list->items[i];
        if (item->rule != UINT16_MAX) {
            event->detections[setup->rules_slot].present = false;
            continue;
        }
        for (uint32_t k = 0; k < list->value_count; k++) {
            uint16_t feature = list->values[k].feature;
            double expected = list->values[k].expected;
            if (setup->words[feature].same_as != setup->words[item->explained.feature].same_as) {
                continue;
            }
            if (expected >= 0.0 || expected < 0.0) {
                tt_vector_set(&event->vector, feature, expected);
            } else {
                tt_vector_set_missing(&event->vector, feature);
            }
        }
    }
}

static double logit_of(double p_value)
{
    return tt_log((1.0 - p_value) / p_value);
}

/* The evidence without the first `count` reasons. */
static double evidence_without(const struct candidates *list, uint32_t count,
                               const struct tt_setup *setup, const struct tt_bundle *bundle,
                               const struct tt_event *event)
{
    /* Rows are written before they are read, and the rules, which take the slots, are not run. */
    struct tt_detect_scratch scratch;
    scratch.alloc = NULL;
    scratch.slot_count = 0;
    scratch.slots = NULL;
    scratch.expr = NULL;
    struct tt_event copy = *event; /* its text is not touched */
    struct tt_event *one = &copy;
    take_away(list, count, setup, &copy);
    for (uint32_t i = 0; i < setup->detector_count; i++) {
        if (i != setup->rules_slot) {
            tt_detect_run(setup, bundle, i, &one, 1, &scratch);
        }
    }
    struct tt_blend blend;
    return logit_of(tt_decide_p(setup, bundle, &copy, NULL, &blend));
}

/* Weighs the fewest reasons without which little evidence is left by what the score loses without
 * them. Returns how many those are. */
static uint32_t weigh_causes(struct candidates *list, const struct tt_setup *setup,
                             const struct tt_bundle *bundle, const struct tt_event *event,
                             double evidence)
{
    uint32_t count = 0;
    double sum = 0.0;
    double rest = evidence;
    while (count < list->count && count < CAUSES_MAX && rest > REST_SHARE * evidence &&
           list->items[count].contribution > 0.0) {
        sum += list->items[count++].contribution;
        rest = evidence_without(list, count, setup, bundle, event);
    }
    for (uint32_t i = 0; i < count && rest < evidence; i++) {
        list->items[i].contribution *= (evidence - rest) / sum;
    }
    return count;
}

static enum tt_status keep_text(struct tt_event *event, const struct tt_buf *buf,
                                struct tt_reason *reason)
{
    if (buf->status != TT_OK) {
        return buf->status;
    }
    char *copy = tt_arena_copy(&event->text, buf->data, buf->size);
    if (copy == NULL) {
        return TT_E_NOMEM;
    }
    reason->message = (struct tt_str){copy, buf->size};
    return TT_OK;
}

static void write_rule(const struct tt_setup *setup, const struct tt_event *event, uint16_t rule,
                       struct tt_buf *buf)
{
    struct tt_value slots[SLOTS_MAX];
    TT_ASSERT(tt_names_slot_count(setup->names) <= SLOTS_MAX);
    tt_names_fill_txn(setup->names, &event->txn, slots);
    tt_names_fill_vector(setup->names, &event->vector, slots);
    /* A failure stays in buf->status, which keep_text looks at. */
    if (tt_rules_message(setup->rules, rule, slots, buf) == TT_OK &&
        tt_buf_append_text(buf, " (") == TT_OK &&
        tt_rules_evidence(setup->rules, rule, slots, buf) == TT_OK) {
        (void)tt_buf_append_text(buf, ")");
    }
}

/* Whether a reason is about this payment's own amount, so that another amount can be imagined. */
static bool is_own_amount(const struct tt_setup *setup, const struct tt_explained *explained,
                          const struct tt_event *event)
{
    double amount = tt_txn_amount(&event->txn);
    double off = shown(explained, explained->observed) - amount;
    return setup->words[explained->feature].unit == TT_UNIT_AMOUNT && off <= 1e-6 * amount &&
           off >= -1e-6 * amount;
}

/* sole: nothing else is needed to explain the payment. */
static enum tt_status fill_reason(const struct tt_setup *setup, const struct candidate *item,
                                  bool sole, struct tt_event *event, struct tt_reason *ret)
{
    const struct tt_explained *explained = &item->explained;
    double nothing = __builtin_nan("");
    bool rule = item->rule != UINT16_MAX;
    *ret = (struct tt_reason){
        .detector = item->detector,
        .feature = explained->feature,
        .observed = rule ? nothing : shown(explained, explained->observed),
        .expected = rule ? nothing : shown(explained, explained->expected),
        .threshold = rule                     ? nothing
                     : item->lowest < HIGHEST ? item->lowest
                                              : shown(explained, explained->threshold),
        .contribution = item->contribution,
        .baseline = rule                                                       ? TT_BASELINE_NONE
                    : tt_sentence_is_own(explained->against, explained->count) ? TT_BASELINE_OWN
                                                                               : TT_BASELINE_PEERS,
        .history = rule || explained->against != TT_AGAINST_OWN ? nothing : explained->count,
    };
    struct tt_alloc alloc = tt_arena_alloc(&event->text);
    struct tt_buf buf;
    tt_buf_init(&buf, &alloc, MESSAGE_SIZE_MAX);
    if (rule) {
        write_rule(setup, event, item->rule, &buf);
    } else {
        struct tt_sentence sentence = {
            .setup = setup,
            .feature = explained->feature,
            .against = explained->against,
            .own_count = explained->count,
            .observed = ret->observed,
            .expected = ret->expected,
            .threshold = is_own_amount(setup, explained, event) ? ret->threshold : nothing,
            .sole = sole,
            .currency = event->txn.currency,
            .taught = item->detector != TT_REASON_TAUGHT ? 0
                      : item->contribution < 0.0         ? -1
                                                         : 1,
        };
        tt_sentence_write(&sentence, &buf);
    }
    enum tt_status status = keep_text(event, &buf, ret);
    tt_buf_deinit(&buf);
    return status;
}

static void fill_other(double rest, struct tt_decision *decision)
{
    double nothing = __builtin_nan("");
    decision->reasons[decision->reason_count++] = (struct tt_reason){
        .detector = TT_REASON_OTHER,
        .feature = UINT16_MAX,
        .observed = nothing,
        .expected = nothing,
        .threshold = nothing,
        .contribution = rest,
        .history = nothing,
        .message = rest < 0.0 ? TT_STR("everything else about it is ordinary")
                              : TT_STR("everything else about it"),
    };
}

/* The final evidence in the proportions of the blend. Where both kinds cancel there is nothing to
 * divide by, and all of it is `other`. */
static void divide(const struct tt_blend *blend, double evidence, double *ret_taught,
                   double *ret_untaught)
{
    *ret_taught = 0.0;
    *ret_untaught = evidence;
    if (!blend->learned) {
        return;
    }
    double size = blend->evidence < 0.0 ? -blend->evidence : blend->evidence;
    double share = size > 0.01 ? blend->weight * blend->taught / blend->evidence : 0.0;
    *ret_taught = evidence * share;
    *ret_untaught = size > 0.01 ? evidence - *ret_taught : 0.0;
}

enum tt_status tt_reasons_fill(const struct tt_setup *setup, const struct tt_bundle *bundle,
                               const double terms[TT_DETECTORS_MAX], struct tt_event *event)
{
    struct tt_decision *decision = &event->decision;
    double evidence = logit_of(decision->p_value);
    double taught = 0.0, untaught = evidence;
    divide(&event->blend, evidence, &taught, &untaught);
    double total = 0.0;
    struct candidates list; /* items and values are written before they are counted */
    list.count = list.value_count = 0;
    for (uint32_t i = 0; i < setup->detector_count; i++) {
        total += terms[i];
    }
    for (uint32_t i = 0; i < setup->detector_count && total > 0.0; i++) {
        double part = untaught * terms[i] / total;
        if (i == setup->rules_slot) {
            add_rules(&list, setup, event, part);
        } else if (terms[i] > 0.0) {
            add_detector(&list, setup, bundle, i, event, part);
        }
    }
    if (event->blend.learned) {
        add_taught(&list, setup, bundle, event, taught);
    }
    sort(&list);
    uint32_t causes = evidence > 0.0 && !event->blend.learned
                          ? weigh_causes(&list, setup, bundle, event, evidence)
                          : 0;
    double size = evidence < 0.0 ? -evidence : evidence;
    double rest = evidence;
    enum tt_status status = TT_OK;
    decision->reason_count = 0;
    for (uint32_t i = 0; i < list.count && decision->reason_count < TT_REASONS_MAX - 1; i++) {
        const struct candidate *item = &list.items[i];
        double part = item->contribution < 0.0 ? -item->contribution : item->contribution;
        if (part < SHARE_MIN * size && item->rule == UINT16_MAX) {
            continue;
        }
        enum tt_status filled = fill_reason(setup, item, causes == 1 && i == 0, event,
                                            &decision->reasons[decision->reason_count++]);
        status = status == TT_OK ? filled : status;
        rest -= item->contribution;
    }
    if (rest > 1e-12 || rest < -1e-12) {
        fill_other(rest, decision);
    }
    return status;
}
