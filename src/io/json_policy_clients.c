/* SPDX-License-Identifier: Apache-2.0 */
/*
 * json_policy_clients.c - whose fields come over whose in a Policy document: the defaults, its
 * parents' from the oldest, its own, and last those of one client.
 *
 * A parent stands inside the document as an object of its own. A client's part is kept as the text
 * of what it states and read over a copy of the finished policy when it is asked for, so a thousand
 * clients cost no more than their words. Unknown fields are warned of in a document, refused in a
 * client's part: there a misspelt one would silently leave the fleet's value in force.
 *
 * Weights are scaled to a sum of 1 once, when all of them are known. A client's come over the
 * weights as the document states them, not as scaled, which is what a parent's would do.
 */
#include <stdio.h>

#include "io/json_policy.h"
#include "io/maybe.h"

#define CLIENTS_MAX 10000

void
spotopt__policy_unknown(spotopt_policy *policy, const spotopt__at *at, const char *const *known,
                        spotopt__unknown *unknown)
{
    if (!unknown->is_refused) {
        spotopt__warn_unknown(policy->context, at, known, &unknown->warned);
        return;
    }
    for (const spotopt__json *item = spotopt__json_first(at->value);
         unknown->status == SPOTOPT_OK && item != NULL; item = spotopt__json_next(item)) {
        const char *key = spotopt__json_key(item);
        size_t i = 0;

        while (key != NULL && known[i] != NULL && strcmp(known[i], key) != 0)
            i++;
        if (key != NULL && known[i] == NULL) {
            spotopt__at place = spotopt__at_key(at, key);
            unknown->status = spotopt__fail_at(
                &place, &unknown->err, "unknown field; want one that a policy has here, such as %s",
                known[0]);
        }
    }
}

static void
put_value(spotopt__jw *jw, const spotopt__json *value) /* as deep as the scan lets it be: 64 */
{
    const int type = spotopt__json_type(value);
    const spotopt__json *item = spotopt__json_first(value);

    if (type == SPOTOPT__JSON_OBJECT || type == SPOTOPT__JSON_ARRAY) {
        if (type == SPOTOPT__JSON_OBJECT)
            spotopt__jw_object(jw);
        else
            spotopt__jw_array(jw);
        for (; item != NULL; item = spotopt__json_next(item)) {
            if (type == SPOTOPT__JSON_OBJECT)
                spotopt__jw_key(jw, spotopt__json_key(item));
            put_value(jw, item);
        }
        if (type == SPOTOPT__JSON_OBJECT)
            spotopt__jw_end_object(jw);
        else
            spotopt__jw_end_array(jw);
    } else if (type == SPOTOPT__JSON_TEXT) {
        spotopt__jw_text(jw, spotopt__json_text(value));
    } else if (type == SPOTOPT__JSON_NUMBER) {
        spotopt__jw_real(jw, spotopt__json_real(value));
    } else if (type == SPOTOPT__JSON_BOOL) {
        spotopt__jw_bool(jw, spotopt__json_true(value));
    } else {
        spotopt__jw_null(jw);
    }
}

/* What a client states but its weights, as text that the policy keeps. */
static const char *
keep_fields(spotopt_policy *policy, const spotopt__json *part)
{
    const char *kept;
    spotopt__str str;
    spotopt__jw jw;

    spotopt__str_init(&str, policy->context);
    spotopt__jw_init(&jw, &str);
    spotopt__jw_object(&jw);
    for (const spotopt__json *item = spotopt__json_first(part); item != NULL;
         item = spotopt__json_next(item)) {
        if (strcmp(spotopt__json_key(item), "weights") == 0)
            continue;
        spotopt__jw_key(&jw, spotopt__json_key(item));
        put_value(&jw, item);
    }
    spotopt__jw_end_object(&jw);
    kept = str.failed ? NULL : spotopt__arena_text(&policy->arena, str.at, str.count);
    spotopt__str_free(&str);
    return kept;
}

static spotopt__client_policy *
client_of(const spotopt_policy *policy, const char *client)
{
    for (size_t i = 0; i < policy->clients.count; i++) {
        if (strcmp(policy->clients.at[i].client, client) == 0)
            return &policy->clients.at[i];
    }
    return NULL;
}

