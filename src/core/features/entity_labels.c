/*
 * Labels of an entity: each finds its event's row, and moves the times at which frauds count.
 *
 * A label changes what all labels of its event mean together, so those are taken out of every
 * window, the label is put among them, and they are put back.
 */
#include "core/features/entity.h"

/* The frauds of one event's labels [begin, end) are added (+1) to the windows or taken (-1). */
static void apply_frauds(struct tt_entity_store *store, struct tt_entity *entity, uint32_t begin,
                         uint32_t end, int sign)
{
    const struct plan_step *plan = store->plan;
    for (uint32_t v = 0; v < plan->value_count; v++) {
        const struct plan_value *value = &plan->values[v];
        const struct plan_span *span = &plan->spans[value->span];
        struct tt_frauds *frauds = (void *)(tt_entity_values(store, entity) + value->offset);
        for (uint32_t i = begin; value->kind == VALUE_FRAUDS && i < end; i++) {
            int64_t start_ms = 0, end_ms = 0;
            bool passes = (entity->labels.rows[i].bits & value->filter_mask) == value->filter_mask;
            if (!passes || !tt_labels_interval(&entity->labels, i, end, span->window_ms,
                                               span->delay_ms, &start_ms, &end_ms)) {
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

void tt_entity_trim_labels(struct tt_entity_store *store, struct tt_entity *entity)
{
    const struct tt_labels *labels = &entity->labels;
    uint32_t count = 0;
    while (count < labels->count) {
        const struct tt_label_row *label = &labels->rows[count];
        int64_t event[2] = {label->time_ms, tt_row_tag(label->id, 0, 0)};
        if (entity->begin < entity->end &&
            !tt_row_before(event, tt_entity_row(store, entity, entity->begin))) {
            break;
        }
        uint32_t begin = 0, end = 0;
        tt_labels_find(labels, label->time_ms, label->id, &begin, &end);
        apply_frauds(store, entity, begin, end, -1);
        count = end;
    }
    if (count > 0) {
        tt_labels_drop(&entity->labels, count);
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
        tt_labels_reserve(&entity->labels, store->alloc, entity->labels.count + 1, &store->bytes);
    for (uint32_t v = 0; v < store->plan->value_count && status == TT_OK; v++) {
        const struct plan_value *value = &store->plan->values[v];
        if (value->kind == VALUE_FRAUDS) {
            struct tt_frauds *frauds = (void *)(tt_entity_values(store, entity) + value->offset);
            status = tt_frauds_reserve(frauds, store->alloc, frauds->count + of_event + 1,
                                       &store->bytes);
        }
    }
    return status;
}

enum tt_status tt_entity_label(struct tt_entity_store *store, struct tt_entity *entity,
                               const struct tt_label_row *label, bool *ret_applied)
{
    const int64_t *row = find_row(store, entity, label->time_ms, label->id);
    uint32_t begin = 0, end = 0;
    tt_labels_find(&entity->labels, label->time_ms, label->id, &begin, &end);
    *ret_applied = row != NULL && end - begin < TT_LABELS_PER_EVENT_MAX;
    if (!*ret_applied) {
        return TT_OK;
    }
    enum tt_status status = reserve_label(store, entity, end - begin);
    if (status != TT_OK) {
        return status;
    }
    struct tt_label_row added = *label;
    added.bits = tt_row_bits(row);
    apply_frauds(store, entity, begin, end, -1);
    end += tt_labels_add(&entity->labels, &added) ? 1 : 0;
    apply_frauds(store, entity, begin, end, 1);
    return TT_OK;
}
