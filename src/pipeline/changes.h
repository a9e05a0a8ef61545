/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SPOTOPT_PIPELINE_CHANGES_H
#define SPOTOPT_PIPELINE_CHANGES_H
#include "pipeline/decide.h"

/* Nodes and moves that hang together. */
typedef struct spotopt__change {
    uint32_t moves;
    double saves_usd_per_h; /* interruptions included; may be negative */
    double risk_usd_per_h;  /* more of expected interruptions than before */
    double move_usd;        /* once */
    double pay_back_h;      /* infinite: never */
    bool pays;              /* within the policy's horizon */
    bool is_needed;         /* places waiting pods, or empties a node that must go */
} spotopt__change;

typedef struct spotopt__changes {
    spotopt_context *context;
    spotopt__change *at;
    uint32_t count;
    uint32_t *of_node; /* cluster nodes, then new ones; SPOTOPT__NONE: in no change */
    uint32_t *place;
    unsigned char *is_in;
} spotopt__changes;

spotopt_status spotopt__changes_find(const spotopt__scene *scene, const spotopt__decision *decision,
                                     spotopt__changes *out, spotopt_error *err);
void spotopt__changes_free(spotopt__changes *changes);
uint32_t spotopt__changes_fix(const spotopt__scene *scene, const spotopt__decision *decision,
                              const spotopt__changes *changes, unsigned char *fixed);
#endif
