/* SPDX-License-Identifier: Apache-2.0 */
/*
 * advisor.c - the vendor's class of interruption where it is not known.
 *
 * What a row is compared with never has its own class in it: the type's level is its mean over
 * other regions, drawn towards its family's there; what is left in the row's region after levels
 * are taken off tells how hard that region is, then its family there, then its size there, each a
 * mean drawn towards 0. A cumulative logit of the five (ordinal.c), fitted to the known rows made
 * the same way, gives chances of the classes. In a region of which nothing is known only the first
 * two are used, and the fit for those rows too.
 */
#include "base/base.h"
#include "model/catalog.h"
#include "risk/ordinal.h"
#include "spotopt/advisor.h"

#define K SPOTOPT__CLASSES
#define KNOWN_MIN 30 /* rows that a fit needs */
/* Rows that what a mean is drawn towards counts as. */
#define PULL_TYPE 1.5
#define PULL_FAMILY 4.0
#define PULL_REGION 5.0
#define PULL_FAMILY_HERE 2.0
#define PULL_SIZE_HERE 5.0

typedef struct mean_sum {
    double sum, n;
} mean_sum;

enum { BY_TYPE, BY_FAMILY, BY_REGION, BY_FAMILY_HERE, BY_SIZE_HERE, KEYS };

typedef struct table {
    spotopt_context *context;
    spotopt__arena arena;
    spotopt__map cells, keys[KEYS]; /* text -> number */
    uint32_t cell_count, key_count[KEYS];
    uint32_t *cell_of;     /* by row */
    uint32_t (*key)[KEYS]; /* by cell */
    int32_t *bucket;       /* by cell; -1: unknown */
    double *level, *left;  /* by cell: from other regions; what its bucket is above that */
    double (*x)[SPOTOPT__COVARIATES];
    mean_sum *sums[KEYS], all;
} table;

static const char *
joined(table *t, const char *a, size_t length, const char *b)
{
    size_t rest = strlen(b);
    char *text = spotopt__arena_alloc(&t->arena, length + rest + 2, 1);

    if (text == NULL)
        return NULL;
    memcpy(text, a, length);
    text[length] = '\n';
    memcpy(text + length + 1, b, rest + 1);
    return text;
}

static bool
number(spotopt__map *map, const char *text, uint32_t *count, uint32_t *out)
{
    if (text == NULL || !spotopt__map_put(map, text, *count, out))
        return false;
    *count += *out == *count;
    return true;
}

/* Every row's cell, and what the cell belongs to. */
static bool
number_rows(table *t, const char *const *types, const char *const *regions, const int32_t *buckets,
            size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const char *type = types[i], *region = regions[i];
        size_t family = spotopt__family_length(type);
        uint32_t before = t->cell_count, cell;

        if (!number(&t->cells, joined(t, type, strlen(type), region), &t->cell_count, &cell))
            return false;
        t->cell_of[i] = cell;
        if (cell == before) {
            uint32_t *key = t->key[cell];
            t->bucket[cell] = -1;
            if (!number(&t->keys[BY_TYPE], joined(t, type, strlen(type), ""),
                        &t->key_count[BY_TYPE], &key[BY_TYPE]) ||
                !number(&t->keys[BY_FAMILY], joined(t, type, family, ""), &t->key_count[BY_FAMILY],
                        &key[BY_FAMILY]) ||
                !number(&t->keys[BY_REGION], joined(t, region, strlen(region), ""),
                        &t->key_count[BY_REGION], &key[BY_REGION]) ||
                !number(&t->keys[BY_FAMILY_HERE], joined(t, type, family, region),
                        &t->key_count[BY_FAMILY_HERE], &key[BY_FAMILY_HERE]) ||
                !number(&t->keys[BY_SIZE_HERE],
                        joined(t, type + family, strlen(type + family), region),
                        &t->key_count[BY_SIZE_HERE], &key[BY_SIZE_HERE]))
                return false;
        }
        if (t->bucket[cell] < 0)
            t->bucket[cell] = buckets[i];
    }
    return true;
}

static void
add(mean_sum *to, double value, double weight)
{
    to->sum += value;
    to->n += weight;
}

