/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SPOTOPT_PIPELINE_DECIDE_H
#define SPOTOPT_PIPELINE_DECIDE_H
#include "drain/drain.h"
#include "pipeline/scene.h"
#include "pipeline/translate.h"

/* A node that will be launched. */
typedef struct spotopt__new_node {
    const char *name;
    uint32_t pool; /* in the catalog */
    double usd_per_h, cost;
    spotopt__amounts room;
} spotopt__new_node;

/* What was decided: where each pod goes, which nodes stay, which are launched, in which order it
 * happens. */
typedef struct spotopt__decision {
    spotopt_context *context;
    spotopt__arena arena;
    unsigned char *keeps; /* a node of the cluster: 1 when it stays */
    uint32_t *target;     /* a pod: cluster node, nodes.count + new node, or SPOTOPT__NONE */
    spotopt__vec(spotopt__new_node) launches;
    spotopt__left_outs unplaced; /* what no plan could place, then what this one does not */
    size_t hopeless;             /* how many of the first kind */
    spotopt__schedule schedule;
    double keep_objective;   /* of everything where it is */
    double objective, bound; /* per hour; penalties for what is left out not included */
    double usd_per_h;        /* of the nodes planned */
    double on_demand_usd_per_h, on_demand_bound; /* NaN: no on-demand fleet takes these pods */
    double bound_usd_per_h; /* no fleet for these pods and rules costs less money per hour; NaN: not
                               known */
    int32_t outcome;        /* SPOTOPT_OUTCOME_... of the packing */
    uint32_t moves;
    bool stays_put; /* the saving was too small to move anything */
    bool cut_short; /* the clock ended something */
    double pack_s, reference_s, drain_s;
} spotopt__decision;

spotopt_status spotopt__decide(spotopt__scene *scene, const spotopt_options *options,
                               spotopt__decision *decision, spotopt_error *err);
void spotopt__decision_free(spotopt__decision *decision);

/*
 * hopeless.c: what waits and fits nowhere is marked in out and listed with its reason; what runs
 * and could go nowhere else is marked in fixed.
 */
spotopt_status spotopt__find_hopeless(spotopt__scene *scene, unsigned char *fixed,
                                      unsigned char *out, spotopt__left_outs *left_out,
                                      spotopt_error *err);

/* assign.c: from counts back to pods. Residents stay first, then pods in list order. */
spotopt_status spotopt__assign(const spotopt__scene *scene, const spotopt__translation *translation,
                               const spotopt_packing *packing, const unsigned char *fixed,
                               spotopt__decision *decision, spotopt_error *err);

/* decide_count.c */
/* Nodes that stay whatever is decided cost what they cost, per hour; and all that run. */
double spotopt__standing_cost(const spotopt__scene *scene);
double spotopt__keep_cost(const spotopt__scene *scene);
/* The decision's cost, objective and moves from its nodes and targets. */
void spotopt__decision_count(const spotopt__scene *scene, spotopt__decision *decision);
/* Makes it the decision to leave everything where it is. */
void spotopt__decision_stay(const spotopt__scene *scene, spotopt__decision *decision);
/* Whether it keeps the policy's shares; where not, *ask asks for more. */
bool spotopt__decision_meets(const spotopt__scene *scene, const spotopt__decision *decision,
                             spotopt__ask *ask);

/* plan_write.c */
spotopt_status spotopt__plan_text(spotopt__scene *scene, const spotopt__decision *decision,
                                  const spotopt_plan_summary *summary, double seconds,
                                  bool with_seconds, bool explains_all, char **out_text,
                                  size_t *out_length, spotopt_error *err);

#endif
