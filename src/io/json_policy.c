/* SPDX-License-Identifier: Apache-2.0 */
/*
 * json_policy.c - reads the fields of a Policy document over what a policy holds.
 *
 * What a document states replaces what the policy held, member by member; a list replaces a list as
 * a whole. Null takes back a limit where there can be one, and says nothing elsewhere. Whose fields
 * come over whose, parents and clients, is json_policy_clients.c's.
 */
#include <float.h>

#include "io/json_policy.h"
#include "io/maybe.h"
#include "model/policy.h"

#define LIST_MAX 10000
#define USD_MAX 1e9

typedef struct reader {
    spotopt_policy *policy;
    spotopt__unknown unknown;
} reader;

static void
warn_unknown(reader *r, const spotopt__at *at, const char *const *known)
{
    spotopt__policy_unknown(r->policy, at, known, &r->unknown);
}

static const char *
keep(reader *r, const char *text)
{
    return spotopt__arena_text(&r->policy->arena, text, strlen(text));
}

static spotopt_status
read_weights(reader *r, const spotopt__at *at, spotopt_error *err)
{
    static const char *const names[] = {"cost", "stability", "performance", "capacity", NULL};
    spotopt_status status = SPOTOPT_OK;

    warn_unknown(r, at, names);
    for (int f = 0; status == SPOTOPT_OK && f < SPOTOPT__FACTORS; f++)
        status = spotopt__maybe_real(at, names[f], 0.0, 1e6, &r->policy->weights[f], err);
    return status;
}

static spotopt_status
read_worth(reader *r, const spotopt__at *at, spotopt_error *err)
{
    static const char *const known[] = {"performance_usd_per_hour", "capacity_usd_per_hour", NULL};
    spotopt_policy *p = r->policy;
    spotopt_status status;

    warn_unknown(r, at, known);
    status = spotopt__maybe_limit(at, known[0], 0.0, USD_MAX, &p->worth_performance, err);
    if (status == SPOTOPT_OK)
        status = spotopt__maybe_limit(at, known[1], 0.0, USD_MAX, &p->worth_capacity, err);
    return status;
}

static spotopt_status
read_weights_from(reader *r, const spotopt__at *root, spotopt_error *err)
{
    spotopt__at at = spotopt__at_key(root, "weights_from");
    const char *text = NULL;
    spotopt_status status = spotopt__maybe_text(root, "weights_from", &text, err);

    if (status != SPOTOPT_OK || text == NULL)
        return status;
    if (strcmp(text, "stated") != 0 && strcmp(text, "money") != 0)
        return spotopt__fail_at(&at, err, "want \"stated\" or \"money\", not \"%s\"", text);
    r->policy->weights_from_money = strcmp(text, "money") == 0;
    return SPOTOPT_OK;
}

/* [target, limit], one below the other as is_rising says. */
static spotopt_status
read_slo_pair(const spotopt__at *parent, const char *key, bool is_rising, double most, double *pair,
              spotopt_error *err)
{
    spotopt__at at = spotopt__at_key(parent, key);
    double value[2];
    spotopt_status status;

    if (!spotopt__at_is_set(&at))
        return SPOTOPT_OK;
    status = spotopt__want_array(&at, err);
    if (status == SPOTOPT_OK && spotopt__json_count(at.value) != 2)
        return spotopt__fail_at(&at, err, "want two numbers: the target and the limit");
    for (spotopt__at it = spotopt__at_first(&at); status == SPOTOPT_OK && it.value != NULL;
         spotopt__at_step(&it))
        status = spotopt__want_real(&it, 0.0, most, &value[it.index], err);
    if (status != SPOTOPT_OK)
        return status;
    if (is_rising ? !(value[0] < value[1]) : !(value[0] > value[1]))
        return spotopt__fail_at(&at, err, "want the target %s the limit",
                                is_rising ? "below" : "above");
    pair[0] = value[0];
    pair[1] = value[1];
    return SPOTOPT_OK;
}

static spotopt_status
read_slo(reader *r, const spotopt__at *at, spotopt_error *err)
{
    static const char *const known[] = {"latency_ms", "throughput_rps", "error_frac", NULL};
    spotopt_policy *p = r->policy;
    spotopt_status status;

    warn_unknown(r, at, known);
    status = read_slo_pair(at, "latency_ms", true, 1e9, p->slo_latency_ms, err);
    if (status == SPOTOPT_OK)
        status = read_slo_pair(at, "throughput_rps", false, 1e12, p->slo_throughput_rps, err);
    if (status == SPOTOPT_OK)
        status = read_slo_pair(at, "error_frac", true, 1.0, p->slo_error_frac, err);
    return status;
}

