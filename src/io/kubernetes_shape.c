/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kubernetes_shape.c - a pod spec becomes a shape.
 *
 * Defaults that the API server and its admission would fill in are filled in, so that a manifest
 * and the pod that came from it have one shape: priority by class, overhead and node rules by
 * runtime class, tolerations that every pod or daemon pod gets. Texts and label sets being one
 * pointer each, a shape is written as a string of words and looked up; what was read of a known
 * shape is taken back from the arena. See kubernetes_fold.c for its labels.
 */
#include <stdlib.h>

#include "io/kubernetes.h"

/* Host ports of a pod. */

static int
compare_ports(const void *a, const void *b)
{
    const spotopt__host_port *left = a, *right = b;
    int order = (left->port > right->port) - (left->port < right->port);

    if (order == 0)
        order = (left->protocol > right->protocol) - (left->protocol < right->protocol);
    return order != 0 ? order : strcmp(left->ip, right->ip);
}

typedef spotopt__vec(spotopt__host_port) port_list;

static spotopt_status
read_port(spotopt__k8s *k8s, const spotopt__at *at, bool is_host, port_list *ports)
{
    static const char *const protocols[] = {"TCP", "UDP", "SCTP", NULL};
    const spotopt__at host = spotopt__at_key(at, "hostPort"),
                      own = spotopt__at_key(at, "containerPort"),
                      ip = spotopt__at_key(at, "hostIP"),
                      protocol = spotopt__at_key(at, "protocol");
    spotopt__host_port made = {.ip = ""};
    int64_t port = 0;

    SPOTOPT__TRY(spotopt__want_object(at, k8s->err));
    SPOTOPT__TRY(spotopt__k8s_int(k8s, &host, 0, 65535, &port));
    if (port == 0 && is_host) /* the API server's default on the host's network */
        SPOTOPT__TRY(spotopt__k8s_int(k8s, &own, 0, 65535, &port));
    if (port == 0)
        return SPOTOPT_OK;
    made.port = (int32_t)port;
    SPOTOPT__TRY(spotopt__k8s_word(k8s, &protocol, protocols, &made.protocol));
    SPOTOPT__TRY(spotopt__k8s_text(k8s, &ip, &made.ip));
    if (*made.ip == '\0' || strcmp(made.ip, "0.0.0.0") == 0)
        made.ip = spotopt__k8s_intern(k8s, "", 0);
    if (made.ip == NULL || !spotopt__vec_push(k8s->context, ports, made))
        return spotopt__k8s_nomem(k8s);
    return SPOTOPT_OK;
}

static spotopt_status
read_ports(spotopt__k8s *k8s, const spotopt__at *containers, bool are_inits, bool is_host,
           port_list *ports)
{
    uint32_t count;

    SPOTOPT__TRY(spotopt__k8s_list(k8s, containers, &count));
    for (spotopt__at it = spotopt__at_first(containers); it.value != NULL && count > 0;
         spotopt__at_step(&it)) {
        const spotopt__at list = spotopt__at_key(&it, "ports");
        const char *restart = spotopt__json_text(spotopt__json_get(it.value, "restartPolicy"));
        uint32_t n;

        if (are_inits && (restart == NULL || strcmp(restart, "Always") != 0))
            continue;
        SPOTOPT__TRY(spotopt__k8s_list(k8s, &list, &n));
        for (spotopt__at one = spotopt__at_first(&list); one.value != NULL && n > 0;
             spotopt__at_step(&one))
            SPOTOPT__TRY(read_port(k8s, &one, is_host, ports));
    }
    return SPOTOPT_OK;
}

static spotopt_status
collect_ports(spotopt__k8s *k8s, const spotopt__at *spec, port_list *ports, spotopt__shape *shape)
{
    const spotopt__at containers = spotopt__at_key(spec, "containers"),
                      inits = spotopt__at_key(spec, "initContainers"),
                      network = spotopt__at_key(spec, "hostNetwork");
    bool is_host = false;
    uint32_t used = 0;

    SPOTOPT__TRY(spotopt__k8s_bool(k8s, &network, &is_host));
    SPOTOPT__TRY(read_ports(k8s, &containers, false, is_host, ports));
    SPOTOPT__TRY(read_ports(k8s, &inits, true, is_host, ports));
    if (ports->count == 0)
        return SPOTOPT_OK;
    qsort(ports->at, ports->count, sizeof *ports->at, compare_ports);
    for (size_t i = 0; i < ports->count; i++) {
        if (used == 0 || compare_ports(&ports->at[used - 1], &ports->at[i]) != 0)
            ports->at[used++] = ports->at[i];
    }
    shape->host_ports =
        spotopt__arena_dup(&k8s->cluster->arena, ports->at, used, sizeof *ports->at);
    shape->host_port_count = used;
    return shape->host_ports == NULL ? spotopt__k8s_nomem(k8s) : SPOTOPT_OK;
}

