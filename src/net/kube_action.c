/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kube_action.c - one order to an API server: evict, cordon, bind, delete, say.
 *
 * What is ordered is decided elsewhere. Here an order becomes a request that can be made twice: a
 * uid as its precondition, an event's name out of its content, a look at the pod where a binding
 * finds it bound.
 */
#include <math.h>
#include <stdio.h>

#include "net/kube.h"
#include "spotopt/kube_action.h"

enum { NAME_MOST = 253, SPACE_MOST = 63, UID_MOST = 128, REASON_MOST = 128, MESSAGE_MOST = 1024 };

typedef struct order {
    spotopt_kube *kube;
    const spotopt_kube_action *action;
    spotopt_kube_outcome *out;
    const char *call;
    bool is_dry;
} order;

/* --- the order --- */

/* A name as objects have them; namespaces have no dots. */
static bool
is_name(const char *text, size_t most, bool has_dots)
{
    const char *letters = has_dots ? "abcdefghijklmnopqrstuvwxyz0123456789-."
                                   : "abcdefghijklmnopqrstuvwxyz0123456789-";
    const size_t length = text != NULL ? strnlen(text, most + 1) : 0;

    return length > 0 && length <= most && strspn(text, letters) == length && *text != '.' &&
           *text != '-' && text[length - 1] != '.' && text[length - 1] != '-';
}

static bool
is_word(const char *text, size_t most, const char *more)
{
    size_t n = 0;

    if (text == NULL)
        return false;
    for (; n <= most && text[n] != '\0'; n++) {
        const char c = text[n];

        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
              strchr(more, c) != NULL))
            return false;
    }
    return n > 0 && n <= most;
}

static spotopt_status
check(const spotopt_kube_action *a, spotopt_error *err)
{
    const bool is_event = a->verb == SPOTOPT_KUBE_EVENT;
    const bool is_pod = a->verb == SPOTOPT_KUBE_EVICT || a->verb == SPOTOPT_KUBE_BIND;
    const char *wanted = NULL;

    if (a->verb < SPOTOPT_KUBE_EVICT || a->verb > SPOTOPT_KUBE_EVENT)
        wanted = "verb: want one of SPOTOPT_KUBE_EVICT to SPOTOPT_KUBE_EVENT";
    else if ((a->flags & ~(uint32_t)SPOTOPT_KUBE_APPLY) != 0)
        wanted = "flags: want 0 or SPOTOPT_KUBE_APPLY";
    else if (!is_name(a->name, NAME_MOST, true))
        wanted = "name: want that of a pod or node";
    else if (is_pod && !is_name(a->namespace_name, SPACE_MOST, false))
        wanted = "namespace_name: want that of the pod";
    else if (is_event && a->namespace_name != NULL &&
             !is_name(a->namespace_name, SPACE_MOST, false))
        wanted = "namespace_name: want that of the pod, or NULL for a node";
    else if (!is_pod && !is_event && a->namespace_name != NULL)
        wanted = "namespace_name: want NULL, nodes have none";
    else if (a->uid != NULL && !is_word(a->uid, UID_MOST, "-_.:"))
        wanted = "uid: want metadata.uid";
    else if (a->verb == SPOTOPT_KUBE_BIND && !is_name(a->node, NAME_MOST, true))
        wanted = "node: want that of a node";
    else if (!(a->grace_s == -1 || (a->grace_s >= 0 && a->grace_s <= 1e6)))
        wanted = "grace_s: want -1, or 0 to 1e6";
    else if (is_event && !is_word(a->reason, REASON_MOST, ""))
        wanted = "reason: want a word of letters and digits";
    else if (is_event && (a->message == NULL || *a->message == '\0' ||
                          strnlen(a->message, MESSAGE_MOST + 1) > MESSAGE_MOST))
        wanted = "message: want 1 to 1024 bytes";
    else if (is_event && !(a->now_s >= 0 && a->now_s < 253402300800.0))
        wanted = "now_s: want seconds since 1970";
    return wanted == NULL ? SPOTOPT_OK : spotopt__fail(err, SPOTOPT_E_ARGUMENT, "%s", wanted);
}

