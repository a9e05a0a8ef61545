/* SPDX-License-Identifier: Apache-2.0 */
/*
 * text.c - texts that grow, and numbers as people read them.
 *
 * The program never calls setlocale(), so printf writes numbers in the C locale wherever it runs.
 */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "text.h"

static void
text_reserve(text *t, size_t more)
{
    size_t room = t->room ? t->room : 256;

    while (room - t->length <= more)
        room *= 2;
    if (room != t->room)
        t->at = need(t->at, room);
    t->room = room;
}

void
text_free(text *t)
{
    free(t->at);
    *t = (text){0};
}

void
text_add_n(text *t, const char *s, size_t n)
{
    text_reserve(t, n);
    memcpy(t->at + t->length, s, n);
    t->length += n;
    t->at[t->length] = '\0';
}

void
text_add(text *t, const char *s)
{
    text_add_n(t, s, strlen(s));
}

void
text_addf(text *t, const char *format, ...)
{
    va_list args, again;
    int n;

    va_start(args, format);
    va_copy(again, args);
    n = vsnprintf(NULL, 0, format, args);
    if (n > 0) {
        text_reserve(t, (size_t)n);
        vsnprintf(t->at + t->length, (size_t)n + 1, format, again);
        t->length += (size_t)n;
    }
    va_end(again);
    va_end(args);
}

int
fit(char *out, size_t size, const char *format, ...)
{
    va_list args;
    int n;

    va_start(args, format);
    n = vsnprintf(out, size, format, args);
    va_end(args);
    return n;
}

size_t
utf8_length(const char *s)
{
    const unsigned char *u = (const unsigned char *)s;

    if (u[0] < 0x80)
        return u[0] != 0;
    if (u[0] >= 0xC2 && u[0] <= 0xDF)
        return (u[1] & 0xC0) == 0x80 ? 2 : 0;
    if (u[0] >= 0xE0 && u[0] <= 0xEF) {
        if ((u[1] & 0xC0) != 0x80 || (u[2] & 0xC0) != 0x80 || (u[0] == 0xE0 && u[1] < 0xA0) ||
            (u[0] == 0xED && u[1] > 0x9F))
            return 0;
        return 3;
    }
    if (u[0] >= 0xF0 && u[0] <= 0xF4) {
        if ((u[1] & 0xC0) != 0x80 || (u[2] & 0xC0) != 0x80 || (u[3] & 0xC0) != 0x80 ||
            (u[0] == 0xF0 && u[1] < 0x90) || (u[0] == 0xF4 && u[1] > 0x8F))
            return 0;
        return 4;
    }
    return 0;
}

void
text_add_clean(text *t, const char *s, bool utf8)
{
    while (*s != '\0') {
        const size_t n = utf8_length(s);
        const unsigned char c = (unsigned char)*s;
        /* C1 controls are U+0080..U+009F: some terminals obey them too. */
        const bool is_control = c < 0x20 || c == 0x7F || (c == 0xC2 && (unsigned char)s[1] < 0xA0);

        if (n == 0 || is_control || (n > 1 && !utf8))
            text_add(t, utf8 ? "\xEF\xBF\xBD" : "?");
        else
            text_add_n(t, s, n);
        s += n ? n : 1;
    }
}

size_t
text_width(const char *s)
{
    size_t width = 0;

    for (; *s != '\0'; s++)
        width += ((unsigned char)*s & 0xC0) != 0x80;
    return width;
}

/* "1234567.5" -> "1,234,567.5", in place. */
static void
group_thousands(char *digits, size_t size)
{
    const size_t start = digits[0] == '-';
    size_t whole = strcspn(digits, "."), length = strlen(digits);

    while (whole > start + 3 && length + 2 < size) {
        whole -= 3;
        memmove(digits + whole + 1, digits + whole, length - whole + 1);
        digits[whole] = ',';
        length++;
    }
}

figure
show_real(double v, int decimals)
{
    figure w = {"-"};

    if (isnan(v))
        return w;
    if (isinf(v) || fabs(v) > 1e15)
        snprintf(w.at, sizeof w.at, "%.3g", v);
    else {
        snprintf(w.at, sizeof w.at, "%.*f", decimals, v);
        if (strspn(w.at, "-0.") == strlen(w.at) && w.at[0] == '-')
            memmove(w.at, w.at + 1, strlen(w.at)); /* no "-0.00" */
        group_thousands(w.at, sizeof w.at);
    }
    return w;
}

figure
show_count(double n)
{
    return show_real(n, 0);
}

figure
show_usd(double usd, int decimals)
{
    /* Cents say nothing of a fleet of a few small nodes. */
    if (decimals == 2 && fabs(usd) > 0.0 && fabs(usd) < 0.1)
        decimals = 4;
    figure number = show_real(fabs(usd), decimals), w = {"-"};

    if (!isnan(usd))
        snprintf(w.at, sizeof w.at, "%s$%.40s", usd < 0 ? "-" : "", number.at);
    return w;
}

figure
show_price(double usd)
{
    return show_usd(usd, 4);
}

figure
show_percent(double frac, int decimals)
{
    figure number = show_real(100.0 * frac, decimals), w = {"-"};

    if (!isnan(frac))
        snprintf(w.at, sizeof w.at, "%.40s %%", number.at);
    return w;
}

figure
show_chance(double p)
{
    const double percent = 100.0 * p;

    if (percent > 0.0 && percent < 0.01)
        return (figure){"<0.01 %"};
    return show_percent(p, percent == 0.0 ? 0 : percent < 0.1 ? 2 : percent < 9.95 ? 1 : 0);
}

figure
show_seconds(double s)
{
    figure w = {"-"};
    long whole;

    if (isnan(s) || s < 0.0 || s > 1e9)
        return w;
    whole = lround(s);
    if (s > 0.0 && s < 10.0 && s != floor(s))
        snprintf(w.at, sizeof w.at, "%.2f s", s);
    else if (whole < 60)
        snprintf(w.at, sizeof w.at, "%ld s", whole);
    else if (whole < 3600)
        snprintf(w.at, sizeof w.at, "%ld:%02ld min", whole / 60, whole % 60);
    else
        snprintf(w.at, sizeof w.at, "%ld:%02ld:%02ld h", whole / 3600, whole / 60 % 60, whole % 60);
    return w;
}
