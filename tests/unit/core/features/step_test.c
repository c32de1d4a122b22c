/* A step event by event: edges of windows, ties, lateness, labels, limits, memory that fails. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/rng.h"
#include "features_support.h"
#include "support/torture.h"

#define T0 INT64_C(1772000000000)
#define HOUR TT_MS_PER_HOUR
#define DAY TT_MS_PER_DAY
#define HEAD "entities: {user: {key: user_id}, merchant: {key: merchant_id}}\nfeatures:\n"

/* A plan with its steps, for tests of one page. */
struct bench {
    struct tt_plan *plan;
    struct steps steps;
};

static void bench_init(struct bench *bench, const char *yaml)
{
    bench->plan = plan_of(yaml);
    assert_int_equal(steps_init(&bench->steps, &tt_alloc_libc, bench->plan, 1000, SIZE_MAX), TT_OK);
}

static void bench_deinit(struct bench *bench)
{
    steps_deinit(&bench->steps);
    tt_plan_free(bench->plan);
}

/* Passes a transaction of user u and returns a feature's value. */
static double pass(struct bench *bench, const char *id, int64_t t_ms, int64_t amount_minor,
                   const char *feature)
{
    struct tt_event event;
    event_init(&event, id, "u", t_ms, amount_minor);
    event.txn.text[TT_TEXT_MERCHANT_ID] = TT_STR("m");
    pass_event(&bench->steps, &event);
    return value_of(bench->plan, &event, feature);
}

static void is(double value, double expected)
{
    if (memcmp(&value, &expected, sizeof(value)) != 0) {
        fail_msg("%.17g is not %.17g", value, expected);
    }
}

static void window_forgets_what_is_older_than_its_span(void **state)
{
    (void)state;
    struct bench bench;
    bench_init(&bench, HEAD "- {name: n, entity: user, aggregate: count, window: 1h}\n");
    is(pass(&bench, "a", T0, 100, "n"), 1.0);
    is(pass(&bench, "b", T0 + HOUR - 1, 100, "n"), 2.0);
    is(pass(&bench, "c", T0 + HOUR, 100, "n"), 2.0); /* a is exactly one window old */
    is(pass(&bench, "d", T0 + 3 * 365 * DAY, 100, "n"), 1.0);
    bench_deinit(&bench);
}

static void a_delayed_window_ends_before_now(void **state)
{
    (void)state;
    struct bench bench;
    bench_init(&bench, HEAD "- {name: n, entity: user, aggregate: count, window: 1h, delay: 2h}\n");
    is(pass(&bench, "a", T0, 100, "n"), 0.0);
    is(pass(&bench, "b", T0 + 2 * HOUR - 1, 100, "n"), 0.0);
    is(pass(&bench, "c", T0 + 2 * HOUR, 100, "n"), 1.0);
    is(pass(&bench, "d", T0 + 3 * HOUR, 100, "n"), 0.0);
    is(pass(&bench, "e", T0 + 4 * HOUR, 100, "n"), 2.0); /* b and c */
    bench_deinit(&bench);
}

static void ties_that_came_before_are_seen(void **state)
{
    (void)state;
    struct bench bench;
    bench_init(&bench, HEAD
               "- {name: n, entity: user, aggregate: count, window: 1h, exclude_current: true}\n");
    is(pass(&bench, "z", T0, 100, "n"), 0.0);
    is(pass(&bench, "a", T0, 100, "n"), 1.0);
    is(pass(&bench, "m", T0, 100, "n"), 2.0);
    bench_deinit(&bench);
}

static void a_duplicate_touches_nothing(void **state)
{
    (void)state;
    struct bench bench;
    bench_init(&bench, HEAD "- {name: n, entity: user, aggregate: count, window: 1h}\n");
    is(pass(&bench, "a", T0, 100, "n"), 1.0);
    for (uint8_t gate = 0; gate <= TT_GATE_CONFLICT; gate++) {
        struct tt_event event;
        event_init(&event, "a", "u", T0 + DAY, 100);
        event.gate = gate;
        if (gate != TT_GATE_FRESH) {
            pass_event(&bench.steps, &event);
            assert_int_equal(event.vector.count, 0);
            assert_int_equal(event.step_absorbed, 0);
        }
    }
    assert_true(tt_step_watermark(bench.steps.step[0]) == T0);
    is(pass(&bench, "b", T0 + 1, 100, "n"), 2.0);
    bench_deinit(&bench);
}

static void a_late_event_is_scored_as_of_its_time_and_not_absorbed(void **state)
{
    (void)state;
    struct bench bench;
    struct tt_event event;
    bench_init(&bench, HEAD "- {name: n, entity: user, aggregate: count, window: 1h}\n"
                            "- {name: day, entity: user, aggregate: count, window: 1d}\n");
    pass(&bench, "a", T0, 100, "n");
    pass(&bench, "b", T0 + 4 * HOUR, 100, "n");
    event_init(&event, "edge", "u", T0 + 3 * HOUR, 100); /* just within the hour allowed */
    pass_event(&bench.steps, &event);
    assert_false(event.late);
    assert_int_equal(event.step_absorbed, 1);
    event_init(&event, "late", "u", T0 + HOUR / 2, 100);
    pass_event(&bench.steps, &event);
    assert_true(event.late);
    assert_int_equal(event.step_absorbed, 0);
    is(value_of(bench.plan, &event, "n"), 2.0); /* a and itself */
    is(pass(&bench, "c", T0 + 4 * HOUR, 100, "day"), 4.0);
    assert_int_equal(tt_step_stats(bench.steps.step[0]).late, 1);
    assert_int_equal(tt_step_stats(bench.steps.step[0]).absorbed, 4);
    bench_deinit(&bench);
}

