/* SPDX-License-Identifier: Apache-2.0 */
/*
 * run.c - the walk through the past, step by step, all policies side by side.
 *
 * At each step: what happened up to now becomes known, every policy decides for every demand, then
 * what happens until the next step is looked at and accounted for. Nothing that a policy is given
 * was made from what lies ahead. The oracle's recursion goes along; policies that follow its path
 * are run in a second walk.
 */
#include "risk/model.h"
#include "replay/replay.h"

/* Zones numbered over the catalog, "" included. */
static bool
number_zones(spotopt__run *run)
{
    spotopt__map zones;
    bool is_fine = true;

    run->zone_of = spotopt__arena_alloc(&run->arena, run->world.pools + 1, sizeof *run->zone_of);
    if (run->zone_of == NULL)
        return false;
    spotopt__map_init(&zones, run->context);
    for (size_t p = 0; is_fine && p < run->world.pools; p++) {
        is_fine = spotopt__map_put(&zones, run->world.catalog->pools.at[p].zone, run->zone_count,
                                   &run->zone_of[p]);
        run->zone_count += is_fine && run->zone_of[p] == run->zone_count;
    }
    run->zone_count = run->zone_count > 0 ? run->zone_count : 1;
    spotopt__map_free(&zones);
    return is_fine;
}

static bool
init_holding(spotopt__run *run, const spotopt__actor *actor, size_t demand)
{
    const spotopt__wanted *wanted = &run->wanted[demand];
    spotopt__holding *holding = &actor->holdings[demand];

    holding->allowed =
        spotopt__arena_alloc(&run->arena, wanted->fit_count + 1, sizeof *holding->allowed);
    holding->nodes =
        spotopt__arena_alloc(&run->arena, wanted->fit_count + 1, sizeof *holding->nodes);
    if (holding->allowed == NULL || holding->nodes == NULL)
        return false;
    for (size_t i = 0; i < wanted->fit_count; i++) {
        const spotopt__pool *pool = &run->world.catalog->pools.at[wanted->fits[i].pool];

        if (spotopt__terms_allow(actor->terms, run->world.catalog, pool))
            holding->allowed[holding->allowed_count++] = (uint32_t)i;
    }
    return true;
}

/* Horizons that policies ask for, each once. */
static size_t
add_horizon(double *horizons, size_t *count, double horizon_h)
{
    for (size_t i = 0; i < *count; i++) {
        if (horizons[i] == horizon_h)
            return i;
    }
    horizons[*count] = horizon_h;
    return (*count)++;
}

static bool
init_actors(spotopt__run *run, const spotopt_replay_params *params)
{
    spotopt_replay *replay = run->replay;
    const size_t count = replay->tried.count, pools = run->world.pools;
    double *horizons = spotopt__arena_alloc(&run->arena, 2 * count + 1, sizeof *horizons);
    size_t horizon_count = 0;
    bool has_recent = false, has_oracle = false;

    run->actors = spotopt__arena_alloc(&run->arena, count + 1, sizeof *run->actors);
    if (run->actors == NULL || horizons == NULL)
        return false;
    for (size_t a = 0; a < count; a++) {
        spotopt__actor *actor = &run->actors[a];

        actor->tried = &replay->tried.at[a];
        actor->terms = actor->tried->has_document ? &actor->tried->terms : &replay->terms;
        actor->valued = SIZE_MAX;
        actor->moved_room = (size_t)ceil(SPOTOPT__HOUR_S / replay->step_s);
        actor->holdings =
            spotopt__arena_alloc(&run->arena, replay->demand_count + 1, sizeof *actor->holdings);
        actor->value = spotopt__arena_alloc(&run->arena, 2 * pools + 1, sizeof *actor->value);
        actor->moved = spotopt__arena_alloc(&run->arena, actor->moved_room, sizeof *actor->moved);
        if (actor->holdings == NULL || actor->value == NULL || actor->moved == NULL)
            return false;
        actor->enter = actor->value + pools;
        for (size_t d = 0; d < replay->demand_count; d++) {
            if (!init_holding(run, actor, d))
                return false;
        }
        if (actor->tried->method == SPOTOPT__BY_HAZARD) {
            actor->horizon = add_horizon(horizons, &horizon_count, actor->terms->horizon_h);
            actor->cap_horizon = add_horizon(horizons, &horizon_count, actor->terms->probability_h);
        }
        has_recent = has_recent || actor->tried->method == SPOTOPT__BY_LAST_DAY;
        has_oracle = has_oracle || actor->tried->method == SPOTOPT__BY_ORACLE;
    }
    if (has_recent && (run->recent = spotopt__recent_new(run->context, &run->world)) == NULL)
        return false;
    if (horizon_count > 0) {
        run->outlook =
            spotopt__outlook_new(run->context, &run->world, params->model, horizons, horizon_count,
                                 replay->from_s, replay->step_s, replay->steps);
        if (run->outlook == NULL)
            return false;
    }
    return !has_oracle || spotopt__oracles_init(run);
}

