/* SPDX-License-Identifier: Apache-2.0 */
/*
 * forecast.c - p_drop_H of many pools at once, with intervals, in one pass over their columns.
 *
 * Rows are taken in blocks of 64 that stay in the first cache; within a block every step is a plain
 * loop over rows, which the compiler turns into vector code (vmath.h for powers and logarithms).
 * lead.c says what is computed; here logarithms are of two throughout, which saves every
 * conversion. Horizons that are asked for lean on anchors: the calibrators' horizons up to
 * them, whose log-odds are made to ascend by a cumulative maximum, and between which they are
 * interpolated in ln H.
 *
 * The interval is the delta method's in log-odds of the hazard's p_H, carried through the
 * calibrator, which ascends: the gradient by the coefficients is (w_k; W z; V z) with w_k = share_k
 * h_k / p_H, W = sum w_k, V = sum w_k ln(lead_k) / 2, so that the products of z with the covariance
 * are formed once a row and serve every horizon. Layer 2's log-odds count as no surer than the
 * hazard's, and the level as known from the calibrators' window alone, see widening_of().
 */
#include <stdlib.h>

#include "risk/forecast.h"
#include "base/vmath.h"

enum { LINE = 64, BLOCK = 64, AHEAD = 3 /* blocks that are fetched before their turn */ };

/* A horizon at which a calibrator is applied as it is. */
typedef struct anchor {
    double horizon_h;
    const spotopt__calibrator *calibrator; /* NULL: none */
    double share[SPOTOPT__LEADS];
    size_t leads;  /* bins with a share */
    size_t before; /* the calibrator's anchor that this one is not below; its own index: none */
} anchor;

/* Where a horizon that is asked for lies: anchor `at`, or `part` of the way to the next. */
typedef struct target {
    size_t at;
    double part;
} target;

typedef struct block {
    double s[BLOCK], r[BLOCK];       /* beta'z / ln 2, gamma'z / 2 */
    double raw[BLOCK];               /* odds of a hazard, but for exp(a) */
    double e[SPOTOPT__LEADS][BLOCK]; /* odds of the hazards */
    double a[BLOCK], b[BLOCK];       /* layer 2's belief */
    double full[BLOCK];              /* product over the first `fulls` leads */
    double cut[BLOCK];               /* and with the lead that is cut */
    double t[BLOCK];
    /* for intervals */
    double h[SPOTOPT__LEADS][BLOCK], w[SPOTOPT__LEADS][BLOCK];
    double az[SPOTOPT__LEADS][BLOCK],
        ag[SPOTOPT__LEADS][BLOCK]; /* covariance of a with beta, gamma, times z */
    double bb[BLOCK], bg[BLOCK], gg[BLOCK];
    double sd[BLOCK];
    const double *q; /* full or cut: what an anchor is about */
} block;

typedef struct work {
    const spotopt_model *model;
    const spotopt__rows *rows;
    double *by_s, *by_r, *shift, *factor; /* z = x * factor + shift; what x adds to s and r */
    double s, r;                          /* at x = 0 */
    double half_log_lead[SPOTOPT__LEADS], factor_of_lead[SPOTOPT__LEADS]; /* exp(a) */
    double log2_last;                                                     /* of the last lead */
    double odds_min, odds_max;
    anchor *anchors;
    size_t anchor_count, leads;
    bool has_evidence, has_interval;
    double widening; /* of deviations: see widening_of() */
    block *block;
    double *z;              /* BLOCK a feature */
    double *u, *low, *high; /* log-odds by anchor, of two */
} work;

/* --- one block, row by row side by side --- */

/* Columns are many streams, of which each block reads a little: too much for hardware to foresee.
 */
SPOTOPT__INLINE void
foresee(const double *x)
{
    for (size_t i = 0; i < BLOCK; i += 8)
        __builtin_prefetch(x + i);
}

