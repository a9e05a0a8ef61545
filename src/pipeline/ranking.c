/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ranking.c - which pools are best for one request: the funnel and the ranking without a cluster.
 *
 * The request becomes a cluster of its own, one workload and nothing running, so that a pool is
 * screened and scored here exactly as it is for a plan.
 */
#include "pipeline/screen.h"
#include "risk/risk.h"
#include "rank/rank.h"
#include "spotopt/rank.h"

#define EXPLAINED 10 /* places explained down to the model's features, unless all are asked for */

struct spotopt_ranking {
    spotopt_context *context;
    uint32_t *pools; /* best first */
    double *scores;
    size_t count;
    char *text;
    size_t length;
    spotopt_switch advice;
};

/* --- the request as a manifest --- */

static spotopt_status
put_requests(spotopt__jw *jw, const char *request, spotopt_error *err)
{
    const char *at = request;
    char name[128], amount[64];

    if (request == NULL || request[0] == 0)
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT,
                             "request is empty; want \"cpu=4,memory=16Gi\"");
    while (*at != 0) {
        const char *end = strchr(at, ','), *equals = strchr(at, '=');
        int64_t value;

        if (end == NULL)
            end = at + strlen(at);
        if (equals == NULL || equals >= end || equals == at ||
            (size_t)(equals - at) >= sizeof name || (size_t)(end - equals) > sizeof amount)
            return spotopt__fail(err, SPOTOPT_E_ARGUMENT,
                                 "request \"%.60s\": want RESOURCE=QUANTITY,...", at);
        memcpy(name, at, (size_t)(equals - at));
        name[equals - at] = 0;
        memcpy(amount, equals + 1, (size_t)(end - equals - 1));
        amount[end - equals - 1] = 0;
        if (!spotopt__parse_quantity(amount, strcmp(name, "cpu") == 0, &value) || value < 0)
            return spotopt__fail(err, SPOTOPT_E_ARGUMENT,
                                 "request: %.60s is \"%.40s\"; want a quantity >= 0", name, amount);
        spotopt__jw_put_text(jw, name, amount);
        at = *end == ',' ? end + 1 : end;
    }
    return SPOTOPT_OK;
}

static spotopt_status
make_cluster(spotopt_context *context, const spotopt_rank_params *params, spotopt_cluster **out,
             spotopt_error *err)
{
    spotopt__str str;
    spotopt__jw jw;
    spotopt_status status;

    spotopt__str_init(&str, context);
    spotopt__jw_init(&jw, &str);
    spotopt__jw_object(&jw);
    spotopt__jw_put_text(&jw, "apiVersion", "apps/v1");
    spotopt__jw_put_text(&jw, "kind", "Deployment");
    spotopt__jw_key(&jw, "metadata");
    spotopt__jw_object(&jw);
    spotopt__jw_put_text(&jw, "name", "request");
    spotopt__jw_put_text(&jw, "namespace", "default");
    spotopt__jw_end_object(&jw);
    spotopt__jw_key(&jw, "spec");
    spotopt__jw_object(&jw);
    spotopt__jw_put_int(&jw, "replicas",
                        1); /* pools are screened for one, ranked for all: spotopt__screen_rank() */
    spotopt__str_add(
        &str,
        ",\"selector\":{\"matchLabels\":{\"a\":\"b\"}},\"template\":{\"metadata\":{\"labels\":"
        "{\"a\":\"b\"}},\"spec\":{\"containers\":[{\"name\":\"c\",\"resources\":{\"requests\":");
    spotopt__jw inner;
    spotopt__jw_init(&inner, &str);
    spotopt__jw_object(&inner);
    status = put_requests(&inner, params->request, err);
    spotopt__jw_end_object(&inner);
    spotopt__str_add(&str, "}}]}}}}");
    if (status == SPOTOPT_OK && str.failed)
        status = spotopt__nomem(err, "a request");
    if (status == SPOTOPT_OK)
        status = spotopt_cluster_parse(context, str.at, str.count, "request", NULL, out, err);
    spotopt__str_free(&str);
    return status;
}

/* --- the document --- */

static void
put_flags(spotopt__jw *jw, const spotopt__scene_pool *pool)
{
    spotopt__jw_key(jw, "flags");
    spotopt__jw_array(jw);
    spotopt__risk_put_flags(pool->risk_flags, "risk-", jw);
    spotopt__rank_put_flags(pool->rank_flags, jw);
    spotopt__jw_end_array(jw);
}

