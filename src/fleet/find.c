/* SPDX-License-Identifier: Apache-2.0 */
/*
 * find.c - what nobody accounts for, with the evidence and what would be lost.
 *
 * An instance is accounted for by a cluster (the ledger runs it, or a tag names a cluster that is
 * known), by an owner's tag, or by the caller's list. Storage is in use when something refers to
 * it: a volume is attached; an image has an instance or a launch template; a snapshot has an image.
 * What backup tools tag is theirs, and what is young is left alone.
 */
#include <stdarg.h>
#include <stdio.h>

#include "fleet/cleanup.h"
#include "model/policy.h"

#define HOURS_A_MONTH 730.0
#define DAY_MS INT64_C(86400000)

const char *
spotopt__cleanup_text(spotopt_cleanup *cleanup, const char *format, ...)
{
    char text[600];
    va_list args;

    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return spotopt__arena_text(&cleanup->arena, text, strlen(text));
}

bool
spotopt__is_allowed(const spotopt_cleanup_params *params, const spotopt__thing *thing,
                    const char *type)
{
    for (size_t i = 0; i < params->allow_count; i++) {
        if (spotopt__glob(params->allow[i], thing->id) ||
            (thing->name[0] != '\0' && spotopt__glob(params->allow[i], thing->name)) ||
            (type[0] != '\0' && spotopt__glob(params->allow[i], type)))
            return true;
    }
    return false;
}

/* Texts are kept as they are; false: a NULL among them. */
static bool
add_evidence(spotopt__found *found, const char *text)
{
    if (text != NULL && found->evidence_count < SPOTOPT__EVIDENCE)
        found->evidence[found->evidence_count++] = text;
    return text != NULL;
}

static spotopt_status
keep(spotopt_cleanup *cleanup, spotopt__found *found, const char *id, bool is_ok,
     spotopt_error *err)
{
    found->id = spotopt__arena_text(&cleanup->arena, id, strlen(id));
    if (!is_ok || found->id == NULL || found->lost == NULL ||
        !spotopt__vec_push(cleanup->context, &cleanup->items, *found))
        return spotopt__nomem(err, "a clean-up");
    return SPOTOPT_OK;
}

/* --- instances --- */

/* The cluster that an instance's tags name, NULL: none. */
static const char *
tagged_cluster(const spotopt_inventory *inventory, const spotopt__thing *thing)
{
    static const char prefix[] = "kubernetes.io/cluster/";
    static const char *const keys[] = {"aws:eks:cluster-name", "eks:cluster-name",
                                       "alpha.eksctl.io/cluster-name"};

    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        const char *value = spotopt__tag_of(inventory, thing, keys[i]);

        if (value != NULL && value[0] != '\0')
            return value;
    }
    for (size_t i = 0; i < thing->tag_count; i++) {
        const char *key = inventory->tags.at[thing->first_tag + i].key;

        if (strncmp(key, prefix, sizeof prefix - 1) == 0 && key[sizeof prefix - 1] != '\0')
            return key + sizeof prefix - 1;
    }
    return NULL;
}

static bool
is_known_cluster(const spotopt_inventory *inventory, const spotopt_ledger *ledger,
                 const char *cluster)
{
    for (size_t i = 0; i < inventory->clusters.count; i++) {
        if (strcmp(inventory->clusters.at[i], cluster) == 0)
            return true;
    }
    for (size_t i = 0; ledger != NULL && i < ledger->clusters.count; i++) {
        if (strcmp(spotopt__name(ledger, ledger->clusters.at[i].name), cluster) == 0)
            return true;
    }
    return false;
}

static bool
runs_in_ledger(const spotopt_ledger *ledger, const char *id)
{
    const uint32_t name = ledger != NULL ? spotopt__map_get(&ledger->name_of, id) : SPOTOPT__NONE;

    return name != SPOTOPT__NONE && name < ledger->known_names &&
           ledger->life_of[name] != SPOTOPT__NONE;
}

