/* SPDX-License-Identifier: Apache-2.0 */
/*
 * bound.c - lower bounds from any prices (Lagrange), and rules on sums as linear rows.
 *
 * Let price_i >= 0 be paid for each replica placed, and side_s for each unit of a linear rule.
 * Every answer pays at least sum_i min(price_i, unplaced_i) * count_i + sum_s side_s * (lower_s if
 * side_s > 0 else upper_s)
 *   + sum over pools of the least n * (cost - sides - worth) for an n that the pool allows
 *   + sum over running nodes of the cheaper of dropping and keeping it (its residents' moves
 * included), where worth bounds what one node's content earns. For pools without a limit the term
 * must not be negative, so prices are scaled down until it is not (Farley); several scales are
 * tried and the best counts. Soft penalties, rules over labels and moves exempt by a smaller count
 * are left out, which only lowers the bound. Proof: docs/algorithms.md, "Bounds".
 */
#include "pack/bound.h"

static double
unit_of(const spotopt__model *model, const spotopt__trule *rule, uint32_t k)
{
    const spotopt__kind *kind = &model->kind[k];

    return rule->of == SPOTOPT__OF_NODES  ? 1.0
           : rule->of == SPOTOPT__OF_COST ? kind->cost
                                          : model->problem->pools.at[kind->pool].capacity[rule->of];
}

static spotopt__side *
add_side(spotopt__sides *sides, const spotopt__model *model, double lower, double upper)
{
    spotopt__side *side;

    if (sides->count == SPOTOPT__SIDES_MOST)
        return NULL;
    side = &sides->row[sides->count];
    side->lower = lower;
    side->upper = upper;
    side->coefficient = spotopt__arena_alloc(&sides->arena, model->kinds + 1, sizeof(double));
    if (side->coefficient == NULL)
        return NULL;
    sides->count++;
    return side;
}

/* What judges grant, and a little more: a row must not cut off an answer that passes. */
static double
grant(double value)
{
    return 2e-6 * (fabs(value) > 1.0 ? fabs(value) : 1.0);
}

static void
add_share(spotopt__sides *sides, const spotopt__model *model, const spotopt__trule *rule)
{
    for (uint32_t g = 0; g < rule->groups; g++) {
        double dearest = 0.0, slack;
        spotopt__side *side;
        if (rule->has_value && g != rule->value)
            continue;
        for (uint32_t k = 0; k < model->kinds; k++) {
            if (rule->group_of[model->kind[k].pool] == g)
                dearest = unit_of(model, rule, k) > dearest ? unit_of(model, rule, k) : dearest;
        }
        if (!isnan(rule->max_frac)) { /* max(1, ceil(f N)) <= f N + 1; one node of a value always
                                         may be */
            slack = rule->of == SPOTOPT__OF_NODES ? 1.0 : dearest + grant(dearest);
            side = add_side(sides, model, (double)-INFINITY, slack);
            for (uint32_t k = 0; side != NULL && k < model->kinds; k++)
                side->coefficient[k] = ((rule->group_of[model->kind[k].pool] == g ? 1.0 : 0.0) -
                                        rule->max_frac - 2e-6) *
                                       unit_of(model, rule, k);
        }
        if (!isnan(rule->min_frac) && rule->has_value) {
            side = add_side(sides, model, -2e-6, (double)INFINITY);
            for (uint32_t k = 0; side != NULL && k < model->kinds; k++)
                side->coefficient[k] = ((rule->group_of[model->kind[k].pool] == g ? 1.0 : 0.0) -
                                        rule->min_frac + 2e-6) *
                                       unit_of(model, rule, k);
        }
    }
}

void
spotopt__sides_sort(spotopt__sides *sides, double *price)
{
    sides->active = 0;
    for (uint32_t s = 0; s < sides->count; s++) {
        spotopt__side row = sides->row[s];
        double its = price[s];

        if (fabs(its) <= 1e-12)
            continue;
        sides->row[s] = sides->row[sides->active];
        price[s] = price[sides->active];
        sides->row[sides->active] = row;
        price[sides->active++] = its;
    }
}

