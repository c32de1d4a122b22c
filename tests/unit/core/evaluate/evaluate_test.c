/* Metrics against scikit-learn's numbers and against cases small enough to count by hand. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/rng.h"
#include "core/evaluate/evaluate.h"
#include "data/evaluate/golden.def"
#include "support/torture.h"

#define DAY TT_MS_PER_DAY

static struct tt_evaluation_report report;

static struct tt_evaluation *make(const struct tt_evaluation_options *options)
{
    struct tt_evaluation *evaluation = NULL;
    assert_int_equal(tt_evaluation_new(&tt_alloc_libc, options, &evaluation, NULL), TT_OK);
    return evaluation;
}

static void add(struct tt_evaluation *evaluation, double score, int64_t day, const char *user,
                bool fraud)
{
    struct tt_evaluation_row row = {.score = score,
                                    .timestamp_ms = day * DAY + 1000,
                                    .amount_minor = 100,
                                    .user = tt_str_from(user),
                                    .fraud = fraud};
    assert_int_equal(tt_evaluation_add(evaluation, &row), TT_OK);
}

static void finish(struct tt_evaluation *evaluation)
{
    assert_int_equal(tt_evaluation_finish(evaluation, &report), TT_OK);
}

static void auc_and_average_precision_agree_with_scikit_learn(void **state)
{
    (void)state;
    for (size_t c = 0; c < TT_ARRAY_SIZE(golden_cases); c++) {
        struct tt_evaluation_options options = tt_evaluation_options_default();
        struct tt_evaluation *evaluation = make(&options);
        for (size_t i = 0; i < golden_cases[c].count; i++) {
            size_t at = golden_cases[c].first + i;
            add(evaluation, golden_scores[at], 0, "u", golden_fraud[at] != 0);
        }
        finish(evaluation);
        double auc_gap = fabs(report.whole.auc - golden_cases[c].auc);
        double ap_gap = fabs(report.whole.average_precision - golden_cases[c].average_precision);
        if (!(auc_gap < 1e-12) || !(ap_gap < 1e-12)) {
            fail_msg("%s: auc %.17g, ap %.17g", golden_cases[c].name, report.whole.auc,
                     report.whole.average_precision);
        }
        tt_evaluation_free(evaluation);
    }
}

static void what_is_not_defined_is_nan(void **state)
{
    (void)state;
    struct tt_evaluation_options options = tt_evaluation_options_default();
    options.fold_count = 1;
    struct tt_evaluation *evaluation = make(&options);
    finish(evaluation);
    assert_int_equal(report.whole.rows, 0);
    assert_true(isnan(report.whole.auc) && isnan(report.whole.card_precision));
    assert_true(isnan(report.folds[0].auc) && isnan(report.mean.auc));
    assert_int_equal(report.day_count, 0);
    assert_int_equal(report.curve_count, 0);
    add(evaluation, 0.5, 0, "u", false);
    finish(evaluation);
    assert_true(isnan(report.whole.auc) && isnan(report.whole.average_precision));
    assert_true(isnan(report.whole.recall_at_budget));
    assert_true(report.whole.precision_at_budget < 1e-12);
    assert_int_equal(report.curve_count, 0);
    tt_evaluation_free(evaluation);
}

static void budget_flags_the_highest_rows_of_each_day(void **state)
{
    (void)state;
    struct tt_evaluation_options options = tt_evaluation_options_default();
    options.alerts_daily = 2;
    struct tt_evaluation *evaluation = make(&options);
    add(evaluation, 0.9, 0, "a", false);
    add(evaluation, 0.8, 0, "b", true);
    add(evaluation, 0.7, 0, "c", true); /* third of the day: missed */
    add(evaluation, 0.1, 1, "a", true); /* alone on its day: caught */
    finish(evaluation);
    assert_int_equal(report.whole.flagged, 3);
    assert_int_equal(report.whole.caught, 2);
    assert_true(fabs(report.whole.recall_at_budget - 2.0 / 3.0) < 1e-12);
    assert_true(fabs(report.whole.alerts_daily - 1.5) < 1e-12);
    assert_int_equal(report.whole.caught_minor, 200);
    assert_int_equal(report.whole.missed_minor, 100);
    assert_int_equal(report.day_count, 2);
    assert_int_equal(report.days[0].frauds, 2);
    assert_int_equal(report.days[0].caught, 1);
    assert_int_equal(report.days[1].day, 1);
    tt_evaluation_free(evaluation);
}

