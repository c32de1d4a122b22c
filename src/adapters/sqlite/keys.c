/* Finding a transaction by its ids.
 *
 * A key is a 64-bit hash. An index on it would be inserted into at random places and so rewrite a
 * page a row; instead the keys of the last rows stay in memory (the tail) and are written 16,384 at
 * a time as a run: 128 chunks by the key's top bits, one row of keys_* each. A look-up reads one
 * chunk a run and day. The tail is read back from the rows themselves when the store opens.
 */
#include <endian.h>
#include <string.h>

#include "adapters/sqlite/database.h"

#define CHUNK_SHIFT 57
#define DAY_GONE INT64_MAX
#define ID_ONLY_MASK UINT64_C(0xffffffff00000000)

struct entry {
    uint64_t key, seq; /* little endian in the table */
};

uint64_t tt_sqlite_key(const struct tt_sqlite *self, struct tt_str user_id,
                       struct tt_str transaction_id)
{
    uint64_t high = tt_hash64(&self->hash_key, transaction_id.data, transaction_id.size);
    struct tt_hash_key both = {self->hash_key.k0 ^ high, self->hash_key.k1};
    uint64_t low = tt_hash64(&both, user_id.data, user_id.size);
    return (high & ID_ONLY_MASK) | (low >> 32);
}

enum tt_status tt_sqlite_tail_reserve(struct tt_sqlite *self, size_t count, struct tt_error *err)
{
    struct tt_sqlite_tail *tail = &self->tail;
    size_t needed = tail->count + count;
    if (needed <= tail->capacity) {
        return TT_OK;
    }
    if (needed > UINT32_MAX / 2) {
        return tt_fail(err, TT_E_LIMIT, "%s: a group of %zu rows is too big", self->path, count);
    }
    size_t capacity = tail->capacity != 0 ? tail->capacity : 4096;
    while (capacity < needed) {
        capacity *= 2;
    }
    /* Growing under the lock: a reader may be walking the chains. */
    pthread_mutex_lock(&self->tail_lock);
    struct tt_sqlite_key *keys =
        tt_resize(self->alloc, tail->keys, tail->capacity * sizeof *keys, capacity * sizeof *keys);
    if (keys != NULL) {
        tail->keys = keys;
        tail->capacity = capacity;
    }
    pthread_mutex_unlock(&self->tail_lock);
    return keys != NULL ? TT_OK : tt_fail(err, TT_E_NOMEM, "%s: out of memory", self->path);
}

static void tail_push(struct tt_sqlite_tail *tail, uint64_t key, uint64_t seq, int64_t day)
{
    uint32_t *head = &tail->heads[key >> CHUNK_SHIFT];
    tail->keys[tail->count++] = (struct tt_sqlite_key){key, seq, day, *head};
    *head = (uint32_t)tail->count;
}

void tt_sqlite_tail_add(struct tt_sqlite *self, const struct tt_row_transaction *rows, size_t count)
{
    pthread_mutex_lock(&self->tail_lock);
    for (size_t i = 0; i < count; i++) {
        tail_push(&self->tail, tt_sqlite_key(self, rows[i].user_id, rows[i].transaction_id),
                  rows[i].seq, tt_sqlite_day_of(self, rows[i].event_ms));
    }
    pthread_mutex_unlock(&self->tail_lock);
}

void tt_sqlite_tail_written(struct tt_sqlite *self)
{
    pthread_mutex_lock(&self->tail_lock);
    self->tail.count = 0;
    memset(self->tail.heads, 0, sizeof self->tail.heads);
    pthread_mutex_unlock(&self->tail_lock);
    self->run_next++;
}

/* Such a key is not written with the next run. */
void tt_sqlite_tail_forget(struct tt_sqlite *self, int64_t day)
{
    pthread_mutex_lock(&self->tail_lock);
    for (size_t i = 0; i < self->tail.count; i++) {
        if (self->tail.keys[i].day == day) {
            self->tail.keys[i].day = DAY_GONE;
        }
    }
    pthread_mutex_unlock(&self->tail_lock);
}

