/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hazard.c - one discrete-time logistic hazard for all leads, fitted by a ridge Newton method.
 *
 * In lead bin k a pool that has not dropped yet does so with logit h_k = a_k + beta'z + gamma'z
 * ln(lead_k) / 2 (discrete- time survival: Cox 1972; Allison 1982). The effect of a feature is
 * linear in ln(lead), so with c_k = how far bin k is from the shortest lead to the longest, it is u
 * (1 - c_k) + v c_k: the fit is in u and v, effects at the two ends. A sign demanded at every lead
 * is then a bound on u and one on v, and an effect that fades has v = 0. Rows x bins never exist: z
 * is common to a row's bins, so X'WX is three products Z'DZ (dsyrk) with D summed over bins, and
 * vectors.
 *
 * Newton steps keep the bounds (bounded.c); they are halved until the objective falls (Armijo).
 * Intervals come from the sandwich H^-1 (sum over clusters of s s') H^-1 (Liang and Zeger 1986),
 * since rows of one pool and day are nearly the same row; coefficients held at a bound are taken as
 * known.
 */
#include "risk/hazard.h"
#include "risk/bounded.h"

extern void dsyrk_(const char *uplo, const char *trans, const int *n, const int *k,
                   const double *alpha, const double *a, const int *lda, const double *beta,
                   double *c, const int *ldc);

#define ROUNDS 100
#define BLOCK 256  /* rows that are weighted and multiplied at a time: they stay in cache */
#define DONE 1e-10 /* largest coordinate of the last step */
#define ARMIJO 1e-4
#define CEILING 35.0 /* of |logit| in the loss: beyond, exp() adds nothing */

uint8_t
spotopt__hazard_bins(double drop_s, double watched_s, bool *out_is_hit)
{
    double from_s = 0.0;

    *out_is_hit = false;
    for (uint8_t k = 0; k < SPOTOPT__LEADS; k++) {
        double to_s = 3600.0 * spotopt__lead_h[k];

        if (drop_s <= from_s || watched_s < to_s)
            return k;
        if (drop_s <= to_s) {
            *out_is_hit = true;
            return k + 1;
        }
        from_s = to_s;
    }
    return SPOTOPT__LEADS;
}

double
spotopt__hazard_reach(int k)
{
    double low = log(spotopt__lead_h[0]), high = log(spotopt__lead_h[SPOTOPT__LEADS - 1]);

    return (log(spotopt__lead_h[k]) - low) / (high - low);
}

typedef struct newton {
    const spotopt__hazard_rows *rows;
    size_t order; /* LEADS + 2 features: a, u, v */
    double reach[SPOTOPT__LEADS];
    double ridge_uu, ridge_uv, ridge_vv; /* the ridge in u and v */
    /* A bin whose rows all dropped, or none: its a would run away, and is drawn to a pooled rate's.
     */
    double pull[SPOTOPT__LEADS], centre[SPOTOPT__LEADS];
    double *x, *trial, *d, *g, *h, *work, *block;
    int *sign;
    bool *is_free;
} newton;

/* What a row says at x: logits of its bins, and by how much each hazard missed. */
static double
look(const newton *w, const double *x, size_t row, double *out_p)
{
    size_t features = w->rows->features, bins = w->rows->bins[row];
    const double *z = w->rows->z + row * features, *u = x + SPOTOPT__LEADS, *v = u + features;
    double short_lead = 0.0, long_lead = 0.0, product = 1.0, loss = 0.0;

    for (size_t f = 0; f < features; f++) {
        short_lead += u[f] * z[f];
        long_lead += v[f] * z[f];
    }
    for (size_t k = 0; k < bins; k++) {
        double logit = x[k] + short_lead + w->reach[k] * (long_lead - short_lead);

        if (logit > CEILING) { /* ln(1 + e^x) = x */
            loss += logit;
            out_p[k] = 1.0;
        } else {
            double odds = exp(logit);

            product *= 1.0 + odds; /* at most e^(8 * 35): one logarithm for all bins */
            out_p[k] = odds / (1.0 + odds);
        }
        if (k + 1 == bins && w->rows->is_hit[row])
            loss -= logit;
    }
    return loss + log(product);
}

static double
penalty(const newton *w, const double *x)
{
    const double *u = x + SPOTOPT__LEADS, *v = u + w->rows->features;
    double sum = 0.0;

    for (size_t k = 0; k < SPOTOPT__LEADS; k++)
        sum += 0.5 * w->pull[k] * (x[k] - w->centre[k]) * (x[k] - w->centre[k]);
    for (size_t f = 0; f < w->rows->features; f++)
        sum += 0.5 * (w->ridge_uu * u[f] * u[f] + 2.0 * w->ridge_uv * u[f] * v[f] +
                      w->ridge_vv * v[f] * v[f]);
    return sum;
}

static double
objective(const newton *w, const double *x)
{
    double sum = penalty(w, x), p[SPOTOPT__LEADS];

    for (size_t row = 0; row < w->rows->count; row++)
        sum += look(w, x, row, p);
    return sum;
}

/* Adds block' block to the square of h that begins at (row, column); only its lower half where they
 * are equal. */
static void
add_square(newton *w, size_t count, size_t row, size_t column)
{
    size_t features = w->rows->features;
    int n = (int)features, k = (int)count, ld = (int)w->order;
    double one = 1.0;

    if (features > 0)
        dsyrk_("L", "N", &n, &k, &one, w->block, &n, &one, w->h + column * w->order + row, &ld);
}

/* Objective, gradient and Hessian at x. */
static double
expand(newton *w)
{
    const spotopt__hazard_rows *r = w->rows;
    size_t features = r->features, order = w->order, u = SPOTOPT__LEADS, v = u + features;
    double sum = penalty(w, w->x), s[3][BLOCK];

    memset(w->g, 0, order * sizeof *w->g);
    memset(w->h, 0, order * order * sizeof *w->h);
    for (size_t from = 0; from < r->count; from += BLOCK) {
        size_t count = r->count - from < BLOCK ? r->count - from : BLOCK;

        for (size_t i = 0; i < count; i++) {
            const double *z = r->z + (from + i) * features;
            size_t bins = r->bins[from + i];
            double p[SPOTOPT__LEADS], gu = 0.0, gv = 0.0;

            sum += look(w, w->x, from + i, p);
            s[0][i] = s[1][i] = s[2][i] = 0.0;
            for (size_t k = 0; k < bins; k++) {
                double c = w->reach[k], weight = p[k] * (1.0 - p[k]);
                double miss = p[k] - (k + 1 == bins && r->is_hit[from + i] ? 1.0 : 0.0);
                double *to_u = w->h + k * order + u, *to_v = w->h + k * order + v;
                double weight_u = weight * (1.0 - c), weight_v = weight * c;

                w->g[k] += miss;
                gu += miss * (1.0 - c);
                gv += miss * c;
                w->h[k * order + k] += weight;
                s[0][i] += weight_u * (1.0 - c);
                s[1][i] += weight_u * c;
                s[2][i] += weight_v * c;
                for (size_t f = 0; f < features; f++) {
                    to_u[f] += weight_u * z[f];
                    to_v[f] += weight_v * z[f];
                }
            }
            for (size_t f = 0; f < features; f++) {
                w->g[u + f] += gu * z[f];
                w->g[v + f] += gv * z[f];
            }
        }
        for (int part = 0; part < 3; part++) {
            for (size_t i = 0; i < count; i++) {
                const double *z = r->z + (from + i) * features;
                double root = sqrt(s[part][i]);

                for (size_t f = 0; f < features; f++)
                    w->block[i * features + f] = root * z[f];
            }
            add_square(w, count, part == 0 ? u : v, part == 2 ? v : u);
        }
    }
    /* dsyrk filled lower halves; the square of u with v is symmetric itself. */
    for (size_t f = 0; f < features; f++) {
        for (size_t e = 0; e < f; e++)
            w->h[(u + f) * order + v + e] = w->h[(u + e) * order + v + f];
        w->h[(u + f) * order + u + f] += w->ridge_uu;
        w->h[(u + f) * order + v + f] += w->ridge_uv;
        w->h[(v + f) * order + v + f] += w->ridge_vv;
        w->g[u + f] += w->ridge_uu * w->x[u + f] + w->ridge_uv * w->x[v + f];
        w->g[v + f] += w->ridge_uv * w->x[u + f] + w->ridge_vv * w->x[v + f];
    }
    for (size_t k = 0; k < SPOTOPT__LEADS; k++) {
        w->g[k] += w->pull[k] * (w->x[k] - w->centre[k]);
        w->h[k * order + k] += w->pull[k];
    }
    for (size_t i = 0; i < order; i++) {
        for (size_t j = 0; j < i; j++)
            w->h[i * order + j] = w->h[j * order + i];
    }
    return sum;
}

/* What is held at 0 for good has no column: its row and column of h become the unit's, its slope 0.
 */
static void
freeze(newton *w)
{
    for (size_t f = 0; f < w->rows->features; f++) {
        size_t i = SPOTOPT__LEADS + w->rows->features + f;

        if (!w->rows->is_fading[f])
            continue;
        for (size_t j = 0; j < w->order; j++)
            w->h[i * w->order + j] = w->h[j * w->order + i] = 0.0;
        w->h[i * w->order + i] = 1.0;
        w->g[i] = 0.0;
    }
}

static double
bin_h(int k)
{
    return spotopt__lead_h[k] - (k > 0 ? spotopt__lead_h[k - 1] : 0.0);
}

static void
start(newton *w)
{
    double hits[SPOTOPT__LEADS] = {0}, entered[SPOTOPT__LEADS] = {0}, all_hits = 0.0, hours = 0.0;
    double low = 0.5 * log(spotopt__lead_h[0]),
           high = 0.5 * log(spotopt__lead_h[SPOTOPT__LEADS - 1]);
    double span2 = (high - low) * (high - low), ridge = w->rows->ridge;

    for (int k = 0; k < SPOTOPT__LEADS; k++)
        w->reach[k] = spotopt__hazard_reach(k);
    /* beta = (u high - v low) / (high - low), gamma = (v - u) / (high - low) */
    w->ridge_uu = ridge * (high * high + 1.0) / span2;
    w->ridge_uv = ridge * (-high * low - 1.0) / span2;
    w->ridge_vv = ridge * (low * low + 1.0) / span2;
    for (size_t row = 0; row < w->rows->count; row++) {
        for (size_t k = 0; k < w->rows->bins[row]; k++)
            entered[k] += 1.0;
        if (w->rows->is_hit[row])
            hits[w->rows->bins[row] - 1] += 1.0;
    }
    for (int k = 0; k < SPOTOPT__LEADS; k++) {
        all_hits += hits[k];
        hours += entered[k] * bin_h(k);
    }
    for (int k = 0; k < SPOTOPT__LEADS; k++) {
        double pooled = -expm1(-(all_hits + 0.5) / (hours + 1.0) * bin_h(k));
        double share = (hits[k] + pooled) / (entered[k] + 1.0);

        w->x[k] = w->centre[k] = log(share / (1.0 - share));
        w->pull[k] = hits[k] > 0.0 && hits[k] < entered[k] ? 0.0 : 1.0;
    }
    for (size_t f = 0; f < w->rows->features; f++)
        w->sign[SPOTOPT__LEADS + f] = w->sign[SPOTOPT__LEADS + w->rows->features + f] =
            w->rows->sign[f];
}

static spotopt_status
descend(newton *w, spotopt__budget *budget, spotopt__hazard *out, spotopt_error *err)
{
    for (out->rounds = 0; out->rounds < ROUNDS; out->rounds++) {
        double now = expand(w), slope = 0.0, longest = 0.0, part = 1.0, next;

        freeze(w);
        out->objective = now;
        if (spotopt__budget_over(budget, "fit", now, 0.0) && budget->cancelled)
            return spotopt__fail(err, SPOTOPT_E_CANCELLED, "the fit was cancelled");
        if (!isfinite(now) ||
            !spotopt__bounded_step(w->order, w->h, w->g, w->x, w->sign, w->d, w->is_free, w->work))
            break;
        for (size_t i = 0; i < w->order; i++) {
            slope += w->g[i] * w->d[i];
            longest = fabs(w->d[i]) > longest ? fabs(w->d[i]) : longest;
        }
        for (;; part *= 0.5) {
            for (size_t i = 0; i < w->order; i++)
                w->trial[i] = w->x[i] + part * w->d[i];
            if (longest <
                1e-4) /* so near that only rounding could tell: Newton's step is taken as it is */
                break;
            next = objective(w, w->trial);
            if (next <= now + ARMIJO * part * slope || part < 1e-9)
                break;
        }
        for (size_t i = 0; i < w->order; i++) /* what the step put on its bound is there exactly */
            w->x[i] = part == 1.0 && !w->is_free[i] ? 0.0 : w->trial[i];
        if (longest < DONE)
            return SPOTOPT_OK;
    }
    return spotopt__fail(err, SPOTOPT_E_INTERNAL,
                         "the hazard has no finite optimum; want a larger ridge");
}

/* Sum over clusters of s s' in `meat`, s being a cluster's part of the gradient without the ridge.
 */
static void
add_clusters(const newton *w, double *s, double *meat)
{
    const spotopt__hazard_rows *r = w->rows;
    size_t features = r->features, order = w->order, u = SPOTOPT__LEADS, v = u + features,
           clusters = 0;

    memset(meat, 0, order * order * sizeof *meat);
    memset(s, 0, order * sizeof *s);
    for (size_t row = 0; row < r->count; row++) {
        const double *z = r->z + row * features;
        double p[SPOTOPT__LEADS], gu = 0.0, gv = 0.0;

        look(w, w->x, row, p);
        for (size_t k = 0; k < r->bins[row]; k++) {
            double miss = p[k] - (k + 1 == r->bins[row] && r->is_hit[row] ? 1.0 : 0.0);

            s[k] += miss;
            gu += miss * (1.0 - w->reach[k]);
            gv += miss * w->reach[k];
        }
        for (size_t f = 0; f < features; f++) {
            s[u + f] += gu * z[f];
            s[v + f] += gv * z[f];
        }
        if (row + 1 < r->count && r->cluster[row + 1] == r->cluster[row])
            continue;
        clusters++;
        for (size_t i = 0; i < order; i++) {
            for (size_t j = 0; j < order; j++)
                meat[i * order + j] += s[i] * s[j];
        }
        memset(s, 0, order * sizeof *s);
    }
    for (size_t i = 0; clusters > 1 && i < order * order; i++)
        meat[i] *= (double)clusters / (double)(clusters - 1);
}

/* One side of the sandwich: each row of `m` becomes H^-1 times it, held coordinates 0. */
static void
divide_rows(newton *w, size_t free_count, double *m)
{
    size_t order = w->order;

    for (size_t i = 0; i < order; i++) {
        size_t k = 0;

        for (size_t j = 0; j < order; j++) {
            if (w->is_free[j])
                w->d[k++] = m[i * order + j];
        }
        spotopt__bounded_solve(free_count, w->work, w->d);
        k = 0;
        for (size_t j = 0; j < order; j++)
            m[i * order + j] = w->is_free[j] ? w->d[k++] : 0.0;
    }
}

static void
transpose(size_t n, double *m)
{
    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j < i; j++) {
            double kept = m[i * n + j];

            m[i * n + j] = m[j * n + i];
            m[j * n + i] = kept;
        }
    }
}

