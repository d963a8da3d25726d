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
