/* SPDX-License-Identifier: Apache-2.0 */
/*
 * check_steps.c - can the steps of a plan be taken without breaking a disruption budget?
 *
 * Replays the waves on the cluster: an evicted pod is missing from its budget until it is ready on
 * its target, keeps its room on the old node for its grace period and takes room on the new one at
 * once. Before every eviction the budget is counted anew from the pods, as the disruption
 * controller does. Times that the document does not state are the defaults of spotopt_drain_params.
 * Pods that wait for their first node are taken to be ready as early as can be.
 */
#include "pipeline/check.h"
#include "spotopt/drain.h"

/* A budget and the pods it selects. */
typedef struct budget {
    uint32_t *pods, count;
    int64_t desired;
    bool allows_none;
} budget;

typedef struct replay {
    spotopt__check *check;
    double launch_s, start_s;
    double *ready_s;   /* a node: when it can take pods; INFINITY: not launched yet */
    double *evicted_s; /* a pod: INFINITY: not yet */
    unsigned char *cordoned, *deleted;
    uint32_t *first, *next;         /* pods by target node */
    uint32_t *first_old, *next_old; /* and by the node they are on */
    budget *budgets;
    uint32_t *budget_of, *budgets_of; /* a pod: one of its budgets, and how many select it */
    uint32_t *counted_for;            /* a workload: budget + 1 that has counted its scale last */
} replay;

static bool
moves(const replay *r, uint32_t pod)
{
    const spotopt__pod *at = &r->check->scene->cluster->pods.at[pod];

    return at->node != SPOTOPT__NONE && r->check->target[pod] != SPOTOPT__NONE &&
           r->check->target[pod] != at->node;
}

static double
grace(const replay *r, uint32_t pod)
{
    const spotopt_cluster *cluster = r->check->scene->cluster;

    return fmax(0.0, cluster->shapes.at[cluster->pods.at[pod].shape].grace_s);
}

/* When the pod is ready on its target; stateful sets make the new one only after the old one is
 * gone. */
static double
ready_at(const replay *r, uint32_t pod)
{
    const spotopt_cluster *cluster = r->check->scene->cluster;
    uint32_t owner = cluster->pods.at[pod].workload;
    double made = r->evicted_s[pod];

    if (owner != SPOTOPT__NONE && cluster->workloads.at[owner].kind == SPOTOPT__STATEFUL_SET)
        made += grace(r, pod);
    return fmax(made, r->ready_s[r->check->target[pod]]) + r->start_s;
}

static bool
is_listed(const spotopt__pdb *pdb, const char *name)
{
    for (uint32_t i = 0; i < pdb->disrupted_count; i++) {
        if (strcmp(pdb->disrupted[i], name) == 0)
            return true;
    }
    return false;
}

static bool
is_healthy(const replay *r, const spotopt__pdb *pdb, uint32_t pod, double now_s)
{
    const spotopt__pod *at = &r->check->scene->cluster->pods.at[pod];

    if (at->node == SPOTOPT__NONE) /* waits for its first node */
        return spotopt__pod_counts(at) && r->check->target[pod] != SPOTOPT__NONE &&
               r->ready_s[r->check->target[pod]] + r->start_s <= now_s;
    if (r->evicted_s[pod] <= now_s)
        return ready_at(r, pod) <= now_s + 1e-6;
    return at->phase == SPOTOPT__RUNNING && at->is_ready && !at->is_terminating &&
           !is_listed(pdb, at->name);
}

static int64_t
percent_of(int64_t percent, int64_t count)
{
    return (percent * count + 99) / 100;
}

