/* SPDX-License-Identifier: Apache-2.0 */
/*
 * decide.c - from what is known to what is to be done.
 *
 * Packs, gives pods their nodes, orders the moves. Where the order shows that a pod cannot leave
 * after all, or a share of the policy that counts spot nodes alone is missed, the question is put
 * again with that known; the bound is the first question's, which all later ones only narrow.
 * Changes that do not pay back within the policy's horizon are left out likewise. A saving below
 * the policy's min_saving_frac, or too small for the solver to have looked for, moves nothing.
 */
#include "pipeline/decide.h"
#include "pipeline/changes.h"

#define ROUNDS 6
#define MANY_PODS 2000
#define EPS 1e-9

typedef struct round_work {
    spotopt__scene *scene;
    spotopt__decision *decision;
    const spotopt_options *options;
    unsigned char *fixed, *out; /* pods: must stay on its node; is left out */
    double start_s, deadline_s;
} round_work;

static double
now(const round_work *w)
{
    return spotopt__clock(w->scene->context);
}

/*
 * Work for one decision unless the caller says otherwise: a second or so where the gap stays open,
 * more for more pods, and the same on every machine, which the clock is not.
 */
static double
usual_work(const spotopt__scene *scene)
{
    return 1.0e7 + 250.0 * (double)scene->cluster->pods.count;
}

static double
gap_wanted(const round_work *w)
{
    const spotopt_options *given = w->options;

    if (given != NULL && given->is_set[SPOTOPT__OPT_GAP_REL])
        return given->value[SPOTOPT__OPT_GAP_REL];
    return w->scene->policy->gap_rel >= 0.0 ? w->scene->policy->gap_rel
                                            : spotopt__option(given, SPOTOPT__OPT_GAP_REL);
}

/* The caller's options, completed by the policy, with a share of the time that is left. */
static spotopt_status
make_options(const round_work *w, double time_frac, double gap_least, spotopt_options **out,
             spotopt_error *err)
{
    const spotopt_policy *policy = w->scene->policy;
    const spotopt_options *given = w->options;
    double seed = given != NULL && given->is_set[SPOTOPT__OPT_SEED]
                      ? given->value[SPOTOPT__OPT_SEED]
                  : policy->seed >= 0.0 ? policy->seed
                                        : spotopt__option(given, SPOTOPT__OPT_SEED);
    double left = fmax(0.01, (w->start_s + w->deadline_s - now(w)) * time_frac);
    spotopt_options *options = NULL;
    spotopt_status status = spotopt_options_new(w->scene->context, &options, err);

    if (status != SPOTOPT_OK)
        return status;
    options->value[SPOTOPT__OPT_GAP_REL] = fmax(gap_wanted(w), gap_least);
    options->value[SPOTOPT__OPT_SEED] = seed;
    options->value[SPOTOPT__OPT_DEADLINE_S] = left;
    options->value[SPOTOPT__OPT_WORK] = given != NULL && given->is_set[SPOTOPT__OPT_WORK]
                                            ? given->value[SPOTOPT__OPT_WORK]
                                            : floor(time_frac * usual_work(w->scene));
    options->value[SPOTOPT__OPT_THREADS] = spotopt__option(given, SPOTOPT__OPT_THREADS);
    if (given != NULL)
        spotopt_options_set_progress(options, given->progress, given->progress_user);
    *out = options;
    return SPOTOPT_OK;
}

static bool
is_complete(const spotopt_packing *packing)
{
    int32_t outcome = spotopt_packing_outcome(packing);

    return outcome == SPOTOPT_OUTCOME_OPTIMAL || outcome == SPOTOPT_OUTCOME_FEASIBLE;
}

static double
dearest_pool(const spotopt__scene *scene)
{
    double most = 1.0;

    for (uint32_t i = 0; i < scene->place_count; i++)
        most = fmax(most, scene->pools[scene->by_place[i]].cost);
    return most;
}

