/*
 * From records to the report.
 *
 * A set of rows is measured by marking its records and then reading the two orders: the one by
 * score for ranking metrics, the one by day for the budget and the cards. The whole stream is
 * one set, each fold another.
 */
#include "base/math.h"
#include "core/evaluate/records.h"

#include <math.h>
#include <string.h>

/* What is remembered of users while a set is measured. */
struct people {
    uint32_t *seen;  /* stamp of the day whose cards hold the user already */
    uint32_t *fraud; /* stamp of the day on which the user has a fraud */
    uint8_t *out;    /* left out: known to be compromised */
    uint8_t *found;  /* was among the K highest cards of an earlier day, with fraud */
    uint32_t stamp;  /* of the current day; never 0 */
};

static bool is_fraud(const struct tt_record *record)
{
    return (record->flags & TT_RECORD_FRAUD) != 0;
}

/* Sums of money stop at the ends instead of wrapping. */
static void money_add(int64_t *sum, int64_t amount_minor)
{
    if (__builtin_add_overflow(*sum, amount_minor, sum)) {
        *sum = amount_minor > 0 ? INT64_MAX : INT64_MIN;
    }
}

/* ---- one day ---- */

/* Counts the marked rows of the day and flags the highest of them, up to the budget. */
static void day_budget(const struct tt_evaluation *evaluation, const struct tt_orders *orders,
                       const struct tt_day_range *range, struct tt_evaluation_metrics *sum,
                       bool keep_flags)
{
    uint32_t flagged = 0;
    for (uint32_t i = 0; i < range->count; i++) {
        struct tt_record *record = tt_record_at(evaluation, orders->by_day[range->first + i]);
        if (record->mark == 0) {
            continue;
        }
        bool caught = flagged < evaluation->options.alerts_daily;
        flagged += caught ? 1 : 0;
        if (keep_flags) {
            record->flags =
                (uint8_t)((record->flags & ~TT_RECORD_FLAGGED) | (caught ? TT_RECORD_FLAGGED : 0));
        }
        sum->rows++;
        bool alerted = (record->flags & TT_RECORD_ALERTED) != 0;
        sum->alerts += alerted ? 1 : 0;
        if (is_fraud(record)) {
            sum->frauds++;
            sum->caught += caught ? 1 : 0;
            sum->alerts_fraud += alerted ? 1 : 0;
            money_add(caught ? &sum->caught_minor : &sum->missed_minor, record->amount_minor);
        }
    }
    sum->flagged += flagged;
    sum->days += 1;
}

/* Fraud cards among the K highest of the day. A card's score is its highest row, so the first
 * time a user comes up is the card; its label is fraud when any of its rows that day is. */
static uint32_t day_cards(const struct tt_evaluation *evaluation, const struct tt_orders *orders,
                          const struct tt_day_range *range, struct people *people, bool remove)
{
    people->stamp++;
    for (uint32_t i = 0; i < range->count; i++) {
        const struct tt_record *record = tt_record_at(evaluation, orders->by_day[range->first + i]);
        if (record->mark != 0 && is_fraud(record)) {
            people->fraud[record->user] = people->stamp;
        }
    }
    uint32_t cards = 0, hits = 0;
    for (uint32_t i = 0; i < range->count && cards < evaluation->options.cards_daily; i++) {
        const struct tt_record *record = tt_record_at(evaluation, orders->by_day[range->first + i]);
        uint32_t user = record->user;
        if (record->mark == 0 || people->seen[user] == people->stamp ||
            (remove && people->found[user] != 0)) {
            continue;
        }
        people->seen[user] = people->stamp;
        cards++;
        if (people->fraud[user] == people->stamp) {
            hits++;
            people->found[user] = 1;
        }
    }
    return hits;
}

/* ---- a set of rows ---- */

static void ranking_run(const struct tt_evaluation *evaluation, const struct tt_orders *orders,
                        struct tt_ranking *ranking)
{
    for (uint32_t i = 0; i < orders->count; i++) {
        const struct tt_record *record = tt_record_at(evaluation, orders->by_score[i]);
        if (record->mark != 0) {
            tt_ranking_add(ranking, record->score, is_fraud(record));
        }
    }
    tt_ranking_end(ranking);
}

