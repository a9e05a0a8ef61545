/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "fail_alloc.h"
#include "rank/rank.h"
#include "spotopt/rank.h"
#include "suite.h"

#define MANY 60

static spotopt__rng rng;
static char names[MANY][16];

static double
unit(void)
{
    return spotopt__rng_unit(&rng);
}

static double
maybe(double value)
{
    return unit() < 0.3 ? NAN : value;
}

static spotopt__rank_terms
defaults(void)
{
    spotopt_policy *policy = NULL;
    spotopt_error err = SPOTOPT_ERROR_INIT;
    spotopt__rank_terms terms;

    CU_ASSERT_EQUAL_FATAL(spotopt_policy_parse(NULL, NULL, 0, "p", &policy, &err), SPOTOPT_OK);
    terms = spotopt__rank_terms_of(policy, 0.1, 10.0);
    spotopt_policy_free(policy);
    return terms;
}

static spotopt__rank_terms
random_terms(int32_t score)
{
    spotopt__rank_terms terms = defaults();
    double sum = 0;

    for (int f = 0; f < SPOTOPT__FACTORS; f++)
        sum += terms.weights[f] = -log1p(-unit());
    for (int f = 0; f < SPOTOPT__FACTORS; f++)
        terms.weights[f] /= sum;
    terms.score = score;
    terms.horizon_h = 0.5 + 100 * unit();
    terms.interruption_usd = 3 * unit();
    return terms;
}

/* Prices stay where the cost factor is not clamped: between 0.1 and 10 times the on-demand need of
 * 0.1. */
static spotopt__rank_pool
random_pool(int i)
{
    spotopt__rank_pool pool = {.id = names[i]};

    snprintf(names[i], sizeof names[i], "pool-%d", i);
    pool.fits = 1 + (double)spotopt__rng_below(&rng, 8);
    pool.usd_per_h = pool.fits * 0.1 * (0.12 + 5.0 * unit());
    pool.p_h = unit() < 0.2 ? 0.0 : 0.9 * unit();
    pool.latency_ms = maybe(600 * unit());
    pool.throughput_rps = maybe(1200 * unit());
    pool.error_frac = maybe(0.06 * unit());
    pool.coremark_per_s = maybe(1e6 * unit());
    pool.list_usd_per_h = maybe(pool.usd_per_h * 3);
    pool.cpu_free_frac = maybe(unit());
    pool.memory_free_frac = maybe(unit());
    pool.placement_score = maybe(1 + 9 * unit());
    pool.is_on_demand = unit() < 0.2;
    return pool;
}

static spotopt__rank_pool
plain_pool(const char *id, double usd_per_h, double p)
{
    return (spotopt__rank_pool){id, usd_per_h, 1, p, NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN, false};
}

static void
test_rank__factors_follow_their_anchors(void)
{
    spotopt__rank_terms terms = defaults();
    spotopt__rank_pool pool = plain_pool("a", 0.1, 0.25);
    double u[SPOTOPT__FACTORS];
    uint32_t flags;

    spotopt__rank_factors(&pool, &terms, u, &flags);
    CU_ASSERT_DOUBLE_EQUAL(u[SPOTOPT__FACTOR_COST], 0.1, 1e-15); /* as dear as on-demand */
    CU_ASSERT_DOUBLE_EQUAL(u[SPOTOPT__FACTOR_STABILITY], 0.75, 1e-15);
    CU_ASSERT_DOUBLE_EQUAL(u[SPOTOPT__FACTOR_PERFORMANCE], 0.5, 1e-15);
    CU_ASSERT_EQUAL(flags, 1 | 2 | 4 | 16 | 32);

    pool.usd_per_h = 0.04;
    pool.fits = 4;         /* a tenth of on-demand per request */
    pool.latency_ms = 275; /* halfway from 500 to 50 */
    pool.throughput_rps = 1000;
    pool.error_frac = 0.001;
    pool.cpu_free_frac = 0.5;
    pool.memory_free_frac = 0.4;
    pool.placement_score = 5;
    spotopt__rank_factors(&pool, &terms, u, &flags);
    CU_ASSERT_DOUBLE_EQUAL(u[SPOTOPT__FACTOR_COST], 1.0, 1e-12);
    CU_ASSERT_DOUBLE_EQUAL(u[SPOTOPT__FACTOR_PERFORMANCE], cbrt(0.5), 1e-12);
    CU_ASSERT_DOUBLE_EQUAL(u[SPOTOPT__FACTOR_CAPACITY], 0.2, 1e-12);
    CU_ASSERT_EQUAL(flags, 0);

    pool.latency_ms = 1e6; /* beyond the limit: next to nothing, never nothing */
    pool.p_h = 1.0;
    pool.is_on_demand = true;
    pool.placement_score = NAN;
    spotopt__rank_factors(&pool, &terms, u, &flags);
    CU_ASSERT_DOUBLE_EQUAL(u[SPOTOPT__FACTOR_PERFORMANCE], cbrt(0.01), 1e-12);
    CU_ASSERT_EQUAL(u[SPOTOPT__FACTOR_STABILITY], 0.01);
    CU_ASSERT_DOUBLE_EQUAL(u[SPOTOPT__FACTOR_CAPACITY], 0.4, 1e-12);
    CU_ASSERT_EQUAL(flags, 0);

    pool.latency_ms = NAN;
    pool.coremark_per_s = 50000;
    pool.list_usd_per_h = 0.2; /* 250,000 per USD an hour: half of the anchor */
    spotopt__rank_factors(&pool, &terms, u, &flags);
    CU_ASSERT_DOUBLE_EQUAL(u[SPOTOPT__FACTOR_PERFORMANCE], cbrt(0.5), 1e-12);
    CU_ASSERT_EQUAL(flags, SPOTOPT__RANK_LATENCY_ASSUMED | SPOTOPT__RANK_BENCHMARK);
    pool.usd_per_h = 0.0;
    spotopt__rank_factors(&pool, &terms, u, &flags);
    CU_ASSERT_EQUAL(u[SPOTOPT__FACTOR_COST], 1.0);
}

