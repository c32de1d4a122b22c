/*
 * Cache port: short-lived values and counters that may vanish at any time.
 *
 * What:    get/put with a time to live; a fixed-window counter for rate limits; one-time take.
 * Why:     losing it costs time, never correctness: nothing that must be kept lives here.
 * Threads: safe from any thread.
 * Limits:  the adapter has a maximum of entries and bytes; the least recently used go first.
 * Fails:   TT_E_NOT_FOUND; TT_E_IO when a remote cache is down (the caller has a named policy).
 */
#ifndef TT_PORTS_CACHE_H
#define TT_PORTS_CACHE_H

#include "base/str.h"

struct tt_cache;
struct tt_cache_ops {
    const char *name;
    /* Replaces; value ≤ 64 KiB (TT_E_LIMIT); ttl_ms > 0. */
    enum tt_status (*put)(struct tt_cache *cache, struct tt_str key, struct tt_str value,
                          int64_t ttl_ms, struct tt_error *err);
    /* Appends the value to ret. */
    enum tt_status (*get)(struct tt_cache *cache, struct tt_str key, struct tt_buf *ret,
                          struct tt_error *err);
    /* As get, and removes it: exactly one caller of several gets it. */
    enum tt_status (*take)(struct tt_cache *cache, struct tt_str key, struct tt_buf *ret,
                           struct tt_error *err);
    /* Adds to the counter of the current window of that length and returns the new value and
     * when the window ends (ms since the epoch). */
    enum tt_status (*count)(struct tt_cache *cache, struct tt_str key, uint64_t add,
                            int64_t window_ms, uint64_t *ret_value, int64_t *ret_reset_ms,
                            struct tt_error *err);
    void (*close)(struct tt_cache *cache);
};
/* Adapters embed this as their first member. */
struct tt_cache {
    const struct tt_cache_ops *ops;
};

#endif
