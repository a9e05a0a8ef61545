/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tree_view.c - what a node of the tree means: its decisions become counts, groups, pairs and a
 * view for the oracle; columns that contradict them go to sleep.
 *
 * Branching is Ryan and Foster's (1981), for counted types as in da Silva and Schouery (2023):
 * either some bin holds a copy of a and one of b, and the two are merged into one piece, or none
 * does. Every packing falls on exactly one side, so the tree loses none.
 */
#include <stdlib.h>

#include "pack/tree_inner.h"

__extension__ typedef __int128 wide;

/* Grows an array by atom; false, and nothing lost, when memory is short. */
static bool
grow(spotopt_context *context, void *array, size_t count, size_t size)
{
    void **at = array;
    void *more = spotopt__resize_array(context, *at, count, size);

    *at = more != NULL ? more : *at;
    return more != NULL;
}

bool
spotopt__tree_make_room(spotopt__tree *tree)
{
    const size_t n = 2 * tree->atoms.count;

    if (tree->atoms.count <= tree->atom_room)
        return true;
    if (!grow(tree->context, &tree->count, n, sizeof *tree->count) ||
        !grow(tree->context, &tree->group, n, sizeof *tree->group) ||
        !grow(tree->context, &tree->part_of, n, sizeof *tree->part_of) ||
        !grow(tree->context, &tree->members, n, sizeof *tree->members) ||
        !grow(tree->context, &tree->pairs_then, n, sizeof *tree->pairs_then) ||
        !grow(tree->context, &tree->single, n, sizeof *tree->single) ||
        !grow(tree->context, &tree->touched, n, sizeof *tree->touched)) {
        tree->nomem = true;
        return false;
    }
    for (size_t a = tree->atom_room; a < n; a++) {
        tree->count[a] = tree->pairs_then[a] = tree->members[a] = 0;
        tree->group[a] = (uint32_t)a;
        tree->part_of[a] = SPOTOPT__NONE;
        tree->single[a] = tree->touched[a] = 0;
    }
    tree->atom_room = (uint32_t)n;
    return true;
}

uint32_t
spotopt__tree_merge(spotopt__tree *tree, uint32_t a, uint32_t b)
{
    spotopt__atom atom = {a < b ? a : b, a < b ? b : a, 0, 0, SPOTOPT__NONE, false};

    for (uint32_t c = tree->bare->types; c < tree->atoms.count; c++) {
        /* What was decided about copies made before does not hold for new ones. */
        bool fresh = tree->count[c] == 0 || tree->pairs_then[c] == tree->apart.count;
        if (tree->atoms.at[c].left == atom.left && tree->atoms.at[c].right == atom.right && fresh &&
            !tree->touched[c])
            return c;
    }
    atom.first = (uint32_t)tree->atom_fill.count;
    for (int half = 0; half < 2; half++) {
        const spotopt__atom from = tree->atoms.at[half == 0 ? a : b];
        for (uint32_t f = 0; f < from.fills; f++) {
            const spotopt__fill fill = tree->atom_fill.at[from.first + f];
            uint32_t at = atom.first;
            while (at < tree->atom_fill.count && tree->atom_fill.at[at].type != fill.type)
                at++;
            if (at < tree->atom_fill.count)
                tree->atom_fill.at[at].count += fill.count;
            else if (!spotopt__vec_push(tree->context, &tree->atom_fill, fill))
                goto nomem;
        }
    }
    atom.fills = (uint32_t)tree->atom_fill.count - atom.first;
    atom.row = spotopt__simplex_rows(tree->lp);
    if (!spotopt__vec_push(tree->context, &tree->atoms, atom) || !spotopt__tree_make_room(tree) ||
        !spotopt__simplex_add_row(tree->lp, 0.0, INFINITY, 0, NULL, NULL) ||
        !spotopt__master_add(tree, SPOTOPT__NONE,
                             &(spotopt__fill){(uint32_t)tree->atoms.count - 1, 1}, 1))
        goto nomem;
    return (uint32_t)tree->atoms.count - 1;
nomem:
    tree->nomem = true;
    return 0;
}

