/* SPDX-License-Identifier: Apache-2.0 */
/*
 * csv_catalog.c - a catalog as a table: one row is an instance type in a region or zone.
 *
 * A spot price makes a spot pool, an on-demand price an on-demand pool; a row with neither only
 * names its type. The zone is column `zone`, else `az_id` through the zone map; a row without one
 * makes a pool in every zone the caller names, or one in which the region stands for the zone.
 *
 * Where a row does not say what pods may use, the kubelet's reservation on EKS is assumed: of CPU 6
 * % of the first core, 1 % of the second, 0.5 % of the next two and 0.25 % of the rest; of
 * memory 7.5 % lost to the hypervisor (as Karpenter assumes), on arm64 64 MiB before that, 11 MiB a
 * pod and 255 MiB reserved, and 100 MiB kept from eviction.
 */
#include <stdio.h>

#include "io/csv.h"
#include "io/zones.h"
#include "model/catalog.h"

#define VCPU_MAX 65536
#define MEMORY_MIB_MAX (INT64_C(1) << 30)
#define COUNT_MAX 1000000
#define LABELS_ROW 16

enum column {
    REGION,
    ZONE,
    AZ_ID,
    INSTANCE_TYPE,
    ARCH,
    VCPU,
    MEMORY_MIB,
    GPU_COUNT,
    GPU_MODEL,
    GPU_MEM_TOTAL_MIB,
    ACCELERATOR_NAME,
    ACCELERATOR_COUNT,
    MAX_PODS,
    ALLOC_CPU_MILLI,
    ALLOC_MEMORY_MIB,
    LOCAL_NVME_GB,
    NETWORK_MBPS_BASELINE,
    BARE_METAL,
    BURSTABLE,
    CURRENT_GENERATION,
    ON_DEMAND_USD,
    SPOT_USD,
    INTERRUPTION_BUCKET,
    PLACEMENT_SCORE,
    PLACEMENT_SCORE_MAX,
    COREMARK,
    LIMIT,
    COLUMNS
};

/* In the order of enum column; what follows the last is known and of no use here. */
static const char *const column_names[] = {"region",
                                           "zone",
                                           "az_id",
                                           "instance_type",
                                           "arch",
                                           "vcpu",
                                           "memory_mib",
                                           "gpu_count",
                                           "gpu_model",
                                           "gpu_mem_total_mib",
                                           "accelerator_name",
                                           "accelerator_count",
                                           "max_pods",
                                           "alloc_cpu_milli",
                                           "alloc_memory_mib",
                                           "local_nvme_gb",
                                           "network_mbps_baseline",
                                           "bare_metal",
                                           "burstable",
                                           "current_generation",
                                           "on_demand_usd_per_hour",
                                           "spot_usd_per_hour",
                                           "interruption_bucket",
                                           "placement_score",
                                           "placement_score_max",
                                           "coremark_iter_per_s",
                                           "limit",
                                           "on_demand_source",
                                           "spot_date",
                                           "interruption_label",
                                           "advisor_savings_pct",
                                           NULL};

typedef struct reader {
    spotopt_catalog *catalog;
    spotopt__csv csv;
    spotopt__zones zones;
    uint32_t column[COLUMNS];
    const char *region; /* of the first row; NULL before it */
    bool is_mixed;      /* rows of several regions */
    double score_max;   /* stated by the table; NaN: not stated */
    double score_most;  /* the largest score seen */
} reader;

static const char *
text_of(const reader *r, enum column column)
{
    return spotopt__csv_text(&r->csv, r->column[column]);
}

static spotopt_status
read_int(const reader *r, enum column column, int64_t least, int64_t most, const char *want,
         int64_t empty, int64_t *out, spotopt_error *err)
{
    return spotopt__csv_int(&r->csv, r->column[column], least, most, want, empty, out, err);
}

