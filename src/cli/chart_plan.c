/* SPDX-License-Identifier: Apache-2.0 */
/*
 * chart_plan.c - pictures of what a plan is: money, funnel, node fill, risk against price.
 *
 * Labels stand above their bars, never beside them, so that a picture still reads at a phone's
 * width. What is drawn is capped; the tables beside the pictures say so and go further.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "html.h"

enum {
    BARS_SHOWN = 160, /* nodes in the fill picture; more are averaged by pool */
    DOTS_SHOWN = 800,
    KEYS_SHOWN = 24
};

static void
money_bar(text *out, const char *cls, double y, double usd, double most, const char *what)
{
    char value[96];

    fit(value, sizeof value, "%s/h", show_usd(usd, 2).at);
    svg_text(out, "", "start", 0.0, y, what);
    svg_text(out, "b", "end", SVG_HALF, y, value);
    svg_rect(out, cls, 0.0, y + 10.0, SVG_HALF * usd / most, 24.0, NULL);
}

void
chart_money(text *out, const plan_view *v)
{
    char desc[256], label[96];
    const double most = fmax(1e-9, fmax(v->usd_before, fmax(v->usd_after, v->usd_on_demand)));
    double y = 24.0;

    fit(desc, sizeof desc,
        "Now %s an hour, on-demand only %s, this plan %s; proven lower bound %s.",
        show_usd(v->usd_before, 2).at, show_usd(v->usd_on_demand, 2).at,
        show_usd(v->usd_after, 2).at, show_usd(v->usd_bound, 2).at);
    svg_begin(out, "money", "Cost per hour: now, on-demand only, and planned", desc, SVG_HALF,
              200.0);
    fit(label, sizeof label, "Now, %s nodes", show_count(v->nodes_before).at);
    if (!isnan(v->usd_before))
        money_bar(out, "fnow", y, v->usd_before, most, label);
    y += 62.0;
    if (!isnan(v->usd_on_demand))
        money_bar(out, "fod", y, v->usd_on_demand, most, "On-demand only, packed alike");
    y += 62.0;
    fit(label, sizeof label, "This plan, %s nodes", show_count(v->nodes_after).at);
    if (!isnan(v->usd_after))
        money_bar(out, "fplan", y, v->usd_after, most, label);
    if (!isnan(v->usd_bound)) {
        const double x = SVG_HALF * v->usd_bound / most,
                     free_x = fmax(x, SVG_HALF * v->usd_after / most) + 10.0;

        svg_line(out, "bound", x, y + 4.0, x, y + 42.0);
        fit(label, sizeof label, "bound %s", show_usd(v->usd_bound, 2).at);
        if (free_x < SVG_HALF - 150.0)
            svg_text(out, "s", "start", free_x, y + 28.0, label);
    }
    fit(desc, sizeof desc,
        "The dashed line is the proven bound: no fleet for these pods costs less than %s an hour.",
        show_usd(v->usd_bound, 2).at);
    svg_end(out, isnan(v->usd_bound) ? NULL : desc);
}

static void
add_drops(text *out, const view_stage *stage)
{
    char label[128] = "";
    size_t at = 0;

    for (size_t i = 0; i < stage->drop_count; i++) {
        const char *reason = stage->drops[i].reason;
        const int n = fit(label + at, sizeof label - at, "%s%.30s %s", i > 0 ? ", " : "", reason,
                          show_count(stage->drops[i].count).at);

        if (n < 0 || at + (size_t)n > 52) {
            label[at] = '\0';
            fit(label + at, sizeof label - at, "%s%zu more", i > 0 ? " and " : "",
                stage->drop_count - i);
            break;
        }
        at += (size_t)n;
    }
    for (char *c = label; *c != '\0'; c++)
        *c = *c == '_' ? ' ' : *c;
    text_add(out, label);
}

