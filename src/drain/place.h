/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SPOTOPT_DRAIN_PLACE_H
#define SPOTOPT_DRAIN_PLACE_H
#include "drain/drain.h"

/* A node of the cluster, or one that is to be launched: where pods may stand. */
typedef struct spotopt__site {
    const char *name;
    spotopt__labels labels;
    const spotopt__taint *taints;
    uint32_t taint_count;
    bool is_open;          /* takes further pods */
    spotopt__amounts room; /* left for them in the end */
    uint32_t last_pod;     /* of the pods that stand here, chained by next; or SPOTOPT__NONE */
} spotopt__site;

/* What one kind of wish comes to, by label values: how many pods that matter stand at each. */
typedef struct spotopt__place_rule {
    int32_t kind;
    const char *key;
    const spotopt__pod_term
        *term; /* of the pods' own anti-affinity; NULL: of those who want to be apart from them */
    const spotopt__spread *spread;
    spotopt__map at;             /* label value -> index in count */
    spotopt__vec(int64_t) count; /* pods */
    int64_t least;               /* of a spread: in the emptiest domain, unless is_stale */
    bool is_stale;
} spotopt__place_rule;

/* All that the pods that stand somewhere mean for further pods of one shape and one set of labels.
 */
typedef struct spotopt__place_rules {
    uint32_t pod;  /* one of them */
    uint32_t next; /* rules of the same shape, or SPOTOPT__NONE */
    spotopt__vec(spotopt__place_rule) rules;
    bool has_company;    /* a pod that they want to be near stands somewhere */
    bool is_own_company; /* the first of them may stand anywhere */
    uint32_t first_site; /* no site before it will ever take one */
    const char *missing; /* what the last site that was asked lacked; a resource if any did */
} spotopt__place_rules;

/* Where every pod stands in the end, as far as that is decided. */
typedef struct spotopt__places {
    const spotopt_cluster *cluster;
    spotopt_context *context;
    spotopt__vec(spotopt__site) sites; /* nodes of the cluster, then launches */
    uint32_t *where;                   /* a pod: its site, or SPOTOPT__NONE */
    uint32_t *next;                    /* a pod: another one of its site */
    uint32_t *rules_of;                /* a shape: the latest of its rules, or SPOTOPT__NONE */
    spotopt__vec(spotopt__place_rules) rules;
} spotopt__places;

/* leaves: an entry a node. Pods on nodes that leave stand nowhere yet, unless stays[pod]; pods on
 * others do, unless goes[pod]. */
spotopt_status spotopt__places_make(const spotopt_cluster *cluster, const unsigned char *leaves,
                                    const unsigned char *stays, const unsigned char *goes,
                                    spotopt__places *places, spotopt_error *err);
void spotopt__places_free(spotopt__places *places);
/* False: no memory. */
bool spotopt__places_put(spotopt__places *places, uint32_t pod, uint32_t site);
bool spotopt__places_add_site(spotopt__places *places, const spotopt__site *site);
/* The rules for a pod, made when first asked for and kept up to date; valid until the next call.
 * NULL: no memory. */
spotopt__place_rules *spotopt__places_rules(spotopt__places *places, uint32_t pod);
/*
 * Whether one more pod may stand there; else *why is a static word for what is in the way, and
 * *for_good tells that this will not change while pods only come.
 */
bool spotopt__place_allows(const spotopt__places *places, const spotopt__place_rules *rules,
                           uint32_t pod, const spotopt__site *site, const char **why,
                           bool *for_good);

/*
 * Launches nodes from a catalog until each pod of the list has a site or none can be bought for it:
 * for the first that has none, the pool with the least money for what it would hold of all that are
 * left. Sites are added to places, and launches (texts in arena) are pushed.
 */
typedef spotopt__vec(spotopt__launch) spotopt__launch_list;
spotopt_status spotopt__drain_launch(spotopt__places *places, const spotopt_catalog *catalog,
                                     const spotopt_policy *policy, const uint32_t *pods,
                                     size_t pod_count, spotopt__arena *arena,
                                     spotopt__launch_list *launches, spotopt_error *err);

#endif
