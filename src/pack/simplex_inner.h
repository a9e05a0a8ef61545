/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SPOTOPT_PACK_SIMPLEX_INNER_H
#define SPOTOPT_PACK_SIMPLEX_INNER_H
#include "pack/simplex.h"

/* What simplex.c (storage, the basis and its inverse) and simplex_solve.c (pivoting) share. */

enum { AT_LOWER, AT_UPPER, AT_ZERO, BASIC }; /* AT_ZERO: free and not basic */

#define LOGICAL 0x80000000u /* in a variable's number: the row's own, not a column */

#define PIVOT_TOL 1e-7  /* smallest entry to pivot on */
#define PRIMAL_TOL 1e-9 /* a bound may be missed by so much */
#define LATE_MOST 32    /* pivots that may wait */
#define DUAL_TOL 1e-9   /* a reduced cost may be wrong by so much */

/* A column, or a row's own variable (A x + own = 0, so it holds the negated activity). */
typedef struct variable {
    double reduced;   /* reduced cost, when not basic */
    double entry;     /* of the pivot row, while pivoting */
    double weight;    /* Devex */
    double low, high; /* as worked with: shifted while it stalls */
    size_t start;     /* of a column's entries */
    uint32_t length;
    uint32_t position; /* in the basis */
    unsigned char at;
    double cost, lower, upper; /* as given */
} variable;

struct spotopt__simplex {
    spotopt_context *context;
    uint32_t rows, columns, row_room, column_room;
    size_t entries, entry_room;
    variable *column, *own;
    uint32_t *index; /* of entries */
    double *value;
    double *inverse; /* column after column, [row * row_room + position]: the basis' inverse is this
                        less the sum of late_alpha late_rho' */
    double *late_alpha, *late_rho; /* pivots not yet worked in: [pivot * row_room + ...] */
    uint32_t late;
    uint32_t *head; /* by position: the basic variable */
    double *x;      /* by position */
    double *alpha;  /* by position: the entering column */
    double *rho;    /* by row: the pivot row of the inverse */
    double *dual;   /* by row */
    double *push;   /* by row: a first phase's duals, and scratch */
    double *weight; /* by position: dual Devex */
    uint32_t updates, stalled, shifts_here; /* shifts_here: in this solve */
    uint64_t pivots, shifts;
    bool nomem, shifted, fresh; /* fresh: the inverse was made anew for this very basis */
};

static inline variable *
variable_of(spotopt__simplex *lp, uint32_t id)
{
    return id & LOGICAL ? &lp->own[id & ~LOGICAL] : &lp->column[id];
}

static inline double
value_of(const variable *v)
{
    return v->at == AT_LOWER ? v->low : v->at == AT_UPPER ? v->high : 0.0;
}

/* Where a variable rests that is not basic. */
void spotopt__simplex_rest(variable *v);
/* Pivots that wait are worked into the inverse. */
void spotopt__simplex_settle(spotopt__simplex *lp);
/* alpha = inverse times a variable's column. */
void spotopt__simplex_enter(spotopt__simplex *lp, uint32_t id);
/* rho = row of the inverse at a position. */
void spotopt__simplex_row(spotopt__simplex *lp, uint32_t position);
/* The variable takes the position; alpha and rho are those of the pivot. The old one is left to the
 * caller. */
void spotopt__simplex_replace(spotopt__simplex *lp, uint32_t position, uint32_t id);
/* The inverse anew from the basis; a singular basis is mended with rows' own variables. */
void spotopt__simplex_refactor(spotopt__simplex *lp);
/* x of the basic variables, and the duals and all reduced costs, from the inverse. */
void spotopt__simplex_recompute(spotopt__simplex *lp);
/* Product of a column with a vector by row. */
double spotopt__simplex_dot(const spotopt__simplex *lp, const variable *v, const double *by_row);

#endif
