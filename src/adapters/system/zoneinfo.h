/*
 * Time zones of the system's database: the zones of struct tt_expr_host.
 *
 * What:    a zone's changes of offset from its TZif file, and the rule behind the last of them.
 * Why:     libc's localtime knows one zone a process and reads the environment. Source: RFC 8536
 *          (TZif), POSIX TZ for the rule in its footer.
 * Owner:   tt_zoneinfo_new makes, tt_zoneinfo_free gives back; memory is libc's.
 * Threads: tt_zoneinfo_offset from any thread.
 * Units:   seconds since the Unix epoch; offsets are seconds east of UTC.
 * Limits:  TT_ZONEINFO_SIZE_MAX bytes a file; names of letters, digits and _ + - /, no dots.
 * Fails:   tt_zoneinfo_new: TT_E_UNKNOWN (no such zone), TT_E_INVALID (a file that is none), TT_E_NOMEM.
 */
#ifndef TT_ADAPTERS_SYSTEM_ZONEINFO_H
#define TT_ADAPTERS_SYSTEM_ZONEINFO_H

#include "base/str.h"

#define TT_ZONEINFO_SIZE_MAX 65536

/* See struct tt_expr_host, zone_new. Looks in $TZDIR, else /usr/share/zoneinfo. */
enum tt_status tt_zoneinfo_new(struct tt_str name, void **ret, struct tt_error *err);
/* The same from the bytes of a file. */
enum tt_status tt_zoneinfo_parse(struct tt_str bytes, void **ret, struct tt_error *err);
void tt_zoneinfo_free(void *zone);
/* The offset at a moment. */
int64_t tt_zoneinfo_offset(const void *zone, int64_t at);

#endif
