/* SPDX-License-Identifier: Apache-2.0 */
/* Linear and integer programs: right answers, and an engine that never reaches the host. */
#include <glpk.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/lp_engine.h"
#include "base/rng.h"
#include "fail_alloc.h"
#include "suite.h"

/* min 5x + 4y, 6x + 4y >= 24, x + 2y >= 6: (3, 1.5) costs 21 with duals 3/4 and 1/2; whole (2, 3)
 * costs 22. */
static spotopt_status
build_small(spotopt_context *context, spotopt__lp **out, spotopt_error *err)
{
    static const double least[] = {24.0, 6.0}, none[] = {INFINITY, INFINITY}, zero[] = {0.0, 0.0};
    static const double cost[] = {5.0, 4.0}, value[] = {6.0, 1.0, 4.0, 2.0};
    static const size_t start[] = {0, 2, 4};
    static const uint32_t row[] = {0, 1, 0, 1};
    spotopt__lp *lp = NULL;
    spotopt_status status = spotopt__lp_new(context, &lp, err);

    if (status == SPOTOPT_OK)
        status = spotopt__lp_add_rows(lp, 2, least, none, err);
    if (status == SPOTOPT_OK)
        status = spotopt__lp_add_columns(lp, 2, cost, zero, none, start, row, value, err);
    if (status < 0) {
        spotopt__lp_free(lp);
        return status;
    }
    *out = lp;
    return SPOTOPT_OK;
}

static spotopt__lp *
small(void)
{
    spotopt__lp *lp = NULL;

    CU_ASSERT_EQUAL_FATAL(build_small(NULL, &lp, NULL), SPOTOPT_OK);
    return lp;
}

static void
test_lp__finds_the_optimum_and_its_duals(void)
{
    spotopt__lp *lp = small();
    spotopt__lp_answer answer;
    double x[2], dual[2];

    CU_ASSERT_EQUAL(spotopt__lp_solve(lp, 10.0, x, dual, &answer, NULL), SPOTOPT_OK);
    CU_ASSERT_EQUAL(answer.state, SPOTOPT__LP_OPTIMAL);
    CU_ASSERT_DOUBLE_EQUAL(answer.objective, 21.0, 1e-9);
    CU_ASSERT_DOUBLE_EQUAL(answer.bound, 21.0, 1e-9);
    CU_ASSERT_DOUBLE_EQUAL(x[0], 3.0, 1e-9);
    CU_ASSERT_DOUBLE_EQUAL(x[1], 1.5, 1e-9);
    CU_ASSERT_DOUBLE_EQUAL(dual[0], 0.75, 1e-9);
    CU_ASSERT_DOUBLE_EQUAL(dual[1], 0.5, 1e-9);
    CU_ASSERT_TRUE(answer.seconds >= 0.0);
    CU_ASSERT_EQUAL(spotopt__lp_rows(lp), 2);
    CU_ASSERT_EQUAL(spotopt__lp_columns(lp), 2);
    spotopt__lp_free(lp);
}

