/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Replay against books kept by hand, every way through small pasts (brute force), and changed
 * futures. The brute force keeps its own accounts and shares nothing with src/replay/.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/base.h"
#include "fail_alloc.h"
#include "random_model.h"
#include "replay/replay.h"
#include "spotopt/spotopt.h"
#include "suite.h"

typedef struct inputs {
    spotopt_catalog *catalog;
    spotopt_history *history;
    spotopt_price_history *prices;
    spotopt_demand_history *demands;
    spotopt_policy *terms;
    spotopt_model *model;
} inputs;

static const char catalog_head[] =
    "region,az_id,instance_type,arch,alloc_cpu_milli,alloc_memory_mib,max_pods,"
    "on_demand_usd_per_hour,spot_usd_per_hour\n";

/* Texts may be NULL. */
static inputs
read_all(const char *catalog, const char *history, const char *prices, const char *demand,
         const char *terms)
{
    inputs in = {0};
    spotopt_error err = SPOTOPT_ERROR_INIT;

    CU_ASSERT_EQUAL_FATAL(
        spotopt_catalog_parse(NULL, catalog, strlen(catalog), "catalog", NULL, &in.catalog, &err),
        SPOTOPT_OK);
    if (history != NULL)
        CU_ASSERT_EQUAL_FATAL(
            spotopt_history_parse(NULL, history, strlen(history), "h", &in.history, &err),
            SPOTOPT_OK);
    if (prices != NULL)
        CU_ASSERT_EQUAL_FATAL(
            spotopt_price_history_parse(NULL, prices, strlen(prices), "p", &in.prices, &err),
            SPOTOPT_OK);
    CU_ASSERT_EQUAL_FATAL(
        spotopt_demand_history_parse(NULL, demand, strlen(demand), "d", &in.demands, &err),
        SPOTOPT_OK);
    CU_ASSERT_EQUAL_FATAL(
        spotopt_policy_parse(NULL, terms, terms != NULL ? strlen(terms) : 0, "t", &in.terms, &err),
        SPOTOPT_OK);
    return in;
}

static void
free_all(inputs *in)
{
    spotopt_catalog_free(in->catalog);
    spotopt_history_free(in->history);
    spotopt_price_history_free(in->prices);
    spotopt_demand_history_free(in->demands);
    spotopt_policy_free(in->terms);
    spotopt_model_free(in->model);
}

static spotopt_replay_params
params_of(const inputs *in)
{
    spotopt_replay_params p = SPOTOPT_REPLAY_PARAMS_INIT;

    p.catalog = in->catalog;
    p.history = in->history;
    p.prices = in->prices;
    p.demands = in->demands;
    p.terms = in->terms;
    p.model = in->model;
    p.draws = 50;
    return p;
}

/* All methods on the same past. */
static spotopt_replay *
replay_all(const spotopt_replay_params *p)
{
    spotopt_replay *replay = NULL;
    spotopt_error err = SPOTOPT_ERROR_INIT;

    CU_ASSERT_EQUAL_FATAL(spotopt_replay_new(NULL, &replay, &err), SPOTOPT_OK);
    for (size_t i = 0; spotopt_replay_method(i) != NULL; i++)
        CU_ASSERT_EQUAL_FATAL(spotopt_replay_add(replay, spotopt_replay_method(i),
                                                 spotopt_replay_method(i), NULL, &err),
                              SPOTOPT_OK);
    if (spotopt_replay_run(replay, p, NULL, &err) != SPOTOPT_OK)
        printf(" %s ", err.message);
    CU_ASSERT_EQUAL_FATAL(err.status, SPOTOPT_OK);
    return replay;
}

static spotopt_replay_outcome
outcome_of(const spotopt_replay *replay, const char *name)
{
    spotopt_replay_outcome o = SPOTOPT_REPLAY_OUTCOME_INIT;

    for (size_t i = 0; i < spotopt_replay_count(replay); i++) {
        CU_ASSERT_EQUAL_FATAL(spotopt_replay_outcome_at(replay, i, &o, NULL), SPOTOPT_OK);
        if (strcmp(o.name, name) == 0)
            return o;
    }
    CU_FAIL_FATAL("no such policy");
    return o;
}

/* --- readers --- */

static void
expect_refusal(const char *text, bool of_prices, const char *want)
{
    spotopt_error err = SPOTOPT_ERROR_INIT;
    spotopt_demand_history *demands = NULL;
    spotopt_price_history *prices = NULL;
    const spotopt_status status =
        of_prices ? spotopt_price_history_parse(NULL, text, strlen(text), "t.csv", &prices, &err)
                  : spotopt_demand_history_parse(NULL, text, strlen(text), "t.csv", &demands, &err);

    CU_ASSERT_EQUAL(status, SPOTOPT_E_INPUT);
    if (strstr(err.message, want) == NULL)
        printf(" \"%s\" is not in \"%s\" ", want, err.message);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.message, want));
}

