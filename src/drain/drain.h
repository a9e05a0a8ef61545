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
    SPOTOPT__NO_HEADROOM,      /* a budget allows no disruption, now or after replacements are ready */
    SPOTOPT__MULTIPLE_BUDGETS, /* the eviction API answers 500 */
    SPOTOPT__DO_NOT_DISRUPT,
    SPOTOPT__MIRROR_POD,       /* a static pod: goes with its node, is not evicted */
    SPOTOPT__DAEMON_POD,       /* goes with its node */
    SPOTOPT__NO_CONTROLLER,    /* nobody makes it again */
    SPOTOPT__BUDGET_LAGGING,   /* observedGeneration behind: the API refuses for now */
    SPOTOPT__NO_TARGET,        /* nothing that it may run on has room */
    SPOTOPT__STAY_REASONS
};
const char *spotopt__stay_reason_text(int32_t reason); /* "no-headroom", "multiple-budgets", ... */

/*
 * Tells for every pod whether eviction can ever succeed from the snapshot's state, and which budget (index in
 * cluster->pdbs, else SPOTOPT__NONE) is in the way. Both arrays have an entry a pod. Nodes are free to be dropped
 * only when each of their pods (mirror and daemon pods aside) may leave.
 */
spotopt_status spotopt__drain_evictable(const spotopt_cluster *cluster, int32_t *out_reason, uint32_t *out_pdb,
                                        spotopt_error *err);

/* A node that is to be launched. */
typedef struct spotopt__launch {
    const char *name; /* made up by the plan, unique */
    const char *pool;
    spotopt__amounts room; /* for pods, daemon pods already taken off */
} spotopt__launch;

/* What is to happen, whoever decided it. Borrowed for the call. */
typedef struct spotopt__drain_job {
    const spotopt_cluster *cluster;
    const unsigned char *leaves;   /* a node of the cluster: 1 when it is to be deleted in the end */
    const uint32_t *target;        /* a pod: index of a cluster node, nodes.count + index of a launch, or SPOTOPT__NONE: goes
                                      nowhere (finished, mirror, daemon, or unplaced and staying as it is) */
    const spotopt__launch *launches;
    size_t launch_count;
    double notice_s, launch_s, start_s; /* as in spotopt_drain_params */
} spotopt__drain_job;

enum {
    SPOTOPT__DO_LAUNCH,
    SPOTOPT__DO_CORDON,
    SPOTOPT__DO_EVICT,
    SPOTOPT__DO_DELETE
};

typedef struct spotopt__drain_step {
    int32_t kind;      /* SPOTOPT__DO_... */
    uint32_t node;     /* of the cluster, or nodes.count + launch */
    uint32_t pod;      /* of an evict, else SPOTOPT__NONE */
    uint32_t pdb;      /* what an evict relies on, else SPOTOPT__NONE */
    uint32_t headroom; /* disruptions the budget allows just before the step */
    uint32_t wave;
    double at_s; /* when the step is taken, from the start of the drain */
} spotopt__drain_step;

typedef struct spotopt__drain_blocked {
    uint32_t pod, node, pdb;
    int32_t why;
} spotopt__drain_blocked;

typedef struct spotopt__schedule {
    spotopt_context *context;
    spotopt__vec(spotopt__drain_step) steps; /* ascending by wave, at_s */
    spotopt__vec(spotopt__drain_blocked) blocked;
    spotopt__vec(uint32_t) lost; /* pods that the notice is too short for */
    uint32_t waves;
    double makespan_s, bound_s;
} spotopt__schedule;

/*
 * Orders a job: launches first, then rounds of cordons and evictions in which every budget holds after every single
 * step and no node is ever overfull, deletes when nodes are empty. schedule is filled on success; free it.
 */
spotopt_status spotopt__drain_schedule(const spotopt__drain_job *job, spotopt__schedule *schedule,
                                       spotopt_error *err);
void spotopt__schedule_free(spotopt__schedule *schedule);

/*
 * Writes the array that stands under "waves": each wave one moment, each step as docs/formats.md has it, an evict with its
 * target ("to"), a launch with its pool. The key is the caller's.
 */
void spotopt__drain_write_waves(spotopt__jw *jw, const spotopt__drain_job *job, const spotopt__schedule *schedule);

/*
 * Adds to text the least change that would let a blocked pod go. book holds the snapshot's counts, raised by what the
 * schedule makes healthy; missing is what a pod without a target lacks ("cpu", "taint"), or NULL.
 */
struct spotopt__pdb_book;
void spotopt__drain_unblock(const spotopt_cluster *cluster, const struct spotopt__pdb_book *book,
                            const spotopt__drain_blocked *blocked, const char *missing, spotopt__str *text);

#endif
