/* SPDX-License-Identifier: Apache-2.0 */
/*
 * schedule.c - from a job to a schedule.
 *
 * Finds out which pods move at all, counts what each node and budget has at the start, has waves.c
 * play it through, and names what could not be moved. A pod still waiting in the end is the fault
 * of its budget only if the budget would refuse even with everything ready that merely lacks room;
 * else it is room that is missing.
 */
#include "base/base.h"
#include "drain/moves.h"

#define NONE SPOTOPT__NONE
#define ROUNDING_S 1e-6

static void
free_state(spotopt__drain_state *s)
{
    spotopt__pdb_book_free(&s->book);
    spotopt__free(s->context, s->moves);
    spotopt__free(s->context, s->move_of);
    spotopt__free(s->context, s->best);
    spotopt__free(s->context, s->room);
    spotopt__free(s->context, s->inhabitants);
    spotopt__free(s->context, s->node_first);
    spotopt__free(s->context, s->node_pod);
    spotopt__free(s->context, s->wait_node); /* the block of all heaps */
    spotopt__free(s->context, s->used);
    spotopt__free(s->context, s->used_at);
    spotopt__free(s->context, s->savable);
    spotopt__free(s->context, s->is_locked);
    spotopt__free(s->context, s->events);
    spotopt__free(s->context, s->emptied);
    spotopt__free(s->context, s->up_s);
    spotopt__free(s->context, s->is_stuck);
    spotopt__free(s->context, s->is_open);
    spotopt__free(s->context, s->open_count);
    spotopt__free(s->context, s->gate_first);
    spotopt__free(s->context, s->gate_of);
    spotopt__free(s->context, s->closed);
    spotopt__free(s->context, s->evicted_s);
}

/* What budgets of nodes and times to come need. */
static bool
make_more_arrays(spotopt__drain_state *s)
{
    const spotopt__drain_job *job = s->job;
    spotopt_context *context = s->context;
    size_t nodes = s->cluster->nodes.count, entries = 0, past = 0, all = s->cluster->pods.count;

    for (size_t g = 0; g < job->gate_count; g++)
        entries += job->gates[g].node_count;
    if (job->outlook != NULL)
        past = job->outlook->evicted_count;
    s->up_s = spotopt__alloc_array(context, nodes + job->launch_count + 1, sizeof *s->up_s);
    s->is_stuck = spotopt__alloc_array(context, nodes + 1, sizeof *s->is_stuck);
    s->is_open = spotopt__alloc_array(context, nodes + 1, sizeof *s->is_open);
    s->open_count = spotopt__alloc_array(context, job->gate_count + 1, sizeof *s->open_count);
    s->gate_first = spotopt__alloc_array(context, nodes + 2, sizeof *s->gate_first);
    s->gate_of = spotopt__alloc_array(context, entries + 1, sizeof *s->gate_of);
    s->closed = spotopt__alloc_array(context, nodes + 1, sizeof *s->closed);
    s->evicted_s = spotopt__alloc_array(context, past + all + 1, sizeof *s->evicted_s);
    if (s->up_s == NULL || s->is_stuck == NULL || s->is_open == NULL || s->open_count == NULL ||
        s->gate_first == NULL || s->gate_of == NULL || s->closed == NULL || s->evicted_s == NULL)
        return false;
    for (size_t n = 0; n < nodes + job->launch_count; n++) {
        bool is_told = n < nodes && job->outlook != NULL && job->outlook->up_s != NULL;
        s->up_s[n] = n >= nodes ? job->launch_s : is_told ? job->outlook->up_s[n] : 0.0;
    }
    for (size_t e = 0; e < past; e++)
        s->evicted_s[s->evicted_count++] = job->outlook->evicted_s[e];
    for (size_t g = 0; g < job->gate_count; g++) {
        for (size_t k = 0; k < job->gates[g].node_count; k++)
            s->gate_first[job->gates[g].nodes[k] + 2]++;
    }
    for (size_t n = 2; n < nodes + 2; n++)
        s->gate_first[n] += s->gate_first[n - 1];
    for (size_t g = 0; g < job->gate_count; g++) {
        for (size_t k = 0; k < job->gates[g].node_count; k++)
            s->gate_of[s->gate_first[job->gates[g].nodes[k] + 1]++] = (uint32_t)g;
    }
    return true;
}

static size_t
count_gate_events(const spotopt__drain_job *job)
{
    size_t count = 0;

    for (size_t g = 0; g < job->gate_count; g++)
        count += job->gates[g].count;
    return count;
}

