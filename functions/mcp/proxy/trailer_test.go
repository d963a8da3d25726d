package proxy

import (
	"io"
	"net/http"
	"strings"
	"testing"
)

// A header that a client sends after its body goes on as little as one before it: a server that
// takes trailers for headers would believe who calls (MP-18).
func TestNoTrailerGoesOn(t *testing.T) {
	t.Parallel()
	got := make(chan *http.Request, 1)
	front, errs := stand(t, 0, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		got <- r
		answering(http.StatusOK, "application/json", answered)(w, r)
	})
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, front.URL,
		struct{ io.Reader }{strings.NewReader(call)})
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Trailer = http.Header{"X-Forwarded-User": {"github:1"}}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if err := <-errs; err != nil || res.StatusCode != http.StatusOK {
		t.Fatalf("got %d, %v", res.StatusCode, err)
	}
	if r := <-got; len(r.Trailer) > 0 || r.Header.Get("Trailer") != "" {
		t.Errorf("got the trailer %v at the server behind, want none", r.Trailer)
	}
}
