/* The suite every adapter of the HTTP server port passes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <pthread.h>
#include <unistd.h>

#include "adapters/microhttpd/server.h"
#include "support/tcp.h"

#define BODY_MAX 10000
#define PENDING_MAX 64

struct subject {
    struct tt_http_server *server;
    pthread_mutex_t lock;
    pthread_cond_t arrived;
    struct tt_http_request *pending[PENDING_MAX]; /* those under /later */
    size_t pending_count;
    size_t handled;
    char text[4096]; /* what /echo saw */
    char answer[20000];
};

static void note_query(void *ctx, struct tt_str name, struct tt_str value)
{
    char *text = ctx;
    size_t used = strlen(text);
    (void)snprintf(text + used, 4096 - used, "[%.*s=%.*s]", TT_STR_ARG(name), TT_STR_ARG(value));
}

static void echo(struct subject *subject, struct tt_http_request *request,
                 struct tt_http_response *response)
{
    const struct tt_http_ops *ops = subject->server->ops;
    struct tt_str header = ops->header(request, "X-Test");
    struct tt_str a = ops->query(request, "a");
    (void)snprintf(subject->text, sizeof subject->text, "%d %.*s body=%zu/%d x=%.*s/%d a=%.*s/%d ",
                   request->method, TT_STR_ARG(request->path), request->body.size,
                   request->body.data != NULL, TT_STR_ARG(header), header.data != NULL,
                   TT_STR_ARG(a), a.data != NULL);
    ops->each_query(request, note_query, subject->text);
    response->status = 200;
    response->body = tt_str_from(subject->text);
    response->header_count = 1;
    response->headers[0] = (struct tt_http_header){"Content-Type", TT_STR("text/plain")};
}

static bool handle(void *ctx, struct tt_http_request *request, struct tt_http_response *response)
{
    struct subject *subject = ctx;
    pthread_mutex_lock(&subject->lock);
    subject->handled++;
    bool later = tt_str_starts_with(request->path, TT_STR("/later"));
    if (later) {
        assert_true(subject->pending_count < PENDING_MAX);
        subject->pending[subject->pending_count++] = request;
    } else if (tt_str_equal_text(request->path, "/static")) {
        response->status = 200;
        response->body = TT_STR("static text");
        response->body_static = true;
    } else {
        echo(subject, request, response);
    }
    pthread_cond_broadcast(&subject->arrived);
    pthread_mutex_unlock(&subject->lock);
    return !later;
}

static int setup(void **state)
{
    struct subject *subject = calloc(1, sizeof *subject);
    pthread_mutex_init(&subject->lock, NULL);
    pthread_cond_init(&subject->arrived, NULL);
    struct tt_microhttpd_options options = {.alloc = &tt_alloc_libc,
                                            .http = {.address = "127.0.0.1",
                                                     .body_size_max = BODY_MAX,
                                                     .connections_max = 100,
                                                     .idle_timeout_ms = 5000,
                                                     .handler = handle,
                                                     .ctx = subject}};
    assert_int_equal(tt_microhttpd_open(&options, &subject->server, NULL), TT_OK);
    *state = subject;
    return 0;
}

static int teardown(void **state)
{
    struct subject *subject = *state;
    if (subject->server != NULL) {
        subject->server->ops->close(subject->server);
    }
    pthread_mutex_destroy(&subject->lock);
    pthread_cond_destroy(&subject->arrived);
    free(subject);
    return 0;
}

static int dial(struct subject *subject)
{
    return tt_tcp_connect(subject->server->ops->port(subject->server));
}

static int answer(struct subject *subject, int fd)
{
    return tt_tcp_response(fd, subject->answer, sizeof subject->answer, false);
}

/* Waits until that many requests are pending and takes them. */
static void wait_pending(struct subject *subject, size_t count, struct tt_http_request **ret)
{
    pthread_mutex_lock(&subject->lock);
    while (subject->pending_count < count) {
        pthread_cond_wait(&subject->arrived, &subject->lock);
    }
    memcpy(ret, subject->pending, count * sizeof *ret);
    subject->pending_count = 0;
    pthread_mutex_unlock(&subject->lock);
}

