/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kube_list.c - all that plays a part in a cluster, page by page, as one document.
 *
 * A page's token expires with the server's memory (five minutes as a rule): the list then begins
 * again, and after three times is asked for whole, as client-go's pager does.
 */
#include <stdio.h>

#include "net/kube.h"

enum { AGAIN_MOST = 3, PAGES_MOST = 1000000, TOKEN_MOST = 4096 };

/* In the order in which a pod's surroundings are younger than the pod: it is not without its node
 * or its claim. */
const spotopt__kube_resource spotopt__kube_resources[SPOTOPT__KUBE_RESOURCES] = {
    {"Pod", "v1", "/api/v1/pods", NULL, NULL, "pods"},
    {"Node", "v1", "/api/v1/nodes", NULL, NULL, "nodes"},
    {"PodDisruptionBudget", "policy/v1", "/apis/policy/v1/poddisruptionbudgets", "policy/v1beta1",
     "/apis/policy/v1beta1/poddisruptionbudgets", "poddisruptionbudgets"},
    {"Deployment", "apps/v1", "/apis/apps/v1/deployments", NULL, NULL, "deployments"},
    {"ReplicaSet", "apps/v1", "/apis/apps/v1/replicasets", NULL, NULL, "replicasets"},
    {"StatefulSet", "apps/v1", "/apis/apps/v1/statefulsets", NULL, NULL, "statefulsets"},
    {"DaemonSet", "apps/v1", "/apis/apps/v1/daemonsets", NULL, NULL, "daemonsets"},
    {"Job", "batch/v1", "/apis/batch/v1/jobs", NULL, NULL, "jobs"},
    {"ReplicationController", "v1", "/api/v1/replicationcontrollers", NULL, NULL,
     "replicationcontrollers"},
    {"PersistentVolumeClaim", "v1", "/api/v1/persistentvolumeclaims", NULL, NULL,
     "persistentvolumeclaims"},
    {"PersistentVolume", "v1", "/api/v1/persistentvolumes", NULL, NULL, "persistentvolumes"},
    {"StorageClass", "storage.k8s.io/v1", "/apis/storage.k8s.io/v1/storageclasses", NULL, NULL,
     "storageclasses"},
    {"PriorityClass", "scheduling.k8s.io/v1", "/apis/scheduling.k8s.io/v1/priorityclasses", NULL,
     NULL, "priorityclasses"},
    {"RuntimeClass", "node.k8s.io/v1", "/apis/node.k8s.io/v1/runtimeclasses", "node.k8s.io/v1beta1",
     "/apis/node.k8s.io/v1beta1/runtimeclasses", "runtimeclasses"},
    {"Namespace", "v1", "/api/v1/namespaces", NULL, NULL, "namespaces"},
};

typedef struct listing {
    spotopt_kube *kube;
    const spotopt__kube_resource *of;
    const char *version, *path, *call;
    char token[TOKEN_MOST + 1]; /* of the next page; "": the first */
    uint32_t limit;             /* 0: all at once */
    spotopt__str *out;
} listing;

static bool
is_key(spotopt__json_span key, const char *name)
{
    return key.length == strlen(name) && memcmp(key.text, name, key.length) == 0;
}

/* Where the list goes on: metadata.continue. */
static spotopt_status
read_token(listing *l, spotopt__json_span metadata, spotopt_error *err)
{
    const spotopt__json *value;
    spotopt__json *json = NULL;
    const char *text;
    spotopt_status status = spotopt__json_parse_span(metadata, l->call, &json, err);

    if (status < 0)
        return status;
    value = spotopt__json_get(json, "continue");
    text = spotopt__json_text(value);
    if (text != NULL &&
        (strlen(text) > TOKEN_MOST || (*text != '\0' && strcmp(text, l->token) == 0)))
        status = spotopt__fail(err, SPOTOPT_E_INPUT,
                               "%s: %s: /metadata/continue: want a page other than this one",
                               l->kube->peer, l->call);
    else
        (void)snprintf(l->token, sizeof l->token, "%s", text != NULL ? text : "");
    spotopt__json_free(json);
    return status;
}

static spotopt_status
add_items(listing *l, spotopt__json_span items, spotopt_error *err)
{
    spotopt__json_span key, item;
    spotopt__json_walk walk;

    if (items.length == 4 && memcmp(items.text, "null", 4) == 0)
        return SPOTOPT_OK;
    if (!spotopt__json_walk_into(items, &walk) || walk.is_object)
        return spotopt__fail(err, SPOTOPT_E_INPUT, "%s: %s: /items: want an array", l->kube->peer,
                             l->call);
    while (spotopt__json_walk_next(&walk, &key, &item)) {
        if (*item.text != '{')
            return spotopt__fail(err, SPOTOPT_E_INPUT, "%s: %s: /items: want objects",
                                 l->kube->peer, l->call);
        spotopt__str_add(l->out, l->out->at[l->out->count - 1] == '[' ? "\n" : ",\n");
        spotopt__kube_slim(item, l->of->kind, l->version, l->out);
        if (l->out->failed)
            return spotopt__nomem(err, "a list");
    }
    return SPOTOPT_OK;
}

