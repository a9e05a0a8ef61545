/* SPDX-License-Identifier: Apache-2.0 */
/*
 * certify.c - a small part of an infeasible problem that is infeasible by itself.
 *
 * A deletion filter (Chinneck and Dravnieks 1991): something is left out, and stays out when what
 * remains is still proved to have no packing. First demands, small ones first and many at a time
 * (half of those that could not go together are tried next: Junker 2004), then replicas by
 * bisection, then rules, then limits of pools. Since a part asks less than the whole (part.c), one
 * pass is enough. What remains was proved by the last solve that said so: no room for one replica,
 * the prices of the resource LP, or a complete search. It is a smallest set of demands in the sense
 * that no replica of it can be spared, if for each there is a packing without it; where the search
 * for that gave up, it may not be.
 */
#include "pack/certify.h"

#include <stdlib.h>

#include "pack/part.h"

#define WORK_ALL 2000000 /* for all questions, and four times what the solve took */
#define WORK_TO_BUILD 4  /* for each pool, demand and node */

enum { DEMANDS, RULES, LIMITS };
typedef enum verdict { OPEN, PROVED, PACKED } verdict;

typedef struct filter {
    spotopt__search *search;
    const spotopt_problem *problem;
    spotopt__part part;
    unsigned char *sharp; /* by demand: there is a packing with one replica less */
    uint64_t work_end;
    const char *proof; /* of the part as it is */
} filter;

static bool
is_spent(const filter *f)
{
    return spotopt__search_over(f->search) || f->search->budget.work > f->work_end;
}

/* Is there a packing of the part? */
static spotopt_status
ask(filter *f, verdict *out, spotopt_error *err)
{
    const spotopt_problem *problem = f->problem;
    spotopt_problem *part = NULL;
    spotopt_packing *packing = NULL;
    spotopt_status status;

    *out = OPEN;
    if (is_spent(f))
        return SPOTOPT_OK;
    f->search->budget.work += WORK_TO_BUILD * (problem->pools.count + problem->nodes.count +
                                               problem->demands.count + problem->rules.count + 1);
    status = spotopt__part_problem(problem, &f->part, &part, err);
    if (status == SPOTOPT_OK)
        status = spotopt__search_part(f->search, part, &packing, err);
    if (status == SPOTOPT_OK && packing->outcome == SPOTOPT_OUTCOME_INFEASIBLE) {
        *out = PROVED;
        f->proof = packing->certificate.proof;
    } else if (status == SPOTOPT_OK && packing->outcome != SPOTOPT_OUTCOME_STOPPED) {
        *out = PACKED;
    }
    spotopt_packing_free(packing);
    spotopt_problem_free(part);
    return status;
}

static void
set(filter *f, int what, uint32_t index, bool in)
{
    if (what == DEMANDS)
        f->part.count[index] = in ? f->problem->demands.at[index].count : 0;
    else if (what == RULES)
        f->part.rule[index] = in;
    else
        f->part.lifted[index] = !in;
}

/* Leaves out of the list what is not needed, halves of it at a time. */
static spotopt_status
thin(filter *f, int what, const uint32_t *list, uint32_t count, spotopt_error *err)
{
    spotopt_status status;
    verdict is;

    if (count == 0 || is_spent(f))
        return SPOTOPT_OK;
    for (uint32_t i = 0; i < count; i++)
        set(f, what, list[i], false);
    status = ask(f, &is, err);
    if (status != SPOTOPT_OK || is == PROVED)
        return status;
    for (uint32_t i = 0; i < count; i++)
        set(f, what, list[i], true);
    if (count == 1) {
        if (what == DEMANDS)
            f->sharp[list[0]] = is == PACKED;
        return SPOTOPT_OK;
    }
    status = thin(f, what, list, count / 2, err);
    if (status == SPOTOPT_OK)
        status = thin(f, what, list + count / 2, count - count / 2, err);
    return status;
}

