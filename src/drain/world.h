/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SPOTOPT_DRAIN_WORLD_H
#define SPOTOPT_DRAIN_WORLD_H
#include "model/cluster.h"
#include "model/policy.h"

/*
 * A cluster under a drain as it might really go, and the judge of what is done to it. Shares the
 * model with the planner and no line of its code: budgets are counted anew from the pods at every
 * instant. Sites are the cluster's nodes, then nodes in the order in which they were launched.
 */
typedef struct spotopt__stage_chaos {
    uint64_t seed;
    double refused_frac;   /* evictions that are answered 429 for no reason */
    double slow_frac;      /* pods that take up to six times as long to be ready */
    double stuck_frac;     /* pods that never are */
    double elsewhere_frac; /* pods that the scheduler binds to another node than was planned */
    double node_lost_frac; /* nodes that are gone at some time before lost_until_s */
    double launch_failed_frac;
    bool is_jittery; /* times differ from what was planned */
    double lost_until_s;
} spotopt__stage_chaos;

/* The pod that runs now in place of one of the cluster's. */
typedef struct spotopt__stage_pod {
    uint32_t site; /* SPOTOPT__NONE: pending */
    uint32_t wish; /* where it is planned to go, or SPOTOPT__NONE */
    bool is_there; /* it exists at all */
    bool is_ready, is_new, is_stuck, is_awkward;
    double ready_s, bound_s,
        waits_until_s; /* not bound before, since a volume or name is still taken */
} spotopt__stage_pod;

/* An old pod that still ends. */
typedef struct spotopt__stage_ghost {
    uint32_t pod, site;
    double gone_s;
} spotopt__stage_ghost;

typedef struct spotopt__stage_site {
    bool is_up, is_gone, is_cordoned, is_failed;
    double up_s, lost_s;
    int64_t allocatable[SPOTOPT__RESOURCES_MAX];
    spotopt__labels labels;
    int64_t overdraft[SPOTOPT__RESOURCES_MAX];
} spotopt__stage_site;

enum {
    SPOTOPT__WORLD_READY,
    SPOTOPT__WORLD_BOUND, /* where it was planned to go */
    SPOTOPT__WORLD_BOUND_ELSEWHERE,
    SPOTOPT__WORLD_UP,
    SPOTOPT__WORLD_LOST,
    SPOTOPT__WORLD_NOTICE_OVER
};
typedef struct spotopt__stage_event {
    double at_s;
    int32_t kind;
    uint32_t pod, site;
} spotopt__stage_event;

typedef struct spotopt__stage {
    spotopt_context *context;
    const spotopt_cluster *cluster;
    const spotopt_policy *policy; /* or NULL */
    const unsigned char *leaves;  /* a node of the cluster */
    spotopt__stage_chaos chaos;
    spotopt__rng rng;
    double now_s, notice_s, epoch_s, detach_s;
    const double *start_s; /* a pod: as planned */
    spotopt__stage_pod *pods;
    spotopt__vec(spotopt__stage_site) sites;
    spotopt__vec(spotopt__stage_ghost) ghosts;
    spotopt__vec(double) evicted_s;
    spotopt__vec(spotopt__stage_event) news; /* since the caller last emptied it */
    uint32_t *member_first, *member;         /* pods by budget */
    int32_t *budgets_of;                     /* a pod: budgets that select it */
    uint32_t *stamp;                         /* a workload */
    int *spoken; /* a budget: evictions of this instant that did not change health */
    spotopt__vec(int64_t) usage; /* site * resources + resource, unless is_stale */
    bool is_stale;
    size_t faults, checks, involuntary;
    spotopt__str told; /* the first faults, a line each */
    bool failed;       /* no memory */
} spotopt__stage;

spotopt_status spotopt__stage_make(const spotopt_cluster *cluster, const spotopt_policy *policy,
                                   const unsigned char *leaves, const double *start_s,
                                   double detach_s, double notice_s, double epoch_s,
                                   const spotopt__stage_chaos *chaos, spotopt__stage *out,
                                   spotopt_error *err);
void spotopt__stage_free(spotopt__stage *world);
/* The next moment at which anything happens by itself; INFINITY: nothing will. */
double spotopt__stage_next(const spotopt__stage *world);
/* Lets time pass; what happens is added to news. */
void spotopt__stage_advance(spotopt__stage *world, double at_s);
void spotopt__stage_launch(spotopt__stage *world, const int64_t *allocatable,
                           const spotopt__labels *labels, double launch_s);
void spotopt__stage_cordon(spotopt__stage *world, uint32_t site);
/* True: evicted. False: refused with 429. A step that the rules forbid is a fault besides. */
bool spotopt__stage_evict(spotopt__stage *world, uint32_t pod, uint32_t to);
void spotopt__stage_delete(spotopt__stage *world, uint32_t site);
bool spotopt__stage_has_room(spotopt__stage *world, uint32_t site, uint32_t pod);
/* Disruptions that a budget allows, >= 0. */
int64_t spotopt__stage_allowed(const spotopt__stage *world, uint32_t pdb);

#endif
