/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SPOTOPT_MODEL_CLUSTER_H
#define SPOTOPT_MODEL_CLUSTER_H
#include "model/resources.h"
#include "model/selector.h"
#include "spotopt/cluster.h"

/* One node-selector term: all requirements on labels and on fields (metadata.name) must hold. An empty one matches nothing. */
typedef struct spotopt__node_term {
    const spotopt__requirement *labels;
    const spotopt__requirement *fields;
    uint32_t label_count, field_count;
    int32_t weight; /* of a preferred term, 1..100; else 0 */
} spotopt__node_term;

/* Terms are alternatives (one must match); groups of terms are all needed: affinity, each volume. */
typedef struct spotopt__node_group {
    const spotopt__node_term *terms;
    uint32_t count;
    const char *source; /* "node affinity", "volume ns/claim" (of one pod of the shape): for explanations */
} spotopt__node_group;

/* A pod (anti-)affinity term. matchLabelKeys and mismatchLabelKeys are already folded into selector. */
typedef struct spotopt__pod_term {
    spotopt__selector selector;
    const char *const *namespaces; /* with namespace_selector unset and none here: the pod's own, filled in */
    uint32_t namespace_count;
    bool has_namespace_selector; /* matches namespaces by their labels; empty: all */
    spotopt__selector namespace_selector;
    const char *topology_key;
    int32_t weight; /* of a preferred term, 1..100; else 0 */
} spotopt__pod_term;

typedef struct spotopt__spread {
    spotopt__selector selector; /* matchLabelKeys folded in; in the pod's own namespace */
    const char *topology_key;
    uint32_t max_skew;
    uint32_t min_domains; /* 0: not stated */
    bool is_hard;         /* DoNotSchedule */
    bool honors_affinity; /* nodeAffinityPolicy, default true */
    bool honors_taints;   /* nodeTaintsPolicy, default false */
} spotopt__spread;

typedef struct spotopt__host_port {
    const char *ip; /* "" or "0.0.0.0": every address */
    int32_t port;
    int32_t protocol; /* 0 TCP, 1 UDP, 2 SCTP */
} spotopt__host_port;

/* What scheduling can see of a pod; equal shapes are stored once. */
typedef struct spotopt__shape {
    const char *ns;
    spotopt__labels labels; /* without what tells replicas apart (pod-template-hash, pod-index ...) unless a term asks for it */
    spotopt__amounts request; /* effective: init and sidecar containers, pod-level, overhead; PODS is 1 */
    spotopt__labels node_selector;
    const spotopt__node_group *groups; /* required node affinity and volume topology: all must hold */
    uint32_t group_count;
    const spotopt__node_term *preferred_nodes;
    uint32_t preferred_node_count;
    const spotopt__toleration *tolerations;
    uint32_t toleration_count;
    const spotopt__pod_term *affinity, *anti_affinity;                     /* required */
    const spotopt__pod_term *preferred_affinity, *preferred_anti_affinity;
    uint32_t affinity_count, anti_affinity_count, preferred_affinity_count, preferred_anti_affinity_count;
    const spotopt__spread *spreads;
    uint32_t spread_count;
    const spotopt__host_port *host_ports;
    uint32_t host_port_count;
    const char *scheduler; /* NULL: the default one */
    int32_t priority;
    double grace_s; /* terminationGracePeriodSeconds, default 30 */
    bool is_do_not_disrupt;  /* karpenter.sh/do-not-disrupt or cluster-autoscaler safe-to-evict=false */
    bool has_local_storage;  /* emptyDir or hostPath */
    bool has_attached_claim;  /* a ReadWriteOnce claim: its volume is on one node at a time */
    bool has_exclusive_claim; /* a ReadWriteOncePod claim: at most one pod may use it */
} spotopt__shape;

enum {
    SPOTOPT__PENDING,
    SPOTOPT__RUNNING,
    SPOTOPT__SUCCEEDED,
    SPOTOPT__FAILED
};

typedef struct spotopt__pod {
    const char *ns, *name;
    const char *id;        /* "ns/name" */
    const char *node_name; /* spec.nodeName, "" when unscheduled */
    uint32_t node;         /* SPOTOPT__NONE: unscheduled, or its node is not in the list */
    uint32_t shape;
    uint32_t workload; /* topmost owner that is known, or SPOTOPT__NONE */
    spotopt__labels labels; /* all of them: what budgets and selectors match */
    int32_t phase;
    bool is_ready, is_terminating, is_mirror, is_daemon;
    bool has_controller;   /* some ownerReference with controller: true */
    bool is_replica;       /* not in the list: a replica that its workload still wants; name is made up */
    bool is_gated;         /* has schedulingGates: not to be placed yet */
    double created_s;      /* NaN: unknown */
    double started_in_s;   /* from scheduled to ready, as its conditions have it; <= 0: unknown */
} spotopt__pod;

