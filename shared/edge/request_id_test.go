package edge_test

import (
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/postern-dev/postern/shared/edge"
	"github.com/postern-dev/postern/shared/oauth"
	"github.com/postern-dev/postern/shared/pages"
)

// The trace by which a request that comes again is recognised is on the answer, where postern doctor
// can see it, and nothing is where there is none (I5).
func TestTheTraceIsOnTheAnswer(t *testing.T) {
	t.Parallel()
	ok := func(http.ResponseWriter, *http.Request) {}
	const id = "4bf92f3577b34da6a3ce929d0e0e4736"
	for header, want := range map[string]string{
		"Traceparent: 00-" + id + "-00f067aa0ba902b7-01": id,
		"X-Cloud-Trace-Context: " + id + "/1;o=1":        id,
		"Traceparent: 00-<script>":                       "",
		"X-Trace-Id: " + id:                              "",
	} {
		w := serve(http.HandlerFunc(ok), edge.Options{Deployment: deployment(t)}, "GET", "/", "", header)
		if got := w.Header().Get("X-Trace-Id"); got != want {
			t.Errorf("%s: got %q, want %q", header, got, want)
		}
	}
}

// What a person can send in, from a page or from JSON, is what the operator searches the log for
// (O6).
func TestOneRequestIDIsOnThePageInTheJSONAndInTheLog(t *testing.T) {
	t.Parallel()
	var log logBuffer
	e := deployment(t)
	e.Log = log.logger()
	refuse := pages.Errors(func(http.ResponseWriter, *http.Request) error {
		return oauth.Refuse(oauth.InvalidRequest, "state is missing")
	})
	seen := map[string]bool{}
	for _, accept := range []string{"text/html", "application/json"} {
		w := serve(refuse, edge.Options{Deployment: e, Answers: pages.Answers}, "GET", "/", "", "Accept: "+accept)
		id := w.Header().Get("X-Request-Id")
		if !strings.Contains(w.Body.String(), id) || seen[id] || len(id) != 16 {
			t.Errorf("%s: got id %q and body %s, want an id of its own in it", accept, id, w.Body)
		}
		seen[id] = true
	}
	for _, l := range log.lines(t) {
		if id, _ := l["request_id"].(string); !seen[id] || l["severity"] != slog.LevelInfo.String() {
			t.Errorf("got line %v, want one of %v", l, seen)
		}
	}
	if got := len(log.lines(t)); got != len(seen) {
		t.Errorf("got %d lines, want %d", got, len(seen))
	}
}
