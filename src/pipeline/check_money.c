/* SPDX-License-Identifier: Apache-2.0 */
/*
 * check_money.c - do the numbers of a Plan document follow from its nodes, pods and inputs?
 *
 * Every sum is taken again. The on-demand equivalent cannot be recomputed without a solver; it is
 * held between what the pods' resources cost at the cheapest on-demand rates and each pod on a
 * machine of its own.
 */
#include "pipeline/check.h"
#include "rank/rank.h"

typedef struct money {
    double before_usd, after_usd, before_losses, after_losses, objective;
    uint32_t after_nodes, moves, paid_moves, unplaced, pods;
} money;

static void
count_money(const spotopt__check *check, money *m)
{
    const spotopt__scene *scene = check->scene;
    const spotopt_cluster *cluster = scene->cluster;
    const spotopt_policy *policy = scene->policy;

    for (uint32_t n = 0; n < check->nodes.count; n++) {
        uint32_t pool = check->nodes.at[n].pool;
        bool is_old = n < cluster->nodes.count, stays = check->nodes.at[n].action != SPOTOPT__DRAIN;
        double losses = pool == SPOTOPT__NONE ? 0.0 : scene->pools[pool].losses_per_h;

        if (is_old) {
            double usd = scene->nodes[n].usd_per_h >= 0.0 ? scene->nodes[n].usd_per_h : 0.0;

            m->before_usd += usd;
            m->before_losses += losses;
            m->after_usd += stays ? usd : 0.0;
            m->objective += stays ? scene->nodes[n].cost : 0.0;
        }
        m->after_losses += stays ? losses : 0.0;
        m->after_nodes += stays;
    }
    for (size_t i = 0; i < cluster->pods.count; i++) {
        const spotopt__pod *pod = &cluster->pods.at[i];

        m->pods += spotopt__pod_counts(pod);
        m->unplaced += spotopt__pod_counts(pod) && check->target[i] == SPOTOPT__NONE;
        if (check->target[i] == SPOTOPT__NONE || pod->node == SPOTOPT__NONE ||
            check->target[i] == pod->node)
            continue;
        m->moves++;
        m->paid_moves +=
            !scene->nodes[pod->node].must_go || check->nodes.at[pod->node].action == SPOTOPT__KEEP;
    }
    m->objective += m->paid_moves * policy->move_usd / policy->change_horizon_h;
}

/* New nodes cost their pool's price, or a commitment's while there are some left. */
static spotopt_status
add_launches(spotopt__check *check, money *m, spotopt_error *err)
{
    const spotopt__scene *scene = check->scene;
    const spotopt_policy *policy = scene->policy;
    spotopt__at list = spotopt__at_key(check->root, "nodes"), item;
    uint32_t *used =
        spotopt__alloc_array(check->context, policy->commitments.count + 1, sizeof *used);
    spotopt_status status = used == NULL ? spotopt__nomem(err, "commitments") : SPOTOPT_OK;

    for (size_t n = 0; n < scene->cluster->nodes.count && status == SPOTOPT_OK; n++) {
        if (scene->nodes[n].commitment != SPOTOPT__NONE &&
            check->nodes.at[n].action == SPOTOPT__KEEP)
            used[scene->nodes[n].commitment]++;
    }
    for (item = spotopt__at_first(&list); item.value != NULL && status == SPOTOPT_OK;
         spotopt__at_step(&item)) {
        const char *name = spotopt__json_text(spotopt__json_get(item.value, "name"));
        uint32_t node = name == NULL ? SPOTOPT__NONE : spotopt__map_get(&check->node_by_name, name);
        spotopt__at at = spotopt__at_key(&item, "usd_per_hour");
        double usd = (double)NAN;

        if (node == SPOTOPT__NONE)
            continue;
        if (spotopt__at_is_set(&at) &&
            (status = spotopt__want_real(&at, 0.0, 1e9, &usd, err)) != SPOTOPT_OK)
            break;
        if (node < scene->cluster->nodes.count) {
            if (!spotopt__near(usd, scene->nodes[node].usd_per_h))
                spotopt__fault(check, "node %.80s: its price is not the catalog's", name);
            continue;
        }
        const spotopt__pool *pool = &scene->catalog->pools.at[check->nodes.at[node].pool];
        bool is_committed = spotopt__near(usd, pool->usd_per_h);
        for (size_t c = 0; c < policy->commitments.count && !is_committed; c++) {
            if (spotopt__near(usd, policy->commitments.at[c].usd_per_h) &&
                used[c] < policy->commitments.at[c].count &&
                spotopt__glob(policy->commitments.at[c].pool, pool->id)) {
                used[c]++;
                is_committed = true;
            }
        }
        if (!is_committed)
            spotopt__fault(check, "node %.80s: its price is neither its pool's nor a commitment's",
                           name);
        m->after_usd += usd;
        m->objective +=
            usd + scene->pools[check->nodes.at[node].pool].losses_per_h * policy->interruption_usd;
    }
    spotopt__free(check->context, used);
    return status;
}