static void
test_rank__counts_whole_replicas(void)
{
    spotopt__amounts request = {{1500, 4 << 20, 1, 0}},
                     room = {{4000, 9 << 20, 29, SPOTOPT__AMOUNT_UNKNOWN}};

    CU_ASSERT_EQUAL(spotopt__rank_fits(&request, &room, 4), 2);
    CU_ASSERT_DOUBLE_EQUAL(spotopt__rank_headroom(&request, &room, SPOTOPT__CPU), 0.625, 1e-15);
    CU_ASSERT(isnan(spotopt__rank_headroom(&request, &room, SPOTOPT__STORAGE)));
    request.of[SPOTOPT__STORAGE] = 5; /* not stated by the catalog: no limit */
    CU_ASSERT_EQUAL(spotopt__rank_fits(&request, &room, 4), 2);
    request.of[SPOTOPT__CPU] = 4001;
    CU_ASSERT_EQUAL(spotopt__rank_fits(&request, &room, 4), 0);
    CU_ASSERT_EQUAL(spotopt__rank_headroom(&request, &room, SPOTOPT__CPU), 0.0);
}

static void
test_rank__measures_cost_by_the_cheapest_on_demand_request(void)
{
    const double price[] = {0.05, 1.0, 0.3, NAN, 0.01}, fits[] = {1, 8, 2, 9, 0};
    const bool on_demand[] = {false, true, true, true, true},
               spot[] = {false, false, false, false, false};
    const double parts[] = {1, 0.5};
    bool is_guess;

    CU_ASSERT_DOUBLE_EQUAL(spotopt__rank_on_demand_need(price, fits, on_demand, 5, &is_guess),
                           0.125, 1e-15);
    CU_ASSERT(!is_guess);
    CU_ASSERT_DOUBLE_EQUAL(spotopt__rank_on_demand_need(price, fits, spot, 5, &is_guess), 0.2,
                           1e-15);
    CU_ASSERT(is_guess);
    CU_ASSERT_DOUBLE_EQUAL(spotopt__rank_on_demand_need(price, parts, on_demand, 2, &is_guess), 2.0,
                           1e-15); /* a mean request that only half fits costs twice the node */
    CU_ASSERT(isnan(spotopt__rank_on_demand_need(price, fits, spot, 0, &is_guess)));
}

static void
test_rank__contributions_add_up_to_the_score_ratio(void)
{
    spotopt__rank_pool pools[MANY];
    spotopt__rank_row rows[MANY];
    size_t reference, checked = 0;
    double worst = 0;

    spotopt__rng_seed(&rng, 1);
    while (checked < 1000000) {
        size_t count = 1 + spotopt__rng_below(&rng, MANY);
        spotopt__rank_terms terms =
            random_terms((int32_t)spotopt__rng_below(&rng, SPOTOPT__SCORES));
        bool is_product =
            terms.score == SPOTOPT__SCORE_GEOMETRIC || terms.score == SPOTOPT__SCORE_EXPECTED_COST;

        for (size_t i = 0; i < count; i++)
            pools[i] = random_pool((int)i);
        CU_ASSERT_FATAL(spotopt__rank_order(NULL, pools, count, &terms, rows, &reference));
        for (size_t i = 0; i < count; i++, checked++) {
            double sum = rows[i].phi[0] + rows[i].phi[1] + rows[i].phi[2] + rows[i].phi[3];
            double want = is_product ? log(rows[i].score / rows[reference].score)
                                     : rows[i].score - rows[reference].score;
            worst = fmax(worst, fabs(sum - want));
        }
    }
    CU_ASSERT(worst < 1e-9);
}

static void
test_rank__orders_by_score_and_expected_cost_stands_beside(void)
{
    spotopt__rank_pool pools[MANY];
    spotopt__rank_row rows[MANY];
    bool is_seen[MANY] = {false};
    size_t reference;

    spotopt__rng_seed(&rng, 2);
    spotopt__rank_terms terms = random_terms(SPOTOPT__SCORE_GEOMETRIC);
    for (int i = 0; i < MANY; i++)
        pools[i] = random_pool(i);
    CU_ASSERT(spotopt__rank_order(NULL, pools, MANY, &terms, rows, &reference));
    for (size_t i = 0; i < MANY; i++) {
        const spotopt__rank_pool *pool = &pools[rows[i].pool];
        double product = 100;

        CU_ASSERT(!is_seen[rows[i].pool]);
        is_seen[rows[i].pool] = true;
        CU_ASSERT(i == 0 || rows[i - 1].score >= rows[i].score - 1e-9);
        for (int f = 0; f < SPOTOPT__FACTORS; f++) {
            CU_ASSERT(rows[i].u[f] >= 0.01 && rows[i].u[f] <= 1.0);
            product *= pow(rows[i].u[f], terms.weights[f]);
        }
        CU_ASSERT_DOUBLE_EQUAL(rows[i].score, product, 1e-9);
        CU_ASSERT_DOUBLE_EQUAL(
            rows[i].expected_usd,
            pool->usd_per_h * terms.horizon_h + pool->p_h * terms.interruption_usd, 1e-12);
        CU_ASSERT_DOUBLE_EQUAL(rows[i].expected_usd_per_h * terms.horizon_h, rows[i].expected_usd,
                               1e-12);
    }
    CU_ASSERT(pools[rows[reference].pool].is_on_demand);
    for (size_t i = 0; i < reference; i++)
        CU_ASSERT(!pools[rows[i].pool].is_on_demand);
}

