/*
 * Exact money: decimal text to 64-bit minor units with the currency's exponent, and back.
 *
 * What:    "412.50" EUR ↔ 41250. The currencies of ISO 4217 stand in currencies.def.
 * Why:     amounts never pass through a double on their way in; sums are integers.
 * Units:   minor units; |amount| ≤ TT_AMOUNT_MINOR_MAX.
 * Threads: pure functions.
 * Fails:   TT_E_SYNTAX not a number; TT_E_INVALID more decimals than the currency has (trailing
 *          zeros are fine); TT_E_LIMIT too large.
 */
#ifndef TT_BASE_MONEY_H
#define TT_BASE_MONEY_H

#include "base/str.h"

#define TT_AMOUNT_MINOR_MAX INT64_C(1000000000000000) /* 10^15 */

/* Index into the table of currencies, from 1; 0 = none. */
typedef uint16_t tt_currency;

/* The currency of a three-letter upper-case code, or 0. */
tt_currency tt_currency_find(struct tt_str code);
/* How many there are: they are numbered from 1 to this. */
tt_currency tt_currency_count(void);
/* Its code ("EUR") and number of decimals; currency must be valid. */
const char *tt_currency_code(tt_currency currency);
uint8_t tt_currency_exponent(tt_currency currency);

/* Parses decimal text: optional sign, digits, optional fraction (digits on both sides of the
 * point), optional exponent (JSON numbers such as 1.5e2). Exact or refused. *ret is untouched on
 * failure. */
enum tt_status tt_money_parse(struct tt_str text, uint8_t exponent,
                              int64_t *ret_amount_minor) TT_MUST_USE;
/* Writes e.g. "412.50" into ret_text (at least 32 bytes), NUL-terminated; returns its length. */
size_t tt_money_format(int64_t amount_minor, uint8_t exponent, char ret_text[32]);
/* The nearest double in major units. */
double tt_money_major(int64_t amount_minor, uint8_t exponent);

#endif
