/*
 * Ranking metrics: groups of equal scores are closed when the score falls.
 *
 * A pair (fraud, genuine) is in order when the fraud scores higher; walking down, each genuine
 * row of a group is beaten by every fraud above it and ties with every fraud in it.
 */
#include "core/evaluate/ranking.h"

#include <math.h>

#define CURVE_STEPS 200u /* steps of recall; below TT_CURVE_POINTS_MAX */

void tt_ranking_init(struct tt_ranking *ranking, uint64_t fraud_total,
                     struct tt_curve_point *points)
{
    *ranking = (struct tt_ranking){.fraud_total = fraud_total, .points = points};
}

/* Whether the group passes one of the steps of recall; the first and the last group always do. */
static bool is_point(const struct tt_ranking *ranking, uint64_t fraud)
{
    uint64_t before = ranking->fraud * CURVE_STEPS / ranking->fraud_total;
    return ranking->point_count == 0 || fraud * CURVE_STEPS / ranking->fraud_total > before;
}

static void group_close(struct tt_ranking *ranking)
{
    if (ranking->group_fraud + ranking->group_genuine == 0) {
        return;
    }
    ranking->pairs_twice += ranking->group_genuine * (2 * ranking->fraud + ranking->group_fraud);
    uint64_t fraud = ranking->fraud + ranking->group_fraud;
    uint64_t flagged = fraud + ranking->genuine + ranking->group_genuine;
    double precision = (double)fraud / (double)flagged;
    ranking->precision_sum += (double)ranking->group_fraud * precision;
    if (ranking->points != NULL && ranking->fraud_total > 0 && is_point(ranking, fraud)) {
        TT_ASSERT(ranking->point_count < TT_CURVE_POINTS_MAX);
        ranking->points[ranking->point_count++] = (struct tt_curve_point){
            .threshold = ranking->score,
            .recall = (double)fraud / (double)ranking->fraud_total,
            .precision = precision,
            .flagged = flagged,
        };
    }
    ranking->fraud = fraud;
    ranking->genuine += ranking->group_genuine;
    ranking->group_fraud = 0;
    ranking->group_genuine = 0;
}

void tt_ranking_add(struct tt_ranking *ranking, double score, bool fraud)
{
    bool first = ranking->group_fraud + ranking->group_genuine == 0;
    TT_ASSERT(first || score <= ranking->score);
    if (!first && score < ranking->score) {
        group_close(ranking);
    }
    ranking->score = score;
    ranking->group_fraud += fraud ? 1 : 0;
    ranking->group_genuine += fraud ? 0 : 1;
}

void tt_ranking_end(struct tt_ranking *ranking)
{
    group_close(ranking);
    TT_ASSERT(ranking->fraud == ranking->fraud_total);
}

double tt_ranking_auc(const struct tt_ranking *ranking)
{
    if (ranking->fraud == 0 || ranking->genuine == 0) {
        return (double)NAN;
    }
    double pairs = (double)ranking->fraud * (double)ranking->genuine;
    return (double)ranking->pairs_twice / (2.0 * pairs);
}

double tt_ranking_average_precision(const struct tt_ranking *ranking)
{
    return ranking->fraud == 0 ? (double)NAN : ranking->precision_sum / (double)ranking->fraud;
}
