package mcp

import (
	"testing"
	"time"

	"github.com/postern-dev/postern/shared/accesstoken"
	"github.com/postern-dev/postern/shared/upstream"
)

// What is remembered of a grant decides for no token of it (RT-15). Each one is judged by its own
// audience, client, person, scopes and end.
func TestRememberedGrantVouchesForNoOtherToken(t *testing.T) {
	t.Parallel()
	f := newEndpoint(t)
	f.RevocationMaxAge = 24 * time.Hour
	h := f.open(t)
	conn := f.connect(t, "octocat", "Client", nil)
	mustCode(t, h, request(t.Context(), conn.token, listTools), 200)
	for name, c := range map[string]struct {
		change func(*accesstoken.Claims)
		want   int
	}{
		"nothing changed":   {func(*accesstoken.Claims) {}, 200},
		"another resource":  {func(c *accesstoken.Claims) { c.Audience = "https://other.example.com/mcp" }, 401},
		"another client":    {func(c *accesstoken.Claims) { c.ClientID = "c_other" }, 401},
		"another person":    {func(c *accesstoken.Claims) { c.Subject = "development:mona" }, 401},
		"without the scope": {func(c *accesstoken.Claims) { c.Scopes = nil }, 403},
	} {
		token := f.issue(t, conn.Grant, c.change)
		for range 2 { // the second time whatever could be remembered is
			if w := do(h, request(t.Context(), token, listTools)); w.Code != c.want {
				t.Errorf("%s: got %d %s, want %d", name, w.Code, w.Body, c.want)
			}
		}
	}
	f.Clock.Advance(time.Hour) // the token ends, what is remembered of its grant does not
	mustCode(t, h, request(t.Context(), conn.token, listTools), 401)
	mustCode(t, h, request(t.Context(), f.issue(t, conn.Grant), listTools), 200)
}

// A call is checked here (K3). The identity provider, which is not even there, is not asked.
func TestCallDoesNotAskTheIdentityProvider(t *testing.T) {
	t.Parallel()
	f := newEndpoint(t)
	f.Provider = struct{ upstream.Provider }{} // any call of it panics
	h := f.open(t)
	conn := f.connect(t, "octocat", "Client", nil)
	for _, body := range []string{initialize, listTools, whoAmI} {
		mustCode(t, h, request(t.Context(), conn.token, body), 200)
	}
}