static void a_late_event_of_a_stranger_leaves_no_entity(void **state)
{
    (void)state;
    struct bench bench;
    struct tt_event event;
    bench_init(&bench,
               HEAD "- {name: n, entity: user, aggregate: count, window: 1h}\n"
                    "- {name: q, entity: user, aggregate: median, field: amount, window: 1h}\n");
    pass(&bench, "a", T0, 100, "n");
    for (int i = 0; i < 3; i++) {
        event_init(&event, "late", "stranger", T0 - DAY, 700);
        event.txn.currency = tt_currency_find(i == 1 ? TT_STR("JPY") : TT_STR("EUR"));
        pass_event(&bench.steps, &event);
        is(value_of(bench.plan, &event, "n"), 1.0);
        is(value_of(bench.plan, &event, "q"), i == 1 ? 700.0 : 7.0);
    }
    assert_int_equal(tt_step_stats(bench.steps.step[0]).entities, 1);
    bench_deinit(&bench);
}

static void a_missing_key_leaves_features_missing_or_default(void **state)
{
    (void)state;
    struct bench bench;
    struct tt_event event;
    bench_init(&bench,
               HEAD "- {name: n, entity: merchant, aggregate: count, window: 1h}\n"
                    "- {name: d, entity: merchant, aggregate: count, window: 1h, default: 9}\n"
                    "- {name: e, expression: 'd + amount'}\n"
                    "- {name: f, expression: 'n + 1.0', default: -1}\n");
    event_init(&event, "a", "u", T0, 150);
    pass_event(&bench.steps, &event);
    assert_true(is_missing(bench.plan, &event, "n"));
    is(value_of(bench.plan, &event, "d"), 9.0);
    is(value_of(bench.plan, &event, "e"), 10.5);
    is(value_of(bench.plan, &event, "f"), -1.0);
    assert_int_equal(event.step_absorbed, 0);
    assert_int_equal(tt_step_stats(bench.steps.step[1]).keyless, 1);
    bench_deinit(&bench);
}

static void currencies_do_not_mix(void **state)
{
    (void)state;
    struct bench bench;
    struct tt_event event;
    bench_init(&bench,
               HEAD "- {name: sum, entity: user, aggregate: sum, field: amount, window: 1h}\n"
                    "- {name: max, entity: user, aggregate: max, field: amount, window: 1h, "
                    "exclude_current: true}\n"
                    "- {name: last, entity: user, aggregate: last, field: amount}\n"
                    "- {name: n, entity: user, aggregate: count, window: 1h}\n");
    static const char *const CODES[] = {"EUR", "JPY", "KWD", "EUR", "JPY"};
    static const double SUMS[] = {1.0, 200.0, 0.3, 5.0, 700.0}, LASTS[] = {0, 0, 0, 1.0, 200.0};
    for (int i = 0; i < 5; i++) {
        char id[2] = {(char)('a' + i), '\0'};
        event_init(&event, id, "u", T0 + i, (i + 1) * 100);
        event.txn.currency = tt_currency_find(tt_str_from(CODES[i]));
        pass_event(&bench.steps, &event);
        is(value_of(bench.plan, &event, "sum"), SUMS[i]);
        is(value_of(bench.plan, &event, "n"), i + 1);
        assert_int_equal(is_missing(bench.plan, &event, "max"), i < 3);
        assert_int_equal(is_missing(bench.plan, &event, "last"), i < 3);
        if (i >= 3) {
            is(value_of(bench.plan, &event, "last"), LASTS[i]);
        }
    }
    bench_deinit(&bench);
}

static void huge_amounts_keep_every_digit(void **state)
{
    (void)state;
    struct bench bench;
    char id[16];
    bench_init(
        &bench,
        HEAD "- {name: std, entity: user, aggregate: std, field: amount, window: 1d, default: 0}\n"
             "- {name: mean, entity: user, aggregate: mean, field: amount, window: 1d}\n");
    double std = 0.0;
    for (int i = 0; i < 10000; i++) {
        snprintf(id, sizeof(id), "%d", i);
        std = pass(&bench, id, T0 + i, TT_AMOUNT_MINOR_MAX - (i % 2), "std");
    }
    /* Alternating by one cent: n / 4 / (n - 1) of a cent squared. */
    is(std, sqrt(2500.0 / 9999.0) / 100.0);
    is(pass(&bench, "same", T0 + 2 * DAY, TT_AMOUNT_MINOR_MAX, "std"), 0.0);
    is(pass(&bench, "again", T0 + 2 * DAY, TT_AMOUNT_MINOR_MAX, "std"), 0.0);
    bench_deinit(&bench);
}

static void what_cannot_be_computed_is_missing(void **state)
{
    (void)state;
    struct bench bench;
    struct tt_event event;
    bench_init(&bench, HEAD
               "- {name: log, expression: 'log(amount)'}\n"
               "- {name: one, expression: 'amount / 0.0'}\n"
               "- {name: two, expression: '0.0 / amount'}\n"
               "- {name: n, entity: user, aggregate: count, field: log_amount, window: 1h}\n"
               "- {name: std, entity: user, aggregate: std, field: amount, window: 1h}\n"
               "- {name: r, entity: user, aggregate: ratio_to_mean, field: amount, window: 1h}\n"
               "- {name: km, entity: user, aggregate: distance_km_from_last}\n");
    event_init(&event, "a", "u", T0, 0);
    pass_event(&bench.steps, &event);
    assert_true(is_missing(bench.plan, &event, "log"));
    assert_true(is_missing(bench.plan, &event, "one"));
    assert_true(is_missing(bench.plan, &event, "two"));
    assert_true(is_missing(bench.plan, &event, "std"));
    assert_true(is_missing(bench.plan, &event, "r"));
    assert_true(is_missing(bench.plan, &event, "km"));
    is(value_of(bench.plan, &event, "n"), 0.0);
    bench_deinit(&bench);
}

