/* SPDX-License-Identifier: Apache-2.0 */
/* What a client of a policy inherits, and what its part of the document is refused for. */
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

/* Every field of the table in docs/formats.md, each with two values that differ. */
static const struct {
    const char *section, *key, *fleet, *client; /* section "": a member of the document itself */
} field[] = {
    {"", "weights_from", "\"money\"", "\"stated\""},
    {"", "score", "\"topsis\"", "\"quantile\""},
    {"", "diversify", "[{\"key\":\"zone\",\"max_frac\":0.5}]",
     "[{\"key\":\"pool\",\"max_frac\":0.25},{\"key\":\"zone\",\"max_frac\":0.75}]"},
    {"", "quotas", "[{\"family\":\"m5\",\"max_vcpu\":64}]", "[]"},
    {"", "commitments", "[{\"pool\":\"*\",\"count\":1}]",
     "[{\"pool\":\"a*\",\"count\":2,\"usd_per_hour\":0.5}]"},
    {"", "overrides", "[{\"scope\":\"all\"}]",
     "[{\"scope\":\"cluster\",\"target\":\"prod\",\"author\":\"ops\"}]"},
    {"weights", "cost", "4", "1"},
    {"weights", "stability", "2", "8"},
    {"weights", "performance", "1", "0"},
    {"weights", "capacity", "1", "3"},
    {"worth", "performance_usd_per_hour", "0.5", "null"},
    {"worth", "capacity_usd_per_hour", "0.25", "2"},
    {"slo", "latency_ms", "[20,200]", "[10,90]"},
    {"slo", "throughput_rps", "[500,50]", "[900,90]"},
    {"slo", "error_frac", "[0.01,0.1]", "[0.25,0.5]"},
    {"interruption", "cost_usd", "1.5", "3"},
    {"interruption", "horizon_hours", "4", "12"},
    {"interruption", "max_probability", "0.25", "null"},
    {"interruption", "max_mean_probability", "0.125", "0.75"},
    {"spot", "enabled", "false", "true"},
    {"spot", "on_demand_base", "2", "5"},
    {"spot", "on_demand_frac", "0.25", "0.5"},
    {"allow", "arch", "[\"amd64\",\"arm64\"]", "null"},
    {"allow", "families", "[\"m5\"]", "[\"c5\",\"r5\"]"},
    {"allow", "exclude", "[\"t2.*\"]", "[]"},
    {"allow", "max_usd_per_hour", "3", "1"},
    {"headroom", "cpu_frac", "0.125", "0.25"},
    {"headroom", "memory_frac", "0.25", "0.5"},
    {"change", "min_saving_frac", "0.125", "0"},
    {"change", "min_dwell_minutes", "15", "45"},
    {"change", "max_moves_per_hour", "5", "50"},
    {"change", "move_usd", "0.25", "0.5"},
    {"change", "horizon_hours", "8", "2"},
    {"change", "standard_errors", "2", "3"},
    {"drain", "start_times", "[{\"workload\":\"shop/*\",\"seconds\":9}]", "[]"},
    {"drain", "detach_s", "20", "30"},
    {"drain", "max_evictions_per_hour", "60", "null"},
    {"drain", "node_budgets", "[{\"nodes\":\"10%\"}]", "[{\"nodes\":2,\"value\":\"a*\"}]"},
    {"solver", "gap_rel", "0.25", "0.5"},
    {"solver", "deadline_s", "5", "7"},
    {"solver", "seed", "7", "9"},
};
enum { FIELDS = sizeof field / sizeof *field };

/* Fields of the table, whichever which[i] says: 'f' the fleet's value, 'c' the client's, ' ' none.
 * No braces around. */
static void
put_fields(char *out, size_t size, const char *which)
{
    const char *section = "";
    size_t used = 0;
    bool first = true;

    *out = '\0';
    for (size_t i = 0; i < FIELDS; i++) {
        if (which[i] == ' ')
            continue;
        if (strcmp(section, field[i].section) != 0) {
            used += (size_t)snprintf(out + used, size - used, "%s%s\"%s\":{",
                                     *section != '\0' ? "}" : "", used > 0 ? "," : "",
                                     field[i].section);
            section = field[i].section;
            first = true;
        }
        used += (size_t)snprintf(out + used, size - used, "%s\"%s\":%s", first ? "" : ",",
                                 field[i].key, which[i] == 'f' ? field[i].fleet : field[i].client);
        first = false;
    }
    snprintf(out + used, size - used, "%s", *section != '\0' ? "}" : "");
}

