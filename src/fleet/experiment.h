/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SPOTOPT_FLEET_EXPERIMENT_H
#define SPOTOPT_FLEET_EXPERIMENT_H
#include "base/base.h"
#include "spotopt/experiment.h"

/* Under so many units of both arms together, every assignment is tried. */
#define SPOTOPT__PERMUTED_UNITS 20

typedef struct spotopt__measurement {
    double time_s, value, pre; /* pre: NaN where unknown */
    uint32_t unit, metric;
} spotopt__measurement;

struct spotopt_experiment {
    spotopt_context *context;
    spotopt__arena arena;
    spotopt__vec(const char *) arms, metrics, units; /* in order of first appearance */
    spotopt__map arm_by_name, metric_by_name, unit_by_name;
    spotopt__vec(uint32_t) arm_of_unit;
    spotopt__vec(spotopt__measurement) rows; /* by time; equal times as they came */
};

/* What one unit came to in a metric. */
typedef struct spotopt__outcome {
    uint32_t unit;
    uint32_t is_treatment; /* 0 or 1 */
    uint64_t count;        /* rows */
    double sum, pre_sum;   /* over rows; pre_sum NaN where a row has none */
    double last_s;         /* time of the last row */
} spotopt__outcome;

/* The two arms of a comparison, checked. */
typedef struct spotopt__pair {
    uint32_t arm[2]; /* control, treatment */
    uint32_t metric, exposure; /* SPOTOPT__NONE: not asked for */
    spotopt_compare_params params;
} spotopt__pair;

/* Copies and checks params. A metric is needed where need_metric. */
spotopt_status spotopt__pair_make(const spotopt_experiment *experiment, const spotopt_compare_params *params,
                                  bool need_metric, spotopt__pair *out, spotopt_error *err);
/* Outcomes of both arms' units in a metric, in the order they were complete. Free the array. */
spotopt_status spotopt__outcomes(const spotopt_experiment *experiment, const spotopt__pair *pair, uint32_t metric,
                                 spotopt__outcome **out, size_t *out_count, spotopt_error *err);
/* Chi-squared with one degree of freedom: do the arms' sizes fit the share? */
double spotopt__sample_ratio_p(double control, double treatment, double share);

/* --- moments.c: two arms' values with a covariate, one after another --- */
typedef struct spotopt__moments {
    double n[2], y[2], x[2];    /* count and means, by arm */
    double yy[2], xx[2], xy[2]; /* sums of products of deviations from the means */
} spotopt__moments;
void spotopt__moments_add(spotopt__moments *moments, uint32_t arm, double y, double x);
/* Difference with the covariate taken out. t^2 / g is its square over the residual variance; false: not to be had yet. */
typedef struct spotopt__contrast {
    double effect, variance; /* residual, of one unit */
    double g;                /* variance of effect = variance / g: the effective number of pairs */
    double df;
} spotopt__contrast;
bool spotopt__moments_contrast(const spotopt__moments *moments, spotopt__contrast *out);
/* Slope of y on x within arms; 0 where x does not vary. */
double spotopt__moments_slope(const spotopt__moments *moments);

/* --- sequential.c --- */
/* Mixture likelihood ratio of an effect against none, 0 < mixture: always-valid p = 1 / its largest value so far. */
double spotopt__mixture_ratio(const spotopt__contrast *contrast, double mixture);
/* |effect| at which that ratio reaches 1 / alpha; infinite where it cannot. */
double spotopt__mixture_radius(const spotopt__contrast *contrast, double mixture, double alpha);

/* --- permutation.c --- */
/* Share of all ways to name `treated` of the values treatment whose |difference of means| is at least the observed. */
double spotopt__permutation_p(const double *control, size_t control_count, const double *treatment,
                              size_t treatment_count);

/* --- ranks.c: values are sorted ascending in both --- */
double spotopt__mann_whitney_p(const double *a, size_t a_count, const double *b, size_t b_count);
/* Median of the differences b - a, and the differences around it that bound the shift at 1 - alpha. */
void spotopt__hodges_lehmann(const double *a, size_t a_count, const double *b, size_t b_count, double alpha,
                             double *out_shift, double *out_low, double *out_high);

#endif
