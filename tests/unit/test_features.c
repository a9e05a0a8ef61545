/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Features against their definitions, computed the slow way: every sum over all rows, anew for each
 * moment. And what one more drop may do to them.
 */
#include <math.h>

#include "fail_alloc.h"
#include "random_history.h"
#include "risk/features.h"
#include "suite.h"

#define TAU_H 6.0

typedef struct moments {
    size_t count;
    uint32_t *series;
    double *time_s, *values, *sums;
} moments;

/* Moments anywhere, some of them shared by all pools, in the order that features want. */
static moments
random_moments(const spotopt_history *history, uint64_t seed, size_t each)
{
    moments m = {0};
    spotopt__rng rng;
    double end_s = 0.0;

    spotopt__rng_seed(&rng, seed);
    for (size_t i = 0; i < history->rows; i++)
        end_s = history->time_s[i] > end_s ? history->time_s[i] : end_s;
    m.count = history->series.count * each;
    m.series = calloc(m.count, sizeof *m.series);
    m.time_s = calloc(m.count, sizeof *m.time_s);
    m.values = calloc(m.count * spotopt__feature_count, sizeof *m.values);
    m.sums = calloc(2 * m.count, sizeof *m.sums);
    for (size_t i = 0; i < m.count; i++) {
        double way = ((double)(i % each) + 0.5) / (double)each;

        m.series[i] = (uint32_t)(i / each);
        m.time_s[i] = i % 3 == 0
                          ? floor(way * end_s)
                          : floor((way + 0.4 * spotopt__rng_unit(&rng) / (double)each) * end_s);
        if (i % each > 0 && i % 7 == 0)
            m.time_s[i] = m.time_s[i - 1]; /* twice the same */
        if (i % each > 0 && m.time_s[i] < m.time_s[i - 1])
            m.time_s[i] = m.time_s[i - 1];
    }
    m.time_s[m.count - 1] = end_s + 5000.0; /* beyond all rows */
    return m;
}

static void
free_moments(moments *m)
{
    free(m->series);
    free(m->time_s);
    free(m->values);
    free(m->sums);
}

static void
take_features(const spotopt_history *history, moments *m)
{
    CU_ASSERT_TRUE_FATAL(spotopt__features_at(NULL, history, NULL, m->series, m->time_s, m->count,
                                              TAU_H, m->values, m->sums));
}

static double
value_of(const moments *m, const char *feature, size_t row)
{
    uint32_t f = spotopt__feature_find(feature);

    CU_ASSERT_NOT_EQUAL_FATAL(f, SPOTOPT__NONE);
    return m->values[f * m->count + row];
}

/* --- the slow way --- */

static double
drops_until(const spotopt_history *history, size_t series, double now_s, double tau_h,
            double *last_s)
{
    const spotopt__series *of = &history->series.at[series];
    double sum = 0.0;

    for (size_t r = of->first + 1; r < of->first + of->count && history->time_s[r] <= now_s; r++) {
        if (history->nodes_up[r] < history->nodes_up[r - 1]) {
            sum += exp((history->time_s[r] - now_s) / 3600.0 / tau_h);
            if (last_s != NULL)
                *last_s = history->time_s[r];
        }
    }
    return sum;
}

/* Decayed hours with at least `least` nodes: 0 is all that was observed, 0.5 with nodes up. */
static double
hours_until(const spotopt_history *history, size_t series, double now_s, double tau_h, double least)
{
    const spotopt__series *of = &history->series.at[series];
    double sum = 0.0;

    for (size_t r = of->first; r < of->first + of->count && history->time_s[r] <= now_s; r++) {
        double from_s = history->time_s[r],
               to_s = r + 1 < of->first + of->count && history->time_s[r + 1] < now_s
                          ? history->time_s[r + 1]
                          : now_s;

        if (history->nodes_up[r] >= least)
            sum += tau_h *
                   (exp((to_s - now_s) / 3600.0 / tau_h) - exp((from_s - now_s) / 3600.0 / tau_h));
    }
    return sum;
}

