/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fail_alloc.h"
#include "spotopt/spotopt.h"
#include "suite.h"

#define NOW 1793610000000LL /* 2026-11-02T09:00:00Z */

static spotopt_error err;

static spotopt_inventory *
read_inventory(const char *text)
{
    spotopt_inventory *made = NULL;

    if (spotopt_inventory_parse(NULL, text, strlen(text), "inv", &made, &err) != SPOTOPT_OK)
        printf("\n    %s\n", err.message);
    CU_ASSERT_PTR_NOT_NULL_FATAL(made);
    return made;
}

static spotopt_cleanup *
find(const spotopt_inventory *inventory, const spotopt_ledger *ledger, int32_t part)
{
    spotopt_cleanup_params params = SPOTOPT_CLEANUP_PARAMS_INIT;
    spotopt_cleanup *made = NULL;

    params.part = part;
    params.now_ms = NOW;
    CU_ASSERT_EQUAL_FATAL(spotopt_cleanup_find(inventory, ledger, &params, &made, &err),
                          SPOTOPT_OK);
    return made;
}

static const spotopt_cleanup_item *
item_of(const spotopt_cleanup *cleanup, const char *id)
{
    static spotopt_cleanup_item item;

    for (size_t i = 0; i < spotopt_cleanup_count(cleanup); i++) {
        item = (spotopt_cleanup_item)SPOTOPT_CLEANUP_ITEM_INIT;
        CU_ASSERT_EQUAL(spotopt_cleanup_at(cleanup, i, &item, &err), SPOTOPT_OK);
        if (strcmp(item.id, id) == 0)
            return &item;
    }
    return NULL;
}

static void
test_governance__flags_what_no_cluster_owner_or_list_accounts_for(void)
{
    static const char text[] =
        "{\"kind\":\"Inventory\",\"clusters\":[{\"id\":\"prod\"}],\"images\":[{\"ImageId\":\"ami-"
        "1\"}],"
        "\"instances\":["
        "{\"InstanceId\":\"i-tag\",\"Tags\":[{\"Key\":\"kubernetes.io/cluster/"
        "prod\",\"Value\":\"\"}]},"
        "{\"InstanceId\":\"i-eks\",\"Tags\":[{\"Key\":\"eks:cluster-name\",\"Value\":\"prod\"}]},"
        "{\"InstanceId\":\"i-led\"},"
        "{\"InstanceId\":\"i-own\",\"Tags\":[{\"Key\":\"OWNER\",\"Value\":\"me\"}]},"
        "{\"InstanceId\":\"i-noone\",\"Tags\":[{\"Key\":\"owner\",\"Value\":\"\"}],\"usd_per_"
        "hour\":2,"
        "\"ImageId\":\"ami-9\",\"LaunchTime\":\"2026-10-02T09:00:00+00:00\"},"
        "{\"InstanceId\":\"i-old\",\"Tags\":[{\"Key\":\"eks:cluster-name\",\"Value\":\"gone\"}]},"
        "{\"InstanceId\":\"i-list\",\"InstanceType\":\"t3.nano\"},"
        "{\"InstanceId\":\"i-off\",\"State\":{\"Name\":\"stopped\"}}]}";
    static const char rows[] = "{\"time_ms\":1,\"type\":\"start\",\"instance\":\"i-led\","
                               "\"pool\":\"p\",\"usd_per_hour\":1}";
    static const char *const allow[] = {"t3.*"};
    spotopt_inventory *inventory = read_inventory(text);
    spotopt_cleanup_params params = SPOTOPT_CLEANUP_PARAMS_INIT;
    spotopt_ledger *ledger = NULL;
    spotopt_cleanup *found = NULL;

    CU_ASSERT_EQUAL_FATAL(spotopt_ledger_parse(NULL, rows, strlen(rows), "l", &ledger, &err),
                          SPOTOPT_OK);
    params.now_ms = NOW;
    params.allow = allow;
    params.allow_count = 1;
    CU_ASSERT_EQUAL_FATAL(spotopt_cleanup_find(inventory, ledger, &params, &found, &err),
                          SPOTOPT_OK);
    CU_ASSERT_EQUAL(spotopt_cleanup_count(found), 2);
    const spotopt_cleanup_item *item = item_of(found, "i-noone");
    CU_ASSERT_PTR_NOT_NULL_FATAL(item);
    CU_ASSERT_DOUBLE_EQUAL(item->usd_per_month, 1460.0, 1e-9);
    CU_ASSERT_EQUAL(item->first_seen_ms, NOW - 31LL * 86400000);
    CU_ASSERT_EQUAL(item->evidence_count, 4);
    CU_ASSERT_STRING_EQUAL(spotopt_cleanup_evidence(found, 0, 3), "unknown image ami-9");
    item = item_of(found, "i-old");
    CU_ASSERT_PTR_NOT_NULL_FATAL(item);
    CU_ASSERT_TRUE(isnan(item->usd_per_month));
    CU_ASSERT_PTR_NOT_NULL(strstr(spotopt_cleanup_evidence(found, 1, 0), "gone"));
    spotopt_cleanup_free(found);
    spotopt_ledger_free(ledger);
    spotopt_inventory_free(inventory);
}

