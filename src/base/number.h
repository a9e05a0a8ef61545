/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SPOTOPT_BASE_NUMBER_H
#define SPOTOPT_BASE_NUMBER_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Locale-free. The whole of [text, text+length) must be a finite decimal number; no blanks, no hex. */
bool spotopt__parse_real(const char *text, size_t length, double *out);
bool spotopt__parse_int(const char *text, size_t length, int64_t *out);

/* The shortest text that reads back as the same number; whole numbers below 1e15 without exponent. */
#define SPOTOPT__REAL_SIZE 32
size_t spotopt__write_real(double value, char out[SPOTOPT__REAL_SIZE]);

/* Fixed digits after the point, for tables. digits <= 9, |value| < 1e15. */
size_t spotopt__write_fixed(double value, int digits, char out[SPOTOPT__REAL_SIZE]);

/* RFC 3339 <-> seconds since 1970 UTC (fractions kept to the millisecond). out needs 32 bytes. */
bool spotopt__parse_time(const char *text, size_t length, double *out_s);
void spotopt__write_time(double s, char out[32]);

#endif
