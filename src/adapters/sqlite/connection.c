/* Connections: how they are set up, their prepared statements, the pool of reading ones, and what
 * SQLite's failures become.
 *
 * Readers are made on demand and kept; a reader is never waited for, so a callback may read again.
 */
#include <endian.h>
#include <string.h>

#include "adapters/sqlite/database.h"

#define IDLE_MAX 8
#define BUSY_TIMEOUT_MS 5000

static const char *const fixed_sql[TT_SQL_COUNT] = {
    [TT_SQL_BEGIN] = "BEGIN IMMEDIATE",
    [TT_SQL_BEGIN_READ] = "BEGIN",
    [TT_SQL_COMMIT] = "COMMIT",
    [TT_SQL_ROLLBACK] = "ROLLBACK",
    [TT_SQL_DAY_ADD] = "INSERT INTO days VALUES (?1, 0, 0, 0)",
    [TT_SQL_DAY_UPDATE] =
        "UPDATE days SET seq_first = CASE row_count WHEN 0 THEN ?3 ELSE seq_first END,"
        " row_count = row_count + ?2, seq_last = ?4 WHERE day = ?1",
    [TT_SQL_DAYS] = "SELECT day, seq_first, seq_last, row_count FROM days ORDER BY day DESC",
    [TT_SQL_ANOMALY_ADD] = "INSERT INTO anomalies (" TT_SQLITE_ANOMALY_COLUMNS
                           ") VALUES (?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13)",
    [TT_SQL_ANOMALY_GET] =
        "SELECT " TT_SQLITE_ANOMALY_COLUMNS " FROM anomalies WHERE anomaly_id = ?1",
    [TT_SQL_LABEL_ADD] = "INSERT INTO labels VALUES (?1,?2,?3,?4,?5,?6,?7,?8,?9)",
    [TT_SQL_EPOCH_ADD] = "INSERT INTO epochs VALUES (?1,?2,?3)",
    [TT_SQL_RULES_ADD] = "INSERT INTO rule_versions (setup, text, author, reason, at_ms, live_seq)"
                         " VALUES (?1,?2,?3,?4,?5,?6)",
    [TT_SQL_RULES_LIVE] =
        "UPDATE rule_versions SET live_seq = ?2 WHERE id = ?1 AND live_seq IS NULL",
    [TT_SQL_RULES] = "SELECT id, setup, text, author, reason, at_ms, live_seq FROM rule_versions"
                     " ORDER BY id",
    [TT_SQL_DEAD_LETTER_ADD] = "INSERT INTO dead_letters VALUES (NULL,?1,?2,?3,?4,?5)",
    [TT_SQL_DEAD_LETTER_TRIM] =
        "DELETE FROM dead_letters WHERE id <= (SELECT max(id) FROM dead_letters) - ?1",
    [TT_SQL_META_COUNT] = "UPDATE meta SET anomalies = anomalies + ?1, labels = labels + ?2,"
                          " dead_letters = dead_letters + ?3",
    [TT_SQL_META_RUN] = "UPDATE meta SET keys_seq = ?1, run_next = ?2",
    [TT_SQL_META_GET] = "SELECT hash_key, keys_seq, run_next FROM meta",
    [TT_SQL_COUNTS] =
        "SELECT (SELECT coalesce(sum(row_count), 0) FROM days), anomalies, labels, dead_letters,"
        " max(seq_floor, (SELECT coalesce(max(seq_last), 0) FROM days),"
        " (SELECT coalesce(max(seq), 0) FROM labels), (SELECT coalesce(max(seq), 0) FROM epochs)),"
        " (SELECT max(day) FROM days WHERE row_count > 0 AND day > -1000000)"
        " FROM meta",
    [TT_SQL_BUNDLE_ADD] = "INSERT OR IGNORE INTO bundles (hash, bytes) VALUES (?1, ?2)",
    [TT_SQL_BUNDLE_GET] = "SELECT bytes FROM bundles WHERE hash = ?1",
    [TT_SQL_UNDELIVERED] =
        "SELECT " TT_SQLITE_ANOMALY_COLUMNS " FROM anomalies a WHERE alerted AND"
        " id > coalesce((SELECT settled FROM routes WHERE route = ?1), 0) AND NOT EXISTS"
        " (SELECT 1 FROM deliveries d WHERE d.route = ?1 AND d.anomaly = a.id)"
        " ORDER BY id LIMIT ?2",
    [TT_SQL_ROUTE_OPEN] = "INSERT OR IGNORE INTO routes SELECT ?1,"
                          " (SELECT coalesce(max(id), 0) FROM anomalies WHERE alerted)",
    [TT_SQL_SETTLE] = "INSERT OR IGNORE INTO deliveries SELECT ?1, id, ?3, ?4, ?5 FROM anomalies"
                      " WHERE anomaly_id = ?2",
    [TT_SQL_SETTLED_MOVE] =
        "INSERT INTO routes SELECT ?1, coalesce((SELECT min(id) - 1 FROM anomalies a WHERE alerted"
        " AND id > coalesce((SELECT settled FROM routes WHERE route = ?1), 0) AND NOT EXISTS"
        " (SELECT 1 FROM deliveries d WHERE d.route = ?1 AND d.anomaly = a.id)),"
        " (SELECT max(id) FROM anomalies WHERE alerted)) WHERE true"
        " ON CONFLICT DO UPDATE SET settled = excluded.settled",
    [TT_SQL_OWNER_CLAIM] = "INSERT INTO state_owners (owner, counter, nonce, position)"
                           " VALUES (?1, 1, ?2, 0) ON CONFLICT (owner) DO UPDATE SET"
                           " counter = counter + 1, nonce = ?2 RETURNING counter, position",
    [TT_SQL_OWNER_GET] = "SELECT id, counter, nonce FROM state_owners WHERE owner = ?1",
    [TT_SQL_OWNER_MOVE] = "UPDATE state_owners SET position = ?2 WHERE id = ?1",
    [TT_SQL_ENTRY_PUT] = "INSERT INTO state_entries (owner, key, bytes) VALUES (?1, ?2, ?3)"
                         " ON CONFLICT (owner, key) DO UPDATE SET bytes = ?3",
    [TT_SQL_ENTRY_DROP] = "DELETE FROM state_entries WHERE owner = ?1 AND key = ?2",
    [TT_SQL_ENTRIES] = "SELECT key, bytes FROM state_entries WHERE owner = ?1",
};

