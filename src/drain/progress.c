/* SPDX-License-Identifier: Apache-2.0 */
/*
 * progress.c - how far a drain has come, and the cluster as it is in that moment.
 *
 * A drain in the middle is a snapshot like any other: pods that moved stand on their targets, old
 * pods that still end are terminating, launched nodes are nodes. What a snapshot cannot tell (when
 * a pod will be ready, when a node takes pods, which eviction was refused) stands in the outlook.
 * So the planner needs no second way of thinking for it. Replacements keep the names of the pods
 * they replace.
 */
#include <math.h>

#include "base/base.h"
#include "drain/budget.h"
#include "drain/progress.h"

#define NONE SPOTOPT__NONE
#define AN_HOUR_S 3600.0

spotopt_status
spotopt__progress_make(const spotopt_cluster *cluster, spotopt__progress *out, spotopt_error *err)
{
    const spotopt__site_progress site = {false, false, 0.0};
    bool done;

    memset(out, 0, sizeof *out);
    out->context = cluster->context;
    spotopt__arena_init(&out->arena, out->context);
    out->node_count = cluster->nodes.count;
    out->pod_count = cluster->pods.count;
    out->pods = spotopt__alloc_array(out->context, out->pod_count + 1, sizeof *out->pods);
    done = out->pods != NULL && spotopt__vec_reserve(out->context, &out->sites, out->node_count);
    for (size_t n = 0; n < out->node_count && done; n++)
        out->sites.at[out->sites.count++] = site;
    for (size_t i = 0; i < out->pod_count && done; i++)
        out->pods[i].site = out->pods[i].from = NONE;
    if (done)
        return SPOTOPT_OK;
    spotopt__progress_free(out);
    return spotopt__nomem(err, "the progress of a drain");
}

spotopt_status
spotopt__progress_copy(const spotopt__progress *from, spotopt__progress *out, spotopt_error *err)
{
    bool done;

    memset(out, 0, sizeof *out);
    out->context = from->context;
    spotopt__arena_init(&out->arena, out->context);
    out->node_count = from->node_count;
    out->pod_count = from->pod_count;
    out->pods =
        spotopt__dup_array(from->context, from->pods, from->pod_count + 1, sizeof *out->pods);
    done = out->pods != NULL &&
           spotopt__vec_reserve(out->context, &out->sites, from->sites.count) &&
           spotopt__vec_reserve(out->context, &out->evicted_s, from->evicted_s.count);
    for (size_t n = 0; n < from->node_count && done; n++)
        out->sites.at[out->sites.count++] = from->sites.at[n];
    for (size_t l = 0; l < from->launched.count && done; l++) {
        done = spotopt__progress_add_launch(out, &from->launched.at[l], 0.0);
        if (done)
            out->sites.at[from->node_count + l] = from->sites.at[from->node_count + l];
    }
    for (size_t e = 0; e < from->evicted_s.count && done; e++)
        out->evicted_s.at[out->evicted_s.count++] = from->evicted_s.at[e];
    if (done)
        return SPOTOPT_OK;
    spotopt__progress_free(out);
    return spotopt__nomem(err, "the progress of a drain");
}

void
spotopt__progress_free(spotopt__progress *progress)
{
    spotopt__free(progress->context, progress->pods);
    spotopt__vec_free(progress->context, &progress->sites);
    spotopt__vec_free(progress->context, &progress->launched);
    spotopt__vec_free(progress->context, &progress->evicted_s);
    spotopt__arena_free(&progress->arena);
    memset(progress, 0, sizeof *progress);
}

bool
spotopt__progress_add_launch(spotopt__progress *progress, const spotopt__launched *launched,
                             double up_s)
{
    spotopt__arena *arena = &progress->arena;
    const spotopt__site_progress site = {false, false, up_s};
    spotopt__launched copy = *launched;
    spotopt__label *labels =
        spotopt__arena_alloc(arena, launched->labels.count + 1, sizeof *labels);

    copy.name = spotopt__arena_text(arena, launched->name, strlen(launched->name));
    copy.pool = spotopt__arena_text(arena, launched->pool, strlen(launched->pool));
    copy.labels.at = labels;
    if (copy.name == NULL || copy.pool == NULL || labels == NULL)
        return false;
    for (uint32_t i = 0; i < launched->labels.count; i++) {
        const spotopt__label *from = &launched->labels.at[i];
        labels[i].key = spotopt__arena_text(arena, from->key, strlen(from->key));
        labels[i].value = spotopt__arena_text(arena, from->value, strlen(from->value));
        if (labels[i].key == NULL || labels[i].value == NULL)
            return false;
    }
    if (!spotopt__vec_push(progress->context, &progress->launched, copy))
        return false;
    if (spotopt__vec_push(progress->context, &progress->sites, site))
        return true;
    progress->launched.count--;
    return false;
}

