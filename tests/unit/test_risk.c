/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "fail_alloc.h"
#include "risk/risk.h"
#include "suite.h"

#define HISTORY_HEAD "pool,region,zone,instance_type,time_s,nodes_up\n"
#define CATALOG_HEAD                                                                               \
    "region,zone,instance_type,vcpu,memory_mib,on_demand_usd_per_hour,spot_usd_per_hour,"          \
    "interruption_bucket\n"

static spotopt_error err;

static spotopt_history *
history_of(const char *text)
{
    spotopt_history *h = NULL;

    CU_ASSERT_EQUAL(spotopt_history_parse(NULL, text, strlen(text), "h", &h, &err), SPOTOPT_OK);
    CU_ASSERT_PTR_NOT_NULL_FATAL(h);
    return h;
}

static spotopt_catalog *
catalog_of(const char *text)
{
    spotopt_catalog *c = NULL;

    CU_ASSERT_EQUAL(spotopt_catalog_parse(NULL, text, strlen(text), "c", NULL, &c, &err),
                    SPOTOPT_OK);
    CU_ASSERT_PTR_NOT_NULL_FATAL(c);
    return c;
}

static spotopt_risk *
risk_of(const spotopt_catalog *catalog, const spotopt_history *history, double now_s)
{
    spotopt_risk *risk = NULL;

    CU_ASSERT_EQUAL(spotopt_risk_score(NULL, catalog, history, now_s, NULL, &risk, &err),
                    SPOTOPT_OK);
    CU_ASSERT_PTR_NOT_NULL_FATAL(risk);
    return risk;
}

static spotopt_forecast
forecast_of(const spotopt_risk *risk, const spotopt_catalog *catalog, const char *pool,
            double horizon_h)
{
    spotopt_forecast f = SPOTOPT_FORECAST_INIT;

    CU_ASSERT_EQUAL(
        spotopt_risk_at(risk, spotopt__map_get(&catalog->pool_by_id, pool), horizon_h, &f, &err),
        SPOTOPT_OK);
    return f;
}

/* Simpson's rule. */
static double
integrate(double (*f)(double, const double *), const double *with, double from, double to,
          int steps)
{
    double h = (to - from) / steps, sum = f(from, with) + f(to, with);

    for (int i = 1; i < steps; i++)
        sum += (i % 2 == 1 ? 4.0 : 2.0) * f(from + i * h, with);
    return sum * h / 3.0;
}

/* Gamma(a, 1)'s density in y = ln x, where it is smooth for every shape. with: a. */
static double
density(double y, const double *with)
{
    return exp(with[0] * y - exp(y) - lgamma(with[0]));
}

static void
test_gamma__agrees_with_tables_and_closed_forms(void)
{
    /* Half of chi-square's quantiles at 2a degrees of freedom, from printed tables. */
    static const double table[][3] = {
        {0.5, 0.95, 3.841458821 / 2},   {0.5, 0.05, 0.003932140 / 2},  {1.5, 0.95, 7.814727903 / 2},
        {1.5, 0.05, 0.351846318 / 2},   {5.0, 0.95, 18.307038053 / 2}, {5.0, 0.05, 3.940299136 / 2},
        {15.0, 0.95, 43.772971825 / 2}, {50.0, 0.05, 77.929465165 / 2}};

    for (size_t i = 0; i < sizeof table / sizeof *table; i++)
        CU_ASSERT_DOUBLE_EQUAL(spotopt__gamma_quantile(table[i][0], table[i][1]) / table[i][2], 1.0,
                               3e-7);
    for (double p = 0.001; p < 1.0; p += 0.0371) {
        CU_ASSERT_DOUBLE_EQUAL(spotopt__gamma_quantile(1.0, p), -log1p(-p), 1e-12 * -log1p(-p));
        double x = spotopt__gamma_quantile(2.0, p);
        CU_ASSERT_DOUBLE_EQUAL(1.0 - (1.0 + x) * exp(-x), p, 1e-12);
        double z = spotopt__gamma_quantile(0.5, p); /* P(1/2, x) = erf(sqrt(x)) */
        CU_ASSERT_DOUBLE_EQUAL(erf(sqrt(z)), p, 1e-12);
    }
    CU_ASSERT_EQUAL(spotopt__gamma_quantile(3.0, 0.0), 0.0);
    CU_ASSERT_EQUAL(spotopt__gamma_p(3.0, 0.0), 0.0);
    CU_ASSERT_EQUAL(spotopt__gamma_p(3.0, INFINITY), 1.0);
}