static void movement_is_measured_from_the_last_known_place(void **state)
{
    (void)state;
    struct bench bench;
    struct tt_event event;
    bench_init(&bench, HEAD "- {name: km, entity: user, aggregate: distance_km_from_last}\n"
                            "- {name: kmh, entity: user, aggregate: speed_kmh_from_last}\n");
    static const double LATITUDES[] = {0.0, 1.0, 0.0, 0.0};
    for (int i = 0; i < 4; i++) {
        char id[2] = {(char)('a' + i), '\0'};
        event_init(&event, id, "u", T0 + (i == 3 ? 2 : i) * HOUR, 100);
        event.txn.has_position = i != 1; /* the second has a place nobody knows */
        event.txn.latitude = LATITUDES[i];
        event.txn.longitude = i >= 2 ? 1.0 : 0.0;
        pass_event(&bench.steps, &event);
        assert_int_equal(is_missing(bench.plan, &event, "km"), i < 2);
        if (i == 2) {
            double km = value_of(bench.plan, &event, "km");
            assert_true(fabs(km - 111.195) < 0.001);
            is(value_of(bench.plan, &event, "kmh"), km / 2.0);
        }
        if (i == 3) {
            is(value_of(bench.plan, &event, "kmh"), 0.0);
        }
    }
    bench_deinit(&bench);
}

#define FRAUD                                                                                      \
    HEAD "- {name: f, entity: merchant, aggregate: fraud_share, window: 2d, delay: 1d, default: "  \
         "0}\n"

/* The share at a time, asked by an event that itself only counts a day later. */
static double share_at(struct bench *bench, const char *id, int64_t t_ms)
{
    return pass(bench, id, t_ms, 100, "f");
}

static void pass_label(struct bench *bench, const struct tt_event *of, enum tt_label_kind kind,
                       int64_t known_at_ms)
{
    struct tt_event label;
    label_init(&label, of, kind, known_at_ms);
    pass_event(&bench->steps, &label);
}

static void labels_count_from_the_instant_they_are_known(void **state)
{
    (void)state;
    struct bench bench;
    struct tt_event event;
    bench_init(&bench, FRAUD);
    event_init(&event, "a", "u", T0, 100);
    event.txn.text[TT_TEXT_MERCHANT_ID] = TT_STR("m");
    pass_event(&bench.steps, &event);
    pass_label(&bench, &event, TT_LABEL_FRAUD, T0 + 2 * DAY);
    is(share_at(&bench, "b", T0 + 2 * DAY - 1), 0.0);
    is(share_at(&bench, "c", T0 + 2 * DAY), 1.0);
    is(share_at(&bench, "d", T0 + 3 * DAY - 1), 0.5); /* b counts by now */
    is(share_at(&bench, "e", T0 + 3 * DAY), 0.0);     /* a has left */
    assert_int_equal(tt_step_stats(bench.steps.step[1]).labels, 1);
    bench_deinit(&bench);
}

static void a_later_label_takes_an_earlier_one_back(void **state)
{
    (void)state;
    struct bench bench;
    struct tt_event event, label;
    bench_init(&bench, FRAUD);
    event_init(&event, "a", "u", T0, 100);
    event.txn.text[TT_TEXT_MERCHANT_ID] = TT_STR("m");
    pass_event(&bench.steps, &event);
    /* In an order other than that of knowing. */
    pass_label(&bench, &event, TT_LABEL_WITHDRAWN, T0 + 30 * HOUR);
    pass_label(&bench, &event, TT_LABEL_FRAUD, T0 + 25 * HOUR);
    pass_label(&bench, &event, TT_LABEL_FRAUD, T0 + 25 * HOUR);
    label_init(&label, &event, TT_LABEL_FRAUD, T0 + 25 * HOUR);
    label.label.recorded_at_ms = T0 + 35 * HOUR; /* known early, here late: the later rules */
    pass_event(&bench.steps, &label);
    pass_label(&bench, &event, TT_LABEL_GENUINE, T0 + 40 * HOUR);
    pass_label(&bench, &event, TT_LABEL_FRAUD, T0 + 40 * HOUR); /* of two at once genuine holds */
    is(share_at(&bench, "b", T0 + 25 * HOUR - 1), 0.0);
    is(share_at(&bench, "c", T0 + 25 * HOUR), 1.0);
    is(share_at(&bench, "d", T0 + 30 * HOUR), 0.0);
    is(share_at(&bench, "e", T0 + 35 * HOUR), 1.0);
    is(share_at(&bench, "f", T0 + 40 * HOUR), 0.0);
    bench_deinit(&bench);
}

static void labels_of_what_is_not_held_are_counted_as_lost(void **state)
{
    (void)state;
    struct bench bench;
    struct tt_event event;
    bench_init(&bench, FRAUD);
    event_init(&event, "a", "u", T0, 100);
    pass_label(&bench, &event, TT_LABEL_FRAUD, T0 + DAY); /* without the merchant's key */
    event.txn.text[TT_TEXT_MERCHANT_ID] = TT_STR("m");
    pass_label(&bench, &event, TT_LABEL_FRAUD, T0 + DAY); /* of an event that never came */
    pass_event(&bench.steps, &event);
    for (int i = 0; i < 40; i++) {
        pass_label(&bench, &event, TT_LABEL_FRAUD, T0 + DAY + i);
    }
    struct tt_step_stats stats = tt_step_stats(bench.steps.step[1]);
    assert_int_equal(stats.labels, 16);
    assert_int_equal(stats.labels_lost, 25);
    pass(&bench, "b", T0 + 100 * DAY, 100, "f");
    pass_label(&bench, &event, TT_LABEL_FRAUD, T0 + 100 * DAY); /* forgotten by now */
    assert_int_equal(tt_step_stats(bench.steps.step[1]).labels_lost, 26);
    bench_deinit(&bench);
}

