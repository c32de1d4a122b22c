/* core/detect/calibration.h: uniform on clean data, strictly monotone, strictly inside (0, 1). */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/math.h"
#include "base/rng.h"
#include "core/detect/calibration.h"

static const struct tt_axis axis = {0.0, 16.0};

static double normal_prior(const void *ctx, double score)
{
    (void)ctx;
    return tt_student_tail(score, 4.0);
}

static void learn_normal(struct tt_histogram *histogram, size_t count, uint64_t seed)
{
    struct tt_rng rng;
    tt_rng_init(&rng, seed);
    memset(histogram, 0, sizeof *histogram);
    for (size_t i = 0; i < count; i++) {
        tt_histogram_add(histogram, &axis, tt_rng_normal(&rng));
    }
}

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a;
    double y = *(const double *)b;
    return (x > y) - (x < y);
}

static void p_values_of_clean_data_are_uniform(void **state)
{
    (void)state;
    enum { N = 20000 };
    static struct tt_histogram histogram;
    static struct tt_calibration calibration;
    static double p[N];
    struct tt_rng rng;
    learn_normal(&histogram, 200000, 1);
    tt_calibration_init(&calibration, &axis, &histogram, normal_prior, NULL);
    tt_rng_init(&rng, 2);
    for (size_t i = 0; i < N; i++) {
        p[i] = tt_calibration_p(&calibration, tt_rng_normal(&rng));
    }
    qsort(p, N, sizeof p[0], by_value);
    double distance = 0.0;
    for (size_t i = 0; i < N; i++) {
        distance = fmax(distance, fabs(p[i] - (double)(i + 1) / N));
    }
    assert_true(distance < 1.63 / sqrt((double)N) + 0.002); /* KS at 1 %, and the reference's own */
}

static void the_tail_is_near_the_truth_beyond_what_was_seen(void **state)
{
    (void)state;
    static struct tt_histogram histogram;
    static struct tt_calibration calibration;
    struct tt_rng rng;
    tt_rng_init(&rng, 5);
    for (size_t i = 0; i < 50000; i++) {
        tt_histogram_add(&histogram, &axis, tt_rng_exponential(&rng));
    }
    tt_calibration_init(&calibration, &axis, &histogram, normal_prior, NULL);
    for (double s = 6.0; s < 12.0; s += 1.0) {
        double p = tt_calibration_p(&calibration, s);
        assert_true(p > 0.4 * exp(-s) && p < 2.5 * exp(-s));
    }
}

static void check_rising(const struct tt_calibration *calibration, double low, double high)
{
    double before = tt_calibration_surprise(calibration, low);
    for (int i = 1; i <= 4000; i++) {
        double score = low + (high - low) * i / 4000.0;
        double surprise = tt_calibration_surprise(calibration, score);
        double p = tt_calibration_p(calibration, score);
        assert_true(surprise > before);
        assert_true(p > 0.0 && p < 1.0 && 1.0 - p < 1.0);
        before = surprise;
    }
}

static void a_higher_score_is_strictly_more_surprising(void **state)
{
    (void)state;
    static struct tt_histogram histogram;
    static struct tt_calibration calibration;
    static const size_t counts[] = {0, 1, 50, 999, 1000, 100000};
    for (size_t i = 0; i < TT_ARRAY_SIZE(counts); i++) {
        learn_normal(&histogram, counts[i], 3);
        tt_calibration_init(&calibration, &axis, &histogram, normal_prior, NULL);
        check_rising(&calibration, -12.0, 60.0);
        check_rising(&calibration, 60.0, 4000.0);
    }
}

static void the_first_scores_are_judged_by_the_parametric_law(void **state)
{
    (void)state;
    static struct tt_histogram histogram;
    static struct tt_calibration calibration;
    tt_calibration_init(&calibration, &axis, &histogram, normal_prior, NULL);
    for (double s = 0.5; s < 6.0; s += 0.5) {
        double p = tt_calibration_p(&calibration, s);
        double expected = tt_student_tail(s, 4.0);
        assert_true(fabs(p - expected) < 0.03 * expected);
    }
}