static double
measure_of(const spotopt__tally *tally, int measure)
{
    switch (measure) {
    case SPOTOPT_REPLAY_COST:
        return tally->cost_usd;
    case SPOTOPT_REPLAY_INTERRUPTIONS:
        return tally->interruptions;
    case SPOTOPT_REPLAY_LOST_HOURS:
        return tally->lost_h;
    default:
        return tally->cost_usd + tally->losses_usd;
    }
}

static bool
act(spotopt__run *run, spotopt__actor *actor)
{
    spotopt_replay *replay = run->replay;
    spotopt__tried *tried = actor->tried;
    const size_t day = (size_t)(floor(run->now_s / SPOTOPT__DAY_S) - replay->first_day);

    actor->moved_sum -= actor->moved[run->k % actor->moved_room];
    actor->moved[run->k % actor->moved_room] = 0.0;
    for (size_t d = 0; d < replay->demand_count; d++) {
        spotopt__holding *holding = &actor->holdings[d];

        holding->step = (spotopt__tally){0};
        if (!spotopt__choose(run, actor, d))
            return false;
        spotopt__account(run, actor, d);
        spotopt__tally_add(&tried->demands[d], &holding->step);
        spotopt__tally_add(&tried->total, &holding->step);
        for (int m = 0; m < SPOTOPT__MEASURES; m++)
            tried->days[day * SPOTOPT__MEASURES + (size_t)m] += measure_of(&holding->step, m);
    }
    return true;
}

/* The step after which point i is told. */
static size_t
point_step(const spotopt_replay *replay, size_t i)
{
    return (size_t)((double)(replay->steps - 1) * (double)i / (double)(replay->point_count - 1) +
                    0.5);
}

static void
tell_points(const spotopt__run *run, const spotopt__tried *tried, size_t *io_point)
{
    while (*io_point < run->replay->point_count && point_step(run->replay, *io_point) == run->k) {
        tried->points[*io_point] =
            (spotopt__point){tried->total.cost_usd, tried->total.cost_usd + tried->total.losses_usd,
                             tried->total.interruptions, tried->total.lost_h, tried->total.moves};
        run->replay->point_s[*io_point] = run->next_s;
        ++*io_point;
    }
}

