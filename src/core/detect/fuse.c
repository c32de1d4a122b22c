/*
 * One number from the present detectors' p-values; see core/decide/decide.h for the method.
 *
 * Where a rule fired it adds its own term without taking weight from the others, and where none
 * fired it stays out: silence of the rules says nothing for a transaction.
 */
#include "base/math.h"
#include "core/detect/detector.h"

const struct tt_axis tt_fuse_axis = {0.0, 16.0};

double tt_fuse(const struct tt_setup *setup, const struct tt_event *event,
               double ret_terms[TT_DETECTORS_MAX])
{
    double terms[TT_DETECTORS_MAX] = {0};
    double weights = 0.0;
    for (uint32_t i = 0; i < setup->detector_count; i++) {
        const struct tt_detection *detection = &event->detections[i];
        double weight = setup->detectors[i].weight;
        if (!detection->present || weight <= 0.0 || i == setup->rules_slot) {
            continue;
        }
        terms[i] = weight / detection->p_value;
        weights += weight;
    }
    double sum = 0.0;
    for (uint32_t i = 0; i < setup->detector_count; i++) {
        terms[i] = weights > 0.0 ? terms[i] / weights : 0.0;
        sum += terms[i];
    }
    const struct tt_detection *rules = &event->detections[setup->rules_slot];
    if (rules->present && rules->score > 0.0) {
        terms[setup->rules_slot] = setup->detectors[setup->rules_slot].weight / rules->p_value;
        sum += terms[setup->rules_slot];
    }
    for (uint32_t i = 0; ret_terms != NULL && i < setup->detector_count; i++) {
        ret_terms[i] = terms[i];
    }
    return sum > 1.0 ? tt_log(sum) : 0.0;
}

double tt_fuse_prior(const void *ctx, double score)
{
    (void)ctx;
    double p = 2.0 * tt_exp(-score); /* the harmonic mean of dependent p-values, on the safe side */
    return p < 1.0 ? p : 1.0;
}
