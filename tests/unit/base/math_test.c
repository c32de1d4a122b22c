/* Elementary functions against the C library's long doubles, tails against tables. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/hash.h"
#include "base/math.h"
#include "base/rng.h"
#include "base/status.h"

#define RUNS 300000

static bool is_bits(double a, double b)
{
    return memcmp(&a, &b, sizeof a) == 0;
}

/* The error in units of the last place of the exact value. */
static double ulps(double value, long double exact)
{
    double near = fabs((double)exact);
    double unit = nextafter(near, (double)INFINITY) - near;
    return (double)(fabsl((long double)value - exact) / (long double)unit);
}

static double uniform(struct tt_rng *rng, double low, double high)
{
    return low + (high - low) * tt_rng_double(rng);
}

static void logarithm_errs_by_less_than_two_ulp(void **state)
{
    (void)state;
    struct tt_rng rng;
    tt_rng_init(&rng, 1);
    for (int i = 0; i < RUNS; i++) {
        double x = (i & 1) != 0 ? uniform(&rng, 0.5, 2.0) : exp(uniform(&rng, -708.0, 709.0));
        assert_true(ulps(tt_log(x), logl((long double)x)) < 1.0);
        double y = (i & 1) != 0 ? uniform(&rng, -0.999, 3.0) : exp(uniform(&rng, -40.0, 700.0));
        y = (i & 2) != 0 && y < 1.0 ? -y : y;
        assert_true(ulps(tt_log1p(y), log1pl((long double)y)) < 1.5);
    }
    assert_true(ulps(tt_log(5e-324), logl(0x1p-1074L)) < 1.0);
    assert_true(ulps(tt_log(1.7976931348623157e308), logl(0x1.fffffffffffffp1023L)) < 1.0);
    assert_true(is_bits(tt_log(1.0), 0.0));
    assert_true(is_bits(tt_log(0.0), -(double)INFINITY));
    assert_true(is_bits(tt_log(-0.0), -(double)INFINITY));
    assert_true(is_bits(tt_log((double)INFINITY), (double)INFINITY));
    assert_true(isnan(tt_log(-1.0)));
    assert_true(isnan(tt_log(-(double)INFINITY)));
    assert_true(isnan(tt_log((double)NAN)));
    assert_true(is_bits(tt_log1p(-1.0), -(double)INFINITY));
    assert_true(is_bits(tt_log1p(1e-300), 1e-300));
    assert_true(is_bits(tt_log1p((double)INFINITY), (double)INFINITY));
    assert_true(isnan(tt_log1p(-1.5)));
    assert_true(isnan(tt_log1p((double)NAN)));
}

static void exponential_errs_by_less_than_two_ulp(void **state)
{
    (void)state;
    struct tt_rng rng;
    tt_rng_init(&rng, 2);
    for (int i = 0; i < RUNS; i++) {
        double x = (i & 1) != 0 ? uniform(&rng, -1.0, 1.0) : uniform(&rng, -745.0, 709.78);
        assert_true(ulps(tt_exp(x), expl((long double)x)) < 1.0);
    }
    assert_true(is_bits(tt_exp(0.0), 1.0));
    assert_true(is_bits(tt_exp(-745.2), 0.0));
    assert_true(is_bits(tt_exp(-1e300), 0.0));
    assert_true(is_bits(tt_exp(709.79), (double)INFINITY));
    assert_true(is_bits(tt_exp(1e300), (double)INFINITY));
    assert_true(is_bits(tt_exp((double)INFINITY), (double)INFINITY));
    assert_true(is_bits(tt_exp(-(double)INFINITY), 0.0));
    assert_true(isnan(tt_exp((double)NAN)));
    assert_true(isfinite(tt_exp(709.78)));
    assert_true(tt_exp(-745.1) > 0.0);
}

static void angles_err_by_less_than_1e_15(void **state)
{
    (void)state;
    struct tt_rng rng;
    tt_rng_init(&rng, 3);
    for (int i = 0; i < RUNS; i++) {
        double x = uniform(&rng, -1048576.0, 1048576.0) * ((i & 1) != 0 ? 1e-5 : 1.0);
        double s = uniform(&rng, -1.0, 1.0);
        assert_true(fabsl((long double)tt_sin(x) - sinl((long double)x)) < 1e-15L);
        assert_true(fabsl((long double)tt_cos(x) - cosl((long double)x)) < 1e-15L);
        assert_true(fabsl((long double)tt_asin(s) - asinl((long double)s)) < 1e-15L);
    }
    assert_true(is_bits(tt_sin(0.0), 0.0));
    assert_true(is_bits(tt_cos(0.0), 1.0));
    assert_true(fabs(tt_asin(1.0) - asin(1.0)) < 1e-15);
    assert_true(fabs(tt_asin(-1.0) + asin(1.0)) < 1e-15);
    assert_true(isnan(tt_asin(1.0000001)));
    assert_true(isnan(tt_asin((double)NAN)));
    assert_true(isnan(tt_sin(1e7)));
    assert_true(isnan(tt_cos((double)INFINITY)));
    assert_true(isnan(tt_sin((double)NAN)));
    assert_true(is_bits(tt_sqrt(2.0), sqrt(2.0)));
}

