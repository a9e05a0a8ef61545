/* SPDX-License-Identifier: Apache-2.0 */
/*
 * chart_evaluation.c - pictures of how good forecasts were: what was said against what came, drops
 * by the time since the last one, and one pool's forecast over time with its drops.
 */
#include "chart_evaluation.h"
#include <math.h>
#include <string.h>

enum { CURVES_SHOWN = 6, LINES_SHOWN = 4, POINTS_SHOWN = 2500, DROPS_SHOWN = 1000 };

static const char *const line_classes[LINES_SHOWN] = {"l0", "l1", "l2", "l3"};
static const char *const legend_classes[LINES_SHOWN] = {"blaunch", "bplan", "bevict", "bdot"};

figure
show_hours(double hours)
{
    figure shown;

    if (!isfinite(hours))
        return (figure){"-"};
    fit(shown.at, sizeof shown.at, "%g", hours);
    return shown;
}

figure
show_ahead(const cJSON *horizon)
{
    const char *key = horizon->string != NULL ? horizon->string : "";
    const size_t digits = strspn(key, "0123456789.eE+-");
    figure shown;

    fit(shown.at, sizeof shown.at, "%.*s %.16s", (int)(digits < 20 ? digits : 20), key,
        key + digits);
    return shown;
}

/* The end of a scale of shares that holds most. */
static double
share_end(double most)
{
    static const double ends[] = {0.01, 0.02, 0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1.0};

    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        if (most <= ends[i])
            return ends[i];
    }
    return 1.0;
}

/* Where shares 0..top lie in a picture. */
typedef struct frame {
    double left, right, top, bottom, end;
} frame;

static double
up(const frame *f, double share)
{
    return f->bottom - (f->bottom - f->top) * fmin(fmax(share / f->end, 0.0), 1.0);
}

static double
along(const frame *f, double share)
{
    return f->left + (f->right - f->left) * fmin(fmax(share / f->end, 0.0), 1.0);
}

/* Lines and labels at quarters of the scale (fifths where it ends at 1 or 0.1 ...). */
static void
draw_shares(text *out, const frame *f)
{
    const double step = f->end / 4.0;

    for (int i = 0; i <= 4; i++) {
        svg_line(out, i == 0 ? "edge" : "axis", f->left, up(f, i * step), f->right,
                 up(f, i * step));
        svg_text(out, "t", "end", f->left - 8.0, up(f, i * step) + 4.0,
                 show_percent(i * step, step < 0.01 ? 1 : 0).at);
    }
}

static void
draw_curve(text *out, const cJSON *h, size_t place)
{
    frame f = {58.0, SVG_HALF - 14.0, 16.0, 372.0, 0.0};
    char id[32], title[96], caption[200];
    double most = 0.0;
    bool is_first = true;

    for (const cJSON *bin = doc_list(h, "bins"); bin != NULL; bin = bin->next)
        most = fmax(most, fmax(doc_number(bin, "forecast"), doc_number(bin, "seen")));
    f.end = share_end(most);
    fit(id, sizeof id, "reliability-%zu", place);
    fit(title, sizeof title, "Drops seen against drops forecast, %.40s ahead", show_ahead(h).at);
    svg_begin(out, id, title, "On the dashed line forecasts come true as often as they say.",
              SVG_HALF, 420.0);
    draw_shares(out, &f);
    for (int i = 0; i <= 4; i++)
        svg_text(out, "t", i == 4 ? "end" : "middle",
                 along(&f, f.end * i / 4.0) + (i == 4 ? 12.0 : 0.0), f.bottom + 18.0,
                 show_percent(f.end * i / 4.0, f.end < 0.04 ? 1 : 0).at);
    svg_text(out, "s", "end", f.right, f.bottom + 40.0, "forecast");
    svg_text(out, "s", "start", f.left + 6.0, f.top + 12.0, "seen");
    svg_line(out, "bound", along(&f, 0.0), up(&f, 0.0), along(&f, f.end), up(&f, f.end));
    text_add(out, "<path class=\"l1\" d=\"");
    for (const cJSON *bin = doc_list(h, "bins"); bin != NULL; bin = bin->next) {
        const double x = doc_number(bin, "forecast"), y = doc_number(bin, "seen");

        if (isnan(x + y))
            continue;
        text_addf(out, "%s%.1f %.1f", is_first ? "M" : "L", along(&f, x), up(&f, y));
        is_first = false;
    }
    text_add(out, "\"/>\n");
    for (const cJSON *bin = doc_list(h, "bins"); bin != NULL; bin = bin->next) {
        const double x = doc_number(bin, "forecast"), y = doc_number(bin, "seen");

        if (isnan(x + y))
            continue;
        text_addf(out,
                  "<circle class=\"fmark\" cx=\"%.1f\" cy=\"%.1f\" r=\"6.5\"><title>%s moments: "
                  "forecast %s, seen %s</title></circle>\n",
                  along(&f, x), up(&f, y), show_count(doc_number(bin, "n")).at, show_chance(x).at,
                  show_chance(y).at);
    }
    fit(caption, sizeof caption,
        "Off by %s on average. Reliability %s, resolution %s, uncertainty %s.",
        show_percent(doc_number(h, "ece"), 1).at, show_real(doc_number(h, "reliability"), 4).at,
        show_real(doc_number(h, "resolution"), 3).at,
        show_real(doc_number(h, "uncertainty"), 3).at);
    svg_end(out, caption);
}

