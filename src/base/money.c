/*
 * Exact money.
 *
 * A decimal text is reduced to m × 10^scale with an integer m that does not end in 0; whether it
 * fits the currency's decimals and the range is then a question about two small integers.
 */
#include "base/money.h"

#define SIGNIFICANT_DIGITS_MAX 19 /* what a uint64_t always holds */
#define EXPONENT_CAP 1000000000   /* larger ones behave alike: nothing near them is an amount */

struct currency {
    char code[4];
    uint8_t exponent;
};

static const struct currency currencies[] = {
#define X(code, exponent) {#code, exponent},
#include "base/currencies.def"
#undef X
};

static const uint64_t powers_of_ten[] = {
    1,
    10,
    100,
    1000,
    10000,
    100000,
    1000000,
    10000000,
    100000000,
    1000000000,
    10000000000,
    100000000000,
    1000000000000,
    10000000000000,
    100000000000000,
    1000000000000000,
    10000000000000000,
    100000000000000000,
    1000000000000000000,
};
#define POWER_MAX ((int)TT_ARRAY_SIZE(powers_of_ten) - 1)

static uint32_t pack(const char *code)
{
    return (uint32_t)(unsigned char)code[0] << 16 | (uint32_t)(unsigned char)code[1] << 8 |
           (uint32_t)(unsigned char)code[2];
}

tt_currency tt_currency_find(struct tt_str code)
{
    if (code.size != 3) {
        return 0;
    }
    uint32_t wanted = pack(code.data);
    size_t low = 0;
    size_t high = TT_ARRAY_SIZE(currencies);
    while (low < high) {
        size_t middle = (low + high) / 2;
        uint32_t here = pack(currencies[middle].code);
        if (here == wanted) {
            return (tt_currency)(middle + 1);
        }
        if (here < wanted) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return 0;
}

static const struct currency *row(tt_currency currency)
{
    TT_ASSERT(currency >= 1 && currency <= TT_ARRAY_SIZE(currencies));
    return &currencies[currency - 1];
}

tt_currency tt_currency_count(void)
{
    return (tt_currency)TT_ARRAY_SIZE(currencies);
}

const char *tt_currency_code(tt_currency currency)
{
    return row(currency)->code;
}

uint8_t tt_currency_exponent(tt_currency currency)
{
    return row(currency)->exponent;
}

/* A decimal number under way: digits seen so far are mantissa × 10^(zeros + scale). */
struct decimal {
    uint64_t mantissa;
    int64_t digits; /* of the mantissa, from its first non-zero one */
    int64_t zeros;  /* zeros that follow and are not yet in the mantissa */
    int64_t scale;
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Takes the digits at p; returns what follows them. */
static const char *take_digits(struct decimal *d, const char *p, const char *end)
{
    for (; p < end && is_digit(*p); p++) {
        if (*p == '0') {
            d->zeros += d->digits > 0;
            continue;
        }
        d->digits += d->zeros + 1;
        if (d->digits <= SIGNIFICANT_DIGITS_MAX) {
            d->mantissa = d->mantissa * powers_of_ten[d->zeros] * 10 + (uint64_t)(*p - '0');
        }
        d->zeros = 0;
    }
    return p;
}

/* e[+-]digits at p; NULL when malformed. */
static const char *take_exponent(struct decimal *d, const char *p, const char *end)
{
    p++;
    bool negative = p < end && *p == '-';
    if (p < end && (*p == '-' || *p == '+')) {
        p++;
    }
    if (p == end || !is_digit(*p)) {
        return NULL;
    }
    int64_t exponent = 0;
    for (; p < end && is_digit(*p); p++) {
        if (exponent < EXPONENT_CAP) {
            exponent = exponent * 10 + (*p - '0');
        }
    }
    d->scale += negative ? -exponent : exponent;
    return p;
}

/* The whole unsigned number; false when it is none. */
static bool take_decimal(struct decimal *d, const char *p, const char *end)
{
    if (p == end || !is_digit(*p)) {
        return false;
    }
    p = take_digits(d, p, end);
    if (p < end && *p == '.') {
        const char *fraction = p + 1;
        p = take_digits(d, fraction, end);
        if (p == fraction) {
            return false;
        }
        d->scale -= p - fraction;
    }
    if (p < end && (*p == 'e' || *p == 'E')) {
        p = take_exponent(d, p, end);
    }
    d->scale += d->zeros;
    return p == end;
}

enum tt_status tt_money_parse(struct tt_str text, uint8_t exponent, int64_t *ret_amount_minor)
{
    if (text.size == 0) {
        return TT_E_SYNTAX;
    }
    const char *end = text.data + text.size;
    bool negative = text.data[0] == '-';
    struct decimal d = {0};
    if (!take_decimal(&d, text.data + (negative || text.data[0] == '+'), end)) {
        return TT_E_SYNTAX;
    }
    int64_t minor = 0;
    if (d.digits > 0) {
        int64_t shift = d.scale + exponent;
        if (shift < 0) {
            return TT_E_INVALID;
        }
        if (d.digits + shift > 16 || /* 10^15 has 16 digits */
            d.mantissa * powers_of_ten[shift] > (uint64_t)TT_AMOUNT_MINOR_MAX) {
            return TT_E_LIMIT;
        }
        minor = (int64_t)(d.mantissa * powers_of_ten[shift]);
    }
    *ret_amount_minor = negative ? -minor : minor;
    return TT_OK;
}

size_t tt_money_format(int64_t amount_minor, uint8_t exponent, char ret_text[32])
{
    TT_ASSERT(exponent <= POWER_MAX);
    char reversed[32];
    size_t size = 0;
    uint64_t left = amount_minor < 0 ? 0 - (uint64_t)amount_minor : (uint64_t)amount_minor;
    for (unsigned digit = 0; left > 0 || digit <= exponent; digit++) {
        if (digit == exponent && exponent > 0) {
            reversed[size++] = '.';
        }
        reversed[size++] = (char)('0' + left % 10);
        left /= 10;
    }
    if (amount_minor < 0) {
        reversed[size++] = '-';
    }
    for (size_t i = 0; i < size; i++) {
        ret_text[i] = reversed[size - 1 - i];
    }
    ret_text[size] = '\0';
    return size;
}

double tt_money_major(int64_t amount_minor, uint8_t exponent)
{
    TT_ASSERT(exponent <= POWER_MAX);
    /* Both are exact as doubles (10^15 < 2^53), so the quotient is the nearest double. */
    return (double)amount_minor / (double)powers_of_ten[exponent];
}
