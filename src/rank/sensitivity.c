/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sensitivity.c - how firmly the first place is held.
 *
 * The lead of one pool over another is linear in the weights, w . d with d = ln(u1 / u2) or u1 -
 * u2. Moving t of weight from factor i to factor j takes t * (d_i - d_j) off it, so the cheapest
 * way moves everything to the factor with the least d, out of the factors with the largest d first,
 * each until it is empty: the greedy answer of a linear program with one row. Acceptability
 * (Lahdelma, Hokkanen, Salminen 1998) draws weights evenly from the simplex instead.
 */
#include "rank/rank.h"

static double
lead(const double *first_u, const double *second_u, int32_t score, int f)
{
    return score == SPOTOPT__SCORE_GEOMETRIC ? log(first_u[f]) - log(second_u[f])
                                             : first_u[f] - second_u[f];
}

double
spotopt__rank_flip(const double *first_u, const double *second_u, const double *weights,
                   int32_t score, double out_change[SPOTOPT__FACTORS])
{
    double d[SPOTOPT__FACTORS], gap = 0.0, moved = 0.0;
    bool is_used[SPOTOPT__FACTORS] = {false};
    int sink = 0;

    if (!spotopt__rank_is_linear(score)) {
        memset(out_change, 0, SPOTOPT__FACTORS * sizeof *out_change);
        return INFINITY;
    }
    for (int f = 0; f < SPOTOPT__FACTORS; f++) {
        out_change[f] = 0.0;
        d[f] = lead(first_u, second_u, score, f);
        gap += weights[f] * d[f];
        sink = d[f] < d[sink] ? f : sink;
    }
    is_used[sink] = true;
    while (gap > 0.0) {
        int source = -1;

        for (int f = 0; f < SPOTOPT__FACTORS; f++) {
            if (!is_used[f] && (source < 0 || d[f] > d[source]))
                source = f;
        }
        if (source < 0 || !(d[source] > d[sink]))
            return INFINITY;
        double step = gap / (d[source] - d[sink]);

        is_used[source] = true;
        if (step <= weights[source]) {
            gap = 0.0;
        } else {
            step = weights[source];
            gap -= step * (d[source] - d[sink]);
        }
        moved += step;
        out_change[source] -= step;
        out_change[sink] += step;
    }
    return moved;
}

/* Exponentials over their sum are even on the simplex (a flat Dirichlet distribution). */
static void
draw_weights(spotopt__rng *rng, double *out)
{
    double sum = 0.0;

    for (int f = 0; f < SPOTOPT__FACTORS; f++)
        sum += out[f] = -log1p(-spotopt__rng_unit(rng));
    for (int f = 0; f < SPOTOPT__FACTORS; f++)
        out[f] /= sum;
}

bool
spotopt__rank_acceptability(spotopt_context *context, const spotopt__rank_row *rows, size_t count,
                            int32_t score, uint64_t seed, uint32_t draws, double *out_frac)
{
    /* Every score grows with every factor: off the front nothing is ever first. */
    size_t *front = spotopt__alloc_array(context, count + 1, sizeof *front), found = 0;
    double *value = spotopt__alloc_array(context, SPOTOPT__FACTORS * count + 1, sizeof *value);
    spotopt__rng rng;

    if (value == NULL || front == NULL) {
        spotopt__free(context, front);
        spotopt__free(context, value);
        return false;
    }
    spotopt__rng_seed(&rng, seed);
    for (size_t i = 0; i < count; i++) {
        out_frac[i] = 0.0;
        if (!rows[i].is_on_front)
            continue;
        for (int f = 0; f < SPOTOPT__FACTORS; f++)
            value[SPOTOPT__FACTORS * found + f] =
                score == SPOTOPT__SCORE_GEOMETRIC ? log(rows[i].v[f]) : rows[i].v[f];
        front[found++] = i;
    }
    for (uint32_t n = 0; found > 0 && n < draws; n++) {
        double weights[SPOTOPT__FACTORS], best = -INFINITY;
        size_t first = 0;

        draw_weights(&rng, weights);
        for (size_t i = 0; i < found; i++) {
            const double *v = value + SPOTOPT__FACTORS * i;
            double sum = 0.0;

            if (spotopt__rank_is_linear(score)) {
                for (int f = 0; f < SPOTOPT__FACTORS; f++)
                    sum += weights[f] * v[f];
            } else {
                sum = spotopt__rank_score(v, weights, score);
            }
            if (sum > best) { /* of equals the one ranked better */
                best = sum;
                first = front[i];
            }
        }
        out_frac[first] += 1.0 / draws;
    }
    spotopt__free(context, front);
    spotopt__free(context, value);
    return true;
}