static void respond(struct subject *subject, struct tt_http_request *request, const char *text)
{
    struct tt_http_response response = {.status = 201, .body = tt_str_from(text)};
    subject->server->ops->respond(request, &response);
}

static void assert_answer(struct subject *subject, const char *request, int status,
                          const char *part)
{
    int fd = dial(subject);
    assert_true(tt_tcp_send_text(fd, request));
    int got = answer(subject, fd);
    if (got != status || strstr(subject->answer, part) == NULL) {
        fail_msg("%s\ngave %d: %s\nwanted %d with %s", request, got, subject->answer, status, part);
    }
    (void)close(fd);
}

static void a_request_reaches_the_handler_whole(void **state)
{
    struct subject *subject = *state;
    assert_answer(subject,
                  "POST /a%20b/%C3%BC?a=1%262&b=x+y%2B&c&a=2 HTTP/1.1\r\nHost: h\r\nX-TEST: v \r\n"
                  "Content-Length: 3\r\n\r\nabc",
                  200, "3 /a b/\xc3\xbc body=3/1 x=v/1 a=1&2/1 [a=1&2][b=x y+][c=][a=2]");
    assert_answer(subject, "GET / HTTP/1.1\r\nHost: h\r\n\r\n", 200, "1 / body=0/0 x=/0 a=/0 ");
    assert_answer(subject, "BREW http://host:80/pot HTTP/1.1\r\nHost: h\r\n\r\n", 200, "8 /pot ");
    assert_answer(subject, "DELETE //x/../y HTTP/1.1\r\nHost: h\r\n\r\n", 200, "6 //x/../y ");
}

static void a_static_body_and_head_are_answered(void **state)
{
    struct subject *subject = *state;
    int fd = dial(subject);
    assert_true(tt_tcp_send_text(fd, "HEAD /static HTTP/1.1\r\nHost: h\r\n\r\n"
                                     "GET /static HTTP/1.1\r\nHost: h\r\n\r\n"));
    assert_int_equal(tt_tcp_response(fd, subject->answer, sizeof subject->answer, true), 200);
    assert_non_null(strcasestr(subject->answer, "content-length: 11"));
    assert_int_equal(answer(subject, fd), 200);
    assert_non_null(strstr(subject->answer, "static text"));
    (void)close(fd);
}

static void a_bad_target_is_refused(void **state)
{
    struct subject *subject = *state;
    const char *const targets[] = {"/%",     "/%0",     "/%zz",  "/a%00b",        "/%ff",   "/%c3",
                                   "/?a=%0", "/?a=%00", "/?%=1", "/?a=%ED%A0%80", "/\xff x"};
    for (size_t i = 0; i < TT_ARRAY_SIZE(targets); i++) {
        char request[128];
        (void)snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: h\r\n\r\n", targets[i]);
        assert_answer(subject, request, 400, "");
        if (i < 10) {
            assert_non_null(strstr(subject->answer, "\"code\":\"bad_target\""));
            assert_non_null(strstr(subject->answer, "application/problem+json"));
        }
    }
    assert_int_equal(subject->handled, 0);
}

static void a_body_of_the_limit_passes_and_one_byte_more_does_not(void **state)
{
    struct subject *subject = *state;
    static char request[BODY_MAX + 200];
    for (int more = 0; more < 2; more++) {
        int size =
            snprintf(request, sizeof request,
                     "POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n", BODY_MAX + more);
        memset(request + size, 'b', BODY_MAX + 1);
        int fd = dial(subject);
        assert_true(tt_tcp_send(fd, request, (size_t)(size + BODY_MAX + more)));
        assert_int_equal(answer(subject, fd), more ? 413 : 200);
        assert_non_null(
            strstr(subject->answer, more ? "\"code\":\"body_too_large\"" : "body=10000/1"));
        (void)close(fd);
    }
}