static void a_full_entity_keeps_its_older_events_in_panes(void **state)
{
    (void)state;
    struct bench bench;
    char id[16];
    bench_init(&bench,
               "entities: {user: {key: user_id, events_max: 10}}\nfeatures:\n"
               "- {name: n, entity: user, aggregate: count, window: 30d}\n"
               "- {name: sum, entity: user, aggregate: sum, field: amount, window: 30d}\n"
               "- {name: min, entity: user, aggregate: min, field: amount, window: 30d}\n"
               "- {name: f, entity: user, aggregate: fraud_share, window: 30d, filter: 'amount > "
               "0.30'}\n");
    for (int i = 0; i < 50; i++) {
        struct tt_event event;
        snprintf(id, sizeof(id), "%d", i);
        event_init(&event, id, "u", T0 + i, i + 1);
        pass_event(&bench.steps, &event);
        is(value_of(bench.plan, &event, "n"), i + 1.0);
        is(value_of(bench.plan, &event, "sum"), (i + 1) * (i + 2) / 2 / 100.0);
        is(value_of(bench.plan, &event, "min"), 0.01);
        assert_int_equal(event.step_degraded, 0);
    }
    struct tt_event event; /* in a pane by now: its filters are looked at again */
    event_init(&event, "35", "u", T0 + 35, 36);
    pass_label(&bench, &event, TT_LABEL_FRAUD, T0);
    event_init(&event, "5", "u", T0 + 5, 6);
    pass_label(&bench, &event, TT_LABEL_FRAUD, T0);
    event_init(&event, "0", "u", T0 - 40 * DAY, 6);
    pass_label(&bench, &event, TT_LABEL_FRAUD, T0);
    struct tt_step_stats stats = tt_step_stats(bench.steps.step[0]);
    assert_int_equal(stats.demoted, 40);
    assert_int_equal(stats.labels, 2);
    assert_int_equal(stats.labels_lost, 1);
    is(pass(&bench, "next", T0 + 60, 100, "f"), 1.0 / 21.0);
    /* Panes go as a whole: half a day before what they hold would leave, at the most. */
    is(pass(&bench, "later", T0 + 29 * DAY, 100, "n"), 52.0);
    is(pass(&bench, "gone", T0 + 60 + 30 * DAY, 100, "n"), 2.0);
    assert_int_equal(tt_step_stats(bench.steps.step[0]).demoted, 43);
    bench_deinit(&bench);
}

static void amounts_of_nothing_and_of_the_largest_kind_fit_panes(void **state)
{
    (void)state;
    struct bench bench;
    char id[16];
    bench_init(&bench, "entities: {user: {key: user_id, events_max: 1}}\nfeatures:\n"
                       "- {name: min, entity: user, aggregate: min, field: amount, window: 30d}\n"
                       "- {name: max, entity: user, aggregate: max, field: amount, window: 30d}\n"
                       "- {name: log, entity: user, aggregate: max, field: log_amount, window: "
                       "30d}\n");
    for (int i = 0; i < 20; i++) {
        struct tt_event event;
        snprintf(id, sizeof(id), "%d", i);
        event_init(&event, id, "u", T0 + i, i % 2 == 0 ? 0 : TT_AMOUNT_MINOR_MAX);
        pass_event(&bench.steps, &event);
        is(value_of(bench.plan, &event, "min"), 0.0);
        if (i > 0) {
            assert_true(fabs(value_of(bench.plan, &event, "max") - 1e13) <= 1e13 / 128.0);
            assert_true(fabs(value_of(bench.plan, &event, "log") - log(1e13)) <= 1.0 / 128.0);
        }
    }
    bench_deinit(&bench);
}

static void amounts_count_with_the_sign_of_their_type(void **state)
{
    (void)state;
    struct bench bench;
    bench_init(&bench,
               "amount_sign: {refund: -1, reversal: -1}\n" HEAD
               "- {name: sum, entity: user, aggregate: sum, field: amount, window: 1d}\n"
               "- {name: min, entity: user, aggregate: min, field: amount, window: 1d}\n"
               "- {name: logs, entity: user, aggregate: count, field: log_amount, window: 1d}\n"
               "- {name: large, entity: user, aggregate: count, window: 1d, filter: 'amount >= "
               "3.0'}\n");
    static const struct {
        uint8_t type;
        int64_t amount;
        double sum, min, logs, large;
    } STEPS[] = {
        {TT_TXN_PURCHASE, 500, 5.0, 5.0, 1.0, 1.0}, {TT_TXN_REFUND, 300, 2.0, -3.0, 1.0, 2.0},
        {TT_TXN_REFUND, 0, 2.0, -3.0, 1.0, 2.0},    {TT_TXN_REVERSAL, 500, -3.0, -5.0, 1.0, 3.0},
        {TT_TXN_TRANSFER, 0, -3.0, -5.0, 1.0, 3.0}, {TT_TXN_WITHDRAWAL, 100, -2.0, -5.0, 2.0, 3.0},
    };
    for (size_t i = 0; i < TT_ARRAY_SIZE(STEPS); i++) {
        struct tt_event event;
        char id[4] = {(char)('a' + i)};
        event_init(&event, id, "u", T0 + (int64_t)i, STEPS[i].amount);
        event.txn.type = STEPS[i].type;
        pass_event(&bench.steps, &event);
        is(value_of(bench.plan, &event, "sum"), STEPS[i].sum);
        is(value_of(bench.plan, &event, "min"), STEPS[i].min);
        is(value_of(bench.plan, &event, "logs"), STEPS[i].logs);
        is(value_of(bench.plan, &event, "large"), STEPS[i].large);
    }
    bench_deinit(&bench);
}