/* What a block ahead of `first` will read, of features from .. to - 1. */
SPOTOPT__INLINE void
foresee_features(const work *w, size_t first, uint32_t from, uint32_t to)
{
    if (first + (AHEAD + 1) * BLOCK > w->rows->count)
        return;
    for (uint32_t f = from; f < to; f++)
        foresee(w->rows->x + w->model->feature[f] * w->rows->stride + first + AHEAD * BLOCK);
}

/* Adds what FEW features from f say to s and r of a whole block: sums stay in registers meanwhile.
 */
enum { FEW = 4 };
SPOTOPT__INLINE void
add_few(const work *w, uint32_t f, size_t first)
{
    const uint32_t *feature = w->model->feature + f;
    const double *by_s = w->by_s + f, *by_r = w->by_r + f;
    const double *x0 = w->rows->x + feature[0] * w->rows->stride + first,
                 *x1 = w->rows->x + feature[1] * w->rows->stride + first,
                 *x2 = w->rows->x + feature[2] * w->rows->stride + first,
                 *x3 = w->rows->x + feature[3] * w->rows->stride + first;
    double *s = w->block->s, *r = w->block->r;
    const double s0 = by_s[0], s1 = by_s[1], s2 = by_s[2], s3 = by_s[3];
    const double r0 = by_r[0], r1 = by_r[1], r2 = by_r[2], r3 = by_r[3];

    if (f == 0) {
#pragma omp simd
        for (size_t i = 0; i < BLOCK; i++) {
            s[i] = (((w->s + s0 * x0[i]) + s1 * x1[i]) + s2 * x2[i]) + s3 * x3[i];
            r[i] = (((w->r + r0 * x0[i]) + r1 * x1[i]) + r2 * x2[i]) + r3 * x3[i];
        }
        return;
    }
#pragma omp simd
    for (size_t i = 0; i < BLOCK; i++) {
        s[i] = (((s[i] + s0 * x0[i]) + s1 * x1[i]) + s2 * x2[i]) + s3 * x3[i];
        r[i] = (((r[i] + r0 * x0[i]) + r1 * x1[i]) + r2 * x2[i]) + r3 * x3[i];
    }
}

/* s, r, and z where wanted, of n rows; the rest of the block is a row of zeros. */
SPOTOPT__INLINE void
load(const work *w, size_t first, size_t n)
{
    block *o = w->block;
    const uint32_t features = w->model->feature_count;
    uint32_t f = 0;

    for (size_t i = 0; i < BLOCK && (n < BLOCK || features < FEW); i++) {
        o->s[i] = w->s;
        o->r[i] = w->r;
    }
    for (; n == BLOCK && f + FEW <= features; f += FEW)
        add_few(w, f, first);
    for (; f < features; f++) {
        const double *x = w->rows->x + w->model->feature[f] * w->rows->stride + first;
        const double by_s = w->by_s[f], by_r = w->by_r[f];

        for (size_t i = 0; i < n; i++) {
            o->s[i] += by_s * x[i];
            o->r[i] += by_r * x[i];
        }
    }
    for (f = 0; w->has_interval && f < features; f++) {
        const double *x = w->rows->x + w->model->feature[f] * w->rows->stride + first;
        double *z = w->z + (size_t)f * BLOCK;

        for (size_t i = 0; i < n; i++)
            z[i] = x[i] * w->factor[f] + w->shift[f];
        for (size_t i = n; i < BLOCK; i++)
            z[i] = 0.0;
    }
}

/* out = least + a column, which may be absent. */
SPOTOPT__INLINE void
load_column(const work *w, const double *column, double least, size_t first, size_t n, double *out)
{
    for (size_t i = 0; i < BLOCK; i++)
        out[i] = least;
    if (column == NULL)
        return;
    const double *x = column + first;
    if (first + (AHEAD + 1) * BLOCK <= w->rows->count)
        foresee(x + AHEAD * BLOCK);
    if (n == BLOCK) {
#pragma omp simd
        for (size_t i = 0; i < BLOCK; i++)
            out[i] += x[i];
    } else {
        for (size_t i = 0; i < n; i++)
            out[i] += x[i];
    }
}

