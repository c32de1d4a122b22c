/*
 * The memory of tokens that were verified.
 *
 * What:    a fixed set-associative table from a token's keyed 128-bit hash to its claims.
 * Why:     verifying costs tens of microseconds, hashing a fraction of one. The hash is keyed with
 *          a secret, so nobody can make another token meet it.
 * Threads: one lock a group of sets.
 * Limits:  fixed size; in a full set the entry that expires first goes.
 */
#ifndef TT_ADAPTERS_CJOSE_VERIFIED_H
#define TT_ADAPTERS_CJOSE_VERIFIED_H

#include <pthread.h>

#include "base/hash.h"
#include "ports/token.h"

#define TT_VERIFIED_SETS 256
#define TT_VERIFIED_WAYS 4
#define TT_VERIFIED_LOCKS 16

struct tt_verified_entry {
    struct tt_hash128 hash;
    int64_t valid_from_ms, valid_to_ms; /* leeway included; to = 0: empty */
    struct tt_claims claims;
};
struct tt_verified {
    pthread_mutex_t locks[TT_VERIFIED_LOCKS];
    struct tt_verified_entry entries[TT_VERIFIED_SETS][TT_VERIFIED_WAYS];
};

void tt_verified_init(struct tt_verified *verified);
void tt_verified_deinit(struct tt_verified *verified);
/* True, with the claims, when the token is known and valid at that time. */
bool tt_verified_get(struct tt_verified *verified, struct tt_hash128 hash, int64_t now_ms,
                     struct tt_claims *ret);
void tt_verified_put(struct tt_verified *verified, const struct tt_verified_entry *entry);

#endif
