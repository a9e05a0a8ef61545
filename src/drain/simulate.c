/* SPDX-License-Identifier: Apache-2.0 */
/*
 * simulate.c - carries a plan out in a simulated cluster, and plans anew when it goes otherwise.
 *
 * It does what a careful operator does: takes each wave when its time has come and what it builds
 * on has come true, and no longer believes a plan once an eviction was refused, a pod or node is
 * late, a pod that waited is bound before its turn, a node is lost or the scheduler put a pod
 * elsewhere. Then the cluster is
 * looked at and the rest is planned from there. Whether a step was allowed is for world.c to say.
 */
#include <math.h>
#include <stdarg.h>

#include "base/base.h"
#include "drain/progress.h"
#include "drain/world.h"

#define NONE SPOTOPT__NONE
#define EPS 1e-6
#define RETRY_S 5.0
#define LOOK_S 1.0
#define PLANS_MAX 2000
#define PATIENCE 10.0 /* times its start-up time that a pod is waited for */

struct spotopt_simulation {
    spotopt_context *context;
    char *text;
    size_t length, fault_count, plan_count, lost_count, blocked_count;
    double end_s;
    bool is_drained;
};

typedef struct wanted_times { /* of the plan that is followed, on the world's clock */
    double *ready_s, *gone_s; /* a pod; -1: nothing is expected */
} wanted_times;

typedef struct run {
    const spotopt_drain_params *params;
    spotopt_context *context;
    const spotopt_cluster *cluster;
    spotopt__stage world;
    spotopt__drain_terms terms;
    unsigned char *leaves;
    double *start_s, *hold_s, *was_start_s;
    wanted_times wanted;
    spotopt_drain *plan;
    const spotopt__drain_memory *memory;
    spotopt__vec(spotopt__launched) launched; /* every node that was launched; texts in arena */
    spotopt__vec(double) launched_s;          /* when that was */
    spotopt__vec(double) up_s;                /* when it should take pods; INFINITY: given up */
    spotopt__arena arena;
    double base_s;         /* when the plan begins, on the world's clock */
    size_t next, moved_at; /* of its steps and moves */
    size_t plans, evictions, refusals;
    double first_makespan_s, first_bound_s, last_s;
    const char *reason; /* why to plan anew; NULL: the plan still holds */
    spotopt__str happened, waves;
    spotopt__jw log, steps;
    double wave_s;
} run;

static const char *
site_name(const run *r, uint32_t site)
{
    size_t nodes = r->cluster->nodes.count;

    return site == NONE ? NULL
           : site < nodes
               ? r->cluster->nodes.at[site].name
               : (site - nodes < r->launched.count ? r->launched.at[site - nodes].name : "");
}

static void
note(run *r, const char *what, uint32_t site, uint32_t pod, const char *why)
{
    spotopt__jw_object(&r->log);
    spotopt__jw_put_real(&r->log, "at_s", r->world.now_s);
    spotopt__jw_put_text(&r->log, "what", what);
    spotopt__jw_put_text(&r->log, "node", site_name(r, site));
    spotopt__jw_put_text(&r->log, "pod", pod == NONE ? NULL : r->cluster->pods.at[pod].id);
    spotopt__jw_put_text(&r->log, "why", why);
    spotopt__jw_end_object(&r->log);
}

static void
end_wave(run *r)
{
    if (r->wave_s < 0.0)
        return;
    spotopt__jw_end_array(&r->steps);
    spotopt__jw_end_object(&r->steps);
    r->wave_s = -1.0;
}

/* A step that was taken, in the shape of a plan's. */
static void
note_step(run *r, const spotopt__drain_step *step, const char *word, uint32_t to)
{
    if (r->wave_s != r->world.now_s) {
        end_wave(r);
        r->wave_s = r->world.now_s;
        spotopt__jw_object(&r->steps);
        spotopt__jw_put_real(&r->steps, "at_s", r->wave_s);
        spotopt__jw_key(&r->steps, "steps");
        spotopt__jw_array(&r->steps);
    }
    spotopt__jw_object(&r->steps);
    spotopt__jw_put_text(&r->steps, "do", word);
    spotopt__jw_put_text(&r->steps, "node", site_name(r, step->node));
    spotopt__jw_put_text(&r->steps, "pod",
                         step->pod == NONE ? NULL : r->cluster->pods.at[step->pod].id);
    spotopt__jw_put_text(&r->steps, "to", site_name(r, to));
    spotopt__jw_end_object(&r->steps);
    r->last_s = r->world.now_s;
}

