/* SPDX-License-Identifier: Apache-2.0 */
/*
 * waves.c - who is evicted when.
 *
 * List scheduling over time. The play goes from event to event (nodes launched, replacements ready,
 * pods gone, the notice over); at each instant every move that may be made is made, best first, and
 * what was made at one instant is a wave. A move needs a target that is ready and has room beside
 * everything that is still there, a budget that admits the eviction at that very moment, and its
 * turn where a stateful set replaces one pod at a time. A move that must wait lies in the heap of
 * what it waits for and is looked at again only when that changes, so the work grows with the moves
 * and not with moves times waves.
 *
 * Invariants: room never falls below what it was at the start or 0; a ready pod is evicted only
 * while its budget allows a disruption. Since healthy pods that wait never get fewer by waiting, a
 * pod that no budget lets go in the end could not have gone in any order.
 */
#include <math.h>

#include "base/base.h"
#include "drain/moves.h"

#define NONE SPOTOPT__NONE
#define SECONDS_AN_HOUR 3600.0
#define SAME_TIME_S 1e-6 /* events closer than this are one instant, the later one's */

/* At one time in this order: what a notice ends still counts as done just before it. */
enum {
    EVENT_LAUNCHED,
    EVENT_READY,       /* a move: the pod is ready on its target */
    EVENT_GONE,        /* a move: the old pod has left */
    EVENT_TERMINATED,  /* a pod that was terminating from the start */
    EVENT_COMES_READY, /* a pod that was not ready at the start */
    EVENT_HOLD_OVER,   /* a move: it may be tried again */
    EVENT_UP,          /* a node of the cluster takes pods from now on */
    EVENT_GATE,        /* a disruption budget of nodes changes */
    EVENT_RATE,        /* another eviction may be made */
    EVENT_NOTICE_OVER
};

typedef spotopt__drain_state play;

static bool
is_earlier(const spotopt__drain_event *a, const spotopt__drain_event *b)
{
    if (a->at_s != b->at_s)
        return a->at_s < b->at_s;
    return a->kind != b->kind ? a->kind < b->kind : a->index < b->index;
}

static void
add_event(play *s, double at_s, int32_t kind, uint32_t index)
{
    spotopt__drain_event event = {at_s, kind, index};
    size_t at = s->event_count++;

    for (; at > 0 && is_earlier(&event, &s->events[(at - 1) / 2]); at = (at - 1) / 2)
        s->events[at] = s->events[(at - 1) / 2];
    s->events[at] = event;
}

static spotopt__drain_event
take_event(play *s)
{
    spotopt__drain_event first = s->events[0], last = s->events[--s->event_count];
    size_t at = 0, child;

    while ((child = 2 * at + 1) < s->event_count) {
        if (child + 1 < s->event_count && is_earlier(&s->events[child + 1], &s->events[child]))
            child++;
        if (!is_earlier(&s->events[child], &last))
            break;
        s->events[at] = s->events[child];
        at = child;
    }
    s->events[at] = last;
    return first;
}

static double
tail_of(const spotopt__move *move)
{
    return move->grace_s > move->ready_s ? move->grace_s : move->ready_s;
}

/*
 * Which of two moves goes first. Waiting pods are bound by the scheduler whether we like it or not;
 * pods that nothing can save give way; then, against a deadline, priority, else moves off kept
 * nodes (they make room), pods that are not ready (they cost nothing and may come back ready), and
 * the longest.
 */
static bool
comes_first(const play *s, uint32_t a, uint32_t b)
{
    const spotopt__move *x = &s->moves[a], *y = &s->moves[b];
    bool has_deadline = s->job->notice_s > 0.0;

    if (x->is_place != y->is_place)
        return x->is_place;
    if (x->is_late != y->is_late)
        return y->is_late;
    if (x->is_leaving != y->is_leaving)
        return has_deadline ? x->is_leaving : y->is_leaving;
    if (has_deadline && x->priority != y->priority)
        return x->priority > y->priority;
    if (x->kind != y->kind)
        return x->kind != SPOTOPT__EVICT_READY &&
               (y->kind == SPOTOPT__EVICT_READY || x->kind < y->kind);
    if (tail_of(x) != tail_of(y))
        return tail_of(x) > tail_of(y);
    if (x->priority != y->priority)
        return x->priority > y->priority;
    return a < b;
}