static void
test_readers__name_the_line_that_is_wrong(void)
{
    expect_refusal("time_s,demand,count,cpu_milli\n", false, "memory_mib");
    expect_refusal("time_s,demand,count,cpu_milli,memory_mib\n0,a,-1,1,1\n", false,
                   "t.csv:2: count");
    expect_refusal("time_s,demand,count,cpu_milli,memory_mib\n0,a,1.5,1,1\n", false,
                   "t.csv:2: count");
    expect_refusal("time_s,demand,count,cpu_milli,memory_mib\n0,a,1,,1\n", false,
                   "t.csv:2: cpu_milli");
    expect_refusal("time_s,demand,count,cpu_milli,memory_mib\n0,a,1,1,1\n0,a,2,,\n", false,
                   "t.csv:3: time_s");
    expect_refusal("time_s,demand,count,cpu_milli,memory_mib\n0,a,1,1,1\n5,a,2,2,\n", false,
                   "the same as in earlier rows");
    expect_refusal("time_s,demand,count,cpu_milli,memory_mib\n0,,1,1,1\n", false,
                   "t.csv:2: demand");
    expect_refusal("pool,time_s,usd_per_hour\np,0,-1\n", true, "want a price >= 0");
    expect_refusal("pool,time_s,usd_per_hour\np,0,nan\n", true, "want a price >= 0");
    expect_refusal("pool,time_s,usd_per_hour\np,0,\n", true, "want a price >= 0");
    expect_refusal("pool,time_s,usd_per_hour\np,,1\n", true, "t.csv:2: time_s");
    expect_refusal("pool,time_s,usd_per_hour\np,9,1\np,8,1\n", true, "t.csv:3: time_s");
}

/* --- books kept by hand --- */

static void
test_replay__keeps_the_books_as_one_would_by_hand(void)
{
    /* Two replicas a node; four replicas: two nodes. The pool falls 4 -> 2 at 1800 s (half of two
     * nodes: one), to 0 at 5400 s, and is back at 7200 s. Steps of an hour, 600 s until a node
     * serves. */
    char catalog[512];
    snprintf(catalog, sizeof catalog, "%sr,z,m5.large,amd64,2000,4096,10,1.00,0.25\n",
             catalog_head);
    inputs in =
        read_all(catalog,
                 "pool,zone,instance_type,time_s,nodes_up\nx,z,m5.large,0,4\nx,z,m5.large,1800,2\n"
                 "x,z,m5.large,5400,0\nx,z,m5.large,7200,4\nx,z,m5.large,14400,\n",
                 NULL, "time_s,demand,count,cpu_milli,memory_mib\n0,a,4,1000,1024\n", NULL);
    spotopt_replay_params p = params_of(&in);
    p.step_s = 3600.0;
    p.startup_s = 600.0;
    spotopt_replay *replay = replay_all(&p);
    spotopt_replay_outcome o = outcome_of(replay, "cheapest");

    /* Hour 0: two nodes for 1/2 h, one for 1/2 h: 1.5 h; two replicas missing 1/2 h.
     * Hour 1: the two are placed again (600 s until they serve), two nodes for 1/2 h, then both go:
     * 1 h; four missing 1/2 h. Hour 2: back at 7200 s: two nodes, cold: 2 h. Hour 3: 2 h. */
    CU_ASSERT_DOUBLE_EQUAL(o.cost_usd, 0.25 * (1.5 + 1.0 + 2.0 + 2.0), 1e-12);
    CU_ASSERT_EQUAL(o.interruptions, 3.0);
    CU_ASSERT_DOUBLE_EQUAL(o.lost_replica_hours, 2 * 0.5 + 2.0 / 6.0 + 4 * 0.5 + 4.0 / 6.0, 1e-12);
    CU_ASSERT_DOUBLE_EQUAL(o.under_target_hours, 0.5 + (1.0 / 6.0 + 0.5) + 1.0 / 6.0, 1e-12);
    CU_ASSERT_DOUBLE_EQUAL(o.on_demand_usd, 8.0, 1e-12);
    CU_ASSERT_DOUBLE_EQUAL(o.replica_hours, 16.0, 1e-12);
    CU_ASSERT_EQUAL(o.moves, 0.0);
    CU_ASSERT_DOUBLE_EQUAL(o.losses_usd, 1.5, 1e-12); /* three at the default of 0.5 */
    CU_ASSERT_DOUBLE_EQUAL(o.gross_saving_frac, 1.0 - 1.625 / 8.0, 1e-12);
    CU_ASSERT_DOUBLE_EQUAL(o.net_saving_frac, 1.0 - 3.125 / 8.0, 1e-12);
    CU_ASSERT_EQUAL(o.on_demand_frac, 0.0);
    o = outcome_of(replay, "on-demand");
    CU_ASSERT_DOUBLE_EQUAL(o.cost_usd, 8.0, 1e-12);
    CU_ASSERT_EQUAL(o.lost_replica_hours, 0.0);
    CU_ASSERT_EQUAL(o.on_demand_frac, 1.0);
    spotopt_replay_free(replay);
    free_all(&in);
}