/* When a pod that was late so far may be ready, from now; INFINITY: nobody waits any longer. */
static double
guess_ready_s(const run *r, uint32_t pod)
{
    const spotopt__stage_pod *now = &r->world.pods[pod];
    double start_s = r->start_s[pod], waited_s = r->world.now_s - now->bound_s;

    if (waited_s < start_s - EPS)
        return start_s - waited_s;
    return waited_s < PATIENCE * (start_s + 1.0) ? fmax(start_s, 1.0) : (double)INFINITY;
}

static bool
holds_volume(const run *r, uint32_t pod)
{
    const spotopt__shape *shape = &r->cluster->shapes.at[r->cluster->pods.at[pod].shape];

    return shape->has_exclusive_claim || shape->has_attached_claim;
}

/* A pod whose replacement has not been bound, for want of what the old one still holds. */
static bool
waits_for_old(const run *r, uint32_t pod)
{
    return r->world.pods[pod].waits_until_s > r->world.now_s;
}

static void
look_at_pod(const run *r, uint32_t i, spotopt__pod_progress *state)
{
    const spotopt__stage_pod *now = &r->world.pods[i];

    state->hold_s = r->hold_s[i] - r->world.now_s;
    if (!now->is_new) {
        state->stage = now->is_there ? SPOTOPT__STAGE_AS_BEFORE : SPOTOPT__STAGE_ENDED;
        state->gone_s = -r->world.now_s; /* for pods that were terminating all along */
        return;
    }
    state->gone_s = 0.0;
    for (size_t g = 0; g < r->world.ghosts.count; g++) {
        const spotopt__stage_ghost *ghost = &r->world.ghosts.at[g];
        const spotopt__shape *shape = &r->cluster->shapes.at[r->cluster->pods.at[i].shape];
        if (ghost->pod != i)
            continue;
        /* Only that it still ends can be seen; it may take all of its grace period. */
        state->from = ghost->site;
        state->gone_s = fmax(r->wanted.gone_s[i] - r->world.now_s, EPS);
        if (r->wanted.gone_s[i] < 0.0)
            state->gone_s = shape->grace_s;
    }
    if (now->site != NONE) {
        state->stage = SPOTOPT__STAGE_MOVED;
        state->site = now->site;
        state->ready_s = now->is_ready ? 0.0 : guess_ready_s(r, i);
        return;
    }
    state->stage = SPOTOPT__STAGE_WAITS;
    state->ready_s = INFINITY;
    if (waits_for_old(r, i)) /* a name or volume of the old pod's is still taken */
        state->hold_s = fmax(now->waits_until_s > r->world.now_s ? EPS : 0.0,
                             state->gone_s + (holds_volume(r, i) ? r->terms.detach_s : 0.0));
}