static spotopt_status
read_flag(const reader *r, enum column column, bool *out, spotopt_error *err)
{
    int64_t value;
    spotopt_status status = read_int(r, column, 0, 1, "0 or 1", *out, &value, err);

    if (status == SPOTOPT_OK)
        *out = value != 0;
    return status;
}

/* What the kubelet and the system keep of a machine; see the head of this file. */
static void
derive_allocatable(int64_t vcpu, int64_t memory_mib, int64_t pods, bool is_arm,
                   int64_t *out_cpu_milli, int64_t *out_memory_mib)
{
    /* In units of a tenth of a millicore, so that 0.25 % of a core is whole. */
    int64_t reserved = 600 + (vcpu >= 2 ? 100 : 0) +
                       50 * (vcpu >= 4   ? 2
                             : vcpu == 3 ? 1
                                         : 0) +
                       25 * (vcpu > 4 ? vcpu - 4 : 0);
    int64_t cpu = (10000 * vcpu - reserved) / 10;
    int64_t memory =
        ((memory_mib - (is_arm ? 64 : 0)) * 925 - 1000 * (11 * pods + 255 + 100)) / 1000;

    *out_cpu_milli = cpu > 0 ? cpu : 0;
    *out_memory_mib = memory > 0 ? memory : 0;
}

/* The resource that a device plugin offers for a GPU model or an accelerator; NULL: none is known.
 */
static const char *
device_resource(const char *model)
{
    static const struct {
        const char *in, *resource;
    } known[] = {{"gaudi", "habana.ai/gaudi"},
                 {"radeon", "amd.com/gpu"},
                 {"inferentia", "aws.amazon.com/neuron"},
                 {"trainium", "aws.amazon.com/neuron"}};
    char lower[64];
    size_t n = 0;

    for (; model[n] != '\0' && n < sizeof lower - 1; n++)
        lower[n] = (char)(model[n] >= 'A' && model[n] <= 'Z' ? model[n] - 'A' + 'a' : model[n]);
    lower[n] = '\0';
    for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
        if (strstr(lower, known[i].in) != NULL)
            return known[i].resource;
    }
    return NULL;
}

static spotopt_status
add_device(const reader *r, spotopt__type *type, const char *resource, int64_t count,
           spotopt_error *err)
{
    uint32_t at = spotopt__resources_add(&r->catalog->resources, &r->catalog->arena, resource);

    if (at == SPOTOPT__NONE)
        return spotopt__nomem(err, "a resource");
    type->capacity.of[at] = type->allocatable.of[at] = count;
    return SPOTOPT_OK;
}

static spotopt_status
read_devices(const reader *r, spotopt__type *type, spotopt_error *err)
{
    int64_t gpus, accelerators;
    spotopt_status status =
        read_int(r, GPU_COUNT, 0, COUNT_MAX, "a whole number of GPUs", 0, &gpus, err);

    if (status == SPOTOPT_OK)
        status = read_int(r, ACCELERATOR_COUNT, 0, COUNT_MAX, "a whole number of accelerators", 0,
                          &accelerators, err);
    if (status != SPOTOPT_OK)
        return status;
    const char *model = text_of(r, GPU_MODEL), *name = text_of(r, ACCELERATOR_NAME);
    const char *of_gpu = device_resource(model), *of_accelerator = device_resource(name);

    if (gpus > 0)
        status = add_device(r, type, of_gpu != NULL ? of_gpu : "nvidia.com/gpu", gpus, err);
    if (status == SPOTOPT_OK && accelerators > 0 && of_accelerator != NULL)
        status = add_device(r, type, of_accelerator, accelerators, err);
    if (model[0] != '\0')
        type->gpu_model = model;
    return status;
}

