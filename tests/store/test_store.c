/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One suite for every database: SPOTOPT_STORE_URL names a PostgreSQL whose tables may be dropped,
 * and without it the suite runs on SQLite files in a temporary folder.
 */
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fail_alloc.h"
#include "spotopt/spotopt.h"
#include "spotopt/store.h"
#include "suite.h"

#define HOUR INT64_C(3600000)
#define EVER INT64_C(253402300799000)

static spotopt_error err;
static char folder[] = "/tmp/spotopt-store-XXXXXX";
static const char *server; /* NULL: SQLite */
static int files;

/* A store that is not there yet, by URL. */
static const char *
fresh(void)
{
    static char url[200];

    if (server != NULL) {
        char command[400];

        (void)snprintf(command, sizeof command,
                       "psql -q '%s' -c 'DROP SCHEMA IF EXISTS spotopt CASCADE' 2>/dev/null",
                       server);
        CU_ASSERT_EQUAL_FATAL(system(command), 0);
        return server;
    }
    (void)snprintf(url, sizeof url, "sqlite:%s/%d.db", folder, files++);
    return url;
}

static spotopt_store *
open_store(const char *url, uint32_t flags)
{
    spotopt_store *store = NULL;

    if (spotopt_store_open(NULL, url, flags, &store, &err) != SPOTOPT_OK)
        printf("\n    %s\n", err.message);
    CU_ASSERT_PTR_NOT_NULL_FATAL(store);
    return store;
}

static uint64_t
append(spotopt_store *store, const char *rows)
{
    uint64_t added = 0;
    spotopt_status status = spotopt_store_append(store, rows, strlen(rows), NULL, &added, &err);

    if (status != SPOTOPT_OK)
        printf("\n    %s\n", err.message);
    CU_ASSERT_EQUAL(status, SPOTOPT_OK);
    return added;
}

typedef struct text {
    char at[20000];
    size_t count, rows;
} text;

static int32_t
keep(void *user, const char *line, size_t length)
{
    text *t = user;

    if (t->count + length + 2 > sizeof t->at)
        return 1;
    memcpy(t->at + t->count, line, length);
    t->count += length;
    t->at[t->count++] = '\n';
    t->at[t->count] = '\0';
    t->rows++;
    return 0;
}

static text
all(spotopt_store *store)
{
    text t = {"", 0, 0};

    CU_ASSERT_EQUAL(spotopt_store_read(store, 0, EVER, keep, &t, &err), SPOTOPT_OK);
    return t;
}