/* The fewest replicas of a demand that will do beside the others. */
static spotopt_status
shrink(filter *f, uint32_t d, spotopt_error *err)
{
    uint32_t too_few = 0, enough = f->part.count[d];
    bool packed = f->sharp[d];
    spotopt_status status = SPOTOPT_OK;

    while (enough - too_few > 1 && status == SPOTOPT_OK && !is_spent(f)) {
        verdict is;

        f->part.count[d] = too_few + (enough - too_few) / 2;
        status = ask(f, &is, err);
        if (is == PROVED) {
            enough = f->part.count[d];
        } else {
            too_few = f->part.count[d];
            packed = is == PACKED;
        }
    }
    f->part.count[d] = enough;
    f->sharp[d] = packed && enough - too_few == 1;
    return status;
}

/* Another try for those of which it was not known: there is less beside them now. */
static spotopt_status
sharpen(filter *f, uint32_t d, spotopt_error *err)
{
    verdict is;
    spotopt_status status;

    f->part.count[d]--;
    status = ask(f, &is, err);
    if (is != PROVED)
        f->part.count[d]++;
    else if (f->part.count[d] > 0)
        return shrink(f, d, err);
    f->sharp[d] = is != OPEN;
    return status;
}

typedef struct sized {
    double size;
    uint32_t demand;
} sized;

static int
compare_sizes(const void *a, const void *b)
{
    const sized *x = a, *y = b;

    if (x->size != y->size)
        return x->size < y->size ? -1 : 1;
    return (x->demand > y->demand) - (x->demand < y->demand);
}

/* A demand that fits nowhere says it alone; else all of them, small ones first in the list. */
static spotopt_status
begin(filter *f, uint32_t *list, uint32_t *count, bool *proved, spotopt_error *err)
{
    const spotopt__model *model = f->search->model;
    const size_t demands = f->problem->demands.count;
    sized *order = spotopt__alloc_array(f->problem->context, demands + 1, sizeof *order);
    spotopt_status status = SPOTOPT_OK;
    verdict is = OPEN;

    if (order == NULL)
        return spotopt__nomem(err, "a certificate");
    *count = 0;
    for (uint32_t d = 0; d < demands && *count == 0; d++) {
        const spotopt__item *item = &model->item[model->item_of[d]];

        if (item->fits_nowhere && isinf(item->unplaced_cost) && f->problem->demands.at[d].count > 0)
            list[(*count)++] = d;
    }
    if (*count > 0) {
        f->part.count[list[0]] = 1;
        status = ask(f, &is, err);
    }
    if (status == SPOTOPT_OK && is != PROVED) {
        *count = 0;
        for (uint32_t d = 0; d < demands; d++) {
            const double size = model->item[model->item_of[d]].size;

            set(f, DEMANDS, d, true);
            if (f->part.count[d] > 0)
                order[(*count)++] = (sized){size * f->part.count[d], d};
        }
        qsort(order, *count, sizeof *order, compare_sizes);
        for (uint32_t i = 0; i < *count; i++)
            list[i] = order[i].demand;
        status = ask(f, &is, err);
    }
    *proved = is == PROVED;
    spotopt__free(f->problem->context, order);
    return status;
}

static bool
names_one(const filter *f, const uint32_t *list, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        if (f->part.count[list[i]] > 0)
            return true;
    }
    return false;
}

/* Rules without a say in the part go first and together, as do limits of pools that nobody there
 * may use. */
static spotopt_status
thin_context(filter *f, int what, uint32_t *list, spotopt_error *err)
{
    const spotopt_problem *problem = f->problem;
    const spotopt__model *model = f->search->model;
    const uint32_t all = (uint32_t)(what == RULES ? problem->rules.count : problem->pools.count);
    uint32_t front = 0;
    spotopt_status status = SPOTOPT_OK;

    for (int pass = 0; pass < 2 && status == SPOTOPT_OK; pass++) {
        front = 0;
        for (uint32_t i = 0; i < all; i++) {
            bool matters = false;

            if (what == RULES) {
                const spotopt__pack_rule *rule = &problem->rules.at[i];

                if (!spotopt__part_has_rule(problem, &f->part, i)) {
                    set(f, RULES, i, false);
                    continue;
                }
                matters = rule->kind > SPOTOPT_RULE_SPREAD ||
                          names_one(f, rule->demands, rule->demand_count);
            } else {
                const uint32_t max = problem->pools.at[i].max;

                /* Where max is 0 there is no pool: to lift that could give spreads a domain. */
                if (max == SPOTOPT_NO_LIMIT || max == 0)
                    continue;
                for (uint32_t d = 0; d < problem->demands.count && !matters; d++) {
                    const spotopt__item *item = &model->item[model->item_of[d]];

                    matters = f->part.count[d] > 0 && spotopt__allows(item, i) &&
                              spotopt__one_fits(model, item, problem->pools.at[i].capacity);
                }
            }
            if (matters == (pass == 1))
                list[front++] = i;
        }
        status = thin(f, what, list, front, err);
    }
    return status;
}

