/* SPDX-License-Identifier: Apache-2.0 */
/*
 * quantity.c - Kubernetes quantities as whole numbers.
 *
 * Follows the grammar of resource.Quantity: a signed decimal, then a binary suffix (Ki .. Ei), a decimal one
 * (n u m k M G T P E) or an exponent (e3, E-2). Nineteen digits are kept exactly, which is beyond
 * SPOTOPT__AMOUNT_MAX by three orders; fractions of the unit round away from zero, as Quantity.Value() and
 * Quantity.MilliValue() do. Needs no memory and follows no locale.
 */
#include "model/resources.h"

__extension__ typedef unsigned __int128 wide;

enum { DIGITS_KEPT = 19, EXPONENT_MOST = 100000 };

/* digits * 10^ten * 2^two, and something less than one digit more where has_rest. */
typedef struct decimal {
    uint64_t digits;
    int32_t ten, two;
    bool has_rest, is_negative;
} decimal;

/* Reads the digits before and behind the point. False: not a single one. */
static bool
read_digits(const char **text, decimal *out)
{
    const char *at = *text;
    int kept = 0;
    bool any = false, behind = false;

    for (;; at++) {
        if (*at == '.' && !behind) {
            behind = true;
            continue;
        }
        if (*at < '0' || *at > '9')
            break;
        any = true;
        if (kept < DIGITS_KEPT) {
            out->digits = 10 * out->digits + (uint64_t)(*at - '0');
            kept += out->digits > 0; /* leading zeros are free */
            out->ten -= behind;
        } else {
            out->has_rest = out->has_rest || *at != '0';
            out->ten += !behind;
        }
        if (out->ten > EXPONENT_MOST || out->ten < -EXPONENT_MOST)
            return false; /* a number written out with 100,000 digits */
    }
    *text = at;
    return any;
}

/* What follows the digits, to the end of the text. */
static bool
read_suffix(const char *at, decimal *out)
{
    static const struct {
        char text[3];
        int8_t ten, two;
    } suffixes[] = {{"", 0, 0},   {"m", -3, 0}, {"k", 3, 0},  {"M", 6, 0},   {"G", 9, 0},
                    {"T", 12, 0}, {"P", 15, 0}, {"E", 18, 0}, {"u", -6, 0},  {"n", -9, 0},
                    {"Ki", 0, 10}, {"Mi", 0, 20}, {"Gi", 0, 30}, {"Ti", 0, 40}, {"Pi", 0, 50},
                    {"Ei", 0, 60}};
    int32_t exponent = 0;
    bool is_less;

    for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes; i++) {
        if (strcmp(at, suffixes[i].text) == 0) {
            out->ten += suffixes[i].ten;
            out->two = suffixes[i].two;
            return true;
        }
    }
    if (*at != 'e' && *at != 'E')
        return false;
    at++;
    is_less = *at == '-';
    if (*at == '-' || *at == '+')
        at++;
    if (*at == '\0')
        return false;
    for (; *at != '\0'; at++) {
        if (*at < '0' || *at > '9')
            return false;
        if (exponent < EXPONENT_MOST)
            exponent = 10 * exponent + (*at - '0');
    }
    out->ten += is_less ? -exponent : exponent;
    return true;
}

static int64_t
round_up(const decimal *from)
{
    wide value = from->digits;
    bool has_rest = from->has_rest;
    int32_t ten = from->ten;

    if (value == 0)
        return has_rest ? 1 : 0;
    for (; ten > 0; ten--) {
        if (value > (wide)SPOTOPT__AMOUNT_MAX)
            return SPOTOPT__AMOUNT_MAX;
        value *= 10;
    }
    value <<= from->two; /* 19 digits take 64 bits, the shift at most 60 */
    for (; ten < 0 && value > 0; ten++) {
        has_rest = has_rest || value % 10 != 0;
        value /= 10;
    }
    if (has_rest)
        value++;
    return value > (wide)SPOTOPT__AMOUNT_MAX ? SPOTOPT__AMOUNT_MAX : (int64_t)value;
}

bool
spotopt__parse_quantity(const char *text, bool milli, int64_t *out)
{
    decimal read = {0};

    if (*text == '-' || *text == '+') {
        read.is_negative = *text == '-';
        text++;
    }
    if (!read_digits(&text, &read) || !read_suffix(text, &read))
        return false;
    if (milli)
        read.ten += 3;
    *out = read.is_negative ? -round_up(&read) : round_up(&read);
    return true;
}
