/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Plans of random small clusters, each judged by the independent checker: no budget broken, no
 * capacity exceeded, every pod placed or explained, the funnel adds up, the bound below the
 * objective; and planning again gives the same bytes. Count: first argument, or
 * SPOTOPT_CASES, or 10,000; a million with SPOTOPT_SLOW set.
 */
#include <CUnit/Basic.h>
#include <math.h>
#include <stdlib.h>

#include "random_cluster.h"
#include "spotopt/spotopt.h"
#include "suite.h"

static unsigned long cases = 10000;

/* Little work for each, so that many can be tried; the usual amount now and then. */
static char *
make_plan(const spotopt_plan_params *params, bool is_thorough, spotopt_plan_summary *summary,
          size_t *length)
{
    spotopt_error err = SPOTOPT_ERROR_INIT;
    spotopt_options *options = NULL;
    spotopt_plan *plan = NULL;
    char *text = NULL;
    spotopt_status status = spotopt_options_new(NULL, &options, &err);

    /* Never the clock: the second plan must be the first one, also on a slow machine. */
    if (status == SPOTOPT_OK)
        status = spotopt_options_set_real(options, "deadline_s", 1e6, &err);
    if (status == SPOTOPT_OK && !is_thorough)
        status = spotopt_options_set_int(options, "work", 20000, &err);
    if (status == SPOTOPT_OK)
        status = spotopt_plan_make(NULL, params, options, &plan, &err);
    spotopt_options_free(options);
    if (status != SPOTOPT_OK) {
        printf("%s\n", err.message);
        return NULL;
    }
    if (spotopt_plan_summarize(plan, summary, &err) != SPOTOPT_OK ||
        spotopt_plan_write(plan, &text, length, &err) != SPOTOPT_OK)
        text = NULL;
    spotopt_plan_free(plan);
    return text;
}

static bool
plan_holds(uint64_t seed)
{
    static random_text cluster_text, catalog_text, policy_text;
    spotopt_error err = SPOTOPT_ERROR_INIT;
    spotopt_plan_params params = SPOTOPT_PLAN_PARAMS_INIT;
    spotopt_plan_summary summary = SPOTOPT_PLAN_SUMMARY_INIT;
    spotopt_cluster *cluster = NULL;
    spotopt_catalog *catalog = NULL;
    spotopt_policy *policy = NULL;
    spotopt_funnel *funnel = NULL;
    char *text = NULL, *again = NULL, *report = NULL;
    size_t length = 0, again_length = 0, faults = 1;
    bool ok = false;

    random_cluster(&cluster_text, seed);
    random_catalog(&catalog_text, seed);
    random_policy(&policy_text, seed);
    if (spotopt_cluster_parse(NULL, cluster_text.at, cluster_text.count, "cluster", NULL, &cluster,
                              &err) != SPOTOPT_OK ||
        spotopt_catalog_parse(NULL, catalog_text.at, catalog_text.count, "catalog", NULL, &catalog,
                              &err) != SPOTOPT_OK ||
        spotopt_policy_parse(NULL, policy_text.at, policy_text.count, "policy", &policy, &err) !=
            SPOTOPT_OK)
        goto done;
    params.cluster = cluster;
    params.catalog = catalog;
    params.policy = policy;
    params.now_s = 1793520000.0;
    text = make_plan(&params, seed % 100 == 0, &summary, &length);
    if (text == NULL ||
        spotopt_plan_check(NULL, &params, text, length, "plan", &faults, &report, &err) !=
            SPOTOPT_OK ||
        faults > 0 || spotopt_funnel_parse(NULL, text, length, "plan", &funnel, &err) != SPOTOPT_OK)
        goto done;
    ok = summary.gap >= 0.0 && summary.gap <= 1.0;
    if (ok && seed % 10 == 0) {
        again = make_plan(&params, seed % 100 == 0, &summary, &again_length);
        ok = again != NULL && again_length == length && memcmp(text, again, length) == 0;
        if (!ok)
            printf("another plan the second time\n");
    }
done:
    if (!ok)
        printf("seed %llu: %s %s\n", (unsigned long long)seed, err.message,
               report == NULL ? "" : report);
    spotopt_text_free(NULL, text);
    spotopt_text_free(NULL, again);
    spotopt_text_free(NULL, report);
    spotopt_funnel_free(funnel);
    spotopt_policy_free(policy);
    spotopt_catalog_free(catalog);
    spotopt_cluster_free(cluster);
    return ok;
}

static void
test_plan__holds_on_random_clusters(void)
{
    unsigned long failed = 0, seed;

    for (seed = 1; seed <= cases && failed < 5; seed++)
        failed += !plan_holds(seed);
    CU_ASSERT_EQUAL(failed, 0);
    printf("%lu clusters ", seed - 1);
}

int
main(int argc, char **argv)
{
    static const suite_test tests[] = {TEST(test_plan__holds_on_random_clusters)};

    if (getenv("SPOTOPT_SLOW") != NULL)
        cases = 1000000;
    else if (getenv("SPOTOPT_CASES") != NULL)
        cases = strtoul(getenv("SPOTOPT_CASES"), NULL, 10);
    if (argc > 1)
        cases = strtoul(argv[1], NULL, 10);
    if (argc > 2)
        return !plan_holds(strtoull(argv[2], NULL, 10));
    return suite_run("plan_random", tests, sizeof tests / sizeof *tests);
}
