/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SPOTOPT_EVALUATION_H
#define SPOTOPT_EVALUATION_H
#include "spotopt/catalog.h"
#include "spotopt/history.h"
#include "spotopt/model.h"
#include "spotopt/options.h"

/**
 * @file evaluation.h
 * @brief How good forecasts of drops were, with intervals: judged on what came after.
 *
 * A moment is judged at a horizon when what came is known: the horizon ends before the window does and within the
 * pool's observation. Intervals draw whole days (docs/algorithms.md, "Judging forecasts").
 *
 * Experimental: until a release adopts them, these functions may still change.
 */
SPOTOPT_BEGIN_DECLS

/** Forecasts of one or several origins at the same moments, judged. Threads: read by any number. @since 0.1 */
typedef struct spotopt_evaluation spotopt_evaluation;

/** What is judged on a history. */
typedef struct spotopt_evaluation_params {
    size_t size;                       /**< set by SPOTOPT_EVALUATION_PARAMS_INIT */
    const spotopt_history *history;    /**< needed */
    const spotopt_catalog *catalog;    /**< vendor signals for the models, or NULL */
    const spotopt_model *const *models; /**< model_count of them, judged in this order; or NULL */
    uint32_t model_count;              /**< at most 16 */
    uint32_t horizon_count;            /**< at most 16; 0: 1, 4 and 24 h */
    const double *horizons_h;          /**< hours, ascending, > 0; at most a year */
    double from_s;                     /**< moments in [from_s, to_s) ... */
    double to_s;                       /**< see from_s */
    double step_s;           /**< ... at multiples of this, >= 1 */
    const double *reference; /**< horizon_count shares, 0..1: what a forecast without skill says; NULL: from the fit window */
    double fit_from_s;       /**< the fit window, for the reference and for the baselines; NaN: ... */
    double fit_to_s;         /**< ... the first model's, or without one all of the history before from_s */
    const char *pool;        /**< whose forecast is kept over time; NULL: the pool with most drops */
    uint32_t draws;          /**< of the bootstrap, 1..100000 */
    uint32_t has_baselines;  /**< 1: layers 1-2 ("evidence"), the last day's rate and a constant are judged too */
    uint64_t seed;           /**< of the bootstrap; draws are those of numpy's default_rng(seed) */
} spotopt_evaluation_params;

/** The defaults of a struct, its size set: `= SPOTOPT_EVALUATION_PARAMS_INIT`. */
#define SPOTOPT_EVALUATION_PARAMS_INIT                                                              \
    { sizeof(spotopt_evaluation_params), NULL, NULL, NULL, 0, 0, NULL, 0.0, 0.0, 900.0, NULL,       \
      SPOTOPT_EVALUATION_UNKNOWN, SPOTOPT_EVALUATION_UNKNOWN, NULL, 400, 1, 7 }
/** Stands for a time that is not known: not a number. */
#define SPOTOPT_EVALUATION_UNKNOWN (0.0 / 0.0)

/**
 * Judge models, and baselines beside them, on a history: the same moments for all, so that a model in the shadow of
 * another is scored at once with it. Without a model the baselines alone.
 *
 * @param params  borrowed for the call
 * @param out     free with spotopt_evaluation_free()
 * @retval SPOTOPT_E_ARGUMENT  a parameter is off, or no moment of the window can be judged at some horizon
 * @since 0.1
 */
SPOTOPT_API SPOTOPT_NODISCARD spotopt_status
spotopt_evaluate(spotopt_context *context, const spotopt_evaluation_params *params, const spotopt_options *options,
                 spotopt_evaluation **out, spotopt_error *err);