static void
put_insight(spotopt__jw *jw, const spotopt__insight *insight)
{
    static const char *const quantities[SPOTOPT__QUANTITIES] = {
        "latency_ms", "throughput_rps", "error_frac", "free_frac", "placement_score"};
    bool is_open = false;

    spotopt__jw_put_bool(jw, "on_front", insight->is_on_front);
    spotopt__jw_put_real(jw, "first_frac", insight->first_frac);
    spotopt__jw_key(jw, "score_range");
    spotopt__jw_array(jw);
    spotopt__jw_real(jw, insight->low);
    spotopt__jw_real(jw, insight->high);
    spotopt__jw_end_array(jw);
    for (int q = 0; q < SPOTOPT__QUANTITIES; q++) {
        if (isnan(insight->would_win[q]))
            continue;
        if (!is_open) {
            spotopt__jw_key(jw, "would_win_with");
            spotopt__jw_object(jw);
        }
        is_open = true;
        spotopt__jw_put_real(jw, quantities[q], insight->would_win[q]);
    }
    if (is_open)
        spotopt__jw_end_object(jw);
}

static bool
put_ranked(spotopt__jw *jw, const spotopt__scene *scene, uint32_t place, bool with_parts)
{
    static const char *const hours[SPOTOPT__HORIZONS] = {"1", "4", "24"};
    uint32_t index = scene->by_place[place];
    const spotopt__scene_pool *pool = &scene->pools[index];
    bool is_fine;

    spotopt__jw_object(jw);
    spotopt__jw_put_int(jw, "place", (int64_t)place + 1);
    spotopt__jw_put_text(jw, "pool", scene->catalog->pools.at[index].id);
    spotopt__jw_put_real(jw, "score", pool->score);
    spotopt__jw_put_real(jw, "usd_per_hour", scene->catalog->pools.at[index].usd_per_h);
    spotopt__rank_put_four(jw, "factors", pool->factors);
    spotopt__rank_put_four(jw, "contributions", pool->contributions);
    is_fine = !with_parts || spotopt__rank_put_parts(scene, index, jw);
    spotopt__jw_key(jw, "p");
    spotopt__jw_object(jw);
    for (int h = 0; h < SPOTOPT__HORIZONS; h++) {
        spotopt__jw_key(jw, hours[h]);
        spotopt__jw_array(jw);
        spotopt__jw_real(jw, pool->p[h]);
        spotopt__jw_real(jw, pool->low[h]);
        spotopt__jw_real(jw, pool->high[h]);
        spotopt__jw_end_array(jw);
    }
    spotopt__jw_end_object(jw);
    spotopt__jw_put_real(jw, "expected_usd_per_hour", pool->expected_usd_per_h);
    put_insight(jw, &scene->insights[place]);
    put_flags(jw, pool);
    spotopt__jw_end_object(jw);
    return is_fine;
}

static void
put_dropped(spotopt__jw *jw, const spotopt__scene *scene)
{
    spotopt__jw_key(jw, "dropped");
    spotopt__jw_array(jw);
    for (size_t i = 0; i < scene->catalog->pools.count; i++) {
        if (scene->pools[i].stage < 0)
            continue;
        spotopt__jw_object(jw);
        spotopt__jw_put_text(jw, "pool", scene->catalog->pools.at[i].id);
        spotopt__jw_put_text(jw, "stage", spotopt__stage_text(scene->pools[i].stage));
        spotopt__jw_put_text(jw, "reason", spotopt__drop_text(scene->pools[i].reason));
        spotopt__jw_end_object(jw);
    }
    spotopt__jw_end_array(jw);
}