static void
test_replay__pays_prices_as_they_were_and_counts_as_they_changed(void)
{
    /* Spot at 0.4, then 0.1 from hour 1, 0.2 from hour 3; count 1, then 3 from hour 2, 0 from
     * hour 4. One replica a node. */
    char catalog[512];
    snprintf(catalog, sizeof catalog, "%sr,z,m5.large,amd64,1000,4096,10,1.00,9.00\n",
             catalog_head);
    inputs in = read_all(
        catalog, NULL,
        "pool,time_s,usd_per_hour\nm5.large/z/spot,0,0.4\nm5.large/z/spot,3600,0.1\nm5.large/z/"
        "spot,10800,0.2\n",
        "time_s,demand,count,cpu_milli,memory_mib\n0,a,1,1000,1024\n7200,a,3,,\n14400,a,0,,\n",
        NULL);
    spotopt_replay_params p = params_of(&in);
    p.step_s = 1800.0;
    p.to_s = 18000.0;
    spotopt_replay *replay = replay_all(&p);
    spotopt_replay_outcome o = outcome_of(replay, "cheapest");

    CU_ASSERT_DOUBLE_EQUAL(o.cost_usd, 0.4 + 0.1 + 3 * 0.1 + 3 * 0.2, 1e-12);
    CU_ASSERT_DOUBLE_EQUAL(o.on_demand_usd, 1.0 + 1.0 + 3.0 + 3.0, 1e-12);
    CU_ASSERT_DOUBLE_EQUAL(o.demand_hours, 4.0, 1e-12);
    CU_ASSERT_DOUBLE_EQUAL(o.lost_replica_hours, 2 * 120.0 / 3600.0,
                           1e-12); /* two start at hour 2 */
    spotopt_replay_free(replay);
    free_all(&in);
}

/* --- brute force --- */

enum { POOLS = 3, STEPS = 6 }; /* pools 0, 1 spot, 2 on-demand */

typedef struct tiny {
    double price[POOLS], up[2][STEPS + 1], c_int, move_usd, step_h, startup_h;
} tiny;

/* Least cost from step k on, holding a pool (POOLS: nothing). A pool that is up at k and down at k
 * + 1 is lost at the end. */
static double
try_all(const tiny *t, int k, int held)
{
    double least = INFINITY;

    if (k == STEPS)
        return 0.0;
    for (int to = 0; to < POOLS; to++) {
        const bool is_up = to == 2 || t->up[to][k] > 0.0;
        double usd;

        if (!is_up)
            continue;
        usd = t->price[to] * t->step_h;
        if (held != POOLS && held != to)
            usd += t->move_usd + t->price[held] * t->startup_h;
        if (to != 2 && t->up[to][k + 1] == 0.0)
            usd += t->c_int + try_all(t, k + 1, POOLS);
        else
            usd += try_all(t, k + 1, to);
        least = usd < least ? usd : least;
    }
    return least;
}

static void
test_oracle__is_the_best_of_every_way_through_small_pasts(void)
{
    uint64_t state = 11;

    for (int round = 0; round < 300; round++) {
        char catalog[512], history[1024], terms[200];
        tiny t = {.price = {0.1 + random_unit(&state), 0.1 + random_unit(&state), 1.0},
                  .c_int = random_unit(&state),
                  .move_usd = 0.2 * random_unit(&state),
                  .step_h = 0.5,
                  .startup_h = 0.25};
        int length = snprintf(history, sizeof history, "pool,zone,instance_type,time_s,nodes_up\n");

        for (int pool = 0; pool < 2; pool++) {
            for (int k = 0; k <= STEPS; k++) {
                t.up[pool][k] = random_unit(&state) < 0.6 ? 1.0 : 0.0;
                length += snprintf(history + length, sizeof history - (size_t)length,
                                   "p%d,z%d,m5.large,%d,%g\n", pool, pool, 1800 * k, t.up[pool][k]);
            }
        }
        snprintf(catalog, sizeof catalog,
                 "%sr,z0,m5.large,amd64,1000,4096,10,%.17g,%.17g\nr,z1,m5.large,amd64,1000,4096,10,"
                 ",%.17g\n",
                 catalog_head, t.price[2], t.price[0], t.price[1]);
        snprintf(terms, sizeof terms,
                 "{\"kind\":\"Policy\",\"interruption\":{\"cost_usd\":%.17g},\"change\":{\"move_"
                 "usd\":%.17g}}",
                 t.c_int, t.move_usd);
        inputs in = read_all(catalog, history, NULL,
                             "time_s,demand,count,cpu_milli,memory_mib\n0,a,2,1000,1024\n", terms);
        spotopt_replay_params p = params_of(&in);
        p.step_s = 1800.0;
        p.startup_s = 900.0;
        spotopt_replay *replay = replay_all(&p);
        const double best = 2.0 * try_all(&t, 0, POOLS);
        spotopt_replay_outcome o = outcome_of(replay, "oracle");

        CU_ASSERT_DOUBLE_EQUAL(o.bound_usd, best, 1e-9);
        CU_ASSERT_DOUBLE_EQUAL(o.objective_usd, best, 1e-9);
        for (size_t i = 0; i < spotopt_replay_count(replay); i++) {
            CU_ASSERT_EQUAL(spotopt_replay_outcome_at(replay, i, &o, NULL), SPOTOPT_OK);
            CU_ASSERT_TRUE(o.objective_usd >= best - 1e-9);
        }
        spotopt_replay_free(replay);
        free_all(&in);
    }
}

