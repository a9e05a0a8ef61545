/* SPDX-License-Identifier: Apache-2.0 */
/*
 * number.c - numbers and times as text, the same in every locale.
 *
 * Reading checks the grammar first; short decimals are then exact products (W. Clinger, "How to
 * read floating point numbers accurately", 1990, fast case), the rest is strtod's in the C locale.
 * Writing tries 15, 16 and 17 digits until the text reads back as the same number. Days by H.
 * Hinnant, "chrono-compatible low-level date algorithms".
 */
#include <math.h>
#include <float.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/c_locale.h"
#include "base/number.h"

enum { LONGEST = 1024 };

static bool
is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* What the grammar check found: value = mantissa * 10^exponent when is_short. */
typedef struct number_shape {
    uint64_t mantissa;
    int exponent;
    bool negative, is_short;
} number_shape;

/* [-] digits without leading zeros [. digits] [e [+-] digits] */
static bool
scan_real(const char *text, size_t length, number_shape *out)
{
    size_t i = 0, start;
    int digits = 0, written = 0;
    bool negative_exponent = false;

    memset(out, 0, sizeof *out);
    if (i < length && text[i] == '-') {
        out->negative = true;
        i++;
    }
    start = i;
    for (; i < length && is_digit(text[i]); i++, digits++)
        out->mantissa =
            digits < 19 ? out->mantissa * 10 + (uint64_t)(text[i] - '0') : out->mantissa;
    if (i == start || (text[start] == '0' && i - start > 1))
        return false;
    if (i < length && text[i] == '.') {
        start = ++i;
        for (; i < length && is_digit(text[i]); i++, digits++, out->exponent--)
            out->mantissa =
                digits < 19 ? out->mantissa * 10 + (uint64_t)(text[i] - '0') : out->mantissa;
        if (i == start)
            return false;
    }
    if (i < length && (text[i] == 'e' || text[i] == 'E')) {
        i++;
        if (i < length && (text[i] == '+' || text[i] == '-'))
            negative_exponent = text[i++] == '-';
        start = i;
        for (; i < length && is_digit(text[i]); i++)
            written = written < 100000 ? written * 10 + (text[i] - '0') : written;
        if (i == start)
            return false;
        out->exponent += negative_exponent ? -written : written;
    }
    out->is_short = digits <= 19 && out->mantissa < (UINT64_C(1) << 53) && out->exponent >= -22 &&
                    out->exponent <= 22;
    return i == length;
}

/* strtod in the C locale; text need not be zero-ended. */
static double
read_slowly(const char *text, size_t length)
{
    char copy[LONGEST + 1];
    spotopt__locale was;
    double value;

    memcpy(copy, text, length);
    copy[length] = '\0';
    was = spotopt__enter_c_locale();
    value = strtod(copy, NULL);
    spotopt__leave_c_locale(was);
    return value;
}

bool
spotopt__parse_real(const char *text, size_t length, double *out)
{
    static const double power[] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                   1e8,  1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
                                   1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};
    number_shape shape;
    double value;

    if (length > LONGEST || !scan_real(text, length, &shape))
        return false;
    if (shape.is_short && FLT_EVAL_METHOD == 0) {
        value = (double)shape.mantissa;
        value = shape.exponent < 0 ? value / power[-shape.exponent] : value * power[shape.exponent];
        value = shape.negative ? -value : value;
    } else
        value = read_slowly(text, length);
    if (!isfinite(value))
        return false;
    *out = value;
    return true;
}

bool
spotopt__parse_int(const char *text, size_t length, int64_t *out)
{
    const bool negative = length > 0 && text[0] == '-';
    const uint64_t most = negative ? (uint64_t)INT64_MAX + 1 : (uint64_t)INT64_MAX;
    uint64_t value = 0;
    size_t i = negative ? 1 : 0;

    if (i == length || (text[i] == '0' && length - i > 1))
        return false;
    for (; i < length; i++) {
        const uint64_t digit = (uint64_t)(text[i] - '0');

        if (!is_digit(text[i]) || value > (most - digit) / 10)
            return false;
        value = value * 10 + digit;
    }
    *out = !negative ? (int64_t)value : value == 0 ? 0 : -(int64_t)(value - 1) - 1;
    return true;
}

size_t
spotopt__write_real(double value, char out[SPOTOPT__REAL_SIZE])
{
    spotopt__locale was;
    int digits = 15, length = 0;

    if (!isfinite(value)) {
        strcpy(out, isnan(value) ? "nan" : value < 0 ? "-inf" : "inf");
        return strlen(out);
    }
    if (fabs(value) < 1e15 && value == trunc(value) && !(value == 0.0 && signbit(value)))
        return (size_t)snprintf(out, SPOTOPT__REAL_SIZE, "%lld", (long long)value);
    if (fabs(value) < DBL_MIN)
        digits = 1; /* subnormals have fewer digits to lose */
    was = spotopt__enter_c_locale();
    for (; digits <= 17; digits++) {
        length = snprintf(out, SPOTOPT__REAL_SIZE, "%.*g", digits, value);
        if (strtod(out, NULL) == value)
            break;
    }
    spotopt__leave_c_locale(was);
    return (size_t)length;
}

