/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fail_alloc.h"
#include "fleet/books.h"
#include "spotopt/spotopt.h"
#include "suite.h"

#define HOUR 3600000LL

static spotopt_error err;

static spotopt_ledger *
read_rows(const char *rows)
{
    spotopt_ledger *made = NULL;

    CU_ASSERT_EQUAL(spotopt_ledger_parse(NULL, rows, strlen(rows), "led", &made, &err), SPOTOPT_OK);
    if (made == NULL)
        printf("\n    %s\n", err.message);
    CU_ASSERT_PTR_NOT_NULL_FATAL(made);
    return made;
}

static spotopt_fleet_params
window(int64_t from_ms, int64_t now_ms)
{
    spotopt_fleet_params p = SPOTOPT_FLEET_PARAMS_INIT;

    p.from_ms = from_ms;
    p.now_ms = now_ms;
    return p;
}

static spotopt_savings
savings_of(const spotopt_ledger *ledger, spotopt_fleet_params p)
{
    spotopt_savings s = SPOTOPT_SAVINGS_INIT;

    CU_ASSERT_EQUAL_FATAL(spotopt_fleet_savings(ledger, &p, &s, &err), SPOTOPT_OK);
    return s;
}

static spotopt_fleet_numbers
numbers_of(const spotopt_ledger *ledger, spotopt_fleet_params p)
{
    spotopt_fleet_numbers n = SPOTOPT_FLEET_NUMBERS_INIT;

    CU_ASSERT_EQUAL_FATAL(spotopt_fleet_numbers_get(ledger, &p, &n, &err), SPOTOPT_OK);
    return n;
}

/* --- reading --- */

static void
test_ledger__a_bad_row_is_refused_with_its_line_and_place(void)
{
    static const struct {
        const char *rows, *says;
    } cases[] = {
        {"{\"type\":\"stop\",\"instance\":\"i\"}", "led:1: /time_ms: want"},
        {"{\"time_ms\":-1,\"type\":\"stop\",\"instance\":\"i\"}", "led:1: /time_ms"},
        {"\n{\"time_ms\":1,\"type\":5}", "led:2: /type"},
        {"{\"time_ms\":1,\"type\":\"start\",\"instance\":\"i\",\"pool\":\"p\",\"usd_per_hour\":-0."
         "1}",
         "led:1: /usd_per_hour: want a number from 0"},
        {"{\"time_ms\":1,\"type\":\"start\",\"instance\":\"\",\"pool\":\"p\",\"usd_per_hour\":1}",
         "led:1: /instance"},
        {"{\"time_ms\":1,\"type\":\"notice\",\"kind\":\"hint\",\"instance\":\"i\"}",
         "led:1: /kind: want rebalance or termination"},
        {"{\"time_ms\":1,\"type\":\"switch\",\"instance\":\"i\",\"from_pool\":\"a\",\"to_pool\":"
         "\"b\","
         "\"state\":\"done\"}",
         "want proposed, accepted, executed or failed"},
        {"{\"time_ms\":1,\"type\":\"switch\",\"instance\":\"i\",\"from_pool\":\"a\",\"to_pool\":"
         "\"b\","
         "\"state\":\"failed\",\"alternates\":[\"1\",\"2\",\"3\",\"4\",\"5\",\"6\"]}",
         "/alternates: want at most 5"},
        {"{\"time_ms\":9,\"type\":\"override\",\"id\":\"o\",\"scope\":\"cluster\",\"state\":"
         "\"set\"}",
         "/target"},
        {"{\"time_ms\":9,\"type\":\"override\",\"id\":\"o\",\"scope\":\"all\",\"until_ms\":9,"
         "\"state\":\"set\"}",
         "/until_ms: want it after from_ms"},
        {"{\"time_ms\":9,\"type\":\"demand\",\"cluster\":\"c\",\"bound_usd_per_hour\":1}",
         "want ode_usd_per_hour beside it"},
        {"{\"time_ms\":9,\"type\":\"metrics\",\"instance\":\"i\",\"cpu_free_frac\":1.5}",
         "/cpu_free_frac"},
        {"{\"time_ms\":9,\"type\":\"batch\",\"id\":\"b\",\"state\":\"x\",\"done\":3,\"total\":2}",
         "/done"},
        {"[1]", "led:1: no JSON object"},
        {"{\"time_ms\":1,\"type\":\"stop\",\"instance\":\"i\"} x", "led:1:1:"},
        {"{\"time_ms\":1,\"type\":\"start\",\"instance\":\"i\",\"pool\":\"p\",\"usd_per_hour\":1}\n"
         "{\"time_ms\":2,\"type\":\"start\",\"instance\":\"i\",\"pool\":\"p\",\"usd_per_hour\":1}",
         "led:2: instance \"i\" starts and has run since line 1"},
        {"{\"time_ms\":1,\"type\":\"start\",\"instance\":\"i\",\"pool\":\"p\",\"usd_per_hour\":1,"
         "\"cluster\":\"c\",\"client\":\"a\"}\n"
         "{\"time_ms\":1,\"type\":\"start\",\"instance\":\"j\",\"pool\":\"p\",\"usd_per_hour\":1,"
         "\"cluster\":\"c\",\"client\":\"b\"}",
         "led:2: client is \"b\"; want \"a\""},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        spotopt_ledger *made = NULL;

        CU_ASSERT_EQUAL(
            spotopt_ledger_parse(NULL, cases[i].rows, strlen(cases[i].rows), "led", &made, &err),
            SPOTOPT_E_INPUT);
        CU_ASSERT_PTR_NULL(made);
        if (strstr(err.message, cases[i].says) == NULL)
            printf("\n    %s\n    has no %s\n", err.message, cases[i].says);
        CU_ASSERT_PTR_NOT_NULL(strstr(err.message, cases[i].says));
    }
}

