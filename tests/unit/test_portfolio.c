/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/base.h"
#include "fail_alloc.h"
#include "spotopt/portfolio.h"
#include "suite.h"

#define MAX 1200

typedef struct fleet {
    uint32_t nodes[MAX], region[MAX];
    double vcpus[MAX], p_drop[MAX], p_node[MAX], mean[MAX], variance[MAX], cvar[MAX];
    spotopt_portfolio_params params;
    spotopt_portfolio_loss loss;
} fleet;

static spotopt_error err;
static fleet f;

static void
make(size_t count, uint32_t regions, uint32_t most_nodes, double most_p, bool is_odd,
     spotopt__rng *rng)
{
    static const double sizes[] = {2, 4, 8, 16, 48};

    memset(&f, 0, sizeof f);
    for (size_t i = 0; i < count; i++) {
        f.nodes[i] = (uint32_t)spotopt__rng_below(rng, most_nodes + 1);
        f.region[i] = 7 * (uint32_t)spotopt__rng_below(rng, regions);
        f.vcpus[i] =
            is_odd ? 1.0 + 30.0 * spotopt__rng_unit(rng) : sizes[spotopt__rng_below(rng, 5)];
        f.p_drop[i] = most_p * spotopt__rng_unit(rng);
        f.p_node[i] = f.p_drop[i] * spotopt__rng_unit(rng);
    }
    if (count > 2) { /* what is easily got wrong: equal hazards, none, certainty */
        f.p_drop[1] = f.p_drop[0];
        f.p_drop[2] = f.p_node[2] = spotopt__rng_below(rng, 2) == 0 ? 0.0 : 1.0;
    }
    f.params = (spotopt_portfolio_params)SPOTOPT_PORTFOLIO_PARAMS_INIT;
    f.params.count = count;
    f.params.nodes = f.nodes;
    f.params.vcpus = f.vcpus;
    f.params.p_drop = f.p_drop;
    f.params.p_node = f.p_node;
    f.params.region = f.region;
    f.params.at_least = 1 + (uint32_t)spotopt__rng_below(rng, 5);
    f.params.region_frac = 0.6 * spotopt__rng_unit(rng);
    f.params.global_frac = 0.4 * spotopt__rng_unit(rng);
    f.loss = (spotopt_portfolio_loss)SPOTOPT_PORTFOLIO_LOSS_INIT;
}

static void
assess(void)
{
    CU_ASSERT_EQUAL_FATAL(
        spotopt_portfolio_assess(NULL, &f.params, &f.loss, f.mean, f.variance, f.cvar, &err),
        SPOTOPT_OK);
}

static double
hazard(size_t i)
{
    return f.p_drop[i] < 1.0 ? -log1p(-f.p_drop[i]) : 40.0;
}

/* P(all of a set stand): what defines the shocks. */
static double
all_stand(unsigned set)
{
    double sum = 0.0, world = 0.0, own = 1.0 - f.params.region_frac - f.params.global_frac;

    for (size_t i = 0; i < f.params.count; i++) {
        double most = 0.0;
        bool is_first = true;
        if ((set >> i & 1) == 0)
            continue;
        sum += own * hazard(i);
        world = fmax(world, hazard(i));
        for (size_t k = 0; k < f.params.count; k++) {
            if ((set >> k & 1) == 0 || f.region[k] != f.region[i])
                continue;
            most = fmax(most, hazard(k));
            is_first = is_first && k >= i;
        }
        sum += is_first ? f.params.region_frac * most : 0.0;
    }
    return exp(-sum - f.params.global_frac * world);
}

static double
binomial(uint32_t n, uint32_t k, double p)
{
    double out = 1.0;

    for (uint32_t j = 0; j < k; j++)
        out *= (double)(n - j) / (j + 1) * p;
    return out * pow(1.0 - p, n - k);
}

/* Every set of fallen pools (inclusion and exclusion), every number of nodes lost in each. */
typedef struct brute {
    double p[4096], nodes[4096],
        part[8][4096]; /* by vcpus lost: chance; times nodes; times the pool's own */
    double at_least, node_square;
} brute;

