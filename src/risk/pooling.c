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

/*
 * Concentration of a depth's children around their parents, whose means are those of a first pass.
 * Each parent's mean was made of its children, which takes one from their number; lone ones say
 * nothing.
 */
static double
concentration_at(const spotopt__pooled *nodes, const uint32_t *children, size_t count,
                 uint32_t depth, double dispersion, spotopt__cell *cells)
{
    double parents = 0.0;
    size_t n = 0;

    for (size_t i = 0; i < count; i++) {
        const spotopt__pooled *p = &nodes[i];
        parents += p->depth + 1 == depth && children[i] > 1;
        if (p->depth == depth && depth > 0 && p->hours > 0.0 && children[p->parent] > 1)
            cells[n++] = (spotopt__cell){p->events / dispersion,
                                         p->hours / dispersion * nodes[p->parent].mean, 1.0};
    }
    double c =
        spotopt__alpha_fit(cells, n, 1.0, CONCENTRATION, CONCENTRATION_SD, CONCENTRATION_MAX);
    return n > 0 ? c * fmax(1.0 - parents / (double)n, 0.1) : c;
}

/*
 * Hierarchical credibility (Jewell 1975): a node's own estimate is the mean of its children's,
 * weighed by their credibility, that of a leaf is its ratio; from the root down each mean is its
 * own estimate and its parent's mean in the ratio of its credibility. A lone child's data thus
 * count once, not again at every level.
 */
static void
credit(spotopt__pooled *nodes, size_t count, double root_mean, double root_pull,
       const double *concentration, double dispersion, double *sums, double *weights)
{
    for (size_t i = count; i-- > 0;) {
        const spotopt__pooled *p = &nodes[i];
        double credibility, own;

        if (weights[i] > 0.0) { /* it has children */
            own = sums[i] / weights[i];
            credibility = p->depth == 0
                              ? weights[i] / (weights[i] + root_pull)
                              : weights[i] / (weights[i] + concentration[p->depth] /
                                                               concentration[p->depth + 1]);
        } else {
            /* Noise as of the root at least: a parent of which no event was seen is no proof of a
             * parent without any. */
            double expected =
                i > 0 ? p->hours / dispersion * fmax(nodes[p->parent].mean, nodes[0].mean) : 0.0;
            own = p->hours > 0.0 ? p->events / p->hours : 0.0;
            credibility = expected / (expected + concentration[p->depth]);
        }
        if (i > 0) {
            sums[p->parent] += credibility * own;
            weights[p->parent] += credibility;
        }
        sums[i] = own;
        weights[i] = credibility;
    }
    for (size_t i = 0; i < count; i++) {
        double around = i == 0 ? root_mean : nodes[nodes[i].parent].mean;
        nodes[i].mean = within_bounds(weights[i] * sums[i] + (1.0 - weights[i]) * around);
    }
    /* A gamma rate around the parent's, given its events; and what is not known of the parent's. */
    for (size_t i = 0; i < count; i++) {
        const double seen = nodes[i].events / dispersion;

        if (i == 0) {
            nodes[i].spread = 1.0 / (1.0 + seen);
            continue;
        }
        const double c = concentration[nodes[i].depth], left = c / (c + seen);
        nodes[i].spread = 1.0 / (c + seen) + left * left * nodes[nodes[i].parent].spread;
    }
}

bool
spotopt__pool_rates(spotopt_context *context, spotopt__pooled *nodes, size_t count,
                    double root_mean, double root_pull, double dispersion,
                    double concentration[SPOTOPT__POOLED_DEPTHS])
{
    spotopt__cell *cells = spotopt__alloc_array(context, count + 1, sizeof *cells);
    uint32_t *children = spotopt__alloc_array(context, count + 1, sizeof *children);
    double *sums = spotopt__alloc_array(context, 2 * count + 1, sizeof *sums);
    bool is_fine = cells != NULL && children != NULL && sums != NULL;

    for (size_t i = is_fine ? count : 0; i-- > 1;) { /* parents come before their children */
        nodes[nodes[i].parent].events += nodes[i].events;
        nodes[nodes[i].parent].hours += nodes[i].hours;
        children[nodes[i].parent] += nodes[i].hours > 0.0;
    }
    if (is_fine && count > 0) {
        concentration[0] = CONCENTRATION; /* of a root alone */
        nodes[0].mean = nodes[0].hours > 0.0 && nodes[0].events > 0.0
                            ? within_bounds(nodes[0].events / nodes[0].hours)
                            : root_mean;
        for (uint32_t depth = 1; depth < SPOTOPT__POOLED_DEPTHS; depth++) {
            double c = concentration_at(nodes, children, count, depth, dispersion, cells);
            concentration[depth] = c;
            for (size_t i = 1; i < count; i++) {
                spotopt__pooled *p = &nodes[i];
                if (p->depth == depth)
                    p->mean = within_bounds((c + p->events / dispersion) /
                                            (c / nodes[p->parent].mean + p->hours / dispersion));
            }
        }
        credit(nodes, count, root_mean, root_pull, concentration, dispersion, sums, sums + count);
    }
    spotopt__free(context, cells);
    spotopt__free(context, children);
    spotopt__free(context, sums);
    return is_fine;
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
