/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plan.c - a drain from names of nodes to a document.
 *
 * First the whole drain is played as if one boundless node were there at once: what budgets and
 * annotations hold even then is blocked, and nothing need be found or bought for it. The rest gets
 * its targets: large pods first, each on the first node left that may take it, then on nodes to
 * launch. The schedule is made for these targets. The answer is written at once, so it needs none
 * of its inputs later.
 */
#include <math.h>
#include <stdlib.h>

#include "base/base.h"
#include "drain/budget.h"
#include "drain/fleet.h"
#include "drain/place.h"
#include "drain/progress.h"

#define NONE SPOTOPT__NONE
#define SECONDS_MAX 1e9

struct spotopt_drain {
    spotopt_context *context, *keeper; /* keeper: the cluster's, which the memory is from */
    char *text;
    size_t length;
    size_t blocked_count, lost_count;
    double makespan_s;
    spotopt__drain_memory memory;
};

typedef struct mover {
    uint32_t pod;
    bool waits; /* it has no node already, so it chooses first */
    int32_t priority;
    double size;
} mover;

/* What one call works with. */
typedef struct planning {
    spotopt_drain_params params;
    const spotopt_cluster *cluster;
    spotopt_context *context;
    unsigned char *leaves; /* a node */
    unsigned char *stays;  /* a pod: nothing will move it */
    int32_t *why;          /* a pod that stays */
    uint32_t *pdb;         /* and the budget that is in its way */
    const char **missing;  /* a pod: what its last candidate for a target lacked */
    uint32_t *target;
    uint32_t *movers; /* pods in the order in which they choose */
    size_t mover_count;
    spotopt__places places;
    spotopt__launch_list launches;
    spotopt__arena arena; /* texts of launches */
    spotopt__schedule schedule;
    spotopt__moment moment;            /* when something has happened already */
    const spotopt__progress *progress; /* or NULL */
    spotopt__drain_outlook outlook;
    double *start_s; /* a pod: from binding to ready */
    spotopt__drain_terms terms;
    spotopt__fleet fleet; /* of a plan document; wanted is NULL without one */
} planning;

static spotopt_status
check_params(const spotopt_drain_params *given, planning *plan, spotopt_error *err)
{
    const spotopt_drain_params defaults = SPOTOPT_DRAIN_PARAMS_INIT;
    spotopt_drain_params *params = &plan->params;
    spotopt_status status;

    if (given == NULL)
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT,
                             "params is NULL; want a spotopt_drain_params");
    *params = defaults;
    status = spotopt__copy_in(params, sizeof *params, given, "params", err);
    if (status != SPOTOPT_OK)
        return status;
    if (params->cluster == NULL)
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT, "params.cluster is NULL; want a cluster");
    if (params->plan_text == NULL && (params->node_count == 0 || params->nodes == NULL))
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT,
                             "params.nodes is empty; want the name of a node to leave");
    if (!(params->notice_s >= 0.0 && params->notice_s <= SECONDS_MAX))
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT,
                             "params.notice_s is out of range; want 0 .. 1e9 s");
    if (!(params->launch_s >= 0.0 && params->launch_s <= SECONDS_MAX))
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT,
                             "params.launch_s is out of range; want 0 .. 1e9 s");
    if (!(params->start_s >= 0.0 && params->start_s <= SECONDS_MAX))
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT,
                             "params.start_s is out of range; want 0 .. 1e9 s");
    if (!(params->now_s >= 0.0 && params->now_s <= 1e12))
        params->now_s = NAN;
    plan->cluster = params->cluster;
    plan->context = params->cluster->context;
    return SPOTOPT_OK;
}

