/* SPDX-License-Identifier: Apache-2.0 */
/*
 * simplex_solve.c - the pivoting of the small simplex engine.
 *
 * Primal: Devex reference prices (Forrest and Goldfarb 1992), Harris' two-pass ratio test; where
 * steps stay at zero the bounds of the basic variables are shifted by tiny, fixed, uneven amounts
 * and put back at the end. A first phase minimises the sum of infeasibilities. Dual: the same for
 * rows, used when bounds or rows changed under an optimal basis.
 */
#include <math.h>
#include <string.h>

#include "pack/simplex_inner.h"

#define REFACTOR_EVERY 200
#define STOP_EVERY 16
#define STALLED_MOST 24
#define NONE UINT32_MAX

typedef struct run {
    spotopt__simplex *lp;
    uint64_t pivots, most;
    bool (*stop)(void *);
    void *data;
} run;

typedef enum { DONE, STUCK, STOPPED, BROKEN, AGAIN } outcome;

static bool
is_over(run *r)
{
    r->pivots++;
    r->lp->pivots++;
    if (r->most != 0 && r->pivots > r->most)
        return true;
    return r->stop != NULL && r->pivots % STOP_EVERY == 1 && r->stop(r->data);
}

static double
slack_of(double bound)
{
    return PRIMAL_TOL * fmax(1.0, fabs(bound));
}

static double
infeasible_by(const variable *v, double x)
{
    if (x < v->low - slack_of(v->low))
        return v->low - x;
    if (x > v->high + slack_of(v->high))
        return x - v->high;
    return 0.0;
}

static bool
is_feasible(spotopt__simplex *lp)
{
    for (uint32_t p = 0; p < lp->rows; p++) {
        if (infeasible_by(variable_of(lp, lp->head[p]), lp->x[p]) > 0.0)
            return false;
    }
    return true;
}

/* How much a reduced cost is on the wrong side: 0 when it is right. */
static double
attraction(const variable *v)
{
    if (v->at == BASIC || v->low == v->high)
        return 0.0;
    if (v->at == AT_LOWER)
        return v->reduced < -DUAL_TOL ? -v->reduced : 0.0;
    if (v->at == AT_UPPER)
        return v->reduced > DUAL_TOL ? v->reduced : 0.0;
    return fabs(v->reduced) > DUAL_TOL ? fabs(v->reduced) : 0.0;
}

static bool
is_dual_feasible(spotopt__simplex *lp)
{
    for (uint32_t j = 0; j < lp->columns; j++) {
        if (attraction(&lp->column[j]) > 0.0)
            return false;
    }
    for (uint32_t i = 0; i < lp->rows; i++) {
        if (attraction(&lp->own[i]) > 0.0)
            return false;
    }
    return true;
}

/* The entries of the pivot row for all variables that are not basic. */
static void
pivot_row(spotopt__simplex *lp)
{
    for (uint32_t j = 0; j < lp->columns; j++) {
        variable *v = &lp->column[j];
        v->entry = v->at == BASIC ? 0.0 : spotopt__simplex_dot(lp, v, lp->rho);
    }
    for (uint32_t i = 0; i < lp->rows; i++)
        lp->own[i].entry = lp->own[i].at == BASIC ? 0.0 : lp->rho[i];
}

/* Duals and reduced costs after the entering variable's becomes 0; entries of the pivot row known.
 */
static void
move_duals(spotopt__simplex *lp, uint32_t entering, uint32_t leaving)
{
    double by = variable_of(lp, entering)->reduced / variable_of(lp, entering)->entry;

    for (uint32_t j = 0; by != 0.0 && j < lp->columns; j++)
        lp->column[j].reduced -= by * lp->column[j].entry;
    for (uint32_t i = 0; by != 0.0 && i < lp->rows; i++) {
        lp->own[i].reduced -= by * lp->own[i].entry;
        lp->dual[i] += by * lp->rho[i];
    }
    variable_of(lp, entering)->reduced = 0.0;
    variable_of(lp, leaving)->reduced = -by;
}

