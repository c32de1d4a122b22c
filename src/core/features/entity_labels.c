/*
 * Labels of an entity: each finds its event's row, and moves the times at which frauds count.
 *
 * A label changes what all labels of its event mean together, so the frauds of that event are taken
 * out of every period, the label is put among its labels, and its frauds are put back.
 */
#include "core/features/entity.h"

#include "core/features/panes.h"

bool tt_period_interval(const struct plan_period *period, const struct tt_fraud_row *fraud,
                        int64_t *ret_start_ms, int64_t *ret_end_ms)
{
    int64_t enters_ms = fraud->time_ms + period->delay_ms;
    int64_t leaves_ms = enters_ms + period->window_ms;
    if (period->known) {
        enters_ms = fraud->time_ms;
    }
    int64_t start_ms = fraud->from_ms > enters_ms ? fraud->from_ms : enters_ms;
    if (period->known && start_ms < leaves_ms - period->window_ms) {
        leaves_ms = start_ms + period->window_ms;
    }
    *ret_start_ms = start_ms;
    *ret_end_ms = fraud->to_ms < leaves_ms ? fraud->to_ms : leaves_ms;
    return *ret_start_ms < *ret_end_ms;
}

/* Fraud rows [begin, end) are added (+1) to the periods or taken out (-1). */
static void apply_frauds(struct tt_entity_store *store, struct tt_entity *entity, uint32_t begin,
                         uint32_t end, int sign)
{
    const struct plan_step *plan = store->plan;
    for (uint32_t v = plan->frauds_begin; v < plan->value_count; v++) {
        const struct plan_value *value = &plan->values[v];
        const struct plan_period *period = &plan->periods[value->span];
        struct tt_frauds *frauds = (void *)(tt_entity_values(store, entity) + value->offset);
        for (uint32_t i = begin; i < end; i++) {
            const struct tt_fraud_row *row = tt_labels_fraud(&entity->labels, i);
            int64_t start_ms = 0, end_ms = 0;
            if ((row->bits & value->filter_mask) != value->filter_mask ||
                !tt_period_interval(period, row, &start_ms, &end_ms)) {
                continue;
            }
            if (sign > 0) {
                tt_frauds_add(frauds, start_ms, end_ms);
            } else {
                tt_frauds_remove(frauds, start_ms, end_ms);
            }
        }
    }
}

/* An event is held as a row, or in a pane while a window may reach it. */
void tt_entity_trim_labels(struct tt_entity_store *store, struct tt_entity *entity,
                           int64_t oldest_ms)
{
    int64_t time_ms = INT64_MAX;
    uint32_t id = UINT32_MAX;
    if (entity->panes != NULL) {
        time_ms = oldest_ms + 1;
        id = 0;
    } else if (entity->begin < entity->end) {
        const int64_t *row = tt_entity_row(store, entity, entity->begin);
        time_ms = row[TT_ROW_TIME];
        id = tt_row_id(row);
    }
    const struct tt_label_row *first = tt_labels_row(&entity->labels, 0);
    if (first->time_ms < time_ms || (first->time_ms == time_ms && first->id < id)) {
        apply_frauds(store, entity, 0, tt_labels_seek_fraud(&entity->labels, time_ms, id), -1);
        tt_labels_drop(&entity->labels, time_ms, id);
    }
}

/* The row of an event, or NULL. */
static const int64_t *find_row(const struct tt_entity_store *store, const struct tt_entity *entity,
                               int64_t time_ms, uint32_t id)
{
    int64_t event[2] = {time_ms, tt_row_tag(id, 0, 0)};
    uint32_t low = entity->begin, high = entity->end;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (tt_row_before(tt_entity_row(store, entity, middle), event)) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    if (low == entity->end) {
        return NULL;
    }
    const int64_t *row = tt_entity_row(store, entity, low);
    return row[TT_ROW_TIME] == time_ms && tt_row_id(row) == id ? row : NULL;
}

static enum tt_status reserve_label(struct tt_entity_store *store, struct tt_entity *entity,
                                    uint32_t of_event)
{
    enum tt_status status =
        tt_labels_reserve(&entity->labels, store->alloc, of_event, &store->bytes);
    for (uint32_t v = store->plan->frauds_begin; v < store->plan->value_count && status == TT_OK;
         v++) {
        const struct plan_value *value = &store->plan->values[v];
        struct tt_frauds *frauds = (void *)(tt_entity_values(store, entity) + value->offset);
        status = tt_frauds_reserve(frauds, store->alloc, frauds->count + of_event / 2 + 1,
                                   &store->bytes);
    }
    return status;
}

/* One past the last fraud row of the event whose first would be `begin`. */
static uint32_t frauds_end(const struct tt_labels *labels, uint32_t begin, int64_t time_ms,
                           uint32_t id)
{
    uint32_t end = begin;
    while (end < labels->frauds.count && tt_labels_fraud(labels, end)->time_ms == time_ms &&
           tt_labels_fraud(labels, end)->id == id) {
        end++;
    }
    return end;
}

/* A pane does not say which events are in it: a label of one that was too late to be absorbed, and
 * that is older than the rows, counts as well. */
static bool is_in_panes(const struct tt_entity_store *store, const struct tt_entity *entity,
                        const struct tt_label_row *label)
{
    int64_t event[2] = {label->time_ms, tt_row_tag(label->id, 0, 0)};
    return entity->panes != NULL && entity->begin < entity->end &&
           tt_row_before(event, tt_entity_row(store, entity, entity->begin)) &&
           tt_panes_cover(store, entity, label->time_ms);
}

static enum tt_status put_label(struct tt_entity_store *store, struct tt_entity *entity,
                                const struct tt_label_row *label, bool *ret_applied)
{
    struct tt_labels *labels = &entity->labels;
    uint32_t begin = 0, end = 0;
    tt_labels_find(labels, label->time_ms, label->id, &begin, &end);
    *ret_applied = end - begin < TT_LABELS_PER_EVENT_MAX;
    if (!*ret_applied) {
        return TT_OK;
    }
    enum tt_status status = reserve_label(store, entity, end - begin);
    if (status != TT_OK) {
        return status;
    }
    tt_entity_forget_runs(store, entity, label->time_ms, false);
    uint32_t first = tt_labels_seek_fraud(labels, label->time_ms, label->id);
    apply_frauds(store, entity, first, frauds_end(labels, first, label->time_ms, label->id), -1);
    tt_labels_add(labels, label);
    apply_frauds(store, entity, first, frauds_end(labels, first, label->time_ms, label->id), 1);
    return TT_OK;
}

enum tt_status tt_entity_label(struct tt_entity_store *store, struct tt_entity *entity,
                               const struct tt_label_row *label, bool *ret_applied)
{
    const int64_t *row = find_row(store, entity, label->time_ms, label->id);
    struct tt_label_row added = *label;
    *ret_applied = false;
    if (row != NULL) {
        added.bits = tt_row_bits(row);
    }
    return row != NULL || is_in_panes(store, entity, label)
               ? put_label(store, entity, &added, ret_applied)
               : TT_OK;
}

enum tt_status tt_entity_label_again(struct tt_entity_store *store, struct tt_entity *entity,
                                     const struct tt_label_row *label, bool *ret_applied)
{
    bool held = entity->panes != NULL || find_row(store, entity, label->time_ms, label->id) != NULL;
    *ret_applied = false;
    return held ? put_label(store, entity, label, ret_applied) : TT_OK;
}
