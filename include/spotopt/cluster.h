/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SPOTOPT_CLUSTER_H
#define SPOTOPT_CLUSTER_H
#include "spotopt/context.h"

/**
 * @file cluster.h
 * @brief One Kubernetes cluster's snapshot: nodes, pods, disruption budgets, as the API server tells.
 *
 * Experimental: until a release adopts them, these functions may still change.
 */
SPOTOPT_BEGIN_DECLS

/** A snapshot. Threads: read by any number at once. @since 0.1 */
typedef struct spotopt_cluster spotopt_cluster;

/** Names that a snapshot itself does not carry; NULL where there is none. */
typedef struct spotopt_cluster_params {
    size_t size;           /**< set by SPOTOPT_CLUSTER_PARAMS_INIT */
    const char *cluster_id; /**< the cluster's name, for overrides and the ledger */
    const char *client_id;  /**< its tenant */
} spotopt_cluster_params;

/** The defaults of a struct, its size set: `= SPOTOPT_CLUSTER_PARAMS_INIT`. */
#define SPOTOPT_CLUSTER_PARAMS_INIT { sizeof(spotopt_cluster_params), NULL, NULL }

/**
 * Read what `kubectl get nodes,pods,pdb,... -A -o json` prints: a `List` of any kinds in any order; kinds
 * that play no part are passed over. Workloads' missing replicas become pending pods.
 *
 * @param text    the document; read item by item, so memory grows with what is kept, not with the text
 * @param name    of the document, for messages
 * @param params  or NULL
 * @param out     the snapshot; free with spotopt_cluster_free()
 * @retval SPOTOPT_E_INPUT  the document is bad; the message names the place
 * @retval SPOTOPT_E_NOMEM  the allocator refused
 * @since 0.1
 */
SPOTOPT_API SPOTOPT_NODISCARD spotopt_status
spotopt_cluster_parse(spotopt_context *context, const char *text, size_t length, const char *name,
                      const spotopt_cluster_params *params, spotopt_cluster **out, spotopt_error *err);

/** Give back a snapshot, or NULL. @since 0.1 */
SPOTOPT_API void spotopt_cluster_free(spotopt_cluster *cluster);

/** The number of nodes in the snapshot. @since 0.1 */
SPOTOPT_API size_t spotopt_cluster_node_count(const spotopt_cluster *cluster);
/** The number of pods, replicas that are still wanted included. @since 0.1 */
SPOTOPT_API size_t spotopt_cluster_pod_count(const spotopt_cluster *cluster);
/** The number of disruption budgets. @since 0.1 */
SPOTOPT_API size_t spotopt_cluster_pdb_count(const spotopt_cluster *cluster);
/** The name of a node, or NULL when index is off; belongs to the snapshot. @since 0.1 */
SPOTOPT_API const char *spotopt_cluster_node_name(const spotopt_cluster *cluster, size_t index);
/** "namespace/name" of a pod, or NULL when index is off; belongs to the snapshot. @since 0.1 */
SPOTOPT_API const char *spotopt_cluster_pod_id(const spotopt_cluster *cluster, size_t index);
/** The number of warnings that reading gave, and one of them (NULL when index is off). @since 0.1 */
SPOTOPT_API size_t spotopt_cluster_warning_count(const spotopt_cluster *cluster);
/** One warning, a line; belongs to the snapshot. NULL when index is off. @since 0.1 */
SPOTOPT_API const char *spotopt_cluster_warning_at(const spotopt_cluster *cluster, size_t index);

SPOTOPT_END_DECLS
#endif /* SPOTOPT_CLUSTER_H */