enum {
    SPOTOPT__DEPLOYMENT,
    SPOTOPT__REPLICA_SET,
    SPOTOPT__STATEFUL_SET,
    SPOTOPT__DAEMON_SET,
    SPOTOPT__JOB,
    SPOTOPT__OTHER_WORKLOAD /* any other controller; has_scale tells whether its size is known */
};

typedef struct spotopt__workload {
    int32_t kind;
    const char *kind_name, *ns, *name;
    uint32_t parent; /* a ReplicaSet's Deployment; SPOTOPT__NONE at the top */
    uint32_t wanted; /* replicas; of a DaemonSet unused */
    bool has_scale;  /* it has a scale that the disruption controller can ask for expected pods, and it is wanted */
    bool is_ordered; /* StatefulSet with OrderedReady */
    uint32_t shape;  /* of its template; SPOTOPT__NONE when there was none */
    spotopt__labels template_labels;
} spotopt__workload;

typedef struct spotopt__node {
    const char *name, *provider_id;
    spotopt__labels labels;
    const spotopt__taint *taints;
    uint32_t taint_count;
    spotopt__amounts capacity, allocatable; /* absent resources are 0 */
    bool is_ready, is_unschedulable, is_terminating, is_do_not_disrupt;
    double created_s; /* NaN: unknown */
} spotopt__node;

enum {
    SPOTOPT__BUDGET_NONE, /* neither stated: the controller expects no pods and hence allows no disruption */
    SPOTOPT__BUDGET_MIN_COUNT,
    SPOTOPT__BUDGET_MIN_PERCENT,
    SPOTOPT__BUDGET_MAX_COUNT,
    SPOTOPT__BUDGET_MAX_PERCENT
};

typedef struct spotopt__pdb {
    const char *ns, *name, *id; /* id "ns/name" */
    spotopt__selector selector; /* v1: empty matches all of the namespace; v1beta1: empty matches nothing (is_nothing) */
    int32_t kind;               /* SPOTOPT__BUDGET_... */
    int64_t value;              /* a count, or percent 0..100 */
    bool always_allows_unhealthy; /* unhealthyPodEvictionPolicy: AlwaysAllow */
    bool is_lagging;            /* status.observedGeneration < metadata.generation: the API refuses evictions */
    const char *const *disrupted; /* names in status.disruptedPods */
    uint32_t disrupted_count;
} spotopt__pdb;

typedef struct spotopt__namespace {
    const char *name;
    spotopt__labels labels; /* kubernetes.io/metadata.name is always there */
} spotopt__namespace;

struct spotopt_cluster {
    spotopt_context *context;
    spotopt__arena arena; /* lists */
    spotopt__arena texts; /* texts and label sets, equal ones once */
    spotopt__resources resources;
    spotopt__vec(spotopt__node) nodes;
    spotopt__vec(spotopt__shape) shapes;
    spotopt__vec(spotopt__pod) pods; /* list order, then replicas still wanted */
    spotopt__vec(spotopt__workload) workloads;
    spotopt__vec(spotopt__pdb) pdbs;
    spotopt__vec(spotopt__namespace) namespaces; /* ascending by name; each that some object is in */
    spotopt__map node_by_name;
    spotopt__map pod_by_id;
    spotopt__vec(const char *) warnings; /* what was skipped or guessed, one line each, in the arena */
    char sha256[65];
    const char *id, *client_id; /* --cluster-id, --client-id; "" when not given */
};

/* An empty cluster, free with spotopt_cluster_free(). */
spotopt_status spotopt__cluster_new(spotopt_context *context, const spotopt_cluster_params *params,
                                    spotopt_cluster **out, spotopt_error *err);
/*
 * Whether a node with these labels, name ("" for one not bought yet) and taints accepts the shape: node selector,
 * required affinity, volumes, taints (NoSchedule, NoExecute). why receives a static word for the first refusal, or NULL.
 */
bool spotopt__shape_allows(const spotopt__shape *shape, const spotopt__labels *labels, const char *node_name,
                           const spotopt__taint *taints, uint32_t taint_count, const char **why);
/* Whether a term of a pod in pod_ns selects a pod with these labels in ns. */
bool spotopt__pod_term_matches(const spotopt_cluster *cluster, const spotopt__pod_term *term, const char *ns,
                               const spotopt__labels *labels);
/* Whether a budget counts the pod (same namespace and selector; every phase). */
bool spotopt__pdb_matches(const spotopt__pdb *pdb, const spotopt__pod *pod);

#endif