/* The progress that anybody could see who looks at the cluster now. */
static spotopt_status
look(run *r, spotopt__progress *out, spotopt_error *err)
{
    const spotopt__stage *w = &r->world;
    spotopt_status status = spotopt__progress_make(r->cluster, out, err);
    bool done = status == SPOTOPT_OK;

    for (size_t l = 0; l < r->launched.count && done; l++) {
        bool is_up = w->sites.at[r->cluster->nodes.count + l].is_up;
        if (!is_up && w->now_s - r->launched_s.at[l] > fmax(2.0 * r->params->launch_s, 60.0))
            r->up_s.at[l] = INFINITY;
        else if (!is_up && r->up_s.at[l] <= w->now_s + EPS)
            r->up_s.at[l] = w->now_s + RETRY_S;
        done = spotopt__progress_add_launch(out, &r->launched.at[l],
                                            is_up ? 0.0 : r->up_s.at[l] - w->now_s);
    }
    for (uint32_t s = 0; s < w->sites.count && done; s++) {
        bool is_given_up = s >= r->cluster->nodes.count && !w->sites.at[s].is_up &&
                           !(r->up_s.at[s - r->cluster->nodes.count] < INFINITY);
        out->sites.at[s].is_cordoned = w->sites.at[s].is_cordoned;
        out->sites.at[s].is_gone = w->sites.at[s].is_gone || is_given_up;
    }
    for (uint32_t i = 0; i < r->cluster->pods.count && done; i++)
        look_at_pod(r, i, &out->pods[i]);
    for (size_t e = 0; e < w->evicted_s.count && done; e++) {
        if (w->evicted_s.at[e] - w->now_s > -3600.0)
            done = spotopt__progress_note_eviction(out, w->evicted_s.at[e] - w->now_s);
    }
    if (status == SPOTOPT_OK && !done) {
        spotopt__progress_free(out);
        status = spotopt__nomem(err, "a simulation");
    }
    return status;
}

/* What the new plan takes for granted from its first moment on. */
static void
expect_outlook(run *r, const spotopt__progress *progress)
{
    for (uint32_t i = 0; i < r->cluster->pods.count; i++) {
        const spotopt__pod_progress *state = &progress->pods[i];
        bool is_under_way = state->stage == SPOTOPT__STAGE_MOVED && state->ready_s > 0.0 &&
                            state->ready_s < INFINITY;
        r->wanted.ready_s[i] = is_under_way ? r->world.now_s + state->ready_s : -1.0;
        if (!(state->stage != SPOTOPT__STAGE_AS_BEFORE && state->gone_s > 0.0))
            r->wanted.gone_s[i] = -1.0;
        else if (r->wanted.gone_s[i] < 0.0)
            r->wanted.gone_s[i] = r->world.now_s + state->gone_s;
    }
}

static spotopt_status
plan_anew(run *r, spotopt_error *err)
{
    spotopt_drain_params params = *r->params;
    spotopt__progress progress;
    spotopt_drain *made = NULL;
    spotopt_status status;

    if (params.notice_s > 0.0)
        params.notice_s = fmax(params.notice_s - r->world.now_s, EPS);
    if (isfinite(r->world.epoch_s))
        params.now_s = r->world.epoch_s + r->world.now_s;
    status = look(r, &progress, err);
    if (status != SPOTOPT_OK)
        return status;
    status = spotopt__drain_plan_from(r->context, &params, r->plan == NULL ? NULL : &progress,
                                      &made, err);
    if (status == SPOTOPT_OK) {
        expect_outlook(r, &progress);
        spotopt_drain_free(r->plan);
        r->plan = made;
        r->memory = spotopt__drain_recall(made);
        r->base_s = r->world.now_s;
        r->next = r->moved_at = 0;
        r->plans++;
    }
    spotopt__progress_free(&progress);
    return status;
}

/* Whether all that the plan builds on by now has come true. */
static bool
is_as_planned(run *r)
{
    double now_s = r->world.now_s;

    for (; r->moved_at < r->memory->schedule.moved.count; r->moved_at++) {
        const spotopt__drain_moved *moved = &r->memory->schedule.moved.at[r->moved_at];
        if (r->base_s + moved->at_s > now_s - EPS)
            break;
        if (moved->pod >= r->cluster->pods.count)
            continue;
        r->wanted.ready_s[moved->pod] = r->base_s + moved->ready_s;
        if (!moved->is_place)
            r->wanted.gone_s[moved->pod] = r->base_s + moved->gone_s;
    }
    for (uint32_t i = 0; i < r->cluster->pods.count; i++) {
        double ready_s = r->wanted.ready_s[i], gone_s = r->wanted.gone_s[i];
        if (ready_s >= 0.0 && ready_s <= now_s + EPS && !r->world.pods[i].is_ready)
            return false;
        if (gone_s < 0.0 || gone_s > now_s + EPS)
            continue;
        for (size_t g = 0; g < r->world.ghosts.count; g++) {
            if (r->world.ghosts.at[g].pod == i)
                return false;
        }
    }
    for (size_t l = 0; l < r->launched.count; l++) {
        const spotopt__stage_site *site = &r->world.sites.at[r->cluster->nodes.count + l];
        if (!site->is_up && !site->is_gone && r->up_s.at[l] <= now_s + EPS)
            return false;
    }
    return true;
}

