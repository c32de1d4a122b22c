/*
 * Calibration: raw scores to p-values against recent traffic.
 *
 * What:    a histogram that is learned, and the curve compiled from it that is looked up.
 * Why:     p = (1 + #{reference ≥ s}) / (n + 1), interpolated inside a bin so that scores do not
 *          tie; beyond the 99.5 % point a fitted exponential tail, so that the top does not either
 *          (scores that only take a few values have none: what was never seen gets 1 / (n + 1));
 *          before there are enough scores a conservative parametric law stands in and fades out.
 *          The histogram is log-linear with fixed edges (64 bins an octave), so histograms add up
 *          in any order; counts are fixed-point and shrink with event time. Extreme p-values are
 *          compressed (below e^-12), so that 1 - p still tells them apart.
 *          Source: Phipson, Smyth, "Permutation p-values should never be zero", 2010; Tene,
 *          "HdrHistogram"; Pickands, "Statistical inference using extreme order statistics", 1975.
 * Owner:   histograms are plain values; a curve is a plain value too.
 * Threads: a compiled curve is immutable.
 * Units:   a score s sits at (s - offset) × scale on the axis; the histogram clamps it to (-256,
 *          65535).
 * Limits:  2^40 scores a histogram.
 */
#ifndef TT_CORE_DETECT_CALIBRATION_H
#define TT_CORE_DETECT_CALIBRATION_H

#include "base/wire.h"

#define TT_HISTOGRAM_BELOW 512
#define TT_HISTOGRAM_BINS 1536
#define TT_HISTOGRAM_ONE (UINT64_C(1) << 16)

struct tt_axis {
    double offset, scale;
};

struct tt_histogram {
    uint64_t total;                   /* sum of the bins */
    uint64_t bins[TT_HISTOGRAM_BINS]; /* in 1/TT_HISTOGRAM_ONE scores */
};

/* The chance of a score at least this high, as far as theory goes: in (0, 1], falling. */
typedef double tt_prior_tail(const void *ctx, double score);

/* Surprise, -ln p, at the bins' lower edges; in between p is linear, in the fitted tail its
 * logarithm. */
struct tt_calibration {
    struct tt_axis axis;
    double tail_from; /* on the axis; 1e308 when there is none */
    double edges[TT_HISTOGRAM_BINS + 1];
    double slope_past;             /* of the surprise beyond the last edge, per unit of the axis */
    struct tt_histogram histogram; /* what it was compiled from */
};

/* A score that is NaN is not counted; infinities are clamped. */
void tt_histogram_add(struct tt_histogram *histogram, const struct tt_axis *axis, double score);
/* Takes one score back out, if the bin still holds anything. */
void tt_histogram_remove(struct tt_histogram *histogram, const struct tt_axis *axis, double score);
/* Multiplies every count by factor / 2^32. */
void tt_histogram_decay(struct tt_histogram *histogram, uint64_t factor);
/* Bins that hold something, as runs of varints. */
void tt_histogram_encode(const struct tt_histogram *histogram, struct tt_buf *buf);
/* Sets wire->bad on damage. */
void tt_histogram_decode(struct tt_wire *wire, struct tt_histogram *ret);

/* Compiles; histogram is copied. */
void tt_calibration_init(struct tt_calibration *ret, const struct tt_axis *axis,
                         const struct tt_histogram *histogram, tt_prior_tail *prior,
                         const void *prior_ctx);
/* Surprise of a score, > 0 and strictly rising in it up to 36 (1 - p is still below 1 there);
 * 0 < p = exp(-surprise) < 1. NaN counts as the lowest score. */
double tt_calibration_surprise(const struct tt_calibration *calibration, double score);
double tt_calibration_p(const struct tt_calibration *calibration, double score);
/* The least score whose p-value is at or below p (bisection; for explanations and thresholds). */
double tt_calibration_score_at(const struct tt_calibration *calibration, double p);

/* 2^(-age / half_life) in 1/2^32; half_life_ms > 0. */
uint64_t tt_decay_factor(int64_t age_ms, double half_life_ms);
/* value × factor / 2^32. */
uint64_t tt_decay(uint64_t value, uint64_t factor);

#endif
