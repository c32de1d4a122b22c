/* The state port over the same database: owners with token and position, and their entries. */
#include "adapters/sqlite/database.h"

static enum tt_status claim(struct tt_state *state, struct tt_str owner, uint64_t nonce,
                            struct tt_state_token *ret_token, uint64_t *ret_position,
                            struct tt_error *err)
{
    struct tt_sqlite *self = tt_sqlite_of_state(state);
    enum tt_status status = tt_sqlite_begin_write(self, err);
    if (status != TT_OK) {
        return status;
    }
    struct tt_state_token token = {0, nonce};
    uint64_t position = 0;
    sqlite3_stmt *get = tt_sqlite_prepared(self->writer, TT_SQL_OWNER_CLAIM, err);
    if (get != NULL) {
        tt_sqlite_bind_text(get, 1, owner);
        (void)sqlite3_bind_int64(get, 2, (int64_t)nonce);
    }
    if (get == NULL || sqlite3_step(get) != SQLITE_ROW) {
        status = tt_sqlite_fail(err, self->writer->db, "claim state");
    } else {
        token.counter = (uint64_t)sqlite3_column_int64(get, 0);
        position = (uint64_t)sqlite3_column_int64(get, 1);
    }
    (void)sqlite3_reset(get);
    status = tt_sqlite_end_write(self, status, err);
    if (status == TT_OK) {
        *ret_token = token;
        *ret_position = position;
    }
    return status;
}

/* The owner's number and token in force, on either kind of connection. */
static enum tt_status get_owner(struct tt_sqlite_connection *connection, struct tt_str owner,
                                int64_t *ret_id, struct tt_state_token *ret_token,
                                struct tt_error *err)
{
    sqlite3_stmt *get = tt_sqlite_prepared(connection, TT_SQL_OWNER_GET, err);
    if (get == NULL) {
        return tt_sqlite_fail(err, connection->db, "read state");
    }
    tt_sqlite_bind_text(get, 1, owner);
    int step = sqlite3_step(get);
    enum tt_status status = TT_OK;
    if (step == SQLITE_ROW) {
        *ret_id = sqlite3_column_int64(get, 0);
        ret_token->counter = (uint64_t)sqlite3_column_int64(get, 1);
        ret_token->nonce = (uint64_t)sqlite3_column_int64(get, 2);
    } else if (step == SQLITE_DONE) {
        status = tt_fail(err, TT_E_NOT_FOUND, "no state of %.*s", TT_STR_ARG(owner));
    } else {
        status = tt_sqlite_fail(err, connection->db, "read state");
    }
    (void)sqlite3_reset(get);
    return status;
}

static enum tt_status load_entries(struct tt_sqlite_connection *reader, int64_t id,
                                   tt_on_state_entry *on_entry, void *ctx, struct tt_error *err)
{
    sqlite3_stmt *rows = tt_sqlite_prepared(reader, TT_SQL_ENTRIES, err);
    if (rows == NULL) {
        return tt_sqlite_fail(err, reader->db, "read state");
    }
    (void)sqlite3_bind_int64(rows, 1, id);
    int step;
    bool more = true;
    while (more && (step = sqlite3_step(rows)) == SQLITE_ROW) {
        struct tt_state_entry entry = {tt_sqlite_column(rows, 0), tt_sqlite_column(rows, 1)};
        more = on_entry(ctx, &entry);
    }
    enum tt_status status =
        !more || step == SQLITE_DONE ? TT_OK : tt_sqlite_fail(err, reader->db, "read state");
    (void)sqlite3_reset(rows);
    return status;
}

static enum tt_status load(struct tt_state *state, struct tt_str owner, tt_on_state_entry *on_entry,
                           void *ctx, struct tt_error *err)
{
    struct tt_sqlite *self = tt_sqlite_of_state(state);
    struct tt_sqlite_connection *reader;
    enum tt_status status = tt_sqlite_begin_read(self, &reader, err);
    if (status != TT_OK) {
        return status;
    }
    int64_t id = 0;
    struct tt_state_token token;
    status = get_owner(reader, owner, &id, &token, err);
    if (status == TT_OK) {
        status = load_entries(reader, id, on_entry, ctx, err);
    }
    tt_sqlite_end_read(self, reader);
    return status;
}

static enum tt_status put_entry(struct tt_sqlite *self, int64_t id,
                                const struct tt_state_entry *entry, struct tt_error *err)
{
    enum tt_sqlite_statement statement =
        entry->bytes.data != NULL ? TT_SQL_ENTRY_PUT : TT_SQL_ENTRY_DROP;
    sqlite3_stmt *change = tt_sqlite_prepared(self->writer, statement, err);
    if (change == NULL) {
        return tt_sqlite_fail(err, self->writer->db, "save state");
    }
    (void)sqlite3_bind_int64(change, 1, id);
    tt_sqlite_bind_blob(change, 2, entry->key);
    if (entry->bytes.data != NULL) {
        tt_sqlite_bind_blob(change, 3, entry->bytes);
    }
    return tt_sqlite_run(self->writer, statement, err);
}

static enum tt_status save_entries(struct tt_sqlite *self, struct tt_str owner,
                                   struct tt_state_token token, uint64_t position,
                                   const struct tt_state_entry *entries, size_t count,
                                   struct tt_error *err)
{
    int64_t id = 0;
    struct tt_state_token in_force = {0, 0};
    enum tt_status status = get_owner(self->writer, owner, &id, &in_force, err);
    if (status != TT_OK) {
        return status;
    }
    if (token.counter != in_force.counter || token.nonce != in_force.nonce) {
        return tt_fail(err, TT_E_FENCED, "another owner has taken over %.*s", TT_STR_ARG(owner));
    }
    for (size_t i = 0; i < count && status == TT_OK; i++) {
        status = put_entry(self, id, &entries[i], err);
    }
    sqlite3_stmt *move = tt_sqlite_prepared(self->writer, TT_SQL_OWNER_MOVE, err);
    if (status != TT_OK || move == NULL) {
        return status != TT_OK ? status : tt_sqlite_fail(err, self->writer->db, "save state");
    }
    (void)sqlite3_bind_int64(move, 1, id);
    (void)sqlite3_bind_int64(move, 2, (int64_t)position);
    return tt_sqlite_run(self->writer, TT_SQL_OWNER_MOVE, err);
}

static enum tt_status save(struct tt_state *state, struct tt_str owner, struct tt_state_token token,
                           uint64_t position, const struct tt_state_entry *entries, size_t count,
                           struct tt_error *err)
{
    struct tt_sqlite *self = tt_sqlite_of_state(state);
    enum tt_status status = tt_sqlite_begin_write(self, err);
    if (status != TT_OK) {
        return status;
    }
    status = save_entries(self, owner, token, position, entries, count, err);
    return tt_sqlite_end_write(self, status, err);
}

static void close_state(struct tt_state *state)
{
    if (state != NULL) {
        tt_sqlite_unref(tt_sqlite_of_state(state));
    }
}

const struct tt_state_ops tt_sqlite_state_ops = {"sqlite", claim, load, save, close_state};
