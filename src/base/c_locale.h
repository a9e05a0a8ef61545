/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SPOTOPT_BASE_C_LOCALE_H
#define SPOTOPT_BASE_C_LOCALE_H
/*
 * The C locale for a few lines of this thread alone: spotopt__locale was =
 * spotopt__enter_c_locale(); ...; spotopt__leave_c_locale(was). The process's locale is never
 * touched. newlocale() for "C" gives a static object with glibc and musl, so it costs little and
 * cannot run out of memory.
 */
#include <locale.h>

typedef struct spotopt__locale {
    locale_t c, host;
} spotopt__locale;

static inline spotopt__locale
spotopt__enter_c_locale(void)
{
    spotopt__locale locale = {newlocale(LC_ALL_MASK, "C", (locale_t)0), (locale_t)0};

    if (locale.c != (locale_t)0)
        locale.host = uselocale(locale.c);
    return locale;
}

static inline void
spotopt__leave_c_locale(spotopt__locale locale)
{
    if (locale.c == (locale_t)0)
        return;
    (void)uselocale(locale.host);
    freelocale(locale.c);
}

#endif