/* Tiny uneven room at the bounds of the basic variables: a way out of a degenerate corner. */
static void
shift_bounds(spotopt__simplex *lp)
{
    uint64_t state = 0x9e3779b97f4a7c15u * (lp->shifts + 1);
    /* Corners that go on and on take more room: the dual simplex takes it back at the end. */
    const double room = 5e-7 * (double)(1u << (2 * (lp->shifts_here < 6 ? lp->shifts_here : 6)));

    lp->shifts++;
    lp->shifts_here++;
    lp->shifted = true;
    for (uint32_t p = 0; p < lp->rows; p++) {
        variable *v = variable_of(lp, lp->head[p]);
        state = state * 6364136223846793005u + 1442695040888963407u;
        double by = room * (1.0 + (double)(state >> 40) * 0x1p-24);
        v->low -= by * fmax(1.0, fabs(v->low));
        v->high += by * fmax(1.0, fabs(v->high));
    }
}

static void
unshift_bounds(spotopt__simplex *lp)
{
    for (uint32_t j = 0; j < lp->columns; j++) {
        lp->column[j].low = lp->column[j].lower;
        lp->column[j].high = lp->column[j].upper;
    }
    for (uint32_t i = 0; i < lp->rows; i++) {
        lp->own[i].low = lp->own[i].lower;
        lp->own[i].high = lp->own[i].upper;
    }
    lp->shifted = false;
}

static void
renew(spotopt__simplex *lp)
{
    spotopt__simplex_refactor(lp);
    spotopt__simplex_recompute(lp);
}

/* Entry and pivot row disagree, or it is tiny beside its column: the inverse has worn out. */
static bool
is_worn(const spotopt__simplex *lp, uint32_t position, double entry)
{
    double pivot = lp->alpha[position];

    return fabs(pivot - entry) > 1e-7 * (1.0 + fabs(pivot)) || fabs(pivot) < PIVOT_TOL;
}

/* First phase: reduced costs of the sum of infeasibilities into entry; that sum. */
static double
first_phase_costs(spotopt__simplex *lp)
{
    double sum = 0.0;

    spotopt__simplex_settle(lp);
    memset(lp->push, 0, lp->rows * sizeof(double));
    for (uint32_t p = 0; p < lp->rows; p++) {
        const variable *v = variable_of(lp, lp->head[p]);
        double by = infeasible_by(v, lp->x[p]);
        if (by == 0.0)
            continue;
        double sign = lp->x[p] < v->low ? -1.0 : 1.0;
        sum += by;
        for (uint32_t i = 0; i < lp->rows; i++)
            lp->push[i] += sign * lp->inverse[(size_t)i * lp->row_room + p];
    }
    for (uint32_t j = 0; j < lp->columns; j++) {
        variable *v = &lp->column[j];
        v->entry = v->at == BASIC ? 0.0 : -spotopt__simplex_dot(lp, v, lp->push);
    }
    for (uint32_t i = 0; i < lp->rows; i++)
        lp->own[i].entry = lp->own[i].at == BASIC ? 0.0 : -lp->push[i];
    return sum;
}

static void
prefer(const variable *v, double slope, uint32_t id, double *best, uint32_t *which)
{
    double gain;

    if (v->at == BASIC || v->low == v->high || fabs(slope) <= DUAL_TOL)
        return;
    if ((v->at == AT_LOWER && slope > 0.0) || (v->at == AT_UPPER && slope < 0.0))
        return;
    gain = slope * slope / v->weight;
    if (gain > *best) {
        *best = gain;
        *which = id;
    }
}

static uint32_t
choose_entering(spotopt__simplex *lp, bool first_phase)
{
    uint32_t which = NONE;
    double best = 0.0;

    for (uint32_t j = 0; j < lp->columns; j++) {
        const variable *v = &lp->column[j];
        prefer(v, first_phase ? v->entry : v->reduced, j, &best, &which);
    }
    for (uint32_t i = 0; i < lp->rows; i++) {
        const variable *v = &lp->own[i];
        prefer(v, first_phase ? v->entry : v->reduced, i | LOGICAL, &best, &which);
    }
    return which;
}

/*
 * How far the entering variable may move (its value changes by sign * step), and who stops it: a
 * position, or NONE for its own other bound. In the first phase a variable out of bounds stops it
 * where it comes back in.
 */
