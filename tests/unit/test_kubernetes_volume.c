/* SPDX-License-Identifier: Apache-2.0 */
#include "suite.h"

#include "kubernetes.h"

#define PV(name, labels, spec)                                                                     \
    "{'apiVersion':'v1','kind':'PersistentVolume','metadata':{'name':'" name "','labels':" labels  \
    "},'spec':" spec "}"
#define PV_IN(name, key, zone)                                                                     \
    PV(name, "{}",                                                                                 \
       "{'nodeAffinity':{'required':{'nodeSelectorTerms':[{'matchExpressions':[{'key':'" key       \
       "','operator':'In','values':['" zone "']}]}]}}}")
#define PVC(name, spec)                                                                            \
    "{'apiVersion':'v1','kind':'PersistentVolumeClaim','metadata':{'name':'" name                  \
    "'},'spec':" spec "}"
#define CLASS(name, notes, zones)                                                                  \
    "{'apiVersion':'storage.k8s.io/v1','kind':'StorageClass','metadata':{'name':'" name            \
    "','annotations':" notes "},'volumeBindingMode':'WaitForFirstConsumer','allowedTopologies':[{" \
                             "'matchLabelExpressions':[{"                                          \
    "'key':'topology.kubernetes.io/zone','values':" zones "}]}]}"
#define USES(name, claim)                                                                          \
    POD_WITH(name, "{}", "{}",                                                                     \
             ",'volumes':[{'name':'v','persistentVolumeClaim':{'claimName':'" claim "'}}]")

/* Whether pod p of the items may run in a zone. */
static int
goes(const char *items, const char *zone)
{
    const spotopt__label label = {"topology.kubernetes.io/zone", zone};
    const spotopt__labels labels = {&label, 1};
    spotopt_cluster *cluster = read_items(items);
    const char *why = NULL;
    const int is =
        spotopt__shape_allows(shape_of(cluster, "default/p"), &labels, "", NULL, 0, &why);

    if (!is)
        CU_ASSERT_STRING_EQUAL(why, "volume");
    spotopt_cluster_free(cluster);
    return is;
}

static void
test_volume__that_is_bound_keeps_its_pod_in_its_zone(void)
{
    static const char *const lists[] = {
        USES("p", "c") "," PVC("c", "{'volumeName':'pv'}") "," PV_IN(
            "pv", "topology.kubernetes.io/zone", "a"),
        USES("p", "c") "," PVC("c", "{'volumeName':'pv'}") "," PV_IN(
            "pv", "topology.ebs.csi.aws.com/zone", "a"),
        USES("p", "c") "," PVC("c", "{'volumeName':'pv'}") "," PV_IN(
            "pv", "failure-domain.beta.kubernetes.io/zone", "a"),
        USES("p", "c") "," PVC("c", "{'volumeName':'pv'}") "," PV(
            "pv", "{'topology.kubernetes.io/zone':'a'}", "{}"),
        USES("p", "c") "," PVC("c", "{'volumeName':'pv'}") "," PV(
            "pv", "{'failure-domain.beta.kubernetes.io/zone':'a'}", "{}"),
        /* a bound claim does not ask its class */
        USES("p", "c") "," PVC("c", "{'volumeName':'pv','storageClassName':'s'}") "," PV_IN(
            "pv", "topology.kubernetes.io/zone", "a") "," CLASS("s", "{}", "['b']"),
    };

    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        CU_ASSERT_TRUE(goes(lists[i], "a"));
        CU_ASSERT_FALSE(goes(lists[i], "b"));
    }
}

static void
test_volume__of_several_zones_leaves_the_choice(void)
{
    static const char items[] = USES("p", "c") "," PVC("c", "{'volumeName':'pv'}") "," PV(
        "pv", "{'failure-domain.beta.kubernetes.io/zone':'a__b'}", "{}");

    CU_ASSERT_TRUE(goes(items, "a"));
    CU_ASSERT_TRUE(goes(items, "b"));
    CU_ASSERT_FALSE(goes(items, "c"));
}

