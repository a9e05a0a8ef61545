/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SPOTOPT_PACK_PART_H
#define SPOTOPT_PACK_PART_H
#include "pack/problem.h"

/*
 * What of a problem is looked at. Less is asked of a part: whatever packs the whole packs each of
 * its parts, and whatever packs a part packs every part of that.
 */
typedef struct spotopt__part {
    uint32_t *count;       /* by demand: so many of its replicas */
    unsigned char *rule;   /* by rule: 1 it counts, where the part can tell */
    unsigned char *lifted; /* by pool: 1 its max is not looked at */
} spotopt__part;

/*
 * Whether a part can tell of the rule at all. A near or a spread over labels speaks of all replicas
 * of its lists (fewer of some may break it), so all of them must be there.
 */
bool spotopt__part_has_rule(const spotopt_problem *problem, const spotopt__part *part,
                            uint32_t rule);

/*
 * The part as a problem of its own, with the same indices of pools and nodes. Demands of which the
 * part has nothing are left out, unless they run somewhere: rules count what residents break
 * already.
 */
spotopt_status spotopt__part_problem(const spotopt_problem *problem, const spotopt__part *part,
                                     spotopt_problem **out, spotopt_error *err);

/* The pools of one problem added to another; lifted: by pool, or NULL. */
spotopt_status spotopt__copy_pools(spotopt_problem *to, const spotopt_problem *from,
                                   const unsigned char *lifted, spotopt_error *err);
/* A rule as it can be added again. It borrows the problem's lists. */
void spotopt__rule_spec_of(const spotopt_problem *problem, uint32_t rule, spotopt_rule_spec *out);

#endif