static brute all;

static void
descend(size_t pool, unsigned fallen, double p, uint32_t nodes, uint32_t vcpus, uint32_t *own)
{
    if (p == 0.0)
        return;
    if (pool == f.params.count) {
        all.p[vcpus] += p;
        all.nodes[vcpus] += p * nodes;
        all.node_square += p * nodes * nodes;
        all.at_least += nodes >= f.params.at_least ? p : 0.0;
        for (size_t i = 0; i < f.params.count; i++)
            all.part[i][vcpus] += p * own[i];
        return;
    }
    if ((fallen >> pool & 1) == 0) {
        own[pool] = 0;
        descend(pool + 1, fallen, p, nodes, vcpus, own);
        return;
    }
    for (uint32_t k = 0; k <= f.nodes[pool]; k++) {
        double share = fmin(1.0, f.p_drop[pool] > 0 ? f.p_node[pool] / f.p_drop[pool] : 0.0);
        own[pool] = k * (uint32_t)f.vcpus[pool];
        descend(pool + 1, fallen, p * binomial(f.nodes[pool], k, share), nodes + k,
                vcpus + own[pool], own);
    }
}

static void
enumerate(void)
{
    unsigned sets = 1u << f.params.count;

    memset(&all, 0, sizeof all);
    for (unsigned fallen = 0; fallen < sets; fallen++) {
        double p = 0.0;
        uint32_t own[8] = {0};
        for (unsigned more = fallen;; more = (more - 1) & fallen) { /* subsets of fallen */
            double sign = __builtin_popcount(more) % 2 == 0 ? 1.0 : -1.0;
            p += sign * all_stand((sets - 1 - fallen) | more);
            if (more == 0)
                break;
        }
        descend(0, fallen, p > 1e-15 ? p : 0.0, 0, 0, own);
    }
}

static void
test_portfolio__agrees_with_complete_enumeration(void)
{
    spotopt__rng rng;

    spotopt__rng_seed(&rng, 11);
    for (int round = 0; round < 60; round++) {
        make(1 + spotopt__rng_below(&rng, 6), 1 + (uint32_t)spotopt__rng_below(&rng, 3), 4, 0.9,
             false, &rng);
        f.params.level = round % 2 == 0 ? 0.95 : 0.6;
        f.params.cells = 2048;
        assess();
        enumerate();
        double mean = 0, square = 0, nodes = 0, tail = 1.0 - f.params.level, beyond = 0, cvar = 0;
        double parts[8] = {0};
        bool is_clear = true;
        for (int v = 0; v < 4096; v++) {
            mean += all.p[v] * v;
            square += all.p[v] * v * v;
            nodes += all.nodes[v];
        }
        for (int v = 4095; v >= 0 && beyond < tail; v--) {
            if (all.p[v] == 0.0)
                continue;
            double take = fmin(1.0, (tail - beyond) / all.p[v]);
            is_clear = is_clear && fabs(all.p[v] - (tail - beyond)) > 1e-9;
            beyond += all.p[v];
            cvar += take * all.p[v] * v / tail;
            for (size_t i = 0; i < f.params.count; i++)
                parts[i] += take * all.part[i][v] / tail;
        }
        CU_ASSERT_DOUBLE_EQUAL(f.loss.mean_vcpus, mean, 1e-9);
        CU_ASSERT_DOUBLE_EQUAL(f.loss.variance_vcpus, square - mean * mean, 1e-7);
        CU_ASSERT_DOUBLE_EQUAL(f.loss.mean_nodes, nodes, 1e-10);
        CU_ASSERT_DOUBLE_EQUAL(f.loss.variance_nodes, all.node_square - nodes * nodes, 1e-9);
        CU_ASSERT_DOUBLE_EQUAL(f.loss.p_at_least, all.at_least, 1e-9);
        CU_ASSERT_DOUBLE_EQUAL(f.loss.cvar_vcpus, cvar, 1e-7);
        CU_ASSERT_EQUAL(f.loss.cvar_error_vcpus, 0.0);
        for (size_t i = 0; is_clear && i < f.params.count; i++)
            CU_ASSERT_DOUBLE_EQUAL(f.cvar[i], parts[i], 1e-7);
    }
}

