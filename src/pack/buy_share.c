/* SPDX-License-Identifier: Apache-2.0 */
/*
 * buy_share.c - which sorts of nodes can use which demands: what buy.c plans with.
 *
 * Total capacity is not enough: nodes rich in memory are of no use to demands that want little of
 * it. A linear program shares out demands of similar proportions (groups) over the classes of
 * nodes; its solution tells about how many of each kind to buy, and its duals what each class'
 * resources are worth, so that a node is filled with what is best there.
 */
#include "base/keyed.h"
#include "pack/buy.h"
#include "pack/simplex.h"

#define GROUPS_MOST 48
#define CLASSES_MOST 48
#define PERMILLE 1000.0 /* of a resource's need: the unit of rows */
#define PIVOTS_MOST 4000

typedef struct sharing {
    spotopt__buying *b;
    uint32_t *group; /* by item */
    uint32_t groups;
    double *need;  /* group * dims + d, permille */
    uint32_t *row; /* a column's entries */
    double *value;
    spotopt__simplex *lp;
} sharing;

/* Groups: items in the order of their proportions, cut where an equal part of all worth is in. */
static bool
make_groups(sharing *s)
{
    const spotopt__buying *b = s->b;
    const spotopt__model *model = b->model;
    spotopt__keyed *list = spotopt__alloc_array(model->context, model->items + 1, sizeof *list);
    double whole = 0.0, part = 0.0;
    uint32_t group = 0;

    if (list == NULL)
        return false;
    for (uint32_t i = 0; i < model->items; i++) {
        double worth = fmax(spotopt__buy_worth(b, model->item[i].request), 1e-12), key = 0.0;
        for (uint32_t d = 0; d < b->dims; d++) { /* scarce extras first, then the first resource */
            double share = b->weight[b->dim[d]] * model->item[i].request[b->dim[d]] / worth;
            key += d < 2 ? (d == 0 ? share : 0.0) : 4.0 * floor(4.0 * share);
        }
        list[i] = (spotopt__keyed){key, i};
        whole += worth * model->item[i].count;
    }
    spotopt__keyed_descending(list, model->items);
    for (uint32_t j = 0; j < model->items; j++) {
        const spotopt__item *item = &model->item[list[j].id];
        s->group[list[j].id] = group;
        s->groups = group + 1;
        part += fmax(spotopt__buy_worth(b, item->request), 1e-12) * item->count;
        for (uint32_t d = 0; d < b->dims; d++)
            s->need[(size_t)group * b->dims + d] +=
                item->request[b->dim[d]] * item->count / b->need[b->dim[d]] * PERMILLE;
        if (part * GROUPS_MOST >= whole * (group + 1.0) && group + 1 < GROUPS_MOST)
            group++;
    }
    spotopt__free(model->context, list);
    return true;
}

/* A group may go to a class where its members fit, by worth for the most part. */
static bool
may_go(const sharing *s, uint32_t group, uint32_t class_id)
{
    const spotopt__model *model = s->b->model;
    const spotopt__kind *first = &model->kind[model->class_at[class_id].kinds[0]];
    double fit = 0.0, whole = 0.0;

    for (uint32_t i = 0; i < model->items; i++) {
        const spotopt__item *item = &model->item[i];
        if (s->group[i] != group)
            continue;
        double worth = spotopt__buy_worth(s->b, item->request) * item->count;
        whole += worth;
        if (spotopt__allows(item, first->pool) && spotopt__one_fits(model, item, first->capacity))
            fit += worth;
    }
    return fit > 0.5 * whole;
}

static bool
add_column(sharing *s, double cost, double upper, uint32_t entries)
{
    return spotopt__simplex_add_column(s->lp, cost, 0.0, upper, entries, s->row, s->value);
}

