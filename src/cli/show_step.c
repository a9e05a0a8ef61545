/* SPDX-License-Identifier: Apache-2.0 */
/*
 * show_step.c - what a step did to the books, in a sentence, and the items it was about.
 */
#include <string.h>

#include "fleet.h"

static bool
is_true(const cJSON *doc, const char *path)
{
    return cJSON_IsTrue(doc_at(doc, path));
}

static const char *
participle(const char *step)
{
    static const char *const words[][2] = {{"set", "set"},           {"lift", "lifted"},
                                           {"flag", "flagged"},      {"approve", "approved"},
                                           {"dismiss", "dismissed"}, {"apply", "applied"}};

    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (strcmp(words[i][0], step) == 0)
            return words[i][1];
    }
    return "changed";
}

cJSON *
items_of_step(const cJSON *doc)
{
    const cJSON *id = doc_list(doc, "step.ids");
    const bool has_step = cJSON_IsObject(doc_at(doc, "step"));
    cJSON *list = cJSON_CreateArray();

    /* Both lists are in one order. */
    for (const cJSON *item = doc_list(doc, "items"); item != NULL; item = item->next) {
        if (has_step && (id == NULL || !cJSON_IsString(id) ||
                         strcmp(id->valuestring, doc_text(item, "id")) != 0))
            continue;
        cJSON_AddItemToArray(list, cJSON_Duplicate(item, true));
        if (id != NULL)
            id = id->next;
    }
    return list;
}

static double
usd_of_step(const cJSON *doc)
{
    cJSON *list = items_of_step(doc);
    double usd = 0.0;

    for (const cJSON *item = list->child; item != NULL; item = item->next) {
        const double cost = doc_number(item, "usd_per_month");

        usd += cost > 0.0 ? cost : 0.0;
    }
    cJSON_Delete(list);
    return usd;
}

static void
tell_order(const cJSON *doc, text *out)
{
    const cJSON *id = doc_list(doc, "step.ids");
    const char *name = id != NULL && cJSON_IsString(id) ? id->valuestring : "";
    const char *done = participle(doc_text(doc, "step.do"));

    if (doc_number(doc, "step.already") > 0.0)
        text_addf(out, "order %s is %s already; there is nothing to write", name, done);
    else if (is_true(doc, "step.dry_run"))
        text_addf(out,
                  "dry run: order %s would be %s as below; nothing was written (--apply writes)",
                  name, done);
    else
        text_addf(out, "order %s is %s", name, done);
}

static void
tell_items(const cJSON *doc, text *out)
{
    const double total = doc_number(doc, "step.total"), done = doc_number(doc, "step.done"),
                 already = doc_number(doc, "step.already"), left = doc_number(doc, "step.left"),
                 failed = doc_number(doc, "step.failed"), unknown = doc_number(doc, "step.unknown");
    const char *word = participle(doc_text(doc, "step.do"));
    const bool applies = strcmp(word, "applied") == 0, is_dry = is_true(doc, "step.dry_run");

    if (!(total > 0.0)) {
        text_addf(out, "nothing to be %s", word);
    } else if (is_dry) {
        text_addf(out,
                  "dry run: %s item%s, %s a month, would be %s; nothing was written (--apply "
                  "writes)",
                  show_count(total).at, total == 1.0 ? "" : "s", show_usd(usd_of_step(doc), 2).at,
                  word);
    } else {
        text_addf(out, "%s of %s item%s %s", show_count(done).at, show_count(total).at,
                  total == 1.0 ? "" : "s", word);
        if (applies && strcmp(doc_text(doc, "step.actor"), "ledger") == 0)
            text_add(out, ", in the ledger alone: no cloud was called");
    }
    if (already > 0.0)
        text_addf(out, "; %s already %s", show_count(already).at, word);
    if (!is_dry && left > 0.0)
        text_addf(out, "; %s more approved", show_count(left).at);
    if (failed > 0.0)
        text_addf(out, "; %s failed", show_count(failed).at);
    if (is_true(doc, "step.cancelled"))
        text_add(out, "; cut short: run it again to go on");
    if (unknown > 0.0)
        text_addf(out, "; %s begun before and never ended: look at %s by hand",
                  show_count(unknown).at, unknown == 1.0 ? "it" : "them");
}

void
step_sentence(const cJSON *doc, text *out)
{
    text_add(out, "");
    if (!cJSON_IsObject(doc_at(doc, "step")))
        return;
    if (strcmp(doc_text(doc, "kind"), "FleetOverrides") == 0)
        tell_order(doc, out);
    else
        tell_items(doc, out);
}
