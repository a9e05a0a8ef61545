/* SPDX-License-Identifier: Apache-2.0 */
/*
 * 02_rank_and_funnel.c - a controller's round: where should three workloads run, should what runs
 * already move, and what became of every pool that was looked at.
 *
 * Introduces spotopt_rank(), spotopt_ranking_switch(), spotopt_funnel_merge(),
 * spotopt_recorder_add() and spotopt_funnel_write_openmetrics().
 *
 *     cc 02_rank_and_funnel.c $(pkg-config --cflags --libs spotopt) -o rank && ./rank data
 */
#include <spotopt/spotopt.h>
#include <stdio.h>
#include <stdlib.h>

#define NOW_S 1793610000.0 /* 2026-11-02T09:00:00Z */
#define OWN_CAP 0.5        /* our own rule, USD an hour: it is counted beside the engine's */

static const struct {
    const char *name, *request, *current;
    double since_min;
    uint32_t count;
} workloads[] = {
    {"web", "cpu=2,memory=4Gi", "m5.xlarge/us-east-1b/spot", 45.0, 6},
    {"api", "cpu=4,memory=16Gi", "m5.2xlarge/us-east-1b/spot", 12.0, 3},
    {"batch", "cpu=8,memory=16Gi", NULL, 0.0, 10},
};

static void
must(spotopt_status status, const spotopt_error *err)
{
    if (status != SPOTOPT_OK) {
        fprintf(stderr, "%s\n", err->message);
        exit(1);
    }
}

static char *
read_file(const char *folder, const char *name, size_t *length)
{
    char path[4096], *text = NULL;
    long size = -1;
    FILE *file;

    snprintf(path, sizeof path, "%s/%s", folder, name);
    file = fopen(path, "rb");
    if (file == NULL || fseek(file, 0, SEEK_END) != 0 || (size = ftell(file)) < 0 ||
        (text = malloc((size_t)size + 1)) == NULL) {
        perror(path);
        exit(1);
    }
    rewind(file);
    *length = fread(text, 1, (size_t)size, file);
    fclose(file);
    return text;
}

/* One workload: prints what to do, adds its funnel to the round's. */
static void
decide(const spotopt_catalog *catalog, const spotopt_history *history, size_t at,
       spotopt_funnel *round)
{
    spotopt_rank_params params = SPOTOPT_RANK_PARAMS_INIT;
    spotopt_switch advice = SPOTOPT_SWITCH_INIT;
    spotopt_pool_info info = SPOTOPT_POOL_INFO_INIT;
    spotopt_error err = SPOTOPT_ERROR_INIT;
    spotopt_ranking *ranking = NULL;
    spotopt_funnel *funnel = NULL;
    size_t length = 0;
    char *text = NULL;
    uint32_t pool = 0;
    double score = 0.0;

    params.catalog = catalog;
    params.history = history;
    params.request = workloads[at].request;
    params.count = workloads[at].count;
    params.now_s = NOW_S;
    params.current = workloads[at].current;
    if (params.current != NULL)
        params.current_since_s = NOW_S - 60.0 * workloads[at].since_min;
    must(spotopt_rank(NULL, &params, NULL, &ranking, &err), &err);
    must(spotopt_ranking_at(ranking, 0, &pool, &score, &err), &err);
    must(spotopt_catalog_pool_at(catalog, pool, &info, &err), &err);
    must(spotopt_ranking_switch(ranking, &advice, &err), &err);
    printf("%s: %s scores %.2f, first of %zu", workloads[at].name, info.id, score,
           spotopt_ranking_count(ranking));
    if (advice.why == SPOTOPT_SWITCH_NONE)
        printf("\n");
    else if (advice.why == SPOTOPT_SWITCH_WORTH)
        printf("; move %u replicas there, each saves %.4f USD over 4 h\n",
               (unsigned)advice.replicas, advice.net_usd);
    else if (advice.replicas > 0) /* a notice, or its pool may not be used any more */
        printf("; move %u replicas there now\n", (unsigned)advice.replicas);
    else
        printf("; stay%s\n",
               advice.why == SPOTOPT_SWITCH_DWELL ? " for now, it moved just before" : "");

    must(spotopt_ranking_write(ranking, &text, &length, &err), &err);
    must(spotopt_funnel_parse(NULL, text, length, "ranking", &funnel, &err), &err);
    must(spotopt_funnel_merge(round, funnel, &err), &err);
    spotopt_funnel_free(funnel);
    spotopt_text_free(NULL, text);
    spotopt_ranking_free(ranking);
}

int
main(int argc, char **argv)
{
    const char *folder = argc > 1 ? argv[1] : "data";
    spotopt_error err = SPOTOPT_ERROR_INIT;
    spotopt_catalog *catalog = NULL;
    spotopt_history *history = NULL;
    spotopt_recorder *recorder = NULL;
    spotopt_funnel *round = NULL, *own = NULL;
    size_t length, metrics_length = 0;
    char *text = read_file(folder, "catalog.json", &length), *metrics = NULL;

    must(spotopt_catalog_parse(NULL, text, length, "catalog.json", NULL, &catalog, &err), &err);
    free(text);
    text = read_file(folder, "history.csv", &length);
    must(spotopt_history_parse(NULL, text, length, "history.csv", &history, &err), &err);
    free(text);
    must(spotopt_funnel_new(NULL, &round, &err), &err);
    must(spotopt_recorder_new(NULL, NOW_S, &recorder, &err), &err);

    for (size_t i = 0; i < sizeof workloads / sizeof *workloads; i++)
        decide(catalog, history, i, round);

    /* What we refuse ourselves, from as many threads as we like. */
    for (uint32_t i = 0; i < spotopt_catalog_count(catalog); i++) {
        spotopt_pool_info info = SPOTOPT_POOL_INFO_INIT;

        must(spotopt_catalog_pool_at(catalog, i, &info, &err), &err);
        spotopt_recorder_add(recorder, info.usd_per_hour > OWN_CAP ? SPOTOPT_DROP_PRICE_CAP
                                                                   : SPOTOPT_DROP_NONE);
    }
    must(spotopt_recorder_funnel(recorder, 0.0, &own, &err), &err);
    must(spotopt_funnel_merge(round, own, &err), &err);
    must(spotopt_funnel_write_openmetrics(round, &metrics, &metrics_length, &err), &err);
    fputs(metrics, stdout);

    spotopt_text_free(NULL, metrics);
    spotopt_funnel_free(own);
    spotopt_funnel_free(round);
    spotopt_recorder_free(recorder);
    spotopt_history_free(history);
    spotopt_catalog_free(catalog);
    return 0;
}