static void
test_gamma__inverts_itself_over_many_shapes(void)
{
    for (double a = 0.01; a < 2e5; a *= 1.7) {
        double last = -1.0;

        for (double p = 0.001; p < 1.0; p += 0.0499) {
            double x = spotopt__gamma_quantile(a, p);

            CU_ASSERT(x >= last);
            last = x;
            if (x > 0.0)
                CU_ASSERT_DOUBLE_EQUAL(spotopt__gamma_p(a, x), p, 1e-9);
        }
    }
}

static void
test_gamma__agrees_with_quadrature(void)
{
    for (double a = 0.3; a < 40.0; a *= 1.9) {
        for (double x = 0.05; x < 60.0; x *= 2.3) {
            double by_sum = integrate(density, &a, -80.0 / a, log(x), 40000);
            CU_ASSERT_DOUBLE_EQUAL(spotopt__gamma_p(a, x), by_sum, 1e-9);
        }
    }
}

/* (1 - exp(-rate * H)) under Gamma(a, b), in y = ln(b * rate). with: a, b, H. */
static double
loss_density(double y, const double *with)
{
    return -expm1(-exp(y) / with[1] * with[2]) * density(y, with);
}

static void
test_belief__is_the_integral_over_the_rate(void)
{
    static const double shapes[] = {0.05, 0.5, 1.5, 7.0}, hours[] = {0.5, 6.0, 200.0, 5000.0},
                        horizons[] = {0.25, 1.0, 24.0, 720.0};

    for (size_t i = 0; i < 4; i++) {
        for (size_t k = 0; k < 4; k++) {
            for (size_t h = 0; h < 4; h++) {
                double with[] = {shapes[i], hours[k], horizons[h]};
                spotopt__belief belief = {shapes[i], hours[k]};
                double by_sum = integrate(loss_density, with, -60.0, 6.0, 20000);

                CU_ASSERT_DOUBLE_EQUAL(spotopt__belief_p(&belief, horizons[h]), by_sum, 1e-9);
            }
        }
    }
}

typedef struct bump {
    double at, nodes;
} bump;

/* nodes up at a time of the history below, written down a second time. */
static double
nodes_at(double t)
{
    return t < 3600    ? 0
           : t < 10000 ? 4
           : t < 20000 ? 3
           : t < 30000 ? 0
           : t < 50000 ? 2
           : t < 60000 ? 0
                       : 5;
}

