/*
 * What the files of the SQLite adapter share: the database object and its connections.
 *
 * Threads: `writer` and all below it under writer_lock; `idle` under readers_lock; the tail of keys
 *          under tail_lock. Order of locks: writer_lock, then any one of the others.
 */
#ifndef TT_ADAPTERS_SQLITE_DATABASE_H
#define TT_ADAPTERS_SQLITE_DATABASE_H

#include <pthread.h>
#include <sqlite3.h>

#include "adapters/sqlite/sqlite.h"
#include "base/timetext.h"

/* The pair of tables for days without one of their own. */
#define TT_SQLITE_DAY_OTHER TT_STORE_DAY_OTHER
#define TT_SQLITE_DAY_NAME_SIZE 16

/* Statements that are prepared once a connection. */
enum tt_sqlite_statement {
    TT_SQL_BEGIN,
    TT_SQL_BEGIN_READ,
    TT_SQL_COMMIT,
    TT_SQL_ROLLBACK,
    TT_SQL_DAY_ADD,
    TT_SQL_DAY_UPDATE,
    TT_SQL_DAYS,
    TT_SQL_ANOMALY_ADD,
    TT_SQL_ANOMALY_GET,
    TT_SQL_LABEL_ADD,
    TT_SQL_EPOCH_ADD,
    TT_SQL_RULES_ADD,
    TT_SQL_RULES_LIVE,
    TT_SQL_RULES,
    TT_SQL_DEAD_LETTER_ADD,
    TT_SQL_DEAD_LETTER_TRIM,
    TT_SQL_META_COUNT,
    TT_SQL_META_RUN,
    TT_SQL_META_GET,
    TT_SQL_COUNTS,
    TT_SQL_BUNDLE_ADD,
    TT_SQL_BUNDLE_GET,
    TT_SQL_UNDELIVERED,
    TT_SQL_SETTLE,
    TT_SQL_SETTLED_MOVE,
    TT_SQL_ROUTE_OPEN,
    TT_SQL_OWNER_CLAIM,
    TT_SQL_OWNER_GET,
    TT_SQL_OWNER_MOVE,
    TT_SQL_ENTRY_PUT,
    TT_SQL_ENTRY_DROP,
    TT_SQL_ENTRIES,
    TT_SQL_COUNT
};
/* Statements that are prepared once a connection and day. */
enum tt_sqlite_day_statement {
    TT_SQL_DAY_ROW_ADD,
    TT_SQL_DAY_KEYS_ADD,
    TT_SQL_DAY_KEYS_AT,
    TT_SQL_DAY_ROW_GET,
    TT_SQL_DAY_COUNT
};

/* Days share slots by their number; 64 in a row do not disturb each other. */
#define TT_SQLITE_DAY_SLOTS 64
struct tt_sqlite_day_slot {
    int64_t day;
    sqlite3_stmt *statements[TT_SQL_DAY_COUNT];
};
struct tt_sqlite_connection {
    struct tt_sqlite_connection *next; /* in the idle list */
    sqlite3 *db;
    sqlite3_stmt *statements[TT_SQL_COUNT];
    struct tt_sqlite_day_slot days[TT_SQLITE_DAY_SLOTS];
};

/* One key that is not in keys_* yet. */
#define TT_SQLITE_CHUNKS 128
#define TT_SQLITE_RUN_SIZE 16384
struct tt_sqlite_key {
    uint64_t key, seq;
    int64_t day;
    uint32_t next; /* in its chunk, 1-based; 0 = the end */
};
struct tt_sqlite_tail {
    struct tt_sqlite_key *keys;
    size_t count, capacity;
    uint32_t heads[TT_SQLITE_CHUNKS]; /* by the key's top 7 bits; 1-based */
};

struct tt_sqlite {
    struct tt_store store;
    struct tt_state state;
    const struct tt_alloc *alloc;
    char *path, *vfs;
    enum tt_sqlite_durability durability;
    uint32_t days_max;
    uint64_t dead_letters_max;
    int lock_fd;
    bool read_while_in_use, in_use;
    int references; /* of store and state; atomic */
    struct tt_hash_key hash_key;

    pthread_mutex_t writer_lock;
    struct tt_sqlite_connection *writer;
    enum tt_status failed; /* a write failed: nothing more is written */
    uint64_t seq_last;
    uint64_t run_next;
    int64_t *days; /* that have tables, ascending */
    size_t day_count, day_capacity;

    pthread_mutex_t tail_lock;
    struct tt_sqlite_tail tail;

    pthread_mutex_t readers_lock;
    struct tt_sqlite_connection *idle;
    size_t idle_count;

