/* SPDX-License-Identifier: Apache-2.0 */
/*
 * html_fleet.c - the books of a fleet as pages: savings over time, the map of nodes, health.
 */
#include <math.h>
#include <string.h>

#include "fleet.h"
#include "html.h"

enum { ROWS_SHOWN = 500, PICTURES = 12, NODES_DRAWN = 400, A_ROW = 28 };

static void
add_fact(text *out, const char *what, const char *value)
{
    text_add(out, "<div><dt>");
    html_text(out, what);
    text_add(out, "</dt><dd>");
    html_text(out, value);
    text_add(out, "</dd></div>\n");
}

static void
add_grid(text *out, const cJSON *doc, const grid *g, const char *folded)
{
    text titles = {0};
    size_t rows = 0;
    cJSON *made;

    for (const grid_column *c = g->columns; c < g->columns + GRID_COLUMNS && c->path != NULL; c++)
        text_addf(&titles, "%s%s%s", c > g->columns ? "|" : "", c->title,
                  strchr("urpnx", c->format) != NULL ? ">" : "");
    html_table_begin(out, folded, titles.at);
    for (const cJSON *row = grid_rows(doc, g, &made); row != NULL; row = row->next) {
        if (rows++ >= ROWS_SHOWN)
            continue;
        html_row(out);
        for (const grid_column *c = g->columns; c < g->columns + GRID_COLUMNS && c->path != NULL;
             c++) {
            text cell = {0};

            grid_cell(row, c, &cell);
            if (strchr("urpnx", c->format) != NULL)
                html_number(out, cell.at);
            else
                html_cell(out, cell.at);
            text_free(&cell);
        }
    }
    html_table_end(out, folded != NULL);
    if (rows == 0)
        text_add(out, "<p class=\"soft\">Nothing.</p>\n");
    if (rows > ROWS_SHOWN)
        text_addf(out, "<p class=\"soft\">and %zu more</p>\n", rows - ROWS_SHOWN);
    cJSON_Delete(made);
    text_free(&titles);
}

/* --- savings over time --- */

static double
nice_above(double value)
{
    static const double steps[] = {1.0, 1.2, 1.6, 2.0, 2.4, 3.2, 4.0, 5.0, 6.0, 8.0};
    const double unit = pow(10.0, floor(log10(value)));

    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        if (steps[i] * unit >= value)
            return steps[i] * unit;
    }
    return 10.0 * unit;
}

typedef struct frame {
    double left, right, top, bottom, most;
    size_t count;
} frame;

static double
across(const frame *f, size_t point)
{
    return f->left + (f->right - f->left) * (double)point / (double)f->count;
}

static double
up(const frame *f, double usd)
{
    return f->bottom - (f->bottom - f->top) * usd / f->most;
}

/* Steps; holes where the key is unknown. */
static void
draw_steps(text *out, const frame *f, const cJSON *series, const char *key, const char *cls)
{
    bool is_down = false;
    size_t i = 0;

    text_addf(out, "<path class=\"%s\" d=\"", cls);
    for (const cJSON *p = series; p != NULL; p = p->next, i++) {
        const double usd = doc_number(p, key);

        if (isnan(usd)) {
            is_down = false;
            continue;
        }
        text_addf(out, "%s%.1f %.1fH%.1f", is_down ? "L" : "M", across(f, i), up(f, usd),
                  across(f, i + 1));
        is_down = true;
    }
    text_add(out, "\"/>\n");
}

/* What lies between paid and on-demand. */
static void
draw_saved(text *out, const frame *f, const cJSON *series)
{
    size_t i = 0;

    for (const cJSON *p = series; p != NULL; p = p->next, i++) {
        const double paid = doc_number(p, "paid_usd"), ode = doc_number(p, "ode_usd");
        char tip[160];

        if (isnan(paid + ode))
            continue;
        fit(tip, sizeof tip, "%s: paid %s, on-demand %s", show_stamp(doc_text(p, "from")).at,
            show_usd(paid, 2).at, show_usd(ode, 2).at);
        text_addf(out,
                  "<rect class=\"%s\" fill-opacity=\".18\" x=\"%.1f\" y=\"%.1f\" "
                  "width=\"%.2f\" height=\"%.1f\"><title>",
                  paid <= ode ? "fplan" : "fnow", across(f, i), up(f, fmax(paid, ode)),
                  across(f, i + 1) - across(f, i), fabs(up(f, ode) - up(f, paid)));
        html_text(out, tip);
        text_add(out, "</title></rect>\n");
    }
}

