/* SPDX-License-Identifier: Apache-2.0 */
/*
 * construct.c - builds a packing greedily, always on counts.
 *
 * Running nodes first (with their residents, or only the fixed ones), then bin after bin: the most
 * promising groups of kinds by cost per useful capacity are filled for real, the best worth per
 * cost wins and is repeated as often as the demands allow. Hard rules hold at every step because
 * spotopt__state_room() is asked; spreads are planned ahead by caps (balanced by water filling), a
 * `together` over a label gets its domain in advance.
 */

#include "pack/construct.h"

static uint32_t
left_of(const spotopt__state *state, uint32_t item)
{
    return (uint32_t)(state->model->item[item].count - state->placed[item]);
}

static void
list_todo(spotopt__builder *builder, const spotopt__state *state)
{
    builder->todo_count = 0;
    for (uint32_t o = 0; o < builder->model->items; o++) {
        if (left_of(state, builder->order[o]) > 0 &&
            !builder->model->item[builder->order[o]].fits_nowhere)
            builder->todo[builder->todo_count++] = builder->order[o];
    }
}

/* Nothing is taken out again while bins are opened, so what is placed may leave the list. */
static void
forget_placed(spotopt__builder *builder, const spotopt__state *state)
{
    uint32_t kept = 0;

    for (uint32_t t = 0; t < builder->todo_count; t++) {
        builder->todo[kept] = builder->todo[t];
        kept += left_of(state, builder->todo[t]) > 0;
    }
    builder->todo_count = kept;
}

/* One more of the item that goes best with what is free, each resource weighed; NONE when nothing
 * fits. */
static uint32_t
best_dot(const spotopt__builder *builder, const spotopt__state *state, uint32_t slot,
         uint32_t last_tier, const double *inverse)
{
    const spotopt__model *model = builder->model;
    const spotopt__bin *bin = &state->bins.at[slot];
    const double *capacity = model->kind[bin->kind].capacity;
    const double *load = state->load + (size_t)slot * model->resources;
    double top = -1.0;
    uint32_t best = SPOTOPT__NONE;

    for (uint32_t t = 0; t < builder->todo_count; t++) {
        uint32_t i = builder->todo[t];
        const double *request = model->item[i].request;
        double score = 0.0;
        bool fits = true;
        if (builder->tier[i] > last_tier || left_of(state, i) < bin->count)
            continue;
        for (uint32_t r = 0; r < model->resources && fits; r++) {
            double free_ = capacity[r] - load[r];
            fits = request[r] <= free_ + 1e-12 * capacity[r];
            score += request[r] * inverse[r] * free_ * inverse[r];
        }
        if (fits && score > top && spotopt__state_room(state, slot, i, 1) > 0) {
            top = score;
            best = i;
        }
    }
    return best;
}

double
spotopt__fill_bin(spotopt__builder *builder, spotopt__state *state, uint32_t slot, uint32_t fill,
                  uint32_t last_tier)
{
    const spotopt__model *model = builder->model;
    uint32_t times = state->bins.at[slot].count;
    const spotopt__kind *kind = &model->kind[state->bins.at[slot].kind];
    double worth = 0.0, inverse[64], top[64];

    for (uint32_t s = 0; s < kind->stay_count; s++) { /* who is here need not move */
        uint32_t i = kind->stays[s].item, held, want;
        held = spotopt__bin_holds(&state->bins.at[slot], i);
        want = kind->stays[s].holds > held ? kind->stays[s].holds - held : 0;
        want = want < left_of(state, i) ? want : left_of(state, i);
        if (builder->tier[i] > last_tier || want == 0)
            continue;
        want = spotopt__state_room(state, slot, i, want);
        spotopt__state_put(state, slot, i, want);
        worth += want * (builder->price[i] + model->item[i].move_cost);
    }
    if (fill == 1) {
        for (uint32_t r = 0; r < model->resources; r++)
            inverse[r] = kind->capacity[r] > 0.0 ? 1.0 / kind->capacity[r] : 0.0;
        for (;;) {
            uint32_t i = best_dot(builder, state, slot, last_tier, inverse), room, want;
            if (i == SPOTOPT__NONE || state->failed)
                break;
            want = left_of(state, i) / times;
            room = spotopt__state_room(state, slot, i, want);
            room = room > 8 ? room / 4 : 1; /* in chunks: the balance changes slowly */
            spotopt__state_put(state, slot, i, room);
            worth += room * builder->price[i];
        }
        return worth;
    }
    const double *load = state->load + (size_t)slot * model->resources; /* no bin is opened here */
    for (uint32_t r = 0; r < model->resources; r++)
        top[r] = spotopt__ceiling(model, r, kind->capacity[r]);
    for (uint32_t o = 0; o < builder->todo_count; o++) {
        uint32_t i = builder->todo[o], want;
        bool fits = builder->tier[i] <= last_tier;
        for (uint32_t r = 0; r < model->resources && fits; r++) /* most do not: a quick look */
            fits = load[r] + model->item[i].request[r] <= top[r];
        if (!fits)
            continue;
        want = left_of(state, i) / times;
        if (want > 0)
            want = spotopt__state_room(state, slot, i, want);
        if (want > 0) {
            spotopt__state_put(state, slot, i, want);
            worth += want * builder->price[i];
        }
    }
    return worth;
}

