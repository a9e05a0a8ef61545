/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plan_write.c - a decision as a Plan document.
 *
 * Everything in a fixed order, so that equal inputs give equal bytes; wall-clock times only when
 * they are asked for.
 */
#include "pipeline/changes.h"
#include "pipeline/decide.h"
#include "pipeline/screen.h"
#include "rank/rank.h"

#define SHOWN_POOLS                                                                                \
    200 /* pools listed beside the chosen ones, best first, for a picture of what there was */

static const char *const horizon_keys[SPOTOPT__HORIZONS] = {"1", "4", "24"};

typedef struct load {
    int64_t cpu, memory;
} load;

typedef struct writer {
    const spotopt__scene *scene;
    const spotopt__decision *d;
    spotopt__jw jw;
    uint32_t *node_pool; /* of planned nodes: running ones, then new ones */
    uint32_t *chosen;    /* planned nodes of each catalog pool */
    uint32_t *pod_start; /* pods of planned node i: pods[pod_start[i]] .. ; running nodes first,
                            then new ones */
    uint32_t *pods;
    bool explains_all; /* not the chosen pools alone */
    load *before;      /* of running nodes: what pods that can move ask for there now */
} writer;

static void
put_inputs(writer *w)
{
    spotopt__jw *jw = &w->jw;
    const struct {
        const char *key, *sha256;
    } inputs[] = {
        {"cluster", w->scene->cluster->sha256},
        {"catalog", w->scene->catalog->sha256},
        {"policy", w->scene->policy->sha256},
        {"history", w->scene->history == NULL ? "" : w->scene->history->sha256},
        {"metrics", w->scene->metrics == NULL ? "" : w->scene->metrics->sha256},
        {"model", w->scene->model_sha256},
    };
    char text[80];

    spotopt__jw_key(jw, "inputs");
    spotopt__jw_object(jw);
    for (size_t i = 0; i < sizeof inputs / sizeof *inputs; i++) {
        if (inputs[i].sha256[0] == 0)
            continue;
        memcpy(text, "sha256:", 7);
        memcpy(text + 7, inputs[i].sha256, 65);
        spotopt__jw_put_text(jw, inputs[i].key, text);
    }
    spotopt__jw_end_object(jw);
}

static void
put_side(writer *w, const char *key, double usd, uint32_t nodes, double losses_per_h)
{
    spotopt__jw_key(&w->jw, key);
    spotopt__jw_object(&w->jw);
    spotopt__jw_put_real(&w->jw, "usd_per_hour", usd);
    spotopt__jw_put_int(&w->jw, "nodes", nodes);
    spotopt__jw_put_real(&w->jw, "interruptions_per_day", losses_per_h * 24.0);
    spotopt__jw_end_object(&w->jw);
}

static void
put_summary(writer *w, const spotopt_plan_summary *summary)
{
    const spotopt__scene *scene = w->scene;
    const spotopt__decision *d = w->d;
    double before = 0.0, after = 0.0;
    uint32_t pods = 0;

    for (size_t n = 0; n < scene->cluster->nodes.count; n++) {
        double losses = scene->nodes[n].pool == SPOTOPT__NONE
                            ? 0.0
                            : scene->pools[scene->nodes[n].pool].losses_per_h;

        before += losses;
        after += d->keeps[n] ? losses : 0.0;
    }
    for (size_t i = 0; i < d->launches.count; i++)
        after += scene->pools[d->launches.at[i].pool].losses_per_h;
    for (size_t i = 0; i < scene->cluster->pods.count; i++)
        pods += spotopt__pod_counts(&scene->cluster->pods.at[i]);

    double ode = d->on_demand_usd_per_h, losses = after * scene->policy->interruption_usd;
    spotopt__jw_key(&w->jw, "summary");
    spotopt__jw_object(&w->jw);
    put_side(w, "before", summary->before_usd_per_hour, summary->before_nodes, before);
    put_side(w, "after", summary->after_usd_per_hour, summary->after_nodes, after);
    spotopt__jw_put_real(&w->jw, "on_demand_usd_per_hour", ode);
    spotopt__jw_put_real(&w->jw, "on_demand_bound_usd_per_hour", d->on_demand_bound);
    spotopt__jw_put_real(&w->jw, "gross_saving_frac", summary->gross_saving_frac);
    spotopt__jw_put_real(&w->jw, "net_saving_frac",
                         ode > 0.0 ? 1.0 - (d->usd_per_h + losses) / ode : (double)NAN);
    spotopt__jw_put_real(&w->jw, "objective", d->objective);
    spotopt__jw_put_real(&w->jw, "keep_objective", d->keep_objective);
    spotopt__jw_put_real(&w->jw, "bound", d->bound);
    spotopt__jw_put_real(&w->jw, "gap", summary->gap);
    spotopt__jw_put_real(&w->jw, "bound_usd_per_hour", d->bound_usd_per_h);
    spotopt__jw_put_int(&w->jw, "moves", summary->moves);
    spotopt__jw_put_int(&w->jw, "pods", pods);
    spotopt__jw_put_int(&w->jw, "pods_unplaced", summary->pods_unplaced);
    spotopt__jw_put_bool(&w->jw, "stays_put", d->stays_put);
    spotopt__jw_end_object(&w->jw);
}

