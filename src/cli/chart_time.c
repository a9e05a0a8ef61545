/* SPDX-License-Identifier: Apache-2.0 */
/*
 * chart_time.c - the drain over time: pods moved so far, then a line for each node that leaves.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "html.h"

enum { LINES_SHOWN = 60 };

enum { DID_LAUNCH, DID_CORDON, DID_EVICT, DID_DELETE };

typedef struct step {
    const char *node, *pod;
    double at;
    int did;
} step;

typedef struct line {
    size_t first, count; /* in steps */
    double from, to;
} line;

static int
did_of(const char *word)
{
    static const char *const words[] = {"launch", "cordon", "evict", "delete"};

    for (int i = 0; i < 4; i++) {
        if (strcmp(word, words[i]) == 0)
            return i;
    }
    return -1;
}

static size_t
read_steps(const cJSON *doc, step **out)
{
    size_t n = 0;

    for (const cJSON *wave = doc_list(doc, "waves"); wave != NULL; wave = wave->next)
        n += doc_count(wave, "steps");
    *out = need_array(n, sizeof **out);
    n = 0;
    for (const cJSON *wave = doc_list(doc, "waves"); wave != NULL; wave = wave->next) {
        for (const cJSON *item = doc_list(wave, "steps"); item != NULL; item = item->next) {
            const double own = doc_number(item, "at_s");
            const step s = {doc_text(item, "node"), doc_text(item, "pod"),
                            isnan(own) ? doc_number(wave, "at_s") : own,
                            did_of(doc_text(item, "do"))};

            if (s.did >= 0 && s.at >= 0.0 && s.at < 1e9)
                (*out)[n++] = s;
        }
    }
    return n;
}

static int
by_time(const void *a, const void *b)
{
    const step *x = a, *y = b;

    return x->at < y->at ? -1 : x->at > y->at ? 1 : x->did - y->did;
}

static int
by_node(const void *a, const void *b)
{
    const step *x = a, *y = b;
    const int order = strcmp(x->node, y->node);

    return order != 0 ? order : by_time(a, b);
}

static int
by_start(const void *a, const void *b)
{
    const line *x = a, *y = b;

    if (x->from != y->from)
        return x->from < y->from ? -1 : 1;
    return x->to != y->to ? (x->to < y->to ? -1 : 1) : x->first < y->first ? -1 : 1;
}

static size_t
make_lines(const step *steps, size_t n, line **out)
{
    line *lines = need_array(n, sizeof *lines);
    size_t count = 0;

    for (size_t i = 0; i < n; i++) {
        if (steps[i].did == DID_LAUNCH)
            continue;
        if (count == 0 || strcmp(steps[lines[count - 1].first].node, steps[i].node) != 0)
            lines[count++] = (line){i, 0, steps[i].at, steps[i].at};
        lines[count - 1].count = i - lines[count - 1].first + 1;
        lines[count - 1].to = steps[i].at;
    }
    qsort(lines, count, sizeof *lines, by_start);
    *out = lines;
    return count;
}

/* Seconds between marks so that there are at most six. */
static double
tick_of(double most)
{
    static const double ticks[] = {5,   10,  15,   30,   60,   120,   300,
                                   600, 900, 1800, 3600, 7200, 21600, 86400};

    for (size_t i = 0; i < sizeof ticks / sizeof *ticks; i++) {
        if (most / ticks[i] <= 6.0)
            return ticks[i];
    }
    return most / 6.0;
}

static double
x_of(double at, double most)
{
    return 132.0 + (SVG_WIDE - 160.0) * at / most;
}

static void
draw_pace(text *out, const step *steps, size_t n, double most, double y)
{
    size_t all = 0, moved = 0;
    double last = y + 56.0;
    char label[64];

    for (size_t i = 0; i < n; i++)
        all += steps[i].did == DID_EVICT;
    if (all == 0)
        return;
    text_addf(out, "<path class=\"fevict\" fill-opacity=\".22\" d=\"M%.1f %.1f", x_of(0.0, most),
              last);
    for (size_t i = 0; i < n; i++) {
        if (steps[i].did != DID_EVICT)
            continue;
        moved++;
        if (i + 1 < n && steps[i + 1].did == DID_EVICT && steps[i + 1].at == steps[i].at)
            continue; /* one corner a moment */
        text_addf(out, "H%.1fV%.1f", x_of(steps[i].at, most),
                  y + 56.0 * (1.0 - (double)moved / (double)all));
    }
    text_addf(out, "H%.1fV%.1fZ\"/>\n", x_of(most, most), last);
    fit(label, sizeof label, "%zu pods", all);
    svg_text(out, "t", "end", 124.0, y + 10.0, "moved so far");
    svg_text(out, "t", "end", 124.0, y + 26.0, label);
}

