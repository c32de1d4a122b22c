/* Times and durations as text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/rng.h"
#include "base/timetext.h"

struct time_case {
    const char *text;
    enum tt_status status;
    const char *utc; /* tt_time_format of the result */
};

static void check_rfc3339(const struct time_case *c)
{
    int64_t ms = 77;
    enum tt_status status = tt_time_parse_rfc3339(tt_str_from(c->text), &ms);
    if (status != c->status) {
        fail_msg("%s: %s", c->text, tt_status_name(status));
    }
    if (status != TT_OK) {
        assert_int_equal(ms, 77);
        return;
    }
    char text[TT_TIME_TEXT_SIZE];
    assert_int_equal(tt_time_format(ms, text), 24);
    assert_string_equal(text, c->utc);
}

static void rfc3339_is_read_to_the_millisecond(void **state)
{
    (void)state;
    static const struct time_case cases[] = {
        {"2026-03-01T12:30:05.123Z", TT_OK, "2026-03-01T12:30:05.123Z"},
        {"2026-03-01t12:30:05z", TT_OK, "2026-03-01T12:30:05.000Z"},
        {"2026-03-01 12:30:05Z", TT_OK, "2026-03-01T12:30:05.000Z"},
        {"2026-03-01T12:30:05.1Z", TT_OK, "2026-03-01T12:30:05.100Z"},
        {"2026-03-01T12:30:05.1239999999999999999999Z", TT_OK, "2026-03-01T12:30:05.123Z"},
        {"2026-03-01T00:30:00+05:45", TT_OK, "2026-02-28T18:45:00.000Z"},
        {"2026-12-31T23:30:00-01:00", TT_OK, "2027-01-01T00:30:00.000Z"},
        {"2026-03-01T12:30:05-00:00", TT_OK, "2026-03-01T12:30:05.000Z"},
        {"2026-03-01T12:30:05+23:59", TT_OK, "2026-02-28T12:31:05.000Z"},
        {"2024-02-29T00:00:00Z", TT_OK, "2024-02-29T00:00:00.000Z"},
        {"2000-02-29T00:00:00Z", TT_OK, "2000-02-29T00:00:00.000Z"},
        {"1969-12-31T23:59:59.999Z", TT_OK, "1969-12-31T23:59:59.999Z"},
        {"0001-01-01T00:00:00Z", TT_OK, "0001-01-01T00:00:00.000Z"},
        {"9999-12-31T23:59:59.999Z", TT_OK, "9999-12-31T23:59:59.999Z"},
        {"2016-12-31T23:59:60Z", TT_OK, "2016-12-31T23:59:59.999Z"},
        {"2016-12-31T23:59:60.500Z", TT_OK, "2016-12-31T23:59:59.999Z"},
        {"2017-01-01T05:29:60+05:30", TT_OK, "2016-12-31T23:59:59.999Z"},
    };
    for (size_t i = 0; i < TT_ARRAY_SIZE(cases); i++) {
        check_rfc3339(&cases[i]);
    }
}