static enum tt_status load_day(struct tt_sqlite *self, int64_t day, int64_t after,
                               struct tt_error *err)
{
    char name[TT_SQLITE_DAY_NAME_SIZE], sql[160];
    sqlite3 *db = self->writer->db;
    sqlite3_stmt *rows = NULL;
    tt_sqlite_day_name(day, name);
    sqlite3_snprintf(sizeof sql, sql,
                     "SELECT seq, user_id, transaction_id FROM transactions_%s WHERE seq > %lld",
                     name, (long long)after);
    if (sqlite3_prepare_v2(db, sql, -1, &rows, NULL) != SQLITE_OK) {
        return tt_sqlite_fail(err, db, "read the last keys");
    }
    int step;
    enum tt_status status = TT_OK;
    while (status == TT_OK && (step = sqlite3_step(rows)) == SQLITE_ROW) {
        status = tt_sqlite_tail_reserve(self, 1, err);
        if (status == TT_OK) {
            uint64_t key =
                tt_sqlite_key(self, tt_sqlite_column(rows, 1), tt_sqlite_column(rows, 2));
            tail_push(&self->tail, key, (uint64_t)sqlite3_column_int64(rows, 0), day);
        }
    }
    if (status == TT_OK && step != SQLITE_DONE) {
        status = tt_sqlite_fail(err, db, "read the last keys");
    }
    sqlite3_finalize(rows);
    return status;
}

enum tt_status tt_sqlite_tail_load(struct tt_sqlite *self, struct tt_error *err)
{
    sqlite3_stmt *meta = tt_sqlite_prepared(self->writer, TT_SQL_META_GET, err);
    sqlite3_stmt *days = tt_sqlite_prepared(self->writer, TT_SQL_DAYS, err);
    if (meta == NULL || days == NULL || sqlite3_step(meta) != SQLITE_ROW) {
        return tt_sqlite_fail(err, self->writer->db, "read the last keys");
    }
    struct tt_str secret = tt_sqlite_column(meta, 0);
    int64_t after = sqlite3_column_int64(meta, 1);
    self->run_next = (uint64_t)sqlite3_column_int64(meta, 2);
    bool valid = secret.size == sizeof self->hash_key;
    if (valid) {
        memcpy(&self->hash_key, secret.data, sizeof self->hash_key);
    }
    (void)sqlite3_reset(meta);
    if (!valid) {
        return tt_fail(err, TT_E_CORRUPT, "%s: the row of meta is damaged", self->path);
    }
    enum tt_status status = TT_OK;
    int step = SQLITE_DONE;
    while (status == TT_OK && (step = sqlite3_step(days)) == SQLITE_ROW) {
        if (sqlite3_column_int64(days, 2) > after) {
            status = load_day(self, sqlite3_column_int64(days, 0), after, err);
        }
    }
    (void)sqlite3_reset(days);
    return status == TT_OK && step != SQLITE_DONE
               ? tt_sqlite_fail(err, self->writer->db, "read the days")
               : status;
}

static enum tt_status write_chunk(struct tt_sqlite *self, uint32_t chunk, int64_t day,
                                  uint32_t from, struct tt_buf *entries, struct tt_error *err)
{
    tt_buf_clear(entries);
    for (uint32_t i = from; i != 0; i = self->tail.keys[i - 1].next) {
        const struct tt_sqlite_key *key = &self->tail.keys[i - 1];
        if (key->day == day) {
            struct entry entry = {htole64(key->key), htole64(key->seq)};
            (void)tt_buf_append(entries, &entry, sizeof entry);
        }
    }
    if (entries->status != TT_OK) {
        return tt_fail(err, entries->status, "%s: out of memory", self->path);
    }
    sqlite3_stmt *add = tt_sqlite_day_prepared(self->writer, day, TT_SQL_DAY_KEYS_ADD, err);
    if (add == NULL) {
        return tt_sqlite_fail(err, self->writer->db, "write keys");
    }
    (void)sqlite3_bind_int64(add, 1, (int64_t)(self->run_next * TT_SQLITE_CHUNKS + chunk));
    tt_sqlite_bind_blob(add, 2, tt_buf_str(entries));
    int step = sqlite3_step(add);
    (void)sqlite3_reset(add);
    return step == SQLITE_DONE ? TT_OK : tt_sqlite_fail(err, self->writer->db, "write keys");
}

/* Whether an entry earlier in the chain was of the same day, so that its chunk is written. */
static bool day_was_before(const struct tt_sqlite_tail *tail, uint32_t head, uint32_t at)
{
    for (uint32_t i = head; i != at; i = tail->keys[i - 1].next) {
        if (tail->keys[i - 1].day == tail->keys[at - 1].day) {
            return true;
        }
    }
    return false;
}