/* One row of every type there is, in order of time. */
static const char every_type[] =
    "{\"time_ms\":1,\"type\":\"start\",\"instance\":\"i-1\",\"pool\":\"m5.large/a/"
    "spot\",\"cluster\":"
    "\"web\",\"client\":\"acme\",\"usd_per_hour\":0.03,\"on_demand_usd_per_hour\":0.1,\"vcpu\":2,"
    "\"spot_eligible\":true}\n"
    "{\"time_ms\":2,\"type\":\"price\",\"pool\":\"m5.large/a/spot\",\"usd_per_hour\":0.031}\n"
    "{\"time_ms\":3,\"type\":\"notice\",\"kind\":\"rebalance\",\"instance\":\"i-1\",\"cluster\":"
    "\"web\"}\n"
    "{\"time_ms\":4,\"type\":\"switch\",\"id\":\"s1\",\"state\":\"proposed\",\"instance\":\"i-1\","
    "\"from_pool\":\"a\",\"to_pool\":\"b\",\"cluster\":\"web\",\"alternates\":[\"c\",\"d\"]}\n"
    "{\"time_ms\":5,\"type\":\"demand\",\"cluster\":\"web\",\"ode_usd_per_hour\":1.5,"
    "\"bound_usd_per_hour\":0.5}\n"
    "{\"time_ms\":6,\"type\":\"override\",\"id\":\"o1\",\"state\":\"set\",\"scope\":\"all\","
    "\"author\":\"me\",\"reason\":\"caf\\u00e9\"}\n"
    "{\"time_ms\":7,\"type\":\"health\",\"component\":\"api\",\"state\":\"up\",\"latency_ms\":3}\n"
    "{\"time_ms\":8,\"type\":\"log\",\"component\":\"api\",\"level\":\"info\",\"text\":\"it's "
    "up\"}\n"
    "{\"time_ms\":9,\"type\":\"batch\",\"id\":\"b1\",\"state\":\"running\",\"done\":1,\"total\":2}"
    "\n"
    "{\"time_ms\":10,\"type\":\"cleanup\",\"item\":\"vol-1\",\"state\":\"flagged\"}\n"
    "{\"time_ms\":11,\"type\":\"model\",\"id\":\"m1\",\"state\":\"uploaded\",\"author\":\"me\"}\n"
    "{\"time_ms\":12,\"type\":\"cost\",\"cluster\":\"web\",\"client\":\"acme\",\"hours\":1,"
    "\"paid_usd\":2,\"ode_usd\":10,\"bound_usd\":1.5}\n"
    "{\"time_ms\":13,\"type\":\"client-policy\",\"client\":\"acme\",\"policy\":{\"a\":1}}\n"
    "{\"time_ms\":14,\"type\":\"funnel\",\"id\":\"f1\",\"cluster\":\"web\",\"stages\":[1,2]}\n"
    "{\"time_ms\":15,\"type\":\"experiment\",\"id\":\"e1\",\"state\":\"running\"}\n"
    "{\"time_ms\":16,\"type\":\"of-tomorrow\",\"x\":[]}\n"
    "{\"time_ms\":17,\"type\":\"stop\",\"instance\":\"i-1\",\"cause\":\"interrupted\"}\n"
    "{\"time_ms\":18,\"type\":\"metrics\",\"instance\":\"i-1\",\"latency_ms\":12.1,\"error_frac\":"
    "0.1}\n";

static void
test_store__gives_back_every_row_as_it_was_said(void)
{
    const char *url = fresh();
    spotopt_store *store = open_store(url, 0);
    text t;

    CU_ASSERT_EQUAL(append(store, every_type), 18);
    t = all(store);
    CU_ASSERT_STRING_EQUAL(t.at, every_type);
    spotopt_store_close(store);
    store = open_store(url, SPOTOPT_STORE_READ_ONLY);
    t = all(store);
    CU_ASSERT_STRING_EQUAL(t.at, every_type);
    CU_ASSERT_EQUAL(spotopt_store_append(store, "", 0, NULL, NULL, &err), SPOTOPT_E_STATE);
    CU_ASSERT_EQUAL(spotopt_store_check(store, &err), SPOTOPT_OK);
    spotopt_store_close(store);
}

static void
test_store__orders_by_time_then_by_arrival(void)
{
    spotopt_store *store = open_store(fresh(), 0);
    text t;

    append(store, "{\"time_ms\":5,\"type\":\"stop\",\"instance\":\"c\"}\n"
                  "{\"time_ms\":3,\"type\":\"metrics\",\"instance\":\"a\",\"latency_ms\":1}\n");
    append(store, "{\"time_ms\":5,\"type\":\"stop\",\"instance\":\"b\"}\n"
                  "{\"time_ms\":3,\"type\":\"stop\",\"instance\":\"a\"}\n"
                  "{\"time_ms\":5,\"type\":\"metrics\",\"instance\":\"a\",\"latency_ms\":1}\n");
    t = all(store);
    CU_ASSERT_STRING_EQUAL(
        t.at, "{\"time_ms\":3,\"type\":\"stop\",\"instance\":\"a\"}\n"
              "{\"time_ms\":3,\"type\":\"metrics\",\"instance\":\"a\",\"latency_ms\":1}\n"
              "{\"time_ms\":5,\"type\":\"stop\",\"instance\":\"c\"}\n"
              "{\"time_ms\":5,\"type\":\"stop\",\"instance\":\"b\"}\n"
              "{\"time_ms\":5,\"type\":\"metrics\",\"instance\":\"a\",\"latency_ms\":1}\n");
    t = (text){"", 0, 0};
    CU_ASSERT_EQUAL(spotopt_store_read(store, 3, 5, keep, &t, &err), SPOTOPT_OK);
    CU_ASSERT_EQUAL(t.rows, 2);
    spotopt_store_close(store);
}