static void
test_portfolio__parts_add_up_to_the_whole(void)
{
    spotopt__rng rng;

    spotopt__rng_seed(&rng, 5);
    for (int round = 0; round < 12; round++) {
        make(3 + spotopt__rng_below(&rng, 120), 5, 12, 0.5, round % 2 == 1, &rng);
        assess();
        double mean = 0, variance = 0, cvar = 0;
        for (size_t i = 0; i < f.params.count; i++) {
            mean += f.mean[i];
            variance += f.variance[i];
            cvar += f.cvar[i];
            CU_ASSERT(f.cvar[i] >= -1e-9 && f.cvar[i] <= f.nodes[i] * f.vcpus[i] * (1 + 1e-9) +
                                                             f.loss.cell_vcpus * f.nodes[i]);
        }
        CU_ASSERT_DOUBLE_EQUAL(mean, f.loss.mean_vcpus, 1e-9 * mean);
        CU_ASSERT_DOUBLE_EQUAL(variance, f.loss.variance_vcpus, 1e-9 * variance);
        CU_ASSERT_DOUBLE_EQUAL(cvar, f.loss.cvar_vcpus, 1e-8 * cvar);
        CU_ASSERT(f.loss.cvar_vcpus >= f.loss.quantile_vcpus - 1e-9);
        CU_ASSERT(f.loss.cvar_vcpus >= f.loss.mean_vcpus);
    }
}

static void
test_portfolio__a_part_of_the_variance_is_the_slope_by_the_pools_size(void)
{
    spotopt__rng rng;

    spotopt__rng_seed(&rng, 6);
    make(9, 3, 6, 0.7, false, &rng);
    assess();
    for (size_t i = 0; i < 9; i++) { /* Euler: half the slope of the variance, the slope of CVaR */
        double variance = f.variance[i], at, less, step = 0.01 * f.vcpus[i], keep = f.vcpus[i];
        f.vcpus[i] = keep + step;
        CU_ASSERT_EQUAL(spotopt_portfolio_assess(NULL, &f.params, &f.loss, NULL, NULL, NULL, &err),
                        SPOTOPT_OK);
        at = f.loss.variance_vcpus;
        f.vcpus[i] = keep - step;
        CU_ASSERT_EQUAL(spotopt_portfolio_assess(NULL, &f.params, &f.loss, NULL, NULL, NULL, &err),
                        SPOTOPT_OK);
        less = f.loss.variance_vcpus;
        f.vcpus[i] = keep;
        CU_ASSERT_DOUBLE_EQUAL(0.5 * (at - less) / (2.0 * 0.01), variance, 1e-6 * (1 + variance));
    }
}

static void
test_portfolio__a_coarse_grid_only_overstates_and_says_by_how_much(void)
{
    spotopt__rng rng;

    spotopt__rng_seed(&rng, 8);
    for (int round = 0; round < 10; round++) {
        make(30, 4, 9, 0.6, false, &rng);
        f.params.cells = 65536;
        assess();
        CU_ASSERT_EQUAL(f.loss.cvar_error_vcpus, 0.0);
        double exact = f.loss.cvar_vcpus, last = INFINITY;
        for (uint32_t cells = 64; cells <= 512; cells *= 2) {
            f.params.cells = cells;
            assess();
            CU_ASSERT(f.loss.cvar_error_vcpus > 0.0);
            CU_ASSERT(f.loss.cvar_vcpus >= exact - 1e-6 * exact);
            CU_ASSERT(f.loss.cvar_vcpus - f.loss.cvar_error_vcpus <= exact);
            CU_ASSERT(f.loss.cvar_vcpus - exact < last);
            last = f.loss.cvar_vcpus - exact + 0.02 * exact;
        }
    }
}