static void
test_evidence__is_the_decayed_integral_and_stops_at_now(void)
{
    spotopt_history *h = history_of(
        HISTORY_HEAD "a,r,z,m5.large,3600,4\na,r,z,m5.large,10000,3\na,r,z,m5.large,20000,0\n"
                     "a,r,z,m5.large,30000,2\na,r,z,m5.large,50000,\na,r,z,m5.large,60000,5\n"
                     "a,r,z,m5.large,90000,1\n");
    const double now = 72000, tau = 6.0;
    spotopt__evidence e = spotopt__evidence_at(h, 0, now, tau);
    double node_hours = 0, drop_hours = 0;

    for (double t = 0.5; t < now; t += 1.0) {
        double weight = exp(-(now - t) / 3600.0 / tau) / 3600.0;
        node_hours += nodes_at(t) * weight;
        drop_hours += (nodes_at(t) > 0) * weight;
    }
    CU_ASSERT_DOUBLE_EQUAL(e.node_hours, node_hours, 1e-5);
    CU_ASSERT_DOUBLE_EQUAL(e.drop_hours, drop_hours, 1e-5);
    CU_ASSERT_DOUBLE_EQUAL(e.node_events, exp(-62000 / 21600.0) + 3 * exp(-52000 / 21600.0), 1e-12);
    CU_ASSERT_DOUBLE_EQUAL(e.drop_events, exp(-62000 / 21600.0) + exp(-52000 / 21600.0), 1e-12);
    CU_ASSERT_EQUAL(e.nodes_up, 5);
    CU_ASSERT_EQUAL(e.seen_s, now);
    e = spotopt__evidence_at(h, 0, 55000, tau); /* between two observations */
    CU_ASSERT(isnan(e.nodes_up));
    CU_ASSERT_EQUAL(e.seen_s, 50000);
    e = spotopt__evidence_at(h, 0, 10, tau); /* before all of them */
    CU_ASSERT(isnan(e.seen_s) && e.node_hours == 0);
    spotopt_history_free(h);
}

static void
test_evidence__pool_days_add_up_to_all_events_and_hours(void)
{
    spotopt_history *h = history_of(
        HISTORY_HEAD "a,r,z,m5.large,-50000,4\na,r,z,m5.large,86400,3\na,r,z,m5.large,100000,1\n"
                     "a,r,z,m5.large,110000,2\na,r,z,m5.large,1000000,0\n"
                     "a,r,z,m5.large,1100000,6\na,r,z,m5.large,1100001,\n");
    spotopt__cells cells = {0};
    double events = 0, hours = 0, days = 0;

    CU_ASSERT(spotopt__evidence_cells(NULL, h, 0, 2e6, 0.5, false, &cells));
    for (size_t i = 0; i < cells.count; i++) {
        events += cells.at[i].weight * cells.at[i].events;
        hours += cells.at[i].weight * cells.at[i].hours;
        days += cells.at[i].weight;
        CU_ASSERT(cells.at[i].hours <= 0.5 * 24 * 6);
    }
    CU_ASSERT_EQUAL(events, 1 + 2 + 2);
    CU_ASSERT_DOUBLE_EQUAL(hours, 0.5 * (4 * 136400 + 3 * 13600 + 10000 + 2 * 890000 + 6) / 3600.0,
                           1e-9);
    CU_ASSERT(cells.count < 12); /* alike days are one cell */
    CU_ASSERT_EQUAL(days,
                    1 + 1 + 11 + 1); /* two days at first, then 1 .. 11, and the last second */
    cells.count = 0;
    CU_ASSERT(spotopt__evidence_cells(NULL, h, 0, 2e6, 1.0, true, &cells));
    events = 0;
    for (size_t i = 0; i < cells.count; i++)
        events += cells.at[i].weight * cells.at[i].events;
    CU_ASSERT_EQUAL(events, 3);
    spotopt__vec_free(NULL, &cells);
    spotopt_history_free(h);
}

static void
test_risk__counts_days_both_ways_at_once_as_one_by_one(void)
{
    spotopt_history *h = history_of(
        HISTORY_HEAD "a,r,z,m5.large,-50000,4\na,r,z,m5.large,86400,3\na,r,z,m5.large,100000,1\n"
                     "a,r,z,m5.large,110000,\na,r,z,m5.large,250000,5\na,r,z,m5.large,1000000,0\n"
                     "a,r,z,m5.large,1100000,6\na,r,z,m5.large,1100001,2\n");
    spotopt__cells both[2] = {{0}, {0}}, one[2] = {{0}, {0}};

    CU_ASSERT(spotopt__evidence_days(NULL, h, 0, 2e6, 0.7, &both[0], &both[1]));
    for (int k = 0; k < 2; k++) {
        CU_ASSERT(spotopt__evidence_cells(NULL, h, 0, 2e6, 0.7, k == 1, &one[k]));
        CU_ASSERT_EQUAL_FATAL(both[k].count, one[k].count);
        CU_ASSERT_EQUAL(memcmp(both[k].at, one[k].at, one[k].count * sizeof *one[k].at), 0);
        spotopt__vec_free(NULL, &both[k]);
        spotopt__vec_free(NULL, &one[k]);
    }
    spotopt_history_free(h);
}