static bool
launch(run *r, uint32_t site)
{
    size_t l = site - r->cluster->nodes.count;
    const spotopt__launched *from = &r->memory->start.launched.at[l];
    spotopt__launched copy = *from;
    spotopt__label *labels =
        spotopt__arena_alloc(&r->arena, from->labels.count + 1, sizeof *labels);

    copy.name = spotopt__arena_text(&r->arena, from->name, strlen(from->name));
    copy.pool = spotopt__arena_text(&r->arena, from->pool, strlen(from->pool));
    for (uint32_t k = 0; k < from->labels.count && labels != NULL; k++) {
        labels[k].key =
            spotopt__arena_text(&r->arena, from->labels.at[k].key, strlen(from->labels.at[k].key));
        labels[k].value = spotopt__arena_text(&r->arena, from->labels.at[k].value,
                                              strlen(from->labels.at[k].value));
        if (labels[k].key == NULL || labels[k].value == NULL)
            return false;
    }
    copy.labels.at = labels;
    if (copy.name == NULL || copy.pool == NULL || labels == NULL ||
        !spotopt__vec_push(r->context, &r->launched, copy) ||
        !spotopt__vec_push(r->context, &r->launched_s, r->world.now_s) ||
        !spotopt__vec_push(r->context, &r->up_s, r->world.now_s + r->params->launch_s))
        return false;
    spotopt__stage_launch(&r->world, copy.room.of, &copy.labels, r->params->launch_s);
    return true;
}

static uint32_t
target_of(const run *r, uint32_t pod)
{
    for (size_t m = 0; m < r->memory->schedule.moved.count; m++) {
        const spotopt__drain_moved *moved = &r->memory->schedule.moved.at[m];
        if (moved->pod == pod && !moved->is_place)
            return moved->to;
    }
    return NONE;
}

/* Takes one step. False: no memory. */
static bool
take(run *r, const spotopt__drain_step *step)
{
    uint32_t to = NONE;

    switch (step->kind) {
    case SPOTOPT__DO_LAUNCH:
        if (!launch(r, step->node))
            return false;
        note_step(r, step, "launch", NONE);
        return true;
    case SPOTOPT__DO_CORDON:
        if (r->world.sites.at[step->node].is_cordoned && r->plans > 1)
            return true;
        spotopt__stage_cordon(&r->world, step->node);
        note_step(r, step, "cordon", NONE);
        return true;
    case SPOTOPT__DO_DELETE:
        spotopt__stage_delete(&r->world, step->node);
        note_step(r, step, "delete", NONE);
        return true;
    default:
        break;
    }
    to = target_of(r, step->pod);
    if (r->params->notice_s <= 0.0 && to != NONE && !r->world.sites.at[to].is_up) {
        r->reason = "a pod or a node is late";
        return true;
    }
    if (step->at_s > 0.0 && r->params->notice_s <= 0.0 && to != NONE &&
        !spotopt__stage_has_room(&r->world, to, step->pod)) {
        r->reason = "its target has no room yet";
        return true;
    }
    if (spotopt__stage_evict(&r->world, step->pod, to)) {
        r->evictions++;
        note_step(r, step, "evict", to);
    } else {
        r->refusals++;
        r->hold_s[step->pod] = r->world.now_s + RETRY_S;
        note(r, "refused", step->node, step->pod, "429");
        r->reason = "an eviction was refused";
    }
    return true;
}

/* Room or a node came sooner than planned, and with it a pod that waited: others may rely on its
 * start being later. */