/* Ratios of the sums; hits: fraud cards found over all days. */
static void metrics_close(const struct tt_evaluation *evaluation, uint64_t hits,
                          struct tt_evaluation_metrics *metrics)
{
    double nan = (double)NAN;
    double days = (double)metrics->days;
    metrics->card_precision = nan;
    metrics->alerts_daily = nan;
    if (metrics->rows > 0) {
        metrics->card_precision = (double)hits / evaluation->options.cards_daily / days;
        metrics->alerts_daily = (double)metrics->flagged / days;
    }
    metrics->recall_at_budget =
        metrics->frauds > 0 ? (double)metrics->caught / (double)metrics->frauds : nan;
    metrics->precision_at_budget =
        metrics->flagged > 0 ? (double)metrics->caught / (double)metrics->flagged : nan;
}

/* The marked rows of days[first … end). A fold removes cards once they are found; the whole stream
 * keeps its flags and wants the curve's points. */
struct set {
    size_t first, end;
    bool fold;
    struct tt_curve_point *points;
    uint32_t point_count; /* out */
};

static struct tt_evaluation_metrics measure(const struct tt_evaluation *evaluation,
                                            const struct tt_orders *orders, struct people *people,
                                            struct set *set)
{
    struct tt_evaluation_metrics metrics = {0};
    uint64_t hits = 0;
    for (size_t d = set->first; d < set->end; d++) {
        day_budget(evaluation, orders, &orders->days[d], &metrics, !set->fold);
        hits += day_cards(evaluation, orders, &orders->days[d], people, set->fold);
    }
    struct tt_ranking ranking;
    tt_ranking_init(&ranking, metrics.frauds, set->points);
    ranking_run(evaluation, orders, &ranking);
    set->point_count = ranking.point_count;
    metrics.auc = tt_ranking_auc(&ranking);
    metrics.average_precision = tt_ranking_average_precision(&ranking);
    metrics_close(evaluation, hits, &metrics);
    return metrics;
}

static void mark_all(const struct tt_evaluation *evaluation, uint8_t mark)
{
    for (uint32_t i = 0; i < evaluation->count; i++) {
        tt_record_at(evaluation, i)->mark = mark;
    }
}

/* ---- folds ---- */

