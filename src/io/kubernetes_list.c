/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kubernetes_list.c - what is in the list, and where.
 *
 * One walk over the text, without parsing, notes where each item stands and what kind it is. A list
 * of one kind (PodList) and a single object will do as well. Kinds that play no part are passed
 * over, with a word where somebody's operator will make pods of them.
 */
#include <stdarg.h>
#include <stdio.h>

#include "io/kubernetes.h"

/* Kinds that play a part, and the API groups that they may come from ("" is the core's). */
static const struct {
    const char *kind, *groups[2];
} known_kinds[SPOTOPT__K8S_KINDS] = {
    [SPOTOPT__K8S_NAMESPACE] = {"Namespace", {"", NULL}},
    [SPOTOPT__K8S_PRIORITY_CLASS] = {"PriorityClass", {"scheduling.k8s.io", NULL}},
    [SPOTOPT__K8S_RUNTIME_CLASS] = {"RuntimeClass", {"node.k8s.io", NULL}},
    [SPOTOPT__K8S_STORAGE_CLASS] = {"StorageClass", {"storage.k8s.io", NULL}},
    [SPOTOPT__K8S_VOLUME] = {"PersistentVolume", {"", NULL}},
    [SPOTOPT__K8S_CLAIM] = {"PersistentVolumeClaim", {"", NULL}},
    [SPOTOPT__K8S_DEPLOYMENT] = {"Deployment", {"apps", "extensions"}},
    [SPOTOPT__K8S_REPLICATION_CONTROLLER] = {"ReplicationController", {"", NULL}},
    [SPOTOPT__K8S_REPLICA_SET] = {"ReplicaSet", {"apps", "extensions"}},
    [SPOTOPT__K8S_STATEFUL_SET] = {"StatefulSet", {"apps", NULL}},
    [SPOTOPT__K8S_DAEMON_SET] = {"DaemonSet", {"apps", "extensions"}},
    [SPOTOPT__K8S_JOB] = {"Job", {"batch", NULL}},
    [SPOTOPT__K8S_POD] = {"Pod", {"", NULL}},
    [SPOTOPT__K8S_NODE] = {"Node", {"", NULL}},
    [SPOTOPT__K8S_PDB] = {"PodDisruptionBudget", {"policy", NULL}},
};

static const spotopt__json_span nothing = {"", 0};

static bool
span_is(spotopt__json_span span, const char *text)
{
    return span.length == strlen(text) && memcmp(span.text, text, span.length) == 0;
}

/* What stands between the quotes; empty for any other value. */
static spotopt__json_span
unquote(spotopt__json_span value)
{
    if (value.length < 2 || value.text[0] != '"')
        return nothing;
    return (spotopt__json_span){value.text + 1, value.length - 2};
}

/* "apps" of "apps/v1"; nothing of "v1". */
static spotopt__json_span
group_of(spotopt__json_span version)
{
    const char *slash = version.length == 0 ? NULL : memchr(version.text, '/', version.length);

    return slash == NULL ? nothing
                         : (spotopt__json_span){version.text, (size_t)(slash - version.text)};
}

/* The known kind that is called so; -1: none. version may be empty: any. */
static int32_t
find_kind(spotopt__json_span kind, spotopt__json_span version)
{
    const spotopt__json_span group = group_of(version);

    for (int32_t i = 0; i < SPOTOPT__K8S_KINDS; i++) {
        if (!span_is(kind, known_kinds[i].kind))
            continue;
        if (version.length == 0 || span_is(group, known_kinds[i].groups[0]) ||
            (known_kinds[i].groups[1] != NULL && span_is(group, known_kinds[i].groups[1])))
            return i;
    }
    return -1;
}

static bool
contains(spotopt__json_span span, char c)
{
    return span.length > 0 && memchr(span.text, c, span.length) != NULL;
}

/* Kinds whose pods are made by somebody whom we do not know: worth a word. */
static bool
is_operated(spotopt__json_span kind, spotopt__json_span version)
{
    static const char own[] = ".k8s.io";
    const spotopt__json_span group = group_of(version);
    const size_t length = sizeof own - 1;

    if (span_is(kind, "CronJob"))
        return true;
    return contains(group, '.') &&
           (group.length < length || memcmp(group.text + group.length - length, own, length) != 0);
}

spotopt_status
spotopt__k8s_fail_item(spotopt__k8s *k8s, uint32_t item, const char *const *keys,
                       const char *format, ...)
{
    spotopt__at chain[8] = {{.name = k8s->name}};
    char message[SPOTOPT_ERROR_MESSAGE_SIZE];
    size_t used = 1;
    va_list args;

    if (k8s->is_list) {
        chain[1] = (spotopt__at){.parent = &chain[0], .key = "items"};
        chain[2] = (spotopt__at){.parent = &chain[1], .index = item};
        used = 3;
    }
    for (; keys != NULL && *keys != NULL && used < 8; keys++, used++)
        chain[used] = (spotopt__at){.parent = &chain[used - 1], .key = *keys};
    va_start(args, format);
    if (vsnprintf(message, sizeof message, format, args) < 0)
        message[0] = '\0';
    va_end(args);
    return spotopt__fail_at(&chain[used - 1], k8s->err, "%s", message);
}