static void equal_scores_are_flagged_by_arrival(void **state)
{
    (void)state;
    struct tt_evaluation_options options = tt_evaluation_options_default();
    options.alerts_daily = 1;
    struct tt_evaluation *evaluation = make(&options);
    add(evaluation, -0.0, 0, "a", true); /* equal to 0, and first */
    add(evaluation, 0.0, 0, "b", false);
    add(evaluation, 0.0, 0, "c", false);
    finish(evaluation);
    assert_int_equal(report.whole.caught, 1);
    assert_true(fabs(report.whole.auc - 0.5) < 1e-12);
    tt_evaluation_free(evaluation);
}

static void card_scores_by_its_highest_row_and_is_fraud_by_any(void **state)
{
    (void)state;
    struct tt_evaluation_options options = tt_evaluation_options_default();
    options.cards_daily = 2;
    struct tt_evaluation *evaluation = make(&options);
    add(evaluation, 0.9, 0, "a", false); /* highest row genuine, the card has a fraud below */
    add(evaluation, 0.1, 0, "a", true);
    add(evaluation, 0.8, 0, "a", false); /* the same card again */
    add(evaluation, 0.7, 0, "b", false);
    add(evaluation, 0.6, 0, "c", true); /* third card */
    finish(evaluation);
    assert_true(fabs(report.whole.card_precision - 0.5) < 1e-12);
    tt_evaluation_free(evaluation);
}

/* Fold from day 0: train 0–6, test 14–20. */
static void fold_leaves_out_who_is_known_and_removes_who_was_found(void **state)
{
    (void)state;
    struct tt_evaluation_options options = tt_evaluation_options_default();
    options.cards_daily = 1;
    options.fold_count = 1;
    options.fold_starts[0] = 0;
    struct tt_evaluation *evaluation = make(&options);
    add(evaluation, 0.5, 3, "early", true);  /* in training: known on every test day */
    add(evaluation, 0.5, 7, "eight", true);  /* day 15 - 8: known from day 15 on */
    add(evaluation, 0.5, 13, "never", true); /* known from day 21 on: after the test */
    add(evaluation, 0.9, 14, "early", true);
    add(evaluation, 0.8, 14, "eight", true);  /* still in: found */
    add(evaluation, 0.9, 15, "eight", true);  /* out */
    add(evaluation, 0.3, 15, "never", true);  /* in: found */
    add(evaluation, 0.9, 16, "never", true);  /* found already: no card, still a row */
    add(evaluation, 0.2, 16, "other", false); /* so this is the highest card */
    add(evaluation, 0.9, 21, "other", true);  /* after the test */
    add(evaluation, 0.1, 14, "other", false);
    finish(evaluation);
    assert_int_equal(report.folds[0].rows, 5);
    assert_int_equal(report.folds[0].frauds, 3);
    assert_int_equal(report.folds[0].days, 3);
    assert_true(fabs(report.folds[0].card_precision - 2.0 / 3.0) < 1e-12);
    assert_true(fabs(report.folds[0].auc - 1.0) < 1e-12);
    assert_true(fabs(report.mean.auc - report.folds[0].auc) < 1e-12);
    tt_evaluation_free(evaluation);
}

