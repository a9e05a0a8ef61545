/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kubernetes_affinity.c - where a pod wants to be among nodes and other pods: affinity,
 * anti-affinity, spread.
 *
 * What depends on the pod itself is resolved here (its namespace, matchLabelKeys, the policies'
 * defaults), so that a term can be judged without the pod it came from.
 */
#include "io/kubernetes.h"

static const char *const required_key = "requiredDuringSchedulingIgnoredDuringExecution";
static const char *const preferred_key = "preferredDuringSchedulingIgnoredDuringExecution";

static spotopt_status
read_topology_key(spotopt__k8s *k8s, const spotopt__at *owner, const char **out)
{
    const spotopt__at at = spotopt__at_key(owner, "topologyKey");
    const char *text;

    SPOTOPT__TRY(spotopt__want_text(&at, &text, k8s->err));
    if (*text == '\0')
        return spotopt__fail_at(&at, k8s->err, "is empty; want a label key");
    text = spotopt__k8s_stable_key(text);
    *out = spotopt__k8s_intern(k8s, text, strlen(text));
    return *out == NULL ? spotopt__k8s_nomem(k8s) : SPOTOPT_OK;
}

static spotopt_status
read_pod_term(spotopt__k8s *k8s, const spotopt__k8s_pod *pod, const spotopt__at *at,
              spotopt__pod_term *out)
{
    const spotopt__at selector = spotopt__at_key(at, "labelSelector"),
                      match = spotopt__at_key(at, "matchLabelKeys"),
                      mismatch = spotopt__at_key(at, "mismatchLabelKeys"),
                      names = spotopt__at_key(at, "namespaces"),
                      spaces = spotopt__at_key(at, "namespaceSelector");
    const char **own;

    SPOTOPT__TRY(spotopt__want_object(at, k8s->err));
    SPOTOPT__TRY(read_topology_key(k8s, at, &out->topology_key));
    SPOTOPT__TRY(spotopt__k8s_selector(k8s, &selector, &out->selector));
    SPOTOPT__TRY(spotopt__k8s_fold_keys(k8s, &match, SPOTOPT__OP_IN, &pod->labels, &out->selector));
    SPOTOPT__TRY(
        spotopt__k8s_fold_keys(k8s, &mismatch, SPOTOPT__OP_NOT_IN, &pod->labels, &out->selector));
    SPOTOPT__TRY(spotopt__k8s_texts(k8s, &names, &out->namespaces, &out->namespace_count));
    SPOTOPT__TRY(spotopt__k8s_selector(k8s, &spaces, &out->namespace_selector));
    out->has_namespace_selector = !out->namespace_selector.is_nothing;
    if (out->namespace_count > 0 || out->has_namespace_selector)
        return SPOTOPT_OK;
    own = spotopt__arena_alloc(&k8s->cluster->arena, 1, sizeof *own);
    if (own == NULL)
        return spotopt__k8s_nomem(k8s);
    own[0] = pod->ns;
    out->namespaces = own;
    out->namespace_count = 1;
    return SPOTOPT_OK;
}

static spotopt_status
read_pod_terms(spotopt__k8s *k8s, const spotopt__k8s_pod *pod, const spotopt__at *at,
               bool is_preferred, const spotopt__pod_term **out, uint32_t *count)
{
    spotopt__pod_term *list;
    uint32_t used = 0;

    *out = NULL;
    SPOTOPT__TRY(spotopt__k8s_list(k8s, at, count));
    if (*count == 0)
        return SPOTOPT_OK;
    list = spotopt__arena_alloc(&k8s->cluster->arena, *count, sizeof *list);
    if (list == NULL)
        return spotopt__k8s_nomem(k8s);
    for (spotopt__at it = spotopt__at_first(at); it.value != NULL; spotopt__at_step(&it)) {
        const spotopt__at term = spotopt__at_key(&it, "podAffinityTerm"),
                          weight_at = spotopt__at_key(&it, "weight");
        int64_t weight = 0;

        if (is_preferred)
            SPOTOPT__TRY(spotopt__want_int(&weight_at, 1, 100, &weight, k8s->err));
        list[used].weight = (int32_t)weight;
        SPOTOPT__TRY(read_pod_term(k8s, pod, is_preferred ? &term : &it, &list[used++]));
    }
    *out = list;
    return SPOTOPT_OK;
}

/* podAffinity or podAntiAffinity. */
static spotopt_status
read_pod_affinity(spotopt__k8s *k8s, const spotopt__k8s_pod *pod, const spotopt__at *at,
                  const spotopt__pod_term **required, uint32_t *required_count,
                  const spotopt__pod_term **preferred, uint32_t *preferred_count)
{
    const spotopt__at hard = spotopt__at_key(at, required_key),
                      soft = spotopt__at_key(at, preferred_key);

    if (!spotopt__at_is_set(at))
        return SPOTOPT_OK;
    SPOTOPT__TRY(spotopt__want_object(at, k8s->err));
    SPOTOPT__TRY(read_pod_terms(k8s, pod, &hard, false, required, required_count));
    return read_pod_terms(k8s, pod, &soft, true, preferred, preferred_count);
}