/* The next kind of a group that can still be opened, or NONE. */
static uint32_t
next_kind(spotopt__builder *builder, const spotopt__state *state, uint32_t g)
{
    const spotopt__group *group = &builder->group[g];

    for (uint32_t j = builder->cursor[g]; j < group->count; j++) {
        if (spotopt__state_openings(state, group->kinds[j], 1) > 0) {
            if (state->group_cap == NULL)
                builder->cursor[g] = j;
            return group->kinds[j];
        }
    }
    builder->cursor[g] = group->count;
    return SPOTOPT__NONE;
}

/* Groups by cost per worth of the capacity that could be used, the best first. */
static uint32_t
shortlist(spotopt__builder *builder, const spotopt__state *state, uint32_t looks)
{
    const spotopt__model *model = builder->model;
    uint32_t count = 0;

    memset(builder->need, 0, model->resources * sizeof *builder->need);
    for (uint32_t t = 0; t < builder->todo_count; t++) {
        uint32_t i = builder->todo[t];
        double left = left_of(state, i);
        for (uint32_t r = 0; r < model->resources; r++)
            builder->need[r] += left * model->item[i].request[r];
    }
    for (uint32_t g = 0; g < builder->groups; g++) {
        const double *capacity = model->class_at[builder->group[g].class_id].capacity;
        uint32_t kind = next_kind(builder, state, g), at;
        double worth = 0.0;
        if (kind == SPOTOPT__NONE)
            continue;
        for (uint32_t r = 0; r < model->resources; r++)
            worth += builder->weight[r] *
                     (capacity[r] < builder->need[r] ? capacity[r] : builder->need[r]);
        builder->ratio[g] = (model->kind[kind].cost + 1e-12) / (worth + 1e-15);
        if (count == looks && builder->ratio[g] >= builder->ratio[builder->pick[count - 1]])
            continue;
        at = count < looks ? count++ : count - 1;
        while (at > 0 && builder->ratio[builder->pick[at - 1]] > builder->ratio[g]) {
            builder->pick[at] = builder->pick[at - 1];
            at--;
        }
        builder->pick[at] = g;
    }
    return count;
}

/* Opens the pattern in builder->best on `kind` as often as demands and rules allow; how often that
 * was. */
uint32_t
spotopt__open_pattern(spotopt__builder *builder, spotopt__state *state, uint32_t kind,
                      uint32_t most_times)
{
    uint32_t times = most_times;

    for (uint32_t h = 0; h < builder->best_count; h++) {
        uint32_t most = left_of(state, builder->best[h].item) / builder->best[h].count;
        times = most < times ? most : times;
    }
    times = builder->best_count == 0 ? 0 : spotopt__state_openings(state, kind, times);
    for (; times > 0 && !state->failed; times /= 2) {
        uint32_t slot = spotopt__state_open(state, kind, times), h = 0;
        if (slot == SPOTOPT__NONE)
            return 0;
        for (; h < builder->best_count; h++) {
            const spotopt__hold *hold = &builder->best[h];
            if (spotopt__state_room(state, slot, hold->item, hold->count) < hold->count)
                break;
            spotopt__state_put(state, slot, hold->item, hold->count);
        }
        if (h == builder->best_count)
            return times;
        spotopt__state_drop(state, slot);
    }
    return 0;
}