static void
test_store__keeps_the_same_row_once(void)
{
    spotopt_store *store = open_store(fresh(), 0);

    CU_ASSERT_EQUAL(append(store, every_type), 18);
    CU_ASSERT_EQUAL(append(store, every_type), 0);
    CU_ASSERT_EQUAL(append(store, "  {\"time_ms\":5,\"type\":\"stop\",\"instance\":\"c\"} \r\n\n"
                                  "{\"time_ms\":5,\"type\":\"stop\",\"instance\":\"c\"}"),
                    1);
    CU_ASSERT_EQUAL(all(store).rows, 19);
    spotopt_store_close(store);
}

static void
test_store__refuses_a_whole_batch_for_one_bad_row_and_names_its_line(void)
{
    static const struct {
        const char *rows, *says;
    } bad[] = {
        {"{\"time_ms\":1,\"type\":\"stop\",\"instance\":\"a\"}\n{\"time_ms\":1,\"type\":\"stop\"}",
         "rows:2"},
        {"{\"time_ms\":1,\"type\":\"stop\",\"instance\":\"a\"}\n\n{\"time_ms\":1,\"type\":\"cost\","
         "\"cluster\":\"a\",\"hours\":1}",
         "rows:3: /paid_usd"},
        {"{\"time_ms\":-1,\"type\":\"of-tomorrow\"}", "rows:1: /time_ms"},
        {"{\"time_ms\":1,\"type\":\"funnel\",\"id\":7}", "rows:1: /id"},
        {"x", "rows:1"},
    };
    spotopt_store *store = open_store(fresh(), 0);

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        CU_ASSERT_EQUAL(
            spotopt_store_append(store, bad[i].rows, strlen(bad[i].rows), NULL, NULL, &err),
            SPOTOPT_E_INPUT);
        CU_ASSERT_PTR_NOT_NULL(strstr(err.message, bad[i].says));
        if (strstr(err.message, bad[i].says) == NULL)
            printf("\n    %s, want %s\n", err.message, bad[i].says);
    }
    CU_ASSERT_EQUAL(all(store).rows, 0);
    CU_ASSERT_EQUAL(append(store, every_type), 18);
    spotopt_store_close(store);
}

static void
test_store__makes_the_ledger_that_the_rows_would(void)
{
    spotopt_store *store = open_store(fresh(), 0);
    spotopt_ledger *direct = NULL, *kept = NULL;
    spotopt_fleet_params params = SPOTOPT_FLEET_PARAMS_INIT;
    char *a = NULL, *b = NULL;
    size_t a_length = 0, b_length = 0;

    append(store, every_type);
    CU_ASSERT_EQUAL_FATAL(
        spotopt_ledger_parse(NULL, every_type, strlen(every_type), NULL, &direct, &err),
        SPOTOPT_OK);
    CU_ASSERT_EQUAL_FATAL(spotopt_store_ledger(store, 0, EVER, &kept, &err), SPOTOPT_OK);
    CU_ASSERT_EQUAL(spotopt_ledger_count(kept), spotopt_ledger_count(direct));
    params.now_ms = 100;
    for (int32_t part = SPOTOPT_FLEET_METRICS; part <= SPOTOPT_FLEET_OVERRIDES; part++) {
        const spotopt_status s = spotopt_fleet_write(direct, part, &params, &a, &a_length, &err);

        CU_ASSERT_EQUAL(spotopt_fleet_write(kept, part, &params, &b, &b_length, &err), s);
        if (s == SPOTOPT_OK) {
            CU_ASSERT_STRING_EQUAL(a, b);
            spotopt_text_free(NULL, a);
            spotopt_text_free(NULL, b);
        }
    }
    spotopt_ledger_free(direct);
    spotopt_ledger_free(kept);
    spotopt_store_close(store);
}

