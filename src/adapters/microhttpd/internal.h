/*
 * What the files of the HTTP adapter share.
 *
 * Threads: `lock` guards the sockets that linger and the end of accepting. The library is called on
 *          the listener's thread only, and its requests are that thread's; an answer from elsewhere
 *          is pushed to its stack.
 */
#ifndef TT_ADAPTERS_MICROHTTPD_INTERNAL_H
#define TT_ADAPTERS_MICROHTTPD_INTERNAL_H

#include <microhttpd.h>
#include <pthread.h>

#include "adapters/microhttpd/server.h"

/* All moves are made by the listener's thread. */
enum phase {
    PHASE_READING = 0,
    PHASE_PENDING,  /* suspended; the handler's */
    PHASE_ANSWERED, /* has a response */
    PHASE_DROPPED,  /* the server closes */
};

struct server;
struct request {
    struct tt_http_request base;
    struct server *server;
    struct listener *listener;
    struct MHD_Connection *connection;
    struct request *next, *previous; /* in the list of live ones; next also in the free list */
    struct request *next_answered;
    enum phase phase;
    struct MHD_Response *response;
    uint16_t status;
    bool has_body;
    uint64_t discarded; /* bytes beyond the limit */
    struct tt_buf body;
};

/* Connections that were answered before they had sent all: read and thrown away for a while, since
 * closing at once would reset the connection under the answer. */
#define LINGER_MAX 64
struct lingering {
    pthread_t thread;
    bool running, stopping;
    int wake_fd;
    int fds[LINGER_MAX];
    int64_t deadlines_ms[LINGER_MAX];
    size_t count;
};

struct listener {
    struct server *server;
    struct MHD_Daemon *daemon; /* driven by `thread` only, once it runs */
    pthread_t thread;
    bool running, stopping;
    bool quiesced; /* under lock; written by `thread` */
    int listen_fd; /* the daemon's, once there is one */
    int epoll_fd, wake_fd;
    struct request *live, *free; /* `thread`'s */
    size_t free_count;
    struct request *answered; /* atomic: a stack that any thread pushes to and `thread` empties */
};
struct limits {
    size_t memory; /* bytes a connection */
    unsigned connections, idle_seconds;
};

#define LISTENERS_MAX 16
struct server {
    struct tt_http_server base;
    const struct tt_alloc *alloc;
    tt_http_handler *handler;
    void *ctx;
    uint64_t body_size_max;
    uint16_t port;
    bool quiesced; /* atomic */
    pthread_mutex_t lock;
    pthread_cond_t changed; /* a listener quiesced */
    struct listener listeners[LISTENERS_MAX];
    size_t listener_count;
    struct lingering linger;
};

/* request.c */
enum MHD_Result tt_microhttpd_access(void *ctx, struct MHD_Connection *connection, const char *url,
                                     const char *method, const char *version,
                                     const char *upload_data, size_t *upload_data_size,
                                     void **connection_ctx);
void tt_microhttpd_completed(void *ctx, struct MHD_Connection *connection, void **connection_ctx,
                             enum MHD_RequestTerminationCode code);
/* Percent-decodes in place. What is malformed or hides a NUL becomes one byte that is no UTF-8, and
 * is refused as such. */
size_t tt_microhttpd_unescape(void *ctx, struct MHD_Connection *connection, char *text);
/* Resumes what was answered since; the listener's thread. */
void tt_microhttpd_take_answers(struct listener *listener);
/* Resumes all that are still pending, without an answer; nobody else may use the listener. */
void tt_microhttpd_drop_pending(struct listener *listener);
/* Gives back the requests kept for reuse. */
void tt_microhttpd_free_requests(struct listener *listener);
struct tt_str tt_microhttpd_header(const struct tt_http_request *request, const char *name);
struct tt_str tt_microhttpd_query(const struct tt_http_request *request, const char *name);
void tt_microhttpd_each_query(const struct tt_http_request *request,
                              void (*visit)(void *ctx, struct tt_str name, struct tt_str value),
                              void *ctx);
void tt_microhttpd_respond(struct tt_http_request *request,
                           const struct tt_http_response *response);

/* listener.c */
/* Lets the listener's thread look at its stack and flags. */
void tt_microhttpd_listener_wake(const struct listener *listener);
/* Takes over listen_fd, also on failure; stop afterwards in either case. */
enum tt_status tt_microhttpd_listener_start(struct listener *listener, const struct limits *limits,
                                            struct tt_error *err);
/* Returns when no connection is accepted any more; server->quiesced is set before. */
void tt_microhttpd_listener_quiesce(struct listener *listener);
void tt_microhttpd_listener_stop(struct listener *listener);

/* linger.c */
enum tt_status tt_microhttpd_linger_start(struct server *server, struct tt_error *err);
void tt_microhttpd_linger_stop(struct server *server);
/* Keeps a duplicate of the connection's socket open until the client stops sending. */
void tt_microhttpd_linger(struct server *server, struct MHD_Connection *connection);

#endif
