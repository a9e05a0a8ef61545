/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kubernetes_cluster.c - a cluster from what `kubectl get ... -o json` prints.
 *
 * Items are parsed one by one, kind after kind, so that no more than one is in memory as a tree and
 * what a pod refers to is known before the pod. Then come the replicas that are missing and what
 * needs the whole picture. Nothing is kept of a document that is refused.
 */
#include <stdio.h>

#include "io/kubernetes.h"

/* All maps of a reader. */
#define SPOTOPT__K8S_MAPS(k8s)                                                                     \
    {                                                                                              \
        &(k8s)->text_at, &(k8s)->label_set_at, &(k8s)->core_at, &(k8s)->shape_at, &(k8s)->seen,    \
            &(k8s)->workload_at, &(k8s)->priority_at, &(k8s)->runtime_at, &(k8s)->class_at,        \
            &(k8s)->volume_at, &(k8s)->claim_at, &(k8s)->namespace_at, &(k8s)->warned,             \
            &(k8s)->passed_seen                                                                    \
    }

/* Manifests have no uid: two of one name are two authors' work, put into one list. */
static bool
is_manifest(const spotopt__at *meta, int32_t kind)
{
    const spotopt__at uid = spotopt__at_key(meta, "uid");

    return !spotopt__at_is_set(&uid) && kind != SPOTOPT__K8S_POD && kind != SPOTOPT__K8S_NODE;
}

/* The same kind and name twice: which is right? Of manifests both, or pods would be lost; the API server has one. */
static spotopt_status
refuse_repeated(spotopt__k8s *k8s, const spotopt__at *at, int32_t kind, uint32_t index)
{
    const spotopt__at meta = spotopt__at_key(at, "metadata"),
                      name_at = spotopt__at_key(&meta, "name"),
                      ns_at = spotopt__at_key(&meta, "namespace");
    const char *name = spotopt__json_text(name_at.value), *ns = spotopt__json_text(ns_at.value);
    char quoted[SPOTOPT__QUOTE_SIZE];
    const char separator = '/', mark = (char)('A' + kind);
    uint32_t first;
    char *key;

    if (name == NULL) /* refused by the reader of the kind, with its place */
        return SPOTOPT_OK;
    if (ns == NULL || *ns == '\0')
        ns = "default";
    k8s->key.count = 0;
    if (!spotopt__k8s_key_add(k8s, &mark, 1) || !spotopt__k8s_key_add(k8s, ns, strlen(ns)) ||
        !spotopt__k8s_key_add(k8s, &separator, 1) || !spotopt__k8s_key_add(k8s, name, strlen(name)))
        return spotopt__k8s_nomem(k8s);
    key = spotopt__arena_text(&k8s->keys, (const char *)k8s->key.at, k8s->key.count);
    if (key == NULL || !spotopt__map_put_n(&k8s->seen, key, k8s->key.count, index, &first))
        return spotopt__k8s_nomem(k8s);
    if (first == index)
        return SPOTOPT_OK;
    if (is_manifest(&meta, kind)) {
        if (k8s->repeated++ == 0) {
            k8s->a_repeated[0] = first;
            k8s->a_repeated[1] = index;
        }
        return SPOTOPT_OK;
    }
    return spotopt__fail_at(at, k8s->err, "%s %s stands at /items/%u already; want it once",
                            spotopt__k8s_kind_name(kind), spotopt__quote(name, quoted), first);
}

static spotopt_status
read_object(spotopt__k8s *k8s, const spotopt__at *at, int32_t kind, uint32_t index)
{
    SPOTOPT__TRY(refuse_repeated(k8s, at, kind, index));
    switch (kind) {
    case SPOTOPT__K8S_NAMESPACE:
        return spotopt__k8s_read_namespace(k8s, at);
    case SPOTOPT__K8S_PRIORITY_CLASS:
        return spotopt__k8s_read_priority(k8s, at);
    case SPOTOPT__K8S_RUNTIME_CLASS:
        return spotopt__k8s_read_runtime(k8s, at);
    case SPOTOPT__K8S_STORAGE_CLASS:
        return spotopt__k8s_read_class(k8s, at);
    case SPOTOPT__K8S_VOLUME:
        return spotopt__k8s_read_volume(k8s, at);
    case SPOTOPT__K8S_CLAIM:
        return spotopt__k8s_read_claim(k8s, at);
    case SPOTOPT__K8S_POD:
        return spotopt__k8s_read_pod(k8s, at);
    case SPOTOPT__K8S_NODE:
        return spotopt__k8s_read_node(k8s, at);
    case SPOTOPT__K8S_PDB:
        return spotopt__k8s_read_pdb(k8s, at);
    default:
        return spotopt__k8s_read_workload(k8s, at, kind, index);
    }
}

static spotopt_status
read_item(spotopt__k8s *k8s, const spotopt__k8s_item *item, uint32_t index)
{
    const spotopt__at root = {.name = k8s->name}, list = {.parent = &root, .key = "items"};
    char place[SPOTOPT__QUOTE_SIZE + 32];
    spotopt__json *json = NULL;
    spotopt__at at;
    spotopt_status status = spotopt__json_parse_span(item->text, k8s->name, &json, k8s->err);

    if (status == SPOTOPT_E_INPUT && k8s->is_list) {
        (void)snprintf(place, sizeof place, "%.70s: /items/%u", k8s->name, index);
        return spotopt__json_parse_span(item->text, place, &json, k8s->err);
    }
    if (status < 0)
        return status;
    at = (spotopt__at){.value = json, .parent = &list, .index = index};
    if (!k8s->is_list)
        at = spotopt__at_root(json, k8s->name);
    status = read_object(k8s, &at, item->kind, index);
    spotopt__json_free(json);
    return status;
}

