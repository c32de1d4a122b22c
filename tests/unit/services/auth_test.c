/* Tokens, sign-in codes and API keys, with the real signer and cache. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "adapters/cjose/token.h"
#include "adapters/memory/cache.h"
#include "base/timetext.h"
#include "runtime/files.h"
#include "services/api_server/auth.h"
#include "services/api_server/used_codes.h"
#include "support/fake_clock.h"

struct fixture {
    struct tt_fake_clock clock;
    struct tt_auth auth;
    char path[64];
    char used_path[80];
};

static void *must(void *pointer)
{
    assert_non_null(pointer);
    return pointer;
}

static int setup(void **state)
{
    struct fixture *fixture = must(calloc(1, sizeof *fixture));
    tt_fake_clock_init(&fixture->clock, INT64_C(1800000000000));
    (void)snprintf(fixture->path, sizeof fixture->path, "/tmp/telltale-keys-XXXXXX");
    int fd = mkstemp(fixture->path);
    assert_true(fd >= 0);
    (void)close(fd);
    struct tt_error err;
    struct tt_cjose_options token = {
        .alloc = &tt_alloc_libc,
        .secret = TT_STR("0123456789abcdef0123456789abcdef"),
        .hash_key = {1, 2},
    };
    struct tt_memory_cache_options cache = {.alloc = &tt_alloc_libc,
                                            .clock = &fixture->clock.clock};
    struct tt_hash_key key = {3, 4};
    fixture->auth.alloc = &tt_alloc_libc;
    fixture->auth.clock = &fixture->clock.clock;
    fixture->auth.token_ttl_ms = TT_MS_PER_HOUR;
    (void)snprintf(fixture->used_path, sizeof fixture->used_path, "%s-used", fixture->path);
    fixture->auth.used_path = fixture->used_path;
    assert_int_equal(tt_cjose_open(&token, &fixture->auth.signer, &err), TT_OK);
    assert_int_equal(tt_memory_cache_open(&cache, &fixture->auth.cache, &err), TT_OK);
    assert_int_equal(tt_api_keys_open(&tt_alloc_libc, fixture->path, &key, &fixture->clock.clock,
                                      &fixture->auth.keys, &err),
                     TT_OK);
    *state = fixture;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *fixture = *state;
    fixture->auth.signer->ops->close(fixture->auth.signer);
    fixture->auth.cache->ops->close(fixture->auth.cache);
    tt_api_keys_close(fixture->auth.keys);
    (void)unlink(fixture->path);
    (void)unlink(fixture->used_path);
    free(fixture);
    return 0;
}

static enum tt_status check(struct fixture *fixture, const char *scheme, struct tt_str token,
                            struct tt_principal *ret)
{
    char header[8192];
    struct tt_error err;
    (void)snprintf(header, sizeof header, "%s%.*s", scheme, TT_STR_ARG(token));
    return tt_auth_check(&fixture->auth, tt_str_from(header), (struct tt_str){NULL, 0}, ret, &err);
}

static void a_token_carries_its_role_until_it_expires(void **state)
{
    struct fixture *fixture = *state;
    struct tt_buf token;
    struct tt_error err;
    struct tt_principal principal;
    tt_buf_init(&token, &tt_alloc_libc, 8192);
    assert_int_equal(
        tt_auth_token(&fixture->auth, TT_ROLE_ANALYST, "ann", TT_MS_PER_HOUR, &token, &err), TT_OK);
    assert_int_equal(check(fixture, "Bearer ", tt_buf_str(&token), &principal), TT_OK);
    assert_int_equal(principal.role, TT_ROLE_ANALYST);
    assert_string_equal(principal.subject, "ann");
    assert_int_equal(check(fixture, "bearer  ", tt_buf_str(&token), &principal), TT_OK);
    assert_int_equal(check(fixture, "Basic ", tt_buf_str(&token), &principal), TT_E_DENIED);
    assert_int_equal(check(fixture, "Bearer", TT_STR(""), &principal), TT_E_DENIED);
    tt_fake_clock_advance(&fixture->clock, TT_MS_PER_HOUR + TT_MS_PER_MINUTE);
    assert_int_equal(check(fixture, "Bearer ", tt_buf_str(&token), &principal), TT_E_DENIED);
    tt_buf_deinit(&token);
}

static void no_credentials_are_told_apart_from_bad_ones(void **state)
{
    struct fixture *fixture = *state;
    struct tt_principal principal;
    struct tt_error err;
    struct tt_str absent = {NULL, 0};
    assert_int_equal(tt_auth_check(&fixture->auth, absent, absent, &principal, &err),
                     TT_E_NOT_FOUND);
    assert_int_equal(tt_auth_check(&fixture->auth, absent, TT_STR("nonsense"), &principal, &err),
                     TT_E_DENIED);
    assert_int_equal(check(fixture, "Bearer ", TT_STR("a.b.c"), &principal), TT_E_DENIED);
}

static void a_sign_in_code_is_good_once_and_for_five_minutes(void **state)
{
    struct fixture *fixture = *state;
    struct tt_buf code, token;
    struct tt_error err;
    struct tt_principal principal;
    int64_t expires_ms = 0;
    tt_buf_init(&code, &tt_alloc_libc, 8192);
    tt_buf_init(&token, &tt_alloc_libc, 8192);
    assert_int_equal(tt_auth_code(&fixture->auth, TT_ROLE_VIEWER, &code, &err), TT_OK);
    /* a code is no access token */
    assert_int_equal(check(fixture, "Bearer ", tt_buf_str(&code), &principal), TT_E_DENIED);
    assert_int_equal(tt_auth_exchange(&fixture->auth, tt_buf_str(&code), &token, &expires_ms, &err),
                     TT_OK);
    assert_int_equal(check(fixture, "Bearer ", tt_buf_str(&token), &principal), TT_OK);
    assert_int_equal(principal.role, TT_ROLE_VIEWER);
    assert_int_equal(tt_auth_exchange(&fixture->auth, tt_buf_str(&code), &token, &expires_ms, &err),
                     TT_E_DENIED);
    /* nor is an access token a code */
    tt_buf_clear(&code);
    assert_int_equal(tt_auth_token(&fixture->auth, TT_ROLE_ADMIN, "a", 1000, &code, &err), TT_OK);
    assert_int_equal(tt_auth_exchange(&fixture->auth, tt_buf_str(&code), &token, &expires_ms, &err),
                     TT_E_DENIED);
    tt_buf_clear(&code);
    assert_int_equal(tt_auth_code(&fixture->auth, TT_ROLE_VIEWER, &code, &err), TT_OK);
    tt_fake_clock_advance(&fixture->clock, 6 * TT_MS_PER_MINUTE);
    assert_int_equal(tt_auth_exchange(&fixture->auth, tt_buf_str(&code), &token, &expires_ms, &err),
                     TT_E_DENIED);
    tt_buf_deinit(&token);
    tt_buf_deinit(&code);
}

