/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_SUPPORT_SMALL_H
#define TESTS_SUPPORT_SMALL_H
/*
 * A small fleet with one of everything (tests/support/small): five nodes, nineteen pods, two
 * budgets, twelve pools, and a packing problem. Small enough for a plan in a few milliseconds.
 * Public headers alone.
 */
#include <stdio.h>
#include <stdlib.h>

#include "spotopt/spotopt.h"

#define SMALL_NOW_S 1793600000.0

typedef struct small_text {
    char *at;
    size_t length;
} small_text;

/* A document of the folder; a test that lacks it ends here. */
static inline small_text
small_read(const char *name)
{
    small_text text = {NULL, 0};
    char path[1024];
    FILE *file;

    snprintf(path, sizeof path, "%s/%s", SPOTOPT_TEST_SMALL, name);
    file = fopen(path, "rb");
    text.at = malloc(1 << 16);
    if (file == NULL || text.at == NULL) {
        fprintf(stderr, "cannot read %s\n", path);
        exit(2);
    }
    text.length = fread(text.at, 1, 1 << 16, file);
    fclose(file);
    return text;
}

typedef struct small_inputs {
    spotopt_cluster *cluster;
    spotopt_catalog *catalog;
    spotopt_policy *policy;
    spotopt_history *history;
    spotopt_metrics *metrics;
} small_inputs;

typedef struct small_texts {
    small_text cluster, catalog, policy, history, metrics, problem;
} small_texts;

static inline small_texts
small_read_all(void)
{
    return (small_texts){small_read("cluster.json"), small_read("catalog.json"),
                         small_read("policy.json"),  small_read("history.csv"),
                         small_read("metrics.json"), small_read("problem.json")};
}

static inline void
small_texts_free(small_texts *texts)
{
    free(texts->cluster.at);
    free(texts->catalog.at);
    free(texts->policy.at);
    free(texts->history.at);
    free(texts->metrics.at);
    free(texts->problem.at);
}

static inline spotopt_status
small_parse(spotopt_context *context, const small_texts *texts, small_inputs *in,
            spotopt_error *err)
{
    spotopt_status status;

    if ((status = spotopt_cluster_parse(context, texts->cluster.at, texts->cluster.length,
                                        "cluster.json", NULL, &in->cluster, err)) < 0 ||
        (status = spotopt_catalog_parse(context, texts->catalog.at, texts->catalog.length,
                                        "catalog.json", NULL, &in->catalog, err)) < 0 ||
        (status = spotopt_policy_parse(context, texts->policy.at, texts->policy.length,
                                       "policy.json", &in->policy, err)) < 0 ||
        (status = spotopt_history_parse(context, texts->history.at, texts->history.length,
                                        "history.csv", &in->history, err)) < 0)
        return status;
    return spotopt_metrics_parse(context, texts->metrics.at, texts->metrics.length, "metrics.json",
                                 &in->metrics, err);
}

static inline void
small_inputs_free(small_inputs *in)
{
    spotopt_cluster_free(in->cluster);
    spotopt_catalog_free(in->catalog);
    spotopt_policy_free(in->policy);
    spotopt_history_free(in->history);
    spotopt_metrics_free(in->metrics);
    *in = (small_inputs){NULL, NULL, NULL, NULL, NULL};
}

static inline spotopt_plan_params
small_params(const small_inputs *in)
{
    spotopt_plan_params params = SPOTOPT_PLAN_PARAMS_INIT;

    params.cluster = in->cluster;
    params.catalog = in->catalog;
    params.policy = in->policy;
    params.history = in->history;
    params.metrics = in->metrics;
    params.now_s = SMALL_NOW_S;
    return params;
}

#endif
