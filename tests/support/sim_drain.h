/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_SUPPORT_SIM_DRAIN_H
#define TESTS_SUPPORT_SIM_DRAIN_H
/*
 * A second opinion on schedules: replays the steps against the snapshot, second by second, with
 * code that shares nothing with src/drain/. After every event it counts each budget anew from the
 * pods and each node's load anew from what stands on it. A fault is one line in `faults`.
 */
#include <stdbool.h>
#include <stddef.h>
#include "drain/drain.h"

typedef struct sim_pod {
    bool is_evicted, is_bound; /* left its old node; its replacement has a place on the target */
    double evicted_s, gone_s, bound_s, ready_s;
    bool is_dead; /* went down with its node */
} sim_pod;

typedef struct sim_drain {
    const spotopt__drain_job *job;
    double now_s;
    sim_pod *pods;
    unsigned char *is_cordoned, *is_deleted; /* nodes of the cluster */
    unsigned char *is_launched;              /* launches */
    long *overdraft; /* node and resource: by how much it was overfull in the snapshot */
    int *spoken; /* a budget: evictions in this instant that the API counted though health did not
                    change */
    double end_s;
    size_t fault_count;
    char faults[4096];
} sim_drain;

void sim_start(sim_drain *sim, const spotopt__drain_job *job);
void sim_end(sim_drain *sim);
/* Orders every launch. */
void sim_launch(sim_drain *sim);
/* Lets time pass until at_s, the events at at_s included. */
void sim_advance(sim_drain *sim, double at_s);
/* The next moment at which anything happens by itself; INFINITY when nothing will. */
double sim_next_event(const sim_drain *sim);
/* Why the pod cannot be evicted now (static text), or NULL. */
const char *sim_refusal(const sim_drain *sim, uint32_t pod, bool *takes_one);
void sim_evict(sim_drain *sim, uint32_t pod);
/* What the API would show for a budget now. */
long sim_allowed(const sim_drain *sim, uint32_t pdb);
/* Replays a whole schedule and judges its end. The number of faults. */
size_t sim_check(const spotopt__drain_job *job, const spotopt__schedule *schedule, char *faults,
                 size_t size);

#endif
