/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kubernetes_requests.c - what a pod takes from its node, as kube-scheduler counts it.
 *
 * Follows PodRequests() of k8s.io/component-helpers/resource: containers add up; restartable init
 * containers (sidecars) run on beside them, so they add up as well; each init container runs beside
 * the sidecars started before it, and the largest such moment counts. Pod-level requests replace
 * the sum for the resources they may name; the overhead comes on top. What states a limit alone
 * requests that much, as the API server fills in. While a pod is resized, the larger of what is
 * wanted and what is held counts.
 */
#include "io/kubernetes.h"

static bool
states(const spotopt__k8s_amounts *amounts, uint32_t which)
{
    return (amounts->stated >> which & 1) != 0;
}

static void
add(spotopt__k8s_amounts *to, const spotopt__k8s_amounts *more)
{
    for (uint32_t i = 0; i < SPOTOPT__RESOURCES_MAX; i++) {
        if (!states(more, i))
            continue;
        to->amounts.of[i] += more->amounts.of[i]; /* each at most 2^52: no overflow */
        if (to->amounts.of[i] > SPOTOPT__AMOUNT_MAX)
            to->amounts.of[i] = SPOTOPT__AMOUNT_MAX;
    }
    to->stated |= more->stated;
}

static void
take_larger(spotopt__k8s_amounts *to, const spotopt__k8s_amounts *other)
{
    for (uint32_t i = 0; i < SPOTOPT__RESOURCES_MAX; i++) {
        if (states(other, i) && (!states(to, i) || other->amounts.of[i] > to->amounts.of[i]))
            to->amounts.of[i] = other->amounts.of[i];
    }
    to->stated |= other->stated;
}

/* resources.requests, completed by resources.limits. */
static spotopt_status
read_needs(spotopt__k8s *k8s, const spotopt__at *owner, spotopt__k8s_amounts *out,
           spotopt__k8s_amounts *limits)
{
    const spotopt__at resources = spotopt__at_key(owner, "resources"),
                      requests_at = spotopt__at_key(&resources, "requests"),
                      limits_at = spotopt__at_key(&resources, "limits");

    if (spotopt__at_is_set(&resources))
        SPOTOPT__TRY(spotopt__want_object(&resources, k8s->err));
    SPOTOPT__TRY(spotopt__k8s_amounts_at(k8s, &requests_at, true, out));
    return spotopt__k8s_amounts_at(k8s, &limits_at, true, limits);
}

static void
complete(spotopt__k8s_amounts *requests, const spotopt__k8s_amounts *limits)
{
    for (uint32_t i = 0; i < SPOTOPT__RESOURCES_MAX; i++) {
        if (states(limits, i) && !states(requests, i))
            requests->amounts.of[i] = limits->amounts.of[i];
    }
    requests->stated |= limits->stated;
}

/* Statuses of containers that tell resources, by name. */
typedef struct holdings {
    spotopt__map at; /* name -> index */
    spotopt__vec(spotopt__k8s_amounts) held;
    bool is_infeasible; /* the wish cannot be met on the node: what is held counts alone */
} holdings;

static spotopt_status
read_holdings_of(spotopt__k8s *k8s, const spotopt__at *statuses, holdings *out)
{
    uint32_t count;

    SPOTOPT__TRY(spotopt__k8s_list(k8s, statuses, &count));
    for (spotopt__at it = spotopt__at_first(statuses); it.value != NULL && count > 0;
         spotopt__at_step(&it)) {
        const spotopt__at name_at = spotopt__at_key(&it, "name"),
                          allocated_at = spotopt__at_key(&it, "allocatedResources"),
                          resources = spotopt__at_key(&it, "resources"),
                          requests = spotopt__at_key(&resources, "requests");
        const char *name = spotopt__json_text(name_at.value);
        spotopt__k8s_amounts held, allocated;

        if (name == NULL || (!spotopt__at_is_set(&allocated_at) && !spotopt__at_is_set(&requests)))
            continue;
        SPOTOPT__TRY(spotopt__k8s_amounts_at(k8s, &requests, true, &held));
        SPOTOPT__TRY(spotopt__k8s_amounts_at(k8s, &allocated_at, true, &allocated));
        take_larger(&held, &allocated);
        if (!spotopt__map_put(&out->at, name, (uint32_t)out->held.count, NULL) ||
            !spotopt__vec_push(k8s->context, &out->held, held))
            return spotopt__k8s_nomem(k8s);
    }
    return SPOTOPT_OK;
}

static spotopt_status
read_holdings(spotopt__k8s *k8s, const spotopt__at *status, holdings *out)
{
    const spotopt__at containers = spotopt__at_key(status, "containerStatuses"),
                      inits = spotopt__at_key(status, "initContainerStatuses"),
                      conditions = spotopt__at_key(status, "conditions");
    const char *resize = spotopt__json_text(spotopt__json_get(status->value, "resize"));

    out->is_infeasible = resize != NULL && strcmp(resize, "Infeasible") == 0;
    for (const spotopt__json *it = spotopt__json_first(conditions.value); it != NULL;
         it = spotopt__json_next(it)) {
        const char *type = spotopt__json_text(spotopt__json_get(it, "type")),
                   *reason = spotopt__json_text(spotopt__json_get(it, "reason"));

        if (type != NULL && reason != NULL && strcmp(type, "PodResizePending") == 0 &&
            strcmp(reason, "Infeasible") == 0)
            out->is_infeasible = true;
    }
    SPOTOPT__TRY(read_holdings_of(k8s, &containers, out));
    return read_holdings_of(k8s, &inits, out);
}

