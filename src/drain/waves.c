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
#include "base/base.h"
#include "drain/moves.h"

#define NONE SPOTOPT__NONE
#define SAME_TIME_S 1e-6 /* events closer than this are one instant, the later one's */

/* At one time in this order: what a notice ends still counts as done just before it. */
enum {
    EVENT_LAUNCHED,
    EVENT_READY,      /* a move: the pod is ready on its target */
    EVENT_GONE,       /* a move: the old pod has left */
    EVENT_TERMINATED, /* a pod that was terminating from the start */
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
    return move->to >= s->cluster->nodes.count && !s->are_launched;
}

/* When the pod is ready on its target if the move is made now. */
static double
ready_at(const play *s, const spotopt__move *move)
{
    double bound_s = s->now_s + (move->ready_s - s->job->start_s);

    if (!is_on_the_way(s, move))
        return s->now_s + move->ready_s;
    return (bound_s > s->job->launch_s ? bound_s : s->job->launch_s) + s->job->start_s;
}

/*
 * Nobody leaves for a node that is still on the way, unless a notice would run out first: then the
 * pod spends its grace period while the node comes up.
 */
static bool
must_wait_for_launch(const play *s, const spotopt__move *move)
{
    bool is_in_time = s->job->launch_s + tail_of(move) <= s->job->notice_s;

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
    if (--s->inhabitants[node] == 0 && s->job->leaves[node])
        s->emptied[s->emptied_count++] = node;
}

/* The old pod has left. */
static void
end_grace(play *s, const spotopt__move *move)
{
    change_room(s, move->from, move->pod, 1);
    lose_inhabitant(s, move->from);
}

/* The pod is ready on its target. */
static void
end_start(play *s, const spotopt__move *move)
{
    if (move->lock != NONE) {
        s->is_locked[move->lock] = 0;
        look_again(s, &s->wait_lock[move->lock]);
    }
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
    change_healthy(s, move->pod, -1, true);
    if (move->lock != NONE)
        s->is_locked[move->lock] = 1;
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

    move->at_s = s->now_s;
    change_room(s, move->to, move->pod, -1);
    if (!move->is_place) {
        evict(s, move, takes_one);
        if (move->is_leaving && notice_s > 0.0 && gone_s > notice_s)
            gone_s = notice_s;
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

/* Makes the move, or leaves it where it waits for what it lacks. */
static void
try_move(play *s, uint32_t index)
{
    spotopt__move *move = &s->moves[index];
    uint32_t pdb = move->pdb, lock = move->lock;
    bool takes_one = false;

    if (!is_hopeless(s, move)) {
        if (move->is_late && pdb != NONE && s->savable[pdb] > 0)
            add_to(s, &s->wait_late[pdb], index);
        else if (lock != NONE && s->is_locked[lock])
            add_to(s, &s->wait_lock[lock], index);
        else if (must_wait_for_launch(s, move) || !has_room(s, move))
            add_to(s, &s->wait_node[move->to], index);
        else if (pdb != NONE && !admits(s, pdb, move->kind, &takes_one))
            add_to(s, move->kind == SPOTOPT__EVICT_SICK ? &s->wait_sick[pdb] : &s->wait_ready[pdb],
                   index);
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
        bury(s, node, false);
    }
    s->emptied_count = kept;
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
        break;
    default:
        end_notice(s);
        break;
    }
}

static void
start_play(play *s)
{
    const spotopt_cluster *cluster = s->cluster;
    const spotopt__drain_job *job = s->job;

    s->instant = 1;
    s->now_heap = NONE;
    for (uint32_t l = 0; l < job->launch_count; l++)
        add_step(s, SPOTOPT__DO_LAUNCH, (uint32_t)cluster->nodes.count + l, NONE, NONE, 0);
    for (uint32_t n = 0; n < cluster->nodes.count; n++) {
        if (job->leaves[n])
            add_step(s, SPOTOPT__DO_CORDON, n, NONE, NONE, 0);
        if (job->leaves[n] && s->inhabitants[n] == 0)
            s->emptied[s->emptied_count++] = n;
    }
    s->are_launched = job->launch_s <= 0.0;
    if (job->launch_count > 0 && !s->are_launched) {
        add_event(s, job->launch_s, EVENT_LAUNCHED, 0);
        note_end(s, job->launch_s);
    }
    for (uint32_t i = 0; i < cluster->pods.count; i++) {
        const spotopt__pod *pod = &cluster->pods.at[i];
        if (pod->is_terminating && pod->node != NONE && !spotopt__pod_is_finished(pod) &&
            !pod->is_daemon && !pod->is_mirror)
            add_event(s, cluster->shapes.at[pod->shape].grace_s, EVENT_TERMINATED, i);
    }
    if (job->notice_s > 0.0)
        add_event(s, job->notice_s, EVENT_NOTICE_OVER, 0);
    for (uint32_t m = 0; m < s->move_count; m++)
        add_to(s, &s->now_heap, m);
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
        while (s->now_heap != NONE)
            try_move(s, take_from(s, &s->now_heap));
        delete_emptied(s, s->event_count == 0);
        if (s->event_count == 0)
            break;
        s->instant++;
        let_pass(s, s->events[0].at_s + SAME_TIME_S);
    }
}
