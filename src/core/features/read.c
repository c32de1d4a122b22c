/*
 * Reading features: means, deviations and quantiles from exact integers, and what is looked up in
 * rows.
 *
 * The standard deviation is taken around the integer part of the mean: sum (x - m)^2 is exact in
 * 128 bits, so nothing cancels however large the amounts are.
 */
#include "core/features/read.h"

#include <string.h>

#include "base/math.h"
#include "core/features/fold.h"
#include "core/features/read_panes.h"

typedef __int128 wide;

#define DEGREE_SCALE 1e7
#define ELAPSED_MS_MIN 1000
#define PRIOR_EVENTS 5.0

static const void *value_at(const struct tt_reading *reading, uint16_t index)
{
    const struct plan_value *value = &reading->store->plan->values[index];
    if (value->by_currency && reading->money == NULL) {
        return NULL;
    }
    return tt_entity_value(reading->store, reading->entity, reading->money, value);
}

/* What the window's panes hold for an item, or NULL. */
static const void *in_panes(const struct tt_reading *reading, const struct plan_item *item)
{
    const struct tt_panes *panes = reading->entity->panes;
    tt_currency currency = item->by_currency ? tt_row_currency(reading->row) : 0;
    struct tt_series *series = tt_panes_find(panes, item->span, currency);
    return series == NULL ? NULL : tt_series_item(series, item);
}

/* The same for a running value; NULL for the many entities that have no panes. */
static const void *panes_at(const struct tt_reading *reading, uint16_t index)
{
    const struct plan_step *plan = reading->store->plan;
    return reading->entity->panes == NULL
               ? NULL
               : in_panes(reading, &plan->items[plan->values[index].item]);
}

/* How many events the window's panes hold. */
static int64_t events_in_panes(const struct tt_reading *reading, uint32_t span)
{
    const struct tt_panes *panes = reading->entity->panes;
    return panes == NULL ? 0 : (int64_t)panes->spans[span].series->events;
}

int64_t tt_read_count(const struct tt_reading *reading, const struct plan_read *read,
                      uint16_t index)
{
    if (index == PLAN_NONE) {
        struct tt_edges edges = tt_entity_edges(reading->entity)[read->span];
        return (int64_t)edges.high - edges.low + events_in_panes(reading, read->span);
    }
    const int64_t *count = value_at(reading, index), *older = panes_at(reading, index);
    return (count == NULL ? 0 : *count) + (older == NULL ? 0 : *older);
}

/* Most sums fit a word, whose conversion is an instruction and not a call. */
static inline double from_wide(wide sum)
{
    int64_t narrow = (int64_t)sum;
    return narrow == sum ? (double)narrow : (double)sum;
}

static wide wide_of(const struct tt_reading *reading, uint16_t index)
{
    wide sum = 0, more = 0;
    const void *at = value_at(reading, index), *older = panes_at(reading, index);
    if (at != NULL) {
        memcpy(&sum, at, sizeof(sum));
    }
    if (older != NULL) {
        memcpy(&more, older, sizeof(more));
    }
    return sum + more;
}

/* Integer units per unit of the feature. */
static double scale_of(const struct tt_reading *reading, uint8_t field)
{
    static const double POWERS[] = {1.0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6};
    if (field == FIELD_AMOUNT || field == FIELD_AMOUNT_BASE) {
        tt_currency base = reading->store->plan->base_currency;
        uint8_t exponent =
            tt_currency_exponent(field == FIELD_AMOUNT ? tt_row_currency(reading->row) : base);
        TT_ASSERT(exponent < TT_ARRAY_SIZE(POWERS));
        return POWERS[exponent];
    }
    return field == FIELD_LOG_AMOUNT ? TT_LOG_SCALE : TT_NUMBER_SCALE;
}

static bool read_std(const struct tt_reading *reading, const struct plan_read *read, double *ret)
{
    int64_t n = tt_read_count(reading, read, read->count);
    if (n < 2) {
        return false;
    }
    wide sum = wide_of(reading, read->sum), squares = wide_of(reading, read->squares);
    wide mean = sum / n, rest = sum - mean * n;
    wide around = squares - 2 * mean * sum + mean * mean * n;
    double deviation = from_wide(around) - from_wide(rest) * from_wide(rest) / (double)n;
    double variance = deviation > 0.0 ? deviation / (double)(n - 1) : 0.0;
    *ret = tt_sqrt(variance) / scale_of(reading, read->field);
    return true;
}

static bool read_moments(const struct tt_reading *reading, const struct plan_read *read,
                         double *ret)
{
    double scale = scale_of(reading, read->field);
    double sum = from_wide(wide_of(reading, read->sum));
    if (read->aggregate == TT_AGGREGATE_SUM) {
        *ret = sum / scale;
        return true;
    }
    int64_t n = tt_read_count(reading, read, read->count);
    if (n == 0) {
        return false;
    }
    *ret = sum / ((double)n * scale);
    return true;
}

/* A young entity has no usual value yet: mixing in PRIOR_EVENTS of this event's own pulls the ratio
 * to 1 until there are more of others. */