static bool
has_owner(const spotopt_inventory *inventory, const spotopt_cleanup_params *params,
          const spotopt__thing *thing)
{
    static const char *const usual[] = {"owner"};
    const char *const *keys = params->owner_tags != NULL ? params->owner_tags : usual;
    const size_t count = params->owner_tags != NULL ? params->owner_tag_count : 1;

    for (size_t i = 0; i < count; i++) {
        const char *value = spotopt__tag_of(inventory, thing, keys[i]);

        if (value != NULL && value[0] != '\0')
            return true;
    }
    return false;
}

spotopt_status
spotopt__find_instances(spotopt_cleanup *cleanup, const spotopt_inventory *inventory,
                        const spotopt_ledger *ledger, const spotopt_cleanup_params *params,
                        spotopt_error *err)
{
    spotopt__map images;
    spotopt_status status = SPOTOPT_OK;

    spotopt__map_init(&images, cleanup->context);
    for (size_t i = 0; status == SPOTOPT_OK && i < inventory->images.count; i++) {
        if (!spotopt__map_put(&images, inventory->images.at[i].thing.id, 0, NULL))
            status = spotopt__nomem(err, "a clean-up");
    }
    for (size_t i = 0; status == SPOTOPT_OK && i < inventory->instances.count; i++) {
        const spotopt__instance *one = &inventory->instances.at[i];
        const char *cluster = tagged_cluster(inventory, &one->thing);
        spotopt__found found = {.what = "instance",
                                .usd_per_month = one->usd_per_h * HOURS_A_MONTH,
                                .first_seen_ms = one->thing.since_ms};
        bool is_ok = true;

        if (!one->is_running || runs_in_ledger(ledger, one->thing.id) ||
            (cluster != NULL && is_known_cluster(inventory, ledger, cluster)) ||
            has_owner(inventory, params, &one->thing) ||
            spotopt__is_allowed(params, &one->thing, one->type))
            continue;
        is_ok = add_evidence(
            &found, cluster == NULL ? "no cluster"
                                    : spotopt__cleanup_text(
                                          cleanup, "its cluster is not known: %.200s", cluster));
        is_ok = add_evidence(&found, "no owner tag") && is_ok;
        is_ok = add_evidence(&found, "not on the allow-list") && is_ok;
        if (one->image[0] != '\0' && inventory->knows_images &&
            spotopt__map_get(&images, one->image) == SPOTOPT__NONE)
            is_ok = add_evidence(&found, spotopt__cleanup_text(cleanup, "unknown image %.100s",
                                                               one->image)) &&
                    is_ok;
        found.lost = spotopt__cleanup_text(cleanup, "what runs on the %.60s, and its local disks",
                                           one->type[0] != '\0' ? one->type : "instance");
        status = keep(cleanup, &found, one->thing.id, is_ok, err);
    }
    spotopt__map_free(&images);
    return status;
}

/* --- storage --- */

static bool
is_backup(const spotopt_inventory *inventory, const spotopt__thing *thing)
{
    static const char *const prefixes[] = {"aws:backup:", "aws:dlm:", "dlm:"};

    for (size_t i = 0; i < thing->tag_count; i++) {
        const char *key = inventory->tags.at[thing->first_tag + i].key;

        for (size_t p = 0; p < sizeof prefixes / sizeof *prefixes; p++) {
            if (strncmp(key, prefixes[p], strlen(prefixes[p])) == 0)
                return true;
        }
    }
    const char *tag = spotopt__tag_of(inventory, thing, "backup");

    return tag != NULL && strcmp(tag, "false") != 0 && strcmp(tag, "no") != 0;
}

/* Young, a backup's, or on the list. */
static bool
stays(const spotopt_inventory *inventory, const spotopt_cleanup_params *params,
      const spotopt__thing *thing, const char *type)
{
    const bool is_young = thing->since_ms >= 0 && (double)(params->now_ms - thing->since_ms) <
                                                      params->min_age_days * (double)DAY_MS;

    return is_young || is_backup(inventory, thing) || spotopt__is_allowed(params, thing, type);
}

static bool
add_age(spotopt_cleanup *cleanup, spotopt__found *found)
{
    const int64_t days = (cleanup->now_ms - found->first_seen_ms) / DAY_MS;

    return add_evidence(found,
                        found->first_seen_ms >= 0
                            ? spotopt__cleanup_text(cleanup, "%lld days old", (long long)days)
                            : "of unknown age");
}

typedef struct refs {
    spotopt__map snapshot, volume, image_used, snapshot_used, last_copy;
} refs;