/* One walk, for those who follow the oracle or for the others. */
static spotopt_status
walk(spotopt__run *run, bool is_oracle, spotopt__budget *budget, spotopt_error *err)
{
    spotopt_replay *replay = run->replay;
    size_t point = 0;

    spotopt__world_rewind(&run->world);
    for (size_t d = 0; d < replay->demand_count; d++)
        spotopt__wanted_rewind(&run->wanted[d]);
    for (run->k = 0; run->k < replay->steps; run->k++) {
        size_t next_point = point;
        bool is_fine;

        (void)spotopt__budget_over(budget, "replay", NAN, NAN);
        if (budget->cancelled)
            return spotopt__fail(err, SPOTOPT_E_CANCELLED, "cancelled");
        run->now_s = replay->from_s + (double)run->k * replay->step_s;
        run->next_s = fmin(replay->from_s + (double)(run->k + 1) * replay->step_s, replay->to_s);
        spotopt__world_go(&run->world, run->now_s);
        for (size_t d = 0; d < replay->demand_count; d++)
            spotopt__wanted_go(&run->wanted[d], &run->world);
        if (run->recent != NULL && !is_oracle)
            spotopt__recent_go(run->recent, run->now_s);
        is_fine = run->outlook == NULL || is_oracle || spotopt__outlook_go(run->outlook, run->k);
        /* Nothing that chooses looks at the falls. */
        is_fine = is_fine && spotopt__world_ahead(&run->world, run->next_s);
        for (size_t a = 0; is_fine && a < replay->tried.count; a++) {
            if ((run->actors[a].tried->method == SPOTOPT__BY_ORACLE) == is_oracle)
                is_fine = act(run, &run->actors[a]);
        }
        for (size_t d = 0; run->oracles != NULL && !is_oracle && d < replay->demand_count; d++)
            spotopt__oracle_go(run, d);
        if (!is_fine)
            return spotopt__nomem(err, "a replay");
        for (size_t a = 0; a < replay->tried.count; a++) {
            if ((run->actors[a].tried->method == SPOTOPT__BY_ORACLE) != is_oracle)
                continue;
            next_point = point;
            tell_points(run, &replay->tried.at[a], &next_point);
        }
        point = next_point > point ? next_point : point;
    }
    return SPOTOPT_OK;
}

/* Room for what will be told. */
static bool
init_results(spotopt_replay *replay)
{
    spotopt__arena *arena = &replay->arena;

    replay->point_s = spotopt__arena_alloc(arena, replay->point_count + 1, sizeof(double));
    replay->demand_names =
        spotopt__arena_alloc(arena, replay->demand_count + 1, sizeof *replay->demand_names);
    if (replay->point_s == NULL || replay->demand_names == NULL)
        return false;
    for (size_t a = 0; a < replay->tried.count; a++) {
        spotopt__tried *tried = &replay->tried.at[a];

        tried->demands =
            spotopt__arena_alloc(arena, replay->demand_count + 1, sizeof *tried->demands);
        tried->demand_bound = spotopt__arena_alloc(arena, replay->demand_count + 1, sizeof(double));
        tried->days =
            spotopt__arena_alloc(arena, replay->day_count * SPOTOPT__MEASURES + 1, sizeof(double));
        tried->points = spotopt__arena_alloc(arena, replay->point_count + 1, sizeof *tried->points);
        tried->total = (spotopt__tally){0};
        tried->bound_usd = NAN;
        if (tried->demands == NULL || tried->demand_bound == NULL || tried->days == NULL ||
            tried->points == NULL)
            return false;
        for (size_t d = 0; d < replay->demand_count; d++)
            tried->demand_bound[d] = NAN;
    }
    return true;
}

static bool
tell_bounds(spotopt__run *run)
{
    spotopt_replay *replay = run->replay;

    for (size_t d = 0; d < replay->demand_count; d++) {
        if (!spotopt__oracle_settle(run, d))
            return false;
    }
    for (size_t a = 0; a < replay->tried.count; a++) {
        spotopt__tried *tried = &replay->tried.at[a];

        if (tried->method != SPOTOPT__BY_ORACLE)
            continue;
        tried->bound_usd = 0.0;
        for (size_t d = 0; d < replay->demand_count; d++) {
            tried->demand_bound[d] = spotopt__oracle_bound(run, d);
            tried->bound_usd += tried->demand_bound[d];
        }
    }
    return true;
}

static spotopt_status
check_number(double value, double least, double most, const char *what, spotopt_error *err)
{
    char shown[SPOTOPT__REAL_SIZE], low[SPOTOPT__REAL_SIZE], high[SPOTOPT__REAL_SIZE];

    if (value >= least && value <= most)
        return SPOTOPT_OK;
    spotopt__write_real(value, shown);
    spotopt__write_real(least, low);
    spotopt__write_real(most, high);
    return spotopt__fail(err, SPOTOPT_E_ARGUMENT, "%s is %s; want a number from %s to %s", what,
                         shown, low, high);
}

