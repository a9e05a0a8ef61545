/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store.c - opens a store and closes it.
 */
#include "store/store.h"

static bool
starts_with(const char *text, const char *start, const char **rest)
{
    const size_t n = strlen(start);

    *rest = text + n;
    return strncmp(text, start, n) == 0;
}

static spotopt_status
open_url(spotopt_context *context, const char *url, uint32_t flags, spotopt__db **out,
         spotopt_error *err)
{
    const char *rest;
    char quoted[SPOTOPT__QUOTE_SIZE];

    if (starts_with(url, "sqlite:", &rest))
        return spotopt__sqlite_open(context, rest, flags, out, err);
    if (starts_with(url, "postgresql://", &rest) || starts_with(url, "postgres://", &rest)) {
#ifdef SPOTOPT_STORE_POSTGRES
        return spotopt__postgres_open(context, url, flags, out, err);
#else
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT,
                             "PostgreSQL is not in this build of libspotopt-store; want "
                             "sqlite:PATH, or a build with libpq");
#endif
    }
    /* What stands before the colon alone: the rest may have a password in it. */
    (void)spotopt__clean_line(quoted, sizeof quoted, url);
    quoted[strcspn(quoted, ":")] = '\0';
    return spotopt__fail(err, SPOTOPT_E_ARGUMENT,
                         "store \"%.40s\": want sqlite:PATH or postgresql://...", quoted);
}

static void
free_store(spotopt_store *store)
{
    spotopt_context *context = store->context;

    for (int i = 0; i < SPOTOPT__DO_COUNT; i++) {
        if (store->kept[i] != NULL)
            store->db->kind->finish(store->kept[i]);
    }
    if (store->db != NULL)
        store->db->kind->close(store->db);
    spotopt__vec_free(context, &store->sums);
    spotopt__vec_free(context, &store->instances);
    spotopt__map_free(&store->instance_of);
    spotopt__arena_free(&store->arena);
    spotopt__free(context, store);
    spotopt__context_drop(context);
}

spotopt_status
spotopt_store_open(spotopt_context *context, const char *url, uint32_t flags, spotopt_store **out,
                   spotopt_error *err)
{
    const uint32_t known = SPOTOPT_STORE_READ_ONLY | SPOTOPT_STORE_MUST_EXIST;
    spotopt_store *store;
    spotopt_status status;

    if (url == NULL || out == NULL)
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT, "%s is NULL; want it set",
                             url == NULL ? "url" : "out");
    if ((flags & ~known) != 0)
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT, "flags is %u; want a sum of %u at most",
                             (unsigned)flags, (unsigned)known);
    store = spotopt__alloc(context, sizeof *store);
    if (store == NULL)
        return spotopt__nomem(err, "a store");
    store->context = spotopt__context_hold(context);
    spotopt__arena_init(&store->arena, context);
    spotopt__map_init(&store->instance_of, context);
    status = open_url(context, url, flags, &store->db, err);
    if (status == SPOTOPT_OK)
        status = spotopt__migrate(store->db, err);
    if (status == SPOTOPT_OK)
        *out = store;
    else
        free_store(store);
    return status;
}

void
spotopt_store_close(spotopt_store *store)
{
    if (store != NULL)
        free_store(store);
}

const char *
spotopt_store_kind(const spotopt_store *store)
{
    return store->db->kind->name;
}

spotopt_status
spotopt_store_check(spotopt_store *store, spotopt_error *err)
{
    spotopt_status status = spotopt__store_free_to(store, false, err);

    return status == SPOTOPT_OK ? store->db->kind->check(store->db, err) : status;
}

spotopt_status
spotopt_store_lock(spotopt_store *store, int32_t *out_is_ours, spotopt_error *err)
{
    bool is_ours = false;
    spotopt_status status = spotopt__store_free_to(store, true, err);

    if (status == SPOTOPT_OK && out_is_ours == NULL)
        status = spotopt__fail(err, SPOTOPT_E_ARGUMENT, "out_is_ours is NULL; want it set");
    if (status == SPOTOPT_OK)
        status = store->db->kind->lock(store->db, &is_ours, err);
    if (status == SPOTOPT_OK)
        *out_is_ours = is_ours;
    return status;
}

spotopt_status
spotopt__kept(spotopt_store *store, int which, const char *sql, spotopt__stmt **out,
              spotopt_error *err)
{
    spotopt_status status = SPOTOPT_OK;

    if (store->kept[which] == NULL)
        status = store->db->kind->prepare(store->db, sql, &store->kept[which], err);
    *out = store->kept[which];
    return status;
}

spotopt_status
spotopt__store_free_to(const spotopt_store *store, bool writes, spotopt_error *err)
{
    if (store->is_busy)
        return spotopt__fail(err, SPOTOPT_E_STATE,
                             "the store is reading; want no call of it from its own callback");
    if (writes && store->db->is_read_only)
        return spotopt__fail(err, SPOTOPT_E_STATE, "%s: was opened read-only", store->db->where);
    return SPOTOPT_OK;
}

void
spotopt__forget_instances(spotopt_store *store)
{
    spotopt__map_free(&store->instance_of);
    spotopt__map_init(&store->instance_of, store->context);
    spotopt__arena_free(&store->arena);
    spotopt__arena_init(&store->arena, store->context);
    store->instances.count = 0;
    store->sums.count = 0;
}
