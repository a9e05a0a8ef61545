/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cmd_experiment.c - assigns units to arms, compares arms, judges canaries.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "load.h"

enum { ARMS_MAX = 32, METRICS_MAX = 64 };

/* A number of a flag within (above, below), or as it was where the flag was not given. */
static bool
read_within(const args *a, const char *name, double least, double most, double *out)
{
    const char *value = arg(a, name);
    double number;

    if (value == NULL)
        return true;
    if (!read_number(value, &number) || !(number > least && number < most)) {
        if (isfinite(most))
            say("--%s is \"%s\"; want a number between %.0f and %.0f", name, value, least, most);
        else
            say("--%s is \"%s\"; want a number > %.0f", name, value, least);
        return false;
    }
    *out = number;
    return true;
}

/* Cuts a list at its commas, in place. */
static size_t
cut(char *list, char mark, char **out, size_t most)
{
    size_t count = 0;

    for (char *at = list; at != NULL && count < most;) {
        char *end = strchr(at, mark);

        out[count++] = at;
        if (end != NULL)
            *end++ = '\0';
        at = end;
    }
    return count;
}

static bool
read_arms(char *list, const char **names, double *weights, size_t *out_count)
{
    char *items[ARMS_MAX + 1];
    size_t count = cut(list, ',', items, ARMS_MAX + 1);

    if (count > ARMS_MAX) {
        say("--arms names more than %d arms", ARMS_MAX);
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        char *weight = strchr(items[i], '=');

        weights[i] = 1.0;
        if (weight != NULL)
            *weight++ = '\0';
        if (*items[i] == '\0' ||
            (weight != NULL && (!read_number(weight, &weights[i]) || !(weights[i] >= 0.0)))) {
            say("--arms has \"%s%s%s\"; want NAME=WEIGHT,... with weights >= 0", items[i],
                weight != NULL ? "=" : "", weight != NULL ? weight : "");
            return false;
        }
        names[i] = items[i];
    }
    *out_count = count;
    return true;
}

/* One line of the input, one unit: `unit,arm` for each. */
static int
assign_lines(const session *s, char *lines, const char *salt, const char *const *names,
             const double *weights, size_t count)
{
    spotopt_error err = SPOTOPT_ERROR_INIT;
    text out = {0};
    int status = 0;

    text_add(&out, "unit,arm\n");
    for (char *line = lines; line != NULL && status == 0;) {
        char *end = strchr(line, '\n');
        uint32_t arm = 0;

        if (end != NULL)
            *end++ = '\0';
        size_t length = strcspn(line, "\r");
        line[length] = '\0';
        if (strpbrk(line, ",\"") != NULL) {
            say("unit \"%.60s\" holds a comma or a quote; want one plain name a line", line);
            status = EXIT_INPUT;
        } else if (length > 0 && !(line == lines && strcmp(line, "unit") == 0)) {
            if (spotopt_experiment_assign(salt, line, weights, (uint32_t)count, &arm, &err) !=
                SPOTOPT_OK)
                status = fail_with(&err);
            else
                text_addf(&out, "%s,%s\n", line, names[arm]);
        }
        line = end;
    }
    if (status == 0)
        status = deliver_text(s->output_file, out.at, out.length);
    text_free(&out);
    return status;
}

static int
assign(const session *s, const args *a, const char *file)
{
    const char *names[ARMS_MAX];
    double weights[ARMS_MAX];
    size_t count = 0;
    text list = {0};
    input in;
    int status;

    if (!is_given(a, "salt"))
        return EXIT_USAGE;
    text_add(&list, arg(a, "arms") != NULL ? arg(a, "arms") : "control,treatment");
    if (!read_arms(list.at, names, weights, &count)) {
        text_free(&list);
        return EXIT_USAGE;
    }
    status = input_read(&in, file);
    if (status == 0) {
        text lines = {0};

        text_add_n(&lines, in.text, in.length);
        status = strlen(lines.at != NULL ? lines.at : "") == in.length
                     ? assign_lines(s, lines.at, arg(a, "salt"), names, weights, count)
                     : (say("%s holds a zero byte; want one name a line", in.name), EXIT_INPUT);
        text_free(&lines);
        input_free(&in);
    }
    text_free(&list);
    return status;
}

static int
load_experiment(const session *s, const char *file, spotopt_experiment **out)
{
    spotopt_error err = SPOTOPT_ERROR_INIT;
    input in;
    int status = input_read(&in, file);

    if (status != 0)
        return status;
    if (spotopt_experiment_parse(s->context, in.text, in.length, in.name, out, &err) != SPOTOPT_OK)
        status = fail_with(&err);
    input_free(&in);
    return status;
}

static bool
read_params(const args *a, spotopt_compare_params *p)
{
    const char *better = arg(a, "better");

    p->control = arg(a, "control");
    p->treatment = arg(a, "treatment");
    p->exposure = arg(a, "exposure");
    if (better != NULL && strcmp(better, "lower") != 0 && strcmp(better, "higher") != 0) {
        say("--better is \"%s\"; want lower or higher", better);
        return false;
    }
    p->higher_is_better = better != NULL && strcmp(better, "higher") == 0;
    return read_within(a, "alpha", 0.0, 1.0, &p->alpha) &&
           read_within(a, "share", 0.0, 1.0, &p->share) &&
           read_within(a, "effect", 0.0, INFINITY, &p->effect_frac) &&
           read_within(a, "mixture", 0.0, INFINITY, &p->mixture);
}