static void days_begin_at_local_midnight(void **state)
{
    (void)state;
    struct tt_evaluation_options options = tt_evaluation_options_default();
    options.zone_offset_ms = 2 * TT_MS_PER_HOUR;
    struct tt_evaluation *evaluation = make(&options);
    struct tt_evaluation_row row = {.timestamp_ms = DAY - TT_MS_PER_HOUR, .user = TT_STR("u")};
    assert_int_equal(tt_evaluation_add(evaluation, &row), TT_OK);
    row.timestamp_ms = -3 * TT_MS_PER_HOUR; /* before the epoch */
    assert_int_equal(tt_evaluation_add(evaluation, &row), TT_OK);
    finish(evaluation);
    assert_int_equal(report.day_count, 2);
    assert_int_equal(report.days[0].day, -1);
    assert_int_equal(report.days[1].day, 1);
    tt_evaluation_free(evaluation);
}

static void kinds_are_counted_and_too_many_become_other(void **state)
{
    (void)state;
    struct tt_evaluation_options options = tt_evaluation_options_default();
    options.alerts_daily = 1;
    struct tt_evaluation *evaluation = make(&options);
    char name[48];
    for (int i = 0; i < 40; i++) {
        (void)snprintf(name, sizeof name, "kind-%02d", 19 - i / 2);
        struct tt_evaluation_row row = {.score = i == 0 ? 1.0 : 0.1,
                                        .user = TT_STR("u"),
                                        .fraud = true,
                                        .alerted = i == 1,
                                        .kind = tt_str_from(name)};
        assert_int_equal(tt_evaluation_add(evaluation, &row), TT_OK);
    }
    finish(evaluation);
    assert_int_equal(report.kind_count, TT_EVALUATION_KINDS_MAX);
    /* The first 15 names have room; they stand by name, the first one that came last but "other". */
    assert_string_equal(report.kinds[0].name, "kind-05");
    assert_string_equal(report.kinds[14].name, "kind-19");
    assert_int_equal(report.kinds[14].frauds, 2);
    assert_int_equal(report.kinds[14].caught, 1);
    assert_int_equal(report.kinds[14].alerted, 1);
    assert_string_equal(report.kinds[TT_EVALUATION_KINDS_MAX - 1].name, "other");
    assert_int_equal(report.kinds[TT_EVALUATION_KINDS_MAX - 1].frauds, 10);
    assert_int_equal(report.whole.alerts, 1);
    assert_int_equal(report.whole.alerts_fraud, 1);
    tt_evaluation_free(evaluation);
}

static void long_kind_is_cut_between_characters(void **state)
{
    (void)state;
    struct tt_evaluation_options options = tt_evaluation_options_default();
    struct tt_evaluation *evaluation = make(&options);
    /* 30 letters and a two-byte character that would straddle the end. */
    struct tt_evaluation_row row = {
        .fraud = true, .kind = TT_STR("abcdefghijklmnopqrstuvwxyzabcd\xc3\xa4\xc3\xa4")};
    assert_int_equal(tt_evaluation_add(evaluation, &row), TT_OK);
    finish(evaluation);
    assert_string_equal(report.kinds[0].name, "abcdefghijklmnopqrstuvwxyzabcd");
    tt_evaluation_free(evaluation);
}

static void histogram_holds_every_row_once(void **state)
{
    (void)state;
    struct tt_evaluation_options options = tt_evaluation_options_default();
    struct tt_evaluation *evaluation = make(&options);
    struct tt_rng rng;
    tt_rng_init(&rng, 7);
    for (int i = 0; i < 1000; i++) {
        add(evaluation, tt_rng_double(&rng), i / 100, "u", i % 50 == 0);
    }
    finish(evaluation);
    uint64_t scores = 0, tails = 0, frauds = 0;
    for (size_t b = 0; b < TT_EVALUATION_BINS; b++) {
        scores += report.scores.genuine[b] + report.scores.fraud[b];
        tails += report.tails.genuine[b] + report.tails.fraud[b];
        frauds += report.tails.fraud[b];
    }
    assert_int_equal(scores, 1000);
    assert_int_equal(tails, 1000);
    assert_int_equal(frauds, 20);
    add(evaluation, -3.0, 0, "u", false); /* then the scale follows the scores */
    add(evaluation, 5.0, 0, "u", true);
    finish(evaluation);
    assert_true(report.scores.low < -2.9 && report.scores.high > 4.9);
    assert_true(report.tails.high < 1e-12);
    assert_int_equal(report.scores.fraud[TT_EVALUATION_BINS - 1], 1);
    tt_evaluation_free(evaluation);
}