static spotopt_status
mark_nodes(planning *plan, spotopt_error *err)
{
    const spotopt_cluster *cluster = plan->cluster;
    size_t pods = cluster->pods.count + 1;

    plan->start_s = spotopt__alloc_array(plan->context, pods, sizeof *plan->start_s);
    plan->leaves =
        spotopt__alloc_array(plan->context, cluster->nodes.count + 1, sizeof *plan->leaves);
    plan->stays = spotopt__alloc_array(plan->context, pods, sizeof *plan->stays);
    plan->why = spotopt__alloc_array(plan->context, pods, sizeof *plan->why);
    plan->pdb = spotopt__alloc_array(plan->context, pods, sizeof *plan->pdb);
    plan->missing = spotopt__alloc_array(plan->context, pods, sizeof *plan->missing);
    plan->target = spotopt__alloc_array(plan->context, pods, sizeof *plan->target);
    plan->movers = spotopt__alloc_array(plan->context, pods, sizeof *plan->movers);
    if (plan->leaves == NULL || plan->stays == NULL || plan->why == NULL || plan->pdb == NULL ||
        plan->missing == NULL || plan->target == NULL || plan->movers == NULL ||
        plan->start_s == NULL)
        return spotopt__nomem(err, "a drain");
    if (plan->params.plan_text != NULL) {
        spotopt_status status = spotopt__fleet_read(cluster, plan->params.plan_text,
                                                    plan->params.plan_length, &plan->fleet, err);
        if (status != SPOTOPT_OK)
            return status;
        for (size_t n = 0; n < cluster->nodes.count && plan->params.node_count == 0; n++)
            plan->leaves[n] = plan->fleet.drains[n] &&
                              (plan->progress == NULL || !plan->progress->sites.at[n].is_gone);
    }
    for (size_t i = 0; i < plan->params.node_count; i++) {
        const char *name = plan->params.nodes[i];
        uint32_t node = name == NULL ? NONE : spotopt__map_get(&cluster->node_by_name, name);
        if (node == NONE)
            return spotopt__fail(err, SPOTOPT_E_ARGUMENT, "node \"%s\" is not in the cluster",
                                 name == NULL ? "" : name);
        plan->leaves[node] = plan->progress == NULL || !plan->progress->sites.at[node].is_gone;
    }
    return SPOTOPT_OK;
}

/* A pod that the plan has on another node although its own stays; one that has moved already, if
 * only elsewhere, is not moved again. */
static bool
makes_way(const planning *plan, uint32_t index)
{
    const spotopt__pod *pod = &plan->cluster->pods.at[index];

    if (plan->progress != NULL && (index >= plan->progress->pod_count ||
                                   plan->progress->pods[index].stage != SPOTOPT__STAGE_AS_BEFORE))
        return false;
    return plan->fleet.wanted != NULL && pod->node != NONE && !plan->leaves[pod->node] &&
           plan->fleet.wanted[index] != NONE && plan->fleet.wanted[index] != pod->node;
}

/* Pods on nodes that leave or that make way, and those that the drain has left without a node. */
static bool
must_leave(const planning *plan, uint32_t index)
{
    const spotopt__pod *pod = &plan->cluster->pods.at[index];

    if (plan->progress != NULL && index < plan->progress->pod_count &&
        plan->progress->pods[index].stage == SPOTOPT__STAGE_WAITS)
        return true;
    return pod->node != NONE && (plan->leaves[pod->node] || makes_way(plan, index)) &&
           !pod->is_mirror && !pod->is_daemon && !pod->is_terminating && !pod->is_gated &&
           !spotopt__pod_is_finished(pod);
}

/* The pods that would not move even if there were room for all at once. */
static spotopt_status
find_blocked(planning *plan, spotopt_error *err)
{
    spotopt__launch boundless = {"boundless", "", {{0}}};
    spotopt__drain_job job = {.cluster = plan->cluster,
                              .leaves = plan->leaves,
                              .target = plan->target,
                              .launches = &boundless,
                              .launch_count = 1,
                              .start_s = plan->params.start_s,
                              .detach_s = plan->terms.detach_s,
                              .evictions_per_h = plan->terms.evictions_per_h,
                              .gates = plan->terms.gates.at,
                              .gate_count = plan->terms.gates.count,
                              .outlook = &plan->outlook};
    spotopt__schedule schedule;
    spotopt_status status;

    for (uint32_t r = 0; r < SPOTOPT__RESOURCES_MAX; r++)
        boundless.room.of[r] = INT64_MAX / 2;
    for (uint32_t i = 0; i < plan->cluster->pods.count; i++)
        plan->target[i] = must_leave(plan, i) ? (uint32_t)plan->cluster->nodes.count : NONE;
    status = spotopt__drain_schedule(&job, &schedule, err);
    if (status != SPOTOPT_OK)
        return status;
    for (size_t b = 0; b < schedule.blocked.count; b++) {
        const spotopt__drain_blocked *blocked = &schedule.blocked.at[b];
        if (blocked->pod == NONE)
            continue;
        plan->stays[blocked->pod] = 1;
        plan->why[blocked->pod] = blocked->why;
        plan->pdb[blocked->pod] = blocked->pdb;
    }
    for (uint32_t i = 0; i < plan->cluster->pods.count; i++) /* nothing holds a pod that waits */
        plan->stays[i] = plan->stays[i] && plan->cluster->pods.at[i].node != NONE;
    spotopt__schedule_free(&schedule);
    return SPOTOPT_OK;
}

