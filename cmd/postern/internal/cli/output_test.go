package cli_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/postern-dev/postern/cmd/postern/internal/cli"
)

// An answer has one shape, whether a command found much, nothing, or could not look.
func TestAnswerHasOneShape(t *testing.T) {
	t.Parallel()
	want := []string{"error", "items", "source", "unreadable", "warnings"}
	for name, c := range map[string]struct {
		speak func(o *cli.Output)
		err   error
	}{
		"nothing":    {speak: func(*cli.Output) {}},
		"no items":   {speak: func(o *cli.Output) { o.From("embedded:x"); _ = o.Show([]any{}, nil, nil) }},
		"items":      {speak: func(o *cli.Output) { _ = o.Say(map[string]int{"n": 1}, "%d", 1); o.Warn("careful") }},
		"unreadable": {speak: func(o *cli.Output) { o.Unreadable(2) }, err: errors.New("not all")},
		"fault":      {speak: func(*cli.Output) {}, err: errors.New("no store")},
	} {
		var out bytes.Buffer
		o := cli.New(strings.NewReader(""), &out, io.Discard)
		o.JSON = true
		c.speak(o)
		if err := o.Finish(c.err); !errors.Is(err, c.err) {
			t.Errorf("%s: got error %v, want %v", name, err, c.err)
		}
		var members map[string]any
		if err := json.Unmarshal(out.Bytes(), &members); err != nil {
			t.Fatalf("%s: %v in %s", name, err, out.String())
		}
		if got := slices.Sorted(maps.Keys(members)); !slices.Equal(got, want) {
			t.Errorf("%s: got members %v, want %v", name, got, want)
		}
		if members["items"] == nil || members["warnings"] == nil || (members["error"] == nil) != (c.err == nil) {
			t.Errorf("%s: got %s, want lists and an error as %v", name, out.String(), c.err)
		}
	}
}

// What cannot be undone is done for --yes, or for a person who types yes, and for nobody else.
func TestConfirmWantsAYes(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		yes, interactive bool
		answer           string
		status           int
	}{
		{true, false, "", cli.OK},
		{true, true, "no\n", cli.OK},
		{false, true, "yes\n", cli.OK},
		{false, true, "y\n", cli.Failed},
		{false, true, "", cli.Failed},
		{false, false, "yes\n", cli.Misuse},
	} {
		o := cli.New(strings.NewReader(c.answer), io.Discard, io.Discard)
		o.Interactive = c.interactive
		if got := cli.Status(o.Confirm(c.yes, "Sure?")); got != c.status {
			t.Errorf("%+v: got status %d", c, got)
		}
	}
}

func TestWordsForCountsAndTimes(t *testing.T) {
	t.Parallel()
	for n, want := range map[int]string{0: "0 clients", 1: "1 client", 2: "2 clients"} {
		if got := cli.Count(n, "client", "clients"); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	at := time.Date(2026, 3, 1, 12, 0, 0, 0, time.Local)
	if got, want := cli.Time(at), "2026-03-01 12:00 "+at.Format("MST"); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := cli.Time(time.Time{}); got != "-" {
		t.Errorf("no time: got %q, want -", got)
	}
}

func TestSinceTakesADurationOrADate(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]time.Time{
		"36h":                  time.Now().Add(-36 * time.Hour),
		"2026-03-01":           time.Date(2026, 3, 1, 0, 0, 0, 0, time.Local),
		"2026-03-01T12:00:00Z": time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC),
	} {
		var s cli.Since
		if err := s.Set(text); err != nil || s.Sub(want).Abs() > time.Hour {
			t.Errorf("%s: got %s, %v, want %s", text, s.Time, err, want)
		}
	}
	for _, text := range []string{"", "yesterday", "-1h", "2026-13-01"} {
		if err := new(cli.Since).Set(text); err == nil {
			t.Errorf("%q: accepted", text)
		}
	}
}
