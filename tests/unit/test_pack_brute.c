/* SPDX-License-Identifier: Apache-2.0 */
/* Random tiny problems with every rule: answers are judged and compared with the best of all
 * packings. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pack/search.h"
#include "build_toy.h"
#include "suite.h"

#define SEEDS 10000

/* False when it has more nodes than a toy packing takes. */
static bool
read_back(const toy_problem *toy, const spotopt_packing *packing, toy_packing *out)
{
    memset(out, 0, sizeof *out);
    for (size_t i = 0; i < spotopt_packing_row_count(packing); i++) {
        spotopt_packing_row row = SPOTOPT_PACKING_ROW_INIT;
        CU_ASSERT_EQUAL_FATAL(spotopt_packing_row_at(packing, i, &row, NULL), SPOTOPT_OK);
        for (uint32_t c = 0; c < row.count; c++) {
            toy_bin *bin;
            if (out->bins == TOY_BINS)
                return false;
            bin = &out->bin[out->bins++];
            bin->pool = (int)row.pool;
            bin->node = row.node == SPOTOPT_NO_NODE ? -1 : (int)row.node;
            for (uint32_t h = 0; h < row.hold_count; h++)
                bin->holds[row.demands[h]] = (int)row.replicas[h];
        }
    }
    for (int d = 0; d < toy->demands; d++)
        out->unplaced[d] = (int)spotopt_packing_unplaced(packing, (uint32_t)d);
    return true;
}

typedef struct counts {
    int optimal, feasible, infeasible, stopped, gave_up;
} counts;

/* before: solve from this one's packing, whose pools and demands have the same names; or NULL. */
static void
judge(uint64_t seed, const toy_problem *toy, double optimum, uint32_t without,
      const toy_problem *before, const spotopt_options *options, counts *seen)
{
    spotopt_problem *problem = build_toy(toy);
    spotopt_packing *packing = NULL;
    toy_packing read;
    const char *why = NULL, *wrong = NULL;
    double cost, bound, checked = -1.0;
    int32_t outcome;

    if (before != NULL) {
        spotopt_problem *other = build_toy(before);
        spotopt_packing *previous = NULL;

        CU_ASSERT_EQUAL_FATAL(spotopt_problem_solve(other, options, &previous, NULL), SPOTOPT_OK);
        spotopt_problem_free(other);
        CU_ASSERT_EQUAL_FATAL(
            spotopt_problem_solve_from(problem, options, previous, &packing, NULL), SPOTOPT_OK);
        spotopt_packing_free(previous);
    } else {
        CU_ASSERT_EQUAL_FATAL(spotopt__problem_solve(problem, options, without, &packing, NULL),
                              SPOTOPT_OK);
    }
    spotopt_problem_free(problem); /* the packing holds what it needs */
    outcome = spotopt_packing_outcome(packing);
    cost = spotopt_packing_cost(packing);
    bound = spotopt_packing_bound(packing);
    if (outcome == SPOTOPT_OUTCOME_OPTIMAL || outcome == SPOTOPT_OUTCOME_FEASIBLE) {
        if (read_back(toy, packing, &read)) {
            checked = toy_check(toy, &read, &why);
            if (checked < 0.0)
                wrong = why;
            else if (fabs(checked - cost) > 1e-6 * fmax(1.0, checked))
                wrong = "cost is not what the nodes say";
        }
        if (optimum >= 0.0 && bound > optimum + 1e-7 * fmax(1.0, optimum))
            wrong = "bound above the optimum";
        if (bound > cost + 1e-7 * fmax(1.0, cost))
            wrong = "bound above the cost";
        if (optimum >= 0.0 && outcome == SPOTOPT_OUTCOME_OPTIMAL &&
            cost > optimum + 1e-6 * fmax(1.0, optimum))
            wrong = "optimal is not optimal";
    }
    if (outcome == SPOTOPT_OUTCOME_INFEASIBLE && optimum >= 0.0)
        wrong = "infeasible, and yet there is a packing";
    if (without == 0 && outcome == SPOTOPT_OUTCOME_STOPPED && optimum >= 0.0)
        fprintf(stderr, "seed %llu: gave up, yet %f is possible\n", (unsigned long long)seed,
                optimum);
    if (wrong != NULL)
        fprintf(stderr, "seed %llu without %u: %s (outcome %d cost %f bound %f optimum %f)\n",
                (unsigned long long)seed, (unsigned)without, wrong, (int)outcome, cost, bound,
                optimum);
    CU_ASSERT_PTR_NULL(wrong);
    seen->optimal += outcome == SPOTOPT_OUTCOME_OPTIMAL;
    seen->feasible += outcome == SPOTOPT_OUTCOME_FEASIBLE;
    seen->infeasible += outcome == SPOTOPT_OUTCOME_INFEASIBLE;
    seen->stopped += outcome == SPOTOPT_OUTCOME_STOPPED;
    seen->gave_up += outcome == SPOTOPT_OUTCOME_STOPPED && optimum >= 0.0;
    spotopt_packing_free(packing);
}

