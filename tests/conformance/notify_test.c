/* The suite every adapter of the notify port passes, and what only the webhook promises. The
 * receiver is the HTTP adapter on loopback. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>
#include <cmocka.h>
#include <pthread.h>
#include <unistd.h>

#include "adapters/curl/signature.h"
#include "adapters/curl/target.h"
#include "adapters/curl/webhook.h"
#include "adapters/microhttpd/server.h"
#include "adapters/system/log_notifier.h"
#include "support/fake_clock.h"

#define NOW INT64_C(1700000000999)
#define SECRET "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

struct subject {
    struct tt_fake_clock clock;
    struct tt_http_server *server;
    struct tt_notifier *notifier;
    uint16_t status; /* what the receiver answers; 0 = never */
    const char *retry_after, *location;
    size_t answer_size;
    size_t received;
    char id[64], timestamp[64], signature[128], type[64], body[256];
    struct tt_http_request *pending;
};

static void copy(char *ret, size_t size, struct tt_str text)
{
    (void)snprintf(ret, size, "%.*s", TT_STR_ARG(text));
}

static bool receive(void *ctx, struct tt_http_request *request, struct tt_http_response *response)
{
    static char long_answer[200000];
    struct subject *subject = ctx;
    const struct tt_http_ops *ops = subject->server->ops;
    __atomic_add_fetch(&subject->received, 1, __ATOMIC_SEQ_CST);
    copy(subject->id, sizeof subject->id, ops->header(request, "webhook-id"));
    copy(subject->timestamp, sizeof subject->timestamp, ops->header(request, "webhook-timestamp"));
    copy(subject->signature, sizeof subject->signature, ops->header(request, "webhook-signature"));
    copy(subject->type, sizeof subject->type, ops->header(request, "content-type"));
    copy(subject->body, sizeof subject->body, request->body);
    if (subject->status == 0) {
        return false;
    }
    response->status = subject->status;
    response->body = (struct tt_str){long_answer, subject->answer_size};
    if (subject->retry_after != NULL) {
        response->headers[response->header_count++] =
            (struct tt_http_header){"Retry-After", tt_str_from(subject->retry_after)};
    }
    if (subject->location != NULL) {
        response->headers[response->header_count++] =
            (struct tt_http_header){"Location", tt_str_from(subject->location)};
    }
    return true;
}

static enum tt_status open_webhook(struct subject *subject, bool allowed, const char *host)
{
    char url[128], target[64];
    uint16_t port = subject->server->ops->port(subject->server);
    (void)snprintf(url, sizeof url, "http://%s:%u/hook", host, port);
    (void)snprintf(target, sizeof target, "%s:%u", host, port);
    const char *targets[] = {"other:1", target};
    struct tt_webhook_options options = {.alloc = &tt_alloc_libc,
                                         .clock = &subject->clock.clock,
                                         .url = url,
                                         .secret = SECRET,
                                         .timeout_ms = 2000,
                                         .allowed_private = targets,
                                         .allowed_private_count = allowed ? 2 : 1};
    return tt_webhook_open(&options, &subject->notifier, NULL);
}

static int setup(void **state)
{
    struct subject *subject = calloc(1, sizeof *subject);
    tt_fake_clock_init(&subject->clock, NOW);
    subject->status = 204;
    struct tt_microhttpd_options options = {.alloc = &tt_alloc_libc,
                                            .http = {.address = "127.0.0.1",
                                                     .body_size_max = 1000,
                                                     .idle_timeout_ms = 5000,
                                                     .handler = receive,
                                                     .ctx = subject}};
    assert_int_equal(tt_microhttpd_open(&options, &subject->server, NULL), TT_OK);
    assert_int_equal(open_webhook(subject, true, "127.0.0.1"), TT_OK);
    *state = subject;
    return 0;
}

static int teardown(void **state)
{
    struct subject *subject = *state;
    if (subject->notifier != NULL) {
        subject->notifier->ops->close(subject->notifier);
    }
    if (subject->server != NULL) {
        subject->server->ops->close(subject->server);
    }
    free(subject);
    return 0;
}

static const struct tt_notification sample = {.id = {"msg_1", 5},
                                              .type = {"anomaly.created", 15},
                                              .timestamp_ms = NOW - 5000,
                                              .body = {"{\"test\": 2432232314}", 20}};

static enum tt_status deliver(struct subject *subject, int64_t *ret_wait_ms)
{
    return subject->notifier->ops->deliver(subject->notifier, &sample, ret_wait_ms, NULL);
}

