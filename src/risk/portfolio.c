/* SPDX-License-Identifier: Apache-2.0 */
/*
 * portfolio.c - what a fleet may lose within a horizon, and which pools are to blame.
 *
 * Mean and variance are closed forms: two pools of hazards x >= y that share a fraction c of them
 * both stand with probability exp(-x - y + c y) (shocks.c), so with pools sorted by hazard all
 * covariances are one running sum. CVaR is read off the distribution of the loss on a grid: exact
 * where a node's vCPUs are whole cells, else a lost node takes one of two neighbouring cells with
 * the right mean. That only spreads the distribution (convex order), so CVaR is never below the
 * true one, and it is above by at most level's sqrt(a / (1 - a)) deviations of what was added,
 * whose variance is the grid's less the exact one.
 *
 * Parts are Euler's (Tasche 1999): of the variance a pool's covariance with the total, of CVaR its
 * mean loss where the total is in the tail.
 */
#include <stdlib.h>

#include "risk/shocks.h"
#include "spotopt/portfolio.h"

#define CELLS 1024u
#define CELLS_MIN 64u
#define CELLS_MAX 65536u
#define HAZARD_MAX 40.0 /* a pool that falls for sure: survives with 4e-18 */
#define AT_LEAST_MAX (CELLS_MAX / 2)
#define FILL 0.75  /* of the grid, for what spreading adds at its end */
#define DAMP 1e-10 /* chance that wraps around when few nodes are asked about */

typedef struct sorted {
    spotopt__shocked shocked;
    uint32_t index, region;
    double vcpus, fallen; /* vcpus of a node; mean nodes lost once fallen */
} sorted;

static int
weakest_first(const void *a, const void *b)
{
    const sorted *x = a, *y = b;

    return x->shocked.hazard != y->shocked.hazard ? (x->shocked.hazard > y->shocked.hazard ? -1 : 1)
           : x->index < y->index                  ? -1
                                                  : 1;
}

static int
by_region(const void *a, const void *b)
{
    const uint32_t *x = a, *y = b;

    return x[0] != y[0] ? (x[0] < y[0] ? -1 : 1) : 0;
}

static bool
is_frac(double value)
{
    return value >= 0.0 && value <= 1.0;
}

static spotopt_status
check(const spotopt_portfolio_params *p, spotopt_error *err)
{
    if (p->count >= UINT32_MAX / 4)
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT, "count is %zu; want less than 2^30",
                             p->count);
    if (p->count > 0 &&
        (p->nodes == NULL || p->vcpus == NULL || p->p_drop == NULL || p->p_node == NULL))
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT,
                             "a column is NULL; want nodes, vcpus, p_drop and p_node set");
    if (!is_frac(p->region_frac) || !is_frac(p->global_frac) ||
        !(p->region_frac + p->global_frac <= 1.0 + 1e-12))
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT,
                             "region_frac is %g, global_frac %g; want 0..1, together too",
                             p->region_frac, p->global_frac);
    if (!(p->level > 0.0 && p->level < 1.0))
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT, "level is %g; want 0 < level < 1", p->level);
    if (p->at_least > AT_LEAST_MAX)
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT, "at_least is %u; want at most %u",
                             p->at_least, AT_LEAST_MAX);
    for (size_t i = 0; i < p->count; i++) {
        if (!is_frac(p->p_drop[i]) || !is_frac(p->p_node[i]))
            return spotopt__fail(err, SPOTOPT_E_ARGUMENT, "p_drop[%zu] is %g, p_node %g; want 0..1",
                                 i, p->p_drop[i], p->p_node[i]);
        if (!(p->vcpus[i] >= 0.0 && p->vcpus[i] <= 1e9))
            return spotopt__fail(err, SPOTOPT_E_ARGUMENT, "vcpus[%zu] is %g; want 0..1e9", i,
                                 p->vcpus[i]);
        if (p->nodes[i] > 100000000u)
            return spotopt__fail(err, SPOTOPT_E_ARGUMENT, "nodes[%zu] is %u; want at most 1e8", i,
                                 p->nodes[i]);
    }
    return SPOTOPT_OK;
}

