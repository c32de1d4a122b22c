/* See target.h. */
#include "adapters/curl/target.h"

#include <netinet/in.h>
#include <string.h>

struct range {
    uint32_t network;
    int bits;
};

static bool is_inside_v4(uint32_t address)
{
    static const struct range ranges[] = {
        {0x00000000, 8},  /* this network */
        {0x0a000000, 8},  /* private */
        {0x64400000, 10}, /* shared, carrier grade */
        {0x7f000000, 8},  /* loopback */
        {0xa9fe0000, 16}, /* link-local, metadata services */
        {0xac100000, 12}, /* private */
        {0xc0000000, 24}, /* protocol assignments */
        {0xc0000200, 24}, /* documentation */
        {0xc0a80000, 16}, /* private */
        {0xc6120000, 15}, /* benchmarks */
        {0xc6336400, 24}, /* documentation */
        {0xcb007100, 24}, /* documentation */
        {0xe0000000, 3},  /* multicast, reserved, broadcast */
    };
    for (size_t i = 0; i < TT_ARRAY_SIZE(ranges); i++) {
        if ((address ^ ranges[i].network) >> (32 - ranges[i].bits) == 0) {
            return true;
        }
    }
    return false;
}

static uint32_t read_u32(const uint8_t *bytes)
{
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

static bool is_inside_v6(const uint8_t *a)
{
    static const uint8_t zeros[12] = {0}, mapped[12] = {[10] = 0xff, [11] = 0xff};
    static const uint8_t nat64[12] = {0x00, 0x64, 0xff, 0x9b};
    if (memcmp(a, mapped, 12) == 0 || memcmp(a, nat64, 12) == 0) {
        return is_inside_v4(read_u32(a + 12));
    }
    if (a[0] == 0x20 && a[1] == 0x02) {
        return is_inside_v4(read_u32(a + 2)); /* 6to4 */
    }
    return memcmp(a, zeros, 12) == 0 ||               /* unspecified, loopback, compatible */
           (a[0] & 0xfe) == 0xfc ||                   /* unique local */
           (a[0] == 0xfe && (a[1] & 0x80) == 0x80) || /* link-local, site-local */
           a[0] == 0xff ||                            /* multicast */
           (a[0] & 0xe0) != 0x20 ||                   /* outside global unicast */
           read_u32(a) == 0x20010000 ||               /* Teredo */
           read_u32(a) == 0x20010db8;                 /* documentation */
}

bool tt_target_is_inside(const struct sockaddr *address)
{
    union {
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    } copy;
    if (address->sa_family == AF_INET) {
        memcpy(&copy.v4, address, sizeof copy.v4);
        return is_inside_v4(ntohl(copy.v4.sin_addr.s_addr));
    }
    if (address->sa_family == AF_INET6) {
        memcpy(&copy.v6, address, sizeof copy.v6);
        return is_inside_v6(copy.v6.sin6_addr.s6_addr);
    }
    return true;
}
