/* SPDX-License-Identifier: Apache-2.0 */
/*
 * budget.c - how many disruptions a PodDisruptionBudget allows.
 *
 * Computes what Kubernetes' disruption controller writes into a budget's status, and judges an
 * eviction as the API server does with that status. Where the two are vague (a pod without a
 * controller under a percentage) the stricter reading is taken: a drain that is too careful waits,
 * one that is too bold breaks a budget. Budgets find their pods through one index on label values,
 * so that the work grows with the matches and not with pods times budgets.
 */
#include "base/base.h"
#include "drain/budget.h"
#include "drain/drain.h"

#define EXPECTED_MAX INT64_C(1000000000000) /* keeps percent * expected within 63 bits */
#define PERCENT_MAX INT64_C(1000000)

static int64_t
round_up_percent(int64_t percent, int64_t of)
{
    percent = percent > PERCENT_MAX ? PERCENT_MAX : percent;
    return (percent * of + 99) / 100;
}

int64_t
spotopt__pdb_desired(int32_t kind, int64_t value, int64_t expected)
{
    int64_t unavailable;

    value = value < 0 ? 0 : value;
    expected = expected > EXPECTED_MAX ? EXPECTED_MAX : expected;
    switch (kind) {
    case SPOTOPT__BUDGET_MIN_COUNT:
        return value;
    case SPOTOPT__BUDGET_MIN_PERCENT:
        return round_up_percent(value, expected);
    case SPOTOPT__BUDGET_MAX_COUNT:
        unavailable = value;
        break;
    case SPOTOPT__BUDGET_MAX_PERCENT:
        unavailable = round_up_percent(value, expected);
        break;
    default:
        return 0;
    }
    return expected > unavailable ? expected - unavailable : 0;
}

int64_t
spotopt__pdb_allowed(const spotopt__pdb_count *count)
{
    if (count->allows_none || count->expected <= 0 || count->healthy <= count->desired)
        return 0;
    return count->healthy - count->desired;
}

bool
spotopt__pod_is_finished(const spotopt__pod *pod)
{
    return pod->phase == SPOTOPT__SUCCEEDED || pod->phase == SPOTOPT__FAILED;
}

int32_t
spotopt__eviction_kind(const spotopt__pod *pod)
{
    if (pod->phase != SPOTOPT__RUNNING || pod->is_terminating)
        return SPOTOPT__EVICT_FREELY;
    return pod->is_ready ? SPOTOPT__EVICT_READY : SPOTOPT__EVICT_SICK;
}

bool
spotopt__pdb_admits(const spotopt__pdb *pdb, const spotopt__pdb_count *count, int32_t kind,
                    int64_t used, bool *takes_one)
{
    *takes_one = false;
    if (kind == SPOTOPT__EVICT_FREELY)
        return true;
    if (kind == SPOTOPT__EVICT_SICK) {
        if (pdb->always_allows_unhealthy)
            return true;
        if (!count->allows_none && count->desired > 0 && count->healthy >= count->desired)
            return true;
    }
    *takes_one = true;
    return !pdb->is_lagging && spotopt__pdb_allowed(count) > used;
}

int32_t
spotopt__pdb_refusal(const spotopt__pdb *pdb, const spotopt__pdb_count *count)
{
    return pdb->is_lagging && spotopt__pdb_allowed(count) > 0 ? SPOTOPT__BUDGET_LAGGING
                                                              : SPOTOPT__NO_HEADROOM;
}

/* Budgets by a label value that each pod of theirs must carry; those that demand none, by namespace
 * alone. */
typedef struct pdb_index {
    spotopt__map head; /* key text -> first budget of a chain */
    spotopt__arena arena;
    uint32_t *next;
    spotopt__str key;
} pdb_index;

static const char *
index_key(spotopt__str *str, const char *ns, const char *key, const char *value)
{
    str->count = 0;
    spotopt__str_add(str, ns);
    if (key != NULL) {
        spotopt__str_add(str, "\n"); /* in no name, key or value */
        spotopt__str_add(str, key);
        spotopt__str_add(str, "\n");
        spotopt__str_add(str, value);
    }
    return str->failed ? NULL : str->at;
}