static double
drawn(double sum, double n, double towards, double pull)
{
    return (sum + pull * towards) / (n + pull);
}

/* The first two covariates, of other regions alone. */
static void
make_levels(table *t)
{
    for (uint32_t c = 0; c < t->cell_count; c++) {
        if (t->bucket[c] < 0)
            continue;
        for (int k = 0; k < KEYS; k++)
            add(&t->sums[k][t->key[c][k]], t->bucket[c], 1.0);
        add(&t->all, t->bucket[c], 1.0);
    }
    for (uint32_t c = 0; c < t->cell_count; c++) {
        const uint32_t *key = t->key[c];
        const mean_sum *type = &t->sums[BY_TYPE][key[BY_TYPE]],
                       *family = &t->sums[BY_FAMILY][key[BY_FAMILY]],
                       *region = &t->sums[BY_REGION][key[BY_REGION]],
                       *here = &t->sums[BY_FAMILY_HERE][key[BY_FAMILY_HERE]];
        bool is_known = t->bucket[c] >= 0;
        double elsewhere = t->all.n - region->n > 0.0
                               ? (t->all.sum - region->sum) / (t->all.n - region->n)
                               : 0.5 * (K - 1);
        double by_family =
            drawn(family->sum - here->sum, family->n - here->n, elsewhere, PULL_FAMILY);

        t->level[c] = drawn(type->sum - (is_known ? t->bucket[c] : 0), type->n - is_known,
                            by_family, PULL_TYPE);
        t->left[c] = is_known ? t->bucket[c] - t->level[c] : 0.0;
        t->x[c][0] = t->level[c];
        t->x[c][1] = by_family;
    }
}

/* The others, from what is left in the cell's own region, without the cell. */
static void
make_remainders(table *t)
{
    const int keys[] = {BY_REGION, BY_FAMILY_HERE, BY_SIZE_HERE};
    const double pulls[] = {PULL_REGION, PULL_FAMILY_HERE, PULL_SIZE_HERE};

    for (int k = 0; k < 3; k++) {
        mean_sum *sums = t->sums[keys[k]];

        memset(sums, 0, t->key_count[keys[k]] * sizeof *sums);
        for (uint32_t c = 0; c < t->cell_count; c++)
            if (t->bucket[c] >= 0)
                add(&sums[t->key[c][keys[k]]], t->left[c], 1.0);
        for (uint32_t c = 0; c < t->cell_count; c++) {
            const mean_sum *of = &sums[t->key[c][keys[k]]];
            double is_known = t->bucket[c] >= 0;
            t->x[c][2 + k] = drawn(of->sum - t->left[c], of->n - is_known, 0.0, pulls[k]);
        }
        /* The family and the size are to tell what the region does not. */
        for (uint32_t c = 0; k == 0 && c < t->cell_count; c++)
            t->left[c] -= t->bucket[c] >= 0 ? t->x[c][2] : 0.0;
    }
}

static bool
allocate(table *t, size_t count)
{
    t->cell_of = spotopt__alloc_array(t->context, count + 1, sizeof *t->cell_of);
    t->key = spotopt__alloc_array(t->context, count + 1, sizeof *t->key);
    t->bucket = spotopt__alloc_array(t->context, count + 1, sizeof *t->bucket);
    t->level = spotopt__alloc_array(t->context, count + 1, sizeof *t->level);
    t->left = spotopt__alloc_array(t->context, count + 1, sizeof *t->left);
    t->x = spotopt__alloc_array(t->context, count + 1, sizeof *t->x);
    return t->cell_of != NULL && t->key != NULL && t->bucket != NULL && t->level != NULL &&
           t->left != NULL && t->x != NULL;
}

static void
release(table *t)
{
    void *all[] = {t->cell_of, t->key, t->bucket, t->level, t->left, t->x};

    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        spotopt__free(t->context, all[i]);
    for (int k = 0; k < KEYS; k++) {
        spotopt__free(t->context, t->sums[k]);
        spotopt__map_free(&t->keys[k]);
    }
    spotopt__map_free(&t->cells);
    spotopt__arena_free(&t->arena);
}

