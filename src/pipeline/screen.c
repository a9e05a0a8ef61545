/* SPDX-License-Identifier: Apache-2.0 */
/*
 * screen.c - the funnel: which pools a decision may buy from, and in which order they are best.
 *
 * Each pool leaves at the first stage that refuses it, for one reason; asked to explain, every
 * filter is tried and all that speak against a pool are counted beside. Those that come through are
 * ranked for the mean pod of the cluster.
 */
#include <stdlib.h>

#include "pipeline/screen.h"

/* Shapes that some pod to be placed has, smallest CPU first: the first that fits ends the search.
 */
typedef struct used_shapes {
    const spotopt__shape **at;
    size_t count;
} used_shapes;

static int
by_size(const void *a, const void *b)
{
    const spotopt__shape *x = *(const spotopt__shape *const *)a,
                         *y = *(const spotopt__shape *const *)b;

    if (x->request.of[SPOTOPT__CPU] != y->request.of[SPOTOPT__CPU])
        return x->request.of[SPOTOPT__CPU] < y->request.of[SPOTOPT__CPU] ? -1 : 1;
    return x < y ? -1 : x > y;
}

static spotopt_status
find_used(const spotopt__scene *scene, used_shapes *used, spotopt_error *err)
{
    const spotopt_cluster *cluster = scene->cluster;
    unsigned char *seen = spotopt__alloc_array(scene->context, cluster->shapes.count + 1, 1);

    used->at = spotopt__alloc_array(scene->context, cluster->shapes.count + 1, sizeof *used->at);
    if (seen == NULL || used->at == NULL) {
        spotopt__free(scene->context, seen);
        return spotopt__nomem(err, "shapes");
    }
    for (size_t i = 0; i < cluster->pods.count; i++) {
        const spotopt__pod *pod = &cluster->pods.at[i];

        if (spotopt__pod_counts(pod) && !seen[pod->shape]) {
            seen[pod->shape] = 1;
            used->at[used->count++] = &cluster->shapes.at[pod->shape];
        }
    }
    qsort(used->at, used->count, sizeof *used->at, by_size);
    spotopt__free(scene->context, seen);
    return SPOTOPT_OK;
}

/* -1 when some pod could run there. */
static int32_t
why_unfit(const spotopt__scene *scene, const spotopt__scene_pool *pool, const used_shapes *used)
{
    bool allowed = used->count == 0;

    for (size_t i = 0; i < used->count; i++) {
        bool fits = spotopt__has_room(scene->cluster, used->at[i], &pool->room);

        if (allowed && !fits)
            continue;
        if (!spotopt__shape_allows(used->at[i], &pool->labels, "", NULL, 0, NULL))
            continue;
        if (fits)
            return -1;
        allowed = true;
    }
    return used->count == 0 ? -1 : allowed ? SPOTOPT__DROP_TOO_SMALL : SPOTOPT__DROP_NO_POD_MAY_USE;
}

static bool
is_listed(const char *const *list, size_t count, const char *text)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(list[i], text) == 0)
            return true;
    }
    return count == 0;
}

static bool
is_excluded(const spotopt_policy *policy, const char *type)
{
    for (size_t i = 0; i < policy->exclude.count; i++) {
        if (spotopt__glob(policy->exclude.at[i], type))
            return true;
    }
    return false;
}

static bool
is_beyond_quota(const spotopt_policy *policy, const spotopt__type *type, bool is_spot, double vcpu)
{
    for (size_t i = 0; i < policy->quotas.count; i++) {
        if (spotopt__quota_covers(&policy->quotas.at[i], type->family,
                                  is_spot ? "spot" : "on-demand") &&
            vcpu > policy->quotas.at[i].max_vcpu)
            return true;
    }
    return false;
}

