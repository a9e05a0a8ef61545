/* SPDX-License-Identifier: Apache-2.0 */
/*
 * prometheus.c - instant queries of the Prometheus HTTP API, their answers as a Metrics document.
 *
 * What is measured how is the caller's: queries and labels differ from fleet to fleet. Here numbers
 * only find their names.
 */
#include <stdio.h>
#include <stdlib.h>

#include "net/net.h"
#include "spotopt/prometheus.h"

enum { MEASURES = 5, KINDS = 3 };

static const char *const measures[MEASURES] = {"latency_ms", "throughput_rps", "error_frac",
                                               "cpu_free_frac", "memory_free_frac"};
static const double most[MEASURES] = {1e12, 1e15, 1, 1, 1}; /* as a Metrics document has them */
static const char *const kinds[KINDS] = {"pools", "nodes", "instances"};

typedef struct row {
    const char *name;
    double value[MEASURES]; /* NaN: not measured */
} row;

typedef struct pull {
    spotopt_net *net;
    spotopt_context *context;
    spotopt__arena names;
    struct {
        spotopt__vec(row) rows;
        spotopt__map at;
    } of[KINDS];
} pull;

/* Place of text in the list, or -1. */
static int
find(const char *const *list, int count, const char *text)
{
    for (int i = 0; text != NULL && i < count; i++) {
        if (strcmp(list[i], text) == 0)
            return i;
    }
    return -1;
}

static spotopt_status
check_query(const spotopt_prometheus_query *query, size_t index, spotopt_error *err)
{
    const char *wanted = NULL;

    if (query->size != sizeof *query)
        return spotopt__fail(err, SPOTOPT_E_VERSION,
                             "queries[%zu].size: want SPOTOPT_PROMETHEUS_QUERY_INIT", index);
    if (find(kinds, KINDS, query->of) < 0)
        wanted = "of: want pools, nodes or instances";
    else if (find(measures, MEASURES, query->measure) < 0)
        wanted = "measure: want latency_ms, throughput_rps, error_frac, cpu_free_frac or "
                 "memory_free_frac";
    else if (query->promql == NULL || *query->promql == '\0')
        wanted = "promql: want a query";
    else if (query->label == NULL || *query->label == '\0')
        wanted = "label: want the label that names what is measured";
    else if (!(query->scale >= 0 && query->scale <= 1e15))
        wanted = "scale: want a number from 0 to 1e15";
    return wanted == NULL
               ? SPOTOPT_OK
               : spotopt__fail(err, SPOTOPT_E_ARGUMENT, "queries[%zu].%s", index, wanted);
}

