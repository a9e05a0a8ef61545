/* SPDX-License-Identifier: Apache-2.0 */
/*
 * shocks.c - the distribution of what falls when pools share shocks.
 *
 * Marshall and Olkin 1967: shocks come to each pool alone, to each region and to all, and a pool
 * falls with the first that reaches it. Here a shock has a severity, and what is hit by a common
 * one are all pools in its reach that are weak enough. The weakest severity over the horizon is
 * then one exponential variable per region and one for the world: a pool of hazard x falls by its
 * region's where that variable is at most region_frac * x. With pools sorted by hazard the felled
 * ones are always the first k, so a region of n pools has n + 1 states, not 2^n, and whether the
 * world or the region felled them does not matter: the state is the larger of two counts. All
 * states are summed, none is sampled.
 *
 * Sums of independent losses are products of characteristic functions, so the sum over states is
 * done frequency by frequency, four at a time: prefix products of felled pools, suffix products of
 * the others. What one pool adds is the derivative by its factor, got for all pools at once by
 * going backwards through the same sums (no division, so no factor may be too small).
 */
#include "risk/shocks.h"

#define LANES 4

/* Complex numbers at four frequencies. */
typedef double lanes __attribute__((vector_size(LANES * sizeof(double)), aligned(8)));
typedef struct wave {
    lanes re, im;
} wave;

/* By pool, regions one after the other, hazards falling within each; states of a region are one
 * more than its pools. */
typedef struct work {
    const spotopt__shocks *shocks;
    uint32_t *first;   /* by region: its first slot; states begin at first + region */
    uint32_t *pool;    /* by slot */
    uint32_t *slot;    /* by pool */
    uint32_t *felled;  /* by region: how many, as the sum over the world's states goes on */
    double *own;       /* by slot: chance of falling alone */
    double *regional;  /* by state: chance that the region's shock fells just so many */
    double *at_most;   /* by state: that it fells no more */
    double *worldwide; /* by count of pools: that the world's shock fells just so many */
    wave *psi, *mix;   /* by slot: of the loss when fallen; when only the pool itself knows */
    wave *prefix, *suffix, *mass, *adjoint; /* by state */
    wave *left, *right;                     /* by region: products of those before, after */
} work;

static inline wave
mul(const wave *a, const wave *b)
{
    return (wave){a->re * b->re - a->im * b->im, a->re * b->im + a->im * b->re};
}

static inline wave
fma_of(const wave *a, const wave *b, const wave *c)
{
    wave ab = mul(a, b);

    return (wave){ab.re + c->re, ab.im + c->im};
}

static inline wave
scale(double by, const wave *a)
{
    return (wave){by * a->re, by * a->im};
}

static const wave one = {{1.0, 1.0, 1.0, 1.0}, {0.0, 0.0, 0.0, 0.0}};
static const wave zero = {{0.0, 0.0, 0.0, 0.0}, {0.0, 0.0, 0.0, 0.0}};

static wave
power(wave base, uint32_t exponent)
{
    wave out = one;

    for (; exponent > 0; exponent >>= 1) {
        if ((exponent & 1) != 0)
            out = mul(&out, &base);
        base = mul(&base, &base);
    }
    return out;
}

/* radius^c exp(-2 pi i m c / cells) for the block's frequencies m. */
static wave
turn(uint32_t block, uint32_t c, uint32_t cells, double radius)
{
    wave out;
    double size = radius < 1.0 ? pow(radius, c) : 1.0;

    for (uint32_t l = 0; l < LANES; l++) {
        uint64_t at = (uint64_t)(block * LANES + l) * c & (cells - 1);
        double angle = -6.283185307179586477 * (double)at / cells;
        out.re[l] = size * cos(angle);
        out.im[l] = size * sin(angle);
    }
    return out;
}