static void amounts_of_several_currencies_add_up_in_the_base_currency(void **state)
{
    (void)state;
    struct bench bench;
    struct tt_rates rates = {.base = tt_currency_find(TT_STR("JPY"))};
    struct tt_plan_options options = {.rates = &rates};
    rates.rates[rates.base] = TT_RATE_ONE;
    rates.rates[tt_currency_find(TT_STR("EUR"))] = 160 * TT_RATE_ONE + TT_RATE_ONE / 2;
    assert_int_equal(
        plan_from(&tt_alloc_libc,
                  "amount_sign: {refund: -1}\n" HEAD
                  "- {name: sum, entity: user, aggregate: sum, field: amount_base, window: 1d}\n"
                  "- {name: own, entity: user, aggregate: sum, field: amount, window: 1d}\n"
                  "- {name: n, entity: user, aggregate: count, field: amount_base, window: 1d}\n"
                  "- {name: twice, expression: 'amount_base * 2.0'}\n",
                  &options, &bench.plan, NULL),
        TT_OK);
    assert_int_equal(steps_init(&bench.steps, &tt_alloc_libc, bench.plan, 9, SIZE_MAX), TT_OK);
    static const struct {
        const char *currency;
        uint8_t type;
        int64_t amount;
        double sum, own, n;
    } STEPS[] = {
        {"EUR", TT_TXN_PURCHASE, 101, 162.0, 1.01, 1.0}, /* 162.105 yen */
        {"JPY", TT_TXN_PURCHASE, 1000, 1162.0, 1000.0, 2.0},
        {"USD", TT_TXN_PURCHASE, 500, 1162.0, 5.0, 2.0}, /* not in the table */
        {"EUR", TT_TXN_REFUND, 100, 1001.0, 0.01, 3.0},  /* 160.5 yen */
    };
    for (size_t i = 0; i < TT_ARRAY_SIZE(STEPS); i++) {
        struct tt_event event;
        char id[4] = {(char)('a' + i)};
        event_init(&event, id, "u", T0 + (int64_t)i, STEPS[i].amount);
        event.txn.type = STEPS[i].type;
        event.txn.currency = tt_currency_find(tt_str_from(STEPS[i].currency));
        pass_event(&bench.steps, &event);
        is(value_of(bench.plan, &event, "sum"), STEPS[i].sum);
        is(value_of(bench.plan, &event, "own"), STEPS[i].own);
        is(value_of(bench.plan, &event, "n"), STEPS[i].n);
        assert_int_equal(is_missing(bench.plan, &event, "twice"), i == 2);
    }
    assert_int_equal(tt_step_stats(bench.steps.step[0]).unpriced, 1);
    bench_deinit(&bench);
}

/* Sums move with every event; after many updates they are what a window of its own would hold.
 * TT_FEATURES_UPDATES=100000000 is the whole of it. */
static void many_updates_leave_no_drift(void **state)
{
    (void)state;
    struct bench bench;
    const char *text = getenv("TT_FEATURES_UPDATES");
    uint64_t updates = text == NULL ? 200000 : strtoull(text, NULL, 10);
    int64_t amounts[64] = {0};
    char id[24];
    bench_init(&bench,
               HEAD "- {name: sum, entity: user, aggregate: sum, field: amount, window: 64ms}\n"
                    "- {name: std, entity: user, aggregate: std, field: amount, window: 64ms}\n");
    struct tt_event event;
    struct tt_rng rng;
    tt_rng_init(&rng, 11);
    for (uint64_t i = 0; i < updates; i++) {
        /* A large one now and then, whose trace a double would keep. */
        bool large = tt_rng_below(&rng, 50) == 0;
        amounts[i % 64] = (int64_t)tt_rng_below(&rng, large ? TT_AMOUNT_MINOR_MAX : 1000);
        snprintf(id, sizeof(id), "%llu", (unsigned long long)i);
        event_init(&event, id, "u", T0 + (int64_t)i, amounts[i % 64]);
        pass_event(&bench.steps, &event);
    }
    __int128 sum = 0;
    long double around = 0.0L;
    for (size_t i = 0; i < 64; i++) {
        sum += amounts[i];
    }
    for (size_t i = 0; i < 64; i++) {
        long double away = (long double)amounts[i] - (long double)sum / 64.0L;
        around += away * away;
    }
    double deviation = (double)sqrtl(around / 63.0L) / 100.0;
    is(value_of(bench.plan, &event, "sum"), (double)sum / 100.0);
    assert_true(fabs(value_of(bench.plan, &event, "std") - deviation) <= 1e-9 * deviation);
    bench_deinit(&bench);
}

/* All within a minute, each once: memory stays under its limit, and who may have lost is told. */
static void a_flood_of_distinct_users_stays_within_its_memory(void **state)
{
    (void)state;
    struct tt_plan *plan =
        plan_of(HEAD "- {name: n, entity: user, aggregate: count, window: 30d}\n"
                     "- {name: m, entity: user, aggregate: median, field: amount, window: 30d}\n");
    const size_t memory_max = 4U << 20;
    const int users = 1000000;
    struct steps steps;
    char user[16];
    uint64_t degraded = 0;
    assert_int_equal(steps_init(&steps, &tt_alloc_libc, plan, 10000000, memory_max), TT_OK);
    for (int i = 0; i < users; i++) {
        struct tt_event event;
        snprintf(user, sizeof(user), "u%d", i);
        event_init(&event, user, user, T0 + i * INT64_C(60000) / users, 100);
        pass_event(&steps, &event);
        degraded += event.step_degraded;
        if (i % 10000 == 0) {
            struct tt_step_stats stats = tt_step_stats(steps.step[0]);
            /* The limit is of states; tables of pointers to them come to a fraction of it. */
            assert_true(stats.bytes <= memory_max + memory_max / 2);
            assert_int_equal(stats.entities + stats.evicted, (uint64_t)i + 1);
        }
    }
    struct tt_step_stats stats = tt_step_stats(steps.step[0]);
    assert_true(stats.evicted > (uint64_t)users / 2);
    /* From the first eviction on everybody who seems new may be one that had to go. */
    assert_true(degraded >= stats.evicted - 1);
    assert_int_equal(degraded, stats.degraded);
    steps_deinit(&steps);
    tt_plan_free(plan);
}

