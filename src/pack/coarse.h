/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SPOTOPT_PACK_COARSE_H
#define SPOTOPT_PACK_COARSE_H
#include "pack/search.h"

/* A relaxation: demands that differ in their rules alone merged, rules over labels dropped. Pools
 * and running nodes keep their indices; demand s is shape s. */
typedef struct spotopt__coarse {
    spotopt_problem *problem; /* NULL: it would not be much smaller, or would not be one */
    uint32_t *shape_of;       /* by item */
    uint32_t shapes;
    bool drops_limits; /* a limit per node that matters was left out: other bounds may be better */
} spotopt__coarse;

/* Freed by spotopt__coarse_free() also after a failure. anyway: also where it is of little use. */
spotopt_status spotopt__coarse_make(spotopt__coarse *coarse, const spotopt__model *model,
                                    bool anyway, spotopt_error *err);
void spotopt__coarse_free(spotopt__coarse *coarse, const spotopt__model *model);

/* refine.c: the coarser packing's nodes with the demands dealt out to them; what finds no place is
 * placed greedily. Offers the result. */
spotopt_status spotopt__refine(spotopt__search *search, const spotopt__coarse *coarse,
                               const spotopt_packing *packing, uint32_t shift, spotopt_error *err);

#endif