static void
test_ledger__rows_may_come_in_any_order(void)
{
    static const char *const rows[] = {
        ("{\"time_ms\":0,\"type\":\"start\",\"instance\":\"i\",\"pool\":\"p/z/spot\","
         "\"cluster\":\"c\",\"usd_per_hour\":1}\n"),
        "{\"time_ms\":3600000,\"type\":\"stop\",\"instance\":\"i\"}\n",
        ("{\"time_ms\":7200000,\"type\":\"start\",\"instance\":\"i\",\"pool\":\"p/z/spot\","
         "\"cluster\":\"c\",\"usd_per_hour\":3}\n"),
        "{\"time_ms\":1800000,\"type\":\"price\",\"pool\":\"p/z/spot\",\"usd_per_hour\":2}\n",
        "{\"time_ms\":0,\"type\":\"demand\",\"cluster\":\"c\",\"ode_usd_per_hour\":4}\n"};
    int order[] = {0, 1, 2, 3, 4};

    /* Half an hour at 1, half at 2, then one at 3: the new life has its own price. */
    for (int turn = 0; turn < 60; turn++) {
        char text[1024] = "";

        for (int i = 4; i > 0; i--) {
            const int other = rand() % (i + 1), kept = order[i];

            order[i] = order[other];
            order[other] = kept;
        }
        for (int i = 0; i < 5; i++)
            strcat(text, rows[order[i]]);
        spotopt_ledger *ledger = read_rows(text);
        const spotopt_savings s = savings_of(ledger, window(0, 3 * HOUR));

        CU_ASSERT_DOUBLE_EQUAL(s.paid_usd, 4.5, 1e-12);
        CU_ASSERT_DOUBLE_EQUAL(s.ode_usd, 12.0, 1e-12);
        CU_ASSERT_DOUBLE_EQUAL(s.node_hours, 2.0, 1e-12);
        spotopt_ledger_free(ledger);
    }
}

static void
note_event(void *user, const spotopt_event *event)
{
    char *seen = user;

    sprintf(seen + strlen(seen), "%d:%s:%s:%s;", (int)event->kind, event->id, event->state,
            event->target);
}

