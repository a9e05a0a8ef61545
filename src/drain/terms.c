/* SPDX-License-Identifier: Apache-2.0 */
/*
 * terms.c - what a policy's words about draining mean for one cluster.
 *
 * Start-up times: the first row of the policy that names the workload, else the median of what the
 * workload's own pods took from being scheduled to being ready, else the drain's number.
 * Disruption budgets of nodes: for each value of the label one gate with the nodes that have it; a
 * percentage is of these, rounded up, and a schedule with its duration makes windows, as
 * Karpenter's NodePool budgets do. Windows that overlap are one.
 */
#include <math.h>
#include <stdlib.h>

#include "base/base.h"
#include "drain/drain.h"
#include "model/cron.h"

#define NONE SPOTOPT__NONE
#define DETACH_S 10.0
#define HORIZON_S (14.0 * 86400.0)
#define WINDOWS_MAX 1000
#define LONGEST_START_S 3600.0 /* what took longer was not the start */

typedef struct seen_start {
    uint32_t workload;
    double seconds;
} seen_start;

static int
compare_starts(const void *a, const void *b)
{
    const seen_start *x = a, *y = b;

    if (x->workload != y->workload)
        return x->workload < y->workload ? -1 : 1;
    return x->seconds < y->seconds ? -1 : x->seconds > y->seconds;
}

/* The policy's row for a workload; NaN: there is none. */
static double
stated_start(const spotopt_policy *policy, const spotopt__workload *workload, spotopt__str *id)
{
    if (policy == NULL || policy->start_times.count == 0)
        return NAN;
    id->count = 0;
    spotopt__str_addf(id, "%s/%s", workload->ns, workload->name);
    for (size_t k = 0; k < policy->start_times.count && !id->failed; k++) {
        if (spotopt__glob(policy->start_times.at[k].workload, id->at))
            return policy->start_times.at[k].seconds;
    }
    return NAN;
}

static bool
find_starts(const spotopt_policy *policy, const spotopt_cluster *cluster, double start_s,
            double *out_start_s)
{
    spotopt_context *context = cluster->context;
    size_t count = 0, workloads = cluster->workloads.count;
    double *of = spotopt__alloc_array(context, workloads + 1, sizeof *of);
    seen_start *seen = spotopt__alloc_array(context, cluster->pods.count + 1, sizeof *seen);
    bool done = of != NULL && seen != NULL;
    spotopt__str id;

    spotopt__str_init(&id, context);
    for (size_t i = 0; i < cluster->pods.count && done; i++) {
        const spotopt__pod *pod = &cluster->pods.at[i];
        if (pod->workload != NONE && pod->started_in_s > 0.0 &&
            pod->started_in_s <= LONGEST_START_S)
            seen[count++] = (seen_start){pod->workload, pod->started_in_s};
    }
    if (done)
        qsort(seen, count, sizeof *seen, compare_starts);
    for (size_t w = 0, at = 0; w < workloads && done; w++) {
        size_t first = at;
        while (at < count && seen[at].workload == w)
            at++;
        of[w] = stated_start(policy, &cluster->workloads.at[w], &id);
        if (isnan(of[w]))
            of[w] = at > first ? seen[first + (at - first) / 2].seconds : start_s;
        done = !id.failed;
    }
    for (size_t i = 0; i < cluster->pods.count && done; i++) {
        uint32_t workload = cluster->pods.at[i].workload;
        out_start_s[i] = workload == NONE ? start_s : of[workload];
    }
    spotopt__str_free(&id);
    spotopt__free(context, of);
    spotopt__free(context, seen);
    return done;
}

typedef spotopt__vec(double) times;
typedef spotopt__vec(uint32_t) numbers;

/* When a budget begins and ceases to count, and what it allows then. */
static bool
make_windows(spotopt_context *context, const spotopt__node_budget *budget, uint32_t most,
             double now_s, times *from, numbers *width)
{
    spotopt__cron cron;
    double start_s, end_s = -INFINITY, begin_s = 0.0;
    bool is_known =
        budget->schedule != NULL && !isnan(now_s) && spotopt__cron_parse(budget->schedule, &cron);

    if (!is_known)
        return spotopt__vec_push(context, from, 0.0) && spotopt__vec_push(context, width, most);
    if (!spotopt__vec_push(context, from, 0.0) || !spotopt__vec_push(context, width, UINT32_MAX))
        return false;
    start_s = spotopt__cron_next(&cron, now_s - budget->duration_s);
    for (size_t k = 0; k < WINDOWS_MAX && start_s - now_s < HORIZON_S; k++) {
        begin_s = start_s;
        end_s = start_s + budget->duration_s;
        while ((start_s = spotopt__cron_next(&cron, start_s)) <= end_s &&
               end_s - now_s < 2.0 * HORIZON_S)
            end_s = start_s + budget->duration_s;
        if (begin_s <= now_s)
            width->at[0] = most;
        else if (!spotopt__vec_push(context, from, begin_s - now_s) ||
                 !spotopt__vec_push(context, width, most))
            return false;
        if (!spotopt__vec_push(context, from, end_s - now_s) ||
            !spotopt__vec_push(context, width, UINT32_MAX))
            return false;
    }
    return true;
}

