/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>

#include "fail_alloc.h"
#include "risk/pooling.h"
#include "suite.h"

static double
normal_draw(spotopt__rng *rng)
{
    return sqrt(-2.0 * log(1.0 - spotopt__rng_unit(rng))) *
           cos(6.283185307179586 * spotopt__rng_unit(rng));
}

/* Mean 1; Marsaglia and Tsang, below shape 1 with the power of a uniform. */
static double
gamma_draw(spotopt__rng *rng, double a)
{
    double boost = a < 1.0 ? pow(1.0 - spotopt__rng_unit(rng), 1.0 / a) : 1.0,
           d = (a < 1.0 ? a + 1.0 : a) - 1.0 / 3.0;

    for (;;) {
        double x = normal_draw(rng), v = pow(1.0 + x / sqrt(9.0 * d), 3.0);
        if (v > 0.0 && log(1.0 - spotopt__rng_unit(rng)) < 0.5 * x * x + d - d * v + d * log(v))
            return boost * d * v / a;
    }
}

static double
poisson_draw(spotopt__rng *rng, double mean)
{
    double product = 1.0, k = -1.0;

    if (mean > 500.0)
        return poisson_draw(rng, 500.0) + poisson_draw(rng, mean - 500.0);
    for (double limit = exp(-mean); product > limit; k++)
        product *= 1.0 - spotopt__rng_unit(rng);
    return fmax(k, 0.0);
}

/* ---- the negative binomial against another optimiser ---- */

/* ln of the chance of k whole events, by its sum of logarithms: nothing is shared with the fit. */
static double
log_chance(double k, double mean, double alpha)
{
    double p = alpha / (alpha + mean), out = alpha * log(p);

    for (double j = 0; j < k; j++)
        out += log((alpha + j) / (j + 1.0) * (1.0 - p));
    return out;
}

static double
log_posterior(const spotopt__cell *cells, size_t count, double mean, double ln_alpha,
              double towards, double sd)
{
    double sum = -0.5 * pow((ln_alpha - log(towards)) / sd, 2);

    for (size_t i = 0; i < count; i++)
        sum += cells[i].weight * log_chance(cells[i].events, mean * cells[i].hours, exp(ln_alpha));
    return sum;
}

static void
test_alpha__equals_an_independent_optimum(void)
{
    static spotopt__cell cells[300];
    spotopt__rng rng;

    spotopt__rng_seed(&rng, 1);
    for (int round = 0; round < 20; round++) {
        double alpha = 0.1 * pow(40.0, spotopt__rng_unit(&rng)),
               mean = 0.01 * pow(20.0, spotopt__rng_unit(&rng));
        for (int i = 0; i < 300; i++) {
            double hours = 24.0 * (1 + (double)spotopt__rng_below(&rng, 5));
            cells[i] = (spotopt__cell){poisson_draw(&rng, hours * mean * gamma_draw(&rng, alpha)),
                                       hours, 1.0 + (double)spotopt__rng_below(&rng, 2)};
        }
        double fit = log(spotopt__alpha_fit(cells, 300, mean, 0.5, 1.5, 20.0));
        /* Newton on numerical slopes, from another start. */
        double x = log(0.5), h = 1e-3;
        for (int i = 0; i < 100; i++) {
            double f0 = log_posterior(cells, 300, mean, x - h, 0.5, 1.5),
                   f1 = log_posterior(cells, 300, mean, x, 0.5, 1.5),
                   f2 = log_posterior(cells, 300, mean, x + h, 0.5, 1.5);
            double slope = (f2 - f0) / (2 * h), curve = (f2 - 2 * f1 + f0) / (h * h);
            double step = curve < 0 ? -slope / curve : 0.1 * (slope > 0 ? 1 : -1);
            x += fmax(-0.5, fmin(0.5, step));
        }
        CU_ASSERT_DOUBLE_EQUAL(fit, fmin(fmax(x, log(0.02)), log(20.0)), 2e-4);
        CU_ASSERT(log_posterior(cells, 300, mean, fit, 0.5, 1.5) >=
                  log_posterior(cells, 300, mean, x, 0.5, 1.5) - 1e-6);
    }
}