static void
test_storage__finds_what_nothing_refers_to_and_says_what_is_lost(void)
{
    static const char text[] =
        "{\"kind\":\"Inventory\",\"usd_per_gib_month\":{\"fast\":1.0},"
        "\"instances\":[{\"InstanceId\":\"i\",\"ImageId\":\"ami-run\"}],"
        "\"launch_templates\":[{\"LaunchTemplateData\":{\"ImageId\":\"ami-tpl\"}}],"
        "\"volumes\":[{\"VolumeId\":\"v-used\",\"Attachments\":[{}]},"
        "{\"VolumeId\":\"v-free\",\"Size\":10,\"VolumeType\":\"fast\",\"State\":\"available\","
        "\"CreateTime\":\"2026-01-01T00:00:00Z\"},"
        "{\"VolumeId\":\"v-unknown\",\"Size\":1},"
        "{\"VolumeId\":\"v-young\",\"State\":\"available\",\"CreateTime\":\"2026-11-01T00:00:00Z\"}"
        ","
        "{\"VolumeId\":\"v-back\",\"State\":\"available\",\"Tags\":[{\"Key\":\"Backup\",\"Value\":"
        "\"daily\"}]}],"
        "\"snapshots\":[{\"SnapshotId\":\"s-a\",\"VolumeId\":\"v-free\",\"VolumeSize\":10,"
        "\"StartTime\":\"2026-02-01T00:00:00Z\"},"
        "{\"SnapshotId\":\"s-b\",\"VolumeId\":\"v-free\",\"VolumeSize\":10,"
        "\"StartTime\":\"2026-03-01T00:00:00Z\"},"
        "{\"SnapshotId\":\"s-img\",\"VolumeSize\":8},"
        "{\"SnapshotId\":\"s-only\",\"VolumeId\":\"v-gone\",\"VolumeSize\":7},"
        "{\"SnapshotId\":\"s-dlm\",\"Tags\":[{\"Key\":\"aws:dlm:lifecycle-policy-id\"}]}],"
        "\"images\":[{\"ImageId\":\"ami-run\"},{\"ImageId\":\"ami-tpl\"},"
        "{\"ImageId\":\"ami-idle\",\"BlockDeviceMappings\":[{\"Ebs\":{\"SnapshotId\":\"s-img\"}}]}]"
        "}";
    spotopt_inventory *inventory = read_inventory(text);
    spotopt_cleanup *found = find(inventory, NULL, SPOTOPT_CLEANUP_STORAGE);
    static const struct {
        const char *id, *lost;
        double usd;
    } want[] = {{"v-free", "what changed on 10 GiB since snapshot s-b", 10.0},
                {"s-a", "an older copy of 10 GiB; s-b is later", 0.5},
                {"s-b", "the last copy of 10 GiB beside the volume", 0.5},
                {"ami-idle", "the means to launch ami-idle; its 1 snapshots can go next", 0.4},
                {"s-only", "the only copy of 7 GiB", 0.35}};

    CU_ASSERT_EQUAL(spotopt_cleanup_count(found), sizeof want / sizeof *want);
    for (size_t i = 0; i < sizeof want / sizeof *want; i++) {
        const spotopt_cleanup_item *item = item_of(found, want[i].id);

        CU_ASSERT_PTR_NOT_NULL_FATAL(item);
        CU_ASSERT_STRING_EQUAL(item->lost, want[i].lost);
        CU_ASSERT_DOUBLE_EQUAL(item->usd_per_month, want[i].usd, 1e-12);
    }
    spotopt_cleanup_free(found);
    spotopt_inventory_free(inventory);
}

