/*
 * Store and state over one SQLite database file.
 *
 * What:    opens (makes, migrates) a database and gives the store port and the state port over it.
 * Why:     one writing connection and one commit a group is what makes `durability: power` cheap;
 *          transactions go to a pair of tables a day, so that insertion is appending and dropping a
 *          day is dropping tables. Keys are kept as runs of (hash, seq) written in bulk, because an
 *          index on random ids would dirty one page a row.
 * Owner:   both objects are closed on their own; the database closes with the second.
 * Threads: as the ports say. A thread of the adapter's own moves the write-ahead log into the
 *          database file, so that commits rarely wait for it.
 * Limits:  days_max day tables: rows of further days go to one common pair. A text or blob: 1 GB
 *          (SQLite's).
 * Fails:   TT_E_IO cannot open, or another process (or this one) has it open; TT_E_UNSUPPORTED
 *          newer schema; TT_E_FULL; TT_E_CORRUPT; TT_E_NOMEM. After a failed write nothing further
 *          is written: every later write fails the same way until the database is opened again.
 */
#ifndef TT_ADAPTERS_SQLITE_SQLITE_H
#define TT_ADAPTERS_SQLITE_SQLITE_H

#include "ports/state.h"
#include "ports/store.h"

enum tt_sqlite_durability {
    TT_SQLITE_POWER = 0, /* a commit survives the loss of power */
    TT_SQLITE_PROCESS,   /* a commit survives the death of the process */
};

struct tt_sqlite_options {
    const struct tt_alloc *alloc;
    const char *path; /* made with mode 0600 when missing; `path`-lock is its lock file */
    enum tt_sqlite_durability durability;
    const char *vfs;           /* name of a registered SQLite VFS; NULL = the default one */
    uint32_t days_max;         /* day tables; 0 = 4096 */
    uint64_t dead_letters_max; /* kept; the oldest go first; 0 = 1,000,000 */
    bool read_while_in_use;    /* when another process holds the lock, open for reading alone:
                                  list_days and the scans; what writes fails */
};

/* Opens both; on failure neither is touched. */
enum tt_status tt_sqlite_open(const struct tt_sqlite_options *options, struct tt_store **ret_store,
                              struct tt_state **ret_state, struct tt_error *err) TT_MUST_USE;

#endif
