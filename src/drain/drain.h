/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SPOTOPT_DRAIN_DRAIN_H
#define SPOTOPT_DRAIN_DRAIN_H
#include "model/catalog.h"
#include "model/cluster.h"
#include "model/policy.h"
#include "spotopt/drain.h"

/* Why a pod cannot leave its node by eviction. The words are those of DrainPlan's blocked[].why. */
enum {
    SPOTOPT__MAY_LEAVE,
    SPOTOPT__NO_HEADROOM, /* a budget allows no disruption, now or after replacements are ready */
    SPOTOPT__MULTIPLE_BUDGETS, /* the eviction API answers 500 */
    SPOTOPT__DO_NOT_DISRUPT,
    SPOTOPT__MIRROR_POD,     /* a static pod: goes with its node, is not evicted */
    SPOTOPT__DAEMON_POD,     /* goes with its node */
    SPOTOPT__NO_CONTROLLER,  /* nobody makes it again */
    SPOTOPT__BUDGET_LAGGING, /* observedGeneration behind: the API refuses for now */
    SPOTOPT__NO_TARGET,      /* nothing that it may run on has room */
    SPOTOPT__POOL_BUDGET,    /* no node of its pool may be disrupted within the horizon */
    SPOTOPT__STAY_REASONS
};
const char *spotopt__stay_reason_text(int32_t reason); /* "no-headroom", "multiple-budgets", ... */

/*
 * Tells for every pod whether eviction can ever succeed from the snapshot's state, and which budget
 * (index in cluster->pdbs, else SPOTOPT__NONE) is in the way. Both arrays have an entry a pod.
 * Nodes are free to be dropped only when each of their pods (mirror and daemon pods aside) may
 * leave.
 */
spotopt_status spotopt__drain_evictable(const spotopt_cluster *cluster, int32_t *out_reason,
                                        uint32_t *out_pdb, spotopt_error *err);

/* A node that is to be launched. */
typedef struct spotopt__launch {
    const char *name; /* made up by the plan, unique */
    const char *pool;
    spotopt__amounts room; /* for pods, daemon pods already taken off */
} spotopt__launch;

/*
 * What is known of the time to come, seconds from the start of the drain; each array may be NULL.
 * This is what makes a snapshot from the middle of a drain a start like any other.
 */
typedef struct spotopt__drain_outlook {
    const double *start_s; /* a pod: from binding to ready, in place of the job's */
    const double
        *ready_s; /* a pod that is not ready on its node: when it will be; INFINITY: nobody knows */
    const double *gone_s; /* a terminating pod: when it has left, in place of its grace period */
    const double *hold_s; /* a pod: no eviction before, since one was refused */
    const double *up_s;   /* a node of the cluster: when it begins to take pods */
    const double
        *evicted_s; /* evictions before the start, ascending, <= 0: they count for the rate */
    size_t evicted_count;
} spotopt__drain_outlook;

/*
 * Nodes of one disruption budget of nodes: at most most[k] of them may be disrupted at once from
 * from_s[k] on. most[0] holds from the start.
 */
typedef struct spotopt__gate {
    const uint32_t *nodes; /* of the cluster, ascending */
    size_t node_count;
    const double *from_s; /* ascending, the first is 0 */
    const uint32_t *most;
    size_t count; /* >= 1 */
    const char *name;
} spotopt__gate;

/* What is to happen, whoever decided it. Borrowed for the call. */
typedef struct spotopt__drain_job {
    const spotopt_cluster *cluster;
    const unsigned char *leaves; /* a node of the cluster: 1 when it is to be deleted in the end */
    const uint32_t *target; /* a pod: index of a cluster node, nodes.count + index of a launch, or
                               SPOTOPT__NONE: goes nowhere (finished, mirror, daemon, or unplaced
                               and staying as it is) */
    const spotopt__launch *launches;
    size_t launch_count;
    double notice_s, launch_s, start_s; /* as in spotopt_drain_params */
    double detach_s;          /* from a pod's end until a volume of its can be attached elsewhere */
    uint32_t evictions_per_h; /* in any 3,600 s; 0: no limit. A notice knows no limit */
    const spotopt__gate *gates;
    size_t gate_count;
    const spotopt__drain_outlook *outlook; /* or NULL: nothing is under way */
} spotopt__drain_job;