/* --- at most once --- */

enum { ITEMS = 12 };

/* A host that may be cut off anywhere: before a row is kept, after it, in the act, after the act.
 */
typedef struct host {
    char *ledger;
    size_t length;
    int acted[ITEMS];
    int left; /* calls until the power goes; the row or the act of that moment may be lost or not */
    bool is_dead;
    int cancel_after;
} host;

static int32_t
keep_row(void *user, const char *row, size_t length)
{
    host *h = user;
    const bool dies = h->left-- <= 0;

    if (h->is_dead)
        return -1;
    if (!dies || rand() % 2 == 0) { /* kept, even where nobody is told any more */
        memcpy(h->ledger + h->length, row, length);
        h->length += length;
    }
    h->is_dead = dies;
    return dies ? -1 : 0;
}

static int32_t
act(void *user, const spotopt_cleanup_item *item)
{
    host *h = user;
    const bool dies = h->left-- <= 0;

    CU_ASSERT_FALSE(h->is_dead); /* nothing is handed out once a row could not be kept */
    if (!dies || rand() % 2 == 0)
        h->acted[atoi(item->id + 4)]++;
    h->is_dead = dies;
    return dies || rand() % 5 == 0 ? -1 : 0;
}

static int32_t
ask(void *user, size_t done, size_t total)
{
    const host *h = user;

    CU_ASSERT_TRUE(done < total);
    return (int)done >= h->cancel_after;
}

static void
test_cleanup__an_item_is_acted_on_at_most_once_whatever_is_cut_off(void)
{
    static char inventory_text[ITEMS * 80 + 100], rows[1 << 20];
    size_t all = 0, finished = 0;

    strcpy(inventory_text, "{\"kind\":\"Inventory\",\"volumes\":[");
    for (int i = 0; i < ITEMS; i++)
        sprintf(inventory_text + strlen(inventory_text),
                "%s{\"VolumeId\":\"vol-%d\",\"Size\":%d,\"State\":\"available\"}", i > 0 ? "," : "",
                i, i * 7 % 5);
    strcat(inventory_text, "]}");
    spotopt_inventory *inventory = read_inventory(inventory_text);
    srand(11);
    for (int turn = 0; turn < 3000; turn++) {
        host h = {.ledger = rows};
        spotopt_cleanup_host calls = SPOTOPT_CLEANUP_HOST_INIT;

        calls.record = keep_row;
        calls.act = act;
        calls.progress = ask;
        calls.user = &h;
        for (int run = 0; run < 6; run++) {
            spotopt_cleanup_result result = SPOTOPT_CLEANUP_RESULT_INIT;
            spotopt_ledger *ledger = NULL;
            spotopt_cleanup *found;
            char *made = NULL;
            size_t length;

            CU_ASSERT_EQUAL_FATAL(
                spotopt_ledger_parse(NULL, h.ledger, h.length, "l", &ledger, &err), SPOTOPT_OK);
            found = find(inventory, ledger, SPOTOPT_CLEANUP_STORAGE);
            for (int32_t to = SPOTOPT_CLEANUP_FLAGGED; to <= SPOTOPT_CLEANUP_APPROVED; to++) {
                CU_ASSERT_EQUAL_FATAL(spotopt_cleanup_step(found, to, NULL, 0, "me", NULL,
                                                           NOW + run, &made, &length, &err),
                                      SPOTOPT_OK);
                memcpy(h.ledger + h.length, made, length);
                h.length += length;
                spotopt_text_free(NULL, made);
            }
            h.is_dead = false;
            h.left = rand() % 60;
            h.cancel_after = rand() % 4 == 0 ? rand() % ITEMS : ITEMS;
            const size_t batch = rand() % 2 == 0 ? 0 : 1 + (size_t)rand() % ITEMS;

            for (int again = 0; again < 2 && !h.is_dead; again++) {
                CU_ASSERT_EQUAL(
                    spotopt_cleanup_apply(found, &calls, batch, "me", NOW + run, &result, &err),
                    SPOTOPT_OK);
                CU_ASSERT_TRUE(result.applied + result.failed <= result.total);
            }
            spotopt_cleanup_free(found);
            spotopt_ledger_free(ledger);
        }
        for (int i = 0; i < ITEMS; i++) {
            CU_ASSERT_TRUE(h.acted[i] <= 1);
            finished += h.acted[i] == 1;
            all++;
        }
    }
    CU_ASSERT_TRUE(finished > all / 2); /* and it is not by doing nothing */
    spotopt_inventory_free(inventory);
}

