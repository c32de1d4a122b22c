/*
 * How many known frauds count in a label window, at any time.
 *
 * What:    struct tt_frauds answers "how many frauds count at time t" for one window.
 * Why:     a fraud known at k of an event at e counts in (t - d - w, t - d] for exactly those t in
 *          [max(k, e + d), e + d + w), cut short when a later label takes it back. Two sorted
 *          arrays of those starts and ends answer any t, in any order of arrival: starts ≤ t minus
 *          ends ≤ t. Frauds are rare, so the arrays are short.
 * Owner:   zeroed memory is empty; deinit gives the arrays back.
 * Threads: confined to one thread.
 * Fails:   only the reserving call, with TT_E_NOMEM, nothing changed.
 */
#ifndef TT_CORE_FEATURES_FRAUDS_H
#define TT_CORE_FEATURES_FRAUDS_H

#include "base/alloc.h"

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

#endif
