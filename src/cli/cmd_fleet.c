/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cmd_fleet.c - what a ledger tells of a fleet.
 */
#include <math.h>
#include <string.h>

#ifdef SPOTOPT_CLI_STORE
#include "spotopt/store.h"
#endif
#include "doc.h"
#include "fleet_clean.h"
#include "load.h"

#define LEDGER_END_MS INT64_C(253402300799000) /* the end of the year 9999 */

static bool
read_moment(const args *a, const char *name, int64_t *out)
{
    const char *value = arg(a, name);
    double s;

    if (value == NULL)
        return true;
    if (!read_time(value, &s) || !(s >= 0.0 && s < 2.534e11)) {
        say("--%s is \"%s\"; want a time, RFC 3339 or seconds", name, value);
        return false;
    }
    *out = (int64_t)llround(s * 1000.0);
    return true;
}

static bool
read_count(const args *a, const char *name, double most, uint32_t *out)
{
    const char *value = arg(a, name);
    double number;

    if (value == NULL)
        return true;
    if (!read_number(value, &number) ||
        !(number >= 1.0 && number <= most && number == floor(number))) {
        say("--%s is \"%s\"; want a whole number from 1 to %.0f", name, value, most);
        return false;
    }
    *out = (uint32_t)number;
    return true;
}

/* What the policy says an interruption costs. */
static int
read_penalty(const session *s, const args *a, double *out)
{
    spotopt_error err = SPOTOPT_ERROR_INIT;
    spotopt_policy *policy = NULL;
    char *json = NULL;
    size_t length = 0;
    input in;
    int status;

    if (arg(a, "policy") == NULL)
        return 0;
    status = input_read(&in, arg(a, "policy"));
    if (status != 0)
        return status;
    if (spotopt_policy_parse(s->context, in.text, in.length, in.name, &policy, &err) !=
            SPOTOPT_OK ||
        spotopt_policy_write(policy, &json, &length, &err) != SPOTOPT_OK)
        status = fail_with(&err);
    else {
        cJSON *doc = doc_parse(json, length, in.name);

        *out = doc_number(doc, "interruption.cost_usd");
        cJSON_Delete(doc);
    }
    spotopt_text_free(s->context, json);
    spotopt_policy_free(policy);
    input_free(&in);
    return status;
}

static int
read_params(const session *s, const args *a, spotopt_fleet_params *p)
{
    const char *hours = arg(a, "return-hours");

    p->now_ms = (int64_t)llround(s->now_s * 1000.0);
    p->cluster = arg(a, "cluster-id");
    p->client = arg(a, "client-id");
    p->instance = arg(a, "instance");
    if (!read_moment(a, "from", &p->from_ms) || !read_count(a, "points", 10000.0, &p->points) ||
        !read_count(a, "limit", 1e9, &p->limit))
        return EXIT_USAGE;
    if (hours != NULL && (!read_number(hours, &p->return_hours) ||
                          !(p->return_hours >= 0.0 && p->return_hours <= 8760.0))) {
        say("--return-hours is \"%s\"; want a number from 0 to 8760", hours);
        return EXIT_USAGE;
    }
    return read_penalty(s, a, &p->interruption_usd);
}

/* Rows of a database; what the URL is of, the store says. */
static int
ledger_of_store(const session *s, const char *url, spotopt_ledger **out)
{
#ifdef SPOTOPT_CLI_STORE
    spotopt_error err = SPOTOPT_ERROR_INIT;
    spotopt_store *store = NULL;
    int status = 0;

    if (spotopt_store_open(s->context, url, SPOTOPT_STORE_READ_ONLY, &store, &err) != SPOTOPT_OK ||
        spotopt_store_ledger(store, 0, LEDGER_END_MS, out, &err) != SPOTOPT_OK)
        status = fail_with(&err);
    spotopt_store_close(store);
    return status;
#else
    (void)s;
    (void)out;
    say("--ledger %.*s: databases are not in this build; want an Events file, or a build with "
        "SQLite",
        (int)strcspn(url, ":") + 1, url);
    return EXIT_USAGE;
#endif
}

int
ledger_load(const session *s, const char *path, spotopt_ledger **out)
{
    spotopt_error err = SPOTOPT_ERROR_INIT;
    input in;
    int status;

    if (strncmp(path, "sqlite:", 7) == 0 || strncmp(path, "postgresql:", 11) == 0 ||
        strncmp(path, "postgres:", 9) == 0)
        return ledger_of_store(s, path, out);
    status = input_read(&in, path);
    if (status != 0)
        return status;
    if (spotopt_ledger_parse(s->context, in.text, in.length, in.name, out, &err) != SPOTOPT_OK)
        status = fail_with(&err);
    input_free(&in);
    return status;
}

static int
report(const session *s, const args *a, int32_t part)
{
    spotopt_fleet_params params = SPOTOPT_FLEET_PARAMS_INIT;
    spotopt_error err = SPOTOPT_ERROR_INIT;
    spotopt_ledger *ledger = NULL;
    char *json = NULL;
    size_t length = 0;
    int status = read_params(s, a, &params);

    if (status == 0)
        status = ledger_load(s, arg(a, "ledger"), &ledger);
    if (status != 0)
        return status;
    if (spotopt_fleet_write(ledger, part, &params, &json, &length, &err) != SPOTOPT_OK) {
        status = fail_with(&err);
        if (err.status == SPOTOPT_E_ARGUMENT)
            status = EXIT_USAGE;
    } else
        status = deliver(s, json, length);
    spotopt_text_free(s->context, json);
    spotopt_ledger_free(ledger);
    return status;
}

int
cmd_fleet(const args *a)
{
    static const struct {
        const char *name;
        int32_t part;
    } parts[] = {{"metrics", SPOTOPT_FLEET_METRICS},    {"savings", SPOTOPT_FLEET_SAVINGS},
                 {"topology", SPOTOPT_FLEET_TOPOLOGY},  {"history", SPOTOPT_FLEET_HISTORY},
                 {"health", SPOTOPT_FLEET_HEALTH},      {"activity", SPOTOPT_FLEET_ACTIVITY},
                 {"overrides", SPOTOPT_FLEET_OVERRIDES}};
    const char *part = a->operand_count == 1 ? a->operands[0] : "";
    const bool is_cleaning = strcmp(part, "governance") == 0 || strcmp(part, "storage") == 0;
    int32_t which = 0;
    session s;
    int status;

    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        if (strcmp(part, parts[i].name) == 0)
            which = parts[i].part;
    }
    if (which == 0 && !is_cleaning) {
        say("fleet: want one of metrics, savings, topology, history, health, activity, overrides, "
            "governance, storage; see 'spotopt fleet --help'");
        return EXIT_USAGE;
    }
    if (is_cleaning ? !is_given(a, "inventory") : !is_given(a, "ledger"))
        return EXIT_USAGE;
    status = session_open(&s, a);
    if (status != 0)
        return status;
    status = is_cleaning ? clean_report(&s, a, part) : report(&s, a, which);
    session_close(&s);
    return status;
}
