/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SPOTOPT_PACK_BUY_H
#define SPOTOPT_PACK_BUY_H
#include "base/base.h"
#include "pack/search.h"

typedef struct spotopt__buying {
    spotopt__search *search;
    const spotopt__model *model;
    double slack;                  /* of the need: bought on top */
    uint32_t *kind, *times, kinds; /* considered; how many of each are bought, by kind */
    double *key;                   /* by kind of the model */
    double *need;                  /* by resource */
    uint32_t *order;               /* items by worth, dearest first */
    uint32_t *dim, dims;           /* resources that anything asks for */
    bool shared;                   /* what follows is known: see buy_share.c */
    uint32_t *class_slot, classes; /* by class; NONE: not considered */
    double *class_price;           /* slot * resources + r: what the class' room is worth */
    double *target;                /* by kind: about so many */
    double *cheapest;              /* by item: what it costs where it is best off */
    const double *weight;          /* by resource: of the node being filled */
    double *left, *part;           /* by dim: its room; 1 / left */
    uint32_t *piece, pieces;       /* items that may go in */
    uint32_t *most;                /* by piece */
    uint32_t *count, *best;        /* by piece */
    double *request;               /* piece * dims + d */
    double *worth;                 /* by piece */
    spotopt__rng rng;
} spotopt__buying;

/* At the weights of the node being filled. */
double spotopt__buy_worth(const spotopt__buying *b, const double *amount);
/* Targets and class prices; shared tells whether there are any. False: memory ran out. */
bool spotopt__buy_share(spotopt__buying *b);

#endif