static void
test_ledger__subscribers_hear_of_added_rows_in_order_and_of_refused_ones_not_at_all(void)
{
    static const char added[] =
        "{\"time_ms\":9,\"type\":\"batch\",\"id\":\"b\",\"state\":\"running\",\"done\":1,\"total\":"
        "4}\n"
        "{\"time_ms\":7,\"type\":\"switch\",\"id\":\"s\",\"instance\":\"i\",\"from_pool\":\"a\","
        "\"to_pool\":\"b\",\"state\":\"executed\"}\n"
        "{\"time_ms\":8,\"type\":\"override\",\"id\":\"o\",\"scope\":\"client\",\"target\":\"t\","
        "\"state\":\"set\"}\n"
        "{\"time_ms\":8,\"type\":\"stop\",\"instance\":\"i\"}\n";
    static const char bad[] = "{\"time_ms\":8,\"type\":\"override\",\"id\":\"o\",\"state\":"
                              "\"lifted\"}\n{\"time_ms\":1}\n";
    spotopt_ledger *ledger = read_rows(
        "{\"time_ms\":1,\"type\":\"override\",\"id\":\"old\",\"scope\":\"all\",\"state\":\"set\"}");
    char seen[512] = "";

    spotopt_ledger_subscribe(ledger, note_event, seen);
    CU_ASSERT_EQUAL(spotopt_ledger_append(ledger, bad, sizeof bad - 1, &err), SPOTOPT_E_INPUT);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.message, "led:3:"));
    CU_ASSERT_STRING_EQUAL(seen, "");
    CU_ASSERT_EQUAL(spotopt_ledger_count(ledger), 1);
    CU_ASSERT_EQUAL(spotopt_ledger_append(ledger, added, sizeof added - 1, &err), SPOTOPT_OK);
    CU_ASSERT_STRING_EQUAL(seen, "1:s:executed:i;2:o:set:t;3:b:running:;");
    CU_ASSERT_EQUAL(spotopt_ledger_count(ledger), 5);
    CU_ASSERT_EQUAL(spotopt_ledger_last_ms(ledger), 9);
    spotopt_ledger_free(ledger);
}

/* --- money --- */

static void
test_savings__a_node_taken_in_its_first_hour_is_not_billed_once_that_is_known(void)
{
    static const char *const causes[] = {"interrupted", "drained", "interrupted"};
    static const int64_t lives[] = {HOUR - 1, HOUR - 1, HOUR};
    static const double paid[] = {0.0, 2.0, 2.0};

    for (int i = 0; i < 3; i++) {
        char rows[600];

        sprintf(rows,
                "{\"time_ms\":0,\"type\":\"start\",\"instance\":\"i\",\"pool\":\"p/z/spot\","
                "\"cluster\":\"c\",\"usd_per_hour\":2}\n"
                "{\"time_ms\":0,\"type\":\"demand\",\"cluster\":\"c\",\"ode_usd_per_hour\":4}\n"
                "{\"time_ms\":%lld,\"type\":\"stop\",\"instance\":\"i\",\"cause\":\"%s\"}\n",
                (long long)lives[i], causes[i]);
        spotopt_ledger *ledger = read_rows(rows);

        CU_ASSERT_DOUBLE_EQUAL(savings_of(ledger, window(0, 2 * HOUR)).paid_usd, paid[i], 1e-5);
        /* Half an hour in, nobody knows yet. */
        CU_ASSERT_DOUBLE_EQUAL(savings_of(ledger, window(0, HOUR / 2)).paid_usd, 1.0, 1e-12);
        spotopt_ledger_free(ledger);
    }
}

static const char two_clusters[] =
    "{\"time_ms\":0,\"type\":\"demand\",\"cluster\":\"a\",\"ode_usd_per_hour\":10,"
    "\"bound_usd_per_hour\":2}\n"
    "{\"time_ms\":0,\"type\":\"demand\",\"cluster\":\"b\",\"ode_usd_per_hour\":1}\n"
    "{\"time_ms\":7200000,\"type\":\"demand\",\"cluster\":\"a\",\"ode_usd_per_hour\":null}\n"
    "{\"time_ms\":0,\"type\":\"start\",\"instance\":\"a1\",\"pool\":\"m/z/spot\",\"cluster\":\"a\","
    "\"client\":\"x\",\"usd_per_hour\":3,\"on_demand_usd_per_hour\":6,\"vcpu\":6}\n"
    "{\"time_ms\":0,\"type\":\"start\",\"instance\":\"a2\",\"pool\":\"m/z/on-demand\","
    "\"cluster\":\"a\",\"client\":\"x\",\"usd_per_hour\":2,\"on_demand_usd_per_hour\":2,\"vcpu\":2}"
    "\n"
    "{\"time_ms\":3600000,\"type\":\"start\",\"instance\":\"a3\",\"pool\":\"m/z/spot\","
    "\"cluster\":\"a\",\"usd_per_hour\":3,\"on_demand_usd_per_hour\":6,\"vcpu\":6,"
    "\"replaces\":\"a1\"}\n"
    "{\"time_ms\":3700000,\"type\":\"notice\",\"kind\":\"termination\",\"instance\":\"a1\"}\n"
    "{\"time_ms\":5400000,\"type\":\"stop\",\"instance\":\"a1\",\"cause\":\"interrupted\","
    "\"lost_hours\":0.5}\n"
    "{\"time_ms\":0,\"type\":\"start\",\"instance\":\"b1\",\"pool\":\"m/z/on-demand\","
    "\"cluster\":\"b\",\"client\":\"y\",\"usd_per_hour\":2,\"vcpu\":4,\"spot_eligible\":false}\n"
    "{\"time_ms\":0,\"type\":\"metrics\",\"instance\":\"b1\",\"cpu_free_frac\":0.5}\n";