/* --- its request --- */

static void
put_dry(const order *o, spotopt__jw *jw)
{
    if (!o->is_dry)
        return;
    spotopt__jw_key(jw, "dryRun");
    spotopt__jw_array(jw);
    spotopt__jw_text(jw, "All");
    spotopt__jw_end_array(jw);
}

static void
put_preconditions(const order *o, spotopt__jw *jw)
{
    if (o->action->uid == NULL)
        return;
    spotopt__jw_key(jw, "preconditions");
    spotopt__jw_object(jw);
    spotopt__jw_put_text(jw, "uid", o->action->uid);
    spotopt__jw_end_object(jw);
}

static void
put_head(spotopt__jw *jw, const char *version, const char *kind)
{
    spotopt__jw_object(jw);
    spotopt__jw_put_text(jw, "apiVersion", version);
    spotopt__jw_put_text(jw, "kind", kind);
}

static void
put_metadata(spotopt__jw *jw, const char *space, const char *name, const char *uid)
{
    spotopt__jw_key(jw, "metadata");
    spotopt__jw_object(jw);
    if (name != NULL)
        spotopt__jw_put_text(jw, "name", name);
    if (space != NULL)
        spotopt__jw_put_text(jw, "namespace", space);
    if (uid != NULL)
        spotopt__jw_put_text(jw, "uid", uid);
    spotopt__jw_end_object(jw);
}

static void
write_eviction(const order *o, const char *version, spotopt__jw *jw)
{
    put_head(jw, version, "Eviction");
    put_metadata(jw, o->action->namespace_name, o->action->name, NULL);
    spotopt__jw_key(jw, "deleteOptions");
    spotopt__jw_object(jw);
    put_preconditions(o, jw);
    if (o->action->grace_s >= 0)
        spotopt__jw_put_int(jw, "gracePeriodSeconds", (int64_t)ceil(o->action->grace_s));
    put_dry(o, jw);
    spotopt__jw_end_object(jw);
    spotopt__jw_end_object(jw);
}

/* An event's name says what it is about and what it says: told twice, it is one. */
static void
write_event(const order *o, spotopt__jw *jw, spotopt__str *seed)
{
    const spotopt_kube_action *a = o->action;
    const char *space = a->namespace_name != NULL ? a->namespace_name : "default";
    char name[NAME_MOST + 20], hash[65], when[32];
    int length = (int)strnlen(a->name, NAME_MOST - 17);

    spotopt__write_time(floor(a->now_s), when);
    spotopt__str_addf(seed, "%s\n%s\n%s\n%s\n%s\n", a->namespace_name != NULL ? "Pod" : "Node",
                      a->uid != NULL ? a->uid : "", a->name, a->reason, when);
    spotopt__str_add(seed, a->message);
    if (seed->failed)
        return;
    spotopt__sha256_hex(seed->at, seed->count, hash);
    while (length > 0 && strchr("-.", a->name[length - 1]) != NULL)
        length--;
    (void)snprintf(name, sizeof name, "%.*s.%.16s", length, a->name, hash);
    put_head(jw, "v1", "Event");
    put_metadata(jw, space, name, NULL);
    spotopt__jw_key(jw, "involvedObject");
    put_head(jw, "v1", a->namespace_name != NULL ? "Pod" : "Node");
    if (a->namespace_name != NULL)
        spotopt__jw_put_text(jw, "namespace", space);
    spotopt__jw_put_text(jw, "name", a->name);
    if (a->uid != NULL)
        spotopt__jw_put_text(jw, "uid", a->uid);
    spotopt__jw_end_object(jw);
    spotopt__jw_put_text(jw, "type", "Normal");
    spotopt__jw_put_text(jw, "reason", a->reason);
    spotopt__jw_put_text(jw, "message", a->message);
    spotopt__jw_put_text(jw, "firstTimestamp", when);
    spotopt__jw_put_text(jw, "lastTimestamp", when);
    spotopt__jw_put_int(jw, "count", 1);
    spotopt__jw_key(jw, "source");
    spotopt__jw_object(jw);
    spotopt__jw_put_text(jw, "component", "spotopt");
    spotopt__jw_end_object(jw);
    spotopt__jw_end_object(jw);
}