static bool
is_before_turn(const run *r, uint32_t pod)
{
    for (size_t m = 0; m < r->memory->schedule.moved.count; m++) {
        const spotopt__drain_moved *moved = &r->memory->schedule.moved.at[m];
        if (moved->pod == pod)
            return moved->is_place && r->base_s + moved->at_s > r->world.now_s + EPS;
    }
    return true; /* the plan had no room for it */
}

/* What the cluster told since the last look. */
static void
hear(run *r)
{
    for (size_t k = 0; k < r->world.news.count; k++) {
        const spotopt__stage_event *event = &r->world.news.at[k];
        switch (event->kind) {
        case SPOTOPT__WORLD_READY:
            note(r, "ready", event->site, event->pod, NULL);
            r->last_s = event->at_s;
            break;
        case SPOTOPT__WORLD_UP:
            note(r, "up", event->site, NONE, NULL);
            if (r->up_s.at[event->site - r->cluster->nodes.count] < event->at_s - EPS)
                r->reason = "a pod or a node is late";
            break;
        case SPOTOPT__WORLD_BOUND:
            if (is_before_turn(r, event->pod))
                r->reason = "a pod was bound before its turn";
            break;
        case SPOTOPT__WORLD_BOUND_ELSEWHERE:
            note(r, "elsewhere", event->site, event->pod, NULL);
            r->reason = "the scheduler put a pod elsewhere";
            break;
        default:
            note(r, "lost", event->site, NONE, NULL);
            r->reason = "a node is lost";
            break;
        }
    }
    r->world.news.count = 0;
}

/* Pods that wait for a node are bound where the plan has them, if it has. */
static void
tell_wishes(run *r)
{
    for (size_t m = 0; m < r->memory->schedule.moved.count; m++) {
        const spotopt__drain_moved *moved = &r->memory->schedule.moved.at[m];
        spotopt__stage_pod *pod;
        if (moved->pod >= r->cluster->pods.count || !moved->is_place)
            continue;
        pod = &r->world.pods[moved->pod];
        if (pod->is_new && pod->is_there && pod->site == NONE)
            pod->wish = moved->to;
    }
}

static bool
is_waiting(const run *r)
{
    for (uint32_t i = 0; i < r->cluster->pods.count; i++) {
        if (r->wanted.ready_s[i] >= 0.0 && !r->world.pods[i].is_ready)
            return true;
    }
    return false;
}

/* What was evicted a moment ago must be in the budgets' status before anybody plans by it. */
static void
let_controller_look(run *r)
{
    const spotopt__stage *w = &r->world;

    if (w->evicted_s.count == 0 || w->evicted_s.at[w->evicted_s.count - 1] < w->now_s)
        return;
    spotopt__stage_advance(&r->world, w->now_s + LOOK_S);
    hear(r);
}

static spotopt_status
follow(run *r, spotopt_error *err)
{
    spotopt_status status = plan_anew(r, err);

    if (status == SPOTOPT_OK) {
        r->first_makespan_s = r->memory->schedule.makespan_s;
        r->first_bound_s = r->memory->schedule.bound_s;
        note(r, "plan", NONE, NONE, NULL);
    }
    while (status == SPOTOPT_OK) {
        const spotopt__schedule *schedule = &r->memory->schedule;
        double event_s = spotopt__stage_next(&r->world), step_s = INFINITY;

        if (r->next < schedule->steps.count)
            step_s = r->base_s + schedule->steps.at[r->next].at_s;
        if (!(step_s < INFINITY) && !(event_s < INFINITY))
            break;
        if (!(step_s < INFINITY) && !is_waiting(r) && r->params->notice_s <= 0.0)
            break;
        spotopt__stage_advance(&r->world, fmax(fmin(step_s, event_s), r->world.now_s));
        hear(r);
        if (r->reason == NULL && !is_as_planned(r))
            r->reason = "a pod or a node is late";
        while (r->reason == NULL && r->next < schedule->steps.count &&
               r->base_s + schedule->steps.at[r->next].at_s <= r->world.now_s + EPS) {
            if (!take(r, &schedule->steps.at[r->next]))
                return spotopt__nomem(err, "a simulation");
            r->next += r->reason == NULL;
            hear(r);
        }
        if (r->world.failed)
            return spotopt__nomem(err, "a simulation");
        if (r->reason == NULL)
            continue;
        if (r->plans >= PLANS_MAX)
            break;
        let_controller_look(r);
        note(r, "plan", NONE, NONE, r->reason);
        r->reason = NULL;
        status = plan_anew(r, err);
        if (status == SPOTOPT_OK)
            tell_wishes(r);
    }
    return status;
}