static spotopt_status
read_container(spotopt__k8s *k8s, const spotopt__at *at, const holdings *held, bool may_hold,
               spotopt__k8s_amounts *out)
{
    const spotopt__at name = spotopt__at_key(at, "name");
    const char *text = spotopt__json_text(name.value);
    spotopt__k8s_amounts limits;
    uint32_t which = SPOTOPT__NONE;

    SPOTOPT__TRY(spotopt__want_object(at, k8s->err));
    SPOTOPT__TRY(read_needs(k8s, at, out, &limits));
    complete(out, &limits);
    if (may_hold && text != NULL)
        which = spotopt__map_get(&held->at, text);
    if (which != SPOTOPT__NONE && held->is_infeasible)
        *out = held->held.at[which];
    else if (which != SPOTOPT__NONE)
        take_larger(out, &held->held.at[which]);
    return SPOTOPT_OK;
}

static spotopt_status
sum_containers(spotopt__k8s *k8s, const spotopt__at *spec, const holdings *held,
               spotopt__k8s_amounts *sum)
{
    const spotopt__at containers = spotopt__at_key(spec, "containers"),
                      inits = spotopt__at_key(spec, "initContainers");
    spotopt__k8s_amounts one, sidecars = {0}, peak = {0};
    uint32_t count;

    SPOTOPT__TRY(spotopt__k8s_list(k8s, &containers, &count));
    if (count == 0)
        return spotopt__fail_at(&containers, k8s->err, "want at least one container");
    for (spotopt__at it = spotopt__at_first(&containers); it.value != NULL; spotopt__at_step(&it)) {
        SPOTOPT__TRY(read_container(k8s, &it, held, true, &one));
        add(sum, &one);
    }
    SPOTOPT__TRY(spotopt__k8s_list(k8s, &inits, &count));
    for (spotopt__at it = spotopt__at_first(&inits); it.value != NULL && count > 0;
         spotopt__at_step(&it)) {
        const char *restart = spotopt__json_text(spotopt__json_get(it.value, "restartPolicy"));
        const bool is_sidecar = restart != NULL && strcmp(restart, "Always") == 0;

        SPOTOPT__TRY(read_container(k8s, &it, held, is_sidecar, &one));
        if (is_sidecar) {
            add(sum, &one);
            add(&sidecars, &one);
            take_larger(&peak, &sidecars);
        } else {
            add(&one, &sidecars);
            take_larger(&peak, &one);
        }
    }
    take_larger(sum, &peak);
    return SPOTOPT_OK;
}

static bool
may_be_pod_level(const spotopt__resources *resources, uint32_t which)
{
    return which == SPOTOPT__CPU || which == SPOTOPT__MEMORY ||
           (which < resources->count && strncmp(resources->name[which], "hugepages-", 10) == 0);
}

/* spec.resources of the pod as a whole. */
static spotopt_status
apply_pod_level(spotopt__k8s *k8s, const spotopt__at *spec, spotopt__k8s_amounts *sum)
{
    const spotopt__resources *resources = &k8s->cluster->resources;
    spotopt__k8s_amounts requests, limits;

    SPOTOPT__TRY(read_needs(k8s, spec, &requests, &limits));
    for (uint32_t i = 0; i < resources->count; i++) {
        if (!may_be_pod_level(resources, i))
            continue;
        if (states(&requests, i)) {
            sum->amounts.of[i] = requests.amounts.of[i];
        } else if (states(&limits, i) && !states(sum, i)) {
            /* a limit stands in only where no container says what it needs */
            sum->amounts.of[i] = limits.amounts.of[i];
        } else {
            continue;
        }
        sum->stated |= UINT32_C(1) << i;
    }
    return SPOTOPT_OK;
}

static spotopt_status
sum_pod(spotopt__k8s *k8s, const spotopt__k8s_pod *pod, const spotopt__k8s_runtime *runtime,
        holdings *held, spotopt__k8s_amounts *sum)
{
    const spotopt__at overhead_at = spotopt__at_key(pod->spec, "overhead");
    spotopt__k8s_amounts overhead;

    if (pod->status != NULL)
        SPOTOPT__TRY(read_holdings(k8s, pod->status, held));
    SPOTOPT__TRY(sum_containers(k8s, pod->spec, held, sum));
    SPOTOPT__TRY(apply_pod_level(k8s, pod->spec, sum));
    SPOTOPT__TRY(spotopt__k8s_amounts_at(k8s, &overhead_at, true, &overhead));
    if (overhead.stated == 0 && runtime != NULL)
        overhead = runtime->overhead;
    add(sum, &overhead);
    return SPOTOPT_OK;
}

spotopt_status
spotopt__k8s_requests(spotopt__k8s *k8s, const spotopt__k8s_pod *pod,
                      const spotopt__k8s_runtime *runtime, spotopt__amounts *out)
{
    spotopt__k8s_amounts sum = {0};
    holdings held = {0};
    spotopt_status status;

    spotopt__map_init(&held.at, k8s->context);
    status = sum_pod(k8s, pod, runtime, &held, &sum);
    spotopt__map_free(&held.at);
    spotopt__vec_free(k8s->context, &held.held);
    SPOTOPT__TRY(status);
    sum.amounts.of[SPOTOPT__PODS] = 1;
    *out = sum.amounts;
    return SPOTOPT_OK;
}
