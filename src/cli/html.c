/* SPDX-License-Identifier: Apache-2.0 */
/*
 * html.c - the page around the pictures: style, escaping, sections, tables, SVG pieces.
 *
 * A page is one file that can be mailed and kept: nothing is fetched, no script runs, and its own
 * content policy forbids both. Every picture has a title, a description and a table of its numbers.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "html.h"
#include "spotopt/version.h"

void
html_text(text *out, const char *what)
{
    while (*what != '\0') {
        const size_t n = utf8_length(what);
        const unsigned char c = (unsigned char)*what;

        if (n == 0 || (c < 0x20 && c != '\n' && c != '\t') || c == 0x7F)
            text_add(out, "\xEF\xBF\xBD");
        else if (c == '&')
            text_add(out, "&amp;");
        else if (c == '<')
            text_add(out, "&lt;");
        else if (c == '>')
            text_add(out, "&gt;");
        else if (c == '"')
            text_add(out, "&quot;");
        else if (c == '\'')
            text_add(out, "&#39;");
        else
            text_add_n(out, what, n);
        what += n ? n : 1;
    }
}

void
html_begin(text *out, const char *title)
{
    text_add(out,
             "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
             "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
             "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src "
             "'unsafe-inline'\">\n<meta name=\"referrer\" content=\"no-referrer\">\n<title>");
    html_text(out, title);
    text_add(out, "</title>\n<style>\n");
    for (const char *const *piece = html_style; *piece != NULL; piece++)
        text_add(out, *piece);
    text_add(out, "</style>\n</head>\n<body>\n<main>\n");
}

void
html_end(text *out, const cJSON *doc)
{
    text_addf(out, "<footer>spotopt %s", spotopt_version());
    for (const cJSON *input = doc_fields(doc, "inputs"); input != NULL; input = input->next) {
        if (!cJSON_IsString(input) || input->string == NULL)
            continue;
        text_add(out, " &middot; ");
        html_text(out, input->string);
        text_add(out, " ");
        html_text(out, input->valuestring);
    }
    text_add(out, "</footer>\n</main>\n</body>\n</html>\n");
}

void
html_section(text *out, const char *heading, const char *lead)
{
    text_add(out, "<section><h2>");
    html_text(out, heading);
    text_add(out, "</h2>\n");
    if (lead != NULL) {
        text_add(out, "<p class=\"lead\">");
        html_text(out, lead);
        text_add(out, "</p>\n");
    }
}

void
html_section_end(text *out)
{
    text_add(out, "</section>\n");
}

void
svg_begin(text *out, const char *id, const char *title, const char *desc, int width, double height)
{
    text_addf(out,
              "<figure><svg class=\"%s\" viewBox=\"0 0 %d %.0f\" role=\"img\" "
              "aria-labelledby=\"%s-t %s-d\">"
              "<title id=\"%s-t\">",
              width == SVG_HALF ? "half" : "wide", width, height, id, id, id);
    html_text(out, title);
    text_addf(out, "</title><desc id=\"%s-d\">", id);
    html_text(out, desc);
    text_add(out, "</desc>\n");
}

void
svg_end(text *out, const char *caption)
{
    text_add(out, "</svg>");
    if (caption != NULL) {
        text_add(out, "<figcaption>");
        text_add(out, caption);
        text_add(out, "</figcaption>");
    }
    text_add(out, "</figure>\n");
}

static void
add_tip(text *out, const char *shape, const char *tip)
{
    if (tip == NULL) {
        text_add(out, "/>\n");
        return;
    }
    text_add(out, "><title>");
    html_text(out, tip);
    text_addf(out, "</title></%s>\n", shape);
}

void
svg_rect(text *out, const char *cls, double x, double y, double w, double h, const char *tip)
{
    text_addf(out,
              "<rect class=\"%s\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" rx=\"%.1f\"",
              cls, x, y, fmax(w, 0.0), fmax(h, 0.0), fmin(3.0, fmin(w, h) / 3.0));
    add_tip(out, "rect", tip);
}

void
svg_line(text *out, const char *cls, double x1, double y1, double x2, double y2)
{
    text_addf(out, "<line class=\"%s\" x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\"/>\n", cls,
              x1, y1, x2, y2);
}

void
svg_text(text *out, const char *cls, const char *anchor, double x, double y, const char *what)
{
    text_addf(out, "<text class=\"%s\" text-anchor=\"%s\" x=\"%.1f\" y=\"%.1f\">", cls, anchor, x,
              y);
    html_text(out, what);
    text_add(out, "</text>\n");
}

void
html_table_begin(text *out, const char *summary, const char *titles)
{
    if (summary != NULL) {
        text_add(out, "<details><summary>");
        html_text(out, summary);
        text_add(out, "</summary>");
    }
    text_add(out, "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-label=\"");
    html_text(out, summary != NULL ? summary : "table");
    text_add(out, "\"><table><thead><tr>");
    while (*titles != '\0') {
        const size_t n = strcspn(titles, "|");
        const bool is_number = n > 0 && titles[n - 1] == '>';

        text_add(out, is_number ? "<th scope=\"col\" class=\"n\">" : "<th scope=\"col\">");
        text_add_n(out, titles, is_number ? n - 1 : n);
        text_add(out, "</th>");
        titles += titles[n] == '|' ? n + 1 : n;
    }
    text_add(out, "</tr></thead><tbody>");
}

/* HTML lets a row and a cell end where the next begins; checkers of well-formed pages like ends. */
void
html_row(text *out)
{
    if (out->length > 5 && memcmp(out->at + out->length - 5, "</td>", 5) == 0)
        text_add(out, "</tr>");
    text_add(out, "\n<tr>");
}

void
html_cell(text *out, const char *what)
{
    text_add(out, strlen(what) > 60 ? "<td class=\"w\">" : "<td>");
    html_text(out, what);
    text_add(out, "</td>");
}

void
html_number(text *out, const char *what)
{
    text_add(out, "<td class=\"n\">");
    html_text(out, what);
    text_add(out, "</td>");
}

void
html_table_end(text *out, bool is_folded)
{
    if (out->length > 5 && memcmp(out->at + out->length - 5, "</td>", 5) == 0)
        text_add(out, "</tr>");
    text_add(out, "\n</tbody></table></div>");
    text_add(out, is_folded ? "</details>\n" : "\n");
}
