/* SPDX-License-Identifier: Apache-2.0 */
/*
 * launch.c - nodes to buy for pods that fit on none that is left.
 *
 * Greedy: the first pod without a site decides which pools come into question, how much of all that
 * is left a pool would hold per dollar decides among them, then the new node is filled first-fit.
 * Daemon pods take their part of every new node first. A drain wants few nodes soon, not the
 * cheapest fleet; that is what plans are for.
 */
#include "base/base.h"
#include "drain/place.h"

#include "drain/budget.h"

#define NONE SPOTOPT__NONE
#define PODS_A_NODE 110 /* where a type does not say: the kubelet's default */

/* A pool that the policy lets us buy from, as the site that a node of it would be. */
typedef struct candidate {
    spotopt__site site; /* hostname label "": nobody else's */
    uint32_t pool;
    uint32_t bought;
} candidate;
typedef spotopt__vec(candidate) candidate_list;

typedef struct shopping {
    spotopt__places *places;
    const spotopt_catalog *catalog;
    spotopt__arena *arena;
    candidate_list candidates;
    uint32_t *left;        /* a shape: pods still without a site */
    uint32_t *left_shapes; /* shapes with such pods, in order of appearance */
    size_t left_shape_count;
    size_t number;            /* of the last name that was made up */
    double cpu, memory, pods; /* all that is left, for weights */
} shopping;

static bool
is_listed(const char *const *at, size_t count, const char *text)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(at[i], text) == 0)
            return true;
    }
    return count == 0;
}

/* Whether the cluster has nodes of the architecture, or does not say. Images are seldom built for
 * all. */
static bool
is_known_arch(const spotopt_cluster *cluster, const char *arch)
{
    bool is_told = false;

    for (size_t n = 0; n < cluster->nodes.count; n++) {
        const char *theirs =
            spotopt__labels_get(&cluster->nodes.at[n].labels, "kubernetes.io/arch");
        if (theirs != NULL && strcmp(theirs, arch) == 0)
            return true;
        is_told = is_told || theirs != NULL;
    }
    return !is_told;
}

static bool
is_allowed(const spotopt_cluster *cluster, const spotopt_catalog *catalog,
           const spotopt_policy *policy, const spotopt__pool *pool)
{
    const spotopt__type *type = &catalog->types.at[pool->type];

    if (!(pool->usd_per_h >= 0.0) || pool->limit == 0)
        return false;
    if ((policy == NULL || policy->arch.count == 0) && !is_known_arch(cluster, type->arch))
        return false;
    if (policy == NULL)
        return true;
    if ((pool->purchase == SPOTOPT__SPOT && !policy->spot_enabled) ||
        pool->usd_per_h > policy->max_usd_per_h)
        return false;
    for (size_t i = 0; i < policy->exclude.count; i++) {
        if (spotopt__glob(policy->exclude.at[i], type->name))
            return false;
    }
    return is_listed(policy->arch.at, policy->arch.count, type->arch) &&
           is_listed(policy->families.at, policy->families.count, type->family);
}

/* The labels of a node of the pool: the type's, and what place and purchase add. NULL: no memory.
 */
static spotopt__label *
make_labels(spotopt__arena *arena, const spotopt__type *type, const spotopt__pool *pool,
            uint32_t *out_count)
{
    const spotopt__label more[] = {
        {"karpenter.sh/capacity-type", pool->purchase == SPOTOPT__SPOT ? "spot" : "on-demand"},
        {"kubernetes.io/hostname", ""},
        {"topology.kubernetes.io/region", pool->region},
        {"topology.kubernetes.io/zone", pool->zone},
    };
    const uint32_t count = (uint32_t)(sizeof more / sizeof *more);
    spotopt__label *made = spotopt__arena_alloc(arena, type->labels.count + count, sizeof *made);
    uint32_t n = 0;

    if (made == NULL)
        return NULL;
    for (uint32_t i = 0, j = 0; i < type->labels.count || j < count;) {
        int order = i == type->labels.count ? 1
                    : j == count            ? -1
                                            : strcmp(type->labels.at[i].key, more[j].key);
        if (order < 0) {
            made[n++] = type->labels.at[i++];
            continue;
        }
        if (more[j].value[0] != '\0' || j == 1)
            made[n++] = more[j];
        i += order == 0;
        j++;
    }
    *out_count = n;
    return made;
}

