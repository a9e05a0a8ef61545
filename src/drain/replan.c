/* SPDX-License-Identifier: Apache-2.0 */
/*
 * replan.c - the same drain, planned anew from where it stands.
 *
 * Up to now all went as planned but for the news: what the steps so far have brought about is
 * carried over the progress that the last plan began with, then each piece of news is set over it.
 * An eviction that was refused was not made; a pod that is late is under way for longer or for
 * nobody knows how long; what stood on a lost node waits for a new one. The rest is planned as
 * ever.
 */
#include <math.h>

#include "base/base.h"
#include "drain/progress.h"

#define NONE SPOTOPT__NONE
#define RETRY_S 5.0 /* as kubectl drain tries again after a refusal */

typedef struct telling {
    const spotopt_cluster *cluster;
    const spotopt__drain_memory *memory;
    spotopt__progress *now;
    const spotopt_drain_news *news;
    double at_s; /* now, since the last plan began */
} telling;

static uint32_t
find_pod(const telling *t, size_t k, spotopt_error *err)
{
    const char *name = t->news->names[k] == NULL ? "" : t->news->names[k];
    uint32_t pod = spotopt__map_get(&t->cluster->pod_by_id, name);

    if (pod == NONE)
        (void)spotopt__fail(err, SPOTOPT_E_ARGUMENT, "news.names[%zu] is \"%.200s\"; want a pod", k,
                            name);
    return pod;
}

static uint32_t
find_site(const telling *t, size_t k, spotopt_error *err)
{
    const char *name = t->news->names[k] == NULL ? "" : t->news->names[k];
    uint32_t node = spotopt__map_get(&t->cluster->node_by_name, name);

    for (size_t l = 0; l < t->now->launched.count && node == NONE; l++) {
        if (strcmp(t->now->launched.at[l].name, name) == 0)
            node = (uint32_t)(t->now->node_count + l);
    }
    if (node == NONE)
        (void)spotopt__fail(err, SPOTOPT_E_ARGUMENT, "news.names[%zu] is \"%.200s\"; want a node",
                            k, name);
    return node;
}

/* Refusals come first: what was refused has not happened. */
static spotopt_status
mark_refused(const telling *t, unsigned char *refused, spotopt_error *err)
{
    for (size_t k = 0; k < t->news->count; k++) {
        uint32_t pod;
        if (t->news->kinds[k] != SPOTOPT_DRAIN_REFUSED)
            continue;
        pod = find_pod(t, k, err);
        if (pod == NONE)
            return SPOTOPT_E_ARGUMENT;
        refused[pod] = 1;
    }
    return SPOTOPT_OK;
}

/* What the plan has brought about until now. */
static bool
follow_plan(const telling *t, const unsigned char *refused)
{
    const spotopt__schedule *schedule = &t->memory->schedule;
    spotopt__progress *now = t->now;

    for (size_t m = 0; m < schedule->moved.count; m++) {
        const spotopt__drain_moved *moved = &schedule->moved.at[m];
        spotopt__pod_progress *state;
        if (moved->at_s > t->at_s || moved->pod >= now->pod_count ||
            (refused[moved->pod] && !moved->is_place))
            continue;
        state = &now->pods[moved->pod];
        if (!moved->is_place) {
            state->from = state->stage == SPOTOPT__STAGE_MOVED
                              ? state->site
                              : t->cluster->pods.at[moved->pod].node;
            state->gone_s = moved->gone_s;
            if (!spotopt__progress_note_eviction(now, moved->at_s))
                return false;
        }
        state->stage = SPOTOPT__STAGE_MOVED;
        state->site = moved->to;
        state->ready_s = moved->ready_s;
    }
    for (size_t k = 0; k < schedule->steps.count; k++) {
        const spotopt__drain_step *step = &schedule->steps.at[k];
        if (step->at_s > t->at_s)
            continue;
        if (step->kind == SPOTOPT__DO_CORDON)
            now->sites.at[step->node].is_cordoned = true;
        else if (step->kind == SPOTOPT__DO_DELETE)
            spotopt__progress_lose_site(now, t->cluster, step->node);
    }
    return true;
}

