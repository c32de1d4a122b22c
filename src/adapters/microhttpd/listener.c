/* A listener: one library daemon, driven by a thread of ours.
 *
 * The library's own thread is not used: its loop calls epoll_wait again, blocking, whenever a call
 * returned exactly as many events as fit (128 in 0.9.75), and leaves those unserved meanwhile. Run
 * from outside it never blocks; we wait on its epoll descriptor instead. Nor is it called from
 * other threads: resuming from there races with its loop's look at what was resumed.
 */
#include <limits.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "adapters/microhttpd/internal.h"

void tt_microhttpd_listener_wake(const struct listener *listener)
{
    uint64_t one = 1;
    (void)!write(listener->wake_fd, &one, sizeof one);
}

static void stop_accepting(struct listener *listener)
{
    MHD_socket fd = MHD_quiesce_daemon(listener->daemon);
    if (fd != MHD_INVALID_SOCKET) {
        (void)close(fd);
    }
    pthread_mutex_lock(&listener->server->lock);
    listener->quiesced = true;
    pthread_cond_broadcast(&listener->server->changed);
    pthread_mutex_unlock(&listener->server->lock);
}

static void wait_for_events(const struct listener *listener)
{
    MHD_UNSIGNED_LONG_LONG timeout_ms = 0;
    int wait_ms = -1;
    if (MHD_get_timeout(listener->daemon, &timeout_ms) == MHD_YES) {
        wait_ms = timeout_ms < INT_MAX ? (int)timeout_ms : INT_MAX;
    }
    if (wait_ms == 0) {
        return;
    }
    struct pollfd polled[2] = {{.fd = listener->epoll_fd, .events = POLLIN},
                               {.fd = listener->wake_fd, .events = POLLIN}};
    if (poll(polled, 2, wait_ms) > 0 && polled[1].revents != 0) {
        uint64_t wakes;
        (void)!read(listener->wake_fd, &wakes, sizeof wakes);
    }
}

static void *run(void *argument)
{
    struct listener *listener = argument;
    struct server *server = listener->server;
    while (!__atomic_load_n(&listener->stopping, __ATOMIC_ACQUIRE)) {
        wait_for_events(listener);
        if (__atomic_load_n(&server->quiesced, __ATOMIC_ACQUIRE) && !listener->quiesced) {
            stop_accepting(listener);
        }
        tt_microhttpd_take_answers(listener);
        (void)MHD_run(listener->daemon);
    }
    return NULL;
}

void tt_microhttpd_listener_quiesce(struct listener *listener)
{
    tt_microhttpd_listener_wake(listener);
    pthread_mutex_lock(&listener->server->lock);
    while (!listener->quiesced) {
        pthread_cond_wait(&listener->server->changed, &listener->server->lock);
    }
    pthread_mutex_unlock(&listener->server->lock);
}

void tt_microhttpd_listener_stop(struct listener *listener)
{
    if (listener->running) {
        __atomic_store_n(&listener->stopping, true, __ATOMIC_RELEASE);
        tt_microhttpd_listener_wake(listener);
        (void)pthread_join(listener->thread, NULL);
        listener->running = false;
    }
    if (listener->daemon != NULL) {
        tt_microhttpd_take_answers(listener);
        (void)MHD_run(listener->daemon); /* what was answered before the end goes out */
        tt_microhttpd_drop_pending(listener);
        MHD_stop_daemon(listener->daemon);
        listener->daemon = NULL;
        TT_ASSERT(listener->live == NULL);
        tt_microhttpd_free_requests(listener);
    } else if (listener->listen_fd >= 0) {
        (void)close(listener->listen_fd);
    }
    if (listener->wake_fd >= 0) {
        (void)close(listener->wake_fd);
    }
}

static struct MHD_Daemon *make_daemon(struct listener *listener, const struct limits *limits)
{
    return MHD_start_daemon(
        MHD_USE_EPOLL | MHD_USE_ITC | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_TURBO, 0, NULL, NULL,
        tt_microhttpd_access, listener, MHD_OPTION_LISTEN_SOCKET, listener->listen_fd,
        MHD_OPTION_CONNECTION_MEMORY_LIMIT, limits->memory, MHD_OPTION_CONNECTION_LIMIT,
        limits->connections, MHD_OPTION_CONNECTION_TIMEOUT, limits->idle_seconds,
        MHD_OPTION_NOTIFY_COMPLETED, tt_microhttpd_completed, listener,
        MHD_OPTION_UNESCAPE_CALLBACK, tt_microhttpd_unescape, listener->server, MHD_OPTION_END);
}

enum tt_status tt_microhttpd_listener_start(struct listener *listener, const struct limits *limits,
                                            struct tt_error *err)
{
    listener->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (listener->wake_fd >= 0) {
        listener->daemon = make_daemon(listener, limits);
    }
    if (listener->daemon == NULL) {
        return tt_fail(err, TT_E_IO, "http: the library did not start");
    }
    const union MHD_DaemonInfo *info =
        MHD_get_daemon_info(listener->daemon, MHD_DAEMON_INFO_EPOLL_FD);
    TT_ASSERT(info != NULL);
    listener->epoll_fd = info->epoll_fd;
    listener->running = pthread_create(&listener->thread, NULL, run, listener) == 0;
    return listener->running ? TT_OK : tt_fail(err, TT_E_IO, "http: cannot start a thread");
}