void
chart_reliability(text *out, const cJSON *doc)
{
    size_t place = 0;

    for (const cJSON *h = doc_fields(doc, "horizons"); h != NULL && place < CURVES_SHOWN;
         h = h->next, place++) {
        char heading[80];

        fit(heading, sizeof heading, "Within %.40s: what was said, what came", show_ahead(h).at);
        html_section(out, heading, "Ten bins of as many moments each, by forecast.");
        draw_curve(out, h, place);
        html_section_end(out);
    }
}

static void
add_edge(char *label, size_t size, double hours)
{
    if (hours < 1.0)
        fit(label, size, "%.0f min", 60.0 * hours);
    else if (hours < 48.0)
        fit(label, size, "%.0f h", hours);
    else
        fit(label, size, "%.0f d", hours / 24.0);
}

void
chart_since(text *out, const cJSON *doc)
{
    const cJSON *first = doc_fields(doc, "horizons");
    const size_t bins = doc_count(doc, "since_drop");
    frame f = {58.0, SVG_HALF - 14.0, 16.0, 372.0, 0.0};
    char lead[120], title[96];
    double most = 0.0, x = f.left, width;

    if (bins == 0 || bins > 64 || first == NULL || first->string == NULL)
        return;
    width = (f.right - f.left) / (double)bins;
    for (const cJSON *bin = doc_list(doc, "since_drop"); bin != NULL; bin = bin->next) {
        const cJSON *of = cJSON_GetObjectItemCaseSensitive(doc_at(bin, "horizons"), first->string);

        most = fmax(most, fmax(doc_number(of, "seen"), doc_number(of, "forecast")));
    }
    f.end = share_end(most);
    fit(lead, sizeof lead, "Chance of a drop within %.16s, by the time since the pool's last one.",
        first->string);
    html_section(out, "Time since the last drop", lead);
    text_add(out, "<ul class=\"legend\"><li><i class=\"bgone\"></i>seen</li><li><i "
                  "class=\"bplan\"></i>forecast, on average</li></ul>\n");
    fit(title, sizeof title, "Drops within %.40s, by time since the last drop",
        show_ahead(first).at);
    svg_begin(out, "since", title, lead, SVG_HALF, 420.0);
    draw_shares(out, &f);
    for (const cJSON *bin = doc_list(doc, "since_drop"); bin != NULL; bin = bin->next) {
        const cJSON *of = cJSON_GetObjectItemCaseSensitive(doc_at(bin, "horizons"), first->string);
        const double seen = doc_number(of, "seen"), forecast = doc_number(of, "forecast");
        char tip[120], label[32];

        fit(tip, sizeof tip, "%s moments: seen %s, forecast %s", show_count(doc_number(of, "n")).at,
            show_chance(seen).at, show_chance(forecast).at);
        if (!isnan(seen))
            svg_rect(out, "fgone", x + 0.14 * width, up(&f, seen), 0.72 * width,
                     f.bottom - up(&f, seen), tip);
        if (!isnan(forecast))
            text_addf(out, "<circle class=\"fmark\" cx=\"%.1f\" cy=\"%.1f\" r=\"6.5\"/>\n",
                      x + 0.5 * width, up(&f, forecast));
        add_edge(label, sizeof label, doc_number(bin, "to_h"));
        if (bin->next != NULL && doc_number(bin, "to_h") != 0.5 && doc_number(bin, "to_h") != 2.0 &&
            doc_number(bin, "to_h") != 8.0 && doc_number(bin, "to_h") != 24.0 &&
            doc_number(bin, "to_h") != 96.0) {
            svg_line(out, "edge", x + width, f.bottom, x + width, f.bottom + 5.0);
            svg_text(out, "t", "middle", x + width, f.bottom + 20.0, label);
        }
        x += width;
    }
    svg_text(out, "s", "end", f.right, f.bottom + 40.0, "since the last drop");
    svg_end(out, NULL);
    html_section_end(out);
}