static void
test_volume__of_a_node_stays_there(void)
{
    spotopt_cluster *cluster = read_items(USES("p", "c") "," PVC(
        "c", "{'volumeName':'pv'}") "," PV_IN("pv", "kubernetes.io/hostname", "n"));
    const spotopt__label label = {"kubernetes.io/hostname", "n"},
                         other = {"kubernetes.io/hostname", "m"};
    const spotopt__labels there = {&label, 1}, elsewhere = {&other, 1};
    const spotopt__shape *shape = shape_of(cluster, "default/p");

    CU_ASSERT_TRUE(spotopt__shape_allows(shape, &there, "n", NULL, 0, NULL));
    CU_ASSERT_FALSE(spotopt__shape_allows(shape, &elsewhere, "m", NULL, 0, NULL));
    spotopt_cluster_free(cluster);
}

static void
test_volume__two_claims_must_both_be_reachable(void)
{
    static const char pod[] =
        POD_WITH("p", "{}", "{}",
                 ",'volumes':[{'name':'v','persistentVolumeClaim':{'claimName':'c'}},{'name':'w',"
                 "'persistentVolumeClaim':{'claimName':'d'}}]"),
                      claims[] = "," PVC("c", "{'volumeName':'pv'}") "," PVC(
                          "d",
                          "{'volumeName':'pw'}") "," PV("pv",
                                                        "{'topology.kubernetes.io/zone':'a__b'}",
                                                        "{}") "," PV_IN("pw",
                                                                        "topology.kubernetes.io/"
                                                                        "zone",
                                                                        "b");
    char items[4096];

    snprintf(items, sizeof items, "%s%s", pod, claims);
    CU_ASSERT_FALSE(goes(items, "a"));
    CU_ASSERT_TRUE(goes(items, "b"));
}

static void
test_volume__that_is_not_bound_follows_its_class(void)
{
    static const char
        by_name[] = USES("p", "c") "," PVC("c", "{'storageClassName':'s'}") "," CLASS("s", "{}",
                                                                                      "['a','b']"),
        by_note[] =
            USES("p", "c") ",{'apiVersion':'v1','kind':'PersistentVolumeClaim','metadata':{'name':"
                           "'c','annotations':{'volume.beta.kubernetes.io/storage-class':'s'}},"
                           "'spec':{}}," CLASS("s", "{}", "['a','b']"),
        by_default[] = USES("p", "c") "," PVC("c", "{}") "," CLASS(
            "s", "{'storageclass.kubernetes.io/is-default-class':'true'}", "['a','b']"),
        no_class[] = USES("p", "c") "," PVC("c", "{'storageClassName':''}") "," CLASS(
            "s", "{'storageclass.kubernetes.io/is-default-class':'true'}", "['a','b']"),
        not_default[] = USES("p", "c") "," PVC("c", "{}") "," CLASS("s", "{}", "['a','b']"),
        ephemeral[] =
            POD_WITH("p", "{}", "{}",
                     ",'volumes':[{'name':'v','ephemeral':{'volumeClaimTemplate':{"
                     "'spec':{'storageClassName':'s'}}}}]") "," CLASS("s", "{}", "['a','b']");
    const char *const bound[] = {by_name, by_note, by_default, ephemeral};
    const char *const free_ones[] = {no_class, not_default};

    for (size_t i = 0; i < sizeof bound / sizeof *bound; i++) {
        CU_ASSERT_TRUE(goes(bound[i], "a"));
        CU_ASSERT_TRUE(goes(bound[i], "b"));
        CU_ASSERT_FALSE(goes(bound[i], "c"));
    }
    for (size_t i = 0; i < sizeof free_ones / sizeof *free_ones; i++)
        CU_ASSERT_TRUE(goes(free_ones[i], "c"));
}

static void
test_volume__of_one_pod_is_found_by_the_pods_name(void)
{
    static const char
        items[] = POD_WITH("p", "{}", "{}",
                           ",'volumes':[{'name':'tmp','ephemeral':{'volumeClaimTemplate':{'spec':{}"
                           "}}}]") "," PVC("p-tmp",
                                           "{'volumeName':'pv'}") "," PV_IN("pv",
                                                                            "topology.kubernetes."
                                                                            "io/zone",
                                                                            "a");

    CU_ASSERT_TRUE(goes(items, "a"));
    CU_ASSERT_FALSE(goes(items, "b"));
}

