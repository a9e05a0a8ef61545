/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_alloc_paths.c - every allocation of every public path fails, as tests/support/fail_alloc.h
 * tells: the n-th and all that follow, then the n-th alone. The call then says so, nothing stays
 * behind, and its outputs stay as they were.
 *
 * Every n gets its turn up to EVERY; a path with more (packing, plans) goes on in steps that grow
 * by 2 %, and the log says so. SPOTOPT_SLOW=1 in the environment takes every n of every path:
 * minutes.
 */
#include <stdbool.h>

#include "fail_alloc.h"
#include "small.h"
#include "suite.h"

enum { EVERY = 600, MODELLED_POOLS = 32, MODELLED_DAYS = 14 };

static small_texts texts;
static small_inputs whole; /* made with memory in plenty, for paths that start behind the parsers */
static spotopt_history
    *modelled; /* pools and days enough for a model, and for its drift to be told */
static char model_text[4096];
static char *plan_text, *ranking_text;
static size_t plan_length, ranking_length;

typedef spotopt_status (*path_fn)(spotopt_context *context, spotopt_error *err);

/* One run with the n-th allocation refused; whether all was as it must be. */
static bool
run_refused(const char *name, path_fn path, fail_alloc *allocator, size_t n, size_t calls,
            spotopt_status *out)
{
    spotopt_error err = SPOTOPT_ERROR_INIT;
    spotopt_context *context = fail_alloc_context(allocator);

    CU_ASSERT_PTR_NOT_NULL_FATAL(context);
    *out = path(context, &err);
    spotopt_context_free(context);
    if (allocator->live == 0 &&
        (*out == SPOTOPT_OK || (*out == SPOTOPT_E_NOMEM && err.message[0] != '\0')))
        return true;
    printf("\n    %s: allocation %zu of %zu refused: status %d (%s), %zu blocks left", name, n,
           calls, (int)*out, err.message, (size_t)allocator->live);
    CU_FAIL("a refused allocation was not handled");
    return false;
}

static void
fail_each(const char *name, path_fn path)
{
    const bool slow = getenv("SPOTOPT_SLOW") != NULL;
    fail_alloc allocator = FAIL_ALLOC_INIT;
    spotopt_status status;
    size_t runs = 0, covered = 0, calls;

    fail_never(&allocator);
    if (!run_refused(name, path, &allocator, 0, 0, &status))
        return;
    CU_ASSERT_EQUAL(status, SPOTOPT_OK);
    calls = allocator.calls;
    /* The context itself is the first block. */
    status = SPOTOPT_E_NOMEM;
    for (size_t n = 1; n <= calls + calls / 8; n += slow || n < EVERY ? 1 : 1 + n / 50) {
        fail_after(&allocator, n);
        if (!run_refused(name, path, &allocator, n, calls, &status))
            return;
        runs++;
        if (allocator.failed == 0)
            break;
        fail_once(&allocator, n);
        if (!run_refused(name, path, &allocator, n, calls, &status))
            return;
        covered++;
        status = SPOTOPT_E_NOMEM;
    }
    CU_ASSERT_EQUAL(status, SPOTOPT_OK); /* in the end it succeeds */
    printf("\n    %s: %zu of %zu allocations refused, with all that follow and alone", name,
           covered, calls - 1);
}

/* --- one path each
 * ------------------------------------------------------------------------------------------------
 */

#define PARSE_PATH(what, file, params)                                                             \
    static spotopt_status run_##what(spotopt_context *context, spotopt_error *err)                 \
    {                                                                                              \
        spotopt_##what *made = NULL;                                                               \
        const spotopt_status status = spotopt_##what##_parse(                                      \
            context, texts.what.at, texts.what.length, file, params & made, err);                  \
                                                                                                   \
        CU_ASSERT_EQUAL(status == SPOTOPT_OK, made != NULL);                                       \
        spotopt_##what##_free(made);                                                               \
        return status;                                                                             \
    }
