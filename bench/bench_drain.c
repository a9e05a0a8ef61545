/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench_drain.c - how long plans of drains take, anew after a refusal too.
 *
 * Usage: bench_drain CLUSTER CATALOG [NODES] [REPEATS]
 * Plans to leave the first NODES nodes (default 100), plans anew after one eviction was refused,
 * and plans to leave the fullest node with 120 s notice. Prints the quickest and the slowest of
 * REPEATS (default 20) in milliseconds of the process's CPU time. make_cluster.py makes inputs.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "model/cluster.h"
#include "spotopt/spotopt.h"

typedef struct input {
    char *text;
    size_t length;
} input;

static double
cpu_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return 1e3 * (double)t.tv_sec + 1e-6 * (double)t.tv_nsec;
}

static input
read_all(const char *path)
{
    FILE *file = fopen(path, "rb");
    input in = {NULL, 0};

    if (file == NULL || fseek(file, 0, SEEK_END) != 0) {
        fprintf(stderr, "bench_drain: cannot read %s\n", path);
        exit(3);
    }
    in.length = (size_t)ftell(file);
    rewind(file);
    in.text = malloc(in.length + 1);
    if (in.text == NULL || fread(in.text, 1, in.length, file) != in.length)
        exit(3);
    fclose(file);
    return in;
}

static void
must(spotopt_status status, const spotopt_error *err)
{
    if (status == SPOTOPT_OK)
        return;
    fprintf(stderr, "bench_drain: %s\n", err->message);
    exit(1);
}

/* The node with most pods that move when it goes. */
static const char *
fullest(const spotopt_cluster *cluster, uint32_t *out_pods)
{
    uint32_t best = 0, *count = calloc(cluster->nodes.count + 1, sizeof *count);

    if (count == NULL)
        exit(1);
    for (size_t i = 0; i < cluster->pods.count; i++) {
        const spotopt__pod *pod = &cluster->pods.at[i];

        if (pod->node != SPOTOPT__NONE && !pod->is_daemon && !pod->is_mirror)
            count[pod->node]++;
    }
    for (uint32_t n = 0; n < cluster->nodes.count; n++)
        best = count[n] > count[best] ? n : best;
    *out_pods = count[best];
    free(count);
    return cluster->nodes.at[best].name;
}

/* One drain, REPEATS times; anew: after its first eviction was refused. */
static void
measure(const char *what, const spotopt_drain_params *params, bool anew, int repeats)
{
    double quickest = INFINITY, slowest = 0.0;
    size_t blocked = 0, lost = 0;
    spotopt_error err = SPOTOPT_ERROR_INIT;

    for (int k = 0; k < repeats; k++) {
        spotopt_drain *drain = NULL, *next = NULL;
        double start = cpu_ms(), took;

        must(spotopt_drain_plan(NULL, params, NULL, &drain, &err), &err);
        took = cpu_ms() - start;
        if (anew) {
            spotopt_drain_news news = SPOTOPT_DRAIN_NEWS_INIT;
            const int32_t kind = SPOTOPT_DRAIN_REFUSED;
            char *text = NULL, *pod, *end;
            const char *name;

            must(spotopt_drain_write(drain, &text, NULL, &err), &err);
            pod = strstr(text, "\"do\":\"evict\"");
            pod = pod == NULL ? NULL : strstr(pod, "\"pod\":\"");
            end = pod == NULL ? NULL : strchr(pod + 7, '"');
            if (end == NULL) {
                fprintf(stderr, "bench_drain: nothing is evicted\n");
                exit(1);
            }
            *end = '\0';
            name = pod + 7;
            news.kinds = &kind;
            news.names = &name;
            news.count = 1;
            start = cpu_ms();
            must(spotopt_drain_replan(NULL, drain, params, 30.0, &news, NULL, &next, &err), &err);
            took = cpu_ms() - start;
            spotopt_text_free(NULL, text);
        }
        quickest = fmin(quickest, took);
        slowest = fmax(slowest, took);
        blocked = spotopt_drain_blocked_count(anew ? next : drain);
        lost = spotopt_drain_lost_count(anew ? next : drain);
        spotopt_drain_free(next);
        spotopt_drain_free(drain);
    }
    printf("%-44s %8.2f %8.2f ms   %zu blocked, %zu lost\n", what, quickest, slowest, blocked,
           lost);
}

int
main(int argc, char **argv)
{
    spotopt_drain_params params = SPOTOPT_DRAIN_PARAMS_INIT;
    spotopt_error err = SPOTOPT_ERROR_INIT;
    spotopt_cluster *cluster = NULL;
    spotopt_catalog *catalog = NULL;
    size_t nodes = argc > 3 ? strtoul(argv[3], NULL, 10) : 100;
    int repeats = argc > 4 ? atoi(argv[4]) : 20;
    const char **names, *most;
    uint32_t pods = 0;
    input text;
    char what[80];

    if (argc < 3) {
        fprintf(stderr, "usage: bench_drain CLUSTER CATALOG [NODES] [REPEATS]\n");
        return 2;
    }
    text = read_all(argv[1]);
    must(spotopt_cluster_parse(NULL, text.text, text.length, argv[1], NULL, &cluster, &err), &err);
    free(text.text);
    text = read_all(argv[2]);
    must(spotopt_catalog_parse(NULL, text.text, text.length, argv[2], NULL, &catalog, &err), &err);
    free(text.text);
    nodes = nodes < cluster->nodes.count ? nodes : cluster->nodes.count;
    names = calloc(nodes + 1, sizeof *names);
    if (names == NULL)
        return 1;
    for (size_t n = 0; n < nodes; n++)
        names[n] = cluster->nodes.at[n].name;
    printf("%zu nodes, %zu pods, %zu budgets\n", cluster->nodes.count, cluster->pods.count,
           cluster->pdbs.count);
    params.cluster = cluster;
    params.catalog = catalog;
    params.nodes = names;
    params.node_count = nodes;
    snprintf(what, sizeof what, "%zu nodes leave", nodes);
    measure(what, &params, false, repeats);
    measure("planned anew after 30 s and one refusal", &params, true, repeats);
    most = fullest(cluster, &pods);
    params.nodes = &most;
    params.node_count = 1;
    params.notice_s = 120.0;
    snprintf(what, sizeof what, "one node with %u pods, 120 s notice", pods);
    measure(what, &params, false, repeats);
    free(names);
    spotopt_cluster_free(cluster);
    spotopt_catalog_free(catalog);
    return 0;
}