static spotopt_status
check_params(const spotopt_replay_params *p, spotopt_error *err)
{
    spotopt_status status;

    if (p->catalog == NULL || p->demands == NULL)
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT, "%s is NULL; want it set",
                             p->catalog == NULL ? "catalog" : "demands");
    if (p->demands->tracks.count == 0)
        return spotopt__fail(err, SPOTOPT_E_INPUT, "the demand table has no rows");
    status = check_number(p->step_s, 1.0, 1e7, "step_s", err);
    if (status == SPOTOPT_OK)
        status = check_number(p->startup_s, 0.0, p->step_s, "startup_s", err);
    if (status == SPOTOPT_OK)
        status = check_number(p->points, 2.0, 100000.0, "points", err);
    if (status == SPOTOPT_OK)
        status = check_number(p->draws, 0.0, 100000.0, "draws", err);
    return status;
}

/* The window and its steps. */
static spotopt_status
set_window(spotopt__run *run, const spotopt_replay_params *p, spotopt_error *err)
{
    spotopt_replay *replay = run->replay;
    double first_s = INFINITY, last_s = -INFINITY, end_s = spotopt__world_end(&run->world), steps;
    char from[SPOTOPT__REAL_SIZE], to[SPOTOPT__REAL_SIZE];

    for (size_t i = 0; i < p->demands->tracks.count; i++) {
        const spotopt__track *track = &p->demands->tracks.at[i];

        first_s = fmin(first_s, p->demands->time_s[track->first]);
        last_s = fmax(last_s, p->demands->time_s[track->first + track->count - 1]);
    }
    replay->from_s = isnan(p->from_s) ? first_s : p->from_s;
    replay->to_s = !isnan(p->to_s) ? p->to_s : !isnan(end_s) ? end_s : last_s;
    spotopt__write_real(replay->from_s, from);
    spotopt__write_real(replay->to_s, to);
    steps = ceil((replay->to_s - replay->from_s) / p->step_s - 1e-9);
    if (!(steps >= 1.0) || !isfinite(replay->from_s) || !isfinite(replay->to_s))
        return spotopt__fail(err, SPOTOPT_E_INPUT,
                             "the window from %s to %s is empty; want an end after its beginning",
                             from, to);
    if (steps > 1e7)
        return spotopt__fail(err, SPOTOPT_E_INPUT,
                             "from %s to %s are more than 10000000 steps; want longer ones", from,
                             to);
    if (p->model != NULL && fmax(p->model->to_s, p->model->calibrate_to_s) > replay->from_s) {
        spotopt__write_real(fmax(p->model->to_s, p->model->calibrate_to_s), to);
        return spotopt__fail(err, SPOTOPT_E_INPUT,
                             "the model learned from what happened up to %s, the replay begins at "
                             "%s; want a model that ends before",
                             to, from);
    }
    replay->step_s = p->step_s;
    replay->startup_s = p->startup_s;
    replay->steps = (size_t)steps;
    replay->first_day = floor(replay->from_s / SPOTOPT__DAY_S);
    replay->day_count =
        (size_t)(floor((replay->from_s + (steps - 1.0) * p->step_s) / SPOTOPT__DAY_S) -
                 replay->first_day) +
        1;
    replay->point_count = replay->steps < p->points ? replay->steps : p->points;
    if (replay->point_count < 2)
        replay->point_count = 2;
    run->startup_s = p->startup_s;
    return SPOTOPT_OK;
}

static spotopt_status
copy_terms(spotopt_replay *replay, const spotopt_policy *terms, spotopt_error *err)
{
    spotopt_policy *defaults = NULL;
    spotopt_status status = SPOTOPT_OK;

    if (terms == NULL) {
        status = spotopt__policy_new(replay->context, &defaults, err);
        terms = defaults;
    }
    if (status == SPOTOPT_OK && !spotopt__terms_copy(&replay->terms, &replay->arena, terms))
        status = spotopt__nomem(err, "a replay");
    spotopt_policy_free(defaults);
    return status;
}

