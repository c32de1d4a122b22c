/* Card numbers: found in every spelling, replaced, and nothing else touched. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/rng.h"
#include "format/record/pan.h"
#include "support/torture.h"

static struct tt_arena arena;
static const struct tt_hash_key key = {7, 11};

static void assert_masked(const char *text, const char *want)
{
    char *copy = malloc(strlen(text) + 1);
    size_t size = strlen(text);
    memcpy(copy, text, size);
    uint32_t count = tt_pan_mask(copy, size);
    copy[size] = '\0';
    assert_string_equal(copy, want);
    assert_int_equal(count > 0, strcmp(text, want) != 0);
    free(copy);
}

static void numbers_are_masked_in_every_spelling(void **state)
{
    (void)state;
    assert_masked("4111111111111111", "411111******1111");
    assert_masked("4111 1111 1111 1111", "4111 11** **** 1111");
    assert_masked("4111-1111-1111-1111", "4111-11**-****-1111");
    assert_masked("4111 - 1111 - 1111 - 1111", "4111 - 11** - **** - 1111");
    assert_masked("378282246310005", "378282*****0005");
    assert_masked("3782 822463 10005", "3782 82**** *0005");
    assert_masked("pan=4111111111111111;", "pan=411111******1111;");
    assert_masked("x4111111111111111y", "x411111******1111y");
    assert_masked("4111111111111111 123", "411111******1111 123");
    assert_masked("12 4111111111111111", "12 411111******1111");
    assert_masked("4111111111111111,5500005555555559", "411111******1111,550000******5559");
    assert_masked("aa4111111111111111b", "aa411111******1111b");
    assert_masked("xaa4111111111111111bbbbbbbbbbbbbbb", "xaa411111******1111bbbbbbbbbbbbbbb");
    assert_masked("4222222222222", "422222***2222");
    assert_masked("6304000000000000000", "630400*********0000");
    assert_masked("{\"a\":\"4\\u0031111\\u0031\\u0031111111111\"}",
                  "{\"a\":\"4\\u0031111\\u0031***********1111\"}");
}

static void what_is_no_number_stays(void **state)
{
    static const char *const kept[] = {
        "",
        "1",
        "4111111111111112",
        "411111111111",
        "41111111111111111111111",
        "4111.1111.1111.1111",
        "t-000017",
        "2026-03-01T12:30:05.123Z",
        "4111    1111 1111 1111",
        "550e8400-e29b-41d4-a716-446655440000",
        "ab000000-0000-0000-0000-000000000000",
        "aa41111111111111111111111111111b",
        "0b242aabb623afc578575680df30655b",
        "da39a3ee5e6b4b0d3255bfef95601890afd80709",
        "- - - -",
    };
    (void)state;
    for (size_t i = 0; i < TT_ARRAY_SIZE(kept); i++) {
        assert_masked(kept[i], kept[i]);
    }
    assert_masked("550e8400-e29b-41d4-a716-446655440000 4111111111111111",
                  "550e8400-e29b-41d4-a716-446655440000 411111******1111");
}

static void find_says_where(void **state)
{
    size_t at = 0, size = 0;
    struct tt_str text = TT_STR("id 4111 1111 1111 1111, 378282246310005");
    (void)state;
    assert_true(tt_pan_find(text, &at, &size));
    assert_int_equal(at, 3);
    assert_int_equal(size, 19);
    at += size;
    assert_true(tt_pan_find(text, &at, &size));
    assert_int_equal(at, 24);
    assert_int_equal(size, 15);
    at += size;
    assert_false(tt_pan_find(text, &at, &size));
}

static struct tt_str token_of(const char *text, uint32_t *ret_count)
{
    struct tt_str token = {0};
    uint32_t count = 0;
    assert_int_equal(tt_pan_tokenise(&key, tt_str_from(text), 128, &arena, &token, &count), TT_OK);
    if (ret_count != NULL) {
        *ret_count = count;
    }
    return token;
}

static void one_number_is_one_token_however_it_is_written(void **state)
{
    uint32_t count = 0;
    (void)state;
    struct tt_str token = token_of("4111111111111111", &count);
    assert_int_equal(count, 1);
    assert_int_equal(token.size, 36);
    assert_memory_equal(token.data, "tok_", 4);
    assert_true(tt_str_equal(token, token_of("4111 1111 1111 1111", NULL)));
    assert_true(tt_str_equal(token, token_of("4111-1111-1111-1111", NULL)));
    assert_false(tt_str_equal(token, token_of("378282246310005", NULL)));
    struct tt_str other = {0};
    struct tt_hash_key other_key = {7, 12};
    assert_int_equal(
        tt_pan_tokenise(&other_key, TT_STR("4111111111111111"), 128, &arena, &other, &count),
        TT_OK);
    assert_false(tt_str_equal(token, other));
    struct tt_str inside = token_of("a-4111111111111111-b", NULL);
    assert_int_equal(inside.size, 40);
    assert_memory_equal(inside.data, "a-tok_", 6);
    assert_memory_equal(inside.data + 2, token.data, 36);
    assert_memory_equal(inside.data + 38, "-b", 2);
    struct tt_str none = TT_STR("u-881");
    struct tt_str same = {0};
    assert_int_equal(tt_pan_tokenise(&key, none, 128, &arena, &same, &count), TT_OK);
    assert_ptr_equal(same.data, none.data);
    assert_int_equal(count, 0);
}

static void a_token_never_outgrows_its_field(void **state)
{
    char text[129];
    (void)state;
    memset(text, 'x', 128);
    text[128] = '\0';
    memcpy(text + 50, "4111111111111111", 16);
    struct tt_str token = token_of(text, NULL);
    assert_int_equal(token.size, 36);
    text[0] = 'y';
    assert_false(tt_str_equal(token, token_of(text, NULL)));
}

static bool luhn(const char *digits, size_t size)
{
    unsigned sum = 0;
    for (size_t i = 0; i < size; i++) {
        unsigned digit = (unsigned)(digits[size - 1 - i] - '0');
        sum += i % 2 == 0 ? digit : digit * 2 / 10 + digit * 2 % 10;
    }
    return sum % 10 == 0;
}

/* Against the obvious test on every single run of digits. */
static void a_run_of_digits_is_found_when_its_sum_is_right(void **state)
{
    struct tt_rng rng;
    (void)state;
    tt_rng_init(&rng, 9);
    for (int round = 0; round < 5000; round++) {
        char digits[24];
        size_t size = (size_t)tt_rng_below(&rng, sizeof digits) + 1, at = 0, found = 0;
        for (size_t i = 0; i < size; i++) {
            digits[i] = (char)('0' + (char)tt_rng_below(&rng, 10));
        }
        bool want = size >= 13 && size <= 19 && luhn(digits, size);
        assert_int_equal(tt_pan_find((struct tt_str){digits, size}, &at, &found), want);
        assert_true(!want || found == size);
    }
}

static enum tt_status torture_body(const struct tt_alloc *alloc, void *ctx)
{
    struct tt_arena local;
    struct tt_str token = {0};
    uint32_t count = 0;
    (void)ctx;
    tt_arena_init(&local, alloc, 16, 1 << 16);
    enum tt_status status =
        tt_pan_tokenise(&key, TT_STR("a 4111111111111111"), 128, &local, &token, &count);
    tt_arena_deinit(&local);
    return status;
}

static void every_failed_allocation_is_survived(void **state)
{
    (void)state;
    tt_torture_run(torture_body, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_masked_in_every_spelling),
        cmocka_unit_test(what_is_no_number_stays),
        cmocka_unit_test(find_says_where),
        cmocka_unit_test(one_number_is_one_token_however_it_is_written),
        cmocka_unit_test(a_token_never_outgrows_its_field),
        cmocka_unit_test(a_run_of_digits_is_found_when_its_sum_is_right),
        cmocka_unit_test(every_failed_allocation_is_survived),
    };
    tt_arena_init(&arena, &tt_alloc_libc, 4096, 1 << 20);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    tt_arena_deinit(&arena);
    return failed;
}