static int
compare_movers(const void *a, const void *b)
{
    const mover *x = a, *y = b;

    if (x->waits != y->waits)
        return x->waits ? -1 : 1;
    if (x->priority != y->priority)
        return x->priority > y->priority ? -1 : 1;
    if (x->size != y->size)
        return x->size > y->size ? -1 : 1;
    return x->pod < y->pod ? -1 : x->pod > y->pod;
}

static bool
sort_movers(planning *plan)
{
    const spotopt_cluster *cluster = plan->cluster;
    mover *list = spotopt__alloc_array(plan->context, cluster->pods.count + 1, sizeof *list);
    double cpu = 1.0, memory = 1.0;

    if (list == NULL)
        return false;
    for (size_t n = 0; n < cluster->nodes.count; n++) {
        cpu += (double)cluster->nodes.at[n].allocatable.of[SPOTOPT__CPU];
        memory += (double)cluster->nodes.at[n].allocatable.of[SPOTOPT__MEMORY];
    }
    for (uint32_t i = 0; i < cluster->pods.count; i++) {
        const spotopt__shape *shape = &cluster->shapes.at[cluster->pods.at[i].shape];
        mover *made = &list[plan->mover_count];
        if (!must_leave(plan, i) || plan->stays[i])
            continue;
        made->pod = i;
        made->waits = cluster->pods.at[i].node == NONE;
        made->priority = shape->priority;
        made->size = (double)shape->request.of[SPOTOPT__CPU] / cpu +
                     (double)shape->request.of[SPOTOPT__MEMORY] / memory;
        plan->mover_count++;
    }
    qsort(list, plan->mover_count, sizeof *list, compare_movers);
    for (size_t k = 0; k < plan->mover_count; k++)
        plan->movers[k] = list[k].pod;
    spotopt__free(plan->context, list);
    return true;
}

static bool
is_resource(const spotopt_cluster *cluster, const char *word)
{
    for (uint32_t r = 0; r < cluster->resources.count; r++) {
        if (cluster->resources.name[r] == word)
            return true;
    }
    return false;
}

/* The first node left that takes the pod. Resources are asked last, so a lack of them tells most.
 */
static bool
find_site(planning *plan, uint32_t pod)
{
    spotopt__places *places = &plan->places;
    spotopt__place_rules *rules = spotopt__places_rules(places, pod);

    if (rules == NULL)
        return false;
    for (uint32_t s = rules->first_site; s < places->sites.count; s++) {
        const char *why;
        bool for_good;
        if (spotopt__place_allows(places, rules, pod, &places->sites.at[s], &why, &for_good))
            return spotopt__places_put(places, pod, s);
        rules->first_site += s == rules->first_site && for_good;
        if (places->sites.at[s].is_open &&
            (rules->missing == NULL || is_resource(plan->cluster, why)))
            rules->missing = why;
    }
    plan->missing[pod] = rules->missing;
    return true;
}