/* What daemon pods will take of a node with these labels. */
static void
take_daemons(const spotopt_cluster *cluster, spotopt__site *site, const spotopt__amounts *strays)
{
    uint32_t resources = cluster->resources.count;

    for (size_t w = 0; w < cluster->workloads.count; w++) {
        const spotopt__workload *workload = &cluster->workloads.at[w];
        if (workload->kind != SPOTOPT__DAEMON_SET || workload->shape == NONE)
            continue;
        const spotopt__shape *shape = &cluster->shapes.at[workload->shape];
        if (!spotopt__shape_allows(shape, &site->labels, "", NULL, 0, NULL))
            continue;
        for (uint32_t r = 0; r < resources; r++)
            spotopt__room_add(&site->room.of[r], -shape->request.of[r]);
    }
    for (uint32_t r = 0; r < resources; r++)
        spotopt__room_add(&site->room.of[r], -strays->of[r]);
}

/* Daemon pods whose set is not in the list: the most that any node has of them. False: no memory.
 */
static bool
count_strays(const spotopt_cluster *cluster, spotopt__amounts *out)
{
    uint32_t resources = cluster->resources.count;
    int64_t *sum =
        spotopt__alloc_array(cluster->context, cluster->nodes.count * resources + 1, sizeof *sum);

    memset(out, 0, sizeof *out);
    if (sum == NULL)
        return false;
    for (size_t i = 0; i < cluster->pods.count; i++) {
        const spotopt__pod *pod = &cluster->pods.at[i];
        bool is_known = pod->workload != NONE && cluster->workloads.at[pod->workload].shape != NONE;
        if (!pod->is_daemon || pod->node == NONE || is_known)
            continue;
        for (uint32_t r = 0; r < resources; r++) {
            int64_t *of_node = &sum[(size_t)pod->node * resources + r];
            *of_node += cluster->shapes.at[pod->shape].request.of[r];
            *of_node = *of_node > SPOTOPT__AMOUNT_MAX ? SPOTOPT__AMOUNT_MAX : *of_node;
            out->of[r] = *of_node > out->of[r] ? *of_node : out->of[r];
        }
    }
    spotopt__free(cluster->context, sum);
    return true;
}

/* A type's amounts in the cluster's order of resources. False: it does not say what is needed most.
 */
static bool
read_room(const spotopt_catalog *catalog, const spotopt_cluster *cluster, const uint32_t *from,
          uint32_t type, spotopt__amounts *out)
{
    const spotopt__amounts *all = &catalog->types.at[type].allocatable;

    for (uint32_t r = 0; r < cluster->resources.count; r++) {
        int64_t amount = from[r] == NONE ? 0 : all->of[from[r]];
        if (amount == SPOTOPT__AMOUNT_UNKNOWN) {
            if (r == SPOTOPT__CPU || r == SPOTOPT__MEMORY)
                return false;
            amount = r == SPOTOPT__PODS      ? PODS_A_NODE
                     : r == SPOTOPT__STORAGE ? SPOTOPT__AMOUNT_MAX
                                             : 0;
        }
        out->of[r] = amount;
    }
    return true;
}

static bool
list_candidates(shopping *shop, const spotopt_policy *policy)
{
    const spotopt_cluster *cluster = shop->places->cluster;
    uint32_t from[SPOTOPT__RESOURCES_MAX];
    spotopt__amounts strays;

    if (!count_strays(cluster, &strays))
        return false;
    for (uint32_t r = 0; r < cluster->resources.count; r++)
        from[r] = spotopt__resources_find(&shop->catalog->resources, cluster->resources.name[r]);
    for (uint32_t p = 0; p < shop->catalog->pools.count; p++) {
        const spotopt__pool *pool = &shop->catalog->pools.at[p];
        candidate made;
        memset(&made, 0, sizeof made);
        made.pool = p;
        made.site.name = "";
        made.site.is_open = true;
        made.site.last_pod = NONE;
        if (!is_allowed(cluster, shop->catalog, policy, pool) ||
            !read_room(shop->catalog, cluster, from, pool->type, &made.site.room))
            continue;
        made.site.labels.at = make_labels(shop->arena, &shop->catalog->types.at[pool->type], pool,
                                          &made.site.labels.count);
        if (made.site.labels.at == NULL)
            return false;
        take_daemons(cluster, &made.site, &strays);
        if (!spotopt__vec_push(shop->places->context, &shop->candidates, made))
            return false;
    }
    return true;
}

