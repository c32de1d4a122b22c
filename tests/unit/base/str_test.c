/* String views and the bounded buffer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/rng.h"
#include "base/str.h"
#include "support/torture.h"

static const struct tt_str absent = {NULL, 0};

static void absent_and_empty_differ(void **state)
{
    (void)state;
    assert_null(tt_str_from(NULL).data);
    assert_true(tt_str_equal(absent, absent));
    assert_false(tt_str_equal(absent, TT_STR("")));
    assert_true(tt_str_compare(absent, TT_STR("")) < 0);
    assert_true(tt_str_compare(TT_STR(""), absent) > 0);
    assert_int_equal(tt_str_compare(absent, absent), 0);
    assert_false(tt_str_equal_text(absent, "a"));
}

static void comparison_is_by_bytes_and_shorter_first(void **state)
{
    (void)state;
    assert_true(tt_str_compare(TT_STR("ab"), TT_STR("abc")) < 0);
    assert_true(tt_str_compare(TT_STR("\xff"), TT_STR("a")) > 0);
    assert_int_equal(tt_str_compare(TT_STR("a\0b"), TT_STR("a\0b")), 0);
    assert_true(tt_str_starts_with(TT_STR("abc"), TT_STR("ab")));
    assert_false(tt_str_starts_with(TT_STR("a"), TT_STR("ab")));
    assert_true(tt_str_starts_with(TT_STR("a"), absent));
    assert_true(tt_str_ends_with(TT_STR("abc"), TT_STR("bc")));
    assert_false(tt_str_ends_with(TT_STR("abc"), TT_STR("ab")));
}

static void trimming_takes_white_space_off_both_ends(void **state)
{
    (void)state;
    assert_true(tt_str_equal_text(tt_str_trim(TT_STR(" \t\r\n a b \v\f")), "a b"));
    assert_true(tt_str_equal_text(tt_str_trim(TT_STR("  ")), ""));
    assert_null(tt_str_trim(absent).data);
}

static void splitting_ends_with_an_absent_rest(void **state)
{
    (void)state;
    struct tt_str rest = TT_STR("a,,b,");
    const char *parts[] = {"a", "", "b", ""};
    for (size_t i = 0; i < 4; i++) {
        assert_non_null(rest.data);
        assert_true(tt_str_equal_text(tt_str_split(&rest, ','), parts[i]));
    }
    assert_null(rest.data);
    assert_null(tt_str_split(&rest, ',').data);
}

static void utf8_check_names_the_first_bad_byte(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        size_t at; /* strlen = valid */
    } cases[] = {
        {"", 0},
        {"plain ascii that is longer than eight", 37},
        {"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80", 9},
        {"ab\x80", 2},
        {"\xc0\xaf", 0},         /* overlong */
        {"\xc1\xbf", 0},         /* overlong */
        {"\xe0\x9f\xbf", 0},     /* overlong */
        {"\xed\xa0\x80", 0},     /* surrogate */
        {"\xed\x9f\xbf", 3},     /* the last before them */
        {"\xf0\x8f\xbf\xbf", 0}, /* overlong */
        {"\xf4\x8f\xbf\xbf", 4}, /* U+10FFFF */
        {"\xf4\x90\x80\x80", 0}, /* past it */
        {"\xf5\x80\x80\x80", 0},
        {"12345678\xe2\x82", 8}, /* cut short */
        {"1234567\xe2\x82x", 7},
        {"\xff", 0},
    };
    for (size_t i = 0; i < TT_ARRAY_SIZE(cases); i++) {
        assert_int_equal(tt_str_utf8_check(tt_str_from(cases[i].text)), cases[i].at);
    }
    assert_int_equal(tt_str_utf8_check(absent), 0);
}

/* The recursive definition. */
static size_t slow_distance(struct tt_str a, struct tt_str b)
{
    if (a.size == 0 || b.size == 0) {
        return a.size + b.size;
    }
    struct tt_str a1 = {a.data + 1, a.size - 1};
    struct tt_str b1 = {b.data + 1, b.size - 1};
    if (a.data[0] == b.data[0]) {
        return slow_distance(a1, b1);
    }
    size_t least = slow_distance(a1, b1);
    size_t other = slow_distance(a1, b);
    least = other < least ? other : least;
    other = slow_distance(a, b1);
    least = other < least ? other : least;
    if (a.size > 1 && b.size > 1 && a.data[0] == b.data[1] && a.data[1] == b.data[0]) {
        other = slow_distance((struct tt_str){a.data + 2, a.size - 2},
                              (struct tt_str){b.data + 2, b.size - 2});
        least = other < least ? other : least;
    }
    return 1 + least;
}

