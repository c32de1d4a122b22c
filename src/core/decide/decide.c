/*
 * The decision; see decide.h. What is ordinary costs a logarithm, an exponential and a look-up;
 * only an anomaly is explained.
 */
#include "core/decide/decide.h"

#include "core/decide/reasons.h"
#include "core/detect/blend.h"
#include "core/detect/detector.h"
#include "core/rules/rules.h"

static uint8_t severity_of(const struct tt_setup *setup, double p_value)
{
    uint8_t severity = TT_SEVERITY_NONE;
    while (severity < TT_SEVERITY_CRITICAL && p_value <= setup->severity_p[severity + 1]) {
        severity++;
    }
    return severity;
}

/* Detectors that are on and count, and gave no answer. */
static uint32_t missing(const struct tt_setup *setup, const struct tt_event *event)
{
    uint32_t bits = 0;
    for (uint32_t i = 0; i < setup->detector_count; i++) {
        bool wanted = setup->detectors[i].enabled && setup->detectors[i].weight > 0.0 &&
                      (i != setup->rules_slot || setup->rules != NULL);
        if (wanted && !event->detections[i].present) {
            bits |= UINT32_C(1) << i;
        }
    }
    return bits;
}

double tt_decide_p(const struct tt_setup *setup, const struct tt_bundle *bundle,
                   const struct tt_event *event, double ret_terms[TT_DETECTORS_MAX],
                   struct tt_blend *ret_blend)
{
    return tt_blend(setup, bundle, event, tt_fuse(setup, event, ret_terms), ret_blend);
}

enum tt_status tt_decide(const struct tt_setup *setup, const struct tt_bundle *bundle,
                         struct tt_event *event)
{
    TT_ASSERT(bundle->setup == setup);
    double terms[TT_DETECTORS_MAX];
    struct tt_decision *decision = &event->decision;
    double p_value = tt_decide_p(setup, bundle, event, terms, &event->blend);
    uint8_t severity = severity_of(setup, p_value);
    uint8_t verdict = TT_ALLOW;
    if (event->rule_hits.count > 0 && setup->rules != NULL) {
        struct tt_rule_outcome outcome;
        tt_rules_outcome(setup->rules, &event->rule_hits, &outcome);
        severity = outcome.severity > severity ? outcome.severity : severity;
        verdict = outcome.verdict > verdict ? outcome.verdict : verdict;
    }
    uint8_t policy = setup->policy[severity];
    decision->p_value = p_value;
    decision->score = 1.0 - p_value;
    decision->severity = severity;
    decision->verdict = policy > verdict ? policy : verdict;
    decision->anomalous = severity != TT_SEVERITY_NONE;
    decision->alerted = false;
    decision->alert = TT_ALERT_NONE;
    decision->selection_probability = 0.0;
    decision->degraded = missing(setup, event) | (uint32_t)event->step_degraded << TT_DETECTORS_MAX;
    decision->reason_count = 0;
    return decision->anomalous ? tt_reasons_fill(setup, bundle, terms, event) : TT_OK;
}

enum tt_status tt_decide_alert(const struct tt_setup *setup, const struct tt_bundle *bundle,
                               const struct tt_outcomes *outcomes, struct tt_event *event)
{
    struct tt_decision *decision = &event->decision;
    decision->alert = outcomes->alert;
    decision->selection_probability =
        outcomes->alert == TT_ALERT_SAMPLED ? outcomes->selection_probability : 0.0;
    decision->alerted = tt_alert_goes_out(decision->alert);
    if (!decision->alerted || decision->anomalous) {
        return TT_OK;
    }
    double terms[TT_DETECTORS_MAX];
    (void)tt_decide_p(setup, bundle, event, terms, &event->blend);
    uint8_t policy = setup->policy[TT_SEVERITY_LOW];
    decision->severity = TT_SEVERITY_LOW;
    decision->verdict = policy > decision->verdict ? policy : decision->verdict;
    decision->anomalous = true;
    return tt_reasons_fill(setup, bundle, terms, event);
}

void tt_decide_case(const struct tt_setup *setup, const struct tt_event *event,
                    uint8_t severity_min, bool attached, struct tt_budget_case *ret)
{
    const struct tt_decision *decision = &event->decision;
    struct tt_rule_outcome outcome = {0};
    if (event->rule_hits.count > 0 && setup->rules != NULL) {
        tt_rules_outcome(setup->rules, &event->rule_hits, &outcome);
    }
    *ret = (struct tt_budget_case){
        .p_value = decision->p_value,
        .anomalous = decision->anomalous,
        .severe = decision->anomalous && decision->severity >= severity_min,
        .rule = outcome.severity >= severity_min && outcome.severity != TT_SEVERITY_NONE,
        .attached = attached,
    };
}

const char *tt_reason_detector_name(const struct tt_setup *setup, uint8_t detector)
{
    if (detector == TT_REASON_TAUGHT) {
        return "learned";
    }
    return detector < setup->detector_count ? tt_setup_detector_name(setup, detector) : "other";
}
