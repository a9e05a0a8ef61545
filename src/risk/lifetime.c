/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lifetime.c - the chance of being reclaimed, by a node's age.
 *
 * Nodes become a life table, events and hours by bin of age, to which life_table.c fits a smooth
 * hazard. A node that was stopped, or still lives, adds hours and no event, one that was watched
 * late adds hours from then on: right-censored and left-truncated. A group multiplies the hazard by
 * a level of its own, gamma distributed over groups with a shape fitted by the negative-binomial
 * likelihood (prior.c) and updated by its events; hazard and levels are fitted in turns. A node of
 * age a survives H hours with exp(-level * cumulated hazard); the interval is lognormal around that
 * exponent, with the variance of the hazard (from blocks of nodes, if told), of the smoothness and
 * of the level added up.
 */
#include <stdlib.h>

#include "risk/life_table.h"
#include "risk/risk.h"
#include "spotopt/lifetime.h"

#define N SPOTOPT__AGES
#define ROUNDS 6
#define AGE_MIN 1e-3 /* hours; where ln age begins */
#define AGE_MAX 1e7
#define Z 1.959963984540054
/* Of levels over groups before any is seen, and how much that weighs: see spotopt__prior_fit(). */
static const spotopt__prior levels = {2.0, 1.0};
#define PULL_LEVEL 10.0
#define SD_LEVEL 1.0

struct spotopt_lifetime {
    spotopt_context *context;
    double edge[N + 1]; /* hours; 0 first, infinity last */
    spotopt__shape shapes[SPOTOPT__SMOOTHS];
    bool has_groups;
    spotopt__prior level; /* of a group that was not seen */
    size_t group_count;
    uint32_t *group; /* ascending */
    spotopt__belief *levels;
};

static int
ascending(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return x < y ? -1 : x > y;
}

static int
by_number(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

    return x < y ? -1 : x > y;
}

/* Sorted by number, equal ones in order of the nodes. */
static int
by_number_then_node(const void *a, const void *b)
{
    const uint32_t *x = a, *y = b;

    return x[0] != y[0] ? (x[0] < y[0] ? -1 : 1) : x[1] < y[1] ? -1 : 1;
}

static spotopt_status
check(const spotopt_lifetime_params *p, spotopt_error *err)
{
    if (p->count > 0 && (p->age_h == NULL || p->reclaimed == NULL))
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT,
                             "a column is NULL; want age_h and reclaimed set");
    if (p->count >= UINT32_MAX / 2)
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT, "count is %zu; want less than 2^31",
                             p->count);
    for (size_t i = 0; i < p->count; i++) {
        if (!(p->age_h[i] >= 0.0 && p->age_h[i] <= AGE_MAX))
            return spotopt__fail(err, SPOTOPT_E_ARGUMENT, "age_h[%zu] is %g; want 0..%g", i,
                                 p->age_h[i], AGE_MAX);
        if (p->reclaimed[i] > 1)
            return spotopt__fail(err, SPOTOPT_E_ARGUMENT, "reclaimed[%zu] is %u; want 0 or 1", i,
                                 p->reclaimed[i]);
        if (p->start_age_h != NULL &&
            !(p->start_age_h[i] >= 0.0 && p->start_age_h[i] <= p->age_h[i]))
            return spotopt__fail(err, SPOTOPT_E_ARGUMENT,
                                 "start_age_h[%zu] is %g; want 0..age_h, %g", i, p->start_age_h[i],
                                 p->age_h[i]);
    }
    return SPOTOPT_OK;
}

/* Bins between the ages of the first and last fiftieth of events, even in ln age. */
static bool
cut_ages(const spotopt_lifetime_params *p, spotopt_lifetime *out)
{
    double *age = spotopt__alloc_array(out->context, p->count + 1, sizeof *age), least, most;
    size_t n = 0;

    if (age == NULL)
        return false;
    for (size_t i = 0; i < p->count; i++)
        if (p->reclaimed[i] == 1)
            age[n++] = p->age_h[i];
    for (size_t i = 0; n == 0 && i < p->count; i++)
        age[i] = p->age_h[i];
    n = n == 0 ? p->count : n;
    qsort(age, n, sizeof *age, ascending);
    least = fmax(n > 0 ? age[n / 50] : 1.0, AGE_MIN);
    most = fmax(n > 0 ? age[n - 1 - n / 50] : 1.0, 2.0 * least);
    spotopt__free(out->context, age);
    for (int k = 1; k < N; k++)
        out->edge[k] = least * pow(most / least, (k - 1) / (double)(N - 2));
    out->edge[0] = 0.0;
    out->edge[N] = INFINITY;
    return true;
}