static void what_is_no_rfc3339_time_is_refused(void **state)
{
    (void)state;
    static const struct time_case cases[] = {
        {"2026-02-29T00:00:00Z", TT_E_INVALID, NULL},
        {"1900-02-29T00:00:00Z", TT_E_INVALID, NULL},
        {"2026-02-30T00:00:00Z", TT_E_INVALID, NULL},
        {"2026-04-31T00:00:00Z", TT_E_INVALID, NULL},
        {"2026-13-01T00:00:00Z", TT_E_INVALID, NULL},
        {"2026-00-01T00:00:00Z", TT_E_INVALID, NULL},
        {"2026-01-00T00:00:00Z", TT_E_INVALID, NULL},
        {"2026-01-01T24:00:00Z", TT_E_INVALID, NULL},
        {"2026-01-01T23:60:00Z", TT_E_INVALID, NULL},
        {"2026-01-01T23:59:61Z", TT_E_INVALID, NULL},
        {"2026-01-01T12:30:60Z", TT_E_INVALID, NULL},
        {"2016-12-31T23:59:60+01:00", TT_E_INVALID, NULL},
        {"2026-01-01T00:00:00+24:00", TT_E_INVALID, NULL},
        {"2026-01-01T00:00:00+00:60", TT_E_INVALID, NULL},
        {"0000-01-01T00:00:00Z", TT_E_LIMIT, NULL},
        {"0001-01-01T00:00:00+00:01", TT_E_LIMIT, NULL},
        {"9999-12-31T23:59:59-00:01", TT_E_LIMIT, NULL},
        {"", TT_E_SYNTAX, NULL},
        {"2026-03-01", TT_E_SYNTAX, NULL},
        {"2026-03-01T12:30:05", TT_E_SYNTAX, NULL},
        {"2026-03-01T12:30Z", TT_E_SYNTAX, NULL},
        {"2026-03-01T12:30:05.Z", TT_E_SYNTAX, NULL},
        {"2026-03-01T12:30:05,5Z", TT_E_SYNTAX, NULL},
        {"2026-03-01T12:30:05.5", TT_E_SYNTAX, NULL},
        {"2026-03-01T12:30:05ZZ", TT_E_SYNTAX, NULL},
        {"2026-03-01T12:30:05Z ", TT_E_SYNTAX, NULL},
        {" 2026-03-01T12:30:05Z", TT_E_SYNTAX, NULL},
        {"2026-03-01T12:30:05+0100", TT_E_SYNTAX, NULL},
        {"2026-03-01T12:30:05+01", TT_E_SYNTAX, NULL},
        {"2026-03-01T12:30:05+1:00", TT_E_SYNTAX, NULL},
        {"2026-03-01T12:30:05\xe2\x88\x92"
         "01:00",
         TT_E_SYNTAX, NULL},
        {"2026/03/01T12:30:05Z", TT_E_SYNTAX, NULL},
        {"2026-3-01T12:30:005Z", TT_E_SYNTAX, NULL},
        {"+026-03-01T12:30:05Z", TT_E_SYNTAX, NULL},
        {"2026-03-01T-1:30:05Z", TT_E_SYNTAX, NULL},
        {"2026-03-01X12:30:05Z", TT_E_SYNTAX, NULL},
    };
    for (size_t i = 0; i < TT_ARRAY_SIZE(cases); i++) {
        check_rfc3339(&cases[i]);
    }
    int64_t ms = 77;
    assert_int_equal(tt_time_parse_rfc3339((struct tt_str){NULL, 0}, &ms), TT_E_SYNTAX);
}

static void every_prefix_of_a_time_is_refused_or_a_time(void **state)
{
    (void)state;
    static const char whole[] = "2026-03-01T12:30:05.123+01:30";
    for (size_t size = 0; size < sizeof whole - 1; size++) {
        char *cut = malloc(size != 0 ? size : 1); /* its end is watched by the sanitizer */
        assert_non_null(cut);
        memcpy(cut, whole, size);
        int64_t ms = 77;
        assert_int_equal(tt_time_parse_rfc3339((struct tt_str){cut, size}, &ms), TT_E_SYNTAX);
        free(cut);
    }
}

static void the_calendar_counts_every_day_once(void **state)
{
    (void)state;
    assert_int_equal(tt_day_from_civil(1970, 1, 1), 0);
    int64_t day = tt_day_from_civil(1, 1, 1);
    int year = 1;
    int month = 1;
    int of_month = 1;
    for (; year <= 9999; day++) {
        int y = 0;
        int m = 0;
        int d = 0;
        tt_civil_from_day(day, &y, &m, &d);
        if (y != year || m != month || d != of_month || tt_day_from_civil(y, m, d) != day) {
            fail_msg("day %lld is %d-%d-%d, not %d-%d-%d", (long long)day, y, m, d, year, month,
                     of_month);
        }
        bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
        int last = month == 2 ? 28 + leap : 30 + ((month + (month > 7)) % 2);
        if (++of_month > last) {
            of_month = 1;
            month = month % 12 + 1;
            year += month == 1;
        }
    }
    assert_int_equal(tt_day_of(-1), -1);
    assert_int_equal(tt_day_of(0), 0);
    assert_int_equal(tt_day_of(-86400000), -1);
    assert_int_equal(tt_day_of(86399999), 0);
}

