/* xoshiro256** and the distributions drawn from it, with base/math so that the bits agree. */
#include "base/rng.h"

#include "base/hash.h"
#include "base/math.h"

#define SPLITMIX_STEP UINT64_C(0x9e3779b97f4a7c15)
#define POISSON_MEAN_MAX 10000.0

void tt_rng_init(struct tt_rng *rng, uint64_t seed)
{
    for (int i = 0; i < 4; i++) {
        seed += SPLITMIX_STEP;
        rng->state[i] = tt_hash_mix(seed);
    }
}

static inline uint64_t rotate_left(uint64_t value, int bits)
{
    return (value << bits) | (value >> (64 - bits));
}

uint64_t tt_rng_next(struct tt_rng *rng)
{
    uint64_t *s = rng->state;
    uint64_t result = rotate_left(s[1] * 5, 7) * 9;
    uint64_t t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotate_left(s[3], 45);
    return result;
}

__extension__ typedef unsigned __int128 uint128;

uint64_t tt_rng_below(struct tt_rng *rng, uint64_t bound)
{
    TT_ASSERT(bound > 0);
    /* Lemire, "Fast random integer generation in an interval", 2019: the high half of the product,
     * drawn again for the few low halves that would be over-represented. */
    uint128 product = (uint128)tt_rng_next(rng) * bound;
    if ((uint64_t)product < bound) {
        uint64_t surplus = (0 - bound) % bound;
        while ((uint64_t)product < surplus) {
            product = (uint128)tt_rng_next(rng) * bound;
        }
    }
    return (uint64_t)(product >> 64);
}

double tt_rng_double(struct tt_rng *rng)
{
    return (double)(tt_rng_next(rng) >> 11) * 0x1p-53;
}

double tt_rng_normal(struct tt_rng *rng)
{
    for (;;) {
        double u = 2.0 * tt_rng_double(rng) - 1.0;
        double v = 2.0 * tt_rng_double(rng) - 1.0;
        double s = u * u + v * v;
        if (s > 0.0 && s < 1.0) {
            return u * tt_sqrt(-2.0 * tt_log(s) / s);
        }
    }
}

double tt_rng_exponential(struct tt_rng *rng)
{
    return -tt_log(1.0 - tt_rng_double(rng)); /* 1 - u is never 0 */
}

uint32_t tt_rng_poisson(struct tt_rng *rng, double mean)
{
    TT_ASSERT(mean >= 0.0 && mean <= POISSON_MEAN_MAX);
    uint32_t count = 0;
    for (double time = tt_rng_exponential(rng); time < mean; time += tt_rng_exponential(rng)) {
        count++;
    }
    return count;
}
