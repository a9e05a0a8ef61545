/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SPOTOPT_PACK_TREE_INNER_H
#define SPOTOPT_PACK_TREE_INNER_H
#include "pack/tree.h"

/* What tree.c (nodes, branching), tree_view.c (what a node means), tree_master.c (the
 * LP), tree_price.c (column generation), tree_cut.c and tree_dive.c share. */

/*
 * A row of the master: pieces of one type, or two atoms merged. Where both halves are single the
 * merge is a group instead (see node): rows stay, columns that hold one half without the other go.
 */
typedef struct spotopt__atom {
    uint32_t left, right;  /* its halves; NONE: a type (left == NONE) */
    uint32_t first, fills; /* by type: tree->atom_fill */
    uint32_t row;
    bool converted; /* columns with both halves were offered as it */
} spotopt__atom;

typedef struct spotopt__column {
    uint32_t sort, first, fills; /* by atom: tree->column_fill */
    bool valid;                  /* at the node we are at */
} spotopt__column;

enum {
    SPOTOPT__APART,    /* no bin holds a copy of a and one of b (a == b: two copies of a) */
    SPOTOPT__TOGETHER, /* one copy of a and one of b share a bin */
    SPOTOPT__FEWER,    /* at most b bins of sort a */
    SPOTOPT__MORE      /* at least b bins of sort a */
};

typedef struct spotopt__tnode {
    uint32_t parent, depth;
    uint32_t what, a, b; /* atoms, or sort and number; the root has none */
    int64_t bound;       /* in steps */
    double guess;        /* the parent's LP, in steps */
    bool open, leaf;     /* leaf: nothing hangs below it */
} spotopt__tnode;

typedef struct spotopt__tree {
    const spotopt__bare *bare;
    spotopt_context *context;
    spotopt__oracle *oracle;
    spotopt__search *search;
    spotopt__simplex *lp;
    uint32_t unfinished;     /* plans that the packer could not complete, one after the other */
    spotopt__packer *packer; /* several dimensions, one sort of bins; else NULL */
    uint64_t walked;         /* work that it spent on walks */
    uint64_t rooted;         /* work when the root was solved; 0: not yet */
    spotopt__filler *filler; /* one dimension; else NULL */
    spotopt__plan *best;
    bool has_best;
    int64_t wanted;  /* one step below the best plan */
    int64_t target;  /* find a packing of this cost or less, or prove that there is none: wanted,
                      * but lower in dives */
    int64_t dearest; /* cost of a sort */
    double scale;    /* the LP counts in costs of the dearest sort */

    spotopt__vec(spotopt__atom) atoms;
    spotopt__vec(spotopt__fill) atom_fill;
    spotopt__vec(spotopt__column) columns;
    spotopt__vec(spotopt__fill) column_fill;
    spotopt__vec(spotopt__cut) cuts;
    spotopt__vec(spotopt__tnode) nodes;
    uint32_t *sort_row;
    spotopt__vec(uint32_t) cut_row;
    double penalty; /* of a piece that no column covers, in costs of the dearest sort */

    /* where we are: */
    uint32_t atom_room;
    uint32_t *count;         /* by atom: copies to pack */
    uint32_t *group;         /* by atom: the least atom of its group */
    uint32_t *part_of;       /* by group: its part of the view, or NONE */
    uint32_t *members;       /* by group: atoms in it */
    uint32_t *pairs_then;    /* by atom: how many pairs were kept apart when its copies were made */
    unsigned char *single;   /* by atom: kept apart from its like */
    unsigned char *touched;  /* by atom: decisions spoke of it */
    uint64_t *lower, *upper; /* by sort */
    spotopt__vec(spotopt__fill) apart; /* pairs of atoms */
    spotopt__plan fixed;               /* bins decided for good on the way down (dives) */
    int64_t *least;                    /* by sort: of the view */
    spotopt__view view;
    uint32_t view_room;
    uint64_t *view_apart;
    size_t apart_room;
    spotopt__vec(spotopt__fill) view_fill;
    bool dead; /* seen at once: no packing of cost <= target */

    uint32_t *part_group;                /* by part */
    spotopt__vec(spotopt__fill) by_atom; /* a pattern by atom */
    uint32_t row_room;
    double *price, *center, *trial; /* by row, LP's units: duals, of the best bound, asked */
    double *part_price, *cut_price; /* by part; by cut, as long as rows; whole */
    double *threshold, *bound;      /* by sort */
    unsigned char *skip;
    bool has_center;
    spotopt__patterns patterns;
    spotopt__vec(uint32_t) row_list;
    spotopt__vec(double) value_list;
    spotopt__plan plan, rest; /* scratch */
    uint32_t *content;        /* by type */
    uint32_t *scratch;        /* by type */
    uint64_t *room;           /* by sort */
    uint64_t rounds;
    bool cutting, nomem;
    bool is_new; /* the LP was built anew and not solved yet */
} spotopt__tree;

