/* SPDX-License-Identifier: Apache-2.0 */
/*
 * score.c - a forecast for every pool of a catalog: prior, then evidence.
 *
 * The rate at which one node is taken back is Gamma(A, B): A = kappa * alpha + D, B = kappa * beta
 * + E, with alpha and beta of the pool's family in its region (prior.c), D and E the decayed losses
 * and node-hours of its own history (evidence.c). A node survives H hours with exp(-rate * H),
 * hence p_H = 1 - (B / (B + H))^A, which never falls with H; how wide the interval is, sure.c says.
 * The same with changes downwards instead of nodes gives the chance that
 * the pool loses any node. On-demand pools are not taken back.
 *
 * A pool's history is found by its id, else as the spot series of its type and zone (the first of
 * several). Cost: linear in rows, plus the fit of each family and region.
 */
#include "risk/pool_prior.h"
#include "risk/risk.h"

#define PULL_OVERALL 0.25 /* events that the shipped mean weighs as much as */
#define PULL_GROUP                                                                                 \
    2.0                /* events that the overall mean weighs as much as, in a family and region   \
                        */
#define SD_OVERALL 1.5 /* of ln alpha around the one above */
#define SD_GROUP 0.7
#define MANY_CELLS 1024       /* of a group, from which on alike ones are joined */
#define BUCKET_DISPERSION 2.0 /* events of a bucket's pools come in twos: days are alike */

typedef struct scoring {
    const spotopt_catalog *catalog;
    const spotopt_history *history; /* or NULL */
    double now_s;
    spotopt_context *context;
    spotopt__arena arena;
    spotopt__map by_place; /* "type\nzone" -> series */
    spotopt__map by_group; /* "family\nregion" -> group */
    uint32_t group_count;
    uint32_t *pool_of, *group_of; /* by series; SPOTOPT__NONE: no pool, no group (on-demand) */
    uint32_t *type_of;            /* by series: type in a region */
    spotopt__map by_type;         /* "type\nregion" -> type_of */
    uint32_t type_count;
    double *shares;                  /* by pool: chances of buckets */
    double offset[SPOTOPT__BUCKETS]; /* of ln rate */
    double *x;                       /* by series: of ln rate, for its bucket */
    spotopt__sibling_means node_mean, drop_mean;
    spotopt__prior *node, *drop;   /* by group */
    double *node_days, *drop_days; /* by group: shape of a pool's rates from day to day */
    spotopt__prior node_all, drop_all;
    double at_once;              /* nodes that a drop takes, on the mean */
    spotopt__evidence *evidence; /* by series */
    spotopt__budget *budget;
    double trust;
} scoring;

/* False: the caller wants no more. A deadline is not asked: half of the forecasts are none. */
static bool
go_on(scoring *s)
{
    (void)spotopt__budget_over(s->budget, "risk", NAN, NAN);
    return !s->budget->cancelled;
}

static const char *
pair_text(scoring *s, const char *a, size_t a_length, const char *b)
{
    size_t b_length = strlen(b);
    char *text = spotopt__arena_alloc(&s->arena, a_length + b_length + 2, 1);

    if (text == NULL)
        return NULL;
    memcpy(text, a, a_length);
    text[a_length] = '\n';
    memcpy(text + a_length + 1, b, b_length + 1);
    return text;
}

