/* The suite every adapter of the token port passes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "adapters/cjose/token.h"

#define NOW INT64_C(1700000000000)
#define SECRET TT_STR("0123456789abcdef0123456789abcdef")

struct subject {
    struct tt_token_signer *signer;
    struct tt_buf token;
};

static int setup(void **state)
{
    struct subject *subject = calloc(1, sizeof *subject);
    struct tt_cjose_options options = {
        .alloc = &tt_alloc_libc, .secret = SECRET, .leeway_ms = 5000, .hash_key = {1, 2}};
    assert_int_equal(tt_cjose_open(&options, &subject->signer, NULL), TT_OK);
    tt_buf_init(&subject->token, &tt_alloc_libc, 20000);
    *state = subject;
    return 0;
}

static int teardown(void **state)
{
    struct subject *subject = *state;
    subject->signer->ops->close(subject->signer);
    tt_buf_deinit(&subject->token);
    free(subject);
    return 0;
}

static void encode(struct tt_buf *ret, const void *data, size_t size)
{
    char text[8192];
    assert_true(size < 6000);
    int length = EVP_EncodeBlock((unsigned char *)text, data, (int)size);
    for (int i = 0; i < length && text[i] != '='; i++) {
        assert_int_equal(tt_buf_append_char(ret, text[i] == '+'   ? '-'
                                                 : text[i] == '/' ? '_'
                                                                  : text[i]),
                         TT_OK);
    }
}

/* A token of any header and payload, signed well with the given secret. */
static struct tt_str forge(struct subject *subject, const char *header, const char *payload,
                           struct tt_str secret)
{
    unsigned char digest[32];
    unsigned size = sizeof digest;
    struct tt_buf *token = &subject->token;
    tt_buf_clear(token);
    encode(token, header, strlen(header));
    (void)tt_buf_append_char(token, '.');
    encode(token, payload, strlen(payload));
    assert_non_null(HMAC(EVP_sha256(), secret.data, (int)secret.size,
                         (const unsigned char *)token->data, token->size, digest, &size));
    (void)tt_buf_append_char(token, '.');
    encode(token, digest, size);
    return tt_buf_str(token);
}

static enum tt_status check(struct subject *subject, struct tt_str token, int64_t now_ms,
                            struct tt_claims *ret)
{
    return subject->signer->ops->check(subject->signer, token, now_ms, ret, NULL);
}

#define GOOD_HEADER "{\"alg\":\"HS256\",\"typ\":\"JWT\"}"
#define GOOD_PAYLOAD "{\"sub\":\"u\",\"role\":\"viewer\",\"iat\":1700000000,\"exp\":1700000060}"

static void claims_come_back_as_they_were_signed(void **state)
{
    struct subject *subject = *state;
    struct tt_claims claims = {.subject = "ünï",
                               .role = "admin",
                               .scopes = "ingest metrics",
                               .issued_ms = NOW,
                               .expires_ms = NOW + 60000};
    struct tt_claims got;
    assert_int_equal(subject->signer->ops->sign(subject->signer, &claims, &subject->token, NULL),
                     TT_OK);
    for (int twice = 0; twice < 2; twice++) { /* the second time from memory */
        memset(&got, 0xff, sizeof got);
        assert_int_equal(check(subject, tt_buf_str(&subject->token), NOW + 1, &got), TT_OK);
        assert_string_equal(got.subject, "ünï");
        assert_string_equal(got.role, "admin");
        assert_string_equal(got.scopes, "ingest metrics");
        assert_int_equal(got.issued_ms, NOW);
        assert_int_equal(got.expires_ms, NOW + 60000);
    }
}

