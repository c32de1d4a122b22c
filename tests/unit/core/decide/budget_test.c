/* The alert budget on simulated traffic: launch, burst, sale day, weekend, fraud ring, rules. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/math.h"
#include "base/rng.h"
#include "base/timetext.h"
#include "core/decide/budget.h"

#define BUDGET 50
#define DAYS_MAX 40
#define MIN_SEVERITY_P 0.002

/* Payments an hour by local hour, out of 96: quiet nights, busy evenings. */
static const uint8_t hours[24] = {1, 1, 1, 1, 1, 2, 3, 4, 5, 5, 5, 5,
                                  6, 5, 5, 5, 5, 6, 7, 7, 6, 5, 3, 2};

struct traffic {
    struct tt_budget budget;
    struct tt_rng rng;
    int64_t start_ms; /* local midnight of day 0 */
    int64_t offset_ms;
    uint32_t alerts[DAYS_MAX], rules[DAYS_MAX], pages[DAYS_MAX], held[DAYS_MAX];
    uint32_t hourly[DAYS_MAX * 24];
    uint64_t digest; /* of all outcomes in order */
};

static void begin_with(struct traffic *traffic, uint32_t per_day, uint8_t policy)
{
    memset(traffic, 0, sizeof *traffic);
    struct tt_budget_options options = {per_day, policy};
    tt_budget_init(&traffic->budget, &options);
    tt_rng_init(&traffic->rng, 11);
    traffic->start_ms = INT64_C(20000) * TT_MS_PER_DAY; /* a Friday */
}

static void begin(struct traffic *traffic, uint8_t policy)
{
    begin_with(traffic, BUDGET, policy);
}

static enum tt_alert pay(struct traffic *traffic, int64_t local_ms, double p_value, bool rule)
{
    struct tt_budget_case payment = {
        .p_value = p_value,
        .anomalous = rule || p_value <= 0.005,
        .severe = rule || p_value <= MIN_SEVERITY_P,
        .rule = rule,
    };
    tt_budget_reach(&traffic->budget, local_ms - traffic->offset_ms, traffic->offset_ms);
    enum tt_alert outcome = tt_budget_ask(&traffic->budget, &payment);
    tt_budget_note(&traffic->budget, &payment, outcome);
    int64_t day = (local_ms - traffic->start_ms) / TT_MS_PER_DAY;
    traffic->alerts[day] += outcome == TT_ALERT_OPENED ? 1 : 0;
    traffic->rules[day] += outcome == TT_ALERT_RULE ? 1 : 0;
    traffic->pages[day] += outcome == TT_ALERT_PAGED ? 1 : 0;
    traffic->held[day] += outcome == TT_ALERT_HELD ? 1 : 0;
    traffic->hourly[(local_ms - traffic->start_ms) / TT_MS_PER_HOUR] +=
        tt_alert_goes_out((uint8_t)outcome) ? 1 : 0;
    traffic->digest = traffic->digest * 31 + outcome;
    return outcome;
}

/* A day's payments from an hour on; `burst` times as many in the hour 13; `rules` of them by rule. */
struct day {
    uint32_t count;
    uint32_t from_hour;
    uint32_t burst;
    uint32_t rules;
    uint32_t ring; /* payments of a fraud ring between 10:00 and 12:00, p about e^-10 */
};

static void run_day(struct traffic *traffic, uint32_t number, const struct day *day)
{
    int64_t begin_ms = traffic->start_ms + (int64_t)number * TT_MS_PER_DAY;
    uint32_t rule_every = day->rules > 0 ? day->count / day->rules : 0;
    uint32_t made = 0;
    for (uint32_t hour = day->from_hour; hour < 24; hour++) {
        uint32_t count = day->count * hours[hour] / 96;
        count *= day->burst > 0 && hour == 13 ? day->burst : 1;
        uint32_t ring = day->ring > 0 && (hour == 10 || hour == 11) ? day->ring / 2 : 0;
        for (uint32_t i = 0; i < count + ring; i++) {
            int64_t at = begin_ms + hour * TT_MS_PER_HOUR +
                         (int64_t)((double)TT_MS_PER_HOUR * i / (count + ring));
            bool of_ring = ring > 0 && i % ((count + ring) / ring) == 0;
            double p = tt_rng_double(&traffic->rng);
            p = of_ring ? exp(-10.0) * (0.5 + p) : p > 1e-12 ? p : 1e-12;
            made++;
            (void)pay(traffic, at, p, rule_every > 0 && made % rule_every == 0);
        }
    }
}

