/* SPDX-License-Identifier: Apache-2.0 */
/*
 * view.c - a Plan document arranged for tables and pictures: nodes grouped by action and pool,
 * reasons counted.
 *
 * One sort for each list; nothing here is slower than n log n, since plans of 10,000 nodes are
 * ordinary.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "view.h"

const char *const view_actions[] = {"keep", "launch", "drain"};

bool
view_is_spot(const char *pool)
{
    const char *slash = strrchr(pool, '/');

    return slash != NULL && strcmp(slash, "/spot") == 0;
}

static int
by_id(const void *a, const void *b)
{
    return strcmp(((const view_pool *)a)->id, ((const view_pool *)b)->id);
}

const view_pool *
view_pool_find(const plan_view *view, const char *id)
{
    const view_pool key = {.id = id};

    if (view->pool_count == 0)
        return NULL;
    return bsearch(&key, view->pools, view->pool_count, sizeof key, by_id);
}

static void
read_pools(plan_view *view, const cJSON *plan)
{
    view->pools = need_array(doc_count(plan, "pools"), sizeof *view->pools);
    for (const cJSON *item = doc_list(plan, "pools"); item != NULL; item = item->next) {
        view_pool *pool = &view->pools[view->pool_count++];
        const cJSON *p = doc_list(item, "p.24");
        const double chosen = doc_number(item, "chosen");

        pool->id = doc_text(item, "pool");
        pool->chosen = chosen > 0 && chosen < 1e9 ? (size_t)chosen : 0;
        pool->usd = doc_number(item, "usd_per_hour");
        pool->score = doc_number(item, "score");
        pool->expected_usd = doc_number(item, "expected_usd_per_hour");
        pool->p24 = p != NULL ? doc_value(p) : NAN;
        pool->p24_low = p != NULL && p->next != NULL ? doc_value(p->next) : NAN;
        pool->p24_high =
            p != NULL && p->next != NULL && p->next->next != NULL ? doc_value(p->next->next) : NAN;
        pool->is_spot = view_is_spot(pool->id);
    }
    qsort(view->pools, view->pool_count, sizeof *view->pools, by_id);
}

static int
action_of(const char *word)
{
    return strcmp(word, "drain") == 0    ? VIEW_DRAIN
           : strcmp(word, "launch") == 0 ? VIEW_LAUNCH
                                         : VIEW_KEEP;
}

/* A pool, and where its document stands: equal names keep their order. */
typedef struct sort_node {
    view_node node;
    size_t at;
} sort_node;

static int
by_action_and_pool(const void *a, const void *b)
{
    const sort_node *x = a, *y = b;
    int order;

    if (x->node.action != y->node.action)
        return x->node.action - y->node.action;
    order = strcmp(x->node.pool, y->node.pool);
    return order != 0 ? order : x->at < y->at ? -1 : 1;
}

static int
by_action_and_money(const void *a, const void *b)
{
    const view_group *x = a, *y = b;
    const double u = isnan(x->usd) ? 0.0 : x->usd * (double)x->count;
    const double v = isnan(y->usd) ? 0.0 : y->usd * (double)y->count;

    if (x->action != y->action)
        return x->action - y->action;
    return u > v ? -1 : u < v ? 1 : strcmp(x->pool, y->pool);
}

static void
read_nodes(plan_view *view, const cJSON *plan)
{
    const size_t count = doc_count(plan, "nodes");
    sort_node *all = need_array(count, sizeof *all);
    size_t n = 0;

    for (const cJSON *item = doc_list(plan, "nodes"); item != NULL; item = item->next) {
        view_node *node = &all[n].node;

        node->name = doc_text(item, "name");
        node->pool = doc_text(item, "pool");
        node->info = view_pool_find(view, node->pool);
        node->action = action_of(doc_text(item, "action"));
        node->usd = doc_number(item, "usd_per_hour");
        if (isnan(node->usd) && node->info != NULL)
            node->usd = node->info->usd;
        node->cpu = doc_number(item, node->action == VIEW_DRAIN ? "fill_before.cpu" : "fill.cpu");
        node->memory =
            doc_number(item, node->action == VIEW_DRAIN ? "fill_before.memory" : "fill.memory");
        node->pods = doc_count(item, "pods");
        node->is_spot = doc_at(item, "purchase") != NULL
                            ? strcmp(doc_text(item, "purchase"), "spot") == 0
                            : view_is_spot(node->pool);
        all[n].at = n;
        n++;
    }
    qsort(all, n, sizeof *all, by_action_and_pool);
    view->nodes = need_array(n, sizeof *view->nodes);
    view->groups = need_array(n, sizeof *view->groups);
    view->node_count = n;
    for (size_t i = 0; i < n; i++) {
        const view_node *node = &all[i].node;
        view_group *group = view->group_count > 0 ? &view->groups[view->group_count - 1] : NULL;

        view->nodes[i] = *node;
        if (group == NULL || group->action != node->action ||
            strcmp(group->pool, node->pool) != 0) {
            group = &view->groups[view->group_count++];
            *group = (view_group){node->pool, node->info, node->action, i, 0,
                                  node->usd,  0.0,        0.0,          0, node->is_spot};
        }
        group->count++;
        group->cpu += node->cpu;
        group->memory += node->memory;
        group->pods += node->pods;
    }
    for (size_t i = 0; i < view->group_count; i++) {
        view->groups[i].cpu /= (double)view->groups[i].count;
        view->groups[i].memory /= (double)view->groups[i].count;
    }
    qsort(view->groups, view->group_count, sizeof *view->groups, by_action_and_money);
    free(all);
}