static void
write_body(const order *o, const char *version, spotopt__jw *jw, spotopt__str *seed)
{
    const spotopt_kube_action *a = o->action;

    switch (a->verb) {
    case SPOTOPT_KUBE_EVICT:
        write_eviction(o, version, jw);
        break;
    case SPOTOPT_KUBE_BIND:
        put_head(jw, "v1", "Binding");
        put_metadata(jw, a->namespace_name, a->name, a->uid);
        spotopt__jw_key(jw, "target");
        put_head(jw, "v1", "Node");
        spotopt__jw_put_text(jw, "name", a->node);
        spotopt__jw_end_object(jw);
        spotopt__jw_end_object(jw);
        break;
    case SPOTOPT_KUBE_DELETE_NODE: /* beside a body the server does not read ?dryRun */
        put_head(jw, "v1", "DeleteOptions");
        put_preconditions(o, jw);
        put_dry(o, jw);
        spotopt__jw_end_object(jw);
        break;
    case SPOTOPT_KUBE_EVENT:
        write_event(o, jw, seed);
        break;
    default:
        spotopt__jw_object(jw);
        if (a->uid != NULL)
            put_metadata(jw, NULL, NULL, a->uid);
        spotopt__jw_key(jw, "spec");
        spotopt__jw_object(jw);
        spotopt__jw_put_bool(jw, "unschedulable", a->verb == SPOTOPT_KUBE_CORDON);
        spotopt__jw_end_object(jw);
        spotopt__jw_end_object(jw);
    }
}

static void
write_path(const order *o, spotopt__str *path)
{
    const spotopt_kube_action *a = o->action;

    if (a->verb == SPOTOPT_KUBE_EVENT)
        spotopt__str_addf(path, "/api/v1/namespaces/%s/events",
                          a->namespace_name != NULL ? a->namespace_name : "default");
    else if (a->namespace_name != NULL)
        spotopt__str_addf(path, "/api/v1/namespaces/%s/pods/%s/%s", a->namespace_name, a->name,
                          a->verb == SPOTOPT_KUBE_BIND ? "binding" : "eviction");
    else
        spotopt__str_addf(path, "/api/v1/nodes/%s", a->name);
    if (o->is_dry)
        spotopt__str_add(path, "?dryRun=All");
}

static spotopt_status
ask(const order *o, const char *version, spotopt_net_answer *answer, spotopt_error *err)
{
    const int32_t verb = o->action->verb;
    const bool is_patch = verb == SPOTOPT_KUBE_CORDON || verb == SPOTOPT_KUBE_UNCORDON;
    spotopt_net_request like = SPOTOPT_NET_REQUEST_INIT;
    spotopt_status status;
    spotopt__str path, body, seed;
    spotopt__jw jw;

    spotopt__str_init(&path, o->kube->context);
    spotopt__str_init(&body, o->kube->context);
    spotopt__str_init(&seed, o->kube->context);
    write_path(o, &path);
    spotopt__jw_init(&jw, &body);
    write_body(o, version, &jw, &seed);
    like.method = is_patch ? "PATCH" : verb == SPOTOPT_KUBE_DELETE_NODE ? "DELETE" : "POST";
    like.body = body.at;
    like.body_length = body.count;
    /* A budget's refusal is a 429 too: an eviction is not sent again by itself. */
    if (verb != SPOTOPT_KUBE_EVICT && (verb != SPOTOPT_KUBE_DELETE_NODE || o->action->uid != NULL))
        like.flags = SPOTOPT_NET_REPEATABLE;
    status =
        path.failed || body.failed || seed.failed
            ? spotopt__nomem(err, "a request")
            : spotopt__kube_call(o->kube, o->call, path.at,
                                 is_patch ? "application/merge-patch+json" : "application/json",
                                 &like, answer, err);
    spotopt__str_free(&path);
    spotopt__str_free(&body);
    spotopt__str_free(&seed);
    return status;
}