static char *
write_of(const spotopt_policy *policy)
{
    char *text = NULL;

    CU_ASSERT_EQUAL_FATAL(spotopt_policy_write(policy, &text, NULL, &err), SPOTOPT_OK);
    return text;
}

static char *
write_for(const spotopt_policy *policy, const char *client)
{
    spotopt_policy *made = NULL;
    char *text;

    CU_ASSERT_EQUAL_FATAL(spotopt_policy_for_client(policy, client, &made, &err), SPOTOPT_OK);
    CU_ASSERT_STRING_EQUAL(made->sha256, policy->sha256);
    text = write_of(made);
    spotopt_policy_free(made);
    return text;
}

/* Of a fleet that states fleet[] and a client that states client[], the client has what wanted[]
 * states. */
static void
check_inherits(const char *fleet, const char *client, const char *wanted)
{
    static char outer[8192], inner[8192], whole[24576];
    spotopt_policy *policy, *alone;
    char *got, *want;

    put_fields(outer, sizeof outer, fleet);
    put_fields(inner, sizeof inner, client);
    snprintf(whole, sizeof whole, "{%s%s\"clients\":{\"other\":{},\"acme\":{%s}}}", outer,
             *outer != '\0' ? "," : "", inner);
    policy = parse(whole);
    put_fields(outer, sizeof outer, wanted);
    snprintf(whole, sizeof whole, "{%s}", outer);
    alone = parse(whole);
    got = write_for(policy, "acme");
    want = write_of(alone);
    CU_ASSERT_STRING_EQUAL(got, want);

    /* And so after the whole document was written and read back. */
    spotopt_text_free(NULL, got);
    got = write_of(policy);
    spotopt_policy_free(policy);
    policy = parse(got);
    spotopt_text_free(NULL, got);
    got = write_for(policy, "acme");
    CU_ASSERT_STRING_EQUAL(got, want);
    spotopt_text_free(NULL, got);
    spotopt_text_free(NULL, want);
    spotopt_policy_free(policy);
    spotopt_policy_free(alone);
}

static void
test_policy__gives_a_client_its_own_fields_and_the_fleets_for_the_rest(void)
{
    char fleet[FIELDS + 1] = {0}, client[FIELDS + 1] = {0}, wanted[FIELDS + 1] = {0};
    uint32_t state = 1;

    memset(fleet, 'f', FIELDS);
    memset(client, ' ', FIELDS);
    check_inherits(fleet, client, fleet);
    for (size_t i = 0; i < FIELDS;
         i++) { /* each field alone, over the fleet's and over the default */
        memset(client, ' ', FIELDS);
        memcpy(wanted, fleet, FIELDS);
        client[i] = wanted[i] = 'c';
        check_inherits(fleet, client, wanted);
        memset(wanted, ' ', FIELDS);
        check_inherits(wanted, client, client);
    }
    for (int round = 0; round < 300; round++) { /* any part of them, by whom you like */
        for (size_t i = 0; i < FIELDS; i++) {
            state = state * 1664525u + 1013904223u;
            fleet[i] = (state >> 24) & 1 ? 'f' : ' ';
            client[i] = (state >> 25) & 1 ? 'c' : ' ';
            wanted[i] = client[i] == 'c' ? 'c' : fleet[i];
        }
        check_inherits(fleet, client, wanted);
    }
}

static bool
is_in_table(const char *section, const char *key)
{
    for (size_t i = 0; i < FIELDS; i++) {
        if (strcmp(field[i].section, section) == 0 && strcmp(field[i].key, key) == 0)
            return true;
    }
    return false;
}

static void
test_policy__has_no_field_that_the_test_of_clients_leaves_out(void)
{
    static const char *const heading[] = {"apiVersion", "kind", "parent", "clients"};
    spotopt_policy *policy = parse(NULL);
    char *text = write_of(policy);
    spotopt__json *json = NULL;
    size_t seen = 0;

    CU_ASSERT_EQUAL_FATAL(spotopt__json_parse(text, strlen(text), "p", &json, &err), SPOTOPT_OK);
    for (const spotopt__json *m = spotopt__json_first(json); m != NULL; m = spotopt__json_next(m)) {
        const char *name = spotopt__json_key(m);
        bool is_heading = false;

        for (size_t i = 0; i < sizeof heading / sizeof *heading; i++)
            is_heading = is_heading || strcmp(heading[i], name) == 0;
        if (is_heading)
            continue;
        if (spotopt__json_type(m) != SPOTOPT__JSON_OBJECT) {
            CU_ASSERT(is_in_table("", name));
            seen++;
            continue;
        }
        for (const spotopt__json *f = spotopt__json_first(m); f != NULL;
             f = spotopt__json_next(f)) {
            CU_ASSERT(is_in_table(name, spotopt__json_key(f)));
            seen++;
        }
    }
    CU_ASSERT_EQUAL(seen, FIELDS);
    spotopt__json_free(json);
    spotopt_text_free(NULL, text);
    spotopt_policy_free(policy);
}