static bool
join(scoring *s)
{
    size_t count = s->history->series.count;

    s->pool_of = spotopt__alloc_array(s->context, count, sizeof *s->pool_of);
    s->group_of = spotopt__alloc_array(s->context, count, sizeof *s->group_of);
    s->type_of = spotopt__alloc_array(s->context, count, sizeof *s->type_of);
    s->x = spotopt__alloc_array(s->context, count, sizeof *s->x);
    if (s->pool_of == NULL || s->group_of == NULL || s->type_of == NULL || s->x == NULL)
        return false;
    for (size_t i = 0; i < count; i++) {
        const spotopt__series *series = &s->history->series.at[i];
        uint32_t pool = spotopt__map_get(&s->catalog->pool_by_id, series->pool);
        const char *type = series->instance_type, *region = series->region, *zone = series->zone;

        s->pool_of[i] = pool;
        s->group_of[i] = s->type_of[i] = SPOTOPT__NONE;
        if (pool != SPOTOPT__NONE) {
            const spotopt__pool *p = &s->catalog->pools.at[pool];

            if (p->purchase == SPOTOPT__ON_DEMAND)
                continue;
            type = type[0] != '\0' ? type : s->catalog->types.at[p->type].name;
            region = region[0] != '\0' ? region : p->region;
            zone = zone[0] != '\0' ? zone : p->zone;
        }
        const char *place = pair_text(s, type, strlen(type), zone);
        const char *group = pair_text(s, type, spotopt__family_length(type), region);
        const char *type_here = pair_text(s, type, strlen(type), region);
        uint32_t found;

        if (place == NULL || group == NULL || type_here == NULL ||
            !spotopt__map_put(&s->by_place, place, (uint32_t)i, NULL) ||
            !spotopt__map_put(&s->by_type, type_here, s->type_count, &found))
            return false;
        s->type_count += found == s->type_count;
        s->type_of[i] = found;
        if (!spotopt__map_put(&s->by_group, group, s->group_count, &found))
            return false;
        s->group_count += found == s->group_count;
        s->group_of[i] = found;
    }
    return true;
}

/* The series of a spot pool. */
static bool
find_series(scoring *s, const spotopt__pool *pool, uint32_t *out)
{
    const char *type = s->catalog->types.at[pool->type].name;

    *out = SPOTOPT__NONE;
    if (s->history == NULL)
        return true;
    *out = spotopt__map_get(&s->history->series_by_pool, pool->id);
    if (*out != SPOTOPT__NONE)
        return true;
    const char *place = pair_text(s, type, strlen(type), pool->zone);
    if (place == NULL)
        return false;
    *out = spotopt__map_get(&s->by_place, place);
    return true;
}

static double
bucket_offset(int32_t bucket)
{
    return bucket < 0 ? 0.0 : log(spotopt__bucket_rate(bucket) / spotopt__bucket_rate(-1));
}

/* Learns what each bucket adds to a rate, from series of pools whose bucket is known. */
static bool
learn_trust(scoring *s, const uint32_t *series_of_pool)
{
    size_t count = s->history->series.count, n = 0;
    double *events = spotopt__alloc_array(s->context, 3 * count, sizeof *events);
    double *hours = events != NULL ? events + count : NULL,
           *x = events != NULL ? hours + count : NULL;
    double seen[2][SPOTOPT__BUCKETS] = {{0.0}}; /* events and hours by bucket */
    int32_t *bucket = spotopt__alloc_array(s->context, count, sizeof *bucket);
    spotopt__cells cells = {0};
    bool is_fine = events != NULL && bucket != NULL;

    for (size_t i = 0; is_fine && i < count; i++)
        bucket[i] = -1;
    for (size_t i = 0; is_fine && i < s->catalog->pools.count; i++) {
        if (series_of_pool[i] != SPOTOPT__NONE)
            bucket[series_of_pool[i]] = s->catalog->pools.at[i].advisor_bucket;
    }
    for (size_t i = 0; is_fine && i < count; i++) {
        if (bucket[i] < 0 || bucket[i] >= SPOTOPT__BUCKETS)
            continue;
        cells.count = 0;
        is_fine = spotopt__evidence_cells(s->context, s->history, i, s->now_s, 1.0, false, &cells);
        events[n] = hours[n] = 0.0;
        for (size_t c = 0; c < cells.count; c++) {
            events[n] += cells.at[c].weight * cells.at[c].events;
            hours[n] += cells.at[c].weight * cells.at[c].hours;
        }
        seen[0][bucket[i]] += events[n];
        seen[1][bucket[i]] += hours[n];
        x[n++] = bucket_offset(bucket[i]);
    }
    if (is_fine) {
        s->trust = spotopt__bucket_trust(events, hours, x, n);
        spotopt__bucket_offsets(seen[0], seen[1], BUCKET_DISPERSION, s->trust, s->offset);
        for (size_t i = 0; i < s->catalog->pools.count; i++) {
            if (series_of_pool[i] != SPOTOPT__NONE)
                s->x[series_of_pool[i]] =
                    spotopt__shares_offset(s->shares + SPOTOPT__BUCKETS * i, s->offset);
        }
    }
    spotopt__vec_free(s->context, &cells);
    spotopt__free(s->context, bucket);
    spotopt__free(s->context, events);
    return is_fine;
}

