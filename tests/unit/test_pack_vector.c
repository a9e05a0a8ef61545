/* SPDX-License-Identifier: Apache-2.0 */
/* Vectors: prices against all contents, packings against all packings. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fail_alloc.h"
#include "pack/vector.h"
#include "spotopt/spotopt.h"
#include "suite.h"

#define PARTS 9

/* A small view with everything that an oracle must heed. */
typedef struct world {
    spotopt__model model;
    spotopt__bare bare;
    spotopt__view view;
    spotopt__sort sort[2];
    int64_t capacity[2][4], size[PARTS * 4];
    spotopt__part part[PARTS];
    spotopt__fill fill[2 * PARTS];
    uint64_t apart[PARTS];
    double price[PARTS], charge[3];
    spotopt__cut cut[3];
    spotopt__prices prices;
    double best[2]; /* by sort, of all contents */
} world;

static void
make_world(world *w, spotopt__rng *rng)
{
    memset(w, 0, sizeof *w);
    w->bare.model = &w->model;
    w->bare.dims = 1 + (uint32_t)spotopt__rng_below(rng, 4);
    w->bare.types = PARTS + 1;
    w->bare.sorts = 1 + (uint32_t)spotopt__rng_below(rng, 2);
    w->bare.sort = w->sort;
    w->bare.size = w->size;
    for (uint32_t s = 0; s < w->bare.sorts; s++) {
        for (uint32_t r = 0; r < w->bare.dims; r++)
            w->capacity[s][r] = 10 + (int64_t)spotopt__rng_below(rng, s == 0 ? 3000 : 20);
        w->sort[s] = (spotopt__sort){w->capacity[s], 1, 99, NULL, 0};
    }
    w->view = (spotopt__view){&w->bare, PARTS, 1, w->part, w->size, w->fill, NULL, NULL};
    for (uint32_t i = 0; i < PARTS; i++) {
        for (uint32_t r = 0; r < w->bare.dims; r++) {
            uint64_t top = (uint64_t)w->capacity[0][r];
            w->size[i * w->bare.dims + r] = (int64_t)spotopt__rng_below(rng, top / 2 + 1);
        }
        w->part[i] = (spotopt__part){2, 1 + (uint32_t)spotopt__rng_below(rng, 2), 2 * i, 1};
        w->fill[2 * i] = (spotopt__fill){i, 1};
        if (spotopt__rng_below(rng, 4) == 0) { /* merged with a piece of the last type */
            w->fill[2 * i + 1] = (spotopt__fill){PARTS, 1};
            w->part[i].fills = 2;
        }
        w->price[i] = (double)spotopt__rng_below(rng, 1000);
    }
    if (spotopt__rng_below(rng, 2) == 0) {
        w->view.apart = w->apart;
        for (int pair = 0; pair < 5; pair++) {
            uint64_t a = spotopt__rng_below(rng, PARTS), b = spotopt__rng_below(rng, PARTS);
            if (a != b) {
                w->apart[a] |= 1ull << b;
                w->apart[b] |= 1ull << a;
            }
        }
    }
    w->prices = (spotopt__prices){1000.0, w->price, 0, w->cut, w->charge, NULL, NULL};
    if (spotopt__rng_below(rng, 2) == 0) {
        w->prices.cuts = 3;
        for (uint32_t c = 0; c < 3; c++) {
            uint32_t a = (uint32_t)spotopt__rng_below(rng, PARTS - 2);
            w->cut[c] = (spotopt__cut){{a, a + 1, c == 0 ? PARTS : a + 2}, 1};
            w->charge[c] = (double)spotopt__rng_below(rng, 600);
        }
    }
}

