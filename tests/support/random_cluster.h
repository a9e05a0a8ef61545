/* SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_SUPPORT_RANDOM_CLUSTER_H
#define TESTS_SUPPORT_RANDOM_CLUSTER_H
/*
 * Small random clusters and catalogs as documents: few nodes, few pods, every rule often. Equal
 * seeds, equal bytes. What they ask for is often impossible; that is the point.
 */
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

typedef struct random_text {
    char at[1 << 17];
    size_t count;
    uint64_t state;
} random_text;

static inline unsigned
roll(random_text *t, unsigned below)
{
    t->state ^= t->state << 13;
    t->state ^= t->state >> 7;
    t->state ^= t->state << 17;
    return (unsigned)((t->state >> 11) % below);
}

static inline void __attribute__((format(printf, 2, 3)))
say(random_text *t, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    int n = vsnprintf(t->at + t->count, sizeof t->at - t->count, format, args);
    va_end(args);
    if (n > 0 && (size_t)n < sizeof t->at - t->count)
        t->count += (size_t)n;
}

static inline void
start_text(random_text *t, uint64_t seed)
{
    t->count = 0;
    t->state = seed * 0x9e3779b97f4a7c15u + 0x1234567u;
    for (int i = 0; i < 8; i++)
        (void)roll(t, 2);
}

static const char *const random_zones[] = {"za", "zb", "zc"};
static const struct {
    const char *name;
    unsigned cores, gib, cents;
} random_types[] = {{"s.small", 1, 2, 3},
                    {"s.medium", 2, 4, 6},
                    {"s.large", 4, 16, 14},
                    {"x.large", 8, 16, 26},
                    {"x.huge", 16, 64, 60}};

static inline void
random_catalog(random_text *t, uint64_t seed)
{
    const char *comma = "";

    start_text(t, seed);
    say(t, "{\"apiVersion\":\"spotopt/"
           "v1\",\"kind\":\"Catalog\",\"region\":\"z\",\"instance_types\":[");
    for (unsigned i = 0; i < 5; i++)
        say(t,
            "%s{\"name\":\"%s\",\"arch\":\"%s\",\"capacity\":{\"cpu\":\"%u\",\"memory\":\"%uGi\","
            "\"pods\":\"%u\"}}",
            i ? "," : "", random_types[i].name, i == 3 ? "arm64" : "amd64", random_types[i].cores,
            random_types[i].gib, 4 + roll(t, 8));
    say(t, "],\"pools\":[");
    for (unsigned i = 0; i < 5; i++) {
        for (unsigned z = 0; z < 3; z++) {
            for (unsigned spot = 0; spot < 2; spot++) {
                if (roll(t, 5) == 0)
                    continue;
                unsigned milli = random_types[i].cents * (spot ? 3 + roll(t, 4) : 10);
                say(t,
                    "%s{\"id\":\"%s/%s/"
                    "%s\",\"instance_type\":\"%s\",\"zone\":\"%s\",\"purchase\":\"%s\",\"usd_per_"
                    "hour\":0.%04u",
                    comma, random_types[i].name, random_zones[z], spot ? "spot" : "on-demand",
                    random_types[i].name, random_zones[z], spot ? "spot" : "on-demand", milli);
                if (roll(t, 3) == 0)
                    say(t, ",\"limit\":%u", roll(t, 3));
                if (spot)
                    say(t, ",\"advisor_bucket\":%u", roll(t, 5));
                say(t, "}");
                comma = ",";
            }
        }
    }
    say(t, "]}");
}

static inline void
random_policy(random_text *t, uint64_t seed)
{
    start_text(t, seed ^ 0xabcdef);
    say(t, "{\"apiVersion\":\"spotopt/"
           "v1\",\"kind\":\"Policy\",\"allow\":{\"arch\":null},\"diversify\":[");
    if (roll(t, 2))
        say(t, "{\"key\":\"%s\",\"max_frac\":0.%u}", roll(t, 2) ? "pool" : "zone", 3 + roll(t, 6));
    say(t, "],\"change\":{\"min_saving_frac\":0.0%u,\"min_dwell_minutes\":0,\"move_usd\":0.0%u}",
        roll(t, 9), roll(t, 9));
    if (roll(t, 3) == 0)
        say(t, ",\"spot\":{\"on_demand_base\":%u,\"on_demand_frac\":0.%u}", roll(t, 3), roll(t, 7));
    if (roll(t, 4) == 0)
        say(t, ",\"headroom\":{\"cpu_frac\":0.1,\"memory_frac\":0.05}");
    if (roll(t, 4) == 0)
        say(t, ",\"quotas\":[{\"family\":\"%s\",\"purchase\":\"spot\",\"max_vcpu\":%u}]",
            roll(t, 2) ? "s" : "x", roll(t, 24));
    if (roll(t, 4) == 0)
        say(t,
            ",\"commitments\":[{\"pool\":\"s.large/*/"
            "on-demand\",\"count\":%u,\"usd_per_hour\":0.0}]",
            1 + roll(t, 2));
    if (roll(t, 6) == 0)
        say(t, ",\"overrides\":[{\"scope\":\"all\",\"target\":\"\",\"until\":\"2027-01-01T00:00:"
               "00Z\",\"author\":\"a\",\"reason\":\"r\"}]");
    say(t, ",\"solver\":{\"deadline_s\":5}}");
}

