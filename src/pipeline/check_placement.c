/* SPDX-License-Identifier: Apache-2.0 */
/*
 * check_placement.c - does every pod stand where Kubernetes lets it stand?
 *
 * Room, node rules, host ports, then the rules between pods. Between pods each rule is a count over
 * domains, taken after the plan and before it: what was broken before may stay broken, never more
 * so.
 */
#include <stdio.h>

#include "pipeline/check.h"

static void
write_amount(uint32_t resource, int64_t amount, char out[SPOTOPT__REAL_SIZE])
{
    bool is_bytes = resource == SPOTOPT__MEMORY || resource == SPOTOPT__STORAGE;

    spotopt__write_real(is_bytes ? (double)amount / 1048576.0 : (double)amount, out);
}

static void
check_fill(spotopt__check *check, const spotopt__check_node *node, const spotopt__amounts *load,
           const spotopt__amounts *room)
{
    static const uint32_t resources[2] = {SPOTOPT__CPU, SPOTOPT__MEMORY};

    for (int i = 0; i < 2; i++) {
        const int64_t has = room->of[resources[i]];
        const double fill = has > 0 ? (double)load->of[resources[i]] / (double)has : 0.0;

        if (!spotopt__near(fill, node->fill[i]))
            spotopt__fault(check, "node %.80s: fill is not what its pods request", node->name);
    }
}

static spotopt_status
check_room(spotopt__check *check, spotopt_error *err)
{
    const spotopt__scene *scene = check->scene;
    const spotopt_cluster *cluster = scene->cluster;
    spotopt__amounts *load =
        spotopt__alloc_array(check->context, check->nodes.count + 1, sizeof *load);
    char has[SPOTOPT__REAL_SIZE], holds[SPOTOPT__REAL_SIZE];

    if (load == NULL)
        return spotopt__nomem(err, "loads of nodes");
    for (size_t i = 0; i < cluster->pods.count; i++) {
        for (uint32_t r = 0; r < cluster->resources.count && check->target[i] != SPOTOPT__NONE; r++)
            load[check->target[i]].of[r] +=
                cluster->shapes.at[cluster->pods.at[i].shape].request.of[r];
    }
    for (uint32_t n = 0; n < check->nodes.count; n++) {
        const spotopt__amounts *room = n < cluster->nodes.count
                                           ? &scene->nodes[n].room
                                           : &scene->pools[check->nodes.at[n].pool].room;

        if (check->nodes.at[n].is_named)
            check_fill(check, &check->nodes.at[n], &load[n], room);
        for (uint32_t r = 0; r < cluster->resources.count; r++) {
            if (load[n].of[r] <= room->of[r])
                continue;
            write_amount(r, load[n].of[r], holds);
            write_amount(r, room->of[r], has);
            spotopt__fault(check, "node %.80s: pods request %s of %.60s, it has %s",
                           check->nodes.at[n].name, holds, cluster->resources.name[r], has);
        }
    }
    spotopt__free(check->context, load);
    return SPOTOPT_OK;
}

static void
check_node_rules(spotopt__check *check)
{
    const spotopt_cluster *cluster = check->scene->cluster;

    for (uint32_t i = 0; i < cluster->pods.count; i++) {
        const spotopt__pod *pod = &cluster->pods.at[i];
        uint32_t node = check->target[i];
        const char *why = NULL;

        if (node == SPOTOPT__NONE || node == pod->node)
            continue;
        if (node < cluster->nodes.count && !check->scene->nodes[node].accepts_new)
            spotopt__fault(check, "pod %.120s goes to node %.80s, which takes no new pods", pod->id,
                           check->nodes.at[node].name);
        bool is_running = node < cluster->nodes.count;
        if (!spotopt__shape_allows(&cluster->shapes.at[pod->shape],
                                   spotopt__check_labels(check, node),
                                   is_running ? check->nodes.at[node].name : "",
                                   is_running ? cluster->nodes.at[node].taints : NULL,
                                   is_running ? cluster->nodes.at[node].taint_count : 0, &why))
            spotopt__fault(check, "pod %.120s may not run on node %.80s: %s", pod->id,
                           check->nodes.at[node].name, why == NULL ? "node rules" : why);
    }
}

