package mcp

import (
	"net/http"
	"strings"
	"testing"

	"github.com/postern-dev/postern/shared/accesstoken"
	"github.com/postern-dev/postern/shared/oauth"
	"github.com/postern-dev/postern/shared/origin"
	"github.com/postern-dev/postern/shared/store"
)

// A page whose name was pointed at loopback reaches a server on plain http, so there, and there alone,
// pages of other origins are kept out before the token is looked at (MP-01, TRN-02).
func TestOnPlainHTTPOnlyPagesOfThisMachineMayCall(t *testing.T) {
	t.Parallel()
	const local = "http://127.0.0.1:8085"
	f := newEndpoint(t)
	var err error
	f.Config.Edge.Issuer, err = origin.Parse(local)
	must(t, err)
	h := f.open(t)
	here := func(c *store.Code) { c.Resource = local + oauth.MCPPath }
	token := f.issue(t, f.connect(t, "octocat", "Client", nil, here).Grant, func(c *accesstoken.Claims) {
		c.Issuer, c.Audience = local, local+oauth.MCPPath
	})
	for _, c := range []struct {
		host, origin string
		want         int
	}{
		{"127.0.0.1:8085", "", 200},
		{"localhost:8085", "", 200},
		{"127.0.0.1:8085", local, 200},
		{"127.0.0.1:8085", "http://localhost:6274", 200},
		{"127.0.0.1:8085", "http://127.0.0.1:6274", 200},
		{"127.0.0.1:8085", "http://evil.example:8085", 403},
		{"127.0.0.1:8085", "http://127.0.0.1.evil.example", 403},
		{"127.0.0.1:8085", "https://claude.ai", 403},
		{"127.0.0.1:8085", "null", 403},
		{"evil.example:8085", "", 421},
		{"evil.example:8085", "http://evil.example:8085", 421},
	} {
		for _, credential := range []string{token, ""} {
			r := request(t.Context(), credential, whoAmI)
			r.Host = c.host
			if c.origin != "" {
				r.Header.Set("Origin", c.origin)
			}
			want := c.want
			if want == 200 && credential == "" {
				want = 401
			}
			if w := do(h, r); w.Code != want {
				t.Errorf("Host %s, Origin %q, token %t: got %d %s, want %d",
					c.host, c.origin, credential != "", w.Code, w.Body, want)
			}
		}
	}
}

// A client of MCP looks for JSON-RPC in the answer to a message, whoever refuses it (HT-06, HT-11).
func TestRefusalsOfABodyAreJSONRPC(t *testing.T) {
	t.Parallel()
	f := newEndpoint(t)
	h := f.open(t)
	token := f.connect(t, "octocat", "Client", nil).token
	large := `{"jsonrpc":"2.0","id":1,"method":"` + strings.Repeat("x", maxBody) + `"}`
	chunked := request(t.Context(), token, large)
	chunked.ContentLength = -1
	for claim, c := range map[string]struct {
		r    *http.Request
		want int
	}{
		"announced too large":    {request(t.Context(), token, large), 413},
		"too large, unannounced": {chunked, 413},
		"too large, no token":    {request(t.Context(), "", large), 413},
		"encoded":                {request(t.Context(), token, whoAmI, "Content-Encoding", "gzip"), 415},
		"of another type":        {request(t.Context(), token, whoAmI, "Content-Type", "text/plain"), 415},
	} {
		a := answerOf(t, mustCode(t, h, c.r, c.want).Body)
		if a.Error == nil || a.Error.Code != -32600 || string(a.ID) != "null" {
			t.Errorf("%s: got %+v, want -32600 under null", claim, a)
		}
	}
}