/* What admission and controllers add. */

static spotopt_status
read_priority(spotopt__k8s *k8s, const spotopt__at *spec, int32_t *out)
{
    const spotopt__at value_at = spotopt__at_key(spec, "priority"),
                      name_at = spotopt__at_key(spec, "priorityClassName");
    char quoted[SPOTOPT__QUOTE_SIZE];
    const char *name = "";
    int64_t value = k8s->default_priority;
    uint32_t index;

    SPOTOPT__TRY(spotopt__k8s_text(k8s, &name_at, &name));
    if (!spotopt__at_is_set(&value_at) && *name != '\0') {
        index = spotopt__map_get(&k8s->priority_at, name);
        value = 0;
        if (index != SPOTOPT__NONE)
            value = k8s->priorities.at[index].value;
        else if (strcmp(name, "system-cluster-critical") == 0)
            value = 2000000000;
        else if (strcmp(name, "system-node-critical") == 0)
            value = 2000001000;
        else
            SPOTOPT__TRY(spotopt__k8s_warn(
                k8s, "PriorityClass %s is not in the list; its pods count with priority 0",
                spotopt__quote(name, quoted)));
    }
    SPOTOPT__TRY(spotopt__k8s_int(k8s, &value_at, INT32_MIN, INT32_MAX, &value));
    *out = (int32_t)value;
    return SPOTOPT_OK;
}

static spotopt_status
find_runtime(spotopt__k8s *k8s, const spotopt__at *spec, const spotopt__k8s_runtime **out)
{
    const spotopt__at at = spotopt__at_key(spec, "runtimeClassName");
    char quoted[SPOTOPT__QUOTE_SIZE];
    const char *name = "";
    uint32_t index;

    *out = NULL;
    SPOTOPT__TRY(spotopt__k8s_text(k8s, &at, &name));
    if (*name == '\0')
        return SPOTOPT_OK;
    index = spotopt__map_get(&k8s->runtime_at, name);
    if (index == SPOTOPT__NONE)
        return spotopt__k8s_warn(k8s,
                                 "RuntimeClass %s is not in the list; its overhead is not counted",
                                 spotopt__quote(name, quoted));
    *out = &k8s->runtimes.at[index];
    return SPOTOPT_OK;
}

/* Tolerations as they stand, and for a template those that its pods will get. */
static spotopt_status
read_tolerations(spotopt__k8s *k8s, const spotopt__k8s_pod *pod,
                 const spotopt__k8s_runtime *runtime, spotopt__shape *shape)
{
    static const struct {
        const char *key;
        int32_t effect;
        bool of_daemons;
    } given[] = {
        {"node.kubernetes.io/not-ready", SPOTOPT__NO_EXECUTE, false},
        {"node.kubernetes.io/unreachable", SPOTOPT__NO_EXECUTE, false},
        {"node.kubernetes.io/disk-pressure", SPOTOPT__NO_SCHEDULE, true},
        {"node.kubernetes.io/memory-pressure", SPOTOPT__NO_SCHEDULE, true},
        {"node.kubernetes.io/pid-pressure", SPOTOPT__NO_SCHEDULE, true},
        {"node.kubernetes.io/unschedulable", SPOTOPT__NO_SCHEDULE, true},
    };
    const spotopt__at at = spotopt__at_key(pod->spec, "tolerations"), none = {.parent = pod->spec};
    const bool is_template = pod->status == NULL;
    spotopt__toleration *list;
    uint32_t used;

    SPOTOPT__TRY(spotopt__k8s_tolerations(k8s, &at, runtime == NULL ? NULL : runtime->tolerations,
                                          runtime == NULL ? 0 : runtime->toleration_count,
                                          &shape->tolerations, &shape->toleration_count));
    if (!is_template)
        return SPOTOPT_OK;
    used = shape->toleration_count;
    list = spotopt__arena_alloc(&k8s->cluster->arena, used + sizeof given / sizeof *given,
                                sizeof *list);
    if (list == NULL)
        return spotopt__k8s_nomem(k8s);
    if (used > 0)
        memcpy(list, shape->tolerations, used * sizeof *list);
    for (size_t i = 0; i < sizeof given / sizeof *given; i++) {
        const spotopt__taint taint = {given[i].key, "", given[i].effect};

        if (given[i].of_daemons && !pod->is_daemon)
            continue;
        if (spotopt__tolerates(shape->tolerations, shape->toleration_count, &taint))
            continue;
        list[used] =
            (spotopt__toleration){spotopt__k8s_intern(k8s, given[i].key, strlen(given[i].key)),
                                  spotopt__k8s_intern(k8s, "", 0), given[i].effect, true};
        if (list[used].key == NULL || list[used].value == NULL)
            return spotopt__k8s_nomem(k8s);
        used++;
    }
    return spotopt__k8s_tolerations(k8s, &none, list, used, &shape->tolerations,
                                    &shape->toleration_count);
}