SPOTOPT__INLINE double
within(double x, double most)
{
    x = x < most ? x : most; /* false for NaN */
    return x > -most ? x : -most;
}

/*
 * Leads double up to 16 h, so that exp(r ln(lead) / 2) is a power of y = exp(r ln(2) / 2): three
 * exponentials serve all of them. What no model of sense reaches is cut off before it overflows.
 */
SPOTOPT__INLINE void
hazards(const work *w)
{
    block *o = w->block;
    const double most = w->odds_max, least = w->odds_min;

#pragma omp simd
    for (size_t i = 0; i < BLOCK; i++) {
        double r = within(o->r[i], 144.0), s = within(o->s[i], 330.0);

        o->t[i] = spotopt__vexp2(r);
        o->raw[i] = spotopt__vexp2(s - 2.0 * r); /* of 1/4 h */
    }
    for (size_t k = 0; k < w->leads; k++) {
        const double factor = w->factor_of_lead[k], power = w->log2_last;
        double *e = o->e[k];

        if (k == SPOTOPT__LEADS - 1) {
#pragma omp simd
            for (size_t i = 0; i < BLOCK; i++)
                o->raw[i] = spotopt__vexp2(within(o->s[i], 330.0) + power * within(o->r[i], 144.0));
        }
#pragma omp simd
        for (size_t i = 0; i < BLOCK; i++) {
            double odds = factor * o->raw[i];

            o->raw[i] *= o->t[i];
            odds = odds < most ? odds : most;
            e[i] = odds > least ? odds : least;
        }
        if (w->has_interval) {
#pragma omp simd
            for (size_t i = 0; i < BLOCK; i++)
                o->h[k][i] = e[i] / (1.0 + e[i]);
        }
    }
}

/*
 * q = prod (1 + e_k)^share_k - 1. Anchors ascend: what lies whole before one does so before the
 * next. Not so the last lead, of which a longer horizon has more than the whole.
 */
SPOTOPT__INLINE void
odds(const work *w, const anchor *at, size_t *fulls)
{
    block *o = w->block;

    for (; *fulls < SPOTOPT__LEADS - 1 && at->share[*fulls] == 1.0; (*fulls)++) {
        const double *e = o->e[*fulls];

        if (*fulls == 0) {
            for (size_t i = 0; i < BLOCK; i++)
                o->full[i] = e[i];
            continue;
        }
#pragma omp simd
        for (size_t i = 0; i < BLOCK; i++)
            o->full[i] = o->full[i] + e[i] + o->full[i] * e[i];
    }
    o->q = o->full;
    if (*fulls == at->leads)
        return;
    const double share = at->share[*fulls], most = SPOTOPT__LAMBDA_MAX * SPOTOPT__LOG2_E,
                 *e = o->e[*fulls];

    o->q = o->cut;
    if (share == 1.0) {
        for (size_t i = 0; i < BLOCK; i++)
            o->cut[i] = e[i];
    } else {
#pragma omp simd
        for (size_t i = 0; i < BLOCK; i++) {
            double part = share * spotopt__vlog2_1p(e[i], 1.0);

            o->cut[i] = spotopt__vexp2m1(part < most ? part : most);
        }
    }
    if (*fulls == 0)
        return;
#pragma omp simd
    for (size_t i = 0; i < BLOCK; i++)
        o->cut[i] = o->full[i] + o->cut[i] + o->full[i] * o->cut[i];
}

/* Adds t(out) += factor * z over rows. */
SPOTOPT__INLINE void
add_times(double *out, double factor, const double *z)
{
#pragma omp simd
    for (size_t i = 0; i < BLOCK; i++)
        out[i] += factor * z[i];
}

/* sum over f of the covariance's row times z. */
SPOTOPT__INLINE void
times_row(const work *w, const double *row, size_t count, double *out)
{
    for (size_t i = 0; i < BLOCK; i++)
        out[i] = 0.0;
    for (size_t f = 0; f < count; f++)
        add_times(out, row[f], w->z + f * BLOCK);
}

