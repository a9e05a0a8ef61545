/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kubernetes_volume.c - where a pod's volumes let it run.
 *
 * A bound claim brings its volume's node affinity and zone labels; one that is not bound yet brings
 * the allowedTopologies of its storage class, for either binding mode: the volume will be made
 * where the pod goes or, if made at once, somewhere in there. Each is a group of node terms that
 * the pod's node must satisfy.
 */
#include "io/kubernetes.h"

enum { VOLUMES_MOST = 4096 };
static const char *const zone_label = "topology.kubernetes.io/zone";
static const char *const region_label = "topology.kubernetes.io/region";

spotopt_status
spotopt__k8s_read_class(spotopt__k8s *k8s, const spotopt__at *at)
{
    static const char *const defaults[] = {"storageclass.kubernetes.io/is-default-class",
                                           "storageclass.beta.kubernetes.io/is-default-class"};
    const spotopt__at meta_at = spotopt__at_key(at, "metadata"),
                      topologies = spotopt__at_key(at, "allowedTopologies");
    const uint32_t index = (uint32_t)k8s->classes.count;
    spotopt__k8s_class made = {0};
    spotopt__k8s_meta meta;

    SPOTOPT__TRY(spotopt__k8s_meta_at(k8s, at, false, &meta));
    made.name = meta.name;
    SPOTOPT__TRY(spotopt__k8s_topologies(k8s, &topologies, &made.topologies));
    for (size_t i = 0; i < sizeof defaults / sizeof *defaults; i++) {
        if (spotopt__k8s_annotation_is(&meta_at, defaults[i], "true"))
            made.is_default = true;
    }
    if (made.is_default && k8s->default_class == SPOTOPT__NONE)
        k8s->default_class = index;
    if (!spotopt__vec_push(k8s->context, &k8s->classes, made) ||
        !spotopt__map_put(&k8s->class_at, meta.name, index, NULL))
        return spotopt__k8s_nomem(k8s);
    return SPOTOPT_OK;
}

/* "a__b" is a set of zones in the label of a regional disk. */
static spotopt_status
split_zones(spotopt__k8s *k8s, const char *text, const char *const **out, uint32_t *count)
{
    const char **values;
    uint32_t room = 1;

    for (const char *c = strstr(text, "__"); c != NULL; c = strstr(c + 2, "__"))
        room++;
    values = spotopt__arena_alloc(&k8s->cluster->arena, room, sizeof *values);
    if (values == NULL)
        return spotopt__k8s_nomem(k8s);
    for (uint32_t i = 0; i < room; i++) {
        const char *end = strstr(text, "__");

        values[i] =
            spotopt__k8s_intern(k8s, text, end == NULL ? strlen(text) : (size_t)(end - text));
        if (values[i] == NULL)
            return spotopt__k8s_nomem(k8s);
        if (end != NULL)
            text = end + 2;
    }
    *out = values;
    *count = room;
    return SPOTOPT_OK;
}

/* The group that a volume's zone label, or else its region label, stands for. */
static spotopt_status
read_zone_labels(spotopt__k8s *k8s, const spotopt__labels *labels, spotopt__k8s_volume *out)
{
    static const char *const keys[][3] = {
        {"topology.kubernetes.io/zone", "failure-domain.beta.kubernetes.io/zone", NULL},
        {"topology.kubernetes.io/region", "failure-domain.beta.kubernetes.io/region", NULL}};

    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        const char *const *values = NULL;
        const char *value = NULL;
        uint32_t count = 0;

        for (size_t j = 0; value == NULL && keys[i][j] != NULL; j++)
            value = spotopt__labels_get(labels, keys[i][j]);
        if (value == NULL || *value == '\0')
            continue;
        SPOTOPT__TRY(split_zones(k8s, value, &values, &count));
        value = i == 0 ? zone_label : region_label;
        value = spotopt__k8s_intern(k8s, value, strlen(value));
        if (value == NULL)
            return spotopt__k8s_nomem(k8s);
        return spotopt__k8s_in_group(k8s, value, values, count, "volume",
                                     &out->groups[out->group_count++]);
    }
    return SPOTOPT_OK;
}

