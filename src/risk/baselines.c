/* SPDX-License-Identifier: Apache-2.0 */
/*
 * baselines.c - what simple forecasts say of a pool's next drop, for judging others beside them.
 *
 * evidence: layers 1-2, p = 1 - (B / (B + H))^A with A = kappa alpha + D, B = kappa alpha / mean +
 * E; D and E are the decayed drops and hours of the pool, carried from row to row, alpha and mean
 * the prior of its family and region up to the end of the fit window. recent: 1 - exp(-rate H), the
 * rate being the drops of the last 24 h over the hours with nodes up in them. constant: the same
 * with the one rate of the fit window. Each is one pass over rows and moments.
 */
#include "risk/evaluate.h"
#include "risk/risk.h"
#include <math.h>

#define HOUR_S 3600.0
#define WINDOW_S 86400.0
#define PULL_OVERALL 0.25 /* as in score.c */
#define PULL_GROUP 2.0
#define SD_OVERALL 1.5
#define SD_GROUP 0.7

const char *const spotopt__base_names[SPOTOPT__BASE_COUNT] = {"evidence", "recent", "constant"};

typedef struct sums {
    double drops, hours;
} sums;

static bool
is_drop(const double *up, size_t row)
{
    return row > 0 && up[row] < up[row - 1];
}

/* Drops in (., t] and hours with nodes up before t, from the beginning of the series. *row: the
 * last one at or before t. */
static sums
sums_at(const double *time_s, const double *up, const sums *until, size_t count, double t,
        size_t *row)
{
    while (*row + 1 < count && time_s[*row + 1] <= t)
        ++*row;
    if (count == 0 || time_s[*row] > t)
        return (sums){0.0, 0.0};
    sums s = until[*row];
    if (up[*row] > 0.0)
        s.hours += (t - time_s[*row]) / HOUR_S;
    return s;
}

/* What happened up to and including each row of a series. */
static void
add_up(const double *time_s, const double *up, size_t count, sums *until)
{
    sums s = {0.0, 0.0};

    for (size_t row = 0; row < count; row++) {
        if (row > 0 && up[row - 1] > 0.0)
            s.hours += (time_s[row] - time_s[row - 1]) / HOUR_S;
        s.drops += is_drop(up, row);
        until[row] = s;
    }
}

static double
constant_rate(const spotopt_history *history, double from_s, double to_s, sums *until)
{
    sums all = {0.0, 0.0};

    for (size_t i = 0; i < history->series.count; i++) {
        const spotopt__series *series = &history->series.at[i];
        const double *time_s = history->time_s + series->first,
                     *up = history->nodes_up + series->first;
        size_t row = 0;

        if (series->count == 0)
            continue;
        add_up(time_s, up, series->count, until);
        /* Nothing is known past the last row. */
        double end_s = fmin(to_s, time_s[series->count - 1]);
        sums before = sums_at(time_s, up, until, series->count, from_s, &row);
        sums after = sums_at(time_s, up, until, series->count, fmax(end_s, from_s), &row);
        all.drops += after.drops - before.drops;
        all.hours += after.hours - before.hours;
    }
    double rate = all.hours > 0.0 ? all.drops / all.hours : 0.0;
    return fmin(fmax(rate, SPOTOPT__RATE_MIN), SPOTOPT__RATE_MAX);
}

static void
say_rates(const spotopt_history *history, bool is_recent, double constant,
          const spotopt__decisions *at, const double *horizons_h, uint32_t horizon_count,
          sums *until, double *out)
{
    for (size_t i = 0, k = 0; i < at->count; i = k) {
        const spotopt__series *series = &history->series.at[at->series[i]];
        const double *time_s = history->time_s + series->first,
                     *up = history->nodes_up + series->first;
        size_t row = 0, old_row = 0;

        add_up(time_s, up, series->count, until);
        for (k = i; k < at->count && at->series[k] == at->series[i]; k++) {
            double rate = constant;

            if (is_recent) {
                sums now = sums_at(time_s, up, until, series->count, at->time_s[k], &row);
                sums old =
                    sums_at(time_s, up, until, series->count, at->time_s[k] - WINDOW_S, &old_row);

                if (now.hours - old.hours > 0.0)
                    rate = (now.drops - old.drops) / (now.hours - old.hours);
            }
            for (uint32_t h = 0; h < horizon_count; h++)
                out[h * at->count + k] = -expm1(-rate * horizons_h[h]);
        }
    }
}

