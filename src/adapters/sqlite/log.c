/* Reading the log: the tables of all days, the labels and the epoch marks merged by seq.
 *
 * A day's cursor is opened when the merge reaches its first position and closed at its end, so that
 * data that came in order has one or two cursors open, whatever the number of days.
 */
#include "adapters/sqlite/database.h"

enum source_kind { SOURCE_TRANSACTIONS = 1, SOURCE_LABELS, SOURCE_EPOCHS };

struct source {
    enum source_kind kind;
    int64_t day;
    uint64_t seq;       /* of the row it stands on; before it is open: where it begins */
    sqlite3_stmt *rows; /* NULL: not open yet */
};
struct merge {
    struct tt_sqlite *self;
    struct tt_sqlite_connection *reader;
    struct source *sources; /* those before `count` are not at their end */
    size_t count, capacity;
    uint64_t seq_from;
    struct tt_error *err;
};

struct tt_row_transaction tt_sqlite_read_transaction(sqlite3_stmt *rows)
{
    return (struct tt_row_transaction){
        .seq = (uint64_t)sqlite3_column_int64(rows, 0),
        .event_ms = sqlite3_column_int64(rows, 1),
        .epoch = (uint32_t)sqlite3_column_int64(rows, 2),
        .absorbed = (uint32_t)sqlite3_column_int64(rows, 3),
        .anomalous = sqlite3_column_int(rows, 4) != 0,
        .user_id = tt_sqlite_column(rows, 5),
        .transaction_id = tt_sqlite_column(rows, 6),
        .content = tt_sqlite_column_hash(rows, 7),
        .bundle = tt_sqlite_column_hash(rows, 8),
        .positions = tt_sqlite_column(rows, 9),
        .json = tt_sqlite_column(rows, 10),
        .vector = tt_sqlite_column(rows, 11),
        .detections = tt_sqlite_column(rows, 12),
        .decision = tt_sqlite_column(rows, 13),
    };
}

struct tt_row_label tt_sqlite_read_label(sqlite3_stmt *rows)
{
    return (struct tt_row_label){
        .seq = (uint64_t)sqlite3_column_int64(rows, 0),
        .user_id = tt_sqlite_column(rows, 1),
        .transaction_id = tt_sqlite_column(rows, 2),
        .kind = (uint8_t)sqlite3_column_int(rows, 3),
        .source = (uint8_t)sqlite3_column_int(rows, 4),
        .known_at_ms = sqlite3_column_int64(rows, 5),
        .recorded_at_ms = sqlite3_column_int64(rows, 6),
        .selection_probability = sqlite3_column_double(rows, 7),
        .json = tt_sqlite_column(rows, 8),
    };
}

static bool emit(const struct source *source, tt_on_log *on_row, void *ctx)
{
    sqlite3_stmt *rows = source->rows;
    if (source->kind == SOURCE_TRANSACTIONS) {
        struct tt_row_transaction row = tt_sqlite_read_transaction(rows);
        return on_row(ctx, &row, NULL, NULL);
    }
    if (source->kind == SOURCE_LABELS) {
        struct tt_row_label row = tt_sqlite_read_label(rows);
        return on_row(ctx, NULL, &row, NULL);
    }
    struct tt_row_epoch row = {source->seq, (uint32_t)sqlite3_column_int64(rows, 1),
                               tt_sqlite_column_hash(rows, 2), 0};
    return on_row(ctx, NULL, NULL, &row);
}

/* Moves a source to its next row; at the end it leaves the merge. */
static enum tt_status advance(struct merge *merge, size_t index)
{
    struct source *source = &merge->sources[index];
    int step = sqlite3_step(source->rows);
    if (step == SQLITE_ROW) {
        source->seq = (uint64_t)sqlite3_column_int64(source->rows, 0);
        return TT_OK;
    }
    enum tt_status status =
        step == SQLITE_DONE ? TT_OK : tt_sqlite_fail(merge->err, merge->reader->db, "scan");
    sqlite3_finalize(source->rows);
    *source = merge->sources[--merge->count];
    return status;
}