static void times_read_back(void **state)
{
    (void)state;
    struct tt_rng rng;
    tt_rng_init(&rng, 5);
    char text[TT_TIME_TEXT_SIZE];
    for (int i = 0; i < 100000; i++) {
        int64_t ms =
            (int64_t)tt_rng_below(&rng, UINT64_C(315537897600000)) - INT64_C(62135596800000);
        int64_t read = 0;
        size_t size = tt_time_format(ms, text);
        assert_int_equal(tt_time_parse_rfc3339((struct tt_str){text, size}, &read), TT_OK);
        assert_int_equal(read, ms);
    }
    tt_time_format(TT_TIME_NONE, text);
    assert_string_equal(text, "0001-01-01T00:00:00.000Z");
    tt_time_format(INT64_MAX, text);
    assert_string_equal(text, "9999-12-31T23:59:59.999Z");
}

static void foreign_formats_are_read(void **state)
{
    (void)state;
    static const struct {
        const char *text, *format;
        int64_t zone_ms;
        enum tt_status status;
        const char *utc;
    } cases[] = {
        {"2026-03-01 12:30:05", "%Y-%m-%d %H:%M:%S", 0, TT_OK, "2026-03-01T12:30:05.000Z"},
        {"2026-03-01 12:30:05", "%F %T", 3600000, TT_OK, "2026-03-01T11:30:05.000Z"},
        {"01/Mar/26 7:05", "%d/%b/%y %H:%M", 0, TT_OK, "2026-03-01T07:05:00.000Z"},
        {"31 DEC 1999", "%d %b %Y", 0, TT_OK, "1999-12-31T00:00:00.000Z"},
        {"1.2.69", "%d.%m.%y", 0, TT_OK, "1969-02-01T00:00:00.000Z"},
        {"20260301123005", "%Y%m%d%H%M%S", 0, TT_OK, "2026-03-01T12:30:05.000Z"},
        {"2026-03-01 12:30:05.5+0130", "%F %T.%f%z", 999, TT_OK, "2026-03-01T11:00:05.500Z"},
        {"2026-03-01 12:30:05 -01", "%F %T %z", 0, TT_OK, "2026-03-01T13:30:05.000Z"},
        {"2026-03-01 12:30:05Z", "%F %T%z", 3600000, TT_OK, "2026-03-01T12:30:05.000Z"},
        {"100% 2026-03-01", "100%% %F", 0, TT_OK, "2026-03-01T00:00:00.000Z"},
        {"2026-02-30", "%F", 0, TT_E_INVALID, NULL},
        {"2026-03-01 24:00:00", "%F %T", 0, TT_E_INVALID, NULL},
        {"0000-03-01", "%F", 0, TT_E_LIMIT, NULL},
        {"2026-03-01 ", "%F", 0, TT_E_SYNTAX, NULL},
        {"2026-03-0", "%F %T", 0, TT_E_SYNTAX, NULL},
        {"26-03-01", "%F", 0, TT_E_SYNTAX, NULL},
        {"01 Foo 2026", "%d %b %Y", 0, TT_E_SYNTAX, NULL},
        {"2026-03-01 +25:00", "%F %z", 0, TT_E_SYNTAX, NULL},
        {"2026-03-01 +01:", "%F %z", 0, TT_E_SYNTAX, NULL},
        {"2026-03-01 x", "%F %f", 0, TT_E_SYNTAX, NULL},
        {"", "%F", 0, TT_E_SYNTAX, NULL},
        {"2026-03-01", "%Y-%m", 0, TT_E_INVALID, NULL},
        {"2026-03-01", "%F %q", 0, TT_E_INVALID, NULL},
        {"2026-03-01", "%F%", 0, TT_E_INVALID, NULL},
        {"2026-03-01", "", 0, TT_E_INVALID, NULL},
    };
    for (size_t i = 0; i < TT_ARRAY_SIZE(cases); i++) {
        int64_t ms = 77;
        enum tt_status status = tt_time_parse_format(tt_str_from(cases[i].text), cases[i].format,
                                                     cases[i].zone_ms, &ms);
        if (status != cases[i].status) {
            fail_msg("%s by %s: %s", cases[i].text, cases[i].format, tt_status_name(status));
        }
        char text[TT_TIME_TEXT_SIZE];
        if (status == TT_OK) {
            tt_time_format(ms, text);
            assert_string_equal(text, cases[i].utc);
        } else {
            assert_int_equal(ms, 77);
        }
    }
}