static void
test_policy__has_a_parents_clients_unless_the_child_says_otherwise(void)
{
    spotopt_policy *p = parse("{\"parent\":{\"clients\":{\"a\":{\"change\":{\"move_usd\":1}},"
                              "\"b\":{\"change\":{\"move_usd\":2}}}},"
                              "\"change\":{\"move_usd\":9},\"clients\":{\"b\":{\"spot\":{"
                              "\"on_demand_base\":3}}}}"),
                   *made = NULL;

    CU_ASSERT_EQUAL_FATAL(spotopt_policy_for_client(p, "a", &made, &err), SPOTOPT_OK);
    CU_ASSERT(made->move_usd == 1 && made->on_demand_base == 0);
    CU_ASSERT_EQUAL(made->clients.count, 0);
    spotopt_policy_free(made);
    CU_ASSERT_EQUAL_FATAL(spotopt_policy_for_client(p, "b", &made, &err), SPOTOPT_OK);
    CU_ASSERT(made->move_usd == 9 && made->on_demand_base == 3);
    spotopt_policy_free(made);
    spotopt_policy_free(p);
    p = parse("{\"parent\":{\"clients\":{\"a\":{}}},\"clients\":null}");
    CU_ASSERT_EQUAL(p->clients.count, 0);
    CU_ASSERT_EQUAL_FATAL(spotopt_policy_for_client(p, "anyone", &made, &err), SPOTOPT_OK);
    spotopt_policy_free(made);
    spotopt_policy_free(p);
}

static void
test_policy__names_the_clients_there_are_when_asked_for_another(void)
{
    spotopt_policy *p = parse("{\"clients\":{\"acme\":{},\"globex\":{}}}"), *made = NULL;

    CU_ASSERT_EQUAL(spotopt_policy_for_client(p, "acne", &made, &err), SPOTOPT_E_INPUT);
    CU_ASSERT_STRING_EQUAL(
        err.message, "policy: /clients: there is no client \"acne\"; want one of acme, globex");
    CU_ASSERT_EQUAL(spotopt_policy_for_client(p, NULL, &made, &err), SPOTOPT_E_ARGUMENT);
    CU_ASSERT_PTR_NULL(made);
    spotopt_policy_free(p);
}

static void
test_policy__of_a_client_survives_every_failing_allocation(void)
{
    static const char text[] =
        "{\"clients\":{\"a\":{\"weights\":{\"cost\":2},\"allow\":{\"exclude\":[\"t2.*\"]},"
        "\"drain\":{\"detach_s\":3}}}}";
    fail_alloc allocator = FAIL_ALLOC_INIT;
    spotopt_status status;
    size_t n = 0;

    do {
        spotopt_policy *policy = NULL, *made = NULL;

        fail_after(&allocator, n++);
        spotopt_context *context = fail_alloc_context(&allocator);
        status = context == NULL
                     ? SPOTOPT_E_NOMEM
                     : spotopt_policy_parse(context, text, strlen(text), "p", &policy, NULL);
        if (status == SPOTOPT_OK)
            status = spotopt_policy_for_client(policy, "a", &made, NULL);
        spotopt_policy_free(policy); /* in any order */
        spotopt_policy_free(made);
        spotopt_context_free(context);
        CU_ASSERT_EQUAL(allocator.live, 0);
    } while (status == SPOTOPT_E_NOMEM && n < 10000);
    CU_ASSERT_EQUAL(status, SPOTOPT_OK);
}

int
main(void)
{
    static const suite_test tests[] = {
        TEST(test_policy__gives_a_client_its_own_fields_and_the_fleets_for_the_rest),
        TEST(test_policy__has_no_field_that_the_test_of_clients_leaves_out),
        TEST(test_policy__has_a_parents_clients_unless_the_child_says_otherwise),
        TEST(test_policy__names_the_clients_there_are_when_asked_for_another),
        TEST(test_policy__of_a_client_survives_every_failing_allocation),
    };

    return suite_run("policy_clients", tests, sizeof tests / sizeof *tests);
}
