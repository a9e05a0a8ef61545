/* SPDX-License-Identifier: Apache-2.0 */
/* A ranking as a user has it: catalog, history, request in, order and document out. */
#include <spotopt/spotopt.h>
#include <string.h>

#include "suite.h"

static const char catalog_text[] =
    "region,zone,instance_type,vcpu,memory_mib,on_demand_usd_per_hour,spot_usd_per_hour,"
    "interruption_bucket\n"
    "r,z,small.large,4,16384,0.2,0.08,0\n" /* two replicas */
    "r,z,big.metal,128,524288,6.4,1.6,0\n" /* half of small's price a replica, when it is full */
    "r,z,risky.large,4,16384,0.2,0.08,4\n" /* small's twin, but reclaimed more often */
    "r,z,tiny.nano,1,512,0.01,0.001,0\n";  /* takes none */
static const char history_text[] =
    "pool,region,zone,instance_type,time_s,nodes_up\n"
    "small.large/z/spot,r,z,small.large,0,10\nsmall.large/z/spot,r,z,small.large,359000,2\n"
    "risky.large/z/spot,r,z,risky.large,0,10\n";

static spotopt_error err;

static spotopt_ranking *
rank(const spotopt_catalog *catalog, const spotopt_history *history, uint32_t count)
{
    spotopt_rank_params params = SPOTOPT_RANK_PARAMS_INIT;
    spotopt_ranking *ranking = NULL;

    params.catalog = catalog;
    params.history = history;
    params.request = "cpu=1500m,memory=4Gi";
    params.count = count;
    params.now_s = 360000;
    CU_ASSERT_EQUAL(spotopt_rank(NULL, &params, NULL, &ranking, &err), SPOTOPT_OK);
    CU_ASSERT_PTR_NOT_NULL_FATAL(ranking);
    return ranking;
}

/* The place of a pool, or -1. */
static int
place_of(const spotopt_catalog *catalog, const spotopt_ranking *ranking, const char *id)
{
    for (size_t i = 0; i < spotopt_ranking_count(ranking); i++) {
        spotopt_pool_info info = SPOTOPT_POOL_INFO_INIT;
        uint32_t pool;
        double score;

        CU_ASSERT_EQUAL(spotopt_ranking_at(ranking, i, &pool, &score, &err), SPOTOPT_OK);
        CU_ASSERT(score > 0.0 && score <= 100.0);
        CU_ASSERT_EQUAL(spotopt_catalog_pool_at(catalog, pool, &info, &err), SPOTOPT_OK);
        if (strcmp(info.id, id) == 0)
            return (int)i;
    }
    return -1;
}

static spotopt_catalog *
read_catalog(void)
{
    spotopt_catalog *catalog = NULL;

    CU_ASSERT_EQUAL(
        spotopt_catalog_parse(NULL, catalog_text, strlen(catalog_text), "c", NULL, &catalog, &err),
        SPOTOPT_OK);
    CU_ASSERT_PTR_NOT_NULL_FATAL(catalog);
    return catalog;
}

static void
test_rank__buys_a_large_machine_only_for_many_replicas(void)
{
    spotopt_catalog *catalog = read_catalog();
    spotopt_ranking *one = rank(catalog, NULL, 1), *many = rank(catalog, NULL, 500);

    CU_ASSERT_EQUAL(spotopt_ranking_count(one), 6);
    CU_ASSERT_EQUAL(place_of(catalog, one, "small.large/z/spot"), 0);
    CU_ASSERT(place_of(catalog, one, "big.metal/z/spot") > 1);
    CU_ASSERT_EQUAL(place_of(catalog, many, "big.metal/z/spot"), 0);
    CU_ASSERT_EQUAL(place_of(catalog, many, "tiny.nano/z/spot"), -1);
    CU_ASSERT(place_of(catalog, many, "small.large/z/spot") <
              place_of(catalog, many, "small.large/z/on-demand"));
    spotopt_ranking_free(one);
    spotopt_ranking_free(many);
    spotopt_catalog_free(catalog);
}

static void
test_rank__follows_what_history_shows_over_the_vendors_word(void)
{
    spotopt_catalog *catalog = read_catalog();
    spotopt_history *history = NULL;
    spotopt_ranking *by_word, *by_past;

    CU_ASSERT_EQUAL_FATAL(
        spotopt_history_parse(NULL, history_text, strlen(history_text), "h", &history, &err),
        SPOTOPT_OK);
    by_word = rank(catalog, NULL, 1);
    by_past = rank(catalog, history, 1);
    CU_ASSERT(place_of(catalog, by_word, "small.large/z/spot") <
              place_of(catalog, by_word, "risky.large/z/spot"));
    CU_ASSERT(place_of(catalog, by_past, "small.large/z/spot") >
              place_of(catalog, by_past, "risky.large/z/spot"));
    spotopt_ranking_free(by_word);
    spotopt_ranking_free(by_past);
    spotopt_history_free(history);
    spotopt_catalog_free(catalog);
}