/* --- random pasts --- */

typedef struct past {
    char *history, *prices, *demand, *catalog, *terms;
} past;

static char *
text_new(void)
{
    char *text = malloc(1u << 18);

    text[0] = '\0';
    return text;
}

/* Rows from cut_s on are of another random future. */
static past
random_past(uint64_t seed, double cut_s, uint64_t future, int days, bool is_hard)
{
    past p = {text_new(), text_new(), text_new(), text_new(), text_new()};
    uint64_t state = seed, other = future;
    char *at = p.history;

    at += sprintf(at, "pool,region,zone,instance_type,time_s,nodes_up\n");
    for (int pool = 0; pool < 5; pool++) {
        double t = 0.0, up = 4.0;

        while (t < days * 86400.0) {
            uint64_t *s = t >= cut_s ? &other : &state;
            double next = floor(6.0 * random_unit(s)) - 1.0;

            if (next < 0.0 && is_hard && t > 0.0 && !isnan(up))
                at += sprintf(at, "p%d,r%d,z%d,m5.%s,%g,\n", pool, pool / 3, pool,
                              pool % 2 ? "large" : "xlarge", t);
            else
                at += sprintf(at, "p%d,r%d,z%d,m5.%s,%g,%g\n", pool, pool / 3, pool,
                              pool % 2 ? "large" : "xlarge", t, fmax(next, 0.0));
            up = next < 0.0 && is_hard ? NAN : next;
            t += ceil(20000.0 * random_unit(s)) + 1.0;
        }
    }
    at += sprintf(at, "p0,r0,z0,m5.xlarge,%g,1\n", days * 86400.0 + 30000.0);
    at = p.catalog + sprintf(p.catalog, "%s", catalog_head);
    at = p.prices + sprintf(p.prices, "pool,time_s,usd_per_hour\n");
    for (int pool = 0; pool < 5; pool++) {
        const char *type = pool % 2 ? "large" : "xlarge";
        char *to = p.catalog + strlen(p.catalog);

        sprintf(to, "r%d,z%d,m5.%s,amd64,%d,8192,20,%g,%g\n", pool / 3, pool, type,
                pool % 2 ? 2000 : 4000, pool % 2 ? 0.1 : 0.19,
                (pool % 2 ? 0.03 : 0.06) * (1.0 + pool / 10.0));
        for (double t = 0.0; pool < 3 && t < days * 86400.0; t += 40000.0) {
            uint64_t *s = t >= cut_s ? &other : &state;
            at +=
                sprintf(at, "m5.%s/z%d/spot,%g,%.6f\n", type, pool, t, 0.02 + 0.1 * random_unit(s));
        }
    }
    at = p.demand + sprintf(p.demand, "time_s,demand,count,cpu_milli,memory_mib\n");
    for (int demand = 0; demand < 3; demand++) {
        for (double t = 0.0; t < days * 86400.0; t += 30000.0) {
            uint64_t *s = t >= cut_s ? &other : &state;
            at += sprintf(at, "%g,d%d,%d,%d,%d\n", t, demand,
                          is_hard ? (int)(9.0 * random_unit(s)) : 4 + demand, 700 * (demand + 1),
                          500);
        }
    }
    sprintf(p.terms,
            "{\"kind\":\"Policy\",\"interruption\":{\"cost_usd\":%.3f},\"change\":{\"move_usd\":%."
            "3f,\"horizon_hours\":1,"
            "\"min_dwell_minutes\":20},\"spot\":{\"on_demand_frac\":%.2f},\"diversify\":[{\"key\":"
            "\"zone\",\"max_frac\":%.2f}]}",
            random_unit(&state), 0.05 * random_unit(&state),
            is_hard ? 0.3 * random_unit(&state) : 0.0,
            is_hard ? 0.3 + 0.7 * random_unit(&state) : 1.0);
    return p;
}

static void
past_free(past *p)
{
    free(p->history);
    free(p->prices);
    free(p->demand);
    free(p->catalog);
    free(p->terms);
}

static void
test_bound__is_below_every_policy_whatever_happened(void)
{
    for (uint64_t seed = 1; seed <= 60; seed++) {
        past text = random_past(seed, INFINITY, 0, 4, seed % 4 != 0);
        inputs in = read_all(text.catalog, text.history, seed % 2 ? text.prices : NULL, text.demand,
                             text.terms);
        spotopt_replay_params p = params_of(&in);
        p.step_s = 1800.0;
        p.startup_s = 300.0;
        p.to_s = 4.0 * 86400.0;
        spotopt_replay *replay = replay_all(&p);
        spotopt_replay_outcome o, oracle = outcome_of(replay, "oracle");

        CU_ASSERT_TRUE(oracle.bound_usd <= oracle.objective_usd + 1e-9);
        for (size_t i = 0; i < spotopt_replay_count(replay); i++) {
            o = (spotopt_replay_outcome)SPOTOPT_REPLAY_OUTCOME_INIT;
            CU_ASSERT_EQUAL(spotopt_replay_outcome_at(replay, i, &o, NULL), SPOTOPT_OK);
            if (!(o.objective_usd >= oracle.bound_usd - 1e-9))
                printf(" seed %d %s %.6f < %.6f ", (int)seed, o.name, o.objective_usd,
                       oracle.bound_usd);
            CU_ASSERT_TRUE(o.objective_usd >= oracle.bound_usd - 1e-9);
            CU_ASSERT_TRUE(o.lost_replica_hours >= 0.0 &&
                           o.lost_replica_hours <= o.replica_hours + 1e-9);
            CU_ASSERT_TRUE(o.under_target_hours <= o.demand_hours + 1e-9);
            CU_ASSERT_DOUBLE_EQUAL(o.replica_hours, oracle.replica_hours, 1e-6);
            CU_ASSERT_DOUBLE_EQUAL(o.on_demand_usd, oracle.on_demand_usd, 1e-6);
        }
        spotopt_replay_free(replay);
        free_all(&in);
        past_free(&text);
    }
}