static void
test_lp__goes_on_from_its_basis_when_columns_rows_bounds_and_costs_change(void)
{
    const double cost[] = {3.0}, zero[] = {0.0}, none[] = {INFINITY}, value[] = {6.0, 2.0},
                 two[] = {2.0};
    const size_t start[] = {0, 2};
    const uint32_t row[] = {0, 1}, second[] = {1};
    spotopt__lp *lp = small();
    spotopt__lp_answer answer;
    double x[3], dual[3];

    CU_ASSERT_EQUAL(spotopt__lp_solve(lp, 10.0, NULL, NULL, &answer, NULL), SPOTOPT_OK);
    /* a third column dominates both others: 4 of it for 12 */
    CU_ASSERT_EQUAL(spotopt__lp_add_columns(lp, 1, cost, zero, none, start, row, value, NULL),
                    SPOTOPT_OK);
    CU_ASSERT_EQUAL(spotopt__lp_solve(lp, 10.0, x, dual, &answer, NULL), SPOTOPT_OK);
    CU_ASSERT_DOUBLE_EQUAL(answer.objective, 12.0, 1e-9);
    CU_ASSERT_DOUBLE_EQUAL(x[2], 4.0, 1e-9);
    /* of which there are 2 only: 12 and 2 are left for x + y over (6, 4) and (1, 2) */
    CU_ASSERT_EQUAL(spotopt__lp_set_column_bounds(lp, 2, 0.0, 2.0, NULL), SPOTOPT_OK);
    CU_ASSERT_EQUAL(spotopt__lp_solve(lp, 10.0, x, dual, &answer, NULL), SPOTOPT_OK);
    CU_ASSERT_DOUBLE_EQUAL(answer.objective, 6.0 + 10.0, 1e-9); /* x = 2 meets both */
    CU_ASSERT_EQUAL(spotopt__lp_set_cost(lp, 0, 50.0, NULL), SPOTOPT_OK);
    CU_ASSERT_EQUAL(spotopt__lp_solve(lp, 10.0, x, dual, &answer, NULL), SPOTOPT_OK);
    CU_ASSERT_DOUBLE_EQUAL(answer.objective, 6.0 + 12.0, 1e-9); /* y = 3 */
    CU_ASSERT_EQUAL(spotopt__lp_set_row_bounds(lp, 0, 12.0, INFINITY, NULL), SPOTOPT_OK);
    CU_ASSERT_EQUAL(spotopt__lp_solve(lp, 10.0, x, dual, &answer, NULL), SPOTOPT_OK);
    CU_ASSERT_DOUBLE_EQUAL(answer.objective, 6.0 + 4.0, 1e-9); /* y = 1 for the second row */
    CU_ASSERT_EQUAL(spotopt__lp_add_rows(lp, 1, zero, two, NULL), SPOTOPT_OK);
    CU_ASSERT_EQUAL(spotopt__lp_solve(lp, 10.0, x, dual, &answer, NULL), SPOTOPT_OK);
    CU_ASSERT_DOUBLE_EQUAL(answer.objective, 10.0, 1e-9);
    /* without y, the basis loses a member: x = 2 at 50 each */
    CU_ASSERT_EQUAL(spotopt__lp_delete_columns(lp, 1, second, NULL), SPOTOPT_OK);
    CU_ASSERT_EQUAL(spotopt__lp_columns(lp), 2);
    CU_ASSERT_EQUAL(spotopt__lp_solve(lp, 10.0, x, dual, &answer, NULL), SPOTOPT_OK);
    CU_ASSERT_EQUAL(answer.state, SPOTOPT__LP_OPTIMAL);
    CU_ASSERT_DOUBLE_EQUAL(answer.objective, 6.0 + 100.0, 1e-9);
    CU_ASSERT_DOUBLE_EQUAL(x[1], 2.0, 1e-9);
    spotopt__lp_free(lp);
}

static void
test_lp__tells_infeasible_and_unbounded(void)
{
    const unsigned char whole[] = {1, 1};
    spotopt__lp *lp = small();
    spotopt__lp_answer answer;
    double x[2] = {-7.0, -7.0};

    CU_ASSERT_EQUAL(spotopt__lp_set_column_bounds(lp, 0, 0.0, 1.0, NULL), SPOTOPT_OK);
    CU_ASSERT_EQUAL(spotopt__lp_set_column_bounds(lp, 1, 0.0, 1.0, NULL), SPOTOPT_OK);
    CU_ASSERT_EQUAL(spotopt__lp_solve(lp, 10.0, x, NULL, &answer, NULL), SPOTOPT_OK);
    CU_ASSERT_EQUAL(answer.state, SPOTOPT__LP_INFEASIBLE);
    CU_ASSERT_EQUAL(spotopt__lp_solve_integer(lp, whole, 0.0, 10.0, x, &answer, NULL), SPOTOPT_OK);
    CU_ASSERT_EQUAL(answer.state, SPOTOPT__LP_INFEASIBLE);
    CU_ASSERT_EQUAL(x[0], -7.0);
    CU_ASSERT_EQUAL(answer.objective, INFINITY);
    CU_ASSERT_EQUAL(spotopt__lp_set_column_bounds(lp, 0, 0.0, INFINITY, NULL), SPOTOPT_OK);
    CU_ASSERT_EQUAL(spotopt__lp_set_cost(lp, 0, -1.0, NULL), SPOTOPT_OK);
    CU_ASSERT_EQUAL(spotopt__lp_solve(lp, 10.0, x, NULL, &answer, NULL), SPOTOPT_OK);
    CU_ASSERT_EQUAL(answer.state, SPOTOPT__LP_UNBOUNDED);
    spotopt__lp_free(lp);
}

