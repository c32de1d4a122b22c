/* See auth.h. */
#include "services/api_server/auth.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/timetext.h"
#include "services/api_server/used_codes.h"

#define CODE_TTL_MS (5 * TT_MS_PER_MINUTE)
#define CODE_SCOPE "signin"
/* A code that was used is remembered for longer than it is valid: a counter in one never-ending window. */
#define USED_WINDOW_MS (INT64_C(36500) * TT_MS_PER_DAY)

enum tt_role tt_role_find(struct tt_str name)
{
    for (enum tt_role role = TT_ROLE_VIEWER; role <= TT_ROLE_ADMIN; role++) {
        if (tt_str_equal_text(name, tt_role_name(role))) {
            return role;
        }
    }
    return TT_ROLE_NONE;
}

const char *tt_role_name(enum tt_role role)
{
    static const char *const names[] = {"", "viewer", "analyst", "admin"};
    return names[role];
}

static enum tt_status sign(struct tt_auth *auth, enum tt_role role, const char *subject,
                           const char *scopes, int64_t ttl_ms, struct tt_buf *ret,
                           struct tt_error *err)
{
    struct tt_claims claims = {0};
    (void)snprintf(claims.subject, sizeof claims.subject, "%s", subject);
    (void)snprintf(claims.role, sizeof claims.role, "%s", tt_role_name(role));
    (void)snprintf(claims.scopes, sizeof claims.scopes, "%s", scopes);
    claims.issued_ms = tt_clock_now_ms(auth->clock);
    claims.expires_ms = claims.issued_ms + ttl_ms;
    return auth->signer->ops->sign(auth->signer, &claims, ret, err);
}

enum tt_status tt_auth_token(struct tt_auth *auth, enum tt_role role, const char *subject,
                             int64_t ttl_ms, struct tt_buf *ret, struct tt_error *err)
{
    return sign(auth, role, subject, "", ttl_ms, ret, err);
}

enum tt_status tt_auth_code(struct tt_auth *auth, enum tt_role role, struct tt_buf *ret,
                            struct tt_error *err)
{
    return sign(auth, role, "sign-in link", CODE_SCOPE, CODE_TTL_MS, ret, err);
}

enum tt_status tt_auth_exchange(struct tt_auth *auth, struct tt_str code, struct tt_buf *ret_token,
                                int64_t *ret_expires_ms, struct tt_error *err)
{
    struct tt_claims claims;
    int64_t now_ms = tt_clock_now_ms(auth->clock);
    if (auth->signer->ops->check(auth->signer, code, now_ms, &claims, err) != TT_OK ||
        strcmp(claims.scopes, CODE_SCOPE) != 0) {
        return tt_fail(err, TT_E_DENIED, "the sign-in link is not valid or has expired");
    }
    char key[48] = "signin:";
    static const struct tt_hash_key fixed = {0x7369676e696e, 0};
    struct tt_hash128 hash = tt_hash128(&fixed, code.data, code.size);
    tt_hash128_hex(hash, key + strlen(key));
    uint64_t uses = 0;
    int64_t reset_ms = 0;
    enum tt_status status = auth->cache->ops->count(auth->cache, tt_str_from(key), 1,
                                                    USED_WINDOW_MS, &uses, &reset_ms, err);
    if (status != TT_OK) {
        return status;
    }
    if (uses == 1) {
        status =
            tt_used_codes_add(auth->alloc, auth->used_path, hash, claims.expires_ms, now_ms, err);
    }
    if (uses > 1 || status == TT_E_CONFLICT) {
        return tt_fail(err, TT_E_DENIED, "the sign-in link was used already");
    }
    if (status != TT_OK) {
        return status;
    }
    *ret_expires_ms = now_ms + auth->token_ttl_ms;
    return tt_auth_token(auth, tt_role_find(tt_str_from(claims.role)), "sign-in link",
                         auth->token_ttl_ms, ret_token, err);
}

static enum tt_status check_key(struct tt_auth *auth, struct tt_str key, struct tt_principal *ret,
                                struct tt_error *err)
{
    struct tt_principal principal = {0};
    if (auth->keys == NULL ||
        !tt_api_keys_check(auth->keys, key, &principal.scopes, principal.subject)) {
        return tt_fail(err, TT_E_DENIED, "the API key is not known");
    }
    *ret = principal;
    return TT_OK;
}

static enum tt_status check_token(struct tt_auth *auth, struct tt_str token,
                                  struct tt_principal *ret, struct tt_error *err)
{
    struct tt_claims claims;
    enum tt_status status =
        auth->signer->ops->check(auth->signer, token, tt_clock_now_ms(auth->clock), &claims, err);
    if (status != TT_OK) {
        return status;
    }
    if (claims.scopes[0] != '\0') {
        return tt_fail(err, TT_E_DENIED, "a sign-in code is not an access token");
    }
    struct tt_principal principal = {.role = tt_role_find(tt_str_from(claims.role))};
    if (principal.role == TT_ROLE_NONE) {
        return tt_fail(err, TT_E_DENIED, "the token names no role");
    }
    memcpy(principal.subject, claims.subject, sizeof principal.subject);
    *ret = principal;
    return TT_OK;
}

enum tt_status tt_auth_check(struct tt_auth *auth, struct tt_str authorization, struct tt_str key,
                             struct tt_principal *ret, struct tt_error *err)
{
    if (authorization.data == NULL) {
        if (key.data == NULL) {
            return tt_fail(err, TT_E_NOT_FOUND, "send a token: Authorization: Bearer …");
        }
        return check_key(auth, key, ret, err);
    }
    struct tt_str rest = authorization;
    struct tt_str scheme = tt_str_split(&rest, ' ');
    struct tt_str token = rest.data != NULL ? tt_str_trim(rest) : rest;
    bool bearer = scheme.size == 6 && strncasecmp(scheme.data, "bearer", 6) == 0;
    if (!bearer || token.data == NULL || token.size == 0) {
        return tt_fail(err, TT_E_DENIED, "only Authorization: Bearer <token> is understood");
    }
    if (tt_str_starts_with(token, TT_STR("ttk_"))) {
        return check_key(auth, token, ret, err);
    }
    return check_token(auth, token, ret, err);
}
