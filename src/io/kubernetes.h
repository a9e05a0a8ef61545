/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SPOTOPT_IO_KUBERNETES_H
#define SPOTOPT_IO_KUBERNETES_H
#include "model/cluster.h"

/*
 * What the kubernetes_*.c files share. A reader lives for one document. It parses one item at a time, in
 * the order of the kinds below, so that what a pod refers to is known when the pod is read.
 */
enum {
    SPOTOPT__K8S_NAMESPACE,
    SPOTOPT__K8S_PRIORITY_CLASS,
    SPOTOPT__K8S_RUNTIME_CLASS,
    SPOTOPT__K8S_STORAGE_CLASS,
    SPOTOPT__K8S_VOLUME,
    SPOTOPT__K8S_CLAIM,
    SPOTOPT__K8S_DEPLOYMENT,
    SPOTOPT__K8S_REPLICATION_CONTROLLER,
    SPOTOPT__K8S_REPLICA_SET,
    SPOTOPT__K8S_STATEFUL_SET,
    SPOTOPT__K8S_DAEMON_SET,
    SPOTOPT__K8S_JOB,
    SPOTOPT__K8S_POD,
    SPOTOPT__K8S_NODE, /* after the pods, whose resources come first in the table */
    SPOTOPT__K8S_PDB,
    SPOTOPT__K8S_KINDS
};

/* No document may make more pending replicas than this in all. */
#define SPOTOPT__REPLICAS_MAX 500000

/* metadata of any object. */
typedef struct spotopt__k8s_meta {
    const char *ns; /* "" where the kind has none */
    const char *id; /* "ns/name", or the name alone */
    const char *name;
    spotopt__labels labels;
    bool is_terminating;
    double created_s; /* NaN: unknown */
    const char *owner_kind, *owner_name; /* the controller's; NULL: none */
} spotopt__k8s_meta;

/* Amounts, and a bit for each that was stated at all. */
typedef struct spotopt__k8s_amounts {
    spotopt__amounts amounts;
    uint32_t stated;
} spotopt__k8s_amounts;

typedef struct spotopt__k8s_priority {
    const char *name;
    int32_t value;
} spotopt__k8s_priority;

typedef struct spotopt__k8s_runtime {
    const char *name;
    spotopt__k8s_amounts overhead;
    spotopt__labels node_selector;
    const spotopt__toleration *tolerations;
    uint32_t toleration_count;
} spotopt__k8s_runtime;

typedef struct spotopt__k8s_class {
    const char *name;
    spotopt__node_group topologies; /* count 0: anywhere */
    bool is_default;
} spotopt__k8s_class;

typedef struct spotopt__k8s_volume {
    const char *name;
    spotopt__node_group groups[2]; /* nodeAffinity, zone labels */
    uint32_t group_count;
} spotopt__k8s_volume;

/* What keeps a claim from being used in two places. */
enum {
    SPOTOPT__HOLDS_NODE = 1, /* ReadWriteOnce: its volume is attached to one node at a time */
    SPOTOPT__HOLDS_POD = 2   /* ReadWriteOncePod */
};

typedef struct spotopt__k8s_claim {
    const char *volume;     /* "" while unbound */
    const char *class_name; /* NULL: the default class; "": none */
    unsigned char holds;    /* SPOTOPT__HOLDS_... */
} spotopt__k8s_claim;

/* A StatefulSet's volumeClaimTemplates[]. */
typedef struct spotopt__k8s_claim_template {
    const char *name, *class_name;
    unsigned char holds;
} spotopt__k8s_claim_template;

/* What the reader knows of a workload beyond the model; one an entry of cluster->workloads. */
typedef struct spotopt__k8s_workload {
    uint32_t wanted;   /* pods that should be live now */
    uint32_t item;     /* of the document; SPOTOPT__NONE: known from its pods alone */
    bool has_wanted;   /* wanted is known and missing pods are to be made up */
    uint32_t live, done; /* pods of it and of what it owns: neither terminating nor finished; succeeded */
    uint32_t completions; /* a Job's; SPOTOPT__NONE: not stated */
    uint32_t succeeded; /* a Job's, by its status */
    uint32_t parallelism;
    uint32_t bare;      /* core of the template without the claims of its volumeClaimTemplates */
    int64_t first_ordinal;
    int64_t revision; /* a ReplicaSet's annotation; -1: none */
    const char *hash; /* a ReplicaSet's pod-template-hash, a Deployment's newest; NULL: unknown */
    const spotopt__k8s_claim_template *claims;
    uint32_t claim_count;
} spotopt__k8s_workload;