/* Rows of m in (a, u, v) become rows in (a, beta, gamma). */
static void
to_beta(const newton *w, double *m, size_t columns)
{
    size_t features = w->rows->features, u = SPOTOPT__LEADS, v = u + features;
    double low = 0.5 * log(spotopt__lead_h[0]),
           high = 0.5 * log(spotopt__lead_h[SPOTOPT__LEADS - 1]);

    for (size_t f = 0; f < features; f++) {
        for (size_t j = 0; j < columns; j++) {
            double at_u = m[(u + f) * columns + j], at_v = m[(v + f) * columns + j];

            m[(u + f) * columns + j] = (at_u * high - at_v * low) / (high - low);
            m[(v + f) * columns + j] = (at_v - at_u) / (high - low);
        }
    }
}

static void
sandwich(newton *w, double *covariance)
{
    size_t free_count, order = w->order;

    for (size_t f = 0; f < w->rows->features; f++) {
        if (w->rows->is_fading[f])
            w->is_free[SPOTOPT__LEADS + w->rows->features + f] = false;
    }
    add_clusters(w, w->trial, covariance);
    free_count = spotopt__bounded_factor(order, w->h, w->is_free, w->work);
    divide_rows(w, free_count, covariance);
    transpose(order, covariance);
    divide_rows(w, free_count, covariance);
    to_beta(w, covariance, order);
    transpose(order, covariance);
    to_beta(w, covariance, order);
    /* What rounding left of a difference goes, so that a fitted model is the one that is read. */
    for (size_t i = 0; i < order; i++)
        for (size_t j = 0; j < i; j++)
            covariance[j * order + i] = covariance[i * order + j];
}