/* The first range whose day is not before `day`. */
static size_t range_from(const struct tt_orders *orders, int64_t day)
{
    size_t low = 0, high = orders->day_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (orders->days[middle].day < day) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

/* Leaves out everybody with a fraud on days [from, until). */
static void leave_out(const struct tt_evaluation *evaluation, const struct tt_orders *orders,
                      struct people *people, int64_t from, int64_t until)
{
    size_t end = range_from(orders, until);
    for (size_t d = range_from(orders, from); d < end; d++) {
        const struct tt_day_range *range = &orders->days[d];
        for (uint32_t i = 0; i < range->count; i++) {
            const struct tt_record *record =
                tt_record_at(evaluation, orders->by_day[range->first + i]);
            if (is_fraud(record)) {
                people->out[record->user] = 1;
            }
        }
    }
}

static struct tt_evaluation_metrics fold_measure(const struct tt_evaluation *evaluation,
                                                 const struct tt_orders *orders,
                                                 struct people *people, int64_t start)
{
    const struct tt_evaluation_options *options = &evaluation->options;
    int64_t test = start + options->train_days + options->delay_days;
    int64_t known = start; /* frauds before this day are taken in */
    mark_all(evaluation, 0);
    for (uint32_t u = 0; u < evaluation->user_count; u++) {
        people->out[u] = 0;
        people->found[u] = 0;
    }
    struct set set = {.fold = true, .first = range_from(orders, test)};
    set.end = range_from(orders, test + options->test_days);
    for (size_t d = set.first; d < set.end; d++) {
        const struct tt_day_range *range = &orders->days[d];
        /* On day T the frauds up to T - delay - 1 are known. */
        leave_out(evaluation, orders, people, known, range->day - (int64_t)options->delay_days);
        known = range->day - (int64_t)options->delay_days;
        for (uint32_t i = 0; i < range->count; i++) {
            struct tt_record *record = tt_record_at(evaluation, orders->by_day[range->first + i]);
            record->mark = people->out[record->user] == 0 ? 1 : 0;
        }
    }
    return measure(evaluation, orders, people, &set);
}

/* Means of ratios, sums of counts. */
static void folds_mean(struct tt_evaluation_report *report)
{
    struct tt_evaluation_metrics *mean = &report->mean;
    *mean = (struct tt_evaluation_metrics){0};
    for (uint32_t f = 0; f < report->fold_count; f++) {
        const struct tt_evaluation_metrics *fold = &report->folds[f];
        mean->rows += fold->rows;
        mean->frauds += fold->frauds;
        mean->days += fold->days;
        mean->caught += fold->caught;
        mean->flagged += fold->flagged;
        mean->alerts += fold->alerts;
        mean->alerts_fraud += fold->alerts_fraud;
        money_add(&mean->caught_minor, fold->caught_minor);
        money_add(&mean->missed_minor, fold->missed_minor);
        mean->auc += fold->auc;
        mean->average_precision += fold->average_precision;
        mean->card_precision += fold->card_precision;
        mean->recall_at_budget += fold->recall_at_budget;
        mean->precision_at_budget += fold->precision_at_budget;
        mean->alerts_daily += fold->alerts_daily;
    }
    double count = report->fold_count > 0 ? report->fold_count : (double)NAN;
    mean->auc /= count;
    mean->average_precision /= count;
    mean->card_precision /= count;
    mean->recall_at_budget /= count;
    mean->precision_at_budget /= count;
    mean->alerts_daily /= count;
}

/* ---- days, kinds, histograms ---- */

static void days_fill(const struct tt_evaluation *evaluation, const struct tt_orders *orders,
                      struct tt_evaluation_day *days)
{
    for (size_t d = 0; d < orders->day_count; d++) {
        const struct tt_day_range *range = &orders->days[d];
        days[d] = (struct tt_evaluation_day){.day = range->day, .rows = range->count};
        for (uint32_t i = 0; i < range->count; i++) {
            const struct tt_record *record =
                tt_record_at(evaluation, orders->by_day[range->first + i]);
            bool flagged = (record->flags & TT_RECORD_FLAGGED) != 0;
            days[d].flagged += flagged ? 1 : 0;
            days[d].alerts += (record->flags & TT_RECORD_ALERTED) != 0 ? 1 : 0;
            days[d].frauds += is_fraud(record) ? 1 : 0;
            days[d].caught += is_fraud(record) && flagged ? 1 : 0;
        }
    }
}

/* By name, so that reports can be compared. */
static void kinds_sort(struct tt_evaluation_report *report)
{
    for (uint32_t i = 1; i < report->kind_count; i++) {
        struct tt_evaluation_kind kind = report->kinds[i];
        uint32_t at = i;
        for (; at > 0 && strcmp(kind.name, report->kinds[at - 1].name) < 0; at--) {
            report->kinds[at] = report->kinds[at - 1];
        }
        report->kinds[at] = kind;
    }
}

static void kinds_fill(const struct tt_evaluation *evaluation, struct tt_evaluation_report *report)
{
    report->kind_count = evaluation->kind_count;
    for (uint32_t k = 0; k < evaluation->kind_count; k++) {
        report->kinds[k] = (struct tt_evaluation_kind){0};
        memcpy(report->kinds[k].name, evaluation->kinds[k], TT_EVALUATION_KIND_SIZE);
    }
    for (uint32_t i = 0; i < evaluation->count; i++) {
        const struct tt_record *record = tt_record_at(evaluation, i);
        if (record->kind == 0) {
            continue;
        }
        struct tt_evaluation_kind *kind = &report->kinds[record->kind - 1];
        kind->frauds++;
        kind->caught += (record->flags & TT_RECORD_FLAGGED) != 0 ? 1 : 0;
        kind->alerted += (record->flags & TT_RECORD_ALERTED) != 0 ? 1 : 0;
    }
    kinds_sort(report);
}

static double tail_of(double score)
{
    static const double ln10 = 2.302585092994046;
    return -tt_log1p(-score) / ln10;
}

static void histogram_count(const struct tt_evaluation *evaluation,
                            struct tt_evaluation_histogram *histogram, bool tails)
{
    double width = (histogram->high - histogram->low) / TT_EVALUATION_BINS;
    for (uint32_t i = 0; i < evaluation->count; i++) {
        const struct tt_record *record = tt_record_at(evaluation, i);
        double value = tails ? tail_of(record->score) : record->score;
        double place = width > 0.0 ? (value - histogram->low) / width : 0.0;
        size_t bin = place < TT_EVALUATION_BINS - 1 ? (size_t)place : TT_EVALUATION_BINS - 1;
        if (is_fraud(record)) {
            histogram->fraud[bin]++;
        } else {
            histogram->genuine[bin]++;
        }
    }
}

static void histograms_fill(const struct tt_evaluation *evaluation, const struct tt_orders *orders,
                            struct tt_evaluation_report *report)
{
    report->scores = (struct tt_evaluation_histogram){.high = 1.0};
    report->tails = (struct tt_evaluation_histogram){0};
    if (orders->count == 0) {
        return;
    }
    double high = tt_record_at(evaluation, orders->by_score[0])->score;
    double low = tt_record_at(evaluation, orders->by_score[orders->count - 1])->score;
    if (low < 0.0 || high > 1.0) {
        report->scores.low = low;
        report->scores.high = high;
    }
    histogram_count(evaluation, &report->scores, false);
    if (low >= 0.0 && high < 1.0) {
        double most = tail_of(high);
        report->tails.high = most > 1.0 ? most : 1.0;
        histogram_count(evaluation, &report->tails, true);
    }
}

/* ---- the report ---- */

static void report_fill(struct tt_evaluation *evaluation, const struct tt_orders *orders,
                        struct people *people, struct tt_evaluation_report *report)
{
    report->options = evaluation->options;
    report->currency = evaluation->currencies_differ ? 0 : evaluation->currency;
    report->users = evaluation->user_count;
    report->first_ms = evaluation->first_ms;
    report->last_ms = evaluation->last_ms;
    mark_all(evaluation, 1);
    struct set whole = {.end = orders->day_count, .points = report->curve};
    report->whole = measure(evaluation, orders, people, &whole);
    report->curve_count = whole.point_count;
    report->fold_count = evaluation->options.fold_count;
    for (uint32_t f = 0; f < report->fold_count; f++) {
        report->folds[f] =
            fold_measure(evaluation, orders, people, evaluation->options.fold_starts[f]);
    }
    folds_mean(report);
    days_fill(evaluation, orders, evaluation->days);
    kinds_fill(evaluation, report);
    histograms_fill(evaluation, orders, report);
    report->days = evaluation->days;
    report->day_count = evaluation->day_count;
}

static enum tt_status days_reserve(struct tt_evaluation *evaluation, size_t count)
{
    size_t size = sizeof *evaluation->days;
    struct tt_evaluation_day *days = tt_new_array(&evaluation->alloc, count + 1, size);
    if (days == NULL) {
        return TT_E_NOMEM;
    }
    tt_delete(&evaluation->alloc, evaluation->days, (evaluation->day_count + 1) * size);
    evaluation->days = days;
    evaluation->day_count = count;
    return TT_OK;
}

enum tt_status tt_evaluation_finish(struct tt_evaluation *evaluation,
                                    struct tt_evaluation_report *ret)
{
    const struct tt_alloc *alloc = &evaluation->alloc;
    struct tt_orders orders;
    enum tt_status status = tt_orders_new(evaluation, &orders);
    if (status != TT_OK) {
        return status;
    }
    size_t users = (size_t)evaluation->user_count + 1;
    struct people people = {
        .seen = tt_new_array(alloc, users, sizeof *people.seen),
        .fraud = tt_new_array(alloc, users, sizeof *people.fraud),
        .out = tt_new_array(alloc, users, sizeof *people.out),
        .found = tt_new_array(alloc, users, sizeof *people.found),
    };
    bool all =
        people.seen != NULL && people.fraud != NULL && people.out != NULL && people.found != NULL;
    status = all ? days_reserve(evaluation, orders.day_count) : TT_E_NOMEM;
    if (status == TT_OK) {
        report_fill(evaluation, &orders, &people, ret);
    }
    tt_delete(alloc, people.seen, users * sizeof *people.seen);
    tt_delete(alloc, people.fraud, users * sizeof *people.fraud);
    tt_delete(alloc, people.out, users * sizeof *people.out);
    tt_delete(alloc, people.found, users * sizeof *people.found);
    tt_orders_free(evaluation, &orders);
    return status;
}