bool
spotopt__sides_init(spotopt__sides *sides, const spotopt__model *model)
{
    memset(sides, 0, sizeof *sides);
    spotopt__arena_init(&sides->arena, model->context);
    sides->row = spotopt__arena_alloc(&sides->arena, SPOTOPT__SIDES_MOST, sizeof *sides->row);
    if (sides->row == NULL)
        return false;
    for (uint32_t t = 0; t < model->trules; t++) {
        const spotopt__trule *rule = &model->trule[t];
        spotopt__side *side;
        if (rule->kind == SPOTOPT_RULE_SHARE && rule->groups <= SPOTOPT__SIDES_MOST) {
            add_share(sides, model, rule);
        } else if (rule->kind == SPOTOPT_RULE_LIMIT) {
            side = add_side(sides, model,
                            isnan(rule->min) ? (double)-INFINITY : rule->min - grant(rule->min),
                            isnan(rule->max) ? (double)INFINITY : rule->max + grant(rule->max));
            for (uint32_t k = 0; side != NULL && k < model->kinds; k++)
                side->coefficient[k] = rule->group_of[model->kind[k].pool] != SPOTOPT__NONE
                                           ? unit_of(model, rule, k)
                                           : 0.0;
        } else if (rule->kind == SPOTOPT_RULE_MEAN) {
            if (!isnan(rule->max)) {
                side = add_side(sides, model, (double)-INFINITY, 0.0);
                for (uint32_t k = 0; side != NULL && k < model->kinds; k++)
                    side->coefficient[k] =
                        unit_of(model, rule, k) *
                        (rule->weight[model->kind[k].pool] - rule->max - grant(rule->max));
            }
            if (!isnan(rule->min)) {
                side = add_side(sides, model, 0.0, (double)INFINITY);
                for (uint32_t k = 0; side != NULL && k < model->kinds; k++)
                    side->coefficient[k] =
                        unit_of(model, rule, k) *
                        (rule->weight[model->kind[k].pool] - rule->min + grant(rule->min));
            }
        }
    }
    return true;
}

void
spotopt__sides_free(spotopt__sides *sides)
{
    spotopt__arena_free(&sides->arena);
}

typedef struct prices {
    const spotopt__model *model;
    const spotopt__sides *sides;
    const double *item, *side;
    double *worth;     /* by class, at scale 1 */
    double *side_cost; /* by kind, at scale 1: sum of side prices */
    double total;      /* replicas */
    spotopt__knapsack *sack;
    uint32_t effort;         /* steps of a search for one knapsack */
    bool *tidy;              /* by kind: see is_tidy() */
    double *room;            /* by resource: of one node */
    spotopt__budget *budget; /* once it is over, relaxations have to do; or NULL */
} prices;

static bool
is_over(const prices *p)
{
    return p->budget != NULL && spotopt__budget_over(p->budget, "pack", (double)INFINITY, 0.0);
}

/*
 * Running nodes whose residents keep every limit per node: what they hold in an answer keeps them
 * too. Others may go on breaking them. tally has an entry a rule, all 0 before and after.
 */
static bool
is_tidy(const spotopt__model *model, const spotopt__kind *kind, uint64_t *tally)
{
    bool tidy = true;

    for (int pass = 0; pass < 2; pass++) {
        for (uint32_t s = 0; s < kind->stay_count; s++) {
            const spotopt__item *item = &model->item[kind->stays[s].item];

            for (uint32_t u = 0; u < item->use_count; u++) {
                const uint32_t r = item->uses[u].rule;
                const spotopt__prule *rule = &model->prule[r];
                const uint32_t most = rule->kind == SPOTOPT_RULE_SPREAD ? rule->skew : rule->limit;

                if (rule->axis != SPOTOPT__NONE || !(item->uses[u].roles & SPOTOPT__ROLE_A) ||
                    (rule->kind != SPOTOPT_RULE_AT_MOST && rule->kind != SPOTOPT_RULE_SPREAD))
                    continue;
                tally[r] = pass == 0 ? tally[r] + kind->stays[s].holds : 0;
                tidy = tidy && tally[r] <= most;
            }
        }
    }
    return tidy;
}

/* The most that one node of a class can earn. */
static double
worth_of_class(const prices *p, uint32_t c, uint64_t effort)
{
    const spotopt__model *model = p->model;
    const spotopt__class *at = &model->class_at[c];
    const spotopt__kind *first = &model->kind[at->kinds[0]];
    /* Residents may break per-node limits, and enter where others may not. */
    bool plain = true;

    for (uint32_t j = at->new_count; j < at->kind_count; j++)
        plain = plain && p->tidy[at->kinds[j]];
    spotopt__knapsack_start(p->sack, at->capacity, plain);
    for (uint32_t i = 0; i < model->items; i++) {
        bool enters = spotopt__allows(&model->item[i], first->pool);
        for (uint32_t j = 0; !enters && at->new_count == 0 && j < at->kind_count; j++) {
            const spotopt__stay *stay = spotopt__stay_of(&model->kind[at->kinds[j]], i);
            enters = stay != NULL && stay->may_stay;
        }
        if (enters)
            spotopt__knapsack_add(p->sack, i, p->item[i], model->item[i].count);
    }
    return spotopt__knapsack_solve(p->sack, effort);
}

