/* SPDX-License-Identifier: Apache-2.0 */
/*
 * place.c - where a pod may stand, given where all others stand in the end.
 *
 * kube-scheduler's filters: node selector, affinity, volumes and taints (by the model), resources,
 * host ports, required pod affinity and anti-affinity (both ways), hard topology spread. What
 * depends on other pods is counted by label values, once for all pods of one shape and labels, and
 * kept up to date as pods are put; so a node that is not bought yet is judged like one that is
 * there, and many equal pods cost little more than one. Pods that are on their way out count
 * nowhere, pods still to be placed not yet.
 */
#include "base/base.h"
#include "drain/place.h"

#include "drain/budget.h"

#define NONE SPOTOPT__NONE

enum {
    RULE_APART, /* no value that is counted */
    RULE_NEAR, /* a value that is counted; any value for the first of pods that want to be near each
                  other */
    RULE_SPREAD
};

static const spotopt__shape *
shape_of(const spotopt__places *places, uint32_t pod)
{
    return &places->cluster->shapes.at[places->cluster->pods.at[pod].shape];
}

static spotopt__place_rule *
add_rule(const spotopt__places *places, spotopt__place_rules *rules, int32_t kind, const char *key)
{
    spotopt__place_rule rule;

    memset(&rule, 0, sizeof rule);
    rule.kind = kind;
    rule.key = key;
    spotopt__map_init(&rule.at, places->context);
    if (!spotopt__vec_push(places->context, &rules->rules, rule))
        return NULL;
    return &rules->rules.at[rules->rules.count - 1];
}

static bool
count_value(const spotopt__places *places, spotopt__place_rule *rule, const char *value,
            int64_t more)
{
    uint32_t found;

    if (value == NULL)
        return true;
    if (!spotopt__map_put(&rule->at, value, (uint32_t)rule->count.count, &found))
        return false;
    if (found == rule->count.count && !spotopt__vec_push(places->context, &rule->count, 0))
        return false;
    rule->count.at[found] += more;
    return true;
}

/* Whether the scheduler takes a site into account for a spread. */
static bool
is_domain_of(const spotopt__shape *shape, const spotopt__spread *spread, const spotopt__site *site)
{
    spotopt__shape asked = *shape;
    uint32_t taints = spread->honors_taints ? site->taint_count : 0;

    if (!site->is_open)
        return false;
    if (!spread->honors_affinity) {
        asked.node_selector.count = 0;
        asked.group_count = 0;
    }
    return spotopt__shape_allows(&asked, &site->labels, site->name, site->taints, taints, NULL);
}

static bool
note_site(const spotopt__places *places, spotopt__place_rules *rules, const spotopt__site *site)
{
    const spotopt__shape *shape = shape_of(places, rules->pod);

    for (size_t r = 0; r < rules->rules.count; r++) {
        spotopt__place_rule *rule = &rules->rules.at[r];
        if (rule->kind != RULE_SPREAD || !is_domain_of(shape, rule->spread, site))
            continue;
        if (!count_value(places, rule, spotopt__labels_get(&site->labels, rule->key), 0))
            return false;
        rule->is_stale = true;
    }
    return true;
}

/* The scheduler looks for pods that match all terms at once. */
static bool
matches_all(const spotopt__places *places, const spotopt__shape *shape, const spotopt__pod *other)
{
    for (uint32_t t = 0; t < shape->affinity_count; t++) {
        if (!spotopt__pod_term_matches(places->cluster, &shape->affinity[t], other->ns,
                                       &other->labels))
            return false;
    }
    return shape->affinity_count > 0;
}

/* A pod that wants to be apart from those of the rules. */
static bool
note_recluse(const spotopt__places *places, spotopt__place_rules *rules, uint32_t other,
             const spotopt__labels *labels)
{
    const spotopt__pod *pod = &places->cluster->pods.at[rules->pod];
    const spotopt__shape *theirs = shape_of(places, other);

    for (uint32_t t = 0; t < theirs->anti_affinity_count; t++) {
        const spotopt__pod_term *term = &theirs->anti_affinity[t];
        spotopt__place_rule *rule = NULL;
        if (!spotopt__pod_term_matches(places->cluster, term, pod->ns, &pod->labels))
            continue;
        for (size_t r = 0; r < rules->rules.count && rule == NULL; r++) { /* one a key is enough */
            spotopt__place_rule *known = &rules->rules.at[r];
            if (known->kind == RULE_APART && known->term == NULL &&
                strcmp(known->key, term->topology_key) == 0)
                rule = known;
        }
        if (rule == NULL)
            rule = add_rule(places, rules, RULE_APART, term->topology_key);
        if (rule == NULL ||
            !count_value(places, rule, spotopt__labels_get(labels, term->topology_key), 1))
            return false;
    }
    return true;
}