static spotopt_status
pack(const round_work *w, const spotopt__ask *ask, double time_frac, double gap_least,
     spotopt__translation *t, spotopt_packing **out, spotopt_error *err)
{
    spotopt_options *options = NULL;
    spotopt_packing_stats stats = SPOTOPT_PACKING_STATS_INIT;
    spotopt_status status = spotopt__translate(w->scene, ask, t, err);

    if (status == SPOTOPT_OK)
        status = make_options(w, time_frac, gap_least, &options, err);
    if (status == SPOTOPT_OK)
        status = spotopt_problem_solve(t->problem, options, out, err);
    spotopt_options_free(options);
    if (status == SPOTOPT_OK && spotopt_packing_stats_get(*out, &stats, NULL) == SPOTOPT_OK &&
        stats.cut_short)
        w->decision->cut_short = true;
    return status;
}

static void
drop(spotopt__translation *t, spotopt_packing **packing)
{
    spotopt_packing_free(*packing);
    *packing = NULL;
    spotopt__translation_free(t);
}

static spotopt_status
find_hopeless(const round_work *w, spotopt_error *err)
{
    spotopt__decision *d = w->decision;
    spotopt_status status = spotopt__find_hopeless(w->scene, w->fixed, w->out, &d->unplaced, err);

    d->hopeless = d->unplaced.count;
    return status;
}

/*
 * Who stays out of a packing that could not place all: pods that wait, last ones first. When more
 * would have to go than wait, pods that run hold their places instead: they are not taken down for
 * others.
 */
static spotopt_status
leave_out(const round_work *w, const spotopt__translation *t, const spotopt_packing *packing,
          spotopt_error *err)
{
    const spotopt_cluster *cluster = w->scene->cluster;
    spotopt__decision *d = w->decision;
    bool stand_still = false;

    d->unplaced.count = d->hopeless;
    for (uint32_t demand = 0; demand < t->demand_count; demand++) {
        uint32_t left = spotopt_packing_unplaced(packing, demand);
        const char *reason = "no room was found for it";

        for (size_t i = 0; i < spotopt_packing_why_count(packing) && left > 0; i++) {
            uint32_t of = 0;
            const char *text = spotopt_packing_why_at(packing, i, &of);

            if (of == demand && text != NULL) {
                reason = spotopt__arena_text(&d->arena, text, strlen(text));
                break;
            }
        }
        for (uint32_t i = t->pod_start[demand + 1]; i-- > t->pod_start[demand] && left > 0;) {
            uint32_t pod = t->pods[i];

            if (cluster->pods.at[pod].node != SPOTOPT__NONE)
                continue;
            w->out[pod] = 1;
            left--;
            if (reason == NULL ||
                !spotopt__vec_push(d->context, &d->unplaced, (spotopt__left_out){pod, reason}))
                return spotopt__nomem(err, "unplaced pods");
        }
        stand_still = stand_still || left > 0;
    }
    for (size_t i = 0; i < cluster->pods.count && stand_still; i++)
        w->fixed[i] = cluster->pods.at[i].node != SPOTOPT__NONE;
    return find_hopeless(w, err);
}

/*
 * Pack with everything required; where that cannot be had, find out at a price who stays out, and
 * pack the rest anew: its bound is then of what is really placed. False in *out_done: not even the
 * rest can be had.
 */
static spotopt_status
pack_most(const round_work *w, spotopt__ask *ask, double time_frac, spotopt__translation *t,
          spotopt_packing **out, bool *out_done, spotopt_error *err)
{
    spotopt_status status = SPOTOPT_OK;

    *out_done = false;
    for (int attempt = 0; attempt < 3 && status == SPOTOPT_OK; attempt++) {
        ask->unplaced_cost = attempt == 1 ? 100.0 * dearest_pool(w->scene) : (double)NAN;
        status = pack(w, ask, time_frac, 0.0, t, out, err);
        if (status != SPOTOPT_OK)
            return status;
        if (attempt != 1 && is_complete(*out)) {
            *out_done = true;
            return SPOTOPT_OK;
        }
        if (attempt == 1)
            status = leave_out(w, t, *out, err);
        drop(t, out);
    }
    return status;
}

