/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SPOTOPT_DRAIN_MOVES_H
#define SPOTOPT_DRAIN_MOVES_H
#include "drain/budget.h"
#include "drain/drain.h"

/* One pod that changes its node, or gets its first one. */
typedef struct spotopt__move {
    uint32_t pod, from,
        to;        /* from is SPOTOPT__NONE for a pod that waits for a node; to as in a job */
    uint32_t pdb;  /* the budget that is asked, or SPOTOPT__NONE */
    uint32_t turn; /* the ordered workload that a pod which is only placed keeps busy */
    uint32_t lock; /* the workload that lets one pod go at a time, or SPOTOPT__NONE */
    int32_t kind;  /* SPOTOPT__EVICT_... */
    int32_t priority;
    bool is_place;    /* nothing is evicted: the pod is bound as soon as there is room */
    bool is_leaving;  /* its node is to be deleted */
    bool is_counted;  /* its budget takes it for healthy until it is evicted */
    bool comes_ready; /* not ready yet, and left alone until it is */
    bool is_late;     /* cannot be saved within the notice */
    double start_s;   /* from binding until it is ready */
    double hold_s;    /* not before */
    double grace_s;   /* from the eviction until its room is free */
    double ready_s;   /* from the eviction until it is ready elsewhere */
    double at_s;      /* when it was taken; < 0: not yet */
    uint32_t left, right, height; /* of the leftist heap that it waits in */
} spotopt__move;

typedef struct spotopt__drain_event {
    double at_s;
    int32_t kind;
    uint32_t index;
} spotopt__drain_event;

/* Everything that changes while a job is played through. Arrays are made by schedule.c. */
typedef struct spotopt__drain_state {
    const spotopt__drain_job *job;
    const spotopt_cluster *cluster;
    spotopt_context *context;
    spotopt__schedule *out; /* has room for every step, refusal and loss */
    spotopt__pdb_book book; /* healthy counts follow the play */
    spotopt__move *moves;   /* by pod */
    size_t move_count;
    uint32_t *move_of; /* a pod: its move or SPOTOPT__NONE */
    int64_t *best;     /* a budget: most pods that can be healthy at once */
    int64_t *room; /* node * resources + resource: free now; nodes of the cluster, then launches */
    uint32_t *inhabitants; /* a node of the cluster: pods that must be gone before it is deleted */
    uint32_t *node_first, *node_pod; /* pods by node */
    /* Heaps of moves that wait: for room, for a budget (ready and sick pods apart), until all are
     * safe, for their turn. */
    uint32_t *wait_node, *wait_ready, *wait_sick, *wait_late, *wait_lock, *wait_open;
    uint32_t wait_rate;
    double *up_s;                   /* a node or launch: when it takes pods */
    unsigned char *is_stuck;        /* a node of the cluster: some pod of it will not leave */
    unsigned char *is_open;         /* a node of the cluster: it may be disrupted */
    uint32_t *open_count;           /* a gate: its nodes that are disrupted */
    uint32_t *gate_first, *gate_of; /* gates by node */
    uint32_t *closed;               /* nodes that are to be opened, in that order */
    size_t closed_count;
    size_t evicted_count;     /* of out->moved and before */
    double *evicted_s;        /* when, ascending; those of the outlook first */
    uint32_t *used, *used_at; /* a budget: disruptions spoken for in the instant used_at */
    uint32_t *savable;        /* a budget: pods that the notice still leaves time for */
    uint32_t *is_locked;      /* a workload: its pods that are on their way */
    spotopt__drain_event *events;
    size_t event_count;
    uint32_t *emptied; /* nodes that lost their last inhabitant in this instant */
    size_t emptied_count;
    uint32_t now_heap;
    uint32_t instant;
    bool are_launched;
    double now_s, end_s;
} spotopt__drain_state;

#define SPOTOPT__NODE_LOST                                                                         \
    UINT32_MAX /* inhabitants of a node that the notice ended with pods on it */

bool spotopt__drain_is_ending(const spotopt__drain_job *job, uint32_t pod);
/* Plays the job through: writes steps and lost pods. Allocates nothing. */
void spotopt__drain_play(spotopt__drain_state *state);
/* No schedule of the moves that were made ends earlier, seconds. */
spotopt_status spotopt__drain_bound(const spotopt__drain_state *state, double *out_bound_s,
                                    spotopt_error *err);

#endif
