/* SPDX-License-Identifier: Apache-2.0 */
/*
 * run_pack.c - packs what .case files state and holds the answer against what they expect.
 *
 *   # what the case is about
 *   resources cpu memory
 *   pool   NAME AMOUNT.. cost C [min N] [max N] [KEY=VALUE..]
 *   demand NAME COUNT x AMOUNT.. [on POOL,..] [move C] [optional C]
 *   node   NAME POOL [cost C] [holds DEMAND=N,..] [fixed DEMAND=N,..]
 *   rule   KIND [FIELD VALUE..]         fields as in the document; lists and maps with commas
 *   expect outcome WORD | cost C | bound C | gap below G | fleet POOL=N,.. | keeps NODE,.. |
 * unplaced DEMAND=N,.. | why DEMAND TEXT
 */
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "spotopt/pack.h"

#define LINES 200
#define WORDS 40

typedef struct text {
    char at[60000];
    size_t count;
} text;

static void
add(text *t, const char *words)
{
    size_t length = strlen(words);

    if (t->count + length + 1 > sizeof t->at)
        exit(2);
    memcpy(t->at + t->count, words, length + 1);
    t->count += length;
}

static void
add_quoted(text *t, const char *word)
{
    add(t, "\"");
    add(t, word);
    add(t, "\"");
}

/* a,b -> ["a","b"]; a=1,b=2 -> {"a":1,"b":2} */
static void
add_list(text *t, char *words, bool is_map)
{
    bool first = true;

    add(t, is_map ? "{" : "[");
    for (char *word = strtok(words, ","); word != NULL; word = strtok(NULL, ",")) {
        char *value = is_map ? strchr(word, '=') : NULL;
        add(t, first ? "" : ",");
        first = false;
        if (value != NULL)
            *value++ = '\0';
        add_quoted(t, word);
        if (value != NULL) {
            add(t, ":");
            add(t, value);
        }
    }
    add(t, is_map ? "}" : "]");
}

static void
add_amounts(text *t, char **word, size_t from, size_t count)
{
    add(t, "[");
    for (size_t i = 0; i < count; i++) {
        add(t, i > 0 ? "," : "");
        add(t, word[from + i]);
    }
    add(t, "]");
}

static void
add_pool(text *t, char **word, size_t words, size_t resources)
{
    bool labels = false;

    add(t, "{\"id\":");
    add_quoted(t, word[1]);
    add(t, ",\"capacity\":");
    add_amounts(t, word, 2, resources);
    for (size_t i = 2 + resources; i + 1 < words && strchr(word[i], '=') == NULL; i += 2) {
        add(t, ",");
        add_quoted(t, word[i]);
        add(t, ":");
        add(t, word[i + 1]);
    }
    for (size_t i = 2 + resources; i < words; i++) {
        char *value = strchr(word[i], '=');
        if (value == NULL)
            continue;
        *value++ = '\0';
        add(t, labels ? "," : ",\"labels\":{");
        labels = true;
        add_quoted(t, word[i]);
        add(t, ":");
        add_quoted(t, value);
    }
    add(t, labels ? "}}" : "}");
}

static void
add_demand(text *t, char **word, size_t words, size_t resources)
{
    add(t, "{\"id\":");
    add_quoted(t, word[1]);
    add(t, ",\"count\":");
    add(t, word[2]);
    add(t, ",\"request\":");
    add_amounts(t, word, 4, resources);
    for (size_t i = 4 + resources; i + 1 < words; i += 2) {
        bool on = strcmp(word[i], "on") == 0;
        add(t, on                             ? ",\"pools\":"
               : strcmp(word[i], "move") == 0 ? ",\"move_cost\":"
                                              : ",\"unplaced_cost\":");
        if (on)
            add_list(t, word[i + 1], false);
        else
            add(t, word[i + 1]);
    }
    add(t, "}");
}

static void
add_node(text *t, char **word, size_t words)
{
    add(t, "{\"id\":");
    add_quoted(t, word[1]);
    add(t, ",\"pool\":");
    add_quoted(t, word[2]);
    for (size_t i = 3; i + 1 < words; i += 2) {
        add(t, ",");
        add_quoted(t, word[i]);
        add(t, ":");
        if (strcmp(word[i], "cost") == 0)
            add(t, word[i + 1]);
        else
            add_list(t, word[i + 1], true);
    }
    add(t, "}");
}

