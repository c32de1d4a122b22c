/* The generator against published outputs, its distributions against their moments. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/rng.h"
#include "base/status.h"

static void generator_gives_the_published_numbers(void **state)
{
    (void)state;
    struct tt_rng rng = {{1, 2, 3, 4}};
    static const uint64_t outputs[] = {UINT64_C(11520), 0, UINT64_C(1509978240),
                                       UINT64_C(1215971899390074240)};
    for (size_t i = 0; i < TT_ARRAY_SIZE(outputs); i++) {
        assert_true(tt_rng_next(&rng) == outputs[i]);
    }
    /* Seeded as splitmix64 does it. */
    tt_rng_init(&rng, 1234567);
    assert_true(rng.state[0] == UINT64_C(6457827717110365317));
    assert_true(rng.state[1] == UINT64_C(3203168211198807973));
    assert_true(rng.state[2] == UINT64_C(9817491932198370423));
    assert_true(rng.state[3] == UINT64_C(4593380528125082431));
}

static void numbers_below_a_bound_are_uniform(void **state)
{
    (void)state;
    struct tt_rng rng;
    tt_rng_init(&rng, 9);
    int counts[7] = {0};
    for (int i = 0; i < 70000; i++) {
        counts[tt_rng_below(&rng, 7)]++;
    }
    for (int i = 0; i < 7; i++) {
        assert_in_range(counts[i], 9600, 10400);
    }
    for (int i = 0; i < 1000; i++) {
        assert_int_equal(tt_rng_below(&rng, 1), 0);
        assert_true(tt_rng_below(&rng, UINT64_MAX) < UINT64_MAX);
        /* The bound with the most to draw again. */
        assert_true(tt_rng_below(&rng, (UINT64_C(1) << 63) + 1) <= UINT64_C(1) << 63);
    }
}

static double uniform(struct tt_rng *rng)
{
    return tt_rng_double(rng) - 0.5;
}

static double poisson(struct tt_rng *rng)
{
    return tt_rng_poisson(rng, 4.0);
}

static void distributions_have_their_moments(void **state)
{
    (void)state;
    static const struct {
        double (*draw)(struct tt_rng *rng);
        double mean, variance;
    } cases[] = {
        {uniform, 0.0, 1.0 / 12.0},
        {tt_rng_normal, 0.0, 1.0},
        {tt_rng_exponential, 1.0, 1.0},
        {poisson, 4.0, 4.0},
    };
    enum { DRAWS = 200000 };
    for (size_t k = 0; k < TT_ARRAY_SIZE(cases); k++) {
        struct tt_rng rng;
        tt_rng_init(&rng, 20 + k);
        double sum = 0.0;
        double squares = 0.0;
        for (int i = 0; i < DRAWS; i++) {
            double x = cases[k].draw(&rng) - cases[k].mean;
            assert_true(isfinite(x));
            sum += x;
            squares += x * x;
        }
        double error = sqrt(cases[k].variance / DRAWS);
        assert_true(fabs(sum / DRAWS) < 5.0 * error);
        assert_true(fabs(squares / DRAWS / cases[k].variance - 1.0) < 0.03);
    }
    struct tt_rng rng;
    tt_rng_init(&rng, 1);
    assert_int_equal(tt_rng_poisson(&rng, 0.0), 0);
    assert_in_range(tt_rng_poisson(&rng, 10000.0), 9400, 10600);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(generator_gives_the_published_numbers),
        cmocka_unit_test(numbers_below_a_bound_are_uniform),
        cmocka_unit_test(distributions_have_their_moments),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