/* --- measures --- */

enum { INSTANCES = 7, TIMES = 500 };

typedef struct hours {
    spotopt_store_hour at[64];
    size_t count;
} hours;

static int32_t
keep_hour(void *user, const spotopt_store_hour *hour)
{
    hours *h = user;

    h->at[h->count++] = *hour;
    return h->count == 64;
}

static double
value_of(int instance, int time)
{
    return (double)((instance * 7919 + time * 104729) % 1000) / 7.0;
}

static void
test_store__sums_hours_as_the_rows_themselves_do(void)
{
    static int64_t times[INSTANCES * TIMES];
    static double values[INSTANCES * TIMES], fracs[INSTANCES * TIMES];
    static const char *names[INSTANCES * TIMES];
    static const char *const name[INSTANCES] = {"a", "b", "c", "d", "e", "f", "g"};
    spotopt_store *store = open_store(fresh(), 0);
    spotopt_store_metrics m = SPOTOPT_STORE_METRICS_INIT;
    hours h = {.count = 0};
    uint64_t added = 0;
    size_t n = 0, seen = 0;

    for (int t = 0; t < TIMES; t++) {
        for (int i = 0; i < INSTANCES; i++, n++) {
            times[n] = HOUR + t * INT64_C(97000);
            values[n] = value_of(i, t);
            fracs[n] = t % 3 == 0 ? NAN : 0.25;
            names[n] = name[i];
        }
    }
    m.count = n / 2; /* in two batches, of which an hour has a part each */
    m.time_ms = times;
    m.instance = names;
    m.latency_ms = values;
    m.error_frac = fracs;
    CU_ASSERT_EQUAL(spotopt_store_append_metrics(store, &m, &added, &err), SPOTOPT_OK);
    CU_ASSERT_EQUAL(added, n / 2);
    m.count = n; /* the first half once more */
    CU_ASSERT_EQUAL(spotopt_store_append_metrics(store, &m, &added, &err), SPOTOPT_OK);
    CU_ASSERT_EQUAL(added, n - n / 2);
    /* a to c are of "web", said after they were measured; then c moved */
    append(
        store,
        "{\"time_ms\":1,\"type\":\"start\",\"instance\":\"a\",\"pool\":\"p\",\"cluster\":\"web\","
        "\"usd_per_hour\":1}\n"
        "{\"time_ms\":1,\"type\":\"start\",\"instance\":\"b\",\"pool\":\"p\",\"cluster\":\"web\","
        "\"usd_per_hour\":1}\n"
        "{\"time_ms\":1,\"type\":\"start\",\"instance\":\"d\",\"pool\":\"p\",\"cluster\":\"db\","
        "\"usd_per_hour\":1}\n");
    for (int which = 0; which < 3; which++) {
        const char *const cluster = which == 0 ? NULL : which == 1 ? "web" : "nowhere";
        const int instances = which == 0 ? INSTANCES : which == 1 ? 2 : 0;

        h.count = seen = 0;
        CU_ASSERT_EQUAL(
            spotopt_store_hours(store, cluster, HOUR + 5, 20 * HOUR, keep_hour, &h, &err),
            SPOTOPT_OK);
        for (size_t k = 0; k < h.count; k++) {
            double sum = 0.0, least = INFINITY, most = 0.0;
            uint64_t rows = 0, known = 0;

            for (int t = 0; t < TIMES; t++) {
                const int64_t at = HOUR + t * INT64_C(97000);

                if (at / HOUR * HOUR != h.at[k].hour_ms)
                    continue;
                for (int i = 0; i < instances; i++, rows++) {
                    sum += value_of(i, t);
                    least = fmin(least, value_of(i, t));
                    most = fmax(most, value_of(i, t));
                    known += t % 3 != 0;
                }
            }
            CU_ASSERT_EQUAL(h.at[k].rows, rows);
            CU_ASSERT_EQUAL(h.at[k].instances, (uint64_t)instances);
            CU_ASSERT_EQUAL(h.at[k].latency_ms.count, rows);
            CU_ASSERT_DOUBLE_EQUAL(h.at[k].latency_ms.sum, sum, 1e-9 * sum);
            CU_ASSERT_EQUAL(h.at[k].latency_ms.least, least);
            CU_ASSERT_EQUAL(h.at[k].latency_ms.most, most);
            CU_ASSERT_EQUAL(h.at[k].error_frac.count, known);
            CU_ASSERT_EQUAL(h.at[k].throughput_rps.count, 0);
            CU_ASSERT(isnan(h.at[k].throughput_rps.most));
            seen += rows;
        }
        CU_ASSERT_EQUAL(seen, (size_t)(TIMES * instances));
    }
    spotopt_store_close(store);
}

