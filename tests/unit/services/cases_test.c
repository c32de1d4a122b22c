/* Alert cases: one alert a customer, unless it gets worse. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "services/anomaly_aggregator/cases.h"
#include "support/torture.h"

#define DAY TT_MS_PER_DAY

static struct tt_event *make(struct tt_event *event, const char *user, int64_t ms, uint8_t severity)
{
    memset(event, 0, sizeof *event);
    event->txn.timestamp_ms = ms;
    event->txn.text[TT_TEXT_USER_ID] = tt_str_from(user);
    event->decision.severity = severity;
    return event;
}

static void init(struct tt_cases *cases, const struct tt_alloc *alloc)
{
    tt_cases_init(cases, alloc, (struct tt_hash_key){1, 2}, DAY, 1000);
}

/* As the aggregator does when nothing else keeps an alert back. */
static bool alert(struct tt_cases *cases, const struct tt_event *event)
{
    tt_cases_reach(cases, event->txn.timestamp_ms);
    bool alerts = !tt_cases_holds(cases, event);
    if (alerts) {
        tt_cases_note(cases, event);
    }
    return alerts;
}

static void a_burst_of_one_customer_alerts_once(void **state)
{
    (void)state;
    struct tt_cases cases;
    struct tt_event event;
    init(&cases, &tt_alloc_libc);
    assert_true(alert(&cases, make(&event, "u", 1000, TT_SEVERITY_MEDIUM)));
    for (int64_t i = 1; i < 50; i++) {
        assert_false(alert(&cases, make(&event, "u", 1000 + i, TT_SEVERITY_MEDIUM)));
    }
    assert_true(alert(&cases, make(&event, "v", 1100, TT_SEVERITY_MEDIUM)));
    tt_cases_deinit(&cases);
}

static void what_is_more_severe_than_the_case_alerts_again(void **state)
{
    (void)state;
    struct tt_cases cases;
    struct tt_event event;
    init(&cases, &tt_alloc_libc);
    assert_true(alert(&cases, make(&event, "u", 1000, TT_SEVERITY_MEDIUM)));
    assert_true(alert(&cases, make(&event, "u", 1001, TT_SEVERITY_CRITICAL)));
    assert_false(alert(&cases, make(&event, "u", 1002, TT_SEVERITY_HIGH)));
    tt_cases_deinit(&cases);
}

static void a_case_is_over_after_the_dedupe_time(void **state)
{
    (void)state;
    struct tt_cases cases;
    struct tt_event event;
    init(&cases, &tt_alloc_libc);
    assert_true(alert(&cases, make(&event, "u", 0, TT_SEVERITY_HIGH)));
    assert_false(alert(&cases, make(&event, "u", DAY - 1, TT_SEVERITY_HIGH)));
    assert_true(alert(&cases, make(&event, "u", DAY, TT_SEVERITY_LOW)));
    tt_cases_deinit(&cases);
}

static void closed_cases_are_swept(void **state)
{
    (void)state;
    struct tt_cases cases;
    struct tt_event event;
    char user[16];
    init(&cases, &tt_alloc_libc);
    for (int64_t i = 0; i < 500; i++) {
        (void)snprintf(user, sizeof user, "u%d", (int)i);
        assert_true(alert(&cases, make(&event, user, i, TT_SEVERITY_LOW)));
    }
    assert_int_equal(cases.map.count, 500);
    assert_true(alert(&cases, make(&event, "later", 3 * DAY, TT_SEVERITY_LOW)));
    assert_int_equal(cases.map.count, 1);
    tt_cases_deinit(&cases);
}

/* A payment that comes late finds the case as it was without the sweep. */
static void sweeping_changes_no_answer(void **state)
{
    (void)state;
    for (int swept = 0; swept < 2; swept++) {
        struct tt_cases cases;
        struct tt_event event;
        init(&cases, &tt_alloc_libc);
        assert_true(alert(&cases, make(&event, "u", 0, TT_SEVERITY_HIGH)));
        tt_cases_reach(&cases, DAY + 1);
        if (swept == 1) {
            assert_true(alert(&cases, make(&event, "v", DAY + 1, TT_SEVERITY_LOW)));
            assert_int_equal(cases.map.count, 1);
        }
        assert_true(alert(&cases, make(&event, "u", DAY - 1, TT_SEVERITY_LOW)));
        assert_false(alert(&cases, make(&event, "u", DAY - 1, TT_SEVERITY_LOW)));
        tt_cases_deinit(&cases);
    }
}

