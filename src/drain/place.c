/* SPDX-License-Identifier: Apache-2.0 */
/*
 * place.c - where a pod may stand, given where all others stand in the end.
 *
 * kube-scheduler's filters: node selector, affinity, volumes and taints (by the model), resources,
 * host ports, required pod affinity and anti-affinity (both ways), hard topology spread. What
 * depends on other pods is gathered once a pod into rules on label values, so that a node not
 * bought yet is judged by the same rules as one that is there. Pods that are on their way out count
 * nowhere, pods still to be placed not yet.
 */
#include "base/base.h"
#include "drain/place.h"

#include "drain/budget.h"

#define NONE SPOTOPT__NONE

enum {
    RULE_APART, /* no value that is counted */
    RULE_NEAR,  /* a value that is counted */
    RULE_ANY,   /* the key alone: the first of pods that want to be near each other */
    RULE_SPREAD
};

static const spotopt__shape *
shape_of(const spotopt__places *places, uint32_t pod)
{
    return &places->cluster->shapes.at[places->cluster->pods.at[pod].shape];
}

static bool
add_site(spotopt__places *places, uint32_t index, bool leaves)
{
    const spotopt__node *node = &places->cluster->nodes.at[index];
    spotopt__site site;

    memset(&site, 0, sizeof site);
    site.name = node->name;
    site.labels = node->labels;
    site.taints = node->taints;
    site.taint_count = node->taint_count;
    site.is_open = !leaves && node->is_ready && !node->is_unschedulable && !node->is_terminating;
    site.room = node->allocatable;
    site.last_pod = NONE;
    return spotopt__vec_push(places->context, &places->sites, site);
}

spotopt_status
spotopt__places_make(const spotopt_cluster *cluster, const unsigned char *leaves,
                     const unsigned char *stays, spotopt__places *places, spotopt_error *err)
{
    bool done;

    memset(places, 0, sizeof *places);
    places->cluster = cluster;
    places->context = cluster->context;
    places->where =
        spotopt__alloc_array(places->context, cluster->pods.count + 1, sizeof *places->where);
    places->next =
        spotopt__alloc_array(places->context, cluster->pods.count + 1, sizeof *places->next);
    done = places->where != NULL && places->next != NULL;
    for (uint32_t n = 0; n < cluster->nodes.count && done; n++)
        done = add_site(places, n, leaves[n]);
    for (size_t i = 0; i < cluster->pods.count && done; i++)
        places->where[i] = NONE;
    for (uint32_t i = 0; i < cluster->pods.count && done; i++) {
        const spotopt__pod *pod = &cluster->pods.at[i];
        if (pod->node != NONE && !spotopt__pod_is_finished(pod) && !pod->is_terminating &&
            (!leaves[pod->node] || stays[i]))
            done = spotopt__places_put(places, i, pod->node);
    }
    if (done)
        return SPOTOPT_OK;
    spotopt__places_free(places);
    return spotopt__nomem(err, "the places of pods");
}

void
spotopt__places_free(spotopt__places *places)
{
    spotopt__vec_free(places->context, &places->sites);
    spotopt__vec_free(places->context, &places->fussy);
    spotopt__free(places->context, places->where);
    spotopt__free(places->context, places->next);
    memset(places, 0, sizeof *places);
}

bool
spotopt__places_put(spotopt__places *places, uint32_t pod, uint32_t site_index)
{
    const spotopt__shape *shape = shape_of(places, pod);
    spotopt__site *site = &places->sites.at[site_index];

    if (shape->anti_affinity_count > 0 && !spotopt__vec_push(places->context, &places->fussy, pod))
        return false;
    places->where[pod] = site_index;
    places->next[pod] = site->last_pod;
    site->last_pod = pod;
    for (uint32_t r = 0; r < places->cluster->resources.count; r++)
        site->room.of[r] -= shape->request.of[r];
    return true;
}

static spotopt__place_rule *
add_rule(spotopt__place_rules *rules, int32_t kind, const char *key)
{
    spotopt__place_rule rule;

    memset(&rule, 0, sizeof rule);
    rule.kind = kind;
    rule.key = key;
    spotopt__map_init(&rule.at, rules->context);
    if (!spotopt__vec_push(rules->context, &rules->rules, rule))
        return NULL;
    return &rules->rules.at[rules->rules.count - 1];
}

static bool
count_value(const spotopt__place_rules *rules, spotopt__place_rule *rule, const char *value,
            int64_t more)
{
    uint32_t found;

    if (value == NULL)
        return true;
    if (!spotopt__map_put(&rule->at, value, (uint32_t)rule->count.count, &found))
        return false;
    if (found == rule->count.count && !spotopt__vec_push(rules->context, &rule->count, 0))
        return false;
    rule->count.at[found] += more;
    return true;
}

