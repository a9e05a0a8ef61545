/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SPOTOPT_BASE_LP_H
#define SPOTOPT_BASE_LP_H
#include "base/alloc.h"
#include "base/error.h"

/*
 * Linear and small integer programs, minimised. GLPK underneath, known to lp_engine.c alone: each
 * problem lives on a thread of its own (signals blocked), so that GLPK's environment, its terminal
 * and its faults never touch the host's. A fault becomes SPOTOPT_E_INTERNAL and ends the problem;
 * freeing it leaves no memory behind. In a forked child every call fails with SPOTOPT_E_STATE. Not
 * to be shared between threads without a lock. Indices are from 0. Every number is checked before
 * GLPK sees it. INFINITY means no bound.
 */
typedef struct spotopt__lp spotopt__lp;

enum {
    SPOTOPT__LP_OPTIMAL, /* of an integer solve: proven to be within gap_rel of the bound */
    SPOTOPT__LP_INFEASIBLE,
    SPOTOPT__LP_UNBOUNDED,
    SPOTOPT__LP_FEASIBLE, /* stopped by its limit with a feasible point */
    SPOTOPT__LP_LIMIT     /* stopped by its limit with nothing */
};

typedef struct spotopt__lp_answer {
    int state;        /* SPOTOPT__LP_... */
    double objective; /* of x; INFINITY when there is none */
    double bound;   /* integer solve: proven lower bound; simplex: the objective when optimal, else
                       -INFINITY */
    double seconds; /* wall clock in the engine */
} spotopt__lp_answer;

spotopt_status spotopt__lp_new(spotopt_context *context, spotopt__lp **out, spotopt_error *err);
void spotopt__lp_free(spotopt__lp *lp);
size_t spotopt__lp_rows(const spotopt__lp *lp);
size_t spotopt__lp_columns(const spotopt__lp *lp);

spotopt_status spotopt__lp_add_rows(spotopt__lp *lp, size_t count, const double *lower,
                                    const double *upper, spotopt_error *err);
/* Column j has the entries start[j] .. start[j+1]-1 of row[] and value[]; start has count+1
 * entries. */
spotopt_status spotopt__lp_add_columns(spotopt__lp *lp, size_t count, const double *cost,
                                       const double *lower, const double *upper,
                                       const size_t *start, const uint32_t *row,
                                       const double *value, spotopt_error *err);
spotopt_status spotopt__lp_set_row_bounds(spotopt__lp *lp, size_t row, double lower, double upper,
                                          spotopt_error *err);
spotopt_status spotopt__lp_set_column_bounds(spotopt__lp *lp, size_t column, double lower,
                                             double upper, spotopt_error *err);
spotopt_status spotopt__lp_set_cost(spotopt__lp *lp, size_t column, double cost,
                                    spotopt_error *err);
spotopt_status spotopt__lp_delete_columns(spotopt__lp *lp, size_t count, const uint32_t *columns,
                                          spotopt_error *err);

/*
 * Simplex, warm from the last basis. x (columns) and dual (rows, d objective / d right-hand side)
 * may be NULL and are written when there is a primal point; limit_s is wall clock.
 */
spotopt_status spotopt__lp_solve(spotopt__lp *lp, double limit_s, double *x, double *dual,
                                 spotopt__lp_answer *answer, spotopt_error *err);
/* Steps of branch and cut that an integer solve may take, the same on every machine; 0: no limit. */
void spotopt__lp_set_steps(spotopt__lp *lp, uint64_t steps);
/* Branch and cut; is_integer has one entry a column. Integer columns must have
 * whole bounds. Stops at gap_rel or limit_s. x is NULL or columns long. */
spotopt_status spotopt__lp_solve_integer(spotopt__lp *lp, const unsigned char *is_integer,
                                         double gap_rel, double limit_s, double *x,
                                         spotopt__lp_answer *answer, spotopt_error *err);

#endif