static void
put_pool(writer *w, uint32_t index)
{
    const spotopt__scene_pool *pool = &w->scene->pools[index];
    const spotopt__pool *sold = &w->scene->catalog->pools.at[index];
    spotopt__jw *jw = &w->jw;

    spotopt__jw_object(jw);
    spotopt__jw_put_text(jw, "pool", sold->id);
    spotopt__jw_put_int(jw, "chosen", w->chosen[index]);
    spotopt__jw_put_real(jw, "usd_per_hour", sold->usd_per_h);
    spotopt__jw_key(jw, "p");
    spotopt__jw_object(jw);
    for (int h = 0; h < SPOTOPT__HORIZONS; h++) {
        spotopt__jw_key(jw, horizon_keys[h]);
        spotopt__jw_array(jw);
        spotopt__jw_real(jw, pool->p[h]);
        spotopt__jw_real(jw, pool->low[h]);
        spotopt__jw_real(jw, pool->high[h]);
        spotopt__jw_end_array(jw);
    }
    spotopt__jw_end_object(jw);
    if (pool->place != SPOTOPT__NONE) {
        spotopt__jw_put_int(jw, "place", (int64_t)pool->place + 1);
        spotopt__jw_put_real(jw, "score", pool->score);
        spotopt__rank_put_four(jw, "factors", pool->factors);
        spotopt__rank_put_four(jw, "contributions", pool->contributions);
        if ((w->chosen[index] > 0 || w->explains_all) &&
            !spotopt__rank_put_parts(w->scene, index, jw))
            jw->str->failed = true;
        spotopt__jw_put_real(jw, "expected_usd_per_hour", pool->expected_usd_per_h);
    } else {
        spotopt__jw_put_text(jw, "dropped", spotopt__drop_text(pool->reason));
    }
    spotopt__jw_end_object(jw);
}

/* What scores and contributions of the pools are made of. */
static void
put_ranking(writer *w)
{
    const spotopt__scene *scene = w->scene;

    spotopt__jw_key(&w->jw, "ranking");
    spotopt__jw_object(&w->jw);
    spotopt__rank_put_weights(scene, &w->jw);
    spotopt__jw_put_text(&w->jw, "reference",
                         scene->place_count > 0 ? scene->catalog->pools.at[scene->rank_reference].id
                                                : NULL);
    spotopt__jw_end_object(&w->jw);
}

/* Chosen pools in catalog order, then the best of the others. */
static void
put_pools(writer *w)
{
    const spotopt__scene *scene = w->scene;

    spotopt__jw_key(&w->jw, "pools");
    spotopt__jw_array(&w->jw);
    for (uint32_t i = 0; i < scene->catalog->pools.count; i++) {
        if (w->chosen[i] > 0)
            put_pool(w, i);
    }
    for (uint32_t i = 0, shown = 0; i < scene->place_count && shown < SHOWN_POOLS; i++) {
        if (w->chosen[scene->by_place[i]] == 0) {
            put_pool(w, scene->by_place[i]);
            shown++;
        }
    }
    spotopt__jw_end_array(&w->jw);
}