static void impossible_scores_get_a_p_value_inside_the_range(void **state)
{
    (void)state;
    static struct tt_histogram histogram;
    static struct tt_calibration calibration;
    learn_normal(&histogram, 5000, 4);
    uint64_t total = histogram.total;
    tt_histogram_add(&histogram, &axis, __builtin_nan(""));
    assert_int_equal(histogram.total, total);
    tt_histogram_add(&histogram, &axis, __builtin_inf());
    tt_histogram_add(&histogram, &axis, -__builtin_inf());
    assert_int_equal(histogram.total, total + 2 * TT_HISTOGRAM_ONE);
    tt_calibration_init(&calibration, &axis, &histogram, normal_prior, NULL);
    static const double scores[] = {__builtin_nan(""), __builtin_inf(), -__builtin_inf(), 1e308,
                                    -1e308};
    for (size_t i = 0; i < TT_ARRAY_SIZE(scores); i++) {
        double p = tt_calibration_p(&calibration, scores[i]);
        assert_true(p > 0.0 && p < 1.0);
    }
    assert_true(tt_calibration_p(&calibration, __builtin_nan("")) > 0.9);
}

static void histograms_add_up_in_any_order_and_give_back(void **state)
{
    (void)state;
    static struct tt_histogram forward;
    static struct tt_histogram backward;
    double scores[500];
    struct tt_rng rng;
    tt_rng_init(&rng, 6);
    for (size_t i = 0; i < 500; i++) {
        scores[i] = 3.0 * tt_rng_normal(&rng);
        tt_histogram_add(&forward, &axis, scores[i]);
    }
    for (size_t i = 500; i > 0; i--) {
        tt_histogram_add(&backward, &axis, scores[i - 1]);
    }
    assert_memory_equal(&forward, &backward, sizeof forward);
    for (size_t i = 0; i < 500; i++) {
        tt_histogram_remove(&forward, &axis, scores[i]);
    }
    assert_int_equal(forward.total, 0);
    tt_histogram_remove(&forward, &axis, 1.0);
    assert_int_equal(forward.total, 0);
}

static void half_of_the_weight_is_left_after_the_half_life(void **state)
{
    (void)state;
    static struct tt_histogram histogram;
    learn_normal(&histogram, 10000, 7);
    uint64_t before = histogram.total;
    uint64_t factor = tt_decay_factor(1209600000, 1209600000.0);
    tt_histogram_decay(&histogram, factor);
    double left = (double)histogram.total / (double)before;
    assert_true(fabs(left - 0.5) < 1e-4);
    assert_true(tt_decay_factor(-5, 1.0) == UINT64_C(1) << 32);
}

static void a_histogram_survives_its_bytes_and_no_truncation_does(void **state)
{
    (void)state;
    static struct tt_histogram histogram;
    static struct tt_histogram copy;
    learn_normal(&histogram, 3000, 8);
    struct tt_buf buf;
    tt_buf_init(&buf, &tt_alloc_libc, 1u << 20);
    tt_histogram_encode(&histogram, &buf);
    struct tt_wire wire = tt_wire_reader(tt_buf_str(&buf));
    tt_histogram_decode(&wire, &copy);
    assert_false(wire.bad);
    assert_int_equal(tt_wire_left(&wire), 0);
    assert_memory_equal(&histogram, &copy, sizeof copy);
    for (size_t size = 0; size < buf.size; size++) {
        wire = tt_wire_reader((struct tt_str){buf.data, size});
        tt_histogram_decode(&wire, &copy);
        assert_true(wire.bad);
    }
    tt_buf_deinit(&buf);
}

static void the_score_at_a_p_value_has_that_p_value(void **state)
{
    (void)state;
    static struct tt_histogram histogram;
    static struct tt_calibration calibration;
    learn_normal(&histogram, 100000, 9);
    tt_calibration_init(&calibration, &axis, &histogram, normal_prior, NULL);
    static const double values[] = {0.5, 0.1, 0.005, 1e-4, 1e-8};
    for (size_t i = 0; i < TT_ARRAY_SIZE(values); i++) {
        double score = tt_calibration_score_at(&calibration, values[i]);
        assert_true(fabs(tt_calibration_p(&calibration, score) / values[i] - 1.0) < 1e-6);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(p_values_of_clean_data_are_uniform),
        cmocka_unit_test(the_tail_is_near_the_truth_beyond_what_was_seen),
        cmocka_unit_test(a_higher_score_is_strictly_more_surprising),
        cmocka_unit_test(the_first_scores_are_judged_by_the_parametric_law),
        cmocka_unit_test(impossible_scores_get_a_p_value_inside_the_range),
        cmocka_unit_test(histograms_add_up_in_any_order_and_give_back),
        cmocka_unit_test(half_of_the_weight_is_left_after_the_half_life),
        cmocka_unit_test(a_histogram_survives_its_bytes_and_no_truncation_does),
        cmocka_unit_test(the_score_at_a_p_value_has_that_p_value),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