/* Where an atom in a group of several was merged away, what it became takes its place. */
static void
succeed(spotopt__tree *tree, uint32_t gone, uint32_t heir)
{
    const uint32_t group = tree->group[gone];
    uint32_t leader = SPOTOPT__NONE;

    if (tree->count[gone] > 0)
        return;
    for (uint32_t c = 0; c < tree->atoms.count; c++) {
        if (tree->group[c] == group && c != gone && tree->count[c] > 0) {
            if (leader == SPOTOPT__NONE)
                leader = c < heir ? c : heir;
            tree->group[c] = leader;
        }
    }
    if (leader != SPOTOPT__NONE) {
        tree->group[heir] = leader;
        tree->touched[heir] = 1;
    }
    tree->group[gone] = gone;
}

static void
join(spotopt__tree *tree, uint32_t a, uint32_t b)
{
    const uint32_t from = tree->group[a] > tree->group[b] ? tree->group[a] : tree->group[b],
                   to = tree->group[a] > tree->group[b] ? tree->group[b] : tree->group[a];

    for (uint32_t c = 0; c < tree->atoms.count; c++) {
        if (tree->group[c] == from)
            tree->group[c] = to;
    }
}

/* An atom made of `from`, after pairs with it were kept apart, is kept apart as well. */
static bool
inherit(spotopt__tree *tree, uint32_t from, uint32_t to)
{
    for (size_t i = 0, n = tree->apart.count; i < n; i++) {
        const spotopt__fill pair = tree->apart.at[i];
        spotopt__fill more = {to, pair.type == from ? pair.count : pair.type};
        if ((pair.type == from || pair.count == from) &&
            !spotopt__vec_push(tree->context, &tree->apart, more))
            return false;
    }
    return true;
}

static bool
decide(spotopt__tree *tree, const spotopt__tnode *node)
{
    const uint32_t a = node->a, b = node->b;

    switch (node->what) {
    case SPOTOPT__FEWER:
        tree->upper[a] = node->b < tree->upper[a] ? node->b : tree->upper[a];
        break;
    case SPOTOPT__MORE:
        tree->lower[a] = node->b > tree->lower[a] ? node->b : tree->lower[a];
        break;
    case SPOTOPT__APART:
        tree->touched[a] = tree->touched[b] = 1;
        if (a == b)
            tree->single[a] = 1;
        return spotopt__vec_push(tree->context, &tree->apart, (spotopt__fill){a, b});
    default:
        if (a != b && tree->count[a] == 1 && tree->count[b] == 1) {
            tree->touched[a] = tree->touched[b] = 1;
            join(tree, a, b);
        } else {
            const uint32_t c = spotopt__tree_merge(tree, a, b);
            if (tree->nomem)
                return false;
            tree->touched[a] = tree->touched[b] = 1;
            tree->count[a]--;
            tree->count[b]--;
            tree->count[c]++;
            if (!inherit(tree, a, c) || !inherit(tree, b, c))
                return false;
            tree->pairs_then[c] = (uint32_t)tree->apart.count;
            succeed(tree, a, c);
            succeed(tree, b, c);
        }
    }
    return true;
}

bool
spotopt__tree_go(spotopt__tree *tree, uint32_t node)
{
    const spotopt__bare *bare = tree->bare;
    uint32_t depth = tree->nodes.at[node].depth;

    for (uint32_t a = 0; a < tree->atoms.count; a++) {
        tree->count[a] = a < bare->types ? bare->count[a] : 0;
        tree->group[a] = a;
        tree->single[a] = tree->touched[a] = 0;
    }
    for (uint32_t s = 0; s < bare->sorts; s++) {
        tree->lower[s] = 0;
        tree->upper[s] = bare->sort[s].limit;
    }
    tree->apart.count = 0;
    spotopt__plan_clear(&tree->fixed);
    for (uint32_t d = 1; d <= depth; d++) {
        uint32_t at = node;
        while (tree->nodes.at[at].depth > d)
            at = tree->nodes.at[at].parent;
        const spotopt__tnode step = tree->nodes.at[at];
        if (!decide(tree, &step)) {
            tree->nomem = true;
            return false;
        }
    }
    return spotopt__tree_look(tree);
}

