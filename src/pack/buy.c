/* SPDX-License-Identifier: Apache-2.0 */
/*
 * buy.c - buys first, fills after.
 *
 * With many shapes of pods nearly every node can be filled nearly full, so what counts is to have
 * bought the right nodes. buy_share.c says about how many of each kind; a small integer program
 * makes the numbers whole. Each node is then filled by many random trials that prefer what matches
 * the room left (one resource is used up no earlier than the others, after Panigrahy et al. 2011),
 * smallest nodes first, since they are the hardest to fill. What finds no place goes the usual way.
 */
#include "base/keyed.h"
#include "base/lp.h"
#include "pack/buy.h"
#include "pack/eject.h"

#define KINDS_MOST 600
#define PER_NODE_LEAST 4.0     /* replicas on a node, about: with fewer, patterns count */
#define NODES_A_SHAPE_MOST 4.0 /* with more, patterns repeat and columns are better */
#define REPLICAS_LEAST 200
#define REGRET_MOST 0.02 /* of what serving a demand costs where it is best off */
#define WASTE_MOST 0.03  /* of a node's worth, before others are let in */
#define TRIALS 150
#define SQUEEZES 60    /* failures in a row */
#define STEPS_MOST 100 /* of branch and cut */
#define SAMPLES_LEAST 8
#define SAMPLES_MORE 24
#define SAMPLES_A_UNIT 8 /* of work */

double
spotopt__buy_worth(const spotopt__buying *b, const double *amount)
{
    double sum = 0.0;

    for (uint32_t d = 0; d < b->dims; d++)
        sum += b->weight[b->dim[d]] * amount[b->dim[d]];
    return sum;
}

static bool
buying_init(spotopt__buying *b, spotopt__search *search, uint32_t turn)
{
    static const double slacks[] = {0.0015, 0.0005, 0.003, 0.001};
    const spotopt__model *model = search->model;
    spotopt_context *context = model->context;
    const size_t kinds = model->kinds + 1, items = model->items + 1;

    *b = (spotopt__buying){.search = search,
                           .model = model,
                           .weight = search->builder.weight,
                           .slack = slacks[turn % 4]};
    b->kind = spotopt__alloc_array(context, kinds, sizeof *b->kind);
    b->times = spotopt__alloc_array(context, kinds, sizeof *b->times);
    b->key = spotopt__alloc_array(context, kinds, sizeof *b->key);
    b->need = spotopt__alloc_array(context, model->resources + 1, sizeof *b->need);
    b->left = spotopt__alloc_array(context, model->resources + 1, sizeof *b->left);
    b->cheapest = spotopt__alloc_array(context, items, sizeof *b->cheapest);
    b->target = spotopt__alloc_array(context, kinds, sizeof *b->target);
    b->class_slot = spotopt__alloc_array(context, model->classes + 1, sizeof *b->class_slot);
    b->part = spotopt__alloc_array(context, model->resources + 1, sizeof *b->part);
    b->dim = spotopt__alloc_array(context, model->resources + 1, sizeof *b->dim);
    b->order = spotopt__alloc_array(context, items, sizeof *b->order);
    b->piece = spotopt__alloc_array(context, items, sizeof *b->piece);
    b->most = spotopt__alloc_array(context, items, sizeof *b->most);
    b->count = spotopt__alloc_array(context, items, sizeof *b->count);
    b->best = spotopt__alloc_array(context, items, sizeof *b->best);
    b->worth = spotopt__alloc_array(context, items, sizeof *b->worth);
    b->request = spotopt__alloc_array(context, items * model->resources, sizeof *b->request);
    spotopt__rng_seed(&b->rng, search->seed + 0x627579 + turn);
    return b->kind != NULL && b->times != NULL && b->key != NULL && b->need != NULL &&
           b->left != NULL && b->part != NULL && b->dim != NULL && b->order != NULL &&
           b->target != NULL && b->cheapest != NULL && b->class_slot != NULL && b->piece != NULL &&
           b->most != NULL && b->count != NULL && b->best != NULL && b->worth != NULL &&
           b->request != NULL;
}

static void
buying_free(spotopt__buying *b)
{
    void *parts[] = {b->kind,  b->times,  b->key,      b->need,       b->left,        b->part,
                     b->dim,   b->target, b->cheapest, b->class_slot, b->class_price, b->order,
                     b->piece, b->most,   b->count,    b->best,       b->worth,       b->request};

    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        spotopt__free(b->model->context, parts[i]);
}