/* --- its answer --- */

static bool
has_text(const spotopt__json *object, const char *key, const char *wanted)
{
    const char *text = spotopt__json_text(spotopt__json_get(object, key));

    return text != NULL && strcmp(text, wanted) == 0;
}

/* Whether one of a refusal's causes says so. */
static bool
has_cause(const spotopt__json *json, const char *key, const char *wanted)
{
    const spotopt__at root = spotopt__at_root(json, ""),
                      details = spotopt__at_key(&root, "details"),
                      causes = spotopt__at_key(&details, "causes");

    for (spotopt__at it = spotopt__at_first(&causes); it.value != NULL; spotopt__at_step(&it)) {
        if (has_text(it.value, key, wanted))
            return true;
    }
    return false;
}

/* Whether the server's yes is that of an API server to this order. */
static bool
is_yes(const order *o, const spotopt__json *json)
{
    const spotopt__at root = spotopt__at_root(json, ""), spec = spotopt__at_key(&root, "spec"),
                      at = spotopt__at_key(&spec, "unschedulable");
    const int32_t verb = o->action->verb;
    bool is_off = false;

    if (spotopt__json_text(spotopt__json_get(json, "kind")) == NULL)
        return false;
    if (verb == SPOTOPT_KUBE_CORDON || verb == SPOTOPT_KUBE_UNCORDON) {
        if (spotopt__at_is_set(&at) && spotopt__want_bool(&at, &is_off, NULL) < 0)
            return false;
        return has_text(json, "kind", "Node") && is_off == (verb == SPOTOPT_KUBE_CORDON);
    }
    return !has_text(json, "kind", "Status") || has_text(json, "status", "Success");
}

/* What a no comes to; 0: an error. */
static int32_t
judge_no(const order *o, const spotopt_net_answer *answer, const spotopt__json *json)
{
    const int32_t verb = o->action->verb;

    if (answer->code == 429)
        return verb == SPOTOPT_KUBE_EVICT && has_cause(json, "reason", "DisruptionBudget")
                   ? SPOTOPT_KUBE_BLOCKED
                   : SPOTOPT_KUBE_BUSY;
    if (!has_text(json, "kind", "Status"))
        return 0;
    if (answer->code == 404 && verb != SPOTOPT_KUBE_EVENT && has_text(json, "reason", "NotFound") &&
        has_text(spotopt__json_get(json, "details"), "name", o->action->name))
        return SPOTOPT_KUBE_GONE;
    if (answer->code == 409 && verb == SPOTOPT_KUBE_EVENT)
        return has_text(json, "reason", "AlreadyExists") ? SPOTOPT_KUBE_DONE : 0;
    if (answer->code == 409 || (answer->code == 422 && has_cause(json, "field", "metadata.uid")))
        return SPOTOPT_KUBE_CHANGED;
    return 0;
}

static spotopt_status
judge(const order *o, const spotopt_net_answer *answer, spotopt_error *err)
{
    const bool is_good = answer->code >= 200 && answer->code < 300;
    spotopt_status status = SPOTOPT_OK;
    spotopt__json *json = NULL;
    const char *message;

    if (answer->body != NULL)
        status = spotopt__json_parse(answer->body, answer->length, "its answer", &json, NULL);
    if (status == SPOTOPT_E_NOMEM)
        return spotopt__nomem(err, "an answer");
    o->out->code = answer->code;
    o->out->retry_after_s = answer->retry_after_s;
    if (is_good)
        o->out->outcome = json != NULL && is_yes(o, json) ? SPOTOPT_KUBE_DONE : 0;
    else
        o->out->outcome = judge_no(o, answer, json);
    message = spotopt__json_text(spotopt__json_get(json, "message"));
    if (o->out->outcome > SPOTOPT_KUBE_DONE && message != NULL)
        spotopt__clean_line(o->out->said, sizeof o->out->said, message);
    spotopt__json_free(json);
    if (o->out->outcome != 0)
        return SPOTOPT_OK;
    return is_good ? spotopt__fail(err, SPOTOPT_E_PEER,
                                   "%s: %s: status %d, but not an API server's answer; check the "
                                   "server's address",
                                   o->kube->peer, o->call, answer->code)
                   : spotopt__kube_refused(o->kube, o->call, answer, err);
}

