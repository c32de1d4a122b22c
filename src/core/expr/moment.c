/*
 * Moments: a floor-divided pair, so that 0 ≤ nanos < 10^9 also before the epoch.
 */
#include "core/expr/moment.h"

#include <stdio.h>
#include <string.h>

#include "base/timetext.h"

#define NANOS INT64_C(1000000000)

static struct tt_moment normal(int64_t seconds, int64_t nanos)
{
    int64_t carry = nanos / NANOS;
    nanos %= NANOS;
    if (nanos < 0) {
        nanos += NANOS;
        carry--;
    }
    return (struct tt_moment){seconds + carry, (int32_t)nanos};
}

struct tt_moment tt_moment_from_ms(int64_t ms)
{
    return normal(ms / 1000, ms % 1000 * 1000000);
}

int tt_moment_compare(struct tt_moment a, struct tt_moment b)
{
    if (a.seconds != b.seconds) {
        return a.seconds < b.seconds ? -1 : 1;
    }
    return (a.nanos > b.nanos) - (a.nanos < b.nanos);
}

struct tt_moment tt_moment_add(struct tt_moment a, struct tt_moment b)
{
    return normal(a.seconds + b.seconds, (int64_t)a.nanos + b.nanos);
}

struct tt_moment tt_moment_subtract(struct tt_moment a, struct tt_moment b)
{
    return normal(a.seconds - b.seconds, (int64_t)a.nanos - b.nanos);
}

bool tt_timestamp_valid(struct tt_moment moment)
{
    return moment.seconds >= TT_TIMESTAMP_SECONDS_MIN && moment.seconds <= TT_TIMESTAMP_SECONDS_MAX;
}

bool tt_span_valid(struct tt_moment moment)
{
    return moment.seconds >= -TT_SPAN_SECONDS_MAX &&
           (moment.seconds < TT_SPAN_SECONDS_MAX ||
            (moment.seconds == TT_SPAN_SECONDS_MAX && moment.nanos == 0));
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* The fraction behind the first '.', as nanoseconds; further digits are cut. */
static int32_t fraction_nanos(struct tt_str text)
{
    const char *dot = memchr(text.data, '.', text.size);
    int32_t nanos = 0;
    int32_t scale = 100000000;
    if (dot == NULL) {
        return 0;
    }
    for (const char *at = dot + 1; at < text.data + text.size && is_digit(*at); at++) {
        nanos += (*at - '0') * scale;
        scale /= 10;
    }
    return nanos;
}

bool tt_timestamp_parse(struct tt_str text, struct tt_moment *ret)
{
    int64_t ms = 0;
    if (text.size > 64 || tt_time_parse_rfc3339(text, &ms) != TT_OK) {
        return false;
    }
    struct tt_moment moment = tt_moment_from_ms(ms);
    int32_t nanos = fraction_nanos(text);
    if (nanos / 1000000 == moment.nanos / 1000000) { /* not so for a leap second */
        moment.nanos = nanos;
    }
    *ret = moment;
    return tt_timestamp_valid(moment);
}

/* The unit at the start of text, in nanoseconds, and its length; 0 when there is none. */
static int64_t unit_nanos(struct tt_str text, size_t *ret_size)
{
    static const struct {
        const char *name;
        int64_t nanos;
    } units[] = {{"ns", 1},    {"us", 1000},      {"ms", 1000000},
                 {"s", NANOS}, {"m", 60 * NANOS}, {"h", 3600 * NANOS}};
    for (size_t i = 0; i < TT_ARRAY_SIZE(units); i++) {
        struct tt_str name = tt_str_from(units[i].name);
        if (tt_str_starts_with(text, name)) {
            *ret_size = name.size;
            return units[i].nanos;
        }
    }
    return 0;
}

/* One "1.5h" at *at, added to *total; moves *at behind it. */
static bool parse_part(struct tt_str text, size_t *at, __int128 *total)
{
    __int128 whole = 0;
    __int128 fraction = 0;
    int64_t scale = 1;
    size_t digits = 0;
    size_t unit_size = 0;
    for (; *at < text.size && is_digit(text.data[*at]); (*at)++, digits++) {
        if (digits > 24) {
            return false;
        }
        whole = whole * 10 + (text.data[*at] - '0');
    }
    if (*at < text.size && text.data[*at] == '.') {
        (*at)++;
        for (; *at < text.size && is_digit(text.data[*at]); (*at)++, digits++) {
            if (scale < NANOS * 1000) {
                fraction = fraction * 10 + (text.data[*at] - '0');
                scale *= 10;
            }
        }
    }
    int64_t unit = unit_nanos((struct tt_str){text.data + *at, text.size - *at}, &unit_size);
    if (digits == 0 || unit == 0) {
        return false;
    }
    *at += unit_size;
    *total += whole * unit + fraction * unit / scale;
    return *total <= (__int128)TT_SPAN_SECONDS_MAX * NANOS;
}

bool tt_span_parse(struct tt_str text, struct tt_moment *ret)
{
    __int128 total = 0;
    size_t at = 0;
    bool negative = text.size > 0 && text.data[0] == '-';
    if (text.size > 0 && (negative || text.data[0] == '+')) {
        at = 1;
    }
    if (text.size == at + 1 && text.data[at] == '0') {
        *ret = (struct tt_moment){0, 0};
        return true;
    }
    if (at == text.size) {
        return false;
    }
    while (at < text.size) {
        if (!parse_part(text, &at, &total)) {
            return false;
        }
    }
    int64_t seconds = (int64_t)(total / NANOS);
    int64_t nanos = (int64_t)(total % NANOS);
    *ret = negative ? normal(-seconds, -nanos) : normal(seconds, nanos);
    return true;
}

/* ".5" of nanos without trailing zeros, or nothing. */
static size_t format_fraction(int32_t nanos, char *out)
{
    if (nanos == 0) {
        return 0;
    }
    int size = snprintf(out, 11, ".%09d", (int)nanos);
    while (out[size - 1] == '0') {
        size--;
    }
    return (size_t)size;
}

size_t tt_timestamp_format(struct tt_moment moment, char ret_text[TT_MOMENT_TEXT_SIZE])
{
    int year = 0;
    int month = 0;
    int day = 0;
    int64_t day_number = tt_day_of(moment.seconds * 1000);
    int second = (int)(moment.seconds - day_number * 86400);
    tt_civil_from_day(day_number, &year, &month, &day);
    int size = snprintf(ret_text, TT_MOMENT_TEXT_SIZE - 11, "%04d-%02d-%02dT%02d:%02d:%02d", year,
                        month, day, second / 3600, second / 60 % 60, second % 60);
    size_t length = (size_t)size;
    length += format_fraction(moment.nanos, ret_text + length);
    ret_text[length++] = 'Z';
    ret_text[length] = '\0';
    return length;
}

size_t tt_span_format(struct tt_moment moment, char ret_text[TT_MOMENT_TEXT_SIZE])
{
    bool negative = moment.seconds < 0;
    if (negative) {
        moment = tt_moment_subtract((struct tt_moment){0, 0}, moment);
    }
    int size = snprintf(ret_text, TT_MOMENT_TEXT_SIZE - 12, "%s%lld", negative ? "-" : "",
                        (long long)moment.seconds);
    size_t length = (size_t)size;
    length += format_fraction(moment.nanos, ret_text + length);
    ret_text[length++] = 's';
    ret_text[length] = '\0';
    return length;
}