/* The worth of a content, or -1 when it is none. */
static double
judge(const world *w, uint32_t sort, const uint32_t *count)
{
    double worth = 0.0;

    for (uint32_t r = 0; r < w->bare.dims; r++) {
        int64_t load = 0;
        for (uint32_t i = 0; i < PARTS; i++)
            load += w->size[i * w->bare.dims + r] * count[i];
        if (load > w->capacity[sort][r])
            return -1.0;
    }
    for (uint32_t i = 0; i < PARTS; i++) {
        if (count[i] > w->part[i].most)
            return -1.0;
        for (uint32_t j = 0; j < PARTS && count[i] > 0; j++) {
            if (w->view.apart != NULL && count[j] > 0 && ((w->apart[i] >> j) & 1))
                return -1.0;
        }
        worth += w->price[i] * count[i];
    }
    for (uint32_t c = 0; c < w->prices.cuts; c++) {
        uint32_t pieces = 0;
        for (uint32_t i = 0; i < PARTS; i++) {
            for (uint32_t f = 0; f < w->part[i].fills; f++) {
                for (int j = 0; j < 3; j++)
                    pieces += w->fill[2 * i + f].type == w->cut[c].type[j] ? count[i] : 0;
            }
        }
        worth -= w->charge[c] * (pieces / 2);
    }
    return worth;
}

static void
try_all(world *w, uint32_t sort, uint32_t i, uint32_t *count)
{
    double worth;

    if (i == PARTS) {
        worth = judge(w, sort, count);
        w->best[sort] = worth > w->best[sort] ? worth : w->best[sort];
        return;
    }
    for (count[i] = 0; count[i] <= w->part[i].most; count[i]++)
        try_all(w, sort, i + 1, count);
    count[i] = 0;
}

static void
test_vector__prices_agree_with_all_contents(void)
{
    spotopt__rng rng;

    spotopt__rng_seed(&rng, 7);
    for (int round = 0; round < 600; round++) {
        static world w;
        spotopt__patterns out = {0};
        spotopt__oracle oracle;
        double threshold[2], bound[2];
        unsigned char skip[2] = {0, 0};
        uint64_t work = 0;
        uint32_t count[PARTS] = {0};
        make_world(&w, &rng);
        oracle = spotopt__vector_oracle(&w.bare);
        CU_ASSERT_PTR_NOT_NULL_FATAL(oracle.self);
        CU_ASSERT_FATAL(oracle.enter(oracle.self, &w.view));
        for (uint32_t s = 0; s < w.bare.sorts; s++) {
            try_all(&w, s, 0, count);
            threshold[s] = floor(w.best[s] * (double)spotopt__rng_below(&rng, 5) / 3.0);
        }
        for (int effort = 0; effort < 3; effort++) {
            bool met[2] = {false, false};
            spotopt__patterns_clear(&out);
            CU_ASSERT_FATAL(oracle.price(oracle.self, &w.prices, threshold, skip, effort, 5, &out,
                                         bound, &work));
            for (size_t p = 0; p < out.list.count; p++) {
                const spotopt__pattern *pattern = &out.list.at[p];
                memset(count, 0, sizeof count);
                for (uint32_t f = 0; f < pattern->fills; f++)
                    count[out.fills.at[pattern->first + f].type] +=
                        out.fills.at[pattern->first + f].count;
                CU_ASSERT_EQUAL(judge(&w, pattern->sort, count), pattern->worth);
                CU_ASSERT(pattern->worth > threshold[pattern->sort]);
                met[pattern->sort] = met[pattern->sort] || pattern->worth == w.best[pattern->sort];
            }
            for (uint32_t s = 0; s < w.bare.sorts; s++) {
                CU_ASSERT(bound[s] >= w.best[s]);
                if (effort == 2 && w.best[s] > threshold[s]) {
                    CU_ASSERT(met[s]);
                    CU_ASSERT_EQUAL(bound[s], w.best[s]);
                }
            }
        }
        spotopt__patterns_free(&out);
        oracle.free(oracle.self);
    }
}

