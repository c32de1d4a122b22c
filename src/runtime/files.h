/*
 * Small files: whole reads, atomic writes, folders.
 *
 * What:    what configuration, reports, snapshots and secrets need of a file system.
 * Owner:   contents are appended to the caller's buffer.
 * Threads: safe from any thread; no state.
 * Fails:   TT_E_NOT_FOUND, TT_E_DENIED, TT_E_LIMIT larger than the buffer's maximum, TT_E_FULL,
 *          TT_E_CONFLICT a file where a folder should be, TT_E_NOMEM, TT_E_IO; the message names
 *          path and reason.
 */
#ifndef TT_RUNTIME_FILES_H
#define TT_RUNTIME_FILES_H

#include "base/str.h"

/* Room for a path and the name of a file beside it. */
#define TT_NEIGHBOUR_PATH_SIZE 4128

/* Appends the whole file; "-" reads standard input. The buffer is as it was on failure. */
enum tt_status tt_file_read(const char *path, struct tt_buf *ret, struct tt_error *err) TT_MUST_USE;
/* Writes a neighbour, syncs it, renames it over path and keeps the mode of what was there. What is
 * no regular file (a pipe, /dev/stdout) is written to as it is. */
enum tt_status tt_file_write(const char *path, struct tt_str bytes,
                             struct tt_error *err) TT_MUST_USE;
/* The same; a file that was not there can be read by its owner only (mode 0600). */
enum tt_status tt_file_write_private(const char *path, struct tt_str bytes,
                                     struct tt_error *err) TT_MUST_USE;
/* Makes the folder and its parents (mode 0700); one that is there already is fine. */
enum tt_status tt_folder_make(const char *path, struct tt_error *err) TT_MUST_USE;

/* For other parts that touch files. */
/* Status and message for errno: "cannot read: Permission denied: /path". */
enum tt_status tt_file_fail(struct tt_error *err, const char *doing, const char *path);
/* Writes everything, whatever the pieces; on TT_E_IO errno says why. */
enum tt_status tt_fd_write(int fd, const void *bytes, size_t size) TT_MUST_USE;
/* Makes a new file beside path with a random name, holding bytes, synced; nothing is left on
 * failure. mode is cut by the umask. */
enum tt_status tt_file_make_neighbour(const char *path, unsigned mode, struct tt_str bytes,
                                      char ret_path[TT_NEIGHBOUR_PATH_SIZE],
                                      struct tt_error *err) TT_MUST_USE;
/* Syncs the folder that path is in, so that a new name survives a loss of power. */
enum tt_status tt_folder_sync(const char *path, struct tt_error *err) TT_MUST_USE;

#endif
