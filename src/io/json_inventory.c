/* SPDX-License-Identifier: Apache-2.0 */
/*
 * json_inventory.c - reads an Inventory: what an account has, in the words of EC2's Describe calls.
 */
#include "io/maybe.h"
#include "model/inventory.h"

#define THINGS_MAX 10000000
#define GIB_MAX 1e9

typedef struct reader {
    spotopt_inventory *inventory;
    spotopt__map ids; /* of one list */
} reader;

#define TRY(call)                                                                                  \
    do {                                                                                           \
        spotopt_status tried = call;                                                               \
        if (tried != SPOTOPT_OK)                                                                   \
            return tried;                                                                          \
    } while (0)
#define KEEP(vec, row)                                                                             \
    (spotopt__vec_push(r->inventory->context, &r->inventory->vec, row)                             \
         ? SPOTOPT_OK                                                                              \
         : spotopt__nomem(err, "an inventory"))

static spotopt_status
read_text(reader *r, const spotopt__at *at, const char *key, const char **out, spotopt_error *err)
{
    const char *text = "";

    TRY(spotopt__maybe_text(at, key, &text, err));
    *out = spotopt__arena_text(&r->inventory->arena, text, strlen(text));
    return *out != NULL ? SPOTOPT_OK : spotopt__nomem(err, "an inventory");
}

static spotopt_status
read_since(const spotopt__at *at, const char *key, int64_t *out, spotopt_error *err)
{
    spotopt__at time = spotopt__at_key(at, key);
    const char *text = NULL;
    double s;

    *out = -1;
    TRY(spotopt__maybe_text(at, key, &text, err));
    if (text == NULL)
        return SPOTOPT_OK;
    if (!spotopt__parse_time(text, strlen(text), &s) || s < 0.0)
        return spotopt__fail_at(&time, err, "want a time such as \"2026-01-02T00:00:00Z\"");
    *out = (int64_t)(s * 1000.0 + 0.5);
    return SPOTOPT_OK;
}

static spotopt_status
read_tags(reader *r, const spotopt__at *at, spotopt__thing *out, spotopt_error *err)
{
    spotopt__at list = spotopt__at_key(at, "Tags");

    out->first_tag = r->inventory->tags.count;
    if (!spotopt__at_is_set(&list))
        return SPOTOPT_OK;
    TRY(spotopt__want_array(&list, err));
    for (spotopt__at it = spotopt__at_first(&list); it.value != NULL; spotopt__at_step(&it)) {
        spotopt__at key = spotopt__at_key(&it, "Key");
        spotopt__tag tag;
        const char *text;

        TRY(spotopt__want_object(&it, err));
        TRY(spotopt__want_text(&key, &text, err));
        TRY(read_text(r, &it, "Key", &tag.key, err));
        TRY(read_text(r, &it, "Value", &tag.value, err));
        TRY(KEEP(tags, tag));
        out->tag_count++;
    }
    return SPOTOPT_OK;
}

static spotopt_status
read_thing(reader *r, const spotopt__at *at, const char *id_key, const char *since_key,
           spotopt__thing *out, spotopt_error *err)
{
    spotopt__at id = spotopt__at_key(at, id_key);
    const char *text;
    uint32_t found = 0;

    TRY(spotopt__want_object(at, err));
    TRY(spotopt__want_name(&id, &text, err));
    out->id = spotopt__arena_text(&r->inventory->arena, text, strlen(text));
    if (out->id == NULL || !spotopt__map_put(&r->ids, out->id, (uint32_t)at->index, &found))
        return spotopt__nomem(err, "an inventory");
    if (found != at->index)
        return spotopt__fail_at(&id, err, "\"%.80s\" is there already; want each once", text);
    TRY(read_text(r, at, "Name", &out->name, err));
    TRY(read_since(at, since_key, &out->since_ms, err));
    return read_tags(r, at, out, err);
}

static spotopt_status
read_instance(reader *r, const spotopt__at *at, spotopt_error *err)
{
    spotopt__instance made = {.usd_per_h = NAN, .is_running = true};
    spotopt__at state = spotopt__at_key(at, "State");
    const char *word = NULL;

    TRY(read_thing(r, at, "InstanceId", "LaunchTime", &made.thing, err));
    TRY(read_text(r, at, "InstanceType", &made.type, err));
    TRY(read_text(r, at, "ImageId", &made.image, err));
    TRY(spotopt__maybe_real(at, "usd_per_hour", 0.0, 1e9, &made.usd_per_h, err));
    if (spotopt__at_is_set(&state)) {
        TRY(spotopt__want_object(&state, err));
        TRY(spotopt__maybe_text(&state, "Name", &word, err));
        made.is_running =
            word == NULL || strcmp(word, "running") == 0 || strcmp(word, "pending") == 0;
    }
    return KEEP(instances, made);
}

