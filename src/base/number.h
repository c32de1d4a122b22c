/*
 * Doubles and integers as text: the shortest form that reads back as the same bits.
 *
 * What:    formatting and parsing, independent of the locale.
 * Why:     libc has no shortest round-trip; C++'s <charconv> does (Ryu, fast_float), behind one C++
 *          file. Source: Adams, "Ryū: fast float-to-string conversion", 2018.
 * Threads: pure functions.
 */
#ifndef TT_BASE_NUMBER_H
#define TT_BASE_NUMBER_H

#include "base/str.h"

#ifdef __cplusplus
extern "C" {
#endif

#define TT_NUMBER_TEXT_SIZE 32

/* Shortest round-trip text of a finite double: without exponent from 1e-6 up to below 1e21 ("0.1",
 * "3", "100000"), else with one ("1e+30", "1.5e-07"); NaN and infinities as "nan", "inf", "-inf".
 * Not NUL-terminated; returns the length. */
size_t tt_double_format(double value, char ret_text[TT_NUMBER_TEXT_SIZE]);
/* A decimal number that fills the whole text, or false with *ret untouched. No hex, inf or nan; one
 * leading + or - is allowed; a value past the range (1e400, 1e-400) is refused. */
bool tt_double_parse(struct tt_str text, double *ret);
/* A decimal integer that fills the whole text; false on overflow, with *ret untouched. */
bool tt_int64_parse(struct tt_str text, int64_t *ret);
/* Decimal digits; returns the length, not NUL-terminated. */
size_t tt_int64_format(int64_t value, char ret_text[TT_NUMBER_TEXT_SIZE]);

#ifdef __cplusplus
}
#endif
#endif
