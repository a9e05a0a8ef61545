/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "fail_alloc.h"
#include "model/policy.h"
#include "suite.h"

static spotopt_error err;

static spotopt_policy *
parse(const char *text)
{
    spotopt_policy *policy = NULL;

    CU_ASSERT_EQUAL(spotopt_policy_parse(NULL, text, text != NULL ? strlen(text) : 0, "policy.json",
                                         &policy, &err),
                    SPOTOPT_OK);
    if (policy == NULL)
        printf("  [%s]", err.message);
    CU_ASSERT_PTR_NOT_NULL_FATAL(policy);
    return policy;
}

static const char full[] =
    "{\"apiVersion\":\"spotopt/v1\",\"kind\":\"Policy\",\"parent\":null,"
    "\"weights\":{\"cost\":4,\"stability\":2,\"performance\":1,\"capacity\":1},"
    "\"score\":\"arithmetic\",\"slo\":{\"latency_ms\":[20,200],\"throughput_rps\":[500,50],\"error_"
    "frac\":[0.01,0.1]},"
    "\"interruption\":{\"cost_usd\":1.5,\"horizon_hours\":4,\"max_probability\":0.2,\"max_mean_"
    "probability\":0.1},"
    "\"spot\":{\"enabled\":false,\"on_demand_base\":2,\"on_demand_frac\":0.25},"
    "\"diversify\":[{\"key\":\"pool\",\"max_frac\":0.4},{\"key\":\"zone\",\"max_frac\":0.6}],"
    "\"allow\":{\"arch\":[\"amd64\",\"arm64\"],\"families\":[\"m5\"],\"exclude\":[\"t2.*\"],\"max_"
    "usd_per_hour\":3},"
    "\"quotas\":[{\"family\":\"standard\",\"purchase\":\"spot\",\"max_vcpu\":640},{\"max_vcpu\":1}]"
    ","
    "\"headroom\":{\"cpu_frac\":0.1,\"memory_frac\":0.2},"
    "\"commitments\":[{\"pool\":\"m5.large/*/on-demand\",\"count\":10,\"usd_per_hour\":0.5}],"
    "\"change\":{\"min_saving_frac\":0.1,\"min_dwell_minutes\":15,\"max_moves_per_hour\":5,\"move_"
    "usd\":0.02,\"horizon_hours\":8},"
    "\"overrides\":[{\"scope\":\"cluster\",\"target\":\"prod\",\"until\":\"2026-01-02T00:00:00Z\","
    "\"author\":\"ops\","
    "\"reason\":\"maintenance\"},{\"scope\":\"all\"}],"
    "\"solver\":{\"gap_rel\":0.02,\"deadline_s\":5,\"seed\":7}}";

