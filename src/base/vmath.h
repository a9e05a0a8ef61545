/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SPOTOPT_BASE_VMATH_H
#define SPOTOPT_BASE_VMATH_H
/*
 * Powers and logarithms of two without branches or calls, so that loops over rows become vector code. Of two, since
 * the split into a power and a rest is then exact and free. Series are minimax polynomials (Remez), relative error
 * 1.3e-15 of 2^x - 1 and 1.6e-15 of logarithms before rounding: forecasts want 1e-12, and every term costs.
 * Plain operations in a fixed order: with contraction off, every clone and every compiler gives the same bits.
 *
 * Error relative to the exact value, measured by tests/unit/test_forecast.c: below 4e-15.
 */
#include <stdint.h>
#include <string.h>

/* Loops in a function so marked are compiled for wider vectors as well, and the widest that runs is taken. */
#if defined(__x86_64__) && defined(__gnu_linux__) && defined(__GNUC__) && !defined(__clang__) && \
    !defined(__SANITIZE_THREAD__) /* its run time is not there yet when the choice is made */
#define SPOTOPT__CLONES __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define SPOTOPT__CLONES
#endif
#define SPOTOPT__INLINE static inline __attribute__((always_inline))

#define SPOTOPT__LN2 6.93147180559945309417e-01
#define SPOTOPT__LOG2_E 1.44269504088896340736

SPOTOPT__INLINE uint64_t
spotopt__bits(double x)
{
    uint64_t u;

    memcpy(&u, &x, sizeof u);
    return u;
}

SPOTOPT__INLINE double
spotopt__real(uint64_t u)
{
    double x;

    memcpy(&x, &u, sizeof x);
    return x;
}

/* 2^x = 2^n (1 + tail), |x| <= 1020: n whole, the rest within a half. */
SPOTOPT__INLINE double
spotopt__vexp2_parts(double x, double *out_scale)
{
    const double magic = 0x1.8p52; /* added, it leaves the nearest whole number in the low bits */
    const double t = x + magic, r = x - (t - magic), square = r * r;
    double odd = 7.0549080438960165e-09, even = 1.0205864189949362e-07;

    odd = odd * square + 1.3215541952649777e-06;
    even = even * square + 1.5252673130874717e-05;
    odd = odd * square + 1.5403530255611022e-04;
    even = even * square + 1.3333558200472877e-03;
    odd = odd * square + 9.618129107735964e-03;
    even = even * square + 5.550410866465328e-02;
    odd = odd * square + 2.4022650695909856e-01;
    even = even * square + 6.931471805599462e-01;
    *out_scale = spotopt__real((spotopt__bits(t) << 52) + (UINT64_C(1023) << 52));
    return r * (even + r * odd);
}

/* 2^x, |x| <= 1020. */
SPOTOPT__INLINE double
spotopt__vexp2(double x)
{
    double scale, tail = spotopt__vexp2_parts(x, &scale);

    return scale + scale * tail;
}

/* 2^x - 1, 0 <= x <= 1020. */
SPOTOPT__INLINE double
spotopt__vexp2m1(double x)
{
    double scale, tail = spotopt__vexp2_parts(x, &scale);

    return (scale - 1.0) + scale * tail;
}

/* log2((1 + s) / (1 - s)), |s| <= 0.2. */
SPOTOPT__INLINE double
spotopt__vlog2_near(double s)
{
    const double z = s * s, square = z * z;
    double odd = 0.260657574401111, even = 0.2511345498099248;

    even = even * square + 0.3206446129508034;
    odd = odd * square + 0.41219793641740915;
    even = even * square + 0.5770780207012051;
    odd = odd * square + 0.9617966939150399;
    even = even * square + 2.885390081777931;
    return s * (even + z * odd);
}

/* log2 x, x positive, finite and no less than 1e-300. */
SPOTOPT__INLINE double
spotopt__vlog2(double x)
{
    const uint64_t u = spotopt__bits(x) + (UINT64_C(0x3ff0000000000000) - UINT64_C(0x3fe6a09e667f3bcd));
    const double k = spotopt__real((u >> 52) | UINT64_C(0x4330000000000000)) - (0x1p52 + 1023.0);
    const double f = spotopt__real((u & UINT64_C(0x000fffffffffffff)) + UINT64_C(0x3fe6a09e667f3bcd)) - 1.0;

    return k + spotopt__vlog2_near(f / (2.0 + f));
}

/* log2(1 + x / y), both positive, y and x + y within 1e-300 and 1e300: one division, also where x is small. */
SPOTOPT__INLINE double
spotopt__vlog2_1p(double x, double y)
{
    const double sum = x + y;
    /* How often y fits into the sum, by the nearest power of two as their bits tell it. */
    const uint64_t k = (spotopt__bits(sum) - spotopt__bits(y) + (UINT64_C(1) << 51)) >> 52;
    const double near = spotopt__real(spotopt__bits(y) + (k << 52));
    const double f = k == 0 ? x : sum - near; /* x as it was, not as rounded into the sum */

    return (spotopt__real(k | UINT64_C(0x4330000000000000)) - 0x1p52) + spotopt__vlog2_near(f / (sum + near));
}

#endif