static spotopt_status
read_volume(reader *r, const spotopt__at *at, spotopt_error *err)
{
    spotopt__volume made = {.gib = NAN};
    spotopt__at list = spotopt__at_key(at, "Attachments");
    const char *state = "";

    TRY(read_thing(r, at, "VolumeId", "CreateTime", &made.thing, err));
    TRY(read_text(r, at, "VolumeType", &made.type, err));
    TRY(spotopt__maybe_real(at, "Size", 0.0, GIB_MAX, &made.gib, err));
    TRY(spotopt__maybe_text(at, "State", &state, err));
    if (spotopt__at_is_set(&list)) {
        TRY(spotopt__want_array(&list, err));
        made.is_attached = spotopt__json_first(list.value) != NULL;
    }
    /* Where there is no word of attachments, only "available" says that there is none. */
    made.is_attached |=
        strcmp(state, "available") != 0 && (state[0] != '\0' || !spotopt__at_is_set(&list));
    return KEEP(volumes, made);
}

static spotopt_status
read_snapshot(reader *r, const spotopt__at *at, spotopt_error *err)
{
    spotopt__snapshot made = {.gib = NAN};

    TRY(read_thing(r, at, "SnapshotId", "StartTime", &made.thing, err));
    TRY(read_text(r, at, "VolumeId", &made.volume, err));
    TRY(read_text(r, at, "Description", &made.description, err));
    TRY(spotopt__maybe_real(at, "VolumeSize", 0.0, GIB_MAX, &made.gib, err));
    return KEEP(snapshots, made);
}

static spotopt_status
read_image(reader *r, const spotopt__at *at, spotopt_error *err)
{
    spotopt__image made = {.first_ref = r->inventory->refs.count};
    spotopt__at list = spotopt__at_key(at, "BlockDeviceMappings");

    TRY(read_thing(r, at, "ImageId", "CreationDate", &made.thing, err));
    if (spotopt__at_is_set(&list)) {
        TRY(spotopt__want_array(&list, err));
        for (spotopt__at it = spotopt__at_first(&list); it.value != NULL; spotopt__at_step(&it)) {
            spotopt__at ebs = spotopt__at_key(&it, "Ebs");
            const char *snapshot;
            bool is_set;

            TRY(spotopt__want_object(&it, err));
            TRY(spotopt__maybe_object(&ebs, &is_set, err));
            if (!is_set)
                continue;
            TRY(read_text(r, &ebs, "SnapshotId", &snapshot, err));
            if (snapshot[0] == '\0')
                continue;
            TRY(KEEP(refs, snapshot));
            made.ref_count++;
        }
    }
    return KEEP(images, made);
}

static spotopt_status
read_template(reader *r, const spotopt__at *at, spotopt_error *err)
{
    spotopt__at data = spotopt__at_key(at, "LaunchTemplateData");
    const char *image;
    bool is_set;

    TRY(spotopt__want_object(at, err));
    TRY(spotopt__maybe_object(&data, &is_set, err));
    TRY(read_text(r, is_set ? &data : at, "ImageId", &image, err));
    return image[0] != '\0' ? KEEP(templates, image) : SPOTOPT_OK;
}

static spotopt_status
read_cluster(reader *r, const spotopt__at *at, spotopt_error *err)
{
    spotopt__at id = spotopt__at_key(at, "id");
    const char *text;

    TRY(spotopt__want_object(at, err));
    TRY(spotopt__want_name(&id, &text, err));
    TRY(read_text(r, at, "id", &text, err));
    return KEEP(clusters, text);
}

static spotopt_status
read_client(reader *r, const spotopt__at *at, spotopt_error *err)
{
    spotopt__at id = spotopt__at_key(at, "id");
    const char *text;

    (void)r;
    TRY(spotopt__want_object(at, err));
    return spotopt__want_name(&id, &text, err);
}

static spotopt_status
read_list(reader *r, const spotopt__at *root, const char *key,
          spotopt_status (*read)(reader *, const spotopt__at *, spotopt_error *),
          spotopt_error *err)
{
    spotopt__at list = spotopt__at_key(root, key);

    if (!spotopt__at_is_set(&list))
        return SPOTOPT_OK;
    TRY(spotopt__want_array(&list, err));
    spotopt__map_free(&r->ids);
    for (spotopt__at it = spotopt__at_first(&list); it.value != NULL; spotopt__at_step(&it)) {
        if (it.index == THINGS_MAX)
            return spotopt__fail_at(&list, err, "want at most %d", THINGS_MAX);
        TRY(read(r, &it, err));
    }
    return SPOTOPT_OK;
}

static spotopt_status
read_rates(reader *r, const spotopt__at *root, spotopt_error *err)
{
    spotopt__at map = spotopt__at_key(root, "usd_per_gib_month");
    bool is_set;

    TRY(spotopt__maybe_object(&map, &is_set, err));
    for (spotopt__at it = spotopt__at_first(&map); is_set && it.value != NULL;
         spotopt__at_step(&it)) {
        spotopt__rate rate = {NULL, 0.0};

        TRY(spotopt__want_real(&it, 0.0, 1e6, &rate.usd_per_gib_month, err));
        rate.what = spotopt__arena_text(&r->inventory->arena, it.key, strlen(it.key));
        if (rate.what == NULL)
            return spotopt__nomem(err, "an inventory");
        TRY(KEEP(rates, rate));
    }
    return SPOTOPT_OK;
}

