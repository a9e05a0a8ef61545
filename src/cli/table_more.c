/* SPDX-License-Identifier: Apache-2.0 */
/*
 * table_more.c - packings, rankings and drains on a terminal.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "certificate.h"
#include "table.h"
#include "view.h"

enum { ROWS_SHOWN = 60 };

void
print_more(size_t all, size_t shown, const char *what, text *out)
{
    if (all > shown)
        text_addf(out, "  and %zu more %s; -o json names them all\n", all - shown, what);
}

/* "web 8, api 2" */
static void
add_holds(text *out, const cJSON *row)
{
    const char *between = "";

    text_add(out, "");
    for (const cJSON *hold = doc_fields(row, "holds"); hold != NULL; hold = hold->next) {
        text_addf(out, "%s%s %s", between, hold->string != NULL ? hold->string : "",
                  show_count(doc_value(hold)).at);
        between = ", ";
    }
}

void
print_packing(const cJSON *doc, const style *s, text *out)
{
    char titles[] = "nodes>|pool|running node|holds on each";
    const char *outcome = doc_text(doc, "outcome");
    const bool is_good = strcmp(outcome, "optimal") == 0 || strcmp(outcome, "feasible") == 0;
    size_t rows = 0;
    double nodes = 0.0;
    table t;

    for (const cJSON *row = doc_list(doc, "nodes"); row != NULL; row = row->next) {
        const double count = doc_number(row, "count");

        nodes += isnan(count) ? 0.0 : count;
    }
    text_add(out, "  ");
    add_ink(out, s, is_good ? INK_GOOD : INK_BAD, outcome);
    text_addf(out, ": cost %s on %s nodes, bound %s, gap %s",
              show_real(doc_number(doc, "cost"), 4).at, show_count(nodes).at,
              show_real(doc_number(doc, "bound"), 4).at,
              show_percent(doc_number(doc, "gap"), 2).at);
    if (!isnan(doc_number(doc, "stats.seconds")))
        text_addf(out, ", %s", show_seconds(doc_number(doc, "stats.seconds")).at);
    text_add(out, "\n\n");
    table_init(&t, titles);
    for (const cJSON *row = doc_list(doc, "nodes"); row != NULL; row = row->next) {
        text holds = {0};

        if (rows++ >= ROWS_SHOWN)
            continue;
        add_holds(&holds, row);
        table_cell(&t, show_count(doc_number(row, "count")).at, s);
        table_cell(&t, doc_text(row, "pool"), s);
        table_cell(&t, doc_at(row, "node") != NULL ? doc_text(row, "node") : "-", s);
        table_cell(&t, holds.at, s);
        text_free(&holds);
    }
    if (rows > 0)
        table_print(&t, s, out);
    print_more(rows, ROWS_SHOWN, "rows", out);
    rows = 0;
    for (const cJSON *left = doc_fields(doc, "unplaced"); left != NULL; left = left->next) {
        if (rows++ == 0) {
            text_add(out, "\n");
            add_ink(out, s, INK_BAD, "  not placed");
            text_add(out, "\n");
        }
        if (rows > ROWS_SHOWN)
            continue;
        text_addf(out, "  %5s  ", show_count(doc_value(left)).at);
        text_add_clean(out, left->string != NULL ? left->string : "", s->utf8);
        text_add(out, "\n");
    }
    print_more(rows, ROWS_SHOWN, "demands", out);
    rows = 0;
    for (const cJSON *why = doc_list(doc, "why"); why != NULL && rows < ROWS_SHOWN;
         why = why->next, rows++) {
        text_add(out, rows == 0 ? "\n  " : "  ");
        text_add_clean(out, doc_text(why, "demand"), s->utf8);
        text_add(out, ": ");
        text_add_clean(out, doc_text(why, "reason"), s->utf8);
        text_add(out, "\n");
    }
    if (doc_at(doc, "certificate.proof") != NULL) {
        text words = {0};

        doc_certificate(doc, &words);
        text_add(out, "\n  ");
        text_add_clean(out, words.at, s->utf8);
        text_add(out, "\n");
        text_free(&words);
    }
}

/* The probability at 24 hours: a triple as in plans, or a number. */
static double
chance_24(const cJSON *pool)
{
    const cJSON *p = doc_at(pool, "p.24");

    if (cJSON_IsArray(p))
        p = p->child;
    return doc_value(p);
}

