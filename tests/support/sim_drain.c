/* SPDX-License-Identifier: Apache-2.0 */
/* sim_drain.c - replays a drain step by step and recomputes everything at every instant, however
 * slowly. */
#include "sim_drain.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define EPS 1e-9

static void fault(sim_drain *sim, const char *format, ...) SPOTOPT_PRINTF(2, 3);

static void
fault(sim_drain *sim, const char *format, ...)
{
    size_t used = strlen(sim->faults);
    va_list args;

    sim->fault_count++;
    if (used + 200 > sizeof sim->faults)
        return;
    used += (size_t)snprintf(sim->faults + used, 40, "  t=%.3f: ", sim->now_s);
    va_start(args, format);
    used += (size_t)vsnprintf(sim->faults + used, 150, format, args);
    va_end(args);
    snprintf(sim->faults + used, 2, "\n");
}

static const spotopt__pod *
pod_at(const sim_drain *sim, uint32_t pod)
{
    return &sim->job->cluster->pods.at[pod];
}

static const spotopt__shape *
shape_at(const sim_drain *sim, uint32_t pod)
{
    return &sim->job->cluster->shapes.at[pod_at(sim, pod)->shape];
}

static bool
is_over(const spotopt__pod *pod)
{
    return pod->phase == SPOTOPT__SUCCEEDED || pod->phase == SPOTOPT__FAILED;
}

/* Stands on its first node, terminating or not. */
static bool
is_on_old_node(const sim_drain *sim, uint32_t i)
{
    const spotopt__pod *pod = pod_at(sim, i);

    if (pod->node == SPOTOPT__NONE || sim->is_deleted[pod->node] || sim->pods[i].is_dead)
        return false;
    if (pod->is_terminating && !is_over(pod) && !pod->is_daemon && !pod->is_mirror)
        return sim->now_s + EPS < shape_at(sim, i)->grace_s;
    return !sim->pods[i].is_evicted || sim->now_s + EPS < sim->pods[i].gone_s;
}

static bool
is_healthy_for(const sim_drain *sim, uint32_t i, const spotopt__pdb *pdb)
{
    const spotopt__pod *pod = pod_at(sim, i);

    if (sim->pods[i].is_bound)
        return sim->now_s + EPS >= sim->pods[i].ready_s;
    if (sim->pods[i].is_evicted || sim->pods[i].is_dead || !pod->is_ready || pod->is_terminating)
        return false;
    if (pod->node != SPOTOPT__NONE && sim->is_deleted[pod->node])
        return false;
    for (uint32_t d = 0; d < pdb->disrupted_count; d++) {
        if (strcmp(pdb->disrupted[d], pod->name) == 0)
            return false;
    }
    return true;
}

static bool
covers(const spotopt__pdb *pdb, const spotopt__pod *pod)
{
    return strcmp(pdb->ns, pod->ns) == 0 && spotopt__selector_matches(&pdb->selector, &pod->labels);
}

/* The status that the disruption controller would write. */
static void
status_of(const sim_drain *sim, uint32_t p, long *healthy, long *desired, bool *is_unknown)
{
    const spotopt_cluster *cluster = sim->job->cluster;
    const spotopt__pdb *pdb = &cluster->pdbs.at[p];
    unsigned char *owners = calloc(cluster->workloads.count + 1, 1);
    long expected = 0;

    *healthy = 0;
    *is_unknown = pdb->kind == SPOTOPT__BUDGET_NONE;
    for (uint32_t i = 0; i < cluster->pods.count; i++) {
        const spotopt__pod *pod = &cluster->pods.at[i];
        if (!covers(pdb, pod))
            continue;
        *healthy += is_healthy_for(sim, i, pdb);
        if (pdb->kind == SPOTOPT__BUDGET_MIN_COUNT)
            continue;
        if (!pod->has_controller || pod->workload == SPOTOPT__NONE ||
            !cluster->workloads.at[pod->workload].has_scale)
            *is_unknown = true;
        else if (!owners[pod->workload])
            expected += cluster->workloads.at[pod->workload].wanted;
        if (pod->workload != SPOTOPT__NONE)
            owners[pod->workload] = 1;
    }
    free(owners);
    switch (pdb->kind) {
    case SPOTOPT__BUDGET_MIN_COUNT:
        *desired = (long)pdb->value;
        break;
    case SPOTOPT__BUDGET_MIN_PERCENT:
        *desired = (long)ceil((double)pdb->value * (double)expected / 100.0);
        break;
    case SPOTOPT__BUDGET_MAX_COUNT:
        *desired = expected - (long)pdb->value;
        break;
    default:
        *desired = expected - (long)ceil((double)pdb->value * (double)expected / 100.0);
        break;
    }
    if (*desired < 0)
        *desired = 0;
    if (pdb->kind != SPOTOPT__BUDGET_MIN_COUNT && expected == 0)
        *is_unknown = true;
}

