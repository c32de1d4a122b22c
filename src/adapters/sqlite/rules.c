/* Versions of the rules. */
#include "adapters/sqlite/database.h"

static void bind_row(sqlite3_stmt *add, const struct tt_row_rules *row, char memory[16])
{
    tt_sqlite_bind_hash(add, 1, row->setup, memory);
    tt_sqlite_bind_text(add, 2, row->text.data != NULL ? row->text : TT_STR(""));
    tt_sqlite_bind_text(add, 3, row->author.data != NULL ? row->author : TT_STR(""));
    tt_sqlite_bind_text(add, 4, row->reason.data != NULL ? row->reason : TT_STR(""));
    (void)sqlite3_bind_int64(add, 5, row->at_ms);
    if (row->live) {
        (void)sqlite3_bind_int64(add, 6, (int64_t)row->live_seq);
    } else {
        (void)sqlite3_bind_null(add, 6);
    }
}

enum tt_status tt_sqlite_put_rules(struct tt_store *store, const struct tt_row_rules *row,
                                   uint64_t *ret_version, struct tt_error *err)
{
    struct tt_sqlite *self = tt_sqlite_of_store(store);
    enum tt_status status = tt_sqlite_begin_write(self, err);
    if (status != TT_OK) {
        return status;
    }
    char memory[16];
    int64_t version = 0;
    sqlite3_stmt *add = tt_sqlite_prepared(self->writer, TT_SQL_RULES_ADD, err);
    if (add == NULL) {
        status = tt_sqlite_fail(err, self->writer->db, "store rules");
    } else {
        bind_row(add, row, memory);
        status = tt_sqlite_run(self->writer, TT_SQL_RULES_ADD, err);
        version = sqlite3_last_insert_rowid(self->writer->db);
    }
    status = tt_sqlite_end_write(self, status, err);
    if (status == TT_OK) {
        *ret_version = (uint64_t)version;
    }
    return status;
}

enum tt_status tt_sqlite_rules_live(struct tt_sqlite *self, uint64_t version, uint64_t seq,
                                    struct tt_error *err)
{
    sqlite3_stmt *live = tt_sqlite_prepared(self->writer, TT_SQL_RULES_LIVE, err);
    if (live == NULL) {
        return tt_sqlite_fail(err, self->writer->db, "prepare");
    }
    (void)sqlite3_bind_int64(live, 1, (int64_t)version);
    (void)sqlite3_bind_int64(live, 2, (int64_t)seq);
    return tt_sqlite_run(self->writer, TT_SQL_RULES_LIVE, err);
}

enum tt_status tt_sqlite_list_rules(struct tt_store *store, tt_on_rules *on_row, void *ctx,
                                    struct tt_error *err)
{
    struct tt_sqlite *self = tt_sqlite_of_store(store);
    struct tt_sqlite_connection *reader;
    enum tt_status status = tt_sqlite_begin_read(self, &reader, err);
    if (status != TT_OK) {
        return status;
    }
    sqlite3_stmt *rows = tt_sqlite_prepared(reader, TT_SQL_RULES, err);
    int step = SQLITE_ERROR;
    bool more = true;
    while (rows != NULL && more && (step = sqlite3_step(rows)) == SQLITE_ROW) {
        struct tt_row_rules row = {
            .version = (uint64_t)sqlite3_column_int64(rows, 0),
            .setup = tt_sqlite_column_hash(rows, 1),
            .text = tt_sqlite_column(rows, 2),
            .author = tt_sqlite_column(rows, 3),
            .reason = tt_sqlite_column(rows, 4),
            .at_ms = sqlite3_column_int64(rows, 5),
            .live = sqlite3_column_type(rows, 6) != SQLITE_NULL,
            .live_seq = (uint64_t)sqlite3_column_int64(rows, 6),
        };
        more = on_row(ctx, &row);
    }
    if (more && step != SQLITE_DONE) {
        status = tt_sqlite_fail(err, reader->db, "list rules");
    }
    (void)sqlite3_reset(rows);
    tt_sqlite_end_read(self, reader);
    return status;
}