/* Sorts the list by key of its members, largest first. */
static bool
sort_by(spotopt_context *context, uint32_t *list, uint32_t count, const double *key)
{
    spotopt__keyed *sorted = spotopt__alloc_array(context, count + 1, sizeof *sorted);

    if (sorted == NULL)
        return false;
    for (uint32_t j = 0; j < count; j++)
        sorted[j] = (spotopt__keyed){key[list[j]], list[j]};
    spotopt__keyed_descending(sorted, count);
    for (uint32_t j = 0; j < count; j++)
        list[j] = sorted[j].id;
    spotopt__free(context, sorted);
    return true;
}

/* New kinds that are worth most for their cost at the resource LP's prices. */
static bool
choose_kinds(spotopt__buying *b)
{
    const spotopt__model *model = b->model;

    for (uint32_t k = 0; k < model->kinds; k++) {
        const spotopt__kind *kind = &model->kind[k];
        if (kind->class_id == SPOTOPT__NONE || kind->node != SPOTOPT__NONE ||
            model->problem->pools.at[kind->pool].max == 0)
            continue;
        b->key[k] = spotopt__buy_worth(b, kind->capacity) / fmax(kind->cost, 1e-9);
        b->kind[b->kinds++] = k;
    }
    if (!sort_by(model->context, b->kind, b->kinds, b->key))
        return false;
    b->kinds = b->kinds < KINDS_MOST ? b->kinds : KINDS_MOST;
    return true;
}

/* What room is worth on nodes of the kind. */
static void
weigh(spotopt__buying *b, uint32_t kind)
{
    const uint32_t slot = b->class_slot[b->model->kind[kind].class_id];

    b->weight = b->search->builder.weight;
    if (slot != SPOTOPT__NONE) {
        b->weight = b->class_price + (size_t)slot * b->model->resources;
        if (spotopt__buy_worth(b, b->model->kind[kind].capacity) <= 0.0)
            b->weight = b->search->builder.weight;
    }
}

static bool
buying_begin(spotopt__buying *b)
{
    const spotopt__model *model = b->model;

    for (uint32_t i = 0; i < model->items; i++) {
        for (uint32_t r = 0; r < model->resources; r++)
            b->need[r] += model->item[i].request[r] * model->item[i].count;
        b->order[i] = i;
    }
    for (uint32_t r = 0; r < model->resources; r++) {
        if (b->need[r] > 0.0)
            b->dim[b->dims++] = r;
    }
    if (!choose_kinds(b) || !spotopt__buy_share(b) ||
        !sort_by(model->context, b->order, model->items, b->search->builder.price))
        return false;
    for (uint32_t i = 0; i < model->items; i++) {
        b->cheapest[i] = (double)INFINITY;
        for (uint32_t c = 0; c < model->classes && b->shared; c++) {
            const uint32_t k = model->class_at[c].kinds[0];
            if (b->class_slot[c] == SPOTOPT__NONE ||
                !spotopt__allows(&model->item[i], model->kind[k].pool) ||
                !spotopt__one_fits(model, &model->item[i], model->kind[k].capacity))
                continue;
            weigh(b, k);
            b->cheapest[i] = fmin(b->cheapest[i], spotopt__buy_worth(b, model->item[i].request));
        }
    }
    b->weight = b->search->builder.weight;
    return true;
}