/* vCPU, memory, pods, and what pods may use of them. */
static spotopt_status
read_size(const reader *r, spotopt__type *type, spotopt_error *err)
{
    int64_t vcpu, memory, pods, cpu_alloc, memory_alloc, cpu_derived, memory_derived;
    spotopt_status status = read_int(r, VCPU, 1, VCPU_MAX, "a whole number >= 1", -1, &vcpu, err);

    if (status == SPOTOPT_OK)
        status = read_int(r, MEMORY_MIB, 1, MEMORY_MIB_MAX, "a whole number of MiB >= 1", -1,
                          &memory, err);
    if (status == SPOTOPT_OK)
        status = read_int(r, MAX_PODS, 0, COUNT_MAX, "a whole number of pods",
                          SPOTOPT__PODS_DEFAULT, &pods, err);
    if (status == SPOTOPT_OK)
        status = read_int(r, ALLOC_CPU_MILLI, 0, vcpu > 0 ? 1000 * vcpu : 1000 * VCPU_MAX,
                          "a whole number, at most 1000 * vcpu", -1, &cpu_alloc, err);
    if (status == SPOTOPT_OK)
        status = read_int(r, ALLOC_MEMORY_MIB, 0, memory > 0 ? memory : MEMORY_MIB_MAX,
                          "a whole number, at most memory_mib", -1, &memory_alloc, err);
    if (status != SPOTOPT_OK)
        return status;
    if (vcpu < 0 && cpu_alloc < 0)
        return spotopt__csv_fail_row(&r->csv, err, "%s has no vcpu; want it, or alloc_cpu_milli",
                                     type->name);
    if (memory < 0 && memory_alloc < 0)
        return spotopt__csv_fail_row(
            &r->csv, err, "%s has no memory_mib; want it, or alloc_memory_mib", type->name);
    derive_allocatable(vcpu > 0 ? vcpu : 0, memory > 0 ? memory : 0, pods,
                       strcmp(type->arch, "arm64") == 0, &cpu_derived, &memory_derived);
    if (cpu_alloc < 0)
        cpu_alloc = cpu_derived;
    if (memory_alloc < 0)
        memory_alloc = memory_derived;
    type->capacity.of[SPOTOPT__CPU] = vcpu > 0 ? 1000 * vcpu : SPOTOPT__AMOUNT_UNKNOWN;
    type->capacity.of[SPOTOPT__MEMORY] = memory > 0 ? memory * 1048576 : SPOTOPT__AMOUNT_UNKNOWN;
    type->capacity.of[SPOTOPT__STORAGE] = SPOTOPT__AMOUNT_UNKNOWN;
    type->allocatable.of[SPOTOPT__CPU] = cpu_alloc;
    type->allocatable.of[SPOTOPT__MEMORY] = memory_alloc * 1048576;
    type->allocatable.of[SPOTOPT__STORAGE] = SPOTOPT__AMOUNT_UNKNOWN;
    type->capacity.of[SPOTOPT__PODS] = type->allocatable.of[SPOTOPT__PODS] = pods;
    return SPOTOPT_OK;
}

/* "Radeon Pro V520" is written "radeon-pro-v520" in labels. */
static void
write_kebab(const char *text, char out[64])
{
    size_t n = 0;

    for (; text[n] != '\0' && n < 63; n++)
        out[n] = (char)(text[n] >= 'A' && text[n] <= 'Z' ? text[n] - 'A' + 'a'
                        : text[n] == ' '                 ? '-'
                                                         : text[n]);
    out[n] = '\0';
}

