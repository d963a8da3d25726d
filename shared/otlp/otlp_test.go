package otlp_test

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/postern-dev/postern/shared/edge"
	"github.com/postern-dev/postern/shared/origin"
	"github.com/postern-dev/postern/shared/otlp"
	"github.com/postern-dev/postern/shared/telemetry"
	"github.com/postern-dev/postern/test/kit/collector"
)

// OpenTelemetry's SDK reads the environment of the process, so the tests that set it run one
// after the other.

const (
	traceID = "4bf92f3577b34da6a3ce929d0e0e4736"
	spanID  = "00f067aa0ba902b7"
)

// observer sends to the collector at address.
func observer(t *testing.T, address string, change func(*otlp.Options)) *otlp.Observer {
	t.Helper()
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", address)
	o := otlp.Options{Traces: true, Metrics: true, Service: "test", Log: slog.New(slog.DiscardHandler)}
	if change != nil {
		change(&o)
	}
	b, err := otlp.New(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Close() })
	return b
}

// behindEdge is an endpoint that works for a while and says hello.
func behindEdge(t *testing.T, o telemetry.Observer, log *slog.Logger) http.Handler {
	t.Helper()
	issuer, err := origin.Parse("https://auth.example.com")
	if err != nil {
		t.Fatal(err)
	}
	mux := edge.NewMux()
	mux.Handle(http.MethodGet, "/hello", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, span := telemetry.Start(r.Context(), telemetry.KindStore, "get")
		span.Label("db.operation.name", "get")
		span.Label("a.key", "that no metric has")
		span.End("ok", "")
		telemetry.Audit(r.Context(), slog.New(slog.DiscardHandler), telemetry.TokenRefreshed)
		_, _ = io.WriteString(w, "hello")
	}))
	return edge.Wrap(mux, edge.Options{
		Deployment: edge.Deployment{Issuer: issuer, Observer: o, Log: log}, Endpoint: "test",
	})
}

func hello(t *testing.T, h http.Handler, headers ...string) {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/hello", nil)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	if w.Code != http.StatusOK || w.Body.String() != "hello" {
		t.Errorf("got %d %s, want hello", w.Code, w.Body)
	}
}

// When a function's answer ends, the collector has the request's spans and metrics, and they
// continue the caller's trace; the line points to them.
func TestWhatARequestDidIsSentBeforeItsAnswerEnds(t *testing.T) {
	c := collector.Start(t)
	t.Setenv("OTEL_EXPORTER_OTLP_HEADERS", "authorization=Bearer%20canary")
	t.Setenv("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=test,service.name=other")
	var lines bytes.Buffer
	h := behindEdge(t, observer(t, c.URL, nil), telemetry.NewLogger(&lines, nil, "my-project"))
	hello(t, h, "Traceparent", "00-"+traceID+"-"+spanID+"-01", "Tracestate", "vendor=1", "Baggage", "person=octocat")

	got := c.Named("GET /hello")
	if len(got) != 1 {
		t.Fatalf("got %+v, want one span GET /hello", c.Spans())
	}
	s := got[0]
	if s.Trace != traceID || s.Parent != spanID || s.State != "vendor=1" || s.Kind != "server" || s.Service != "other" {
		t.Errorf("got %+v, want it below the caller's span", s)
	}
	for key, want := range map[string]string{
		"http.route": "/hello", "http.request.method": "GET", "http.response.status_code": "200",
		"url.scheme": "https", "postern.endpoint": "test", "postern.outcome": "ok",
	} {
		if s.Attributes[key] != want {
			t.Errorf("%s: got %q, want %q", key, s.Attributes[key], want)
		}
	}
	if below := c.Named("get"); len(below) != 1 || below[0].Parent != s.ID || below[0].Trace != traceID {
		t.Errorf("got %+v, want the store's operation below %s", below, s.ID)
	}
	for metric, labels := range map[string][]string{
		"http.server.request.duration": {"http.route=/hello", "http.response.status_code=200", "postern.outcome=ok"},
		"db.client.operation.duration": {"db.operation.name=get"},
		"postern.events":               {"postern.event=token.refreshed"},
	} {
		if n := c.Count(metric, labels...); n != 1 {
			t.Errorf("%s %v: got %d, want 1", metric, labels, n)
		}
	}
	if n := c.Count("db.client.operation.duration", "a.key=that no metric has"); n != 0 {
		t.Error("a metric has a label that its row in telemetry.Metrics has not")
	}
	if line := lines.String(); !strings.Contains(line, `"logging.googleapis.com/spanId":"`+s.ID+`"`) {
		t.Errorf("got %s, want the span %s in it", line, s.ID)
	}
	if strings.Contains(c.Text(), "octocat") || strings.Contains(c.Text()+lines.String(), "canary") {
		t.Error("baggage of the caller, or the collector's credential, was sent or logged (LG-04)")
	}
	if got := c.Exports()[0].Get("Authorization"); got != "Bearer canary" {
		t.Errorf("credential: got %q, want that of OTEL_EXPORTER_OTLP_HEADERS", got)
	}
}

