/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>
#include <time.h>

#include "data.h"
#include "fail_alloc.h"
#include "model/catalog.h"
#include "suite.h"

#define HEAD                                                                                       \
    "region,az_id,instance_type,arch,vcpu,memory_mib,max_pods,gpu_count,gpu_model,on_demand_usd_"  \
    "per_hour,spot_usd_per_hour,interruption_bucket,placement_score\n"
#define ROW "us-east-1,use1-az1,m5.large,amd64,2,8192,29,0,,0.096,0.035,1,3\n"

static spotopt_error err;

static spotopt_catalog *
parse_with(const char *text, const char *zones, const char *zone_map, spotopt_status *out_status)
{
    spotopt_catalog_params params = SPOTOPT_CATALOG_PARAMS_INIT;
    spotopt_catalog *catalog = NULL;

    params.zones = zones;
    params.zone_map = zone_map;
    err = (spotopt_error)SPOTOPT_ERROR_INIT;
    *out_status =
        spotopt_catalog_parse(NULL, text, strlen(text), "catalog.csv", &params, &catalog, &err);
    if (*out_status != SPOTOPT_OK)
        printf("  [%s]", err.message);
    return catalog;
}

static spotopt_catalog *
parse(const char *text)
{
    spotopt_status status;
    spotopt_catalog *catalog = parse_with(text, NULL, NULL, &status);

    CU_ASSERT_PTR_NOT_NULL_FATAL(catalog);
    return catalog;
}

static const char *
label(const spotopt_catalog *catalog, const char *type, const char *key)
{
    const spotopt__labels *labels =
        &catalog->types.at[spotopt__map_get(&catalog->type_by_name, type)].labels;

    for (uint32_t i = 0; i < labels->count; i++) {
        if (strcmp(labels->at[i].key, key) == 0)
            return labels->at[i].value;
    }
    return "(none)";
}

static void
test_catalog__makes_a_pool_of_each_price_of_a_row(void)
{
    spotopt_catalog *catalog =
        parse(HEAD ROW "us-east-1,use1-az2,m5.large,amd64,2,8192,29,0,,,0.04,,\n"
                       "us-east-1,use1-az2,c5.large,amd64,2,4096,29,0,,0.085,,,\n"
                       "us-east-1,use1-az3,r5.large,amd64,2,16384,29,0,,,,,\n");
    spotopt_pool_info info = SPOTOPT_POOL_INFO_INIT;
    double prices[4];

    CU_ASSERT_EQUAL(spotopt_catalog_count(catalog), 4);
    CU_ASSERT_EQUAL(catalog->types.count, 3); /* r5.large has no price: a type without a pool */
    CU_ASSERT_EQUAL(spotopt_catalog_pool_at(catalog, 0, &info, &err), SPOTOPT_OK);
    CU_ASSERT_STRING_EQUAL(info.id, "m5.large/use1-az1/spot");
    CU_ASSERT_STRING_EQUAL(info.purchase, "spot");
    CU_ASSERT_EQUAL(info.usd_per_hour, 0.035);
    CU_ASSERT_EQUAL(spotopt_catalog_pool_at(catalog, 1, &info, &err), SPOTOPT_OK);
    CU_ASSERT_STRING_EQUAL(info.id, "m5.large/use1-az1/on-demand");
    CU_ASSERT_EQUAL(catalog->pools.at[0].advisor_bucket, 1);
    CU_ASSERT_EQUAL(catalog->pools.at[1].advisor_bucket, -1);
    CU_ASSERT_EQUAL(catalog->pools.at[0].placement_score, 3.0);
    CU_ASSERT_EQUAL(catalog->placement_score_max, 3.0);
    CU_ASSERT_STRING_EQUAL(catalog->region, "us-east-1");
    CU_ASSERT_EQUAL(spotopt__catalog_on_demand_price(catalog, 0), 0.096);
    CU_ASSERT(isnan(spotopt__catalog_on_demand_price(catalog, 2)));
    CU_ASSERT_EQUAL(spotopt_catalog_pool_at(catalog, 4, &info, &err), SPOTOPT_E_ARGUMENT);
    CU_ASSERT_EQUAL(spotopt_catalog_prices(catalog, prices, 4, &err), SPOTOPT_OK);
    CU_ASSERT_EQUAL(prices[2], 0.04);
    CU_ASSERT_EQUAL(spotopt_catalog_prices(catalog, prices, 3, &err), SPOTOPT_E_ARGUMENT);
    spotopt_catalog_free(catalog);
}

