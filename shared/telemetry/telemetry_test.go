package telemetry_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/postern-dev/postern/shared/telemetry"
)

const (
	traceID = "4bf92f3577b34da6a3ce929d0e0e4736"
	spanID  = "00f067aa0ba902b7"
)

func lines(t *testing.T, b *bytes.Buffer) []map[string]any {
	t.Helper()
	var all []map[string]any
	for l := range strings.Lines(b.String()) {
		m := map[string]any{}
		if err := json.Unmarshal([]byte(l), &m); err != nil {
			t.Fatalf("line %q: %v", l, err)
		}
		if m["time"] == nil {
			t.Errorf("line %q has no time", l)
		}
		delete(m, "time")
		all = append(all, m)
	}
	return all
}

func TestLinesHaveCloudLoggingsShape(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	log := telemetry.NewLogger(&b, slog.LevelDebug, "my-project")
	ctx := telemetry.Begin(t.Context(), "ID", telemetry.Trace{ID: traceID, Span: spanID, Sampled: true})
	log.DebugContext(ctx, "hello", "level", "mine")
	log.Info("no request")
	log.Warn("w", "error", errors.New("boom"))
	log.Error("e")
	want := []map[string]any{
		{"severity": "DEBUG", "message": "hello", "request_id": "ID",
			"logging.googleapis.com/trace":         "projects/my-project/traces/" + traceID,
			"logging.googleapis.com/spanId":        spanID,
			"logging.googleapis.com/trace_sampled": true},
		{"severity": "INFO", "message": "no request"},
		{"severity": "WARNING", "message": "w", "error": "boom"},
		{"severity": "ERROR", "message": "e"},
	}
	got := lines(t, &b)
	delete(got[0], "level")
	if got[0]["severity"] != "DEBUG" {
		t.Errorf("severity: got %v", got[0]["severity"])
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestLinesBelowTheLevelAreNotWritten(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	log := telemetry.NewLogger(&b, nil, "")
	log.Debug("hidden")
	ctx := telemetry.Begin(t.Context(), "ID", telemetry.Trace{ID: traceID})
	log.InfoContext(ctx, "shown")
	if got := lines(t, &b); len(got) != 1 || got[0]["logging.googleapis.com/trace"] != nil {
		t.Errorf("got %v, want one line without trace", got)
	}
}

// Text of callers is cut and escaped, so that it never becomes a line of its own (LG-03).
func TestTextOfCallersCannotForgeALine(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	log := telemetry.NewLogger(&b, nil, "")
	evil := "x\r\n{\"severity\":\"ERROR\"}\n\u2028" + strings.Repeat("ü", 4000)
	log.Info(evil, "field", evil, "cause", errors.New(strings.Repeat("e", 20000)), "bad", "a\xffb")
	got := lines(t, &b)
	if len(got) != 1 {
		t.Fatalf("got %d lines, want 1", len(got))
	}
	for k, limit := range map[string]int{"message": 1030, "field": 1030, "cause": 8200, "bad": 10} {
		if s := got[0][k].(string); len(s) > limit || strings.HasSuffix(s, "\uFFFD…") {
			t.Errorf("%s: got %d bytes ending %q, want at most %d, cut between characters",
				k, len(s), s[len(s)-6:], limit)
		}
	}
}

// Trace headers count in their exact form alone (LG-04).
func TestOnlyWellFormedTraceIDsAreTaken(t *testing.T) {
	t.Parallel()
	ok := telemetry.Trace{ID: traceID, Span: spanID, Sampled: true}
	for _, c := range []struct {
		parent, cloud []string
		want          telemetry.Trace
	}{
		{[]string{"00-" + traceID + "-" + spanID + "-01"}, nil, ok},
		{[]string{"00-" + traceID + "-" + spanID + "-00"}, nil, telemetry.Trace{ID: traceID, Span: spanID}},
		{[]string{"ff-" + traceID + "-" + spanID + "-01"}, nil, telemetry.Trace{}},
		{[]string{"00-" + strings.ToUpper(traceID) + "-" + spanID + "-01"}, nil, telemetry.Trace{}},
		{[]string{"00-" + strings.Repeat("0", 32) + "-" + spanID + "-01"}, nil, telemetry.Trace{}},
		{[]string{"00-" + traceID + "-" + spanID + "-01-x"}, nil, telemetry.Trace{}},
		{[]string{"00-" + traceID + "-" + spanID + "-01", "00-" + traceID + "-" + spanID + "-01"}, nil,
			telemetry.Trace{}},
		{nil, []string{traceID + "/123;o=1"}, telemetry.Trace{ID: traceID, Sampled: true}},
		{nil, []string{traceID}, telemetry.Trace{ID: traceID}},
		{nil, []string{"../../x/1"}, telemetry.Trace{}},
		{nil, []string{traceID, traceID}, telemetry.Trace{}},
		{[]string{"junk"}, []string{traceID + "/1;o=0"}, telemetry.Trace{ID: traceID}},
	} {
		if got := telemetry.ParseTrace(c.parent, c.cloud); got != c.want {
			t.Errorf("%v %v: got %+v, want %+v", c.parent, c.cloud, got, c.want)
		}
	}
}

func TestFieldsGatherOnTheRequest(t *testing.T) {
	t.Parallel()
	ctx := telemetry.Begin(t.Context(), telemetry.NewRequestID(), telemetry.Trace{})
	telemetry.Add(ctx, slog.String("a", "1"), slog.String("b", "2"))
	telemetry.Add(ctx, slog.String("a", "3"))
	got := telemetry.Fields(ctx)
	if len(got) != 2 || got[0].Value.String() != "3" || got[1].Key != "b" {
		t.Errorf("got %v, want a=3 b=2", got)
	}
	if len(telemetry.RequestID(ctx)) != 16 ||
		telemetry.RequestID(t.Context()) != "" || telemetry.Fields(t.Context()) != nil {
		t.Error("the id or the empty case is wrong")
	}
	telemetry.Add(context.Background(), slog.String("a", "lost"))
}

// Each event has one line, under its name and at its level (LG-07).
func TestEventsAreWrittenUnderTheirNames(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	log := telemetry.NewLogger(&b, slog.LevelDebug, "")
	telemetry.Audit(t.Context(), log, telemetry.RefreshReused, slog.String("grant", "hash"))
	telemetry.Audit(t.Context(), log, telemetry.TokenRefreshed)
	telemetry.Audit(t.Context(), log, "not.listed")
	want := []map[string]any{
		{"severity": "WARNING", "message": "refresh.reused", "event": "refresh.reused", "grant": "hash"},
		{"severity": "DEBUG", "message": "token.refreshed", "event": "token.refreshed"},
		{"severity": "ERROR", "message": "not.listed", "event": "not.listed"},
	}
	if diff := cmp.Diff(want, lines(t, &b)); diff != "" {
		t.Error(diff)
	}
}

func TestEveryEventIsExplainedOnce(t *testing.T) {
	t.Parallel()
	seen := map[telemetry.Event]bool{}
	for _, e := range telemetry.Events {
		if seen[e.Name] || e.Meaning == "" || len(e.Fields) == 0 {
			t.Errorf("%s is repeated or not explained", e.Name)
		}
		seen[e.Name] = true
	}
}

func TestLevelsAreFourWords(t *testing.T) {
	t.Parallel()
	for s, want := range map[string]slog.Level{
		"debug": slog.LevelDebug, "info": slog.LevelInfo, "warn": slog.LevelWarn,
		"error": slog.LevelError,
	} {
		if got, err := telemetry.ParseLevel(s); got != want || err != nil {
			t.Errorf("%s: got %v, %v", s, got, err)
		}
	}
	if _, err := telemetry.ParseLevel("loud"); err == nil {
		t.Error("loud is a level")
	}
}
