/* SPDX-License-Identifier: Apache-2.0 */
/* The small simplex engine against GLPK, through every change that a caller may make. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/lp.h"
#include "base/rng.h"
#include "fail_alloc.h"
#include "pack/simplex.h"
#include "suite.h"

#define ROWS 40
#define COLUMNS 400

/* The program as it should be, dense, beside the engine that is given the same. */
typedef struct twin {
    spotopt__simplex *lp;
    spotopt__rng rng;
    uint32_t rows, columns;
    double a[ROWS][COLUMNS], low[ROWS], high[ROWS], cost[COLUMNS], from[COLUMNS], to[COLUMNS];
} twin;

static uint32_t
below(twin *t, uint32_t limit)
{
    return (uint32_t)spotopt__rng_below(&t->rng, limit);
}

static void
draw_bounds(twin *t, double *low, double *high)
{
    double at = below(t, 9), wide = below(t, 6);

    switch (below(t, 4)) {
    case 0:
        *low = at;
        *high = (double)INFINITY;
        break;
    case 1:
        *low = -(double)INFINITY;
        *high = at;
        break;
    case 2:
        *low = *high = at;
        break;
    default:
        *low = at - wide;
        *high = at + wide;
    }
}

static void
add_row(twin *t)
{
    uint32_t column[COLUMNS], count = 0, row = t->rows;
    double value[COLUMNS];

    draw_bounds(t, &t->low[row], &t->high[row]);
    for (uint32_t j = 0; j < t->columns; j++) {
        t->a[row][j] = 0.0;
        if (below(t, 3) == 0) {
            t->a[row][j] = (double)below(t, 7) - 2.0;
            column[count] = j;
            value[count++] = t->a[row][j];
        }
    }
    CU_ASSERT_TRUE_FATAL(
        spotopt__simplex_add_row(t->lp, t->low[row], t->high[row], count, column, value));
    t->rows++;
}

static void
add_column(twin *t)
{
    uint32_t row[ROWS], count = 0, j = t->columns;
    double value[ROWS];

    for (uint32_t i = 0; i < t->rows; i++) {
        t->a[i][j] = 0.0;
        if (below(t, 3) == 0) {
            t->a[i][j] = (double)below(t, 6) - 1.0;
            row[count] = i;
            value[count++] = t->a[i][j];
        }
    }
    t->cost[j] = (double)below(t, 20) - 2.0;
    t->from[j] = below(t, 8) == 0 ? -(double)below(t, 3) : 0.0;
    t->to[j] = below(t, 2) == 0 ? t->from[j] + below(t, 5) : (double)INFINITY;
    CU_ASSERT_TRUE_FATAL(
        spotopt__simplex_add_column(t->lp, t->cost[j], t->from[j], t->to[j], count, row, value));
    t->columns++;
}

static void
drop_columns(twin *t)
{
    unsigned char gone[COLUMNS] = {0};
    uint32_t kept = 0;

    for (uint32_t j = 0; j < t->columns; j++)
        gone[j] = below(t, 5) == 0;
    spotopt__simplex_drop_columns(t->lp, gone);
    for (uint32_t j = 0; j < t->columns; j++) {
        if (gone[j])
            continue;
        for (uint32_t i = 0; i < t->rows; i++)
            t->a[i][kept] = t->a[i][j];
        t->cost[kept] = t->cost[j];
        t->from[kept] = t->from[j];
        t->to[kept++] = t->to[j];
    }
    t->columns = kept;
}

static void
drop_rows(twin *t)
{
    unsigned char gone[ROWS] = {0};
    uint32_t kept = 0;

    for (uint32_t i = 0; i < t->rows; i++)
        gone[i] = below(t, 4) == 0;
    spotopt__simplex_drop_rows(t->lp, gone);
    for (uint32_t i = 0; i < t->rows; i++) {
        if (gone[i])
            continue;
        memmove(t->a[kept], t->a[i], sizeof t->a[i]);
        t->low[kept] = t->low[i];
        t->high[kept++] = t->high[i];
    }
    t->rows = kept;
}

