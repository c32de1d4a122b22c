/* See cache.h. Values and counters share the list and the map; the first byte of an entry's key
 * tells them apart. */
#include "adapters/memory/cache.h"

#include <pthread.h>
#include <string.h>

#include "base/map.h"

#define VALUE_SIZE_MAX 65536
#define ENTRIES_MAX_DEFAULT 65536
#define BYTES_MAX_DEFAULT ((size_t)64 << 20)

enum kind { KIND_VALUE = 1, KIND_COUNTER };

struct entry {
    struct entry *newer, *older;
    int64_t expires_ms; /* a counter: when its window ends */
    int64_t window_ms;
    uint64_t counter;
    uint64_t hash;
    size_t key_size, value_size;
    enum kind kind;
    char bytes[]; /* key, then value */
};
struct key {
    enum kind kind;
    int64_t window_ms;
    struct tt_str text;
};
struct memory_cache {
    struct tt_cache base;
    const struct tt_alloc *alloc;
    const struct tt_clock *clock;
    struct tt_hash_key hash_key;
    size_t bytes_max;
    pthread_mutex_t lock;
    struct tt_map map;
    struct entry *newest, *oldest;
    size_t bytes;
};

static struct memory_cache *from(struct tt_cache *cache)
{
    return (struct memory_cache *)(void *)cache;
}

static bool equal(const void *item, const void *key)
{
    const struct entry *entry = item;
    const struct key *wanted = key;
    return entry->kind == wanted->kind && entry->window_ms == wanted->window_ms &&
           entry->key_size == wanted->text.size &&
           memcmp(entry->bytes, wanted->text.data, wanted->text.size) == 0;
}

static uint64_t hash_of(const struct memory_cache *self, const struct key *key)
{
    return tt_hash64(&self->hash_key, key->text.data, key->text.size) ^
           tt_hash_mix((uint64_t)key->window_ms + (uint64_t)key->kind);
}

static size_t size_of(const struct entry *entry)
{
    return sizeof *entry + entry->key_size + entry->value_size;
}

static void unlink_entry(struct memory_cache *self, struct entry *entry)
{
    *(entry->newer != NULL ? &entry->newer->older : &self->newest) = entry->older;
    *(entry->older != NULL ? &entry->older->newer : &self->oldest) = entry->newer;
}

static void link_newest(struct memory_cache *self, struct entry *entry)
{
    entry->newer = NULL;
    entry->older = self->newest;
    *(self->newest != NULL ? &self->newest->newer : &self->oldest) = entry;
    self->newest = entry;
}

static void drop(struct memory_cache *self, struct entry *entry)
{
    struct key key = {entry->kind, entry->window_ms, {entry->bytes, entry->key_size}};
    (void)tt_map_take(&self->map, entry->hash, &key);
    unlink_entry(self, entry);
    self->bytes -= size_of(entry);
    tt_delete(self->alloc, entry, size_of(entry));
}

/* The live entry of that key, now the most recently used; an expired one goes. */
static struct entry *look_up(struct memory_cache *self, const struct key *key, uint64_t hash,
                             int64_t now_ms)
{
    struct entry *entry = tt_map_get(&self->map, hash, key);
    if (entry != NULL && entry->expires_ms <= now_ms) {
        drop(self, entry);
        entry = NULL;
    }
    if (entry != NULL && entry != self->newest) {
        unlink_entry(self, entry);
        link_newest(self, entry);
    }
    return entry;
}

/* Adds an entry whose key is not there, making room first. */
static struct entry *add(struct memory_cache *self, const struct key *key, uint64_t hash,
                         struct tt_str value)
{
    size_t size = sizeof(struct entry) + key->text.size + value.size;
    while (self->oldest != NULL &&
           (self->map.count >= self->map.count_max || self->bytes + size > self->bytes_max)) {
        drop(self, self->oldest);
    }
    struct entry *entry = tt_new(self->alloc, size);
    if (entry == NULL) {
        return NULL;
    }
    *entry = (struct entry){.kind = key->kind,
                            .window_ms = key->window_ms,
                            .hash = hash,
                            .key_size = key->text.size,
                            .value_size = value.size};
    memcpy(entry->bytes, key->text.data, key->text.size);
    if (value.size != 0) {
        memcpy(entry->bytes + key->text.size, value.data, value.size);
    }
    if (tt_map_put(&self->map, hash, entry) != TT_OK) {
        tt_delete(self->alloc, entry, size);
        return NULL;
    }
    link_newest(self, entry);
    self->bytes += size;
    return entry;
}

static bool fits(const struct memory_cache *self, struct tt_str key, struct tt_str value)
{
    return value.size <= VALUE_SIZE_MAX && key.size <= VALUE_SIZE_MAX &&
           sizeof(struct entry) + key.size + value.size <= self->bytes_max;
}

