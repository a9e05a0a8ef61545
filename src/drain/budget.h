/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SPOTOPT_DRAIN_BUDGET_H
#define SPOTOPT_DRAIN_BUDGET_H
#include "model/cluster.h"

/* What the disruption controller would write into a budget's status. */
typedef struct spotopt__pdb_count {
    int64_t expected, desired, healthy;
    bool allows_none; /* the controller cannot tell how many pods there should be */
} spotopt__pdb_count;

/* How the eviction API looks at a pod. */
enum {
    SPOTOPT__EVICT_FREELY, /* finished, pending or terminating: no budget is asked */
    SPOTOPT__EVICT_READY,  /* takes one of the disruptions that are allowed */
    SPOTOPT__EVICT_SICK    /* running but not ready: see unhealthyPodEvictionPolicy */
};

/* Every budget's numbers, and which budgets select which pod. */
typedef struct spotopt__pdb_book {
    spotopt_context *context;
    spotopt__pdb_count *of;    /* a budget */
    uint32_t *first;           /* a pod, and one more: where its entries in match begin */
    uint32_t *match;           /* indices of budgets, ascending within a pod */
    unsigned char *is_counted; /* an entry of match: the budget counts the pod as healthy */
} spotopt__pdb_book;

/* Pods that a budget wants healthy. expected: pods that the controllers want together. */
int64_t spotopt__pdb_desired(int32_t kind, int64_t value, int64_t expected);
/* Disruptions allowed, >= 0. */
int64_t spotopt__pdb_allowed(const spotopt__pdb_count *count);
int32_t spotopt__eviction_kind(const spotopt__pod *pod);
/*
 * Whether the API lets a pod of that kind go under its only budget; used: disruptions allowed that
 * are already spoken for beyond what count says. *takes_one tells whether the eviction takes one of
 * those allowed.
 */
bool spotopt__pdb_admits(const spotopt__pdb *pdb, const spotopt__pdb_count *count, int32_t kind,
                         int64_t used, bool *takes_one);
/* The word for a refusal: NO_HEADROOM, or BUDGET_LAGGING when that alone is in the way. */
int32_t spotopt__pdb_refusal(const spotopt__pdb *pdb, const spotopt__pdb_count *count);

spotopt_status spotopt__pdb_book_make(const spotopt_cluster *cluster, spotopt__pdb_book *book,
                                      spotopt_error *err);
void spotopt__pdb_book_free(spotopt__pdb_book *book);

/* Reasons that no waiting removes: mirror, daemon, annotation, no controller, several budgets. Else
 * MAY_LEAVE. */
int32_t spotopt__stay_reason_fixed(const spotopt_cluster *cluster, const spotopt__pdb_book *book,
                                   uint32_t pod);
/* A pod that holds no room and needs no new home: Succeeded or Failed. */
bool spotopt__pod_is_finished(const spotopt__pod *pod);

/*
 * Room is kept as signed numbers, since a snapshot's nodes may be overfull. Requests of 2^52 on
 * thousands of pods would overflow them; a node so far down stays there.
 */
#define SPOTOPT__ROOM_FLOOR (-(INT64_C(1) << 62))
static inline void
spotopt__room_add(int64_t *room, int64_t amount)
{
    if (*room <= SPOTOPT__ROOM_FLOOR)
        return;
    *room += amount;
    if (*room < SPOTOPT__ROOM_FLOOR)
        *room = SPOTOPT__ROOM_FLOOR;
}

#endif
