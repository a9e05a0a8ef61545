/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rank_scene.c - the pools that came through the funnel, scored and best first.
 *
 * Gathers what src/rank works on: prices, risk, metrics, and how much of the request a node of each
 * pool takes. The reference price is the cheapest on-demand one of the whole catalog, so that what
 * the funnel drops moves nothing.
 */
#include "pipeline/screen.h"
#include "rank/rank.h"

#define WEIGHTS_SEED 1 /* the same draws in every ranking, so that shares can be compared */
#define WEIGHTS_DRAWN 1000

/* Requests that a node takes: whole ones, but no more than there are, for room that nobody needs is
 * no bargain; a part of one where not even one fits, for the mean of many is nobody's. */
static double
count_fits(const spotopt__scene *scene, const spotopt__amounts *request,
           const spotopt__amounts *room, double replicas)
{
    double fits = spotopt__rank_fits(request, room, scene->cluster->resources.count), part = 1.0;

    if (fits >= 1.0)
        return fmin(fits, replicas);
    for (uint32_t r = 0; r < scene->cluster->resources.count; r++) {
        if (request->of[r] > 0)
            part = fmin(part, (double)room->of[r] / (double)request->of[r]);
    }
    return fmax(part, 1e-3);
}

/* What is measured by: the least on-demand price a request of the whole catalog, and whose it is.
 */
static spotopt_status
find_on_demand_need(spotopt__scene *scene, double *out, spotopt_error *err)
{
    size_t count = scene->catalog->pools.count;
    double *usd = spotopt__alloc_array(scene->context, count + 1, sizeof *usd);
    double *fits = spotopt__alloc_array(scene->context, count + 1, sizeof *fits);
    bool *is_on_demand = spotopt__alloc_array(scene->context, count + 1, sizeof *is_on_demand);
    bool is_guess;

    if (usd == NULL || fits == NULL || is_on_demand == NULL) {
        spotopt__free(scene->context, usd);
        spotopt__free(scene->context, fits);
        spotopt__free(scene->context, is_on_demand);
        return spotopt__nomem(err, "a ranking");
    }
    for (size_t i = 0; i < count; i++) {
        usd[i] = scene->catalog->pools.at[i].usd_per_h;
        fits[i] =
            count_fits(scene, &scene->rank_request, &scene->pools[i].room, scene->rank_replicas);
        is_on_demand[i] = scene->catalog->pools.at[i].purchase == SPOTOPT__ON_DEMAND;
    }
    *out = spotopt__rank_on_demand_need(usd, fits, is_on_demand, count, &is_guess);
    scene->anchor = SPOTOPT__NONE;
    for (uint32_t i = 0; i < count; i++) {
        if (usd[i] >= 0.0 && (is_guess || is_on_demand[i]) &&
            (scene->anchor == SPOTOPT__NONE ||
             usd[i] / fits[i] < usd[scene->anchor] / fits[scene->anchor]))
            scene->anchor = i;
    }
    spotopt__free(scene->context, usd);
    spotopt__free(scene->context, fits);
    spotopt__free(scene->context, is_on_demand);
    return SPOTOPT_OK;
}

void
spotopt__rank_candidate(const spotopt__scene *scene, uint32_t index, spotopt__rank_pool *out)
{
    const spotopt__amounts *request = &scene->rank_request;
    const spotopt__pool *pool = &scene->catalog->pools.at[index];
    const spotopt__type *type = &scene->catalog->types.at[pool->type];
    const spotopt__amounts *room = &scene->pools[index].room;
    uint32_t at = scene->metrics == NULL ? SPOTOPT__NONE
                                         : spotopt__map_get(&scene->metrics->pool_by_id, pool->id);

    *out = (spotopt__rank_pool){
        .id = pool->id,
        .usd_per_h = pool->usd_per_h,
        .fits = count_fits(scene, request, room, scene->rank_replicas),
        .p_h = scene->pools[index].p_horizon,
        .latency_ms = NAN,
        .throughput_rps = NAN,
        .error_frac = NAN,
        .coremark_per_s = type->coremark_per_s,
        .list_usd_per_h = spotopt__catalog_on_demand_price(scene->catalog, pool->type),
        .cpu_free_frac = spotopt__rank_headroom(request, room, SPOTOPT__CPU),
        .memory_free_frac = spotopt__rank_headroom(request, room, SPOTOPT__MEMORY),
        .placement_score = pool->placement_score,
        .is_on_demand = pool->purchase == SPOTOPT__ON_DEMAND,
    };
    if (at == SPOTOPT__NONE)
        return;
    const spotopt__metric *metric = &scene->metrics->pools.at[at];
    out->latency_ms = metric->latency_ms;
    out->throughput_rps = metric->throughput_rps;
    out->error_frac = metric->error_frac;
    if (metric->cpu_free_frac >= 0.0)
        out->cpu_free_frac = metric->cpu_free_frac;
    if (metric->memory_free_frac >= 0.0)
        out->memory_free_frac = metric->memory_free_frac;
}

