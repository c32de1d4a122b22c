/* One request: from the library's callbacks to the handler, and back by an answer from any thread.
 *
 * The handler runs on the listener's thread. A request it does not answer is suspended; the answer
 * is pushed to the listener's stack by whoever has it, and the listener resumes. So an answer that
 * comes before the suspension is no special case, and many answers cost one wake-up.
 */
#include "adapters/microhttpd/internal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FREE_MAX 64
#define BODY_KEPT_MAX 65536 /* a bigger body's memory is not kept for the next request */
#define BODY_FIRST 1024

struct problem {
    uint16_t status;
    const char *title, *code, *detail;
};
static const struct problem bad_target = {
    400, "Bad Request", "bad_target",
    "the path or query has a malformed percent escape, a NUL or invalid UTF-8"};
static const struct problem too_large = {413, "Content Too Large", "body_too_large",
                                         "the body is larger than this server accepts"};
static const struct problem bad_length = {400, "Bad Request", "bad_content_length",
                                          "Content-Length is not a number"};
static const struct problem no_memory = {503, "Service Unavailable", "out_of_memory",
                                         "the server is out of memory"};

static int hex_digit(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

size_t tt_microhttpd_unescape(void *ctx, struct MHD_Connection *connection, char *text)
{
    (void)ctx;
    (void)connection;
    char *out = text;
    for (const char *in = text; *in != '\0';) {
        if (*in != '%') {
            *out++ = *in++;
            continue;
        }
        int high = hex_digit(in[1]), low = high >= 0 ? hex_digit(in[2]) : -1;
        if (low < 0 || (high | low) == 0) {
            memcpy(text, "\xff", 2);
            return 1;
        }
        *out++ = (char)(high * 16 + low);
        in += 3;
    }
    *out = '\0';
    return (size_t)(out - text);
}

static struct request *request_new(struct listener *listener)
{
    struct server *server = listener->server;
    struct request *request = listener->free;
    if (request != NULL) {
        listener->free = request->next;
        listener->free_count--;
    } else {
        request = tt_new_array(server->alloc, 1, sizeof *request);
        if (request == NULL) {
            return NULL;
        }
        tt_buf_init(&request->body, server->alloc, (size_t)server->body_size_max);
    }
    request->server = server;
    request->listener = listener;
    request->previous = NULL;
    request->next = listener->live;
    if (listener->live != NULL) {
        listener->live->previous = request;
    }
    listener->live = request;
    return request;
}

static void request_free(struct server *server, struct request *request)
{
    tt_buf_deinit(&request->body);
    tt_delete(server->alloc, request, sizeof *request);
}

void tt_microhttpd_free_requests(struct listener *listener)
{
    while (listener->free != NULL) {
        struct request *request = listener->free;
        listener->free = request->next;
        request_free(listener->server, request);
    }
}

void tt_microhttpd_completed(void *ctx, struct MHD_Connection *connection, void **connection_ctx,
                             enum MHD_RequestTerminationCode code)
{
    (void)connection;
    (void)code;
    struct listener *listener = ctx;
    struct request *request = *connection_ctx;
    if (request == NULL) {
        return;
    }
    *connection_ctx = NULL;
    if (request->response != NULL) {
        MHD_destroy_response(request->response);
    }
    struct tt_buf body = request->body;
    if (body.capacity > BODY_KEPT_MAX) {
        tt_buf_deinit(&body);
        tt_buf_init(&body, listener->server->alloc, (size_t)listener->server->body_size_max);
    }
    tt_buf_clear(&body);
    *(request->previous != NULL ? &request->previous->next : &listener->live) = request->next;
    if (request->next != NULL) {
        request->next->previous = request->previous;
    }
    *request = (struct request){.body = body};
    if (listener->free_count < FREE_MAX) {
        request->next = listener->free;
        listener->free = request;
        listener->free_count++;
    } else {
        request_free(listener->server, request);
    }
}

static enum MHD_Result queue_problem(struct MHD_Connection *connection,
                                     const struct problem *problem)
{
    char body[320];
    int size = snprintf(body, sizeof body,
                        "{\"type\":\"about:blank\",\"title\":\"%s\",\"status\":%u,"
                        "\"detail\":\"%s\",\"code\":\"%s\"}",
                        problem->title, problem->status, problem->detail, problem->code);
    struct MHD_Response *response =
        MHD_create_response_from_buffer((size_t)size, body, MHD_RESPMEM_MUST_COPY);
    if (response == NULL) {
        return MHD_NO;
    }
    (void)MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE,
                                  "application/problem+json");
    (void)MHD_add_response_header(response, MHD_HTTP_HEADER_CONNECTION, "close");
    enum MHD_Result result = MHD_queue_response(connection, problem->status, response);
    MHD_destroy_response(response);
    return result;
}

