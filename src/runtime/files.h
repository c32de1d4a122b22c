/*
 * Small files: whole reads, atomic writes, folders.
 *
 * Owner:   contents are appended to the caller's buffer.
 * Fails:   TT_E_NOT_FOUND, TT_E_DENIED, TT_E_LIMIT larger than the buffer's maximum, TT_E_FULL, TT_E_IO; the message
 *          names path and reason.
 */
#ifndef TT_RUNTIME_FILES_H
#define TT_RUNTIME_FILES_H

#include "base/str.h"

/* "-" reads standard input. */
enum tt_status tt_file_read(const char *path, struct tt_buf *ret, struct tt_error *err) TT_MUST_USE;
/* Writes a neighbour, syncs it, renames it over path. */
enum tt_status tt_file_write(const char *path, struct tt_str bytes, struct tt_error *err) TT_MUST_USE;
/* Makes the folder and its parents (mode 0700). */
enum tt_status tt_folder_make(const char *path, struct tt_error *err) TT_MUST_USE;

#endif
