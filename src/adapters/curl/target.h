/*
 * Which addresses are inside: not for a webhook, unless the configuration names the target.
 *
 * What:    loopback, private, link-local, shared, multicast, unspecified and reserved ranges of
 *          IPv4 and IPv6, and IPv6 forms that carry an IPv4 address. Source: the IANA
 *          special-purpose address registries (RFC 6890).
 * Threads: pure functions.
 */
#ifndef TT_ADAPTERS_CURL_TARGET_H
#define TT_ADAPTERS_CURL_TARGET_H

#include <sys/socket.h>

#include "base/str.h"

/* True for what lies inside, and for any family but the two. */
bool tt_target_is_inside(const struct sockaddr *address);

#endif
