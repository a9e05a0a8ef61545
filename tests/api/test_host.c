/* SPDX-License-Identifier: Apache-2.0 */
/*
 * test_host.c - the library inside a difficult host: one that has a cJSON_Parse and other names of
 * cJSON of its own, a locale with decimal commas, another rounding mode, signal handlers, an own
 * GLPK problem, several threads, a child by fork() while a solve runs, and memory that fails at
 * random. Everything works or says why not, and the host is afterwards as it was: locale, rounding,
 * signals, random numbers, open files, threads, standard output.
 *
 * Public headers and the shared library alone.
 */
#define _GNU_SOURCE 1 /* fegetexcept(), O_TMPFILE */
#include <dirent.h>
#include <fcntl.h>
#include <fenv.h>
#include <glpk.h>
#include <locale.h>
#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "small.h"
#include "suite.h"

/* --- names of the host that clash
 * --------------------------------------------------------------------------------- */

static atomic_int clashes;
static const char garbage[256] = {1, 2, 3, 4, 5, 6, 7};

/* What an older or unrelated cJSON in the host might define; linked before the library's own. */
void *cJSON_Parse(const char *text);
void *cJSON_ParseWithOpts(const char *text, const char **end, int strict);
void *cJSON_ParseWithLength(const char *text, size_t length);
void *cJSON_GetObjectItem(const void *object, const char *key);
void *cJSON_GetObjectItemCaseSensitive(const void *object, const char *key);
char *cJSON_Print(const void *item);
char *cJSON_PrintUnformatted(const void *item);
int cJSON_IsArray(const void *item);
int cJSON_GetArraySize(const void *item);

static void *
clash(void)
{
    atomic_fetch_add(&clashes, 1);
    return (void *)(uintptr_t)garbage;
}

void *
cJSON_Parse(const char *text)
{
    (void)text;
    return clash();
}

void *
cJSON_ParseWithOpts(const char *text, const char **end, int strict)
{
    (void)text, (void)end, (void)strict;
    return clash();
}

void *
cJSON_ParseWithLength(const char *text, size_t length)
{
    (void)text, (void)length;
    return clash();
}

void *
cJSON_GetObjectItem(const void *object, const char *key)
{
    (void)object, (void)key;
    return clash();
}

void *
cJSON_GetObjectItemCaseSensitive(const void *object, const char *key)
{
    (void)object, (void)key;
    return clash();
}

char *
cJSON_Print(const void *item)
{
    (void)item;
    return clash();
}

char *
cJSON_PrintUnformatted(const void *item)
{
    (void)item;
    return clash();
}

int
cJSON_IsArray(const void *item)
{
    (void)item;
    return clash() != NULL;
}

int
cJSON_GetArraySize(const void *item)
{
    (void)item;
    return clash() != NULL;
}

/* --- what is done
 * --------------------------------------------------------------------------------------------------
 */

static small_texts texts;

/* From documents to a Plan document, or the status of what failed. */
static spotopt_status
decide(spotopt_context *context, char **out, size_t *out_length, spotopt_error *err)
{
    small_inputs in = {NULL, NULL, NULL, NULL, NULL};
    spotopt_plan_params params;
    spotopt_plan *plan = NULL;
    spotopt_options *options = NULL;
    spotopt_status status = small_parse(context, &texts, &in, err);

    params = small_params(&in);
    if (status == SPOTOPT_OK)
        status = spotopt_options_new(context, &options, err);
    /* Work ends it, never the clock: the same bytes on the slowest machine. */
    if (status == SPOTOPT_OK)
        status = spotopt_options_set_int(options, "work", 20000, err);
    if (status == SPOTOPT_OK)
        status = spotopt_options_set_real(options, "deadline_s", 1e6, err);
    if (status == SPOTOPT_OK)
        status = spotopt_plan_make(context, &params, options, &plan, err);
    spotopt_options_free(options);
    if (status == SPOTOPT_OK)
        status = spotopt_plan_write(plan, out, out_length, err);
    spotopt_plan_free(plan);
    small_inputs_free(&in);
    return status;
}

