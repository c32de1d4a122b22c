/* Expressions with what comes from outside: RE2's patterns and the system's time zones. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "adapters/regex/regex.h"
#include "adapters/system/zoneinfo.h"
#include "core/expr/expr.h"
#include "support/torture.h"

static const struct tt_expr_host host = {tt_re2_new,      tt_re2_free,      tt_re2_matches,
                                         tt_zoneinfo_new, tt_zoneinfo_free, tt_zoneinfo_offset};

static enum tt_status compile(const struct tt_alloc *alloc, const struct tt_expr_host *outside,
                              const char *text, bool gradual, struct tt_expr **ret,
                              struct tt_error *err)
{
    struct tt_expr_options options = {.text = tt_str_from(text), .gradual = gradual};
    struct tt_expr_env *env = NULL;
    uint32_t slot = 0;
    enum tt_status status = tt_expr_env_new(alloc, NULL, &env, err);
    if (status != TT_OK) {
        return status;
    }
    tt_expr_env_set_host(env, outside);
    status = tt_expr_env_add(env, TT_STR("text"), TT_TYPE_STRING, &slot, err);
    if (status == TT_OK) {
        status = tt_expr_compile(alloc, env, &options, ret, err);
    }
    tt_expr_env_free(env);
    return status;
}

static void expect(const char *text, bool gradual, const char *wanted)
{
    static struct tt_expr_scratch scratch;
    const struct tt_value slot = tt_value_text(TT_STR("pay-42"));
    struct tt_expr *expr = NULL;
    struct tt_error err = {0};
    struct tt_value value;
    struct tt_buf buf;
    if (compile(&tt_alloc_libc, &host, text, gradual, &expr, &err) != TT_OK) {
        fail_msg("%s: %s", text, err.message);
    }
    tt_expr_eval(expr, &slot, &scratch, &value);
    tt_buf_init(&buf, &tt_alloc_libc, 4096);
    assert_int_equal(tt_value_print(&value, &buf), TT_OK);
    assert_string_equal(buf.data, wanted);
    tt_buf_deinit(&buf);
    tt_expr_free(expr);
}

static void refuse(const struct tt_expr_host *outside, const char *text, enum tt_status status,
                   uint32_t column, const char *says)
{
    struct tt_expr *expr = NULL;
    struct tt_error err = {0};
    assert_int_equal(compile(&tt_alloc_libc, outside, text, false, &expr, &err), status);
    assert_int_equal(err.column, column);
    assert_non_null(strstr(err.message, says));
}

static void a_pattern_matches_a_part_of_the_text(void **state)
{
    (void)state;
    expect("text.matches('[0-9]+$')", false, "true");
    expect("matches(text, '^[0-9]')", false, "false");
    expect("text.matches('')", false, "true");
    expect("'ma\u00f1ana'.matches('a\u00f1a')", false, "true");
    expect("['a', 'b'].exists(x, x.matches('^b$'))", false, "true");
    expect("text.matches('p' + 'ay')", false, "true");
}

static void a_pattern_that_is_no_constant_waits_for_its_evaluation(void **state)
{
    (void)state;
    expect("text.matches(text)", true, "true");
    expect("'x'.matches(text + '(')", true, "error(\"pattern\")");
    expect("'x'.matches('(')", true, "error(\"pattern\")");
    refuse(&host, "'x'.matches(text)", TT_E_TYPE, 13, "must be a constant");
}

static void what_is_no_pattern_or_zone_is_refused_with_its_place(void **state)
{
    (void)state;
    char large[TT_RE2_PATTERN_SIZE_MAX + 64];
    refuse(&host, "text.matches('a(')", TT_E_INVALID, 14, "missing )");
    refuse(&host, "text.matches('(((a{100}){100}){100})')", TT_E_INVALID, 14, "");
    refuse(&host, "timestamp(text).getHours('Europe/Atlantis')", TT_E_UNKNOWN, 26, "Atlantis");
    refuse(&host, "timestamp(text).getHours('../etc/passwd')", TT_E_UNKNOWN, 26, "unknown");
    refuse(NULL, "text.matches('a')", TT_E_UNSUPPORTED, 14, "cannot be used here");
    memset(large, 'a', sizeof(large));
    memcpy(large, "text.matches('", 14);
    memcpy(large + sizeof(large) - 3, "')", 3);
    refuse(&host, large, TT_E_INVALID, 14, "more than");
}

/* Time grows with the text and not with what a backtracking engine would try. */
static void a_catastrophic_pattern_is_none(void **state)
{
    (void)state;
    expect("'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!'.matches('^(a+)+$')", false,
           "false");
}

static void a_zone_has_its_clock(void **state)
{
    (void)state;
    expect("timestamp('2009-02-13T23:31:30Z').getHours('America/St_Johns')", false, "20");
    expect("timestamp('2009-02-13T23:31:20Z').getMinutes('Asia/Kathmandu')", false, "16");
    expect("timestamp('2026-03-29T00:59:59Z').getHours('Europe/Berlin')", false, "1");
    expect("timestamp('2026-03-29T01:00:00Z').getHours('Europe/Berlin')", false, "3");
    expect("timestamp('2099-07-01T12:00:00Z').getHours('Europe/Berlin')", false, "14");
    expect("timestamp('2099-01-01T12:00:00Z').getHours('Australia/Sydney')", false, "23");
    expect("timestamp('2026-01-01T12:00:00Z').getHours('+02:00')", false, "14");
    expect("timestamp('2026-01-01T12:00:00Z').getHours(text)", false, "error(\"zone\")");
}

static void a_file_that_is_no_zone_is_refused(void **state)
{
    (void)state;
    static const char header[44] = "TZif2";
    char bytes[256] = "";
    void *zone = NULL;
    for (size_t size = 0; size < sizeof(bytes); size++) {
        memcpy(bytes, header, sizeof(header));
        assert_int_equal(tt_zoneinfo_parse((struct tt_str){bytes, size}, &zone, NULL),
                         TT_E_INVALID);
    }
    memset(bytes, 0xFF, sizeof(bytes));
    memcpy(bytes, "TZif2", 5);
    assert_int_equal(tt_zoneinfo_parse((struct tt_str){bytes, sizeof(bytes)}, &zone, NULL),
                     TT_E_INVALID);
    assert_null(zone);
}

static enum tt_status compile_and_free(const struct tt_alloc *alloc, void *ctx)
{
    struct tt_expr *expr = NULL;
    struct tt_error err;
    (void)ctx;
    enum tt_status status =
        compile(alloc, &host, "text.matches('a+') && timestamp(text).getHours('Europe/Berlin') > 2",
                false, &expr, &err);
    tt_expr_free(expr);
    return status;
}

static void a_failed_allocation_anywhere_leaks_nothing(void **state)
{
    tt_torture_run(compile_and_free, *state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_pattern_matches_a_part_of_the_text),
        cmocka_unit_test(a_pattern_that_is_no_constant_waits_for_its_evaluation),
        cmocka_unit_test(what_is_no_pattern_or_zone_is_refused_with_its_place),
        cmocka_unit_test(a_catastrophic_pattern_is_none),
        cmocka_unit_test(a_zone_has_its_clock),
        cmocka_unit_test(a_file_that_is_no_zone_is_refused),
        cmocka_unit_test(a_failed_allocation_anywhere_leaks_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
