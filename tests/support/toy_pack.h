/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_SUPPORT_TOY_PACK_H
#define TESTS_SUPPORT_TOY_PACK_H
#include <stdbool.h>
#include <stdint.h>

/*
 * Tiny packing problems in plain arrays, judged and enumerated by code that shares nothing with
 * src/pack. Label keys are 0 and 1, label values 0..3; NONE is no label.
 */
enum {
    TOY_POOLS = 3,
    TOY_NODES = 2,
    TOY_DEMANDS = 4,
    TOY_RULES = 4,
    TOY_RESOURCES = 2,
    TOY_BINS = 12,
    TOY_NONE = 99
};
enum { TOY_NODE = -1, TOY_POOL = -2 }; /* per */
enum {
    TOY_AT_MOST = 1,
    TOY_SEPARATE,
    TOY_TOGETHER,
    TOY_NEAR,
    TOY_SPREAD,
    TOY_SHARE,
    TOY_LIMIT,
    TOY_MEAN
};
enum { TOY_OF_NODES = -1, TOY_OF_COST = -2 }; /* else a resource */

typedef struct toy_rule {
    int kind, per; /* per is the key of shares and limits, too */
    bool a[TOY_DEMANDS], b[TOY_DEMANDS];
    bool has_b;           /* spread: for is given */
    int count;            /* at_most; -1: frac */
    double frac, penalty; /* penalty < 0: hard */
    int max_skew, min_domains;
    int value; /* share, limit; TOY_NONE: none */
    int of;
    double min, max, min_frac, max_frac; /* < 0: none */
    double values[TOY_POOLS];
} toy_rule;

typedef struct toy_problem {
    int pools, nodes, demands, rules;
    double capacity[TOY_POOLS][TOY_RESOURCES], cost[TOY_POOLS];
    int min[TOY_POOLS], max[TOY_POOLS]; /* max -1: none */
    int label[TOY_POOLS][2];
    double request[TOY_DEMANDS][TOY_RESOURCES], move_cost[TOY_DEMANDS],
        unplaced_cost[TOY_DEMANDS]; /* < 0: must */
    int count[TOY_DEMANDS];
    bool allowed[TOY_DEMANDS][TOY_POOLS];
    int node_pool[TOY_NODES];
    double node_cost[TOY_NODES], node_capacity[TOY_NODES][TOY_RESOURCES];
    int holds[TOY_NODES][TOY_DEMANDS], fixed[TOY_NODES][TOY_DEMANDS];
    toy_rule rule[TOY_RULES];
} toy_problem;

typedef struct toy_bin {
    int pool, node; /* node -1: new */
    int holds[TOY_DEMANDS];
} toy_bin;

typedef struct toy_packing {
    int bins;
    toy_bin bin[TOY_BINS];
    int unplaced[TOY_DEMANDS];
} toy_packing;

/* The cost of a packing that keeps everything, or -1 (why says what is broken). */
double toy_check(const toy_problem *problem, const toy_packing *packing, const char **why);
/* The least cost over all packings with at most `extra` nodes where a pool has no maximum; -1:
 * there is none. */
double toy_optimum(const toy_problem *problem, int extra);
/* Some problem, the same for the same seed. */
void toy_random(uint64_t seed, toy_problem *problem);

#endif