static void
test_catalog__names_zones_by_map_by_list_or_by_region(void)
{
    const char *plain =
        "region,instance_type,vcpu,memory_mib,spot_usd_per_hour\nr,m5.large,2,8192,0.03\n";
    spotopt_status status;
    spotopt_catalog *catalog = parse_with(HEAD ROW, "x,y", "use1-az1=us-east-1c", &status);

    CU_ASSERT_PTR_NOT_NULL_FATAL(catalog);
    CU_ASSERT_STRING_EQUAL(catalog->pools.at[0].id,
                           "m5.large/us-east-1c/spot"); /* it names its own zone */
    spotopt_catalog_free(catalog);
    catalog = parse_with(plain, NULL, NULL, &status);
    CU_ASSERT_PTR_NOT_NULL_FATAL(catalog);
    CU_ASSERT_STRING_EQUAL(catalog->pools.at[0].id, "m5.large/r/spot");
    spotopt_catalog_free(catalog);
    catalog = parse_with(plain, "ra,rb,rc", NULL, &status);
    CU_ASSERT_PTR_NOT_NULL_FATAL(catalog);
    CU_ASSERT_EQUAL(catalog->pools.count, 3);
    CU_ASSERT_STRING_EQUAL(catalog->pools.at[2].id, "m5.large/rc/spot");
    spotopt_catalog_free(catalog);
    CU_ASSERT_PTR_NULL(parse_with(plain, "a,,b", NULL, &status));
    CU_ASSERT_EQUAL(status, SPOTOPT_E_ARGUMENT);
    CU_ASSERT_PTR_NULL(parse_with(plain, "a,b,a", NULL, &status));
    CU_ASSERT_EQUAL(status, SPOTOPT_E_ARGUMENT);
    CU_ASSERT_PTR_NULL(parse_with(plain, NULL, "a=b,a=c", &status));
    CU_ASSERT_EQUAL(status, SPOTOPT_E_ARGUMENT);
    CU_ASSERT_PTR_NULL(parse_with(plain, NULL, "a", &status));
    CU_ASSERT_EQUAL(status, SPOTOPT_E_ARGUMENT);
}

static void
test_catalog__derives_what_the_kubelet_leaves_to_pods(void)
{
    /* m5.large on EKS: 2000 - 60 - 10 millicores; 8192 * 0.925 - (11 * 29 + 255) - 100 = 6903.6
     * MiB. */
    spotopt_catalog *catalog = parse(HEAD ROW);
    const spotopt__type *type = &catalog->types.at[0];

    CU_ASSERT_EQUAL(type->capacity.of[SPOTOPT__CPU], 2000);
    CU_ASSERT_EQUAL(type->capacity.of[SPOTOPT__MEMORY], INT64_C(8192) << 20);
    CU_ASSERT_EQUAL(type->allocatable.of[SPOTOPT__CPU], 1930);
    CU_ASSERT_EQUAL(type->allocatable.of[SPOTOPT__MEMORY], INT64_C(6903) << 20);
    CU_ASSERT_EQUAL(type->allocatable.of[SPOTOPT__PODS], 29);
    CU_ASSERT_EQUAL(type->allocatable.of[SPOTOPT__STORAGE], SPOTOPT__AMOUNT_UNKNOWN);
    spotopt_catalog_free(catalog);
}

