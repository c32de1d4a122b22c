/* The outbox: which alerted anomalies a route has not settled yet.
 *
 * A route remembers the anomaly up to which everything is settled, so that looking for what is left
 * does not pass over what was sent long ago.
 */
#include "adapters/sqlite/database.h"

enum tt_status tt_sqlite_list_undelivered(struct tt_store *store, struct tt_str route,
                                          uint32_t limit, tt_on_anomaly *on_row, void *ctx,
                                          struct tt_error *err)
{
    struct tt_sqlite *self = tt_sqlite_of_store(store);
    struct tt_sqlite_connection *reader;
    enum tt_status status = tt_sqlite_begin_read(self, &reader, err);
    if (status != TT_OK) {
        return status;
    }
    sqlite3_stmt *rows = tt_sqlite_prepared(reader, TT_SQL_UNDELIVERED, err);
    int step = SQLITE_ERROR;
    if (rows != NULL) {
        tt_sqlite_bind_text(rows, 1, route);
        (void)sqlite3_bind_int64(rows, 2, limit);
        bool more = true;
        while (more && (step = sqlite3_step(rows)) == SQLITE_ROW) {
            struct tt_row_anomaly row = tt_sqlite_read_anomaly(rows);
            more = on_row(ctx, &row);
        }
    }
    if (step != SQLITE_ROW && step != SQLITE_DONE) {
        status = tt_sqlite_fail(err, reader->db, "list what is to be delivered");
    }
    (void)sqlite3_reset(rows);
    tt_sqlite_end_read(self, reader);
    return status;
}

enum tt_status tt_sqlite_open_route(struct tt_store *store, struct tt_str route,
                                    struct tt_error *err)
{
    struct tt_sqlite *self = tt_sqlite_of_store(store);
    enum tt_status status = tt_sqlite_begin_write(self, err);
    if (status != TT_OK) {
        return status;
    }
    sqlite3_stmt *open = tt_sqlite_prepared(self->writer, TT_SQL_ROUTE_OPEN, err);
    if (open == NULL) {
        status = tt_sqlite_fail(err, self->writer->db, "open a route");
    } else {
        tt_sqlite_bind_text(open, 1, route);
        status = tt_sqlite_run(self->writer, TT_SQL_ROUTE_OPEN, err);
    }
    return tt_sqlite_end_write(self, status, err);
}

static enum tt_status settle(struct tt_sqlite *self, struct tt_str route, struct tt_str anomaly_id,
                             bool delivered, int64_t at_ms, struct tt_str detail,
                             struct tt_error *err)
{
    sqlite3_stmt *get = tt_sqlite_prepared(self->writer, TT_SQL_ANOMALY_GET, err);
    sqlite3_stmt *add = tt_sqlite_prepared(self->writer, TT_SQL_SETTLE, err);
    sqlite3_stmt *move = tt_sqlite_prepared(self->writer, TT_SQL_SETTLED_MOVE, err);
    if (get == NULL || add == NULL || move == NULL) {
        return tt_sqlite_fail(err, self->writer->db, "settle a delivery");
    }
    tt_sqlite_bind_text(get, 1, anomaly_id);
    int step = sqlite3_step(get);
    bool alerted = step == SQLITE_ROW && sqlite3_column_int(get, 7) != 0;
    (void)sqlite3_reset(get);
    if (step != SQLITE_ROW && step != SQLITE_DONE) {
        return tt_sqlite_fail(err, self->writer->db, "settle a delivery");
    }
    if (!alerted) {
        return tt_fail(err, TT_E_NOT_FOUND, "no alerted anomaly %.*s", TT_STR_ARG(anomaly_id));
    }
    tt_sqlite_bind_text(add, 1, route);
    tt_sqlite_bind_text(add, 2, anomaly_id);
    (void)sqlite3_bind_int(add, 3, delivered);
    (void)sqlite3_bind_int64(add, 4, at_ms);
    tt_sqlite_bind_text(add, 5, detail.data != NULL ? detail : TT_STR(""));
    enum tt_status status = tt_sqlite_run(self->writer, TT_SQL_SETTLE, err);
    if (status == TT_OK) {
        tt_sqlite_bind_text(move, 1, route);
        status = tt_sqlite_run(self->writer, TT_SQL_SETTLED_MOVE, err);
    }
    return status;
}

enum tt_status tt_sqlite_settle(struct tt_store *store, struct tt_str route,
                                struct tt_str anomaly_id, bool delivered, int64_t at_ms,
                                struct tt_str detail, struct tt_error *err)
{
    struct tt_sqlite *self = tt_sqlite_of_store(store);
    enum tt_status status = tt_sqlite_begin_write(self, err);
    if (status != TT_OK) {
        return status;
    }
    status = settle(self, route, anomaly_id, delivered, at_ms, detail, err);
    return tt_sqlite_end_write(self, status, err);
}
