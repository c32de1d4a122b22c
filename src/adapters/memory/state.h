/*
 * The state port in memory, for tests and runs that keep nothing.
 *
 * Owner:   owners and entries are the object's; they end with close.
 * Threads: one lock; load calls back under it, so a callback must not call the same object.
 * Fails:   as the port says; TT_E_NOMEM leaves the state as it was before the save.
 */
#ifndef TT_ADAPTERS_MEMORY_STATE_H
#define TT_ADAPTERS_MEMORY_STATE_H

#include "ports/state.h"

struct tt_memory_state_options {
    const struct tt_alloc *alloc;
};

/* On failure *ret is untouched. */
enum tt_status tt_memory_state_open(const struct tt_memory_state_options *options,
                                    struct tt_state **ret, struct tt_error *err) TT_MUST_USE;

#endif
