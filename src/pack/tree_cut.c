/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tree_cut.c - rank-1 cuts over three rows (subset-row cuts: Jepsen et al. 2008).
 *
 * Half the sum of the rows of three types, rounded down: patterns hold together at most
 * floor(demand of the three / 2) times floor(pieces of the three / 2), since every packing packs
 * each piece exactly once. All triples that share a pair in a fractional column are looked at.
 */
#include "pack/tree_inner.h"

#define BROKEN_LEAST 0.05

typedef struct broken {
    double by;
    spotopt__cut cut;
} broken;

/* By how much the LP's solution breaks the cut. */
static double
excess(const spotopt__tree *tree, const spotopt__cut *cut, const uint32_t *some, uint32_t count)
{
    double sum = -(double)cut->right;

    for (uint32_t i = 0; i < count; i++)
        sum += spotopt__simplex_x(tree->lp, some[i]) *
               spotopt__cut_counts(tree, cut, &tree->columns.at[some[i]]);
    return sum;
}

static void
keep_worst(broken *list, uint32_t *count, uint32_t most, const spotopt__cut *cut, double by)
{
    uint32_t at = *count < most ? (*count)++ : most - 1;

    if (at == most - 1 && *count == most && list[at].by >= by)
        return;
    while (at > 0 && list[at - 1].by < by) {
        list[at] = list[at - 1];
        at--;
    }
    list[at] = (broken){by, *cut};
}

uint32_t
spotopt__tree_separate(spotopt__tree *tree, uint32_t most)
{
    const spotopt__bare *bare = tree->bare;
    const uint32_t n = bare->types;
    double *shared = spotopt__alloc_array(tree->context, (size_t)n * n, sizeof *shared);
    uint32_t *some = spotopt__alloc_array(tree->context, tree->columns.count + 1, sizeof *some);
    uint32_t *content = spotopt__alloc_array(tree->context, n, sizeof *content);
    broken *list = spotopt__alloc_array(tree->context, most + 1, sizeof *list);
    uint32_t columns = 0, count = 0;

    if (shared == NULL || some == NULL || content == NULL || list == NULL) {
        tree->nomem = true;
        goto done;
    }
    for (uint32_t c = 0; c < tree->columns.count; c++) {
        const double x = spotopt__simplex_x(tree->lp, c);
        if (tree->columns.at[c].sort == SPOTOPT__NONE || x < 1e-6)
            continue;
        some[columns++] = c;
        memset(content, 0, n * sizeof *content);
        spotopt__column_types(tree, &tree->columns.at[c], 1, content);
        for (uint32_t i = 0; i < n; i++) {
            if (content[i] == 0)
                continue;
            shared[(size_t)i * n + i] += x * (content[i] / 2);
            for (uint32_t j = i + 1; j < n; j++) {
                if (content[j] > 0) {
                    shared[(size_t)i * n + j] += x;
                    shared[(size_t)j * n + i] += x;
                }
            }
        }
    }
    tree->search->budget.work += (uint64_t)n * n / 16;
    for (uint32_t i = 0; i < n; i++) {
        const double *row_i = shared + (size_t)i * n;
        if (spotopt__search_over(tree->search))
            break;
        for (uint32_t j = i + 1; j < n; j++) {
            const double *row_j = shared + (size_t)j * n;
            const double pair = row_i[j] + row_i[i] + row_j[j];
            if (row_i[j] < 1e-6)
                continue;
            for (uint32_t k = 0; k < n; k++) {
                uint64_t demand;
                double by;
                if (k == i || k == j || (row_i[k] < 1e-6 && row_j[k] < 1e-6))
                    continue;
                /* The first pair of the sorted triple that is shared finds it. */
                if ((k < j && k > i && row_i[k] >= 1e-6) ||
                    (k < i && (row_i[k] >= 1e-6 || row_j[k] >= 1e-6)))
                    continue;
                demand = (uint64_t)bare->count[i] + bare->count[j] + bare->count[k];
                if (demand % 2 == 0 || demand > 1000)
                    continue;
                by = pair + row_i[k] + row_j[k] + shared[(size_t)k * n + k] - (double)(demand / 2);
                if (by < BROKEN_LEAST || (count == most && by <= list[most - 1].by))
                    continue;
                spotopt__cut cut = {{i, j, k}, (uint32_t)(demand / 2)};
                by = excess(tree, &cut, some, columns);
                if (by >= BROKEN_LEAST)
                    keep_worst(list, &count, most, &cut, by);
            }
        }
    }
    for (uint32_t c = 0; c < count && !tree->nomem; c++)
        (void)spotopt__master_add_cut(tree, &list[c].cut);
done:
    spotopt__free(tree->context, shared);
    spotopt__free(tree->context, some);
    spotopt__free(tree->context, content);
    spotopt__free(tree->context, list);
    return tree->nomem ? 0 : count;
}