static uint32_t sum(const struct traffic *traffic, uint32_t from, uint32_t to)
{
    uint32_t total = 0;
    for (uint32_t i = from; i < to; i++) {
        total += traffic->alerts[i] + traffic->rules[i] + traffic->pages[i];
    }
    return total;
}

/* The promise: the mean of each 7 days within a fifth of the budget, no day past twice it. */
static void check_promise(const struct traffic *traffic, uint32_t from, uint32_t to)
{
    for (uint32_t i = from; i + 7 <= to; i++) {
        double mean = sum(traffic, i, i + 7) / 7.0;
        if (fabs(mean - BUDGET) > 0.2 * BUDGET) {
            print_error("days %u to %u: mean %.1f\n", i, i + 6, mean);
        }
        assert_true(fabs(mean - BUDGET) <= 0.2 * BUDGET);
    }
    for (uint32_t i = from; i < to; i++) {
        assert_true(sum(traffic, i, i + 1) <= 2 * BUDGET);
    }
}

static void ordinary_days_fill_the_budget(void **state)
{
    (void)state;
    static struct traffic traffic;
    static const uint32_t counts[] = {2000, 10000, 100000};
    for (size_t k = 0; k < TT_ARRAY_SIZE(counts); k++) {
        begin(&traffic, TT_BUDGET_HOLD);
        for (uint32_t i = 0; i < 21; i++) {
            run_day(&traffic, i, &(struct day){.count = counts[k]});
            assert_true(traffic.alerts[i] <= BUDGET);
        }
        check_promise(&traffic, 1, 21);
    }
}

static void a_launch_alerts_at_most_twice_the_hourly_share_and_soon_fills_the_budget(void **state)
{
    (void)state;
    static struct traffic traffic;
    begin(&traffic, TT_BUDGET_HOLD);
    run_day(&traffic, 0, &(struct day){.count = 100000, .from_hour = 17});
    for (uint32_t i = 1; i < 15; i++) {
        run_day(&traffic, i, &(struct day){.count = 100000});
    }
    for (uint32_t hour = 17; hour < 41; hour++) {
        assert_true(traffic.hourly[hour] <= 5); /* 2 x 50 / 24 */
    }
    assert_true(sum(&traffic, 0, 1) > 0);
    check_promise(&traffic, 1, 15);
}

static void a_tenfold_burst_stays_within_the_day(void **state)
{
    (void)state;
    static struct traffic traffic;
    begin(&traffic, TT_BUDGET_HOLD);
    for (uint32_t i = 0; i < 21; i++) {
        run_day(&traffic, i, &(struct day){.count = 10000, .burst = i == 12 ? 10 : 0});
    }
    assert_true(sum(&traffic, 12, 13) <= BUDGET);
    assert_true(traffic.held[12] > 0);
    check_promise(&traffic, 1, 21);
}

static void a_sale_day_and_weekends_keep_the_mean(void **state)
{
    (void)state;
    static struct traffic traffic;
    begin(&traffic, TT_BUDGET_HOLD);
    for (uint32_t i = 0; i < 35; i++) {
        bool weekend = i % 7 == 1 || i % 7 == 2;
        uint32_t count = i == 24 ? 50000 : weekend ? 4000 : 12000;
        run_day(&traffic, i, &(struct day){.count = count});
    }
    check_promise(&traffic, 1, 35);
    for (uint32_t i = 14; i < 35; i++) {
        assert_true(sum(&traffic, i, i + 1) >= BUDGET * 7 / 10);
    }
}

static void a_fraud_ring_takes_the_day_and_not_the_days_after_it(void **state)
{
    (void)state;
    static struct traffic traffic;
    begin(&traffic, TT_BUDGET_HOLD);
    for (uint32_t i = 0; i < 25; i++) {
        run_day(&traffic, i, &(struct day){.count = 10000, .ring = i == 14 ? 400 : 0});
    }
    assert_true(sum(&traffic, 14, 15) >= BUDGET * 9 / 10);
    check_promise(&traffic, 1, 25);
    for (uint32_t i = 15; i < 25; i++) {
        assert_true(sum(&traffic, i, i + 1) >= BUDGET * 7 / 10);
    }
}

static void a_ring_may_exceed_up_to_the_cap_by_policy(void **state)
{
    (void)state;
    static struct traffic traffic;
    begin(&traffic, TT_BUDGET_EXCEED);
    for (uint32_t i = 0; i < 21; i++) {
        run_day(&traffic, i, &(struct day){.count = 10000, .ring = i == 14 ? 400 : 0});
    }
    assert_int_equal(sum(&traffic, 14, 15), 2 * BUDGET);
    check_promise(&traffic, 1, 21);
}