/*
 * The least that a bin of the sort is filled in a packing of cost <= target. With the price alpha =
 * cost* / capacity* of the best value for a unit of size, each bin costs at least alpha times its
 * capacity; what a bin costs above alpha times its content, summed over bins, is the whole cost
 * less alpha times all sizes. So no bin alone costs more above it than target - alpha * total.
 */
int64_t
spotopt__tree_least(const spotopt__tree *tree, uint32_t sort)
{
    const spotopt__bare *bare = tree->bare;
    const spotopt__sort *star = &bare->sort[0];
    wide total = 0, slack, least;

    if (tree->target == INT64_MAX)
        return 0;
    for (uint32_t s = 1; s < bare->sorts; s++) {
        if ((wide)bare->sort[s].cost * star->capacity[0] <
            (wide)star->cost * bare->sort[s].capacity[0])
            star = &bare->sort[s];
    }
    for (uint32_t a = 0; a < tree->atoms.count; a++) {
        for (uint32_t f = 0; f < tree->atoms.at[a].fills && tree->count[a] > 0; f++) {
            const spotopt__fill *fill = &tree->atom_fill.at[tree->atoms.at[a].first + f];
            total +=
                (wide)bare->size[(size_t)fill->type * bare->dims] * fill->count * tree->count[a];
        }
    }
    slack = (wide)(tree->target - tree->fixed.cost) * star->capacity[0] - star->cost * total;
    if (slack < 0)
        return INT64_MAX;
    least = (wide)bare->sort[sort].cost * star->capacity[0] - slack;
    return least <= 0 ? 0 : (int64_t)((least + star->cost - 1) / star->cost);
}

/* Parts by falling size; in several dimensions in the order of types. */
typedef struct ranked {
    int64_t size;
    uint32_t group;
} ranked;

static int
compare_ranked(const void *x, const void *y)
{
    const ranked *a = x, *b = y;

    if (a->size != b->size)
        return a->size > b->size ? -1 : 1;
    return a->group < b->group ? -1 : a->group > b->group;
}

static bool
make_view_room(spotopt__tree *tree, uint32_t parts)
{
    spotopt__view *view = &tree->view;

    if (parts > tree->view_room) {
        const size_t n = 2 * (size_t)parts;
        spotopt__free(tree->context, view->part);
        spotopt__free(tree->context, view->size);
        spotopt__free(tree->context, tree->part_price);
        spotopt__free(tree->context, tree->part_group);
        view->part = spotopt__alloc_array(tree->context, n, sizeof *view->part);
        view->size = spotopt__alloc_array(tree->context, n * tree->bare->dims, sizeof(int64_t));
        tree->part_price = spotopt__alloc_array(tree->context, n, sizeof(double));
        tree->part_group = spotopt__alloc_array(tree->context, n, sizeof(uint32_t));
        tree->view_room = 0;
        if (view->part == NULL || view->size == NULL || tree->part_price == NULL ||
            tree->part_group == NULL)
            return false;
        tree->view_room = (uint32_t)n;
    }
    view->words = (parts + 63) / 64;
    if (tree->apart.count > 0 && (size_t)parts * view->words > tree->apart_room) {
        spotopt__free(tree->context, tree->view_apart);
        tree->apart_room = 0;
        tree->view_apart = spotopt__alloc_array(tree->context, (size_t)parts * view->words, 8);
        if (tree->view_apart == NULL)
            return false;
        tree->apart_room = (size_t)parts * view->words;
    }
    return true;
}

