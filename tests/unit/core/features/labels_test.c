/* What is known about earlier events, label by label: runs, horizons, known time, changes, limits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "features_support.h"
#include "support/torture.h"

#define T0 INT64_C(1772000000000)
#define HOUR TT_MS_PER_HOUR
#define DAY TT_MS_PER_DAY
#define HEAD                                                                                       \
    "label_horizon: 7d\n"                                                                          \
    "entities: {user: {key: user_id}, merchant: {key: merchant_id}}\nfeatures:\n"
#define RUNS                                                                                       \
    HEAD "- {name: length, entity: merchant, aggregate: fraud_run_length, window: 28d}\n"          \
         "- {name: age, entity: merchant, aggregate: fraud_run_age, window: 28d}\n"                \
         "- {name: genuine, entity: merchant, aggregate: since_last_genuine, window: 28d}\n"       \
         "- {name: last, entity: merchant, aggregate: since_last_fraud, window: 28d, unit: "       \
         "hours}\n"                                                                                \
         "- {name: first, entity: merchant, aggregate: since_first_fraud, window: 28d}\n"          \
         "- {name: reported, entity: merchant, aggregate: fraud_count, window: 2d, time: known, "  \
         "delay: 20d}\n"

#define EVENTS_MAX 32

/* Payments at one merchant; the n-th is called by its number. */
struct shop {
    struct tt_plan *plan;
    struct steps steps;
    struct tt_event events[EVENTS_MAX];
    char ids[EVENTS_MAX][4];
    int count;
};

static void shop_open(struct shop *shop, const char *yaml)
{
    memset(shop, 0, sizeof(*shop));
    shop->plan = plan_of(yaml);
    assert_int_equal(steps_init(&shop->steps, &tt_alloc_libc, shop->plan, 1000, SIZE_MAX), TT_OK);
}

static void shop_close(struct shop *shop)
{
    steps_deinit(&shop->steps);
    tt_plan_free(shop->plan);
}

static const struct tt_event *pay(struct shop *shop, int64_t t_ms)
{
    int i = shop->count++;
    assert_true(i < EVENTS_MAX);
    shop->ids[i][0] = (char)('a' + i / 26);
    shop->ids[i][1] = (char)('a' + i % 26);
    event_init(&shop->events[i], shop->ids[i], "u", t_ms, 100);
    shop->events[i].txn.text[TT_TEXT_MERCHANT_ID] = TT_STR("m");
    pass_event(&shop->steps, &shop->events[i]);
    return &shop->events[i];
}

static void know(struct shop *shop, int number, enum tt_label_kind kind, int64_t known_at_ms)
{
    struct tt_event label;
    label_init(&label, &shop->events[number], kind, known_at_ms);
    pass_event(&shop->steps, &label);
}

static void is(const struct shop *shop, const struct tt_event *event, const char *feature,
               double expected)
{
    double value = value_of(shop->plan, event, feature);
    if (memcmp(&value, &expected, sizeof(value)) != 0) {
        fail_msg("%s is %.17g, not %.17g", feature, value, expected);
    }
}

static void a_run_goes_back_to_the_last_genuine_event(void **state)
{
    (void)state;
    struct shop shop;
    shop_open(&shop, RUNS);
    const struct tt_event *first = pay(&shop, T0);
    is(&shop, first, "length", 0.0);
    assert_true(is_missing(shop.plan, first, "age") && is_missing(shop.plan, first, "genuine"));
    pay(&shop, T0 + DAY);     /* 1 */
    pay(&shop, T0 + 2 * DAY); /* 2 */
    pay(&shop, T0 + 3 * DAY); /* 3: nobody says anything */
    for (int i = 0; i < 3; i++) {
        know(&shop, i, TT_LABEL_FRAUD, T0 + 4 * DAY);
    }
    const struct tt_event *known = pay(&shop, T0 + 4 * DAY); /* 4 */
    is(&shop, known, "length", 3.0);                         /* what is unknown is passed over */
    is(&shop, known, "age", 4.0);
    is(&shop, known, "first", 4.0);
    is(&shop, known, "last", 48.0);
    assert_true(is_missing(shop.plan, known, "genuine"));
    const struct tt_event *before = pay(&shop, T0 + 10 * DAY - 1); /* 5 */
    is(&shop, before, "length", 3.0);
    const struct tt_event *presumed = pay(&shop, T0 + 10 * DAY); /* 6: 3 is a week old */
    is(&shop, presumed, "length", 0.0);
    is(&shop, presumed, "genuine", 7.0);
    is(&shop, presumed, "last", 8.0 * 24.0);
    shop_close(&shop);
}

static void a_late_report_puts_a_presumed_event_right(void **state)
{
    (void)state;
    struct shop shop;
    shop_open(&shop, RUNS);
    pay(&shop, T0);
    is(&shop, pay(&shop, T0 + 8 * DAY), "genuine", 8.0);
    know(&shop, 0, TT_LABEL_FRAUD, T0 + 9 * DAY);
    is(&shop, pay(&shop, T0 + 9 * DAY - 1), "length", 0.0);
    const struct tt_event *after = pay(&shop, T0 + 9 * DAY);
    is(&shop, after, "length", 1.0);
    assert_true(is_missing(shop.plan, after, "genuine"));
    know(&shop, 0, TT_LABEL_WITHDRAWN, T0 + 10 * DAY);
    const struct tt_event *again = pay(&shop, T0 + 10 * DAY); /* older than the horizon: genuine */
    is(&shop, again, "length", 0.0);
    is(&shop, again, "genuine", 10.0);
    assert_true(is_missing(shop.plan, again, "last"));
    shop_close(&shop);
}