static enum tt_http_method method_of(const char *text)
{
    static const struct {
        const char *text;
        enum tt_http_method method;
    } methods[] = {{"POST", TT_HTTP_POST},      {"GET", TT_HTTP_GET},
                   {"HEAD", TT_HTTP_HEAD},      {"PUT", TT_HTTP_PUT},
                   {"PATCH", TT_HTTP_PATCH},    {"DELETE", TT_HTTP_DELETE},
                   {"OPTIONS", TT_HTTP_OPTIONS}};
    for (size_t i = 0; i < TT_ARRAY_SIZE(methods); i++) {
        if (strcmp(text, methods[i].text) == 0) {
            return methods[i].method;
        }
    }
    return TT_HTTP_OTHER;
}

static bool is_utf8(const char *text, size_t size)
{
    return tt_str_utf8_check((struct tt_str){text, size}) == size;
}

static enum MHD_Result check_argument(void *ctx, enum MHD_ValueKind kind, const char *name,
                                      size_t name_size, const char *value, size_t value_size)
{
    (void)kind;
    bool *valid = ctx;
    *valid = is_utf8(name, name_size) && (value == NULL || is_utf8(value, value_size));
    return *valid ? MHD_YES : MHD_NO;
}

/* A target in absolute form ("GET http://host/path") means its path (RFC 9112 §3.2.2). */
static const char *path_of(const char *url)
{
    if (url[0] == '/' || strncmp(url, "http", 4) != 0) {
        return url;
    }
    const char *host = strstr(url, "://");
    const char *path = host != NULL ? strchr(host + 3, '/') : NULL;
    return path != NULL ? path : host != NULL ? "/" : url;
}

/* What can be refused from the headers alone; NULL when nothing. */
static const struct problem *check_head(struct server *server, struct MHD_Connection *connection,
                                        const char *url)
{
    bool valid = is_utf8(url, strlen(url));
    if (valid) {
        (void)MHD_get_connection_values_n(connection, MHD_GET_ARGUMENT_KIND, check_argument,
                                          &valid);
    }
    if (!valid) {
        return &bad_target;
    }
    const char *length =
        MHD_lookup_connection_value(connection, MHD_HEADER_KIND, MHD_HTTP_HEADER_CONTENT_LENGTH);
    if (length != NULL) {
        char *end = NULL;
        unsigned long long size = strtoull(length, &end, 10);
        if (end == length || *end != '\0') {
            return &bad_length;
        }
        if (size > server->body_size_max) {
            return &too_large;
        }
    }
    return NULL;
}

static enum MHD_Result begin(struct listener *listener, struct MHD_Connection *connection,
                             const char *url, const char *method, void **connection_ctx)
{
    struct server *server = listener->server;
    const struct problem *problem = check_head(server, connection, url);
    if (problem != NULL) {
        tt_microhttpd_linger(server, connection);
        return queue_problem(connection, problem);
    }
    struct request *request = request_new(listener);
    if (request == NULL) {
        return queue_problem(connection, &no_memory);
    }
    request->connection = connection;
    request->base.method = method_of(method);
    request->base.path = tt_str_from(path_of(url));
    request->base.handle = request;
    *connection_ctx = request;
    return MHD_YES;
}

/* Takes a piece of the body. Past the limit it is thrown away, so that the client can read the
 * answer; one that sends without end is cut off. */
static enum MHD_Result receive(struct server *server, struct request *request, const char *data,
                               size_t *size)
{
    request->has_body = true;
    if (request->discarded == 0 && request->body.size + *size <= server->body_size_max) {
        if (request->body.capacity == 0) {
            (void)!tt_buf_reserve(&request->body, BODY_FIRST < server->body_size_max
                                                      ? BODY_FIRST
                                                      : (size_t)server->body_size_max);
        }
        (void)tt_buf_append(&request->body, data, *size);
    } else {
        request->discarded += *size;
        tt_buf_clear(&request->body);
        if (request->discarded > 4 * server->body_size_max + ((uint64_t)1 << 20)) {
            return MHD_NO;
        }
    }
    *size = 0;
    return MHD_YES;
}

static struct MHD_Response *make_response(struct server *server,
                                          const struct tt_http_response *from)
{
    union {
        const char *constant;
        void *variable; /* the library asks for it and does not write */
    } data = {.constant = from->body.data};
    struct MHD_Response *response = MHD_create_response_from_buffer(
        from->body.size, from->body.size != 0 ? data.variable : NULL,
        from->body_static || from->body.size == 0 ? MHD_RESPMEM_PERSISTENT : MHD_RESPMEM_MUST_COPY);
    if (response == NULL) {
        return NULL;
    }
    for (uint32_t i = 0; i < from->header_count; i++) {
        char value[1024];
        struct tt_str text = from->headers[i].value;
        size_t size = text.size < sizeof value - 1 ? text.size : sizeof value - 1;
        if (size != 0) {
            memcpy(value, text.data, size);
        }
        value[size] = '\0';
        (void)MHD_add_response_header(response, from->headers[i].name, value);
    }
    if (__atomic_load_n(&server->quiesced, __ATOMIC_RELAXED)) {
        (void)MHD_add_response_header(response, MHD_HTTP_HEADER_CONNECTION, "close");
    }
    return response;
}

static enum MHD_Result queue_answer(struct request *request)
{
    if (request->response == NULL) {
        return queue_problem(request->connection, &no_memory);
    }
    return MHD_queue_response(request->connection, request->status, request->response);
}

