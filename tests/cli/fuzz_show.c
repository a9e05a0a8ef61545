/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Any bytes as a document for show: whatever it says, each table and page must be made, and a page
 * must hold no byte that HTML would read as the document's own markup.
 */
#include <stdlib.h>
#include <string.h>

#include "html.h"
#include "table.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The program's messages would drown the fuzzer's. */
void
say(const char *format, ...)
{
    (void)format;
}

void *
need(void *ptr, size_t size)
{
    void *got = realloc(ptr, size);

    if (got == NULL)
        abort();
    return got;
}

void *
need_array(size_t count, size_t size)
{
    void *got = calloc(count > 0 ? count : 1, size);

    if (got == NULL)
        abort();
    return got;
}

static size_t
count_of(const char *whole, const char *part)
{
    size_t n = 0;

    for (; (whole = strstr(whole, part)) != NULL; whole += strlen(part))
        n++;
    return n;
}

static void
check_page(const text *page)
{
    if (strlen(page->at) != page->length || strstr(page->at, "<script") != NULL)
        abort();
    if (count_of(page->at, "<section>") != count_of(page->at, "</section>") ||
        count_of(page->at, "<svg ") != count_of(page->at, "</svg>") ||
        count_of(page->at, "<text ") != count_of(page->at, "</text>"))
        abort();
    for (const char *c = page->at; *c != '\0'; c += utf8_length(c)) {
        if (utf8_length(c) == 0)
            abort();
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static void (*const pages[])(const cJSON *, text *) = {html_plan,  html_packing, html_ranking,
                                                           html_drain, html_funnel,  html_replay};
    static void (*const tables[])(const cJSON *, const style *, text *) = {
        print_plan, print_packing, print_ranking, print_drain, print_funnel, print_replay};
    const style look = {size % 2 == 0, size % 3 == 0, 72 + size % 60};
    cJSON *doc = doc_parse((const char *)data, size, "f");

    if (doc == NULL)
        return 0;
    for (size_t i = 0; i < 6; i++) {
        text page = {0}, lines = {0};

        pages[i](doc, &page);
        check_page(&page);
        tables[i](doc, &look, &lines);
        if (lines.at != NULL && strlen(lines.at) < lines.length)
            abort();
        text_free(&page);
        text_free(&lines);
    }
    cJSON_Delete(doc);
    return 0;
}
