/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cmd_replay.c - tries policies on the past.
 */
#include <math.h>
#include <string.h>

#include "load.h"
#include "risk.h"

/* The documents that replay alone reads. */
typedef struct past {
    spotopt_demand_history *demands;
    spotopt_price_history *prices;
    spotopt_policy *terms;
} past;

static int
read_policy(const session *s, const char *path, spotopt_policy **out)
{
    spotopt_error err = SPOTOPT_ERROR_INIT;
    input in;
    int status = input_read(&in, path);

    if (status != 0)
        return status;
    if (spotopt_policy_parse(s->context, in.text, in.length, in.name, out, &err) != SPOTOPT_OK)
        status = fail_with(&err);
    input_free(&in);
    return status;
}

static int
read_past(past *p, const session *s, const args *a)
{
    spotopt_error err = SPOTOPT_ERROR_INIT;
    input in;
    int status = input_read(&in, arg(a, "demand"));

    *p = (past){0};
    if (status != 0)
        return status;
    if (spotopt_demand_history_parse(s->context, in.text, in.length, in.name, &p->demands, &err) !=
        SPOTOPT_OK)
        status = fail_with(&err);
    input_free(&in);
    if (status == 0 && arg(a, "prices") != NULL) {
        status = input_read(&in, arg(a, "prices"));
        if (status != 0)
            return status;
        if (spotopt_price_history_parse(s->context, in.text, in.length, in.name, &p->prices,
                                        &err) != SPOTOPT_OK)
            status = fail_with(&err);
        input_free(&in);
    }
    if (status == 0 && arg(a, "terms") != NULL)
        status = read_policy(s, arg(a, "terms"), &p->terms);
    return status;
}

static void
past_free(past *p)
{
    spotopt_demand_history_free(p->demands);
    spotopt_price_history_free(p->prices);
    spotopt_policy_free(p->terms);
}

static bool
is_method(const char *name, size_t length)
{
    const char *method;

    for (size_t i = 0; (method = spotopt_replay_method(i)) != NULL; i++) {
        if (strlen(method) == length && memcmp(method, name, length) == 0)
            return true;
    }
    return false;
}

static const char *
method_at(const void *unused, size_t place)
{
    (void)unused;
    return spotopt_replay_method(place);
}

/* What NAME=FILE, FILE and NAME are called in results: the file's name goes without folders and
 * ending. */
static void
name_policy(const char *file, const char *method, text *out)
{
    const char *slash = strrchr(file, '/'), *base = slash != NULL ? slash + 1 : file,
               *end = strrchr(base, '.');

    text_addf(out, "%s%s", method, *method != '\0' ? ":" : "");
    text_add_n(out, base, end != NULL && end > base ? (size_t)(end - base) : strlen(base));
}

/* One --policy. */
static int
add_policy(const session *s, spotopt_replay *replay, const char *word)
{
    const size_t length = strcspn(word, "=");
    spotopt_error err = SPOTOPT_ERROR_INIT;
    spotopt_policy *document = NULL;
    text name = {0}, method = {0};
    const char *file = word, *near;
    int status = 0;

    if (is_method(word, length)) {
        text_add_n(&method, word, length);
        file = word[length] == '=' ? word + length + 1 : NULL;
    }
    if (file == NULL) {
        text_add(&name, word);
    } else {
        near = strpbrk(word, "./=") == NULL ? nearest(word, method_at, NULL) : NULL;
        if (near != NULL) {
            say("--policy is \"%s\"; did you mean %s? A file's name has a dot or a slash", word,
                near);
            status = EXIT_USAGE;
        } else {
            name_policy(file, method.at != NULL ? method.at : "", &name);
            status = read_policy(s, file, &document);
        }
    }
    if (status == 0 && spotopt_replay_add(replay, name.at, method.at, document, &err) != SPOTOPT_OK)
        status = fail_with(&err);
    spotopt_policy_free(document);
    text_free(&name);
    text_free(&method);
    return status;
}

static bool
read_params(const args *a, spotopt_replay_params *p)
{
    static const struct {
        const char *flag;
        size_t at;
    } numbers[] = {{"step", offsetof(spotopt_replay_params, step_s)},
                   {"startup", offsetof(spotopt_replay_params, startup_s)}};

    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        const char *value = arg(a, numbers[i].flag);
        double number;

        if (value == NULL)
            continue;
        if (!read_number(value, &number)) {
            say("--%s is \"%s\"; want seconds", numbers[i].flag, value);
            return false;
        }
        memcpy((char *)p + numbers[i].at, &number, sizeof number);
    }
    return read_moment(a, "from", &p->from_s) && read_moment(a, "to", &p->to_s);
}

static int
run_replay(const session *s, const args *a, spotopt_replay_params *params)
{
    spotopt_error err = SPOTOPT_ERROR_INIT;
    spotopt_replay *replay = NULL;
    char *json = NULL;
    size_t length = 0;
    double seed = 1.0;
    int status = 0;

    if (spotopt_replay_new(s->context, &replay, &err) != SPOTOPT_OK)
        return fail_with(&err);
    for (size_t i = 0; status == 0 && i < a->many_count; i++)
        status = add_policy(s, replay, a->many[i]);
    for (size_t i = 0; status == 0 && a->many_count == 0 && spotopt_replay_method(i) != NULL; i++)
        status = add_policy(s, replay, spotopt_replay_method(i));
    if (status == 0 && arg(a, "seed") != NULL &&
        spotopt_options_get_real(s->options, "seed", &seed, NULL) == SPOTOPT_OK)
        params->seed = (uint64_t)seed;
    if (status == 0 && (spotopt_replay_run(replay, params, s->options, &err) != SPOTOPT_OK ||
                        spotopt_replay_write(replay, &json, &length, &err) != SPOTOPT_OK))
        status = fail_with(&err);
    progress_end();
    if (status == 0)
        status = deliver(s, json, length);
    spotopt_text_free(s->context, json);
    spotopt_replay_free(replay);
    return status;
}

int
cmd_replay(const args *a)
{
    spotopt_replay_params params = SPOTOPT_REPLAY_PARAMS_INIT;
    session s;
    loaded in;
    past p;
    int status;

    if (!is_given(a, "catalog") || !is_given(a, "demand") || !read_params(a, &params))
        return EXIT_USAGE;
    status = session_open(&s, a);
    if (status != 0)
        return status;
    status = load_inputs(&in, &s, a);
    if (status == 0) {
        status = read_past(&p, &s, a);
        params.catalog = in.catalog;
        params.history = in.history;
        params.model = in.model;
        params.demands = p.demands;
        params.prices = p.prices;
        params.terms = p.terms;
        if (status == 0)
            status = run_replay(&s, a, &params);
        past_free(&p);
        loaded_free(&in);
    }
    session_close(&s);
    return status;
}
