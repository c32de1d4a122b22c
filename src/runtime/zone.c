/* See zone.h. */
#include "runtime/zone.h"

#include "base/timetext.h"

#define NAME_SIZE_MAX 64

static bool digit(char c)
{
    return c >= '0' && c <= '9';
}

/* "+02:00", "-03:30". */
static bool parse_offset(struct tt_str text, int64_t *ret)
{
    const char *c = text.data;
    if (text.size != 6 || (c[0] != '+' && c[0] != '-') || c[3] != ':' || !digit(c[1]) ||
        !digit(c[2]) || !digit(c[4]) || !digit(c[5])) {
        return false;
    }
    int64_t hours = (c[1] - '0') * 10 + (c[2] - '0');
    int64_t minutes = (c[4] - '0') * 10 + (c[5] - '0');
    if (hours > 14 || minutes > 59) {
        return false;
    }
    int64_t ms = hours * TT_MS_PER_HOUR + minutes * TT_MS_PER_MINUTE;
    *ret = c[0] == '-' ? -ms : ms;
    return true;
}

/* A name as the database has them. */
static bool is_name(struct tt_str text)
{
    char before = '/';
    for (size_t i = 0; i < text.size; i++) {
        char c = text.data[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        bool inner = digit(c) || c == '_' || c == '+' || c == '-' || c == '/';
        if (!letter && (!inner || before == '/')) {
            return false;
        }
        before = c;
    }
    return text.size > 0 && text.size < NAME_SIZE_MAX && before != '/';
}

enum tt_status tt_zone_parse(const struct tt_expr_host *host, struct tt_str text,
                             struct tt_zone *ret, struct tt_error *err)
{
    int64_t offset_ms = 0;
    void *named = NULL;
    if (tt_str_equal_text(text, "UTC") || parse_offset(text, &offset_ms)) {
        *ret = (struct tt_zone){.offset_ms = offset_ms};
        return TT_OK;
    }
    if (!is_name(text)) {
        return tt_fail(err, TT_E_INVALID,
                       "'%.*s' is no time zone: UTC, an offset like +02:00, or a name like "
                       "Europe/Vienna",
                       TT_STR_ARG(text));
    }
    enum tt_status status = host->zone_new(text, &named, err);
    if (status == TT_E_UNKNOWN) {
        return tt_fail(err, TT_E_NOT_FOUND, "no time zone %.*s here (the package tzdata has them)",
                       TT_STR_ARG(text));
    }
    if (status == TT_OK) {
        *ret = (struct tt_zone){.host = host, .named = named};
    }
    return status;
}

void tt_zone_deinit(struct tt_zone *zone)
{
    if (zone->named != NULL) {
        zone->host->zone_free(zone->named);
    }
    *zone = (struct tt_zone){0};
}

int64_t tt_zone_offset_ms(const struct tt_zone *zone, int64_t ms)
{
    if (zone->named == NULL) {
        return zone->offset_ms;
    }
    return zone->host->zone_offset(zone->named, ms / 1000 - (ms % 1000 < 0 ? 1 : 0)) * 1000;
}
