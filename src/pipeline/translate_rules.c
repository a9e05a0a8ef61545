/* SPDX-License-Identifier: Apache-2.0 */
/*
 * translate_rules.c - Kubernetes' placement rules and the policy's, as rules of the packing
 * problem.
 *
 * Required terms only: anti-affinity becomes at_most and separate, affinity near (or together,
 * where a shape wants its own kind beside it), hard topology spread spread, host ports at_most.
 * Where the vocabulary cannot say exactly what Kubernetes says, the rule is the stricter one, so
 * that a plan never breaks what the scheduler would keep.
 */
#include <stdio.h>

#include "pipeline/translate.h"

#define HOSTNAME "kubernetes.io/hostname"
#define KEY_SIZE 256

static bool
note_key(spotopt__translation *t, const char *name, const char *label, uint32_t shape)
{
    if (strcmp(name, HOSTNAME) == 0)
        return true;
    for (uint32_t k = 0; k < t->key_count; k++) {
        if (strcmp(t->keys[k].name, name) == 0)
            return true;
    }
    if (t->key_count == sizeof t->keys / sizeof *t->keys)
        return false;
    t->keys[t->key_count].name = name;
    t->keys[t->key_count].label = label;
    t->keys[t->key_count++].shape = shape;
    return true;
}

const char *
spotopt__translate_value(const spotopt__scene *scene, const spotopt__translation *t, uint32_t key,
                         const spotopt__labels *labels, const char *node_name)
{
    const uint32_t shape = t->keys[key].shape;

    if (shape != SPOTOPT__NONE &&
        !spotopt__shape_allows(&scene->cluster->shapes.at[shape], labels, node_name, NULL, 0, NULL))
        return NULL;
    return spotopt__labels_get(labels, t->keys[key].label);
}

/* nodeAffinityPolicy: where a shape is bound to some nodes, only those are domains of its spread.
 */
static bool
has_own_domains(const spotopt__shape *shape, const spotopt__spread *spread)
{
    return spread->honors_affinity && (shape->node_selector.count > 0 || shape->group_count > 0) &&
           strcmp(spread->topology_key, HOSTNAME) != 0;
}

static void
own_key(uint32_t shape, const spotopt__spread *spread, char out[KEY_SIZE])
{
    (void)snprintf(out, KEY_SIZE, "%.200s@s%u", spread->topology_key, shape);
}

/* All keys first, then own domains as far as there is room: without, a spread counts domains that
 * are none of its. */
bool
spotopt__translate_keys(const spotopt__scene *scene, spotopt__translation *t)
{
    const spotopt_cluster *cluster = scene->cluster;
    char name[KEY_SIZE];
    bool ok = true;

    for (size_t s = 0; s < cluster->shapes.count && ok; s++) {
        const spotopt__shape *shape = &cluster->shapes.at[s];

        if (t->shape_count[s] == 0)
            continue;
        for (uint32_t i = 0; i < shape->affinity_count && ok; i++)
            ok = note_key(t, shape->affinity[i].topology_key, shape->affinity[i].topology_key,
                          SPOTOPT__NONE);
        for (uint32_t i = 0; i < shape->anti_affinity_count && ok; i++)
            ok = note_key(t, shape->anti_affinity[i].topology_key,
                          shape->anti_affinity[i].topology_key, SPOTOPT__NONE);
        for (uint32_t i = 0; i < shape->spread_count && ok; i++)
            ok = !shape->spreads[i].is_hard ||
                 note_key(t, shape->spreads[i].topology_key, shape->spreads[i].topology_key,
                          SPOTOPT__NONE);
    }
    for (uint32_t s = 0; s < cluster->shapes.count && ok; s++) {
        const spotopt__shape *shape = &cluster->shapes.at[s];

        for (uint32_t i = 0; i < shape->spread_count && t->shape_count[s] > 0; i++) {
            const char *kept;

            if (!shape->spreads[i].is_hard || !has_own_domains(shape, &shape->spreads[i]))
                continue;
            own_key(s, &shape->spreads[i], name);
            if ((kept = spotopt__arena_text(&t->arena, name, strlen(name))) == NULL ||
                !note_key(t, kept, shape->spreads[i].topology_key, s))
                return true;
        }
    }
    return ok;
}

static const char *
per(const char *key)
{
    return strcmp(key, HOSTNAME) == 0 ? "node" : key;
}

/* Demands by a set; lists of demand indices in one growing store. */
typedef struct rules_work {
    const spotopt__scene *scene;
    spotopt__translation *t;
    uint32_t *matched, *rest, *carriers;
    spotopt_error *err;
} rules_work;

