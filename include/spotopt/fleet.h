/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SPOTOPT_FLEET_H
#define SPOTOPT_FLEET_H
#include "spotopt/ledger.h"

/**
 * @file fleet.h
 * @brief What a ledger tells: savings, activity, risk, topology, health. Pure functions of rows and `now`.
 *
 * Definitions with their formulas: docs/algorithms.md, "Books of a fleet".
 *
 * Experimental: until a release adopts them, these functions may still change.
 */
SPOTOPT_BEGIN_DECLS

/** Which part of the books is written. */
enum {
    SPOTOPT_FLEET_METRICS = 1,  /**< FleetMetrics: counts, rates, load, distribution, performance */
    SPOTOPT_FLEET_SAVINGS = 2,  /**< FleetSavings: money in total, by client, by cluster, over time */
    SPOTOPT_FLEET_TOPOLOGY = 3, /**< FleetTopology: client, cluster, pool, node */
    SPOTOPT_FLEET_HISTORY = 4,  /**< FleetHistory: switches, with alternates; of one instance or all */
    SPOTOPT_FLEET_HEALTH = 5,   /**< FleetHealth: components with uptime, latency, state changes, logs */
    SPOTOPT_FLEET_ACTIVITY = 6, /**< FleetActivity: what happened, latest first */
    SPOTOPT_FLEET_OVERRIDES = 7 /**< FleetOverrides: orders to use on-demand, and how far they are met */
};

/** What is asked of the books. Rows after now_ms are as if they were not there. */
typedef struct spotopt_fleet_params {
    size_t size;             /**< set by SPOTOPT_FLEET_PARAMS_INIT */
    int64_t now_ms;          /**< UTC; -1: the time of the last row */
    int64_t from_ms;         /**< begin of the window that ends now; -1: 30 days before */
    const char *cluster;     /**< of this cluster alone; NULL: all */
    const char *client;      /**< of this client's clusters alone; NULL: all */
    const char *instance;    /**< history, activity: of this instance alone; NULL: all */
    double interruption_usd; /**< what an interrupted node costs beyond the bill where its stop does not say: 0 */
    double return_hours;     /**< overrides: time over which spot comes back after one ends: 1 */
    uint32_t points;         /**< savings: equal parts of the window in series, 1 .. 10000: 60 */
    uint32_t limit;          /**< history, activity: rows at most: 100 */
} spotopt_fleet_params;

/** The defaults of a struct, its size set: `= SPOTOPT_FLEET_PARAMS_INIT`. */
#define SPOTOPT_FLEET_PARAMS_INIT { sizeof(spotopt_fleet_params), -1, -1, NULL, NULL, NULL, 0.0, 1.0, 60, 100 }

/**
 * Money in a window. Shares of savings compare what is comparable: time for which the on-demand equivalent (ODE) is
 * known. A number that does not exist is NaN.
 */
typedef struct spotopt_savings {
    size_t size;              /**< set by SPOTOPT_SAVINGS_INIT */
    double billed_usd;        /**< all that was paid in the window */
    double paid_usd;          /**< paid while the ODE is known */
    double losses_usd;        /**< lost work and penalties outside the bill, while the ODE is known */
    double ode_usd;           /**< cost of the on-demand-only packing of the same demand */
    double bound_usd;         /**< the least any fleet could have cost, while it is known; NaN: never */
    double gross_frac;        /**< 1 - paid / ODE */
    double net_frac;          /**< 1 - (paid + losses) / ODE */
    double optimization_rate; /**< sum(ODE - paid) / sum(ODE - bound); NaN where the denominator is not above 0 */
    double idle_usd;          /**< part of billed: the CPU share that metrics showed free; NaN: none were seen */
    double overlap_usd;       /**< part of billed: nodes that ran beside the ones they replace */
    double node_hours;        /**< of all nodes */
    double coverage_frac;     /**< spot / eligible vCPU-hours (node-hours where a start leaves vcpu out) */
    double effective_coverage_frac; /**< coverage * (1 - lost share of spot vCPU-hours) */
    double known_frac;        /**< share of the window for which some ODE is known */
    double monthly_gross_usd; /**< ODE - paid over the trailing 30 days, as a rate times 730 hours */
    double monthly_net_usd;   /**< the same after losses */
    double monthly_known_frac; /**< share of the 30 days that the rate is taken from */
} spotopt_savings;

