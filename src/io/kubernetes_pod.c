/* SPDX-License-Identifier: Apache-2.0 */
/* kubernetes_pod.c - pods: where they run, what state they are in, whose they are. */
#include <math.h>

#include "io/kubernetes.h"

/* When a condition last changed; NaN: it does not say. */
static double
changed_s(const spotopt__json *condition)
{
    const char *text = spotopt__json_text(spotopt__json_get(condition, "lastTransitionTime"));
    double at_s;

    return text != NULL && spotopt__parse_time(text, strlen(text), &at_s) ? at_s : NAN;
}

static spotopt_status
read_status(spotopt__k8s *k8s, const spotopt__at *status, spotopt__pod *pod)
{
    static const char *const phases[] = {"Pending", "Running", "Succeeded",
                                         "Failed",  "Unknown", NULL};
    const spotopt__at phase = spotopt__at_key(status, "phase"),
                      conditions = spotopt__at_key(status, "conditions");
    double ready_s = NAN, scheduled_s = NAN;

    if (spotopt__at_is_set(status))
        SPOTOPT__TRY(spotopt__want_object(status, k8s->err));
    SPOTOPT__TRY(spotopt__k8s_word(k8s, &phase, phases, &pod->phase));
    if (pod->phase >
        SPOTOPT__FAILED) /* Unknown: its node does not answer; the pod still holds it */
        pod->phase = SPOTOPT__RUNNING;
    for (const spotopt__json *it = spotopt__json_first(conditions.value); it != NULL;
         it = spotopt__json_next(it)) {
        const char *type = spotopt__json_text(spotopt__json_get(it, "type")),
                   *is = spotopt__json_text(spotopt__json_get(it, "status"));

        if (type != NULL && is != NULL && strcmp(type, "Ready") == 0) {
            pod->is_ready = strcmp(is, "True") == 0;
            ready_s = changed_s(it);
        } else if (type != NULL && strcmp(type, "PodScheduled") == 0) {
            scheduled_s = changed_s(it);
        }
    }
    pod->started_in_s = pod->is_ready && ready_s > scheduled_s ? ready_s - scheduled_s : 0.0;
    return SPOTOPT_OK;
}

/* Live pods of a workload keep it from wanting more; a Job's successes are counted too. */
static void
count_pod(spotopt__k8s *k8s, const spotopt__pod *pod)
{
    spotopt__k8s_workload *known;

    if (pod->workload == SPOTOPT__NONE)
        return;
    known = &k8s->workloads.at[pod->workload];
    if (pod->phase == SPOTOPT__SUCCEEDED)
        known->done++;
    else if (pod->phase != SPOTOPT__FAILED && !pod->is_terminating)
        known->live++;
}

spotopt_status
spotopt__k8s_read_pod(spotopt__k8s *k8s, const spotopt__at *at)
{
    const spotopt__at meta_at = spotopt__at_key(at, "metadata"), spec = spotopt__at_key(at, "spec"),
                      status = spotopt__at_key(at, "status"),
                      node = spotopt__at_key(&spec, "nodeName"),
                      gates = spotopt__at_key(&spec, "schedulingGates");
    spotopt_cluster *cluster = k8s->cluster;
    const uint32_t index = (uint32_t)cluster->pods.count;
    spotopt__pod pod = {.node_name = "", .node = SPOTOPT__NONE, .phase = SPOTOPT__PENDING};
    spotopt__k8s_meta meta;
    spotopt__k8s_pod parts = {.meta = &meta_at, .spec = &spec, .status = &status};
    uint32_t gate_count;

    SPOTOPT__TRY(spotopt__k8s_meta_at(k8s, at, true, &meta));
    SPOTOPT__TRY(spotopt__want_object(&spec, k8s->err));
    pod.ns = meta.ns;
    pod.name = meta.name;
    pod.id = meta.id;
    pod.labels = meta.labels;
    pod.created_s = meta.created_s;
    pod.is_terminating = meta.is_terminating;
    pod.has_controller = meta.owner_kind != NULL;
    pod.is_daemon = meta.owner_kind != NULL && strcmp(meta.owner_kind, "DaemonSet") == 0;
    pod.is_mirror = spotopt__k8s_annotation_is(&meta_at, "kubernetes.io/config.mirror", NULL);
    SPOTOPT__TRY(spotopt__k8s_text(k8s, &node, &pod.node_name));
    SPOTOPT__TRY(spotopt__k8s_list(k8s, &gates, &gate_count));
    pod.is_gated = gate_count > 0;
    SPOTOPT__TRY(read_status(k8s, &status, &pod));
    SPOTOPT__TRY(spotopt__k8s_owner(k8s, &meta, &pod.workload));
    parts.ns = pod.ns;
    parts.name = pod.name;
    parts.labels = pod.labels;
    parts.is_daemon = pod.is_daemon;
    SPOTOPT__TRY(spotopt__k8s_core(k8s, &parts, &pod.shape));
    if (!spotopt__vec_push(k8s->context, &cluster->pods, pod) ||
        !spotopt__map_put(&cluster->pod_by_id, pod.id, index, NULL))
        return spotopt__k8s_nomem(k8s);
    count_pod(k8s, &pod);
    return SPOTOPT_OK;
}

spotopt_status
spotopt__k8s_finish_pods(spotopt__k8s *k8s)
{
    spotopt_cluster *cluster = k8s->cluster;
    const spotopt__pod *stray = NULL;
    size_t strays = 0;

    for (size_t i = 0; i < cluster->pods.count; i++) {
        spotopt__pod *pod = &cluster->pods.at[i];

        if (*pod->node_name == '\0')
            continue;
        pod->node = spotopt__map_get(&cluster->node_by_name, pod->node_name);
        if (pod->node == SPOTOPT__NONE && pod->phase <= SPOTOPT__RUNNING && strays++ == 0)
            stray = pod;
    }
    if (stray == NULL)
        return SPOTOPT_OK;
    return spotopt__k8s_warn(k8s,
                             "%zu pods run on nodes that are not in the list, such as %s on %s",
                             strays, stray->id, stray->node_name);
}