/* What moving all its residents would cost. */
static double
leaving_of(const spotopt__model *model, const spotopt__kind *kind)
{
    double leaving = 0.0;

    for (uint32_t s = 0; s < kind->stay_count; s++)
        leaving += model->item[kind->stays[s].item].move_cost * kind->stays[s].holds;
    return leaving;
}

/*
 * What the nodes of a class may earn without any effect on the bound: their least cost, of running
 * ones less the moves that keeping them saves, if all can be left unbought or dropped; else 0.
 */
static double
enough_for(const prices *p, uint32_t c)
{
    const spotopt__class *at = &p->model->class_at[c];
    double bare = (double)INFINITY;

    for (uint32_t j = 0; j < at->kind_count; j++) {
        const spotopt__kind *kind = &p->model->kind[at->kinds[j]];
        const bool is_new = kind->node == SPOTOPT__NONE;

        if (is_new ? p->model->problem->pools.at[kind->pool].min > 0 : kind->has_fixed)
            return 0.0;
        bare = fmin(bare, kind->cost - p->side_cost[at->kinds[j]] -
                              (is_new ? 0.0 : leaving_of(p->model, kind)));
    }
    return fmax(bare, 0.0);
}

/*
 * What a running node's content earns when residents also save their move; searched with effort.
 * What is fixed there earns what it earns and takes its room. (Limits per node are asked as if the
 * fixed ones were not there, which only relaxes.)
 */
static double
worth_of_node(const prices *p, uint32_t k, double scale)
{
    const spotopt__model *model = p->model;
    const spotopt__kind *kind = &model->kind[k];
    double fixed_worth = 0.0;

    memcpy(p->room, kind->capacity, model->resources * sizeof *p->room);
    for (uint32_t s = 0; s < kind->stay_count; s++) {
        const spotopt__item *item = &model->item[kind->stays[s].item];
        const uint32_t fixed =
            kind->stays[s].fixed < item->count ? kind->stays[s].fixed : item->count;

        fixed_worth += fixed * (scale * p->item[kind->stays[s].item] + item->move_cost);
        for (uint32_t r = 0; r < model->resources; r++)
            p->room[r] = fmax(0.0, p->room[r] - fixed * item->request[r]);
    }
    spotopt__knapsack_start(p->sack, p->room, p->tidy[k]);
    for (uint32_t i = 0; i < model->items; i++) {
        const spotopt__item *item = &model->item[i];
        const spotopt__stay *stay = spotopt__stay_of(kind, i);
        bool allowed = spotopt__allows(item, kind->pool);
        uint32_t most = item->count, held = 0;
        if (stay != NULL && (allowed || stay->may_stay)) {
            const uint32_t fixed = stay->fixed < most ? stay->fixed : most;
            most -= fixed;
            held = stay->holds - stay->fixed < most ? stay->holds - stay->fixed : most;
            spotopt__knapsack_add(p->sack, i, scale * p->item[i] + item->move_cost, held);
        }
        if (allowed)
            spotopt__knapsack_add(p->sack, i, scale * p->item[i], most - held);
    }
    return fixed_worth + spotopt__knapsack_solve(p->sack, p->effort);
}

/*
 * The bound with all prices times scale. What a running node earns is at most what its class earns
 * and all its residents' moves; precise: nodes that this would keep are looked at one by one.
 */