static spotopt_status
start(run *r, const spotopt_simulation_params *given, spotopt_error *err)
{
    const spotopt_drain_params *params = r->params;
    const spotopt_cluster *cluster = r->cluster;
    size_t pods = cluster->pods.count + 1;
    spotopt__stage_chaos chaos = {
        .seed = given->seed,
        .refused_frac = given->refused_frac,
        .slow_frac = given->slow_frac,
        .stuck_frac = given->stuck_frac,
        .elsewhere_frac = given->elsewhere_frac,
        .node_lost_frac = given->node_lost_frac,
        .launch_failed_frac = given->launch_failed_frac,
        .is_jittery = given->jitter != 0,
        .lost_until_s = params->notice_s > 0.0 ? params->notice_s : 300.0,
    };
    spotopt_status status;

    r->leaves = spotopt__alloc_array(r->context, cluster->nodes.count + 1, sizeof *r->leaves);
    r->start_s = spotopt__alloc_array(r->context, pods, sizeof *r->start_s);
    r->hold_s = spotopt__alloc_array(r->context, pods, sizeof *r->hold_s);
    r->wanted.ready_s = spotopt__alloc_array(r->context, pods, sizeof *r->wanted.ready_s);
    r->wanted.gone_s = spotopt__alloc_array(r->context, pods, sizeof *r->wanted.gone_s);
    if (r->leaves == NULL || r->start_s == NULL || r->hold_s == NULL || r->wanted.ready_s == NULL ||
        r->wanted.gone_s == NULL)
        return spotopt__nomem(err, "a simulation");
    for (uint32_t i = 0; i < cluster->pods.count; i++)
        r->wanted.ready_s[i] = r->wanted.gone_s[i] = -1.0;
    status = spotopt__drain_terms_make(params->policy, cluster, params->start_s, NAN, r->start_s,
                                       &r->terms, err);
    if (status == SPOTOPT_OK)
        status = spotopt__stage_make(
            cluster, params->policy, r->leaves, r->start_s, r->terms.detach_s, params->notice_s,
            params->now_s >= 0.0 ? params->now_s : (double)NAN, &chaos, &r->world, err);
    return status;
}

/* Which nodes leave is known once the first plan is made; the world looks at the same array. */
static spotopt_status
carry_out(run *r, spotopt_error *err)
{
    spotopt_drain *first = NULL;
    spotopt_status status = spotopt__drain_plan_from(r->context, r->params, NULL, &first, err);

    if (status != SPOTOPT_OK)
        return status;
    for (size_t k = 0; k < spotopt__drain_recall(first)->nodes.count; k++)
        r->leaves[spotopt__drain_recall(first)->nodes.at[k]] = 1;
    spotopt_drain_free(first);
    spotopt__jw_array(&r->log);
    spotopt__jw_array(&r->steps);
    status = follow(r, err);
    end_wave(r);
    spotopt__jw_end_array(&r->log);
    spotopt__jw_end_array(&r->steps);
    return status;
}

static bool
is_all_gone(const run *r)
{
    for (uint32_t n = 0; n < r->cluster->nodes.count; n++) {
        if (r->leaves[n] && !r->world.sites.at[n].is_gone)
            return false;
    }
    return true;
}

static bool
write_faults(const run *r, spotopt__jw *jw)
{
    const char *line = r->world.told.at == NULL ? "" : r->world.told.at;
    spotopt__str one;
    bool failed;

    spotopt__str_init(&one, r->context);
    spotopt__jw_key(jw, "faults");
    spotopt__jw_array(jw);
    while (*line != '\0') {
        size_t length = strcspn(line, "\n");
        one.count = 0;
        spotopt__str_addf(&one, "%.*s", (int)length, line);
        spotopt__jw_text(jw, one.failed ? "" : one.at);
        line += length + (line[length] == '\n');
    }
    spotopt__jw_end_array(jw);
    failed = one.failed;
    spotopt__str_free(&one);
    return !failed;
}

