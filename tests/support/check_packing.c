/* SPDX-License-Identifier: Apache-2.0 */
/* check_packing.c - judges toy packings by the words of the contract. Shares no line with src/pack.
 */
#include <math.h>
#include <string.h>

#include "toy_pack.h"

/* Domain numbers: values 0..3, then 10 + pool for pools without the label; for pools themselves 20
 * + pool. */
static int
domain(const toy_problem *p, int pool, int key)
{
    if (key == TOY_POOL)
        return 20 + pool;
    return p->label[pool][key] == TOY_NONE ? 10 + pool : p->label[pool][key];
}

static bool
is_labelled(int where)
{
    return where < 10 || where >= 20;
}

static int
sum_listed(const bool *list, const int *holds, int demands)
{
    int total = 0;

    for (int d = 0; d < demands; d++)
        total += list[d] ? holds[d] : 0;
    return total;
}

static int
over(int x, int limit)
{
    return x > limit ? x - limit : 0;
}

static int
max_int(int x, int y)
{
    return x > y ? x : y;
}

static int
min_int(int x, int y)
{
    return x < y ? x : y;
}

static int
count_broken(const toy_problem *p, const toy_packing *packing, const toy_rule *rule,
             const char **why)
{
    const bool *other = rule->kind == TOY_SPREAD && !rule->has_b ? rule->a : rule->b;
    int a[32] = {0}, b[32] = {0}, a0[32] = {0}, b0[32] = {0}, broken = 0, total = 0, most = 0,
        used = 0, limit = 0;
    bool is_domain[32] = {false};
    int least = 0;

    if (rule->kind == TOY_AT_MOST) {
        limit = rule->count >= 0
                    ? rule->count
                    : (int)floor(rule->frac * sum_listed(rule->a, p->count, p->demands) + 1e-9);
    }
    if (rule->per == TOY_NODE) {
        for (int i = 0; i < packing->bins; i++) {
            const toy_bin *bin = &packing->bin[i];
            int x = sum_listed(rule->a, bin->holds, p->demands),
                y = sum_listed(other, bin->holds, p->demands);
            int x0 = bin->node < 0 ? 0 : sum_listed(rule->a, p->holds[bin->node], p->demands);
            int y0 = bin->node < 0 ? 0 : sum_listed(other, p->holds[bin->node], p->demands);
            switch (rule->kind) {
            case TOY_AT_MOST:
                broken += over(x, max_int(limit, x0));
                break;
            case TOY_SEPARATE:
                broken += over(min_int(x, y), min_int(x0, y0));
                break;
            case TOY_NEAR:
                broken += y == 0 ? x : 0;
                break;
            case TOY_SPREAD:
                broken += y > 0 ? over(x, max_int(rule->max_skew, x0)) : 0;
                break;
            default:
                total += x;
                most = max_int(most, x);
                used += x > 0;
                break;
            }
        }
        return rule->kind == TOY_TOGETHER && used > 1 ? total - most : broken;
    }
    for (int i = 0; i < packing->bins; i++) {
        int where = domain(p, packing->bin[i].pool, rule->per);
        a[where] += sum_listed(rule->a, packing->bin[i].holds, p->demands);
        b[where] += sum_listed(other, packing->bin[i].holds, p->demands);
    }
    for (int n = 0; n < p->nodes; n++) {
        int where = domain(p, p->node_pool[n], rule->per);
        a0[where] += sum_listed(rule->a, p->holds[n], p->demands);
        b0[where] += sum_listed(other, p->holds[n], p->demands);
        is_domain[where] = is_labelled(where);
    }
    if (rule->kind == TOY_SPREAD) {
        int domains = 0;
        for (int pool = 0; pool < p->pools; pool++) {
            int where = domain(p, pool, rule->per);
            for (int d = 0; d < p->demands; d++) {
                if (is_labelled(where) && other[d] && p->max[pool] != 0 && p->allowed[d][pool] &&
                    p->request[d][0] <= p->capacity[pool][0] &&
                    p->request[d][1] <= p->capacity[pool][1])
                    is_domain[where] = true;
            }
        }
        least = 1000000;
        for (int w = 0; w < 32; w++) {
            if (is_domain[w]) {
                domains++;
                least = min_int(least, a[w]);
            }
        }
        if (domains == 0 || domains < rule->min_domains)
            least = 0;
    }
    for (int w = 0; w < 32; w++) {
        if ((rule->kind == TOY_NEAR || rule->kind == TOY_TOGETHER) && a[w] > 0 && !is_labelled(w))
            *why = "no label";
        if (rule->kind == TOY_SPREAD && b[w] > 0 && !is_domain[w])
            *why = "no domain";
        switch (rule->kind) {
        case TOY_AT_MOST:
            broken += over(a[w], max_int(limit, a0[w]));
            break;
        case TOY_SEPARATE:
            broken += over(min_int(a[w], b[w]), min_int(a0[w], b0[w]));
            break;
        case TOY_NEAR:
            broken += b[w] == 0 ? a[w] : 0;
            break;
        case TOY_SPREAD:
            broken += b[w] > 0 ? over(a[w], max_int(least + rule->max_skew, a0[w])) : 0;
            break;
        default:
            total += a[w];
            most = max_int(most, a[w]);
            break;
        }
    }
    return rule->kind == TOY_TOGETHER ? total - most : broken;
}

