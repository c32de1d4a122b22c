/*
 * The stage that stat-detector, ml-detector and rule-engine are: some detectors over `features`.
 *
 * What:    runs its detectors' slots over each batch and emits the events to `detections`; one answer of
 *          this stage for every transaction.
 * Why:     the three services differ in which detectors they run and so in how they are scaled, not in how.
 * Owner:   the stage is freed by its runner.
 * Threads: one; detectors write only their own slots, so the three may run at once.
 * Fails:   as the bus.
 */
#ifndef TT_SERVICES_PIPELINE_DETECTOR_STAGE_H
#define TT_SERVICES_PIPELINE_DETECTOR_STAGE_H

#include "core/detect/detect.h"
#include "runtime/stage.h"
#include "services/pipeline/context.h"

/* How many of them there are: the aggregator waits for so many answers. */
#define TT_DETECTOR_STAGES 3

/* ops: those of the service, made of the two functions below; names: its detectors, NULL-terminated. */
enum tt_status tt_detector_stage_new(const struct tt_context *context,
                                     const struct tt_stage_ops *ops, const char *const *names,
                                     struct tt_stage **ret, struct tt_error *err) TT_MUST_USE;
enum tt_status tt_detector_stage_on_batch(struct tt_stage *stage, struct tt_event *const *events,
                                          size_t count, struct tt_error *err);
void tt_detector_stage_free(struct tt_stage *stage);

#endif