/* As the disruption controller counts: expected pods from the scale of their controllers. */
static spotopt_status
find_budget(replay *r, uint32_t index, uint32_t *scratch, spotopt_error *err)
{
    const spotopt_cluster *cluster = r->check->scene->cluster;
    const spotopt__pdb *pdb = &cluster->pdbs.at[index];
    bool by_scale = pdb->kind != SPOTOPT__BUDGET_MIN_COUNT && pdb->kind != SPOTOPT__BUDGET_NONE;
    int64_t expected = 0;
    budget *b = &r->budgets[index];

    for (uint32_t i = 0; i < cluster->pods.count; i++) {
        const spotopt__pod *pod = &cluster->pods.at[i];

        if (!spotopt__pdb_matches(pdb, pod))
            continue;
        scratch[b->count++] = i;
        r->budgets_of[i]++;
        r->budget_of[i] = index;
        if (pod->workload == SPOTOPT__NONE || !cluster->workloads.at[pod->workload].has_scale) {
            b->allows_none = b->allows_none || by_scale;
        } else if (r->counted_for[pod->workload] != index + 1) {
            r->counted_for[pod->workload] = index + 1;
            expected += cluster->workloads.at[pod->workload].wanted;
        }
    }
    b->pods = spotopt__arena_dup(&r->check->arena, scratch, b->count + 1u, sizeof *scratch);
    if (b->pods == NULL)
        return spotopt__nomem(err, "budgets");
    switch (pdb->kind) {
    case SPOTOPT__BUDGET_MIN_COUNT:
        b->desired = pdb->value;
        break;
    case SPOTOPT__BUDGET_MIN_PERCENT:
        b->desired = percent_of(pdb->value, expected);
        break;
    case SPOTOPT__BUDGET_MAX_COUNT:
        b->desired = expected - pdb->value;
        break;
    case SPOTOPT__BUDGET_MAX_PERCENT:
        b->desired = expected - percent_of(pdb->value, expected);
        break;
    default: /* states nothing: the disruption controller allows nothing */
        b->allows_none = true;
    }
    b->desired = b->desired < 0 ? 0 : b->desired;
    return SPOTOPT_OK;
}

static int64_t
count_healthy(const replay *r, uint32_t index, double now_s)
{
    int64_t healthy = 0;

    for (uint32_t i = 0; i < r->budgets[index].count; i++)
        healthy += is_healthy(r, &r->check->scene->cluster->pdbs.at[index],
                              r->budgets[index].pods[i], now_s);
    return healthy;
}

/* --- one eviction --- */

static void
check_relied_on(replay *r, const spotopt__at *step, uint32_t pod, const spotopt__pdb *pdb,
                int64_t allowed)
{
    spotopt__at list = spotopt__at_key(step, "relies_on"), item = spotopt__at_first(&list);
    const char *name =
        item.value == NULL ? NULL : spotopt__json_text(spotopt__json_get(item.value, "pdb"));
    double headroom =
        item.value == NULL ? 0.0 : spotopt__json_real(spotopt__json_get(item.value, "headroom"));
    const char *id = r->check->scene->cluster->pods.at[pod].id;

    if (name == NULL || strcmp(name, pdb->id) != 0)
        spotopt__fault(r->check, "evicting %.120s relies on budget %.80s; the step does not say so",
                       id, pdb->id);
    else if (!(headroom <= (double)allowed))
        spotopt__fault(r->check,
                       "evicting %.120s: budget %.80s allows %lld, not what the step says", id,
                       pdb->id, (long long)allowed);
}

static void
check_budgets(replay *r, const spotopt__at *step, uint32_t pod, double now_s)
{
    const spotopt_cluster *cluster = r->check->scene->cluster;
    const spotopt__pod *at = &cluster->pods.at[pod];
    uint32_t count = r->budgets_of[pod];

    if (count == 0 || at->phase != SPOTOPT__RUNNING || at->is_terminating)
        return;
    if (count > 1) {
        spotopt__fault(r->check, "pod %.120s is under %u budgets; the API refuses to evict it",
                       at->id, count);
        return;
    }
    const spotopt__pdb *pdb = &cluster->pdbs.at[r->budget_of[pod]];
    const budget *b = &r->budgets[r->budget_of[pod]];
    int64_t healthy = count_healthy(r, r->budget_of[pod], now_s);
    int64_t allowed =
        b->allows_none || pdb->is_lagging || healthy < b->desired ? 0 : healthy - b->desired;
    if (!at->is_ready &&
        (pdb->always_allows_unhealthy || (healthy >= b->desired && b->desired > 0)))
        return;
    if (allowed < 1)
        spotopt__fault(r->check, "evicting %.120s breaks budget %.80s: %lld healthy, %lld wanted",
                       at->id, pdb->id, (long long)healthy, (long long)b->desired);
    else
        check_relied_on(r, step, pod, pdb, allowed);
}

