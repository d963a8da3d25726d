package mcp

import (
	"context"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"testing"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"github.com/postern-dev/postern/shared/otlp"
	"github.com/postern-dev/postern/shared/store"
	"github.com/postern-dev/postern/shared/telemetry"
	"github.com/postern-dev/postern/test/kit/collector"
)

const (
	callersTrace = "4bf92f3577b34da6a3ce929d0e0e4736"
	callersSpan  = "00f067aa0ba902b7"
	messageTrace = "0af7651916cd43dd8448eb211c80319c"
	messageSpan  = "b7ad6b7169203331"
)

// observed lets a collector see the endpoint. OpenTelemetry's SDK reads the environment of the
// process, so the tests that call it run one after the other.
func (f *endpoint) observed(t *testing.T) *collector.Collector {
	t.Helper()
	c := collector.Start(t)
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", c.URL)
	o, err := otlp.New(t.Context(), otlp.Options{
		Traces: true, Metrics: true, Service: "test", Log: slog.New(slog.DiscardHandler),
	})
	must(t, err)
	t.Cleanup(func() { must(t, o.Close()) })
	f.Edge.Observer = o
	return c
}

func only(t *testing.T, c *collector.Collector, name string) collector.Span {
	t.Helper()
	found := c.Named(name)
	if len(found) != 1 {
		t.Fatalf("got %+v, want one span %s", c.Spans(), name)
	}
	return found[0]
}

// withMeta is a call of a tool whose message names its place in a trace (SEP-414).
func withMeta(name string) string {
	return strings.Replace(callOf(name), `"params":{`,
		`"params":{"_meta":{"traceparent":"00-`+messageTrace+`-`+messageSpan+`-01","tracestate":"a=b"},`, 1)
}

// A call is a span below the one that its message names, linked to that of its request, which
// is below the one of the request's header. What a tool does is below the call.
func TestACallContinuesTheTraceOfItsMessage(t *testing.T) {
	f := newEndpoint(t)
	c := f.observed(t)
	f.serve(NewTool(sdk.Tool{Name: "search"}, func(ctx context.Context, _ Caller, _ None) (text, error) {
		_, span := telemetry.Start(ctx, telemetry.KindStore, "get")
		span.End("ok", "")
		return text{}, nil
	}))
	conn := f.connect(t, "octocat", "Client", nil)
	mustCode(t, f.open(t), request(t.Context(), conn.token, withMeta("search"),
		"Traceparent", "00-"+callersTrace+"-"+callersSpan+"-01",
		"Mcp-Protocol-Version", "2025-06-18", "Mcp-Session-Id", "canary"), http.StatusOK)

	request, call, inside := only(t, c, "POST /mcp"), only(t, c, "tools/call search"), only(t, c, "get")
	switch {
	case request.Trace != callersTrace || request.Parent != callersSpan:
		t.Errorf("request: got %+v, want it below the caller's", request)
	case call.Trace != messageTrace || call.Parent != messageSpan || call.Link != request.ID || call.State != "a=b":
		t.Errorf("call: got %+v, want it below the message's, linked to %s", call, request.ID)
	case inside.Trace != messageTrace || inside.Parent != call.ID:
		t.Errorf("inside: got %+v, want it below the call", inside)
	case request.Attributes["postern.person"] != store.PersonDocument("development:octocat"):
		t.Errorf("request: got %v, want the person by hash", request.Attributes)
	}
	for key, want := range map[string]string{
		"mcp.method.name": "tools/call", "gen_ai.tool.name": "search", "gen_ai.operation.name": "execute_tool",
		"jsonrpc.request.id": "1", "mcp.protocol.version": "2025-06-18", "postern.outcome": "ok",
	} {
		if got := call.Attributes[key]; got != want {
			t.Errorf("%s: got %q, want %q", key, got, want)
		}
	}
	if n := c.Count("mcp.server.operation.duration", "gen_ai.tool.name=search", "postern.outcome=ok"); n != 1 {
		t.Errorf("got %d calls of the tool, want 1", n)
	}
	if sent := c.Text(); strings.Contains(sent, "canary") || strings.Contains(sent, "octocat") ||
		strings.Contains(sent, conn.token) {
		t.Error("a session's id, a login or a token was sent (LG-01)")
	}
}