void
chart_savings(text *out, const cJSON *entry, const char *id, const char *title)
{
    const cJSON *series = doc_list(entry, "series");
    frame f = {.left = 64.0, .right = SVG_WIDE - 16.0, .top = 16.0, .bottom = 236.0};
    double most = 0.0;
    size_t i = 0;
    char desc[200];

    f.count = doc_count(entry, "series");
    for (const cJSON *p = series; p != NULL; p = p->next) {
        most = fmax(most, fmax(doc_number(p, "ode_usd"), doc_number(p, "paid_usd")));
    }
    if (f.count == 0 || !(most > 0.0) || !(most < 1e15)) {
        text_add(out, "<p class=\"soft\">The on-demand equivalent is not known in this time: "
                      "rows of type demand tell it.</p>\n");
        return;
    }
    f.most = nice_above(most);
    text_add(out, "<ul class=\"legend\"><li><i class=\"bdot\"></i>on-demand equivalent</li>"
                  "<li><i class=\"bplan\"></i>paid</li><li><i class=\"bevict\"></i>proven bound"
                  "</li></ul>\n<div class=\"long scroll\" tabindex=\"0\" role=\"region\" "
                  "aria-label=\"savings over time\">");
    fit(desc, sizeof desc, "Paid %s where on-demand would have cost %s.",
        show_usd(doc_number(entry, "paid_usd"), 2).at,
        show_usd(doc_number(entry, "ode_usd"), 2).at);
    svg_begin(out, id, title, desc, SVG_WIDE, 272.0);
    for (int k = 0; k <= 4; k++) {
        const double usd = f.most * k / 4.0;

        svg_line(out, "axis", f.left, up(&f, usd), f.right, up(&f, usd));
        svg_text(out, "t", "end", f.left - 8.0, up(&f, usd) + 4.0,
                 show_usd(usd, f.most < 20.0 ? 2 : 0).at);
    }
    draw_saved(out, &f, series);
    draw_steps(out, &f, series, "bound_usd", "l2");
    draw_steps(out, &f, series, "ode_usd", "l3");
    draw_steps(out, &f, series, "paid_usd", "l1");
    for (const cJSON *p = series; p != NULL; p = p->next, i++) {
        const size_t each = f.count / 5 > 0 ? f.count / 5 : 1;

        if (i % each != 0 || across(&f, i) > f.right - 110.0)
            continue;
        svg_line(out, "edge", across(&f, i), f.bottom, across(&f, i), f.bottom + 5.0);
        svg_text(out, "t", "start", across(&f, i), f.bottom + 22.0,
                 show_stamp(doc_text(p, "from")).at);
    }
    svg_end(out, "USD in each part of the window. Shaded: what was saved.");
    text_add(out, "</div>\n");
}

static void
add_savings(text *out, const cJSON *doc, const fleet_kind *kind)
{
    size_t pictures = 0;

    html_section(out, "Total",
                 "What was paid, beside the cheapest on-demand fleet for the same "
                 "demand and the least that any fleet could have cost.");
    chart_savings(out, doc_at(doc, "total"), "saved", "Savings over time");
    add_grid(out, doc, &kind->grids[0], "Numbers");
    html_section_end(out);
    html_section(out, kind->grids[1].heading, NULL);
    add_grid(out, doc, &kind->grids[1], NULL);
    html_section_end(out);
    for (const cJSON *c = doc_list(doc, "clusters"); c != NULL && pictures < PICTURES;
         c = c->next) {
        char id[32];

        if (doc_count(doc, "clusters") < 2)
            break;
        fit(id, sizeof id, "saved-%zu", ++pictures);
        html_section(out, doc_text(c, "cluster"), "This cluster alone.");
        chart_savings(out, c, id, doc_text(c, "cluster"));
        html_section_end(out);
    }
    html_section(out, kind->grids[2].heading,
                 "On-demand cost is the cluster's, split by what "
                 "each node's cheapest on-demand equivalent costs.");
    add_grid(out, doc, &kind->grids[2], "Every instance");
    html_section_end(out);
}

/* --- the map --- */