static void
test_catalog__labels_a_type_as_karpenter_does(void)
{
    spotopt_catalog *catalog =
        parse(HEAD ROW "r,z,u-24tb1.metal,amd64,448,25165824,737,0,,1,,,\nr,z,c7i-flex.large,amd64,"
                       "2,4096,29,0,,1,,,\n"
                       "r,z,g4ad.xlarge,amd64,4,16384,29,1,Radeon Pro V520,1,,,\n"
                       "r,z,dl1.24xlarge,amd64,96,786432,737,8,Gaudi "
                       "HL-205,1,,,\nr,z,odd,arm64,2,4096,29,0,,1,,,\n");

    CU_ASSERT_STRING_EQUAL(label(catalog, "m5.large", "kubernetes.io/arch"), "amd64");
    CU_ASSERT_STRING_EQUAL(label(catalog, "m5.large", "kubernetes.io/os"), "linux");
    CU_ASSERT_STRING_EQUAL(label(catalog, "m5.large", "node.kubernetes.io/instance-type"),
                           "m5.large");
    CU_ASSERT_STRING_EQUAL(label(catalog, "m5.large", "karpenter.k8s.aws/instance-family"), "m5");
    CU_ASSERT_STRING_EQUAL(label(catalog, "m5.large", "karpenter.k8s.aws/instance-category"), "m");
    CU_ASSERT_STRING_EQUAL(label(catalog, "m5.large", "karpenter.k8s.aws/instance-generation"),
                           "5");
    CU_ASSERT_STRING_EQUAL(label(catalog, "m5.large", "karpenter.k8s.aws/instance-size"), "large");
    CU_ASSERT_STRING_EQUAL(label(catalog, "m5.large", "karpenter.k8s.aws/instance-cpu"), "2");
    CU_ASSERT_STRING_EQUAL(label(catalog, "m5.large", "karpenter.k8s.aws/instance-memory"), "8192");
    CU_ASSERT_STRING_EQUAL(label(catalog, "u-24tb1.metal", "karpenter.k8s.aws/instance-category"),
                           "u");
    CU_ASSERT_STRING_EQUAL(label(catalog, "u-24tb1.metal", "karpenter.k8s.aws/instance-generation"),
                           "1");
    CU_ASSERT_STRING_EQUAL(
        label(catalog, "c7i-flex.large", "karpenter.k8s.aws/instance-generation"), "7");
    CU_ASSERT_STRING_EQUAL(label(catalog, "g4ad.xlarge", "karpenter.k8s.aws/instance-gpu-name"),
                           "radeon-pro-v520");
    CU_ASSERT_STRING_EQUAL(label(catalog, "odd", "karpenter.k8s.aws/instance-family"), "(none)");
    for (size_t i = 0; i < catalog->types.count; i++) {
        const spotopt__labels *labels = &catalog->types.at[i].labels;
        for (uint32_t k = 1; k < labels->count; k++)
            CU_ASSERT(strcmp(labels->at[k - 1].key, labels->at[k].key) < 0);
    }
    CU_ASSERT_EQUAL(catalog->types.at[3]
                        .capacity.of[spotopt__resources_find(&catalog->resources, "amd.com/gpu")],
                    1);
    CU_ASSERT_EQUAL(catalog->types.at[4].capacity.of[spotopt__resources_find(&catalog->resources,
                                                                             "habana.ai/gaudi")],
                    8);
    CU_ASSERT(catalog->types.at[1].is_bare_metal);
    CU_ASSERT(!catalog->types.at[0].is_bare_metal);
    CU_ASSERT_STRING_EQUAL(catalog->region, ""); /* rows of several */
    spotopt_catalog_free(catalog);
}

#define JSON_HEAD "{\"apiVersion\":\"spotopt/v1\",\"kind\":\"Catalog\","
#define TYPE_A "{\"name\":\"a.x\",\"capacity\":{\"cpu\":\"2\",\"memory\":\"8Gi\"}}"
#define POOL_A                                                                                     \
    "{\"instance_type\":\"a.x\",\"zone\":\"z\",\"purchase\":\"spot\",\"usd_per_hour\":0.1}"

