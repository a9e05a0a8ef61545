/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "fail_alloc.h"
#include "model/history.h"
#include "suite.h"

#define HEAD "pool,region,zone,instance_type,time_s,nodes_up\n"

static spotopt_error err;

static void
test_history__lays_alternating_rows_together_by_pool(void)
{
    const char *text = HEAD
        "b,r,z1,m5.large,0,2\na,r,z2,c5.large,5,1\nb,,,,10,1\na,r,z2,c5.large,7.5,\nb,,,,20,0\n"
        "a,r,z2,c5.large,7.5,4\n";
    spotopt_history *h = NULL;

    CU_ASSERT_EQUAL_FATAL(spotopt_history_parse(NULL, text, strlen(text), "h.csv", &h, &err),
                          SPOTOPT_OK);
    CU_ASSERT_EQUAL(spotopt_history_count(h), 6);
    CU_ASSERT_EQUAL(h->series.count, 2);
    CU_ASSERT_STRING_EQUAL(h->series.at[0].pool, "b");
    CU_ASSERT_STRING_EQUAL(h->series.at[0].zone, "z1");
    CU_ASSERT_STRING_EQUAL(h->series.at[1].instance_type, "c5.large");
    CU_ASSERT(h->series.at[0].first == 0 && h->series.at[0].count == 3);
    CU_ASSERT(h->series.at[1].first == 3 && h->series.at[1].count == 3);
    CU_ASSERT(h->time_s[2] == 20 && h->nodes_up[2] == 0);
    CU_ASSERT(h->time_s[4] == 7.5 && isnan(h->nodes_up[4]) && h->nodes_up[5] == 4);
    CU_ASSERT_EQUAL(spotopt__map_get(&h->series_by_pool, "a"), 1);
    spotopt_history_free(h);
}

static void
test_history__says_where_and_what_it_refuses(void)
{
    static const struct {
        const char *text, *says;
    } bad[] = {
        {"pool,time_s\n", "h.csv:1: no column nodes_up; want one"},
        {HEAD ",r,z,t,0,1\n", "h.csv:2: pool is \"\"; want a pool's id"},
        {HEAD "a,r,z,t,,1\n", "h.csv:2: time_s is \"\"; want seconds"},
        {HEAD "a,r,z,t,x,1\n", "h.csv:2: time_s is \"x\"; want seconds"},
        {HEAD "a,r,z,t,1e13,1\n", "h.csv:2: time_s is \"1e13\"; want seconds"},
        {HEAD "a,r,z,t,0,-1\n",
         "h.csv:2: nodes_up is \"-1\"; want a whole number of nodes, or nothing"},
        {HEAD "a,r,z,t,0,1.5\n", "h.csv:2: nodes_up is \"1.5\""},
        {HEAD "a,r,z,t,5,1\nb,r,z,t,0,1\na,r,z,t,4,1\n",
         "h.csv:4: time_s is \"4\"; want a time after the pool's last row"},
        {HEAD "a,r,z,t,5,1\na,r,z,t,5,2\n", "h.csv:3: time_s is \"5\""},
        {HEAD "a,r,z,t,5,\na,r,z,t,5,\n", "h.csv:3: time_s is \"5\""},
        {HEAD "a,r,z,t,5,1\na,r,y,t,6,2\n",
         "h.csv:3: zone is \"y\"; want the same as in earlier rows of the pool"},
        {HEAD "a,r,z,t,5,1\na,r,z,u,6,2\n", "h.csv:3: instance_type is \"u\""},
        {HEAD "a,r,z,t,5\n", "h.csv:2: 5 fields; want 6"},
    };

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        spotopt_history *h = NULL;

        err = (spotopt_error)SPOTOPT_ERROR_INIT;
        CU_ASSERT_EQUAL(
            spotopt_history_parse(NULL, bad[i].text, strlen(bad[i].text), "h.csv", &h, &err),
            SPOTOPT_E_INPUT);
        CU_ASSERT_PTR_NULL(h);
        if (strstr(err.message, bad[i].says) == NULL) {
            printf("\n  got  %s\n  want %s\n", err.message, bad[i].says);
            CU_FAIL("another message");
        }
    }
}

static const char metrics_text[] =
    "{\"kind\":\"Metrics\",\"pools\":{\"a/b\":{\"latency_ms\":20,\"throughput_rps\":null}},"
    "\"nodes\":{\"n\":{\"cpu_free_frac\":0.25,\"memory_free_frac\":0.5}},"
    "\"instances\":{\"i-1\":{\"error_frac\":0.01},\"i-2\":{}}}";