static void times_allow_the_leeway_and_no_more(void **state)
{
    struct subject *subject = *state;
    struct tt_claims got;
    struct tt_str token = forge(subject, GOOD_HEADER, GOOD_PAYLOAD, SECRET);
    const struct {
        int64_t at_ms;
        enum tt_status status;
    } cases[] = {{NOW - 5001, TT_E_DENIED},  {NOW - 5000, TT_OK},       {NOW + 64999, TT_OK},
                 {NOW + 65000, TT_E_DENIED}, {NOW - 5001, TT_E_DENIED}, {INT64_MAX, TT_E_DENIED}};
    for (size_t i = 0; i < TT_ARRAY_SIZE(cases); i++) {
        assert_int_equal(check(subject, token, cases[i].at_ms, &got), cases[i].status);
    }
    token = forge(subject, GOOD_HEADER,
                  "{\"nbf\":1700000100,\"exp\":1700000200,\"iat\":1700000000}", SECRET);
    assert_int_equal(check(subject, token, NOW + 94000, &got), TT_E_DENIED);
    assert_int_equal(check(subject, token, NOW + 95000, &got), TT_OK);
}

static void only_the_keys_own_algorithm_is_accepted(void **state)
{
    struct subject *subject = *state;
    struct tt_claims got;
    const char *const headers[] = {"{\"alg\":\"none\"}",
                                   "{\"alg\":\"None\",\"typ\":\"JWT\"}",
                                   "{\"alg\":\"RS256\"}",
                                   "{\"alg\":\"HS384\"}",
                                   "{\"alg\":\"HS512\"}",
                                   "{\"typ\":\"JWT\"}",
                                   "{\"alg\":[\"HS256\"]}",
                                   "{\"alg\":\"HS256\",\"typ\":\"JWE\"}",
                                   "{\"alg\":\"HS256\",\"typ\":5}",
                                   "{\"alg\":\"HS256\",\"crit\":[\"x\"],\"x\":1}",
                                   "{\"alg\":\"hs256\"}",
                                   "[]",
                                   "nonsense",
                                   "{\"alg\":\"HS256\",\"b64\":false}"};
    for (size_t i = 0; i < TT_ARRAY_SIZE(headers); i++) {
        struct tt_str token = forge(subject, headers[i], GOOD_PAYLOAD, SECRET);
        if (check(subject, token, NOW, &got) != TT_E_DENIED) {
            fail_msg("accepted: %s", headers[i]);
        }
    }
    assert_int_equal(
        check(subject, forge(subject, "{\"alg\":\"HS256\"}", GOOD_PAYLOAD, SECRET), NOW, &got),
        TT_OK);
    struct tt_str token = forge(subject, "{\"alg\":\"none\"}", GOOD_PAYLOAD, SECRET);
    const char *last = memrchr(token.data, '.', token.size);
    token.size = (size_t)(last - token.data) + 1; /* "header.payload." */
    assert_int_equal(check(subject, token, NOW, &got), TT_E_DENIED);
}

static void wrong_claims_are_refused(void **state)
{
    struct subject *subject = *state;
    struct tt_claims got;
    const char *const payloads[] = {
        "{}",
        "[]",
        "5",
        "",
        "{\"exp\":1700000060",
        "{\"exp\":\"1700000060\"}",
        "{\"exp\":true}",
        "{\"exp\":-1}",
        "{\"exp\":1e300}",
        "{\"exp\":253402300800}",
        "{\"exp\":9223372036854775807}",
        "{\"exp\":1700000060,\"exp\":1700000060}",
        "{\"exp\":1700000060,\"sub\":5}",
        "{\"exp\":1700000060,\"sub\":\"a\\u0000b\"}",
        "{\"exp\":1700000060,\"role\":\"a role longer than its field\"}",
        "{\"exp\":1700000060,\"role\":[\"admin\"]}",
        "{\"exp\":1700000060,\"nbf\":\"x\"}"};
    for (size_t i = 0; i < TT_ARRAY_SIZE(payloads); i++) {
        struct tt_str token = forge(subject, GOOD_HEADER, payloads[i], SECRET);
        if (check(subject, token, NOW, &got) != TT_E_DENIED) {
            fail_msg("accepted: %s", payloads[i]);
        }
    }
}