static uint32_t
put_alternates(writer *w)
{
    const spotopt__scene *scene = w->scene;
    uint32_t most = 0;

    spotopt__jw_key(&w->jw, "alternates");
    spotopt__jw_object(&w->jw);
    for (uint32_t i = 0; i < scene->catalog->pools.count; i++) {
        uint32_t other[SPOTOPT__ALTERNATES], count = 0;

        if (w->chosen[i] == 0)
            continue;
        spotopt__jw_key(&w->jw, scene->catalog->pools.at[i].id);
        spotopt__jw_array(&w->jw);
        if (!spotopt__find_alternates(scene, w->d->target, w->node_pool,
                                      scene->cluster->nodes.count + w->d->launches.count, i, other,
                                      &count))
            w->jw.str->failed = true;
        for (uint32_t k = 0; k < count; k++)
            spotopt__jw_text(&w->jw, scene->catalog->pools.at[other[k]].id);
        spotopt__jw_end_array(&w->jw);
        most = count > most ? count : most;
    }
    spotopt__jw_end_object(&w->jw);
    return most;
}

static load
load_of(const spotopt__scene *scene, uint32_t pod, load sum)
{
    const spotopt__amounts *request =
        &scene->cluster->shapes.at[scene->cluster->pods.at[pod].shape].request;

    return (load){sum.cpu + request->of[SPOTOPT__CPU], sum.memory + request->of[SPOTOPT__MEMORY]};
}

static void
put_fill(writer *w, const char *key, load sum, const spotopt__amounts *room)
{
    const int64_t cpu = room->of[SPOTOPT__CPU], memory = room->of[SPOTOPT__MEMORY];

    spotopt__jw_key(&w->jw, key);
    spotopt__jw_object(&w->jw);
    spotopt__jw_put_real(&w->jw, "cpu", cpu > 0 ? (double)sum.cpu / (double)cpu : 0.0);
    spotopt__jw_put_real(&w->jw, "memory", memory > 0 ? (double)sum.memory / (double)memory : 0.0);
    spotopt__jw_end_object(&w->jw);
}

static void
put_node(writer *w, uint32_t index, const char *name, uint32_t pool, const char *action, double usd,
         const spotopt__amounts *room, const char *note)
{
    spotopt__jw *jw = &w->jw;
    load after = {0, 0};

    spotopt__jw_object(jw);
    spotopt__jw_put_text(jw, "name", name);
    spotopt__jw_put_text(jw, "pool",
                         pool == SPOTOPT__NONE ? NULL : w->scene->catalog->pools.at[pool].id);
    spotopt__jw_put_text(jw, "action", action);
    spotopt__jw_put_real(jw, "usd_per_hour", usd);
    if (note != NULL)
        spotopt__jw_put_text(jw, "note", note);
    for (uint32_t i = w->pod_start[index]; i < w->pod_start[index + 1]; i++)
        after = load_of(w->scene, w->pods[i], after);
    put_fill(w, "fill", after, room);
    if (index < w->scene->cluster->nodes.count)
        put_fill(w, "fill_before", w->before[index], room);
    spotopt__jw_key(jw, "pods");
    spotopt__jw_array(jw);
    for (uint32_t i = w->pod_start[index]; i < w->pod_start[index + 1]; i++)
        spotopt__jw_text(jw, w->scene->cluster->pods.at[w->pods[i]].id);
    spotopt__jw_end_array(jw);
    spotopt__jw_end_object(jw);
}

static void
put_nodes(writer *w)
{
    const spotopt__scene *scene = w->scene;
    const spotopt_cluster *cluster = scene->cluster;

    spotopt__jw_key(&w->jw, "nodes");
    spotopt__jw_array(&w->jw);
    for (uint32_t n = 0; n < cluster->nodes.count; n++)
        put_node(w, n, cluster->nodes.at[n].name, scene->nodes[n].pool,
                 w->d->keeps[n] ? "keep" : "drain", scene->nodes[n].usd_per_h,
                 &scene->nodes[n].room, scene->nodes[n].untouched);
    for (uint32_t i = 0; i < w->d->launches.count; i++)
        put_node(w, (uint32_t)cluster->nodes.count + i, w->d->launches.at[i].name,
                 w->d->launches.at[i].pool, "launch", w->d->launches.at[i].usd_per_h,
                 &w->d->launches.at[i].room, NULL);
    spotopt__jw_end_array(&w->jw);
}