static void
test_catalog__reads_json_as_documented(void)
{
    spotopt_catalog *catalog =
        parse(JSON_HEAD
              "\"region\":\"us-east-1\",\"currency\":\"USD\",\"as_of\":\"2026-01-01T00:00:00Z\","
              "\"placement_score_max\":10,"
              "\"instance_types\":[{\"name\":\"m5.large\",\"arch\":\"amd64\",\"capacity\":{\"cpu\":"
              "\"2\",\"memory\":\"8Gi\","
              "\"pods\":29,\"nvidia.com/"
              "gpu\":1,\"ephemeral-storage\":\"20Gi\"},\"overhead\":{\"cpu\":\"70m\",\"memory\":"
              "\"574Mi\"},"
              "\"performance\":{\"coremark\":35000},\"labels\":{\"team\":\"x\",\"kubernetes.io/"
              "os\":\"windows\"}}],"
              "\"pools\":[{\"id\":\"my-pool\",\"instance_type\":\"m5.large\",\"zone\":\"us-east-"
              "1a\",\"purchase\":\"spot\","
              "\"usd_per_hour\":0.035,\"advisor_bucket\":1,\"placement_score\":7,\"limit\":null},"
              "{\"instance_type\":\"m5.large\",\"zone\":\"us-east-1a\",\"purchase\":\"on-demand\","
              "\"usd_per_hour\":null,"
              "\"limit\":5}]}");
    const spotopt__type *type = &catalog->types.at[0];

    CU_ASSERT_EQUAL(type->allocatable.of[SPOTOPT__CPU], 1930);
    CU_ASSERT_EQUAL(type->allocatable.of[SPOTOPT__MEMORY], (INT64_C(8192) - 574) << 20);
    CU_ASSERT_EQUAL(type->allocatable.of[SPOTOPT__PODS], 29);
    CU_ASSERT_EQUAL(type->allocatable.of[SPOTOPT__STORAGE], INT64_C(20) << 30);
    CU_ASSERT_EQUAL(
        type->allocatable.of[spotopt__resources_find(&catalog->resources, "nvidia.com/gpu")], 1);
    CU_ASSERT_EQUAL(type->coremark_per_s, 35000.0);
    CU_ASSERT_STRING_EQUAL(label(catalog, "m5.large", "team"), "x");
    CU_ASSERT_STRING_EQUAL(label(catalog, "m5.large", "kubernetes.io/os"),
                           "windows"); /* what is given wins */
    CU_ASSERT_STRING_EQUAL(catalog->pools.at[0].id, "my-pool");
    CU_ASSERT_EQUAL(catalog->pools.at[0].limit, UINT32_MAX);
    CU_ASSERT_EQUAL(catalog->pools.at[0].advisor_bucket, 1);
    CU_ASSERT_STRING_EQUAL(catalog->pools.at[1].id, "m5.large/us-east-1a/on-demand");
    CU_ASSERT(isnan(catalog->pools.at[1].usd_per_h));
    CU_ASSERT_EQUAL(catalog->pools.at[1].limit, 5);
    CU_ASSERT_EQUAL(catalog->as_of_s, 1767225600.0);
    CU_ASSERT_EQUAL(strlen(catalog->sha256), 64);
    spotopt_catalog_free(catalog);
}

