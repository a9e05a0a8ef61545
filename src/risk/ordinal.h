/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SPOTOPT_RISK_ORDINAL_H
#define SPOTOPT_RISK_ORDINAL_H
#include <stddef.h>
#include <stdint.h>

#define SPOTOPT__CLASSES 5
#define SPOTOPT__COVARIATES 5

/* P(class <= k) = 1 / (1 + exp(-(threshold[k] - beta'z))), z = (x - mean) / scale. */
typedef struct spotopt__ordinal {
    int covariates; /* used: the first so many */
    double threshold[SPOTOPT__CLASSES - 1], beta[SPOTOPT__COVARIATES], mean[SPOTOPT__COVARIATES], scale[SPOTOPT__COVARIATES];
} spotopt__ordinal;

/* Rows x[count][COVARIATES] with a class each; those below 0 are left out. */
void spotopt__ordinal_fit(const double (*x)[SPOTOPT__COVARIATES], const int32_t *classes, size_t count, int covariates,
                          spotopt__ordinal *out);
/* Chances of the classes. */
void spotopt__ordinal_chances(const spotopt__ordinal *model, const double *x, double out[SPOTOPT__CLASSES]);

#endif