static void a_genuine_label_ends_a_run_before_the_horizon(void **state)
{
    (void)state;
    struct shop shop;
    shop_open(&shop, RUNS);
    pay(&shop, T0);
    pay(&shop, T0 + HOUR);
    pay(&shop, T0 + 2 * HOUR);
    know(&shop, 0, TT_LABEL_FRAUD, T0 + 3 * HOUR);
    know(&shop, 2, TT_LABEL_FRAUD, T0 + 3 * HOUR);
    is(&shop, pay(&shop, T0 + 3 * HOUR), "length", 2.0);
    know(&shop, 1, TT_LABEL_GENUINE, T0 + 4 * HOUR);
    const struct tt_event *after = pay(&shop, T0 + 4 * HOUR);
    is(&shop, after, "length", 1.0);
    is(&shop, after, "genuine", 3.0 / 24.0);
    is(&shop, after, "age", 2.0 / 24.0);
    know(&shop, 1, TT_LABEL_WITHDRAWN, T0 + 5 * HOUR);
    is(&shop, pay(&shop, T0 + 5 * HOUR), "length", 2.0);
    shop_close(&shop);
}

static void a_known_time_window_goes_by_the_first_report(void **state)
{
    (void)state;
    struct shop shop;
    shop_open(&shop, RUNS);
    pay(&shop, T0);
    know(&shop, 0, TT_LABEL_FRAUD, T0 + 10 * DAY);
    know(&shop, 0, TT_LABEL_FRAUD, T0 + 11 * DAY); /* said again: known before */
    is(&shop, pay(&shop, T0 + 10 * DAY - 1), "reported", 0.0);
    is(&shop, pay(&shop, T0 + 10 * DAY), "reported", 1.0);
    is(&shop, pay(&shop, T0 + 12 * DAY - 1), "reported", 1.0);
    is(&shop, pay(&shop, T0 + 12 * DAY), "reported", 0.0);
    know(&shop, 1, TT_LABEL_FRAUD, T0 + 31 * DAY); /* of the tenth day */
    is(&shop, pay(&shop, T0 + 31 * DAY), "reported", 1.0);
    is(&shop, pay(&shop, T0 + 32 * DAY), "reported", 0.0); /* older than window and delay */
    shop_close(&shop);
}

static void ten_thousand_genuine_labels_do_not_hide_a_fraud(void **state)
{
    (void)state;
    struct tt_plan *plan = plan_of(RUNS);
    struct steps steps;
    enum { COUNT = 10000 };
    static struct tt_event events[COUNT];
    static char ids[COUNT][8];
    assert_int_equal(steps_init(&steps, &tt_alloc_libc, plan, 1000, SIZE_MAX), TT_OK);
    for (int i = 0; i < COUNT; i++) {
        struct tt_event label;
        snprintf(ids[i], sizeof(ids[i]), "%d", i);
        event_init(&events[i], ids[i], "u", T0 + i * 1000, 100);
        events[i].txn.text[TT_TEXT_MERCHANT_ID] = TT_STR("m");
        pass_event(&steps, &events[i]);
        label_init(&label, &events[i], i == 5 ? TT_LABEL_FRAUD : TT_LABEL_GENUINE, T0 + i * 1000);
        pass_event(&steps, &label);
    }
    double hours = (double)(COUNT - 1 - 5) * 1000.0 / 3600e3;
    assert_memory_equal(&hours, &(double){value_of(plan, &events[COUNT - 1], "last")}, 8);
    steps_deinit(&steps);
    tt_plan_free(plan);
}

static enum tt_status a_life(const struct tt_alloc *alloc, void *ctx)
{
    (void)ctx;
    struct tt_plan *plan = NULL;
    struct steps steps = {0};
    struct tt_event events[12], label;
    static const char *const IDS[] = {"a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l"};
    enum tt_status status = plan_from(alloc, RUNS, NULL, &plan, NULL);
    status = status == TT_OK ? steps_init(&steps, alloc, plan, 100, SIZE_MAX) : status;
    for (int i = 0; i < 12 && status == TT_OK; i++) {
        struct tt_event *batch[2] = {&events[i], &label};
        event_init(&events[i], IDS[i], "u", T0 + i * DAY, 100);
        events[i].txn.text[TT_TEXT_MERCHANT_ID] = TT_STR("m");
        label_init(&label, &events[i / 2], (enum tt_label_kind)(1 + i % 3), T0 + i * DAY);
        status = steps_run(&steps, batch, 2, 2);
    }
    steps_deinit(&steps);
    tt_plan_free(plan);
    return status;
}

static void a_failed_allocation_leaves_nothing_behind(void **state)
{
    (void)state;
    tt_torture_run(a_life, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_run_goes_back_to_the_last_genuine_event),
        cmocka_unit_test(a_late_report_puts_a_presumed_event_right),
        cmocka_unit_test(a_genuine_label_ends_a_run_before_the_horizon),
        cmocka_unit_test(a_known_time_window_goes_by_the_first_report),
        cmocka_unit_test(ten_thousand_genuine_labels_do_not_hide_a_fraud),
        cmocka_unit_test(a_failed_allocation_leaves_nothing_behind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