static char *
document_of(const spotopt_replay *replay)
{
    char *text = NULL;

    CU_ASSERT_EQUAL_FATAL(spotopt_replay_write(replay, &text, NULL, NULL), SPOTOPT_OK);
    return text;
}

static spotopt__json *
parse(const char *text)
{
    spotopt__json *json = NULL;

    CU_ASSERT_EQUAL_FATAL(spotopt__json_parse(text, strlen(text), "replay", &json, NULL),
                          SPOTOPT_OK);
    return json;
}

/* Series of a policy up to a moment are the same. */
static size_t
count_differences(const spotopt__json *a, const spotopt__json *b, double until_s,
                  size_t *out_compared)
{
    static const char *const keys[] = {"cost_usd", "objective_usd", "interruptions",
                                       "lost_replica_hours", "moves"};
    const spotopt__json *sa = spotopt__json_get(a, "series"), *sb = spotopt__json_get(b, "series");
    const spotopt__json *pa = spotopt__json_first(spotopt__json_get(sa, "policies")),
                        *pb = spotopt__json_first(spotopt__json_get(sb, "policies"));
    size_t different = 0;

    for (; pa != NULL; pa = spotopt__json_next(pa), pb = spotopt__json_next(pb)) {
        if (strcmp(spotopt__json_text(spotopt__json_get(pa, "policy")), "oracle") == 0)
            continue;
        for (size_t k = 0; k < 5; k++) {
            const spotopt__json *t = spotopt__json_first(spotopt__json_get(sa, "time_s")),
                                *va = spotopt__json_first(spotopt__json_get(pa, keys[k])),
                                *vb = spotopt__json_first(spotopt__json_get(pb, keys[k]));

            for (; t != NULL && spotopt__json_real(t) < until_s; t = spotopt__json_next(t),
                                                                 va = spotopt__json_next(va),
                                                                 vb = spotopt__json_next(vb)) {
                different += spotopt__json_real(va) != spotopt__json_real(vb);
                ++*out_compared;
            }
        }
    }
    return different;
}

static void
test_policies__never_look_ahead(void)
{
    for (uint64_t seed = 1; seed <= 16; seed++) {
        spotopt__json *seen[2];
        char *documents[2];
        size_t compared = 0;
        const double cut_s = 2.3 * 86400.0;

        for (int other = 0; other < 2; other++) {
            past text = random_past(seed, cut_s, 1000 * seed + (uint64_t)other, 4, true);
            inputs in = read_all(text.catalog, text.history, text.prices, text.demand, text.terms);
            spotopt_replay_params p = params_of(&in);

            if (seed % 2 == 0)
                in.model = random_model(NULL, 8, 3, seed % 4 == 0, seed);
            if (in.model != NULL)
                in.model->from_s = in.model->to_s = in.model->calibrate_to_s = 0.0;
            p.model = in.model;
            p.step_s = 1800.0;
            p.to_s = 4.0 * 86400.0;
            p.from_s = 3600.0;
            p.points = 1000; /* every step */
            spotopt_replay *replay = replay_all(&p);
            documents[other] = document_of(replay);
            seen[other] = parse(documents[other]);
            spotopt_replay_free(replay);
            free_all(&in);
            past_free(&text);
        }
        /* A step's books are closed when it ends: the last that knows nothing of the change ends
         * before it. */
        CU_ASSERT_EQUAL(count_differences(seen[0], seen[1], cut_s, &compared), 0);
        CU_ASSERT_TRUE(compared > 1000);
        compared = 0;
        CU_ASSERT_TRUE(count_differences(seen[0], seen[1], INFINITY, &compared) > 0);
        for (int other = 0; other < 2; other++) {
            spotopt__json_free(seen[other]);
            spotopt_text_free(NULL, documents[other]);
        }
    }
}

