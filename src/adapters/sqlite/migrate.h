/*
 * Numbered migrations, embedded from db/sqlite by the build.
 *
 * What:    brings a database to the newest schema, one transaction a migration.
 * Why:     a start must never need a file beside the binary; a schema newer than the binary is
 *          refused rather than guessed at.
 * Threads: the opening thread, before anybody else has a connection.
 * Fails:   TT_E_UNSUPPORTED newer schema or another program's database; TT_E_IO, TT_E_FULL,
 *          TT_E_CORRUPT.
 */
#ifndef TT_ADAPTERS_SQLITE_MIGRATE_H
#define TT_ADAPTERS_SQLITE_MIGRATE_H

#include <sqlite3.h>

#include "base/status.h"

struct tt_sqlite_migration {
    int version;
    const char *name;
    const char *sql;
};

/* Generated. */
extern const struct tt_sqlite_migration tt_sqlite_migrations[];
extern const unsigned tt_sqlite_migration_count;
/* The DDL of one day's tables, with {day} where its name goes. */
extern const char tt_sqlite_day_tables[];

/* Applies what is missing; on failure the migrations before stay applied. */
enum tt_status tt_sqlite_migrate(sqlite3 *db, const char *path, struct tt_error *err) TT_MUST_USE;

#endif