static void
check_full(const spotopt_policy *p)
{
    CU_ASSERT_EQUAL(p->weights[SPOTOPT__FACTOR_COST], 0.5);
    CU_ASSERT_EQUAL(p->weights[SPOTOPT__FACTOR_STABILITY], 0.25);
    CU_ASSERT_EQUAL(p->weights[SPOTOPT__FACTOR_CAPACITY], 0.125);
    CU_ASSERT_EQUAL(p->score, SPOTOPT__SCORE_ARITHMETIC);
    CU_ASSERT(p->slo_latency_ms[0] == 20 && p->slo_latency_ms[1] == 200);
    CU_ASSERT(p->slo_throughput_rps[0] == 500 && p->slo_throughput_rps[1] == 50);
    CU_ASSERT(p->slo_error_frac[0] == 0.01 && p->slo_error_frac[1] == 0.1);
    CU_ASSERT(p->interruption_usd == 1.5 && p->horizon_h == 4);
    CU_ASSERT(p->max_probability == 0.2 && p->max_mean_probability == 0.1);
    CU_ASSERT(!p->spot_enabled && p->on_demand_base == 2 && p->on_demand_frac == 0.25);
    CU_ASSERT(p->diversify.count == 2 && p->diversify.at[1].max_frac == 0.6);
    CU_ASSERT_STRING_EQUAL(p->diversify.at[1].key, "zone");
    CU_ASSERT(p->arch.count == 2 && p->families.count == 1 && p->exclude.count == 1 &&
              p->max_usd_per_h == 3);
    CU_ASSERT(p->quotas.count == 2 && p->quotas.at[1].family == NULL &&
              p->quotas.at[0].max_vcpu == 640);
    CU_ASSERT(p->headroom_cpu_frac == 0.1 && p->headroom_memory_frac == 0.2);
    CU_ASSERT(p->commitments.count == 1 && p->commitments.at[0].count == 10 &&
              p->commitments.at[0].usd_per_h == 0.5);
    CU_ASSERT(p->min_saving_frac == 0.1 && p->min_dwell_min == 15 && p->max_moves_per_h == 5);
    CU_ASSERT(p->move_usd == 0.02 && p->change_horizon_h == 8);
    CU_ASSERT(p->overrides.count == 2 && p->overrides.at[0].until_s == 1767312000.0);
    CU_ASSERT(p->overrides.at[0].from_s == -INFINITY && p->overrides.at[1].until_s == INFINITY);
    CU_ASSERT(p->gap_rel == 0.02 && p->deadline_s == 5 && p->seed == 7);
}

static void
test_policy__reads_every_field_and_reads_back_what_it_writes(void)
{
    spotopt_policy *first = parse(full), *second;
    char *text = NULL, *again = NULL;
    size_t length;

    check_full(first);
    CU_ASSERT_EQUAL_FATAL(spotopt_policy_write(first, &text, &length, &err), SPOTOPT_OK);
    CU_ASSERT_EQUAL(strlen(text), length);
    second = parse(text);
    check_full(second);
    CU_ASSERT_EQUAL_FATAL(spotopt_policy_write(second, &again, &length, &err), SPOTOPT_OK);
    CU_ASSERT_STRING_EQUAL(text, again);
    spotopt_text_free(NULL, text);
    spotopt_text_free(NULL, again);
    spotopt_policy_free(first);
    spotopt_policy_free(second);
}

static void
test_policy__holds_the_documented_defaults(void)
{
    spotopt_policy *p = parse(NULL);
    double sum = 0;

    CU_ASSERT(p->weights[0] == 0.40 && p->weights[1] == 0.30 && p->weights[2] == 0.15 &&
              p->weights[3] == 0.15);
    for (int f = 0; f < SPOTOPT__FACTORS; f++)
        sum += p->weights[f];
    CU_ASSERT_DOUBLE_EQUAL(sum, 1.0, 1e-15);
    CU_ASSERT(p->interruption_usd == 0.5 && p->horizon_h == 24 && isnan(p->max_probability));
    CU_ASSERT(p->spot_enabled && p->on_demand_base == 0 && p->diversify.count == 0 &&
              p->exclude.count == 0);
    CU_ASSERT(p->arch.count == 1 && p->families.count == 0 && isnan(p->max_usd_per_h));
    CU_ASSERT(p->move_usd == 0.01 && p->change_horizon_h == 4 && p->min_dwell_min == 30 &&
              p->max_moves_per_h == 20);
    CU_ASSERT(isnan(p->gap_rel) && isnan(p->deadline_s) && isnan(p->seed));
    spotopt_policy_free(p);
    p = parse("{}");
    CU_ASSERT(p->weights[0] == 0.40 && p->slo_latency_ms[1] == 500);
    spotopt_policy_free(p);
}