/* --- the document's numbers --- */

static spotopt_status
read_number(const spotopt__at *parent, const char *key, double *out, spotopt_error *err)
{
    spotopt__at at = spotopt__at_key(parent, key);

    *out = (double)NAN;
    return spotopt__at_is_set(&at) ? spotopt__want_real(&at, -1e15, 1e15, out, err) : SPOTOPT_OK;
}

static spotopt_status
compare(spotopt__check *check, const spotopt__at *parent, const char *key, double want,
        spotopt_error *err)
{
    char said_text[SPOTOPT__REAL_SIZE], want_text[SPOTOPT__REAL_SIZE];
    double said;
    spotopt_status status = read_number(parent, key, &said, err);

    if (status == SPOTOPT_OK && !spotopt__near(said, want)) {
        spotopt__write_real(said, said_text);
        spotopt__write_real(want, want_text);
        spotopt__fault(check, "%s%s%s is %s; it comes to %s",
                       parent->key == NULL ? "" : parent->key, parent->key == NULL ? "" : ".", key,
                       isnan(said) ? "null" : said_text, isnan(want) ? "null" : want_text);
    }
    return status;
}

/* What on-demand resources cost at least: the dearest single resource at its cheapest rate. And at
 * most: a machine a pod. */
static void
bound_on_demand(const spotopt__check *check, double *low, double *high)
{
    const spotopt__scene *scene = check->scene;
    const spotopt_cluster *cluster = scene->cluster;

    *low = *high = 0.0;
    for (uint32_t r = 0; r < cluster->resources.count; r++) {
        double rate = INFINITY, load = 0.0;

        for (size_t p = 0; p < scene->catalog->pools.count; p++) {
            const spotopt__pool *pool = &scene->catalog->pools.at[p];

            if (pool->purchase == SPOTOPT__ON_DEMAND && pool->usd_per_h >= 0.0 &&
                scene->pools[p].room.of[r] > 0)
                rate = fmin(rate, pool->usd_per_h / (double)scene->pools[p].room.of[r]);
        }
        for (size_t i = 0; i < cluster->pods.count; i++) {
            if (spotopt__pod_counts(&cluster->pods.at[i]) && check->target[i] != SPOTOPT__NONE)
                load += (double)cluster->shapes.at[cluster->pods.at[i].shape].request.of[r];
        }
        if (load > 0.0 && isfinite(rate))
            *low = fmax(*low, load * rate);
    }
    double dearest = 0.0;
    for (size_t p = 0; p < scene->catalog->pools.count; p++) {
        if (scene->catalog->pools.at[p].purchase == SPOTOPT__ON_DEMAND &&
            scene->catalog->pools.at[p].usd_per_h >= 0.0)
            dearest = fmax(dearest, scene->catalog->pools.at[p].usd_per_h);
    }
    for (size_t i = 0; i < cluster->pods.count; i++)
        *high += spotopt__pod_counts(&cluster->pods.at[i]) ? dearest : 0.0;
}

static spotopt_status
check_side(spotopt__check *check, const spotopt__at *summary, const char *key, double usd,
           uint32_t nodes, double losses_per_h, spotopt_error *err)
{
    spotopt__at side = spotopt__at_key(summary, key);
    spotopt_status status = spotopt__want_object(&side, err);

    if (status != SPOTOPT_OK ||
        (status = compare(check, &side, "usd_per_hour", usd, err)) != SPOTOPT_OK ||
        (status = compare(check, &side, "nodes", nodes, err)) != SPOTOPT_OK)
        return status;
    return compare(check, &side, "interruptions_per_day", losses_per_h * 24.0, err);
}