void
chart_topology(text *out, const cJSON *cluster, size_t place)
{
    double y = 8.0;
    size_t drawn = 0, pools = 0;
    char id[32], desc[120];

    for (const cJSON *pool = doc_list(cluster, "pools"); pool != NULL && drawn < NODES_DRAWN;
         pool = pool->next) {
        const size_t nodes = doc_count(pool, "nodes");

        y += 10.0 + 18.0 * (double)((nodes + A_ROW - 1) / A_ROW);
        drawn += nodes;
        pools++;
    }
    if (pools == 0) {
        text_add(out, "<p class=\"soft\">No node runs.</p>\n");
        return;
    }
    fit(id, sizeof id, "map-%zu", place);
    fit(desc, sizeof desc, "%s nodes in %zu pools.",
        show_count(doc_number(cluster, "node_count")).at, doc_count(cluster, "pools"));
    text_add(out, "<div class=\"long scroll\" tabindex=\"0\" role=\"region\" aria-label=\"map of "
                  "nodes\">");
    svg_begin(out, id, "Nodes by pool", desc, SVG_WIDE, y + 4.0);
    y = 8.0;
    drawn = 0;
    for (const cJSON *pool = doc_list(cluster, "pools"); pool != NULL && drawn < NODES_DRAWN;
         pool = pool->next) {
        const bool is_spot = strcmp(doc_text(pool, "purchase"), "spot") == 0;
        size_t i = 0;
        char label[64];

        fit(label, sizeof label, "%.44s", doc_text(pool, "pool"));
        svg_text(out, "t", "end", 318.0, y + 11.0, label);
        for (const cJSON *node = doc_list(pool, "nodes"); node != NULL && drawn < NODES_DRAWN;
             node = node->next, i++, drawn++) {
            char tip[200];

            fit(tip, sizeof tip, "%.100s, %s/h, since %s", doc_text(node, "instance"),
                show_price(doc_number(node, "usd_per_hour")).at,
                show_stamp(doc_text(node, "since")).at);
            svg_rect(out, is_spot ? "fplan" : "fink", 332.0 + 18.0 * (double)(i % A_ROW),
                     y + 18.0 * (double)(i / A_ROW), 14.0, 14.0, tip);
        }
        y += 10.0 + 18.0 * (double)((doc_count(pool, "nodes") + A_ROW - 1) / A_ROW);
    }
    svg_end(out, NULL);
    text_add(out, "</div>\n");
    if (doc_number(cluster, "node_count") > NODES_DRAWN)
        text_add(out, "<p class=\"soft\">The first of many are drawn.</p>\n");
}

static void
add_topology(text *out, const cJSON *doc, const fleet_kind *kind)
{
    size_t place = 0;

    text_add(out, "<ul class=\"legend\"><li><i class=\"bplan\"></i>spot</li><li><i "
                  "class=\"bink\"></i>on-demand</li></ul>\n");
    for (const cJSON *client = doc_list(doc, "clients"); client != NULL; client = client->next) {
        for (const cJSON *c = doc_list(client, "clusters"); c != NULL; c = c->next) {
            const char *of = doc_text(client, "client"), *name = doc_text(c, "cluster");
            char heading[200], lead[120];

            if (++place > PICTURES)
                continue;
            fit(heading, sizeof heading, "%.90s%s%.90s", of, *of != '\0' ? " / " : "",
                *name != '\0' ? name : "no cluster");
            fit(lead, sizeof lead, "%s nodes, one square each.",
                show_count(doc_number(c, "node_count")).at);
            html_section(out, heading, lead);
            chart_topology(out, c, place);
            html_section_end(out);
        }
    }
    html_section(out, kind->grids[0].heading, NULL);
    add_grid(out, doc, &kind->grids[0], NULL);
    html_section_end(out);
}

/* --- health --- */

static void
add_lines(text *out, const cJSON *of, const char *summary)
{
    if (doc_list(of, "logs") == NULL)
        return;
    html_table_begin(out, summary, "time|level|text");
    for (const cJSON *line = doc_list(of, "logs"); line != NULL; line = line->next) {
        html_row(out);
        html_cell(out, show_stamp(doc_text(line, "time")).at);
        html_cell(out, doc_text(line, "level"));
        html_cell(out, doc_text(line, "text"));
    }
    html_table_end(out, summary != NULL);
}