/* Rates carried along are those that a forecast made anew at each moment gives. */
static void
test_outlook__tells_what_a_forecast_at_that_moment_tells(void)
{
    const double horizons[] = {1.0, 4.0};
    past text = random_past(12, INFINITY, 0, 4, true);
    inputs in = read_all(text.catalog, text.history, text.prices, text.demand, text.terms);
    spotopt__world world;
    spotopt__outlook *outlook;
    size_t compared = 0;

    in.model = random_model(NULL, 8, 3, false, 4);
    in.model->lost_share = 1.0;
    CU_ASSERT_TRUE_FATAL(spotopt__world_init(&world, NULL, in.catalog, in.history, in.prices));
    outlook = spotopt__outlook_new(NULL, &world, in.model, horizons, 2, 0.0, 1800.0, 190);
    CU_ASSERT_PTR_NOT_NULL_FATAL(outlook);
    for (size_t k = 0; k < 190; k++) {
        spotopt_risk_params p = SPOTOPT_RISK_PARAMS_INIT;
        spotopt_risk *risk = NULL;
        double drop[2][5];

        CU_ASSERT_TRUE_FATAL(spotopt__outlook_go(outlook, k));
        p.history = in.history;
        p.model = in.model;
        p.now_s = 1800.0 * (double)k;
        if (k % 7 != 3)
            continue;
        CU_ASSERT_EQUAL_FATAL(spotopt_risk_score_with(NULL, &p, NULL, &risk, NULL), SPOTOPT_OK);
        for (size_t h = 0; h < 2; h++)
            CU_ASSERT_EQUAL(
                spotopt_risk_drop_columns(risk, horizons[h], drop[h], NULL, NULL, 5, NULL),
                SPOTOPT_OK);
        for (uint32_t pool = 0; pool < world.pools; pool++) {
            const uint32_t series = world.series[pool];
            spotopt_forecast f = SPOTOPT_FORECAST_INIT;

            if (series == SPOTOPT__NONE) {
                CU_ASSERT_EQUAL(spotopt__outlook_rate(outlook, 0, pool), 0.0);
                continue;
            }
            CU_ASSERT_EQUAL(spotopt_risk_at(risk, series, 1.0, &f, NULL), SPOTOPT_OK);
            if ((f.flags & SPOTOPT_RISK_HAZARD) == 0)
                continue;
            for (size_t h = 0; h < 2; h++) {
                const double p_drop =
                    -expm1(-spotopt__outlook_rate(outlook, h, pool) * horizons[h]);

                CU_ASSERT_DOUBLE_EQUAL(p_drop, drop[h][series], 1e-9);
                compared++;
            }
        }
        spotopt_risk_free(risk);
    }
    CU_ASSERT_TRUE(compared > 100);
    spotopt__outlook_free(outlook);
    spotopt__world_free(&world);
    free_all(&in);
    past_free(&text);
}

static void
test_replay__writes_the_same_bytes_again(void)
{
    char *documents[2];

    for (int again = 0; again < 2; again++) {
        past text = random_past(5, INFINITY, 0, 4, true);
        inputs in = read_all(text.catalog, text.history, text.prices, text.demand, text.terms);
        spotopt_replay_params p = params_of(&in);
        spotopt_replay *replay = replay_all(&p);

        documents[again] = document_of(replay);
        spotopt_replay_free(replay);
        free_all(&in);
        past_free(&text);
    }
    CU_ASSERT_STRING_EQUAL(documents[0], documents[1]);
    spotopt_text_free(NULL, documents[0]);
    spotopt_text_free(NULL, documents[1]);
}

/* --- hysteresis --- */

/* Two pools whose prices change places every hour. */
static double
moves_with(const char *change)
{
    char catalog[512], prices[4096], terms[300];
    int length = snprintf(prices, sizeof prices, "pool,time_s,usd_per_hour\n");

    snprintf(catalog, sizeof catalog,
             "%sr,a,m5.large,amd64,1000,4096,10,9.00,1\nr,b,m5.large,amd64,1000,4096,10,,1\n",
             catalog_head);
    for (int h = 0; h < 24; h++)
        length += snprintf(prices + length, sizeof prices - (size_t)length,
                           "m5.large/a/spot,%d,%g\nm5.large/b/spot,%d,%g\n", 3600 * h,
                           h % 2 ? 2.0 : 1.0, 3600 * h, h % 2 ? 1.0 : 2.0);
    snprintf(terms, sizeof terms, "{\"kind\":\"Policy\",\"change\":%s}", change);
    inputs in = read_all(catalog, NULL, prices,
                         "time_s,demand,count,cpu_milli,memory_mib\n0,a,3,1000,1024\n", terms);
    spotopt_replay_params p = params_of(&in);
    p.to_s = 86400.0;
    p.step_s = 600.0;
    p.startup_s = 0.0;
    spotopt_replay *replay = replay_all(&p);
    const double moves = outcome_of(replay, "hazard").moves;

    CU_ASSERT_EQUAL(outcome_of(replay, "cheapest").moves, 0.0);
    spotopt_replay_free(replay);
    free_all(&in);
    return moves;
}