static void durations_are_read_in_falling_units(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        enum tt_status status;
        int64_t ms;
    } cases[] = {
        {"250ms", TT_OK, 250},
        {"5s", TT_OK, 5000},
        {"10m", TT_OK, 600000},
        {"1h", TT_OK, 3600000},
        {"7d", TT_OK, 604800000},
        {"2w", TT_OK, 1209600000},
        {"1d12h", TT_OK, 129600000},
        {"1w2d3h4m5s6ms", TT_OK, 788645006},
        {"0s", TT_OK, 0},
        {"9223372036854775807ms", TT_OK, INT64_MAX},
        {"9223372036854775808ms", TT_E_LIMIT, 0},
        {"99999999999999999d", TT_E_LIMIT, 0},
        {"1w9223372036854775807ms", TT_E_LIMIT, 0},
        {"", TT_E_SYNTAX, 0},
        {"5", TT_E_SYNTAX, 0},
        {"s", TT_E_SYNTAX, 0},
        {"-5s", TT_E_SYNTAX, 0},
        {"+5s", TT_E_SYNTAX, 0},
        {"1.5h", TT_E_SYNTAX, 0},
        {"5 s", TT_E_SYNTAX, 0},
        {"1h1h", TT_E_SYNTAX, 0},
        {"1s1h", TT_E_SYNTAX, 0},
        {"5S", TT_E_SYNTAX, 0},
        {"5min", TT_E_SYNTAX, 0},
        {"99999999999999999999x", TT_E_SYNTAX, 0},
    };
    for (size_t i = 0; i < TT_ARRAY_SIZE(cases); i++) {
        int64_t ms = 77;
        enum tt_status status = tt_duration_parse(tt_str_from(cases[i].text), &ms);
        if (status != cases[i].status) {
            fail_msg("%s: %s", cases[i].text, tt_status_name(status));
        }
        assert_int_equal(ms, status == TT_OK ? cases[i].ms : 77);
    }
}

static void durations_are_written_in_one_unit(void **state)
{
    (void)state;
    static const struct {
        int64_t ms;
        const char *text;
    } cases[] = {
        {0, "0s"},           {1, "1ms"},         {90000, "90s"},
        {3600000, "1h"},     {129600000, "36h"}, {604800000, "7d"},
        {1209600000, "14d"}, {5400000, "90m"},   {INT64_MAX, "9223372036854775807ms"},
    };
    for (size_t i = 0; i < TT_ARRAY_SIZE(cases); i++) {
        char text[TT_TIME_TEXT_SIZE];
        assert_int_equal(tt_duration_format(cases[i].ms, text), strlen(cases[i].text));
        assert_string_equal(text, cases[i].text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rfc3339_is_read_to_the_millisecond),
        cmocka_unit_test(what_is_no_rfc3339_time_is_refused),
        cmocka_unit_test(every_prefix_of_a_time_is_refused_or_a_time),
        cmocka_unit_test(the_calendar_counts_every_day_once),
        cmocka_unit_test(times_read_back),
        cmocka_unit_test(foreign_formats_are_read),
        cmocka_unit_test(durations_are_read_in_falling_units),
        cmocka_unit_test(durations_are_written_in_one_unit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