static void
test_savings__are_ratios_of_sums_over_known_time(void)
{
    spotopt_ledger *ledger = read_rows(two_clusters);
    spotopt_fleet_params p = window(0, 3 * HOUR);
    spotopt_savings s;

    p.interruption_usd = 0.25;
    s = savings_of(ledger, p);
    /* Billed: a1 1.5 h, a2 3 h, a3 2 h, b1 3 h. Of it known: a in two hours, b in all three. */
    CU_ASSERT_DOUBLE_EQUAL(s.billed_usd, 4.5 + 6.0 + 6.0 + 6.0, 1e-12);
    CU_ASSERT_DOUBLE_EQUAL(s.paid_usd, 4.5 + 4.0 + 3.0 + 6.0, 1e-12);
    CU_ASSERT_DOUBLE_EQUAL(s.ode_usd, 20.0 + 3.0, 1e-12);
    CU_ASSERT_DOUBLE_EQUAL(s.losses_usd, 0.25, 1e-12);
    CU_ASSERT_DOUBLE_EQUAL(s.bound_usd, 4.0, 1e-12);
    CU_ASSERT_DOUBLE_EQUAL(s.gross_frac, 1.0 - 17.5 / 23.0, 1e-12);
    CU_ASSERT_DOUBLE_EQUAL(s.net_frac, 1.0 - 17.75 / 23.0, 1e-12);
    CU_ASSERT_DOUBLE_EQUAL(s.optimization_rate, (20.0 - 11.5) / (20.0 - 4.0), 1e-12);
    CU_ASSERT_DOUBLE_EQUAL(s.overlap_usd, 1.5, 1e-12);
    CU_ASSERT_DOUBLE_EQUAL(s.idle_usd, 1.0, 1e-12); /* a measure holds an hour */
    CU_ASSERT_DOUBLE_EQUAL(s.coverage_frac, (9.0 + 12.0) / (9.0 + 12.0 + 6.0), 1e-12);
    CU_ASSERT_DOUBLE_EQUAL(s.effective_coverage_frac, s.coverage_frac * (1.0 - 3.0 / 21.0), 1e-12);
    CU_ASSERT_DOUBLE_EQUAL(s.monthly_gross_usd, (23.0 - 17.5) / 3.0 * 730.0, 1e-9);
    CU_ASSERT_DOUBLE_EQUAL(s.known_frac, 1.0, 1e-12);

    p.client = "y";
    s = savings_of(ledger, p);
    CU_ASSERT_DOUBLE_EQUAL(s.gross_frac, -1.0, 1e-12); /* dearer than on demand */
    CU_ASSERT_TRUE(isnan(s.optimization_rate) && isnan(s.bound_usd));
    CU_ASSERT_TRUE(isnan(s.coverage_frac)); /* nothing there may run on spot */
    p.client = "nobody";
    CU_ASSERT_EQUAL(spotopt_fleet_savings(ledger, &p, &s, &err), SPOTOPT_E_ARGUMENT);
    spotopt_ledger_free(ledger);
}

