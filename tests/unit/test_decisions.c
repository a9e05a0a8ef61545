/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <string.h>

#include "fail_alloc.h"
#include "risk/decisions.h"
#include "suite.h"

#define HEAD "pool,region,zone,instance_type,time_s,nodes_up\n"

static spotopt_error err;

static spotopt_history *
history_of(const char *text)
{
    spotopt_history *h = NULL;

    CU_ASSERT_EQUAL(spotopt_history_parse(NULL, text, strlen(text), "h", &h, &err), SPOTOPT_OK);
    CU_ASSERT_PTR_NOT_NULL_FATAL(h);
    return h;
}

static spotopt__decisions
decisions_of(const spotopt_history *history, double from_s, double to_s, double step_s)
{
    spotopt__decisions made = {0};

    CU_ASSERT_TRUE_FATAL(spotopt__decisions_make(NULL, history, from_s, to_s, step_s, &made));
    return made;
}

static void
test_decisions__are_multiples_of_the_step_with_nodes_up(void)
{
    spotopt_history *h = history_of(HEAD "a,,,,100,2\na,,,,1000,0\na,,,,2000,1\na,,,,3000,\n");
    spotopt__decisions d = decisions_of(h, 0.0, 1e6, 300.0);

    /* 300 600 900 hold two nodes, 1200 1500 1800 none, 2100 2400 2700 one; 3000 is past the end. */
    CU_ASSERT_EQUAL_FATAL(d.count, 6);
    CU_ASSERT_EQUAL(d.time_s[0], 300.0);
    CU_ASSERT_EQUAL(d.time_s[2], 900.0);
    CU_ASSERT_EQUAL(d.time_s[3], 2100.0);
    CU_ASSERT_EQUAL(d.next_drop_s[0], 700.0);
    CU_ASSERT_EQUAL(d.next_drop_s[2], 100.0);
    CU_ASSERT_EQUAL(d.next_drop_s[3], INFINITY);
    CU_ASSERT_EQUAL(d.ahead_s[0], 2700.0);
    CU_ASSERT_EQUAL(d.ahead_s[5], 300.0);
    spotopt__decisions_free(NULL, &d);
    spotopt_history_free(h);
}

static void
test_decisions__do_not_see_a_drop_behind_a_hole(void)
{
    spotopt_history *h =
        history_of(HEAD "a,,,,0,5\na,,,,900,\na,,,,1800,3\na,,,,2700,2\na,,,,3600,2\n");
    spotopt__decisions d = decisions_of(h, 0.0, 1e6, 900.0);

    CU_ASSERT_EQUAL_FATAL(d.count, 3); /* 0, 1800, 2700 */
    CU_ASSERT_EQUAL(d.next_drop_s[0], INFINITY);
    CU_ASSERT_EQUAL(d.ahead_s[0], 900.0);
    CU_ASSERT_EQUAL(d.next_drop_s[1], 900.0);
    CU_ASSERT_EQUAL(d.next_drop_s[2], INFINITY); /* at the drop itself it lies behind */
    spotopt__decisions_free(NULL, &d);
    spotopt_history_free(h);
}

static void
test_decisions__keep_to_the_window_and_to_what_is_observed(void)
{
    spotopt_history *h = history_of(HEAD "a,,,,0,1\na,,,,7200,1\nb,,,,50,\nb,,,,60,\nc,,,,10,4\n");
    spotopt__decisions d = decisions_of(h, 1800.0, 3600.0, 900.0);

    /* The window's beginning is in, its end is out; empty rows and a last row observe nothing. */
    CU_ASSERT_EQUAL_FATAL(d.count, 2);
    CU_ASSERT_EQUAL(d.time_s[0], 1800.0);
    CU_ASSERT_EQUAL(d.time_s[1], 2700.0);
    spotopt__decisions_free(NULL, &d);
    d = decisions_of(h, 5000.0, 5000.0, 900.0);
    CU_ASSERT_EQUAL(d.count, 0);
    spotopt__decisions_free(NULL, &d);
    d = decisions_of(h, -1000.0, 1.0, 900.0); /* before time 0 as well */
    CU_ASSERT_EQUAL(d.count, 1);
    spotopt__decisions_free(NULL, &d);
    spotopt_history_free(h);
}

static unsigned
draw(unsigned *state, unsigned limit)
{
    *state = *state * 1664525u + 1013904223u;
    return (*state >> 8) % limit;
}