static void
put_unplaced(writer *w)
{
    spotopt__jw_key(&w->jw, "unplaced");
    spotopt__jw_array(&w->jw);
    for (size_t i = 0; i < w->d->unplaced.count; i++) {
        spotopt__jw_object(&w->jw);
        spotopt__jw_put_text(&w->jw, "pod",
                             w->scene->cluster->pods.at[w->d->unplaced.at[i].pod].id);
        spotopt__jw_put_text(&w->jw, "reason", w->d->unplaced.at[i].reason);
        spotopt__jw_end_object(&w->jw);
    }
    spotopt__jw_end_array(&w->jw);
}

static void
put_change(writer *w, const spotopt__changes *changes, uint32_t k, const uint32_t *nodes,
           uint32_t node_count, const uint32_t *pods, uint32_t pod_count)
{
    const spotopt_cluster *cluster = w->scene->cluster;
    const spotopt__change *change = &changes->at[k];
    spotopt__jw *jw = &w->jw;

    spotopt__jw_object(jw);
    spotopt__jw_put_bool(jw, "needed", change->is_needed || !change->pays);
    spotopt__jw_put_real(jw, "saves_usd_per_hour", change->saves_usd_per_h);
    spotopt__jw_put_real(jw, "risk_usd_per_hour", change->risk_usd_per_h);
    spotopt__jw_put_real(jw, "move_usd", change->move_usd);
    spotopt__jw_put_real(jw, "pay_back_hours",
                         isfinite(change->pay_back_h) ? change->pay_back_h : (double)NAN);
    spotopt__jw_key(jw, "nodes");
    spotopt__jw_array(jw);
    for (uint32_t i = 0; i < node_count; i++)
        spotopt__jw_text(jw, nodes[i] < cluster->nodes.count
                                 ? cluster->nodes.at[nodes[i]].name
                                 : w->d->launches.at[nodes[i] - cluster->nodes.count].name);
    spotopt__jw_end_array(jw);
    spotopt__jw_key(jw, "pods");
    spotopt__jw_array(jw);
    for (uint32_t i = 0; i < pod_count; i++)
        spotopt__jw_text(jw, cluster->pods.at[pods[i]].id);
    spotopt__jw_end_array(jw);
    spotopt__jw_end_object(jw);
}

/* The change a pod moves in: SPOTOPT__NONE when it stays, or waits. */
static uint32_t
change_of(const writer *w, const spotopt__changes *changes, uint32_t pod)
{
    uint32_t from = w->scene->cluster->pods.at[pod].node, to = w->d->target[pod];

    return from == SPOTOPT__NONE || to == SPOTOPT__NONE || from == to ? SPOTOPT__NONE
                                                                      : changes->of_node[to];
}

/* Members of each change by counting: starts one place to the right shift as they are laid down. */
static spotopt_status
put_changes(writer *w, spotopt_error *err)
{
    spotopt_context *context = w->scene->context;
    const uint32_t nodes = (uint32_t)(w->scene->cluster->nodes.count + w->d->launches.count),
                   pods = (uint32_t)w->scene->cluster->pods.count;
    spotopt__changes changes;
    spotopt_status status = spotopt__changes_find(w->scene, w->d, &changes, err);

    if (status != SPOTOPT_OK)
        return status;
    uint32_t *node_start = spotopt__alloc_array(context, changes.count + 2, sizeof *node_start),
             *pod_start = spotopt__alloc_array(context, changes.count + 2, sizeof *pod_start),
             *node = spotopt__alloc_array(context, (size_t)nodes + 1, sizeof *node),
             *pod = spotopt__alloc_array(context, (size_t)pods + 1, sizeof *pod);
    if (node_start == NULL || pod_start == NULL || node == NULL || pod == NULL) {
        status = spotopt__nomem(err, "the changes of a plan");
        goto done;
    }
    for (uint32_t n = 0; n < nodes; n++) {
        if (changes.of_node[n] != SPOTOPT__NONE)
            node_start[changes.of_node[n] + 2]++;
    }
    for (uint32_t i = 0; i < pods; i++) {
        if (change_of(w, &changes, i) != SPOTOPT__NONE)
            pod_start[change_of(w, &changes, i) + 2]++;
    }
    for (uint32_t k = 2; k < changes.count + 2; k++) {
        node_start[k] += node_start[k - 1];
        pod_start[k] += pod_start[k - 1];
    }
    for (uint32_t n = 0; n < nodes; n++) {
        if (changes.of_node[n] != SPOTOPT__NONE)
            node[node_start[changes.of_node[n] + 1]++] = n;
    }
    for (uint32_t i = 0; i < pods; i++) {
        if (change_of(w, &changes, i) != SPOTOPT__NONE)
            pod[pod_start[change_of(w, &changes, i) + 1]++] = i;
    }
    spotopt__jw_key(&w->jw, "changes");
    spotopt__jw_array(&w->jw);
    for (uint32_t k = 0; k < changes.count; k++)
        put_change(w, &changes, k, node + node_start[k], node_start[k + 1] - node_start[k],
                   pod + pod_start[k], pod_start[k + 1] - pod_start[k]);
    spotopt__jw_end_array(&w->jw);
done:
    spotopt__free(context, node_start);
    spotopt__free(context, pod_start);
    spotopt__free(context, node);
    spotopt__free(context, pod);
    spotopt__changes_free(&changes);
    return status;
}

