/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SPOTOPT_PACK_TOL_H
#define SPOTOPT_PACK_TOL_H

/* Every tolerance of packing, by name. */
#define SPOTOPT__TOL_LOAD                                                                          \
    0.9e-9 /* of a capacity, where amounts are fractions; whole amounts get none */
#define SPOTOPT__TOL_RULE 0.5e-6 /* of a limit, mean or share: half of what judges grant */
#define SPOTOPT__TOL_COST 1e-9   /* of a cost: closer ones count as equal */
#define SPOTOPT__TOL_BOUND 1e-10 /* of a bound: taken off for rounding in sums */
#define SPOTOPT__TOL_STEP                                                                          \
    1e-6 /* of the costs' common divisor: a bound this close above a multiple stays */
#define SPOTOPT__TOL_PRICE                                                                         \
    1e-7 /* of a node's cost: reduced costs above minus this attract no column */

#endif