static spotopt_status
pack(spotopt_context *context, const spotopt_options *options, double *out_cost, spotopt_error *err)
{
    spotopt_problem *problem = NULL;
    spotopt_packing *packing = NULL;
    spotopt_status status = spotopt_problem_parse(context, texts.problem.at, texts.problem.length,
                                                  "problem.json", &problem, err);

    if (status == SPOTOPT_OK)
        status = spotopt_problem_solve(problem, options, &packing, err);
    if (status == SPOTOPT_OK)
        *out_cost = spotopt_packing_cost(packing);
    spotopt_problem_free(problem);
    spotopt_packing_free(packing);
    return status;
}

/* A Plan document made now, to be freed by the C library; NULL with a failed check. */
static char *
decided(void)
{
    spotopt_error err = SPOTOPT_ERROR_INIT;
    char *text = NULL, *copy = NULL;
    size_t length = 0;

    if (decide(NULL, &text, &length, &err) != SPOTOPT_OK) {
        printf("\n    %s", err.message);
        CU_FAIL("no plan");
        return NULL;
    }
    copy = strdup(text);
    spotopt_text_free(NULL, text);
    return copy;
}

static const char *
comma_locale(void)
{
    static const char *const names[] = {"de_DE.UTF-8", "de_DE.utf8", "de_DE", "fr_FR.UTF-8"};
    const char *found = NULL;

    for (size_t i = 0; i < sizeof names / sizeof *names && found == NULL; i++)
        found = setlocale(LC_ALL, names[i]);
    return found;
}

static int
count_entries(const char *folder)
{
    DIR *dir = opendir(folder);
    int count = 0;

    while (dir != NULL && readdir(dir) != NULL)
        count++;
    if (dir != NULL)
        closedir(dir);
    return count;
}

/* --- tests
 * ---------------------------------------------------------------------------------------------------------
 */

static void
test_host__its_own_cjson_parse_is_never_called(void)
{
    double cost = 0.0;
    char *text;

    clashes = 0;
    CU_ASSERT_PTR_EQUAL(cJSON_Parse("{}"), garbage); /* the host's own is the one that is linked */
    CU_ASSERT_EQUAL(clashes, 1);
    text = decided();
    CU_ASSERT_EQUAL(pack(NULL, NULL, &cost, NULL), SPOTOPT_OK);
    CU_ASSERT_EQUAL(clashes, 1);
    free(text);
}

static void
test_host__decimal_commas_change_no_byte(void)
{
    char *plain = decided(), *comma = NULL;
    char written[32];

    if (comma_locale() == NULL) {
        puts("    (skipped: no locale with a decimal comma is installed)");
    } else {
        comma = decided();
        snprintf(written, sizeof written, "%.1f", 0.5);
        CU_ASSERT_STRING_EQUAL(written, "0,5"); /* still the host's */
        CU_ASSERT_STRING_EQUAL(localeconv()->decimal_point, ",");
        (void)setlocale(LC_ALL, "C");
        if (plain != NULL && comma != NULL)
            CU_ASSERT_STRING_EQUAL(plain, comma);
    }
    free(plain);
    free(comma);
}

static void
test_host__a_thread_s_own_locale_stays(void)
{
    locale_t comma, before;
    char *text;

    if (comma_locale() == NULL) {
        puts("    (skipped: no locale with a decimal comma is installed)");
        return;
    }
    comma = duplocale(LC_GLOBAL_LOCALE);
    (void)setlocale(LC_ALL, "C");
    before = uselocale(comma);
    text = decided();
    CU_ASSERT_PTR_EQUAL((void *)uselocale((locale_t)0), (void *)comma);
    (void)uselocale(before);
    freelocale(comma);
    free(text);
}

static void
ignore(int signal_number)
{
    (void)signal_number;
}