/* Hours that a stretch of ages has in each bin from *first on; returns how many bins it touches. */
static int
hours_in(const spotopt_lifetime *l, double from, double to, int *first, double *hours)
{
    int at = 0, n = 0;

    while (at < N - 1 && l->edge[at + 1] <= from)
        at++;
    *first = at;
    do {
        double end = to < l->edge[at + 1] ? to : l->edge[at + 1];
        hours[n++] = end > from ? end - from : 0.0;
        from = end;
    } while (l->edge[++at] < to && at < N);
    return n;
}

static double
start_of(const spotopt_lifetime_params *p, size_t i)
{
    return p->start_age_h != NULL ? p->start_age_h[i] : 0.0;
}

static int
bin_of(const spotopt_lifetime *l, double age)
{
    int at = 0;

    while (at < N - 1 && l->edge[at + 1] <= age)
        at++;
    return at;
}

/* SPOTOPT__NONE: not seen. */
static uint32_t
find_group(const spotopt_lifetime *l, uint32_t group)
{
    const uint32_t *at = l->group_count == 0
                             ? NULL
                             : bsearch(&group, l->group, l->group_count, sizeof group, by_number);

    return at == NULL ? SPOTOPT__NONE : (uint32_t)(at - l->group);
}

static double
level_of(const spotopt_lifetime *l, const uint32_t *group, size_t i)
{
    uint32_t at = group != NULL && l->has_groups ? find_group(l, group[i]) : SPOTOPT__NONE;

    return at == SPOTOPT__NONE ? 1.0 : l->levels[at].a / l->levels[at].b;
}

/* Events and hours by bin, hours times the level of the node's group. */
static void
tabulate(const spotopt_lifetime *l, const spotopt_lifetime_params *p, double *events, double *hours)
{
    memset(events, 0, N * sizeof *events);
    memset(hours, 0, N * sizeof *hours);
    for (size_t i = 0; i < p->count; i++) {
        double in[N], level = level_of(l, p->group, i);
        int first, n = hours_in(l, start_of(p, i), p->age_h[i], &first, in);

        for (int k = 0; k < n; k++)
            hours[first + k] += level * in[k];
        events[bin_of(l, p->age_h[i])] += p->reclaimed[i];
    }
}

static void
mean_hazard(const spotopt_lifetime *l, double *out)
{
    memset(out, 0, N * sizeof *out);
    for (int s = 0; s < SPOTOPT__SMOOTHS; s++)
        for (int k = 0; k < N; k++)
            out[k] += l->shapes[s].weight * exp(l->shapes[s].log_hazard[k]);
}

/* Levels of groups under the present hazard: events against what it expects. */
static void
fit_levels(spotopt_lifetime *l, const spotopt_lifetime_params *p, spotopt__cell *cells)
{
    double hazard[N];

    mean_hazard(l, hazard);
    for (size_t g = 0; g < l->group_count; g++)
        cells[g] = (spotopt__cell){0.0, 1e-9, 1.0};
    for (size_t i = 0; i < p->count; i++) {
        double in[N];
        int first, n = hours_in(l, start_of(p, i), p->age_h[i], &first, in);
        uint32_t g = find_group(l, p->group[i]);

        for (int k = 0; k < n; k++)
            cells[g].hours += hazard[first + k] * in[k];
        cells[g].events += p->reclaimed[i];
    }
    l->level = spotopt__prior_fit(cells, l->group_count, &levels, PULL_LEVEL, SD_LEVEL);
    for (size_t g = 0; g < l->group_count; g++)
        l->levels[g] = (spotopt__belief){l->level.alpha + cells[g].events,
                                         l->level.alpha / l->level.mean + cells[g].hours};
}

static bool
number_groups(const spotopt_lifetime_params *p, spotopt_lifetime *l)
{
    if (p->group == NULL || p->count == 0)
        return true;
    l->group = spotopt__dup_array(l->context, p->group, p->count, sizeof *l->group);
    if (l->group == NULL)
        return false;
    qsort(l->group, p->count, sizeof *l->group, by_number);
    for (size_t i = 0; i < p->count; i++)
        if (i == 0 || l->group[i] != l->group[l->group_count - 1])
            l->group[l->group_count++] = l->group[i];
    l->levels = spotopt__alloc_array(l->context, l->group_count, sizeof *l->levels);
    l->has_groups = l->levels != NULL && l->group_count > 1;
    for (size_t g = 0; l->levels != NULL && g < l->group_count; g++)
        l->levels[g] = (spotopt__belief){1.0, 1.0};
    return l->levels != NULL;
}

