/* SPDX-License-Identifier: Apache-2.0 */
/*
 * score.c - one number a pool, and the order.
 *
 * S = 100 * prod u^w: a pool that is hopeless at one thing is not saved by the others. A policy may
 * ask for another S, always in 0..100 and larger for better:
 *
 * arithmetic     100 * sum w u
 * expected-cost  the cost factor at EC per request instead of the price, and nothing else
 * quantile       arithmetic over each factor's mid-rank among the candidates
 * topsis         100 d- / (d- + d+), weighted distances from the worst (0.01) and best (1) there
 * can be (Hwang and Yoon 1981; with candidates as anchors, dropping one could reorder)
 * lexicographic  factors by weight, in steps of 1/20 so that a hair does not decide; the next one
 *                counts among equals
 *
 * With the others, expected cost stands beside S and never feeds it. The order
 * is total (ties end at the index) and made by merging, so that it is the same on every machine and
 * asks no memory of the C library.
 */
#include <stdlib.h>

#include "rank/rank.h"

#define LEVELS 20.0
#define TIE 1e9 /* scores are compared in these parts of one */

bool
spotopt__rank_is_linear(int32_t score)
{
    return score == SPOTOPT__SCORE_GEOMETRIC || score == SPOTOPT__SCORE_ARITHMETIC ||
           score == SPOTOPT__SCORE_QUANTILE;
}

static double
topsis(const double *v, const double *weights)
{
    double best = 0.0, worst = 0.0;

    for (int f = 0; f < SPOTOPT__FACTORS; f++) {
        double up = weights[f] * (1.0 - v[f]), down = weights[f] * (v[f] - SPOTOPT__U_MIN);

        best += up * up;
        worst += down * down;
    }
    best = sqrt(best);
    worst = sqrt(worst);
    return 100.0 * worst / (best + worst); /* they cannot both be 0: some weight is positive */
}

/* v are whole steps, largest weight first; equal weights in the factors' order. */
static double
lexicographic(const double *v, const double *weights)
{
    bool is_used[SPOTOPT__FACTORS] = {false};
    double sum = 0.0, most = 0.0;

    for (int k = 0; k < SPOTOPT__FACTORS; k++) {
        int next = -1;

        for (int f = 0; f < SPOTOPT__FACTORS; f++) {
            if (!is_used[f] && (next < 0 || weights[f] > weights[next]))
                next = f;
        }
        is_used[next] = true;
        sum = LEVELS * sum + v[next];
        most = LEVELS * most + (LEVELS - 1);
    }
    return 100.0 * sum / most;
}

double
spotopt__rank_score(const double *v, const double *weights, int32_t score)
{
    double sum = 0.0;

    switch (score) {
    case SPOTOPT__SCORE_EXPECTED_COST:
        return 100.0 * v[SPOTOPT__FACTOR_COST];
    case SPOTOPT__SCORE_TOPSIS:
        return topsis(v, weights);
    case SPOTOPT__SCORE_LEXICOGRAPHIC:
        return lexicographic(v, weights);
    case SPOTOPT__SCORE_GEOMETRIC:
        for (int f = 0; f < SPOTOPT__FACTORS; f++)
            sum += weights[f] * log(v[f]);
        return 100.0 * exp(sum);
    default:
        for (int f = 0; f < SPOTOPT__FACTORS; f++)
            sum += weights[f] * v[f];
        return 100.0 * sum;
    }
}

/* What a score other than the plain ones is made of. */
static void
find_v(const spotopt__rank_pool *pool, const spotopt__rank_terms *terms, spotopt__rank_row *row)
{
    memcpy(row->v, row->u, sizeof row->v);
    if (terms->score == SPOTOPT__SCORE_EXPECTED_COST) {
        spotopt__rank_pool at_expected = *pool;

        at_expected.usd_per_h = row->expected_usd_per_h;
        row->v[SPOTOPT__FACTOR_COST] = spotopt__rank_cost(&at_expected, terms);
    } else if (terms->score == SPOTOPT__SCORE_LEXICOGRAPHIC) {
        for (int f = 0; f < SPOTOPT__FACTORS; f++)
            row->v[f] = fmin(floor(LEVELS * row->u[f]), LEVELS - 1);
    }
}