/* The nodes of the fleet that movers are to run on and that are not there yet, sized for these. */
static bool
add_fleet(planning *plan)
{
    const spotopt_cluster *cluster = plan->cluster;
    size_t nodes = cluster->nodes.count;
    uint32_t *site_of =
        spotopt__alloc_array(plan->context, plan->fleet.launches.count + 1, sizeof *site_of);
    bool done = site_of != NULL;

    for (size_t n = 0; n < nodes && done; n++) /* nothing moves to what the plan lets go */
        plan->places.sites.at[n].is_open =
            plan->places.sites.at[n].is_open && !plan->fleet.drains[n];
    for (size_t k = 0; k < plan->mover_count && done; k++) {
        uint32_t pod = plan->movers[k], *wanted = &plan->fleet.wanted[pod], l;
        const spotopt__amounts *request = &cluster->shapes.at[cluster->pods.at[pod].shape].request;
        spotopt__site site;
        if (*wanted == NONE || *wanted < nodes)
            continue;
        l = *wanted - (uint32_t)nodes;
        if (site_of[l] == 0) {
            memset(&site, 0, sizeof site);
            site.name = plan->fleet.launches.at[l].name;
            site.last_pod = NONE;
            site_of[l] = (uint32_t)plan->places.sites.count;
            done = spotopt__places_add_site(&plan->places, &site) &&
                   spotopt__vec_push(plan->context, &plan->launches, plan->fleet.launches.at[l]);
        }
        if (!done)
            break;
        *wanted = site_of[l];
        for (uint32_t r = 0; r < cluster->resources.count; r++) {
            plan->places.sites.at[site_of[l]].room.of[r] += request->of[r];
            plan->launches.at[site_of[l] - nodes].room.of[r] += request->of[r];
        }
    }
    spotopt__free(plan->context, site_of);
    return done;
}

/*
 * Puts a pod where the plan has it, if that still takes it. How pods spread over zones is then for
 * the plan to know: nodes that it launches have no labels here. False: no memory.
 */
static bool
find_wanted(planning *plan, uint32_t pod)
{
    spotopt__places *places = &plan->places;
    const spotopt__shape *shape = &plan->cluster->shapes.at[plan->cluster->pods.at[pod].shape];
    uint32_t wanted = plan->fleet.wanted[pod];
    const spotopt__site *site = wanted == NONE ? NULL : &places->sites.at[wanted];

    if (site == NULL)
        return true;
    for (uint32_t r = 0; r < plan->cluster->resources.count; r++) {
        if (shape->request.of[r] > 0 && shape->request.of[r] > site->room.of[r])
            return true;
    }
    if (wanted < plan->cluster->nodes.count &&
        (!site->is_open || !spotopt__shape_allows(shape, &site->labels, site->name, site->taints,
                                                  site->taint_count, NULL)))
        return true;
    return spotopt__places_put(places, pod, wanted);
}

static spotopt_status
find_targets(planning *plan, spotopt_error *err)
{
    unsigned char *goes;
    spotopt_status status;

    if (!sort_movers(plan))
        return spotopt__nomem(err, "a drain");
    goes = spotopt__alloc_array(plan->context, plan->cluster->pods.count + 1, sizeof *goes);
    if (goes == NULL)
        return spotopt__nomem(err, "a drain");
    for (size_t k = 0; k < plan->mover_count; k++)
        goes[plan->movers[k]] = 1;
    status =
        spotopt__places_make(plan->cluster, plan->leaves, plan->stays, goes, &plan->places, err);
    spotopt__free(plan->context, goes);
    if (status != SPOTOPT_OK)
        return status;
    if (plan->fleet.wanted != NULL) {
        bool done = add_fleet(plan);
        for (size_t k = 0; k < plan->mover_count && done; k++)
            done = find_wanted(plan, plan->movers[k]);
        for (size_t k = 0; k < plan->mover_count && done; k++) { /* else it may as well stay */
            uint32_t pod = plan->movers[k];
            if (plan->places.where[pod] == NONE && makes_way(plan, pod))
                done = spotopt__places_put(&plan->places, pod, plan->cluster->pods.at[pod].node);
        }
        if (!done)
            return spotopt__nomem(err, "a drain");
    }
    for (size_t k = 0; k < plan->mover_count; k++) {
        if (plan->places.where[plan->movers[k]] == NONE && !find_site(plan, plan->movers[k]))
            return spotopt__nomem(err, "a drain");
    }
    if (plan->params.catalog != NULL)
        status = spotopt__drain_launch(&plan->places, plan->params.catalog, plan->params.policy,
                                       plan->movers, plan->mover_count, &plan->arena,
                                       &plan->launches, err);
    for (size_t i = 0; i < plan->cluster->pods.count; i++)
        plan->target[i] = NONE;
    for (size_t k = 0; k < plan->mover_count; k++)
        plan->target[plan->movers[k]] = plan->places.where[plan->movers[k]];
    return status;
}