/* ---- siblings ---- */

enum { GROUPS = 12, TYPES = 5, POOLS = 4, NODES = 1 + GROUPS * (1 + TYPES * (1 + POOLS)) };

typedef struct world {
    spotopt__pooled nodes[NODES];
    double truth[NODES];
    size_t count;
} world;

static uint32_t
grow(world *w, uint32_t parent, double shape, spotopt__rng *rng)
{
    uint32_t at = (uint32_t)w->count++;

    w->truth[at] = w->truth[parent] * (shape > 0 ? gamma_draw(rng, shape) : 1.0);
    w->nodes[at] = (spotopt__pooled){.parent = parent, .depth = w->nodes[parent].depth + 1};
    return at;
}

/* Families in regions, types in them, pools of those: rates around their parent's with the given
 * shapes (0: alike). */
static void
simulate(world *w, const double shapes[3], double hours, spotopt__rng *rng)
{
    w->count = 1;
    w->truth[0] = 0.02;
    w->nodes[0] = (spotopt__pooled){.parent = SPOTOPT__NONE};
    for (int g = 0; g < GROUPS; g++) {
        uint32_t group = grow(w, 0, shapes[0], rng);
        for (int t = 0; t < TYPES; t++) {
            uint32_t type = grow(w, group, shapes[1], rng);
            for (int p = 0; p < POOLS; p++) {
                uint32_t pool = grow(w, type, shapes[2], rng);
                w->nodes[pool].hours = hours * pow(30.0, spotopt__rng_unit(rng) - 0.5);
                w->nodes[pool].events = poisson_draw(rng, w->nodes[pool].hours * w->truth[pool]);
            }
        }
    }
}

/* Relative squared error of pools' rates: shrunk, each alone, all as one. */
static void
errors(world *w, double out[3], double c[SPOTOPT__POOLED_DEPTHS])
{
    double events = 0, hours = 0;

    for (size_t i = 0; i < w->count; i++) {
        events += w->nodes[i].events;
        hours += w->nodes[i].hours;
    }
    for (size_t i = 0; i < w->count; i++)
        if (w->nodes[i].depth == 3)
            out[1] += pow(w->nodes[i].events / w->nodes[i].hours / w->truth[0] -
                              w->truth[i] / w->truth[0],
                          2);
    CU_ASSERT_FATAL(spotopt__pool_rates(NULL, w->nodes, w->count, 0.001, 0.25, 1.0, c));
    for (size_t i = 0; i < w->count; i++) {
        if (w->nodes[i].depth != 3)
            continue;
        out[0] += pow((w->nodes[i].mean - w->truth[i]) / w->truth[0], 2);
        out[2] += pow((events / hours - w->truth[i]) / w->truth[0], 2);
    }
}

static void
test_pooling__beats_no_pooling_and_full_pooling(void)
{
    static const double shapes[][3] = {{2, 3, 4}, {1, 8, 0}, {0, 2, 2}, {3, 0, 1}, {1.5, 1.5, 1.5}};
    static world w;
    spotopt__rng rng;

    spotopt__rng_seed(&rng, 3);
    for (int i = 0; i < 5; i++) {
        for (double hours = 20; hours < 2500; hours *= 5) {
            double sums[3] = {0}, c[SPOTOPT__POOLED_DEPTHS] = {0};
            for (int run = 0; run < 20; run++) {
                simulate(&w, shapes[i], hours, &rng);
                errors(&w, sums, c);
            }
            CU_ASSERT(sums[0] < sums[1]);
            CU_ASSERT(sums[0] < sums[2]);
            if (hours == 100)
                printf(" (%.0f shrunk, %.0f alone, %.0f pooled)", sums[0], sums[1], sums[2]);
        }
    }
}