/* Whether a reason speaks against a pool. */
static bool
speaks_against(const spotopt__scene *scene, uint32_t index, int32_t unfit, int32_t reason)
{
    const spotopt_policy *policy = scene->policy;
    const spotopt__scene_pool *own = &scene->pools[index];
    const spotopt__pool *pool = &scene->catalog->pools.at[index];
    const spotopt__type *type = &scene->catalog->types.at[pool->type];
    bool is_spot = pool->purchase == SPOTOPT__SPOT;

    switch (reason) {
    case SPOTOPT__DROP_NO_PRICE:
        return !(pool->usd_per_h >= 0.0);
    case SPOTOPT__DROP_WRONG_ARCH:
        return !is_listed(policy->arch.at, policy->arch.count, type->arch);
    case SPOTOPT__DROP_SPOT_DISABLED:
        return is_spot && !policy->spot_enabled;
    case SPOTOPT__DROP_FORCED_ON_DEMAND:
        return is_spot && scene->on_demand_only;
    case SPOTOPT__DROP_FAMILY:
        return !is_listed(policy->families.at, policy->families.count, type->family);
    case SPOTOPT__DROP_EXCLUDED:
        return is_excluded(policy, type->name);
    case SPOTOPT__DROP_PRICE_CAP:
        return pool->usd_per_h > policy->max_usd_per_h;
    case SPOTOPT__DROP_RISK_CAP:
        return own->p_horizon > policy->max_probability;
    case SPOTOPT__DROP_NO_CAPACITY:
        return pool->limit == 0;
    case SPOTOPT__DROP_QUOTA:
        return is_beyond_quota(policy, type, is_spot, own->vcpu);
    default:
        return reason == unfit;
    }
}

/*
 * The first reason against a pool in the order of stages, or -1; in out_mask a bit for it, or with
 * explain for every one.
 */
static int32_t
find_drop(const spotopt__scene *scene, uint32_t index, const used_shapes *used, bool explain,
          uint32_t *out_mask)
{
    int32_t first = -1, unfit = -2; /* asking whether pods fit costs most: not before it is due */

    *out_mask = 0;
    for (int32_t reason = 0; reason < SPOTOPT__DROPS && (first < 0 || explain); reason++) {
        if (spotopt__drop_stage(reason) == SPOTOPT__STAGE_FITS && unfit == -2)
            unfit = why_unfit(scene, &scene->pools[index], used);
        if (!speaks_against(scene, index, unfit, reason))
            continue;
        *out_mask |= 1U << reason;
        first = first < 0 ? reason : first;
    }
    return first;
}

/* --- ranking --- */

/* The mean of what pods to be placed request; one core and 4 GiB where there are none. */
static void
mean_request(const spotopt__scene *scene, spotopt__amounts *out)
{
    const spotopt_cluster *cluster = scene->cluster;
    double sum[SPOTOPT__RESOURCES_MAX] = {0.0}, pods = 0.0;

    memset(out, 0, sizeof *out);
    for (size_t i = 0; i < cluster->pods.count; i++) {
        if (!spotopt__pod_counts(&cluster->pods.at[i]))
            continue;
        for (uint32_t r = 0; r < cluster->resources.count; r++)
            sum[r] += (double)cluster->shapes.at[cluster->pods.at[i].shape].request.of[r];
        pods += 1.0;
    }
    out->of[SPOTOPT__CPU] = pods > 0.0 ? (int64_t)ceil(sum[SPOTOPT__CPU] / pods) : 1000;
    out->of[SPOTOPT__MEMORY] =
        pods > 0.0 ? (int64_t)ceil(sum[SPOTOPT__MEMORY] / pods) : INT64_C(4) << 30;
    out->of[SPOTOPT__PODS] = 1;
}

spotopt_status
spotopt__screen_rank(spotopt__scene *scene, double replicas, spotopt_error *err)
{
    spotopt__amounts request;
    double pods = 0.0;

    for (size_t i = 0; i < scene->cluster->pods.count; i++)
        pods += spotopt__pod_counts(&scene->cluster->pods.at[i]) ? 1.0 : 0.0;
    if (!(replicas > 0.0))
        replicas = pods > 0.0 ? pods : INFINITY;
    mean_request(scene, &request);
    return spotopt__rank_scene(scene, &request, replicas, err);
}

spotopt_status
spotopt__screen(spotopt__scene *scene, bool explain, spotopt_error *err)
{
    used_shapes used = {0};
    uint32_t mask = 0;
    spotopt_status status = find_used(scene, &used, err);

    for (uint32_t i = 0; i < scene->catalog->pools.count && status == SPOTOPT_OK; i++) {
        spotopt__scene_pool *pool = &scene->pools[i];

        pool->place = SPOTOPT__NONE;
        pool->reason = find_drop(scene, i, &used, explain, &mask);
        pool->stage = pool->reason < 0 ? -1 : spotopt__drop_stage(pool->reason);
        spotopt__funnel_record(scene->funnel, pool->stage, pool->reason);
        if (explain)
            spotopt__funnel_explain(scene->funnel, mask);
        if (pool->stage < 0)
            scene->by_place[scene->place_count++] = i;
    }
    spotopt__free(scene->context, used.at);
    if (status != SPOTOPT_OK)
        return status;
    return spotopt__screen_rank(scene, 0.0, err);
}