static enum tt_status open_source(struct merge *merge, size_t index)
{
    struct source *source = &merge->sources[index];
    char name[TT_SQLITE_DAY_NAME_SIZE], sql[320];
    if (source->kind == SOURCE_TRANSACTIONS) {
        tt_sqlite_day_name(source->day, name);
        sqlite3_snprintf(sizeof sql, sql,
                         "SELECT " TT_SQLITE_COLUMNS
                         " FROM transactions_%s WHERE seq >= %lld ORDER BY seq",
                         name, (long long)merge->seq_from);
    } else {
        sqlite3_snprintf(sizeof sql, sql, "SELECT * FROM %s WHERE seq >= %lld ORDER BY seq",
                         source->kind == SOURCE_LABELS ? "labels" : "epochs",
                         (long long)merge->seq_from);
    }
    if (sqlite3_prepare_v2(merge->reader->db, sql, -1, &source->rows, NULL) != SQLITE_OK) {
        return tt_sqlite_fail(merge->err, merge->reader->db, "scan");
    }
    return advance(merge, index);
}

static enum tt_status add_source(struct merge *merge, enum source_kind kind, int64_t day,
                                 uint64_t seq)
{
    if (merge->count == merge->capacity) {
        size_t capacity = merge->capacity == 0 ? 64 : 2 * merge->capacity;
        struct source *grown = tt_resize(merge->self->alloc, merge->sources,
                                         merge->capacity * sizeof *grown, capacity * sizeof *grown);
        if (grown == NULL) {
            return tt_fail(merge->err, TT_E_NOMEM, "%s: out of memory", merge->self->path);
        }
        merge->sources = grown;
        merge->capacity = capacity;
    }
    merge->sources[merge->count++] = (struct source){kind, day, seq, NULL};
    return TT_OK;
}

static enum tt_status add_sources(struct merge *merge)
{
    sqlite3_stmt *days = tt_sqlite_prepared(merge->reader, TT_SQL_DAYS, merge->err);
    if (days == NULL) {
        return tt_sqlite_fail(merge->err, merge->reader->db, "scan");
    }
    enum tt_status status = add_source(merge, SOURCE_LABELS, 0, merge->seq_from);
    if (status == TT_OK) {
        status = add_source(merge, SOURCE_EPOCHS, 0, merge->seq_from);
    }
    int step = SQLITE_DONE;
    while (status == TT_OK && (step = sqlite3_step(days)) == SQLITE_ROW) {
        uint64_t first = (uint64_t)sqlite3_column_int64(days, 1);
        uint64_t last = (uint64_t)sqlite3_column_int64(days, 2);
        if (last >= merge->seq_from) {
            status = add_source(merge, SOURCE_TRANSACTIONS, sqlite3_column_int64(days, 0),
                                first > merge->seq_from ? first : merge->seq_from);
        }
    }
    (void)sqlite3_reset(days);
    return status == TT_OK && step != SQLITE_DONE
               ? tt_sqlite_fail(merge->err, merge->reader->db, "scan")
               : status;
}

static enum tt_status run_merge(struct merge *merge, tt_on_log *on_row, void *ctx)
{
    enum tt_status status = TT_OK;
    while (status == TT_OK && merge->count != 0) {
        size_t least = 0;
        for (size_t i = 1; i < merge->count; i++) {
            if (merge->sources[i].seq < merge->sources[least].seq) {
                least = i;
            }
        }
        if (merge->sources[least].rows == NULL) {
            status = open_source(merge, least);
            continue;
        }
        if (!emit(&merge->sources[least], on_row, ctx)) {
            return TT_OK;
        }
        status = advance(merge, least);
    }
    return status;
}