static void
test_savings__the_equivalent_splits_by_on_demand_price_among_what_runs(void)
{
    spotopt_ledger *ledger = read_rows(two_clusters);
    const char *const names[] = {"a1", "a2", "a3"};
    /* First hour 6:2; then 6:2:6 for half an hour, then 2:6; unknown from 2 h on. */
    const double want[] = {7.5 + 5.0 * 6 / 14, 2.5 + 5.0 * 2 / 14 + 5.0 * 2 / 8,
                           5.0 * 6 / 14 + 5.0 * 6 / 8};
    double sum = 0.0;

    for (int i = 0; i < 3; i++) {
        const spotopt__life *life =
            spotopt__life_at(ledger, spotopt__map_get(&ledger->name_of, names[i]), 3 * HOUR);
        const double got = spotopt__life_ode(ledger, life, 0, 3 * HOUR);

        CU_ASSERT_DOUBLE_EQUAL(got, want[i], 1e-12);
        sum += got;
    }
    CU_ASSERT_DOUBLE_EQUAL(sum, 20.0, 1e-12);
    spotopt_ledger_free(ledger);
}

static void
test_savings__a_series_adds_up_to_the_window(void)
{
    spotopt_ledger *ledger = read_rows(two_clusters);

    for (size_t count = 1; count < 40; count++) {
        spotopt_fleet_params p = window(HOUR / 3, 3 * HOUR - 12345);
        double paid[40], losses[40], ode[40], bound[40], gross, net, rate, sum[4] = {0};
        spotopt_savings s;

        p.interruption_usd = 1.0;
        s = savings_of(ledger, p);
        CU_ASSERT_EQUAL(spotopt_fleet_series(ledger, &p, paid, losses, ode, bound, count, &err),
                        SPOTOPT_OK);
        for (size_t i = 0; i < count; i++) {
            sum[0] += paid[i];
            sum[1] += losses[i];
            sum[2] += ode[i];
            sum[3] += isnan(bound[i]) ? 0.0 : bound[i];
        }
        CU_ASSERT_DOUBLE_EQUAL(sum[0], s.paid_usd, 1e-9);
        CU_ASSERT_DOUBLE_EQUAL(sum[1], s.losses_usd, 1e-9);
        CU_ASSERT_DOUBLE_EQUAL(sum[2], s.ode_usd, 1e-9);
        CU_ASSERT_DOUBLE_EQUAL(sum[3], s.bound_usd, 1e-9);
        CU_ASSERT_EQUAL(
            spotopt_savings_of_columns(paid, losses, ode, bound, count, &gross, &net, &rate, &err),
            SPOTOPT_OK);
        CU_ASSERT_DOUBLE_EQUAL(gross, s.gross_frac, 1e-12);
        CU_ASSERT_DOUBLE_EQUAL(net, s.net_frac, 1e-12);
    }
    spotopt_ledger_free(ledger);
}

/* --- activity --- */

static void
test_numbers__notices_half_an_hour_apart_are_one_episode(void)
{
    static const int64_t minutes[] = {0, 30, 60, 91, 1500};
    char rows[2000] = "";

    for (int i = 0; i < 5; i++)
        sprintf(
            rows + strlen(rows),
            "{\"time_ms\":%lld,\"type\":\"notice\",\"kind\":\"rebalance\",\"instance\":\"i\"}\n"
            "{\"time_ms\":%lld,\"type\":\"notice\",\"kind\":\"rebalance\",\"instance\":\"j\"}\n",
            (long long)(minutes[i] * 60000), (long long)(minutes[i] * 60000 * (i > 1 ? 0 : 1)));
    strcat(rows, "{\"time_ms\":0,\"type\":\"start\",\"instance\":\"i\",\"pool\":\"p\","
                 "\"usd_per_hour\":1}\n");
    spotopt_ledger *ledger = read_rows(rows);
    spotopt_fleet_numbers n = numbers_of(ledger, window(0, 100 * 60000));

    CU_ASSERT_EQUAL(n.risk_detected, 3); /* i: 0..60 and 91; j: once */
    CU_ASSERT_EQUAL(n.notices, 9);
    CU_ASSERT_DOUBLE_EQUAL(n.episodes_per_1000_node_hours, 3000.0 / (100.0 / 60.0), 1e-9);
    n = numbers_of(ledger, window(0, 1500 * 60000)); /* a day later only what began since */
    CU_ASSERT_EQUAL(n.risk_detected, 2);
    spotopt_ledger_free(ledger);
}

