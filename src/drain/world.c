/* SPDX-License-Identifier: Apache-2.0 */
/*
 * world.c - a cluster under a drain: evictions, a scheduler, pods that start, nodes that vanish.
 *
 * It is judge as well. Each step is held against the rules of the eviction API, of annotations and
 * of the policy as they stand at that very moment, counted from the pods themselves; a step that
 * they forbid is a fault. Losses that nobody asked for may break a budget; steps may not.
 */
#include "drain/world.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/base.h"
#include "model/cron.h"

#define NONE SPOTOPT__NONE
#define EPS 1e-9
#define TOLD_MAX 4000

typedef spotopt__stage world;

static void fault(world *w, const char *format, ...) SPOTOPT_PRINTF(2, 3);

static void
fault(world *w, const char *format, ...)
{
    char line[300];
    va_list args;

    w->faults++;
    if (w->told.count > TOLD_MAX)
        return;
    va_start(args, format);
    vsnprintf(line, sizeof line, format, args);
    va_end(args);
    spotopt__str_add_real(&w->told, w->now_s);
    spotopt__str_addf(&w->told, " s: %s\n", line);
}

static double
between(world *w, double low, double high)
{
    return low + (high - low) * spotopt__rng_unit(&w->rng);
}

static bool
happens(world *w, double frac)
{
    return frac > 0.0 && spotopt__rng_unit(&w->rng) < frac;
}

static const spotopt__pod *
pod_at(const world *w, uint32_t i)
{
    return &w->cluster->pods.at[i];
}

static const spotopt__shape *
shape_at(const world *w, uint32_t i)
{
    return &w->cluster->shapes.at[pod_at(w, i)->shape];
}

static bool
is_over(const spotopt__pod *pod)
{
    return pod->phase == SPOTOPT__SUCCEEDED || pod->phase == SPOTOPT__FAILED;
}

static void
tell(world *w, int32_t kind, uint32_t pod, uint32_t site)
{
    const spotopt__stage_event event = {w->now_s, kind, pod, site};

    if (!spotopt__vec_push(w->context, &w->news, event))
        w->failed = true;
}

static void
use(world *w, uint32_t site, uint32_t pod)
{
    for (uint32_t r = 0; r < w->cluster->resources.count; r++)
        w->usage.at[(size_t)site * w->cluster->resources.count + r] +=
            shape_at(w, pod)->request.of[r];
}

/* Counts anew what stands on every site, if anything has changed. */
static void
count_usage(world *w)
{
    size_t want = w->sites.count * w->cluster->resources.count;

    if (!w->is_stale && w->usage.count == want)
        return;
    w->usage.count = 0;
    if (!spotopt__vec_reserve(w->context, &w->usage, want)) {
        w->failed = true;
        return;
    }
    memset(w->usage.at, 0, want * sizeof *w->usage.at);
    w->usage.count = want;
    w->is_stale = false;
    for (uint32_t i = 0; i < w->cluster->pods.count; i++) {
        if (w->pods[i].is_there && w->pods[i].site != NONE && !is_over(pod_at(w, i)))
            use(w, w->pods[i].site, i);
    }
    for (size_t g = 0; g < w->ghosts.count; g++)
        use(w, w->ghosts.at[g].site, w->ghosts.at[g].pod);
}

/* What stands on a site takes of one resource. */
static int64_t
taken(world *w, uint32_t site, uint32_t r)
{
    count_usage(w);
    return w->failed ? 0 : w->usage.at[(size_t)site * w->cluster->resources.count + r];
}

bool
spotopt__stage_has_room(world *w, uint32_t site, uint32_t pod)
{
    for (uint32_t r = 0; r < w->cluster->resources.count; r++) {
        int64_t want = shape_at(w, pod)->request.of[r];
        if (want > 0 && want > w->sites.at[site].allocatable[r] - taken(w, site, r))
            return false;
    }
    return true;
}