static const char *const day_sql[TT_SQL_DAY_COUNT] = {
    [TT_SQL_DAY_ROW_ADD] = "INSERT INTO transactions_%s (" TT_SQLITE_COLUMNS
                           ") VALUES (?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13,?14)",
    [TT_SQL_DAY_KEYS_ADD] = "INSERT INTO keys_%s VALUES (?1, ?2)",
    [TT_SQL_DAY_KEYS_AT] = "SELECT id, entries FROM keys_%s WHERE id >= ?1 ORDER BY id LIMIT 1",
    [TT_SQL_DAY_ROW_GET] = "SELECT " TT_SQLITE_COLUMNS " FROM transactions_%s WHERE seq = ?1",
};

enum tt_status tt_sqlite_fail(struct tt_error *err, sqlite3 *db, const char *doing)
{
    const char *file = sqlite3_db_filename(db, "main");
    file = file != NULL ? file : "database";
    switch (sqlite3_errcode(db)) {
    case SQLITE_FULL:
        return tt_fail(err, TT_E_FULL, "%s: %s: no space left on the device", file, doing);
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return tt_fail(err, TT_E_CORRUPT, "%s: %s: the file is damaged (%s)", file, doing,
                       sqlite3_errmsg(db));
    case SQLITE_NOMEM:
        return tt_fail(err, TT_E_NOMEM, "%s: %s: out of memory", file, doing);
    case SQLITE_TOOBIG:
        return tt_fail(err, TT_E_LIMIT, "%s: %s: a value is too big", file, doing);
    case SQLITE_CONSTRAINT:
        return tt_fail(err, TT_E_CONFLICT, "%s: %s: %s", file, doing, sqlite3_errmsg(db));
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
        return tt_fail(err, TT_E_IO, "%s: %s: another program holds the database", file, doing);
    default:
        return tt_fail(err, TT_E_IO, "%s: %s: %s (%d, errno %d)", file, doing, sqlite3_errmsg(db),
                       sqlite3_extended_errcode(db), sqlite3_system_errno(db));
    }
}

/* Every pragma is per connection except page_size and journal_mode, which the first one settles. */
static int set_up(const struct tt_sqlite *self, sqlite3 *db, bool writable)
{
    (void)sqlite3_extended_result_codes(db, 0);
    (void)sqlite3_busy_timeout(db, BUSY_TIMEOUT_MS);
    (void)sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, (int *)NULL);
    char sql[256];
    sqlite3_snprintf(sizeof sql, sql,
                     "PRAGMA page_size=8192; PRAGMA journal_mode=WAL; PRAGMA synchronous=%s;"
                     "PRAGMA wal_autocheckpoint=0; PRAGMA cache_size=%d; PRAGMA temp_store=MEMORY;"
                     "PRAGMA trusted_schema=OFF; PRAGMA journal_size_limit=67108864;",
                     self->durability == TT_SQLITE_POWER ? "FULL" : "NORMAL",
                     writable ? -16384 : -2048);
    return sqlite3_exec(db, sql, NULL, NULL, NULL);
}