static void
test_numbers__a_move_is_counted_once_however_many_rows_tell_of_it(void)
{
    static const char rows[] =
        "{\"time_ms\":1,\"type\":\"switch\",\"instance\":\"i\",\"from_pool\":\"a\",\"to_pool\":"
        "\"b\","
        "\"state\":\"proposed\"}\n"
        "{\"time_ms\":2,\"type\":\"switch\",\"instance\":\"i\",\"from_pool\":\"a\",\"to_pool\":"
        "\"c\","
        "\"state\":\"proposed\"}\n"
        "{\"time_ms\":3,\"type\":\"switch\",\"instance\":\"i\",\"from_pool\":\"a\",\"to_pool\":"
        "\"b\","
        "\"state\":\"accepted\"}\n"
        "{\"time_ms\":4,\"type\":\"switch\",\"instance\":\"i\",\"from_pool\":\"a\",\"to_pool\":"
        "\"b\","
        "\"state\":\"executed\"}\n"
        "{\"time_ms\":5,\"type\":\"switch\",\"instance\":\"i\",\"from_pool\":\"a\",\"to_pool\":"
        "\"b\","
        "\"state\":\"executed\"}\n"
        "{\"time_ms\":6,\"type\":\"switch\",\"id\":\"s\",\"instance\":\"k\",\"from_pool\":\"a\","
        "\"to_pool\":\"b\",\"state\":\"failed\"}\n"
        "{\"time_ms\":7,\"type\":\"switch\",\"id\":\"s\",\"instance\":\"k\",\"from_pool\":\"a\","
        "\"to_pool\":\"b\",\"state\":\"failed\"}\n";
    spotopt_ledger *ledger = read_rows(rows);
    spotopt_fleet_numbers n = numbers_of(ledger, window(0, 10));

    CU_ASSERT_EQUAL(n.proposed, 4); /* the second executed row is a move of its own */
    CU_ASSERT_EQUAL(n.accepted, 3);
    CU_ASSERT_EQUAL(n.optimizations, 2);
    CU_ASSERT_EQUAL(n.failed, 1);
    CU_ASSERT_EQUAL(n.live, 1);
    CU_ASSERT_DOUBLE_EQUAL(n.action_rate, 0.75, 1e-12);
    n = numbers_of(ledger, window(0, 2)); /* as it was then */
    CU_ASSERT_EQUAL(n.proposed, 2);
    CU_ASSERT_EQUAL(n.optimizations, 0);
    spotopt_ledger_free(ledger);
}

/* --- overrides --- */

static double
spot_frac(const spotopt_ledger *ledger, const char *cluster, int64_t now, const char **id)
{
    double frac = -1.0;

    CU_ASSERT_EQUAL(spotopt_override_find(ledger, NULL, cluster, "t", now, 2.0, id, &frac, &err),
                    SPOTOPT_OK);
    return frac;
}

static void
test_override__is_forced_while_any_is_live_and_spot_comes_back_gradually(void)
{
    spotopt_override all = SPOTOPT_OVERRIDE_INIT, one = SPOTOPT_OVERRIDE_INIT;
    spotopt_ledger *ledger = read_rows("");
    const char *id = NULL;
    char *row = NULL;
    size_t length;

    one.id = "c-only";
    one.scope = "cluster";
    one.target = "c";
    one.author = "ann";
    one.reason = "release";
    one.time_ms = HOUR;
    one.until_ms = 10 * HOUR;
    all = one;
    all.id = "everything";
    all.scope = "all";
    all.target = NULL;
    all.from_ms = 2 * HOUR;
    all.until_ms = -1;
    CU_ASSERT_EQUAL(spotopt_override_set_row(NULL, &one, &row, &length, &err), SPOTOPT_OK);
    CU_ASSERT_EQUAL(spotopt_ledger_append(ledger, row, length, &err), SPOTOPT_OK);
    spotopt_text_free(NULL, row);
    CU_ASSERT_EQUAL(spotopt_override_set_row(NULL, &all, &row, &length, &err), SPOTOPT_OK);
    CU_ASSERT_EQUAL(spotopt_ledger_append(ledger, row, length, &err), SPOTOPT_OK);
    spotopt_text_free(NULL, row);

    CU_ASSERT_EQUAL(spot_frac(ledger, "c", HOUR - 1, &id), 1.0);
    CU_ASSERT_EQUAL(spot_frac(ledger, "c", HOUR, &id), 0.0);
    CU_ASSERT_STRING_EQUAL(id, "c-only");
    CU_ASSERT_EQUAL(spot_frac(ledger, "d", HOUR, &id), 1.0);
    CU_ASSERT_PTR_NULL(id);
    CU_ASSERT_EQUAL(spot_frac(ledger, "d", 2 * HOUR, &id), 0.0);
    CU_ASSERT_EQUAL(spot_frac(ledger, "c", 2 * HOUR, &id), 0.0);
    CU_ASSERT_STRING_EQUAL(id, "everything"); /* the widest */

    CU_ASSERT_EQUAL(
        spotopt_override_lift_row(ledger, "nobody's", "ann", "", 4 * HOUR, &row, &length, &err),
        SPOTOPT_E_STATE);
    CU_ASSERT_EQUAL(
        spotopt_override_lift_row(ledger, "everything", "ann", "", 4 * HOUR, &row, &length, &err),
        SPOTOPT_OK);
    CU_ASSERT_EQUAL(spotopt_ledger_append(ledger, row, length, &err), SPOTOPT_OK);
    spotopt_text_free(NULL, row);
    CU_ASSERT_DOUBLE_EQUAL(spot_frac(ledger, "d", 5 * HOUR, &id), 0.5, 1e-12);
    CU_ASSERT_EQUAL(spot_frac(ledger, "d", 6 * HOUR, &id), 1.0);
    CU_ASSERT_EQUAL(spot_frac(ledger, "c", 9 * HOUR, &id), 0.0); /* its own still holds */
    CU_ASSERT_DOUBLE_EQUAL(spot_frac(ledger, "c", 10 * HOUR + HOUR / 2, &id), 0.25, 1e-12);
    CU_ASSERT_EQUAL(
        spotopt_override_lift_row(ledger, "everything", "ann", "", 5 * HOUR, &row, &length, &err),
        SPOTOPT_E_STATE); /* it is over */
    spotopt_ledger_free(ledger);
}

