package upstream_test

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/postern-dev/postern/shared/otlp"
	"github.com/postern-dev/postern/shared/telemetry"
	"github.com/postern-dev/postern/shared/upstream"
	"github.com/postern-dev/postern/test/kit/collector"
)

// What is asked of a provider is a span and a measure, without the path, which may name a
// person, and without a credential (LG-01).
func TestRequestsToAProviderAreSeen(t *testing.T) {
	c := collector.Start(t)
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", c.URL) // read by OpenTelemetry's SDK
	o, err := otlp.New(t.Context(), otlp.Options{
		Traces: true, Metrics: true, Service: "test", Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	defer o.Close()
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Traceparent") != "" {
			t.Error("the provider is told of our trace")
		}
		if strings.HasSuffix(r.URL.Path, "/none") {
			w.WriteHeader(http.StatusNotFound)
		}
	}))
	defer api.Close()
	gone := httptest.NewServer(http.NotFoundHandler())
	gone.Close()

	ctx := telemetry.Begin(t.Context(), "ID", telemetry.Trace{})
	telemetry.Observe(ctx, o)
	for _, address := range []string{api.URL + "/users/octocat", api.URL + "/users/octocat/none", gone.URL} {
		r, err := http.NewRequestWithContext(ctx, http.MethodGet, address+"?q=octocat", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Authorization", "Bearer canary")
		if resp, err := upstream.NewClient(nil).Do(r); err == nil {
			_ = resp.Body.Close()
		}
	}
	telemetry.Flush(ctx)
	for label, failed := range map[string]bool{
		"http.response.status_code=200": false, "http.response.status_code=404": true, "error.type=unreachable": true,
	} {
		if n := c.Count("http.client.request.duration", label, "server.address=127.0.0.1"); n != 1 {
			t.Errorf("%s: got %d, want 1", label, n)
		}
		found := 0
		for _, s := range c.Named("GET") {
			key, value, _ := strings.Cut(label, "=")
			if s.Attributes[key] == value && s.Failed == failed && s.Kind == "client" {
				found++
			}
		}
		if found != 1 {
			t.Errorf("%s: got %+v, want one such span, failed: %t", label, c.Named("GET"), failed)
		}
	}
	if sent := c.Text(); strings.Contains(sent, "octocat") || strings.Contains(sent, "canary") {
		t.Error("a person or a credential was sent")
	}
}
