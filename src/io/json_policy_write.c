/* SPDX-License-Identifier: Apache-2.0 */
/*
 * json_policy_write.c - writes a policy as a document that reads back as the same policy.
 */
#include "io/json_policy.h"
#include "model/policy.h"

static void
put_pair(spotopt__jw *jw, const char *key, const double *pair)
{
    spotopt__jw_key(jw, key);
    spotopt__jw_array(jw);
    spotopt__jw_real(jw, pair[0]);
    spotopt__jw_real(jw, pair[1]);
    spotopt__jw_end_array(jw);
}

static void
put_texts(spotopt__jw *jw, const char *key, const char *const *at, size_t count)
{
    spotopt__jw_key(jw, key);
    if (count == 0) {
        spotopt__jw_null(jw);
        return;
    }
    spotopt__jw_array(jw);
    for (size_t i = 0; i < count; i++)
        spotopt__jw_text(jw, at[i]);
    spotopt__jw_end_array(jw);
}

static void
put_time(spotopt__jw *jw, const char *key, double s)
{
    char text[32];

    if (!isfinite(s)) {
        spotopt__jw_key(jw, key);
        spotopt__jw_null(jw);
        return;
    }
    spotopt__write_time(s, text);
    spotopt__jw_put_text(jw, key, text);
}

static void
open_object(spotopt__jw *jw, const char *key)
{
    spotopt__jw_key(jw, key);
    spotopt__jw_object(jw);
}

static void
open_array(spotopt__jw *jw, const char *key)
{
    spotopt__jw_key(jw, key);
    spotopt__jw_array(jw);
}

static void
write_lists(spotopt__jw *jw, const spotopt_policy *p)
{
    open_array(jw, "quotas");
    for (size_t i = 0; i < p->quotas.count; i++) {
        spotopt__jw_object(jw);
        spotopt__jw_put_text(jw, "family", p->quotas.at[i].family);
        spotopt__jw_put_text(jw, "purchase", p->quotas.at[i].purchase);
        spotopt__jw_put_real(jw, "max_vcpu", p->quotas.at[i].max_vcpu);
        spotopt__jw_end_object(jw);
    }
    spotopt__jw_end_array(jw);

    open_object(jw, "headroom");
    spotopt__jw_put_real(jw, "cpu_frac", p->headroom_cpu_frac);
    spotopt__jw_put_real(jw, "memory_frac", p->headroom_memory_frac);
    spotopt__jw_end_object(jw);

    open_array(jw, "commitments");
    for (size_t i = 0; i < p->commitments.count; i++) {
        spotopt__jw_object(jw);
        spotopt__jw_put_text(jw, "pool", p->commitments.at[i].pool);
        spotopt__jw_put_int(jw, "count", p->commitments.at[i].count);
        spotopt__jw_put_real(jw, "usd_per_hour", p->commitments.at[i].usd_per_h);
        spotopt__jw_end_object(jw);
    }
    spotopt__jw_end_array(jw);
}

static void
write_overrides(spotopt__jw *jw, const spotopt_policy *p)
{
    open_array(jw, "overrides");
    for (size_t i = 0; i < p->overrides.count; i++) {
        const spotopt__override *o = &p->overrides.at[i];

        spotopt__jw_object(jw);
        spotopt__jw_put_text(jw, "scope", o->scope);
        spotopt__jw_put_text(jw, "target", o->target);
        put_time(jw, "from", o->from_s);
        put_time(jw, "until", o->until_s);
        spotopt__jw_put_text(jw, "author", o->author);
        spotopt__jw_put_text(jw, "reason", o->reason);
        spotopt__jw_end_object(jw);
    }
    spotopt__jw_end_array(jw);
}

