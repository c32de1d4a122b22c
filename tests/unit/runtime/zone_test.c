/* Time zones: fixed offsets and those of the system's database. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "adapters/system/zoneinfo.h"
#include "base/timetext.h"
#include "runtime/zone.h"

static const struct tt_expr_host host = {
    .zone_new = tt_zoneinfo_new,
    .zone_free = tt_zoneinfo_free,
    .zone_offset = tt_zoneinfo_offset,
};

#define HOUR TT_MS_PER_HOUR
/* 2026-03-29T01:00:00Z and 2026-10-25T01:00:00Z: clocks change in Vienna. */
#define SPRING INT64_C(1774746000000)
#define AUTUMN INT64_C(1792890000000)

static void utc_and_offsets_are_the_same_at_all_times(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t offset_ms;
    } rows[] = {{"UTC", 0},
                {"+00:00", 0},
                {"+05:30", 5 * HOUR + HOUR / 2},
                {"-03:30", -(3 * HOUR + HOUR / 2)},
                {"+14:00", 14 * HOUR}};
    for (size_t i = 0; i < TT_ARRAY_SIZE(rows); i++) {
        struct tt_zone zone = {.offset_ms = 7};
        assert_int_equal(tt_zone_parse(&host, tt_str_from(rows[i].text), &zone, NULL), TT_OK);
        assert_int_equal(tt_zone_offset_ms(&zone, 0), rows[i].offset_ms);
        assert_int_equal(tt_zone_offset_ms(&zone, SPRING), rows[i].offset_ms);
    }
}

static void a_named_zone_changes_its_clocks(void **state)
{
    (void)state;
    struct tt_zone zone;
    if (access("/usr/share/zoneinfo/Europe/Vienna", R_OK) != 0) {
        print_message("skipped: no tz database here\n");
        skip();
    }
    assert_int_equal(tt_zone_parse(&host, TT_STR("Europe/Vienna"), &zone, NULL), TT_OK);
    assert_int_equal(tt_zone_offset_ms(&zone, SPRING - 1), HOUR);
    assert_int_equal(tt_zone_offset_ms(&zone, SPRING), 2 * HOUR);
    assert_int_equal(tt_zone_offset_ms(&zone, AUTUMN - 1), 2 * HOUR);
    assert_int_equal(tt_zone_offset_ms(&zone, AUTUMN), HOUR);
    assert_int_equal(tt_zone_offset_ms(&zone, SPRING - 1 - 7 * 24 * HOUR), HOUR);
    tt_zone_deinit(&zone);
}

static void what_is_no_zone_is_refused_and_said(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",        "+2:00", "+15:00",         "+02:60", "../etc/passwd", "/etc/passwd",
        "Europe/", "a b",   "Europe//Vienna", "+02"};
    struct tt_error err;
    struct tt_zone zone = {.offset_ms = 7};
    for (size_t i = 0; i < TT_ARRAY_SIZE(texts); i++) {
        assert_int_equal(tt_zone_parse(&host, tt_str_from(texts[i]), &zone, &err), TT_E_INVALID);
        assert_non_null(strstr(err.message, "no time zone"));
    }
    assert_int_equal(tt_zone_parse(&host, TT_STR("Europe/Atlantis"), &zone, &err), TT_E_NOT_FOUND);
    assert_non_null(strstr(err.message, "Europe/Atlantis"));
    assert_int_equal(zone.offset_ms, 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(utc_and_offsets_are_the_same_at_all_times),
        cmocka_unit_test(a_named_zone_changes_its_clocks),
        cmocka_unit_test(what_is_no_zone_is_refused_and_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