/* The fields of a client's part; anything that is none of a policy's is refused. */
static spotopt_status
read_part(spotopt_policy *policy, const spotopt__at *part, spotopt_error *err)
{
    static const char *const known[] = {
        "weights", "weights_from", "worth",  "score",  "slo",      "interruption",
        "spot",    "diversify",    "allow",  "quotas", "headroom", "commitments",
        "change",  "overrides",    "solver", "drain",  NULL};
    spotopt__unknown unknown = {false, true, SPOTOPT_OK, SPOTOPT_ERROR_INIT};
    spotopt_status status = spotopt__want_object(part, err);

    if (status != SPOTOPT_OK)
        return status;
    spotopt__policy_unknown(policy, part, known, &unknown);
    if (unknown.status == SPOTOPT_OK)
        status = spotopt__policy_read_fields(policy, part, &unknown, err);
    if (status == SPOTOPT_OK && unknown.status != SPOTOPT_OK) {
        if (err != NULL)
            *err = unknown.err;
        return unknown.status;
    }
    return status;
}

static spotopt_status
read_client(spotopt_policy *policy, spotopt_policy *scratch, const spotopt__at *part,
            spotopt_error *err)
{
    spotopt__client_policy row, *there;
    spotopt_status status;

    if (part->key == NULL || *part->key == '\0')
        return spotopt__fail_at(part, err, "a client has no name; want text that is not empty");
    for (int f = 0; f < SPOTOPT__FACTORS; f++)
        scratch->weights[f] = NAN;
    status = read_part(scratch, part, err);
    if (status != SPOTOPT_OK)
        return status;
    memcpy(row.weights, scratch->weights, sizeof row.weights);
    row.fields = keep_fields(policy, part->value);
    there = client_of(policy, part->key);
    row.client = there != NULL ? there->client
                               : spotopt__arena_text(&policy->arena, part->key, strlen(part->key));
    if (row.fields == NULL || row.client == NULL)
        return spotopt__nomem(err, "a policy");
    if (there != NULL)
        *there = row;
    else if (!spotopt__vec_push(policy->context, &policy->clients, row))
        return spotopt__nomem(err, "a policy");
    return SPOTOPT_OK;
}

/* Over the parent's: a client that stands in both has what the child says. Null: there are none. */
static spotopt_status
read_clients(spotopt_policy *policy, const spotopt__at *root, spotopt_error *err)
{
    spotopt__at list = spotopt__at_key(root, "clients");
    spotopt_policy *scratch = NULL;
    bool is_set;
    spotopt_status status = spotopt__maybe_object(&list, &is_set, err);

    if (status == SPOTOPT_OK && list.value != NULL && !is_set)
        policy->clients.count = 0;
    if (status != SPOTOPT_OK || !is_set)
        return status;
    status = spotopt__policy_new(policy->context, &scratch, err);
    for (spotopt__at it = spotopt__at_first(&list); status == SPOTOPT_OK && it.value != NULL;
         spotopt__at_step(&it)) {
        /* By its key: a place in an object is named by it. */
        spotopt__at part = it;

        part.key = spotopt__json_key(it.value);
        if (policy->clients.count == CLIENTS_MAX)
            status = spotopt__fail_at(&list, err, "want less than %d clients", CLIENTS_MAX);
        else
            status = read_client(policy, scratch, &part, err);
    }
    spotopt_policy_free(scratch);
    return status;
}