static bool
is_healthy(const world *w, uint32_t i, const spotopt__pdb *pdb)
{
    if (!w->pods[i].is_there || !w->pods[i].is_ready ||
        (!w->pods[i].is_new && pod_at(w, i)->is_terminating))
        return false;
    for (uint32_t d = 0; d < pdb->disrupted_count && !w->pods[i].is_new; d++) {
        if (strcmp(pdb->disrupted[d], pod_at(w, i)->name) == 0)
            return false;
    }
    return true;
}

typedef struct judged {
    int64_t healthy, desired;
    bool allows_none;
} judged;

/* The status that the disruption controller would write now. */
static judged
judge(const world *w, uint32_t p)
{
    const spotopt__pdb *pdb = &w->cluster->pdbs.at[p];
    judged out = {0, 0, pdb->kind == SPOTOPT__BUDGET_NONE};
    int64_t expected = 0;

    for (uint32_t k = w->member_first[p]; k < w->member_first[p + 1]; k++) {
        const spotopt__pod *pod = pod_at(w, w->member[k]);
        out.healthy += is_healthy(w, w->member[k], pdb);
        if (pdb->kind == SPOTOPT__BUDGET_MIN_COUNT)
            continue;
        if (!pod->has_controller || pod->workload == NONE ||
            !w->cluster->workloads.at[pod->workload].has_scale)
            out.allows_none = true;
        else if (w->stamp[pod->workload] != p + 1)
            expected += w->cluster->workloads.at[pod->workload].wanted;
        if (pod->workload != NONE)
            w->stamp[pod->workload] = p + 1;
    }
    for (uint32_t k = w->member_first[p]; k < w->member_first[p + 1]; k++) {
        if (pod_at(w, w->member[k])->workload != NONE)
            w->stamp[pod_at(w, w->member[k])->workload] = 0;
    }
    if (pdb->kind == SPOTOPT__BUDGET_MIN_COUNT)
        out.desired = pdb->value;
    else if (pdb->kind == SPOTOPT__BUDGET_MIN_PERCENT)
        out.desired = (int64_t)ceil((double)(pdb->value * expected) / 100.0);
    else if (pdb->kind == SPOTOPT__BUDGET_MAX_COUNT)
        out.desired = expected - pdb->value;
    else
        out.desired = expected - (int64_t)ceil((double)(pdb->value * expected) / 100.0);
    out.desired = out.desired < 0 ? 0 : out.desired;
    if (pdb->kind != SPOTOPT__BUDGET_MIN_COUNT && expected == 0)
        out.allows_none = true;
    return out;
}

int64_t
spotopt__stage_allowed(const world *w, uint32_t pdb)
{
    judged now = judge(w, pdb);
    int64_t left = now.healthy - now.desired - w->spoken[pdb];

    return now.allows_none || left < 0 ? 0 : left;
}

/* Whether a schedule's window covers a moment: some start in it lies at most its length back. */
static bool
is_running(const world *w, const spotopt__node_budget *budget)
{
    spotopt__cron cron;
    double at_s = w->epoch_s + w->now_s;

    if (budget->schedule == NULL || isnan(w->epoch_s) ||
        !spotopt__cron_parse(budget->schedule, &cron))
        return true;
    /* Minute by minute backwards, unlike the planner's walk forwards. */
    for (double s = floor(at_s / 60.0) * 60.0; s > at_s - budget->duration_s; s -= 60.0) {
        if (spotopt__cron_next(&cron, s - 60.0) == s)
            return true;
    }
    return false;
}