static void
test_override__the_policy_with_them_differs_in_nothing_else(void)
{
    static const char own[] =
        "{\"kind\":\"Policy\",\"spot\":{\"on_demand_frac\":0.3},\"headroom\":{\"cpu_frac\":0.1},"
        "\"overrides\":[{\"scope\":\"instance\",\"target\":\"i\",\"author\":\"x\",\"reason\":\"y\"}"
        "]}";
    spotopt_ledger *ledger = read_rows(
        "{\"time_ms\":0,\"type\":\"override\",\"id\":\"o\",\"scope\":\"cluster\",\"target\":\"c\","
        "\"author\":\"a\",\"reason\":\"r\",\"until_ms\":3600000,\"state\":\"set\"}");
    spotopt_policy *policy = NULL, *merged = NULL;
    char *text = NULL, *before = NULL;
    size_t length;

    CU_ASSERT_EQUAL_FATAL(spotopt_policy_parse(NULL, own, sizeof own - 1, "p", &policy, &err),
                          SPOTOPT_OK);
    CU_ASSERT_EQUAL(spotopt_policy_write(policy, &before, &length, &err), SPOTOPT_OK);
    /* Long after, it is the policy itself. */
    CU_ASSERT_EQUAL_FATAL(
        spotopt_policy_with_overrides(policy, ledger, "c", NULL, 9 * HOUR, 1.0, &merged, &err),
        SPOTOPT_OK);
    CU_ASSERT_EQUAL(spotopt_policy_write(merged, &text, &length, &err), SPOTOPT_OK);
    CU_ASSERT_STRING_EQUAL(text, before);
    spotopt_text_free(NULL, text);
    spotopt_policy_free(merged);
    /* While it is live it stands beside the policy's own. */
    CU_ASSERT_EQUAL_FATAL(
        spotopt_policy_with_overrides(policy, ledger, "c", NULL, HOUR / 2, 1.0, &merged, &err),
        SPOTOPT_OK);
    CU_ASSERT_EQUAL(spotopt_policy_write(merged, &text, &length, &err), SPOTOPT_OK);
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "\"scope\":\"cluster\""));
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "\"scope\":\"instance\""));
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "1970-01-01T01:00:00Z"));
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "\"on_demand_frac\":0.3"));
    spotopt_text_free(NULL, text);
    spotopt_policy_free(merged);
    /* A quarter of the way back three quarters stay on demand; elsewhere the policy's share. */
    for (int i = 0; i < 2; i++) {
        CU_ASSERT_EQUAL_FATAL(spotopt_policy_with_overrides(policy, ledger, i == 0 ? "c" : "d",
                                                            NULL, HOUR + HOUR / 4, 1.0, &merged,
                                                            &err),
                              SPOTOPT_OK);
        CU_ASSERT_EQUAL(spotopt_policy_write(merged, &text, &length, &err), SPOTOPT_OK);
        CU_ASSERT_PTR_NOT_NULL(
            strstr(text, i == 0 ? "\"on_demand_frac\":0.75" : "\"on_demand_frac\":0.3"));
        spotopt_text_free(NULL, text);
        spotopt_policy_free(merged);
    }
    spotopt_text_free(NULL, before);
    spotopt_policy_free(policy);
    spotopt_ledger_free(ledger);
}

