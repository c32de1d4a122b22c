/*
 * rule-engine: is this what somebody wrote a rule against?
 *
 * What:    a detector stage (services/pipeline/detector_stage.h) with the detectors rules.
 * Owner:   the stage is freed by its runner.
 * Threads: one.
 */
#ifndef TT_SERVICES_RULE_ENGINE_RULE_ENGINE_H
#define TT_SERVICES_RULE_ENGINE_RULE_ENGINE_H

#include "services/pipeline/detector_stage.h"

enum tt_status tt_rule_engine_new(const struct tt_context *context, struct tt_stage **ret,
                                  struct tt_error *err) TT_MUST_USE;

#endif
