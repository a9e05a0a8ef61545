/* SPDX-License-Identifier: Apache-2.0 */
/*
 * certificate.c - why a problem is infeasible, in words.
 */
#include <string.h>

#include "certificate.h"

#define NAMES_SHOWN 8

void
doc_certificate(const cJSON *doc, text *out)
{
    const char *proof = doc_text(doc, "certificate.proof");
    const size_t limits = doc_count(doc, "certificate.limits");
    size_t demands = 0, n = 0;

    for (const cJSON *d = doc_fields(doc, "certificate.demands"); d != NULL; d = d->next)
        demands++;
    text_add(out, "no packing even of these alone: ");
    for (const cJSON *d = doc_fields(doc, "certificate.demands"); d != NULL && n < NAMES_SHOWN;
         d = d->next, n++)
        text_addf(out, "%s%s of %s", n > 0 ? ", " : "", show_count(doc_value(d)).at,
                  d->string != NULL ? d->string : "");
    if (demands > n)
        text_addf(out, " and %s demands more", show_count((double)(demands - n)).at);
    if (demands == 0)
        text_add(out, "no demand at all");
    n = 0;
    for (const cJSON *r = doc_list(doc, "certificate.rules"); r != NULL && n < NAMES_SHOWN;
         r = r->next, n++)
        text_addf(out, "%srules/%s", n > 0 ? ", " : "; by ", show_count(doc_value(r)).at);
    if (doc_count(doc, "certificate.rules") > n)
        text_add(out, " and more");
    n = 0;
    for (const cJSON *l = doc_list(doc, "certificate.limits"); l != NULL && n < NAMES_SHOWN;
         l = l->next, n++)
        text_addf(out, "%s%s",
                  n > 0 ? ", " : "; limited: ", cJSON_IsString(l) ? l->valuestring : "");
    if (limits > n)
        text_addf(out, " and %s pools more", show_count((double)(limits - n)).at);
    text_addf(out, " (%s)",
              strcmp(proof, "demand") == 0 ? "one fits nowhere"
              : strcmp(proof, "lp") == 0   ? "proved by prices"
                                           : "proved by complete search");
}
