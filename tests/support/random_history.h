/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_SUPPORT_RANDOM_HISTORY_H
#define TESTS_SUPPORT_RANDOM_HISTORY_H
/* Histories made of rows, and random ones, for tests that look at what is learned from them. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/base.h"
#include "model/history.h"

typedef struct history_row {
    unsigned pool;
    double time_s, nodes; /* NaN: the observation ends */
} history_row;

typedef struct history_text {
    char *text;
    size_t length, room;
} history_text;

static inline void
history_put(history_text *to, const char *line)
{
    size_t length = strlen(line);

    if (to->length + length + 1 > to->room) {
        to->room = 2 * to->room + length + 4096;
        to->text = realloc(to->text, to->room);
        if (to->text == NULL)
            abort();
    }
    memcpy(to->text + to->length, line, length + 1);
    to->length += length;
}

/* Pool i is of region i % regions. Rows of a pool together, times ascending. */
static inline spotopt_history *
history_of_rows(const history_row *rows, size_t count, unsigned regions)
{
    history_text csv = {0};
    spotopt_history *history = NULL;
    spotopt_error err = SPOTOPT_ERROR_INIT;
    char line[160], nodes[32];

    history_put(&csv, "pool,region,zone,instance_type,time_s,nodes_up\n");
    for (size_t i = 0; i < count; i++) {
        nodes[0] = '\0';
        if (!isnan(rows[i].nodes))
            snprintf(nodes, sizeof nodes, "%.0f", rows[i].nodes);
        snprintf(line, sizeof line, "p%u,r%u,r%ua,m5.large,%.17g,%s\n", rows[i].pool,
                 rows[i].pool % regions, rows[i].pool % regions, rows[i].time_s, nodes);
        history_put(&csv, line);
    }
    if (spotopt_history_parse(NULL, csv.text, csv.length, "random", &history, &err) != SPOTOPT_OK) {
        fprintf(stderr, "%s\n", err.message);
        abort();
    }
    free(csv.text);
    return history;
}

/*
 * Up to `rows_each` changes a pool in about `days`, counts 0 to `nodes`, every 15th a gap. Times
 * are whole seconds. The caller frees the rows.
 */
static inline history_row *
random_rows(uint64_t seed, unsigned pools, size_t rows_each, double days, unsigned nodes,
            size_t *out_count)
{
    history_row *rows = calloc(pools * rows_each, sizeof *rows);
    spotopt__rng rng;
    size_t count = 0;

    if (rows == NULL)
        abort();
    spotopt__rng_seed(&rng, seed);
    for (unsigned pool = 0; pool < pools; pool++) {
        double time_s = floor(spotopt__rng_unit(&rng) * 20000.0), up = -1.0;

        for (size_t i = 0; i < rows_each; i++) {
            double to;

            if (i > 0 && up >= 0.0 && spotopt__rng_below(&rng, 15) == 0) {
                to = NAN;
            } else {
                do
                    to = (double)spotopt__rng_below(&rng, nodes + 1);
                while (to == up);
            }
            rows[count++] = (history_row){pool, time_s, to};
            up = isnan(to) ? -1.0 : to;
            /* Bursts and calms. */
            double mean_s = days * 86400.0 / (double)rows_each *
                            (spotopt__rng_below(&rng, 3) == 0 ? 2.5 : 0.25);
            time_s += 1.0 + floor(-mean_s * log(1.0 - spotopt__rng_unit(&rng)));
        }
    }
    *out_count = count;
    return rows;
}

#endif