static void
test_host__rounding_signals_and_random_numbers_stay(void)
{
    static const int signals[] = {SIGINT,  SIGPIPE, SIGFPE,  SIGABRT, SIGSEGV,
                                  SIGALRM, SIGTERM, SIGCHLD, SIGUSR1};
    enum { SIGNALS = sizeof signals / sizeof *signals };
    struct sigaction before[SIGNALS], after;
    sigset_t mask, mask_after, mine;
    double cost = 0.0;
    int first, second;
    char *text;

    signal(SIGUSR1, ignore);
    sigemptyset(&mine);
    sigaddset(&mine, SIGUSR2);
    pthread_sigmask(SIG_BLOCK, &mine, &mask);
    pthread_sigmask(SIG_SETMASK, NULL, &mask);
    for (int i = 0; i < SIGNALS; i++)
        sigaction(signals[i], NULL, &before[i]);
    srand(7);
    (void)rand();
    second = rand();
    srand(7);
    first = rand();
    (void)first;
    CU_ASSERT_EQUAL(fesetround(FE_UPWARD), 0);
    text = decided();
    CU_ASSERT_EQUAL(pack(NULL, NULL, &cost, NULL), SPOTOPT_OK);
    CU_ASSERT_EQUAL(fegetround(), FE_UPWARD);
    fesetround(FE_TONEAREST);
    CU_ASSERT_EQUAL(fegetexcept(), 0);
    CU_ASSERT_EQUAL(rand(), second);
    for (int i = 0; i < SIGNALS; i++) {
        sigaction(signals[i], NULL, &after);
        CU_ASSERT_EQUAL(after.sa_handler, before[i].sa_handler);
        CU_ASSERT_EQUAL(after.sa_flags, before[i].sa_flags);
    }
    pthread_sigmask(SIG_SETMASK, NULL, &mask_after);
    for (int s = 1; s < 32; s++)
        CU_ASSERT_EQUAL(sigismember(&mask, s), sigismember(&mask_after, s));
    pthread_sigmask(SIG_UNBLOCK, &mine, NULL);
    free(text);
}

static void
test_host__nothing_is_printed_opened_or_left_running(void)
{
    const int out = dup(1), err = dup(2), sink = open("/tmp", O_TMPFILE | O_RDWR, 0600);
    const int files = count_entries("/proc/self/fd"), threads = count_entries("/proc/self/task");
    const struct timespec moment = {0, 10 * 1000 * 1000};
    double cost = 0.0;
    char *text;
    int threads_after = 0;

    if (sink < 0 || out < 0 || err < 0) {
        puts("    (skipped: no temporary file)");
        return;
    }
    fflush(stdout);
    fflush(stderr);
    dup2(sink, 1);
    dup2(sink, 2);
    text = decided();
    (void)pack(NULL, NULL, &cost, NULL);
    fflush(stdout);
    fflush(stderr);
    dup2(out, 1);
    dup2(err, 2);
    CU_ASSERT_EQUAL(lseek(sink, 0, SEEK_END), 0);
    CU_ASSERT_EQUAL(count_entries("/proc/self/fd"), files);
    for (int i = 0; i < 50 && (threads_after = count_entries("/proc/self/task")) != threads; i++)
        nanosleep(&moment, NULL); /* a joined thread's entry takes a moment to go */
    CU_ASSERT_EQUAL(threads_after, threads);
    close(out);
    close(err);
    close(sink);
    free(text);
}

static int
say_nothing(void *user, const char *text)
{
    (void)text;
    ++*(int *)user;
    return 1;
}