long
sim_allowed(const sim_drain *sim, uint32_t pdb)
{
    long healthy, desired;
    bool is_unknown;

    status_of(sim, pdb, &healthy, &desired, &is_unknown);
    return is_unknown || healthy < desired ? 0 : healthy - desired - sim->spoken[pdb];
}

/* Free room of one resource on a node or launch. */
static long
free_room(const sim_drain *sim, uint32_t node, uint32_t r)
{
    const spotopt_cluster *cluster = sim->job->cluster;
    size_t nodes = cluster->nodes.count;
    long room = (long)(node < nodes ? cluster->nodes.at[node].allocatable.of[r]
                                    : sim->job->launches[node - nodes].room.of[r]);

    for (uint32_t i = 0; i < cluster->pods.count; i++) {
        long want = (long)shape_at(sim, i)->request.of[r];
        if (cluster->pods.at[i].node == node && !is_over(&cluster->pods.at[i]) &&
            is_on_old_node(sim, i))
            room -= want;
        if (sim->pods[i].is_bound && sim->job->target[i] == node)
            room -= want;
    }
    return room;
}

static bool
fits(const sim_drain *sim, uint32_t pod, bool may_be_early)
{
    uint32_t to = sim->job->target[pod];
    size_t nodes = sim->job->cluster->nodes.count;

    if (to >= nodes && !sim->is_launched[to - nodes])
        return false;
    if (to >= nodes && sim->now_s + EPS < sim->job->launch_s && !may_be_early)
        return false;
    for (uint32_t r = 0; r < sim->job->cluster->resources.count; r++) {
        long want = (long)shape_at(sim, pod)->request.of[r];
        if (want > 0 && want > free_room(sim, to, r))
            return false;
    }
    return true;
}

static bool
is_home(const sim_drain *sim, uint32_t to)
{
    const spotopt_cluster *cluster = sim->job->cluster;

    if (to == SPOTOPT__NONE)
        return false;
    if (to >= cluster->nodes.count)
        return true;
    return cluster->nodes.at[to].is_ready && !cluster->nodes.at[to].is_unschedulable &&
           !cluster->nodes.at[to].is_terminating && !sim->job->leaves[to];
}

/* The scheduler binds what waits as soon as it can, whatever we would like. */
static void
bind_waiting(sim_drain *sim)
{
    const spotopt_cluster *cluster = sim->job->cluster;

    for (;;) {
        uint32_t best = SPOTOPT__NONE;
        for (uint32_t i = 0; i < cluster->pods.count; i++) {
            const spotopt__pod *pod = &cluster->pods.at[i];
            if (pod->node != SPOTOPT__NONE || pod->node_name[0] != '\0' || pod->is_gated ||
                is_over(pod) || pod->is_terminating || pod->is_daemon || pod->is_mirror ||
                sim->pods[i].is_bound || !is_home(sim, sim->job->target[i]) || !fits(sim, i, false))
                continue;
            if (best == SPOTOPT__NONE || shape_at(sim, i)->priority > shape_at(sim, best)->priority)
                best = i;
        }
        if (best == SPOTOPT__NONE)
            return;
        sim->pods[best].is_bound = true;
        sim->pods[best].bound_s = sim->now_s;
        sim->pods[best].ready_s = sim->now_s + sim->job->start_s;
        if (sim->pods[best].ready_s > sim->end_s)
            sim->end_s = sim->pods[best].ready_s;
    }
}

