/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SPOTOPT_PIPELINE_SCREEN_H
#define SPOTOPT_PIPELINE_SCREEN_H
#include "pipeline/scene.h"

/* Sends every pool through the funnel and ranks what comes through, against the mean pod of the
 * cluster. */
spotopt_status spotopt__screen(spotopt__scene *scene, bool explain, spotopt_error *err);

/* Ranks once more, for so many replicas of the mean request; 0: as many as the cluster has pods. */
spotopt_status spotopt__screen_rank(spotopt__scene *scene, double replicas, spotopt_error *err);

/* rank_scene.c: factors, scores, places and contributions of the pools in by_place, which it sorts.
 */
spotopt_status spotopt__rank_scene(spotopt__scene *scene, const spotopt__amounts *request,
                                   double replicas, spotopt_error *err);

/* Words for a pool's rank_flags, as items of an array. */
void spotopt__rank_put_flags(uint32_t flags, spotopt__jw *jw);

/* rank_switch.c: "is-first", "dwell" and so on; "" for none. */
const char *spotopt__switch_text(int32_t why);
/* The member "switch" of a ranking that was asked about what runs. False: no memory. */
bool spotopt__switch_put(const spotopt__scene *scene, spotopt__jw *jw);

#endif
