/* See token.h. */
#include "adapters/cjose/token.h"

#include <cjose/cjose.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "adapters/cjose/verified.h"

#define TOKEN_SIZE_MAX 4096
#define SECRET_SIZE_MIN 32
#define SECRET_SIZE_MAX 1024
#define LEEWAY_DEFAULT_MS INT64_C(30000)
#define SECONDS_MAX INT64_C(253402300799) /* year 9999 */

struct signer {
    struct tt_token_signer base;
    const struct tt_alloc *alloc;
    cjose_jwk_t *key;
    int64_t leeway_ms;
    struct tt_hash_key hash_key;
    struct tt_verified verified;
};

static struct signer *from(struct tt_token_signer *signer)
{
    return (struct signer *)(void *)signer;
}

static enum tt_status deny(struct tt_error *err, const char *why)
{
    return tt_fail(err, TT_E_DENIED, "token: %s", why);
}

static void set_text(json_t *object, const char *name, const char *text)
{
    if (text[0] != '\0') {
        (void)json_object_set_new(object, name, json_string(text));
    }
}

/* The payload as text of jansson's own; NULL when out of memory or a text is no UTF-8. */
static char *make_payload(const struct tt_claims *claims)
{
    json_t *object = json_object();
    if (object == NULL) {
        return NULL;
    }
    set_text(object, "sub", claims->subject);
    set_text(object, "role", claims->role);
    set_text(object, "scope", claims->scopes);
    (void)json_object_set_new(object, "iat", json_integer(claims->issued_ms / 1000));
    (void)json_object_set_new(object, "exp", json_integer(claims->expires_ms / 1000));
    char *text = json_dumps(object, JSON_COMPACT);
    json_decref(object);
    return text;
}

static cjose_jws_t *sign_payload(const struct signer *self, const char *payload)
{
    cjose_err failure;
    cjose_header_t *header = cjose_header_new(&failure);
    cjose_jws_t *jws = NULL;
    if (header != NULL && cjose_header_set(header, CJOSE_HDR_ALG, "HS256", &failure) &&
        cjose_header_set(header, "typ", "JWT", &failure)) {
        jws =
            cjose_jws_sign(self->key, header, (const uint8_t *)payload, strlen(payload), &failure);
    }
    cjose_header_release(header);
    return jws;
}

static bool is_terminated(const char *text, size_t size)
{
    return memchr(text, '\0', size) != NULL;
}

static enum tt_status sign(struct tt_token_signer *base, const struct tt_claims *claims,
                           struct tt_buf *ret_token, struct tt_error *err)
{
    struct signer *self = from(base);
    if (!is_terminated(claims->subject, sizeof claims->subject) ||
        !is_terminated(claims->role, sizeof claims->role) ||
        !is_terminated(claims->scopes, sizeof claims->scopes) || claims->issued_ms < 0 ||
        claims->expires_ms <= claims->issued_ms || claims->expires_ms / 1000 > SECONDS_MAX ||
        tt_str_utf8_check(tt_str_from(claims->subject)) != strlen(claims->subject)) {
        return tt_fail(err, TT_E_INVALID, "token: a claim is out of its range");
    }
    cjose_err failure;
    const char *text = NULL;
    char *payload = make_payload(claims);
    cjose_jws_t *jws = payload != NULL ? sign_payload(self, payload) : NULL;
    enum tt_status status = TT_E_NOMEM;
    if (jws != NULL && cjose_jws_export(jws, &text, &failure)) {
        status = tt_buf_append_text(ret_token, text);
    }
    cjose_jws_release(jws);
    free(payload);
    return status == TT_OK ? TT_OK : tt_fail(err, status, "token: cannot sign");
}

/* Only what we would write ourselves passes: alg HS256, typ JWT or none, nothing critical. */
static bool check_header(cjose_jws_t *jws)
{
    cjose_err failure;
    cjose_header_t *header = cjose_jws_get_protected(jws);
    const char *algorithm =
        header != NULL ? cjose_header_get(header, CJOSE_HDR_ALG, &failure) : NULL;
    if (algorithm == NULL || strcmp(algorithm, "HS256") != 0) {
        return false;
    }
    const json_t *object = (const json_t *)header;
    const json_t *type = json_object_get(object, "typ");
    if (type != NULL &&
        (!json_is_string(type) || strcasecmp(json_string_value(type), "JWT") != 0)) {
        return false;
    }
    return json_object_get(object, "crit") == NULL && json_object_get(object, "b64") == NULL;
}

/* An absent text is empty; false when it is no string, has a NUL, or does not fit. */
static bool read_text(const json_t *object, const char *name, char *ret, size_t size)
{
    const json_t *value = json_object_get(object, name);
    ret[0] = '\0';
    if (value == NULL) {
        return true;
    }
    const char *text = json_string_value(value);
    if (text == NULL || json_string_length(value) >= size ||
        strlen(text) != json_string_length(value)) {
        return false;
    }
    memcpy(ret, text, strlen(text) + 1);
    return true;
}

/* NumericDate: whole or fractional seconds, between 1970 and 9999. */
static bool read_time(const json_t *object, const char *name, int64_t *ret_ms, bool *ret_present)
{
    const json_t *value = json_object_get(object, name);
    *ret_present = value != NULL;
    if (value == NULL) {
        return true;
    }
    if (!json_is_number(value)) {
        return false;
    }
    double seconds = json_number_value(value);
    if (!(seconds >= 0.0 && seconds <= (double)SECONDS_MAX)) {
        return false;
    }
    *ret_ms = json_is_integer(value) ? (int64_t)json_integer_value(value) * 1000
                                     : (int64_t)(seconds * 1000.0);
    return true;
}