/* Pool-days counted by nodes, or by drops of the pool; and what is learned from them. */
typedef struct counted {
    spotopt__cells cells;
    size_t limit;           /* how many until alike ones are joined */
    double *events, *hours; /* by series, of all days */
    double expected, dispersed;
    double lost;            /* events of all */
    spotopt__day_sums sums; /* of the group at hand */
    spotopt__prior *all, *groups;
    double *days;
    spotopt__sibling_means *means;
} counted;

static bool
counted_start(counted *c, scoring *s, spotopt__prior *all, spotopt__prior *groups, double *days,
              spotopt__sibling_means *means)
{
    const size_t series = s->history->series.count;

    *c = (counted){.limit = MANY_CELLS, .all = all, .groups = groups, .days = days, .means = means};
    c->events = spotopt__alloc_array(s->context, 2 * series + 1, sizeof *c->events);
    c->hours = c->events != NULL ? c->events + series : NULL;
    return c->events != NULL;
}

static void
sum_days(counted *c, uint32_t series, size_t from)
{
    for (size_t i = from; i < c->cells.count; i++) {
        c->events[series] += c->cells.at[i].weight * c->cells.at[i].events;
        c->hours[series] += c->cells.at[i].weight * c->cells.at[i].hours;
    }
    c->lost += c->events[series];
}

/* The days of series order[from .. to - 1], both ways at once. */
static bool
count_days(scoring *s, const uint32_t *order, size_t from, size_t to, bool has_sums,
           counted ways[2])
{
    for (size_t i = from; i < to; i++) {
        const size_t starts[2] = {ways[0].cells.count, ways[1].cells.count};

        if (!go_on(s) ||
            !spotopt__evidence_days(s->context, s->history, order[i], s->now_s, exp(s->x[order[i]]),
                                    &ways[0].cells, &ways[1].cells))
            return false;
        for (int k = 0; k < 2; k++) {
            if (has_sums)
                sum_days(&ways[k], order[i], starts[k]);
            else if (ways[k].cells.count > starts[k])
                spotopt__day_sums_add(&ways[k].sums, ways[k].cells.at + starts[k],
                                      ways[k].cells.count - starts[k], ways[k].events[order[i]],
                                      ways[k].hours[order[i]]);
            if (ways[k].cells.count < ways[k].limit)
                continue;
            if (!spotopt__cells_join(s->context, &ways[k].cells, 0))
                return false;
            ways[k].limit = 2 * ways[k].cells.count + MANY_CELLS;
        }
    }
    return true;
}

static void
fit_group(counted *c, uint32_t group)
{
    spotopt__prior *of = &c->groups[group];

    *of = spotopt__prior_fit(c->cells.at, c->cells.count, c->all, PULL_GROUP, SD_GROUP);
    c->days[group] = spotopt__days_shape(&c->sums, of->alpha);
    for (size_t i = 0; i < c->cells.count; i++) {
        double mean = c->cells.at[i].weight * c->cells.at[i].hours * of->mean;

        c->expected += mean;
        c->dispersed += mean * spotopt__dispersion(&c->cells.at[i], 1, of);
    }
}

/* Series by group: those of g are order[first[g]] .. order[first[g + 1] - 1]. */
static void
order_by_group(const scoring *s, size_t *first, uint32_t *order)
{
    const size_t series = s->history->series.count;

    for (size_t i = 0; i < series; i++) {
        if (s->group_of[i] != SPOTOPT__NONE)
            first[s->group_of[i] + 2]++;
    }
    for (uint32_t g = 2; g < s->group_count + 2; g++)
        first[g] += first[g - 1];
    for (size_t i = 0; i < series; i++) {
        if (s->group_of[i] != SPOTOPT__NONE)
            order[first[s->group_of[i] + 1]++] = (uint32_t)i;
    }
}

