/* SPDX-License-Identifier: Apache-2.0 */
/*
 * html_plan.c - the report of a plan: one sentence, the figures, five pictures, the numbers behind
 * each.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "html.h"

enum { ROWS_SHOWN = 500 };

static void
add_headline(text *out, const plan_view *v, const cJSON *doc)
{
    const double saved = 1.0 - v->usd_after / v->usd_before;
    const bool stays = cJSON_IsTrue(doc_at(doc, "summary.stays_put"));

    text_add(out, "<header><p class=\"kicker\">Spot plan of ");
    html_text(out, doc_text(doc, "now"));
    text_add(out, "</p>\n<h1>");
    if (stays)
        text_addf(out, "The fleet stays as it is, at <span class=\"is\">%s</span> an hour",
                  show_usd(v->usd_before, 2).at);
    else
        text_addf(out,
                  "<span class=\"was\">%s</span> becomes <span class=\"is\">%s</span> an hour, on "
                  "%s nodes "
                  "instead of %s",
                  show_usd(v->usd_before, 2).at, show_usd(v->usd_after, 2).at,
                  show_count(v->nodes_after).at, show_count(v->nodes_before).at);
    text_add(out, "</h1>\n<p class=\"intro\">");
    if (stays)
        text_add(out, "No move saves enough to be worth making.");
    else if (!isnan(saved))
        text_addf(out, "That is %s %s than now", show_percent(fabs(saved), 1).at,
                  saved >= 0.0 ? "less" : "more");
    if (!stays && !isnan(v->gross))
        text_addf(out, "%s%s %s than an on-demand fleet", isnan(saved) ? "That is " : " and ",
                  show_percent(fabs(v->gross), 1).at, v->gross >= 0.0 ? "less" : "more");
    if (!stays)
        text_add(out, ".");
    if (!isnan(v->gap))
        text_addf(out, " It is proven to be within %s of the best plan there is.",
                  show_percent(v->gap, 1).at);
    text_add(out, "</p>\n");
    if (v->unplaced > 0.0)
        text_addf(out,
                  "<p class=\"intro bad\"><strong>%s pods find no place.</strong> The reasons "
                  "stand below.</p>\n",
                  show_count(v->unplaced).at);
    text_add(out, "</header>\n");
}

static void
add_fact(text *out, const char *what, const char *value, const char *detail)
{
    text_add(out, "<div><dt>");
    html_text(out, what);
    text_add(out, "</dt><dd>");
    html_text(out, value);
    if (detail != NULL) {
        text_add(out, "<small>");
        html_text(out, detail);
        text_add(out, "</small>");
    }
    text_add(out, "</dd></div>\n");
}

static void
add_facts(text *out, const plan_view *v)
{
    const double saved = (v->usd_before - v->usd_after) * HOURS_A_MONTH;
    char detail[128], value[64];

    text_add(out, "<dl class=\"facts\">\n");
    fit(detail, sizeof detail, "%s to %s", show_usd(v->usd_before * HOURS_A_MONTH, 0).at,
        show_usd(v->usd_after * HOURS_A_MONTH, 0).at);
    add_fact(out, saved >= 0.0 ? "saved a month" : "more a month", show_usd(fabs(saved), 0).at,
             detail);
    fit(value, sizeof value, "%s \xE2\x86\x92 %s", show_count(v->nodes_before).at,
        show_count(v->nodes_after).at);
    add_fact(out, "nodes", value, NULL);
    fit(value, sizeof value, "%s \xE2\x86\x92 %s", show_real(v->lost_before, 2).at,
        show_real(v->lost_after, 2).at);
    add_fact(out, "interruptions a day", value, "expected");
    fit(detail, sizeof detail, "after expected losses");
    if (!isnan(v->net))
        add_fact(out, "net saving", show_percent(v->net, 1).at, detail);
    fit(detail, sizeof detail, "%zu wave%s, %s", v->waves, v->waves == 1 ? "" : "s",
        show_seconds(v->duration_s).at);
    add_fact(out, "pods that move", show_count(v->moves).at,
             v->waves > 0 && v->moves > 0 ? detail : NULL);
    if (!isnan(v->pods))
        fit(detail, sizeof detail, "of %s", show_count(v->pods).at);
    add_fact(out, "pods without a place", show_count(v->unplaced).at,
             isnan(v->pods) ? NULL : detail);
    text_add(out, "</dl>\n");
}

static void
add_money_table(text *out, const plan_view *v)
{
    const struct {
        const char *what;
        double usd;
    } rows[] = {{"now", v->usd_before},
                {"on-demand only", v->usd_on_demand},
                {"this plan", v->usd_after},
                {"proven bound", v->usd_bound}};

    html_table_begin(out, NULL, "|USD an hour>|USD a month>|USD a year>");
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        html_row(out);
        html_cell(out, rows[i].what);
        html_number(out, show_usd(rows[i].usd, 4).at);
        html_number(out, show_usd(rows[i].usd * HOURS_A_MONTH, 2).at);
        html_number(out, show_usd(rows[i].usd * HOURS_A_MONTH * 12.0, 0).at);
    }
    html_table_end(out, false);
}

/* Every reason that spoke against a pool, not the first alone: what lifting one limit would not yet
 * bring back. */