static enum tt_status read_claims(const struct signer *self, const json_t *object,
                                  struct tt_verified_entry *ret, struct tt_error *err)
{
    struct tt_claims *claims = &ret->claims;
    int64_t not_before_ms = 0;
    bool has_issued, has_expires, has_not_before;
    if (!json_is_object(object) ||
        !read_text(object, "sub", claims->subject, sizeof claims->subject) ||
        !read_text(object, "role", claims->role, sizeof claims->role) ||
        !read_text(object, "scope", claims->scopes, sizeof claims->scopes) ||
        !read_time(object, "iat", &claims->issued_ms, &has_issued) ||
        !read_time(object, "exp", &claims->expires_ms, &has_expires) ||
        !read_time(object, "nbf", &not_before_ms, &has_not_before)) {
        return deny(err, "a claim is not of its type");
    }
    if (!has_expires) {
        return deny(err, "it has no expiry");
    }
    int64_t from_ms = claims->issued_ms > not_before_ms ? claims->issued_ms : not_before_ms;
    ret->valid_from_ms = from_ms - self->leeway_ms;
    ret->valid_to_ms = claims->expires_ms + self->leeway_ms;
    return TT_OK;
}

static enum tt_status check_payload(const struct signer *self, cjose_jws_t *jws, int64_t now_ms,
                                    struct tt_verified_entry *ret, struct tt_error *err)
{
    uint8_t *payload = NULL;
    size_t size = 0;
    cjose_err failure;
    if (!cjose_jws_get_plaintext(jws, &payload, &size, &failure)) {
        return deny(err, "it has no payload");
    }
    json_t *object =
        json_loadb((const char *)payload, size, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL);
    enum tt_status status =
        object != NULL ? read_claims(self, object, ret, err) : deny(err, "its payload is no JSON");
    json_decref(object);
    if (status == TT_OK && now_ms >= ret->valid_to_ms) {
        status = deny(err, "it has expired");
    } else if (status == TT_OK && now_ms < ret->valid_from_ms) {
        status = deny(err, "it is not valid yet");
    }
    return status;
}

static enum tt_status verify(const struct signer *self, struct tt_str token, int64_t now_ms,
                             struct tt_verified_entry *ret, struct tt_error *err)
{
    cjose_err failure;
    cjose_jws_t *jws = cjose_jws_import(token.data, token.size, &failure);
    if (jws == NULL) {
        return deny(err, "it is malformed");
    }
    enum tt_status status;
    if (!check_header(jws)) {
        status = deny(err, "its algorithm or type is not the one of this key");
    } else if (!cjose_jws_verify(jws, self->key, &failure)) {
        status = deny(err, "its signature is wrong");
    } else {
        status = check_payload(self, jws, now_ms, ret, err);
    }
    cjose_jws_release(jws);
    return status;
}

static enum tt_status check(struct tt_token_signer *base, struct tt_str token, int64_t now_ms,
                            struct tt_claims *ret, struct tt_error *err)
{
    struct signer *self = from(base);
    if (token.data == NULL || token.size == 0 || token.size > TOKEN_SIZE_MAX) {
        return deny(err, "it is missing or too long");
    }
    struct tt_verified_entry entry = {.hash = tt_hash128(&self->hash_key, token.data, token.size)};
    if (tt_verified_get(&self->verified, entry.hash, now_ms, ret)) {
        return TT_OK;
    }
    enum tt_status status = verify(self, token, now_ms, &entry, err);
    if (status == TT_OK) {
        tt_verified_put(&self->verified, &entry);
        *ret = entry.claims;
    }
    return status;
}

static void close_signer(struct tt_token_signer *base)
{
    if (base != NULL) {
        struct signer *self = from(base);
        (void)cjose_jwk_release(self->key);
        tt_verified_deinit(&self->verified);
        tt_delete(self->alloc, self, sizeof *self);
    }
}

static const struct tt_token_ops ops = {"cjose", sign, check, close_signer};

enum tt_status tt_cjose_open(const struct tt_cjose_options *options, struct tt_token_signer **ret,
                             struct tt_error *err)
{
    if (options->secret.size < SECRET_SIZE_MIN || options->secret.size > SECRET_SIZE_MAX) {
        return tt_fail(err, TT_E_INVALID, "token: a secret has %d to %d bytes, this one %zu",
                       SECRET_SIZE_MIN, SECRET_SIZE_MAX, options->secret.size);
    }
    struct signer *self = tt_new_array(options->alloc, 1, sizeof *self);
    if (self == NULL) {
        return tt_fail(err, TT_E_NOMEM, "token: out of memory");
    }
    json_object_seed(0); /* before there are threads that would do it at once */
    cjose_err failure;
    self->key = cjose_jwk_create_oct_spec((const uint8_t *)options->secret.data,
                                          options->secret.size, &failure);
    if (self->key == NULL) {
        tt_delete(options->alloc, self, sizeof *self);
        return tt_fail(err, TT_E_NOMEM, "token: out of memory");
    }
    self->base.ops = &ops;
    self->alloc = options->alloc;
    self->leeway_ms = options->leeway_ms != 0 ? options->leeway_ms : LEEWAY_DEFAULT_MS;
    self->hash_key = options->hash_key;
    tt_verified_init(&self->verified);
    *ret = &self->base;
    return TT_OK;
}