static void
test_pooling__learns_at_which_level_things_differ(void)
{
    static const double types_differ[3] = {0, 1, 0}, pools_differ[3] = {0, 0, 1};
    static world w;
    double c[SPOTOPT__POOLED_DEPTHS] = {0}, unused[3];
    spotopt__rng rng;

    spotopt__rng_seed(&rng, 4);
    simulate(&w, types_differ, 2000, &rng);
    errors(&w, unused, c);
    CU_ASSERT(c[2] < 3 && c[3] > 10 * c[2]);
    simulate(&w, pools_differ, 2000, &rng);
    errors(&w, unused, c);
    CU_ASSERT(c[3] < 3 && c[1] > 5 * c[3]);
}

static void
test_pooling__leans_on_the_parent_when_sparse_and_on_itself_when_rich(void)
{
    spotopt__pooled nodes[] = {{.parent = SPOTOPT__NONE},
                               {.parent = 0, .depth = 1, .events = 0, .hours = 1},
                               {.parent = 0, .depth = 1, .events = 5000, .hours = 1e5},
                               {.parent = 0, .depth = 1}};
    double c[SPOTOPT__POOLED_DEPTHS];

    CU_ASSERT(spotopt__pool_rates(NULL, nodes, 4, 0.01, 0.25, 1.0, c));
    CU_ASSERT_DOUBLE_EQUAL(nodes[1].mean, nodes[0].mean, 0.05 * nodes[0].mean);
    CU_ASSERT_DOUBLE_EQUAL(nodes[2].mean, 0.05, 0.001);
    CU_ASSERT_DOUBLE_EQUAL(nodes[3].mean, nodes[0].mean, 1e-12); /* nothing seen: its parent */
    /* Between its own ratio and its parent's, more towards its own the more was seen. */
    double last = 0.0;
    for (double hours = 1; hours < 1e6; hours *= 4) {
        spotopt__pooled pair[] = {{.parent = SPOTOPT__NONE},
                                  {.parent = 0, .depth = 1, .events = 2000, .hours = 2e5},
                                  {.parent = 0, .depth = 1, .events = 0.1 * hours, .hours = hours}};
        CU_ASSERT(spotopt__pool_rates(NULL, pair, 3, 0.01, 0.25, 1.0, c));
        CU_ASSERT(pair[2].mean >= fmin(pair[0].mean, 0.1) && pair[2].mean <= 0.1 + 1e-12);
        CU_ASSERT(pair[2].mean >= 0.9 * last);
        last = pair[2].mean;
    }
    CU_ASSERT_DOUBLE_EQUAL(last, 0.1, 1e-3);
}

static void
test_pooling__knows_a_mean_the_better_the_more_was_seen(void)
{
    double last = INFINITY;

    for (double hours = 1; hours < 1e6; hours *= 4) {
        spotopt__pooled nodes[] = {{.parent = SPOTOPT__NONE},
                                   {.parent = 0, .depth = 1, .events = 2000, .hours = 2e5},
                                   {.parent = 0, .depth = 1, .events = 0.1 * hours, .hours = hours},
                                   {.parent = 0, .depth = 1}};
        double c[SPOTOPT__POOLED_DEPTHS];

        CU_ASSERT(spotopt__pool_rates(NULL, nodes, 4, 0.01, 0.25, 1.0, c));
        CU_ASSERT(nodes[2].spread < nodes[3].spread);
        CU_ASSERT(nodes[2].spread >= 1.0 / (c[1] + nodes[2].events) - 1e-15);
        /* Nothing seen of it: its siblings' variety, and what is not known of their mean. */
        CU_ASSERT_DOUBLE_EQUAL(nodes[3].spread, 1.0 / c[1] + nodes[0].spread, 1e-12);
        last = nodes[2].spread;
    }
    CU_ASSERT(last < 1e-4);
}

