/* SPDX-License-Identifier: Apache-2.0 */
/*
 * factors.c - how good a pool is at four things, each in [0.01, 1].
 *
 * cost         min(1, 0.1 * OD_need / price_need): 1 at a tenth of the cheapest on-demand price for
 * the same request, 0.1 at that price. price_need is the node's price over the whole requests that
 * fit on it. stability    1 - p_H. performance  cube root of latency, throughput and errors, each
 * linear from the SLO's limit (0) to its target (1). For those that nobody measured a benchmark per
 * list price stands in, or else the prior mean. capacity     the smaller free share of CPU and
 * memory, times the chance to obtain the pool: placement score over its maximum; on-demand is taken
 * as obtainable.
 *
 * Anchors are fixed numbers and the SLO, never other candidates. What is assumed is flagged.
 */
#include "rank/rank.h"

#define COST_ANCHOR 0.1       /* of the on-demand price: what the deepest spot discounts come to */
#define PERFORMANCE_PRIOR 0.5 /* halfway between the SLO's limit and its target */
#define BENCHMARK_ANCHOR                                                                           \
    500000.0 /* CoreMark iterations a second per USD an hour that count as full marks */
#define HEADROOM_PRIOR 0.5
#define OBTAINABLE_PRIOR                                                                           \
    0.6 /* somewhat better than even: an unknown pool is neither praised nor buried */
#define SPOT_GUESS 4.0 /* on-demand over spot where no on-demand price is known */

spotopt__rank_terms
spotopt__rank_terms_of(const spotopt_policy *policy, double on_demand_need,
                       double placement_score_max)
{
    spotopt__rank_terms terms = {.score = policy->score,
                                 .interruption_usd = policy->interruption_usd,
                                 .horizon_h = policy->horizon_h,
                                 .on_demand_need = on_demand_need,
                                 .placement_score_max = placement_score_max};

    memcpy(terms.weights, policy->weights, sizeof terms.weights);
    memcpy(terms.slo_latency_ms, policy->slo_latency_ms, sizeof terms.slo_latency_ms);
    memcpy(terms.slo_throughput_rps, policy->slo_throughput_rps, sizeof terms.slo_throughput_rps);
    memcpy(terms.slo_error_frac, policy->slo_error_frac, sizeof terms.slo_error_frac);
    return terms;
}

double
spotopt__rank_fits(const spotopt__amounts *request, const spotopt__amounts *allocatable,
                   uint32_t resources)
{
    int64_t fits = INT64_MAX;

    for (uint32_t i = 0; i < resources; i++) {
        if (request->of[i] <= 0 || allocatable->of[i] == SPOTOPT__AMOUNT_UNKNOWN)
            continue;
        int64_t here = allocatable->of[i] / request->of[i];
        fits = here < fits ? here : fits;
    }
    return fits > 0 ? (double)fits : 0.0;
}

double
spotopt__rank_headroom(const spotopt__amounts *request, const spotopt__amounts *allocatable,
                       uint32_t resource)
{
    int64_t room = allocatable->of[resource],
            taken = request->of[resource] > 0 ? request->of[resource] : 0;

    if (room == SPOTOPT__AMOUNT_UNKNOWN)
        return NAN;
    return room <= taken ? 0.0 : 1.0 - (double)taken / (double)room;
}

double
spotopt__rank_on_demand_need(const double *usd_per_h, const double *fits, const bool *is_on_demand,
                             size_t count, bool *out_is_guess)
{
    double least[2] = {INFINITY, INFINITY}; /* spot, on-demand */

    for (size_t i = 0; i < count; i++) {
        double need = usd_per_h[i] / fits[i];

        if (fits[i] > 0.0 && need < least[is_on_demand[i]])
            least[is_on_demand[i]] = need;
    }
    *out_is_guess = !(least[1] < INFINITY);
    return least[1] < INFINITY ? least[1] : least[0] < INFINITY ? SPOT_GUESS * least[0] : NAN;
}