/** The defaults of a struct, its size set: `= SPOTOPT_SAVINGS_INIT`. */
#define SPOTOPT_SAVINGS_INIT { .size = sizeof(spotopt_savings) }

/** Counts and rates. Rates that do not exist are NaN. */
typedef struct spotopt_fleet_numbers {
    size_t size;             /**< set by SPOTOPT_FLEET_NUMBERS_INIT */
    uint64_t active;         /**< nodes that run at now */
    uint64_t active_spot;    /**< of them on spot */
    uint64_t risk_detected;  /**< episodes that began in the last 24 h: notices of one instance 30 minutes apart at most */
    uint64_t notices;        /**< notices in the last 24 h, each counted */
    uint64_t interrupted;    /**< nodes interrupted in the last 24 h */
    double episodes_per_1000_node_hours; /**< in the last 24 h */
    uint64_t optimizations;  /**< executed switches in the window */
    uint64_t proposed;       /**< switches whose first row is in the window */
    uint64_t accepted;       /**< of them accepted by now, failed ones included */
    uint64_t failed;         /**< of them failed by now */
    uint64_t live;           /**< switches neither executed nor failed, heard of in the last 24 h, whose node runs */
    double action_rate;      /**< accepted / proposed */
    double cpu_load_frac;    /**< 1 - free CPU share of active nodes, by vCPU, from their last metrics */
    double memory_load_frac; /**< the same of memory */
} spotopt_fleet_numbers;

/** The defaults of a struct, its size set: `= SPOTOPT_FLEET_NUMBERS_INIT`. */
#define SPOTOPT_FLEET_NUMBERS_INIT { .size = sizeof(spotopt_fleet_numbers) }

/**
 * Savings from columns: of hours, clusters, instances, replayed steps.
 * @param paid_usd    count sums, as all others
 * @param losses_usd  NULL: none
 * @param bound_usd   NULL or NaN in places: unknown there, and those rows stand out of the optimization rate
 * @param out_gross   1 - sum(paid) / sum(ODE); NaN where the ODE is 0
 * @param out_net     1 - sum(paid + losses) / sum(ODE)
 * @param out_rate    a ratio of sums, never a mean of ratios; NaN where the denominator is not above 0
 * @retval SPOTOPT_E_ARGUMENT  paid_usd, ode_usd or an out is NULL, or an item is not finite
 * @since 0.1
 */
SPOTOPT_API SPOTOPT_NODISCARD spotopt_status
spotopt_savings_of_columns(const double *paid_usd, const double *losses_usd, const double *ode_usd,
                           const double *bound_usd, size_t count, double *out_gross, double *out_net,
                           double *out_rate, spotopt_error *err);
/**
 * Money in the window of params. O(lives * points).
 * @retval SPOTOPT_E_ARGUMENT  params are off, or there is no such cluster or client
 * @since 0.1
 */
SPOTOPT_API SPOTOPT_NODISCARD spotopt_status
spotopt_fleet_savings(const spotopt_ledger *ledger, const spotopt_fleet_params *params, spotopt_savings *out,
                      spotopt_error *err);
/** Counts and rates. Fails as spotopt_fleet_savings() does. @since 0.1 */
SPOTOPT_API SPOTOPT_NODISCARD spotopt_status
spotopt_fleet_numbers_get(const spotopt_ledger *ledger, const spotopt_fleet_params *params,
                          spotopt_fleet_numbers *out, spotopt_error *err);
/**
 * Money over time: sums of equal parts of the window, while the ODE is known.
 * @param count  length of each column, 1 .. 10000; params' points do not count here
 * @since 0.1
 */
SPOTOPT_API SPOTOPT_NODISCARD spotopt_status
spotopt_fleet_series(const spotopt_ledger *ledger, const spotopt_fleet_params *params, double *out_paid_usd,
                     double *out_losses_usd, double *out_ode_usd, double *out_bound_usd, size_t count,
                     spotopt_error *err);
/**
 * Write a part of the books as a document.
 * @param part      SPOTOPT_FLEET_...
 * @param out_text  zero-ended; give back with spotopt_text_free()
 * @since 0.1
 */
SPOTOPT_API SPOTOPT_NODISCARD spotopt_status
spotopt_fleet_write(const spotopt_ledger *ledger, int32_t part, const spotopt_fleet_params *params, char **out_text,
                    size_t *out_length, spotopt_error *err);

SPOTOPT_END_DECLS
#endif /* SPOTOPT_FLEET_H */