static void curve_is_bounded_and_ends_at_full_recall(void **state)
{
    (void)state;
    struct tt_evaluation_options options = tt_evaluation_options_default();
    struct tt_evaluation *evaluation = make(&options);
    struct tt_rng rng;
    tt_rng_init(&rng, 3);
    for (int i = 0; i < 20000; i++) {
        bool fraud = i % 10 == 0;
        add(evaluation, tt_rng_double(&rng) + (fraud ? 0.3 : 0.0), i / 1000, "u", fraud);
    }
    finish(evaluation);
    assert_in_range(report.curve_count, 100, TT_CURVE_POINTS_MAX);
    for (uint32_t p = 1; p < report.curve_count; p++) {
        assert_true(report.curve[p].recall >= report.curve[p - 1].recall);
        assert_true(report.curve[p].threshold < report.curve[p - 1].threshold);
    }
    assert_true(report.curve[report.curve_count - 1].recall > 1.0 - 1e-12);
    tt_evaluation_free(evaluation);
}

static void report_is_the_same_bits_each_time(void **state)
{
    (void)state;
    struct tt_evaluation_options options = tt_evaluation_options_default();
    options.fold_count = 2;
    options.fold_starts[1] = 5;
    struct tt_evaluation *evaluation = make(&options);
    struct tt_rng rng;
    tt_rng_init(&rng, 11);
    char user[16];
    for (int i = 0; i < 40000; i++) { /* more than two blocks */
        (void)snprintf(user, sizeof user, "u%d", (int)tt_rng_below(&rng, 500));
        double score = (double)tt_rng_below(&rng, 50) / 50.0;
        add(evaluation, score, (int64_t)tt_rng_below(&rng, 30), user, tt_rng_below(&rng, 90) == 0);
    }
    finish(evaluation);
    static struct tt_evaluation_report first;
    first = report;
    finish(evaluation);
    first.days = report.days; /* made anew */
    assert_memory_equal(&first, &report, sizeof report);
    assert_int_equal(report.users, 500);
    assert_true(report.folds[1].rows > 1000);
    tt_evaluation_free(evaluation);
}

static void bad_options_and_rows_are_refused(void **state)
{
    (void)state;
    struct tt_evaluation *evaluation = NULL;
    struct tt_error err;
    struct tt_evaluation_options good = tt_evaluation_options_default();
    struct tt_evaluation_options bad[6];
    for (size_t i = 0; i < TT_ARRAY_SIZE(bad); i++) {
        bad[i] = good;
    }
    bad[0].alerts_daily = 0;
    bad[1].cards_daily = 0;
    bad[2].test_days = 0;
    bad[3].fold_count = TT_EVALUATION_FOLDS_MAX + 1;
    bad[4].zone_offset_ms = INT64_MIN;
    bad[5].fold_count = 1;
    bad[5].fold_starts[0] = INT64_MAX;
    for (size_t i = 0; i < TT_ARRAY_SIZE(bad); i++) {
        assert_int_equal(tt_evaluation_new(&tt_alloc_libc, &bad[i], &evaluation, &err),
                         TT_E_INVALID);
        assert_null(evaluation);
        assert_true(strlen(err.message) > 0);
    }
    evaluation = make(&good);
    struct tt_evaluation_row row = {.score = (double)NAN};
    assert_int_equal(tt_evaluation_add(evaluation, &row), TT_E_INVALID);
    row.score = (double)INFINITY;
    assert_int_equal(tt_evaluation_add(evaluation, &row), TT_E_INVALID);
    row.score = 0.0;
    row.timestamp_ms = INT64_MIN;
    assert_int_equal(tt_evaluation_add(evaluation, &row), TT_E_INVALID);
    row.timestamp_ms = INT64_MAX / 2;
    assert_int_equal(tt_evaluation_add(evaluation, &row), TT_E_LIMIT);
    row.timestamp_ms = 0;
    row.amount_minor = INT64_MAX; /* sums stop instead of wrapping */
    row.fraud = true;
    assert_int_equal(tt_evaluation_add(evaluation, &row), TT_OK);
    assert_int_equal(tt_evaluation_add(evaluation, &row), TT_OK);
    finish(evaluation);
    assert_int_equal(report.whole.caught_minor, INT64_MAX);
    tt_evaluation_free(evaluation);
    tt_evaluation_free(NULL);
}