static const char *
value_where(const spotopt__places *places, uint32_t pod, const char *key)
{
    return spotopt__labels_get(&places->sites.at[places->where[pod]].labels, key);
}

/* Nobody whom the pod wants to be apart from, and nobody who wants to be apart from the pod. */
static bool
add_apart(const spotopt__places *places, uint32_t index, spotopt__place_rules *rules)
{
    const spotopt_cluster *cluster = places->cluster;
    const spotopt__pod *pod = &cluster->pods.at[index];
    const spotopt__shape *shape = shape_of(places, index);

    for (uint32_t t = 0; t < shape->anti_affinity_count; t++) {
        const spotopt__pod_term *term = &shape->anti_affinity[t];
        spotopt__place_rule *rule = add_rule(rules, RULE_APART, term->topology_key);
        if (rule == NULL)
            return false;
        for (uint32_t i = 0; i < cluster->pods.count; i++) {
            const spotopt__pod *other = &cluster->pods.at[i];
            if (places->where[i] != NONE &&
                spotopt__pod_term_matches(cluster, term, other->ns, &other->labels) &&
                !count_value(rules, rule, value_where(places, i, term->topology_key), 1))
                return false;
        }
    }
    for (size_t f = 0; f < places->fussy.count; f++) {
        uint32_t i = places->fussy.at[f];
        const spotopt__shape *theirs = shape_of(places, i);
        for (uint32_t t = 0; t < theirs->anti_affinity_count; t++) {
            const spotopt__pod_term *term = &theirs->anti_affinity[t];
            spotopt__place_rule *rule = NULL;
            if (!spotopt__pod_term_matches(cluster, term, pod->ns, &pod->labels))
                continue;
            for (size_t r = 0; r < rules->rules.count && rule == NULL;
                 r++) { /* one a key is enough */
                spotopt__place_rule *known = &rules->rules.at[r];
                if (known->kind == RULE_APART && strcmp(known->key, term->topology_key) == 0)
                    rule = known;
            }
            if (rule == NULL)
                rule = add_rule(rules, RULE_APART, term->topology_key);
            if (rule == NULL ||
                !count_value(rules, rule, value_where(places, i, term->topology_key), 1))
                return false;
        }
    }
    return true;
}

static bool
matches_all(const spotopt__places *places, const spotopt__shape *shape, const spotopt__pod *other)
{
    for (uint32_t t = 0; t < shape->affinity_count; t++) {
        if (!spotopt__pod_term_matches(places->cluster, &shape->affinity[t], other->ns,
                                       &other->labels))
            return false;
    }
    return true;
}

/* The scheduler looks for pods that match all terms at once; a pod that is its own company may be
 * the first. */
static bool
add_near(const spotopt__places *places, uint32_t index, spotopt__place_rules *rules)
{
    const spotopt_cluster *cluster = places->cluster;
    const spotopt__shape *shape = shape_of(places, index);
    size_t first = rules->rules.count;
    bool has_company = false;

    for (uint32_t t = 0; t < shape->affinity_count; t++) {
        if (add_rule(rules, RULE_NEAR, shape->affinity[t].topology_key) == NULL)
            return false;
    }
    for (uint32_t i = 0; i < cluster->pods.count && shape->affinity_count > 0; i++) {
        if (places->where[i] == NONE || !matches_all(places, shape, &cluster->pods.at[i]))
            continue;
        for (size_t r = first; r < rules->rules.count; r++) {
            const char *value = value_where(places, i, rules->rules.at[r].key);
            has_company = has_company || value != NULL;
            if (!count_value(rules, &rules->rules.at[r], value, 1))
                return false;
        }
    }
    if (!has_company && matches_all(places, shape, &cluster->pods.at[index])) {
        for (size_t r = first; r < rules->rules.count; r++)
            rules->rules.at[r].kind = RULE_ANY;
    }
    return true;
}

static bool
is_domain_of(const spotopt__shape *shape, const spotopt__spread *spread, const spotopt__site *site)
{
    spotopt__shape asked = *shape;
    uint32_t taints = spread->honors_taints ? site->taint_count : 0;

    if (!spread->honors_affinity) {
        asked.node_selector.count = 0;
        asked.group_count = 0;
    }
    return spotopt__shape_allows(&asked, &site->labels, site->name, site->taints, taints, NULL);
}