/* How much of all that is left a node would hold, 0..3: shares of CPU, memory and pods. */
static double
weigh(const shopping *shop, const candidate *made)
{
    const spotopt_cluster *cluster = shop->places->cluster;
    spotopt__amounts room = made->site.room;
    double weight = 0.0;

    for (size_t k = 0; k < shop->left_shape_count; k++) {
        const spotopt__shape *shape = &cluster->shapes.at[shop->left_shapes[k]];
        int64_t count = shop->left[shop->left_shapes[k]];
        for (uint32_t r = 0; r < cluster->resources.count && count > 0; r++) {
            if (shape->request.of[r] > 0 && room.of[r] / shape->request.of[r] < count)
                count = room.of[r] > 0 ? room.of[r] / shape->request.of[r] : 0;
        }
        if (count == 0 || !spotopt__shape_allows(shape, &made->site.labels, "", NULL, 0, NULL))
            continue;
        for (uint32_t r = 0; r < cluster->resources.count; r++)
            room.of[r] -= count * shape->request.of[r];
        weight += (double)count *
                  ((double)shape->request.of[SPOTOPT__CPU] / shop->cpu +
                   (double)shape->request.of[SPOTOPT__MEMORY] / shop->memory + 1.0 / shop->pods);
    }
    return weight;
}

/* The pool whose node takes the pod and costs least for what it would hold; NONE: there is no such
 * pool. */
static size_t
choose(const shopping *shop, uint32_t pod, const spotopt__place_rules *rules)
{
    size_t best = SIZE_MAX;
    double best_score = INFINITY, best_usd = INFINITY;
    const char *why;
    bool for_good;

    for (size_t c = 0; c < shop->candidates.count; c++) {
        const candidate *made = &shop->candidates.at[c];
        const spotopt__pool *pool = &shop->catalog->pools.at[made->pool];
        double score, weight;
        if (made->bought >= pool->limit ||
            !spotopt__place_allows(shop->places, rules, pod, &made->site, &why, &for_good))
            continue;
        weight = weigh(shop, made);
        score = weight > 0.0 ? pool->usd_per_h / weight : pool->usd_per_h;
        if (score < best_score || (score == best_score && pool->usd_per_h < best_usd)) {
            best = c;
            best_score = score;
            best_usd = pool->usd_per_h;
        }
    }
    return best;
}

static bool
is_launched(const spotopt__launch_list *launches, const char *name)
{
    for (size_t l = 0; l < launches->count; l++) {
        if (strcmp(launches->at[l].name, name) == 0)
            return true;
    }
    return false;
}

/* A site for one node more of the pool; its name is nobody else's. */
static bool
buy(shopping *shop, candidate *made, spotopt__launch_list *launches)
{
    spotopt__places *places = shop->places;
    const spotopt__pool *pool = &shop->catalog->pools.at[made->pool];
    spotopt__site site = made->site;
    spotopt__label *labels = spotopt__arena_dup(shop->arena, made->site.labels.at,
                                                made->site.labels.count, sizeof *labels);
    spotopt__str name;
    spotopt__launch launch = {NULL, NULL, made->site.room};

    spotopt__str_init(&name, places->context);
    do {
        name.count = 0;
        spotopt__str_addf(&name, "launch-%zu", ++shop->number);
    } while (!name.failed && (spotopt__map_get(&places->cluster->node_by_name, name.at) != NONE ||
                              is_launched(launches, name.at)));
    if (!name.failed)
        launch.name = spotopt__arena_text(shop->arena, name.at, name.count);
    spotopt__str_free(&name);
    launch.pool = spotopt__arena_text(shop->arena, pool->id, strlen(pool->id));
    if (labels == NULL || launch.name == NULL || launch.pool == NULL)
        return false;
    for (uint32_t i = 0; i < site.labels.count; i++) {
        if (strcmp(labels[i].key, "kubernetes.io/hostname") == 0)
            labels[i].value = launch.name;
    }
    site.labels.at = labels;
    site.name = launch.name;
    made->bought++;
    return spotopt__places_add_site(places, &site) &&
           spotopt__vec_push(places->context, launches, launch);
}

