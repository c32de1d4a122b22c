/* The blend of both kinds of evidence; see blend.h. */
#include "core/detect/blend.h"

#include "base/math.h"
#include "core/detect/detector.h"
#include "core/detect/logistic.h"

const struct tt_axis tt_blend_axis = {0.0, 16.0};

double tt_blend_prior(const void *ctx, double evidence)
{
    (void)ctx;
    return 1.0 / (1.0 + tt_exp(evidence));
}

double tt_blend(const struct tt_setup *setup, const struct tt_bundle *bundle,
                const struct tt_event *event, double fused, struct tt_blend *ret_blend)
{
    const struct tt_logistic *model = bundle->taught;
    struct tt_calibration *const *calibrations = bundle->calibrations + setup->detector_count;
    double p_value = tt_calibration_p(calibrations[TT_CALIBRATED_FUSED], fused);
    *ret_blend = (struct tt_blend){.learned = false};
    if (model == NULL) {
        return p_value;
    }
    float inputs[TT_LEARNED_INPUTS_MAX];
    tt_learned_inputs(setup, event, inputs);
    double log_odds = tt_logistic_score(model, inputs);
    double taught_p = tt_calibration_p(calibrations[TT_CALIBRATED_TAUGHT], log_odds);
    double frauds = (double)model->frauds;
    struct tt_blend *blend = ret_blend;
    blend->learned = true;
    blend->free = tt_log((1.0 - p_value) / p_value);
    blend->log_odds = log_odds;
    blend->taught = tt_log((1.0 - taught_p) / taught_p);
    blend->weight = frauds / (frauds + setup->learned.frauds_half);
    blend->evidence = (1.0 - blend->weight) * blend->free + blend->weight * blend->taught;
    return tt_calibration_p(calibrations[TT_CALIBRATED_BLENDED], blend->evidence);
}

void tt_blend_recall(const struct tt_setup *setup, const struct tt_bundle *bundle,
                     struct tt_event *event)
{
    (void)tt_blend(setup, bundle, event, tt_fuse(setup, event, NULL), &event->blend);
}
