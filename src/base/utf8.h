/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SPOTOPT_BASE_UTF8_H
#define SPOTOPT_BASE_UTF8_H
#include <stddef.h>

/*
 * The length of the character at `at`, of which `left` bytes may be read: 1..4, or 0 where the
 * bytes are not UTF-8 (overlong, surrogate, beyond U+10FFFF, cut off). By the table of RFC 3629,
 * section 4.
 */
static inline size_t
spotopt__utf8_length(const unsigned char *at, size_t left)
{
    unsigned char lead, low = 0x80, high = 0xbf;
    size_t length;

    if (left == 0)
        return 0;
    lead = at[0];
    if (lead < 0x80)
        return 1;
    if (lead < 0xc2 || lead > 0xf4)
        return 0;
    length = lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
    if (left < length)
        return 0;
    if (lead == 0xe0)
        low = 0xa0;
    else if (lead == 0xed)
        high = 0x9f;
    else if (lead == 0xf0)
        low = 0x90;
    else if (lead == 0xf4)
        high = 0x8f;
    if (at[1] < low || at[1] > high)
        return 0;
    for (size_t i = 2; i < length; i++) {
        if ((at[i] & 0xc0) != 0x80)
            return 0;
    }
    return length;
}

#endif