static void fold_dates_are_parsed_or_refused_whole(void **state)
{
    (void)state;
    struct tt_evaluation_options options = tt_evaluation_options_default();
    struct tt_error err;
    assert_int_equal(tt_evaluation_folds_parse(TT_STR("2018-07-25, 2018-08-01"), &options, &err),
                     TT_OK);
    assert_int_equal(options.fold_count, 2);
    assert_int_equal(options.fold_starts[0], tt_day_from_civil(2018, 7, 25));
    static const char *const bad[] = {"", "2018-07-25,", "2018-02-30", "tomorrow", "2018-07-25x"};
    for (size_t i = 0; i < TT_ARRAY_SIZE(bad); i++) {
        assert_int_equal(tt_evaluation_folds_parse(tt_str_from(bad[i]), &options, &err),
                         TT_E_SYNTAX);
    }
    char many[17 * 11 + 1] = "";
    for (int i = 0; i < 17; i++) {
        strcat(many, i == 0 ? "2018-07-25" : ",2018-07-25");
    }
    assert_int_equal(tt_evaluation_folds_parse(tt_str_from(many), &options, &err), TT_E_LIMIT);
    assert_int_equal(options.fold_count, 2); /* untouched */
}

static enum tt_status tortured(const struct tt_alloc *alloc, void *ctx)
{
    (void)ctx;
    struct tt_evaluation_options options = tt_evaluation_options_default();
    options.fold_count = 1;
    struct tt_evaluation *evaluation = NULL;
    enum tt_status status = tt_evaluation_new(alloc, &options, &evaluation, NULL);
    char user[16];
    for (int i = 0; status == TT_OK && i < 20000; i++) {
        (void)snprintf(user, sizeof user, "u%d", i % 100);
        struct tt_evaluation_row row = {.score = (double)(i % 7),
                                        .timestamp_ms = i * 100000,
                                        .user = tt_str_from(user),
                                        .fraud = i % 9 == 0};
        status = tt_evaluation_add(evaluation, &row);
    }
    if (status == TT_OK) {
        status = tt_evaluation_finish(evaluation, &report);
    }
    tt_evaluation_free(evaluation);
    return status;
}

static void every_failed_allocation_is_reported_and_leaks_nothing(void **state)
{
    (void)state;
    tt_torture_run(tortured, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(auc_and_average_precision_agree_with_scikit_learn),
        cmocka_unit_test(what_is_not_defined_is_nan),
        cmocka_unit_test(budget_flags_the_highest_rows_of_each_day),
        cmocka_unit_test(equal_scores_are_flagged_by_arrival),
        cmocka_unit_test(card_scores_by_its_highest_row_and_is_fraud_by_any),
        cmocka_unit_test(fold_leaves_out_who_is_known_and_removes_who_was_found),
        cmocka_unit_test(days_begin_at_local_midnight),
        cmocka_unit_test(kinds_are_counted_and_too_many_become_other),
        cmocka_unit_test(long_kind_is_cut_between_characters),
        cmocka_unit_test(histogram_holds_every_row_once),
        cmocka_unit_test(curve_is_bounded_and_ends_at_full_recall),
        cmocka_unit_test(report_is_the_same_bits_each_time),
        cmocka_unit_test(bad_options_and_rows_are_refused),
        cmocka_unit_test(fold_dates_are_parsed_or_refused_whole),
        cmocka_unit_test(every_failed_allocation_is_reported_and_leaks_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
