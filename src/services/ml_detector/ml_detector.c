/* See ml_detector.h. */
#include "services/ml_detector/ml_detector.h"

static const struct tt_stage_ops ops = {
    .name = "ml-detector",
    .on_batch = tt_detector_stage_on_batch,
    .free = tt_detector_stage_free,
};

enum tt_status tt_ml_detector_new(const struct tt_context *context, struct tt_stage **ret,
                                  struct tt_error *err)
{
    static const char *const detectors[] = {"isolation_forest", NULL};
    return tt_detector_stage_new(context, &ops, detectors, ret, err);
}