static void
test_lp__is_infeasible_in_whole_numbers_alone(void)
{
    /* 2x = 1 */
    const double one[] = {1.0}, zero[] = {0.0}, ten[] = {10.0}, two[] = {2.0};
    const size_t start[] = {0, 1};
    const uint32_t row[] = {0};
    const unsigned char whole[] = {1};
    spotopt__lp_answer answer;
    spotopt__lp *lp = NULL;

    CU_ASSERT_EQUAL_FATAL(spotopt__lp_new(NULL, &lp, NULL), SPOTOPT_OK);
    CU_ASSERT_EQUAL(spotopt__lp_add_rows(lp, 1, one, one, NULL), SPOTOPT_OK);
    CU_ASSERT_EQUAL(spotopt__lp_add_columns(lp, 1, one, zero, ten, start, row, two, NULL),
                    SPOTOPT_OK);
    CU_ASSERT_EQUAL(spotopt__lp_solve(lp, 10.0, NULL, NULL, &answer, NULL), SPOTOPT_OK);
    CU_ASSERT_EQUAL(answer.state, SPOTOPT__LP_OPTIMAL);
    CU_ASSERT_EQUAL(spotopt__lp_solve_integer(lp, whole, 0.0, 10.0, NULL, &answer, NULL),
                    SPOTOPT_OK);
    CU_ASSERT_EQUAL(answer.state, SPOTOPT__LP_INFEASIBLE);
    spotopt__lp_free(lp);
}

/* Random covers with upper bounds; whole answers against all of them tried. */
static void
test_lp__agrees_with_brute_force_and_duality(void)
{
    enum { ROWS = 3, COLUMNS = 4, MOST = 4, ROUNDS = 60 };
    spotopt__rng rng;

    spotopt__rng_seed(&rng, 20);
    for (int round = 0; round < ROUNDS; round++) {
        double cost[COLUMNS], value[COLUMNS * ROWS], least[ROWS], none[ROWS], zero[COLUMNS],
            most[COLUMNS];
        double x[COLUMNS], dual[ROWS], bound = 0.0, best = INFINITY;
        size_t start[COLUMNS + 1] = {0};
        uint32_t row[COLUMNS * ROWS];
        unsigned char whole[COLUMNS];
        spotopt__lp_answer answer;
        spotopt__lp *lp = NULL;

        for (int i = 0; i < ROWS; i++) {
            least[i] = (double)spotopt__rng_below(&rng, 20);
            none[i] = INFINITY;
        }
        for (int j = 0; j < COLUMNS; j++) {
            cost[j] = 1.0 + (double)spotopt__rng_below(&rng, 9);
            zero[j] = 0.0;
            most[j] = MOST;
            whole[j] = 1;
            start[j + 1] = start[j] + ROWS;
            for (int i = 0; i < ROWS; i++) {
                row[j * ROWS + i] = (uint32_t)i;
                value[j * ROWS + i] = (double)spotopt__rng_below(&rng, 5);
            }
        }
        for (int k = 0; k < 625; k++) { /* (MOST + 1)^COLUMNS */
            const int n[COLUMNS] = {k % 5, k / 5 % 5, k / 25 % 5, k / 125};
            double total = 0.0;
            bool covers = true;

            for (int i = 0; i < ROWS; i++) {
                double sum = 0.0;

                for (int j = 0; j < COLUMNS; j++)
                    sum += n[j] * value[j * ROWS + i];
                covers = covers && sum >= least[i];
            }
            for (int j = 0; j < COLUMNS; j++)
                total += n[j] * cost[j];
            best = covers && total < best ? total : best;
        }
        CU_ASSERT_EQUAL_FATAL(spotopt__lp_new(NULL, &lp, NULL), SPOTOPT_OK);
        CU_ASSERT_EQUAL(spotopt__lp_add_rows(lp, ROWS, least, none, NULL), SPOTOPT_OK);
        CU_ASSERT_EQUAL(
            spotopt__lp_add_columns(lp, COLUMNS, cost, zero, most, start, row, value, NULL),
            SPOTOPT_OK);
        CU_ASSERT_EQUAL(spotopt__lp_solve(lp, 10.0, x, dual, &answer, NULL), SPOTOPT_OK);
        if (answer.state == SPOTOPT__LP_OPTIMAL) {
            /* the dual's value: b'y + u'min(0, c - A'y) */
            for (int i = 0; i < ROWS; i++)
                bound += least[i] * dual[i];
            for (int j = 0; j < COLUMNS; j++) {
                double reduced = cost[j];

                for (int i = 0; i < ROWS; i++)
                    reduced -= value[j * ROWS + i] * dual[i];
                bound += reduced < 0.0 ? MOST * reduced : 0.0;
            }
            CU_ASSERT_DOUBLE_EQUAL(bound, answer.objective, 1e-7);
            CU_ASSERT_TRUE(answer.objective <= best + 1e-7);
        } else
            CU_ASSERT_EQUAL(best, INFINITY);
        CU_ASSERT_EQUAL(spotopt__lp_solve_integer(lp, whole, 0.0, 10.0, x, &answer, NULL),
                        SPOTOPT_OK);
        if (isinf(best))
            CU_ASSERT_EQUAL(answer.state, SPOTOPT__LP_INFEASIBLE)
        else {
            CU_ASSERT_EQUAL(answer.state, SPOTOPT__LP_OPTIMAL);
            CU_ASSERT_DOUBLE_EQUAL(answer.objective, best, 1e-7);
            CU_ASSERT_DOUBLE_EQUAL(answer.bound, best, 1e-7);
        }
        spotopt__lp_free(lp);
    }
}

