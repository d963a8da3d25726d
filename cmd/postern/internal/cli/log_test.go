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

// The lines of other processes take the form of ours: a program's stay as they are, a person's read
// like those of this process, and drive the terminal as little (LG-03).
func TestLinesOfOtherProcessesTakeTheSameForm(t *testing.T) {
	t.Parallel()
	var line bytes.Buffer
	telemetry.NewLogger(&line, nil, "acme").WarnContext(
		telemetry.Begin(t.Context(), "REQUEST1", telemetry.Trace{ID: "TRACE1"}), "signed in \x1b[2J",
		"event", "code.redeemed", "client_id", "c_1", "status", 200)
	show := func(form string, line []byte) string {
		var b bytes.Buffer
		o := New(nil, nil, &b)
		log, err := o.Logger(form, slog.LevelInfo)
		if err != nil {
			t.Fatal(err)
		}
		if n, err := o.Lines(form, log).Write(line); n != len(line) || err != nil {
			t.Errorf("got %d, %v, want the whole line written", n, err)
		}
		return b.String()
	}
	if got := show(LogAuto, line.Bytes()); got != line.String() {
		t.Errorf("for programs: got %q, want %q", got, line.String())
	}
	got := show(LogText, line.Bytes())
	for _, want := range []string{"WRN", "signed in \ufffd[2J", "client_id=c_1 status=200 request_id=REQUEST1\n"} {
		if !strings.Contains(got, want) {
			t.Errorf("for people: got %q, want %q in it", got, want)
		}
	}
	if strings.Contains(got, "{") || strings.Contains(got, "TRACE1") || strings.Contains(got, "code.redeemed") {
		t.Errorf("for people: got %q, want no JSON, no trace and no event", got)
	}
	for line, want := range map[string]string{
		"panic: \x1b[2Joops\n": "panic: \ufffd[2Joops\n", "\tmain.go:3\n": "    main.go:3\n",
		"{\n": "{\n", `{"a":1}` + "\n": `{"a":1}` + "\n",
	} {
		if got := show(LogText, []byte(line)); got != want {
			t.Errorf("%q: got %q, want %q", line, got, want)
		}
	}
}