static void
test_pack__agrees_with_brute_force_on_every_rule(void)
{
    counts whole = {0}, parts = {0}, merged = {0}, later = {0};
    spotopt_options *options = NULL;
    const char *only = getenv("SPOTOPT_TEST_SEED");
    uint64_t first = only != NULL ? strtoull(only, NULL, 10) : 0;

    CU_ASSERT_EQUAL_FATAL(spotopt_options_new(NULL, &options, NULL), SPOTOPT_OK);
    CU_ASSERT_EQUAL_FATAL(spotopt_options_set_real(options, "gap_rel", 0.0, NULL), SPOTOPT_OK);
    for (uint64_t seed = first; seed < (only != NULL ? first + 1 : SEEDS); seed++) {
        toy_problem toy;
        double optimum;
        toy_random(seed, &toy);
        optimum = toy_optimum(&toy, 3);
        judge(seed, &toy, optimum, 0, NULL, options, &whole);
        /* And with the complete search left out, so that its proofs do not hide what the others
         * say. */
        if (seed % 4 == 0)
            judge(seed, &toy, optimum, SPOTOPT__WITHOUT_EXACT, NULL, options, &parts);
        /* Through a coarser problem, be it of any use or not. */
        if (seed % 4 == 1)
            judge(seed, &toy, optimum, SPOTOPT__WITHOUT_EXACT | SPOTOPT__COARSE_ANYWAY, NULL,
                  options, &merged);
        /* From an answer to something else altogether. */
        if (seed % 16 == 2) {
            toy_problem other;

            toy_random(seed / 16, &other);
            judge(seed, &toy, optimum, 0, &other, options, &later);
        }
    }
    printf(" optimal %d feasible %d infeasible %d stopped %d (%d wrongly); without complete "
           "search: %d %d %d %d (%d) ",
           whole.optimal, whole.feasible, whole.infeasible, whole.stopped, whole.gave_up,
           parts.optimal, parts.feasible, parts.infeasible, parts.stopped, parts.gave_up);
    printf("merged: %d %d %d %d (%d); from another: %d %d %d %d (%d) ", merged.optimal,
           merged.feasible, merged.infeasible, merged.stopped, merged.gave_up, later.optimal,
           later.feasible, later.infeasible, later.stopped, later.gave_up);
    CU_ASSERT_EQUAL(whole.gave_up, 0);
    CU_ASSERT_EQUAL(later.gave_up, 0);
    CU_ASSERT(only != NULL || whole.optimal > SEEDS / 4);
    CU_ASSERT(only != NULL || whole.infeasible > SEEDS / 20);
    spotopt_options_free(options);
}

int
main(void)
{
    static const suite_test tests[] = {TEST(test_pack__agrees_with_brute_force_on_every_rule)};

    return suite_run("pack_brute", tests, sizeof tests / sizeof *tests);
}