static spotopt_status
report(run *r, const spotopt_simulation_params *given, spotopt_simulation *out, spotopt_error *err)
{
    spotopt__str text;
    spotopt__jw jw;
    bool done;

    out->fault_count = r->world.faults;
    out->plan_count = r->plans;
    out->blocked_count = spotopt_drain_blocked_count(r->plan);
    out->is_drained = is_all_gone(r);
    out->end_s = r->last_s;
    for (uint32_t i = 0; i < r->cluster->pods.count; i++)
        out->lost_count += r->world.pods[i].is_new && !r->world.pods[i].is_ready;
    spotopt__str_init(&text, out->context);
    spotopt__jw_init(&jw, &text);
    spotopt__jw_object(&jw);
    spotopt__jw_put_text(&jw, "apiVersion", "spotopt/v1");
    spotopt__jw_put_text(&jw, "kind", "DrainSimulation");
    spotopt__jw_put_real(&jw, "seed", (double)given->seed);
    spotopt__jw_put_text(&jw, "outcome",
                         out->is_drained         ? "drained"
                         : r->plans >= PLANS_MAX ? "given-up"
                                                 : "blocked");
    spotopt__jw_put_real(&jw, "planned_s", r->first_makespan_s);
    spotopt__jw_put_real(&jw, "bound_s", r->first_bound_s);
    spotopt__jw_put_real(&jw, "makespan_s", r->last_s);
    spotopt__jw_put_real(&jw, "notice_s", r->params->notice_s);
    spotopt__jw_put_int(&jw, "plans", (int64_t)r->plans);
    spotopt__jw_put_int(&jw, "evictions", (int64_t)r->evictions);
    spotopt__jw_put_int(&jw, "refusals", (int64_t)r->refusals);
    spotopt__jw_put_int(&jw, "blocked", (int64_t)out->blocked_count);
    spotopt__jw_put_int(&jw, "not_ready", (int64_t)out->lost_count);
    spotopt__jw_put_int(&jw, "budget_checks", (int64_t)r->world.checks);
    spotopt__jw_put_int(&jw, "broken_by_steps", (int64_t)r->world.faults);
    spotopt__jw_put_int(&jw, "short_by_losses", (int64_t)r->world.involuntary);
    done = write_faults(r, &jw);
    spotopt__jw_key(&jw, "waves");
    spotopt__jw_raw(&jw, r->waves.at, r->waves.count);
    spotopt__jw_key(&jw, "events");
    spotopt__jw_raw(&jw, r->happened.at, r->happened.count);
    spotopt__jw_end_object(&jw);
    out->text = spotopt__str_take(&text, &out->length);
    spotopt__str_free(&text);
    done = done && out->text != NULL && !r->happened.failed && !r->waves.failed;
    return done ? SPOTOPT_OK : spotopt__nomem(err, "a simulation");
}

static void
free_run(run *r)
{
    spotopt_drain_free(r->plan);
    spotopt__stage_free(&r->world);
    spotopt__drain_terms_free(&r->terms);
    spotopt__free(r->context, r->leaves);
    spotopt__free(r->context, r->start_s);
    spotopt__free(r->context, r->hold_s);
    spotopt__free(r->context, r->wanted.ready_s);
    spotopt__free(r->context, r->wanted.gone_s);
    spotopt__vec_free(r->context, &r->launched);
    spotopt__vec_free(r->context, &r->launched_s);
    spotopt__vec_free(r->context, &r->up_s);
    spotopt__arena_free(&r->arena);
    spotopt__str_free(&r->happened);
    spotopt__str_free(&r->waves);
}