static void a_notification_arrives_signed(void **state)
{
    struct subject *subject = *state;
    int64_t wait_ms = 99;
    assert_int_equal(deliver(subject, &wait_ms), TT_OK);
    assert_int_equal(wait_ms, 0);
    assert_string_equal(subject->id, "msg_1");
    assert_string_equal(subject->timestamp, "1700000000");
    assert_string_equal(subject->type, "application/json");
    assert_string_equal(subject->body, "{\"test\": 2432232314}");
    struct tt_webhook_key key;
    char signature[TT_WEBHOOK_SIGNATURE_SIZE];
    assert_true(tt_webhook_key_parse(SECRET, &key));
    assert_true(tt_webhook_sign(&key, sample.id, NOW / 1000, sample.body, signature));
    assert_string_equal(subject->signature, signature);
    assert_int_equal(deliver(subject, &wait_ms), TT_OK); /* on the same connection */
    assert_int_equal(subject->received, 2);
}

/* The example of the specification. */
static void a_signature_is_the_published_one(void **state)
{
    (void)state;
    struct tt_webhook_key key;
    char signature[TT_WEBHOOK_SIGNATURE_SIZE];
    assert_true(tt_webhook_key_parse(SECRET, &key));
    assert_true(tt_webhook_sign(&key, TT_STR("msg_p5jXN8AQM9LWM0D4loKWxJek"), 1614265330,
                                TT_STR("{\"test\": 2432232314}"), signature));
    assert_string_equal(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
}

static void a_status_says_what_to_do(void **state)
{
    struct subject *subject = *state;
    const struct {
        uint16_t status;
        const char *retry_after;
        enum tt_status expected;
        int64_t wait_ms;
    } cases[] = {{200, NULL, TT_OK, 0},
                 {202, "5", TT_OK, 0},
                 {429, "7", TT_E_AGAIN, 7000},
                 {429, NULL, TT_E_AGAIN, 0},
                 {503, "120", TT_E_AGAIN, 120000},
                 {503, NULL, TT_E_IO, 0},
                 {503, "99999999", TT_E_AGAIN, 86400000},
                 {500, NULL, TT_E_IO, 0},
                 {502, NULL, TT_E_IO, 0},
                 {400, NULL, TT_E_DENIED, 0},
                 {401, NULL, TT_E_DENIED, 0},
                 {410, NULL, TT_E_DENIED, 0},
                 {408, NULL, TT_E_TIMEOUT, 0}};
    for (size_t i = 0; i < TT_ARRAY_SIZE(cases); i++) {
        int64_t wait_ms = 99;
        subject->status = cases[i].status;
        subject->retry_after = cases[i].retry_after;
        assert_int_equal(deliver(subject, &wait_ms), cases[i].expected);
        assert_int_equal(wait_ms, cases[i].wait_ms);
    }
}

static void a_redirect_is_not_followed(void **state)
{
    struct subject *subject = *state;
    int64_t wait_ms;
    subject->status = 302;
    subject->location = "/elsewhere";
    assert_int_equal(deliver(subject, &wait_ms), TT_E_DENIED);
    assert_int_equal(subject->received, 1);
}

static void a_long_answer_is_cut_off(void **state)
{
    struct subject *subject = *state;
    int64_t wait_ms;
    subject->status = 200;
    subject->answer_size = 200000;
    assert_int_equal(deliver(subject, &wait_ms), TT_OK);
    subject->status = 500;
    assert_int_equal(deliver(subject, &wait_ms), TT_E_IO);
}

static void a_receiver_that_does_not_answer_times_out(void **state)
{
    struct subject *subject = *state;
    int64_t wait_ms;
    subject->status = 0;
    assert_int_equal(deliver(subject, &wait_ms), TT_E_TIMEOUT);
}

static void a_receiver_that_is_gone_is_an_io_failure(void **state)
{
    struct subject *subject = *state;
    int64_t wait_ms;
    subject->server->ops->close(subject->server);
    subject->server = NULL;
    assert_int_equal(deliver(subject, &wait_ms), TT_E_IO);
}

static void a_broken_notification_is_invalid(void **state)
{
    struct subject *subject = *state;
    int64_t wait_ms;
    struct tt_notification wrong = sample;
    wrong.id = TT_STR("a\r\nX: y");
    assert_int_equal(subject->notifier->ops->deliver(subject->notifier, &wrong, &wait_ms, NULL),
                     TT_E_INVALID);
    wrong.id = TT_STR("");
    assert_int_equal(subject->notifier->ops->deliver(subject->notifier, &wrong, &wait_ms, NULL),
                     TT_E_INVALID);
    assert_int_equal(subject->received, 0);
}

static void a_name_that_points_inside_is_refused(void **state)
{
    struct subject *subject = *state;
    int64_t wait_ms = 0;
    struct tt_error err = {0};
    struct tt_notifier *notifier = NULL;
    struct tt_webhook_options options = {.alloc = &tt_alloc_libc,
                                         .clock = &subject->clock.clock,
                                         .url = "https://localhost:1/hook",
                                         .secret = SECRET};
    assert_int_equal(tt_webhook_open(&options, &notifier, &err), TT_OK);
    assert_int_equal(notifier->ops->deliver(notifier, &sample, &wait_ms, &err), TT_E_DENIED);
    notifier->ops->close(notifier);
    assert_int_equal(subject->received, 0);
}

static void wrong_options_are_refused(void **state)
{
    struct subject *subject = *state;
    struct tt_notifier *notifier = NULL;
    const struct {
        const char *url, *secret;
    } cases[] = {{"http://example.com/", SECRET},
                 {"ftp://example.com/", SECRET},
                 {"file:///etc/passwd", SECRET},
                 {"https://user:pw@example.com/", SECRET},
                 {"not a url", SECRET},
                 {"", SECRET},
                 {NULL, SECRET},
                 {"https://example.com/", NULL},
                 {"https://example.com/", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"},
                 {"https://example.com/", "whsec_"},
                 {"https://example.com/", "whsec_c2hvcnQ="},
                 {"https://example.com/", "whsec_****************************"}};
    for (size_t i = 0; i < TT_ARRAY_SIZE(cases); i++) {
        struct tt_webhook_options options = {.alloc = &tt_alloc_libc,
                                             .clock = &subject->clock.clock,
                                             .url = cases[i].url,
                                             .secret = cases[i].secret};
        assert_int_equal(tt_webhook_open(&options, &notifier, NULL), TT_E_INVALID);
    }
}

static void inside_addresses_are_known(void **state)
{
    (void)state;
    const struct {
        const char *text;
        bool inside;
    } cases[] = {{"127.0.0.1", true},
                 {"10.1.2.3", true},
                 {"172.31.255.255", true},
                 {"172.32.0.1", false},
                 {"192.168.0.1", true},
                 {"169.254.169.254", true},
                 {"100.64.0.1", true},
                 {"100.128.0.1", false},
                 {"0.0.0.0", true},
                 {"224.0.0.1", true},
                 {"255.255.255.255", true},
                 {"8.8.8.8", false},
                 {"::1", true},
                 {"::", true},
                 {"fe80::1", true},
                 {"fd00::1", true},
                 {"ff02::1", true},
                 {"::ffff:10.0.0.1", true},
                 {"::ffff:8.8.8.8", false},
                 {"2002:7f00:1::", true},
                 {"64:ff9b::7f00:1", true},
                 {"2606:4700::1", false},
                 {"2001:db8::1", true},
                 {"::127.0.0.1", true}};
    for (size_t i = 0; i < TT_ARRAY_SIZE(cases); i++) {
        struct sockaddr_in v4 = {.sin_family = AF_INET};
        struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
        bool is_v4 = inet_pton(AF_INET, cases[i].text, &v4.sin_addr) == 1;
        if (!is_v4) {
            assert_int_equal(inet_pton(AF_INET6, cases[i].text, &v6.sin6_addr), 1);
        }
        const void *address = is_v4 ? (const void *)&v4 : (const void *)&v6;
        if (tt_target_is_inside(address) != cases[i].inside) {
            fail_msg("%s", cases[i].text);
        }
    }
}

static enum tt_status note(void *ctx, const struct tt_notification *notification,
                           struct tt_error *err)
{
    struct subject *subject = ctx;
    (void)err;
    copy(subject->id, sizeof subject->id, notification->id);
    return subject->status == 204 ? TT_OK : TT_E_IO;
}

static void the_log_notifier_hands_its_line_on(void **state)
{
    struct subject *subject = *state;
    int64_t wait_ms = 99;
    struct tt_notifier *notifier = NULL;
    struct tt_log_notifier_options options = {&tt_alloc_libc, note, subject};
    assert_int_equal(tt_log_notifier_open(&options, &notifier, NULL), TT_OK);
    assert_int_equal(notifier->ops->deliver(notifier, &sample, &wait_ms, NULL), TT_OK);
    assert_int_equal(wait_ms, 0);
    assert_string_equal(subject->id, "msg_1");
    subject->status = 500;
    assert_int_equal(notifier->ops->deliver(notifier, &sample, &wait_ms, NULL), TT_E_IO);
    notifier->ops->close(notifier);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        CASE(a_notification_arrives_signed),
        cmocka_unit_test(a_signature_is_the_published_one),
        CASE(a_status_says_what_to_do),
        CASE(a_redirect_is_not_followed),
        CASE(a_long_answer_is_cut_off),
        CASE(a_receiver_that_does_not_answer_times_out),
        CASE(a_receiver_that_is_gone_is_an_io_failure),
        CASE(a_broken_notification_is_invalid),
        CASE(a_name_that_points_inside_is_refused),
        CASE(wrong_options_are_refused),
        CASE(inside_addresses_are_known),
        CASE(the_log_notifier_hands_its_line_on),
    };
    return cmocka_run_group_tests_name("notify", tests, NULL, NULL);
}