static int
falling(const void *a, const void *b)
{
    return *(const double *)a < *(const double *)b   ? 1
           : *(const double *)a > *(const double *)b ? -1
                                                     : 0;
}

/* Shocks as they happen: so many over the horizon, each of a severity, each node of a fallen pool
 * for itself. */
static void
strike(spotopt__rng *rng, bool *fallen, double frac, int region)
{
    double most = 0.0, count = -1.0, product = 1.0;

    for (size_t i = 0; i < f.params.count; i++)
        most = region < 0 || f.region[i] == (uint32_t)region ? fmax(most, hazard(i)) : most;
    for (double limit = exp(-frac * most); product > limit; count++)
        product *= 1.0 - spotopt__rng_unit(rng);
    for (; count > 0; count--) {
        double severity = most * spotopt__rng_unit(rng);
        for (size_t i = 0; i < f.params.count; i++)
            fallen[i] = fallen[i] ||
                        ((region < 0 || f.region[i] == (uint32_t)region) && hazard(i) > severity);
    }
}

static void
test_portfolio__agrees_with_simulated_shocks(void)
{
    enum { RUNS = 40000 };
    static double losses[RUNS];
    spotopt__rng rng;

    spotopt__rng_seed(&rng, 21);
    make(40, 3, 8, 0.3, true, &rng);
    f.params.region_frac = 0.30;
    f.params.global_frac = 0.14;
    f.params.at_least = 30;
    f.params.cells = 4096;
    assess();
    double own = 1.0 - 0.44, mean = 0, square = 0, at_least = 0, cvar = 0;
    for (int run = 0; run < RUNS; run++) {
        bool fallen[MAX] = {false};
        double lost = 0, nodes = 0;
        strike(&rng, fallen, f.params.global_frac, -1);
        for (int r = 0; r < 3; r++)
            strike(&rng, fallen, f.params.region_frac, 7 * r);
        for (size_t i = 0; i < f.params.count; i++) {
            if (!fallen[i] && spotopt__rng_unit(&rng) >= -expm1(-own * hazard(i)))
                continue;
            for (uint32_t k = 0; k < f.nodes[i]; k++) {
                bool is_lost = spotopt__rng_unit(&rng) * f.p_drop[i] < f.p_node[i];
                lost += is_lost ? f.vcpus[i] : 0.0;
                nodes += is_lost;
            }
        }
        losses[run] = lost;
        mean += lost / RUNS;
        square += lost * lost / RUNS;
        at_least += (nodes >= 30) / (double)RUNS;
    }
    qsort(losses, RUNS, sizeof *losses, falling);
    for (int run = 0; run < RUNS / 20; run++)
        cvar += losses[run] / (RUNS / 20);
    double sd = sqrt(f.loss.variance_vcpus);
    CU_ASSERT(fabs(mean - f.loss.mean_vcpus) < 4 * sd / sqrt(RUNS));
    CU_ASSERT(fabs(square - mean * mean - f.loss.variance_vcpus) < 0.06 * f.loss.variance_vcpus);
    CU_ASSERT(fabs(at_least - f.loss.p_at_least) < 4 * sqrt(0.25 / RUNS));
    CU_ASSERT(fabs(cvar - f.loss.cvar_vcpus) < 0.05 * cvar);
    printf(" (cvar %.1f simulated, %.1f, error %.1f) ", cvar, f.loss.cvar_vcpus,
           f.loss.cvar_error_vcpus);
}