/* The scheduling part of a pod of workload w: requests, and rules that select its own and its
 * neighbour's pods. */
static inline void
random_spec(random_text *t, unsigned w)
{
    const char *zone = "topology.kubernetes.io/zone", *host = "kubernetes.io/hostname";

    say(t, "\"terminationGracePeriodSeconds\":%u,", roll(t, 3) * 20);
    if (roll(t, 6) == 0)
        say(t, "\"nodeSelector\":{\"%s\":\"%s\"},", roll(t, 2) ? zone : "kubernetes.io/arch",
            roll(t, 2) ? "za" : "amd64");
    if (roll(t, 6) == 0)
        say(t, "\"tolerations\":[{\"key\":\"dedicated\",\"operator\":\"Exists\"}],");
    if (roll(t, 5) == 0)
        say(t,
            "\"topologySpreadConstraints\":[{\"maxSkew\":%u,\"topologyKey\":\"%s\","
            "\"whenUnsatisfiable\":\"%s\","
            "\"labelSelector\":{\"matchLabels\":{\"app\":\"a%u\"}}}],",
            1 + roll(t, 2), roll(t, 3) ? zone : host,
            roll(t, 4) ? "DoNotSchedule" : "ScheduleAnyway", w);
    unsigned kind = roll(t, 6);
    if (kind <= 2)
        say(t,
            "\"affinity\":{\"%s\":{\"requiredDuringSchedulingIgnoredDuringExecution\":[{"
            "\"topologyKey\":\"%s\","
            "\"labelSelector\":{\"matchLabels\":{\"app\":\"a%u\"}}}]}},",
            kind == 0 ? "podAffinity" : "podAntiAffinity", roll(t, 3) ? host : zone,
            kind == 1 ? w : roll(t, 4));
    say(t,
        "\"containers\":[{\"name\":\"c\",\"resources\":{\"requests\":{\"cpu\":\"%um\",\"memory\":"
        "\"%uMi\"}}%s}]",
        100 * (1 + roll(t, 15)), 128 * (1 + roll(t, 12)),
        roll(t, 8) == 0 ? ",\"ports\":[{\"containerPort\":80,\"hostPort\":80}]" : "");
}

