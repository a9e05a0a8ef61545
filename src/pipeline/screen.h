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

/* A pool as src/rank sees it; ranked for what the scene was ranked for. */
void spotopt__rank_candidate(const spotopt__scene *scene, uint32_t index, spotopt__rank_pool *out);
/* rank_write.c: "key": {cost, stability, performance, capacity}. */
void spotopt__rank_put_four(spotopt__jw *jw, const char *key, const double *values);
/* What weights follow from and what they are worth in money: members of a ranking or of a plan. */
void spotopt__rank_put_weights(const spotopt__scene *scene, spotopt__jw *jw);
/* What each feature of the model adds to the contribution that holds the risk: a member of a pool; none where no model
 * forecast it. False: no memory. */
bool spotopt__rank_put_parts(const spotopt__scene *scene, uint32_t pool, spotopt__jw *jw);

/* rank_switch.c: "is-first", "dwell" and so on; "" for none. */
const char *spotopt__switch_text(int32_t why);
/* The member "switch" of a ranking that was asked about what runs. False: no memory. */
bool spotopt__switch_put(const spotopt__scene *scene, spotopt__jw *jw);

#endif