#define NO_PARAMS NULL,

PARSE_PATH(cluster, "cluster.json", NO_PARAMS)
PARSE_PATH(catalog, "catalog.json", NO_PARAMS)
PARSE_PATH(history, "history.csv", )
PARSE_PATH(metrics, "metrics.json", )

static spotopt_status
run_policy(spotopt_context *context, spotopt_error *err)
{
    spotopt_policy *made = NULL;
    char *text = NULL;
    size_t length;
    spotopt_status status = spotopt_policy_parse(context, texts.policy.at, texts.policy.length,
                                                 "policy.json", &made, err);

    if (status == SPOTOPT_OK)
        status = spotopt_policy_write(made, &text, &length, err);
    CU_ASSERT_EQUAL(status == SPOTOPT_OK, text != NULL);
    spotopt_text_free(context, text);
    spotopt_policy_free(made);
    return status;
}

static spotopt_status
run_catalog_csv(spotopt_context *context, spotopt_error *err)
{
    static const char csv[] =
        "region,zone,instance_type,arch,vcpu,memory_mib,on_demand_usd_per_hour,spot_usd_per_hour\n"
        "r-1,,m5.large,amd64,2,8192,0.096,0.035\n"
        "r-1,,m5.xlarge,amd64,4,16384,0.192,0.07\n";
    spotopt_catalog_params params = SPOTOPT_CATALOG_PARAMS_INIT;
    spotopt_catalog *made = NULL;
    double prices[16] = {0};
    spotopt_status status;

    params.zones = "z-1,z-2";
    params.zone_map = "z-1=r-1a,z-2=r-1b";
    status =
        spotopt_catalog_parse(context, csv, sizeof csv - 1, "catalog.csv", &params, &made, err);
    if (status == SPOTOPT_OK) {
        const size_t count = spotopt_catalog_count(made);

        CU_ASSERT_EQUAL(count, 8);
        if (count <= sizeof prices / sizeof *prices)
            status = spotopt_catalog_set_prices(made, prices, count, err);
    }
    spotopt_catalog_free(made);
    return status;
}

static spotopt_status
run_options(spotopt_context *context, spotopt_error *err)
{
    spotopt_options *options = NULL;
    spotopt_status status = spotopt_options_new(context, &options, err);

    if (status == SPOTOPT_OK)
        status = spotopt_options_set_text(options, "gap_rel", "0.5", err);
    spotopt_options_free(options);
    return status;
}

static spotopt_status
run_risk(spotopt_context *context, spotopt_error *err)
{
    spotopt_risk *risk = NULL;
    spotopt_forecast forecast = SPOTOPT_FORECAST_INIT;
    spotopt_status status =
        spotopt_risk_score(context, whole.catalog, whole.history, SMALL_NOW_S, NULL, &risk, err);

    if (status == SPOTOPT_OK)
        status = spotopt_risk_at(risk, 0, 4.0, &forecast, err);
    spotopt_risk_free(risk);
    return status;
}