static void
test_lp__refuses_numbers_the_engine_would_choke_on(void)
{
    const double nan[] = {NAN, 1.0}, inf[] = {INFINITY, 1.0}, one[] = {1.0, 1.0},
                 zero[] = {0.0, 0.0};
    const double bad_value[] = {1.0, NAN};
    const size_t start[] = {0, 2}, back[] = {2, 0};
    const uint32_t row[] = {0, 1}, twice[] = {1, 1}, far[] = {0, 2};
    const unsigned char whole[] = {1, 1};
    spotopt__lp *lp = small();
    spotopt_error err = SPOTOPT_ERROR_INIT;
    spotopt__lp_answer answer;

    CU_ASSERT_EQUAL(spotopt__lp_add_rows(lp, 2, nan, one, &err), SPOTOPT_E_ARGUMENT);
    CU_ASSERT_EQUAL(spotopt__lp_add_rows(lp, 2, inf, inf, &err), SPOTOPT_E_ARGUMENT);
    CU_ASSERT_EQUAL(spotopt__lp_add_rows(lp, 2, one, zero, &err), SPOTOPT_E_ARGUMENT);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.message, "row 2"));
    CU_ASSERT_EQUAL(spotopt__lp_add_rows(lp, SIZE_MAX, one, one, &err), SPOTOPT_E_ARGUMENT);
    CU_ASSERT_EQUAL(spotopt__lp_add_columns(lp, 1, nan, zero, one, start, row, one, &err),
                    SPOTOPT_E_ARGUMENT);
    CU_ASSERT_EQUAL(spotopt__lp_add_columns(lp, 1, inf, zero, one, start, row, one, &err),
                    SPOTOPT_E_ARGUMENT);
    CU_ASSERT_EQUAL(spotopt__lp_add_columns(lp, 1, one, one, nan, start, row, one, &err),
                    SPOTOPT_E_ARGUMENT);
    CU_ASSERT_EQUAL(spotopt__lp_add_columns(lp, 1, one, zero, one, start, row, bad_value, &err),
                    SPOTOPT_E_ARGUMENT);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.message, "column 2, row 1"));
    CU_ASSERT_EQUAL(spotopt__lp_add_columns(lp, 1, one, zero, one, start, twice, one, &err),
                    SPOTOPT_E_ARGUMENT);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.message, "row 1 twice"));
    CU_ASSERT_EQUAL(spotopt__lp_add_columns(lp, 1, one, zero, one, start, far, one, &err),
                    SPOTOPT_E_ARGUMENT);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.message, "less than 2"));
    CU_ASSERT_EQUAL(spotopt__lp_add_columns(lp, 1, one, zero, one, back, row, one, &err),
                    SPOTOPT_E_ARGUMENT);
    CU_ASSERT_EQUAL(spotopt__lp_set_cost(lp, 2, 1.0, &err), SPOTOPT_E_ARGUMENT);
    CU_ASSERT_EQUAL(spotopt__lp_set_cost(lp, 0, NAN, &err), SPOTOPT_E_ARGUMENT);
    CU_ASSERT_EQUAL(spotopt__lp_set_row_bounds(lp, 2, 0.0, 1.0, &err), SPOTOPT_E_ARGUMENT);
    CU_ASSERT_EQUAL(spotopt__lp_set_column_bounds(lp, 0, 1.0, 0.0, &err), SPOTOPT_E_ARGUMENT);
    CU_ASSERT_EQUAL(spotopt__lp_delete_columns(lp, 2, twice, &err), SPOTOPT_E_ARGUMENT);
    CU_ASSERT_EQUAL(spotopt__lp_delete_columns(lp, 2, far, &err), SPOTOPT_E_ARGUMENT);
    CU_ASSERT_EQUAL(spotopt__lp_solve(lp, NAN, NULL, NULL, &answer, &err), SPOTOPT_E_ARGUMENT);
    CU_ASSERT_EQUAL(spotopt__lp_solve_integer(lp, whole, -1.0, 1.0, NULL, &answer, &err),
                    SPOTOPT_E_ARGUMENT);
    CU_ASSERT_EQUAL(spotopt__lp_solve(lp, 10.0, NULL, NULL, &answer, &err), SPOTOPT_OK);
    CU_ASSERT_DOUBLE_EQUAL(answer.objective, 21.0, 1e-9); /* nothing got through */
    CU_ASSERT_EQUAL(spotopt__lp_set_column_bounds(lp, 1, 0.5, 9.0, &err), SPOTOPT_OK);
    CU_ASSERT_EQUAL(spotopt__lp_solve_integer(lp, whole, 0.0, 1.0, NULL, &answer, &err),
                    SPOTOPT_E_ARGUMENT);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.message, "column 1 is integer"));
    spotopt__lp_free(lp);
}