/* How many of each kind to buy for so much more than the need; false: no plan. */
static bool
plan(spotopt__buying *b, spotopt_status *status, spotopt_error *err)
{
    const spotopt__model *model = b->model;
    const spotopt__sides *sides = &b->search->sides;
    const uint32_t rows = model->resources + sides->active;
    spotopt__lp *lp = NULL;
    spotopt__lp_answer answer = {0};
    uint32_t *row = spotopt__alloc_array(model->context, rows + 1, sizeof *row);
    double *value = spotopt__alloc_array(model->context, rows + 1, sizeof *value);
    double *x = spotopt__alloc_array(model->context, b->kinds + 1, sizeof *x);
    unsigned char *whole = spotopt__alloc_array(model->context, b->kinds + 1, 1);
    bool planned = false;

    if (row == NULL || value == NULL || x == NULL || whole == NULL)
        *status = spotopt__nomem(err, "packing");
    if (*status == SPOTOPT_OK)
        *status = spotopt__lp_new(model->context, &lp, err);
    for (uint32_t r = 0; r < model->resources && *status == SPOTOPT_OK; r++) {
        double lower = b->need[r] > 0.0 ? 1.0 + b->slack : 0.0, upper = (double)INFINITY;
        *status = spotopt__lp_add_rows(lp, 1, &lower, &upper, err);
    }
    for (uint32_t s = 0; s < sides->active && *status == SPOTOPT_OK; s++)
        *status = spotopt__lp_add_rows(lp, 1, &sides->row[s].lower, &sides->row[s].upper, err);
    for (uint32_t j = 0; j < b->kinds && *status == SPOTOPT_OK; j++) {
        const spotopt__kind *kind = &model->kind[b->kind[j]];
        size_t start[2] = {0, 0};
        double lower, upper, most = 1.0;
        spotopt__kind_bounds(model, b->kind[j], &lower, &upper);
        for (uint32_t r = 0; r < model->resources; r++) {
            if (b->need[r] > 0.0 && kind->capacity[r] > 0.0) {
                row[start[1]] = r;
                value[start[1]++] = kind->capacity[r] / b->need[r];
                most = fmax(most, ceil((1.0 + b->slack) * b->need[r] / kind->capacity[r]));
            }
        }
        for (uint32_t s = 0; s < sides->active; s++) {
            if (sides->row[s].coefficient[b->kind[j]] != 0.0) {
                row[start[1]] = model->resources + s;
                value[start[1]++] = sides->row[s].coefficient[b->kind[j]];
            }
        }
        upper = fmax(lower, fmin(upper, most));
        /* whole numbers next to what was shared out */
        lower = fmax(lower, floor(b->target[b->kind[j]] + 1e-6));
        upper = fmax(lower, fmin(upper, ceil(b->target[b->kind[j]] - 1e-6)));
        whole[j] = 1;
        *status =
            spotopt__lp_add_columns(lp, 1, &kind->cost, &lower, &upper, start, row, value, err);
    }
    if (*status == SPOTOPT_OK) {
        spotopt__lp_set_steps(lp, STEPS_MOST);
        *status = spotopt__lp_solve_integer(
            lp, whole, 1e-4, 0.1 * spotopt__budget_left_s(&b->search->budget), x, &answer, err);
    }
    if (*status == SPOTOPT_OK) {
        planned = answer.state == SPOTOPT__LP_OPTIMAL || answer.state == SPOTOPT__LP_FEASIBLE;
        b->search->lp_seconds += answer.seconds;
        b->search->budget.work += 20 * (uint64_t)b->kinds * STEPS_MOST / 100;
    }
    for (uint32_t j = 0; j < b->kinds && planned; j++)
        b->times[b->kind[j]] = (uint32_t)fmin(nearbyint(fmax(x[j], 0.0)), 4e9);
    spotopt__lp_free(lp);
    spotopt__free(model->context, row);
    spotopt__free(model->context, value);
    spotopt__free(model->context, x);
    spotopt__free(model->context, whole);
    return planned;
}

/* What may go into the empty bin, dearest first; only_apt: what is not much better off elsewhere.
 */
static void
gather(spotopt__buying *b, const spotopt__state *state, uint32_t bin, bool only_apt)
{
    const spotopt__model *model = b->model;

    b->pieces = 0;
    for (uint32_t j = 0; j < model->items; j++) {
        const uint32_t i = b->order[j];
        const spotopt__item *item = &model->item[i];
        uint64_t left = item->count - state->placed[i];
        uint32_t most;
        if (item->count <= state->placed[i])
            continue;
        most = spotopt__state_room(state, bin, i, left < 4096 ? (uint32_t)left : 4096);
        if (most == 0)
            continue;
        b->piece[b->pieces] = i;
        b->most[b->pieces] = most;
        b->worth[b->pieces] = spotopt__buy_worth(b, item->request);
        if (b->worth[b->pieces] <= 0.0 ||
            (only_apt && b->worth[b->pieces] > b->cheapest[i] * (1.0 + REGRET_MOST)))
            continue;
        for (uint32_t d = 0; d < b->dims; d++)
            b->request[(size_t)b->pieces * b->dims + d] = item->request[b->dim[d]];
        b->pieces++;
    }
}

static bool
fits(const spotopt__buying *b, uint32_t p)
{
    const double *request = b->request + (size_t)p * b->dims;

    if (b->count[p] >= b->most[p])
        return false;
    for (uint32_t d = 0; d < b->dims; d++) {
        if (request[d] > b->left[d])
            return false;
    }
    return true;
}

/* How much it earns of each part of the scarcest room that it takes; large ones a little more. */
static double
match(const spotopt__buying *b, uint32_t p, double scale)
{
    const double *request = b->request + (size_t)p * b->dims;
    double largest = 1e-12;

    for (uint32_t d = 0; d < b->dims; d++) {
        double taken = request[d] * b->part[d];
        largest = taken > largest ? taken : largest;
    }
    return b->worth[p] * (1.0 / largest + scale);
}

