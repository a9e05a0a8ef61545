/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hysteresis.c - whether what runs already should move to the pool that ranks first.
 *
 * A score is no money, so the lead is put into money first: the least price cut with which the
 * current pool would score as the best one does. It is positive exactly where the score leads, it
 * is the saving itself where the score is expected cost, and it is never more than the whole price.
 * Over the horizon it has to exceed what a move costs and a number of standard errors: both risks
 * are estimates, taken as independent, and what lies within their doubt is noise that replicas
 * would follow to and fro. Then dwell and budget may still hold a move back; a notice, or a pool
 * that is not to be used any more, asks for none of it.
 */
#include "rank/rank.h"

#define HALVINGS 60
#define SAME 1e-9 /* scores this close are equal, as they are for the order */

/* Quantiles are of candidates, which a price alone does not make: the sum of u stands in. */
static double
score_at(const spotopt__rank_pool *pool, const spotopt__rank_terms *terms)
{
    spotopt__rank_row row;

    spotopt__rank_score_one(pool, terms, &row);
    return row.score;
}

/* Price of the poorer pool, per request, less what would put it level with the better one. */
static double
price_cut(const spotopt__rank_pool *poorer, double target, const spotopt__rank_terms *terms)
{
    spotopt__rank_pool at = *poorer;
    double low = 0.0, high = 1.0;

    if (isnan(at.list_usd_per_h)) /* what a benchmark is divided by is no part of the cut */
        at.list_usd_per_h = at.usd_per_h;
    for (int i = 0; i < HALVINGS; i++) {
        double middle = 0.5 * (low + high);

        at.usd_per_h = poorer->usd_per_h * (1.0 - middle);
        if (score_at(&at, terms) >= target)
            high = middle;
        else
            low = middle;
    }
    return high * poorer->usd_per_h / poorer->fits;
}

double
spotopt__rank_lead(const spotopt__rank_pool *best, const spotopt__rank_pool *current,
                   const spotopt__rank_terms *terms)
{
    double of_best = score_at(best, terms), of_current = score_at(current, terms);

    if (fabs(of_best - of_current) <= SAME)
        return 0.0;
    return of_best > of_current ? price_cut(current, of_best, terms)
                                : -price_cut(best, of_current, terms);
}

/* Half of what the lead changes by while one risk goes from a deviation below to one above. */
static double
doubt_by(spotopt__rank_pool best, spotopt__rank_pool current, bool of_best, double sd,
         const spotopt__rank_terms *terms)
{
    spotopt__rank_pool *pool = of_best ? &best : &current;
    double p = pool->p_h, lead[2];

    if (!(sd > 0.0))
        return 0.0;
    for (int end = 0; end < 2; end++) {
        pool->p_h = end == 0 ? fmax(0.0, p - sd) : fmin(1.0, p + sd);
        lead[end] = spotopt__rank_lead(&best, &current, terms);
    }
    return 0.5 * fabs(lead[1] - lead[0]);
}

static int32_t
find_why(const spotopt__rank_held *held, const spotopt__rank_change *change,
         const spotopt__rank_switch *s)
{
    if (held->best == NULL)
        return SPOTOPT_SWITCH_NO_OTHER;
    if (held->current == NULL)
        return SPOTOPT_SWITCH_DROPPED;
    if (held->is_noticed)
        return SPOTOPT_SWITCH_NOTICE;
    if (!(s->lead_usd_per_h > 0.0))
        return SPOTOPT_SWITCH_IS_FIRST;
    if (s->net_usd < 0.0)
        return SPOTOPT_SWITCH_SAVING;
    if (s->lead_usd_per_h <
        change->min_saving_frac * held->current->usd_per_h / held->current->fits)
        return SPOTOPT_SWITCH_SHARE;
    if (held->dwell_min < change->min_dwell_min)
        return SPOTOPT_SWITCH_DWELL;
    if (change->max_moves_per_h - held->moves < 1.0)
        return SPOTOPT_SWITCH_BUDGET;
    return SPOTOPT_SWITCH_WORTH;
}

void
spotopt__rank_hold(const spotopt__rank_held *held, const spotopt__rank_change *change,
                   const spotopt__rank_terms *terms, spotopt__rank_switch *out)
{
    spotopt__rank_terms own;

    *out = (spotopt__rank_switch){.switching_usd = change->move_usd};
    out->lead_usd_per_h = NAN;
    out->saving_usd = out->standard_error_usd = out->net_usd = NAN;
    if (held->best != NULL && held->current != NULL) {
        own = *terms;
        if (own.score == SPOTOPT__SCORE_QUANTILE)
            own.score = SPOTOPT__SCORE_ARITHMETIC;
        double of_best = doubt_by(*held->best, *held->current, true, held->best_p_sd, &own);
        double of_current = doubt_by(*held->best, *held->current, false, held->current_p_sd, &own);

        out->lead_usd_per_h = spotopt__rank_lead(held->best, held->current, &own);
        out->saving_usd = out->lead_usd_per_h * change->horizon_h;
        out->standard_error_usd = hypot(of_best, of_current) * change->horizon_h;
        out->net_usd =
            out->saving_usd - change->move_usd - change->standard_errors * out->standard_error_usd;
    }
    out->why = find_why(held, change, out);
    if (out->why == SPOTOPT_SWITCH_WORTH)
        out->replicas = fmin(held->replicas, floor(change->max_moves_per_h - held->moves));
    else if (out->why >= SPOTOPT_SWITCH_WORTH)
        out->replicas = held->replicas;
}