static spotopt_status
read_interruption(reader *r, const spotopt__at *at, spotopt_error *err)
{
    static const char *const known[] = {"cost_usd", "horizon_hours", "max_probability",
                                        "max_mean_probability", NULL};
    spotopt_policy *p = r->policy;
    spotopt_status status;

    warn_unknown(r, at, known);
    status = spotopt__maybe_real(at, "cost_usd", 0.0, USD_MAX, &p->interruption_usd, err);
    if (status == SPOTOPT_OK)
        status = spotopt__maybe_real(at, "horizon_hours", 0.01, 8760.0, &p->horizon_h, err);
    if (status == SPOTOPT_OK)
        status = spotopt__maybe_limit(at, "max_probability", 0.0, 1.0, &p->max_probability, err);
    if (status == SPOTOPT_OK)
        status = spotopt__maybe_limit(at, "max_mean_probability", 0.0, 1.0,
                                      &p->max_mean_probability, err);
    return status;
}

static spotopt_status
read_spot(reader *r, const spotopt__at *at, spotopt_error *err)
{
    static const char *const known[] = {"enabled", "on_demand_base", "on_demand_frac", NULL};
    int64_t base = r->policy->on_demand_base;
    spotopt_status status;

    warn_unknown(r, at, known);
    status = spotopt__maybe_bool(at, "enabled", &r->policy->spot_enabled, err);
    if (status == SPOTOPT_OK)
        status = spotopt__maybe_int(at, "on_demand_base", 0, 1000000, &base, err);
    if (status == SPOTOPT_OK)
        status =
            spotopt__maybe_real(at, "on_demand_frac", 0.0, 1.0, &r->policy->on_demand_frac, err);
    if (status == SPOTOPT_OK)
        r->policy->on_demand_base = (uint32_t)base;
    return status;
}

static spotopt_status
read_headroom(reader *r, const spotopt__at *at, spotopt_error *err)
{
    static const char *const known[] = {"cpu_frac", "memory_frac", NULL};
    spotopt_status status;

    warn_unknown(r, at, known);
    status = spotopt__maybe_real(at, "cpu_frac", 0.0, 0.95, &r->policy->headroom_cpu_frac, err);
    if (status == SPOTOPT_OK)
        status = spotopt__maybe_real(at, "memory_frac", 0.0, 0.95, &r->policy->headroom_memory_frac,
                                     err);
    return status;
}

static spotopt_status
read_change(reader *r, const spotopt__at *at, spotopt_error *err)
{
    static const char *const known[] = {"min_saving_frac",
                                        "min_dwell_minutes",
                                        "max_moves_per_hour",
                                        "move_usd",
                                        "horizon_hours",
                                        "standard_errors",
                                        NULL};
    spotopt_policy *p = r->policy;
    spotopt_status status;

    warn_unknown(r, at, known);
    status = spotopt__maybe_real(at, "min_saving_frac", 0.0, 1.0, &p->min_saving_frac, err);
    if (status == SPOTOPT_OK)
        status = spotopt__maybe_real(at, "min_dwell_minutes", 0.0, 1e6, &p->min_dwell_min, err);
    if (status == SPOTOPT_OK)
        status = spotopt__maybe_real(at, "max_moves_per_hour", 0.0, 1e6, &p->max_moves_per_h, err);
    if (status == SPOTOPT_OK)
        status = spotopt__maybe_real(at, "move_usd", 0.0, USD_MAX, &p->move_usd, err);
    if (status == SPOTOPT_OK)
        status = spotopt__maybe_real(at, "horizon_hours", 0.01, 8760.0, &p->change_horizon_h, err);
    if (status == SPOTOPT_OK)
        status = spotopt__maybe_real(at, "standard_errors", 0.0, 100.0, &p->change_se, err);
    return status;
}

static spotopt_status
read_drain(reader *r, const spotopt__at *at, spotopt_error *err)
{
    return spotopt__policy_read_drain(r->policy, at, &r->unknown, err);
}

static spotopt_status
read_solver(reader *r, const spotopt__at *at, spotopt_error *err)
{
    static const char *const known[] = {"gap_rel", "deadline_s", "seed", NULL};
    spotopt_policy *p = r->policy;
    int64_t seed = -1;
    spotopt_status status;

    warn_unknown(r, at, known);
    status = spotopt__maybe_limit(at, "gap_rel", 0.0, 1.0, &p->gap_rel, err);
    if (status == SPOTOPT_OK)
        status = spotopt__maybe_limit(at, "deadline_s", 0.0, 1e7, &p->deadline_s, err);
    if (status == SPOTOPT_OK)
        status = spotopt__maybe_int(at, "seed", 0, (INT64_C(1) << 53) - 1, &seed, err);
    if (status == SPOTOPT_OK && seed >= 0)
        p->seed = (double)seed;
    return status;
}