static void
test_rank__dropping_a_candidate_never_reorders_the_rest(void)
{
    spotopt__rank_pool pools[MANY], fewer[MANY];
    spotopt__rank_row rows[MANY], again[MANY];
    size_t reference;

    spotopt__rng_seed(&rng, 3);
    for (int round = 0; round < 600; round++) {
        if (round % SPOTOPT__SCORES == SPOTOPT__SCORE_QUANTILE)
            continue; /* made of the candidates, as its name says */
        size_t count = 2 + spotopt__rng_below(&rng, MANY - 2), left = 0, at = 0;
        spotopt__rank_terms terms = random_terms(round % SPOTOPT__SCORES);
        bool is_dropped[MANY];

        for (size_t i = 0; i < count; i++)
            pools[i] = random_pool((int)i);
        CU_ASSERT(spotopt__rank_order(NULL, pools, count, &terms, rows, &reference));
        for (size_t i = 0; i < count; i++) {
            is_dropped[i] = unit() < 0.4;
            if (!is_dropped[i])
                fewer[left++] = pools[i];
        }
        CU_ASSERT(spotopt__rank_order(NULL, fewer, left, &terms, again, &reference));
        for (size_t i = 0; i < count; i++) {
            if (is_dropped[rows[i].pool])
                continue;
            CU_ASSERT_STRING_EQUAL(fewer[again[at].pool].id, pools[rows[i].pool].id);
            CU_ASSERT_EQUAL(again[at].score, rows[i].score);
            at++;
        }
        CU_ASSERT_EQUAL(at, left);
    }
}

static void
test_rank__scaling_every_price_changes_no_order(void)
{
    spotopt__rank_pool pools[MANY];
    spotopt__rank_row rows[MANY], again[MANY];
    size_t reference;

    spotopt__rng_seed(&rng, 4);
    for (int round = 0; round < 200; round++) {
        spotopt__rank_terms terms = random_terms(SPOTOPT__SCORE_GEOMETRIC), other;
        double scale = 0.3 + 5.0 * unit();

        for (int i = 0; i < MANY; i++)
            pools[i] = random_pool(i);
        for (int i = 0; i < MANY; i++)
            pools[i].coremark_per_s = NAN; /* its anchor is in money */
        CU_ASSERT(spotopt__rank_order(NULL, pools, MANY, &terms, rows, &reference));
        other = terms;
        other.on_demand_need *= scale;
        for (int i = 0; i < MANY; i++)
            pools[i].usd_per_h *= scale;
        CU_ASSERT(spotopt__rank_order(NULL, pools, MANY, &other, again, &reference));
        for (int i = 0; i < MANY; i++)
            CU_ASSERT_EQUAL(again[i].pool, rows[i].pool);
        other.on_demand_need /= scale; /* the same in another currency than the anchor's: still no
                                          order, no clamp reached */
        for (int i = 0; i < MANY; i++)
            pools[i].usd_per_h *= 1.1 / scale;
        CU_ASSERT(spotopt__rank_order(NULL, pools, MANY, &other, again, &reference));
        for (int i = 0; i < MANY; i++)
            CU_ASSERT_EQUAL(again[i].pool, rows[i].pool);
    }
}

static void
test_rank__breaks_ties_by_risk_price_placement_and_name(void)
{
    spotopt__rank_terms terms = defaults();
    spotopt__rank_row rows[6];
    size_t reference;
    spotopt__rank_pool pools[6];

    /* Weights that do not look at what differs make every score equal. */
    terms.weights[SPOTOPT__FACTOR_COST] = terms.weights[SPOTOPT__FACTOR_STABILITY] = 0;
    terms.weights[SPOTOPT__FACTOR_PERFORMANCE] = 1;
    terms.weights[SPOTOPT__FACTOR_CAPACITY] = 0;
    pools[0] = plain_pool("z", 0.05, 0.2);
    pools[1] = plain_pool("y", 0.06, 0.1);
    pools[2] = plain_pool("x", 0.05, 0.1);
    pools[3] = plain_pool("w", 0.05, 0.1);
    pools[3].placement_score = 4;
    pools[4] = plain_pool("v", 0.05, 0.1);
    pools[4].placement_score = 9;
    pools[5] = plain_pool("a", 0.05, 0.1);
    CU_ASSERT(spotopt__rank_order(NULL, pools, 6, &terms, rows, &reference));
    const char *want[] = {"v", "w", "a", "x", "y", "z"};
    for (int i = 0; i < 6; i++)
        CU_ASSERT_STRING_EQUAL(pools[rows[i].pool].id, want[i]);
    CU_ASSERT_EQUAL(reference, 0); /* no on-demand pool: the first */
}

static void
test_rank__names_the_best_others_as_alternates(void)
{
    size_t places[SPOTOPT__ALTERNATES];

    CU_ASSERT_EQUAL(spotopt__rank_alternates(9, 2, places), 5);
    CU_ASSERT(places[0] == 0 && places[1] == 1 && places[2] == 3 && places[3] == 4 &&
              places[4] == 5);
    CU_ASSERT_EQUAL(spotopt__rank_alternates(3, 0, places), 2);
    CU_ASSERT(places[0] == 1 && places[1] == 2);
    CU_ASSERT_EQUAL(spotopt__rank_alternates(1, 0, places), 0);
}

