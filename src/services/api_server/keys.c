/* See keys.h. */
#include "services/api_server/keys.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "format/json_read.h"
#include "format/json_write.h"
#include "runtime/files.h"
#include "runtime/secret.h"

#define FILE_SIZE_MAX (8u << 20)
#define RELOAD_NS INT64_C(1000000000)

struct api_key {
    struct tt_hash128 hash;
    uint32_t scopes;
    char id[24];
};

struct tt_api_keys {
    const struct tt_alloc *alloc;
    const struct tt_clock *clock;
    struct tt_hash_key secret;
    pthread_mutex_t lock;
    struct api_key *rows;
    size_t count, capacity;
    struct stat read_file; /* the file as it was when it was read; zeros: it was not there */
    int64_t looked_ns;
    size_t path_size;
    char path[];
};

static const struct {
    const char *name;
    uint32_t bit;
} scope_rows[] = {
    {"ingest", TT_SCOPE_INGEST},
    {"label", TT_SCOPE_LABEL},
    {"metrics", TT_SCOPE_METRICS},
};

uint32_t tt_scopes_parse(struct tt_str names)
{
    uint32_t scopes = 0;
    for (struct tt_str rest = names; rest.data != NULL;) {
        struct tt_str name = tt_str_trim(tt_str_split(&rest, ' '));
        uint32_t bit = 0;
        for (size_t i = 0; i < TT_ARRAY_SIZE(scope_rows); i++) {
            bit = tt_str_equal_text(name, scope_rows[i].name) ? scope_rows[i].bit : bit;
        }
        if (bit == 0 && name.size > 0) {
            return 0;
        }
        scopes |= bit;
    }
    return scopes;
}

const char *tt_scope_name(uint32_t scope)
{
    for (size_t i = 0; i < TT_ARRAY_SIZE(scope_rows); i++) {
        if (scope_rows[i].bit == scope) {
            return scope_rows[i].name;
        }
    }
    return "";
}

static void scopes_format(uint32_t scopes, struct tt_buf *buf)
{
    for (size_t i = 0; i < TT_ARRAY_SIZE(scope_rows); i++) {
        if ((scopes & scope_rows[i].bit) != 0) {
            if (buf->size > 0) {
                tt_buf_append_char(buf, ' ');
            }
            tt_buf_append_text(buf, scope_rows[i].name);
        }
    }
}

static enum tt_status add_row(struct tt_api_keys *keys, const struct api_key *row,
                              struct tt_error *err)
{
    if (keys->count == TT_API_KEYS_MAX) {
        return tt_fail(err, TT_E_LIMIT, "%s: more than %d keys", keys->path, TT_API_KEYS_MAX);
    }
    if (keys->count == keys->capacity) {
        size_t capacity = keys->capacity == 0 ? 16 : keys->capacity * 2;
        struct api_key *rows = tt_resize(keys->alloc, keys->rows, keys->capacity * sizeof *rows,
                                         capacity * sizeof *rows);
        if (rows == NULL) {
            return tt_fail(err, TT_E_NOMEM, "no memory for the API keys");
        }
        keys->rows = rows;
        keys->capacity = capacity;
    }
    keys->rows[keys->count++] = *row;
    return TT_OK;
}

static enum tt_status read_line(struct tt_api_keys *keys, struct tt_str line, uint32_t number,
                                struct tt_arena *arena, struct tt_error *err)
{
    struct tt_tree *tree = NULL;
    struct tt_error why = {0};
    struct api_key row = {0};
    struct tt_str hash = {0}, id = {0}, scopes = {0};
    if (tt_json_parse_tree(arena, line, &tree, &why) != TT_OK ||
        tt_tree_text(tt_tree_get(tree, "hash"), &hash, &why) != TT_OK ||
        tt_tree_text(tt_tree_get(tree, "id"), &id, &why) != TT_OK ||
        tt_tree_text(tt_tree_get(tree, "scopes"), &scopes, &why) != TT_OK ||
        !tt_hash128_parse(hash, &row.hash) || id.size >= sizeof row.id) {
        return tt_fail(err, TT_E_CORRUPT, "%s:%u: not a key's line", keys->path, number);
    }
    memcpy(row.id, id.data, id.size);
    row.scopes = tt_scopes_parse(scopes);
    return add_row(keys, &row, err);
}

static enum tt_status parse(struct tt_api_keys *keys, struct tt_str text, struct tt_error *err)
{
    struct tt_arena arena;
    tt_arena_init(&arena, keys->alloc, 4096, 1u << 20);
    keys->count = 0;
    enum tt_status status = TT_OK;
    uint32_t number = 0;
    for (struct tt_str rest = text; rest.data != NULL && status == TT_OK;) {
        struct tt_str line = tt_str_trim(tt_str_split(&rest, '\n'));
        number++;
        if (line.size > 0) {
            status = read_line(keys, line, number, &arena, err);
            tt_arena_reset(&arena);
        }
    }
    tt_arena_deinit(&arena);
    return status;
}

static enum tt_status load(struct tt_api_keys *keys, struct tt_error *err)
{
    struct stat info;
    memset(&keys->read_file, 0, sizeof keys->read_file);
    if (stat(keys->path, &info) != 0) {
        keys->count = 0;
        return TT_OK;
    }
    struct tt_buf buf;
    tt_buf_init(&buf, keys->alloc, FILE_SIZE_MAX);
    enum tt_status status = tt_file_read(keys->path, &buf, err);
    if (status == TT_OK) {
        status = parse(keys, tt_buf_str(&buf), err);
    }
    tt_buf_deinit(&buf);
    keys->read_file = info;
    return status;
}

