/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/base.h"
#include "data.h"
#include "fail_alloc.h"
#include "spotopt/lifetime.h"
#include "suite.h"

#define MAX 4000

typedef struct nodes {
    double age[MAX], start[MAX];
    uint32_t reclaimed[MAX], group[MAX], block[MAX];
    spotopt_lifetime_params params;
} nodes;

static spotopt_error err;
static nodes n;

static void
begin(void)
{
    memset(&n, 0, sizeof n);
    n.params = (spotopt_lifetime_params)SPOTOPT_LIFETIME_PARAMS_INIT;
    n.params.age_h = n.age;
    n.params.reclaimed = n.reclaimed;
}

static void
add(double age, bool is_reclaimed)
{
    n.age[n.params.count] = age;
    n.reclaimed[n.params.count++] = is_reclaimed;
}

static spotopt_lifetime *
fit(void)
{
    spotopt_lifetime *made = NULL;

    CU_ASSERT_EQUAL_FATAL(spotopt_lifetime_fit(NULL, &n.params, &made, &err), SPOTOPT_OK);
    return made;
}

typedef struct range {
    double p, low, high;
} range;

static range
ask(const spotopt_lifetime *l, double age, double horizon, const uint32_t *group)
{
    range out;

    CU_ASSERT_EQUAL(
        spotopt_lifetime_columns(l, &age, group, 1, horizon, &out.p, &out.low, &out.high, &err),
        SPOTOPT_OK);
    return out;
}

static double
exponential(spotopt__rng *rng)
{
    return -log(1.0 - spotopt__rng_unit(rng));
}

/* Hazards that were never fitted to: cumulated to age t, and the age at which that is x. */
static double
cumulated(int kind, double t)
{
    return kind == 0   ? 0.1 * t                                          /* constant */
           : kind == 1 ? 0.35 * sqrt(t)                                   /* ever safer */
           : kind == 2 ? 0.01 * pow(t, 1.8)                               /* wears out */
                       : 0.3 * (1.0 - exp(-t)) + 0.02 * t + 2e-4 * t * t; /* a bathtub */
}

static double
age_at(int kind, double x)
{
    double low = 0.0, high = 1e6;

    for (int i = 0; i < 100; i++) {
        double middle = 0.5 * (low + high);
        *(cumulated(kind, middle) < x ? &low : &high) = middle;
    }
    return high;
}

static double
truth(int kind, double age, double horizon, double level)
{
    return -expm1(-level * (cumulated(kind, age + horizon) - cumulated(kind, age)));
}

static void
test_lifetime__recovers_hazards_that_made_the_data(void)
{
    static const double ages[] = {0, 0.5, 2, 8, 16}, horizons[] = {1, 4};
    spotopt__rng rng;

    spotopt__rng_seed(&rng, 2);
    for (int kind = 0; kind < 4; kind++) {
        begin();
        for (int i = 0; i < MAX; i++) {
            double life = age_at(kind, exponential(&rng)), stop = 30.0 * spotopt__rng_unit(&rng);
            add(fmin(life, stop), life < stop);
        }
        spotopt_lifetime *l = fit();
        for (int a = 0; a < 5; a++) {
            for (int h = 0; h < 2; h++) {
                range is = ask(l, ages[a], horizons[h], NULL);
                double want = truth(kind, ages[a], horizons[h], 1.0);
                CU_ASSERT_DOUBLE_EQUAL(is.p, want, 0.02 + 0.18 * want);
                CU_ASSERT(is.low <= is.p && is.p <= is.high);
            }
        }
        spotopt_lifetime_free(l);
    }
}

static void
test_lifetime__agrees_with_events_over_hours_where_there_are_many(void)
{
    spotopt__rng rng;
    double events = 0, hours = 0;

    spotopt__rng_seed(&rng, 3);
    begin();
    for (int i = 0; i < MAX; i++) {
        double life = 10.0 * exponential(&rng), start = 5.0 * spotopt__rng_unit(&rng),
               stop = start + 20.0 * spotopt__rng_unit(&rng);
        if (life < start) { /* never seen: it was watched from start on */
            i--;
            continue;
        }
        n.start[n.params.count] = start;
        add(fmin(life, stop), life < stop);
        events += life < stop;
        hours += fmin(life, stop) - start;
    }
    n.params.start_age_h = n.start;
    spotopt_lifetime *l = fit();
    for (double age = 1.0; age < 16.0;
         age += 3.0) /* late entries counted from birth would say half */
        CU_ASSERT_DOUBLE_EQUAL(ask(l, age, 2, NULL).p, -expm1(-2 * events / hours), 0.03);
    spotopt_lifetime_free(l);
}