/* The disruption budgets of nodes that a node about to be disrupted falls under. */
static void
judge_node(world *w, uint32_t node)
{
    for (size_t k = 0; w->policy != NULL && k < w->policy->node_budgets.count; k++) {
        const spotopt__node_budget *budget = &w->policy->node_budgets.at[k];
        const char *value = spotopt__labels_get(&w->cluster->nodes.at[node].labels, budget->label);
        int64_t all = 0, out = 0, most;

        if (value == NULL || !spotopt__glob(budget->value, value) || !is_running(w, budget))
            continue;
        if (!w->cluster->nodes.at[node].is_ready || w->cluster->nodes.at[node].is_terminating)
            continue; /* it counts as disrupted already */
        for (uint32_t n = 0; n < w->cluster->nodes.count; n++) {
            const spotopt__node *other = &w->cluster->nodes.at[n];
            const char *theirs = spotopt__labels_get(&other->labels, budget->label);
            if (theirs == NULL || strcmp(theirs, value) != 0)
                continue;
            all++;
            out += !w->sites.at[n].is_gone && n != node &&
                   (!other->is_ready || other->is_terminating ||
                    (w->leaves[n] && w->sites.at[n].is_cordoned));
        }
        most = budget->is_percent ? (int64_t)ceil(budget->nodes * (double)all / 100.0)
                                  : (int64_t)budget->nodes;
        if (out + 1 > most)
            fault(w, "node %s is disrupted, the %lldth of %s=%s of which %lld may be",
                  w->cluster->nodes.at[node].name, (long long)(out + 1), budget->label, value,
                  (long long)most);
    }
}

void
spotopt__stage_cordon(world *w, uint32_t site)
{
    bool was = w->sites.at[site].is_cordoned;

    if (!was && w->notice_s <= 0.0 && site < w->cluster->nodes.count)
        judge_node(w, site);
    w->sites.at[site].is_cordoned = true;
}

static bool
is_home(const world *w, uint32_t site, uint32_t pod)
{
    const spotopt__stage_site *s;

    if (site == NONE || site >= w->sites.count)
        return false;
    s = &w->sites.at[site];
    if (!s->is_up || s->is_gone || s->is_cordoned)
        return false;
    if (site >= w->cluster->nodes.count)
        return spotopt__shape_allows(shape_at(w, pod), &s->labels, "", NULL, 0, NULL);
    const spotopt__node *node = &w->cluster->nodes.at[site];
    return node->is_ready && !node->is_unschedulable && !node->is_terminating && !w->leaves[site] &&
           spotopt__shape_allows(shape_at(w, pod), &node->labels, node->name, node->taints,
                                 node->taint_count, NULL);
}

static void
bind(world *w, uint32_t i, uint32_t site)
{
    spotopt__stage_pod *pod = &w->pods[i];
    double start_s = w->start_s[i];

    w->is_stale = true;
    pod->site = site;
    pod->bound_s = w->now_s;
    if (w->chaos.is_jittery)
        start_s *= between(w, 0.5, 1.2);
    if (happens(w, w->chaos.slow_frac))
        start_s *= between(w, 2.0, 6.0);
    pod->is_stuck = happens(w, w->chaos.stuck_frac);
    pod->ready_s = pod->is_stuck ? (double)INFINITY : w->now_s + start_s;
    tell(w, site == pod->wish ? SPOTOPT__WORLD_BOUND : SPOTOPT__WORLD_BOUND_ELSEWHERE, i, site);
}

/* A node for a pod: as planned, unless that has become impossible or the scheduler knows better. */
static uint32_t
choose(world *w, uint32_t i)
{
    const spotopt__stage_pod *pod = &w->pods[i];
    uint32_t wish = pod->wish;
    bool can_wait = wish != NONE && wish < w->sites.count && !w->sites.at[wish].is_gone &&
                    !w->sites.at[wish].is_failed && !pod->is_awkward;

    if (can_wait)
        return is_home(w, wish, i) && spotopt__stage_has_room(w, wish, i) ? wish : NONE;
    for (uint32_t s = 0; s < w->sites.count; s++) {
        if (is_home(w, s, i) && spotopt__stage_has_room(w, s, i))
            return s;
    }
    return NONE;
}

