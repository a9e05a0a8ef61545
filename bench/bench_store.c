/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bench_store [ROWS [URL]] - measures of instances into a store, and a dashboard's hours out of it.
 *
 * 1,000 instances in 20 clusters, measured once a minute, all five measures, in batches of 20,000
 * rows; default 10,000,000 rows into an SQLite file in the folder it is run in, which is removed
 * before and after.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "spotopt/store.h"

#define INSTANCES 1000
#define CLUSTERS 20
#define BATCH 20000
#define DAY INT64_C(86400000)
#define FILE_NAME "bench_store.db"

static double
wall_s(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static double
cpu_s(void)
{
    struct rusage u;

    (void)getrusage(RUSAGE_SELF, &u);
    return (double)u.ru_utime.tv_sec + 1e-6 * (double)u.ru_utime.tv_usec +
           (double)u.ru_stime.tv_sec + 1e-6 * (double)u.ru_stime.tv_usec;
}

static void
or_die(spotopt_status status, const spotopt_error *err)
{
    if (status == SPOTOPT_OK)
        return;
    (void)fprintf(stderr, "%s\n", err->message);
    exit(1);
}

static void
remove_files(void)
{
    (void)unlink(FILE_NAME);
    (void)unlink(FILE_NAME "-wal");
    (void)unlink(FILE_NAME "-shm");
}

static int32_t
add_rows(void *user, const spotopt_store_hour *hour)
{
    *(uint64_t *)user += hour->rows;
    return 0;
}

static void
ask(spotopt_store *store, const char *cluster, int64_t to_ms)
{
    spotopt_error err = SPOTOPT_ERROR_INIT;
    double best = 1e9, worst = 0.0;
    uint64_t rows = 0;

    for (int i = 0; i < 20; i++) {
        const double from = wall_s();

        rows = 0;
        or_die(spotopt_store_hours(store, cluster, to_ms - DAY, to_ms, add_rows, &rows, &err),
               &err);
        const double took = wall_s() - from;

        best = took < best ? took : best;
        worst = took > worst ? took : worst;
    }
    printf("24 h of %-12s %8.2f ms at best, %.2f ms at worst of 20, over %llu rows\n",
           cluster != NULL ? cluster : "all", 1e3 * best, 1e3 * worst, (unsigned long long)rows);
}

int
main(int argc, char **argv)
{
    static int64_t time_ms[BATCH];
    static const char *instance[BATCH];
    static double column[5][BATCH];
    static char name[INSTANCES][16], starts[INSTANCES * 160];
    const long rows = argc > 1 ? atol(argv[1]) : 10000000;
    const char *url = argc > 2 ? argv[2] : "sqlite:" FILE_NAME;
    spotopt_store_metrics m = SPOTOPT_STORE_METRICS_INIT;
    spotopt_error err = SPOTOPT_ERROR_INIT;
    spotopt_store *store = NULL;
    uint64_t state = 1, added = 0, all = 0;
    size_t length = 0;
    double wall, cpu;
    struct stat about;
    long done = 0;

    if (argc <= 2)
        remove_files();
    or_die(spotopt_store_open(NULL, url, 0, &store, &err), &err);
    for (int i = 0; i < INSTANCES; i++) {
        (void)snprintf(name[i], sizeof name[i], "i-%06d", i);
        length +=
            (size_t)snprintf(starts + length, sizeof starts - length,
                             "{\"time_ms\":0,\"type\":\"start\",\"instance\":\"%s\",\"pool\":"
                             "\"m5.large/a/spot\",\"cluster\":\"c%d\",\"usd_per_hour\":0.1}\n",
                             name[i], i % CLUSTERS);
    }
    or_die(spotopt_store_append(store, starts, length, NULL, NULL, &err), &err);
    m.time_ms = time_ms;
    m.instance = instance;
    m.latency_ms = column[0];
    m.throughput_rps = column[1];
    m.error_frac = column[2];
    m.cpu_free_frac = column[3];
    m.memory_free_frac = column[4];
    wall = wall_s();
    cpu = cpu_s();
    while (done < rows) {
        for (m.count = 0; m.count < BATCH && done < rows; m.count++, done++) {
            time_ms[m.count] = done / INSTANCES * 60000;
            instance[m.count] = name[done % INSTANCES];
            for (int c = 0; c < 5; c++) {
                state = state * 6364136223846793005u + 1442695040888963407u;
                column[c][m.count] = (double)(state >> 33) / 2147483648.0;
            }
        }
        or_die(spotopt_store_append_metrics(store, &m, &added, &err), &err);
        all += added;
    }
    wall = wall_s() - wall;
    cpu = cpu_s() - cpu;
    printf("%s: %llu rows in %.1f s wall (%.0f rows/s), %.1f s of CPU (%.0f rows/s)\n",
           spotopt_store_kind(store), (unsigned long long)all, wall, (double)all / wall, cpu,
           (double)all / cpu);
    if (argc <= 2 && stat(FILE_NAME, &about) == 0)
        printf("%.0f MB, %.0f bytes a row\n", 1e-6 * (double)about.st_size,
               (double)about.st_size / (double)all);
    for (int i = 0; i < 3; i++) {
        const char *const clusters[] = {"c0", "c7", NULL};

        ask(store, clusters[i], rows / INSTANCES * 60000);
    }
    spotopt_store_close(store);
    if (argc <= 2)
        remove_files();
    return 0;
}
