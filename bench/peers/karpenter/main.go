// SPDX-License-Identifier: Apache-2.0

// Command karpenter gives a PackingProblem to Karpenter's own scheduler and writes what it does as a PackingResult.
//
// The scheduler, its topology and the fake cloud provider's instance types are imported from the module at the pinned
// version and set up as its scheduling benchmark does (one node pool, no daemon sets, no nodes, five workers). Pools of
// one "type" label are one instance type, whose offerings are zones and purchase models at the problem's prices; a
// demand's replicas are single pending pods. Rules become what they stand for in Kubernetes:
//
//	at_most 1 per node       required anti-affinity of the pods to each other, by host name
//	at_most k per node       topology spread with maximum skew k by host name (an empty node is always possible)
//	together per zone        required affinity of the pods to each other, by zone
//	spread per node or zone  topology spread, DoNotSchedule
//
// Other rules, running nodes, lists of pools and unplaced costs are refused; limits of pools are unknown to Karpenter and
// left out with a warning. A claim is bought as its cheapest offering, as the fake provider buys and a cloud would at
// best. What it bought is written, with a bound of 0, and one line of figures is printed.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"math"
	"math/rand"
	"os"
	"runtime"
	"sort"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/record"
	"k8s.io/utils/clock"
	fakecr "sigs.k8s.io/controller-runtime/pkg/client/fake"
	"sigs.k8s.io/controller-runtime/pkg/log"

	v1 "sigs.k8s.io/karpenter/pkg/apis/v1"
	"sigs.k8s.io/karpenter/pkg/cloudprovider"
	"sigs.k8s.io/karpenter/pkg/cloudprovider/fake"
	"sigs.k8s.io/karpenter/pkg/controllers/provisioning/scheduling"
	"sigs.k8s.io/karpenter/pkg/controllers/state"
	"sigs.k8s.io/karpenter/pkg/events"
	"sigs.k8s.io/karpenter/pkg/operator/injection"
	"sigs.k8s.io/karpenter/pkg/operator/logging"
	"sigs.k8s.io/karpenter/pkg/operator/options"
	requirements "sigs.k8s.io/karpenter/pkg/scheduling"
	"sigs.k8s.io/karpenter/pkg/test"
)

const workers = 5 // as in the scheduling benchmark

func fail(status int, format string, args ...any) {
	fmt.Fprintf(os.Stderr, format+"\n", args...)
	os.Exit(status)
}

// purchase is what one node can be bought as: a type in a zone under a purchase model.
type purchase struct{ kind, zone, model string }

func solve(ctx context.Context, p *problem, pods []*corev1.Pod) (scheduling.Results, float64, float64) {
	begin := time.Now()
	nodePool := test.NodePool(v1.NodePool{Spec: v1.NodePoolSpec{Limits: v1.Limits{
		corev1.ResourceCPU:    resource.MustParse("10000000"),
		corev1.ResourceMemory: resource.MustParse("10000000Gi"),
	}}})
	instanceTypes := p.instanceTypes()
	provider := fake.NewCloudProvider()
	provider.InstanceTypes = instanceTypes
	client := fakecr.NewFakeClient()
	wall := &clock.RealClock{}
	cluster := state.NewCluster(wall, client, provider)
	byPool := map[string][]*cloudprovider.InstanceType{nodePool.Name: instanceTypes}
	pools := []*v1.NodePool{nodePool}
	option := scheduling.NumConcurrentReconciles(workers)
	topology, err := scheduling.NewTopology(ctx, client, cluster, nil, pools, byPool, pods, option)
	if err != nil {
		fail(4, "topology: %v", err)
	}
	scheduler := scheduling.NewScheduler(ctx, client, pools, cluster, nil, topology, byPool, nil,
		events.NewRecorder(&record.FakeRecorder{}), wall, nil, nil, option)
	ready := time.Now()
	results, err := scheduler.Solve(ctx, pods)
	if err != nil && !errors.Is(err, context.DeadlineExceeded) {
		fail(4, "solve: %v", err)
	}
	return results, ready.Sub(begin).Seconds(), time.Since(ready).Seconds()
}

// buy returns the cheapest offering that a claim admits.
func buy(claim *scheduling.NodeClaim) (purchase, float64) {
	best, price := purchase{}, -1.0
	for _, kind := range claim.InstanceTypeOptions {
		offerings := kind.Offerings.Available().Compatible(claim.Requirements)
		if len(offerings) == 0 {
			continue
		}
		if o := offerings.Cheapest(); price < 0 || o.Price < price {
			price = o.Price
			best = purchase{kind.Name, o.Requirements.Get(corev1.LabelTopologyZone).Any(), string(o.CapacityType())}
		}
	}
	if price < 0 {
		fail(4, "a claim without an offering")
	}
	return best, price
}