static void functions_rise_where_they_should(void **state)
{
    (void)state;
    /* A step down at the seam of two pieces would turn a threshold around. */
    double exp_before = 0.0;
    double log_before = -(double)INFINITY;
    double tail_before = 1.0;
    for (int i = 1; i < 200000; i++) {
        double x = (double)i * 1e-4;
        double e = tt_exp(x - 10.0);
        double l = tt_log(x);
        double t = tt_normal_tail(x - 10.0);
        assert_true(e > exp_before && l > log_before && t <= tail_before);
        exp_before = e;
        log_before = l;
        tail_before = t;
    }
}

static void normal_tail_has_known_values(void **state)
{
    (void)state;
    /* mpmath, 30 digits: erfc(z / sqrt(2)) / 2. */
    static const struct {
        double z, tail;
    } cases[] = {
        {0.0, 0.5},
        {0.1, 0.46017216272297102},
        {0.5, 0.3085375387259869},
        {1.0, 0.15865525393145705},
        {1.96, 0.024997895148220436},
        {3.0, 0.0013498980316300945},
        {5.0, 2.8665157187919391e-7},
        {8.0, 6.2209605742717841e-16},
        {12.0, 1.776482112077679e-33},
        {20.0, 2.7536241186062337e-89},
        {30.0, 4.9067139271481871e-198},
        {37.0, 5.7255712225245768e-300},
        {-0.5, 0.6914624612740131},
        {-3.0, 0.99865010196836991},
        {-9.0, 1.0},
    };
    for (size_t i = 0; i < TT_ARRAY_SIZE(cases); i++) {
        double error = fabs(tt_normal_tail(cases[i].z) / cases[i].tail - 1.0);
        assert_true(error < 1e-12);
    }
    assert_true(is_bits(tt_normal_tail((double)INFINITY), 0.0));
    assert_true(is_bits(tt_normal_tail(-(double)INFINITY), 1.0));
    assert_true(is_bits(tt_normal_tail(40.0), 0.0));
    assert_true(tt_normal_tail(38.0) > 2.8e-316);
    assert_true(isnan(tt_normal_tail((double)NAN)));
}