/* Leftist heaps; the right spine that this walks has at most log2(count) moves. */
static uint32_t
merge(play *s, uint32_t a, uint32_t b)
{
    spotopt__move *top;
    uint32_t kept;

    if (a == NONE || b == NONE)
        return a == NONE ? b : a;
    if (comes_first(s, b, a)) {
        kept = a;
        a = b;
        b = kept;
    }
    top = &s->moves[a];
    top->right = merge(s, top->right, b);
    if (top->left == NONE || s->moves[top->left].height < s->moves[top->right].height) {
        kept = top->left;
        top->left = top->right;
        top->right = kept;
    }
    top->height = top->right == NONE ? 1 : s->moves[top->right].height + 1;
    return a;
}

static void
add_to(play *s, uint32_t *heap, uint32_t move)
{
    s->moves[move].left = s->moves[move].right = NONE;
    s->moves[move].height = 1;
    *heap = merge(s, *heap, move);
}

static uint32_t
take_from(play *s, uint32_t *heap)
{
    uint32_t first = *heap;

    *heap = merge(s, s->moves[first].left, s->moves[first].right);
    return first;
}

static void
look_again(play *s, uint32_t *heap)
{
    if (*heap != NONE)
        add_to(s, &s->now_heap, take_from(s, heap));
}

static void
look_again_at_all(play *s, uint32_t *heap)
{
    s->now_heap = merge(s, s->now_heap, *heap);
    *heap = NONE;
}

static int64_t
spoken_for(const play *s, uint32_t pdb)
{
    return s->used_at[pdb] == s->instant ? s->used[pdb] : 0;
}

static bool
admits(const play *s, uint32_t pdb, int32_t kind, bool *takes_one)
{
    return spotopt__pdb_admits(&s->cluster->pdbs.at[pdb], &s->book.of[pdb], kind,
                               spoken_for(s, pdb), takes_one);
}

/* Lets the next of those go on that wait for a budget, if it would admit it. */
static void
wake_budget(play *s, uint32_t pdb)
{
    bool takes_one;

    if (s->savable[pdb] == 0)
        look_again_at_all(s, &s->wait_late[pdb]);
    if (s->wait_sick[pdb] != NONE && admits(s, pdb, SPOTOPT__EVICT_SICK, &takes_one))
        look_again(s, &s->wait_sick[pdb]);
    else if (s->wait_ready[pdb] != NONE && admits(s, pdb, SPOTOPT__EVICT_READY, &takes_one))
        look_again(s, &s->wait_ready[pdb]);
}

static bool
is_on_the_way(const play *s, const spotopt__move *move)
{
    return s->up_s[move->to] > s->now_s;
}

/* When the pod is ready on its target if the move is made now. */
static double
ready_at(const play *s, const spotopt__move *move)
{
    double bound_s = s->now_s + (move->ready_s - move->start_s), up_s = s->up_s[move->to];

    if (!is_on_the_way(s, move))
        return s->now_s + move->ready_s;
    return (bound_s > up_s ? bound_s : up_s) + move->start_s;
}

/*
 * Nobody leaves for a node that is still on the way, unless a notice would run out first: then the
 * pod spends its grace period while the node comes up.
 */
static bool
must_wait_for_launch(const play *s, const spotopt__move *move)
{
    bool is_in_time = s->up_s[move->to] + tail_of(move) <= s->job->notice_s;

    if (!is_on_the_way(s, move))
        return false;
    return s->job->notice_s <= 0.0 || !move->is_leaving || move->is_late || is_in_time;
}