static void distance_agrees_with_its_definition(void **state)
{
    (void)state;
    struct tt_rng rng;
    tt_rng_init(&rng, 7);
    for (int i = 0; i < 3000; i++) {
        char bytes[2][8];
        struct tt_str s[2];
        for (size_t k = 0; k < 2; k++) {
            s[k] = (struct tt_str){bytes[k], (size_t)tt_rng_below(&rng, 7)};
            for (size_t j = 0; j < s[k].size; j++) {
                bytes[k][j] = (char)('a' + (char)tt_rng_below(&rng, 3));
            }
        }
        size_t limit = (size_t)tt_rng_below(&rng, 8);
        size_t slow = slow_distance(s[0], s[1]);
        assert_int_equal(tt_str_distance(s[0], s[1], limit), slow < limit ? slow : limit);
    }
}

static void the_nearest_name_is_within_a_third(void **state)
{
    (void)state;
    static const char *const names[] = {"amount", "currency", "merchant_id", "ip"};
    assert_string_equal(tt_str_nearest(TT_STR("amuont"), names, 4), "amount");
    assert_string_equal(tt_str_nearest(TT_STR("pi"), names, 4), "ip");
    assert_string_equal(tt_str_nearest(TT_STR("merchantid"), names, 4), "merchant_id");
    assert_string_equal(tt_str_nearest(TT_STR("op"), names, 4), "ip");
    assert_null(tt_str_nearest(TT_STR("latitude"), names, 4));
    assert_null(tt_str_nearest(TT_STR("amount"), names, 0));
}

static void a_buffer_never_passes_its_maximum_and_remembers(void **state)
{
    (void)state;
    struct tt_torture torture;
    tt_torture_init(&torture, 0);
    struct tt_buf buf;
    tt_buf_init(&buf, &torture.alloc, 10);
    assert_string_equal(tt_buf_str(&buf).data, "");
    assert_int_equal(tt_buf_append_text(&buf, "12345"), TT_OK);
    assert_int_equal(tt_buf_append_format(&buf, "%d", 678), TT_OK);
    assert_int_equal(tt_buf_append(&buf, "abc", 3), TT_E_LIMIT);
    assert_int_equal(buf.status, TT_E_LIMIT);
    assert_string_equal(buf.data, "12345678");
    assert_int_equal(tt_buf_append_char(&buf, 'x'), TT_E_LIMIT); /* no hole in the text */
    assert_null(tt_buf_reserve(&buf, 1));
    assert_string_equal(buf.data, "12345678");
    tt_buf_clear(&buf);
    assert_string_equal(buf.data, "");
    assert_int_equal(tt_buf_append_text(&buf, "0123456789"), TT_OK);
    assert_int_equal(tt_buf_append_format(&buf, "%s", "x"), TT_E_LIMIT);
    assert_int_equal(buf.size, 10);
    tt_buf_deinit(&buf);
    tt_torture_check(&torture);
}

static void reserved_room_can_be_written_and_counted(void **state)
{
    (void)state;
    struct tt_buf buf;
    tt_buf_init(&buf, &tt_alloc_libc, 1000);
    char *room = tt_buf_reserve(&buf, 500);
    assert_non_null(room);
    memset(room, 'r', 500);
    buf.size += 500;
    assert_int_equal(tt_buf_append_str(&buf, absent), TT_OK);
    assert_int_equal(strlen(buf.data), 500);
    tt_buf_deinit(&buf);
}

static void there_is_always_room_for_the_nul(void **state)
{
    (void)state;
    struct tt_buf buf;
    tt_buf_init(&buf, &tt_alloc_libc, 1000);
    for (size_t i = 0; i < 1000; i++) {
        assert_int_equal(tt_buf_append_char(&buf, 'x'), TT_OK);
        assert_true(buf.size < buf.capacity);
        assert_int_equal(strlen(buf.data), i + 1);
    }
    assert_int_equal(buf.capacity, 1001);
    tt_buf_deinit(&buf);
}

static enum tt_status write_much(const struct tt_alloc *alloc, void *ctx)
{
    (void)ctx;
    struct tt_buf buf;
    tt_buf_init(&buf, alloc, 100000);
    for (int i = 0; i < 1000; i++) {
        (void)tt_buf_append_format(&buf, "%d,", i);
    }
    enum tt_status status = buf.status;
    tt_buf_deinit(&buf);
    return status;
}

static void a_buffer_survives_every_failed_allocation(void **state)
{
    (void)state;
    tt_torture_run(write_much, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(absent_and_empty_differ),
        cmocka_unit_test(comparison_is_by_bytes_and_shorter_first),
        cmocka_unit_test(trimming_takes_white_space_off_both_ends),
        cmocka_unit_test(splitting_ends_with_an_absent_rest),
        cmocka_unit_test(utf8_check_names_the_first_bad_byte),
        cmocka_unit_test(distance_agrees_with_its_definition),
        cmocka_unit_test(the_nearest_name_is_within_a_third),
        cmocka_unit_test(a_buffer_never_passes_its_maximum_and_remembers),
        cmocka_unit_test(reserved_room_can_be_written_and_counted),
        cmocka_unit_test(there_is_always_room_for_the_nul),
        cmocka_unit_test(a_buffer_survives_every_failed_allocation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