static void
put_waves(writer *w)
{
    const spotopt__decision *d = w->d;
    spotopt__launch *launches =
        spotopt__alloc_array(w->scene->context, d->launches.count + 1, sizeof *launches);
    const spotopt__drain_job job = {.cluster = w->scene->cluster,
                                    .target = d->target,
                                    .launches = launches,
                                    .launch_count = d->launches.count};

    if (launches == NULL) {
        w->jw.str->failed = true;
        return;
    }
    for (size_t i = 0; i < d->launches.count; i++)
        launches[i] =
            (spotopt__launch){.name = d->launches.at[i].name,
                              .pool = w->scene->catalog->pools.at[d->launches.at[i].pool].id};
    spotopt__jw_key(&w->jw, "waves");
    spotopt__drain_write_waves(&w->jw, &job, &d->schedule);
    spotopt__free(w->scene->context, launches);
}

static void
put_funnel(writer *w, uint32_t alternates, bool with_seconds)
{
    spotopt_funnel *funnel = w->scene->funnel;

    funnel->chosen = 0;
    funnel->runs = 1;
    funnel->alternates = alternates;
    for (uint32_t i = 0; i < w->scene->catalog->pools.count; i++)
        funnel->chosen += w->chosen[i] > 0;
    spotopt__jw_key(&w->jw, "funnel");
    spotopt__funnel_put(funnel, with_seconds, &w->jw);
}

static void
put_tail(writer *w, double seconds, bool with_seconds)
{
    static const char *const outcomes[] = {"", "optimal", "feasible", "infeasible", "stopped"};
    const spotopt__decision *d = w->d;
    spotopt__jw *jw = &w->jw;

    spotopt__jw_key(jw, "warnings");
    spotopt__jw_array(jw);
    for (size_t i = 0; i < w->scene->cluster->warnings.count; i++)
        spotopt__jw_text(jw, w->scene->cluster->warnings.at[i]);
    for (size_t i = 0; i < w->scene->warnings.count; i++)
        spotopt__jw_text(jw, w->scene->warnings.at[i]);
    spotopt__jw_end_array(jw);
    spotopt__jw_key(jw, "stats");
    spotopt__jw_object(jw);
    spotopt__jw_put_text(jw, "outcome", outcomes[d->outcome]);
    spotopt__jw_put_bool(jw, "cut_short", d->cut_short);
    spotopt__jw_put_real(jw, "makespan_s", d->schedule.makespan_s);
    spotopt__jw_put_real(jw, "makespan_bound_s", d->schedule.bound_s);
    spotopt__jw_put_real(jw, "seconds", with_seconds ? seconds : (double)NAN);
    spotopt__jw_put_real(jw, "pack_seconds", with_seconds ? d->pack_s : (double)NAN);
    spotopt__jw_put_real(jw, "reference_seconds", with_seconds ? d->reference_s : (double)NAN);
    spotopt__jw_put_real(jw, "drain_seconds", with_seconds ? d->drain_s : (double)NAN);
    spotopt__jw_end_object(jw);
}