static void a_ring_pages_once_by_policy(void **state)
{
    (void)state;
    static struct traffic traffic;
    begin(&traffic, TT_BUDGET_PAGE);
    for (uint32_t i = 0; i < 21; i++) {
        run_day(&traffic, i, &(struct day){.count = 10000, .ring = i == 14 ? 400 : 0});
    }
    assert_int_equal(traffic.pages[14], 1);
    assert_true(traffic.alerts[14] <= BUDGET);
    check_promise(&traffic, 1, 21);
}

static void rules_always_pass_and_are_debited_first(void **state)
{
    (void)state;
    static struct traffic traffic;
    begin(&traffic, TT_BUDGET_HOLD);
    for (uint32_t i = 0; i < 14; i++) {
        run_day(&traffic, i, &(struct day){.count = 9600, .rules = 30});
    }
    check_promise(&traffic, 1, 14);
    for (uint32_t i = 1; i < 14; i++) {
        assert_true(traffic.rules[i] >= 29);
        assert_true(traffic.alerts[i] <= 22);
    }
}

static void statistics_keep_a_share_when_rules_take_everything(void **state)
{
    (void)state;
    static struct traffic traffic;
    begin(&traffic, TT_BUDGET_HOLD);
    for (uint32_t i = 0; i < 14; i++) {
        run_day(&traffic, i, &(struct day){.count = 9600, .rules = 200});
    }
    for (uint32_t i = 2; i < 14; i++) {
        assert_true(traffic.rules[i] >= 199);
        assert_true(traffic.alerts[i] >= 5 && traffic.alerts[i] <= BUDGET / 5);
    }
}

static void a_higher_rank_alerts_before_a_lower_one(void **state)
{
    (void)state;
    static struct traffic traffic;
    begin(&traffic, TT_BUDGET_HOLD);
    for (uint32_t i = 0; i < 8; i++) {
        run_day(&traffic, i, &(struct day){.count = 20000});
    }
    int64_t at = traffic.start_ms + 8 * TT_MS_PER_DAY;
    assert_true(tt_budget_p(&traffic.budget) >= 0.0);
    assert_int_equal(pay(&traffic, at, 1e-6, false), TT_ALERT_OPENED);
    double bar = tt_budget_p(&traffic.budget);
    assert_true(bar > 0.0005 && bar < 0.01); /* about 50 of 20,000 */
    assert_int_equal(pay(&traffic, at + 1, bar * 1.001, false), TT_ALERT_HELD);
    assert_int_equal(pay(&traffic, at + 2, bar * 0.999, false), TT_ALERT_OPENED);
    assert_int_equal(pay(&traffic, at + 3, 0.2, false), TT_ALERT_NONE);
}

static void hits_of_an_open_case_are_attached_and_cost_nothing(void **state)
{
    (void)state;
    static struct traffic traffic;
    begin(&traffic, TT_BUDGET_HOLD);
    tt_budget_reach(&traffic.budget, traffic.start_ms, 0);
    struct tt_budget_case payment = {1e-6, true, true, true, true};
    enum tt_alert outcome = tt_budget_ask(&traffic.budget, &payment);
    assert_int_equal(outcome, TT_ALERT_ATTACHED);
    tt_budget_note(&traffic.budget, &payment, outcome);
    assert_int_equal(tt_budget_spent(&traffic.budget), 0);
    payment.anomalous = false;
    assert_int_equal(tt_budget_ask(&traffic.budget, &payment), TT_ALERT_NONE);
}

static void without_a_budget_every_severe_one_alerts(void **state)
{
    (void)state;
    static struct traffic traffic;
    begin_with(&traffic, 0, TT_BUDGET_HOLD);
    for (int64_t i = 0; i < 1000; i++) {
        assert_int_equal(pay(&traffic, traffic.start_ms + i, 0.001, false), TT_ALERT_OPENED);
        assert_int_equal(pay(&traffic, traffic.start_ms + i, 0.003, false), TT_ALERT_NONE);
    }
}