// Without a place of its own a call is below its request.
func TestACallIsBelowItsRequest(t *testing.T) {
	f := newEndpoint(t)
	c := f.observed(t)
	f.serve(fine)
	mustCode(t, f.open(t), request(t.Context(), f.connect(t, "octocat", "Client", nil).token, callOf("fine")), 200)
	if request, call := only(t, c, "POST /mcp"), only(t, c, "tools/call fine"); call.Parent != request.ID {
		t.Errorf("got %+v, want it below %s", call, request.ID)
	}
}

// The server behind is told the span that waits for it, and the message as it came.
func TestTheServerBehindContinuesTheTrace(t *testing.T) {
	f := newEndpoint(t)
	c := f.observed(t)
	got, at := f.standBehind(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(`{"jsonrpc":"2.0","id":1,"result":{"content":[],"isError":true}}`))
	})
	token := f.connect(t, "octocat", "Client", nil).token
	mustCode(t, f.open(t), request(t.Context(), token, withMeta("search"),
		"Traceparent", "00-"+callersTrace+"-"+callersSpan+"-01", "Tracestate", "caller=1"), http.StatusOK)
	call, fetch, reached := only(t, c, "tools/call search"), only(t, c, "POST"), <-got
	if fetch.Parent != call.ID || !call.Failed || call.Attributes["error.type"] != "tool_error" {
		t.Errorf("got %+v below %+v, want the request to the server below the failed call", fetch, call)
	}
	asked := []string{"server.address=127.0.0.1", "http.response.status_code=200"}
	if n := c.Count("http.client.request.duration", asked...); n != 1 {
		t.Errorf("got %d requests to that server, want 1", n)
	}
	if want := "00-" + messageTrace + "-" + fetch.ID + "-01"; reached.header.Get("Traceparent") != want {
		t.Errorf("traceparent: got %q, want %q", reached.header.Get("Traceparent"), want)
	}
	if state := reached.header.Get("Tracestate"); state != "a=b" || !strings.Contains(reached.body, messageSpan) {
		t.Errorf("got the state %q and %s, want the message's", state, reached.body)
	}
	failed := []string{"postern.upstream=" + nameOf(at), "postern.outcome=tool_error"}
	if n := c.Count("mcp.server.operation.duration", failed...); n != 1 {
		t.Errorf("got %d failed calls of that server, want 1", n)
	}
}

// Names that clients invent make no series and no names of spans.
func TestInventedNamesAreOneLabel(t *testing.T) {
	f := newEndpoint(t)
	c := f.observed(t)
	f.serve(fine)
	h := f.open(t)
	token := f.connect(t, "octocat", "Client", nil).token
	for i := range 20 {
		n := strconv.Itoa(i)
		mustCode(t, h, request(t.Context(), token, callOf("none"+n)), http.StatusOK)
		unknown := strings.Replace(listTools, "tools/list", "made/"+n, 1)
		mustCode(t, h, request(t.Context(), token, unknown), http.StatusOK)
	}
	if n := c.Series("mcp.server.operation.duration"); n != 2 {
		t.Errorf("got %d series, want 2: an unknown tool, an unknown method", n)
	}
	if spans := c.Named("tools/call"); len(spans) != 20 {
		t.Errorf("got %d spans tools/call, want 20", len(spans))
	}
}

// Of the names that a server behind answers to there are so many.
func TestNamesAreBounded(t *testing.T) {
	t.Parallel()
	var s nameSet
	for i := range 2 * maxNames {
		want := strconv.Itoa(i)
		if i >= maxNames {
			want = otherLabel
		}
		if got := s.label(strconv.Itoa(i), true); got != want {
			t.Fatalf("name %d: got %s, want %s", i, got, want)
		}
	}
	if got := s.label("7", false); got != "7" {
		t.Errorf("got %s, want a name that was there before", got)
	}
}

// A code of JSON-RPC or MCP is a label, one that a tool invents is not.
func TestCodesAreFew(t *testing.T) {
	t.Parallel()
	for code, want := range map[int64]string{
		-32700: "-32700", -32600: "-32600", -32603: "-32603", -32000: "-32000", -32099: "-32099",
		-32604: otherLabel, -32100: otherLabel, 1: otherLabel, -31999: otherLabel,
	} {
		if got := codeLabel(code); got != want {
			t.Errorf("%d: got %s, want %s", code, got, want)
		}
	}
}