void
chart_funnel(text *out, const view_funnel *f)
{
    const double row = 75.0, short_row = 48.0; /* with reasons under the bar, without */
    const double all = f->stage_count > 0 ? fmax(1.0, f->stages[0].in) : 1.0;
    const size_t shown = f->stage_count < 24 ? f->stage_count : 24;
    char desc[160], counts[128];
    double y = 24.0, height = 50.0;

    for (size_t i = 0; i < shown; i++)
        height += f->stages[i].drop_count > 0 ? row : short_row;
    fit(desc, sizeof desc,
        "%s pools go in, %s are chosen. Each row is a stage; what is pale was dropped there.",
        show_count(f->in).at, show_count(f->chosen).at);
    svg_begin(out, "funnel", "Pools left after each stage of the decision", desc, SVG_HALF, height);
    for (size_t i = 0; i < shown; i++) {
        const view_stage *stage = &f->stages[i];
        text why = {0};
        char name[64];

        fit(name, sizeof name, "%.60s", stage->name);
        for (char *c = name; *c != '\0'; c++)
            *c = *c == '_' ? ' ' : *c;
        svg_text(out, "", "start", 0.0, y, name);
        if (stage->in > stage->out)
            fit(counts, sizeof counts, "%s of %s", show_count(stage->out).at,
                show_count(stage->in).at);
        else
            fit(counts, sizeof counts, "all %s", show_count(stage->out).at);
        svg_text(out, stage->in > stage->out ? "b" : "s", "end", SVG_HALF, y, counts);
        svg_rect(out, "fdrop", 0.0, y + 9.0, SVG_HALF * stage->in / all, 14.0, NULL);
        svg_rect(out, "fplan", 0.0, y + 9.0, SVG_HALF * stage->out / all, 14.0, NULL);
        add_drops(&why, stage);
        if (why.at != NULL && why.length > 0)
            svg_text(out, "s", "start", 0.0, y + 43.0, why.at);
        text_free(&why);
        y += stage->drop_count > 0 ? row : short_row;
    }
    svg_text(out, "", "start", 0.0, y, "chosen");
    svg_text(out, "b", "end", SVG_HALF, y, show_count(f->chosen).at);
    svg_rect(out, "fplan", 0.0, y + 9.0, fmax(2.0, SVG_HALF * f->chosen / all), 14.0, NULL);
    svg_end(out, NULL);
}

/* One panel of the fill picture: a pair of bars for each node (or pool, when there are many). */
static void
fill_panel(text *out, const plan_view *v, bool is_drain, double x, double width, size_t bars,
           bool by_pool)
{
    const double top = 34.0, height = 170.0, step = width / (double)(bars > 0 ? bars : 1);
    const double bar = fmin(14.0, step * 0.42);
    const size_t count = by_pool ? v->group_count : v->node_count;
    size_t drawn = 0;
    char tip[256];

    for (size_t i = 0; i < count; i++) {
        const bool leaves =
            by_pool ? v->groups[i].action == VIEW_DRAIN : v->nodes[i].action == VIEW_DRAIN;
        const double cpu = by_pool ? v->groups[i].cpu : v->nodes[i].cpu;
        const double memory = by_pool ? v->groups[i].memory : v->nodes[i].memory;
        double at;

        if (leaves != is_drain || drawn >= bars)
            continue;
        at = x + step * (double)drawn++ + (step - 2.0 * bar - 1.0) / 2.0;
        fit(tip, sizeof tip, "%.80s, %.80s: cpu %s, memory %s",
            by_pool ? v->groups[i].pool : v->nodes[i].name, by_pool ? "mean" : v->nodes[i].pool,
            show_percent(cpu, 0).at, show_percent(memory, 0).at);
        if (!isnan(cpu))
            svg_rect(out, is_drain ? "fgone" : "fcpu", at,
                     top + height * (1.0 - fmin(fmax(cpu, 0.0), 1.05)), bar,
                     height * fmin(fmax(cpu, 0.0), 1.05), tip);
        if (!isnan(memory))
            svg_rect(out, is_drain ? "fdrop" : "fmem", at + bar + 1.0,
                     top + height * (1.0 - fmin(fmax(memory, 0.0), 1.05)), bar,
                     height * fmin(fmax(memory, 0.0), 1.05), tip);
    }
}

/* "42 planned", or "160 of 720 pools planned" where not all are drawn. */
static void
add_amount(char *out, size_t size, size_t shown, size_t all, const char *what)
{
    if (shown < all)
        fit(out, size, "%s of %s %s", show_count((double)shown).at, show_count((double)all).at,
            what);
    else
        fit(out, size, "%s %s", show_count((double)all).at, what);
}

