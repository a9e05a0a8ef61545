/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SPOTOPT_DRAIN_PROGRESS_H
#define SPOTOPT_DRAIN_PROGRESS_H
#include "drain/drain.h"

/*
 * How far a drain has come, told of the snapshot it began with. Sites are that snapshot's nodes,
 * then every node that was launched since, in order. Times are seconds from now.
 */
enum {
    SPOTOPT__STAGE_AS_BEFORE,
    SPOTOPT__STAGE_MOVED, /* its replacement stands on site, the old pod on from until gone_s */
    SPOTOPT__STAGE_WAITS, /* its replacement has no node; the old pod as above */
    SPOTOPT__STAGE_ENDED  /* went with its node, and nobody makes it again */
};
typedef struct spotopt__pod_progress {
    int32_t stage;
    uint32_t site, from; /* SPOTOPT__NONE: nowhere */
    double gone_s;       /* > 0: the old pod is still there */
    double ready_s;      /* of a MOVED pod; <= 0: it is; INFINITY: nobody knows */
    double hold_s;       /* no eviction before */
} spotopt__pod_progress;

typedef struct spotopt__site_progress {
    bool is_gone, is_cordoned;
    double up_s; /* of a launched node: when it takes pods */
} spotopt__site_progress;

/* A node that was launched: texts in the owner's arena. */
typedef struct spotopt__launched {
    const char *name, *pool;
    spotopt__labels labels;
    spotopt__amounts room; /* for pods, daemon pods taken off */
} spotopt__launched;

typedef struct spotopt__progress {
    spotopt_context *context;
    spotopt__arena arena;
    size_t node_count, pod_count; /* of the snapshot */
    spotopt__pod_progress *pods;
    spotopt__vec(spotopt__site_progress) sites;
    spotopt__vec(spotopt__launched) launched;
    spotopt__vec(double) evicted_s; /* of the last hour, ascending, <= 0 */
} spotopt__progress;

/* Nothing has happened yet. */
spotopt_status spotopt__progress_make(const spotopt_cluster *cluster, spotopt__progress *out,
                                      spotopt_error *err);
spotopt_status spotopt__progress_copy(const spotopt__progress *from, spotopt__progress *out,
                                      spotopt_error *err);
void spotopt__progress_free(spotopt__progress *progress);
/* Texts are copied. False: no memory. */
bool spotopt__progress_add_launch(spotopt__progress *progress, const spotopt__launched *launched,
                                  double up_s);
/* Lets time pass. */
void spotopt__progress_pass(spotopt__progress *progress, double seconds);
/* False: no memory. at_s <= 0. */
bool spotopt__progress_note_eviction(spotopt__progress *progress, double at_s);
/* A site is gone, with all that stood on it; controllers make the pods again. */
void spotopt__progress_lose_site(spotopt__progress *progress, const spotopt_cluster *cluster,
                                 uint32_t site);

/* The cluster as it is now, and what is known of the time to come. */
typedef struct spotopt__moment {
    spotopt_context *context;
    spotopt_cluster
        cluster; /* pods of the snapshot, then old pods that are still there; nodes are the sites */
    spotopt__drain_outlook outlook;
    double *ready_s, *gone_s, *hold_s, *up_s;
} spotopt__moment;
/* snapshot and progress are borrowed as long as the moment lives. */
spotopt_status spotopt__moment_make(const spotopt_cluster *snapshot,
                                    const spotopt__progress *progress, spotopt__moment *out,
                                    spotopt_error *err);
void spotopt__moment_free(spotopt__moment *moment);

/*
 * The plan from any moment on. Who must find a node: pods on nodes that leave, and pods that wait
 * because of the drain. Answers with a drain whose progress is the moment's.
 */
spotopt_status spotopt__drain_plan_from(spotopt_context *context,
                                        const spotopt_drain_params *params,
                                        const spotopt__progress *progress, spotopt_drain **out,
                                        spotopt_error *err);

/* What a drain keeps so that it can be planned anew from where it stands. */
typedef struct spotopt__drain_memory {
    spotopt__progress
        start; /* its launches are in start.launched beyond old_launches, not up yet */
    size_t old_launches;
    spotopt__schedule schedule; /* indices: sites, pods of the snapshot, old pods beyond */
    char sha256[65];
    spotopt__vec(uint32_t) nodes; /* that leave */
    double start_s, launch_s;
} spotopt__drain_memory;
const spotopt__drain_memory *spotopt__drain_recall(const spotopt_drain *drain);

#endif
