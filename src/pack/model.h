/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SPOTOPT_PACK_MODEL_H
#define SPOTOPT_PACK_MODEL_H
#include "pack/problem.h"
#include "pack/tol.h"

/*
 * A problem as the solver sees it: equal demands merged into items, pools and running nodes as
 * kinds of bins, rules compiled onto numbered domains. Read-only after spotopt__model_build().
 */

enum { SPOTOPT__ROLE_A = 1, SPOTOPT__ROLE_B = 2 }; /* in a rule's demands; in its other list */

typedef struct spotopt__use {
    uint32_t rule, roles; /* index in prules */
} spotopt__use;

typedef struct spotopt__item {
    const double *request;
    uint32_t count;     /* replicas wanted */
    uint32_t residents; /* replicas that run now */
    double move_cost;
    double unplaced_cost;     /* INFINITY: must be placed */
    const spotopt__use *uses; /* ascending by rule */
    uint32_t use_count;
    uint32_t member_count;
    const uint32_t *members; /* the demands, ascending */
    const uint64_t *allowed; /* bits over pools: may be put there anew */
    uint32_t allowed_set;    /* equal sets have equal numbers */
    double size;             /* largest share of a typical capacity, for orders */
    bool fits_nowhere;       /* no pool and no node can hold one */
} spotopt__item;

typedef struct spotopt__stay { /* a resident, by item */
    uint32_t item, holds, fixed;
    bool may_stay; /* also where it may not go anew */
} spotopt__stay;

typedef struct spotopt__kind { /* pools first, then running nodes */
    const double *capacity;
    double cost;
    uint32_t pool, node; /* node: SPOTOPT__NONE for new ones */
    uint32_t class_id;
    const spotopt__stay *stays;
    uint32_t stay_count;
    bool has_fixed;
} spotopt__kind;

/* Kinds with the same capacity that the same items may enter. */
typedef struct spotopt__class {
    const double *capacity;
    const uint32_t *kinds; /* new ones by cost, rank, index; then running nodes */
    uint32_t kind_count, new_count;
} spotopt__class;

/* Domains of a label key. Those without the label come after the labelled ones, one a pool. */
typedef struct spotopt__axis {
    uint32_t key;
    uint32_t domains, labelled;
    const uint32_t *domain_of; /* by pool */
} spotopt__axis;

/* A placement rule. */
typedef struct spotopt__prule {
    int32_t kind;
    bool is_hard;
    double penalty;
    uint32_t axis; /* SPOTOPT__NONE: per node */
    uint32_t domains;
    uint32_t limit, skew;           /* at_most; spread */
    bool few_domains;               /* spread: fewer than min_domains */
    const uint32_t *old_a, *old_b;  /* by domain: what residents hold */
    const unsigned char *is_domain; /* spread: by domain */
    size_t tally;                   /* a of domain d at tally + d, b at tally + domains + d */
    uint32_t source;                /* index in the problem's rules */
    uint32_t only;                  /* the one item it speaks of; SPOTOPT__NONE: several */
} spotopt__prule;

/* A rule on sums over nodes: share, limit, mean. */
typedef struct spotopt__trule {
    int32_t kind;
    uint32_t of;
    bool has_value;
    uint32_t value;                      /* group; SPOTOPT__NONE: no pool has it */
    uint32_t groups;                     /* share: number of values; else 1 */
    const uint32_t *group_of;            /* by pool; SPOTOPT__NONE: not counted */
    const double *weight;                /* mean: by pool */
    double min, max, min_frac, max_frac; /* NaN: none */
    size_t tally;                        /* of its groups */
    uint32_t source;
} spotopt__trule;

typedef struct spotopt__model {
    const spotopt_problem *problem;
    spotopt_context *context;
    spotopt__arena arena;
    uint32_t resources, pools, nodes, items, kinds, classes, prules, trules, axes;
    uint32_t words; /* of a bit set over pools */
    spotopt__item *item;
    spotopt__kind *kind;
    spotopt__class *class_at;
    spotopt__prule *prule;
    spotopt__trule *trule;
    spotopt__axis *axis;
    uint32_t *item_of; /* by demand */
    double *tolerance; /* by resource: share of the capacity that may be exceeded */
    double *typical;   /* by resource: a capacity to measure sizes against; 0: nobody has any */
    size_t ptallies, ttallies;
    double cost_step;    /* every cost is a multiple of it; 0: none known */
    uint32_t *min_pools; /* pools with a minimum */
    uint32_t min_pool_count;
    bool has_hard_axis; /* a hard placement rule over a label */
} spotopt__model;

/* Everything is given back by spotopt__model_free(), also after a failure. */
spotopt_status spotopt__model_build(spotopt__model *model, const spotopt_problem *problem,
                                    spotopt_error *err);
void spotopt__model_free(spotopt__model *model);
/* domains.c: the rules and their axes; false when memory is short. */
bool spotopt__model_rules(spotopt__model *model);
/* kinds.c: the kinds; then, once items know their pools, the classes. `sets` lists an item of each
 * distinct set of allowed pools. False when memory is short. */
bool spotopt__model_kinds(spotopt__model *model);
bool spotopt__model_classes(spotopt__model *model, const uint32_t *sets, uint32_t set_count);
/* trim.c: kinds lose the capacity that no content can use; false when memory is short. */
bool spotopt__model_trim(spotopt__model *model);

static inline bool
spotopt__allows(const spotopt__item *item, uint32_t pool)
{
    return (item->allowed[pool >> 6] >> (pool & 63)) & 1;
}

/* The most that a node of this capacity may carry. */
static inline double
spotopt__ceiling(const spotopt__model *model, uint32_t resource, double capacity)
{
    return capacity + model->tolerance[resource] * (capacity > 1.0 ? capacity : 1.0);
}

/* The resident of an item on a running node, or NULL. */
const spotopt__stay *spotopt__stay_of(const spotopt__kind *kind, uint32_t item);
/* Whether one replica fits an empty bin of the kind, by capacity alone. */
bool spotopt__one_fits(const spotopt__model *model, const spotopt__item *item,
                       const double *capacity);

#endif