static void
test_store__refuses_measures_that_cannot_be_and_names_them(void)
{
    const int64_t times[] = {1, -1};
    const char *const names[] = {"a", "b"};
    const double fracs[] = {0.5, 1.5}, good[] = {0.1, NAN};
    spotopt_store *store = open_store(fresh(), 0);
    spotopt_store_metrics m = SPOTOPT_STORE_METRICS_INIT;

    m.count = 2;
    m.time_ms = times;
    m.instance = names;
    CU_ASSERT_EQUAL(spotopt_store_append_metrics(store, &m, NULL, &err), SPOTOPT_E_ARGUMENT);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.message, "time_ms[1]"));
    m.count = 1;
    m.error_frac = fracs + 1;
    CU_ASSERT_EQUAL(spotopt_store_append_metrics(store, &m, NULL, &err), SPOTOPT_E_ARGUMENT);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.message, "error_frac[0]"));
    m.error_frac = good;
    CU_ASSERT_EQUAL(spotopt_store_append_metrics(store, &m, NULL, &err), SPOTOPT_OK);
    CU_ASSERT_STRING_EQUAL(
        all(store).at,
        "{\"time_ms\":1,\"type\":\"metrics\",\"instance\":\"a\",\"error_frac\":0.1}\n");
    spotopt_store_close(store);
}

static void
test_store__forgets_what_is_old_but_no_books(void)
{
    spotopt_store *store = open_store(fresh(), 0);
    spotopt_store_keep k = SPOTOPT_STORE_KEEP_INIT;
    uint64_t removed = 0;
    hours h = {.count = 0};

    append(store, every_type);
    append(store,
           "{\"time_ms\":19,\"type\":\"price\",\"pool\":\"m5.large/a/spot\",\"usd_per_hour\":"
           "0.04}\n");
    k.metrics_ms = k.logs_ms = k.prices_ms = 10;
    CU_ASSERT_EQUAL(spotopt_store_forget(store, &k, 1000, &removed, &err), SPOTOPT_OK);
    CU_ASSERT_EQUAL(removed, 4); /* metrics, log, health, and the first price of two */
    CU_ASSERT_EQUAL(all(store).rows, 15);
    CU_ASSERT_PTR_NOT_NULL(strstr(all(store).at, "0.04"));
    CU_ASSERT_EQUAL(spotopt_store_hours(store, NULL, 0, HOUR, keep_hour, &h, &err), SPOTOPT_OK);
    CU_ASSERT_EQUAL(h.count, 1);
    k.hours_ms = 10;
    CU_ASSERT_EQUAL(spotopt_store_forget(store, &k, 1000, &removed, &err), SPOTOPT_OK);
    CU_ASSERT_EQUAL(removed, 1);
    k.logs_ms = -1;
    CU_ASSERT_EQUAL(spotopt_store_forget(store, &k, 1000, &removed, &err), SPOTOPT_E_ARGUMENT);
    CU_ASSERT_EQUAL(spotopt_store_check(store, &err), SPOTOPT_OK);
    spotopt_store_close(store);
}

/* --- what goes wrong --- */