static uint32_t
choose_leaving(spotopt__simplex *lp, double sign, double *step, bool *to_high)
{
    double most = (double)INFINITY, largest = 0.0;
    uint32_t which = NONE;

    for (int pass = 0; pass < 2; pass++) {
        for (uint32_t p = 0; p < lp->rows; p++) {
            double slope = -sign * lp->alpha[p], room;
            if (fabs(slope) <= PIVOT_TOL)
                continue;
            const variable *v = variable_of(lp, lp->head[p]);
            bool rises = slope > 0.0, high;
            double low = slack_of(v->low), up = slack_of(v->high);
            if (rises) {
                high = lp->x[p] >= v->low - low;
                room = (high ? v->high : v->low) - lp->x[p];
            } else {
                high = lp->x[p] > v->high + up;
                room = lp->x[p] - (high ? v->high : v->low);
            }
            /* Beyond its bound and on its way further off: the first phase lets it go. */
            if (!isfinite(room) || room < -1e3 * (high ? up : low))
                continue;
            double at_most = (fmax(room, 0.0) + (high ? up : low)) / fabs(slope);
            if (pass == 0) {
                most = at_most < most ? at_most : most;
            } else if (fmax(room, 0.0) / fabs(slope) <= most && fabs(slope) > largest) {
                largest = fabs(slope);
                which = p;
                *step = fmax(room, 0.0) / fabs(slope);
                *to_high = high;
            }
        }
    }
    return which;
}

/* Devex: the reference weights grow with the pivot row. */
static void
weigh(variable *first, uint32_t count, double factor)
{
    for (uint32_t j = 0; j < count; j++) {
        double grown = first[j].entry * first[j].entry * factor;
        if (grown > first[j].weight)
            first[j].weight = grown;
    }
}

static outcome
primal(run *r, bool first_phase)
{
    spotopt__simplex *lp = r->lp;
    uint32_t turned_down = 0;

    lp->stalled = 0;
    for (;;) {
        double total = first_phase ? first_phase_costs(lp) : 0.0, step = 0.0;
        bool to_high = false;
        if (first_phase && total == 0.0)
            return DONE;
        uint32_t entering = choose_entering(lp, first_phase);
        if (entering == NONE)
            return first_phase ? STUCK : DONE;
        if (is_over(r))
            return STOPPED;
        variable *in = variable_of(lp, entering);
        double slope = first_phase ? in->entry : in->reduced;
        double sign = slope < 0.0 ? 1.0 : -1.0, span = in->high - in->low;
        spotopt__simplex_enter(lp, entering);
        uint32_t position = choose_leaving(lp, sign, &step, &to_high);
        if (position == NONE && !isfinite(span)) {
            if (lp->fresh)
                return first_phase ? BROKEN : STUCK;
            renew(lp);
            continue;
        }
        if (position == NONE || span <= step) { /* from one of its bounds to the other */
            for (uint32_t p = 0; p < lp->rows; p++)
                lp->x[p] -= sign * span * lp->alpha[p];
            in->at = in->at == AT_LOWER ? AT_UPPER : AT_LOWER;
            continue;
        }
        spotopt__simplex_row(lp, position);
        pivot_row(lp);
        if (is_worn(lp, position, in->entry)) {
            if (!lp->fresh) {
                renew(lp);
                continue;
            }
            if (fabs(lp->alpha[position]) < PIVOT_TOL || turned_down++ > 50)
                return BROKEN;
        }
        uint32_t leaving = lp->head[position];
        variable *out = variable_of(lp, leaving);
        double x = (in->at == BASIC ? 0.0 : value_of(in)) + sign * step, ratio = in->entry;
        double weight = in->weight;
        for (uint32_t p = 0; p < lp->rows; p++)
            lp->x[p] -= sign * step * lp->alpha[p];
        move_duals(lp, entering, leaving);
        weigh(lp->column, lp->columns, weight / (ratio * ratio));
        weigh(lp->own, lp->rows, weight / (ratio * ratio));
        out->weight = fmax(weight / (ratio * ratio), 1.0);
        if (weight > 1e8) {
            for (uint32_t j = 0; j < lp->columns; j++)
                lp->column[j].weight = 1.0;
            for (uint32_t i = 0; i < lp->rows; i++)
                lp->own[i].weight = 1.0;
        }
        spotopt__simplex_replace(lp, position, entering);
        lp->x[position] = x;
        out->at = to_high ? AT_UPPER : AT_LOWER;
        lp->stalled = step <= 1e-12 ? lp->stalled + 1 : 0;
        if (lp->stalled > STALLED_MOST) {
            shift_bounds(lp);
            lp->stalled = 0;
        }
        if (lp->updates >= REFACTOR_EVERY)
            renew(lp);
        if (lp->nomem)
            return BROKEN;
    }
}

