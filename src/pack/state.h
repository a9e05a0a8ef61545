/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SPOTOPT_PACK_STATE_H
#define SPOTOPT_PACK_STATE_H
#include "pack/model.h"

/*
 * A packing under construction. Bins are equal nodes counted once; everything that a rule looks at
 * is tallied as replicas come and go, so that room for more and the objective are known at any
 * moment. Out of memory sticks in `failed`; ask once in a while.
 */
typedef struct spotopt__hold {
    uint32_t item, count; /* replicas on each node of the bin */
} spotopt__hold;

typedef struct spotopt__bin {
    uint32_t kind;
    uint32_t count;                    /* equal nodes; 0: the slot is free */
    spotopt__vec(spotopt__hold) holds; /* in the order of arrival */
} spotopt__bin;

enum { SPOTOPT__OP_OPEN, SPOTOPT__OP_CLOSE, SPOTOPT__OP_PUT, SPOTOPT__OP_TAKE };
typedef struct spotopt__op {
    uint32_t what, bin, item, count; /* open, close: item is the kind */
} spotopt__op;

typedef struct spotopt__state {
    const spotopt__model *model;
    spotopt_context *context;
    spotopt__vec(spotopt__bin) bins;
    spotopt__vec(uint32_t) free_slots;
    double *load; /* bin * resources + r */
    size_t load_room;
    uint64_t *placed;          /* by item */
    uint64_t *kept;            /* by item: residents that stay on their node */
    uint32_t *opened;          /* by pool: new nodes */
    uint32_t *node_bin;        /* by running node; SPOTOPT__NONE: dropped */
    uint64_t *tally;           /* by placement rule and domain */
    int64_t *node_broken;      /* by placement rule per node: replicas in excess */
    uint64_t *rule_a, *rule_b; /* by placement rule: replicas placed of its lists */
    double *sums;  /* by tally rule: part and number of each group, then whole and weighted whole */
    uint32_t *cap; /* like tally's first half: at most so many of the list there; NULL: no caps */
    uint32_t *group_cap; /* like sums: at most so many nodes of the group; NULL: no caps */
    double node_cost;    /* of all nodes */
    uint64_t node_count, fixed_missing;
    bool soft_is_hard; /* room() keeps to soft rules as well */
    bool labels_wait;  /* room() asks no rule over a label: they are judged when all is placed */
    bool failed;
    bool logs;
    spotopt__vec(spotopt__op) log; /* for undo */
} spotopt__state;

bool spotopt__state_init(spotopt__state *state, const spotopt__model *model);
void spotopt__state_free(spotopt__state *state);
void spotopt__state_clear(spotopt__state *state);
bool spotopt__state_copy(spotopt__state *to,
                         const spotopt__state *from); /* bins and all; not caps, not log */

/* An empty bin of count nodes; SPOTOPT__NONE when memory ran out. Running nodes: count 1, once. */
uint32_t spotopt__state_open(spotopt__state *state, uint32_t kind, uint32_t count);
void spotopt__state_close(spotopt__state *state, uint32_t bin); /* an empty one */
void spotopt__state_put(spotopt__state *state, uint32_t bin, uint32_t item, uint32_t count);
void spotopt__state_take(spotopt__state *state, uint32_t bin, uint32_t item, uint32_t count);
/* Takes everything out and closes. */
void spotopt__state_drop(spotopt__state *state, uint32_t bin);
/* Moves `count` of the bin's nodes into a bin of their own; the new bin, or NONE. */
uint32_t spotopt__state_split(spotopt__state *state, uint32_t bin, uint32_t count);

/* Undo: mark, work, go back. Only with logs set; the log is cut by spotopt__state_commit(). */
size_t spotopt__state_mark(const spotopt__state *state);
void spotopt__state_back(spotopt__state *state, size_t mark);
void spotopt__state_commit(spotopt__state *state);

uint32_t spotopt__bin_holds(const spotopt__bin *bin, uint32_t item);

/*
 * How many replicas of the item each of the bin's nodes can take on top, up to want, with every
 * hard placement rule still kept as far as it is (caps and soft_is_hard included). Exact for the
 * rules one by one.
 */
uint32_t spotopt__state_room(const spotopt__state *state, uint32_t bin, uint32_t item,
                             uint32_t want);
/* How many more nodes of the kind may be opened, by pool limits, limit rules and group caps. */
uint32_t spotopt__state_openings(const spotopt__state *state, uint32_t kind, uint32_t want);

/* Replicas in excess of one placement rule. */
uint64_t spotopt__prule_broken(const spotopt__state *state, uint32_t rule);
/* How far a tally rule is from kept, in its own units made comparable; 0 when kept. */
double spotopt__trule_broken(const spotopt__state *state, uint32_t rule);

typedef struct spotopt__score {
    double broken;    /* hard rules, minimums, fixed; 0 when all is kept */
    uint64_t missing; /* replicas that must be placed and are not */
    double cost;      /* the objective, unplaced ones that may be left out included */
} spotopt__score;
spotopt__score spotopt__state_score(const spotopt__state *state);
/* Fewer missing, then less broken, then cheaper (by more than rounding). Broken first when strict.
 */
bool spotopt__is_better(const spotopt__score *a, const spotopt__score *b);

#endif
