/*
 * Token port: signed access tokens (JWT, HS256).
 *
 * What:    make and check a compact JWT with subject, role or scopes, and expiry.
 * Why:     the algorithm is bound to the key: a token that names another one, or none, is refused.
 * Owner:   text is appended to the caller's buffer.
 * Threads: safe from any thread.
 * Fails:   check: TT_E_DENIED (bad signature, algorithm, expired, not yet valid, malformed).
 */
#ifndef TT_PORTS_TOKEN_H
#define TT_PORTS_TOKEN_H

#include "base/str.h"

struct tt_claims {
    char subject[64];
    char role[16];    /* "viewer" | "analyst" | "admin" | "" */
    char scopes[128]; /* space separated, e.g. "ingest metrics"; "" for people */
    int64_t issued_ms, expires_ms;
};

struct tt_token_signer;
struct tt_token_ops {
    const char *name;
    enum tt_status (*sign)(struct tt_token_signer *signer, const struct tt_claims *claims,
                           struct tt_buf *ret_token, struct tt_error *err);
    enum tt_status (*check)(struct tt_token_signer *signer, struct tt_str token, int64_t now_ms,
                            struct tt_claims *ret, struct tt_error *err);
    void (*close)(struct tt_token_signer *signer);
};
/* Adapters embed this as their first member. */
struct tt_token_signer {
    const struct tt_token_ops *ops;
};

#endif