static void
sql(const char *url, const char *statement)
{
    char command[600];

    if (server != NULL)
        (void)snprintf(command, sizeof command, "psql -q '%s' -c \"SET search_path=spotopt; %s\"",
                       url, statement);
    else
        (void)snprintf(command, sizeof command,
                       "python3 -c 'import sqlite3,sys; c=sqlite3.connect(sys.argv[1]); "
                       "c.execute(sys.argv[2]); c.commit()' '%s' \"%s\"",
                       url + strlen("sqlite:"), statement);
    CU_ASSERT_EQUAL(system(command), 0);
}

static void
test_store__refuses_a_newer_schema(void)
{
    char url[200];
    spotopt_store *store = NULL;

    (void)snprintf(url, sizeof url, "%s", fresh());
    spotopt_store_close(open_store(url, 0));
    sql(url, "INSERT INTO spotopt_schema VALUES(99, 'of tomorrow')");
    CU_ASSERT_EQUAL(spotopt_store_open(NULL, url, 0, &store, &err), SPOTOPT_E_STATE);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.message, "schema 99"));
    CU_ASSERT_PTR_NULL(store);
}

static void
test_store__refuses_what_is_no_url_of_a_store(void)
{
    static const struct {
        const char *url;
        spotopt_status status;
        const char *says;
    } bad[] = {
        {"books.db", SPOTOPT_E_ARGUMENT, "want sqlite:PATH"},
        {"mysql://u:secret@h/b", SPOTOPT_E_ARGUMENT, "\"mysql\""},
        {"sqlite:", SPOTOPT_E_ARGUMENT, "no path"},
        {"sqlite:/nowhere/at/all.db", SPOTOPT_E_STORE, "want a file in a folder"},
        {"sqlite:/", SPOTOPT_E_STORE, "want a file"},
        {"postgresql://u:secret@127.0.0.1:1/b?connect_timeout=2", 0, ""},
    };
    spotopt_store *store = NULL;

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        const spotopt_status status = spotopt_store_open(NULL, bad[i].url, 0, &store, &err);

        CU_ASSERT(bad[i].status != 0 ? status == bad[i].status : status < 0);
        CU_ASSERT_PTR_NULL(store);
        CU_ASSERT_PTR_NOT_NULL(strstr(err.message, bad[i].says));
        CU_ASSERT_PTR_NULL(strstr(err.message, "secret"));
        if (strstr(err.message, bad[i].says) == NULL)
            printf("\n    %s\n", err.message);
    }
    CU_ASSERT_EQUAL(spotopt_store_open(NULL, NULL, 0, &store, &err), SPOTOPT_E_ARGUMENT);
    CU_ASSERT_EQUAL(spotopt_store_open(NULL, "sqlite:x", 64, &store, &err), SPOTOPT_E_ARGUMENT);
}

static void
test_store__makes_no_database_when_it_must_exist(void)
{
    char url[200];
    spotopt_store *store = NULL;

    (void)snprintf(url, sizeof url, "%s", fresh());
    CU_ASSERT(spotopt_store_open(NULL, url, SPOTOPT_STORE_READ_ONLY, &store, &err) < 0);
    CU_ASSERT_PTR_NULL(store);
    if (server == NULL) {
        CU_ASSERT_EQUAL(spotopt_store_open(NULL, url, SPOTOPT_STORE_MUST_EXIST, &store, &err),
                        SPOTOPT_E_STORE);
        CU_ASSERT_NOT_EQUAL(access(url + strlen("sqlite:"), F_OK), 0);
    }
}