/* Room on the target at this moment: who is there and not gone yet, who came. */
static void
check_target(replay *r, uint32_t pod, double now_s)
{
    const spotopt__scene *scene = r->check->scene;
    const spotopt_cluster *cluster = scene->cluster;
    uint32_t node = r->check->target[pod];
    spotopt__amounts load = cluster->shapes.at[cluster->pods.at[pod].shape].request;
    const spotopt__amounts *room = node < cluster->nodes.count
                                       ? &scene->nodes[node].room
                                       : &scene->pools[r->check->nodes.at[node].pool].room;
    const char *name = r->check->nodes.at[node].name;

    if (r->ready_s[node] > now_s + 1e-6)
        spotopt__fault(r->check, "pod %.120s is evicted before node %.80s is ready for it",
                       cluster->pods.at[pod].id, name);
    for (uint32_t i = node < cluster->nodes.count ? r->first_old[node] : SPOTOPT__NONE;
         i != SPOTOPT__NONE; i = r->next_old[i]) {
        if (r->evicted_s[i] + grace(r, i) > now_s + 1e-6) {
            for (uint32_t k = 0; k < cluster->resources.count; k++)
                load.of[k] += cluster->shapes.at[cluster->pods.at[i].shape].request.of[k];
        }
    }
    for (uint32_t i = r->first[node]; i != SPOTOPT__NONE; i = r->next[i]) {
        if (i != pod && r->evicted_s[i] <= now_s) {
            for (uint32_t k = 0; k < cluster->resources.count; k++)
                load.of[k] += cluster->shapes.at[cluster->pods.at[i].shape].request.of[k];
        }
    }
    for (uint32_t k = 0; k < cluster->resources.count; k++) {
        if (load.of[k] > room->of[k])
            spotopt__fault(r->check, "pod %.120s is evicted before node %.80s has the %.40s for it",
                           cluster->pods.at[pod].id, name, cluster->resources.name[k]);
    }
}

static void
evict(replay *r, const spotopt__at *step, uint32_t node, double now_s)
{
    const spotopt_cluster *cluster = r->check->scene->cluster;
    const char *id = spotopt__json_text(spotopt__json_get(step->value, "pod"));
    uint32_t pod = id == NULL ? SPOTOPT__NONE : spotopt__map_get(&cluster->pod_by_id, id);

    if (pod == SPOTOPT__NONE || cluster->pods.at[pod].node != node) {
        spotopt__fault(r->check, "an eviction names a pod that is not on its node: %.120s",
                       id == NULL ? "(none)" : id);
        return;
    }
    if (!moves(r, pod)) {
        spotopt__fault(r->check, "pod %.120s is evicted, but the plan does not move it", id);
        return;
    }
    if (r->evicted_s[pod] < INFINITY) {
        spotopt__fault(r->check, "pod %.120s is evicted twice", id);
        return;
    }
    if (r->deleted[node] ||
        (r->check->nodes.at[node].action == SPOTOPT__DRAIN && !r->cordoned[node]))
        spotopt__fault(r->check, "pod %.120s is evicted while its node is %s", id,
                       r->deleted[node] ? "gone" : "not cordoned");
    const char *to = spotopt__json_text(spotopt__json_get(step->value, "to"));
    if (to == NULL || strcmp(to, r->check->nodes.at[r->check->target[pod]].name) != 0)
        spotopt__fault(r->check, "pod %.120s is evicted to another node than it is planned on", id);
    check_budgets(r, step, pod, now_s);
    check_target(r, pod, now_s);
    r->evicted_s[pod] = now_s;
}

