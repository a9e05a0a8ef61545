/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SPOTOPT_EXPERIMENT_H
#define SPOTOPT_EXPERIMENT_H
#include "spotopt/options.h"

/**
 * @file experiment.h
 * @brief Whether one way of running a fleet is better than another: assignment, comparison, canary.
 *
 * Experimental: until a release adopts them, these functions may still change.
 */
SPOTOPT_BEGIN_DECLS

/** What was measured in an experiment, by unit, arm and metric. Threads: read by any number. @since 0.1 */
typedef struct spotopt_experiment spotopt_experiment;

/** What a comparison came to. Better and worse follow the metric's direction. */
enum {
    SPOTOPT_VERDICT_BETTER = 1,       /**< the treatment is better, at the level asked for */
    SPOTOPT_VERDICT_WORSE = 2,        /**< the treatment is worse, at the level asked for */
    SPOTOPT_VERDICT_SAME = 3,         /**< no difference shown, and one of the size asked for would have been */
    SPOTOPT_VERDICT_INCONCLUSIVE = 4, /**< no difference shown, and one might well have been missed */
    SPOTOPT_VERDICT_INVALID = 5       /**< the arms' sizes do not fit the assignment: nothing can be concluded */
};

/**
 * The arm of a unit: the first eight bytes, big-endian, of SHA-256 of "salt:unit" over 2^64 fall into the arms' parts of
 * [0, 1). The same on every machine, and easy to repeat elsewhere.
 *
 * @param salt     of the experiment, so that experiments do not share their arms
 * @param weights  `arms` parts, each >= 0 with a sum > 0; NULL: equal parts
 * @param arms     >= 1
 * @retval SPOTOPT_E_ARGUMENT  a weight is off, or there is no arm
 * @since 0.1
 */
SPOTOPT_API SPOTOPT_NODISCARD spotopt_status
spotopt_experiment_assign(const char *salt, const char *unit, const double *weights, uint32_t arms, uint32_t *out_arm,
                          spotopt_error *err);

/**
 * Read measurements: CSV `unit,time_s,arm,metric,value[,pre_value]`. A unit stays in one arm. pre_value is the same
 * quantity of that unit before the experiment; where every row of a metric has it, it takes out what it explains.
 * @retval SPOTOPT_E_INPUT  the table is bad; the message names the line
 * @since 0.1
 */
SPOTOPT_API SPOTOPT_NODISCARD spotopt_status
spotopt_experiment_parse(spotopt_context *context, const char *text, size_t length, const char *name,
                         spotopt_experiment **out, spotopt_error *err);
/** Give back an experiment, or NULL. @since 0.1 */
SPOTOPT_API void spotopt_experiment_free(spotopt_experiment *experiment);
/** The number of metrics, in order of first appearance. @since 0.1 */
SPOTOPT_API size_t spotopt_experiment_metric_count(const spotopt_experiment *experiment);
/** A metric's name, owned by the experiment; NULL where metric is not below the count. @since 0.1 */
SPOTOPT_API const char *spotopt_experiment_metric(const spotopt_experiment *experiment, size_t metric);

/** What is asked of a comparison. */
typedef struct spotopt_compare_params {
    size_t size;             /**< set by SPOTOPT_COMPARE_PARAMS_INIT */
    const char *control;     /**< an arm's name; NULL: "control" */
    const char *treatment;   /**< an arm's name; NULL: the only other arm */
    const char *metric;      /**< a metric's name */
    const char *exposure;    /**< of rates: the metric that holds the hours, such as "node_hours"; else NULL */
    double alpha;            /**< chance of a false alarm, 0..1: 0.05 */
    double share;            /**< of units that were assigned to the treatment, among the two arms: 0.5 */
    double effect_frac;      /**< a difference worth finding, as a share of control: 0.05 */
    double mixture;          /**< spread of effects, in standard deviations of a unit, that peeking is tuned to: 0.2 */
    int32_t higher_is_better; /**< 1: more is better; 0: less is better (latency, cost, interruptions) */
    int32_t reserved;        /**< 0 */
} spotopt_compare_params;

/** The defaults of a struct, its size set: `= SPOTOPT_COMPARE_PARAMS_INIT`. */
#define SPOTOPT_COMPARE_PARAMS_INIT                                                                \
    { sizeof(spotopt_compare_params), NULL, NULL, NULL, NULL, 0.05, 0.5, 0.05, 0.2, 0, 0 }

/**
 * Two arms compared in the mean of a metric over units. Numbers that do not exist are NaN. Differences are treatment minus
 * control, in the metric's unit.
 */