static void old_payments_of_one_customer_alert_once_too(void **state)
{
    (void)state;
    struct tt_cases cases;
    struct tt_event event;
    init(&cases, &tt_alloc_libc);
    tt_cases_reach(&cases, 30 * DAY);
    assert_true(alert(&cases, make(&event, "u", DAY, TT_SEVERITY_HIGH)));
    assert_false(alert(&cases, make(&event, "u", 5 * DAY, TT_SEVERITY_HIGH)));
    tt_cases_deinit(&cases);
}

static enum tt_status torture_body(const struct tt_alloc *alloc, void *ctx)
{
    (void)ctx;
    struct tt_cases cases;
    struct tt_event event;
    init(&cases, alloc);
    for (int i = 0; i < 20; i++) {
        char user[16];
        (void)snprintf(user, sizeof user, "u%d", i);
        /* whatever memory does, a new customer's anomaly alerts */
        assert_true(alert(&cases, make(&event, user, 1, TT_SEVERITY_LOW)));
    }
    tt_cases_deinit(&cases);
    return TT_OK;
}

static void no_memory_means_one_alert_too_many_never_one_too_few(void **state)
{
    (void)state;
    tt_torture_run(torture_body, NULL);
}

static enum tt_status unpack_body(const struct tt_alloc *alloc, void *ctx)
{
    struct tt_cases cases;
    init(&cases, alloc);
    struct tt_wire wire = tt_wire_reader(tt_buf_str(ctx));
    enum tt_status status = tt_cases_decode(&cases, &wire);
    tt_cases_deinit(&cases);
    return status;
}

static void saved_cases_are_the_same_again_and_a_cut_is_noticed(void **state)
{
    (void)state;
    struct tt_cases cases, again;
    struct tt_event event;
    struct tt_buf buf, second;
    init(&cases, &tt_alloc_libc);
    tt_buf_init(&buf, &tt_alloc_libc, 1u << 20);
    tt_buf_init(&second, &tt_alloc_libc, 1u << 20);
    for (int i = 0; i < 20; i++) {
        char user[16];
        (void)snprintf(user, sizeof user, "u%d", i);
        make(&event, user, i * TT_MS_PER_HOUR, TT_SEVERITY_LOW);
        tt_cases_reach(&cases, event.txn.timestamp_ms);
        tt_cases_note(&cases, &event);
    }
    tt_cases_encode(&cases, &buf);
    tt_torture_run(unpack_body, &buf);
    init(&again, &tt_alloc_libc);
    struct tt_wire wire = tt_wire_reader(tt_buf_str(&buf));
    assert_int_equal(tt_cases_decode(&again, &wire), TT_OK);
    assert_int_equal(tt_wire_left(&wire), 0);
    assert_int_equal(again.now_ms, cases.now_ms);
    assert_int_equal(again.swept_ms, cases.swept_ms);
    assert_int_equal(again.map.count, cases.map.count);
    tt_cases_encode(&again, &second);
    assert_int_equal(second.size, buf.size);
    tt_cases_forget(&again);
    assert_int_equal(again.map.count, 0);
    tt_cases_deinit(&again);
    for (size_t size = buf.size; size-- > 0;) { /* cut anywhere */
        buf.size = size;
        assert_int_equal(unpack_body(&tt_alloc_libc, &buf), TT_E_CORRUPT);
    }
    tt_cases_deinit(&cases);
    tt_buf_deinit(&buf);
    tt_buf_deinit(&second);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_burst_of_one_customer_alerts_once),
        cmocka_unit_test(what_is_more_severe_than_the_case_alerts_again),
        cmocka_unit_test(a_case_is_over_after_the_dedupe_time),
        cmocka_unit_test(closed_cases_are_swept),
        cmocka_unit_test(sweeping_changes_no_answer),
        cmocka_unit_test(old_payments_of_one_customer_alert_once_too),
        cmocka_unit_test(saved_cases_are_the_same_again_and_a_cut_is_noticed),
        cmocka_unit_test(no_memory_means_one_alert_too_many_never_one_too_few),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
