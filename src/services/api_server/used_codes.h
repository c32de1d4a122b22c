/*
 * Sign-in codes that were used, beyond a restart.
 *
 * What:    a file with one line a code: its hash and until when it would be valid.
 * Why:     a code is good once, also when the server is started again within its five minutes. Codes are few and
 *          short-lived, so the file is written anew each time, without those that have expired.
 * Threads: any, but one at a time (the cache in front lets each code pass once).
 * Limits:  64 KiB, about a thousand codes within their lifetime.
 * Fails:   TT_E_CONFLICT used before, TT_E_IO, TT_E_LIMIT, TT_E_NOMEM.
 */
#ifndef TT_SERVICES_API_SERVER_USED_CODES_H
#define TT_SERVICES_API_SERVER_USED_CODES_H

#include "base/hash.h"
#include "base/str.h"

/* Remembers the code until it expires; TT_E_CONFLICT when it is there already. */
enum tt_status tt_used_codes_add(const struct tt_alloc *alloc, const char *path,
                                 struct tt_hash128 code, int64_t expires_ms, int64_t now_ms,
                                 struct tt_error *err) TT_MUST_USE;

#endif
