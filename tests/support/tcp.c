/* See tcp.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <cmocka.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "support/tcp.h"

int tt_tcp_connect(uint16_t port)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
    struct timeval patience = {10, 0};
    assert_true(fd >= 0);
    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    (void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
    assert_int_equal(connect(fd, (const struct sockaddr *)(const void *)&address, sizeof address),
                     0);
    return fd;
}

bool tt_tcp_send(int fd, const void *data, size_t size)
{
    for (const char *at = data; size != 0;) {
        ssize_t sent = send(fd, at, size, MSG_NOSIGNAL);
        if (sent <= 0) {
            return false;
        }
        at += sent;
        size -= (size_t)sent;
    }
    return true;
}

bool tt_tcp_send_text(int fd, const char *text)
{
    return tt_tcp_send(fd, text, strlen(text));
}

/* Byte by byte: nothing of the next response may be taken. */
static size_t read_until(int fd, char *text, size_t size, size_t used, size_t wanted)
{
    while (used + 1 < size) {
        bool done =
            wanted != 0 ? used >= wanted : used >= 4 && !memcmp(text + used - 4, "\r\n\r\n", 4);
        if (done || recv(fd, text + used, 1, 0) != 1) {
            break;
        }
        used++;
    }
    text[used] = '\0';
    return used;
}

int tt_tcp_response(int fd, char *text, size_t size, bool is_head)
{
    size_t used = read_until(fd, text, size, 0, 0);
    if (used < 12) {
        return 0;
    }
    const char *length = strcasestr(text, "content-length:");
    size_t body = length != NULL && !is_head ? strtoul(length + 15, NULL, 10) : 0;
    if (body != 0) {
        (void)read_until(fd, text, size, used, used + body);
    }
    return atoi(text + 9);
}

bool tt_tcp_at_end(int fd)
{
    char byte;
    return recv(fd, &byte, 1, 0) == 0;
}