static void
test_host__its_own_glpk_problem_stays(void)
{
    const int rows[] = {0, 1, 1}, columns[] = {0, 1, 2};
    const double values[] = {0, 1.0, 2.0};
    int words = 0;
    glp_prob *own = glp_create_prob();
    double cost = 0.0;
    char *text;

    glp_term_hook(say_nothing, &words);
    glp_add_rows(own, 1);
    glp_set_row_bnds(own, 1, GLP_LO, 4.0, 0.0);
    glp_add_cols(own, 2);
    for (int j = 1; j <= 2; j++) {
        glp_set_col_bnds(own, j, GLP_LO, 0.0, 0.0);
        glp_set_obj_coef(own, j, 1.0);
    }
    glp_load_matrix(own, 2, rows, columns, values);
    text = decided();
    (void)pack(NULL, NULL, &cost, NULL);
    CU_ASSERT_EQUAL(words, 0); /* the library's engine does not speak through the host's hook */
    CU_ASSERT_EQUAL(glp_simplex(own, NULL), 0);
    CU_ASSERT_DOUBLE_EQUAL(glp_get_obj_val(own), 2.0, 1e-9);
    CU_ASSERT_TRUE(words > 0); /* and the host's terminal is on as before */
    glp_delete_prob(own);
    glp_free_env();
    free(text);
}

static void *
decide_on_thread(void *user)
{
    *(char **)user = decided();
    return NULL;
}

static void
test_host__two_threads_decide_the_same(void)
{
    pthread_t threads[2];
    char *made[2] = {NULL, NULL}, *alone = decided();

    for (int i = 0; i < 2; i++)
        CU_ASSERT_EQUAL_FATAL(pthread_create(&threads[i], NULL, decide_on_thread, &made[i]), 0);
    for (int i = 0; i < 2; i++)
        pthread_join(threads[i], NULL);
    for (int i = 0; i < 2; i++) {
        if (alone != NULL && made[i] != NULL)
            CU_ASSERT_STRING_EQUAL(alone, made[i]);
        free(made[i]);
    }
    free(alone);
}

typedef struct busy {
    atomic_bool stop, started;
    int failed;
} busy;

static void *
stay_busy(void *user)
{
    busy *b = user;
    double cost = 0.0;

    do {
        b->failed += pack(NULL, NULL, &cost, NULL) != SPOTOPT_OK;
        b->started = true;
    } while (!b->stop);
    return NULL;
}

/* Their allocators hold no lock across fork(): a child beside a busy thread hangs in malloc()
 * itself. */
#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
#define HAS_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer) || __has_feature(address_sanitizer)
#define HAS_SANITIZER 1
#endif
#endif

static void
test_host__a_child_forked_during_a_solve_gets_an_answer(void)
{
#if defined(HAS_SANITIZER)
    puts("    (skipped: a sanitizer's malloc() does not survive a fork beside threads)");
#else
    enum { CHILDREN = 8 };
    busy b = {false, false, 0};
    const struct timespec moment = {0, 3 * 1000 * 1000};
    pthread_t thread;

    CU_ASSERT_EQUAL_FATAL(pthread_create(&thread, NULL, stay_busy, &b), 0);
    while (!b.started)
        nanosleep(&moment, NULL);
    for (int i = 0; i < CHILDREN; i++) {
        int status = -1;
        bool ended = false;
        pid_t child;

        nanosleep(&moment, NULL);
        child = fork();
        if (child == 0) {
            double cost = 0.0;
            spotopt_error err = SPOTOPT_ERROR_INIT;
            const spotopt_status got = pack(NULL, NULL, &cost, &err);

            _exit(got == SPOTOPT_OK ? (cost > 0.0 ? 0 : 3) : err.message[0] != '\0' ? 1 : 2);
        }
        CU_ASSERT_TRUE_FATAL(child > 0);
        for (int wait = 0; wait < 4000 && !ended; wait++) { /* 12 s */
            ended = waitpid(child, &status, WNOHANG) == child;
            if (!ended)
                nanosleep(&moment, NULL);
        }
        CU_ASSERT_TRUE(ended);
        if (!ended) {
            kill(child, SIGKILL);
            waitpid(child, &status, 0);
        }
        CU_ASSERT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) <= 1);
    }
    b.stop = true;
    pthread_join(thread, NULL);
    CU_ASSERT_EQUAL(b.failed, 0);
#endif
}

/* --- memory that fails at random
 * ----------------------------------------------------------------------------------- */

