/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a cluster. What is read must hang together: indices within their arrays, label sets
 * sorted, each pod found by its name; a refusal must come as one line, and the same bytes must give
 * the same cluster.
 */
#include <stdlib.h>
#include <string.h>

#include "model/cluster.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
want(bool holds)
{
    if (!holds)
        abort();
}

static void
check_labels(const spotopt__labels *labels)
{
    for (uint32_t i = 0; i + 1 < labels->count; i++)
        want(strcmp(labels->at[i].key, labels->at[i + 1].key) < 0);
}

static void
check_shape(const spotopt_cluster *cluster, const spotopt__shape *shape)
{
    check_labels(&shape->labels);
    check_labels(&shape->node_selector);
    for (uint32_t i = 0; i < SPOTOPT__RESOURCES_MAX; i++) {
        want(shape->request.of[i] >= 0 && shape->request.of[i] <= SPOTOPT__AMOUNT_MAX);
        want(i < cluster->resources.count || shape->request.of[i] == 0);
    }
    want(shape->request.of[SPOTOPT__PODS] == 1);
    for (uint32_t i = 0; i < shape->affinity_count; i++)
        (void)spotopt__pod_term_matches(cluster, &shape->affinity[i], shape->ns, &shape->labels);
    for (size_t i = 0; i < cluster->nodes.count; i++) {
        const spotopt__node *node = &cluster->nodes.at[i];
        const char *why = NULL;

        want(spotopt__shape_allows(shape, &node->labels, node->name, node->taints,
                                   node->taint_count, &why) == (why == NULL));
    }
}

static void
check_pod(const spotopt_cluster *cluster, uint32_t index)
{
    const spotopt__pod *pod = &cluster->pods.at[index];

    want(pod->shape < cluster->shapes.count);
    want(pod->node == SPOTOPT__NONE || pod->node < cluster->nodes.count);
    want(pod->workload == SPOTOPT__NONE || pod->workload < cluster->workloads.count);
    want(spotopt__map_get(&cluster->pod_by_id, pod->id) == index);
    check_labels(&pod->labels);
    for (size_t i = 0; i < cluster->pdbs.count && i < 8; i++)
        (void)spotopt__pdb_matches(&cluster->pdbs.at[i], pod);
}

static void
check_cluster(const spotopt_cluster *cluster)
{
    for (uint32_t i = 0; i < cluster->pods.count; i++)
        check_pod(cluster, i);
    for (size_t i = 0; i < cluster->shapes.count; i++)
        check_shape(cluster, &cluster->shapes.at[i]);
    for (size_t i = 0; i < cluster->nodes.count; i++)
        check_labels(&cluster->nodes.at[i].labels);
    for (size_t i = 0; i < cluster->workloads.count; i++) {
        const spotopt__workload *workload = &cluster->workloads.at[i];

        want(workload->parent == SPOTOPT__NONE || workload->parent < cluster->workloads.count);
        want(workload->shape == SPOTOPT__NONE || workload->shape < cluster->shapes.count);
    }
    for (size_t i = 0; i + 1 < cluster->namespaces.count; i++)
        want(strcmp(cluster->namespaces.at[i].name, cluster->namespaces.at[i + 1].name) < 0);
    for (size_t i = 0; i < spotopt_cluster_warning_count(cluster); i++)
        want(strpbrk(spotopt_cluster_warning_at(cluster, i), "\n\r") == NULL);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    spotopt_error err = SPOTOPT_ERROR_INIT;
    spotopt_cluster *cluster = NULL, *again = NULL;
    const spotopt_status status =
        spotopt_cluster_parse(NULL, (const char *)data, size, "f", NULL, &cluster, &err);

    if (status < 0) {
        want(status == SPOTOPT_E_INPUT && cluster == NULL && err.message[0] != '\0' &&
             strpbrk(err.message, "\n\r") == NULL);
        return 0;
    }
    check_cluster(cluster);
    if (cluster->pods.count < 10000) {
        want(spotopt_cluster_parse(NULL, (const char *)data, size, "f", NULL, &again, NULL) ==
             SPOTOPT_OK);
        want(again->shapes.count == cluster->shapes.count);
        want(again->pods.count == cluster->pods.count);
        for (size_t i = 0; i < cluster->pods.count; i++)
            want(again->pods.at[i].shape == cluster->pods.at[i].shape);
        spotopt_cluster_free(again);
    }
    spotopt_cluster_free(cluster);
    return 0;
}
