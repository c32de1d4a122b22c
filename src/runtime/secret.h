/*
 * Generated secrets: made once, kept in a file only the owner reads.
 *
 * What:    random bytes, and a file of them that is made at first use.
 * Why:     nobody has to invent a password. The file gets its name by link(2) when it is complete:
 *          of two processes that start at once one wins, both read the winner's bytes, and neither
 *          ever sees half a secret.
 * Owner:   the caller's memory.
 * Threads: safe from any thread or process.
 * Fails:   TT_E_IO (and the statuses of files.h) with path and reason; TT_E_DENIED when others may
 *          read the file; TT_E_CORRUPT when it is too short.
 */
#ifndef TT_RUNTIME_SECRET_H
#define TT_RUNTIME_SECRET_H

#include "base/str.h"

#define TT_SECRET_SIZE_MAX 1024

/* Random bytes of the operating system; waits until it has gathered enough. */
void tt_secret_random(void *ret_bytes, size_t size);
/* Reads the first `size` (1 … TT_SECRET_SIZE_MAX) bytes of the file, which is made (mode 0600,
 * synced) when it is not there. ret_bytes is untouched on failure. */
enum tt_status tt_secret_load(const char *path, size_t size, unsigned char *ret_bytes,
                              struct tt_error *err) TT_MUST_USE;

#endif
