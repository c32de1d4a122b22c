/*
 * An allocator that counts, checks for leaks and fails the n-th allocation.
 *
 * What:    wraps libc; every block remembers its size, so a wrong old_size or a leak is seen.
 * Owner:   the test; tt_torture_check asserts that everything was given back.
 * Threads: one thread.
 */
#ifndef TT_TESTS_SUPPORT_TORTURE_H
#define TT_TESTS_SUPPORT_TORTURE_H

#include "base/alloc.h"

struct tt_torture {
    struct tt_alloc alloc; /* pass &torture.alloc */
    uint64_t count;        /* allocations and growths asked for so far */
    uint64_t fail_at;      /* that one fails, and all later ones with fail_after; 0 = none */
    bool fail_after;
    uint64_t live_blocks, live_bytes;
};

void tt_torture_init(struct tt_torture *torture, uint64_t fail_at);
/* Asserts (cmocka) that no block is alive. */
void tt_torture_check(const struct tt_torture *torture);
/* Runs body(alloc, ctx) with allocation 1, 2, 3 … failing until a run passes with TT_OK; asserts that every
 * failed run returned TT_E_NOMEM or TT_E_LIMIT and leaked nothing. */
void tt_torture_run(enum tt_status (*body)(const struct tt_alloc *alloc, void *ctx), void *ctx);

#endif