static bool
prepare(spotopt_context *context, const spotopt__shocks *s, work *w)
{
    uint32_t n = s->count, regions = s->region_count, states = n + regions;
    double own_frac = 1.0 - s->region_frac - s->global_frac, last = 0.0;

    *w = (work){.shocks = s};
    w->first = spotopt__alloc_array(context, (size_t)regions + 2, sizeof *w->first);
    w->pool = spotopt__alloc_array(context, (size_t)n + 1, sizeof *w->pool);
    w->slot = spotopt__alloc_array(context, (size_t)n + 1, sizeof *w->slot);
    w->felled = spotopt__alloc_array(context, (size_t)regions + 1, sizeof *w->felled);
    w->own = spotopt__alloc_array(context, (size_t)n + 1, sizeof *w->own);
    w->regional = spotopt__alloc_array(context, (size_t)states + 1, sizeof *w->regional);
    w->at_most = spotopt__alloc_array(context, (size_t)states + 1, sizeof *w->at_most);
    w->worldwide = spotopt__alloc_array(context, (size_t)n + 1, sizeof *w->worldwide);
    w->psi = spotopt__alloc_array(context, (size_t)n + 1, sizeof *w->psi);
    w->mix = spotopt__alloc_array(context, (size_t)n + 1, sizeof *w->mix);
    w->prefix = spotopt__alloc_array(context, (size_t)states + 1, sizeof *w->prefix);
    w->suffix = spotopt__alloc_array(context, (size_t)states + 1, sizeof *w->suffix);
    w->mass = spotopt__alloc_array(context, (size_t)states + 1, sizeof *w->mass);
    w->adjoint = spotopt__alloc_array(context, (size_t)states + 1, sizeof *w->adjoint);
    w->left = spotopt__alloc_array(context, (size_t)regions + 1, sizeof *w->left);
    w->right = spotopt__alloc_array(context, (size_t)regions + 1, sizeof *w->right);
    if (w->first == NULL || w->pool == NULL || w->slot == NULL || w->felled == NULL ||
        w->own == NULL || w->regional == NULL || w->at_most == NULL || w->worldwide == NULL ||
        w->psi == NULL || w->mix == NULL || w->prefix == NULL || w->suffix == NULL ||
        w->mass == NULL || w->adjoint == NULL || w->left == NULL || w->right == NULL)
        return false;

    for (uint32_t i = 0; i < n; i++)
        w->first[s->pools[i].region + 2]++;
    for (uint32_t r = 2; r < regions + 2; r++)
        w->first[r] += w->first[r - 1];
    for (uint32_t i = 0; i < n; i++) {
        w->slot[i] = w->first[s->pools[i].region + 1]++;
        w->pool[w->slot[i]] = i;
        w->own[w->slot[i]] = -expm1(-own_frac * s->pools[i].hazard);
    }
    /* A variable E ~ Exp(1) fells the first k: E is in (frac * hazard of the next, of the last]. */
    for (uint32_t k = 0; k <= n; k++) {
        double next = k < n ? exp(-s->global_frac * s->pools[k].hazard) : 1.0;
        w->worldwide[k] = next - last;
        last = next;
    }
    for (uint32_t r = 0; r < regions; r++) {
        last = 0.0;
        for (uint32_t i = w->first[r]; i <= w->first[r + 1]; i++) {
            double next =
                i < w->first[r + 1] ? exp(-s->region_frac * s->pools[w->pool[i]].hazard) : 1.0;
            w->regional[i + r] = next - last;
            w->at_most[i + r] = next;
            last = next;
        }
    }
    return true;
}

static void
finish(spotopt_context *context, work *w)
{
    void *all[] = {w->first,   w->pool,      w->slot, w->felled, w->own,  w->regional,
                   w->at_most, w->worldwide, w->psi,  w->mix,    w->left, w->right,
                   w->prefix,  w->suffix,    w->mass, w->adjoint};

    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        spotopt__free(context, all[i]);
}

/* z^cell * (1 - more + more * z): of one lost node. */
static wave
node_wave(const spotopt__shocked *p, const wave *z, const wave *z_cell)
{
    wave y = {1.0 - p->more + p->more * z->re, p->more * z->im};

    return mul(&y, z_cell);
}

/*
 * mass[state] of each region: its part of the product when the world has felled so many. The
 * region's own shock fells no more with at_most, else just k, whichever is larger counts.
 */