/* Fewest bins, by trying all. */
static void
pack_all(const int *size, int dims, int n, int top, int i, int bins, int (*load)[3], int *best)
{
    if (bins >= *best)
        return;
    if (i == n) {
        *best = bins;
        return;
    }
    for (int b = 0; b <= bins; b++) {
        bool fits = true;
        for (int r = 0; r < dims; r++)
            fits = fits && load[b][r] + size[i * 3 + r] <= top;
        if (!fits)
            continue;
        for (int r = 0; r < dims; r++)
            load[b][r] += size[i * 3 + r];
        pack_all(size, dims, n, top, i + 1, b == bins ? bins + 1 : bins, load, best);
        for (int r = 0; r < dims; r++)
            load[b][r] -= size[i * 3 + r];
    }
}

/* A document with bins of 20 in each dimension at a cost of 2; its length. */
static int
write_problem(char *text, size_t room, const int *size, int dims, int n)
{
    int at = snprintf(text, room,
                      "{\"apiVersion\":\"spotopt/v1\",\"kind\":\"PackingProblem\",\"resources\":"
                      "[\"a\",\"b\"%s],\"pools\":[{\"id\":\"p\",\"capacity\":[20,20%s],\"cost\":2}"
                      "],\"demands\":[",
                      dims == 3 ? ",\"c\"" : "", dims == 3 ? ",20" : "");

    for (int i = 0; i < n; i++) {
        at += snprintf(text + at, room - (size_t)at, "%s{\"id\":\"d%d\",\"request\":[%d,%d",
                       i > 0 ? "," : "", i, size[i * 3], size[i * 3 + 1]);
        if (dims == 3)
            at += snprintf(text + at, room - (size_t)at, ",%d", size[i * 3 + 2]);
        at += snprintf(text + at, room - (size_t)at, "],\"count\":1}");
    }
    return at + snprintf(text + at, room - (size_t)at, "]}");
}

static void
test_vector__packings_agree_with_all_packings(void)
{
    spotopt_options *options = NULL;
    spotopt_error err = SPOTOPT_ERROR_INIT;
    spotopt__rng rng;

    spotopt__rng_seed(&rng, 11);
    CU_ASSERT_EQUAL_FATAL(spotopt_options_new(NULL, &options, &err), SPOTOPT_OK);
    CU_ASSERT_EQUAL_FATAL(spotopt_options_set_real(options, "gap_rel", 0.0, &err), SPOTOPT_OK);
    for (int round = 0; round < 400; round++) {
        int size[11 * 3], load[12][3] = {{0}}, best = 12, n = 4 + (int)spotopt__rng_below(&rng, 8);
        int dims = 2 + (int)spotopt__rng_below(&rng, 2), top = 20, at;
        char text[4096];
        spotopt_problem *problem = NULL;
        spotopt_packing *packing = NULL;
        for (int i = 0; i < 3 * n; i++)
            size[i] = 1 + (int)spotopt__rng_below(&rng, 13);
        at = write_problem(text, sizeof text, size, dims, n);
        pack_all(size, dims, n, top, 0, 0, load, &best);
        CU_ASSERT_EQUAL_FATAL(spotopt_problem_parse(NULL, text, (size_t)at, "toy", &problem, &err),
                              SPOTOPT_OK);
        CU_ASSERT_EQUAL_FATAL(
            spotopt__problem_solve(problem, options, SPOTOPT__WITHOUT_EXACT, &packing, &err),
            SPOTOPT_OK);
        CU_ASSERT_EQUAL(spotopt_packing_outcome(packing), SPOTOPT_OUTCOME_OPTIMAL);
        CU_ASSERT_EQUAL(spotopt_packing_cost(packing), 2.0 * best);
        spotopt_packing_free(packing);
        spotopt_problem_free(problem);
    }
    spotopt_options_free(options);
}

#define TRIPLETS 60

