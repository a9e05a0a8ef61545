/* SPDX-License-Identifier: Apache-2.0 */
/*
 * html_why.c - why a pool scores as it does, folded: factors, then what the risk is made of, down
 * to the model's features.
 *
 * A bar to the right of the middle lifts the pool over the reference, one to the left pulls it
 * below. All bars of a pool have one scale, so that a feature can be compared with a factor.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "html.h"

enum { POOLS_SHOWN = 20 };

void
html_lever(text *out, const char *name, double value, double most)
{
    const double half = most > 0.0 && isfinite(value) ? 50.0 * fmin(1.0, fabs(value) / most) : 0.0;
    char number[40];

    fit(number, sizeof number, "%s%s", value < 0.0 ? "\xE2\x88\x92" : "+",
        show_real(fabs(value), 3).at);
    text_add(out, "<span class=\"phi\"><span>");
    html_text(out, name);
    text_addf(out,
              "</span><span class=\"track\"><i class=\"%s\" style=\"width:%.2f%%\"></i></span>",
              value < 0.0 ? "down" : "up", half);
    text_addf(out, "<b>%s</b></span>", number);
}

static double
largest(const cJSON *fields, double most)
{
    for (; fields != NULL; fields = fields->next) {
        if (fabs(doc_value(fields)) > most)
            most = fabs(doc_value(fields));
    }
    return most;
}

/* The largest number of all that the pool shows. */
static double
scale_of(const cJSON *pool)
{
    double most = largest(doc_fields(pool, "contributions"), 0.0);
    const double mean = fabs(doc_number(pool, "parts.from_reference"));

    if (mean > most)
        most = mean;
    for (const cJSON *g = doc_list(pool, "parts.groups"); g != NULL; g = g->next) {
        const double sum = fabs(doc_number(g, "contribution"));

        most = largest(doc_fields(g, "features"), sum > most ? sum : most);
    }
    return most;
}

static void
add_group(text *out, const cJSON *group, double most)
{
    const cJSON *feature = doc_fields(group, "features");
    const char *name = doc_text(group, "group");
    const bool is_alone = feature != NULL && feature->next == NULL;

    if (is_alone) {
        text_add(out, "<li>");
        html_lever(out, name, doc_number(group, "contribution"), most);
        text_add(out, "</li>\n");
        return;
    }
    text_add(out, "<li><details><summary>");
    html_lever(out, name, doc_number(group, "contribution"), most);
    text_add(out, "</summary><ul>\n");
    for (; feature != NULL; feature = feature->next) {
        text_add(out, "<li>");
        html_lever(out, feature->string != NULL ? feature->string : "", doc_value(feature), most);
        text_add(out, "</li>\n");
    }
    text_add(out, "</ul></details></li>\n");
}

static void
add_parts(text *out, const cJSON *pool, double most)
{
    char name[96];

    text_add(out, "<ul>\n<li>");
    fit(name, sizeof name, "a pool at the mean, risk %s",
        show_chance(doc_number(pool, "parts.p_mean")).at);
    html_lever(out, name, doc_number(pool, "parts.from_reference"), most);
    text_add(out, "</li>\n");
    for (const cJSON *g = doc_list(pool, "parts.groups"); g != NULL; g = g->next)
        add_group(out, g, most);
    text_add(out, "</ul>");
}

/* The probability at 24 hours: a triple, or a number. */
static double
chance_of_day(const cJSON *pool)
{
    const cJSON *p = doc_at(pool, "p.24");

    return doc_value(cJSON_IsArray(p) ? p->child : p);
}

static void
add_pool(text *out, const cJSON *pool, bool is_open)
{
    const double most = scale_of(pool);
    const char *holder = doc_text(pool, "parts.of");

    text_addf(out, "<details class=\"pool\"%s><summary><strong>", is_open ? " open" : "");
    html_text(out, doc_text(pool, "pool"));
    text_addf(out, "</strong> score %s, risk %s, %s an hour</summary>\n<ul>\n",
              show_real(doc_number(pool, "score"), 1).at, show_chance(chance_of_day(pool)).at,
              show_price(doc_number(pool, "usd_per_hour")).at);
    for (const cJSON *f = doc_fields(pool, "contributions"); f != NULL; f = f->next) {
        const char *name = f->string != NULL ? f->string : "";

        text_add(out, "<li>");
        if (holder[0] != '\0' && strcmp(holder, name) == 0) {
            text_add(out, "<details open><summary>");
            html_lever(out, name, doc_value(f), most);
            text_add(out, "</summary>\n");
            add_parts(out, pool, most);
            text_add(out, "</details>");
        } else {
            html_lever(out, name, doc_value(f), most);
        }
        text_add(out, "</li>\n");
    }
    text_add(out, "</ul></details>\n");
}

/* Weights that the score goes by, and what they make a hundredth of each factor worth. */
static void
add_weights(text *out, const cJSON *ranking)
{
    const cJSON *worth = doc_fields(ranking, "worth.point_usd_per_hour");

    text_add(out, "<p class=\"soft\">Weights");
    text_add(out, strcmp(doc_text(ranking, "weights_from"), "money") == 0
                      ? " that follow from money:"
                      : ":");
    for (const cJSON *w = doc_fields(ranking, "weights"); w != NULL; w = w->next) {
        text_add(out, " ");
        html_text(out, w->string != NULL ? w->string : "");
        text_addf(out, " %s%s", show_real(doc_value(w), 3).at, w->next != NULL ? "," : ".");
    }
    if (worth != NULL && isfinite(doc_value(worth))) {
        text_add(out, " By them a hundredth of each is worth, at ");
        html_text(out, doc_text(ranking, "worth.pool"));
        text_add(out, ":");
        for (; worth != NULL; worth = worth->next) {
            text_add(out, " ");
            html_text(out, worth->string != NULL ? worth->string : "");
            text_addf(out, " %s%s", show_real(doc_value(worth), 5).at,
                      worth->next != NULL ? "," : " USD an hour.");
        }
    }
    text_add(out, "</p>\n");
}

void
html_why(text *out, const cJSON *doc, const cJSON *ranking, bool only_chosen)
{
    size_t shown = 0, more = 0;
    char lead[320];

    for (const cJSON *pool = doc_list(doc, "pools"); pool != NULL; pool = pool->next)
        more += doc_fields(pool, "contributions") != NULL &&
                (!only_chosen || doc_number(pool, "chosen") > 0.0);
    if (more == 0)
        return;
    fit(lead, sizeof lead,
        "Each bar says how much a factor lifts the pool over %.120s, or pulls it below. They add "
        "up%s.",
        doc_text(ranking, "reference")[0] != '\0' ? doc_text(ranking, "reference")
                                                  : "the reference",
        strcmp(doc_text(ranking, "score"), "geometric") == 0
            ? " to the logarithm of the two scores' ratio"
            : "");
    html_section(out, only_chosen ? "Why these pools" : "Why in this order", lead);
    add_weights(out, ranking);
    for (const cJSON *pool = doc_list(doc, "pools"); pool != NULL && shown < POOLS_SHOWN;
         pool = pool->next) {
        if (doc_fields(pool, "contributions") == NULL ||
            (only_chosen && !(doc_number(pool, "chosen") > 0.0)))
            continue;
        add_pool(out, pool, shown++ == 0);
    }
    if (more > shown)
        text_addf(out, "<p class=\"soft\">and %zu more pools</p>\n", more - shown);
    html_section_end(out);
}
