/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tree.c - branch and cut and price: the nodes, their order, and what each leads to.
 *
 * The question of the whole tree is whether a packing of cost <= target exists, target one step
 * below the best plan. Nodes with the least bound come first, among equals the newest, so that it
 * dives while bounds agree. A node is cut when its proved bound is above the target. Branching: on
 * the number of bins of a sort, else on two pieces in one bin or not (Ryan and Foster 1981). When
 * no node is open the best plan is optimal, or there is none.
 */
#include <stdlib.h>

#include "pack/tree_inner.h"
#include "pack/vector.h"

#define NODES_MOST 1000000
#define EARLY_LEAST 300   /* pieces in several dimensions: a dive before the root is solved */
#define WALK_LEAST 500000 /* work of a walk */
#define WALK_FIRST 25     /* hundredths of all work, while the tree may yet end soon: */
#define SOON 4            /* times the work up to its root's end */
#define CUT_ROUNDS 12
#define CUTS_A_ROUND 30

static bool
push_node(spotopt__tree *tree, uint32_t parent, uint32_t what, uint32_t a, uint32_t b)
{
    const spotopt__tnode *up = &tree->nodes.at[parent];
    spotopt__tnode node = {parent, up->depth + 1, what, a, b, up->bound, up->guess, true, true};

    if (!spotopt__vec_push(tree->context, &tree->nodes, node)) {
        tree->nomem = true;
        return false;
    }
    return true;
}

/* The number of bins of a sort, where the LP has a fraction of one. */
static bool
branch_on_sort(spotopt__tree *tree, uint32_t node)
{
    uint32_t at = SPOTOPT__NONE;
    double best = 1e-5, bins = 0.0;

    for (uint32_t s = 0; s < tree->bare->sorts && tree->bare->sorts > 1; s++) {
        double n = spotopt__simplex_activity(tree->lp, tree->sort_row[s]);
        double off = fabs(n - nearbyint(n)) * (double)tree->bare->sort[s].cost / tree->scale;
        if (fabs(n - nearbyint(n)) > 1e-5 && off > best) {
            at = s;
            best = off;
            bins = n;
        }
    }
    return at != SPOTOPT__NONE &&
           push_node(tree, node, SPOTOPT__FEWER, at, (uint32_t)floor(bins)) &&
           push_node(tree, node, SPOTOPT__MORE, at, (uint32_t)floor(bins) + 1);
}

/* How well a pair shared by `x` columns parts the solutions; more is better. */
static double
judge(double x, double size)
{
    const double off = x - floor(x);

    return (off > 1e-5 && off < 1.0 - 1e-5 ? 1.0 + off * (1.0 - off) : 1e-3) * (0.2 + size);
}

static bool
branch_on_pair(spotopt__tree *tree, uint32_t node)
{
    const uint32_t n = (uint32_t)tree->atoms.count;
    const spotopt__bare *bare = tree->bare;
    double *shared = spotopt__alloc_array(tree->context, (size_t)n * n, sizeof *shared);
    double best = 0.0;
    uint32_t at_a = 0, at_b = 0;
    bool done = false;

    if (shared == NULL) {
        tree->nomem = true;
        return false;
    }
    for (uint32_t c = 0; c < tree->columns.count; c++) {
        const spotopt__column *column = &tree->columns.at[c];
        const spotopt__fill *fill = &tree->column_fill.at[column->first];
        const double x = spotopt__simplex_x(tree->lp, c);
        if (column->sort == SPOTOPT__NONE || x < 1e-6)
            continue;
        for (uint32_t f = 0; f < column->fills; f++) {
            if (fill[f].count > 1)
                shared[(size_t)fill[f].type * n + fill[f].type] += x;
            for (uint32_t g = 0; g < f; g++) {
                uint32_t a = fill[f].type < fill[g].type ? fill[f].type : fill[g].type,
                         b = fill[f].type < fill[g].type ? fill[g].type : fill[f].type;
                if (tree->group[a] != tree->group[b])
                    shared[(size_t)a * n + b] += x;
            }
        }
    }
    /* Only columns with fractions offer pairs: a whole one has nothing to decide. */
    for (uint32_t c = 0; c < tree->columns.count; c++) {
        const spotopt__column *column = &tree->columns.at[c];
        const spotopt__fill *fill = &tree->column_fill.at[column->first];
        const double x = spotopt__simplex_x(tree->lp, c);
        if (column->sort == SPOTOPT__NONE || fabs(x - nearbyint(x)) < 1e-6)
            continue;
        for (uint32_t f = 0; f < column->fills; f++) {
            for (uint32_t g = 0; g <= f; g++) {
                uint32_t a = fill[f].type < fill[g].type ? fill[f].type : fill[g].type,
                         b = fill[f].type < fill[g].type ? fill[g].type : fill[f].type;
                double size = 0.0, score;
                if ((f == g && fill[f].count < 2) || (f != g && tree->group[a] == tree->group[b]))
                    continue;
                for (uint32_t d = 0; d < bare->dims; d++) {
                    const uint32_t p = tree->part_of[tree->group[a]],
                                   q = tree->part_of[tree->group[b]];
                    size = fmax(size, (double)(tree->view.size[(size_t)p * bare->dims + d] +
                                               tree->view.size[(size_t)q * bare->dims + d]) /
                                          fmax(1.0, (double)bare->sort[0].capacity[d]));
                }
                score = judge(shared[(size_t)a * n + b], size);
                if (score > best) {
                    best = score;
                    at_a = a;
                    at_b = b;
                }
            }
        }
    }
    spotopt__free(tree->context, shared);
    if (best > 0.0)
        done = push_node(tree, node, SPOTOPT__APART, at_a, at_b) &&
               push_node(tree, node, SPOTOPT__TOGETHER, at_a, at_b);
    return done;
}