static void a_body_in_chunks_is_limited_too(void **state)
{
    struct subject *subject = *state;
    static char chunk[4096 + 16];
    memcpy(chunk, "1000\r\n", 6);
    memset(chunk + 6, 'c', 4096);
    memcpy(chunk + 6 + 4096, "\r\n", 2);
    for (int count = 2; count <= 3; count++) {
        int fd = dial(subject);
        assert_true(tt_tcp_send_text(
            fd, "POST /x HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"));
        for (int i = 0; i < count; i++) {
            assert_true(tt_tcp_send(fd, chunk, 4096 + 8));
        }
        assert_true(tt_tcp_send_text(fd, "0\r\n\r\n"));
        assert_int_equal(answer(subject, fd), count == 2 ? 200 : 413);
        (void)close(fd);
    }
}

/* A client that never asks (no Expect) and reads the answer only after all is sent. */
static void a_hundred_megabytes_are_refused_with_an_answer(void **state)
{
    struct subject *subject = *state;
    static char block[1 << 20];
    int fd = dial(subject);
    assert_true(
        tt_tcp_send_text(fd, "POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 104857600\r\n\r\n"));
    for (int i = 0; i < 100; i++) {
        assert_true(tt_tcp_send(fd, block, sizeof block));
    }
    assert_int_equal(answer(subject, fd), 413);
    assert_true(tt_tcp_at_end(fd));
    (void)close(fd);
    assert_int_equal(subject->handled, 0);
}

static void a_client_that_asks_first_is_told_at_once(void **state)
{
    struct subject *subject = *state;
    assert_answer(subject,
                  "POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 104857600\r\n"
                  "Expect: 100-continue\r\n\r\n",
                  413, "body_too_large");
}

static void broken_lengths_are_refused(void **state)
{
    struct subject *subject = *state;
    const char *const lengths[] = {"-1", "abc", "1x", "99999999999999999999999"};
    for (size_t i = 0; i < TT_ARRAY_SIZE(lengths); i++) {
        char request[160];
        (void)snprintf(request, sizeof request,
                       "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: %s\r\n\r\n", lengths[i]);
        int fd = dial(subject);
        assert_true(tt_tcp_send_text(fd, request));
        int status = answer(subject, fd);
        assert_true(status == 400 || status == 413);
        (void)close(fd);
    }
    assert_int_equal(subject->handled, 0);
}

static void an_answer_may_come_later_from_another_thread(void **state)
{
    struct subject *subject = *state;
    struct tt_http_request *pending[2];
    int slow = dial(subject), quick = dial(subject);
    assert_true(tt_tcp_send_text(slow, "GET /later/1 HTTP/1.1\r\nHost: h\r\n\r\n"));
    wait_pending(subject, 1, pending);
    assert_true(tt_tcp_send_text(quick, "GET /now HTTP/1.1\r\nHost: h\r\n\r\n"));
    assert_int_equal(answer(subject, quick), 200);
    struct tt_http_response response = {
        .status = 202,
        .body = TT_STR("done"),
        .header_count = 2,
        .headers = {{"X-A", TT_STR("1")}, {"Retry-After", TT_STR("2")}}};
    subject->server->ops->respond(pending[0], &response);
    assert_int_equal(answer(subject, slow), 202);
    assert_non_null(strstr(subject->answer, "X-A: 1"));
    assert_non_null(strstr(subject->answer, "\r\n\r\ndone"));
    (void)close(slow);
    (void)close(quick);
}

static void pipelined_requests_are_answered_in_order(void **state)
{
    struct subject *subject = *state;
    struct tt_http_request *pending[1];
    int fd = dial(subject);
    assert_true(tt_tcp_send_text(fd, "GET /later HTTP/1.1\r\nHost: h\r\n\r\n"
                                     "POST /two HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\n\r\nx"
                                     "GET /three HTTP/1.1\r\nHost: h\r\n\r\n"));
    wait_pending(subject, 1, pending);
    respond(subject, pending[0], "one");
    assert_int_equal(answer(subject, fd), 201);
    assert_int_equal(answer(subject, fd), 200);
    assert_non_null(strstr(subject->answer, "/two body=1"));
    assert_int_equal(answer(subject, fd), 200);
    assert_non_null(strstr(subject->answer, "/three"));
    (void)close(fd);
}

