/*
 * See zoneinfo.h. A file is read whole and turned into two arrays, moments and offsets; what it says
 * in 32 bits is skipped, every file of this century says it in 64 bits too.
 */
#include "adapters/system/zoneinfo.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/timetext.h"

#define HEADER_SIZE 44
#define CHANGES_MAX 4096
#define SECONDS_PER_DAY 86400

/* A day of the year on which the clock changes, and when, in seconds of that day. */
struct change_rule {
    enum { DAY_MONTH = 1, DAY_JULIAN, DAY_ZERO } kind; /* M m.w.d, J n (no leap day), n */
    int month, week, day;
    int64_t seconds;
};

struct zone {
    uint32_t count;
    int64_t *moments; /* ascending */
    int32_t *offsets; /* from that moment on */
    int32_t first;    /* before the first moment */
    bool has_rule;    /* behind the last moment */
    bool has_summer;
    int64_t standard, summer;
    struct change_rule begins, ends; /* of summer time */
};

static uint32_t be32(const unsigned char *at)
{
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static int64_t be64(const unsigned char *at)
{
    return (int64_t)((uint64_t)be32(at) << 32 | be32(at + 4));
}

/* --- the footer: POSIX TZ --- */

static bool take(const char **at, char c)
{
    bool there = **at == c;
    *at += there ? 1 : 0;
    return there;
}

static bool take_number(const char **at, int max, int *ret)
{
    int number = 0;
    const char *start = *at;
    while (**at >= '0' && **at <= '9' && number <= max) {
        number = number * 10 + (*(*at)++ - '0');
    }
    *ret = number;
    return *at > start && number <= max;
}

/* "EST" or "<+0545>". */
static bool take_name(const char **at)
{
    const char *start = *at;
    if (take(at, '<')) {
        while (**at != '\0' && **at != '>') {
            (*at)++;
        }
        return take(at, '>');
    }
    while ((**at >= 'A' && **at <= 'Z') || (**at >= 'a' && **at <= 'z')) {
        (*at)++;
    }
    return *at > start;
}

/* "-5:45", "2", "24:30:00" as seconds. */
static bool take_time(const char **at, int64_t *ret)
{
    bool negative = take(at, '-');
    int hours = 0;
    int minutes = 0;
    int seconds = 0;
    (void)(!negative && take(at, '+'));
    if (!take_number(at, 167, &hours) || (take(at, ':') && !take_number(at, 59, &minutes)) ||
        (take(at, ':') && !take_number(at, 59, &seconds))) {
        return false;
    }
    *ret = (negative ? -1 : 1) * ((int64_t)hours * 3600 + minutes * 60 + seconds);
    return true;
}

/* "M3.2.0/2" and the other two forms, behind their comma. */
static bool take_rule(const char **at, struct change_rule *ret)
{
    *ret = (struct change_rule){.kind = DAY_ZERO, .seconds = 7200};
    if (!take(at, ',')) {
        return false;
    }
    bool good = false;
    if (take(at, 'M')) {
        ret->kind = DAY_MONTH;
        good = take_number(at, 12, &ret->month) && ret->month >= 1 && take(at, '.') &&
               take_number(at, 5, &ret->week) && ret->week >= 1 && take(at, '.') &&
               take_number(at, 6, &ret->day);
    } else {
        ret->kind = take(at, 'J') ? DAY_JULIAN : DAY_ZERO;
        good = take_number(at, 365, &ret->day);
    }
    return good && (!take(at, '/') || take_time(at, &ret->seconds));
}

static bool read_footer(const char *text, struct zone *zone)
{
    const char *at = text;
    int64_t west = 0;
    if (*at == '\0') {
        return true; /* no rule: the last offset stays */
    }
    if (!take_name(&at) || !take_time(&at, &west)) {
        return false;
    }
    zone->has_rule = true;
    zone->standard = -west;
    if (*at == '\0') {
        return true;
    }
    zone->has_summer = true;
    zone->summer = zone->standard + 3600;
    if (!take_name(&at)) {
        return false;
    }
    if (*at != ',' && *at != '\0') {
        if (!take_time(&at, &west)) {
            return false;
        }
        zone->summer = -west;
    }
    return take_rule(&at, &zone->begins) && take_rule(&at, &zone->ends) && *at == '\0';
}

static bool is_leap(int year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

/* The day since the epoch on which a rule falls in a year. */
static int64_t rule_day(const struct change_rule *rule, int year)
{
    int64_t new_year = tt_day_from_civil(year, 1, 1);
    if (rule->kind == DAY_ZERO) {
        return new_year + rule->day;
    }
    if (rule->kind == DAY_JULIAN) {
        return new_year + rule->day - 1 + (rule->day >= 60 && is_leap(year) ? 1 : 0);
    }
    int next_month = rule->month == 12 ? 1 : rule->month + 1;
    int64_t first = tt_day_from_civil(year, rule->month, 1);
    int64_t behind = tt_day_from_civil(rule->month == 12 ? year + 1 : year, next_month, 1);
    int64_t weekday = ((first + 4) % 7 + 7) % 7;
    int64_t day = first + (rule->day - weekday + 7) % 7 + 7 * (int64_t)(rule->week - 1);
    return day < behind ? day : day - 7;
}

static int64_t ruled_offset(const struct zone *zone, int64_t at)
{
    int year = 0;
    int month = 0;
    int day = 0;
    int64_t local = at + zone->standard;
    int64_t local_day = local / SECONDS_PER_DAY - (local % SECONDS_PER_DAY < 0 ? 1 : 0);
    if (!zone->has_summer) {
        return zone->standard;
    }
    tt_civil_from_day(local_day, &year, &month, &day);
    int64_t begins =
        rule_day(&zone->begins, year) * SECONDS_PER_DAY + zone->begins.seconds - zone->standard;
    int64_t ends =
        rule_day(&zone->ends, year) * SECONDS_PER_DAY + zone->ends.seconds - zone->summer;
    bool is_summer = begins < ends ? at >= begins && at < ends : at >= begins || at < ends;
    return is_summer ? zone->summer : zone->standard;
}

/* --- the file --- */

struct counts {
    uint32_t utc, standard, leap, moments, types, chars;
};

/* The counts of a header; 0 bytes behind it when they are absurd. */
static size_t read_counts(const unsigned char *header, size_t time_size, struct counts *ret)
{
    *ret = (struct counts){be32(header + 20), be32(header + 24), be32(header + 28),
                           be32(header + 32), be32(header + 36), be32(header + 40)};
    if (ret->utc > 256 || ret->standard > 256 || ret->leap > 256 || ret->moments > CHANGES_MAX ||
        ret->types > 256 || ret->types == 0 || ret->chars > 1024) {
        return 0;
    }
    return ret->moments * (time_size + 1) + ret->types * 6u + ret->chars +
           ret->leap * (time_size + 4) + ret->standard + ret->utc;
}

static bool read_changes(const unsigned char *at, const struct counts *counts, struct zone *zone)
{
    const unsigned char *indices = at + (size_t)counts->moments * 8;
    const unsigned char *types = indices + counts->moments;
    zone->moments = calloc(counts->moments + 1u, sizeof(int64_t));
    zone->offsets = calloc(counts->moments + 1u, sizeof(int32_t));
    if (zone->moments == NULL || zone->offsets == NULL) {
        return false;
    }
    zone->count = counts->moments;
    zone->first = (int32_t)be32(types);
    for (uint32_t i = 0; i < counts->moments; i++) {
        uint32_t type = indices[i] < counts->types ? indices[i] : 0;
        zone->moments[i] = be64(at + (size_t)i * 8);
        zone->offsets[i] = (int32_t)be32(types + (size_t)type * 6);
    }
    return true;
}

static bool parse(struct tt_str bytes, struct zone *zone, bool *ret_nomem)
{
    const unsigned char *data = (const unsigned char *)bytes.data;
    struct counts counts;
    char footer[128];
    if (bytes.size < 2 * HEADER_SIZE || memcmp(data, "TZif", 4) != 0 || data[4] < '2') {
        return false;
    }
    size_t first_size = read_counts(data, 4, &counts);
    size_t second = HEADER_SIZE + first_size;
    if (first_size == 0 || second + HEADER_SIZE > bytes.size ||
        memcmp(data + second, "TZif", 4) != 0) {
        return false;
    }
    size_t size = read_counts(data + second, 8, &counts);
    size_t end = second + HEADER_SIZE + size;
    if (size == 0 || end + 2 > bytes.size || data[end] != '\n') {
        return false;
    }
    size_t footer_size = bytes.size - end - 2;
    if (footer_size >= sizeof(footer) || data[bytes.size - 1] != '\n') {
        return false;
    }
    memcpy(footer, data + end + 1, footer_size);
    footer[footer_size] = '\0';
    if (!read_changes(data + second + HEADER_SIZE, &counts, zone)) {
        *ret_nomem = true;
        return false;
    }
    return read_footer(footer, zone);
}

enum tt_status tt_zoneinfo_parse(struct tt_str bytes, void **ret, struct tt_error *err)
{
    struct zone *zone = calloc(1, sizeof(*zone));
    bool nomem = zone == NULL;
    if (nomem || !parse(bytes, zone, &nomem)) {
        tt_zoneinfo_free(zone);
        return nomem ? tt_fail(err, TT_E_NOMEM, "out of memory")
                     : tt_fail(err, TT_E_INVALID, "the file of this time zone cannot be read");
    }
    *ret = zone;
    return TT_OK;
}

static bool is_zone_name(struct tt_str name)
{
    bool good = name.size > 0 && name.size <= 64 && name.data[0] != '/';
    for (size_t i = 0; good && i < name.size; i++) {
        char c = name.data[i];
        good = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
               c == '_' || c == '+' || c == '-' || c == '/';
    }
    return good;
}

enum tt_status tt_zoneinfo_new(struct tt_str name, void **ret, struct tt_error *err)
{
    const char *folder = getenv("TZDIR");
    char path[PATH_MAX];
    int shown = name.size < 64 ? (int)name.size : 64;
    if (!is_zone_name(name)) {
        return tt_fail(err, TT_E_UNKNOWN, "unknown time zone '%.*s'", shown, name.data);
    }
    (void)snprintf(path, sizeof(path), "%s/%.*s", folder == NULL ? "/usr/share/zoneinfo" : folder,
                   TT_STR_ARG(name));
    FILE *file = fopen(path, "rbe");
    if (file == NULL) {
        return tt_fail(err, TT_E_UNKNOWN, "unknown time zone '%.*s'", shown, name.data);
    }
    char *bytes = malloc(TT_ZONEINFO_SIZE_MAX);
    size_t size = bytes == NULL ? 0 : fread(bytes, 1, TT_ZONEINFO_SIZE_MAX, file);
    (void)fclose(file);
    enum tt_status status = bytes == NULL
                                ? tt_fail(err, TT_E_NOMEM, "out of memory")
                                : tt_zoneinfo_parse((struct tt_str){bytes, size}, ret, err);
    free(bytes);
    return status;
}

void tt_zoneinfo_free(void *opaque)
{
    struct zone *zone = opaque;
    if (zone != NULL) {
        free(zone->moments);
        free(zone->offsets);
        free(zone);
    }
}

int64_t tt_zoneinfo_offset(const void *opaque, int64_t at)
{
    const struct zone *zone = opaque;
    uint32_t low = 0;
    uint32_t high = zone->count;
    while (low < high) { /* how many moments are at or before */
        uint32_t middle = low + (high - low) / 2;
        if (zone->moments[middle] <= at) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    if (low == zone->count && zone->has_rule) {
        return ruled_offset(zone, at);
    }
    return low == 0 ? zone->first : zone->offsets[low - 1];
}