size_t
spotopt__write_fixed(double value, int digits, char out[SPOTOPT__REAL_SIZE])
{
    spotopt__locale was;
    size_t length;

    if (!(fabs(value) < 1e15))
        return spotopt__write_real(value, out);
    digits = digits < 0 ? 0 : digits > 9 ? 9 : digits;
    was = spotopt__enter_c_locale();
    length = (size_t)snprintf(out, SPOTOPT__REAL_SIZE, "%.*f", digits, value);
    spotopt__leave_c_locale(was);
    if (out[0] == '-' && strspn(out + 1, "0.") == length - 1) { /* no -0.00 */
        memmove(out, out + 1, length);
        length--;
    }
    return length;
}

/* Days since 1970-01-01 of a proleptic Gregorian date. */
static int64_t
days_from_civil(int64_t year, int month, int day)
{
    int64_t era, year_of_era, day_of_year;

    year -= month <= 2;
    era = (year >= 0 ? year : year - 399) / 400;
    year_of_era = year - era * 400;
    day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    return era * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year -
           719468;
}

static void
civil_from_days(int64_t days, int64_t *year, int *month, int *day)
{
    int64_t era, of_era, year_of_era, of_year, m;

    days += 719468;
    era = (days >= 0 ? days : days - 146096) / 146097;
    of_era = days - era * 146097;
    year_of_era = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    m = (5 * of_year + 2) / 153;
    *day = (int)(of_year - (153 * m + 2) / 5 + 1);
    *month = (int)(m < 10 ? m + 3 : m - 9);
    *year = year_of_era + era * 400 + (*month <= 2);
}

/* So many digits at text as a number, or -1. */
static int
read_digits(const char *text, int count)
{
    int value = 0;

    for (int i = 0; i < count; i++) {
        if (!is_digit(text[i]))
            return -1;
        value = value * 10 + (text[i] - '0');
    }
    return value;
}

static int
days_in_month(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    const bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

    return days[month - 1] + (month == 2 && leap ? 1 : 0);
}

bool
spotopt__parse_time(const char *text, size_t length, double *out_s)
{
    int year, month, day, hour, minute, second, ms = 0, offset = 0;
    int64_t whole;
    size_t i = 19;

    if (length < 20 || text[4] != '-' || text[7] != '-' ||
        (text[10] != 'T' && text[10] != 't' && text[10] != ' ') || text[13] != ':' ||
        text[16] != ':')
        return false;
    year = read_digits(text, 4);
    month = read_digits(text + 5, 2);
    day = read_digits(text + 8, 2);
    hour = read_digits(text + 11, 2);
    minute = read_digits(text + 14, 2);
    second = read_digits(text + 17, 2); /* 60 is a leap second: the next minute's first */
    if (year < 0 || month < 1 || month > 12 || day < 1 || day > days_in_month(year, month) ||
        hour < 0 || hour > 23 || minute < 0 || minute > 59 || second < 0 || second > 60)
        return false;
    if (text[i] == '.') {
        const size_t start = ++i;

        for (int weight = 100; i < length && is_digit(text[i]); i++, weight /= 10)
            ms += weight * (text[i] - '0');
        if (i == start)
            return false;
    }
    if (length - i == 1 && (text[i] == 'Z' || text[i] == 'z'))
        offset = 0;
    else if (length - i == 6 && (text[i] == '+' || text[i] == '-') && text[i + 3] == ':') {
        const int hours = read_digits(text + i + 1, 2), minutes = read_digits(text + i + 4, 2);

        if (hours < 0 || hours > 23 || minutes < 0 || minutes > 59)
            return false;
        offset = (text[i] == '-' ? -60 : 60) * (60 * hours + minutes);
    } else
        return false;
    whole = days_from_civil(year, month, day) * 86400 + hour * 3600 + minute * 60 + second - offset;
    *out_s = ((double)whole * 1000.0 + ms) / 1000.0;
    return true;
}

void
spotopt__write_time(double s, char out[32])
{
    /* the years 0000 to 9999 */
    const double least = -62167219200.0, beyond = 253402300800.0;
    int64_t total_ms, days, ms, year;
    int month, day, length;

    if (!(s >= least && s < beyond - 0.0005)) {
        strcpy(out, "invalid");
        return;
    }
    total_ms = (int64_t)floor(s * 1000.0 + 0.5);
    days = (total_ms >= 0 ? total_ms : total_ms - 86399999) / 86400000;
    ms = total_ms - days * 86400000;
    civil_from_days(days, &year, &month, &day);
    length = snprintf(out, 32, "%04d-%02d-%02dT%02d:%02d:%02d", (int)year % 10000, month, day,
                      (int)(ms / 3600000), (int)(ms / 60000 % 60), (int)(ms / 1000 % 60));
    if (ms % 1000 != 0)
        (void)snprintf(out + length, 32 - (size_t)length, ".%03dZ", (int)(ms % 1000));
    else
        strcpy(out + length, "Z");
}
