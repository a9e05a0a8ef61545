/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tree_price.c - column generation for one view, and its proved bound.
 *
 * The oracle is asked at prices between the LP's and those of the best bound (Wentges 1997); where
 * pieces bought outright are part of an answer that nothing improves, their penalty grows.
 *
 * The bound: for whole prices y of parts and charges s of cuts, and V at least the worth of every
 * pattern of the sort, every packing of the view of cost <= target costs at least
 *     A + sum over sorts of min { n (cost - V) : lower <= n <= upper },  A = Σ count y - Σ right s,
 * (Lagrange), where no more bins count than target buys, and at least A min(1, cost / V) (Farley
 * 1990; without lower limits this needs V > 0 only). Both are computed in integers.
 */
#include "pack/tree_inner.h"

#define PRICE_MOST 4194304.0 /* 2^22: a price; sums of four still fit the oracle's floats */
#define REDUCED_TOL 1e-7     /* of the dearest sort: what a column must earn to come in */
#define PENALTY_MOST 1e5

__extension__ typedef __int128 wide;

static bool
is_stopped(void *data)
{
    spotopt__tree *tree = data;

    return spotopt__search_over(tree->search);
}

/* How much of the LP's solution is bought outright. */
static double
bought(const spotopt__tree *tree)
{
    double sum = 0.0;

    for (uint32_t c = 0; c < tree->columns.count; c++) {
        if (tree->columns.at[c].sort == SPOTOPT__NONE)
            sum += spotopt__simplex_x(tree->lp, c);
    }
    return sum;
}

/* Whole prices from the row prices; the power of two that is their unit: coarser ones leave room
 * for larger sums. */
static int
make_prices(spotopt__tree *tree, const double *row_price, int coarser)
{
    const spotopt__view *view = &tree->view;
    double most = 1.0, unit;
    int power;

    memset(tree->part_price, 0, view->parts * sizeof *tree->part_price);
    for (uint32_t a = 0; a < tree->atoms.count; a++) {
        if (tree->count[a] > 0)
            tree->part_price[tree->part_of[tree->group[a]]] +=
                fmax(row_price[tree->atoms.at[a].row], 0.0);
    }
    for (uint32_t p = 0; p < view->parts; p++)
        most = fmax(most, tree->part_price[p]);
    for (uint32_t s = 0; s < tree->bare->sorts; s++) /* what a whole pattern is worth, about */
        most = fmax(most,
                    (double)tree->bare->sort[s].cost / tree->scale - row_price[tree->sort_row[s]]);
    (void)frexp(PRICE_MOST / (most * tree->scale), &power);
    power -= 1 + coarser;
    unit = ldexp(tree->scale, power);
    for (uint32_t p = 0; p < view->parts; p++)
        tree->part_price[p] = nearbyint(tree->part_price[p] * unit);
    for (uint32_t c = 0; c < tree->cuts.count; c++)
        tree->cut_price[c] = floor(fmax(-row_price[tree->cut_row.at[c]], 0.0) * unit);
    return power;
}

