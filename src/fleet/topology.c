/* SPDX-License-Identifier: Apache-2.0 */
/*
 * topology.c - who runs what where: client, cluster, pool, node, as they run at now.
 */
#include <stdlib.h>

#include "fleet/books.h"

typedef struct place {
    const char *pool, *instance;
    const spotopt__life *life;
} place;

static int
by_pool_and_id(const void *a, const void *b)
{
    const place *x = a, *y = b;
    const int order = strcmp(x->pool, y->pool);

    return order != 0 ? order : strcmp(x->instance, y->instance);
}

static void
put_nodes(const spotopt__view *view, spotopt__jw *jw, const place *places, size_t count)
{
    const spotopt_ledger *ledger = view->ledger;
    double usd = 0.0;

    spotopt__jw_key(jw, "nodes");
    spotopt__jw_array(jw);
    for (size_t i = 0; i < count; i++) {
        const spotopt__life *life = places[i].life;
        const double rate = spotopt__life_usd_per_h(ledger, life, view->now_ms);

        usd += rate;
        spotopt__jw_object(jw);
        spotopt__put_name(view, jw, "instance", life->start.instance);
        spotopt__put_time(jw, "since", life->start.time_ms);
        spotopt__jw_put_real(jw, "vcpu", life->start.vcpu);
        spotopt__jw_put_real(jw, "usd_per_hour", rate);
        spotopt__jw_end_object(jw);
    }
    spotopt__jw_end_array(jw);
    spotopt__jw_put_real(jw, "usd_per_hour", usd);
}

static void
put_cluster(const spotopt__view *view, spotopt__jw *jw, const spotopt__cluster_books *books,
            place *places)
{
    const spotopt_ledger *ledger = view->ledger;
    size_t count = 0;

    for (size_t i = 0; i < books->life_count; i++) {
        const spotopt__life *life = &ledger->lives.at[books->first_life + i];

        if (spotopt__life_runs(life, view->now_ms))
            places[count++] = (place){spotopt__name(ledger, life->start.pool),
                                      spotopt__name(ledger, life->start.instance), life};
    }
    if (count > 1)
        qsort(places, count, sizeof *places, by_pool_and_id);
    spotopt__jw_object(jw);
    spotopt__put_name(view, jw, "cluster", books->name);
    spotopt__jw_put_int(jw, "node_count", (int64_t)count);
    spotopt__jw_key(jw, "pools");
    spotopt__jw_array(jw);
    for (size_t first = 0, next; first < count; first = next) {
        const spotopt__start *start = &places[first].life->start;

        for (next = first; next < count && strcmp(places[next].pool, places[first].pool) == 0;)
            next++;
        spotopt__jw_object(jw);
        spotopt__put_name(view, jw, "pool", start->pool);
        spotopt__put_name(view, jw, "instance_type", start->type);
        spotopt__put_name(view, jw, "zone", start->zone);
        spotopt__jw_put_text(jw, "purchase", start->is_spot ? "spot" : "on-demand");
        put_nodes(view, jw, places + first, next - first);
        spotopt__jw_end_object(jw);
    }
    spotopt__jw_end_array(jw);
    spotopt__jw_end_object(jw);
}

spotopt_status
spotopt__write_topology(const spotopt__view *view, spotopt__jw *jw, spotopt_error *err)
{
    const spotopt_ledger *ledger = view->ledger;
    place *places = spotopt__alloc_array(ledger->context, ledger->lives.count + 1, sizeof *places);
    bool *seen = spotopt__alloc_array(ledger->context, ledger->known_names + 1, sizeof *seen);

    if (places == NULL || seen == NULL) {
        spotopt__free(ledger->context, places);
        spotopt__free(ledger->context, seen);
        return spotopt__nomem(err, "a topology");
    }
    spotopt__jw_key(jw, "clients");
    spotopt__jw_array(jw);
    for (size_t i = 0; i < ledger->clusters.count; i++) {
        const uint32_t client = ledger->clusters.at[i].client;

        if (!spotopt__view_has_cluster(view, &ledger->clusters.at[i]) || seen[client])
            continue;
        seen[client] = true;
        spotopt__jw_object(jw);
        spotopt__put_name(view, jw, "client", client);
        spotopt__jw_key(jw, "clusters");
        spotopt__jw_array(jw);
        for (size_t c = i; c < ledger->clusters.count; c++) {
            if (ledger->clusters.at[c].client == client &&
                spotopt__view_has_cluster(view, &ledger->clusters.at[c]))
                put_cluster(view, jw, &ledger->clusters.at[c], places);
        }
        spotopt__jw_end_array(jw);
        spotopt__jw_end_object(jw);
    }
    spotopt__jw_end_array(jw);
    spotopt__free(ledger->context, places);
    spotopt__free(ledger->context, seen);
    return SPOTOPT_OK;
}
