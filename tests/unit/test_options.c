/* SPDX-License-Identifier: Apache-2.0 */
/* The option table, and the budget of a long call on a clock that the test moves. */
#include <math.h>
#include <string.h>

#include "base/options.h"
#include "fail_alloc.h"
#include "suite.h"

static spotopt_options *
fresh(void)
{
    spotopt_options *options = NULL;

    CU_ASSERT_EQUAL_FATAL(spotopt_options_new(NULL, &options, NULL), SPOTOPT_OK);
    return options;
}

static void
test_options__every_row_takes_its_limits_and_nothing_beyond(void)
{
    spotopt_options *options = fresh();

    CU_ASSERT_EQUAL(spotopt_option_count(), SPOTOPT__OPT_COUNT);
    for (size_t i = 0; i < spotopt_option_count(); i++) {
        spotopt_option_info info = SPOTOPT_OPTION_INFO_INIT;
        double value = NAN;

        CU_ASSERT_EQUAL(spotopt_option_at(i, &info, NULL), SPOTOPT_OK);
        CU_ASSERT_EQUAL(info.size, sizeof info);
        CU_ASSERT_TRUE(info.key[0] != '\0' && info.help[0] != '\0' &&
                       strchr(info.help, '\n') == NULL);
        CU_ASSERT_EQUAL(spotopt_options_get_real(options, info.key, &value, NULL), SPOTOPT_OK);
        CU_ASSERT_EQUAL(value, info.default_value);
        CU_ASSERT_EQUAL(spotopt__option(NULL, (int)i), info.default_value);
        CU_ASSERT_FALSE(options->is_set[i]);
        CU_ASSERT_EQUAL(spotopt_options_set_real(options, info.key, info.min_value, NULL),
                        SPOTOPT_OK);
        CU_ASSERT_EQUAL(spotopt_options_set_real(options, info.key, info.max_value, NULL),
                        SPOTOPT_OK);
        CU_ASSERT_TRUE(options->is_set[i]);
        CU_ASSERT_EQUAL(spotopt_options_set_real(options, info.key, info.min_value - 1.0, NULL),
                        SPOTOPT_E_ARGUMENT);
        CU_ASSERT_EQUAL(
            spotopt_options_set_real(options, info.key, 2.0 * info.max_value + 1.0, NULL),
            SPOTOPT_E_ARGUMENT);
        CU_ASSERT_EQUAL(spotopt_options_set_real(options, info.key, NAN, NULL), SPOTOPT_E_ARGUMENT);
        CU_ASSERT_EQUAL(spotopt_options_set_int(options, info.key, INT64_MAX, NULL),
                        SPOTOPT_E_ARGUMENT);
        CU_ASSERT_EQUAL(spotopt_options_set_int(options, info.key, INT64_MIN, NULL),
                        SPOTOPT_E_ARGUMENT);
        if (info.type == SPOTOPT_OPT_INT)
            CU_ASSERT_EQUAL(spotopt_options_set_real(options, info.key, 1.5, NULL),
                            SPOTOPT_E_ARGUMENT);
        CU_ASSERT_EQUAL(spotopt__option(options, (int)i), info.max_value); /* as it was */
    }
    spotopt_options_free(options);
    spotopt_options_free(NULL);
}

