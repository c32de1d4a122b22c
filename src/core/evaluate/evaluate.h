/*
 * Evaluation of scores against labels: the accumulator and its report.
 *
 * What:    takes rows one at a time (score, label, time, user, amount), keeps 32 bytes of each, and
 *          at the end computes ranking metrics, a daily budget of alerts, card precision, days,
 *          kinds and money, over the whole stream and over the folds of a published protocol.
 * Why:     scores are prequential (each made only with what was known before), so the whole stream
 *          can be judged; folds make the numbers comparable with the literature. A fold that starts
 *          on day s trains on s … s+train-1 (nothing is trained here: it only fixes which days are
 *          tested), waits `delay` days and tests on the next `test` days. From test day T are left
 *          out all rows of users with a fraud on s … T-delay-1: they are known by then.
 *          Source: Le Borgne et al., "Reproducible machine learning for credit card fraud
 *          detection", 2022, chapters "Performance metrics" and "Model selection".
 * Owner:   everything comes from the allocator given to tt_evaluation_new; what the report points
 *          to belongs to the evaluation and lives until tt_evaluation_free.
 * Threads: confined to one thread.
 * Units:   times ms since the epoch; days are whole days of time + zone_offset_ms; money minor
 *          units.
 * Limits:  TT_EVALUATION_ROWS_MAX rows, TT_EVALUATION_FOLDS_MAX folds, TT_EVALUATION_KINDS_MAX
 *          kinds of fraud (further ones count as the last, "other"). About 32 bytes a row while
 *          rows come, and another 40 during tt_evaluation_finish.
 * Fails:   TT_E_NOMEM, TT_E_LIMIT (too many rows), TT_E_INVALID (options; a score that is no
 *          number).
 */
#ifndef TT_CORE_EVALUATE_EVALUATE_H
#define TT_CORE_EVALUATE_EVALUATE_H

#include "base/money.h"
#include "base/timetext.h"
#include "core/evaluate/ranking.h"

#define TT_EVALUATION_ROWS_MAX 1000000000u
#define TT_EVALUATION_FOLDS_MAX 16u
#define TT_EVALUATION_KINDS_MAX 16u
#define TT_EVALUATION_KIND_SIZE 32u
#define TT_EVALUATION_BINS 50u

struct tt_evaluation_options {
    uint32_t alerts_daily;  /* the budget: the highest rows of each day are the alerts */
    uint32_t cards_daily;   /* K of card precision at K */
    int64_t zone_offset_ms; /* days begin at midnight of UTC + this */
    uint32_t train_days, delay_days, test_days;
    uint32_t fold_count;                          /* 0 = no folds */
    int64_t fold_starts[TT_EVALUATION_FOLDS_MAX]; /* first training day, days since the epoch */
};

struct tt_evaluation_row {
    double score; /* higher is worse; any finite number */
    int64_t timestamp_ms;
    int64_t amount_minor;
    tt_currency currency;
    bool fraud;
    bool alerted;       /* the engine raised an alert for it */
    struct tt_str user; /* whose card it is: the unit of card precision */
    struct tt_str kind; /* of a fraud; may be absent */
};

/* NaN = not defined. At the budget: the alerts_daily highest rows of each day are flagged. */
struct tt_evaluation_metrics {
    uint64_t rows, frauds, days;
    double auc, average_precision;
    double card_precision;   /* mean over days of frauds' cards among the K highest / K */
    double recall_at_budget; /* frauds flagged / frauds */
    double precision_at_budget;
    double alerts_daily;                /* flagged at the budget, mean a day */
    uint64_t caught, flagged;           /* at the budget: frauds, rows */
    int64_t caught_minor, missed_minor; /* money of frauds, at the budget */
    uint64_t alerts, alerts_fraud;      /* what the engine alerted */
};

struct tt_evaluation_day {
    int64_t day; /* since the epoch */
    uint32_t rows, frauds, caught, flagged, alerts;
};

struct tt_evaluation_kind {
    char name[TT_EVALUATION_KIND_SIZE];
    uint64_t frauds, caught, alerted; /* caught: at the budget */
};

/* Bins i of equal width over [low, high]; the last is closed. */
struct tt_evaluation_histogram {
    double low, high;
    uint64_t genuine[TT_EVALUATION_BINS], fraud[TT_EVALUATION_BINS];
};

struct tt_evaluation_report {
    struct tt_evaluation_options options;
    tt_currency currency; /* of all rows, or 0 when they differ: then money means nothing */
    uint64_t users;
    int64_t first_ms, last_ms;          /* of all rows; 0 without rows */
    struct tt_evaluation_metrics whole; /* card precision: each day on its own, nobody left out */
    uint32_t fold_count;
    struct tt_evaluation_metrics folds[TT_EVALUATION_FOLDS_MAX];
    struct tt_evaluation_metrics mean; /* of folds: ratios are means, counts are sums */
    uint32_t curve_count;
    struct tt_curve_point curve[TT_CURVE_POINTS_MAX];
    struct tt_evaluation_histogram scores;
    struct tt_evaluation_histogram
        tails; /* of -log10(1 - score); high 0 when a score is not in [0, 1) */
    uint32_t kind_count;
    struct tt_evaluation_kind kinds[TT_EVALUATION_KINDS_MAX];
    size_t day_count;
    const struct tt_evaluation_day *days; /* days that have rows, in order */
};

struct tt_evaluation;

/* 100 alerts and 100 cards a day, UTC, 7 days each of training, delay and test, no folds. */
struct tt_evaluation_options tt_evaluation_options_default(void);
/* First training days as text, "2018-07-25,2018-08-01": sets the folds. TT_E_SYNTAX, TT_E_LIMIT. */
enum tt_status tt_evaluation_folds_parse(struct tt_str text, struct tt_evaluation_options *options,
                                         struct tt_error *err) TT_MUST_USE;
/* *ret is set on success only. */
enum tt_status tt_evaluation_new(const struct tt_alloc *alloc,
                                 const struct tt_evaluation_options *options,
                                 struct tt_evaluation **ret, struct tt_error *err) TT_MUST_USE;
/* evaluation may be NULL. */
void tt_evaluation_free(struct tt_evaluation *evaluation);
/* Takes a row, in any order of time. On failure the row is not taken; it may be tried again. */
enum tt_status tt_evaluation_add(struct tt_evaluation *evaluation,
                                 const struct tt_evaluation_row *row) TT_MUST_USE;
/* Computes the report of the rows so far; more may be added and the report made again. On failure
 * *ret is untouched. */
enum tt_status tt_evaluation_finish(struct tt_evaluation *evaluation,
                                    struct tt_evaluation_report *ret) TT_MUST_USE;

#endif