static void
add_also(text *out, const view_funnel *f)
{
    size_t count = 0;

    for (size_t i = 0; i < f->stage_count; i++)
        count += f->stages[i].also_count;
    if (count == 0)
        return;
    html_table_begin(out, "Every reason, whether or not it was the first",
                     "stage|reason|dropped by it>|speaks against>");
    for (size_t i = 0; i < f->stage_count; i++) {
        const view_stage *stage = &f->stages[i];

        for (size_t k = 0; k < stage->also_count; k++) {
            double first = 0.0;

            for (size_t d = 0; d < stage->drop_count; d++) {
                if (strcmp(stage->drops[d].reason, stage->also[k].reason) == 0)
                    first = stage->drops[d].count;
            }
            html_row(out);
            html_cell(out, k == 0 ? stage->name : "");
            html_cell(out, stage->also[k].reason);
            html_number(out, show_count(first).at);
            html_number(out, show_count(stage->also[k].count).at);
        }
    }
    html_table_end(out, true);
}

void
html_funnel_section(text *out, const view_funnel *f)
{
    char lead[160];

    fit(lead, sizeof lead,
        "%s pools could be bought from; each leaves at one stage, for one reason.",
        show_count(f->in).at);
    html_section(out, "From catalog to choice", lead);
    chart_funnel(out, f);
    html_table_begin(out, "Numbers", "stage|in>|out>|reason|pools>");
    for (size_t i = 0; i < f->stage_count; i++) {
        const view_stage *stage = &f->stages[i];

        for (size_t k = 0; k < stage->drop_count || k == 0; k++) {
            html_row(out);
            html_cell(out, k == 0 ? stage->name : "");
            html_number(out, k == 0 ? show_count(stage->in).at : "");
            html_number(out, k == 0 ? show_count(stage->out).at : "");
            html_cell(out, stage->drop_count > 0 ? stage->drops[k].reason : "");
            html_number(out, stage->drop_count > 0 ? show_count(stage->drops[k].count).at : "");
        }
    }
    html_table_end(out, true);
    add_also(out, f);
    html_section_end(out);
}

void
html_steps(text *out, const cJSON *doc)
{
    size_t rows = 0, wave = 0;

    if (doc_list(doc, "waves") == NULL)
        return;
    html_table_begin(out, "Every step", "wave>|at>|step|node|pod|to|relies on");
    for (const cJSON *w = doc_list(doc, "waves"); w != NULL; w = w->next) {
        wave++;
        for (const cJSON *step = doc_list(w, "steps"); step != NULL; step = step->next) {
            const cJSON *budget = doc_list(step, "relies_on");
            const double at = doc_number(step, "at_s");
            char relies[256] = "";

            if (rows++ >= ROWS_SHOWN)
                continue;
            if (budget != NULL)
                fit(relies, sizeof relies, "%.200s, headroom %s", doc_text(budget, "pdb"),
                    show_count(doc_number(budget, "headroom")).at);
            html_row(out);
            html_number(out, show_count((double)wave).at);
            html_number(out, show_seconds(isnan(at) ? doc_number(w, "at_s") : at).at);
            html_cell(out, doc_text(step, "do"));
            html_cell(out, doc_text(step, "node"));
            html_cell(out, doc_text(step, "pod"));
            html_cell(out, doc_text(step, "to"));
            html_cell(out, relies);
        }
    }
    html_table_end(out, true);
    if (rows > ROWS_SHOWN)
        text_addf(out, "<p class=\"soft\">and %zu more steps</p>\n", rows - ROWS_SHOWN);
}