static void
test_catalog__says_where_and_what_it_refuses(void)
{
    static const struct {
        const char *text, *says;
    } bad[] = {
        {HEAD ROW "r,z,x.y,amd64,2,4096,29,0,,-1,,,\n",
         "catalog.csv:3: on_demand_usd_per_hour is \"-1\"; want a price >= 0"},
        {HEAD "r,z,x.y,amd64,2,4096,29,0,,nan,,,\n",
         "catalog.csv:2: on_demand_usd_per_hour is \"nan\"; want a price >= 0"},
        {HEAD "r,z,x.y,amd64,2,4096,29,0,,,inf,,\n",
         "catalog.csv:2: spot_usd_per_hour is \"inf\"; want a price >= 0"},
        {HEAD "r,z,x.y,amd64,2,4096,29,0,,,2e9,,\n",
         "catalog.csv:2: spot_usd_per_hour is \"2e9\"; want a price >= 0"},
        {HEAD "r,z,x.y,amd64,2,4096,29,0,,,1;5,,\n",
         "catalog.csv:2: spot_usd_per_hour is \"1;5\"; want a price >= 0"},
        {HEAD "r,z,x.y,amd64,2,4096,29,0,,,1,5,\n",
         "catalog.csv:2: interruption_bucket is \"5\"; want a bucket from 0 to 4"},
        {HEAD "r,z,x.y,amd64,2,4096,29,0,,,1,,11\n", "catalog.csv:2: placement_score is \"11\""},
        {HEAD "r,z,x.y,amd64,0,4096,29,0,,,1,,\n",
         "catalog.csv:2: vcpu is \"0\"; want a whole number >= 1"},
        {HEAD "r,z,x.y,amd64,,4096,29,0,,,1,,\n", "catalog.csv:2: x.y has no vcpu"},
        {HEAD "r,z,x.y,amd64,2,,29,0,,,1,,\n", "catalog.csv:2: x.y has no memory_mib"},
        {HEAD "r,z,x.y,amd64,2,4096,-1,0,,,1,,\n", "catalog.csv:2: max_pods is \"-1\""},
        {HEAD "r,z,x.y,amd64,2,4096,29,0.5,,,1,,\n", "catalog.csv:2: gpu_count is \"0.5\""},
        {HEAD "r,z,,amd64,2,4096,29,0,,,1,,\n",
         "catalog.csv:2: instance_type is \"\"; want a name"},
        {HEAD ROW ROW, "catalog.csv:3: pool \"m5.large/use1-az1/spot\" is there already"},
        {HEAD ROW "us-east-1,use1-az2,m5.large,amd64,4,8192,29,0,,1,,,\n",
         "catalog.csv:3: m5.large has another amount of cpu here"},
        {HEAD ROW "us-east-1,use1-az2,m5.large,arm64,2,8192,29,0,,1,,,\n",
         "catalog.csv:3: m5.large is arm64 here"},
        {"vcpu\n1\n", "catalog.csv:1: no column instance_type"},
        {"instance_type\nx\n", "catalog.csv:1: no column of prices"},
        {"instance_type,vcpu,memory_mib,alloc_cpu_milli,spot_usd_per_hour\nx,2,1024,2001,1\n",
         "catalog.csv:2: alloc_cpu_milli is \"2001\"; want a whole number, at most 1000 * vcpu"},
        {"[]", "catalog.csv: "},
        {"{\"kind\":\"Policy\"}", "/kind"},
        {JSON_HEAD "\"instance_types\":{},\"pools\":[]}",
         "catalog.csv: /instance_types: want an array"},
        {JSON_HEAD "\"instance_types\":[]}", "catalog.csv: /pools: want an array"},
        {JSON_HEAD "\"instance_types\":[1],\"pools\":[]}",
         "catalog.csv: /instance_types/0: want an object"},
        {JSON_HEAD "\"instance_types\":[{}],\"pools\":[]}",
         "catalog.csv: /instance_types/0/name: "},
        {JSON_HEAD "\"instance_types\":[" TYPE_A "," TYPE_A "],\"pools\":[]}",
         "/instance_types/1/name: \"a.x\" is there already"},
        {JSON_HEAD
         "\"instance_types\":[{\"name\":\"a\",\"capacity\":{\"cpu\":\"x\"}}],\"pools\":[]}",
         "/instance_types/0/capacity/cpu: want a quantity"},
        {JSON_HEAD
         "\"instance_types\":[{\"name\":\"a\",\"capacity\":{\"cpu\":\"-1\"}}],\"pools\":[]}",
         "/instance_types/0/capacity/cpu: want a quantity"},
        {JSON_HEAD
         "\"instance_types\":[{\"name\":\"a\",\"capacity\":{\"cpu\":\"1\"}}],\"pools\":[]}",
         "/instance_types/0/capacity: want cpu and memory in it"},
        {JSON_HEAD "\"instance_types\":[{\"name\":\"a\",\"capacity\":{\"cpu\":1,\"memory\":1},"
                   "\"overhead\":{\"cpu\":2}}],\"pools\":[]}",
         "/instance_types/0/overhead/cpu: want at most the capacity"},
        {JSON_HEAD "\"instance_types\":[" TYPE_A
                   "],\"pools\":[{\"instance_type\":\"b\",\"purchase\":\"spot\"}]}",
         "/pools/0/instance_type: \"b\" is none of instance_types"},
        {JSON_HEAD "\"instance_types\":[" TYPE_A
                   "],\"pools\":[{\"instance_type\":\"a.x\",\"purchase\":\"lease\"}]}",
         "/pools/0/purchase: want \"spot\" or \"on-demand\""},
        {JSON_HEAD "\"instance_types\":[" TYPE_A "],\"pools\":[" POOL_A "," POOL_A "]}",
         "/pools/1: \"a.x/z/spot\" is there already"},
        {JSON_HEAD
         "\"instance_types\":[" TYPE_A
         "],\"pools\":[{\"instance_type\":\"a.x\",\"purchase\":\"spot\",\"usd_per_hour\":-1}]}",
         "/pools/0/usd_per_hour: want a number"},
        {JSON_HEAD
         "\"instance_types\":[" TYPE_A
         "],\"pools\":[{\"instance_type\":\"a.x\",\"purchase\":\"spot\",\"usd_per_hour\":\"1\"}]}",
         "/pools/0/usd_per_hour: want a number"},
        {JSON_HEAD
         "\"instance_types\":[" TYPE_A
         "],\"pools\":[{\"instance_type\":\"a.x\",\"purchase\":\"spot\",\"placement_score\":11}]}",
         "/pools/0/placement_score: want"},
        {JSON_HEAD "\"currency\":\"EUR\",\"instance_types\":[],\"pools\":[]}",
         "/currency: want \"USD\""},
        {JSON_HEAD "\"as_of\":\"yesterday\",\"instance_types\":[],\"pools\":[]}",
         "/as_of: want a time"},
    };

    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        spotopt_catalog *catalog = NULL;

        err = (spotopt_error)SPOTOPT_ERROR_INIT;
        CU_ASSERT_EQUAL(spotopt_catalog_parse(NULL, bad[i].text, strlen(bad[i].text), "catalog.csv",
                                              NULL, &catalog, &err),
                        SPOTOPT_E_INPUT);
        CU_ASSERT_PTR_NULL(catalog);
        if (strstr(err.message, bad[i].says) == NULL) {
            printf("\n  got  %s\n  want %s\n", err.message, bad[i].says);
            CU_FAIL("another message");
        }
    }
}