static void
test_lifetime__censored_nodes_never_raise_the_risk(void)
{
    spotopt__rng rng;

    spotopt__rng_seed(&rng, 4);
    begin();
    for (int i = 0; i < 300; i++)
        add(age_at(1, exponential(&rng)), true);
    spotopt_lifetime *before = fit();
    for (int i = 0; i < 300; i++)
        add(20.0 * spotopt__rng_unit(&rng), false);
    spotopt_lifetime *after = fit();
    for (double age = 0.1; age < 10.0; age *= 2)
        CU_ASSERT(ask(after, age, 1, NULL).p < ask(before, age, 1, NULL).p);
    spotopt_lifetime_free(before);
    spotopt_lifetime_free(after);
}

static void
test_lifetime__forecasts_never_fall_with_the_horizon_and_compose(void)
{
    spotopt__rng rng;

    spotopt__rng_seed(&rng, 5);
    begin();
    for (int i = 0; i < 200; i++)
        add(age_at(3, exponential(&rng)), spotopt__rng_below(&rng, 3) > 0);
    spotopt_lifetime *l = fit();
    for (double age = 0.0; age < 100.0; age += 7.3) {
        double last = 0.0;
        for (double h = 0.01; h < 1e4; h *= 3.0) {
            range is = ask(l, age, h, NULL);
            CU_ASSERT(is.p >= last - 1e-15 && is.low <= is.p && is.p <= is.high && is.high <= 1.0 &&
                      is.low >= 0.0);
            last = is.p;
        }
    }
    spotopt_lifetime_free(l);
}

static void
test_lifetime__sparse_groups_lean_on_the_rest_and_rich_ones_do_not(void)
{
    enum { GROUPS = 40 };
    double level[GROUPS], shrunk = 0, alone = 0, pooled = 0;
    spotopt__rng rng;

    spotopt__rng_seed(&rng, 6);
    begin();
    for (uint32_t g = 0; g < GROUPS; g++) {
        uint32_t members = g % 4 == 0 ? 200 : 6;
        double events = 0, hours = 0;
        level[g] = exp(
            0.8 *
            (spotopt__rng_unit(&rng) + spotopt__rng_unit(&rng) + spotopt__rng_unit(&rng) - 1.5) *
            2);
        for (uint32_t i = 0; i < members; i++) {
            double life = age_at(1, exponential(&rng) / level[g]),
                   stop = 24.0 * spotopt__rng_unit(&rng);
            n.group[n.params.count] = 100 + g;
            add(fmin(life, stop), life < stop);
            events += life < stop;
            hours += cumulated(1, fmin(life, stop));
        }
        alone += pow(log((events + 0.1) / (hours + 0.1)) - log(level[g]), 2);
        pooled += pow(log(level[g]), 2);
    }
    n.params.group = n.group;
    spotopt_lifetime *l = fit();
    for (uint32_t g = 0; g < GROUPS; g++) {
        uint32_t name = 100 + g;
        double p = ask(l, 1.0, 4.0, &name).p;
        shrunk += pow(log(-log1p(-p) / (cumulated(1, 5) - cumulated(1, 1))) - log(level[g]), 2);
    }
    printf(" (squared error: %.1f shrunk, %.1f alone, %.1f pooled) ", shrunk, alone, pooled);
    CU_ASSERT(shrunk < alone && shrunk < pooled);
    uint32_t stranger = 7;
    range unseen = ask(l, 1.0, 4.0, &stranger);
    CU_ASSERT_DOUBLE_EQUAL(unseen.p, ask(l, 1.0, 4.0, NULL).p, 1e-15);
    uint32_t rich = 100;
    CU_ASSERT(unseen.high - unseen.low >
              ask(l, 1.0, 4.0, &rich).high - ask(l, 1.0, 4.0, &rich).low);
    spotopt_lifetime_free(l);
}

