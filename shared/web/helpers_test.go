package web_test

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/postern-dev/postern/shared/telemetry"
	"github.com/postern-dev/postern/shared/web"
)

func origin(t testing.TB, s string) web.Origin {
	t.Helper()
	o, err := web.ParseOrigin(s)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

func edge(t testing.TB) web.Edge { return web.Edge{Issuer: origin(t, "https://auth.example.com")} }

// serve wraps h and gives it a request with these header lines ("Name: value").
func serve(h http.Handler, o web.Options, method, target, body string, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	for _, l := range headers {
		name, value, _ := strings.Cut(l, ": ")
		r.Header.Add(name, value)
	}
	w := httptest.NewRecorder()
	web.Wrap(h, o).ServeHTTP(w, r)
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
type logBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logBuffer) logger() *slog.Logger { return telemetry.NewLogger(l, slog.LevelDebug, "p") }

func (l *logBuffer) lines(t testing.TB) []map[string]any {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	var all []map[string]any
	for s := range strings.Lines(l.b.String()) {
		m := map[string]any{}
		if err := json.Unmarshal([]byte(s), &m); err != nil {
			t.Fatal(err)
		}
		all = append(all, m)
	}
	return all
}
