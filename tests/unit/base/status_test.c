/* Status names and the error record. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/status.h"

static void every_status_has_its_own_name(void **state)
{
    (void)state;
    for (int a = 0; a < TT_STATUS_COUNT; a++) {
        assert_non_null(tt_status_name((enum tt_status)a));
        for (int b = 0; b < a; b++) {
            assert_string_not_equal(tt_status_name((enum tt_status)a),
                                    tt_status_name((enum tt_status)b));
        }
    }
    assert_string_equal(tt_status_name(TT_E_NOT_FOUND), "not_found");
    assert_string_equal(tt_status_name((enum tt_status)1000), "unnamed");
}

static void failing_returns_the_status_and_keeps_the_place(void **state)
{
    (void)state;
    struct tt_error err = {.line = 9};
    assert_int_equal(tt_fail(NULL, TT_E_IO, "x"), TT_E_IO);
    assert_int_equal(tt_fail(&err, TT_E_LIMIT, "%d of %d", 3, 2), TT_E_LIMIT);
    assert_int_equal(err.status, TT_E_LIMIT);
    assert_int_equal(err.line, 0);
    assert_string_equal(err.message, "3 of 2");
    assert_int_equal(tt_fail_at(&err, TT_E_SYNTAX, 4, 7, 99, "no"), TT_E_SYNTAX);
    assert_int_equal(err.line, 4);
    assert_int_equal(err.column, 7);
    assert_int_equal(err.offset, 99);
}

static void a_long_message_is_cut_between_characters(void **state)
{
    (void)state;
    struct tt_error err;
    char text[400];
    for (size_t shift = 0; shift < 4; shift++) {
        memset(text, 'a', shift);
        for (size_t i = 0; i < 90; i++) {
            memcpy(text + shift + 3 * i, "\xe2\x82\xac", 4); /* the euro sign */
        }
        assert_int_equal(tt_fail(&err, TT_E_INVALID, "%s", text), TT_E_INVALID);
        size_t size = strlen(err.message);
        assert_in_range(size, sizeof err.message - 3, sizeof err.message - 1);
        assert_int_equal((size - shift) % 3, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_status_has_its_own_name),
        cmocka_unit_test(failing_returns_the_status_and_keeps_the_place),
        cmocka_unit_test(a_long_message_is_cut_between_characters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