static bool read_ratio(const struct tt_reading *reading, const struct plan_read *read, double *ret)
{
    int64_t value = 0;
    if (!tt_row_value(reading->row, read->field, read->word, &value)) {
        return false;
    }
    double own = (double)value, n = (double)tt_read_count(reading, read, read->count);
    double mean =
        (from_wide(wide_of(reading, read->sum)) + PRIOR_EVENTS * own) / (n + PRIOR_EVENTS);
    *ret = own / mean;
    return mean > 0.0 || mean < 0.0;
}

static bool read_order(const struct tt_reading *reading, const struct plan_read *read, double *ret)
{
    const struct tt_bag *bag = value_at(reading, read->bag);
    const struct tt_tally_sum *older = panes_at(reading, read->bag);
    double value = 0.0;
    if (older != NULL && older->total > 0) {
        enum tt_tally_scale scale =
            read->field == FIELD_LOG_AMOUNT ? TT_TALLY_LOGARITHM : TT_TALLY_RELATIVE;
        value = tt_tally_order(bag, older, scale, read->aggregate, read->quantile);
        *ret = value / scale_of(reading, read->field);
        return true;
    }
    if (bag == NULL || bag->count == 0) {
        return false;
    }
    switch (read->aggregate) {
    case TT_AGGREGATE_MIN:
        value = (double)bag->values[0];
        break;
    case TT_AGGREGATE_MAX:
        value = (double)bag->values[bag->count - 1];
        break;
    case TT_AGGREGATE_MAD:
        value = tt_bag_mad(bag);
        break;
    default: /* median, quantile */
        value = tt_bag_quantile(bag, read->quantile);
        break;
    }
    *ret = value / scale_of(reading, read->field);
    return true;
}

static bool read_distinct(const struct tt_reading *reading, const struct plan_read *read,
                          double *ret)
{
    const struct tt_bag *bag = value_at(reading, read->bag);
    if (read->aggregate == TT_AGGREGATE_COUNT_DISTINCT) {
        const struct tt_distinct_window *older = panes_at(reading, read->bag);
        *ret = older == NULL ? (double)bag->distinct : tt_panes_distinct(bag, older);
        return true;
    }
    /* Of an entity with panes: the share among the rows it keeps one by one. */
    int64_t value = reading->row[read->word];
    if (bag->count == 0 || value == TT_ROW_MISSING) {
        return false;
    }
    *ret = (double)tt_bag_count_of(bag, value) / (double)bag->count;
    return true;
}

static bool read_share(const struct tt_reading *reading, const struct plan_read *read, double *ret)
{
    int64_t total = tt_read_count(reading, read, read->total);
    if (total == 0) {
        return false;
    }
    *ret = (double)tt_read_count(reading, read, read->count) / (double)total;
    return true;
}

static bool passes(const struct plan_read *read, const int64_t *row)
{
    return (tt_row_bits(row) & read->filter_mask) == read->filter_mask;
}

/* The first or last row of the panes, whichever the feature looks for; NULL also where there are no
 * panes. */
static const int64_t *row_in_panes(const struct tt_reading *reading, const struct plan_read *read)
{
    const struct tt_panes *panes = reading->entity->panes;
    if (panes == NULL) {
        return NULL;
    }
    const struct plan_item *item = &reading->store->plan->items[read->look];
    tt_currency currency = item->by_currency ? tt_row_currency(reading->row) : 0;
    return tt_panes_row(&panes->spans[item->span], tt_panes_find(panes, item->span, currency),
                        item);
}

/* The newest row of the window that passes the filter and has the field (in the event's currency
 * where it is an amount), or NULL. */
static const int64_t *last_row(const struct tt_reading *reading, const struct plan_read *read)
{
    struct tt_edges edges = tt_entity_edges(reading->entity)[read->span];
    bool money = read->field == FIELD_AMOUNT || read->field == FIELD_LOG_AMOUNT;
    for (uint32_t i = edges.high; i > edges.low; i--) {
        const int64_t *row = tt_entity_row(reading->store, reading->entity, i - 1);
        int64_t value = 0;
        bool there = tt_row_value(row, read->field, read->word, &value) &&
                     (!money || tt_row_currency(row) == tt_row_currency(reading->row));
        if (there && passes(read, row)) {
            return row;
        }
    }
    return row_in_panes(reading, read);
}

static bool read_age(const struct tt_reading *reading, const struct plan_read *read, double *ret)
{
    struct tt_edges edges = tt_entity_edges(reading->entity)[read->span];
    const int64_t *oldest = row_in_panes(reading, read);
    if (oldest != NULL) {
        *ret = (double)(reading->t_ms - oldest[TT_ROW_TIME]) / read->divisor;
        return true;
    }
    for (uint32_t i = edges.low; i < edges.high; i++) {
        const int64_t *row = tt_entity_row(reading->store, reading->entity, i);
        if (passes(read, row)) {
            *ret = (double)(reading->t_ms - row[TT_ROW_TIME]) / read->divisor;
            return true;
        }
    }
    return false;
}