static void
take_row(spotopt__scene *scene, const spotopt__rank_row *row, uint32_t pool, uint32_t place)
{
    spotopt__scene_pool *to = &scene->pools[pool];

    scene->by_place[place] = pool;
    to->place = place;
    to->score = row->score;
    to->expected_usd_per_h = row->expected_usd_per_h;
    to->rank_flags = row->flags;
    for (int f = 0; f < SPOTOPT__FACTORS; f++) {
        to->factors[f] = row->u[f];
        to->contributions[f] = row->phi[f];
    }
}

/* Where the policy asks for it. */
static void
weigh_by_money(const spotopt__scene *scene, spotopt__rank_terms *terms)
{
    const double worth[2] = {scene->policy->worth_performance, scene->policy->worth_capacity};
    spotopt__rank_pool anchor;

    if (!scene->policy->weights_from_money || scene->anchor == SPOTOPT__NONE)
        return;
    spotopt__rank_candidate(scene, scene->anchor, &anchor);
    (void)spotopt__rank_money_weights(&anchor, terms, worth, terms->weights);
}

static bool
find_insights(spotopt__scene *scene, const spotopt__rank_pool *pools,
              const spotopt__rank_terms *terms, spotopt__rank_row *rows, size_t count)
{
    double *frac = spotopt__alloc_array(scene->context, count + 1, sizeof *frac);
    bool is_fine;

    scene->insights = spotopt__arena_alloc(&scene->arena, count + 1, sizeof *scene->insights);
    is_fine = frac != NULL && scene->insights != NULL &&
              spotopt__rank_mark_front(scene->context, rows, count) &&
              spotopt__rank_acceptability(scene->context, rows, count, terms->score, WEIGHTS_SEED,
                                          WEIGHTS_DRAWN, frac);
    for (size_t i = 0; is_fine && i < count; i++) {
        spotopt__insight *to = &scene->insights[i];

        to->is_on_front = rows[i].is_on_front;
        to->first_frac = frac[i];
        spotopt__rank_range(&pools[rows[i].pool], terms, &to->low, &to->high);
        for (int q = 0; q < SPOTOPT__QUANTITIES; q++)
            to->would_win[q] =
                i == 0 ? (double)NAN
                       : spotopt__rank_would_win(&pools[rows[i].pool], terms, rows[0].score, q);
    }
    spotopt__free(scene->context, frac);
    return is_fine;
}

/* Compares what runs with the first place, or with the second where it holds the first itself. */
static void
judge_hold(const spotopt__scene *scene, const spotopt__rank_pool *pools, const uint32_t *from,
           const spotopt__rank_terms *terms, const spotopt__rank_row *rows, size_t count)
{
    spotopt__hold *hold = scene->hold;
    const spotopt_policy *policy = scene->policy;
    const spotopt__rank_change change = {.move_usd = policy->move_usd,
                                         .horizon_h = policy->change_horizon_h,
                                         .standard_errors = policy->change_se,
                                         .min_saving_frac = policy->min_saving_frac,
                                         .min_dwell_min = policy->min_dwell_min,
                                         .max_moves_per_h = policy->max_moves_per_h};
    spotopt__rank_held held = {.dwell_min = hold->dwell_min,
                               .moves = hold->moves,
                               .replicas = hold->replicas,
                               .is_noticed = hold->is_noticed};

    hold->best = SPOTOPT__NONE;
    for (size_t i = 0; i < count; i++) {
        uint32_t pool = from[rows[i].pool];

        if (pool == hold->current) {
            held.current = &pools[rows[i].pool];
            held.current_p_sd = scene->pools[pool].p_horizon_sd;
        } else if (held.best == NULL) {
            hold->best = pool;
            held.best = &pools[rows[i].pool];
            held.best_p_sd = scene->pools[pool].p_horizon_sd;
        }
    }
    spotopt__rank_hold(&held, &change, terms, &hold->found);
}

