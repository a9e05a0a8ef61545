/* SPDX-License-Identifier: Apache-2.0 */
/* Bare problems in one dimension: the tree against all packings, and against packings known. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "fail_alloc.h"
#include "pack/tree.h"
#include "spotopt/spotopt.h"
#include "suite.h"

#define PIECES 9
#define SORTS 3
#define NEVER 1000000

/* Only the tree: no fills, no dives, no other search. */
#define ALONE                                                                                      \
    (SPOTOPT__WITHOUT_EXACT | SPOTOPT__WITHOUT_COLUMNS | SPOTOPT__WITHOUT_AROUND |                 \
     SPOTOPT__WITHOUT_DIVES)

typedef struct toy {
    int sorts, pieces;
    int capacity[SORTS], cost[SORTS], limit[SORTS]; /* limit < 0: none */
    int size[256];
    double scale; /* what a unit is in the document */
} toy;

static spotopt_problem *
to_problem(const toy *t, spotopt_context *context)
{
    static char text[32768];
    spotopt_problem *problem = NULL;
    int at = snprintf(text, sizeof text,
                      "{\"apiVersion\":\"spotopt/v1\",\"kind\":\"PackingProblem\","
                      "\"resources\":[\"a\"],\"pools\":[");

    for (int s = 0; s < t->sorts; s++) {
        at += snprintf(text + at, sizeof text - (size_t)at,
                       "%s{\"id\":\"p%d\",\"capacity\":[%.10g],\"cost\":%d", s > 0 ? "," : "", s,
                       t->capacity[s] * t->scale, t->cost[s]);
        if (t->limit[s] >= 0)
            at += snprintf(text + at, sizeof text - (size_t)at, ",\"max\":%d", t->limit[s]);
        at += snprintf(text + at, sizeof text - (size_t)at, "}");
    }
    at += snprintf(text + at, sizeof text - (size_t)at, "],\"demands\":[");
    for (int i = 0; i < t->pieces; i++)
        at += snprintf(text + at, sizeof text - (size_t)at,
                       "%s{\"id\":\"d%d\",\"request\":[%.10g],\"count\":1}", i > 0 ? "," : "", i,
                       t->size[i] * t->scale);
    at += snprintf(text + at, sizeof text - (size_t)at, "]}");
    if (spotopt_problem_parse(context, text, (size_t)at, "toy", &problem, NULL) != SPOTOPT_OK)
        return NULL;
    return problem;
}

/* The least cost of all packings, by the set of pieces packed and the bins used up. */
static int
least_cost(const toy *t)
{
    enum { USES = 4 };
    static int best[1 << PIECES][USES][USES][USES];
    static int sum[1 << PIECES];
    const int all = (1 << t->pieces) - 1;
    int least = NEVER;

    for (int set = 0; set <= all; set++) {
        sum[set] = 0;
        for (int i = 0; i < t->pieces; i++)
            sum[set] += (set >> i) & 1 ? t->size[i] : 0;
        for (int u = 0; u < USES * USES * USES; u++)
            (&best[set][0][0][0])[u] = NEVER;
    }
    best[0][0][0][0] = 0;
    for (int set = 0; set < all; set++) {
        int first = 0, rest;
        while ((set >> first) & 1)
            first++;
        rest = all & ~set & ~(1 << first);
        for (int part = rest;; part = (part - 1) & rest) {
            int in = part | 1 << first;
            for (int s = 0; s < t->sorts; s++) {
                if (sum[in] > t->capacity[s])
                    continue;
                for (int u = 0; u < USES * USES * USES; u++) {
                    int used[SORTS] = {u / 16, u / 4 % 4, u % 4}, cost = (&best[set][0][0][0])[u];
                    if (cost >= NEVER || (t->limit[s] >= 0 && used[s] >= t->limit[s]))
                        continue;
                    used[s] += t->limit[s] >= 0;
                    int *to = &best[set | in][used[0]][used[1]][used[2]];
                    *to = cost + t->cost[s] < *to ? cost + t->cost[s] : *to;
                }
            }
            if (part == 0)
                break;
        }
    }
    for (int u = 0; u < USES * USES * USES; u++)
        least = (&best[all][0][0][0])[u] < least ? (&best[all][0][0][0])[u] : least;
    return least;
}

