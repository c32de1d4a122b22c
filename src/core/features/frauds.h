/*
 * Known frauds of an entity: labels, and for each label window when its frauds count.
 *
 * What:    struct tt_labels holds the labels of the events an entity still remembers; struct
 *          tt_frauds answers "how many frauds count at time t" for one window.
 * Why:     a fraud known at k of an event at e counts in (t - d - w, t - d] for exactly those t in
 *          [max(k, e + d), e + d + w), cut short when a later label takes it back. Two sorted
 *          arrays of those starts and ends answer any t, in any order of arrival: starts ≤ t minus
 *          ends ≤ t. Frauds are rare, so the arrays are short.
 * Owner:   zeroed memory is empty; deinit gives the arrays back.
 * Threads: confined to one thread.
 * Limits:  TT_LABELS_PER_EVENT_MAX labels an event.
 * Fails:   only the reserving calls, with TT_E_NOMEM, nothing changed.
 */
#ifndef TT_CORE_FEATURES_FRAUDS_H
#define TT_CORE_FEATURES_FRAUDS_H

#include "core/txn/txn.h"

#define TT_LABELS_PER_EVENT_MAX 16

struct tt_frauds {
    int64_t *times; /* capacity starts, then capacity ends, both ascending */
    uint32_t count, capacity;
};

enum tt_status tt_frauds_reserve(struct tt_frauds *frauds, const struct tt_alloc *alloc,
                                 uint32_t count, uint64_t *bytes) TT_MUST_USE;
void tt_frauds_deinit(struct tt_frauds *frauds, const struct tt_alloc *alloc, uint64_t *bytes);
/* One more that counts for t in [start_ms, end_ms); room is reserved. */
void tt_frauds_add(struct tt_frauds *frauds, int64_t start_ms, int64_t end_ms);
/* Takes such a one out again; it is there. */
void tt_frauds_remove(struct tt_frauds *frauds, int64_t start_ms, int64_t end_ms);
/* How many count at t. */
uint32_t tt_frauds_at(const struct tt_frauds *frauds, int64_t t_ms);

/* One label; sorted by event time, id, effective time, kind: where two become effective at one
 * instant, the kind that is listed last in enum tt_label_kind holds. */
struct tt_label_row {
    int64_t time_ms;      /* of the event */
    int64_t effective_ms; /* later of known and recorded */
    uint32_t id;
    uint16_t bits; /* filters the event passed */
    uint8_t kind;  /* enum tt_label_kind */
};

struct tt_labels {
    struct tt_label_row *rows;
    uint32_t count, capacity;
};

enum tt_status tt_labels_reserve(struct tt_labels *labels, const struct tt_alloc *alloc,
                                 uint32_t count, uint64_t *bytes) TT_MUST_USE;
void tt_labels_deinit(struct tt_labels *labels, const struct tt_alloc *alloc, uint64_t *bytes);
/* The labels [*ret_begin, *ret_end) of an event. */
void tt_labels_find(const struct tt_labels *labels, int64_t time_ms, uint32_t id,
                    uint32_t *ret_begin, uint32_t *ret_end);
/* Adds one at its place; room is reserved. False when it is there already. */
bool tt_labels_add(struct tt_labels *labels, const struct tt_label_row *row);
/* Removes the first count. */
void tt_labels_drop(struct tt_labels *labels, uint32_t count);
/* When label `index` makes a fraud count in a window: false when it never does. `end` bounds the
 * event's labels. */
bool tt_labels_interval(const struct tt_labels *labels, uint32_t index, uint32_t end,
                        int64_t window_ms, int64_t delay_ms, int64_t *ret_start_ms,
                        int64_t *ret_end_ms);

#endif
