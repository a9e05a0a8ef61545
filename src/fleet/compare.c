/* SPDX-License-Identifier: Apache-2.0 */
/*
 * compare.c - is the mean of a metric different in the treatment?
 *
 * Three tests of one difference, each for what it is good at: Welch's for one look at the end, the
 * mixture sequential test for any number of looks, the permutation test for a handful of units. The
 * verdict follows the second, since dashboards are looked at, or the third under 20 units. A
 * covariate from before the experiment is taken out of all of them. Sizes of arms that the
 * assignment does not explain make everything invalid: units were lost, and not at random.
 */
#include "base/special.h"
#include "fleet/experiment.h"

#define SAMPLE_RATIO_ALPHA 0.001
#define POWER_WANTED 0.8

double
spotopt__sample_ratio_p(double control, double treatment, double share)
{
    double all = control + treatment, want = all * share;

    if (!(all > 0.0))
        return NAN;
    /* Chi-squared with one degree of freedom is a squared normal. */
    return 2.0 * spotopt__normal_p(-fabs(treatment - want) / sqrt(all * share * (1.0 - share)));
}

/* Arms' means and variances of y - theta (x - mean of x). */
typedef struct welch {
    double mean[2], error2[2], n[2]; /* error2: squared standard error */
} welch;

static welch
adjust(const spotopt__moments *m, double theta)
{
    welch w;
    double x = (m->n[0] * m->x[0] + m->n[1] * m->x[1]) / (m->n[0] + m->n[1]);

    for (int k = 0; k < 2; k++) {
        double squares = m->yy[k] - 2.0 * theta * m->xy[k] + theta * theta * m->xx[k];

        w.n[k] = m->n[k];
        w.mean[k] = m->y[k] - theta * (m->x[k] - x);
        w.error2[k] = fmax(0.0, squares) / (m->n[k] - 1.0) / m->n[k]; /* NaN for a single unit */
    }
    return w;
}

static void
test_at_end(const spotopt__moments *m, const spotopt_compare_params *p, spotopt_comparison *out)
{
    welch w = adjust(m, out->theta);
    double error2 = w.error2[0] + w.error2[1], error = sqrt(error2), limit, worth;

    out->effect = w.mean[1] - w.mean[0];
    if (!(error > 0.0))
        return;
    out->t = out->effect / error;
    out->df =
        error2 * error2 /
        (w.error2[0] * w.error2[0] / (w.n[0] - 1.0) + w.error2[1] * w.error2[1] / (w.n[1] - 1.0));
    out->p = 2.0 * spotopt__student_p(-fabs(out->t), out->df);
    limit = spotopt__student_quantile(1.0 - 0.5 * p->alpha, out->df);
    out->effect_low = out->effect - limit * error;
    out->effect_high = out->effect + limit * error;

    worth = fabs(out->control_mean);
    if (!(worth > 0.0))
        return;
    out->power = spotopt__student_power(limit, out->df, p->effect_frac * worth / error);
    double low = 0.0, high = limit + 40.0;
    for (int i = 0; i < 60; i++) {
        double middle = 0.5 * (low + high);

        if (spotopt__student_power(limit, out->df, middle) < POWER_WANTED)
            low = middle;
        else
            high = middle;
    }
    out->detectable_frac = high * error / worth;
}

/* Looks after every unit. The sequence of intervals is cut with what came before: each of them
 * holds. */
static void
test_always(const spotopt__outcome *units, size_t count, bool has_pre,
            const spotopt_compare_params *p, spotopt__moments *m, spotopt_comparison *out)
{
    double largest = 1.0, low = -INFINITY, high = INFINITY, worth, radius;
    spotopt__contrast c = {0.0, 0.0, 0.0, 0.0};
    bool is_there = false;

    for (size_t i = 0; i < count; i++) {
        double rows = (double)units[i].count;

        spotopt__moments_add(m, units[i].is_treatment, units[i].sum / rows,
                             has_pre ? units[i].pre_sum / rows : 0.0);
        is_there = spotopt__moments_contrast(m, &c);
        if (!is_there || !(c.variance > 0.0))
            continue;
        largest = fmax(largest, spotopt__mixture_ratio(&c, p->mixture));
        radius = spotopt__mixture_radius(&c, p->mixture, p->alpha);
        low = fmax(low, c.effect - radius);
        high = fmin(high, c.effect + radius);
        if (isnan(out->decided_at_s) && 1.0 / largest <= p->alpha)
            out->decided_at_s = units[i].last_s;
    }
    if (!is_there)
        return;
    out->always_p = 1.0 / largest;
    /* Cut to nothing: an event of chance alpha happened; the last look stands alone. */
    if (low > high) {
        radius = spotopt__mixture_radius(&c, p->mixture, p->alpha);
        low = c.effect - radius;
        high = c.effect + radius;
    }
    out->always_low = low;
    out->always_high = high;
    worth = fabs(m->y[0]);
    if (worth > 0.0 && c.variance > 0.0) {
        double error = sqrt(c.variance / c.g);

        radius = spotopt__mixture_radius(&c, p->mixture, p->alpha);
        out->always_power =
            spotopt__student_power(radius / error, c.df, p->effect_frac * worth / error);
    }
}

