/* SPDX-License-Identifier: Apache-2.0 */
/*
 * metrics.c - how good forecasts of a yes or no were.
 *
 * Rows are sorted by forecast once (radix, stable); everything else is one pass over them. Brier
 * score and its skill against a constant (Brier 1950; Murphy 1988), area under the ROC curve as the
 * Mann-Whitney share with ties one half, the same within pools weighted by pairs, log loss with
 * forecasts kept 1e-6 off 0 and 1. The reliability curve has bins of equal count; equal forecasts
 * stay in one bin. On these bins Brier = reliability - resolution + uncertainty + within_bin
 * (Murphy 1973; the last term is what forecasts differ inside a bin: Stephenson, Coelho and
 * Jolliffe 2008), and the calibration error is the mean distance of the curve from the diagonal.
 */
#include "risk/metrics.h"
#include <math.h>

#define DAY_S 86400.0
#define CLIP 1e-6

bool
spotopt__sort_by_key(spotopt_context *context, uint64_t *key, uint32_t *index, size_t count)
{
    uint64_t *other_key = spotopt__alloc_array(context, count + 1, sizeof *other_key);
    uint32_t *other_index = spotopt__alloc_array(context, count + 1, sizeof *other_index);
    size_t(*tally)[256] = spotopt__alloc_array(context, 8, sizeof *tally);
    bool is_fine = other_key != NULL && other_index != NULL && tally != NULL;

    for (size_t i = 0; is_fine && i < count; i++) {
        for (int digit = 0; digit < 8; digit++)
            tally[digit][key[i] >> 8 * digit & 255]++;
    }
    uint64_t *from_key = key, *to_key = other_key;
    uint32_t *from = index, *to = other_index;
    for (int digit = 0; is_fine && count > 0 && digit < 8; digit++) {
        size_t *start = tally[digit], at = 0;

        if (start[from_key[0] >> 8 * digit & 255] == count)
            continue; /* all alike */
        for (int value = 0; value < 256; value++) {
            size_t many = start[value];

            start[value] = at;
            at += many;
        }
        for (size_t i = 0; i < count; i++) {
            size_t place = start[from_key[i] >> 8 * digit & 255]++;

            to_key[place] = from_key[i];
            to[place] = from[i];
        }
        uint64_t *swap_key = from_key;
        uint32_t *swap = from;
        from_key = to_key;
        to_key = swap_key;
        from = to;
        to = swap;
    }
    if (is_fine && from != index && count > 0) {
        memcpy(key, from_key, count * sizeof *key);
        memcpy(index, from, count * sizeof *index);
    }
    spotopt__free(context, other_key);
    spotopt__free(context, other_index);
    spotopt__free(context, tally);
    return is_fine;
}

bool
spotopt__days_of(spotopt_context *context, const double *time_s, size_t count, uint32_t *out_day,
                 uint32_t *out_days)
{
    uint64_t *key = spotopt__alloc_array(context, count + 1, sizeof *key);
    uint32_t *index = spotopt__alloc_array(context, count + 1, sizeof *index);
    bool is_fine = key != NULL && index != NULL;
    double first = INFINITY;
    uint32_t days = 0;

    for (size_t i = 0; i < count; i++)
        first = fmin(first, floor(time_s[i] / DAY_S));
    for (size_t i = 0; is_fine && i < count; i++) {
        key[i] = (uint64_t)(floor(time_s[i] / DAY_S) - first);
        index[i] = (uint32_t)i;
    }
    is_fine = is_fine && spotopt__sort_by_key(context, key, index, count);
    for (size_t i = 0; is_fine && i < count; i++) {
        days += i > 0 && key[i] != key[i - 1];
        out_day[index[i]] = days;
    }
    if (is_fine)
        *out_days = days + (count > 0);
    spotopt__free(context, key);
    spotopt__free(context, index);
    return is_fine;
}

bool
spotopt__sorted_make(spotopt_context *context, const double *p, const uint8_t *y,
                     const double *time_s, const uint32_t *pool, size_t count, spotopt__sorted *out)
{
    spotopt__sorted rows = {.count = count, .pools = 1};
    uint64_t *key = spotopt__alloc_array(context, count + 1, sizeof *key);
    uint32_t *index = spotopt__alloc_array(context, count + 1, sizeof *index);
    uint32_t *day = spotopt__alloc_array(context, count + 1, sizeof *day);
    bool is_fine;

    rows.p = spotopt__alloc_array(context, count + 1, sizeof *rows.p);
    rows.y = spotopt__alloc_array(context, count + 1, sizeof *rows.y);
    rows.day = spotopt__alloc_array(context, count + 1, sizeof *rows.day);
    rows.pool = spotopt__alloc_array(context, count + 1, sizeof *rows.pool);
    is_fine = key != NULL && index != NULL && day != NULL && rows.p != NULL && rows.y != NULL &&
              rows.day != NULL && rows.pool != NULL &&
              spotopt__days_of(context, time_s, count, day, &rows.days);
    for (size_t i = 0; is_fine && i < count; i++) {
        double positive = p[i] + 0.0; /* not -0, whose bits sort last */

        memcpy(&key[i], &positive, sizeof positive);
        index[i] = (uint32_t)i;
    }
    is_fine = is_fine && spotopt__sort_by_key(context, key, index, count);
    for (size_t i = 0; is_fine && i < count; i++) {
        rows.p[i] = p[index[i]] + 0.0;
        rows.y[i] = y[index[i]] != 0;
        rows.day[i] = day[index[i]];
        rows.pool[i] = pool != NULL ? pool[index[i]] : 0;
        rows.pools = rows.pool[i] >= rows.pools ? rows.pool[i] + 1 : rows.pools;
    }
    spotopt__free(context, key);
    spotopt__free(context, index);
    spotopt__free(context, day);
    if (is_fine)
        *out = rows;
    else
        spotopt__sorted_free(context, &rows);
    return is_fine;
}