enum tt_status tt_api_keys_open(const struct tt_alloc *alloc, const char *path,
                                const struct tt_hash_key *secret, const struct tt_clock *clock,
                                struct tt_api_keys **ret, struct tt_error *err)
{
    size_t size = strlen(path) + 1;
    struct tt_api_keys *keys = tt_new_array(alloc, 1, sizeof *keys + size);
    if (keys == NULL) {
        return tt_fail(err, TT_E_NOMEM, "no memory for the API keys");
    }
    keys->alloc = alloc;
    keys->clock = clock;
    keys->secret = *secret;
    keys->path_size = size;
    memcpy(keys->path, path, size);
    pthread_mutex_init(&keys->lock, NULL);
    enum tt_status status = load(keys, err);
    if (status != TT_OK) {
        tt_api_keys_close(keys);
        return status;
    }
    *ret = keys;
    return TT_OK;
}

void tt_api_keys_close(struct tt_api_keys *keys)
{
    if (keys == NULL) {
        return;
    }
    pthread_mutex_destroy(&keys->lock);
    tt_delete(keys->alloc, keys->rows, keys->capacity * sizeof *keys->rows);
    tt_delete(keys->alloc, keys, sizeof *keys + keys->path_size);
}

static const struct api_key *find(const struct tt_api_keys *keys, struct tt_hash128 hash)
{
    for (size_t i = 0; i < keys->count; i++) {
        if (keys->rows[i].hash.high == hash.high && keys->rows[i].hash.low == hash.low) {
            return &keys->rows[i];
        }
    }
    return NULL;
}

/* A new file is another inode even where the clock of the file system is too coarse to tell. */
static bool has_changed(const struct tt_api_keys *keys)
{
    struct stat info = {0};
    const struct stat *old = &keys->read_file;
    (void)stat(keys->path, &info);
    return info.st_ino != old->st_ino || info.st_size != old->st_size ||
           info.st_mtim.tv_sec != old->st_mtim.tv_sec ||
           info.st_mtim.tv_nsec != old->st_mtim.tv_nsec;
}

/* Reads the file again when it has changed, so that a new key works without a restart. */
static void refresh(struct tt_api_keys *keys)
{
    int64_t now_ns = tt_clock_monotonic_ns(keys->clock);
    if (keys->looked_ns != 0 && now_ns - keys->looked_ns < RELOAD_NS) {
        return;
    }
    keys->looked_ns = now_ns;
    if (!has_changed(keys)) {
        return;
    }
    struct tt_error err;
    (void)load(keys, &err); /* a damaged file gives the keys before the damage */
}

bool tt_api_keys_check(struct tt_api_keys *keys, struct tt_str key, uint32_t *ret_scopes,
                       char ret_id[64])
{
    if (key.size != TT_API_KEY_SIZE) {
        return false;
    }
    struct tt_hash128 hash = tt_hash128(&keys->secret, key.data, key.size);
    pthread_mutex_lock(&keys->lock);
    refresh(keys); /* also so that a revoked key stops working */
    const struct api_key *row = find(keys, hash);
    if (row != NULL) {
        *ret_scopes = row->scopes;
        (void)snprintf(ret_id, 64, "%s", row->id);
    }
    pthread_mutex_unlock(&keys->lock);
    return row != NULL;
}

static void make_key(char ret_key[TT_API_KEY_SIZE + 1])
{
    unsigned char bytes[32];
    tt_secret_random(bytes, sizeof bytes);
    memcpy(ret_key, "ttk_", 4);
    for (size_t i = 0; i < sizeof bytes; i++) {
        (void)snprintf(ret_key + 4 + 2 * i, 3, "%02x", bytes[i]);
    }
}

static void write_line(const struct tt_api_keys *keys, const struct api_key *row,
                       struct tt_buf *buf)
{
    char hash[33];
    tt_hash128_hex(row->hash, hash);
    struct tt_buf scopes;
    tt_buf_init(&scopes, keys->alloc, 256);
    scopes_format(row->scopes, &scopes);
    struct tt_json_writer json;
    tt_json_writer_init(&json, buf);
    tt_json_object_begin(&json);
    tt_json_member_text(&json, "id", row->id);
    tt_json_member_text(&json, "hash", hash);
    tt_json_member_string(&json, "scopes", tt_buf_str(&scopes));
    tt_json_key(&json, "created");
    tt_json_time(&json, tt_clock_now_ms(keys->clock));
    tt_json_object_end(&json);
    tt_buf_append_char(buf, '\n');
    tt_buf_deinit(&scopes);
}

enum tt_status tt_api_keys_create(struct tt_api_keys *keys, uint32_t scopes,
                                  char ret_key[TT_API_KEY_SIZE + 1], struct tt_error *err)
{
    make_key(ret_key);
    struct api_key row = {.scopes = scopes};
    row.hash = tt_hash128(&keys->secret, ret_key, TT_API_KEY_SIZE);
    (void)snprintf(row.id, sizeof row.id, "k-%.8s", ret_key + 4);
    struct tt_buf buf;
    tt_buf_init(&buf, keys->alloc, FILE_SIZE_MAX);
    struct stat info;
    enum tt_status status =
        stat(keys->path, &info) == 0 ? tt_file_read(keys->path, &buf, err) : TT_OK;
    if (status == TT_OK && buf.size > 0 && buf.data[buf.size - 1] != '\n') {
        status = tt_buf_append_char(&buf, '\n');
    }
    if (status == TT_OK) {
        write_line(keys, &row, &buf);
        status = tt_file_write_private(keys->path, tt_buf_str(&buf), err);
    }
    tt_buf_deinit(&buf);
    return status;
}