/* A binding that finds its pod bound: perhaps by itself, when its answer was lost. */
static spotopt_status
look(const order *o, spotopt_error *err)
{
    const spotopt_net_request get = SPOTOPT_NET_REQUEST_INIT;
    spotopt_net_answer answer = SPOTOPT_NET_ANSWER_INIT;
    spotopt__json *json = NULL;
    spotopt_status status;
    spotopt__str path;

    spotopt__str_init(&path, o->kube->context);
    spotopt__str_addf(&path, "/api/v1/namespaces/%s/pods/%s", o->action->namespace_name,
                      o->action->name);
    status = path.failed ? spotopt__nomem(err, "a request")
                         : spotopt__kube_call(o->kube, o->call, path.at, NULL, &get, &answer, err);
    spotopt__str_free(&path);
    if (status == SPOTOPT_OK && answer.code == 200) {
        status = spotopt__json_parse(answer.body, answer.length, o->kube->peer, &json, err);
        if (status == SPOTOPT_OK &&
            has_text(spotopt__json_get(json, "spec"), "nodeName", o->action->node) &&
            (o->action->uid == NULL ||
             has_text(spotopt__json_get(json, "metadata"), "uid", o->action->uid))) {
            o->out->outcome = SPOTOPT_KUBE_DONE;
            *o->out->said = '\0';
        }
    }
    spotopt__json_free(json);
    spotopt_net_answer_clear(o->kube->net, &answer);
    return status;
}

static spotopt_status
act(const order *o, spotopt_error *err)
{
    spotopt_net_answer answer = SPOTOPT_NET_ANSWER_INIT, old = SPOTOPT_NET_ANSWER_INIT;
    const bool is_eviction = o->action->verb == SPOTOPT_KUBE_EVICT;
    spotopt_status status = ask(o, "policy/v1", &answer, err);

    /* Servers before 1.22 call an Eviction of policy/v1 a bad request. */
    if (status == SPOTOPT_OK && is_eviction && answer.code == 400)
        status = ask(o, "policy/v1beta1", &old, err);
    if (status == SPOTOPT_OK)
        status = judge(o, old.code != 0 && old.code != 400 ? &old : &answer, err);
    spotopt_net_answer_clear(o->kube->net, &old);
    spotopt_net_answer_clear(o->kube->net, &answer);
    if (status == SPOTOPT_OK && o->action->verb == SPOTOPT_KUBE_BIND &&
        o->out->outcome == SPOTOPT_KUBE_CHANGED)
        status = look(o, err);
    return status;
}

spotopt_status
spotopt_kube_act(spotopt_kube *kube, const spotopt_kube_action *action, spotopt_kube_outcome *out,
                 spotopt_error *err)
{
    static const char *const verbs[] = {"",         "evict pod",   "cordon node",   "uncordon node",
                                        "bind pod", "delete node", "write event on"};
    const spotopt_kube_outcome none = SPOTOPT_KUBE_OUTCOME_INIT;
    char call[NAME_MOST + SPACE_MOST + 24];
    spotopt_status status;

    if (kube == NULL || action == NULL || out == NULL)
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT, "want a server, an action and out");
    if (action->size != sizeof *action || out->size != sizeof *out)
        return spotopt__fail(err, SPOTOPT_E_VERSION,
                             "size: want SPOTOPT_KUBE_ACTION_INIT and SPOTOPT_KUBE_OUTCOME_INIT");
    *out = none;
    status = check(action, err);
    if (status < 0)
        return status;
    (void)snprintf(call, sizeof call, "%s %s%s%s", verbs[action->verb],
                   action->namespace_name != NULL ? action->namespace_name : "",
                   action->namespace_name != NULL ? "/" : "", action->name);
    spotopt__kube_forget(kube);
    {
        const order o = {kube, action, out, call, (action->flags & SPOTOPT_KUBE_APPLY) == 0};

        return act(&o, err);
    }
}
