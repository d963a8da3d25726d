package authorize

import (
	"net/http"
	"testing"
)

// The cost budget of design.md: GET 1 read, consent 0, callback 1 read and 1 commit.
func TestCost(t *testing.T) {
	t.Parallel()
	once := func(f *endpoint) { f.Memory.RunOnce() }
	s := serve(t, once)
	for _, round := range []string{"first", "second"} { // the first login also marks the client as used
		b := s.browser(loopbackURI)
		p := get(t, b, s.request(), http.StatusOK)
		s.wantCost(t, round+" GET", 1, 0)
		p = press(t, b, p, "decision=approve")
		s.wantCost(t, round+" approve", 0, 0)
		p, err := b.Continue(t.Context(), p, "octocat")
		must(t, err)
		parameters(t, p.Redirect)
		s.wantCost(t, round+" callback", 1, 1)
	}
	f := open(t, https, once)
	f.post(t, f.show(t), "deny")
	f.Cost.Take()
	f.post(t, f.show(t), "deny")
	(&server{endpoint: f}).wantCost(t, "page and deny", 1, 0)
	f.send(t, http.MethodGet, f.request("client_id", ""), "")
	f.send(t, http.MethodGet, f.request("state", "x")+"&state=y", "")
	(&server{endpoint: f}).wantCost(t, "syntax errors", 0, 0) // AV-03
}