static enum tt_status exchange(struct fixture *fixture, struct tt_str code)
{
    struct tt_buf token;
    struct tt_error err;
    int64_t expires_ms = 0;
    tt_buf_init(&token, &tt_alloc_libc, 8192);
    enum tt_status status = tt_auth_exchange(&fixture->auth, code, &token, &expires_ms, &err);
    tt_buf_deinit(&token);
    return status;
}

static void a_sign_in_code_stays_used_after_a_restart(void **state)
{
    struct fixture *fixture = *state;
    struct tt_buf codes[2];
    struct tt_error err;
    for (size_t i = 0; i < 2; i++) {
        tt_buf_init(&codes[i], &tt_alloc_libc, 8192);
        assert_int_equal(tt_auth_code(&fixture->auth, TT_ROLE_VIEWER, &codes[i], &err), TT_OK);
        tt_fake_clock_advance(&fixture->clock, 2000);
    }
    assert_int_equal(exchange(fixture, tt_buf_str(&codes[0])), TT_OK);
    struct tt_cache *before = fixture->auth.cache; /* what a new process begins with is empty */
    struct tt_memory_cache_options cache = {.alloc = &tt_alloc_libc,
                                            .clock = &fixture->clock.clock};
    assert_int_equal(tt_memory_cache_open(&cache, &fixture->auth.cache, &err), TT_OK);
    before->ops->close(before);
    assert_int_equal(exchange(fixture, tt_buf_str(&codes[0])), TT_E_DENIED);
    assert_int_equal(exchange(fixture, tt_buf_str(&codes[1])), TT_OK);
    for (size_t i = 0; i < 2; i++) {
        tt_buf_deinit(&codes[i]);
    }
}

