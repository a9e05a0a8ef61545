/* SPDX-License-Identifier: Apache-2.0 */
/*
 * score.c - one number a pool, and the order.
 *
 * S = 100 * prod u^w: a pool that is hopeless at one thing is not saved by the others; or 100 * sum
 * w u where the policy asks for that. Expected cost stands beside S and never feeds it. The order
 * is total (ties end at the index) and made by merging, so that it is the same on every machine and
 * asks no memory of the C library.
 */
#include "rank/rank.h"

#define TIE 1e9 /* scores are compared in these parts of one */

double
spotopt__rank_score(const double *u, const double *weights, int32_t score)
{
    double sum = 0.0;

    for (int f = 0; f < SPOTOPT__FACTORS; f++)
        sum += weights[f] * (score == SPOTOPT__SCORE_GEOMETRIC ? log(u[f]) : u[f]);
    return 100.0 * (score == SPOTOPT__SCORE_GEOMETRIC ? exp(sum) : sum);
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
        spotopt__rank_row *row = &rows[i];

        *row = (spotopt__rank_row){.pool = (uint32_t)i};
        spotopt__rank_factors(&pools[i], terms, row->u, &row->flags);
        row->score = spotopt__rank_score(row->u, terms->weights, terms->score);
        row->price_need = pools[i].usd_per_h / pools[i].fits;
        row->expected_usd =
            pools[i].usd_per_h * terms->horizon_h + pools[i].p_h * terms->interruption_usd;
        row->expected_usd_per_h = row->expected_usd / terms->horizon_h;
    }
    sort_rows(pools, rows, room, count);
    spotopt__free(context, room);
    *out_reference = spotopt__rank_reference(pools, rows, count);
    spotopt__rank_contribute(terms, rows, count, *out_reference);
    return true;
}