static spotopt_status
read_page(listing *l, const spotopt_net_answer *answer, spotopt_error *err)
{
    const spotopt__json_span all = {answer->body, answer->length};
    spotopt__json_span key, value, items = {NULL, 0}, metadata = {NULL, 0};
    spotopt__json_walk walk;
    char name[160];
    spotopt_status status;

    (void)snprintf(name, sizeof name, "%s: %s", l->kube->peer, l->call);
    status = spotopt__json_check(answer->body, answer->length, name, err);
    if (status < 0)
        return status;
    if (spotopt__json_walk_into(all, &walk) && walk.is_object) {
        while (spotopt__json_walk_next(&walk, &key, &value)) {
            if (is_key(key, "items"))
                items = value;
            else if (is_key(key, "metadata"))
                metadata = value;
        }
    }
    if (items.text == NULL || metadata.text == NULL)
        return spotopt__fail(err, SPOTOPT_E_INPUT,
                             "%s: want a list, metadata and items; check the server's address",
                             name);
    status = add_items(l, items, err);
    return status == SPOTOPT_OK ? read_token(l, metadata, err) : status;
}

static spotopt_status
ask_page(const listing *l, spotopt_net_answer *answer, spotopt_error *err)
{
    static const char plain[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~";
    const spotopt_net_request get = SPOTOPT_NET_REQUEST_INIT;
    spotopt_status status;
    spotopt__str path;

    spotopt__str_init(&path, l->kube->context);
    spotopt__str_add(&path, l->path);
    if (l->limit > 0)
        spotopt__str_addf(&path, "?limit=%u", (unsigned)l->limit);
    if (*l->token != '\0')
        spotopt__str_add(&path, "&continue=");
    for (const char *c = l->token; *c != '\0'; c++) {
        if (strchr(plain, *c) != NULL)
            spotopt__str_add_n(&path, c, 1);
        else
            spotopt__str_addf(&path, "%%%02X", (unsigned)(unsigned char)*c);
    }
    status = path.failed ? spotopt__nomem(err, "a request")
                         : spotopt__kube_call(l->kube, l->call, path.at, NULL, &get, answer, err);
    spotopt__str_free(&path);
    return status;
}

/* One kind. */
static spotopt_status
list(listing *l, spotopt_error *err)
{
    const size_t begin = l->out->count;
    uint32_t again = 0;

    for (uint32_t page = 0; page < PAGES_MOST; page++) {
        spotopt_net_answer answer = SPOTOPT_NET_ANSWER_INIT;
        spotopt_status status = ask_page(l, &answer, err);
        const int32_t code = answer.code;
        bool is_done = false;

        if (status == SPOTOPT_OK && code == 200) {
            status = read_page(l, &answer, err);
            is_done = *l->token == '\0';
        } else if (status == SPOTOPT_OK && code == 410 && *l->token != '\0') {
            l->out->count = begin;
            l->out->at[begin] = '\0';
            *l->token = '\0';
            if (++again == AGAIN_MOST)
                l->limit = 0;
        } else if (status == SPOTOPT_OK && code == 404 && *l->token == '\0') {
            is_done = l->path == l->of->old_path || l->of->old_path == NULL;
            l->path = l->of->old_path;
            l->version = l->of->old_version;
        } else if (status == SPOTOPT_OK)
            status = spotopt__kube_refused(l->kube, l->call, &answer, err);
        spotopt_net_answer_clear(l->kube->net, &answer);
        if (status < 0 || is_done)
            return status;
    }
    return spotopt__fail(err, SPOTOPT_E_PEER, "%s: %s: it does not end; check the server",
                         l->kube->peer, l->call);
}

spotopt_status
spotopt_kube_list(spotopt_kube *kube, char **out_text, size_t *out_length, spotopt_error *err)
{
    spotopt_status status = SPOTOPT_OK;
    spotopt__str out;

    if (kube == NULL || out_text == NULL)
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT, "want a server and out_text");
    *out_text = NULL;
    spotopt__kube_forget(kube);
    spotopt__str_init(&out, kube->context);
    spotopt__str_add(&out, "{\"apiVersion\":\"v1\",\"kind\":\"List\",\"items\":[");
    if (out.failed)
        status = spotopt__nomem(err, "a list");
    for (size_t i = 0; status == SPOTOPT_OK && i < SPOTOPT__KUBE_RESOURCES; i++) {
        const spotopt__kube_resource *of = &spotopt__kube_resources[i];
        char call[64];
        listing l = {kube, of, of->version, of->path, call, "", kube->params.page_items, &out};

        (void)snprintf(call, sizeof call, "list %s", of->name);
        status = list(&l, err);
        if (status == SPOTOPT_OK && i < 2 && l.path == NULL)
            status = spotopt__fail(err, SPOTOPT_E_PEER,
                                   "%s: %s: it has no such list; want the URL of an API server",
                                   kube->peer, call);
    }
    if (status == SPOTOPT_OK) {
        spotopt__str_add(&out, "\n]}\n");
        *out_text = spotopt__str_take(&out, out_length);
        if (*out_text == NULL)
            status = spotopt__nomem(err, "a list");
    }
    spotopt__str_free(&out);
    return status;
}