/*
 * Takes what may be left out off the list to do: it may fill every bin so that none pays, while
 * what must be placed waits. False when there is none of either.
 */
static bool
drop_optional(spotopt__builder *builder, const spotopt__state *state)
{
    uint32_t kept = 0;
    const uint32_t all = builder->todo_count;

    for (uint32_t t = 0; t < all; t++) {
        const uint32_t i = builder->todo[t];

        if (isinf(builder->model->item[i].unplaced_cost) && left_of(state, i) > 0)
            builder->todo[kept++] = i;
    }
    if (kept == 0 || kept == all)
        return false;
    builder->todo_count = kept;
    return true;
}

/* Opens new bins until nothing of the tiers is left, or nothing more can be done. */
static void
open_bins(spotopt__builder *builder, spotopt__state *state, const spotopt__recipe *recipe,
          uint32_t last_tier)
{
    const spotopt__model *model = builder->model;

    memset(builder->cursor, 0, builder->groups * sizeof *builder->cursor);
    while (!state->failed) {
        /* The time is over: fewer looks, so that there is an answer. */
        uint32_t wanted = recipe->looks;
        if (spotopt__builder_hurries(builder) && wanted > 2)
            wanted = 2;
        uint32_t looks = shortlist(builder, state, wanted), best_kind = SPOTOPT__NONE;
        bool any = false, tried_all = looks < wanted;
        double best_ratio = 0.0;
        forget_placed(builder, state);
        for (uint32_t i = 0; i < model->items && !any; i++)
            any = builder->tier[i] <= last_tier && left_of(state, i) > 0 &&
                  !model->item[i].fits_nowhere;
        if (!any)
            return;
    again:
        for (uint32_t l = 0; l < looks; l++) {
            uint32_t kind = next_kind(builder, state, builder->pick[l]), slot;
            double worth, ratio;
            bool must = false;
            if (kind == SPOTOPT__NONE ||
                (slot = spotopt__state_open(state, kind, 1)) == SPOTOPT__NONE)
                continue;
            worth = spotopt__fill_bin(builder, state, slot, recipe->fill, last_tier);
            for (size_t h = 0; h < state->bins.at[slot].holds.count; h++)
                must =
                    must || isinf(model->item[state->bins.at[slot].holds.at[h].item].unplaced_cost);
            ratio = worth / (model->kind[kind].cost + 1e-12);
            if (worth > 0.0 && (must || worth > model->kind[kind].cost) && ratio > best_ratio) {
                best_ratio = ratio;
                best_kind = kind;
                builder->best_count = (uint32_t)state->bins.at[slot].holds.count;
                if (builder->best_count > 0)
                    memcpy(builder->best, state->bins.at[slot].holds.at,
                           builder->best_count * sizeof *builder->best);
            }
            spotopt__state_drop(state, slot);
        }
        if (best_kind == SPOTOPT__NONE && !tried_all && wanted < recipe->looks) {
            wanted = recipe->looks;
            looks = shortlist(builder, state, wanted);
            tried_all = looks < wanted;
            goto again;
        }
        if (best_kind == SPOTOPT__NONE &&
            !tried_all) { /* the promising ones hold nothing: look at all */
            tried_all = true;
            looks = shortlist(builder, state, builder->groups);
            goto again;
        }
        if (best_kind == SPOTOPT__NONE && drop_optional(builder, state)) {
            looks = shortlist(builder, state, builder->groups);
            goto again;
        }
        if (best_kind == SPOTOPT__NONE ||
            spotopt__open_pattern(builder, state, best_kind, UINT32_MAX) == 0)
            return;
    }
}