static void a_changed_token_is_refused_at_every_byte(void **state)
{
    struct subject *subject = *state;
    struct tt_claims got;
    struct tt_str token = forge(subject, GOOD_HEADER, GOOD_PAYLOAD, SECRET);
    assert_int_equal(check(subject, token, NOW, &got), TT_OK);
    char copy[1024];
    assert_true(token.size < sizeof copy);
    for (size_t i = 0; i < token.size; i++) {
        memcpy(copy, token.data, token.size);
        copy[i] = copy[i] == 'Q' ? 'R' : 'Q';
        if (i + 1 < token.size) { /* the last character has unused bits */
            assert_int_equal(check(subject, (struct tt_str){copy, token.size}, NOW, &got),
                             TT_E_DENIED);
        }
        assert_int_equal(check(subject, (struct tt_str){token.data, i}, NOW, &got), TT_E_DENIED);
    }
    token = forge(subject, GOOD_HEADER, GOOD_PAYLOAD, TT_STR("another secret of 32 bytes......"));
    assert_int_equal(check(subject, token, NOW, &got), TT_E_DENIED);
}

static void what_is_no_token_is_refused(void **state)
{
    struct subject *subject = *state;
    struct tt_claims got;
    const char *const texts[] = {"", ".", "..", "...", "a.b.c", "a.b.c.d.e", "\xff\xfe", " "};
    for (size_t i = 0; i < TT_ARRAY_SIZE(texts); i++) {
        assert_int_equal(check(subject, tt_str_from(texts[i]), NOW, &got), TT_E_DENIED);
    }
    assert_int_equal(check(subject, (struct tt_str){NULL, 0}, NOW, &got), TT_E_DENIED);
    static char padding[4000], payload[4200];
    memset(padding, 'p', sizeof padding - 1);
    (void)snprintf(payload, sizeof payload, "{\"exp\":1700000060,\"x\":\"%s\"}", padding);
    assert_int_equal(check(subject, forge(subject, GOOD_HEADER, payload, SECRET), NOW, &got),
                     TT_E_DENIED);
}

static void signing_refuses_what_could_not_be_checked(void **state)
{
    struct subject *subject = *state;
    const struct tt_token_ops *ops = subject->signer->ops;
    struct tt_claims claims = {.issued_ms = NOW, .expires_ms = NOW};
    assert_int_equal(ops->sign(subject->signer, &claims, &subject->token, NULL), TT_E_INVALID);
    claims.expires_ms = INT64_MAX;
    assert_int_equal(ops->sign(subject->signer, &claims, &subject->token, NULL), TT_E_INVALID);
    claims.expires_ms = NOW + 1000;
    memset(claims.subject, 'x', sizeof claims.subject);
    assert_int_equal(ops->sign(subject->signer, &claims, &subject->token, NULL), TT_E_INVALID);
    memcpy(claims.subject, "\xff", 2);
    assert_int_equal(ops->sign(subject->signer, &claims, &subject->token, NULL), TT_E_INVALID);
    assert_int_equal(subject->token.size, 0);
}

static void a_short_secret_is_refused(void **state)
{
    (void)state;
    struct tt_token_signer *signer = NULL;
    struct tt_cjose_options options = {.alloc = &tt_alloc_libc, .secret = TT_STR("short")};
    assert_int_equal(tt_cjose_open(&options, &signer, NULL), TT_E_INVALID);
}

/* More tokens than the memory holds: those forgotten are verified again. */
static void memory_of_tokens_is_bounded(void **state)
{
    struct subject *subject = *state;
    struct tt_claims got;
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < 3000; i++) {
            char payload[64];
            (void)snprintf(payload, sizeof payload, "{\"sub\":\"%d\",\"exp\":1700000060}", i);
            assert_int_equal(
                check(subject, forge(subject, GOOD_HEADER, payload, SECRET), NOW, &got), TT_OK);
            assert_int_equal(atoi(got.subject), i);
        }
    }
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        CASE(claims_come_back_as_they_were_signed),
        CASE(times_allow_the_leeway_and_no_more),
        CASE(only_the_keys_own_algorithm_is_accepted),
        CASE(wrong_claims_are_refused),
        CASE(a_changed_token_is_refused_at_every_byte),
        CASE(what_is_no_token_is_refused),
        CASE(signing_refuses_what_could_not_be_checked),
        CASE(a_short_secret_is_refused),
        CASE(memory_of_tokens_is_bounded),
    };
    return cmocka_run_group_tests_name("token/cjose", tests, NULL, NULL);
}