// A caller's trace that is not sampled is continued and not sent; metrics are.
func TestTheCallerDecidesWhetherThereIsATrace(t *testing.T) {
	c := collector.Start(t)
	hello(t, behindEdge(t, observer(t, c.URL, nil), nil), "Traceparent", "00-"+traceID+"-"+spanID+"-00")
	if got := c.Spans(); len(got) != 0 || c.Count("http.server.request.duration") != 1 {
		t.Errorf("got %+v, want metrics alone", got)
	}
}

// Requests that end together are all sent when the last one has ended.
func TestRequestsThatEndTogetherAreAllSent(t *testing.T) {
	c := collector.Start(t)
	h := behindEdge(t, observer(t, c.URL, nil), nil)
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() { hello(t, h) })
	}
	all.Wait()
	if got := len(c.Named("GET /hello")); got != 50 {
		t.Errorf("got %d spans, want 50", got)
	}
	if got := c.Count("http.server.request.duration"); got != 50 {
		t.Errorf("got a count of %d, want 50", got)
	}
}

// A collector that is not there, or does not answer, costs no answer; the one that does not
// answer is left alone after the first time, and the log says so once.
func TestADeadCollectorCostsNoAnswer(t *testing.T) {
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()
	asked := make(chan struct{}, 100)
	over := make(chan struct{})
	slow := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {
		asked <- struct{}{}
		<-over
	}))
	defer slow.Close()
	defer close(over)
	for name, address := range map[string]string{"not there": gone.URL, "does not answer": slow.URL} {
		t.Run(name, func(t *testing.T) {
			var lines bytes.Buffer
			log := telemetry.NewLogger(&lines, nil, "")
			h := behindEdge(t, observer(t, address, func(o *otlp.Options) { o.Log = log }), nil)
			for range 5 {
				hello(t, h)
			}
			if got := strings.Count(lines.String(), "telemetry was not sent"); got != 1 {
				t.Errorf("got %d lines %s, want one", got, lines.String())
			}
		})
	}
	if got := len(asked); got != 2 {
		t.Errorf("the collector was asked %d times, want twice: for traces and for metrics", got)
	}
}

// A program that goes on working keeps requests out of it, and sends the rest when it ends.
func TestAResidentProgramSendsByItself(t *testing.T) {
	c := collector.Start(t)
	b := observer(t, c.URL, func(o *otlp.Options) { o.Resident = true })
	hello(t, behindEdge(t, b, nil))
	if got := len(c.Exports()); got != 0 {
		t.Errorf("got %d exports within the request, want none", got)
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	if len(c.Named("GET /hello")) != 1 || c.Count("http.server.request.duration") != 1 {
		t.Errorf("got %+v, want the span and its metric", c.Spans())
	}
}

// A span below one that somebody else told links to the one that runs (SEP-414).
func TestASpanBelowAnothersIsLinkedToOurs(t *testing.T) {
	c := collector.Start(t)
	b := observer(t, c.URL, nil)
	ctx := telemetry.Begin(context.Background(), "ID", telemetry.Trace{})
	telemetry.Observe(ctx, b)
	ctx, request := telemetry.StartRequest(ctx, telemetry.KindRequest, "request")
	parent := telemetry.Trace{ID: traceID, Span: spanID, Sampled: true, State: "not \x00 a state"}
	below, call := telemetry.StartBelow(ctx, telemetry.KindCall, "call", parent)
	carried, state := telemetry.Carried(below)
	call.End("ok", "")
	request.End("ok", "")
	telemetry.Flush(ctx)
	s := c.Named("call")[0]
	if s.Trace != traceID || s.Parent != spanID || s.Link != c.Named("request")[0].ID {
		t.Errorf("got %+v, want it below the other's and linked to ours", s)
	}
	if want := "00-" + traceID + "-" + s.ID + "-01"; carried != want || state != "" {
		t.Errorf("got %q, %q; want %q and no state", carried, state, want)
	}
}

// The labels of a metric have a bound of their own.
func TestAMetricHasSoManySeries(t *testing.T) {
	c := collector.Start(t)
	b := observer(t, c.URL, func(o *otlp.Options) { o.Traces, o.Resident, o.Series = false, true, 20 })
	ctx := telemetry.Begin(context.Background(), "ID", telemetry.Trace{})
	telemetry.Observe(ctx, b)
	for i := range 25 {
		_, span := telemetry.Start(ctx, telemetry.KindStore, "get")
		span.Label("db.collection.name", strconv.Itoa(i))
		span.End("ok", "")
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	all, series := c.Count("db.client.operation.duration"), c.Series("db.client.operation.duration")
	if all != 25 || series != 20 {
		t.Errorf("got %d in %d series, want 25 in 20", all, series)
	}
}

// An environment that OpenTelemetry cannot use is an error of the start.
func TestABadEnvironmentIsAnError(t *testing.T) {
	t.Setenv("OTEL_RESOURCE_ATTRIBUTES", "no equals sign")
	_, err := otlp.New(t.Context(), otlp.Options{Traces: true, Log: slog.New(slog.DiscardHandler)})
	if err == nil {
		t.Error("got no error")
	}
}
