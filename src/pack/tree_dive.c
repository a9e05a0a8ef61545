/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tree_dive.c - packings from the LP of a node.
 *
 * Harvest: whole parts of columns, then fractions by size as long as pieces last, the rest by
 * filling. Dive: whole parts and the largest fractions are fixed, what is left is solved by column
 * generation again, until nothing is left or its bound says that there is nothing to find (Sadykov
 * et al. 2019); some dives start with another column than the first (limited discrepancy).
 */
#include <stdlib.h>

#include "pack/tree_inner.h"
#include "pack/vector.h"

#define REPACK_STEPS 500  /* of a packer, between dives: at least */
#define REPACK_MOST 100   /* at most so many a piece */
#define FIRST_ROUNDS 100  /* of prices, before anything is fixed; later a few will do */
#define FINISH_STEPS 1000 /* of a packer, over a rounded solution */

typedef struct ranked {
    double x;
    uint32_t column;
} ranked;

static int
compare_ranked(const void *a, const void *b)
{
    const ranked *x = a, *y = b;

    if (x->x != y->x)
        return x->x > y->x ? -1 : 1;
    return x->column < y->column ? -1 : x->column > y->column;
}

/* Columns of the LP's solution, the largest fractions first; NULL: none, or no memory. */
static ranked *
rank_columns(spotopt__tree *tree, uint32_t *out_count)
{
    ranked *list = spotopt__alloc_array(tree->context, tree->columns.count + 1, sizeof *list);

    *out_count = 0;
    if (list == NULL) {
        tree->nomem = true;
        return NULL;
    }
    for (uint32_t c = 0; c < tree->columns.count; c++) {
        double x = spotopt__simplex_x(tree->lp, c);
        if (tree->columns.at[c].sort != SPOTOPT__NONE && tree->columns.at[c].fills > 0 && x > 1e-6)
            list[(*out_count)++] = (ranked){x - floor(x + 1e-6), c};
    }
    qsort(list, *out_count, sizeof *list, compare_ranked);
    return list;
}

bool
spotopt__tree_keep(spotopt__tree *tree, spotopt__plan *plan)
{
    if (plan->failed) {
        tree->nomem = true;
        return false;
    }
    if ((tree->has_best && plan->cost >= tree->best->cost) ||
        !spotopt__plan_is_right(plan, tree->bare))
        return false;
    if (!spotopt__plan_copy(tree->best, plan)) {
        tree->nomem = true;
        return false;
    }
    tree->has_best = true;
    tree->wanted = plan->cost - 1;
    tree->target = tree->target < tree->wanted ? tree->target : tree->wanted;
    spotopt__plan_offer(plan, tree->bare, tree->search);
    return true;
}

/* Adds up to n bins with the column's content to the plan, as far as pieces and room last; how
 * many. */
static uint64_t
add_bins(spotopt__tree *tree, const spotopt__column *column, uint64_t n, uint32_t *left)
{
    const spotopt__bare *bare = tree->bare;
    uint32_t fills = 0;

    memset(tree->content, 0, bare->types * sizeof *tree->content);
    spotopt__column_types(tree, column, 1, tree->content);
    tree->by_atom.count = 0;
    if (!spotopt__vec_reserve(tree->context, &tree->by_atom, bare->types)) {
        tree->nomem = true;
        return 0;
    }
    for (uint32_t t = 0; t < bare->types; t++) {
        if (tree->content[t] > 0) {
            n = left[t] / tree->content[t] < n ? left[t] / tree->content[t] : n;
            tree->by_atom.at[fills++] = (spotopt__fill){t, tree->content[t]};
        }
    }
    n = n < tree->room[column->sort] ? n : tree->room[column->sort];
    if (n == 0)
        return 0;
    for (uint32_t f = 0; f < fills; f++)
        left[tree->by_atom.at[f].type] -= (uint32_t)n * tree->by_atom.at[f].count;
    tree->room[column->sort] -= n;
    (void)spotopt__plan_add(&tree->plan, bare, column->sort, (uint32_t)n, tree->by_atom.at, fills);
    return n;
}

/* One bin with as much of the column's content as is left. */
static void
add_part(spotopt__tree *tree, const spotopt__column *column, uint32_t *left)
{
    const spotopt__bare *bare = tree->bare;
    uint32_t fills = 0;

    memset(tree->content, 0, bare->types * sizeof *tree->content);
    spotopt__column_types(tree, column, 1, tree->content);
    for (uint32_t t = 0; t < bare->types; t++) {
        uint32_t n = tree->content[t] < left[t] ? tree->content[t] : left[t];
        if (n > 0)
            tree->by_atom.at[fills++] = (spotopt__fill){t, n};
        left[t] -= n;
    }
    if (fills == 0)
        return;
    tree->room[column->sort]--;
    (void)spotopt__plan_add(&tree->plan, bare, column->sort, 1, tree->by_atom.at, fills);
}

