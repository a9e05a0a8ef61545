/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kinds.c - pools and running nodes as kinds of bins, and their classes.
 *
 * Kinds of equal capacity that the same items may enter become one class: contents belong to
 * classes, costs and limits to kinds. Equal ones are found by hash and then compared. A class lists
 * its kinds by cost, new ones before running ones. O(n log n) in the kinds.
 */
#include "base/keyed.h"
#include "pack/model.h"

const spotopt__stay *
spotopt__stay_of(const spotopt__kind *kind, uint32_t item)
{
    for (uint32_t s = 0; s < kind->stay_count; s++) {
        if (kind->stays[s].item == item)
            return &kind->stays[s];
    }
    return NULL;
}

bool
spotopt__one_fits(const spotopt__model *model, const spotopt__item *item, const double *capacity)
{
    for (uint32_t r = 0; r < model->resources; r++) {
        if (item->request[r] > spotopt__ceiling(model, r, capacity[r]))
            return false;
    }
    return true;
}

/* A resident is barred from its own node when a rule wants a label that the pool does not have. */
static bool
is_barred(const spotopt__model *model, const spotopt__item *item, uint32_t pool)
{
    for (uint32_t u = 0; u < item->use_count; u++) {
        const spotopt__prule *rule = &model->prule[item->uses[u].rule];
        bool wants = (item->uses[u].roles & SPOTOPT__ROLE_A) != 0 &&
                     (rule->kind == SPOTOPT_RULE_TOGETHER || rule->kind == SPOTOPT_RULE_NEAR);
        wants = wants ||
                ((item->uses[u].roles & SPOTOPT__ROLE_B) != 0 && rule->kind == SPOTOPT_RULE_SPREAD);
        if (rule->axis != SPOTOPT__NONE && wants) {
            uint32_t domain = model->axis[rule->axis].domain_of[pool];
            if (domain >= model->axis[rule->axis].labelled ||
                (rule->kind == SPOTOPT_RULE_SPREAD && !rule->is_domain[domain]))
                return true;
        }
    }
    return false;
}

bool
spotopt__model_kinds(spotopt__model *model)
{
    const spotopt_problem *problem = model->problem;

    model->kinds = model->pools + model->nodes;
    model->kind = spotopt__arena_alloc(&model->arena, model->kinds + 1, sizeof *model->kind);
    if (model->kind == NULL)
        return false;
    for (uint32_t p = 0; p < model->pools; p++) {
        spotopt__kind *kind = &model->kind[p];
        kind->capacity = problem->pools.at[p].capacity;
        kind->cost = problem->pools.at[p].cost;
        kind->pool = p;
        kind->node = SPOTOPT__NONE;
    }
    for (uint32_t n = 0; n < model->nodes; n++) {
        spotopt__kind *kind = &model->kind[model->pools + n];
        const spotopt__pack_node *node = &problem->nodes.at[n];
        spotopt__stay *stays =
            spotopt__arena_alloc(&model->arena, node->residents.count + 1, sizeof *stays);
        if (stays == NULL)
            return false;
        kind->capacity = node->capacity;
        kind->cost = node->cost;
        kind->pool = node->pool;
        kind->node = n;
        kind->stays = stays;
        kind->stay_count = (uint32_t)node->residents.count;
        for (uint32_t s = 0; s < kind->stay_count; s++) {
            const spotopt__pack_resident *resident = &node->residents.at[s];
            stays[s].item = model->item_of[resident->demand];
            stays[s].holds = resident->holds;
            stays[s].fixed = resident->fixed;
            stays[s].may_stay = !is_barred(model, &model->item[stays[s].item], node->pool);
            kind->has_fixed = kind->has_fixed || resident->fixed > 0;
        }
    }
    return true;
}

static bool
is_same_class(const spotopt__model *model, const uint64_t *signs, uint32_t sign_words, uint32_t a,
              uint32_t b)
{
    const spotopt__kind *x = &model->kind[a], *y = &model->kind[b];

    return memcmp(x->capacity, y->capacity, model->resources * sizeof(double)) == 0 &&
           memcmp(signs + (size_t)x->pool * sign_words, signs + (size_t)y->pool * sign_words,
                  sign_words * sizeof *signs) == 0;
}

/* Residents that may stay where others may not enter make a class of their own. */
static bool
is_special(const spotopt__model *model, const spotopt__kind *kind)
{
    for (uint32_t s = 0; s < kind->stay_count; s++) {
        if (!spotopt__allows(&model->item[kind->stays[s].item], kind->pool))
            return true;
    }
    return false;
}

static int
compare_new(const spotopt__model *model, uint32_t a, uint32_t b)
{
    const spotopt__kind *x = &model->kind[a], *y = &model->kind[b];
    uint32_t i, j;

    if ((x->node != SPOTOPT__NONE) != (y->node != SPOTOPT__NONE))
        return x->node != SPOTOPT__NONE ? 1 : -1;
    if (x->cost < y->cost || x->cost > y->cost)
        return x->cost < y->cost ? -1 : 1;
    i = model->problem->pools.at[x->pool].rank;
    j = model->problem->pools.at[y->pool].rank;
    if (i != j)
        return i < j ? -1 : 1;
    return (a > b) - (a < b);
}