static void
regions_forward(work *w, uint32_t block, uint32_t cells, double radius)
{
    const spotopt__shocks *s = w->shocks;
    wave z = turn(block, 1, cells, radius), z_cell = z;
    uint32_t has = 1;

    for (uint32_t r = 0; r < s->region_count; r++) {
        uint32_t from = w->first[r], to = w->first[r + 1];
        wave *prefix = w->prefix + r, *suffix = w->suffix + r, *mass = w->mass + r, above = zero;

        prefix[from] = one;
        for (uint32_t i = from; i < to; i++) {
            const spotopt__shocked *p = &s->pools[w->pool[i]];
            if (p->cell != has) {
                z_cell = turn(block, p->cell, cells, radius);
                has = p->cell;
            }
            wave y = node_wave(p, &z, &z_cell),
                 base = {1.0 - p->share + p->share * y.re, p->share * y.im};
            w->psi[i] = power(base, p->nodes);
            w->mix[i] =
                (wave){1.0 - w->own[i] + w->own[i] * w->psi[i].re, w->own[i] * w->psi[i].im};
            prefix[i + 1] = mul(&prefix[i], &w->psi[i]);
        }
        suffix[to] = one;
        for (uint32_t i = to; i-- > from;)
            suffix[i] = mul(&suffix[i + 1], &w->mix[i]);
        for (uint32_t k = to + 1; k-- > from;) {
            wave f = mul(&prefix[k], &suffix[k]);
            mass[k] =
                (wave){w->at_most[k + r] * f.re + above.re, w->at_most[k + r] * f.im + above.im};
            above.re += w->regional[k + r] * f.re;
            above.im += w->regional[k + r] * f.im;
        }
    }
}

/* The sum over the world's states; with_adjoint: and its derivative by every mass. */
static wave
world(work *w, bool with_adjoint)
{
    const spotopt__shocks *s = w->shocks;
    wave sum = zero;

    for (uint32_t r = 0; r < s->region_count; r++)
        w->felled[r] = 0;
    for (uint32_t t = 0; t <= s->count; t++) {
        if (t > 0)
            w->felled[s->pools[t - 1].region]++;
        if (w->worldwide[t] == 0.0) /* pools of equal hazard fall together */
            continue;
        wave product = scale(w->worldwide[t], &one);
        for (uint32_t r = 0; r < s->region_count; r++) {
            w->left[r] = product;
            product = mul(&product, &w->mass[w->first[r] + r + w->felled[r]]);
        }
        sum.re += product.re;
        sum.im += product.im;
        if (!with_adjoint)
            continue;
        product = one;
        for (uint32_t r = s->region_count; r-- > 0;) {
            uint32_t at = w->first[r] + r + w->felled[r];
            w->adjoint[at] = fma_of(&w->left[r], &product, &w->adjoint[at]);
            product = mul(&product, &w->mass[at]);
        }
    }
    return sum;
}

/* From the derivatives by mass to those by each pool's psi, which take psi's place. */
static void
regions_backward(work *w)
{
    const spotopt__shocks *s = w->shocks;

    for (uint32_t r = 0; r < s->region_count; r++) {
        uint32_t from = w->first[r], to = w->first[r + 1];
        const wave *prefix = w->prefix + r, *suffix = w->suffix + r;
        wave *adjoint = w->adjoint + r, *up = w->mass + r, before = zero, other = zero;

        for (uint32_t k = from; k <= to; k++) { /* by prefix[k] * suffix[k] now */
            wave mine = adjoint[k];
            adjoint[k] = (wave){w->at_most[k + r] * mine.re + w->regional[k + r] * before.re,
                                w->at_most[k + r] * mine.im + w->regional[k + r] * before.im};
            before.re += mine.re;
            before.im += mine.im;
        }
        /* up[i]: over states that fell more than i pools, without prefix[i] and psi[i]. */
        for (uint32_t k = to; k > from; k--) {
            wave direct = mul(&adjoint[k], &suffix[k]);
            up[k] = k < to ? fma_of(&w->psi[k], &up[k + 1], &direct) : direct;
        }
        for (uint32_t i = from; i < to; i++) { /* other: over states that do not fell i */
            wave direct = mul(&adjoint[i], &prefix[i]);
            other.re += direct.re;
            other.im += direct.im;
            wave by_own = mul(&other, &suffix[i + 1]), by_shock = mul(&prefix[i], &up[i + 1]);
            other = mul(&other, &w->mix[i]);
            w->psi[i] =
                (wave){by_shock.re + w->own[i] * by_own.re, by_shock.im + w->own[i] * by_own.im};
        }
    }
}

/* In place, radix 2 (Cooley and Tukey 1965): sum over j of x[j] exp(2 pi i j m / count). */
static void
transform(double *re, double *im, uint32_t count)
{
    for (uint32_t i = 1, j = 0; i < count; i++) {
        uint32_t bit = count >> 1;
        for (; (j & bit) != 0; bit >>= 1)
            j ^= bit;
        j ^= bit;
        if (i < j) {
            double swap = re[i];
            re[i] = re[j];
            re[j] = swap;
            swap = im[i];
            im[i] = im[j];
            im[j] = swap;
        }
    }
    for (uint32_t half = 1; half < count; half <<= 1) {
        for (uint32_t k = 0; k < half; k++) {
            double angle = 3.141592653589793238 * k / half, c = cos(angle), s = sin(angle);
            for (uint32_t i = k; i < count; i += 2 * half) {
                double a = re[i + half] * c - im[i + half] * s,
                       b = re[i + half] * s + im[i + half] * c;
                re[i + half] = re[i] - a;
                im[i + half] = im[i] - b;
                re[i] += a;
                im[i] += b;
            }
        }
    }
}