/* --- counts over domains --- */

/* Domains of one key, numbered; a node without the key is SPOTOPT__NONE. */
typedef struct domains {
    spotopt__map names;
    uint32_t *of_node;
    uint32_t count;
} domains;

static bool
find_domains(const spotopt__check *check, const char *key, domains *d)
{
    spotopt__map_init(&d->names, check->context);
    d->count = 0;
    d->of_node = spotopt__alloc_array(check->context, check->nodes.count + 1, sizeof *d->of_node);
    for (uint32_t n = 0; n < check->nodes.count && d->of_node != NULL; n++) {
        const char *name = spotopt__check_domain(check, n, key);
        uint32_t at = SPOTOPT__NONE;

        d->of_node[n] = SPOTOPT__NONE;
        if (name == NULL)
            continue;
        if (!spotopt__map_put(&d->names, name, d->count, &at))
            return false;
        d->count += at == d->count;
        d->of_node[n] = at;
    }
    return d->of_node != NULL;
}

static void
free_domains(const spotopt__check *check, domains *d)
{
    spotopt__map_free(&d->names);
    spotopt__free(check->context, d->of_node);
}

/* Pods of the marked shapes in each domain, after the plan or before it. */
static void
count_domains(const spotopt__check *check, const domains *d, const unsigned char *marked,
              bool before, uint32_t *out)
{
    const spotopt_cluster *cluster = check->scene->cluster;

    memset(out, 0, d->count * sizeof *out);
    for (size_t i = 0; i < cluster->pods.count; i++) {
        const spotopt__pod *pod = &cluster->pods.at[i];
        uint32_t node = before ? pod->node : check->target[i];

        if (node != SPOTOPT__NONE && marked[pod->shape] && spotopt__pod_counts(pod) &&
            d->of_node[node] != SPOTOPT__NONE)
            out[d->of_node[node]]++;
    }
}

typedef struct tallies {
    domains d;
    unsigned char *matched, *carriers;
    uint32_t *now, *was, *own, *own_was;
} tallies;

static void
free_tallies(const spotopt__check *check, tallies *t)
{
    free_domains(check, &t->d);
    spotopt__free(check->context, t->matched);
    spotopt__free(check->context, t->carriers);
    spotopt__free(check->context, t->now);
    spotopt__free(check->context, t->was);
    spotopt__free(check->context, t->own);
    spotopt__free(check->context, t->own_was);
}

static spotopt_status
start_tallies(const spotopt__check *check, const char *key, tallies *t, spotopt_error *err)
{
    size_t shapes = check->scene->cluster->shapes.count + 1, room;

    memset(t, 0, sizeof *t);
    if (!find_domains(check, key, &t->d))
        return spotopt__nomem(err, "domains");
    room = t->d.count + 1;
    t->matched = spotopt__alloc_array(check->context, shapes, 1);
    t->carriers = spotopt__alloc_array(check->context, shapes, 1);
    t->now = spotopt__alloc_array(check->context, room, sizeof *t->now);
    t->was = spotopt__alloc_array(check->context, room, sizeof *t->was);
    t->own = spotopt__alloc_array(check->context, room, sizeof *t->own);
    t->own_was = spotopt__alloc_array(check->context, room, sizeof *t->own_was);
    return t->matched == NULL || t->carriers == NULL || t->now == NULL || t->was == NULL ||
                   t->own == NULL || t->own_was == NULL
               ? spotopt__nomem(err, "domains")
               : SPOTOPT_OK;
}

static void
count_all(const spotopt__check *check, tallies *t)
{
    count_domains(check, &t->d, t->matched, false, t->now);
    count_domains(check, &t->d, t->matched, true, t->was);
    count_domains(check, &t->d, t->carriers, false, t->own);
    count_domains(check, &t->d, t->carriers, true, t->own_was);
}