static void
test_risk__joined_days_keep_sums_and_the_prior(void)
{
    enum { CELLS = 20000 };
    spotopt__cells cells = {0};
    spotopt__rng rng;
    const spotopt__prior around = {0.5, 0.01};
    double events[2] = {0.0, 0.0}, hours[2] = {0.0, 0.0}, days[2] = {0.0, 0.0};
    spotopt__prior fit[2];

    spotopt__rng_seed(&rng, 11);
    for (int i = 0; i < CELLS; i++) {
        double u = spotopt__rng_unit(&rng),
               held = 24.0 * (1.0 + floor(4.0 * u)) * spotopt__rng_unit(&rng);
        spotopt__cell cell = {floor(3.0 * spotopt__rng_unit(&rng) * spotopt__rng_unit(&rng) * u),
                              held + 0.1, 1.0 + i % 3};

        CU_ASSERT_FATAL(spotopt__vec_push(NULL, &cells, cell));
    }
    for (int k = 0; k < 2; k++) {
        for (size_t i = 0; i < cells.count; i++) {
            events[k] += cells.at[i].weight * cells.at[i].events;
            hours[k] += cells.at[i].weight * cells.at[i].hours;
            days[k] += cells.at[i].weight;
        }
        fit[k] = spotopt__prior_fit(cells.at, cells.count, &around, 0.25, 1.5);
        CU_ASSERT(k > 0 || spotopt__cells_join(NULL, &cells, 0));
    }
    CU_ASSERT(cells.count < CELLS / 10);
    CU_ASSERT_EQUAL(events[0], events[1]);
    CU_ASSERT_EQUAL(days[0], days[1]);
    CU_ASSERT_DOUBLE_EQUAL(hours[1], hours[0], 1e-9 * hours[0]);
    CU_ASSERT_DOUBLE_EQUAL(fit[1].mean, fit[0].mean, 1e-9 * fit[0].mean);
    CU_ASSERT_DOUBLE_EQUAL(fit[1].alpha, fit[0].alpha, 1e-3 * fit[0].alpha);
    CU_ASSERT(spotopt__cells_join(NULL, &cells, cells.count)); /* of nothing */
    spotopt__vec_free(NULL, &cells);
}

static double
normal_draw(spotopt__rng *rng)
{
    double u = spotopt__rng_unit(rng), v = spotopt__rng_unit(rng);

    return sqrt(-2.0 * log(1.0 - u)) * cos(6.283185307179586 * v);
}

/* Marsaglia and Tsang; below shape 1 with the power of a uniform. */
static double
gamma_draw(spotopt__rng *rng, double a)
{
    double boost = a < 1.0 ? pow(1.0 - spotopt__rng_unit(rng), 1.0 / a) : 1.0,
           d = (a < 1.0 ? a + 1.0 : a) - 1.0 / 3.0;

    for (;;) {
        double x = normal_draw(rng), v = 1.0 + x / sqrt(9.0 * d);

        if (v <= 0.0)
            continue;
        v = v * v * v;
        if (log(1.0 - spotopt__rng_unit(rng)) < 0.5 * x * x + d - d * v + d * log(v))
            return boost * d * v;
    }
}

static double
poisson_draw(spotopt__rng *rng, double mean)
{
    double product = 1.0, k = -1.0, limit;

    if (mean > 500.0) /* exp(-mean) would be 0 */
        return poisson_draw(rng, 500.0) + poisson_draw(rng, mean - 500.0);
    limit = exp(-mean);
    while (product > limit) {
        product *= 1.0 - spotopt__rng_unit(rng);
        k += 1.0;
    }
    return k > 0.0 ? k : 0.0; /* a mean below 1e-16 has limit 1 */
}

