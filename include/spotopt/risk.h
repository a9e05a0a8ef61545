/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SPOTOPT_RISK_H
#define SPOTOPT_RISK_H
#include "spotopt/catalog.h"
#include "spotopt/history.h"
#include "spotopt/model.h"
#include "spotopt/options.h"

/**
 * @file risk.h
 * @brief The chance that a node of a pool is taken back within a stated number of hours.
 *
 * Experimental: until a release adopts them, these functions may still change.
 */
SPOTOPT_BEGIN_DECLS

/** Where a forecast comes from, and what is odd about it. */
enum {
    SPOTOPT_RISK_PRIOR = 1,    /**< nothing was seen of the pool: family, region and vendor signals alone */
    SPOTOPT_RISK_EVIDENCE = 2, /**< gamma-Poisson on decayed events of the pool */
    SPOTOPT_RISK_HAZARD = 4,   /**< a fitted model's hazard, calibrated */
    SPOTOPT_RISK_COLD = 16,    /**< less than an hour of (decayed) exposure */
    SPOTOPT_RISK_STALE = 32,   /**< the last observation is older than 24 h */
    SPOTOPT_RISK_NONE = 64,    /**< on-demand: nobody takes it back */
    SPOTOPT_RISK_FALLBACK = 128, /**< a model was given, but what is seen of the pool does not do for it */
    SPOTOPT_RISK_DRIFT = 256     /**< what the model meets is not what it was fitted to: see docs/algorithms.md, "Risk" */
};

/** A forecast for every pool of a catalog at one moment. Threads: read by any number. @since 0.1 */
typedef struct spotopt_risk spotopt_risk;

/** One pool's forecast for one horizon. */
typedef struct spotopt_forecast {
    size_t size;    /**< set by SPOTOPT_FORECAST_INIT */
    double p;       /**< p_H of one node, 0..1 */
    double low;     /**< 2.5 % quantile of what is not known of p; p lies within low and high */
    double high;    /**< 97.5 % quantile */
    double events;  /**< decayed count of nodes lost (D) */
    double hours;   /**< decayed node-hours seen (E) */
    uint32_t flags; /**< SPOTOPT_RISK_... */
    uint32_t reserved; /**< 0 */
} spotopt_forecast;

/** The defaults of a struct, its size set: `= SPOTOPT_FORECAST_INIT`. */
#define SPOTOPT_FORECAST_INIT { sizeof(spotopt_forecast), 0.0, 0.0, 0.0, 0.0, 0.0, 0, 0 }

/**
 * Forecast every pool: a gamma prior by family and region, shifted by vendor signals, updated by what history
 * shows (DESIGN of the method: docs/algorithms.md, "Risk").
 *
 * @param history  or NULL
 * @param now_s    seconds of the history's epoch; later rows are not looked at
 * @param options  or NULL
 * @param out      free with spotopt_risk_free(); holds what it needs of the inputs
 * @since 0.1
 */
SPOTOPT_API SPOTOPT_NODISCARD spotopt_status
spotopt_risk_score(spotopt_context *context, const spotopt_catalog *catalog, const spotopt_history *history,
                   double now_s, const spotopt_options *options, spotopt_risk **out, spotopt_error *err);
/** What forecasts are made from; all borrowed for the call but the model, which is held. */
typedef struct spotopt_risk_params {
    size_t size;                    /**< set by SPOTOPT_RISK_PARAMS_INIT */
    const spotopt_catalog *catalog; /**< the pools; NULL: those of the history, in its order, all taken for spot */
    const spotopt_history *history; /**< or NULL */
    const spotopt_model *model;     /**< or NULL: layers 1 and 2 alone */
    double now_s;                   /**< seconds of the history's epoch; later rows are not looked at */
    double drift_days; /**< so many days before now_s the model's forecasts are held against what came, 0..1000; 0: not */
} spotopt_risk_params;

/** The defaults of a struct, its size set: `= SPOTOPT_RISK_PARAMS_INIT`. */
#define SPOTOPT_RISK_PARAMS_INIT { sizeof(spotopt_risk_params), NULL, NULL, NULL, 0.0, 60.0 }

/**
 * Forecast every pool by the best layer that what is seen of it allows: the model's hazard (3) for pools seen for an
 * hour and within the last day, decayed evidence (2), prior (1). All pools are done at once: this is also how
 * forecasts are brought up to date.
 *
 * @param params   catalog or history must be set
 * @param options  progress and cancel count; or NULL
 * @param out      free with spotopt_risk_free(); holds what it needs of the inputs
 * @retval SPOTOPT_E_CANCELLED  the progress callback asked to stop
 *
 * Linear in rows of the history: 100,000 pools with 10 million rows took 1.5 s of one core. Memory beside the inputs:
 * about 300 bytes a pool with a model, during the call 650, whatever the number of rows.
 * @since 0.1
 */
SPOTOPT_API SPOTOPT_NODISCARD spotopt_status
spotopt_risk_score_with(spotopt_context *context, const spotopt_risk_params *params, const spotopt_options *options,
                        spotopt_risk **out, spotopt_error *err);
/** Give back forecasts, or NULL. @since 0.1 */
SPOTOPT_API void spotopt_risk_free(spotopt_risk *risk);

/**
 * One pool's forecast.
 * @param pool       index in the catalog
 * @param horizon_h  hours, > 0
 * @param out        its size field is set by the caller
 * @retval SPOTOPT_E_ARGUMENT  pool or horizon_h is off
 * @since 0.1
 */
