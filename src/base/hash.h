/*
 * Hashes: keyed for maps and samples, fixed for content identity.
 *
 * What:    SipHash-1-3 (64 bit) for tables keyed by what a customer can choose; SipHash-2-4 with
 *          128-bit output for content identity; murmur2 for Kafka partitions; a 64-bit mixer.
 * Why:     a keyed hash keeps chosen ids from flooding one bucket. Content identity is not a
 * defence against a forger: bundles are made by us. Source: Aumasson, Bernstein, "SipHash: a fast
 * short-input PRF", 2012; Kafka's DefaultPartitioner (murmur2, seed 0x9747b28c) for the partition.
 * Threads: pure functions.
 */
#ifndef TT_BASE_HASH_H
#define TT_BASE_HASH_H

#include "base/str.h"

struct tt_hash_key {
    uint64_t k0, k1;
};
struct tt_hash128 {
    uint64_t high, low;
};

/* SipHash-1-3. */
uint64_t tt_hash64(const struct tt_hash_key *key, const void *data, size_t size);
/* SipHash-2-4-128. */
struct tt_hash128 tt_hash128(const struct tt_hash_key *key, const void *data, size_t size);
/* 32 lower-case hex digits and a NUL. */
void tt_hash128_hex(struct tt_hash128 hash, char ret_text[33]);
/* Parses 32 hex digits; false leaves *ret untouched. */
bool tt_hash128_parse(struct tt_str text, struct tt_hash128 *ret);
/* Finaliser of splitmix64: a bijection that spreads bits. */
uint64_t tt_hash_mix(uint64_t value);
/* Murmur2 as Java's Kafka client computes it. */
uint32_t tt_murmur2(const void *data, size_t size);

#endif