static uint32_t
choose_dual_leaving(spotopt__simplex *lp)
{
    uint32_t which = NONE;
    double best = 0.0;

    for (uint32_t p = 0; p < lp->rows; p++) {
        double by = infeasible_by(variable_of(lp, lp->head[p]), lp->x[p]);
        if (by * by / lp->weight[p] > best) {
            best = by * by / lp->weight[p];
            which = p;
        }
    }
    return which;
}

/* The slope of a variable as the leaving one moves to its bound, made positive; 0: it cannot help.
 */
static double
dual_slope(const variable *v, double sign)
{
    double slope = sign * v->entry;

    if (v->at == BASIC || v->low == v->high || fabs(slope) <= PIVOT_TOL)
        return 0.0;
    if (v->at == AT_ZERO)
        return fabs(slope);
    if (v->at == AT_UPPER)
        slope = -slope;
    return slope > 0.0 ? slope : 0.0;
}

static void
dual_ratio(const variable *v, uint32_t id, double sign, bool second, double *most, double *largest,
           uint32_t *which)
{
    double slope = dual_slope(v, sign);

    if (slope == 0.0)
        return;
    if (!second) {
        double at_most = (fabs(v->reduced) + DUAL_TOL) / slope;
        *most = at_most < *most ? at_most : *most;
    } else if (fabs(v->reduced) / slope <= *most && slope > *largest) {
        *largest = slope;
        *which = id;
    }
}

static outcome
dual(run *r)
{
    spotopt__simplex *lp = r->lp;
    uint64_t most = 5 * (uint64_t)(lp->rows + 20);

    for (uint64_t k = 0;; k++) {
        uint32_t position = choose_dual_leaving(lp), entering = NONE;
        if (position == NONE)
            return DONE;
        if (is_over(r))
            return STOPPED;
        if (k > most)
            return AGAIN;
        variable *out = variable_of(lp, lp->head[position]);
        bool below = lp->x[position] < out->low;
        double bound = below ? out->low : out->high, limit = (double)INFINITY, largest = 0.0;
        /* it must rise (fall): by d x = -entry d v, variables at their lower bound help when their
         * entry is negative (positive) */
        double sign = below ? -1.0 : 1.0;
        spotopt__simplex_row(lp, position);
        pivot_row(lp);
        for (int pass = 0; pass < 2; pass++) {
            for (uint32_t j = 0; j < lp->columns; j++)
                dual_ratio(&lp->column[j], j, sign, pass, &limit, &largest, &entering);
            for (uint32_t i = 0; i < lp->rows; i++)
                dual_ratio(&lp->own[i], i | LOGICAL, sign, pass, &limit, &largest, &entering);
        }
        if (entering == NONE) {
            if (lp->fresh)
                return STUCK;
            renew(lp);
            continue;
        }
        variable *in = variable_of(lp, entering);
        spotopt__simplex_enter(lp, entering);
        if (is_worn(lp, position, in->entry)) {
            if (!lp->fresh) {
                renew(lp);
                continue;
            }
            return AGAIN;
        }
        double pivot = lp->alpha[position], by = (lp->x[position] - bound) / pivot;
        double x = (in->at == BASIC ? 0.0 : value_of(in)) + by, weight = lp->weight[position];
        uint32_t leaving = lp->head[position];
        for (uint32_t p = 0; p < lp->rows; p++) {
            double share = lp->alpha[p] / pivot, grown = share * share * weight;
            lp->x[p] -= by * lp->alpha[p];
            if (grown > lp->weight[p])
                lp->weight[p] = grown;
        }
        lp->weight[position] = fmax(weight / (pivot * pivot), 1.0);
        move_duals(lp, entering, leaving);
        spotopt__simplex_replace(lp, position, entering);
        lp->x[position] = x;
        out->at = below ? AT_LOWER : AT_UPPER;
        if (lp->updates >= REFACTOR_EVERY)
            renew(lp);
        if (lp->nomem)
            return BROKEN;
    }
}

