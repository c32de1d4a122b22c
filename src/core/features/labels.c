/* Labels in event order, and the frauds that follow from them. */
#include "core/features/labels.h"

#define ROW_SIZE sizeof(struct tt_label_row)
#define FRAUD_SIZE sizeof(struct tt_fraud_row)

enum tt_status tt_labels_reserve(struct tt_labels *labels, const struct tt_alloc *alloc,
                                 uint32_t of_event, uint64_t *bytes)
{
    enum tt_status status = tt_strip_reserve(&labels->rows, alloc, ROW_SIZE, 1, bytes);
    /* An event is a fraud at most every other label. */
    return status == TT_OK
               ? tt_strip_reserve(&labels->frauds, alloc, FRAUD_SIZE, of_event / 2 + 1, bytes)
               : status;
}

void tt_labels_deinit(struct tt_labels *labels, const struct tt_alloc *alloc, uint64_t *bytes)
{
    tt_strip_deinit(&labels->rows, alloc, ROW_SIZE, bytes);
    tt_strip_deinit(&labels->frauds, alloc, FRAUD_SIZE, bytes);
}

static bool is_before(int64_t time_ms, uint32_t id, int64_t other_ms, uint32_t other_id)
{
    return time_ms < other_ms || (time_ms == other_ms && id < other_id);
}

/* The first item of an event not before (time, id); both kinds begin with the time. */
static uint32_t seek(const struct tt_strip *strip, size_t size, size_t id_at, int64_t time_ms,
                     uint32_t id)
{
    uint32_t low = 0, high = strip->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        const char *item = tt_strip_item(strip, size, middle);
        if (is_before(*(const int64_t *)(const void *)item,
                      *(const uint32_t *)(const void *)(item + id_at), time_ms, id)) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

uint32_t tt_labels_seek(const struct tt_labels *labels, int64_t time_ms, uint32_t id)
{
    return seek(&labels->rows, ROW_SIZE, offsetof(struct tt_label_row, id), time_ms, id);
}

uint32_t tt_labels_seek_fraud(const struct tt_labels *labels, int64_t time_ms, uint32_t id)
{
    return seek(&labels->frauds, FRAUD_SIZE, offsetof(struct tt_fraud_row, id), time_ms, id);
}

static bool is_of(const struct tt_label_row *row, int64_t time_ms, uint32_t id)
{
    return row->time_ms == time_ms && row->id == id;
}

void tt_labels_find(const struct tt_labels *labels, int64_t time_ms, uint32_t id,
                    uint32_t *ret_begin, uint32_t *ret_end)
{
    uint32_t end = tt_labels_seek(labels, time_ms, id);
    *ret_begin = end;
    while (end < labels->rows.count && is_of(tt_labels_row(labels, end), time_ms, id)) {
        end++;
    }
    *ret_end = end;
}

uint32_t tt_labels_event_begin(const struct tt_labels *labels, uint32_t end)
{
    const struct tt_label_row *last = tt_labels_row(labels, end - 1);
    uint32_t begin = end - 1;
    while (begin > 0 && is_of(tt_labels_row(labels, begin - 1), last->time_ms, last->id)) {
        begin--;
    }
    return begin;
}

uint8_t tt_labels_say(const struct tt_labels *labels, uint32_t begin, uint32_t end, int64_t t_ms)
{
    while (end > begin && tt_labels_row(labels, end - 1)->effective_ms > t_ms) {
        end--;
    }
    return end > begin ? tt_labels_row(labels, end - 1)->kind : 0;
}

int64_t tt_labels_next(const struct tt_labels *labels, uint32_t begin, uint32_t end, int64_t t_ms)
{
    int64_t next_ms = INT64_MAX;
    for (uint32_t i = begin; i < end; i++) {
        int64_t effective_ms = tt_labels_row(labels, i)->effective_ms;
        if (effective_ms > t_ms && effective_ms < next_ms) {
            next_ms = effective_ms;
        }
    }
    return next_ms;
}

static void add_fraud(struct tt_labels *labels, uint32_t at, const struct tt_label_row *first,
                      int64_t to_ms)
{
    struct tt_fraud_row *fraud = tt_strip_insert(&labels->frauds, FRAUD_SIZE, at);
    *fraud = (struct tt_fraud_row){.time_ms = first->time_ms,
                                   .from_ms = first->effective_ms,
                                   .to_ms = to_ms,
                                   .id = first->id,
                                   .bits = first->bits};
}

/* Makes the frauds of one event anew from its labels [begin, end): each run of labels that say
 * fraud is one, so that a fraud reported twice became known once. */
static void remake_frauds(struct tt_labels *labels, uint32_t begin, uint32_t end)
{
    const struct tt_label_row *event = tt_labels_row(labels, begin), *first = NULL;
    int64_t time_ms = event->time_ms;
    uint32_t id = event->id, at = tt_labels_seek_fraud(labels, time_ms, id);
    while (at < labels->frauds.count && tt_labels_fraud(labels, at)->time_ms == time_ms &&
           tt_labels_fraud(labels, at)->id == id) {
        tt_strip_remove(&labels->frauds, FRAUD_SIZE, at);
    }
    for (uint32_t i = begin; i < end; i++) {
        const struct tt_label_row *row = tt_labels_row(labels, i);
        if (row->kind == TT_LABEL_FRAUD) {
            first = first == NULL ? row : first;
        } else if (first != NULL) {
            if (row->effective_ms > first->effective_ms) {
                add_fraud(labels, at++, first, row->effective_ms);
            }
            first = NULL;
        }
    }
    if (first != NULL) {
        add_fraud(labels, at, first, INT64_MAX);
    }
}

bool tt_labels_add(struct tt_labels *labels, const struct tt_label_row *row)
{
    uint32_t begin = 0, end = 0;
    tt_labels_find(labels, row->time_ms, row->id, &begin, &end);
    uint32_t at = begin;
    for (; at < end; at++) {
        const struct tt_label_row *other = tt_labels_row(labels, at);
        if (other->effective_ms == row->effective_ms && other->kind == row->kind) {
            return false;
        }
        if (other->effective_ms > row->effective_ms ||
            (other->effective_ms == row->effective_ms && other->kind > row->kind)) {
            break;
        }
    }
    *(struct tt_label_row *)tt_strip_insert(&labels->rows, ROW_SIZE, at) = *row;
    remake_frauds(labels, begin, end + 1);
    return true;
}

void tt_labels_drop(struct tt_labels *labels, int64_t time_ms, uint32_t id)
{
    tt_strip_drop(&labels->rows, tt_labels_seek(labels, time_ms, id));
    tt_strip_drop(&labels->frauds, tt_labels_seek_fraud(labels, time_ms, id));
}