static void
test_options__name_the_nearest_key_and_the_range(void)
{
    spotopt_options *options = fresh();
    spotopt_error err = SPOTOPT_ERROR_INIT;

    CU_ASSERT_EQUAL(spotopt_options_set_real(options, "dedline_s", 1.0, &err), SPOTOPT_E_ARGUMENT);
    CU_ASSERT_STRING_EQUAL(err.message,
                           "there is no option \"dedline_s\"; the nearest is \"deadline_s\"");
    CU_ASSERT_EQUAL(spotopt_options_set_real(options, "gap-rel", 1.0, &err), SPOTOPT_E_ARGUMENT);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.message, "\"gap_rel\""));
    CU_ASSERT_EQUAL(spotopt_options_set_text(options, "gap_rel", "2", &err), SPOTOPT_E_ARGUMENT);
    CU_ASSERT_STRING_EQUAL(err.message, "option gap_rel is 2; want a number from 0 to 1");
    CU_ASSERT_EQUAL(spotopt_options_set_text(options, "threads", "0.5", &err), SPOTOPT_E_ARGUMENT);
    CU_ASSERT_STRING_EQUAL(err.message, "option threads is 0.5; want a whole number from 1 to 256");
    CU_ASSERT_EQUAL(spotopt_options_set_text(options, "gap_rel", "0,5", &err), SPOTOPT_E_ARGUMENT);
    CU_ASSERT_STRING_EQUAL(err.message, "option gap_rel is \"0,5\"; want a number");
    CU_ASSERT_EQUAL(spotopt_options_set_text(options, "gap_rel", "0.5", &err), SPOTOPT_OK);
    CU_ASSERT_EQUAL(spotopt__option(options, SPOTOPT__OPT_GAP_REL), 0.5);
    CU_ASSERT_EQUAL(spotopt_options_set_int(options, "seed", 12, &err), SPOTOPT_OK);
    CU_ASSERT_EQUAL(spotopt__option(options, SPOTOPT__OPT_SEED), 12.0);
    CU_ASSERT_EQUAL(spotopt_option_at(SPOTOPT__OPT_COUNT, NULL, &err), SPOTOPT_E_ARGUMENT);
    spotopt_options_free(options);
}

/* A host whose clock the test sets, and that counts how often it is asked. */
typedef struct test_host {
    double now_s;
    int asked, called, cancel_at;
    spotopt_progress last;
} test_host;

static double
host_clock(void *user)
{
    test_host *host = user;

    host->asked++;
    return host->now_s;
}

static int32_t
host_progress(void *user, const spotopt_progress *progress)
{
    test_host *host = user;

    host->last = *progress;
    return ++host->called == host->cancel_at;
}

static spotopt_context *
host_context(test_host *host)
{
    spotopt_context_params params = SPOTOPT_CONTEXT_PARAMS_INIT;
    spotopt_context *context = NULL;

    params.clock = host_clock;
    params.clock_user = host;
    CU_ASSERT_EQUAL_FATAL(spotopt_context_new(&params, &context, NULL), SPOTOPT_OK);
    return context;
}

static void
test_budget__keeps_a_short_deadline_when_steps_are_slow(void)
{
    test_host host = {.now_s = 100.0};
    spotopt_context *context = host_context(&host);
    spotopt_options *options = fresh();
    spotopt__budget budget;
    int steps = 0;

    CU_ASSERT_EQUAL(spotopt_options_set_real(options, "deadline_s", 0.05, NULL), SPOTOPT_OK);
    spotopt__budget_start(&budget, context, options);
    CU_ASSERT_DOUBLE_EQUAL(spotopt__budget_left_s(&budget), 0.05, 1e-9);
    for (int i = 0; i < 10000; i++) { /* a quick stage, then one with 3 ms a step */
        CU_ASSERT_FALSE(spotopt__budget_over(&budget, "quick", INFINITY, 0.0));
        host.now_s += 1e-7;
    }
    while (!spotopt__budget_over(&budget, "slow", INFINITY, 0.0) && steps < 1000) {
        host.now_s += 3e-3;
        steps++;
    }
    CU_ASSERT_EQUAL(steps, 17); /* 51 ms less the quick one's 1 ms */
    CU_ASSERT_TRUE(budget.cut_short);
    CU_ASSERT_FALSE(budget.cancelled);
    CU_ASSERT_EQUAL(spotopt__budget_left_s(&budget), 0.0);
    host.now_s = 100.0; /* sticks */
    CU_ASSERT_TRUE(spotopt__budget_over(&budget, "slow", INFINITY, 0.0));
    spotopt_options_free(options);
    spotopt_context_free(context);
}