static bool
make_arrays(spotopt__drain_state *s)
{
    const spotopt_cluster *cluster = s->cluster;
    spotopt_context *context = s->context;
    size_t nodes = cluster->nodes.count, targets = nodes + s->job->launch_count,
           pods = cluster->pods.count;
    size_t budgets = cluster->pdbs.count, workloads = cluster->workloads.count;
    size_t heaps = targets + 3 * budgets + workloads + nodes;

    s->moves = spotopt__alloc_array(context, pods + nodes + 1, sizeof *s->moves);
    s->move_of = spotopt__alloc_array(context, pods + 1, sizeof *s->move_of);
    s->best = spotopt__alloc_array(context, budgets + 1, sizeof *s->best);
    s->room =
        spotopt__alloc_array(context, (targets + 1) * cluster->resources.count, sizeof *s->room);
    s->inhabitants = spotopt__alloc_array(context, nodes + 1, sizeof *s->inhabitants);
    s->node_first = spotopt__alloc_array(context, nodes + 2, sizeof *s->node_first);
    s->node_pod = spotopt__alloc_array(context, pods + 1, sizeof *s->node_pod);
    s->wait_node = spotopt__alloc_array(context, heaps + 1, sizeof *s->wait_node);
    s->used = spotopt__alloc_array(context, budgets + 1, sizeof *s->used);
    s->used_at = spotopt__alloc_array(context, budgets + 1, sizeof *s->used_at);
    s->savable = spotopt__alloc_array(context, budgets + 1, sizeof *s->savable);
    s->is_locked = spotopt__alloc_array(context, workloads + 1, sizeof *s->is_locked);
    /* A move makes three, a pod that comes ready or ends one; launches, the notice and the rate one
       each. */
    s->events = spotopt__alloc_array(context, 4 * pods + nodes + count_gate_events(s->job) + 3,
                                     sizeof *s->events);
    s->emptied = spotopt__alloc_array(context, nodes + 1, sizeof *s->emptied);
    if (s->moves == NULL || s->move_of == NULL || s->best == NULL || s->room == NULL ||
        s->inhabitants == NULL || s->node_first == NULL || s->node_pod == NULL ||
        s->wait_node == NULL || s->used == NULL || s->used_at == NULL || s->savable == NULL ||
        s->is_locked == NULL || s->events == NULL || s->emptied == NULL || !make_more_arrays(s))
        return false;
    s->wait_ready = s->wait_node + targets;
    s->wait_sick = s->wait_ready + budgets;
    s->wait_late = s->wait_sick + budgets;
    s->wait_lock = s->wait_late + budgets;
    s->wait_open = s->wait_lock + workloads;
    for (size_t i = 0; i < heaps; i++)
        s->wait_node[i] = NONE;
    for (size_t i = 0; i < pods; i++)
        s->move_of[i] = NONE;
    return spotopt__vec_reserve(context, &s->out->steps, pods + 2 * nodes + s->job->launch_count) &&
           spotopt__vec_reserve(context, &s->out->blocked, pods + nodes) &&
           spotopt__vec_reserve(context, &s->out->moved, pods) &&
           spotopt__vec_reserve(context, &s->out->lost, pods);
}

static bool
goes_with_node(const spotopt__pod *pod)
{
    return pod->is_mirror || pod->is_daemon || spotopt__pod_is_finished(pod);
}

/* Free room of every node and launch, who must leave each node, and the pods by node. */
static void
count_nodes(spotopt__drain_state *s)
{
    const spotopt_cluster *cluster = s->cluster;
    uint32_t resources = cluster->resources.count;
    size_t nodes = cluster->nodes.count;

    for (size_t n = 0; n < nodes + s->job->launch_count; n++) {
        const spotopt__amounts *all =
            n < nodes ? &cluster->nodes.at[n].allocatable : &s->job->launches[n - nodes].room;
        for (uint32_t r = 0; r < resources; r++)
            s->room[n * resources + r] = all->of[r];
    }
    for (size_t i = 0; i < cluster->pods.count; i++) {
        const spotopt__pod *pod = &cluster->pods.at[i];
        if (pod->node == NONE)
            continue;
        s->node_first[pod->node + 2]++;
        if (spotopt__pod_is_finished(pod))
            continue;
        s->inhabitants[pod->node] += !goes_with_node(pod);
        for (uint32_t r = 0; r < resources; r++)
            spotopt__room_add(&s->room[(size_t)pod->node * resources + r],
                              -cluster->shapes.at[pod->shape].request.of[r]);
    }
    for (size_t n = 2; n < nodes + 2; n++)
        s->node_first[n] += s->node_first[n - 1];
    for (size_t i = 0; i < cluster->pods.count; i++) {
        uint32_t node = cluster->pods.at[i].node;
        if (node != NONE)
            s->node_pod[s->node_first[node + 1]++] = (uint32_t)i;
    }
}