/* The hazard of the pools seen lately, of the document `model_text`. */
static spotopt_status
run_risk_model(spotopt_context *context, spotopt_error *err)
{
    static const double horizons_h[] = {1.0, 4.0, 24.0};
    spotopt_risk_params params = SPOTOPT_RISK_PARAMS_INIT;
    spotopt_model *model = NULL;
    spotopt_risk *risk = NULL;
    char *text = NULL;
    size_t length, explained = 0;
    double phi[2], base, total;
    spotopt_status status =
        spotopt_model_parse(context, model_text, strlen(model_text), "model", &model, err);

    params.history = modelled;
    params.model = model;
    params.now_s = MODELLED_DAYS * 86400.0;
    if (status == SPOTOPT_OK)
        status = spotopt_risk_score_with(context, &params, NULL, &risk, err);
    CU_ASSERT_EQUAL(status == SPOTOPT_OK, risk != NULL);
    for (size_t i = 0; status == SPOTOPT_OK && i < spotopt_risk_count(risk); i++) {
        status = spotopt_risk_explain(risk, i, 4.0, phi, 2, &base, &total, err);
        explained += status == SPOTOPT_OK;
    }
    if (status == SPOTOPT_OK) {
        spotopt_cusum cusum = SPOTOPT_CUSUM_INIT;
        double psi = -1.0;

        CU_ASSERT_EQUAL(explained, MODELLED_POOLS);
        CU_ASSERT_EQUAL(spotopt_risk_cusum(risk, &cusum, err), SPOTOPT_OK);
        CU_ASSERT_EQUAL(spotopt_risk_psi_at(risk, 0, NULL, &psi, err), SPOTOPT_OK);
        status = spotopt_risk_write(risk, horizons_h, 3, &text, &length, err);
    }
    CU_ASSERT_EQUAL(status == SPOTOPT_OK, text != NULL);
    spotopt_text_free(context, text);
    spotopt_risk_free(risk);
    spotopt_model_free(model);
    return status;
}

static spotopt_status
run_rank(spotopt_context *context, spotopt_error *err)
{
    spotopt_rank_params params = SPOTOPT_RANK_PARAMS_INIT;
    spotopt_pool_info info = SPOTOPT_POOL_INFO_INIT;
    spotopt_ranking *ranking = NULL;
    spotopt_model *model = NULL;
    char *text = NULL;
    size_t length;
    spotopt_status status =
        spotopt_model_parse(context, model_text, strlen(model_text), "model", &model, err);

    params.catalog = whole.catalog;
    params.history = whole.history;
    params.metrics = whole.metrics;
    params.policy = whole.policy;
    params.model = model;
    params.request = "cpu=1500m,memory=2Gi";
    params.now_s = SMALL_NOW_S;
    if (spotopt_catalog_pool_at(whole.catalog, 0, &info, NULL) == SPOTOPT_OK)
        params.current = info.id;
    if (status == SPOTOPT_OK)
        status = spotopt_rank(context, &params, NULL, &ranking, err);
    if (status == SPOTOPT_OK)
        status = spotopt_ranking_write(ranking, &text, &length, err);
    CU_ASSERT_EQUAL(status == SPOTOPT_OK, text != NULL);
    CU_ASSERT(text == NULL || strstr(text, "\"parts\"") != NULL);
    CU_ASSERT(text == NULL || strstr(text, "\"switch\"") != NULL);
    spotopt_text_free(context, text);
    spotopt_ranking_free(ranking);
    spotopt_model_free(model);
    return status;
}

static spotopt_status
run_drain(spotopt_context *context, spotopt_error *err)
{
    static const char *const nodes[] = {"n2", "n5"};
    spotopt_drain_params params = SPOTOPT_DRAIN_PARAMS_INIT;
    spotopt_drain *drain = NULL;
    char *text = NULL;
    size_t length;
    spotopt_status status;

    params.cluster = whole.cluster;
    params.catalog = whole.catalog;
    params.policy = whole.policy;
    params.nodes = nodes;
    params.node_count = 2;
    params.notice_s = 120.0;
    status = spotopt_drain_plan(context, &params, NULL, &drain, err);
    if (status == SPOTOPT_OK)
        status = spotopt_drain_write(drain, &text, &length, err);
    CU_ASSERT_EQUAL(status == SPOTOPT_OK, text != NULL);
    spotopt_text_free(context, text);
    spotopt_drain_free(drain);
    return status;
}