/* How firmly the first place is held. */
static void
print_first(const cJSON *doc, text *out)
{
    const cJSON *first = doc_list(doc, "pools");

    if (first != NULL && !isnan(doc_number(first, "first_frac")))
        text_addf(out, "\n  %s comes first with %s of all weights of the factors\n",
                  doc_text(first, "pool"), show_percent(doc_number(first, "first_frac"), 0).at);
}

/* What would have to be measured for another pool to come first; the three best of them. */
static void
print_would_win(const cJSON *doc, text *out)
{
    size_t told = 0;

    for (const cJSON *pool = doc_list(doc, "pools"); pool != NULL && told < 3; pool = pool->next) {
        const cJSON *with = doc_fields(pool, "would_win_with");
        const char *between = "";

        if (with == NULL)
            continue;
        told++;
        text_addf(out, "  %s would come first with ", doc_text(pool, "pool"));
        for (; with != NULL; with = with->next) {
            const bool is_less =
                strcmp(with->string, "latency_ms") == 0 || strcmp(with->string, "error_frac") == 0;

            text_addf(out, "%s%s %s %s", between, with->string, is_less ? "<=" : ">=",
                      show_real(doc_value(with), doc_value(with) < 1.0 ? 3 : 1).at);
            between = ", or ";
        }
        text_add(out, "\n");
    }
}

/* Weights that follow from money, and what they make a hundredth of each factor worth. */
static void
print_worth(const cJSON *doc, text *out)
{
    static const char *const names[] = {"cost", "stability", "performance", "capacity"};

    if (strcmp(doc_text(doc, "weights_from"), "money") != 0 || doc_at(doc, "worth.pool") == NULL)
        return;
    text_add(out, "  weights of money:");
    for (const cJSON *w = doc_fields(doc, "weights"); w != NULL; w = w->next)
        text_addf(out, " %s %s", w->string, show_real(doc_value(w), 3).at);
    text_addf(out, "; at %s a point of", doc_text(doc, "worth.pool"));
    for (size_t i = 0; i < 4; i++) {
        char path[64];

        fit(path, sizeof path, "worth.point_usd_per_hour.%s", names[i]);
        text_addf(out, "%s %s is worth %s", i > 0 ? "," : "", names[i],
                  show_real(doc_number(doc, path), 5).at);
    }
    text_add(out, " USD an hour\n");
}

/* What the risk of the best pools is made of, where a model forecast them. */
static void
print_parts(const cJSON *doc, text *out)
{
    size_t told = 0;

    for (const cJSON *pool = doc_list(doc, "pools"); pool != NULL && told < 3; pool = pool->next) {
        const char *of = doc_text(pool, "parts.of");
        char path[64];

        if (of[0] == '\0')
            continue;
        told++;
        fit(path, sizeof path, "contributions.%.16s", of);
        text_addf(out, "  %s: %s %s", doc_text(pool, "pool"), of,
                  show_real(doc_number(pool, path), 3).at);
        text_addf(out, " = mean pool %s",
                  show_real(doc_number(pool, "parts.from_reference"), 3).at);
        for (const cJSON *g = doc_list(pool, "parts.groups"); g != NULL; g = g->next)
            text_addf(out, ", %s %s", doc_text(g, "group"),
                      show_real(doc_number(g, "contribution"), 3).at);
        text_add(out, "\n");
    }
}

static void
print_switch(const cJSON *doc, text *out)
{
    if (doc_at(doc, "switch") == NULL)
        return;
    text_addf(out, "  %s now: ", doc_text(doc, "switch.current"));
    text_addf(out, "%s\n", doc_text(doc, "switch.reason"));
}

void
print_ranking(const cJSON *doc, const style *s, text *out)
{
    char titles[] = "#>|pool|score>|usd/h>|risk 24 h>|cost>|stab>|perf>|cap>|expected/h>";
    size_t place = 0;
    table t;

    table_init(&t, titles);
    for (const cJSON *pool = doc_list(doc, "pools"); pool != NULL; pool = pool->next) {
        if (place++ >= ROWS_SHOWN)
            continue;
        table_cell(&t, show_count((double)place).at, s);
        table_cell(&t, doc_text(pool, "pool"), s);
        table_cell(&t, show_real(doc_number(pool, "score"), 2).at, s);
        table_cell(&t, show_price(doc_number(pool, "usd_per_hour")).at, s);
        table_cell(&t, show_chance(chance_24(pool)).at, s);
        table_cell(&t, show_real(doc_number(pool, "factors.cost"), 2).at, s);
        table_cell(&t, show_real(doc_number(pool, "factors.stability"), 2).at, s);
        table_cell(&t, show_real(doc_number(pool, "factors.performance"), 2).at, s);
        table_cell(&t, show_real(doc_number(pool, "factors.capacity"), 2).at, s);
        table_cell(&t, show_price(doc_number(pool, "expected_usd_per_hour")).at, s);
    }
    table_print(&t, s, out);
    print_more(place, ROWS_SHOWN, "pools", out);
    print_first(doc, out);
    print_would_win(doc, out);
    print_parts(doc, out);
    print_worth(doc, out);
    print_switch(doc, out);
    if (doc_at(doc, "funnel") != NULL) {
        text_add(out, "\n");
        print_funnel(doc, s, out);
    }
}