static spotopt_status
read_node_affinity(spotopt__k8s *k8s, const spotopt__k8s_pod *pod, const spotopt__at *at,
                   spotopt__shape *shape, spotopt__node_group *group)
{
    const spotopt__at required = spotopt__at_key(at, required_key),
                      terms = spotopt__at_key(&required, "nodeSelectorTerms"),
                      preferred = spotopt__at_key(at, preferred_key);

    if (!spotopt__at_is_set(at))
        return SPOTOPT_OK;
    SPOTOPT__TRY(spotopt__want_object(at, k8s->err));
    SPOTOPT__TRY(spotopt__k8s_node_terms(k8s, &preferred, true, &shape->preferred_nodes,
                                         &shape->preferred_node_count));
    if (!spotopt__at_is_set(&required))
        return SPOTOPT_OK;
    SPOTOPT__TRY(spotopt__want_object(&required, k8s->err));
    SPOTOPT__TRY(spotopt__k8s_node_terms(k8s, &terms, false, &group->terms, &group->count));
    if (group->count == 0)
        return spotopt__fail_at(&terms, k8s->err, "want at least one term");
    /* The controller binds each daemon pod to its node by name, which tells nothing of other nodes.
     */
    if (pod->is_daemon && pod->status != NULL && group->terms[0].field_count > 0)
        *group = (spotopt__node_group){NULL, 0, NULL};
    else
        group->source = "node affinity";
    return SPOTOPT_OK;
}

spotopt_status
spotopt__k8s_affinity(spotopt__k8s *k8s, const spotopt__k8s_pod *pod, spotopt__shape *shape,
                      spotopt__node_group *group)
{
    const spotopt__at affinity = spotopt__at_key(pod->spec, "affinity"),
                      nodes = spotopt__at_key(&affinity, "nodeAffinity"),
                      near = spotopt__at_key(&affinity, "podAffinity"),
                      apart = spotopt__at_key(&affinity, "podAntiAffinity");

    *group = (spotopt__node_group){NULL, 0, NULL};
    if (!spotopt__at_is_set(&affinity))
        return SPOTOPT_OK;
    SPOTOPT__TRY(spotopt__want_object(&affinity, k8s->err));
    SPOTOPT__TRY(read_node_affinity(k8s, pod, &nodes, shape, group));
    SPOTOPT__TRY(read_pod_affinity(k8s, pod, &near, &shape->affinity, &shape->affinity_count,
                                   &shape->preferred_affinity, &shape->preferred_affinity_count));
    return read_pod_affinity(k8s, pod, &apart, &shape->anti_affinity, &shape->anti_affinity_count,
                             &shape->preferred_anti_affinity,
                             &shape->preferred_anti_affinity_count);
}

static spotopt_status
read_spread(spotopt__k8s *k8s, const spotopt__k8s_pod *pod, const spotopt__at *at,
            spotopt__spread *out)
{
    static const char *const whens[] = {"DoNotSchedule", "ScheduleAnyway", NULL};
    static const char *const policies[] = {"Ignore", "Honor", NULL};
    const spotopt__at skew_at = spotopt__at_key(at, "maxSkew"),
                      least_at = spotopt__at_key(at, "minDomains"),
                      when_at = spotopt__at_key(at, "whenUnsatisfiable"),
                      selector = spotopt__at_key(at, "labelSelector"),
                      keys = spotopt__at_key(at, "matchLabelKeys"),
                      affinity = spotopt__at_key(at, "nodeAffinityPolicy"),
                      taints = spotopt__at_key(at, "nodeTaintsPolicy");
    int64_t skew, least = 0;
    int32_t when = 0, honors_affinity = 1, honors_taints = 0;
    const char *text;

    SPOTOPT__TRY(spotopt__want_object(at, k8s->err));
    SPOTOPT__TRY(spotopt__want_int(&skew_at, 1, INT32_MAX, &skew, k8s->err));
    SPOTOPT__TRY(spotopt__want_text(&when_at, &text, k8s->err));
    SPOTOPT__TRY(spotopt__k8s_word(k8s, &when_at, whens, &when));
    SPOTOPT__TRY(spotopt__k8s_int(k8s, &least_at, 1, INT32_MAX, &least));
    if (least > 0 && when != 0)
        return spotopt__fail_at(&least_at, k8s->err,
                                "wants whenUnsatisfiable to be DoNotSchedule, not %s", text);
    SPOTOPT__TRY(read_topology_key(k8s, at, &out->topology_key));
    SPOTOPT__TRY(spotopt__k8s_selector(k8s, &selector, &out->selector));
    SPOTOPT__TRY(spotopt__k8s_fold_keys(k8s, &keys, SPOTOPT__OP_IN, &pod->labels, &out->selector));
    SPOTOPT__TRY(spotopt__k8s_word(k8s, &affinity, policies, &honors_affinity));
    SPOTOPT__TRY(spotopt__k8s_word(k8s, &taints, policies, &honors_taints));
    out->max_skew = (uint32_t)skew;
    out->min_domains = (uint32_t)least;
    out->is_hard = when == 0;
    out->honors_affinity = honors_affinity == 1;
    out->honors_taints = honors_taints == 1;
    return SPOTOPT_OK;
}

spotopt_status
spotopt__k8s_spreads(spotopt__k8s *k8s, const spotopt__k8s_pod *pod, spotopt__shape *shape)
{
    const spotopt__at list = spotopt__at_key(pod->spec, "topologySpreadConstraints");
    spotopt__spread *spreads;
    uint32_t used = 0;

    SPOTOPT__TRY(spotopt__k8s_list(k8s, &list, &shape->spread_count));
    if (shape->spread_count == 0)
        return SPOTOPT_OK;
    spreads = spotopt__arena_alloc(&k8s->cluster->arena, shape->spread_count, sizeof *spreads);
    if (spreads == NULL)
        return spotopt__k8s_nomem(k8s);
    for (spotopt__at it = spotopt__at_first(&list); it.value != NULL; spotopt__at_step(&it))
        SPOTOPT__TRY(read_spread(k8s, pod, &it, &spreads[used++]));
    shape->spreads = spreads;
    return SPOTOPT_OK;
}
