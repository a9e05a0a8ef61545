/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cmd_fleet.c - what a ledger tells of a fleet, and which steps its parts take.
 */
#include <math.h>
#include <string.h>

#include "books.h"
#include "doc.h"
#include "fleet_clean.h"
#include "load.h"

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

/* Flags that are of some steps alone: elsewhere they would be words without effect. */
static bool
check_flags(const args *a, const char *step)
{
    static const char *const steps_of[][2] = {{"apply", "set lift flag approve dismiss apply"},
                                              {"author", "set lift flag approve dismiss apply"},
                                              {"reason", "set lift flag approve dismiss"},
                                              {"scope", "set"},
                                              {"target", "set"},
                                              {"until", "set"},
                                              {"hours", "set"},
                                              {"all", "flag approve dismiss"},
                                              {"batch", "apply"}};

    for (size_t i = 0; i < sizeof steps_of / sizeof *steps_of; i++) {
        if (arg(a, steps_of[i][0]) != NULL && !has_word(steps_of[i][1], step)) {
            say("fleet %s %s: takes no --%s; it is of the steps %s", a->operands[0], step,
                steps_of[i][0], steps_of[i][1]);
            return false;
        }
    }
    return true;
}

/* The step of a part, "list" where none is named; NULL, with a message said, where it has no such
 * one. */
static const char *
step_of(const args *a, const char *steps)
{
    const char *step = a->operand_count > 1 ? a->operands[1] : "list";

    if (steps == NULL && a->operand_count > 1) {
        say("fleet %s: unexpected \"%s\"; it takes no steps", a->operands[0], step);
        return NULL;
    }
    if (steps != NULL && !has_word(steps, step)) {
        say("fleet %s: \"%s\" is no step of it; want one of: %s", a->operands[0], step, steps);
        return NULL;
    }
    if (strcmp(step, "list") == 0 && a->operand_count > 2) {
        say("fleet %s list: unexpected \"%s\"", a->operands[0], a->operands[2]);
        return NULL;
    }
    return check_flags(a, step) ? step : NULL;
}

int
cmd_fleet(const args *a)
{
    static const char clean_steps[] = "list flag approve dismiss apply";
    static const struct {
        const char *name;
        int32_t part;
        const char *steps; /* NULL: it only tells */
    } parts[] = {{"metrics", SPOTOPT_FLEET_METRICS, NULL},
                 {"savings", SPOTOPT_FLEET_SAVINGS, NULL},
                 {"topology", SPOTOPT_FLEET_TOPOLOGY, NULL},
                 {"history", SPOTOPT_FLEET_HISTORY, NULL},
                 {"health", SPOTOPT_FLEET_HEALTH, NULL},
                 {"activity", SPOTOPT_FLEET_ACTIVITY, NULL},
                 {"overrides", SPOTOPT_FLEET_OVERRIDES, "list set lift"},
                 {"governance", 0, clean_steps},
                 {"storage", 0, clean_steps}};
    const char *part = a->operand_count > 0 ? a->operands[0] : "", *step;
    size_t which = 0;
    bool is_list;
    session s;
    int status;

    while (which < sizeof parts / sizeof *parts && strcmp(part, parts[which].name) != 0)
        which++;
    if (which == sizeof parts / sizeof *parts) {
        say("fleet: want one of metrics, savings, topology, history, health, activity, overrides, "
            "governance, storage; see 'spotopt fleet --help'");
        return EXIT_USAGE;
    }
    step = step_of(a, parts[which].steps);
    if (step == NULL)
        return EXIT_USAGE;
    is_list = strcmp(step, "list") == 0;
    if (is_list && (parts[which].part == 0 ? !is_given(a, "inventory") : !is_given(a, "ledger")))
        return EXIT_USAGE;
    status = session_open(&s, a);
    if (status != 0)
        return status;
    if (is_list)
        status =
            parts[which].part == 0 ? clean_report(&s, a, part) : report(&s, a, parts[which].part);
    else
        status = parts[which].part == 0 ? clean_step(&s, a, part, step) : order_step(&s, a, step);
    session_close(&s);
    return status;
}