enum { SPOTOPT__DO_LAUNCH, SPOTOPT__DO_CORDON, SPOTOPT__DO_EVICT, SPOTOPT__DO_DELETE };

typedef struct spotopt__drain_step {
    int32_t kind;      /* SPOTOPT__DO_... */
    uint32_t node;     /* of the cluster, or nodes.count + launch */
    uint32_t pod;      /* of an evict, else SPOTOPT__NONE */
    uint32_t pdb;      /* what an evict relies on, else SPOTOPT__NONE */
    uint32_t headroom; /* disruptions the budget allows just before the step */
    uint32_t wave;
    double at_s; /* when the step is taken, from the start of the drain */
} spotopt__drain_step;

/* A pod that was evicted, or that the scheduler binds as soon as there is room. */
typedef struct spotopt__drain_moved {
    uint32_t pod, to;
    bool is_place;
    double at_s, gone_s, ready_s; /* taken; the old pod has left; the new one is ready */
} spotopt__drain_moved;

typedef struct spotopt__drain_blocked {
    uint32_t pod, node,
        pdb; /* pod NONE: the node itself, with nothing on it that must leave first */
    int32_t why;
} spotopt__drain_blocked;

typedef struct spotopt__schedule {
    spotopt_context *context;
    spotopt__vec(spotopt__drain_step) steps; /* ascending by wave, at_s */
    spotopt__vec(spotopt__drain_blocked) blocked;
    spotopt__vec(uint32_t) lost;              /* pods that the notice is too short for */
    spotopt__vec(spotopt__drain_moved) moved; /* in the order in which it happens */
    uint32_t waves;
    double makespan_s, bound_s;
} spotopt__schedule;

/*
 * Orders a job: launches first, then rounds of cordons and evictions in which every budget holds
 * after every single step and no node is ever overfull, deletes when nodes are empty. schedule is
 * filled on success; free it.
 */
spotopt_status spotopt__drain_schedule(const spotopt__drain_job *job, spotopt__schedule *schedule,
                                       spotopt_error *err);
void spotopt__schedule_free(spotopt__schedule *schedule);

/*
 * Writes the array that stands under "waves": each wave one moment, each step as docs/formats.md
 * has it, an evict with its target ("to"), a launch with its pool. The key is the caller's.
 */
void spotopt__drain_write_waves(spotopt__jw *jw, const spotopt__drain_job *job,
                                const spotopt__schedule *schedule);

/* What a policy says about how a cluster is drained. Times from the start of the drain. */
typedef struct spotopt__drain_terms {
    spotopt_context *context;
    spotopt__arena arena;
    double detach_s;
    uint32_t evictions_per_h;
    spotopt__vec(spotopt__gate) gates;
} spotopt__drain_terms;

/*
 * policy: or NULL. now_s: seconds since 1970 of the drain's start; NaN: unknown, every schedule
 * counts as running. out_start_s: a pod of the cluster, from binding to ready; start_s where nobody
 * says or has seen anything else.
 */
spotopt_status spotopt__drain_terms_make(const spotopt_policy *policy,
                                         const spotopt_cluster *cluster, double start_s,
                                         double now_s, double *out_start_s,
                                         spotopt__drain_terms *out, spotopt_error *err);
void spotopt__drain_terms_free(spotopt__drain_terms *terms);

/*
 * Adds to text the least change that would let a blocked pod go. book holds the snapshot's counts,
 * raised by what the schedule makes healthy; missing is what a pod without a target lacks ("cpu",
 * "taint"), or NULL.
 */
struct spotopt__pdb_book;
void spotopt__drain_unblock(const spotopt_cluster *cluster, const struct spotopt__pdb_book *book,
                            const spotopt__drain_blocked *blocked, const char *missing,
                            spotopt__str *text);

#endif
