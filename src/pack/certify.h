/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SPOTOPT_PACK_CERTIFY_H
#define SPOTOPT_PACK_CERTIFY_H
#include "pack/packing.h"
#include "pack/search.h"

/* Why there is no packing, in as few demands, rules and limits as the budget allows: the packing's
 * certificate. Leaves it empty when nothing is proved in time. */
spotopt_status spotopt__certify(spotopt__search *search, spotopt_packing *packing,
                                spotopt_error *err);

#endif
