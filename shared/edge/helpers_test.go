package edge_test

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/postern-dev/postern/shared/edge"
	"github.com/postern-dev/postern/shared/origin"
	"github.com/postern-dev/postern/shared/telemetry"
	"github.com/postern-dev/postern/test/kit/fixture"
)

func issuer(t testing.TB, s string) origin.Origin {
	t.Helper()
	o, err := origin.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func deployment(t testing.TB) edge.Deployment {
	return edge.Deployment{Issuer: issuer(t, "https://auth.example.com")}
}

// routes returns h itself if it is a Mux, or one that gives h everything.
func routes(h http.Handler) *edge.Mux {
	if m, ok := h.(*edge.Mux); ok {
		return m
	}
	return edge.Everything(h)
}

// serve wraps h and gives it a request with these header lines ("Name: value").
func serve(h http.Handler, o edge.Options, method, target, body string, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	for _, l := range headers {
		name, value, _ := strings.Cut(l, ": ")
		r.Header.Add(name, value)
	}
	w := httptest.NewRecorder()
	edge.Wrap(routes(h), o).ServeHTTP(w, r)
	return w
}

// errorOf reads an error as JSON.
func errorOf(t testing.TB, w *httptest.ResponseRecorder) (code, description, id string) {
	t.Helper()
	var e struct {
		Error       string `json:"error"`
		Description string `json:"error_description"`
		RequestID   string `json:"request_id"`
	}
	if err := json.Unmarshal(w.Body.Bytes(), &e); err != nil {
		t.Fatalf("body %q: %v", w.Body, err)
	}
	return e.Error, e.Description, e.RequestID
}

// A logBuffer holds the lines of a log.
type logBuffer struct{ fixture.Log }

func (l *logBuffer) logger() *slog.Logger { return telemetry.NewLogger(l, slog.LevelDebug, "p") }

func (l *logBuffer) lines(t testing.TB) []map[string]any {
	t.Helper()
	var all []map[string]any
	for s := range strings.Lines(l.String()) {
		m := map[string]any{}
		if err := json.Unmarshal([]byte(s), &m); err != nil {
			t.Fatal(err)
		}
		all = append(all, m)
	}
	return all
}