static bool
has_room(const play *s, const spotopt__move *move)
{
    const spotopt__amounts *want =
        &s->cluster->shapes.at[s->cluster->pods.at[move->pod].shape].request;
    uint32_t resources = s->cluster->resources.count;
    const int64_t *room = &s->room[(size_t)move->to * resources];

    for (uint32_t r = 0; r < resources; r++) {
        if (want->of[r] > 0 && want->of[r] > room[r])
            return false;
    }
    return true;
}

static void
change_room(play *s, uint32_t node, uint32_t pod, int sign)
{
    const spotopt__amounts *want = &s->cluster->shapes.at[s->cluster->pods.at[pod].shape].request;
    uint32_t resources = s->cluster->resources.count;

    for (uint32_t r = 0; r < resources; r++)
        spotopt__room_add(&s->room[(size_t)node * resources + r], sign * want->of[r]);
    if (sign > 0)
        look_again_at_all(s, &s->wait_node[node]);
}

static void
add_step(play *s, int32_t kind, uint32_t node, uint32_t pod, uint32_t pdb, int64_t headroom)
{
    spotopt__schedule *out = s->out;
    spotopt__drain_step *step = &out->steps.at[out->steps.count];

    if (out->steps.count == 0 || step[-1].at_s != s->now_s)
        out->waves++;
    step->kind = kind;
    step->node = node;
    step->pod = pod;
    step->pdb = pdb;
    step->headroom = headroom > (int64_t)UINT32_MAX ? UINT32_MAX : (uint32_t)headroom;
    step->wave = out->waves - 1;
    step->at_s = s->now_s;
    out->steps.count++;
}

static bool
has_rate(const play *s)
{
    return s->job->evictions_per_h > 0 && s->job->notice_s <= 0.0;
}

/* When the next eviction may be made: as many as an hour allows lie an hour back. */
static double
rate_over_s(const play *s)
{
    size_t most = s->job->evictions_per_h;

    return s->evicted_count < most ? 0.0 : s->evicted_s[s->evicted_count - most] + SECONDS_AN_HOUR;
}

static void
note_end(play *s, double at_s)
{
    if (at_s > s->end_s)
        s->end_s = at_s;
}

static void
change_healthy(play *s, uint32_t pod, int sign, bool only_counted)
{
    for (uint32_t e = s->book.first[pod]; e < s->book.first[pod + 1]; e++) {
        if (only_counted && !s->book.is_counted[e])
            continue;
        s->book.of[s->book.match[e]].healthy += sign;
        if (sign > 0)
            wake_budget(s, s->book.match[e]);
    }
}

static void
lose_inhabitant(play *s, uint32_t node)
{
    if (s->inhabitants[node] == SPOTOPT__NODE_LOST)
        return;
    if (--s->inhabitants[node] == 0 && s->job->leaves[node] && s->is_open[node])
        s->emptied[s->emptied_count++] = node;
}

/* The old pod has left. */
static void
end_grace(play *s, const spotopt__move *move)
{
    change_room(s, move->from, move->pod, 1);
    lose_inhabitant(s, move->from);
}

/* A pod of an ordered workload is on its way no longer. */
static void
pass_turn(play *s, uint32_t workload)
{
    if (workload == NONE || s->is_locked[workload] == 0)
        return;
    if (--s->is_locked[workload] == 0)
        look_again(s, &s->wait_lock[workload]);
}

/* The pod is ready on its target. */
static void
end_start(play *s, const spotopt__move *move)
{
    pass_turn(s, move->lock != NONE ? move->lock : move->turn);
    change_healthy(s, move->pod, 1, false);
}

/* The eviction itself: what the API takes note of. */
static void
evict(play *s, spotopt__move *move, bool takes_one)
{
    int64_t headroom = 0;

    if (takes_one)
        headroom = spotopt__pdb_allowed(&s->book.of[move->pdb]) - spoken_for(s, move->pdb);
    add_step(s, SPOTOPT__DO_EVICT, move->from, move->pod, takes_one ? move->pdb : NONE, headroom);
    s->evicted_s[s->evicted_count++] = s->now_s;
    change_healthy(s, move->pod, -1, true);
    if (move->lock != NONE)
        s->is_locked[move->lock]++;
    if (takes_one &&
        !move->is_counted) { /* the API has counted it until the controller looks again */
        s->used[move->pdb] = (uint32_t)spoken_for(s, move->pdb) + 1;
        s->used_at[move->pdb] = s->instant;
    }
    if (move->pdb != NONE && move->is_leaving && !move->is_late)
        s->savable[move->pdb]--;
}

