/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SPOTOPT_PIPELINE_SCENE_H
#define SPOTOPT_PIPELINE_SCENE_H
#include "model/catalog.h"
#include "model/cluster.h"
#include "model/history.h"
#include "model/policy.h"
#include "pipeline/funnel.h"
#include "rank/rank.h"
#include "spotopt/plan.h"
#include "spotopt/risk.h"

/*
 * What is known before anything is decided: each pool with its labels, price and risk, what became
 * of it in the funnel, each running node with its pool and whether it may be touched. Read by the
 * planner and by the checker alike; nothing here was chosen by a solver.
 */
enum {
    SPOTOPT__HORIZONS = 3 /* 1, 4, 24 hours */
};

typedef struct spotopt__scene_pool {
    spotopt__labels labels; /* what a new node of it will carry */
    spotopt__amounts room;  /* allocatable less daemon pods and headroom: what a new node offers; in
                               cluster resources */
    double vcpu;            /* of the machine; quotas count these */
    double p[SPOTOPT__HORIZONS], low[SPOTOPT__HORIZONS], high[SPOTOPT__HORIZONS];
    double p_horizon;      /* at the policy's horizon */
    double p_horizon_sd;   /* of that forecast: its 95 % interval over 2 * 1.96 */
    double losses_per_h;   /* expected interruptions of one node, per hour */
    double cost;           /* usd_per_h and expected interruption cost per hour */
    int32_t stage, reason; /* where it left the funnel; stage -1: it did not */
    uint32_t place;        /* in the ranking of all that came through; SPOTOPT__NONE */
    double score;
    double factors[SPOTOPT__FACTORS], contributions[SPOTOPT__FACTORS];
    double expected_usd_per_h;
    uint32_t risk_flags, rank_flags;
} spotopt__scene_pool;

/* How firmly a place is held: asked for by a ranking, not by a plan. */
enum { SPOTOPT__QUANTITIES = 5 }; /* that may be unknown: src/rank/rank.h */
typedef struct spotopt__insight {
    bool is_on_front;
    double first_frac; /* of all weights, with which it would be first */
    double low, high;  /* score while what is unknown is at its worst, and at its best */
    double would_win[SPOTOPT__QUANTITIES]; /* value with which it would be first; NaN: none, or it is known */
} spotopt__insight;

/* What runs already: asked about by a ranking. */
typedef struct spotopt__hold {
    uint32_t current; /* catalog index; SPOTOPT__NONE: nothing runs */
    double dwell_min, moves, replicas;
    bool is_noticed;
    uint32_t best; /* found: the pool to compare with, or SPOTOPT__NONE */
    spotopt__rank_switch found;
} spotopt__hold;

typedef struct spotopt__scene_node {
    uint32_t pool;         /* in the catalog; SPOTOPT__NONE: not found there */
    double usd_per_h;      /* NaN: unknown */
    double cost;           /* as a pool's, at the node's price */
    const char *untouched; /* why it is left alone, pods and all; NULL: it takes part */
    bool must_go; /* forced to on-demand, broken or leaving: never kept unless a pod on it cannot
                     move */
    bool accepts_new; /* not cordoned */
    spotopt__amounts
        room; /* allocatable less what no plan moves (daemon, mirror, terminating pods) */
    uint32_t commitment; /* index of the policy's commitment that pays for it, or SPOTOPT__NONE */
} spotopt__scene_node;

typedef struct spotopt__scene {
    spotopt_context *context;
    spotopt__arena arena;
    const spotopt_cluster *cluster; /* borrowed */
    const spotopt_catalog *catalog;
    const spotopt_policy *policy;
    spotopt_policy *own_policy; /* the defaults, when the caller gave none */
    const spotopt_history *history;
    const spotopt_metrics *metrics;
    const spotopt_model *model; /* or NULL */
    char model_sha256[65];      /* "" without */
    double now_s;
    spotopt__scene_pool *pools; /* as the catalog's */
    spotopt__scene_node *nodes; /* as the cluster's */
    uint32_t *by_place;         /* pools that came through the funnel, best first */
    uint32_t place_count;
    bool wants_insights;        /* set before ranking */
    spotopt__insight *insights; /* by place; NULL: not asked for */
    spotopt_risk *risk;              /* of every pool, for explanations */
    spotopt__rank_terms rank_terms;  /* what the ranking went by: weights may follow from prices */
    double rank_base[SPOTOPT__FACTORS]; /* the reference's v: what contributions are counted from */
    spotopt__amounts rank_request;   /* ranked for so many of it */
    double rank_replicas;
    uint32_t anchor; /* the cheapest on-demand pool of the catalog, or else the cheapest: weights are worth money
                        there; SPOTOPT__NONE */
    spotopt__hold *hold;        /* NULL: not asked for; set before ranking */
    bool on_demand_only; /* spot disabled, or an override on the whole cluster is live */
    const spotopt__override *forced; /* the override that does it, or NULL */
    uint32_t rank_reference;         /* the pool that contributions are counted from */
    double rank_flip; /* least weight to move for the second place to reach the first; INFINITY:
                         none does */
    double rank_flip_change[SPOTOPT__FACTORS];
    uint32_t
        *to_catalog; /* cluster resource -> catalog resource, SPOTOPT__NONE when it knows none */
    spotopt_funnel *funnel;
    spotopt__vec(const char *) warnings;
} spotopt__scene;

/* Everything but the packing; of options, explain counts, and they may be NULL. scene is zeroed by the call; free it
 * also after a failure. */
spotopt_status spotopt__scene_make(spotopt_context *context, const spotopt_plan_params *params,
                                   const spotopt_options *options, spotopt__scene *scene, spotopt_error *err);
void spotopt__scene_free(spotopt__scene *scene);

/* A pod that a plan places or keeps: not finished, terminating, mirror, daemon or gated. */
bool spotopt__pod_counts(const spotopt__pod *pod);
/* Whether a pod of the shape fits into this much room; what it does not request does not count. */
bool spotopt__has_room(const spotopt_cluster *cluster, const spotopt__shape *shape,
                       const spotopt__amounts *room);
/* What a diversification key says of a pool: "pool", "zone", "family", "type", "arch" or a label;
 * NULL: nothing. */
const char *spotopt__diversify_value(const spotopt__scene *scene, const char *key, uint32_t pool);
/*
 * alternates.c: the best pools, at most SPOTOPT__ALTERNATES, that could take over the planned nodes
 * of another. target is a pod's planned node, node_pool a planned node's catalog pool. False: no
 * memory.
 */
bool spotopt__find_alternates(const spotopt__scene *scene, const uint32_t *target,
                              const uint32_t *node_pool, size_t node_count, uint32_t pool,
                              uint32_t out[SPOTOPT__ALTERNATES], uint32_t *out_count);
/* A line in the plan's warnings. */
bool spotopt__scene_warn(spotopt__scene *scene, const char *format, ...) SPOTOPT_PRINTF(2, 3);

#endif
