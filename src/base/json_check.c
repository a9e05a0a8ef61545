/* SPDX-License-Identifier: Apache-2.0 */
/*
 * json_check.c - the strict scan that every JSON text passes before anything else sees it.
 *
 * RFC 8259 to the letter, in one pass without recursion or memory: a bit per level tells objects
 * from arrays, so that deep nesting is refused at the 65th bracket. Two things beyond the RFC are
 * refused because what comes after cannot carry them: \u0000, and numbers of more than 60
 * characters. A byte order mark in front is skipped. Line and column are counted only when there is
 * something to report.
 */
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/utf8.h"

enum { LONGEST_NUMBER = 60 };

typedef struct json_scan {
    const unsigned char *text, *at, *end;
    const unsigned char *bad; /* where, once something is wrong */
    const char *wrong;        /* "what; want ..." */
} json_scan;

static bool
refuse(json_scan *scan, const unsigned char *where, const char *wrong)
{
    scan->bad = where;
    scan->wrong = wrong;
    return false;
}

static void
skip_blanks(json_scan *scan)
{
    while (scan->at < scan->end &&
           (*scan->at == ' ' || *scan->at == '\n' || *scan->at == '\t' || *scan->at == '\r'))
        scan->at++;
}

/* Four hexadecimal digits as a number, or -1. */
static int
read_hex4(const unsigned char *at, const unsigned char *end)
{
    int value = 0;

    if (end - at < 4)
        return -1;
    for (int i = 0; i < 4; i++) {
        const unsigned char c = at[i];

        if (c >= '0' && c <= '9')
            value = value * 16 + (c - '0');
        else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
            value = value * 16 + ((c | 0x20) - 'a' + 10);
        else
            return -1;
    }
    return value;
}

/* The backslash is at scan->at. */
static bool
scan_escape(json_scan *scan)
{
    const unsigned char *start = scan->at++;
    int unit;

    if (scan->at == scan->end)
        return refuse(scan, start, "the text ends inside a string; want a closing quote");
    if (*scan->at != 'u') {
        if (*scan->at == '\0' || strchr("\"\\/bfnrt", *scan->at) == NULL)
            return refuse(scan, start,
                          "unknown escape; want one of \\\" \\\\ \\/ \\b \\f \\n \\r \\t \\u");
        scan->at++;
        return true;
    }
    unit = read_hex4(scan->at + 1, scan->end);
    if (unit < 0)
        return refuse(scan, start, "bad \\u escape; want four hexadecimal digits");
    if (unit == 0)
        return refuse(scan, start, "\\u0000 in a string; want text without zero characters");
    scan->at += 5;
    if (unit < 0xd800 || unit > 0xdfff)
        return true;
    if (unit >= 0xdc00 || scan->end - scan->at < 6 || scan->at[0] != '\\' || scan->at[1] != 'u')
        return refuse(scan, start, "half a surrogate pair; want both halves");
    unit = read_hex4(scan->at + 2, scan->end);
    if (unit < 0xdc00 || unit > 0xdfff)
        return refuse(scan, start, "half a surrogate pair; want both halves");
    scan->at += 6;
    return true;
}

/* The opening quote is at scan->at. */
static bool
scan_string(json_scan *scan)
{
    const unsigned char *start = scan->at++;

    while (scan->at < scan->end && *scan->at != '"') {
        size_t length;

        if (*scan->at == '\\') {
            if (!scan_escape(scan))
                return false;
            continue;
        }
        if (*scan->at < 0x20)
            return refuse(scan, scan->at, "control character in a string; want it escaped");
        length = spotopt__utf8_length(scan->at, (size_t)(scan->end - scan->at));
        if (length == 0)
            return refuse(scan, scan->at, "bytes that are not UTF-8; want UTF-8");
        scan->at += length;
    }
    if (scan->at == scan->end)
        return refuse(scan, start, "the text ends inside a string; want a closing quote");
    scan->at++;
    return true;
}

static const unsigned char *
skip_digits(const unsigned char *at, const unsigned char *end)
{
    while (at < end && *at >= '0' && *at <= '9')
        at++;
    return at;
}