static void
add_rule(text *t, char **word, size_t words)
{
    static const char *const lists[] = {"demands", "from", "to", "for"};
    static const char *const texts[] = {"per", "key", "value", "of"};

    add(t, "{\"rule\":");
    add_quoted(t, word[1]);
    for (size_t i = 2; i + 1 < words; i += 2) {
        bool list = false, quoted = false;
        for (size_t k = 0; k < 4; k++) {
            list = list || strcmp(word[i], lists[k]) == 0;
            quoted = quoted || strcmp(word[i], texts[k]) == 0;
        }
        add(t, ",");
        add_quoted(t, word[i]);
        add(t, ":");
        if (list)
            add_list(t, word[i + 1], false);
        else if (quoted)
            add_quoted(t, word[i + 1]);
        else if (strcmp(word[i], "values") == 0)
            add_list(t, word[i + 1], true);
        else
            add(t, word[i + 1]);
    }
    add(t, "}");
}

static size_t
split(char *line, char **word)
{
    size_t words = 0;

    for (char *at = strtok(line, " \t\n"); at != NULL && words < WORDS; at = strtok(NULL, " \t\n"))
        word[words++] = at;
    return words;
}

static uint32_t
count_nodes(const spotopt_problem *problem, const spotopt_packing *packing, const char *pool,
            const char *node)
{
    uint32_t total = 0;

    for (size_t i = 0; i < spotopt_packing_row_count(packing); i++) {
        spotopt_packing_row row = SPOTOPT_PACKING_ROW_INIT;
        if (spotopt_packing_row_at(packing, i, &row, NULL) != SPOTOPT_OK)
            exit(2);
        if (pool != NULL && strcmp(spotopt_problem_pool_id(problem, row.pool), pool) == 0)
            total += row.count;
        if (node != NULL && row.node != SPOTOPT_NO_NODE &&
            strcmp(spotopt_problem_node_id(problem, row.node), node) == 0)
            total++;
    }
    return total;
}

static uint32_t
find_demand(const spotopt_problem *problem, const char *id)
{
    for (uint32_t d = 0; d < spotopt_problem_demand_count(problem); d++) {
        if (strcmp(spotopt_problem_demand_id(problem, d), id) == 0)
            return d;
    }
    return UINT32_MAX;
}

static bool
is_near(double x, double y)
{
    return fabs(x - y) <= 1e-6 * fmax(1.0, fabs(y));
}

/* One expectation; its words are used up. */
static bool
holds(const spotopt_problem *problem, const spotopt_packing *packing, char **word, size_t words)
{
    static const char *const outcomes[] = {"", "optimal", "feasible", "infeasible", "stopped"};

    if (words < 2)
        return false;
    if (strcmp(word[0], "outcome") == 0)
        return strcmp(outcomes[spotopt_packing_outcome(packing)], word[1]) == 0;
    if (strcmp(word[0], "cost") == 0)
        return is_near(spotopt_packing_cost(packing), strtod(word[1], NULL));
    if (strcmp(word[0], "bound") == 0)
        return is_near(spotopt_packing_bound(packing), strtod(word[1], NULL));
    if (strcmp(word[0], "gap") == 0 && words == 3)
        return spotopt_packing_gap(packing) <= strtod(word[2], NULL);
    if (strcmp(word[0], "why") == 0) {
        for (size_t i = 0; i < spotopt_packing_why_count(packing); i++) {
            uint32_t demand = 0;
            const char *reason = spotopt_packing_why_at(packing, i, &demand);
            bool all = demand == find_demand(problem, word[1]);
            for (size_t w = 2; w < words; w++)
                all = all && strstr(reason, word[w]) != NULL;
            if (all)
                return true;
        }
        return false;
    }
    for (char *item = strtok(word[1], ","); item != NULL; item = strtok(NULL, ",")) {
        char *value = strchr(item, '=');
        uint32_t wanted = 1, found;
        if (value != NULL) {
            *value++ = '\0';
            wanted = (uint32_t)strtoul(value, NULL, 10);
        }
        if (strcmp(word[0], "fleet") == 0)
            found = count_nodes(problem, packing, item, NULL);
        else if (strcmp(word[0], "keeps") == 0)
            found = count_nodes(problem, packing, NULL, item);
        else if (strcmp(word[0], "unplaced") == 0)
            found = spotopt_packing_unplaced(packing, find_demand(problem, item));
        else
            return false;
        if (found != wanted)
            return false;
    }
    return true;
}