static void
bind_waiting(world *w)
{
    for (;;) {
        uint32_t best = NONE, site = NONE;
        for (uint32_t i = 0; i < w->cluster->pods.count; i++) {
            const spotopt__stage_pod *pod = &w->pods[i];
            uint32_t found;
            if (!pod->is_there || !pod->is_new || pod->site != NONE ||
                pod->waits_until_s > w->now_s + EPS)
                continue;
            if (best != NONE && shape_at(w, i)->priority <= shape_at(w, best)->priority)
                continue;
            found = choose(w, i);
            if (found == NONE)
                continue;
            best = i;
            site = found;
        }
        if (best == NONE)
            return;
        bind(w, best, site);
    }
}

static bool
is_ending(const world *w, uint32_t pod)
{
    for (size_t g = 0; g < w->ghosts.count; g++) {
        if (w->ghosts.at[g].pod == pod)
            return true;
    }
    return false;
}

/*
 * A pod of an ordered set that ends or starts keeps the others where they are. One that is bound
 * nowhere, or that will never be ready, does not: they would wait for ever.
 */
static bool
is_set_busy(world *w, uint32_t pod)
{
    uint32_t workload = pod_at(w, pod)->workload;

    if (workload == NONE || !w->cluster->workloads.at[workload].is_ordered)
        return false;
    for (uint32_t j = 0; j < w->cluster->pods.count; j++) {
        if (j != pod && pod_at(w, j)->workload == workload && w->pods[j].is_there &&
            w->pods[j].is_new && !w->pods[j].is_ready && !w->pods[j].is_stuck &&
            (w->pods[j].site != NONE || is_ending(w, j)))
            return true;
    }
    return false;
}

/* Why the rules forbid the eviction, static text; NULL: they do not. */
static const char *
forbidden(world *w, uint32_t i, uint32_t to, bool *takes_one, uint32_t *out_pdb)
{
    const spotopt__pod *pod = pod_at(w, i);
    const spotopt__stage_pod *now = &w->pods[i];
    const spotopt__pdb *pdb;
    judged status;

    *takes_one = false;
    *out_pdb = NONE;
    if (!now->is_there || now->site == NONE ||
        (!now->is_new && (pod->is_terminating || is_over(pod))))
        return "it is not there to be evicted";
    if (pod->is_mirror || pod->is_daemon)
        return "it belongs to its node";
    if (shape_at(w, i)->is_do_not_disrupt ||
        (now->site < w->cluster->nodes.count && w->cluster->nodes.at[now->site].is_do_not_disrupt))
        return "it asks not to be disrupted";
    if (!pod->has_controller)
        return "nobody makes it again";
    if (is_set_busy(w, i))
        return "another pod of its stateful set is on its way";
    if (to == NONE || to >= w->sites.count || w->sites.at[to].is_gone)
        return "its target does not exist";
    if (w->notice_s <= 0.0 && (!is_home(w, to, i) || !spotopt__stage_has_room(w, to, i)))
        return "its target does not take it";
    if (!now->is_new && pod->phase != SPOTOPT__RUNNING)
        return NULL;
    if (w->budgets_of[i] > 1)
        return "it has two budgets: the API answers 500";
    if (w->budgets_of[i] == 0)
        return NULL;
    for (uint32_t p = 0; p < w->cluster->pdbs.count && *out_pdb == NONE; p++) {
        for (uint32_t k = w->member_first[p]; k < w->member_first[p + 1]; k++) {
            if (w->member[k] == i)
                *out_pdb = p;
        }
    }
    pdb = &w->cluster->pdbs.at[*out_pdb];
    status = judge(w, *out_pdb);
    if (!now->is_ready &&
        (pdb->always_allows_unhealthy ||
         (!status.allows_none && status.desired > 0 && status.healthy >= status.desired)))
        return NULL;
    *takes_one = true;
    if (pdb->is_lagging)
        return "its budget lags";
    return spotopt__stage_allowed(w, *out_pdb) > 0 ? NULL : "its budget allows no disruption";
}

