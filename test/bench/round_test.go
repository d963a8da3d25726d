package bench

import (
	"os"
	"slices"
	"testing"
)

const (
	rounds   = 5
	requests = 3000 // of a side in a round
)

// A pair is two sides and what each is loaded with; ours comes first.
type pair struct {
	ours, bare        side
	ourLoad, bareLoad load
	requests          int
}

// rounds loads both sides in turns, the first of a round changing, after one that does not count.
func (p pair) rounds(b *testing.B) (ours, bare []measurement) {
	b.Helper()
	for i := range rounds + 1 {
		var mine, theirs measurement
		if i%2 == 0 {
			mine = p.ourLoad.run(b, p.ours, p.requests)
		}
		theirs = p.bareLoad.run(b, p.bare, p.requests)
		if i%2 == 1 {
			mine = p.ourLoad.run(b, p.ours, p.requests)
		}
		if i > 0 {
			ours, bare = append(ours, mine), append(bare, theirs)
		}
	}
	return ours, bare
}

// compare measures p and reports medians, and medians of the ratios of one round; the rate is
// to be at least atLeast times the bare side's.
func (p pair) compare(b *testing.B, atLeast float64) {
	b.Helper()
	ours, bare := p.rounds(b)
	rate := func(m measurement) float64 { return m.rate }
	cpu := func(m measurement) float64 { return m.cpu }
	b.ReportMetric(of(ours, rate), "req/s-ours")
	b.ReportMetric(of(bare, rate), "req/s-bare")
	b.ReportMetric(of(ours, cpu), "us-cpu-ours")
	b.ReportMetric(of(bare, cpu), "us-cpu-bare")
	b.ReportMetric(ratio(ours, bare, cpu), "cpu-x")
	atLeastBudget(b, ratio(ours, bare, rate), atLeast, "rate-x")
}

// Budgets are asserted where POSTERN_BUDGETS=1 says so, which make bench-compare does; elsewhere
// a machine that is busy would fail what is right.
func asserts() bool { return os.Getenv("POSTERN_BUDGETS") == "1" }

func atLeastBudget(b *testing.B, got, budget float64, unit string) {
	b.Helper()
	b.ReportMetric(0, "ns/op") // of the benchmark itself, which says nothing
	b.ReportMetric(got, unit)
	if asserts() && got < budget {
		b.Errorf("%s: got %.2f, want at least %.2f", unit, got, budget)
	}
}

func atMostBudget(b *testing.B, got, budget float64, unit string) {
	b.Helper()
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(got, unit)
	if asserts() && got > budget {
		b.Errorf("%s: got %.2f, want at most %.2f", unit, got, budget)
	}
}

func of(list []measurement, what func(measurement) float64) float64 {
	var all []float64
	for _, m := range list {
		all = append(all, what(m))
	}
	return median(all)
}

// ratio is the median of the rounds' ratios.
func ratio(ours, bare []measurement, what func(measurement) float64) float64 {
	var all []float64
	for i := range ours {
		all = append(all, what(ours[i])/what(bare[i]))
	}
	return median(all)
}

func median(list []float64) float64 { return slices.Sorted(slices.Values(list))[len(list)/2] }