static double
nodes_at(const spotopt_history *history, size_t series, double now_s)
{
    const spotopt__series *of = &history->series.at[series];
    double nodes = NAN;

    for (size_t r = of->first; r < of->first + of->count && history->time_s[r] <= now_s; r++)
        nodes = history->nodes_up[r];
    return nodes;
}

static double
came_up(const spotopt_history *history, size_t series, double now_s)
{
    const spotopt__series *of = &history->series.at[series];
    double came_s = NAN;

    for (size_t r = of->first; r < of->first + of->count && history->time_s[r] <= now_s; r++) {
        if (history->nodes_up[r] > 0.0 && !(r > of->first && history->nodes_up[r - 1] > 0.0))
            came_s = history->time_s[r];
    }
    return came_s;
}

static void
check_own(const spotopt_history *h, const moments *m, size_t i)
{
    static const struct {
        const char *name;
        double tau_h;
    } rates[] = {{"drop_rate_1h_log", 1.0},
                 {"drop_rate_3h_log", 3.0},
                 {"drop_rate_12h_log", 12.0},
                 {"drop_rate_48h_log", 48.0}};
    size_t s = m->series[i];
    double now = m->time_s[i], first = h->time_s[h->series.at[s].first], last = NAN;

    for (size_t k = 0; k < 4; k++) {
        double want = log((drops_until(h, s, now, rates[k].tau_h, NULL) + 0.1) /
                          (hours_until(h, s, now, rates[k].tau_h, 0.5) + 1.0));
        CU_ASSERT_DOUBLE_EQUAL(value_of(m, rates[k].name, i), want, 1e-9);
    }
    CU_ASSERT_DOUBLE_EQUAL(
        value_of(m, "up_share_1h", i),
        (hours_until(h, s, now, 1.0, 0.5) + 1.0) / (hours_until(h, s, now, 1.0, 0.0) + 2.0), 1e-9);
    (void)drops_until(h, s, now, 1.0, &last);
    double since_h = !isnan(last)   ? (now - last) / 3600.0
                     : first <= now ? (now - first) / 3600.0 + 24.0
                                    : 24.0;
    CU_ASSERT_DOUBLE_EQUAL(value_of(m, "hours_since_drop_log", i), log(1.0 + fmin(since_h, 720.0)),
                           1e-9);
    CU_ASSERT_DOUBLE_EQUAL(value_of(m, "hours_since_drop_2h_log", i), log(1.0 + fmin(since_h, 2.0)),
                           1e-9);
    double up_h = nodes_at(h, s, now) > 0.0 ? (now - came_up(h, s, now)) / 3600.0 : 0.0;
    CU_ASSERT_DOUBLE_EQUAL(value_of(m, "hours_up_log", i), log(1.0 + fmin(up_h, 720.0)), 1e-9);
    CU_ASSERT_DOUBLE_EQUAL(m->sums[i], drops_until(h, s, now, TAU_H, NULL), 1e-9);
    CU_ASSERT_DOUBLE_EQUAL(m->sums[m->count + i], hours_until(h, s, now, TAU_H, 0.5), 1e-9);
}

static void
check_siblings(const spotopt_history *h, const moments *m, size_t i)
{
    size_t mine = m->series[i];
    double now = m->time_s[i], seen = 0.0, up = 0.0, drops[2] = {0.0, 0.0}, hours[2] = {0.0, 0.0},
           since_h = 24.0;
    bool is_alone = true;

    for (size_t s = 0; s < h->series.count; s++) {
        bool is_near = strcmp(h->series.at[s].region, h->series.at[mine].region) == 0;
        double nodes = nodes_at(h, s, now);

        if (s == mine)
            continue;
        seen += is_near && !isnan(nodes) ? 1.0 : 0.0;
        up += is_near && nodes > 0.0 ? 1.0 : 0.0;
        double last_s = NAN;
        drops[!is_near] += drops_until(h, s, now, 3.0, &last_s);
        if (is_near && !isnan(last_s))
            since_h = fmin(since_h, (now - last_s) / 3600.0);
        is_alone &= !is_near || h->time_s[h->series.at[s].first] > now;
        hours[!is_near] += hours_until(h, s, now, 3.0, 0.0);
    }
    CU_ASSERT_DOUBLE_EQUAL(value_of(m, "region_up_share", i), (up + 0.5) / (seen + 1.0), 1e-12);
    CU_ASSERT_DOUBLE_EQUAL(value_of(m, "region_drop_rate_3h_log", i),
                           log(0.1 + drops[0] / (hours[0] + 2.0)), 1e-9);
    CU_ASSERT_DOUBLE_EQUAL(value_of(m, "region_hours_since_drop_log", i),
                           log(1.0 + (is_alone ? 6.0 : since_h)), 1e-9);
    CU_ASSERT_DOUBLE_EQUAL(value_of(m, "elsewhere_drop_rate_3h_log", i),
                           log(0.1 + drops[1] / (hours[1] + 2.0)), 1e-9);
}