/* Products of z with the covariance: everything that horizons have in common. */
SPOTOPT__INLINE void
quadratics(const work *w)
{
    block *o = w->block;
    const size_t features = w->model->feature_count, order = spotopt__model_order(w->model);
    const double *c = w->model->covariance;

    for (size_t k = 0; k < w->leads; k++) {
        times_row(w, c + k * order + SPOTOPT__LEADS, features, o->az[k]);
        times_row(w, c + k * order + SPOTOPT__LEADS + features, features, o->ag[k]);
    }
    for (size_t i = 0; i < BLOCK; i++)
        o->bb[i] = o->bg[i] = o->gg[i] = 0.0;
    for (size_t f = 0; f < features; f++) {
        const double *z = w->z + f * BLOCK, *b = c + (SPOTOPT__LEADS + f) * order + SPOTOPT__LEADS,
                     *g = b + features * order + features;

        /* Half of what is off the diagonal counts twice. */
        times_row(w, b, f, o->t);
        for (size_t i = 0; i < BLOCK; i++)
            o->bb[i] += z[i] * (2.0 * o->t[i] + b[f] * z[i]);
        times_row(w, g, f, o->t);
        for (size_t i = 0; i < BLOCK; i++)
            o->gg[i] += z[i] * (2.0 * o->t[i] + g[f] * z[i]);
        times_row(w, b + features, features, o->t);
        for (size_t i = 0; i < BLOCK; i++)
            o->bg[i] += z[i] * o->t[i];
    }
}

/* Standard deviation of the hazard's log-odds at an anchor, q known. */
SPOTOPT__INLINE void
deviation(const work *w, const anchor *at)
{
    block *o = w->block;
    const size_t order = spotopt__model_order(w->model);

    for (size_t i = 0; i < BLOCK; i++)
        o->s[i] = o->r[i] = o->sd[i] = 0.0; /* s and r are done with: W and V now */
    for (size_t k = 0; k < at->leads; k++) {
        const double share = at->share[k], half = w->half_log_lead[k];

#pragma omp simd
        for (size_t i = 0; i < BLOCK; i++) {
            double weight = share * o->h[k][i] * (1.0 + o->q[i]) / o->q[i];

            weight = weight < 1e6 ? weight : 1e6;
            o->w[k][i] = weight;
            o->s[i] += weight;
            o->r[i] += weight * half;
        }
    }
    for (size_t k = 0; k < at->leads; k++) {
        const double *c = w->model->covariance + k * order;

        for (size_t i = 0; i < BLOCK; i++)
            o->t[i] = 0.5 * c[k] * o->w[k][i];
        for (size_t j = 0; j < k; j++)
            add_times(o->t, c[j], o->w[j]);
#pragma omp simd
        for (size_t i = 0; i < BLOCK; i++)
            o->sd[i] +=
                2.0 * o->w[k][i] * (o->t[i] + o->s[i] * o->az[k][i] + o->r[i] * o->ag[k][i]);
    }
    for (size_t i = 0; i < BLOCK; i++) {
        double variance = o->sd[i] + o->s[i] * o->s[i] * o->bb[i] +
                          2.0 * o->s[i] * o->r[i] * o->bg[i] + o->r[i] * o->r[i] * o->gg[i];

        variance = variance > 0.0 ? variance : 0.0;
        o->sd[i] = SPOTOPT__INTERVAL_Z * sqrt(variance < 1e12 ? variance : 1e12);
    }
}