/* The counts that unblocking starts from: the snapshot's, and what the schedule makes healthy. */
static spotopt_status
count_in_the_end(const planning *plan, spotopt__pdb_book *book, spotopt_error *err)
{
    spotopt_status status = spotopt__pdb_book_make(plan->cluster, book, err);

    for (size_t i = 0; i < plan->schedule.steps.count && status == SPOTOPT_OK; i++) {
        uint32_t pod = plan->schedule.steps.at[i].pod;
        for (uint32_t e = pod == NONE ? 0 : book->first[pod];
             pod != NONE && e < book->first[pod + 1]; e++)
            book->of[book->match[e]].healthy += !book->is_counted[e];
    }
    return status;
}

static bool
write_blocked(const planning *plan, const spotopt__pdb_book *book, spotopt__jw *jw)
{
    const spotopt_cluster *cluster = plan->cluster;
    bool failed = false;

    spotopt__jw_key(jw, "blocked");
    spotopt__jw_array(jw);
    for (size_t b = 0; b < plan->schedule.blocked.count && !failed; b++) {
        spotopt__drain_blocked blocked = plan->schedule.blocked.at[b];
        spotopt__str unblock;
        if (blocked.pod != NONE &&
            plan->stays[blocked.pod]) { /* it was given no target, since it cannot leave */
            blocked.why = plan->why[blocked.pod];
            blocked.pdb = plan->pdb[blocked.pod];
        }
        spotopt__str_init(&unblock, plan->context);
        spotopt__drain_unblock(cluster, book, &blocked,
                               blocked.pod == NONE ? NULL : plan->missing[blocked.pod], &unblock);
        failed = unblock.failed;
        spotopt__jw_object(jw);
        spotopt__jw_put_text(jw, "pod",
                             blocked.pod == NONE ? NULL : cluster->pods.at[blocked.pod].id);
        spotopt__jw_put_text(jw, "node",
                             blocked.node == NONE ? NULL : cluster->nodes.at[blocked.node].name);
        spotopt__jw_put_text(jw, "pdb",
                             blocked.pdb == NONE ? NULL : cluster->pdbs.at[blocked.pdb].id);
        spotopt__jw_put_text(jw, "why", spotopt__stay_reason_text(blocked.why));
        spotopt__jw_put_text(jw, "unblock", unblock.at);
        spotopt__jw_end_object(jw);
        spotopt__str_free(&unblock);
    }
    spotopt__jw_end_array(jw);
    return !failed;
}

static spotopt_status
write_plan(const planning *plan, const spotopt__drain_job *job, spotopt_drain *drain,
           spotopt_error *err)
{
    const spotopt_cluster *cluster = plan->cluster;
    spotopt__pdb_book book;
    spotopt__str text;
    spotopt__jw jw;
    bool done;
    spotopt_status status = count_in_the_end(plan, &book, err);

    if (status != SPOTOPT_OK)
        return status;
    spotopt__str_init(&text, drain->context);
    spotopt__jw_init(&jw, &text);
    spotopt__jw_object(&jw);
    spotopt__jw_put_text(&jw, "apiVersion", "spotopt/v1");
    spotopt__jw_put_text(&jw, "kind", "DrainPlan");
    spotopt__jw_key(&jw, "nodes");
    spotopt__jw_array(&jw);
    for (size_t n = 0; n < cluster->nodes.count; n++) {
        if (plan->leaves[n])
            spotopt__jw_text(&jw, cluster->nodes.at[n].name);
    }
    spotopt__jw_end_array(&jw);
    spotopt__jw_put_real(&jw, "notice_s", job->notice_s);
    spotopt__jw_put_real(&jw, "launch_s", job->launch_s);
    spotopt__jw_put_real(&jw, "start_s", job->start_s);
    spotopt__jw_key(&jw, "waves");
    spotopt__drain_write_waves(&jw, job, &plan->schedule);
    spotopt__jw_put_real(&jw, "makespan_s", plan->schedule.makespan_s);
    spotopt__jw_put_real(&jw, "bound_s", plan->schedule.bound_s);
    done = write_blocked(plan, &book, &jw);
    spotopt__jw_key(&jw, "lost");
    spotopt__jw_array(&jw);
    for (size_t l = 0; l < plan->schedule.lost.count; l++)
        spotopt__jw_text(&jw, cluster->pods.at[plan->schedule.lost.at[l]].id);
    spotopt__jw_end_array(&jw);
    spotopt__jw_end_object(&jw);
    spotopt__pdb_book_free(&book);
    drain->text = spotopt__str_take(&text, &drain->length);
    drain->blocked_count = plan->schedule.blocked.count;
    drain->lost_count = plan->schedule.lost.count;
    drain->makespan_s = plan->schedule.makespan_s;
    spotopt__str_free(&text);
    return done && drain->text != NULL ? SPOTOPT_OK : spotopt__nomem(err, "a drain plan");
}