typedef struct spotopt_comparison {
    size_t size;                 /**< set by SPOTOPT_COMPARISON_INIT */
    uint64_t control_units;      /**< units with a value */
    uint64_t treatment_units;    /**< units with a value */
    double control_mean;         /**< mean over units of a unit's mean */
    double treatment_mean;       /**< the same */
    double effect;               /**< difference, after what pre_value explains is taken out (CUPED) */
    double effect_low;           /**< confidence interval at 1 - alpha, for one look at the end (Welch) */
    double effect_high;          /**< its upper end */
    double t;                    /**< Welch's statistic */
    double df;                   /**< its degrees of freedom */
    double p;                    /**< two-sided, for one look at the end */
    double always_low;           /**< confidence sequence at 1 - alpha: holds however often one looks */
    double always_high;          /**< its upper end */
    double always_p;             /**< valid however often one looks (mSPRT), over units in the order they were complete */
    double decided_at_s;         /**< when always_p first reached alpha; NaN: it did not */
    double permutation_p;        /**< exact, under 20 units; else NaN */
    double sample_ratio_p;       /**< chi-squared: are the arms' sizes what assignment makes of them? */
    double theta;                /**< slope of value on pre_value within arms; 0 without pre_value */
    double variance_removed_frac; /**< share of the variance that pre_value explained */
    double power;                /**< chance of finding effect_frac at one look at the end */
    double always_power;         /**< the same with always_p at its last look: a lower limit for many looks */
    double detectable_frac;      /**< effect that one look at the end finds with a chance of 0.8 */
    int32_t verdict;             /**< SPOTOPT_VERDICT_...: by always_p, or permutation_p under 20 units */
    int32_t reserved;            /**< 0 */
} spotopt_comparison;

/** The defaults of a struct, its size set: `= SPOTOPT_COMPARISON_INIT`. */
#define SPOTOPT_COMPARISON_INIT { .size = sizeof(spotopt_comparison) }

/**
 * Compare two arms in one metric. Sources: CUPED (Deng, Xu, Kohavi, Walker 2013), mixture sequential test (Robbins 1970;
 * Johari, Pekelis, Walsh 2015) in its scale-free form for an unknown variance (Perez-Ortiz, Lardy, de Heide, Grünwald
 * 2024). docs/algorithms.md, "Experiments".
 * @param out  its size field is set by the caller
 * @retval SPOTOPT_E_ARGUMENT  no such arm or metric, or a parameter out of range
 * @since 0.1
 */
SPOTOPT_API SPOTOPT_NODISCARD spotopt_status
spotopt_experiment_compare(const spotopt_experiment *experiment, const spotopt_compare_params *params,
                           spotopt_comparison *out, spotopt_error *err);

/** Two arms compared in a rate: events over exposure, such as interruptions over node-hours. */
typedef struct spotopt_rate_comparison {
    size_t size;               /**< set by SPOTOPT_RATE_COMPARISON_INIT */
    double control_events;     /**< sum over units */
    double treatment_events;   /**< sum over units */
    double control_exposure;   /**< sum over units, in the exposure's unit */
    double treatment_exposure; /**< sum over units */
    double ratio;              /**< treatment's rate over control's; NaN without events or exposure */
    double ratio_low;          /**< exact conditional interval at 1 - alpha (Clopper and Pearson) */
    double ratio_high;         /**< its upper end, infinite where control had no event */
    double p;                  /**< exact conditional (binomial), two-sided */
    double dispersion;         /**< variance of units' events over their mean, 1 for independent events */
    double robust_low;         /**< interval from the spread between units, which holds when events come in groups */
    double robust_high;        /**< its upper end */
    double robust_p;           /**< two-sided, the same */
    double sample_ratio_p;     /**< as in spotopt_comparison */
    double power;              /**< chance of finding a ratio of 1 - effect_frac (1 + where more is better) */
    int32_t verdict;           /**< SPOTOPT_VERDICT_...: both tests must agree once dispersion exceeds 1.5 */
    int32_t reserved;          /**< 0 */
} spotopt_rate_comparison;

/** The defaults of a struct, its size set: `= SPOTOPT_RATE_COMPARISON_INIT`. */
#define SPOTOPT_RATE_COMPARISON_INIT { .size = sizeof(spotopt_rate_comparison) }

