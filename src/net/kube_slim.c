/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kube_slim.c - an object without what no decision looks at.
 *
 * A pod is mostly environment, probes, mounts and who set which field: what is left is a tenth.
 * Heart-beats and resource versions go as well, so that an object that matters no differently reads
 * no differently. Copied from text to text by the grammar's own places; nothing is parsed.
 */
#include "net/kube.h"

enum { ANNOTATION_MOST = 512 };

typedef enum place {
    COPY, /* as it is */
    DROP,
    TOP,
    META,
    NOTES,
    SPEC,
    TEMPLATE,
    CONTAINERS,
    CONTAINER,
    VOLUMES,
    VOLUME,
    STATUS,
    REPORTS,
    REPORT,
    CONDITIONS,
    CONDITION
} place;

/* What becomes of a member. NULL stands for all others of the place. */
static const struct {
    place in;
    const char *key;
    place to;
} rules[] = {
    {TOP, "metadata", META},
    {TOP, "spec", SPEC},
    {TOP, "status", STATUS},
    {TOP, "apiVersion", DROP}, /* they stand in front */
    {TOP, "kind", DROP},
    {TOP, NULL, COPY},
    {META, "managedFields", DROP},
    {META, "resourceVersion", DROP},
    {META, "selfLink", DROP},
    {META, "generateName", DROP},
    {META, "annotations", NOTES},
    {META, NULL, COPY},
    {NOTES, "kubectl.kubernetes.io/last-applied-configuration", DROP},
    {NOTES, NULL, COPY},
    {SPEC, "containers", CONTAINERS},
    {SPEC, "initContainers", CONTAINERS},
    {SPEC, "ephemeralContainers", DROP},
    {SPEC, "volumes", VOLUMES},
    {SPEC, "template", TEMPLATE},
    {SPEC, NULL, COPY},
    {TEMPLATE, "metadata", META},
    {TEMPLATE, "spec", SPEC},
    {TEMPLATE, NULL, COPY},
    {CONTAINERS, NULL, CONTAINER},
    {CONTAINER, "name", COPY},
    {CONTAINER, "resources", COPY},
    {CONTAINER, "ports", COPY},
    {CONTAINER, "restartPolicy", COPY},
    {CONTAINER, NULL, DROP},
    {VOLUMES, NULL, VOLUME},
    {VOLUME, "name", COPY},
    {VOLUME, "persistentVolumeClaim", COPY},
    {VOLUME, "ephemeral", COPY},
    {VOLUME, "emptyDir", COPY},
    {VOLUME, "hostPath", COPY},
    {VOLUME, NULL, DROP},
    {STATUS, "containerStatuses", REPORTS},
    {STATUS, "initContainerStatuses", REPORTS},
    {STATUS, "ephemeralContainerStatuses", DROP},
    {STATUS, "conditions", CONDITIONS},
    {STATUS, "images", DROP},
    {STATUS, "nodeInfo", DROP},
    {STATUS, "addresses", DROP},
    {STATUS, "daemonEndpoints", DROP},
    {STATUS, "volumesInUse", DROP},
    {STATUS, "volumesAttached", DROP},
    {STATUS, "config", DROP},
    {STATUS, "features", DROP},
    {STATUS, "runtimeHandlers", DROP},
    {STATUS, "podIP", DROP},
    {STATUS, "podIPs", DROP},
    {STATUS, "hostIP", DROP},
    {STATUS, "hostIPs", DROP},
    {STATUS, NULL, COPY},
    {REPORTS, NULL, REPORT},
    {REPORT, "name", COPY},
    {REPORT, "resources", COPY},
    {REPORT, "allocatedResources", COPY},
    {REPORT, NULL, DROP},
    {CONDITIONS, NULL, CONDITION},
    {CONDITION, "type", COPY},
    {CONDITION, "status", COPY},
    {CONDITION, "reason", COPY},
    {CONDITION, "lastTransitionTime", COPY},
    {CONDITION, NULL, DROP},
};

static place
place_of(place in, spotopt__json_span key)
{
    for (size_t i = 0; i < sizeof rules / sizeof *rules; i++) {
        if (rules[i].in == in &&
            (rules[i].key == NULL || (strlen(rules[i].key) == key.length &&
                                      memcmp(rules[i].key, key.text, key.length) == 0)))
            return rules[i].to;
    }
    return COPY;
}

/* As deep as the rules are, which is not deep. */
static void
copy(spotopt__json_span value, place in, bool has_item, spotopt__str *out)
{
    spotopt__json_span key, member;
    spotopt__json_walk walk;

    if (in == COPY || !spotopt__json_walk_into(value, &walk)) {
        spotopt__str_add_n(out, value.text, value.length);
        return;
    }
    if (in != TOP)
        spotopt__str_add(out, walk.is_object ? "{" : "[");
    while (spotopt__json_walk_next(&walk, &key, &member)) {
        const place to = place_of(in, key);

        if (to == DROP || (in == NOTES && member.length > ANNOTATION_MOST))
            continue;
        if (has_item)
            spotopt__str_add(out, ",");
        has_item = true;
        if (walk.is_object) {
            spotopt__str_add_n(out, key.text - 1, key.length + 2); /* with its quotes */
            spotopt__str_add(out, ":");
        }
        copy(member, to, false, out);
    }
    spotopt__str_add(out, walk.is_object ? "}" : "]");
}

void
spotopt__kube_slim(spotopt__json_span object, const char *kind, const char *version,
                   spotopt__str *out)
{
    spotopt__str_add(out, "{\"apiVersion\":\"");
    spotopt__str_add(out, version);
    spotopt__str_add(out, "\",\"kind\":\"");
    spotopt__str_add(out, kind);
    spotopt__str_add(out, "\"");
    copy(object, TOP, true, out);
}
