/*
 * Reading what is known about earlier events: how many frauds, since when, and in which run.
 */
#include "core/features/read.h"

static uint32_t count_frauds(const struct tt_reading *reading, const struct plan_read *read)
{
    const struct plan_value *value = &reading->store->plan->values[read->frauds];
    return tt_frauds_at(tt_entity_value(reading->store, reading->entity, NULL, value),
                        reading->t_ms);
}

static bool read_share(const struct tt_reading *reading, const struct plan_read *read, double *ret)
{
    int64_t total = tt_read_count(reading, read, read->total);
    if (total == 0) {
        return false;
    }
    /* Frauds count to the millisecond, events of panes by the pane: never more than all. */
    double frauds = (double)count_frauds(reading, read);
    *ret = frauds < (double)total ? frauds / (double)total : 1.0;
    return true;
}

/* Whether a fraud counts in the period now; then *ret_ms is the time that places it there. */
static bool counts(const struct tt_reading *reading, const struct plan_read *read,
                   const struct tt_fraud_row *fraud, int64_t *ret_ms)
{
    const struct plan_period *period = &reading->store->plan->periods[read->period];
    int64_t start_ms = 0, end_ms = 0;
    if ((fraud->bits & read->filter_mask) != read->filter_mask ||
        !tt_period_interval(period, fraud, &start_ms, &end_ms) || reading->t_ms < start_ms ||
        reading->t_ms >= end_ms) {
        return false;
    }
    *ret_ms = period->known ? start_ms : fraud->time_ms;
    return true;
}

/* The time of the first or last fraud of the period. By event time the rows are in that order and
 * the first that counts is it; by known time each has to be looked at. */
static bool read_since(const struct tt_reading *reading, const struct plan_read *read, double *ret)
{
    const struct tt_labels *labels = &reading->entity->labels;
    const struct plan_period *period = &reading->store->plan->periods[read->period];
    bool last = read->aggregate == TT_AGGREGATE_SINCE_LAST_FRAUD, found = false;
    int64_t high_ms = reading->t_ms - (period->known ? 0 : period->delay_ms);
    int64_t low_ms = reading->t_ms - period->delay_ms - period->window_ms, best_ms = 0;
    if (labels->frauds.count == 0) {
        return false;
    }
    uint32_t begin = tt_labels_seek_fraud(labels, low_ms + 1, 0);
    uint32_t end = tt_labels_seek_fraud(labels, high_ms + 1, 0);
    for (uint32_t i = begin; i < end && (period->known || !found); i++) {
        int64_t at_ms = 0;
        uint32_t at = last ? end - 1 - (i - begin) : i;
        if (counts(reading, read, tt_labels_fraud(labels, at), &at_ms)) {
            bool better = !found || (last ? at_ms > best_ms : at_ms < best_ms);
            best_ms = better ? at_ms : best_ms;
            found = true;
        }
    }
    *ret = found ? (double)(reading->t_ms - best_ms) / read->divisor : *ret;
    return found;
}

static bool read_run(struct tt_reading *reading, const struct plan_read *read, double *ret)
{
    struct tt_run *run = &reading->run;
    if (!run->known || reading->run_index != read->run) {
        *run = tt_entity_run(reading->store, reading->entity, read->run, reading->t_ms);
        reading->run_index = read->run;
    }
    int64_t since_ms = read->aggregate == TT_AGGREGATE_SINCE_LAST_GENUINE ? run->genuine_ms
                       : run->length > 0                                  ? run->first_ms
                                                                          : TT_TIME_NONE;
    if (read->aggregate == TT_AGGREGATE_FRAUD_RUN_LENGTH) {
        *ret = (double)run->length;
    } else if (since_ms != TT_TIME_NONE) {
        *ret = (double)(reading->t_ms - since_ms) / read->divisor;
    }
    return read->aggregate == TT_AGGREGATE_FRAUD_RUN_LENGTH || since_ms != TT_TIME_NONE;
}

bool tt_read_labels(struct tt_reading *reading, const struct plan_read *read, double *ret)
{
    switch (read->aggregate) {
    case TT_AGGREGATE_FRAUD_SHARE:
        return read_share(reading, read, ret);
    case TT_AGGREGATE_FRAUD_COUNT:
        *ret = (double)count_frauds(reading, read);
        return true;
    case TT_AGGREGATE_SINCE_LAST_FRAUD:
    case TT_AGGREGATE_SINCE_FIRST_FRAUD:
        return read_since(reading, read, ret);
    default:
        return read_run(reading, read, ret);
    }
}
