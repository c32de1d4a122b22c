/* Anomalies by id and in lists: keyset pages, newest first.
 *
 * The statement of a list is put together from the filters that are present, so that the planner
 * sees only those; the index is named, because without statistics it would guess.
 */
#include "adapters/sqlite/database.h"

struct tt_row_anomaly tt_sqlite_read_anomaly(sqlite3_stmt *rows)
{
    return (struct tt_row_anomaly){
        .anomaly_id = tt_sqlite_column(rows, 0),
        .seq = (uint64_t)sqlite3_column_int64(rows, 1),
        .event_ms = sqlite3_column_int64(rows, 2),
        .score = sqlite3_column_double(rows, 3),
        .p_value = sqlite3_column_double(rows, 4),
        .severity = (uint8_t)sqlite3_column_int(rows, 5),
        .verdict = (uint8_t)sqlite3_column_int(rows, 6),
        .alerted = sqlite3_column_int(rows, 7) != 0,
        .status = tt_sqlite_column(rows, 8),
        .user_id = tt_sqlite_column(rows, 9),
        .merchant_id = tt_sqlite_column(rows, 10),
        .detectors = tt_sqlite_column(rows, 11),
        .json = tt_sqlite_column(rows, 12),
    };
}

/* The statement's text; parameters are numbered as bind_filter binds them. */
static enum tt_status write_sql(const struct tt_anomaly_filter *filter, struct tt_buf *sql)
{
    (void)tt_buf_append_format(sql,
                               "SELECT " TT_SQLITE_ANOMALY_COLUMNS
                               " FROM anomalies INDEXED BY anomalies_by_%s WHERE true",
                               filter->user_id.data != NULL       ? "user"
                               : filter->merchant_id.data != NULL ? "merchant"
                                                                  : "time");
    const struct {
        bool present;
        const char *condition;
    } conditions[] = {
        {filter->from_ms != TT_TIME_NONE, " AND event_ms >= ?1"},
        {filter->to_ms != TT_TIME_NONE, " AND event_ms < ?2"},
        {filter->severity_min != 0, " AND severity >= ?3"},
        {filter->severity != 0, " AND severity = ?4"},
        {filter->score_min > 0.0, " AND score >= ?5"},
        {filter->user_id.data != NULL, " AND user_id = ?6"},
        {filter->merchant_id.data != NULL, " AND merchant_id = ?7"},
        {filter->detector.data != NULL,
         " AND instr(',' || detectors || ',', ',' || ?8 || ',') > 0"},
        {filter->status.data != NULL, " AND status = ?9"},
        {filter->before_id.data != NULL, " AND (event_ms, anomaly_id) < (?10, ?11)"},
        {true, " ORDER BY event_ms DESC, anomaly_id DESC LIMIT ?12"},
    };
    for (size_t i = 0; i < TT_ARRAY_SIZE(conditions); i++) {
        if (conditions[i].present) {
            (void)tt_buf_append_text(sql, conditions[i].condition);
        }
    }
    return sql->status;
}

static void bind_filter(sqlite3_stmt *rows, const struct tt_anomaly_filter *filter)
{
    /* What the text does not name is bound all the same and has no effect. */
    (void)sqlite3_bind_int64(rows, 1, filter->from_ms);
    (void)sqlite3_bind_int64(rows, 2, filter->to_ms);
    (void)sqlite3_bind_int(rows, 3, filter->severity_min);
    (void)sqlite3_bind_int(rows, 4, filter->severity);
    (void)sqlite3_bind_double(rows, 5, filter->score_min);
    tt_sqlite_bind_text(rows, 6, filter->user_id);
    tt_sqlite_bind_text(rows, 7, filter->merchant_id);
    tt_sqlite_bind_text(rows, 8, filter->detector);
    tt_sqlite_bind_text(rows, 9, filter->status);
    (void)sqlite3_bind_int64(rows, 10, filter->before_ms);
    tt_sqlite_bind_text(rows, 11, filter->before_id);
    (void)sqlite3_bind_int64(rows, 12, filter->limit);
}

static enum tt_status visit(sqlite3 *db, sqlite3_stmt *rows, tt_on_anomaly *on_row, void *ctx,
                            struct tt_error *err)
{
    int step;
    while ((step = sqlite3_step(rows)) == SQLITE_ROW) {
        struct tt_row_anomaly row = tt_sqlite_read_anomaly(rows);
        if (!on_row(ctx, &row)) {
            return TT_OK;
        }
    }
    return step == SQLITE_DONE ? TT_OK : tt_sqlite_fail(err, db, "list anomalies");
}

enum tt_status tt_sqlite_list_anomalies(struct tt_store *store,
                                        const struct tt_anomaly_filter *filter,
                                        tt_on_anomaly *on_row, void *ctx, struct tt_error *err)
{
    struct tt_sqlite *self = tt_sqlite_of_store(store);
    if (filter->limit < 1 || filter->limit > TT_ANOMALIES_MAX) {
        return tt_fail(err, TT_E_LIMIT, "limit is %u, must be 1 to %d", filter->limit,
                       TT_ANOMALIES_MAX);
    }
    struct tt_sqlite_connection *reader;
    enum tt_status status = tt_sqlite_begin_read(self, &reader, err);
    if (status != TT_OK) {
        return status;
    }
    struct tt_buf sql;
    sqlite3_stmt *rows = NULL;
    tt_buf_init(&sql, self->alloc, 2048);
    status = write_sql(filter, &sql);
    if (status != TT_OK) {
        (void)tt_fail(err, status, "%s: out of memory", self->path);
    } else if (sqlite3_prepare_v2(reader->db, sql.data, (int)sql.size, &rows, NULL) != SQLITE_OK) {
        status = tt_sqlite_fail(err, reader->db, "list anomalies");
    } else {
        bind_filter(rows, filter);
        status = visit(reader->db, rows, on_row, ctx, err);
    }
    sqlite3_finalize(rows);
    tt_buf_deinit(&sql);
    tt_sqlite_end_read(self, reader);
    return status;
}

enum tt_status tt_sqlite_get_anomaly(struct tt_store *store, struct tt_str anomaly_id,
                                     tt_on_anomaly *on_row, void *ctx, struct tt_error *err)
{
    struct tt_sqlite *self = tt_sqlite_of_store(store);
    struct tt_sqlite_connection *reader;
    enum tt_status status = tt_sqlite_begin_read(self, &reader, err);
    if (status != TT_OK) {
        return status;
    }
    sqlite3_stmt *get = tt_sqlite_prepared(reader, TT_SQL_ANOMALY_GET, err);
    if (get == NULL) {
        status = tt_sqlite_fail(err, reader->db, "get an anomaly");
    } else {
        tt_sqlite_bind_text(get, 1, anomaly_id);
        int step = sqlite3_step(get);
        if (step == SQLITE_ROW) {
            struct tt_row_anomaly row = tt_sqlite_read_anomaly(get);
            (void)on_row(ctx, &row);
        } else if (step == SQLITE_DONE) {
            status = tt_fail(err, TT_E_NOT_FOUND, "no anomaly %.*s", TT_STR_ARG(anomaly_id));
        } else {
            status = tt_sqlite_fail(err, reader->db, "get an anomaly");
        }
        (void)sqlite3_reset(get);
    }
    tt_sqlite_end_read(self, reader);
    return status;
}