/** Forecasts made elsewhere, as columns. All are borrowed for the call. */
typedef struct spotopt_evaluation_columns {
    size_t size;             /**< set by SPOTOPT_EVALUATION_COLUMNS_INIT */
    size_t count;            /**< rows, < 2^32 */
    const double *time_s;    /**< count moments; the day is floor(time_s / 86400) */
    const uint32_t *pool;    /**< count numbers of pools, < 2^24; NULL: one pool */
    const double *horizons_h; /**< horizon_count hours, ascending, > 0 */
    const double *label;     /**< horizon after horizon, count each: 1 a drop, 0 none, NaN not known */
    const double *forecast;  /**< forecast after forecast, horizon after horizon, count each: 0..1 */
    const char *const *names; /**< forecast_count names, or NULL */
    const double *reference; /**< horizon_count shares; NULL or NaN: the share of the rows themselves */
    uint32_t horizon_count;  /**< 1..16 */
    uint32_t forecast_count; /**< 1..16 */
    uint32_t draws;          /**< of the bootstrap, 1..100000 */
    uint32_t reserved;       /**< 0 */
    uint64_t seed;           /**< of the bootstrap */
} spotopt_evaluation_columns;

/** The defaults of a struct, its size set: `= SPOTOPT_EVALUATION_COLUMNS_INIT`. */
#define SPOTOPT_EVALUATION_COLUMNS_INIT                                                             \
    { sizeof(spotopt_evaluation_columns), 0, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 0, 1, 400, 0, 7 }

/** Judge columns. @retval SPOTOPT_E_ARGUMENT  a column is off; the message names the row @since 0.1 */
SPOTOPT_API SPOTOPT_NODISCARD spotopt_status
spotopt_evaluation_of_columns(spotopt_context *context, const spotopt_evaluation_columns *columns,
                              spotopt_evaluation **out, spotopt_error *err);

/** Give back an evaluation, or NULL. @since 0.1 */
SPOTOPT_API void spotopt_evaluation_free(spotopt_evaluation *evaluation);
/** The number of moments, whether they can be judged or not. @since 0.1 */
SPOTOPT_API size_t spotopt_evaluation_count(const spotopt_evaluation *evaluation);
/** The number of forecasts: models, then baselines. @since 0.1 */
SPOTOPT_API uint32_t spotopt_evaluation_forecast_count(const spotopt_evaluation *evaluation);
/** The name of a forecast, a model's id; NULL past the end. The evaluation's. @since 0.1 */
SPOTOPT_API const char *spotopt_evaluation_forecast_name(const spotopt_evaluation *evaluation, uint32_t forecast);
/** The number of horizons. @since 0.1 */
SPOTOPT_API uint32_t spotopt_evaluation_horizon_count(const spotopt_evaluation *evaluation);
/** Hours of a horizon; NaN past the end. @since 0.1 */
SPOTOPT_API double spotopt_evaluation_horizon_at(const spotopt_evaluation *evaluation, uint32_t horizon);

/** How good one forecast was at one horizon. Shares are 0..1; NaN where there is no such number. */
typedef struct spotopt_judgement {
    size_t size;            /**< set by SPOTOPT_JUDGEMENT_INIT */
    uint64_t count;         /**< moments judged */
    double base_rate;       /**< share of them with a drop */
    double reference;       /**< what a forecast without skill says */
    double auc;             /**< area under the ROC curve, ties one half */
    double auc_low;         /**< 95 % */
    double auc_high;        /**< 95 % */
    double within_pool_auc; /**< within each pool, weighted by its pairs */
    double brier;           /**< mean squared error */
    double bss;             /**< 1 - brier / that of the reference */
    double bss_low;         /**< 95 % */
    double bss_high;        /**< 95 % */
    double ece;             /**< mean |forecast - seen| over 10 bins of equal count */
    double log_loss;        /**< forecasts kept 1e-6 off 0 and 1 */
    double reliability;     /**< on the same bins: brier = reliability - resolution + uncertainty + within_bin */
    double resolution;      /**< how far the bins lie apart */
    double uncertainty;     /**< base_rate (1 - base_rate) */
    double within_bin;      /**< what forecasts differ inside a bin */
    uint32_t days;          /**< blocks of the bootstrap */
    uint32_t bin_count;     /**< points of the reliability curve */
} spotopt_judgement;

/** The defaults of a struct, its size set: `= SPOTOPT_JUDGEMENT_INIT`. */
#define SPOTOPT_JUDGEMENT_INIT                                                                      \
    { sizeof(spotopt_judgement), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 }

/** One forecast at one horizon, both by index. @retval SPOTOPT_E_ARGUMENT an index is off @since 0.1 */
SPOTOPT_API SPOTOPT_NODISCARD spotopt_status
spotopt_evaluation_at(const spotopt_evaluation *evaluation, uint32_t forecast, uint32_t horizon,
                      spotopt_judgement *out, spotopt_error *err);
