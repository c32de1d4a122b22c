/*
 * The decision: detections fused into one score, severity, verdict and the reasons for them.
 *
 * What:    a weighted soft minimum of the present detectors' p-values (the weighted harmonic mean),
 *          calibrated again, so that the law of the result is known whatever the dependence between
 *          detectors. Severity by cut-offs on that p-value, raised by rule hits; the verdict is the
 *          strictest of the rules' and the policy's, and detectors alone reach review at most.
 * Why:     one scale for everything: evidence is the logit of the score, ln((1 - p) / p), and the
 *          reasons' contributions add up to it.
 *          Source: Wilson, "The harmonic mean p-value for combining dependent tests", PNAS 2019.
 * Owner:   messages lie in event->text and live as long as the event.
 * Threads: setup and bundle may be shared; the event belongs to the calling thread.
 * Limits:  TT_REASONS_MAX reasons; the rest is summed into one, detector TT_REASON_OTHER.
 * Fails:   TT_E_NOMEM when event->text has no room for the messages; score, severity and verdict
 *          are then valid and the reasons without messages.
 */
#ifndef TT_CORE_DECIDE_DECIDE_H
#define TT_CORE_DECIDE_DECIDE_H

#include "core/decide/budget.h"
#include "core/detect/bundle.h"

/* Fills event->decision from its detections and rule hits; alerted is left false. */
enum tt_status tt_decide(const struct tt_setup *setup, const struct tt_bundle *bundle,
                         struct tt_event *event) TT_MUST_USE;
/* The p-value of what the event's detections say together, and each detector's part of it (tt_fuse).
 * ret_blend: how both kinds of evidence were joined. What decides and what explains both go through
 * here. */
double tt_decide_p(const struct tt_setup *setup, const struct tt_bundle *bundle,
                   const struct tt_event *event, double ret_terms[TT_DETECTORS_MAX],
                   struct tt_blend *ret_blend);
/* What the decision asks the alert budget. severity_min: from here on rules, and statistics at the
 * start, alert. attached: its entity has an open case of at least that severity. */
void tt_decide_case(const struct tt_setup *setup, const struct tt_event *event,
                    uint8_t severity_min, bool attached, struct tt_budget_case *ret);
/* Writes the outcomes into the decision. What goes out although no cut-off made it an anomaly becomes
 * one, of severity low and with reasons. Fails as tt_decide. */
enum tt_status tt_decide_alert(const struct tt_setup *setup, const struct tt_bundle *bundle,
                               const struct tt_outcomes *outcomes,
                               struct tt_event *event) TT_MUST_USE;
/* The name for a reason's detector: that of the slot, "learned" or "other". */
const char *tt_reason_detector_name(const struct tt_setup *setup, uint8_t detector);

#endif