static void
test_prior__recovers_what_made_the_data(void)
{
    static const double alphas[] = {0.1, 0.5, 2.0}, means[] = {0.002, 0.02, 0.2};
    const spotopt__prior shipped = {0.5, spotopt__bucket_rate(-1)};
    static spotopt__cell cells[20000];
    spotopt__rng rng;

    spotopt__rng_seed(&rng, 7);
    for (size_t i = 0; i < 3; i++) {
        for (size_t k = 0; k < 3; k++) {
            for (size_t c = 0; c < 20000; c++) {
                double hours = 12.0 + 108.0 * spotopt__rng_unit(&rng);
                double rate = gamma_draw(&rng, alphas[i]) * means[k] / alphas[i];
                cells[c] = (spotopt__cell){poisson_draw(&rng, rate * hours), hours, 1.0};
            }
            spotopt__prior fit = spotopt__prior_fit(cells, 20000, &shipped, 0.25, 1.5);
            CU_ASSERT(fabs(log(fit.alpha / alphas[i])) < 0.4);
            CU_ASSERT(fabs(log(fit.mean / means[k])) < 0.15);
        }
    }
}

static void
test_prior__few_data_stay_near_the_coarser_fit_and_none_are_it(void)
{
    const spotopt__prior overall = {0.3, 0.001};
    const spotopt__cell one = {3.0, 24.0, 1.0}, quiet = {0.0, 24.0, 1e6}, wild = {1e9, 1e-3, 1e7};
    spotopt__prior fit = spotopt__prior_fit(NULL, 0, &overall, 2.0, 0.7);

    CU_ASSERT_DOUBLE_EQUAL(fit.alpha, 0.3, 1e-12);
    CU_ASSERT_DOUBLE_EQUAL(fit.mean, 0.001, 1e-15);
    fit = spotopt__prior_fit(&one, 1, &overall, 2.0, 0.7);
    CU_ASSERT(fit.mean > 0.001 && fit.mean < 0.003);
    CU_ASSERT(fit.alpha > 0.1 && fit.alpha < 1.0);
    fit = spotopt__prior_fit(&quiet, 1, &overall, 2.0, 0.7);
    CU_ASSERT(fit.mean >= SPOTOPT__RATE_MIN && fit.mean < 1e-5);
    fit = spotopt__prior_fit(&wild, 1, &overall, 2.0, 0.7); /* nonsense stays within bounds */
    CU_ASSERT(fit.mean == SPOTOPT__RATE_MAX && fit.alpha >= 0.02 && fit.alpha <= 20.0);
}

static void
test_prior__learns_how_far_buckets_are_to_be_believed(void)
{
    double events[50], hours[50], x[50], none[50] = {0};

    for (int g = 0; g <= 2; g++) {
        for (int i = 0; i < 50; i++) {
            x[i] = log(spotopt__bucket_rate(i % 5) / spotopt__bucket_rate(-1));
            hours[i] = 20000;
            events[i] = 0.01 * hours[i] * exp(g * x[i]);
        }
        CU_ASSERT_DOUBLE_EQUAL(spotopt__bucket_trust(events, hours, x, 50), g, 0.05);
    }
    CU_ASSERT_DOUBLE_EQUAL(spotopt__bucket_trust(none, hours, x, 50), 0.5, 1e-9);
    CU_ASSERT_DOUBLE_EQUAL(spotopt__bucket_trust(none, none, x, 0), 0.5, 1e-9);
}