typedef struct unreliable {
    uint64_t seed;
    uint32_t per_million; /* so many allocations are refused */
    size_t live, refused;
} unreliable;

static void *
reallocate_or_not(void *user, void *ptr, size_t size)
{
    unreliable *u = user;
    void *made;

    if (size == 0) {
        u->live -= ptr != NULL;
        free(ptr);
        return NULL;
    }
    u->seed = u->seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    if ((u->seed >> 33) % 1000000 < u->per_million) {
        u->refused++;
        return NULL;
    }
    made = realloc(ptr, size);
    u->live += ptr == NULL && made != NULL;
    return made;
}

static void
test_host__memory_that_fails_at_random_leaks_nothing(void)
{
    static const uint32_t rates[] = {20, 200, 2000, 20000};
    enum { SEEDS = 25, RATES = sizeof rates / sizeof *rates };
    int worked = 0, refused = 0;

    for (int run = 0; run < SEEDS * RATES; run++) {
        unreliable u = {(uint64_t)run * 77 + 5, rates[run % RATES], 0, 0};
        spotopt_context_params params = SPOTOPT_CONTEXT_PARAMS_INIT;
        spotopt_context *context = NULL;
        spotopt_error err = SPOTOPT_ERROR_INIT;
        spotopt_status status;
        char *text = NULL;
        size_t length = 0;

        params.reallocate = reallocate_or_not;
        params.alloc_user = &u;
        status = spotopt_context_new(&params, &context, &err);
        if (status == SPOTOPT_OK)
            status = decide(context, &text, &length, &err);
        CU_ASSERT_TRUE(status == SPOTOPT_OK || status == SPOTOPT_E_NOMEM);
        CU_ASSERT_EQUAL(status == SPOTOPT_OK, text != NULL);
        CU_ASSERT_TRUE(status == SPOTOPT_OK || (u.refused > 0 && err.message[0] != '\0'));
        spotopt_text_free(context, text);
        spotopt_context_free(context);
        CU_ASSERT_EQUAL(u.live, 0);
        worked += status == SPOTOPT_OK;
        refused += status != SPOTOPT_OK;
    }
    printf("\n    %d plans made, %d refused for want of memory", worked, refused);
    CU_ASSERT_TRUE(worked > 0 && refused > 0);
}

static int32_t
cancel(void *user, const spotopt_progress *progress)
{
    (void)progress;
    ++*(int *)user;
    return 1;
}

static void
test_host__a_cancelled_solve_returns_at_once(void)
{
    spotopt_options *options = NULL;
    spotopt_error err = SPOTOPT_ERROR_INIT;
    double cost = 0.0;
    int calls = 0;
    spotopt_status status;

    CU_ASSERT_EQUAL_FATAL(spotopt_options_new(NULL, &options, NULL), SPOTOPT_OK);
    spotopt_options_set_progress(options, cancel, &calls);
    status = pack(NULL, options, &cost, &err);
    CU_ASSERT_TRUE(status == SPOTOPT_OK || status == SPOTOPT_E_CANCELLED);
    CU_ASSERT_TRUE(calls <= 1);
    spotopt_options_free(options);
}

int
main(void)
{
    static const suite_test tests[] = {
        TEST(test_host__its_own_cjson_parse_is_never_called),
        TEST(test_host__decimal_commas_change_no_byte),
        TEST(test_host__a_thread_s_own_locale_stays),
        TEST(test_host__rounding_signals_and_random_numbers_stay),
        TEST(test_host__nothing_is_printed_opened_or_left_running),
        TEST(test_host__its_own_glpk_problem_stays),
        TEST(test_host__two_threads_decide_the_same),
        TEST(test_host__a_child_forked_during_a_solve_gets_an_answer),
        TEST(test_host__memory_that_fails_at_random_leaks_nothing),
        TEST(test_host__a_cancelled_solve_returns_at_once),
    };
    int result;

    texts = small_read_all();
    result = suite_run("host", tests, sizeof tests / sizeof *tests);
    small_texts_free(&texts);
    return result;
}
