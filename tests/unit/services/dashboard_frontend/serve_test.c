/* What a browser gets under /app/, whether the dashboard was built or not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "services/dashboard_frontend/assets.h"
#include "services/dashboard_frontend/dashboard_frontend.h"

/* The headers of the request under test; NULL = not sent. */
struct sent {
    const char *accept_encoding;
    const char *if_none_match;
};

static struct tt_str sent_header(const struct tt_http_request *request, const char *name)
{
    const struct sent *sent = request->user;
    return tt_str_from(strcmp(name, "Accept-Encoding") == 0 ? sent->accept_encoding
                       : strcmp(name, "If-None-Match") == 0 ? sent->if_none_match
                                                            : NULL);
}

static const struct tt_http_ops http = {.name = "fake", .header = sent_header};

static struct tt_http_response serve(enum tt_http_method method, const char *path, struct sent sent)
{
    struct tt_http_request request = {.method = method, .path = tt_str_from(path), .user = &sent};
    struct tt_http_response response = {0};
    assert_true(tt_dashboard_serve(&request, &http, &response));
    return response;
}

static struct tt_http_response get(const char *path, struct sent sent)
{
    return serve(TT_HTTP_GET, path, sent);
}

static struct tt_str header_of(const struct tt_http_response *response, const char *name)
{
    for (uint32_t i = 0; i < response->header_count; i++) {
        if (strcmp(response->headers[i].name, name) == 0) {
            return response->headers[i].value;
        }
    }
    return (struct tt_str){0};
}

#define assert_header(response, name, text)                                                        \
    assert_true(tt_str_equal_text(header_of(&(response), (name)), (text)))

static bool is_index(const struct tt_http_response *response)
{
    return response->status == 200 && tt_str_starts_with(response->body, TT_STR("<!doctype html>"));
}

static void serve_gives_the_page_for_every_address_that_is_no_file(void **state)
{
    (void)state;
    static const char *const paths[] = {"/app/", "/app/anomalies/a-1", "/app/index.html",
                                        "/app/../etc/passwd"};
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        struct tt_http_response response = get(paths[i], (struct sent){0});
        assert_true(is_index(&response));
        assert_header(response, "Content-Type", "text/html; charset=utf-8");
        assert_header(response, "Cache-Control", "no-cache");
    }
}

static void serve_allows_nothing_inline_and_nothing_from_elsewhere(void **state)
{
    (void)state;
    struct tt_http_response response = get("/app/", (struct sent){0});
    struct tt_str policy = header_of(&response, "Content-Security-Policy");
    assert_true(tt_str_starts_with(policy, TT_STR("default-src 'none';")));
    assert_null(memmem(policy.data, policy.size, "unsafe", 6));
    assert_null(memmem(policy.data, policy.size, "data:", 5));
    assert_header(response, "X-Content-Type-Options", "nosniff");
    assert_header(response, "Referrer-Policy", "no-referrer");
}

static void serve_leads_other_addresses_to_the_dashboard(void **state)
{
    (void)state;
    static const char *const paths[] = {"/", "/app"};
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        struct tt_http_response response = get(paths[i], (struct sent){0});
        assert_int_equal(response.status, 302);
        assert_header(response, "Location", "/app/");
    }
}

static void serve_packs_for_those_who_take_it(void **state)
{
    (void)state;
    static const struct {
        const char *accepted;
        bool packed;
    } cases[] = {{NULL, false},         {"", false},         {"gzip", true},
                 {"br, gzip", true},    {"gzip;q=0", false}, {"gzip; q=0.000", false},
                 {"gzip;q=0.5", true},  {"deflate", false},  {"x-gzip-not", false},
                 {"br;q=1,gzip", true}, {"gzip;q=1.0", true}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct tt_http_response response = get("/app/", (struct sent){cases[i].accepted, NULL});
        bool packed = tt_str_equal_text(header_of(&response, "Content-Encoding"), "gzip");
        assert_int_equal(packed, cases[i].packed);
        assert_int_equal((unsigned char)response.body.data[0], packed ? 0x1f : '<');
        assert_header(response, "Vary", "Accept-Encoding");
    }
}

static void serve_sends_nothing_to_those_who_have_it(void **state)
{
    (void)state;
    struct tt_http_response first = get("/app/", (struct sent){"gzip", NULL});
    char tag[64], list[160];
    struct tt_str etag = header_of(&first, "ETag");
    assert_true(etag.size > 2 && etag.size < sizeof tag);
    memcpy(tag, etag.data, etag.size);
    tag[etag.size] = '\0';
    (void)snprintf(list, sizeof list, "\"other\", W/%s", tag);
    const char *const known[] = {tag, list, "*"};
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        struct tt_http_response response = get("/app/", (struct sent){"gzip", known[i]});
        assert_int_equal(response.status, 304);
        assert_int_equal(response.body.size, 0);
        assert_true(tt_str_equal(header_of(&response, "ETag"), etag));
    }
    /* The plain form has another tag. */
    assert_int_equal(get("/app/", (struct sent){NULL, tag}).status, 200);
    assert_int_equal(get("/app/", (struct sent){"gzip", "\"other\""}).status, 200);
}

static void serve_lets_files_named_by_their_content_be_kept_for_good(void **state)
{
    (void)state;
    for (size_t i = 0; i < tt_asset_count; i++) {
        char path[256];
        (void)snprintf(path, sizeof path, "/app/%s", tt_assets[i].path);
        struct tt_http_response response =
            get(path, (struct sent){tt_assets[i].gzip ? "gzip" : NULL, NULL});
        assert_int_equal(response.status, 200);
        assert_true(tt_str_equal_text(header_of(&response, "ETag"), tt_assets[i].etag));
        assert_int_equal(response.body.size, tt_assets[i].size);
        assert_header(response, "Content-Type", tt_assets[i].content_type);
        bool hashed = strncmp(tt_assets[i].path, "assets/", 7) == 0;
        assert_header(response, "Cache-Control",
                      hashed ? "public, max-age=31536000, immutable" : "no-cache");
    }
}

static void serve_does_not_give_a_page_for_a_missing_asset(void **state)
{
    (void)state;
    assert_int_equal(get("/app/assets/index-old.js", (struct sent){0}).status, 404);
    assert_int_equal(get("/app/assets/", (struct sent){0}).status, 404);
}

static void serve_refuses_what_is_no_reading(void **state)
{
    (void)state;
    struct tt_http_response response = serve(TT_HTTP_POST, "/app/", (struct sent){0});
    assert_int_equal(response.status, 405);
    assert_header(response, "Allow", "GET, HEAD");
    response = serve(TT_HTTP_HEAD, "/app/", (struct sent){0});
    assert_int_equal(response.status, 200);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(serve_gives_the_page_for_every_address_that_is_no_file),
        cmocka_unit_test(serve_allows_nothing_inline_and_nothing_from_elsewhere),
        cmocka_unit_test(serve_leads_other_addresses_to_the_dashboard),
        cmocka_unit_test(serve_packs_for_those_who_take_it),
        cmocka_unit_test(serve_sends_nothing_to_those_who_have_it),
        cmocka_unit_test(serve_lets_files_named_by_their_content_be_kept_for_good),
        cmocka_unit_test(serve_does_not_give_a_page_for_a_missing_asset),
        cmocka_unit_test(serve_refuses_what_is_no_reading),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