/* Keeps what planning anew needs. */
static spotopt_status
remember(planning *plan, spotopt__drain_memory *memory, spotopt_error *err)
{
    spotopt_status status = plan->progress == NULL
                                ? spotopt__progress_make(plan->cluster, &memory->start, err)
                                : spotopt__progress_copy(plan->progress, &memory->start, err);
    bool done = status == SPOTOPT_OK;

    memory->old_launches = memory->start.launched.count;
    for (size_t l = 0; l < plan->launches.count && done; l++) {
        const spotopt__launch *launch = &plan->launches.at[l];
        const spotopt__site *site = &plan->places.sites.at[plan->cluster->nodes.count + l];
        const spotopt__launched launched = {launch->name, launch->pool, site->labels, launch->room};
        done = spotopt__progress_add_launch(&memory->start, &launched, plan->params.launch_s);
    }
    for (uint32_t n = 0; n < plan->cluster->nodes.count && done; n++)
        done = !plan->leaves[n] || spotopt__vec_push(plan->context, &memory->nodes, n);
    memory->schedule = plan->schedule;
    memset(&plan->schedule, 0, sizeof plan->schedule);
    plan->schedule.context = plan->context;
    memcpy(memory->sha256, plan->params.cluster->sha256, sizeof memory->sha256);
    memory->start_s = plan->params.start_s;
    memory->launch_s = plan->params.launch_s;
    return done ? SPOTOPT_OK : spotopt__nomem(err, "a drain");
}

static spotopt_status
make_plan(planning *plan, spotopt_drain *drain, spotopt_error *err)
{
    spotopt__drain_job job;
    spotopt_status status = mark_nodes(plan, err);

    if (status == SPOTOPT_OK)
        status = spotopt__drain_terms_make(plan->params.policy, plan->cluster, plan->params.start_s,
                                           plan->params.now_s, plan->start_s, &plan->terms, err);
    plan->outlook.start_s = plan->start_s;
    if (status == SPOTOPT_OK)
        status = find_blocked(plan, err);
    if (status == SPOTOPT_OK)
        status = find_targets(plan, err);
    if (status != SPOTOPT_OK)
        return status;
    memset(&job, 0, sizeof job);
    job.cluster = plan->cluster;
    job.leaves = plan->leaves;
    job.target = plan->target;
    job.launches = plan->launches.at;
    job.launch_count = plan->launches.count;
    job.notice_s = plan->params.notice_s;
    job.launch_s = plan->params.launch_s;
    job.start_s = plan->params.start_s;
    job.detach_s = plan->terms.detach_s;
    job.evictions_per_h = plan->terms.evictions_per_h;
    job.gates = plan->terms.gates.at;
    job.gate_count = plan->terms.gates.count;
    job.outlook = &plan->outlook;
    status = spotopt__drain_schedule(&job, &plan->schedule, err);
    if (status == SPOTOPT_OK)
        status = write_plan(plan, &job, drain, err);
    return status == SPOTOPT_OK ? remember(plan, &drain->memory, err) : status;
}

