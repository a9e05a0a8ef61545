/* SPDX-License-Identifier: Apache-2.0 */
/*
 * load.c - the documents that --cluster, --catalog, --policy, --history, --metrics, --model name,
 * read and checked.
 */
#include "load.h"

#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "kube.h"
#include "ledger_file.h"

bool
is_given(const args *a, const char *name)
{
    if (arg(a, name) != NULL)
        return true;
    say("%s: --%s is needed; see 'spotopt %s --help'", a->verb->name, name, a->verb->name);
    return false;
}

const char *
author_of(const args *a)
{
    static const char *const names[] = {"USER", "LOGNAME"};
    const struct passwd *user;

    if (arg(a, "author") != NULL)
        return arg(a, "author");
    for (size_t i = 0; i < 2; i++) {
        const char *name = getenv(names[i]);

        if (name != NULL && *name != '\0')
            return name;
    }
    user = getpwuid(geteuid());
    return user != NULL ? user->pw_name : "";
}

static spotopt_status
parse_cluster(loaded *in, const session *s, const args *a, const input *doc, spotopt_error *err)
{
    spotopt_cluster_params params = SPOTOPT_CLUSTER_PARAMS_INIT;

    if (arg(a, "cluster-id") != NULL)
        params.cluster_id = arg(a, "cluster-id");
    if (arg(a, "client-id") != NULL)
        params.client_id = arg(a, "client-id");
    return spotopt_cluster_parse(s->context, doc->text, doc->length, doc->name, &params,
                                 &in->cluster, err);
}

static spotopt_status
parse_catalog(loaded *in, const session *s, const args *a, const input *doc, spotopt_error *err)
{
    spotopt_catalog_params params = SPOTOPT_CATALOG_PARAMS_INIT;

    params.zones = arg(a, "zones");
    params.zone_map = arg(a, "zone-map");
    return spotopt_catalog_parse(s->context, doc->text, doc->length, doc->name, &params,
                                 &in->catalog, err);
}

static spotopt_status
parse_policy(loaded *in, const session *s, const args *a, const input *doc, spotopt_error *err)
{
    spotopt_policy *of_client = NULL;
    spotopt_status status =
        spotopt_policy_parse(s->context, doc->text, doc->length, doc->name, &in->policy, err);

    if (status != SPOTOPT_OK || arg(a, "client-id") == NULL)
        return status;
    status = spotopt_policy_for_client(in->policy, arg(a, "client-id"), &of_client, err);
    if (status == SPOTOPT_OK) {
        spotopt_policy_free(in->policy);
        in->policy = of_client;
    }
    return status;
}

static spotopt_status
parse_history(loaded *in, const session *s, const args *a, const input *doc, spotopt_error *err)
{
    (void)a;
    return spotopt_history_parse(s->context, doc->text, doc->length, doc->name, &in->history, err);
}

static spotopt_status
parse_metrics(loaded *in, const session *s, const args *a, const input *doc, spotopt_error *err)
{
    (void)a;
    return spotopt_metrics_parse(s->context, doc->text, doc->length, doc->name, &in->metrics, err);
}

static spotopt_status
parse_model(loaded *in, const session *s, const args *a, const input *doc, spotopt_error *err)
{
    (void)a;
    return spotopt_model_parse(s->context, doc->text, doc->length, doc->name, &in->model, err);
}

/* The ledger's live overrides join the policy's. */
static spotopt_status
parse_events(loaded *in, const session *s, const args *a, const input *doc, spotopt_error *err)
{
    spotopt_ledger *ledger = NULL;
    spotopt_policy *merged = NULL;
    spotopt_status status =
        spotopt_ledger_parse(s->context, doc->text, whole_rows(doc->text, doc->length, doc->name),
                             doc->name, &ledger, err);

    if (status == SPOTOPT_OK)
        status = spotopt_policy_with_overrides(
            in->policy, ledger, arg(a, "cluster-id"), arg(a, "client-id"),
            s->now_s >= 0.0 ? (int64_t)(s->now_s * 1000.0 + 0.5) : 0, 1.0, &merged, err);
    if (status == SPOTOPT_OK) {
        spotopt_policy_free(in->policy);
        in->policy = merged;
    }
    spotopt_ledger_free(ledger);
    return status;
}

static void
tell_warnings(const loaded *in)
{
    enum { TOLD_MOST = 5 };
    const size_t count = in->cluster != NULL ? spotopt_cluster_warning_count(in->cluster) : 0;

    for (size_t i = 0; i < count && i < TOLD_MOST; i++)
        note("warning: %s", spotopt_cluster_warning_at(in->cluster, i));
    if (count > TOLD_MOST)
        note("and %zu more warnings", count - TOLD_MOST);
}

int
load_inputs(loaded *in, const session *s, const args *a)
{
    static const struct {
        const char *flag;
        spotopt_status (*parse)(loaded *in, const session *s, const args *a, const input *doc,
                                spotopt_error *err);
    } documents[] = {{"cluster", parse_cluster}, {"catalog", parse_catalog},
                     {"policy", parse_policy},   {"history", parse_history},
                     {"metrics", parse_metrics}, {"model", parse_model},
                     {"events", parse_events}};
    spotopt_error err = SPOTOPT_ERROR_INIT;
    int status = 0;

    *in = (loaded){0};
    for (size_t i = 0; status == 0 && i < sizeof documents / sizeof *documents; i++) {
        /* The parts of risk read their models themselves, one or two; replay its policies. */
        const char *own = strcmp(a->verb->name, "risk") == 0     ? "model"
                          : strcmp(a->verb->name, "replay") == 0 ? "policy"
                                                                 : "";
        const char *path = strcmp(documents[i].flag, own) == 0 ? NULL : arg(a, documents[i].flag);
        input doc;

        if (path == NULL)
            continue;
        status = i == 0 && is_kube(path) ? kube_read(&doc, s, path) : input_read(&doc, path);
        if (status != 0)
            break;
        if (documents[i].parse(in, s, a, &doc, &err) != SPOTOPT_OK)
            status = fail_with(&err);
        input_free(&doc);
    }
    if (status != 0)
        loaded_free(in);
    else
        tell_warnings(in);
    return status;
}

void
loaded_free(loaded *in)
{
    spotopt_cluster_free(in->cluster);
    spotopt_catalog_free(in->catalog);
    spotopt_policy_free(in->policy);
    spotopt_history_free(in->history);
    spotopt_metrics_free(in->metrics);
    spotopt_model_free(in->model);
    *in = (loaded){0};
}
