package main

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
)

// The author's program gets what came for /mcp as it came: path, host, credential.
func TestOwnToolsGetTheRequestAsItCame(t *testing.T) {
	t.Parallel()
	program := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, r.Host+" "+r.URL.Path+" "+r.Header.Get("Authorization"))
	}))
	defer program.Close()
	own, err := ownTools(program.URL, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "http://127.0.0.1:8085/mcp", nil)
	r.Header.Set("Authorization", "Bearer x")
	w := httptest.NewRecorder()
	own.ServeHTTP(w, r)
	if want := "127.0.0.1:8085 /mcp Bearer x"; w.Body.String() != want {
		t.Errorf("got %d %s, want %s", w.Code, w.Body, want)
	}
	program.Close()
	w = httptest.NewRecorder()
	own.ServeHTTP(w, r)
	if w.Code != http.StatusBadGateway {
		t.Errorf("program gone: got %d, want 502", w.Code)
	}
	for _, bad := range []string{"http://example.com", "x", "127.0.0.1:8080"} {
		if _, err := ownTools(bad, nil); err == nil {
			t.Errorf("%s: got no error, want one", bad)
		}
	}
}