static void
test_policy__is_completed_by_its_parent_field_by_field(void)
{
    spotopt_policy *p = parse(
        "{\"parent\":{\"parent\":{\"change\":{\"move_usd\":9}},"
        "\"weights\":{\"cost\":0.1,\"stability\":0.1},\"interruption\":{\"cost_usd\":7,\"max_"
        "probability\":0.5},"
        "\"allow\":{\"exclude\":[\"a*\",\"b*\"],\"max_usd_per_hour\":2}},"
        "\"weights\":{\"cost\":0.6},\"interruption\":{\"max_probability\":null,\"cost_usd\":null},"
        "\"allow\":{\"exclude\":[\"c*\"],\"arch\":null}}");

    CU_ASSERT_DOUBLE_EQUAL(p->weights[SPOTOPT__FACTOR_COST], 0.6,
                           1e-12); /* 0.6 + 0.1 + 0.15 + 0.15 = 1 */
    CU_ASSERT_DOUBLE_EQUAL(p->weights[SPOTOPT__FACTOR_STABILITY], 0.1, 1e-12);
    CU_ASSERT_EQUAL(p->interruption_usd, 7); /* null says nothing here */
    CU_ASSERT(isnan(p->max_probability));    /* and lifts a limit here */
    CU_ASSERT_EQUAL(p->max_usd_per_h, 2);
    CU_ASSERT_EQUAL(p->move_usd, 9);
    CU_ASSERT_EQUAL(p->exclude.count, 1);
    CU_ASSERT_STRING_EQUAL(p->exclude.at[0], "c*");
    CU_ASSERT_EQUAL(p->arch.count, 0);
    spotopt_policy_free(p);
}

