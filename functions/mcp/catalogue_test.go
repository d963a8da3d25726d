package mcp

import (
	"context"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/postern-dev/postern/shared/oauth"
)

// unspeakable is a type that JSON has not.
type unspeakable struct{ C chan int }

func badTool() Part {
	return NewTool(sdk.Tool{Name: "bad"}, func(context.Context, Caller, None) (unspeakable, error) {
		return unspeakable{}, nil
	})
}

func rawNamed(names ...string) Part {
	return Raw(func(s *sdk.Server) {
		for _, name := range names {
			s.AddTool(&sdk.Tool{Name: name, InputSchema: map[string]any{"type": "object"}},
				func(context.Context, *sdk.CallToolRequest) (*sdk.CallToolResult, error) { return nil, nil })
		}
	})
}

// A description that cannot be served stops the start, and says which part it is.
func TestABadDescriptionStopsTheStart(t *testing.T) {
	t.Parallel()
	nothing := func(context.Context, Caller, Completion) ([]string, error) { return nil, nil }
	unwatched := func(context.Context, Caller, string, func()) error { return nil }
	withoutInput := Raw(func(s *sdk.Server) { s.AddTool(&sdk.Tool{Name: "x"}, nil) })
	for name, c := range map[string]struct {
		parts []Part
		check bool
		want  string
	}{
		"two tools":           {[]Part{echo("a"), echo("a")}, false, `two of the tool "a"`},
		"a tool and a raw":    {[]Part{echo("a"), rawNamed("b", "a")}, true, `two of the tool "a"`},
		"a schema":            {[]Part{badTool()}, true, `the tool "bad": output schema`},
		"a raw schema":        {[]Part{withoutInput}, true, "missing input schema"},
		"a part made by hand": {[]Part{{}}, false, "not made by NewTool"},
		"a completed tool":    {[]Part{echo("a").Completing(nothing)}, false, `the tool "a": Completing is for`},
		"a watched tool":      {[]Part{echo("a").Watched(unwatched)}, false, `the tool "a": Watched is for`},
	} {
		f := newEndpoint(t)
		f.serve(c.parts...)
		f.Check = c.check
		if _, err := New(f.Config); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %s", name, err, c.want)
		}
	}
	f := newEndpoint(t)
	f.Check, f.Scopes = true, &oauth.ScopeSet{}
	f.serve(echo("wipe").Needs("admin"))
	if _, err := New(f.Config); err == nil || !strings.Contains(err.Error(), "it needs admin, which SCOPES must have") {
		t.Errorf("a scope that nobody can get: got %v", err)
	}
	subscribing := sdk.ServerOptions{
		SubscribeHandler: func(context.Context, *sdk.SubscribeRequest) error { return nil },
	}
	for name, describe := range map[string]func(Deps) Server{
		"use Watched": func(Deps) Server { return Server{Name: "x", Options: subscribing} },
		"not set":     func(Deps) Server { return Server{} }, "panicked": func(Deps) Server { panic("x") },
	} {
		f.Describe = describe
		if _, err := New(f.Config); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("got %v, want %s", err, name)
		}
	}
}

// Where parts are made for the first caller, a bad one is left out and logged, and harms no
// other.
func TestABadPartIsLeftOutOfARunningServer(t *testing.T) {
	t.Parallel()
	f := newEndpoint(t)
	var log strings.Builder
	f.Log = slog.New(slog.NewTextHandler(&log, nil))
	f.serve(badTool(), echo("echo"), rawNamed("echo"))
	h := f.open(t)
	token := f.connect(t, "octocat", "Client", nil).token
	for range 2 {
		w := mustCode(t, h, request(t.Context(), token, listTools), http.StatusOK)
		if b := w.Body.String(); !strings.Contains(b, `"echo"`) || strings.Contains(b, `"bad"`) {
			t.Errorf("list: got %s, want echo alone", b)
		}
	}
	if got := log.String(); strings.Count(got, "left out") != 1 || !strings.Contains(got, "bad") ||
		!strings.Contains(got, "two of") {
		t.Errorf("log: got %s, want both named once", got)
	}
}

// A part that cannot be made a second time is left out of what is made then, and harms no other.
func TestAPartThatFailsLaterHarmsNoOther(t *testing.T) {
	t.Parallel()
	f := newEndpoint(t)
	made := 0
	f.serve(echo("echo"), Raw(func(s *sdk.Server) {
		if made++; made > 1 {
			panic("no more")
		}
		s.AddTool(&sdk.Tool{Name: "once", InputSchema: map[string]any{"type": "object"}}, nil)
	}))
	h := f.open(t)
	w := mustCode(t, h, request(t.Context(), f.connect(t, "octocat", "Client", nil).token, listTools), http.StatusOK)
	if b := w.Body.String(); !strings.Contains(b, `"echo"`) || strings.Contains(b, `"once"`) {
		t.Errorf("list: got %s, want echo alone", b)
	}
}

// Parts that differ for every person do not fill the memory.
func TestViewsAreBounded(t *testing.T) {
	t.Parallel()
	parts := make([]Part, 10)
	seen := 0
	for i := range parts {
		parts[i] = rawNamed(string(rune('a' + i))).OnlyFor(func(Caller) bool { return seen&(1<<i) != 0 })
	}
	f := newEndpoint(t)
	f.serve(parts...)
	c, err := newCatalogue(f.Describe(f.deps()), f.deps(), nil)
	must(t, err)
	for seen = range 3 * maxViews {
		if v := c.of(&Caller{}); len(c.views) > maxViews || len(v.scopes) > len(parts) {
			t.Fatalf("got %d views, want at most %d", len(c.views), maxViews)
		}
	}
}

// A rule of who may see a part that panics is one failed answer (HT-09).
func TestAPanickingRuleIsOneFailedAnswer(t *testing.T) {
	t.Parallel()
	f := newEndpoint(t)
	f.serve(echo("echo").OnlyFor(func(c Caller) bool {
		if c.Person.Login == "mona" {
			panic("secret cause")
		}
		return true
	}))
	h := f.open(t)
	w := do(h, request(t.Context(), f.connect(t, "mona", "Client", nil).token, listTools))
	if w.Code != http.StatusInternalServerError && w.Code != http.StatusServiceUnavailable ||
		strings.Contains(w.Body.String(), "secret") {
		t.Errorf("panic: got %d %s, want a fault without the cause", w.Code, w.Body)
	}
	mustCode(t, h, request(t.Context(), f.connect(t, "octocat", "Client", nil).token, listTools), http.StatusOK)
}
