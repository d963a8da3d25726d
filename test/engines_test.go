package test

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"path/filepath"
	"testing"

	"github.com/postern-dev/postern/test/internal/rig"
	"github.com/postern-dev/postern/test/kit/tool"
)

// engines are the real browsers that people sign in with, by what test/npm/browser.mjs calls them.
var engines = []struct {
	name string
	tool tool.Tool
}{
	{"chromium", tool.Chromium},
	{"firefox", tool.Firefox},
	{"webkit", tool.WebKit},
}

// An engine is a program with a real browser, of which a test sees tabs (test/npm/browser.mjs says how to talk to it).
// It does one thing at a time.
type engine struct {
	process *rig.Process
	answers chan string
}

func startEngine(t *testing.T, name, program string) *engine {
	t.Helper()
	dir := rig.Npm(t, ".")
	r, w := io.Pipe()
	e := &engine{answers: make(chan string)}
	e.process = rig.Launch(t, rig.Command{
		Name: name, Path: tool.Node.Need(t), Args: []string{filepath.Join(dir, "browser.mjs"), name, program},
		Env: map[string]string{"TMPDIR": t.TempDir()}, Stdout: w,
	})
	go func() {
		for scanner := bufio.NewScanner(r); scanner.Scan(); {
			e.answers <- scanner.Text()
		}
	}()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), rig.Patience)
		defer cancel()
		if err := e.process.CloseInput(); err != nil {
			t.Error(err)
		}
		if _, err := e.process.Wait(ctx); err != nil {
			t.Errorf("the browser goes on: %v", err)
		}
		_ = w.Close()
	})
	return e
}

// A step is what one of its tabs is to do.
type step struct {
	Do     string   `json:"do"`
	Tab    int      `json:"tab,omitempty"`
	URL    string   `json:"url,omitempty"`
	Any    []string `json:"any,omitempty"`
	On     string   `json:"on,omitempty"`
	Text   string   `json:"text,omitempty"`
	Key    string   `json:"key,omitempty"`
	Script string   `json:"script,omitempty"`
}

// An outcome is what came of a step.
type outcome struct {
	Tab    int             `json:"tab"`
	Pids   []int           `json:"pids"` // of programs that were started for it
	Seen   int             `json:"seen"`
	Value  json.RawMessage `json:"value"`
	Failed string          `json:"failed"`
}

// A tab is one of a browser's.
type tab struct {
	t  *testing.T
	e  *engine
	id int
}

// open starts a browser that knows nothing, for one test, and returns its first tab.
func (e *engine) open(t *testing.T) *tab {
	t.Helper()
	first := (&tab{t: t, e: e}).opened(step{Do: "open"})
	t.Cleanup(func() { first.do(step{Do: "close"}) })
	return first
}

// do has the tab do a step.
func (b *tab) do(s step) outcome {
	b.t.Helper()
	s.Tab = b.id
	line, err := json.Marshal(s)
	if err != nil {
		b.t.Fatal(err)
	}
	if _, err := b.e.process.Write(append(line, '\n')); err != nil {
		b.t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), rig.Patience)
	defer cancel()
	var o outcome
	select {
	case line := <-b.e.answers:
		if err := json.Unmarshal([]byte(line), &o); err != nil || o.Failed != "" {
			b.t.Fatalf("in the browser: %v %s", err, o.Failed)
		}
	case <-ctx.Done():
		b.t.Fatalf("%s: the browser does not answer: %v", s.Do, ctx.Err())
	}
	for _, pid := range o.Pids {
		if err := rig.Guard(pid); err != nil {
			b.t.Fatal(err)
		}
	}
	return o
}

// opened is the tab that a step opens.
func (b *tab) opened(s step) *tab {
	b.t.Helper()
	return &tab{b.t, b.e, b.do(s).Tab}
}

func (b *tab) beside() *tab          { b.t.Helper(); return b.opened(step{Do: "tab"}) }
func (b *tab) popup(on string) *tab  { b.t.Helper(); return b.opened(step{Do: "popup", On: on}) }
func (b *tab) visit(address string)  { b.t.Helper(); b.do(step{Do: "go", URL: address}) }
func (b *tab) click(on string)       { b.t.Helper(); b.do(step{Do: "click", On: on}) }
func (b *tab) write(on, text string) { b.t.Helper(); b.do(step{Do: "type", On: on, Text: text}) }
func (b *tab) back()                 { b.t.Helper(); b.do(step{Do: "back"}) }
func (b *tab) reload()               { b.t.Helper(); b.do(step{Do: "reload"}) }
func (b *tab) see(selectors ...string) int {
	b.t.Helper()
	return b.do(step{Do: "see", Any: selectors}).Seen
}

// press presses keys, one after the other.
func (b *tab) press(keys ...string) {
	b.t.Helper()
	for _, key := range keys {
		b.do(step{Do: "press", Key: key})
	}
}

// ask evaluates an expression in the page and decodes what comes of it.
func ask[T any](b *tab, script string) T {
	b.t.Helper()
	var value T
	answer := b.do(step{Do: "evaluate", Script: script}).Value
	if err := json.Unmarshal(answer, &value); err != nil {
		b.t.Fatalf("%s: got %s: %v", script, answer, err)
	}
	return value
}
