package test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/postern-dev/postern/test/internal/rig"
	"github.com/postern-dev/postern/test/kit/collector"
)

// Where a caller of ours is in a trace.
const (
	ourTrace = "4bf92f3577b34da6a3ce929d0e0e4736"
	ourSpan  = "00f067aa0ba902b7"
)

// With each function a process of its own, a collector sees a login, a call, a refresh and the
// end of a connection: as spans below the caller's, as counts, and without a secret (LG-01). A
// function has sent what a request did when its answer ends, so nothing has to be waited for
// but the event that the cascade gets.
func TestACollectorSeesAWholeLogin(t *testing.T) {
	rig.Slow(t)
	t.Parallel()
	c := collector.Start(t)
	s := rig.StartEmulated(t, 1, map[string]string{
		"OTEL_EXPORTER_OTLP_ENDPOINT": c.URL, "OTEL_TRACES_SAMPLER": "always_on", // the gateway would have none
	})
	a := loggedIn(t, s)
	meta := map[string]any{"traceparent": "00-" + ourTrace + "-" + ourSpan + "-01"}
	params := map[string]any{"name": "whoami", "arguments": map[string]any{}, "_meta": meta}
	if err := a.RPC(t.Context(), "2025-06-18", "tools/call", params, nil); err != nil {
		t.Fatal(err)
	}
	if err := a.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := a.Revoke(t.Context()); err != nil {
		t.Fatal(err)
	}

	services := map[string]bool{}
	for _, span := range c.Spans() {
		services[span.Service] = true
	}
	for _, name := range []string{"register", "authorize", "token", "mcp"} {
		if !services["postern-"+name] {
			t.Errorf("got spans of %v, want some of postern-%s", services, name)
		}
	}
	if services["postern-wellknown"] {
		t.Error("wellknown sends, and has to do without everything")
	}
	call := one(t, c, "tools/call whoami")
	if call.Trace != ourTrace || call.Parent != ourSpan || call.Attributes["mcp.method.name"] != "tools/call" {
		t.Errorf("call: got %+v, want it below the span of its message", call)
	}
	for count, want := range map[string]uint64{
		"client.registered": 1, "sign_in.completed": 1, "code.redeemed": 1, "token.refreshed": 1, "grant.revoked": 1,
		"refresh.reused": 0,
	} {
		if got := c.Count("postern.events", "postern.event="+count); got != want {
			t.Errorf("%s: got %d, want %d", count, got, want)
		}
	}
	for metric, labels := range map[string][]string{
		"mcp.server.operation.duration": {"gen_ai.tool.name=whoami", "postern.outcome=ok"},
		"db.client.operation.duration":  {"db.operation.name=transaction", "db.system.name=sqlite"},
		"http.server.request.duration":  {"http.route=/token", "http.response.status_code=200"},
	} {
		if c.Count(metric, labels...) == 0 {
			t.Errorf("%s %v: got none", metric, labels)
		}
	}
	eventually(t, "the cascade's span", func() error {
		if c.Count("faas.invoke_duration", "postern.outcome=ok") == 0 {
			return fmt.Errorf("none yet")
		}
		return nil
	})
	nothingSecret(t, s, c)
}

// A program that works between requests sends what is left when it ends.
func TestDevSendsWhatIsLeftWhenItEnds(t *testing.T) {
	rig.Slow(t)
	t.Parallel()
	c := collector.Start(t)
	s := rig.Start(t, rig.Options{Settings: map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": c.URL}})
	loggedIn(t, s)
	s.Process().Stop()
	if span := one(t, c, "POST /register"); span.Service != "postern" {
		t.Errorf("got %+v, want it of postern", span)
	}
	if got := c.Count("postern.events", "postern.event=sign_in.completed"); got != 1 {
		t.Errorf("got %d sign-ins, want 1", got)
	}
	nothingSecret(t, s, c)
}

func loggedIn(t *testing.T, s *rig.Server) *rig.App {
	t.Helper()
	a := rig.NewApp(s)
	if err := a.Register(t.Context(), nil); err != nil {
		t.Fatal(err)
	}
	if err := a.SignIn(t.Context(), s.Browser(a.Redirect), "octocat"); err != nil {
		t.Fatal(err)
	}
	return a
}

func one(t *testing.T, c *collector.Collector, name string) collector.Span {
	t.Helper()
	found := c.Named(name)
	if len(found) != 1 {
		var names []string
		for _, s := range c.Spans() {
			names = append(names, s.Name)
		}
		t.Fatalf("got %v, want one span %s", names, name)
	}
	return found[0]
}

// nothingSecret looks for every secret of the run in what was sent, and for the person.
func nothingSecret(t *testing.T, s *rig.Server, c *collector.Collector) {
	t.Helper()
	sent := c.Text()
	for _, leak := range s.Witness.Leaks(sent) {
		t.Errorf("got a secret in what was sent, %s; want none (LG-01)", leak)
	}
	if strings.Contains(sent, "octocat") {
		t.Error("got a login in what was sent, want none")
	}
	if sent == "" {
		t.Error("nothing was sent")
	}
}