/* The move is made at this instant; what takes no time has happened when this returns. */
static void
make_move(play *s, uint32_t index, bool takes_one)
{
    spotopt__move *move = &s->moves[index];
    double notice_s = s->job->notice_s, gone_s = s->now_s + move->grace_s,
           ready_s = ready_at(s, move);

    if (move->is_leaving && notice_s > 0.0 && gone_s > notice_s)
        gone_s = notice_s;
    s->out->moved.at[s->out->moved.count++] = (spotopt__drain_moved){
        move->pod, move->to, move->is_place, s->now_s, move->is_place ? s->now_s : gone_s, ready_s};
    move->at_s = s->now_s;
    change_room(s, move->to, move->pod, -1);
    if (move->turn != NONE && move->hold_s <= 0.0)
        s->is_locked[move->turn]++;
    if (!move->is_place) {
        evict(s, move, takes_one);
        note_end(s, gone_s);
        if (gone_s > s->now_s)
            add_event(s, gone_s, EVENT_GONE, index);
        else
            end_grace(s, move);
    }
    note_end(s, ready_s);
    if (ready_s > s->now_s)
        add_event(s, ready_s, EVENT_READY, index);
    else
        end_start(s, move);
}

/*
 * Against a deadline: a pod that can no longer leave in peace and be ready elsewhere is lost. While
 * its replacement would still be in time it is evicted all the same, after all that can be saved:
 * better a short notice than none. True: leave it alone.
 */
static bool
is_hopeless(play *s, spotopt__move *move)
{
    double notice_s = s->job->notice_s, ready_s = ready_at(s, move);

    if (notice_s <= 0.0 || !move->is_leaving)
        return false;
    if (!move->is_late && (s->now_s + move->grace_s > notice_s || ready_s > notice_s)) {
        move->is_late = true;
        s->out->lost.at[s->out->lost.count++] = move->pod;
        if (move->pdb != NONE)
            s->savable[move->pdb]--;
    }
    return move->is_late && ready_s > notice_s;
}

static void
wait_for_rate(play *s, uint32_t index)
{
    if (s->wait_rate == NONE)
        add_event(s, rate_over_s(s), EVENT_RATE, 0);
    add_to(s, &s->wait_rate, index);
}

/* Makes the move, or leaves it where it waits for what it lacks. */
static void
try_move(play *s, uint32_t index)
{
    spotopt__move *move = &s->moves[index];
    uint32_t pdb = move->pdb, lock = move->lock;
    bool takes_one = false;

    if (!is_hopeless(s, move)) {
        if (!move->is_place && !s->is_open[move->from])
            add_to(s, &s->wait_open[move->from], index);
        else if (move->is_late && pdb != NONE && s->savable[pdb] > 0)
            add_to(s, &s->wait_late[pdb], index);
        else if (lock != NONE && s->is_locked[lock])
            add_to(s, &s->wait_lock[lock], index);
        else if (must_wait_for_launch(s, move) || !has_room(s, move))
            add_to(s, &s->wait_node[move->to], index);
        else if (pdb != NONE && !admits(s, pdb, move->kind, &takes_one))
            add_to(s, move->kind == SPOTOPT__EVICT_SICK ? &s->wait_sick[pdb] : &s->wait_ready[pdb],
                   index);
        else if (!move->is_place && has_rate(s) && rate_over_s(s) > s->now_s)
            wait_for_rate(s, index);
        else
            make_move(s, index, takes_one);
    }
    /* Whatever became of it, it no longer stands before the next in line. */
    if (pdb != NONE)
        wake_budget(s, pdb);
    if (lock != NONE && !s->is_locked[lock])
        look_again(s, &s->wait_lock[lock]);
}

