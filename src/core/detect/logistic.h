/*
 * What labels have taught: logistic regression on quantile bins.
 *
 * What:    the model in the bundle. Each input (a feature, or a detector's p-value) is cut into bins
 *          of equal traffic; the log-odds of fraud are a sum of one weight an input, and so is
 *          the explanation: a weight less the input's mean weight over all traffic.
 * Why:     a sum over bins needs no scaling, knows a missing value, follows any shape of a single
 *          input, costs a few comparisons an input and can be learned one payment at a time.
 *          Source: Chapelle, Manavoglu, Rosales, "Simple and scalable response prediction for display
 *          advertising", 2014 (binned, regularised, online); learning is learned.h.
 * Owner:   tt_logistic_new from alloc; freed by tt_logistic_free.
 * Threads: immutable once in a bundle.
 * Limits:  TT_LEARNED_INPUTS_MAX inputs of TT_LOGISTIC_EDGES edges.
 * Fails:   new and decode: TT_E_NOMEM; decode: TT_E_CORRUPT.
 */
#ifndef TT_CORE_DETECT_LOGISTIC_H
#define TT_CORE_DETECT_LOGISTIC_H

#include "base/wire.h"
#include "core/detect/setup.h"

#define TT_LOGISTIC_EDGES 63
#define TT_LOGISTIC_BINS (TT_LOGISTIC_EDGES + 2) /* bin 0: the value is missing */

/* One input's edges, ascending; those that are not used are infinite. The last is never read, it
 * makes the search a fixed number of halvings. */
struct tt_logistic_cut {
    float edges[TT_LOGISTIC_EDGES + 1];
};

struct tt_logistic {
    const struct tt_alloc *alloc;
    uint32_t input_count;
    uint64_t frauds; /* known frauds it has learned from */
    double bias;
    struct tt_logistic_cut *cuts;        /* an input each, as all below */
    double (*weights)[TT_LOGISTIC_BINS]; /* log-odds */
    double *usual;                       /* mean weight over traffic */
};

/* All zero, no edges. */
enum tt_status tt_logistic_new(const struct tt_alloc *alloc, uint32_t input_count,
                               struct tt_logistic **ret, struct tt_error *err) TT_MUST_USE;
/* model may be NULL. */
void tt_logistic_free(struct tt_logistic *model);
/* Appends the model; a failure stays in buf->status. */
void tt_logistic_encode(const struct tt_logistic *model, struct tt_buf *buf);
/* Reads what encode wrote, for so many inputs; *ret is untouched on failure. */
enum tt_status tt_logistic_decode(const struct tt_alloc *alloc, struct tt_wire *wire,
                                  uint32_t input_count, struct tt_logistic **ret,
                                  struct tt_error *err) TT_MUST_USE;

/* The inputs of an event as the setup names them; NaN = missing. */
void tt_learned_inputs(const struct tt_setup *setup, const struct tt_event *event, float *ret);
/* The log-odds of fraud, as learned, for a row of inputs. */
double tt_logistic_score(const struct tt_logistic *model, const float *inputs);
/* What each input adds to the log-odds over its usual; returns their sum. */
double tt_logistic_contributions(const struct tt_logistic *model, const float *inputs, double *ret);

/* The bin of a value: 0 when it is missing, else 1 + how many edges are at or below it. */
static inline uint32_t tt_logistic_bin(const struct tt_logistic_cut *cut, float value)
{
    const float *at = cut->edges;
    at += at[31] <= value ? 32 : 0;
    at += at[15] <= value ? 16 : 0;
    at += at[7] <= value ? 8 : 0;
    at += at[3] <= value ? 4 : 0;
    at += at[1] <= value ? 2 : 0;
    at += at[0] <= value ? 1 : 0;
    uint32_t above = (uint32_t)(at - cut->edges) + 1;
    return value >= 0.0F || value < 0.0F ? above : 0; /* NaN is neither */
}

#endif