/* The last snapshot of a volume, SPOTOPT__NONE: there is none. */
static uint32_t
last_copy(const refs *x, const char *volume)
{
    return volume[0] != '\0' ? spotopt__map_get(&x->last_copy, volume) : SPOTOPT__NONE;
}

static void
free_index(refs *x)
{
    spotopt__map_free(&x->snapshot);
    spotopt__map_free(&x->volume);
    spotopt__map_free(&x->image_used);
    spotopt__map_free(&x->snapshot_used);
    spotopt__map_free(&x->last_copy);
}

/* last: room for a number a snapshot; the latest snapshot of the volume at each place. */
static bool
make_index(refs *x, spotopt_context *context, const spotopt_inventory *inv, uint32_t *last)
{
    bool is_ok = true;

    spotopt__map_init(&x->snapshot, context);
    spotopt__map_init(&x->volume, context);
    spotopt__map_init(&x->image_used, context);
    spotopt__map_init(&x->snapshot_used, context);
    spotopt__map_init(&x->last_copy, context);
    for (size_t i = 0; is_ok && i < inv->snapshots.count; i++) {
        const spotopt__snapshot *s = &inv->snapshots.at[i];
        uint32_t place = 0;

        is_ok = spotopt__map_put(&x->snapshot, s->thing.id, (uint32_t)i, NULL);
        last[i] = (uint32_t)i;
        if (is_ok && s->volume[0] != '\0') {
            is_ok = spotopt__map_put(&x->last_copy, s->volume, (uint32_t)i, &place);
            if (is_ok && s->thing.since_ms >= inv->snapshots.at[last[place]].thing.since_ms)
                last[place] = (uint32_t)i;
        }
    }
    for (size_t i = 0; is_ok && i < inv->volumes.count; i++)
        is_ok = spotopt__map_put(&x->volume, inv->volumes.at[i].thing.id, (uint32_t)i, NULL);
    for (size_t i = 0; is_ok && i < inv->instances.count; i++)
        is_ok = spotopt__map_put(&x->image_used, inv->instances.at[i].image, 0, NULL);
    for (size_t i = 0; is_ok && i < inv->templates.count; i++)
        is_ok = spotopt__map_put(&x->image_used, inv->templates.at[i], 0, NULL);
    for (size_t i = 0; is_ok && i < inv->refs.count; i++)
        is_ok = spotopt__map_put(&x->snapshot_used, inv->refs.at[i], 0, NULL);
    return is_ok;
}

static const char *
show_gib(double gib, char out[SPOTOPT__REAL_SIZE + 8])
{
    if (isnan(gib))
        return strcpy(out, "data of unknown size");
    (void)spotopt__write_real(gib, out);
    return strcat(out, " GiB");
}

static spotopt_status
find_volume(spotopt_cleanup *cleanup, const spotopt_inventory *inv, const refs *x,
            const uint32_t *last, const spotopt__volume *v, spotopt_error *err)
{
    const char *claim = spotopt__tag_of(inv, &v->thing, "kubernetes.io/created-for/pvc/name");
    const uint32_t copy = last_copy(x, v->thing.id);
    spotopt__found found = {.what = "volume",
                            .usd_per_month = v->gib * spotopt__rate_of(inv, v->type),
                            .first_seen_ms = v->thing.since_ms};
    char size[SPOTOPT__REAL_SIZE + 8];
    bool is_ok = add_evidence(&found, "not attached") && add_age(cleanup, &found);

    if (claim != NULL)
        is_ok =
            add_evidence(&found, spotopt__cleanup_text(cleanup, "made for claim %.200s", claim)) &&
            is_ok;
    (void)show_gib(v->gib, size);
    found.lost = copy == SPOTOPT__NONE
                     ? spotopt__cleanup_text(cleanup, "%s, and no snapshot has a copy", size)
                     : spotopt__cleanup_text(cleanup, "what changed on %s since snapshot %.60s",
                                             size, inv->snapshots.at[last[copy]].thing.id);
    return keep(cleanup, &found, v->thing.id, is_ok, err);
}