/* What a pod that stands somewhere means for those of the rules. */
static bool
note_pod(const spotopt__places *places, spotopt__place_rules *rules, uint32_t index)
{
    const spotopt__pod *pod = &places->cluster->pods.at[rules->pod],
                       *other = &places->cluster->pods.at[index];
    const spotopt__labels *labels = &places->sites.at[places->where[index]].labels;
    bool is_company = matches_all(places, shape_of(places, rules->pod), other);

    for (size_t r = 0; r < rules->rules.count; r++) {
        spotopt__place_rule *rule = &rules->rules.at[r];
        const char *value = spotopt__labels_get(labels, rule->key);
        bool counts;
        if (value == NULL)
            continue;
        if (rule->kind == RULE_SPREAD)
            counts = strcmp(other->ns, pod->ns) == 0 &&
                     spotopt__map_get(&rule->at, value) != NONE &&
                     spotopt__selector_matches(&rule->spread->selector, &other->labels);
        else if (rule->kind == RULE_NEAR)
            counts = is_company;
        else
            counts = rule->term != NULL && spotopt__pod_term_matches(places->cluster, rule->term,
                                                                     other->ns, &other->labels);
        if (!counts)
            continue;
        if (!count_value(places, rule, value, 1))
            return false;
        rules->has_company = rules->has_company || rule->kind == RULE_NEAR;
        rule->is_stale = true;
    }
    return note_recluse(places, rules, index, labels);
}

/* The pods' own wishes, with nobody counted yet. */
static bool
add_wishes(const spotopt__places *places, spotopt__place_rules *rules)
{
    const spotopt__shape *shape = shape_of(places, rules->pod);
    spotopt__place_rule *rule;

    for (uint32_t t = 0; t < shape->anti_affinity_count; t++) {
        rule = add_rule(places, rules, RULE_APART, shape->anti_affinity[t].topology_key);
        if (rule == NULL)
            return false;
        rule->term = &shape->anti_affinity[t];
    }
    for (uint32_t t = 0; t < shape->affinity_count; t++) {
        if (add_rule(places, rules, RULE_NEAR, shape->affinity[t].topology_key) == NULL)
            return false;
    }
    for (uint32_t t = 0; t < shape->spread_count; t++) {
        if (!shape->spreads[t].is_hard)
            continue;
        rule = add_rule(places, rules, RULE_SPREAD, shape->spreads[t].topology_key);
        if (rule == NULL)
            return false;
        rule->spread = &shape->spreads[t];
    }
    rules->is_own_company = matches_all(places, shape, &places->cluster->pods.at[rules->pod]);
    return true;
}

static bool
fill_rules(const spotopt__places *places, spotopt__place_rules *rules)
{
    if (!add_wishes(places, rules))
        return false;
    for (size_t s = 0; s < places->sites.count; s++) {
        if (!note_site(places, rules, &places->sites.at[s]))
            return false;
    }
    for (uint32_t i = 0; i < places->cluster->pods.count; i++) {
        if (places->where[i] != NONE && !note_pod(places, rules, i))
            return false;
    }
    return true;
}

static void
free_rules(const spotopt__places *places, spotopt__place_rules *rules)
{
    for (size_t r = 0; r < rules->rules.count; r++) {
        spotopt__map_free(&rules->rules.at[r].at);
        spotopt__vec_free(places->context, &rules->rules.at[r].count);
    }
    spotopt__vec_free(places->context, &rules->rules);
}

/* The emptiest domain of every spread whose counts have changed. */
static spotopt__place_rules *
freshen(spotopt__place_rules *rules)
{
    for (size_t r = 0; r < rules->rules.count; r++) {
        spotopt__place_rule *rule = &rules->rules.at[r];
        if (rule->kind != RULE_SPREAD || !rule->is_stale)
            continue;
        rule->least =
            rule->count.count == 0 || rule->count.count < rule->spread->min_domains ? 0 : INT64_MAX;
        for (size_t v = 0; v < rule->count.count; v++)
            rule->least = rule->count.at[v] < rule->least ? rule->count.at[v] : rule->least;
        rule->is_stale = false;
    }
    return rules;
}

static bool
has_labels_of(const spotopt__pod *a, const spotopt__pod *b)
{
    if (a->labels.at == b->labels.at && a->labels.count == b->labels.count)
        return true;
    if (a->labels.count != b->labels.count)
        return false;
    for (uint32_t i = 0; i < a->labels.count; i++) {
        if (strcmp(a->labels.at[i].key, b->labels.at[i].key) != 0 ||
            strcmp(a->labels.at[i].value, b->labels.at[i].value) != 0)
            return false;
    }
    return true;
}

spotopt__place_rules *
spotopt__places_rules(spotopt__places *places, uint32_t index)
{
    const spotopt__pod *pod = &places->cluster->pods.at[index];
    spotopt__place_rules made;

    for (uint32_t k = places->rules_of[pod->shape]; k != NONE; k = places->rules.at[k].next) {
        if (has_labels_of(&places->cluster->pods.at[places->rules.at[k].pod], pod))
            return freshen(&places->rules.at[k]);
    }
    memset(&made, 0, sizeof made);
    made.pod = index;
    made.next = places->rules_of[pod->shape];
    if (!fill_rules(places, &made) || !spotopt__vec_push(places->context, &places->rules, made)) {
        free_rules(places, &made);
        return NULL;
    }
    places->rules_of[pod->shape] = (uint32_t)places->rules.count - 1;
    return freshen(&places->rules.at[places->rules.count - 1]);
}

