/* SPDX-License-Identifier: Apache-2.0 */
/*
 * changes.c - what of a plan hangs together, and in how many hours each part pays back.
 *
 * Nodes between which pods move belong to one change (union-find), as does a node that is launched
 * or leaves alone. A change saves what its leaving nodes cost per hour less what its new ones do,
 * interruptions included, and costs its moves once: moves / saving is its pay-back time. A change
 * that places waiting pods or empties a node that must go is needed, whatever it saves.
 */
#include "pipeline/changes.h"

#define EPS 1e-9

static uint32_t
root_of(uint32_t *parent, uint32_t n)
{
    while (parent[n] != n)
        n = parent[n] = parent[parent[n]];
    return n;
}

/* The lower index leads, so that changes come in the order of their first nodes. */
static void
join(uint32_t *parent, uint32_t a, uint32_t b)
{
    a = root_of(parent, a);
    b = root_of(parent, b);
    parent[a > b ? a : b] = a < b ? a : b;
}

static void
add_node(const spotopt__scene *scene, const spotopt__decision *d, size_t n, spotopt__change *change)
{
    const size_t running = scene->cluster->nodes.count;
    double sign, usd, cost;

    if (n < running && d->keeps[n])
        return;
    sign = n < running ? 1.0 : -1.0;
    usd = n < running ? scene->nodes[n].usd_per_h : d->launches.at[n - running].usd_per_h;
    cost = n < running ? scene->nodes[n].cost : d->launches.at[n - running].cost;
    usd = usd >= 0.0 ? usd : 0.0;
    change->saves_usd_per_h += sign * cost;
    change->risk_usd_per_h -= sign * (cost - usd);
    change->is_needed = change->is_needed || (n < running && scene->nodes[n].must_go);
}

/* Numbers the parts that change something; *out_count of them. */
static void
number_them(const spotopt__scene *scene, const spotopt__decision *d, spotopt__changes *c)
{
    const spotopt_cluster *cluster = scene->cluster;
    const size_t running = cluster->nodes.count, all = running + d->launches.count;
    uint32_t *parent = c->of_node;

    for (uint32_t n = 0; n < all; n++)
        parent[n] = n;
    for (size_t i = 0; i < cluster->pods.count; i++) {
        uint32_t from = cluster->pods.at[i].node, to = d->target[i];

        if (from != SPOTOPT__NONE && to != SPOTOPT__NONE && from != to)
            join(parent, from, to);
    }
    for (uint32_t n = 0; n < all; n++)
        parent[n] = root_of(parent, n);
    /* A root comes before the others of its part: whether it counts is known at its first. */
    for (uint32_t n = 0; n < all; n++)
        c->is_in[n] = n >= running || !d->keeps[n];
    for (size_t i = 0; i < cluster->pods.count; i++) {
        uint32_t from = cluster->pods.at[i].node, to = d->target[i];

        if (to != SPOTOPT__NONE && from != to) {
            c->is_in[to] = 1;
            if (from != SPOTOPT__NONE)
                c->is_in[from] = 1;
        }
    }
    for (uint32_t n = 0; n < all; n++) {
        if (!c->is_in[n])
            parent[n] = SPOTOPT__NONE;
        else if (parent[n] == n)
            c->place[n] = c->count++;
    }
    for (uint32_t n = 0; n < all; n++) {
        if (parent[n] != SPOTOPT__NONE)
            parent[n] = c->place[parent[n]];
    }
}

spotopt_status
spotopt__changes_find(const spotopt__scene *scene, const spotopt__decision *d,
                      spotopt__changes *out, spotopt_error *err)
{
    const spotopt_cluster *cluster = scene->cluster;
    const size_t all = cluster->nodes.count + d->launches.count;

    memset(out, 0, sizeof *out);
    out->context = scene->context;
    out->of_node = spotopt__alloc_array(scene->context, all + 1, sizeof *out->of_node);
    out->place = spotopt__alloc_array(scene->context, all + 1, sizeof *out->place);
    out->is_in = spotopt__alloc_array(scene->context, all + 1, 1);
    out->at = spotopt__alloc_array(scene->context, all + 1, sizeof *out->at);
    if (out->of_node == NULL || out->place == NULL || out->is_in == NULL || out->at == NULL) {
        spotopt__changes_free(out);
        return spotopt__nomem(err, "the changes of a plan");
    }
    number_them(scene, d, out);
    for (size_t n = 0; n < all; n++) {
        if (out->of_node[n] != SPOTOPT__NONE)
            add_node(scene, d, n, &out->at[out->of_node[n]]);
    }
    for (size_t i = 0; i < cluster->pods.count; i++) {
        uint32_t from = cluster->pods.at[i].node, to = d->target[i];

        if (to == SPOTOPT__NONE || from == to)
            continue;
        spotopt__change *change = &out->at[out->of_node[to]];
        if (from == SPOTOPT__NONE)
            change->is_needed = true;
        else
            change->moves++;
    }
    for (uint32_t k = 0; k < out->count; k++) {
        spotopt__change *change = &out->at[k];

        change->move_usd = change->moves * scene->policy->move_usd;
        change->pay_back_h =
            change->saves_usd_per_h > EPS ? change->move_usd / change->saves_usd_per_h : INFINITY;
        change->pays = change->pay_back_h <= scene->policy->change_horizon_h * (1.0 + EPS);
    }
    return SPOTOPT_OK;
}

void
spotopt__changes_free(spotopt__changes *changes)
{
    spotopt__free(changes->context, changes->of_node);
    spotopt__free(changes->context, changes->place);
    spotopt__free(changes->context, changes->is_in);
    spotopt__free(changes->context, changes->at);
    memset(changes, 0, sizeof *changes);
}

/* A running pod of a change that does not pay back has to stay; how many there are. */
uint32_t
spotopt__changes_fix(const spotopt__scene *scene, const spotopt__decision *d,
                     const spotopt__changes *changes, unsigned char *fixed)
{
    uint32_t count = 0;

    for (size_t i = 0; i < scene->cluster->pods.count; i++) {
        uint32_t from = scene->cluster->pods.at[i].node, to = d->target[i];

        if (from == SPOTOPT__NONE || to == SPOTOPT__NONE || from == to || fixed[i])
            continue;
        const spotopt__change *change = &changes->at[changes->of_node[to]];
        if (change->is_needed || change->pays)
            continue;
        fixed[i] = 1;
        count++;
    }
    return count;
}