/* Pools by falling hazard, regions counted from 0 by their numbers; false: out of memory. */
static bool
sort_pools(spotopt_context *context, const spotopt_portfolio_params *p, sorted *pools,
           uint32_t *out_regions)
{
    uint32_t(*seen)[2] = spotopt__alloc_array(context, p->count + 1, sizeof *seen);
    uint32_t regions = 0;

    if (seen == NULL)
        return false;
    for (size_t i = 0; i < p->count; i++) {
        seen[i][0] = p->region != NULL ? p->region[i] : 0;
        seen[i][1] = (uint32_t)i;
    }
    qsort(seen, p->count, sizeof *seen, by_region);
    for (size_t i = 0; i < p->count; i++) {
        regions += i == 0 || seen[i][0] != seen[i - 1][0];
        pools[seen[i][1]].region = regions - 1;
    }
    spotopt__free(context, seen);
    for (size_t i = 0; i < p->count; i++) {
        double falls = p->p_drop[i], share = falls > 0.0 ? p->p_node[i] / falls : 0.0;
        double hazard = falls < 1.0 ? -log1p(-falls) : HAZARD_MAX;

        share = share < 1.0 ? share : 1.0;
        pools[i].index = (uint32_t)i;
        pools[i].vcpus = p->vcpus[i];
        pools[i].fallen = share * p->nodes[i];
        pools[i].shocked = (spotopt__shocked){.hazard = hazard < HAZARD_MAX ? hazard : HAZARD_MAX,
                                              .share = share,
                                              .nodes = p->nodes[i],
                                              .region = pools[i].region};
    }
    qsort(pools, p->count, sizeof *pools, weakest_first);
    *out_regions = regions;
    return true;
}

/*
 * Each pool's covariance with the total loss, when a lost node of pool i costs value[i] on average
 * and `spread` more as its own variance; returns the sum. `room` takes three sums a region.
 */
static double
covariances(const spotopt_portfolio_params *p, const sorted *pools, const double *value,
            const double *spread, double *room, uint32_t regions, double *out)
{
    double within = p->region_frac + p->global_frac, all_above = 0.0, all_below = 0.0, sum = 0.0;
    double *above = room, *below = room + regions;

    /* cov of falling = exp(-x) * exp(-y) * expm1(c * y), y the smaller hazard: a product. */
    memset(room, 0, 3 * (size_t)regions * sizeof *room);
    for (size_t i = 0; i < p->count; i++) {
        const spotopt__shocked *s = &pools[i].shocked;
        double mean = pools[i].fallen * value[i], stands = exp(-s->hazard), falls = 1.0 - stands;
        double across = stands * expm1(p->global_frac * s->hazard),
               inside = stands * expm1(within * s->hazard);

        /* its own: binomial once fallen, and falling or not */
        out[i] = falls * (pools[i].fallen * (1.0 - s->share) * value[i] * value[i] +
                          pools[i].fallen * spread[i]) +
                 falls * stands * mean * mean;
        out[i] += mean * (across * (all_above - above[s->region]) + inside * above[s->region]);
        all_above += mean * stands;
        above[s->region] += mean * stands;
    }
    for (size_t i = p->count; i-- > 0;) {
        const spotopt__shocked *s = &pools[i].shocked;
        double mean = pools[i].fallen * value[i], stands = exp(-s->hazard);

        out[i] += mean * stands * (all_below - below[s->region]); /* across */
        out[i] += mean * stands * below[regions + s->region];     /* inside */
        all_below += mean * stands * expm1(p->global_frac * s->hazard);
        below[s->region] += mean * stands * expm1(p->global_frac * s->hazard);
        below[regions + s->region] += mean * stands * expm1(within * s->hazard);
        sum += out[i];
    }
    return sum;
}

/* A width of which all vcpus are multiples, if there is one that leaves the total within cells. */
static double
exact_cell(const sorted *pools, size_t count, double cells)
{
    uint64_t divisor = 0;
    double total = 0.0;

    for (size_t i = 0; i < count; i++) {
        double vcpus = pools[i].vcpus;
        uint64_t a = (uint64_t)vcpus, b = divisor;

        if (pools[i].fallen == 0.0 || vcpus == 0.0)
            continue;
        if (vcpus != floor(vcpus))
            return 0.0;
        while (b != 0) {
            uint64_t rest = a % b;
            a = b;
            b = rest;
        }
        divisor = a;
        total += vcpus * pools[i].shocked.nodes;
    }
    if (divisor == 0)
        return 1.0; /* nothing to lose */
    return total / (double)divisor <= cells - 1.0 ? (double)divisor : 0.0;
}