/* A moment by looking at every row: whether it counts, its next drop and how far it is observed. */
static bool
naive(const spotopt_history *h, const spotopt__series *s, double t, double *next, double *ahead)
{
    size_t at = s->count, end;

    for (size_t i = 0; i < s->count; i++) {
        if (h->time_s[s->first + i] <= t)
            at = i;
    }
    if (at == s->count || !(h->nodes_up[s->first + at] > 0.0))
        return false;
    for (end = at; end + 1 < s->count && !isnan(h->nodes_up[s->first + end]); end++)
        ;
    *ahead = h->time_s[s->first + end] - t;
    *next = INFINITY;
    for (size_t i = end; i > at; i--) {
        if (h->nodes_up[s->first + i] < h->nodes_up[s->first + i - 1])
            *next = h->time_s[s->first + i] - t;
    }
    return *ahead > 0.0;
}

static void
test_decisions__equal_a_naive_search_on_random_histories(void)
{
    unsigned state = 11;

    for (int round = 0; round < 200; round++) {
        static char text[20000];
        size_t length = (size_t)snprintf(text, sizeof text, "%s", HEAD), seen = 0;
        unsigned pools = 1 + draw(&state, 4), step = 1 + draw(&state, 40);
        double from = (double)draw(&state, 300), to = from + (double)draw(&state, 900);

        for (unsigned p = 0; p < pools; p++) {
            unsigned t = draw(&state, 100), rows = draw(&state, 40);

            for (unsigned i = 0; i < rows; i++) {
                unsigned up = draw(&state, 6);

                if (up == 5)
                    length += (size_t)snprintf(text + length, sizeof text - length,
                                               "p%u,,,,%u.5,\n", p, t);
                else
                    length += (size_t)snprintf(text + length, sizeof text - length,
                                               "p%u,,,,%u.5,%u\n", p, t, up / 2);
                t += 1 + draw(&state, 50);
            }
        }
        spotopt_history *h = history_of(text);
        spotopt__decisions d = decisions_of(h, from, to, step);

        for (uint32_t s = 0; s < h->series.count; s++) {
            for (unsigned k = 0; k * step < 2000; k++) {
                double t = (double)(k * step), next, ahead;

                if (t < from || t >= to || !naive(h, &h->series.at[s], t, &next, &ahead))
                    continue;
                CU_ASSERT_FATAL(seen < d.count);
                CU_ASSERT_EQUAL(d.series[seen], s);
                CU_ASSERT_EQUAL(d.time_s[seen], t);
                CU_ASSERT_EQUAL(d.next_drop_s[seen], next);
                CU_ASSERT_EQUAL(d.ahead_s[seen], ahead);
                seen++;
            }
        }
        CU_ASSERT_EQUAL(seen, d.count);
        spotopt__decisions_free(NULL, &d);
        spotopt_history_free(h);
    }
}

static void
test_decisions__give_all_back_when_memory_ends(void)
{
    fail_alloc allocator = FAIL_ALLOC_INIT;
    const char *text = HEAD "a,,,,0,1\na,,,,7200,0\n";
    spotopt_context *context = fail_alloc_context(&allocator);
    spotopt_history *h = history_of(text);
    spotopt__decisions d = {0};
    bool is_done = false;
    size_t before = allocator.live;

    for (size_t n = 0; !is_done; n++) {
        fail_after(&allocator, n);
        is_done = spotopt__decisions_make(context, h, 0.0, 7200.0, 900.0, &d);
        CU_ASSERT_TRUE(is_done || allocator.live == before);
    }
    CU_ASSERT_EQUAL(d.count, 8);
    spotopt__decisions_free(context, &d);
    CU_ASSERT_EQUAL(allocator.live, before);
    spotopt_history_free(h);
    spotopt_context_free(context);
}

int
main(void)
{
    static const suite_test tests[] = {
        TEST(test_decisions__are_multiples_of_the_step_with_nodes_up),
        TEST(test_decisions__do_not_see_a_drop_behind_a_hole),
        TEST(test_decisions__keep_to_the_window_and_to_what_is_observed),
        TEST(test_decisions__equal_a_naive_search_on_random_histories),
        TEST(test_decisions__give_all_back_when_memory_ends),
    };
    return suite_run("decisions", tests, sizeof tests / sizeof *tests);
}
