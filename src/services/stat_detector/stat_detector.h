/*
 * stat-detector: is this unusual for this entity?
 *
 * What:    a detector stage (services/pipeline/detector_stage.h) with zscore, iqr and takeover_state.
 * Owner:   the stage is freed by its runner.
 * Threads: one.
 */
#ifndef TT_SERVICES_STAT_DETECTOR_STAT_DETECTOR_H
#define TT_SERVICES_STAT_DETECTOR_STAT_DETECTOR_H

#include "services/pipeline/detector_stage.h"

enum tt_status tt_stat_detector_new(const struct tt_context *context, struct tt_stage **ret,
                                    struct tt_error *err) TT_MUST_USE;

#endif