/* --- the order of moves --- */

static spotopt_status
order_moves(const round_work *w, spotopt_error *err)
{
    const spotopt__scene *scene = w->scene;
    spotopt__decision *d = w->decision;
    size_t nodes = scene->cluster->nodes.count;
    spotopt__drain_job job = {0};
    spotopt__launch *launches =
        spotopt__alloc_array(d->context, d->launches.count + 1, sizeof *launches);
    unsigned char *leaves = spotopt__alloc_array(d->context, nodes + 1, 1);
    spotopt_drain_params defaults = SPOTOPT_DRAIN_PARAMS_INIT;
    spotopt_status status;
    double start_s = now(w);

    if (launches == NULL || leaves == NULL) {
        status = spotopt__nomem(err, "moves");
        goto done;
    }
    for (size_t i = 0; i < d->launches.count; i++)
        launches[i] = (spotopt__launch){d->launches.at[i].name,
                                        scene->catalog->pools.at[d->launches.at[i].pool].id,
                                        d->launches.at[i].room};
    for (size_t n = 0; n < nodes; n++)
        leaves[n] = !d->keeps[n];
    spotopt__schedule_free(&d->schedule);
    job.cluster = scene->cluster;
    job.leaves = leaves;
    job.target = d->target;
    job.launches = launches;
    job.launch_count = d->launches.count;
    job.launch_s = defaults.launch_s;
    job.start_s = defaults.start_s;
    status = spotopt__drain_schedule(&job, &d->schedule, err);
done:
    spotopt__free(d->context, launches);
    spotopt__free(d->context, leaves);
    d->drain_s += now(w) - start_s;
    return status;
}

/* Pods that turned out not to be able to leave; true when that is news. */
static bool
fix_blocked(const round_work *w)
{
    bool news = false;

    for (size_t i = 0; i < w->decision->schedule.blocked.count; i++) {
        uint32_t pod = w->decision->schedule.blocked.at[i].pod;

        if (!w->fixed[pod]) {
            w->fixed[pod] = 1;
            news = true;
        }
    }
    return news;
}

/* --- staying put --- */

/* Everything where it is: possible when no pod that waits has found a place and no node has to go.
 */
static bool
can_stay(const round_work *w)
{
    const spotopt__scene *scene = w->scene;

    for (size_t n = 0; n < scene->cluster->nodes.count; n++) {
        if (scene->nodes[n].must_go)
            return false;
    }
    for (size_t i = 0; i < scene->cluster->pods.count; i++) {
        if (spotopt__pod_counts(&scene->cluster->pods.at[i]) && !w->out[i] &&
            scene->cluster->pods.at[i].node == SPOTOPT__NONE)
            return false;
    }
    return true;
}

/*
 * Of what the running fleet costs, the least saving that moves anything: the policy's, but no less
 * than the gap that the solver may leave open, or a plan just carried out would be mended at once.
 */
static double
least_saving(const round_work *w)
{
    return fmax(w->scene->policy->min_saving_frac, gap_wanted(w));
}

/* What a question put again may worsen. */
typedef struct kept {
    unsigned char *keeps, *fixed;
    uint32_t *target;
    spotopt__new_node *launches;
    size_t launch_count;
    int32_t outcome;
    double objective;
} kept;

static bool
keep_copy(const round_work *w, kept *copy)
{
    const spotopt_cluster *cluster = w->scene->cluster;
    spotopt__decision *d = w->decision;

    *copy =
        (kept){.launch_count = d->launches.count, .outcome = d->outcome, .objective = d->objective};
    copy->keeps = spotopt__arena_alloc(&d->arena, cluster->nodes.count + 1, 1);
    copy->fixed = spotopt__arena_alloc(&d->arena, cluster->pods.count + 1, 1);
    copy->target = spotopt__arena_alloc(&d->arena, cluster->pods.count + 1, sizeof *copy->target);
    copy->launches = spotopt__arena_alloc(&d->arena, d->launches.count + 1, sizeof *copy->launches);
    if (copy->keeps == NULL || copy->fixed == NULL || copy->target == NULL ||
        copy->launches == NULL)
        return false;
    memcpy(copy->keeps, d->keeps, cluster->nodes.count);
    memcpy(copy->fixed, w->fixed, cluster->pods.count);
    memcpy(copy->target, d->target, cluster->pods.count * sizeof *d->target);
    if (d->launches.count > 0)
        memcpy(copy->launches, d->launches.at, d->launches.count * sizeof *copy->launches);
    return true;
}

