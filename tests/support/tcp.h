/*
 * A raw TCP client for tests of servers, and a port nobody listens on.
 *
 * Threads: one thread a connection. Reads give up after ten seconds, so that a hang is a failure.
 */
#ifndef TT_TESTS_SUPPORT_TCP_H
#define TT_TESTS_SUPPORT_TCP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A connection to 127.0.0.1; asserts (cmocka) that it came about. */
int tt_tcp_connect(uint16_t port);
/* Sends all of it; false when the peer is gone. */
bool tt_tcp_send(int fd, const void *data, size_t size);
bool tt_tcp_send_text(int fd, const char *text);
/* Reads one HTTP response with its body (Content-Length; none after HEAD) into text, as a string;
 * returns its status, or 0 at the end of the stream. */
int tt_tcp_response(int fd, char *text, size_t size, bool is_head);
/* True when the peer closes without sending more. */
bool tt_tcp_at_end(int fd);

#endif