static void
settle_pod(shopping *shop, uint32_t pod)
{
    shop->left[shop->places->cluster->pods.at[pod].shape]--;
}

/* First-fit onto the newest site. */
static bool
fill(shopping *shop, const uint32_t *pods, size_t pod_count)
{
    spotopt__places *places = shop->places;
    uint32_t site = (uint32_t)places->sites.count - 1;

    for (size_t k = 0; k < pod_count; k++) {
        const spotopt__place_rules *rules;
        const char *why;
        bool for_good;
        if (places->where[pods[k]] != NONE)
            continue;
        rules = spotopt__places_rules(places, pods[k]);
        if (rules == NULL)
            return false;
        if (!spotopt__place_allows(places, rules, pods[k], &places->sites.at[site], &why,
                                   &for_good))
            continue;
        if (!spotopt__places_put(places, pods[k], site))
            return false;
        settle_pod(shop, pods[k]);
    }
    return true;
}

static bool
count_left(shopping *shop, const uint32_t *pods, size_t pod_count)
{
    const spotopt_cluster *cluster = shop->places->cluster;

    shop->left =
        spotopt__alloc_array(cluster->context, cluster->shapes.count + 1, sizeof *shop->left);
    shop->left_shapes = spotopt__alloc_array(cluster->context, cluster->shapes.count + 1,
                                             sizeof *shop->left_shapes);
    if (shop->left == NULL || shop->left_shapes == NULL)
        return false;
    shop->cpu = shop->memory = shop->pods = 1.0;
    for (size_t k = 0; k < pod_count; k++) {
        uint32_t shape = cluster->pods.at[pods[k]].shape;
        if (shop->places->where[pods[k]] != NONE)
            continue;
        if (shop->left[shape]++ == 0)
            shop->left_shapes[shop->left_shape_count++] = shape;
        shop->cpu += (double)cluster->shapes.at[shape].request.of[SPOTOPT__CPU];
        shop->memory += (double)cluster->shapes.at[shape].request.of[SPOTOPT__MEMORY];
        shop->pods += 1.0;
    }
    return true;
}

spotopt_status
spotopt__drain_launch(spotopt__places *places, const spotopt_catalog *catalog,
                      const spotopt_policy *policy, const uint32_t *pods, size_t pod_count,
                      spotopt__arena *arena, spotopt__launch_list *launches, spotopt_error *err)
{
    shopping shop = {.places = places, .catalog = catalog, .arena = arena};
    bool done = count_left(&shop, pods, pod_count) && list_candidates(&shop, policy);

    for (size_t k = 0; k < pod_count && done; k++) {
        const spotopt__place_rules *rules;
        size_t chosen;
        if (places->where[pods[k]] != NONE)
            continue;
        rules = spotopt__places_rules(places, pods[k]);
        done = rules != NULL;
        if (!done)
            break;
        chosen = choose(&shop, pods[k], rules);
        if (chosen == SIZE_MAX)
            settle_pod(&shop, pods[k]); /* nothing can be bought for it: it no longer counts */
        else
            done = buy(&shop, &shop.candidates.at[chosen], launches) &&
                   fill(&shop, pods + k, pod_count - k);
    }
    spotopt__vec_free(places->context, &shop.candidates);
    spotopt__free(places->context, shop.left);
    spotopt__free(places->context, shop.left_shapes);
    return done ? SPOTOPT_OK : spotopt__nomem(err, "nodes to launch");
}