/* There is room: the list was as long before. */
static spotopt_status
bring_back(const round_work *w, const kept *copy, spotopt_error *err)
{
    const spotopt_cluster *cluster = w->scene->cluster;
    spotopt__decision *d = w->decision;

    memcpy(d->keeps, copy->keeps, cluster->nodes.count);
    memcpy(w->fixed, copy->fixed, cluster->pods.count);
    memcpy(d->target, copy->target, cluster->pods.count * sizeof *d->target);
    d->launches.count = 0;
    for (size_t i = 0; i < copy->launch_count; i++) {
        if (!spotopt__vec_push(d->context, &d->launches, copy->launches[i]))
            return spotopt__nomem(err, "new nodes");
    }
    d->outcome = copy->outcome;
    spotopt__decision_count(w->scene, d);
    return order_moves(w, err);
}

/*
 * Pods of changes that do not pay back stay, and the question is put again: rules tie changes, so
 * that undoing one alone might break them. What gets dearer so, or impossible, was needed.
 */
static spotopt_status
leave_out_unpaid(const round_work *w, spotopt__ask *ask, spotopt_error *err)
{
    spotopt__decision *d = w->decision;
    spotopt_status status = SPOTOPT_OK;

    for (int round = 0; round < 2 && status == SPOTOPT_OK; round++) {
        spotopt__changes changes;
        spotopt__translation t;
        spotopt_packing *packing = NULL;
        double start_s = now(w);
        uint32_t news;
        bool better = false;
        kept before;

        if ((status = spotopt__changes_find(w->scene, d, &changes, err)) != SPOTOPT_OK)
            return status;
        if (!keep_copy(w, &before)) {
            spotopt__changes_free(&changes);
            return spotopt__nomem(err, "a decision");
        }
        news = spotopt__changes_fix(w->scene, d, &changes, w->fixed);
        spotopt__changes_free(&changes);
        if (news == 0)
            return SPOTOPT_OK;
        ask->unplaced_cost = (double)NAN;
        memset(&t, 0, sizeof t);
        status = pack(w, ask, 0.2, 0.0, &t, &packing, err);
        d->pack_s += now(w) - start_s;
        if (status == SPOTOPT_OK && is_complete(packing) &&
            (status = spotopt__assign(w->scene, &t, packing, w->fixed, d, err)) == SPOTOPT_OK &&
            (status = order_moves(w, err)) == SPOTOPT_OK) {
            const int32_t outcome = spotopt_packing_outcome(packing);

            spotopt__decision_count(w->scene, d);
            better = d->schedule.blocked.count == 0 && d->objective <= before.objective + EPS &&
                     spotopt__decision_meets(w->scene, d, ask);
            d->outcome = outcome;
        }
        drop(&t, &packing);
        if (status == SPOTOPT_OK && !better)
            return bring_back(w, &before, err);
    }
    return status;
}

/* --- the whole --- */

static spotopt_status
find_fixed(const round_work *w, spotopt_error *err)
{
    size_t count = w->scene->cluster->pods.count;
    int32_t *reason = spotopt__alloc_array(w->scene->context, count + 1, sizeof *reason);
    uint32_t *pdb = spotopt__alloc_array(w->scene->context, count + 1, sizeof *pdb);
    spotopt_status status = reason == NULL || pdb == NULL
                                ? spotopt__nomem(err, "pods that may not leave")
                                : spotopt__drain_evictable(w->scene->cluster, reason, pdb, err);

    for (size_t i = 0; i < count && status == SPOTOPT_OK; i++)
        w->fixed[i] =
            reason[i] != SPOTOPT__MAY_LEAVE && w->scene->cluster->pods.at[i].node != SPOTOPT__NONE;
    spotopt__free(w->scene->context, reason);
    spotopt__free(w->scene->context, pdb);
    return status;
}

