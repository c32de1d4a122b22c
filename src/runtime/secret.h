/*
 * Generated secrets: made once, kept in a file only the owner reads.
 *
 * Fails:   TT_E_IO with path and reason; TT_E_DENIED when others may read the file; TT_E_CORRUPT when
 *          it is too short.
 */
#ifndef TT_RUNTIME_SECRET_H
#define TT_RUNTIME_SECRET_H

#include "base/str.h"

/* Random bytes of the operating system. */
void tt_secret_random(void *ret_bytes, size_t size);
/* Reads `size` bytes from the file, which is made (mode 0600, synced) when it is not there. */
enum tt_status tt_secret_load(const char *path, size_t size, unsigned char *ret_bytes,
                              struct tt_error *err) TT_MUST_USE;

#endif
