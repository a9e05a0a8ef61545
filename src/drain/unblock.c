/* SPDX-License-Identifier: Apache-2.0 */
/*
 * unblock.c - the least change that would let a blocked pod go, in words.
 *
 * A budget lets a ready pod go when it wants at most one pod fewer than can be healthy; a pod that
 * is not ready goes already when as many are healthy as are wanted. From that limit follow in
 * closed form the nearest number or percent that would do, and how many replicas more would.
 */
#include "base/base.h"
#include "drain/budget.h"
#include "drain/drain.h"

#define NONE SPOTOPT__NONE
#define BUDGETS_NAMED 8

/* Smallest k >= 1 more replicas that would do, all of them healthy; 0: none would. limit: most that
 * may be desired. */
static int64_t
replicas_missing(const spotopt__pdb *pdb, const spotopt__pdb_count *count, int64_t limit)
{
    int64_t p = pdb->value, e = count->expected, more;

    switch (pdb->kind) {
    case SPOTOPT__BUDGET_MIN_COUNT: /* desired stays, the limit grows */
        return count->desired - limit;
    case SPOTOPT__BUDGET_MIN_PERCENT: /* ceil(p (e + k) / 100) <= limit + k */
        if (p >= 100)
            return 0;
        more = p * e - 100 * limit;
        return more <= 0 ? 1 : (more + 99 - p) / (100 - p);
    case SPOTOPT__BUDGET_MAX_PERCENT: /* ceil(p (e + k) / 100) >= e - limit */
        if (p <= 0)
            return 0;
        more = 100 * (e - limit - 1) / p + 1 - e;
        return more < 1 ? 1 : more;
    default: /* both sides grow alike */
        return 0;
    }
}

static void
name_change(const spotopt__pdb *pdb, const spotopt__pdb_count *count, int64_t limit,
            spotopt__str *text)
{
    int64_t short_of =
        count->expected - limit; /* pods that must be allowed to be unavailable, >= 1 */
    int64_t least;

    switch (pdb->kind) {
    case SPOTOPT__BUDGET_MIN_COUNT:
        spotopt__str_addf(text, "lower minAvailable of %s to %lld", pdb->id, (long long)limit);
        break;
    case SPOTOPT__BUDGET_MIN_PERCENT:
        spotopt__str_addf(text, "lower minAvailable of %s to %lld%%", pdb->id,
                          (long long)(100 * limit / count->expected));
        break;
    case SPOTOPT__BUDGET_MAX_COUNT:
        spotopt__str_addf(text, "raise maxUnavailable of %s to %lld", pdb->id, (long long)short_of);
        break;
    default:
        least = 100 * (short_of - 1) / count->expected + 1;
        spotopt__str_addf(text, "raise maxUnavailable of %s to %lld%%", pdb->id, (long long)least);
        break;
    }
}

static void
name_headroom(const spotopt_cluster *cluster, const spotopt__pdb_book *book,
              const spotopt__drain_blocked *blocked, spotopt__str *text)
{
    const spotopt__pod *pod = &cluster->pods.at[blocked->pod];
    const spotopt__pdb *pdb = &cluster->pdbs.at[blocked->pdb];
    const spotopt__pdb_count *count = &book->of[blocked->pdb];
    bool is_sick = spotopt__eviction_kind(pod) == SPOTOPT__EVICT_SICK;
    int64_t limit = is_sick && count->healthy > 0 ? count->healthy : count->healthy - 1, more;

    if (is_sick)
        spotopt__str_addf(text, "set unhealthyPodEvictionPolicy of %s to AlwaysAllow", pdb->id);
    if (limit < 0) {
        if (!is_sick)
            spotopt__str_addf(text, "wait until a pod of %s is ready", pdb->id);
        return;
    }
    if (is_sick)
        spotopt__str_add(text, ", or ");
    if (pdb->kind == SPOTOPT__BUDGET_NONE) {
        spotopt__str_addf(
            text, "state minAvailable or maxUnavailable in %s: without them it allows nothing",
            pdb->id);
        return;
    }
    if (count->allows_none) {
        spotopt__str_addf(
            text,
            "state minAvailable of %s as a number, at most %lld: a pod of it has no controller "
            "with a known scale",
            pdb->id, (long long)limit);
        return;
    }
    if (count->expected <= 0 ||
        count->desired <= limit) { /* wants nothing, yet no pod is expected */
        spotopt__str_addf(text, "raise the replicas behind %s above 0", pdb->id);
        return;
    }
    name_change(pdb, count, limit, text);
    more = replicas_missing(pdb, count, limit);
    if (more > 0 && pod->workload != NONE && cluster->workloads.at[pod->workload].has_scale) {
        const spotopt__workload *owner = &cluster->workloads.at[pod->workload];
        spotopt__str_addf(text, " or raise replicas of %s %s/%s to %lld", owner->kind_name,
                          owner->ns, owner->name, (long long)owner->wanted + (long long)more);
    }
}

