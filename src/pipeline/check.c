/* SPDX-License-Identifier: Apache-2.0 */
/*
 * check.c - judges a Plan document from its inputs alone.
 *
 * Reads the document's nodes and pods back onto the cluster, then lets each judge look: placement
 * rules, the policy, the money, the steps. A document that is no Plan is refused; one that is wrong
 * gets a report, a line a fault.
 */
#include <stdarg.h>
#include <stdio.h>

#include "pipeline/check.h"
#include "spotopt/plan.h"

#define FAULTS_SHOWN 100

void
spotopt__fault(spotopt__check *check, const char *format, ...)
{
    char line[400];
    va_list args;

    if (check->faults++ >= FAULTS_SHOWN)
        return;
    va_start(args, format);
    vsnprintf(line, sizeof line, format, args);
    va_end(args);
    spotopt__str_add(&check->report, line);
    spotopt__str_add(&check->report, "\n");
}

bool
spotopt__near(double a, double b)
{
    if (isnan(a) || isnan(b))
        return isnan(a) && isnan(b);
    return fabs(a - b) <= 1e-9 + 1e-7 * fmax(fabs(a), fabs(b));
}

const spotopt__labels *
spotopt__check_labels(const spotopt__check *check, uint32_t node)
{
    if (node < check->scene->cluster->nodes.count)
        return &check->scene->cluster->nodes.at[node].labels;
    return &check->scene->pools[check->nodes.at[node].pool].labels;
}

const char *
spotopt__check_domain(const spotopt__check *check, uint32_t node, const char *key)
{
    if (strcmp(key, "kubernetes.io/hostname") == 0)
        return check->nodes.at[node].name;
    return spotopt__labels_get(spotopt__check_labels(check, node), key);
}

static spotopt_status
compare_input(const spotopt__at *inputs, const char *key, const char *sha256, const char *name,
              spotopt_error *err)
{
    spotopt__at at = spotopt__at_key(inputs, key);
    const char *said = spotopt__json_text(at.value);

    if (said == NULL)
        said = "";
    if (strncmp(said, "sha256:", 7) == 0)
        said += 7;
    if (strcmp(said, sha256) != 0)
        return spotopt__fail(err, SPOTOPT_E_MISMATCH,
                             "%s was made from another %s: it names %.12s..., this one is %.12s...",
                             name, key, said[0] == 0 ? "none" : said,
                             sha256[0] == 0 ? "none" : sha256);
    return SPOTOPT_OK;
}

static spotopt_status
compare_inputs(const spotopt__check *check, const char *name, spotopt_error *err)
{
    const spotopt__scene *scene = check->scene;
    spotopt__at inputs = spotopt__at_key(check->root, "inputs");
    spotopt_status status = spotopt__want_object(&inputs, err);

    if (status != SPOTOPT_OK ||
        (status = compare_input(&inputs, "cluster", scene->cluster->sha256, name, err)) !=
            SPOTOPT_OK ||
        (status = compare_input(&inputs, "catalog", scene->catalog->sha256, name, err)) !=
            SPOTOPT_OK ||
        (status = compare_input(&inputs, "policy", scene->policy->sha256, name, err)) !=
            SPOTOPT_OK ||
        (status = compare_input(&inputs, "history",
                                scene->history == NULL ? "" : scene->history->sha256, name, err)) !=
            SPOTOPT_OK ||
        (status = compare_input(&inputs, "model", scene->model_sha256, name, err)) != SPOTOPT_OK)
        return status;
    return compare_input(&inputs, "metrics", scene->metrics == NULL ? "" : scene->metrics->sha256,
                         name, err);
}

/* --- nodes and pods --- */

static spotopt_status
want_member_text(const spotopt__at *at, const char *key, const char **out, spotopt_error *err)
{
    spotopt__at member = spotopt__at_key(at, key);

    return spotopt__want_text(&member, out, err);
}

static void
seat_pod(spotopt__check *check, const char *id, uint32_t node)
{
    uint32_t pod = spotopt__map_get(&check->scene->cluster->pod_by_id, id);

    if (pod == SPOTOPT__NONE) {
        spotopt__fault(check, "pod %.120s is not in the cluster", id);
        return;
    }
    if (!spotopt__pod_counts(&check->scene->cluster->pods.at[pod]))
        spotopt__fault(check, "pod %.120s is none that a plan places", id);
    if (check->seen[pod] < 2)
        check->seen[pod]++;
    if (check->seen[pod] == 2)
        spotopt__fault(check, "pod %.120s is named more than once", id);
    check->target[pod] = node;
}

static spotopt_status
read_fill(const spotopt__at *item, double out[2], spotopt_error *err)
{
    static const char *const keys[2] = {"cpu", "memory"};
    spotopt__at fill = spotopt__at_key(item, "fill");
    spotopt_status status = spotopt__want_object(&fill, err);

    for (int i = 0; i < 2 && status == SPOTOPT_OK; i++) {
        spotopt__at at = spotopt__at_key(&fill, keys[i]);
        status = spotopt__want_real(&at, 0.0, 1e15, &out[i], err);
    }
    return status;
}

