package telemetry_test

import (
	"log/slog"
	"testing"

	"github.com/postern-dev/postern/shared/telemetry"
)

// Without an observer there is nothing to pay: not one allocation.
func TestWhatNobodyObservesCostsNothing(t *testing.T) {
	ctx := telemetry.Begin(t.Context(), "ID", telemetry.Trace{ID: traceID, Span: spanID, Sampled: true})
	parent := telemetry.Trace{ID: traceID, Span: spanID}
	quiet := slog.New(slog.DiscardHandler)
	got := testing.AllocsPerRun(100, func() {
		below, request := telemetry.StartRequest(ctx, telemetry.KindRequest, "request")
		below, call := telemetry.StartBelow(below, telemetry.KindCall, "call", parent)
		_, span := telemetry.Start(below, telemetry.KindStore, "store")
		span.Set("key", "value")
		span.SetInt("key", 1)
		span.Label("key", "value")
		span.Rename("other")
		span.End("ok", "")
		call.End("ok", "")
		request.End("ok", "")
		if parent, _ := telemetry.Carried(below); parent != "" || telemetry.On(ctx) || span.On() {
			t.Error("something is observed")
		}
		telemetry.Flush(ctx)
	})
	if got != 0 {
		t.Errorf("got %v allocations, want none", got)
	}
	telemetry.Audit(ctx, quiet, telemetry.TokenRefreshed)
}

func TestEveryMetricIsExplainedOnce(t *testing.T) {
	t.Parallel()
	names, kinds := map[string]bool{}, map[telemetry.Kind]bool{}
	for _, m := range telemetry.Metrics {
		if names[m.Name] || kinds[m.Kind] || m.Question == "" || len(m.Labels) == 0 {
			t.Errorf("%s is repeated or not explained", m.Name)
		}
		names[m.Name], kinds[m.Kind] = true, true
	}
	for k := telemetry.KindRequest; k <= telemetry.KindFetch; k++ {
		if !kinds[k] {
			t.Errorf("kind %d has no metric", k)
		}
	}
}