static void
change(twin *t)
{
    switch (below(t, 8)) {
    case 0:
        if (t->rows < ROWS)
            add_row(t);
        break;
    case 1:
        if (t->columns > 0)
            drop_columns(t);
        break;
    case 2:
        if (t->rows > 2)
            drop_rows(t);
        break;
    case 3:
        if (t->rows > 0) {
            uint32_t i = below(t, t->rows);
            draw_bounds(t, &t->low[i], &t->high[i]);
            spotopt__simplex_set_row(t->lp, i, t->low[i], t->high[i]);
        }
        break;
    case 4:
        if (t->columns > 0) {
            uint32_t j = below(t, t->columns);
            t->from[j] = 0.0;
            t->to[j] = below(t, 2) == 0 ? 0.0 : (double)INFINITY;
            spotopt__simplex_set_column(t->lp, j, t->from[j], t->to[j]);
        }
        break;
    case 5:
        if (t->columns > 0) {
            uint32_t j = below(t, t->columns);
            t->cost[j] = (double)below(t, 20) - 2.0;
            spotopt__simplex_set_cost(t->lp, j, t->cost[j]);
        }
        break;
    default:
        for (uint32_t k = below(t, 12); k > 0 && t->columns < COLUMNS; k--)
            add_column(t);
    }
}

static int
reference(const twin *t, double *objective)
{
    spotopt__lp *lp = NULL;
    spotopt__lp_answer answer;

    CU_ASSERT_EQUAL_FATAL(spotopt__lp_new(NULL, &lp, NULL), SPOTOPT_OK);
    CU_ASSERT_EQUAL_FATAL(spotopt__lp_add_rows(lp, t->rows, t->low, t->high, NULL), SPOTOPT_OK);
    for (uint32_t j = 0; j < t->columns; j++) {
        uint32_t row[ROWS];
        double value[ROWS];
        size_t start[2] = {0, 0};
        for (uint32_t i = 0; i < t->rows; i++) {
            if (t->a[i][j] != 0.0) {
                row[start[1]] = i;
                value[start[1]++] = t->a[i][j];
            }
        }
        CU_ASSERT_EQUAL_FATAL(spotopt__lp_add_columns(lp, 1, &t->cost[j], &t->from[j], &t->to[j],
                                                      start, row, value, NULL),
                              SPOTOPT_OK);
    }
    CU_ASSERT_EQUAL_FATAL(spotopt__lp_solve(lp, 10.0, NULL, NULL, &answer, NULL), SPOTOPT_OK);
    *objective = answer.objective;
    spotopt__lp_free(lp);
    return answer.state;
}

/* The point is feasible, and the duals prove that none is better. */
static void
judge(const twin *t)
{
    const double *dual = spotopt__simplex_duals(t->lp);
    double proved = 0.0, scale = 1.0;

    for (uint32_t i = 0; i < t->rows; i++) {
        double activity = 0.0;
        for (uint32_t j = 0; j < t->columns; j++)
            activity += t->a[i][j] * spotopt__simplex_x(t->lp, j);
        CU_ASSERT_DOUBLE_EQUAL(activity, spotopt__simplex_activity(t->lp, i), 1e-5);
        CU_ASSERT_TRUE(activity >= t->low[i] - 1e-5 && activity <= t->high[i] + 1e-5);
        if (fabs(dual[i]) > 1e-7)
            proved += dual[i] * (dual[i] > 0.0 ? t->low[i] : t->high[i]);
    }
    for (uint32_t j = 0; j < t->columns; j++) {
        double reduced = t->cost[j], x = spotopt__simplex_x(t->lp, j);
        CU_ASSERT_TRUE(x >= t->from[j] - 1e-6 && x <= t->to[j] + 1e-6);
        for (uint32_t i = 0; i < t->rows; i++)
            reduced -= dual[i] * t->a[i][j];
        if (fabs(reduced) > 1e-7)
            proved += reduced * (reduced > 0.0 ? t->from[j] : t->to[j]);
        scale += fabs(t->cost[j] * x);
    }
    CU_ASSERT_DOUBLE_EQUAL(proved, spotopt__simplex_objective(t->lp), 1e-4 * scale);
}

