/*
 * The cache port in this process.
 *
 * What:    an LRU of values with a time to live, and fixed-window counters.
 * Owner:   the cache owns copies of keys and values.
 * Threads: one lock; every call is short.
 * Units:   times from the clock it was given, ms.
 * Limits:  entries_max entries and bytes_max bytes of keys, values and bookkeeping: the least
 *          recently used go first. A value that could never fit is TT_E_LIMIT.
 * Fails:   TT_E_NOMEM (the old value is then gone), TT_E_LIMIT, TT_E_NOT_FOUND, TT_E_INVALID (ttl
 *          or window not positive).
 */
#ifndef TT_ADAPTERS_MEMORY_CACHE_H
#define TT_ADAPTERS_MEMORY_CACHE_H

#include "base/hash.h"
#include "ports/cache.h"
#include "ports/clock.h"

struct tt_memory_cache_options {
    const struct tt_alloc *alloc;
    const struct tt_clock *clock;
    size_t entries_max;          /* 0 = 65536 */
    size_t bytes_max;            /* 0 = 64 MiB */
    struct tt_hash_key hash_key; /* secret: keys may be what a customer chose */
};

/* On failure *ret is untouched. */
enum tt_status tt_memory_cache_open(const struct tt_memory_cache_options *options,
                                    struct tt_cache **ret, struct tt_error *err) TT_MUST_USE;

#endif