static void
test_portfolio__shared_shocks_leave_the_mean_and_widen_the_tail(void)
{
    spotopt__rng rng;
    double cvar[4], mean[4];

    spotopt__rng_seed(&rng, 3);
    make(25, 3, 6, 0.2, false, &rng);
    f.p_drop[2] = f.p_node[2] = 0.1;
    for (int i = 0; i < 4; i++) {
        f.params.region_frac = i == 0 ? 0.0 : 0.3;
        f.params.global_frac = i == 0 ? 0.0 : 0.2 * (i - 1);
        assess();
        cvar[i] = f.loss.cvar_vcpus;
        mean[i] = f.loss.mean_vcpus;
    }
    CU_ASSERT(cvar[0] < cvar[1] && cvar[1] < cvar[2] && cvar[2] < cvar[3]);
    CU_ASSERT_DOUBLE_EQUAL(mean[0], mean[3], 1e-12 * mean[0]);
    f.params.region_frac = 0.0;
    f.params.global_frac = 0.0; /* independent pools: variances add up, and are their parts */
    assess();
    double sum = 0;
    for (size_t i = 0; i < 25; i++) {
        double share = f.p_drop[i] > 0 ? f.p_node[i] / f.p_drop[i] : 0, n = f.nodes[i],
               v = f.vcpus[i], p = f.p_drop[i];
        double variance =
            v * v * (p * n * share * (1 - share) + p * (1 - p) * n * n * share * share);
        CU_ASSERT_DOUBLE_EQUAL(f.variance[i], variance, 1e-9 * (1 + variance));
        sum += variance;
    }
    CU_ASSERT_DOUBLE_EQUAL(f.loss.variance_vcpus, sum, 1e-9 * sum);
}

static void
test_portfolio__order_of_pools_and_names_of_regions_do_not_matter(void)
{
    spotopt__rng rng;

    spotopt__rng_seed(&rng, 4);
    make(17, 4, 6, 0.4, false, &rng);
    assess();
    fleet before = f;
    for (size_t i = 0; i < 17; i++) {
        f.nodes[i] = before.nodes[16 - i];
        f.vcpus[i] = before.vcpus[16 - i];
        f.p_drop[i] = before.p_drop[16 - i];
        f.p_node[i] = before.p_node[16 - i];
        f.region[i] = 1000 - before.region[16 - i];
    }
    assess();
    CU_ASSERT_DOUBLE_EQUAL(f.loss.cvar_vcpus, before.loss.cvar_vcpus, 1e-9 * f.loss.cvar_vcpus);
    CU_ASSERT_DOUBLE_EQUAL(f.loss.variance_vcpus, before.loss.variance_vcpus,
                           1e-9 * f.loss.variance_vcpus);
    for (size_t i = 0; i < 17; i++)
        CU_ASSERT_DOUBLE_EQUAL(f.cvar[i], before.cvar[16 - i], 1e-7);
}

static void
test_portfolio__few_nodes_of_many_are_asked_about_without_a_long_grid(void)
{
    spotopt__rng rng;
    double last = 1.0;

    spotopt__rng_seed(&rng, 9);
    make(20, 2, 6, 0.3, false, &rng);
    for (uint32_t k = 1; k < 200; k += 7) {
        f.params.at_least = k;
        for (size_t i = 0; i < 20; i++)
            f.nodes[i] = 2000; /* 40,000 nodes: a pool that falls loses hundreds */
        CU_ASSERT_EQUAL(spotopt_portfolio_assess(NULL, &f.params, &f.loss, NULL, NULL, NULL, &err),
                        SPOTOPT_OK);
        CU_ASSERT(f.loss.p_at_least <= last + 1e-9 && f.loss.p_at_least >= 0.0);
        last = f.loss.p_at_least;
    }
}

static void
test_portfolio__a_thousand_pools_take_tens_of_milliseconds(void)
{
    spotopt__rng rng;
    double best = INFINITY, whole = INFINITY;

    spotopt__rng_seed(&rng, 10);
    make(1000, 12, 20, 0.2, false, &rng);
    for (int run = 0; run < 3; run++) {
        clock_t from = clock();
        CU_ASSERT_EQUAL(spotopt_portfolio_assess(NULL, &f.params, &f.loss, NULL, NULL, NULL, &err),
                        SPOTOPT_OK);
        best = fmin(best, (double)(clock() - from) / CLOCKS_PER_SEC);
        from = clock();
        assess();
        whole = fmin(whole, (double)(clock() - from) / CLOCKS_PER_SEC);
    }
    printf(" (%.1f ms, with parts %.1f ms; cvar %.0f +0 -%.0f, mean %.0f) ", 1e3 * best,
           1e3 * whole, f.loss.cvar_vcpus, f.loss.cvar_error_vcpus, f.loss.mean_vcpus);
    CU_ASSERT(best < 5.0);
}

