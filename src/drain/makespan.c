/* SPDX-License-Identifier: Apache-2.0 */
/*
 * makespan.c - how early any schedule of these moves could end.
 *
 * Every move alone takes its longer half, after the launch that it needs. The moves under one
 * budget share its greatest head-room: the most pods that can ever be healthy at once, less those
 * that must be. h of them at a time means that the last of n begins after ceil(n / h) - 1 of the
 * shortest, and that all their times together take at least a share of 1 / h. An ordered workload
 * is the case h = 1. Both hold for the moves onto launched nodes alone, after the launch. The bound
 * is the largest of all these; room is left out of account.
 */
#include "base/base.h"
#include "drain/moves.h"

/* Moves that hold one of the same few places, each from its eviction until it is ready elsewhere.
 */
typedef struct shared_places {
    int64_t places; /* >= 1 */
    uint64_t count;
    double shortest_s, least_tail_s, sum_s;
} shared_places;

static void
take_place(shared_places *shared, int64_t places, double ready_s, double tail_s)
{
    if (shared->count == 0 || ready_s < shared->shortest_s)
        shared->shortest_s = ready_s;
    if (shared->count == 0 || tail_s < shared->least_tail_s)
        shared->least_tail_s = tail_s;
    shared->places = places;
    shared->sum_s += ready_s;
    shared->count++;
}

static double
end_of(const shared_places *shared, double release_s)
{
    double rounds, by_count, by_sum;

    if (shared->count == 0)
        return 0.0;
    rounds = (double)((shared->count - 1) / (uint64_t)shared->places);
    by_count = rounds * shared->shortest_s + shared->least_tail_s;
    by_sum = shared->sum_s / (double)shared->places;
    return release_s + (by_count > by_sum ? by_count : by_sum);
}

spotopt_status
spotopt__drain_bound(const spotopt__drain_state *s, double *out_bound_s, spotopt_error *err)
{
    const spotopt_cluster *cluster = s->cluster;
    size_t budgets = cluster->pdbs.count, groups = budgets + cluster->workloads.count;
    /* Budgets, then workloads; all their moves, then the same for moves onto launched nodes. */
    shared_places *shared = spotopt__alloc_array(s->context, 2 * groups + 1, sizeof *shared);
    double bound_s = s->job->launch_count > 0 ? s->job->launch_s : 0.0;

    if (shared == NULL)
        return spotopt__nomem(err, "the bound of a drain");
    for (size_t m = 0; m < s->move_count; m++) {
        const spotopt__move *move = &s->moves[m];
        bool on_launch = move->to >= cluster->nodes.count;
        bool is_early = move->at_s < s->up_s[move->to]; /* gone before the node was there */
        double release_s = s->up_s[move->to] > move->hold_s ? s->up_s[move->to] : move->hold_s;
        /* A pod that is lost all the same is gone when the notice is over, whatever its grace. */
        bool grace_counts = !move->is_place && !move->is_late;
        double tail_s =
            grace_counts && move->grace_s > move->ready_s ? move->grace_s : move->ready_s;

        if (move->at_s < 0.0)
            continue;
        if (is_early) {
            double up_s = s->up_s[move->to] + move->start_s;
            bound_s = up_s > bound_s ? up_s : bound_s;
            on_launch = false;
            release_s = move->hold_s;
        }
        if (release_s + tail_s > bound_s)
            bound_s = release_s + tail_s;
        if (move->pdb != SPOTOPT__NONE && move->is_counted && move->kind == SPOTOPT__EVICT_READY) {
            int64_t places = s->best[move->pdb] - s->book.of[move->pdb].desired;
            places = places < 1 ? 1 : places;
            take_place(&shared[move->pdb], places, move->ready_s, tail_s);
            if (on_launch)
                take_place(&shared[groups + move->pdb], places, move->ready_s, tail_s);
        }
        if (move->lock != SPOTOPT__NONE) {
            take_place(&shared[budgets + move->lock], 1, move->ready_s, tail_s);
            if (on_launch)
                take_place(&shared[groups + budgets + move->lock], 1, move->ready_s, tail_s);
        }
    }
    for (size_t g = 0; g < groups; g++) {
        double all_s = end_of(&shared[g], 0.0),
               launched_s = end_of(&shared[groups + g], s->job->launch_s);
        bound_s = all_s > bound_s ? all_s : bound_s;
        bound_s = launched_s > bound_s ? launched_s : bound_s;
    }
    spotopt__free(s->context, shared);
    *out_bound_s = bound_s;
    return SPOTOPT_OK;
}