static spotopt_status
check_summary(spotopt__check *check, const money *m, spotopt_error *err)
{
    spotopt__at summary = spotopt__at_key(check->root, "summary");
    spotopt_status status = spotopt__want_object(&summary, err);
    double ode, ode_bound, bound, bound_usd, low, high;

    if (status != SPOTOPT_OK ||
        (status = check_side(check, &summary, "before", m->before_usd,
                             (uint32_t)check->scene->cluster->nodes.count, m->before_losses,
                             err)) != SPOTOPT_OK ||
        (status = check_side(check, &summary, "after", m->after_usd, m->after_nodes,
                             m->after_losses, err)) != SPOTOPT_OK ||
        (status = read_number(&summary, "on_demand_usd_per_hour", &ode, err)) != SPOTOPT_OK ||
        (status = read_number(&summary, "on_demand_bound_usd_per_hour", &ode_bound, err)) !=
            SPOTOPT_OK ||
        (status = read_number(&summary, "bound", &bound, err)) != SPOTOPT_OK ||
        (status = read_number(&summary, "bound_usd_per_hour", &bound_usd, err)) != SPOTOPT_OK)
        return status;
    double losses_usd = m->after_losses * check->scene->policy->interruption_usd;
    bool has_ode = ode > 0.0;
    if ((status = compare(check, &summary, "gross_saving_frac",
                          has_ode ? 1.0 - m->after_usd / ode : (double)NAN, err)) != SPOTOPT_OK ||
        (status = compare(check, &summary, "net_saving_frac",
                          has_ode ? 1.0 - (m->after_usd + losses_usd) / ode : (double)NAN, err)) !=
            SPOTOPT_OK ||
        (status = compare(check, &summary, "objective", m->objective, err)) != SPOTOPT_OK ||
        (status = compare(check, &summary, "gap", (m->objective - bound) / fmax(m->objective, 1e-9),
                          err)) != SPOTOPT_OK ||
        (status = compare(check, &summary, "moves", m->moves, err)) != SPOTOPT_OK ||
        (status = compare(check, &summary, "pods", m->pods, err)) != SPOTOPT_OK ||
        (status = compare(check, &summary, "pods_unplaced", m->unplaced, err)) != SPOTOPT_OK)
        return status;
    if (!(bound >= 0.0 && bound <= m->objective + 1e-7 * fmax(1.0, m->objective)))
        spotopt__fault(check, "summary.bound is not between 0 and the objective");
    if (bound_usd > m->after_usd + 1e-7 * fmax(1.0, m->after_usd) || bound_usd < 0.0)
        spotopt__fault(check, "summary.bound_usd_per_hour is not between 0 and the plan's cost");
    bound_on_demand(check, &low, &high);
    if (has_ode &&
        (ode < low * (1.0 - 1e-9) || ode > high * (1.0 + 1e-9) || ode_bound > ode * (1.0 + 1e-9)))
        spotopt__fault(
            check,
            "summary.on_demand_usd_per_hour is out of the range that the pods' requests allow");
    return SPOTOPT_OK;
}

/* --- pools and the funnel --- */

