/*
 * The calendar, RFC 3339 and durations.
 *
 * One struct of fields is filled by every parser and checked and converted in one place
 * (tt_time_from_fields), so that no format accepts a date that another refuses.
 */
#include "base/timetext.h"

#include "base/timefields.h"

#define YEAR_MIN 1
#define YEAR_MAX 9999
#define TIME_MS_MIN INT64_C(-62135596800000)
#define TIME_MS_MAX INT64_C(253402300799999)

int64_t tt_day_of(int64_t ms)
{
    int64_t day = ms / TT_MS_PER_DAY;
    return day - (ms % TT_MS_PER_DAY < 0);
}

int64_t tt_day_from_civil(int year, int month, int day)
{
    /* Years start in March here, so that the leap day is the last one. */
    int64_t y = (int64_t)year - (month <= 2);
    int64_t era = (y >= 0 ? y : y - 399) / 400;
    int64_t year_of_era = y - era * 400;
    int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146097 + day_of_era - 719468;
}

void tt_civil_from_day(int64_t day, int *ret_year, int *ret_month, int *ret_day)
{
    int64_t shifted = day + 719468;
    int64_t era = (shifted >= 0 ? shifted : shifted - 146096) / 146097;
    int64_t day_of_era = shifted - era * 146097;
    int64_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t month = (5 * day_of_year + 2) / 153; /* from March */
    *ret_day = (int)(day_of_year - (153 * month + 2) / 5 + 1);
    *ret_month = (int)(month < 10 ? month + 3 : month - 9);
    *ret_year = (int)(year_of_era + era * 400 + (*ret_month <= 2));
}

static int days_in_month(int year, int month)
{
    static const uint8_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    return days[month - 1] + (month == 2 && leap);
}

enum tt_status tt_time_from_fields(const struct tt_time_fields *f, int64_t *ret_ms)
{
    if (f->year < YEAR_MIN || f->year > YEAR_MAX) {
        return TT_E_LIMIT;
    }
    if (f->month < 1 || f->month > 12 || f->day < 1 || f->day > days_in_month(f->year, f->month) ||
        f->hour > 23 || f->minute > 59 || f->second > 60) {
        return TT_E_INVALID;
    }
    bool leap_second = f->second == 60;
    int64_t ms = tt_day_from_civil(f->year, f->month, f->day) * TT_MS_PER_DAY +
                 f->hour * TT_MS_PER_HOUR + f->minute * TT_MS_PER_MINUTE +
                 (leap_second ? 59999 : f->second * TT_MS_PER_SECOND + f->millisecond) -
                 f->offset_ms;
    if (ms < TIME_MS_MIN || ms > TIME_MS_MAX) {
        return TT_E_LIMIT;
    }
    /* A leap second is the last of a day in UTC and nowhere else. */
    if (leap_second && ms - tt_day_of(ms) * TT_MS_PER_DAY != TT_MS_PER_DAY - 1) {
        return TT_E_INVALID;
    }
    *ret_ms = ms;
    return TT_OK;
}

bool tt_time_take_fraction(const char **cursor, const char *end, int *ret_millisecond)
{
    const char *p = *cursor;
    int millisecond = 0;
    int weight = 100;
    for (; p < end && *p >= '0' && *p <= '9'; p++) {
        millisecond += (*p - '0') * weight;
        weight /= 10;
    }
    if (p == *cursor) {
        return false;
    }
    *cursor = p;
    *ret_millisecond = millisecond;
    return true;
}

/* count digits at p as a number, or -1. */
static int digits(const char *p, int count)
{
    int value = 0;
    for (int i = 0; i < count; i++) {
        unsigned digit = (unsigned)(unsigned char)p[i] - '0';
        if (digit > 9) {
            return -1;
        }
        value = value * 10 + (int)digit;
    }
    return value;
}

/* The zone that ends an RFC 3339 time: Z or ±hh:mm, nothing behind it. */
static enum tt_status parse_zone(const char *p, const char *end, int64_t *ret_offset_ms)
{
    if (end - p == 1 && (*p == 'Z' || *p == 'z')) {
        return TT_OK;
    }
    if (end - p != 6 || (p[0] != '+' && p[0] != '-') || p[3] != ':') {
        return TT_E_SYNTAX;
    }
    int hours = digits(p + 1, 2);
    int minutes = digits(p + 4, 2);
    if (hours < 0 || minutes < 0) {
        return TT_E_SYNTAX;
    }
    if (hours > 23 || minutes > 59) {
        return TT_E_INVALID;
    }
    int64_t offset_ms = hours * TT_MS_PER_HOUR + minutes * TT_MS_PER_MINUTE;
    *ret_offset_ms = p[0] == '-' ? -offset_ms : offset_ms;
    return TT_OK;
}

#define RFC3339_SIZE_MIN 20 /* 2026-03-01T12:30:05Z */