static double
take(spotopt__buying *b, uint32_t p)
{
    const double *weight = b->weight;
    double room = 0.0;

    b->count[p]++;
    for (uint32_t d = 0; d < b->dims; d++) {
        b->left[d] -= b->request[(size_t)p * b->dims + d];
        b->part[d] = weight[b->dim[d]] > 0.0 && b->left[d] > 0.0 ? 1.0 / b->left[d] : 0.0;
        room += weight[b->dim[d]] * b->left[d];
    }
    return room;
}

/* One random filling; the worth of the room that stays empty. */
static double
try_filling(spotopt__buying *b, const double *capacity)
{
    const double *weight = b->weight;
    const double dearest = b->worth[0];
    double room = 0.0;
    uint64_t looked = b->pieces / 4;

    memset(b->count, 0, b->pieces * sizeof *b->count);
    for (uint32_t d = 0; d < b->dims; d++) {
        b->left[d] = capacity[b->dim[d]];
        b->part[d] = weight[b->dim[d]] > 0.0 && b->left[d] > 0.0 ? 1.0 / b->left[d] : 0.0;
        room += weight[b->dim[d]] * b->left[d];
    }
    for (;;) {
        double best = 0.0;
        uint32_t which = SPOTOPT__NONE;
        uint32_t samples = SAMPLES_LEAST + (uint32_t)spotopt__rng_below(&b->rng, SAMPLES_MORE);
        for (uint32_t s = 0; s < samples; s++) {
            uint32_t p = (uint32_t)spotopt__rng_below(&b->rng, b->pieces);
            if (!fits(b, p))
                continue;
            double good = match(b, p, 0.3 * room / dearest);
            if (good > best) {
                best = good;
                which = p;
            }
        }
        looked += samples;
        if (which == SPOTOPT__NONE)
            break;
        room = take(b, which);
    }
    for (uint32_t p = 0; p < b->pieces; p++) { /* the last ones: the dearest that fit */
        while (fits(b, p))
            room = take(b, p);
    }
    b->search->budget.work += looked / SAMPLES_A_UNIT + 1;
    return room;
}

/* The best of some random fillings of what was gathered; the worth of the room left. */
static double
try_fillings(spotopt__buying *b, const double *capacity)
{
    double least = spotopt__buy_worth(b, capacity);

    memset(b->best, 0, b->pieces * sizeof *b->best);
    for (uint32_t t = 0; t < TRIALS && b->pieces > 0 && least > 0.0; t++) {
        double waste = try_filling(b, capacity);
        if (waste < least) {
            least = waste;
            memcpy(b->best, b->count, b->pieces * sizeof *b->best);
        }
    }
    return least;
}

/* Fills up to `wanted` equal nodes of a kind with one good content; how many; 0: nothing came in.
 */
static uint32_t
fill(spotopt__buying *b, spotopt__state *state, uint32_t kind, uint32_t wanted)
{
    const double *capacity = b->model->kind[kind].capacity;
    double full;
    uint64_t times = wanted;
    uint32_t bin = spotopt__state_open(state, kind, 1);

    if (bin == SPOTOPT__NONE)
        return 0;
    weigh(b, kind);
    full = spotopt__buy_worth(b, capacity);
    gather(b, state, bin, true);
    if (try_fillings(b, capacity) > WASTE_MOST * full) {
        gather(b, state, bin, false);
        (void)try_fillings(b, capacity);
    }
    for (uint32_t p = 0; p < b->pieces; p++) { /* often where there is plenty of everything */
        uint64_t left = b->model->item[b->piece[p]].count - state->placed[b->piece[p]];
        if (b->best[p] > 0 && left / b->best[p] / 4 < times)
            times = left / b->best[p] / 4;
    }
    spotopt__state_close(state, bin);
    if (b->pieces == 0)
        return 0;
    times = times > 0 ? times : 1;
    times = spotopt__state_openings(state, kind, (uint32_t)times);
    if (times == 0 || (bin = spotopt__state_open(state, kind, (uint32_t)times)) == SPOTOPT__NONE)
        return 0;
    for (uint32_t p = 0; p < b->pieces; p++) {
        uint32_t room = spotopt__state_room(state, bin, b->piece[p], b->best[p]);
        if (room > 0)
            spotopt__state_put(state, bin, b->piece[p], room);
    }
    return (uint32_t)times;
}