void
chart_fill(text *out, const plan_view *v, int picture_width)
{
    const bool by_pool = v->node_count > BARS_SHOWN;
    const size_t count = by_pool ? v->group_count : v->node_count;
    size_t stay = 0, leave = 0, stay_shown, leave_shown;
    double cpu = 0.0, memory = 0.0, known = 0.0, room, width;
    char desc[200], label[96];

    for (size_t i = 0; i < count; i++) {
        const bool is_drain =
            by_pool ? v->groups[i].action == VIEW_DRAIN : v->nodes[i].action == VIEW_DRAIN;
        const double fill = by_pool ? v->groups[i].cpu : v->nodes[i].cpu;

        if (is_drain)
            leave += !isnan(fill);
        else
            stay++;
    }
    for (size_t i = 0; i < v->node_count; i++) {
        if (v->nodes[i].action != VIEW_DRAIN && !isnan(v->nodes[i].cpu + v->nodes[i].memory)) {
            cpu += v->nodes[i].cpu;
            memory += v->nodes[i].memory;
            known += 1.0;
        }
    }
    cpu /= known;
    memory /= known;
    fit(desc, sizeof desc,
        "Of the nodes planned, %s of CPU and %s of memory is requested on average.",
        show_percent(cpu, 0).at, show_percent(memory, 0).at);
    svg_begin(out, picture_width == SVG_HALF ? "fill-half" : "fill",
              "Requested CPU and memory of each node", desc, picture_width, 244.0);
    for (int tick = 0; tick <= 100; tick += 50) {
        const double y = 34.0 + 170.0 * (1.0 - tick / 100.0);

        svg_line(out, "axis", 0.0, y, picture_width, y);
        fit(label, sizeof label, "%d %%", tick);
        if (tick > 0)
            svg_text(out, "t", "start", 0.0, y - 4.0, label);
    }
    stay_shown = stay < BARS_SHOWN ? stay : BARS_SHOWN;
    leave_shown = leave < BARS_SHOWN ? leave : BARS_SHOWN;
    room = picture_width - 56.0;
    width = stay_shown + leave_shown == 0
                ? room
                : room * (double)stay_shown / (double)(stay_shown + leave_shown) -
                      (leave > 0 ? 10.0 : 0.0);
    fill_panel(out, v, false, 56.0, width, stay_shown, by_pool);
    add_amount(label, sizeof label, stay_shown, stay, by_pool ? "pools planned" : "planned");
    svg_text(out, "s", "start", 56.0, 232.0, label);
    if (leave > 0) {
        fill_panel(out, v, true, 56.0 + width + 20.0, room - width - 20.0, leave_shown, by_pool);
        add_amount(label, sizeof label, leave_shown, leave, by_pool ? "pools left" : "leave");
        svg_text(out, "s", "end", picture_width, 232.0, label);
    }
    svg_end(out, NULL);
}

typedef struct scale {
    double low, high; /* of log10 of the price */
    double top;       /* of the chance */
    double width, height;
} scale;

static double
scale_x(const scale *s, double usd)
{
    return 76.0 + (s->width - 96.0) * (log10(fmax(usd, 1e-6)) - s->low) / (s->high - s->low);
}

static double
scale_y(const scale *s, double p)
{
    return 24.0 + (s->height - 92.0) * (1.0 - fmin(fmax(p, 0.0), s->top) / s->top);
}

static bool
is_drawable(const view_pool *pool)
{
    return pool->usd > 0.0 && !isnan(pool->p24);
}

static void
draw_axes(text *out, const scale *s)
{
    static const double steps[] = {0.01, 0.02, 0.05, 0.1, 0.2, 0.25, 0.5};
    double step = 0.5;
    char label[48];

    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        if (s->top / steps[i] <= 5.0) {
            step = steps[i];
            break;
        }
    }
    for (int i = 0; i * step <= s->top + 1e-9 && i < 12; i++) {
        const double y = scale_y(s, i * step);

        svg_line(out, i == 0 ? "edge" : "axis", 76.0, y, s->width, y);
        fit(label, sizeof label, "%.0f %%", 100.0 * i * step);
        svg_text(out, "s", "end", 66.0, y + 5.0, label);
    }
    for (int power = (int)floor(s->low); power <= (int)ceil(s->high); power++) {
        static const int parts[] = {1, 2, 5};

        for (size_t k = 0; k < 3; k++) {
            const double usd = parts[k] * pow(10.0, power), x = scale_x(s, usd);

            if (x < 75.0 || x > s->width - 16.0)
                continue;
            svg_line(out, "axis", x, 24.0, x, s->height - 62.0);
            fit(label, sizeof label, usd < 0.1 ? "$%.2f" : usd < 1.0 ? "$%.1f" : "$%.0f", usd);
            svg_text(out, "s", "middle", x, s->height - 40.0, label);
        }
    }
}

static int
by_chosen(const void *a, const void *b)
{
    const view_pool *x = *(const view_pool *const *)a, *y = *(const view_pool *const *)b;

    return x->chosen != y->chosen ? (x->chosen < y->chosen ? 1 : -1) : strcmp(x->id, y->id);
}

/* The height nearest to y at which a mark at x covers none of the marks before it; some of 24
 * numbers always fit. */
static double
free_height(const double at[][2], size_t count, double x, double y)
{
    for (size_t tries = 0; tries < KEYS_SHOWN; tries++) {
        bool is_free = true;

        for (size_t i = 0; i < count && is_free; i++)
            is_free = hypot(at[i][0] - x, at[i][1] - y) >= 21.0;
        if (is_free)
            break;
        y -= 7.0;
    }
    return y;
}

/* The chosen pools' marks, numbered as in the list below; a mark that had to move up keeps a line
 * to its place. */
