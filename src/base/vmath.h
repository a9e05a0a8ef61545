/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SPOTOPT_BASE_VMATH_H
#define SPOTOPT_BASE_VMATH_H
/*
 * exp and log without branches or calls, so that loops over rows become vector code. The reductions and the series of
 * the logarithm are fdlibm's (Sun Microsystems, 1993, freely distributable), the exponential's series is Taylor's.
 * Plain operations in a fixed order: with contraction off, every clone and every compiler gives the same bits.
 *
 * Error against the exact value, measured by tests/unit/test_forecast.c: below 4 ulp; below 16 for e^x - 1.
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

#define SPOTOPT__LN2_HIGH 6.93147180369123816490e-01 /* 33 bits: times a small whole number it is exact */
#define SPOTOPT__LN2_LOW 1.90821492927058770002e-10

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

/* e^x = 2^n (1 + tail), |x| <= 700. */
SPOTOPT__INLINE double
spotopt__vexp_parts(double x, double *out_scale)
{
    const double magic = 0x1.8p52; /* added, it leaves the nearest whole number in the low bits */
    double t = x * 1.44269504088896338700 + magic, n = t - magic;
    double r = (x - n * SPOTOPT__LN2_HIGH) - n * SPOTOPT__LN2_LOW, q = 1.0 / 479001600.0;

    q = q * r + 1.0 / 39916800.0;
    q = q * r + 1.0 / 3628800.0;
    q = q * r + 1.0 / 362880.0;
    q = q * r + 1.0 / 40320.0;
    q = q * r + 1.0 / 5040.0;
    q = q * r + 1.0 / 720.0;
    q = q * r + 1.0 / 120.0;
    q = q * r + 1.0 / 24.0;
    q = q * r + 1.0 / 6.0;
    q = q * r + 0.5;
    *out_scale = spotopt__real((spotopt__bits(t) << 52) + (UINT64_C(1023) << 52));
    return r + r * r * q;
}

/* e^x, |x| <= 700. */
SPOTOPT__INLINE double
spotopt__vexp(double x)
{
    double scale, tail = spotopt__vexp_parts(x, &scale);

    return scale + scale * tail;
}

/* e^x - 1, 0 <= x <= 700. */
SPOTOPT__INLINE double
spotopt__vexpm1(double x)
{
    double scale, tail = spotopt__vexp_parts(x, &scale);

    return (scale - 1.0) + scale * tail;
}

/* ln x, x positive, finite and no less than 1e-300. */
SPOTOPT__INLINE double
spotopt__vlog(double x)
{
    const uint64_t u = spotopt__bits(x) + (UINT64_C(0x3ff0000000000000) - UINT64_C(0x3fe6a09e667f3bcd));
    const uint64_t biased = u >> 52;
    const double k = spotopt__real(biased | UINT64_C(0x4330000000000000)) - (0x1p52 + 1023.0);
    const double f = spotopt__real((u & UINT64_C(0x000fffffffffffff)) + UINT64_C(0x3fe6a09e667f3bcd)) - 1.0;
    const double s = f / (2.0 + f), z = s * s, half = 0.5 * f * f;
    double r = 1.479819860511658591e-01;

    r = r * z + 1.531383769920937332e-01;
    r = r * z + 1.818357216161805012e-01;
    r = r * z + 2.222219843214978396e-01;
    r = r * z + 2.857142874366239149e-01;
    r = r * z + 3.999999999940941908e-01;
    r = r * z + 6.666666666666735130e-01;
    r = r * z;
    return k * SPOTOPT__LN2_HIGH - ((half - (s * (half + r) + k * SPOTOPT__LN2_LOW)) - f);
}

/* ln(1 + x), 0 <= x <= 1e300. */
SPOTOPT__INLINE double
spotopt__vlog1p(double x)
{
    const double u = 1.0 + x;

    return spotopt__vlog(u) + (x - (u - 1.0)) / u;
}

#endif
