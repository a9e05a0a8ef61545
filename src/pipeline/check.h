/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SPOTOPT_PIPELINE_CHECK_H
#define SPOTOPT_PIPELINE_CHECK_H
#include "pipeline/scene.h"

/*
 * A Plan document under judgement. Nothing of src/pack, src/drain, translate.c or decide.c is used
 * here: the document's nodes and steps are replayed on the cluster itself.
 */
enum { SPOTOPT__KEEP, SPOTOPT__DRAIN, SPOTOPT__LAUNCH };

typedef struct spotopt__check_node {
    const char *name;
    uint32_t pool; /* of the catalog, or SPOTOPT__NONE */
    int32_t action;
    bool is_named;  /* the document has it */
    double fill[2]; /* shares of CPU and memory taken, as the document has them */
} spotopt__check_node;

typedef struct spotopt__check {
    spotopt_context *context;
    spotopt__scene *scene;
    const spotopt__at *root;
    spotopt__arena arena;
    spotopt__vec(spotopt__check_node) nodes; /* the cluster's, then the launched */
    spotopt__map node_by_name;
    uint32_t *target;    /* a pod: index of nodes, or SPOTOPT__NONE */
    unsigned char *seen; /* a pod: how often the document names it */
    spotopt__str report;
    size_t faults;
} spotopt__check;

/* One more fault; the report holds the first hundred. */
void spotopt__fault(spotopt__check *check, const char *format, ...) SPOTOPT_PRINTF(2, 3);
/* Whether two numbers of a document are the same up to rounding. */
bool spotopt__near(double a, double b);
const spotopt__labels *spotopt__check_labels(const spotopt__check *check, uint32_t node);
/* Domain of a node under a topology key: its value, its own name for the host, NULL where it has
 * none. */
const char *spotopt__check_domain(const spotopt__check *check, uint32_t node, const char *key);

spotopt_status spotopt__check_placement(spotopt__check *check,
                                        spotopt_error *err); /* check_placement.c */
spotopt_status spotopt__check_policy(spotopt__check *check,
                                     spotopt_error *err);                       /* check_policy.c */
spotopt_status spotopt__check_money(spotopt__check *check, spotopt_error *err); /* check_money.c */
spotopt_status spotopt__check_steps(spotopt__check *check, spotopt_error *err); /* check_steps.c */

#endif