static void
test_store__leaves_the_files_of_others_alone(void)
{
    char url[200];
    spotopt_store *store = NULL;
    FILE *file;

    if (server != NULL)
        return;
    (void)snprintf(url, sizeof url, "%s", fresh());
    sql(url, "CREATE TABLE theirs(a)");
    CU_ASSERT_EQUAL(spotopt_store_open(NULL, url, 0, &store, &err), SPOTOPT_E_STORE);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.message, "something else"));
    (void)snprintf(url, sizeof url, "%s", fresh());
    file = fopen(url + strlen("sqlite:"), "w");
    CU_ASSERT_PTR_NOT_NULL_FATAL(file);
    for (int i = 0; i < 1000; i++)
        (void)fputs("no database at all\n", file);
    (void)fclose(file);
    CU_ASSERT_EQUAL(spotopt_store_open(NULL, url, 0, &store, &err), SPOTOPT_E_STORE);
    CU_ASSERT_PTR_NULL(store);
}

static void
test_store__is_locked_by_one_at_a_time_and_freed_however_that_one_ends(void)
{
    char url[200];
    spotopt_store *a, *b;
    int32_t is_ours = -1;
    int status, ready[2];
    pid_t child;
    char byte = 0;

    (void)snprintf(url, sizeof url, "%s", fresh());
    a = open_store(url, 0);
    b = open_store(url, 0);
    for (int again = 0; again < 2; again++) {
        CU_ASSERT_EQUAL(spotopt_store_lock(a, &is_ours, &err), SPOTOPT_OK);
        CU_ASSERT_EQUAL(is_ours, 1);
        CU_ASSERT_EQUAL(spotopt_store_lock(b, &is_ours, &err), SPOTOPT_OK);
        CU_ASSERT_EQUAL(is_ours, 0);
    }
    /* Rows need no turn. */
    CU_ASSERT_EQUAL(append(b, "{\"time_ms\":1,\"type\":\"log\",\"component\":\"c\"}\n"), 1);
    CU_ASSERT_EQUAL(append(a, "{\"time_ms\":2,\"type\":\"log\",\"component\":\"c\"}\n"), 1);
    spotopt_store_close(a);
    CU_ASSERT_EQUAL(spotopt_store_lock(b, &is_ours, &err), SPOTOPT_OK);
    CU_ASSERT_EQUAL(is_ours, 1);
    spotopt_store_close(b);

    CU_ASSERT_EQUAL_FATAL(pipe(ready), 0);
    child = fork();
    if (child == 0) {
        a = NULL;
        if (spotopt_store_open(NULL, url, 0, &a, NULL) != SPOTOPT_OK ||
            spotopt_store_lock(a, &is_ours, NULL) != SPOTOPT_OK || is_ours != 1)
            _exit(1);
        (void)!write(ready[1], "x", 1);
        for (;;)
            pause();
    }
    (void)close(ready[1]);
    CU_ASSERT_EQUAL_FATAL(read(ready[0], &byte, 1), 1);
    a = open_store(url, 0);
    CU_ASSERT_EQUAL(spotopt_store_lock(a, &is_ours, &err), SPOTOPT_OK);
    CU_ASSERT_EQUAL(is_ours, 0);
    CU_ASSERT_EQUAL(kill(child, SIGKILL), 0);
    CU_ASSERT_EQUAL(waitpid(child, &status, 0), child);
    for (int i = 0; i < 200 && is_ours == 0; i++) { /* a server hears of it a moment later */
        CU_ASSERT_EQUAL(spotopt_store_lock(a, &is_ours, &err), SPOTOPT_OK);
        (void)usleep(20000);
    }
    CU_ASSERT_EQUAL(is_ours, 1);
    spotopt_store_close(a);
    (void)close(ready[0]);

    a = open_store(url, SPOTOPT_STORE_READ_ONLY);
    CU_ASSERT_EQUAL(spotopt_store_lock(a, &is_ours, &err), SPOTOPT_E_STATE);
    spotopt_store_close(a);
}

static int32_t
call_back(void *user, const char *line, size_t length)
{
    spotopt_store *store = user;

    CU_ASSERT_EQUAL(spotopt_store_append(store, line, length, NULL, NULL, &err), SPOTOPT_E_STATE);
    return 1;
}