typedef struct spotopt__k8s {
    spotopt_context *context;
    spotopt_cluster *cluster;
    const char *name; /* the document's */
    spotopt_error *err;
    bool is_list; /* else the document is one object */
    uint32_t repeated, a_repeated[2]; /* manifests of one kind and name; the first such pair of items */

    spotopt__arena keys; /* of the maps below */
    spotopt__map text_at, label_set_at, core_at, shape_at, seen, workload_at;
    spotopt__map priority_at, runtime_at, class_at, volume_at, claim_at, namespace_at, warned;
    spotopt__vec(const char *) texts;
    spotopt__vec(spotopt__labels) label_sets;
    spotopt__vec(unsigned char) key; /* under construction */
    spotopt__vec(spotopt__label) pairs;

    /* Shapes without labels, while pods are read; see kubernetes_fold.c. */
    spotopt__vec(spotopt__shape) cores;
    spotopt__vec(spotopt__k8s_workload) workloads;
    spotopt__vec(spotopt__k8s_priority) priorities;
    spotopt__vec(spotopt__k8s_runtime) runtimes;
    spotopt__vec(spotopt__k8s_class) classes;
    spotopt__vec(spotopt__k8s_volume) volumes;
    spotopt__vec(spotopt__k8s_claim) claims;
    int32_t default_priority;
    uint32_t default_class; /* index, or SPOTOPT__NONE */
    uint32_t replicas;      /* made up so far */

    /* For warnings that are given once for many. */
    spotopt__str passed;      /* names of kinds passed over */
    spotopt__map passed_seen;
    uint32_t missing_claims, missing_volumes;
    const char *a_missing_claim, *a_missing_volume;
} spotopt__k8s;

/* A pod's, or a template's, parts. */
typedef struct spotopt__k8s_pod {
    const spotopt__at *meta, *spec;
    const spotopt__at *status; /* NULL: a template */
    const char *ns, *name;     /* name NULL: a template */
    spotopt__labels labels;
    bool is_daemon;
    const spotopt__k8s_claim_template *claims; /* of the StatefulSet whose template it is */
    uint32_t claim_count;
} spotopt__k8s_pod;

/* kubernetes_read.c: plain values. Texts and label sets come out interned: equal ones are the same pointer. */
const char *spotopt__k8s_intern(spotopt__k8s *k8s, const char *text, size_t length);
const char *spotopt__k8s_join(spotopt__k8s *k8s, const char *a, const char *b, const char *c); /* interned a b c */
spotopt_status spotopt__k8s_nomem(spotopt__k8s *k8s);
/* The key under construction: cleared by the caller, k8s->key.count = 0. False: no memory. */
bool spotopt__k8s_key_add(spotopt__k8s *k8s, const void *bytes, size_t length);
/* One line for the cluster's warnings and the log; the same line once. */
spotopt_status spotopt__k8s_warn(spotopt__k8s *k8s, const char *format, ...) SPOTOPT_PRINTF(2, 3);
/* out is as it was where the value is absent or null. */
spotopt_status spotopt__k8s_text(spotopt__k8s *k8s, const spotopt__at *at, const char **out);
spotopt_status spotopt__k8s_bool(spotopt__k8s *k8s, const spotopt__at *at, bool *out);
spotopt_status spotopt__k8s_int(spotopt__k8s *k8s, const spotopt__at *at, int64_t least, int64_t most,
                                int64_t *out);
/* Absent or null is an empty list; count is its length. */
spotopt_status spotopt__k8s_list(spotopt__k8s *k8s, const spotopt__at *at, uint32_t *count);
/* One of the NULL-ended words; `out` is its place. Absent: as it was. */
spotopt_status spotopt__k8s_word(spotopt__k8s *k8s, const spotopt__at *at, const char *const *words,
                                 int32_t *out);
