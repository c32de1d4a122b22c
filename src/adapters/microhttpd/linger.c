/* Lingering close: after an answer that came before the end of the body, the rest is read and
 * thrown away, up to a deadline. Otherwise the kernel resets the connection and the client may
 * lose the answer (RFC 9112 §9.6).
 *
 * The library closes its own descriptor; we read from a duplicate, in one thread for all. */
#include <errno.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "adapters/microhttpd/internal.h"

#define LINGER_MS 5000

static int64_t now_ms(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* False at the end of what the client sends. */
static bool drain(int fd)
{
    char waste[65536];
    for (int i = 0; i < 16; i++) {
        ssize_t size = recv(fd, waste, sizeof waste, MSG_DONTWAIT);
        if (size == 0 || (size < 0 && errno != EAGAIN && errno != EINTR)) {
            return false;
        }
        if (size < 0) {
            return true;
        }
    }
    return true;
}

static void remove_at(struct lingering *linger, size_t index)
{
    (void)close(linger->fds[index]);
    linger->count--;
    linger->fds[index] = linger->fds[linger->count];
    linger->deadlines_ms[index] = linger->deadlines_ms[linger->count];
}

/* Reads from those that are ready; gives back what ended or is overdue. Called with the lock held;
 * descriptors are never waited for here. */
static void sweep(struct lingering *linger)
{
    int64_t now = now_ms();
    for (size_t i = linger->count; i-- > 0;) {
        if (now >= linger->deadlines_ms[i] || !drain(linger->fds[i])) {
            remove_at(linger, i);
        }
    }
}

static void *run(void *argument)
{
    struct server *server = argument;
    struct lingering *linger = &server->linger;
    struct pollfd polled[LINGER_MAX + 1];
    pthread_mutex_lock(&server->lock);
    while (!linger->stopping) {
        size_t count = linger->count;
        for (size_t i = 0; i < count; i++) {
            polled[i] = (struct pollfd){.fd = linger->fds[i], .events = POLLIN};
        }
        polled[count] = (struct pollfd){.fd = linger->wake_fd, .events = POLLIN};
        pthread_mutex_unlock(&server->lock);
        (void)poll(polled, count + 1, count != 0 ? 250 : -1);
        uint64_t wakes;
        (void)!read(linger->wake_fd, &wakes, sizeof wakes);
        pthread_mutex_lock(&server->lock);
        sweep(linger);
    }
    pthread_mutex_unlock(&server->lock);
    return NULL;
}

static void wake(struct lingering *linger)
{
    uint64_t one = 1;
    (void)!write(linger->wake_fd, &one, sizeof one);
}

void tt_microhttpd_linger(struct server *server, struct MHD_Connection *connection)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    struct lingering *linger = &server->linger;
    pthread_mutex_lock(&server->lock);
    int fd = info != NULL && linger->count < LINGER_MAX ? dup(info->connect_fd) : -1;
    if (fd >= 0) {
        linger->fds[linger->count] = fd;
        linger->deadlines_ms[linger->count++] = now_ms() + LINGER_MS;
    }
    pthread_mutex_unlock(&server->lock);
    wake(linger);
}

enum tt_status tt_microhttpd_linger_start(struct server *server, struct tt_error *err)
{
    struct lingering *linger = &server->linger;
    linger->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    linger->running =
        linger->wake_fd >= 0 && pthread_create(&linger->thread, NULL, run, server) == 0;
    return linger->running ? TT_OK : tt_fail(err, TT_E_IO, "http: cannot start a thread");
}

void tt_microhttpd_linger_stop(struct server *server)
{
    struct lingering *linger = &server->linger;
    if (linger->running) {
        pthread_mutex_lock(&server->lock);
        linger->stopping = true;
        pthread_mutex_unlock(&server->lock);
        wake(linger);
        (void)pthread_join(linger->thread, NULL);
    }
    while (linger->count != 0) {
        remove_at(linger, linger->count - 1);
    }
    if (linger->wake_fd >= 0) {
        (void)close(linger->wake_fd);
    }
}