static void
test_few(const spotopt__outcome *units, size_t count, bool has_pre, const spotopt__moments *m,
         spotopt_comparison *out)
{
    double values[2][SPOTOPT__PERMUTED_UNITS], x;
    size_t counts[2] = {0, 0};

    if (count >= SPOTOPT__PERMUTED_UNITS)
        return;
    x = (m->n[0] * m->x[0] + m->n[1] * m->x[1]) / (double)count;
    for (size_t i = 0; i < count; i++) {
        double rows = (double)units[i].count;
        uint32_t arm = units[i].is_treatment;

        values[arm][counts[arm]++] =
            units[i].sum / rows - (has_pre ? out->theta * (units[i].pre_sum / rows - x) : 0.0);
    }
    out->permutation_p = spotopt__permutation_p(values[0], counts[0], values[1], counts[1]);
}

static int32_t
judge(const spotopt_comparison *c, const spotopt_compare_params *p)
{
    bool is_few = !isnan(c->permutation_p);
    double p_value = is_few ? c->permutation_p : c->always_p;
    double power = is_few ? c->power : c->always_power;

    if (c->sample_ratio_p < SAMPLE_RATIO_ALPHA)
        return SPOTOPT_VERDICT_INVALID;
    if (p_value <= p->alpha)
        return (c->effect > 0.0) == (p->higher_is_better != 0) ? SPOTOPT_VERDICT_BETTER
                                                               : SPOTOPT_VERDICT_WORSE;
    return power >= POWER_WANTED ? SPOTOPT_VERDICT_SAME : SPOTOPT_VERDICT_INCONCLUSIVE;
}

spotopt_status
spotopt_experiment_compare(const spotopt_experiment *experiment,
                           const spotopt_compare_params *params, spotopt_comparison *out,
                           spotopt_error *err)
{
    spotopt_comparison c = SPOTOPT_COMPARISON_INIT;
    spotopt__moments m = {{0.0}, {0.0}, {0.0}, {0.0}, {0.0}, {0.0}};
    spotopt__outcome *units = NULL;
    spotopt__pair pair;
    size_t count = 0;
    bool has_pre = true;
    spotopt_status status;

    if (experiment == NULL || out == NULL || out->size < sizeof out->size)
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT, "%s; want it set",
                             experiment == NULL ? "experiment is NULL"
                                                : "out or its size is not set");
    if ((status = spotopt__pair_make(experiment, params, true, &pair, err)) != SPOTOPT_OK ||
        (status = spotopt__outcomes(experiment, &pair, pair.metric, &units, &count, err)) !=
            SPOTOPT_OK)
        return status;
    for (size_t i = 0; i < count; i++) {
        has_pre = has_pre && !isnan(units[i].pre_sum);
        c.treatment_units += units[i].is_treatment;
    }
    c.control_units = count - c.treatment_units;
    c.control_mean = c.treatment_mean = c.effect = c.effect_low = c.effect_high = c.t = c.df = c.p =
        c.always_low = c.always_high = c.always_p = c.decided_at_s = c.permutation_p = c.power =
            c.always_power = c.detectable_frac = c.variance_removed_frac = NAN;
    c.sample_ratio_p = spotopt__sample_ratio_p((double)c.control_units, (double)c.treatment_units,
                                               pair.params.share);
    if (c.control_units > 0 && c.treatment_units > 0) {
        test_always(units, count, has_pre, &pair.params, &m, &c);
        c.control_mean = m.y[0];
        c.treatment_mean = m.y[1];
        c.theta = spotopt__moments_slope(&m);
        double yy = m.yy[0] + m.yy[1];
        c.variance_removed_frac = yy > 0.0 ? c.theta * (m.xy[0] + m.xy[1]) / yy : 0.0;
        test_at_end(&m, &pair.params, &c);
        test_few(units, count, has_pre, &m, &c);
    }
    c.verdict = judge(&c, &pair.params);
    spotopt__free(experiment->context, units);
    c.size = out->size;
    memcpy(out, &c, out->size < sizeof c ? out->size : sizeof c);
    return SPOTOPT_OK;
}