static spotopt_status
run_funnel(spotopt_context *context, spotopt_error *err)
{
    spotopt_funnel *sum = NULL, *one = NULL;
    char *text = NULL, *metrics = NULL;
    size_t length;
    spotopt_status status = spotopt_funnel_new(context, &sum, err);

    if (status == SPOTOPT_OK)
        status = spotopt_funnel_parse(context, plan_text, plan_length, "plan.json", &one, err);
    if (status == SPOTOPT_OK)
        status = spotopt_funnel_merge(sum, one, err);
    spotopt_funnel_free(one);
    one = NULL;
    if (status == SPOTOPT_OK)
        status =
            spotopt_funnel_parse(context, ranking_text, ranking_length, "ranking.json", &one, err);
    if (status == SPOTOPT_OK)
        status = spotopt_funnel_merge(sum, one, err);
    if (status == SPOTOPT_OK)
        status = spotopt_funnel_write(sum, &text, &length, err);
    if (status == SPOTOPT_OK)
        status = spotopt_funnel_write_openmetrics(sum, &metrics, &length, err);
    spotopt_text_free(context, text);
    spotopt_text_free(context, metrics);
    spotopt_funnel_free(one);
    spotopt_funnel_free(sum);
    return status;
}

static spotopt_status
run_pack(spotopt_context *context, spotopt_error *err)
{
    spotopt_problem *problem = NULL;
    spotopt_packing *packing = NULL, *read = NULL, *again = NULL;
    char *text = NULL;
    size_t length;
    spotopt_status status = spotopt_problem_parse(context, texts.problem.at, texts.problem.length,
                                                  "problem.json", &problem, err);

    if (status == SPOTOPT_OK)
        status = spotopt_problem_solve(problem, NULL, &packing, err);
    if (status == SPOTOPT_OK)
        status = spotopt_packing_write_json(packing, &text, &length, err);
    if (status == SPOTOPT_OK)
        status = spotopt_packing_parse(problem, text, length, "result.json", &read, err);
    if (status == SPOTOPT_OK)
        status = spotopt_problem_solve_from(problem, NULL, read, &again, err);
    CU_ASSERT_EQUAL(status == SPOTOPT_OK, again != NULL);
    spotopt_text_free(context, text);
    spotopt_problem_free(problem);
    spotopt_packing_free(packing);
    spotopt_packing_free(read);
    spotopt_packing_free(again);
    return status;
}

static spotopt_status
run_plan(spotopt_context *context, spotopt_error *err)
{
    spotopt_plan_params params = small_params(&whole);
    spotopt_plan_summary summary = SPOTOPT_PLAN_SUMMARY_INIT;
    spotopt_plan *plan = NULL;
    char *text = NULL;
    size_t length;
    spotopt_status status = spotopt_plan_make(context, &params, NULL, &plan, err);

    if (status == SPOTOPT_OK)
        status = spotopt_plan_summarize(plan, &summary, err);
    if (status == SPOTOPT_OK)
        status = spotopt_plan_write(plan, &text, &length, err);
    CU_ASSERT_EQUAL(status == SPOTOPT_OK, text != NULL);
    spotopt_text_free(context, text);
    spotopt_plan_free(plan);
    return status;
}

static spotopt_status
run_check(spotopt_context *context, spotopt_error *err)
{
    spotopt_plan_params params = small_params(&whole);
    char *report = NULL;
    size_t faults = 99;
    const spotopt_status status = spotopt_plan_check(context, &params, plan_text, plan_length,
                                                     "plan.json", &faults, &report, err);

    CU_ASSERT_EQUAL(status == SPOTOPT_OK, report != NULL);
    if (status == SPOTOPT_OK && faults != 0)
        printf("\n    %s", report);
    CU_ASSERT_EQUAL(faults, status == SPOTOPT_OK ? 0 : 99);
    spotopt_text_free(context, report);
    return status;
}

/* From documents to a document, all of it with one context. */
static spotopt_status
run_everything(spotopt_context *context, spotopt_error *err)
{
    small_inputs in = {NULL, NULL, NULL, NULL, NULL};
    spotopt_plan_params params;
    spotopt_plan *plan = NULL;
    char *text = NULL;
    size_t length;
    spotopt_status status = small_parse(context, &texts, &in, err);

    params = small_params(&in);
    if (status == SPOTOPT_OK)
        status = spotopt_plan_make(context, &params, NULL, &plan, err);
    small_inputs_free(&in); /* a plan holds what it needs */
    if (status == SPOTOPT_OK)
        status = spotopt_plan_write(plan, &text, &length, err);
    spotopt_text_free(context, text);
    spotopt_plan_free(plan);
    return status;
}

