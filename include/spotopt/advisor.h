/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SPOTOPT_ADVISOR_H
#define SPOTOPT_ADVISOR_H
#include "spotopt/context.h"

/**
 * @file advisor.h
 * @brief The vendor's class of interruption where it is not known, from where it is.
 *
 * Experimental: until a release adopts them, these functions may still change.
 */
SPOTOPT_BEGIN_DECLS

/**
 * Predict the advisor's bucket of every row (a machine type in a region) as though its own were unknown.
 *
 * A cumulative logit (McCullagh 1980) of the type's level in other regions, its family's, the region's level, and the
 * family's and the size's in that region, each shrunk by how much speaks for it; fitted to the known rows, each without
 * itself (docs/algorithms.md, "Advisor"). A row that occurs several times (zones) counts once.
 *
 * @param instance_types   such as "m5.large"; what stands before the dot is the family; borrowed for the call
 * @param regions          such as "us-east-1"; borrowed for the call
 * @param buckets          0 (less than 5 % reclaimed in a month) .. 4 (more than 20 %), or -1: unknown
 * @param count            of each column
 * @param out_buckets      the median of what is predicted, 0..4
 * @param out_probability  5 * count chances, bucket by bucket for each row, or NULL
 * @retval SPOTOPT_E_ARGUMENT  a column is missing, a text is NULL or a bucket is off; the message names it
 *
 * With fewer than 30 known rows the prediction is their frequency, drawn towards even chances.
 * @since 0.1
 */
SPOTOPT_API SPOTOPT_NODISCARD spotopt_status
spotopt_advisor_predict(spotopt_context *context, const char *const *instance_types, const char *const *regions,
                        const int32_t *buckets, size_t count, int32_t *out_buckets, double *out_probability,
                        spotopt_error *err);

SPOTOPT_END_DECLS
#endif /* SPOTOPT_ADVISOR_H */
