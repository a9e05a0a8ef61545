/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SPOTOPT_CATALOG_H
#define SPOTOPT_CATALOG_H
#include "spotopt/context.h"

/**
 * @file catalog.h
 * @brief What can be bought: instance types, and pools (type x zone x purchase option) with prices.
 *
 * Experimental: until a release adopts them, these functions may still change.
 */
SPOTOPT_BEGIN_DECLS

/** A catalog. Threads: read by any number at once; spotopt_catalog_set_prices() by one alone. @since 0.1 */
typedef struct spotopt_catalog spotopt_catalog;

/** How to read a catalog; zero and NULL are the defaults. */
typedef struct spotopt_catalog_params {
    size_t size;          /**< set by SPOTOPT_CATALOG_PARAMS_INIT */
    const char *zones;    /**< "a,b,c": the zones of rows that name none; NULL: the region stands for the zone */
    const char *zone_map; /**< "use1-az2=us-east-1a,...": ids to names; NULL: names as they are */
} spotopt_catalog_params;

/** The defaults of a struct, its size set: `= SPOTOPT_CATALOG_PARAMS_INIT`. */
#define SPOTOPT_CATALOG_PARAMS_INIT { sizeof(spotopt_catalog_params), NULL, NULL }

/**
 * Read a catalog, CSV or JSON (told apart by its first byte), as docs/formats.md describes both.
 *
 * @param context  or NULL
 * @param text     the document, not necessarily zero-ended; copied
 * @param length   bytes
 * @param name     of the document, for messages
 * @param params   or NULL
 * @param out      the catalog; free with spotopt_catalog_free()
 * @param err      details of a failure, or NULL
 * @retval SPOTOPT_E_INPUT  the document is bad; the message names the place, e.g.
 *                          `catalog.csv:17: on_demand_usd_per_hour is "-1"; want a price >= 0`
 * @retval SPOTOPT_E_NOMEM  the allocator refused
 * @since 0.1
 */
SPOTOPT_API SPOTOPT_NODISCARD spotopt_status
spotopt_catalog_parse(spotopt_context *context, const char *text, size_t length, const char *name,
                      const spotopt_catalog_params *params, spotopt_catalog **out, spotopt_error *err);

/** Give back a catalog, or NULL. @since 0.1 */
SPOTOPT_API void spotopt_catalog_free(spotopt_catalog *catalog);

/** The number of pools. @since 0.1 */
SPOTOPT_API size_t spotopt_catalog_count(const spotopt_catalog *catalog);

/** What a pool is; texts belong to the catalog. */
typedef struct spotopt_pool_info {
    size_t size;               /**< set by SPOTOPT_POOL_INFO_INIT */
    const char *id;            /**< such as "m5.large/us-east-1a/spot" */
    const char *instance_type; /**< such as "m5.large" */
    const char *zone;          /**< "" where unknown */
    const char *purchase;      /**< "spot" or "on-demand" */
    const char *arch;          /**< such as "amd64" */
    double usd_per_hour;       /**< >= 0; NaN where unknown */
    double cpu_cores;          /**< allocatable to pods */
    double memory_mib;         /**< allocatable to pods */
} spotopt_pool_info;

/** The defaults of a struct, its size set: `= SPOTOPT_POOL_INFO_INIT`. */
#define SPOTOPT_POOL_INFO_INIT { sizeof(spotopt_pool_info), NULL, NULL, NULL, NULL, NULL, 0.0, 0.0, 0.0 }

/**
 * Read one pool.
 * @param index  below spotopt_catalog_count()
 * @param out    its size field is set by the caller
 * @retval SPOTOPT_E_ARGUMENT  index is off
 * @since 0.1
 */
SPOTOPT_API SPOTOPT_NODISCARD spotopt_status
spotopt_catalog_pool_at(const spotopt_catalog *catalog, size_t index, spotopt_pool_info *out,
                        spotopt_error *err);

/**
 * Copy the price of every pool, USD per hour, NaN where unknown, in pool order.
 * @param out_usd_per_hour  count doubles
 * @retval SPOTOPT_E_ARGUMENT  count is not spotopt_catalog_count()
 * @since 0.1
 */
SPOTOPT_API SPOTOPT_NODISCARD spotopt_status
spotopt_catalog_prices(const spotopt_catalog *catalog, double *out_usd_per_hour, size_t count,
                       spotopt_error *err);

/**
 * Set the price of every pool, for instance from a live feed.
 *
 * @param usd_per_hour  count prices, finite and >= 0; copied
 * @retval SPOTOPT_E_ARGUMENT  count is off, or a price is; the message names its row. Nothing was changed
 * @since 0.1
 */
SPOTOPT_API SPOTOPT_NODISCARD spotopt_status
spotopt_catalog_set_prices(spotopt_catalog *catalog, const double *usd_per_hour, size_t count,
                           spotopt_error *err);

SPOTOPT_END_DECLS
#endif /* SPOTOPT_CATALOG_H */
