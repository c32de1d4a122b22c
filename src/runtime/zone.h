/*
 * A time zone: what local time is ahead of UTC, at a moment.
 *
 * What:    "UTC", a fixed offset ("+02:00") or a name of the tz database ("Europe/Vienna").
 * Why:     a day of the alert budget begins at somebody's midnight; the core gets offsets. Names
 *          are looked up by the host of expressions, so that a process knows one kind of zones.
 * Owner:   tt_zone_deinit gives back what tt_zone_parse made; host outlives the zone.
 * Threads: immutable once parsed.
 * Fails:   TT_E_INVALID a text that is neither; TT_E_NOT_FOUND a name that nobody knows; TT_E_NOMEM.
 */
#ifndef TT_RUNTIME_ZONE_H
#define TT_RUNTIME_ZONE_H

#include "core/expr/host.h"

struct tt_zone {
    const struct tt_expr_host *host;
    void *named;       /* the host's; NULL: */
    int64_t offset_ms; /* local time minus UTC */
};

/* *ret is untouched on failure. */
enum tt_status tt_zone_parse(const struct tt_expr_host *host, struct tt_str text,
                             struct tt_zone *ret, struct tt_error *err) TT_MUST_USE;
/* A zeroed zone is fine; zeroes it again. */
void tt_zone_deinit(struct tt_zone *zone);
/* Local time minus UTC at that moment, ms. */
int64_t tt_zone_offset_ms(const struct tt_zone *zone, int64_t ms);

#endif
