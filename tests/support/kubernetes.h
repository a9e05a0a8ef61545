/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_SUPPORT_KUBERNETES_H
#define TESTS_SUPPORT_KUBERNETES_H
/*
 * Clusters from short texts. Single quotes stand for double ones, so that a document can be read:
 *
 *   spotopt_cluster *cluster = read_items(POD("a", "{'cpu':'1'}") "," NODE("n", "4"));
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/cluster.h"

/* ns default, one container with these requests; more: further members of spec, ",'a':1". */
#define POD_WITH(name, labels, requests, more)                                                     \
    "{'apiVersion':'v1','kind':'Pod','metadata':{'name':'" name "','labels':" labels               \
    "},'spec':{'containers':[{'name':'c','resources':{'requests':" requests "}}]" more "}}"
#define POD(name, requests) POD_WITH(name, "{}", requests, "")
#define SPEC_POD(name, spec)                                                                       \
    "{'apiVersion':'v1','kind':'Pod','metadata':{'name':'" name "'},'spec':" spec "}"
#define NODE(name, labels)                                                                         \
    "{'apiVersion':'v1','kind':'Node','metadata':{'name':'" name "','labels':" labels              \
    "},'status':{'capacity':{'cpu':'4','memory':'8Gi','pods':'58'}}}"

/* Quotes turned, copied. */
static inline char *
requote(const char *text)
{
    char *copy = malloc(strlen(text) + 1);

    if (copy == NULL)
        abort();
    strcpy(copy, text);
    for (char *c = copy; *c != '\0'; c++) {
        if (*c == '\'')
            *c = '"';
    }
    return copy;
}

static inline spotopt_status
try_document(spotopt_context *context, const char *text, spotopt_cluster **out, spotopt_error *err)
{
    char *copy = requote(text);
    const spotopt_status status =
        spotopt_cluster_parse(context, copy, strlen(copy), "c.json", NULL, out, err);

    free(copy);
    return status;
}

static inline char *
wrap_items(const char *items)
{
    const size_t room = strlen(items) + 64;
    char *text = malloc(room);

    if (text == NULL)
        abort();
    snprintf(text, room, "{'apiVersion':'v1','kind':'List','items':[%s]}", items);
    return text;
}

/* A cluster that must be read; free with spotopt_cluster_free(). */
static inline spotopt_cluster *
read_items(const char *items)
{
    char *text = wrap_items(items);
    spotopt_error err = SPOTOPT_ERROR_INIT;
    spotopt_cluster *cluster = NULL;

    if (try_document(NULL, text, &cluster, &err) < 0) {
        fprintf(stderr, "\n%s\n", err.message);
        CU_FAIL_FATAL("the cluster was refused");
    }
    free(text);
    return cluster;
}

/* The message of a refusal holds the words. */
static inline int
is_refused(const char *items, const char *words)
{
    char *text = wrap_items(items);
    spotopt_error err = SPOTOPT_ERROR_INIT;
    spotopt_cluster *cluster = NULL;
    const spotopt_status status = try_document(NULL, text, &cluster, &err);
    const int is = status == SPOTOPT_E_INPUT && cluster == NULL &&
                   strncmp(err.message, "c.json: ", 8) == 0 && strstr(err.message, words) != NULL;

    if (!is)
        fprintf(stderr, "\n  wanted: %s\n  got:    %s\n", words, err.message);
    spotopt_cluster_free(cluster);
    free(text);
    return is;
}

static inline const spotopt__pod *
pod_named(const spotopt_cluster *cluster, const char *id)
{
    const uint32_t at = spotopt__map_get(&cluster->pod_by_id, id);

    if (at == SPOTOPT__NONE) {
        fprintf(stderr, "\n  no pod %s\n", id);
        CU_FAIL_FATAL("a pod is missing");
    }
    return &cluster->pods.at[at];
}

static inline const spotopt__shape *
shape_of(const spotopt_cluster *cluster, const char *id)
{
    return &cluster->shapes.at[pod_named(cluster, id)->shape];
}

static inline const spotopt__workload *
workload_named(const spotopt_cluster *cluster, const char *kind, const char *name)
{
    for (size_t i = 0; i < cluster->workloads.count; i++) {
        const spotopt__workload *workload = &cluster->workloads.at[i];

        if (strcmp(workload->kind_name, kind) == 0 && strcmp(workload->name, name) == 0)
            return workload;
    }
    CU_FAIL_FATAL("a workload is missing");
    return NULL;
}

static inline int
has_warning(const spotopt_cluster *cluster, const char *words)
{
    for (size_t i = 0; i < spotopt_cluster_warning_count(cluster); i++) {
        if (strstr(spotopt_cluster_warning_at(cluster, i), words) != NULL)
            return 1;
    }
    return 0;
}

static inline size_t
count_replicas(const spotopt_cluster *cluster)
{
    size_t count = 0;

    for (size_t i = 0; i < cluster->pods.count; i++)
        count += cluster->pods.at[i].is_replica;
    return count;
}

#endif
