/* Counts, bundles, and dropping old days. */
#include "adapters/sqlite/database.h"

enum tt_status tt_sqlite_counts(struct tt_store *store, struct tt_store_counts *ret,
                                struct tt_error *err)
{
    struct tt_sqlite *self = tt_sqlite_of_store(store);
    struct tt_sqlite_connection *reader;
    enum tt_status status = tt_sqlite_begin_read(self, &reader, err);
    if (status != TT_OK) {
        return status;
    }
    sqlite3_stmt *counts = tt_sqlite_prepared(reader, TT_SQL_COUNTS, err);
    if (counts == NULL || sqlite3_step(counts) != SQLITE_ROW) {
        status = tt_sqlite_fail(err, reader->db, "count");
    } else {
        *ret = (struct tt_store_counts){
            .transactions = (uint64_t)sqlite3_column_int64(counts, 0),
            .anomalies = (uint64_t)sqlite3_column_int64(counts, 1),
            .labels = (uint64_t)sqlite3_column_int64(counts, 2),
            .dead_letters = (uint64_t)sqlite3_column_int64(counts, 3),
            .seq_last = (uint64_t)sqlite3_column_int64(counts, 4),
            .day_last_ms = sqlite3_column_type(counts, 5) == SQLITE_NULL
                               ? TT_TIME_NONE
                               : sqlite3_column_int64(counts, 5) * TT_MS_PER_DAY,
        };
    }
    (void)sqlite3_reset(counts);
    tt_sqlite_end_read(self, reader);
    return status;
}

enum tt_status tt_sqlite_put_bundle(struct tt_store *store, struct tt_hash128 hash,
                                    struct tt_str bytes, struct tt_error *err)
{
    struct tt_sqlite *self = tt_sqlite_of_store(store);
    enum tt_status status = tt_sqlite_begin_write(self, err);
    if (status != TT_OK) {
        return status;
    }
    char memory[16];
    sqlite3_stmt *add = tt_sqlite_prepared(self->writer, TT_SQL_BUNDLE_ADD, err);
    if (add == NULL) {
        status = tt_sqlite_fail(err, self->writer->db, "store a bundle");
    } else {
        tt_sqlite_bind_hash(add, 1, hash, memory);
        tt_sqlite_bind_blob(add, 2, bytes.data != NULL ? bytes : TT_STR(""));
        status = tt_sqlite_run(self->writer, TT_SQL_BUNDLE_ADD, err);
    }
    return tt_sqlite_end_write(self, status, err);
}

enum tt_status tt_sqlite_get_bundle(struct tt_store *store, struct tt_hash128 hash,
                                    struct tt_buf *ret, struct tt_error *err)
{
    struct tt_sqlite *self = tt_sqlite_of_store(store);
    struct tt_sqlite_connection *reader;
    enum tt_status status = tt_sqlite_begin_read(self, &reader, err);
    if (status != TT_OK) {
        return status;
    }
    char memory[16];
    int step = SQLITE_ERROR;
    sqlite3_stmt *get = tt_sqlite_prepared(reader, TT_SQL_BUNDLE_GET, err);
    if (get != NULL) {
        tt_sqlite_bind_hash(get, 1, hash, memory);
        step = sqlite3_step(get);
    }
    if (step == SQLITE_ROW) {
        status = tt_buf_append_str(ret, tt_sqlite_column(get, 0));
        if (status != TT_OK) {
            (void)tt_fail(err, status, "%s: a bundle does not fit", self->path);
        }
    } else if (step == SQLITE_DONE) {
        char text[33];
        tt_hash128_hex(hash, text);
        status = tt_fail(err, TT_E_NOT_FOUND, "no bundle %s", text);
    } else {
        status = tt_sqlite_fail(err, reader->db, "get a bundle");
    }
    (void)sqlite3_reset(get);
    tt_sqlite_end_read(self, reader);
    return status;
}

/* The position must not be given out again once its row is gone. */
static enum tt_status keep_floor(struct tt_sqlite *self, struct tt_error *err)
{
    char sql[96];
    sqlite3_snprintf(sizeof sql, sql, "UPDATE meta SET seq_floor = %lld",
                     (long long)self->seq_last);
    return sqlite3_exec(self->writer->db, sql, NULL, NULL, NULL) == SQLITE_OK
               ? TT_OK
               : tt_sqlite_fail(err, self->writer->db, "drop old days");
}

static enum tt_status drop_tables(struct tt_sqlite *self, int64_t day, struct tt_error *err)
{
    char name[TT_SQLITE_DAY_NAME_SIZE], sql[256];
    tt_sqlite_day_name(day, name);
    tt_sqlite_day_forget(self->writer, day);
    sqlite3_snprintf(sizeof sql, sql,
                     "DROP TABLE transactions_%s; DROP TABLE keys_%s;"
                     "DELETE FROM days WHERE day = %lld;",
                     name, name, (long long)day);
    return sqlite3_exec(self->writer->db, sql, NULL, NULL, NULL) == SQLITE_OK
               ? TT_OK
               : tt_sqlite_fail(err, self->writer->db, "drop old days");
}

/* The common pair holds many days: its old rows go, their keys stay and lead nowhere. */
static enum tt_status trim_other(struct tt_sqlite *self, int64_t before_day, struct tt_error *err)
{
    char sql[256];
    sqlite3_snprintf(sizeof sql, sql,
                     "DELETE FROM transactions_other WHERE event_ms < %lld;"
                     "UPDATE days SET row_count = row_count - changes() WHERE day = %lld;",
                     (long long)(before_day * TT_MS_PER_DAY), (long long)TT_SQLITE_DAY_OTHER);
    return sqlite3_exec(self->writer->db, sql, NULL, NULL, NULL) == SQLITE_OK
               ? TT_OK
               : tt_sqlite_fail(err, self->writer->db, "drop old days");
}

/* One day a transaction, so that appends get their turn in between. */
static enum tt_status drop_day(struct tt_sqlite *self, int64_t before_day, bool *ret_more,
                               struct tt_error *err)
{
    enum tt_status status = tt_sqlite_begin_write(self, err);
    if (status != TT_OK) {
        return status;
    }
    int64_t oldest = INT64_MAX;
    bool other = false;
    for (size_t i = 0; i < self->day_count; i++) {
        other = other || self->days[i] == TT_SQLITE_DAY_OTHER;
        if (self->days[i] != TT_SQLITE_DAY_OTHER && self->days[i] < oldest) {
            oldest = self->days[i];
        }
    }
    *ret_more = oldest < before_day;
    status = keep_floor(self, err);
    if (status == TT_OK && *ret_more) {
        status = drop_tables(self, oldest, err);
    } else if (status == TT_OK && other) {
        status = trim_other(self, before_day, err);
    }
    if (status == TT_OK) {
        status = tt_sqlite_days_load(self, err);
    }
    if (status == TT_OK && *ret_more) {
        tt_sqlite_tail_forget(self, oldest);
    }
    return tt_sqlite_end_write(self, status, err);
}

enum tt_status tt_sqlite_drop_before(struct tt_store *store, int64_t before_ms,
                                     struct tt_error *err)
{
    struct tt_sqlite *self = tt_sqlite_of_store(store);
    bool more = true;
    enum tt_status status = TT_OK;
    while (more && status == TT_OK) {
        status = drop_day(self, tt_day_of(before_ms), &more, err);
    }
    return status;
}