static void
test_catalog__rejects_nan_price_and_names_the_row(void)
{
    spotopt_catalog *catalog = parse(HEAD ROW);
    const double bad[] = {0.11, NAN}, good[] = {0.2, 0.3};
    char before[65];

    CU_ASSERT_EQUAL(spotopt_catalog_set_prices(catalog, bad, 2, &err), SPOTOPT_E_ARGUMENT);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.message, "usd_per_hour[1]"));
    CU_ASSERT_EQUAL(catalog->pools.at[0].usd_per_h, 0.035); /* as it was */
    CU_ASSERT_EQUAL(spotopt_catalog_set_prices(catalog, good, 1, &err), SPOTOPT_E_ARGUMENT);
    strcpy(before, catalog->sha256);
    CU_ASSERT_EQUAL(spotopt_catalog_set_prices(catalog, good, 2, &err), SPOTOPT_OK);
    CU_ASSERT_EQUAL(catalog->pools.at[1].usd_per_h, 0.3);
    CU_ASSERT_EQUAL(spotopt__catalog_on_demand_price(catalog, 0), 0.3);
    CU_ASSERT_STRING_NOT_EQUAL(before, catalog->sha256); /* other prices, other input */
    spotopt_catalog_free(catalog);
}

static void
test_catalog__survives_every_failing_allocation(void)
{
    static const char *const texts[] = {
        HEAD ROW "us-east-1,use1-az2,g5.large,amd64,2,4096,29,1,A10G,1,0.5,,\n",
        JSON_HEAD "\"instance_types\":[" TYPE_A "],\"pools\":[" POOL_A "]}",
    };

    for (size_t t = 0; t < sizeof texts / sizeof *texts; t++) {
        fail_alloc allocator = FAIL_ALLOC_INIT;
        spotopt_status status;
        size_t n = 0;

        do {
            spotopt_catalog_params params = SPOTOPT_CATALOG_PARAMS_INIT;
            spotopt_catalog *catalog = NULL;

            params.zones = "a,b";
            params.zone_map = "use1-az1=us-east-1a,z=zz";
            fail_after(&allocator, n++);
            spotopt_context *context = fail_alloc_context(&allocator);
            status = context == NULL ? SPOTOPT_E_NOMEM
                                     : spotopt_catalog_parse(context, texts[t], strlen(texts[t]),
                                                             "c", &params, &catalog, NULL);
            spotopt_context_free(context);
            CU_ASSERT_EQUAL(catalog != NULL, status == SPOTOPT_OK);
            spotopt_catalog_free(catalog);
            CU_ASSERT_EQUAL(allocator.live, 0);
        } while (status == SPOTOPT_E_NOMEM && n < 10000);
        CU_ASSERT_EQUAL(status, SPOTOPT_OK);
        CU_ASSERT(n > 10);
    }
}