static void
test_rank__the_least_change_of_weights_flips_the_top_pair(void)
{
    size_t flips = 0, never = 0;

    spotopt__rng_seed(&rng, 5);
    for (int round = 0; round < 3000; round++) {
        spotopt__rank_terms terms =
            random_terms(round % 2 ? SPOTOPT__SCORE_ARITHMETIC : SPOTOPT__SCORE_GEOMETRIC);
        double a[SPOTOPT__FACTORS], b[SPOTOPT__FACTORS], change[SPOTOPT__FACTORS],
            moved[SPOTOPT__FACTORS], sum = 0, least;

        for (int f = 0; f < SPOTOPT__FACTORS; f++) {
            a[f] = 0.01 + 0.99 * unit();
            b[f] = 0.01 + 0.99 * unit();
        }
        if (spotopt__rank_score(a, terms.weights, terms.score) <
            spotopt__rank_score(b, terms.weights, terms.score))
            for (int f = 0; f < SPOTOPT__FACTORS; f++) {
                double t = a[f];
                a[f] = b[f];
                b[f] = t;
            }
        least = spotopt__rank_flip(a, b, terms.weights, terms.score, change);
        if (isinf(least)) {
            never++;
            for (int f = 0; f < SPOTOPT__FACTORS; f++)
                CU_ASSERT(a[f] > b[f]); /* better at everything */
            continue;
        }
        flips++;
        for (int f = 0; f < SPOTOPT__FACTORS; f++) {
            moved[f] = terms.weights[f] + change[f];
            CU_ASSERT(moved[f] >= -1e-12);
            sum += change[f];
        }
        CU_ASSERT_DOUBLE_EQUAL(sum, 0.0, 1e-12);
        CU_ASSERT_DOUBLE_EQUAL(spotopt__rank_score(a, moved, terms.score),
                               spotopt__rank_score(b, moved, terms.score), 1e-8);
        /* No random change of the same size does better. */
        for (int n = 0; n < 30; n++) {
            double plus[SPOTOPT__FACTORS], minus[SPOTOPT__FACTORS], p = 0, m = 0,
                                                                    other[SPOTOPT__FACTORS];
            bool is_valid = true;
            for (int f = 0; f < SPOTOPT__FACTORS; f++) {
                p += plus[f] = -log1p(-unit());
                m += minus[f] = -log1p(-unit());
            }
            for (int f = 0; f < SPOTOPT__FACTORS; f++) {
                other[f] = terms.weights[f] + 0.999 * least * (plus[f] / p - minus[f] / m);
                is_valid = is_valid && other[f] >= 0;
            }
            if (is_valid)
                CU_ASSERT(spotopt__rank_score(a, other, terms.score) >=
                          spotopt__rank_score(b, other, terms.score) - 1e-9);
        }
    }
    CU_ASSERT(flips > 1000 && never > 50);
}

static void
test_rank__acceptability_is_a_share_of_first_places(void)
{
    spotopt__rank_row rows[3] = {
        {.u = {1, 0.1, 0.5, 0.5}}, {.u = {0.1, 1, 0.5, 0.5}}, {.u = {0.05, 0.05, 0.5, 0.5}}};
    double frac[3];

    for (int i = 0; i < 3; i++)
        memcpy(rows[i].v, rows[i].u, sizeof rows[i].v);
    CU_ASSERT(spotopt__rank_mark_front(NULL, rows, 3));
    CU_ASSERT(rows[0].is_on_front && rows[1].is_on_front && !rows[2].is_on_front);

    CU_ASSERT(spotopt__rank_acceptability(NULL, rows, 3, SPOTOPT__SCORE_GEOMETRIC, 1, 4000, frac));
    CU_ASSERT_DOUBLE_EQUAL(frac[0], 0.5, 0.04); /* mirror images */
    CU_ASSERT_DOUBLE_EQUAL(frac[0] + frac[1], 1.0, 1e-9);
    CU_ASSERT_EQUAL(frac[2], 0.0);
}

static void
test_rank__the_front_is_what_nothing_dominates(void)
{
    spotopt__rank_pool pools[MANY];
    spotopt__rank_row rows[MANY];
    size_t reference;

    spotopt__rng_seed(&rng, 12);
    for (int round = 0; round < 600; round++) {
        spotopt__rank_terms terms = random_terms(round % SPOTOPT__SCORES);
        double frac[MANY], sum = 0.0;

        for (int i = 0; i < MANY; i++)
            pools[i] = i > 0 && unit() < 0.1 ? pools[i - 1] : random_pool(i);
        CU_ASSERT(spotopt__rank_order(NULL, pools, MANY, &terms, rows, &reference));
        CU_ASSERT(spotopt__rank_mark_front(NULL, rows, MANY));
        for (int i = 0; i < MANY; i++) {
            bool is_dominated = false;

            for (int k = 0; k < MANY; k++) {
                bool is_least = true, is_better = false;

                for (int f = 0; f < SPOTOPT__FACTORS; f++) {
                    is_least = is_least && rows[k].u[f] >= rows[i].u[f];
                    is_better = is_better || rows[k].u[f] > rows[i].u[f];
                }
                is_dominated = is_dominated || (is_least && is_better);
            }
            CU_ASSERT_EQUAL(rows[i].is_on_front, !is_dominated);
        }
        if (terms.score == SPOTOPT__SCORE_GEOMETRIC || terms.score == SPOTOPT__SCORE_ARITHMETIC)
            CU_ASSERT(rows[0].is_on_front);
        CU_ASSERT(spotopt__rank_acceptability(NULL, rows, MANY, terms.score, 1, 200, frac));
        for (int i = 0; i < MANY; i++) {
            CU_ASSERT(rows[i].is_on_front || frac[i] == 0.0);
            sum += frac[i];
        }
        CU_ASSERT_DOUBLE_EQUAL(sum, 1.0, 1e-9);
    }
}

static void
set_quantity(spotopt__rank_pool *pool, int quantity, double value)
{
    double *const at[] = {&pool->latency_ms, &pool->throughput_rps, &pool->error_frac, NULL,
                          &pool->placement_score};

    if (at[quantity] != NULL) {
        *at[quantity] = value;
        return;
    }
    pool->cpu_free_frac = isnan(pool->cpu_free_frac) ? value : pool->cpu_free_frac;
    pool->memory_free_frac = isnan(pool->memory_free_frac) ? value : pool->memory_free_frac;
}