static void
delete_node(replay *r, uint32_t node, double now_s)
{
    if (r->check->nodes.at[node].action != SPOTOPT__DRAIN || r->deleted[node])
        spotopt__fault(r->check,
                       "node %.80s is deleted, but the plan keeps it or has deleted it already",
                       r->check->nodes.at[node].name);
    r->deleted[node] = 1;
    for (uint32_t i = r->first_old[node]; i != SPOTOPT__NONE; i = r->next_old[i]) {
        if (r->evicted_s[i] + grace(r, i) > now_s + 1e-6 && r->check->target[i] != SPOTOPT__NONE)
            spotopt__fault(r->check, "node %.80s is deleted with pod %.120s on it",
                           r->check->nodes.at[node].name, r->check->scene->cluster->pods.at[i].id);
    }
}

static void
check_launched_pool(replay *r, const spotopt__at *step, uint32_t node)
{
    const char *pool = spotopt__json_text(spotopt__json_get(step->value, "pool"));
    const spotopt__check_node *at = &r->check->nodes.at[node];

    if (pool == NULL || strcmp(pool, r->check->scene->catalog->pools.at[at->pool].id) != 0)
        spotopt__fault(r->check, "node %.80s is launched from another pool than it is of",
                       at->name);
}

static spotopt_status
take_step(replay *r, const spotopt__at *step, double now_s, spotopt_error *err)
{
    const spotopt_cluster *cluster = r->check->scene->cluster;
    spotopt__at what_at = spotopt__at_key(step, "do"), node_at = spotopt__at_key(step, "node");
    const char *what, *name;
    spotopt_status status;
    uint32_t node;

    if ((status = spotopt__want_text(&what_at, &what, err)) != SPOTOPT_OK ||
        (status = spotopt__want_text(&node_at, &name, err)) != SPOTOPT_OK)
        return status;
    node = spotopt__map_get(&r->check->node_by_name, name);
    bool is_old = node < cluster->nodes.count;
    if (node == SPOTOPT__NONE || is_old == (strcmp(what, "launch") == 0)) {
        spotopt__fault(r->check, "step %.20s names node %.80s, which it cannot mean", what, name);
        return SPOTOPT_OK;
    }
    if (strcmp(what, "launch") == 0) {
        if (r->ready_s[node] < INFINITY)
            spotopt__fault(r->check, "node %.80s is launched twice", name);
        r->ready_s[node] = now_s + r->launch_s;
        check_launched_pool(r, step, node);
    } else if (strcmp(what, "cordon") == 0) {
        r->cordoned[node] = 1;
    } else if (strcmp(what, "evict") == 0) {
        evict(r, step, node, now_s);
    } else if (strcmp(what, "delete") == 0) {
        delete_node(r, node, now_s);
    } else {
        return spotopt__fail_at(&what_at, err, "is \"%.20s\"; want launch, cordon, evict or delete",
                                what);
    }
    return SPOTOPT_OK;
}

static void
check_end(replay *r)
{
    const spotopt_cluster *cluster = r->check->scene->cluster;

    for (uint32_t i = 0; i < cluster->pods.count; i++) {
        if (moves(r, i) && !(r->evicted_s[i] < INFINITY))
            spotopt__fault(r->check, "pod %.120s changes its node, but no step evicts it",
                           cluster->pods.at[i].id);
    }
    for (uint32_t n = 0; n < r->check->nodes.count; n++) {
        const spotopt__check_node *node = &r->check->nodes.at[n];

        if (n < cluster->nodes.count ? node->action == SPOTOPT__DRAIN && !r->deleted[n]
                                     : r->ready_s[n] == INFINITY)
            spotopt__fault(r->check, "no step %s node %.80s",
                           n < cluster->nodes.count ? "deletes" : "launches", node->name);
    }
}

