/* See rule_engine.h. */
#include "services/rule_engine/rule_engine.h"

static const struct tt_stage_ops ops = {
    .name = "rule-engine",
    .on_batch = tt_detector_stage_on_batch,
    .free = tt_detector_stage_free,
};

enum tt_status tt_rule_engine_new(const struct tt_context *context, struct tt_stage **ret,
                                  struct tt_error *err)
{
    static const char *const detectors[] = {"rules", NULL};
    return tt_detector_stage_new(context, &ops, detectors, ret, err);
}
