/*
 * Reasons: the evidence of an anomaly split into parts that add up to it.
 *
 * What:    fills decision->reasons from the detections and rule hits of an anomalous event.
 * Owner:   messages lie in event->text.
 * Threads: as tt_decide.
 * Fails:   TT_E_NOMEM, TT_E_LIMIT when event->text has no room: reasons without messages.
 */
#ifndef TT_CORE_DECIDE_REASONS_H
#define TT_CORE_DECIDE_REASONS_H

#include "core/decide/decide.h"

/* terms: each detector's part of the fused sum (tt_fuse); p_value is already in the decision. */
enum tt_status tt_reasons_fill(const struct tt_setup *setup, const struct tt_bundle *bundle,
                               const double terms[TT_DETECTORS_MAX],
                               struct tt_event *event) TT_MUST_USE;

#endif