static inline void
random_cluster(random_text *t, uint64_t seed)
{
    static char spec[4][2048];
    unsigned nodes, workloads;
    unsigned free_cpu[8], free_pods[8];

    start_text(t, seed ^ 0x5555);
    nodes = roll(t, 6);
    workloads = 1 + roll(t, 4);
    say(t, "{\"apiVersion\":\"v1\",\"kind\":\"List\",\"items\":[");
    for (unsigned n = 0; n < nodes; n++) {
        unsigned type = roll(t, 5), zone = roll(t, 3);

        say(t,
            "%s{\"apiVersion\":\"v1\",\"kind\":\"Node\",\"metadata\":{\"name\":\"n%u\",\"labels\":{"
            "\"kubernetes.io/hostname\":\"n%u\",\"kubernetes.io/arch\":\"%s\",\"kubernetes.io/"
            "os\":\"linux\","
            "\"node.kubernetes.io/instance-type\":\"%s\",\"topology.kubernetes.io/zone\":\"%s\","
            "\"karpenter.sh/capacity-type\":\"%s\"}},\"spec\":{\"providerID\":\"aws:///z/"
            "i-%u\"%s%s},"
            "\"status\":{\"allocatable\":{\"cpu\":\"%u\",\"memory\":\"%uGi\",\"pods\":\"8\"},"
            "\"conditions\":[{\"type\":\"Ready\",\"status\":\"True\"}]}}",
            n ? "," : "", n, n, type == 3 ? "arm64" : "amd64",
            roll(t, 12) ? random_types[type].name : "other.type", random_zones[zone],
            roll(t, 2) ? "spot" : "on-demand", n, roll(t, 10) ? "" : ",\"unschedulable\":true",
            roll(t, 8)
                ? ""
                : ",\"taints\":[{\"key\":\"dedicated\",\"value\":\"x\",\"effect\":\"NoSchedule\"}]",
            random_types[type].cores, random_types[type].gib);
        free_cpu[n] = random_types[type].cores * 1000;
        free_pods[n] = 8;
    }
    for (unsigned w = 0; w < workloads; w++) {
        unsigned replicas = roll(t, 6), is_set = roll(t, 4) == 0;
        size_t from;

        say(t,
            "%s{\"apiVersion\":\"apps/"
            "v1\",\"kind\":\"%s\",\"metadata\":{\"name\":\"w%u\",\"namespace\":\"d\"},"
            "\"spec\":{\"replicas\":%u,\"selector\":{\"matchLabels\":{\"app\":\"a%u\"}},"
            "\"template\":{\"metadata\":"
            "{\"labels\":{\"app\":\"a%u\"}},\"spec\":{",
            nodes + w ? "," : "", is_set ? "StatefulSet" : "ReplicaSet", w, replicas, w, w);
        from = t->count;
        random_spec(t, w);
        memcpy(spec[w], t->at + from, t->count - from);
        spec[w][t->count - from] = 0;
        say(t, "}}}}");
        for (unsigned r = 0; r < replicas; r++) {
            unsigned node = roll(t, 8), ready = roll(t, 6), terminating = roll(t, 15) == 0;

            if (node >= nodes || free_pods[node] == 0 || free_cpu[node] < 1600)
                continue;
            free_cpu[node] -= 1600; /* more than any pod asks for */
            free_pods[node]--;
            say(t,
                ",{\"apiVersion\":\"v1\",\"kind\":\"Pod\",\"metadata\":{\"name\":\"w%u-%u\","
                "\"namespace\":\"d\","
                "\"labels\":{\"app\":\"a%u\"}%s%s,\"ownerReferences\":[{\"apiVersion\":\"apps/"
                "v1\",\"kind\":\"%s\","
                "\"name\":\"w%u\",\"uid\":\"u\",\"controller\":true}]},\"spec\":{\"nodeName\":\"n%"
                "u\",%s},"
                "\"status\":{\"phase\":\"Running\",\"conditions\":[{\"type\":\"Ready\",\"status\":"
                "\"%s\"}]}}",
                w, r, w, terminating ? ",\"deletionTimestamp\":\"2026-11-01T00:00:00Z\"" : "",
                roll(t, 20) ? "" : ",\"annotations\":{\"karpenter.sh/do-not-disrupt\":\"true\"}",
                is_set ? "StatefulSet" : "ReplicaSet", w, node, spec[w], ready ? "True" : "False");
        }
        if (roll(t, 2)) {
            static const char *const bounds[] = {
                "\"minAvailable\":1",         "\"minAvailable\":\"50%\"", "\"maxUnavailable\":1",
                "\"maxUnavailable\":\"34%\"", "\"maxUnavailable\":0",     "\"minAvailable\":2"};

            say(t,
                ",{\"apiVersion\":\"policy/"
                "v1\",\"kind\":\"PodDisruptionBudget\",\"metadata\":{\"name\":\"b%u\","
                "\"namespace\":\"d\"},\"spec\":{\"selector\":{\"matchLabels\":{\"app\":\"a%u\"}},%"
                "s}}",
                w, roll(t, 5) ? w : roll(t, workloads), bounds[roll(t, 6)]);
        }
    }
    if (roll(t, 3) == 0)
        say(t, ",{\"apiVersion\":\"apps/"
               "v1\",\"kind\":\"DaemonSet\",\"metadata\":{\"name\":\"ds\",\"namespace\":\"d\"},"
               "\"spec\":{\"selector\":{\"matchLabels\":{\"ds\":\"1\"}},\"template\":{\"metadata\":"
               "{\"labels\":{\"ds\":\"1\"}},"
               "\"spec\":{\"containers\":[{\"name\":\"c\",\"resources\":{\"requests\":{\"cpu\":"
               "\"50m\",\"memory\":\"64Mi\"}}}]}}}}");
    say(t, "]}");
}

#endif