bool
spotopt__shocks_distribution(spotopt_context *context, const spotopt__shocks *shocks,
                             uint32_t cells, double radius, double *out)
{
    double *im = spotopt__alloc_array(context, cells, sizeof *im), back = 1.0 / cells;
    work w;
    bool is_fine = prepare(context, shocks, &w) && im != NULL;

    for (uint32_t block = 0; is_fine && block * LANES <= cells / 2; block++) {
        regions_forward(&w, block, cells, radius);
        wave phi = world(&w, false);
        for (uint32_t l = 0; l < LANES && block * LANES + l <= cells / 2; l++) {
            uint32_t m = block * LANES + l;
            out[m] = phi.re[l];
            im[m] = phi.im[l];
            if (m > 0) {
                out[cells - m] = phi.re[l];
                im[cells - m] = m == cells - m ? phi.im[l] : -phi.im[l];
            }
        }
    }
    if (is_fine) {
        transform(out, im, cells);
        for (uint32_t j = 0; j < cells; j++) {
            out[j] = out[j] * back > 0.0 ? out[j] * back : 0.0;
            back /= radius;
        }
    }
    finish(context, &w);
    spotopt__free(context, im);
    return is_fine;
}

/* Adds each pool's share in this block: E[cells of its own * z^loss] against the tail's wave. */
static void
collect(const work *w, uint32_t block, uint32_t cells, const wave *tail, double *out)
{
    const spotopt__shocks *s = w->shocks;
    wave z = turn(block, 1, cells, 1.0), z_cell = z;
    uint32_t has = 1;

    for (uint32_t i = 0; i < s->count; i++) {
        const spotopt__shocked *p = &s->pools[w->pool[i]];
        if (p->cell != has) {
            z_cell = turn(block, p->cell, cells, 1.0);
            has = p->cell;
        }
        if (p->nodes == 0 || p->share == 0.0)
            continue;
        /* z times the derivative by z of (1 - share + share * node_wave)^nodes. */
        wave y = node_wave(p, &z, &z_cell),
             base = {1.0 - p->share + p->share * y.re, p->share * y.im}, slope = mul(&z, &z_cell);
        slope = (wave){p->cell * y.re + p->more * slope.re, p->cell * y.im + p->more * slope.im};
        base = power(base, p->nodes - 1);
        slope = mul(&slope, &base);
        slope = mul(&slope, &w->psi[i]);
        slope = mul(&slope, tail);
        for (uint32_t l = 0; l < LANES; l++)
            out[w->pool[i]] += p->nodes * p->share * slope.re[l];
    }
}

bool
spotopt__shocks_parts(spotopt_context *context, const spotopt__shocks *shocks, uint32_t cells,
                      const double *tail, double *out)
{
    double *re = spotopt__dup_array(context, tail, cells, sizeof *re),
           *im = spotopt__alloc_array(context, cells, sizeof *im);
    work w;
    bool is_fine = prepare(context, shocks, &w) && re != NULL && im != NULL;

    if (is_fine)
        transform(re, im, cells);
    for (uint32_t i = 0; i < shocks->count; i++)
        out[i] = 0.0;
    for (uint32_t block = 0; is_fine && block * LANES <= cells / 2; block++) {
        wave against = zero;

        /* A frequency and its mirror give twice the real part; 0 and the middle are alone. */
        for (uint32_t l = 0; l < LANES && block * LANES + l <= cells / 2; l++) {
            uint32_t m = block * LANES + l;
            double weight = (m == 0 || m == cells / 2 ? 1.0 : 2.0) / cells;
            against.re[l] = weight * re[m];
            against.im[l] = weight * im[m];
        }
        memset(w.adjoint, 0, ((size_t)shocks->count + shocks->region_count) * sizeof *w.adjoint);
        regions_forward(&w, block, cells, 1.0);
        (void)world(&w, true);
        regions_backward(&w);
        collect(&w, block, cells, &against, out);
    }
    finish(context, &w);
    spotopt__free(context, re);
    spotopt__free(context, im);
    return is_fine;
}