static void
test_rank__says_what_an_unknown_would_have_to_be(void)
{
    /* Towards better: latency and errors fall, the others grow. */
    const double better[] = {-1.0, 1.0, -1.0, 1.0, 1.0};
    int told = 0;

    spotopt__rng_seed(&rng, 13);
    for (int round = 0; round < 20000; round++) {
        spotopt__rank_terms terms = random_terms(round % SPOTOPT__SCORES);
        spotopt__rank_pool pool = random_pool(0), known;
        spotopt__rank_row row;
        double score, low, high;
        int quantity = round / SPOTOPT__SCORES % 5;

        spotopt__rank_score_one(&pool, &terms, &row);
        spotopt__rank_range(&pool, &terms, &low, &high);
        CU_ASSERT(low <= row.score + 1e-9 && row.score <= high + 1e-9);
        score = low + (high - low) * unit();
        double value = spotopt__rank_would_win(&pool, &terms, score, quantity);
        if (isnan(value))
            continue;
        told++;
        CU_ASSERT(high > score);
        known = pool;
        set_quantity(&known, quantity, value);
        spotopt__rank_score_one(&known, &terms, &row);
        CU_ASSERT(row.score > score);
        known = pool;
        set_quantity(&known, quantity, value - better[quantity] * 1e-6 * (1.0 + fabs(value)));
        spotopt__rank_score_one(&known, &terms, &row);
        CU_ASSERT(row.score <= score + 1e-6);
    }
    CU_ASSERT(told > 500);
}

static void
test_rank__columns_score_and_order_as_rows_do(void)
{
    enum { POOLS = 1300, PROFILES = 5, TOP = 40 };
    static double factors[4 * POOLS], scores[PROFILES * POOLS], phi[4 * TOP], best[TOP];
    static uint32_t pools[TOP];
    double weights[4 * PROFILES];

    spotopt__rng_seed(&rng, 14);
    for (int i = 0; i < 4 * POOLS; i++)
        factors[i] = i % 7 == 0 ? 0.5 : 0.01 + 0.99 * unit(); /* with ties */
    for (int i = 0; i < 4 * PROFILES; i++)
        weights[i] = i < 4 ? 0.25 : unit();
    for (int32_t score = 0; score < 2; score++) {
        CU_ASSERT_EQUAL(spotopt_rank_scores(factors, POOLS, weights, PROFILES, score, scores, NULL),
                        0);
        for (int i = 0; i < POOLS * PROFILES; i++) {
            int pool = i % POOLS;
            double u[4], s;

            for (int f = 0; f < 4; f++)
                u[f] = factors[f * POOLS + pool];
            s = spotopt__rank_score(u, weights + 4 * (i / POOLS), score);
            CU_ASSERT_DOUBLE_EQUAL(scores[i], score == 0 ? log(s / 100.0) : s / 100.0, 1e-12);
        }
        for (int p = 0; p < PROFILES; p++) {
            const double *own = scores + p * POOLS;
            size_t top = 1 + spotopt__rng_below(&rng, TOP);

            CU_ASSERT_EQUAL(spotopt_rank_top(factors, POOLS, weights + 4 * p, score, top, 3, pools,
                                             best, phi, NULL),
                            0);
            for (size_t k = 0; k < top; k++) {
                size_t before = 0;

                for (uint32_t i = 0; i < POOLS; i++)
                    before += own[i] > best[k] || (own[i] == best[k] && i < pools[k]);
                CU_ASSERT_EQUAL(before, k);
                CU_ASSERT_EQUAL(best[k], own[pools[k]]);
                CU_ASSERT_DOUBLE_EQUAL(phi[4 * k] + phi[4 * k + 1] + phi[4 * k + 2] +
                                           phi[4 * k + 3],
                                       best[k] - own[3], 1e-9);
            }
        }
    }
    factors[77] = NAN;
    spotopt_error err = SPOTOPT_ERROR_INIT;
    CU_ASSERT_EQUAL(spotopt_rank_scores(factors, POOLS, weights, 1, 0, scores, &err),
                    SPOTOPT_E_ARGUMENT);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.message, "factors[77]"));
}

/* --- staying and moving --- */

static spotopt__rank_change
no_change_terms(void)
{
    return (spotopt__rank_change){.horizon_h = 4.0, .max_moves_per_h = INFINITY};
}

/* Large answers are written another way; not a bit may differ, wherever they begin. */
static void
test_rank__large_answers_are_those_of_small_ones(void)
{
    enum { POOLS = 40013, PROFILES = 14 };
    double *factors = malloc(4 * POOLS * sizeof *factors), weights[4 * PROFILES];
    double *large = malloc((POOLS * PROFILES + 16) * sizeof *large);
    double *small = malloc(POOLS * sizeof *small);

    CU_ASSERT_FATAL(factors != NULL && large != NULL && small != NULL);
    spotopt__rng_seed(&rng, 15);
    for (int i = 0; i < 4 * POOLS; i++)
        factors[i] = 0.01 + 0.99 * unit();
    for (int i = 0; i < 4 * PROFILES; i++)
        weights[i] = unit();
    for (int shift = 0; shift < 8; shift += 3) {
        double *to = large + shift;

        for (int i = 0; i < POOLS * PROFILES + 16; i++)
            large[i] = -7.0;
        CU_ASSERT_EQUAL(spotopt_rank_scores(factors, POOLS, weights, PROFILES, 0, to, NULL), 0);
        for (int p = 0; p < PROFILES; p++) {
            CU_ASSERT_EQUAL(spotopt_rank_scores(factors, POOLS, weights + 4 * p, 1, 0, small, NULL),
                            0);
            CU_ASSERT_EQUAL(memcmp(small, to + p * POOLS, POOLS * sizeof *small), 0);
        }
        for (int i = 0; i < 16; i++) /* nothing before, nothing after */
            CU_ASSERT(large[i < shift ? i : POOLS * PROFILES + i] == -7.0);
    }
    free(factors);
    free(large);
    free(small);
}

