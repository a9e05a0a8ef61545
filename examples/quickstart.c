/* SPDX-License-Identifier: Apache-2.0 */
/*
 * quickstart.c - plans the sample cluster through the library.
 *
 * Introduces spotopt_cluster_parse(), spotopt_catalog_parse(), spotopt_plan_make() and
 * spotopt_plan_summarize().
 *
 *     cc quickstart.c $(pkg-config --cflags --libs spotopt) -o quickstart && ./quickstart data
 */
#include <spotopt/spotopt.h>
#include <stdio.h>
#include <stdlib.h>

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

int
main(int argc, char **argv)
{
    const char *folder = argc > 1 ? argv[1] : "data";
    spotopt_plan_params params = SPOTOPT_PLAN_PARAMS_INIT;
    spotopt_plan_summary summary = SPOTOPT_PLAN_SUMMARY_INIT;
    spotopt_error err = SPOTOPT_ERROR_INIT;
    spotopt_cluster *cluster = NULL;
    spotopt_catalog *catalog = NULL;
    spotopt_plan *plan = NULL;
    size_t cluster_length, catalog_length;
    char *cluster_text = read_file(folder, "cluster.json", &cluster_length);
    char *catalog_text = read_file(folder, "catalog.json", &catalog_length);

    params.now_s = 1793610000.0; /* 2026-11-02T09:00:00Z: never read from a clock, so that a plan
                                    can be replayed */
    if (spotopt_cluster_parse(NULL, cluster_text, cluster_length, "cluster.json", NULL, &cluster,
                              &err) == SPOTOPT_OK &&
        spotopt_catalog_parse(NULL, catalog_text, catalog_length, "catalog.json", NULL, &catalog,
                              &err) == SPOTOPT_OK) {
        params.cluster = cluster;
        params.catalog = catalog;
        if (spotopt_plan_make(NULL, &params, NULL, &plan, &err) == SPOTOPT_OK &&
            spotopt_plan_summarize(plan, &summary, &err) == SPOTOPT_OK)
            printf("%u nodes for $%.2f an hour become %u for $%.2f, proven within %.1f %% of the "
                   "best; %u pods move\n",
                   (unsigned)summary.before_nodes, summary.before_usd_per_hour,
                   (unsigned)summary.after_nodes, summary.after_usd_per_hour, 100.0 * summary.gap,
                   (unsigned)summary.moves);
    }
    if (err.status != SPOTOPT_OK)
        fprintf(stderr, "%s\n", err.message);
    spotopt_plan_free(plan); /* in any order; NULL is fine */
    spotopt_catalog_free(catalog);
    spotopt_cluster_free(cluster);
    free(catalog_text);
    free(cluster_text);
    return err.status == SPOTOPT_OK ? 0 : 1;
}
