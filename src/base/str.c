/* SPDX-License-Identifier: Apache-2.0 */
/*
 * str.c - a text that grows, and JSON written on top of it.
 *
 * Out of memory sticks in the text, so that writers need ask only once, at the end. The JSON is
 * compact, its strings always valid UTF-8 (bytes that are not become U+FFFD), its numbers the
 * shortest that read back.
 */
#include <assert.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/number.h"
#include "base/str.h"
#include "base/utf8.h"

void
spotopt__str_init(spotopt__str *str, spotopt_context *context)
{
    memset(str, 0, sizeof *str);
    str->context = context;
}

void
spotopt__str_free(spotopt__str *str)
{
    spotopt__free(str->context, str->at);
    spotopt__str_init(str, str->context);
}

/* Room for so many bytes more and the ending zero. */
static bool
make_room(spotopt__str *str, size_t more)
{
    size_t room = str->room < 64 ? 64 : str->room;
    char *moved;

    if (str->failed)
        return false;
    if (more < str->room - str->count && str->room > 0)
        return true;
    while (room - str->count <= more) {
        if (room > (size_t)PTRDIFF_MAX / 2) {
            str->failed = true;
            return false;
        }
        room *= 2;
    }
    moved = spotopt__resize_array(str->context, str->at, room, 1);
    if (moved == NULL) {
        str->failed = true;
        return false;
    }
    str->at = moved;
    str->room = room;
    return true;
}

void
spotopt__str_add(spotopt__str *str, const char *text)
{
    spotopt__str_add_n(str, text, strlen(text));
}

void
spotopt__str_add_n(spotopt__str *str, const char *text, size_t length)
{
    if (!make_room(str, length))
        return;
    if (length > 0)
        memcpy(str->at + str->count, text, length);
    str->count += length;
    str->at[str->count] = '\0';
}

void
spotopt__str_addf(spotopt__str *str, const char *format, ...)
{
    va_list args, again;
    int length;

    va_start(args, format);
    va_copy(again, args);
    length = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (length < 0)
        str->failed = true;
    else if (make_room(str, (size_t)length)) {
        (void)vsnprintf(str->at + str->count, (size_t)length + 1, format, again);
        str->count += (size_t)length;
    }
    va_end(again);
}

void
spotopt__str_add_real(spotopt__str *str, double value)
{
    char text[SPOTOPT__REAL_SIZE];

    spotopt__str_add_n(str, text, spotopt__write_real(value, text));
}

char *
spotopt__str_take(spotopt__str *str, size_t *out_length)
{
    char *text = NULL;

    spotopt__str_add_n(str, "", 0);
    if (str->failed) {
        spotopt__str_free(str);
        return NULL;
    }
    text = str->at;
    if (out_length != NULL)
        *out_length = str->count;
    spotopt__str_init(str, str->context);
    return text;
}

void
spotopt__jw_init(spotopt__jw *jw, spotopt__str *str)
{
    memset(jw, 0, sizeof *jw);
    jw->str = str;
}

/* The comma before an item, where one is due. */
static void
begin_item(spotopt__jw *jw)
{
    if (!jw->after_key && (jw->has_item >> jw->depth & 1) != 0)
        spotopt__str_add_n(jw->str, ",", 1);
    jw->after_key = false;
    jw->has_item |= UINT64_C(1) << jw->depth;
}

static void
open_level(spotopt__jw *jw, const char *bracket)
{
    begin_item(jw);
    assert(jw->depth < 63);
    jw->depth++;
    jw->has_item &= ~(UINT64_C(1) << jw->depth);
    spotopt__str_add_n(jw->str, bracket, 1);
}

static void
close_level(spotopt__jw *jw, const char *bracket)
{
    assert(jw->depth > 0 && !jw->after_key);
    jw->depth--;
    spotopt__str_add_n(jw->str, bracket, 1);
}

void
spotopt__jw_object(spotopt__jw *jw)
{
    open_level(jw, "{");
}

void
spotopt__jw_array(spotopt__jw *jw)
{
    open_level(jw, "[");
}

void
spotopt__jw_end_object(spotopt__jw *jw)
{
    close_level(jw, "}");
}

void
spotopt__jw_end_array(spotopt__jw *jw)
{
    close_level(jw, "]");
}

static void
add_quoted(spotopt__str *str, const char *text)
{
    const unsigned char *at = (const unsigned char *)text, *plain = at;
    const unsigned char *end = at + strlen(text);

    spotopt__str_add_n(str, "\"", 1);
    while (at < end) {
        const size_t length = spotopt__utf8_length(at, (size_t)(end - at));

        if (length > 0 && *at >= 0x20 && *at != '"' && *at != '\\') {
            at += length;
            continue;
        }
        spotopt__str_add_n(str, (const char *)plain, (size_t)(at - plain));
        if (length == 0)
            spotopt__str_add(str, "\xef\xbf\xbd");
        else if (*at == '"' || *at == '\\')
            spotopt__str_addf(str, "\\%c", *at);
        else if (*at == '\n')
            spotopt__str_add(str, "\\n");
        else if (*at == '\t')
            spotopt__str_add(str, "\\t");
        else
            spotopt__str_addf(str, "\\u%04x", (unsigned)*at);
        plain = ++at;
    }
    spotopt__str_add_n(str, (const char *)plain, (size_t)(end - plain));
    spotopt__str_add_n(str, "\"", 1);
}

void
spotopt__jw_key(spotopt__jw *jw, const char *key)
{
    begin_item(jw);
    add_quoted(jw->str, key);
    spotopt__str_add_n(jw->str, ":", 1);
    jw->after_key = true;
}

void
spotopt__jw_text(spotopt__jw *jw, const char *text)
{
    if (text == NULL) {
        spotopt__jw_null(jw);
        return;
    }
    begin_item(jw);
    add_quoted(jw->str, text);
}

void
spotopt__jw_real(spotopt__jw *jw, double value)
{
    if (!isfinite(value)) {
        spotopt__jw_null(jw);
        return;
    }
    begin_item(jw);
    spotopt__str_add_real(jw->str, value == 0.0 ? 0.0 : value); /* no -0 */
}

void
spotopt__jw_int(spotopt__jw *jw, int64_t value)
{
    begin_item(jw);
    spotopt__str_addf(jw->str, "%lld", (long long)value);
}

void
spotopt__jw_bool(spotopt__jw *jw, bool value)
{
    begin_item(jw);
    spotopt__str_add(jw->str, value ? "true" : "false");
}

void
spotopt__jw_raw(spotopt__jw *jw, const char *json, size_t length)
{
    begin_item(jw);
    spotopt__str_add_n(jw->str, json, length);
}

void
spotopt__jw_null(spotopt__jw *jw)
{
    begin_item(jw);
    spotopt__str_add(jw->str, "null");
}

void
spotopt__jw_put_text(spotopt__jw *jw, const char *key, const char *text)
{
    spotopt__jw_key(jw, key);
    spotopt__jw_text(jw, text);
}

void
spotopt__jw_put_real(spotopt__jw *jw, const char *key, double value)
{
    spotopt__jw_key(jw, key);
    spotopt__jw_real(jw, value);
}

void
spotopt__jw_put_int(spotopt__jw *jw, const char *key, int64_t value)
{
    spotopt__jw_key(jw, key);
    spotopt__jw_int(jw, value);
}

void
spotopt__jw_put_bool(spotopt__jw *jw, const char *key, bool value)
{
    spotopt__jw_key(jw, key);
    spotopt__jw_bool(jw, value);
}
