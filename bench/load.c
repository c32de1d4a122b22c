/*
 * Feeds a running `telltale run` over keep-alive connections and says how fast it answered.
 *
 *   load batch PORT KEY CONNECTIONS ROWS BATCH AGO     as fast as it goes: NDJSON bodies of BATCH rows
 *   load single PORT KEY CONNECTIONS RATE SECONDS AGO  RATE requests a second of one transaction each
 *
 * Event times are a second apart and end AGO seconds ago.
 * One thread, epoll. In `single` a request is due at its place in the schedule whether or not the
 * answers before it came, and its latency counts from there: a server that stalls is not spared.
 * Bodies are made before the clock starts. Prints one JSON object; any answer but 200 is fatal.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define ROW_MAX 512
#define HEAD_MAX 512
#define IN_MAX (64U * 1024 * 1024)
#define CONNECTIONS_MAX 1024
#define CUSTOMERS 20000
#define MERCHANTS 3000

struct text {
    char *data;
    size_t size;
};

struct connection {
    int fd;
    const struct text *request; /* under way, or NULL */
    size_t sent;
    int64_t due_ns;
    char *in;
    size_t in_used, in_size;
};

struct load {
    struct connection connections[CONNECTIONS_MAX];
    size_t connection_count;
    struct text *requests;
    size_t request_count, next, answered;
    int64_t *latencies_ns;
    int epoll;
};

__attribute__((format(printf, 1, 2), noreturn)) static void fail(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    (void)fputs("load: ", stderr);
    (void)vfprintf(stderr, format, arguments);
    (void)fputc('\n', stderr);
    va_end(arguments);
    exit(1);
}

static void *must(void *memory)
{
    if (memory == NULL) {
        fail("no memory");
    }
    return memory;
}

