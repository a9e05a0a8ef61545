/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cluster.c - a cluster's life, and the questions that scheduling asks of it.
 *
 * The rules are kube-scheduler's filters: node selector, node affinity, volume topology, taints;
 * and for pod terms, which namespaces and labels they select. Read from a document by
 * src/io/kubernetes_cluster.c.
 */
#include "model/cluster.h"

/* Copies an optional text; "" for NULL. */
static const char *
copy_name(spotopt_cluster *cluster, const char *text)
{
    return text == NULL ? "" : spotopt__arena_text(&cluster->texts, text, strlen(text));
}

spotopt_status
spotopt__cluster_new(spotopt_context *context, const spotopt_cluster_params *params,
                     spotopt_cluster **out, spotopt_error *err)
{
    spotopt_cluster *made = spotopt__alloc(context, sizeof *made);

    if (made == NULL)
        return spotopt__nomem(err, "a cluster");
    made->context = spotopt__context_hold(context);
    spotopt__arena_init(&made->arena, context);
    spotopt__arena_init(&made->texts, context);
    spotopt__map_init(&made->node_by_name, context);
    spotopt__map_init(&made->pod_by_id, context);
    spotopt__resources_init(&made->resources);
    made->id = copy_name(made, params->cluster_id);
    made->client_id = copy_name(made, params->client_id);
    if (made->id == NULL || made->client_id == NULL) {
        spotopt_cluster_free(made);
        return spotopt__nomem(err, "a cluster");
    }
    *out = made;
    return SPOTOPT_OK;
}

void
spotopt_cluster_free(spotopt_cluster *cluster)
{
    spotopt_context *context;

    if (cluster == NULL)
        return;
    context = cluster->context;
    spotopt__vec_free(context, &cluster->nodes);
    spotopt__vec_free(context, &cluster->shapes);
    spotopt__vec_free(context, &cluster->pods);
    spotopt__vec_free(context, &cluster->workloads);
    spotopt__vec_free(context, &cluster->pdbs);
    spotopt__vec_free(context, &cluster->namespaces);
    spotopt__vec_free(context, &cluster->warnings);
    spotopt__map_free(&cluster->node_by_name);
    spotopt__map_free(&cluster->pod_by_id);
    spotopt__arena_free(&cluster->arena);
    spotopt__arena_free(&cluster->texts);
    spotopt__free(context, cluster);
    spotopt__context_drop(context);
}

size_t
spotopt_cluster_node_count(const spotopt_cluster *cluster)
{
    return cluster->nodes.count;
}

size_t
spotopt_cluster_pod_count(const spotopt_cluster *cluster)
{
    return cluster->pods.count;
}

size_t
spotopt_cluster_pdb_count(const spotopt_cluster *cluster)
{
    return cluster->pdbs.count;
}

const char *
spotopt_cluster_node_name(const spotopt_cluster *cluster, size_t index)
{
    return index < cluster->nodes.count ? cluster->nodes.at[index].name : NULL;
}

const char *
spotopt_cluster_pod_id(const spotopt_cluster *cluster, size_t index)
{
    return index < cluster->pods.count ? cluster->pods.at[index].id : NULL;
}

size_t
spotopt_cluster_warning_count(const spotopt_cluster *cluster)
{
    return cluster->warnings.count;
}

const char *
spotopt_cluster_warning_at(const spotopt_cluster *cluster, size_t index)
{
    return index < cluster->warnings.count ? cluster->warnings.at[index] : NULL;
}

static bool
term_matches(const spotopt__node_term *term, const spotopt__labels *labels,
             const spotopt__labels *fields)
{
    if (term->label_count + term->field_count == 0)
        return false;
    for (uint32_t i = 0; i < term->label_count; i++) {
        if (!spotopt__requirement_matches(&term->labels[i], labels))
            return false;
    }
    for (uint32_t i = 0; i < term->field_count; i++) {
        if (!spotopt__requirement_matches(&term->fields[i], fields))
            return false;
    }
    return true;
}

static bool
group_matches(const spotopt__node_group *group, const spotopt__labels *labels,
              const spotopt__labels *fields)
{
    for (uint32_t i = 0; i < group->count; i++) {
        if (term_matches(&group->terms[i], labels, fields))
            return true;
    }
    return false;
}

static const char *
find_refusal(const spotopt__shape *shape, const spotopt__labels *labels, const char *node_name,
             const spotopt__taint *taints, uint32_t taint_count)
{
    const spotopt__label name = {"metadata.name", node_name};
    const spotopt__labels fields = {&name, 1};

    for (uint32_t i = 0; i < shape->node_selector.count; i++) {
        const spotopt__label *wanted = &shape->node_selector.at[i];
        const char *value = spotopt__labels_get(labels, wanted->key);

        if (value == NULL || strcmp(value, wanted->value) != 0)
            return "node selector";
    }
    for (uint32_t i = 0; i < shape->group_count; i++) {
        const char *source = shape->groups[i].source;

        if (!group_matches(&shape->groups[i], labels, &fields))
            return source != NULL && strncmp(source, "volume", 6) == 0 ? "volume" : "node affinity";
    }
    for (uint32_t i = 0; i < taint_count; i++) {
        if (taints[i].effect != SPOTOPT__PREFER_NO_SCHEDULE &&
            !spotopt__tolerates(shape->tolerations, shape->toleration_count, &taints[i]))
            return "taint";
    }
    return NULL;
}

bool
spotopt__shape_allows(const spotopt__shape *shape, const spotopt__labels *labels,
                      const char *node_name, const spotopt__taint *taints, uint32_t taint_count,
                      const char **why)
{
    const char *refusal = find_refusal(shape, labels, node_name, taints, taint_count);

    if (refusal != NULL && why != NULL)
        *why = refusal;
    return refusal == NULL;
}

static const spotopt__namespace *
find_namespace(const spotopt_cluster *cluster, const char *name)
{
    size_t low = 0, high = cluster->namespaces.count;

    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        const int order = strcmp(cluster->namespaces.at[middle].name, name);

        if (order == 0)
            return &cluster->namespaces.at[middle];
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

bool
spotopt__pod_term_matches(const spotopt_cluster *cluster, const spotopt__pod_term *term,
                          const char *ns, const spotopt__labels *labels)
{
    const spotopt__labels none = {NULL, 0};
    const spotopt__namespace *space;
    bool is_in = false;

    for (uint32_t i = 0; i < term->namespace_count && !is_in; i++)
        is_in = strcmp(term->namespaces[i], ns) == 0;
    if (!is_in && term->has_namespace_selector) {
        space = find_namespace(cluster, ns);
        is_in = spotopt__selector_matches(&term->namespace_selector,
                                          space == NULL ? &none : &space->labels);
    }
    return is_in && spotopt__selector_matches(&term->selector, labels);
}

bool
spotopt__pdb_matches(const spotopt__pdb *pdb, const spotopt__pod *pod)
{
    return strcmp(pdb->ns, pod->ns) == 0 && spotopt__selector_matches(&pdb->selector, &pod->labels);
}