spotopt_status
spotopt__k8s_read_volume(spotopt__k8s *k8s, const spotopt__at *at)
{
    const spotopt__at spec = spotopt__at_key(at, "spec"),
                      affinity = spotopt__at_key(&spec, "nodeAffinity"),
                      required = spotopt__at_key(&affinity, "required"),
                      terms = spotopt__at_key(&required, "nodeSelectorTerms");
    const uint32_t index = (uint32_t)k8s->volumes.count;
    spotopt__k8s_volume made = {0};
    spotopt__k8s_meta meta;

    SPOTOPT__TRY(spotopt__k8s_meta_at(k8s, at, false, &meta));
    made.name = meta.name;
    if (spotopt__at_is_set(&required)) {
        SPOTOPT__TRY(spotopt__want_object(&required, k8s->err));
        SPOTOPT__TRY(spotopt__k8s_node_terms(k8s, &terms, false, &made.groups[0].terms,
                                             &made.groups[0].count));
        if (made.groups[0].count == 0)
            return spotopt__fail_at(&terms, k8s->err, "want at least one term");
        made.group_count = 1;
    }
    /* An in-tree volume has labels alone; a migrated one says the same thing twice. */
    if (made.group_count == 0)
        SPOTOPT__TRY(read_zone_labels(k8s, &meta.labels, &made));
    if (!spotopt__vec_push(k8s->context, &k8s->volumes, made) ||
        !spotopt__map_put(&k8s->volume_at, meta.name, index, NULL))
        return spotopt__k8s_nomem(k8s);
    return SPOTOPT_OK;
}

/* The parts of a claim's spec that matter; also of a template's. */
static spotopt_status
read_claim_spec(spotopt__k8s *k8s, const spotopt__at *spec, const char **class_name,
                unsigned char *holds)
{
    const spotopt__at class_at = spotopt__at_key(spec, "storageClassName"),
                      modes = spotopt__at_key(spec, "accessModes");
    uint32_t count;

    *class_name = NULL;
    *holds = 0;
    SPOTOPT__TRY(spotopt__want_object(spec, k8s->err));
    SPOTOPT__TRY(spotopt__k8s_text(k8s, &class_at, class_name));
    SPOTOPT__TRY(spotopt__k8s_list(k8s, &modes, &count));
    for (const spotopt__json *it = spotopt__json_first(modes.value); it != NULL && count > 0;
         it = spotopt__json_next(it)) {
        const char *mode = spotopt__json_text(it);

        if (mode != NULL && strcmp(mode, "ReadWriteOncePod") == 0)
            *holds |= SPOTOPT__HOLDS_POD;
        else if (mode != NULL && strcmp(mode, "ReadWriteOnce") == 0)
            *holds |= SPOTOPT__HOLDS_NODE;
    }
    return SPOTOPT_OK;
}

spotopt_status
spotopt__k8s_read_claim(spotopt__k8s *k8s, const spotopt__at *at)
{
    static const char class_annotation[] = "volume.beta.kubernetes.io/storage-class";
    const spotopt__at spec = spotopt__at_key(at, "spec"),
                      volume = spotopt__at_key(&spec, "volumeName"),
                      meta_at = spotopt__at_key(at, "metadata"),
                      notes = spotopt__at_key(&meta_at, "annotations"),
                      class_note = spotopt__at_key(&notes, class_annotation);
    const uint32_t index = (uint32_t)k8s->claims.count;
    spotopt__k8s_claim made = {.volume = ""};
    spotopt__k8s_meta meta;

    SPOTOPT__TRY(spotopt__k8s_meta_at(k8s, at, true, &meta));
    SPOTOPT__TRY(read_claim_spec(k8s, &spec, &made.class_name, &made.holds));
    if (made.class_name == NULL)
        SPOTOPT__TRY(spotopt__k8s_text(k8s, &class_note, &made.class_name));
    SPOTOPT__TRY(spotopt__k8s_text(k8s, &volume, &made.volume));
    if (!spotopt__vec_push(k8s->context, &k8s->claims, made) ||
        !spotopt__map_put(&k8s->claim_at, meta.id, index, NULL))
        return spotopt__k8s_nomem(k8s);
    return SPOTOPT_OK;
}