/* The part's pieces by type, from all atoms of its group. */
static bool
gather(spotopt__tree *tree, uint32_t group, spotopt__part *part)
{
    part->first = (uint32_t)tree->view_fill.count;
    tree->members[group] = 0;
    for (uint32_t a = group; a < tree->atoms.count; a++) {
        if (tree->group[a] != group || tree->count[a] == 0)
            continue;
        tree->members[group]++;
        for (uint32_t f = 0; f < tree->atoms.at[a].fills; f++) {
            const spotopt__fill fill = tree->atom_fill.at[tree->atoms.at[a].first + f];
            uint32_t at = part->first;
            while (at < tree->view_fill.count && tree->view_fill.at[at].type != fill.type)
                at++;
            if (at < tree->view_fill.count)
                tree->view_fill.at[at].count += fill.count;
            else if (!spotopt__vec_push(tree->context, &tree->view_fill, fill))
                return false;
        }
    }
    part->fills = (uint32_t)tree->view_fill.count - part->first;
    return true;
}

/* How many copies a bin of any sort that may be used can hold. */
static uint32_t
most_of(const spotopt__tree *tree, const int64_t *size, uint32_t count)
{
    const spotopt__bare *bare = tree->bare;
    uint32_t most = 0;

    for (uint32_t s = 0; s < bare->sorts; s++) {
        int64_t n = count;
        if (tree->upper[s] == 0)
            continue;
        for (uint32_t d = 0; d < bare->dims; d++) {
            if (size[d] > 0 && bare->sort[s].capacity[d] / size[d] < n)
                n = bare->sort[s].capacity[d] / size[d];
        }
        most = n > most ? (uint32_t)n : most;
    }
    return most;
}

bool
spotopt__tree_look(spotopt__tree *tree)
{
    const spotopt__bare *bare = tree->bare;
    spotopt__view *view = &tree->view;
    ranked *rank;
    uint32_t parts = 0;

    tree->dead = false;
    for (uint32_t a = 0; a < tree->atoms.count; a++)
        parts += tree->group[a] == a && tree->count[a] > 0;
    rank = spotopt__alloc_array(tree->context, parts + 1, sizeof *rank);
    if (rank == NULL || !make_view_room(tree, parts + 1))
        goto nomem;
    parts = 0;
    for (uint32_t a = 0; a < tree->atoms.count; a++) {
        tree->part_of[a] = SPOTOPT__NONE;
        if (tree->group[a] != a || tree->count[a] == 0)
            continue;
        tree->view_fill.count = 0;
        spotopt__part part;
        if (!gather(tree, a, &part))
            goto nomem;
        int64_t size = 0;
        for (uint32_t f = 0; f < part.fills && bare->dims == 1; f++)
            size += bare->size[tree->view_fill.at[f].type] * tree->view_fill.at[f].count;
        rank[parts++] = (ranked){size, a};
    }
    qsort(rank, parts, sizeof *rank, compare_ranked);
    view->bare = bare;
    view->parts = parts;
    view->words = (parts + 63) / 64;
    tree->view_fill.count = 0;
    for (uint32_t p = 0; p < parts; p++) {
        const uint32_t group = rank[p].group;
        spotopt__part *part = &view->part[p];
        int64_t *size = &view->size[(size_t)p * bare->dims];
        if (!gather(tree, group, part))
            goto nomem;
        tree->part_of[group] = p;
        tree->part_group[p] = group;
        part->count = tree->count[group];
        memset(size, 0, bare->dims * sizeof *size);
        for (uint32_t f = 0; f < part->fills; f++) {
            const spotopt__fill *fill = &tree->view_fill.at[part->first + f];
            for (uint32_t d = 0; d < bare->dims; d++)
                size[d] += bare->size[(size_t)fill->type * bare->dims + d] * fill->count;
        }
        part->most = most_of(tree, size, part->count);
        if (part->most > 1 && tree->single[group])
            part->most = 1;
        tree->dead = tree->dead || part->most == 0;
    }
    view->fill = tree->view_fill.at;
    view->apart = NULL;
    if (tree->apart.count > 0) {
        view->apart = tree->view_apart;
        memset(view->apart, 0, (size_t)parts * view->words * sizeof *view->apart);
        for (size_t i = 0; i < tree->apart.count; i++) {
            const spotopt__fill *pair = &tree->apart.at[i];
            if (tree->count[pair->type] == 0 || tree->count[pair->count] == 0)
                continue;
            const uint32_t p = tree->part_of[tree->group[pair->type]],
                           q = tree->part_of[tree->group[pair->count]];
            if (p == q) {
                tree->dead = tree->dead || pair->type != pair->count;
                continue;
            }
            view->apart[(size_t)p * view->words + (q >> 6)] |= 1ull << (q & 63);
            view->apart[(size_t)q * view->words + (p >> 6)] |= 1ull << (p & 63);
        }
    }
    view->least = NULL;
    if (bare->dims == 1 && tree->target < INT64_MAX) {
        view->least = tree->least;
        for (uint32_t s = 0; s < bare->sorts; s++) {
            view->least[s] = spotopt__tree_least(tree, s);
            if (view->least[s] > bare->sort[s].capacity[0]) { /* no such bin can be in it */
                view->least[s] = bare->sort[s].capacity[0];
                tree->dead = tree->dead || tree->lower[s] > 0;
                tree->upper[s] = 0;
            }
        }
    }
    spotopt__free(tree->context, rank);
    return true;
nomem:
    spotopt__free(tree->context, rank);
    tree->nomem = true;
    return false;
}