func main() {
	out := flag.String("o", "", "write the PackingResult here")
	limit := flag.Duration("limit", time.Hour, "stop scheduling after this long; the rest is unplaced")
	flag.Parse()
	if flag.NArg() != 1 {
		fail(2, "usage: karpenter [-o RESULT] [-limit DURATION] PROBLEM")
	}
	p := readProblem(flag.Arg(0))
	log.SetLogger(logging.NopLogger)
	ctx, cancel := context.WithTimeout(context.Background(), *limit)
	defer cancel()
	ctx = options.ToContext(injection.WithControllerName(ctx, "provisioner"), test.Options())

	pods, demandOf := p.pods()
	results, setup, seconds := solve(ctx, p, pods)
	r := result{APIVersion: "spotopt/v1", Kind: "PackingResult", Outcome: "feasible", Unplaced: map[string]int{}}
	for _, d := range p.Demands {
		r.Unplaced[d.ID] = d.Count
	}
	for _, claim := range results.NewNodeClaims {
		what, price := buy(claim)
		row := resultNode{Pool: p.poolOf[what], Count: 1, Holds: map[string]int{}}
		for _, pod := range claim.Pods {
			row.Holds[demandOf[pod.UID]]++
			if r.Unplaced[demandOf[pod.UID]]--; r.Unplaced[demandOf[pod.UID]] == 0 {
				delete(r.Unplaced, demandOf[pod.UID])
			}
		}
		r.Cost += price
		r.Nodes = append(r.Nodes, row)
	}
	if r.Cost > 0 {
		r.Gap = 1
	}
	if len(r.Unplaced) > 0 {
		r.Outcome = "stopped"
	}
	unplaced := 0
	for _, count := range r.Unplaced {
		unplaced += count
	}
	r.Stats = map[string]any{"seconds": seconds, "setup_seconds": setup, "pods_without_node": unplaced,
		"workers": workers, "threads": runtime.GOMAXPROCS(0)}
	text, err := json.Marshal(r)
	if err == nil && *out != "" {
		err = os.WriteFile(*out, append(text, '\n'), 0o644)
	}
	if err != nil {
		fail(3, "%v", err)
	}
	fmt.Printf("price %.6f nodes %d unplaced %d seconds %.3f setup %.3f\n", r.Cost, len(r.Nodes), unplaced,
		seconds, setup)
}

// pods returns one pending pod a replica and whose it is. Identifiers are drawn with a fixed seed, since the scheduler
// breaks ties by them.
func (p *problem) pods() ([]*corev1.Pod, map[types.UID]string) {
	rng := rand.New(rand.NewSource(42))
	var pods []*corev1.Pod
	demandOf := map[types.UID]string{}
	for i, d := range p.Demands {
		template := p.podOptions(i)
		for range d.Count {
			template.ObjectMeta.UID = types.UID(fmt.Sprintf("%016x-%016x", rng.Uint64(), rng.Uint64()))
			demandOf[template.ObjectMeta.UID] = d.ID
			pods = append(pods, test.Pod(template))
		}
	}
	return pods, demandOf
}

// podOptions translates demand i, its labels and what rules ask of it.
func (p *problem) podOptions(i int) test.PodOptions {
	d := p.Demands[i]
	o := test.PodOptions{ObjectMeta: metav1.ObjectMeta{Labels: map[string]string{}}}
	o.ResourceRequirements.Requests = p.quantities(d.Request, math.Ceil)
	delete(o.ResourceRequirements.Requests, corev1.ResourcePods) // each pod counts itself
	for key, members := range p.lists {
		if members[d.ID] {
			o.ObjectMeta.Labels[key] = "1"
		}
	}
	for _, r := range p.Rules {
		if !r.carriers[d.ID] {
			continue
		}
		selector := &metav1.LabelSelector{MatchLabels: map[string]string{r.label: "1"}}
		term := corev1.PodAffinityTerm{LabelSelector: selector, TopologyKey: r.topology()}
		spread := corev1.TopologySpreadConstraint{MaxSkew: r.MaxSkew, TopologyKey: r.topology(),
			WhenUnsatisfiable: corev1.DoNotSchedule, LabelSelector: selector}
		switch {
		case r.Rule == "at_most" && r.Count == 1:
			o.PodAntiRequirements = append(o.PodAntiRequirements, term)
		case r.Rule == "at_most":
			spread.MaxSkew = int32(r.Count)
			o.TopologySpreadConstraints = append(o.TopologySpreadConstraints, spread)
		case r.Rule == "together":
			o.PodRequirements = append(o.PodRequirements, term)
		case r.Rule == "spread":
			o.TopologySpreadConstraints = append(o.TopologySpreadConstraints, spread)
		}
	}
	return o
}

// instanceTypes returns a type for each "type" label, in order of appearance. The fake types reserve 100 millicores and
// 10 MiB, which are added before, so that what is left is the problem's capacity.
func (p *problem) instanceTypes() []*cloudprovider.InstanceType {
	offerings := map[string][]cloudprovider.Offering{}
	capacity := map[string]corev1.ResourceList{}
	var names []string
	for _, pool := range p.Pools {
		what := pool.purchase()
		if capacity[what.kind] == nil {
			names = append(names, what.kind)
			c := p.quantities(pool.Capacity, math.Floor)
			for key, reserved := range map[corev1.ResourceName]string{corev1.ResourceCPU: "100m", corev1.ResourceMemory: "10Mi"} {
				q := c[key]
				q.Add(resource.MustParse(reserved))
				c[key] = q
			}
			capacity[what.kind] = c
		}
		offerings[what.kind] = append(offerings[what.kind], cloudprovider.Offering{Available: true, Price: pool.Cost,
			Requirements: requirements.NewLabelRequirements(map[string]string{
				v1.CapacityTypeLabelKey: what.model, corev1.LabelTopologyZone: what.zone})})
	}
	var made []*cloudprovider.InstanceType
	for _, name := range names {
		sort.SliceStable(offerings[name], func(i, j int) bool { return offerings[name][i].Price < offerings[name][j].Price })
		made = append(made, fake.NewInstanceType(name, fake.WithResources(capacity[name]), fake.WithOfferings(offerings[name]...)))
	}
	return made
}