/* Singleton columns with room take the place of rows out of bounds: a start near feasible. */
static void
crash(spotopt__simplex *lp)
{
    for (uint32_t j = 0; j < lp->columns; j++) {
        variable *v = &lp->column[j];
        if (v->length != 1 || v->at == BASIC)
            continue;
        uint32_t row = lp->index[v->start];
        variable *own = &lp->own[row];
        double value = lp->value[v->start], x;
        if (own->at != BASIC || lp->head[own->position] != (row | LOGICAL) || value == 0.0 ||
            infeasible_by(own, lp->x[own->position]) == 0.0)
            continue;
        double bound = lp->x[own->position] < own->low ? own->low : own->high;
        x = value_of(v) + (lp->x[own->position] - bound) / value;
        if (!(x >= v->low && x <= v->high) || fabs(value) < 1e-3)
            continue;
        uint32_t position = own->position;
        spotopt__simplex_enter(lp, j);
        spotopt__simplex_row(lp, position);
        if (fabs(lp->alpha[position]) < 1e-3)
            continue;
        spotopt__simplex_replace(lp, position, j);
        own->at = bound == own->low ? AT_LOWER : AT_UPPER;
        lp->x[position] = x;
    }
    spotopt__simplex_recompute(lp);
}

spotopt__simplex_state
spotopt__simplex_solve(spotopt__simplex *lp, uint64_t pivots_most, bool (*stop)(void *), void *data)
{
    run r = {lp, 0, pivots_most, stop, data};
    uint64_t safety = 200 * ((uint64_t)lp->rows + lp->columns) + 20000;
    bool crashed = false, no_dual = false;

    if (lp->nomem)
        return SPOTOPT__SIMPLEX_FAILED;
    unshift_bounds(lp);
    lp->shifts_here = 0;
    if (lp->updates >= REFACTOR_EVERY)
        spotopt__simplex_refactor(lp);
    spotopt__simplex_recompute(lp);
    for (int round = 0; round < 60; round++) {
        outcome end;
        if (lp->nomem || r.pivots > safety)
            return SPOTOPT__SIMPLEX_FAILED;
        if (is_feasible(lp)) {
            end = primal(&r, false);
            if (end == STUCK)
                return SPOTOPT__SIMPLEX_UNBOUNDED;
            if (end == DONE && (lp->shifted || !lp->fresh)) {
                /* true bounds, true numbers: nearly always still optimal */
                bool shifted = lp->shifted;
                unshift_bounds(lp);
                spotopt__simplex_recompute(lp);
                if (is_feasible(lp) && is_dual_feasible(lp))
                    return SPOTOPT__SIMPLEX_OPTIMAL;
                if (!shifted || round > 20)
                    renew(lp);
                continue;
            }
            if (end == DONE)
                return SPOTOPT__SIMPLEX_OPTIMAL;
        } else if (!no_dual && is_dual_feasible(lp)) {
            end = dual(&r);
            if (end == STUCK)
                return SPOTOPT__SIMPLEX_INFEASIBLE;
            no_dual = end == AGAIN;
            if (end == DONE) {
                spotopt__simplex_recompute(lp);
                continue;
            }
        } else {
            if (!crashed) {
                crashed = true;
                crash(lp);
                continue;
            }
            end = primal(&r, true);
            if (end == STUCK) {
                if (lp->shifted) {
                    unshift_bounds(lp);
                    spotopt__simplex_recompute(lp);
                    continue;
                }
                if (lp->fresh)
                    return SPOTOPT__SIMPLEX_INFEASIBLE;
                renew(lp);
                continue;
            }
        }
        if (end == STOPPED) {
            unshift_bounds(lp);
            spotopt__simplex_recompute(lp);
            return SPOTOPT__SIMPLEX_LIMIT;
        }
        if (end == BROKEN)
            renew(lp);
    }
    return SPOTOPT__SIMPLEX_FAILED;
}