static void
answer(const table *t, const spotopt__ordinal *whole, const spotopt__ordinal *strange,
       const double *few, size_t row, int32_t *out_bucket, double *out)
{
    uint32_t cell = t->cell_of[row];
    double upto = 0.0;

    if (few != NULL) {
        memcpy(out, few, K * sizeof *out);
    } else {
        double known = t->sums[BY_REGION][t->key[cell][BY_REGION]].n - (t->bucket[cell] >= 0);
        spotopt__ordinal_chances(known > 0.0 ? whole : strange, t->x[cell], out);
    }
    *out_bucket = 0;
    for (int k = 0; k < K - 1; k++) {
        upto += out[k];
        *out_bucket += upto < 0.5;
    }
}

static spotopt_status
check(const char *const *types, const char *const *regions, const int32_t *buckets, size_t count,
      const int32_t *out_buckets, spotopt_error *err)
{
    if (count > 0 && (types == NULL || regions == NULL || buckets == NULL || out_buckets == NULL))
        return spotopt__fail(
            err, SPOTOPT_E_ARGUMENT,
            "a column is NULL; want instance_types, regions, buckets and out_buckets set");
    if (count >= UINT32_MAX / 8)
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT, "count is %zu; want less than 2^29", count);
    for (size_t i = 0; i < count; i++) {
        if (types[i] == NULL || regions[i] == NULL)
            return spotopt__fail(err, SPOTOPT_E_ARGUMENT, "%s[%zu] is NULL; want a text",
                                 types[i] == NULL ? "instance_types" : "regions", i);
        if (buckets[i] < -1 || buckets[i] >= K)
            return spotopt__fail(err, SPOTOPT_E_ARGUMENT, "buckets[%zu] is %d; want -1..4", i,
                                 (int)buckets[i]);
    }
    return SPOTOPT_OK;
}

spotopt_status
spotopt_advisor_predict(spotopt_context *context, const char *const *instance_types,
                        const char *const *regions, const int32_t *buckets, size_t count,
                        int32_t *out_buckets, double *out_probability, spotopt_error *err)
{
    table t = {.context = context};
    spotopt__ordinal whole, strange;
    double few[K];
    spotopt_status status = check(instance_types, regions, buckets, count, out_buckets, err);
    bool is_fine;

    if (status != SPOTOPT_OK)
        return status;
    spotopt__arena_init(&t.arena, context);
    spotopt__map_init(&t.cells, context);
    for (int k = 0; k < KEYS; k++)
        spotopt__map_init(&t.keys[k], context);
    is_fine = allocate(&t, count) && number_rows(&t, instance_types, regions, buckets, count);
    for (int k = 0; is_fine && k < KEYS; k++) {
        t.sums[k] = spotopt__alloc_array(context, (size_t)t.key_count[k] + 1, sizeof *t.sums[k]);
        is_fine = t.sums[k] != NULL;
    }
    if (is_fine) {
        make_levels(&t);
        make_remainders(&t);
        for (int k = 0; k < K; k++)
            few[k] = 1.0;
        for (uint32_t c = 0; c < t.cell_count; c++)
            if (t.bucket[c] >= 0)
                few[t.bucket[c]] += 1.0;
        for (int k = 0; k < K; k++)
            few[k] /= t.all.n + K;
        if (t.all.n >= KNOWN_MIN) {
            const double(*x)[SPOTOPT__COVARIATES] = (const double(*)[SPOTOPT__COVARIATES])t.x;
            spotopt__ordinal_fit(x, t.bucket, t.cell_count, SPOTOPT__COVARIATES, &whole);
            spotopt__ordinal_fit(x, t.bucket, t.cell_count, 2, &strange);
        }
        for (size_t i = 0; i < count; i++) {
            double chances[K];
            answer(&t, &whole, &strange, t.all.n >= KNOWN_MIN ? NULL : few, i, &out_buckets[i],
                   out_probability != NULL ? out_probability + K * i : chances);
        }
    }
    release(&t);
    return is_fine ? SPOTOPT_OK : spotopt__nomem(err, "classes of interruption");
}