    pthread_mutex_t checkpoint_lock; /* held by who moves the log */
    pthread_mutex_t wake_lock;
    pthread_cond_t wake;
    pthread_t checkpointer;
    bool checkpointing;               /* the thread runs */
    bool stopping, checkpoint_wanted; /* under wake_lock */
    struct tt_sqlite_connection *checkpoint_connection;
    int wal_pages;      /* writer: pages in the log after the last commit */
    int wal_pages_next; /* writer: move the log itself from this size on */
};

/* connection.c */
/* Fails with what SQLite reported on db, saying what was being done. */
enum tt_status tt_sqlite_fail(struct tt_error *err, sqlite3 *db, const char *doing);
enum tt_status tt_sqlite_connect(struct tt_sqlite *self, bool writable,
                                 struct tt_sqlite_connection **ret, struct tt_error *err);
void tt_sqlite_disconnect(struct tt_sqlite *self, struct tt_sqlite_connection *connection);
/* Reset, bindings left; NULL with err set when it cannot be prepared. */
sqlite3_stmt *tt_sqlite_prepared(struct tt_sqlite_connection *connection,
                                 enum tt_sqlite_statement statement, struct tt_error *err);
sqlite3_stmt *tt_sqlite_day_prepared(struct tt_sqlite_connection *connection, int64_t day,
                                     enum tt_sqlite_day_statement statement, struct tt_error *err);
/* Gives back all statements of a day (its tables are about to go). */
void tt_sqlite_day_forget(struct tt_sqlite_connection *connection, int64_t day);
/* Steps a statement that returns no rows. */
enum tt_status tt_sqlite_run(struct tt_sqlite_connection *connection,
                             enum tt_sqlite_statement statement, struct tt_error *err);
/* "2026_03_01" or "other". */
void tt_sqlite_day_name(int64_t day, char ret_name[TT_SQLITE_DAY_NAME_SIZE]);
/* A reading connection inside a read transaction; give it back with end_read. */
enum tt_status tt_sqlite_begin_read(struct tt_sqlite *self, struct tt_sqlite_connection **ret,
                                    struct tt_error *err);
void tt_sqlite_end_read(struct tt_sqlite *self, struct tt_sqlite_connection *connection);
/* Takes the writer inside a write transaction; failed with the old failure after one. */
enum tt_status tt_sqlite_begin_write(struct tt_sqlite *self, struct tt_error *err);
/* Commits when status is TT_OK, else rolls back; lets go of the writer. Returns what came of it. */
enum tt_status tt_sqlite_end_write(struct tt_sqlite *self, enum tt_status status,
                                   struct tt_error *err);
/* Views and binds. An absent view is NULL. */
void tt_sqlite_bind_text(sqlite3_stmt *statement, int index, struct tt_str text);
void tt_sqlite_bind_blob(sqlite3_stmt *statement, int index, struct tt_str bytes);
void tt_sqlite_bind_hash(sqlite3_stmt *statement, int index, struct tt_hash128 hash,
                         char memory[16]);
struct tt_str tt_sqlite_column(sqlite3_stmt *statement, int index);
struct tt_hash128 tt_sqlite_column_hash(sqlite3_stmt *statement, int index);

/* keys.c */
/* Top 32 bits from the transaction id, the rest from both ids. */
uint64_t tt_sqlite_key(const struct tt_sqlite *self, struct tt_str user_id,
                       struct tt_str transaction_id);
/* Fills the tail from the rows after the last run; the writer, at open. */
enum tt_status tt_sqlite_tail_load(struct tt_sqlite *self, struct tt_error *err);
/* Makes room for count more keys; nothing changes on failure. */
enum tt_status tt_sqlite_tail_reserve(struct tt_sqlite *self, size_t count, struct tt_error *err);
/* Writes the tail as a run, within the write transaction; tail_written after its commit. */
enum tt_status tt_sqlite_tail_write(struct tt_sqlite *self, struct tt_error *err);
void tt_sqlite_tail_written(struct tt_sqlite *self);
/* The tables of that day go: its keys in the tail lead nowhere any more. */
void tt_sqlite_tail_forget(struct tt_sqlite *self, int64_t day);
/* After a commit, with room reserved. */
void tt_sqlite_tail_add(struct tt_sqlite *self, const struct tt_row_transaction *rows,
                        size_t count);

/* append.c */
/* The day whose tables hold (or would hold) an event of that time. */
int64_t tt_sqlite_day_of(const struct tt_sqlite *self, int64_t event_ms);
/* Reads the catalogue of days into self->days; the writer. */
enum tt_status tt_sqlite_days_load(struct tt_sqlite *self, struct tt_error *err);
enum tt_status tt_sqlite_append(struct tt_store *store, const struct tt_group *group,
                                struct tt_error *err);

/* log.c */
enum tt_status tt_sqlite_scan(struct tt_store *store, uint64_t seq_from, tt_on_log *on_row,
                              void *ctx, struct tt_error *err);
