/* Names of severities and verdicts, and the feature vector's mask. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "core/event/event.h"

static void names_and_values_belong_together(void **state)
{
    (void)state;
    for (uint8_t severity = TT_SEVERITY_LOW; severity <= TT_SEVERITY_CRITICAL; severity++) {
        assert_int_equal(tt_severity_find(tt_str_from(tt_severity_name(severity))), severity);
    }
    for (uint8_t verdict = TT_ALLOW; verdict <= TT_BLOCK; verdict++) {
        assert_int_equal(tt_verdict_find(tt_str_from(tt_verdict_name(verdict))), verdict);
    }
    assert_string_equal(tt_severity_name(TT_SEVERITY_NONE), "none");
    assert_string_equal(tt_severity_name(99), "none");
    assert_string_equal(tt_verdict_name(0), "");
    assert_string_equal(tt_verdict_name(99), "");
    assert_int_equal(tt_severity_find(TT_STR("none")), TT_SEVERITY_NONE);
    assert_int_equal(tt_severity_find(TT_STR("High")), TT_SEVERITY_NONE);
    assert_int_equal(tt_verdict_find(TT_STR("")), 0);
    assert_int_equal(tt_verdict_find((struct tt_str){NULL, 0}), 0);
}

static void a_missing_feature_has_no_value(void **state)
{
    (void)state;
    static struct tt_vector vector;
    vector.count = TT_FEATURES_MAX;
    for (uint32_t i = 0; i < TT_FEATURES_MAX; i++) {
        double value = 7.0;
        tt_vector_set_missing(&vector, i);
        assert_false(tt_vector_get(&vector, i, &value));
        tt_vector_set(&vector, i, (double)i);
        assert_true(tt_vector_get(&vector, i, &value));
        assert_int_equal((uint32_t)value, i);
    }
    double value = 7.0;
    tt_vector_set_missing(&vector, 64);
    assert_false(tt_vector_get(&vector, 64, &value));
    assert_true(tt_vector_get(&vector, 63, &value));
    vector.count = 100;
    assert_true(tt_vector_get(&vector, 99, &value));
    assert_false(tt_vector_get(&vector, 100, &value));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_and_values_belong_together),
        cmocka_unit_test(a_missing_feature_has_no_value),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