static bool
scan_number(json_scan *scan)
{
    const unsigned char *start = scan->at, *end = scan->end, *at = start, *digits;

    if (*at == '-')
        at++;
    digits = at;
    at = skip_digits(at, end);
    if (at == digits)
        return refuse(scan, start, "a minus alone; want a number");
    if (*digits == '0' && at - digits > 1)
        return refuse(scan, start, "leading zero in a number; want none");
    if (at < end && *at == '.') {
        digits = ++at;
        at = skip_digits(at, end);
        if (at == digits)
            return refuse(scan, start, "no digit after the decimal point; want at least one");
    }
    if (at < end && (*at == 'e' || *at == 'E')) {
        at++;
        if (at < end && (*at == '+' || *at == '-'))
            at++;
        digits = at;
        at = skip_digits(at, end);
        if (at == digits)
            return refuse(scan, start, "no digit in an exponent; want at least one");
    }
    if (at - start > LONGEST_NUMBER)
        return refuse(scan, start, "a number of more than 60 characters; want a shorter one");
    scan->at = at;
    return true;
}

static bool
scan_word(json_scan *scan, const char *word)
{
    const size_t length = strlen(word);

    if ((size_t)(scan->end - scan->at) < length || memcmp(scan->at, word, length) != 0)
        return refuse(scan, scan->at, "unknown word; want true, false, null, a number or a quote");
    scan->at += length;
    return true;
}

static bool
scan_scalar(json_scan *scan)
{
    if (scan->at == scan->end)
        return refuse(scan, scan->at, "the text ends here; want a value");
    switch (*scan->at) {
    case '"':
        return scan_string(scan);
    case 't':
        return scan_word(scan, "true");
    case 'f':
        return scan_word(scan, "false");
    case 'n':
        return scan_word(scan, "null");
    case '-':
    case '0':
    case '1':
    case '2':
    case '3':
    case '4':
    case '5':
    case '6':
    case '7':
    case '8':
    case '9':
        return scan_number(scan);
    default:
        return refuse(scan, scan->at, "unexpected character; want a value");
    }
}

/* "key" : */
static bool
scan_key(json_scan *scan)
{
    skip_blanks(scan);
    if (scan->at == scan->end || *scan->at != '"')
        return refuse(scan, scan->at, "no key here; want a quoted key");
    if (!scan_string(scan))
        return false;
    skip_blanks(scan);
    if (scan->at == scan->end || *scan->at != ':')
        return refuse(scan, scan->at, "no colon after the key; want one");
    scan->at++;
    return true;
}

/* Everything, with the levels in the bits of is_object. */
static bool
scan_document(json_scan *scan)
{
    uint64_t is_object = 0; /* bit 0: the innermost level */
    int depth = 0;

    for (;;) {
        bool opened = false;

        skip_blanks(scan);
        if (scan->at < scan->end && (*scan->at == '{' || *scan->at == '[')) {
            if (depth == SPOTOPT__JSON_DEPTH)
                return refuse(scan, scan->at, "nested deeper than 64 levels; want at most 64");
            is_object = is_object << 1 | (*scan->at++ == '{');
            depth++;
            opened = true;
        } else if (!scan_scalar(scan))
            return false;

        /* a value is complete, or a container was opened: on to the next value's start */
        for (;;) {
            skip_blanks(scan);
            if (depth == 0) {
                if (scan->at < scan->end)
                    return refuse(scan, scan->at, "text after the document; want nothing");
                return true;
            }
            if (scan->at < scan->end && *scan->at == ((is_object & 1) != 0 ? '}' : ']')) {
                scan->at++;
                is_object >>= 1;
                depth--;
                opened = false;
                continue;
            }
            if (!opened) {
                if (scan->at == scan->end || *scan->at != ',')
                    return refuse(scan, scan->at,
                                  (is_object & 1) != 0 ? "no comma here; want , or }"
                                                       : "no comma here; want , or ]");
                scan->at++;
            }
            if ((is_object & 1) != 0 && !scan_key(scan))
                return false;
            break;
        }
    }
}

spotopt_status
spotopt__json_check(const char *text, size_t length, const char *name, spotopt_error *err)
{
    json_scan scan = {(const unsigned char *)text, (const unsigned char *)text, NULL, NULL, NULL};
    size_t line = 1, column = 1;

    scan.end = scan.text + length;
    if (length >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0)
        scan.at = scan.text += 3;
    if (scan_document(&scan))
        return SPOTOPT_OK;
    for (const unsigned char *at = scan.text; at < scan.bad; at++) {
        if (*at == '\n') {
            line++;
            column = 1;
        } else if ((*at & 0xc0) != 0x80)
            column++;
    }
    return spotopt__fail(err, SPOTOPT_E_INPUT, "%s:%zu:%zu: %s", name, line, column, scan.wrong);
}
