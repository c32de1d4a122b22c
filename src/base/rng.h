/*
 * The seeded random generator that is passed as an argument.
 *
 * What:    xoshiro256** seeded through splitmix64; the same numbers on every machine.
 *          Source: Blackman, Vigna, "Scrambled linear pseudorandom number generators", 2018.
 * Threads: one generator, one thread.
 */
#ifndef TT_BASE_RNG_H
#define TT_BASE_RNG_H

#include <stdint.h>

struct tt_rng {
    uint64_t state[4];
};

void tt_rng_init(struct tt_rng *rng, uint64_t seed);
uint64_t tt_rng_next(struct tt_rng *rng);
/* Uniform in [0, bound), bound > 0, without modulo bias. */
uint64_t tt_rng_below(struct tt_rng *rng, uint64_t bound);
/* Uniform in [0, 1), 53 bits. */
double tt_rng_double(struct tt_rng *rng);
/* Standard normal (Marsaglia polar, no state beyond the generator's). */
double tt_rng_normal(struct tt_rng *rng);
/* Exponential with mean 1. */
double tt_rng_exponential(struct tt_rng *rng);
/* Poisson with mean ≥ 0 (exact by exponentials; mean ≤ 10^4). */
uint32_t tt_rng_poisson(struct tt_rng *rng, double mean);

#endif