/* Columns with both halves of a merged atom, anew with the atom itself. */
static void
convert_columns(spotopt__tree *tree, const spotopt__tnode *node)
{
    const uint32_t a = node->a, b = node->b;
    const size_t count = tree->columns.count;
    uint32_t c = SPOTOPT__NONE;

    if (node->what != SPOTOPT__TOGETHER || (a != b && tree->group[a] == tree->group[b]))
        return;
    for (uint32_t i = tree->bare->types; i < tree->atoms.count; i++) {
        if (tree->atoms.at[i].left == (a < b ? a : b) &&
            tree->atoms.at[i].right == (a < b ? b : a) && tree->count[i] > 0)
            c = i;
    }
    if (c == SPOTOPT__NONE || tree->atoms.at[c].converted)
        return;
    tree->atoms.at[c].converted = true;
    for (size_t i = 0; i < count && !tree->nomem; i++) {
        const spotopt__column column = tree->columns.at[i];
        uint32_t halves = 0;
        if (column.sort == SPOTOPT__NONE || spotopt__simplex_x(tree->lp, (uint32_t)i) < 1e-6)
            continue;
        if (!spotopt__vec_reserve(tree->context, &tree->by_atom, column.fills + 1)) {
            tree->nomem = true;
            return;
        }
        tree->by_atom.count = 0;
        for (uint32_t f = 0; f < column.fills; f++) {
            spotopt__fill fill = tree->column_fill.at[column.first + f];
            uint32_t takes = a == b ? 2 : 1;
            if ((fill.type == a || fill.type == b) && fill.count >= takes) {
                fill.count -= takes;
                halves += takes;
            }
            if (fill.count > 0)
                tree->by_atom.at[tree->by_atom.count++] = fill;
        }
        if (halves == 2) {
            tree->by_atom.at[tree->by_atom.count++] = (spotopt__fill){c, 1};
            (void)spotopt__master_add(tree, column.sort, tree->by_atom.at,
                                      (uint32_t)tree->by_atom.count);
        }
    }
}

/* The open node to go on with; NONE: all are done. *out_bound: the least bound of open ones. */
static uint32_t
choose(spotopt__tree *tree, int64_t *out_bound)
{
    uint32_t at = SPOTOPT__NONE;

    *out_bound = tree->target + 1;
    for (size_t i = tree->nodes.count; i-- > 0;) {
        spotopt__tnode *node = &tree->nodes.at[i];
        if (node->open && node->bound > tree->target)
            node->open = false;
        if (node->open && node->bound < *out_bound) {
            *out_bound = node->bound;
            at = (uint32_t)i;
        }
    }
    while (tree->nodes.count > 1 && !tree->nodes.at[tree->nodes.count - 1].open &&
           tree->nodes.at[tree->nodes.count - 1].leaf)
        tree->nodes.count--;
    return at;
}

