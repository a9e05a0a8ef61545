/* SPDX-License-Identifier: Apache-2.0 */
/*
 * replay.c - policies to be tried, and what became of them.
 */
#include "replay/replay.h"

const spotopt__method spotopt__methods[SPOTOPT__METHODS] = {
    [SPOTOPT__BY_ON_DEMAND] = {"on-demand", "the cheapest on-demand nodes, never spot"},
    [SPOTOPT__BY_CHEAPEST] = {"cheapest", "the cheapest nodes there are, until they are lost"},
    [SPOTOPT__BY_ZONES] = {"one-per-zone",
                           "spread evenly over zones in turn, the cheapest pool in each"},
    [SPOTOPT__BY_LAST_DAY] = {"last-day",
                              "least price plus what the losses of the last 24 h would cost"},
    [SPOTOPT__BY_HAZARD] = {"hazard", "least price plus forecast losses, moving where that pays"},
    [SPOTOPT__BY_ORACLE] = {"oracle", "knows the future: what could have been had"},
};

spotopt_status
spotopt_replay_new(spotopt_context *context, spotopt_replay **out, spotopt_error *err)
{
    spotopt_replay *replay;

    if (out == NULL)
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT, "out is NULL; want it set");
    replay = spotopt__alloc(context, sizeof *replay);
    if (replay == NULL)
        return spotopt__nomem(err, "a replay");
    replay->context = spotopt__context_hold(context);
    spotopt__arena_init(&replay->arena, context);
    *out = replay;
    return SPOTOPT_OK;
}

void
spotopt_replay_free(spotopt_replay *replay)
{
    if (replay == NULL)
        return;
    spotopt_context *context = replay->context;
    spotopt__vec_free(context, &replay->tried);
    spotopt__arena_free(&replay->arena);
    spotopt__free(context, replay);
    spotopt__context_drop(context);
}

const char *
spotopt_replay_method(size_t index)
{
    return index < SPOTOPT__METHODS ? spotopt__methods[index].name : NULL;
}

const char *
spotopt_replay_method_help(size_t index)
{
    return index < SPOTOPT__METHODS ? spotopt__methods[index].help : NULL;
}

static int
method_of(const char *name)
{
    for (int m = 0; m < SPOTOPT__METHODS; m++) {
        if (strcmp(name, spotopt__methods[m].name) == 0)
            return m;
    }
    return -1;
}

spotopt_status
spotopt_replay_add(spotopt_replay *replay, const char *name, const char *method,
                   const spotopt_policy *document, spotopt_error *err)
{
    char quoted[SPOTOPT__QUOTE_SIZE];
    spotopt__tried tried = {.bound_usd = NAN};

    if (replay == NULL || name == NULL)
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT, "%s is NULL; want it set",
                             replay == NULL ? "replay" : "name");
    if (replay->was_run)
        return spotopt__fail(err, SPOTOPT_E_STATE, "the replay was run already");
    tried.method = method_of(method != NULL ? method : "hazard");
    if (tried.method < 0)
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT,
                             "method %s: want on-demand, cheapest, one-per-zone, last-day, hazard "
                             "or oracle",
                             spotopt__quote(method, quoted));
    if (name[0] == '\0')
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT, "a policy's name is empty");
    for (size_t i = 0; i < replay->tried.count; i++) {
        if (strcmp(replay->tried.at[i].name, name) == 0)
            return spotopt__fail(err, SPOTOPT_E_ARGUMENT, "policy %s is there already",
                                 spotopt__quote(name, quoted));
    }
    if (replay->tried.count == SPOTOPT__POLICIES_MAX)
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT, "more than %d policies",
                             SPOTOPT__POLICIES_MAX);
    tried.name = spotopt__arena_text(&replay->arena, name, strlen(name));
    tried.has_document = document != NULL;
    if (tried.name == NULL ||
        (document != NULL && !spotopt__terms_copy(&tried.terms, &replay->arena, document)) ||
        !spotopt__vec_push(replay->context, &replay->tried, tried))
        return spotopt__nomem(err, "a replay");
    return SPOTOPT_OK;
}

size_t
spotopt_replay_count(const spotopt_replay *replay)
{
    return replay->tried.count;
}

spotopt_status
spotopt_replay_outcome_at(const spotopt_replay *replay, size_t policy, spotopt_replay_outcome *out,
                          spotopt_error *err)
{
    spotopt_replay_outcome ours = SPOTOPT_REPLAY_OUTCOME_INIT;
    const spotopt__tried *tried;
    const spotopt__tally *total;
    size_t size;

    if (replay == NULL)
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT, "replay is NULL; want it set");
    if (out == NULL || out->size < sizeof out->size)
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT, "out's size is not set");
    if (!replay->was_run)
        return spotopt__fail(err, SPOTOPT_E_STATE, "the replay was not run yet");
    if (policy >= replay->tried.count)
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT, "policy is %zu; want it below %zu", policy,
                             replay->tried.count);
    tried = &replay->tried.at[policy];
    total = &tried->total;
    ours.name = tried->name;
    ours.method = spotopt__methods[tried->method].name;
    ours.cost_usd = total->cost_usd;
    ours.on_demand_usd = total->on_demand_usd;
    ours.losses_usd = total->losses_usd;
    ours.objective_usd = total->cost_usd + total->losses_usd;
    ours.bound_usd = tried->bound_usd;
    ours.gross_saving_frac = 1.0 - total->cost_usd / total->on_demand_usd;
    ours.net_saving_frac = 1.0 - ours.objective_usd / total->on_demand_usd;
    ours.interruptions = total->interruptions;
    ours.lost_replica_hours = total->lost_h;
    ours.replica_hours = total->replica_h;
    ours.moves = total->moves;
    ours.under_target_hours = total->under_h;
    ours.demand_hours = total->demand_h;
    ours.on_demand_frac = total->node_h > 0.0 ? total->on_demand_node_h / total->node_h : NAN;
    size = out->size < sizeof ours ? out->size : sizeof ours;
    ours.size = out->size;
    memcpy(out, &ours, size);
    return SPOTOPT_OK;
}