static spotopt_status
warn_missing(spotopt__k8s *k8s)
{
    if (k8s->passed.failed)
        return spotopt__k8s_nomem(k8s);
    if (k8s->passed.count > 0)
        SPOTOPT__TRY(spotopt__k8s_warn(
            k8s, "passed over: %s; pods that they will make later are not counted",
            k8s->passed.at));
    if (k8s->repeated > 0)
        SPOTOPT__TRY(spotopt__k8s_warn(
            k8s, "%u manifests repeat a kind and name, such as /items/%u that of /items/%u; all count",
            k8s->repeated, k8s->a_repeated[1], k8s->a_repeated[0]));
    if (k8s->missing_claims > 0)
        SPOTOPT__TRY(spotopt__k8s_warn(
            k8s,
            "%u volume claims of pods are not in the list, such as %s; their zones are unknown",
            k8s->missing_claims, k8s->a_missing_claim));
    if (k8s->missing_volumes > 0)
        SPOTOPT__TRY(spotopt__k8s_warn(
            k8s,
            "%u bound claims have volumes that are not in the list, such as %s; their zones "
            "are unknown",
            k8s->missing_volumes, k8s->a_missing_volume));
    return SPOTOPT_OK;
}

static spotopt_status
read_items(spotopt__k8s *k8s, spotopt__json_span text, spotopt__k8s_items *items)
{
    SPOTOPT__TRY(spotopt__k8s_find_items(k8s, text, items));
    for (int32_t kind = 0; kind < SPOTOPT__K8S_KINDS; kind++) {
        for (size_t i = 0; i < items->count; i++) {
            if (items->at[i].kind == kind)
                SPOTOPT__TRY(read_item(k8s, &items->at[i], (uint32_t)i));
        }
    }
    SPOTOPT__TRY(spotopt__k8s_make_replicas(k8s));
    SPOTOPT__TRY(spotopt__k8s_finish_pods(k8s));
    SPOTOPT__TRY(spotopt__k8s_finish_shapes(k8s));
    SPOTOPT__TRY(spotopt__k8s_finish_namespaces(k8s));
    return warn_missing(k8s);
}

static void
init_reader(spotopt__k8s *k8s, spotopt_cluster *cluster, const char *name, spotopt_error *err)
{
    spotopt_context *context = cluster->context;

    memset(k8s, 0, sizeof *k8s);
    k8s->context = context;
    k8s->cluster = cluster;
    k8s->name = name;
    k8s->err = err;
    k8s->default_class = SPOTOPT__NONE;
    spotopt__arena_init(&k8s->keys, context);
    spotopt__str_init(&k8s->passed, context);
    spotopt__map *const maps[] = SPOTOPT__K8S_MAPS(k8s);
    for (size_t i = 0; i < sizeof maps / sizeof *maps; i++)
        spotopt__map_init(maps[i], context);
}

static void
free_reader(spotopt__k8s *k8s)
{
    spotopt_context *context = k8s->context;
    spotopt__map *const maps[] = SPOTOPT__K8S_MAPS(k8s);

    for (size_t i = 0; i < sizeof maps / sizeof *maps; i++)
        spotopt__map_free(maps[i]);
    spotopt__vec_free(context, &k8s->texts);
    spotopt__vec_free(context, &k8s->label_sets);
    spotopt__vec_free(context, &k8s->key);
    spotopt__vec_free(context, &k8s->pairs);
    spotopt__vec_free(context, &k8s->cores);
    spotopt__vec_free(context, &k8s->workloads);
    spotopt__vec_free(context, &k8s->priorities);
    spotopt__vec_free(context, &k8s->runtimes);
    spotopt__vec_free(context, &k8s->classes);
    spotopt__vec_free(context, &k8s->volumes);
    spotopt__vec_free(context, &k8s->claims);
    spotopt__str_free(&k8s->passed);
    spotopt__arena_free(&k8s->keys);
}

static spotopt_status
read_document(spotopt_cluster *cluster, const char *text, size_t length, const char *name,
              spotopt_error *err)
{
    const spotopt__json_span span = {text, length};
    spotopt__k8s_items items = {0};
    spotopt_status status;
    spotopt__k8s k8s;

    SPOTOPT__TRY(spotopt__json_check(text, length, name, err));
    init_reader(&k8s, cluster, name, err);
    status = read_items(&k8s, span, &items);
    spotopt__vec_free(cluster->context, &items);
    free_reader(&k8s);
    return status;
}

spotopt_status
spotopt_cluster_parse(spotopt_context *context, const char *text, size_t length, const char *name,
                      const spotopt_cluster_params *params, spotopt_cluster **out,
                      spotopt_error *err)
{
    spotopt_cluster_params ours = SPOTOPT_CLUSTER_PARAMS_INIT;
    spotopt_cluster *made = NULL;
    spotopt_status status;

    if (text == NULL || out == NULL)
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT, "%s is NULL; want a pointer",
                             text == NULL ? "text" : "out");
    if (name == NULL)
        name = "cluster";
    if (params != NULL)
        SPOTOPT__TRY(spotopt__copy_in(&ours, sizeof ours, params, "params", err));
    SPOTOPT__TRY(spotopt__cluster_new(context, &ours, &made, err));
    status = read_document(made, text, length, name, err);
    if (status < 0) {
        spotopt_cluster_free(made);
        return status;
    }
    spotopt__sha256_hex(text, length, made->sha256);
    *out = made;
    return SPOTOPT_OK;
}