spotopt_status spotopt__k8s_texts(spotopt__k8s *k8s, const spotopt__at *at, const char *const **out,
                                  uint32_t *count); /* sorted, each once */
spotopt_status spotopt__k8s_labels(spotopt__k8s *k8s, const spotopt__at *at, spotopt__labels *out);
/* Sorts pairs, keeps the first of equal keys, interns the set. */
spotopt_status spotopt__k8s_label_set(spotopt__k8s *k8s, spotopt__label *pairs, uint32_t count,
                                      spotopt__labels *out);
spotopt_status spotopt__k8s_quantity(spotopt__k8s *k8s, const spotopt__at *at, bool milli, int64_t *out);
/* A ResourceList. Where is_need, a name beyond the table is refused, else ignored. */
spotopt_status spotopt__k8s_amounts_at(spotopt__k8s *k8s, const spotopt__at *at, bool is_need,
                                       spotopt__k8s_amounts *out);
spotopt_status spotopt__k8s_meta_at(spotopt__k8s *k8s, const spotopt__at *object, bool has_ns,
                                    spotopt__k8s_meta *out);
bool spotopt__k8s_annotation_is(const spotopt__at *meta, const char *key, const char *value);

/* kubernetes_selector.c: selectors of labels and nodes, with well-known labels in their stable spelling. */
const char *spotopt__k8s_stable_key(const char *key); /* the key itself where it is no legacy spelling */
const char *spotopt__k8s_stable_value(spotopt__k8s *k8s, const char *key, const char *value); /* NULL: no memory */
spotopt_status spotopt__k8s_selector(spotopt__k8s *k8s, const spotopt__at *at, spotopt__selector *out);
/* selector and key in (value), or not in: matchLabelKeys, mismatchLabelKeys. */
spotopt_status spotopt__k8s_fold_keys(spotopt__k8s *k8s, const spotopt__at *keys, int32_t op,
                                      const spotopt__labels *labels, spotopt__selector *selector);
spotopt_status spotopt__k8s_node_terms(spotopt__k8s *k8s, const spotopt__at *at, bool is_preferred,
                                       const spotopt__node_term **out, uint32_t *count);
spotopt_status spotopt__k8s_node_selector(spotopt__k8s *k8s, const spotopt__at *at,
                                          const spotopt__labels *more, spotopt__labels *out);
spotopt_status spotopt__k8s_topologies(spotopt__k8s *k8s, const spotopt__at *at, spotopt__node_group *out);
/* A group of one term: key in values. */
spotopt_status spotopt__k8s_in_group(spotopt__k8s *k8s, const char *key, const char *const *values,
                                     uint32_t count, const char *source, spotopt__node_group *out);
spotopt_status spotopt__k8s_tolerations(spotopt__k8s *k8s, const spotopt__at *at,
                                        const spotopt__toleration *more, uint32_t more_count,
                                        const spotopt__toleration **out, uint32_t *count);

/* kubernetes_affinity.c: where a pod wants to be among nodes and other pods. */
spotopt_status spotopt__k8s_affinity(spotopt__k8s *k8s, const spotopt__k8s_pod *pod, spotopt__shape *shape,
                                     spotopt__node_group *group); /* group.terms NULL: no required node affinity */
spotopt_status spotopt__k8s_spreads(spotopt__k8s *k8s, const spotopt__k8s_pod *pod, spotopt__shape *shape);

/* kubernetes_requests.c: what a pod takes from its node. */
spotopt_status spotopt__k8s_requests(spotopt__k8s *k8s, const spotopt__k8s_pod *pod,
                                     const spotopt__k8s_runtime *runtime, spotopt__amounts *out);

/* kubernetes_volume.c: where a pod's volumes are. */
spotopt_status spotopt__k8s_read_class(spotopt__k8s *k8s, const spotopt__at *at);
spotopt_status spotopt__k8s_read_volume(spotopt__k8s *k8s, const spotopt__at *at);
spotopt_status spotopt__k8s_read_claim(spotopt__k8s *k8s, const spotopt__at *at);
typedef spotopt__vec(spotopt__node_group) spotopt__k8s_groups;
/* Adds what the pod's volumes ask of nodes, and sets the shape's storage marks. */
spotopt_status spotopt__k8s_volumes(spotopt__k8s *k8s, const spotopt__k8s_pod *pod,
                                    spotopt__k8s_groups *groups, spotopt__shape *shape);
