/* SPDX-License-Identifier: Apache-2.0 */
/*
 * html_more.c - pages of packings, rankings, drains and funnels: a sentence, a picture, a table.
 */
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "certificate.h"
#include "html.h"

enum { ROWS_SHOWN = 500, BARS_SHOWN = 25 };

static void
add_title(text *out, const char *kicker, const char *headline)
{
    text_add(out, "<header><p class=\"kicker\">");
    html_text(out, kicker);
    text_add(out, "</p>\n<h1>");
    html_text(out, headline);
    text_add(out, "</h1></header>\n");
}

/* Bars with their labels above: what, value. */
static void
draw_bar(text *out, double y, const char *what, const char *value, double frac, const char *cls)
{
    char label[64];

    fit(label, sizeof label, "%.44s", what);
    svg_text(out, "", "start", 0.0, y, label);
    svg_text(out, "b", "end", SVG_HALF, y, value);
    svg_rect(out, "fdrop", 0.0, y + 8.0, SVG_HALF, 10.0, NULL);
    svg_rect(out, cls, 0.0, y + 8.0, SVG_HALF * fmin(fmax(frac, 0.0), 1.0), 10.0, NULL);
}

typedef struct pool_sum {
    const char *pool;
    double count;
} pool_sum;

static int
by_pool(const void *a, const void *b)
{
    return strcmp(((const pool_sum *)a)->pool, ((const pool_sum *)b)->pool);
}

static int
by_sum(const void *a, const void *b)
{
    const pool_sum *x = a, *y = b;

    return x->count != y->count ? (x->count < y->count ? 1 : -1) : strcmp(x->pool, y->pool);
}

/* Nodes of each pool, running ones included, most first. */
static pool_sum *
sum_pools(const cJSON *doc, size_t *out_count)
{
    pool_sum *sums = need_array(doc_count(doc, "nodes"), sizeof *sums);
    size_t n = 0, kept = 0;

    for (const cJSON *row = doc_list(doc, "nodes"); row != NULL; row = row->next) {
        const double count = doc_number(row, "count");

        sums[n++] = (pool_sum){doc_text(row, "pool"), isnan(count) ? 0.0 : count};
    }
    qsort(sums, n, sizeof *sums, by_pool);
    for (size_t i = 0; i < n; i++) {
        if (kept > 0 && strcmp(sums[kept - 1].pool, sums[i].pool) == 0)
            sums[kept - 1].count += sums[i].count;
        else
            sums[kept++] = sums[i];
    }
    qsort(sums, kept, sizeof *sums, by_sum);
    *out_count = kept;
    return sums;
}

static void
add_packing_pictures(const cJSON *doc, text *out, const pool_sum *sums, size_t count)
{
    const double cost = doc_number(doc, "cost"), bound = doc_number(doc, "bound");
    const size_t shown = count < BARS_SHOWN ? count : BARS_SHOWN;
    char desc[160];
    double y = 24.0;

    text_add(out, "<div class=\"grid\">\n");
    html_section(out, "Proof", "No packing of these demands costs less than the bound.");
    fit(desc, sizeof desc, "Cost %s, bound %s, gap %s.", show_real(cost, 4).at,
        show_real(bound, 4).at, show_percent(doc_number(doc, "gap"), 2).at);
    svg_begin(out, "proof", "Cost and its proven bound", desc, SVG_HALF, 104.0);
    draw_bar(out, 24.0, "this packing", show_real(cost, 4).at, isnan(cost) ? 0.0 : 1.0, "fplan");
    draw_bar(out, 76.0, "proven bound", show_real(bound, 4).at,
             isnan(bound / cost) ? 0.0 : bound / cost, "fod");
    svg_end(out, NULL);
    text_addf(out, "<p class=\"lead\">Gap: %s.</p>\n", show_percent(doc_number(doc, "gap"), 2).at);
    html_section_end(out);
    html_section(out, "Nodes", "By pool, running ones included.");
    svg_begin(out, "pools", "Nodes of each pool", desc, SVG_HALF, 52.0 * (double)shown + 4.0);
    for (size_t i = 0; i < shown; i++, y += 52.0)
        draw_bar(out, y, sums[i].pool, show_count(sums[i].count).at,
                 sums[i].count / fmax(sums[0].count, 1.0), "fplan");
    svg_end(out, NULL);
    html_section_end(out);
}