/* What a shape's errors would be if nodes of a block fell together as they did. */
static void
widen(spotopt_lifetime *l, const spotopt_lifetime_params *p, uint32_t (*order)[2], int smooth)
{
    double meat[N][N] = {{0.0}}, off[N] = {0.0}, hazard[N], blocks = 0.0;

    for (int k = 0; k < N; k++)
        hazard[k] = exp(l->shapes[smooth].log_hazard[k]);
    for (size_t i = 0; i < p->count; i++) {
        uint32_t node = order[i][1];
        double in[N], level = level_of(l, p->group, node);
        int first, n = hours_in(l, start_of(p, node), p->age_h[node], &first, in);

        for (int k = 0; k < n; k++)
            off[first + k] -= level * hazard[first + k] * in[k];
        off[bin_of(l, p->age_h[node])] += p->reclaimed[node];
        if (i + 1 < p->count && order[i + 1][0] == order[i][0])
            continue;
        for (int a = 0; a < N; a++)
            for (int b = 0; b < N; b++)
                meat[a][b] += off[a] * off[b];
        memset(off, 0, sizeof off);
        blocks += 1.0;
    }
    for (int a = 0; a < N; a++)
        for (int b = 0; b < N; b++)
            meat[a][b] *= blocks > 1.0 ? blocks / (blocks - 1.0) : 2.0;
    spotopt__shape_widen(smooth, meat, &l->shapes[smooth]);
}

static bool
widen_all(spotopt_lifetime *l, const spotopt_lifetime_params *p)
{
    uint32_t(*order)[2];

    if (p->block == NULL || p->count == 0)
        return true;
    order = spotopt__alloc_array(l->context, p->count, sizeof *order);
    if (order == NULL)
        return false;
    for (size_t i = 0; i < p->count; i++) {
        order[i][0] = p->block[i];
        order[i][1] = (uint32_t)i;
    }
    qsort(order, p->count, sizeof *order, by_number_then_node);
    for (int s = 0; s < SPOTOPT__SMOOTHS; s++)
        widen(l, p, order, s);
    spotopt__free(l->context, order);
    return true;
}

spotopt_status
spotopt_lifetime_fit(spotopt_context *context, const spotopt_lifetime_params *params,
                     spotopt_lifetime **out, spotopt_error *err)
{
    spotopt_lifetime_params p = SPOTOPT_LIFETIME_PARAMS_INIT;
    spotopt_lifetime *l;
    spotopt__cell *cells = NULL;
    spotopt_status status;
    double events[N], hours[N];
    bool is_fine;

    if (params == NULL || out == NULL)
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT, "%s is NULL; want it set",
                             params == NULL ? "params" : "out");
    status = spotopt__copy_in(&p, sizeof p, params, "params", err);
    if (status == SPOTOPT_OK)
        status = check(&p, err);
    if (status != SPOTOPT_OK)
        return status;
    l = spotopt__alloc(context, sizeof *l);
    if (l == NULL)
        return spotopt__nomem(err, "lifetimes");
    l->context = spotopt__context_hold(context);
    l->level = levels;
    is_fine = cut_ages(&p, l) && number_groups(&p, l);
    if (is_fine) {
        cells = spotopt__alloc_array(context, l->group_count + 1, sizeof *cells);
        is_fine = cells != NULL;
    }
    for (int round = 0; is_fine && round < (l->has_groups ? ROUNDS : 1); round++) {
        tabulate(l, &p, events, hours);
        spotopt__shapes_fit(events, hours, l->shapes);
        if (l->has_groups)
            fit_levels(l, &p, cells);
    }
    is_fine = is_fine && widen_all(l, &p);
    spotopt__free(context, cells);
    if (!is_fine) {
        spotopt_lifetime_free(l);
        return spotopt__nomem(err, "lifetimes");
    }
    *out = l;
    return SPOTOPT_OK;
}

void
spotopt_lifetime_free(spotopt_lifetime *lifetime)
{
    if (lifetime == NULL)
        return;
    spotopt_context *context = lifetime->context;
    spotopt__free(context, lifetime->group);
    spotopt__free(context, lifetime->levels);
    spotopt__free(context, lifetime);
    spotopt__context_drop(context);
}