/* The pods that went down with their node; evicted ones are no longer counted. */
static void
bury(play *s, uint32_t node, bool with_inhabitants)
{
    for (uint32_t at = s->node_first[node]; at < s->node_first[node + 1]; at++) {
        uint32_t pod = s->node_pod[at], move = s->move_of[pod];
        bool goes_with_node =
            s->cluster->pods.at[pod].is_mirror || s->cluster->pods.at[pod].is_daemon;

        if (goes_with_node || (with_inhabitants && (move == NONE || s->moves[move].at_s < 0.0)))
            change_healthy(s, pod, -1, true);
    }
}

/* Whether a budget counts a pod that goes down with the node. */
static bool
is_counted_on(const play *s, uint32_t node)
{
    for (uint32_t at = s->node_first[node]; at < s->node_first[node + 1]; at++) {
        uint32_t pod = s->node_pod[at];
        if (!s->cluster->pods.at[pod].is_mirror && !s->cluster->pods.at[pod].is_daemon)
            continue;
        for (uint32_t e = s->book.first[pod]; e < s->book.first[pod + 1]; e++) {
            if (s->book.is_counted[e])
                return true;
        }
    }
    return false;
}

static void
leave_gates(play *s, uint32_t node)
{
    for (uint32_t g = s->gate_first[node]; g < s->gate_first[node + 1]; g++)
        s->open_count[s->gate_of[g]]--;
}

/* Nodes whose daemon pods some budget counts are kept to the last: gone, they would take head-room
 * from the moves. */
static void
delete_emptied(play *s, bool is_last)
{
    size_t kept = 0;

    for (size_t i = 0; i < s->emptied_count; i++) {
        uint32_t node = s->emptied[i];
        if (!is_last && s->job->notice_s <= 0.0 && is_counted_on(s, node)) {
            s->emptied[kept++] = node;
            continue;
        }
        add_step(s, SPOTOPT__DO_DELETE, node, NONE, NONE, 0);
        note_end(s, s->now_s);
        leave_gates(s, node);
        bury(s, node, false);
    }
    s->emptied_count = kept;
}

/* What the budget of nodes allows now. */
static uint32_t
gate_width(const spotopt__gate *gate, double now_s)
{
    size_t k = 0;

    while (k + 1 < gate->count && gate->from_s[k + 1] <= now_s)
        k++;
    return gate->most[k];
}

static bool
may_open(const play *s, uint32_t node)
{
    if (s->job->notice_s > 0.0)
        return true;
    for (uint32_t g = s->gate_first[node]; g < s->gate_first[node + 1]; g++) {
        uint32_t gate = s->gate_of[g];
        if (s->open_count[gate] >= gate_width(&s->job->gates[gate], s->now_s))
            return false;
    }
    return true;
}

static void
open_node(play *s, uint32_t node)
{
    s->is_open[node] = 1;
    for (uint32_t g = s->gate_first[node]; g < s->gate_first[node + 1]; g++)
        s->open_count[s->gate_of[g]]++;
    add_step(s, SPOTOPT__DO_CORDON, node, NONE, NONE, 0);
    note_end(s, s->now_s);
    if (s->inhabitants[node] == 0)
        s->emptied[s->emptied_count++] = node;
    look_again_at_all(s, &s->wait_open[node]);
}

/* Cordons the next nodes that their pools' disruption budgets let go. */
static void
open_nodes(play *s)
{
    size_t kept = 0;

    for (size_t i = 0; i < s->closed_count; i++) {
        if (may_open(s, s->closed[i]))
            open_node(s, s->closed[i]);
        else
            s->closed[kept++] = s->closed[i];
    }
    s->closed_count = kept;
}

static bool
can_open_more(const play *s)
{
    for (size_t i = 0; i < s->closed_count; i++) {
        if (may_open(s, s->closed[i]))
            return true;
    }
    return false;
}

