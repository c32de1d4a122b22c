/* CPU time of the HTTP adapter for one keep-alive POST that another thread answers.
 *
 * The load comes from a child process: 32 connections, one request under way on each; the figure is
 * this process' CPU time, listener and answering thread together.
 *
 * Usage: http_answer [REQUESTS [CONNECTIONS]]
 */
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "adapters/microhttpd/server.h"

#define QUEUE_SIZE 1024

struct bench {
    struct tt_http_server *server;
    pthread_mutex_t lock;
    pthread_cond_t arrived;
    struct tt_http_request *queue[QUEUE_SIZE];
    size_t count;
    bool stopping;
};

static void die(const char *what)
{
    perror(what);
    exit(1);
}

static double cpu_now(void)
{
    struct timespec time;
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

static bool handle(void *ctx, struct tt_http_request *request, struct tt_http_response *response)
{
    struct bench *bench = ctx;
    (void)response;
    pthread_mutex_lock(&bench->lock);
    bench->queue[bench->count++] = request;
    if (bench->count == 1) {
        pthread_cond_signal(&bench->arrived);
    }
    pthread_mutex_unlock(&bench->lock);
    return false;
}

static void *answer(void *ctx)
{
    struct bench *bench = ctx;
    static const struct tt_http_response response = {
        .status = 200,
        .body = {"{\"transaction_id\":\"t-1\",\"decision\":\"allow\"}", 43},
        .header_count = 1,
        .headers = {{"Content-Type", {"application/json", 16}}}};
    struct tt_http_request *batch[QUEUE_SIZE];
    pthread_mutex_lock(&bench->lock);
    while (!bench->stopping) {
        size_t count = bench->count;
        if (count == 0) {
            pthread_cond_wait(&bench->arrived, &bench->lock);
            continue;
        }
        memcpy(batch, bench->queue, count * sizeof *batch);
        bench->count = 0;
        pthread_mutex_unlock(&bench->lock);
        for (size_t i = 0; i < count; i++) {
            bench->server->ops->respond(batch[i], &response);
        }
        pthread_mutex_lock(&bench->lock);
    }
    pthread_mutex_unlock(&bench->lock);
    return NULL;
}

static int dial(uint16_t port)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(fd, (const struct sockaddr *)(const void *)&address, sizeof address) != 0) {
        die("connect");
    }
    return fd;
}

static void run_client(uint16_t port, size_t requests, size_t connections)
{
    char request[600], body[301], answer_text[1024];
    memset(body, 'j', 300);
    body[300] = '\0';
    int size = snprintf(request, sizeof request,
                        "POST /transactions HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer "
                        "abcdefghijklmnopqrstuvwxyz\r\nContent-Type: application/json\r\n"
                        "Content-Length: 300\r\n\r\n%s",
                        body);
    int *fds = calloc(connections, sizeof *fds);
    for (size_t i = 0; i < connections; i++) {
        fds[i] = dial(port);
    }
    for (size_t done = 0; done < requests; done += connections) {
        for (size_t i = 0; i < connections; i++) {
            if (send(fds[i], request, (size_t)size, 0) != size) {
                die("send");
            }
        }
        for (size_t i = 0; i < connections; i++) {
            if (recv(fds[i], answer_text, sizeof answer_text, 0) < 12 ||
                memcmp(answer_text + 9, "200", 3) != 0) {
                die("recv");
            }
        }
    }
    _exit(0);
}

int main(int argc, char **argv)
{
    size_t requests = argc > 1 ? strtoull(argv[1], NULL, 10) : 200000;
    size_t connections = argc > 2 ? strtoull(argv[2], NULL, 10) : 32;
    static struct bench bench;
    (void)pthread_mutex_init(&bench.lock, NULL);
    (void)pthread_cond_init(&bench.arrived, NULL);
    struct tt_error err = {0};
    struct tt_microhttpd_options options = {.alloc = &tt_alloc_libc,
                                            .http = {.address = "127.0.0.1",
                                                     .body_size_max = 1 << 20,
                                                     .connections_max = 1000,
                                                     .idle_timeout_ms = 10000,
                                                     .handler = handle,
                                                     .ctx = &bench}};
    if (tt_microhttpd_open(&options, &bench.server, &err) != TT_OK) {
        (void)fprintf(stderr, "%s\n", err.message);
        return 1;
    }
    pthread_t thread;
    (void)pthread_create(&thread, NULL, answer, &bench);
    double before = cpu_now();
    struct timespec start, end;
    (void)clock_gettime(CLOCK_MONOTONIC, &start);
    pid_t child = fork();
    if (child == 0) {
        run_client(bench.server->ops->port(bench.server), requests, connections);
    }
    int status = 0;
    (void)waitpid(child, &status, 0);
    (void)clock_gettime(CLOCK_MONOTONIC, &end);
    double wall =
        (double)(end.tv_sec - start.tv_sec) + (double)(end.tv_nsec - start.tv_nsec) * 1e-9;
    (void)printf("http_answer %zu connections: %.2f us CPU/request, %.0f requests/s\n", connections,
                 (cpu_now() - before) * 1e6 / (double)requests, (double)requests / wall);
    pthread_mutex_lock(&bench.lock);
    bench.stopping = true;
    pthread_cond_signal(&bench.arrived);
    pthread_mutex_unlock(&bench.lock);
    (void)pthread_join(thread, NULL);
    bench.server->ops->close(bench.server);
    return status == 0 ? 0 : 1;
}