static void
test_catalog__reads_real_regions_within_milliseconds(void)
{
    static const char *const files[] = {
        "catalog/pools_2025-06-28_us-east-1.csv", "catalog/pools_2025-06-28_us-west-2.csv",
        "catalog/pools_2022-07-12_eu-central-1_az.csv", "catalog/pools_2022-07-12_us-east-1_az.csv",
        "catalog/pools_2025-06-28_eu-central-1_partial.csv"};

    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        spotopt_catalog_params params = SPOTOPT_CATALOG_PARAMS_INIT;
        spotopt_catalog *catalog = NULL;
        size_t length, pools = 0;
        char *text = data_read(files[i], &length);
        clock_t start = clock();

        if (text == NULL)
            return;
        params.zones = "za,zb,zc";
        CU_ASSERT_EQUAL_FATAL(
            spotopt_catalog_parse(NULL, text, length, files[i], &params, &catalog, &err),
            SPOTOPT_OK);
        double ms = 1e3 * (double)(clock() - start) / CLOCKS_PER_SEC;
        for (size_t k = 0; k < catalog->pools.count; k++)
            pools += catalog->pools.at[k].usd_per_h >= 0.0;
        CU_ASSERT_EQUAL(pools, catalog->pools.count);
        CU_ASSERT(catalog->types.count > 400);
        CU_ASSERT_EQUAL(catalog->placement_score_max, strstr(files[i], "_az") != NULL ? 3.0 : 10.0);
        printf("\n  %s: %zu types, %zu pools, %.1f ms", files[i], catalog->types.count,
               catalog->pools.count, ms);
        spotopt_catalog_free(catalog);
        free(text);
    }
}

static void
test_catalog__derived_overhead_agrees_with_what_karpenter_publishes(void)
{
    size_t length, same = 0;
    char *text = data_read("catalog/pools_2025-06-28_us-east-1.csv", &length);
    spotopt_catalog *stated = NULL, *derived = NULL;

    if (text == NULL)
        return;
    CU_ASSERT_EQUAL_FATAL(spotopt_catalog_parse(NULL, text, length, "stated", NULL, &stated, &err),
                          SPOTOPT_OK);
    /* The same table with the two columns under names that nobody reads. */
    memcpy(strstr(text, "alloc_cpu_milli"), "blind", 5);
    memcpy(strstr(text, "alloc_memory_mib"), "blind", 5);
    CU_ASSERT_EQUAL_FATAL(
        spotopt_catalog_parse(NULL, text, length, "derived", NULL, &derived, &err), SPOTOPT_OK);
    for (size_t i = 0; i < stated->types.count; i++) {
        const int64_t *a = stated->types.at[i].allocatable.of,
                      *b = derived->types.at[i].allocatable.of;
        same += a[SPOTOPT__CPU] == b[SPOTOPT__CPU] &&
                llabs(a[SPOTOPT__MEMORY] - b[SPOTOPT__MEMORY]) <= 1 << 20;
    }
    printf("\n  %zu of %zu types agree to 1 MiB", same, stated->types.count);
    CU_ASSERT((double)same >= 0.98 * (double)stated->types.count);
    spotopt_catalog_free(stated);
    spotopt_catalog_free(derived);
    free(text);
}

int
main(void)
{
    static const suite_test tests[] = {
        TEST(test_catalog__makes_a_pool_of_each_price_of_a_row),
        TEST(test_catalog__names_zones_by_map_by_list_or_by_region),
        TEST(test_catalog__derives_what_the_kubelet_leaves_to_pods),
        TEST(test_catalog__labels_a_type_as_karpenter_does),
        TEST(test_catalog__reads_json_as_documented),
        TEST(test_catalog__says_where_and_what_it_refuses),
        TEST(test_catalog__rejects_nan_price_and_names_the_row),
        TEST(test_catalog__survives_every_failing_allocation),
        TEST(test_catalog__reads_real_regions_within_milliseconds),
        TEST(test_catalog__derived_overhead_agrees_with_what_karpenter_publishes),
    };

    return suite_run("catalog", tests, sizeof tests / sizeof *tests);
}