/* Lays lost nodes on a grid of the width; spread is what that adds to a node's variance. */
static void
lay(sorted *pools, size_t count, double width, double *spread)
{
    for (size_t i = 0; i < count; i++) {
        double cells = pools[i].fallen > 0.0 ? pools[i].vcpus / width : 0.0,
               whole = floor(cells + 1e-9);
        double more = cells - whole > 0.0 ? cells - whole : 0.0;

        pools[i].shocked.cell = (uint32_t)whole;
        pools[i].shocked.more = more > 1e-9 ? more : 0.0;
        spread[i] = pools[i].shocked.more * (1.0 - pools[i].shocked.more) * width * width;
    }
}

static uint32_t
power_of_two(double least, uint32_t most)
{
    uint32_t cells = CELLS_MIN;

    while (cells < most && cells < least)
        cells *= 2;
    return cells;
}

static void
copy_shocked(const sorted *pools, size_t count, spotopt__shocked *out)
{
    for (size_t i = 0; i < count; i++)
        out[i] = pools[i].shocked;
}

/* P(nodes lost >= k): 1 less the first k of a grid of single nodes, damped where it is shorter than
 * the fleet. */
static bool
nodes_at_least(spotopt_context *context, const spotopt__shocks *shocks, spotopt__shocked *room,
               uint32_t k, double total_nodes, double *out)
{
    uint32_t cells = power_of_two(fmin(2.0 * k, total_nodes + 1.0), CELLS_MAX);
    double *distribution, radius = total_nodes + 1.0 <= cells ? 1.0 : pow(DAMP, 1.0 / cells);
    bool is_fine;

    *out = 0.0;
    if (k > total_nodes)
        return true;
    for (uint32_t i = 0; i < shocks->count; i++) {
        room[i].cell = 1;
        room[i].more = 0.0;
    }
    distribution = spotopt__alloc_array(context, cells, sizeof *distribution);
    is_fine = distribution != NULL &&
              spotopt__shocks_distribution(context, shocks, cells, radius, distribution);
    if (is_fine) {
        double few = 0.0;
        for (uint32_t j = 0; j < k && j < cells; j++)
            few += distribution[j];
        *out = few < 1.0 ? 1.0 - few : 0.0;
    }
    spotopt__free(context, distribution);
    return is_fine;
}

/* From the distribution: quantile and CVaR in cells; the weights of the tail take its place. */
static void
read_tail(double *distribution, uint32_t cells, double level, double *out_quantile,
          double *out_cvar)
{
    double tail = 1.0 - level, beyond = 0.0, sum = 0.0;
    uint32_t at = cells;

    while (at > 0 && beyond + distribution[at - 1] < tail) {
        beyond += distribution[--at];
        sum += distribution[at] * at;
        distribution[at] = 1.0 / tail;
    }
    for (uint32_t j = 0; j < at; j++) {
        bool is_edge = j + 1 == at; /* the part of it that fills the tail up */
        double weight = is_edge && distribution[j] > 0.0 ? (tail - beyond) / distribution[j] : 0.0;

        sum += weight * distribution[j] * j;
        distribution[j] = weight / tail;
    }
    *out_quantile = at > 0 ? at - 1.0 : 0.0;
    *out_cvar = sum / tail;
}

