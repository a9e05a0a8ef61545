/* SPDX-License-Identifier: Apache-2.0 */
/*
 * trim.c - capacities without what no content can use.
 *
 * Where all amounts of a resource are whole, what a node holds of it is a sum of requests, so a
 * capacity may fall to the largest such sum below it: multiples of the requests' greatest common
 * divisor, and among small ones those that can be put together at all (a table over sums with any
 * number of each, Bellman 1957). The set of packings is as before; resource programs, prices and
 * classes of nodes become sharper.
 */
#include "pack/model.h"

#define CELLS_MOST 4096    /* sums looked at one by one */
#define STEPS_MOST 2000000 /* sums times requests */

static double
gcd(double a, double b)
{
    while (b > 0.0) {
        const double rest = fmod(a, b);
        a = b;
        b = rest;
    }
    return a;
}

/* The largest sum up to each cell, in units of the divisor, for the resource's requests. */
static void
fill_table(const spotopt_problem *problem, uint32_t r, double divisor, uint32_t *largest,
           uint32_t cells)
{
    uint32_t last = 0;

    memset(largest, 0, cells * sizeof *largest);
    largest[0] = 1; /* while filling: 1 where there is a sum */
    for (size_t d = 0; d < problem->demands.count; d++) {
        const double units = nearbyint(problem->demands.at[d].request[r] / divisor);
        const uint32_t each = units < (double)cells ? (uint32_t)units : 0;
        if (each == 0 || largest[each] != 0)
            continue; /* a sum of others adds nothing */
        for (uint32_t s = each; s < cells; s++)
            largest[s] |= largest[s - each];
    }
    for (uint32_t s = 0; s < cells; s++) {
        last = largest[s] != 0 ? s : last;
        largest[s] = last;
    }
}

bool
spotopt__model_trim(spotopt__model *model)
{
    const spotopt_problem *problem = model->problem;
    uint32_t *largest = spotopt__alloc_array(model->context, CELLS_MOST, sizeof *largest);
    double *capacity = spotopt__arena_alloc(
        &model->arena, (size_t)model->kinds * model->resources + 1, sizeof *capacity);

    if (largest == NULL || capacity == NULL) {
        spotopt__free(model->context, largest);
        return false;
    }
    for (uint32_t k = 0; k < model->kinds; k++) {
        memcpy(capacity + (size_t)k * model->resources, model->kind[k].capacity,
               model->resources * sizeof *capacity);
        model->kind[k].capacity = capacity + (size_t)k * model->resources;
    }
    for (uint32_t r = 0; r < model->resources; r++) {
        uint32_t cells = CELLS_MOST;
        double divisor = 0.0;

        for (size_t d = 0; d < problem->demands.count && !(model->tolerance[r] > 0.0); d++)
            divisor = gcd(problem->demands.at[d].request[r], divisor);
        if (!(divisor > 0.0))
            continue;
        if ((uint64_t)cells * problem->demands.count > STEPS_MOST)
            cells = (uint32_t)(STEPS_MOST / problem->demands.count);
        cells = cells > 0 ? cells : 1;
        fill_table(problem, r, divisor, largest, cells);
        for (uint32_t k = 0; k < model->kinds; k++) {
            double *at = capacity + (size_t)k * model->resources + r;
            const double units = floor(*at / divisor);
            *at = divisor * (units < (double)cells ? (double)largest[(uint32_t)units] : units);
        }
    }
    spotopt__free(model->context, largest);
    return true;
}