/* Raises the lowest domains together until `left` more are spread: final levels into cap. */
static void
fill_water(const spotopt__prule *rule, const uint64_t *level, uint64_t left, uint32_t shift,
           uint32_t *cap)
{
    uint64_t low = 0, high = 0, rest;
    uint32_t domains = 0;

    for (uint32_t d = 0; d < rule->domains; d++) {
        if (rule->is_domain[d]) {
            high = level[d] > high ? level[d] : high;
            domains++;
        }
    }
    if (domains == 0)
        return;
    for (high += left; low < high;) { /* the highest full level */
        uint64_t middle = low + (high - low + 1) / 2, want = 0;
        for (uint32_t d = 0; d < rule->domains; d++)
            want += rule->is_domain[d] && level[d] < middle ? middle - level[d] : 0;
        if (want <= left)
            low = middle;
        else
            high = middle - 1;
    }
    rest = left;
    for (uint32_t d = 0; d < rule->domains; d++) {
        if (rule->is_domain[d]) {
            cap[d] = (uint32_t)(level[d] > low ? level[d] : low);
            rest -= cap[d] - level[d];
        }
    }
    for (uint32_t j = 0; j < rule->domains && rest > 0; j++) {
        uint32_t d = (j + shift) % rule->domains;
        if (rule->is_domain[d] && cap[d] == low) {
            cap[d]++;
            rest--;
        }
    }
}

/* Estimated cost of a rule's items in one domain; infinite when one of them cannot live there. */
static double
domain_cost(const spotopt__model *model, uint32_t r, uint32_t domain)
{
    const spotopt__axis *axis = &model->axis[model->prule[r].axis];
    double total = 0.0;

    for (uint32_t i = 0; i < model->items; i++) {
        const spotopt__item *item = &model->item[i];
        double best = (double)INFINITY;
        bool listed = false;
        for (uint32_t u = 0; u < item->use_count; u++)
            listed = listed || (item->uses[u].rule == r && (item->uses[u].roles & SPOTOPT__ROLE_A));
        if (!listed || item->count == 0)
            continue;
        for (uint32_t p = 0; p < model->pools; p++) {
            const spotopt__pack_pool *pool = &model->problem->pools.at[p];
            double part = 0.0;
            if (axis->domain_of[p] != domain || pool->max == 0 || !spotopt__allows(item, p) ||
                !spotopt__one_fits(model, item, pool->capacity))
                continue;
            for (uint32_t k = 0; k < model->resources; k++) {
                double use = pool->capacity[k] > 0.0 ? item->request[k] / pool->capacity[k] : 0.0;
                part = use > part ? use : part;
            }
            best = part * pool->cost < best ? part * pool->cost : best;
        }
        total += best * item->count;
    }
    return total;
}