void
html_packing(const cJSON *doc, text *out)
{
    const char *outcome = doc_text(doc, "outcome");
    char headline[160];
    double nodes = 0.0;
    size_t count, n = 0;
    pool_sum *sums = sum_pools(doc, &count);

    for (size_t i = 0; i < count; i++)
        nodes += sums[i].count;
    html_begin(out, "Packing");
    fit(headline, sizeof headline, "%c%.40s: %s nodes for %s", toupper((unsigned char)outcome[0]),
        outcome[0] != '\0' ? outcome + 1 : "", show_count(nodes).at,
        show_real(doc_number(doc, "cost"), 4).at);
    add_title(out, "Packing", headline);
    add_packing_pictures(doc, out, sums, count);
    free(sums);
    text_add(out, "<div class=\"wide\">\n");
    html_section(out, "Who runs where", NULL);
    html_table_begin(out, NULL, "nodes>|pool|running node|holds on each");
    for (const cJSON *row = doc_list(doc, "nodes"); row != NULL && n < ROWS_SHOWN;
         row = row->next, n++) {
        text holds = {0};

        text_add(&holds, "");
        for (const cJSON *hold = doc_fields(row, "holds"); hold != NULL; hold = hold->next)
            text_addf(&holds, "%s%s %s", holds.length > 0 ? ", " : "",
                      hold->string != NULL ? hold->string : "", show_count(doc_value(hold)).at);
        html_row(out);
        html_number(out, show_count(doc_number(row, "count")).at);
        html_cell(out, doc_text(row, "pool"));
        html_cell(out, doc_text(row, "node"));
        html_cell(out, holds.at);
        text_free(&holds);
    }
    html_table_end(out, false);
    html_section_end(out);
    if (doc_list(doc, "why") != NULL) {
        n = 0;
        html_section(out, "Not placed", NULL);
        text_add(out, "<ul class=\"why\">\n");
        for (const cJSON *why = doc_list(doc, "why"); why != NULL && n < ROWS_SHOWN;
             why = why->next, n++) {
            text_add(out, "<li><strong>");
            html_text(out, doc_text(why, "demand"));
            text_add(out, "</strong>: ");
            html_text(out, doc_text(why, "reason"));
            text_add(out, "</li>\n");
        }
        text_add(out, "</ul>\n");
        if (doc_at(doc, "certificate.proof") != NULL) {
            text words = {0};

            doc_certificate(doc, &words);
            text_add(out, "<p>");
            html_text(out, words.at);
            text_add(out, "</p>\n");
            text_free(&words);
        }
        html_section_end(out);
    }
    text_add(out, "</div>\n</div>\n");
    html_end(out, doc);
}

void
html_ranking(const cJSON *doc, text *out)
{
    static const char *const factors[] = {"factors.cost", "factors.stability",
                                          "factors.performance", "factors.capacity"};
    const cJSON *first = doc_list(doc, "pools");
    const size_t count = doc_count(doc, "pools"), shown = count < BARS_SHOWN ? count : BARS_SHOWN;
    char headline[256];
    double y = 24.0;
    size_t n = 0;

    html_begin(out, "Ranking");
    fit(headline, sizeof headline, "%.100s comes first of %zu pools",
        first != NULL ? doc_text(first, "pool") : "None", count);
    add_title(out, "Ranking", headline);
    text_add(out, "<div class=\"grid\">\n");
    html_section(out, "Scores", "0 to 100; every factor counts from fixed anchors.");
    svg_begin(out, "scores", "Pools by score", headline, SVG_HALF, 52.0 * (double)shown + 4.0);
    for (const cJSON *pool = first; pool != NULL && n < shown; pool = pool->next, n++, y += 52.0) {
        const double score = doc_number(pool, "score");

        draw_bar(out, y, doc_text(pool, "pool"), show_real(score, 1).at, score / 100.0,
                 view_is_spot(doc_text(pool, "pool")) ? "fplan" : "fod");
    }
    svg_end(out, NULL);
    html_section_end(out);
    if (doc_at(doc, "funnel") != NULL) {
        view_funnel f;

        view_funnel_init(&f, doc_at(doc, "funnel"));
        html_funnel_section(out, &f);
        view_funnel_free(&f);
    }
    if (doc_at(doc, "switch") != NULL) {
        html_section(out, "Stay or move", "What runs already moves where that pays.");
        text_add(out, "<p>");
        html_text(out, doc_text(doc, "switch.current"));
        text_add(out, ": ");
        html_text(out, doc_text(doc, "switch.reason"));
        text_add(out, ".</p>\n");
        html_section_end(out);
    }
    text_add(out, "<div class=\"wide\">\n");
    html_section(
        out, "In numbers",
        "Factors between 0 and 1, what one expects to pay with interruptions counted, and the "
        "share of all weights with which the pool comes first.");
    html_table_begin(
        out, NULL,
        "place>|pool|score>|USD/h>|cost>|stability>|performance>|capacity>|expected USD/h>|"
        "first in>");
    n = 0;
    for (const cJSON *pool = first; pool != NULL && n < ROWS_SHOWN; pool = pool->next) {
        html_row(out);
        html_number(out, show_count((double)++n).at);
        html_cell(out, doc_text(pool, "pool"));
        html_number(out, show_real(doc_number(pool, "score"), 2).at);
        html_number(out, show_price(doc_number(pool, "usd_per_hour")).at);
        for (size_t k = 0; k < 4; k++)
            html_number(out, show_real(doc_number(pool, factors[k]), 3).at);
        html_number(out, show_price(doc_number(pool, "expected_usd_per_hour")).at);
        html_number(out, show_percent(doc_number(pool, "first_frac"), 0).at);
    }
    html_table_end(out, false);
    html_section_end(out);
    html_why(out, doc, doc, false);
    text_add(out, "</div>\n</div>\n");
    html_end(out, doc);
}