static void
end_notice(play *s)
{
    delete_emptied(s, true); /* now, or their daemon pods would count on */
    for (uint32_t n = 0; n < s->cluster->nodes.count; n++) {
        if (s->job->leaves[n] && s->inhabitants[n] > 0) {
            bury(s, n, true);
            s->inhabitants[n] = SPOTOPT__NODE_LOST;
        }
    }
}

/* Budgets count the pod from now on; if it is to leave, it may be evicted as a ready one. */
static void
come_ready(play *s, uint32_t pod)
{
    uint32_t index = s->move_of[pod];
    spotopt__move *move = index == NONE ? NULL : &s->moves[index];

    for (uint32_t e = s->book.first[pod]; e < s->book.first[pod + 1]; e++) {
        if (s->book.is_counted[e])
            continue;
        s->book.is_counted[e] = 1;
        s->book.of[s->book.match[e]].healthy++;
        wake_budget(s, s->book.match[e]);
    }
    if (s->cluster->pods.at[pod].workload != NONE &&
        s->cluster->workloads.at[s->cluster->pods.at[pod].workload].is_ordered)
        pass_turn(s, s->cluster->pods.at[pod].workload);
    if (move == NULL || !move->comes_ready)
        return;
    move->kind = SPOTOPT__EVICT_READY;
    move->is_counted = move->pdb != NONE;
    add_to(s, &s->now_heap, index);
}

static void
play_event(play *s, const spotopt__drain_event *event)
{
    const spotopt__move *move = &s->moves[event->index];
    const spotopt__pod *pod;

    switch (event->kind) {
    case EVENT_LAUNCHED:
        s->are_launched = true;
        for (size_t l = 0; l < s->job->launch_count; l++)
            look_again_at_all(s, &s->wait_node[s->cluster->nodes.count + l]);
        break;
    case EVENT_READY:
        end_start(s, move);
        break;
    case EVENT_GONE:
        end_grace(s, move);
        break;
    case EVENT_TERMINATED:
        pod = &s->cluster->pods.at[event->index];
        change_room(s, pod->node, event->index, 1);
        lose_inhabitant(s, pod->node);
        if (pod->workload != NONE && s->cluster->workloads.at[pod->workload].is_ordered &&
            spotopt__drain_is_ending(s->job, event->index))
            pass_turn(s, pod->workload);
        break;
    case EVENT_COMES_READY:
        come_ready(s, event->index);
        break;
    case EVENT_HOLD_OVER:
        add_to(s, &s->now_heap, event->index);
        break;
    case EVENT_UP:
        look_again_at_all(s, &s->wait_node[event->index]);
        break;
    case EVENT_GATE: /* open_nodes() looks at every instant */
        break;
    case EVENT_RATE:
        look_again_at_all(s, &s->wait_rate);
        break;
    default:
        end_notice(s);
        break;
    }
}

/* What is on its way already when the drain begins. */
static void
add_outlook(play *s)
{
    const spotopt_cluster *cluster = s->cluster;
    const spotopt__drain_outlook *outlook = s->job->outlook;

    for (uint32_t i = 0; i < cluster->pods.count && outlook->ready_s != NULL; i++) {
        const spotopt__pod *pod = &cluster->pods.at[i];
        if (pod->node == NONE || pod->is_ready || !(outlook->ready_s[i] < INFINITY))
            continue;
        add_event(s, outlook->ready_s[i] > 0.0 ? outlook->ready_s[i] : 0.0, EVENT_COMES_READY, i);
        note_end(s, outlook->ready_s[i]);
    }
    for (uint32_t n = 0; n < cluster->nodes.count; n++) {
        if (s->up_s[n] > 0.0 && s->up_s[n] < INFINITY)
            add_event(s, s->up_s[n], EVENT_UP, n);
    }
}