static bool
is_not_to_be_moved(const spotopt__at *meta)
{
    return spotopt__k8s_annotation_is(meta, "karpenter.sh/do-not-disrupt", "true") ||
           spotopt__k8s_annotation_is(meta, "karpenter.sh/do-not-evict", "true") ||
           spotopt__k8s_annotation_is(meta, "cluster-autoscaler.kubernetes.io/safe-to-evict",
                                      "false");
}

static spotopt_status
read_shape(spotopt__k8s *k8s, const spotopt__k8s_pod *pod, spotopt__k8s_groups *groups,
           port_list *ports, spotopt__shape *shape)
{
    const spotopt__at selector = spotopt__at_key(pod->spec, "nodeSelector"),
                      scheduler = spotopt__at_key(pod->spec, "schedulerName"),
                      grace_at = spotopt__at_key(pod->spec, "terminationGracePeriodSeconds"),
                      devices = spotopt__at_key(pod->spec, "resourceClaims");
    const spotopt__labels none = {NULL, 0};
    const spotopt__k8s_runtime *runtime = NULL;
    spotopt__node_group affinity;
    int64_t grace = 30;

    SPOTOPT__TRY(spotopt__want_object(pod->spec, k8s->err));
    if (pod->status == NULL) /* a pod that exists has been through admission */
        SPOTOPT__TRY(find_runtime(k8s, pod->spec, &runtime));
    shape->ns = pod->ns;
    SPOTOPT__TRY(spotopt__k8s_requests(k8s, pod, runtime, &shape->request));
    SPOTOPT__TRY(spotopt__k8s_node_selector(
        k8s, &selector, runtime == NULL ? &none : &runtime->node_selector, &shape->node_selector));
    SPOTOPT__TRY(spotopt__k8s_affinity(k8s, pod, shape, &affinity));
    if (affinity.terms != NULL && !spotopt__vec_push(k8s->context, groups, affinity))
        return spotopt__k8s_nomem(k8s);
    SPOTOPT__TRY(spotopt__k8s_volumes(k8s, pod, groups, shape));
    SPOTOPT__TRY(spotopt__k8s_spreads(k8s, pod, shape));
    SPOTOPT__TRY(read_tolerations(k8s, pod, runtime, shape));
    SPOTOPT__TRY(collect_ports(k8s, pod->spec, ports, shape));
    SPOTOPT__TRY(spotopt__k8s_text(k8s, &scheduler, &shape->scheduler));
    if (shape->scheduler != NULL &&
        (*shape->scheduler == '\0' || strcmp(shape->scheduler, "default-scheduler") == 0))
        shape->scheduler = NULL;
    SPOTOPT__TRY(read_priority(k8s, pod->spec, &shape->priority));
    SPOTOPT__TRY(spotopt__k8s_int(k8s, &grace_at, INT32_MIN, INT32_MAX, &grace));
    shape->grace_s =
        grace < 0 ? 1.0 : (double)grace; /* the API server turns negative ones into 1 */
    shape->is_do_not_disrupt = is_not_to_be_moved(pod->meta);
    if (spotopt__json_first(devices.value) != NULL)
        SPOTOPT__TRY(spotopt__k8s_warn(k8s, "resource claims of pods (dynamic resource allocation) "
                                            "are not counted"));
    return SPOTOPT_OK;
}

