package main

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
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

// The program of --tools gets a request when all of it is there: an answer that comes before
// the end of the body would be cut off on its way back.
func TestAnAuthorsProgramGetsWholeRequests(t *testing.T) {
	t.Parallel()
	const text = `{"jsonrpc":"2.0"}`
	body := io.MultiReader(strings.NewReader(text)) // whose length nobody knows
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/mcp", body)
	whole(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		rest, err := io.ReadAll(body)
		if err != nil || len(rest) > 0 {
			t.Errorf("got %q of the body unread, %v; want nothing", rest, err)
		}
		if got, err := io.ReadAll(r.Body); string(got) != text || r.ContentLength != int64(len(text)) {
			t.Errorf("got %q of %d bytes, %v; want %q", got, r.ContentLength, err, text)
		}
	})).ServeHTTP(httptest.NewRecorder(), r)
}
