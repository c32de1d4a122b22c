/*
 * Learning from labels: rows of recent payments held until something is known about them, and the
 * online regression that learns from them.
 *
 * What:    holds the inputs of recent payments; takes labels; at the end of an epoch moves each row
 *          whose knowledge has changed from what was believed to what is known, one gradient step a
 *          row, and gives the next model.
 * Why:     a payment without label is unknown until `label_horizon`, then presumed genuine, and
 *          corrected if a fraud comes to light while it is held. What an epoch teaches is a
 *          function of the sets of its payments and labels: rows are examined in order of
 *          (time, key) at its end. Where traffic is beyond the memory, an epoch keeps a priority
 *          sample of its payments (a keyed hash over a weight that favours surprising ones), and
 *          each kept row counts one over its chance of being kept, so that nothing is biased.
 *          Weights are kept on two grids, single bins and groups of bins, so that sparse bins lean
 *          on their neighbours; steps shrink with the curvature seen (a diagonal Newton method).
 *          Source: Duffield, Lund, Thorup, "Priority sampling for estimation of arbitrary subset
 *          sums", 2007; Bordes, Bottou, Gallinari, "SGD-QN", 2009.
 * Owner:   tt_learned_new from alloc; freed by tt_learned_free; setup is borrowed.
 * Threads: confined to one thread.
 * Limits:  setup->learned.memory bytes of rows, a sixteenth as many waiting labels; of more labels
 *          than that the ones that become effective last are left out, and counted.
 * Fails:   new, train, load: TT_E_NOMEM. Absorbing cannot fail and allocates nothing.
 */
#ifndef TT_CORE_DETECT_LEARNED_H
#define TT_CORE_DETECT_LEARNED_H

#include "core/detect/logistic.h"

struct tt_learner;
struct tt_histogram;
/* The next state of the model, before it is certain that the epoch closes. */
struct tt_lesson;

struct tt_learned_stats {
    uint64_t held;          /* rows */
    uint64_t labels;        /* waiting */
    uint64_t labels_unheld; /* effective ones whose payment was not held any more, so far */
    uint64_t labels_left;   /* that found no room, so far */
    uint64_t frauds;        /* known frauds learned from, less those taken back */
};

/* seed keys the sample. */
enum tt_status tt_learned_new(const struct tt_alloc *alloc, const struct tt_setup *setup,
                              uint64_t seed, struct tt_learner **ret,
                              struct tt_error *err) TT_MUST_USE;
/* learner may be NULL. */
void tt_learned_free(struct tt_learner *learner);
/* A decided payment, with event->blend; fused is its label-free score, or NaN. */
void tt_learned_absorb(struct tt_learner *learner, const struct tt_event *event, double fused);
/* A label (event of kind TT_EVENT_LABEL). Where the event carries the payment's vector of this
 * setup's plan, it is learned from even if the payment is not held. */
void tt_learned_label(struct tt_learner *learner, const struct tt_event *event);
struct tt_learned_stats tt_learned_stats(const struct tt_learner *learner);

/* What the epoch that closes at time_ms teaches: labels effective by then, and rows that are older
 * than the horizon by then. The learner is unchanged. *ret_model is NULL while no fraud is known. */
enum tt_status tt_learned_train(const struct tt_learner *learner, int64_t time_ms,
                                struct tt_lesson **ret_lesson, struct tt_logistic **ret_model,
                                struct tt_error *err) TT_MUST_USE;
/* lesson may be NULL. */
void tt_lesson_free(struct tt_lesson *lesson);
/* The log-odds of recent traffic under a model, as a first reference for calibration. */
void tt_learned_reference(const struct tt_learner *learner, const struct tt_logistic *model,
                          struct tt_histogram *ret);
/* Takes the lesson over (and frees it), and what is older than is kept goes. Known frauds leave the
 * histograms of the label-free and the blended score. */
void tt_learned_advance(struct tt_learner *learner, struct tt_lesson *lesson,
                        struct tt_histogram *fused, struct tt_histogram *blended);

void tt_learned_save(const struct tt_learner *learner, struct tt_buf *buf);
/* Into a fresh learner; damage sets wire->bad. */
void tt_learned_load(struct tt_learner *learner, struct tt_wire *wire);

#endif