/* A list of texts into *list (a spotopt__vec of const char *), replacing what was there. Null
 * empties it. */
#define READ_TEXTS(r, parent, key, list, err)                                                      \
    read_texts(r, parent, key, (const char ***)(void *)&(list)->at, &(list)->count, &(list)->room, \
               err)
static spotopt_status
read_texts(reader *r, const spotopt__at *parent, const char *key, const char ***at, size_t *count,
           size_t *room, spotopt_error *err)
{
    spotopt__at list = spotopt__at_key(parent, key);
    spotopt_status status = SPOTOPT_OK;
    const char *text;

    if (list.value == NULL)
        return SPOTOPT_OK;
    if (spotopt__at_is_set(&list))
        status = spotopt__want_array(&list, err);
    if (status != SPOTOPT_OK)
        return status;
    *count = 0;
    for (spotopt__at it = spotopt__at_first(&list); it.value != NULL; spotopt__at_step(&it)) {
        if (it.index == LIST_MAX)
            return spotopt__fail_at(&list, err, "want at most %d items", LIST_MAX);
        status = spotopt__want_name(&it, &text, err);
        if (status != SPOTOPT_OK)
            return status;
        text = keep(r, text);
        if (text == NULL ||
            (*count == *room && !spotopt__vec_reserve_(r->policy->context, (void **)(void *)at,
                                                       room, *count + 1, sizeof **at)))
            return spotopt__nomem(err, "a policy");
        (*at)[(*count)++] = text;
    }
    return SPOTOPT_OK;
}

static spotopt_status
read_allow(reader *r, const spotopt__at *at, spotopt_error *err)
{
    static const char *const known[] = {"arch", "families", "exclude", "max_usd_per_hour", NULL};
    spotopt_policy *p = r->policy;
    spotopt_status status;

    warn_unknown(r, at, known);
    status = READ_TEXTS(r, at, "arch", &p->arch, err);
    if (status == SPOTOPT_OK)
        status = READ_TEXTS(r, at, "families", &p->families, err);
    if (status == SPOTOPT_OK)
        status = READ_TEXTS(r, at, "exclude", &p->exclude, err);
    if (status == SPOTOPT_OK)
        status = spotopt__maybe_limit(at, "max_usd_per_hour", 0.0, USD_MAX, &p->max_usd_per_h, err);
    return status;
}

static spotopt_status
read_diversify(reader *r, const spotopt__at *item, spotopt_error *err)
{
    static const char *const known[] = {"key", "max_frac", NULL};
    spotopt__at key_at = spotopt__at_key(item, "key"), frac_at = spotopt__at_key(item, "max_frac");
    spotopt__diversify row = {NULL, 1.0};
    spotopt_status status;

    warn_unknown(r, item, known);
    status = spotopt__want_name(&key_at, &row.key, err);
    if (status == SPOTOPT_OK)
        status = spotopt__want_real(&frac_at, DBL_MIN, 1.0, &row.max_frac, err);
    if (status != SPOTOPT_OK)
        return status;
    for (size_t i = 0; i < r->policy->diversify.count; i++) {
        if (strcmp(r->policy->diversify.at[i].key, row.key) == 0)
            return spotopt__fail_at(&key_at, err, "\"%s\" is there already; want each once",
                                    row.key);
    }
    row.key = keep(r, row.key);
    if (row.key == NULL || !spotopt__vec_push(r->policy->context, &r->policy->diversify, row))
        return spotopt__nomem(err, "a policy");
    return SPOTOPT_OK;
}