static bool
add_spreads(const spotopt__places *places, uint32_t index, spotopt__place_rules *rules)
{
    const spotopt_cluster *cluster = places->cluster;
    const spotopt__pod *pod = &cluster->pods.at[index];
    const spotopt__shape *shape = shape_of(places, index);

    for (uint32_t t = 0; t < shape->spread_count; t++) {
        const spotopt__spread *spread = &shape->spreads[t];
        spotopt__place_rule *rule =
            spread->is_hard ? add_rule(rules, RULE_SPREAD, spread->topology_key) : NULL;
        if (!spread->is_hard)
            continue;
        if (rule == NULL)
            return false;
        rule->max_skew = spread->max_skew;
        rule->own = spotopt__selector_matches(&spread->selector, &pod->labels);
        for (size_t s = 0; s < places->sites.count; s++) {
            const spotopt__site *site = &places->sites.at[s];
            if (site->is_open && is_domain_of(shape, spread, site) &&
                !count_value(rules, rule, spotopt__labels_get(&site->labels, spread->topology_key),
                             0))
                return false;
        }
        for (uint32_t i = 0; i < cluster->pods.count; i++) {
            const spotopt__pod *other = &cluster->pods.at[i];
            const char *value;
            if (places->where[i] == NONE || strcmp(other->ns, pod->ns) != 0 ||
                !spotopt__selector_matches(&spread->selector, &other->labels))
                continue;
            value = value_where(places, i, spread->topology_key);
            if (value != NULL && spotopt__map_get(&rule->at, value) != NONE &&
                !count_value(rules, rule, value, 1))
                return false;
        }
        rule->least =
            rule->count.count == 0 || rule->count.count < spread->min_domains ? 0 : INT64_MAX;
        for (size_t v = 0; v < rule->count.count; v++)
            rule->least = rule->count.at[v] < rule->least ? rule->count.at[v] : rule->least;
    }
    return true;
}

bool
spotopt__place_rules_make(const spotopt__places *places, uint32_t pod, spotopt__place_rules *rules)
{
    memset(rules, 0, sizeof *rules);
    rules->context = places->context;
    if (add_apart(places, pod, rules) && add_near(places, pod, rules) &&
        add_spreads(places, pod, rules))
        return true;
    spotopt__place_rules_free(rules);
    return false;
}

void
spotopt__place_rules_free(spotopt__place_rules *rules)
{
    for (size_t r = 0; r < rules->rules.count; r++) {
        spotopt__map_free(&rules->rules.at[r].at);
        spotopt__vec_free(rules->context, &rules->rules.at[r].count);
    }
    spotopt__vec_free(rules->context, &rules->rules);
}

static bool
is_rule_kept(const spotopt__place_rule *rule, const spotopt__labels *labels)
{
    const char *value = spotopt__labels_get(labels, rule->key);
    uint32_t at = value == NULL ? NONE : spotopt__map_get(&rule->at, value);
    int64_t count = at == NONE ? 0 : rule->count.at[at], least = at == NONE ? 0 : rule->least;

    switch (rule->kind) {
    case RULE_APART:
        return count == 0;
    case RULE_NEAR:
        return count > 0;
    case RULE_ANY:
        return value != NULL;
    default: /* a value not seen before is a domain with nobody in it */
        return value != NULL && count + rule->own - least <= rule->max_skew;
    }
}

static bool
is_any_address(const char *ip)
{
    return ip[0] == '\0' || strcmp(ip, "0.0.0.0") == 0;
}

static bool
ports_clash(const spotopt__shape *a, const spotopt__shape *b)
{
    for (uint32_t i = 0; i < a->host_port_count; i++) {
        for (uint32_t j = 0; j < b->host_port_count; j++) {
            const spotopt__host_port *x = &a->host_ports[i], *y = &b->host_ports[j];
            if (x->port == y->port && x->protocol == y->protocol &&
                (is_any_address(x->ip) || is_any_address(y->ip) || strcmp(x->ip, y->ip) == 0))
                return true;
        }
    }
    return false;
}

bool
spotopt__place_allows(const spotopt__places *places, const spotopt__place_rules *rules,
                      uint32_t pod, const spotopt__site *site, const char **why)
{
    static const char *const words[] = {"pod anti-affinity", "pod affinity", "pod affinity",
                                        "topology spread"};
    const spotopt__shape *shape = shape_of(places, pod);

    *why = "no node that is left is open";
    if (!site->is_open)
        return false;
    if (!spotopt__shape_allows(shape, &site->labels, site->name, site->taints, site->taint_count,
                               why))
        return false;
    for (size_t r = 0; r < rules->rules.count; r++) {
        *why = words[rules->rules.at[r].kind];
        if (!is_rule_kept(&rules->rules.at[r], &site->labels))
            return false;
    }
    *why = "host ports";
    for (uint32_t i = site->last_pod; i != NONE && shape->host_port_count > 0;
         i = places->next[i]) {
        if (ports_clash(shape, shape_of(places, i)))
            return false;
    }
    for (uint32_t r = 0; r < places->cluster->resources.count; r++) {
        *why = places->cluster->resources.name[r];
        if (shape->request.of[r] > 0 && shape->request.of[r] > site->room.of[r])
            return false;
    }
    return true;
}