enum tt_status tt_sqlite_tail_write(struct tt_sqlite *self, struct tt_error *err)
{
    struct tt_buf entries;
    struct tt_sqlite_tail *tail = &self->tail;
    tt_buf_init(&entries, self->alloc, SIZE_MAX / 2);
    enum tt_status status = TT_OK;
    uint64_t last = 0;
    for (uint32_t chunk = 0; chunk < TT_SQLITE_CHUNKS && status == TT_OK; chunk++) {
        uint32_t head = tail->heads[chunk];
        for (uint32_t i = head; i != 0 && status == TT_OK; i = tail->keys[i - 1].next) {
            last = tail->keys[i - 1].seq > last ? tail->keys[i - 1].seq : last;
            if (tail->keys[i - 1].day != DAY_GONE && !day_was_before(tail, head, i)) {
                status = write_chunk(self, chunk, tail->keys[i - 1].day, i, &entries, err);
            }
        }
    }
    tt_buf_deinit(&entries);
    if (status != TT_OK) {
        return status;
    }
    sqlite3_stmt *run = tt_sqlite_prepared(self->writer, TT_SQL_META_RUN, err);
    if (run == NULL) {
        return tt_sqlite_fail(err, self->writer->db, "write keys");
    }
    (void)sqlite3_bind_int64(run, 1, (int64_t)last);
    (void)sqlite3_bind_int64(run, 2, (int64_t)self->run_next + 1);
    return tt_sqlite_run(self->writer, TT_SQL_META_RUN, err);
}

/* One look-up under way. */
struct search {
    struct tt_sqlite *self;
    struct tt_sqlite_connection *reader;
    struct tt_str user_id, transaction_id;
    uint64_t key, mask;
    struct tt_sqlite_key *in_tail; /* what the tail knew, before the read transaction began */
    size_t in_tail_count;
    tt_on_log *on_row;
    void *ctx;
    bool stopped;
    struct tt_error *err;
};

static enum tt_status search_tail(struct search *search, struct tt_buf *found)
{
    struct tt_sqlite_tail *tail = &search->self->tail;
    pthread_mutex_lock(&search->self->tail_lock);
    for (uint32_t i = tail->heads[search->key >> CHUNK_SHIFT]; i != 0; i = tail->keys[i - 1].next) {
        if ((tail->keys[i - 1].key & search->mask) == search->key) {
            (void)tt_buf_append(found, &tail->keys[i - 1], sizeof tail->keys[0]);
        }
    }
    pthread_mutex_unlock(&search->self->tail_lock);
    search->in_tail = (struct tt_sqlite_key *)(void *)found->data;
    search->in_tail_count = found->size / sizeof tail->keys[0];
    return found->status == TT_OK ? TT_OK : tt_fail(search->err, found->status, "out of memory");
}

/* The row at that position, if it is really the one: hashes may meet, keys outlive rows. */
static enum tt_status visit(struct search *search, int64_t day, uint64_t seq)
{
    sqlite3_stmt *get =
        tt_sqlite_day_prepared(search->reader, day, TT_SQL_DAY_ROW_GET, search->err);
    if (get == NULL) {
        return tt_sqlite_fail(search->err, search->reader->db, "find");
    }
    (void)sqlite3_bind_int64(get, 1, (int64_t)seq);
    int step = sqlite3_step(get);
    if (step == SQLITE_ROW) {
        struct tt_row_transaction row = tt_sqlite_read_transaction(get);
        if (tt_str_equal(row.transaction_id, search->transaction_id) &&
            (search->user_id.data == NULL || tt_str_equal(row.user_id, search->user_id))) {
            search->stopped = !search->on_row(search->ctx, &row, NULL, NULL);
        }
    }
    (void)sqlite3_reset(get);
    return step == SQLITE_ROW || step == SQLITE_DONE
               ? TT_OK
               : tt_sqlite_fail(search->err, search->reader->db, "find");
}

static bool is_in_tail(const struct search *search, uint64_t seq)
{
    for (size_t i = 0; i < search->in_tail_count; i++) {
        if (search->in_tail[i].seq == seq) {
            return true;
        }
    }
    return false;
}