bool
spotopt__progress_note_eviction(spotopt__progress *progress, double at_s)
{
    return spotopt__vec_push(progress->context, &progress->evicted_s, at_s);
}

void
spotopt__progress_pass(spotopt__progress *progress, double seconds)
{
    size_t kept = 0;

    for (size_t i = 0; i < progress->pod_count; i++) {
        progress->pods[i].gone_s -= seconds;
        progress->pods[i].ready_s -= seconds;
        progress->pods[i].hold_s -= seconds;
    }
    for (size_t n = 0; n < progress->sites.count; n++)
        progress->sites.at[n].up_s -= seconds;
    for (size_t e = 0; e < progress->evicted_s.count; e++) {
        if (progress->evicted_s.at[e] - seconds > -AN_HOUR_S)
            progress->evicted_s.at[kept++] = progress->evicted_s.at[e] - seconds;
    }
    progress->evicted_s.count = kept;
}

static uint32_t
site_of(const spotopt__progress *progress, const spotopt_cluster *cluster, uint32_t pod)
{
    const spotopt__pod_progress *state = &progress->pods[pod];

    return state->stage == SPOTOPT__STAGE_AS_BEFORE ? cluster->pods.at[pod].node
           : state->stage == SPOTOPT__STAGE_MOVED   ? state->site
                                                    : NONE;
}

void
spotopt__progress_lose_site(spotopt__progress *progress, const spotopt_cluster *cluster,
                            uint32_t site)
{
    progress->sites.at[site].is_gone = true;
    for (uint32_t i = 0; i < progress->pod_count; i++) {
        const spotopt__pod *pod = &cluster->pods.at[i];
        spotopt__pod_progress *state = &progress->pods[i];
        bool was_moved = state->stage == SPOTOPT__STAGE_MOVED;

        if (state->from == site)
            state->gone_s = 0.0;
        if (site_of(progress, cluster, i) != site || spotopt__pod_is_finished(pod))
            continue;
        state->stage = pod->is_daemon || pod->is_mirror ||
                               (!was_moved && (!pod->has_controller || pod->is_terminating))
                           ? SPOTOPT__STAGE_ENDED
                           : SPOTOPT__STAGE_WAITS;
        state->site = NONE;
        state->ready_s = INFINITY;
        if (!was_moved)
            state->gone_s = 0.0;
    }
}

/* The nodes of a moment: the snapshot's, then those launched. */
static bool
set_nodes(const spotopt_cluster *snapshot, const spotopt__progress *progress, spotopt__moment *m)
{
    size_t all = progress->sites.count;
    spotopt__map *names = &m->cluster.node_by_name;

    memset(&m->cluster.nodes, 0, sizeof m->cluster.nodes);
    spotopt__map_init(names, m->context);
    if (!spotopt__vec_reserve(m->context, &m->cluster.nodes, all + 1))
        return false;
    for (size_t n = 0; n < all; n++) {
        spotopt__node *node = &m->cluster.nodes.at[n];
        const spotopt__site_progress *site = &progress->sites.at[n];
        uint32_t found;

        if (n < progress->node_count) {
            *node = snapshot->nodes.at[n];
        } else {
            const spotopt__launched *launched = &progress->launched.at[n - progress->node_count];
            memset(node, 0, sizeof *node);
            node->name = launched->name;
            node->provider_id = "";
            node->labels = launched->labels;
            node->capacity = node->allocatable = launched->room;
            node->is_ready = true;
            node->created_s = NAN;
        }
        node->is_ready = node->is_ready && !site->is_gone;
        node->is_unschedulable = node->is_unschedulable || site->is_cordoned;
        if (site->is_gone) /* no domain, and no node of any pool */
            memset(&node->labels, 0, sizeof node->labels);
        m->up_s[n] = site->up_s > 0.0 ? site->up_s : 0.0;
        m->cluster.nodes.count++;
        if (!spotopt__map_put(names, node->name, (uint32_t)n, &found))
            return false;
    }
    return true;
}

static void
set_pod(const spotopt__moment *m, const spotopt__pod_progress *state, spotopt__pod *pod)
{
    if (state->stage == SPOTOPT__STAGE_AS_BEFORE)
        return;
    pod->name = ""; /* a new pod: no budget has it on its list of disrupted ones */
    pod->is_terminating = false;
    if (state->stage == SPOTOPT__STAGE_ENDED) {
        pod->phase = SPOTOPT__FAILED;
        pod->is_ready = false;
        return;
    }
    pod->node = state->stage == SPOTOPT__STAGE_MOVED ? state->site : NONE;
    pod->node_name = pod->node == NONE ? "" : m->cluster.nodes.at[pod->node].name;
    pod->is_ready = pod->node != NONE && state->ready_s <= 0.0;
    pod->phase = pod->node == NONE ? SPOTOPT__PENDING : SPOTOPT__RUNNING;
}