static bool
is_target(const spotopt__drain_job *job, uint32_t target)
{
    const spotopt_cluster *cluster = job->cluster;
    const spotopt__node *node;

    if (target >= cluster->nodes.count)
        return target - cluster->nodes.count < job->launch_count;
    node = &cluster->nodes.at[target];
    return node->is_ready && !node->is_unschedulable && !node->is_terminating &&
           !job->leaves[target];
}

static void
block(spotopt__drain_state *s, uint32_t pod, uint32_t pdb, int32_t why)
{
    spotopt__drain_blocked blocked = {pod, s->cluster->pods.at[pod].node, pdb, why};
    s->out->blocked.at[s->out->blocked.count++] = blocked;
    if (blocked.node != NONE)
        s->is_stuck[blocked.node] = 1;
}

/* What the outlook tells about how the move's pod will come and go. */
static void
add_times(const spotopt__drain_state *s, spotopt__move *move)
{
    const spotopt__drain_outlook *outlook = s->job->outlook;
    const spotopt__pod *pod = &s->cluster->pods.at[move->pod];

    move->start_s = s->job->start_s;
    if (outlook == NULL)
        return;
    if (outlook->start_s != NULL)
        move->start_s = outlook->start_s[move->pod];
    if (outlook->hold_s != NULL)
        move->hold_s = outlook->hold_s[move->pod];
    /* Against a deadline nobody waits until a pod is ready before it is told to go. */
    move->comes_ready = !move->is_place && s->job->notice_s <= 0.0 && !pod->is_ready &&
                        move->kind == SPOTOPT__EVICT_SICK && outlook->ready_s != NULL &&
                        outlook->ready_s[move->pod] < INFINITY;
    if (move->comes_ready && outlook->ready_s[move->pod] > move->hold_s)
        move->hold_s = outlook->ready_s[move->pod];
}

static void
add_move(spotopt__drain_state *s, uint32_t pod_index)
{
    const spotopt_cluster *cluster = s->cluster;
    const spotopt__pod *pod = &cluster->pods.at[pod_index];
    const spotopt__shape *shape = &cluster->shapes.at[pod->shape];
    const spotopt__workload *owner =
        pod->workload == NONE ? NULL : &cluster->workloads.at[pod->workload];
    spotopt__move *move = &s->moves[s->move_count];
    uint32_t entry = s->book.first[pod_index];
    /* A stateful set makes a pod again under the old one's name, so only when that has gone; a
       volume that only one pod or one node can have does the same. */
    bool has_volume = shape->has_exclusive_claim || shape->has_attached_claim;
    bool waits_for_old = (owner != NULL && owner->kind == SPOTOPT__STATEFUL_SET) || has_volume;

    memset(move, 0, sizeof *move);
    move->pod = pod_index;
    move->from = pod->node;
    move->to = s->job->target[pod_index];
    move->is_place = pod->node == NONE;
    move->is_leaving = !move->is_place && s->job->leaves[pod->node];
    move->kind = move->is_place ? SPOTOPT__EVICT_FREELY : spotopt__eviction_kind(pod);
    move->priority = shape->priority;
    move->pdb = move->lock = NONE;
    move->at_s = -1.0;
    add_times(s, move);
    move->ready_s = move->start_s;
    move->turn = move->is_place && owner != NULL && owner->is_ordered && s->job->outlook != NULL
                     ? pod->workload
                     : NONE;
    if (move->turn != NONE && move->hold_s > 0.0) /* evicted before the start, not bound yet */
        s->is_locked[move->turn]++;
    if (!move->is_place) {
        move->grace_s = shape->grace_s > 0.0 ? shape->grace_s : 0.0;
        move->ready_s += waits_for_old ? move->grace_s : 0.0;
        move->ready_s += has_volume ? s->job->detach_s : 0.0;
        if (owner != NULL && owner->is_ordered)
            move->lock = pod->workload;
    }
    if (move->kind != SPOTOPT__EVICT_FREELY && entry < s->book.first[pod_index + 1]) {
        move->pdb = s->book.match[entry];
        move->is_counted = s->book.is_counted[entry];
        s->savable[move->pdb] += move->is_leaving;
    }
    for (; entry < s->book.first[pod_index + 1]; entry++)
        s->best[s->book.match[entry]] += !s->book.is_counted[entry];
    s->move_of[pod_index] = (uint32_t)s->move_count++;
}