static void
make_toy(toy *t, spotopt__rng *rng)
{
    static const double scales[] = {1.0, 0.1, 0.25, 12.0};
    int most = 0;

    t->sorts = 1 + (int)spotopt__rng_below(rng, SORTS);
    t->pieces = 3 + (int)spotopt__rng_below(rng, PIECES - 2);
    t->scale = scales[spotopt__rng_below(rng, 4)];
    for (int s = 0; s < t->sorts; s++) {
        t->capacity[s] = 8 + (int)spotopt__rng_below(rng, 30);
        t->cost[s] = 1 + (int)spotopt__rng_below(rng, 2 * (uint64_t)t->capacity[s]);
        t->limit[s] = spotopt__rng_below(rng, 2) == 0 ? -1 : (int)spotopt__rng_below(rng, 4);
        most = t->capacity[s] > most ? t->capacity[s] : most;
    }
    for (int i = 0; i < t->pieces; i++)
        t->size[i] = 1 + (int)spotopt__rng_below(rng, (uint64_t)(2 * most / 3));
    if (spotopt__rng_below(rng, 2) == 0) { /* few sizes, several of each */
        for (int i = 0; i < t->pieces; i++)
            t->size[i] = t->size[i % 3];
    }
}

static spotopt_options *
no_gap(void)
{
    spotopt_options *options = NULL;

    CU_ASSERT_EQUAL_FATAL(spotopt_options_new(NULL, &options, NULL), SPOTOPT_OK);
    CU_ASSERT_EQUAL_FATAL(spotopt_options_set_real(options, "gap_rel", 0.0, NULL), SPOTOPT_OK);
    CU_ASSERT_EQUAL_FATAL(spotopt_options_set_real(options, "deadline_s", 100.0, NULL), SPOTOPT_OK);
    return options;
}

static void
compare_with_all_packings(uint32_t without, uint64_t seed, int rounds)
{
    spotopt_options *options = no_gap();
    spotopt__rng rng;
    int infeasible = 0;

    spotopt__rng_seed(&rng, seed);
    for (int round = 0; round < rounds; round++) {
        toy t;
        spotopt_packing *packing = NULL;
        make_toy(&t, &rng);
        const int least = least_cost(&t);
        spotopt_problem *problem = to_problem(&t, NULL);
        CU_ASSERT_PTR_NOT_NULL_FATAL(problem);
        CU_ASSERT_EQUAL_FATAL(spotopt__problem_solve(problem, options, without, &packing, NULL),
                              SPOTOPT_OK);
        if (least == NEVER) {
            infeasible++;
            CU_ASSERT_EQUAL(spotopt_packing_outcome(packing), SPOTOPT_OUTCOME_INFEASIBLE);
        } else {
            CU_ASSERT_EQUAL(spotopt_packing_outcome(packing), SPOTOPT_OUTCOME_OPTIMAL);
            CU_ASSERT_EQUAL(spotopt_packing_cost(packing), (double)least);
            CU_ASSERT(spotopt_packing_bound(packing) <= (double)least);
        }
        spotopt_packing_free(packing);
        spotopt_problem_free(problem);
    }
    CU_ASSERT(infeasible > rounds / 20);
    spotopt_options_free(options);
}

static void
test_tree__alone_agrees_with_all_packings(void)
{
    compare_with_all_packings(ALONE, 5, 2000);
}

static void
test_tree__with_fills_and_dives_agrees_with_all_packings(void)
{
    compare_with_all_packings(SPOTOPT__WITHOUT_EXACT, 6, 1000);
}