static bool
frame(sharing *s)
{
    const spotopt__buying *b = s->b;
    const spotopt__model *model = b->model;
    const uint32_t dims = b->dims;
    bool fine = true;

    for (uint32_t g = 0; g < s->groups && fine; g++)
        fine = spotopt__simplex_add_row(s->lp, 1.0 + b->slack, INFINITY, 0, NULL, NULL);
    for (uint32_t c = 0; c < b->classes * dims && fine; c++)
        fine = spotopt__simplex_add_row(s->lp, -INFINITY, 0.0, 0, NULL, NULL);
    for (uint32_t j = 0; j < b->kinds && fine; j++) {
        const spotopt__kind *kind = &model->kind[b->kind[j]];
        double lower, upper;
        spotopt__kind_bounds(model, b->kind[j], &lower, &upper);
        for (uint32_t d = 0; d < dims; d++) {
            s->row[d] = s->groups + b->class_slot[kind->class_id] * dims + d;
            s->value[d] = -kind->capacity[b->dim[d]] / b->need[b->dim[d]] * PERMILLE;
        }
        fine = add_column(s, kind->cost, upper, dims);
    }
    for (uint32_t c = 0; c < model->classes && fine; c++) {
        const uint32_t slot = b->class_slot[c];
        for (uint32_t g = 0; g < s->groups && slot != SPOTOPT__NONE && fine; g++) {
            if (!may_go(s, g, c))
                continue;
            s->row[0] = g;
            s->value[0] = 1.0;
            for (uint32_t d = 0; d < dims; d++) {
                s->row[1 + d] = s->groups + slot * dims + d;
                s->value[1 + d] = s->need[(size_t)g * dims + d];
            }
            fine = add_column(s, 0.0, INFINITY, 1 + dims);
        }
    }
    for (uint32_t g = 0; g < s->groups && fine; g++) { /* a start: left out, dearly */
        s->row[0] = g;
        s->value[0] = 1.0;
        fine = add_column(s, 100.0 * b->search->bound, INFINITY, 1);
    }
    return fine;
}

static bool
stop(void *data)
{
    return spotopt__search_over(data);
}

bool
spotopt__buy_share(spotopt__buying *b)
{
    const spotopt__model *model = b->model;
    sharing s = {.b = b};
    spotopt__simplex_state state;
    uint32_t kept = 0;
    bool fine;

    for (uint32_t c = 0; c < model->classes; c++)
        b->class_slot[c] = SPOTOPT__NONE;
    for (uint32_t j = 0; j < b->kinds; j++) { /* the best classes, with all their kinds here */
        const uint32_t c = model->kind[b->kind[j]].class_id;
        if (b->class_slot[c] == SPOTOPT__NONE && b->classes < CLASSES_MOST)
            b->class_slot[c] = b->classes++;
        if (b->class_slot[c] != SPOTOPT__NONE)
            b->kind[kept++] = b->kind[j];
    }
    b->kinds = kept;
    b->class_price = spotopt__alloc_array(model->context, (size_t)b->classes * model->resources + 1,
                                          sizeof *b->class_price);
    s.group = spotopt__alloc_array(model->context, model->items + 1, sizeof *s.group);
    s.need =
        spotopt__alloc_array(model->context, (size_t)GROUPS_MOST * (b->dims + 1), sizeof *s.need);
    s.row = spotopt__alloc_array(model->context, b->dims + 1, sizeof *s.row);
    s.value = spotopt__alloc_array(model->context, b->dims + 1, sizeof *s.value);
    s.lp = spotopt__simplex_new(model->context);
    fine = b->class_price != NULL && s.group != NULL && s.need != NULL && s.row != NULL &&
           s.value != NULL && s.lp != NULL && make_groups(&s) && frame(&s);
    if (fine) {
        double start_s = spotopt__clock(model->context);
        state = spotopt__simplex_solve(s.lp, PIVOTS_MOST, stop, b->search);
        b->search->lp_seconds += spotopt__clock(model->context) - start_s;
        b->search->budget.work +=
            spotopt__simplex_pivots(s.lp) * spotopt__simplex_rows(s.lp) / 8 + 1;
        fine = !spotopt__simplex_nomem(s.lp);
        b->shared = state == SPOTOPT__SIMPLEX_OPTIMAL;
        const double *dual = spotopt__simplex_duals(s.lp);
        for (uint32_t j = 0; j < b->kinds && b->shared; j++)
            b->target[b->kind[j]] = spotopt__simplex_x(s.lp, j);
        for (uint32_t c = 0; c < b->classes && b->shared; c++) {
            for (uint32_t d = 0; d < b->dims; d++)
                b->class_price[(size_t)c * model->resources + b->dim[d]] =
                    fmax(-dual[s.groups + c * b->dims + d], 0.0) * PERMILLE / b->need[b->dim[d]];
        }
    }
    spotopt__simplex_free(s.lp);
    spotopt__free(model->context, s.group);
    spotopt__free(model->context, s.need);
    spotopt__free(model->context, s.row);
    spotopt__free(model->context, s.value);
    return fine;
}
