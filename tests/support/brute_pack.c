/* SPDX-License-Identifier: Apache-2.0 */
/* brute_pack.c - random toy problems, and the best packing by trying all. */
#include <string.h>

#include "toy_pack.h"

typedef struct brute {
    const toy_problem *problem;
    toy_packing packing;
    double nodes_cost;
    double best;
} brute;

static void
place(brute *b, int demand, int left, int from)
{
    const toy_problem *p = b->problem;
    const char *why;

    if (demand == p->demands) {
        double cost = toy_check(p, &b->packing, &why);
        if (cost >= 0.0 && (b->best < 0.0 || cost < b->best))
            b->best = cost;
        return;
    }
    if (left == 0) {
        b->packing.unplaced[demand] = 0;
        place(b, demand + 1, demand + 1 < p->demands ? p->count[demand + 1] : 0, 0);
        return;
    }
    for (int i = from; i < b->packing.bins; i++) {
        toy_bin *bin = &b->packing.bin[i];
        const double *capacity =
            bin->node < 0 ? p->capacity[bin->pool] : p->node_capacity[bin->node];
        bool fits = p->allowed[demand][bin->pool] ||
                    (bin->node >= 0 && p->holds[bin->node][demand] > bin->holds[demand]);
        for (int r = 0; r < TOY_RESOURCES && fits; r++) {
            double load = p->request[demand][r];
            for (int d = 0; d < p->demands; d++)
                load += p->request[d][r] * bin->holds[d];
            fits = load <= capacity[r];
        }
        if (!fits)
            continue;
        bin->holds[demand]++;
        place(b, demand, left - 1, i);
        bin->holds[demand]--;
    }
    if (p->unplaced_cost[demand] >= 0.0) {
        b->packing.unplaced[demand] = left;
        place(b, demand + 1, demand + 1 < p->demands ? p->count[demand + 1] : 0, 0);
        b->packing.unplaced[demand] = 0;
    }
}

static void
add_nodes(brute *b, int pool, int extra)
{
    const toy_problem *p = b->problem;
    int bins = b->packing.bins, most;

    if (b->best >= 0.0 && b->nodes_cost >= b->best)
        return;
    /* No problem has more than TOY_POOLS; compilers that inline this want to be told. */
    if (pool >= TOY_POOLS || pool == p->pools) {
        place(b, 0, p->count[0], 0);
        return;
    }
    most = p->max[pool] < 0 ? extra : p->max[pool];
    for (int count = 0; count <= most; count++) {
        if (count > 0) {
            toy_bin bin = {pool, -1, {0}};
            if (b->packing.bins == TOY_BINS)
                break;
            b->packing.bin[b->packing.bins++] = bin;
            b->nodes_cost += p->cost[pool];
        }
        if (count >= p->min[pool])
            add_nodes(b, pool + 1, extra);
    }
    b->nodes_cost -= (b->packing.bins - bins) * p->cost[pool];
    b->packing.bins = bins;
}

double
toy_optimum(const toy_problem *problem, int extra)
{
    brute b = {.problem = problem, .best = -1.0};

    for (int kept = (1 << problem->nodes) - 1; kept >= 0; kept--) {
        b.packing.bins = 0;
        b.nodes_cost = 0.0;
        for (int n = 0; n < problem->nodes; n++) {
            if (kept >> n & 1) {
                toy_bin bin = {problem->node_pool[n], n, {0}};
                b.packing.bin[b.packing.bins++] = bin;
                b.nodes_cost += problem->node_cost[n];
            }
        }
        add_nodes(&b, 0, extra);
    }
    return b.best;
}

static uint64_t
draw(uint64_t *state, uint64_t below)
{
    uint64_t z = *state += 0x9E3779B97F4A7C15ull;

    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ull;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBull;
    return (z ^ (z >> 31)) % below;
}

