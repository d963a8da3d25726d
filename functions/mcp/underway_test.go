package mcp

import (
	"net/http"
	"strings"
	"testing"
)

// A person may have so many requests and streams open at a time, by whichever clients, and is
// then told to end one; others come in, and so do they when one has ended (MP-28).
func TestAPersonHasSoManyStreamsOpen(t *testing.T) {
	t.Parallel()
	f := newEndpoint(t)
	began, end := make(chan bool), make(chan bool)
	got, _ := f.standBehind(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet {
			answerBehind(w, r)
			return
		}
		w.Header().Set("Content-Type", "text/event-stream")
		_ = http.NewResponseController(w).Flush()
		began <- true
		<-end
	})
	h := f.open(t)
	one, other := f.connect(t, "octocat", "One", nil).token, f.connect(t, "octocat", "Other", nil).token
	stream := func() *http.Request {
		r := request(t.Context(), one, "")
		r.Method = http.MethodGet
		return r
	}
	over := make(chan bool)
	for range maxUnderway {
		go func() {
			do(h, stream())
			over <- true
		}()
		<-began
		<-got
	}
	w := mustCode(t, h, request(t.Context(), other, listTools), http.StatusTooManyRequests)
	if w.Header().Get("Retry-After") == "" || !strings.Contains(w.Body.String(), "100 requests and streams open") {
		t.Errorf("got %v %s, want when to come again and why", w.Header(), w.Body)
	}
	mustCode(t, h, request(t.Context(), f.connect(t, "mona", "Client", nil).token, listTools), http.StatusOK)
	end <- true
	<-over
	mustCode(t, h, request(t.Context(), other, listTools), http.StatusOK)
	close(end)
	for range maxUnderway - 1 {
		<-over
	}
}