/* Bins cut into pieces: so many bins are enough, and no bound may say otherwise. */
static void
test_tree__never_proves_more_than_a_packing_at_hand(void)
{
    spotopt_options *options = no_gap();
    spotopt__rng rng;
    int proved = 0, rounds = 120;

    spotopt__rng_seed(&rng, 12);
    CU_ASSERT_EQUAL_FATAL(spotopt_options_set_real(options, "deadline_s", 0.5, NULL), SPOTOPT_OK);
    for (int round = 0; round < rounds; round++) {
        const int bins = 4 + (int)spotopt__rng_below(&rng, 12);
        const int capacity = 30 + (int)spotopt__rng_below(&rng, 200);
        const int waste = (int)spotopt__rng_below(&rng, 2);
        toy t = {.sorts = 1, .capacity = {capacity}, .cost = {1}, .limit = {-1}, .scale = 1.0};
        spotopt_packing *packing = NULL;
        for (int b = 0; b < bins; b++) {
            int left = capacity - (waste ? (int)spotopt__rng_below(&rng, 3) : 0);
            while (left > 0) {
                int size = 1 + (int)spotopt__rng_below(&rng, (uint64_t)capacity / 2);
                size = size < left && left - size >= capacity / 8 ? size : left;
                t.size[t.pieces++] = size;
                left -= size;
            }
        }
        spotopt_problem *problem = to_problem(&t, NULL);
        CU_ASSERT_PTR_NOT_NULL_FATAL(problem);
        CU_ASSERT_EQUAL_FATAL(
            spotopt__problem_solve(problem, options,
                                   round % 2 == 0 ? ALONE : SPOTOPT__WITHOUT_EXACT, &packing, NULL),
            SPOTOPT_OK);
        CU_ASSERT(spotopt_packing_bound(packing) <= (double)bins);
        CU_ASSERT_NOT_EQUAL(spotopt_packing_outcome(packing), SPOTOPT_OUTCOME_INFEASIBLE);
        if (spotopt_packing_outcome(packing) == SPOTOPT_OUTCOME_OPTIMAL) {
            CU_ASSERT(spotopt_packing_cost(packing) <= (double)bins);
            proved++;
        }
        spotopt_packing_free(packing);
        spotopt_problem_free(problem);
    }
    CU_ASSERT(proved > rounds * 3 / 4);
    spotopt_options_free(options);
}

static void
test_tree__survives_an_allocator_that_refuses(void)
{
    /* Two thirds of a bin and its halves: the LP is half a bin below any packing. */
    const toy t = {.sorts = 2,
                   .pieces = 10,
                   .capacity = {30, 17},
                   .cost = {7, 4},
                   .limit = {-1, 2},
                   .size = {11, 11, 11, 11, 11, 8, 8, 8, 7, 3},
                   .scale = 1.0};
    fail_alloc memory = FAIL_ALLOC_INIT;
    spotopt_options *options = no_gap();
    bool fine = false;

    for (size_t n = 0; !fine && n < 20000; n += 1 + n / 40) {
        fail_after(&memory, n);
        spotopt_context *context = fail_alloc_context(&memory);
        spotopt_problem *problem = context != NULL ? to_problem(&t, context) : NULL;
        spotopt_packing *packing = NULL;
        if (problem != NULL) {
            spotopt_status status = spotopt__problem_solve(problem, options, ALONE, &packing, NULL);
            fine = status == SPOTOPT_OK;
            CU_ASSERT(fine || status == SPOTOPT_E_NOMEM);
        }
        spotopt_packing_free(packing);
        spotopt_problem_free(problem);
        spotopt_context_free(context);
        CU_ASSERT_EQUAL(memory.live, 0);
    }
    CU_ASSERT_TRUE(fine);
    spotopt_options_free(options);
}