/* Appends text as a form's value. */
static void
add_escaped(spotopt__str *out, const char *text)
{
    static const char plain[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~";

    for (; *text != '\0'; text++) {
        if (strchr(plain, *text) != NULL)
            spotopt__str_add_n(out, text, 1);
        else
            spotopt__str_addf(out, "%%%02X", (unsigned)(unsigned char)*text);
    }
}

/* The row of a name, made where there is none; NULL: no memory. */
static row *
row_of(pull *p, int kind, const char *name)
{
    row fresh;
    uint32_t at = spotopt__map_get_n(&p->of[kind].at, name, strlen(name));

    if (at != SPOTOPT__NONE)
        return &p->of[kind].rows.at[at];
    at = (uint32_t)p->of[kind].rows.count;
    fresh.name = spotopt__arena_text(&p->names, name, strlen(name));
    for (int m = 0; m < MEASURES; m++)
        fresh.value[m] = NAN;
    if (fresh.name == NULL || !spotopt__vec_push(p->context, &p->of[kind].rows, fresh) ||
        !spotopt__map_put_n(&p->of[kind].at, fresh.name, strlen(fresh.name), at, NULL))
        return NULL;
    return &p->of[kind].rows.at[at];
}

/* [time, "value"]; *out NaN for NaN and the infinite. */
static spotopt_status
read_value(const spotopt__at *pair, double *out, spotopt_error *err)
{
    spotopt__at item = spotopt__at_first(pair);
    const char *text;
    spotopt_status status;

    *out = NAN;
    status = spotopt__want_array(pair, err);
    if (status < 0)
        return status;
    if (item.value != NULL)
        spotopt__at_step(&item);
    status = spotopt__want_text(&item, &text, err);
    if (status < 0)
        return status;
    if (strcmp(text, "NaN") == 0 || strcmp(text, "+Inf") == 0 || strcmp(text, "-Inf") == 0)
        return SPOTOPT_OK;
    if (!spotopt__parse_real(text, strlen(text), out))
        return spotopt__fail_at(&item, err, "want a number as text");
    return SPOTOPT_OK;
}

static spotopt_status
read_series(pull *p, const spotopt_prometheus_query *query, const spotopt__at *series,
            spotopt_error *err)
{
    const spotopt__at labels = spotopt__at_key(series, "metric"),
                      label = spotopt__at_key(&labels, query->label),
                      pair = spotopt__at_key(series, "value");
    const int measure = find(measures, MEASURES, query->measure);
    const char *name = spotopt__json_text(label.value);
    char quoted[SPOTOPT__QUOTE_SIZE];
    spotopt_status status = spotopt__want_object(series, err);
    double value;
    row *r;

    if (status == SPOTOPT_OK)
        status = spotopt__want_object(&labels, err);
    if (status == SPOTOPT_OK)
        status = read_value(&pair, &value, err);
    if (status < 0)
        return status;
    value *= query->scale == 0 ? 1 : query->scale;
    if (name == NULL || *name == '\0' || !isfinite(value))
        return SPOTOPT_OK;
    if (measure >= 2) /* a fraction */
        value = value < 0 ? 0 : value > 1 ? 1 : value;
    if (value < 0 || value > most[measure])
        return spotopt__fail_at(&pair, err, "%s of %s: want a query that answers 0 to %s",
                                query->measure, spotopt__quote(name, quoted),
                                measure == 0 ? "1e12" : "1e15");
    r = row_of(p, find(kinds, KINDS, query->of), name);
    if (r == NULL)
        return spotopt__nomem(err, "metrics");
    if (!isnan(r->value[measure]))
        return spotopt__fail_at(series, err,
                                "%s of %s is there already; want one series for each \"%s\", such "
                                "as by (%s)",
                                query->measure, spotopt__quote(name, quoted), query->label,
                                query->label);
    r->value[measure] = value;
    return SPOTOPT_OK;
}

static spotopt_status
read_answer(pull *p, const spotopt_prometheus_query *query, const spotopt__at *root,
            spotopt_error *err)
{
    const spotopt__at status_at = spotopt__at_key(root, "status"),
                      error_at = spotopt__at_key(root, "error"),
                      data = spotopt__at_key(root, "data"),
                      type = spotopt__at_key(&data, "resultType"),
                      result = spotopt__at_key(&data, "result"),
                      warnings = spotopt__at_key(root, "warnings");
    const char *text;
    spotopt_status status = spotopt__want_text(&status_at, &text, err);

    if (status < 0)
        return status;
    if (strcmp(text, "error") == 0) {
        const char *said = spotopt__json_text(error_at.value);

        return spotopt__fail(err, SPOTOPT_E_INPUT, "%s: refused: %s", root->name,
                             said != NULL ? said : "without a reason");
    }
    status = spotopt__want_text(&type, &text, err);
    if (status == SPOTOPT_OK && strcmp(text, "vector") != 0)
        status = spotopt__fail_at(&type, err,
                                  "is not \"vector\"; want a query that answers one "
                                  "number for each series");
    if (status == SPOTOPT_OK)
        status = spotopt__want_array(&result, err);
    if (status < 0)
        return status;
    for (spotopt__at it = spotopt__at_first(&warnings); it.value != NULL; spotopt__at_step(&it)) {
        if (spotopt__json_text(it.value) != NULL)
            spotopt__log(p->context, SPOTOPT_LOG_WARNING, "%s: %s", root->name,
                         spotopt__json_text(it.value));
    }
    for (spotopt__at it = spotopt__at_first(&result); status == SPOTOPT_OK && it.value != NULL;
         spotopt__at_step(&it))
        status = read_series(p, query, &it, err);
    return status;
}

static spotopt_status
read_body(pull *p, const spotopt_prometheus_query *query, size_t index,
          const spotopt_net_answer *answer, spotopt_error *err)
{
    spotopt__json *json = NULL;
    spotopt__at root;
    char name[48];
    spotopt_status status;

    (void)snprintf(name, sizeof name, "Prometheus, queries[%zu]", index);
    /* A refused query comes with 400 or 422 and its reason as JSON. */
    if (answer->code != 200 && answer->code != 400 && answer->code != 422)
        return spotopt__fail(err, SPOTOPT_E_PEER,
                             "%s: status %d; check its address and what it needs to let us in",
                             name, answer->code);
    status = spotopt__json_parse(answer->body, answer->length, name, &json, err);
    if (status < 0)
        return status;
    root = spotopt__at_root(json, name);
    status = read_answer(p, query, &root, err);
    spotopt__json_free(json);
    return status;
}

static spotopt_status
ask(pull *p, const spotopt_net_request *server, const spotopt_prometheus_query *query, size_t index,
    double now_s, spotopt_error *err)
{
    static const char *const form = "Content-Type: application/x-www-form-urlencoded";
    spotopt_net_request request = *server;
    spotopt_net_answer answer = SPOTOPT_NET_ANSWER_INIT;
    const size_t length = strlen(server->url);
    spotopt__vec(const char *) headers = {0};
    spotopt_status status = SPOTOPT_OK;
    spotopt__str url, body;

    spotopt__str_init(&url, p->context);
    spotopt__str_init(&body, p->context);
    spotopt__str_add_n(&url, server->url,
                       length > 0 && server->url[length - 1] == '/' ? length - 1 : length);
    spotopt__str_add(&url, "/api/v1/query");
    spotopt__str_add(&body, "query=");
    add_escaped(&body, query->promql);
    spotopt__str_add(&body, "&time=");
    spotopt__str_add_real(&body, now_s);
    for (size_t i = 0; i < server->header_count && server->headers != NULL; i++) {
        if (!spotopt__vec_push(p->context, &headers, server->headers[i]))
            status = spotopt__nomem(err, "a query");
    }
    if (url.failed || body.failed || !spotopt__vec_push(p->context, &headers, form))
        status = spotopt__nomem(err, "a query");
    request.method = "POST"; /* a query may be longer than a URL */
    request.url = url.at;
    request.body = body.at;
    request.body_length = body.count;
    request.headers = headers.at;
    request.header_count = headers.count;
    request.flags = SPOTOPT_NET_REPEATABLE;
    request.call = request.call != NULL ? request.call : "query";
    request.data = NULL;
    if (status == SPOTOPT_OK)
        status = spotopt_net_call(p->net, &request, &answer, err);
    if (status == SPOTOPT_OK)
        status = read_body(p, query, index, &answer, err);
    spotopt_net_answer_clear(p->net, &answer);
    spotopt__vec_free(p->context, &headers);
    spotopt__str_free(&url);
    spotopt__str_free(&body);
    return status;
}

static int
compare_rows(const void *a, const void *b)
{
    return strcmp(((const row *)a)->name, ((const row *)b)->name);
}

static spotopt_status
write_metrics(pull *p, char **out_text, size_t *out_length, spotopt_error *err)
{
    spotopt__str str;
    spotopt__jw jw;

    spotopt__str_init(&str, p->context);
    spotopt__jw_init(&jw, &str);
    spotopt__jw_object(&jw);
    spotopt__jw_put_text(&jw, "apiVersion", "spotopt/v1");
    spotopt__jw_put_text(&jw, "kind", "Metrics");
    for (int k = 0; k < KINDS; k++) {
        if (p->of[k].rows.count > 1)
            qsort(p->of[k].rows.at, p->of[k].rows.count, sizeof(row), compare_rows);
        spotopt__jw_key(&jw, kinds[k]);
        spotopt__jw_object(&jw);
        for (size_t i = 0; i < p->of[k].rows.count; i++) {
            spotopt__jw_key(&jw, p->of[k].rows.at[i].name);
            spotopt__jw_object(&jw);
            for (int m = 0; m < MEASURES; m++) {
                if (!isnan(p->of[k].rows.at[i].value[m]))
                    spotopt__jw_put_real(&jw, measures[m], p->of[k].rows.at[i].value[m]);
            }
            spotopt__jw_end_object(&jw);
        }
        spotopt__jw_end_object(&jw);
    }
    spotopt__jw_end_object(&jw);
    *out_text = spotopt__str_take(&str, out_length);
    return *out_text == NULL ? spotopt__nomem(err, "metrics") : SPOTOPT_OK;
}

spotopt_status
spotopt_prometheus_pull(spotopt_net *net, const spotopt_net_request *server,
                        const spotopt_prometheus_query *queries, size_t count, double now_s,
                        char **out_text, size_t *out_length, spotopt_error *err)
{
    spotopt_net_request ours = SPOTOPT_NET_REQUEST_INIT;
    spotopt_status status;
    size_t length;
    pull p = {.net = net};

    if (net == NULL || server == NULL || out_text == NULL || (queries == NULL && count > 0))
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT,
                             "want a client, a server, queries and out_text");
    *out_text = NULL;
    if (!(now_s >= 0 && now_s < 253402300800.0))
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT, "now_s: want seconds since 1970");
    status = spotopt__copy_in(&ours, sizeof ours, server, "spotopt_net_request", err);
    if (status == SPOTOPT_OK && ours.url == NULL)
        status = spotopt__fail(err, SPOTOPT_E_ARGUMENT, "url: want that of a Prometheus server");
    for (size_t i = 0; status == SPOTOPT_OK && i < count; i++)
        status = check_query(&queries[i], i, err);
    if (status < 0)
        return status;
    p.context = net->context;
    spotopt__arena_init(&p.names, p.context);
    for (int k = 0; k < KINDS; k++)
        spotopt__map_init(&p.of[k].at, p.context);
    for (size_t i = 0; status == SPOTOPT_OK && i < count; i++)
        status = ask(&p, &ours, &queries[i], i, now_s, err);
    if (status == SPOTOPT_OK)
        status = write_metrics(&p, out_text, out_length != NULL ? out_length : &length, err);
    for (int k = 0; k < KINDS; k++) {
        spotopt__vec_free(p.context, &p.of[k].rows);
        spotopt__map_free(&p.of[k].at);
    }
    spotopt__arena_free(&p.names);
    return status;
}