static const spotopt__shape *
shape_at(const rules_work *w, uint32_t demand)
{
    return &w->scene->cluster->shapes.at[w->t->demand_shape[demand]];
}

static uint32_t
match_term(const rules_work *w, const spotopt__pod_term *term)
{
    uint32_t count = 0;

    for (uint32_t d = 0; d < w->t->demand_count; d++) {
        const spotopt__shape *shape = shape_at(w, d);

        if (spotopt__pod_term_matches(w->scene->cluster, term, shape->ns, &shape->labels))
            w->matched[count++] = d;
    }
    return count;
}

static bool
contains(const uint32_t *list, uint32_t count, uint32_t demand)
{
    for (uint32_t i = 0; i < count; i++) {
        if (list[i] == demand)
            return true;
    }
    return false;
}

static uint32_t
without(const rules_work *w, uint32_t count, uint32_t demand)
{
    uint32_t kept = 0;

    for (uint32_t i = 0; i < count; i++) {
        if (w->matched[i] != demand)
            w->rest[kept++] = w->matched[i];
    }
    return kept;
}

static spotopt_status
add_at_most(const rules_work *w, const uint32_t *demands, uint32_t count, const char *where,
            uint32_t most)
{
    spotopt_rule_spec rule = SPOTOPT_RULE_SPEC_INIT;

    rule.kind = SPOTOPT_RULE_AT_MOST;
    rule.per = where;
    rule.demands = demands;
    rule.demand_count = count;
    rule.count = most;
    return spotopt_problem_add_rule(w->t->problem, &rule, w->err);
}

static spotopt_status
add_pair(const rules_work *w, int32_t kind, const uint32_t *demands, uint32_t count,
         const uint32_t *others, uint32_t other_count, const char *where)
{
    spotopt_rule_spec rule = SPOTOPT_RULE_SPEC_INIT;

    rule.kind = kind;
    rule.per = where;
    rule.demands = demands;
    rule.demand_count = count;
    rule.others = others;
    rule.other_count = other_count;
    return spotopt_problem_add_rule(w->t->problem, &rule, w->err);
}

static spotopt_status
add_anti_affinity(const rules_work *w, uint32_t demand, const spotopt__pod_term *term)
{
    uint32_t count = match_term(w, term), kept;
    const char *where = per(term->topology_key);
    spotopt_status status = SPOTOPT_OK;

    if (contains(w->matched, count, demand))
        status = add_at_most(w, &demand, 1, where, 1);
    kept = without(w, count, demand);
    if (kept > 0 && status == SPOTOPT_OK)
        status = add_pair(w, SPOTOPT_RULE_SEPARATE, &demand, 1, w->rest, kept, where);
    return status;
}

static spotopt_status
add_affinity(const rules_work *w, uint32_t demand, const spotopt__pod_term *term)
{
    uint32_t count = match_term(w, term), kept = without(w, count, demand);
    const char *where = per(term->topology_key);

    if (kept > 0)
        return add_pair(w, SPOTOPT_RULE_NEAR, &demand, 1, w->rest, kept, where);
    if (count > 0) { /* its own kind: the first goes anywhere, the others to it */
        spotopt_rule_spec rule = SPOTOPT_RULE_SPEC_INIT;

        rule.kind = SPOTOPT_RULE_TOGETHER;
        rule.per = where;
        rule.demands = &demand;
        rule.demand_count = 1;
        return spotopt_problem_add_rule(w->t->problem, &rule, w->err);
    }
    return SPOTOPT_OK; /* nothing to be near to: add_demands has said so */
}

static bool
same_spread(const spotopt__spread *a, const spotopt__spread *b)
{
    return a->is_hard == b->is_hard && a->max_skew == b->max_skew &&
           a->min_domains == b->min_domains && strcmp(a->topology_key, b->topology_key) == 0;
}

static uint32_t
match_spread(const rules_work *w, uint32_t demand, const spotopt__spread *spread, uint32_t *out)
{
    uint32_t count = 0;

    for (uint32_t d = 0; d < w->t->demand_count; d++) {
        const spotopt__shape *shape = shape_at(w, d);

        if (strcmp(shape->ns, shape_at(w, demand)->ns) == 0 &&
            spotopt__selector_matches(&spread->selector, &shape->labels))
            out[count++] = d;
    }
    return count;
}

/* Whether the shape's own domains found room among the keys. */
static bool
find_own_key(const rules_work *w, uint32_t demand, const spotopt__spread *spread,
             char out[KEY_SIZE])
{
    if (!has_own_domains(shape_at(w, demand), spread))
        return false;
    own_key(w->t->demand_shape[demand], spread, out);
    for (uint32_t k = 0; k < w->t->key_count; k++) {
        if (strcmp(w->t->keys[k].name, out) == 0)
            return true;
    }
    return false;
}