spotopt_status
spotopt_portfolio_assess(spotopt_context *context, const spotopt_portfolio_params *params,
                         spotopt_portfolio_loss *out, double *out_mean, double *out_variance,
                         double *out_cvar, spotopt_error *err)
{
    spotopt_portfolio_params p = SPOTOPT_PORTFOLIO_PARAMS_INIT;
    spotopt_portfolio_loss made = SPOTOPT_PORTFOLIO_LOSS_INIT;
    spotopt_status status;
    spotopt__shocks shocks;
    double total_vcpus = 0.0, total_nodes = 0.0, on_grid, at, mean_cells;
    uint32_t regions, cells;

    if (params == NULL || out == NULL || out->size < sizeof out->size)
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT, "%s",
                             params == NULL
                                 ? "params is NULL; want it set"
                                 : "out.size is not set; want SPOTOPT_PORTFOLIO_LOSS_INIT");
    status = spotopt__copy_in(&p, sizeof p, params, "params", err);
    if (status == SPOTOPT_OK)
        status = check(&p, err);
    if (status != SPOTOPT_OK)
        return status;

    size_t count = p.count;
    sorted *pools = spotopt__alloc_array(context, count + 1, sizeof *pools);
    spotopt__shocked *shocked = spotopt__alloc_array(context, count + 1, sizeof *shocked);
    double *columns = spotopt__alloc_array(context, 4 * (count + 1), sizeof *columns), *room = NULL;
    double *distribution = NULL;
    bool is_fine = pools != NULL && shocked != NULL && columns != NULL &&
                   sort_pools(context, &p, pools, &regions);
    if (!is_fine)
        goto done;
    double *value = columns, *spread = value + count + 1, *parts = spread + count + 1,
           *tail_parts = parts + count + 1;
    is_fine = false;
    room = spotopt__alloc_array(context, 4 * ((size_t)regions + 1), sizeof *room);
    if (room == NULL)
        goto done;

    for (size_t i = 0; i < count; i++) {
        double falls = -expm1(-pools[i].shocked.hazard);
        total_nodes += pools[i].shocked.nodes;
        if (pools[i].fallen > 0.0)
            total_vcpus += pools[i].shocked.nodes * pools[i].vcpus;
        made.mean_nodes += falls * pools[i].fallen;
        made.mean_vcpus += falls * pools[i].fallen * pools[i].vcpus;
        value[i] = 1.0;
    }
    made.variance_nodes = covariances(&p, pools, value, spread, room, regions, parts);
    for (size_t i = 0; i < count; i++)
        value[i] = pools[i].vcpus;
    made.variance_vcpus = covariances(&p, pools, value, spread, room, regions, parts);

    cells = power_of_two(p.cells != 0 ? p.cells : CELLS, CELLS_MAX);
    made.cell_vcpus = exact_cell(pools, count, cells);
    if (made.cell_vcpus == 0.0)
        made.cell_vcpus = total_vcpus / (FILL * cells);
    else /* no more cells than the fleet fills */
        cells = power_of_two(total_vcpus / made.cell_vcpus + 1.0, cells);
    lay(pools, count, made.cell_vcpus, spread);
    copy_shocked(pools, count, shocked);
    shocks = (spotopt__shocks){shocked, (uint32_t)count, regions, p.region_frac, p.global_frac};
    distribution = spotopt__alloc_array(context, cells, sizeof *distribution);
    is_fine = distribution != NULL &&
              spotopt__shocks_distribution(context, &shocks, cells, 1.0, distribution);
    if (!is_fine)
        goto done;
    read_tail(distribution, cells, p.level, &at, &mean_cells);
    made.quantile_vcpus = at * made.cell_vcpus;
    made.cvar_vcpus = mean_cells * made.cell_vcpus;
    on_grid =
        covariances(&p, pools, value, spread, room, regions, tail_parts) - made.variance_vcpus;
    if (on_grid > 1e-12 * made.variance_vcpus)
        made.cvar_error_vcpus = sqrt(on_grid * p.level / (1.0 - p.level));
    if (out_cvar != NULL)
        is_fine = spotopt__shocks_parts(context, &shocks, cells, distribution, tail_parts);
    is_fine = is_fine && nodes_at_least(context, &shocks, shocked, p.at_least > 0 ? p.at_least : 1,
                                        total_nodes, &made.p_at_least);
    if (!is_fine)
        goto done;

    for (size_t i = 0; i < count; i++) {
        uint32_t to = pools[i].index;
        if (out_mean != NULL)
            out_mean[to] = -expm1(-pools[i].shocked.hazard) * pools[i].fallen * pools[i].vcpus;
        if (out_variance != NULL)
            out_variance[to] = parts[i];
        if (out_cvar != NULL)
            out_cvar[to] = tail_parts[i] * made.cell_vcpus;
    }
    made.size = out->size;
    memcpy(out, &made, out->size < sizeof made ? out->size : sizeof made);

done:
    spotopt__free(context, pools);
    spotopt__free(context, shocked);
    spotopt__free(context, columns);
    spotopt__free(context, room);
    spotopt__free(context, distribution);
    return is_fine ? SPOTOPT_OK : spotopt__nomem(err, "the loss of a portfolio");
}
