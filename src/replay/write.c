/* SPDX-License-Identifier: Apache-2.0 */
/*
 * write.c - the Replay document.
 */
#include "replay/replay.h"

static void
put_sha(spotopt__jw *jw, const char *key, const char *sha)
{
    char text[8 + 65];

    spotopt__jw_key(jw, key);
    if (sha[0] == '\0') {
        spotopt__jw_null(jw);
        return;
    }
    memcpy(text, "sha256:", 7);
    memcpy(text + 7, sha, 65);
    spotopt__jw_text(jw, text);
}

static void
put_head(const spotopt_replay *replay, spotopt__jw *jw)
{
    static const char *const keys[] = {"catalog", "demand", "history", "prices"};

    spotopt__jw_put_text(jw, "apiVersion", "spotopt/v1");
    spotopt__jw_put_text(jw, "kind", "Replay");
    spotopt__jw_put_real(jw, "from_s", replay->from_s);
    spotopt__jw_put_real(jw, "to_s", replay->to_s);
    spotopt__jw_put_real(jw, "step_s", replay->step_s);
    spotopt__jw_put_real(jw, "startup_s", replay->startup_s);
    spotopt__jw_put_int(jw, "steps", (int64_t)replay->steps);
    spotopt__jw_key(jw, "inputs");
    spotopt__jw_object(jw);
    for (int i = 0; i < 4; i++)
        put_sha(jw, keys[i], replay->sha256[i]);
    spotopt__jw_put_text(jw, "model", replay->model_id[0] != '\0' ? replay->model_id : NULL);
    spotopt__jw_end_object(jw);
    spotopt__jw_key(jw, "terms");
    spotopt__jw_object(jw);
    spotopt__jw_put_real(jw, "interruption_usd", replay->terms.interruption_usd);
    spotopt__jw_put_real(jw, "move_usd", replay->terms.move_usd);
    spotopt__jw_end_object(jw);
    spotopt__jw_key(jw, "pools");
    spotopt__jw_object(jw);
    spotopt__jw_put_int(jw, "in", (int64_t)replay->pools);
    spotopt__jw_put_int(jw, "watched", (int64_t)replay->pools_known);
    spotopt__jw_end_object(jw);
}

static void
put_tally(spotopt__jw *jw, const spotopt__tally *t, double bound, bool has_bound)
{
    const double objective = t->cost_usd + t->losses_usd;

    spotopt__jw_put_real(jw, "cost_usd", t->cost_usd);
    spotopt__jw_put_real(jw, "on_demand_usd", t->on_demand_usd);
    spotopt__jw_put_real(jw, "losses_usd", t->losses_usd);
    spotopt__jw_put_real(jw, "objective_usd", objective);
    spotopt__jw_put_real(jw, "gross_saving_frac", 1.0 - t->cost_usd / t->on_demand_usd);
    spotopt__jw_put_real(jw, "net_saving_frac", 1.0 - objective / t->on_demand_usd);
    spotopt__jw_put_real(jw, "interruptions", t->interruptions);
    spotopt__jw_put_real(jw, "lost_replica_hours", t->lost_h);
    spotopt__jw_put_real(jw, "replica_hours", t->replica_h);
    spotopt__jw_put_real(jw, "moves", t->moves);
    spotopt__jw_put_real(jw, "under_target_hours", t->under_h);
    spotopt__jw_put_real(jw, "under_target_frac", t->under_h / t->demand_h);
    spotopt__jw_put_real(jw, "on_demand_frac", t->on_demand_node_h / t->node_h);
    if (has_bound) {
        spotopt__jw_put_real(jw, "bound_usd", bound);
        spotopt__jw_put_bool(jw, "is_optimal", objective - bound <= 1e-6 * fmax(1.0, objective));
    }
}

static void
put_policies(const spotopt_replay *replay, spotopt__jw *jw)
{
    spotopt__jw_key(jw, "policies");
    spotopt__jw_array(jw);
    for (size_t a = 0; a < replay->tried.count; a++) {
        const spotopt__tried *tried = &replay->tried.at[a];
        const bool is_oracle = tried->method == SPOTOPT__BY_ORACLE;

        spotopt__jw_object(jw);
        spotopt__jw_put_text(jw, "policy", tried->name);
        spotopt__jw_put_text(jw, "method", spotopt__methods[tried->method].name);
        put_tally(jw, &tried->total, tried->bound_usd, is_oracle);
        spotopt__jw_key(jw, "demands");
        spotopt__jw_array(jw);
        for (size_t d = 0; d < replay->demand_count; d++) {
            spotopt__jw_object(jw);
            spotopt__jw_put_text(jw, "demand", replay->demand_names[d]);
            put_tally(jw, &tried->demands[d], tried->demand_bound[d], is_oracle);
            spotopt__jw_end_object(jw);
        }
        spotopt__jw_end_array(jw);
        spotopt__jw_end_object(jw);
    }
    spotopt__jw_end_array(jw);
}