static void
test_rank__free_moves_follow_the_ranking(void)
{
    size_t moves = 0;

    spotopt__rng_seed(&rng, 20);
    for (int round = 0; round < 3000; round++) {
        int32_t score = round % SPOTOPT__SCORES;
        spotopt__rank_terms terms = random_terms(score == SPOTOPT__SCORE_QUANTILE ? 0 : score);
        spotopt__rank_change change = no_change_terms();
        spotopt__rank_pool pools[8];
        spotopt__rank_row rows[8];
        size_t reference, at = spotopt__rng_below(&rng, 8);

        for (int i = 0; i < 8; i++)
            pools[i] = random_pool(i);
        CU_ASSERT(spotopt__rank_order(NULL, pools, 8, &terms, rows, &reference));
        const spotopt__rank_held held = {
            .best = &pools[rows[at == 0].pool], .current = &pools[rows[at].pool], .replicas = 1};
        spotopt__rank_switch found;
        spotopt__rank_hold(&held, &change, &terms, &found);
        bool is_behind = at != 0 && rows[0].score > rows[at].score + 1e-9;
        CU_ASSERT_EQUAL(found.why == SPOTOPT_SWITCH_WORTH, is_behind);
        CU_ASSERT_EQUAL(found.replicas, is_behind ? 1.0 : 0.0);
        moves += is_behind;
        /* The cut of the price does what it says: level with it, behind with a little less. */
        if (is_behind && found.lead_usd_per_h < held.current->usd_per_h / held.current->fits) {
            spotopt__rank_pool cheaper = *held.current;
            spotopt__rank_row row;

            if (isnan(cheaper.list_usd_per_h))
                cheaper.list_usd_per_h = cheaper.usd_per_h;
            cheaper.usd_per_h -= (found.lead_usd_per_h + 1e-12) * cheaper.fits;
            spotopt__rank_score_one(&cheaper, &terms, &row);
            CU_ASSERT(row.score >= rows[0].score - 1e-6);
            cheaper.usd_per_h += 1e-6 * cheaper.usd_per_h + 2e-12 * cheaper.fits;
            spotopt__rank_score_one(&cheaper, &terms, &row);
            CU_ASSERT(row.score < rows[0].score + 1e-9);
        }
    }
    CU_ASSERT(moves > 1500);
}

static void
test_rank__the_lead_in_expected_cost_is_the_saving(void)
{
    spotopt__rank_terms terms = defaults();
    spotopt__rank_pool best = plain_pool("a", 0.02, 0.1), current = plain_pool("b", 0.05, 0.4);

    terms.score = SPOTOPT__SCORE_EXPECTED_COST;
    double want = (0.05 - 0.02) + (0.4 - 0.1) * terms.interruption_usd / terms.horizon_h;
    CU_ASSERT_DOUBLE_EQUAL(spotopt__rank_lead(&best, &current, &terms), want, 1e-9);
    CU_ASSERT(spotopt__rank_lead(&current, &best, &terms) < 0.0);
    CU_ASSERT_EQUAL(spotopt__rank_lead(&best, &best, &terms), 0.0);
    current.fits = best.fits = 2.0; /* of one replica */
    CU_ASSERT_DOUBLE_EQUAL(spotopt__rank_lead(&best, &current, &terms), want / 2.0, 1e-9);
}

/* Each obstacle by itself, and what overrides them. */
static void
test_rank__says_what_holds_a_move_back(void)
{
    spotopt__rank_terms terms = defaults();
    spotopt__rank_pool best = plain_pool("a", 0.02, 0.1), current = plain_pool("b", 0.03, 0.1);
    spotopt__rank_held held = {
        .best = &best, .current = &current, .dwell_min = 60, .moves = 2, .replicas = 10};
    spotopt__rank_change change = {.move_usd = 0.001,
                                   .horizon_h = 4,
                                   .standard_errors = 1,
                                   .min_saving_frac = 0.05,
                                   .min_dwell_min = 30,
                                   .max_moves_per_h = 20};
    spotopt__rank_switch s;

    spotopt__rank_hold(&held, &change, &terms, &s);
    CU_ASSERT_EQUAL(s.why, SPOTOPT_SWITCH_WORTH);
    CU_ASSERT_EQUAL(s.replicas, 10);
    CU_ASSERT_DOUBLE_EQUAL(s.lead_usd_per_h, 0.01, 1e-9); /* equal but for the price */
    CU_ASSERT_DOUBLE_EQUAL(s.net_usd, 4 * 0.01 - 0.001, 1e-9);
    held.moves = 14.5;
    spotopt__rank_hold(&held, &change, &terms, &s);
    CU_ASSERT_EQUAL(s.replicas, 5); /* what the budget leaves */
    held.moves = 19.5;
    spotopt__rank_hold(&held, &change, &terms, &s);
    CU_ASSERT_EQUAL(s.why, SPOTOPT_SWITCH_BUDGET);
    CU_ASSERT_EQUAL(s.replicas, 0);
    held.dwell_min = 12;
    spotopt__rank_hold(&held, &change, &terms, &s);
    CU_ASSERT_EQUAL(s.why, SPOTOPT_SWITCH_DWELL);
    change.min_saving_frac = 0.34;
    spotopt__rank_hold(&held, &change, &terms, &s);
    CU_ASSERT_EQUAL(s.why, SPOTOPT_SWITCH_SHARE);
    change.move_usd = 0.041;
    spotopt__rank_hold(&held, &change, &terms, &s);
    CU_ASSERT_EQUAL(s.why, SPOTOPT_SWITCH_SAVING);
    change.move_usd = 0.001;
    held.best_p_sd = 0.5; /* nobody knows */
    change.standard_errors = 2;
    spotopt__rank_hold(&held, &change, &terms, &s);
    CU_ASSERT_EQUAL(s.why, SPOTOPT_SWITCH_SAVING);
    CU_ASSERT(s.standard_error_usd > 0.02);
    held.is_noticed = true;
    spotopt__rank_hold(&held, &change, &terms, &s);
    CU_ASSERT_EQUAL(s.why, SPOTOPT_SWITCH_NOTICE);
    CU_ASSERT_EQUAL(s.replicas, 10);
    held.current = NULL;
    spotopt__rank_hold(&held, &change, &terms, &s);
    CU_ASSERT_EQUAL(s.why, SPOTOPT_SWITCH_DROPPED);
    CU_ASSERT(isnan(s.lead_usd_per_h));
    held.current = &current;
    held.best = NULL;
    spotopt__rank_hold(&held, &change, &terms, &s);
    CU_ASSERT_EQUAL(s.why, SPOTOPT_SWITCH_NO_OTHER);
    CU_ASSERT_EQUAL(s.replicas, 0);
}