static void
judge_rate(world *w)
{
    double most = w->policy == NULL ? NAN : w->policy->max_evictions_per_h, within = 1.0;

    if (isnan(most) || w->notice_s > 0.0)
        return;
    for (size_t e = 0; e < w->evicted_s.count; e++)
        within += w->evicted_s.at[e] > w->now_s - 3600.0 + 1e-6;
    if (within > floor(most))
        fault(w, "%lld evictions within an hour; %lld are allowed", (long long)within,
              (long long)most);
}

bool
spotopt__stage_evict(world *w, uint32_t i, uint32_t to)
{
    spotopt__stage_pod *now = &w->pods[i];
    bool takes_one, was_healthy;
    uint32_t pdb, workload = pod_at(w, i)->workload;
    const char *why = forbidden(w, i, to, &takes_one, &pdb);
    const spotopt__shape *shape = shape_at(w, i);
    bool has_volume = shape->has_exclusive_claim || shape->has_attached_claim;
    bool waits = has_volume || (workload != NONE &&
                                w->cluster->workloads.at[workload].kind == SPOTOPT__STATEFUL_SET);
    spotopt__stage_ghost ghost = {i, now->site, w->now_s};

    if (why != NULL) {
        fault(w, "%s is evicted though %s", pod_at(w, i)->id, why);
        return false;
    }
    if (now->site < w->cluster->nodes.count && w->leaves[now->site] &&
        !w->sites.at[now->site].is_cordoned)
        fault(w, "%s is evicted from a node that is not cordoned", pod_at(w, i)->id);
    if (happens(w, w->chaos.refused_frac))
        return false;
    judge_rate(w);
    was_healthy = pdb != NONE && is_healthy(w, i, &w->cluster->pdbs.at[pdb]);
    if (takes_one && !was_healthy)
        w->spoken[pdb]++;
    ghost.gone_s += shape->grace_s > 0.0 ? shape->grace_s : 0.0;
    if (w->chaos.is_jittery)
        ghost.gone_s = w->now_s + (ghost.gone_s - w->now_s) * between(w, 0.1, 1.0);
    w->is_stale = true;
    *now = (spotopt__stage_pod){.site = NONE, .wish = to, .is_there = true, .is_new = true};
    now->ready_s = INFINITY;
    now->waits_until_s = waits ? ghost.gone_s + (has_volume ? w->detach_s : 0.0) : 0.0;
    now->is_awkward = happens(w, w->chaos.elsewhere_frac);
    if ((ghost.gone_s > w->now_s && !spotopt__vec_push(w->context, &w->ghosts, ghost)) ||
        !spotopt__vec_push(w->context, &w->evicted_s, w->now_s))
        w->failed = true;
    if (takes_one) { /* what the step leaves is what the budget wants, at this very instant */
        judged after = judge(w, pdb);
        w->checks++;
        if (after.healthy < after.desired)
            fault(w, "%s: %lld healthy pods are left, %lld are wanted", w->cluster->pdbs.at[pdb].id,
                  (long long)after.healthy, (long long)after.desired);
    }
    bind_waiting(w);
    return true;
}

void
spotopt__stage_launch(world *w, const int64_t *allocatable, const spotopt__labels *labels,
                      double launch_s)
{
    spotopt__stage_site site;

    memset(&site, 0, sizeof site);
    memcpy(site.allocatable, allocatable, sizeof site.allocatable);
    site.labels = *labels;
    site.is_failed = happens(w, w->chaos.launch_failed_frac);
    site.up_s = w->now_s + launch_s * (w->chaos.is_jittery ? between(w, 0.6, 1.3) : 1.0);
    site.up_s = site.is_failed ? (double)INFINITY : site.up_s;
    site.lost_s = happens(w, w->chaos.node_lost_frac)
                      ? w->now_s + launch_s + between(w, 0.0, w->chaos.lost_until_s)
                      : (double)INFINITY;
    site.is_up = site.up_s <= w->now_s;
    if (!spotopt__vec_push(w->context, &w->sites, site))
        w->failed = true;
}

