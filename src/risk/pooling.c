/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pooling.c - sparse pools lean on their siblings, and vendor's classes on what was seen of them.
 *
 * Rates of children are gamma distributed around their parent's, with a shape c common to a level.
 * Given a parent's rate, a child's events are then negative binomial, and c maximises that
 * likelihood over all children of the level (empirical Bayes; Gaver and O'Muircheartaigh 1987).
 * From the root down, a child's mean is (c + events) / (c / parent + hours): that of its parent
 * while little was seen, its own ratio once much was. A level whose children are alike gets a large
 * c and is pooled, one whose children differ a small one and is not. Events of a day come together,
 * so events and hours are divided by the variance they have over their mean.
 *
 * The classes of the advisor are ordered, their rates only believed: ln rate of a class is trust
 * times the believed, corrected by a gamma factor from the events of its pools, and neighbours out
 * of order are set to their weighted mean (pool adjacent violators; Ayer and others 1955).
 */
#include "risk/pooling.h"

#define CONCENTRATION 2.0 /* before any child is seen: children differ by a factor of two or so */
#define CONCENTRATION_SD 1.5
#define CONCENTRATION_MAX 2000.0
#define CLASS_EVENTS 10.0 /* that speak for the believed rate of a class */

static double
within_bounds(double rate)
{
    return rate < SPOTOPT__RATE_MIN   ? SPOTOPT__RATE_MIN
           : rate > SPOTOPT__RATE_MAX ? SPOTOPT__RATE_MAX
                                      : rate;
}

double
spotopt__dispersion(const spotopt__cell *cells, size_t count, const spotopt__prior *prior)
{
    double expected = 0.0, squared = 0.0;

    for (size_t i = 0; i < count; i++) {
        double mean = prior->mean * cells[i].hours;
        expected += cells[i].weight * mean;
        squared += cells[i].weight * mean * mean;
    }
    return expected > 0.0 ? 1.0 + squared / (prior->alpha * expected) : 1.0;
}

bool
spotopt__pool_rates(spotopt_context *context, spotopt__pooled *nodes, size_t count,
                    double root_mean, double root_pull, double dispersion,
                    double concentration[SPOTOPT__POOLED_DEPTHS])
{
    spotopt__cell *cells;
    uint32_t deepest = 0;

    if (count == 0)
        return true;
    cells = spotopt__alloc_array(context, count, sizeof *cells);
    if (cells == NULL)
        return false;
    for (size_t i = count; i-- > 1;) { /* parents come before their children */
        nodes[nodes[i].parent].events += nodes[i].events;
        nodes[nodes[i].parent].hours += nodes[i].hours;
        deepest = nodes[i].depth > deepest ? nodes[i].depth : deepest;
    }
    nodes[0].mean = within_bounds((root_pull + nodes[0].events / dispersion) /
                                  (root_pull / root_mean + nodes[0].hours / dispersion));
    concentration[0] = root_pull;
    for (uint32_t depth = 1; depth <= deepest && depth < SPOTOPT__POOLED_DEPTHS; depth++) {
        size_t n = 0;

        for (size_t i = 1; i < count; i++) {
            const spotopt__pooled *p = &nodes[i];
            if (p->depth == depth && p->hours > 0.0)
                cells[n++] = (spotopt__cell){p->events / dispersion,
                                             p->hours / dispersion * nodes[p->parent].mean, 1.0};
        }
        double c =
            spotopt__alpha_fit(cells, n, 1.0, CONCENTRATION, CONCENTRATION_SD, CONCENTRATION_MAX);
        concentration[depth] = c;
        for (size_t i = 1; i < count; i++) {
            spotopt__pooled *p = &nodes[i];
            if (p->depth == depth)
                p->mean = within_bounds((c + p->events / dispersion) /
                                        (c / nodes[p->parent].mean + p->hours / dispersion));
        }
    }
    spotopt__free(context, cells);
    return true;
}

void
spotopt__bucket_offsets(const double events[SPOTOPT__BUCKETS], const double hours[SPOTOPT__BUCKETS],
                        double dispersion, double trust, double out[SPOTOPT__BUCKETS])
{
    double believed[SPOTOPT__BUCKETS], weight[SPOTOPT__BUCKETS], seen = 0.0, expected = 0.0;
    int size[SPOTOPT__BUCKETS], blocks = 0, at = 0;

    for (int b = 0; b < SPOTOPT__BUCKETS; b++) {
        believed[b] = trust * log(spotopt__bucket_rate(b) / spotopt__bucket_rate(-1));
        seen += events[b];
        expected += hours[b] * exp(believed[b]);
    }
    for (int b = 0; b < SPOTOPT__BUCKETS; b++) {
        /* A level for all that makes expected events as many as seen, so that only ratios count. */
        double wanted = expected > 0.0 ? seen / expected * hours[b] * exp(believed[b]) : 0.0;
        double factor =
            (CLASS_EVENTS + events[b] / dispersion) / (CLASS_EVENTS + wanted / dispersion);

        out[b] = believed[b] + log(factor);
        weight[b] = CLASS_EVENTS + wanted / dispersion;
    }
    for (int b = 0; b < SPOTOPT__BUCKETS; b++) { /* out and weight become those of blocks */
        out[blocks] = out[b];
        weight[blocks] = weight[b];
        size[blocks++] = 1;
        while (blocks > 1 && out[blocks - 2] > out[blocks - 1]) {
            double sum = weight[blocks - 2] + weight[blocks - 1];
            out[blocks - 2] =
                (weight[blocks - 2] * out[blocks - 2] + weight[blocks - 1] * out[blocks - 1]) / sum;
            weight[blocks - 2] = sum;
            size[blocks - 2] += size[blocks - 1];
            blocks--;
        }
    }
    for (int k = 0; k < blocks; k++)
        for (int i = 0; i < size[k]; i++)
            believed[at++] = out[k];
    memcpy(out, believed, sizeof believed);
}