static void
draw_line(text *out, const frame *f, const cJSON *times, const cJSON *values, double from,
          double span, double step, const char *cls)
{
    double last = -INFINITY;
    size_t count = 0;

    text_addf(out, "<path class=\"%s\" d=\"", cls);
    for (; times != NULL && values != NULL && count < POINTS_SHOWN;
         times = times->next, values = values->next, count++) {
        const double t = doc_value(times), p = doc_value(values);

        if (!(t >= from && t <= from + span) || isnan(p))
            continue;
        /* Where nodes are down there is no forecast: the line breaks; h0 dots a lone moment. */
        text_addf(out, t - last > 1.5 * step ? "M%.1f %.1fh0" : "L%.1f %.1f",
                  f->left + (f->right - f->left) * (t - from) / span, up(f, p));
        last = t;
    }
    text_add(out, "\"/>\n");
}

void
chart_forecast(text *out, const cJSON *doc)
{
    const cJSON *line = doc_at(doc, "timeline"), *times = doc_list(line, "time_s");
    const double from = doc_number(doc, "window.from_s"), to = doc_number(doc, "window.to_s");
    const double step = doc_number(line, "step_s"), span = to - from;
    frame f = {48.0, SVG_WIDE - 12.0, 14.0, 270.0, 1.0};
    char heading[120], label[32], desc[160];
    size_t place = 0, drops = 0;

    if (times == NULL || !(span > 0.0) || span > 1e12)
        return;
    fit(heading, sizeof heading, "%.80s over time", doc_text(line, "pool"));
    html_section(out, heading, "The chance of a drop that was forecast, and below it the drops.");
    text_add(out, "<ul class=\"legend\">");
    for (const cJSON *p = doc_fields(line, "p"); p != NULL && place < LINES_SHOWN;
         p = p->next, place++) {
        text_addf(out, "<li><i class=\"%s\"></i>within ", legend_classes[place]);
        html_text(out, show_ahead(p).at);
        text_add(out, "</li>");
    }
    text_add(out, "<li><i class=\"bink\"></i>a drop</li></ul>\n<div class=\"long scroll\" "
                  "tabindex=\"0\" role=\"region\" aria-label=\"forecast over time\">");
    fit(desc, sizeof desc, "%s drops from day %s to day %s.",
        show_count((double)doc_count(line, "drop_s")).at, show_real(from / 86400.0, 1).at,
        show_real(to / 86400.0, 1).at);
    svg_begin(out, "forecast", heading, desc, SVG_WIDE, 340.0);
    draw_shares(out, &f);
    const double days = fmax(1.0, ceil(span / 86400.0 / 10.0));
    for (double day = ceil(from / 86400.0 / days) * days; day * 86400.0 <= to; day += days) {
        const double x = f.left + (f.right - f.left) * (day * 86400.0 - from) / span;

        svg_line(out, "axis", x, f.top, x, f.bottom + 34.0);
        fit(label, sizeof label, "day %.0f", day);
        if (x < f.right - 36.0)
            svg_text(out, "t", "start", x + 4.0, f.bottom + 54.0, label);
    }
    place = 0;
    for (const cJSON *p = doc_fields(line, "p"); p != NULL && place < LINES_SHOWN; p = p->next)
        place++;
    /* The shortest horizon last, on top. */
    for (size_t k = place; k-- > 0;) {
        const cJSON *p = doc_fields(line, "p");

        for (size_t i = 0; i < k; i++)
            p = p->next;
        draw_line(out, &f, times, p->child, from, span, step, line_classes[k]);
    }
    for (const cJSON *drop = doc_list(line, "drop_s"); drop != NULL && drops < DROPS_SHOWN;
         drop = drop->next, drops++) {
        const double x = f.left + (f.right - f.left) * (doc_value(drop) - from) / span;

        if (!isnan(x) && x >= f.left && x <= f.right)
            svg_rect(out, "fink", x - 0.8, f.bottom + 8.0, 1.6, 22.0, NULL);
    }
    svg_end(out, NULL);
    text_add(out, "</div>\n");
    html_section_end(out);
}