void
spotopt__stage_delete(world *w, uint32_t site)
{
    for (uint32_t i = 0; i < w->cluster->pods.count; i++) {
        const spotopt__pod *pod = pod_at(w, i);
        if (!w->pods[i].is_there || w->pods[i].site != site)
            continue;
        if (!pod->is_daemon && !pod->is_mirror && !is_over(pod))
            fault(w, "node %u is deleted with %s on it", site, pod->id);
        w->pods[i].is_there = false;
    }
    for (size_t g = 0; g < w->ghosts.count; g++) {
        if (w->ghosts.at[g].site == site)
            fault(w, "node %u is deleted while %s ends on it", site,
                  pod_at(w, w->ghosts.at[g].pod)->id);
    }
    w->sites.at[site].is_gone = true;
    w->is_stale = true;
}

/* A node is gone with all that stood on it; controllers make the pods again. */
static void
lose(world *w, uint32_t site)
{
    size_t kept = 0;

    w->is_stale = true;
    w->sites.at[site].is_gone = true;
    for (uint32_t i = 0; i < w->cluster->pods.count; i++) {
        const spotopt__pod *pod = pod_at(w, i);
        spotopt__stage_pod *now = &w->pods[i];
        bool comes_again = now->is_new || (pod->has_controller && !pod->is_terminating &&
                                           !is_over(pod) && !pod->is_daemon && !pod->is_mirror);
        if (!now->is_there || now->site != site)
            continue;
        *now = (spotopt__stage_pod){.site = NONE, .wish = NONE, .is_there = comes_again};
        now->is_new = comes_again;
        now->ready_s = INFINITY;
    }
    for (size_t g = 0; g < w->ghosts.count; g++) {
        if (w->ghosts.at[g].site != site)
            w->ghosts.at[kept++] = w->ghosts.at[g];
    }
    w->ghosts.count = kept;
    tell(w, SPOTOPT__WORLD_LOST, NONE, site);
}

static void
end_ghosts(world *w)
{
    size_t kept = 0;

    w->is_stale = true;
    for (size_t g = 0; g < w->ghosts.count; g++) {
        const spotopt__stage_ghost ghost = w->ghosts.at[g];
        if (ghost.gone_s > w->now_s + EPS)
            w->ghosts.at[kept++] = ghost;
    }
    w->ghosts.count = kept;
    for (uint32_t i = 0; i < w->cluster->pods.count; i++) {
        const spotopt__pod *pod = pod_at(w, i);
        if (w->pods[i].is_there && !w->pods[i].is_new && pod->is_terminating && !is_over(pod) &&
            !pod->is_daemon && !pod->is_mirror && shape_at(w, i)->grace_s <= w->now_s + EPS)
            w->pods[i].is_there = false;
    }
}

static void
happen(world *w)
{
    for (uint32_t s = 0; s < w->sites.count; s++) {
        spotopt__stage_site *site = &w->sites.at[s];
        if (!site->is_up && !site->is_gone && site->up_s <= w->now_s + EPS) {
            site->is_up = true;
            tell(w, SPOTOPT__WORLD_UP, NONE, s);
        }
        if (!site->is_gone && site->lost_s <= w->now_s + EPS)
            lose(w, s);
    }
    end_ghosts(w);
    if (w->notice_s > 0.0 && w->notice_s <= w->now_s + EPS) {
        for (uint32_t n = 0; n < w->cluster->nodes.count; n++) {
            if (w->leaves[n] && !w->sites.at[n].is_gone)
                lose(w, n);
        }
    }
    for (uint32_t i = 0; i < w->cluster->pods.count; i++) {
        spotopt__stage_pod *pod = &w->pods[i];
        if (pod->is_there && pod->is_new && !pod->is_ready && pod->site != NONE &&
            pod->ready_s <= w->now_s + EPS) {
            pod->is_ready = true;
            tell(w, SPOTOPT__WORLD_READY, i, pod->site);
        }
    }
    bind_waiting(w);
}