/* Days with gamma distributed rates of a whole shape around their pool's mean. */
static void
test_days__shape_is_found_whatever_the_pools_means(void)
{
    spotopt__rng rng;

    spotopt__rng_seed(&rng, 11);
    for (int shape = 1; shape <= 4; shape++) {
        spotopt__day_sums sums = {0.0, 0.0, 0.0};

        for (int pool = 0; pool < 60; pool++) {
            const double rate = 0.02 + 0.4 * spotopt__rng_unit(&rng);
            spotopt__cell cells[200];
            double events = 0.0, hours = 0.0;

            for (int i = 0; i < 200; i++) {
                double now = 0.0, left = 0.0, lost = -1.0;

                for (int k = 0; k < shape; k++)
                    now -= log(1.0 - spotopt__rng_unit(&rng)) / shape;
                for (; left < 24.0; lost += 1.0)
                    left -= log(1.0 - spotopt__rng_unit(&rng)) / (rate * now);
                cells[i] = (spotopt__cell){lost, 24.0, 1.0};
                events += lost;
                hours += 24.0;
            }
            spotopt__day_sums_add(&sums, cells, 200, events, hours);
        }
        CU_ASSERT_DOUBLE_EQUAL(spotopt__days_shape(&sums, 1.0), shape, 0.15 * shape);
    }
    const spotopt__day_sums none = {0.0, 0.0, 0.0}, calm = {-1e6, 1e6, 1e6};
    CU_ASSERT_DOUBLE_EQUAL(spotopt__days_shape(&none, 0.7), 0.7, 1e-12);
    CU_ASSERT_EQUAL(spotopt__days_shape(&calm, 0.7), SPOTOPT__DAYS_SHAPE_MAX);
}

static void
test_sure__is_never_less_than_the_belief_and_grows_with_what_is_known(void)
{
    spotopt__rng rng;

    spotopt__rng_seed(&rng, 12);
    for (int run = 0; run < 2000; run++) {
        const double mean = exp(-12.0 + 14.0 * spotopt__rng_unit(&rng)),
                     alpha = exp(-5.0 + 7.0 * spotopt__rng_unit(&rng)),
                     hours = 6.0 * spotopt__rng_unit(&rng),
                     events = floor(4.0 * spotopt__rng_unit(&rng));
        const spotopt__belief belief = {alpha + events, alpha / mean + hours};
        const double known[] = {0.02, 0.5, 4.0, 30.0, 2000.0};
        double last[2] = {0.0, 0.0};

        for (int k = 0; k < 5; k++) {
            spotopt__sureness of = {alpha / mean, mean, 0.1, known[k], hours, hours, 1.0};
            double shape[2] = {spotopt__sure_shape(&belief, &of), 0.0};

            of.days_shape = 5.0;
            of.spread = 1.0 / known[k];
            shape[1] = spotopt__sure_shape(&belief, &of);
            for (int j = 0; j < 2; j++) {
                CU_ASSERT(isfinite(shape[j]) && shape[j] >= belief.a && shape[j] >= last[j]);
                last[j] = shape[j];
            }
        }
        spotopt__sureness nothing = {alpha / mean, mean, INFINITY, 1.0, hours, hours, 1.0};
        CU_ASSERT_EQUAL(spotopt__sure_shape(&belief, &nothing), belief.a);
    }
}

static void
test_pooling__events_that_come_together_weigh_less(void)
{
    spotopt__cell cells[] = {{0, 24, 9}, {10, 24, 1}};
    spotopt__prior even = {20.0, 10.0 / 240}, rough = {0.1, 10.0 / 240};
    spotopt__pooled a[] = {{.parent = SPOTOPT__NONE},
                           {.parent = 0, .depth = 1, .events = 9, .hours = 100},
                           {.parent = 0, .depth = 1, .events = 1, .hours = 100}},
                    b[3];
    double c[SPOTOPT__POOLED_DEPTHS];

    CU_ASSERT_DOUBLE_EQUAL(spotopt__dispersion(cells, 2, &rough), 1.0 + 24 * rough.mean / 0.1,
                           1e-12);
    CU_ASSERT(spotopt__dispersion(cells, 2, &even) < 1.1);
    CU_ASSERT_EQUAL(spotopt__dispersion(cells, 0, &even), 1.0);
    memcpy(b, a, sizeof a);
    CU_ASSERT(spotopt__pool_rates(NULL, a, 3, 0.05, 0.25, 1.0, c));
    CU_ASSERT(spotopt__pool_rates(NULL, b, 3, 0.05, 0.25, 5.0, c));
    CU_ASSERT(b[1].mean < a[1].mean && b[2].mean > a[2].mean);
}