/* The bound of the opening comment, in steps, from tree->bound, part_price and cut_price. */
static int64_t
prove(const spotopt__tree *tree, int power)
{
    const spotopt__bare *bare = tree->bare;
    const int up = power < 0 ? -power : 0, at = power + up; /* all times 2^up are whole */
    wide sum = 0, lagrange, farley;
    bool has_lagrange = true, has_farley = true;
    int64_t best = 0;

    for (uint32_t p = 0; p < tree->view.parts; p++)
        sum += (wide)tree->part_price[p] * tree->view.part[p].count;
    for (uint32_t c = 0; c < tree->cuts.count; c++)
        sum -= (wide)tree->cut_price[c] * tree->cuts.at[c].right;
    sum *= (wide)1 << up;
    lagrange = sum;
    farley = sum > 0 ? (sum + ((wide)1 << at) - 1) >> at : 0;
    for (uint32_t s = 0; s < bare->sorts; s++) {
        wide cost = (wide)bare->sort[s].cost * ((wide)1 << at), worth;
        uint64_t most = tree->upper[s];
        if (most == 0)
            continue;
        if (tree->target < INT64_MAX) {
            int64_t buys = (tree->target - tree->fixed.cost) / bare->sort[s].cost;
            most = buys < 0 ? 0 : (uint64_t)buys < most ? (uint64_t)buys : most;
        }
        if (!(tree->bound[s] < 9e15)) {
            has_lagrange = has_lagrange && most == 0;
            has_farley = false;
            continue;
        }
        worth = (wide)tree->bound[s] * ((wide)1 << up);
        lagrange += (cost - worth) * (wide)(cost >= worth ? tree->lower[s] : most);
        if (worth > cost && sum > 0) {
            wide some = (sum * bare->sort[s].cost + worth - 1) / worth;
            farley = some < farley ? some : farley;
        }
    }
    if (has_lagrange && lagrange > 0)
        best = (int64_t)((lagrange + ((wide)1 << at) - 1) >> at);
    if (has_farley && farley > best)
        best = (int64_t)farley;
    best += tree->fixed.cost;
    return tree->target < INT64_MAX && best > tree->target ? tree->target + 1 : best;
}

/* Patterns of the oracle that earn their keep at the LP's prices become columns; how many. */
static uint32_t
take_patterns(spotopt__tree *tree, const double *price)
{
    uint32_t taken = 0;

    for (size_t i = 0; i < tree->patterns.list.count && !tree->nomem; i++) {
        const spotopt__pattern *pattern = &tree->patterns.list.at[i];
        spotopt__column column = {pattern->sort, (uint32_t)tree->column_fill.count, 0, true};
        double reduced = (double)tree->bare->sort[pattern->sort].cost / tree->scale -
                         price[tree->sort_row[pattern->sort]];
        /* By atom: a part is its group's atoms. */
        tree->by_atom.count = 0;
        for (uint32_t f = 0; f < pattern->fills; f++) {
            const spotopt__fill *fill = &tree->patterns.fills.at[pattern->first + f];
            uint32_t group = tree->part_group[fill->type];
            for (uint32_t a = group, left = tree->members[group]; left > 0; a++) {
                if (tree->group[a] != group || tree->count[a] == 0)
                    continue;
                left--;
                reduced -= price[tree->atoms.at[a].row] * fill->count;
                if (!spotopt__vec_push(tree->context, &tree->by_atom,
                                       (spotopt__fill){a, fill->count})) {
                    tree->nomem = true;
                    return taken;
                }
            }
        }
        if (!spotopt__vec_reserve(tree->context, &tree->column_fill, tree->by_atom.count)) {
            tree->nomem = true;
            return taken;
        }
        memcpy(tree->column_fill.at + column.first, tree->by_atom.at,
               tree->by_atom.count * sizeof(spotopt__fill));
        column.fills = (uint32_t)tree->by_atom.count;
        for (uint32_t c = 0; c < tree->cuts.count; c++) {
            double cut = price[tree->cut_row.at[c]];
            if (cut < 0.0)
                reduced -= cut * spotopt__cut_counts(tree, &tree->cuts.at[c], &column);
        }
        if (reduced < -REDUCED_TOL) {
            if (!spotopt__master_add(tree, pattern->sort, tree->by_atom.at, column.fills))
                return taken;
            taken++;
        }
    }
    return taken;
}

/* The same as prove(), roughly and before it is rounded: tells which prices are better. */
static double
feel(const spotopt__tree *tree, double unit)
{
    double sum = 0.0, lagrange, farley;

    for (uint32_t p = 0; p < tree->view.parts; p++)
        sum += tree->part_price[p] * tree->view.part[p].count;
    for (uint32_t c = 0; c < tree->cuts.count; c++)
        sum -= tree->cut_price[c] * tree->cuts.at[c].right;
    lagrange = sum;
    farley = sum;
    for (uint32_t s = 0; s < tree->bare->sorts; s++) {
        const double cost = (double)tree->bare->sort[s].cost * unit, worth = tree->bound[s];
        double most = (double)tree->upper[s];
        if (tree->upper[s] == 0)
            continue;
        if (tree->target < INT64_MAX)
            most = fmin(most, (double)(tree->target - tree->fixed.cost) /
                                  (double)tree->bare->sort[s].cost);
        lagrange += (cost - worth) * (cost >= worth ? (double)tree->lower[s] : most);
        farley = worth > cost ? fmin(farley, sum * cost / worth) : farley;
    }
    return (double)tree->fixed.cost + fmax(lagrange, farley) / unit;
}

