/* SPDX-License-Identifier: Apache-2.0 */
/*
 * explain.c - what each feature contributes to a pool's log-odds of p_H, adding up to the whole.
 *
 * Aumann-Shapley values (Aumann and Shapley 1974; for models Sundararajan et al. 2017): the slope
 * by each input, integrated along the straight path from the mean feature vector and layer 2's
 * prior to the pool as it is. Features act through two sums alone, s = beta'z and r = gamma'z, and
 * layer 2 through its log-odds, so that three integrals over [0, 1] hold every contribution:
 * phi_f = z_f (beta_f A + gamma_f B) and C of the evidence. They go through hazard, calibrator,
 * knots and the cumulative maximum over horizons. Knots and the maximum have corners, hence
 * adaptive Gauss-Kronrod quadrature (7, 15 points), which halves the path until what is in doubt
 * is below 1e-12 of it; nothing is scaled to make the sum right.
 */
#include "risk/forecast.h"

#define DOUBT 1e-12
#define SUM_DOUBT 1e-10
#define PANELS_MAX 4096
#define CUTS_MAX 64
enum { STACK = 64, PARTS = 3 /* s, r, evidence */ };

typedef struct path {
    const spotopt_model *model;
    double horizon_h, s, r, drops, hours;
} path;

/* Log-odds at one anchor and their slopes along the path, by part. */
static double
at_anchor(const path *p, const spotopt__calibrator *c, double horizon_h, double t,
          double slope[PARTS], uint64_t *piece)
{
    const spotopt_model *m = p->model;
    uint32_t hazard_piece, calibrator_piece;
    double prior = 0.0, pool = 0.0, by_s, by_r, by_hazard, by_evidence, u;
    double hazard =
        spotopt__hazard_logit(m, t * p->s, t * p->r, horizon_h, &by_s, &by_r, &hazard_piece);

    if (c != NULL && c->evidence > 0.0) {
        prior = spotopt__evidence_logit(m, 0.0, 0.0, horizon_h);
        pool = spotopt__evidence_logit(m, p->drops, p->hours, horizon_h);
    }
    u = spotopt__apply_calibrator(c, hazard, prior + t * (pool - prior), &by_hazard, &by_evidence,
                                  &calibrator_piece);
    slope[0] = by_hazard * by_s * p->s;
    slope[1] = by_hazard * by_r * p->r;
    slope[2] = by_evidence * (pool - prior);
    *piece = (uint64_t)calibrator_piece << 16 | hazard_piece;
    return u;
}

/* The greatest of the calibrators' up to `last` and, when not NULL, of one more at p's horizon. */
static double
greatest(const path *p, size_t count, const spotopt__calibrator *more, bool has_more, double t,
         double slope[PARTS], uint64_t *piece)
{
    double best = -INFINITY, other[PARTS];
    uint64_t now;

    for (size_t c = 0; c < count + (has_more ? 1 : 0); c++) {
        const spotopt__calibrator *is = c < count ? &p->model->calibrators[c] : more;
        double u = at_anchor(p, is, c < count ? is->horizon_h : p->horizon_h, t, other, &now);

        if (u > best) {
            best = u;
            memcpy(slope, other, sizeof other);
            *piece = now << 8 | c;
        }
    }
    return best;
}

/* Log-odds at t and their slopes, which are smooth as long as *piece is the same. */
static double
along(const path *p, double t, double slope[PARTS], uint64_t *piece)
{
    uint64_t other;
    const spotopt__calibrator *c = p->model->calibrators;
    const size_t count = p->model->calibrator_count;
    size_t before = 0;
    double next[PARTS], u, above, part;

    while (before < count && c[before].horizon_h <= p->horizon_h)
        before++;
    if (before == 0) /* below all of them, or none */
        return greatest(p, 0, count > 0 ? c : NULL, true, t, slope, piece);
    if (before == count && p->horizon_h > c[count - 1].horizon_h)
        return greatest(p, count, &c[count - 1], true, t, slope, piece);
    u = greatest(p, before, NULL, false, t, slope, piece);
    if (before == count || p->horizon_h == c[before - 1].horizon_h)
        return u;
    above = greatest(p, before + 1, NULL, false, t, next, &other);
    *piece = spotopt__hash_mix(*piece, other);
    part = log(p->horizon_h / c[before - 1].horizon_h) /
           log(c[before].horizon_h / c[before - 1].horizon_h);
    for (int i = 0; i < PARTS; i++)
        slope[i] += part * (next[i] - slope[i]);
    return u + part * (above - u);
}