/* The same for one claim by name; fallback NULL: a missing one is worth a warning. */
spotopt_status spotopt__k8s_claim_groups(spotopt__k8s *k8s, const char *ns, const char *name,
                                         const spotopt__k8s_claim_template *fallback,
                                         spotopt__k8s_groups *groups, unsigned char *holds);
spotopt_status spotopt__k8s_claim_template_at(spotopt__k8s *k8s, const spotopt__at *at,
                                              spotopt__k8s_claim_template *out);

/* kubernetes_shape.c: pod specs as shapes. A core is a shape without labels, an index of k8s->cores. */
spotopt_status spotopt__k8s_core(spotopt__k8s *k8s, const spotopt__k8s_pod *pod, uint32_t *out);
/* Notes in a shape what its claims hold. */
void spotopt__k8s_hold(spotopt__shape *shape, unsigned char holds);
/* A core with other groups (copied). */
spotopt_status spotopt__k8s_core_with(spotopt__k8s *k8s, uint32_t core, const spotopt__k8s_groups *groups,
                                      unsigned char holds, uint32_t *out);
/* kubernetes_fold.c: turns the cores of all pods and workloads into shapes. */
spotopt_status spotopt__k8s_finish_shapes(spotopt__k8s *k8s);

/* kubernetes_list.c: where the items are. */
typedef struct spotopt__k8s_item {
    spotopt__json_span text;
    int32_t kind; /* SPOTOPT__K8S_..., or -1: passed over */
} spotopt__k8s_item;
typedef spotopt__vec(spotopt__k8s_item) spotopt__k8s_items;
spotopt_status spotopt__k8s_find_items(spotopt__k8s *k8s, spotopt__json_span text, spotopt__k8s_items *items);
const char *spotopt__k8s_kind_name(int32_t kind);
/* Refuses something about an item that is no longer in memory; keys: its place there, NULL-ended. */
spotopt_status spotopt__k8s_fail_item(spotopt__k8s *k8s, uint32_t item, const char *const *keys,
                                      const char *format, ...) SPOTOPT_PRINTF(4, 5);

/* kubernetes_class.c: PriorityClass, RuntimeClass, Namespace. */
spotopt_status spotopt__k8s_read_priority(spotopt__k8s *k8s, const spotopt__at *at);
spotopt_status spotopt__k8s_read_runtime(spotopt__k8s *k8s, const spotopt__at *at);
spotopt_status spotopt__k8s_read_namespace(spotopt__k8s *k8s, const spotopt__at *at);
spotopt_status spotopt__k8s_finish_namespaces(spotopt__k8s *k8s);

/* kubernetes_workload.c, kubernetes_replicas.c */
spotopt_status spotopt__k8s_read_workload(spotopt__k8s *k8s, const spotopt__at *at, int kind, uint32_t item);
/* A pod's topmost known owner, or SPOTOPT__NONE. */
spotopt_status spotopt__k8s_owner(spotopt__k8s *k8s, const spotopt__k8s_meta *pod, uint32_t *out);
spotopt_status spotopt__k8s_make_replicas(spotopt__k8s *k8s);

/* kubernetes_node.c, kubernetes_pod.c, kubernetes_pdb.c */
spotopt_status spotopt__k8s_read_node(spotopt__k8s *k8s, const spotopt__at *at);
spotopt_status spotopt__k8s_read_pod(spotopt__k8s *k8s, const spotopt__at *at);
spotopt_status spotopt__k8s_finish_pods(spotopt__k8s *k8s);
spotopt_status spotopt__k8s_read_pdb(spotopt__k8s *k8s, const spotopt__at *at);

/* Runs on, or gives back what went wrong. */
#define SPOTOPT__TRY(call)                                                                     \
    do {                                                                                       \
        const spotopt_status try_status_ = (call);                                             \
        if (try_status_ < 0)                                                                   \
            return try_status_;                                                                \
    } while (0)

#endif