/* Packs what is left; false when it does not come below the target. */
static bool
pack_rest(spotopt__tree *tree, uint32_t *left, uint32_t effort)
{
    const spotopt__bare *bare = tree->bare;
    uint64_t pieces = 0;

    for (uint32_t t = 0; t < bare->types; t++)
        pieces += left[t];
    if (pieces > 0 && spotopt__tree_is_alone(tree))
        return false;
    if (pieces > 0 && tree->packer != NULL) {
        uint64_t steps = FINISH_STEPS >> (tree->unfinished / 8);
        bool whole = tree->plan.cost <= tree->wanted &&
                     spotopt__packer_finish(tree->packer, &tree->plan, tree->wanted, steps);
        tree->unfinished = whole ? 0 : tree->unfinished + (steps > 16);
        return whole;
    }
    if (pieces > 0) {
        if (tree->filler == NULL || tree->plan.cost >= tree->wanted)
            return false;
        spotopt__plan_clear(&tree->rest);
        if (!spotopt__filler_run(tree->filler, left, tree->room, effort, &tree->search->budget.work,
                                 &tree->rest))
            return false;
        for (size_t b = 0; b < tree->rest.batches.count; b++) {
            const spotopt__batch *batch = &tree->rest.batches.at[b];
            (void)spotopt__plan_add(&tree->plan, bare, batch->sort, batch->times,
                                    tree->rest.fills.at + batch->first, batch->fills);
        }
    }
    return tree->plan.cost <= tree->wanted;
}

bool
spotopt__tree_harvest(spotopt__tree *tree)
{
    const spotopt__bare *bare = tree->bare;
    uint32_t count;
    ranked *list = rank_columns(tree, &count);
    bool found = false;

    for (int up = 0;
         list != NULL && up < (spotopt__tree_is_alone(tree) ? 1 : 2) && !found && !tree->nomem;
         up++) {
        if (!spotopt__plan_copy(&tree->plan, &tree->fixed)) {
            tree->nomem = true;
            break;
        }
        memcpy(tree->scratch, bare->count, bare->types * sizeof *tree->scratch);
        for (uint32_t s = 0; s < bare->sorts; s++)
            tree->room[s] = bare->sort[s].limit;
        for (size_t b = 0; b < tree->fixed.batches.count; b++) {
            const spotopt__batch *batch = &tree->fixed.batches.at[b];
            tree->room[batch->sort] -= batch->times;
            for (uint32_t f = 0; f < batch->fills; f++) {
                const spotopt__fill *fill = &tree->fixed.fills.at[batch->first + f];
                tree->scratch[fill->type] -= batch->times * fill->count;
            }
        }
        for (uint32_t i = 0; i < count; i++) {
            double whole = floor(spotopt__simplex_x(tree->lp, list[i].column) + 1e-6);
            const spotopt__column *column = &tree->columns.at[list[i].column];
            uint64_t n = whole >= 1.0 ? add_bins(tree, column, (uint64_t)whole, tree->scratch) : 0;
            /* Where rows are covered more than once, the last bins get less. */
            for (; whole >= 1.0 && n < (uint64_t)whole && tree->room[column->sort] > 0; n++)
                add_part(tree, column, tree->scratch);
        }
        for (uint32_t i = 0; i < count && up == 1; i++)
            (void)add_bins(tree, &tree->columns.at[list[i].column], 1, tree->scratch);
        tree->search->budget.work += count;
        if (pack_rest(tree, tree->scratch, 3))
            found = spotopt__tree_keep(tree, &tree->plan);
    }
    spotopt__free(tree->context, list);
    return found;
}

/* Fixes n bins of the column; what it holds is packed. */
static bool
fix(spotopt__tree *tree, const spotopt__column *column, uint64_t n)
{
    uint32_t fills = 0;

    for (uint32_t f = 0; f < column->fills; f++) {
        const spotopt__fill *fill = &tree->column_fill.at[column->first + f];
        n = tree->count[fill->type] / fill->count < n ? tree->count[fill->type] / fill->count : n;
    }
    n = n < tree->upper[column->sort] ? n : tree->upper[column->sort];
    if (n == 0)
        return false;
    for (uint32_t f = 0; f < column->fills; f++) {
        const spotopt__fill *fill = &tree->column_fill.at[column->first + f];
        tree->count[fill->type] -= (uint32_t)n * fill->count;
    }
    tree->upper[column->sort] -= n;
    tree->lower[column->sort] -= tree->lower[column->sort] < n ? tree->lower[column->sort] : n;
    memset(tree->content, 0, tree->bare->types * sizeof *tree->content);
    spotopt__column_types(tree, column, 1, tree->content);
    tree->by_atom.count = 0;
    if (!spotopt__vec_reserve(tree->context, &tree->by_atom, tree->bare->types)) {
        tree->nomem = true;
        return false;
    }
    for (uint32_t t = 0; t < tree->bare->types; t++) {
        if (tree->content[t] > 0)
            tree->by_atom.at[fills++] = (spotopt__fill){t, tree->content[t]};
    }
    if (!spotopt__plan_add(&tree->fixed, tree->bare, column->sort, (uint32_t)n, tree->by_atom.at,
                           fills))
        tree->nomem = true;
    return true;
}

