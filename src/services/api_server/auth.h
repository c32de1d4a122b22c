/*
 * Who calls: access tokens of people, API keys of machines, one-time sign-in codes.
 *
 * What:    a Bearer token is a signed JWT with a role (viewer < analyst < admin) or an API key
 *          ("ttk_…") with scopes (ingest, label, metrics). A sign-in code is a short-lived token of
 *          its own scope that is exchanged once for an access token.
 * Why:     keys are kept hashed and can be revoked by deleting their line; tokens expire by themselves.
 * Owner:   tt_auth_new from alloc; signer and cache stay the caller's.
 * Threads: safe from any thread.
 * Fails:   TT_E_DENIED with the reason for people in err.
 */
#ifndef TT_SERVICES_API_SERVER_AUTH_H
#define TT_SERVICES_API_SERVER_AUTH_H

#include "ports/cache.h"
#include "ports/clock.h"
#include "ports/token.h"
#include "services/api_server/keys.h"

enum tt_role { TT_ROLE_NONE = 0, TT_ROLE_VIEWER, TT_ROLE_ANALYST, TT_ROLE_ADMIN };

struct tt_principal {
    enum tt_role role; /* of people */
    uint32_t scopes;   /* of machines: TT_SCOPE_… bits */
    char subject[64];
};

struct tt_auth {
    const struct tt_alloc *alloc;
    const struct tt_clock *clock;
    struct tt_token_signer *signer;
    struct tt_cache *cache;
    struct tt_api_keys *keys; /* NULL: none */
    const char *used_path;    /* file of used sign-in codes */
    int64_t token_ttl_ms;
};

/* "viewer" …; TT_ROLE_NONE for another name. */
enum tt_role tt_role_find(struct tt_str name);
const char *tt_role_name(enum tt_role role);
/* Signs an access token. */
enum tt_status tt_auth_token(struct tt_auth *auth, enum tt_role role, const char *subject,
                             int64_t ttl_ms, struct tt_buf *ret, struct tt_error *err) TT_MUST_USE;
/* Signs a sign-in code: good once, for five minutes. */
enum tt_status tt_auth_code(struct tt_auth *auth, enum tt_role role, struct tt_buf *ret,
                            struct tt_error *err) TT_MUST_USE;
/* Exchanges a sign-in code for an access token and its expiry. */
enum tt_status tt_auth_exchange(struct tt_auth *auth, struct tt_str code, struct tt_buf *ret_token,
                                int64_t *ret_expires_ms, struct tt_error *err) TT_MUST_USE;
/* Checks the value of an Authorization header, or of X-API-Key. Both absent: TT_E_NOT_FOUND. */
enum tt_status tt_auth_check(struct tt_auth *auth, struct tt_str authorization, struct tt_str key,
                             struct tt_principal *ret, struct tt_error *err) TT_MUST_USE;

#endif