/* Bins of 1,000 in three dimensions, each cut in three that leave nothing over; its length. */
static int
write_triplets(char *text, size_t room, spotopt__rng *rng)
{
    int at = snprintf(text, room,
                      "{\"apiVersion\":\"spotopt/v1\",\"kind\":\"PackingProblem\",\"resources\":"
                      "[\"a\",\"b\",\"c\"],\"pools\":[{\"id\":\"p\",\"capacity\":[1000,1000,"
                      "1000],\"cost\":1}],\"demands\":[");

    for (int b = 0; b < TRIPLETS; b++) {
        int left[3] = {1000, 1000, 1000};
        for (int piece = 0; piece < 3; piece++) {
            int size[3];
            for (int r = 0; r < 3; r++) {
                size[r] = piece == 2 ? left[r] : 200 + (int)spotopt__rng_below(rng, 201);
                left[r] -= size[r];
            }
            at += snprintf(text + at, room - (size_t)at,
                           "%s{\"id\":\"d%d\",\"request\":[%d,%d,%d],\"count\":1}",
                           b + piece > 0 ? "," : "", 3 * b + piece, size[0], size[1], size[2]);
        }
    }
    return at + snprintf(text + at, room - (size_t)at, "]}");
}

static void
test_vector__triplets_that_fill_their_bins_are_found(void)
{
    static char text[TRIPLETS * 3 * 64 + 256];
    spotopt_options *options = NULL;
    spotopt_error err = SPOTOPT_ERROR_INIT;
    spotopt__rng rng;

    spotopt__rng_seed(&rng, 5);
    CU_ASSERT_EQUAL_FATAL(spotopt_options_new(NULL, &options, &err), SPOTOPT_OK);
    CU_ASSERT_EQUAL_FATAL(spotopt_options_set_real(options, "gap_rel", 0.0, &err), SPOTOPT_OK);
    CU_ASSERT_EQUAL_FATAL(spotopt_options_set_real(options, "deadline_s", 1000.0, &err),
                          SPOTOPT_OK);
    CU_ASSERT_EQUAL_FATAL(spotopt_options_set_real(options, "work", 2e8, &err), SPOTOPT_OK);
    for (int round = 0; round < 6; round++) {
        const int length = write_triplets(text, sizeof text, &rng);
        spotopt_problem *problem = NULL;
        spotopt_packing *packing = NULL;

        CU_ASSERT_EQUAL_FATAL(
            spotopt_problem_parse(NULL, text, (size_t)length, "triplets", &problem, &err),
            SPOTOPT_OK);
        CU_ASSERT_EQUAL_FATAL(spotopt_problem_solve(problem, options, &packing, &err), SPOTOPT_OK);
        CU_ASSERT_EQUAL(spotopt_packing_outcome(packing), SPOTOPT_OUTCOME_OPTIMAL);
        CU_ASSERT_EQUAL(spotopt_packing_cost(packing), TRIPLETS);
        spotopt_packing_free(packing);
        spotopt_problem_free(problem);
    }
    spotopt_options_free(options);
}

/* Solves a problem that takes the tree; live blocks are checked by the caller. */
static spotopt_status
solve_on(fail_alloc *allocator, const char *text, size_t length, double *out_cost)
{
    spotopt_context *context = fail_alloc_context(allocator);
    spotopt_options *options = NULL;
    spotopt_problem *problem = NULL;
    spotopt_packing *packing = NULL;
    spotopt_status status = SPOTOPT_E_NOMEM;

    if (context == NULL)
        return status;
    status = spotopt_options_new(context, &options, NULL);
    if (status == SPOTOPT_OK)
        status = spotopt_options_set_real(options, "gap_rel", 0.0, NULL);
    if (status == SPOTOPT_OK)
        status = spotopt_problem_parse(context, text, length, "toy", &problem, NULL);
    if (status == SPOTOPT_OK)
        status = spotopt__problem_solve(problem, options, SPOTOPT__WITHOUT_EXACT, &packing, NULL);
    if (status == SPOTOPT_OK)
        *out_cost = spotopt_packing_cost(packing);
    spotopt_packing_free(packing);
    spotopt_problem_free(problem);
    spotopt_options_free(options);
    spotopt_context_free(context);
    return status;
}