static bool
index_add(pdb_index *index, const spotopt__pdb *pdb, uint32_t at)
{
    const char *key = NULL, *value = NULL, *text;
    char *kept;
    uint32_t found;

    for (uint32_t i = 0; i < pdb->selector.count && key == NULL; i++) {
        const spotopt__requirement *r = &pdb->selector.at[i];
        if (r->op == SPOTOPT__OP_IN && r->value_count == 1) {
            key = r->key;
            value = r->values[0];
        }
    }
    text = index_key(&index->key, pdb->ns, key, value);
    kept = text == NULL ? NULL : spotopt__arena_text(&index->arena, text, index->key.count);
    if (kept == NULL || !spotopt__map_put_n(&index->head, kept, index->key.count, at, &found))
        return false;
    if (found != at) { /* goes second, so that the map needs no change; order is restored by sorting
                          the matches */
        index->next[at] = index->next[found];
        index->next[found] = at;
    }
    return true;
}

typedef spotopt__vec(uint32_t) index_list;

static bool
collect(spotopt_context *context, const spotopt_cluster *cluster, const pdb_index *index,
        uint32_t head, const spotopt__pod *pod, index_list *out)
{
    for (uint32_t p = head; p != SPOTOPT__NONE; p = index->next[p]) {
        if (spotopt__pdb_matches(&cluster->pdbs.at[p], pod) && !spotopt__vec_push(context, out, p))
            return false;
    }
    return true;
}

/* The budgets of one pod, appended to out in ascending order. */
static bool
match_pod(spotopt_context *context, const spotopt_cluster *cluster, pdb_index *index,
          const spotopt__pod *pod, index_list *out)
{
    size_t begin = out->count;
    const char *key = index_key(&index->key, pod->ns, NULL, NULL);

    if (key == NULL || !collect(context, cluster, index,
                                spotopt__map_get_n(&index->head, key, index->key.count), pod, out))
        return false;
    for (uint32_t i = 0; i < pod->labels.count; i++) {
        key = index_key(&index->key, pod->ns, pod->labels.at[i].key, pod->labels.at[i].value);
        if (key == NULL ||
            !collect(context, cluster, index,
                     spotopt__map_get_n(&index->head, key, index->key.count), pod, out))
            return false;
    }
    for (size_t i = begin + 1; i < out->count; i++) { /* a handful at most */
        uint32_t p = out->at[i];
        size_t j = i;
        for (; j > begin && out->at[j - 1] > p; j--)
            out->at[j] = out->at[j - 1];
        out->at[j] = p;
    }
    return true;
}

static bool
match_all(const spotopt_cluster *cluster, spotopt__pdb_book *book, index_list *out)
{
    spotopt_context *context = book->context;
    pdb_index index = {0};
    bool done = false;

    spotopt__map_init(&index.head, context);
    spotopt__arena_init(&index.arena, context);
    spotopt__str_init(&index.key, context);
    index.next = spotopt__alloc_array(context, cluster->pdbs.count + 1, sizeof *index.next);
    if (index.next == NULL)
        goto out;
    for (size_t p = 0; p < cluster->pdbs.count; p++) {
        index.next[p] = SPOTOPT__NONE;
        if (!cluster->pdbs.at[p].selector.is_nothing &&
            !index_add(&index, &cluster->pdbs.at[p], (uint32_t)p))
            goto out;
    }
    for (size_t i = 0; i < cluster->pods.count; i++) {
        book->first[i] = (uint32_t)out->count;
        if (cluster->pdbs.count > 0 &&
            !match_pod(context, cluster, &index, &cluster->pods.at[i], out))
            goto out;
    }
    book->first[cluster->pods.count] = (uint32_t)out->count;
    done = true;
out:
    spotopt__free(context, index.next);
    spotopt__str_free(&index.key);
    spotopt__arena_free(&index.arena);
    spotopt__map_free(&index.head);
    return done;
}

/* The pods of each budget as (pod, place in match), grouped by budget. */
typedef struct by_budget {
    uint32_t *begin, *pod, *place;
} by_budget;

static bool
group_by_budget(const spotopt_cluster *cluster, const spotopt__pdb_book *book, by_budget *out)
{
    size_t pods = cluster->pods.count, budgets = cluster->pdbs.count, entries = book->first[pods];

    out->begin = spotopt__alloc_array(book->context, budgets + 2, sizeof *out->begin);
    out->pod = spotopt__alloc_array(book->context, entries + 1, sizeof *out->pod);
    out->place = spotopt__alloc_array(book->context, entries + 1, sizeof *out->place);
    if (out->begin == NULL || out->pod == NULL || out->place == NULL)
        return false;
    for (size_t e = 0; e < entries; e++)
        out->begin[book->match[e] + 2]++;
    for (size_t p = 2; p < budgets + 2; p++)
        out->begin[p] += out->begin[p - 1];
    for (size_t i = 0; i < pods; i++) {
        for (uint32_t e = book->first[i]; e < book->first[i + 1]; e++) {
            uint32_t at = out->begin[book->match[e] + 1]++;
            out->pod[at] = (uint32_t)i;
            out->place[at] = e;
        }
    }
    return true;
}

