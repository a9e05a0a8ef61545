/* SPDX-License-Identifier: Apache-2.0 */
/*
 * search.c - what a solve knows so far: the best packing, the bound and its prices, and whether
 * that, or the budget, is reason to stop.
 */
#include <math.h>
#include <string.h>

#include "pack/search.h"

double
spotopt__search_bound(const spotopt__search *search)
{
    double step = search->model->cost_step;

    if (search->bound <= 0.0 || step <= 0.0)
        return search->bound;
    return ceil(search->bound / step - SPOTOPT__TOL_STEP) * step;
}

void
spotopt__search_raise(spotopt__search *search, double bound)
{
    if (bound > search->bound)
        search->bound = bound;
}

void
spotopt__search_raise_by(spotopt__search *search, double bound, const double *price)
{
    if (!(bound > search->bound))
        return;
    search->bound = bound;
    search->has_price = true;
    for (uint32_t i = 0; i < search->model->items; i++)
        search->price[i] = fmax(price[i], 0.0);
}

bool
spotopt__search_over(spotopt__search *search)
{
    /* Who watches is told of the problem that was asked about; a coarser one's bound is its too. */
    const spotopt__search *asked = search->outer != NULL ? search->outer : search;
    const bool whole = asked->has_best && asked->score.missing == 0 && asked->score.broken <= 1e-9;

    search->budget.cost = whole ? asked->score.cost : (double)INFINITY;
    search->budget.bound = fmax(asked->bound, search->bound);
    return spotopt__budget_over(&search->budget, "pack", search->budget.cost, search->budget.bound);
}

bool
spotopt__search_late(spotopt__search *search, double share)
{
    const spotopt__budget *budget = &search->budget;
    double whole = budget->deadline_s - budget->start_s;

    if (spotopt__budget_left_s(budget) > (1.0 - share) * whole)
        return false;
    search->hurried = true;
    return true;
}

bool
spotopt__search_done(spotopt__search *search)
{
    if (search->complete)
        return true;
    if (search->has_best && search->score.missing == 0 && search->score.broken <= 1e-9) {
        double bound = spotopt__search_bound(search), cost = search->score.cost;
        if (cost - bound <=
            search->gap_rel * fmax(cost, 1e-9) + SPOTOPT__TOL_COST * fmax(1.0, cost) * 0.1)
            return true;
    }
    return spotopt__search_over(search);
}

bool
spotopt__search_offer(spotopt__search *search, const spotopt__state *state)
{
    spotopt__score score = spotopt__state_score(state);

    if (state->failed || (search->has_best && !spotopt__is_better(&score, &search->score)))
        return false;
    if (!spotopt__state_copy(&search->best, state))
        return false;
    search->score =
        spotopt__state_score(&search->best); /* without what rounding gathered on the way */
    search->has_best = true;
    return true;
}