/* For whoever listens: where the tree is. */
static void
tell(const spotopt__tree *tree, const char *what, uint32_t node, int state)
{
    const spotopt__search *search = tree->search;

    spotopt__log(tree->context, SPOTOPT_LOG_DEBUG,
                 "pack: %s %u depth %u state %d bound %.0f of %.0f, LP %.6f, %u rows, %zu columns, "
                 "%zu cuts, %.3f s, %.3f in LPs, %.3f pricing, %.0f rounds, %.0f pivots",
                 what, node, tree->nodes.at[node].depth, state, (double)tree->nodes.at[node].bound,
                 (double)tree->target, spotopt__master_value(tree), spotopt__simplex_rows(tree->lp),
                 tree->columns.count, tree->cuts.count,
                 spotopt__clock(tree->context) - search->budget.start_s, search->lp_seconds,
                 search->pricing_seconds, (double)tree->rounds,
                 (double)spotopt__simplex_pivots(tree->lp));
}

static int
solve_here(spotopt__tree *tree, uint32_t node)
{
    int64_t bound = tree->nodes.at[node].bound;
    int state;

    if (!spotopt__tree_go(tree, node))
        return SPOTOPT__NODE_STOPPED;
    convert_columns(tree, &tree->nodes.at[node]);
    spotopt__tree_refresh(tree);
    state = tree->nomem ? SPOTOPT__NODE_STOPPED : spotopt__master_solve(tree, 0, &bound);
    tree->nodes.at[node].bound = bound;
    if (state == SPOTOPT__NODE_SOLVED)
        tree->nodes.at[node].guess = spotopt__master_value(tree);
    if (state == SPOTOPT__NODE_SOLVED && bound > tree->target)
        state = SPOTOPT__NODE_CUT;
    return state;
}

/* Cuts, as long as they are found and rounds last. */
static int
cut_node(spotopt__tree *tree, uint32_t node, int rounds, uint32_t most)
{
    int state = SPOTOPT__NODE_SOLVED;

    for (int round = 0; round < rounds && state == SPOTOPT__NODE_SOLVED; round++) {
        if (spotopt__tree_separate(tree, most) == 0 || tree->nomem)
            break;
        state = solve_here(tree, node);
        if (state == SPOTOPT__NODE_SOLVED && spotopt__tree_harvest(tree))
            state = solve_here(tree, node);
        tell(tree, "cuts", node, state);
    }
    return state;
}

/* Now and then, and where the numbers of bins have become whole. */
static bool
is_time_to_dive(const spotopt__tree *tree, uint32_t node)
{
    const spotopt__tnode *at = &tree->nodes.at[node];
    bool whole = at->what == SPOTOPT__FEWER || at->what == SPOTOPT__MORE;

    for (uint32_t s = 0; s < tree->bare->sorts && whole; s++) {
        double n = spotopt__simplex_activity(tree->lp, tree->sort_row[s]);
        whole = fabs(n - nearbyint(n)) < 1e-5;
    }
    return whole || tree->search->branch_nodes % 16 == 0;
}

/* Where bins must be almost full the packer walks on, for its share of all work, less at first;
 * true when it found a better packing. */
static bool
walks(spotopt__tree *tree, int64_t least)
{
    const uint64_t before = tree->search->budget.work;
    uint32_t share;
    bool found;

    if (tree->packer == NULL || !tree->has_best || spotopt__tree_is_alone(tree) ||
        tree->nodes.at[0].open)
        return false;
    if (tree->rooted == 0)
        tree->rooted = before;
    share = spotopt__packer_share(tree->packer);
    if (share > WALK_FIRST && before - tree->walked < SOON * tree->rooted)
        share = WALK_FIRST;
    if (tree->walked > before / 100 * share)
        return false;
    if (!spotopt__plan_copy(&tree->plan, tree->best) ||
        !spotopt__packer_walk(tree->packer, least,
                              before / (tree->walked > 0 ? 4 : 32) + WALK_LEAST, &tree->plan)) {
        tree->nomem = true;
        return false;
    }
    found = spotopt__tree_keep(tree, &tree->plan);
    tree->walked += tree->search->budget.work - before;
    return found;
}

/* Cuts raise the LP by a little of a bin: they pay where that is all there is. In several
 * dimensions, with few pieces in a bin, it is more. */
static bool
is_close(const spotopt__tree *tree, uint32_t node)
{
    const double reach = tree->bare->dims > 1 ? (node == 0 ? 1.0 : 0.1) : 0.05;

    return tree->cutting &&
           (double)tree->target - tree->nodes.at[node].guess < reach * tree->scale + 1e-6;
}

