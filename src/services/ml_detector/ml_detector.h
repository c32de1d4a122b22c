/*
 * ml-detector: is this unlike everything else?
 *
 * What:    a detector stage (services/pipeline/detector_stage.h) with the detectors isolation_forest.
 * Owner:   the stage is freed by its runner.
 * Threads: one.
 */
#ifndef TT_SERVICES_ML_DETECTOR_ML_DETECTOR_H
#define TT_SERVICES_ML_DETECTOR_ML_DETECTOR_H

#include "services/pipeline/detector_stage.h"

enum tt_status tt_ml_detector_new(const struct tt_context *context, struct tt_stage **ret,
                                  struct tt_error *err) TT_MUST_USE;

#endif