static int
compare(const session *s, const args *a, const char *file)
{
    spotopt_compare_params params = SPOTOPT_COMPARE_PARAMS_INIT;
    spotopt_error err = SPOTOPT_ERROR_INIT;
    spotopt_experiment *experiment = NULL;
    char *json = NULL;
    size_t length = 0;
    int status;

    params.metric = arg(a, "metric");
    if (!read_params(a, &params))
        return EXIT_USAGE;
    status = load_experiment(s, file, &experiment);
    if (status == 0) {
        if (spotopt_experiment_write(experiment, &params, &json, &length, &err) != SPOTOPT_OK)
            status = fail_with(&err);
        else
            status = deliver(s, json, length);
    }
    spotopt_text_free(s->context, json);
    spotopt_experiment_free(experiment);
    return status;
}

/* NAME[:DIRECTION[:WEIGHT[:critical]]], in place. */
static bool
read_metric(char *item, double tolerance, spotopt_canary_metric *out)
{
    char *part[5] = {item}, *const whole = item;
    size_t count = cut(item, ':', part, 5);

    *out = (spotopt_canary_metric)SPOTOPT_CANARY_METRIC_INIT;
    out->metric = part[0];
    out->tolerance_frac = tolerance;
    if (count > 1 && strcmp(part[1], "increase") == 0)
        out->direction = SPOTOPT_CANARY_INCREASE;
    else if (count > 1 && strcmp(part[1], "decrease") == 0)
        out->direction = SPOTOPT_CANARY_DECREASE;
    else if (count > 1 && strcmp(part[1], "either") != 0)
        count = 0;
    if (count > 2 && (!read_number(part[2], &out->weight) || !(out->weight >= 0.0)))
        count = 0;
    if (count > 3 && strcmp(part[3], "critical") != 0)
        count = 0;
    out->is_critical = count == 4;
    if (count == 0 || count > 4 || *part[0] == '\0') {
        say("--metric \"%s\": want NAME[:increase|decrease|either[:WEIGHT[:critical]]],...", whole);
        return false;
    }
    return true;
}

static int
judge(const session *s, const spotopt_experiment *experiment, const spotopt_compare_params *params,
      spotopt_canary_metric *metrics, size_t count, double pass_score)
{
    spotopt_error err = SPOTOPT_ERROR_INIT;
    char *json = NULL;
    size_t length = 0;
    double score;
    int32_t pass;
    int status;

    if (spotopt_experiment_canary(experiment, params, metrics, count, pass_score, &score, &pass,
                                  &err) != SPOTOPT_OK ||
        spotopt_experiment_write_canary(experiment, params, metrics, count, pass_score, &json,
                                        &length, &err) != SPOTOPT_OK)
        return fail_with(&err);
    status = deliver(s, json, length);
    spotopt_text_free(s->context, json);
    return status == 0 && pass == 0 ? EXIT_NO : status;
}

static int
canary(const session *s, const args *a, const char *file)
{
    spotopt_compare_params params = SPOTOPT_COMPARE_PARAMS_INIT;
    spotopt_canary_metric metrics[METRICS_MAX];
    spotopt_experiment *experiment = NULL;
    double pass_score = 95.0, tolerance = 0.1;
    char *items[METRICS_MAX + 1];
    size_t count = 0;
    text list = {0};
    int status;

    if (!read_params(a, &params) || !read_within(a, "pass-score", 0.0, 100.0, &pass_score) ||
        !read_within(a, "tolerance", 0.0, INFINITY, &tolerance))
        return EXIT_USAGE;
    text_add(&list, arg(a, "metric") != NULL ? arg(a, "metric") : "");
    if (*list.at != '\0')
        count = cut(list.at, ',', items, METRICS_MAX + 1);
    if (count > METRICS_MAX) {
        say("--metric names more than %d metrics", METRICS_MAX);
        text_free(&list);
        return EXIT_USAGE;
    }
    for (size_t i = 0; i < count; i++) {
        if (!read_metric(items[i], tolerance, &metrics[i])) {
            text_free(&list);
            return EXIT_USAGE;
        }
    }
    status = load_experiment(s, file, &experiment);
    if (status == 0 && count == 0) { /* all of them, either way */
        for (; count < spotopt_experiment_metric_count(experiment) && count < METRICS_MAX;
             count++) {
            metrics[count] = (spotopt_canary_metric)SPOTOPT_CANARY_METRIC_INIT;
            metrics[count].metric = spotopt_experiment_metric(experiment, count);
            metrics[count].tolerance_frac = tolerance;
        }
    }
    if (status == 0)
        status = judge(s, experiment, &params, metrics, count, pass_score);
    spotopt_experiment_free(experiment);
    text_free(&list);
    return status;
}

int
cmd_experiment(const args *a)
{
    static const struct {
        const char *name;
        int (*run)(const session *s, const args *a, const char *file);
    } parts[] = {{"assign", assign}, {"compare", compare}, {"canary", canary}};
    const char *part = a->operand_count > 0 ? a->operands[0] : "";
    session s;
    int status;

    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        if (strcmp(part, parts[i].name) != 0)
            continue;
        if (a->operand_count != 2) {
            say("experiment %s: want one FILE; see 'spotopt experiment --help'", part);
            return EXIT_USAGE;
        }
        status = session_open(&s, a);
        if (status != 0)
            return status;
        status = parts[i].run(&s, a, a->operands[1]);
        session_close(&s);
        return status;
    }
    say("experiment: \"%s\" is not assign, compare or canary; see 'spotopt experiment --help'",
        part);
    return EXIT_USAGE;
}