static void
check_room(sim_drain *sim)
{
    const spotopt_cluster *cluster = sim->job->cluster;
    uint32_t nodes = (uint32_t)(cluster->nodes.count + sim->job->launch_count);

    for (uint32_t n = 0; n < nodes; n++) {
        for (uint32_t r = 0; r < cluster->resources.count; r++) {
            if (free_room(sim, n, r) < -sim->overdraft[n * cluster->resources.count + r])
                fault(sim, "node %u is overfull in resource %u", n, r);
        }
    }
}

void
sim_start(sim_drain *sim, const spotopt__drain_job *job)
{
    size_t nodes = job->cluster->nodes.count + job->launch_count;

    memset(sim, 0, sizeof *sim);
    sim->job = job;
    sim->pods = calloc(job->cluster->pods.count + 1, sizeof *sim->pods);
    sim->is_cordoned = calloc(nodes + 1, 1);
    sim->is_deleted = calloc(nodes + 1, 1);
    sim->is_launched = calloc(job->launch_count + 1, 1);
    sim->overdraft = calloc(nodes * job->cluster->resources.count + 1, sizeof *sim->overdraft);
    sim->spoken = calloc(job->cluster->pdbs.count + 1, sizeof *sim->spoken);
    for (uint32_t n = 0; n < nodes; n++) {
        for (uint32_t r = 0; r < job->cluster->resources.count; r++) {
            long room = free_room(sim, n, r);
            sim->overdraft[n * job->cluster->resources.count + r] = room < 0 ? -room : 0;
        }
    }
    bind_waiting(sim);
}

void
sim_end(sim_drain *sim)
{
    free(sim->pods);
    free(sim->is_cordoned);
    free(sim->is_deleted);
    free(sim->is_launched);
    free(sim->overdraft);
    free(sim->spoken);
}

static void
sooner(const sim_drain *sim, double at_s, double *next_s)
{
    if (at_s > sim->now_s + EPS && at_s < *next_s)
        *next_s = at_s;
}

double
sim_next_event(const sim_drain *sim)
{
    const spotopt_cluster *cluster = sim->job->cluster;
    double next_s = INFINITY;

    if (sim->job->launch_count > 0)
        sooner(sim, sim->job->launch_s, &next_s);
    if (sim->job->notice_s > 0.0)
        sooner(sim, sim->job->notice_s, &next_s);
    for (uint32_t i = 0; i < cluster->pods.count; i++) {
        if (cluster->pods.at[i].is_terminating)
            sooner(sim, shape_at(sim, i)->grace_s, &next_s);
        if (sim->pods[i].is_evicted)
            sooner(sim, sim->pods[i].gone_s, &next_s);
        if (sim->pods[i].is_bound)
            sooner(sim, sim->pods[i].ready_s, &next_s);
    }
    return next_s;
}

void
sim_launch(sim_drain *sim)
{
    memset(sim->is_launched, 1, sim->job->launch_count);
    bind_waiting(sim);
}

static void
end_nodes(sim_drain *sim)
{
    const spotopt_cluster *cluster = sim->job->cluster;

    for (uint32_t i = 0; i < cluster->pods.count; i++) {
        uint32_t node = cluster->pods.at[i].node;
        if (node != SPOTOPT__NONE && sim->job->leaves[node] && !sim->pods[i].is_evicted)
            sim->pods[i].is_dead = true;
    }
}

void
sim_advance(sim_drain *sim, double at_s)
{
    double next_s;

    if (at_s > sim->now_s)
        memset(sim->spoken, 0, sim->job->cluster->pdbs.count * sizeof *sim->spoken);
    while (sim->now_s < at_s) {
        next_s = sim_next_event(sim);
        sim->now_s = next_s < at_s ? next_s : at_s;
        bind_waiting(sim);
        check_room(sim);
        if (sim->job->notice_s > 0.0 && sim->now_s + EPS >= sim->job->notice_s)
            end_nodes(sim);
    }
}