static void
test_hazard__moves_no_more_than_its_terms_let_it(void)
{
    const char *free_hand = "{\"min_saving_frac\":0,\"min_dwell_minutes\":0,\"max_moves_per_hour\":"
                            "100,\"move_usd\":0,\"horizon_hours\":1}";

    CU_ASSERT_EQUAL(moves_with(free_hand), 3.0 * 23.0);
    /* Three hours of dwell: every third change at most, and only where the others did not bring it
     * back. */
    CU_ASSERT_EQUAL(moves_with("{\"min_saving_frac\":0,\"min_dwell_minutes\":180,\"max_moves_per_"
                               "hour\":100,\"move_usd\":0,"
                               "\"horizon_hours\":1}"),
                    3.0 * 7.0);
    /* Moving costs more than an hour can save. */
    CU_ASSERT_EQUAL(moves_with("{\"min_saving_frac\":0,\"min_dwell_minutes\":0,\"max_moves_per_"
                               "hour\":100,\"move_usd\":1.01,"
                               "\"horizon_hours\":1}"),
                    0.0);
    /* Half of 2 an hour is saved, not more. */
    CU_ASSERT_EQUAL(moves_with("{\"min_saving_frac\":0.51,\"min_dwell_minutes\":0,\"max_moves_per_"
                               "hour\":100,\"move_usd\":0,"
                               "\"horizon_hours\":1}"),
                    0.0);
    /* One an hour: one replica of three goes before prices change places. */
    CU_ASSERT_TRUE(moves_with("{\"min_saving_frac\":0,\"min_dwell_minutes\":0,\"max_moves_per_"
                              "hour\":1,\"move_usd\":0,"
                              "\"horizon_hours\":1}") <= 24.0);
}

/* --- comparisons --- */

static void
test_compare__is_antisymmetric_and_holds_its_difference(void)
{
    past text = random_past(9, INFINITY, 0, 8, true);
    inputs in = read_all(text.catalog, text.history, text.prices, text.demand, text.terms);
    spotopt_replay_params p = params_of(&in);
    p.draws = 2000;
    spotopt_replay *replay = replay_all(&p);

    for (size_t a = 0; a < spotopt_replay_count(replay); a++) {
        for (size_t b = 0; b < spotopt_replay_count(replay); b++) {
            spotopt_replay_comparison x = SPOTOPT_REPLAY_COMPARISON_INIT,
                                      y = SPOTOPT_REPLAY_COMPARISON_INIT;
            spotopt_replay_outcome oa = SPOTOPT_REPLAY_OUTCOME_INIT,
                                   ob = SPOTOPT_REPLAY_OUTCOME_INIT;

            CU_ASSERT_EQUAL(
                spotopt_replay_compare(replay, a, b, SPOTOPT_REPLAY_OBJECTIVE, &x, NULL),
                SPOTOPT_OK);
            CU_ASSERT_EQUAL(
                spotopt_replay_compare(replay, b, a, SPOTOPT_REPLAY_OBJECTIVE, &y, NULL),
                SPOTOPT_OK);
            CU_ASSERT_EQUAL(spotopt_replay_outcome_at(replay, a, &oa, NULL), SPOTOPT_OK);
            CU_ASSERT_EQUAL(spotopt_replay_outcome_at(replay, b, &ob, NULL), SPOTOPT_OK);
            CU_ASSERT_DOUBLE_EQUAL(x.difference, oa.objective_usd - ob.objective_usd, 1e-9);
            CU_ASSERT_DOUBLE_EQUAL(x.difference, -y.difference, 1e-12);
            CU_ASSERT_DOUBLE_EQUAL(x.low, -y.high, 1e-9);
            CU_ASSERT_DOUBLE_EQUAL(x.better_frac + y.better_frac, 1.0, 1e-12);
            CU_ASSERT_TRUE(x.low <= x.high && x.days == 8 + 1);
        }
    }
    spotopt_replay_free(replay);
    free_all(&in);
    past_free(&text);
}

/* --- refusals --- */

static void
test_run__refuses_what_cannot_be_replayed(void)
{
    char catalog[512];
    spotopt_error err = SPOTOPT_ERROR_INIT;
    spotopt_replay *replay = NULL;
    spotopt_replay_outcome o = SPOTOPT_REPLAY_OUTCOME_INIT;

    snprintf(catalog, sizeof catalog, "%sr,z,m5.large,amd64,1000,4096,10,1.00,0.25\n",
             catalog_head);
    inputs in = read_all(catalog, NULL, NULL,
                         "time_s,demand,count,cpu_milli,memory_mib\n0,big,1,9000,1024\n", NULL);
    spotopt_replay_params p = params_of(&in);
    CU_ASSERT_EQUAL_FATAL(spotopt_replay_new(NULL, &replay, &err), SPOTOPT_OK);
    CU_ASSERT_EQUAL(spotopt_replay_run(replay, &p, NULL, &err), SPOTOPT_E_STATE);
    CU_ASSERT_EQUAL(spotopt_replay_add(replay, "a", "best", NULL, &err), SPOTOPT_E_ARGUMENT);
    CU_ASSERT_EQUAL(spotopt_replay_add(replay, "a", "cheapest", NULL, &err), SPOTOPT_OK);
    CU_ASSERT_EQUAL(spotopt_replay_add(replay, "a", "oracle", NULL, &err), SPOTOPT_E_ARGUMENT);
    CU_ASSERT_EQUAL(spotopt_replay_outcome_at(replay, 0, &o, &err), SPOTOPT_E_STATE);
    CU_ASSERT_EQUAL(spotopt_replay_run(replay, &p, NULL, &err), SPOTOPT_E_INPUT); /* empty window */
    p.to_s = 3600.0;
    CU_ASSERT_EQUAL(spotopt_replay_run(replay, &p, NULL, &err), SPOTOPT_E_INPUT);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.message, "big"));
    p.startup_s = 901.0;
    CU_ASSERT_EQUAL(spotopt_replay_run(replay, &p, NULL, &err), SPOTOPT_E_ARGUMENT);
    p.startup_s = NAN;
    CU_ASSERT_EQUAL(spotopt_replay_run(replay, &p, NULL, &err), SPOTOPT_E_ARGUMENT);
    p.startup_s = 0.0;
    in.model = random_model(NULL, 8, 3, false, 3);
    in.model->to_s = in.model->calibrate_to_s = 1.0;
    p.model = in.model;
    CU_ASSERT_EQUAL(spotopt_replay_run(replay, &p, NULL, &err), SPOTOPT_E_INPUT);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.message, "learned"));
    spotopt_replay_free(replay);
    free_all(&in);
}

