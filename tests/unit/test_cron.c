/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Schedules against a reading of their fields by hand: every minute of years that begin and end
 * anywhere is asked whether it is named.
 */
#include <math.h>
#include <time.h>

#include "base/base.h"
#include "model/cron.h"
#include "suite.h"

/* Whether a field of single numbers, lists, ranges and steps names a value; no names of months. */
static bool
names(const char *text, int least, int most, int value)
{
    for (;;) {
        int from = least, to = most, step = 1, used = 0;
        bool has_end = true;

        if (*text == '*') {
            text++;
        } else {
            sscanf(text, "%d%n", &from, &used);
            text += used;
            to = from;
            has_end = *text == '-';
            if (has_end) {
                sscanf(text, "-%d%n", &to, &used);
                text += used;
            }
        }
        if (*text == '/') {
            sscanf(text, "/%d%n", &step, &used);
            text += used;
            if (!has_end)
                to = most;
        }
        if (value >= from && value <= to && (value - from) % step == 0)
            return true;
        if (*text != ',')
            return false;
        text++;
    }
}

/* "*" with a step above 1 restricts, as Kubernetes' library has it. */
static bool
is_any(const char *field)
{
    return strcmp(field, "*") == 0 || strcmp(field, "*/1") == 0;
}

static bool
is_named(char fields[5][40], time_t at)
{
    struct tm t;
    bool day, weekday;

    gmtime_r(&at, &t);
    day = names(fields[2], 1, 31, t.tm_mday);
    weekday = names(fields[4], 0, 7, t.tm_wday) || (t.tm_wday == 0 && names(fields[4], 0, 7, 7));
    if (!is_any(fields[2]) && !is_any(fields[4]))
        day = day || weekday;
    else
        day = day && weekday;
    return day && names(fields[0], 0, 59, t.tm_min) && names(fields[1], 0, 23, t.tm_hour) &&
           names(fields[3], 1, 12, t.tm_mon + 1);
}

static void
make_field(spotopt__rng *rng, char *out, size_t size, int least, int most)
{
    int a = least + (int)spotopt__rng_below(rng, (uint64_t)(most - least + 1)),
        b = least + (int)spotopt__rng_below(rng, (uint64_t)(most - least + 1));

    switch (spotopt__rng_below(rng, 6)) {
    case 0:
        snprintf(out, size, "%d", a);
        break;
    case 1:
        snprintf(out, size, "%d-%d", a < b ? a : b, a < b ? b : a);
        break;
    case 2:
        snprintf(out, size, "%d,%d", a, b);
        break;
    case 3:
        snprintf(out, size, "*/%d", 1 + a);
        break;
    case 4:
        snprintf(out, size, "%d-%d/2", a < b ? a : b, a < b ? b : a);
        break;
    default:
        snprintf(out, size, "*");
        break;
    }
}

static void
test_cron__names_the_minutes_that_reading_it_by_hand_names(void)
{
    static const int least[] = {0, 0, 1, 1, 0}, most[] = {59, 23, 31, 12, 7};
    spotopt__rng rng;

    spotopt__rng_seed(&rng, 5);
    for (int k = 0; k < 300; k++) {
        time_t at = (time_t)(60 * spotopt__rng_below(&rng, 40000000)), until = at + 10 * 86400;
        char fields[5][40], text[240];
        spotopt__cron cron;
        double next;

        for (int f = 0; f < 5; f++)
            make_field(&rng, fields[f], sizeof fields[f], least[f], most[f]);
        snprintf(text, sizeof text, "%s %s %s %s %s", fields[0], fields[1], fields[2], fields[3],
                 fields[4]);
        CU_ASSERT_TRUE_FATAL(spotopt__cron_parse(text, &cron));
        next = spotopt__cron_next(&cron, (double)at);
        for (at += 60; at < until; at += 60) {
            if (is_named(fields, at) != (next == (double)at)) {
                printf("\n  \"%s\" at %lld: next is %.0f", text, (long long)at, next);
                CU_FAIL("a minute more or less");
                break;
            }
            if (next == (double)at)
                next = spotopt__cron_next(&cron, (double)at);
        }
    }
}

static void
test_cron__knows_words_and_what_is_no_schedule(void)
{
    static const char *const bad[] = {
        "",          "* * * *",    "* * * * * *", "60 * * * *",  "* 24 * * *",
        "* * 0 * *", "* * * 13 *", "* * * * 8",   "5-1 * * * *", "*/0 * * * *",
        "@often",    "a * * * *",  "1- * * * *",  "1,, * * * *", "* * * foo *"};
    static const struct {
        const char *text;
        double after_s, next_s;
    } known[] = {
        {"@hourly", 1.0, 3600.0},          {"@daily", 86400.0, 172800.0},
        {"0 9 * * mon-fri", 0.0, 32400.0}, /* 1970 began on a Thursday */
        {"0 0 29 feb *", 0.0, 68169600.0}, /* 1972 */
        {"0 0 * * SUN", 0.0, 259200.0},    {"0 0 * * 7", 0.0, 259200.0},
    };
    spotopt__cron cron;

    for (size_t k = 0; k < sizeof bad / sizeof *bad; k++) {
        if (spotopt__cron_parse(bad[k], &cron))
            printf("\n  \"%s\" is taken", bad[k]);
        CU_ASSERT_FALSE(spotopt__cron_parse(bad[k], &cron));
    }
    for (size_t k = 0; k < sizeof known / sizeof *known; k++) {
        CU_ASSERT_TRUE_FATAL(spotopt__cron_parse(known[k].text, &cron));
        CU_ASSERT_EQUAL(spotopt__cron_next(&cron, known[k].after_s), known[k].next_s);
    }
    CU_ASSERT_TRUE_FATAL(spotopt__cron_parse("0 0 31 2 *", &cron));
    CU_ASSERT_TRUE(isinf(spotopt__cron_next(&cron, 0.0)));
}

int
main(void)
{
    static const suite_test tests[] = {
        TEST(test_cron__names_the_minutes_that_reading_it_by_hand_names),
        TEST(test_cron__knows_words_and_what_is_no_schedule),
    };

    return suite_run("cron", tests, sizeof tests / sizeof *tests);
}