/* Past the border, a bad index makes GLPK shout and abort: here that stays a status, and silent. */
static void
test_lp__turns_a_fault_into_a_status_and_prints_nothing(void)
{
    const double one[] = {1.0}, zero[] = {0.0};
    const size_t start[] = {0, 1};
    const uint32_t far[] = {99};
    spotopt_error err = SPOTOPT_ERROR_INIT;
    spotopt__lp_answer answer;
    spotopt__lp *lp = small();
    lp_request request = {.order = LP_ADD_COLUMNS,
                          .count = 1,
                          .cost = one,
                          .lower = zero,
                          .upper = one,
                          .start = start,
                          .row = far,
                          .value = one};
    FILE *caught = tmpfile();
    glp_prob *host = glp_create_prob(); /* the host's own, on its own thread */
    int out = dup(1), errors = dup(2);

    CU_ASSERT_EQUAL(glp_term_out(GLP_ON), GLP_ON);
    glp_add_rows(host, 3);
    CU_ASSERT_PTR_NOT_NULL_FATAL(caught);
    (void)fflush(NULL);
    (void)dup2(fileno(caught), 1);
    (void)dup2(fileno(caught), 2);
    spotopt__lp_engine_do(lp, &request);
    (void)fflush(NULL);
    (void)dup2(out, 1);
    (void)dup2(errors, 2);
    (void)close(out);
    (void)close(errors);
    CU_ASSERT_EQUAL(lseek(fileno(caught), 0, SEEK_END), 0);
    (void)fclose(caught);

    CU_ASSERT_EQUAL(request.status, SPOTOPT_E_INTERNAL);
    CU_ASSERT_EQUAL(spotopt__lp_solve(lp, 1.0, NULL, NULL, &answer, &err), SPOTOPT_E_INTERNAL);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.message, "failed earlier"));
    spotopt__lp_free(lp);
    CU_ASSERT_EQUAL(glp_get_num_rows(host), 3);
    CU_ASSERT_EQUAL(glp_term_out(GLP_ON), GLP_ON);
    glp_delete_prob(host);
    (void)glp_free_env();
}

