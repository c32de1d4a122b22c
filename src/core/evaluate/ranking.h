/*
 * Ranking metrics in one pass over rows that come by falling score.
 *
 * What:    AUC ROC, average precision, and points of the precision–recall curve.
 * Why:     rows that share a score are one threshold, so ties cost nothing and need no luck. AUC is
 *          the rank sum of Mann and Whitney (1947) with ties counted half, in integers, exact up to
 *          the last division; average precision is the sum of (R_n - R_{n-1}) P_n over distinct
 *          thresholds, as scikit-learn defines it (no interpolation).
 * Owner:   the caller's memory; no allocation.
 * Threads: confined to one thread.
 * Limits:  TT_CURVE_POINTS_MAX points; 2^31 rows of a class (the product of the classes fits).
 */
#ifndef TT_CORE_EVALUATE_RANKING_H
#define TT_CORE_EVALUATE_RANKING_H

#include "base/status.h"

#define TT_CURVE_POINTS_MAX 256u

struct tt_curve_point {
    double threshold; /* rows with at least this score are flagged */
    double recall, precision;
    uint64_t flagged; /* rows */
};

/* fraud_total must be known beforehand: the curve's points are even steps of recall. */
struct tt_ranking {
    uint64_t fraud_total;
    uint64_t fraud, genuine;             /* above the current threshold */
    uint64_t group_fraud, group_genuine; /* at it */
    double score;                        /* the current threshold */
    double precision_sum;                /* Σ new frauds × precision */
    uint64_t pairs_twice;                /* 2 × (pairs in the right order + ½ ties) */
    struct tt_curve_point *points;       /* NULL = no curve */
    uint32_t point_count;
};

/* points: room for TT_CURVE_POINTS_MAX, or NULL. fraud_total: fraud rows that will come. */
void tt_ranking_init(struct tt_ranking *ranking, uint64_t fraud_total,
                     struct tt_curve_point *points);
/* The next row; scores are no NaN and never go up (asserted). */
void tt_ranking_add(struct tt_ranking *ranking, double score, bool fraud);
/* Closes the last threshold; nothing may be added after it. fraud_total rows of fraud came. */
void tt_ranking_end(struct tt_ranking *ranking);
/* After the end: NaN without fraud or without genuine rows. */
double tt_ranking_auc(const struct tt_ranking *ranking);
/* After the end: NaN without fraud. */
double tt_ranking_average_precision(const struct tt_ranking *ranking);

#endif
