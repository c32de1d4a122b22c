/*
 * Eight bytes at a time: where the next interesting byte is.
 *
 * What:    word-wide tests for a byte's presence, and the position of the first hit.
 * Why:     the scanners of JSON and CSV spend their time between interesting bytes; this is plain
 *          C, the same on every CPU. Source: Mycroft's zero-byte test (1987), exact for the first
 *          hit.
 * Threads: pure functions.
 */
#ifndef TT_FORMAT_SCAN_H
#define TT_FORMAT_SCAN_H

#include <stdint.h>
#include <string.h>

#define TT_SCAN_ONES UINT64_C(0x0101010101010101)
#define TT_SCAN_HIGH UINT64_C(0x8080808080808080)

/* Eight bytes, the first in the lowest bits. */
static inline uint64_t tt_scan_load(const char *data)
{
    uint64_t word;
    memcpy(&word, data, sizeof word);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    word = __builtin_bswap64(word);
#endif
    return word;
}

/* High bit set in bytes that are zero; bytes above the first such one may be wrong. */
static inline uint64_t tt_scan_zero(uint64_t word)
{
    return (word - TT_SCAN_ONES) & ~word & TT_SCAN_HIGH;
}

/* High bit set in bytes equal to c; bytes above the first such one may be wrong. */
static inline uint64_t tt_scan_equal(uint64_t word, char c)
{
    return tt_scan_zero(word ^ (TT_SCAN_ONES * (uint8_t)c));
}

/* High bit set in bytes below limit (≤ 0x80); bytes above the first such one may be wrong. */
static inline uint64_t tt_scan_below(uint64_t word, uint8_t limit)
{
    return (word - TT_SCAN_ONES * limit) & ~word & TT_SCAN_HIGH;
}

/* Index of the first byte that is marked; mask ≠ 0. */
static inline unsigned tt_scan_first(uint64_t mask)
{
    return (unsigned)__builtin_ctzll(mask) / 8;
}

#endif
