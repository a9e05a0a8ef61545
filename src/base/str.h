/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SPOTOPT_BASE_STR_H
#define SPOTOPT_BASE_STR_H
#include "base/alloc.h"

/* A text that grows. Out of memory sticks: write on, then ask once. */
typedef struct spotopt__str {
    spotopt_context *context;
    char *at; /* zero-ended once anything was added */
    size_t count, room;
    bool failed;
} spotopt__str;

void spotopt__str_init(spotopt__str *str, spotopt_context *context);
void spotopt__str_free(spotopt__str *str);
void spotopt__str_add(spotopt__str *str, const char *text);
void spotopt__str_add_n(spotopt__str *str, const char *text, size_t length);
void spotopt__str_addf(spotopt__str *str, const char *format, ...)
    SPOTOPT_PRINTF(2, 3); /* no %f %g %e: they follow the locale; use the next one */
void spotopt__str_add_real(spotopt__str *str, double value);
/* Hands the text to the caller (spotopt_text_free), or NULL when memory ran out. Never NULL otherwise. */
char *spotopt__str_take(spotopt__str *str, size_t *out_length);

/* JSON on top: keys and commas are looked after. NaN and infinite numbers become null. */
typedef struct spotopt__jw {
    spotopt__str *str;
    uint64_t has_item; /* one bit a level */
    int depth;
    bool after_key;
} spotopt__jw;

void spotopt__jw_init(spotopt__jw *jw, spotopt__str *str);
void spotopt__jw_object(spotopt__jw *jw); /* { */
void spotopt__jw_array(spotopt__jw *jw);  /* [ */
void spotopt__jw_end_object(spotopt__jw *jw);
void spotopt__jw_end_array(spotopt__jw *jw);
void spotopt__jw_key(spotopt__jw *jw, const char *key);
void spotopt__jw_text(spotopt__jw *jw, const char *text); /* NULL writes null */
void spotopt__jw_real(spotopt__jw *jw, double value);
void spotopt__jw_int(spotopt__jw *jw, int64_t value);
void spotopt__jw_bool(spotopt__jw *jw, bool value);
void spotopt__jw_null(spotopt__jw *jw);
/* A value that is JSON already. */
void spotopt__jw_raw(spotopt__jw *jw, const char *json, size_t length);
/* key and value at once */
void spotopt__jw_put_text(spotopt__jw *jw, const char *key, const char *text);
void spotopt__jw_put_real(spotopt__jw *jw, const char *key, double value);
void spotopt__jw_put_int(spotopt__jw *jw, const char *key, int64_t value);
void spotopt__jw_put_bool(spotopt__jw *jw, const char *key, bool value);

#endif
