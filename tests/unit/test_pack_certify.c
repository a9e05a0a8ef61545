/* SPDX-License-Identifier: Apache-2.0 */
/* Certificates of infeasible problems against brute force, and what a part of a problem asks. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "build_toy.h"
#include "fail_alloc.h"
#include "pack/part.h"
#include "pack/search.h"
#include "suite.h"

#define SEEDS 6000

static int
all_fixed(const toy_problem *toy, int d)
{
    int total = 0;

    for (int n = 0; n < toy->nodes; n++)
        total += toy->fixed[n][d];
    return total;
}

/* What a certificate says, as the page on formats has it: so many replicas, these rules and limits
 * alone; near and spread over labels count only where all they speak of is there. */
static void
restrict_toy(const toy_problem *toy, const int *count, const bool *rule, const bool *limit,
             toy_problem *out)
{
    *out = *toy;
    for (int d = 0; d < toy->demands; d++) {
        out->count[d] = count[d];
        for (int n = 0; n < toy->nodes && count[d] < all_fixed(toy, d) && count[d] < toy->count[d];
             n++)
            out->fixed[n][d] = 0;
    }
    for (int k = 0; k < toy->pools; k++) {
        if (!limit[k] && toy->max[k] != 0)
            out->max[k] = -1;
    }
    out->rules = 0;
    for (int r = 0; r < toy->rules; r++) {
        const toy_rule *at = &toy->rule[r];
        const bool *speaks = at->kind == TOY_SPREAD && !at->has_b ? at->a : at->b;
        bool whole = true;

        for (int d = 0; d < toy->demands; d++)
            whole = whole && (count[d] == toy->count[d] ||
                              !(speaks[d] || (at->kind == TOY_SPREAD && at->a[d])));
        if (!rule[r] || (at->kind <= TOY_SPREAD && at->penalty >= 0.0) ||
            ((at->kind == TOY_NEAR || (at->kind == TOY_SPREAD && at->per != TOY_NODE)) && !whole))
            continue;
        out->rule[out->rules] = *at;
        if (at->kind == TOY_AT_MOST && at->count < 0) {
            int total = 0;

            for (int d = 0; d < toy->demands; d++)
                total += at->a[d] ? toy->count[d] : 0;
            out->rule[out->rules].count = (int)floor(at->frac * total + 1e-9);
        }
        out->rules++;
    }
}

typedef struct said {
    int infeasible, proved, minimal, by_demand, by_lp, by_search, smaller, fewer_rules;
} said;

static void
judge(uint64_t seed, const toy_problem *toy, const spotopt_packing_certificate *is, said *all)
{
    int count[TOY_DEMANDS] = {0}, whole = 0, named = 0;
    bool rule[TOY_RULES] = {false}, limit[TOY_POOLS] = {false};
    const char *wrong = NULL;
    toy_problem part;

    for (uint32_t i = 0; i < is->demand_count; i++)
        count[is->demands[i]] = (int)is->replicas[i];
    for (uint32_t i = 0; i < is->rule_count; i++)
        rule[is->rules[i]] = true;
    for (uint32_t i = 0; i < is->limit_count; i++)
        limit[is->limits[i]] = true;
    for (int d = 0; d < toy->demands; d++) {
        whole += toy->count[d];
        named += count[d];
        if (count[d] > toy->count[d])
            wrong = "more replicas than there are";
    }
    restrict_toy(toy, count, rule, limit, &part);
    if (toy_optimum(&part, 3) >= 0.0)
        wrong = "the part has a packing";
    for (int d = 0; d < toy->demands && is->is_minimal; d++) {
        if (count[d] == 0)
            continue;
        count[d]--;
        restrict_toy(toy, count, rule, limit, &part);
        if (toy_optimum(&part, 4) < 0.0)
            wrong = "a replica can be spared";
        count[d]++;
    }
    if (wrong != NULL)
        fprintf(stderr, "seed %llu: %s (proof %s)\n", (unsigned long long)seed, wrong, is->proof);
    CU_ASSERT_PTR_NULL(wrong);
    all->proved++;
    all->minimal += is->is_minimal == 1;
    all->by_demand += strcmp(is->proof, "demand") == 0;
    all->by_lp += strcmp(is->proof, "lp") == 0;
    all->by_search += strcmp(is->proof, "search") == 0;
    all->smaller += named < whole;
    all->fewer_rules += (int)is->rule_count < toy->rules;
}