static spotopt_status
check_pool(spotopt__check *check, const spotopt__at *item, const uint32_t *chosen,
           unsigned char *listed, uint64_t *with_nodes, spotopt_error *err)
{
    static const char *const factor_keys[SPOTOPT__FACTORS] = {"cost", "stability", "performance",
                                                              "capacity"};
    static const char *const horizon_keys[SPOTOPT__HORIZONS] = {"1", "4", "24"};
    const char *id = spotopt__json_text(spotopt__json_get(item->value, "pool"));
    uint32_t pool =
        id == NULL ? SPOTOPT__NONE : spotopt__map_get(&check->scene->catalog->pool_by_id, id);
    spotopt_status status;

    if (pool == SPOTOPT__NONE) {
        spotopt__fault(check, "pools: %.80s is not in the catalog", id == NULL ? "(none)" : id);
        return SPOTOPT_OK;
    }
    const spotopt__scene_pool *known = &check->scene->pools[pool];
    if (listed[pool]) {
        spotopt__fault(check, "pools: %.80s is listed more than once", id);
        return SPOTOPT_OK;
    }
    listed[pool] = 1;
    *with_nodes += chosen[pool] > 0;
    if ((status = compare(check, item, "chosen", chosen[pool], err)) != SPOTOPT_OK ||
        (status = compare(check, item, "usd_per_hour",
                          check->scene->catalog->pools.at[pool].usd_per_h, err)) != SPOTOPT_OK)
        return status;
    spotopt__at p = spotopt__at_key(item, "p");
    if ((status = spotopt__want_object(&p, err)) != SPOTOPT_OK)
        return status;
    for (int h = 0; h < SPOTOPT__HORIZONS; h++) {
        const double want[3] = {known->p[h], known->low[h], known->high[h]};
        spotopt__at triple = spotopt__at_key(&p, horizon_keys[h]), value;
        int i = 0;

        if ((status = spotopt__want_array(&triple, err)) != SPOTOPT_OK)
            return status;
        for (value = spotopt__at_first(&triple); value.value != NULL && i < 3;
             spotopt__at_step(&value), i++) {
            if (!spotopt__near(spotopt__json_real(value.value), want[i]))
                spotopt__fault(check, "pool %.80s: p over %s h is not what its history says", id,
                               horizon_keys[h]);
        }
        if (i != 3 || value.value != NULL)
            spotopt__fault(check, "pool %.80s: p over %s h is not three numbers", id,
                           horizon_keys[h]);
    }
    if (known->place == SPOTOPT__NONE) {
        const char *dropped = spotopt__json_text(spotopt__json_get(item->value, "dropped"));

        if (dropped == NULL || strcmp(dropped, spotopt__drop_text(known->reason)) != 0)
            spotopt__fault(check, "pool %.80s dropped out for %s", id,
                           spotopt__drop_text(known->reason));
        return SPOTOPT_OK;
    }
    spotopt__at factors = spotopt__at_key(item, "factors"),
                parts = spotopt__at_key(item, "contributions");
    status = compare(check, item, "place", (double)known->place + 1.0, err);
    if (status == SPOTOPT_OK)
        status = compare(check, item, "score", known->score, err);
    if (status == SPOTOPT_OK)
        status = compare(check, item, "expected_usd_per_hour", known->expected_usd_per_h, err);
    for (int f = 0; f < SPOTOPT__FACTORS && status == SPOTOPT_OK; f++) {
        status = compare(check, &factors, factor_keys[f], known->factors[f], err);
        if (status == SPOTOPT_OK)
            status = compare(check, &parts, factor_keys[f], known->contributions[f], err);
    }
    return status;
}

/* Of each pool with nodes, the best by rank other than itself. */
static spotopt_status
check_alternates(spotopt__check *check, const uint32_t *chosen, uint64_t *out_most,
                 spotopt_error *err)
{
    const spotopt__scene *scene = check->scene;
    spotopt__at all = spotopt__at_key(check->root, "alternates"), list, item;
    uint32_t *node_pool =
        spotopt__alloc_array(check->context, check->nodes.count + 1, sizeof *node_pool);
    spotopt_status status =
        node_pool == NULL ? spotopt__nomem(err, "alternates") : spotopt__want_object(&all, err);

    for (size_t n = 0; n < check->nodes.count && node_pool != NULL; n++)
        node_pool[n] = check->nodes.at[n].pool;

    *out_most = 0;
    for (uint32_t i = 0; i < scene->catalog->pools.count && status == SPOTOPT_OK; i++) {
        const char *id = scene->catalog->pools.at[i].id;
        bool same = true;
        uint32_t other[SPOTOPT__ALTERNATES], count = 0;

        if (chosen[i] == 0)
            continue;
        list = spotopt__at_key(&all, id);
        if (!spotopt__at_is_set(&list)) {
            spotopt__fault(check, "alternates of %.80s are missing", id);
            continue;
        }
        if ((status = spotopt__want_array(&list, err)) != SPOTOPT_OK)
            break;
        if (!spotopt__find_alternates(scene, check->target, node_pool, check->nodes.count, i, other,
                                      &count)) {
            status = spotopt__nomem(err, "alternates");
            break;
        }
        item = spotopt__at_first(&list);
        for (uint32_t k = 0; k < count; k++) {
            const char *said = spotopt__json_text(item.value);

            same = same && said != NULL && strcmp(said, scene->catalog->pools.at[other[k]].id) == 0;
            if (item.value != NULL)
                spotopt__at_step(&item);
        }
        if (!same || item.value != NULL)
            spotopt__fault(check, "alternates of %.80s are not the best that could take over", id);
        *out_most = count > *out_most ? count : *out_most;
    }
    spotopt__free(check->context, node_pool);
    return status;
}