static void
test_store__stops_reading_when_asked_and_is_not_used_from_within(void)
{
    spotopt_store *store = open_store(fresh(), 0);

    append(store, every_type);
    CU_ASSERT_EQUAL(spotopt_store_read(store, 0, EVER, call_back, store, &err),
                    SPOTOPT_E_CANCELLED);
    CU_ASSERT_EQUAL(all(store).rows, 18);
    spotopt_store_close(store);
}

static spotopt_status
use(fail_alloc *allocator, const char *url)
{
    spotopt_context *context = fail_alloc_context(allocator);
    spotopt_store *store = NULL;
    spotopt_ledger *ledger = NULL;
    text t = {"", 0, 0};
    hours h = {.count = 0};
    int32_t is_ours = 0;
    spotopt_status status = context != NULL ? SPOTOPT_OK : SPOTOPT_E_NOMEM;

    if (status == SPOTOPT_OK)
        status = spotopt_store_open(context, url, 0, &store, &err);
    if (status == SPOTOPT_OK)
        status =
            spotopt_store_append(store, every_type, strlen(every_type), "all of them", NULL, &err);
    if (status == SPOTOPT_OK)
        status = spotopt_store_read(store, 0, EVER, keep, &t, &err);
    if (status == SPOTOPT_OK)
        status = spotopt_store_hours(store, "web", 0, HOUR, keep_hour, &h, &err);
    if (status == SPOTOPT_OK)
        status = spotopt_store_ledger(store, 0, EVER, &ledger, &err);
    if (status == SPOTOPT_OK)
        status = spotopt_store_lock(store, &is_ours, &err);
    if (status == SPOTOPT_OK) {
        CU_ASSERT_EQUAL(is_ours, 1);
        CU_ASSERT_STRING_EQUAL(t.at, every_type);
        CU_ASSERT_EQUAL(h.count, 1);
    }
    spotopt_ledger_free(ledger);
    spotopt_store_close(store);
    spotopt_context_free(context);
    return status;
}

static void
test_store__survives_every_allocation_failing_once(void)
{
    fail_alloc allocator = FAIL_ALLOC_INIT;
    char url[200];
    spotopt_status status;
    size_t n = 0;

    (void)snprintf(url, sizeof url, "%s", fresh());
    do {
        fail_after(&allocator, n++);
        status = use(&allocator, url);
        CU_ASSERT_EQUAL(allocator.live, 0);
        CU_ASSERT(status == SPOTOPT_OK || status == SPOTOPT_E_NOMEM);
    } while (status == SPOTOPT_E_NOMEM);
    CU_ASSERT_EQUAL(status, SPOTOPT_OK);
    CU_ASSERT(n > 20);
}

int
main(void)
{
    static const suite_test tests[] = {
        TEST(test_store__gives_back_every_row_as_it_was_said),
        TEST(test_store__orders_by_time_then_by_arrival),
        TEST(test_store__keeps_the_same_row_once),
        TEST(test_store__refuses_a_whole_batch_for_one_bad_row_and_names_its_line),
        TEST(test_store__makes_the_ledger_that_the_rows_would),
        TEST(test_store__sums_hours_as_the_rows_themselves_do),
        TEST(test_store__refuses_measures_that_cannot_be_and_names_them),
        TEST(test_store__forgets_what_is_old_but_no_books),
        TEST(test_store__refuses_a_newer_schema),
        TEST(test_store__refuses_what_is_no_url_of_a_store),
        TEST(test_store__makes_no_database_when_it_must_exist),
        TEST(test_store__leaves_the_files_of_others_alone),
        TEST(test_store__is_locked_by_one_at_a_time_and_freed_however_that_one_ends),
        TEST(test_store__stops_reading_when_asked_and_is_not_used_from_within),
        TEST(test_store__survives_every_allocation_failing_once),
    };
    char command[100];
    int failed;

    server = getenv("SPOTOPT_STORE_URL");
    if (mkdtemp(folder) == NULL)
        return 2;
    failed = suite_run("store", tests, sizeof tests / sizeof *tests);
    (void)snprintf(command, sizeof command, "rm -rf %s", folder);
    return system(command) != 0 || failed;
}
