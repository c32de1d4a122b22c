/*
 * The trainer: the one learner, from absorbed events to the next bundle.
 *
 * What:    collects mergeable statistics of the open epoch (peer baselines as exact integer sums,
 *          score histograms, the forest's sample), and closes it into a bundle.
 * Why:     only one elected trainer learns across entities, so replicas agree. What an epoch gives
 *          is a function of the set of its events: integer sums, and a bottom-k sample by keyed
 *          hash; nothing depends on the order in which shards deliver.
 *          Source: Cohen, Kaplan, "Summarizing data using bottom-k sketches", 2007; Cormode et al.,
 *          "Forward decay", 2009.
 * Owner:   tt_trainer_new from alloc; freed by tt_trainer_free; holds a reference to its setup.
 * Threads: confined to one thread.
 * Limits:  memory is fixed at tt_trainer_new; absorb allocates nothing and cannot fail.
 * Fails:   new, close, save, load with TT_E_NOMEM; save with TT_E_LIMIT; load as tt_bundle_decode.
 */
#ifndef TT_CORE_DETECT_TRAINER_H
#define TT_CORE_DETECT_TRAINER_H

#include "core/detect/bundle.h"
#include "core/detect/learned.h"

/* The encoded state at most: what is held for learning from labels is most of it. */
#define TT_TRAINER_SIZE_MAX (1536u << 20)

struct tt_trainer;

/* seed: keys the sample's hash and seeds the forest; the same seed gives the same bundles. */
enum tt_status tt_trainer_new(const struct tt_alloc *alloc, struct tt_setup *setup, uint64_t seed,
                              struct tt_trainer **ret_trainer, struct tt_error *err) TT_MUST_USE;
/* trainer may be NULL. */
void tt_trainer_free(struct tt_trainer *trainer);
/* Learns from one decided transaction. The caller passes fresh, on-time ones only, each once;
 * others (labels, duplicates, late ones) are ignored. */
void tt_trainer_absorb(struct tt_trainer *trainer, const struct tt_event *event);
/* A label, in the order of the log (event of kind TT_EVENT_LABEL; see tt_learned_label). What it
 * teaches is learned at the first close at or after it is effective. Without `learned` in the setup
 * nothing happens. */
void tt_trainer_label(struct tt_trainer *trainer, const struct tt_event *event);
/* What is held and known for learning from labels; zero without `learned`. */
struct tt_learned_stats tt_trainer_learned(const struct tt_trainer *trainer);
/* Goes on for another setup of the same base (setup.h): what was learned stays. */
void tt_trainer_adopt(struct tt_trainer *trainer, struct tt_setup *setup);
/* How many were absorbed since the beginning. */
uint64_t tt_trainer_count(const struct tt_trainer *trainer);
/* Closes the open epoch at event_time_ms and makes the bundle of `epoch` (1, 2, …). On failure
 * *ret is untouched and the trainer as it was, so the call can be made again. */
enum tt_status tt_trainer_close(struct tt_trainer *trainer, uint32_t epoch, int64_t event_time_ms,
                                struct tt_bundle **ret_bundle, struct tt_error *err) TT_MUST_USE;
/* Appends the whole state, versioned and checksummed. */
enum tt_status tt_trainer_save(const struct tt_trainer *trainer, struct tt_buf *buf) TT_MUST_USE;
/* A trainer as it was saved, for the same setup (TT_E_CONFLICT otherwise). */
enum tt_status tt_trainer_load(const struct tt_alloc *alloc, struct tt_str bytes,
                               struct tt_setup *setup, struct tt_trainer **ret_trainer,
                               struct tt_error *err) TT_MUST_USE;

#endif
