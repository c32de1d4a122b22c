/*
 * A time zone: what local time is ahead of UTC, at a moment.
 *
 * What:    "UTC", a fixed offset ("+02:00") or a name of the system's tz database ("Europe/Vienna").
 * Why:     a day of the alert budget begins at somebody's midnight. The calendar of zones is the
 *          C library's; the core gets offsets.
 * Owner:   a plain value.
 * Threads: parse before threads start, for it sets the process' zone (TZ); offsets from any thread.
 * Limits:  one named zone a process: the last that was parsed.
 * Fails:   TT_E_INVALID a text that is neither; TT_E_NOT_FOUND a name the tz database does not have.
 */
#ifndef TT_RUNTIME_ZONE_H
#define TT_RUNTIME_ZONE_H

#include "base/str.h"

struct tt_zone {
    bool named;        /* the process' zone; else: */
    int64_t offset_ms; /* local time minus UTC */
};

/* *ret is untouched on failure. */
enum tt_status tt_zone_parse(struct tt_str text, struct tt_zone *ret,
                             struct tt_error *err) TT_MUST_USE;
/* Local time minus UTC at that moment, ms. */
int64_t tt_zone_offset_ms(const struct tt_zone *zone, int64_t ms);

#endif