/**
 * The reliability curve as columns of judgement.bin_count each: rows in a bin, its mean forecast, its share of drops.
 * Any may be NULL.
 * @since 0.1
 */
SPOTOPT_API SPOTOPT_NODISCARD spotopt_status
spotopt_evaluation_curve(const spotopt_evaluation *evaluation, uint32_t forecast, uint32_t horizon, double *out_rows,
                         double *out_forecast, double *out_seen, size_t count, spotopt_error *err);
/**
 * The moments and what was said and came, as columns of spotopt_evaluation_count() each; any may be NULL.
 * @param out_pool   numbers of pools, see spotopt_evaluation_pool_name()
 * @param out_p      the forecast at the horizon
 * @param out_label  1 a drop, 0 none, NaN not judged
 * @since 0.1
 */
SPOTOPT_API SPOTOPT_NODISCARD spotopt_status
spotopt_evaluation_rows(const spotopt_evaluation *evaluation, uint32_t forecast, uint32_t horizon, uint32_t *out_pool,
                        double *out_time_s, double *out_p, double *out_label, size_t count, spotopt_error *err);
/** The id of a pool, by the number it has in the rows; NULL past the end or where pools have numbers only. @since 0.1 */
SPOTOPT_API const char *spotopt_evaluation_pool_name(const spotopt_evaluation *evaluation, uint32_t pool);

/** One forecast against another at the same moments. */
typedef struct spotopt_skill_gain {
    size_t size;        /**< set by SPOTOPT_SKILL_GAIN_INIT */
    double gain;        /**< Brier skill of the first less that of the second */
    double low;         /**< 95 %, the same days drawn for both */
    double high;        /**< 95 % */
    double brier_gain;  /**< Brier score of the second less that of the first */
    double better_frac; /**< share of draws in which the first is better */
} spotopt_skill_gain;

/** The defaults of a struct, its size set: `= SPOTOPT_SKILL_GAIN_INIT`. */
#define SPOTOPT_SKILL_GAIN_INIT { sizeof(spotopt_skill_gain), 0, 0, 0, 0, 0 }

/** Compare two forecasts at one horizon, all by index. @since 0.1 */
SPOTOPT_API SPOTOPT_NODISCARD spotopt_status
spotopt_evaluation_compare(const spotopt_evaluation *evaluation, uint32_t forecast, uint32_t other, uint32_t horizon,
                           spotopt_skill_gain *out, spotopt_error *err);

/**
 * May a forecast take the place of another? Held-out days; at every horizon the interval of the skill gain above 0
 * (or above -0.01 with a lower calibration error); calibration error at most 0.05 up to 4 h and 0.10 beyond; no
 * region or family that loses more than 0.02 of skill. 1, 4 and 24 h must be among the horizons.
 *
 * @param out_passed  1 or 0
 * @param out_text    JSON, every condition with its value and what was wanted; give back with spotopt_text_free()
 * @since 0.1
 */
SPOTOPT_API SPOTOPT_NODISCARD spotopt_status
spotopt_evaluation_gate(const spotopt_evaluation *evaluation, uint32_t forecast, uint32_t other, int32_t *out_passed,
                        char **out_text, size_t *out_length, spotopt_error *err);

/** Write the RiskEvaluation document; give back with spotopt_text_free(). @since 0.1 */
SPOTOPT_API SPOTOPT_NODISCARD spotopt_status
spotopt_evaluation_write(const spotopt_evaluation *evaluation, char **out_text, size_t *out_length,
                         spotopt_error *err);
/** Write all of one forecast as CSV `pool,time_s,p_1h,p_4h,...`; give back with spotopt_text_free(). @since 0.1 */
SPOTOPT_API SPOTOPT_NODISCARD spotopt_status
spotopt_evaluation_write_predictions(const spotopt_evaluation *evaluation, uint32_t forecast, char **out_text,
                                     size_t *out_length, spotopt_error *err);

SPOTOPT_END_DECLS
#endif /* SPOTOPT_EVALUATION_H */
