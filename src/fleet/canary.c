/* SPDX-License-Identifier: Apache-2.0 */
/*
 * canary.c - may a change go on to everybody?
 *
 * Every metric's values in the canary against control's: Hodges and Lehmann's shift with its
 * interval (ranks.c). A metric is high or low when the whole interval lies beyond the tolerance, so
 * a harmless difference does not fail a canary however surely it is one, and noise does not either.
 * The score is the weighted share of metrics that passed; one without values has no say, unless it
 * is critical. After Kayenta's judge (Netflix and Google 2018).
 */
#include <stdlib.h>

#include "base/special.h"
#include "fleet/experiment.h"

#define VALUES_MIN 4 /* in each arm: with fewer no order of them is a surprise at 0.05 */

typedef struct sample {
    double *values[2];
    size_t count[2];
} sample;

static int
by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

/* Values of a metric in both arms, sorted; in one buffer of `rows` doubles from both ends. */
static void
gather(const spotopt_experiment *e, const spotopt__pair *pair, uint32_t metric, double *buffer,
       sample *out)
{
    size_t rows = e->rows.count;

    out->count[0] = out->count[1] = 0;
    for (size_t i = 0; i < rows; i++) {
        const spotopt__measurement *row = &e->rows.at[i];
        uint32_t arm = e->arm_of_unit.at[row->unit];

        if (row->metric != metric)
            continue;
        if (arm == pair->arm[0])
            buffer[out->count[0]++] = row->value;
        else if (arm == pair->arm[1])
            buffer[rows - ++out->count[1]] = row->value;
    }
    out->values[0] = buffer;
    out->values[1] = buffer + rows - out->count[1];
    for (int k = 0; k < 2; k++) {
        if (out->count[k] > 0)
            qsort(out->values[k], out->count[k], sizeof(double), by_value);
    }
}

static double
median(const double *values, size_t count)
{
    return count == 0 ? (double)NAN : 0.5 * (values[(count - 1) / 2] + values[count / 2]);
}

static void
judge_metric(const sample *s, double alpha, spotopt_canary_metric *m)
{
    double allowed, error;

    m->control_values = s->count[0];
    m->canary_values = s->count[1];
    m->control_median = median(s->values[0], s->count[0]);
    m->shift = m->shift_low = m->shift_high = m->p = m->power = NAN;
    m->found = SPOTOPT_CANARY_NODATA;
    if (s->count[0] < VALUES_MIN || s->count[1] < VALUES_MIN)
        return;
    spotopt__hodges_lehmann(s->values[0], s->count[0], s->values[1], s->count[1], alpha, &m->shift,
                            &m->shift_low, &m->shift_high);
    m->p = spotopt__mann_whitney_p(s->values[0], s->count[0], s->values[1], s->count[1]);
    allowed = m->tolerance_frac * fabs(m->control_median);
    m->found = SPOTOPT_CANARY_PASS;
    if (m->shift_low > allowed && m->direction != SPOTOPT_CANARY_DECREASE)
        m->found = SPOTOPT_CANARY_HIGH;
    if (m->shift_high < -allowed && m->direction != SPOTOPT_CANARY_INCREASE)
        m->found = SPOTOPT_CANARY_LOW;
    /* The interval's width tells the standard error of the shift. */
    double z = spotopt__normal_quantile(1.0 - 0.5 * alpha);
    error = (m->shift_high - m->shift_low) / (2.0 * z);
    m->power = error > 0.0 ? spotopt__normal_p(allowed / error - z) : 1.0;
}

static spotopt_status
check_metric(const spotopt_experiment *e, const spotopt_canary_metric *m, size_t index,
             uint32_t *out, spotopt_error *err)
{
    char quoted[SPOTOPT__QUOTE_SIZE], real[SPOTOPT__REAL_SIZE];
    double bad = m->weight >= 0.0 && m->weight < INFINITY ? m->tolerance_frac : m->weight;

    if (m->size < sizeof *m)
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT,
                             "metrics[%zu].size is %zu; want SPOTOPT_CANARY_METRIC_INIT", index,
                             m->size);
    if (m->metric == NULL)
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT, "metrics[%zu].metric is NULL; want a name",
                             index);
    *out = spotopt__map_get(&e->metric_by_name, m->metric);
    if (*out == SPOTOPT__NONE)
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT,
                             "metrics[%zu].metric is %s; the table has no such metric", index,
                             spotopt__quote(m->metric, quoted));
    if (!(bad >= 0.0 && bad < INFINITY)) {
        spotopt__write_real(bad, real);
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT, "metrics[%zu].%s is %s; want a number >= 0",
                             index, bad == m->weight ? "weight" : "tolerance_frac", real);
    }
    if (m->direction < SPOTOPT_CANARY_EITHER || m->direction > SPOTOPT_CANARY_DECREASE)
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT,
                             "metrics[%zu].direction is %d; want SPOTOPT_CANARY_EITHER, INCREASE "
                             "or DECREASE",
                             index, (int)m->direction);
    return SPOTOPT_OK;
}

spotopt_status
spotopt_experiment_canary(const spotopt_experiment *experiment,
                          const spotopt_compare_params *params, spotopt_canary_metric *metrics,
                          size_t count, double pass_score, double *out_score, int32_t *out_pass,
                          spotopt_error *err)
{
    double weight = 0.0, passed = 0.0, *buffer;
    bool has_critical_failed = false;
    uint32_t found = 0;
    spotopt__pair pair;
    spotopt_status status;

    if (experiment == NULL || metrics == NULL || out_score == NULL || out_pass == NULL)
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT, "%s is NULL; want it set",
                             experiment == NULL ? "experiment"
                             : metrics == NULL  ? "metrics"
                                                : "out_score or out_pass");
    if (!(pass_score >= 0.0 && pass_score <= 100.0))
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT, "pass_score is off; want 0..100");
    if ((status = spotopt__pair_make(experiment, params, false, &pair, err)) != SPOTOPT_OK)
        return status;
    for (size_t i = 0; i < count; i++) {
        if ((status = check_metric(experiment, &metrics[i], i, &found, err)) != SPOTOPT_OK)
            return status;
    }
    buffer = spotopt__alloc_array(experiment->context, experiment->rows.count + 1, sizeof *buffer);
    if (buffer == NULL)
        return spotopt__nomem(err, "a canary's values");
    for (size_t i = 0; i < count; i++) {
        sample s;

        gather(experiment, &pair, spotopt__map_get(&experiment->metric_by_name, metrics[i].metric),
               buffer, &s);
        judge_metric(&s, pair.params.alpha, &metrics[i]);
        if (metrics[i].found == SPOTOPT_CANARY_NODATA) {
            has_critical_failed |= metrics[i].is_critical != 0;
            continue;
        }
        weight += metrics[i].weight;
        passed += metrics[i].found == SPOTOPT_CANARY_PASS ? metrics[i].weight : 0.0;
        has_critical_failed |=
            metrics[i].found != SPOTOPT_CANARY_PASS && metrics[i].is_critical != 0;
    }
    spotopt__free(experiment->context, buffer);
    *out_score = weight > 0.0 ? 100.0 * passed / weight : (double)NAN;
    *out_pass = *out_score >= pass_score && !has_critical_failed;
    return SPOTOPT_OK;
}