/* One piece of news, after time has passed. */
static spotopt_status
hear(const telling *t, size_t k, spotopt_error *err)
{
    double value_s = t->news->values_s == NULL ? NAN : t->news->values_s[k];
    int32_t kind = t->news->kinds[k];
    spotopt__pod_progress *state;
    uint32_t index;

    if (kind == SPOTOPT_DRAIN_NODE_LOST || kind == SPOTOPT_DRAIN_NODE_LATE) {
        index = find_site(t, k, err);
        if (index == NONE)
            return SPOTOPT_E_ARGUMENT;
        if (kind == SPOTOPT_DRAIN_NODE_LOST || !(value_s < INFINITY))
            spotopt__progress_lose_site(t->now, t->cluster, index);
        else
            t->now->sites.at[index].up_s = value_s;
        return SPOTOPT_OK;
    }
    index = find_pod(t, k, err);
    if (index == NONE)
        return SPOTOPT_E_ARGUMENT;
    state = &t->now->pods[index];
    switch (kind) {
    case SPOTOPT_DRAIN_REFUSED:
        state->hold_s = value_s >= 0.0 ? value_s : RETRY_S;
        return SPOTOPT_OK;
    case SPOTOPT_DRAIN_READY:
        state->ready_s = 0.0;
        return SPOTOPT_OK;
    case SPOTOPT_DRAIN_NOT_READY:
        state->ready_s = value_s >= 0.0 ? value_s : (double)INFINITY;
        return SPOTOPT_OK;
    default:
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT,
                             "news.kinds[%zu] is %d; want a SPOTOPT_DRAIN_...", k, (int)kind);
    }
}

static spotopt_status
tell(const telling *t, spotopt_error *err)
{
    unsigned char *refused =
        spotopt__alloc_array(t->now->context, t->now->pod_count + 1, sizeof *refused);
    spotopt_status status;

    if (refused == NULL)
        return spotopt__nomem(err, "news of a drain");
    status = mark_refused(t, refused, err);
    if (status == SPOTOPT_OK && !follow_plan(t, refused))
        status = spotopt__nomem(err, "news of a drain");
    spotopt__progress_pass(t->now, t->at_s);
    for (size_t k = 0; k < t->news->count && status == SPOTOPT_OK; k++)
        status = hear(t, k, err);
    spotopt__free(t->now->context, refused);
    return status;
}

static spotopt_status
check_call(const spotopt_drain *previous, const spotopt_drain_params *params, double now_s,
           const spotopt_drain_news *news, spotopt_error *err)
{
    if (previous == NULL || params == NULL || params->cluster == NULL)
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT,
                             "previous, params and params.cluster are needed");
    if (!(now_s >= 0.0 && now_s <= 1e9))
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT, "now_s is out of range; want 0 .. 1e9 s");
    if (params->cluster->pods.count != spotopt__drain_recall(previous)->start.pod_count ||
        params->cluster->nodes.count != spotopt__drain_recall(previous)->start.node_count ||
        strcmp(params->cluster->sha256, spotopt__drain_recall(previous)->sha256) != 0)
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT,
                             "params.cluster is another than the drain began with");
    if (news->count > 0 && (news->kinds == NULL || news->names == NULL))
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT, "news has %zu rows but no kinds or names",
                             news->count);
    return SPOTOPT_OK;
}

spotopt_status
spotopt_drain_replan(spotopt_context *context, const spotopt_drain *previous,
                     const spotopt_drain_params *given, double now_s,
                     const spotopt_drain_news *given_news, const spotopt_options *options,
                     spotopt_drain **out, spotopt_error *err)
{
    spotopt_drain_news news = SPOTOPT_DRAIN_NEWS_INIT;
    spotopt_drain_params params = SPOTOPT_DRAIN_PARAMS_INIT;
    const spotopt__drain_memory *memory;
    spotopt__progress now;
    const char **names = NULL;
    telling t;
    spotopt_status status = SPOTOPT_OK;

    (void)options;
    if (out == NULL)
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT, "out is NULL");
    if (given_news != NULL)
        status = spotopt__copy_in(&news, sizeof news, given_news, "news", err);
    if (status == SPOTOPT_OK && given != NULL)
        status = spotopt__copy_in(&params, sizeof params, given, "params", err);
    if (status == SPOTOPT_OK)
        status = check_call(previous, given == NULL ? NULL : &params, now_s, &news, err);
    if (status != SPOTOPT_OK)
        return status;
    memory = spotopt__drain_recall(previous);
    status = spotopt__progress_copy(&memory->start, &now, err);
    if (status != SPOTOPT_OK)
        return status;
    t = (telling){params.cluster, memory, &now, &news, now_s};
    status = tell(&t, err);
    if (status == SPOTOPT_OK && params.node_count == 0 && params.plan_text == NULL) {
        names = spotopt__alloc_array(now.context, memory->nodes.count + 1, sizeof *names);
        if (names == NULL)
            status = spotopt__nomem(err, "a drain");
        for (size_t n = 0; n < memory->nodes.count && status == SPOTOPT_OK; n++)
            names[n] = memory->nodes.at[n] < now.node_count
                           ? params.cluster->nodes.at[memory->nodes.at[n]].name
                           : now.launched.at[memory->nodes.at[n] - now.node_count].name;
        params.nodes = names;
        params.node_count = memory->nodes.count;
    }
    if (status == SPOTOPT_OK)
        status = spotopt__drain_plan_from(context, &params, &now, out, err);
    spotopt__free(now.context, (void *)names);
    spotopt__progress_free(&now);
    return status;
}