void
spotopt__sorted_free(spotopt_context *context, spotopt__sorted *rows)
{
    spotopt__free(context, rows->p);
    spotopt__free(context, rows->y);
    spotopt__free(context, rows->day);
    spotopt__free(context, rows->pool);
    *rows = (spotopt__sorted){0};
}

double
spotopt__auc(const double *p, const uint8_t *y, size_t count)
{
    double yes = 0.0, no = 0.0, won = 0.0;

    for (size_t i = 0; i < count;) {
        const double at = p[i];
        double yes_here = 0.0, no_here = 0.0;

        for (; i < count && p[i] == at; i++) {
            yes_here += y[i];
            no_here += !y[i];
        }
        won += yes_here * (no + 0.5 * no_here);
        yes += yes_here;
        no += no_here;
    }
    return yes > 0.0 && no > 0.0 ? won / (yes * no) : NAN;
}

/* Each pool's rows lie together after one counting pass, still by rising forecast. */
static bool
within_pools(spotopt_context *context, const spotopt__sorted *rows, double *out)
{
    size_t *first = spotopt__alloc_array(context, (size_t)rows->pools + 1, sizeof *first);
    double *p = spotopt__alloc_array(context, rows->count + 1, sizeof *p);
    uint8_t *y = spotopt__alloc_array(context, rows->count + 1, sizeof *y);
    bool is_fine = first != NULL && p != NULL && y != NULL;
    double sum = 0.0, weights = 0.0;
    size_t at = 0;

    for (size_t i = 0; is_fine && i < rows->count; i++)
        first[rows->pool[i] + 1]++;
    for (uint32_t k = 1; is_fine && k <= rows->pools; k++)
        first[k] += first[k - 1];
    for (size_t i = 0; is_fine && i < rows->count; i++) {
        size_t place = first[rows->pool[i]]++;

        p[place] = rows->p[i];
        y[place] = rows->y[i];
    }
    for (uint32_t k = 0; is_fine && k < rows->pools; k++) {
        double yes = 0.0, all = (double)(first[k] - at);

        for (size_t i = at; i < first[k]; i++)
            yes += y[i];
        if (yes > 0.0 && yes < all) {
            sum += yes * (all - yes) * spotopt__auc(p + at, y + at, first[k] - at);
            weights += yes * (all - yes);
        }
        at = first[k];
    }
    if (is_fine)
        *out = weights > 0.0 ? sum / weights : NAN;
    spotopt__free(context, first);
    spotopt__free(context, p);
    spotopt__free(context, y);
    return is_fine;
}

/* Bin k ends at the first change of the forecast at or after row k n / 10 (halves to even). */
static void
cut_bins(const spotopt__sorted *rows, spotopt__scores *s)
{
    size_t at = 0;

    s->bin_count = 0;
    for (int k = 1; k <= SPOTOPT__BINS; k++) {
        size_t to = (size_t)nearbyint((double)k * (double)rows->count / SPOTOPT__BINS);
        double forecast = 0.0, seen = 0.0;

        to = to < 1 ? 1 : to > rows->count ? rows->count : to;
        while (to < rows->count && rows->p[to] == rows->p[to - 1])
            to++;
        if (to <= at)
            continue;
        for (size_t i = at; i < to; i++) {
            forecast += rows->p[i];
            seen += rows->y[i];
        }
        s->bins[s->bin_count++] =
            (spotopt__bin){to - at, rows->p[at], rows->p[to - 1], forecast / (double)(to - at),
                           seen / (double)(to - at)};
        at = to;
    }
}

bool
spotopt__scores_make(spotopt_context *context, const spotopt__sorted *rows, double reference,
                     spotopt__scores *out)
{
    spotopt__scores s = {.count = rows->count, .days = rows->days};
    double n = (double)rows->count, squares = 0.0, flat = 0.0, yes = 0.0, loss = 0.0;

    assert(rows->count > 0);
    for (size_t i = 0; i < rows->count; i++)
        yes += rows->y[i];
    s.base_rate = yes / n;
    s.reference = isnan(reference) ? s.base_rate : reference;
    for (size_t i = 0; i < rows->count; i++) {
        double p = rows->p[i], y = rows->y[i], kept = fmin(fmax(p, CLIP), 1.0 - CLIP);

        squares += (p - y) * (p - y);
        flat += (s.reference - y) * (s.reference - y);
        loss -= rows->y[i] ? log(kept) : log(1.0 - kept);
    }
    s.brier = squares / n;
    s.bss = flat > 0.0 ? 1.0 - squares / flat : NAN;
    s.log_loss = loss / n;
    s.auc = spotopt__auc(rows->p, rows->y, rows->count);
    s.auc_low = s.auc_high = s.bss_low = s.bss_high = NAN;
    if (!within_pools(context, rows, &s.within_pool_auc))
        return false;
    cut_bins(rows, &s);
    for (uint32_t k = 0; k < s.bin_count; k++) {
        const spotopt__bin *bin = &s.bins[k];
        double share = (double)bin->count / n, off = bin->forecast - bin->seen,
               apart = bin->seen - s.base_rate;

        s.ece += share * fabs(off);
        s.reliability += share * off * off;
        s.resolution += share * apart * apart;
    }
    s.uncertainty = s.base_rate * (1.0 - s.base_rate);
    s.within_bin = s.brier - (s.reliability - s.resolution + s.uncertainty);
    *out = s;
    return true;
}