static int
compare_values(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static size_t
count_below(const double *sorted, size_t count, double value, bool or_equal)
{
    size_t low = 0, high = count;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (sorted[middle] < value || (or_equal && sorted[middle] == value))
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Mid-ranks in (0, 1): the share of candidates below, and half of those alike. */
static void
find_quantiles(spotopt__rank_row *rows, size_t count, const spotopt__rank_terms *terms,
               double *room)
{
    for (int f = 0; f < SPOTOPT__FACTORS; f++) {
        for (size_t i = 0; i < count; i++)
            room[i] = rows[i].u[f];
        qsort(room, count, sizeof *room, compare_values);
        for (size_t i = 0; i < count; i++)
            rows[i].v[f] = 0.5 *
                           (double)(count_below(room, count, rows[i].u[f], false) +
                                    count_below(room, count, rows[i].u[f], true)) /
                           (double)count;
    }
    for (size_t i = 0; i < count; i++)
        rows[i].score = spotopt__rank_score(rows[i].v, terms->weights, terms->score);
}

void
spotopt__rank_score_one(const spotopt__rank_pool *pool, const spotopt__rank_terms *terms,
                        spotopt__rank_row *row)
{
    *row = (spotopt__rank_row){.pool = 0};
    spotopt__rank_factors(pool, terms, row->u, &row->flags);
    row->price_need = pool->usd_per_h / pool->fits;
    row->expected_usd = pool->usd_per_h * terms->horizon_h + pool->p_h * terms->interruption_usd;
    row->expected_usd_per_h = row->expected_usd / terms->horizon_h;
    find_v(pool, terms, row);
    row->score = spotopt__rank_score(row->v, terms->weights, terms->score);
}

static int
compare(double a, double b)
{
    return a < b ? -1 : a > b;
}

/* Negative: a before b. */
static int
compare_rows(const spotopt__rank_pool *pools, const spotopt__rank_row *a,
             const spotopt__rank_row *b)
{
    const spotopt__rank_pool *p = &pools[a->pool], *q = &pools[b->pool];
    int order = compare(floor(b->score * TIE + 0.5), floor(a->score * TIE + 0.5));

    if (order == 0)
        order = compare(p->p_h, q->p_h);
    if (order == 0)
        order = compare(p->usd_per_h, q->usd_per_h);
    if (order == 0)
        order = compare(isnan(q->placement_score) ? 0.0 : q->placement_score,
                        isnan(p->placement_score) ? 0.0 : p->placement_score);
    if (order == 0)
        order = strcmp(p->id, q->id);
    return order != 0 ? order : (a->pool > b->pool) - (a->pool < b->pool);
}

/* Bottom up, between rows and as much room again. */
static void
sort_rows(const spotopt__rank_pool *pools, spotopt__rank_row *rows, spotopt__rank_row *room,
          size_t count)
{
    spotopt__rank_row *from = rows, *to = room;

    for (size_t width = 1; width < count; width *= 2) {
        for (size_t start = 0; start < count; start += 2 * width) {
            size_t middle = start + width < count ? start + width : count;
            size_t end = start + 2 * width < count ? start + 2 * width : count;
            size_t a = start, b = middle;

            for (size_t at = start; at < end; at++) {
                bool is_a = a < middle && (b >= end || compare_rows(pools, &from[a], &from[b]) < 0);
                to[at] = from[is_a ? a++ : b++];
            }
        }
        spotopt__rank_row *swap = from;
        from = to;
        to = swap;
    }
    if (from != rows)
        memcpy(rows, from, count * sizeof *rows);
}

bool
spotopt__rank_order(spotopt_context *context, const spotopt__rank_pool *pools, size_t count,
                    const spotopt__rank_terms *terms, spotopt__rank_row *rows,
                    size_t *out_reference)
{
    spotopt__rank_row *room;

    assert(count < UINT32_MAX && terms->horizon_h > 0.0);
    *out_reference = 0;
    if (count == 0)
        return true;
    room = spotopt__alloc_array(context, count, sizeof *room);
    if (room == NULL)
        return false;
    for (size_t i = 0; i < count; i++) {
        spotopt__rank_score_one(&pools[i], terms, &rows[i]);
        rows[i].pool = (uint32_t)i;
    }
    if (terms->score == SPOTOPT__SCORE_QUANTILE)
        find_quantiles(rows, count, terms, (double *)room);
    sort_rows(pools, rows, room, count);
    spotopt__free(context, room);
    *out_reference = spotopt__rank_reference(pools, rows, count);
    spotopt__rank_contribute(terms, rows, count, *out_reference);
    return true;
}
