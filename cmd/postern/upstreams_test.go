package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"github.com/postern-dev/postern/cmd/postern/internal/cli"
	"github.com/postern-dev/postern/cmd/postern/internal/localkeys"
)

// Each server behind is asked as /mcp asks it, with the keys of the postern dev beside, and one
// that does not answer well is an error that says what to do.
func TestUpstreamsAreChecked(t *testing.T) {
	t.Parallel()
	data := t.TempDir()
	if err := localkeys.Dir(filepath.Join(data, "keys")).Ensure(false); err != nil {
		t.Fatal(err)
	}
	refuse := make(chan bool, 1)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case len(refuse) > 0:
			w.WriteHeader(http.StatusForbidden)
		case r.Method != http.MethodPost:
			w.WriteHeader(http.StatusMethodNotAllowed)
		default:
			w.Header().Set("Content-Type", "application/json")
			_, _ = io.WriteString(w, `{"jsonrpc":"2.0","id":1,"result":{"protocolVersion":"2025-06-18",`+
				`"serverInfo":{"name":"wiki","version":"1.2"}}}`)
		}
	}))
	t.Cleanup(server.Close)
	check := []string{"upstreams", "check", "--upstream", server.URL, "--data", data}
	said, _, err := run(t.Context(), check...)
	if err != nil || !strings.Contains(said, "ok") || !strings.Contains(said, server.URL+", MCP 2025-06-18, wiki 1.2") {
		t.Errorf("got %s, %v; want what the server is", said, err)
	}
	refuse <- true
	said, _, err = run(t.Context(), check...)
	if err == nil || !strings.Contains(said, "WRONG") || !strings.Contains(said, "do: see what its verifier wants") {
		t.Errorf("got %s, %v; want what to do", said, err)
	}
	server.Close()
	said, _, err = run(t.Context(), check...)
	if err == nil || !strings.Contains(said, "see that it runs") {
		t.Errorf("got %s, %v; want what to do", said, err)
	}
	if _, _, err := run(t.Context(), "upstreams", "check"); !cli.IsUsage(err) {
		t.Errorf("without a server: got %v, want that there is none", err)
	}
}
