/* SPDX-License-Identifier: Apache-2.0 */
/*
 * fleet.c - where a Plan document wants every pod.
 *
 * Only nodes[] is read: name, pool, action and pods. A node that the plan launches and that is in
 * the cluster by now counts as any other.
 */
#include "drain/fleet.h"

#include "base/base.h"

#define NONE SPOTOPT__NONE

static spotopt_status
read_pods(const spotopt_cluster *cluster, const spotopt__at *node, uint32_t site,
          spotopt__fleet *out, spotopt_error *err)
{
    spotopt__at pods = spotopt__at_key(node, "pods");
    spotopt_status status = spotopt__want_array(&pods, err);

    for (spotopt__at it = spotopt__at_first(&pods); status == SPOTOPT_OK && it.value != NULL;
         spotopt__at_step(&it)) {
        const char *id;
        uint32_t pod;
        status = spotopt__want_text(&it, &id, err);
        pod = status == SPOTOPT_OK ? spotopt__map_get(&cluster->pod_by_id, id) : NONE;
        if (pod != NONE && pod < cluster->pods.count)
            out->wanted[pod] = site;
    }
    return status;
}

static spotopt_status
read_node(const spotopt_cluster *cluster, const spotopt__at *node, spotopt__fleet *out,
          spotopt_error *err)
{
    spotopt__at name_at = spotopt__at_key(node, "name"), pool_at = spotopt__at_key(node, "pool"),
                action_at = spotopt__at_key(node, "action");
    const char *name = NULL, *pool = "", *action = NULL;
    spotopt_status status = spotopt__want_object(node, err);
    spotopt__launch launch;
    uint32_t site;

    if (status == SPOTOPT_OK)
        status = spotopt__want_text(&name_at, &name, err);
    if (status == SPOTOPT_OK)
        status = spotopt__want_text(&action_at, &action, err);
    if (status == SPOTOPT_OK && spotopt__at_is_set(&pool_at))
        status = spotopt__want_text(&pool_at, &pool, err);
    if (status != SPOTOPT_OK)
        return status;
    site = spotopt__map_get(&cluster->node_by_name, name);
    if (strcmp(action, "drain") == 0) {
        if (site != NONE)
            out->drains[site] = 1;
        return SPOTOPT_OK;
    }
    if (strcmp(action, "keep") != 0 && strcmp(action, "launch") != 0)
        return spotopt__fail_at(&action_at, err, "is \"%.20s\"; want keep, launch or drain",
                                action);
    if (site == NONE && strcmp(action, "keep") == 0)
        return SPOTOPT_OK;
    if (site == NONE) {
        memset(&launch, 0, sizeof launch);
        launch.name = spotopt__arena_text(&out->arena, name, strlen(name));
        launch.pool = spotopt__arena_text(&out->arena, pool, strlen(pool));
        site = (uint32_t)(cluster->nodes.count + out->launches.count);
        if (launch.name == NULL || launch.pool == NULL ||
            !spotopt__vec_push(out->context, &out->launches, launch))
            return spotopt__nomem(err, "a fleet");
    }
    return read_pods(cluster, node, site, out, err);
}

spotopt_status
spotopt__fleet_read(const spotopt_cluster *cluster, const char *text, size_t length,
                    spotopt__fleet *out, spotopt_error *err)
{
    spotopt__json *json = NULL;
    spotopt_status status = SPOTOPT_OK;

    memset(out, 0, sizeof *out);
    out->context = cluster->context;
    spotopt__arena_init(&out->arena, out->context);
    out->drains = spotopt__alloc_array(out->context, cluster->nodes.count + 1, sizeof *out->drains);
    out->wanted = spotopt__alloc_array(out->context, cluster->pods.count + 1, sizeof *out->wanted);
    if (out->drains == NULL || out->wanted == NULL)
        status = spotopt__nomem(err, "a fleet");
    for (size_t i = 0; i < cluster->pods.count && status == SPOTOPT_OK; i++)
        out->wanted[i] = NONE;
    if (status == SPOTOPT_OK)
        status = spotopt__json_parse(text, length, "plan", &json, err);
    if (status == SPOTOPT_OK) {
        spotopt__at root = spotopt__at_root(json, "plan"), nodes = spotopt__at_key(&root, "nodes");
        status = spotopt__want_object(&root, err);
        if (status == SPOTOPT_OK)
            status = spotopt__want_kind(&root, "Plan", err);
        if (status == SPOTOPT_OK)
            status = spotopt__want_array(&nodes, err);
        for (spotopt__at it = spotopt__at_first(&nodes); status == SPOTOPT_OK && it.value != NULL;
             spotopt__at_step(&it))
            status = read_node(cluster, &it, out, err);
    }
    spotopt__json_free(json);
    if (status != SPOTOPT_OK)
        spotopt__fleet_free(out);
    return status;
}

void
spotopt__fleet_free(spotopt__fleet *fleet)
{
    spotopt__free(fleet->context, fleet->drains);
    spotopt__free(fleet->context, fleet->wanted);
    spotopt__vec_free(fleet->context, &fleet->launches);
    spotopt__arena_free(&fleet->arena);
    memset(fleet, 0, sizeof *fleet);
}