static void
test_lp__fails_politely_in_a_forked_child(void)
{
    spotopt__lp *lp = small();
    spotopt__lp_answer answer;
    int status = 0;
    pid_t child;

    (void)fflush(NULL);
    child = fork();
    if (child == 0) {
        const bool good =
            spotopt__lp_solve(lp, 1.0, NULL, NULL, &answer, NULL) == SPOTOPT_E_STATE &&
            spotopt__lp_set_cost(lp, 0, 1.0, NULL) == SPOTOPT_E_STATE;

        spotopt__lp_free(lp); /* must not wait for a thread that is not there */
        /* not _exit(): what the thread had is lost here, and a leak checker would call that a
         * failure */
        (void)execl("/bin/sh", "sh", "-c", good ? "exit 0" : "exit 1", (char *)NULL);
        _exit(2);
    }
    CU_ASSERT_TRUE(child > 0);
    CU_ASSERT_EQUAL(waitpid(child, &status, 0), child);
    CU_ASSERT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    CU_ASSERT_EQUAL(spotopt__lp_solve(lp, 10.0, NULL, NULL, &answer, NULL), SPOTOPT_OK);
    spotopt__lp_free(lp);
}

static void *
solve_often(void *user)
{
    size_t *wrong = user;

    for (int i = 0; i < 50; i++) {
        spotopt__lp_answer answer;
        spotopt__lp *lp = NULL;

        if (build_small(NULL, &lp, NULL) < 0) {
            ++*wrong;
            continue;
        }
        *wrong += spotopt__lp_solve(lp, 10.0, NULL, NULL, &answer, NULL) < 0 ||
                  fabs(answer.objective - 21.0) > 1e-9;
        spotopt__lp_free(lp);
    }
    return NULL;
}

static void
test_lp__serves_several_threads_at_once(void)
{
    size_t wrong[3] = {0};
    pthread_t threads[3];

    for (int i = 0; i < 3; i++)
        CU_ASSERT_EQUAL_FATAL(pthread_create(&threads[i], NULL, solve_often, &wrong[i]), 0);
    for (int i = 0; i < 3; i++) {
        (void)pthread_join(threads[i], NULL);
        CU_ASSERT_EQUAL(wrong[i], 0);
    }
}

static spotopt_status
build_and_solve(fail_alloc *allocator)
{
    const uint32_t first[] = {0};
    spotopt_context *context = fail_alloc_context(allocator);
    spotopt_status status = SPOTOPT_E_NOMEM;
    spotopt__lp_answer answer;
    spotopt__lp *lp = NULL;

    if (context == NULL)
        return status;
    status = build_small(context, &lp, NULL);
    if (status == SPOTOPT_OK)
        status = spotopt__lp_set_cost(lp, 1, 3.0, NULL);
    if (status == SPOTOPT_OK)
        status = spotopt__lp_solve(lp, 10.0, NULL, NULL, &answer, NULL);
    if (status == SPOTOPT_OK)
        status = spotopt__lp_delete_columns(lp, 1, first, NULL);
    spotopt__lp_free(lp);
    spotopt_context_free(context);
    return status;
}

static void
test_lp__survives_each_allocation_failing(void)
{
    fail_alloc allocator = FAIL_ALLOC_INIT;
    spotopt_status status;
    size_t n = 0;

    do {
        fail_after(&allocator, n++);
        status = build_and_solve(&allocator);
        CU_ASSERT_EQUAL(allocator.live, 0);
    } while (status == SPOTOPT_E_NOMEM && n < 100);
    CU_ASSERT_EQUAL(status, SPOTOPT_OK);
    CU_ASSERT_TRUE(n > 5);
}

