/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kubernetes_read.c - the plain values that all Kubernetes objects are made of.
 *
 * Texts and label sets are kept once each: equal ones are one pointer, which makes comparing shapes
 * a matter of bytes and keeps 10,000 pods small. An absent value and null are the same, as the API
 * server has it.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "io/kubernetes.h"

enum { WARNINGS_MOST = 200 };

spotopt_status
spotopt__k8s_nomem(spotopt__k8s *k8s)
{
    return spotopt__fail(k8s->err, SPOTOPT_E_NOMEM, "no memory for the cluster in %s", k8s->name);
}

bool
spotopt__k8s_key_add(spotopt__k8s *k8s, const void *bytes, size_t length)
{
    if (!spotopt__vec_reserve(k8s->context, &k8s->key, length))
        return false;
    if (length > 0)
        memcpy(k8s->key.at + k8s->key.count, bytes, length);
    k8s->key.count += length;
    return true;
}

const char *
spotopt__k8s_intern(spotopt__k8s *k8s, const char *text, size_t length)
{
    uint32_t at = spotopt__map_get_n(&k8s->text_at, text, length);
    const char *copy;

    if (at != SPOTOPT__NONE)
        return k8s->texts.at[at];
    at = (uint32_t)k8s->texts.count;
    copy = spotopt__arena_text(&k8s->cluster->texts, text, length);
    if (copy == NULL || !spotopt__vec_push(k8s->context, &k8s->texts, copy))
        return NULL;
    return spotopt__map_put_n(&k8s->text_at, copy, length, at, NULL) ? copy : NULL;
}

const char *
spotopt__k8s_join(spotopt__k8s *k8s, const char *a, const char *b, const char *c)
{
    k8s->key.count = 0;
    if (!spotopt__k8s_key_add(k8s, a, strlen(a)) || !spotopt__k8s_key_add(k8s, b, strlen(b)) ||
        !spotopt__k8s_key_add(k8s, c, strlen(c)))
        return NULL;
    return spotopt__k8s_intern(k8s, (const char *)k8s->key.at, k8s->key.count);
}

spotopt_status
spotopt__k8s_warn(spotopt__k8s *k8s, const char *format, ...)
{
    char raw[2 * SPOTOPT_ERROR_MESSAGE_SIZE], line[SPOTOPT_ERROR_MESSAGE_SIZE];
    const char *kept;
    size_t before = k8s->warned.count;
    va_list args;

    if (k8s->cluster->warnings.count >= WARNINGS_MOST)
        return SPOTOPT_OK;
    va_start(args, format);
    if (vsnprintf(raw, sizeof raw, format, args) < 0)
        raw[0] = '\0';
    va_end(args);
    spotopt__clean_line(line, sizeof line, raw);
    kept = spotopt__k8s_intern(k8s, line, strlen(line));
    if (kept == NULL || !spotopt__map_put(&k8s->warned, kept, 0, NULL))
        return spotopt__k8s_nomem(k8s);
    if (k8s->warned.count == before)
        return SPOTOPT_OK;
    if (!spotopt__vec_push(k8s->context, &k8s->cluster->warnings, kept))
        return spotopt__k8s_nomem(k8s);
    spotopt__log(k8s->context, SPOTOPT_LOG_WARNING, "%s: %s", k8s->name, kept);
    return SPOTOPT_OK;
}

spotopt_status
spotopt__k8s_text(spotopt__k8s *k8s, const spotopt__at *at, const char **out)
{
    const char *text;

    if (!spotopt__at_is_set(at))
        return SPOTOPT_OK;
    SPOTOPT__TRY(spotopt__want_text(at, &text, k8s->err));
    text = spotopt__k8s_intern(k8s, text, strlen(text));
    if (text == NULL)
        return spotopt__k8s_nomem(k8s);
    *out = text;
    return SPOTOPT_OK;
}

spotopt_status
spotopt__k8s_bool(spotopt__k8s *k8s, const spotopt__at *at, bool *out)
{
    return spotopt__at_is_set(at) ? spotopt__want_bool(at, out, k8s->err) : SPOTOPT_OK;
}

spotopt_status
spotopt__k8s_int(spotopt__k8s *k8s, const spotopt__at *at, int64_t least, int64_t most,
                 int64_t *out)
{
    return spotopt__at_is_set(at) ? spotopt__want_int(at, least, most, out, k8s->err) : SPOTOPT_OK;
}

