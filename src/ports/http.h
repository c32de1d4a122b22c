/*
 * HTTP server port.
 *
 * What:    a listener that hands whole requests (headers and bounded body) to one handler, which
 *          answers at once or later from any thread.
 * Why:     POST /transactions is answered after the commit, by another thread; the listener's own
 *          thread never waits.
 * Owner:   the request and its views are valid until the response was given; a response is copied.
 * Threads: the handler runs on the listener's threads; respond is safe from any thread.
 * Limits:  body_size_max (413 before the body is read when Content-Length says so), header size 32 KiB,
 *          connections_max, idle_timeout_ms; the adapter answers those by itself with problem+json.
 * Fails:   open: TT_E_IO with address and reason ("address already in use"), TT_E_DENIED.
 */
#ifndef TT_PORTS_HTTP_H
#define TT_PORTS_HTTP_H

#include "base/str.h"

enum tt_http_method {
    TT_HTTP_GET = 1,
    TT_HTTP_HEAD,
    TT_HTTP_POST,
    TT_HTTP_PUT,
    TT_HTTP_PATCH,
    TT_HTTP_DELETE,
    TT_HTTP_OPTIONS,
    TT_HTTP_OTHER,
};

struct tt_http_request {
    enum tt_http_method method;
    struct tt_str path; /* percent-decoded, without query; never has NUL */
    struct tt_str body; /* absent when there was none */
    void *handle;       /* the adapter's */
    void *user;         /* the handler's own, NULL at first */
};

struct tt_http_header {
    const char *name;
    struct tt_str value;
};
#define TT_HTTP_HEADERS_MAX 12
struct tt_http_response {
    uint16_t status;
    struct tt_str body; /* copied by respond unless body_static */
    bool body_static;   /* lives as long as the process: not copied */
    uint32_t header_count;
    struct tt_http_header headers[TT_HTTP_HEADERS_MAX]; /* names static, values copied */
};

/* Fills *response and returns true to answer now; returns false to answer later by respond(). */
typedef bool tt_http_handler(void *ctx, struct tt_http_request *request,
                             struct tt_http_response *response);

struct tt_http_options {
    const char *address; /* "127.0.0.1" */
    uint16_t port;       /* 0 = any free one */
    uint64_t body_size_max;
    uint32_t connections_max;
    uint32_t idle_timeout_ms;
    tt_http_handler *handler;
    void *ctx;
};

struct tt_http_server;
struct tt_http_ops {
    const char *name;
    /* The port that is listened on. */
    uint16_t (*port)(const struct tt_http_server *server);
    /* A header or query argument of a request, decoded; absent when not there. Views live as long as the request. */
    struct tt_str (*header)(const struct tt_http_request *request, const char *name);
    struct tt_str (*query)(const struct tt_http_request *request, const char *name);
    /* Calls visit for every query argument; for refusing unknown ones. */
    void (*each_query)(const struct tt_http_request *request,
                       void (*visit)(void *ctx, struct tt_str name, struct tt_str value),
                       void *ctx);
    /* Answers a request whose handler returned false; exactly once; the request is gone afterwards. */
    void (*respond)(struct tt_http_request *request, const struct tt_http_response *response);
    /* Stops accepting; requests under way may still be answered until close. */
    void (*quiesce)(struct tt_http_server *server);
    /* Ends all connections, waits for the handler to return, frees. Pending requests are dropped. */
    void (*close)(struct tt_http_server *server);
};
/* Adapters embed this as their first member. */
struct tt_http_server {
    const struct tt_http_ops *ops;
};

#endif