SPOTOPT_API SPOTOPT_NODISCARD spotopt_status
spotopt_risk_at(const spotopt_risk *risk, size_t pool, double horizon_h, spotopt_forecast *out,
                spotopt_error *err);

/** p_H, low and high of every pool as columns of `count` (= the catalog's) doubles each; low, high may be NULL. @since 0.1 */
SPOTOPT_API SPOTOPT_NODISCARD spotopt_status
spotopt_risk_columns(const spotopt_risk *risk, double horizon_h, double *out_p, double *out_low, double *out_high,
                     size_t count, spotopt_error *err);

/**
 * The chance that the pool loses at least one node within H (what a history shows and an evaluation judges), as
 * columns of `count` doubles each; low, high may be NULL. @since 0.1
 */
SPOTOPT_API SPOTOPT_NODISCARD spotopt_status
spotopt_risk_drop_columns(const spotopt_risk *risk, double horizon_h, double *out_p, double *out_low,
                          double *out_high, size_t count, spotopt_error *err);
/** The number of pools. @since 0.1 */
SPOTOPT_API size_t spotopt_risk_count(const spotopt_risk *risk);
/** A pool's id, by index below spotopt_risk_count(), else NULL. @since 0.1 */
SPOTOPT_API const char *spotopt_risk_pool_id(const spotopt_risk *risk, size_t pool);

/**
 * Why a pool's p_drop_H is what it is: what each feature of the model adds to its log-odds, from those of a pool at the
 * mean of the fit window on (Aumann-Shapley values along the straight path between the two). The last is layer 2's,
 * "evidence". Together they are *out_total - *out_base, to 1e-9.
 *
 * @param pool               index of a pool that the model forecasts (SPOTOPT_RISK_HAZARD)
 * @param out_contributions  count (= the card's feature_count + 1) log-odds, in the order of spotopt_model_feature_at()
 * @param out_base           ln(p / (1 - p)) at the mean
 * @param out_total          ln(p / (1 - p)) of the pool
 * @retval SPOTOPT_E_ARGUMENT  pool, horizon_h or count is off
 * @retval SPOTOPT_E_STATE     no model forecasts this pool: there is nothing to add up
 * @since 0.1
 */
SPOTOPT_API SPOTOPT_NODISCARD spotopt_status
spotopt_risk_explain(const spotopt_risk *risk, size_t pool, double horizon_h, double *out_contributions, size_t count,
                     double *out_base, double *out_total, spotopt_error *err);

/**
 * How far a feature's values are now from those of the fit window: the population stability index (Siddiqi 2006).
 *
 * @param feature   below the card's feature_count, in the order of spotopt_model_feature_at()
 * @param out_name  the feature's, not to be freed; or NULL
 * @param out_psi   >= 0, above 0.25 another population; NaN where the fit window's spread is unknown
 * @retval SPOTOPT_E_ARGUMENT  feature is off
 * @retval SPOTOPT_E_STATE     no model, or it forecasts fewer than 30 pools: nothing can be said
 * @since 0.1
 */
SPOTOPT_API SPOTOPT_NODISCARD spotopt_status
spotopt_risk_psi_at(const spotopt_risk *risk, size_t feature, const char **out_name, double *out_psi,
                    spotopt_error *err);

/** A model's forecasts of the days gone by, against what came: two-sided CUSUM (Page 1954). */
typedef struct spotopt_cusum {
    size_t size;         /**< set by SPOTOPT_CUSUM_INIT */
    double up;           /**< sum now for more drops than forecast, in deviations of a block's mean residual; >= 0 */
    double down;         /**< likewise for fewer */
    double dispersion;   /**< a block's deviation as a multiple of that of independent labels, >= 1 */
    double crossed_at_s; /**< end of the block at which a sum first went above 5; NaN: none did */
    int32_t direction;   /**< which then: 1 more drops than forecast, -1 fewer; 0: none */
    uint32_t blocks;     /**< blocks of days looked at */
} spotopt_cusum;

/** The defaults of a struct, its size set: `= SPOTOPT_CUSUM_INIT`. */
#define SPOTOPT_CUSUM_INIT { sizeof(spotopt_cusum), 0.0, 0.0, 0.0, 0.0, 0, 0 }

/**
 * Whether the model's level still holds: docs/algorithms.md, "Risk". Decisions count that came after the model's
 * calibration window, within drift_days, and whose 4 hours are over.
 *
 * @param out  its size field is set by the caller
 * @retval SPOTOPT_E_STATE  no model, or fewer than 8 blocks: nothing can be said
 * @since 0.1
 */
SPOTOPT_API SPOTOPT_NODISCARD spotopt_status
spotopt_risk_cusum(const spotopt_risk *risk, spotopt_cusum *out, spotopt_error *err);

/**
 * Write a RiskForecast document: every pool's chances with intervals, of a node and of the pool, and its flags; with a
 * model also its drift, and what each group of features contributes (spotopt_risk_explain()). Give back with
 * spotopt_text_free().
 * @param horizons_h  horizon_count hours, > 0
 * @since 0.1
 */
SPOTOPT_API SPOTOPT_NODISCARD spotopt_status
spotopt_risk_write(const spotopt_risk *risk, const double *horizons_h, size_t horizon_count, char **out_text,
                   size_t *out_length, spotopt_error *err);

SPOTOPT_END_DECLS
#endif /* SPOTOPT_RISK_H */