/* One document over what the policy holds so far. Depth is the JSON scan's: 64 at most. */
static spotopt_status
read_document(spotopt_policy *policy, const spotopt__at *root, spotopt__unknown *unknown,
              spotopt_error *err)
{
    static const char *const known[] = {
        "apiVersion", "kind",      "parent", "weights",      "weights_from",
        "worth",      "score",     "slo",    "interruption", "spot",
        "diversify",  "allow",     "quotas", "headroom",     "commitments",
        "change",     "overrides", "solver", "drain",        "clients",
        NULL};
    spotopt__at parent = spotopt__at_key(root, "parent");
    spotopt__at kind = spotopt__at_key(root, "kind"), version = spotopt__at_key(root, "apiVersion");
    spotopt_status status = spotopt__want_object(root, err);

    /* All of a policy may be left out, even what it is. */
    if (status == SPOTOPT_OK && (kind.value != NULL || version.value != NULL))
        status = spotopt__want_kind(root, "Policy", err);
    if (status != SPOTOPT_OK)
        return status;
    spotopt__policy_unknown(policy, root, known, unknown);
    if (spotopt__at_is_set(&parent)) {
        if (spotopt__json_type(parent.value) == SPOTOPT__JSON_TEXT)
            return spotopt__fail_at(
                &parent, err,
                "want the parent's policy itself, an object; names are not looked up");
        status = spotopt__want_object(&parent, err);
        if (status == SPOTOPT_OK)
            status = read_document(policy, &parent, unknown, err);
    }
    if (status == SPOTOPT_OK)
        status = spotopt__policy_read_fields(policy, root, unknown, err);
    if (status == SPOTOPT_OK)
        status = read_clients(policy, root, err);
    return status;
}

/* A client's weights over those that the document states, not scaled. */
static double
merge_weights(const spotopt_policy *policy, const spotopt__client_policy *row, double *out)
{
    double sum = 0.0;

    for (int f = 0; f < SPOTOPT__FACTORS; f++) {
        out[f] = isnan(row->weights[f]) ? policy->stated_weights[f] : row->weights[f];
        sum += out[f];
    }
    return sum;
}

/* Weights that add up to 1 stay as they are, so that writing and reading back changes nothing. */
static void
scale_weights(double *weights, double sum)
{
    if (fabs(sum - 1.0) > 1e-12) {
        for (int f = 0; f < SPOTOPT__FACTORS; f++)
            weights[f] /= sum;
    }
}

static spotopt_status
finish_weights(spotopt_policy *policy, const spotopt__at *root, spotopt_error *err)
{
    static const char wanted[] = "want a weight above 0; all are 0";
    double merged[SPOTOPT__FACTORS], sum = 0.0;

    memcpy(policy->stated_weights, policy->weights, sizeof policy->stated_weights);
    for (int f = 0; f < SPOTOPT__FACTORS; f++)
        sum += policy->weights[f];
    if (!(sum > 0.0)) {
        spotopt__at at = spotopt__at_key(root, "weights");
        return spotopt__fail_at(&at, err, "%s", wanted);
    }
    scale_weights(policy->weights, sum);
    for (size_t i = 0; i < policy->clients.count; i++) {
        if (!(merge_weights(policy, &policy->clients.at[i], merged) > 0.0)) {
            spotopt__at clients = spotopt__at_key(root, "clients"),
                        part = spotopt__at_key(&clients, policy->clients.at[i].client),
                        at = spotopt__at_key(&part, "weights");
            return spotopt__fail_at(&at, err, "%s", wanted);
        }
    }
    return SPOTOPT_OK;
}

spotopt_status
spotopt_policy_parse(spotopt_context *context, const char *text, size_t length, const char *name,
                     spotopt_policy **out, spotopt_error *err)
{
    spotopt__unknown unknown = {false, false, SPOTOPT_OK, SPOTOPT_ERROR_INIT};
    spotopt_policy *policy = NULL;
    spotopt__json *json = NULL;
    spotopt_status status;

    if (out == NULL)
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT, "out is NULL; want it set");
    status = spotopt__policy_new(context, &policy, err);
    if (status != SPOTOPT_OK)
        return status;
    memcpy(policy->stated_weights, policy->weights, sizeof policy->stated_weights);
    if (text != NULL) {
        if (name == NULL)
            name = "policy";
        status = spotopt__json_parse(text, length, name, &json, err);
        if (status == SPOTOPT_OK) {
            spotopt__at root = spotopt__at_root(json, name);
            status = read_document(policy, &root, &unknown, err);
            if (status == SPOTOPT_OK)
                status = finish_weights(policy, &root, err);
        }
        spotopt__sha256_hex(text, length, policy->sha256);
    }
    spotopt__json_free(json);
    if (status != SPOTOPT_OK) {
        spotopt_policy_free(policy);
        return status;
    }
    *out = policy;
    return SPOTOPT_OK;
}