static void student_tail_has_known_values(void **state)
{
    (void)state;
    /* mpmath, 30 digits: betainc(df/2, 1/2, 0, df/(df + t^2), regularized=True) / 2. */
    static const struct {
        double t, df, tail;
    } cases[] = {
        {0.01, 0.5, 0.49730337181805225},
        {0.5, 0.5, 0.37865903646471832},
        {1.5, 0.5, 0.25395089532405422},
        {3.0, 0.5, 0.18365407799297172},
        {10.0, 0.5, 0.10133867638566557},
        {30.0, 0.5, 0.058546841490053445},
        {1000.0, 0.5, 0.010141454540857095},
        {0.01, 1.0, 0.49681700723509174},
        {0.5, 1.0, 0.35241638234956673},
        {1.5, 1.0, 0.18716704181099882},
        {3.0, 1.0, 0.10241638234956673},
        {10.0, 1.0, 0.03172551743055357},
        {30.0, 1.0, 0.010606402405535423},
        {1000.0, 1.0, 0.00031830978008055894},
        {0.01, 2.0, 0.49646455447910049},
        {0.5, 2.0, 0.33333333333333333},
        {1.5, 2.0, 0.13619656244550054},
        {3.0, 2.0, 0.047732983133354566},
        {10.0, 2.0, 0.0049262285116628454},
        {30.0, 2.0, 0.00055463134097982946},
        {1000.0, 2.0, 4.9999925000125e-7},
        {0.01, 3.0, 0.49632455570642599},
        {0.5, 3.0, 0.3257239824240755},
        {1.5, 3.0, 0.11529193262241153},
        {3.0, 3.0, 0.028834442811218654},
        {10.0, 3.0, 0.001064199529207075},
        {30.0, 3.0, 4.0676402135819797e-5},
        {1000.0, 3.0, 1.1026538212882963e-9},
        {0.01, 5.5, 0.49618700994977632},
        {0.5, 5.5, 0.31822017435770655},
        {1.5, 5.5, 0.094338484453549266},
        {3.0, 5.5, 0.013361740330922957},
        {10.0, 5.5, 4.9162063904441572e-5},
        {30.0, 5.5, 1.3080268765046751e-7},
        {1000.0, 5.5, 5.5857897489727094e-16},
        {0.01, 10.0, 0.49610898749548571},
        {0.5, 10.0, 0.31394680287148647},
        {1.5, 10.0, 0.08225366322272009},
        {3.0, 10.0, 0.0066718275112847886},
        {10.0, 10.0, 7.9477658779820598e-7},
        {30.0, 10.0, 1.9808961710156621e-11},
        {1000.0, 10.0, 1.2304123550866356e-26},
        {0.01, 30.0, 0.49604374628658885},
        {0.5, 30.0, 0.31036150244256364},
        {1.5, 30.0, 0.072032964564323001},
        {3.0, 30.0, 0.0026949820328259733},
        {10.0, 30.0, 2.2876257041148066e-11},
        {30.0, 30.0, 3.125895815304444e-24},
        {1000.0, 30.0, 1.0360017415558665e-69},
        {0.01, 100.0, 0.49602060511721425},
        {0.5, 100.0, 0.30908678291544329},
        {1.5, 100.0, 0.068382529062344428},
        {3.0, 100.0, 0.0017039576716647248},
        {10.0, 100.0, 4.9508444922970696e-17},
        {30.0, 100.0, 4.1901662793441461e-52},
        {1000.0, 100.0, 3.959809303973926e-202},
        {0.01, 1000.0, 0.49601164096609364},
        {0.5, 1000.0, 0.30859254041693741},
        {1.5, 1000.0, 0.066965019411043086},
        {3.0, 1000.0, 0.0013833545221190962},
        {10.0, 1000.0, 8.3353514793000332e-23},
        {30.0, 1000.0, 7.6873437220217411e-142},
        {0.01, 9999.0, 0.49601074343465271},
        {0.5, 9999.0, 0.30854304021175677},
        {1.5, 9999.0, 0.066822987490400553},
        {3.0, 9999.0, 0.0013532244278561749},
        {10.0, 9999.0, 9.8166507532469634e-24},
        {30.0, 9999.0, 1.0240140260932952e-189},
        {0.01, 10001.0, 0.4960107434147051},
        {0.5, 10001.0, 0.30854303911158666},
        {1.5, 10001.0, 0.06682298433353474},
        {3.0, 10001.0, 0.0013532237622080997},
        {10.0, 10001.0, 9.8161567307099125e-24},
        {30.0, 10001.0, 1.020316714000203e-189},
        {0.01, 100000.0, 0.49601065365941158},
        {0.5, 100000.0, 0.30853808882720902},
        {1.5, 100000.0, 0.066808779761415299},
        {3.0, 100000.0, 0.0013502304420323596},
        {10.0, 100000.0, 7.816507650103639e-24},
        {30.0, 100000.0, 3.6892684361111168e-197},
        {0.01, 10000000.0, 0.49601064378510895},
        {0.5, 10000000.0, 0.30853754422700754},
        {1.5, 10000000.0, 0.066807217053814724},
        {3.0, 10000000.0, 0.0013499013555185806},
        {10.0, 10000000.0, 7.6217961451368782e-24},
        {30.0, 10000000.0, 5.0073068454089001e-198},
        {1e200, 1.0, 3.1830988618379067e-201},
        {1e-300, 4.0, 0.5},
    };
    for (size_t i = 0; i < TT_ARRAY_SIZE(cases); i++) {
        double upper = tt_student_tail(cases[i].t, cases[i].df);
        double error = fabs(upper / cases[i].tail - 1.0);
        if (!(error < 1e-8)) {
            fail_msg("t %g df %g: %.17g, off by %g", cases[i].t, cases[i].df, upper, error);
        }
        double lower = tt_student_tail(-cases[i].t, cases[i].df);
        assert_true(fabs(upper + lower - 1.0) < 1e-15);
    }
    assert_true(is_bits(tt_student_tail(0.0, 5.0), 0.5));
    assert_true(fabs(tt_student_tail(0.0, 1e6) - 0.5) < 1e-15);
    assert_true(is_bits(tt_student_tail(1e200, 1e6), 0.0));
    assert_true(fabs(tt_student_tail(2.0, 1e300) / tt_normal_tail(2.0) - 1.0) < 1e-12);
    assert_true(is_bits(tt_student_tail((double)INFINITY, 5.0), 0.0));
    assert_true(is_bits(tt_student_tail((double)INFINITY, 1e6), 0.0));
    assert_true(is_bits(tt_student_tail(-(double)INFINITY, 5.0), 1.0));
    assert_true(isnan(tt_student_tail((double)NAN, 5.0)));
    assert_true(isnan(tt_student_tail(1.0, 0.0)));
    assert_true(isnan(tt_student_tail(1.0, -3.0)));
    assert_true(isnan(tt_student_tail(1.0, (double)NAN)));
    assert_true(fabs(tt_student_tail(2.0, (double)INFINITY) / tt_normal_tail(2.0) - 1.0) < 1e-12);
}