/* Shapes that carry the same constraint on the same pods share one rule. */
static spotopt_status
add_spread(const rules_work *w, uint32_t demand, uint32_t index)
{
    const spotopt__spread *spread = &shape_at(w, demand)->spreads[index];
    uint32_t count = match_spread(w, demand, spread, w->matched), carriers = 0;
    spotopt_rule_spec rule = SPOTOPT_RULE_SPEC_INIT;
    char own[KEY_SIZE];

    if (count == 0)
        return SPOTOPT_OK;
    bool is_own = find_own_key(w, demand, spread, own);
    for (uint32_t i = 0; i < count && !is_own; i++) {
        uint32_t d = w->matched[i];
        const spotopt__shape *shape = shape_at(w, d);

        if (shape->spread_count <= index || !same_spread(&shape->spreads[index], spread) ||
            match_spread(w, d, &shape->spreads[index], w->rest) != count ||
            memcmp(w->rest, w->matched, count * sizeof *w->rest) != 0)
            continue;
        if (d < demand)
            return SPOTOPT_OK; /* said when it was d's turn */
        w->carriers[carriers++] = d;
    }
    if (is_own || !contains(w->matched, count, demand))
        w->carriers[carriers++] = demand;
    rule.kind = SPOTOPT_RULE_SPREAD;
    rule.per = is_own ? own : per(spread->topology_key);
    rule.demands = w->matched;
    rule.demand_count = count;
    rule.others = w->carriers;
    rule.other_count = carriers;
    rule.max_skew = spread->max_skew;
    rule.min_domains = spread->min_domains;
    return spotopt_problem_add_rule(w->t->problem, &rule, w->err);
}

static bool
uses_port(const spotopt__shape *shape, const spotopt__host_port *port)
{
    for (uint32_t i = 0; i < shape->host_port_count; i++) {
        if (shape->host_ports[i].port == port->port &&
            shape->host_ports[i].protocol == port->protocol)
            return true;
    }
    return false;
}

/* One pod a node for each port and protocol; different addresses are not told apart (stricter). */
static spotopt_status
add_host_ports(const rules_work *w, uint32_t demand)
{
    const spotopt__shape *shape = shape_at(w, demand);
    spotopt_status status = SPOTOPT_OK;

    for (uint32_t i = 0; i < shape->host_port_count && status == SPOTOPT_OK; i++) {
        uint32_t count = 0;

        for (uint32_t d = 0; d < w->t->demand_count; d++) {
            if (uses_port(shape_at(w, d), &shape->host_ports[i]))
                w->matched[count++] = d;
        }
        if (w->matched[0] == demand) /* once, at the first that uses it */
            status = add_at_most(w, w->matched, count, "node", 1);
    }
    return status;
}

static spotopt_status
add_shape_rules(const rules_work *w)
{
    spotopt_status status = SPOTOPT_OK;

    for (uint32_t d = 0; d < w->t->demand_count && status == SPOTOPT_OK; d++) {
        const spotopt__shape *shape = shape_at(w, d);

        for (uint32_t i = 0; i < shape->anti_affinity_count && status == SPOTOPT_OK; i++)
            status = add_anti_affinity(w, d, &shape->anti_affinity[i]);
        for (uint32_t i = 0; i < shape->affinity_count && status == SPOTOPT_OK; i++)
            status = add_affinity(w, d, &shape->affinity[i]);
        for (uint32_t i = 0; i < shape->spread_count && status == SPOTOPT_OK; i++)
            status = shape->spreads[i].is_hard ? add_spread(w, d, i) : SPOTOPT_OK;
        if (status == SPOTOPT_OK)
            status = add_host_ports(w, d);
    }
    return status;
}

/* --- the policy --- */

static spotopt_status
add_limit(const rules_work *w, const char *key, const char *value, const char *of, double min,
          double max)
{
    spotopt_rule_spec rule = SPOTOPT_RULE_SPEC_INIT;

    rule.kind = SPOTOPT_RULE_LIMIT;
    rule.key = key;
    rule.value = value;
    rule.of = of;
    rule.min = min;
    rule.max = max;
    return spotopt_problem_add_rule(w->t->problem, &rule, w->err);
}

