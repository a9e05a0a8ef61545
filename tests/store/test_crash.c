/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A writer is killed at a random moment, again and again, on one file. What it was told is kept
 * must be there, a batch is there as a whole or not at all, and the file is sound. SPOTOPT_SLOW=1:
 * 1,000 rounds.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "spotopt/store.h"
#include "suite.h"

#define EVER INT64_C(253402300799000)
#define ROWS 20 /* events in a batch, and as many measures */

static spotopt_error err;
static char folder[] = "/tmp/spotopt-crash-XXXXXX";
static char url[200];

/* Batch b: ROWS events and ROWS measures at time b + 1. */
static spotopt_status
write_batch(spotopt_store *store, int b)
{
    static char text[ROWS * 400];
    size_t count = 0;

    for (int i = 0; i < ROWS; i++)
        count += (size_t)snprintf(
            text + count, sizeof text - count,
            "{\"time_ms\":%d,\"type\":\"log\",\"component\":\"c%d\",\"text\":\"row %d\"}\n"
            "{\"time_ms\":%d,\"type\":\"metrics\",\"instance\":\"i-%d\",\"latency_ms\":%d}\n",
            b + 1, i, i, b + 1, i, b);
    return spotopt_store_append(store, text, count, NULL, NULL, &err);
}

/* Writes batches from `first` on and says each one's number when it is kept, until it is killed. */
static void
child(int first, int out)
{
    spotopt_store *store = NULL;

    if (spotopt_store_open(NULL, url, 0, &store, &err) != SPOTOPT_OK)
        _exit(3);
    for (int b = first;; b++) {
        if (write_batch(store, b) != SPOTOPT_OK || write(out, &b, sizeof b) != sizeof b)
            _exit(4);
    }
}

typedef struct found {
    int events[100000], metrics[100000];
} found;

static int32_t
count_row(void *user, const char *line, size_t length)
{
    found *f = user;
    const int t = atoi(line + strlen("{\"time_ms\":"));

    (void)length;
    if (t < 1 || t >= 100000)
        return 1;
    if (strstr(line, "\"metrics\"") != NULL)
        f->metrics[t - 1]++;
    else
        f->events[t - 1]++;
    return 0;
}

static void
test_crash__loses_no_acknowledged_row_when_the_writer_is_killed(void)
{
    static found f;
    const int rounds = getenv("SPOTOPT_SLOW") != NULL ? 1000 : 25;
    int acknowledged = -1, lost = 0, torn = 0, most = -1;

    srand(7);
    for (int round = 0; round < rounds; round++) {
        const struct timespec wait = {0, (long)(rand() % 60000) * 1000};
        spotopt_store *store = NULL;
        int pipes[2], b, status;
        pid_t pid;

        CU_ASSERT_EQUAL_FATAL(pipe(pipes), 0);
        pid = fork();
        CU_ASSERT_FATAL(pid >= 0);
        if (pid == 0) {
            (void)close(pipes[0]);
            child(acknowledged + 1, pipes[1]);
        }
        (void)close(pipes[1]);
        (void)nanosleep(&wait, NULL);
        (void)kill(pid, SIGKILL);
        CU_ASSERT_EQUAL(waitpid(pid, &status, 0), pid);
        CU_ASSERT(WIFSIGNALED(status));
        while (read(pipes[0], &b, sizeof b) == sizeof b)
            acknowledged = b;
        (void)close(pipes[0]);
        if (round % 10 != 9 && round + 1 < rounds)
            continue;
        memset(&f, 0, sizeof f);
        CU_ASSERT_EQUAL_FATAL(spotopt_store_open(NULL, url, 0, &store, &err), SPOTOPT_OK);
        CU_ASSERT_EQUAL(spotopt_store_check(store, &err), SPOTOPT_OK);
        CU_ASSERT_EQUAL(spotopt_store_read(store, 0, EVER, count_row, &f, &err), SPOTOPT_OK);
        spotopt_store_close(store);
        for (b = 0; b < 100000; b++) {
            const int rows = f.events[b] + f.metrics[b];

            lost += b <= acknowledged && rows != 2 * ROWS;
            torn += rows != 0 && rows != 2 * ROWS;
            if (rows > 0)
                most = b;
        }
    }
    CU_ASSERT_EQUAL(lost, 0);
    CU_ASSERT_EQUAL(torn, 0);
    CU_ASSERT(acknowledged > 0);
    CU_ASSERT(most <= acknowledged + 1); /* at most one was kept and not told */
    printf("%d rounds, %d batches acknowledged ", rounds, acknowledged + 1);
}

static int32_t
count_all(void *user, const char *line, size_t length)
{
    (void)line;
    (void)length;
    ++*(int *)user;
    return 0;
}

static void
test_crash__says_a_full_disk_and_goes_on_when_there_is_room(void)
{
    struct rlimit limit, small;
    spotopt_store *store = NULL;
    spotopt_status status = SPOTOPT_OK;
    int rows = 0, b = 0;

    (void)snprintf(url, sizeof url, "sqlite:%s/full.db", folder);
    (void)signal(SIGXFSZ, SIG_IGN);
    CU_ASSERT_EQUAL_FATAL(getrlimit(RLIMIT_FSIZE, &limit), 0);
    CU_ASSERT_EQUAL_FATAL(spotopt_store_open(NULL, url, 0, &store, &err), SPOTOPT_OK);
    small = limit;
    small.rlim_cur = 1500000; /* the log meets it */
    CU_ASSERT_EQUAL_FATAL(setrlimit(RLIMIT_FSIZE, &small), 0);
    while (b < 5000 && (status = write_batch(store, b)) == SPOTOPT_OK)
        b++;
    CU_ASSERT_EQUAL(status, SPOTOPT_E_STORE);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.message, "make room"));
    CU_ASSERT(b > 0 && b < 5000);
    CU_ASSERT_EQUAL(spotopt_store_read(store, 0, EVER, count_all, &rows, &err), SPOTOPT_OK);
    CU_ASSERT_EQUAL(rows, b * 2 * ROWS);
    CU_ASSERT_EQUAL_FATAL(setrlimit(RLIMIT_FSIZE, &limit), 0);
    CU_ASSERT_EQUAL(write_batch(store, b), SPOTOPT_OK); /* the one that failed, and one more */
    CU_ASSERT_EQUAL(write_batch(store, b + 1), SPOTOPT_OK);
    rows = 0;
    CU_ASSERT_EQUAL(spotopt_store_read(store, 0, EVER, count_all, &rows, &err), SPOTOPT_OK);
    CU_ASSERT_EQUAL(rows, (b + 2) * 2 * ROWS);
    CU_ASSERT_EQUAL(spotopt_store_check(store, &err), SPOTOPT_OK);
    spotopt_store_close(store);
}

int
main(void)
{
    static const suite_test tests[] = {
        TEST(test_crash__loses_no_acknowledged_row_when_the_writer_is_killed),
        TEST(test_crash__says_a_full_disk_and_goes_on_when_there_is_room),
    };
    char command[100];
    int failed;

    if (mkdtemp(folder) == NULL)
        return 2;
    (void)snprintf(url, sizeof url, "sqlite:%s/crash.db", folder);
    failed = suite_run("crash", tests, sizeof tests / sizeof *tests);
    (void)snprintf(command, sizeof command, "rm -rf %s", folder);
    return system(command) != 0 || failed;
}