spotopt_status
spotopt__k8s_list(spotopt__k8s *k8s, const spotopt__at *at, uint32_t *count)
{
    *count = 0;
    if (!spotopt__at_is_set(at))
        return SPOTOPT_OK;
    SPOTOPT__TRY(spotopt__want_array(at, k8s->err));
    *count = (uint32_t)spotopt__json_count(at->value);
    return SPOTOPT_OK;
}

spotopt_status
spotopt__k8s_word(spotopt__k8s *k8s, const spotopt__at *at, const char *const *words, int32_t *out)
{
    char quoted[SPOTOPT__QUOTE_SIZE], wanted[160];
    const char *text;
    size_t used = 0;

    if (!spotopt__at_is_set(at))
        return SPOTOPT_OK;
    SPOTOPT__TRY(spotopt__want_text(at, &text, k8s->err));
    wanted[0] = '\0';
    for (int32_t i = 0; words[i] != NULL; i++) {
        if (strcmp(words[i], text) == 0) {
            *out = i;
            return SPOTOPT_OK;
        }
        used += (size_t)snprintf(wanted + used, sizeof wanted - used, "%s%s",
                                 i == 0                 ? ""
                                 : words[i + 1] == NULL ? " or "
                                                        : ", ",
                                 words[i]);
        if (used >= sizeof wanted)
            used = sizeof wanted - 1;
    }
    return spotopt__fail_at(at, k8s->err, "is %s; want %s", spotopt__quote(text, quoted), wanted);
}

