/*
 * What is known about the events of an entity: its labels, and the frauds they make.
 *
 * What:    struct tt_labels holds every label of an event that is still remembered, in (event time,
 *          id) order, and beside them one row for each span of time during which an event is a
 *          known fraud.
 * Why:     what holds at time t is the label that became effective last by t. Frauds are rare and
 *          genuine labels need not be, so frauds have rows of their own: finding the last known one
 *          never walks over labels that say "genuine".
 * Owner:   zeroed memory is empty; deinit gives the arrays back.
 * Threads: confined to one thread.
 * Limits:  TT_LABELS_PER_EVENT_MAX labels an event.
 * Fails:   only tt_labels_reserve, with TT_E_NOMEM, nothing changed.
 */
#ifndef TT_CORE_FEATURES_LABELS_H
#define TT_CORE_FEATURES_LABELS_H

#include "core/features/strip.h"
#include "core/txn/txn.h"

#define TT_LABELS_PER_EVENT_MAX 16

/* One label; sorted by event time, id, effective time, kind: where two become effective at one
 * instant, the kind that is listed last in enum tt_label_kind holds. */
struct tt_label_row {
    int64_t time_ms;      /* of the event */
    int64_t effective_ms; /* later of known and recorded */
    uint32_t id;
    uint16_t bits; /* filters the event passed */
    uint8_t kind;  /* enum tt_label_kind */
};

/* An event that is a known fraud for t in [from_ms, to_ms); sorted by event time, id, from. */
struct tt_fraud_row {
    int64_t time_ms; /* of the event */
    int64_t from_ms; /* when it became known */
    int64_t to_ms;   /* when another label takes it back; INT64_MAX: none does */
    uint32_t id;
    uint16_t bits; /* filters the event passed */
};

struct tt_labels {
    struct tt_strip rows;   /* struct tt_label_row */
    struct tt_strip frauds; /* struct tt_fraud_row */
};

/* Room for one label more of an event that has `of_event` of them. */
enum tt_status tt_labels_reserve(struct tt_labels *labels, const struct tt_alloc *alloc,
                                 uint32_t of_event, uint64_t *bytes) TT_MUST_USE;
void tt_labels_deinit(struct tt_labels *labels, const struct tt_alloc *alloc, uint64_t *bytes);
/* The first label that does not belong to an event before (time, id). */
uint32_t tt_labels_seek(const struct tt_labels *labels, int64_t time_ms, uint32_t id);
/* The labels [*ret_begin, *ret_end) of an event. */
void tt_labels_find(const struct tt_labels *labels, int64_t time_ms, uint32_t id,
                    uint32_t *ret_begin, uint32_t *ret_end);
/* Where the labels of the event of label `end` - 1 begin; end > 0. */
uint32_t tt_labels_event_begin(const struct tt_labels *labels, uint32_t end);
/* What one event's labels [begin, end) say at t: a kind, or 0 where none is effective yet. */
uint8_t tt_labels_say(const struct tt_labels *labels, uint32_t begin, uint32_t end, int64_t t_ms);
/* When the next of them becomes effective after t; INT64_MAX: none does. */
int64_t tt_labels_next(const struct tt_labels *labels, uint32_t begin, uint32_t end, int64_t t_ms);
/* Adds one at its place and brings the frauds of its event up to date; room is reserved. False when
 * it is there already. */
bool tt_labels_add(struct tt_labels *labels, const struct tt_label_row *row);
/* Takes all labels of events before (time, id) out, and their frauds. */
void tt_labels_drop(struct tt_labels *labels, int64_t time_ms, uint32_t id);
/* The first fraud row of an event not before (time, id). */
uint32_t tt_labels_seek_fraud(const struct tt_labels *labels, int64_t time_ms, uint32_t id);

static inline const struct tt_label_row *tt_labels_row(const struct tt_labels *labels, uint32_t at)
{
    return (const struct tt_label_row *)tt_strip_item(&labels->rows, sizeof(struct tt_label_row),
                                                      at);
}
static inline const struct tt_fraud_row *tt_labels_fraud(const struct tt_labels *labels,
                                                         uint32_t at)
{
    return (const struct tt_fraud_row *)tt_strip_item(&labels->frauds, sizeof(struct tt_fraud_row),
                                                      at);
}

#endif