static void
test_simplex__agrees_with_glpk_through_any_changes(void)
{
    static twin t;
    unsigned solved = 0, infeasible = 0, unbounded = 0;

    for (uint64_t seed = 1; seed <= 60; seed++) {
        memset(&t, 0, sizeof t);
        spotopt__rng_seed(&t.rng, seed);
        t.lp = spotopt__simplex_new(NULL);
        CU_ASSERT_PTR_NOT_NULL_FATAL(t.lp);
        for (uint32_t k = 2 + below(&t, 12); k > 0; k--)
            add_row(&t);
        for (int step = 0; step < 60; step++) {
            double objective = 0.0;
            for (uint32_t k = 1 + below(&t, 3); k > 0; k--)
                change(&t);
            if (t.columns == 0 || t.rows == 0)
                continue;
            spotopt__simplex_state state = spotopt__simplex_solve(t.lp, 0, NULL, NULL);
            int wanted = reference(&t, &objective);
            CU_ASSERT_NOT_EQUAL(state, SPOTOPT__SIMPLEX_FAILED);
            if (wanted == SPOTOPT__LP_OPTIMAL) {
                solved++;
                CU_ASSERT_EQUAL(state, SPOTOPT__SIMPLEX_OPTIMAL);
                CU_ASSERT_DOUBLE_EQUAL(spotopt__simplex_objective(t.lp), objective,
                                       1e-5 * fmax(1.0, fabs(objective)));
                if (state == SPOTOPT__SIMPLEX_OPTIMAL)
                    judge(&t);
            } else { /* GLPK may call a program unbounded that has no point at all, and back */
                CU_ASSERT_TRUE(state == SPOTOPT__SIMPLEX_INFEASIBLE ||
                               state == SPOTOPT__SIMPLEX_UNBOUNDED);
                infeasible += wanted == SPOTOPT__LP_INFEASIBLE;
                unbounded += wanted == SPOTOPT__LP_UNBOUNDED;
            }
        }
        spotopt__simplex_free(t.lp);
    }
    CU_ASSERT_TRUE(solved > 500 && infeasible > 50 && unbounded > 5);
}

/* The pattern LP of a cutting stock problem: rows of cover, columns that arrive in batches. */
static spotopt__simplex *
cutting_stock(spotopt_context *context, uint32_t rows, uint32_t batches, uint64_t seed)
{
    spotopt__simplex *lp = spotopt__simplex_new(context);
    spotopt__rng rng;
    bool fine = lp != NULL;

    spotopt__rng_seed(&rng, seed);
    for (uint32_t i = 0; i < rows && fine; i++)
        fine = spotopt__simplex_add_row(lp, 1.0 + (double)spotopt__rng_below(&rng, 5), INFINITY, 0,
                                        NULL, NULL);
    for (uint32_t i = 0; i < rows && fine; i++)
        fine = spotopt__simplex_add_column(lp, 10.0, 0.0, INFINITY, 1, &i, &(double){1.0});
    for (uint32_t b = 0; b < batches && fine; b++) {
        for (uint32_t k = 0; k < rows / 4 && fine; k++) {
            uint32_t at[4], count = 0;
            double value[4];
            for (uint32_t e = 0; e < 4; e++) {
                uint32_t i = (uint32_t)spotopt__rng_below(&rng, rows);
                bool twice = false;
                for (uint32_t f = 0; f < count; f++)
                    twice = twice || at[f] == i;
                if (twice)
                    continue;
                at[count] = i;
                value[count++] = 1.0 + (double)spotopt__rng_below(&rng, 2);
            }
            fine = spotopt__simplex_add_column(lp, 1.0, 0.0, INFINITY, count, at, value);
        }
        if (fine && spotopt__simplex_solve(lp, 0, NULL, NULL) != SPOTOPT__SIMPLEX_OPTIMAL)
            fine = false;
    }
    if (!fine) {
        spotopt__simplex_free(lp);
        return NULL;
    }
    return lp;
}