/*
 * Priors of nodes and of drops. Groups lean on the prior of all, so that days are counted twice:
 * first all, then group by group, which is quicker than to keep them and takes no memory to speak
 * of.
 */
static bool
fit(scoring *s)
{
    const spotopt__prior shipped = {0.5, spotopt__bucket_rate(-1)};
    counted ways[2];
    bool is_fine = counted_start(&ways[0], s, &s->node_all, s->node, s->node_days, &s->node_mean);
    size_t *first = spotopt__alloc_array(s->context, (size_t)s->group_count + 2, sizeof *first);
    uint32_t *order = spotopt__alloc_array(s->context, s->history->series.count + 1, sizeof *order);

    is_fine &= counted_start(&ways[1], s, &s->drop_all, s->drop, s->drop_days, &s->drop_mean);
    is_fine = is_fine && first != NULL && order != NULL;
    if (is_fine)
        order_by_group(s, first, order);
    is_fine = is_fine && count_days(s, order, 0, first[s->group_count], true, ways);
    for (int k = 0; is_fine && k < 2; k++)
        *ways[k].all = spotopt__prior_fit(ways[k].cells.at, ways[k].cells.count, &shipped,
                                          PULL_OVERALL, SD_OVERALL);
    for (uint32_t g = 0; is_fine && g < s->group_count; g++) {
        ways[0].cells.count = ways[1].cells.count = 0;
        ways[0].limit = ways[1].limit = MANY_CELLS;
        ways[0].sums = ways[1].sums = (spotopt__day_sums){0.0, 0.0, 0.0};
        is_fine = count_days(s, order, first[g], first[g + 1], false, ways);
        for (int k = 0; is_fine && k < 2; k++)
            fit_group(&ways[k], g);
    }
    for (int k = 0; is_fine && k < 2; k++)
        is_fine = spotopt__sibling_means_fit(
            s->context, ways[k].events, ways[k].hours, s->group_of, s->type_of,
            s->history->series.count, s->group_count, s->type_count, ways[k].all->mean,
            ways[k].expected > 0.0 ? ways[k].dispersed / ways[k].expected : 1.0, ways[k].means);
    if (is_fine && ways[0].lost > ways[1].lost && ways[1].lost > 0.0)
        s->at_once = ways[0].lost / ways[1].lost;
    for (int k = 0; k < 2; k++) {
        spotopt__vec_free(s->context, &ways[k].cells);
        spotopt__free(s->context, ways[k].events);
    }
    spotopt__free(s->context, order);
    spotopt__free(s->context, first);
    return is_fine;
}

static bool
learn(scoring *s, const uint32_t *series_of_pool)
{
    if (!learn_trust(s, series_of_pool))
        return false;
    s->evidence = spotopt__alloc_array(s->context, s->history->series.count, sizeof *s->evidence);
    if (s->evidence == NULL)
        return false;
    for (size_t i = 0; i < s->history->series.count && go_on(s); i++)
        s->evidence[i] = spotopt__evidence_at(s->history, i, s->now_s, SPOTOPT__RISK_TAU_H);
    s->node = spotopt__alloc_array(s->context, (size_t)s->group_count + 1, sizeof *s->node);
    s->drop = spotopt__alloc_array(s->context, (size_t)s->group_count + 1, sizeof *s->drop);
    s->node_days =
        spotopt__alloc_array(s->context, (size_t)s->group_count + 1, sizeof *s->node_days);
    s->drop_days =
        spotopt__alloc_array(s->context, (size_t)s->group_count + 1, sizeof *s->drop_days);
    return s->node != NULL && s->drop != NULL && s->node_days != NULL && s->drop_days != NULL &&
           go_on(s) && fit(s);
}

/* A prior, and how sure it is. */
typedef struct expected {
    spotopt__prior prior;
    double spread, days_shape;
} expected;