/* Prices that wander all the time, one decision every five minutes for a month. */
static size_t
follow_noise(const spotopt__rank_change *change, size_t *out_most_in_hour, double *out_least_stay)
{
    enum { POOLS = 6, STEPS = 12 * 24 * 30 };
    static double moved_at[STEPS];
    spotopt__rank_terms terms = defaults();
    spotopt__rank_pool pools[POOLS];
    spotopt__rank_row rows[POOLS];
    double log_price[POOLS] = {0.0}, since = -INFINITY;
    size_t moves = 0, reference;
    uint32_t current = 0;

    *out_most_in_hour = 0;
    *out_least_stay = INFINITY;
    for (int i = 0; i < POOLS; i++)
        pools[i] = random_pool(i);
    for (int step = 0; step < STEPS; step++) {
        double now = 5.0 * step;
        size_t recent = 0;

        for (int i = 0; i < POOLS; i++) {
            log_price[i] = 0.9 * log_price[i] + 0.3 * (unit() + unit() + unit() - 1.5);
            pools[i].fits = 1;
            pools[i].usd_per_h = 0.03 * exp(log_price[i]);
            pools[i].p_h = 0.3;
        }
        while (recent < moves && moved_at[moves - 1 - recent] > now - 60.0)
            recent++;
        CU_ASSERT(spotopt__rank_order(NULL, pools, POOLS, &terms, rows, &reference));
        const spotopt__rank_held held = {.best = &pools[rows[rows[0].pool == current].pool],
                                         .current = &pools[current],
                                         .best_p_sd = 0.02,
                                         .current_p_sd = 0.02,
                                         .dwell_min = now - since,
                                         .moves = (double)recent,
                                         .replicas = 1};
        spotopt__rank_switch s;
        spotopt__rank_hold(&held, change, &terms, &s);
        if (s.replicas < 1.0)
            continue;
        CU_ASSERT(s.net_usd >= 0.0);
        *out_least_stay = fmin(*out_least_stay, now - since);
        current = rows[0].pool;
        since = moved_at[moves++] = now;
        *out_most_in_hour = recent + 1 > *out_most_in_hour ? recent + 1 : *out_most_in_hour;
    }
    return moves;
}

static void
test_rank__noise_does_not_make_replicas_wander(void)
{
    spotopt__rank_change change = no_change_terms();
    size_t in_hour;
    double stay;

    spotopt__rng_seed(&rng, 21);
    size_t wild = follow_noise(&change, &in_hour, &stay);
    CU_ASSERT(wild > 1000 && in_hour > 5 && stay == 5.0); /* the series does ask for it */
    change.max_moves_per_h = 2;
    spotopt__rng_seed(&rng, 21);
    CU_ASSERT(follow_noise(&change, &in_hour, &stay) <= 2 * 24 * 30);
    CU_ASSERT_EQUAL(in_hour, 2);
    change.max_moves_per_h = INFINITY;
    change.min_dwell_min = 30;
    spotopt__rng_seed(&rng, 21);
    CU_ASSERT(follow_noise(&change, &in_hour, &stay) <= 2 * 24 * 30);
    CU_ASSERT_EQUAL(stay, 30.0);
    change.min_dwell_min = 0;
    change.move_usd = 0.05;
    change.standard_errors = 1;
    spotopt__rng_seed(&rng, 21);
    CU_ASSERT(follow_noise(&change, &in_hour, &stay) < wild / 3);
}

static void
test_rank__money_ratio_trades_as_expected_cost_does(void)
{
    spotopt__rank_terms terms = defaults();
    spotopt__rank_pool pool = plain_pool("a", 0.05, 0.2);
    double ratio = spotopt__rank_money_ratio(&pool, &terms), step = 1e-6;
    /* dEC for a relative step of each factor, by difference: u_cost ~ 1 / price, u_stability = 1 -
     * p. */
    double by_cost = pool.usd_per_h * terms.horizon_h * (1.0 - 1.0 / (1.0 + step));
    double by_risk = terms.interruption_usd * (1.0 - pool.p_h) * step;

    CU_ASSERT_DOUBLE_EQUAL(ratio, by_risk / by_cost, 1e-5);
}