/* Caps that make spreads and togethers come out right. */
static bool
plan_caps(spotopt__state *state, const spotopt__recipe *recipe)
{
    const spotopt__model *model = state->model;

    if (state->cap == NULL)
        state->cap = spotopt__alloc_array(state->context, model->ptallies + 1, sizeof *state->cap);
    if (state->cap == NULL)
        return false;
    for (size_t t = 0; t < model->ptallies; t++)
        state->cap[t] = UINT32_MAX;
    for (uint32_t r = 0; r < model->prules; r++) {
        const spotopt__prule *rule = &model->prule[r];
        const uint64_t *level = state->tally + rule->tally;
        uint32_t *cap = state->cap + rule->tally;
        uint64_t total = 0, placed = 0;
        if (rule->axis == SPOTOPT__NONE || (!rule->is_hard && !recipe->soft_is_hard))
            continue;
        for (uint32_t i = 0; i < model->items; i++) {
            for (uint32_t u = 0; u < model->item[i].use_count; u++) {
                if (model->item[i].uses[u].rule == r &&
                    (model->item[i].uses[u].roles & SPOTOPT__ROLE_A) &&
                    !model->item[i].fits_nowhere)
                    total += model->item[i].count;
            }
        }
        if (rule->kind == SPOTOPT_RULE_SPREAD && !rule->few_domains) {
            for (uint32_t d = 0; d < rule->domains; d++)
                placed += rule->is_domain[d] ? level[d] : 0;
            fill_water(rule, level, total > placed ? total - placed : 0, recipe->shift, cap);
        } else if (rule->kind == SPOTOPT_RULE_TOGETHER && state->rule_a[r] == 0 && total > 0) {
            uint32_t best = SPOTOPT__NONE, labelled = model->axis[rule->axis].labelled;
            double least = (double)INFINITY;
            uint32_t limit =
                labelled < 256 ? labelled : 256; /* bounded: per pool there may be thousands */
            for (uint32_t j = 0; j < limit; j++) {
                uint32_t d = (j + recipe->shift) % labelled;
                double cost = domain_cost(model, r, d);
                if (recipe->shift > 0 && j == 0 && isfinite(cost)) {
                    best = d; /* a turned recipe takes the first that will do */
                    break;
                }
                if (cost < least - 1e-12) {
                    least = cost;
                    best = d;
                }
            }
            for (uint32_t d = 0; best != SPOTOPT__NONE && d < rule->domains; d++)
                cap[d] = d == best ? UINT32_MAX : 0;
        }
    }
    return true;
}

/* Opens the kind with all of a rule's replicas; the bin, or NONE when they do not all fit. */
static uint32_t
try_together(spotopt__state *state, uint32_t r, uint32_t k)
{
    const spotopt__model *model = state->model;
    uint32_t slot;
    bool all = true;

    if (model->kind[k].class_id == SPOTOPT__NONE || spotopt__state_openings(state, k, 1) == 0)
        return SPOTOPT__NONE;
    slot = spotopt__state_open(state, k, 1);
    if (slot == SPOTOPT__NONE)
        return SPOTOPT__NONE;
    for (uint32_t i = 0; i < model->items && all; i++) {
        uint32_t want = left_of(state, i);
        bool listed = false;
        for (uint32_t u = 0; u < model->item[i].use_count; u++)
            listed = listed || (model->item[i].uses[u].rule == r &&
                                (model->item[i].uses[u].roles & SPOTOPT__ROLE_A));
        if (!listed || want == 0)
            continue;
        all = spotopt__state_room(state, slot, i, want) == want;
        if (all)
            spotopt__state_put(state, slot, i, want);
    }
    if (all && state->bins.at[slot].holds.count > 0)
        return slot;
    spotopt__state_drop(state, slot);
    return SPOTOPT__NONE;
}

/* Everything of a hard `together` per node goes onto one node, the cheapest that takes it all. */
static void
place_together(spotopt__state *state)
{
    const spotopt__model *model = state->model;

    for (uint32_t r = 0; r < model->prules; r++) {
        const spotopt__prule *rule = &model->prule[r];
        uint32_t best = SPOTOPT__NONE;
        if (rule->kind != SPOTOPT_RULE_TOGETHER || rule->axis != SPOTOPT__NONE ||
            state->rule_a[r] > 0 || (!rule->is_hard && !state->soft_is_hard))
            continue;
        for (uint32_t k = 0; k < model->kinds && !state->failed; k++) {
            uint32_t slot;
            if (best != SPOTOPT__NONE && model->kind[k].cost >= model->kind[best].cost)
                continue;
            slot = try_together(state, r, k);
            if (slot != SPOTOPT__NONE) {
                best = k;
                spotopt__state_drop(state, slot);
            }
        }
        if (best != SPOTOPT__NONE)
            (void)try_together(state, r, best);
    }
}