static double
clamp(double u)
{
    return u < SPOTOPT__U_MIN ? SPOTOPT__U_MIN : u > 1.0 ? 1.0 : u;
}

double
spotopt__rank_cost(const spotopt__rank_pool *pool, const spotopt__rank_terms *terms)
{
    double price_need = pool->usd_per_h / pool->fits;

    if (isnan(terms->on_demand_need))
        return COST_ANCHOR;
    return price_need > 0.0 ? clamp(COST_ANCHOR * terms->on_demand_need / price_need) : 1.0;
}

/* 1 at the target, 0 at the limit, whichever of the two is larger. */
static double
on_slo(double value, const double slo[2])
{
    return clamp((value - slo[1]) / (slo[0] - slo[1]));
}

static double
performance_of(const spotopt__rank_pool *pool, const spotopt__rank_terms *terms, uint32_t *flags)
{
    const double measured[] = {pool->latency_ms, pool->throughput_rps, pool->error_frac};
    const double *const slo[] = {terms->slo_latency_ms, terms->slo_throughput_rps,
                                 terms->slo_error_frac};
    double price = isnan(pool->list_usd_per_h) ? pool->usd_per_h : pool->list_usd_per_h;
    double assumed = PERFORMANCE_PRIOR, product = 1.0;
    bool has_benchmark = pool->coremark_per_s >= 0.0 && price > 0.0, is_whole = true;

    if (has_benchmark)
        assumed = clamp(pool->coremark_per_s / price / BENCHMARK_ANCHOR);
    for (int i = 0; i < 3; i++) {
        if (isnan(measured[i])) {
            *flags |= (uint32_t)SPOTOPT__RANK_LATENCY_ASSUMED << i;
            is_whole = false;
            product *= assumed;
        } else {
            product *= on_slo(measured[i], slo[i]);
        }
    }
    if (!is_whole && has_benchmark)
        *flags |= SPOTOPT__RANK_BENCHMARK;
    return clamp(cbrt(product));
}

static double
capacity_of(const spotopt__rank_pool *pool, const spotopt__rank_terms *terms, uint32_t *flags)
{
    double cpu = pool->cpu_free_frac, memory = pool->memory_free_frac, obtainable = 1.0;

    if (isnan(cpu) || isnan(memory))
        *flags |= SPOTOPT__RANK_HEADROOM_ASSUMED;
    cpu = isnan(cpu) ? HEADROOM_PRIOR : cpu;
    memory = isnan(memory) ? HEADROOM_PRIOR : memory;
    if (!pool->is_on_demand) {
        obtainable = pool->placement_score / terms->placement_score_max;
        if (isnan(obtainable)) {
            *flags |= SPOTOPT__RANK_OBTAINABLE_ASSUMED;
            obtainable = OBTAINABLE_PRIOR;
        }
    }
    return clamp((cpu < memory ? cpu : memory) * obtainable);
}

void
spotopt__rank_factors(const spotopt__rank_pool *pool, const spotopt__rank_terms *terms,
                      double *out_u, uint32_t *out_flags)
{
    assert(pool->usd_per_h >= 0.0 && pool->fits > 0.0 && pool->p_h >= 0.0 && pool->p_h <= 1.0);
    *out_flags = 0;
    out_u[SPOTOPT__FACTOR_COST] = spotopt__rank_cost(pool, terms);
    *out_flags |= isnan(terms->on_demand_need) ? SPOTOPT__RANK_COST_ASSUMED : 0;
    out_u[SPOTOPT__FACTOR_STABILITY] = clamp(1.0 - pool->p_h);
    out_u[SPOTOPT__FACTOR_PERFORMANCE] = performance_of(pool, terms, out_flags);
    out_u[SPOTOPT__FACTOR_CAPACITY] = capacity_of(pool, terms, out_flags);
}