static spotopt_status
find_snapshot(spotopt_cleanup *cleanup, const spotopt_inventory *inv, const refs *x,
              const uint32_t *last, size_t place, spotopt_error *err)
{
    const spotopt__snapshot *s = &inv->snapshots.at[place];
    const bool has_volume =
        s->volume[0] != '\0' && spotopt__map_get(&x->volume, s->volume) != SPOTOPT__NONE;
    const uint32_t copy = last_copy(x, s->volume);
    const bool is_last = copy == SPOTOPT__NONE || last[copy] == place;
    spotopt__found found = {.what = "snapshot",
                            .usd_per_month = s->gib * spotopt__rate_of(inv, "snapshot"),
                            .first_seen_ms = s->thing.since_ms};
    char size[SPOTOPT__REAL_SIZE + 8];
    bool is_ok = add_evidence(&found, "no image refers to it") && add_age(cleanup, &found);

    is_ok =
        add_evidence(&found, has_volume ? "its volume is there" : "its volume is gone") && is_ok;
    (void)show_gib(s->gib, size);
    found.lost = !is_last ? spotopt__cleanup_text(cleanup, "an older copy of %s; %.60s is later",
                                                  size, inv->snapshots.at[last[copy]].thing.id)
                 : has_volume
                     ? spotopt__cleanup_text(cleanup, "the last copy of %s beside the volume", size)
                     : spotopt__cleanup_text(cleanup, "the only copy of %s", size);
    return keep(cleanup, &found, s->thing.id, is_ok, err);
}

static spotopt_status
find_image(spotopt_cleanup *cleanup, const spotopt_inventory *inv, const refs *x,
           const spotopt__image *image, spotopt_error *err)
{
    spotopt__found found = {.what = "image", .first_seen_ms = image->thing.since_ms};
    bool is_ok =
        add_evidence(&found, "no instance or launch template uses it") && add_age(cleanup, &found);

    for (size_t i = 0; i < image->ref_count; i++) {
        const uint32_t place = spotopt__map_get(&x->snapshot, inv->refs.at[image->first_ref + i]);
        const double gib = place != SPOTOPT__NONE ? inv->snapshots.at[place].gib : (double)NAN;

        found.usd_per_month += gib * spotopt__rate_of(inv, "snapshot");
    }
    found.lost = spotopt__cleanup_text(
        cleanup, "the means to launch %.200s; its %zu snapshots can go next",
        image->thing.name[0] != '\0' ? image->thing.name : image->thing.id, image->ref_count);
    return keep(cleanup, &found, image->thing.id, is_ok, err);
}

spotopt_status
spotopt__find_storage(spotopt_cleanup *cleanup, const spotopt_inventory *inv,
                      const spotopt_cleanup_params *params, spotopt_error *err)
{
    uint32_t *last = spotopt__alloc_array(cleanup->context, inv->snapshots.count + 1, sizeof *last);
    spotopt_status status = SPOTOPT_OK;
    refs x;

    if (last == NULL)
        return spotopt__nomem(err, "a clean-up");
    if (!make_index(&x, cleanup->context, inv, last))
        status = spotopt__nomem(err, "a clean-up");
    for (size_t i = 0; status == SPOTOPT_OK && i < inv->volumes.count; i++) {
        const spotopt__volume *v = &inv->volumes.at[i];

        if (!v->is_attached && !stays(inv, params, &v->thing, v->type))
            status = find_volume(cleanup, inv, &x, last, v, err);
    }
    for (size_t i = 0; status == SPOTOPT_OK && i < inv->snapshots.count; i++) {
        const spotopt__thing *thing = &inv->snapshots.at[i].thing;

        if (spotopt__map_get(&x.snapshot_used, thing->id) == SPOTOPT__NONE &&
            !stays(inv, params, thing, ""))
            status = find_snapshot(cleanup, inv, &x, last, i, err);
    }
    for (size_t i = 0; status == SPOTOPT_OK && i < inv->images.count; i++) {
        const spotopt__thing *thing = &inv->images.at[i].thing;

        if (spotopt__map_get(&x.image_used, thing->id) == SPOTOPT__NONE &&
            !stays(inv, params, thing, ""))
            status = find_image(cleanup, inv, &x, &inv->images.at[i], err);
    }
    free_index(&x);
    spotopt__free(cleanup->context, last);
    return status;
}