enum tt_status tt_time_parse_rfc3339(struct tt_str text, int64_t *ret_ms)
{
    const char *p = text.data;
    if (text.size < RFC3339_SIZE_MIN || p[4] != '-' || p[7] != '-' || p[13] != ':' ||
        p[16] != ':' || (p[10] != 'T' && p[10] != 't' && p[10] != ' ')) {
        return TT_E_SYNTAX;
    }
    struct tt_time_fields f = {
        .year = digits(p, 4),
        .month = digits(p + 5, 2),
        .day = digits(p + 8, 2),
        .hour = digits(p + 11, 2),
        .minute = digits(p + 14, 2),
        .second = digits(p + 17, 2),
    };
    if ((f.year | f.month | f.day | f.hour | f.minute | f.second) < 0) {
        return TT_E_SYNTAX;
    }
    const char *end = p + text.size;
    p += 19;
    if (*p == '.') {
        p++;
        if (!tt_time_take_fraction(&p, end, &f.millisecond)) {
            return TT_E_SYNTAX;
        }
    }
    enum tt_status status = parse_zone(p, end, &f.offset_ms);
    return status == TT_OK ? tt_time_from_fields(&f, ret_ms) : status;
}

static char *put_digits(char *p, int value, int count)
{
    for (int i = count - 1; i >= 0; i--) {
        p[i] = (char)('0' + value % 10);
        value /= 10;
    }
    return p + count;
}

size_t tt_time_format(int64_t ms, char ret_text[TT_TIME_TEXT_SIZE])
{
    ms = ms < TIME_MS_MIN ? TIME_MS_MIN : ms > TIME_MS_MAX ? TIME_MS_MAX : ms;
    int year, month, day;
    int64_t day_number = tt_day_of(ms);
    int in_day = (int)(ms - day_number * TT_MS_PER_DAY);
    tt_civil_from_day(day_number, &year, &month, &day);
    char *p = put_digits(ret_text, year, 4);
    *p++ = '-';
    p = put_digits(p, month, 2);
    *p++ = '-';
    p = put_digits(p, day, 2);
    *p++ = 'T';
    p = put_digits(p, in_day / 3600000, 2);
    *p++ = ':';
    p = put_digits(p, in_day / 60000 % 60, 2);
    *p++ = ':';
    p = put_digits(p, in_day / 1000 % 60, 2);
    *p++ = '.';
    p = put_digits(p, in_day % 1000, 3);
    *p++ = 'Z';
    *p = '\0';
    return (size_t)(p - ret_text);
}

struct unit {
    char name[3];
    int64_t ms;
};
/* From the largest; parts of a duration come in this order. */
static const struct unit units[] = {
    {"w", 7 * TT_MS_PER_DAY}, {"d", TT_MS_PER_DAY},    {"h", TT_MS_PER_HOUR},
    {"m", TT_MS_PER_MINUTE},  {"s", TT_MS_PER_SECOND}, {"ms", 1},
};

/* The index of the unit spelled by the letters at *cursor, moved behind them; past the end: none.
 */
static size_t take_unit(const char **cursor, const char *end)
{
    const char *p = *cursor;
    while (p < end && *p >= 'a' && *p <= 'z') {
        p++;
    }
    struct tt_str name = {*cursor, (size_t)(p - *cursor)};
    *cursor = p;
    size_t i = 0;
    while (i < TT_ARRAY_SIZE(units) && !tt_str_equal_text(name, units[i].name)) {
        i++;
    }
    return i;
}

enum tt_status tt_duration_parse(struct tt_str text, int64_t *ret_ms)
{
    if (text.size == 0) {
        return TT_E_SYNTAX;
    }
    const char *p = text.data;
    const char *end = p + text.size;
    int64_t total = 0;
    size_t unit_min = 0;
    bool too_large = false;
    while (p < end) {
        int64_t count = 0;
        const char *first = p;
        for (; p < end && *p >= '0' && *p <= '9'; p++) {
            too_large |= __builtin_mul_overflow(count, 10, &count);
            too_large |= __builtin_add_overflow(count, *p - '0', &count);
        }
        bool empty = p == first;
        size_t unit = take_unit(&p, end);
        if (empty || unit < unit_min || unit >= TT_ARRAY_SIZE(units)) {
            return TT_E_SYNTAX;
        }
        too_large |= __builtin_mul_overflow(count, units[unit].ms, &count);
        too_large |= __builtin_add_overflow(total, count, &total);
        unit_min = unit + 1;
    }
    if (too_large) {
        return TT_E_LIMIT;
    }
    *ret_ms = total;
    return TT_OK;
}

size_t tt_duration_format(int64_t ms, char ret_text[TT_TIME_TEXT_SIZE])
{
    TT_ASSERT(ms >= 0);
    size_t unit = ms == 0 ? 4 : 1; /* "0s"; else days are the largest: "14d", not "2w" */
    while (ms % units[unit].ms != 0) {
        unit++;
    }
    char reversed[24];
    size_t count = 0;
    int64_t left = ms / units[unit].ms;
    do {
        reversed[count++] = (char)('0' + left % 10);
        left /= 10;
    } while (left > 0);
    size_t size = 0;
    while (count > 0) {
        ret_text[size++] = reversed[--count];
    }
    for (const char *c = units[unit].name; *c != '\0'; c++) {
        ret_text[size++] = *c;
    }
    ret_text[size] = '\0';
    return size;
}