static spotopt_status
read_quota(reader *r, const spotopt__at *item, spotopt_error *err)
{
    static const char *const known[] = {"family", "purchase", "max_vcpu", NULL};
    spotopt__at vcpu_at = spotopt__at_key(item, "max_vcpu"),
                purchase_at = spotopt__at_key(item, "purchase");
    spotopt__quota row = {NULL, NULL, 0.0};
    spotopt_status status;

    warn_unknown(r, item, known);
    status = spotopt__maybe_text(item, "family", &row.family, err);
    if (status == SPOTOPT_OK)
        status = spotopt__maybe_text(item, "purchase", &row.purchase, err);
    if (status == SPOTOPT_OK)
        status = spotopt__want_real(&vcpu_at, 0.0, 1e9, &row.max_vcpu, err);
    if (status != SPOTOPT_OK)
        return status;
    if (row.purchase != NULL && strcmp(row.purchase, "spot") != 0 &&
        strcmp(row.purchase, "on-demand") != 0)
        return spotopt__fail_at(&purchase_at, err, "want \"spot\" or \"on-demand\", not \"%s\"",
                                row.purchase);
    const char *family = row.family != NULL ? keep(r, row.family) : NULL;
    const char *purchase = row.purchase != NULL ? keep(r, row.purchase) : NULL;
    if ((row.family != NULL && family == NULL) || (row.purchase != NULL && purchase == NULL))
        return spotopt__nomem(err, "a policy");
    row.family = family;
    row.purchase = purchase;
    return spotopt__vec_push(r->policy->context, &r->policy->quotas, row)
               ? SPOTOPT_OK
               : spotopt__nomem(err, "a policy");
}

static spotopt_status
read_commitment(reader *r, const spotopt__at *item, spotopt_error *err)
{
    static const char *const known[] = {"pool", "count", "usd_per_hour", NULL};
    spotopt__at pool_at = spotopt__at_key(item, "pool"), count_at = spotopt__at_key(item, "count");
    spotopt__commitment row = {NULL, 0, 0.0};
    int64_t count = 0;
    spotopt_status status;

    warn_unknown(r, item, known);
    status = spotopt__want_name(&pool_at, &row.pool, err);
    if (status == SPOTOPT_OK)
        status = spotopt__want_int(&count_at, 0, 1000000, &count, err);
    if (status == SPOTOPT_OK)
        status = spotopt__maybe_real(item, "usd_per_hour", 0.0, USD_MAX, &row.usd_per_h, err);
    if (status != SPOTOPT_OK)
        return status;
    row.count = (uint32_t)count;
    row.pool = keep(r, row.pool);
    if (row.pool == NULL || !spotopt__vec_push(r->policy->context, &r->policy->commitments, row))
        return spotopt__nomem(err, "a policy");
    return SPOTOPT_OK;
}

static spotopt_status
read_time(const spotopt__at *parent, const char *key, double *out_s, spotopt_error *err)
{
    spotopt__at at = spotopt__at_key(parent, key);
    const char *text = NULL;
    spotopt_status status = spotopt__maybe_text(parent, key, &text, err);

    if (status == SPOTOPT_OK && text != NULL && !spotopt__parse_time(text, strlen(text), out_s))
        return spotopt__fail_at(&at, err,
                                "want a time such as \"2026-01-02T00:00:00Z\", not \"%s\"", text);
    return status;
}

static spotopt_status
read_override(reader *r, const spotopt__at *item, spotopt_error *err)
{
    static const char *const known[] = {"scope",  "target", "from", "until",
                                        "author", "reason", NULL};
    spotopt__at scope_at = spotopt__at_key(item, "scope"),
                target_at = spotopt__at_key(item, "target");
    spotopt__override row = {NULL, "", "", "", -INFINITY, INFINITY};
    bool is_all;
    spotopt_status status;

    warn_unknown(r, item, known);
    status = spotopt__want_text(&scope_at, &row.scope, err);
    if (status != SPOTOPT_OK)
        return status;
    is_all = strcmp(row.scope, "all") == 0;
    if (!is_all && strcmp(row.scope, "instance") != 0 && strcmp(row.scope, "cluster") != 0 &&
        strcmp(row.scope, "client") != 0)
        return spotopt__fail_at(&scope_at, err,
                                "want \"instance\", \"cluster\", \"client\" or \"all\", not \"%s\"",
                                row.scope);
    if (!is_all)
        status = spotopt__want_name(&target_at, &row.target, err);
    if (status == SPOTOPT_OK)
        status = read_time(item, "from", &row.from_s, err);
    if (status == SPOTOPT_OK)
        status = read_time(item, "until", &row.until_s, err);
    if (status == SPOTOPT_OK)
        status = spotopt__maybe_text(item, "author", &row.author, err);
    if (status == SPOTOPT_OK)
        status = spotopt__maybe_text(item, "reason", &row.reason, err);
    if (status != SPOTOPT_OK)
        return status;
    if (!(row.from_s < row.until_s))
        return spotopt__fail_at(item, err, "want from before until");
    row.scope = keep(r, row.scope);
    row.target = keep(r, row.target);
    row.author = keep(r, row.author);
    row.reason = keep(r, row.reason);
    if (row.scope == NULL || row.target == NULL || row.author == NULL || row.reason == NULL ||
        !spotopt__vec_push(r->policy->context, &r->policy->overrides, row))
        return spotopt__nomem(err, "a policy");
    return SPOTOPT_OK;
}

