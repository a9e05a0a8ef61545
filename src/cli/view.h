/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SPOTOPT_CLI_VIEW_H
#define SPOTOPT_CLI_VIEW_H
#include "doc.h"

/* A Plan document arranged for show. Texts belong to the document. NaN: the document does not say.
 */

typedef struct view_pool {
    const char *id;
    size_t chosen;
    double usd, p24, p24_low, p24_high, score, expected_usd;
    bool is_spot;
} view_pool;

enum { VIEW_KEEP, VIEW_LAUNCH, VIEW_DRAIN };
extern const char *const view_actions[]; /* keep, launch, drain */

typedef struct view_node {
    const char *name, *pool;
    const view_pool *info; /* NULL where the plan does not list the pool */
    int action;
    double usd, cpu,
        memory; /* USD per hour; fill 0..1: planned, or of a node that leaves as it is */
    size_t pods;
    bool is_spot;
} view_node;

/* Nodes of one pool with one action. */
typedef struct view_group {
    const char *pool;
    const view_pool *info;
    int action;
    size_t first, count; /* in nodes */
    double usd;          /* each */
    double cpu, memory;  /* mean fill */
    size_t pods;
    bool is_spot;
} view_group;

/* A text with its number of occurrences and one example. */
typedef struct view_reason {
    const char *why, *example;
    size_t count;
} view_reason;

typedef struct view_drop {
    const char *reason;
    double count;
} view_drop;

typedef struct view_stage {
    const char *name;
    double in, out;
    view_drop *drops; /* most first */
    size_t drop_count;
    view_drop *also; /* all that spoke against a pool, where that was asked for; most first */
    size_t also_count;
} view_stage;

typedef struct view_funnel {
    double in, chosen, alternates;
    view_stage *stages;
    size_t stage_count;
} view_funnel;

typedef struct plan_view {
    double usd_before, usd_after, usd_on_demand, usd_bound, gap, gross, net;
    double nodes_before, nodes_after, lost_before, lost_after; /* interruptions a day */
    double moves, unplaced, pods, duration_s;
    size_t waves;
    view_pool *pools; /* by id */
    size_t pool_count;
    view_node *nodes; /* by action, pool; document order within */
    size_t node_count;
    view_group *groups; /* dearest in sum first within an action */
    size_t group_count;
    view_reason *reasons; /* of unplaced pods, most first */
    size_t reason_count;
    view_funnel funnel;
} plan_view;

/* Both free with the function below; the document must outlive them. */
void plan_view_init(plan_view *view, const cJSON *plan);
void plan_view_free(plan_view *view);
void view_funnel_init(view_funnel *funnel,
                      const cJSON *object); /* the object that has in, stages, chosen */
void view_funnel_free(view_funnel *funnel);
const view_pool *view_pool_find(const plan_view *view, const char *id);
/* Reasons counted: each item of the list has a text field, and another that names what it is about.
 */
view_reason *view_reasons(const cJSON *list, const char *why, const char *what, size_t *out_count);
/* Whether a pool id ends with the purchase option "/spot". */
bool view_is_spot(const char *pool);

#define HOURS_A_MONTH 730.0

#endif