/* --- tests
 * --------------------------------------------------------------------------------------------------------
 */

#define FAIL_EACH(what, sentence)                                                                  \
    static void sentence(void)                                                                     \
    {                                                                                              \
        fail_each(#what, run_##what);                                                              \
    }

FAIL_EACH(cluster, test_alloc_paths__cluster_parser_survives_every_refusal)
FAIL_EACH(catalog, test_alloc_paths__catalog_parser_survives_every_refusal)
FAIL_EACH(catalog_csv, test_alloc_paths__catalog_table_survives_every_refusal)
FAIL_EACH(policy, test_alloc_paths__policy_survives_every_refusal)
FAIL_EACH(history, test_alloc_paths__history_parser_survives_every_refusal)
FAIL_EACH(metrics, test_alloc_paths__metrics_parser_survives_every_refusal)
FAIL_EACH(options, test_alloc_paths__options_survive_every_refusal)
FAIL_EACH(risk, test_alloc_paths__risk_survives_every_refusal)
FAIL_EACH(risk_model, test_alloc_paths__risk_by_a_model_survives_every_refusal)
FAIL_EACH(rank, test_alloc_paths__ranking_survives_every_refusal)
FAIL_EACH(drain, test_alloc_paths__drain_survives_every_refusal)
FAIL_EACH(funnel, test_alloc_paths__funnel_survives_every_refusal)
FAIL_EACH(pack, test_alloc_paths__packing_survives_every_refusal)
FAIL_EACH(plan, test_alloc_paths__plan_survives_every_refusal)
FAIL_EACH(check, test_alloc_paths__check_survives_every_refusal)
FAIL_EACH(everything, test_alloc_paths__whole_decision_survives_every_refusal)

/* Each pool loses its node every other day; a model of one feature. */
static bool
make_modelled(spotopt_error *err)
{
    enum { ORDER = 10, ROW = 48 };
    char *text = malloc(128 + (size_t)ROW * (2 * MODELLED_DAYS + 2) * MODELLED_POOLS);
    size_t at;
    bool ok;

    if (text == NULL)
        return false;
    at = (size_t)sprintf(text, "pool,region,zone,instance_type,time_s,nodes_up\n");
    for (int p = 0; p < MODELLED_POOLS; p++) {
        at += (size_t)sprintf(text + at, "p%d,r,z,m5.large,0,1\n", p);
        for (int d = p % 2; d < MODELLED_DAYS; d += 2) {
            const int t = d * 86400 + 2000 * p + 100;

            at += (size_t)sprintf(text + at, "p%d,r,z,m5.large,%d,0\np%d,r,z,m5.large,%d,1\n", p, t,
                                  p, t + 300);
        }
        at += (size_t)sprintf(text + at, "p%d,r,z,m5.large,%d,1\n", p, MODELLED_DAYS * 86400);
    }
    ok = spotopt_history_parse(NULL, text, at, "history", &modelled, err) == SPOTOPT_OK;
    free(text);
    at = (size_t)sprintf(
        model_text,
        "{\"apiVersion\":\"spotopt/v1\",\"kind\":\"Model\",\"schema_version\":1,\"id\":\"m\","
        "\"target\":\"drop\",\"hazard\":{\"lead_hours\":[0.25,0.5,1,2,4,8,16,24],"
        "\"intercepts\":[-5,-5,-4,-4,-3,-3,-2,-2],\"features\":[{\"name\":\"hours_up_log\","
        "\"mean\":2,\"scale\":1,\"beta\":-0.1,\"gamma\":0,\"edges\":[1,1.5,2,2.5,3,3.5,4,5,6]}],"
        "\"covariance\":[");
    for (int i = 0; i < ORDER; i++) {
        for (int j = 0; j < ORDER; j++)
            at += (size_t)sprintf(model_text + at, "%s%s", j == 0 ? i == 0 ? "[" : ",[" : ",",
                                  i == j ? "0.01" : "0");
        at += (size_t)sprintf(model_text + at, "]");
    }
    (void)sprintf(model_text + at,
                  "]},\"calibrators\":[{\"horizon_hours\":4,\"bias\":0,\"slope\":1,"
                  "\"evidence\":0.1,\"knots\":[]}],\"evidence\":{\"tau_hours\":6,"
                  "\"kappa\":0.5,\"alpha\":1,\"mean_per_hour\":0.02},\"lost_share\":0.5,"
                  "\"card\":{\"from_s\":0,\"to_s\":0,\"calibrate_to_s\":0,\"step_s\":900,"
                  "\"history_sha256\":\"\",\"rows\":1,\"events\":1,\"pools\":1,\"metrics\":[],"
                  "\"limits\":\"\"}}");
    return ok;
}

static bool
make_documents(void)
{
    spotopt_plan_params params;
    spotopt_rank_params wanted = SPOTOPT_RANK_PARAMS_INIT;
    spotopt_plan *plan = NULL;
    spotopt_ranking *ranking = NULL;
    spotopt_error err = SPOTOPT_ERROR_INIT;
    bool ok;

    texts = small_read_all();
    if (small_parse(NULL, &texts, &whole, &err) != SPOTOPT_OK) {
        fprintf(stderr, "%s\n", err.message);
        return false;
    }
    if (!make_modelled(&err)) {
        fprintf(stderr, "%s\n", err.message);
        return false;
    }
    params = small_params(&whole);
    wanted.catalog = whole.catalog;
    wanted.request = "cpu=1";
    ok = spotopt_plan_make(NULL, &params, NULL, &plan, &err) == SPOTOPT_OK &&
         spotopt_plan_write(plan, &plan_text, &plan_length, &err) == SPOTOPT_OK &&
         spotopt_rank(NULL, &wanted, NULL, &ranking, &err) == SPOTOPT_OK &&
         spotopt_ranking_write(ranking, &ranking_text, &ranking_length, &err) == SPOTOPT_OK;
    if (!ok)
        fprintf(stderr, "%s\n", err.message);
    spotopt_plan_free(plan);
    spotopt_ranking_free(ranking);
    return ok;
}

int
main(void)
{
    static const suite_test tests[] = {
        TEST(test_alloc_paths__cluster_parser_survives_every_refusal),
        TEST(test_alloc_paths__catalog_parser_survives_every_refusal),
        TEST(test_alloc_paths__catalog_table_survives_every_refusal),
        TEST(test_alloc_paths__policy_survives_every_refusal),
        TEST(test_alloc_paths__history_parser_survives_every_refusal),
        TEST(test_alloc_paths__metrics_parser_survives_every_refusal),
        TEST(test_alloc_paths__options_survive_every_refusal),
        TEST(test_alloc_paths__risk_survives_every_refusal),
        TEST(test_alloc_paths__risk_by_a_model_survives_every_refusal),
        TEST(test_alloc_paths__ranking_survives_every_refusal),
        TEST(test_alloc_paths__drain_survives_every_refusal),
        TEST(test_alloc_paths__funnel_survives_every_refusal),
        TEST(test_alloc_paths__packing_survives_every_refusal),
        TEST(test_alloc_paths__plan_survives_every_refusal),
        TEST(test_alloc_paths__check_survives_every_refusal),
        TEST(test_alloc_paths__whole_decision_survives_every_refusal),
    };
    int result = 2;

    if (make_documents())
        result = suite_run("alloc_paths", tests, sizeof tests / sizeof *tests);
    spotopt_text_free(NULL, plan_text);
    spotopt_text_free(NULL, ranking_text);
    spotopt_history_free(modelled);
    small_inputs_free(&whole);
    small_texts_free(&texts);
    return result;
}
