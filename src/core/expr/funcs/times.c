/*
 * Timestamps and durations, in UTC or by the clock of a zone. Durations are cut towards zero by
 * their getters, as the specification has it.
 */
#include "base/timetext.h"
#include "core/expr/code.h"
#include "core/expr/funcs/impl.h"
#include "core/expr/moment.h"

#define SECONDS_PER_DAY 86400

static struct tt_value checked_timestamp(struct tt_moment moment)
{
    return tt_timestamp_valid(moment) ? tt_value_timestamp(moment)
                                      : tt_value_none(TT_VALUE_OVERFLOW);
}

static struct tt_value checked_duration(struct tt_moment moment)
{
    return tt_span_valid(moment) ? tt_value_duration(moment) : tt_value_none(TT_VALUE_OVERFLOW);
}

IMPL(tt_fn_add_timestamp)
{
    *ret = checked_timestamp(tt_moment_add(args[0]->moment, args[1]->moment));
}

IMPL(tt_fn_add_duration)
{
    *ret = checked_duration(tt_moment_add(args[0]->moment, args[1]->moment));
}

IMPL(tt_fn_subtract_timestamps)
{
    *ret = checked_duration(tt_moment_subtract(args[0]->moment, args[1]->moment));
}

IMPL(tt_fn_subtract_timestamp)
{
    *ret = checked_timestamp(tt_moment_subtract(args[0]->moment, args[1]->moment));
}

IMPL(tt_fn_subtract_duration)
{
    *ret = checked_duration(tt_moment_subtract(args[0]->moment, args[1]->moment));
}

static int64_t day_of(struct tt_moment moment)
{
    return tt_day_of(moment.seconds * TT_MS_PER_SECOND);
}

static int64_t second_of_day(struct tt_moment moment)
{
    return moment.seconds - day_of(moment) * SECONDS_PER_DAY;
}

struct civil {
    int year, month, day;
};

static struct civil civil_of(struct tt_moment moment)
{
    struct civil civil = {0, 0, 0};
    tt_civil_from_day(day_of(moment), &civil.year, &civil.month, &civil.day);
    return civil;
}

IMPL(tt_fn_get_full_year)
{
    *ret = tt_value_int(civil_of(args[0]->moment).year);
}

IMPL(tt_fn_get_month)
{
    *ret = tt_value_int(civil_of(args[0]->moment).month - 1);
}

IMPL(tt_fn_get_date)
{
    *ret = tt_value_int(civil_of(args[0]->moment).day);
}

IMPL(tt_fn_get_day_of_month)
{
    *ret = tt_value_int(civil_of(args[0]->moment).day - 1);
}

IMPL(tt_fn_get_day_of_week)
{
    int64_t days = (day_of(args[0]->moment) + 4) % 7; /* 1970-01-01 was a Thursday */
    *ret = tt_value_int(days < 0 ? days + 7 : days);
}

IMPL(tt_fn_get_day_of_year)
{
    int64_t new_year = tt_day_from_civil(civil_of(args[0]->moment).year, 1, 1);
    *ret = tt_value_int(day_of(args[0]->moment) - new_year);
}

IMPL(tt_fn_get_hours)
{
    *ret = tt_value_int(second_of_day(args[0]->moment) / 3600);
}

IMPL(tt_fn_get_minutes)
{
    *ret = tt_value_int(second_of_day(args[0]->moment) / 60 % 60);
}

IMPL(tt_fn_get_seconds)
{
    *ret = tt_value_int(second_of_day(args[0]->moment) % 60);
}

IMPL(tt_fn_get_milliseconds)
{
    *ret = tt_value_int(args[0]->moment.nanos / 1000000);
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* "UTC", "Z", "+05:30", "-08:00" or "02:00" as seconds. */
static bool parse_zone(struct tt_str zone, int64_t *ret)
{
    if (tt_str_equal_text(zone, "UTC") || tt_str_equal_text(zone, "Z") || zone.size == 0) {
        *ret = 0;
        return true;
    }
    bool negative = zone.data[0] == '-';
    if (negative || zone.data[0] == '+') {
        zone.data++;
        zone.size--;
    }
    const char *at = zone.data;
    if (zone.size != 5 || !is_digit(at[0]) || !is_digit(at[1]) || at[2] != ':' ||
        !is_digit(at[3]) || !is_digit(at[4])) {
        return false;
    }
    int64_t hours = (at[0] - '0') * 10 + (at[1] - '0');
    int64_t minutes = (at[3] - '0') * 10 + (at[4] - '0');
    *ret = (negative ? -1 : 1) * (hours * 3600 + minutes * 60);
    return hours < 24 && minutes < 60;
}

bool tt_zone_is_offset(struct tt_str zone)
{
    int64_t offset = 0;
    return parse_zone(zone, &offset);
}

/* The offset of a named zone at a moment: its handle's, or one made for this call. */
static bool named_offset(const struct tt_call *call, struct tt_str zone, int64_t at, int64_t *ret)
{
    void *made = NULL;
    if (call->handle != NULL) {
        *ret = call->host->zone_offset(call->handle, at);
        return true;
    }
    if (call->host == NULL || call->host->zone_new(zone, &made, NULL) != TT_OK) {
        return false;
    }
    *ret = call->host->zone_offset(made, at);
    call->host->zone_free(made);
    return true;
}

/* The getter with the clock of the zone. */
static void in_zone(tt_func_impl *getter, struct tt_call *call, const struct tt_value *const *args,
                    struct tt_value *ret)
{
    struct tt_value local = *args[0];
    const struct tt_value *arg = &local;
    int64_t offset = 0;
    if (!parse_zone(args[1]->text, &offset) &&
        !named_offset(call, args[1]->text, args[0]->moment.seconds, &offset)) {
        *ret = tt_value_none(TT_VALUE_ZONE);
        return;
    }
    local.moment.seconds += offset;
    getter(call, &arg, ret);
}

/* Each getter with a zone. */
#define IN_ZONE(getter)                                                                            \
    IMPL(getter##_in)                                                                              \
    {                                                                                              \
        in_zone(getter, call, args, ret);                                                          \
    }
IN_ZONE(tt_fn_get_full_year)
IN_ZONE(tt_fn_get_month)
IN_ZONE(tt_fn_get_date)
IN_ZONE(tt_fn_get_day_of_month)
IN_ZONE(tt_fn_get_day_of_week)
IN_ZONE(tt_fn_get_day_of_year)
IN_ZONE(tt_fn_get_hours)
IN_ZONE(tt_fn_get_minutes)
IN_ZONE(tt_fn_get_seconds)
IN_ZONE(tt_fn_get_milliseconds)
#undef IN_ZONE

/* Whole seconds, cut towards zero. */
static int64_t span_seconds(struct tt_moment span)
{
    return span.seconds + (span.seconds < 0 && span.nanos > 0 ? 1 : 0);
}

IMPL(tt_fn_span_hours)
{
    *ret = tt_value_int(span_seconds(args[0]->moment) / 3600);
}

IMPL(tt_fn_span_minutes)
{
    *ret = tt_value_int(span_seconds(args[0]->moment) / 60);
}

IMPL(tt_fn_span_seconds)
{
    *ret = tt_value_int(span_seconds(args[0]->moment));
}

IMPL(tt_fn_span_milliseconds)
{
    struct tt_moment span = args[0]->moment;
    int64_t nanos = span.nanos;
    if (span.seconds < 0 && nanos > 0) {
        nanos -= 1000000000;
    }
    *ret = tt_value_int(nanos / 1000000);
}