static int
visit(spotopt__tree *tree, uint32_t node)
{
    int state;

    /* Where the last prices and their bound take long, packings come first. */
    if (node == 0 && tree->packer != NULL && tree->bare->pieces >= EARLY_LEAST)
        (void)spotopt__tree_dive(tree, 0, 1);
    state = tree->nomem ? SPOTOPT__NODE_STOPPED : solve_here(tree, node);
    tell(tree, "node", node, state);

    tree->search->branch_nodes++;
    if (state == SPOTOPT__NODE_SOLVED && spotopt__tree_harvest(tree))
        state =
            tree->nodes.at[node].bound > tree->target ? SPOTOPT__NODE_CUT : solve_here(tree, node);
    if (state == SPOTOPT__NODE_SOLVED && node == 0) {
        spotopt__search_raise(tree->search, (double)tree->nodes.at[0].bound * tree->bare->step);
        (void)spotopt__tree_dive(tree, 0, 3);
        if (!tree->nomem)
            state = solve_here(tree, 0);
        if (state == SPOTOPT__NODE_SOLVED && is_close(tree, 0))
            state = cut_node(tree, 0, CUT_ROUNDS, CUTS_A_ROUND);
    } else if (state == SPOTOPT__NODE_SOLVED && is_time_to_dive(tree, node)) {
        (void)spotopt__tree_dive(tree, node, 1);
        if (!tree->nomem)
            state = solve_here(tree, node);
    }
    if (state == SPOTOPT__NODE_SOLVED && node != 0 && is_close(tree, node))
        state = cut_node(tree, node, 2, 6);
    return state;
}

static bool
tree_init(spotopt__tree *tree)
{
    const spotopt__bare *bare = tree->bare;
    spotopt_context *context = tree->context;
    int64_t all = 0;

    for (uint32_t s = 0; s < bare->sorts; s++) {
        tree->dearest = bare->sort[s].cost > tree->dearest ? bare->sort[s].cost : tree->dearest;
        all += bare->sort[s].cost * (int64_t)bare->sort[s].limit;
    }
    tree->scale = (double)tree->dearest;
    tree->target = tree->wanted = tree->has_best ? tree->best->cost - 1 : all;
    spotopt__plan_init(&tree->fixed, context);
    spotopt__plan_init(&tree->plan, context);
    spotopt__plan_init(&tree->rest, context);
    tree->patterns.context = context;
    tree->sort_row = spotopt__alloc_array(context, bare->sorts, sizeof(uint32_t));
    tree->lower = spotopt__alloc_array(context, bare->sorts, sizeof(uint64_t));
    tree->upper = spotopt__alloc_array(context, bare->sorts, sizeof(uint64_t));
    tree->room = spotopt__alloc_array(context, bare->sorts, sizeof(uint64_t));
    tree->least = spotopt__alloc_array(context, bare->sorts, sizeof(int64_t));
    tree->threshold = spotopt__alloc_array(context, bare->sorts, sizeof(double));
    tree->bound = spotopt__alloc_array(context, bare->sorts, sizeof(double));
    tree->skip = spotopt__alloc_array(context, bare->sorts, 1);
    tree->scratch = spotopt__alloc_array(context, bare->types, sizeof(uint32_t));
    tree->content = spotopt__alloc_array(context, bare->types, sizeof(uint32_t));
    if (tree->sort_row == NULL || tree->lower == NULL || tree->upper == NULL ||
        tree->room == NULL || tree->least == NULL || tree->threshold == NULL ||
        tree->bound == NULL || tree->skip == NULL || tree->scratch == NULL || tree->content == NULL)
        return false;
    if (bare->dims == 1) {
        tree->filler = spotopt__filler_new(bare);
        if (tree->filler == NULL)
            return false;
    }
    return spotopt__master_init(tree) && spotopt__tree_make_room(tree);
}

static void
tree_free(spotopt__tree *tree)
{
    spotopt_context *context = tree->context;

    spotopt__simplex_free(tree->lp);
    spotopt__filler_free(tree->filler);
    spotopt__vec_free(context, &tree->atoms);
    spotopt__vec_free(context, &tree->atom_fill);
    spotopt__vec_free(context, &tree->columns);
    spotopt__vec_free(context, &tree->column_fill);
    spotopt__vec_free(context, &tree->cuts);
    spotopt__vec_free(context, &tree->nodes);
    spotopt__vec_free(context, &tree->cut_row);
    spotopt__vec_free(context, &tree->apart);
    spotopt__vec_free(context, &tree->view_fill);
    spotopt__vec_free(context, &tree->by_atom);
    spotopt__vec_free(context, &tree->row_list);
    spotopt__vec_free(context, &tree->value_list);
    spotopt__patterns_free(&tree->patterns);
    spotopt__plan_free(&tree->fixed);
    spotopt__plan_free(&tree->plan);
    spotopt__plan_free(&tree->rest);
    void *plain[] = {tree->sort_row,   tree->lower,      tree->upper,      tree->room,
                     tree->least,      tree->threshold,  tree->bound,      tree->skip,
                     tree->scratch,    tree->content,    tree->count,      tree->group,
                     tree->part_of,    tree->members,    tree->pairs_then, tree->single,
                     tree->touched,    tree->view.part,  tree->view.size,  tree->view_apart,
                     tree->part_price, tree->part_group, tree->price,      tree->center,
                     tree->trial,      tree->cut_price};
    for (size_t i = 0; i < sizeof plain / sizeof *plain; i++)
        spotopt__free(context, plain[i]);
}

