/*
 * An SQLite VFS that fails on demand and loses what was not synced.
 *
 * What:    over the default VFS: the disk is full after so many bytes; the n-th sync fails; the
 *          power goes. At power-on every file is put back to a state a disk might be in: each
 *          512-byte sector keeps some first part of the writes since the file's last sync.
 * Why:     an acknowledged commit is a promise; this is how it is tried.
 * Owner:   the struct is the test's; close every connection before power_on and deinit.
 * Threads: file operations from any thread; the controls from one.
 */
#ifndef TT_TESTS_SUPPORT_FAULT_VFS_H
#define TT_TESTS_SUPPORT_FAULT_VFS_H

#include <pthread.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <stdint.h>

struct tt_fault_file;
struct tt_fault_vfs {
    sqlite3_vfs vfs; /* vfs.zName is what to open with */
    sqlite3_vfs *real;
    pthread_mutex_t lock;
    struct tt_fault_file *files;
    int64_t bytes_left;  /* writes fail with SQLITE_FULL beyond; < 0: no limit */
    int64_t syncs_left;  /* the sync after so many fails, once; < 0: none */
    int64_t writes_left; /* the power goes at the write after so many; < 0: never */
    bool is_off;         /* everything that changes a file fails */
};

/* Registers it; no fault is set. */
void tt_fault_vfs_init(struct tt_fault_vfs *fault);
void tt_fault_vfs_deinit(struct tt_fault_vfs *fault);
void tt_fault_vfs_power_off(struct tt_fault_vfs *fault);
/* Puts the files into one of the possible states, by seed, and clears all faults. */
void tt_fault_vfs_power_on(struct tt_fault_vfs *fault, uint64_t seed);

#endif
