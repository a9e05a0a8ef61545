/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kubernetes_selector.c - selectors of labels and of nodes, and tolerations.
 *
 * Requirements come out sorted, so that selectors written in another order are one. Keys that
 * select nodes get their stable spelling (beta.kubernetes.io/arch becomes kubernetes.io/arch, a CSI
 * driver's own zone key becomes topology.kubernetes.io/zone), for pools know no other. What the API
 * server would refuse is refused.
 */
#include <stdlib.h>

#include "io/kubernetes.h"

static const struct {
    const char *legacy, *stable;
} spellings[] = {
    {"beta.kubernetes.io/arch", "kubernetes.io/arch"},
    {"beta.kubernetes.io/os", "kubernetes.io/os"},
    {"beta.kubernetes.io/instance-type", "node.kubernetes.io/instance-type"},
    {"failure-domain.beta.kubernetes.io/zone", "topology.kubernetes.io/zone"},
    {"failure-domain.beta.kubernetes.io/region", "topology.kubernetes.io/region"},
    {"failure-domain.kubernetes.io/zone", "topology.kubernetes.io/zone"},
    {"failure-domain.kubernetes.io/region", "topology.kubernetes.io/region"},
    {"topology.ebs.csi.aws.com/zone", "topology.kubernetes.io/zone"},
    {"topology.gke.io/zone", "topology.kubernetes.io/zone"},
    {"topology.disk.csi.azure.com/zone", "topology.kubernetes.io/zone"},
    {"eks.amazonaws.com/capacityType", "karpenter.sh/capacity-type"},
};

const char *
spotopt__k8s_stable_key(const char *key)
{
    for (size_t i = 0; i < sizeof spellings / sizeof *spellings; i++) {
        if (strcmp(spellings[i].legacy, key) == 0)
            return spellings[i].stable;
    }
    return key;
}

/* An interned key in its stable spelling. */
static const char *
intern_stable(spotopt__k8s *k8s, const char *key)
{
    const char *stable = spotopt__k8s_stable_key(key);

    return stable == key ? key : spotopt__k8s_intern(k8s, stable, strlen(stable));
}

/* EKS says SPOT and ON_DEMAND where the stable label says spot and on-demand. */
const char *
spotopt__k8s_stable_value(spotopt__k8s *k8s, const char *key, const char *value)
{
    if (strcmp(key, "eks.amazonaws.com/capacityType") == 0) {
        if (strcmp(value, "SPOT") == 0)
            return spotopt__k8s_intern(k8s, "spot", 4);
        if (strcmp(value, "ON_DEMAND") == 0)
            return spotopt__k8s_intern(k8s, "on-demand", 9);
    }
    return value;
}

static int
compare_requirements(const void *a, const void *b)
{
    const spotopt__requirement *left = a, *right = b;
    int order = strcmp(left->key, right->key);

    if (order == 0)
        order = (left->op > right->op) - (left->op < right->op);
    if (order == 0)
        order = (left->value_count > right->value_count) - (left->value_count < right->value_count);
    for (uint32_t i = 0; order == 0 && i < left->value_count; i++)
        order = strcmp(left->values[i], right->values[i]);
    return order;
}

static void
sort_requirements(spotopt__requirement *at, uint32_t count)
{
    if (count > 1)
        qsort(at, count, sizeof *at, compare_requirements);
}

static spotopt_status
rename_values(spotopt__k8s *k8s, spotopt__requirement *requirement)
{
    const char *key = requirement->key;
    const char **values;

    requirement->key = intern_stable(k8s, key);
    if (requirement->key == NULL)
        return spotopt__k8s_nomem(k8s);
    if (requirement->key == key || requirement->value_count == 0)
        return SPOTOPT_OK;
    values = spotopt__arena_dup(&k8s->cluster->arena, requirement->values, requirement->value_count,
                                sizeof *values);
    if (values == NULL)
        return spotopt__k8s_nomem(k8s);
    for (uint32_t i = 0; i < requirement->value_count; i++) {
        values[i] = spotopt__k8s_stable_value(k8s, key, values[i]);
        if (values[i] == NULL)
            return spotopt__k8s_nomem(k8s);
    }
    requirement->values = values;
    return SPOTOPT_OK;
}

/* One of matchExpressions or matchFields. */
static spotopt_status
read_requirement(spotopt__k8s *k8s, const spotopt__at *at, bool of_nodes, spotopt__requirement *out)
{
    static const char *const words[] = {"In", "NotIn", "Exists", "DoesNotExist", "Gt", "Lt", NULL};
    static const char *const few[] = {"In", "NotIn", "Exists", "DoesNotExist", NULL};
    const spotopt__at key = spotopt__at_key(at, "key"), op = spotopt__at_key(at, "operator"),
                      values = spotopt__at_key(at, "values");
    const char *text;
    int64_t number;

    SPOTOPT__TRY(spotopt__want_object(at, k8s->err));
    SPOTOPT__TRY(spotopt__want_text(&key, &text, k8s->err));
    SPOTOPT__TRY(spotopt__k8s_text(k8s, &key, &out->key));
    SPOTOPT__TRY(spotopt__want_text(&op, &text, k8s->err));
    SPOTOPT__TRY(spotopt__k8s_word(k8s, &op, of_nodes ? words : few, &out->op));
    SPOTOPT__TRY(spotopt__k8s_texts(k8s, &values, &out->values, &out->value_count));
    switch (out->op) {
    case SPOTOPT__OP_IN:
    case SPOTOPT__OP_NOT_IN:
        if (out->value_count == 0)
            return spotopt__fail_at(&values, k8s->err, "want at least one value for operator %s",
                                    text);
        break;
    case SPOTOPT__OP_EXISTS:
    case SPOTOPT__OP_NOT_EXISTS:
        if (out->value_count > 0)
            return spotopt__fail_at(&values, k8s->err, "want no values for operator %s", text);
        break;
    default:
        if (out->value_count != 1 ||
            !spotopt__parse_int(out->values[0], strlen(out->values[0]), &number))
            return spotopt__fail_at(&values, k8s->err, "want one whole number for operator %s",
                                    text);
        break;
    }
    return of_nodes ? rename_values(k8s, out) : SPOTOPT_OK;
}

/* A list of requirements, in room made for `more` in front of it. */
static spotopt_status
read_requirements(spotopt__k8s *k8s, const spotopt__at *at, bool of_nodes, uint32_t more,
                  spotopt__requirement **out, uint32_t *count)
{
    *out = NULL;
    SPOTOPT__TRY(spotopt__k8s_list(k8s, at, count));
    *count += more;
    if (*count == 0)
        return SPOTOPT_OK;
    *out = spotopt__arena_alloc(&k8s->cluster->arena, *count, sizeof **out);
    if (*out == NULL)
        return spotopt__k8s_nomem(k8s);
    for (spotopt__at it = spotopt__at_first(at); it.value != NULL && more < *count;
         spotopt__at_step(&it))
        SPOTOPT__TRY(read_requirement(k8s, &it, of_nodes, &(*out)[more++]));
    return SPOTOPT_OK;
}

static spotopt_status
set_in(spotopt__k8s *k8s, spotopt__requirement *out, const char *key, int32_t op, const char *value)
{
    const char **values = spotopt__arena_alloc(&k8s->cluster->arena, 1, sizeof *values);

    if (values == NULL)
        return spotopt__k8s_nomem(k8s);
    values[0] = value;
    *out = (spotopt__requirement){key, values, 1, op};
    return SPOTOPT_OK;
}

spotopt_status
spotopt__k8s_selector(spotopt__k8s *k8s, const spotopt__at *at, spotopt__selector *out)
{
    const spotopt__at labels_at = spotopt__at_key(at, "matchLabels"),
                      expressions = spotopt__at_key(at, "matchExpressions");
    spotopt__requirement *list;
    spotopt__labels labels;
    uint32_t count;

    *out = (spotopt__selector){NULL, 0, true};
    if (!spotopt__at_is_set(at))
        return SPOTOPT_OK;
    SPOTOPT__TRY(spotopt__want_object(at, k8s->err));
    SPOTOPT__TRY(spotopt__k8s_labels(k8s, &labels_at, &labels));
    SPOTOPT__TRY(read_requirements(k8s, &expressions, false, labels.count, &list, &count));
    for (uint32_t i = 0; i < labels.count; i++)
        SPOTOPT__TRY(set_in(k8s, &list[i], labels.at[i].key, SPOTOPT__OP_IN, labels.at[i].value));
    sort_requirements(list, count);
    *out = (spotopt__selector){list, count, false};
    return SPOTOPT_OK;
}

spotopt_status
spotopt__k8s_fold_keys(spotopt__k8s *k8s, const spotopt__at *keys, int32_t op,
                       const spotopt__labels *labels, spotopt__selector *selector)
{
    const char *const *names;
    spotopt__requirement *list;
    uint32_t count, used = selector->count;

    SPOTOPT__TRY(spotopt__k8s_texts(k8s, keys, &names, &count));
    if (count == 0 || selector->is_nothing)
        return SPOTOPT_OK;
    list = spotopt__arena_alloc(&k8s->cluster->arena, used + count, sizeof *list);
    if (list == NULL)
        return spotopt__k8s_nomem(k8s);
    if (used > 0)
        memcpy(list, selector->at, used * sizeof *list);
    for (uint32_t i = 0; i < count; i++) {
        const char *value = spotopt__labels_get(labels, names[i]);

        if (value != NULL) /* a key that the pod lacks plays no part */
            SPOTOPT__TRY(set_in(k8s, &list[used++], names[i], op, value));
    }
    sort_requirements(list, used);
    selector->at = list;
    selector->count = used;
    return SPOTOPT_OK;
}

static spotopt_status
read_node_term(spotopt__k8s *k8s, const spotopt__at *at, spotopt__node_term *out)
{
    const spotopt__at labels = spotopt__at_key(at, "matchExpressions"),
                      fields = spotopt__at_key(at, "matchFields");
    spotopt__requirement *list;

    SPOTOPT__TRY(spotopt__want_object(at, k8s->err));
    SPOTOPT__TRY(read_requirements(k8s, &labels, true, 0, &list, &out->label_count));
    sort_requirements(list, out->label_count);
    out->labels = list;
    SPOTOPT__TRY(read_requirements(k8s, &fields, true, 0, &list, &out->field_count));
    for (uint32_t i = 0; i < out->field_count; i++) {
        if (strcmp(list[i].key, "metadata.name") != 0 || list[i].op > SPOTOPT__OP_NOT_IN)
            return spotopt__fail_at(&fields, k8s->err,
                                    "want only metadata.name, with operator In or NotIn");
    }
    sort_requirements(list, out->field_count);
    out->fields = list;
    return SPOTOPT_OK;
}

spotopt_status
spotopt__k8s_node_terms(spotopt__k8s *k8s, const spotopt__at *at, bool is_preferred,
                        const spotopt__node_term **out, uint32_t *count)
{
    spotopt__node_term *list;
    uint32_t room, used = 0;

    *out = NULL;
    *count = 0;
    SPOTOPT__TRY(spotopt__k8s_list(k8s, at, &room));
    if (room == 0)
        return SPOTOPT_OK;
    list = spotopt__arena_alloc(&k8s->cluster->arena, room, sizeof *list);
    if (list == NULL)
        return spotopt__k8s_nomem(k8s);
    for (spotopt__at it = spotopt__at_first(at); it.value != NULL; spotopt__at_step(&it)) {
        const spotopt__at preference = spotopt__at_key(&it, "preference"),
                          weight_at = spotopt__at_key(&it, "weight");
        int64_t weight = 0;

        if (is_preferred)
            SPOTOPT__TRY(spotopt__want_int(&weight_at, 1, 100, &weight, k8s->err));
        SPOTOPT__TRY(read_node_term(k8s, is_preferred ? &preference : &it, &list[used]));
        list[used].weight = (int32_t)weight;
        /* An empty preference is met everywhere: no preference. */
        if (!is_preferred || list[used].label_count + list[used].field_count > 0)
            used++;
    }
    *out = list;
    *count = used;
    return SPOTOPT_OK;
}

spotopt_status
spotopt__k8s_node_selector(spotopt__k8s *k8s, const spotopt__at *at, const spotopt__labels *more,
                           spotopt__labels *out)
{
    spotopt__labels read;
    spotopt__label *pairs;
    uint32_t count = 0;

    SPOTOPT__TRY(spotopt__k8s_labels(k8s, at, &read));
    if (read.count + more->count == 0) {
        *out = read;
        return SPOTOPT_OK;
    }
    pairs =
        spotopt__arena_alloc(&k8s->cluster->arena, (size_t)read.count + more->count, sizeof *pairs);
    if (pairs == NULL)
        return spotopt__k8s_nomem(k8s);
    for (uint32_t i = 0; i < read.count; i++) {
        const char *key = read.at[i].key, *stable = intern_stable(k8s, key);

        if (stable == NULL)
            return spotopt__k8s_nomem(k8s);
        /* Both spellings stand there: each must hold, so the legacy one stays what it is. */
        if (stable != key && spotopt__labels_get(&read, stable) != NULL)
            stable = key;
        pairs[count].key = stable;
        pairs[count].value = stable == key ? read.at[i].value
                                           : spotopt__k8s_stable_value(k8s, key, read.at[i].value);
        if (pairs[count++].value == NULL)
            return spotopt__k8s_nomem(k8s);
    }
    for (uint32_t i = 0; i < more->count; i++)
        pairs[count++] = more->at[i];
    return spotopt__k8s_label_set(k8s, pairs, count, out);
}

/* A StorageClass's allowedTopologies: alternatives of key in values, all needed. */
spotopt_status
spotopt__k8s_topologies(spotopt__k8s *k8s, const spotopt__at *at, spotopt__node_group *out)
{
    spotopt__node_term *terms;
    uint32_t room, used = 0;

    SPOTOPT__TRY(spotopt__k8s_list(k8s, at, &room));
    *out = (spotopt__node_group){NULL, 0, "storage class"};
    if (room == 0)
        return SPOTOPT_OK;
    terms = spotopt__arena_alloc(&k8s->cluster->arena, room, sizeof *terms);
    if (terms == NULL)
        return spotopt__k8s_nomem(k8s);
    for (spotopt__at it = spotopt__at_first(at); it.value != NULL; spotopt__at_step(&it)) {
        const spotopt__at list = spotopt__at_key(&it, "matchLabelExpressions");
        spotopt__requirement *labels;
        uint32_t count, n = 0;

        SPOTOPT__TRY(spotopt__want_object(&it, k8s->err));
        SPOTOPT__TRY(spotopt__k8s_list(k8s, &list, &count));
        if (count == 0) /* anywhere */
            return SPOTOPT_OK;
        labels = spotopt__arena_alloc(&k8s->cluster->arena, count, sizeof *labels);
        if (labels == NULL)
            return spotopt__k8s_nomem(k8s);
        for (spotopt__at one = spotopt__at_first(&list); one.value != NULL;
             spotopt__at_step(&one)) {
            const spotopt__at key = spotopt__at_key(&one, "key"),
                              values = spotopt__at_key(&one, "values");

            SPOTOPT__TRY(spotopt__want_object(&one, k8s->err));
            SPOTOPT__TRY(spotopt__want_text(&key, &labels[n].key, k8s->err));
            SPOTOPT__TRY(spotopt__k8s_text(k8s, &key, &labels[n].key));
            SPOTOPT__TRY(
                spotopt__k8s_texts(k8s, &values, &labels[n].values, &labels[n].value_count));
            if (labels[n].value_count == 0)
                return spotopt__fail_at(&values, k8s->err, "want at least one value");
            SPOTOPT__TRY(rename_values(k8s, &labels[n++]));
        }
        sort_requirements(labels, count);
        terms[used].labels = labels;
        terms[used++].label_count = count;
    }
    out->terms = terms;
    out->count = used;
    return SPOTOPT_OK;
}

spotopt_status
spotopt__k8s_in_group(spotopt__k8s *k8s, const char *key, const char *const *values, uint32_t count,
                      const char *source, spotopt__node_group *out)
{
    spotopt__node_term *term = spotopt__arena_alloc(&k8s->cluster->arena, 1, sizeof *term);
    spotopt__requirement *one = spotopt__arena_alloc(&k8s->cluster->arena, 1, sizeof *one);

    if (term == NULL || one == NULL)
        return spotopt__k8s_nomem(k8s);
    *one = (spotopt__requirement){key, values, count, SPOTOPT__OP_IN};
    term->labels = one;
    term->label_count = 1;
    *out = (spotopt__node_group){term, 1, source};
    return SPOTOPT_OK;
}

static int
compare_tolerations(const void *a, const void *b)
{
    const spotopt__toleration *left = a, *right = b;
    int order = strcmp(left->key == NULL ? "" : left->key, right->key == NULL ? "" : right->key);

    if (order == 0)
        order = strcmp(left->value, right->value);
    if (order == 0)
        order = (left->effect > right->effect) - (left->effect < right->effect);
    return order != 0 ? order : left->is_exists - right->is_exists;
}

static spotopt_status
read_toleration(spotopt__k8s *k8s, const spotopt__at *at, spotopt__toleration *out)
{
    static const char *const effects[] = {"NoSchedule", "PreferNoSchedule", "NoExecute", NULL};
    static const char *const operators[] = {"Equal", "Exists", NULL};
    const spotopt__at key = spotopt__at_key(at, "key"), value = spotopt__at_key(at, "value"),
                      op = spotopt__at_key(at, "operator"), effect = spotopt__at_key(at, "effect");
    const char *text = spotopt__json_text(effect.value);
    int32_t which = 0;

    SPOTOPT__TRY(spotopt__want_object(at, k8s->err));
    *out = (spotopt__toleration){NULL, spotopt__k8s_intern(k8s, "", 0), SPOTOPT__ANY_EFFECT, false};
    if (out->value == NULL)
        return spotopt__k8s_nomem(k8s);
    SPOTOPT__TRY(spotopt__k8s_text(k8s, &key, &out->key));
    if (out->key != NULL && *out->key == '\0')
        out->key = NULL;
    SPOTOPT__TRY(spotopt__k8s_text(k8s, &value, &out->value));
    if (text == NULL || *text != '\0')
        SPOTOPT__TRY(spotopt__k8s_word(k8s, &effect, effects, &out->effect));
    text = spotopt__json_text(op.value);
    if (text == NULL || *text != '\0')
        SPOTOPT__TRY(spotopt__k8s_word(k8s, &op, operators, &which));
    out->is_exists = which == 1;
    if (out->key == NULL && !out->is_exists)
        return spotopt__fail_at(at, k8s->err, "has no key; want operator Exists then");
    return SPOTOPT_OK;
}

spotopt_status
spotopt__k8s_tolerations(spotopt__k8s *k8s, const spotopt__at *at, const spotopt__toleration *more,
                         uint32_t more_count, const spotopt__toleration **out, uint32_t *count)
{
    spotopt__toleration *list;
    uint32_t room, used = 0, kept = 0;

    *out = NULL;
    *count = 0;
    SPOTOPT__TRY(spotopt__k8s_list(k8s, at, &room));
    if (room + more_count == 0)
        return SPOTOPT_OK;
    list = spotopt__arena_alloc(&k8s->cluster->arena, (size_t)room + more_count, sizeof *list);
    if (list == NULL)
        return spotopt__k8s_nomem(k8s);
    for (spotopt__at it = spotopt__at_first(at); it.value != NULL && used < room;
         spotopt__at_step(&it))
        SPOTOPT__TRY(read_toleration(k8s, &it, &list[used++]));
    for (uint32_t i = 0; i < more_count; i++)
        list[used++] = more[i];
    if (used > 1)
        qsort(list, used, sizeof *list, compare_tolerations);
    for (uint32_t i = 0; i < used; i++) {
        if (kept == 0 || compare_tolerations(&list[kept - 1], &list[i]) != 0)
            list[kept++] = list[i];
    }
    *out = list;
    *count = kept;
    return SPOTOPT_OK;
}
