/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SPOTOPT_PACK_PROBLEM_H
#define SPOTOPT_PACK_PROBLEM_H
#include <stdatomic.h>

#include "base/base.h"
#include "spotopt/pack.h"

/* A problem as it was said: ids, names and lists, checked one by one. The solver reads it, never
 * writes. */

#define SPOTOPT__HUGE 1e15   /* the largest number accepted anywhere */
#define SPOTOPT__ALL_POOLS 0 /* the pool set of demands without a list */

typedef struct spotopt__pack_label {
    uint32_t key, value; /* key: index in keys; value: index in texts of all values */
} spotopt__pack_label;

typedef struct spotopt__pack_pool {
    const char *id;
    const double *capacity;
    double cost;
    uint32_t min, max, rank;
    spotopt__vec(spotopt__pack_label) labels;
} spotopt__pack_pool;

/* Equal lists of allowed pools are kept once. Sorted, unique. Set 0 has list NULL: every pool. */
typedef struct spotopt__pool_set {
    const uint32_t *list;
    uint32_t count;
    uint64_t hash;
} spotopt__pool_set;

typedef struct spotopt__pack_demand {
    const char *id;
    const double *request;
    uint32_t count, pool_set;
    double move_cost;
    double unplaced_cost; /* NaN: must be placed */
} spotopt__pack_demand;

typedef struct spotopt__pack_resident {
    uint32_t demand, holds, fixed;
} spotopt__pack_resident;

typedef struct spotopt__pack_node {
    const char *id;
    const double *capacity;
    double cost;
    uint32_t pool;
    bool has_own_cost;
    spotopt__vec(spotopt__pack_resident) residents;
} spotopt__pack_node;

/* Beside key indices, and beside resources. No enum: its values would have to fit an int. */
#define SPOTOPT__PER_NODE UINT32_MAX
#define SPOTOPT__PER_POOL (UINT32_MAX - 1)
#define SPOTOPT__OF_NODES UINT32_MAX
#define SPOTOPT__OF_COST (UINT32_MAX - 1)

typedef struct spotopt__pack_rule {
    int32_t kind;
    uint32_t per; /* SPOTOPT__PER_... or a key; also the key of share and limit, NONE without */
    uint32_t of;  /* SPOTOPT__OF_... or a resource */
    bool is_hard, has_value;
    double penalty;
    uint32_t value; /* of the key; SPOTOPT__NONE: a value that no pool has; PER_POOL: a pool */
    const char *value_text;
    uint32_t count, max_skew, min_domains;
    double frac, min, max, min_frac, max_frac; /* NaN: none */
    const uint32_t *demands, *others;
    uint32_t demand_count, other_count;
    const uint32_t *pools;
    const double *values;
    uint32_t pool_count;
} spotopt__pack_rule;

struct spotopt_problem {
    spotopt_context *context;
    atomic_uint holders;
    atomic_bool sealed;
    spotopt__arena arena; /* texts and lists */
    uint32_t resources;
    const char **resource_names;
    spotopt__vec(spotopt__pack_pool) pools;
    spotopt__vec(spotopt__pool_set) pool_sets;
    spotopt__vec(spotopt__pack_demand) demands;
    spotopt__vec(spotopt__pack_node) nodes;
    spotopt__vec(spotopt__pack_rule) rules;
    spotopt__vec(const char *) keys;
    spotopt__vec(const char *) values;
    spotopt__map pool_of, demand_of, node_of, key_of, value_of;
    spotopt__map set_of; /* hash text -> pool set, see problem.c */
};

static inline bool
spotopt__is_amount(double x)
{
    return x >= 0.0 && x <= SPOTOPT__HUGE; /* false for NaN as well */
}

/* Fails when the problem is sealed. */
spotopt_status spotopt__problem_check_open(const spotopt_problem *problem, spotopt_error *err);
/* The number of a label key or value, given when it is new; SPOTOPT__NONE: there is no memory. */
uint32_t spotopt__problem_key(spotopt_problem *problem, const char *text);
uint32_t spotopt__problem_value(spotopt_problem *problem, const char *text);
spotopt_problem *spotopt__problem_hold(spotopt_problem *problem);
uint32_t spotopt__problem_find_pool(const spotopt_problem *problem, const char *id);
uint32_t spotopt__problem_find_demand(const spotopt_problem *problem, const char *id);
uint32_t spotopt__problem_find_node(const spotopt_problem *problem, const char *id);
/* The pool's value of a key, or SPOTOPT__NONE. */
uint32_t spotopt__pool_label(const spotopt_problem *problem, uint32_t pool, uint32_t key);
bool spotopt__pool_set_has(const spotopt_problem *problem, uint32_t set, uint32_t pool);

#endif