static void
add_node_table(text *out, const plan_view *v)
{
    html_table_begin(out, "Every node", "node|action|pool|USD/h>|cpu>|memory>|pods>");
    for (size_t i = 0; i < v->node_count && i < ROWS_SHOWN; i++) {
        const view_node *node = &v->nodes[i];

        html_row(out);
        html_cell(out, node->name);
        html_cell(out, view_actions[node->action]);
        html_cell(out, node->pool);
        html_number(out, show_price(node->usd).at);
        html_number(out, show_percent(node->cpu, 0).at);
        html_number(out, show_percent(node->memory, 0).at);
        html_number(out, show_count((double)node->pods).at);
    }
    html_table_end(out, true);
    if (v->node_count > ROWS_SHOWN)
        text_addf(out, "<p class=\"soft\">and %zu more nodes</p>\n", v->node_count - ROWS_SHOWN);
}

static void
add_alternates(text *out, const cJSON *doc)
{
    size_t rows = 0;

    if (doc_fields(doc, "alternates") == NULL)
        return;
    html_table_begin(out, "If a pool cannot be had: the next best",
                     "instead of|first|second|third|fourth|fifth");
    for (const cJSON *pool = doc_fields(doc, "alternates"); pool != NULL && rows < ROWS_SHOWN;
         pool = pool->next, rows++) {
        const cJSON *item = cJSON_IsArray(pool) ? pool->child : NULL;

        html_row(out);
        html_cell(out, pool->string != NULL ? pool->string : "");
        for (int k = 0; k < 5; k++) {
            html_cell(out, cJSON_IsString(item) ? item->valuestring : "");
            item = item != NULL ? item->next : NULL;
        }
    }
    html_table_end(out, true);
}

static void
add_fleet(text *out, const plan_view *v, const cJSON *doc)
{
    html_section(out, "The fleet", "Grouped by pool: what stays, what is bought, what goes.");
    html_table_begin(out, NULL,
                     "action|pool|nodes>|each/h>|sum/h>|risk in 24 h>|cpu>|memory>|pods>|score>");
    for (size_t i = 0; i < v->group_count && i < ROWS_SHOWN; i++) {
        const view_group *g = &v->groups[i];
        char range[128] = "-";

        if (g->info != NULL && g->info->is_spot && !isnan(g->info->p24_low))
            fit(range, sizeof range, "%s (%s to %s)", show_chance(g->info->p24).at,
                show_chance(g->info->p24_low).at, show_chance(g->info->p24_high).at);
        else if (g->info != NULL)
            fit(range, sizeof range, "%s", show_chance(g->info->p24).at);
        html_row(out);
        html_cell(out, view_actions[g->action]);
        html_cell(out, g->pool);
        html_number(out, show_count((double)g->count).at);
        html_number(out, show_price(g->usd).at);
        html_number(out, show_usd(g->usd * (double)g->count, 2).at);
        html_number(out, range);
        html_number(out, show_percent(g->cpu, 0).at);
        html_number(out, show_percent(g->memory, 0).at);
        html_number(out, g->action == VIEW_DRAIN ? "-" : show_count((double)g->pods).at);
        html_number(out, g->info != NULL ? show_real(g->info->score, 1).at : "-");
    }
    html_table_end(out, false);
    add_alternates(out, doc);
    html_section_end(out);
}