static void
test_cleanup__nothing_happens_without_approval_or_in_a_dry_run(void)
{
    spotopt_inventory *inventory = read_inventory(
        "{\"kind\":\"Inventory\",\"volumes\":[{\"VolumeId\":\"vol-0\",\"State\":\"available\"},"
        "{\"VolumeId\":\"vol-1\",\"State\":\"available\"}]}");
    spotopt_cleanup *found = find(inventory, NULL, SPOTOPT_CLEANUP_STORAGE);
    spotopt_cleanup_result result = SPOTOPT_CLEANUP_RESULT_INIT;
    spotopt_cleanup_host calls = SPOTOPT_CLEANUP_HOST_INIT;
    const char *const first[] = {"vol-0"}, *const other[] = {"vol-9"};
    char rows[4096], *made = NULL;
    host h = {.ledger = rows, .left = 1000, .cancel_after = 99};
    size_t length;

    calls.record = keep_row;
    calls.act = act;
    calls.user = &h;
    CU_ASSERT_EQUAL(spotopt_cleanup_step(found, SPOTOPT_CLEANUP_APPROVED, first, 1, "me", "", NOW,
                                         &made, &length, &err),
                    SPOTOPT_E_STATE); /* not flagged yet */
    CU_ASSERT_EQUAL(spotopt_cleanup_step(found, SPOTOPT_CLEANUP_FLAGGED, other, 1, "me", "", NOW,
                                         &made, &length, &err),
                    SPOTOPT_E_STATE);
    CU_ASSERT_EQUAL(spotopt_cleanup_step(found, SPOTOPT_CLEANUP_FLAGGED, first, 1, "", "", NOW,
                                         &made, &length, &err),
                    SPOTOPT_E_ARGUMENT);
    CU_ASSERT_EQUAL(spotopt_cleanup_step(found, SPOTOPT_CLEANUP_FLAGGED, NULL, 0, "me", "", NOW,
                                         &made, &length, &err),
                    SPOTOPT_OK);
    spotopt_text_free(NULL, made);
    CU_ASSERT_EQUAL(spotopt_cleanup_apply(found, &calls, 0, "me", NOW, &result, &err), SPOTOPT_OK);
    CU_ASSERT_EQUAL(result.total, 0);
    CU_ASSERT_EQUAL(spotopt_cleanup_step(found, SPOTOPT_CLEANUP_APPROVED, first, 1, "me", "", NOW,
                                         &made, &length, &err),
                    SPOTOPT_OK);
    spotopt_text_free(NULL, made);
    CU_ASSERT_EQUAL(spotopt_cleanup_apply(found, NULL, 0, "me", NOW, &result, &err), SPOTOPT_OK);
    CU_ASSERT_EQUAL(result.total, 1);
    CU_ASSERT_EQUAL(result.applied, 0);
    CU_ASSERT_EQUAL(h.acted[0] + h.acted[1], 0);
    CU_ASSERT_EQUAL(spotopt_cleanup_apply(found, &calls, 0, "me", NOW, &result, &err), SPOTOPT_OK);
    CU_ASSERT_EQUAL(h.acted[0], 1);
    CU_ASSERT_EQUAL(h.acted[1], 0);
    CU_ASSERT_EQUAL(spotopt_cleanup_step(found, SPOTOPT_CLEANUP_DISMISSED, first, 1, "me", "", NOW,
                                         &made, &length, &err),
                    SPOTOPT_E_STATE); /* too late */
    spotopt_cleanup_free(found);
    spotopt_inventory_free(inventory);
}

