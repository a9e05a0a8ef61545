/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ranks.c - is one sample shifted against another, whatever their distribution.
 *
 * Mann and Whitney's U counts the pairs in which b exceeds a, ties by half. Few values without ties
 * have its exact distribution, by the recurrence over sizes as a product of polynomials; others the
 * normal one with correction for ties and continuity. Hodges and Lehmann's shift is the median of
 * all differences b - a; its interval are the differences at the ranks where U is just not rejected
 * (Hodges and Lehmann 1963; Hollander, Wolfe, Chicken 2014, 4.3). The k-th smallest of n m
 * differences is found by halving an interval of doubles and counting in sorted samples,
 * O((n + m) 64).
 */
#include "base/special.h"
#include "fleet/experiment.h"

#define EXACT_SIZE 8     /* the smaller sample's */
#define EXACT_PAIRS 2000 /* of both sizes' product */

/* P(U <= u) for sizes n, m: coefficients of prod (1 - q^(m+i)) / (1 - q^i). */
static double
exact_below(size_t n, size_t m, size_t u)
{
    double ways[EXACT_PAIRS + 1] = {1.0}, total = 0.0, below = 0.0;
    size_t most = n * m;

    for (size_t i = 1; i <= n; i++) {
        for (size_t k = most + 1; k-- > m + i;)
            ways[k] -= ways[k - m - i];
        for (size_t k = i; k <= most; k++)
            ways[k] += ways[k - i];
    }
    for (size_t k = 0; k <= most; k++) {
        total += ways[k];
        below += k <= u ? ways[k] : 0.0;
    }
    return below / total;
}

double
spotopt__mann_whitney_p(const double *a, size_t a_count, const double *b, size_t b_count)
{
    double n = (double)a_count, m = (double)b_count, u = 0.0, ties = 0.0, all = n + m;
    size_t i = 0, j = 0;

    if (a_count == 0 || b_count == 0)
        return NAN;
    while (i < a_count || j < b_count) { /* one value of the pooled sample after another */
        double value = j >= b_count || (i < a_count && a[i] < b[j]) ? a[i] : b[j], t;
        size_t same_a = 0, same_b = 0;

        while (i + same_a < a_count && a[i + same_a] == value)
            same_a++;
        while (j + same_b < b_count && b[j + same_b] == value)
            same_b++;
        u += (double)same_b * ((double)i + 0.5 * (double)same_a);
        t = (double)(same_a + same_b);
        ties += t * t * t - t;
        i += same_a;
        j += same_b;
    }
    double larger = fmax(u, n * m - u);
    if (ties == 0.0 && (a_count <= EXACT_SIZE || b_count <= EXACT_SIZE) &&
        a_count * b_count <= EXACT_PAIRS) {
        size_t few = a_count < b_count ? a_count : b_count,
               many = a_count < b_count ? b_count : a_count;
        return fmin(1.0, 2.0 * exact_below(few, many, (size_t)(n * m - larger)));
    }
    double variance = n * m / 12.0 * (all + 1.0 - ties / (all * (all - 1.0)));
    if (!(variance > 0.0))
        return 1.0;
    return fmin(1.0, 2.0 * spotopt__normal_p(-(larger - 0.5 * n * m - 0.5) / sqrt(variance)));
}

/* Doubles in their order as whole numbers, so that halving between them ends at neighbours. */
static int64_t
order_of(double value)
{
    int64_t bits;

    memcpy(&bits, &value, sizeof bits);
    return bits >= 0 ? bits : INT64_MIN - bits;
}

static double
value_of(int64_t order)
{
    int64_t bits = order >= 0 ? order : INT64_MIN - order;
    double value;

    memcpy(&value, &bits, sizeof value);
    return value;
}

/* Pairs with b - a <= limit. */
static uint64_t
pairs_upto(const double *a, size_t a_count, const double *b, size_t b_count, double limit)
{
    uint64_t count = 0;
    size_t j = 0;

    for (size_t i = 0; i < a_count; i++) {
        while (j < b_count && b[j] - a[i] <= limit)
            j++;
        while (j > 0 && !(b[j - 1] - a[i] <=
                          limit)) /* rounding of differences is monotone, but for safety */
            j--;
        count += j;
    }
    return count;
}

/* The k-th smallest difference, k from 1. */
static double
difference_at(const double *a, size_t a_count, const double *b, size_t b_count, uint64_t k)
{
    int64_t low = order_of(b[0] - a[a_count - 1]), high = order_of(b[b_count - 1] - a[0]);

    while (low < high) {
        /* low and high may lie on both sides of 0: halve without overflow. */
        int64_t middle = (low & high) + ((low ^ high) >> 1);

        if (pairs_upto(a, a_count, b, b_count, value_of(middle)) >= k)
            high = middle;
        else
            low = middle + 1;
    }
    return value_of(low);
}

void
spotopt__hodges_lehmann(const double *a, size_t a_count, const double *b, size_t b_count,
                        double alpha, double *out_shift, double *out_low, double *out_high)
{
    uint64_t pairs = (uint64_t)a_count * b_count;
    double n = (double)a_count, m = (double)b_count;

    *out_shift = *out_low = *out_high = NAN;
    if (pairs == 0)
        return;
    *out_shift = difference_at(a, a_count, b, b_count, (pairs + 1) / 2);
    if (pairs % 2 == 0)
        *out_shift += 0.5 * (difference_at(a, a_count, b, b_count, pairs / 2 + 1) - *out_shift);
    double k = floor(0.5 * n * m - spotopt__normal_quantile(1.0 - 0.5 * alpha) *
                                       sqrt(n * m * (n + m + 1.0) / 12.0));
    if (k < 1.0) { /* too few to bound the shift */
        *out_low = -INFINITY;
        *out_high = INFINITY;
        return;
    }
    *out_low = difference_at(a, a_count, b, b_count, (uint64_t)k);
    *out_high = difference_at(a, a_count, b, b_count, pairs + 1 - (uint64_t)k);
}
