/* SPDX-License-Identifier: Apache-2.0 */
/*
 * unknown.c - what is not known about a pool, and what knowing it could change.
 *
 * A pool that nobody measured is scored with assumptions; between the worst and the best that its
 * unknowns can be lies a range of scores. And the other way round: the score that it would have to
 * reach tells the factor that it would need, from which follows the latency, say, that would have
 * to be measured. Every score grows with every factor, so that halving finds it.
 */
#include "rank/rank.h"

enum { LATENCY, THROUGHPUT, ERRORS, HEADROOM, OBTAINABLE, QUANTITIES };

static double
score_of(const spotopt__rank_pool *pool, const spotopt__rank_terms *terms)
{
    spotopt__rank_row row;

    spotopt__rank_score_one(pool, terms, &row);
    return row.score;
}

/* A quantity from its worst (part 0) to its best (part 1). */
static void
set(spotopt__rank_pool *pool, const spotopt__rank_terms *terms, int quantity, double part)
{
    switch (quantity) {
    case LATENCY:
        pool->latency_ms =
            terms->slo_latency_ms[1] + part * (terms->slo_latency_ms[0] - terms->slo_latency_ms[1]);
        break;
    case THROUGHPUT:
        pool->throughput_rps = terms->slo_throughput_rps[1] +
                               part * (terms->slo_throughput_rps[0] - terms->slo_throughput_rps[1]);
        break;
    case ERRORS:
        pool->error_frac =
            terms->slo_error_frac[1] + part * (terms->slo_error_frac[0] - terms->slo_error_frac[1]);
        break;
    case HEADROOM:
        pool->cpu_free_frac = isnan(pool->cpu_free_frac) ? part : pool->cpu_free_frac;
        pool->memory_free_frac = isnan(pool->memory_free_frac) ? part : pool->memory_free_frac;
        break;
    default:
        pool->placement_score = part * terms->placement_score_max;
        break;
    }
}

static double
value_of(const spotopt__rank_pool *pool, int quantity)
{
    const double values[QUANTITIES] = {pool->latency_ms, pool->throughput_rps, pool->error_frac,
                                       pool->cpu_free_frac + pool->memory_free_frac,
                                       pool->is_on_demand ? 1.0 : pool->placement_score};

    return values[quantity];
}

void
spotopt__rank_range(const spotopt__rank_pool *pool, const spotopt__rank_terms *terms,
                    double *out_low, double *out_high)
{
    for (int end = 0; end < 2; end++) {
        spotopt__rank_pool known = *pool;

        for (int q = 0; q < QUANTITIES; q++) {
            if (isnan(value_of(pool, q)))
                set(&known, terms, q, end);
        }
        *(end == 0 ? out_low : out_high) = score_of(&known, terms);
    }
}

double
spotopt__rank_would_win(const spotopt__rank_pool *pool, const spotopt__rank_terms *terms,
                        double score, int quantity)
{
    spotopt__rank_pool known = *pool;
    double low = 0.0, high = 1.0;

    if (!isnan(value_of(pool, quantity)) || terms->score == SPOTOPT__SCORE_QUANTILE)
        return NAN;
    set(&known, terms, quantity, 1.0);
    if (!(score_of(&known, terms) > score))
        return NAN;
    known = *pool;
    set(&known, terms, quantity, 0.0);
    if (score_of(&known, terms) > score)
        return NAN; /* whatever it is: nothing to be told */
    for (int i = 0; i < 50; i++) {
        double middle = 0.5 * (low + high);

        known = *pool;
        set(&known, terms, quantity, middle);
        if (score_of(&known, terms) > score)
            high = middle;
        else
            low = middle;
    }
    known = *pool;
    set(&known, terms, quantity, high);
    return quantity == HEADROOM ? high : value_of(&known, quantity);
}
