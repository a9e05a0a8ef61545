/* SPDX-License-Identifier: Apache-2.0 */
/*
 * rank_switch.c - a ranking's advice to what runs already: stay or move, by how much, and why.
 *
 * src/rank/hysteresis.c decides; here it gets its words.
 */
#include "pipeline/screen.h"

const char *
spotopt__switch_text(int32_t why)
{
    switch (why) {
    case SPOTOPT_SWITCH_IS_FIRST:
        return "is-first";
    case SPOTOPT_SWITCH_NO_OTHER:
        return "no-other";
    case SPOTOPT_SWITCH_SAVING:
        return "saving";
    case SPOTOPT_SWITCH_SHARE:
        return "min-saving";
    case SPOTOPT_SWITCH_DWELL:
        return "dwell";
    case SPOTOPT_SWITCH_BUDGET:
        return "budget";
    case SPOTOPT_SWITCH_WORTH:
        return "worth-it";
    case SPOTOPT_SWITCH_NOTICE:
        return "notice";
    case SPOTOPT_SWITCH_DROPPED:
        return "dropped";
    default:
        return "";
    }
}

typedef struct number {
    char text[SPOTOPT__REAL_SIZE];
} number;

/* As many digits as it takes to tell: a thousandth of a cent. */
static number
money(double usd)
{
    number n;

    spotopt__write_fixed(usd, 5, n.text);
    return n;
}

static number
round_number(double value, int digits)
{
    number n;

    spotopt__write_fixed(value, digits, n.text);
    return n;
}

static void
add_saving(spotopt__str *str, const spotopt__scene *scene, const spotopt__rank_switch *s)
{
    spotopt__str_addf(str, "it would save %s USD over %s h", money(s->saving_usd).text,
                      round_number(scene->policy->change_horizon_h, 1).text);
    if (scene->policy->change_se > 0.0)
        spotopt__str_addf(str, ", give or take %s for what is not known of the risks",
                          money(scene->policy->change_se * s->standard_error_usd).text);
    spotopt__str_addf(str, ", and a move costs %s", money(s->switching_usd).text);
}

static void
add_reason(spotopt__str *str, const spotopt__scene *scene)
{
    const spotopt__hold *hold = scene->hold;
    const spotopt__rank_switch *s = &hold->found;
    const spotopt__pool *pools = scene->catalog->pools.at;
    const char *best = hold->best == SPOTOPT__NONE ? "" : pools[hold->best].id;
    const spotopt__scene_pool *current = &scene->pools[hold->current];

    if (s->why >= SPOTOPT_SWITCH_WORTH)
        spotopt__str_addf(str, "move to %s: ", best);
    else
        spotopt__str_add(str, "stay: ");
    switch (s->why) {
    case SPOTOPT_SWITCH_IS_FIRST:
        spotopt__str_add(str, "no other pool is better");
        break;
    case SPOTOPT_SWITCH_NO_OTHER:
        spotopt__str_add(str, "no other pool came through the funnel");
        break;
    case SPOTOPT_SWITCH_SAVING:
        spotopt__str_addf(str, "%s is ahead, but ", best);
        add_saving(str, scene, s);
        break;
    case SPOTOPT_SWITCH_SHARE:
        spotopt__str_addf(
            str, "%s is ahead by %s USD an hour; min_saving_frac asks for %s %% of the price", best,
            money(s->lead_usd_per_h).text,
            round_number(100.0 * scene->policy->min_saving_frac, 1).text);
        break;
    case SPOTOPT_SWITCH_DWELL:
        spotopt__str_addf(str, "dwell %s of %s min", round_number(floor(hold->dwell_min), 0).text,
                          round_number(scene->policy->min_dwell_min, 0).text);
        break;
    case SPOTOPT_SWITCH_BUDGET:
        spotopt__str_addf(str, "%s of %s moves were made within the hour",
                          round_number(hold->moves, 0).text,
                          round_number(scene->policy->max_moves_per_h, 0).text);
        break;
    case SPOTOPT_SWITCH_NOTICE:
        spotopt__str_add(str, "the current pool is about to be taken away");
        break;
    case SPOTOPT_SWITCH_DROPPED:
        spotopt__str_addf(str, "the current pool fell at %s (%s)",
                          spotopt__stage_text(current->stage), spotopt__drop_text(current->reason));
        break;
    default:
        add_saving(str, scene, s);
        if (s->replicas < hold->replicas)
            spotopt__str_addf(str, "; %s of %s replicas now, for max_moves_per_hour",
                              round_number(s->replicas, 0).text,
                              round_number(hold->replicas, 0).text);
        break;
    }
}

bool
spotopt__switch_put(const spotopt__scene *scene, spotopt__jw *jw)
{
    const spotopt__hold *hold = scene->hold;
    const spotopt__rank_switch *s = &hold->found;
    const spotopt__pool *pools = scene->catalog->pools.at;
    uint32_t place = scene->pools[hold->current].place;
    spotopt__str reason;
    bool is_fine;

    spotopt__str_init(&reason, scene->context);
    add_reason(&reason, scene);
    spotopt__jw_key(jw, "switch");
    spotopt__jw_object(jw);
    spotopt__jw_put_text(jw, "current", pools[hold->current].id);
    spotopt__jw_key(jw, "current_place");
    if (place == SPOTOPT__NONE)
        spotopt__jw_null(jw);
    else
        spotopt__jw_int(jw, (int64_t)place + 1);
    spotopt__jw_put_text(jw, "verdict", s->why >= SPOTOPT_SWITCH_WORTH ? "move" : "stay");
    spotopt__jw_put_text(jw, "why", spotopt__switch_text(s->why));
    spotopt__jw_put_text(jw, "reason", reason.at != NULL ? reason.at : "");
    spotopt__jw_put_text(jw, "to", hold->best == SPOTOPT__NONE ? NULL : pools[hold->best].id);
    spotopt__jw_put_int(jw, "replicas", (int64_t)hold->replicas);
    spotopt__jw_put_int(jw, "replicas_now", (int64_t)s->replicas);
    spotopt__jw_put_real(jw, "lead_usd_per_hour", s->lead_usd_per_h); /* NaN becomes null */
    spotopt__jw_put_real(jw, "horizon_hours", scene->policy->change_horizon_h);
    spotopt__jw_put_real(jw, "saving_usd", s->saving_usd);
    spotopt__jw_put_real(jw, "switching_usd", s->switching_usd);
    spotopt__jw_put_real(jw, "standard_error_usd", s->standard_error_usd);
    spotopt__jw_put_real(jw, "standard_errors", scene->policy->change_se);
    spotopt__jw_put_real(jw, "net_usd", s->net_usd);
    spotopt__jw_put_real(jw, "dwell_minutes",
                         isfinite(hold->dwell_min) ? hold->dwell_min : (double)NAN);
    spotopt__jw_put_real(jw, "min_dwell_minutes", scene->policy->min_dwell_min);
    spotopt__jw_put_int(jw, "moves_last_hour", (int64_t)hold->moves);
    spotopt__jw_put_real(jw, "max_moves_per_hour", scene->policy->max_moves_per_h);
    spotopt__jw_end_object(jw);
    is_fine = !reason.failed;
    spotopt__str_free(&reason);
    return is_fine;
}