const char *
sim_refusal(const sim_drain *sim, uint32_t i, bool *takes_one)
{
    const spotopt_cluster *cluster = sim->job->cluster;
    const spotopt__pod *pod = &cluster->pods.at[i];
    uint32_t pdb = SPOTOPT__NONE;
    long healthy, desired;
    bool is_unknown, is_asked = pod->phase == SPOTOPT__RUNNING && !pod->is_terminating;

    *takes_one = false;
    if (pod->node == SPOTOPT__NONE || sim->pods[i].is_evicted || sim->pods[i].is_dead ||
        is_over(pod) || pod->is_terminating)
        return "it is not there to be evicted";
    if (pod->is_mirror || pod->is_daemon)
        return "it belongs to its node";
    if (shape_at(sim, i)->is_do_not_disrupt || cluster->nodes.at[pod->node].is_do_not_disrupt)
        return "it asks not to be disrupted";
    if (!pod->has_controller)
        return "nobody makes it again";
    if (!is_home(sim, sim->job->target[i]) || sim->job->target[i] == pod->node)
        return "it has nowhere to go";
    if (!fits(sim, i, sim->job->notice_s > 0.0 && sim->job->leaves[pod->node]))
        return "its target has no room";
    if (pod->workload != SPOTOPT__NONE && cluster->workloads.at[pod->workload].is_ordered) {
        for (uint32_t j = 0; j < cluster->pods.count; j++) {
            if (sim->pods[j].is_evicted && cluster->pods.at[j].workload == pod->workload &&
                sim->now_s + EPS < sim->pods[j].ready_s)
                return "another pod of its stateful set is still on its way";
        }
    }
    for (uint32_t p = 0; p < cluster->pdbs.count && is_asked; p++) {
        if (!covers(&cluster->pdbs.at[p], pod))
            continue;
        if (pdb != SPOTOPT__NONE)
            return "two budgets: the API answers 500";
        pdb = p;
    }
    if (pdb == SPOTOPT__NONE)
        return NULL;
    status_of(sim, pdb, &healthy, &desired, &is_unknown);
    if (!pod->is_ready) {
        if (cluster->pdbs.at[pdb].always_allows_unhealthy)
            return NULL;
        if (!is_unknown && healthy >= desired && desired > 0)
            return NULL;
    }
    if (cluster->pdbs.at[pdb].is_lagging)
        return "429: its budget lags";
    *takes_one = true;
    return sim_allowed(sim, pdb) <= 0 ? "429: its budget allows no disruption" : NULL;
}

void
sim_evict(sim_drain *sim, uint32_t i)
{
    const spotopt_cluster *cluster = sim->job->cluster;
    const spotopt__pod *pod = &cluster->pods.at[i];
    sim_pod *state = &sim->pods[i];
    double grace_s = shape_at(sim, i)->grace_s;
    bool takes_one,
        after_old = shape_at(sim, i)->has_exclusive_claim ||
                    (pod->workload != SPOTOPT__NONE &&
                     cluster->workloads.at[pod->workload].kind == SPOTOPT__STATEFUL_SET);
    const char *why = sim_refusal(sim, i, &takes_one);

    if (why != NULL)
        fault(sim, "%s is evicted though %s", pod->id, why);
    for (uint32_t p = 0; p < cluster->pdbs.count; p++) {
        if (takes_one && covers(&cluster->pdbs.at[p], pod) &&
            !is_healthy_for(sim, i, &cluster->pdbs.at[p]))
            sim->spoken[p]++;
    }
    state->is_evicted = state->is_bound = true;
    state->evicted_s = state->bound_s = sim->now_s;
    state->gone_s = sim->now_s + grace_s;
    if (sim->job->notice_s > 0.0 && sim->job->leaves[pod->node] &&
        state->gone_s > sim->job->notice_s)
        state->gone_s = sim->job->notice_s;
    state->ready_s = sim->now_s + (after_old ? grace_s : 0.0);
    if (sim->job->target[i] >= cluster->nodes.count && state->ready_s < sim->job->launch_s)
        state->ready_s = sim->job->launch_s;
    state->ready_s += sim->job->start_s;
    if (state->gone_s > sim->end_s)
        sim->end_s = state->gone_s;
    if (state->ready_s > sim->end_s)
        sim->end_s = state->ready_s;
    check_room(sim);
}