static spotopt_status
start(writer *w, spotopt_error *err)
{
    const spotopt__scene *scene = w->scene;
    const spotopt__decision *d = w->d;
    spotopt_context *context = scene->context;
    size_t nodes = scene->cluster->nodes.count + d->launches.count,
           pods = scene->cluster->pods.count;

    w->chosen = spotopt__alloc_array(context, scene->catalog->pools.count + 1, sizeof *w->chosen);
    w->pod_start = spotopt__alloc_array(context, nodes + 2, sizeof *w->pod_start);
    w->pods = spotopt__alloc_array(context, pods + 1, sizeof *w->pods);
    w->before = spotopt__alloc_array(context, scene->cluster->nodes.count + 1, sizeof *w->before);
    w->node_pool = spotopt__alloc_array(context, nodes + 1, sizeof *w->node_pool);
    if (w->node_pool == NULL || w->chosen == NULL || w->pod_start == NULL || w->pods == NULL ||
        w->before == NULL)
        return spotopt__nomem(err, "a plan's text");
    for (size_t n = 0; n < nodes; n++)
        w->node_pool[n] = n < scene->cluster->nodes.count
                              ? scene->nodes[n].pool
                              : d->launches.at[n - scene->cluster->nodes.count].pool;
    for (size_t n = 0; n < scene->cluster->nodes.count; n++) {
        if (d->keeps[n] && scene->nodes[n].pool != SPOTOPT__NONE)
            w->chosen[scene->nodes[n].pool]++;
    }
    for (size_t i = 0; i < d->launches.count; i++)
        w->chosen[d->launches.at[i].pool]++;
    /* Counting sort by target: starts are found one place to the right, then shift into place as
     * pods are laid down. */
    for (size_t i = 0; i < pods; i++) {
        if (d->target[i] != SPOTOPT__NONE)
            w->pod_start[d->target[i] + 2]++;
    }
    for (size_t n = 2; n < nodes + 2; n++)
        w->pod_start[n] += w->pod_start[n - 1];
    for (uint32_t i = 0; i < pods; i++) {
        if (d->target[i] != SPOTOPT__NONE)
            w->pods[w->pod_start[d->target[i] + 1]++] = i;
    }
    for (uint32_t i = 0; i < pods; i++) {
        const spotopt__pod *pod = &scene->cluster->pods.at[i];

        if (pod->node != SPOTOPT__NONE && spotopt__pod_counts(pod))
            w->before[pod->node] = load_of(scene, i, w->before[pod->node]);
    }
    return SPOTOPT_OK;
}

spotopt_status
spotopt__plan_text(spotopt__scene *scene, const spotopt__decision *decision,
                   const spotopt_plan_summary *summary, double seconds, bool with_seconds,
                   bool explains_all, char **out_text, size_t *out_length, spotopt_error *err)
{
    writer w = {.scene = scene, .d = decision, .explains_all = explains_all};
    spotopt__str str;
    spotopt_status status = start(&w, err);
    char now_text[32];

    spotopt__str_init(&str, scene->context);
    if (status == SPOTOPT_OK) {
        spotopt__jw_init(&w.jw, &str);
        spotopt__jw_object(&w.jw);
        spotopt__jw_put_text(&w.jw, "apiVersion", "spotopt/v1");
        spotopt__jw_put_text(&w.jw, "kind", "Plan");
        spotopt__write_time(scene->now_s, now_text);
        spotopt__jw_put_text(&w.jw, "now", now_text);
        put_inputs(&w);
        put_summary(&w, summary);
        put_ranking(&w);
        put_pools(&w);
        uint32_t alternates = put_alternates(&w);
        put_nodes(&w);
        put_unplaced(&w);
        status = put_changes(&w, err);
        put_waves(&w);
        put_funnel(&w, alternates, with_seconds);
        put_tail(&w, seconds, with_seconds);
        spotopt__jw_end_object(&w.jw);
        spotopt__str_add(&str, "\n");
        *out_text = status == SPOTOPT_OK ? spotopt__str_take(&str, out_length) : NULL;
        if (*out_text == NULL && status == SPOTOPT_OK)
            status = spotopt__nomem(err, "a plan's text");
    }
    spotopt__str_free(&str);
    spotopt__free(scene->context, w.node_pool);
    spotopt__free(scene->context, w.chosen);
    spotopt__free(scene->context, w.pod_start);
    spotopt__free(scene->context, w.pods);
    spotopt__free(scene->context, w.before);
    return status;
}
