/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SPOTOPT_RISK_H
#define SPOTOPT_RISK_H
#include "spotopt/catalog.h"
#include "spotopt/history.h"
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
    SPOTOPT_RISK_COLD = 16,    /**< less than an hour of (decayed) exposure */
    SPOTOPT_RISK_STALE = 32,   /**< the last observation is older than 24 h */
    SPOTOPT_RISK_NONE = 64     /**< on-demand: nobody takes it back */
};

/** A forecast for every pool of a catalog at one moment. Threads: read by any number. @since 0.1 */
typedef struct spotopt_risk spotopt_risk;

/** One pool's forecast for one horizon. */
typedef struct spotopt_forecast {
    size_t size;    /**< set by SPOTOPT_FORECAST_INIT */
    double p;       /**< p_H of one node, 0..1 */
    double low;     /**< 5 % quantile */
    double high;    /**< 95 % quantile */
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

SPOTOPT_END_DECLS
#endif /* SPOTOPT_RISK_H */
