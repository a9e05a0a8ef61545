/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SPOTOPT_CLI_TEXT_H
#define SPOTOPT_CLI_TEXT_H
#include "cli.h"

/* A growing text, always zero-ended once something was added. Start from {0}; free with
 * text_free(). */
typedef struct text {
    char *at;
    size_t length, room;
} text;

void text_free(text *t);
void text_add(text *t, const char *s);
void text_add_n(text *t, const char *s, size_t n);
void text_addf(text *t, const char *format, ...) SPOTOPT_PRINTF(2, 3);
/* As text_addf, where %s arguments come from documents: control characters and bad UTF-8 become
 * U+FFFD, or ? */
void text_add_clean(text *t, const char *s, bool utf8);

/* snprintf by another name, where cutting off is what is wanted: compilers cannot know that and
 * warn. */
int fit(char *out, size_t size, const char *format, ...) SPOTOPT_PRINTF(3, 4);

/* A short text by value, for use as an argument. */
typedef struct figure {
    char at[48];
} figure;

/* Numbers as people read them; NaN gives "-". The program never leaves the C locale. */
figure show_usd(double usd, int decimals);      /* $1,234.50 */
figure show_price(double usd);                  /* $0.0384: four decimals, for unit prices */
figure show_count(double n);                    /* 1,234 */
figure show_percent(double frac, int decimals); /* 12.3 % */
figure show_real(double v, int decimals);
figure show_chance(double p);  /* 0.03 %, 1.2 %, 23 %: two digits that matter */
figure show_seconds(double s); /* 45 s, 3:20, 1:02:05 */

/* One character of UTF-8: its length in bytes, 0 where s is not valid there. */
size_t utf8_length(const char *s);
/* Columns that a text takes on a terminal. */
size_t text_width(const char *s);

#endif
