/*
 * The fields of a time on their way from text to milliseconds; internal to base.
 *
 * What:    what timetext.c (RFC 3339) and timeformat.c (formats) share.
 * Why:     one check and one conversion for every spelling.
 * Threads: pure functions.
 */
#ifndef TT_BASE_TIMEFIELDS_H
#define TT_BASE_TIMEFIELDS_H

#include "base/timetext.h"

/* As written, not yet checked. */
struct tt_time_fields {
    int year, month, day;     /* month and day from 1 */
    int hour, minute, second; /* not negative */
    int millisecond;
    int64_t offset_ms; /* east of UTC is positive */
};

/* Checks and converts; TT_E_INVALID no such date or time, TT_E_LIMIT a year outside 1 to 9999. */
enum tt_status tt_time_from_fields(const struct tt_time_fields *fields,
                                   int64_t *ret_ms) TT_MUST_USE;
/* One or more digits of a second's fraction, cut to ms; moves *cursor behind them. False when there
 * is none: then *ret is untouched. */
bool tt_time_take_fraction(const char **cursor, const char *end, int *ret_millisecond);

#endif