static void
refused(const char *what)
{
    spotopt_portfolio_loss before = f.loss;

    CU_ASSERT_EQUAL(spotopt_portfolio_assess(NULL, &f.params, &f.loss, NULL, NULL, NULL, &err),
                    SPOTOPT_E_ARGUMENT);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.message, what));
    CU_ASSERT_EQUAL(memcmp(&before, &f.loss, sizeof before), 0);
}

static void
test_portfolio__bad_values_are_refused_by_name_and_nothing_is_no_loss(void)
{
    spotopt__rng rng;

    spotopt__rng_seed(&rng, 12);
    make(5, 2, 3, 0.5, false, &rng);
    f.p_drop[3] = NAN;
    refused("p_drop[3]");
    f.p_drop[3] = 1.5;
    refused("p_drop[3]");
    f.p_drop[3] = 0.5;
    f.vcpus[4] = -1;
    refused("vcpus[4]");
    f.vcpus[4] = 1;
    f.params.level = 1.0;
    refused("level");
    f.params.level = 0.95;
    f.params.global_frac = 0.9;
    f.params.region_frac = 0.2;
    refused("together");
    f.params.region_frac = 0.1;
    f.params.nodes = NULL;
    refused("nodes");
    f.params.count = 0;
    CU_ASSERT_EQUAL(spotopt_portfolio_assess(NULL, &f.params, &f.loss, NULL, NULL, NULL, &err),
                    SPOTOPT_OK);
    CU_ASSERT(f.loss.mean_vcpus == 0 && f.loss.cvar_vcpus == 0 && f.loss.p_at_least == 0);
}

/* Pools that live through Poisson shocks for days; a shock takes a node, which comes back within
 * the hour. */
static spotopt_history *
shocked_history(spotopt__rng *rng, double rate_h, double region_frac, double global_frac, int days)
{
    static char text[4 << 20];
    static double at[8][20000];
    size_t count[8] = {0}, length;
    const double frac[] = {global_frac, region_frac, 1.0 - region_frac - global_frac};

    for (int kind = 0; kind < 3; kind++) {
        for (int one = 0; one < (kind == 0 ? 1 : kind == 1 ? 2 : 8); one++) {
            double t = 0;
            for (;;) {
                t += frac[kind] > 0 ? -log(1.0 - spotopt__rng_unit(rng)) / (rate_h * frac[kind])
                                    : INFINITY;
                if (!(t < days * 24.0))
                    break;
                for (int i = 0; i < 8; i++)
                    if (kind == 0 || (kind == 1 ? i / 4 : i) == one)
                        at[i][count[i]++] = t;
            }
        }
    }
    length = (size_t)sprintf(text, "pool,region,zone,instance_type,time_s,nodes_up\n");
    for (int i = 0; i < 8; i++) {
        double last = 0;
        qsort(at[i], count[i], sizeof(double), falling);
        length += (size_t)sprintf(text + length, "p%d,r%d,z%d,m5.large,0,9\n", i, i / 4, i);
        for (size_t k = count[i]; k-- > 0;) {
            if (at[i][k] * 3600 < last + 1)
                continue;
            last = at[i][k] * 3600 + 600;
            length += (size_t)sprintf(text + length, "p%d,r%d,z%d,m5.large,%.3f,8\n", i, i / 4, i,
                                      at[i][k] * 3600);
            length +=
                (size_t)sprintf(text + length, "p%d,r%d,z%d,m5.large,%.3f,9\n", i, i / 4, i, last);
        }
        length += (size_t)sprintf(text + length, "p%d,r%d,z%d,m5.large,%.3f,\n", i, i / 4, i,
                                  days * 86400.0 + 1000);
    }
    spotopt_history *h = NULL;
    CU_ASSERT_EQUAL_FATAL(spotopt_history_parse(NULL, text, length, "h", &h, &err), SPOTOPT_OK);
    return h;
}