void
spotopt__policy_write_fields(const spotopt_policy *p, spotopt__jw *jw)
{
    spotopt__jw_object(jw);
    spotopt__jw_put_text(jw, "apiVersion", "spotopt/v1");
    spotopt__jw_put_text(jw, "kind", "Policy");
    spotopt__jw_put_text(jw, "parent", NULL);

    open_object(jw, "weights");
    spotopt__jw_put_real(jw, "cost", p->weights[SPOTOPT__FACTOR_COST]);
    spotopt__jw_put_real(jw, "stability", p->weights[SPOTOPT__FACTOR_STABILITY]);
    spotopt__jw_put_real(jw, "performance", p->weights[SPOTOPT__FACTOR_PERFORMANCE]);
    spotopt__jw_put_real(jw, "capacity", p->weights[SPOTOPT__FACTOR_CAPACITY]);
    spotopt__jw_end_object(jw);
    spotopt__jw_put_text(jw, "weights_from", p->weights_from_money ? "money" : "stated");
    open_object(jw, "worth");
    spotopt__jw_put_real(jw, "performance_usd_per_hour", p->worth_performance);
    spotopt__jw_put_real(jw, "capacity_usd_per_hour", p->worth_capacity);
    spotopt__jw_end_object(jw);
    spotopt__jw_put_text(jw, "score", spotopt__score_text(p->score));

    open_object(jw, "slo");
    put_pair(jw, "latency_ms", p->slo_latency_ms);
    put_pair(jw, "throughput_rps", p->slo_throughput_rps);
    put_pair(jw, "error_frac", p->slo_error_frac);
    spotopt__jw_end_object(jw);

    open_object(jw, "interruption");
    spotopt__jw_put_real(jw, "cost_usd", p->interruption_usd);
    spotopt__jw_put_real(jw, "horizon_hours", p->horizon_h);
    spotopt__jw_put_real(jw, "max_probability", p->max_probability); /* NaN becomes null */
    spotopt__jw_put_real(jw, "max_mean_probability", p->max_mean_probability);
    spotopt__jw_end_object(jw);

    open_object(jw, "spot");
    spotopt__jw_put_bool(jw, "enabled", p->spot_enabled);
    spotopt__jw_put_int(jw, "on_demand_base", p->on_demand_base);
    spotopt__jw_put_real(jw, "on_demand_frac", p->on_demand_frac);
    spotopt__jw_end_object(jw);

    open_array(jw, "diversify");
    for (size_t i = 0; i < p->diversify.count; i++) {
        spotopt__jw_object(jw);
        spotopt__jw_put_text(jw, "key", p->diversify.at[i].key);
        spotopt__jw_put_real(jw, "max_frac", p->diversify.at[i].max_frac);
        spotopt__jw_end_object(jw);
    }
    spotopt__jw_end_array(jw);

    open_object(jw, "allow");
    put_texts(jw, "arch", p->arch.at, p->arch.count);
    put_texts(jw, "families", p->families.at, p->families.count);
    put_texts(jw, "exclude", p->exclude.at, p->exclude.count);
    spotopt__jw_put_real(jw, "max_usd_per_hour", p->max_usd_per_h);
    spotopt__jw_end_object(jw);
    write_lists(jw, p);

    open_object(jw, "change");
    spotopt__jw_put_real(jw, "min_saving_frac", p->min_saving_frac);
    spotopt__jw_put_real(jw, "min_dwell_minutes", p->min_dwell_min);
    spotopt__jw_put_real(jw, "max_moves_per_hour", p->max_moves_per_h);
    spotopt__jw_put_real(jw, "move_usd", p->move_usd);
    spotopt__jw_put_real(jw, "horizon_hours", p->change_horizon_h);
    spotopt__jw_put_real(jw, "standard_errors", p->change_se);
    spotopt__jw_end_object(jw);
    write_overrides(jw, p);
    spotopt__policy_write_drain(p, jw);

    open_object(jw, "solver");
    spotopt__jw_put_real(jw, "gap_rel", p->gap_rel);
    spotopt__jw_put_real(jw, "deadline_s", p->deadline_s);
    spotopt__jw_put_real(jw, "seed", p->seed);
    spotopt__jw_end_object(jw);
}

spotopt_status
spotopt_policy_write(const spotopt_policy *p, char **out_text, size_t *out_length,
                     spotopt_error *err)
{
    spotopt__str str;
    spotopt__jw jw;
    char *text;

    spotopt__str_init(&str, p->context);
    spotopt__jw_init(&jw, &str);
    spotopt__policy_write_fields(p, &jw);
    spotopt__policy_write_clients(p, &jw);
    spotopt__jw_end_object(&jw);

    text = spotopt__str_take(&str, out_length);
    if (text == NULL)
        return spotopt__nomem(err, "a policy document");
    *out_text = text;
    return SPOTOPT_OK;
}