static void
test_simplex__solves_a_pattern_program_as_columns_arrive(void)
{
    spotopt__simplex *lp = cutting_stock(NULL, 150, 30, 7);
    double objective;
    unsigned char *gone;

    CU_ASSERT_PTR_NOT_NULL_FATAL(lp);
    objective = spotopt__simplex_objective(lp);
    CU_ASSERT_TRUE(spotopt__simplex_pivots(lp) > 150);
    gone = calloc(spotopt__simplex_columns(lp), 1);
    CU_ASSERT_PTR_NOT_NULL_FATAL(gone);
    for (uint32_t j = 0; j < spotopt__simplex_columns(lp); j++)
        gone[j] = !spotopt__simplex_is_basic(lp, j) && spotopt__simplex_x(lp, j) == 0.0;
    spotopt__simplex_drop_columns(lp, gone);
    free(gone);
    uint64_t before = spotopt__simplex_pivots(lp);
    CU_ASSERT_EQUAL(spotopt__simplex_solve(lp, 0, NULL, NULL), SPOTOPT__SIMPLEX_OPTIMAL);
    CU_ASSERT_EQUAL(spotopt__simplex_pivots(lp), before); /* columns at zero were not needed */
    CU_ASSERT_DOUBLE_EQUAL(spotopt__simplex_objective(lp), objective, 1e-7);
    spotopt__simplex_free(lp);
}

static void
test_simplex__is_the_same_to_the_bit_every_time(void)
{
    spotopt__simplex *one = cutting_stock(NULL, 60, 12, 3), *two = cutting_stock(NULL, 60, 12, 3);

    CU_ASSERT_PTR_NOT_NULL_FATAL(one);
    CU_ASSERT_PTR_NOT_NULL_FATAL(two);
    CU_ASSERT_EQUAL(
        memcmp(spotopt__simplex_duals(one), spotopt__simplex_duals(two), 60 * sizeof(double)), 0);
    spotopt__simplex_free(one);
    spotopt__simplex_free(two);
}

static bool
at_once(void *data)
{
    (void)data;
    return true;
}

static void
test_simplex__stops_when_asked(void)
{
    spotopt__simplex *lp = cutting_stock(NULL, 100, 1, 5);

    CU_ASSERT_PTR_NOT_NULL_FATAL(lp);
    for (uint32_t j = 0; j < spotopt__simplex_columns(lp); j++)
        spotopt__simplex_set_cost(lp, j, j % 7 + 1.0);
    CU_ASSERT_EQUAL(spotopt__simplex_solve(lp, 3, NULL, NULL), SPOTOPT__SIMPLEX_LIMIT);
    for (uint32_t j = 0; j < spotopt__simplex_columns(lp); j++)
        spotopt__simplex_set_cost(lp, j, 8.0 - j % 7);
    CU_ASSERT_EQUAL(spotopt__simplex_solve(lp, 0, at_once, NULL), SPOTOPT__SIMPLEX_LIMIT);
    CU_ASSERT_EQUAL(spotopt__simplex_solve(lp, 0, NULL, NULL), SPOTOPT__SIMPLEX_OPTIMAL);
    spotopt__simplex_free(lp);
}

static bool
build_and_drop(spotopt_context *context)
{
    spotopt__simplex *lp = cutting_stock(context, 40, 3, 9);
    unsigned char gone[64] = {1, 0, 0, 1};
    bool fine;

    if (lp == NULL)
        return false;
    spotopt__simplex_drop_rows(lp, gone);
    fine = !spotopt__simplex_nomem(lp) &&
           spotopt__simplex_add_row(lp, 1.0, 2.0, 2, (uint32_t[]){3, 5}, (double[]){1.0, 1.0}) &&
           spotopt__simplex_solve(lp, 0, NULL, NULL) != SPOTOPT__SIMPLEX_FAILED;
    spotopt__simplex_free(lp);
    return fine;
}

static void
test_simplex__survives_an_allocator_that_refuses(void)
{
    bool fine = false;

    fail_alloc memory = FAIL_ALLOC_INIT;

    for (size_t n = 0; !fine && n < 2000; n++) {
        fail_after(&memory, n);
        spotopt_context *context = fail_alloc_context(&memory);
        fine = context != NULL && build_and_drop(context);
        spotopt_context_free(context);
        CU_ASSERT_EQUAL(memory.live, 0);
    }
    CU_ASSERT_TRUE(fine);
}

int
main(void)
{
    static const suite_test tests[] = {
        TEST(test_simplex__agrees_with_glpk_through_any_changes),
        TEST(test_simplex__solves_a_pattern_program_as_columns_arrive),
        TEST(test_simplex__is_the_same_to_the_bit_every_time),
        TEST(test_simplex__stops_when_asked),
        TEST(test_simplex__survives_an_allocator_that_refuses),
    };

    return suite_run("simplex", tests, sizeof tests / sizeof *tests);
}