static spotopt_status
read_inventory(reader *r, const spotopt__at *root, spotopt_error *err)
{
    static const char *const known[] = {
        "apiVersion", "kind",    "instances",        "volumes",           "snapshots", "images",
        "clusters",   "clients", "launch_templates", "usd_per_gib_month", NULL};
    spotopt__at images = spotopt__at_key(root, "images");
    bool warned = false;

    TRY(spotopt__want_kind(root, "Inventory", err));
    spotopt__warn_unknown(r->inventory->context, root, known, &warned);
    TRY(read_list(r, root, "instances", read_instance, err));
    TRY(read_list(r, root, "volumes", read_volume, err));
    TRY(read_list(r, root, "snapshots", read_snapshot, err));
    TRY(read_list(r, root, "images", read_image, err));
    TRY(read_list(r, root, "launch_templates", read_template, err));
    TRY(read_list(r, root, "clusters", read_cluster, err));
    TRY(read_list(r, root, "clients", read_client, err));
    TRY(read_rates(r, root, err));
    r->inventory->knows_images = spotopt__at_is_set(&images);
    return SPOTOPT_OK;
}

spotopt_status
spotopt_inventory_parse(spotopt_context *context, const char *text, size_t length, const char *name,
                        spotopt_inventory **out, spotopt_error *err)
{
    spotopt__json *json = NULL;
    reader r = {NULL, {0}};
    spotopt_status status;

    if (out == NULL || (text == NULL && length > 0))
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT, "%s is NULL; want it set",
                             out == NULL ? "out" : "text");
    if (name == NULL)
        name = "inventory";
    r.inventory = spotopt__alloc(context, sizeof *r.inventory);
    if (r.inventory == NULL)
        return spotopt__nomem(err, "an inventory");
    r.inventory->context = spotopt__context_hold(context);
    spotopt__arena_init(&r.inventory->arena, context);
    spotopt__map_init(&r.ids, context);
    status = spotopt__json_parse(text, length, name, &json, err);
    if (status == SPOTOPT_OK) {
        spotopt__at root = spotopt__at_root(json, name);

        status = read_inventory(&r, &root, err);
    }
    spotopt__json_free(json);
    spotopt__map_free(&r.ids);
    if (status == SPOTOPT_OK)
        *out = r.inventory;
    else
        spotopt_inventory_free(r.inventory);
    return status;
}

void
spotopt_inventory_free(spotopt_inventory *inventory)
{
    spotopt_context *context;

    if (inventory == NULL)
        return;
    context = inventory->context;
    spotopt__vec_free(context, &inventory->tags);
    spotopt__vec_free(context, &inventory->instances);
    spotopt__vec_free(context, &inventory->volumes);
    spotopt__vec_free(context, &inventory->snapshots);
    spotopt__vec_free(context, &inventory->images);
    spotopt__vec_free(context, &inventory->refs);
    spotopt__vec_free(context, &inventory->templates);
    spotopt__vec_free(context, &inventory->clusters);
    spotopt__vec_free(context, &inventory->rates);
    spotopt__arena_free(&inventory->arena);
    spotopt__free(context, inventory);
    spotopt__context_drop(context);
}

static char
lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

const char *
spotopt__tag_of(const spotopt_inventory *inventory, const spotopt__thing *thing, const char *key)
{
    for (size_t i = 0; i < thing->tag_count; i++) {
        const spotopt__tag *tag = &inventory->tags.at[thing->first_tag + i];
        size_t c = 0;

        while (key[c] != '\0' && lower(tag->key[c]) == lower(key[c]))
            c++;
        if (key[c] == '\0' && tag->key[c] == '\0')
            return tag->value;
    }
    return NULL;
}

double
spotopt__rate_of(const spotopt_inventory *inventory, const char *what)
{
    /* List prices of us-east-1; the document's own come first. */
    static const spotopt__rate usual[] = {
        {"gp3", 0.08},  {"gp2", 0.10},  {"io1", 0.125},     {"io2", 0.125},
        {"st1", 0.045}, {"sc1", 0.015}, {"standard", 0.05}, {"snapshot", 0.05},
    };

    for (size_t i = 0; i < inventory->rates.count; i++) {
        if (strcmp(inventory->rates.at[i].what, what) == 0)
            return inventory->rates.at[i].usd_per_gib_month;
    }
    for (size_t i = 0; i < sizeof usual / sizeof *usual; i++) {
        if (strcmp(usual[i].what, what) == 0)
            return usual[i].usd_per_gib_month;
    }
    return NAN;
}