spotopt_status
spotopt__tree_run(const spotopt__bare *bare, spotopt__oracle *oracle, spotopt__packer *packer,
                  spotopt__search *search, spotopt__plan *best, bool has_best, int64_t *bound,
                  spotopt_error *err)
{
    spotopt__tree tree = {.bare = bare,
                          .context = bare->model->context,
                          .oracle = oracle,
                          .packer = packer,
                          .search = search,
                          .best = best,
                          .has_best = has_best,
                          .cutting = true};
    spotopt__tnode root = {.bound = *bound, .open = true};
    int64_t stuck = INT64_MAX, least = *bound; /* stuck: the least bound of nodes given up */
    bool whole = false;

    if (!tree_init(&tree) || !spotopt__vec_push(tree.context, &tree.nodes, root)) {
        tree_free(&tree);
        return spotopt__nomem(err, "packing");
    }
    for (size_t i = 0; has_best && i < best->batches.count && !tree.nomem; i++) {
        const spotopt__batch *batch = &best->batches.at[i];
        (void)spotopt__master_add(&tree, batch->sort, best->fills.at + batch->first, batch->fills);
    }
    while (!tree.nomem) {
        const uint32_t node = choose(&tree, &least);
        int state;
        if (node == SPOTOPT__NONE) {
            whole = true;
            break;
        }
        if (spotopt__search_over(search))
            break;
        if (walks(&tree, least))
            continue;
        spotopt__master_purge(&tree);
        state = visit(&tree, node);
        if (state == SPOTOPT__NODE_STOPPED && spotopt__search_over(search))
            break;
        tree.nodes.at[node].open = false;
        tree.nodes.at[node].leaf = true;
        if (state == SPOTOPT__NODE_CUT)
            continue;
        tree.nodes.at[node].leaf = false;
        if (state != SPOTOPT__NODE_STOPPED && tree.nodes.count <= NODES_MOST &&
            (branch_on_sort(&tree, node) || branch_on_pair(&tree, node)))
            continue;
        /* Nothing to branch on: the last LP may be a packing that nobody has looked at yet. */
        if (state == SPOTOPT__NODE_SOLVED && spotopt__tree_harvest(&tree)) {
            tree.nodes.at[node].open = tree.nodes.at[node].leaf = true;
            continue;
        }
        stuck = tree.nodes.at[node].bound < stuck ? tree.nodes.at[node].bound : stuck;
    }
    if (!tree.nomem) {
        least = whole ? tree.target + 1 : least;
        least = stuck < least ? stuck : least;
        if (whole && stuck == INT64_MAX && !tree.has_best)
            least = INT64_MAX; /* the target was more than any packing can cost */
        *bound = least > *bound ? least : *bound;
    }
    has_best = tree.nomem;
    tree_free(&tree);
    return has_best ? spotopt__nomem(err, "packing") : SPOTOPT_OK;
}

bool
spotopt__patterns_add(spotopt__patterns *to, uint32_t sort, double worth,
                      const spotopt__fill *fills, uint32_t count)
{
    spotopt__pattern pattern = {sort, worth, (uint32_t)to->fills.count, count};

    if (!spotopt__vec_reserve(to->context, &to->fills, count) ||
        !spotopt__vec_push(to->context, &to->list, pattern)) {
        to->failed = true;
        return false;
    }
    memcpy(to->fills.at + to->fills.count, fills, count * sizeof *fills);
    to->fills.count += count;
    return true;
}

void
spotopt__patterns_clear(spotopt__patterns *to)
{
    to->list.count = to->fills.count = 0;
}

void
spotopt__patterns_free(spotopt__patterns *to)
{
    spotopt__vec_free(to->context, &to->list);
    spotopt__vec_free(to->context, &to->fills);
}