static double
bound_at(const prices *p, double scale, bool precise)
{
    const spotopt__model *model = p->model;
    double total = 0.0;

    for (uint32_t i = 0; i < model->items; i++) {
        const spotopt__item *item = &model->item[i];
        double exempt = item->residents > item->count ? item->residents - item->count : 0.0;
        total += scale * p->item[i] * item->count - item->move_cost * exempt;
    }
    for (uint32_t s = 0; s < p->sides->count; s++) {
        double price = scale * p->side[s];
        double edge = price > 0.0 ? p->sides->row[s].lower : p->sides->row[s].upper;
        if (price != 0.0)
            total +=
                price *
                edge; /* an open edge makes it -infinite: then the price was of the wrong sign */
    }
    for (uint32_t k = 0; k < model->kinds; k++) {
        const spotopt__kind *kind = &model->kind[k];
        double lower, upper, bare = kind->cost - scale * p->side_cost[k], each;
        spotopt__kind_bounds(model, k, &lower, &upper);
        if (kind->class_id == SPOTOPT__NONE)
            continue; /* none can be had */
        if (kind->node == SPOTOPT__NONE) {
            each = bare - scale * p->worth[kind->class_id];
            if (each >= 0.0)
                total += lower > 0.0 ? lower * each : 0.0;
            else if (isfinite(upper))
                total += upper * each;
            else if (bare >= 0.0)
                total += (p->total > lower ? p->total : lower) * each;
            else
                return (double)-INFINITY;
        } else {
            const double leaving = leaving_of(model, kind);
            double keep = bare - scale * p->worth[kind->class_id];
            if (precise && !is_over(p) && (kind->has_fixed || (leaving > 0.0 && keep < leaving)))
                keep = fmax(keep, bare + leaving - worth_of_node(p, k, scale));
            total += kind->has_fixed || keep < leaving ? keep : leaving;
        }
    }
    return total;
}

/*
 * How far a class's worth is above what has no effect on the bound: for what can be had without
 * limit as a part of its cost, since the worst scales all prices; else in money. *endless tells
 * which.
 */
static double
excess_of(const prices *p, uint32_t c, bool *endless)
{
    const spotopt__class *at = &p->model->class_at[c];
    double bare = (double)INFINITY, money = 0.0, nodes = 0.0;

    *endless = false;
    for (uint32_t j = 0; j < at->kind_count; j++) {
        const uint32_t k = at->kinds[j];
        const double each = p->model->kind[k].cost - p->side_cost[k];
        double lower, upper;

        spotopt__kind_bounds(p->model, k, &lower, &upper);
        *endless = *endless || !isfinite(upper);
        bare = fmin(bare, each);
        if (each < p->worth[c]) {
            nodes = isfinite(upper) ? fmin(upper, p->total) : 0.0;
            money += nodes * (p->worth[c] - each);
        }
    }
    if (*endless)
        return bare > 0.0 ? p->worth[c] / bare - 1.0 : (double)INFINITY;
    return money;
}

/*
 * The most that a node of each class can earn: relaxations first, then searches where they matter.
 * Of classes without limit only the one that earns most for its cost counts, so the search goes on
 * there until it is precise. False when memory ran out.
 */
static bool
find_worths(const prices *p)
{
    const spotopt__model *model = p->model;
    uint64_t left = (uint64_t)p->effort * (model->classes + 60);
    unsigned char *searched = spotopt__alloc_array(model->context, model->classes + 1, 1);

    if (searched == NULL)
        return false;
    for (uint32_t c = 0; c < model->classes; c++) {
        p->sack->target = enough_for(p, c);
        p->sack->thorough = !is_over(p);
        p->worth[c] = worth_of_class(p, c, 0);
    }
    p->sack->thorough = true;
    while (left > 0 && p->effort > 0 && !is_over(p)) {
        uint32_t worst = SPOTOPT__NONE;
        double most = 1e-7;
        uint64_t steps;

        for (uint32_t c = 0; c < model->classes; c++) {
            bool endless;
            const double excess = excess_of(p, c, &endless);

            if (endless && excess > most) {
                most = excess;
                worst = c;
            }
        }
        if (worst == SPOTOPT__NONE || searched[worst] == 2)
            break;
        steps = searched[worst] == 0 ? p->effort : 30 * (uint64_t)p->effort;
        p->sack->target = enough_for(p, worst);
        p->worth[worst] = fmin(p->worth[worst], worth_of_class(p, worst, steps));
        searched[worst]++;
        left -= p->sack->steps + 1 < left ? p->sack->steps + 1 : left;
    }
    /* Each limited class that earns more than it costs counts for itself. */
    left = 60 * 30 * (uint64_t)p->effort;
    for (uint32_t c = 0; c < model->classes && p->effort > 0 && !is_over(p); c++) {
        bool endless;
        const double excess = excess_of(p, c, &endless);

        if (endless || !(excess > 0.0))
            continue;
        p->sack->target = enough_for(p, c);
        p->worth[c] =
            fmin(p->worth[c], worth_of_class(p, c, (left > 0 ? 30 : 1) * (uint64_t)p->effort));
        left -= p->sack->steps < left ? p->sack->steps : left;
    }
    p->sack->target = 0.0;
    spotopt__free(model->context, searched);
    return true;
}