/* A cover of many equal-looking columns, hard to close: the clock must end it with a valid bound.
 */
static void
test_lp__stops_at_its_limit_with_a_valid_bound(void)
{
    enum { ROWS = 60, COLUMNS = 120 };
    static double cost[COLUMNS], value[COLUMNS * ROWS], least[ROWS], none[ROWS], zero[COLUMNS],
        most[COLUMNS];
    static double x[COLUMNS];
    static size_t start[COLUMNS + 1];
    static uint32_t row[COLUMNS * ROWS];
    static unsigned char whole[COLUMNS];
    spotopt__lp_answer answer;
    spotopt__lp *lp = NULL;
    spotopt__rng rng;

    spotopt__rng_seed(&rng, 1);
    for (int i = 0; i < ROWS; i++) {
        least[i] = 2000.0;
        none[i] = INFINITY;
    }
    for (int j = 0; j < COLUMNS; j++) {
        cost[j] = 100.0 + (double)spotopt__rng_below(&rng, 20);
        most[j] = 1.0;
        whole[j] = 1;
        start[j + 1] = start[j] + ROWS;
        for (int i = 0; i < ROWS; i++) {
            row[j * ROWS + i] = (uint32_t)i;
            value[j * ROWS + i] = 30.0 + (double)spotopt__rng_below(&rng, 40);
        }
    }
    CU_ASSERT_EQUAL_FATAL(spotopt__lp_new(NULL, &lp, NULL), SPOTOPT_OK);
    CU_ASSERT_EQUAL(spotopt__lp_add_rows(lp, ROWS, least, none, NULL), SPOTOPT_OK);
    CU_ASSERT_EQUAL(spotopt__lp_add_columns(lp, COLUMNS, cost, zero, most, start, row, value, NULL),
                    SPOTOPT_OK);
    CU_ASSERT_EQUAL(spotopt__lp_solve_integer(lp, whole, 0.0, 0.3, x, &answer, NULL), SPOTOPT_OK);
    CU_ASSERT_TRUE(answer.seconds < 5.0);                /* also under a sanitizer */
    CU_ASSERT_EQUAL(answer.state, SPOTOPT__LP_FEASIBLE); /* rounding up covers */
    CU_ASSERT_TRUE(answer.bound > 0.0);
    if (answer.state == SPOTOPT__LP_FEASIBLE) {
        for (int i = 0; i < ROWS; i++) {
            double sum = 0.0;

            for (int j = 0; j < COLUMNS; j++)
                sum += value[j * ROWS + i] * x[j];
            CU_ASSERT_TRUE(sum >= least[i] - 1e-6);
        }
    }
    if (answer.state == SPOTOPT__LP_FEASIBLE) {
        double total = 0.0;

        for (int j = 0; j < COLUMNS; j++)
            total += cost[j] * x[j];
        CU_ASSERT_DOUBLE_EQUAL(total, answer.objective, 1e-6);
        CU_ASSERT_TRUE(answer.bound <= answer.objective);
    }
    spotopt__lp_free(lp);
}

int
main(void)
{
    static const suite_test tests[] = {
        TEST(test_lp__finds_the_optimum_and_its_duals),
        TEST(test_lp__goes_on_from_its_basis_when_columns_rows_bounds_and_costs_change),
        TEST(test_lp__tells_infeasible_and_unbounded),
        TEST(test_lp__is_infeasible_in_whole_numbers_alone),
        TEST(test_lp__agrees_with_brute_force_and_duality),
        TEST(test_lp__refuses_numbers_the_engine_would_choke_on),
        TEST(test_lp__turns_a_fault_into_a_status_and_prints_nothing),
        TEST(test_lp__fails_politely_in_a_forked_child),
        TEST(test_lp__serves_several_threads_at_once),
        TEST(test_lp__survives_each_allocation_failing),
        TEST(test_lp__stops_at_its_limit_with_a_valid_bound),
    };
    return suite_run("lp", tests, sizeof tests / sizeof *tests);
}
