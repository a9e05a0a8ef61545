/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SPOTOPT_PIPELINE_FUNNEL_H
#define SPOTOPT_PIPELINE_FUNNEL_H
#include "base/base.h"
#include "base/sketch.h"
#include "spotopt/funnel.h"

/* Stages in order; the words of the documents. */
enum {
    SPOTOPT__STAGE_SCOPE,
    SPOTOPT__STAGE_FITS,
    SPOTOPT__STAGE_ALLOWED,
    SPOTOPT__STAGE_PRICE_CAP,
    SPOTOPT__STAGE_RISK_CAP,
    SPOTOPT__STAGE_OBTAINABLE,
    SPOTOPT__STAGE_QUOTA,
    SPOTOPT__STAGES
};

/* Reasons; each belongs to one stage. */
enum {
    SPOTOPT__DROP_NO_PRICE,
    SPOTOPT__DROP_WRONG_ARCH,
    SPOTOPT__DROP_TOO_SMALL,
    SPOTOPT__DROP_NO_POD_MAY_USE,
    SPOTOPT__DROP_SPOT_DISABLED,
    SPOTOPT__DROP_FORCED_ON_DEMAND,
    SPOTOPT__DROP_FAMILY,
    SPOTOPT__DROP_EXCLUDED,
    SPOTOPT__DROP_PRICE_CAP,
    SPOTOPT__DROP_RISK_CAP,
    SPOTOPT__DROP_NO_CAPACITY,
    SPOTOPT__DROP_QUOTA,
    SPOTOPT__DROPS
};

typedef struct spotopt__funnel_stage {
    uint64_t in, out;
    uint64_t drops[SPOTOPT__DROPS];
    uint64_t also[SPOTOPT__DROPS]; /* candidates that the reason spoke against, whatever they left for */
    double seconds;
    spotopt__sketch latency; /* of decisions that told it */
    uint64_t latency_ns;     /* their sum; whole, so that sums do not depend on their order */
} spotopt__funnel_stage;

/* Holds: in = out + sum of drops; out of a stage = in of the next. */
struct spotopt_funnel {
    spotopt_context *context;
    spotopt__funnel_stage stages[SPOTOPT__STAGES];
    uint64_t chosen, alternates, runs;
};

const char *spotopt__stage_text(int32_t stage);
const char *spotopt__drop_text(int32_t reason);
int32_t spotopt__drop_stage(int32_t reason); /* the one it belongs to */
/* Gives back what a funnel holds, not the funnel. */
void spotopt__funnel_clear(spotopt_funnel *funnel);
/* One candidate: it left at stage for reason, or came through (stage -1). */
void spotopt__funnel_record(spotopt_funnel *funnel, int32_t stage, int32_t reason);
/* All that spoke against a candidate, a bit 1 << reason each. */
void spotopt__funnel_explain(spotopt_funnel *funnel, uint32_t mask);
/* The "funnel" member's value. with_seconds: wall clock too, which no two runs share; else null. */
void spotopt__funnel_put(const spotopt_funnel *funnel, bool with_seconds, spotopt__jw *jw);
/* Reads that value; refuses counts that do not add up. */
spotopt_status spotopt__funnel_read(const spotopt__at *at, spotopt_funnel *funnel,
                                    spotopt_error *err);

#endif
