/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SPOTOPT_KUBE_ACTION_H
#define SPOTOPT_KUBE_ACTION_H
#include "spotopt/kube.h"

/**
 * @file kube_action.h
 * @brief Orders to a Kubernetes API server, one at a time. Part of libspotopt-net.
 *
 * Experimental: until a release adopts them, these functions may still change.
 */
SPOTOPT_BEGIN_DECLS

/** What is done. */
enum {
    SPOTOPT_KUBE_EVICT = 1,       /**< a pod, as its disruption budgets allow */
    SPOTOPT_KUBE_CORDON = 2,      /**< a node: no new pods */
    SPOTOPT_KUBE_UNCORDON = 3,    /**< a node: new pods again */
    SPOTOPT_KUBE_BIND = 4,        /**< a pending pod to a node */
    SPOTOPT_KUBE_DELETE_NODE = 5, /**< a node's object; its machine stays */
    SPOTOPT_KUBE_EVENT = 6        /**< a line that `kubectl describe` shows under a pod or node */
};

/** How it is done; a sum. */
enum {
    SPOTOPT_KUBE_APPLY = 1 /**< in earnest. Without it the server checks, and changes nothing */
};

/** What became of it. */
enum {
    SPOTOPT_KUBE_DONE = 1,    /**< it is so now, or would be; also where it was so before */
    SPOTOPT_KUBE_GONE = 2,    /**< the pod or node is not there (any more) */
    SPOTOPT_KUBE_BLOCKED = 3, /**< a disruption budget forbids it now; it may allow it later */
    SPOTOPT_KUBE_CHANGED = 4, /**< another one has that name now, or the pod is bound elsewhere: list again, decide anew */
    SPOTOPT_KUBE_BUSY = 5     /**< the server takes no more just now (429): the same again later */
};

/** One order. Texts are borrowed for the call. */
typedef struct spotopt_kube_action {
    size_t size;                /**< set by SPOTOPT_KUBE_ACTION_INIT */
    const char *namespace_name; /**< of the pod; NULL for a node */
    const char *name;           /**< of the pod or node */
    const char *uid;            /**< that one alone, not one that got its name later; NULL: whoever has the name */
    const char *node;           /**< SPOTOPT_KUBE_BIND: to this one */
    const char *reason;         /**< SPOTOPT_KUBE_EVENT: one word, letters and digits, up to 128 bytes */
    const char *message;        /**< SPOTOPT_KUBE_EVENT: up to 1024 bytes */
    double now_s;               /**< SPOTOPT_KUBE_EVENT: when, seconds since 1970 */
    double grace_s;             /**< SPOTOPT_KUBE_EVICT: seconds to end, 0 .. 1e6, rounded up; -1: the pod's own */
    int32_t verb;               /**< SPOTOPT_KUBE_EVICT ... */
    uint32_t flags;             /**< 0: a dry run; SPOTOPT_KUBE_APPLY */
} spotopt_kube_action;

/** The defaults of a struct, its size set: `= SPOTOPT_KUBE_ACTION_INIT`. */
#define SPOTOPT_KUBE_ACTION_INIT                                                                   \
    { sizeof(spotopt_kube_action), NULL, NULL, NULL, NULL, NULL, NULL, 0.0, -1.0, 0, 0 }

/** What became of an order. */
typedef struct spotopt_kube_outcome {
    size_t size;          /**< set by SPOTOPT_KUBE_OUTCOME_INIT */
    double retry_after_s; /**< as the server asked, >= 0; 0: it did not */
    int32_t outcome;      /**< SPOTOPT_KUBE_DONE ... */
    int32_t code;         /**< HTTP status of the server's last word */
    char said[256];       /**< its words where it is not done, one line; "": none */
} spotopt_kube_outcome;

/** The defaults of a struct, its size set: `= SPOTOPT_KUBE_OUTCOME_INIT`. */
#define SPOTOPT_KUBE_OUTCOME_INIT { sizeof(spotopt_kube_outcome), 0.0, 0, 0, "" }

/**
 * Carry out one order, or have the server check it.
 *
 * The same order twice does what one does, whether the first one's answer came or not: with a uid always, without one
 * as long as nobody else gets the name. Evictions are of policy/v1, on servers that do not know it of v1beta1. An
 * eviction or a deletion without uid is sent once; SPOTOPT_E_PEER then leaves open whether it was done. A budget's
 * refusal comes back at once, nothing waits for it.
 *
 * @param out  what became of it; looked at after SPOTOPT_OK alone
 * @retval SPOTOPT_E_ARGUMENT  the order is bad; the message names the field
 * @retval SPOTOPT_E_VERSION   a struct's size is not that of its INIT
 * @retval SPOTOPT_E_PEER      the server is not there, says no (401, 403, ...), or breaks off; the message says what to do
 * @retval SPOTOPT_E_INPUT     a file with credentials is bad
 * @retval SPOTOPT_E_NOMEM, SPOTOPT_E_CANCELLED
 * @since 0.1
 */
SPOTOPT_API SPOTOPT_NODISCARD spotopt_status
spotopt_kube_act(spotopt_kube *kube, const spotopt_kube_action *action, spotopt_kube_outcome *out,
                 spotopt_error *err);

SPOTOPT_END_DECLS
#endif /* SPOTOPT_KUBE_ACTION_H */