static void
add_unplaced(text *out, const plan_view *v)
{
    if (v->reason_count == 0)
        return;
    html_section(out, "Without a place", NULL);
    text_add(out, "<ul class=\"why\">\n");
    for (size_t i = 0; i < v->reason_count && i < ROWS_SHOWN; i++) {
        text_addf(out, "<li><strong>%zu %s</strong>: ", v->reasons[i].count,
                  v->reasons[i].count == 1 ? "pod" : "pods");
        html_text(out, v->reasons[i].why);
        text_add(out, " <span class=\"soft\">(");
        html_text(out, v->reasons[i].example);
        text_add(out, ")</span></li>\n");
    }
    text_add(out, "</ul>\n");
    html_section_end(out);
}

static void
add_warnings(text *out, const cJSON *doc)
{
    size_t n = 0;

    if (doc_list(doc, "warnings") == NULL)
        return;
    html_section(out, "Worth knowing", NULL);
    text_add(out, "<ul class=\"why\">\n");
    for (const cJSON *item = doc_list(doc, "warnings"); item != NULL && n < 50;
         item = item->next, n++) {
        text_add(out, "<li>");
        html_text(out, cJSON_IsString(item) ? item->valuestring : "");
        text_add(out, "</li>\n");
    }
    text_add(out, "</ul>\n");
    html_section_end(out);
}

void
html_plan(const cJSON *doc, text *out)
{
    plan_view v;

    plan_view_init(&v, doc);
    html_begin(out, "Spot plan");
    add_headline(out, &v, doc);
    add_facts(out, &v);
    text_add(out, "<div class=\"grid\">\n");
    html_section(out, "Money", "What the fleet costs an hour.");
    chart_money(out, &v);
    add_money_table(out, &v);
    html_section_end(out);
    html_funnel_section(out, &v.funnel);
    text_add(out, "<div class=\"wide\">\n");
    html_section(out, "How full the nodes are", "Requested share of what each node can give.");
    text_add(out, "<ul class=\"legend\"><li><i class=\"bcpu\"></i>cpu</li><li><i "
                  "class=\"bmem\"></i>memory</li>"
                  "<li><i class=\"bgone\"></i>nodes that leave, as they were</li></ul>\n");
    text_add(out, "<div class=\"roomy\">");
    chart_fill(out, &v, SVG_WIDE);
    text_add(out, "</div><div class=\"tight\">");
    chart_fill(out, &v, SVG_HALF);
    text_add(out, "</div>\n");
    add_node_table(out, &v);
    html_section_end(out);
    text_add(out, "</div>\n<div class=\"wide\">\n");
    html_section(out, "Risk against price",
                 "Cheap and calm is down and to the left. Numbers mark the pools chosen.");
    text_add(out, "<ul class=\"legend\"><li><i class=\"bplan\"></i>chosen, spot</li><li><i "
                  "class=\"bink\"></i>chosen, "
                  "on-demand</li><li><i class=\"bdot\"></i>other pools</li></ul>\n");
    text_add(out, "<div class=\"tight\">");
    chart_risk(out, &v, SVG_HALF);
    text_add(out, "</div><div class=\"roomy\">");
    chart_risk(out, &v, SVG_WIDE);
    text_add(out, "</div>\n");
    chart_risk_keys(out, &v);
    html_section_end(out);
    text_add(out, "</div>\n<div class=\"wide\">\n");
    html_section(out, "Getting there", "No disruption budget is broken after any step.");
    text_add(out, "<ul class=\"legend\"><li><i class=\"blaunch\"></i>launch</li><li><i "
                  "class=\"bgone\"></i>cordoned"
                  "</li><li><i class=\"bevict\"></i>eviction</li><li><i class=\"bink\"></i>node "
                  "deleted</li></ul>\n");
    chart_timeline(out, doc);
    html_steps(out, doc);
    html_section_end(out);
    text_add(out, "</div>\n<div class=\"wide\">\n");
    add_fleet(out, &v, doc);
    html_why(out, doc, doc_at(doc, "ranking"), true);
    text_add(out, "</div>\n");
    add_unplaced(out, &v);
    add_warnings(out, doc);
    text_add(out, "</div>\n");
    html_end(out, doc);
    plan_view_free(&v);
}
