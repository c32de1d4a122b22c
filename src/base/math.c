/*
 * Elementary functions from + - * / alone.
 *
 * Each reduces its argument to a small interval and evaluates one polynomial there, summed in pairs
 * rather than strictly by Horner so that the processor can overlap the steps; the grouping is fixed
 * in the source, so the bits are. The coefficients interpolate the function at Chebyshev nodes,
 * computed with 60 digits. No tables. Given up: the last half bit that a table and a fused multiply
 * would give.
 */
#include "base/math.h"

#include <stdint.h>
#include <string.h>

/* ln 2 in two parts; k times the first is exact for |k| < 2^11. */
#define LN2_HIGH 0x1.62e42fefa3p-1
#define LN2_LOW 0x1.3de6af278ece6p-42
#define INV_LN2 0x1.71547652b82fep+0
#define PI_HALF 0x1.921fb54442d18p+0
#define PI_HALF_LOW 0x1.1a62633145c07p-54
#define DEGREE (PI_HALF / 90.0)
#define EARTH_RADIUS_KM 6371.0088
/* Adding and subtracting it rounds to an integer, which stands in the low bits in between. */
#define ROUNDER 0x1.8p52
#define TRIG_MAX 0x1p20

static inline uint64_t bits_of(double x)
{
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

static inline double from_bits(uint64_t bits)
{
    double x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

/* log(1 + f) + low for |f| ≤ 0.4143, with s = f / (2 + f):
 * log(1 + f) = 2 artanh(s) = f - f²/2 + s (f²/2 + z P(z)), z = s². Starting from f, which is exact,
 * keeps the rounding of s out of the leading term. */
static inline double log_near_one(double f, double low)
{
    double s = f / (2.0 + f);
    double z = s * s;
    double z2 = z * z;
    double a = 0x1.5555555555558p-1 + z * 0x1.99999999952e2p-2;
    double b = 0x1.2492492df148dp-2 + z * 0x1.c71c62e5800a1p-3;
    double c = 0x1.7462b4ab2ef6bp-3 + z * 0x1.39fe606542ddep-3;
    double p = a + z2 * (b + z2 * (c + z2 * 0x1.2b584aae78a57p-3));
    double half_square = 0.5 * f * f;
    return f - (half_square - (s * (half_square + z * p) + low));
}

/* Zero, negative, infinite, NaN. */
static double log_special(double x)
{
    if (x < 0.0) {
        return __builtin_nan("");
    }
    return x > 0.0 ? x : x <= 0.0 ? -__builtin_inf() : __builtin_nan("");
}

double tt_log(double x)
{
    uint64_t bits = bits_of(x);
    int64_t exponent = 0;
    if (__builtin_expect(bits - (UINT64_C(1) << 52) >= UINT64_C(0x7fe) << 52, 0)) {
        if (!(x > 0.0) || bits == UINT64_C(0x7ff) << 52) {
            return log_special(x);
        }
        bits = bits_of(x * 0x1p54); /* subnormal */
        exponent = -54;
    }
    /* x = 2^exponent × m, with m from √½ up to √2, by moving the boundary to √½. */
    uint64_t moved = bits + (UINT64_C(0x3ff0000000000000) - UINT64_C(0x3fe6a09e667f3bcd));
    exponent += (int64_t)(moved >> 52) - 1023;
    double m = from_bits((moved & UINT64_C(0x000fffffffffffff)) + UINT64_C(0x3fe6a09e667f3bcd));
    double k = (double)exponent;
    return k * LN2_HIGH + log_near_one(m - 1.0, k * LN2_LOW);
}

double tt_log1p(double x)
{
    if (x > -0.29 && x < 0.41) {
        return log_near_one(x, 0.0);
    }
    double u = 1.0 + x;
    if (!(u > 0.0) || u > 0x1p1000) {
        return tt_log(u);
    }
    /* What 1 + x lost in rounding comes back through the derivative. */
    double lost = x > 1.0 ? 1.0 - (u - x) : x - (u - 1.0);
    return tt_log(u) + lost / u;
}

/* Results outside the normal range: 2^k in two steps, so that a subnormal is rounded once. */
static double exp_scaled(double mantissa, int64_t k)
{
    if (k > 1023) {
        return mantissa * 0x1p1023 * from_bits((uint64_t)k << 52);
    }
    return mantissa * from_bits((uint64_t)(k + 1000 + 1023) << 52) * 0x1p-1000;
}

double tt_exp(double x)
{
    if (__builtin_expect(!(x > -708.0 && x < 709.0), 0)) {
        if (!(x > -746.0 && x < 710.0)) {
            return x > 0.0 ? __builtin_inf() : x < 0.0 ? 0.0 : x;
        }
    }
    double shifted = x * INV_LN2 + ROUNDER;
    double k = shifted - ROUNDER;
    int64_t exponent = (int64_t)(bits_of(shifted) - bits_of(ROUNDER));
    double high = x - k * LN2_HIGH;
    double low = k * LN2_LOW;
    double r = high - low;
    /* e^r = 1 + r + r² Q(r) on |r| ≤ ln 2 / 2. */
    double r2 = r * r;
    double r4 = r2 * r2;
    double a = 0x1p-1 + r * 0x1.5555555555557p-3;
    double b = 0x1.5555555555556p-5 + r * 0x1.11111111100dcp-7;
    double c = 0x1.6c16c16c162d4p-10 + r * 0x1.a01a01abe7fe1p-13;
    double d = 0x1.a01a01a6d889cp-16 + r * 0x1.71de0231960ebp-19;
    double e = 0x1.27e4db646b17ep-22 + r * (0x1.af4de97ca4194p-26 + r * 0x1.1f730349868cep-29);
    double q = (a + r2 * b) + r4 * ((c + r2 * d) + r4 * e);
    double mantissa = 1.0 + (high - (low - r2 * q));
    if (__builtin_expect(exponent < -1021 || exponent > 1023, 0)) {
        return exp_scaled(mantissa, exponent);
    }
    return mantissa * from_bits((uint64_t)(exponent + 1023) << 52);
}

double tt_sqrt(double x)
{
    return __builtin_sqrt(x);
}

/* Sine and cosine of a + low for |a| ≤ π/4. */
static double sin_reduced(double a, double low)
{
    double z = a * a;
    double s = -0x1.5555555555555p-3 +
               z * (0x1.111111111111p-7 +
                    z * (-0x1.a01a01a019936p-13 +
                         z * (0x1.71de3a54605eep-19 +
                              z * (-0x1.ae64541266378p-26 +
                                   z * (0x1.61217ec01749dp-33 + z * -0x1.ab17a79237a19p-41)))));
    return a + (a * z * s + low);
}

static double cos_reduced(double a, double low)
{
    double z = a * a;
    double c = 0x1.5555555555555p-5 +
               z * (-0x1.6c16c16c16c16p-10 +
                    z * (0x1.a01a01a019d0ap-16 +
                         z * (-0x1.27e4fb7712bdfp-22 +
                              z * (0x1.1eed8deb6d561p-29 +
                                   z * (-0x1.9394b9c9c20a4p-37 + z * 0x1.ab783376962cfp-45)))));
    return 1.0 - (0.5 * z - (z * z * c - a * low));
}

/* The sine of x + quarter × π/2. π/2 in three parts, the first two of 32 bits, so that k times
 * them is exact for |x| ≤ 2^20. */
static double sin_quarter(double x, unsigned quarter)
{
    if (!(x >= -TRIG_MAX && x <= TRIG_MAX)) {
        return __builtin_nan("");
    }
    double k = (x * (1.0 / PI_HALF) + ROUNDER) - ROUNDER;
    double high = x - k * 0x1.921fb544p+0;
    double middle = k * 0x1.0b4611a6p-34;
    double tail = k * 0x1.3198a2e037073p-69;
    double a = high - middle;
    double low = ((high - a) - middle) - tail;
    quarter += (unsigned)(int64_t)k;
    double value = (quarter & 1) != 0 ? cos_reduced(a, low) : sin_reduced(a, low);
    return (quarter & 2) != 0 ? -value : value;
}

double tt_sin(double x)
{
    return sin_quarter(x, 0);
}

double tt_cos(double x)
{
    return sin_quarter(x, 1);
}

/* asin(x) - x for |x| ≤ ½. */
static double asin_excess(double x)
{
    double z = x * x;
    double z2 = z * z;
    double z4 = z2 * z2;
    double a = 0x1.555555555554fp-3 + z * 0x1.3333333336da5p-4;
    double b = 0x1.6db6db684b6a1p-5 + z * 0x1.f1c71f95269afp-6;
    double c = 0x1.6e8b2b3b10be4p-6 + z * 0x1.1c593c7b1d958p-6;
    double d = 0x1.c87265d47ef49p-7 + z * 0x1.8522ddffa6208p-7;
    double e = 0x1.ff5fc4d14c735p-8 + z * 0x1.06b9d26d10838p-6;
    double f = -0x1.603991d6060ep-7 + z * 0x1.cd864394d2ff2p-6;
    double p = (a + z2 * b) + z4 * ((c + z2 * d) + z4 * (e + z2 * f));
    return x * z * p;
}

double tt_asin(double x)
{
    double magnitude = x < 0.0 ? -x : x;
    if (!(magnitude <= 1.0)) {
        return __builtin_nan("");
    }
    if (magnitude <= 0.5) {
        return x + asin_excess(x);
    }
    /* asin(x) = π/2 - 2 asin(√((1-x)/2)): the subtraction is exact here. */
    double root = __builtin_sqrt((1.0 - magnitude) * 0.5);
    double value = PI_HALF - (2.0 * root + (2.0 * asin_excess(root) - PI_HALF_LOW));
    return x < 0.0 ? -value : value;
}

double tt_distance_km(double latitude_a, double longitude_a, double latitude_b, double longitude_b)
{
    double sin_latitude = tt_sin((latitude_b - latitude_a) * 0.5 * DEGREE);
    double sin_longitude = tt_sin((longitude_b - longitude_a) * 0.5 * DEGREE);
    double h = sin_latitude * sin_latitude + tt_cos(latitude_a * DEGREE) *
                                                 tt_cos(latitude_b * DEGREE) * sin_longitude *
                                                 sin_longitude;
    double chord = __builtin_sqrt(h);
    return 2.0 * EARTH_RADIUS_KM * tt_asin(chord > 1.0 ? 1.0 : chord);
}