spotopt_status
spotopt__k8s_claim_template_at(spotopt__k8s *k8s, const spotopt__at *at,
                               spotopt__k8s_claim_template *out)
{
    const spotopt__at meta = spotopt__at_key(at, "metadata"), name = spotopt__at_key(&meta, "name"),
                      spec = spotopt__at_key(at, "spec");

    SPOTOPT__TRY(spotopt__want_object(at, k8s->err));
    SPOTOPT__TRY(spotopt__want_text(&name, &out->name, k8s->err));
    SPOTOPT__TRY(spotopt__k8s_text(k8s, &name, &out->name));
    return read_claim_spec(k8s, &spec, &out->class_name, &out->holds);
}

static spotopt_status
add_group(spotopt__k8s *k8s, const spotopt__node_group *group, const char *source,
          spotopt__k8s_groups *groups)
{
    spotopt__node_group copy = *group;

    if (copy.count == 0)
        return SPOTOPT_OK;
    copy.source = source;
    for (size_t i = 0; i < groups->count; i++) {
        if (groups->at[i].terms == copy.terms)
            return SPOTOPT_OK; /* two volumes of one class */
    }
    return spotopt__vec_push(k8s->context, groups, copy) ? SPOTOPT_OK : spotopt__k8s_nomem(k8s);
}

/* What an unbound claim of a class brings. */
static spotopt_status
add_class(spotopt__k8s *k8s, const char *class_name, const char *source,
          spotopt__k8s_groups *groups)
{
    const uint32_t index =
        class_name == NULL ? k8s->default_class : spotopt__map_get(&k8s->class_at, class_name);

    if (index == SPOTOPT__NONE)
        return SPOTOPT_OK;
    return add_group(k8s, &k8s->classes.at[index].topologies, source, groups);
}

spotopt_status
spotopt__k8s_claim_groups(spotopt__k8s *k8s, const char *ns, const char *name,
                          const spotopt__k8s_claim_template *fallback, spotopt__k8s_groups *groups,
                          unsigned char *holds)
{
    const char *id = spotopt__k8s_join(k8s, ns, "/", name), *source;
    const spotopt__k8s_claim *claim;
    uint32_t index;

    if (id == NULL)
        return spotopt__k8s_nomem(k8s);
    source = spotopt__k8s_join(k8s, "volume ", id, "");
    if (source == NULL)
        return spotopt__k8s_nomem(k8s);
    index = spotopt__map_get(&k8s->claim_at, id);
    if (index == SPOTOPT__NONE && fallback != NULL) {
        *holds |= fallback->holds;
        return add_class(k8s, fallback->class_name, source, groups);
    }
    if (index == SPOTOPT__NONE) {
        k8s->missing_claims++;
        k8s->a_missing_claim = id;
        return SPOTOPT_OK;
    }
    claim = &k8s->claims.at[index];
    *holds |= claim->holds;
    if (*claim->volume == '\0')
        return add_class(k8s, claim->class_name, source, groups);
    index = spotopt__map_get(&k8s->volume_at, claim->volume);
    if (index == SPOTOPT__NONE) {
        k8s->missing_volumes++;
        k8s->a_missing_volume = id;
        return SPOTOPT_OK;
    }
    for (uint32_t i = 0; i < k8s->volumes.at[index].group_count; i++)
        SPOTOPT__TRY(add_group(k8s, &k8s->volumes.at[index].groups[i], source, groups));
    return SPOTOPT_OK;
}

