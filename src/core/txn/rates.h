/*
 * Exchange rates: an amount of any currency in one base currency, exactly.
 *
 * What:    a table of what one unit of a currency is worth in the base currency, and the conversion
 *          of minor units by it.
 * Why:     amounts of several currencies may only be added up in one, and the same table must give
 *          the same integer everywhere: rates are decimals, the product is taken in 128 bits and
 *          rounded once, half away from zero, to minor units of the base currency.
 * Owner:   values.
 * Threads: safe for any number of readers.
 * Units:   rates are billionths: at most TT_RATE_MAX, nine decimals.
 * Limits:  the currencies of ISO 4217; a result beyond TT_AMOUNT_MINOR_MAX is none.
 * Fails:   tt_rates_read with a place: TT_E_UNKNOWN a currency, TT_E_TYPE, TT_E_INVALID a rate that
 *          is no decimal above zero or has too many decimals, TT_E_LIMIT, TT_E_CONFLICT a rate of
 *          the base currency that is not 1.
 */
#ifndef TT_CORE_TXN_RATES_H
#define TT_CORE_TXN_RATES_H

#include "base/money.h"
#include "base/tree.h"

#define TT_RATES_MAX 256
#define TT_RATE_ONE INT64_C(1000000000)
#define TT_RATE_MAX 1000000 /* whole units of the base currency for a unit */

struct tt_rates {
    tt_currency base;            /* 0: no table */
    int64_t rates[TT_RATES_MAX]; /* by currency, in billionths; 0: not in the table */
};

/* Reads a mapping of currency codes to rates; the base currency itself is worth 1. *ret is untouched
 * on failure. */
enum tt_status tt_rates_read(const struct tt_tree *tree, tt_currency base, struct tt_rates *ret,
                             struct tt_error *err) TT_MUST_USE;
/* False (*ret untouched) when the currency is not in the table or the result is too large. */
bool tt_rates_convert(const struct tt_rates *rates, tt_currency currency, int64_t amount_minor,
                      int64_t *ret_minor);

#endif