static spotopt_status
add_mean(const rules_work *w, double max)
{
    spotopt_rule_spec rule = SPOTOPT_RULE_SPEC_INIT;
    uint32_t count = w->t->pool_count;
    uint32_t *pools = spotopt__arena_alloc(&w->t->arena, count + 1, sizeof *pools);
    double *values = spotopt__arena_alloc(&w->t->arena, count + 1, sizeof *values);

    if (pools == NULL || values == NULL)
        return spotopt__nomem(w->err, "a rule");
    for (uint32_t p = 0; p < count; p++) {
        pools[p] = p;
        values[p] = w->t->pool_catalog[p] == SPOTOPT__NONE
                        ? 0.0
                        : w->scene->pools[w->t->pool_catalog[p]].p_horizon;
    }
    rule.kind = SPOTOPT_RULE_MEAN;
    rule.of = "nodes";
    rule.pools = pools;
    rule.values = values;
    rule.pool_count = count;
    rule.max = max;
    return spotopt_problem_add_rule(w->t->problem, &rule, w->err);
}

static spotopt_status
add_policy_rules(const rules_work *w, const spotopt__ask *ask)
{
    const spotopt_policy *policy = w->scene->policy;
    spotopt_status status = SPOTOPT_OK;
    char key[96];

    for (size_t i = 0; i < policy->diversify.count && status == SPOTOPT_OK; i++) {
        spotopt_rule_spec rule = SPOTOPT_RULE_SPEC_INIT;

        snprintf(key, sizeof key, "spotopt/diversify-%zu", i);
        rule.kind = SPOTOPT_RULE_SHARE;
        rule.key = key;
        rule.max_frac = policy->diversify.at[i].max_frac * ask->diversify_scale;
        if (rule.max_frac < 1.0)
            status = spotopt_problem_add_rule(w->t->problem, &rule, w->err);
    }
    for (size_t i = 0; i < policy->quotas.count && status == SPOTOPT_OK; i++) {
        snprintf(key, sizeof key, "spotopt/quota-%zu", i);
        status = add_limit(w, key, "yes", "vcpu", (double)NAN, policy->quotas.at[i].max_vcpu);
    }
    for (size_t i = 0; i < policy->commitments.count && status == SPOTOPT_OK; i++) {
        snprintf(key, sizeof key, "spotopt/commitment-%zu", i);
        status = add_limit(w, key, "yes", "nodes", (double)NAN, policy->commitments.at[i].count);
    }
    for (uint32_t p = 1; p < w->t->pool_count && status == SPOTOPT_OK; p++) {
        uint32_t pool = w->t->pool_catalog[p];
        bool is_copy = pool != SPOTOPT__NONE && pool == w->t->pool_catalog[p - 1];

        if (is_copy && w->scene->catalog->pools.at[pool].limit != UINT32_MAX)
            status = add_limit(w, "spotopt/new-of", w->scene->catalog->pools.at[pool].id, "nodes",
                               (double)NAN, w->scene->catalog->pools.at[pool].limit);
    }
    uint32_t least =
        policy->on_demand_base > ask->on_demand_min ? policy->on_demand_base : ask->on_demand_min;
    if (status == SPOTOPT_OK && least > 0)
        status = add_limit(w, "spotopt/purchase", "on-demand", "nodes", least, (double)NAN);
    if (status == SPOTOPT_OK && policy->on_demand_frac > 0.0) {
        spotopt_rule_spec rule = SPOTOPT_RULE_SPEC_INIT;

        rule.kind = SPOTOPT_RULE_SHARE;
        rule.key = "spotopt/purchase";
        rule.value = "on-demand";
        rule.min_frac = policy->on_demand_frac;
        status = spotopt_problem_add_rule(w->t->problem, &rule, w->err);
    }
    if (status == SPOTOPT_OK && policy->max_mean_probability >= 0.0)
        status = add_mean(w, policy->max_mean_probability);
    return status;
}

spotopt_status
spotopt__translate_rules(const spotopt__scene *scene, const spotopt__ask *ask,
                         spotopt__translation *t, spotopt_error *err)
{
    rules_work w = {.scene = scene, .t = t, .err = err};
    spotopt_status status;
    size_t room = (size_t)t->demand_count + 1;

    w.matched = spotopt__alloc_array(t->context, room, sizeof *w.matched);
    w.rest = spotopt__alloc_array(t->context, room, sizeof *w.rest);
    w.carriers = spotopt__alloc_array(t->context, room, sizeof *w.carriers);
    if (w.matched == NULL || w.rest == NULL || w.carriers == NULL)
        status = spotopt__nomem(err, "rules");
    else
        status = add_shape_rules(&w);
    if (status == SPOTOPT_OK && !ask->on_demand_only)
        status = add_policy_rules(&w, ask);
    spotopt__free(t->context, w.matched);
    spotopt__free(t->context, w.rest);
    spotopt__free(t->context, w.carriers);
    return status;
}
