/*
 * Reading what is known about earlier events: how many frauds, since when, and in which run.
 *
 * A run is read backwards from the window's newer edge and ends at the first event that is not a
 * fraud, so what it costs is the frauds in it. Events old enough are known one way or the other,
 * and rows and labels are walked side by side; younger ones only where they have a label.
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

/* Takes one event into a run that is read backwards; true when it ends it. */
static bool note(struct tt_run *run, uint8_t kind, int64_t time_ms)
{
    if (kind == TT_LABEL_FRAUD) {
        run->length++;
        run->first_ms = time_ms;
    } else if (kind == TT_LABEL_GENUINE) {
        run->genuine_ms = time_ms;
        return true;
    }
    return false;
}

/* Events younger than the horizon are unknown unless labelled: labels alone are walked, backwards
 * from *label. True when the run has ended. */
static bool walk_young(const struct tt_reading *reading, uint16_t mask, int64_t down_to_ms,
                       uint32_t *label, struct tt_run *run)
{
    const struct tt_labels *labels = &reading->entity->labels;
    while (*label > 0 && tt_labels_row(labels, *label - 1)->time_ms > down_to_ms) {
        uint32_t end = *label, begin = tt_labels_event_begin(labels, end);
        const struct tt_label_row *row = tt_labels_row(labels, begin);
        *label = begin;
        if ((row->bits & mask) == mask &&
            note(run, tt_labels_say(labels, begin, end, reading->t_ms), row->time_ms)) {
            return true;
        }
    }
    return false;
}

/* Older ones are all known: what is not a fraud is taken for genuine. */
static void walk_old(const struct tt_reading *reading, uint16_t mask, struct tt_edges rows,
                     uint32_t label, struct tt_run *run)
{
    const struct tt_labels *labels = &reading->entity->labels;
    for (uint32_t i = rows.high; i > rows.low; i--) {
        const int64_t *row = tt_entity_row(reading->store, reading->entity, i - 1);
        uint32_t end = label;
        while (label > 0 && tt_labels_row(labels, label - 1)->time_ms == row[TT_ROW_TIME] &&
               tt_labels_row(labels, label - 1)->id == tt_row_id(row)) {
            label--;
        }
        if ((tt_row_bits(row) & mask) != mask) {
            continue;
        }
        uint8_t kind = tt_labels_say(labels, label, end, reading->t_ms);
        if (note(run, kind == TT_LABEL_FRAUD ? kind : TT_LABEL_GENUINE, row[TT_ROW_TIME])) {
            return;
        }
    }
}

/* The first of the rows [low, high) that is younger than time_ms. */
static uint32_t first_after(const struct tt_reading *reading, struct tt_edges rows, int64_t time_ms)
{
    while (rows.low < rows.high) {
        uint32_t middle = rows.low + (rows.high - rows.low) / 2;
        if (tt_entity_row(reading->store, reading->entity, middle)[TT_ROW_TIME] <= time_ms) {
            rows.low = middle + 1;
        } else {
            rows.high = middle;
        }
    }
    return rows.low;
}

static void walk(const struct tt_reading *reading, const struct plan_read *read, struct tt_run *run)
{
    const struct plan_step *plan = reading->store->plan;
    const struct plan_span *span = &plan->spans[read->span];
    const struct tt_entity *entity = reading->entity;
    struct tt_edges rows = tt_entity_edges(entity)[read->span];
    int64_t horizon_ms = reading->t_ms - plan->horizon_ms;
    int64_t low_ms = reading->t_ms - span->delay_ms - span->window_ms;
    uint32_t label = entity->labels.rows.count;
    *run = (struct tt_run){.span = read->span,
                           .filter_mask = read->filter_mask,
                           .known = true,
                           .genuine_ms = TT_TIME_NONE};
    if (label > 0 && rows.high < entity->end) {
        const int64_t *row = tt_entity_row(reading->store, entity, rows.high);
        label = tt_labels_seek(&entity->labels, row[TT_ROW_TIME], tt_row_id(row));
    }
    if (!walk_young(reading, read->filter_mask, low_ms > horizon_ms ? low_ms : horizon_ms, &label,
                    run)) {
        if (span->delay_ms < plan->horizon_ms) {
            rows.high = first_after(reading, rows, horizon_ms);
        }
        walk_old(reading, read->filter_mask, rows, label, run);
    }
}

static bool read_run(struct tt_reading *reading, const struct plan_read *read, double *ret)
{
    struct tt_run *run = &reading->run;
    if (!run->known || run->span != read->span || run->filter_mask != read->filter_mask) {
        walk(reading, read, run);
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