/* Running nodes with their fixed replicas, or with all residents that are still wanted. */
void
spotopt__place_residents(spotopt__state *state, bool all)
{
    const spotopt__model *model = state->model;

    for (uint32_t n = 0; n < model->nodes; n++) {
        const spotopt__kind *kind = &model->kind[model->pools + n];
        uint32_t slot;
        if (!all && !kind->has_fixed)
            continue;
        slot = spotopt__state_open(state, model->pools + n, 1);
        if (slot == SPOTOPT__NONE)
            return;
        for (uint32_t s = 0; s < kind->stay_count; s++) {
            uint32_t want = kind->stays[s].fixed, left = left_of(state, kind->stays[s].item);
            spotopt__state_put(state, slot, kind->stays[s].item, want < left ? want : left);
        }
    }
    for (int pass = 0; all && pass < 3;
         pass++) { /* again: who wants to be near may have come too early */
        for (uint32_t n = 0; n < model->nodes; n++) {
            const spotopt__kind *kind = &model->kind[model->pools + n];
            uint32_t slot = state->node_bin[n];
            for (uint32_t s = 0; s < kind->stay_count && slot != SPOTOPT__NONE; s++) {
                uint32_t i = kind->stays[s].item,
                         held = spotopt__bin_holds(&state->bins.at[slot], i);
                uint32_t want = kind->stays[s].holds -
                                (held < kind->stays[s].holds ? held : kind->stays[s].holds);
                want = want < left_of(state, i) ? want : left_of(state, i);
                spotopt__state_put(state, slot, i, spotopt__state_room(state, slot, i, want));
            }
        }
    }
}

/* By resource, the least that any item to do needs. */
static void
least_needs(const spotopt__builder *builder, double *least)
{
    const spotopt__model *model = builder->model;

    for (uint32_t r = 0; r < model->resources; r++) {
        least[r] = (double)INFINITY;
        for (uint32_t t = 0; t < builder->todo_count; t++)
            least[r] = fmin(least[r], model->item[builder->todo[t]].request[r]);
    }
}

/* Whether something that needs so little might still go in. */
static bool
has_room(const spotopt__state *state, size_t slot, const double *least)
{
    const spotopt__model *model = state->model;
    const double *load = state->load + slot * model->resources;
    const double *capacity = model->kind[state->bins.at[slot].kind].capacity;

    for (uint32_t r = 0; r < model->resources; r++) {
        if (load[r] + least[r] > spotopt__ceiling(model, r, capacity[r]))
            return false;
    }
    return true;
}

void
spotopt__construct_rest(spotopt__builder *builder, spotopt__state *state,
                        const spotopt__recipe *recipe)
{
    double least[64];

    for (uint32_t tier = 0; tier < builder->tiers && !state->failed; tier++) {
        size_t bins = state->bins.count;
        list_todo(builder, state);
        least_needs(builder, least);
        for (size_t b = 0; b < bins && builder->todo_count > 0; b++) {
            if (state->bins.at[b].count > 0 && has_room(state, b, least))
                spotopt__fill_bin(builder, state, (uint32_t)b, 0, tier);
        }
        open_bins(builder, state, recipe, tier);
    }
}

void
spotopt__construct_begin(spotopt__state *state, const spotopt__recipe *recipe)
{
    spotopt__state_clear(state);
    state->soft_is_hard = recipe->soft_is_hard;
    if (state->cap != NULL) {
        for (size_t t = 0; t < state->model->ptallies; t++)
            state->cap[t] = UINT32_MAX;
    }
    spotopt__place_residents(state, recipe->keep_residents);
    if (!plan_caps(state, recipe)) {
        state->failed = true;
        return;
    }
    place_together(state);
}

void
spotopt__construct_end(spotopt__builder *builder, spotopt__state *state,
                       const spotopt__recipe *recipe)
{
    spotopt__construct_rest(builder, state, recipe);
    spotopt__free(state->context, state->cap); /* from here the rules themselves decide */
    state->cap = NULL;
    for (int round = 0; round < 2 && !state->failed;
         round++) { /* what caps or soft rules kept out */
        spotopt__construct_rest(builder, state, recipe);
        state->soft_is_hard = false;
    }
    spotopt__right_size(builder, state);
    spotopt__repair_tallies(builder, state);
}

void
spotopt__construct(spotopt__builder *builder, spotopt__state *state, const spotopt__recipe *recipe)
{
    spotopt__construct_begin(state, recipe);
    if (!state->failed)
        spotopt__construct_end(builder, state, recipe);
}