static void
name_budgets(const spotopt_cluster *cluster, const spotopt__pdb_book *book, uint32_t pod,
             spotopt__str *text)
{
    uint32_t first = book->first[pod], count = book->first[pod + 1] - first;

    spotopt__str_add(text,
                     count == 2 ? "remove one of the budgets " : "keep only one of the budgets ");
    for (uint32_t k = 0; k < count && k < BUDGETS_NAMED; k++)
        spotopt__str_addf(text, "%s%s", k == 0 ? "" : ", ",
                          cluster->pdbs.at[book->match[first + k]].id);
    if (count > BUDGETS_NAMED)
        spotopt__str_addf(text, " and %u more", count - BUDGETS_NAMED);
}

static void
name_target(const spotopt_cluster *cluster, const spotopt__pod *pod, const char *missing,
            spotopt__str *text)
{
    const spotopt__amounts *request = &cluster->shapes.at[pod->shape].request;

    spotopt__str_addf(text, "add a node that takes %s: cpu %lldm, memory %lld", pod->id,
                      (long long)request->of[SPOTOPT__CPU],
                      (long long)request->of[SPOTOPT__MEMORY]);
    for (uint32_t r = SPOTOPT__STORAGE; r < cluster->resources.count; r++) {
        if (request->of[r] > 0)
            spotopt__str_addf(text, ", %s %lld", cluster->resources.name[r],
                              (long long)request->of[r]);
    }
    if (missing != NULL)
        spotopt__str_addf(text, " (in the way at last: %s)", missing);
}

void
spotopt__drain_unblock(const spotopt_cluster *cluster, const spotopt__pdb_book *book,
                       const spotopt__drain_blocked *blocked, const char *missing,
                       spotopt__str *text)
{
    const spotopt__pod *pod = blocked->pod == NONE ? NULL : &cluster->pods.at[blocked->pod];

    switch (blocked->why) {
    case SPOTOPT__NO_HEADROOM:
        name_headroom(cluster, book, blocked, text);
        break;
    case SPOTOPT__MULTIPLE_BUDGETS:
        name_budgets(cluster, book, blocked->pod, text);
        break;
    case SPOTOPT__DO_NOT_DISRUPT:
        if (cluster->shapes.at[pod->shape].is_do_not_disrupt)
            spotopt__str_addf(text, "remove the do-not-disrupt annotation of %s", pod->id);
        else
            spotopt__str_addf(text, "remove the do-not-disrupt annotation of node %s",
                              cluster->nodes.at[blocked->node].name);
        break;
    case SPOTOPT__NO_CONTROLLER:
        spotopt__str_addf(
            text, "run %s under a controller, or delete it by hand: nobody would make it again",
            pod->id);
        break;
    case SPOTOPT__POOL_BUDGET:
        spotopt__str_addf(text,
                          "raise nodes in the policy's drain.node_budgets that holds %s, or wait "
                          "for another one to be deleted",
                          cluster->nodes.at[blocked->node].name);
        break;
    case SPOTOPT__BUDGET_LAGGING:
        spotopt__str_addf(text,
                          "wait until the disruption controller has seen the last change of %s",
                          cluster->pdbs.at[blocked->pdb].id);
        break;
    default:
        name_target(cluster, pod, missing, text);
        break;
    }
}
