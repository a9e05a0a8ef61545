/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rules.c - what the rules make of a packing's tallies.
 *
 * Each rule answers two questions: how far is it broken now, and how many more replicas may enter a
 * bin before it breaks further. What residents already break may stay broken (old_a, old_b, a
 * node's stays), never more so; `together` and `near` know no such mercy. A spread per node has
 * least 0, since an empty node can always be thought of.
 */
#include "pack/rules.h"

static uint32_t
roles_in(const spotopt__item *item, uint32_t rule)
{
    for (uint32_t u = 0; u < item->use_count; u++) {
        if (item->uses[u].rule >= rule)
            return item->uses[u].rule == rule ? item->uses[u].roles : 0;
    }
    return 0;
}

/* Replicas of a rule's two lists on each node of a bin. */
static void
count_node(const spotopt__model *model, const spotopt__bin *bin, uint32_t rule, uint64_t *a,
           uint64_t *b)
{
    const uint32_t only = model->prule[rule].only;

    *a = *b = 0;
    for (size_t h = 0; h < bin->holds.count; h++) {
        if (only != SPOTOPT__NONE && bin->holds.at[h].item != only)
            continue;
        uint32_t roles = roles_in(&model->item[bin->holds.at[h].item], rule);
        *a += roles & SPOTOPT__ROLE_A ? bin->holds.at[h].count : 0;
        *b += roles & SPOTOPT__ROLE_B ? bin->holds.at[h].count : 0;
    }
}

static void
count_old(const spotopt__model *model, const spotopt__kind *kind, uint32_t rule, uint64_t *a,
          uint64_t *b)
{
    *a = *b = 0;
    for (uint32_t s = 0; s < kind->stay_count; s++) {
        uint32_t roles = roles_in(&model->item[kind->stays[s].item], rule);
        *a += roles & SPOTOPT__ROLE_A ? kind->stays[s].holds : 0;
        *b += roles & SPOTOPT__ROLE_B ? kind->stays[s].holds : 0;
    }
}

static uint64_t
above(uint64_t value, uint64_t limit)
{
    return value > limit ? value - limit : 0;
}

static uint64_t
max_of(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

static uint64_t
min_of(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* Excess of a per-node rule (not together) on one node of the bin. */
static uint64_t
node_excess(const spotopt__model *model, const spotopt__bin *bin, uint32_t r)
{
    const spotopt__prule *rule = &model->prule[r];
    uint64_t a, b, old_a, old_b;

    count_node(model, bin, r, &a, &b);
    if (a == 0)
        return 0;
    count_old(model, &model->kind[bin->kind], r, &old_a, &old_b);
    switch (rule->kind) {
    case SPOTOPT_RULE_AT_MOST:
        return above(a, max_of(rule->limit, old_a));
    case SPOTOPT_RULE_SEPARATE:
        return above(min_of(a, b), min_of(old_a, old_b));
    case SPOTOPT_RULE_NEAR:
        return b == 0 ? a : 0;
    case SPOTOPT_RULE_SPREAD:
        return b > 0 ? above(a, max_of(rule->skew, old_a)) : 0;
    default:
        return 0;
    }
}

void
spotopt__rules_leave_node(spotopt__state *state, const spotopt__bin *bin, const spotopt__item *item)
{
    for (uint32_t u = 0; u < item->use_count; u++) {
        uint32_t r = item->uses[u].rule;
        if (state->model->prule[r].axis == SPOTOPT__NONE)
            state->node_broken[r] -= (int64_t)(node_excess(state->model, bin, r) * bin->count);
    }
}

void
spotopt__rules_enter_node(spotopt__state *state, const spotopt__bin *bin, const spotopt__item *item)
{
    for (uint32_t u = 0; u < item->use_count; u++) {
        uint32_t r = item->uses[u].rule;
        if (state->model->prule[r].axis == SPOTOPT__NONE)
            state->node_broken[r] += (int64_t)(node_excess(state->model, bin, r) * bin->count);
    }
}

void
spotopt__rules_tally(spotopt__state *state, uint32_t pool, const spotopt__item *item, int64_t delta)
{
    for (uint32_t u = 0; u < item->use_count; u++) {
        uint32_t r = item->uses[u].rule, roles = item->uses[u].roles;
        const spotopt__prule *rule = &state->model->prule[r];
        if (roles & SPOTOPT__ROLE_A)
            state->rule_a[r] += (uint64_t)delta;
        if (roles & SPOTOPT__ROLE_B)
            state->rule_b[r] += (uint64_t)delta;
        if (rule->axis != SPOTOPT__NONE) {
            uint64_t *at =
                state->tally + rule->tally + state->model->axis[rule->axis].domain_of[pool];
            if (roles & SPOTOPT__ROLE_A)
                at[0] += (uint64_t)delta;
            if (roles & SPOTOPT__ROLE_B)
                at[rule->domains] += (uint64_t)delta;
        }
    }
}

/* The least tally of a spread's domains, one left aside; UINT64_MAX when there is no other. */
static uint64_t
least_but(const spotopt__prule *rule, const uint64_t *a, uint32_t aside)
{
    uint64_t least = UINT64_MAX;

    if (rule->few_domains)
        return 0;
    for (uint32_t d = 0; d < rule->domains; d++) {
        if (rule->is_domain[d] && d != aside && a[d] < least)
            least = a[d];
    }
    return least;
}

static uint64_t
axis_excess(const spotopt__state *state, uint32_t r)
{
    const spotopt__prule *rule = &state->model->prule[r];
    const uint64_t *a = state->tally + rule->tally, *b = a + rule->domains;
    uint64_t broken = 0, most = 0, least;

    switch (rule->kind) {
    case SPOTOPT_RULE_AT_MOST:
        for (uint32_t d = 0; d < rule->domains; d++)
            broken += above(a[d], max_of(rule->limit, rule->old_a[d]));
        return broken;
    case SPOTOPT_RULE_SEPARATE:
        for (uint32_t d = 0; d < rule->domains; d++)
            broken += above(min_of(a[d], b[d]), min_of(rule->old_a[d], rule->old_b[d]));
        return broken;
    case SPOTOPT_RULE_NEAR:
        for (uint32_t d = 0; d < rule->domains; d++)
            broken += b[d] == 0 ? a[d] : 0;
        return broken;
    case SPOTOPT_RULE_TOGETHER:
        for (uint32_t d = 0; d < rule->domains; d++) {
            broken += a[d];
            most = max_of(most, a[d]);
        }
        return broken - most;
    default:
        least = least_but(rule, a, SPOTOPT__NONE);
        least = least == UINT64_MAX ? 0 : least;
        for (uint32_t d = 0; d < rule->domains; d++)
            broken += b[d] > 0 ? above(a[d], max_of(least + rule->skew, rule->old_a[d])) : 0;
        return broken;
    }
}

static uint64_t
together_excess(const spotopt__state *state, uint32_t r)
{
    uint64_t most = 0, total = 0, domains = 0, a, b;

    if (state->rule_a[r] <= 1)
        return 0;
    for (size_t s = 0; s < state->bins.count; s++) {
        const spotopt__bin *bin = &state->bins.at[s];
        if (bin->count == 0)
            continue;
        count_node(state->model, bin, r, &a, &b);
        domains += a > 0 ? bin->count : 0;
        total += a * bin->count;
        most = max_of(most, a);
    }
    return domains > 1 ? total - most : 0;
}

uint64_t
spotopt__prule_broken(const spotopt__state *state, uint32_t r)
{
    const spotopt__prule *rule = &state->model->prule[r];

    if (rule->axis != SPOTOPT__NONE)
        return axis_excess(state, r);
    if (rule->kind == SPOTOPT_RULE_TOGETHER)
        return together_excess(state, r);
    return (uint64_t)state->node_broken[r];
}

double
spotopt__trule_broken(const spotopt__state *state, uint32_t t)
{
    const spotopt__trule *rule = &state->model->trule[t];
    const double *sums = state->sums + rule->tally;
    double whole = sums[2 * rule->groups], broken = 0.0, value;

    if (rule->kind == SPOTOPT_RULE_SHARE) {
        uint32_t first = rule->has_value ? rule->value : 0;
        uint32_t last = rule->has_value ? rule->value : rule->groups - 1;
        if (rule->has_value && rule->value == SPOTOPT__NONE)
            return !isnan(rule->min_frac) && state->node_count > 0 && whole > 0.0 &&
                           rule->min_frac > 0.0
                       ? rule->min_frac * whole
                       : 0.0;
        for (uint32_t g = first; rule->groups > 0 && g <= last; g++) {
            double part = sums[2 * g], number = sums[2 * g + 1];
            double slack = SPOTOPT__TOL_RULE * (whole > 1.0 ? whole : 1.0);
            if (!isnan(rule->max_frac) && number > 1.5) {
                double most = rule->max_frac * whole;
                if (rule->of == SPOTOPT__OF_NODES) {
                    most = ceil(most - 1e-9);
                    most = most > 1.0 ? most : 1.0;
                    broken += part > most + 0.5 ? part - most : 0.0;
                } else {
                    broken += part > most + slack ? part - most : 0.0;
                }
            }
            if (!isnan(rule->min_frac) && whole > 0.0 && (rule->has_value || number > 0.5)) {
                double least = rule->min_frac * whole;
                broken += part < least - slack ? least - part : 0.0;
            }
        }
        return broken;
    }
    value = whole;
    if (rule->kind == SPOTOPT_RULE_MEAN) {
        if (!(whole > 0.0) || state->node_count == 0)
            return 0.0;
        value = sums[2 * rule->groups + 1] / whole;
    }
    if (!isnan(rule->max) && value > rule->max + SPOTOPT__TOL_RULE)
        broken += value - rule->max;
    if (!isnan(rule->min) && value < rule->min - SPOTOPT__TOL_RULE)
        broken += rule->min - value;
    return broken;
}

/* How many more of an item one rule lets into one node of the bin; `want` when it does not mind. */
static uint64_t
node_room(const spotopt__state *state, const spotopt__bin *bin, uint32_t r, uint32_t roles,
          uint64_t want)
{
    const spotopt__model *model = state->model;
    const spotopt__prule *rule = &model->prule[r];
    uint64_t a, b, old_a, old_b, most;
    bool in_a = (roles & SPOTOPT__ROLE_A) != 0, in_b = (roles & SPOTOPT__ROLE_B) != 0;

    count_node(model, bin, r, &a, &b);
    count_old(model, &model->kind[bin->kind], r, &old_a, &old_b);
    switch (rule->kind) {
    case SPOTOPT_RULE_AT_MOST:
        return in_a ? above(max_of(rule->limit, old_a), a) : want;
    case SPOTOPT_RULE_SEPARATE:
        most = min_of(old_a, old_b);
        if (in_a)
            return b <= most ? want : above(most, a);
        return a <= most ? want : above(most, b);
    case SPOTOPT_RULE_NEAR:
        return !in_a || in_b || b > 0 ? want : 0;
    case SPOTOPT_RULE_TOGETHER:
        return !in_a || (bin->count == 1 && state->rule_a[r] == a) ? want : 0;
    default: /* spread */
        most = max_of(rule->skew, old_a);
        if (in_a)
            return in_b || b > 0 ? above(most, a) : want;
        return a <= most ? want : 0;
    }
}

/* The same over a domain, in replicas. */
static uint64_t
axis_room(const spotopt__state *state, uint32_t pool, uint32_t r, uint32_t roles, uint64_t want)
{
    const spotopt__prule *rule = &state->model->prule[r];
    uint32_t d = state->model->axis[rule->axis].domain_of[pool];
    const uint64_t *all = state->tally + rule->tally;
    uint64_t a = all[d], b = all[rule->domains + d], most;
    bool in_a = (roles & SPOTOPT__ROLE_A) != 0, in_b = (roles & SPOTOPT__ROLE_B) != 0;

    if (state->cap != NULL && in_a)
        want = min_of(want, above(state->cap[rule->tally + d], a));
    switch (rule->kind) {
    case SPOTOPT_RULE_AT_MOST:
        return in_a ? min_of(want, above(max_of(rule->limit, rule->old_a[d]), a)) : want;
    case SPOTOPT_RULE_SEPARATE:
        most = min_of(rule->old_a[d], rule->old_b[d]);
        if (in_a)
            return b <= most ? want : min_of(want, above(most, a));
        return a <= most ? want : min_of(want, above(most, b));
    case SPOTOPT_RULE_NEAR:
        return !in_a || in_b || b > 0 ? want : 0;
    case SPOTOPT_RULE_TOGETHER:
        return !in_a || state->rule_a[r] == a ? want : 0;
    default: /* spread */
        if (state->cap != NULL && state->cap[rule->tally + d] != UINT32_MAX)
            return want; /* the caps are balanced already */
        most = least_but(rule, all, d);
        if (most == UINT64_MAX)
            return want; /* the only domain is the least one */
        most = max_of(most + rule->skew, rule->old_a[d]);
        if (in_a)
            return in_b || b > 0 ? min_of(want, above(most, a)) : want;
        return a <= most ? want : 0;
    }
}

uint32_t
spotopt__state_room(const spotopt__state *state, uint32_t slot, uint32_t i, uint32_t want)
{
    const spotopt__model *model = state->model;
    const spotopt__bin *bin = &state->bins.at[slot];
    const spotopt__kind *kind = &model->kind[bin->kind];
    const spotopt__item *item = &model->item[i];
    const double *load = state->load + (size_t)slot * model->resources;
    uint64_t room = want;

    if (!spotopt__allows(item, kind->pool)) {
        const spotopt__stay *stay = spotopt__stay_of(kind, i);
        if (stay == NULL || !stay->may_stay)
            return 0;
        room = min_of(room, above(stay->holds, spotopt__bin_holds(bin, i)));
    }
    for (uint32_t r = 0; r < model->resources && room > 0; r++) {
        double each = item->request[r], top = spotopt__ceiling(model, r, kind->capacity[r]), most;
        if (!(each > 0.0))
            continue;
        if (load[r] + each > top)
            return 0;
        most = floor((top - load[r]) / each);
        if (most < (double)room)
            room = (uint64_t)most;
        while (room > 0 && load[r] + (double)room * each > top)
            room--;
    }
    for (uint32_t u = 0; u < item->use_count && room > 0; u++) {
        uint32_t r = item->uses[u].rule;
        const spotopt__prule *rule = &model->prule[r];
        if (!rule->is_hard && !state->soft_is_hard)
            continue;
        if (rule->axis == SPOTOPT__NONE)
            room = min_of(room, node_room(state, bin, r, item->uses[u].roles, room));
        else if (!state->labels_wait)
            room = min_of(room,
                          axis_room(state, kind->pool, r, item->uses[u].roles, room * bin->count) /
                              bin->count);
    }
    return (uint32_t)room;
}

uint32_t
spotopt__state_openings(const spotopt__state *state, uint32_t k, uint32_t want)
{
    const spotopt__model *model = state->model;
    const spotopt__kind *kind = &model->kind[k];
    const spotopt__pack_pool *pool = &model->problem->pools.at[kind->pool];

    if (kind->node != SPOTOPT__NONE) {
        want = state->node_bin[kind->node] == SPOTOPT__NONE && want > 0 ? 1 : 0;
    } else if (pool->max != SPOTOPT_NO_LIMIT) {
        uint32_t left =
            pool->max > state->opened[kind->pool] ? pool->max - state->opened[kind->pool] : 0;
        want = want < left ? want : left;
    }
    for (uint32_t t = 0; t < model->trules && want > 0; t++) {
        const spotopt__trule *rule = &model->trule[t];
        uint32_t group = rule->group_of[kind->pool];
        const double *sums = state->sums + rule->tally;
        if (group == SPOTOPT__NONE)
            continue;
        if (rule->kind == SPOTOPT_RULE_LIMIT && !isnan(rule->max)) {
            double unit = rule->of == SPOTOPT__OF_NODES  ? 1.0
                          : rule->of == SPOTOPT__OF_COST ? kind->cost
                                                         : pool->capacity[rule->of];
            double left = rule->max + SPOTOPT__TOL_RULE - sums[2 * rule->groups];
            if (unit > 0.0 && left < unit * want)
                want = left < unit ? 0 : (uint32_t)floor(left / unit);
        }
        if (rule->kind == SPOTOPT_RULE_SHARE && state->group_cap != NULL) {
            uint32_t most = state->group_cap[rule->tally / 2 + group];
            double left = (double)most - sums[2 * group + 1];
            if (most != UINT32_MAX && left < want)
                want = left < 1.0 ? 0 : (uint32_t)left;
        }
    }
    return want;
}

spotopt__score
spotopt__state_score(const spotopt__state *state)
{
    const spotopt__model *model = state->model;
    spotopt__score score = {(double)state->fixed_missing, 0, state->node_cost};

    for (uint32_t r = 0; r < model->prules; r++) {
        const spotopt__prule *rule = &model->prule[r];
        uint64_t broken;
        if (state->rule_a[r] == 0)
            continue;
        broken = spotopt__prule_broken(state, r);
        if (rule->is_hard)
            score.broken += (double)broken;
        else
            score.cost += rule->penalty * (double)broken;
    }
    for (uint32_t t = 0; t < model->trules; t++)
        score.broken += spotopt__trule_broken(state, t);
    for (uint32_t m = 0; m < model->min_pool_count; m++) {
        uint32_t p = model->min_pools[m];
        uint32_t min = model->problem->pools.at[p].min;
        score.broken += state->opened[p] < min ? min - state->opened[p] : 0;
    }
    for (uint32_t i = 0; i < model->items; i++) {
        const spotopt__item *item = &model->item[i];
        uint64_t left = item->count - state->placed[i];
        if (left > 0 && isinf(item->unplaced_cost))
            score.missing += left;
        else if (left > 0)
            score.cost += item->unplaced_cost * (double)left;
        if (item->residents > 0 && item->move_cost > 0.0) {
            uint64_t gone = item->residents - state->kept[i];
            score.cost +=
                item->move_cost * (double)above(gone, above(item->residents, item->count));
        }
    }
    return score;
}

bool
spotopt__is_better(const spotopt__score *a, const spotopt__score *b)
{
    double slack = SPOTOPT__TOL_COST * (1.0 + fabs(b->cost));

    if ((a->broken > 1e-9) != (b->broken > 1e-9))
        return a->broken <= 1e-9;
    if (a->broken > 1e-9 && (a->broken < b->broken - 1e-9 || a->broken > b->broken + 1e-9))
        return a->broken < b->broken;
    if (a->missing != b->missing)
        return a->missing < b->missing;
    return a->cost < b->cost - slack;
}