static int
by_why(const void *a, const void *b)
{
    const view_reason *x = a, *y = b;
    const int order = strcmp(x->why, y->why);

    return order != 0 ? order : strcmp(x->example, y->example);
}

static int
by_reason_count(const void *a, const void *b)
{
    const view_reason *x = a, *y = b;

    return x->count != y->count ? (x->count < y->count ? 1 : -1) : by_why(a, b);
}

view_reason *
view_reasons(const cJSON *list, const char *why, const char *what, size_t *out_count)
{
    view_reason *reasons;
    size_t n = 0, kept = 0;

    for (const cJSON *item = list; item != NULL; item = item->next)
        n++;
    reasons = need_array(n, sizeof *reasons);
    n = 0;
    for (const cJSON *item = list; item != NULL; item = item->next)
        reasons[n++] = (view_reason){doc_text(item, why), doc_text(item, what), 1};
    qsort(reasons, n, sizeof *reasons, by_why);
    for (size_t i = 0; i < n; i++) {
        if (kept > 0 && strcmp(reasons[kept - 1].why, reasons[i].why) == 0)
            reasons[kept - 1].count++;
        else
            reasons[kept++] = reasons[i];
    }
    qsort(reasons, kept, sizeof *reasons, by_reason_count);
    *out_count = kept;
    return reasons;
}

static int
by_drop_count(const void *a, const void *b)
{
    const view_drop *x = a, *y = b;

    return x->count < y->count ? 1 : x->count > y->count ? -1 : strcmp(x->reason, y->reason);
}

/* An object of counts by reason: those above 0, most first. */
static view_drop *
read_drops(const cJSON *object, const char *key, size_t *out_count)
{
    view_drop *drops;
    size_t n = 0;

    for (const cJSON *drop = doc_fields(object, key); drop != NULL; drop = drop->next)
        n++;
    drops = need_array(n, sizeof *drops);
    n = 0;
    for (const cJSON *drop = doc_fields(object, key); drop != NULL; drop = drop->next) {
        const double count = doc_value(drop);

        if (count > 0.0)
            drops[n++] = (view_drop){drop->string != NULL ? drop->string : "", count};
    }
    qsort(drops, n, sizeof *drops, by_drop_count);
    *out_count = n;
    return drops;
}

void
view_funnel_init(view_funnel *funnel, const cJSON *object)
{
    *funnel = (view_funnel){doc_number(object, "in"), doc_number(object, "chosen"),
                            doc_number(object, "alternates"), NULL, 0};
    funnel->stages = need_array(doc_count(object, "stages"), sizeof *funnel->stages);
    for (const cJSON *item = doc_list(object, "stages"); item != NULL; item = item->next) {
        view_stage *stage = &funnel->stages[funnel->stage_count++];

        stage->name = doc_text(item, "stage");
        stage->in = doc_number(item, "in");
        stage->out = doc_number(item, "out");
        stage->drops = read_drops(item, "drops", &stage->drop_count);
        stage->also = read_drops(item, "also", &stage->also_count);
    }
}

void
view_funnel_free(view_funnel *funnel)
{
    for (size_t i = 0; i < funnel->stage_count; i++) {
        free(funnel->stages[i].drops);
        free(funnel->stages[i].also);
    }
    free(funnel->stages);
}

void
plan_view_init(plan_view *view, const cJSON *plan)
{
    *view = (plan_view){
        .usd_before = doc_number(plan, "summary.before.usd_per_hour"),
        .usd_after = doc_number(plan, "summary.after.usd_per_hour"),
        .usd_on_demand = doc_number(plan, "summary.on_demand_usd_per_hour"),
        .usd_bound = doc_number(plan, "summary.bound_usd_per_hour"),
        .gap = doc_number(plan, "summary.gap"),
        .gross = doc_number(plan, "summary.gross_saving_frac"),
        .net = doc_number(plan, "summary.net_saving_frac"),
        .nodes_before = doc_number(plan, "summary.before.nodes"),
        .nodes_after = doc_number(plan, "summary.after.nodes"),
        .lost_before = doc_number(plan, "summary.before.interruptions_per_day"),
        .lost_after = doc_number(plan, "summary.after.interruptions_per_day"),
        .moves = doc_number(plan, "summary.moves"),
        .unplaced = doc_number(plan, "summary.pods_unplaced"),
        .pods = doc_number(plan, "summary.pods"),
        .waves = doc_count(plan, "waves"),
    };
    view->duration_s = NAN;
    for (const cJSON *wave = doc_list(plan, "waves"); wave != NULL; wave = wave->next) {
        const double at = doc_number(wave, "at_s");

        if (!(view->duration_s >= at))
            view->duration_s = at;
    }
    read_pools(view, plan);
    read_nodes(view, plan);
    view->reasons = view_reasons(doc_list(plan, "unplaced"), "reason", "pod", &view->reason_count);
    view_funnel_init(&view->funnel, doc_at(plan, "funnel"));
}

void
plan_view_free(plan_view *view)
{
    free(view->pools);
    free(view->nodes);
    free(view->groups);
    free(view->reasons);
    view_funnel_free(&view->funnel);
}