/* Nothing that was asked can be had: all that runs goes on running, nothing is bought, what waits
 * goes on waiting. */
static spotopt_status
stand_still(round_work *w, spotopt_error *err)
{
    const spotopt_cluster *cluster = w->scene->cluster;
    spotopt__decision *d = w->decision;

    spotopt__decision_stay(w->scene, d);
    d->outcome = SPOTOPT_OUTCOME_INFEASIBLE;
    d->bound = 0.0;
    for (uint32_t i = 0; i < cluster->pods.count; i++) {
        if (!spotopt__pod_counts(&cluster->pods.at[i]) || w->out[i] ||
            d->target[i] != SPOTOPT__NONE)
            continue;
        w->out[i] = 1;
        if (!spotopt__vec_push(
                d->context, &d->unplaced,
                (spotopt__left_out){i, "no fleet keeps the policy's rules and has room for it"}))
            return spotopt__nomem(err, "unplaced pods");
    }
    d->hopeless = d->unplaced.count;
    return order_moves(w, err);
}

static spotopt_status
decide_fleet(round_work *w, spotopt_error *err)
{
    spotopt__scene *scene = w->scene;
    spotopt__decision *d = w->decision;
    spotopt__ask ask = {
        .fixed = w->fixed, .out = w->out, .unplaced_cost = NAN, .diversify_scale = 1.0};
    spotopt_status status = SPOTOPT_OK;

    d->keep_objective = spotopt__keep_cost(scene);
    d->bound = -INFINITY;
    for (int round = 0; round < ROUNDS; round++) {
        spotopt__translation t;
        spotopt_packing *packing = NULL;
        double start_s = now(w);
        bool is_done, again;

        memset(&t, 0, sizeof t);
        status = pack_most(w, &ask, round == 0 ? 0.66 : 0.4, &t, &packing, &is_done, err);
        d->pack_s += now(w) - start_s;
        if (status == SPOTOPT_OK && !is_done)
            return stand_still(w, err);
        if (status == SPOTOPT_OK)
            status = spotopt__assign(scene, &t, packing, w->fixed, d, err);
        if (status == SPOTOPT_OK) {
            d->outcome = spotopt_packing_outcome(packing);
            if (round == 0)
                d->bound = spotopt_packing_bound(packing) + spotopt__standing_cost(scene);
        }
        drop(&t, &packing);
        if (status != SPOTOPT_OK || (status = order_moves(w, err)) != SPOTOPT_OK)
            return status;
        again = !spotopt__decision_meets(scene, d, &ask);
        again = fix_blocked(w) || again;
        if (!again)
            break;
    }
    spotopt__decision_count(scene, d);
    if (d->schedule.blocked.count == 0 && (status = leave_out_unpaid(w, &ask, err)) != SPOTOPT_OK)
        return status;
    if (can_stay(w) && d->moves + d->launches.count > 0 &&
        (spotopt__keep_cost(scene) - d->objective < least_saving(w) * spotopt__keep_cost(scene) ||
         d->schedule.blocked.count > 0)) {
        spotopt__decision_stay(scene, d);
        status = order_moves(w, err);
    }
    if (!(d->bound >= 0.0))
        d->bound = 0.0;
    d->bound = fmin(d->bound, d->objective);
    return status;
}