static void
play_step(sim_drain *sim, const spotopt__drain_step *step)
{
    const spotopt_cluster *cluster = sim->job->cluster;
    size_t nodes = cluster->nodes.count;
    bool takes_one;
    long before, after;

    switch (step->kind) {
    case SPOTOPT__DO_LAUNCH:
        if (step->node < nodes || step->node - nodes >= sim->job->launch_count ||
            step->at_s != 0.0 || sim->is_launched[step->node - nodes])
            fault(sim, "a launch of node %u", step->node);
        else
            sim->is_launched[step->node - nodes] = 1;
        break;
    case SPOTOPT__DO_CORDON:
        if (step->node >= nodes || !sim->job->leaves[step->node])
            fault(sim, "a cordon of node %u", step->node);
        else
            sim->is_cordoned[step->node] = 1;
        break;
    case SPOTOPT__DO_EVICT:
        if (step->pod >= cluster->pods.count || cluster->pods.at[step->pod].node != step->node) {
            fault(sim, "an eviction of pod %u from node %u", step->pod, step->node);
            break;
        }
        if (sim->job->leaves[step->node] && !sim->is_cordoned[step->node])
            fault(sim, "%s is evicted before its node is cordoned", cluster->pods.at[step->pod].id);
        sim_refusal(sim, step->pod, &takes_one);
        if (takes_one != (step->pdb != SPOTOPT__NONE))
            fault(sim, "%s: what it relies on is wrong", cluster->pods.at[step->pod].id);
        before = step->pdb == SPOTOPT__NONE ? 0 : sim_allowed(sim, step->pdb);
        if (step->pdb != SPOTOPT__NONE &&
            (before != (long)step->headroom ||
             !covers(&cluster->pdbs.at[step->pdb], &cluster->pods.at[step->pod])))
            fault(sim, "%s: head-room %u, but it is %ld", cluster->pods.at[step->pod].id,
                  step->headroom, before);
        sim_evict(sim, step->pod);
        after = step->pdb == SPOTOPT__NONE ? 0 : sim_allowed(sim, step->pdb);
        if (step->pdb != SPOTOPT__NONE && after != before - 1)
            fault(sim, "%s: head-room goes from %ld to %ld", cluster->pods.at[step->pod].id, before,
                  after);
        break;
    default:
        if (step->node >= nodes || !sim->job->leaves[step->node] || sim->is_deleted[step->node]) {
            fault(sim, "a delete of node %u", step->node);
            break;
        }
        for (uint32_t i = 0; i < cluster->pods.count; i++) {
            const spotopt__pod *pod = &cluster->pods.at[i];
            if (pod->node == step->node && !is_over(pod) && !pod->is_daemon && !pod->is_mirror &&
                is_on_old_node(sim, i))
                fault(sim, "node %u is deleted with %s on it", step->node, pod->id);
        }
        sim->is_deleted[step->node] = 1;
        if (sim->now_s > sim->end_s)
            sim->end_s = sim->now_s;
        break;
    }
}

