/* SPDX-License-Identifier: Apache-2.0 */
/*
 * error.c - one function sets both status and message; a message is always one line of valid UTF-8.
 *
 * Whatever a stranger's text brings into a message, control bytes and bytes that are not UTF-8
 * leave it as \n, \t or \xNN. What is too long loses its middle, so that the place in front and
 * what was wanted behind both survive. Needs no memory.
 */
#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/utf8.h"

const char *
spotopt_status_text(spotopt_status status)
{
    switch (status) {
    case SPOTOPT_OK:
        return "ok";
    case SPOTOPT_E_NOMEM:
        return "out of memory";
    case SPOTOPT_E_ARGUMENT:
        return "bad argument";
    case SPOTOPT_E_STATE:
        return "not in a state that allows this";
    case SPOTOPT_E_VERSION:
        return "made for a newer version";
    case SPOTOPT_E_INPUT:
        return "bad input";
    case SPOTOPT_E_MISMATCH:
        return "inputs do not belong together";
    case SPOTOPT_E_STORE:
        return "the database refused";
    case SPOTOPT_E_PEER:
        return "no answer from a server";
    case SPOTOPT_E_CANCELLED:
        return "cancelled";
    case SPOTOPT_E_INTERNAL:
        return "internal error";
    default:
        return "unknown status";
    }
}

/*
 * One character of text becomes printable in piece (at most 4 bytes); returns its length and moves
 * on. Empty at the end.
 */
static size_t
clean_piece(const unsigned char **text, char piece[8])
{
    const unsigned char *at = *text;
    size_t length;

    if (*at == '\0')
        return 0;
    if (*at == '\n' || *at == '\t' || *at == '\r') {
        piece[0] = '\\';
        piece[1] = *at == '\n' ? 'n' : *at == '\t' ? 't' : 'r';
        *text = at + 1;
        return 2;
    }
    length = spotopt__utf8_length(at, strnlen((const char *)at, 4));
    /* C1 controls (U+0080..U+009F) and the line separators U+2028, U+2029 would break the line as
     * well */
    if (length == 0 || *at < 0x20 || *at == 0x7f ||
        (length == 2 && at[0] == 0xc2 && at[1] < 0xa0) ||
        (length == 3 && at[0] == 0xe2 && at[1] == 0x80 && (at[2] == 0xa8 || at[2] == 0xa9))) {
        *text = at + 1;
        return (size_t)snprintf(piece, 8, "\\x%02x", *at);
    }
    memcpy(piece, at, length);
    *text = at + length;
    return length;
}

/* How many bytes text takes when cleaned. */
static size_t
clean_size(const char *text)
{
    const unsigned char *at = (const unsigned char *)text;
    size_t total = 0, length;
    char piece[8];

    while ((length = clean_piece(&at, piece)) > 0)
        total += length;
    return total;
}

size_t
spotopt__clean_line(char *out, size_t size, const char *text)
{
    static const char cut[] = "...";
    const size_t total = clean_size(text), room = size - 1, dots = sizeof cut - 1;
    const unsigned char *at = (const unsigned char *)text;
    size_t used = 0, seen = 0, length;
    size_t head = total,
           tail = total; /* bytes of the cleaned text kept in front; where it goes on */
    char piece[8];

    assert(size >= 16);
    if (total > room) {
        head = (room - dots) * 2 / 5;
        tail = total - (room - dots - head);
    }
    for (; (length = clean_piece(&at, piece)) > 0 && seen + length <= head; seen += length) {
        memcpy(out + used, piece, length);
        used += length;
    }
    if (total > room) {
        memcpy(out + used, cut, dots);
        used += dots;
        for (; length > 0; seen += length, length = clean_piece(&at, piece)) {
            if (seen < tail)
                continue;
            memcpy(out + used, piece, length);
            used += length;
        }
    }
    out[used] = '\0';
    return used;
}

const char *
spotopt__quote(const char *text, char out[SPOTOPT__QUOTE_SIZE])
{
    size_t used;

    out[0] = '"';
    used = spotopt__clean_line(out + 1, SPOTOPT__QUOTE_SIZE - 2, text);
    out[used + 1] = '"';
    out[used + 2] = '\0';
    return out;
}

spotopt_status
spotopt__fail(spotopt_error *err, spotopt_status status, const char *format, ...)
{
    char raw[4 * SPOTOPT_ERROR_MESSAGE_SIZE];
    va_list args;

    if (err == NULL)
        return status;
    va_start(args, format);
    if (vsnprintf(raw, sizeof raw, format, args) < 0)
        raw[0] = '\0';
    va_end(args);
    err->status = status;
    spotopt__clean_line(err->message, sizeof err->message, raw);
    return status;
}

spotopt_status
spotopt__nomem(spotopt_error *err, const char *what)
{
    return spotopt__fail(err, SPOTOPT_E_NOMEM, "no memory for %s", what);
}

spotopt_status
spotopt__copy_in(void *ours, size_t our_size, const void *theirs, const char *what,
                 spotopt_error *err)
{
    /* A size beyond this is no newer header but memory that nobody initialised. */
    enum { MOST_GROWTH = 4096 };
    const unsigned char *bytes = theirs;
    size_t size;

    memcpy(&size, theirs, sizeof size);
    if (size < sizeof size)
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT,
                             "%s.size is %zu; want it set by the INIT macro", what, size);
    if (size > our_size + MOST_GROWTH)
        return spotopt__fail(err, SPOTOPT_E_VERSION, "%s.size is %zu; want at most %zu", what, size,
                             our_size);
    for (size_t i = our_size; i < size; i++) {
        if (bytes[i] != 0)
            return spotopt__fail(
                err, SPOTOPT_E_VERSION,
                "%s has a field at byte %zu that this version does not know; want 0", what, i);
    }
    memcpy(ours, theirs, size < our_size ? size : our_size);
    memcpy(ours, &our_size, sizeof our_size);
    return SPOTOPT_OK;
}