static spotopt__belief
believe(const expected *of, double factor, double events, double hours, double up_hours,
        double at_once, double *out_shape)
{
    const double alpha = SPOTOPT__RISK_KAPPA * of->prior.alpha;
    double mean = of->prior.mean * factor;

    mean = mean < SPOTOPT__RATE_MIN   ? SPOTOPT__RATE_MIN
           : mean > SPOTOPT__RATE_MAX ? SPOTOPT__RATE_MAX
                                      : mean;
    const spotopt__belief made = {alpha + events, alpha / mean + hours};
    const spotopt__sureness sureness = {alpha / mean, mean,     of->spread, of->days_shape,
                                        hours,        up_hours, at_once};
    *out_shape = spotopt__sure_shape(&made, &sureness);
    return made;
}

/* The closest of series, type here and family here that was seen. */
static void
take_mean(const spotopt__sibling_means *means, uint32_t series, uint32_t type, uint32_t group,
          expected *out)
{
    spotopt__sibling_mean found = {out->prior.mean, means->spread + means->apart[2]};

    if (series != SPOTOPT__NONE) {
        found = means->series[series];
    } else if (type != SPOTOPT__NONE) {
        found = means->type[type];
        found.spread += means->apart[0];
    } else if (group != SPOTOPT__NONE) {
        found = means->group[group];
        found.spread += means->apart[1];
    }
    out->prior.mean = found.mean;
    out->spread = found.spread;
}

/* Alpha of the family's days, mean of the closest that was seen. */
static bool
find_priors(scoring *s, const spotopt__pool *pool, uint32_t series, expected *node, expected *drop)
{
    const spotopt__type *type = &s->catalog->types.at[pool->type];
    const char *group_text = pair_text(s, type->family, strlen(type->family), pool->region),
               *type_text = pair_text(s, type->name, strlen(type->name), pool->region);
    uint32_t group, of_type;

    if (group_text == NULL || type_text == NULL)
        return false;
    group = spotopt__map_get(&s->by_group, group_text);
    of_type = spotopt__map_get(&s->by_type, type_text);
    if (series != SPOTOPT__NONE && s->group_of[series] == SPOTOPT__NONE)
        series = SPOTOPT__NONE; /* an on-demand pool's */
    node->prior = group != SPOTOPT__NONE ? s->node[group] : s->node_all;
    drop->prior = group != SPOTOPT__NONE ? s->drop[group] : s->drop_all;
    node->days_shape = group != SPOTOPT__NONE ? s->node_days[group] : node->prior.alpha;
    drop->days_shape = group != SPOTOPT__NONE ? s->drop_days[group] : drop->prior.alpha;
    take_mean(&s->node_mean, series, of_type, group, node);
    take_mean(&s->drop_mean, series, of_type, group, drop);
    return true;
}

static bool
score_pool(scoring *s, size_t index, uint32_t series, spotopt__risk_pool *out)
{
    const spotopt__pool *pool = &s->catalog->pools.at[index];
    double factor = exp(spotopt__shares_offset(s->shares + SPOTOPT__BUCKETS * index, s->offset));
    /* Without a history only the vendor's word: as unsure as its prior. */
    expected node = {{SPOTOPT__RISK_SHIPPED_ALPHA, spotopt__bucket_rate(-1)}, INFINITY, 1.0},
             drop = node;
    spotopt__evidence e = {0.0, 0.0, 0.0, 0.0, NAN, NAN};

    out->series = series;
    if (pool->purchase == SPOTOPT__ON_DEMAND) {
        out->flags = SPOTOPT_RISK_NONE;
        return true;
    }
    if (s->history != NULL && !find_priors(s, pool, series, &node, &drop))
        return false;
    if (series != SPOTOPT__NONE)
        e = s->evidence[series];
    out->node = believe(&node, factor, e.node_events, e.node_hours, e.drop_hours, s->at_once,
                        &out->node_shape);
    out->drop =
        believe(&drop, factor, e.drop_events, e.drop_hours, e.drop_hours, 1.0, &out->drop_shape);
    out->events = e.node_events;
    out->hours = e.node_hours;
    out->flags =
        e.node_hours > 1e-3 || e.node_events > 1e-6 ? SPOTOPT_RISK_EVIDENCE : SPOTOPT_RISK_PRIOR;
    if (e.node_hours < 1.0)
        out->flags |= SPOTOPT_RISK_COLD;
    if (!isnan(e.seen_s) && s->now_s - e.seen_s > 24.0 * 3600.0)
        out->flags |= SPOTOPT_RISK_STALE;
    return true;
}