static spotopt_status
put_pair(const spotopt_replay *replay, size_t policy, size_t other, spotopt__jw *jw,
         spotopt_error *err)
{
    static const char *const keys[SPOTOPT__MEASURES] = {"objective_usd", "cost_usd",
                                                        "interruptions", "lost_replica_hours"};

    spotopt__jw_object(jw);
    spotopt__jw_put_text(jw, "policy", replay->tried.at[policy].name);
    spotopt__jw_put_text(jw, "against", replay->tried.at[other].name);
    spotopt__jw_put_int(jw, "days", (int64_t)replay->day_count);
    for (int m = 0; m < SPOTOPT__MEASURES; m++) {
        spotopt_replay_comparison c = SPOTOPT_REPLAY_COMPARISON_INIT;
        spotopt_status status = spotopt_replay_compare(replay, policy, other, m, &c, err);

        if (status != SPOTOPT_OK)
            return status;
        spotopt__jw_key(jw, keys[m]);
        spotopt__jw_object(jw);
        spotopt__jw_put_real(jw, "difference", c.difference);
        spotopt__jw_key(jw, "interval");
        spotopt__jw_array(jw);
        spotopt__jw_real(jw, c.low);
        spotopt__jw_real(jw, c.high);
        spotopt__jw_end_array(jw);
        spotopt__jw_put_real(jw, "better_frac", c.better_frac);
        spotopt__jw_end_object(jw);
    }
    spotopt__jw_end_object(jw);
    return SPOTOPT_OK;
}

static void
put_column(const spotopt_replay *replay, const spotopt__tried *tried, const char *key, size_t field,
           spotopt__jw *jw)
{
    spotopt__jw_key(jw, key);
    spotopt__jw_array(jw);
    for (size_t i = 0; i < replay->point_count; i++) {
        if (tried == NULL)
            spotopt__jw_real(jw, replay->point_s[i]);
        else
            spotopt__jw_real(jw, ((const double *)&tried->points[i])[field]);
    }
    spotopt__jw_end_array(jw);
}

static void
put_series(const spotopt_replay *replay, spotopt__jw *jw)
{
    static const char *const keys[] = {"cost_usd", "objective_usd", "interruptions",
                                       "lost_replica_hours", "moves"};

    _Static_assert(sizeof(spotopt__point) == sizeof keys / sizeof *keys * sizeof(double),
                   "a key for each");
    spotopt__jw_key(jw, "series");
    spotopt__jw_object(jw);
    put_column(replay, NULL, "time_s", 0, jw);
    spotopt__jw_key(jw, "policies");
    spotopt__jw_array(jw);
    for (size_t a = 0; a < replay->tried.count; a++) {
        spotopt__jw_object(jw);
        spotopt__jw_put_text(jw, "policy", replay->tried.at[a].name);
        for (size_t k = 0; k < sizeof keys / sizeof *keys; k++)
            put_column(replay, &replay->tried.at[a], keys[k], k, jw);
        spotopt__jw_end_object(jw);
    }
    spotopt__jw_end_array(jw);
    spotopt__jw_end_object(jw);
}

spotopt_status
spotopt_replay_write(const spotopt_replay *replay, char **out_text, size_t *out_length,
                     spotopt_error *err)
{
    spotopt_status status = SPOTOPT_OK;
    spotopt__str str;
    spotopt__jw jw;
    char *text;

    if (replay == NULL || out_text == NULL)
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT, "%s is NULL; want it set",
                             replay == NULL ? "replay" : "out_text");
    if (!replay->was_run)
        return spotopt__fail(err, SPOTOPT_E_STATE, "the replay was not run yet");
    spotopt__str_init(&str, replay->context);
    spotopt__jw_init(&jw, &str);
    spotopt__jw_object(&jw);
    put_head(replay, &jw);
    put_policies(replay, &jw);
    spotopt__jw_key(&jw, "comparisons");
    spotopt__jw_array(&jw);
    for (size_t a = 0; a < replay->tried.count; a++) {
        for (size_t b = 0; status == SPOTOPT_OK && b < a; b++)
            status = put_pair(replay, a, b, &jw, err);
    }
    spotopt__jw_end_array(&jw);
    put_series(replay, &jw);
    spotopt__jw_end_object(&jw);
    spotopt__str_add(&str, "\n");
    if (status != SPOTOPT_OK) {
        spotopt__str_free(&str);
        return status;
    }
    text = spotopt__str_take(&str, out_length);
    if (text == NULL)
        return spotopt__nomem(err, "a replay's document");
    *out_text = text;
    return SPOTOPT_OK;
}