static void used_codes_are_forgotten_when_they_have_expired(void **state)
{
    struct fixture *fixture = *state;
    struct tt_buf text;
    struct tt_error err;
    for (uint64_t i = 0; i < 100; i++) {
        assert_int_equal(tt_used_codes_add(&tt_alloc_libc, fixture->used_path,
                                           (struct tt_hash128){i, i}, (int64_t)i + 1, (int64_t)i,
                                           &err),
                         TT_OK);
    }
    tt_buf_init(&text, &tt_alloc_libc, 8192);
    assert_int_equal(tt_file_read(fixture->used_path, &text, &err), TT_OK);
    assert_true(text.size < 100);
    tt_buf_deinit(&text);
    struct stat info;
    assert_int_equal(stat(fixture->used_path, &info), 0);
    assert_int_equal(info.st_mode & 0077, 0);
}

static void a_key_has_its_scopes_until_its_line_is_gone(void **state)
{
    struct fixture *fixture = *state;
    char key[TT_API_KEY_SIZE + 1];
    struct tt_principal principal;
    struct tt_error err;
    assert_int_equal(
        tt_api_keys_create(fixture->auth.keys, TT_SCOPE_INGEST | TT_SCOPE_LABEL, key, &err), TT_OK);
    tt_fake_clock_advance(&fixture->clock, 2000);
    assert_int_equal(check(fixture, "Bearer ", tt_str_from(key), &principal), TT_OK);
    assert_int_equal(principal.scopes, TT_SCOPE_INGEST | TT_SCOPE_LABEL);
    assert_int_equal(principal.role, TT_ROLE_NONE);
    assert_int_equal(
        tt_auth_check(&fixture->auth, (struct tt_str){NULL, 0}, tt_str_from(key), &principal, &err),
        TT_OK);
    key[10] = key[10] == '0' ? '1' : '0';
    assert_int_equal(check(fixture, "Bearer ", tt_str_from(key), &principal), TT_E_DENIED);
    key[10] = key[10] == '0' ? '1' : '0';
    assert_int_equal(truncate(fixture->path, 0), 0);
    tt_fake_clock_advance(&fixture->clock, 2000);
    assert_int_equal(check(fixture, "Bearer ", tt_str_from(key), &principal), TT_E_DENIED);
}

static void a_damaged_key_file_is_an_error_with_its_line(void **state)
{
    struct fixture *fixture = *state;
    FILE *file = must(fopen(fixture->path, "w"));
    (void)fputs("{\"id\":\"k-1\",\"hash\":\"zz\",\"scopes\":\"ingest\"}\n", file);
    (void)fclose(file);
    struct tt_api_keys *keys = NULL;
    struct tt_hash_key key = {3, 4};
    struct tt_error err;
    assert_int_equal(
        tt_api_keys_open(&tt_alloc_libc, fixture->path, &key, &fixture->clock.clock, &keys, &err),
        TT_E_CORRUPT);
    assert_non_null(strstr(err.message, ":1:"));
}

static void scopes_are_known_words(void **state)
{
    (void)state;
    assert_int_equal(tt_scopes_parse(TT_STR("ingest metrics")), TT_SCOPE_INGEST | TT_SCOPE_METRICS);
    assert_int_equal(tt_scopes_parse(TT_STR("ingest admin")), 0);
    assert_int_equal(tt_scopes_parse(TT_STR("")), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_token_carries_its_role_until_it_expires, setup, teardown),
        cmocka_unit_test_setup_teardown(no_credentials_are_told_apart_from_bad_ones, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_sign_in_code_is_good_once_and_for_five_minutes, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_sign_in_code_stays_used_after_a_restart, setup, teardown),
        cmocka_unit_test_setup_teardown(used_codes_are_forgotten_when_they_have_expired, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_key_has_its_scopes_until_its_line_is_gone, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_damaged_key_file_is_an_error_with_its_line, setup,
                                        teardown),
        cmocka_unit_test(scopes_are_known_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
