/*
 * A sample of the traffic to fit models on: the rows whose keyed hash is lowest.
 *
 * What:    the lowest TT_SAMPLE_ROWS of a keyed hash over the absorbed events, with the columns a
 *          detector looks at. At each close the kept keys are raised by the decay of the time that
 *          passed, so that newer rows displace older ones at the rate of the half-life.
 * Why:     a function of the set of events of each epoch, whatever order shards deliver them in;
 *          mergeable. Source: Cohen, Kaplan, "Summarizing data using bottom-k sketches", 2007.
 * Owner:   a plain value of about 600 KB, part of a learner.
 * Threads: confined to the learner's thread.
 * Limits:  TT_SAMPLE_ROWS rows, TT_SAMPLE_COLUMNS columns.
 */
#ifndef TT_CORE_DETECT_SAMPLE_H
#define TT_CORE_DETECT_SAMPLE_H

#include "base/wire.h"
#include "core/detect/setup.h"

#define TT_SAMPLE_ROWS 4096
#define TT_SAMPLE_COLUMNS 16

struct tt_sample_row {
    uint64_t key;                     /* the hash, raised by every decay */
    uint64_t hash;                    /* of (user_id, transaction_id), 56 bits */
    int64_t time_ms;                  /* of the event */
    double values[TT_SAMPLE_COLUMNS]; /* NaN = missing */
};

struct tt_sample {
    uint64_t seed;
    struct tt_hash_key hash_key;
    uint32_t count;
    struct tt_sample_row rows[TT_SAMPLE_ROWS]; /* a heap, the greatest key first */
};

/* How the rows of a table are ordered. */
enum tt_sample_order { TT_SAMPLE_BY_KEY, TT_SAMPLE_BY_TIME };

/* Empties; the seed keys the hash. */
void tt_sample_init(struct tt_sample *sample, uint64_t seed);
/* Takes the detector's features of an event, if its hash is low enough. */
void tt_sample_absorb(struct tt_sample *sample, const struct tt_detector *detector,
                      const struct tt_event *event);
/* Takes an event out again, as far as it is held. */
void tt_sample_forget(struct tt_sample *sample, const struct tt_event *event);
/* Ages the rows by factor / 2^32. */
void tt_sample_decay(struct tt_sample *sample, uint64_t factor);
/* The rows as a table of sample->count × columns, in an order that does not show the heap's history.
 * TT_E_NOMEM; the caller frees *ret_table by tt_delete with that many doubles. */
enum tt_status tt_sample_table(const struct tt_sample *sample, const struct tt_alloc *alloc,
                               enum tt_sample_order order, uint32_t columns, double **ret_table,
                               struct tt_error *err) TT_MUST_USE;
void tt_sample_save(const struct tt_sample *sample, uint32_t columns, struct tt_buf *buf);
/* Damage sets wire->bad. */
void tt_sample_load(struct tt_sample *sample, uint32_t columns, struct tt_wire *wire);

#endif