static enum tt_status search_chunk(struct search *search, int64_t day, struct tt_str entries)
{
    enum tt_status status = TT_OK;
    for (size_t i = 0; i + sizeof(struct entry) <= entries.size && status == TT_OK;
         i += sizeof(struct entry)) {
        struct entry entry;
        memcpy(&entry, entries.data + i, sizeof entry);
        uint64_t seq = le64toh(entry.seq);
        if ((le64toh(entry.key) & search->mask) == search->key && !is_in_tail(search, seq)) {
            status = visit(search, day, seq);
        }
        if (search->stopped) {
            break;
        }
    }
    return status;
}

/* Jumps from run to run of a day: where a run lacks the chunk, the row found instead says where to
 * go on. */
static enum tt_status search_runs(struct search *search, int64_t day)
{
    sqlite3_stmt *at = tt_sqlite_day_prepared(search->reader, day, TT_SQL_DAY_KEYS_AT, search->err);
    uint64_t chunk = search->key >> CHUNK_SHIFT, wanted = chunk;
    if (at == NULL) {
        return tt_sqlite_fail(search->err, search->reader->db, "find");
    }
    enum tt_status status = TT_OK;
    int step = SQLITE_DONE;
    while (status == TT_OK && !search->stopped) {
        (void)sqlite3_bind_int64(at, 1, (int64_t)wanted);
        step = sqlite3_step(at);
        if (step != SQLITE_ROW) {
            break;
        }
        uint64_t id = (uint64_t)sqlite3_column_int64(at, 0);
        if (id % TT_SQLITE_CHUNKS == chunk) {
            status = search_chunk(search, day, tt_sqlite_column(at, 1));
        }
        (void)sqlite3_reset(at);
        uint64_t run = id / TT_SQLITE_CHUNKS;
        wanted = (id % TT_SQLITE_CHUNKS < chunk ? run : run + 1) * TT_SQLITE_CHUNKS + chunk;
    }
    (void)sqlite3_reset(at);
    return status == TT_OK && step != SQLITE_ROW && step != SQLITE_DONE
               ? tt_sqlite_fail(search->err, search->reader->db, "find")
               : status;
}

static enum tt_status search_day(struct search *search, int64_t day)
{
    enum tt_status status = TT_OK;
    for (size_t i = 0; i < search->in_tail_count && status == TT_OK && !search->stopped; i++) {
        if (search->in_tail[i].day == day) {
            status = visit(search, day, search->in_tail[i].seq);
        }
    }
    return status == TT_OK && !search->stopped ? search_runs(search, day) : status;
}

/* Newest day first. */
static enum tt_status search_days(struct search *search, int64_t event_ms)
{
    sqlite3_stmt *days = tt_sqlite_prepared(search->reader, TT_SQL_DAYS, search->err);
    if (days == NULL) {
        return tt_sqlite_fail(search->err, search->reader->db, "find");
    }
    enum tt_status status = TT_OK;
    int step = SQLITE_DONE;
    while (status == TT_OK && !search->stopped && (step = sqlite3_step(days)) == SQLITE_ROW) {
        int64_t day = sqlite3_column_int64(days, 0);
        if (event_ms == TT_TIME_NONE || day == TT_SQLITE_DAY_OTHER || day == tt_day_of(event_ms)) {
            status = search_day(search, day);
        }
    }
    (void)sqlite3_reset(days);
    return status == TT_OK && step != SQLITE_ROW && step != SQLITE_DONE
               ? tt_sqlite_fail(search->err, search->reader->db, "find")
               : status;
}

enum tt_status tt_sqlite_find(struct tt_store *store, struct tt_str user_id,
                              struct tt_str transaction_id, int64_t event_ms, tt_on_log *on_row,
                              void *ctx, struct tt_error *err)
{
    struct search search = {.self = tt_sqlite_of_store(store),
                            .user_id = user_id,
                            .transaction_id = transaction_id,
                            .mask = user_id.data != NULL ? UINT64_MAX : ID_ONLY_MASK,
                            .on_row = on_row,
                            .ctx = ctx,
                            .err = err};
    search.key = tt_sqlite_key(search.self, user_id, transaction_id) & search.mask;
    struct tt_buf found;
    tt_buf_init(&found, search.self->alloc, SIZE_MAX / 2);
    enum tt_status status = search_tail(&search, &found);
    if (status == TT_OK) {
        status = tt_sqlite_begin_read(search.self, &search.reader, err);
    }
    if (status == TT_OK) {
        status = search_days(&search, event_ms);
        tt_sqlite_end_read(search.self, search.reader);
    }
    tt_buf_deinit(&found);
    return status;
}