enum tt_status tt_sqlite_scan(struct tt_store *store, uint64_t seq_from, tt_on_log *on_row,
                              void *ctx, struct tt_error *err)
{
    struct merge merge = {.self = tt_sqlite_of_store(store), .seq_from = seq_from, .err = err};
    if (seq_from > (uint64_t)INT64_MAX) {
        return TT_OK; /* no row can be there */
    }
    enum tt_status status = tt_sqlite_begin_read(merge.self, &merge.reader, err);
    if (status != TT_OK) {
        return status;
    }
    status = add_sources(&merge);
    if (status == TT_OK) {
        status = run_merge(&merge, on_row, ctx);
    }
    for (size_t i = 0; i < merge.count; i++) {
        sqlite3_finalize(merge.sources[i].rows);
    }
    tt_delete(merge.self->alloc, merge.sources, merge.capacity * sizeof *merge.sources);
    tt_sqlite_end_read(merge.self, merge.reader);
    return status;
}

/* The least seq below `best` of a row of that day from that time on. */
static enum tt_status least_in_day(struct tt_sqlite_connection *reader, int64_t day,
                                   int64_t from_ms, uint64_t *best, struct tt_error *err)
{
    char name[TT_SQLITE_DAY_NAME_SIZE], sql[200];
    sqlite3_stmt *rows = NULL;
    tt_sqlite_day_name(day, name);
    sqlite3_snprintf(sizeof sql, sql,
                     "SELECT seq FROM transactions_%s WHERE event_ms >= %lld AND seq < %lld"
                     " ORDER BY seq LIMIT 1",
                     name, (long long)from_ms, (long long)*best);
    if (sqlite3_prepare_v2(reader->db, sql, -1, &rows, NULL) != SQLITE_OK) {
        return tt_sqlite_fail(err, reader->db, "seq_at");
    }
    int step = sqlite3_step(rows);
    if (step == SQLITE_ROW) {
        *best = (uint64_t)sqlite3_column_int64(rows, 0);
    }
    sqlite3_finalize(rows);
    return step == SQLITE_ROW || step == SQLITE_DONE ? TT_OK
                                                     : tt_sqlite_fail(err, reader->db, "seq_at");
}

/* Days come newest first: whole later days give their first position at once, and the day of
 * from_ms is read only below the best of them. */
static enum tt_status least_seq(struct tt_sqlite_connection *reader, int64_t from_ms,
                                uint64_t *best, struct tt_error *err)
{
    sqlite3_stmt *days = tt_sqlite_prepared(reader, TT_SQL_DAYS, err);
    if (days == NULL) {
        return tt_sqlite_fail(err, reader->db, "seq_at");
    }
    enum tt_status status = TT_OK;
    int step = SQLITE_DONE;
    int64_t from_day = tt_day_of(from_ms);
    while (status == TT_OK && (step = sqlite3_step(days)) == SQLITE_ROW) {
        int64_t day = sqlite3_column_int64(days, 0);
        uint64_t first = (uint64_t)sqlite3_column_int64(days, 1);
        if (first >= *best || (day < from_day && day != TT_SQLITE_DAY_OTHER)) {
            continue;
        }
        if (day > from_day) {
            *best = first;
        } else {
            status = least_in_day(reader, day, from_ms, best, err);
        }
    }
    (void)sqlite3_reset(days);
    return status == TT_OK && step != SQLITE_DONE ? tt_sqlite_fail(err, reader->db, "seq_at")
                                                  : status;
}

enum tt_status tt_sqlite_seq_at(struct tt_store *store, int64_t from_ms, uint64_t *ret_seq,
                                struct tt_error *err)
{
    struct tt_sqlite *self = tt_sqlite_of_store(store);
    struct tt_sqlite_connection *reader;
    enum tt_status status = tt_sqlite_begin_read(self, &reader, err);
    if (status != TT_OK) {
        return status;
    }
    sqlite3_stmt *counts = tt_sqlite_prepared(reader, TT_SQL_COUNTS, err);
    uint64_t best = 0;
    if (counts == NULL || sqlite3_step(counts) != SQLITE_ROW) {
        status = tt_sqlite_fail(err, reader->db, "seq_at");
    } else {
        best = (uint64_t)sqlite3_column_int64(counts, 4) + 1;
    }
    (void)sqlite3_reset(counts);
    if (status == TT_OK) {
        status = least_seq(reader, from_ms, &best, err);
    }
    tt_sqlite_end_read(self, reader);
    if (status == TT_OK) {
        *ret_seq = best;
    }
    return status;
}