/* How far a kind's shares of worth are from those of all that is wanted. */
static double
skew_of(const spotopt__buying *b, uint32_t kind)
{
    const double *weight = b->weight, *capacity = b->model->kind[kind].capacity;
    const double whole = fmax(spotopt__buy_worth(b, capacity), 1e-12),
                 need = fmax(spotopt__buy_worth(b, b->need), 1e-12);
    double most = 0.0;

    for (uint32_t r = 0; r < b->model->resources; r++)
        most = fmax(most, fabs(weight[r] * capacity[r] / whole - weight[r] * b->need[r] / need));
    return most;
}

/* The order in which nodes are filled: small ones first; on odd rounds skewed ones before others.
 */
static bool
order_kinds(spotopt__buying *b, uint32_t round)
{
    double largest = 1e-12;

    b->weight = b->search->builder.weight;
    for (uint32_t j = 0; j < b->kinds; j++)
        largest = fmax(largest, spotopt__buy_worth(b, b->model->kind[b->kind[j]].capacity));
    for (uint32_t j = 0; j < b->kinds; j++) {
        const uint32_t k = b->kind[j];
        b->key[k] = -spotopt__buy_worth(b, b->model->kind[k].capacity) / largest;
        if (round % 2 == 1)
            b->key[k] += 2.0 * floor(5.0 * skew_of(b, k));
    }
    return sort_by(b->model->context, b->kind, b->kinds, b->key);
}

/* Fills what was bought, in this round's order, and completes it. */
static spotopt_status
try_round(spotopt__buying *b, uint32_t round, spotopt_error *err)
{
    const spotopt__recipe recipe = {.fill = 0, .looks = 12};
    spotopt__search *search = b->search;
    spotopt__state *state = &search->work;

    if (!order_kinds(b, round))
        return spotopt__nomem(err, "packing");
    spotopt__state_clear(state);
    spotopt__construct_begin(state, &recipe);
    for (uint32_t j = 0; j < b->kinds; j++) {
        uint32_t left = b->times[b->kind[j]];
        while (left > 0 && !state->failed && !spotopt__search_over(search)) {
            uint32_t times = fill(b, state, b->kind[j], left);
            left = times > 0 ? left - times : 0;
        }
    }
    if (!state->failed && !spotopt__eject_missing(search, state))
        return spotopt__nomem(err, "packing");
    spotopt__construct_end(&search->builder, state, &recipe);
    (void)spotopt__search_offer(search, state);
    return state->failed ? spotopt__nomem(err, "packing") : SPOTOPT_OK;
}

/* Whether nodes are to be bought first: a plan with enough small replicas a node. */
static bool
pays(const spotopt__buying *b)
{
    double replicas = 0.0, nodes = 0.0;

    for (uint32_t i = 0; i < b->model->items; i++)
        replicas += b->model->item[i].count;
    for (uint32_t j = 0; j < b->kinds; j++)
        nodes += b->target[b->kind[j]];
    return b->shared && replicas >= PER_NODE_LEAST * nodes &&
           nodes <= NODES_A_SHAPE_MOST * b->model->items;
}

static spotopt_status
buy_once(spotopt__search *search, uint32_t turn, spotopt_error *err)
{
    spotopt_status status = SPOTOPT_OK;
    spotopt__buying b;

    if (!buying_init(&b, search, turn) || !buying_begin(&b)) {
        buying_free(&b);
        return spotopt__nomem(err, "packing");
    }
    if (pays(&b) && plan(&b, &status, err)) {
        search->bought = true;
        status = try_round(&b, turn, err);
        if (status == SPOTOPT_OK && !spotopt__search_done(search) &&
            !spotopt__search_squeeze(search, SQUEEZES, 1.0))
            status = spotopt__nomem(err, "packing");
    }
    buying_free(&b);
    return status;
}

spotopt_status
spotopt__search_buy(spotopt__search *search, uint32_t turns, double share, spotopt_error *err)
{
    const spotopt__model *model = search->model;
    spotopt_status status = SPOTOPT_OK;
    uint64_t replicas = 0;

    for (uint32_t i = 0; i < model->items; i++)
        replicas += model->item[i].count;
    if (model->nodes > 0 || model->has_hard_axis || replicas < REPLICAS_LEAST)
        return SPOTOPT_OK;
    for (uint32_t turn = 0; turn < turns && status == SPOTOPT_OK; turn++) {
        if (spotopt__search_done(search) ||
            (turn > 0 && (!search->bought || spotopt__search_late(search, share))))
            break;
        status = buy_once(search, search->turns++, err);
    }
    return status;
}