/* Of each factor so much more that money gains the same: the score gains the same too. */
static void
test_rank__money_weights_make_the_score_trade_as_money_does(void)
{
    spotopt__rng_seed(&rng, 22);
    for (int round = 0; round < 2000; round++) {
        int32_t score = round % 2 ? SPOTOPT__SCORE_ARITHMETIC : SPOTOPT__SCORE_GEOMETRIC;
        spotopt__rank_terms terms = random_terms(score);
        spotopt__rank_pool pool = random_pool(0);
        const double worth[2] = {round % 3 == 0 ? NAN : unit(),
                                 round % 5 == 0 ? NAN : 0.2 * unit()};
        double weights[SPOTOPT__FACTORS], u[SPOTOPT__FACTORS], point[SPOTOPT__FACTORS], gain[4];
        double sum = 0.0, step = 1e-6;
        uint32_t flags;

        memcpy(weights, terms.weights, sizeof weights);
        CU_ASSERT(spotopt__rank_money_weights(&pool, &terms, worth, weights));
        for (int f = 0; f < SPOTOPT__FACTORS; f++)
            sum += weights[f];
        CU_ASSERT_DOUBLE_EQUAL(sum, 1.0, 1e-12);
        for (int k = 0; k < 2; k++)
            CU_ASSERT(!isnan(worth[k]) || weights[2 + k] == terms.weights[2 + k]);
        memcpy(terms.weights, weights, sizeof weights);
        spotopt__rank_factors(&pool, &terms, u, &flags);
        for (int f = 0; f < SPOTOPT__FACTORS; f++) {
            /* USD an hour that a step of u_f is worth: a price, a risk, or what was stated. */
            double by_usd = f == 0   ? pool.usd_per_h - pool.usd_per_h * u[0] / (u[0] + step)
                            : f == 1 ? step * terms.interruption_usd / terms.horizon_h
                                     : step * worth[f - 2];
            double before = spotopt__rank_score(u, weights, score);
            double moved[SPOTOPT__FACTORS];

            memcpy(moved, u, sizeof moved);
            moved[f] += step;
            gain[f] = (spotopt__rank_score(moved, weights, score) - before) / by_usd;
            if (!isnan(gain[f]))
                CU_ASSERT_DOUBLE_EQUAL(gain[f] / gain[0], 1.0, 2e-4);
        }
        spotopt__rank_point_worth(&pool, &terms, point);
        CU_ASSERT_DOUBLE_EQUAL(point[1], 0.01 * terms.interruption_usd / terms.horizon_h, 1e-12);
        for (int k = 0; k < 2; k++)
            CU_ASSERT(isnan(worth[k]) || fabs(point[2 + k] - 0.01 * worth[k]) < 1e-12);
    }
    spotopt__rank_terms terms = defaults();
    spotopt__rank_pool pool = plain_pool("a", 0.05, 0.2);
    double weights[SPOTOPT__FACTORS] = {0.4, 0.3, 0.15, 0.15};
    const double none[2] = {NAN, NAN};
    CU_ASSERT(spotopt__rank_money_weights(&pool, &terms, none, weights));
    CU_ASSERT_DOUBLE_EQUAL(weights[1] / weights[0], spotopt__rank_money_ratio(&pool, &terms),
                           1e-12);
    CU_ASSERT(weights[2] == 0.15 && weights[3] == 0.15);
    pool.usd_per_h = terms.interruption_usd = 0.0; /* nothing is worth anything */
    CU_ASSERT(!spotopt__rank_money_weights(&pool, &terms, none, weights));
}

static void
test_rank__survives_every_failing_allocation(void)
{
    spotopt__rank_terms terms = defaults();
    spotopt__rank_pool pools[2] = {plain_pool("a", 0.05, 0.2), plain_pool("b", 0.04, 0.3)};
    spotopt__rank_row rows[2];
    fail_alloc allocator = FAIL_ALLOC_INIT;
    spotopt_context *context = fail_alloc_context(&allocator);
    size_t reference;
    double frac[2];

    CU_ASSERT_PTR_NOT_NULL_FATAL(context);
    fail_after(&allocator, 0);
    CU_ASSERT(!spotopt__rank_order(context, pools, 2, &terms, rows, &reference));
    CU_ASSERT(!spotopt__rank_acceptability(context, rows, 2, 0, 1, 10, frac));
    fail_never(&allocator);
    CU_ASSERT(spotopt__rank_order(context, pools, 2, &terms, rows, &reference));
    CU_ASSERT(spotopt__rank_order(context, pools, 0, &terms, rows, &reference));
    spotopt_context_free(context);
    CU_ASSERT_EQUAL(allocator.live, 0);
}

int
main(void)
{
    static const suite_test tests[] = {
        TEST(test_rank__factors_follow_their_anchors),
        TEST(test_rank__counts_whole_replicas),
        TEST(test_rank__measures_cost_by_the_cheapest_on_demand_request),
        TEST(test_rank__contributions_add_up_to_the_score_ratio),
        TEST(test_rank__orders_by_score_and_expected_cost_stands_beside),
        TEST(test_rank__dropping_a_candidate_never_reorders_the_rest),
        TEST(test_rank__scaling_every_price_changes_no_order),
        TEST(test_rank__breaks_ties_by_risk_price_placement_and_name),
        TEST(test_rank__names_the_best_others_as_alternates),
        TEST(test_rank__the_least_change_of_weights_flips_the_top_pair),
        TEST(test_rank__acceptability_is_a_share_of_first_places),
        TEST(test_rank__the_front_is_what_nothing_dominates),
        TEST(test_rank__says_what_an_unknown_would_have_to_be),
        TEST(test_rank__columns_score_and_order_as_rows_do),
        TEST(test_rank__large_answers_are_those_of_small_ones),
        TEST(test_rank__free_moves_follow_the_ranking),
        TEST(test_rank__the_lead_in_expected_cost_is_the_saving),
        TEST(test_rank__says_what_holds_a_move_back),
        TEST(test_rank__noise_does_not_make_replicas_wander),
        TEST(test_rank__money_ratio_trades_as_expected_cost_does),
        TEST(test_rank__money_weights_make_the_score_trade_as_money_does),
        TEST(test_rank__survives_every_failing_allocation),
    };

    return suite_run("rank", tests, sizeof tests / sizeof *tests);
}
