/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kubernetes_pdb.c - PodDisruptionBudgets, policy/v1 and policy/v1beta1.
 *
 * The versions differ in what an empty selector means: all pods of the namespace in v1, none in
 * v1beta1. A selector that is not there selects nothing in either.
 */
#include "io/kubernetes.h"

/* minAvailable or maxUnavailable: a count, or a text such as "50%". */
static spotopt_status
read_limit(spotopt__k8s *k8s, const spotopt__at *at, int32_t count_kind, int32_t percent_kind,
           spotopt__pdb *pdb)
{
    const char *text = spotopt__json_text(at->value);
    char quoted[SPOTOPT__QUOTE_SIZE];
    int64_t value = -1;
    size_t length;

    if (!spotopt__at_is_set(at))
        return SPOTOPT_OK;
    pdb->kind = count_kind;
    if (text == NULL)
        return spotopt__want_int(at, 0, INT32_MAX, &pdb->value, k8s->err);
    length = strlen(text);
    if (length < 2 || length > 8 || text[length - 1] != '%' || text[0] < '0' || text[0] > '9' ||
        !spotopt__parse_int(text, length - 1, &value) || value > 100)
        return spotopt__fail_at(at, k8s->err,
                                "is %s; want a count or a share from \"0%%\" to \"100%%\"",
                                spotopt__quote(text, quoted));
    pdb->kind = percent_kind;
    pdb->value = value;
    return SPOTOPT_OK;
}

static spotopt_status
read_disrupted(spotopt__k8s *k8s, const spotopt__at *at, spotopt__pdb *pdb)
{
    const char **names;

    if (!spotopt__at_is_set(at))
        return SPOTOPT_OK;
    SPOTOPT__TRY(spotopt__want_object(at, k8s->err));
    names =
        spotopt__arena_alloc(&k8s->cluster->arena, spotopt__json_count(at->value), sizeof *names);
    if (names == NULL)
        return spotopt__k8s_nomem(k8s);
    pdb->disrupted = names;
    for (spotopt__at it = spotopt__at_first(at); it.value != NULL; spotopt__at_step(&it)) {
        const char *name = spotopt__k8s_intern(k8s, it.key, strlen(it.key));

        if (name == NULL)
            return spotopt__k8s_nomem(k8s);
        names[pdb->disrupted_count++] = name;
    }
    return SPOTOPT_OK;
}

static spotopt_status
read_state(spotopt__k8s *k8s, const spotopt__at *at, spotopt__pdb *pdb)
{
    const spotopt__at meta = spotopt__at_key(at, "metadata"),
                      generation_at = spotopt__at_key(&meta, "generation"),
                      status = spotopt__at_key(at, "status"),
                      observed_at = spotopt__at_key(&status, "observedGeneration"),
                      disrupted = spotopt__at_key(&status, "disruptedPods");
    int64_t generation = 0, observed = 0;

    if (!spotopt__at_is_set(&status)) /* a manifest: nobody has observed anything yet */
        return SPOTOPT_OK;
    SPOTOPT__TRY(spotopt__want_object(&status, k8s->err));
    SPOTOPT__TRY(spotopt__k8s_int(k8s, &generation_at, 0, INT64_C(1) << 52, &generation));
    SPOTOPT__TRY(spotopt__k8s_int(k8s, &observed_at, 0, INT64_C(1) << 52, &observed));
    pdb->is_lagging = observed < generation;
    return read_disrupted(k8s, &disrupted, pdb);
}

spotopt_status
spotopt__k8s_read_pdb(spotopt__k8s *k8s, const spotopt__at *at)
{
    static const char *const policies[] = {"IfHealthyBudget", "AlwaysAllow", NULL};
    const spotopt__at version = spotopt__at_key(at, "apiVersion"),
                      spec = spotopt__at_key(at, "spec"),
                      least = spotopt__at_key(&spec, "minAvailable"),
                      most = spotopt__at_key(&spec, "maxUnavailable"),
                      selector = spotopt__at_key(&spec, "selector"),
                      policy_at = spotopt__at_key(&spec, "unhealthyPodEvictionPolicy");
    const char *text = spotopt__json_text(version.value);
    spotopt__pdb pdb = {.kind = SPOTOPT__BUDGET_NONE};
    spotopt__k8s_meta meta;
    int32_t policy = 0;

    SPOTOPT__TRY(spotopt__k8s_meta_at(k8s, at, true, &meta));
    SPOTOPT__TRY(spotopt__want_object(&spec, k8s->err));
    pdb.ns = meta.ns;
    pdb.name = meta.name;
    pdb.id = meta.id;
    if (spotopt__at_is_set(&least) && spotopt__at_is_set(&most))
        return spotopt__fail_at(&spec, k8s->err,
                                "has minAvailable and maxUnavailable; want one of them");
    SPOTOPT__TRY(
        read_limit(k8s, &least, SPOTOPT__BUDGET_MIN_COUNT, SPOTOPT__BUDGET_MIN_PERCENT, &pdb));
    SPOTOPT__TRY(
        read_limit(k8s, &most, SPOTOPT__BUDGET_MAX_COUNT, SPOTOPT__BUDGET_MAX_PERCENT, &pdb));
    SPOTOPT__TRY(spotopt__k8s_selector(k8s, &selector, &pdb.selector));
    if (text != NULL && strcmp(text, "policy/v1beta1") == 0 && pdb.selector.count == 0)
        pdb.selector.is_nothing = true;
    SPOTOPT__TRY(spotopt__k8s_word(k8s, &policy_at, policies, &policy));
    pdb.always_allows_unhealthy = policy == 1;
    SPOTOPT__TRY(read_state(k8s, at, &pdb));
    return spotopt__vec_push(k8s->context, &k8s->cluster->pdbs, pdb) ? SPOTOPT_OK
                                                                     : spotopt__k8s_nomem(k8s);
}