spotopt_status
spotopt__rank_scene(spotopt__scene *scene, const spotopt__amounts *request, double replicas,
                    spotopt_error *err)
{
    size_t count = scene->place_count, reference = 0;
    spotopt__rank_pool *pools = spotopt__alloc_array(scene->context, count + 1, sizeof *pools);
    spotopt__rank_row *rows = spotopt__alloc_array(scene->context, count + 1, sizeof *rows);
    uint32_t *from = spotopt__dup_array(scene->context, scene->by_place, count + 1, sizeof *from);
    double on_demand_need = NAN;
    spotopt_status status;

    scene->rank_request = *request;
    scene->rank_replicas = replicas;
    status = pools == NULL || rows == NULL || from == NULL
                 ? spotopt__nomem(err, "a ranking")
                 : find_on_demand_need(scene, &on_demand_need, err);

    if (status == SPOTOPT_OK && count == 0 && scene->hold != NULL)
        judge_hold(scene, pools, from, NULL, rows, 0);
    if (status != SPOTOPT_OK || count == 0)
        goto done;
    for (size_t i = 0; i < count; i++)
        spotopt__rank_candidate(scene, from[i], &pools[i]);
    spotopt__rank_terms terms =
        spotopt__rank_terms_of(scene->policy, on_demand_need, scene->catalog->placement_score_max);
    weigh_by_money(scene, &terms);
    if (!spotopt__rank_order(scene->context, pools, count, &terms, rows, &reference)) {
        status = spotopt__nomem(err, "a ranking");
        goto done;
    }
    for (uint32_t i = 0; i < count; i++)
        take_row(scene, &rows[i], from[rows[i].pool], i);
    scene->rank_reference = from[rows[reference].pool];
    memcpy(scene->rank_base, rows[reference].v, sizeof scene->rank_base);
    scene->rank_terms = terms;
    if (count > 1)
        scene->rank_flip = spotopt__rank_flip(rows[0].v, rows[1].v, terms.weights, terms.score,
                                              scene->rank_flip_change);
    if (scene->wants_insights && !find_insights(scene, pools, &terms, rows, count))
        status = spotopt__nomem(err, "a ranking");
    if (scene->hold != NULL)
        judge_hold(scene, pools, from, &terms, rows, count);
done:
    spotopt__free(scene->context, pools);
    spotopt__free(scene->context, rows);
    spotopt__free(scene->context, from);
    return status;
}

void
spotopt__rank_put_flags(uint32_t flags, spotopt__jw *jw)
{
    static const struct {
        uint32_t flag;
        const char *text;
    } words[] = {
        {SPOTOPT__RANK_LATENCY_ASSUMED, "latency-assumed"},
        {SPOTOPT__RANK_THROUGHPUT_ASSUMED, "throughput-assumed"},
        {SPOTOPT__RANK_ERRORS_ASSUMED, "errors-assumed"},
        {SPOTOPT__RANK_BENCHMARK, "benchmark-for-performance"},
        {SPOTOPT__RANK_HEADROOM_ASSUMED, "headroom-assumed"},
        {SPOTOPT__RANK_OBTAINABLE_ASSUMED, "obtainability-assumed"},
        {SPOTOPT__RANK_COST_ASSUMED, "cost-assumed"},
    };

    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (flags & words[i].flag)
            spotopt__jw_text(jw, words[i].text);
    }
}
