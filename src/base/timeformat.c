/*
 * Times in a format of the user's choice, as foreign CSV files have them.
 *
 * The directives are strptime's, without the locale: names of months are English. A format must say
 * year, month and day; what it leaves out of the time of day is 0.
 */
#include "base/timefields.h"

struct scan {
    const char *p, *end;
    struct tt_time_fields fields;
};

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* From count_min to count_max digits, as many as there are. */
static bool take_number(struct scan *scan, int count_min, int count_max, int *ret)
{
    int value = 0;
    int count = 0;
    while (count < count_max && scan->p < scan->end && is_digit(*scan->p)) {
        value = value * 10 + (*scan->p - '0');
        scan->p++;
        count++;
    }
    if (count < count_min) {
        return false;
    }
    *ret = value;
    return true;
}

static bool take_char(struct scan *scan, char c)
{
    if (scan->p == scan->end || *scan->p != c) {
        return false;
    }
    scan->p++;
    return true;
}

static bool take_month_name(struct scan *scan)
{
    static const char names[] = "janfebmaraprmayjunjulaugsepoctnovdec";
    if (scan->end - scan->p < 3) {
        return false;
    }
    for (int month = 0; month < 12; month++) {
        const char *name = names + (ptrdiff_t)month * 3;
        /* Setting bit 5 makes an ASCII letter lower-case. */
        if ((scan->p[0] | 0x20) == name[0] && (scan->p[1] | 0x20) == name[1] &&
            (scan->p[2] | 0x20) == name[2]) {
            scan->fields.month = month + 1;
            scan->p += 3;
            return true;
        }
    }
    return false;
}

/* Z, ±hh, ±hhmm or ±hh:mm. */
static bool take_zone(struct scan *scan)
{
    scan->fields.offset_ms = 0;
    if (take_char(scan, 'Z') || take_char(scan, 'z')) {
        return true;
    }
    bool negative = take_char(scan, '-');
    int hours = 0;
    int minutes = 0;
    if ((!negative && !take_char(scan, '+')) || !take_number(scan, 2, 2, &hours)) {
        return false;
    }
    bool colon = take_char(scan, ':');
    if (!take_number(scan, 2, 2, &minutes) && colon) {
        return false;
    }
    if (hours > 23 || minutes > 59) {
        return false;
    }
    int64_t offset_ms = hours * TT_MS_PER_HOUR + minutes * TT_MS_PER_MINUTE;
    scan->fields.offset_ms = negative ? -offset_ms : offset_ms;
    return true;
}

static bool take_short_year(struct scan *scan)
{
    int year = 0;
    if (!take_number(scan, 2, 2, &year)) {
        return false;
    }
    scan->fields.year = year + (year < 69 ? 2000 : 1900); /* as POSIX has it */
    return true;
}

/* One directive; false when the text has something else there. */
static bool take_directive(struct scan *scan, char directive)
{
    struct tt_time_fields *f = &scan->fields;
    switch (directive) {
    case 'Y':
        return take_number(scan, 4, 4, &f->year);
    case 'y':
        return take_short_year(scan);
    case 'm':
        return take_number(scan, 1, 2, &f->month);
    case 'b':
        return take_month_name(scan);
    case 'd':
        return take_number(scan, 1, 2, &f->day);
    case 'H':
        return take_number(scan, 1, 2, &f->hour);
    case 'M':
        return take_number(scan, 1, 2, &f->minute);
    case 'S':
        return take_number(scan, 1, 2, &f->second);
    case 'f':
        return tt_time_take_fraction(&scan->p, scan->end, &f->millisecond);
    case 'z':
        return take_zone(scan);
    case 'F':
        return take_number(scan, 4, 4, &f->year) && take_char(scan, '-') &&
               take_number(scan, 1, 2, &f->month) && take_char(scan, '-') &&
               take_number(scan, 1, 2, &f->day);
    case 'T':
        return take_number(scan, 1, 2, &f->hour) && take_char(scan, ':') &&
               take_number(scan, 1, 2, &f->minute) && take_char(scan, ':') &&
               take_number(scan, 1, 2, &f->second);
    default:
        return take_char(scan, '%');
    }
}

bool tt_time_format_is_valid(const char *format)
{
    bool year = false;
    bool month = false;
    bool day = false;
    for (const char *f = format; *f != '\0'; f++) {
        if (*f != '%') {
            continue;
        }
        switch (*++f) {
        case 'F':
            year = month = day = true;
            break;
        case 'Y':
        case 'y':
            year = true;
            break;
        case 'm':
        case 'b':
            month = true;
            break;
        case 'd':
            day = true;
            break;
        case 'H':
        case 'M':
        case 'S':
        case 'T':
        case 'f':
        case 'z':
        case '%':
            break;
        default:
            return false;
        }
    }
    return year && month && day;
}

static bool take_all(struct scan *scan, const char *format)
{
    for (const char *f = format; *f != '\0'; f++) {
        bool taken;
        if (*f == '%' && f[1] != '\0') {
            taken = take_directive(scan, *++f);
        } else {
            taken = take_char(scan, *f);
        }
        if (!taken) {
            return false;
        }
    }
    return scan->p == scan->end;
}

enum tt_status tt_time_parse_format(struct tt_str text, const char *format, int64_t zone_offset_ms,
                                    int64_t *ret_ms)
{
    if (!tt_time_format_is_valid(format)) {
        return TT_E_INVALID;
    }
    if (text.size == 0) {
        return TT_E_SYNTAX;
    }
    struct scan scan = {
        .p = text.data,
        .end = text.data + text.size,
        .fields = {.offset_ms = zone_offset_ms},
    };
    return take_all(&scan, format) ? tt_time_from_fields(&scan.fields, ret_ms) : TT_E_SYNTAX;
}