/* What a knapsack of few parts can earn, by trying all contents. */
static void
test_knap__prices_agree_with_all_contents(void)
{
    spotopt__rng rng;

    spotopt__rng_seed(&rng, 21);
    for (int round = 0; round < 2000; round++) {
        enum { PARTS = 7 };
        spotopt__model model = {0};
        int64_t capacity[1] = {10 + (int64_t)spotopt__rng_below(&rng, 60)}, size[PARTS], least[1];
        spotopt__sort sort = {capacity, 1, 99, NULL, 0};
        spotopt__bare bare = {.model = &model, .dims = 1, .types = PARTS, .sorts = 1};
        spotopt__part part[PARTS];
        spotopt__fill fill[PARTS];
        uint64_t apart[PARTS] = {0};
        double price[PARTS], charge[2], bound[1], threshold[1], best = 0.0;
        spotopt__cut cut[2] = {{{0, 1, 2}, 1}, {{1, 3, 5}, 1}};
        uint64_t work = 0;

        bare.sort = &sort;
        bare.size = size;
        for (uint32_t i = 0; i < PARTS; i++) {
            size[i] = 1 + (int64_t)spotopt__rng_below(&rng, (uint64_t)capacity[0] / 2);
            price[i] = (double)spotopt__rng_below(&rng, 1000);
        }
        for (uint32_t i = 0; i < PARTS; i++) { /* by falling size */
            for (uint32_t j = i + 1; j < PARTS; j++) {
                int64_t larger = size[i] > size[j] ? size[i] : size[j];
                size[j] = size[i] < size[j] ? size[i] : size[j];
                size[i] = larger;
            }
            part[i] = (spotopt__part){2, 1 + (uint32_t)spotopt__rng_below(&rng, 2), i, 1};
            fill[i] = (spotopt__fill){i, 1};
            if (size[i] * part[i].most > capacity[0])
                part[i].most = 1;
        }
        for (int pair = 0; pair < 4; pair++) {
            uint64_t a = spotopt__rng_below(&rng, PARTS), b = spotopt__rng_below(&rng, PARTS);
            if (a != b) {
                apart[a] |= 1ull << b;
                apart[b] |= 1ull << a;
            }
        }
        least[0] = capacity[0] - (int64_t)spotopt__rng_below(&rng, 10);
        spotopt__view view = {&bare, PARTS, 1, part, size, fill, NULL, NULL};
        view.apart = round % 3 == 0 ? apart : NULL;
        view.least = round % 2 == 0 ? least : NULL;
        spotopt__prices prices = {1000.0, price, round % 5 == 0 ? 2 : 0, cut, charge, NULL, NULL};
        charge[0] = (double)spotopt__rng_below(&rng, 300);
        charge[1] = (double)spotopt__rng_below(&rng, 300);
        threshold[0] = (double)spotopt__rng_below(&rng, 1500);
        uint32_t contents = 1;
        for (uint32_t i = 0; i < PARTS; i++)
            contents *= 3;
        for (uint32_t c = 0; c < contents; c++) {
            uint32_t n[PARTS];
            int64_t load = 0;
            double worth = 0.0;
            bool good = true;
            for (uint32_t i = 0, rest = c; i < PARTS; i++, rest /= 3) {
                n[i] = rest % 3;
                load += size[i] * n[i];
                worth += price[i] * n[i];
                good = good && n[i] <= part[i].most;
                for (uint32_t j = 0; j < i && view.apart != NULL; j++)
                    good = good && !(n[i] > 0 && n[j] > 0 && ((apart[i] >> j) & 1));
            }
            for (uint32_t k = 0; k < prices.cuts; k++)
                worth -=
                    charge[k] * ((n[cut[k].type[0]] + n[cut[k].type[1]] + n[cut[k].type[2]]) / 2);
            if (good && load <= capacity[0] && load >= (view.least ? least[0] : 0) && worth > best)
                best = worth;
        }
        spotopt__oracle oracle = spotopt__knap_oracle(&bare);
        spotopt__patterns found = {0};
        CU_ASSERT_PTR_NOT_NULL_FATAL(oracle.self);
        CU_ASSERT_FATAL(oracle.enter(oracle.self, &view));
        CU_ASSERT_FATAL(
            oracle.price(oracle.self, &prices, threshold, NULL, 2, 5, &found, bound, &work));
        /* Exact where it matters: above the threshold. */
        CU_ASSERT(bound[0] >= best);
        CU_ASSERT(bound[0] == best || best <= threshold[0]);
        CU_ASSERT((best > threshold[0]) == (found.list.count > 0));
        for (size_t i = 0; i < found.list.count; i++) {
            int64_t load = 0;
            for (uint32_t f = 0; f < found.list.at[i].fills; f++) {
                const spotopt__fill *one = &found.fills.at[found.list.at[i].first + f];
                load += size[one->type] * one->count;
                CU_ASSERT(one->count <= part[one->type].most);
            }
            CU_ASSERT(load <= capacity[0] && (view.least == NULL || load >= least[0]));
            CU_ASSERT(found.list.at[i].worth > threshold[0] && found.list.at[i].worth <= best);
        }
        spotopt__patterns_free(&found);
        oracle.free(oracle.self);
    }
}

int
main(void)
{
    static const suite_test tests[] = {
        TEST(test_tree__alone_agrees_with_all_packings),
        TEST(test_tree__with_fills_and_dives_agrees_with_all_packings),
        TEST(test_tree__never_proves_more_than_a_packing_at_hand),
        TEST(test_tree__survives_an_allocator_that_refuses),
        TEST(test_knap__prices_agree_with_all_contents),
    };

    return suite_run("pack_tree", tests, sizeof tests / sizeof *tests);
}
