/* SPDX-License-Identifier: Apache-2.0 */
/*
 * price_bound.c - how much a room can hold at most, in several dimensions.
 *
 * Each part at its price less what it takes of the room at prices lambda, plus the room's worth
 * (Lagrange; lambda by subgradient steps), and knapsack tables over one dimension with the others
 * at prices lambda. Lambda is made whole before anything is claimed of it, so that bounds are
 * proved; they are looked up while searching, in price_dig.c.
 */
#include "pack/price_vector.h"

void
spotopt__price_gains(spotopt__pricer *p, const uint32_t *list, uint32_t count, const double *lambda)
{
    for (uint32_t r = 0; r < p->lanes; r++)
        p->whole[r] = (int64_t)(lambda[r] * p->share[r] * (1 << SPOTOPT__PRICE_SHIFT));
    for (uint32_t c = 0; c < count; c++) {
        const int32_t *size = p->size + (size_t)list[c] * p->lanes;
        int64_t gain = p->price[list[c]] * (1 << SPOTOPT__PRICE_SHIFT);
        for (uint32_t r = 0; r < p->lanes; r++)
            gain -= p->whole[r] * size[r];
        p->gain[list[c]] = gain > 0 ? gain * p->most[list[c]] : 0;
    }
}

void
spotopt__price_tune(spotopt__pricer *p, const uint32_t *list, uint32_t count, const int32_t *room,
                    double target, uint32_t turns, double *lambda)
{
    const uint32_t lanes = p->lanes;
    double now[64], best = INFINITY;

    memcpy(now, lambda, lanes * sizeof *now);
    for (uint32_t turn = 0; turn <= turns; turn++) {
        double slope[64], value = 0.0, norm = 0.0, price[64];
        for (uint32_t r = 0; r < lanes; r++) {
            slope[r] = room[r] * p->share[r];
            value += now[r] * slope[r];
            price[r] = now[r] * p->share[r];
        }
        for (uint32_t c = 0; c < count; c++) {
            const int32_t *size = p->size + (size_t)list[c] * lanes;
            double gain = (double)p->price[list[c]];
            for (uint32_t r = 0; r < lanes; r++)
                gain -= price[r] * size[r];
            if (gain <= 0.0)
                continue;
            value += gain * p->most[list[c]];
            for (uint32_t r = 0; r < lanes; r++)
                slope[r] -= p->share[r] * size[r] * p->most[list[c]];
        }
        if (value < best) {
            best = value;
            memcpy(lambda, now, lanes * sizeof *now);
        }
        for (uint32_t r = 0; r < lanes; r++) {
            if (slope[r] > 0.0 && now[r] <= 0.0)
                slope[r] = 0.0;
            norm += slope[r] * slope[r];
        }
        if (norm <= 0.0 || value <= target)
            return;
        for (uint32_t r = 0; r < lanes; r++) {
            now[r] -= 0.7 * (value - 0.97 * target) / norm * slope[r];
            now[r] = now[r] > 0.0 ? fmin(now[r], 0x1p40) : 0.0;
        }
    }
}

void
spotopt__price_tables(spotopt__pricer *p, const uint32_t *list, uint32_t count, const int32_t *top)
{
    const uint32_t lanes = p->lanes;
    unsigned char used[64] = {0};

    for (p->tables = 0; p->tables < SPOTOPT__PRICE_TABLES; p->tables++) {
        spotopt__price_table *t = &p->table[p->tables];
        int64_t most = 0, high = 0;
        for (uint32_t k = 0; k < p->parts; k++)
            high += p->price[k] * p->most[k] * (1 << SPOTOPT__PRICE_SHIFT);
        for (uint32_t r = 0; r < p->bare->dims; r++) {
            if (!used[r] && p->whole[r] * top[r] > most) {
                most = p->whole[r] * top[r];
                t->dim = r;
            }
        }
        if (most == 0)
            break;
        used[t->dim] = 1;
        t->unit = top[t->dim] / SPOTOPT__PRICE_CELLS_MOST + 1;
        t->width = (uint32_t)(top[t->dim] / t->unit) + 1;
        for (t->drop = 0; (high >> t->drop) >= 1 << 28; t->drop++)
            ;
        /* Parts that fit nowhere have rows, too: as those behind them. */
        memset(t->cell + (size_t)p->parts * t->width, 0, t->width * sizeof *t->cell);
        for (uint32_t k = p->parts, c = count; k-- > 0;) {
            int32_t *row = t->cell + (size_t)k * t->width;
            const int32_t *size = p->size + (size_t)k * lanes, *behind = row + t->width;
            int64_t gain = p->price[k] * (1 << SPOTOPT__PRICE_SHIFT);
            uint32_t space = (uint32_t)(size[t->dim] / t->unit);
            int32_t step;
            for (uint32_t r = 0; r < lanes; r++)
                gain -= r == t->dim ? 0 : p->whole[r] * size[r];
            if (c == 0 || list[c - 1] != k || gain <= 0) {
                c -= c > 0 && list[c - 1] == k;
                memcpy(row, behind, t->width * sizeof *row);
                continue;
            }
            c--;
            step = (int32_t)(((gain - 1) >> t->drop) + 1);
            if (space == 0) {
                for (uint32_t w = 0; w < t->width; w++)
                    row[w] = behind[w] + step * (int32_t)p->most[k];
                continue;
            }
            memcpy(row, behind, space * sizeof *row);
            for (uint32_t w = space; w < t->width; w++)
                row[w] =
                    behind[w] > behind[w - space] + step ? behind[w] : behind[w - space] + step;
            for (uint32_t copy = 2; copy <= p->most[k] && copy * space < t->width; copy++) {
                for (uint32_t w = t->width; w-- > copy * space;)
                    row[w] = row[w] > behind[w - copy * space] + (int32_t)copy * step
                                 ? row[w]
                                 : behind[w - copy * space] + (int32_t)copy * step;
            }
        }
    }
}
