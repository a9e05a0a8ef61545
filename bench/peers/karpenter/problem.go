// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
)

// What of a PackingProblem this program understands; the rest must be absent.
type problem struct {
	Resources []string          `json:"resources"`
	Pools     []pool            `json:"pools"`
	Demands   []demand          `json:"demands"`
	Nodes     []json.RawMessage `json:"nodes"`
	Rules     []*rule           `json:"rules"`

	lists  map[string]map[string]bool // label key -> ids of the demands that carry it
	poolOf map[purchase]string
}

type pool struct {
	ID       string            `json:"id"`
	Capacity []float64         `json:"capacity"`
	Cost     float64           `json:"cost"`
	Min      float64           `json:"min"`
	Max      *float64          `json:"max"`
	Labels   map[string]string `json:"labels"`
}

type demand struct {
	ID       string    `json:"id"`
	Request  []float64 `json:"request"`
	Count    int       `json:"count"`
	Pools    []string  `json:"pools"`
	Unplaced *float64  `json:"unplaced_cost"`
}

type rule struct {
	Rule    string   `json:"rule"`
	Demands []string `json:"demands"`
	For     []string `json:"for"`
	Per     string   `json:"per"`
	Count   float64  `json:"count"`
	Frac    *float64 `json:"frac"`
	MaxSkew int32    `json:"max_skew"`
	Min     *float64 `json:"min_domains"`
	Penalty *float64 `json:"penalty"`

	label    string          // the key of the label that the listed demands carry
	carriers map[string]bool // whom the rule binds
}

type result struct {
	APIVersion string         `json:"apiVersion"`
	Kind       string         `json:"kind"`
	Outcome    string         `json:"outcome"`
	Cost       float64        `json:"cost"`
	Bound      float64        `json:"bound"`
	Gap        float64        `json:"gap"`
	Nodes      []resultNode   `json:"nodes"`
	Unplaced   map[string]int `json:"unplaced"`
	Stats      map[string]any `json:"stats"`
}

type resultNode struct {
	Pool  string         `json:"pool"`
	Count int            `json:"count"`
	Holds map[string]int `json:"holds"`
}

func (q pool) purchase() purchase {
	or := func(key, other string) string {
		if value := q.Labels[key]; value != "" {
			return value
		}
		return other
	}
	return purchase{or("type", q.ID), or("zone", "z"), or("purchase", "on-demand")}
}

func (r *rule) topology() string {
	if r.Per == "node" {
		return corev1.LabelHostname
	}
	return corev1.LabelTopologyZone
}

// quantities names amounts as Kubernetes does, in its own units; what does not come out even is rounded by turn, up for
// requests and down for capacities.
func (p *problem) quantities(amounts []float64, turn func(float64) float64) corev1.ResourceList {
	list := corev1.ResourceList{}
	for i, name := range p.Resources {
		switch name {
		case "cpu_milli":
			list[corev1.ResourceCPU] = *resource.NewScaledQuantity(int64(turn(amounts[i]*1e6)), resource.Nano)
		case "memory_mib":
			list[corev1.ResourceMemory] = *resource.NewQuantity(int64(turn(amounts[i]*(1<<20))), resource.BinarySI)
		case "pods":
			list[corev1.ResourcePods] = *resource.NewQuantity(int64(turn(amounts[i])), resource.DecimalSI)
		default:
			if amounts[i] > 0 {
				list[corev1.ResourceName("bench/"+name)] = *resource.NewQuantity(int64(turn(amounts[i])), resource.DecimalSI)
			}
		}
	}
	return list
}

func readProblem(path string) *problem {
	p := &problem{lists: map[string]map[string]bool{}, poolOf: map[purchase]string{}}
	text, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(text, p)
	}
	if err != nil {
		fail(3, "%s: %v", path, err)
	}
	if len(p.Nodes) > 0 {
		fail(77, "skipped: running nodes are not translated")
	}
	limited := false
	for _, q := range p.Pools {
		limited = limited || q.Max != nil
		if _, twice := p.poolOf[q.purchase()]; twice || q.Min > 0 {
			fail(77, "skipped: pool %s is bought twice or has a minimum", q.ID)
		}
		p.poolOf[q.purchase()] = q.ID
	}
	if limited {
		fmt.Fprintln(os.Stderr, "warning: Karpenter knows no limits of pools; they are left out")
	}
	for _, d := range p.Demands {
		if d.Pools != nil || d.Unplaced != nil {
			fail(77, "skipped: demand %s has pools or an unplaced cost", d.ID)
		}
	}
	keys := map[string]string{} // the members of a list, joined -> its label
	for _, r := range p.Rules {
		known := r.Penalty == nil && r.Min == nil && (r.Rule == "at_most" && r.Per == "node" && r.Frac == nil && r.Count >= 1 ||
			r.Rule == "together" && r.Per == "zone" || r.Rule == "spread" && (r.Per == "zone" || r.Per == "node"))
		if !known {
			fail(77, "skipped: rule %s per %s is not translated", r.Rule, r.Per)
		}
		members := slices.Clone(r.Demands)
		slices.Sort(members)
		joined := strings.Join(members, "\n")
		if keys[joined] == "" {
			keys[joined] = fmt.Sprintf("list-%d", len(keys))
			p.lists[keys[joined]] = set(r.Demands)
		}
		r.label, r.carriers = keys[joined], set(r.Demands)
		if r.For != nil {
			r.carriers = set(r.For)
		}
	}
	return p
}

func set(ids []string) map[string]bool {
	made := map[string]bool{}
	for _, id := range ids {
		made[id] = true
	}
	return made
}