/**
 * Compare two arms in the rate metric/exposure. Events are whole numbers >= 0, exposures >= 0 with a sum > 0 in each arm.
 * Sources: Przyborowski and Wilenski 1940 (conditional test of two Poisson means); docs/algorithms.md, "Experiments".
 * @param out  its size field is set by the caller
 * @retval SPOTOPT_E_ARGUMENT  no such arm or metric, or a parameter out of range
 * @retval SPOTOPT_E_INPUT     an event count is no whole number, or an exposure is negative
 * @since 0.1
 */
SPOTOPT_API SPOTOPT_NODISCARD spotopt_status
spotopt_experiment_compare_rate(const spotopt_experiment *experiment, const spotopt_compare_params *params,
                                spotopt_rate_comparison *out, spotopt_error *err);

/** Which way a metric must not move. */
enum {
    SPOTOPT_CANARY_EITHER = 0,  /**< neither up nor down */
    SPOTOPT_CANARY_INCREASE = 1, /**< not up: latency, errors */
    SPOTOPT_CANARY_DECREASE = 2  /**< not down: throughput */
};

/** What became of one metric of a canary. */
enum {
    SPOTOPT_CANARY_PASS = 1,
    SPOTOPT_CANARY_HIGH = 2,   /**< the canary is higher than allowed */
    SPOTOPT_CANARY_LOW = 3,    /**< the canary is lower than allowed */
    SPOTOPT_CANARY_NODATA = 4  /**< too few values to judge; does not count */
};

/** One metric of a canary: what is asked, and after the call what was found. */
typedef struct spotopt_canary_metric {
    size_t size;            /**< set by SPOTOPT_CANARY_METRIC_INIT */
    const char *metric;     /**< name */
    double weight;          /**< >= 0, beside other metrics: 1 */
    double tolerance_frac;  /**< a shift up to this share of control's median is fine: 0.1 */
    int32_t direction;      /**< SPOTOPT_CANARY_EITHER, ... */
    int32_t is_critical;    /**< 1: the canary fails with this metric */
    uint64_t control_values; /**< found: values in the control arm */
    uint64_t canary_values; /**< found */
    double control_median;  /**< found */
    double shift;           /**< found: Hodges and Lehmann's estimate, canary minus control */
    double shift_low;       /**< found: interval at 1 - alpha */
    double shift_high;      /**< found: its upper end */
    double p;               /**< found: Mann and Whitney, two-sided */
    double power;           /**< found: chance of seeing a shift of twice the tolerance */
    int32_t found;          /**< found: SPOTOPT_CANARY_PASS, ... */
    int32_t reserved;       /**< 0 */
} spotopt_canary_metric;

/** The defaults of a struct, its size set: `= SPOTOPT_CANARY_METRIC_INIT`. */
#define SPOTOPT_CANARY_METRIC_INIT { .size = sizeof(spotopt_canary_metric), .weight = 1.0, .tolerance_frac = 0.1 }

/**
 * Judge a canary: every metric by Mann and Whitney's test with Hodges and Lehmann's shift, the weighted share that passed as a
 * score, as Kayenta does. A metric is high when the whole interval of its shift lies above the tolerance.
 *
 * @param params   control, treatment (the canary) and alpha are used
 * @param metrics  `count` of them, in and out; each with its size set
 * @param out_score  0..100; NaN where no metric has data
 * @param out_pass   1: the score is at least pass_score and no critical metric failed
 * @since 0.1
 */
SPOTOPT_API SPOTOPT_NODISCARD spotopt_status
spotopt_experiment_canary(const spotopt_experiment *experiment, const spotopt_compare_params *params,
                          spotopt_canary_metric *metrics, size_t count, double pass_score, double *out_score,
                          int32_t *out_pass, spotopt_error *err);

/**
 * Write an ExperimentReport document: every metric compared (the one that params name, or all), rates where params name an
 * exposure. Give back with spotopt_text_free(). @since 0.1
 */
SPOTOPT_API SPOTOPT_NODISCARD spotopt_status
spotopt_experiment_write(const spotopt_experiment *experiment, const spotopt_compare_params *params, char **out_text,
                         size_t *out_length, spotopt_error *err);

/** Judge as spotopt_experiment_canary() does and write a CanaryReport document. @since 0.1 */
SPOTOPT_API SPOTOPT_NODISCARD spotopt_status
spotopt_experiment_write_canary(const spotopt_experiment *experiment, const spotopt_compare_params *params,
                                spotopt_canary_metric *metrics, size_t count, double pass_score, char **out_text,
                                size_t *out_length, spotopt_error *err);

SPOTOPT_END_DECLS
#endif /* SPOTOPT_EXPERIMENT_H */
