/*
 * A sample of the traffic to fit models on, as a detector's learner: the rows whose keyed hash is
 * lowest.
 *
 * What:    the lowest TT_SAMPLE_ROWS of a keyed hash over the absorbed events, with the columns a
 *          detector looks at. At each close the kept keys are raised by the decay of the time that
 *          passed, so that newer rows displace older ones at the rate of the half-life.
 * Why:     a function of the set of events of each epoch, whatever order shards deliver them in;
 *          mergeable. Source: Cohen, Kaplan, "Summarizing data using bottom-k sketches", 2007.
 *          What detectors that fit on rows have in common is here: they differ in `train` and
 *          `reference`.
 * Owner:   the trainer; about 600 KB.
 * Threads: confined to the learner's thread.
 * Limits:  TT_SAMPLE_ROWS rows, TT_SAMPLE_COLUMNS columns.
 */
#ifndef TT_CORE_DETECT_SAMPLE_H
#define TT_CORE_DETECT_SAMPLE_H

#include "core/detect/detector.h"

#define TT_SAMPLE_ROWS 4096
#define TT_SAMPLE_COLUMNS 16

struct tt_sample_row {
    uint64_t key;                     /* the hash, raised by every decay */
    uint64_t hash;                    /* of (user_id, transaction_id), 56 bits */
    int64_t time_ms;                  /* of the event */
    double values[TT_SAMPLE_COLUMNS]; /* NaN = missing */
};

struct tt_sample {
    const struct tt_detector *detector;
    uint64_t seed; /* keys the hash, and seeds what is fitted */
    struct tt_hash_key hash_key;
    uint32_t count;
    struct tt_sample_row rows[TT_SAMPLE_ROWS]; /* a heap, the greatest key first */
};

/* How the rows of a table are ordered. */
enum tt_sample_order { TT_SAMPLE_BY_KEY, TT_SAMPLE_BY_TIME };

/* The learner's part of a detector's ops. */
enum tt_status tt_sample_new(const struct tt_alloc *alloc, const struct tt_learner_options *options,
                             void **ret_learner, struct tt_error *err);
void tt_sample_free(const struct tt_alloc *alloc, void *learner);
void tt_sample_absorb(void *learner, const struct tt_event *event);
void tt_sample_advance(void *learner, const void *model, uint64_t factor);
void tt_sample_save(const void *learner, struct tt_buf *buf);
void tt_sample_load(void *learner, struct tt_wire *wire);
/* No model before the first is fitted: `initial` of these detectors. */
enum tt_status tt_sample_initial(const struct tt_alloc *alloc, const struct tt_detector *detector,
                                 void **ret_model, struct tt_error *err);

/* The rows as a table of sample->count × the detector's features, in an order that does not show the
 * heap's history. TT_E_NOMEM; tt_sample_table_free gives it back. */
enum tt_status tt_sample_table(const struct tt_sample *sample, const struct tt_alloc *alloc,
                               enum tt_sample_order order, double **ret_table,
                               struct tt_error *err) TT_MUST_USE;
void tt_sample_table_free(const struct tt_sample *sample, const struct tt_alloc *alloc,
                          double *table);

#endif