static double
bin_cost(const toy_problem *p, const toy_bin *bin)
{
    return bin->node < 0 ? p->cost[bin->pool] : p->node_cost[bin->node];
}

static void
check_sum(const toy_problem *p, const toy_packing *packing, const toy_rule *rule, const char **why)
{
    double part[32] = {0}, whole = 0.0, weighted = 0.0;
    int number[32] = {0};

    for (int i = 0; i < packing->bins; i++) {
        const toy_bin *bin = &packing->bin[i];
        double unit = rule->of == TOY_OF_NODES  ? 1.0
                      : rule->of == TOY_OF_COST ? bin_cost(p, bin)
                                                : p->capacity[bin->pool][rule->of];
        int where = rule->kind == TOY_MEAN ? 0 : domain(p, bin->pool, rule->per);
        if (rule->kind == TOY_LIMIT && where != rule->value)
            continue;
        whole += unit;
        weighted += rule->kind == TOY_MEAN ? unit * rule->values[bin->pool] : unit;
        if (is_labelled(where)) {
            part[where] += unit;
            number[where]++;
        }
    }
    if (rule->kind == TOY_SHARE) {
        for (int w = 0; w < 32; w++) {
            bool bound = rule->value == TOY_NONE ? number[w] > 0 : w == rule->value;
            if (!bound)
                continue;
            if (rule->max_frac >= 0.0 && number[w] > 1) {
                double most = rule->max_frac * whole;
                if (rule->of == TOY_OF_NODES ? part[w] > fmax(1.0, ceil(most - 1e-9))
                                             : part[w] > most + 1e-6 * fmax(1.0, whole))
                    *why = "share";
            }
            if (rule->min_frac >= 0.0 && whole > 0.0 &&
                part[w] < rule->min_frac * whole - 1e-6 * fmax(1.0, whole))
                *why = "share";
        }
        return;
    }
    if (rule->kind == TOY_MEAN) {
        if (whole == 0.0)
            return;
        weighted /= whole;
    }
    if ((rule->max >= 0.0 && weighted > rule->max + 1e-6 * fmax(1.0, weighted)) ||
        (rule->min >= 0.0 && weighted < rule->min - 1e-6))
        *why = "limit or mean";
}

double
toy_check(const toy_problem *p, const toy_packing *packing, const char **why)
{
    int bought[TOY_POOLS] = {0}, placed[TOY_DEMANDS] = {0};
    bool kept[TOY_NODES] = {false};
    double cost = 0.0;

    *why = NULL;
    for (int i = 0; i < packing->bins; i++) {
        const toy_bin *bin = &packing->bin[i];
        const double *capacity =
            bin->node < 0 ? p->capacity[bin->pool] : p->node_capacity[bin->node];
        if (bin->node >= 0) {
            if (kept[bin->node])
                *why = "node used twice";
            kept[bin->node] = true;
        } else {
            bought[bin->pool]++;
        }
        cost += bin_cost(p, bin);
        for (int d = 0; d < p->demands; d++) {
            int resident = bin->node < 0 ? 0 : p->holds[bin->node][d];
            placed[d] += bin->holds[d];
            if (bin->holds[d] > resident && !p->allowed[d][bin->pool])
                *why = "pool not allowed";
            if (bin->node >= 0 && bin->holds[d] < p->fixed[bin->node][d])
                *why = "fixed replica gone";
        }
        for (int r = 0; r < TOY_RESOURCES; r++) {
            double load = 0.0;
            for (int d = 0; d < p->demands; d++)
                load += p->request[d][r] * bin->holds[d];
            if (load > capacity[r])
                *why = "overfull";
        }
    }
    for (int n = 0; n < p->nodes; n++) {
        for (int d = 0; d < p->demands; d++) {
            if (!kept[n] && p->fixed[n][d] > 0)
                *why = "node with fixed replicas gone";
        }
    }
    for (int d = 0; d < p->demands; d++) {
        int residents = 0, gone = 0;
        if (placed[d] + packing->unplaced[d] != p->count[d] || packing->unplaced[d] < 0)
            *why = "miscounted";
        if (packing->unplaced[d] > 0 && p->unplaced_cost[d] < 0.0)
            *why = "must be placed";
        cost += p->unplaced_cost[d] < 0.0 ? 0.0 : p->unplaced_cost[d] * packing->unplaced[d];
        for (int n = 0; n < p->nodes; n++)
            residents += p->holds[n][d];
        for (int n = 0; n < p->nodes; n++) {
            int stays = 0;
            for (int i = 0; i < packing->bins; i++)
                stays += packing->bin[i].node == n ? packing->bin[i].holds[d] : 0;
            gone += over(p->holds[n][d], stays);
        }
        cost += p->move_cost[d] * over(gone, over(residents, p->count[d]));
    }
    for (int pool = 0; pool < p->pools; pool++) {
        if (bought[pool] < p->min[pool] || (p->max[pool] >= 0 && bought[pool] > p->max[pool]))
            *why = "pool limits";
    }
    for (int r = 0; r < p->rules; r++) {
        const toy_rule *rule = &p->rule[r];
        if (rule->kind <= TOY_SPREAD) {
            int broken = count_broken(p, packing, rule, why);
            if (broken > 0 && rule->penalty < 0.0)
                *why = "rule";
            cost += broken > 0 && rule->penalty >= 0.0 ? broken * rule->penalty : 0.0;
        } else {
            check_sum(p, packing, rule, why);
        }
    }
    return *why == NULL ? cost : -1.0;
}