static void
test_shocks__are_recovered_from_a_history_and_believed_without_one(void)
{
    static const double truth[][2] = {{0.3, 0.14}, {0.0, 0.0}, {0.6, 0.1}, {0.0, 0.5}};
    spotopt__rng rng;

    spotopt__rng_seed(&rng, 31);
    for (int i = 0; i < 4; i++) {
        spotopt_history *h = shocked_history(&rng, 0.05, truth[i][0], truth[i][1], 400);
        double region = 0.30, global = 0.14;
        CU_ASSERT_EQUAL(
            spotopt_portfolio_learn_shocks(h, 0, 400 * 86400.0, 4, &region, &global, &err),
            SPOTOPT_OK);
        CU_ASSERT_DOUBLE_EQUAL(global, truth[i][1], 0.08);
        CU_ASSERT_DOUBLE_EQUAL(region + global, truth[i][0] + truth[i][1], 0.08);
        region = 0.30;
        global = 0.14;
        CU_ASSERT_EQUAL(spotopt_portfolio_learn_shocks(h, 0, 7200, 1, &region, &global, &err),
                        SPOTOPT_OK);
        CU_ASSERT(fabs(region - 0.30) < 0.1 &&
                  fabs(global - 0.14) < 0.1); /* two windows say little */
        CU_ASSERT_EQUAL(spotopt_portfolio_learn_shocks(h, 5, 5, 1, &region, &global, &err),
                        SPOTOPT_E_ARGUMENT);
        CU_ASSERT_EQUAL(spotopt_portfolio_learn_shocks(h, 0, 5, NAN, &region, &global, &err),
                        SPOTOPT_E_ARGUMENT);
        spotopt_history_free(h);
    }
}

static void
test_portfolio__survives_every_failing_allocation(void)
{
    fail_alloc allocator = FAIL_ALLOC_INIT;
    spotopt_status status;
    spotopt__rng rng;
    size_t n = 0;

    spotopt__rng_seed(&rng, 14);
    make(6, 2, 3, 0.5, false, &rng);
    do {
        fail_after(&allocator, n++);
        spotopt_context *context = fail_alloc_context(&allocator);
        status = context == NULL ? SPOTOPT_E_NOMEM
                                 : spotopt_portfolio_assess(context, &f.params, &f.loss, f.mean,
                                                            f.variance, f.cvar, NULL);
        spotopt_context_free(context);
        CU_ASSERT_EQUAL(allocator.live, 0);
    } while (status == SPOTOPT_E_NOMEM && n < 1000);
    CU_ASSERT_EQUAL(status, SPOTOPT_OK);
    CU_ASSERT(n > 20);
}

int
main(void)
{
    static const suite_test tests[] = {
        TEST(test_portfolio__agrees_with_complete_enumeration),
        TEST(test_portfolio__parts_add_up_to_the_whole),
        TEST(test_portfolio__a_part_of_the_variance_is_the_slope_by_the_pools_size),
        TEST(test_portfolio__a_coarse_grid_only_overstates_and_says_by_how_much),
        TEST(test_portfolio__agrees_with_simulated_shocks),
        TEST(test_portfolio__shared_shocks_leave_the_mean_and_widen_the_tail),
        TEST(test_portfolio__order_of_pools_and_names_of_regions_do_not_matter),
        TEST(test_portfolio__few_nodes_of_many_are_asked_about_without_a_long_grid),
        TEST(test_portfolio__a_thousand_pools_take_tens_of_milliseconds),
        TEST(test_portfolio__bad_values_are_refused_by_name_and_nothing_is_no_loss),
        TEST(test_shocks__are_recovered_from_a_history_and_believed_without_one),
        TEST(test_portfolio__survives_every_failing_allocation),
    };

    return suite_run("portfolio", tests, sizeof tests / sizeof *tests);
}
