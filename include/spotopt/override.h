/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SPOTOPT_OVERRIDE_H
#define SPOTOPT_OVERRIDE_H
#include "spotopt/ledger.h"
#include "spotopt/policy.h"

/**
 * @file override.h
 * @brief Orders to use on-demand: for an instance, a cluster, a client or everything, until they end.
 *
 * They stand in the ledger as rows of type "override". A node is forced while any order that covers it is live; after
 * the last one ends, spot comes back gradually.
 *
 * Experimental: until a release adopts them, these functions may still change.
 */
SPOTOPT_BEGIN_DECLS

/** An order. Texts are borrowed for the call; NULL is "". */
typedef struct spotopt_override {
    size_t size;        /**< set by SPOTOPT_OVERRIDE_INIT */
    const char *id;     /**< 1 .. 4096 bytes; setting a known id again replaces it */
    const char *scope;  /**< "instance", "cluster", "client" or "all" */
    const char *target; /**< the instance's, cluster's or client's id; none with "all" */
    const char *author; /**< who orders it; needed */
    const char *reason; /**< why; needed */
    int64_t time_ms;    /**< of the row, UTC */
    int64_t from_ms;    /**< begin; -1: time_ms */
    int64_t until_ms;   /**< end, not in it; -1: until it is lifted */
} spotopt_override;

/** The defaults of a struct, its size set: `= SPOTOPT_OVERRIDE_INIT`. */
#define SPOTOPT_OVERRIDE_INIT { sizeof(spotopt_override), NULL, NULL, NULL, NULL, NULL, 0, -1, -1 }

/**
 * The row that sets an order, to be appended to the ledger.
 * @param out_row  one line with its line feed; give back with spotopt_text_free()
 * @retval SPOTOPT_E_ARGUMENT  a field is missing or off
 * @since 0.1
 */
SPOTOPT_API SPOTOPT_NODISCARD spotopt_status
spotopt_override_set_row(spotopt_context *context, const spotopt_override *override, char **out_row,
                         size_t *out_length, spotopt_error *err);
/**
 * The row that lifts an order before it ends.
 * @retval SPOTOPT_E_STATE  there is no order of that id that has not ended at time_ms
 * @since 0.1
 */
SPOTOPT_API SPOTOPT_NODISCARD spotopt_status
spotopt_override_lift_row(const spotopt_ledger *ledger, const char *id, const char *author, const char *reason,
                          int64_t time_ms, char **out_row, size_t *out_length, spotopt_error *err);
/**
 * Whether on-demand is forced somewhere.
 * @param instance  NULL: ask for the cluster as a whole; likewise the others
 * @param out_id    the order that is shown: the widest scope, then the latest end; belongs to the ledger; NULL: none
 * @param out_spot_frac  share of spot that is allowed: 0 while forced, growing to 1 in return_hours after the end
 * @since 0.1
 */
SPOTOPT_API SPOTOPT_NODISCARD spotopt_status
spotopt_override_find(const spotopt_ledger *ledger, const char *instance, const char *cluster, const char *client,
                      int64_t now_ms, double return_hours, const char **out_id, double *out_spot_frac,
                      spotopt_error *err);
/**
 * A policy with the ledger's live orders among its overrides, and, while spot comes back to the cluster, an
 * on_demand_frac of at least the share that is not allowed yet. With it, a plan honours the ledger.
 * @param policy  stays as it is; NULL: the defaults. Its "clients" are not the result's: what a client states
 *                would come over the orders. Ask spotopt_policy_for_client() first.
 * @since 0.1
 */
SPOTOPT_API SPOTOPT_NODISCARD spotopt_status
spotopt_policy_with_overrides(const spotopt_policy *policy, const spotopt_ledger *ledger, const char *cluster,
                              const char *client, int64_t now_ms, double return_hours, spotopt_policy **out,
                              spotopt_error *err);

SPOTOPT_END_DECLS
#endif /* SPOTOPT_OVERRIDE_H */