static enum tt_status put(struct tt_cache *cache, struct tt_str key, struct tt_str value,
                          int64_t ttl_ms, struct tt_error *err)
{
    struct memory_cache *self = from(cache);
    struct key wanted = {KIND_VALUE, 0, key.data != NULL ? key : TT_STR("")};
    if (ttl_ms <= 0) {
        return tt_fail(err, TT_E_INVALID, "a time to live must be positive");
    }
    if (!fits(self, key, value)) {
        return tt_fail(err, TT_E_LIMIT, "a value of %zu bytes is too big to cache", value.size);
    }
    uint64_t hash = hash_of(self, &wanted);
    int64_t now_ms = tt_clock_now_ms(self->clock);
    pthread_mutex_lock(&self->lock);
    struct entry *entry = look_up(self, &wanted, hash, now_ms);
    if (entry != NULL) {
        drop(self, entry);
    }
    entry = add(self, &wanted, hash, value);
    if (entry != NULL && __builtin_add_overflow(now_ms, ttl_ms, &entry->expires_ms)) {
        entry->expires_ms = INT64_MAX;
    }
    pthread_mutex_unlock(&self->lock);
    return entry != NULL ? TT_OK : tt_fail(err, TT_E_NOMEM, "cache: out of memory");
}

static enum tt_status read_value(struct memory_cache *self, struct tt_str key, bool remove,
                                 struct tt_buf *ret, struct tt_error *err)
{
    struct key wanted = {KIND_VALUE, 0, key.data != NULL ? key : TT_STR("")};
    uint64_t hash = hash_of(self, &wanted);
    int64_t now_ms = tt_clock_now_ms(self->clock);
    enum tt_status status = TT_E_NOT_FOUND;
    pthread_mutex_lock(&self->lock);
    struct entry *entry = look_up(self, &wanted, hash, now_ms);
    if (entry != NULL) {
        status = tt_buf_append(ret, entry->bytes + entry->key_size, entry->value_size);
        if (status == TT_OK && remove) {
            drop(self, entry);
        }
    }
    pthread_mutex_unlock(&self->lock);
    return status == TT_OK ? TT_OK : tt_fail(err, status, "cache: %s", tt_status_name(status));
}

static enum tt_status get(struct tt_cache *cache, struct tt_str key, struct tt_buf *ret,
                          struct tt_error *err)
{
    return read_value(from(cache), key, false, ret, err);
}

static enum tt_status take(struct tt_cache *cache, struct tt_str key, struct tt_buf *ret,
                           struct tt_error *err)
{
    return read_value(from(cache), key, true, ret, err);
}

static enum tt_status count(struct tt_cache *cache, struct tt_str key, uint64_t add_count,
                            int64_t window_ms, uint64_t *ret_value, int64_t *ret_reset_ms,
                            struct tt_error *err)
{
    struct memory_cache *self = from(cache);
    struct key wanted = {KIND_COUNTER, window_ms, key.data != NULL ? key : TT_STR("")};
    if (window_ms <= 0) {
        return tt_fail(err, TT_E_INVALID, "a window must be positive");
    }
    if (!fits(self, key, TT_STR(""))) {
        return tt_fail(err, TT_E_LIMIT, "a key of %zu bytes is too big to count", key.size);
    }
    uint64_t hash = hash_of(self, &wanted);
    int64_t now_ms = tt_clock_now_ms(self->clock);
    pthread_mutex_lock(&self->lock);
    struct entry *entry = look_up(self, &wanted, hash, now_ms);
    if (entry == NULL) {
        entry = add(self, &wanted, hash, TT_STR(""));
        if (entry != NULL) {
            int64_t into = ((now_ms % window_ms) + window_ms) % window_ms;
            entry->expires_ms = now_ms - into + window_ms;
        }
    }
    if (entry != NULL) {
        if (__builtin_add_overflow(entry->counter, add_count, &entry->counter)) {
            entry->counter = UINT64_MAX;
        }
        *ret_value = entry->counter;
        *ret_reset_ms = entry->expires_ms;
    }
    pthread_mutex_unlock(&self->lock);
    return entry != NULL ? TT_OK : tt_fail(err, TT_E_NOMEM, "cache: out of memory");
}

static void close_cache(struct tt_cache *cache)
{
    if (cache == NULL) {
        return;
    }
    struct memory_cache *self = from(cache);
    while (self->oldest != NULL) {
        drop(self, self->oldest);
    }
    tt_map_deinit(&self->map);
    (void)pthread_mutex_destroy(&self->lock);
    tt_delete(self->alloc, self, sizeof *self);
}

static const struct tt_cache_ops ops = {"memory", put, get, take, count, close_cache};

enum tt_status tt_memory_cache_open(const struct tt_memory_cache_options *options,
                                    struct tt_cache **ret, struct tt_error *err)
{
    struct memory_cache *self = tt_new_array(options->alloc, 1, sizeof *self);
    if (self == NULL) {
        return tt_fail(err, TT_E_NOMEM, "cache: out of memory");
    }
    self->base.ops = &ops;
    self->alloc = options->alloc;
    self->clock = options->clock;
    self->hash_key = options->hash_key;
    self->bytes_max = options->bytes_max != 0 ? options->bytes_max : BYTES_MAX_DEFAULT;
    tt_map_init(&self->map, options->alloc, equal,
                options->entries_max != 0 ? options->entries_max : ENTRIES_MAX_DEFAULT);
    (void)pthread_mutex_init(&self->lock, NULL);
    *ret = &self->base;
    return TT_OK;
}