/* Share of simulated data sets whose interval holds the truth; together: nodes of a block share a
 * level. */
static double
coverage(int kind, int count, bool is_together, bool is_told, uint64_t seed)
{
    static const double ages[] = {0, 0.3, 1, 3, 8}, horizons[] = {1, 4};
    int held = 0, all = 0;
    spotopt__rng rng;

    spotopt__rng_seed(&rng, seed);
    for (int run = 0; run < 150; run++) {
        begin();
        for (int i = 0; i < count; i++) {
            static double frail;
            if (i % 8 == 0) /* of mean 1, deviation 1 */
                frail = is_together ? exponential(&rng) : 1.0;
            double life = age_at(kind, exponential(&rng) / frail),
                   stop = 4.0 * spotopt__rng_unit(&rng) * (1 + 4 * spotopt__rng_unit(&rng));
            n.block[i] = (uint32_t)(i / 8);
            add(fmin(life, stop), life < stop);
        }
        n.params.block = is_told ? n.block : NULL;
        spotopt_lifetime *l = fit();
        for (int a = 0; a < 5; a++) {
            for (int h = 0; h < 2; h++) {
                range is = ask(l, ages[a], horizons[h], NULL);
                double want = truth(kind, ages[a], horizons[h], 1.0);
                held += is.low <= want && want <= is.high;
                all++;
            }
        }
        spotopt_lifetime_free(l);
    }
    return held / (double)all;
}

static void
test_lifetime__intervals_hold_the_truth_in_nineteen_of_twenty(void)
{
    for (int kind = 0; kind < 4; kind++) {
        double few = coverage(kind, 150, false, false, 40 + kind),
               many = coverage(kind, 900, false, false, 50 + kind);
        printf(" %.3f %.3f", few, many);
        CU_ASSERT(few >= 0.90 && few <= 0.985);
        CU_ASSERT(many >= 0.90 && many <= 0.985);
    }
}

/* A shared level makes events come together. That also makes old nodes safer (the frail are gone),
 * so only ages near 0 are compared with a truth known in closed form: E exp(-x c) = 1 / (1 + c) for
 * exponential levels. */
static void
test_lifetime__blocks_widen_intervals_of_nodes_that_fall_together(void)
{
    int held[2] = {0, 0}, runs = 200;
    spotopt__rng rng;

    spotopt__rng_seed(&rng, 60);
    for (int run = 0; run < runs; run++) {
        begin();
        double frail = 1.0;
        for (int i = 0; i < 800; i++) {
            if (i % 16 == 0)
                frail = exponential(&rng);
            double life = age_at(1, exponential(&rng) / frail);
            n.block[i] = (uint32_t)(i / 16);
            add(fmin(life, 1.5), life < 1.5);
        }
        double want = 1.0 - 1.0 / (1.0 + cumulated(1, 1.0));
        for (int told = 0; told < 2; told++) {
            n.params.block = told == 1 ? n.block : NULL;
            spotopt_lifetime *l = fit();
            range is = ask(l, 0.0, 1.0, NULL);
            held[told] += is.low <= want && want <= is.high;
            spotopt_lifetime_free(l);
        }
    }
    printf(" (%.3f, unaware of blocks %.3f) ", held[1] / (double)runs, held[0] / (double)runs);
    CU_ASSERT(held[1] >= 0.90 * runs && held[1] <= 0.985 * runs);
    CU_ASSERT(held[0] < 0.85 * runs);
}