static void
test_metrics__reads_what_is_there_and_leaves_the_rest_unknown(void)
{
    spotopt_metrics *m = NULL;

    CU_ASSERT_EQUAL_FATAL(
        spotopt_metrics_parse(NULL, metrics_text, strlen(metrics_text), "m.json", &m, &err),
        SPOTOPT_OK);
    CU_ASSERT(m->pools.count == 1 && m->nodes.count == 1 && m->instances.count == 2);
    CU_ASSERT(m->pools.at[0].latency_ms == 20 && isnan(m->pools.at[0].throughput_rps));
    CU_ASSERT(m->nodes.at[spotopt__map_get(&m->node_by_name, "n")].cpu_free_frac == 0.25);
    CU_ASSERT(isnan(m->instances.at[1].error_frac));
    spotopt_metrics_free(m);
}

static void
test_metrics__says_where_and_what_it_refuses(void)
{
    static const struct {
        const char *text, *says;
    } bad[] = {
        {"{}", "m.json: /kind"},
        {"{\"kind\":\"Metrics\",\"pools\":[]}", "m.json: /pools: want an object"},
        {"{\"kind\":\"Metrics\",\"pools\":{\"a/b\":3}}", "m.json: /pools/a~1b: want an object"},
        {"{\"kind\":\"Metrics\",\"nodes\":{\"a\":{\"latency_ms\":-1}}}",
         "m.json: /nodes/a/latency_ms: want a number"},
        {"{\"kind\":\"Metrics\",\"nodes\":{\"a\":{\"error_frac\":1.5}}}",
         "m.json: /nodes/a/error_frac: want a number from 0 to 1"},
        {"{\"kind\":\"Metrics\",\"nodes\":{\"a\":{\"cpu_free_frac\":\"x\"}}}",
         "m.json: /nodes/a/cpu_free_frac"},
        {"{\"kind\":\"Metrics\",\"nodes\":{\"a\":{},\"a\":{}}}", "m.json"},
        {"", "m.json"},
    };

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        spotopt_metrics *m = NULL;

        err = (spotopt_error)SPOTOPT_ERROR_INIT;
        CU_ASSERT_EQUAL(
            spotopt_metrics_parse(NULL, bad[i].text, strlen(bad[i].text), "m.json", &m, &err),
            SPOTOPT_E_INPUT);
        if (strstr(err.message, bad[i].says) == NULL) {
            printf("\n  got  %s\n  want %s\n", err.message, bad[i].says);
            CU_FAIL("another message");
        }
    }
}

static void
test_history__and_metrics_survive_every_failing_allocation(void)
{
    const char *text = HEAD "b,r,z1,m5.large,0,2\na,r,z2,c5.large,5,1\nb,,,,10,1\n";
    fail_alloc allocator = FAIL_ALLOC_INIT;
    spotopt_status status;
    size_t n = 0;

    do {
        spotopt_history *h = NULL;
        spotopt_metrics *m = NULL;

        fail_after(&allocator, n++);
        spotopt_context *context = fail_alloc_context(&allocator);
        status = context == NULL
                     ? SPOTOPT_E_NOMEM
                     : spotopt_history_parse(context, text, strlen(text), "h", &h, NULL);
        if (status == SPOTOPT_OK)
            status =
                spotopt_metrics_parse(context, metrics_text, strlen(metrics_text), "m", &m, NULL);
        spotopt_history_free(h);
        spotopt_metrics_free(m);
        spotopt_context_free(context);
        CU_ASSERT_EQUAL(allocator.live, 0);
    } while (status == SPOTOPT_E_NOMEM && n < 10000);
    CU_ASSERT_EQUAL(status, SPOTOPT_OK);
    CU_ASSERT(n > 10);
}

int
main(void)
{
    static const suite_test tests[] = {
        TEST(test_history__lays_alternating_rows_together_by_pool),
        TEST(test_history__says_where_and_what_it_refuses),
        TEST(test_metrics__reads_what_is_there_and_leaves_the_rest_unknown),
        TEST(test_metrics__says_where_and_what_it_refuses),
        TEST(test_history__and_metrics_survive_every_failing_allocation),
    };

    return suite_run("history", tests, sizeof tests / sizeof *tests);
}