/* No node holds more than it can, or than it did at the start. */
static void
check_sites(world *w)
{
    for (uint32_t s = 0; s < w->sites.count; s++) {
        const spotopt__stage_site *site = &w->sites.at[s];
        for (uint32_t r = 0; r < w->cluster->resources.count && !site->is_gone; r++) {
            if (taken(w, s, r) > site->allocatable[r] + site->overdraft[r])
                fault(w, "node %u is overfull in %s", s, w->cluster->resources.name[r]);
        }
    }
    for (uint32_t p = 0; p < w->cluster->pdbs.count; p++) {
        judged now = judge(w, p);
        w->involuntary += now.healthy < now.desired;
        w->checks++;
    }
}

double
spotopt__stage_next(const world *w)
{
    double next_s = INFINITY;

#define SOONER(at)                                                                                 \
    do {                                                                                           \
        double at_ = (at);                                                                         \
        if (at_ > w->now_s + EPS && at_ < next_s)                                                  \
            next_s = at_;                                                                          \
    } while (0)
    for (size_t s = 0; s < w->sites.count; s++) {
        const spotopt__stage_site *site = &w->sites.at[s];
        if (!site->is_gone && !site->is_up)
            SOONER(site->up_s);
        if (!site->is_gone)
            SOONER(site->lost_s);
    }
    for (size_t g = 0; g < w->ghosts.count; g++)
        SOONER(w->ghosts.at[g].gone_s);
    for (uint32_t i = 0; i < w->cluster->pods.count; i++) {
        const spotopt__stage_pod *pod = &w->pods[i];
        if (!pod->is_there)
            continue;
        if (pod->is_new && !pod->is_ready)
            SOONER(pod->site != NONE ? pod->ready_s : pod->waits_until_s);
        if (!pod->is_new && pod_at(w, i)->is_terminating)
            SOONER(shape_at(w, i)->grace_s);
    }
    if (w->notice_s > 0.0)
        SOONER(w->notice_s);
#undef SOONER
    return next_s;
}

void
spotopt__stage_advance(world *w, double at_s)
{
    if (at_s > w->now_s)
        memset(w->spoken, 0, w->cluster->pdbs.count * sizeof *w->spoken);
    while (w->now_s < at_s) {
        double next_s = spotopt__stage_next(w);
        w->now_s = next_s < at_s ? next_s : at_s;
        happen(w);
        check_sites(w);
    }
}

static bool
find_members(world *w)
{
    const spotopt_cluster *cluster = w->cluster;
    size_t entries = 0, at = 0;

    for (int pass = 0; pass < 2; pass++) {
        for (size_t p = 0; p < cluster->pdbs.count; p++) {
            const spotopt__pdb *pdb = &cluster->pdbs.at[p];
            if (pass == 1)
                w->member_first[p] = (uint32_t)at;
            for (uint32_t i = 0; i < cluster->pods.count; i++) {
                const spotopt__pod *pod = pod_at(w, i);
                if (strcmp(pdb->ns, pod->ns) != 0 ||
                    !spotopt__selector_matches(&pdb->selector, &pod->labels))
                    continue;
                if (pass == 0) {
                    entries++;
                } else {
                    w->member[at++] = i;
                    w->budgets_of[i]++;
                }
            }
        }
        if (pass == 0) {
            w->member = spotopt__alloc_array(w->context, entries + 1, sizeof *w->member);
            if (w->member == NULL)
                return false;
        }
    }
    w->member_first[cluster->pdbs.count] = (uint32_t)at;
    return true;
}