static void
test_cleanup__every_allocation_may_fail(void)
{
    static const char text[] =
        "{\"kind\":\"Inventory\",\"images\":[{\"ImageId\":\"a\"}],\"instances\":[{\"InstanceId\":"
        "\"i\","
        "\"ImageId\":\"b\",\"Tags\":[{\"Key\":\"k\",\"Value\":\"v\"}]}],\"volumes\":[{\"VolumeId\":"
        "\"v\",\"State\":\"available\"}],\"snapshots\":[{\"SnapshotId\":\"s\",\"VolumeId\":\"v\"}]"
        "}";
    fail_alloc allocator = FAIL_ALLOC_INIT;
    spotopt_status status;
    size_t n = 1;

    do {
        spotopt_inventory *inventory = NULL;
        spotopt_context *context;

        fail_after(&allocator, n++);
        context = fail_alloc_context(&allocator);
        CU_ASSERT_PTR_NOT_NULL_FATAL(context);
        status = spotopt_inventory_parse(context, text, sizeof text - 1, "i", &inventory, &err);
        for (int32_t part = 1; status == SPOTOPT_OK && part <= 2; part++) {
            spotopt_cleanup_params params = SPOTOPT_CLEANUP_PARAMS_INIT;
            spotopt_cleanup *found = NULL;
            char *made = NULL;
            size_t length;

            params.part = part;
            params.now_ms = NOW;
            status = spotopt_cleanup_find(inventory, NULL, &params, &found, &err);
            if (status == SPOTOPT_OK)
                status = spotopt_cleanup_step(found, SPOTOPT_CLEANUP_FLAGGED, NULL, 0, "me", NULL,
                                              NOW, &made, &length, &err);
            spotopt_text_free(context, made);
            made = NULL;
            if (status == SPOTOPT_OK)
                status = spotopt_cleanup_write(found, &made, &length, &err);
            spotopt_text_free(context, made);
            spotopt_cleanup_free(found);
        }
        spotopt_inventory_free(inventory);
        spotopt_context_free(context);
        CU_ASSERT_EQUAL(allocator.live, 0);
    } while (status == SPOTOPT_E_NOMEM);
    CU_ASSERT_EQUAL(status, SPOTOPT_OK);
    CU_ASSERT_TRUE(n > 20);
}

int
main(void)
{
    static const suite_test tests[] = {
        TEST(test_governance__flags_what_no_cluster_owner_or_list_accounts_for),
        TEST(test_storage__finds_what_nothing_refers_to_and_says_what_is_lost),
        TEST(test_cleanup__an_item_is_acted_on_at_most_once_whatever_is_cut_off),
        TEST(test_cleanup__nothing_happens_without_approval_or_in_a_dry_run),
        TEST(test_cleanup__every_allocation_may_fail),
    };

    return suite_run("cleanup", tests, sizeof tests / sizeof *tests);
}