static void
test_rank__writes_the_same_document_twice(void)
{
    spotopt_catalog *catalog = read_catalog();
    spotopt_ranking *a = rank(catalog, NULL, 7), *b = rank(catalog, NULL, 7);
    char *first = NULL, *second = NULL;
    size_t length;

    CU_ASSERT_EQUAL_FATAL(spotopt_ranking_write(a, &first, &length, &err), SPOTOPT_OK);
    CU_ASSERT_EQUAL(strlen(first), length);
    CU_ASSERT_EQUAL_FATAL(spotopt_ranking_write(b, &second, NULL, &err), SPOTOPT_OK);
    CU_ASSERT_STRING_EQUAL(first, second);
    CU_ASSERT_PTR_NOT_NULL(strstr(first, "\"too_small\""));
    spotopt_text_free(NULL, first);
    spotopt_text_free(NULL, second);
    spotopt_ranking_free(a);
    spotopt_ranking_free(b);
    spotopt_catalog_free(catalog);
}

static void
test_rank__refuses_a_request_that_cannot_be_read(void)
{
    static const char *const bad[] = {"cpu", "cpu=x", "cpu=-1", "=1", ""};
    spotopt_catalog *catalog = read_catalog();

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        spotopt_rank_params params = SPOTOPT_RANK_PARAMS_INIT;
        spotopt_ranking *ranking = NULL;

        params.catalog = catalog;
        params.request = bad[i];
        CU_ASSERT_EQUAL(spotopt_rank(NULL, &params, NULL, &ranking, &err), SPOTOPT_E_ARGUMENT);
        CU_ASSERT_PTR_NULL(ranking);
    }
    spotopt_catalog_free(catalog);
}

static void
test_rank__tells_what_runs_to_stay_or_to_move(void)
{
    spotopt_catalog *catalog = read_catalog();
    spotopt_rank_params params = SPOTOPT_RANK_PARAMS_INIT;
    spotopt_policy *policy = NULL;
    spotopt_ranking *ranking = rank(catalog, NULL, 3);
    static const char free_moves[] =
        "{\"apiVersion\":\"spotopt/v1\",\"kind\":\"Policy\",\"change\":{"
        "\"min_saving_frac\":0,\"move_usd\":0,\"standard_errors\":0}}";
    const size_t count = spotopt_ranking_count(ranking);
    spotopt_switch advice = SPOTOPT_SWITCH_INIT;
    uint32_t first = 0;

    CU_ASSERT_EQUAL(spotopt_ranking_switch(ranking, &advice, &err), SPOTOPT_OK);
    CU_ASSERT_EQUAL(advice.why, SPOTOPT_SWITCH_NONE);
    CU_ASSERT_EQUAL(advice.to_pool, UINT32_MAX);
    CU_ASSERT_EQUAL(spotopt_ranking_at(ranking, 0, &first, NULL, &err), SPOTOPT_OK);
    CU_ASSERT_EQUAL(
        spotopt_policy_parse(NULL, free_moves, sizeof free_moves - 1, "p", &policy, &err),
        SPOTOPT_OK);
    params.catalog = catalog;
    params.policy = policy;
    params.request = "cpu=1500m,memory=4Gi";
    params.count = 3;
    params.now_s = 360000;
    for (size_t place = 0; place < count; place++) {
        spotopt_pool_info info = SPOTOPT_POOL_INFO_INIT;
        spotopt_ranking *again = NULL;
        uint32_t pool;

        CU_ASSERT_EQUAL(spotopt_ranking_at(ranking, place, &pool, NULL, &err), SPOTOPT_OK);
        CU_ASSERT_EQUAL(spotopt_catalog_pool_at(catalog, pool, &info, &err), SPOTOPT_OK);
        params.current = info.id;
        params.current_since_s = -INFINITY;
        CU_ASSERT_EQUAL(spotopt_rank(NULL, &params, NULL, &again, &err), SPOTOPT_OK);
        CU_ASSERT_EQUAL(spotopt_ranking_switch(again, &advice, &err), SPOTOPT_OK);
        CU_ASSERT_EQUAL(advice.why, place == 0 ? SPOTOPT_SWITCH_IS_FIRST : SPOTOPT_SWITCH_WORTH);
        CU_ASSERT_EQUAL(advice.replicas, place == 0 ? 0 : 3);
        CU_ASSERT(place == 0 || advice.to_pool == first);
        spotopt_ranking_free(again);
        params.current_since_s = params.now_s - 60.0;
        CU_ASSERT_EQUAL(spotopt_rank(NULL, &params, NULL, &again, &err), SPOTOPT_OK);
        CU_ASSERT_EQUAL(spotopt_ranking_switch(again, &advice, &err), SPOTOPT_OK);
        CU_ASSERT_EQUAL(advice.why, place == 0 ? SPOTOPT_SWITCH_IS_FIRST : SPOTOPT_SWITCH_DWELL);
        spotopt_ranking_free(again);
    }
    params.current = "no such pool";
    spotopt_ranking *none = NULL;
    CU_ASSERT_EQUAL(spotopt_rank(NULL, &params, NULL, &none, &err), SPOTOPT_E_ARGUMENT);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.message, "no such pool"));
    CU_ASSERT_PTR_NULL(none);
    spotopt_ranking_free(ranking);
    spotopt_policy_free(policy);
    spotopt_catalog_free(catalog);
}

int
main(void)
{
    static const suite_test tests[] = {
        TEST(test_rank__buys_a_large_machine_only_for_many_replicas),
        TEST(test_rank__follows_what_history_shows_over_the_vendors_word),
        TEST(test_rank__writes_the_same_document_twice),
        TEST(test_rank__tells_what_runs_to_stay_or_to_move),
        TEST(test_rank__refuses_a_request_that_cannot_be_read),
    };

    return suite_run("rank_api", tests, sizeof tests / sizeof *tests);
}
