/* SPDX-License-Identifier: Apache-2.0 */
/* A cluster as a user of the shared library sees it. */
#include "suite.h"

#include <string.h>

#include "spotopt/spotopt.h"

static const char document[] =
    "{\"kind\":\"List\",\"items\":["
    "{\"apiVersion\":\"apps/v1\",\"kind\":\"Deployment\",\"metadata\":{\"name\":\"web\"},\"spec\":{"
    "\"replicas\":2,\"template\":{\"spec\":{\"priorityClassName\":\"gone\",\"containers\":[{"
    "\"name\":\"c\"}]}}}},"
    "{\"apiVersion\":\"policy/"
    "v1\",\"kind\":\"PodDisruptionBudget\",\"metadata\":{\"name\":\"web\"},\"spec\":{"
    "\"minAvailable\":1}},"
    "{\"apiVersion\":\"v1\",\"kind\":\"Node\",\"metadata\":{\"name\":\"n1\"},\"status\":{"
    "\"capacity\":{"
    "\"cpu\":\"4\",\"pods\":\"10\"}}}]}";

static void
count_lines(void *user, int32_t level, const char *text)
{
    CU_ASSERT_EQUAL(level, SPOTOPT_LOG_WARNING);
    CU_ASSERT_PTR_NULL(strchr(text, '\n'));
    ++*(int *)user;
}

static void
test_cluster__tells_what_is_in_it(void)
{
    spotopt_context_params params = SPOTOPT_CONTEXT_PARAMS_INIT;
    spotopt_error err = SPOTOPT_ERROR_INIT;
    spotopt_context *context = NULL;
    spotopt_cluster *cluster = NULL;
    int lines = 0;

    params.log = count_lines;
    params.log_user = &lines;
    CU_ASSERT_EQUAL_FATAL(spotopt_context_new(&params, &context, &err), SPOTOPT_OK);
    CU_ASSERT_EQUAL_FATAL(spotopt_cluster_parse(context, document, sizeof document - 1,
                                                "cluster.json", NULL, &cluster, &err),
                          SPOTOPT_OK);
    spotopt_context_free(context); /* the cluster holds what it needs */
    CU_ASSERT_EQUAL(spotopt_cluster_node_count(cluster), 1);
    CU_ASSERT_EQUAL(spotopt_cluster_pod_count(cluster), 2);
    CU_ASSERT_EQUAL(spotopt_cluster_pdb_count(cluster), 1);
    CU_ASSERT_STRING_EQUAL(spotopt_cluster_node_name(cluster, 0), "n1");
    CU_ASSERT_STRING_EQUAL(spotopt_cluster_pod_id(cluster, 0), "default/web-pending-1");
    CU_ASSERT_STRING_EQUAL(spotopt_cluster_pod_id(cluster, 1), "default/web-pending-2");
    CU_ASSERT_PTR_NULL(spotopt_cluster_pod_id(cluster, 2));
    CU_ASSERT_EQUAL(spotopt_cluster_warning_count(cluster), 1);
    CU_ASSERT_EQUAL(lines, 1);
    CU_ASSERT_PTR_NOT_NULL(strstr(spotopt_cluster_warning_at(cluster, 0), "PriorityClass"));
    spotopt_cluster_free(cluster);
    spotopt_cluster_free(NULL);
}

static void
test_cluster__refuses_and_leaves_the_output_alone(void)
{
    static const char bad[] =
        "{\"kind\":\"Node\",\"metadata\":{\"name\":\"n\"},\"status\":{\"capacity\":{"
        "\"cpu\":\"lots\"}}}";
    spotopt_cluster_params params = SPOTOPT_CLUSTER_PARAMS_INIT;
    spotopt_error err = SPOTOPT_ERROR_INIT;
    spotopt_cluster *cluster = NULL;

    CU_ASSERT_EQUAL(
        spotopt_cluster_parse(NULL, bad, sizeof bad - 1, "n.json", &params, &cluster, &err),
        SPOTOPT_E_INPUT);
    CU_ASSERT_PTR_NULL(cluster);
    CU_ASSERT_EQUAL(err.status, SPOTOPT_E_INPUT);
    CU_ASSERT_STRING_EQUAL(err.message,
                           "n.json: /status/capacity/cpu: is \"lots\"; want a quantity such "
                           "as \"250m\"");
    CU_ASSERT_EQUAL(
        spotopt_cluster_parse(NULL, bad, sizeof bad - 1, "n.json", NULL, &cluster, NULL),
        SPOTOPT_E_INPUT);
}

int
main(void)
{
    static const suite_test tests[] = {
        TEST(test_cluster__tells_what_is_in_it),
        TEST(test_cluster__refuses_and_leaves_the_output_alone),
    };

    return suite_run("cluster", tests, sizeof tests / sizeof *tests);
}