static void
test_risk__without_history_takes_the_vendors_word(void)
{
    spotopt_catalog *c =
        catalog_of(CATALOG_HEAD "r,z,m5.large,2,8192,0.1,0.03,0\nr,z,c5.large,2,4096,0.1,0.03,4\n"
                                "r,z,r5.large,2,16384,0.1,0.03,\n");
    spotopt_risk *risk = risk_of(c, NULL, 0.0);
    spotopt_forecast low = forecast_of(risk, c, "m5.large/z/spot", 720),
                     high = forecast_of(risk, c, "c5.large/z/spot", 720),
                     unknown = forecast_of(risk, c, "r5.large/z/spot", 720),
                     none = forecast_of(risk, c, "m5.large/z/on-demand", 720);

    CU_ASSERT(low.p < unknown.p && unknown.p < high.p);
    CU_ASSERT_DOUBLE_EQUAL(
        low.p, 0.025,
        0.005); /* the share reclaimed in a month; the gamma mixture shrinks it a little */
    CU_ASSERT_EQUAL(low.flags, SPOTOPT_RISK_PRIOR | SPOTOPT_RISK_COLD);
    CU_ASSERT(low.low < low.p && low.p < low.high);
    CU_ASSERT(none.p == 0 && none.high == 0 && none.flags == SPOTOPT_RISK_NONE);
    spotopt_risk_free(risk);
    spotopt_catalog_free(c);
}

static void
test_risk__rises_after_a_loss_and_fades_again(void)
{
    spotopt_catalog *c =
        catalog_of(CATALOG_HEAD "r,z,m5.large,2,8192,0.1,0.03,1\nr,y,m5.large,2,8192,0.1,0.03,1\n"
                                "q,w,t3.large,2,8192,0.1,0.03,1\n");
    spotopt_history *h = history_of(
        HISTORY_HEAD "m5.large/z/spot,r,z,m5.large,0,10\nm5.large/z/spot,r,z,m5.large,864000,9\n"
                     "other,r,y,m5.large,0,10\nelse,q,w,t3.large,0,3\nelse,q,w,t3.large,700000,\n");
    spotopt_risk *before = risk_of(c, h, 863000), *after = risk_of(c, h, 864600),
                 *later = risk_of(c, h, 864000 + 3 * 86400);
    double p[3], q;

    p[0] = forecast_of(before, c, "m5.large/z/spot", 4).p;
    p[1] = forecast_of(after, c, "m5.large/z/spot", 4).p;
    p[2] = forecast_of(later, c, "m5.large/z/spot", 4).p;
    q = forecast_of(after, c, "m5.large/y/spot", 4).p;
    CU_ASSERT(p[1] > 5 * p[0]);
    CU_ASSERT(p[2] < 0.5 * p[1]);
    CU_ASSERT(q < p[1]);
    CU_ASSERT_EQUAL(forecast_of(after, c, "m5.large/y/spot", 4).flags,
                    SPOTOPT_RISK_EVIDENCE); /* joined by type and zone */
    CU_ASSERT_EQUAL(forecast_of(later, c, "t3.large/w/spot", 4).flags,
                    SPOTOPT_RISK_PRIOR | SPOTOPT_RISK_COLD | SPOTOPT_RISK_STALE);
    CU_ASSERT_DOUBLE_EQUAL(forecast_of(after, c, "m5.large/z/spot", 4).events, exp(-600 / 21600.0),
                           1e-12);
    CU_ASSERT(spotopt__risk_drop(after, 0, 4) >
              p[1]); /* ten nodes: one of them goes sooner than a given one */
    CU_ASSERT_EQUAL(spotopt__risk_drop(after, 1, 4), 0.0);
    spotopt_risk_free(before);
    spotopt_risk_free(after);
    spotopt_risk_free(later);
    spotopt_history_free(h);
    spotopt_catalog_free(c);
}