spotopt_status
spotopt__hazard_fit(spotopt_context *context, const spotopt__hazard_rows *rows,
                    spotopt__budget *budget, spotopt__hazard *out, spotopt_error *err)
{
    newton w = {.rows = rows, .order = SPOTOPT__LEADS + 2 * (size_t)rows->features};
    size_t n = w.order;
    double *numbers = spotopt__alloc_array(
        context, n * (2 * n + 8) + BLOCK * ((size_t)rows->features + 1), sizeof *numbers);
    spotopt_status status = SPOTOPT_E_NOMEM;

    w.sign = spotopt__alloc_array(context, n, sizeof *w.sign);
    w.is_free = spotopt__alloc_array(context, n, sizeof *w.is_free);
    if (numbers == NULL || w.sign == NULL || w.is_free == NULL) {
        (void)spotopt__nomem(err, "a fit");
        goto done;
    }
    w.x = numbers;
    w.trial = w.x + n;
    w.d = w.trial + n;
    w.g = w.d + n;
    w.h = w.g + n;
    w.work = w.h + n * n;
    w.block = w.work + n * (n + 3);
    start(&w);
    status = descend(&w, budget, out, err);
    if (status != SPOTOPT_OK)
        goto done;
    if (out->covariance != NULL)
        sandwich(&w, out->covariance);
    to_beta(&w, w.x, 1);
    memcpy(out->a, w.x, sizeof out->a);
    memcpy(out->beta, w.x + SPOTOPT__LEADS, rows->features * sizeof *out->beta);
    memcpy(out->gamma, w.x + SPOTOPT__LEADS + rows->features, rows->features * sizeof *out->gamma);
done:
    spotopt__free(context, numbers);
    spotopt__free(context, w.sign);
    spotopt__free(context, w.is_free);
    return status;
}