static void
free_plan(planning *plan)
{
    spotopt__free(plan->context, plan->leaves);
    spotopt__free(plan->context, plan->stays);
    spotopt__free(plan->context, plan->why);
    spotopt__free(plan->context, plan->pdb);
    spotopt__free(plan->context, (void *)plan->missing);
    spotopt__free(plan->context, plan->target);
    spotopt__free(plan->context, plan->movers);
    spotopt__places_free(&plan->places);
    spotopt__vec_free(plan->context, &plan->launches);
    spotopt__arena_free(&plan->arena);
    spotopt__schedule_free(&plan->schedule);
    spotopt__free(plan->context, plan->start_s);
    spotopt__drain_terms_free(&plan->terms);
    if (plan->fleet.context != NULL || plan->fleet.wanted != NULL)
        spotopt__fleet_free(&plan->fleet);
    spotopt__moment_free(&plan->moment);
}

spotopt_status
spotopt__drain_plan_from(spotopt_context *context, const spotopt_drain_params *params,
                         const spotopt__progress *progress, spotopt_drain **out, spotopt_error *err)
{
    planning plan;
    spotopt_drain *drain;
    spotopt_status status;

    memset(&plan, 0, sizeof plan);
    status = check_params(params, &plan, err);
    if (status != SPOTOPT_OK)
        return status;
    drain = spotopt__alloc(context, sizeof *drain);
    if (drain == NULL)
        return spotopt__nomem(err, "a drain");
    drain->context = spotopt__context_hold(context);
    drain->memory.start.context = drain->memory.schedule.context = plan.context;
    drain->keeper = spotopt__context_hold(plan.context);
    plan.places.context = plan.schedule.context = plan.moment.context = plan.terms.context =
        plan.context;
    plan.progress = progress;
    spotopt__arena_init(&plan.arena, plan.context);
    if (progress != NULL) {
        status = spotopt__moment_make(params->cluster, progress, &plan.moment, err);
        plan.cluster = &plan.moment.cluster;
        plan.outlook = plan.moment.outlook;
    }
    if (status == SPOTOPT_OK)
        status = make_plan(&plan, drain, err);
    free_plan(&plan);
    if (status != SPOTOPT_OK) {
        spotopt_drain_free(drain);
        return status;
    }
    *out = drain;
    return SPOTOPT_OK;
}

spotopt_status
spotopt_drain_plan(spotopt_context *context, const spotopt_drain_params *params,
                   const spotopt_options *options, spotopt_drain **out, spotopt_error *err)
{
    (void)options; /* a drain takes milliseconds: there is nothing to cut short */
    if (out == NULL)
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT, "out is NULL");
    return spotopt__drain_plan_from(context, params, NULL, out, err);
}

const spotopt__drain_memory *
spotopt__drain_recall(const spotopt_drain *drain)
{
    return &drain->memory;
}

void
spotopt_drain_free(spotopt_drain *drain)
{
    spotopt_context *context, *keeper;

    if (drain == NULL)
        return;
    context = drain->context;
    keeper = drain->keeper;
    spotopt__progress_free(&drain->memory.start);
    spotopt__schedule_free(&drain->memory.schedule);
    spotopt__vec_free(keeper, &drain->memory.nodes);
    spotopt__free(context, drain->text);
    spotopt__free(context, drain);
    spotopt__context_drop(keeper);
    spotopt__context_drop(context);
}

size_t
spotopt_drain_blocked_count(const spotopt_drain *drain)
{
    return drain->blocked_count;
}

size_t
spotopt_drain_lost_count(const spotopt_drain *drain)
{
    return drain->lost_count;
}

double
spotopt_drain_makespan_s(const spotopt_drain *drain)
{
    return drain->makespan_s;
}

spotopt_status
spotopt_drain_write(const spotopt_drain *drain, char **out_text, size_t *out_length,
                    spotopt_error *err)
{
    char *copy = spotopt__dup_array(drain->context, drain->text, drain->length + 1, 1);

    if (copy == NULL)
        return spotopt__nomem(err, "a drain plan");
    *out_text = copy;
    if (out_length != NULL)
        *out_length = drain->length;
    return SPOTOPT_OK;
}
