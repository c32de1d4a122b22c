/*
 * The token port over libcjose: JWT with HS256.
 *
 * What:    signs and checks compact tokens with the claims sub, role, scope, iat, nbf, exp.
 * Why:     the algorithm is a property of the key, not of the token: the header is compared before
 *          anything is verified (RFC 8725 §3.1). Tokens that were verified are remembered by a
 *          keyed 128-bit hash, since a client sends the same one with every request.
 * Threads: safe from any thread.
 * Limits:  a token of 4 KiB; a secret of 32 to 1024 bytes (RFC 7518 §3.2); 1024 remembered tokens.
 * Fails:   open: TT_E_INVALID (secret), TT_E_NOMEM. check: TT_E_DENIED,
 *          TT_E_NOMEM. sign: TT_E_INVALID, TT_E_NOMEM, TT_E_LIMIT.
 */
#ifndef TT_ADAPTERS_CJOSE_TOKEN_H
#define TT_ADAPTERS_CJOSE_TOKEN_H

#include "base/hash.h"
#include "ports/token.h"

struct tt_cjose_options {
    const struct tt_alloc *alloc;
    struct tt_str secret;        /* copied */
    int64_t leeway_ms;           /* of exp, nbf and iat between clocks; 0 = 30 s */
    struct tt_hash_key hash_key; /* random, for the memory of verified tokens */
};

/* On failure *ret is untouched. */
enum tt_status tt_cjose_open(const struct tt_cjose_options *options, struct tt_token_signer **ret,
                             struct tt_error *err) TT_MUST_USE;

#endif