static void
test_lifetime__nothing_seen_is_a_wide_guess_and_bad_values_are_named(void)
{
    begin();
    spotopt_lifetime *l = fit();
    range is = ask(l, 1.0, 1.0, NULL);
    CU_ASSERT(is.high - is.low > 0.5);
    spotopt_lifetime_free(l);
    for (int i = 0; i < 50; i++)
        add(24.0, false);
    l = fit();
    CU_ASSERT(ask(l, 1.0, 1.0, NULL).p < 0.02);
    double age = -1.0, p;
    CU_ASSERT_EQUAL(spotopt_lifetime_columns(l, &age, NULL, 1, 1.0, &p, NULL, NULL, &err),
                    SPOTOPT_E_ARGUMENT);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.message, "age_h[0]"));
    age = 1.0;
    CU_ASSERT_EQUAL(spotopt_lifetime_columns(l, &age, NULL, 1, 0.0, &p, NULL, NULL, &err),
                    SPOTOPT_E_ARGUMENT);
    spotopt_lifetime_free(l);
    l = NULL;
    n.age[3] = NAN;
    CU_ASSERT_EQUAL(spotopt_lifetime_fit(NULL, &n.params, &l, &err), SPOTOPT_E_ARGUMENT);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.message, "age_h[3]"));
    n.age[3] = 1.0;
    n.reclaimed[4] = 2;
    CU_ASSERT_EQUAL(spotopt_lifetime_fit(NULL, &n.params, &l, &err), SPOTOPT_E_ARGUMENT);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.message, "reclaimed[4]"));
    n.reclaimed[4] = 0;
    n.start[5] = 25.0;
    n.params.start_age_h = n.start;
    CU_ASSERT_EQUAL(spotopt_lifetime_fit(NULL, &n.params, &l, &err), SPOTOPT_E_ARGUMENT);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.message, "start_age_h[5]"));
    CU_ASSERT_PTR_NULL(l);
}

static void
test_lifetime__survives_every_failing_allocation(void)
{
    fail_alloc allocator = FAIL_ALLOC_INIT;
    spotopt_status status;
    size_t turn = 0;

    begin();
    for (int i = 0; i < 30; i++) {
        n.group[i] = i % 3;
        n.block[i] = i / 2;
        add(1.0 + i, i % 2 == 0);
    }
    n.params.group = n.group;
    n.params.block = n.block;
    do {
        spotopt_lifetime *l = NULL;

        fail_after(&allocator, turn++);
        spotopt_context *context = fail_alloc_context(&allocator);
        status =
            context == NULL ? SPOTOPT_E_NOMEM : spotopt_lifetime_fit(context, &n.params, &l, NULL);
        spotopt_lifetime_free(l);
        spotopt_context_free(context);
        CU_ASSERT_EQUAL(allocator.live, 0);
    } while (status == SPOTOPT_E_NOMEM && turn < 1000);
    CU_ASSERT_EQUAL(status, SPOTOPT_OK);
    CU_ASSERT(turn > 5);
}

/* ---- real lifetimes ---- */

typedef struct vm {
    char start[32];
    double life_h;
    uint32_t type;
    bool is_reclaimed;
} vm;

static int
by_start(const void *a, const void *b)
{
    return strcmp(((const vm *)a)->start, ((const vm *)b)->start);
}

/* Rows of the table; `stopped` and those that met the 24 h cap are censored. */
static size_t
read_vms(vm *out)
{
    size_t length = 0, count = 0;
    char *text = data_read("traces/vm_lifetimes_gcp_2019.csv", &length), *line, *end;
    char types[32][32];
    uint32_t type_count = 0;

    if (text == NULL)
        return 0;
    text[length - 1] = '\0';
    for (line = strchr(text, '\n') + 1; line != NULL && *line != '\0' && count < MAX;
         line = end == NULL ? NULL : end + 1) {
        char *field[10], *at = line;
        end = strchr(line, '\n');
        if (end != NULL)
            *end = '\0';
        for (int i = 0; i < 10; i++) {
            field[i] = at;
            at = strchr(at, ',');
            if (at != NULL)
                *at++ = '\0';
            else
                at = strchr(field[i], '\0');
        }
        snprintf(out[count].start, sizeof out[count].start, "%s", field[4]);
        out[count].life_h = atof(field[5]) / 3600.0;
        out[count].is_reclaimed = strcmp(field[6], "preempted") == 0 && strcmp(field[7], "0") == 0;
        uint32_t t = 0;
        while (t < type_count && strcmp(types[t], field[1]) != 0)
            t++;
        if (t == type_count)
            snprintf(types[type_count++], sizeof types[0], "%s", field[1]);
        out[count++].type = t;
    }
    free(text);
    return count;
}

