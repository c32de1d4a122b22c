/*
 * Transcendental functions of the scored paths: the same bits on every CPU and libc.
 *
 * What:    log, exp, sin, cos, asin, atan2-free haversine, and tail probabilities.
 * Why:     libm differs between versions and machines; these use only + - * / and sqrt, which
 *          IEEE 754 fixes, and are built with -ffp-contract=off.
 *          Source: argument reduction and minimax/atanh series as in W. J. Cody, W. Waite,
 *          "Software manual for the elementary functions", 1980; tails after Abramowitz, Stegun 26.
 * Fails:   nothing; domains are stated per function, NaN in gives NaN out.
 * Threads: pure functions.
 */
#ifndef TT_BASE_MATH_H
#define TT_BASE_MATH_H

/* Natural logarithm, < 2 ulp; x ≤ 0 gives -inf (0) or NaN. */
double tt_log(double x);
/* log(1 + x), exact for small x; x > -1. */
double tt_log1p(double x);
/* e^x, < 2 ulp; overflows to inf, underflows to 0. */
double tt_exp(double x);
/* Square root (the hardware's, correctly rounded). */
double tt_sqrt(double x);
/* Sine and cosine for |x| ≤ 2^20, absolute error < 1e-15; NaN beyond. */
double tt_sin(double x);
double tt_cos(double x);
/* Arc sine on [-1, 1], absolute error < 1e-15; NaN outside. */
double tt_asin(double x);
/* P(Z ≥ z) of the standard normal, relative error < 1e-9 for z in [-38, 38]
 * (past 37.5 the result is subnormal and has fewer digits). */
double tt_normal_tail(double z);
/* P(T ≥ t) of Student's t with df > 0 degrees of freedom, relative error < 1e-8. */
double tt_student_tail(double t, double df);
/* The standard normal deviate as unusual as t with df > 0 degrees of freedom, within a few percent
 * (Wallace, "Bounds on normal approximations to Student's and the chi-square distributions", 1959);
 * odd and rising in t. */
double tt_normal_deviate(double t, double df);
/* Great-circle distance in kilometres (haversine, radius 6371.0088 km), degrees in. */
double tt_distance_km(double latitude_a, double longitude_a, double latitude_b, double longitude_b);

#endif