static void
judge_end(sim_drain *sim, const spotopt__schedule *schedule)
{
    const spotopt_cluster *cluster = sim->job->cluster;
    double notice_s = sim->job->notice_s;
    unsigned char *named = calloc(cluster->pods.count + 1, 1),
                  *is_stuck = calloc(cluster->nodes.count + 1, 1);

    for (size_t b = 0; b < schedule->blocked.count; b++)
        named[schedule->blocked.at[b].pod]++;
    for (size_t l = 0; l < schedule->lost.count; l++)
        named[schedule->lost.at[l]] += 16;
    for (uint32_t i = 0; i < cluster->pods.count; i++) {
        const spotopt__pod *pod = &cluster->pods.at[i];
        const sim_pod *state = &sim->pods[i];
        bool leaves = pod->node != SPOTOPT__NONE && sim->job->leaves[pod->node];
        bool stays_to_the_end = is_over(pod) || pod->is_daemon || pod->is_mirror;
        bool goes = sim->job->target[i] != SPOTOPT__NONE && sim->job->target[i] != pod->node;
        bool stays = stays_to_the_end || pod->is_terminating || pod->is_gated ||
                     (pod->node == SPOTOPT__NONE && pod->node_name[0] != '\0') ||
                     (!leaves && !goes);
        double done_s = state->gone_s > state->ready_s ? state->gone_s : state->ready_s;
        bool is_saved =
            state->is_bound && (notice_s <= 0.0 || !leaves ||
                                (state->evicted_s + shape_at(sim, i)->grace_s <= notice_s + EPS &&
                                 done_s <= notice_s + EPS));

        if (stays ? named[i] || state->is_evicted
                  : (named[i] != 0) == is_saved || (named[i] & (named[i] - 1)))
            fault(sim, "%s: named %d, bound %d, saved %d", pod->id, named[i], state->is_bound,
                  is_saved);
        if (named[i] >= 16 && (notice_s <= 0.0 || !leaves))
            fault(sim, "%s is lost without a deadline", pod->id);
        if (leaves && (named[i] & 1))
            is_stuck[pod->node] = 1;
        if (leaves && (named[i] & 16) && !state->is_evicted)
            is_stuck[pod->node] = 1;
        if (leaves && !stays_to_the_end && pod->is_terminating && notice_s > 0.0 &&
            shape_at(sim, i)->grace_s > notice_s)
            is_stuck[pod->node] = 1;
    }
    for (uint32_t n = 0; n < cluster->nodes.count; n++) {
        if (sim->job->leaves[n] && sim->is_deleted[n] == is_stuck[n])
            fault(sim, "node %u: deleted %d, stuck %d", n, sim->is_deleted[n], is_stuck[n]);
    }
    free(named);
    free(is_stuck);
}

size_t
sim_check(const spotopt__drain_job *job, const spotopt__schedule *schedule, char *faults,
          size_t size)
{
    sim_drain sim;
    size_t count;
    double last_s = -1.0;
    uint32_t wave = UINT32_MAX;

    sim_start(&sim, job);
    if (job->launch_count > 0)
        sim.end_s = job->launch_s > sim.end_s ? job->launch_s : sim.end_s;
    for (size_t i = 0; i < schedule->steps.count; i++) {
        const spotopt__drain_step *step = &schedule->steps.at[i];
        if (step->at_s < last_s || step->wave != (step->at_s > last_s ? wave + 1 : wave))
            fault(&sim, "step %zu is out of order", i);
        last_s = step->at_s;
        wave = step->wave;
        if (step->at_s > sim.now_s)
            sim_advance(&sim, step->at_s);
        play_step(&sim, step);
        bind_waiting(&sim); /* room may have become free at once */
    }
    if (schedule->waves != wave + 1)
        fault(&sim, "%u waves, told %u", wave + 1, schedule->waves);
    while (isfinite(sim_next_event(&sim)))
        sim_advance(&sim, sim_next_event(&sim));
    judge_end(&sim, schedule);
    if (fabs(sim.end_s - schedule->makespan_s) > 1e-6)
        fault(&sim, "makespan %g, told %g", sim.end_s, schedule->makespan_s);
    if (schedule->bound_s > schedule->makespan_s + 1e-9)
        fault(&sim, "bound %g above makespan %g", schedule->bound_s, schedule->makespan_s);
    if (size > 0)
        snprintf(faults, size, "%s", sim.faults);
    count = sim.fault_count;
    sim_end(&sim);
    return count;
}