/* A shape in words. */

static bool
put(spotopt__k8s *k8s, uint64_t word)
{
    return spotopt__k8s_key_add(k8s, &word, sizeof word);
}

static bool
put_pointer(spotopt__k8s *k8s, const void *pointer)
{
    return put(k8s, (uint64_t)(uintptr_t)pointer);
}

static bool
put_requirements(spotopt__k8s *k8s, const spotopt__requirement *at, uint32_t count)
{
    bool ok = put(k8s, count);

    for (uint32_t i = 0; ok && i < count; i++) {
        ok = put_pointer(k8s, at[i].key) &&
             put(k8s, (uint64_t)at[i].op << 32 | at[i].value_count) &&
             spotopt__k8s_key_add(k8s, at[i].values, at[i].value_count * sizeof *at[i].values);
    }
    return ok;
}

static bool
put_selector(spotopt__k8s *k8s, const spotopt__selector *selector)
{
    return put(k8s, selector->is_nothing) && put_requirements(k8s, selector->at, selector->count);
}

static bool
put_node_terms(spotopt__k8s *k8s, const spotopt__node_term *at, uint32_t count)
{
    bool ok = put(k8s, count);

    for (uint32_t i = 0; ok && i < count; i++) {
        ok = put(k8s, (uint64_t)at[i].weight) &&
             put_requirements(k8s, at[i].labels, at[i].label_count) &&
             put_requirements(k8s, at[i].fields, at[i].field_count);
    }
    return ok;
}

static bool
put_pod_terms(spotopt__k8s *k8s, const spotopt__pod_term *at, uint32_t count)
{
    bool ok = put(k8s, count);

    for (uint32_t i = 0; ok && i < count; i++) {
        ok = put(k8s, (uint64_t)at[i].weight) && put_pointer(k8s, at[i].topology_key) &&
             put_selector(k8s, &at[i].selector) && put_selector(k8s, &at[i].namespace_selector) &&
             put(k8s, at[i].namespace_count) &&
             spotopt__k8s_key_add(k8s, at[i].namespaces,
                                  at[i].namespace_count * sizeof *at[i].namespaces);
    }
    return ok;
}

static bool
put_spreads(spotopt__k8s *k8s, const spotopt__spread *at, uint32_t count)
{
    bool ok = put(k8s, count);

    for (uint32_t i = 0; ok && i < count; i++) {
        ok = put_pointer(k8s, at[i].topology_key) && put(k8s, at[i].max_skew) &&
             put(k8s, at[i].min_domains) &&
             put(k8s, (uint64_t)at[i].is_hard | (uint64_t)at[i].honors_affinity << 1 |
                          (uint64_t)at[i].honors_taints << 2) &&
             put_selector(k8s, &at[i].selector);
    }
    return ok;
}

static bool
put_lists(spotopt__k8s *k8s, const spotopt__shape *shape)
{
    bool ok = put(k8s, shape->group_count);

    for (uint32_t i = 0; ok && i < shape->group_count; i++)
        ok = put_node_terms(k8s, shape->groups[i].terms, shape->groups[i].count);
    ok = ok && put(k8s, shape->toleration_count);
    for (uint32_t i = 0; ok && i < shape->toleration_count; i++) {
        const spotopt__toleration *one = &shape->tolerations[i];

        ok = put_pointer(k8s, one->key) && put_pointer(k8s, one->value) &&
             put(k8s, (uint64_t)(one->effect + 1) << 1 | one->is_exists);
    }
    ok = ok && put(k8s, shape->host_port_count);
    for (uint32_t i = 0; ok && i < shape->host_port_count; i++) {
        const spotopt__host_port *one = &shape->host_ports[i];

        ok = put_pointer(k8s, one->ip) &&
             put(k8s, (uint64_t)one->port << 2 | (uint64_t)one->protocol);
    }
    return ok;
}