/* Labels that Karpenter puts on nodes and that a row's own columns tell. */
static spotopt_status
add_type(const reader *r, const spotopt__type *type, uint32_t *out_type, spotopt_error *err)
{
    static const struct {
        enum column column;
        const char *key;
    } plain[] = {{LOCAL_NVME_GB, "karpenter.k8s.aws/instance-local-nvme"},
                 {NETWORK_MBPS_BASELINE, "karpenter.k8s.aws/instance-network-bandwidth"},
                 {ACCELERATOR_COUNT, "karpenter.k8s.aws/instance-accelerator-count"}};
    spotopt__label labels[LABELS_ROW];
    char gpu_name[64], gpu_memory[24], accelerator[64];
    uint32_t count = 0;
    int64_t value, gpus, gpu_mib;
    spotopt_status status;

    for (size_t i = 0; i < sizeof plain / sizeof *plain; i++) {
        status =
            read_int(r, plain[i].column, 0, INT64_C(1) << 40, "a whole number", -1, &value, err);
        if (status != SPOTOPT_OK)
            return status;
        if (value >= 0)
            labels[count++] = (spotopt__label){plain[i].key, text_of(r, plain[i].column)};
    }
    status = read_int(r, GPU_MEM_TOTAL_MIB, 0, MEMORY_MIB_MAX, "a whole number of MiB", -1,
                      &gpu_mib, err);
    if (status == SPOTOPT_OK)
        status = read_int(r, GPU_COUNT, 0, COUNT_MAX, "a whole number of GPUs", 0, &gpus, err);
    if (status != SPOTOPT_OK)
        return status;
    if (type->gpu_model != NULL) {
        const char *resource = device_resource(type->gpu_model);
        const char *maker = resource == NULL ? "nvidia" : resource[0] == 'a' ? "amd" : "habana";

        write_kebab(type->gpu_model, gpu_name);
        labels[count++] = (spotopt__label){"karpenter.k8s.aws/instance-gpu-name", gpu_name};
        labels[count++] = (spotopt__label){"karpenter.k8s.aws/instance-gpu-manufacturer", maker};
        if (gpus > 0)
            labels[count++] =
                (spotopt__label){"karpenter.k8s.aws/instance-gpu-count", text_of(r, GPU_COUNT)};
        if (gpus > 0 && gpu_mib >= 0) {
            snprintf(gpu_memory, sizeof gpu_memory, "%lld", (long long)(gpu_mib / gpus));
            labels[count++] = (spotopt__label){"karpenter.k8s.aws/instance-gpu-memory", gpu_memory};
        }
    }
    if (text_of(r, ACCELERATOR_NAME)[0] != '\0') {
        const char *resource = device_resource(text_of(r, ACCELERATOR_NAME));

        write_kebab(text_of(r, ACCELERATOR_NAME), accelerator);
        labels[count++] =
            (spotopt__label){"karpenter.k8s.aws/instance-accelerator-name", accelerator};
        if (resource != NULL && resource[0] == 'a')
            labels[count++] =
                (spotopt__label){"karpenter.k8s.aws/instance-accelerator-manufacturer", "aws"};
    }
    return spotopt__catalog_add_type(r->catalog, type, labels, count, out_type, err);
}

/* Rows of one type must agree on its size: the planner would otherwise pack by whichever came
 * first. */
static spotopt_status
check_same(const reader *r, const spotopt__type *first, const spotopt__type *row,
           spotopt_error *err)
{
    if (strcmp(first->arch, row->arch) != 0)
        return spotopt__csv_fail_row(&r->csv, err, "%s is %s here, %s in an earlier row",
                                     first->name, row->arch, first->arch);
    for (uint32_t i = 0; i < r->catalog->resources.count; i++) {
        if (first->capacity.of[i] != row->capacity.of[i] ||
            first->allocatable.of[i] != row->allocatable.of[i])
            return spotopt__csv_fail_row(&r->csv, err,
                                         "%s has another amount of %s here than in an earlier row",
                                         first->name, r->catalog->resources.name[i]);
    }
    return SPOTOPT_OK;
}