static spotopt_status
read_node(spotopt__check *check, const spotopt__at *item, spotopt_error *err)
{
    spotopt__check_node made = {.is_named = true};
    const spotopt__scene *scene = check->scene;
    const char *name, *action, *pool_id = NULL;
    spotopt__at pool_at = spotopt__at_key(item, "pool"), pods = spotopt__at_key(item, "pods"), pod;
    spotopt_status status;
    uint32_t index, pool = SPOTOPT__NONE;
    int32_t what;

    if ((status = want_member_text(item, "name", &name, err)) != SPOTOPT_OK ||
        (status = want_member_text(item, "action", &action, err)) != SPOTOPT_OK ||
        (status = spotopt__want_array(&pods, err)) != SPOTOPT_OK ||
        (status = read_fill(item, made.fill, err)) != SPOTOPT_OK)
        return status;
    what = strcmp(action, "keep") == 0     ? SPOTOPT__KEEP
           : strcmp(action, "drain") == 0  ? SPOTOPT__DRAIN
           : strcmp(action, "launch") == 0 ? SPOTOPT__LAUNCH
                                           : -1;
    if (what < 0)
        return spotopt__fail_at(item, err, "has action \"%.20s\"; want keep, launch or drain",
                                action);
    if (spotopt__at_is_set(&pool_at) &&
        (status = spotopt__want_text(&pool_at, &pool_id, err)) != SPOTOPT_OK)
        return status;
    if (pool_id != NULL &&
        (pool = spotopt__map_get(&scene->catalog->pool_by_id, pool_id)) == SPOTOPT__NONE)
        spotopt__fault(check, "node %.80s: pool %.80s is not in the catalog", name, pool_id);
    index = spotopt__map_get(&check->node_by_name, name);
    if (what == SPOTOPT__LAUNCH) {
        if (index != SPOTOPT__NONE) {
            spotopt__fault(check, "node %.80s is launched, but there is one of that name", name);
            return SPOTOPT_OK;
        }
        if (pool == SPOTOPT__NONE) {
            spotopt__fault(check, "node %.80s is launched from no pool", name);
            return SPOTOPT_OK;
        }
        index = (uint32_t)check->nodes.count;
        made.name = name;
        made.pool = pool;
        made.action = what;
        if (!spotopt__vec_push(check->context, &check->nodes, made) ||
            !spotopt__map_put(&check->node_by_name, name, index, NULL))
            return spotopt__nomem(err, "nodes");
    } else if (index == SPOTOPT__NONE) {
        spotopt__fault(check, "node %.80s is not in the cluster", name);
        return SPOTOPT_OK;
    } else if (check->nodes.at[index].is_named) {
        spotopt__fault(check, "node %.80s is named more than once", name);
        return SPOTOPT_OK;
    } else {
        if (pool != scene->nodes[index].pool)
            spotopt__fault(check, "node %.80s is not of pool %.80s", name,
                           pool_id == NULL ? "(none)" : pool_id);
        check->nodes.at[index].action = what;
        check->nodes.at[index].is_named = true;
        memcpy(check->nodes.at[index].fill, made.fill, sizeof made.fill);
    }
    for (pod = spotopt__at_first(&pods); pod.value != NULL; spotopt__at_step(&pod)) {
        const char *id;

        if ((status = spotopt__want_text(&pod, &id, err)) != SPOTOPT_OK)
            return status;
        if (what == SPOTOPT__DRAIN)
            spotopt__fault(check, "pod %.120s is on node %.80s, which is drained", id, name);
        seat_pod(check, id, index);
    }
    return SPOTOPT_OK;
}