static void
random_rule(uint64_t *s, const toy_problem *p, toy_rule *rule)
{
    rule->kind = 1 + (int)draw(s, 8);
    rule->per = (int)draw(s, 4) - 2;
    rule->penalty = draw(s, 3) == 0 ? 0.25 * (double)draw(s, 8) : -1.0;
    rule->count = draw(s, 3) == 0 ? -1 : (int)draw(s, 3);
    rule->frac = 0.25 * (double)draw(s, 5);
    rule->max_skew = 1 + (int)draw(s, 2);
    rule->min_domains = (int)draw(s, 4);
    rule->has_b = draw(s, 2) == 0;
    for (int d = 0; d < p->demands; d++) {
        rule->a[d] = draw(s, 2) == 0;
        rule->b[d] = draw(s, 2) == 0 && (rule->kind != TOY_SEPARATE || !rule->a[d]);
    }
    rule->value = TOY_NONE;
    rule->of = (int)draw(s, 3) - 2;
    rule->min = rule->max = rule->min_frac = rule->max_frac = -1.0;
    if (rule->kind == TOY_SHARE) {
        rule->per = (int)draw(s, 3) - 2 == -1 ? 0 : (int)draw(s, 2);
        rule->of = draw(s, 2) == 0 ? TOY_OF_NODES : TOY_OF_COST;
        if (draw(s, 2) == 0)
            rule->value = (int)draw(s, 3);
        if (draw(s, 3) == 0)
            rule->min_frac = 0.1 * (double)draw(s, 8);
        else
            rule->max_frac = 0.1 * (double)draw(s, 11);
        if (draw(s, 6) == 0)
            rule->max_frac = 0.8;
    } else if (rule->kind == TOY_LIMIT) {
        rule->per = (int)draw(s, 2);
        rule->value = (int)draw(s, 3);
        if (draw(s, 3) == 0)
            rule->min = 1.0;
        else
            rule->max = (double)draw(s, 4) * (rule->of >= 0 ? 4.0 : 1.0);
    } else if (rule->kind == TOY_MEAN) {
        for (int k = 0; k < p->pools; k++)
            rule->values[k] = 0.1 * (double)draw(s, 5);
        if (draw(s, 4) == 0)
            rule->min = 0.1 * (double)draw(s, 4);
        else
            rule->max = 0.1 * (double)draw(s, 5);
    }
}

void
toy_random(uint64_t seed, toy_problem *p)
{
    uint64_t state = seed * 7919 + 17, *s = &state;
    int left = 5;

    memset(p, 0, sizeof *p);
    p->pools = 1 + (int)draw(s, TOY_POOLS);
    p->demands = 1 + (int)draw(s, TOY_DEMANDS);
    p->nodes = (int)draw(s, 5) - 2;
    p->nodes = p->nodes < 0 ? 0 : p->nodes;
    for (int k = 0; k < p->pools; k++) {
        for (int r = 0; r < TOY_RESOURCES; r++)
            p->capacity[k][r] = draw(s, 12) == 0 ? 0.0 : 2.0 + (double)draw(s, 7);
        p->cost[k] = draw(s, 3) == 0 ? (double)draw(s, 6) : 0.5 + 0.35 * (double)draw(s, 9);
        p->max[k] = draw(s, 5) == 0 ? -1 : (int)draw(s, 4) - (p->pools == 3);
        p->max[k] = p->max[k] < -1 ? -1 : p->max[k];
        p->min[k] = draw(s, 10) == 0 && p->max[k] > 0 ? 1 : 0;
        p->label[k][0] = draw(s, 6) == 0 ? TOY_NONE : (int)draw(s, 3);
        p->label[k][1] = draw(s, 4) == 0 ? TOY_NONE : (int)draw(s, 2);
    }
    for (int d = 0; d < p->demands; d++) {
        bool any = false, all = draw(s, 3) > 0;
        p->count[d] = (int)draw(s, 4);
        p->count[d] = p->count[d] > left ? left : p->count[d];
        left -= p->count[d];
        for (int r = 0; r < TOY_RESOURCES; r++)
            p->request[d][r] = (double)draw(s, 5);
        p->move_cost[d] = draw(s, 2) == 0 ? 0.25 * (double)draw(s, 6) : 0.0;
        p->unplaced_cost[d] = draw(s, 3) == 0 ? 0.5 * (double)draw(s, 8) : -1.0;
        for (int k = 0; k < p->pools; k++) {
            p->allowed[d][k] = all || draw(s, 2) == 0;
            any = any || p->allowed[d][k];
        }
        if (!any)
            p->allowed[d][0] = true;
    }
    for (int n = 0; n < p->nodes; n++) {
        int k = (int)draw(s, (uint64_t)p->pools);
        double room[TOY_RESOURCES];
        p->node_pool[n] = k;
        p->node_cost[n] = draw(s, 2) == 0 ? p->cost[k] : 0.5 * (double)draw(s, 7);
        for (int r = 0; r < TOY_RESOURCES; r++)
            room[r] = p->node_capacity[n][r] =
                p->capacity[k][r] +
                (draw(s, 3) == 0 ? -(double)draw(s, 2) * (p->capacity[k][r] > 1.0) : 0.0);
        for (int d = 0; d < p->demands; d++) {
            for (int tries = (int)draw(s, 3); tries > 0; tries--) {
                if (p->request[d][0] <= room[0] && p->request[d][1] <= room[1]) {
                    room[0] -= p->request[d][0];
                    room[1] -= p->request[d][1];
                    p->holds[n][d]++;
                }
            }
            if (p->holds[n][d] > 0 && draw(s, 6) == 0)
                p->fixed[n][d] = 1;
        }
    }
    p->rules = (int)draw(s, TOY_RULES + 1);
    for (int r = 0; r < p->rules; r++)
        random_rule(s, p, &p->rule[r]);
}