enum tt_status tt_sqlite_seq_at(struct tt_store *store, int64_t from_ms, uint64_t *ret_seq,
                                struct tt_error *err);
/* The columns of a transaction, in the order read_transaction wants them. */
#define TT_SQLITE_COLUMNS                                                                          \
    "seq,event_ms,epoch,absorbed,anomalous,user_id,transaction_id,content,bundle,positions,json,"  \
    "vector,detections,decision"
struct tt_row_transaction tt_sqlite_read_transaction(sqlite3_stmt *statement);
/* One of SELECT * FROM labels. */
struct tt_row_label tt_sqlite_read_label(sqlite3_stmt *statement);

/* rules.c */
enum tt_status tt_sqlite_put_rules(struct tt_store *store, const struct tt_row_rules *row,
                                   uint64_t *ret_version, struct tt_error *err);
enum tt_status tt_sqlite_list_rules(struct tt_store *store, tt_on_rules *on_row, void *ctx,
                                    struct tt_error *err);
/* Within the append: that version is live behind the mark at seq. */
enum tt_status tt_sqlite_rules_live(struct tt_sqlite *self, uint64_t version, uint64_t seq,
                                    struct tt_error *err);

/* history.c */
enum tt_status tt_sqlite_list_days(struct tt_store *store, tt_on_store_day *on_day, void *ctx,
                                   struct tt_error *err);
enum tt_status tt_sqlite_scan_day(struct tt_store *store, int64_t day, tt_on_log *on_row, void *ctx,
                                  struct tt_error *err);
enum tt_status tt_sqlite_scan_labels(struct tt_store *store, tt_on_log *on_row, void *ctx,
                                     struct tt_error *err);

/* keys.c */
enum tt_status tt_sqlite_find(struct tt_store *store, struct tt_str user_id,
                              struct tt_str transaction_id, int64_t event_ms, tt_on_log *on_row,
                              void *ctx, struct tt_error *err);

/* anomalies.c */
enum tt_status tt_sqlite_list_anomalies(struct tt_store *store,
                                        const struct tt_anomaly_filter *filter,
                                        tt_on_anomaly *on_row, void *ctx, struct tt_error *err);
enum tt_status tt_sqlite_get_anomaly(struct tt_store *store, struct tt_str anomaly_id,
                                     tt_on_anomaly *on_row, void *ctx, struct tt_error *err);
#define TT_SQLITE_ANOMALY_COLUMNS                                                                  \
    "anomaly_id,seq,event_ms,score,p_value,severity,verdict,alerted,status,user_id,merchant_id,"   \
    "detectors,json"
struct tt_row_anomaly tt_sqlite_read_anomaly(sqlite3_stmt *statement);

/* outbox.c */
enum tt_status tt_sqlite_list_undelivered(struct tt_store *store, struct tt_str route,
                                          uint32_t limit, tt_on_anomaly *on_row, void *ctx,
                                          struct tt_error *err);
enum tt_status tt_sqlite_open_route(struct tt_store *store, struct tt_str route,
                                    struct tt_error *err);
enum tt_status tt_sqlite_settle(struct tt_store *store, struct tt_str route,
                                struct tt_str anomaly_id, bool delivered, int64_t at_ms,
                                struct tt_str detail, struct tt_error *err);

/* upkeep.c */
enum tt_status tt_sqlite_counts(struct tt_store *store, struct tt_store_counts *ret,
                                struct tt_error *err);
enum tt_status tt_sqlite_put_bundle(struct tt_store *store, struct tt_hash128 hash,
                                    struct tt_str bytes, struct tt_error *err);
enum tt_status tt_sqlite_get_bundle(struct tt_store *store, struct tt_hash128 hash,
                                    struct tt_buf *ret, struct tt_error *err);
enum tt_status tt_sqlite_drop_before(struct tt_store *store, int64_t before_ms,
                                     struct tt_error *err);

/* state.c */
extern const struct tt_state_ops tt_sqlite_state_ops;

/* checkpoint.c */
/* Starts and stops the thread that moves the log into the database file. */
enum tt_status tt_sqlite_checkpoint_start(struct tt_sqlite *self, struct tt_error *err);
void tt_sqlite_checkpoint_stop(struct tt_sqlite *self);
/* After a commit, with the writer held: wakes that thread, or moves a long log itself. */
void tt_sqlite_checkpoint_due(struct tt_sqlite *self);

/* open.c */
static inline struct tt_sqlite *tt_sqlite_of_store(struct tt_store *store)
{
    return (struct tt_sqlite *)(void *)store;
}
static inline struct tt_sqlite *tt_sqlite_of_state(struct tt_state *state)
{
    return (struct tt_sqlite *)(void *)((char *)state - offsetof(struct tt_sqlite, state));
}
void tt_sqlite_unref(struct tt_sqlite *self);

#endif
