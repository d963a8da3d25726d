package cli

import (
	"bytes"
	"encoding/json"
	"errors"
	"log/slog"
	"strings"
	"testing"

	"github.com/postern-dev/postern/shared/telemetry"
)

// A log is text on a terminal and JSON elsewhere, or what was asked for.
func TestLogIsTextForPeopleAndJSONForPrograms(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		form               string
		terminal, wantJSON bool
	}{
		{LogAuto, false, true}, {LogAuto, true, false}, {LogJSON, true, true}, {LogText, false, false},
	} {
		var b bytes.Buffer
		o := New(nil, nil, &b)
		o.progress.terminal = c.terminal
		log, err := o.Logger(c.form, slog.LevelInfo)
		if err != nil {
			t.Fatal(err)
		}
		log.InfoContext(telemetry.Begin(t.Context(), "REQUEST1", telemetry.Trace{}), "signed in",
			"event", "code.redeemed", "client_id", "c_1")
		if got := json.Valid(b.Bytes()); got != c.wantJSON {
			t.Errorf("%+v: got %s", c, b.String())
		}
		if strings.Contains(b.String(), "code.redeemed") != c.wantJSON {
			t.Errorf("%+v: got %s, want the event for programs alone", c, b.String())
		}
		for _, want := range []string{"signed in", "c_1", "REQUEST1"} {
			if !strings.Contains(b.String(), want) {
				t.Errorf("%+v: got %s, want %s in it", c, b.String(), want)
			}
		}
	}
	if _, err := New(nil, nil, &bytes.Buffer{}).Logger("xml", slog.LevelInfo); !IsUsage(err) {
		t.Errorf("got %v, want an error about the command line", err)
	}
}

// What callers wrote cannot drive the terminal on which the log is read (LG-03).
func TestReadableLogIsPlainText(t *testing.T) {
	t.Parallel()
	for _, terminal := range []bool{false, true} {
		var b bytes.Buffer
		o := New(nil, nil, &b)
		o.progress.terminal = terminal
		log, err := o.Logger(LogText, slog.LevelInfo)
		if err != nil {
			t.Fatal(err)
		}
		evil := "a\x1b[2J\nb\u202e"
		log.Info(evil, "name", evil, "any", struct{ S string }{evil}, "error", errors.New(evil))
		got := b.String()
		if strings.Count(got, "\n") != 1 || strings.Contains(got, "\x1b[2J") || strings.Contains(got, "\u202e") {
			t.Errorf("terminal %v: got %q, want one plain line", terminal, got)
		}
	}
}