static void a_client_that_left_does_not_disturb(void **state)
{
    struct subject *subject = *state;
    struct tt_http_request *pending[20];
    for (int i = 0; i < 20; i++) {
        int fd = dial(subject);
        assert_true(tt_tcp_send_text(fd, "POST /later HTTP/1.1\r\nHost: h\r\n"
                                         "Content-Length: 2\r\n\r\nab"));
        wait_pending(subject, 1, &pending[i]);
        (void)close(fd);
    }
    int half = dial(subject); /* gone in the middle of its body */
    assert_true(
        tt_tcp_send_text(half, "POST /x HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\na"));
    (void)close(half);
    for (int i = 0; i < 20; i++) {
        assert_true(tt_str_equal_text(pending[i]->body, "ab"));
        respond(subject, pending[i], "too late");
    }
    assert_answer(subject, "GET /still HTTP/1.1\r\nHost: h\r\n\r\n", 200, "/still");
}

static void a_slow_client_is_served(void **state)
{
    struct subject *subject = *state;
    const char *request = "POST /slow HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\nabcd";
    int fd = dial(subject);
    for (const char *at = request; *at != '\0'; at++) {
        assert_true(tt_tcp_send(fd, at, 1));
    }
    assert_int_equal(answer(subject, fd), 200);
    assert_non_null(strstr(subject->answer, "/slow body=4"));
    (void)close(fd);
}

static void close_drops_what_is_pending(void **state)
{
    struct subject *subject = *state;
    struct tt_http_request *pending[10];
    int fds[10];
    for (int i = 0; i < 10; i++) {
        fds[i] = dial(subject);
        assert_true(tt_tcp_send_text(fds[i], "GET /later HTTP/1.1\r\nHost: h\r\n\r\n"));
    }
    wait_pending(subject, 10, pending);
    subject->server->ops->close(subject->server);
    subject->server = NULL;
    for (int i = 0; i < 10; i++) {
        assert_int_equal(answer(subject, fds[i]), 0);
        (void)close(fds[i]);
    }
}

static void after_quiesce_only_what_is_under_way_is_answered(void **state)
{
    struct subject *subject = *state;
    struct tt_http_request *pending[1];
    uint16_t port = subject->server->ops->port(subject->server);
    int fd = dial(subject);
    assert_true(tt_tcp_send_text(fd, "GET /later HTTP/1.1\r\nHost: h\r\n\r\n"));
    wait_pending(subject, 1, pending);
    subject->server->ops->quiesce(subject->server);
    subject->server->ops->quiesce(subject->server);
    struct tt_http_server *second = NULL;
    struct tt_microhttpd_options options = {
        .alloc = &tt_alloc_libc,
        .http = {.address = "127.0.0.1", .port = port, .handler = handle, .ctx = subject}};
    assert_int_equal(tt_microhttpd_open(&options, &second, NULL), TT_OK); /* the port is free */
    second->ops->close(second);
    respond(subject, pending[0], "last");
    assert_int_equal(answer(subject, fd), 201);
    assert_true(tt_tcp_at_end(fd));
    (void)close(fd);
}

static void a_port_in_use_is_named(void **state)
{
    struct subject *subject = *state;
    struct tt_http_server *second = NULL;
    struct tt_error err = {0};
    struct tt_microhttpd_options options = {
        .alloc = &tt_alloc_libc,
        .http = {.address = "127.0.0.1",
                 .port = subject->server->ops->port(subject->server),
                 .handler = handle}};
    assert_int_equal(tt_microhttpd_open(&options, &second, &err), TT_E_IO);
    assert_non_null(strstr(err.message, "address already in use"));
    assert_non_null(strstr(err.message, "127.0.0.1"));
    options.http.address = "no such host.invalid";
    assert_int_equal(tt_microhttpd_open(&options, &second, &err), TT_E_IO);
    options.http.handler = NULL;
    assert_int_equal(tt_microhttpd_open(&options, &second, &err), TT_E_INVALID);
}