/* Log-odds at anchor j from the hazard's in q, low and high beside it. */
SPOTOPT__INLINE void
calibrate(const work *w, size_t j)
{
    block *o = w->block;
    const anchor *at = &w->anchors[j];
    const spotopt__calibrator *c = at->calibrator;
    const double bias = (c != NULL ? c->bias : 0.0) * SPOTOPT__LOG2_E,
                 slope = c != NULL ? c->slope : 1.0, evidence = c != NULL ? c->evidence : 0.0,
                 horizon_h = at->horizon_h;
    const double reach = SPOTOPT__LOG2_E * (slope + evidence) * (c != NULL ? w->widening : 1.0);
    double *u = w->u + j * BLOCK, *low = w->low + j * BLOCK, *high = w->high + j * BLOCK;

    if (evidence > 0.0) {
        const double most = SPOTOPT__LAMBDA_MAX * SPOTOPT__LOG2_E;

#pragma omp simd
        for (size_t i = 0; i < BLOCK; i++) {
            double lambda = o->a[i] * spotopt__vlog2_1p(horizon_h, o->b[i]);

            lambda = lambda < most ? lambda : most;
            lambda = lambda > 1e-250 ? lambda : 1e-250;
            o->t[i] = bias + evidence * spotopt__vlog2(spotopt__vexp2m1(lambda));
        }
    } else {
        for (size_t i = 0; i < BLOCK; i++)
            o->t[i] = bias;
    }
#pragma omp simd
    for (size_t i = 0; i < BLOCK; i++)
        u[i] = o->t[i] + slope * spotopt__vlog2(o->q[i] > 1e-290 ? o->q[i] : 1e-290);
    if (w->has_interval) {
        for (size_t i = 0; i < BLOCK; i++) {
            low[i] = u[i] - reach * o->sd[i];
            high[i] = u[i] + reach * o->sd[i];
        }
    }
}

/* Bends log-odds by knots; then each anchor is at least the calibrators' before. */
static void
ascend(const work *w, size_t j)
{
    const spotopt__calibrator *c = w->anchors[j].calibrator;
    double *columns[3] = {w->u, w->low, w->high};

    for (size_t which = 0; which < (w->has_interval ? 3 : 1); which++) {
        double *u = columns[which] + j * BLOCK;

        if (c != NULL && c->knots > 0) {
            spotopt__calibrator bend = *c;

            bend.bias = bend.evidence = 0.0;
            bend.slope = 1.0;
            for (size_t i = 0; i < BLOCK; i++)
                u[i] = SPOTOPT__LOG2_E *
                       spotopt__apply_calibrator(&bend, SPOTOPT__LN2 * u[i], 0.0, NULL, NULL, NULL);
        }
        if (w->anchors[j].before == j)
            continue;
        const double *before = columns[which] + w->anchors[j].before * BLOCK;
        for (size_t i = 0; i < BLOCK; i++)
            u[i] = u[i] > before[i] ? u[i] : before[i];
    }
}

SPOTOPT__INLINE void
write_p(const target *to, const double *u, size_t n, double *restrict out)
{
    const double *at = u + to->at * BLOCK, *next = to->part > 0.0 ? at + BLOCK : at;
    const double part = to->part;

#pragma omp simd
    for (size_t i = 0; i < n; i++) {
        double v = at[i] + part * (next[i] - at[i]);

        v = v > -1000.0 ? v : -1000.0;
        v = v < 1000.0 ? v : 1000.0;
        out[i] = 1.0 / (1.0 + spotopt__vexp2(-v));
    }
}