static void
test_budget__notices_soon_when_quick_steps_turn_slow(void)
{
    test_host host = {.now_s = 0.0};
    spotopt_context *context = host_context(&host);
    spotopt_options *options = fresh();
    spotopt__budget budget;
    int steps = 0;

    CU_ASSERT_EQUAL(spotopt_options_set_real(options, "deadline_s", 0.05, NULL), SPOTOPT_OK);
    spotopt__budget_start(&budget, context, options);
    for (int i = 0; i < 10000; i++)
        CU_ASSERT_FALSE(spotopt__budget_over(&budget, "s", INFINITY, 0.0));
    CU_ASSERT_TRUE(host.asked < 10000 / 10);
    for (; !spotopt__budget_over(&budget, "s", INFINITY, 0.0) && steps < 1000; steps++)
        host.now_s += 3e-3;
    CU_ASSERT_TRUE(steps <= 17 + 16);
    spotopt_options_free(options);
    spotopt_context_free(context);
}

static void
test_budget__counts_work_the_same_everywhere(void)
{
    spotopt_options *options = fresh();
    spotopt__budget budget;

    CU_ASSERT_EQUAL(spotopt_options_set_int(options, "work", 100, NULL), SPOTOPT_OK);
    spotopt__budget_start(&budget, NULL, options);
    budget.work = 100;
    CU_ASSERT_FALSE(spotopt__budget_over(&budget, "s", INFINITY, 0.0));
    budget.work++;
    CU_ASSERT_TRUE(spotopt__budget_over(&budget, "s", INFINITY, 0.0));
    CU_ASSERT_FALSE(budget.cut_short); /* the clock had no part in it */
    spotopt_options_free(options);
}

static void
test_budget__calls_back_now_and_then_and_cancels_for_good(void)
{
    test_host host = {.now_s = 0.0, .cancel_at = 3};
    spotopt_context *context = host_context(&host);
    spotopt_options *options = fresh();
    spotopt__budget budget;
    double cancelled_s = -1.0;

    spotopt_options_set_progress(options, host_progress, &host);
    spotopt__budget_start(&budget, context, options);
    for (int ms = 0; ms < 1000 && cancelled_s < 0.0; ms++) {
        host.now_s = ms / 1000.0;
        if (spotopt__budget_over(&budget, "pack", 12.0, 10.0))
            cancelled_s = host.now_s;
    }
    CU_ASSERT_EQUAL(host.called, 3);
    CU_ASSERT_TRUE(cancelled_s >= 0.15 && cancelled_s <= 0.3); /* every 50 to 100 ms */
    CU_ASSERT_TRUE(budget.cancelled);
    CU_ASSERT_FALSE(budget.cut_short);
    CU_ASSERT_STRING_EQUAL(host.last.stage, "pack");
    CU_ASSERT_EQUAL(host.last.cost, 12.0);
    CU_ASSERT_EQUAL(host.last.bound, 10.0);
    CU_ASSERT_EQUAL(host.last.size, sizeof(spotopt_progress));
    CU_ASSERT_DOUBLE_EQUAL(host.last.seconds, cancelled_s, 1e-12);
    CU_ASSERT_TRUE(spotopt__budget_over(&budget, "pack", 12.0, 10.0));
    CU_ASSERT_EQUAL(host.called, 3);
    spotopt_options_free(options);
    spotopt_context_free(context);
}

int
main(void)
{
    static const suite_test tests[] = {
        TEST(test_options__every_row_takes_its_limits_and_nothing_beyond),
        TEST(test_options__name_the_nearest_key_and_the_range),
        TEST(test_budget__keeps_a_short_deadline_when_steps_are_slow),
        TEST(test_budget__notices_soon_when_quick_steps_turn_slow),
        TEST(test_budget__counts_work_the_same_everywhere),
        TEST(test_budget__calls_back_now_and_then_and_cancels_for_good),
    };
    return suite_run("options", tests, sizeof tests / sizeof *tests);
}