/* Answers each pending request as soon as it comes, racing with its suspension. */
static void *answer_all(void *ctx)
{
    struct subject *subject = ctx;
    for (int i = 0; i < 2000; i++) {
        struct tt_http_request *request;
        wait_pending(subject, 1, &request);
        respond(subject, request, "raced");
    }
    return NULL;
}

static void an_answer_may_come_before_the_request_is_suspended(void **state)
{
    struct subject *subject = *state;
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, answer_all, subject), 0);
    int fd = dial(subject);
    for (int i = 0; i < 2000; i++) {
        assert_true(tt_tcp_send_text(fd, "GET /later HTTP/1.1\r\nHost: h\r\n\r\n"));
        assert_int_equal(answer(subject, fd), 201);
    }
    (void)close(fd);
    assert_int_equal(pthread_join(thread, NULL), 0);
}

static void several_listeners_share_the_port(void **state)
{
    struct subject *subject = *state;
    subject->server->ops->close(subject->server);
    struct tt_microhttpd_options options = {
        .alloc = &tt_alloc_libc,
        .threads = 3,
        .http = {
            .address = "127.0.0.1", .body_size_max = BODY_MAX, .handler = handle, .ctx = subject}};
    assert_int_equal(tt_microhttpd_open(&options, &subject->server, NULL), TT_OK);
    struct tt_http_request *pending[30];
    int fds[30];
    for (int i = 0; i < 30; i++) {
        fds[i] = dial(subject);
        assert_true(tt_tcp_send_text(fds[i], "GET /later HTTP/1.1\r\nHost: h\r\n\r\n"));
    }
    wait_pending(subject, 30, pending);
    for (int i = 0; i < 20; i++) {
        respond(subject, pending[i], "one of many");
    }
    subject->server->ops->close(subject->server);
    subject->server = NULL;
    int answered = 0;
    for (int i = 0; i < 30; i++) {
        answered += answer(subject, fds[i]) == 201;
        (void)close(fds[i]);
    }
    assert_int_equal(answered, 20); /* what was answered before the end goes out */
}

static void big_headers_are_refused(void **state)
{
    struct subject *subject = *state;
    static char request[200000];
    int size = snprintf(request, sizeof request, "GET / HTTP/1.1\r\nHost: h\r\nX-Big: ");
    memset(request + size, 'h', sizeof request - (size_t)size);
    int fd = dial(subject);
    (void)tt_tcp_send(fd, request, sizeof request);
    int status = answer(subject, fd);
    assert_true(status == 431 || status == 414 || status == 413 || status == 0);
    (void)close(fd);
    assert_int_equal(subject->handled, 0);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        CASE(a_request_reaches_the_handler_whole),
        CASE(a_static_body_and_head_are_answered),
        CASE(a_bad_target_is_refused),
        CASE(a_body_of_the_limit_passes_and_one_byte_more_does_not),
        CASE(a_body_in_chunks_is_limited_too),
        CASE(a_hundred_megabytes_are_refused_with_an_answer),
        CASE(a_client_that_asks_first_is_told_at_once),
        CASE(broken_lengths_are_refused),
        CASE(an_answer_may_come_later_from_another_thread),
        CASE(pipelined_requests_are_answered_in_order),
        CASE(a_client_that_left_does_not_disturb),
        CASE(a_slow_client_is_served),
        CASE(close_drops_what_is_pending),
        CASE(after_quiesce_only_what_is_under_way_is_answered),
        CASE(a_port_in_use_is_named),
        CASE(an_answer_may_come_before_the_request_is_suspended),
        CASE(several_listeners_share_the_port),
        CASE(big_headers_are_refused),
    };
    return cmocka_run_group_tests_name("http/microhttpd", tests, NULL, NULL);
}