static enum MHD_Result finish(struct server *server, struct request *request)
{
    if (request->discarded != 0) {
        return queue_problem(request->connection, &too_large);
    }
    if (request->body.status != TT_OK) {
        return queue_problem(request->connection, &no_memory);
    }
    if (request->has_body) {
        request->base.body = tt_buf_str(&request->body);
    }
    request->phase = PHASE_PENDING;
    struct tt_http_response response;
    response.header_count = 0;
    response.body = (struct tt_str){NULL, 0};
    response.body_static = false;
    response.status = 500;
    if (!server->handler(server->ctx, &request->base, &response)) {
        MHD_suspend_connection(request->connection);
        return MHD_YES;
    }
    TT_ASSERT(response.header_count <= TT_HTTP_HEADERS_MAX);
    request->response = make_response(server, &response);
    request->status = response.status;
    request->phase = PHASE_ANSWERED;
    return queue_answer(request);
}

enum MHD_Result tt_microhttpd_access(void *ctx, struct MHD_Connection *connection, const char *url,
                                     const char *method, const char *version,
                                     const char *upload_data, size_t *upload_data_size,
                                     void **connection_ctx)
{
    (void)version;
    struct listener *listener = ctx;
    struct server *server = listener->server;
    struct request *request = *connection_ctx;
    if (request == NULL) {
        return begin(listener, connection, url, method, connection_ctx);
    }
    switch (request->phase) {
    case PHASE_READING:
        return *upload_data_size != 0 ? receive(server, request, upload_data, upload_data_size)
                                      : finish(server, request);
    case PHASE_ANSWERED:
        return queue_answer(request);
    default:
        return MHD_NO;
    }
}

void tt_microhttpd_respond(struct tt_http_request *base, const struct tt_http_response *response)
{
    struct request *request = base->handle;
    TT_ASSERT(response->header_count <= TT_HTTP_HEADERS_MAX);
    request->response = make_response(request->server, response);
    request->status = response->status;
    /* Once it is pushed the request is the listener's and may be gone at any moment. */
    struct listener *listener = request->listener;
    struct request *head = __atomic_load_n(&listener->answered, __ATOMIC_RELAXED);
    do {
        request->next_answered = head;
    } while (!__atomic_compare_exchange_n(&listener->answered, &head, request, true,
                                          __ATOMIC_RELEASE, __ATOMIC_RELAXED));
    if (head == NULL) {
        tt_microhttpd_listener_wake(listener);
    }
}

void tt_microhttpd_take_answers(struct listener *listener)
{
    struct request *request = __atomic_exchange_n(&listener->answered, NULL, __ATOMIC_ACQUIRE);
    while (request != NULL) {
        struct request *next = request->next_answered;
        TT_ASSERT(request->phase == PHASE_PENDING);
        request->phase = PHASE_ANSWERED;
        MHD_resume_connection(request->connection);
        request = next;
    }
}

void tt_microhttpd_drop_pending(struct listener *listener)
{
    for (struct request *i = listener->live; i != NULL; i = i->next) {
        if (i->phase == PHASE_PENDING) {
            i->phase = PHASE_DROPPED;
            MHD_resume_connection(i->connection);
        }
    }
}

static struct tt_str look_up(const struct tt_http_request *base, enum MHD_ValueKind kind,
                             const char *name)
{
    const struct request *request = base->handle;
    const char *value = NULL;
    size_t size = 0;
    if (MHD_lookup_connection_value_n(request->connection, kind, name, strlen(name), &value,
                                      &size) == MHD_NO) {
        return (struct tt_str){NULL, 0};
    }
    return value != NULL ? (struct tt_str){value, size} : TT_STR("");
}

struct tt_str tt_microhttpd_header(const struct tt_http_request *request, const char *name)
{
    struct tt_str value = look_up(request, MHD_HEADER_KIND, name);
    return value.data != NULL ? tt_str_trim(value) : value;
}

struct tt_str tt_microhttpd_query(const struct tt_http_request *request, const char *name)
{
    return look_up(request, MHD_GET_ARGUMENT_KIND, name);
}

struct visitor {
    void (*visit)(void *ctx, struct tt_str name, struct tt_str value);
    void *ctx;
};

static enum MHD_Result visit_argument(void *ctx, enum MHD_ValueKind kind, const char *name,
                                      size_t name_size, const char *value, size_t value_size)
{
    (void)kind;
    const struct visitor *visitor = ctx;
    visitor->visit(visitor->ctx, (struct tt_str){name, name_size},
                   value != NULL ? (struct tt_str){value, value_size} : TT_STR(""));
    return MHD_YES;
}

void tt_microhttpd_each_query(const struct tt_http_request *base,
                              void (*visit)(void *ctx, struct tt_str name, struct tt_str value),
                              void *ctx)
{
    const struct request *request = base->handle;
    struct visitor visitor = {visit, ctx};
    (void)MHD_get_connection_values_n(request->connection, MHD_GET_ARGUMENT_KIND, visit_argument,
                                      &visitor);
}