spotopt_status
spotopt__stage_make(const spotopt_cluster *cluster, const spotopt_policy *policy,
                    const unsigned char *leaves, const double *start_s, double detach_s,
                    double notice_s, double epoch_s, const spotopt__stage_chaos *chaos, world *out,
                    spotopt_error *err)
{
    size_t pods = cluster->pods.count + 1, budgets = cluster->pdbs.count + 1;
    bool done;

    memset(out, 0, sizeof *out);
    out->context = cluster->context;
    out->cluster = cluster;
    out->policy = policy;
    out->leaves = leaves;
    out->start_s = start_s;
    out->detach_s = detach_s;
    out->notice_s = notice_s;
    out->epoch_s = epoch_s;
    out->chaos = *chaos;
    spotopt__rng_seed(&out->rng, chaos->seed);
    spotopt__str_init(&out->told, out->context);
    out->pods = spotopt__alloc_array(out->context, pods, sizeof *out->pods);
    out->member_first = spotopt__alloc_array(out->context, budgets, sizeof *out->member_first);
    out->budgets_of = spotopt__alloc_array(out->context, pods, sizeof *out->budgets_of);
    out->spoken = spotopt__alloc_array(out->context, budgets, sizeof *out->spoken);
    out->stamp =
        spotopt__alloc_array(out->context, cluster->workloads.count + 1, sizeof *out->stamp);
    done = out->pods != NULL && out->member_first != NULL && out->budgets_of != NULL &&
           out->spoken != NULL && out->stamp != NULL &&
           spotopt__vec_reserve(out->context, &out->sites, cluster->nodes.count + 1) &&
           find_members(out);
    for (uint32_t i = 0; i < cluster->pods.count && done; i++) {
        const spotopt__pod *pod = pod_at(out, i);
        out->pods[i].is_there = true;
        out->pods[i].site = pod->node;
        out->pods[i].is_ready = pod->is_ready;
        out->pods[i].wish = NONE;
    }
    for (uint32_t n = 0; n < cluster->nodes.count && done; n++) {
        spotopt__stage_site site;
        memset(&site, 0, sizeof site);
        memcpy(site.allocatable, cluster->nodes.at[n].allocatable.of, sizeof site.allocatable);
        site.is_up = true;
        site.is_cordoned = cluster->nodes.at[n].is_unschedulable;
        site.lost_s = happens(out, chaos->node_lost_frac) ? between(out, 0.0, chaos->lost_until_s)
                                                          : (double)INFINITY;
        out->sites.at[out->sites.count++] = site;
    }
    for (uint32_t n = 0; n < cluster->nodes.count && done; n++) {
        for (uint32_t r = 0; r < cluster->resources.count; r++) {
            int64_t over = taken(out, n, r) - out->sites.at[n].allocatable[r];
            out->sites.at[n].overdraft[r] = over > 0 ? over : 0;
        }
    }
    if (done) {
        end_ghosts(out);
        return SPOTOPT_OK;
    }
    spotopt__stage_free(out);
    return spotopt__nomem(err, "a simulated cluster");
}

void
spotopt__stage_free(world *w)
{
    spotopt__free(w->context, w->pods);
    spotopt__free(w->context, w->member_first);
    spotopt__free(w->context, w->member);
    spotopt__free(w->context, w->budgets_of);
    spotopt__free(w->context, w->spoken);
    spotopt__free(w->context, w->stamp);
    spotopt__vec_free(w->context, &w->sites);
    spotopt__vec_free(w->context, &w->ghosts);
    spotopt__vec_free(w->context, &w->evicted_s);
    spotopt__vec_free(w->context, &w->news);
    spotopt__vec_free(w->context, &w->usage);
    spotopt__str_free(&w->told);
    memset(w, 0, sizeof *w);
}