static void
test_offsets__never_fall_with_the_bucket_whatever_was_seen(void)
{
    spotopt__rng rng;

    spotopt__rng_seed(&rng, 6);
    for (int run = 0; run < 2000; run++) {
        double events[5], hours[5], out[5];
        for (int b = 0; b < 5; b++) {
            hours[b] = spotopt__rng_below(&rng, 3) == 0 ? 0.0 : 1e5 * spotopt__rng_unit(&rng);
            events[b] =
                hours[b] > 0 ? poisson_draw(&rng, hours[b] * 0.01 * spotopt__rng_unit(&rng)) : 0.0;
        }
        spotopt__bucket_offsets(events, hours, 1.0 + 5 * spotopt__rng_unit(&rng),
                                2.0 * spotopt__rng_unit(&rng), out);
        for (int b = 1; b < 5; b++)
            CU_ASSERT(out[b] >= out[b - 1] && isfinite(out[b]));
    }
}

static void
test_offsets__are_the_believed_without_data_and_the_seen_with_much(void)
{
    static const double rates[] = {0.001, 0.0011, 0.004, 0.02, 0.021};
    const double none[5] = {0};
    double events[5], hours[5], out[5];

    spotopt__bucket_offsets(none, none, 1.0, 1.0, out);
    for (int b = 0; b < 5; b++)
        CU_ASSERT_DOUBLE_EQUAL(out[b], log(spotopt__bucket_rate(b) / spotopt__bucket_rate(-1)),
                               1e-12);
    for (int b = 0; b < 5; b++) {
        hours[b] = 1e7;
        events[b] = hours[b] * rates[b];
    }
    spotopt__bucket_offsets(events, hours, 2.0, 1.0, out);
    for (int b = 1; b < 5; b++)
        CU_ASSERT_DOUBLE_EQUAL(out[b] - out[b - 1], log(rates[b] / rates[b - 1]), 0.02);
    events[0] = hours[0] * 0.05; /* against the order: one block with its neighbours, not a lower
                                    rate for a worse class */
    spotopt__bucket_offsets(events, hours, 2.0, 1.0, out);
    CU_ASSERT(out[0] <= out[1] && out[1] <= out[2] && out[0] == out[1]);
}

static void
test_pooling__survives_every_failing_allocation(void)
{
    fail_alloc allocator = FAIL_ALLOC_INIT;
    bool is_fine;
    size_t n = 0;

    do {
        spotopt__pooled nodes[] = {{.parent = SPOTOPT__NONE},
                                   {.parent = 0, .depth = 1, .events = 1, .hours = 9}};
        double c[SPOTOPT__POOLED_DEPTHS];
        fail_after(&allocator, n++);
        spotopt_context *context = fail_alloc_context(&allocator);
        is_fine = context != NULL && spotopt__pool_rates(context, nodes, 2, 0.01, 1.0, 1.0, c);
        spotopt_context_free(context);
        CU_ASSERT_EQUAL(allocator.live, 0);
    } while (!is_fine && n < 100);
    CU_ASSERT(is_fine && n > 2);
}

int
main(void)
{
    static const suite_test tests[] = {
        TEST(test_alpha__equals_an_independent_optimum),
        TEST(test_pooling__beats_no_pooling_and_full_pooling),
        TEST(test_pooling__learns_at_which_level_things_differ),
        TEST(test_pooling__leans_on_the_parent_when_sparse_and_on_itself_when_rich),
        TEST(test_pooling__knows_a_mean_the_better_the_more_was_seen),
        TEST(test_days__shape_is_found_whatever_the_pools_means),
        TEST(test_sure__is_never_less_than_the_belief_and_grows_with_what_is_known),
        TEST(test_pooling__events_that_come_together_weigh_less),
        TEST(test_offsets__never_fall_with_the_bucket_whatever_was_seen),
        TEST(test_offsets__are_the_believed_without_data_and_the_seen_with_much),
        TEST(test_pooling__survives_every_failing_allocation),
    };

    return suite_run("pooling", tests, sizeof tests / sizeof *tests);
}
