package cli

import (
	"bytes"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// A buffer can be read while it is written.
type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

func onTerminal(w *buffer, terminal bool) *Output {
	o := New(nil, w, w)
	o.progress.terminal = terminal
	return o
}

// Where there is no terminal, what takes more than two seconds says so in a line, without
// control characters, and what takes less says nothing.
func TestSlowWorkIsNamedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var w buffer
		o := onTerminal(&w, false)
		end := o.Begin("quick work")
		time.Sleep(1900 * time.Millisecond)
		end()
		if got := w.String(); got != "" {
			t.Errorf("got %q, want nothing", got)
		}
		end = o.Begin("slow work")
		time.Sleep(time.Hour)
		end()
		time.Sleep(time.Hour)
		if got, want := w.String(), "slow work …\n"; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	})
}

// On a terminal a line is drawn until the work ends, other words go above it, and nothing
// of it stays.
func TestSpinnerLeavesTheTerminalToOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var w buffer
		o := onTerminal(&w, true)
		end := o.Begin("slow work")
		time.Sleep(3*time.Second + turn/2)
		if got := w.String(); !strings.HasSuffix(got, " slow work 3s") {
			t.Fatalf("got %q, want the work and its time", got)
		}
		o.Note("a line")
		if got := w.String(); !strings.HasSuffix(got, "slow work 3s\r\x1b[Ka line\n") {
			t.Errorf("got %q, want the line for itself", got)
		}
		o.Going("other\x1bwork")
		time.Sleep(turn)
		if got := w.String(); !strings.Contains(got, "other\ufffdwork") {
			t.Errorf("got %q, want other words, made plain", got)
		}
		end()
		if got := w.String(); !strings.HasSuffix(got, "\r\x1b[K") {
			t.Errorf("got %q, want a clean line", got)
		}
	})
}

// A person who is asked has the terminal for themselves.
func TestNothingIsDrawnWhileAPersonIsAsked(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var w buffer
		o := onTerminal(&w, true)
		o.Interactive, o.In = true, slowReader{}
		defer o.Begin("slow work")()
		if err := o.Confirm(false, "Sure?"); err != nil {
			t.Fatal(err)
		}
		if got, want := w.String(), "Sure? Type yes to go on: "; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	})
}

type slowReader struct{}

func (slowReader) Read(p []byte) (int, error) {
	time.Sleep(time.Minute)
	return copy(p, "yes\n"), nil
}