static void
test_risk__never_falls_with_the_horizon_and_holds_its_interval(void)
{
    spotopt_catalog *c =
        catalog_of(CATALOG_HEAD "r,z,m5.large,2,8192,0.1,0.03,1\nr,y,c5.large,2,8192,0.1,0.03,3\n");
    spotopt_history *h = history_of(
        HISTORY_HEAD "m5.large/z/spot,r,z,m5.large,0,10\nm5.large/z/spot,r,z,m5.large,5000,2\n"
                     "m5.large/z/spot,r,z,m5.large,9000,4\n");
    spotopt_risk *risk = risk_of(c, h, 10000);

    for (size_t pool = 0; pool < c->pools.count; pool++) {
        spotopt_forecast f = SPOTOPT_FORECAST_INIT;
        double last = 0.0;

        for (double horizon = 0.01; horizon < 1e5; horizon *= 1.5) {
            CU_ASSERT_EQUAL(spotopt_risk_at(risk, pool, horizon, &f, &err), SPOTOPT_OK);
            CU_ASSERT(f.p >= last && f.p <= 1.0 && f.low <= f.p && f.p <= f.high && f.low >= 0 &&
                      f.high <= 1);
            last = f.p;
        }
    }
    spotopt_forecast f = SPOTOPT_FORECAST_INIT;
    double columns[4], few[3];
    CU_ASSERT_EQUAL(spotopt_risk_columns(risk, 4, columns, NULL, NULL, 4, &err), SPOTOPT_OK);
    CU_ASSERT_EQUAL(columns[0], forecast_of(risk, c, "m5.large/z/spot", 4).p);
    CU_ASSERT_EQUAL(spotopt_risk_columns(risk, 4, few, NULL, NULL, 3, &err), SPOTOPT_E_ARGUMENT);
    CU_ASSERT_EQUAL(spotopt_risk_at(risk, 4, 1, &f, &err), SPOTOPT_E_ARGUMENT);
    CU_ASSERT_EQUAL(spotopt_risk_at(risk, 0, 0, &f, &err), SPOTOPT_E_ARGUMENT);
    CU_ASSERT_EQUAL(spotopt_risk_at(risk, 0, NAN, &f, &err), SPOTOPT_E_ARGUMENT);
    spotopt_risk_free(risk);
    spotopt_history_free(h);
    spotopt_catalog_free(c);
}

/* Zones of one type in one region, of another type there, and of another family; the last of each
 * has no history. */
static void
test_risk__pools_without_a_past_take_after_their_closest_siblings(void)
{
    static const char *const types[] = {"m5.large", "m5.xlarge", "c5.large"};
    char catalog[2000], history[20000];
    size_t c_length = (size_t)sprintf(catalog, CATALOG_HEAD),
           h_length = (size_t)sprintf(history, HISTORY_HEAD);
    double p[3];

    for (int t = 0; t < 3; t++) {
        for (int zone = 0; zone < 4; zone++) {
            c_length +=
                (size_t)sprintf(catalog + c_length, "r,z%d,%s,2,8192,0.1,0.03,\n", zone, types[t]);
            if (zone == 3)
                continue;
            /* m5.large falls every day, m5.xlarge every fifth, c5.large never */
            for (int day = 0; day < 20; day++) {
                bool falls = t == 0 || (t == 1 && day % 5 == 0);
                h_length += (size_t)sprintf(history + h_length, "%s-%d,r,z%d,%s,%d,9\n", types[t],
                                            zone, zone, types[t], 86400 * day);
                if (falls)
                    h_length +=
                        (size_t)sprintf(history + h_length, "%s-%d,r,z%d,%s,%d,8\n", types[t], zone,
                                        zone, types[t], 86400 * day + 40000);
            }
        }
    }
    spotopt_catalog *c = catalog_of(catalog);
    spotopt_history *h = history_of(history);
    spotopt_risk *risk = risk_of(c, h, 20 * 86400);
    p[0] = forecast_of(risk, c, "m5.large/z3/spot", 24).p;
    p[1] = forecast_of(risk, c, "m5.xlarge/z3/spot", 24).p;
    p[2] = forecast_of(risk, c, "c5.large/z3/spot", 24).p;
    CU_ASSERT(p[0] > 2 * p[1] && p[1] > 2 * p[2]);
    CU_ASSERT(p[0] > 0.05 && p[0] < 0.15); /* one of nine a day */
    spotopt_risk_free(risk);
    spotopt_history_free(h);
    spotopt_catalog_free(c);
}

