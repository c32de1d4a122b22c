/*
 * What needs no labels and what labels have taught, as one score.
 *
 * What:    the fused p-value's logit and the calibrated logit of the learned log-odds, weighted by how
 *          many known frauds stand behind the latter, n / (n + learned.frauds), and calibrated
 *          once more, so that the p-value still is the share of traffic at least as unusual.
 * Why:     with no known fraud the score is the label-free one, bit for bit; with thousands it is the
 *          learned one; in between nothing jumps.
 * Hook:    another learner (boosted trees) gives log-odds and contributions in place of
 *          tt_logistic_score and tt_logistic_contributions; nothing else here knows the model.
 * Owner:   allocates nothing.
 * Threads: setup and bundle may be shared; the event belongs to the calling thread.
 * Fails:   nothing.
 */
#ifndef TT_CORE_DETECT_BLEND_H
#define TT_CORE_DETECT_BLEND_H

#include "core/detect/bundle.h"

/* fused: tt_fuse of the event. Returns the p-value of record. */
double tt_blend(const struct tt_setup *setup, const struct tt_bundle *bundle,
                const struct tt_event *event, double fused, struct tt_blend *ret_blend);
/* Fuses and blends again a decided event, as far as event->blend; what is of record stays. */
void tt_blend_recall(const struct tt_setup *setup, const struct tt_bundle *bundle,
                     struct tt_event *event);

#endif