/* Product-limit chance not to be censored until just before t, of the tested nodes. */
static double
uncensored(const vm *vms, size_t count, double t)
{
    double g = 1.0;

    for (size_t i = 0; i < count; i++) {
        size_t at_risk = 0;
        if (vms[i].is_reclaimed || vms[i].life_h >= t)
            continue;
        for (size_t k = 0; k < count; k++)
            at_risk += vms[k].life_h >= vms[i].life_h;
        g *= 1.0 - 1.0 / (double)at_risk;
    }
    return g;
}

/*
 * Trained on the first 70 % by launch, asked about the others at birth and every quarter of an hour
 * while they live. What is reclaimed within H counts 1, what lives on counts 0, what is censored
 * within H is unknown; so that this does not favour events, each is weighed by one over its chance
 * of not having been censored (Graf and others 1999).
 */
static void
test_lifetime__age_beats_a_constant_hazard_on_real_nodes(void)
{
    static vm vms[MAX];
    size_t count = read_vms(vms), train = count * 7 / 10;
    static const double horizons[] = {1.0, 4.0};
    double events = 0, hours = 0;

    if (count == 0)
        return;
    CU_ASSERT_EQUAL(count, 852);
    qsort(vms, count, sizeof *vms, by_start);
    begin();
    for (size_t i = 0; i < train; i++) {
        n.group[i] = vms[i].type;
        add(vms[i].life_h, vms[i].is_reclaimed);
        events += vms[i].is_reclaimed;
        hours += vms[i].life_h;
    }
    spotopt_lifetime *l = fit();
    n.params.group = n.group;
    spotopt_lifetime *by_type = fit();
    for (int h = 0; h < 2; h++) {
        double flat = 0, aged = 0, typed = 0, weights = 0,
               constant = -expm1(-horizons[h] * events / hours), known = 0, skill;
        size_t rows = 0;
        for (size_t i = train; i < count; i++) {
            for (double t = 0.0; t < vms[i].life_h; t += 0.25) {
                bool falls = vms[i].is_reclaimed && vms[i].life_h <= t + horizons[h];
                if (!falls && vms[i].life_h < t + horizons[h])
                    continue;
                double until = falls ? vms[i].life_h : t + horizons[h];
                double weight = uncensored(vms + train, count - train, t) /
                                uncensored(vms + train, count - train, until);
                double p = ask(l, t, horizons[h], NULL).p,
                       q = ask(by_type, t, horizons[h], &vms[i].type).p;
                flat += weight * pow(constant - falls, 2);
                aged += weight * pow(p - falls, 2);
                typed += weight * pow(q - falls, 2);
                weights += weight;
                known += weight * falls;
                rows++;
            }
        }
        skill = 1.0 - aged / flat;
        printf("\n    %g h: %zu moments, base rate %.3f; Brier constant %.4f, by age %.4f (skill "
               "%.3f), by age and type %.4f (%.3f)",
               horizons[h], rows, known / weights, flat / weights, aged / weights, skill,
               typed / weights, 1.0 - typed / flat);
        CU_ASSERT(skill > 0.0);
    }
    printf("\n ");
    spotopt_lifetime_free(l);
    spotopt_lifetime_free(by_type);
}

int
main(void)
{
    static const suite_test tests[] = {
        TEST(test_lifetime__recovers_hazards_that_made_the_data),
        TEST(test_lifetime__agrees_with_events_over_hours_where_there_are_many),
        TEST(test_lifetime__censored_nodes_never_raise_the_risk),
        TEST(test_lifetime__forecasts_never_fall_with_the_horizon_and_compose),
        TEST(test_lifetime__sparse_groups_lean_on_the_rest_and_rich_ones_do_not),
        TEST(test_lifetime__intervals_hold_the_truth_in_nineteen_of_twenty),
        TEST(test_lifetime__blocks_widen_intervals_of_nodes_that_fall_together),
        TEST(test_lifetime__nothing_seen_is_a_wide_guess_and_bad_values_are_named),
        TEST(test_lifetime__survives_every_failing_allocation),
        TEST(test_lifetime__age_beats_a_constant_hazard_on_real_nodes),
    };

    return suite_run("lifetime", tests, sizeof tests / sizeof *tests);
}