static void
test_vector__every_allocation_may_fail(void)
{
    enum { PIECES = 40 };
    static char text[8192];
    fail_alloc allocator = FAIL_ALLOC_INIT;
    spotopt_status status;
    spotopt__rng rng;
    int size[PIECES * 3];
    double whole = 0.0, cost = 0.0;
    size_t length;

    spotopt__rng_seed(&rng, 5);
    for (int i = 0; i < 3 * PIECES; i++)
        size[i] = 1 + (int)spotopt__rng_below(&rng, 13);
    length = (size_t)write_problem(text, sizeof text, size, 3, PIECES);
    fail_never(&allocator);
    CU_ASSERT_EQUAL(solve_on(&allocator, text, length, &whole), SPOTOPT_OK);
    for (int once = 0; once < 2; once++) {
        size_t n = 0;
        do { /* early ones one by one, later ones in strides */
            if (once)
                fail_once(&allocator, n);
            else
                fail_after(&allocator, n);
            status = solve_on(&allocator, text, length, &cost);
            CU_ASSERT(status == SPOTOPT_OK || status == SPOTOPT_E_NOMEM);
            CU_ASSERT_EQUAL(allocator.live, 0);
            n += 1 + n / 100;
        } while (allocator.failed > 0);
        CU_ASSERT_EQUAL(status, SPOTOPT_OK);
        CU_ASSERT_EQUAL(cost, whole);
    }
}

/* Loads of the best packing; true when it holds every item and every bin holds what is in it. */
static bool
is_packing(const spotopt__vfill *fill)
{
    const spotopt__vector *vector = fill->vector;

    for (uint32_t b = 0; b < fill->best_bins; b++) {
        for (uint32_t r = 0; r < vector->dims; r++) {
            int64_t load = 0;
            for (uint32_t i = 0; i < vector->items; i++)
                load += fill->best[i] == b ? vector->size[i * vector->lanes + r] : 0;
            if (load > vector->capacity[r])
                return false;
        }
    }
    for (uint32_t i = 0; i < vector->items; i++) {
        if (fill->best[i] >= fill->best_bins)
            return false;
    }
    return true;
}

static void
test_vector__fewer_bins_hold_all_items(void)
{
    enum { ITEMS = 60 };
    spotopt__rng rng;
    uint64_t sum[3] = {0, 0, 0};

    spotopt__rng_seed(&rng, 3);
    for (int round = 0; round < 60; round++) {
        static const int32_t capacity[4] = {100, 100, 100, 0};
        static int32_t size[ITEMS * 4];
        spotopt__vector vector = {NULL, ITEMS, 3, 4, size, capacity};
        spotopt__vfill fill;
        for (uint32_t i = 0; i < ITEMS; i++) {
            for (uint32_t r = 0; r < 3; r++)
                size[i * 4 + r] = (int32_t)spotopt__rng_below(&rng, 60);
        }
        CU_ASSERT_FATAL(spotopt__vfill_init(&fill, &vector, NULL, 1));
        CU_ASSERT(is_packing(&fill));
        sum[0] += spotopt__vector_volume(&vector);
        spotopt__vfill_greedily(&fill, 1);
        CU_ASSERT(is_packing(&fill));
        sum[1] += fill.best_bins;
        spotopt__vfill_fewer(&fill, spotopt__vector_volume(&vector), 500);
        CU_ASSERT(is_packing(&fill));
        CU_ASSERT(fill.best_bins >= spotopt__vector_volume(&vector));
        sum[2] += fill.best_bins;
        spotopt__vfill_free(&fill);
    }
    CU_ASSERT(sum[0] <= sum[2] && sum[2] < sum[1]); /* the search is worth something */
}

