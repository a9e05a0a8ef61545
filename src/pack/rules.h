/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SPOTOPT_PACK_RULES_H
#define SPOTOPT_PACK_RULES_H
#include "pack/state.h"

/* Around each change of what a bin holds of an item: its share in the per-node rules leaves and
 * comes back. */
void spotopt__rules_leave_node(spotopt__state *state, const spotopt__bin *bin,
                               const spotopt__item *item);
void spotopt__rules_enter_node(spotopt__state *state, const spotopt__bin *bin,
                               const spotopt__item *item);
/* delta replicas of the item came to the pool. */
void spotopt__rules_tally(spotopt__state *state, uint32_t pool, const spotopt__item *item,
                          int64_t delta);

#endif