static spotopt_status
check_funnel(spotopt__check *check, uint64_t chosen, uint64_t alternates, spotopt_error *err)
{
    const spotopt_funnel *own = check->scene->funnel;
    spotopt__at at = spotopt__at_key(check->root, "funnel");
    spotopt_funnel said;
    spotopt_error why = SPOTOPT_ERROR_INIT;

    memset(&said, 0, sizeof said);
    if (spotopt__want_object(&at, err) != SPOTOPT_OK)
        return SPOTOPT_E_INPUT;
    if (spotopt__funnel_read(&at, &said, &why) != SPOTOPT_OK) {
        spotopt__fault(check, "%.300s", why.message);
        spotopt__funnel_clear(&said);
        return SPOTOPT_OK;
    }
    for (int s = 0; s < SPOTOPT__STAGES; s++) {
        if (said.stages[s].in != own->stages[s].in ||
            memcmp(said.stages[s].drops, own->stages[s].drops, sizeof said.stages[s].drops) != 0)
            spotopt__fault(check, "funnel: stage %s does not count what the inputs give",
                           spotopt__stage_text(s));
    }
    if (said.chosen != chosen)
        spotopt__fault(check, "funnel.chosen is %llu; the plan has nodes of %llu pools",
                       (unsigned long long)said.chosen, (unsigned long long)chosen);
    if (said.alternates != alternates)
        spotopt__fault(check, "funnel.alternates is %llu; a pool has up to %llu",
                       (unsigned long long)said.alternates, (unsigned long long)alternates);
    spotopt__funnel_clear(&said);
    return SPOTOPT_OK;
}

spotopt_status
spotopt__check_money(spotopt__check *check, spotopt_error *err)
{
    const spotopt__scene *scene = check->scene;
    money m = {0};
    spotopt__at pools = spotopt__at_key(check->root, "pools"), item;
    uint32_t *chosen =
        spotopt__alloc_array(check->context, scene->catalog->pools.count + 1, sizeof *chosen);
    unsigned char *listed =
        spotopt__alloc_array(check->context, scene->catalog->pools.count + 1, 1);
    uint64_t named = 0, with_nodes = 0, alternates = 0;
    spotopt_status status;

    if (chosen == NULL || listed == NULL) {
        status = spotopt__nomem(err, "pools");
        goto done;
    }
    count_money(check, &m);
    if ((status = add_launches(check, &m, err)) != SPOTOPT_OK ||
        (status = check_summary(check, &m, err)) != SPOTOPT_OK ||
        (status = spotopt__want_array(&pools, err)) != SPOTOPT_OK)
        goto done;
    for (size_t n = 0; n < check->nodes.count; n++) {
        if (check->nodes.at[n].action != SPOTOPT__DRAIN && check->nodes.at[n].pool != SPOTOPT__NONE)
            with_nodes += chosen[check->nodes.at[n].pool]++ == 0;
    }
    for (item = spotopt__at_first(&pools); item.value != NULL && status == SPOTOPT_OK;
         spotopt__at_step(&item))
        status = check_pool(check, &item, chosen, listed, &named, err);
    if (status == SPOTOPT_OK && named != with_nodes)
        spotopt__fault(check, "pools: %llu of the %llu pools with nodes are listed",
                       (unsigned long long)named, (unsigned long long)with_nodes);
    if (status == SPOTOPT_OK)
        status = check_alternates(check, chosen, &alternates, err);
    if (status == SPOTOPT_OK)
        status = check_funnel(check, with_nodes, alternates, err);
done:
    spotopt__free(check->context, listed);
    spotopt__free(check->context, chosen);
    return status;
}