/* Prices and asks; *bound rises. False: memory ran out, or the budget is over. */
static bool
ask(spotopt__tree *tree, const double *row_price, int effort, uint32_t most, int64_t *bound,
    double *out_real)
{
    const spotopt__bare *bare = tree->bare;
    double start_s = spotopt__clock(tree->context);
    int64_t proved;
    int power = 0;
    bool again = true;

    for (int coarser = 0; coarser <= 6 && again; coarser += 3) {
        power = make_prices(tree, row_price, coarser);
        const double unit = ldexp(1.0, power);
        spotopt__prices prices = {unit,          tree->part_price, (uint32_t)tree->cuts.count,
                                  tree->cuts.at, tree->cut_price,  is_stopped,
                                  tree};
        for (uint32_t s = 0; s < bare->sorts; s++) {
            double worth = (double)bare->sort[s].cost - row_price[tree->sort_row[s]] * tree->scale;
            tree->threshold[s] = floor(fmax(worth, 0.0) * unit);
            tree->skip[s] = tree->upper[s] == 0;
        }
        spotopt__patterns_clear(&tree->patterns);
        if (!tree->oracle->price(tree->oracle->self, &prices, tree->threshold, tree->skip, effort,
                                 most, &tree->patterns, tree->bound, &tree->search->budget.work)) {
            tree->nomem = true;
            return false;
        }
        again = false; /* sums too large for a proof? */
        for (uint32_t s = 0; s < bare->sorts; s++)
            again = again || (!tree->skip[s] && isinf(tree->bound[s]));
        again = again && !spotopt__search_over(tree->search);
    }
    tree->search->pricing_seconds += spotopt__clock(tree->context) - start_s;
    proved = prove(tree, power);
    *out_real = feel(tree, ldexp(1.0, power));
    *bound = proved > *bound ? proved : *bound;
    return true;
}

bool
spotopt__tree_row_room(spotopt__tree *tree, uint32_t rows)
{
    double **list[] = {&tree->price, &tree->center, &tree->trial, &tree->cut_price};
    const size_t n = 2 * (size_t)rows;

    if (rows <= tree->row_room)
        return true;
    for (size_t i = 0; i < sizeof list / sizeof *list; i++) {
        double *more = spotopt__resize_array(tree->context, *list[i], n, sizeof *more);
        if (more == NULL) {
            tree->nomem = true;
            return false;
        }
        memset(more + tree->row_room, 0, (n - tree->row_room) * sizeof *more);
        *list[i] = more;
    }
    tree->row_room = (uint32_t)n;
    return true;
}