static void
mark_term(const spotopt__check *check, const spotopt__pod_term *term, unsigned char *matched)
{
    const spotopt_cluster *cluster = check->scene->cluster;

    for (size_t s = 0; s < cluster->shapes.count; s++)
        matched[s] = spotopt__pod_term_matches(cluster, term, cluster->shapes.at[s].ns,
                                               &cluster->shapes.at[s].labels);
}

static uint32_t
least_of(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

/* Its own kind once a domain where it selects itself; beside others not at all. */
static spotopt_status
check_anti_affinity(spotopt__check *check, uint32_t shape, const spotopt__pod_term *term,
                    spotopt_error *err)
{
    tallies t;
    spotopt_status status = start_tallies(check, term->topology_key, &t, err);

    if (status == SPOTOPT_OK) {
        mark_term(check, term, t.matched);
        t.carriers[shape] = 1;
        const bool selects_itself = t.matched[shape];
        t.matched[shape] = 0;
        count_all(check, &t);
        for (uint32_t i = 0; i < t.d.count; i++) {
            const uint32_t own_most = t.own_was[i] > 1 ? t.own_was[i] : 1;

            if ((selects_itself && t.own[i] > own_most) ||
                least_of(t.own[i], t.now[i]) > least_of(t.own_was[i], t.was[i]))
                spotopt__fault(
                    check,
                    "pods of %.60s break an anti-affinity over %.80s: %u of them with %u "
                    "others that it keeps away",
                    check->scene->cluster->shapes.at[shape].ns, term->topology_key, t.own[i],
                    t.now[i]);
        }
    }
    free_tallies(check, &t);
    return status;
}

static spotopt_status
check_affinity(spotopt__check *check, uint32_t shape, const spotopt__pod_term *term,
               spotopt_error *err)
{
    const spotopt_cluster *cluster = check->scene->cluster;
    tallies t;
    spotopt_status status = start_tallies(check, term->topology_key, &t, err);
    uint32_t total = 0;

    if (status != SPOTOPT_OK)
        goto done;
    mark_term(check, term, t.matched);
    t.carriers[shape] = 1;
    count_all(check, &t);
    for (uint32_t i = 0; i < t.d.count; i++)
        total += t.now[i];
    for (size_t i = 0; i < cluster->pods.count; i++) {
        const spotopt__pod *pod = &cluster->pods.at[i];
        uint32_t node = check->target[i], domain;

        if (pod->shape != shape || node == SPOTOPT__NONE || node == pod->node)
            continue;
        domain = t.d.of_node[node];
        if (domain == SPOTOPT__NONE) {
            spotopt__fault(check, "pod %.120s needs company over %.80s; its node has no such label",
                           pod->id, term->topology_key);
            continue;
        }
        /* The first of its own kind may stand alone: all that it selects are then in its domain. */
        bool alone_is_fine = t.matched[shape] && total == t.now[domain];
        if (t.now[domain] - (t.matched[shape] ? 1u : 0u) == 0 && !alone_is_fine)
            spotopt__fault(
                check,
                "pod %.120s has none of the pods beside it that its affinity over %.80s asks for",
                pod->id, term->topology_key);
    }
done:
    free_tallies(check, &t);
    return status;
}

/* --- topology spread --- */

/* Domains that a spread counts: those of running nodes that stay, and those where a pool that came
 * through offers the pod a place. */
static bool
mark_offered(const spotopt__check *check, const spotopt__shape *shape,
             const spotopt__spread *spread, spotopt__map *offered)
{
    const spotopt__scene *scene = check->scene;
    const spotopt_cluster *cluster = scene->cluster;
    const char *key = spread->topology_key;

    for (uint32_t n = 0; n < cluster->nodes.count; n++) {
        const char *value = spotopt__labels_get(&cluster->nodes.at[n].labels, key);

        /* nodeAffinityPolicy: nodes that the pod may not use are no domains of it. */
        if (check->nodes.at[n].action != SPOTOPT__DRAIN && value != NULL &&
            (!spread->honors_affinity ||
             spotopt__shape_allows(shape, &cluster->nodes.at[n].labels, cluster->nodes.at[n].name,
                                   NULL, 0, NULL)) &&
            !spotopt__map_put(offered, value, (uint32_t)offered->count, NULL))
            return false;
    }
    for (uint32_t i = 0; i < scene->place_count; i++) {
        const spotopt__scene_pool *pool = &scene->pools[scene->by_place[i]];
        const char *value = spotopt__labels_get(&pool->labels, key);
        bool fits = value != NULL && scene->catalog->pools.at[scene->by_place[i]].limit > 0 &&
                    spotopt__shape_allows(shape, &pool->labels, "", NULL, 0, NULL);

        for (uint32_t r = 0; r < cluster->resources.count && fits; r++)
            fits = shape->request.of[r] <= pool->room.of[r];
        if (fits && !spotopt__map_put(offered, value, (uint32_t)offered->count, NULL))
            return false;
    }
    return true;
}

static spotopt_status
check_spread(spotopt__check *check, uint32_t index, const spotopt__spread *spread,
             spotopt_error *err)
{
    const spotopt_cluster *cluster = check->scene->cluster;
    const spotopt__shape *shape = &cluster->shapes.at[index];
    bool by_host = strcmp(spread->topology_key, "kubernetes.io/hostname") == 0;
    tallies t;
    spotopt__map offered;
    spotopt_status status = start_tallies(check, spread->topology_key, &t, err);
    uint32_t least = UINT32_MAX;

    spotopt__map_init(&offered, check->context);
    if (status != SPOTOPT_OK)
        goto done;
    for (size_t s = 0; s < cluster->shapes.count; s++)
        t.matched[s] = strcmp(cluster->shapes.at[s].ns, shape->ns) == 0 &&
                       spotopt__selector_matches(&spread->selector, &cluster->shapes.at[s].labels);
    t.carriers[index] = 1;
    count_all(check, &t);
    if (by_host) {
        least = 0;
    } else if (!mark_offered(check, shape, spread, &offered)) {
        status = spotopt__nomem(err, "domains");
        goto done;
    } else {
        for (uint32_t n = 0; n < check->nodes.count; n++) {
            const char *value = spotopt__check_domain(check, n, spread->topology_key);

            if (value != NULL && spotopt__map_get(&offered, value) != SPOTOPT__NONE)
                least = t.now[t.d.of_node[n]] < least ? t.now[t.d.of_node[n]] : least;
        }
        /* A domain where a pod could go and no node stands holds none. */
        for (uint32_t i = 0; i < check->scene->place_count; i++) {
            const char *value = spotopt__labels_get(
                &check->scene->pools[check->scene->by_place[i]].labels, spread->topology_key);

            if (value != NULL && spotopt__map_get(&offered, value) != SPOTOPT__NONE &&
                spotopt__map_get(&t.d.names, value) == SPOTOPT__NONE)
                least = 0;
        }
        if (spread->min_domains > 0 && offered.count < spread->min_domains)
            least = 0;
    }
    if (least == UINT32_MAX)
        least = 0;
    for (uint32_t i = 0; i < t.d.count; i++) {
        uint32_t most = least + spread->max_skew;

        if (t.own[i] > 0 && t.now[i] > (most > t.was[i] ? most : t.was[i]))
            spotopt__fault(check,
                           "pods of %.60s break a spread over %.80s: %u in one domain, %u in the "
                           "least, skew %u",
                           shape->ns, spread->topology_key, t.now[i], least, spread->max_skew);
    }
done:
    spotopt__map_free(&offered);
    free_tallies(check, &t);
    return status;
}

/* --- host ports --- */

static bool
any_address(const char *ip)
{
    return ip[0] == 0 || strcmp(ip, "0.0.0.0") == 0 || strcmp(ip, "::") == 0;
}

static bool
ports_clash(const spotopt__shape *a, const spotopt__shape *b)
{
    for (uint32_t i = 0; i < a->host_port_count; i++) {
        for (uint32_t j = 0; j < b->host_port_count; j++) {
            const spotopt__host_port *x = &a->host_ports[i], *y = &b->host_ports[j];

            if (x->port == y->port && x->protocol == y->protocol &&
                (any_address(x->ip) || any_address(y->ip) || strcmp(x->ip, y->ip) == 0))
                return true;
        }
    }
    return false;
}

/* Pods on a node that want one of the shape's host ports, its own kind included. */
static uint32_t
count_port_users(const spotopt__check *check, uint32_t node, const spotopt__shape *shape,
                 bool before)
{
    const spotopt_cluster *cluster = check->scene->cluster;
    uint32_t users = 0;

    for (size_t i = 0; i < cluster->pods.count; i++) {
        const spotopt__pod *pod = &cluster->pods.at[i];

        users += (before ? pod->node : check->target[i]) == node && spotopt__pod_counts(pod) &&
                 ports_clash(shape, &cluster->shapes.at[pod->shape]);
    }
    return users;
}

static spotopt_status
check_ports(spotopt__check *check, spotopt_error *err)
{
    const spotopt_cluster *cluster = check->scene->cluster;
    uint32_t *last = spotopt__alloc_array(check->context, check->nodes.count + 1, sizeof *last);
    uint32_t *before =
        spotopt__alloc_array(check->context, cluster->pods.count + 1, sizeof *before);

    if (last == NULL || before == NULL) {
        spotopt__free(check->context, last);
        spotopt__free(check->context, before);
        return spotopt__nomem(err, "host ports");
    }
    for (size_t n = 0; n < check->nodes.count; n++)
        last[n] = SPOTOPT__NONE;
    /* Pods with host ports, chained node by node. */
    for (uint32_t i = 0; i < cluster->pods.count; i++) {
        uint32_t node = check->target[i];
        const spotopt__shape *shape = &cluster->shapes.at[cluster->pods.at[i].shape];

        if (node == SPOTOPT__NONE || shape->host_port_count == 0)
            continue;
        for (uint32_t other = last[node]; other != SPOTOPT__NONE; other = before[other]) {
            bool both_stay =
                cluster->pods.at[i].node == node && cluster->pods.at[other].node == node;

            /* Where several have the port already, no more than that may have it. */
            if (!both_stay &&
                ports_clash(shape, &cluster->shapes.at[cluster->pods.at[other].shape]) &&
                count_port_users(check, node, shape, false) >
                    count_port_users(check, node, shape, true))
                spotopt__fault(
                    check, "pods %.100s and %.100s want the same host port of node %.60s",
                    cluster->pods.at[other].id, cluster->pods.at[i].id, check->nodes.at[node].name);
        }
        before[i] = last[node];
        last[node] = i;
    }
    spotopt__free(check->context, last);
    spotopt__free(check->context, before);
    return SPOTOPT_OK;
}

spotopt_status
spotopt__check_placement(spotopt__check *check, spotopt_error *err)
{
    const spotopt_cluster *cluster = check->scene->cluster;
    unsigned char *counts = spotopt__alloc_array(check->context, cluster->shapes.count + 1, 1);
    spotopt_status status = counts == NULL ? spotopt__nomem(err, "shapes") : check_room(check, err);

    check_node_rules(check);
    for (size_t i = 0; i < cluster->pods.count && status == SPOTOPT_OK; i++)
        counts[cluster->pods.at[i].shape] |= spotopt__pod_counts(&cluster->pods.at[i]);
    for (uint32_t s = 0; s < cluster->shapes.count && status == SPOTOPT_OK; s++) {
        const spotopt__shape *shape = &cluster->shapes.at[s];

        if (!counts[s])
            continue;
        for (uint32_t i = 0; i < shape->anti_affinity_count && status == SPOTOPT_OK; i++)
            status = check_anti_affinity(check, s, &shape->anti_affinity[i], err);
        for (uint32_t i = 0; i < shape->affinity_count && status == SPOTOPT_OK; i++)
            status = check_affinity(check, s, &shape->affinity[i], err);
        for (uint32_t i = 0; i < shape->spread_count && status == SPOTOPT_OK; i++)
            status = shape->spreads[i].is_hard ? check_spread(check, s, &shape->spreads[i], err)
                                               : SPOTOPT_OK;
    }
    if (status == SPOTOPT_OK)
        status = check_ports(check, err);
    spotopt__free(check->context, counts);
    return status;
}
