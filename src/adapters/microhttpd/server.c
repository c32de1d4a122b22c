/* See server.h. The socket is ours, so that a failure to bind can be told apart and named. */
#include "adapters/microhttpd/server.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "adapters/microhttpd/internal.h"

#define BACKLOG 1024
#define HEADER_SIZE_DEFAULT 32768
#define READ_BUFFER_SIZE 32768 /* beside the headers, for pieces of a body */
#define CONNECTIONS_DEFAULT 1000

static struct server *from(struct tt_http_server *server)
{
    return (struct server *)(void *)server;
}

static uint16_t port(const struct tt_http_server *server)
{
    return ((const struct server *)(const void *)server)->port;
}

static void quiesce(struct tt_http_server *base)
{
    struct server *server = from(base);
    if (!__atomic_exchange_n(&server->quiesced, true, __ATOMIC_SEQ_CST)) {
        for (size_t i = 0; i < server->listener_count; i++) {
            tt_microhttpd_listener_quiesce(&server->listeners[i]);
        }
    }
}

static void destroy(struct server *server)
{
    for (size_t i = 0; i < server->listener_count; i++) {
        tt_microhttpd_listener_stop(&server->listeners[i]);
    }
    tt_microhttpd_linger_stop(server);
    (void)pthread_mutex_destroy(&server->lock);
    (void)pthread_cond_destroy(&server->changed);
    tt_delete(server->alloc, server, sizeof *server);
}

static void close_server(struct tt_http_server *base)
{
    if (base != NULL) {
        quiesce(base);
        destroy(from(base));
    }
}

static const struct tt_http_ops ops = {
    .name = "microhttpd",
    .port = port,
    .header = tt_microhttpd_header,
    .query = tt_microhttpd_query,
    .each_query = tt_microhttpd_each_query,
    .respond = tt_microhttpd_respond,
    .quiesce = quiesce,
    .close = close_server,
};

static enum tt_status fail_address(struct tt_error *err, const struct tt_http_options *http,
                                   int error)
{
    return tt_fail(err, error == EACCES || error == EPERM ? TT_E_DENIED : TT_E_IO,
                   "cannot listen on %s port %u: %s", http->address, http->port,
                   error == EADDRINUSE ? "address already in use" : strerror(error));
}

static int bind_socket(const struct addrinfo *address)
{
    int fd = socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    int on = 1;
    if (fd < 0) {
        return -1;
    }
    /* Only so that connections that are still closing do not keep the port. */
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (address->ai_family == AF_INET6) {
        (void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
    }
    if (bind(fd, address->ai_addr, address->ai_addrlen) != 0 || listen(fd, BACKLOG) != 0) {
        int error = errno;
        (void)close(fd);
        errno = error;
        return -1;
    }
    return fd;
}

static uint16_t port_of(int fd)
{
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } address = {0};
    socklen_t size = sizeof address;
    (void)getsockname(fd, &address.any, &size);
    return ntohs(address.any.sa_family == AF_INET6 ? address.v6.sin6_port : address.v4.sin_port);
}

static enum tt_status open_socket(const struct tt_http_options *http, int *ret_fd,
                                  struct tt_error *err)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
    struct addrinfo *found = NULL;
    char service[8];
    (void)snprintf(service, sizeof service, "%u", http->port);
    int failure = getaddrinfo(http->address, service, &hints, &found);
    if (failure != 0) {
        return tt_fail(err, TT_E_IO, "cannot listen on %s port %u: %s", http->address, http->port,
                       gai_strerror(failure));
    }
    *ret_fd = bind_socket(found);
    int error = errno;
    freeaddrinfo(found);
    return *ret_fd >= 0 ? TT_OK : fail_address(err, http, error);
}

/* Every listener has a descriptor of the one socket; the kernel wakes whoever comes first. */
static enum tt_status start(struct server *server, const struct tt_microhttpd_options *options,
                            struct tt_error *err)
{
    const struct tt_http_options *http = &options->http;
    unsigned threads = options->threads != 0 ? options->threads : 1;
    size_t header = options->header_size_max != 0 ? options->header_size_max : HEADER_SIZE_DEFAULT;
    unsigned connections = http->connections_max != 0 ? http->connections_max : CONNECTIONS_DEFAULT;
    struct limits limits = {.memory = header + READ_BUFFER_SIZE,
                            .connections = (connections + threads - 1) / threads,
                            .idle_seconds =
                                http->idle_timeout_ms / 1000 + (http->idle_timeout_ms % 1000 != 0)};
    int fd = -1;
    enum tt_status status = open_socket(http, &fd, err);
    if (status != TT_OK) {
        return status;
    }
    server->port = port_of(fd);
    for (unsigned i = 0; i < threads && status == TT_OK; i++) {
        struct listener *listener = &server->listeners[i];
        *listener = (struct listener){.server = server,
                                      .listen_fd = fcntl(fd, F_DUPFD_CLOEXEC, 0),
                                      .epoll_fd = -1,
                                      .wake_fd = -1};
        server->listener_count++;
        status = tt_microhttpd_listener_start(listener, &limits, err);
    }
    (void)close(fd);
    return status;
}

enum tt_status tt_microhttpd_open(const struct tt_microhttpd_options *options,
                                  struct tt_http_server **ret, struct tt_error *err)
{
    if (options->http.handler == NULL || options->http.address == NULL ||
        options->http.body_size_max > SIZE_MAX / 8 || options->threads > LISTENERS_MAX) {
        return tt_fail(err, TT_E_INVALID,
                       "http: address, handler, body_size_max or threads is wrong");
    }
    struct server *server = tt_new_array(options->alloc, 1, sizeof *server);
    if (server == NULL) {
        return tt_fail(err, TT_E_NOMEM, "http: out of memory");
    }
    server->base.ops = &ops;
    server->alloc = options->alloc;
    server->handler = options->http.handler;
    server->ctx = options->http.ctx;
    server->body_size_max = options->http.body_size_max;
    server->linger.wake_fd = -1;
    (void)pthread_mutex_init(&server->lock, NULL);
    (void)pthread_cond_init(&server->changed, NULL);
    enum tt_status status = tt_microhttpd_linger_start(server, err);
    if (status == TT_OK) {
        status = start(server, options, err);
    }
    if (status != TT_OK) {
        destroy(server);
        return status;
    }
    *ret = &server->base;
    return TT_OK;
}