static void
add_lost(text *out, const cJSON *doc)
{
    size_t n = 0;

    if (doc_list(doc, "lost") == NULL)
        return;
    html_section(out, "Lost", "The notice is too short to move these.");
    text_add(out, "<ul class=\"why\">\n");
    for (const cJSON *item = doc_list(doc, "lost"); item != NULL && n < ROWS_SHOWN;
         item = item->next, n++) {
        text_add(out, "<li>");
        html_text(out, cJSON_IsString(item) ? item->valuestring : doc_text(item, "pod"));
        text_add(out, "</li>\n");
    }
    text_add(out, "</ul>\n");
    html_section_end(out);
}

static void
add_blocked(text *out, const cJSON *doc)
{
    size_t n = 0;

    if (doc_list(doc, "blocked") == NULL)
        return;
    html_section(out, "Blocked", "What cannot leave its node, and the least that would let it.");
    html_table_begin(out, NULL, "pod|node|budget|why|unblock");
    for (const cJSON *b = doc_list(doc, "blocked"); b != NULL && n < ROWS_SHOWN; b = b->next, n++) {
        html_row(out);
        html_cell(out, doc_text(b, "pod"));
        html_cell(out, doc_text(b, "node"));
        html_cell(out, doc_text(b, "pdb"));
        html_cell(out, doc_text(b, "why"));
        html_cell(out, doc_text(b, "unblock"));
    }
    html_table_end(out, false);
    html_section_end(out);
}

void
html_drain(const cJSON *doc, text *out)
{
    const size_t blocked = doc_count(doc, "blocked"), lost = doc_count(doc, "lost");
    char headline[160];

    html_begin(out, "Drain");
    if (blocked + lost == 0)
        fit(headline, sizeof headline, "Everything moves in %s, in %zu waves",
            show_seconds(doc_number(doc, "makespan_s")).at, doc_count(doc, "waves"));
    else
        fit(headline, sizeof headline, "%zu pods are blocked, %zu are lost", blocked, lost);
    add_title(out, "Drain", headline);
    text_add(out, "<div class=\"grid\"><div class=\"wide\">\n");
    html_section(out, "Over time", "No disruption budget is broken after any step.");
    text_add(out, "<ul class=\"legend\"><li><i class=\"blaunch\"></i>launch</li><li><i "
                  "class=\"bgone\"></i>cordoned"
                  "</li><li><i class=\"bevict\"></i>eviction</li><li><i class=\"bink\"></i>node "
                  "deleted</li></ul>\n");
    chart_timeline(out, doc);
    html_steps(out, doc);
    html_section_end(out);
    text_add(out, "</div><div class=\"wide\">\n");
    add_blocked(out, doc);
    add_lost(out, doc);
    text_add(out, "</div></div>\n");
    html_end(out, doc);
}

void
html_funnel(const cJSON *doc, text *out)
{
    const cJSON *inner = doc_at(doc, "funnel");
    char headline[96];
    view_funnel f;

    view_funnel_init(&f, inner != NULL ? inner : doc);
    html_begin(out, "Funnel");
    fit(headline, sizeof headline, "%s pools went in, %s were chosen", show_count(f.in).at,
        show_count(f.chosen).at);
    add_title(out, "Funnel", headline);
    html_funnel_section(out, &f);
    html_end(out, doc);
    view_funnel_free(&f);
}
