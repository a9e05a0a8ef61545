/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cron.c - schedules as crontab(5) has them and Kubernetes' controllers read them, in UTC.
 *
 * A minute is named when all five fields have it; where day and weekday are both restricted, one of
 * the two is enough. The next minute is found by skipping whole days, then hours.
 */
#include "model/cron.h"

#include <ctype.h>
#include <math.h>
#include <stddef.h>
#include <string.h>

#define DAYS_AHEAD 2930 /* eight years: a leap day may be that far */
#define NUMBER_MAX 1000

typedef struct field {
    uint32_t least, most;
    const char *names; /* three letters each, of least and what follows; or NULL */
} field;

static const field fields[] = {
    {0, 59, NULL},
    {0, 23, NULL},
    {1, 31, NULL},
    {1, 12, "janfebmaraprmayjunjulaugsepoctnovdec"},
    {0, 7, "sunmontuewedthufrisat"},
};

static bool
read_number(const char **at, const field *f, uint32_t *out)
{
    const char *c = *at;

    if (isdigit((unsigned char)*c)) {
        for (*out = 0; isdigit((unsigned char)*c); c++) {
            if (*out > NUMBER_MAX)
                return false;
            *out = 10 * *out + (uint32_t)(*c - '0');
        }
        *at = c;
        return true;
    }
    for (uint32_t k = 0; f->names != NULL && f->names[3 * k] != '\0'; k++) {
        const char *name = f->names + 3 * k;
        size_t same = 0;
        while (same < 3 && tolower((unsigned char)c[same]) == name[same])
            same++;
        if (same == 3) {
            *out = f->least + k;
            *at = c + 3;
            return true;
        }
    }
    return false;
}

/* One of the parts between commas. */
static bool
read_range(const char **at, const field *f, uint64_t *bits, bool *is_any)
{
    uint32_t first = f->least, last = f->most, step = 1;
    bool is_one = false;

    if (**at == '*' || **at == '?') {
        (*at)++;
        *is_any = true;
    } else {
        if (!read_number(at, f, &first))
            return false;
        last = first;
        is_one = true;
        if (**at == '-') {
            (*at)++;
            is_one = false;
            if (!read_number(at, f, &last))
                return false;
        }
    }
    if (**at == '/') {
        (*at)++;
        if (!isdigit((unsigned char)**at) || !read_number(at, f, &step) || step == 0)
            return false;
        last = is_one ? f->most : last;
        *is_any = *is_any && step == 1; /* as the library of Kubernetes' controllers has it */
    }
    if (first < f->least || last > f->most || first > last)
        return false;
    for (uint32_t v = first; v <= last; v += step)
        *bits |= UINT64_C(1) << v;
    return true;
}

static bool
read_field(const char **at, const field *f, uint64_t *bits, bool *is_any)
{
    *bits = 0;
    *is_any = false;
    for (;;) {
        bool any = false;
        if (!read_range(at, f, bits, &any))
            return false;
        *is_any = *is_any || any;
        if (**at != ',')
            return true;
        (*at)++;
    }
}

static const char *
written_out(const char *text)
{
    static const char *const names[][2] = {{"@hourly", "0 * * * *"},   {"@daily", "0 0 * * *"},
                                           {"@midnight", "0 0 * * *"}, {"@weekly", "0 0 * * 0"},
                                           {"@monthly", "0 0 1 * *"},  {"@yearly", "0 0 1 1 *"},
                                           {"@annually", "0 0 1 1 *"}};

    for (size_t k = 0; k < sizeof names / sizeof *names; k++) {
        if (strcmp(text, names[k][0]) == 0)
            return names[k][1];
    }
    return text;
}

bool
spotopt__cron_parse(const char *text, spotopt__cron *out)
{
    const char *at = written_out(text);
    uint64_t bits[5];
    bool any[5];

    for (size_t f = 0; f < 5; f++) {
        while (*at == ' ' || *at == '\t')
            at++;
        if (!read_field(&at, &fields[f], &bits[f], &any[f]))
            return false;
        if (*at != ' ' && *at != '\t' && *at != '\0')
            return false;
    }
    while (*at == ' ' || *at == '\t')
        at++;
    if (*at != '\0')
        return false;
    out->minutes = bits[0];
    out->hours = (uint32_t)bits[1];
    out->days = (uint32_t)bits[2];
    out->months = (uint32_t)bits[3];
    out->weekdays = (uint32_t)((bits[4] | bits[4] >> 7) & 0x7f);
    out->any_day = any[2];
    out->any_weekday = any[4];
    return true;
}

/* Day and month of a day since 1970: Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms".
 */
static void
date_of(int64_t day, uint32_t *out_month, uint32_t *out_day)
{
    int64_t z = day + 719468, era = (z >= 0 ? z : z - 146096) / 146097;
    uint32_t doe = (uint32_t)(z - era * 146097);
    uint32_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    uint32_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100), mp = (5 * doy + 2) / 153;

    *out_day = doy - (153 * mp + 2) / 5 + 1;
    *out_month = mp < 10 ? mp + 3 : mp - 9;
}

static bool
names_day(const spotopt__cron *cron, int64_t day)
{
    uint32_t month, in_month, weekday = (uint32_t)(((day + 4) % 7 + 7) % 7);
    bool is_day, is_weekday;

    date_of(day, &month, &in_month);
    is_day = (cron->days >> in_month & 1) != 0;
    is_weekday = (cron->weekdays >> weekday & 1) != 0;
    if ((cron->months >> month & 1) == 0)
        return false;
    return cron->any_day || cron->any_weekday ? is_day && is_weekday : is_day || is_weekday;
}

double
spotopt__cron_next(const spotopt__cron *cron, double after_s)
{
    int64_t minute = (int64_t)floor(after_s / 60.0) + 1, day = minute / 1440 - (minute % 1440 < 0);
    int64_t within = minute - day * 1440;

    for (int64_t d = day; d < day + DAYS_AHEAD; d++, within = 0) {
        if (!names_day(cron, d))
            continue;
        for (int64_t m = within; m < 1440; m++) {
            if ((cron->hours >> (m / 60) & 1) == 0)
                m = (m / 60 + 1) * 60 - 1;
            else if (cron->minutes >> (m % 60) & 1)
                return (double)(d * 1440 + m) * 60.0;
        }
    }
    return INFINITY;
}