static void
test_features__equal_their_definitions_on_random_histories(void)
{
    for (uint64_t seed = 1; seed <= 12; seed++) {
        size_t count;
        unsigned pools = 1 + (unsigned)(seed % 6);
        history_row *rows =
            random_rows(seed, pools, 60, seed % 4 == 0 ? 60.0 : 4.0, seed % 2 == 0 ? 1 : 9, &count);
        spotopt_history *h = history_of_rows(rows, count, 1 + (unsigned)(seed % 3));
        moments m = random_moments(h, seed, 50);

        take_features(h, &m);
        for (size_t i = 0; i < m.count; i++) {
            check_own(h, &m, i);
            check_siblings(h, &m, i);
        }
        for (size_t i = 0; i < m.count * spotopt__feature_count; i++)
            CU_ASSERT_TRUE_FATAL(isfinite(m.values[i]));
        free_moments(&m);
        spotopt_history_free(h);
        free(rows);
    }
}

static void
test_features__do_not_look_ahead(void)
{
    size_t count, kept = 0;
    history_row *rows = random_rows(77, 4, 80, 5.0, 3, &count);
    double now_s = 3.0 * 86400.0;
    spotopt_history *whole = history_of_rows(rows, count, 2);

    for (size_t i = 0; i < count; i++) {
        if (rows[i].time_s <= now_s)
            rows[kept++] = rows[i];
    }
    spotopt_history *past = history_of_rows(rows, kept, 2);
    uint32_t series[4] = {0, 1, 2, 3};
    double time_s[4] = {now_s, now_s, now_s, now_s}, a[64 * 4], b[64 * 4];
    CU_ASSERT_TRUE(spotopt__features_at(NULL, whole, NULL, series, time_s, 4, TAU_H, a, NULL));
    CU_ASSERT_TRUE(spotopt__features_at(NULL, past, NULL, series, time_s, 4, TAU_H, b, NULL));
    for (size_t i = 0; i < 4 * spotopt__feature_count; i++)
        CU_ASSERT_EQUAL(a[i], b[i]);
    spotopt_history_free(whole);
    spotopt_history_free(past);
    free(rows);
}

/* A drop put into a stretch with nodes up, and taken back after a while, moves no feature against
 * its sign. */
