/* SPDX-License-Identifier: Apache-2.0 */
/*
 * permutation.c - the exact test for few units: every assignment that could have been.
 *
 * Where assignment was random and the treatment does nothing, each choice of treated units was as
 * likely (Fisher 1935). The difference of means grows with the sum of the treated, so only sums are
 * compared; a relative tolerance keeps equal differences equal in floating point. At most
 * C(19, 9) = 92,378 choices, walked in the order of Gosper's bit patterns.
 */
#include "fleet/experiment.h"

double
spotopt__permutation_p(const double *control, size_t control_count, const double *treatment,
                       size_t treatment_count)
{
    double values[SPOTOPT__PERMUTED_UNITS], total = 0.0, size = 0.0, sum = 0.0, observed;
    size_t count = control_count + treatment_count;
    uint64_t all = 0, extreme = 0;

    if (count >= SPOTOPT__PERMUTED_UNITS || control_count == 0 || treatment_count == 0)
        return NAN;
    for (size_t i = 0; i < count; i++) {
        values[i] = i < control_count ? control[i] : treatment[i - control_count];
        total += values[i];
        size += fabs(values[i]);
        sum += i < control_count ? 0.0 : values[i];
    }
    double expected = total * (double)treatment_count / (double)count;
    observed = fabs(sum - expected) - 1e-12 * size;
    for (uint32_t pick = (1U << treatment_count) - 1; pick < 1U << count;) {
        uint32_t low = pick & -pick, ripple = pick + low;

        sum = 0.0;
        for (size_t i = 0; i < count; i++)
            sum += (pick >> i & 1U) != 0 ? values[i] : 0.0;
        all++;
        extreme += fabs(sum - expected) >= observed;
        pick = ripple | (((pick ^ ripple) >> 2) / low);
    }
    return (double)extreme / (double)all;
}