/*
 * One budget. A pod without a controller, or with one whose scale is not known, makes everything
 * but a plain minAvailable unknowable; the controller then allows nothing. seen holds a stamp a
 * workload.
 */
static bool
count_budget(const spotopt_cluster *cluster, spotopt__pdb_book *book, const by_budget *group,
             uint32_t p, uint32_t *seen)
{
    const spotopt__pdb *pdb = &cluster->pdbs.at[p];
    spotopt__pdb_count *count = &book->of[p];
    spotopt__map disrupted;
    bool done = true;

    spotopt__map_init(&disrupted, book->context);
    for (uint32_t d = 0; d < pdb->disrupted_count && done; d++) {
        uint32_t found;
        done = spotopt__map_put(&disrupted, pdb->disrupted[d], d, &found);
    }
    for (uint32_t at = group->begin[p]; at < group->begin[p + 1] && done; at++) {
        const spotopt__pod *pod = &cluster->pods.at[group->pod[at]];
        bool is_counted =
            pod->is_ready && !pod->is_terminating &&
            (pdb->disrupted_count == 0 || spotopt__map_get(&disrupted, pod->name) == SPOTOPT__NONE);

        book->is_counted[group->place[at]] = is_counted;
        count->healthy += is_counted;
        if (pdb->kind == SPOTOPT__BUDGET_MIN_COUNT) {
            count->expected++;
        } else if (!pod->has_controller || pod->workload == SPOTOPT__NONE ||
                   !cluster->workloads.at[pod->workload].has_scale) {
            count->allows_none = true;
        } else if (seen[pod->workload] != p + 1) {
            seen[pod->workload] = p + 1;
            count->expected += cluster->workloads.at[pod->workload].wanted;
        }
    }
    spotopt__map_free(&disrupted);
    if (pdb->kind == SPOTOPT__BUDGET_NONE) /* expected pods are 0 then, and so is what is allowed */
        count->allows_none = true;
    count->desired = spotopt__pdb_desired(pdb->kind, pdb->value, count->expected);
    return done;
}

spotopt_status
spotopt__pdb_book_make(const spotopt_cluster *cluster, spotopt__pdb_book *book, spotopt_error *err)
{
    by_budget group = {0};
    index_list match = {0};
    uint32_t *seen = NULL;
    spotopt_status status = spotopt__nomem(NULL, NULL);

    memset(book, 0, sizeof *book);
    book->context = cluster->context;
    book->of = spotopt__alloc_array(book->context, cluster->pdbs.count + 1, sizeof *book->of);
    book->first = spotopt__alloc_array(book->context, cluster->pods.count + 1, sizeof *book->first);
    seen = spotopt__alloc_array(book->context, cluster->workloads.count + 1, sizeof *seen);
    if (book->of == NULL || book->first == NULL || seen == NULL ||
        !match_all(cluster, book, &match))
        goto done;
    book->match = match.at;
    book->is_counted =
        spotopt__alloc_array(book->context, match.count + 1, sizeof *book->is_counted);
    if (book->is_counted == NULL || !group_by_budget(cluster, book, &group))
        goto done;
    for (size_t p = 0; p < cluster->pdbs.count; p++) {
        if (!count_budget(cluster, book, &group, (uint32_t)p, seen))
            goto done;
    }
    status = SPOTOPT_OK;
done:
    spotopt__free(book->context, seen);
    spotopt__free(book->context, group.begin);
    spotopt__free(book->context, group.pod);
    spotopt__free(book->context, group.place);
    if (status != SPOTOPT_OK) {
        book->match = match.at;
        spotopt__pdb_book_free(book);
        return spotopt__nomem(err, "disruption budgets");
    }
    return status;
}

void
spotopt__pdb_book_free(spotopt__pdb_book *book)
{
    spotopt__free(book->context, book->of);
    spotopt__free(book->context, book->first);
    spotopt__free(book->context, book->match);
    spotopt__free(book->context, book->is_counted);
    memset(book, 0, sizeof *book);
}