/* A list of objects: replaces what was there; null empties it. */
static spotopt_status
read_rows(reader *r, const spotopt__at *parent, const char *key, size_t *count,
          spotopt_status (*read_row)(reader *, const spotopt__at *, spotopt_error *),
          spotopt_error *err)
{
    spotopt__at list = spotopt__at_key(parent, key);
    spotopt_status status = SPOTOPT_OK;

    if (list.value == NULL)
        return SPOTOPT_OK;
    if (spotopt__at_is_set(&list))
        status = spotopt__want_array(&list, err);
    if (status == SPOTOPT_OK)
        *count = 0;
    for (spotopt__at it = spotopt__at_first(&list); status == SPOTOPT_OK && it.value != NULL;
         spotopt__at_step(&it)) {
        if (it.index == LIST_MAX)
            return spotopt__fail_at(&list, err, "want at most %d items", LIST_MAX);
        status = spotopt__want_object(&it, err);
        if (status == SPOTOPT_OK)
            status = read_row(r, &it, err);
    }
    return status;
}

static spotopt_status
read_part(reader *r, const spotopt__at *parent, const char *key,
          spotopt_status (*read)(reader *, const spotopt__at *, spotopt_error *),
          spotopt_error *err)
{
    spotopt__at at = spotopt__at_key(parent, key);
    bool is_set;
    spotopt_status status = spotopt__maybe_object(&at, &is_set, err);

    return status == SPOTOPT_OK && is_set ? read(r, &at, err) : status;
}

static spotopt_status
read_score(reader *r, const spotopt__at *root, spotopt_error *err)
{
    spotopt__at at = spotopt__at_key(root, "score");
    const char *text = NULL;
    spotopt_status status = spotopt__maybe_text(root, "score", &text, err);

    if (status != SPOTOPT_OK || text == NULL)
        return status;
    for (int32_t score = 0; score < SPOTOPT__SCORES; score++) {
        if (strcmp(text, spotopt__score_text(score)) == 0) {
            r->policy->score = score;
            return SPOTOPT_OK;
        }
    }
    return spotopt__fail_at(&at, err,
                            "want \"geometric\", \"arithmetic\", \"expected-cost\", "
                            "\"quantile\", \"topsis\" or \"lexicographic\", not \"%s\"",
                            text);
}

spotopt_status
spotopt__policy_read_fields(spotopt_policy *p, const spotopt__at *root, spotopt__unknown *unknown,
                            spotopt_error *err)
{
    reader own = {p, *unknown}, *r = &own;
    spotopt_status status = read_part(r, root, "weights", read_weights, err);
    if (status == SPOTOPT_OK)
        status = read_weights_from(r, root, err);
    if (status == SPOTOPT_OK)
        status = read_part(r, root, "worth", read_worth, err);
    if (status == SPOTOPT_OK)
        status = read_score(r, root, err);
    if (status == SPOTOPT_OK)
        status = read_part(r, root, "slo", read_slo, err);
    if (status == SPOTOPT_OK)
        status = read_part(r, root, "interruption", read_interruption, err);
    if (status == SPOTOPT_OK)
        status = read_part(r, root, "spot", read_spot, err);
    if (status == SPOTOPT_OK)
        status = read_rows(r, root, "diversify", &p->diversify.count, read_diversify, err);
    if (status == SPOTOPT_OK)
        status = read_part(r, root, "allow", read_allow, err);
    if (status == SPOTOPT_OK)
        status = read_rows(r, root, "quotas", &p->quotas.count, read_quota, err);
    if (status == SPOTOPT_OK)
        status = read_part(r, root, "headroom", read_headroom, err);
    if (status == SPOTOPT_OK)
        status = read_rows(r, root, "commitments", &p->commitments.count, read_commitment, err);
    if (status == SPOTOPT_OK)
        status = read_part(r, root, "change", read_change, err);
    if (status == SPOTOPT_OK)
        status = read_rows(r, root, "overrides", &p->overrides.count, read_override, err);
    if (status == SPOTOPT_OK)
        status = read_part(r, root, "drain", read_drain, err);
    if (status == SPOTOPT_OK)
        status = read_part(r, root, "solver", read_solver, err);
    *unknown = own.unknown;
    return status;
}