static int64_t now_ns(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

static uint32_t draw(uint64_t *state)
{
    *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(*state >> 33);
}

/* One transaction as a shop would send it, about 290 bytes. */
static size_t write_row(char *out, uint64_t run, size_t index, int64_t time_ms, uint64_t *random)
{
    static const char *const categories[] = {"5411", "5812", "5732", "5541", "4111", "5999"};
    static const char *const countries[] = {"AT", "DE", "DE", "DE", "FR", "IT"};
    uint32_t user = draw(random) % CUSTOMERS;
    uint32_t merchant = draw(random) % MERCHANTS * (draw(random) % 100) / 100; /* few have most */
    int size = snprintf(
        out, ROW_MAX,
        "{\"transaction_id\":\"t-%llx-%zu\",\"timestamp\":%lld,\"amount\":\"%u.%02u\","
        "\"currency\":\"EUR\",\"type\":\"purchase\",\"user_id\":\"u-%u\",\"merchant_id\":\"m-%u\","
        "\"merchant_category_code\":\"%s\",\"merchant_country\":\"%s\",\"channel\":\"%s\","
        "\"card_id\":\"c-%u\",\"device_id\":\"d-%u\",\"authorization\":\"approved\"}\n",
        (unsigned long long)run, index, (long long)time_ms, draw(random) % 200 + user % 30,
        draw(random) % 100, user, merchant, categories[merchant % 6], countries[merchant % 6],
        draw(random) % 2 != 0 ? "pos" : "online", user, user);
    return (size_t)size;
}

/* All requests, `batch` rows each; event times a second apart: a customer pays some four times a day.
 * (Closer together everybody would be in a frenzy, and the bench would measure explanations of anomalies.) */
static void make_requests(struct load *load, size_t rows, size_t batch, int64_t ago_s,
                          const char *port, const char *key)
{
    struct timespec wall;
    (void)clock_gettime(CLOCK_REALTIME, &wall);
    int64_t time_ms = (wall.tv_sec - ago_s - (int64_t)rows) * INT64_C(1000);
    uint64_t run = (uint64_t)wall.tv_sec * 1000000000U + (uint64_t)wall.tv_nsec, random = run;
    load->request_count = (rows + batch - 1) / batch;
    load->requests = must(calloc(load->request_count, sizeof *load->requests));
    load->latencies_ns = must(calloc(load->request_count, sizeof *load->latencies_ns));
    char *body = must(malloc(batch * ROW_MAX));
    for (size_t r = 0, row = 0; r < load->request_count; r++) {
        size_t body_size = 0;
        for (size_t i = 0; i < batch && row < rows; i++, row++) {
            body_size +=
                write_row(body + body_size, run, row, time_ms + (int64_t)row * 1000, &random);
        }
        struct text *request = &load->requests[r];
        request->data = must(malloc(HEAD_MAX + body_size));
        int head = snprintf(request->data, HEAD_MAX,
                            "POST /transactions HTTP/1.1\r\nHost: 127.0.0.1:%s\r\nX-API-Key: %s\r\n"
                            "Content-Type: application/%s\r\nContent-Length: %zu\r\n\r\n",
                            port, key, batch > 1 ? "x-ndjson" : "json", body_size);
        memcpy(request->data + head, body, body_size);
        request->size = (size_t)head + body_size;
    }
    free(body);
}

static void connect_all(struct load *load, unsigned long port)
{
    load->epoll = epoll_create1(0);
    for (size_t i = 0; i < load->connection_count; i++) {
        struct connection *connection = &load->connections[i];
        struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        connection->fd = socket(AF_INET, SOCK_STREAM, 0);
        if (connect(connection->fd, (struct sockaddr *)&address, sizeof address) != 0) {
            fail("port %lu: %s", port, strerror(errno));
        }
        int on = 1;
        (void)setsockopt(connection->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        connection->in_size = 64 * 1024;
        connection->in = must(malloc(connection->in_size));
        struct epoll_event event = {.events = EPOLLIN, .data.ptr = connection};
        (void)epoll_ctl(load->epoll, EPOLL_CTL_ADD, connection->fd, &event);
    }
}

/* Sends as much as the socket takes; asks to be woken for the rest. */
static void push(struct load *load, struct connection *connection)
{
    const struct text *request = connection->request;
    while (connection->sent < request->size) {
        ssize_t sent = send(connection->fd, request->data + connection->sent,
                            request->size - connection->sent, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (sent < 0) {
            if (errno == EAGAIN) {
                break;
            }
            fail("send: %s", strerror(errno));
        }
        connection->sent += (size_t)sent;
    }
    bool more = connection->sent < request->size;
    struct epoll_event event = {.events = more ? EPOLLIN | EPOLLOUT : EPOLLIN,
                                .data.ptr = connection};
    (void)epoll_ctl(load->epoll, EPOLL_CTL_MOD, connection->fd, &event);
}

static void begin(struct load *load, struct connection *connection, int64_t due_ns)
{
    connection->request = &load->requests[load->next++];
    connection->sent = 0;
    connection->due_ns = due_ns;
    push(load, connection);
}

/* Size of the whole answer at the head of what came in, or 0 when there is more to come. */
static size_t answer_size(const struct connection *connection)
{
    const char *end = memmem(connection->in, connection->in_used, "\r\n\r\n", 4);
    if (end == NULL) {
        return 0;
    }
    const char *length =
        memmem(connection->in, (size_t)(end - connection->in), "Content-Length: ", 16);
    if (strncmp(connection->in, "HTTP/1.1 200 ", 13) != 0 || length == NULL) {
        fail("answer: %.*s", (int)connection->in_used, connection->in);
    }
    return (size_t)(end + 4 - connection->in) + strtoull(length + 16, NULL, 10);
}

/* Reads what is there; true when the answer to the request under way is complete. */
static bool pull(struct connection *connection)
{
    for (;;) {
        if (connection->in_used == connection->in_size) {
            connection->in_size *= 2;
            connection->in = connection->in_size > IN_MAX
                                 ? NULL
                                 : must(realloc(connection->in, connection->in_size));
            if (connection->in == NULL) {
                fail("an answer above %u bytes", IN_MAX);
            }
        }
        ssize_t got = recv(connection->fd, connection->in + connection->in_used,
                           connection->in_size - connection->in_used, MSG_DONTWAIT);
        if (got == 0 || (got < 0 && errno != EAGAIN)) {
            fail("the server closed a connection");
        }
        if (got < 0) {
            break;
        }
        connection->in_used += (size_t)got;
    }
    size_t size = answer_size(connection);
    if (size == 0 || connection->in_used < size) {
        return false;
    }
    connection->in_used = 0;
    return true;
}

/* Handles what happened until deadline_ns (0 = until something happened). */
static void handle(struct load *load, int64_t deadline_ns)
{
    struct epoll_event events[64];
    int64_t left_ns = deadline_ns - now_ns();
    left_ns = left_ns > 999999999 ? 999999999 : left_ns;
    struct timespec wait = {.tv_nsec = left_ns > 0 ? left_ns : 0};
    int count = epoll_pwait2(load->epoll, events, 64, deadline_ns != 0 ? &wait : NULL, NULL);
    for (int i = 0; i < count; i++) {
        struct connection *connection = events[i].data.ptr;
        if ((events[i].events & EPOLLOUT) != 0) {
            push(load, connection);
        }
        if ((events[i].events & ~(uint32_t)EPOLLOUT) != 0 && pull(connection)) {
            load->latencies_ns[load->answered++] = now_ns() - connection->due_ns;
            connection->request = NULL;
        }
    }
}

/* Gives idle connections the requests that are due; interval_ns 0: all are. */
static void issue(struct load *load, int64_t start_ns, int64_t interval_ns)
{
    for (size_t i = 0; i < load->connection_count && load->next < load->request_count; i++) {
        int64_t due_ns = interval_ns != 0 ? start_ns + (int64_t)load->next * interval_ns : now_ns();
        if (due_ns > now_ns()) {
            return;
        }
        if (load->connections[i].request == NULL) {
            begin(load, &load->connections[i], due_ns);
        }
    }
}

static int by_value(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static double latency_ms(const struct load *load, double share)
{
    size_t last = load->request_count - 1;
    return (double)load->latencies_ns[(size_t)((double)last * share)] / 1e6;
}

int main(int argc, char **argv)
{
    if (argc != 8 || (strcmp(argv[1], "batch") != 0 && strcmp(argv[1], "single") != 0)) {
        fail("usage: batch PORT KEY CONNECTIONS ROWS BATCH AGO | single PORT KEY CONNECTIONS RATE "
             "SECONDS AGO");
    }
    bool single = strcmp(argv[1], "single") == 0;
    size_t first = strtoull(argv[5], NULL, 10), second = strtoull(argv[6], NULL, 10);
    static struct load load;
    load.connection_count = strtoull(argv[4], NULL, 10);
    if (load.connection_count == 0 || load.connection_count > CONNECTIONS_MAX || first == 0 ||
        second == 0) {
        fail("numbers must be positive, connections at most %d", CONNECTIONS_MAX);
    }
    size_t rows = single ? first * second : first;
    int64_t interval_ns = single ? INT64_C(1000000000) / (int64_t)first : 0;
    make_requests(&load, rows, single ? 1 : second, strtoll(argv[7], NULL, 10), argv[2], argv[3]);
    connect_all(&load, strtoul(argv[2], NULL, 10));

    int64_t start_ns = now_ns();
    while (load.answered < load.request_count) {
        issue(&load, start_ns, interval_ns);
        /* What is due next is waited for only while a connection is free to take it. */
        bool free_for_next =
            load.next < load.request_count && load.next - load.answered < load.connection_count;
        handle(&load, single && free_for_next ? start_ns + (int64_t)load.next * interval_ns : 0);
    }
    double took_s = (double)(now_ns() - start_ns) / 1e9;
    qsort(load.latencies_ns, load.request_count, sizeof *load.latencies_ns, by_value);
    (void)printf("{\"rows\":%zu,\"requests\":%zu,\"seconds\":%.3f,\"rows_per_s\":%.0f,"
                 "\"p50_ms\":%.3f,\"p99_ms\":%.3f,\"max_ms\":%.3f}\n",
                 rows, load.request_count, took_s, (double)rows / took_s, latency_ms(&load, 0.5),
                 latency_ms(&load, 0.99), latency_ms(&load, 1.0));
    return 0;
}