static void
test_pack_certify__names_a_part_that_is_infeasible_and_no_replica_too_many(void)
{
    said all = {0};
    const char *only = getenv("SPOTOPT_TEST_SEED");
    uint64_t first = only != NULL ? strtoull(only, NULL, 10) : 0;

    for (uint64_t seed = first; seed < (only != NULL ? first + 1 : SEEDS); seed++) {
        spotopt_packing_certificate is = SPOTOPT_PACKING_CERTIFICATE_INIT;
        spotopt_packing *packing = NULL;
        spotopt_problem *problem;
        toy_problem toy;

        toy_random(seed, &toy);
        problem = build_toy(&toy);
        CU_ASSERT_EQUAL_FATAL(spotopt_problem_solve(problem, NULL, &packing, NULL), SPOTOPT_OK);
        spotopt_problem_free(problem);
        CU_ASSERT_EQUAL_FATAL(spotopt_packing_certificate_get(packing, &is, NULL), SPOTOPT_OK);
        if (spotopt_packing_outcome(packing) == SPOTOPT_OUTCOME_INFEASIBLE) {
            all.infeasible++;
                fprintf(stderr, "none %llu rules %d nodes %d\n", (unsigned long long)seed,
                        toy.rules, toy.nodes);
            if (is.proof != NULL)
                judge(seed, &toy, &is, &all);
        } else {
            CU_ASSERT_PTR_NULL(is.proof);
        }
        spotopt_packing_free(packing);
    }
    printf(" %d infeasible: %d with a certificate, %d minimal, by demand %d, lp %d, search %d; %d "
           "of fewer replicas, %d of fewer rules ",
           all.infeasible, all.proved, all.minimal, all.by_demand, all.by_lp, all.by_search,
           all.smaller, all.fewer_rules);
    CU_ASSERT(only != NULL || all.infeasible > SEEDS / 20);
    CU_ASSERT(all.proved * 100 >= all.infeasible * 98);
    CU_ASSERT(all.minimal * 100 >= all.proved * 95);
}

/* Any part of a problem that has a packing has one: else a certificate would prove nothing. */
static void
test_pack_certify__a_part_of_what_can_be_packed_can_be_packed(void)
{
    int asked = 0;

    for (uint64_t seed = 0; seed < SEEDS; seed += 2) {
        uint32_t count[TOY_DEMANDS];
        unsigned char rule[TOY_RULES], lifted[TOY_POOLS];
        spotopt__part part = {count, rule, lifted};
        spotopt_problem *problem, *smaller = NULL;
        spotopt_packing *packing = NULL;
        uint64_t dice = seed * 2654435761u + 12345;
        toy_problem toy;

        toy_random(seed, &toy);
        if (toy_optimum(&toy, 3) < 0.0)
            continue;
        for (int d = 0; d < toy.demands; d++) {
            dice = dice * 6364136223846793005u + 1442695040888963407u;
            count[d] = (uint32_t)toy.count[d];
            if (dice >> 62 == 0 && toy.count[d] > 0)
                count[d] = (uint32_t)(dice >> 33) % (uint32_t)toy.count[d];
        }
        for (int i = 0; i < TOY_RULES; i++)
            rule[i] = (dice >> (20 + i) & 3) != 0;
        for (int i = 0; i < TOY_POOLS; i++)
            lifted[i] = (dice >> (40 + i) & 1) && toy.max[i] != 0;
        problem = build_toy(&toy);
        CU_ASSERT_EQUAL_FATAL(spotopt__part_problem(problem, &part, &smaller, NULL), SPOTOPT_OK);
        CU_ASSERT_EQUAL_FATAL(spotopt_problem_solve(smaller, NULL, &packing, NULL), SPOTOPT_OK);
        if (spotopt_packing_outcome(packing) == SPOTOPT_OUTCOME_INFEASIBLE)
            fprintf(stderr, "seed %llu: a part asks for more\n", (unsigned long long)seed);
        CU_ASSERT_NOT_EQUAL(spotopt_packing_outcome(packing), SPOTOPT_OUTCOME_INFEASIBLE);
        spotopt_packing_free(packing);
        spotopt_problem_free(smaller);
        spotopt_problem_free(problem);
        asked++;
    }
    CU_ASSERT(asked > SEEDS / 8);
}