static void
test_features__one_more_drop_moves_none_against_its_sign(void)
{
    size_t cases = 0;

    for (uint64_t seed = 1; seed <= 150; seed++) {
        size_t count;
        history_row *rows = random_rows(seed, 1, 40, 6.0, seed % 2 == 0 ? 1 : 5, &count), more[64];
        spotopt_history *before = history_of_rows(rows, count, 1);
        moments was = random_moments(before, seed, 20), is = random_moments(before, seed, 20);

        take_features(before, &was);
        for (size_t r = 0; r + 1 < count; r++) {
            double length = rows[r + 1].time_s - rows[r].time_s;

            if (!(rows[r].nodes > 0.0) || length < 4.0)
                continue;
            memcpy(more, rows, (r + 1) * sizeof *rows);
            more[r + 1] =
                (history_row){0, rows[r].time_s + floor(length * (1 + (double)(seed % 3)) / 5.0),
                              rows[r].nodes - 1};
            more[r + 2] = (history_row){
                0, more[r + 1].time_s + (seed % 5 == 0 ? floor(length / 5.0) : 1.0), rows[r].nodes};
            if (more[r + 2].time_s <= more[r + 1].time_s)
                more[r + 2].time_s = more[r + 1].time_s + 1.0;
            memcpy(more + r + 3, rows + r + 1, (count - r - 1) * sizeof *rows);
            spotopt_history *after = history_of_rows(more, count + 2, 1);
            take_features(after, &is);
            for (size_t i = 0; i < was.count; i++) {
                for (uint32_t f = 0; f < spotopt__feature_count; f++) {
                    double moved = is.values[f * is.count + i] - was.values[f * was.count + i];

                    /* At the moments of the dip itself a pool that is down has no age. */
                    if (was.time_s[i] >= more[r + 1].time_s && was.time_s[i] < more[r + 2].time_s)
                        continue;
                    CU_ASSERT_TRUE(moved * spotopt__features[f].sign >= -1e-12);
                    if (spotopt__features[f].sign == 0)
                        CU_ASSERT_DOUBLE_EQUAL(moved, 0.0, 1e-12);
                }
                CU_ASSERT_TRUE(is.sums[i] >= was.sums[i] - 1e-12);
                CU_ASSERT_TRUE(is.sums[is.count + i] <= was.sums[was.count + i] + 1e-12);
                cases++;
            }
            spotopt_history_free(after);
        }
        free_moments(&was);
        free_moments(&is);
        spotopt_history_free(before);
        free(rows);
    }
    CU_ASSERT_TRUE(cases > 20000);
}

static void
test_features__take_vendor_signals_from_the_catalog(void)
{
    static const char catalog_text[] = "region,zone,instance_type,vcpu,memory_mib,on_demand_usd_"
                                       "per_hour,spot_usd_per_hour,interruption_bucket\n"
                                       "r0,r0a,m5.large,2,8192,0.3,0.2,4\n";
    const history_row rows[] = {{0, 0.0, 1.0}, {0, 100.0, 0.0}, {1, 0.0, 1.0}, {1, 100.0, 0.0}};
    spotopt_history *h = history_of_rows(rows, 4, 2);
    spotopt_catalog *catalog = NULL;
    uint32_t series[2] = {0, 1};
    double time_s[2] = {50.0, 50.0}, x[64 * 2];

    CU_ASSERT_EQUAL_FATAL(
        spotopt_catalog_parse(NULL, catalog_text, strlen(catalog_text), "c", NULL, &catalog, NULL),
        SPOTOPT_OK);
    CU_ASSERT_TRUE(spotopt__features_at(NULL, h, catalog, series, time_s, 2, TAU_H, x, NULL));
    /* p0 is found by type and zone; of p1's zone the catalog knows nothing. */
    CU_ASSERT_TRUE(x[2 * spotopt__feature_find("advisor_rate_log")] > 0.5);
    CU_ASSERT_DOUBLE_EQUAL(x[2 * spotopt__feature_find("price_share_log")], log(2.0), 1e-12);
    CU_ASSERT_EQUAL(x[2 * spotopt__feature_find("placement_score")], 0.0);
    CU_ASSERT_EQUAL(x[2 * spotopt__feature_find("advisor_rate_log") + 1], 0.0);
    CU_ASSERT_EQUAL(x[2 * spotopt__feature_find("price_share_log") + 1], 0.0);
    spotopt_catalog_free(catalog);
    spotopt_history_free(h);
}

static void
test_features__names_are_found_and_strangers_are_not(void)
{
    for (uint32_t f = 0; f < spotopt__feature_count; f++)
        CU_ASSERT_EQUAL(spotopt__feature_find(spotopt__features[f].name), f);
    CU_ASSERT_EQUAL(spotopt__feature_find("hours_since_drop"), SPOTOPT__NONE);
}

int
main(void)
{
    static const suite_test tests[] = {
        TEST(test_features__equal_their_definitions_on_random_histories),
        TEST(test_features__do_not_look_ahead),
        TEST(test_features__one_more_drop_moves_none_against_its_sign),
        TEST(test_features__take_vendor_signals_from_the_catalog),
        TEST(test_features__names_are_found_and_strangers_are_not),
    };

    return suite_run("features", tests, sizeof tests / sizeof *tests);
}
