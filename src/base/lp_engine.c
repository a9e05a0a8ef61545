/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lp_engine.c - GLPK, kept away from the host. The only file that names it.
 *
 * GLPK holds its state per thread and answers a fault with abort(). So each problem lives on a
 * thread of its own that carries out one request at a time: its terminal is a deaf hook, a fault
 * jumps back to the request, which ends the engine for this problem, and glp_free_env() takes all
 * of its memory with it. Signals are blocked there and the floating-point mode is the default one.
 * Numbers were checked and workspaces taken before a request comes here.
 *
 * Invariant: `request` belongs to the caller while it is NULL and to the thread until it is NULL
 * again.
 */
#include <fenv.h>
#include <glpk.h>
#include <limits.h>
#include <math.h>
#include <signal.h>
#include <string.h>
#include <time.h>

#include "base/lp_engine.h"

enum { STACK_BYTES = 4 << 20 };

static double
monotonic_s(void)
{
    struct timespec now = {0, 0};

    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* A fault turns the terminal on to say why: keep the words, print nothing. */
static int
keep_words(void *user, const char *text)
{
    spotopt__lp *lp = user;
    const size_t used = strlen(lp->complaint), room = sizeof lp->complaint - 1 - used;

    strncat(lp->complaint, text, room);
    return 1;
}

static void
jump_out(void *user)
{
    longjmp(((spotopt__lp *)user)->fault, 1);
}

static int
bounds_kind(double lower, double upper)
{
    if (lower == upper)
        return GLP_FX;
    if (lower == -INFINITY)
        return upper == INFINITY ? GLP_FR : GLP_UP;
    return upper == INFINITY ? GLP_LO : GLP_DB;
}

static spotopt_status
open_engine(spotopt__lp *lp)
{
    if (glp_init_env() > 1)
        return SPOTOPT_E_NOMEM;
    glp_term_hook(keep_words, lp);
    glp_error_hook(jump_out, lp);
    (void)glp_term_out(GLP_OFF);
    lp->prob = glp_create_prob();
    glp_set_obj_dir(lp->prob, GLP_MIN);
    return SPOTOPT_OK;
}

static void
apply_changes(spotopt__lp *lp)
{
    for (size_t i = 0; i < lp->changes.count; i++) {
        const lp_change *change = &lp->changes.at[i];

        if (change->what == LP_ROW_BOUNDS)
            glp_set_row_bnds(lp->prob, change->line, bounds_kind(change->a, change->b), change->a,
                             change->b);
        else if (change->what == LP_COLUMN_BOUNDS)
            glp_set_col_bnds(lp->prob, change->line, bounds_kind(change->a, change->b), change->a,
                             change->b);
        else
            glp_set_obj_coef(lp->prob, change->line, change->a);
        lp->wants_dual = lp->wants_dual || change->what != LP_COST;
    }
    lp->changes.count = 0;
}

static void
add_rows(spotopt__lp *lp, const lp_request *request)
{
    const int first = glp_add_rows(lp->prob, (int)request->count);

    for (size_t i = 0; i < request->count; i++)
        glp_set_row_bnds(lp->prob, first + (int)i,
                         bounds_kind(request->lower[i], request->upper[i]), request->lower[i],
                         request->upper[i]);
    lp->wants_dual = true;
}

static void
add_columns(spotopt__lp *lp, const lp_request *request)
{
    const int first = glp_add_cols(lp->prob, (int)request->count);

    for (size_t j = 0; j < request->count; j++) {
        const size_t start = request->start[j], count = request->start[j + 1] - start;
        const int column = first + (int)j;

        for (size_t k = 0; k < count; k++) {
            lp->ind[k + 1] = (int)request->row[start + k] + 1;
            lp->val[k + 1] = request->value[start + k];
        }
        glp_set_mat_col(lp->prob, column, (int)count, lp->ind, lp->val);
        glp_set_col_bnds(lp->prob, column, bounds_kind(request->lower[j], request->upper[j]),
                         request->lower[j], request->upper[j]);
        glp_set_obj_coef(lp->prob, column, request->cost[j]);
    }
}

/* Milliseconds left, as GLPK counts them. */
static int
time_limit(const spotopt__lp *lp)
{
    const double left_ms = 1000.0 * (lp->stop_at_s - monotonic_s());

    return left_ms >= INT_MAX ? INT_MAX : left_ms > 1.0 ? (int)left_ms : 1;
}

/* True when the engine's answer can stand; false when it should be asked again in another way. */
static bool
read_state(spotopt__lp *lp, int code, spotopt__lp_answer *answer)
{
    const int primal = glp_get_prim_stat(lp->prob), dual = glp_get_dual_stat(lp->prob);

    answer->bound = -INFINITY;
    if (code == GLP_ETMLIM)
        answer->state = primal == GLP_FEAS ? SPOTOPT__LP_FEASIBLE : SPOTOPT__LP_LIMIT;
    else if (code != 0)
        return false;
    else if (primal == GLP_FEAS && dual == GLP_FEAS)
        answer->state = SPOTOPT__LP_OPTIMAL;
    else if (primal == GLP_NOFEAS)
        answer->state = SPOTOPT__LP_INFEASIBLE;
    else if (primal == GLP_FEAS && dual == GLP_NOFEAS)
        answer->state = SPOTOPT__LP_UNBOUNDED;
    else
        return false;
    if (answer->state == SPOTOPT__LP_OPTIMAL || answer->state == SPOTOPT__LP_FEASIBLE)
        answer->objective = glp_get_obj_val(lp->prob);
    if (answer->state == SPOTOPT__LP_OPTIMAL)
        answer->bound = answer->objective;
    return true;
}

/*
 * Warm from the last basis: dual simplex after changes that leave it dual feasible, primal
 * otherwise. If that gives trouble, scale and start afresh, once with each method.
 */
static spotopt_status
run_simplex(spotopt__lp *lp, spotopt__lp_answer *answer)
{
    glp_smcp control;

    glp_init_smcp(&control);
    control.msg_lev = GLP_MSG_OFF;
    for (int attempt = 0; attempt < 3; attempt++) {
        if (attempt > 0) {
            glp_scale_prob(lp->prob, GLP_SF_AUTO);
            if (attempt == 1)
                glp_adv_basis(lp->prob, 0);
            else
                glp_std_basis(lp->prob);
        }
        control.meth = attempt == 2 || (attempt == 0 && lp->wants_dual) ? GLP_DUALP : GLP_PRIMAL;
        control.tm_lim = time_limit(lp);
        if (read_state(lp, glp_simplex(lp->prob, &control), answer)) {
            lp->wants_dual = false;
            return SPOTOPT_OK;
        }
    }
    strcpy(lp->complaint, "the simplex method broke down three times");
    return SPOTOPT_E_INTERNAL;
}

static void
solve(spotopt__lp *lp, lp_request *request)
{
    request->status = run_simplex(lp, &request->answer);
    if (request->status < 0 || (request->answer.state != SPOTOPT__LP_OPTIMAL &&
                                request->answer.state != SPOTOPT__LP_FEASIBLE))
        return;
    for (size_t j = 0; request->x != NULL && j < lp->columns; j++)
        request->x[j] = glp_get_col_prim(lp->prob, (int)j + 1);
    for (size_t i = 0; request->dual != NULL && i < lp->rows; i++)
        request->dual[i] = glp_get_row_dual(lp->prob, (int)i + 1);
}

/* May the row's activity be this? */
static bool
suits_row(glp_prob *prob, int row, double activity)
{
    const double lower = glp_get_row_lb(prob, row), upper = glp_get_row_ub(prob, row);

    return activity >= lower - 1e-9 * (1.0 + fabs(lower)) &&
           activity <= upper + 1e-9 * (1.0 + fabs(upper));
}

/* One less of the column, unless that breaks a row that held. */
static void
try_one_less(spotopt__lp *lp, int column, double *x, double *activity)
{
    const int count = glp_get_mat_col(lp->prob, column, lp->ind, lp->val);

    for (int k = 1; k <= count; k++) {
        const double now = activity[lp->ind[k]];

        if (!suits_row(lp->prob, lp->ind[k], now - lp->val[k]) &&
            suits_row(lp->prob, lp->ind[k], now))
            return;
    }
    for (int k = 1; k <= count; k++)
        activity[lp->ind[k]] -= lp->val[k];
    x[column] -= 1.0;
}

/*
 * An incumbent early: the relaxation's point with whole columns rounded up, which covers what must
 * be covered, and then down again where nothing needs the last one. GLPK's own heuristics find none
 * for general integers.
 */
static void
offer_rounding(spotopt__lp *lp, glp_tree *tree)
{
    const int rows = (int)lp->rows, columns = (int)lp->columns;
    double *x = lp->trial, *activity = lp->trial + columns + 1;

    if (lp->trials++ >= 20 && lp->trials % 16 != 0)
        return;
    memset(activity, 0, ((size_t)rows + 1) * sizeof *activity);
    for (int j = 1; j <= columns; j++) {
        const double value = glp_get_col_prim(lp->prob, j);

        x[j] = value;
        if (glp_get_col_kind(lp->prob, j) != GLP_CV) {
            x[j] = ceil(value - 1e-7);
            if (x[j] > glp_get_col_ub(lp->prob, j))
                x[j] = floor(value);
        }
        if (x[j] != 0.0) {
            const int count = glp_get_mat_col(lp->prob, j, lp->ind, lp->val);

            for (int k = 1; k <= count; k++)
                activity[lp->ind[k]] += lp->val[k] * x[j];
        }
    }
    for (int j = 1; j <= columns; j++) {
        if (glp_get_col_kind(lp->prob, j) != GLP_CV &&
            x[j] > glp_get_col_prim(lp->prob, j) + 1e-7 && glp_get_obj_coef(lp->prob, j) >= 0.0 &&
            x[j] - 1.0 >= glp_get_col_lb(lp->prob, j))
            try_one_less(lp, j, x, activity);
    }
    for (int i = 1; i <= rows; i++) {
        if (!suits_row(lp->prob, i, activity[i]))
            return;
    }
    (void)glp_ios_heur_sol(tree, x);
}

/* At every step of branch and cut: what is proven by now, and is there time left. */
static void
watch_tree(glp_tree *tree, void *user)
{
    spotopt__lp *lp = user;
    const int best = glp_ios_best_node(tree);

    if (best != 0) {
        const double bound = glp_ios_node_bound(tree, best);

        if (bound > lp->best_bound)
            lp->best_bound = bound;
    }
    if (glp_ios_reason(tree) == GLP_IHEUR)
        offer_rounding(lp, tree);
    lp->steps++;
    if (monotonic_s() >= lp->stop_at_s || (lp->steps_most > 0 && lp->steps >= lp->steps_most))
        glp_ios_terminate(tree);
}

/* False when an integer column has a bound that is none. */
static bool
set_kinds(spotopt__lp *lp, lp_request *request)
{
    for (size_t j = 0; j < lp->columns; j++) {
        const int column = (int)j + 1, type = glp_get_col_type(lp->prob, column);
        const double lower = glp_get_col_lb(lp->prob, column),
                     upper = glp_get_col_ub(lp->prob, column);

        glp_set_col_kind(lp->prob, column, request->is_integer[j] ? GLP_IV : GLP_CV);
        if (request->is_integer[j] &&
            (((type == GLP_LO || type == GLP_DB || type == GLP_FX) && lower != floor(lower)) ||
             ((type == GLP_UP || type == GLP_DB || type == GLP_FX) && upper != floor(upper)))) {
            request->odd_column = j;
            return false;
        }
    }
    return true;
}

static void
solve_integer(spotopt__lp *lp, lp_request *request)
{
    spotopt__lp_answer *answer = &request->answer;
    glp_iocp control;
    int code, state;

    if (!set_kinds(lp, request)) {
        request->status = SPOTOPT_E_ARGUMENT;
        return;
    }
    request->status = run_simplex(lp, answer);
    if (request->status < 0 || answer->state != SPOTOPT__LP_OPTIMAL) {
        if (request->status == SPOTOPT_OK && answer->state == SPOTOPT__LP_FEASIBLE)
            answer->state = SPOTOPT__LP_LIMIT; /* of the relaxation alone */
        return;
    }
    glp_init_iocp(&control);
    control.msg_lev = GLP_MSG_OFF;
    control.mip_gap = request->gap_rel;
    control.tm_lim = time_limit(lp);
    control.cb_func = watch_tree;
    control.cb_info = lp;
    lp->best_bound = answer->objective;
    answer->objective = INFINITY;
    lp->trial = request->trial;
    lp->trials = 0;
    lp->steps = 0;
    code = glp_intopt(lp->prob, &control);
    state = glp_mip_status(lp->prob);

    answer->bound = lp->best_bound;
    if (code != 0 && code != GLP_EMIPGAP && code != GLP_ETMLIM && code != GLP_ESTOP) {
        strcpy(lp->complaint, "branch and cut broke down");
        request->status = SPOTOPT_E_INTERNAL;
    } else if (state == GLP_OPT || state == GLP_FEAS) {
        answer->objective = glp_mip_obj_val(lp->prob);
        if (state == GLP_OPT || answer->bound > answer->objective)
            answer->bound = answer->objective;
        answer->state =
            state == GLP_OPT || code == GLP_EMIPGAP ? SPOTOPT__LP_OPTIMAL : SPOTOPT__LP_FEASIBLE;
        for (size_t j = 0; request->x != NULL && j < lp->columns; j++)
            request->x[j] = glp_mip_col_val(lp->prob, (int)j + 1);
    } else if (code == 0)
        answer->state = SPOTOPT__LP_INFEASIBLE;
    else
        answer->state = SPOTOPT__LP_LIMIT;
}

/* Carries out one request; a fault comes back here. Not inlined: setjmp() would cost the loop its
 * registers. */
__attribute__((noinline)) static void
carry_out(spotopt__lp *lp, lp_request *request)
{
    lp->complaint[0] = '\0';
    request->answer.objective = INFINITY;
    if (setjmp(lp->fault) != 0) {
        lp->is_dead = true;
        lp->prob = NULL;
        request->status =
            strstr(lp->complaint, "memory") != NULL ? SPOTOPT_E_NOMEM : SPOTOPT_E_INTERNAL;
        (void)glp_free_env();
        return;
    }
    lp->stop_at_s = monotonic_s() + request->limit_s;
    if (lp->prob != NULL)
        apply_changes(lp);
    switch (request->order) {
    case LP_OPEN:
        request->status = open_engine(lp);
        break;
    case LP_ADD_ROWS:
        add_rows(lp, request);
        break;
    case LP_ADD_COLUMNS:
        add_columns(lp, request);
        break;
    case LP_DELETE_COLUMNS:
        glp_del_cols(lp->prob, (int)request->count, request->list);
        break;
    case LP_SOLVE:
        solve(lp, request);
        break;
    case LP_SOLVE_INTEGER:
        solve_integer(lp, request);
        break;
    default:
        break;
    }
}

static void
end_engine(void *unused)
{
    (void)unused;
    (void)glp_free_env(); /* the problem goes with it; harmless when there is none */
}

/* Until told to quit. Not inlined, for pthread_cleanup_push() is a setjmp() as well. */
__attribute__((noinline)) static void
serve(spotopt__lp *lp)
{
    bool quits = false;

    (void)pthread_mutex_lock(&lp->lock);
    while (!quits) {
        lp_request *request;

        while (lp->request == NULL)
            (void)pthread_cond_wait(&lp->wake, &lp->lock);
        request = lp->request;
        quits = request->order == LP_QUIT;
        if (!quits) {
            (void)pthread_mutex_unlock(&lp->lock);
            carry_out(lp, request);
            (void)pthread_mutex_lock(&lp->lock);
        }
        lp->request = NULL;
        (void)pthread_cond_signal(&lp->done);
    }
    (void)pthread_mutex_unlock(&lp->lock);
}

static void *
run_thread(void *user)
{
    (void)fesetenv(FE_DFL_ENV);
    pthread_cleanup_push(end_engine, NULL);
    serve(user);
    pthread_cleanup_pop(1);
    return NULL;
}

bool
spotopt__lp_engine_is_private(void)
{
    return glp_config("TLS") != NULL;
}

static void
free_locks(spotopt__lp *lp)
{
    (void)pthread_cond_destroy(&lp->done);
    (void)pthread_cond_destroy(&lp->wake);
    (void)pthread_mutex_destroy(&lp->lock);
}

bool
spotopt__lp_engine_start(spotopt__lp *lp)
{
    pthread_attr_t attributes;
    sigset_t all, before;
    bool started = false;

    if (pthread_attr_init(&attributes) != 0)
        return false;
    (void)pthread_mutex_init(&lp->lock, NULL); /* cannot fail with default attributes on Linux */
    (void)pthread_cond_init(&lp->wake, NULL);
    (void)pthread_cond_init(&lp->done, NULL);
    sigfillset(&all);
    if (pthread_attr_setstacksize(&attributes, STACK_BYTES) == 0 &&
        pthread_sigmask(SIG_SETMASK, &all, &before) == 0) {
        started = pthread_create(&lp->thread, &attributes, run_thread, lp) == 0;
        (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    }
    (void)pthread_attr_destroy(&attributes);
    if (!started)
        free_locks(lp);
    return started;
}

void
spotopt__lp_engine_do(spotopt__lp *lp, lp_request *request)
{
    (void)pthread_mutex_lock(&lp->lock);
    lp->request = request;
    (void)pthread_cond_signal(&lp->wake);
    while (lp->request != NULL)
        (void)pthread_cond_wait(&lp->done, &lp->lock);
    (void)pthread_mutex_unlock(&lp->lock);
}

void
spotopt__lp_engine_stop(spotopt__lp *lp)
{
    lp_request request = {.order = LP_QUIT};

    spotopt__lp_engine_do(lp, &request);
    (void)pthread_join(lp->thread, NULL);
    free_locks(lp);
}