static spotopt_status
start(replay *r, spotopt_error *err)
{
    spotopt__arena *arena = &r->check->arena;
    const spotopt_cluster *cluster = r->check->scene->cluster;
    size_t nodes = r->check->nodes.count + 1, pods = cluster->pods.count + 1;

    r->ready_s = spotopt__arena_alloc(arena, nodes, sizeof *r->ready_s);
    r->evicted_s = spotopt__arena_alloc(arena, pods, sizeof *r->evicted_s);
    r->cordoned = spotopt__arena_alloc(arena, nodes, 1);
    r->deleted = spotopt__arena_alloc(arena, nodes, 1);
    r->first = spotopt__arena_alloc(arena, nodes, sizeof *r->first);
    r->first_old = spotopt__arena_alloc(arena, nodes, sizeof *r->first_old);
    r->next = spotopt__arena_alloc(arena, pods, sizeof *r->next);
    r->next_old = spotopt__arena_alloc(arena, pods, sizeof *r->next_old);
    r->budgets = spotopt__arena_alloc(arena, cluster->pdbs.count + 1, sizeof *r->budgets);
    r->budget_of = spotopt__arena_alloc(arena, pods, sizeof *r->budget_of);
    r->budgets_of = spotopt__arena_alloc(arena, pods, sizeof *r->budgets_of);
    r->counted_for =
        spotopt__arena_alloc(arena, cluster->workloads.count + 1, sizeof *r->counted_for);
    uint32_t *scratch = spotopt__arena_alloc(arena, pods, sizeof *scratch);
    if (r->budgets == NULL || r->budget_of == NULL || r->budgets_of == NULL ||
        r->counted_for == NULL || scratch == NULL || r->ready_s == NULL || r->evicted_s == NULL ||
        r->cordoned == NULL || r->deleted == NULL || r->first == NULL || r->first_old == NULL ||
        r->next == NULL || r->next_old == NULL)
        return spotopt__nomem(err, "a replay");
    for (uint32_t n = 0; n < r->check->nodes.count; n++) {
        r->ready_s[n] = n < cluster->nodes.count ? 0.0 : (double)INFINITY;
        r->first[n] = r->first_old[n] = SPOTOPT__NONE;
    }
    for (uint32_t i = 0; i < cluster->pods.count; i++) {
        const spotopt__pod *pod = &cluster->pods.at[i];

        r->evicted_s[i] = INFINITY;
        if (!spotopt__pod_counts(pod))
            continue;
        if (moves(r, i)) {
            r->next[i] = r->first[r->check->target[i]];
            r->first[r->check->target[i]] = i;
        }
        if (pod->node != SPOTOPT__NONE) {
            r->next_old[i] = r->first_old[pod->node];
            r->first_old[pod->node] = i;
        }
    }
    for (uint32_t i = 0; i < cluster->pdbs.count; i++) {
        spotopt_status status = find_budget(r, i, scratch, err);

        if (status != SPOTOPT_OK)
            return status;
    }
    return SPOTOPT_OK;
}

spotopt_status
spotopt__check_steps(spotopt__check *check, spotopt_error *err)
{
    const spotopt_drain_params defaults = SPOTOPT_DRAIN_PARAMS_INIT;
    replay r = {.check = check, .launch_s = defaults.launch_s, .start_s = defaults.start_s};
    spotopt__at waves = spotopt__at_key(check->root, "waves"), wave, step;
    double now_s = 0.0, at_s = 0.0;
    spotopt_status status = start(&r, err);

    if (status != SPOTOPT_OK || (status = spotopt__want_array(&waves, err)) != SPOTOPT_OK)
        return status;
    for (wave = spotopt__at_first(&waves); wave.value != NULL; spotopt__at_step(&wave)) {
        spotopt__at time_at = spotopt__at_key(&wave, "at_s"),
                    steps = spotopt__at_key(&wave, "steps");

        if ((status = spotopt__want_real(&time_at, 0.0, 1e9, &at_s, err)) != SPOTOPT_OK ||
            (status = spotopt__want_array(&steps, err)) != SPOTOPT_OK)
            return status;
        if (at_s < now_s)
            spotopt__fault(check, "waves/%zu begins before the one in front of it", wave.index);
        now_s = at_s;
        for (step = spotopt__at_first(&steps); step.value != NULL; spotopt__at_step(&step)) {
            if ((status = take_step(&r, &step, now_s, err)) != SPOTOPT_OK)
                return status;
        }
    }
    check_end(&r);
    return SPOTOPT_OK;
}
