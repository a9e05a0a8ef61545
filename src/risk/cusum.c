/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cusum.c - has the level of a model's forecasts left what comes?
 *
 * Forecasts of 4 hours, one after the other, are made anew as they would have been since the
 * model's calibration, and held against the labels that are known by now: the two-sided cumulative
 * sum (Page 1954) of (label - p), allowance 0.5, threshold 5. A block is a day, or as many as it
 * takes for a variance of one drop: decisions of a day depend on each other, and one drop where
 * none is expected tells little. Its mean residual is measured by its deviation were labels
 * independent, times a dispersion from differences of successive blocks (von Neumann 1941), which a
 * change of level hardly moves. A block counts at most three deviations (Lucas and Crosier 1982),
 * so that one bad day alone is no drift.
 */
#include "risk/decisions.h"
#include "risk/drift.h"
#include "risk/forecast.h"

#define HOUR_S 3600.0
#define DAY_S 86400.0
#define HORIZON_H 4.0
#define ALLOWANCE 0.5
#define THRESHOLD 5.0
#define BLOCK_MOST 3.0
/* Moments looked at; above, every so many-th pool. */
#define MOMENTS_MAX (1 << 17)
/* Seconds of an epoch beyond which a multiple of a step is not exact. */
#define TIME_MAX 1e15

spotopt_cusum
spotopt__cusum(double *residual, double *variance, size_t days, double first_day_s)
{
    spotopt_cusum out = SPOTOPT_CUSUM_INIT;
    double sum = 0.0, var = 0.0, squares = 0.0;
    size_t blocks = 0;

    /* Blocks in place: their z, and the day after their last. */
    for (size_t d = 0; d < days; d++) {
        sum += residual[d];
        var += variance[d];
        if (!(var >= 1.0))
            continue;
        residual[blocks] = sum / sqrt(var);
        variance[blocks++] = (double)(d + 1);
        sum = var = 0.0;
    }
    out.crossed_at_s = NAN;
    out.blocks = (uint32_t)blocks;
    if (blocks < SPOTOPT__CUSUM_MIN)
        return out;
    for (size_t b = 1; b < blocks; b++)
        squares += (residual[b] - residual[b - 1]) * (residual[b] - residual[b - 1]);
    out.dispersion = fmax(1.0, sqrt(squares / (2.0 * (double)(blocks - 1))));
    for (size_t b = 0; b < blocks; b++) {
        const double z = fmin(fmax(residual[b] / out.dispersion, -BLOCK_MOST), BLOCK_MOST);

        out.up = fmax(0.0, out.up + z - ALLOWANCE);
        out.down = fmax(0.0, out.down - z - ALLOWANCE);
        if (out.direction == 0 && (out.up > THRESHOLD || out.down > THRESHOLD)) {
            out.direction = out.up > THRESHOLD ? 1 : -1;
            out.crossed_at_s = first_day_s + DAY_S * variance[b];
        }
    }
    return out;
}

/* Moments of every so many-th pool, numbered as in the history. */
static bool
make_moments(spotopt_context *context, const spotopt_history *history, double from_s, double to_s,
             spotopt__decisions *out)
{
    const size_t each = (size_t)((to_s - from_s) / (HORIZON_H * HOUR_S)) + 2,
                 stride = history->series.count * each / MOMENTS_MAX + 1,
                 count = (history->series.count + stride - 1) / stride;
    spotopt_history view = *history;
    bool is_fine;

    view.series.at = spotopt__alloc_array(context, count + 1, sizeof *view.series.at);
    view.series.count = count;
    if (view.series.at == NULL)
        return false;
    for (size_t i = 0; i < count; i++)
        view.series.at[i] = history->series.at[stride * i];
    is_fine = spotopt__decisions_make(context, &view, from_s, to_s, HORIZON_H * HOUR_S, out);
    spotopt__free(context, view.series.at);
    for (size_t i = 0; is_fine && i < out->count; i++)
        out->series[i] *= (uint32_t)stride;
    return is_fine;
}

/* Keeps those that the model would have forecast, and whose label is known by now_s. */
static void
keep_matured(const spotopt_history *history, double now_s, spotopt__decisions *moments)
{
    size_t kept = 0;

    for (size_t i = 0, end = 0; i < moments->count; i++) {
        const spotopt__series *of = &history->series.at[moments->series[i]];

        if (i == 0 || moments->series[i] != moments->series[i - 1])
            for (end = of->first + of->count; end > of->first && history->time_s[end - 1] > now_s;)
                end--;
        /* What comes after now_s must not tell that an observation went on. */
        if (end == of->first || moments->ahead_s[i] < HORIZON_H * HOUR_S ||
            moments->time_s[i] + HORIZON_H * HOUR_S > history->time_s[end - 1] ||
            moments->time_s[i] - HOUR_S < history->time_s[of->first])
            continue;
        moments->series[kept] = moments->series[i];
        moments->time_s[kept] = moments->time_s[i];
        moments->next_drop_s[kept++] = moments->next_drop_s[i];
    }
    moments->count = kept;
}

bool
spotopt__drift_labels(spotopt_risk *risk, const spotopt_history *history,
                      const spotopt_catalog *catalog, double for_days)
{
    const double horizon_h = HORIZON_H;
    /* Whole days, the last of them with all its labels known. */
    const double to_s = DAY_S * floor((risk->now_s - HORIZON_H * HOUR_S) / DAY_S),
                 from_s = fmax(to_s - DAY_S * for_days, risk->model->calibrate_to_s),
                 first_day = floor(from_s / DAY_S);
    const size_t features = spotopt__feature_count;
    spotopt_context *context = risk->context;
    spotopt__decisions moments = {0};
    double *x = NULL, *sums = NULL, *p;
    bool is_fine;

    if (fabs(risk->now_s) > TIME_MAX || !(to_s - from_s >= DAY_S * (SPOTOPT__CUSUM_MIN - 1)))
        return true;
    if (!make_moments(context, history, from_s, to_s, &moments))
        return false;
    keep_matured(history, risk->now_s, &moments);
    const size_t count = moments.count, days = (size_t)(to_s / DAY_S - first_day) + 1;

    x = spotopt__alloc_array(context, (features + 3) * count + 1, sizeof *x);
    sums = spotopt__alloc_array(context, 2 * days, sizeof *sums);
    is_fine = x != NULL && sums != NULL;
    if (is_fine && count > 0) {
        const spotopt__rows rows = {count, count, x, x + features * count,
                                    x + (features + 1) * count};

        p = x + (features + 2) * count;
        is_fine =
            spotopt__features_at(context, history, catalog, moments.series, moments.time_s, count,
                                 risk->model->evidence_tau_h, x, x + features * count) &&
            spotopt__forecast(risk->model, &rows, &horizon_h, 1, p, NULL, NULL);
        for (size_t d = 0; d < 2 * days; d++)
            sums[d] = 0.0;
        for (size_t i = 0; is_fine && i < count; i++) {
            const size_t day = (size_t)(floor(moments.time_s[i] / DAY_S) - first_day);

            sums[day] += (moments.next_drop_s[i] <= HORIZON_H * HOUR_S ? 1.0 : 0.0) - p[i];
            sums[days + day] += p[i] * (1.0 - p[i]);
        }
        if (is_fine)
            risk->cusum = spotopt__cusum(sums, sums + days, days, DAY_S * first_day);
    }
    spotopt__free(context, sums);
    spotopt__free(context, x);
    spotopt__decisions_free(context, &moments);
    return is_fine;
}