static spotopt_status
set_up(spotopt__run *run, const spotopt_replay_params *p, spotopt_error *err)
{
    spotopt_replay *replay = run->replay;
    spotopt_status status = copy_terms(replay, p->terms, err);

    if (status != SPOTOPT_OK)
        return status;
    if (!spotopt__world_init(&run->world, run->context, p->catalog, p->history, p->prices) ||
        !number_zones(run))
        return spotopt__nomem(err, "a replay");
    status = set_window(run, p, err);
    if (status != SPOTOPT_OK)
        return status;
    replay->demand_count = p->demands->tracks.count;
    run->wanted = spotopt__arena_alloc(&run->arena, replay->demand_count + 1, sizeof *run->wanted);
    if (run->wanted == NULL || !init_results(replay))
        return spotopt__nomem(err, "a replay");
    for (size_t d = 0; d < replay->demand_count; d++) {
        status = spotopt__wanted_init(&run->wanted[d], &run->arena, &run->world, run->zone_of,
                                      p->demands, d, err);
        if (status != SPOTOPT_OK)
            return status;
        replay->demand_names[d] =
            spotopt__arena_text(&replay->arena, run->wanted[d].name, strlen(run->wanted[d].name));
        if (replay->demand_names[d] == NULL)
            return spotopt__nomem(err, "a replay");
    }
    return init_actors(run, p) ? SPOTOPT_OK : spotopt__nomem(err, "a replay");
}

static void
remember(spotopt_replay *replay, const spotopt_replay_params *p, const spotopt__world *world)
{
    memcpy(replay->sha256[0], p->catalog->sha256, 65);
    memcpy(replay->sha256[1], p->demands->sha256, 65);
    if (p->history != NULL)
        memcpy(replay->sha256[2], p->history->sha256, 65);
    if (p->prices != NULL)
        memcpy(replay->sha256[3], p->prices->sha256, 65);
    replay->model_id[0] = '\0';
    if (p->model != NULL)
        spotopt__clean_line(replay->model_id, sizeof replay->model_id, p->model->id);
    replay->pools = world->pools;
    replay->pools_known = 0;
    for (size_t i = 0; i < world->pools; i++)
        replay->pools_known += world->is_known[i];
    replay->draws = p->draws;
    replay->seed = p->seed;
}

static void
clean_up(spotopt__run *run)
{
    for (size_t a = 0; run->actors != NULL && a < run->replay->tried.count; a++) {
        for (size_t d = 0; run->actors[a].holdings != NULL && d < run->replay->demand_count; d++)
            spotopt__vec_free(run->context, &run->actors[a].holdings[d].groups);
    }
    spotopt__outlook_free(run->outlook);
    spotopt__recent_free(run->recent);
    spotopt__world_free(&run->world);
    spotopt__arena_free(&run->arena);
}

spotopt_status
spotopt_replay_run(spotopt_replay *replay, const spotopt_replay_params *params,
                   const spotopt_options *options, spotopt_error *err)
{
    spotopt_replay_params p = SPOTOPT_REPLAY_PARAMS_INIT;
    spotopt__budget budget;
    spotopt__run run;
    bool has_oracle = false;
    spotopt_status status;

    if (replay == NULL || params == NULL)
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT, "%s is NULL; want it set",
                             replay == NULL ? "replay" : "params");
    if (replay->was_run || replay->tried.count == 0)
        return spotopt__fail(err, SPOTOPT_E_STATE,
                             replay->was_run ? "the replay was run already"
                                             : "the replay has no policy; add one");
    if ((status = spotopt__copy_in(&p, sizeof p, params, "params", err)) != SPOTOPT_OK ||
        (status = check_params(&p, err)) != SPOTOPT_OK)
        return status;
    run = (spotopt__run){.replay = replay, .context = replay->context};
    run.world.context = replay->context;
    spotopt__arena_init(&run.arena, replay->context);
    spotopt__budget_start(&budget, replay->context, options);
    for (size_t a = 0; a < replay->tried.count; a++)
        has_oracle = has_oracle || replay->tried.at[a].method == SPOTOPT__BY_ORACLE;

    status = set_up(&run, &p, err);
    if (status == SPOTOPT_OK)
        status = walk(&run, false, &budget, err);
    if (status == SPOTOPT_OK && has_oracle) {
        status =
            tell_bounds(&run) ? walk(&run, true, &budget, err) : spotopt__nomem(err, "a replay");
    }
    if (status == SPOTOPT_OK) {
        remember(replay, &p, &run.world);
        replay->was_run = true;
    }
    clean_up(&run);
    return status;
}