static bool
add_gate(const spotopt_cluster *cluster, const spotopt__node_budget *budget, const char *value,
         double now_s, spotopt__drain_terms *out)
{
    spotopt_context *context = cluster->context;
    numbers nodes = {0}, width = {0};
    times from = {0};
    spotopt__gate gate;
    double most;
    bool done = true;

    memset(&gate, 0, sizeof gate);
    for (uint32_t n = 0; n < cluster->nodes.count && done; n++) {
        const char *theirs = spotopt__labels_get(&cluster->nodes.at[n].labels, budget->label);
        if (theirs != NULL && strcmp(theirs, value) == 0)
            done = spotopt__vec_push(context, &nodes, n);
    }
    most = budget->is_percent ? ceil(budget->nodes * (double)nodes.count / 100.0 - 1e-9)
                              : budget->nodes;
    done = done && make_windows(context, budget,
                                most >= (double)UINT32_MAX ? UINT32_MAX - 1 : (uint32_t)most, now_s,
                                &from, &width);
    if (done) {
        gate.node_count = nodes.count;
        gate.count = from.count;
        gate.name = value;
        gate.nodes = spotopt__arena_dup(&out->arena, nodes.at, nodes.count, sizeof *nodes.at);
        gate.from_s = spotopt__arena_dup(&out->arena, from.at, from.count, sizeof *from.at);
        gate.most = spotopt__arena_dup(&out->arena, width.at, width.count, sizeof *width.at);
        done = gate.nodes != NULL && gate.from_s != NULL && gate.most != NULL &&
               spotopt__vec_push(context, &out->gates, gate);
    }
    spotopt__vec_free(context, &nodes);
    spotopt__vec_free(context, &width);
    spotopt__vec_free(context, &from);
    return done;
}

static bool
add_gates(const spotopt_cluster *cluster, const spotopt__node_budget *budget, double now_s,
          spotopt__drain_terms *out)
{
    spotopt__map seen;
    bool done = true;

    spotopt__map_init(&seen, cluster->context);
    for (uint32_t n = 0; n < cluster->nodes.count && done; n++) {
        const char *value = spotopt__labels_get(&cluster->nodes.at[n].labels, budget->label);
        uint32_t found;
        if (value == NULL || !spotopt__glob(budget->value, value))
            continue;
        done = spotopt__map_put(&seen, value, n, &found);
        if (done && found == n)
            done = add_gate(cluster, budget, value, now_s, out);
    }
    spotopt__map_free(&seen);
    return done;
}

spotopt_status
spotopt__drain_terms_make(const spotopt_policy *policy, const spotopt_cluster *cluster,
                          double start_s, double now_s, double *out_start_s,
                          spotopt__drain_terms *out, spotopt_error *err)
{
    bool done;

    memset(out, 0, sizeof *out);
    out->context = cluster->context;
    spotopt__arena_init(&out->arena, out->context);
    out->detach_s = policy == NULL ? DETACH_S : policy->detach_s;
    done = find_starts(policy, cluster, start_s, out_start_s);
    if (policy != NULL && policy->max_evictions_per_h >= 1.0)
        out->evictions_per_h = (uint32_t)policy->max_evictions_per_h;
    for (size_t k = 0; policy != NULL && k < policy->node_budgets.count && done; k++)
        done = add_gates(cluster, &policy->node_budgets.at[k], now_s, out);
    if (done)
        return SPOTOPT_OK;
    spotopt__drain_terms_free(out);
    return spotopt__nomem(err, "the terms of a drain");
}

void
spotopt__drain_terms_free(spotopt__drain_terms *terms)
{
    spotopt__vec_free(terms->context, &terms->gates);
    spotopt__arena_free(&terms->arena);
    memset(terms, 0, sizeof *terms);
}
