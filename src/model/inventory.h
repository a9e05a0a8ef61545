/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SPOTOPT_MODEL_INVENTORY_H
#define SPOTOPT_MODEL_INVENTORY_H
#include "base/base.h"
#include "spotopt/cleanup.h"

typedef struct spotopt__tag {
    const char *key, *value;
} spotopt__tag;
/* Of all things: what they are called, when they came to be, which tags they carry. */
typedef struct spotopt__thing {
    const char *id, *name; /* name "" where there is none */
    int64_t since_ms;      /* -1: unknown */
    size_t first_tag, tag_count;
} spotopt__thing;
typedef struct spotopt__instance {
    spotopt__thing thing;
    const char *type, *image; /* "" where unknown */
    double usd_per_h;         /* NaN: unknown */
    bool is_running;
} spotopt__instance;
typedef struct spotopt__volume {
    spotopt__thing thing;
    const char *type;
    double gib; /* NaN: unknown */
    bool is_attached;
} spotopt__volume;
typedef struct spotopt__snapshot {
    spotopt__thing thing;
    const char *volume, *description;
    double gib;
} spotopt__snapshot;
typedef struct spotopt__image {
    spotopt__thing thing;
    size_t first_ref, ref_count; /* snapshots, in refs */
} spotopt__image;
typedef struct spotopt__rate {
    const char *what; /* a volume's type, or "snapshot" */
    double usd_per_gib_month;
} spotopt__rate;

struct spotopt_inventory {
    spotopt_context *context;
    spotopt__arena arena;
    spotopt__vec(spotopt__tag) tags;
    spotopt__vec(spotopt__instance) instances;
    spotopt__vec(spotopt__volume) volumes;
    spotopt__vec(spotopt__snapshot) snapshots;
    spotopt__vec(spotopt__image) images;
    spotopt__vec(const char *) refs;      /* snapshots of images */
    spotopt__vec(const char *) templates; /* images of launch templates */
    spotopt__vec(const char *) clusters;
    spotopt__vec(spotopt__rate) rates; /* the document's, before the usual ones */
    bool knows_images;
};

/* The value of a tag, NULL where there is none; key in any case of letters. */
const char *spotopt__tag_of(const spotopt_inventory *inventory, const spotopt__thing *thing, const char *key);
/* USD per GiB and month; NaN: unknown. */
double spotopt__rate_of(const spotopt_inventory *inventory, const char *what);

#endif
