package edge_test

import (
	"encoding/json"
	"log/slog"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/postern-dev/postern/shared/telemetry"
	"github.com/postern-dev/postern/test/kit/edgetest"
	"github.com/postern-dev/postern/test/kit/fixture"
)

// What these tests share with those of pages.
var (
	issuer     = edgetest.Origin
	deployment = edgetest.Deployment
	routes     = edgetest.Routes
	serve      = edgetest.Serve
)

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
