/*
 * Times and durations as text.
 *
 * What:    RFC 3339, strptime-like formats and "30d"-like durations ↔ milliseconds since the epoch.
 * Why:     one parser; no locale, no time zone database (zones are fixed offsets or UTC).
 *          Source: RFC 3339; days from civil after Hinnant, "chrono-compatible low-level date
 *          algorithms".
 * Units:   ms since 1970-01-01T00:00:00Z, years 1 to 9999.
 * Threads: pure functions.
 * Fails:   TT_E_SYNTAX malformed, TT_E_INVALID no such date (30 February), TT_E_LIMIT out of range.
 */
#ifndef TT_BASE_TIMETEXT_H
#define TT_BASE_TIMETEXT_H

#include "base/str.h"

#define TT_MS_PER_SECOND INT64_C(1000)
#define TT_MS_PER_MINUTE INT64_C(60000)
#define TT_MS_PER_HOUR INT64_C(3600000)
#define TT_MS_PER_DAY INT64_C(86400000)
#define TT_TIME_NONE INT64_MIN
#define TT_TIME_TEXT_SIZE 32

/* RFC 3339 with any number of fraction digits (cut to ms) and offset. A leap second, 23:59:60 in
 * UTC, counts as 59.999; elsewhere ":60" is TT_E_INVALID, as "24:00" is. */
enum tt_status tt_time_parse_rfc3339(struct tt_str text, int64_t *ret_ms) TT_MUST_USE;
/* "2026-03-01T12:30:05.123Z", NUL-terminated; returns its length. A time outside the years 1 to
 * 9999 is written as the nearest one inside. */
size_t tt_time_format(int64_t ms, char ret_text[TT_TIME_TEXT_SIZE]);
/* %Y %m %d %H %M %S %f (fraction) %z %y %b %T %F %% and literal text; %Y has four digits, %m %d %H
 * %M %S one or two, %b is an English name of three letters. zone_offset_ms (east is positive) is
 * subtracted when the format has no %z. A bad format is TT_E_INVALID. */
enum tt_status tt_time_parse_format(struct tt_str text, const char *format, int64_t zone_offset_ms,
                                    int64_t *ret_ms) TT_MUST_USE;
/* Whether tt_time_parse_format takes the format: known directives, and year, month and day among
 * them. Asked when a configuration is loaded. */
bool tt_time_format_is_valid(const char *format);
/* "250ms" "5s" "10m" "1h" "7d" "2w", integers, several parts from the largest unit down
 * ("1d12h") allowed; never negative. TT_E_LIMIT past int64. */
enum tt_status tt_duration_parse(struct tt_str text, int64_t *ret_ms) TT_MUST_USE;
/* In the largest unit of d, h, m, s, ms that divides it ("14d", "90s"; 0 is "0s"); ms ≥ 0. Returns
 * the length. */
size_t tt_duration_format(int64_t ms, char ret_text[TT_TIME_TEXT_SIZE]);
/* Whole days since the epoch, floored; also for times before it. */
int64_t tt_day_of(int64_t ms);
/* Year, month 1–12, day 1–31 of a day number. */
void tt_civil_from_day(int64_t day, int *ret_year, int *ret_month, int *ret_day);
int64_t tt_day_from_civil(int year, int month, int day);

#endif