void
print_steps(const cJSON *doc, const style *s, text *out)
{
    char titles[] = "wave>|at>|step|node|pod|relies on";
    size_t wave = 0, rows = 0;
    table t;

    table_init(&t, titles);
    for (const cJSON *w = doc_list(doc, "waves"); w != NULL; w = w->next) {
        wave++;
        for (const cJSON *step = doc_list(w, "steps"); step != NULL; step = step->next) {
            const cJSON *budget = doc_list(step, "relies_on");
            const double at = doc_number(step, "at_s");
            text relies = {0};

            if (rows++ >= ROWS_SHOWN)
                continue;
            text_add(&relies, "");
            if (budget != NULL)
                text_addf(&relies, "%s (%s)", doc_text(budget, "pdb"),
                          show_count(doc_number(budget, "headroom")).at);
            table_cell(&t, show_count((double)wave).at, s);
            table_cell(&t, show_seconds(isnan(at) ? doc_number(w, "at_s") : at).at, s);
            table_cell(&t, doc_text(step, "do"), s);
            table_cell(&t, doc_text(step, "node"), s);
            table_cell(&t, doc_text(step, "pod"), s);
            table_cell(&t, relies.at, s);
            text_free(&relies);
        }
    }
    if (rows > 0)
        table_print(&t, s, out);
    print_more(rows, ROWS_SHOWN, "steps", out);
}

static void
print_blocked(const cJSON *doc, const style *s, text *out)
{
    size_t rows = 0;

    for (const cJSON *b = doc_list(doc, "blocked"); b != NULL; b = b->next) {
        if (rows++ == 0) {
            text_add(out, "\n");
            add_ink(out, s, INK_BAD, "  blocked");
            text_add(out, "\n");
        }
        if (rows > ROWS_SHOWN)
            continue;
        text_add(out, "  ");
        text_add_clean(out, doc_text(b, "pod"), s->utf8);
        text_add(out, " on ");
        text_add_clean(out, doc_text(b, "node"), s->utf8);
        text_add(out, ": ");
        text_add_clean(out, doc_text(b, "why"), s->utf8);
        if (*doc_text(b, "unblock") != '\0') {
            text_add(out, "\n      ");
            text_add_clean(out, doc_text(b, "unblock"), s->utf8);
        }
        text_add(out, "\n");
    }
    print_more(rows, ROWS_SHOWN, "pods", out);
}

void
print_drain(const cJSON *doc, const style *s, text *out)
{
    const size_t blocked = doc_count(doc, "blocked"), lost = doc_count(doc, "lost");
    size_t rows = 0;

    text_addf(out, "  %zu waves, %s from the first step to the last pod ready elsewhere",
              doc_count(doc, "waves"), show_seconds(doc_number(doc, "makespan_s")).at);
    if (!isnan(doc_number(doc, "bound_s")))
        text_addf(out, " (at least %s)", show_seconds(doc_number(doc, "bound_s")).at);
    if (blocked + lost > 0) {
        text_add(out, "; ");
        ink_on(out, s, INK_BAD);
        text_addf(out, "%zu blocked, %zu lost", blocked, lost);
        ink_off(out, s, INK_BAD);
    }
    text_add(out, "\n\n");
    print_steps(doc, s, out);
    print_blocked(doc, s, out);
    for (const cJSON *item = doc_list(doc, "lost"); item != NULL && rows < ROWS_SHOWN;
         item = item->next, rows++) {
        if (rows == 0)
            text_add(out, "\n  lost, for the notice is too short:\n");
        text_add(out, "  ");
        text_add_clean(out, cJSON_IsString(item) ? item->valuestring : doc_text(item, "pod"),
                       s->utf8);
        text_add(out, "\n");
    }
    print_more(lost, ROWS_SHOWN, "pods", out);
}