/* All but the labels; where a volume's claim has its name does not tell shapes apart. */
static bool
put_shape(spotopt__k8s *k8s, const spotopt__shape *shape)
{
    const uint32_t resources = k8s->cluster->resources.count;
    uint32_t last = resources;

    /* The table grows: amounts of 0 at its end must not matter. */
    while (last > 0 && shape->request.of[last - 1] == 0)
        last--;
    k8s->key.count = 0;
    return put_pointer(k8s, shape->ns) && put(k8s, last) &&
           spotopt__k8s_key_add(k8s, shape->request.of, last * sizeof *shape->request.of) &&
           put_pointer(k8s, shape->node_selector.at) && put_lists(k8s, shape) &&
           put_node_terms(k8s, shape->preferred_nodes, shape->preferred_node_count) &&
           put_pod_terms(k8s, shape->affinity, shape->affinity_count) &&
           put_pod_terms(k8s, shape->anti_affinity, shape->anti_affinity_count) &&
           put_pod_terms(k8s, shape->preferred_affinity, shape->preferred_affinity_count) &&
           put_pod_terms(k8s, shape->preferred_anti_affinity,
                         shape->preferred_anti_affinity_count) &&
           put_spreads(k8s, shape->spreads, shape->spread_count) &&
           put_pointer(k8s, shape->scheduler) && put(k8s, (uint32_t)shape->priority) &&
           put(k8s, (uint64_t)shape->grace_s) &&
           put(k8s, (uint64_t)shape->is_do_not_disrupt | (uint64_t)shape->has_local_storage << 1 |
                        (uint64_t)shape->has_exclusive_claim << 2 |
                        (uint64_t)shape->has_attached_claim << 3);
}

/* The core equal to shape; a new one where there is none yet. */
static spotopt_status
keep_core(spotopt__k8s *k8s, const spotopt__shape *shape, uint32_t *out, bool *is_new)
{
    const uint32_t next = (uint32_t)k8s->cores.count;
    char *key;

    if (!put_shape(k8s, shape))
        return spotopt__k8s_nomem(k8s);
    *out = spotopt__map_get_n(&k8s->core_at, (const char *)k8s->key.at, k8s->key.count);
    *is_new = *out == SPOTOPT__NONE;
    if (!*is_new)
        return SPOTOPT_OK;
    key = spotopt__arena_text(&k8s->keys, (const char *)k8s->key.at, k8s->key.count);
    if (key == NULL || !spotopt__vec_push(k8s->context, &k8s->cores, *shape) ||
        !spotopt__map_put_n(&k8s->core_at, key, k8s->key.count, next, NULL))
        return spotopt__k8s_nomem(k8s);
    *out = next;
    return SPOTOPT_OK;
}

static spotopt_status
set_groups(spotopt__k8s *k8s, const spotopt__k8s_groups *groups, spotopt__shape *shape)
{
    shape->groups = NULL;
    shape->group_count = (uint32_t)groups->count;
    if (groups->count == 0)
        return SPOTOPT_OK;
    shape->groups =
        spotopt__arena_dup(&k8s->cluster->arena, groups->at, groups->count, sizeof *groups->at);
    return shape->groups == NULL ? spotopt__k8s_nomem(k8s) : SPOTOPT_OK;
}

spotopt_status
spotopt__k8s_core(spotopt__k8s *k8s, const spotopt__k8s_pod *pod, uint32_t *out)
{
    const spotopt__arena_mark mark = spotopt__arena_here(&k8s->cluster->arena);
    spotopt__k8s_groups groups = {0};
    port_list ports = {0};
    spotopt__shape shape = {0};
    spotopt_status status;
    bool is_new = true;

    status = read_shape(k8s, pod, &groups, &ports, &shape);
    if (status == SPOTOPT_OK)
        status = set_groups(k8s, &groups, &shape);
    if (status == SPOTOPT_OK)
        status = keep_core(k8s, &shape, out, &is_new);
    if (status == SPOTOPT_OK && !is_new)
        spotopt__arena_rewind(&k8s->cluster->arena, mark);
    spotopt__vec_free(k8s->context, &groups);
    spotopt__vec_free(k8s->context, &ports);
    return status;
}

spotopt_status
spotopt__k8s_core_with(spotopt__k8s *k8s, uint32_t core, const spotopt__k8s_groups *groups,
                       unsigned char holds, uint32_t *out)
{
    const spotopt__arena_mark mark = spotopt__arena_here(&k8s->cluster->arena);
    spotopt__shape shape = k8s->cores.at[core];
    bool is_new;

    SPOTOPT__TRY(set_groups(k8s, groups, &shape));
    spotopt__k8s_hold(&shape, holds);
    SPOTOPT__TRY(keep_core(k8s, &shape, out, &is_new));
    if (!is_new)
        spotopt__arena_rewind(&k8s->cluster->arena, mark);
    return SPOTOPT_OK;
}