static void
test_volume__that_is_missing_is_worth_a_warning(void)
{
    spotopt_cluster *cluster =
        read_items(USES("p", "c") "," USES("q", "gone") "," PVC("c", "{'volumeName':'lost'}"));

    CU_ASSERT_EQUAL(spotopt_cluster_warning_count(cluster), 2);
    CU_ASSERT_TRUE(
        has_warning(cluster, "1 volume claims of pods are not in the list, such as default/gone"));
    CU_ASSERT_TRUE(has_warning(
        cluster, "1 bound claims have volumes that are not in the list, such as default/c"));
    CU_ASSERT_EQUAL(shape_of(cluster, "default/p")->group_count, 0);
    spotopt_cluster_free(cluster);
}

static void
test_volume__marks_local_storage_and_exclusive_claims(void)
{
    static const struct {
        const char *volume;
        bool is_local, is_exclusive;
    } table[] = {
        {"{'name':'v','emptyDir':{}}", true, false},
        {"{'name':'v','hostPath':{'path':'/'}}", true, false},
        {"{'name':'v','configMap':{'name':'x'}}", false, false},
        {"{'name':'v','persistentVolumeClaim':{'claimName':'many'}}", false, false},
        {"{'name':'v','persistentVolumeClaim':{'claimName':'one'}}", false, true},
        {"{'name':'v','ephemeral':{'volumeClaimTemplate':{'spec':{'accessModes':['ReadWriteOncePod'"
         "]}}}}",
         false, true},
    };

    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        char items[1024];
        spotopt_cluster *cluster;
        const spotopt__shape *shape;

        snprintf(items, sizeof items,
                 POD_WITH("p", "{}", "{}", ",'volumes':[%s]") "," PVC(
                     "many", "{'accessModes':['ReadWriteOnce']}") "," PVC("one",
                                                                          "{'accessModes':["
                                                                          "'ReadWriteOncePod']}"),
                 table[i].volume);
        cluster = read_items(items);
        shape = shape_of(cluster, "default/p");
        CU_ASSERT_EQUAL(shape->has_local_storage, table[i].is_local);
        CU_ASSERT_EQUAL(shape->has_exclusive_claim, table[i].is_exclusive);
        spotopt_cluster_free(cluster);
    }
}

static void
test_volume__in_one_zone_is_one_shape_whatever_the_claim(void)
{
    spotopt_cluster *cluster =
        read_items(USES("p", "c") "," USES("q", "d") "," USES("r", "e") "," PVC("c", "{'volumeName'"
                                                                                     ":'v1'}") "," PVC(
            "d",
            "{'volumeName':'v2'}") "," PVC("e",
                                           "{'volumeName':'v3'}") "," PV_IN("v1", "zone",
                                                                            "a") "," PV_IN("v2",
                                                                                           "zone",
                                                                                           "a") "," PV_IN("v3",
                                                                                                          "zone",
                                                                                                          "b"));

    CU_ASSERT_EQUAL(pod_named(cluster, "default/p")->shape, pod_named(cluster, "default/q")->shape);
    CU_ASSERT_NOT_EQUAL(pod_named(cluster, "default/p")->shape,
                        pod_named(cluster, "default/r")->shape);
    CU_ASSERT_EQUAL(cluster->shapes.count, 2);
    spotopt_cluster_free(cluster);
}

int
main(void)
{
    static const suite_test tests[] = {
        TEST(test_volume__that_is_bound_keeps_its_pod_in_its_zone),
        TEST(test_volume__of_several_zones_leaves_the_choice),
        TEST(test_volume__of_a_node_stays_there),
        TEST(test_volume__two_claims_must_both_be_reachable),
        TEST(test_volume__that_is_not_bound_follows_its_class),
        TEST(test_volume__of_one_pod_is_found_by_the_pods_name),
        TEST(test_volume__that_is_missing_is_worth_a_warning),
        TEST(test_volume__marks_local_storage_and_exclusive_claims),
        TEST(test_volume__in_one_zone_is_one_shape_whatever_the_claim),
    };

    return suite_run("kubernetes volume", tests, sizeof tests / sizeof *tests);
}
