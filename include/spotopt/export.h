/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SPOTOPT_EXPORT_H
#define SPOTOPT_EXPORT_H

/**
 * @file export.h
 * @brief Visibility, linkage and compiler marks that the other headers use.
 */

#if defined(__cplusplus)
#define SPOTOPT_BEGIN_DECLS extern "C" {
#define SPOTOPT_END_DECLS }
#else
#define SPOTOPT_BEGIN_DECLS
#define SPOTOPT_END_DECLS
#endif

#if defined(__GNUC__) || defined(__clang__)
#define SPOTOPT_API __attribute__((visibility("default")))
#define SPOTOPT_NODISCARD __attribute__((warn_unused_result))
#define SPOTOPT_PRINTF(at, first) __attribute__((__format__(__printf__, at, first)))
#else
#define SPOTOPT_API
#define SPOTOPT_NODISCARD
#define SPOTOPT_PRINTF(at, first)
#endif

#endif /* SPOTOPT_EXPORT_H */
