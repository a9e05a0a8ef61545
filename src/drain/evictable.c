/* SPDX-License-Identifier: Apache-2.0 */
/*
 * evictable.c - which pods can leave their nodes by eviction at all.
 *
 * Some reasons stand whatever one waits for: an annotation, two budgets on one pod, nobody to make
 * the pod again. The others are a matter of head-room: a pod is held when its budget would refuse
 * even with every pod ready that is about to be, since controllers make no more pods than they
 * want. Pods that are not ready on nodes of theirs are taken to stay so: the snapshot gives no
 * reason to hope.
 */
#include "base/base.h"
#include "drain/budget.h"
#include "drain/drain.h"

const char *
spotopt__stay_reason_text(int32_t reason)
{
    static const char *const text[SPOTOPT__STAY_REASONS] = {
        [SPOTOPT__MAY_LEAVE] = "may-leave",
        [SPOTOPT__NO_HEADROOM] = "no-headroom",
        [SPOTOPT__MULTIPLE_BUDGETS] = "multiple-budgets",
        [SPOTOPT__DO_NOT_DISRUPT] = "do-not-disrupt",
        [SPOTOPT__MIRROR_POD] = "mirror-pod",
        [SPOTOPT__DAEMON_POD] = "daemon-pod",
        [SPOTOPT__NO_CONTROLLER] = "no-controller",
        [SPOTOPT__BUDGET_LAGGING] = "budget-lagging",
        [SPOTOPT__NO_TARGET] = "no-target",
        [SPOTOPT__POOL_BUDGET] = "pool-budget",
    };

    return reason >= 0 && reason < SPOTOPT__STAY_REASONS ? text[reason] : "unknown";
}

int32_t
spotopt__stay_reason_fixed(const spotopt_cluster *cluster, const spotopt__pdb_book *book,
                           uint32_t pod_index)
{
    const spotopt__pod *pod = &cluster->pods.at[pod_index];

    if (pod->is_mirror)
        return SPOTOPT__MIRROR_POD;
    if (pod->is_daemon)
        return SPOTOPT__DAEMON_POD;
    if (spotopt__pod_is_finished(pod) || pod->is_terminating || pod->node == SPOTOPT__NONE)
        return SPOTOPT__MAY_LEAVE;
    if (cluster->shapes.at[pod->shape].is_do_not_disrupt ||
        cluster->nodes.at[pod->node].is_do_not_disrupt)
        return SPOTOPT__DO_NOT_DISRUPT;
    if (!pod->has_controller)
        return SPOTOPT__NO_CONTROLLER;
    if (spotopt__eviction_kind(pod) != SPOTOPT__EVICT_FREELY &&
        book->first[pod_index + 1] - book->first[pod_index] > 1)
        return SPOTOPT__MULTIPLE_BUDGETS;
    return SPOTOPT__MAY_LEAVE;
}

/* Healthy pods to come: those that wait for a node, and those that a budget already takes for gone.
 */
static void
add_awaited(const spotopt_cluster *cluster, spotopt__pdb_book *book)
{
    for (size_t i = 0; i < cluster->pods.count; i++) {
        const spotopt__pod *pod = &cluster->pods.at[i];
        bool waits = pod->node_name[0] == '\0' && pod->phase == SPOTOPT__PENDING && !pod->is_gated;

        if (pod->is_terminating || spotopt__pod_is_finished(pod))
            continue;
        for (uint32_t e = book->first[i]; e < book->first[i + 1]; e++) {
            if (!book->is_counted[e] && (waits || pod->is_ready))
                book->of[book->match[e]].healthy++;
        }
    }
}

spotopt_status
spotopt__drain_evictable(const spotopt_cluster *cluster, int32_t *out_reason, uint32_t *out_pdb,
                         spotopt_error *err)
{
    spotopt__pdb_book book;
    spotopt_status status = spotopt__pdb_book_make(cluster, &book, err);

    if (status != SPOTOPT_OK)
        return status;
    add_awaited(cluster, &book);
    for (uint32_t i = 0; i < cluster->pods.count; i++) {
        const spotopt__pod *pod = &cluster->pods.at[i];
        uint32_t budgets = book.first[i + 1] - book.first[i];
        int32_t reason = spotopt__stay_reason_fixed(cluster, &book, i);
        uint32_t pdb = SPOTOPT__NONE;
        bool takes_one;

        if (reason == SPOTOPT__MULTIPLE_BUDGETS) {
            pdb = book.match[book.first[i]];
        } else if (reason == SPOTOPT__MAY_LEAVE && pod->node != SPOTOPT__NONE && budgets == 1) {
            pdb = book.match[book.first[i]];
            if (spotopt__pdb_admits(&cluster->pdbs.at[pdb], &book.of[pdb],
                                    spotopt__eviction_kind(pod), 0, &takes_one))
                pdb = SPOTOPT__NONE;
            else
                reason = spotopt__pdb_refusal(&cluster->pdbs.at[pdb], &book.of[pdb]);
        }
        out_reason[i] = reason;
        out_pdb[i] = pdb;
    }
    spotopt__pdb_book_free(&book);
    return SPOTOPT_OK;
}
