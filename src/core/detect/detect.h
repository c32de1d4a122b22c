/*
 * Detection: raw score and calibrated p-value, a batch at a time, one slot a detector.
 *
 * What:    what the detector services call for each batch of events.
 * Why:     a batch lets the forest hold one tree in the nearest cache while all rows pass through
 *          it; results do not depend on how a stream is cut into batches.
 * Owner:   scratch belongs to the caller, one a thread, from alloc; nothing is allocated while
 *          running.
 * Threads: setup and bundle may be shared; events and scratch belong to the calling thread.
 *          Detectors write only their own slot, so several may run over the same events at once.
 * Limits:  any n; batches past TT_DETECT_BATCH_MAX are cut inside.
 */
#ifndef TT_CORE_DETECT_DETECT_H
#define TT_CORE_DETECT_DETECT_H

#include "core/detect/bundle.h"

#define TT_DETECT_BATCH_MAX 256

struct tt_detect_scratch;
enum tt_status tt_detect_scratch_new(const struct tt_alloc *alloc, const struct tt_setup *setup,
                                     struct tt_detect_scratch **ret_scratch,
                                     struct tt_error *err) TT_MUST_USE;
/* scratch may be NULL. */
void tt_detect_scratch_free(struct tt_detect_scratch *scratch);

/* Fills events[i]->detections[detector] of all n transactions, judged by this bundle (which bundle
 * an event is stamped with is the caller's business). The vectors must be of the setup's plan. A
 * detector that is off, has no model yet or finds nothing to judge by answers present = false. For
 * the slot `rules` this is tt_detect_rules. */
void tt_detect_run(const struct tt_setup *setup, const struct tt_bundle *bundle, uint32_t detector,
                   struct tt_event *const *events, size_t n, struct tt_detect_scratch *scratch);
/* Evaluates the rule set: fills rule_hits, shadow_hits and the slot `rules`, whose score is the
 * highest severity that fired, 0 to 4, and whose p-value is that severity's share of hits so far */
void tt_detect_rules(const struct tt_setup *setup, const struct tt_bundle *bundle,
                     struct tt_event *const *events, size_t n, struct tt_detect_scratch *scratch);

#endif