/* In which order nodes are disrupted that may not be disrupted all at once. */
static void
start_gates(play *s)
{
    const spotopt_cluster *cluster = s->cluster;

    for (size_t g = 0; g < s->job->gate_count; g++) {
        const spotopt__gate *gate = &s->job->gates[g];
        for (size_t k = 0; k < gate->node_count; k++) {
            const spotopt__node *node = &cluster->nodes.at[gate->nodes[k]];
            bool is_under_way = s->job->leaves[gate->nodes[k]] && node->is_unschedulable;
            s->open_count[g] += !node->is_ready || node->is_terminating || is_under_way;
        }
        for (size_t k = 1; k < gate->count; k++)
            add_event(s, gate->from_s[k], EVENT_GATE, (uint32_t)g);
    }
    for (int stuck = 0; stuck < 2; stuck++) {
        for (uint32_t n = 0; n < cluster->nodes.count; n++) {
            const spotopt__node *node = &cluster->nodes.at[n];
            bool is_under_way = !node->is_ready || node->is_terminating || node->is_unschedulable;
            if (!s->job->leaves[n]) {
                s->is_open[n] = 1;
            } else if (is_under_way || s->gate_first[n] == s->gate_first[n + 1]) {
                s->is_open[n] = 1;
                if (stuck == 0 && s->inhabitants[n] == 0)
                    s->emptied[s->emptied_count++] = n;
                if (stuck == 0)
                    add_step(s, SPOTOPT__DO_CORDON, n, NONE, NONE, 0);
            } else if (s->is_stuck[n] == stuck) {
                s->closed[s->closed_count++] = n;
            }
        }
    }
}

static void
start_play(play *s)
{
    const spotopt_cluster *cluster = s->cluster;
    const spotopt__drain_job *job = s->job;

    s->instant = 1;
    s->now_heap = s->wait_rate = NONE;
    for (uint32_t l = 0; l < job->launch_count; l++)
        add_step(s, SPOTOPT__DO_LAUNCH, (uint32_t)cluster->nodes.count + l, NONE, NONE, 0);
    start_gates(s);
    s->are_launched = job->launch_s <= 0.0;
    if (job->launch_count > 0 && !s->are_launched) {
        add_event(s, job->launch_s, EVENT_LAUNCHED, 0);
        note_end(s, job->launch_s);
    }
    for (uint32_t i = 0; i < cluster->pods.count; i++) {
        const spotopt__pod *pod = &cluster->pods.at[i];
        if (pod->is_terminating && pod->node != NONE && !spotopt__pod_is_finished(pod) &&
            !pod->is_daemon && !pod->is_mirror)
            add_event(s,
                      job->outlook != NULL && job->outlook->gone_s != NULL
                          ? fmax(job->outlook->gone_s[i], 0.0)
                          : cluster->shapes.at[pod->shape].grace_s,
                      EVENT_TERMINATED, i);
    }
    if (job->outlook != NULL)
        add_outlook(s);
    if (job->notice_s > 0.0)
        add_event(s, job->notice_s, EVENT_NOTICE_OVER, 0);
    for (uint32_t m = 0; m < s->move_count; m++) {
        if (s->moves[m].comes_ready)
            continue;
        if (s->moves[m].hold_s > 0.0)
            add_event(s, s->moves[m].hold_s, EVENT_HOLD_OVER, m);
        else
            add_to(s, &s->now_heap, m);
    }
}

/* Everything that happens by itself up to a moment; the clock stops at the last of it. */
static void
let_pass(play *s, double until_s)
{
    while (s->event_count > 0 && s->events[0].at_s <= until_s) {
        spotopt__drain_event event = take_event(s);
        s->now_s = event.at_s > s->now_s ? event.at_s : s->now_s;
        play_event(s, &event);
    }
}

void
spotopt__drain_play(spotopt__drain_state *s)
{
    start_play(s);
    let_pass(s, 0.0);
    for (;;) {
        do {
            open_nodes(s);
            while (s->now_heap != NONE)
                try_move(s, take_from(s, &s->now_heap));
            delete_emptied(s, s->event_count == 0);
        } while (s->closed_count > 0 && can_open_more(s));
        if (s->event_count == 0)
            break;
        s->instant++;
        let_pass(s, s->events[0].at_s + SAME_TIME_S);
    }
}