static spotopt_status
read_type(reader *r, uint32_t *out_type, spotopt_error *err)
{
    spotopt__type type = {.name = text_of(r, INSTANCE_TYPE), .arch = text_of(r, ARCH)};
    spotopt_status status;

    if (type.name[0] == '\0')
        return spotopt__csv_fail(&r->csv, r->column[INSTANCE_TYPE], "a name", err);
    if (type.arch[0] == '\0')
        type.arch = "amd64";
    type.is_bare_metal = strstr(type.name, ".metal") != NULL;
    type.is_burstable = type.name[0] == 't' && type.name[1] >= '1' && type.name[1] <= '9';
    type.is_current = true;
    status = read_size(r, &type, err);
    if (status == SPOTOPT_OK)
        status = read_devices(r, &type, err);
    if (status == SPOTOPT_OK)
        status = read_flag(r, BARE_METAL, &type.is_bare_metal, err);
    if (status == SPOTOPT_OK)
        status = read_flag(r, BURSTABLE, &type.is_burstable, err);
    if (status == SPOTOPT_OK)
        status = read_flag(r, CURRENT_GENERATION, &type.is_current, err);
    if (status == SPOTOPT_OK)
        status = spotopt__csv_real(&r->csv, r->column[COREMARK], 0.0, 1e15, "a number >= 0",
                                   &type.coremark_per_s, err);
    if (status != SPOTOPT_OK)
        return status;

    *out_type = spotopt__map_get(&r->catalog->type_by_name, type.name);
    if (*out_type == SPOTOPT__NONE)
        return add_type(r, &type, out_type, err);
    spotopt__type *first = &r->catalog->types.at[*out_type];
    if (isnan(first->coremark_per_s))
        first->coremark_per_s = type.coremark_per_s;
    return check_same(r, first, &type, err);
}

static spotopt_status
add_pool(reader *r, const spotopt__pool *draft, spotopt_error *err)
{
    uint32_t at;
    bool is_new;
    spotopt_status status = spotopt__catalog_add_pool(r->catalog, draft, &at, &is_new, err);

    if (status == SPOTOPT_OK && !is_new)
        return spotopt__csv_fail_row(&r->csv, err, "pool \"%s\" is there already; want each once",
                                     r->catalog->pools.at[at].id);
    return status;
}

/* Both pools of a row in one zone. */
static spotopt_status
add_pools(reader *r, spotopt__pool *draft, const char *zone, double spot, double on_demand,
          spotopt_error *err)
{
    spotopt_status status = SPOTOPT_OK;

    draft->zone = zone;
    if (!isnan(spot)) {
        spotopt__pool pool = *draft;
        pool.purchase = SPOTOPT__SPOT;
        pool.usd_per_h = spot;
        status = add_pool(r, &pool, err);
    }
    if (status == SPOTOPT_OK && !isnan(on_demand)) {
        spotopt__pool pool = *draft;
        pool.purchase = SPOTOPT__ON_DEMAND;
        pool.usd_per_h = on_demand;
        pool.advisor_bucket = -1; /* bucket and score speak of spot */
        pool.placement_score = NAN;
        status = add_pool(r, &pool, err);
    }
    return status;
}

