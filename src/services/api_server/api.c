/* See api.h. */
#include "services/api_server/api.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "format/record/pan.h"
#include "services/api_server/call.h"
#include "services/api_server/problem.h"

#define BODY_SIZE_MAX (64u << 20)
#define ARENA_BLOCK_SIZE 1024
#define ARENA_SIZE_MAX (1u << 20)

struct route {
    enum tt_http_method method;
    const char *method_name;
    const char *path;
    bool (*handler)(struct tt_call *call);
    enum tt_role role;
    uint32_t scope;
    const char *summary;
};

static const struct route routes[] = {
#define TT_ROUTE(method, path, handler, role, scope, summary)                                      \
    {TT_HTTP_##method, #method, path, handler, TT_ROLE_##role, scope, summary},
#include "services/api_server/routes.def"
#undef TT_ROUTE
};

void tt_api_init(struct tt_api *api)
{
    memset(api, 0, sizeof *api);
    pthread_mutex_init(&api->rate_lock, NULL);
}

void tt_api_deinit(struct tt_api *api)
{
    pthread_mutex_destroy(&api->rate_lock);
}

void tt_response_header(struct tt_http_response *response, const char *name, struct tt_str value)
{
    TT_ASSERT(response->header_count < TT_HTTP_HEADERS_MAX);
    response->headers[response->header_count++] = (struct tt_http_header){name, value};
}

/* Headers of everything the API itself says. */
static void common_headers(struct tt_http_response *response, struct tt_str content_type)
{
    tt_response_header(response, "Content-Type", content_type);
    tt_response_header(response, "Cache-Control", TT_STR("no-store"));
    tt_response_header(response, "X-Content-Type-Options", TT_STR("nosniff"));
}

bool tt_call_json(struct tt_call *call, uint16_t status)
{
    if (call->body.status != TT_OK) {
        tt_buf_clear(&call->body);
        return tt_call_problem(call, 500, "no_memory", "the answer is too large");
    }
    call->response->status = status;
    call->response->body = tt_buf_str(&call->body);
    common_headers(call->response, TT_STR("application/json"));
    return true;
}

bool tt_call_problem(struct tt_call *call, uint16_t status, const char *code, const char *format,
                     ...)
{
    char detail[512];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(detail, sizeof detail, format, args);
    va_end(args);
    tt_buf_clear(&call->body);
    tt_problem_write(&call->body, status, code, tt_str_from(detail));
    call->response->status = status;
    call->response->body = tt_buf_str(&call->body);
    common_headers(call->response, TT_STR("application/problem+json"));
    if (status == 401) {
        tt_response_header(call->response, "WWW-Authenticate", TT_STR("Bearer"));
    }
    if (status == 429 || status == 503) {
        tt_response_header(call->response, "Retry-After", TT_STR("1"));
    }
    return true;
}

struct tt_str tt_call_id(struct tt_call *call, struct tt_str id)
{
    struct tt_str stored = id;
    uint32_t count = 0;
    bool done = id.data != NULL && tt_pan_tokenise(&call->api->schema->pan_key, id, TT_ID_SIZE_MAX,
                                                   &call->arena, &stored, &count) == TT_OK;
    return done ? stored : id;
}

bool tt_call_time(struct tt_str text, int64_t *ret_ms)
{
    bool digits = text.size > 0;
    for (size_t i = 0; i < text.size; i++) {
        digits = digits && text.data[i] >= '0' && text.data[i] <= '9';
    }
    int64_t value = 0;
    for (size_t i = 0; digits && i < text.size; i++) {
        if (value > INT64_C(1000000000000000)) {
            return false;
        }
        value = value * 10 + (text.data[i] - '0');
    }
    if (digits) {
        *ret_ms = value;
        return true;
    }
    return tt_time_parse_rfc3339(text, ret_ms) == TT_OK;
}

/* The host without port; brackets of IPv6 stay. What has anything else behind it is no host of ours and stays
 * whole. */
static struct tt_str host_name(struct tt_str host)
{
    size_t size = host.size;
    while (size > 0 && host.data[size - 1] >= '0' && host.data[size - 1] <= '9') {
        size--;
    }
    return size > 0 && host.data[size - 1] == ':' ? (struct tt_str){host.data, size - 1} : host;
}

static bool host_is_ours(const struct tt_api *api, struct tt_str host)
{
    static const char *const loopback[] = {"localhost", "127.0.0.1", "[::1]"};
    struct tt_str name = host_name(host);
    for (size_t i = 0; i < TT_ARRAY_SIZE(loopback); i++) {
        if (name.size == strlen(loopback[i]) &&
            strncasecmp(name.data, loopback[i], name.size) == 0) {
            return true;
        }
    }
    if (tt_str_equal(name, api->address)) {
        return true;
    }
    for (size_t i = 0; i < api->host_count; i++) {
        if (name.size == api->hosts[i].size &&
            strncasecmp(name.data, api->hosts[i].data, name.size) == 0) {
            return true;
        }
    }
    return false;
}

/* A page of another site can make a browser send requests here: its Origin, or the name it was
 * tricked into resolving to this machine, gives it away. */
static bool caller_is_ours(const struct tt_call *call)
{
    struct tt_str host = tt_call_http(call)->header(call->request, "Host");
    if (host.data == NULL || !host_is_ours(call->api, host)) {
        return false;
    }
    struct tt_str origin = tt_call_http(call)->header(call->request, "Origin");
    if (origin.data == NULL) {
        return true;
    }
    static const char *const schemes[] = {"http://", "https://"};
    for (size_t i = 0; i < TT_ARRAY_SIZE(schemes); i++) {
        size_t size = strlen(schemes[i]);
        if (origin.size > size && strncasecmp(origin.data, schemes[i], size) == 0) {
            return host_is_ours(call->api, (struct tt_str){origin.data + size, origin.size - size});
        }
    }
    return false;
}

static bool path_matches(const char *pattern, struct tt_str path, struct tt_str *ret_segment)
{
    size_t size = strlen(pattern);
    if (pattern[size - 1] != '*') {
        return tt_str_equal_text(path, pattern);
    }
    if (path.size <= size - 1 || memcmp(path.data, pattern, size - 1) != 0) {
        return false;
    }
    *ret_segment = (struct tt_str){path.data + size - 1, path.size - size + 1};
    return true;
}

/* The route, or NULL with the methods that the path does have in call->allow (empty: no such path). */
static const struct route *find_route(struct tt_call *call)
{
    enum tt_http_method method = call->request->method;
    call->allow[0] = '\0';
    for (size_t i = 0; i < TT_ARRAY_SIZE(routes); i++) {
        if (!path_matches(routes[i].path, call->request->path, &call->segment)) {
            continue;
        }
        if (routes[i].method == method ||
            (routes[i].method == TT_HTTP_GET && method == TT_HTTP_HEAD)) {
            return &routes[i];
        }
        size_t size = strlen(call->allow);
        (void)snprintf(call->allow + size, sizeof call->allow - size, "%s%s%s",
                       size > 0 ? ", " : "", routes[i].method_name,
                       routes[i].method == TT_HTTP_GET ? ", HEAD" : "");
    }
    return NULL;
}

/* True when the caller may; else the answer is given. */
static bool authorize(struct tt_call *call, const struct route *route)
{
    if (route->role == TT_ROLE_NONE && route->scope == 0) {
        return true;
    }
    struct tt_error err = {0};
    const struct tt_http_ops *http = tt_call_http(call);
    enum tt_status status =
        tt_auth_check(call->api->auth, http->header(call->request, "Authorization"),
                      http->header(call->request, "X-API-Key"), &call->principal, &err);
    if (status != TT_OK) {
        (void)tt_call_problem(call, 401, "unauthorized", "%s", err.message);
        return false;
    }
    if ((call->principal.role != TT_ROLE_NONE && call->principal.role >= route->role) ||
        (call->principal.scopes & route->scope) != 0) {
        return true;
    }
    const char *scope = tt_scope_name(route->scope);
    (void)tt_call_problem(call, 403, "forbidden", "this needs the role %s%s%s%s",
                          tt_role_name(route->role), route->role < TT_ROLE_ADMIN ? " or more" : "",
                          scope[0] != '\0' ? ", or an API key of scope " : "", scope);
    return false;
}

/* True when the caller is within its rate; writing calls have their own back-pressure. */
static bool within_rate(struct tt_call *call, const struct route *route)
{
    struct tt_api *api = call->api;
    if (api->rate_limit == 0 || route->method != TT_HTTP_GET || route->role == TT_ROLE_NONE) {
        return true;
    }
    char key[96];
    (void)snprintf(key, sizeof key, "rate:%s", call->principal.subject);
    uint64_t count = 0;
    int64_t reset_ms = 0;
    struct tt_error err;
    enum tt_status status =
        api->cache->ops->count(api->cache, tt_str_from(key), 1, 1000, &count, &reset_ms, &err);
    if (status != TT_OK || count <= api->rate_limit) {
        return true; /* policy: without the counter, nobody is turned away */
    }
    (void)tt_call_problem(call, 429, "rate_limited", "more than %llu calls a second",
                          (unsigned long long)api->rate_limit);
    return false;
}

static bool handle(struct tt_call *call)
{
    if (!caller_is_ours(call)) {
        return tt_call_problem(call, 403, "foreign_host",
                               "Host or Origin is not this server's; see http.hosts");
    }
    const struct route *route = find_route(call);
    if (route == NULL && call->allow[0] != '\0') {
        (void)tt_call_problem(call, 405, "method_not_allowed", "this path has: %s", call->allow);
        tt_response_header(call->response, "Allow", tt_str_from(call->allow));
        return true;
    }
    if (route == NULL) {
        return tt_call_problem(call, 404, "no_such_path", "nothing is served here");
    }
    if (!authorize(call, route) || !within_rate(call, route)) {
        return true;
    }
    return route->handler(call);
}

static void count_answer(struct tt_api *api, uint16_t status)
{
    static const char *const classes[] = {"1xx", "2xx", "3xx", "4xx", "5xx"};
    if (api->context->metrics != NULL && status >= 100 && status < 600) {
        tt_metrics_add_label(api->context->metrics, TT_METRIC_HTTP_REQUESTS,
                             classes[status / 100 - 1], 1);
    }
}

/* Runs one call; the body must outlive this function, so it is the adapter's to copy at once. */
static bool run(struct tt_api *api, struct tt_http_request *request,
                struct tt_http_response *response, bool (*what)(struct tt_call *call))
{
    struct tt_call call = {.api = api, .request = request, .response = response};
    tt_buf_init(&call.body, api->context->alloc, BODY_SIZE_MAX);
    tt_arena_init(&call.arena, api->context->alloc, ARENA_BLOCK_SIZE, ARENA_SIZE_MAX);
    bool now = what(&call);
    if (now) {
        count_answer(api, response->status);
        api->server->ops->respond(request, response);
    }
    tt_arena_deinit(&call.arena);
    tt_buf_deinit(&call.body);
    return false;
}

static bool is_app(struct tt_str path)
{
    return tt_str_equal_text(path, "/") || tt_str_equal_text(path, "/app") ||
           tt_str_starts_with(path, TT_STR("/app/"));
}

bool tt_api_handle(void *ctx, struct tt_http_request *request, struct tt_http_response *response)
{
    struct tt_api *api = ctx;
    if (api->dashboard != NULL && is_app(request->path)) {
        struct tt_call call = {.api = api, .request = request, .response = response};
        tt_buf_init(&call.body, api->context->alloc, BODY_SIZE_MAX);
        if (caller_is_ours(&call)) {
            tt_buf_deinit(&call.body);
            return api->dashboard(request, api->server->ops, response);
        }
        tt_buf_deinit(&call.body);
    }
    return run(api, request, response, handle);
}

static bool handle_ops(struct tt_call *call)
{
    struct tt_str path = call->request->path;
    if (call->request->method != TT_HTTP_GET && call->request->method != TT_HTTP_HEAD) {
        return tt_call_problem(call, 405, "method_not_allowed", "only GET is served here");
    }
    if (tt_str_equal_text(path, "/healthz")) {
        return get_healthz(call);
    }
    if (tt_str_equal_text(path, "/readyz")) {
        return get_readyz(call);
    }
    if (tt_str_equal_text(path, "/metrics")) {
        return get_metrics(call);
    }
    return tt_call_problem(call, 404, "no_such_path", "only /healthz, /readyz and /metrics");
}

bool tt_api_handle_ops(void *ctx, struct tt_http_request *request,
                       struct tt_http_response *response)
{
    return run(ctx, request, response, handle_ops);
}

enum tt_status tt_api_docs(struct tt_buf *buf)
{
    tt_buf_append_text(buf, "# HTTP API\n\nMade from `src/services/api_server/routes.def` by "
                            "`telltale config docs`.\n\n"
                            "| call | what | role | or scope |\n| --- | --- | --- | --- |\n");
    for (size_t i = 0; i < TT_ARRAY_SIZE(routes); i++) {
        tt_buf_append_format(buf, "| `%s %s` | %s | %s | %s |\n", routes[i].method_name,
                             routes[i].path, routes[i].summary,
                             routes[i].role == TT_ROLE_NONE ? "open" : tt_role_name(routes[i].role),
                             tt_scope_name(routes[i].scope));
    }
    return buf->status;
}