double
spotopt__lagrange(const spotopt__model *model, const spotopt__sides *sides, const double *item,
                  const double *side, uint32_t effort, spotopt__budget *budget)
{
    spotopt_context *context = model->context;
    spotopt__extras extras;
    spotopt__knapsack sack;
    double *clipped = spotopt__alloc_array(context, model->items + 1, sizeof *clipped);
    double *sided = spotopt__alloc_array(context, sides->count + 1, sizeof *sided);
    prices p = {model, sides, clipped, sided, NULL, NULL, 0.0, &sack, effort, NULL, NULL, budget};
    uint64_t *tally = NULL;
    double best = (double)-INFINITY, farley = (double)INFINITY, slack = 0.0;
    bool ok = spotopt__extras_init(&extras, model);

    ok = spotopt__knapsack_init(&sack, model, &extras) && ok;
    p.worth = spotopt__alloc_array(context, model->classes + 1, sizeof(double));
    p.side_cost = spotopt__alloc_array(context, model->kinds + 1, sizeof(double));
    p.tidy = spotopt__alloc_array(context, model->kinds + 1, sizeof *p.tidy);
    p.room = spotopt__alloc_array(context, model->resources + 1, sizeof *p.room);
    tally = spotopt__alloc_array(context, model->prules + 1, sizeof *tally);
    if (!ok || clipped == NULL || sided == NULL || p.worth == NULL || p.side_cost == NULL ||
        p.tidy == NULL || p.room == NULL || tally == NULL)
        goto done;
    for (uint32_t k = 0; k < model->kinds; k++)
        p.tidy[k] = is_tidy(model, &model->kind[k], tally);
    for (uint32_t i = 0; i < model->items; i++) {
        double price = item[i] > 0.0 && isfinite(item[i]) ? item[i] : 0.0;
        clipped[i] = price < model->item[i].unplaced_cost ? price : model->item[i].unplaced_cost;
        p.total += model->item[i].count;
    }
    for (uint32_t s = 0; s < sides->count; s++) {
        double edge = side[s] > 0.0 ? sides->row[s].lower : sides->row[s].upper;
        sided[s] = isfinite(side[s]) && isfinite(edge) ? side[s] : 0.0;
        for (uint32_t k = 0; sided[s] != 0.0 && k < model->kinds; k++)
            p.side_cost[k] += sided[s] * sides->row[s].coefficient[k];
    }
    sack.thorough = true;
    sack.hint = sides->hint;
    if (!find_worths(&p))
        goto done;
    for (uint32_t k = 0; k < model->kinds; k++) {
        double earns;
        if (model->kind[k].class_id == SPOTOPT__NONE || model->kind[k].node != SPOTOPT__NONE)
            continue;
        earns = p.worth[model->kind[k].class_id] + p.side_cost[k];
        if (earns > 0.0 && model->kind[k].cost / earns < farley)
            farley = model->kind[k].cost / earns;
    }
    farley = farley < 1.0 ? farley : 1.0;
    double best_scale = farley;
    for (int step = 0; step <= 8; step++) { /* the bound is concave in the scale */
        double scale = farley + (1.0 - farley) * step / 8.0, bound = bound_at(&p, scale, false);
        if (bound > best) {
            best = bound;
            best_scale = scale;
        }
        if (farley >= 1.0)
            break;
    }
    if (effort > 0)
        best = fmax(best, bound_at(&p, best_scale, true));
    for (uint32_t i = 0; i < model->items; i++)
        slack += clipped[i] * model->item[i].count;
    best -= SPOTOPT__TOL_BOUND * (1.0 + fabs(best) + slack);
    best = best > 0.0 ? best : 0.0; /* nothing costs less than nothing */
done:
    spotopt__free(context, clipped);
    spotopt__free(context, sided);
    spotopt__free(context, p.worth);
    spotopt__free(context, p.side_cost);
    spotopt__free(context, p.tidy);
    spotopt__free(context, p.room);
    spotopt__free(context, tally);
    spotopt__knapsack_free(&sack);
    spotopt__extras_free(&extras);
    return best;
}