enum tt_status tt_sqlite_connect(struct tt_sqlite *self, bool writable,
                                 struct tt_sqlite_connection **ret, struct tt_error *err)
{
    struct tt_sqlite_connection *connection = tt_new_array(self->alloc, 1, sizeof *connection);
    if (connection == NULL) {
        return tt_fail(err, TT_E_NOMEM, "%s: out of memory", self->path);
    }
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE;
    enum tt_status status = TT_OK;
    if (sqlite3_open_v2(self->path, &connection->db, flags, self->vfs) != SQLITE_OK ||
        set_up(self, connection->db, writable) != SQLITE_OK) {
        status = connection->db == NULL ? tt_fail(err, TT_E_NOMEM, "%s: out of memory", self->path)
                                        : tt_sqlite_fail(err, connection->db, "open");
        tt_sqlite_disconnect(self, connection);
        return status;
    }
    *ret = connection;
    return TT_OK;
}

void tt_sqlite_disconnect(struct tt_sqlite *self, struct tt_sqlite_connection *connection)
{
    if (connection == NULL) {
        return;
    }
    for (size_t i = 0; i < TT_SQL_COUNT; i++) {
        sqlite3_finalize(connection->statements[i]);
    }
    for (size_t i = 0; i < TT_SQLITE_DAY_SLOTS; i++) {
        tt_sqlite_day_forget(connection, connection->days[i].day);
    }
    int closed = sqlite3_close(connection->db);
    TT_ASSERT(closed == SQLITE_OK); /* anything else is a statement that leaked */
    tt_delete(self->alloc, connection, sizeof *connection);
}

static enum tt_status prepare(sqlite3 *db, const char *sql, sqlite3_stmt **ret,
                              struct tt_error *err)
{
    if (sqlite3_prepare_v3(db, sql, -1, SQLITE_PREPARE_PERSISTENT, ret, NULL) != SQLITE_OK) {
        return tt_sqlite_fail(err, db, "prepare");
    }
    return TT_OK;
}

sqlite3_stmt *tt_sqlite_prepared(struct tt_sqlite_connection *connection,
                                 enum tt_sqlite_statement statement, struct tt_error *err)
{
    sqlite3_stmt **slot = &connection->statements[statement];
    if (*slot == NULL) {
        (void)prepare(connection->db, fixed_sql[statement], slot, err);
    }
    return *slot;
}

void tt_sqlite_day_name(int64_t day, char ret_name[TT_SQLITE_DAY_NAME_SIZE])
{
    int year, month, of_month;
    if (day == TT_SQLITE_DAY_OTHER) {
        memcpy(ret_name, "other", sizeof "other");
        return;
    }
    tt_civil_from_day(day, &year, &month, &of_month);
    sqlite3_snprintf(TT_SQLITE_DAY_NAME_SIZE, ret_name, "%04d_%02d_%02d", year, month, of_month);
}

sqlite3_stmt *tt_sqlite_day_prepared(struct tt_sqlite_connection *connection, int64_t day,
                                     enum tt_sqlite_day_statement statement, struct tt_error *err)
{
    struct tt_sqlite_day_slot *slot = &connection->days[(uint64_t)day % TT_SQLITE_DAY_SLOTS];
    if (slot->day != day) {
        tt_sqlite_day_forget(connection, slot->day);
        slot->day = day;
    }
    if (slot->statements[statement] == NULL) {
        char name[TT_SQLITE_DAY_NAME_SIZE], sql[512];
        tt_sqlite_day_name(day, name);
        sqlite3_snprintf(sizeof sql, sql, day_sql[statement], name);
        (void)prepare(connection->db, sql, &slot->statements[statement], err);
    }
    return slot->statements[statement];
}

void tt_sqlite_day_forget(struct tt_sqlite_connection *connection, int64_t day)
{
    struct tt_sqlite_day_slot *slot = &connection->days[(uint64_t)day % TT_SQLITE_DAY_SLOTS];
    if (slot->day != day) {
        return;
    }
    for (size_t i = 0; i < TT_SQL_DAY_COUNT; i++) {
        sqlite3_finalize(slot->statements[i]);
        slot->statements[i] = NULL;
    }
}

enum tt_status tt_sqlite_run(struct tt_sqlite_connection *connection,
                             enum tt_sqlite_statement statement, struct tt_error *err)
{
    sqlite3_stmt *prepared = tt_sqlite_prepared(connection, statement, err);
    if (prepared == NULL) {
        return tt_sqlite_fail(err, connection->db, "prepare");
    }
    int step = sqlite3_step(prepared);
    enum tt_status status =
        step == SQLITE_DONE ? TT_OK : tt_sqlite_fail(err, connection->db, "write");
    (void)sqlite3_reset(prepared);
    return status;
}