static void a_day_begins_at_local_midnight_and_never_goes_back(void **state)
{
    (void)state;
    static struct traffic traffic;
    begin_with(&traffic, 2, TT_BUDGET_HOLD);
    traffic.offset_ms = 5 * TT_MS_PER_HOUR + 30 * TT_MS_PER_MINUTE;
    int64_t midnight = traffic.start_ms + TT_MS_PER_DAY;
    for (int64_t i = 0; i < 240; i++) {
        double p_value = i == 50 || i == 150 ? 1e-6 : 0.5;
        (void)pay(&traffic, midnight - TT_MS_PER_DAY + i * TT_MS_PER_DAY / 240, p_value, false);
    }
    assert_int_equal(tt_budget_spent(&traffic.budget), 2);
    assert_int_equal(pay(&traffic, midnight - 1, 1e-6, false), TT_ALERT_HELD);
    assert_int_equal(pay(&traffic, midnight, 1e-6, false), TT_ALERT_OPENED);
    /* clocks go back over midnight: still the new day */
    tt_budget_reach(&traffic.budget, midnight - traffic.offset_ms + 1000,
                    traffic.offset_ms - TT_MS_PER_HOUR);
    assert_int_equal(tt_budget_spent(&traffic.budget), 1);
}

static void state_that_is_saved_goes_on_to_the_same_alerts(void **state)
{
    (void)state;
    static struct traffic whole, first, second;
    begin(&whole, TT_BUDGET_HOLD);
    begin(&first, TT_BUDGET_HOLD);
    for (uint32_t i = 0; i < 20; i++) {
        run_day(&whole, i, &(struct day){.count = 5000, .rules = 10});
    }
    for (uint32_t i = 0; i < 9; i++) {
        run_day(&first, i, &(struct day){.count = 5000, .rules = 10});
    }
    struct tt_buf buf;
    tt_buf_init(&buf, &tt_alloc_libc, 1u << 20);
    tt_budget_encode(&first.budget, &buf);
    assert_int_equal(buf.status, TT_OK);
    second = first;
    memset(&second.budget, 0x55, sizeof second.budget);
    second.budget.options = first.budget.options;
    struct tt_wire wire = tt_wire_reader(tt_buf_str(&buf));
    tt_budget_decode(&second.budget, &wire);
    assert_false(wire.bad);
    assert_int_equal(tt_wire_left(&wire), 0);
    for (uint32_t i = 9; i < 20; i++) {
        run_day(&second, i, &(struct day){.count = 5000, .rules = 10});
    }
    assert_true(second.digest == whole.digest);
    /* and every cut or changed byte is either refused or gives some state, never a fault */
    for (size_t i = 0; i < buf.size; i += 7) {
        static struct tt_budget damaged;
        damaged.options = first.budget.options;
        wire = tt_wire_reader((struct tt_str){buf.data, i});
        tt_budget_decode(&damaged, &wire);
        assert_true(wire.bad);
        buf.data[i] = (char)(buf.data[i] ^ 0x41);
        wire = tt_wire_reader(tt_buf_str(&buf));
        tt_budget_decode(&damaged, &wire);
        (void)tt_budget_p(&damaged);
        buf.data[i] = (char)(buf.data[i] ^ 0x41);
    }
    tt_buf_deinit(&buf);
}

static void asking_changes_nothing(void **state)
{
    (void)state;
    static struct traffic asked, quiet;
    begin(&asked, TT_BUDGET_HOLD);
    begin(&quiet, TT_BUDGET_HOLD);
    for (uint32_t i = 0; i < 5; i++) {
        run_day(&asked, i, &(struct day){.count = 5000});
        run_day(&quiet, i, &(struct day){.count = 5000});
        struct tt_budget_case payment = {1e-9, true, true, false, false};
        for (uint32_t k = 0; k < 100; k++) {
            (void)tt_budget_ask(&asked.budget, &payment);
        }
    }
    assert_true(asked.digest == quiet.digest);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ordinary_days_fill_the_budget),
        cmocka_unit_test(a_launch_alerts_at_most_twice_the_hourly_share_and_soon_fills_the_budget),
        cmocka_unit_test(a_tenfold_burst_stays_within_the_day),
        cmocka_unit_test(a_sale_day_and_weekends_keep_the_mean),
        cmocka_unit_test(a_fraud_ring_takes_the_day_and_not_the_days_after_it),
        cmocka_unit_test(a_ring_may_exceed_up_to_the_cap_by_policy),
        cmocka_unit_test(a_ring_pages_once_by_policy),
        cmocka_unit_test(rules_always_pass_and_are_debited_first),
        cmocka_unit_test(statistics_keep_a_share_when_rules_take_everything),
        cmocka_unit_test(a_higher_rank_alerts_before_a_lower_one),
        cmocka_unit_test(hits_of_an_open_case_are_attached_and_cost_nothing),
        cmocka_unit_test(without_a_budget_every_severe_one_alerts),
        cmocka_unit_test(a_day_begins_at_local_midnight_and_never_goes_back),
        cmocka_unit_test(state_that_is_saved_goes_on_to_the_same_alerts),
        cmocka_unit_test(asking_changes_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
