/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SPOTOPT_PACK_SIMPLEX_H
#define SPOTOPT_PACK_SIMPLEX_H
#include "base/alloc.h"

/*
 * A small simplex engine for masters of column generation and branch and price: a few rows up to
 * about a thousand, columns that come and go, thousands of warm solves of a few pivots each. On
 * the caller's thread, nothing is copied between calls, and equal calls give equal bits. For large
 * sparse programs and for integer ones there is base/lp.h.
 *
 *     minimise cost x   where   lower <= A x <= upper (rows),   lower <= x <= upper (columns)
 *
 * INFINITY means no bound. Indices are from 0. Its answers are correct to a tolerance, like those
 * of any engine in double precision: bounds must be proved from the duals, whatever they are.
 */
typedef struct spotopt__simplex spotopt__simplex;

typedef enum {
    SPOTOPT__SIMPLEX_OPTIMAL,
    SPOTOPT__SIMPLEX_INFEASIBLE,
    SPOTOPT__SIMPLEX_UNBOUNDED,
    SPOTOPT__SIMPLEX_LIMIT, /* pivots_most or stop(); x and the duals are those of the last basis */
    SPOTOPT__SIMPLEX_FAILED /* numerically, or out of memory: see spotopt__simplex_nomem() */
} spotopt__simplex_state;

/* NULL when memory is short. */
spotopt__simplex *spotopt__simplex_new(spotopt_context *context);
void spotopt__simplex_free(spotopt__simplex *lp);
bool spotopt__simplex_nomem(const spotopt__simplex *lp); /* an add or solve ran out of memory */

uint32_t spotopt__simplex_rows(const spotopt__simplex *lp);
uint32_t spotopt__simplex_columns(const spotopt__simplex *lp);

/* Adds a row over columns that are there (count 0: none yet); false when memory is short. The basis
 * stays: the new row's own variable enters it. */
bool spotopt__simplex_add_row(spotopt__simplex *lp, double lower, double upper, uint32_t count,
                              const uint32_t *column, const double *value);
/* Rows ascending or not, each once. */
bool spotopt__simplex_add_column(spotopt__simplex *lp, double cost, double lower, double upper,
                                 uint32_t count, const uint32_t *row, const double *value);
void spotopt__simplex_set_row(spotopt__simplex *lp, uint32_t row, double lower, double upper);
void spotopt__simplex_set_column(spotopt__simplex *lp, uint32_t column, double lower, double upper);
void spotopt__simplex_set_cost(spotopt__simplex *lp, uint32_t column, double cost);
/* Drops the columns marked; the others move down, in order. One that is basic is driven out first
 * at the price of a refactorisation. */
void spotopt__simplex_drop_columns(spotopt__simplex *lp, const unsigned char *gone);
/* Drops the rows marked; the others move down. */
void spotopt__simplex_drop_rows(spotopt__simplex *lp, const unsigned char *gone);

/*
 * Solves warm from the last basis: dual simplex while that is dual feasible, else primal with a
 * first phase. pivots_most 0: no limit. stop (or NULL) is asked every few pivots.
 */
spotopt__simplex_state spotopt__simplex_solve(spotopt__simplex *lp, uint64_t pivots_most,
                                              bool (*stop)(void *), void *data);

double spotopt__simplex_objective(const spotopt__simplex *lp);
double spotopt__simplex_x(const spotopt__simplex *lp, uint32_t column);
double spotopt__simplex_activity(const spotopt__simplex *lp, uint32_t row);
/* d objective / d right-hand side; reduced cost of a column is cost - dual A. */
const double *spotopt__simplex_duals(const spotopt__simplex *lp);
bool spotopt__simplex_is_basic(const spotopt__simplex *lp, uint32_t column);
uint64_t spotopt__simplex_pivots(const spotopt__simplex *lp); /* since it was made */

#endif