/* What became of a node. */
enum {
    SPOTOPT__NODE_CUT,    /* nothing of cost <= target below it */
    SPOTOPT__NODE_SOLVED, /* its LP is solved, and the bound does not cut it */
    SPOTOPT__NODE_STOPPED /* the budget is over, or the engine failed */
};

static inline bool
spotopt__tree_is_alone(const spotopt__tree *tree)
{
    return (tree->search->without & SPOTOPT__WITHOUT_DIVES) != 0;
}

/* tree_view.c */
bool spotopt__tree_make_room(spotopt__tree *tree);         /* by atom */
bool spotopt__tree_go(spotopt__tree *tree, uint32_t node); /* puts the tree there */
bool spotopt__tree_look(spotopt__tree *tree); /* makes the view from counts, groups, pairs */
uint32_t spotopt__tree_merge(spotopt__tree *tree, uint32_t a, uint32_t b); /* the atom of both */
int64_t spotopt__tree_least(const spotopt__tree *tree, uint32_t sort);
void spotopt__tree_refresh(spotopt__tree *tree); /* which columns are valid, and the LP's bounds */

/* tree_master.c */
bool spotopt__master_init(spotopt__tree *tree);
bool spotopt__master_add(spotopt__tree *tree, uint32_t sort, const spotopt__fill *atoms,
                         uint32_t count);
bool spotopt__master_add_cut(spotopt__tree *tree, const spotopt__cut *cut);
bool spotopt__master_rebuild(spotopt__tree *tree); /* refresh after */
void spotopt__master_raise(spotopt__tree *tree);   /* what pieces cost outright */
void spotopt__master_purge(spotopt__tree *tree);
double spotopt__master_value(const spotopt__tree *tree); /* the LP's objective, in steps */
/* Pieces of a column's types: adds n times its content to by_type. */
void spotopt__column_types(const spotopt__tree *tree, const spotopt__column *column, uint32_t n,
                           uint32_t *by_type);
uint32_t spotopt__cut_counts(const spotopt__tree *tree, const spotopt__cut *cut,
                             const spotopt__column *column);

/* tree_price.c */
bool spotopt__tree_row_room(spotopt__tree *tree, uint32_t rows); /* for prices */
/* Column generation for the view until it is solved, cut, or rounds are over (0: all it takes).
 * *bound: in steps, of all below; never falls. */
int spotopt__master_solve(spotopt__tree *tree, uint32_t rounds, int64_t *bound);

/* tree_cut.c: adds cuts that the LP's solution breaks; how many. */
uint32_t spotopt__tree_separate(spotopt__tree *tree, uint32_t most);

/* tree_dive.c: rounds its way down from the LP's solution; true when it found a better plan. Leaves
 * the tree's place: go back after. */
bool spotopt__tree_dive(spotopt__tree *tree, uint32_t node, uint32_t tries);
/* Whether the LP's solution is whole, or its whole part and a fill make a better plan. */
bool spotopt__tree_harvest(spotopt__tree *tree);
/* Keeps a right and better plan: new target. */
bool spotopt__tree_keep(spotopt__tree *tree, spotopt__plan *plan);

#endif