/* One step down: whole parts, or else the largest fractions; false when nothing could be fixed. */
static bool
step(spotopt__tree *tree, uint32_t pass_over)
{
    uint32_t count, fixed = 0;
    ranked *list = rank_columns(tree, &count);

    for (uint32_t i = 0; list != NULL && i < count; i++) {
        const double x = spotopt__simplex_x(tree->lp, list[i].column);
        if (floor(x + 1e-6) >= 1.0)
            fixed += fix(tree, &tree->columns.at[list[i].column], (uint64_t)floor(x + 1e-6));
    }
    /* A few together while they are as good as decided, one at least. */
    for (uint32_t i = fixed > 0           ? count
                      : pass_over < count ? pass_over
                                          : 0,
                  n = 0;
         i < count; i++) {
        if (n > 0 && (list[i].x < 0.75 || n > tree->view.parts / 16))
            break;
        if (fix(tree, &tree->columns.at[list[i].column], 1)) {
            fixed++;
            n++;
        }
    }
    spotopt__free(tree->context, list);
    return fixed > 0;
}

static bool
dive_once(spotopt__tree *tree, uint32_t node, uint32_t pass_over)
{
    const int64_t least = tree->nodes.at[node].bound;
    bool found = false;

    if (!spotopt__tree_go(tree, node))
        return false;
    for (uint32_t depth = 0; !tree->nomem && !spotopt__search_over(tree->search); depth++) {
        uint64_t left = 0;
        int64_t bound = 0;
        spotopt__tree_refresh(tree);
        if (spotopt__master_solve(tree, depth == 0 ? FIRST_ROUNDS : 12, &bound) !=
            SPOTOPT__NODE_SOLVED)
            break;
        while (depth > 0 && least <= tree->wanted && spotopt__tree_harvest(tree))
            found = true;
        if (tree->bare->dims > 1 && /* most likely nothing of that cost is left below */
            (double)tree->fixed.cost + spotopt__master_value(tree) >
                (double)tree->wanted + 1e-4 * (double)tree->dearest)
            break;
        if (least > tree->wanted || !step(tree, depth == 0 ? pass_over : 0))
            break;
        for (uint32_t a = 0; a < tree->atoms.count; a++)
            left += tree->count[a];
        if (left == 0) {
            if (tree->fixed.cost <= tree->wanted && spotopt__tree_keep(tree, &tree->fixed))
                found = true;
            break;
        }
        if (!spotopt__tree_look(tree))
            break;
    }
    return found;
}

/* The packer's turn, from the best plan on; true when it found a better one. */
static bool
repack(spotopt__tree *tree, uint32_t node)
{
    uint64_t steps;

    if (tree->nomem || tree->packer == NULL || !tree->has_best ||
        tree->nodes.at[node].bound > tree->wanted)
        return false;
    steps = tree->search->budget.work / 4 / spotopt__packer_work(tree->packer); /* a fifth of all */
    steps = steps > REPACK_MOST * tree->bare->pieces ? REPACK_MOST * tree->bare->pieces : steps;
    steps = steps > REPACK_STEPS ? steps : REPACK_STEPS;
    if (!spotopt__plan_copy(&tree->plan, tree->best) ||
        !spotopt__packer_run(tree->packer, tree->nodes.at[node].bound, steps, &tree->plan)) {
        tree->nomem = true;
        return false;
    }
    return spotopt__tree_keep(tree, &tree->plan);
}

bool
spotopt__tree_dive(spotopt__tree *tree, uint32_t node, uint32_t tries)
{
    bool found = false;

    if (spotopt__tree_is_alone(tree))
        return false;
    for (uint32_t t = 0; t < tries && !tree->nomem && tree->nodes.at[node].bound <= tree->wanted;
         t++) {
        /* Where there is much between bound and best, less waste is allowed first. */
        const int64_t least = tree->nodes.at[node].bound, span = tree->wanted - least;
        tree->target = tree->has_best ? least + (t == 0   ? span / 16
                                                 : t == 1 ? span / 4
                                                          : span)
                                      : tree->wanted;
        found = dive_once(tree, node, t) || found;
        found = (node == 0 && repack(tree, node)) || found;
        tree->target = tree->wanted;
    }
    return found;
}