void
spotopt__policy_write_clients(const spotopt_policy *policy, spotopt__jw *jw)
{
    static const char *const factors[] = {"cost", "stability", "performance", "capacity"};

    spotopt__jw_key(jw, "clients");
    spotopt__jw_object(jw);
    for (size_t i = 0; i < policy->clients.count; i++) {
        const spotopt__client_policy *row = &policy->clients.at[i];
        double merged[SPOTOPT__FACTORS];
        bool has_weights = false;

        for (int f = 0; f < SPOTOPT__FACTORS; f++)
            has_weights = has_weights || !isnan(row->weights[f]);
        spotopt__jw_key(jw, row->client);
        if (!has_weights) {
            spotopt__jw_raw(jw, row->fields, strlen(row->fields));
            continue;
        }
        /* All four: the policy's are written scaled, and one of these beside them would mean
         * another. */
        merge_weights(policy, row, merged);
        spotopt__jw_object(jw);
        spotopt__jw_key(jw, "weights");
        spotopt__jw_object(jw);
        for (int f = 0; f < SPOTOPT__FACTORS; f++)
            spotopt__jw_put_real(jw, factors[f], merged[f]);
        spotopt__jw_end_object(jw);
        if (strlen(row->fields) > 2) /* the members within its braces */
            spotopt__jw_raw(jw, row->fields + 1, strlen(row->fields) - 2);
        spotopt__jw_end_object(jw);
    }
    spotopt__jw_end_object(jw);
}

static spotopt_status
fail_unknown(const spotopt_policy *policy, const char *client, spotopt_error *err)
{
    char names[160], quoted[SPOTOPT__QUOTE_SIZE];
    size_t used = 0;

    names[0] = '\0';
    for (size_t i = 0; i < policy->clients.count; i++) {
        const char *name = policy->clients.at[i].client;

        if (used + strlen(name) + 8 > sizeof names) {
            memcpy(names + used, ", ...", sizeof ", ...");
            break;
        }
        used +=
            (size_t)snprintf(names + used, sizeof names - used, "%s%s", i == 0 ? "" : ", ", name);
    }
    return spotopt__fail(err, SPOTOPT_E_INPUT,
                         "policy: /clients: there is no client %s; want one of %s",
                         spotopt__quote(client, quoted), names);
}

spotopt_status
spotopt_policy_for_client(const spotopt_policy *policy, const char *client, spotopt_policy **out,
                          spotopt_error *err)
{
    const spotopt__client_policy *row;
    spotopt_policy *made = NULL;
    spotopt__json *json = NULL;
    spotopt__str str;
    spotopt__jw jw;
    spotopt_status status;

    if (policy == NULL || client == NULL || out == NULL)
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT,
                             "policy, client or out is NULL; want them set");
    row = client_of(policy, client);
    if (row == NULL && policy->clients.count > 0)
        return fail_unknown(policy, client, err);

    /* What is written reads back as the same policy: a copy, with memory of its own. */
    spotopt__str_init(&str, policy->context);
    spotopt__jw_init(&jw, &str);
    spotopt__policy_write_fields(policy, &jw);
    spotopt__jw_end_object(&jw);
    status = str.failed
                 ? spotopt__nomem(err, "a policy")
                 : spotopt_policy_parse(policy->context, str.at, str.count, "policy", &made, err);
    if (status == SPOTOPT_OK && row != NULL) {
        double merged[SPOTOPT__FACTORS], sum = merge_weights(policy, row, merged);

        status = spotopt__json_parse(row->fields, strlen(row->fields), "policy", &json, err);
        if (status == SPOTOPT_OK) {
            spotopt__at root = spotopt__at_root(json, "policy");
            status = read_part(made, &root, err);
        }
        memcpy(made->stated_weights, merged, sizeof merged);
        scale_weights(merged, sum);
        memcpy(made->weights, merged, sizeof merged);
    }
    spotopt__json_free(json);
    spotopt__str_free(&str);
    if (status != SPOTOPT_OK) {
        spotopt_policy_free(made);
        return status;
    }
    memcpy(made->sha256, policy->sha256, sizeof made->sha256); /* of the document that was given */
    *out = made;
    return SPOTOPT_OK;
}