void
spotopt__k8s_hold(spotopt__shape *shape, unsigned char holds)
{
    shape->has_attached_claim = shape->has_attached_claim || (holds & SPOTOPT__HOLDS_NODE) != 0;
    shape->has_exclusive_claim = shape->has_exclusive_claim || (holds & SPOTOPT__HOLDS_POD) != 0;
}

/* One of spec.volumes. */
static spotopt_status
read_one(spotopt__k8s *k8s, const spotopt__k8s_pod *pod, const spotopt__at *at,
         spotopt__k8s_groups *groups, spotopt__shape *shape)
{
    const spotopt__at claim = spotopt__at_key(at, "persistentVolumeClaim"),
                      claim_name = spotopt__at_key(&claim, "claimName"),
                      ephemeral = spotopt__at_key(at, "ephemeral"),
                      template_at = spotopt__at_key(&ephemeral, "volumeClaimTemplate"),
                      spec = spotopt__at_key(&template_at, "spec"),
                      name_at = spotopt__at_key(at, "name");
    spotopt__k8s_claim_template made = {0};
    const char *name, *text;
    unsigned char holds = 0;

    SPOTOPT__TRY(spotopt__want_object(at, k8s->err));
    if (spotopt__json_get(at->value, "emptyDir") != NULL ||
        spotopt__json_get(at->value, "hostPath") != NULL)
        shape->has_local_storage = true;
    if (spotopt__at_is_set(&claim)) {
        SPOTOPT__TRY(spotopt__want_text(&claim_name, &text, k8s->err));
        SPOTOPT__TRY(spotopt__k8s_claim_groups(k8s, pod->ns, text, NULL, groups, &holds));
        spotopt__k8s_hold(shape, holds);
        return SPOTOPT_OK;
    }
    if (!spotopt__at_is_set(&ephemeral))
        return SPOTOPT_OK;
    SPOTOPT__TRY(spotopt__want_text(&name_at, &text, k8s->err));
    if (spotopt__at_is_set(&template_at))
        SPOTOPT__TRY(read_claim_spec(k8s, &spec, &made.class_name, &made.holds));
    name = spotopt__k8s_join(k8s, pod->name == NULL ? "" : pod->name, "-", text);
    if (name == NULL)
        return spotopt__k8s_nomem(k8s);
    SPOTOPT__TRY(spotopt__k8s_claim_groups(k8s, pod->ns, name, &made, groups, &holds));
    spotopt__k8s_hold(shape, holds);
    return SPOTOPT_OK;
}

spotopt_status
spotopt__k8s_volumes(spotopt__k8s *k8s, const spotopt__k8s_pod *pod, spotopt__k8s_groups *groups,
                     spotopt__shape *shape)
{
    const spotopt__at list = spotopt__at_key(pod->spec, "volumes");
    unsigned char holds = 0;
    uint32_t count;

    SPOTOPT__TRY(spotopt__k8s_list(k8s, &list, &count));
    if (count > VOLUMES_MOST)
        return spotopt__fail_at(&list, k8s->err, "holds %u volumes; want at most %d", count,
                                VOLUMES_MOST);
    for (spotopt__at it = spotopt__at_first(&list); it.value != NULL && count > 0;
         spotopt__at_step(&it))
        SPOTOPT__TRY(read_one(k8s, pod, &it, groups, shape));
    for (uint32_t i = 0; i < pod->claim_count; i++) {
        /* "NAME-" cannot be the name of a claim, so that the template's class counts. */
        const char *name = spotopt__k8s_join(k8s, pod->claims[i].name, "-", "");

        if (name == NULL)
            return spotopt__k8s_nomem(k8s);
        SPOTOPT__TRY(
            spotopt__k8s_claim_groups(k8s, pod->ns, name, &pod->claims[i], groups, &holds));
        spotopt__k8s_hold(shape, holds);
    }
    return SPOTOPT_OK;
}
