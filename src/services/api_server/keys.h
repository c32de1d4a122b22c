/*
 * API keys: for producers and scrapers.
 *
 * What:    a file with one line a key: {"id","hash","scopes","created"}; the key itself is shown once.
 *          A running server sees a changed file at the next unknown key, at most once a second.
 * Why:     256 random bits need no slow hash; a keyed hash suffices, and a stolen file gives no key.
 * Owner:   tt_api_keys_open from alloc, tt_api_keys_close.
 * Threads: safe from any thread.
 * Limits:  TT_API_KEYS_MAX keys.
 * Fails:   TT_E_IO, TT_E_CORRUPT (line number), TT_E_LIMIT.
 */
#ifndef TT_SERVICES_API_SERVER_KEYS_H
#define TT_SERVICES_API_SERVER_KEYS_H

#include "base/hash.h"
#include "ports/clock.h"

#define TT_API_KEYS_MAX 10000
#define TT_API_KEY_SIZE 68 /* "ttk_", 64 hex digits */

enum { TT_SCOPE_INGEST = 1, TT_SCOPE_LABEL = 2, TT_SCOPE_METRICS = 4 };

struct tt_api_keys;
/* secret: keys the hash; path: the file, which need not be there. */
enum tt_status tt_api_keys_open(const struct tt_alloc *alloc, const char *path,
                                const struct tt_hash_key *secret, const struct tt_clock *clock,
                                struct tt_api_keys **ret, struct tt_error *err) TT_MUST_USE;
void tt_api_keys_close(struct tt_api_keys *keys);
/* The scopes of a key; false when there is no such key. ret_id: at least 64 bytes. */
bool tt_api_keys_check(struct tt_api_keys *keys, struct tt_str key, uint32_t *ret_scopes,
                       char ret_id[64]);
/* Makes a key and adds its line to the file; ret_key is NUL-terminated. */
enum tt_status tt_api_keys_create(struct tt_api_keys *keys, uint32_t scopes,
                                  char ret_key[TT_API_KEY_SIZE + 1],
                                  struct tt_error *err) TT_MUST_USE;
/* "ingest label" → bits; 0 for an unknown word or none. */
uint32_t tt_scopes_parse(struct tt_str names);
/* The name of one scope; "" for 0 and for several. */
const char *tt_scope_name(uint32_t scope);

#endif