/* Both rules over [from, to]: out by the finer one; returns how far they are apart. */
static double
quadrature(const path *p, double from, double to, double out[PARTS])
{
    static const double x[8] = {0.0,
                                0.207784955007898468,
                                0.405845151377397167,
                                0.586087235467691130,
                                0.741531185599394440,
                                0.864864423359769073,
                                0.949107912342758525,
                                0.991455371120812640},
                        fine[8] = {0.209482141084727828, 0.204432940075298892, 0.190350578064785410,
                                   0.169004726639267903, 0.140653259715525919, 0.104790010322250184,
                                   0.063092092629978553, 0.022935322010529225},
                        rough[8] = {0.417959183673469388, 0.0, 0.381830050505118945, 0.0,
                                    0.279705391489276668, 0.0, 0.129484966168869693, 0.0};
    const double half = 0.5 * (to - from), middle = 0.5 * (from + to);
    double second[PARTS] = {0.0}, doubt = 0.0;

    for (int i = 0; i < PARTS; i++)
        out[i] = 0.0;
    for (int k = 0; k < 8; k++) {
        for (int side = -1; side <= (k == 0 ? -1 : 1); side += 2) {
            double slope[PARTS];
            uint64_t piece;

            (void)along(p, middle + side * half * x[k], slope, &piece);
            for (int i = 0; i < PARTS; i++) {
                out[i] += half * fine[k] * slope[i];
                second[i] += half * rough[k] * slope[i];
            }
        }
    }
    for (int i = 0; i < PARTS; i++)
        doubt += fabs(out[i] - second[i]);
    return doubt;
}

/* Adds the integrals over [begin, end]. */
static void
integrate(const path *p, double begin, double end, double out[PARTS], double lost[PARTS])
{
    double from[STACK], to[STACK];
    size_t depth = 1;

    from[0] = begin;
    to[0] = end;
    while (depth > 0) {
        const double a = from[depth - 1], b = to[depth - 1], middle = 0.5 * (a + b);
        double part[PARTS], doubt = quadrature(p, a, b, part);

        depth--;
        if (doubt > DOUBT * ((b - a) + fabs(part[0]) + fabs(part[1]) + fabs(part[2])) &&
            doubt > 1e-15 && depth + 2 <= STACK && middle > a && middle < b && b - a > 1e-13) {
            from[depth] = middle;
            to[depth++] = b;
            from[depth] = a;
            to[depth++] = middle;
            continue;
        }
        for (int i = 0; i < PARTS; i++) { /* Kahan: many small pieces beside a large one */
            double add = part[i] - lost[i], sum = out[i] + add;

            lost[i] = (sum - out[i]) - add;
            out[i] = sum;
        }
    }
}

static uint64_t
piece_at(const path *p, double t)
{
    double slope[PARTS];
    uint64_t piece = 0;

    (void)along(p, t, slope, &piece);
    return piece;
}

/* [begin, end], cut at every corner that shows at the ends of a part. */
static void
integrate_pieces(const path *p, double begin, double end, double out[PARTS], double lost[PARTS])
{
    const uint64_t last = piece_at(p, end);

    for (int cuts = 0; begin < end && cuts < CUTS_MAX; cuts++) {
        const uint64_t first = piece_at(p, begin);
        double low = begin, high = end;

        if (first == last)
            break;
        for (;;) {
            double middle = 0.5 * (low + high);

            if (!(middle > low && middle < high))
                break;
            if (piece_at(p, middle) == first)
                low = middle;
            else
                high = middle;
        }
        integrate(p, begin, low, out, lost);
        begin = high;
    }
    integrate(p, begin, end, out, lost);
}

/*
 * A stretch where everything happens can lie between the points of both rules, far apart on a long
 * path. The sum shows it: what is off is done again on more panels.
 */
static void
integrate_all(const path *p, double difference, double out[PARTS])
{
    for (int panels = 1; panels <= PANELS_MAX; panels *= 8) {
        double lost[PARTS] = {0.0};

        for (int i = 0; i < PARTS; i++)
            out[i] = 0.0;
        for (int k = 0; k < panels; k++)
            integrate_pieces(p, (double)k / panels, (double)(k + 1) / panels, out, lost);
        if (fabs(out[0] + out[1] + out[2] - difference) <= SUM_DOUBT * (1.0 + fabs(difference)))
            return;
    }
}

void
spotopt__explain(const spotopt_model *model, const double *z, double drops, double hours,
                 double horizon_h, double *out, double *out_base, double *out_total)
{
    path p = {model, horizon_h, 0.0, 0.0, drops, hours};
    double parts[PARTS], slope[PARTS];
    uint64_t piece;

    for (uint32_t f = 0; f < model->feature_count; f++) {
        p.s += model->beta[f] * z[f];
        p.r += model->gamma[f] * z[f];
    }
    *out_base = along(&p, 0.0, slope, &piece);
    *out_total = along(&p, 1.0, slope, &piece);
    integrate_all(&p, *out_total - *out_base, parts);
    for (uint32_t f = 0; f < model->feature_count; f++) {
        double by_s = p.s != 0.0 ? parts[0] / p.s : 0.0, by_r = p.r != 0.0 ? parts[1] / p.r : 0.0;

        out[f] = z[f] * (model->beta[f] * by_s + model->gamma[f] * by_r);
    }
    out[model->feature_count] = parts[2];
}
