/* One table, one product, one rounding. */
#include "core/txn/rates.h"

#include <string.h>

#define RATE_DECIMALS 9

typedef __int128 wide;

static enum tt_status fail_rate(const struct tt_tree *node, const char *what, struct tt_error *err)
{
    return tt_fail_at(err, TT_E_INVALID, node->line, node->column, 0,
                      "the rate of %.*s is \"%.*s\"; %s", TT_STR_ARG(node->key),
                      TT_STR_ARG(node->text), what);
}

static enum tt_status read_rate(const struct tt_tree *node, struct tt_rates *rates,
                                struct tt_error *err)
{
    tt_currency currency = tt_currency_find(node->key);
    struct tt_str text = {0};
    int64_t rate = 0;
    if (currency == 0) {
        return tt_fail_at(err, TT_E_UNKNOWN, node->key_line, node->key_column, 0,
                          "\"%.*s\" is no currency of ISO 4217", TT_STR_ARG(node->key));
    }
    if (tt_tree_text(node, &text, err) != TT_OK) {
        return TT_E_TYPE;
    }
    enum tt_status status = tt_money_parse(text, RATE_DECIMALS, &rate);
    if (status == TT_E_LIMIT || rate > TT_RATE_MAX * TT_RATE_ONE) {
        return fail_rate(node, "it must be at most 1000000", err);
    }
    if (status != TT_OK || rate <= 0) {
        return fail_rate(node, "it must be a decimal above zero, with nine decimals at most", err);
    }
    if (currency == rates->base && rate != TT_RATE_ONE) {
        return tt_fail_at(err, TT_E_CONFLICT, node->line, node->column, 0,
                          "%.*s is the base currency: its rate is 1", TT_STR_ARG(node->key));
    }
    rates->rates[currency] = rate;
    return TT_OK;
}

enum tt_status tt_rates_read(const struct tt_tree *tree, tt_currency base, struct tt_rates *ret,
                             struct tt_error *err)
{
    TT_ASSERT(base != 0 && tt_currency_count() < TT_RATES_MAX);
    if (tree->kind != TT_TREE_MAPPING) {
        return tt_fail_at(err, TT_E_TYPE, tree->line, tree->column, 0,
                          "exchange rates are a mapping of currencies to rates, not %s",
                          tt_tree_kind_name(tree));
    }
    struct tt_rates rates = {.base = base};
    rates.rates[base] = TT_RATE_ONE;
    for (const struct tt_tree *node = tree->children; node != NULL; node = node->next) {
        enum tt_status status = read_rate(node, &rates, err);
        if (status != TT_OK) {
            return status;
        }
    }
    *ret = rates;
    return TT_OK;
}

static wide power_of_ten(uint32_t exponent)
{
    wide power = 1;
    while (exponent-- > 0) {
        power *= 10;
    }
    return power;
}

bool tt_rates_convert(const struct tt_rates *rates, tt_currency currency, int64_t amount_minor,
                      int64_t *ret_minor)
{
    if (currency == 0 || rates->rates[currency] == 0) {
        return false;
    }
    if (currency == rates->base) {
        *ret_minor = amount_minor;
        return true;
    }
    /* At most 10^15 by 10^15 by 10^4. */
    wide product = (wide)amount_minor * rates->rates[currency] *
                   power_of_ten(tt_currency_exponent(rates->base));
    wide unit = power_of_ten((uint32_t)tt_currency_exponent(currency) + RATE_DECIMALS);
    wide converted = (product + (product < 0 ? -unit : unit) / 2) / unit;
    if (converted > TT_AMOUNT_MINOR_MAX || converted < -TT_AMOUNT_MINOR_MAX) {
        return false;
    }
    *ret_minor = (int64_t)converted;
    return true;
}
