/* See migrate.h. The version table is written in the same transaction as the migration itself, so
 * a start that dies half-way leaves a schema of some version, never of half a one. */
#include "adapters/sqlite/migrate.h"

#include <string.h>

/* "TTAL": says whose file it is to file(1) and to us. */
#define APPLICATION_ID 0x5454414c

static enum tt_status failed(struct tt_error *err, sqlite3 *db, const char *path)
{
    int code = sqlite3_errcode(db);
    enum tt_status status = code == SQLITE_FULL                               ? TT_E_FULL
                            : code == SQLITE_CORRUPT || code == SQLITE_NOTADB ? TT_E_CORRUPT
                            : code == SQLITE_NOMEM                            ? TT_E_NOMEM
                                                                              : TT_E_IO;
    return tt_fail(err, status, "%s: cannot bring the schema up to date: %s", path,
                   sqlite3_errmsg(db));
}

static enum tt_status read_int(sqlite3 *db, const char *path, const char *sql, int *ret,
                               struct tt_error *err)
{
    sqlite3_stmt *statement = NULL;
    if (sqlite3_prepare_v2(db, sql, -1, &statement, NULL) != SQLITE_OK) {
        return failed(err, db, path);
    }
    int step = sqlite3_step(statement);
    if (step == SQLITE_ROW) {
        *ret = sqlite3_column_int(statement, 0);
    }
    sqlite3_finalize(statement);
    return step == SQLITE_ROW ? TT_OK : failed(err, db, path);
}

static enum tt_status apply(sqlite3 *db, const char *path,
                            const struct tt_sqlite_migration *migration, struct tt_error *err)
{
    char done[192];
    sqlite3_snprintf(sizeof done, done, "INSERT INTO schema_version VALUES (%d, %Q); COMMIT;",
                     migration->version, migration->name);
    if (sqlite3_exec(db, "BEGIN IMMEDIATE;", NULL, NULL, NULL) != SQLITE_OK) {
        return failed(err, db, path);
    }
    if (sqlite3_exec(db, migration->sql, NULL, NULL, NULL) != SQLITE_OK ||
        sqlite3_exec(db, done, NULL, NULL, NULL) != SQLITE_OK) {
        enum tt_status status = failed(err, db, path);
        (void)sqlite3_exec(db, "ROLLBACK;", NULL, NULL, NULL);
        return status;
    }
    return TT_OK;
}

/* A file of another program must not get our tables. */
static enum tt_status check_ours(sqlite3 *db, const char *path, struct tt_error *err)
{
    int id = 0, tables = 0;
    enum tt_status status = read_int(db, path, "PRAGMA application_id", &id, err);
    if (status == TT_OK) {
        status = read_int(db, path, "SELECT count(*) FROM sqlite_schema", &tables, err);
    }
    if (status == TT_OK && id != APPLICATION_ID && (id != 0 || tables != 0)) {
        return tt_fail(err, TT_E_UNSUPPORTED, "%s is a database of another program", path);
    }
    return status;
}

enum tt_status tt_sqlite_migrate(sqlite3 *db, const char *path, struct tt_error *err)
{
    enum tt_status status = check_ours(db, path, err);
    if (status != TT_OK) {
        return status;
    }
    char setup[256];
    sqlite3_snprintf(sizeof setup, setup,
                     "BEGIN IMMEDIATE; PRAGMA application_id = %d; CREATE TABLE IF NOT EXISTS "
                     "schema_version (version INTEGER PRIMARY KEY, name TEXT NOT NULL); COMMIT;",
                     APPLICATION_ID);
    int version = 0, exists = 0;
    status = read_int(db, path, "SELECT count(*) FROM sqlite_schema WHERE name = 'schema_version'",
                      &exists, err);
    if (status == TT_OK && exists == 0 && sqlite3_exec(db, setup, NULL, NULL, NULL) != SQLITE_OK) {
        status = failed(err, db, path);
        (void)sqlite3_exec(db, "ROLLBACK;", NULL, NULL, NULL);
    }
    if (status == TT_OK) {
        status = read_int(db, path, "SELECT coalesce(max(version), 0) FROM schema_version",
                          &version, err);
    }
    if (status == TT_OK && version > (int)tt_sqlite_migration_count) {
        return tt_fail(err, TT_E_UNSUPPORTED,
                       "%s has schema version %d, this program knows up to %u: use a newer one",
                       path, version, tt_sqlite_migration_count);
    }
    for (unsigned i = (unsigned)version; i < tt_sqlite_migration_count && status == TT_OK; i++) {
        status = apply(db, path, &tt_sqlite_migrations[i], err);
    }
    return status;
}