static spotopt_status
check_fracs(const spotopt_simulation_params *p, spotopt_error *err)
{
    const double fracs[] = {p->refused_frac,   p->slow_frac,      p->stuck_frac,
                            p->elsewhere_frac, p->node_lost_frac, p->launch_failed_frac};

    for (size_t k = 0; k < sizeof fracs / sizeof *fracs; k++) {
        if (!(fracs[k] >= 0.0 && fracs[k] <= 1.0))
            return spotopt__fail(err, SPOTOPT_E_ARGUMENT,
                                 "a fraction of simulation is out of range; want 0 .. 1");
    }
    return SPOTOPT_OK;
}

spotopt_status
spotopt_drain_simulate(spotopt_context *context, const spotopt_drain_params *given,
                       const spotopt_simulation_params *given_chaos, const spotopt_options *options,
                       spotopt_simulation **out, spotopt_error *err)
{
    spotopt_drain_params params = SPOTOPT_DRAIN_PARAMS_INIT;
    spotopt_simulation_params chaos = SPOTOPT_SIMULATION_PARAMS_INIT;
    spotopt_simulation *made;
    run r;
    spotopt_status status = SPOTOPT_OK;

    (void)options;
    if (out == NULL || given == NULL)
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT, "out or params is NULL");
    status = spotopt__copy_in(&params, sizeof params, given, "params", err);
    if (status == SPOTOPT_OK && given_chaos != NULL)
        status = spotopt__copy_in(&chaos, sizeof chaos, given_chaos, "simulation", err);
    if (status == SPOTOPT_OK)
        status = check_fracs(&chaos, err);
    if (status == SPOTOPT_OK && params.cluster == NULL)
        status = spotopt__fail(err, SPOTOPT_E_ARGUMENT, "params.cluster is NULL; want a cluster");
    if (status != SPOTOPT_OK)
        return status;
    made = spotopt__alloc(context, sizeof *made);
    if (made == NULL)
        return spotopt__nomem(err, "a simulation");
    made->context = spotopt__context_hold(context);
    memset(&r, 0, sizeof r);
    r.params = &params;
    r.cluster = params.cluster;
    r.context = r.world.context = r.terms.context = params.cluster->context;
    r.wave_s = -1.0;
    spotopt__arena_init(&r.arena, r.context);
    spotopt__str_init(&r.happened, r.context);
    spotopt__str_init(&r.waves, r.context);
    spotopt__str_init(&r.world.told, r.context);
    spotopt__jw_init(&r.log, &r.happened);
    spotopt__jw_init(&r.steps, &r.waves);
    status = start(&r, &chaos, err);
    if (status == SPOTOPT_OK)
        status = carry_out(&r, err);
    if (status == SPOTOPT_OK)
        status = report(&r, &chaos, made, err);
    free_run(&r);
    if (status != SPOTOPT_OK) {
        spotopt_simulation_free(made);
        return status;
    }
    *out = made;
    return SPOTOPT_OK;
}

void
spotopt_simulation_free(spotopt_simulation *simulation)
{
    spotopt_context *context;

    if (simulation == NULL)
        return;
    context = simulation->context;
    spotopt__free(context, simulation->text);
    spotopt__free(context, simulation);
    spotopt__context_drop(context);
}

size_t
spotopt_simulation_fault_count(const spotopt_simulation *simulation)
{
    return simulation->fault_count;
}

size_t
spotopt_simulation_plan_count(const spotopt_simulation *simulation)
{
    return simulation->plan_count;
}

int32_t
spotopt_simulation_is_drained(const spotopt_simulation *simulation)
{
    return simulation->is_drained;
}

double
spotopt_simulation_makespan_s(const spotopt_simulation *simulation)
{
    return simulation->end_s;
}

spotopt_status
spotopt_simulation_write(const spotopt_simulation *simulation, char **out_text, size_t *out_length,
                         spotopt_error *err)
{
    char *copy =
        spotopt__dup_array(simulation->context, simulation->text, simulation->length + 1, 1);

    if (copy == NULL)
        return spotopt__nomem(err, "a simulation");
    *out_text = copy;
    if (out_length != NULL)
        *out_length = simulation->length;
    return SPOTOPT_OK;
}
