/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SPOTOPT_KUBE_H
#define SPOTOPT_KUBE_H
#include "spotopt/net.h"

/**
 * @file kube.h
 * @brief A Kubernetes API server: who we are there, and what runs there. Part of libspotopt-net.
 *
 * Experimental: until a release adopts them, these functions may still change.
 */
SPOTOPT_BEGIN_DECLS

/** An API server and the way in. Threads: one at a time, and none that uses its spotopt_net meanwhile. @since 0.1 */
typedef struct spotopt_kube spotopt_kube;

/**
 * Reads a file that a kubeconfig names. What it hands out is borrowed until it is called again, or the server is freed.
 * An error other than SPOTOPT_OK ends the call that needed the file.
 */
typedef spotopt_status (*spotopt_kube_read_fn)(void *user, const char *path, const char **out_text, size_t *out_length,
                                               spotopt_error *err);
/**
 * Runs a credential plugin and hands out what it wrote to standard output, borrowed as above.
 * @param argv  NULL-ended; [0] is looked up in PATH where it has no slash
 * @param env   NULL-ended, "NAME=value", beside the process's own
 */
typedef spotopt_status (*spotopt_kube_exec_fn)(void *user, const char *const *argv, const char *const *env,
                                               const char **out_text, size_t *out_length, spotopt_error *err);

/** Where the server is and who we are. Texts are copied. */
typedef struct spotopt_kube_params {
    size_t size;              /**< set by SPOTOPT_KUBE_PARAMS_INIT */
    const char *config;       /**< a kubeconfig, YAML or JSON, config_length bytes, up to 4 MiB; needed */
    size_t config_length;     /**< bytes */
    const char *config_name;  /**< its file: in messages, and relative paths in it start in its folder; NULL: "kubeconfig" */
    const char *context_name; /**< one of its contexts; NULL or "": current-context */
    spotopt_kube_read_fn read; /**< NULL: files are read from the disk */
    spotopt_kube_exec_fn exec; /**< NULL: a user that needs a credential plugin is refused */
    void *user;               /**< handed to read and exec */
    uint32_t page_items;      /**< objects asked for at once, 1 .. 100000; 0: 500 */
    uint32_t reserved;        /**< 0 */
} spotopt_kube_params;

/** The defaults of a struct, its size set: `= SPOTOPT_KUBE_PARAMS_INIT`. */
#define SPOTOPT_KUBE_PARAMS_INIT { sizeof(spotopt_kube_params), NULL, 0, NULL, NULL, NULL, NULL, NULL, 0, 0 }

/**
 * Read a kubeconfig; nothing is asked yet.
 *
 * Understood are certificate-authority, client-certificate and client-key, each as a file or as data; token, tokenFile
 * (read anew for each listing) and exec (run anew when the server says 401). What would weaken or change the way in and
 * is not understood is refused and not passed over: insecure-skip-tls-verify, tls-server-name, proxy-url, passwords,
 * impersonation, auth-provider.
 *
 * @param net  borrowed; outlives the server
 * @param out  free with spotopt_kube_free()
 * @retval SPOTOPT_E_ARGUMENT  net, params, config or out is NULL, or page_items is off
 * @retval SPOTOPT_E_INPUT     the kubeconfig is bad, or a file it names is; the message names the place
 * @retval SPOTOPT_E_NOMEM     no memory. libyaml uses the C heap
 * @since 0.1
 */
SPOTOPT_API SPOTOPT_NODISCARD spotopt_status
spotopt_kube_open(spotopt_net *net, const spotopt_kube_params *params, spotopt_kube **out, spotopt_error *err);
/** Forget a server, or NULL. @since 0.1 */
SPOTOPT_API void spotopt_kube_free(spotopt_kube *kube);

/**
 * List what spotopt_cluster_parse() reads: pods, nodes, disruption budgets, workloads, volumes, claims, classes, namespaces.
 *
 * Lists come in pages. One that expires on the way (410) begins again, so that no object is missing or there twice; each
 * kind is as it was at one moment, not all kinds at the same. Kinds the server does not know (404) are left out, budgets
 * then of policy/v1beta1. Fields that no decision looks at are dropped: environment, images, probes, managed fields,
 * heart-beats, resource versions, annotations beyond 512 bytes.
 *
 * @param out_text  a document of kind List as `kubectl get -A -o json` prints, zero-ended; give back with
 *                  spotopt_text_free() and the client's context
 * @retval SPOTOPT_E_PEER   the server is not there, says no, or breaks off; the message says what to do
 * @retval SPOTOPT_E_INPUT  what it says is no list
 * @retval SPOTOPT_E_NOMEM, SPOTOPT_E_CANCELLED
 * @since 0.1
 */
SPOTOPT_API SPOTOPT_NODISCARD spotopt_status
spotopt_kube_list(spotopt_kube *kube, char **out_text, size_t *out_length, spotopt_error *err);

SPOTOPT_END_DECLS
#endif /* SPOTOPT_KUBE_H */