static void
draw_marks(text *out, const scale *s, const view_pool **chosen, size_t count)
{
    double at[KEYS_SHOWN][2];
    size_t placed = 0;

    for (size_t i = 0; i < count; i++) {
        const view_pool *pool = chosen[i];
        const double x = scale_x(s, pool->usd), place = scale_y(s, pool->p24);
        double y = place;
        char key[24];

        if (!is_drawable(pool))
            continue;
        if (i < KEYS_SHOWN) {
            y = free_height((const double(*)[2])at, placed, x, place);
            at[placed][0] = x;
            at[placed++][1] = y;
        }
        if (y != place)
            svg_line(out, "edge", x, place, x, y);
        if (!isnan(pool->p24_low) && !isnan(pool->p24_high) && pool->is_spot)
            svg_line(out, "whisker", x, scale_y(s, pool->p24_low), x, scale_y(s, pool->p24_high));
        text_addf(out, "<circle class=\"%s\" cx=\"%.1f\" cy=\"%.1f\" r=\"11\"><title>",
                  pool->is_spot ? "fmark" : "fmarkod", x, y);
        html_text(out, pool->id);
        text_add(out, "</title></circle>\n");
        fit(key, sizeof key, "%zu", i + 1);
        if (i < KEYS_SHOWN)
            svg_text(out, "key", "middle", x, y + 4.5, key);
    }
}

static const view_pool **
find_chosen(const plan_view *v, size_t *out_count)
{
    const view_pool **chosen = need_array(v->pool_count, sizeof *chosen);

    *out_count = 0;
    for (size_t i = 0; i < v->pool_count; i++) {
        if (v->pools[i].chosen > 0)
            chosen[(*out_count)++] = &v->pools[i];
    }
    qsort(chosen, *out_count, sizeof *chosen, by_chosen);
    return chosen;
}

void
chart_risk_keys(text *out, const plan_view *v)
{
    size_t count;
    const view_pool **chosen = find_chosen(v, &count);

    text_add(out, "<ol class=\"keys\">\n");
    for (size_t i = 0; i < count && i < KEYS_SHOWN; i++) {
        text_addf(out, "<li><b%s>%zu</b>", chosen[i]->is_spot ? "" : " class=\"od\"", i + 1);
        html_text(out, chosen[i]->id);
        text_addf(out, " <span class=\"soft\">&times;&nbsp;%zu</span></li>\n", chosen[i]->chosen);
    }
    text_add(out, "</ol>\n");
    free(chosen);
}

void
chart_risk(text *out, const plan_view *v, int picture_width)
{
    const size_t stride = v->pool_count / DOTS_SHOWN + 1;
    size_t count;
    const view_pool **chosen = find_chosen(v, &count);
    scale s = {INFINITY, -INFINITY, 0.05, picture_width, picture_width == SVG_HALF ? 420.0 : 392.0};
    char desc[160];

    for (size_t i = 0; i < v->pool_count; i++) {
        const view_pool *pool = &v->pools[i];

        if (!is_drawable(pool))
            continue;
        s.low = fmin(s.low, log10(pool->usd));
        s.high = fmax(s.high, log10(pool->usd));
        s.top = fmax(s.top, pool->p24);
    }
    if (!isfinite(s.low) || s.high - s.low < 0.1) {
        const double middle = isfinite(s.low) ? (s.low + s.high) / 2.0 : -1.0;

        s.low = middle - 0.5;
        s.high = middle + 0.5;
    }
    s.low = fmax(s.low - 0.03, -5.0);
    s.high = fmin(s.high + 0.03, 6.0);
    s.top = fmin(1.0, s.top * 1.04);
    fit(desc, sizeof desc,
        "%zu pools by price and by the chance to lose a node within 24 hours; %zu are chosen.",
        v->pool_count, count);
    svg_begin(out, picture_width == SVG_HALF ? "risk-half" : "risk",
              "Risk against price, chosen pools numbered", desc, picture_width, s.height);
    draw_axes(out, &s);
    for (size_t i = 0; i < v->pool_count; i += stride) {
        const view_pool *pool = &v->pools[i];

        if (pool->chosen == 0 && is_drawable(pool))
            text_addf(out, "<circle class=\"fdot\" cx=\"%.1f\" cy=\"%.1f\" r=\"4\"/>\n",
                      scale_x(&s, pool->usd), scale_y(&s, pool->p24));
    }
    draw_marks(out, &s, chosen, count);
    svg_text(out, "s", "end", s.width, s.height - 8.0, "price of a node, USD per hour");
    svg_text(out, "s", "start", 76.0, 16.0, "chance that a node is taken back within 24 h");
    svg_end(out, NULL);
    free(chosen);
}