static void
test_ledger__every_allocation_may_fail(void)
{
    static const char more[] =
        "{\"time_ms\":8,\"type\":\"override\",\"id\":\"o\",\"scope\":\"client\",\"target\":\"t\","
        "\"author\":\"me\",\"state\":\"set\"}\n"
        "{\"time_ms\":9,\"type\":\"switch\",\"instance\":\"a1\",\"from_pool\":\"a\",\"to_pool\":"
        "\"b\","
        "\"state\":\"proposed\",\"alternates\":[\"c\"]}\n"
        "{\"time_ms\":9,\"type\":\"health\",\"component\":\"q\",\"state\":\"down\"}\n"
        "{\"time_ms\":9,\"type\":\"log\",\"component\":\"r\",\"text\":\"t\"}\n";
    fail_alloc allocator = FAIL_ALLOC_INIT;
    spotopt_status status;
    size_t n = 1;

    do {
        spotopt_context *context;
        spotopt_ledger *ledger = NULL;
        spotopt_policy *policy = NULL;

        fail_after(&allocator, n++);
        context = fail_alloc_context(&allocator);
        CU_ASSERT_PTR_NOT_NULL_FATAL(context);
        status = spotopt_ledger_parse(context, two_clusters, sizeof two_clusters - 1, "led",
                                      &ledger, &err);
        if (status == SPOTOPT_OK) {
            const size_t before = spotopt_ledger_count(ledger);

            status = spotopt_ledger_append(ledger, more, sizeof more - 1, &err);
            CU_ASSERT_EQUAL(spotopt_ledger_count(ledger), before + (status == SPOTOPT_OK ? 4 : 0));
        }
        for (int32_t part = 1; status == SPOTOPT_OK && part <= SPOTOPT_FLEET_OVERRIDES; part++) {
            char *text = NULL;
            size_t length;

            status = spotopt_fleet_write(ledger, part, NULL, &text, &length, &err);
            CU_ASSERT_EQUAL(status == SPOTOPT_OK, text != NULL);
            spotopt_text_free(context, text);
        }
        if (status == SPOTOPT_OK)
            status = spotopt_policy_with_overrides(NULL, ledger, "a", "t", 10, 1.0, &policy, &err);
        spotopt_policy_free(policy);
        spotopt_ledger_free(ledger);
        spotopt_context_free(context);
        CU_ASSERT_EQUAL(allocator.live, 0);
    } while (status == SPOTOPT_E_NOMEM);
    CU_ASSERT_EQUAL(status, SPOTOPT_OK);
    CU_ASSERT_TRUE(n > 50);
}

int
main(void)
{
    static const suite_test tests[] = {
        TEST(test_ledger__a_bad_row_is_refused_with_its_line_and_place),
        TEST(test_ledger__rows_may_come_in_any_order),
        TEST(test_ledger__subscribers_hear_of_added_rows_in_order_and_of_refused_ones_not_at_all),
        TEST(test_savings__a_node_taken_in_its_first_hour_is_not_billed_once_that_is_known),
        TEST(test_savings__are_ratios_of_sums_over_known_time),
        TEST(test_savings__the_equivalent_splits_by_on_demand_price_among_what_runs),
        TEST(test_savings__a_series_adds_up_to_the_window),
        TEST(test_numbers__notices_half_an_hour_apart_are_one_episode),
        TEST(test_numbers__a_move_is_counted_once_however_many_rows_tell_of_it),
        TEST(test_override__is_forced_while_any_is_live_and_spot_comes_back_gradually),
        TEST(test_override__the_policy_with_them_differs_in_nothing_else),
        TEST(test_ledger__every_allocation_may_fail),
    };

    return suite_run("ledger", tests, sizeof tests / sizeof *tests);
}