static void too_many_entities_evict_the_idle(void **state)
{
    (void)state;
    struct tt_plan *plan =
        plan_of(HEAD "- {name: n, entity: user, aggregate: count, window: 30d}\n");
    struct steps steps;
    char user[16];
    assert_int_equal(steps_init(&steps, &tt_alloc_libc, plan, 8, SIZE_MAX), TT_OK);
    for (int i = 0; i < 100; i++) {
        struct tt_event event;
        snprintf(user, sizeof(user), "u%d", i);
        event_init(&event, user, user, T0 + i, 100);
        pass_event(&steps, &event);
        assert_int_equal(event.step_degraded, i < 8 ? 0 : 1); /* it may be one that had to go */
        event_init(&event, "hot", "hot", T0 + i, 100);
        pass_event(&steps, &event);
        assert_int_equal(event.step_degraded, 0);
    }
    struct tt_step_stats stats = tt_step_stats(steps.step[0]);
    assert_int_equal(stats.entities, 8);
    assert_int_equal(stats.evicted, 101 - 8);
    struct tt_event event;
    event_init(&event, "hot", "hot", T0 + 100, 100);
    pass_event(&steps, &event);
    is(value_of(plan, &event, "n"), 101.0);
    steps_deinit(&steps);
    tt_plan_free(plan);
}

static void memory_stays_under_its_limit(void **state)
{
    (void)state;
    struct tt_plan *plan =
        plan_of(HEAD "- {name: q, entity: user, aggregate: median, field: amount, window: 30d}\n");
    struct steps steps;
    char user[16];
    assert_int_equal(steps_init(&steps, &tt_alloc_libc, plan, 1U << 20, 1U << 20), TT_OK);
    for (int i = 0; i < 100000; i++) {
        struct tt_event event;
        snprintf(user, sizeof(user), "u%d", i % 20000);
        event_init(&event, user, user, T0 + i, 100);
        pass_event(&steps, &event);
    }
    struct tt_step_stats stats = tt_step_stats(steps.step[0]);
    assert_true(stats.evicted > 0);
    /* The tables that find entities come on top of what they hold. */
    assert_true(stats.bytes < (1U << 20) + (1U << 18));
    steps_deinit(&steps);
    tt_plan_free(plan);
}

static void idle_entities_are_forgotten_by_the_watermark(void **state)
{
    (void)state;
    struct bench bench;
    char user[16];
    bench_init(&bench, HEAD "- {name: age, entity: user, aggregate: first_seen, window: 1d}\n");
    for (int i = 0; i < 500; i++) {
        struct tt_event event;
        snprintf(user, sizeof(user), "u%d", i);
        event_init(&event, user, user, T0, 100);
        pass_event(&bench.steps, &event);
    }
    assert_int_equal(tt_step_stats(bench.steps.step[0]).entities, 500);
    for (int i = 0; i < 1200; i++) {
        pass(&bench, "x", T0 + 2 * DAY + i, 100, "age");
    }
    assert_int_equal(tt_step_stats(bench.steps.step[0]).entities, 1);
    assert_int_equal(tt_step_stats(bench.steps.step[0]).expired, 500);
    bench_deinit(&bench);
}

static void attributes_are_kept_as_fixed_point_and_hashes(void **state)
{
    (void)state;
    static const struct tt_attribute_decl DECLARED[] = {
        {{"basket", 6}, TT_ATTRIBUTE_DOUBLE},
        {{"is_3ds", 6}, TT_ATTRIBUTE_BOOL},
        {{"shop", 4}, TT_ATTRIBUTE_STRING},
    };
    static const char YAML[] =
        HEAD "- {name: mean, entity: user, aggregate: mean, field: basket, window: 1h}\n"
             "- {name: max, entity: user, aggregate: max, field: basket, window: 1h}\n"
             "- {name: secure, entity: user, aggregate: sum, field: is_3ds, window: 1h}\n"
             "- {name: shops, entity: user, aggregate: count_distinct, field: shop, window: 1h}\n"
             "- {name: has, entity: user, aggregate: count, field: shop, window: 1h}\n"
             "- {name: big, entity: user, aggregate: count, window: 1h, filter: 'basket > 3.0'}\n";
    static const double BASKETS[] = {2.5, 3.25, 1e300, 0.0, 0.0};
    static const char *const SHOPS[] = {"a", "b", "a", "b", NULL};
    static const double MEANS[] = {2.5, 2.875, 2.875, 5.75 / 3.0, 5.75 / 3.0};
    struct tt_plan_options options = {.attributes = DECLARED, .attribute_count = 3};
    struct bench bench;
    struct tt_error err = {0};
    assert_int_equal(plan_from(&tt_alloc_libc, YAML, &options, &bench.plan, &err), TT_OK);
    assert_int_equal(steps_init(&bench.steps, &tt_alloc_libc, bench.plan, 10, SIZE_MAX), TT_OK);
    for (int i = 0; i < 5; i++) {
        struct tt_event event;
        struct tt_attribute attributes[] = {
            {TT_STR("shop"), TT_ATTRIBUTE_STRING, 0.0, tt_str_from(SHOPS[i])},
            {TT_STR("is_3ds"), TT_ATTRIBUTE_BOOL, i % 2, {0}},
            {TT_STR("basket"), TT_ATTRIBUTE_DOUBLE, BASKETS[i], {0}},
        };
        char id[2] = {(char)('a' + i), '\0'};
        event_init(&event, id, "u", T0 + i, 100);
        event.txn.attributes = attributes;
        event.txn.attribute_count = i == 4 ? 0 : 3; /* the last has none */
        pass_event(&bench.steps, &event);
        is(value_of(bench.plan, &event, "mean"), MEANS[i]);
        is(value_of(bench.plan, &event, "max"), i == 0 ? 2.5 : 3.25);
        is(value_of(bench.plan, &event, "secure"), i < 1 ? 0.0 : i < 3 ? 1.0 : 2.0);
        is(value_of(bench.plan, &event, "shops"), i == 0 ? 1.0 : 2.0);
        is(value_of(bench.plan, &event, "has"), i < 4 ? i + 1 : 4);
        is(value_of(bench.plan, &event, "big"), i < 1 ? 0.0 : i < 2 ? 1.0 : 2.0);
    }
    bench_deinit(&bench);
}

/* What a late event sees must not depend on how far back the process remembers beyond the
 * retention: one that was restarted from the retained history gives the same. */
