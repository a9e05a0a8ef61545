/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SPOTOPT_MODEL_CRON_H
#define SPOTOPT_MODEL_CRON_H
#include <stdbool.h>
#include <stdint.h>

/* The minutes that a schedule names, in UTC. A bit a value. */
typedef struct spotopt__cron {
    uint64_t minutes;
    uint32_t hours, days, months, weekdays; /* days 1..31, months 1..12, Sunday is 0 */
    bool any_day, any_weekday;              /* said "*": the other one alone decides */
} spotopt__cron;

/*
 * Five fields (minute hour day month weekday) of numbers, names, ranges, lists and steps, or @hourly, @daily,
 * @midnight, @weekly, @monthly, @yearly, @annually. False: it is no such thing.
 */
bool spotopt__cron_parse(const char *text, spotopt__cron *out);
/* The first minute after after_s (seconds since 1970), as seconds; INFINITY: none in eight years. */
double spotopt__cron_next(const spotopt__cron *cron, double after_s);

#endif
