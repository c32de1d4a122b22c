/*
 * State port: what an owner has learned, saved with its position and its token in one step.
 *
 * What:    named owners ("trainer", "features/user/17"), each with one position, one token and a set
 *          of (key, bytes) entries.
 * Why:     DELIVERY: state, offset and owner token are written in one atomic step that compares the
 *          token for equality, so that an owner that was replaced cannot write.
 * Owner:   views belong to the caller for the call.
 * Threads: one thread an owner; different owners from different threads.
 * Fails:   TT_E_FENCED another token is in force (nothing written); TT_E_NOT_FOUND no such owner;
 *          TT_E_IO, TT_E_FULL, TT_E_CORRUPT.
 */
#ifndef TT_PORTS_STATE_H
#define TT_PORTS_STATE_H

#include "base/str.h"

struct tt_state_token {
    uint64_t counter; /* grows with every claim */
    uint64_t nonce;
};
struct tt_state_entry {
    struct tt_str key;
    struct tt_str bytes; /* absent = delete the entry */
};
typedef bool tt_on_state_entry(void *ctx, const struct tt_state_entry *entry);

struct tt_state;
struct tt_state_ops {
    const char *name;
    /* Makes the caller the owner: a fresh token, and the saved position (0 when there is none). */
    enum tt_status (*claim)(struct tt_state *state, struct tt_str owner, uint64_t nonce,
                            struct tt_state_token *ret_token, uint64_t *ret_position,
                            struct tt_error *err);
    /* Entries of an owner, in no order. */
    enum tt_status (*load)(struct tt_state *state, struct tt_str owner, tt_on_state_entry *on_entry,
                           void *ctx, struct tt_error *err);
    /* Changes entries and moves the position, atomically and durably, if token is still in force. */
    enum tt_status (*save)(struct tt_state *state, struct tt_str owner, struct tt_state_token token,
                           uint64_t position, const struct tt_state_entry *entries, size_t count,
                           struct tt_error *err);
    void (*close)(struct tt_state *state);
};
/* Adapters embed this as their first member. */
struct tt_state {
    const struct tt_state_ops *ops;
};

#endif