static void
draw_launches(text *out, const step *steps, size_t n, double most, double y)
{
    bool is_named = false;

    for (size_t i = 0; i < n;) {
        const double at = steps[i].at, x = x_of(at, most);
        size_t count = 0;
        char label[32];

        for (; i < n && steps[i].at == at; i++)
            count += steps[i].did == DID_LAUNCH;
        if (count == 0)
            continue;
        if (!is_named)
            svg_text(out, "t", "end", 124.0, y + 4.0, "launches");
        is_named = true;
        text_addf(out, "<path class=\"flaunch\" d=\"M%.1f %.1fl10 6l-10 6z\"/>\n", x, y - 6.0);
        fit(label, sizeof label, "%zu", count);
        svg_text(out, "t", "start", x + 13.0, y + 4.0, label);
    }
}

static void
draw_line(text *out, const step *steps, const line *l, double most, double y)
{
    char name[32];
    double last = -1.0;

    fit(name, sizeof name, "%.19s", steps[l->first].node);
    name[strcspn(name, ".")] = '\0';
    svg_text(out, "t", "end", 124.0, y + 4.0, name);
    svg_line(out, "run", x_of(l->from, most), y, x_of(l->to, most), y);
    for (size_t i = l->first; i < l->first + l->count; i++) {
        const double x = x_of(steps[i].at, most);

        if (steps[i].did == DID_EVICT && steps[i].at != last) {
            text_addf(out, "<circle class=\"fevict\" cx=\"%.1f\" cy=\"%.1f\" r=\"4.5\"><title>", x,
                      y);
            html_text(out, steps[i].pod);
            text_add(out, "</title></circle>\n");
            last = steps[i].at;
        } else if (steps[i].did == DID_DELETE) {
            svg_rect(out, "fink", x - 2.0, y - 6.0, 4.0, 12.0, NULL);
        }
    }
}

void
chart_timeline(text *out, const cJSON *doc)
{
    step *steps, *in_time;
    line *lines;
    const size_t n = read_steps(doc, &steps);
    const double notice = doc_number(doc, "notice_s");
    size_t count, shown;
    double most = 1.0, tick, bottom;
    char desc[160], label[32];

    if (n == 0) {
        text_add(out, "<p class=\"soft\">Nothing moves.</p>\n");
        free(steps);
        return;
    }
    in_time = need_array(n, sizeof *in_time);
    memcpy(in_time, steps, n * sizeof *steps);
    qsort(in_time, n, sizeof *in_time, by_time);
    qsort(steps, n, sizeof *steps, by_node);
    /* Evictions end before what they move is ready elsewhere: the axis reaches that far, and the
     * notice. */
    most = fmax(most, in_time[n - 1].at);
    if (doc_number(doc, "makespan_s") < 1e9)
        most = fmax(most, doc_number(doc, "makespan_s"));
    if (notice > 0.0 && notice < 1e9)
        most = fmax(most, notice);
    count = make_lines(steps, n, &lines);
    shown = count < LINES_SHOWN ? count : LINES_SHOWN;
    bottom = 112.0 + 17.0 * (double)shown;
    fit(desc, sizeof desc, "%zu steps in %s; %zu nodes leave.", n, show_seconds(most).at, count);
    text_add(out, "<div class=\"long scroll\" tabindex=\"0\" role=\"region\" aria-label=\"drain "
                  "over time\">");
    svg_begin(out, "time", "Launches, cordons, evictions and deletions over time", desc, SVG_WIDE,
              bottom + 24.0);
    tick = tick_of(most);
    for (int i = 0; i * tick <= most && i < 16; i++) {
        svg_line(out, "axis", x_of(i * tick, most), 8.0, x_of(i * tick, most), bottom);
        fit(label, sizeof label, "%s", i == 0 ? "0" : show_seconds(i * tick).at);
        svg_text(out, "t", "middle", x_of(i * tick, most), bottom + 16.0, label);
    }
    if (notice > 0.0 && notice < 1e9) {
        svg_line(out, "bound", x_of(notice, most), 8.0, x_of(notice, most), bottom);
        svg_text(out, "t", "end", x_of(notice, most) - 6.0, 20.0, "nodes are gone");
    }
    draw_pace(out, in_time, n, most, 8.0);
    draw_launches(out, in_time, n, most, 84.0);
    for (size_t i = 0; i < shown; i++)
        draw_line(out, steps, &lines[i], most, 106.0 + 17.0 * (double)i);
    svg_end(out, NULL);
    text_add(out, "</div>\n");
    if (count > shown)
        text_addf(out, "<p class=\"soft\">and %zu more nodes</p>\n", count - shown);
    free(lines);
    free(in_time);
    free(steps);
}