static void student_tail_falls_across_its_methods(void **state)
{
    (void)state;
    static const double dfs[] = {0.3, 1.0, 2.5, 9.0, 80.0, 3000.0, 10000.0, 10001.0, 1e9};
    for (size_t i = 0; i < TT_ARRAY_SIZE(dfs); i++) {
        double before = 1.0;
        for (int k = -4000; k < 4000; k++) {
            double tail = tt_student_tail((double)k * 0.005, dfs[i]);
            assert_true(tail >= 0.0 && tail <= before * (1.0 + 1e-14));
            before = tail;
        }
    }
}

static void distances_on_the_sphere_are_known(void **state)
{
    (void)state;
    assert_true(is_bits(tt_distance_km(52.52, 13.40, 52.52, 13.40), 0.0));
    /* A quarter and a half of the circumference. */
    assert_true(fabs(tt_distance_km(0.0, 0.0, 0.0, 90.0) - 10007.557221017962) < 1e-6);
    assert_true(fabs(tt_distance_km(0.0, 0.0, 0.0, 180.0) - 20015.114442035923) < 1e-6);
    assert_true(fabs(tt_distance_km(90.0, 0.0, -90.0, 77.0) - 20015.114442035923) < 1e-6);
    /* Across the date line it is short. */
    assert_true(tt_distance_km(0.0, 179.9, 0.0, -179.9) < 23.0);
    assert_true(fabs(tt_distance_km(52.52, 13.40, 48.8566, 2.3522) - 877.5) < 1.0);
    assert_true(isnan(tt_distance_km((double)NAN, 0.0, 0.0, 0.0)));
}

static uint64_t fold(uint64_t hash, double value)
{
    uint64_t bits = 1; /* of any NaN: its sign and payload are the machine's */
    if (!isnan(value)) {
        memcpy(&bits, &value, sizeof bits);
    }
    return tt_hash_mix(hash ^ bits);
}

static void results_have_the_same_bits_on_every_machine(void **state)
{
    (void)state;
    struct tt_rng rng;
    tt_rng_init(&rng, 5);
    uint64_t hash = 0;
    for (int i = 0; i < 100000; i++) {
        double x = uniform(&rng, -500.0, 500.0);
        hash = fold(hash, tt_log(fabs(x)));
        hash = fold(hash, tt_log1p(fabs(x)));
        hash = fold(hash, tt_exp(x));
        hash = fold(hash, tt_sin(x));
        hash = fold(hash, tt_cos(x));
        hash = fold(hash, tt_asin(x / 500.0));
        hash = fold(hash, tt_normal_tail(x / 20.0));
        hash = fold(hash, tt_student_tail(x / 50.0, 1.0 + i % 300));
        hash = fold(hash, tt_distance_km(x / 20.0, x / 3.0, 10.0, 20.0));
    }
    /* The same from gcc 12 and clang 14, -O0 to -O3, with and without AVX2 and FMA. */
    assert_true(hash == UINT64_C(0x05b02e09a9619010));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(logarithm_errs_by_less_than_two_ulp),
        cmocka_unit_test(exponential_errs_by_less_than_two_ulp),
        cmocka_unit_test(angles_err_by_less_than_1e_15),
        cmocka_unit_test(functions_rise_where_they_should),
        cmocka_unit_test(normal_tail_has_known_values),
        cmocka_unit_test(student_tail_has_known_values),
        cmocka_unit_test(student_tail_falls_across_its_methods),
        cmocka_unit_test(distances_on_the_sphere_are_known),
        cmocka_unit_test(results_have_the_same_bits_on_every_machine),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