static spotopt_status
write_text(const spotopt__scene *scene, const spotopt_rank_params *params,
           const spotopt_options *options, spotopt_ranking *ranking, spotopt_error *err)
{
    uint32_t shown =
        params->top > 0 && params->top < scene->place_count ? params->top : scene->place_count;
    const bool explains_all = spotopt__option(options, SPOTOPT__OPT_EXPLAIN) > 0.0;
    spotopt__str str;
    spotopt__jw jw;
    char now_text[32];

    scene->funnel->runs = 1;
    scene->funnel->chosen = scene->place_count > 0;
    scene->funnel->alternates = scene->place_count > 1 ? scene->place_count - 1 : 0;
    if (scene->funnel->alternates > SPOTOPT__ALTERNATES)
        scene->funnel->alternates = SPOTOPT__ALTERNATES;
    spotopt__str_init(&str, scene->context);
    spotopt__jw_init(&jw, &str);
    spotopt__jw_object(&jw);
    spotopt__jw_put_text(&jw, "apiVersion", "spotopt/v1");
    spotopt__jw_put_text(&jw, "kind", "Ranking");
    spotopt__write_time(scene->now_s, now_text);
    spotopt__jw_put_text(&jw, "now", now_text);
    spotopt__jw_put_text(&jw, "request", params->request);
    spotopt__jw_put_int(&jw, "count", params->count);
    spotopt__rank_put_weights(scene, &jw);
    spotopt__jw_key(&jw, "reference");
    if (scene->place_count > 0)
        spotopt__jw_text(&jw, scene->catalog->pools.at[scene->rank_reference].id);
    else
        spotopt__jw_null(&jw);
    spotopt__jw_key(&jw, "pools");
    spotopt__jw_array(&jw);
    for (uint32_t i = 0; i < shown; i++) {
        if (!put_ranked(&jw, scene, i, explains_all || i < EXPLAINED))
            str.failed = true;
    }
    spotopt__jw_end_array(&jw);
    put_dropped(&jw, scene);
    spotopt__jw_key(&jw, "stability");
    spotopt__jw_object(&jw);
    spotopt__jw_put_real(&jw, "flip_weight",
                         scene->place_count > 1 ? scene->rank_flip : (double)NAN);
    spotopt__rank_put_four(&jw, "change", scene->rank_flip_change);
    spotopt__jw_end_object(&jw);
    if (scene->hold != NULL && !spotopt__switch_put(scene, &jw))
        str.failed = true;
    spotopt__jw_key(&jw, "funnel");
    spotopt__funnel_put(scene->funnel, spotopt__option(options, SPOTOPT__OPT_TIMINGS) > 0.0, &jw);
    spotopt__jw_end_object(&jw);
    spotopt__str_add(&str, "\n");
    ranking->text = spotopt__str_take(&str, &ranking->length);
    return ranking->text == NULL ? spotopt__nomem(err, "a ranking's text") : SPOTOPT_OK;
}

/* --- the public face --- */

static spotopt_status
check_params(const spotopt_rank_params *params, spotopt_error *err)
{
    if (params->catalog == NULL || params->count < 1)
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT, "params: %s",
                             params->catalog == NULL ? "catalog is NULL; it is needed"
                                                     : "count is 0; want at least 1");
    if (params->is_noticed > 1)
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT, "params: is_noticed is %u; want 0 or 1",
                             params->is_noticed);
    if (params->current != NULL && !(params->current_since_s <= params->now_s))
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT,
                             "params: current_since_s is %s; want a time up to now_s",
                             isnan(params->current_since_s) ? "NaN" : "after now_s");
    return SPOTOPT_OK;
}

static spotopt_status
find_hold(const spotopt_rank_params *params, spotopt__hold *out, spotopt_error *err)
{
    *out =
        (spotopt__hold){.current = spotopt__map_get(&params->catalog->pool_by_id, params->current),
                        .dwell_min = (params->now_s - params->current_since_s) / 60.0,
                        .moves = params->recent_moves,
                        .replicas = params->count,
                        .is_noticed = params->is_noticed != 0,
                        .best = SPOTOPT__NONE};
    if (out->current == SPOTOPT__NONE)
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT,
                             "current is \"%.120s\"; want the id of a pool in the catalog",
                             params->current);
    return SPOTOPT_OK;
}

static void
take_advice(const spotopt__hold *hold, spotopt_switch *out)
{
    const spotopt__rank_switch *found = &hold->found;

    out->why = found->why;
    out->to_pool = hold->best;
    out->replicas = (uint32_t)found->replicas;
    out->lead_usd_per_h = found->lead_usd_per_h;
    out->saving_usd = found->saving_usd;
    out->switching_usd = found->switching_usd;
    out->standard_error_usd = found->standard_error_usd;
    out->net_usd = found->net_usd;
}