static bool
keep(const filter *f, spotopt_packing *packing)
{
    spotopt__certificate *out = &packing->certificate;
    const spotopt_problem *problem = f->problem;
    spotopt_context *context = packing->context;
    bool ok = true;

    out->proof = f->proof;
    out->is_minimal = true;
    for (uint32_t d = 0; d < problem->demands.count && ok; d++) {
        if (f->part.count[d] == 0)
            continue;
        out->is_minimal = out->is_minimal && f->sharp[d];
        ok = spotopt__vec_push(context, &out->demands, d) &&
             spotopt__vec_push(context, &out->replicas, f->part.count[d]);
    }
    for (uint32_t r = 0; r < problem->rules.count && ok; r++) {
        if (spotopt__part_has_rule(problem, &f->part, r))
            ok = spotopt__vec_push(context, &out->rules, r);
    }
    for (uint32_t p = 0; p < problem->pools.count && ok; p++) {
        const uint32_t max = problem->pools.at[p].max;

        if (!f->part.lifted[p] && max != SPOTOPT_NO_LIMIT && max != 0)
            ok = spotopt__vec_push(context, &out->limits, p);
    }
    return ok;
}

spotopt_status
spotopt__certify(spotopt__search *search, spotopt_packing *packing, spotopt_error *err)
{
    const spotopt_problem *problem = search->model->problem;
    spotopt_context *context = problem->context;
    filter f = {.search = search, .problem = problem};
    const size_t most = problem->demands.count + problem->rules.count + problem->pools.count + 1;
    uint32_t *list = spotopt__alloc_array(context, most, sizeof *list), count = 0;
    bool proved = false;
    spotopt_status status = SPOTOPT_OK;

    f.work_end = 5 * search->budget.work + WORK_ALL;
    f.part.count = spotopt__alloc_array(context, problem->demands.count + 1, sizeof *f.part.count);
    f.part.rule = spotopt__alloc_array(context, problem->rules.count + 1, 1);
    f.part.lifted = spotopt__alloc_array(context, problem->pools.count + 1, 1);
    f.sharp = spotopt__alloc_array(context, problem->demands.count + 1, 1);
    if (list == NULL || f.part.count == NULL || f.part.rule == NULL || f.part.lifted == NULL ||
        f.sharp == NULL)
        status = spotopt__nomem(err, "a certificate");
    for (uint32_t r = 0; r < problem->rules.count && status == SPOTOPT_OK; r++)
        f.part.rule[r] = 1;
    if (status == SPOTOPT_OK)
        status = begin(&f, list, &count, &proved, err);
    if (status == SPOTOPT_OK && proved) {
        status = thin(&f, DEMANDS, list, count, err);
        for (uint32_t i = 0; i < count && status == SPOTOPT_OK; i++)
            status = f.part.count[list[i]] > 0 ? shrink(&f, list[i], err) : SPOTOPT_OK;
        for (uint32_t i = 0; i < count && status == SPOTOPT_OK; i++)
            status = f.part.count[list[i]] > 0 && !f.sharp[list[i]] ? sharpen(&f, list[i], err)
                                                                    : SPOTOPT_OK;
        if (status == SPOTOPT_OK)
            status = thin_context(&f, RULES, list, err);
        if (status == SPOTOPT_OK)
            status = thin_context(&f, LIMITS, list, err);
        if (status == SPOTOPT_OK && !keep(&f, packing))
            status = spotopt__nomem(err, "a certificate");
    }
    spotopt__free(context, list);
    spotopt__free(context, f.part.count);
    spotopt__free(context, f.part.rule);
    spotopt__free(context, f.part.lifted);
    spotopt__free(context, f.sharp);
    return status;
}