static int
run_case(const char *path)
{
    static text document, part[4]; /* pools, demands, nodes, rules */
    static char line[LINES][1000], expectations[LINES][1000];
    size_t lines = 0, expected = 0, resources = 0;
    char *word[WORDS];
    FILE *file = fopen(path, "r");
    spotopt_error err = SPOTOPT_ERROR_INIT;
    spotopt_problem *problem = NULL;
    spotopt_packing *packing = NULL;
    spotopt_options *options = NULL;
    int wrong = 0;

    if (file == NULL)
        return fprintf(stderr, "%s: cannot be read\n", path), 1;
    while (lines < LINES && fgets(line[lines], sizeof line[0], file) != NULL)
        lines++;
    fclose(file);
    document.count = 0;
    for (size_t k = 0; k < 4; k++) {
        part[k].count = 0;
        part[k].at[0] = '\0';
    }
    add(&document, "{\"kind\":\"PackingProblem\",\"resources\":[");
    for (size_t l = 0; l < lines; l++) {
        size_t words, kind;
        if (strncmp(line[l], "expect ", 7) == 0) {
            memcpy(expectations[expected++], line[l] + 7, sizeof line[0] - 7);
            continue;
        }
        words = split(line[l], word);
        if (words == 0 || word[0][0] == '#')
            continue;
        if (strcmp(word[0], "resources") == 0) {
            for (resources = 0; resources + 1 < words; resources++) {
                add(&document, resources > 0 ? "," : "");
                add_quoted(&document, word[resources + 1]);
            }
            continue;
        }
        kind = strcmp(word[0], "pool") == 0     ? 0
               : strcmp(word[0], "demand") == 0 ? 1
               : strcmp(word[0], "node") == 0   ? 2
                                                : 3;
        add(&part[kind], part[kind].count > 0 ? "," : "");
        if (kind == 0)
            add_pool(&part[kind], word, words, resources);
        else if (kind == 1)
            add_demand(&part[kind], word, words, resources);
        else if (kind == 2)
            add_node(&part[kind], word, words);
        else
            add_rule(&part[kind], word, words);
    }
    add(&document, "],\"pools\":[");
    add(&document, part[0].at);
    add(&document, "],\"demands\":[");
    add(&document, part[1].at);
    add(&document, "],\"nodes\":[");
    add(&document, part[2].at);
    add(&document, "],\"rules\":[");
    add(&document, part[3].at);
    add(&document, "]}");
    if (spotopt_options_new(NULL, &options, &err) != SPOTOPT_OK ||
        spotopt_options_set_real(options, "gap_rel", 0.0, &err) != SPOTOPT_OK ||
        spotopt_problem_parse(NULL, document.at, document.count, path, &problem, &err) !=
            SPOTOPT_OK ||
        spotopt_problem_solve(problem, options, &packing, &err) != SPOTOPT_OK) {
        fprintf(stderr, "%s: %s\n", path, err.message);
        wrong = 1;
    }
    for (size_t e = 0; e < expected && wrong == 0; e++) {
        char *rest = expectations[e];
        for (char *next; rest != NULL; rest = next) { /* a; b; c */
            char shown[1000];
            size_t words;
            next = strchr(rest, ';');
            if (next != NULL)
                *next++ = '\0';
            memcpy(shown, rest, strlen(rest) + 1);
            words = split(rest, word);
            if (words > 0 && !holds(problem, packing, word, words)) {
                fprintf(stderr, "%s: not so: %s (outcome %d, cost %f, bound %f)\n", path, shown,
                        (int)spotopt_packing_outcome(packing), spotopt_packing_cost(packing),
                        spotopt_packing_bound(packing));
                wrong++;
            }
        }
    }
    if (expected == 0)
        wrong = fprintf(stderr, "%s: it expects nothing\n", path) > 0;
    spotopt_packing_free(packing);
    spotopt_problem_free(problem);
    spotopt_options_free(options);
    return wrong;
}

int
main(int argc, char **argv)
{
    int wrong = 0;

    for (int i = 1; i < argc; i++)
        wrong += run_case(argv[i]);
    printf("%d cases, %d wrong\n", argc - 1, wrong);
    return wrong > 0 || argc < 2;
}