/* Twelve bins of four pieces each that fill them, but for a unit of waste here and there. */
static void
cut_bins(spotopt__rng *rng, int32_t *size)
{
    for (uint32_t b = 0; b < 12; b++) {
        for (uint32_t r = 0; r < 2; r++) {
            int32_t left = 80 - (int32_t)spotopt__rng_below(rng, 2);
            for (uint32_t i = 0; i < 4; i++) {
                const int32_t some = i < 3 ? 14 + (int32_t)spotopt__rng_below(rng, 12) : left;
                size[(4 * b + i) * 4 + r] = some;
                left -= some;
            }
        }
    }
}

static void
test_vector__walks_find_packings_that_leave_nothing_to_spare(void)
{
    static const int32_t capacity[4] = {80, 80, 0, 0};
    static int32_t size[48 * 4];
    const spotopt__vector vector = {NULL, 48, 2, 4, size, capacity};
    uint32_t found = 0, bin_of[48];
    spotopt__rng rng;

    spotopt__rng_seed(&rng, 11);
    for (int round = 0; round < 10; round++) {
        spotopt__budget budget;
        spotopt__walk *walk;
        bool nomem;
        cut_bins(&rng, size);
        spotopt__budget_start(&budget, NULL, NULL);
        CU_ASSERT_PTR_NULL(spotopt__walk_new(&vector, 14, &budget, 1, &nomem)); /* much to spare */
        CU_ASSERT_PTR_NULL(spotopt__walk_new(&vector, 11, &budget, 1, &nomem)); /* too few */
        walk = spotopt__walk_new(&vector, 12, &budget, 1, &nomem);
        CU_ASSERT(!nomem);
        if (walk != NULL && spotopt__walk_run(walk, 40000000, bin_of)) {
            int32_t load[12 * 2] = {0};
            found++;
            for (uint32_t i = 0; i < 48; i++) {
                CU_ASSERT_FATAL(bin_of[i] < 12);
                load[2 * bin_of[i]] += size[4 * i];
                load[2 * bin_of[i] + 1] += size[4 * i + 1];
            }
            for (uint32_t b = 0; b < 24; b++)
                CU_ASSERT(load[b] <= 80);
        }
        spotopt__walk_free(walk);
    }
    CU_ASSERT(found >= 5);
}

static void
test_vector__a_walk_that_finds_no_memory_is_none(void)
{
    static const int32_t capacity[4] = {80, 80, 0, 0};
    static int32_t size[48 * 4];
    fail_alloc allocator = FAIL_ALLOC_INIT;
    spotopt_context *context;
    spotopt__budget budget;
    spotopt__rng rng;
    bool nomem = true;

    spotopt__rng_seed(&rng, 11);
    cut_bins(&rng, size);
    fail_never(&allocator);
    context = fail_alloc_context(&allocator);
    spotopt__budget_start(&budget, context, NULL);
    for (size_t n = 0; nomem; n++) {
        const spotopt__vector vector = {context, 48, 2, 4, size, capacity};
        spotopt__walk *walk;
        fail_after(&allocator, n);
        walk = spotopt__walk_new(&vector, 12, &budget, 1, &nomem);
        CU_ASSERT(nomem == (allocator.failed > 0));
        CU_ASSERT(!nomem || walk == NULL);
        spotopt__walk_free(walk);
        CU_ASSERT_EQUAL(allocator.live, 1); /* the context */
    }
    spotopt_context_free(context);
}

int
main(void)
{
    static const suite_test tests[] = {
        TEST(test_vector__prices_agree_with_all_contents),
        TEST(test_vector__packings_agree_with_all_packings),
        TEST(test_vector__triplets_that_fill_their_bins_are_found),
        TEST(test_vector__fewer_bins_hold_all_items),
        TEST(test_vector__walks_find_packings_that_leave_nothing_to_spare),
        TEST(test_vector__a_walk_that_finds_no_memory_is_none),
        TEST(test_vector__every_allocation_may_fail),
    };

    return suite_run("pack_vector", tests, sizeof tests / sizeof *tests);
}