/* Whether the column's content is possible here. */
static bool
is_valid(const spotopt__tree *tree, const spotopt__column *column)
{
    const spotopt__bare *bare = tree->bare;
    const spotopt__fill *fill = tree->column_fill.at + column->first;
    const spotopt__view *view = &tree->view;
    int64_t load = 0;

    if (column->sort == SPOTOPT__NONE)
        return true;
    if (tree->upper[column->sort] == 0 || column->fills == 0)
        return tree->upper[column->sort] > 0;
    for (uint32_t f = 0; f < column->fills; f++) {
        const uint32_t a = fill[f].type, group = tree->group[a];
        if (fill[f].count > tree->count[a] || (fill[f].count > 1 && tree->single[a]))
            return false;
        const uint32_t p = tree->part_of[group];
        uint32_t held = 0;
        if (bare->dims == 1 && group == a) /* a group's size comes with its first */
            load += view->size[p] * fill[f].count;
        if (tree->members[group] > 1) { /* all of it or nothing */
            for (uint32_t g = 0; g < column->fills; g++)
                held += tree->group[fill[g].type] == group;
            if (held != tree->members[group])
                return false;
        }
        for (uint32_t g = 0; g < f && view->apart != NULL; g++) {
            const uint32_t q = tree->part_of[tree->group[fill[g].type]];
            if (p != q && ((view->apart[(size_t)p * view->words + (q >> 6)] >> (q & 63)) & 1))
                return false;
        }
    }
    return view->least == NULL || load >= view->least[column->sort];
}

void
spotopt__tree_refresh(spotopt__tree *tree)
{
    for (uint32_t c = 0; c < tree->columns.count; c++) {
        spotopt__column *column = &tree->columns.at[c];
        const bool valid = is_valid(tree, column);
        if (valid != column->valid)
            spotopt__simplex_set_column(tree->lp, c, 0.0, valid ? INFINITY : 0.0);
        column->valid = valid;
    }
    for (uint32_t a = 0; a < tree->atoms.count; a++)
        spotopt__simplex_set_row(tree->lp, tree->atoms.at[a].row, (double)tree->count[a], INFINITY);
    for (uint32_t s = 0; s < tree->bare->sorts; s++)
        spotopt__simplex_set_row(tree->lp, tree->sort_row[s], (double)tree->lower[s],
                                 tree->upper[s] >= tree->bare->pieces ? INFINITY
                                                                      : (double)tree->upper[s]);
}