bool
spotopt__places_add_site(spotopt__places *places, const spotopt__site *site)
{
    for (size_t k = 0; k < places->rules.count; k++) {
        if (!note_site(places, &places->rules.at[k], site))
            return false;
    }
    return spotopt__vec_push(places->context, &places->sites, *site);
}

bool
spotopt__places_put(spotopt__places *places, uint32_t pod, uint32_t site_index)
{
    spotopt__site *site = &places->sites.at[site_index];

    places->where[pod] = site_index;
    places->next[pod] = site->last_pod;
    site->last_pod = pod;
    for (uint32_t r = 0; r < places->cluster->resources.count; r++)
        spotopt__room_add(&site->room.of[r], -shape_of(places, pod)->request.of[r]);
    for (size_t k = 0; k < places->rules.count; k++) {
        if (!note_pod(places, &places->rules.at[k], pod))
            return false;
    }
    return true;
}

static bool
add_node(spotopt__places *places, uint32_t index, bool leaves)
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
    return spotopt__places_add_site(places, &site);
}

spotopt_status
spotopt__places_make(const spotopt_cluster *cluster, const unsigned char *leaves,
                     const unsigned char *stays, const unsigned char *goes, spotopt__places *places,
                     spotopt_error *err)
{
    bool done;

    memset(places, 0, sizeof *places);
    places->cluster = cluster;
    places->context = cluster->context;
    places->where =
        spotopt__alloc_array(places->context, cluster->pods.count + 1, sizeof *places->where);
    places->next =
        spotopt__alloc_array(places->context, cluster->pods.count + 1, sizeof *places->next);
    places->rules_of =
        spotopt__alloc_array(places->context, cluster->shapes.count + 1, sizeof *places->rules_of);
    done = places->where != NULL && places->next != NULL && places->rules_of != NULL;
    for (size_t s = 0; s < cluster->shapes.count && done; s++)
        places->rules_of[s] = NONE;
    for (uint32_t n = 0; n < cluster->nodes.count && done; n++)
        done = add_node(places, n, leaves[n]);
    for (size_t i = 0; i < cluster->pods.count && done; i++)
        places->where[i] = NONE;
    for (uint32_t i = 0; i < cluster->pods.count && done; i++) {
        const spotopt__pod *pod = &cluster->pods.at[i];
        if (pod->node != NONE && !spotopt__pod_is_finished(pod) && !pod->is_terminating &&
            (leaves[pod->node] ? stays[i] : !goes[i]))
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
    for (size_t k = 0; k < places->rules.count; k++)
        free_rules(places, &places->rules.at[k]);
    spotopt__vec_free(places->context, &places->rules);
    spotopt__vec_free(places->context, &places->sites);
    spotopt__free(places->context, places->where);
    spotopt__free(places->context, places->next);
    spotopt__free(places->context, places->rules_of);
    memset(places, 0, sizeof *places);
}

static bool
is_rule_kept(const spotopt__places *places, const spotopt__place_rules *rules,
             const spotopt__place_rule *rule, const spotopt__labels *labels)
{
    const char *value = spotopt__labels_get(labels, rule->key);
    uint32_t at = value == NULL ? NONE : spotopt__map_get(&rule->at, value);
    int64_t count = at == NONE ? 0 : rule->count.at[at], least = at == NONE ? 0 : rule->least, own;

    switch (rule->kind) {
    case RULE_APART:
        return count == 0;
    case RULE_NEAR:
        return count > 0 || (value != NULL && !rules->has_company && rules->is_own_company);
    default: /* a value not seen before is a domain with nobody in it */
        own = spotopt__selector_matches(&rule->spread->selector,
                                        &places->cluster->pods.at[rules->pod].labels);
        return value != NULL && count + own - least <= rule->spread->max_skew;
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
                      uint32_t pod, const spotopt__site *site, const char **why, bool *for_good)
{
    static const char *const words[] = {"pod anti-affinity", "pod affinity", "topology spread"};
    const spotopt__shape *shape = shape_of(places, pod);

    *why = "no node that is left is open";
    *for_good = true;
    if (!site->is_open)
        return false;
    if (!spotopt__shape_allows(shape, &site->labels, site->name, site->taints, site->taint_count,
                               why))
        return false;
    for (size_t r = 0; r < rules->rules.count; r++) {
        *why = words[rules->rules.at[r].kind];
        *for_good = rules->rules.at[r].kind == RULE_APART;
        if (!is_rule_kept(places, rules, &rules->rules.at[r], &site->labels))
            return false;
    }
    *why = "host ports";
    *for_good = true;
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