spotopt_status
spotopt_rank(spotopt_context *context, const spotopt_rank_params *given,
             const spotopt_options *options, spotopt_ranking **out, spotopt_error *err)
{
    spotopt_rank_params params = SPOTOPT_RANK_PARAMS_INIT;
    spotopt_plan_params scene_params = SPOTOPT_PLAN_PARAMS_INIT;
    spotopt_cluster *cluster = NULL;
    spotopt_ranking *ranking = NULL;
    spotopt__hold hold = {.current = SPOTOPT__NONE};
    spotopt__scene scene;
    spotopt_status status;

    if (given == NULL || out == NULL)
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT, "params or out is NULL");
    if ((status = spotopt__copy_in(&params, sizeof params, given, "params", err)) != SPOTOPT_OK)
        return status;
    if ((status = check_params(&params, err)) != SPOTOPT_OK ||
        (params.current != NULL && (status = find_hold(&params, &hold, err)) != SPOTOPT_OK))
        return status;
    memset(&scene, 0, sizeof scene);
    if ((status = make_cluster(context, &params, &cluster, err)) != SPOTOPT_OK)
        goto done;
    scene_params.cluster = cluster;
    scene_params.catalog = params.catalog;
    scene_params.policy = params.policy;
    scene_params.history = params.history;
    scene_params.metrics = params.metrics;
    scene_params.model = params.model;
    scene_params.now_s = params.now_s;
    if ((status = spotopt__scene_make(context, &scene_params, options, &scene, err)) != SPOTOPT_OK)
        goto done;
    scene.wants_insights = true;
    scene.hold = params.current != NULL ? &hold : NULL;
    if ((status = spotopt__screen_rank(&scene, params.count, err)) != SPOTOPT_OK)
        goto done;
    ranking = spotopt__alloc(context, sizeof *ranking);
    if (ranking == NULL) {
        status = spotopt__nomem(err, "a ranking");
        goto done;
    }
    ranking->context = spotopt__context_hold(context);
    ranking->count = scene.place_count;
    ranking->pools =
        spotopt__dup_array(context, scene.by_place, scene.place_count + 1u, sizeof *ranking->pools);
    ranking->scores =
        spotopt__alloc_array(context, scene.place_count + 1u, sizeof *ranking->scores);
    if (ranking->pools == NULL || ranking->scores == NULL) {
        status = spotopt__nomem(err, "a ranking");
        goto done;
    }
    for (uint32_t i = 0; i < scene.place_count; i++)
        ranking->scores[i] = scene.pools[scene.by_place[i]].score;
    ranking->advice = (spotopt_switch)SPOTOPT_SWITCH_INIT;
    if (params.current != NULL)
        take_advice(&hold, &ranking->advice);
    status = write_text(&scene, &params, options, ranking, err);
done:
    if (status == SPOTOPT_OK)
        *out = ranking;
    else
        spotopt_ranking_free(ranking);
    spotopt__scene_free(&scene);
    spotopt_cluster_free(cluster);
    return status;
}

void
spotopt_ranking_free(spotopt_ranking *ranking)
{
    if (ranking != NULL) {
        spotopt_context *context = ranking->context;

        spotopt__free(context, ranking->pools);
        spotopt__free(context, ranking->scores);
        spotopt__free(context, ranking->text);
        spotopt__free(context, ranking);
        spotopt__context_drop(context);
    }
}

size_t
spotopt_ranking_count(const spotopt_ranking *ranking)
{
    return ranking == NULL ? 0 : ranking->count;
}

spotopt_status
spotopt_ranking_at(const spotopt_ranking *ranking, size_t place, uint32_t *out_pool,
                   double *out_score, spotopt_error *err)
{
    if (ranking == NULL || place >= ranking->count)
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT, "place is %zu; want one below %zu", place,
                             ranking == NULL ? 0 : ranking->count);
    if (out_pool != NULL)
        *out_pool = ranking->pools[place];
    if (out_score != NULL)
        *out_score = ranking->scores[place];
    return SPOTOPT_OK;
}

spotopt_status
spotopt_ranking_write(const spotopt_ranking *ranking, char **out_text, size_t *out_length,
                      spotopt_error *err)
{
    if (ranking == NULL || out_text == NULL)
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT, "ranking or out_text is NULL");
    *out_text = spotopt__dup_array(ranking->context, ranking->text, ranking->length + 1, 1);
    if (*out_text == NULL)
        return spotopt__nomem(err, "a ranking's text");
    if (out_length != NULL)
        *out_length = ranking->length;
    return SPOTOPT_OK;
}

spotopt_status
spotopt_ranking_switch(const spotopt_ranking *ranking, spotopt_switch *out, spotopt_error *err)
{
    spotopt_switch made = SPOTOPT_SWITCH_INIT;

    if (ranking == NULL)
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT, "ranking is NULL; want it set");
    if (out == NULL || out->size < sizeof out->size)
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT,
                             "out.size is not set; want SPOTOPT_SWITCH_INIT");
    made = ranking->advice;
    made.size = out->size;
    memcpy(out, &made, out->size < sizeof made ? out->size : sizeof made);
    return SPOTOPT_OK;
}
