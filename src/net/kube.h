/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SPOTOPT_NET_KUBE_H
#define SPOTOPT_NET_KUBE_H
/* What the files about an API server share. */
#include "net/net.h"
#include "spotopt/kube.h"

/* One context of a kubeconfig. NULL: not there. Files are as the config has them. */
typedef struct spotopt__kubeconfig {
    const char *context, *server;
    const char *ca_file, *ca_pem;
    const char *client_file, *client_pem;
    const char *key_file, *key_pem;
    const char *token_file, *token;
    const char *const *argv, *const *env; /* of a credential plugin, NULL-ended */
    const char *exec_version, *exec_hint;
    bool wants_cluster; /* the plugin is told of the cluster */
} spotopt__kubeconfig;

/* Texts are of the arena. */
spotopt_status spotopt__kubeconfig_read(spotopt__arena *texts, const char *yaml, size_t length, const char *name,
                                        const char *context, spotopt__kubeconfig *out, spotopt_error *err);

struct spotopt_kube {
    spotopt_context *context;
    spotopt_net *net;
    spotopt_kube_params params; /* its texts are not kept */
    spotopt__arena texts;
    spotopt__kubeconfig config;
    const char *name, *peer;
    const char *ca_pem, *client_pem, *key_pem; /* of the config or its files */
    char *token, *exec_client, *exec_key;      /* what we were last given */
    bool is_known;                             /* the three above are as good as they get without asking */
};

/*
 * Asks the server. path begins with "/". body may be NULL; type is its Content-Type. The request's size, method and
 * flags, data and limits are looked at; who we are is filled in. A 401 is answered with new credentials, once.
 */
spotopt_status spotopt__kube_call(spotopt_kube *kube, const char *call, const char *path, const char *type,
                                  const spotopt_net_request *like, spotopt_net_answer *answer, spotopt_error *err);
/* What a status that was not hoped for means. */
spotopt_status spotopt__kube_refused(const spotopt_kube *kube, const char *call, const spotopt_net_answer *answer,
                                     spotopt_error *err);
/* Credentials that go stale by themselves are fetched anew with the next call. */
void spotopt__kube_forget(spotopt_kube *kube);

/* A kind of object and where it is listed. */
typedef struct spotopt__kube_resource {
    const char *kind, *version, *path;
    const char *old_version, *old_path; /* of servers that do not know the first; NULL: none */
    const char *name;
} spotopt__kube_resource;
enum { SPOTOPT__KUBE_RESOURCES = 15 };
extern const spotopt__kube_resource spotopt__kube_resources[SPOTOPT__KUBE_RESOURCES];

/* Appends an object, its kind and version in front, without what no decision looks at. It has passed the check. */
void spotopt__kube_slim(spotopt__json_span object, const char *kind, const char *version, spotopt__str *out);

#endif