static void a_late_event_sees_no_more_than_a_replay_could(void **state)
{
    (void)state;
    double counts[2];
    for (int replayed = 0; replayed < 2; replayed++) {
        struct bench bench;
        struct tt_event event;
        bench_init(&bench, HEAD "- {name: n, entity: user, aggregate: count, window: 10d}\n");
        int64_t from_ms = T0 + 15 * DAY - tt_plan_retention_ms(bench.plan);
        for (int i = 0; i < 200; i++) {
            int64_t t_ms = T0 + i * HOUR;
            if (replayed == 0 || t_ms > from_ms) {
                pass(&bench, "a", t_ms, 100, "n");
            }
        }
        event_init(&event, "other", "other", T0 + 15 * DAY, 100);
        pass_event(&bench.steps, &event);
        event_init(&event, "late", "u", T0 + 14 * DAY, 100);
        pass_event(&bench.steps, &event);
        assert_true(event.late);
        counts[replayed] = value_of(bench.plan, &event, "n");
        bench_deinit(&bench);
    }
    is(counts[0], counts[1]);
    assert_true(counts[0] > 50.0);
}

static void an_age_ends_at_its_window(void **state)
{
    (void)state;
    struct bench bench;
    bench_init(&bench, HEAD "- {name: age, entity: user, aggregate: first_seen, unit: hours, "
                            "window: 10h}\n");
    is(pass(&bench, "a", T0, 100, "age"), 0.0);
    is(pass(&bench, "b", T0 + HOUR / 2, 100, "age"), 0.5);
    is(pass(&bench, "c", T0 + 10 * HOUR, 100, "age"), 9.5);
    is(pass(&bench, "d", T0 + 30 * HOUR, 100, "age"), 0.0);
    bench_deinit(&bench);
}

/* Six ordinary payments a day, then those amounts a minute apart; the last one's feature. */
static double after_amounts(struct bench *bench, const int64_t *amounts, size_t count,
                            const char *feature)
{
    char id[16];
    double value = (double)NAN;
    for (int i = 0; i < 60; i++) {
        snprintf(id, sizeof(id), "h%d", i);
        (void)pass(bench, id, T0 + i * 4 * HOUR, 2000 + i % 7 * 300, feature);
    }
    for (size_t i = 0; i < count; i++) {
        snprintf(id, sizeof(id), "a%zu", i);
        value = pass(bench, id, T0 + 10 * DAY + (int64_t)i * TT_MS_PER_MINUTE, amounts[i], feature);
    }
    return value;
}

static const char FOLDS[] = HEAD
    "- {name: s, entity: user, aggregate: surprise, field: amount, baseline: 30d, default: 0}\n"
    "- {name: n, entity: user, aggregate: surprise_count, field: amount, window: 1d, "
    "baseline: 30d}\n"
    "- {name: t, entity: user, aggregate: takeover, field: amount, window: 7d, baseline: "
    "30d, default: -9}\n";

static double folds_after(const int64_t *amounts, size_t count, const char *feature)
{
    struct bench bench;
    bench_init(&bench, FOLDS);
    double value = after_amounts(&bench, amounts, count, feature);
    bench_deinit(&bench);
    return value;
}

static void a_surprise_raises_the_odds_of_what_follows_and_habit_lowers_them(void **state)
{
    static const int64_t QUIET[] = {2500, 2500, 6000}, LOUD[] = {20000, 20000, 6000};
    static const int64_t CALMED[] = {20000, 2300, 2300, 2300, 2300, 2300, 2300, 6000};
    (void)state;
    assert_true(folds_after(LOUD, 1, "s") > 4.0);
    is(folds_after(LOUD, 2, "n"), 2.0);
    is(folds_after(QUIET, 2, "n"), 0.0);
    double quiet = folds_after(QUIET, 3, "t"), loud = folds_after(LOUD, 3, "t");
    assert_true(loud > quiet + 5.0);
    double calmed = folds_after(CALMED, 8, "t");
    assert_true(calmed < loud && calmed > quiet);
}

static void what_comes_late_changes_what_was_folded_after_it(void **state)
{
    static const int64_t LOUD[] = {20000, 20000, 6000};
    struct bench bench;
    (void)state;
    bench_init(&bench, FOLDS);
    (void)after_amounts(&bench, LOUD + 2, 1, "t");
    double before = pass(&bench, "x", T0 + 10 * DAY + 9 * TT_MS_PER_MINUTE, 2500, "t");
    (void)pass(&bench, "y", T0 + 10 * DAY + 8 * TT_MS_PER_MINUTE, 30000, "t");
    double after = pass(&bench, "z", T0 + 10 * DAY + 9 * TT_MS_PER_MINUTE, 2500, "t");
    assert_true(after > before + 2.0);
    is(pass(&bench, "z2", T0 + 10 * DAY + 9 * TT_MS_PER_MINUTE, 2500, "n"), 2.0);
    bench_deinit(&bench);
}

static const char TORTURE[] = HEAD
    "- {name: a, entity: user, aggregate: median, field: amount, window: 2h}\n"
    "- {name: b, entity: user, aggregate: count_distinct, field: merchant_id, window: 1h, "
    "delay: 1h}\n"
    "- {name: c, entity: merchant, aggregate: fraud_share, window: 2h}\n"
    "- {name: d, entity: merchant, aggregate: std, field: log_amount, window: 2h}\n"
    "- {name: e, entity: user, aggregate: takeover, field: amount, window: 1h, baseline: 2h}\n";