enum tt_status tt_sqlite_begin_read(struct tt_sqlite *self, struct tt_sqlite_connection **ret,
                                    struct tt_error *err)
{
    pthread_mutex_lock(&self->readers_lock);
    struct tt_sqlite_connection *reader = self->idle;
    if (reader != NULL) {
        self->idle = reader->next;
        self->idle_count--;
    }
    pthread_mutex_unlock(&self->readers_lock);
    enum tt_status status = TT_OK;
    if (reader == NULL) {
        status = tt_sqlite_connect(self, false, &reader, err);
    }
    if (status != TT_OK) {
        return status;
    }
    status = tt_sqlite_run(reader, TT_SQL_BEGIN_READ, err);
    if (status != TT_OK) {
        tt_sqlite_disconnect(self, reader);
        return status;
    }
    *ret = reader;
    return TT_OK;
}

void tt_sqlite_end_read(struct tt_sqlite *self, struct tt_sqlite_connection *connection)
{
    bool healthy = sqlite3_get_autocommit(connection->db) != 0 ||
                   tt_sqlite_run(connection, TT_SQL_COMMIT, NULL) == TT_OK;
    if (healthy) {
        pthread_mutex_lock(&self->readers_lock);
        bool keep = self->idle_count < IDLE_MAX;
        if (keep) {
            connection->next = self->idle;
            self->idle = connection;
            self->idle_count++;
        }
        pthread_mutex_unlock(&self->readers_lock);
        if (keep) {
            return;
        }
    }
    tt_sqlite_disconnect(self, connection);
}

enum tt_status tt_sqlite_begin_write(struct tt_sqlite *self, struct tt_error *err)
{
    pthread_mutex_lock(&self->writer_lock);
    enum tt_status status = self->failed;
    if (status != TT_OK) {
        (void)tt_fail(err, status, "%s: a write failed before; open the database again",
                      self->path);
    } else {
        status = tt_sqlite_run(self->writer, TT_SQL_BEGIN, err);
    }
    if (status != TT_OK) {
        pthread_mutex_unlock(&self->writer_lock);
    }
    return status;
}

/* A device or file that failed once is not trusted again: after a failed sync the kernel may have
 * dropped what it could not write, and a later sync would succeed without it. */
static bool is_final(enum tt_status status)
{
    return status == TT_E_IO || status == TT_E_FULL || status == TT_E_CORRUPT ||
           status == TT_E_NOMEM;
}

enum tt_status tt_sqlite_end_write(struct tt_sqlite *self, enum tt_status status,
                                   struct tt_error *err)
{
    struct tt_sqlite_connection *writer = self->writer;
    if (status == TT_OK && sqlite3_get_autocommit(writer->db) == 0) {
        status = tt_sqlite_run(writer, TT_SQL_COMMIT, err);
    }
    if (status == TT_OK) {
        tt_sqlite_checkpoint_due(self);
    } else {
        if (sqlite3_get_autocommit(writer->db) == 0) {
            (void)tt_sqlite_run(writer, TT_SQL_ROLLBACK, NULL);
        }
        if (is_final(status) || tt_sqlite_days_load(self, NULL) != TT_OK) {
            self->failed = status;
        }
    }
    pthread_mutex_unlock(&self->writer_lock);
    return status;
}

void tt_sqlite_bind_text(sqlite3_stmt *statement, int index, struct tt_str text)
{
    (void)sqlite3_bind_text64(statement, index, text.data, text.size, SQLITE_STATIC, SQLITE_UTF8);
}

void tt_sqlite_bind_blob(sqlite3_stmt *statement, int index, struct tt_str bytes)
{
    (void)sqlite3_bind_blob64(statement, index, bytes.data, bytes.size, SQLITE_STATIC);
}

void tt_sqlite_bind_hash(sqlite3_stmt *statement, int index, struct tt_hash128 hash,
                         char memory[16])
{
    uint64_t halves[2] = {htobe64(hash.high), htobe64(hash.low)};
    memcpy(memory, halves, sizeof halves);
    (void)sqlite3_bind_blob(statement, index, memory, 16, SQLITE_STATIC);
}

struct tt_str tt_sqlite_column(sqlite3_stmt *statement, int index)
{
    if (sqlite3_column_type(statement, index) == SQLITE_NULL) {
        return (struct tt_str){NULL, 0};
    }
    const char *data = sqlite3_column_blob(statement, index);
    size_t size = (size_t)sqlite3_column_bytes(statement, index);
    return size != 0 ? (struct tt_str){data, size} : TT_STR("");
}

struct tt_hash128 tt_sqlite_column_hash(sqlite3_stmt *statement, int index)
{
    struct tt_str bytes = tt_sqlite_column(statement, index);
    uint64_t halves[2] = {0, 0};
    if (bytes.size == sizeof halves) {
        memcpy(halves, bytes.data, sizeof halves);
    }
    return (struct tt_hash128){be64toh(halves[0]), be64toh(halves[1])};
}