static void
test_policy__says_where_and_what_it_refuses(void)
{
    static const struct {
        const char *text, *says;
    } bad[] = {
        {"[]", "policy.json: want an object"},
        {"{\"kind\":\"Plan\"}", "policy.json: /kind"},
        {"{\"apiVersion\":\"v2\"}", "policy.json: /apiVersion"},
        {"{\"parent\":\"base\"}", "policy.json: /parent: want the parent's policy itself"},
        {"{\"parent\":{\"weights\":{\"cost\":-1}}}",
         "policy.json: /parent/weights/cost: want a number from 0 to 1000000, not -1"},
        {"{\"weights\":[]}", "policy.json: /weights: want an object"},
        {"{\"weights\":{\"cost\":\"1\"}}", "policy.json: /weights/cost: want a number"},
        {"{\"weights\":{\"cost\":0,\"stability\":0,\"performance\":0,\"capacity\":0}}",
         "policy.json: /weights: want a weight above 0"},
        {"{\"weights\":{\"cost\":1e400}}", "policy.json: "},
        {"{\"score\":\"best\"}",
         "policy.json: /score: want \"geometric\", \"arithmetic\", \"expected-cost\", "
         "\"quantile\", \"topsis\" or \"lexicographic\", not \"best\""},
        {"{\"slo\":{\"latency_ms\":[50]}}", "policy.json: /slo/latency_ms: want two numbers"},
        {"{\"slo\":{\"latency_ms\":[500,50]}}",
         "policy.json: /slo/latency_ms: want the target below the limit"},
        {"{\"slo\":{\"throughput_rps\":[1,2]}}",
         "policy.json: /slo/throughput_rps: want the target above the limit"},
        {"{\"slo\":{\"error_frac\":[0.1,1.5]}}",
         "policy.json: /slo/error_frac/1: want a number from 0 to 1"},
        {"{\"interruption\":{\"horizon_hours\":0}}",
         "policy.json: /interruption/horizon_hours: want"},
        {"{\"interruption\":{\"max_probability\":1.1}}",
         "policy.json: /interruption/max_probability: want"},
        {"{\"spot\":{\"on_demand_base\":1.5}}",
         "policy.json: /spot/on_demand_base: want a whole number"},
        {"{\"spot\":{\"enabled\":1}}", "policy.json: /spot/enabled: want"},
        {"{\"diversify\":[{\"key\":\"zone\",\"max_frac\":0}]}",
         "policy.json: /diversify/0/max_frac: want a number > 0"},
        {"{\"diversify\":[{\"key\":\"zone\",\"max_frac\":1},{\"key\":\"zone\",\"max_frac\":1}]}",
         "policy.json: /diversify/1/key: \"zone\" is there already"},
        {"{\"allow\":{\"exclude\":[3]}}", "policy.json: /allow/exclude/0: want"},
        {"{\"allow\":{\"max_usd_per_hour\":-1}}", "policy.json: /allow/max_usd_per_hour: want"},
        {"{\"quotas\":[{\"purchase\":\"reserved\",\"max_vcpu\":1}]}",
         "policy.json: /quotas/0/purchase: want"},
        {"{\"quotas\":[{}]}", "policy.json: /quotas/0/max_vcpu: want"},
        {"{\"headroom\":{\"cpu_frac\":1}}",
         "policy.json: /headroom/cpu_frac: want a number from 0 to 0.95"},
        {"{\"commitments\":[{\"pool\":\"\",\"count\":1}]}",
         "policy.json: /commitments/0/pool: want"},
        {"{\"commitments\":[{\"pool\":\"x\",\"count\":-1}]}",
         "policy.json: /commitments/0/count: want"},
        {"{\"change\":{\"horizon_hours\":0}}", "policy.json: /change/horizon_hours: want"},
        {"{\"overrides\":[{\"scope\":\"node\",\"target\":\"x\"}]}",
         "policy.json: /overrides/0/scope: want"},
        {"{\"overrides\":[{\"scope\":\"cluster\"}]}", "policy.json: /overrides/0/target: want"},
        {"{\"overrides\":[{\"scope\":\"all\",\"until\":\"soon\"}]}",
         "policy.json: /overrides/0/until: want a time"},
        {"{\"overrides\":[{\"scope\":\"all\",\"from\":\"2026-01-02T00:00:00Z\",\"until\":\"2026-01-"
         "01T00:00:00Z\"}]}",
         "policy.json: /overrides/0: want from before until"},
        {"{\"clients\":[]}", "policy.json: /clients: want an object"},
        {"{\"clients\":{\"acme\":1}}", "policy.json: /clients/acme: want an object"},
        {"{\"clients\":{\"acme\":{\"wieghts\":{}}}}",
         "policy.json: /clients/acme/wieghts: unknown field; want"},
        {"{\"clients\":{\"acme\":{\"spot\":{\"on\":1}}}}",
         "policy.json: /clients/acme/spot/on: unknown field; want"},
        {"{\"clients\":{\"acme\":{\"drain\":{\"detach\":1}}}}",
         "policy.json: /clients/acme/drain/detach: unknown field; want"},
        {"{\"clients\":{\"acme\":{\"clients\":{}}}}",
         "policy.json: /clients/acme/clients: unknown field; want"},
        {"{\"clients\":{\"acme\":{\"change\":{\"move_usd\":-1}}}}",
         "policy.json: /clients/acme/change/move_usd: want a number"},
        {"{\"weights\":{\"cost\":1,\"stability\":0,\"performance\":0,\"capacity\":0},"
         "\"clients\":{\"acme\":{\"weights\":{\"cost\":0}}}}",
         "policy.json: /clients/acme/weights: want a weight above 0"},
        {"{\"clients\":{\"\":{}}}", "a client has no name"},
        {"{\"solver\":{\"gap_rel\":2}}", "policy.json: /solver/gap_rel: want"},
        {"{\"solver\":{\"seed\":0.5}}", "policy.json: /solver/seed: want"},
    };

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        spotopt_policy *policy = NULL;

        err = (spotopt_error)SPOTOPT_ERROR_INIT;
        CU_ASSERT_EQUAL(spotopt_policy_parse(NULL, bad[i].text, strlen(bad[i].text), "policy.json",
                                             &policy, &err),
                        SPOTOPT_E_INPUT);
        CU_ASSERT_PTR_NULL(policy);
        if (strstr(err.message, bad[i].says) == NULL) {
            printf("\n  got  %s\n  want %s\n", err.message, bad[i].says);
            CU_FAIL("another message");
        }
    }
}

