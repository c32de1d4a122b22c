/* See stat_detector.h. */
#include "services/stat_detector/stat_detector.h"

static const struct tt_stage_ops ops = {
    .name = "stat-detector",
    .on_batch = tt_detector_stage_on_batch,
    .free = tt_detector_stage_free,
};

enum tt_status tt_stat_detector_new(const struct tt_context *context, struct tt_stage **ret,
                                    struct tt_error *err)
{
    static const char *const detectors[] = {"zscore", "iqr", "takeover_state", NULL};
    return tt_detector_stage_new(context, &ops, detectors, ret, err);
}