/* The pods of a moment: one for each of the snapshot, then old ones that have not left yet. */
static bool
set_pods(const spotopt_cluster *snapshot, const spotopt__progress *progress, spotopt__moment *m)
{
    size_t at = progress->pod_count;

    for (size_t i = 0; i < progress->pod_count; i++) {
        const spotopt__pod_progress *state = &progress->pods[i];
        m->cluster.pods.at[i] = snapshot->pods.at[i];
        m->ready_s[i] = state->stage == SPOTOPT__STAGE_MOVED ? state->ready_s : (double)INFINITY;
        m->hold_s[i] = state->hold_s > 0.0 ? state->hold_s : 0.0;
        m->gone_s[i] = snapshot->shapes.at[snapshot->pods.at[i].shape].grace_s;
        if (state->stage == SPOTOPT__STAGE_AS_BEFORE) /* terminating since before the start */
            m->gone_s[i] = fmax(m->gone_s[i] + state->gone_s, 0.0);
        set_pod(m, state, &m->cluster.pods.at[i]);
    }
    for (size_t i = 0; i < progress->pod_count; i++) {
        const spotopt__pod_progress *state = &progress->pods[i];
        spotopt__pod *old;

        if (state->stage == SPOTOPT__STAGE_AS_BEFORE || state->from == NONE ||
            !(state->gone_s > 0.0))
            continue;
        old = &m->cluster.pods.at[at];
        *old = snapshot->pods.at[i];
        old->node = state->from;
        old->node_name = m->cluster.nodes.at[state->from].name;
        old->is_terminating = true;
        old->is_ready = false;
        m->ready_s[at] = INFINITY;
        m->gone_s[at] = state->gone_s;
        at++;
    }
    m->cluster.pods.count = at;
    return true;
}

spotopt_status
spotopt__moment_make(const spotopt_cluster *snapshot, const spotopt__progress *progress,
                     spotopt__moment *out, spotopt_error *err)
{
    size_t old = 0, pods;
    bool done;

    memset(out, 0, sizeof *out);
    out->context = snapshot->context;
    out->cluster = *snapshot;
    memset(&out->cluster.pods, 0, sizeof out->cluster.pods);
    for (size_t i = 0; i < progress->pod_count; i++)
        old += progress->pods[i].gone_s > 0.0;
    pods = progress->pod_count + old + 1;
    out->ready_s = spotopt__alloc_array(out->context, pods, sizeof *out->ready_s);
    out->gone_s = spotopt__alloc_array(out->context, pods, sizeof *out->gone_s);
    out->hold_s = spotopt__alloc_array(out->context, pods, sizeof *out->hold_s);
    out->up_s = spotopt__alloc_array(out->context, progress->sites.count + 1, sizeof *out->up_s);
    memset(&out->cluster.nodes, 0, sizeof out->cluster.nodes);
    memset(&out->cluster.node_by_name, 0, sizeof out->cluster.node_by_name);
    done = out->ready_s != NULL && out->gone_s != NULL && out->hold_s != NULL &&
           out->up_s != NULL && spotopt__vec_reserve(out->context, &out->cluster.pods, pods) &&
           set_nodes(snapshot, progress, out) && set_pods(snapshot, progress, out);
    out->outlook.ready_s = out->ready_s;
    out->outlook.gone_s = out->gone_s;
    out->outlook.hold_s = out->hold_s;
    out->outlook.up_s = out->up_s;
    out->outlook.evicted_s = progress->evicted_s.at;
    out->outlook.evicted_count = progress->evicted_s.count;
    if (done)
        return SPOTOPT_OK;
    spotopt__moment_free(out);
    return spotopt__nomem(err, "a moment of a drain");
}

void
spotopt__moment_free(spotopt__moment *moment)
{
    spotopt__vec_free(moment->context, &moment->cluster.pods);
    spotopt__vec_free(moment->context, &moment->cluster.nodes);
    if (moment->cluster.nodes.at != NULL || moment->up_s != NULL)
        spotopt__map_free(&moment->cluster.node_by_name);
    spotopt__free(moment->context, moment->ready_s);
    spotopt__free(moment->context, moment->gone_s);
    spotopt__free(moment->context, moment->hold_s);
    spotopt__free(moment->context, moment->up_s);
    memset(moment, 0, sizeof *moment);
}
