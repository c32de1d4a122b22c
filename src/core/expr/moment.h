/*
 * Timestamps and durations of the expression language: arithmetic and text. Private to core/expr.
 *
 * What:    seconds and nanoseconds with range checks, as the CEL specification has them; a span is
 *          a duration.
 * Units:   timestamps since the epoch, years 1 to 9999; durations within ±TT_SPAN_SECONDS_MAX.
 * Fails:   false: out of range or no such text; *ret is then untouched.
 * Threads: pure functions.
 */
#ifndef TT_CORE_EXPR_MOMENT_H
#define TT_CORE_EXPR_MOMENT_H

#include "core/expr/value.h"

#define TT_MOMENT_TEXT_SIZE 48
#define TT_TIMESTAMP_SECONDS_MIN INT64_C(-62135596800)
#define TT_TIMESTAMP_SECONDS_MAX INT64_C(253402300799)
#define TT_SPAN_SECONDS_MAX INT64_C(315576000000)

struct tt_moment tt_moment_from_ms(int64_t ms);
/* -1, 0, 1. */
int tt_moment_compare(struct tt_moment a, struct tt_moment b);
/* a + b and a - b, of any two; the result is not checked. */
struct tt_moment tt_moment_add(struct tt_moment a, struct tt_moment b);
struct tt_moment tt_moment_subtract(struct tt_moment a, struct tt_moment b);
bool tt_timestamp_valid(struct tt_moment moment);
bool tt_span_valid(struct tt_moment moment);
/* RFC 3339 with up to nine digits of a fraction. */
bool tt_timestamp_parse(struct tt_str text, struct tt_moment *ret);
/* "1h30m", "-1.5s", "250ms", "0": units h m s ms us ns. */
bool tt_span_parse(struct tt_str text, struct tt_moment *ret);
/* "2026-03-01T12:30:05.123Z" and "5400s", "-1.5s"; return the length. */
size_t tt_timestamp_format(struct tt_moment moment, char ret_text[TT_MOMENT_TEXT_SIZE]);
size_t tt_span_format(struct tt_moment moment, char ret_text[TT_MOMENT_TEXT_SIZE]);

#endif