int
spotopt__master_solve(spotopt__tree *tree, uint32_t rounds, int64_t *bound)
{
    /* In several dimensions early prices are far off: they only help once their bound does. */
    const bool plain = tree->bare->dims == 1;
    const uint32_t most = plain ? tree->view.parts / 5 + 10 : tree->view.parts / 4 + 20;
    uint32_t rows;
    double alpha = 0.6, high = plain ? 0.0 : (double)*bound - 1.0, real;
    /* A dive in several dimensions asks for patterns alone: bounds cost too much there. */
    const bool quick = !plain && rounds > 0;
    int64_t here = 0; /* the best bound of this view */
    int effort = quick ? 0 : 1;
    bool fresh = false;

    if (tree->dead) {
        *bound = tree->target + 1;
        return SPOTOPT__NODE_CUT;
    }
    if (!tree->oracle->enter(tree->oracle->self, &tree->view)) {
        tree->nomem = true;
        return SPOTOPT__NODE_STOPPED;
    }
    for (uint32_t round = 0;; round++) {
        uint64_t pivots = spotopt__simplex_pivots(tree->lp);
        double start_s = spotopt__clock(tree->context), value;
        const double *duals;
        spotopt__simplex_state state;
        uint32_t taken;

        if (spotopt__search_over(tree->search))
            return SPOTOPT__NODE_STOPPED;
        tree->rounds++;
        state = spotopt__simplex_solve(tree->lp, 0, is_stopped, tree);
        rows = spotopt__simplex_rows(tree->lp);
        tree->search->budget.work +=
            (spotopt__simplex_pivots(tree->lp) - pivots + 1) * ((uint64_t)rows * rows / 128 + 1);
        tree->search->lp_seconds += spotopt__clock(tree->context) - start_s;
        tree->nomem = tree->nomem || spotopt__simplex_nomem(tree->lp);
        if (state != SPOTOPT__SIMPLEX_OPTIMAL) {
            if (tree->nomem || fresh || spotopt__search_over(tree->search) ||
                !spotopt__master_rebuild(tree))
                return SPOTOPT__NODE_STOPPED;
            spotopt__tree_refresh(tree);
            fresh = true;
            continue;
        }
        tree->is_new = fresh = false;
        value = (double)tree->fixed.cost + spotopt__master_value(tree);
        /* Columns that bring the LP down further could not cut the node: it is as good as solved.
         */
        if (!plain && !quick && value <= (double)*bound + 1e-6 && bought(tree) <= 1e-6)
            return SPOTOPT__NODE_SOLVED;
        duals = spotopt__simplex_duals(tree->lp);
        if (!spotopt__tree_row_room(tree, rows))
            return SPOTOPT__NODE_STOPPED;
        memcpy(tree->price, duals, rows * sizeof *duals);
        if (!tree->has_center && plain) {
            memcpy(tree->center, duals, rows * sizeof *duals);
            tree->has_center = true;
        }
        alpha = tree->has_center && !quick ? alpha : 0.0;
        for (;;) {
            for (uint32_t r = 0; r < rows; r++)
                tree->trial[r] = alpha * tree->center[r] + (1.0 - alpha) * tree->price[r];
            if (!ask(tree, tree->trial, effort, most, &here, &real))
                return SPOTOPT__NODE_STOPPED;
            if (!quick && (real > high || (plain && alpha == 0.0))) {
                tree->has_center = true;
                memcpy(tree->center, tree->trial, rows * sizeof *tree->trial);
            }
            high = real > high ? real : high;
            if (here > *bound)
                *bound = here;
            if (tree->target<INT64_MAX && * bound> tree->target)
                return SPOTOPT__NODE_CUT;
            taken = take_patterns(tree, tree->price);
            if (tree->nomem)
                return SPOTOPT__NODE_STOPPED;
            if (taken > 0 || alpha == 0.0 || spotopt__search_over(tree->search))
                break;
            alpha = alpha > 0.3 ? alpha / 2.0 : 0.0; /* nothing here that the LP lacks */
        }
        if (taken > 0 && tree->has_center)
            alpha = 0.6;
        if (taken == 0 && alpha == 0.0 && effort < 2 && !quick &&
            (double)here < value - 1e-6 * fmax(1.0, value)) {
            effort = 2; /* the last word takes a full search */
            continue;
        }
        const bool met = (double)*bound >= value - 1e-6 * fmax(1.0, value);
        if (met || taken == 0) {
            if (bought(tree) > 1e-6) {
                if (taken > 0)
                    continue;
                if (tree->penalty > PENALTY_MOST)
                    return SPOTOPT__NODE_STOPPED;
                spotopt__master_raise(tree);
                here = here < *bound ? here : *bound;
                continue;
            }
            return SPOTOPT__NODE_SOLVED;
        }
        if (rounds > 0 && round + 1 >= rounds)
            return SPOTOPT__NODE_SOLVED;
    }
}