/* Heap sort by compare_new(): qsort() has no place for the model. */
static void
sort_kinds(const spotopt__model *model, uint32_t *list, uint32_t count)
{
    for (uint32_t end = count, start = count / 2; end > 1;) {
        uint32_t root;
        if (start > 0) {
            start--;
        } else {
            uint32_t top = list[0];
            list[0] = list[--end];
            list[end] = top;
        }
        for (root = start; 2 * root + 1 < end;) {
            uint32_t child = 2 * root + 1, swap;
            if (child + 1 < end && compare_new(model, list[child], list[child + 1]) < 0)
                child++;
            if (compare_new(model, list[root], list[child]) >= 0)
                break;
            swap = list[root];
            list[root] = list[child];
            list[child] = swap;
            root = child;
        }
    }
}

bool
spotopt__model_classes(spotopt__model *model, const uint32_t *sets, uint32_t set_count)
{
    uint32_t sign_words = set_count / 64 + 1;
    uint64_t *signs =
        spotopt__alloc_array(model->context, (size_t)model->pools * sign_words + 1, sizeof *signs);
    spotopt__hashed *order = spotopt__alloc_array(model->context, model->kinds + 1, sizeof *order);
    uint32_t *lists = spotopt__arena_alloc(&model->arena, model->kinds + 1, sizeof *lists);
    uint32_t *count = spotopt__alloc_array(model->context, model->kinds + 1, sizeof *count);
    uint32_t used = 0, at = 0;
    bool ok = false;

    model->class_at =
        spotopt__arena_alloc(&model->arena, model->kinds + 1, sizeof *model->class_at);
    if (signs == NULL || order == NULL || lists == NULL || count == NULL || model->class_at == NULL)
        goto done;
    for (uint32_t p = 0; p < model->pools; p++) {
        for (uint32_t s = 0; s < set_count; s++) {
            if (spotopt__allows(&model->item[sets[s]], p))
                signs[(size_t)p * sign_words + (s >> 6)] |= (uint64_t)1 << (s & 63);
        }
    }
    for (uint32_t k = 0; k < model->kinds; k++) {
        const spotopt__kind *kind = &model->kind[k];
        uint64_t hash = spotopt__hash_bytes(kind->capacity, model->resources * sizeof(double), 1);
        if (kind->node == SPOTOPT__NONE && model->problem->pools.at[kind->pool].max == 0) {
            model->kind[k].class_id = SPOTOPT__NONE;
            continue;
        }
        hash = spotopt__hash_bytes(signs + (size_t)kind->pool * sign_words,
                                   sign_words * sizeof *signs, hash);
        order[used++] = (spotopt__hashed){hash, k};
    }
    spotopt__hashed_sort(order, used);
    for (uint32_t i = 0; i < used; i++) {
        uint32_t k = order[i].id;
        model->kind[k].class_id = k; /* the first of its class, for now */
        if (is_special(model, &model->kind[k]))
            continue;
        for (uint32_t j = i, tries = 0; j-- > 0 && order[j].hash == order[i].hash && tries < 64;
             tries++) {
            uint32_t first = model->kind[order[j].id].class_id;
            if (!is_special(model, &model->kind[first]) &&
                is_same_class(model, signs, sign_words, k, first)) {
                model->kind[k].class_id = first;
                break;
            }
        }
    }
    for (uint32_t k = 0; k < model->kinds; k++) {
        if (model->kind[k].class_id != SPOTOPT__NONE)
            count[model->kind[k].class_id]++;
    }
    for (uint32_t k = 0; k < model->kinds; k++) { /* a class's first kind is its least */
        if (model->kind[k].class_id == k) {
            spotopt__class *made = &model->class_at[model->classes];
            made->capacity = model->kind[k].capacity;
            made->kinds = lists + at;
            at += count[k];
            count[k] = model->classes++;
        }
    }
    for (uint32_t k = 0; k < model->kinds; k++) {
        spotopt__class *made;
        if (model->kind[k].class_id == SPOTOPT__NONE)
            continue;
        model->kind[k].class_id = count[model->kind[k].class_id];
        made = &model->class_at[model->kind[k].class_id];
        lists[(made->kinds - lists) + made->kind_count++] = k;
        made->new_count += model->kind[k].node == SPOTOPT__NONE;
    }
    for (uint32_t c = 0; c < model->classes; c++)
        sort_kinds(model, lists + (model->class_at[c].kinds - lists),
                   model->class_at[c].kind_count);
    ok = true;
done:
    spotopt__free(model->context, signs);
    spotopt__free(model->context, order);
    spotopt__free(model->context, count);
    return ok;
}