/* The same pods on on-demand nodes alone, bought anew. */
static spotopt_status
decide_reference(round_work *w, spotopt_error *err)
{
    const spotopt__ask ask = {.on_demand_only = true,
                              .fixed = w->fixed,
                              .out = w->out,
                              .unplaced_cost = NAN,
                              .diversify_scale = 1.0};
    spotopt__decision *d = w->decision;
    spotopt__translation t;
    spotopt_packing *packing = NULL;
    double start_s = now(w);
    spotopt_status status;

    memset(&t, 0, sizeof t);
    d->on_demand_usd_per_h = d->on_demand_bound = (double)NAN;
    status = pack(w, &ask, 0.15, 0.0, &t, &packing, err);
    if (status == SPOTOPT_OK && is_complete(packing) && t.missing == 0) {
        d->on_demand_usd_per_h = spotopt_packing_cost(packing);
        d->on_demand_bound = spotopt_packing_bound(packing);
    }
    drop(&t, &packing);
    d->reference_s = now(w) - start_s;
    return status;
}

/* A bound on money alone: the same question at bare prices, moves for nothing. */
static spotopt_status
bound_money(round_work *w, spotopt_error *err)
{
    const spotopt__ask ask = {.money_only = true,
                              .fixed = w->fixed,
                              .out = w->out,
                              .unplaced_cost = NAN,
                              .diversify_scale = 1.0};
    spotopt__decision *d = w->decision;
    spotopt__translation t;
    spotopt_packing *packing = NULL;
    double standing = 0.0, start_s = now(w);
    spotopt_status status;

    for (size_t n = 0; n < w->scene->cluster->nodes.count; n++) {
        if (w->scene->nodes[n].untouched != NULL && w->scene->nodes[n].usd_per_h >= 0.0)
            standing += w->scene->nodes[n].usd_per_h;
    }
    memset(&t, 0, sizeof t);
    d->bound_usd_per_h = (double)NAN;
    /* Of many pods the resource LP, which comes with the first answer, leaves nothing to gain. */
    status = pack(w, &ask, 0.15, w->scene->cluster->pods.count > MANY_PODS ? 1.0 : 0.02, &t,
                  &packing, err);
    if (status == SPOTOPT_OK && spotopt_packing_bound(packing) >= 0.0)
        d->bound_usd_per_h = fmin(spotopt_packing_bound(packing) + standing, d->usd_per_h);
    drop(&t, &packing);
    d->reference_s += now(w) - start_s;
    return status;
}

spotopt_status
spotopt__decide(spotopt__scene *scene, const spotopt_options *options, spotopt__decision *d,
                spotopt_error *err)
{
    round_work w = {.scene = scene, .decision = d, .options = options};
    spotopt_status status;
    double deadline = scene->policy->deadline_s;

    memset(d, 0, sizeof *d);
    d->context = scene->context;
    spotopt__arena_init(&d->arena, scene->context);
    d->keeps = spotopt__arena_alloc(&d->arena, scene->cluster->nodes.count + 1, 1);
    d->target = spotopt__arena_alloc(&d->arena, scene->cluster->pods.count + 1, sizeof *d->target);
    w.fixed = spotopt__arena_alloc(&d->arena, scene->cluster->pods.count + 1, 1);
    w.out = spotopt__arena_alloc(&d->arena, scene->cluster->pods.count + 1, 1);
    if (d->keeps == NULL || d->target == NULL || w.fixed == NULL || w.out == NULL)
        return spotopt__nomem(err, "a decision");
    w.start_s = now(&w);
    if ((options != NULL && options->is_set[SPOTOPT__OPT_DEADLINE_S]) || !(deadline >= 0.0))
        deadline = spotopt__option(options, SPOTOPT__OPT_DEADLINE_S);
    w.deadline_s = deadline;
    if ((status = find_fixed(&w, err)) != SPOTOPT_OK ||
        (status = find_hopeless(&w, err)) != SPOTOPT_OK)
        return status;
    if ((status = decide_fleet(&w, err)) != SPOTOPT_OK)
        return status;
    if ((status = decide_reference(&w, err)) != SPOTOPT_OK)
        return status;
    return bound_money(&w, err);
}

void
spotopt__decision_free(spotopt__decision *d)
{
    spotopt__schedule_free(&d->schedule);
    spotopt__vec_free(d->context, &d->launches);
    spotopt__vec_free(d->context, &d->unplaced);
    if (d->arena.head != NULL)
        spotopt__arena_free(&d->arena);
    memset(d, 0, sizeof *d);
}