spotopt_status
spotopt__risk_layers(spotopt_context *context, const spotopt_catalog *catalog,
                     const spotopt_history *history, double now_s, spotopt__budget *budget,
                     spotopt_risk **out, spotopt_error *err)
{
    scoring s = {.catalog = catalog,
                 .history = history,
                 .now_s = now_s,
                 .context = context,
                 .budget = budget,
                 .trust = 1.0,
                 .at_once = 1.0};
    const double nothing[SPOTOPT__BUCKETS] = {0.0};
    spotopt_risk *risk = NULL;
    uint32_t *series_of_pool = NULL;
    bool is_fine = true;

    if (history != NULL && history->series.count == 0)
        s.history = NULL;
    spotopt__arena_init(&s.arena, context);
    spotopt__map_init(&s.by_place, context);
    spotopt__map_init(&s.by_group, context);
    spotopt__map_init(&s.by_type, context);
    s.node_all = s.drop_all =
        (spotopt__prior){SPOTOPT__RISK_SHIPPED_ALPHA, spotopt__bucket_rate(-1)};

    risk = spotopt__alloc(context, sizeof *risk);
    if (risk != NULL) {
        risk->context = spotopt__context_hold(context);
        risk->count = catalog->pools.count;
        risk->pools = spotopt__alloc_array(context, risk->count + 1, sizeof *risk->pools);
    }
    series_of_pool =
        spotopt__alloc_array(context, catalog->pools.count + 1, sizeof *series_of_pool);
    s.shares = spotopt__bucket_shares(context, catalog);
    spotopt__bucket_offsets(nothing, nothing, 1.0, s.trust, s.offset);
    is_fine = risk != NULL && risk->pools != NULL && series_of_pool != NULL && s.shares != NULL &&
              (s.history == NULL || join(&s));
    for (size_t i = 0; is_fine && i < catalog->pools.count; i++) {
        series_of_pool[i] = SPOTOPT__NONE;
        if (catalog->pools.at[i].purchase == SPOTOPT__SPOT)
            is_fine = find_series(&s, &catalog->pools.at[i], &series_of_pool[i]);
    }
    if (is_fine && s.history != NULL)
        is_fine = learn(&s, series_of_pool);
    for (size_t i = 0; is_fine && i < catalog->pools.count; i++)
        is_fine = score_pool(&s, i, series_of_pool[i], &risk->pools[i]);
    if (is_fine) {
        risk->bucket_trust = s.trust;
        risk->overall = s.node_all;
    }

    spotopt__free(context, series_of_pool);
    spotopt__free(context, s.pool_of);
    spotopt__free(context, s.group_of);
    spotopt__free(context, s.type_of);
    spotopt__free(context, s.shares);
    spotopt__free(context, s.x);
    spotopt__free(context, s.evidence);
    spotopt__free(context, s.node);
    spotopt__free(context, s.drop);
    spotopt__free(context, s.node_days);
    spotopt__free(context, s.drop_days);
    spotopt__map_free(&s.by_place);
    spotopt__map_free(&s.by_group);
    spotopt__map_free(&s.by_type);
    spotopt__sibling_means_free(context, &s.node_mean);
    spotopt__sibling_means_free(context, &s.drop_mean);
    spotopt__arena_free(&s.arena);
    if (!is_fine) {
        spotopt_risk_free(risk);
        return budget->cancelled
                   ? spotopt__fail(err, SPOTOPT_E_CANCELLED, "cancelled while forecasting")
                   : spotopt__nomem(err, "forecasts");
    }
    *out = risk;
    return SPOTOPT_OK;
}