static void degrees(int64_t position, double *ret_latitude, double *ret_longitude)
{
    *ret_latitude = (double)(int32_t)((uint64_t)position >> 32) / DEGREE_SCALE;
    *ret_longitude = (double)(int32_t)(uint32_t)(uint64_t)position / DEGREE_SCALE;
}

static bool read_movement(const struct tt_reading *reading, const struct plan_read *read,
                          double *ret)
{
    const int64_t *row = NULL;
    if (reading->row[read->word] != TT_ROW_MISSING) {
        row = last_row(reading, read);
    }
    if (row == NULL) {
        return false;
    }
    double latitude = 0.0, longitude = 0.0, last_latitude = 0.0, last_longitude = 0.0;
    degrees(reading->row[read->word], &latitude, &longitude);
    degrees(row[read->word], &last_latitude, &last_longitude);
    double km = tt_distance_km(last_latitude, last_longitude, latitude, longitude);
    if (read->aggregate == TT_AGGREGATE_DISTANCE_KM_FROM_LAST) {
        *ret = km;
        return true;
    }
    int64_t elapsed_ms = reading->t_ms - row[TT_ROW_TIME];
    elapsed_ms = elapsed_ms < ELAPSED_MS_MIN ? ELAPSED_MS_MIN : elapsed_ms;
    *ret = km * (double)TT_MS_PER_HOUR / (double)elapsed_ms;
    return true;
}

static bool read_previous(const struct tt_reading *reading, const struct plan_read *read,
                          double *ret)
{
    const int64_t *row = last_row(reading, read);
    int64_t value = 0;
    if (row == NULL) {
        return false;
    }
    if (read->aggregate == TT_AGGREGATE_SECONDS_SINCE_LAST) {
        *ret = (double)(reading->t_ms - row[TT_ROW_TIME]) / 1000.0;
        return true;
    }
    if (!tt_row_value(row, read->field, read->word, &value)) {
        return false;
    }
    *ret = (double)value / scale_of(reading, read->field);
    return true;
}

/* With the event its own odds, without it the entity's. */
static bool read_takeover(const struct tt_reading *reading, const struct plan_read *read,
                          double *ret)
{
    const struct plan_fold *fold = &reading->store->plan->folds[read->fold];
    if (!read->exclude_current) {
        return tt_fold_event_odds(fold, reading->row, ret);
    }
    uint32_t at = tt_entity_edges(reading->entity)[read->span].high;
    *ret = tt_fold_odds(reading->store, reading->entity, fold, at, reading->t_ms);
    return true;
}

bool tt_read_feature(struct tt_reading *reading, const struct plan_read *read, double *ret)
{
    if (read->fold != PLAN_NONE && (!reading->is_folded || reading->entity->panes != NULL)) {
        return false;
    }
    switch (read->aggregate) {
    case TT_AGGREGATE_COUNT:
        *ret = (double)tt_read_count(reading, read, read->count);
        return true;
    case TT_AGGREGATE_SUM:
    case TT_AGGREGATE_MEAN:
        return read_moments(reading, read, ret);
    case TT_AGGREGATE_RATIO_TO_MEAN:
        return read_ratio(reading, read, ret);
    case TT_AGGREGATE_STD:
        return read_std(reading, read, ret);
    case TT_AGGREGATE_COUNT_DISTINCT:
    case TT_AGGREGATE_SHARE_OF_VALUE:
        return read_distinct(reading, read, ret);
    case TT_AGGREGATE_SHARE:
        return read_share(reading, read, ret);
    case TT_AGGREGATE_FRAUD_SHARE:
    case TT_AGGREGATE_FRAUD_COUNT:
    case TT_AGGREGATE_SINCE_LAST_FRAUD:
    case TT_AGGREGATE_SINCE_FIRST_FRAUD:
    case TT_AGGREGATE_FRAUD_RUN_LENGTH:
    case TT_AGGREGATE_FRAUD_RUN_AGE:
    case TT_AGGREGATE_SINCE_LAST_GENUINE:
        return tt_read_labels(reading, read, ret);
    case TT_AGGREGATE_SURPRISE_COUNT:
        *ret = (double)tt_read_count(reading, read, read->count);
        return true;
    case TT_AGGREGATE_SURPRISE:
        return tt_fold_surprise(&reading->store->plan->folds[read->fold], reading->row, ret);
    case TT_AGGREGATE_TAKEOVER:
        return read_takeover(reading, read, ret);
    case TT_AGGREGATE_FIRST_SEEN:
        return read_age(reading, read, ret);
    case TT_AGGREGATE_SECONDS_SINCE_LAST:
    case TT_AGGREGATE_LAST:
        return read_previous(reading, read, ret);
    case TT_AGGREGATE_DISTANCE_KM_FROM_LAST:
    case TT_AGGREGATE_SPEED_KMH_FROM_LAST:
        return read_movement(reading, read, ret);
    default:
        return read_order(reading, read, ret);
    }
}