/* Mean and variance of the logarithm of a gamma variable of shape a and rate 1 (Abramowitz and
 * Stegun 6.3.18, 6.4.12 after a few steps of the recurrence). */
static void
log_gamma_moments(double a, double *mean, double *variance)
{
    double m = 0.0, v = 0.0;

    for (; a < 8.0; a += 1.0) {
        m -= 1.0 / a;
        v += 1.0 / (a * a);
    }
    double r = 1.0 / (a * a);
    *mean = m + log(a) - 0.5 / a - r * (1.0 / 12 - r * (1.0 / 120 - r / 252));
    *variance = v + 1.0 / a + 0.5 * r + r / a * (1.0 / 6 - r * (1.0 / 30 - r / 42));
}

/* Cumulated hazard of a shape over ages, and the variance of its logarithm. */
static double
cumulate(const spotopt__shape *shape, int first, int n, const double *hours, double *variance)
{
    double part[N], sum = 0.0;

    for (int k = 0; k < n; k++)
        sum += part[k] = hours[k] * exp(shape->log_hazard[first + k]);
    *variance = 0.0;
    for (int a = 0; a < n; a++)
        for (int b = 0; b < n; b++)
            *variance += part[a] * part[b] * shape->covariance[first + a][first + b];
    *variance /= sum * sum;
    return sum;
}

static void
forecast(const spotopt_lifetime *l, double age, const spotopt__belief *level, double horizon_h,
         double *p, double *low, double *high)
{
    double hours[N], mean = 0.0, square = 0.0, variance = 0.0, level_mean = 0.0,
                     level_variance = 0.0;
    int first, n = hours_in(l, age, age + horizon_h, &first, hours);

    *p = 0.0;
    for (int s = 0; s < SPOTOPT__SMOOTHS; s++) {
        double weight = l->shapes[s].weight, own, sum;
        if (weight == 0.0)
            continue;
        sum = cumulate(&l->shapes[s], first, n, hours, &own);
        *p += weight * (level != NULL ? -expm1(-level->a * log1p(sum / level->b)) : -expm1(-sum));
        mean += weight * log(sum);
        square += weight * log(sum) * log(sum);
        variance += weight * own;
    }
    if (level != NULL) {
        log_gamma_moments(level->a, &level_mean, &level_variance);
        level_mean -= log(level->b);
    }
    *p = fmin(*p, 1.0);
    variance += fmax(square - mean * mean, 0.0) + level_variance;
    mean += level_mean;
    *low = fmin(-expm1(-exp(mean - Z * sqrt(variance))), *p);
    *high = fmax(-expm1(-exp(mean + Z * sqrt(variance))), *p);
}

spotopt_status
spotopt_lifetime_columns(const spotopt_lifetime *lifetime, const double *age_h,
                         const uint32_t *group, size_t count, double horizon_h, double *out_p,
                         double *out_low, double *out_high, spotopt_error *err)
{
    if (lifetime == NULL || (count > 0 && (age_h == NULL || out_p == NULL)))
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT, "%s is NULL; want it set",
                             lifetime == NULL ? "lifetime"
                             : age_h == NULL  ? "age_h"
                                              : "out_p");
    if (!(horizon_h > 0.0 && horizon_h <= AGE_MAX))
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT, "horizon_h is %g; want hours > 0", horizon_h);
    for (size_t i = 0; i < count; i++) {
        spotopt__belief unseen = {lifetime->level.alpha,
                                  lifetime->level.alpha / lifetime->level.mean};
        const spotopt__belief *level = lifetime->has_groups ? &unseen : NULL;
        double low, high;

        if (!(age_h[i] >= 0.0 && age_h[i] <= AGE_MAX))
            return spotopt__fail(err, SPOTOPT_E_ARGUMENT, "age_h[%zu] is %g; want 0..%g", i,
                                 age_h[i], AGE_MAX);
        if (lifetime->has_groups && group != NULL) {
            uint32_t at = find_group(lifetime, group[i]);
            level = at != SPOTOPT__NONE ? &lifetime->levels[at] : level;
        }
        forecast(lifetime, age_h[i], level, horizon_h, &out_p[i], &low, &high);
        if (out_low != NULL)
            out_low[i] = low;
        if (out_high != NULL)
            out_high[i] = high;
    }
    return SPOTOPT_OK;
}