static void
test_risk__does_not_look_past_now(void)
{
    const char *head =
        HISTORY_HEAD "m5.large/z/spot,r,z,m5.large,0,10\nm5.large/z/spot,r,z,m5.large,5000,2\n";
    spotopt_catalog *c = catalog_of(CATALOG_HEAD "r,z,m5.large,2,8192,0.1,0.03,1\n");
    char longer[512];
    snprintf(
        longer, sizeof longer,
        "%sm5.large/z/spot,r,z,m5.large,8000,0\nx,r,z2,m5.large,9000,5\nx,r,z2,m5.large,9500,0\n",
        head);
    spotopt_history *h = history_of(head), *future = history_of(longer);
    spotopt_risk *a = risk_of(c, h, 7000), *b = risk_of(c, future, 7000);

    CU_ASSERT_EQUAL(forecast_of(a, c, "m5.large/z/spot", 4).p,
                    forecast_of(b, c, "m5.large/z/spot", 4).p);
    spotopt_risk_free(a);
    spotopt_risk_free(b);
    spotopt_history_free(h);
    spotopt_history_free(future);
    spotopt_catalog_free(c);
}

static void
test_risk__survives_every_failing_allocation(void)
{
    spotopt_catalog *c =
        catalog_of(CATALOG_HEAD "r,z,m5.large,2,8192,0.1,0.03,1\nr,y,m5.large,2,8192,0.1,0.03,1\n");
    spotopt_history *h = history_of(
        HISTORY_HEAD "m5.large/z/spot,r,z,m5.large,0,10\nm5.large/z/spot,r,z,m5.large,864000,9\n"
                     "other,r,y,m5.large,0,10\n");
    fail_alloc allocator = FAIL_ALLOC_INIT;
    spotopt_status status;
    size_t n = 0;

    do {
        spotopt_risk *risk = NULL;

        fail_after(&allocator, n++);
        spotopt_context *context = fail_alloc_context(&allocator);
        status = context == NULL ? SPOTOPT_E_NOMEM
                                 : spotopt_risk_score(context, c, h, 1e6, NULL, &risk, NULL);
        spotopt_risk_free(risk);
        spotopt_context_free(context);
        CU_ASSERT_EQUAL(allocator.live, 0);
    } while (status == SPOTOPT_E_NOMEM && n < 1000);
    CU_ASSERT_EQUAL(status, SPOTOPT_OK);
    CU_ASSERT(n > 10);
    spotopt_history_free(h);
    spotopt_catalog_free(c);
}

int
main(void)
{
    static const suite_test tests[] = {
        TEST(test_gamma__agrees_with_tables_and_closed_forms),
        TEST(test_gamma__inverts_itself_over_many_shapes),
        TEST(test_gamma__agrees_with_quadrature),
        TEST(test_belief__is_the_integral_over_the_rate),
        TEST(test_evidence__is_the_decayed_integral_and_stops_at_now),
        TEST(test_evidence__pool_days_add_up_to_all_events_and_hours),
        TEST(test_prior__recovers_what_made_the_data),
        TEST(test_prior__few_data_stay_near_the_coarser_fit_and_none_are_it),
        TEST(test_prior__learns_how_far_buckets_are_to_be_believed),
        TEST(test_risk__without_history_takes_the_vendors_word),
        TEST(test_risk__rises_after_a_loss_and_fades_again),
        TEST(test_risk__never_falls_with_the_horizon_and_holds_its_interval),
        TEST(test_risk__pools_without_a_past_take_after_their_closest_siblings),
        TEST(test_risk__does_not_look_past_now),
        TEST(test_risk__survives_every_failing_allocation),
        TEST(test_risk__counts_days_both_ways_at_once_as_one_by_one),
        TEST(test_risk__joined_days_keep_sums_and_the_prior),
    };

    return suite_run("risk", tests, sizeof tests / sizeof *tests);
}