static int
compare_texts(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

spotopt_status
spotopt__k8s_texts(spotopt__k8s *k8s, const spotopt__at *at, const char *const **out,
                   uint32_t *count)
{
    const char **texts;
    uint32_t room, used = 0;

    *out = NULL;
    *count = 0;
    SPOTOPT__TRY(spotopt__k8s_list(k8s, at, &room));
    if (room == 0)
        return SPOTOPT_OK;
    texts = spotopt__arena_alloc(&k8s->cluster->arena, room, sizeof *texts);
    if (texts == NULL)
        return spotopt__k8s_nomem(k8s);
    for (spotopt__at it = spotopt__at_first(at); it.value != NULL; spotopt__at_step(&it)) {
        const char *text;

        SPOTOPT__TRY(spotopt__want_text(&it, &text, k8s->err));
        text = spotopt__k8s_intern(k8s, text, strlen(text));
        if (text == NULL)
            return spotopt__k8s_nomem(k8s);
        texts[used++] = text;
    }
    if (used > 1)
        qsort(texts, used, sizeof *texts, compare_texts);
    room = used;
    used = 1;
    for (uint32_t i = 1; i < room; i++) {
        if (texts[i] != texts[used - 1])
            texts[used++] = texts[i];
    }
    *out = texts;
    *count = used;
    return SPOTOPT_OK;
}

static int
compare_pairs(const void *a, const void *b)
{
    const spotopt__label *left = a, *right = b;
    const int order = strcmp(left->key, right->key);

    return order != 0 ? order : strcmp(left->value, right->value);
}

spotopt_status
spotopt__k8s_label_set(spotopt__k8s *k8s, spotopt__label *pairs, uint32_t count,
                       spotopt__labels *out)
{
    const spotopt__label *kept;
    uint32_t used = 0, at;

    *out = (spotopt__labels){NULL, 0};
    if (count == 0)
        return SPOTOPT_OK;
    if (count > 16) {
        qsort(pairs, count, sizeof *pairs, compare_pairs);
    } else {
        for (uint32_t i = 1; i < count; i++) {
            const spotopt__label pair = pairs[i];
            uint32_t j = i;

            for (; j > 0 && compare_pairs(&pairs[j - 1], &pair) > 0; j--)
                pairs[j] = pairs[j - 1];
            pairs[j] = pair;
        }
    }
    for (uint32_t i = 0; i < count; i++) {
        if (used == 0 || pairs[used - 1].key != pairs[i].key)
            pairs[used++] = pairs[i];
    }
    at = spotopt__map_get_n(&k8s->label_set_at, (const char *)pairs, used * sizeof *pairs);
    if (at != SPOTOPT__NONE) {
        *out = k8s->label_sets.at[at];
        return SPOTOPT_OK;
    }
    at = (uint32_t)k8s->label_sets.count;
    kept = spotopt__arena_dup(&k8s->cluster->texts, pairs, used, sizeof *pairs);
    if (kept == NULL ||
        !spotopt__vec_push(k8s->context, &k8s->label_sets, (spotopt__labels){kept, used}) ||
        !spotopt__map_put_n(&k8s->label_set_at, (const char *)kept, used * sizeof *kept, at, NULL))
        return spotopt__k8s_nomem(k8s);
    *out = (spotopt__labels){kept, used};
    return SPOTOPT_OK;
}

spotopt_status
spotopt__k8s_labels(spotopt__k8s *k8s, const spotopt__at *at, spotopt__labels *out)
{
    *out = (spotopt__labels){NULL, 0};
    if (!spotopt__at_is_set(at))
        return SPOTOPT_OK;
    SPOTOPT__TRY(spotopt__want_object(at, k8s->err));
    k8s->pairs.count = 0;
    for (spotopt__at it = spotopt__at_first(at); it.value != NULL; spotopt__at_step(&it)) {
        spotopt__label pair = {NULL, ""};

        pair.key = spotopt__k8s_intern(k8s, it.key, strlen(it.key));
        pair.value = spotopt__k8s_intern(k8s, "", 0);
        if (pair.key == NULL || pair.value == NULL)
            return spotopt__k8s_nomem(k8s);
        SPOTOPT__TRY(spotopt__k8s_text(k8s, &it, &pair.value));
        if (!spotopt__vec_push(k8s->context, &k8s->pairs, pair))
            return spotopt__k8s_nomem(k8s);
    }
    return spotopt__k8s_label_set(k8s, k8s->pairs.at, (uint32_t)k8s->pairs.count, out);
}

spotopt_status
spotopt__k8s_quantity(spotopt__k8s *k8s, const spotopt__at *at, bool milli, int64_t *out)
{
    char number[SPOTOPT__REAL_SIZE], quoted[SPOTOPT__QUOTE_SIZE];
    const char *text = spotopt__json_text(at->value);
    int64_t amount;

    if (text == NULL) {
        double value;

        if (at->value == NULL || spotopt__json_type(at->value) != SPOTOPT__JSON_NUMBER)
            return spotopt__fail_at(at, k8s->err, "want a quantity such as \"250m\"");
        SPOTOPT__TRY(spotopt__want_real(at, -INFINITY, INFINITY, &value, k8s->err));
        spotopt__write_real(value, number);
        text = number;
    }
    if (!spotopt__parse_quantity(text, milli, &amount))
        return spotopt__fail_at(at, k8s->err, "is %s; want a quantity such as \"%s\"",
                                spotopt__quote(text, quoted), milli ? "250m" : "512Mi");
    if (amount < 0)
        return spotopt__fail_at(at, k8s->err, "is %s; want a quantity >= 0",
                                spotopt__quote(text, quoted));
    *out = amount;
    return SPOTOPT_OK;
}

spotopt_status
spotopt__k8s_amounts_at(spotopt__k8s *k8s, const spotopt__at *at, bool is_need,
                        spotopt__k8s_amounts *out)
{
    static const char attached[] = "attachable-volumes-";
    spotopt__resources *resources = &k8s->cluster->resources;

    memset(out, 0, sizeof *out);
    if (!spotopt__at_is_set(at))
        return SPOTOPT_OK;
    SPOTOPT__TRY(spotopt__want_object(at, k8s->err));
    for (spotopt__at it = spotopt__at_first(at); it.value != NULL; spotopt__at_step(&it)) {
        const bool milli = strcmp(it.key, "cpu") == 0;
        uint32_t which = spotopt__resources_find(resources, it.key);
        int64_t amount;

        SPOTOPT__TRY(spotopt__k8s_quantity(k8s, &it, milli, &amount));
        if (which == SPOTOPT__NONE) {
            /* What nobody has or asks for needs no place in the table. */
            if (amount == 0 || (!is_need && strncmp(it.key, attached, sizeof attached - 1) == 0))
                continue;
            which = spotopt__resources_add(resources, &k8s->cluster->texts, it.key);
        }
        if (which == SPOTOPT__NONE) {
            if (resources->count < SPOTOPT__RESOURCES_MAX)
                return spotopt__k8s_nomem(k8s);
            if (is_need)
                return spotopt__fail_at(&it, k8s->err,
                                        "one resource name too many; want at most %d",
                                        SPOTOPT__RESOURCES_MAX);
            continue;
        }
        out->amounts.of[which] = amount;
        out->stated |= UINT32_C(1) << which;
    }
    return SPOTOPT_OK;
}

static spotopt_status
read_owner(spotopt__k8s *k8s, const spotopt__at *meta, spotopt__k8s_meta *out)
{
    const spotopt__at owners = spotopt__at_key(meta, "ownerReferences");
    uint32_t count;

    SPOTOPT__TRY(spotopt__k8s_list(k8s, &owners, &count));
    for (spotopt__at it = spotopt__at_first(&owners); it.value != NULL && count > 0;
         spotopt__at_step(&it)) {
        const spotopt__at flag = spotopt__at_key(&it, "controller"),
                          kind = spotopt__at_key(&it, "kind"), name = spotopt__at_key(&it, "name");
        bool is_controller = false;

        SPOTOPT__TRY(spotopt__want_object(&it, k8s->err));
        SPOTOPT__TRY(spotopt__k8s_bool(k8s, &flag, &is_controller));
        if (!is_controller)
            continue;
        SPOTOPT__TRY(spotopt__want_text(&kind, &out->owner_kind, k8s->err));
        SPOTOPT__TRY(spotopt__want_text(&name, &out->owner_name, k8s->err));
        SPOTOPT__TRY(spotopt__k8s_text(k8s, &kind, &out->owner_kind));
        return spotopt__k8s_text(k8s, &name, &out->owner_name);
    }
    return SPOTOPT_OK;
}

spotopt_status
spotopt__k8s_meta_at(spotopt__k8s *k8s, const spotopt__at *object, bool has_ns,
                     spotopt__k8s_meta *out)
{
    const spotopt__at meta = spotopt__at_key(object, "metadata"),
                      name = spotopt__at_key(&meta, "name"),
                      ns = spotopt__at_key(&meta, "namespace"),
                      created = spotopt__at_key(&meta, "creationTimestamp"),
                      deleted = spotopt__at_key(&meta, "deletionTimestamp"),
                      labels = spotopt__at_key(&meta, "labels");
    const char *text;

    *out = (spotopt__k8s_meta){.ns = "", .created_s = NAN};
    SPOTOPT__TRY(spotopt__want_object(&meta, k8s->err));
    SPOTOPT__TRY(spotopt__want_text(&name, &text, k8s->err));
    if (*text == '\0')
        return spotopt__fail_at(&name, k8s->err, "is empty; want a name");
    out->name = text;
    if (has_ns) {
        out->ns = spotopt__k8s_intern(k8s, "default", 7);
        if (out->ns == NULL)
            return spotopt__k8s_nomem(k8s);
        SPOTOPT__TRY(spotopt__k8s_text(k8s, &ns, &out->ns));
        if (*out->ns == '\0')
            out->ns = spotopt__k8s_intern(k8s, "default", 7);
    }
    out->id = has_ns ? spotopt__k8s_join(k8s, out->ns, "/", out->name)
                     : spotopt__k8s_intern(k8s, text, strlen(text));
    if (out->id == NULL)
        return spotopt__k8s_nomem(k8s);
    out->name = has_ns ? out->id + strlen(out->ns) + 1 : out->id;
    out->is_terminating = spotopt__at_is_set(&deleted);
    if (spotopt__at_is_set(&created)) {
        SPOTOPT__TRY(spotopt__want_text(&created, &text, k8s->err));
        if (!spotopt__parse_time(text, strlen(text), &out->created_s))
            return spotopt__fail_at(&created, k8s->err,
                                    "want a time such as \"2026-01-01T00:00:00Z\"");
    }
    SPOTOPT__TRY(read_owner(k8s, &meta, out));
    return spotopt__k8s_labels(k8s, &labels, &out->labels);
}

bool
spotopt__k8s_annotation_is(const spotopt__at *meta, const char *key, const char *value)
{
    const char *found =
        spotopt__json_text(spotopt__json_get(spotopt__json_get(meta->value, "annotations"), key));

    return found != NULL && (value == NULL || strcmp(found, value) == 0);
}