static void
add_health(text *out, const cJSON *doc, const fleet_kind *kind)
{
    html_section(out, kind->grids[0].heading,
                 "Uptime is the share of the last 24 hours in which "
                 "a component was not down.");
    add_grid(out, doc, &kind->grids[0], NULL);
    html_section_end(out);
    for (const cJSON *c = doc_list(doc, "components"); c != NULL; c = c->next) {
        char lead[120];

        fit(lead, sizeof lead, "%.20s since %s", doc_text(c, "state"),
            show_stamp(doc_text(c, "since")).at);
        html_section(out, doc_text(c, "component"), lead);
        add_lines(out, c, NULL);
        for (const cJSON *change = doc_list(c, "changes"); change != NULL; change = change->next) {
            char summary[120];

            fit(summary, sizeof summary, "%s: %.20s became %.20s",
                show_stamp(doc_text(change, "time")).at, doc_text(change, "from"),
                doc_text(change, "to"));
            if (doc_list(change, "logs") != NULL)
                add_lines(out, change, summary);
            else {
                text_add(out, "<p class=\"soft\">");
                html_text(out, summary);
                text_add(out, "</p>\n");
            }
        }
        html_section_end(out);
    }
}

static void
add_head(text *out, const cJSON *doc, const fleet_kind *kind)
{
    const cJSON *total = doc_at(doc, "total");
    text step = {0};

    text_add(out, "<header><p class=\"kicker\">");
    html_text(out, kind->title);
    text_addf(out, " at %s UTC</p>\n<h1>", show_stamp(doc_text(doc, "now")).at);
    if (total != NULL && !isnan(doc_number(total, "ode_usd")))
        text_addf(out, "<span class=\"is\">%s</span> paid instead of <span class=\"was\">%s</span>",
                  show_usd(doc_number(total, "paid_usd"), 2).at,
                  show_usd(doc_number(total, "ode_usd"), 2).at);
    else if (strcmp(kind->kind, "FleetHealth") == 0) {
        const char *state = doc_text(doc, "pipeline");

        text_addf(out, "The pipeline is <span class=\"%s\">",
                  strcmp(state, "up") == 0 ? "is" : "was");
        html_text(out, *state != '\0' ? state : "not known");
        text_add(out, "</span>");
    } else if (strcmp(kind->kind, "FleetMetrics") == 0)
        text_addf(out, "%s nodes run, %s of them on spot", show_count(doc_number(doc, "active")).at,
                  show_count(doc_number(doc, "active_spot")).at);
    else
        html_text(out, kind->title);
    text_add(out, "</h1>");
    step_sentence(doc, &step);
    if (step.length > 0) {
        text_add(out, "<p>");
        html_text(out, step.at);
        text_add(out, "</p>");
    }
    text_free(&step);
    text_add(out, "</header>\n");
    if (total != NULL) {
        text_add(out, "<dl class=\"facts\">\n");
        add_fact(out, "gross saving", show_percent(doc_number(total, "gross_saving_frac"), 1).at);
        add_fact(out, "net saving", show_percent(doc_number(total, "net_saving_frac"), 1).at);
        add_fact(out, "of what could be saved",
                 show_percent(doc_number(total, "optimization_rate"), 1).at);
        add_fact(out, "saved a month, net", show_usd(doc_number(total, "monthly_net_usd"), 0).at);
        add_fact(out, "on spot", show_percent(doc_number(total, "coverage_frac"), 1).at);
        add_fact(out, "idle", show_usd(doc_number(total, "idle_usd"), 2).at);
        text_add(out, "</dl>\n");
    }
}

void
html_fleet(const cJSON *doc, text *out)
{
    const fleet_kind *kind = fleet_kind_of(doc);

    html_begin(out, kind->title);
    add_head(out, doc, kind);
    text_add(out, "<div class=\"wide\">\n");
    if (strcmp(kind->kind, "FleetSavings") == 0)
        add_savings(out, doc, kind);
    else if (strcmp(kind->kind, "FleetTopology") == 0)
        add_topology(out, doc, kind);
    else if (strcmp(kind->kind, "FleetHealth") == 0)
        add_health(out, doc, kind);
    else {
        for (const grid *g = kind->grids; g < kind->grids + GRIDS && g->list != NULL; g++) {
            html_section(out, g->heading[0] != '\0' ? g->heading : kind->title, NULL);
            add_grid(out, doc, g, NULL);
            html_section_end(out);
        }
    }
    text_add(out, "</div>\n");
    html_end(out, doc);
}