/* A pod that was evicted before the start and keeps its ordered set waiting until it has left. */
bool
spotopt__drain_is_ending(const spotopt__drain_job *job, uint32_t index)
{
    const spotopt__pod *pod = &job->cluster->pods.at[index];

    return job->outlook != NULL && job->outlook->gone_s != NULL && pod->is_terminating &&
           pod->node != NONE && !spotopt__pod_is_finished(pod) && !pod->is_daemon &&
           !pod->is_mirror;
}

/* Pods that will be ready or gone without our doing. */
static void
find_coming(spotopt__drain_state *s)
{
    const spotopt__drain_outlook *outlook = s->job->outlook;

    for (uint32_t i = 0; i < s->cluster->pods.count; i++) {
        const spotopt__pod *pod = &s->cluster->pods.at[i];
        bool is_ordered =
            pod->workload != NONE && s->cluster->workloads.at[pod->workload].is_ordered;
        if (is_ordered && spotopt__drain_is_ending(s->job, i))
            s->is_locked[pod->workload]++;
        if (outlook == NULL || outlook->ready_s == NULL || pod->node == NONE || pod->is_ready ||
            !(outlook->ready_s[i] < INFINITY))
            continue;
        if (is_ordered)
            s->is_locked[pod->workload]++;
        for (uint32_t e = s->book.first[i]; e < s->book.first[i + 1]; e++)
            s->best[s->book.match[e]] += !s->book.is_counted[e];
    }
}

/* Sorts pods into those that move, those that cannot, and those that nothing is asked of. */
static void
find_moves(spotopt__drain_state *s)
{
    const spotopt_cluster *cluster = s->cluster;

    for (size_t p = 0; p < cluster->pdbs.count; p++)
        s->best[p] = s->book.of[p].healthy;
    find_coming(s);
    for (uint32_t i = 0; i < cluster->pods.count; i++) {
        const spotopt__pod *pod = &cluster->pods.at[i];
        uint32_t target = s->job->target[i];
        bool wants = target != NONE && target != pod->node;
        int32_t why;

        if (goes_with_node(pod) || pod->is_terminating || pod->is_gated)
            continue;
        if (pod->node == NONE) {
            if (!wants || pod->node_name[0] != '\0')
                continue;
        } else if (!wants && !s->job->leaves[pod->node]) {
            continue;
        }
        why = spotopt__stay_reason_fixed(cluster, &s->book, i);
        if (why == SPOTOPT__MAY_LEAVE && (!wants || !is_target(s->job, target)))
            why = SPOTOPT__NO_TARGET;
        if (why == SPOTOPT__MAY_LEAVE)
            add_move(s, i);
        else
            block(s, i, why == SPOTOPT__MULTIPLE_BUDGETS ? s->book.match[s->book.first[i]] : NONE,
                  why);
    }
}

/* Whether a budget still refuses the move, as things stand. */
static bool
is_refused(const spotopt__drain_state *s, const spotopt__move *move)
{
    bool takes_one;

    return move->pdb != NONE &&
           !spotopt__pdb_admits(&s->cluster->pdbs.at[move->pdb], &s->book.of[move->pdb], move->kind,
                                0, &takes_one);
}

/* Takes back what nodes that went took from healthy counts: a budget is not to blame for that. */
static void
raise_the_dead(spotopt__drain_state *s)
{
    for (uint32_t i = 0; i < s->cluster->pods.count; i++) {
        const spotopt__pod *pod = &s->cluster->pods.at[i];
        bool was_moved = s->move_of[i] != NONE && s->moves[s->move_of[i]].at_s >= 0.0;

        if (pod->node == NONE || !s->job->leaves[pod->node] || was_moved)
            continue;
        if (s->inhabitants[pod->node] == 0 ? !pod->is_mirror && !pod->is_daemon
                                           : s->inhabitants[pod->node] != SPOTOPT__NODE_LOST)
            continue;
        for (uint32_t e = s->book.first[i]; e < s->book.first[i + 1]; e++)
            s->book.of[s->book.match[e]].healthy += s->book.is_counted[e];
    }
}

/*
 * Names the moves that were never made. What lacks nothing but room would be ready some day, so it
 * counts in favour of its budgets before these are blamed.
 */