static spotopt_status
read_row(reader *r, spotopt_error *err)
{
    spotopt__pool draft = {.region = text_of(r, REGION)};
    double spot, on_demand, score_max;
    int64_t bucket, limit;
    spotopt_status status = read_type(r, &draft.type, err);

    if (status == SPOTOPT_OK)
        status = spotopt__csv_real(&r->csv, r->column[SPOT_USD], 0.0, SPOTOPT__PRICE_MAX,
                                   "a price >= 0", &spot, err);
    if (status == SPOTOPT_OK)
        status = spotopt__csv_real(&r->csv, r->column[ON_DEMAND_USD], 0.0, SPOTOPT__PRICE_MAX,
                                   "a price >= 0", &on_demand, err);
    if (status == SPOTOPT_OK)
        status = read_int(r, INTERRUPTION_BUCKET, 0, 4, "a bucket from 0 to 4", -1, &bucket, err);
    if (status == SPOTOPT_OK)
        status = spotopt__csv_real(&r->csv, r->column[PLACEMENT_SCORE_MAX], 1.0, 1e6,
                                   "a number >= 1", &score_max, err);
    if (status == SPOTOPT_OK)
        status = spotopt__csv_real(
            &r->csv, r->column[PLACEMENT_SCORE], 1.0, isnan(score_max) ? 10.0 : score_max,
            isnan(score_max) ? "a score from 1 to 10" : "a score from 1 to placement_score_max",
            &draft.placement_score, err);
    if (status == SPOTOPT_OK)
        status = read_int(r, LIMIT, 0, UINT32_MAX - 1, "a whole number of nodes", UINT32_MAX,
                          &limit, err);
    if (status != SPOTOPT_OK)
        return status;
    if (!isnan(score_max) && !isnan(r->score_max) && score_max != r->score_max)
        return spotopt__csv_fail(&r->csv, r->column[PLACEMENT_SCORE_MAX],
                                 "the same number in every row", err);
    if (!isnan(score_max))
        r->score_max = score_max;
    if (draft.placement_score > r->score_most)
        r->score_most = draft.placement_score;
    draft.advisor_bucket = (int32_t)bucket;
    draft.limit = (uint32_t)limit;
    if (r->region == NULL) {
        r->region = spotopt__arena_text(&r->catalog->arena, draft.region, strlen(draft.region));
        if (r->region == NULL)
            return spotopt__nomem(err, "a region");
    }
    r->is_mixed = r->is_mixed || strcmp(r->region, draft.region) != 0;

    const char *zone = text_of(r, ZONE)[0] != '\0' ? text_of(r, ZONE) : text_of(r, AZ_ID);
    if (zone[0] != '\0' || r->zones.zones.count == 0)
        return add_pools(r, &draft,
                         zone[0] != '\0' ? spotopt__zones_name(&r->zones, zone) : draft.region,
                         spot, on_demand, err);
    for (size_t i = 0; status == SPOTOPT_OK && i < r->zones.zones.count; i++)
        status = add_pools(r, &draft, spotopt__zones_name(&r->zones, r->zones.zones.at[i]), spot,
                           on_demand, err);
    return status;
}

spotopt_status
spotopt__catalog_read_csv(spotopt_catalog *catalog, const char *text, size_t length,
                          const char *name, const char *zones, const char *zone_map,
                          spotopt_error *err)
{
    reader r = {.catalog = catalog, .score_max = NAN};
    bool has = false;
    spotopt_status status = spotopt__zones_init(&r.zones, catalog->context, zones, zone_map, err);

    if (status == SPOTOPT_OK)
        status = spotopt__csv_open(&r.csv, catalog->context, text, length, name, err);
    for (int i = 0; status == SPOTOPT_OK && i < COLUMNS; i++)
        r.column[i] = spotopt__csv_column(&r.csv, column_names[i]);
    if (status == SPOTOPT_OK)
        status = spotopt__csv_need(&r.csv, "instance_type", &r.column[INSTANCE_TYPE], err);
    if (status == SPOTOPT_OK && r.column[SPOT_USD] == SPOTOPT__NONE &&
        r.column[ON_DEMAND_USD] == SPOTOPT__NONE)
        status = spotopt__csv_fail_row(&r.csv, err,
                                       "no column of prices; want spot_usd_per_hour or "
                                       "on_demand_usd_per_hour");
    if (status == SPOTOPT_OK)
        spotopt__csv_warn_unknown(&r.csv, column_names);
    while (status == SPOTOPT_OK) {
        status = spotopt__csv_next(&r.csv, &has, err);
        if (status != SPOTOPT_OK || !has)
            break;
        status = read_row(&r, err);
    }
    if (status == SPOTOPT_OK && r.region != NULL && !r.is_mixed)
        catalog->region = r.region;
    /* Two scales are about: 1..3 of single zones and 1..10 of the API. Only a score above 3 tells.
     */
    catalog->placement_score_max = !isnan(r.score_max)                         ? r.score_max
                                   : r.score_most > 3.0 || r.score_most == 0.0 ? 10.0
                                                                               : 3.0;
    spotopt__csv_close(&r.csv);
    spotopt__zones_free(&r.zones);
    return status;
}