static spotopt_status
read_plan(spotopt__check *check, spotopt_error *err)
{
    const spotopt_cluster *cluster = check->scene->cluster;
    spotopt__at list = spotopt__at_key(check->root, "nodes"), item;
    spotopt_status status = spotopt__want_array(&list, err);

    if (status != SPOTOPT_OK)
        return status;
    for (uint32_t n = 0; n < cluster->nodes.count; n++) {
        if (!spotopt__vec_push(check->context, &check->nodes,
                               (spotopt__check_node){.name = cluster->nodes.at[n].name,
                                                     .pool = check->scene->nodes[n].pool,
                                                     .action = SPOTOPT__KEEP}) ||
            !spotopt__map_put(&check->node_by_name, cluster->nodes.at[n].name, n, NULL))
            return spotopt__nomem(err, "nodes");
    }
    for (item = spotopt__at_first(&list); item.value != NULL; spotopt__at_step(&item)) {
        if ((status = read_node(check, &item, err)) != SPOTOPT_OK)
            return status;
    }
    for (uint32_t n = 0; n < cluster->nodes.count; n++) {
        if (!check->nodes.at[n].is_named)
            spotopt__fault(check, "node %.80s is missing", cluster->nodes.at[n].name);
    }
    list = spotopt__at_key(check->root, "unplaced");
    if ((status = spotopt__want_array(&list, err)) != SPOTOPT_OK)
        return status;
    for (item = spotopt__at_first(&list); item.value != NULL; spotopt__at_step(&item)) {
        const char *id, *reason;

        if ((status = want_member_text(&item, "pod", &id, err)) != SPOTOPT_OK ||
            (status = want_member_text(&item, "reason", &reason, err)) != SPOTOPT_OK)
            return status;
        if (reason[0] == 0)
            spotopt__fault(check, "pod %.120s is left out without a reason", id);
        seat_pod(check, id, SPOTOPT__NONE);
        uint32_t pod = spotopt__map_get(&cluster->pod_by_id, id);
        if (pod != SPOTOPT__NONE && cluster->pods.at[pod].node != SPOTOPT__NONE)
            spotopt__fault(check, "pod %.120s runs, and the plan has no place for it", id);
    }
    for (uint32_t i = 0; i < cluster->pods.count; i++) {
        if (spotopt__pod_counts(&cluster->pods.at[i]) && check->seen[i] == 0)
            spotopt__fault(check, "pod %.120s is missing", cluster->pods.at[i].id);
    }
    return SPOTOPT_OK;
}

static spotopt_status
judge(spotopt__check *check, spotopt_error *err)
{
    spotopt_status status = read_plan(check, err);

    if (status != SPOTOPT_OK || (status = spotopt__check_placement(check, err)) != SPOTOPT_OK ||
        (status = spotopt__check_policy(check, err)) != SPOTOPT_OK ||
        (status = spotopt__check_money(check, err)) != SPOTOPT_OK)
        return status;
    return spotopt__check_steps(check, err);
}

/* The plan's own moment is what its numbers are of. */
static spotopt_status
read_now(const spotopt__at *root, double *out, spotopt_error *err)
{
    spotopt__at at = spotopt__at_key(root, "now");
    const char *text;
    spotopt_status status = spotopt__want_text(&at, &text, err);

    if (status == SPOTOPT_OK && !spotopt__parse_time(text, strlen(text), out))
        status = spotopt__fail_at(&at, err, "is \"%.40s\"; want an RFC 3339 time", text);
    return status;
}

spotopt_status
spotopt_plan_check(spotopt_context *context, const spotopt_plan_params *given, const char *text,
                   size_t length, const char *name, size_t *out_faults, char **out_report,
                   spotopt_error *err)
{
    spotopt_plan_params params = SPOTOPT_PLAN_PARAMS_INIT;
    spotopt__check check = {.context = context};
    spotopt__json *json = NULL;
    spotopt__scene scene;
    spotopt_status status;

    if (given == NULL || text == NULL || name == NULL || out_faults == NULL || out_report == NULL)
        return spotopt__fail(err, SPOTOPT_E_ARGUMENT, "params, text, name or an output is NULL");
    if ((status = spotopt__copy_in(&params, sizeof params, given, "params", err)) != SPOTOPT_OK ||
        (status = spotopt__json_parse(text, length, name, &json, err)) != SPOTOPT_OK)
        return status;
    memset(&scene, 0, sizeof scene);
    spotopt__arena_init(&check.arena, context);
    spotopt__map_init(&check.node_by_name, context);
    spotopt__str_init(&check.report, context);
    spotopt__at root = spotopt__at_root(json, name);
    check.root = &root;
    check.scene = &scene;
    if ((status = spotopt__want_kind(&root, "Plan", err)) != SPOTOPT_OK ||
        (status = read_now(&root, &params.now_s, err)) != SPOTOPT_OK ||
        (status = spotopt__scene_make(context, &params, NULL, &scene, err)) != SPOTOPT_OK ||
        (status = compare_inputs(&check, name, err)) != SPOTOPT_OK)
        goto done;
    check.target =
        spotopt__arena_alloc(&check.arena, scene.cluster->pods.count + 1, sizeof *check.target);
    check.seen = spotopt__arena_alloc(&check.arena, scene.cluster->pods.count + 1, 1);
    if (check.target == NULL || check.seen == NULL) {
        status = spotopt__nomem(err, "a check");
        goto done;
    }
    for (size_t i = 0; i < scene.cluster->pods.count; i++)
        check.target[i] = SPOTOPT__NONE;
    spotopt__str_add(&check.report, "");
    if ((status = judge(&check, err)) != SPOTOPT_OK)
        goto done;
    char *report = spotopt__str_take(&check.report, NULL);
    if (report == NULL) {
        status = spotopt__nomem(err, "a report");
        goto done;
    }
    *out_report = report;
    *out_faults = check.faults;
done:
    spotopt__str_free(&check.report);
    spotopt__map_free(&check.node_by_name);
    spotopt__vec_free(context, &check.nodes);
    if (check.arena.head != NULL)
        spotopt__arena_free(&check.arena);
    spotopt__scene_free(&scene);
    spotopt__json_free(json);
    return status;
}