static void
name_leftovers(spotopt__drain_state *s)
{
    size_t fixed = s->out->blocked.count, merged;

    raise_the_dead(s);
    for (size_t m = 0; m < s->move_count; m++) {
        const spotopt__move *move = &s->moves[m];
        s->moves[m].left =
            move->at_s < 0.0 && is_refused(s, move); /* the heaps are empty of meaning now */
    }
    for (size_t m = 0; m < s->move_count; m++) {
        const spotopt__move *move = &s->moves[m];
        if (move->at_s >= 0.0 || move->left)
            continue;
        for (uint32_t e = s->book.first[move->pod]; e < s->book.first[move->pod + 1]; e++)
            s->book.of[s->book.match[e]].healthy += !s->book.is_counted[e];
    }
    for (size_t m = 0; m < s->move_count; m++) {
        const spotopt__move *move = &s->moves[m];
        if (move->at_s >= 0.0 || move->is_late)
            continue;
        if (!move->is_place && !s->is_open[move->from])
            block(s, move->pod, NONE, SPOTOPT__POOL_BUDGET);
        else if (is_refused(s, move))
            block(s, move->pod, move->pdb,
                  spotopt__pdb_refusal(&s->cluster->pdbs.at[move->pdb], &s->book.of[move->pdb]));
        else if (s->job->notice_s > 0.0 && move->is_leaving)
            s->out->lost.at[s->out->lost.count++] = move->pod;
        else
            block(s, move->pod, NONE, SPOTOPT__NO_TARGET);
    }
    for (uint32_t n = 0; n < s->cluster->nodes.count; n++) {
        if (s->job->leaves[n] && !s->is_open[n] && s->inhabitants[n] == 0)
            s->out->blocked.at[s->out->blocked.count++] =
                (spotopt__drain_blocked){NONE, n, NONE, SPOTOPT__POOL_BUDGET};
    }
    /* Both halves ascend by pod; so shall the whole. The moves' places serve as the buffer. */
    merged = s->out->blocked.count;
    for (size_t a = 0, b = fixed, at = 0; at < merged; at++) {
        bool first =
            b == merged || (a < fixed && s->out->blocked.at[a].pod < s->out->blocked.at[b].pod);
        const spotopt__drain_blocked *from = &s->out->blocked.at[first ? a++ : b++];
        s->moves[at].pod = from->pod;
        s->moves[at].from = from->node;
        s->moves[at].pdb = from->pdb;
        s->moves[at].kind = from->why;
    }
    for (size_t at = 0; at < merged; at++) {
        spotopt__drain_blocked blocked = {s->moves[at].pod, s->moves[at].from, s->moves[at].pdb,
                                          s->moves[at].kind};
        s->out->blocked.at[at] = blocked;
    }
}

spotopt_status
spotopt__drain_schedule(const spotopt__drain_job *job, spotopt__schedule *schedule,
                        spotopt_error *err)
{
    spotopt__drain_state state;
    spotopt_status status;

    memset(&state, 0, sizeof state);
    memset(schedule, 0, sizeof *schedule);
    state.job = job;
    state.cluster = job->cluster;
    state.context = job->cluster->context;
    state.out = schedule;
    schedule->context = state.context;
    status = spotopt__pdb_book_make(job->cluster, &state.book, err);
    if (status == SPOTOPT_OK && !make_arrays(&state))
        status = spotopt__nomem(err, "the schedule of a drain");
    if (status == SPOTOPT_OK) {
        count_nodes(&state);
        find_moves(&state);
        spotopt__drain_play(&state);
        schedule->makespan_s = state.end_s;
        status = spotopt__drain_bound(&state, &schedule->bound_s, err);
        if (schedule->bound_s > schedule->makespan_s &&
            schedule->bound_s < schedule->makespan_s + ROUNDING_S)
            schedule->bound_s = schedule->makespan_s; /* equal, added up in another order */
    }
    if (status == SPOTOPT_OK)
        name_leftovers(&state);
    free_state(&state);
    if (status != SPOTOPT_OK)
        spotopt__schedule_free(schedule);
    return status;
}

void
spotopt__schedule_free(spotopt__schedule *schedule)
{
    spotopt__vec_free(schedule->context, &schedule->steps);
    spotopt__vec_free(schedule->context, &schedule->blocked);
    spotopt__vec_free(schedule->context, &schedule->lost);
    spotopt__vec_free(schedule->context, &schedule->moved);
    memset(schedule, 0, sizeof *schedule);
}