/* --- memory --- */

static spotopt_status
build_and_run(fail_alloc *allocator, const past *text)
{
    spotopt_context *context = NULL;
    spotopt_catalog *catalog = NULL;
    spotopt_history *history = NULL;
    spotopt_price_history *prices = NULL;
    spotopt_demand_history *demands = NULL;
    spotopt_policy *terms = NULL;
    spotopt_replay *replay = NULL;
    spotopt_replay_params p = SPOTOPT_REPLAY_PARAMS_INIT;
    char *out = NULL;
    spotopt_status status;

    context = fail_alloc_context(allocator);
    status = context != NULL ? SPOTOPT_OK : SPOTOPT_E_NOMEM;
    if (status == SPOTOPT_OK)
        status = spotopt_catalog_parse(context, text->catalog, strlen(text->catalog), "c", NULL,
                                       &catalog, NULL);
    if (status == SPOTOPT_OK)
        status = spotopt_history_parse(context, text->history, strlen(text->history), "h", &history,
                                       NULL);
    if (status == SPOTOPT_OK)
        status = spotopt_price_history_parse(context, text->prices, strlen(text->prices), "p",
                                             &prices, NULL);
    if (status == SPOTOPT_OK)
        status = spotopt_demand_history_parse(context, text->demand, strlen(text->demand), "d",
                                              &demands, NULL);
    if (status == SPOTOPT_OK)
        status = spotopt_policy_parse(context, text->terms, strlen(text->terms), "t", &terms, NULL);
    if (status == SPOTOPT_OK)
        status = spotopt_replay_new(context, &replay, NULL);
    for (size_t i = 0; status == SPOTOPT_OK && spotopt_replay_method(i) != NULL; i++)
        status = spotopt_replay_add(replay, spotopt_replay_method(i), spotopt_replay_method(i),
                                    i % 2 ? terms : NULL, NULL);
    p.catalog = catalog;
    p.history = history;
    p.prices = prices;
    p.demands = demands;
    p.draws = 5;
    p.points = 5;
    p.to_s = 86400.0;
    if (status == SPOTOPT_OK)
        status = spotopt_replay_run(replay, &p, NULL, NULL);
    if (status == SPOTOPT_OK)
        status = spotopt_replay_write(replay, &out, NULL, NULL);
    spotopt_text_free(context, out);
    spotopt_replay_free(replay);
    spotopt_policy_free(terms);
    spotopt_demand_history_free(demands);
    spotopt_price_history_free(prices);
    spotopt_history_free(history);
    spotopt_catalog_free(catalog);
    spotopt_context_free(context);
    return status;
}

static void
test_memory__every_allocation_may_fail(void)
{
    fail_alloc allocator = FAIL_ALLOC_INIT;
    past text = random_past(3, INFINITY, 0, 2, true);
    spotopt_status status;
    size_t n = 0;

    do {
        fail_after(&allocator, n++);
        status = build_and_run(&allocator, &text);
        CU_ASSERT_EQUAL(allocator.live, 0);
    } while (status == SPOTOPT_E_NOMEM);
    CU_ASSERT_EQUAL(status, SPOTOPT_OK);
    CU_ASSERT_TRUE(n > 50);
    past_free(&text);
}

int
main(void)
{
    static const suite_test tests[] = {
        TEST(test_readers__name_the_line_that_is_wrong),
        TEST(test_replay__keeps_the_books_as_one_would_by_hand),
        TEST(test_replay__pays_prices_as_they_were_and_counts_as_they_changed),
        TEST(test_oracle__is_the_best_of_every_way_through_small_pasts),
        TEST(test_bound__is_below_every_policy_whatever_happened),
        TEST(test_policies__never_look_ahead),
        TEST(test_outlook__tells_what_a_forecast_at_that_moment_tells),
        TEST(test_replay__writes_the_same_bytes_again),
        TEST(test_hazard__moves_no_more_than_its_terms_let_it),
        TEST(test_compare__is_antisymmetric_and_holds_its_difference),
        TEST(test_run__refuses_what_cannot_be_replayed),
        TEST(test_memory__every_allocation_may_fail),
    };

    return suite_run("replay", tests, sizeof tests / sizeof *tests);
}
