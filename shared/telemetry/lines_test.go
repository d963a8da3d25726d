package telemetry_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/postern-dev/postern/shared/telemetry"
)

type secret struct{}

func (secret) LogValue() slog.Value { return slog.StringValue("[redacted]") }

// What a line says is what slog's own handler says, whatever is logged.
func TestLinesSayWhatSlogSays(t *testing.T) {
	t.Parallel()
	var ours, theirs bytes.Buffer
	rename := func(groups []string, a slog.Attr) slog.Attr {
		switch {
		case len(groups) > 0:
		case a.Key == slog.LevelKey:
			a.Key = "severity"
		case a.Key == slog.MessageKey:
			a.Key = "message"
		}
		return a
	}
	want := slog.New(slog.NewJSONHandler(&theirs, &slog.HandlerOptions{ReplaceAttr: rename}))
	for _, log := range []*slog.Logger{telemetry.NewLogger(&ours, nil, ""), want} {
		log = log.With("with", 1).WithGroup("group").With("inner", "x")
		log.Info("quote \" back \\ tab \t nul \x00 del \x7f line \u2028\u2029 ü \U0001f600",
			"int", -1, "uint", uint64(math.MaxUint64), "float", 1.5, "bool", true, "duration", time.Second,
			"time", time.Unix(1, 5).UTC(), "secret", secret{}, "list", []string{"a", "b"}, "nil", nil,
			slog.Group("more", "a", 1, slog.Group("", "flat", 2)), slog.Group("none"), slog.Attr{}, "\"key", "v")
	}
	var got, expected map[string]any
	if err := json.Unmarshal(ours.Bytes(), &got); err != nil {
		t.Fatalf("%s: %v", ours.Bytes(), err)
	}
	if err := json.Unmarshal(theirs.Bytes(), &expected); err != nil {
		t.Fatal(err)
	}
	delete(got, "time")
	delete(expected, "time")
	if diff := cmp.Diff(expected, got); diff != "" {
		t.Error(diff)
	}
	if n := bytes.Count(ours.Bytes(), []byte("\u2028")); n != 0 {
		t.Errorf("got %d bare line separators, want none", n)
	}
}

// A number that JSON does not have is a text, and what cannot be encoded says so.
func TestLinesAreJSONWhateverIsLogged(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	telemetry.NewLogger(&b, nil, "").Info("m", "nan", math.NaN(), "inf", math.Inf(1), "channel", make(chan int))
	for _, key := range []string{"nan", "inf", "channel"} {
		if got := lines(t, bytes.NewBuffer(bytes.Clone(b.Bytes())))[0][key]; got == nil || got == "" {
			t.Errorf("%s: got %v, want a text", key, got)
		}
	}
}

// A line is a part of the cost of every request: it is appended, and what it allocates is its record.
func TestALineAllocatesNothingOfItsOwn(t *testing.T) {
	h := telemetry.NewLogger(io.Discard, nil, "").Handler()
	ctx := telemetry.Begin(t.Context(), "ID", telemetry.Trace{})
	rec := slog.NewRecord(time.Now(), slog.LevelInfo, "POST /mcp", 0)
	rec.AddAttrs(slog.String("path", "/mcp"), slog.Int("status", 200), slog.String("outcome", "ok"))
	write := func(ctx context.Context) func() { return func() { _ = h.Handle(ctx, rec) } }
	if got := testing.AllocsPerRun(100, write(ctx)); got > 0 {
		t.Errorf("got %v allocations, want none", got)
	}
}