SPOTOPT__CLONES static void
score_block(const work *w, size_t first, size_t n, const target *targets, size_t target_count,
            double *out_p, double *out_low, double *out_high)
{
    block *o = w->block;
    size_t fulls = 0;

    const uint32_t features = w->model->feature_count;

    /* In parts, with work in between: few lines at a time can be on their way. */
    foresee_features(w, first, 0, features / 3);
    load(w, first, n);
    foresee_features(w, first, features / 3, 2 * features / 3);
    hazards(w);
    foresee_features(w, first, 2 * features / 3, features);
    if (w->has_evidence) {
        const spotopt_model *m = w->model;
        const double a = m->evidence_kappa * m->evidence_alpha, b = a / m->evidence_mean;

        load_column(w, w->rows->drops, a, first, n, o->a);
        load_column(w, w->rows->hours, b, first, n, o->b);
    }
    if (w->has_interval)
        quadratics(w);
    for (size_t j = 0; j < w->anchor_count; j++) {
        odds(w, &w->anchors[j], &fulls);
        if (w->has_interval)
            deviation(w, &w->anchors[j]);
        calibrate(w, j);
        ascend(w, j);
    }
    for (size_t t = 0; t < target_count; t++) {
        write_p(&targets[t], w->u, n, out_p + t * w->rows->count + first);
        if (w->has_interval) {
            write_p(&targets[t], w->low, n, out_low + t * w->rows->count + first);
            write_p(&targets[t], w->high, n, out_high + t * w->rows->count + first);
        }
    }
}

/* --- what is to be computed --- */

/*
 * Calibrators set the level anew from their own window, which is as much less sure as it is
 * shorter: the level's part of the variance, taken for half of it, grows by the ratio of lengths.
 */
static double
widening_of(const spotopt_model *model)
{
    double fitted = model->to_s - model->from_s, calibrated = model->calibrate_to_s - model->to_s;

    return calibrated > 0.0 && fitted > calibrated
               ? sqrt(0.5 + 0.5 * fmin(fitted / calibrated, 100.0))
               : 1.0;
}

static void
add_anchor(work *w, double horizon_h, const spotopt__calibrator *calibrator)
{
    anchor *at = &w->anchors[w->anchor_count++];

    at->horizon_h = horizon_h;
    at->calibrator = calibrator;
    spotopt__lead_shares(horizon_h, at->share);
    for (at->leads = 0; at->leads < SPOTOPT__LEADS && at->share[at->leads] > 0.0;)
        at->leads++;
    w->leads = at->leads > w->leads ? at->leads : w->leads;
    w->has_evidence |= calibrator != NULL && calibrator->evidence > 0.0;
}

static int
by_horizon(const void *a, const void *b)
{
    const anchor *x = a, *y = b;

    return (x->horizon_h > y->horizon_h) - (x->horizon_h < y->horizon_h);
}

/* Calibrators up to the one at or after the last horizon, and horizons outside of them all. */
static void
choose_anchors(work *w, const double *horizons_h, size_t count)
{
    const spotopt__calibrator *c = w->model->calibrators;
    const size_t calibrators = w->model->calibrator_count;
    double last = 0.0;

    for (size_t t = 0; t < count; t++) {
        if (calibrators == 0 || horizons_h[t] < c[0].horizon_h)
            add_anchor(w, horizons_h[t], calibrators > 0 ? &c[0] : NULL);
        else if (horizons_h[t] > c[calibrators - 1].horizon_h)
            add_anchor(w, horizons_h[t], &c[calibrators - 1]);
        last = horizons_h[t] > last ? horizons_h[t] : last;
    }
    for (size_t k = 0; k < calibrators; k++) {
        if (k == 0 ? last >= c[0].horizon_h : last > c[k - 1].horizon_h)
            add_anchor(w, c[k].horizon_h, &c[k]);
    }
    qsort(w->anchors, w->anchor_count, sizeof *w->anchors, by_horizon);
    for (size_t j = 0, before = SIZE_MAX; j < w->anchor_count; j++) {
        const anchor *at = &w->anchors[j];

        w->anchors[j].before = before != SIZE_MAX ? before : j;
        if (at->calibrator != NULL && at->calibrator->horizon_h == at->horizon_h)
            before = j;
    }
}

static target
aim(const work *w, double horizon_h)
{
    target to = {0, 0.0};

    while (to.at + 1 < w->anchor_count && w->anchors[to.at + 1].horizon_h <= horizon_h)
        to.at++;
    if (to.at + 1 < w->anchor_count && horizon_h > w->anchors[to.at].horizon_h) {
        double from = w->anchors[to.at].horizon_h, next = w->anchors[to.at + 1].horizon_h;

        to.part = log(horizon_h / from) / log(next / from);
    }
    return to;
}