/* kind and apiVersion of an object, without parsing it: they come first as a rule. */
static void
peek(spotopt__json_span object, spotopt__json_span *kind, spotopt__json_span *version)
{
    spotopt__json_span key, value;
    spotopt__json_walk walk;
    bool has_kind = false, has_version = false;

    *kind = *version = nothing;
    if (!spotopt__json_walk_into(object, &walk) || !walk.is_object)
        return;
    while (!(has_kind && has_version) && spotopt__json_walk_next(&walk, &key, &value)) {
        if (span_is(key, "kind")) {
            *kind = unquote(value);
            has_kind = true;
        } else if (span_is(key, "apiVersion")) {
            *version = unquote(value);
            has_version = true;
        }
    }
}

/* Names a kind that was passed over, once. */
static spotopt_status
pass_over(spotopt__k8s *k8s, spotopt__json_span kind)
{
    const size_t before = k8s->passed_seen.count;

    if (!spotopt__map_put_n(&k8s->passed_seen, kind.text, kind.length, 0, NULL))
        return spotopt__k8s_nomem(k8s);
    if (k8s->passed_seen.count == before || before >= 8)
        return SPOTOPT_OK;
    if (before > 0)
        spotopt__str_add(&k8s->passed, ", ");
    spotopt__str_add_n(&k8s->passed, kind.text, kind.length < 64 ? kind.length : 64);
    return SPOTOPT_OK;
}

/* Notes every item; item_kind is what a typed list implies, or -1. */
static spotopt_status
find_items(spotopt__k8s *k8s, spotopt__json_span array, int32_t item_kind,
           spotopt__k8s_items *items)
{
    spotopt__json_span key, value, kind, version;
    spotopt__json_walk walk;

    if (array.length == 4 && memcmp(array.text, "null", 4) == 0)
        return SPOTOPT_OK;
    if (!spotopt__json_walk_into(array, &walk) || walk.is_object)
        return spotopt__fail(k8s->err, SPOTOPT_E_INPUT, "%s: /items: want an array", k8s->name);
    while (spotopt__json_walk_next(&walk, &key, &value)) {
        spotopt__k8s_item item = {value, item_kind};
        static const char *const kind_key[] = {"kind", NULL};

        if (*value.text != '{')
            return spotopt__k8s_fail_item(k8s, (uint32_t)items->count, NULL, "want an object");
        peek(value, &kind, &version);
        if (kind.length == 0 && item_kind < 0)
            return spotopt__k8s_fail_item(k8s, (uint32_t)items->count, kind_key,
                                          "want a kind such as \"Pod\"");
        if (kind.length > 0)
            item.kind = find_kind(kind, version);
        if (span_is(kind, "List"))
            return spotopt__k8s_fail_item(k8s, (uint32_t)items->count, kind_key,
                                          "is \"List\"; want no lists in a list");
        if (item.kind < 0 && is_operated(kind, version))
            SPOTOPT__TRY(pass_over(k8s, kind));
        if (items->count >= UINT32_MAX - 1)
            return spotopt__k8s_fail_item(k8s, UINT32_MAX - 1, NULL, "one item too many");
        if (!spotopt__vec_push(k8s->context, items, item))
            return spotopt__k8s_nomem(k8s);
    }
    return SPOTOPT_OK;
}

spotopt_status
spotopt__k8s_find_items(spotopt__k8s *k8s, spotopt__json_span text, spotopt__k8s_items *items)
{
    spotopt__json_span key, value, kind = nothing, version = nothing, array = nothing, bare;
    bool has_items = false;
    spotopt__json_walk walk;
    int32_t of;

    if (!spotopt__json_walk_into(text, &walk) || !walk.is_object)
        return spotopt__fail(k8s->err, SPOTOPT_E_INPUT,
                             "%s: want what kubectl get -o json prints, an object of kind \"List\"",
                             k8s->name);
    while (spotopt__json_walk_next(&walk, &key, &value)) {
        const bool is_items = span_is(key, "items");

        if ((is_items && has_items) || (span_is(key, "kind") && kind.text != nothing.text))
            return spotopt__fail(k8s->err, SPOTOPT_E_INPUT,
                                 "%s: key \"%s\" stands twice; want each key once", k8s->name,
                                 is_items ? "items" : "kind");
        if (span_is(key, "kind"))
            kind = unquote(value);
        else if (span_is(key, "apiVersion"))
            version = unquote(value);
        if (is_items) {
            array = value;
            has_items = true;
        }
    }
    of = find_kind(kind, version);
    k8s->is_list = of < 0;
    if (of >= 0) {
        const spotopt__k8s_item whole = {text, of};

        return spotopt__vec_push(k8s->context, items, whole) ? SPOTOPT_OK : spotopt__k8s_nomem(k8s);
    }
    bare = kind;
    if (kind.length >= 4 && memcmp(kind.text + kind.length - 4, "List", 4) == 0)
        bare.length -= 4;
    of = bare.length == kind.length || bare.length == 0 ? -1 : find_kind(bare, version);
    if (!span_is(kind, "List") && of < 0)
        return spotopt__fail(k8s->err, SPOTOPT_E_INPUT,
                             "%s: /kind: want \"List\", as kubectl get -o json prints", k8s->name);
    if (!has_items)
        return spotopt__fail(k8s->err, SPOTOPT_E_INPUT, "%s: /items: want an array; it is missing",
                             k8s->name);
    return find_items(k8s, array, of, items);
}

const char *
spotopt__k8s_kind_name(int32_t kind)
{
    return known_kinds[kind].kind;
}
