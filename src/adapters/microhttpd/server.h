/*
 * The HTTP server port over libmicrohttpd.
 *
 * What:    HTTP/1.1 with keep-alive on epoll; a request whose answer comes later is suspended and
 *          costs no thread.
 * Why:     the library parses and writes; what it leaves to us is the body's limit, percent
 *          encoding that hides NUL, answers from other threads and an end that loses none of them.
 * Owner:   the server is closed through its ops; requests are the server's.
 * Threads: `threads` listeners, each with its own connections; respond from anywhere, but not
 *          during or after close.
 * Limits:  bodies: body_size_max (413 at once when Content-Length says so, else when it is passed,
 *          with the rest thrown away); request line and headers together: header_size_max (431 or
 *          414, the library's own page); connections_max (further ones wait in the backlog);
 *          idle_timeout_ms, rounded up to seconds.
 * Fails:   open: TT_E_IO with address and reason, TT_E_DENIED (a port one may not have),
 *          TT_E_INVALID, TT_E_NOMEM.
 */
#ifndef TT_ADAPTERS_MICROHTTPD_SERVER_H
#define TT_ADAPTERS_MICROHTTPD_SERVER_H

#include "ports/http.h"

struct tt_microhttpd_options {
    const struct tt_alloc *alloc;
    struct tt_http_options http;
    uint32_t threads;         /* at most 16; 0 = 1 */
    uint32_t header_size_max; /* 0 = 32 KiB */
};

/* Binds and listens before it returns; on failure *ret is untouched. */
enum tt_status tt_microhttpd_open(const struct tt_microhttpd_options *options,
                                  struct tt_http_server **ret, struct tt_error *err) TT_MUST_USE;

#endif