/* Four pods of half a node on two nodes that exist, a fifth does not fit; the rest is noise. */
static spotopt_status
solve_crowded(spotopt_context *context, spotopt_packing **out)
{
    static const char *const resources[] = {"cpu", "gpu"};
    static const double capacity[2][2] = {{10.0, 1.0}, {64.0, 0.0}};
    spotopt_problem *problem = NULL;
    spotopt_status status = spotopt_problem_new(context, resources, 2, &problem, NULL);
    char id[16];

    for (uint32_t p = 0; p < 2 && status == SPOTOPT_OK; p++) {
        spotopt_pool_spec pool = SPOTOPT_POOL_SPEC_INIT;

        snprintf(id, sizeof id, "p%u", (unsigned)p);
        pool.id = id;
        pool.capacity = capacity[p];
        pool.cost = 1.0 + p;
        pool.max = p == 0 ? 4 : 1000;
        status = spotopt_problem_add_pool(problem, &pool, NULL, NULL);
    }
    for (uint32_t d = 0; d < 40 && status == SPOTOPT_OK; d++) {
        spotopt_demand_spec demand = SPOTOPT_DEMAND_SPEC_INIT;
        const double request[] = {1.0 + d % 5, d == 7 ? 1.0 : 0.0};

        snprintf(id, sizeof id, "d%u", (unsigned)d);
        demand.id = id;
        demand.request = request;
        demand.count = d == 7 ? 12 : 5;
        status = spotopt_problem_add_demand(problem, &demand, NULL, NULL);
    }
    if (status == SPOTOPT_OK)
        status = spotopt_problem_solve(problem, NULL, out, NULL);
    spotopt_problem_free(problem);
    return status;
}

static void
test_pack_certify__finds_five_pods_for_four_gpus_among_forty_demands(void)
{
    spotopt_packing_certificate is = SPOTOPT_PACKING_CERTIFICATE_INIT;
    spotopt_packing *packing = NULL;
    char *text = NULL;

    CU_ASSERT_EQUAL_FATAL(solve_crowded(NULL, &packing), SPOTOPT_OK);
    CU_ASSERT_EQUAL_FATAL(spotopt_packing_outcome(packing), SPOTOPT_OUTCOME_INFEASIBLE);
    CU_ASSERT_EQUAL_FATAL(spotopt_packing_certificate_get(packing, &is, NULL), SPOTOPT_OK);
    CU_ASSERT_PTR_NOT_NULL_FATAL(is.proof);
    CU_ASSERT_EQUAL_FATAL(is.demand_count, 1);
    CU_ASSERT_EQUAL(is.demands[0], 7);
    CU_ASSERT_EQUAL(is.replicas[0], 5);
    CU_ASSERT_EQUAL(is.is_minimal, 1);
    CU_ASSERT_EQUAL(is.rule_count, 0);
    CU_ASSERT_EQUAL_FATAL(is.limit_count, 1);
    CU_ASSERT_EQUAL(is.limits[0], 0);
    CU_ASSERT_EQUAL_FATAL(spotopt_packing_write_json(packing, &text, NULL, NULL), SPOTOPT_OK);
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "\"certificate\":{\"demands\":{\"d7\":5},\"rules\":[],"
                                        "\"limits\":[\"p0\"],\"proof\":\""));
    spotopt_text_free(NULL, text);
    spotopt_packing_free(packing);
}

static void
test_pack_certify__gives_all_memory_back_when_some_is_refused(void)
{
    fail_alloc allocator = FAIL_ALLOC_INIT;
    spotopt_status status;
    size_t n = 0;

    do {
        spotopt_packing *packing = NULL;
        spotopt_context *context;

        fail_after(&allocator, n);
        context = fail_alloc_context(&allocator);

        status = context == NULL ? SPOTOPT_E_NOMEM : solve_crowded(context, &packing);
        spotopt_packing_free(packing);
        spotopt_context_free(context);
        CU_ASSERT_EQUAL_FATAL(allocator.live, 0);
        n += 1 + n / 16;
    } while (status == SPOTOPT_E_NOMEM);
    CU_ASSERT_EQUAL(status, SPOTOPT_OK);
}

int
main(void)
{
    static const suite_test tests[] = {
        TEST(test_pack_certify__names_a_part_that_is_infeasible_and_no_replica_too_many),
        TEST(test_pack_certify__a_part_of_what_can_be_packed_can_be_packed),
        TEST(test_pack_certify__finds_five_pods_for_four_gpus_among_forty_demands),
        TEST(test_pack_certify__gives_all_memory_back_when_some_is_refused),
    };

    return suite_run("pack_certify", tests, sizeof tests / sizeof *tests);
}
