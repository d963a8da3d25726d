package cli

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"strings"
	"testing"

	"github.com/postern-dev/postern/shared/telemetry"
)

// A log is JSON where a program reads it, and text for people where they ask for it.
func TestLogHasTheFormThatWasAskedFor(t *testing.T) {
	t.Parallel()
	for form, wantJSON := range map[string]bool{LogAuto: true, LogJSON: true, LogText: false} {
		var b bytes.Buffer
		log, err := Logger(&b, form, slog.LevelInfo)
		if err != nil {
			t.Fatal(err)
		}
		log.InfoContext(telemetry.Begin(t.Context(), "REQUEST1", telemetry.Trace{}), "signed in", "client_id", "c_1")
		if got := json.Valid(b.Bytes()); got != wantJSON {
			t.Errorf("%s: got %s, want JSON: %v", form, b.String(), wantJSON)
		}
		for _, want := range []string{"signed in", "c_1", "REQUEST1"} {
			if !strings.Contains(b.String(), want) {
				t.Errorf("%s: got %s, want %s in it", form, b.String(), want)
			}
		}
	}
	if _, err := Logger(&bytes.Buffer{}, "xml", slog.LevelInfo); !IsUsage(err) {
		t.Errorf("got %v, want an error about the command line", err)
	}
}

// LG-03: what callers wrote cannot drive the terminal on which the log is read.
func TestReadableLogIsPlainText(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	log, err := Logger(&b, LogText, slog.LevelInfo)
	if err != nil {
		t.Fatal(err)
	}
	evil := "a\x1b[2J\nb\u202e"
	log.Info(evil, "name", evil, "any", struct{ S string }{evil})
	if got := b.String(); strings.Count(got, "\n") != 1 || strings.ContainsAny(got, "\x1b\u202e") {
		t.Errorf("got %q, want one plain line", got)
	}
}
