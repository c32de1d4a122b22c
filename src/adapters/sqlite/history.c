/* History as a backtest reads it: which days there are, one day's rows, the labels. */
#include "adapters/sqlite/database.h"

#define DAYS_MAX 65536

/* The catalogue first: what is called back may read the store itself. */
static enum tt_status read_days(struct tt_sqlite *self, struct tt_store_day **ret_days,
                                size_t *ret_count, struct tt_error *err)
{
    struct tt_sqlite_connection *reader;
    enum tt_status status = tt_sqlite_begin_read(self, &reader, err);
    if (status != TT_OK) {
        return status;
    }
    struct tt_store_day *days = NULL;
    size_t count = 0, capacity = 0;
    sqlite3_stmt *rows = tt_sqlite_prepared(reader, TT_SQL_DAYS, err);
    int step = SQLITE_ERROR;
    while (rows != NULL && status == TT_OK && (step = sqlite3_step(rows)) == SQLITE_ROW) {
        if (count == capacity) {
            size_t more = capacity == 0 ? 64 : 2 * capacity;
            struct tt_store_day *grown =
                tt_resize(self->alloc, days, capacity * sizeof *days, more * sizeof *days);
            if (grown == NULL || more > DAYS_MAX) {
                status = tt_fail(err, TT_E_NOMEM, "%s: no memory for the days", self->path);
                days = grown != NULL ? grown : days;
                capacity = grown != NULL ? more : capacity;
                break;
            }
            days = grown;
            capacity = more;
        }
        days[count++] = (struct tt_store_day){
            .day = sqlite3_column_int64(rows, 0),
            .seq_first = (uint64_t)sqlite3_column_int64(rows, 1),
            .seq_last = (uint64_t)sqlite3_column_int64(rows, 2),
            .row_count = (uint64_t)sqlite3_column_int64(rows, 3),
        };
    }
    if (status == TT_OK && step != SQLITE_DONE) {
        status = tt_sqlite_fail(err, reader->db, "list the days");
    }
    (void)sqlite3_reset(rows);
    tt_sqlite_end_read(self, reader);
    struct tt_store_day *fitted = NULL;
    if (status == TT_OK && count > 0) {
        fitted = tt_resize(self->alloc, days, capacity * sizeof *days, count * sizeof *days);
        days = fitted != NULL ? fitted : days;
        capacity = fitted != NULL ? count : capacity;
        status = fitted != NULL ? TT_OK : tt_fail(err, TT_E_NOMEM, "no memory for the days");
    }
    if (status != TT_OK) {
        tt_delete(self->alloc, days, capacity * sizeof *days);
        return status;
    }
    *ret_days = days;
    *ret_count = count;
    return TT_OK;
}

enum tt_status tt_sqlite_list_days(struct tt_store *store, tt_on_store_day *on_day, void *ctx,
                                   struct tt_error *err)
{
    struct tt_sqlite *self = tt_sqlite_of_store(store);
    struct tt_store_day *days = NULL;
    size_t count = 0;
    enum tt_status status = read_days(self, &days, &count, err);
    bool more = true;
    for (size_t i = count; status == TT_OK && more && i-- > 0;) { /* they come newest first */
        more = days[i].row_count == 0 || on_day(ctx, &days[i]);
    }
    tt_delete(self->alloc, days, count * sizeof *days);
    return status;
}

static enum tt_status scan(struct tt_sqlite *self, const char *sql, bool labels, tt_on_log *on_row,
                           void *ctx, struct tt_error *err)
{
    struct tt_sqlite_connection *reader;
    enum tt_status status = tt_sqlite_begin_read(self, &reader, err);
    if (status != TT_OK) {
        return status;
    }
    sqlite3_stmt *rows = NULL;
    if (sqlite3_prepare_v2(reader->db, sql, -1, &rows, NULL) != SQLITE_OK) {
        status = tt_sqlite_fail(err, reader->db, "scan");
    }
    bool more = status == TT_OK;
    while (more) {
        int step = sqlite3_step(rows);
        if (step != SQLITE_ROW) {
            status = step == SQLITE_DONE ? TT_OK : tt_sqlite_fail(err, reader->db, "scan");
            break;
        }
        if (labels) {
            struct tt_row_label row = tt_sqlite_read_label(rows);
            more = on_row(ctx, NULL, &row, NULL);
        } else {
            struct tt_row_transaction row = tt_sqlite_read_transaction(rows);
            more = on_row(ctx, &row, NULL, NULL);
        }
    }
    sqlite3_finalize(rows);
    tt_sqlite_end_read(self, reader);
    return status;
}

struct wanted {
    int64_t day;
    bool found;
};

static bool on_wanted(void *ctx, const struct tt_store_day *day)
{
    struct wanted *wanted = ctx;
    wanted->found = day->day == wanted->day;
    return !wanted->found;
}

enum tt_status tt_sqlite_scan_day(struct tt_store *store, int64_t day, tt_on_log *on_row, void *ctx,
                                  struct tt_error *err)
{
    struct wanted wanted = {day, false};
    enum tt_status status = tt_sqlite_list_days(store, on_wanted, &wanted, err);
    if (status != TT_OK || !wanted.found) {
        return status != TT_OK ? status : tt_fail(err, TT_E_NOT_FOUND, "no rows of that day");
    }
    char name[TT_SQLITE_DAY_NAME_SIZE], sql[256];
    tt_sqlite_day_name(day, name);
    sqlite3_snprintf(sizeof sql, sql,
                     "SELECT " TT_SQLITE_COLUMNS " FROM transactions_%s ORDER BY seq", name);
    return scan(tt_sqlite_of_store(store), sql, false, on_row, ctx, err);
}

enum tt_status tt_sqlite_scan_labels(struct tt_store *store, tt_on_log *on_row, void *ctx,
                                     struct tt_error *err)
{
    return scan(tt_sqlite_of_store(store), "SELECT * FROM labels ORDER BY seq", true, on_row, ctx,
                err);
}