static int warnings;
static char warning[512];

static void
count_warning(void *user, int32_t level, const char *text)
{
    (void)user;
    CU_ASSERT_EQUAL(level, SPOTOPT_LOG_WARNING);
    warnings++;
    snprintf(warning, sizeof warning, "%s", text);
}

static void
test_policy__warns_once_of_unknown_fields(void)
{
    const char *text = "{\"wieghts\":{},\"spot\":{\"on_demand\":1},\"solver\":{\"x\":1}}";
    spotopt_context_params params = SPOTOPT_CONTEXT_PARAMS_INIT;
    spotopt_context *context = NULL;
    spotopt_policy *policy = NULL;

    params.log = count_warning;
    CU_ASSERT_EQUAL_FATAL(spotopt_context_new(&params, &context, &err), SPOTOPT_OK);
    warnings = 0;
    CU_ASSERT_EQUAL(spotopt_policy_parse(context, text, strlen(text), "policy.json", &policy, &err),
                    SPOTOPT_OK);
    CU_ASSERT_EQUAL(warnings, 1);
    CU_ASSERT_PTR_NOT_NULL(strstr(warning, "wieghts"));
    spotopt_policy_free(policy);
    spotopt_context_free(context);
}

static void
test_policy__survives_every_failing_allocation(void)
{
    fail_alloc allocator = FAIL_ALLOC_INIT;
    spotopt_status status;
    size_t n = 0;

    do {
        spotopt_policy *policy = NULL;
        char *text = NULL;

        fail_after(&allocator, n++);
        spotopt_context *context = fail_alloc_context(&allocator);
        status = context == NULL
                     ? SPOTOPT_E_NOMEM
                     : spotopt_policy_parse(context, full, strlen(full), "p", &policy, NULL);
        if (status == SPOTOPT_OK)
            status = spotopt_policy_write(policy, &text, NULL, NULL);
        spotopt_text_free(context, text);
        spotopt_policy_free(policy);
        spotopt_context_free(context);
        CU_ASSERT_EQUAL(allocator.live, 0);
    } while (status == SPOTOPT_E_NOMEM && n < 10000);
    CU_ASSERT_EQUAL(status, SPOTOPT_OK);
    CU_ASSERT(n > 10);
}

static void
test_policy__globs_match_as_a_shell_does(void)
{
    CU_ASSERT(spotopt__glob("t2.*", "t2.micro"));
    CU_ASSERT(!spotopt__glob("t2.*", "t3.micro"));
    CU_ASSERT(spotopt__glob("*", ""));
    CU_ASSERT(!spotopt__glob("?", ""));
    CU_ASSERT(spotopt__glob("m5.large/*/on-demand", "m5.large/us-east-1a/on-demand"));
    CU_ASSERT(spotopt__glob("*a*b", "xaxbxb"));
    CU_ASSERT(!spotopt__glob("*a*b", "xaxbxc"));
    CU_ASSERT(spotopt__glob("c?.*", "c5.large"));
    CU_ASSERT(!spotopt__glob("", "x"));
    CU_ASSERT(spotopt__glob("[a]", "[a]")); /* all else is literal */
    CU_ASSERT(
        !spotopt__glob("*a*a*a*a*a*a*a*b", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"));
}

int
main(void)
{
    static const suite_test tests[] = {
        TEST(test_policy__reads_every_field_and_reads_back_what_it_writes),
        TEST(test_policy__holds_the_documented_defaults),
        TEST(test_policy__is_completed_by_its_parent_field_by_field),
        TEST(test_policy__says_where_and_what_it_refuses),
        TEST(test_policy__warns_once_of_unknown_fields),
        TEST(test_policy__survives_every_failing_allocation),
        TEST(test_policy__globs_match_as_a_shell_does),
    };

    return suite_run("policy", tests, sizeof tests / sizeof *tests);
}