static enum tt_status run_some(const struct tt_alloc *alloc, void *ctx)
{
    static struct tt_event events[120];
    static char ids[120][12];
    static const char *const USERS[] = {"u", "v", "w"};
    struct steps steps;
    struct tt_event *batch[120];
    enum tt_status status = steps_init(&steps, alloc, ctx, 2, SIZE_MAX);
    if (status != TT_OK) {
        return status;
    }
    for (int i = 0; i < 120; i++) {
        batch[i] = &events[i];
        snprintf(ids[i], sizeof(ids[i]), "%d", i);
        if (i % 7 == 6) {
            label_init(&events[i], &events[i - 3], TT_LABEL_FRAUD, T0);
            continue;
        }
        int64_t t_ms = T0 + (i % 5 == 4 ? i - 4 : i) * 4 * TT_MS_PER_MINUTE;
        event_init(&events[i], ids[i], USERS[i % 11 % 3], i == 100 ? T0 : t_ms, i * 13 % 40);
        events[i].txn.text[TT_TEXT_MERCHANT_ID] = tt_str_from(i % 2 == 0 ? "m" : "n");
        events[i].txn.currency = tt_currency_find(i % 3 == 0 ? TT_STR("JPY") : TT_STR("EUR"));
    }
    status = steps_run(&steps, batch, 120, 16);
    for (int i = 0; i < 120; i++) {
        /* Whatever failed, each has its vector. */
        assert_true(events[i].kind == TT_EVENT_LABEL || events[i].vector.count == 5);
        bool missed = events[i].kind == TT_EVENT_TRANSACTION && events[i].vector.count == 5 &&
                      !events[i].late && (events[i].step_absorbed & 1) == 0;
        assert_true(!missed || (events[i].step_degraded & 1) != 0);
    }
    steps_deinit(&steps);
    return status;
}

static void failing_memory_loses_no_vector_and_leaks_nothing(void **state)
{
    (void)state;
    struct tt_plan *plan = plan_of(TORTURE);
    tt_torture_run(run_some, plan);
    tt_plan_free(plan);
}

static void the_card_pack_says_what_an_analyst_expects(void **state)
{
    (void)state;
    struct bench bench;
    struct tt_event event;
    struct tt_error err = {0};
    char id[16];
    assert_int_equal(plan_from_file(&tt_alloc_libc, "config/features.yaml", &bench.plan, &err),
                     TT_OK);
    assert_int_equal(steps_init(&bench.steps, &tt_alloc_libc, bench.plan, 1000, SIZE_MAX), TT_OK);
    /* 2026-02-25 06:13:20 UTC is a Wednesday. */
    for (int i = 0; i <= 20; i++) {
        snprintf(id, sizeof(id), "t%d", i);
        event_init(&event, id, "u", T0 + i * DAY, i == 20 ? 40000 : 1900 + i * 10);
        event.txn.text[TT_TEXT_MERCHANT_ID] = TT_STR("m");
        event.txn.text[TT_TEXT_DEVICE_ID] = i == 20 ? TT_STR("new") : TT_STR("old");
        pass_event(&bench.steps, &event);
    }
    is(value_of(bench.plan, &event, "user_tx_count_7d"), 7.0);
    is(value_of(bench.plan, &event, "user_amount_mean_30d"), 19.95);
    is(value_of(bench.plan, &event, "user_amount_median_30d"), 19.95);
    is(value_of(bench.plan, &event, "user_amount_ratio_30d"), 400.0 / 19.95);
    assert_true(value_of(bench.plan, &event, "user_amount_zscore_30d") > 100.0);
    assert_true(value_of(bench.plan, &event, "merchant_amount_ratio") > 3.0);
    is(value_of(bench.plan, &event, "user_amount_log_count_30d"), 20.0);
    is(value_of(bench.plan, &event, "user_age_days"), 20.0);
    is(value_of(bench.plan, &event, "device_age_days"), 0.0);
    is(value_of(bench.plan, &event, "device_users_24h"), 1.0);
    is(value_of(bench.plan, &event, "user_seconds_since_last"), 86400.0);
    is(value_of(bench.plan, &event, "is_night"), 1.0);
    is(value_of(bench.plan, &event, "is_weekend"), 0.0);
    assert_true(is_missing(bench.plan, &event, "user_speed_kmh"));
    assert_int_equal(event.step_absorbed, 7);
    bench_deinit(&bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(window_forgets_what_is_older_than_its_span),
        cmocka_unit_test(a_delayed_window_ends_before_now),
        cmocka_unit_test(ties_that_came_before_are_seen),
        cmocka_unit_test(a_duplicate_touches_nothing),
        cmocka_unit_test(a_late_event_is_scored_as_of_its_time_and_not_absorbed),
        cmocka_unit_test(a_late_event_of_a_stranger_leaves_no_entity),
        cmocka_unit_test(a_missing_key_leaves_features_missing_or_default),
        cmocka_unit_test(currencies_do_not_mix),
        cmocka_unit_test(huge_amounts_keep_every_digit),
        cmocka_unit_test(what_cannot_be_computed_is_missing),
        cmocka_unit_test(movement_is_measured_from_the_last_known_place),
        cmocka_unit_test(labels_count_from_the_instant_they_are_known),
        cmocka_unit_test(a_later_label_takes_an_earlier_one_back),
        cmocka_unit_test(labels_of_what_is_not_held_are_counted_as_lost),
        cmocka_unit_test(a_full_entity_keeps_its_older_events_in_panes),
        cmocka_unit_test(amounts_of_nothing_and_of_the_largest_kind_fit_panes),
        cmocka_unit_test(amounts_count_with_the_sign_of_their_type),
        cmocka_unit_test(amounts_of_several_currencies_add_up_in_the_base_currency),
        cmocka_unit_test(many_updates_leave_no_drift),
        cmocka_unit_test(a_flood_of_distinct_users_stays_within_its_memory),
        cmocka_unit_test(too_many_entities_evict_the_idle),
        cmocka_unit_test(memory_stays_under_its_limit),
        cmocka_unit_test(idle_entities_are_forgotten_by_the_watermark),
        cmocka_unit_test(attributes_are_kept_as_fixed_point_and_hashes),
        cmocka_unit_test(a_late_event_sees_no_more_than_a_replay_could),
        cmocka_unit_test(an_age_ends_at_its_window),
        cmocka_unit_test(failing_memory_loses_no_vector_and_leaks_nothing),
        cmocka_unit_test(a_surprise_raises_the_odds_of_what_follows_and_habit_lowers_them),
        cmocka_unit_test(what_comes_late_changes_what_was_folded_after_it),
        cmocka_unit_test(the_card_pack_says_what_an_analyst_expects),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