/* Priors by series: those of their family and region. */
static bool
fit_priors(spotopt_context *context, const spotopt_history *history, double until_s,
           spotopt__prior *out)
{
    const spotopt__prior shipped = {0.5, spotopt__bucket_rate(-1)};
    spotopt__prior overall;
    spotopt__cells all = {0}, cells = {0};
    spotopt__map groups;
    spotopt__arena arena;
    size_t count = history->series.count;
    uint32_t *group = spotopt__alloc_array(context, count + 1, sizeof *group), group_count = 0;
    uint32_t *order = spotopt__alloc_array(context, count + 1, sizeof *order);
    uint64_t *key_of = spotopt__alloc_array(context, count + 1, sizeof *key_of);
    bool is_fine = group != NULL && order != NULL && key_of != NULL;

    spotopt__map_init(&groups, context);
    spotopt__arena_init(&arena, context);
    for (size_t i = 0; is_fine && i < count; i++) {
        const spotopt__series *series = &history->series.at[i];
        size_t family = spotopt__family_length(series->instance_type),
               region = strlen(series->region);
        char *key = spotopt__arena_alloc(&arena, family + region + 2, 1);

        if (key != NULL) {
            memcpy(key, series->instance_type, family);
            key[family] = '\n';
            memcpy(key + family + 1, series->region, region);
        }
        is_fine = key != NULL && spotopt__map_put(&groups, key, group_count, &group[i]) &&
                  spotopt__evidence_cells(context, history, i, until_s, 1.0, true, &all);
        group_count += is_fine && group[i] == group_count;
    }
    if (is_fine)
        overall = spotopt__prior_fit(all.at, all.count, &shipped, PULL_OVERALL, SD_OVERALL);
    for (size_t i = 0; is_fine && i < count; i++) {
        key_of[i] = group[i];
        order[i] = (uint32_t)i;
    }
    is_fine = is_fine && spotopt__sort_by_key(context, key_of, order, count);
    for (size_t i = 0, k = 0; is_fine && i < count; i = k) {
        cells.count = 0;
        for (k = i; is_fine && k < count && key_of[k] == key_of[i]; k++)
            is_fine =
                spotopt__evidence_cells(context, history, order[k], until_s, 1.0, true, &cells);
        if (!is_fine)
            break;
        spotopt__prior prior =
            spotopt__prior_fit(cells.at, cells.count, &overall, PULL_GROUP, SD_GROUP);
        for (size_t of = i; of < k; of++)
            out[order[of]] = prior;
    }
    spotopt__vec_free(context, &all);
    spotopt__vec_free(context, &cells);
    spotopt__map_free(&groups);
    spotopt__arena_free(&arena);
    spotopt__free(context, group);
    spotopt__free(context, order);
    spotopt__free(context, key_of);
    return is_fine;
}

static void
say_evidence(const spotopt_history *history, const spotopt__prior *priors,
             const spotopt__decisions *at, const double *horizons_h, uint32_t horizon_count,
             double *out)
{
    const double tau_h = SPOTOPT__RISK_TAU_H;

    for (size_t i = 0, k = 0; i < at->count; i = k) {
        const spotopt__series *series = &history->series.at[at->series[i]];
        const double *time_s = history->time_s + series->first,
                     *up = history->nodes_up + series->first;
        const spotopt__prior *prior = &priors[at->series[i]];
        double mean = fmin(fmax(prior->mean, SPOTOPT__RATE_MIN), SPOTOPT__RATE_MAX);
        double drops = 0.0, hours = 0.0, held = 0.0; /* held: 1 while nodes are up */
        double clock_s = time_s[0];
        size_t row = 0;

        for (k = i; k < at->count && at->series[k] == at->series[i];) {
            bool is_row = row < series->count && time_s[row] <= at->time_s[k];
            double to_s = is_row ? time_s[row] : at->time_s[k];
            double kept = exp(-(to_s - clock_s) / HOUR_S / tau_h);

            drops *= kept;
            hours = hours * kept + held * tau_h * (1.0 - kept);
            clock_s = to_s;
            if (is_row) {
                drops += is_drop(up, row);
                held = up[row] > 0.0 ? 1.0 : 0.0;
                row++;
                continue;
            }
            spotopt__belief belief = {SPOTOPT__RISK_KAPPA * prior->alpha + drops,
                                      SPOTOPT__RISK_KAPPA * prior->alpha / mean + hours};
            for (uint32_t h = 0; h < horizon_count; h++)
                out[h * at->count + k] = spotopt__belief_p(&belief, horizons_h[h]);
            k++;
        }
    }
}

bool
spotopt__baseline(spotopt_context *context, const spotopt_history *history, int which,
                  double fit_from_s, double fit_to_s, const spotopt__decisions *at,
                  const double *horizons_h, uint32_t horizon_count, double *out)
{
    bool is_fine;

    if (which == SPOTOPT__BASE_EVIDENCE) {
        spotopt__prior *priors =
            spotopt__alloc_array(context, history->series.count + 1, sizeof *priors);

        is_fine = priors != NULL && fit_priors(context, history, fit_to_s, priors);
        if (is_fine)
            say_evidence(history, priors, at, horizons_h, horizon_count, out);
        spotopt__free(context, priors);
    } else {
        sums *until = spotopt__alloc_array(context, history->rows + 1, sizeof *until);

        is_fine = until != NULL;
        if (is_fine)
            say_rates(history, which == SPOTOPT__BASE_RECENT,
                      constant_rate(history, fit_from_s, fit_to_s, until), at, horizons_h,
                      horizon_count, until, out);
        spotopt__free(context, until);
    }
    return is_fine;
}