static void
fold(work *w)
{
    const spotopt_model *m = w->model;

    for (uint32_t f = 0; f < m->feature_count; f++) {
        w->factor[f] = 1.0 / m->scale[f];
        w->shift[f] = -m->mean[f] / m->scale[f];
        w->by_s[f] = SPOTOPT__LOG2_E * m->beta[f] * w->factor[f];
        w->by_r[f] = 0.5 * m->gamma[f] * w->factor[f];
        w->s += SPOTOPT__LOG2_E * m->beta[f] * w->shift[f];
        w->r += 0.5 * m->gamma[f] * w->shift[f];
    }
    w->log2_last = SPOTOPT__LOG2_E * log(spotopt__lead_h[SPOTOPT__LEADS - 1]);
    for (size_t k = 0; k < SPOTOPT__LEADS; k++) {
        w->half_log_lead[k] = 0.5 * log(spotopt__lead_h[k]);
        w->factor_of_lead[k] = exp(m->a[k] < 230.0 ? m->a[k] > -230.0 ? m->a[k] : -230.0 : 230.0);
    }
    w->odds_min = exp(SPOTOPT__ETA_MIN);
    w->odds_max = exp(SPOTOPT__ETA_MAX);
}

/* Whole lines of the cache: a vector that lies across two of them costs twice. */
static void *
take_lines(spotopt__arena *arena, size_t bytes)
{
    char *made = spotopt__arena_alloc(arena, bytes + LINE, 1);

    return made != NULL ? made + (LINE - (uintptr_t)made % LINE) % LINE : NULL;
}

static size_t
rows_to_line(const double *x)
{
    return (LINE - (uintptr_t)x % LINE) % LINE / sizeof *x;
}

bool
spotopt__forecast(const spotopt_model *model, const spotopt__rows *rows, const double *horizons_h,
                  size_t horizon_count, double *out_p, double *out_low, double *out_high)
{
    const size_t features = model->feature_count,
                 most = model->calibrator_count + horizon_count + 1;
    work w = {.model = model,
              .rows = rows,
              .has_interval = out_low != NULL,
              .widening = widening_of(model)};
    spotopt__arena arena;
    target *targets;
    bool is_fine;

    spotopt__arena_init(&arena, model->context);
    w.by_s = spotopt__arena_alloc(&arena, 4 * features + 1, sizeof *w.by_s);
    w.anchors = spotopt__arena_alloc(&arena, most, sizeof *w.anchors);
    targets = spotopt__arena_alloc(&arena, horizon_count + 1, sizeof *targets);
    w.block = take_lines(&arena, sizeof *w.block);
    w.z = take_lines(&arena, features * BLOCK * sizeof *w.z);
    w.u = take_lines(&arena, 3 * most * BLOCK * sizeof *w.u);
    is_fine = w.by_s != NULL && w.anchors != NULL && targets != NULL && w.block != NULL &&
              w.z != NULL && w.u != NULL;
    if (is_fine) {
        w.by_r = w.by_s + features;
        w.shift = w.by_r + features;
        w.factor = w.shift + features;
        w.low = w.u + most * BLOCK;
        w.high = w.low + most * BLOCK;
        fold(&w);
        choose_anchors(&w, horizons_h, horizon_count);
        for (size_t t = 0; t < horizon_count; t++)
            targets[t] = aim(&w, horizons_h[t]);
        /* The first block is short where that lets the others begin with a line of the cache. */
        size_t next = rows->count > 4 * BLOCK ? rows_to_line(rows->x) : 0;

        next = next > 0 ? next : BLOCK;
        for (size_t first = 0; first < rows->count; first = next, next += BLOCK) {
            next = next < rows->count ? next : rows->count;
            score_block(&w, first, next - first, targets, horizon_count, out_p, out_low, out_high);
        }
    }
    spotopt__arena_free(&arena);
    return is_fine;
}
